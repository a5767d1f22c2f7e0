"""The API and the servers behind it."""

from aws_cdk import Fn
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_rds as rds

from cdk.connections import BUDGET, MAX_CONNECTIONS
from cdk.observability.figures import FIVE_MINUTES, MINUTE, Figures, graph
from pipeline.metrics.catalog import API_ERRORS, API_SECONDS

CALLERS = ("people", "jobs")


def api_row(figures: Figures, balancer: elb.ApplicationLoadBalancer) -> list[cloudwatch.IWidget]:
    latency = [
        figures.of(API_SECONDS, percentile, caller=caller) for caller in CALLERS for percentile in ("p50", "p95")
    ]
    requests = [figures.of(API_SECONDS, "SampleCount", label=caller, caller=caller) for caller in CALLERS]
    errors = [figures.of(API_ERRORS, "Sum", label=caller, caller=caller) for caller in CALLERS]
    unanswered = balancer.metrics.http_code_elb(
        elb.HttpCodeElb.ELB_5XX_COUNT, label="never reached the API", statistic="Sum", period=FIVE_MINUTES
    )
    return [
        graph("API latency", latency, unit="seconds"),
        graph("API requests", requests, unit="requests", stacked=True),
        graph("API errors (5xx)", [*errors, unanswered], unit="requests", stacked=True),
    ]


def data_row(database: rds.IDatabaseInstance, cache: elasticache.CfnReplicationGroup) -> list[cloudwatch.IWidget]:
    """The first node of the cache is its primary, unless that has failed over."""
    connections = database.metric_database_connections(statistic="Maximum", period=MINUTE, label="open")
    node = {"CacheClusterId": Fn.join("", [cache.ref, "-001"]), "CacheNodeId": "0001"}
    memory = cloudwatch.Metric(
        namespace="AWS/ElastiCache",
        metric_name="DatabaseMemoryUsagePercentage",
        dimensions_map=node,
        statistic="Maximum",
        period=MINUTE,
        label="in use",
    )
    free = database.metric_free_storage_space(statistic="Minimum", period=FIVE_MINUTES, label="free")
    limits = [
        cloudwatch.HorizontalAnnotation(value=BUDGET, label="what may be open at once"),
        cloudwatch.HorizontalAnnotation(value=MAX_CONNECTIONS, label="max_connections"),
    ]
    return [
        graph("RDS connections", [connections], unit="connections", left_annotations=limits),
        graph("Redis memory", [memory], unit="percent"),
        graph("RDS disk", [free], unit="bytes"),
    ]
