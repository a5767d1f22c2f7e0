"""What the container runs, of one process or as a part: see `__main__`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs.transcode.job import transcode
from jobs.transcode.parts.part_job import transcode_part
from pipeline.contracts.envelope import JobKind
from pipeline.contracts.transcode import STEPS, TranscodeOutcome, TranscodeSpec
from pipeline.contracts.transcode_part import PART_STEPS, PartOutcome, PartSpec
from pipeline.execution.job_environment import ARRAY_INDEX
from pipeline.execution.job_program import JobProgram, source_of_file


def spec_for_file(file: Path, fields: Mapping[str, Any]) -> TranscodeSpec:
    """A run by hand belongs to no video of the product."""
    return TranscodeSpec.model_validate({"video_id": "by-hand", "source": source_of_file(file), **fields})


TRANSCODE = JobProgram(
    kind=JobKind.TRANSCODE,
    spec_type=TranscodeSpec,
    outcome_type=TranscodeOutcome,
    steps=STEPS,
    run=transcode,
    spec_for_file=spec_for_file,
)


def part_spec_for_file(file: Path, fields: Mapping[str, Any]) -> PartSpec:
    """By hand `parts` is among the fields."""
    part = {"video_id": "by-hand", "source": source_of_file(file), "part": os.environ[ARRAY_INDEX], **fields}
    return PartSpec.model_validate(part)


PART = JobProgram(
    kind=JobKind.TRANSCODE,
    spec_type=PartSpec,
    outcome_type=PartOutcome,
    steps=PART_STEPS,
    run=transcode_part,
    spec_for_file=part_spec_for_file,
    shown_as=(STEPS, STEPS[3]),
)
