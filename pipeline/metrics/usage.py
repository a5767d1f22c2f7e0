"""What an attempt took of its machine, in figures: the job writes them to its log, the control plane shows them."""

from pipeline.contracts.envelope import JobKind, Usage
from pipeline.metrics.catalog import CPU_SECONDS, PEAK_MEMORY, SCRATCH_USED
from pipeline.metrics.metric import Measurement


def figures_of_usage(kind: JobKind, usage: Usage) -> tuple[Measurement, ...]:
    return (
        SCRATCH_USED.of(usage.scratch_used_percent, kind=kind),
        PEAK_MEMORY.of(usage.peak_memory_bytes, kind=kind),
        CPU_SECONDS.of(usage.cpu_s, kind=kind),
    )
