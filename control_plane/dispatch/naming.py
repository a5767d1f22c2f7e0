"""What the executor knows jobs by: a submit that may already have happened is found again under its name."""

from uuid import UUID


def array_name(job_id: UUID) -> str:
    """The array that makes a job's parts. The job itself is known by its identifier."""
    return f"{job_id}-parts"
