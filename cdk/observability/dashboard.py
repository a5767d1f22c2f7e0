"""The one page that an operator looks at: alarms, jobs, speed and cost, sheets, servers."""

from collections.abc import Sequence

from aws_cdk import Aws
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from cdk.cache import Cache
from cdk.database import Database
from cdk.environments import Environment
from cdk.events import Events
from cdk.load_balancer import LoadBalancer
from cdk.observability.cost import cost_per_source_hour
from cdk.observability.figures import DAY, Figures
from cdk.observability.jobs import machine_row, queue_row, speed, state_row, step_row, trouble_row
from cdk.observability.servers import api_row, data_row
from cdk.observability.sheets import sheet_row

# How far back the page looks when it is opened.
SHOWN = DAY


class Dashboard(Construct):
    """`url` opens it in AWS' console, for whoever may look there."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        environment: Environment,
        *,
        alarms: Sequence[cloudwatch.Alarm],
        balancer: LoadBalancer,
        database: Database,
        cache: Cache,
        events: Events,
    ) -> None:
        super().__init__(scope, name)
        figures = Figures(environment.metrics_namespace)
        dashboard = cloudwatch.Dashboard(
            self,
            "Page",
            dashboard_name=environment.prefix,
            default_interval=SHOWN,
            # Else CloudWatch takes a period of its own choice, and what says that it is by hour, or by day, is not.
            period_override=cloudwatch.PeriodOverride.INHERIT,
        )
        for row in (
            [cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=24, height=3)],
            state_row(figures),
            queue_row(figures, events.queue),
            [speed(figures), cost_per_source_hour(figures, environment.gpu_instance_types)],
            step_row(figures),
            trouble_row(figures),
            machine_row(figures),
            sheet_row(figures),
            api_row(figures, balancer.balancer),
            data_row(database.instance, cache.group),
        ):
            dashboard.add_widgets(*row)
        self.url = (
            f"https://{Aws.REGION}.console.aws.amazon.com/cloudwatch/home?region={Aws.REGION}"
            f"#dashboards:name={environment.prefix}"
        )
