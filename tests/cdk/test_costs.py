"""What `academy cost` counts as there all month is what the stack makes."""

from collections.abc import Mapping

import pytest

from cdk import consumer, control_plane, environments
from cdk.connections import CONSUMER_TASKS
from pipeline.costs.month import ALARM_METRICS, Workload, estimate
from pipeline.costs.stages import STAGES, Task
from tests.cdk.conftest import Synthesized
from tests.cdk.test_observability import lines_of, lines_of_alarm, page


@pytest.mark.parametrize("name", environments.STAGES)
def test_a_stages_sizes_are_those_of_its_environment(name: str):
    stage, environment = STAGES[name], environments.STAGES[name]
    assert stage.database_instance == environment.database_instance
    assert stage.database_zones == (2 if environment.database_multi_az else 1)
    assert (stage.cache_node, stage.cache_nodes) == (environment.cache_node, environment.cache_nodes)
    assert stage.endpoint_zones == environment.endpoint_zones
    assert stage.gpu_instance_types == environment.gpu_instance_types
    assert stage.cpu_instance_types == environment.cpu_instance_types
    assert stage.tasks == (
        Task("control plane", environment.tasks.least, control_plane.VCPUS, control_plane.MEMORY_MIB / 1024),
        Task("consumer of events", CONSUMER_TASKS, consumer.VCPUS, consumer.MEMORY_MIB / 1024),
    )


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_stages_counts_are_those_of_its_template(variants: Mapping[str, Synthesized], name: str):
    stage, made = STAGES[name], variants[name]
    endpoints = made.resources("AWS::EC2::VPCEndpoint").values()
    assert len([e for e in endpoints if e.get("VpcEndpointType") == "Interface"]) == stage.endpoints
    assert len(made.resources("AWS::SecretsManager::Secret")) == stage.secrets
    assert len(made.resources("AWS::KMS::Key")) == stage.keys
    watched = [line for alarm in made.resources("AWS::CloudWatch::Alarm").values() for line in lines_of_alarm(alarm)]
    assert len(watched) == ALARM_METRICS
    shown = {repr(line) for widget in page(made) for line in lines_of(widget)}
    assert len(shown) > 50, "so few metrics on a page are free"
    (database,) = made.resources("AWS::RDS::DBInstance").values()
    assert int(database["AllocatedStorage"]) == stage.database_gb
    (balancer,) = made.resources("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    assert len(balancer["Subnets"]) == stage.public_addresses


def test_every_type_of_a_stage_has_a_price():
    workload = Workload(hours=1, lectures=1, minutes_a_video=60, sheets=1, sheets_a_job=1)
    for stage in STAGES.values():
        for instance in stage.gpu_instance_types:
            assert estimate(workload, stage, instance=instance, market="spot").total_usd > 0
