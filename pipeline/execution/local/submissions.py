"""Which jobs the local executor takes, and what it calls them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pipeline.contracts.envelope import JobKind
from pipeline.errors import PermanentError
from pipeline.execution.catalog import Profile
from pipeline.execution.executor import Submission
from pipeline.reasons import Reason

NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


def handle_of(name: str) -> str:
    """Made from the name, so that submitting a name twice is one job."""
    return f"local-{name}"


def with_priority(submission: Submission, catalog: Mapping[JobKind, Profile]) -> Submission:
    """One that says nothing has its kind's own."""
    if submission.priority is not None:
        return submission
    return replace(submission, priority=catalog[submission.kind].priority)


def refuse_impossible(submission: Submission, catalog: Mapping[JobKind, Profile]) -> None:
    """Raises `PermanentError` for a job that can never be run."""
    if submission.kind not in catalog:
        raise PermanentError(Reason.SUBMIT_REFUSED, f"no command is known for {submission.kind!r}")
    if NAME.fullmatch(submission.name) is None:
        raise PermanentError(Reason.SUBMIT_REFUSED, f"the name {submission.name!r} does not match {NAME.pattern}")
    # The values may be secret: only names are quoted.
    variables = submission.environment.items()
    bad = [name for name, value in variables if not name or "=" in name or "\0" in name + value]
    if bad:
        raise PermanentError(Reason.SUBMIT_REFUSED, f"these cannot be environment variables: {bad}")
