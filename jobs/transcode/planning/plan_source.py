"""Looks at a fetched source and plans what becomes of it: the same plan, whoever makes it of the same bytes."""

from collections.abc import Callable
from pathlib import Path

from jobs.transcode.planning.difficulty import measure_difficulty, sampling_soon
from jobs.transcode.planning.ladder import sides_to_judge
from jobs.transcode.planning.plan import Plan, plan_transcode
from pipeline.contracts.transcode import TranscodeSpec
from pipeline.media.facts import SourceFacts
from pipeline.media.probe import ProbeLimits, probe_file

# Reading all packets of a 12 h recording from a slow disk; a probe over the network has seconds.
PROBE_TIMEOUT_S = 600.0


def plan_source(
    spec: TranscodeSpec, source: Path, *, once_probed: Callable[[SourceFacts], object] = lambda _: None
) -> Plan:
    """Raises what `probe_file` raises. Its samples are encoded on the CPU with fixed options, wherever it runs.

    `once_probed` is called before the samples are taken: of two cores one has nothing to do from then on.
    """
    # What loads while something else works costs nobody any waiting.
    with sampling_soon():
        facts = probe_file(source, ProbeLimits.of(spec.limits, timeout_s=PROBE_TIMEOUT_S))
        once_probed(facts)
        sides = sides_to_judge(spec.ladder, facts.video)
        difficulty = measure_difficulty(source, facts.video, sides=sides, limits=spec.limits)
    return plan_transcode(spec, facts, difficulty)
