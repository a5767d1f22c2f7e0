"""Every metric there is. Jobs, the control plane, its /metrics, the dashboards and the alarms read these lines."""

from typing import Final

from pipeline.metrics.metric import Metric

_TO_HOURS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 4 * 3600.0)

# What is so now: read from the rows once a minute, by each process of the API alike.
JOBS: Final = Metric(
    "academy_jobs",
    "gauge",
    "Count",
    "control_plane",
    "jobs that have not ended, by kind and state",
    dimensions=("kind", "state"),
)
OLDEST_WAITING: Final = Metric(
    "academy_oldest_waiting_seconds",
    "gauge",
    "Seconds",
    "control_plane",
    "how long the job that has waited longest has been waiting for a machine; 0 where none waits",
    dimensions=("kind",),
)
SILENT_JOBS: Final = Metric(
    "academy_silent_jobs",
    "gauge",
    "Count",
    "control_plane",
    "rows of jobs that nobody has taken, or that have heard nothing, for longer than their state may last",
)

# What has happened to jobs: told once, after the commit of what it led to.
JOBS_ENDED: Final = Metric(
    "academy_jobs_ended_total",
    "counter",
    "Count",
    "control_plane",
    "jobs that ended: succeeded, refused (the upload is to blame), failed (we are) or cancelled",
    dimensions=("kind", "result"),
)
JOB_FAILURES: Final = Metric(
    "academy_job_failures_total",
    "counter",
    "Count",
    "control_plane",
    "jobs that ended without a result, by reason code",
    dimensions=("kind", "reason"),
)
SPOT_RECLAIMS: Final = Metric(
    "academy_spot_reclaims_total",
    "counter",
    "Count",
    "control_plane",
    "attempts whose machine was taken from them: told to stop, or reported lost with their host",
    dimensions=("kind",),
)
QUEUE_SECONDS: Final = Metric(
    "academy_queue_seconds",
    "distribution",
    "Seconds",
    "control_plane",
    "from a job's row to the start of its first attempt",
    dimensions=("kind",),
    buckets=_TO_HOURS,
)
ATTEMPT_SECONDS: Final = Metric(
    "academy_attempt_seconds",
    "distribution",
    "Seconds",
    "control_plane",
    "from an attempt's start to its end, however it ended: what a machine is paid for",
    dimensions=("kind",),
    buckets=_TO_HOURS,
)
STEP_SECONDS: Final = Metric(
    "academy_step_seconds",
    "distribution",
    "Seconds",
    "control_plane",
    "each step of the attempts that succeeded",
    dimensions=("kind", "step"),
    buckets=(0.1, 0.5, *_TO_HOURS),
)
SOURCE_SECONDS: Final = Metric(
    "academy_source_seconds",
    "distribution",
    "Seconds",
    "control_plane",
    "how long the videos play that became READY",
    buckets=(*_TO_HOURS, 8 * 3600.0),
)
REAL_TIME_FACTOR: Final = Metric(
    "academy_real_time_factor",
    "distribution",
    "None",
    "control_plane",
    "seconds of source that the whole ladder encodes in a second: above 1 it is faster than the lecture plays",
    buckets=(0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0),
)
SHEETS: Final = Metric(
    "academy_sheets_total",
    "counter",
    "Count",
    "control_plane",
    "pages of answer sheets: read, or refused",
    dimensions=("result",),
)
SHEETS_TO_REVIEW: Final = Metric(
    "academy_sheets_to_review_total",
    "counter",
    "Count",
    "control_plane",
    "pages that were read, and that a person has to look at",
)

# The API, as its callers see it: people below /api, jobs below /api/v1/internal.
API_SECONDS: Final = Metric(
    "academy_api_seconds",
    "distribution",
    "Seconds",
    "control_plane",
    "how long a request took, until its last byte",
    dimensions=("caller",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0),
)
API_ERRORS: Final = Metric(
    "academy_api_errors_total",
    "counter",
    "Count",
    "control_plane",
    "requests that were answered 5xx, or not to their end",
    dimensions=("caller",),
)

# What only the job itself can see, once an attempt. The control plane is told, for its /metrics.
SCRATCH_USED: Final = Metric(
    "academy_scratch_used_percent",
    "distribution",
    "Percent",
    "job",
    "the fullest that the disk below an attempt's scratch folder was",
    dimensions=("kind",),
    buckets=(10.0, 25.0, 50.0, 75.0, 85.0, 95.0, 100.0),
)
PEAK_MEMORY: Final = Metric(
    "academy_peak_memory_bytes",
    "distribution",
    "Bytes",
    "job",
    "the most memory that one process of an attempt held",
    dimensions=("kind",),
    buckets=tuple(float(2**exponent) for exponent in range(26, 35)),
)
CPU_SECONDS: Final = Metric(
    "academy_cpu_seconds",
    "distribution",
    "Seconds",
    "job",
    "CPU time of an attempt, with its children",
    dimensions=("kind",),
    buckets=_TO_HOURS,
)

METRICS: Final[tuple[Metric, ...]] = (
    JOBS,
    OLDEST_WAITING,
    SILENT_JOBS,
    JOBS_ENDED,
    JOB_FAILURES,
    SPOT_RECLAIMS,
    QUEUE_SECONDS,
    ATTEMPT_SECONDS,
    STEP_SECONDS,
    SOURCE_SECONDS,
    REAL_TIME_FACTOR,
    SHEETS,
    SHEETS_TO_REVIEW,
    API_SECONDS,
    API_ERRORS,
    SCRATCH_USED,
    PEAK_MEMORY,
    CPU_SECONDS,
)
