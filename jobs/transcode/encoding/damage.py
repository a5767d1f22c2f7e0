"""Tells a whole source from a damaged one by what was really decoded. Pure."""

from jobs.transcode.encoding.encode import CoverageFacts
from jobs.transcode.planning.plan import Plan
from pipeline.errors import PermanentError
from pipeline.reasons import Reason

# A published lecture may miss this share of its end, or of its pictures, before someone notices.
MISSING_SHARE = 0.02
BROKEN_SHARE = 0.01


def refuse_damage(plan: Plan, covered: CoverageFacts) -> None:
    """Raise EMPTY_VIDEO, CORRUPT or TRUNCATED, for what was decoded of a whole source."""
    video = plan.video
    if covered.pictures == 0:
        raise PermanentError(Reason.EMPTY_VIDEO, f"none of {video.packets} pictures could be decoded")
    if covered.broken > BROKEN_SHARE * max(video.packets, covered.pictures):
        raise PermanentError(Reason.CORRUPT, f"{covered.broken} of {video.packets} pictures are broken")
    period_s = float(1 / plan.grid.rate)
    claimed_s = max(video.declared_s or 0.0, video.duration_s)
    _refuse_short(covered.ends_s - video.start_s, claimed_s, period_s=period_s, what="the picture")
    if video.declared_s is None and plan.header_s is not None:
        heard_until_s = plan.audio.start_s + plan.audio.duration_s if plan.audio is not None else 0.0
        _refuse_short(max(covered.ends_s, heard_until_s), plan.header_s, period_s=period_s, what="the file")


def _refuse_short(covered_s: float, claimed_s: float, *, period_s: float, what: str) -> None:
    # The last picture's own length is often not told.
    missing_s = claimed_s - covered_s - 1.5 * period_s
    if missing_s > 0 and covered_s < (1 - MISSING_SHARE) * claimed_s:
        raise PermanentError(Reason.TRUNCATED, f"{what} lasts {covered_s:.2f} s of {claimed_s:.2f} s")
