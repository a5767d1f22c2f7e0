"""`python -m jobs.transcode`: what the container runs."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs.transcode.job import transcode
from pipeline.contracts.envelope import JobKind
from pipeline.contracts.transcode import STEPS, TranscodeOutcome, TranscodeSpec
from pipeline.execution.entrypoint import main
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

if __name__ == "__main__":
    sys.exit(main(TRANSCODE))
