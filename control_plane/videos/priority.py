"""Which of a tenant's waiting transcodes goes first."""

from bisect import bisect_left

# In seconds: a clip, a short talk, a lesson, a lecture; what is longer comes last. Classes, not the duration itself, so
# that two lessons of 49 and 50 minutes stay in the order in which they were uploaded.
CLASSES_S = (300.0, 900.0, 3600.0, 7200.0)
# Between two classes there is room for what an operator may want to put there.
STEP = 100


def priority_of(source_s: float | None) -> int | None:
    """Higher goes first, among the jobs of one tenant only; None, the kind's own, where nobody knows how long it is."""
    if source_s is None:
        return None
    return STEP * (len(CLASSES_S) - bisect_left(CLASSES_S, source_s))
