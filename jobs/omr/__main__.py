"""`python -m jobs.omr`: what the container runs. By hand the template stands in the fields: `--spec fields.json`."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs.omr.job import read_sheets
from pipeline.contracts.envelope import JobKind
from pipeline.contracts.omr import STEPS, OmrOutcome, OmrSpec
from pipeline.execution.entrypoint import main
from pipeline.execution.job_program import JobProgram, source_of_file


def spec_for_file(file: Path, fields: Mapping[str, Any]) -> OmrSpec:
    """A run by hand belongs to no batch of the product."""
    uploaded = {"name": file.name, "source": source_of_file(file)}
    return OmrSpec.model_validate({"batch_id": "by-hand", "files": [uploaded], **fields})


OMR = JobProgram(
    kind=JobKind.OMR,
    spec_type=OmrSpec,
    outcome_type=OmrOutcome,
    steps=STEPS,
    run=read_sheets,
    spec_for_file=spec_for_file,
)

if __name__ == "__main__":
    sys.exit(main(OMR))
