"""What wakes a person: work that does not move, work that fails, news that gets lost, disks that fill."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_rds as rds
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk.environments import Environment
from cdk.observability.figures import FIVE_MINUTES, HOUR, MINUTE, Figures
from pipeline.contracts.envelope import JobKind
from pipeline.metrics.catalog import JOBS_ENDED, OLDEST_WAITING, SCRATCH_USED, SILENT_JOBS

# A machine is there within minutes; after this, Spot and on demand both have none, or a queue is blocked.
WAITED_S = 1800
# Of the jobs of an hour, where there are enough of them to speak of a rate. Refused uploads are not ours.
FAILURE_PERCENT, ENOUGH_JOBS = 10, 5
# RDS grows its disk by itself below a tenth; when it cannot, there are days left.
DATABASE_FREE_BYTES = 2 * 1024**3
SCRATCH_PERCENT = 90

_ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
_FINE = cloudwatch.TreatMissingData.NOT_BREACHING


class Alarms(Construct):
    """`all` of them tell the topic when they begin and when they end."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        environment: Environment,
        *,
        topic: sns.ITopic,
        dead_letters: sqs.IQueue,
        database: rds.IDatabaseInstance,
    ) -> None:
        super().__init__(scope, name)
        self._prefix = environment.prefix
        self._figures = Figures(environment.metrics_namespace)
        self.all = [
            *(self._oldest_waiting(kind) for kind in JobKind),
            self._failure_rate(),
            self._dead_letters(dead_letters),
            self._silence(),
            self._database_disk(database),
            *(self._scratch(kind) for kind in JobKind),
        ]
        action = actions.SnsAction(topic)
        for alarm in self.all:
            alarm.add_alarm_action(action)
            alarm.add_ok_action(action)

    def _alarm(
        self,
        name: str,
        description: str,
        metric: cloudwatch.IMetric,
        *,
        threshold: float,
        periods: int = 1,
        operator: cloudwatch.ComparisonOperator = _ABOVE,
        missing: cloudwatch.TreatMissingData = _FINE,
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            name.title().replace("-", "").replace("_", ""),
            alarm_name=f"{self._prefix}-{name}",
            alarm_description=description,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=operator,
            treat_missing_data=missing,
        )

    def _oldest_waiting(self, kind: JobKind) -> cloudwatch.Alarm:
        return self._alarm(
            f"oldest-waiting-{kind}",
            f"A job ({kind}) has waited half an hour for a machine. `academy jobs stuck` says why, a tenant at a time.",
            self._figures.of(OLDEST_WAITING, "Maximum", period=MINUTE, kind=kind),
            threshold=WAITED_S,
            periods=5,
        )

    def _failure_rate(self) -> cloudwatch.Alarm:
        counts = {
            f"{result}{number}": self._figures.of(JOBS_ENDED, "Sum", period=HOUR, kind=kind, result=result)
            for number, kind in enumerate(JobKind)
            for result in ("succeeded", "failed")
        }
        # A result that did not happen has no data.
        failed = " + ".join(f"FILL({name}, 0)" for name in counts if name.startswith("failed"))
        ended = " + ".join(f"FILL({name}, 0)" for name in counts)
        rate = cloudwatch.MathExpression(
            expression=f"IF(({ended}) >= {ENOUGH_JOBS}, 100 * ({failed}) / ({ended}), 0)",
            using_metrics=counts,
            period=HOUR,
            label="jobs that failed, in percent",
        )
        return self._alarm(
            "failure-rate",
            f"More than {FAILURE_PERCENT} % of an hour's jobs failed, through no fault of what was uploaded.",
            rate,
            threshold=FAILURE_PERCENT,
        )

    def _dead_letters(self, queue: sqs.IQueue) -> cloudwatch.Alarm:
        return self._alarm(
            "dead-letters",
            "Events of Batch that could not be worked on. The sweep has found what they said; look why.",
            queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=FIVE_MINUTES),
            threshold=0,
        )

    def _silence(self) -> cloudwatch.Alarm:
        return self._alarm(
            "silent-jobs",
            "Rows of jobs that nobody takes, or speaks of, for longer than they may last; or no API tells any figures.",
            self._figures.of(SILENT_JOBS, "Maximum", period=FIVE_MINUTES),
            threshold=0,
            periods=3,
            # Told every minute: where it is missing, the control plane is away.
            missing=cloudwatch.TreatMissingData.BREACHING,
        )

    def _database_disk(self, database: rds.IDatabaseInstance) -> cloudwatch.Alarm:
        return self._alarm(
            "database-disk",
            "Postgres has less than 2 GiB of disk left, and RDS has not made it larger.",
            database.metric_free_storage_space(statistic="Minimum", period=FIVE_MINUTES),
            threshold=DATABASE_FREE_BYTES,
            periods=3,
            operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
        )

    def _scratch(self, kind: JobKind) -> cloudwatch.Alarm:
        return self._alarm(
            f"job-disk-{kind}",
            f"The disk below a job ({kind}) was nearly full; its size is in cdk/compute.py.",
            self._figures.of(SCRATCH_USED, "Maximum", period=FIVE_MINUTES, kind=kind),
            threshold=SCRATCH_PERCENT,
        )
