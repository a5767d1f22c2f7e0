"""Looks at a fetched source and plans what becomes of it: the same plan, whoever makes it of the same bytes."""

from pathlib import Path

from jobs.transcode.difficulty import measure_difficulty
from jobs.transcode.ladder import sides_to_judge
from jobs.transcode.plan import Plan, plan_transcode
from pipeline.contracts.transcode import TranscodeSpec
from pipeline.media.probe import ProbeLimits, probe_file

# Reading all packets of a 12 h recording from a slow disk; a probe over the network has seconds.
PROBE_TIMEOUT_S = 600.0


def plan_source(spec: TranscodeSpec, source: Path) -> Plan:
    """Raises what `probe_file` raises. Its samples are encoded on the CPU with fixed options, wherever it runs."""
    facts = probe_file(source, ProbeLimits.of(spec.limits, timeout_s=PROBE_TIMEOUT_S))
    sides = sides_to_judge(spec.ladder, facts.video)
    difficulty = measure_difficulty(source, facts.video, sides=sides, limits=spec.limits)
    return plan_transcode(spec, facts, difficulty)
