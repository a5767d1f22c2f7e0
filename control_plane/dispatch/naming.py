"""What the executor knows jobs by: a submit that may already have happened is found again under its name."""

from uuid import UUID


def array_name(array_id: UUID) -> str:
    """The array whose children are jobs, or make the parts of the job `array_id`, which is itself known by that."""
    return f"{array_id}-parts"
