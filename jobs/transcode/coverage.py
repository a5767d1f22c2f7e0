"""Tells a whole source from a damaged one by what was really decoded."""

from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame

from jobs.transcode.plan import Plan
from pipeline.errors import PermanentError
from pipeline.reasons import Reason

# A published lecture may miss this share of its end, or of its pictures, before someone notices.
MISSING_SHARE = 0.02
BROKEN_SHARE = 0.01


class Coverage:
    """Counts decoded pictures and remembers when the last of them ends."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._period_s = float(1 / plan.grid.rate)
        self._frames = 0
        self._broken = 0
        self._ends_s = plan.video.start_s

    def count(self, frame: VideoFrame) -> None:
        self._frames += 1
        if frame.is_corrupt:
            self._broken += 1
        if frame.pts is not None and frame.time_base is not None:
            lasts_s = max(self._period_s, float(frame.duration * frame.time_base))
            self._ends_s = max(self._ends_s, float(frame.pts * frame.time_base) + lasts_s)

    def count_broken(self, packet: "Packet[Stream]") -> None:
        if packet.stream.index == self._plan.video.index:
            self._broken += 1

    def refuse_damage(self) -> None:
        """Raise EMPTY_VIDEO, CORRUPT or TRUNCATED."""
        video = self._plan.video
        if self._frames == 0:
            raise PermanentError(Reason.EMPTY_VIDEO, f"none of {video.packets} pictures could be decoded")
        if self._broken > BROKEN_SHARE * max(video.packets, self._frames):
            raise PermanentError(Reason.CORRUPT, f"{self._broken} of {video.packets} pictures are broken")
        claimed_s = max(video.declared_s or 0.0, video.duration_s)
        self._refuse_short(self._ends_s - video.start_s, claimed_s, "the picture")
        if video.declared_s is None and self._plan.header_s is not None:
            audio = self._plan.audio
            heard_until_s = audio.start_s + audio.duration_s if audio is not None else 0.0
            self._refuse_short(max(self._ends_s, heard_until_s), self._plan.header_s, "the file")

    def _refuse_short(self, covered_s: float, claimed_s: float, what: str) -> None:
        # The last picture's own length is often not told.
        missing_s = claimed_s - covered_s - 1.5 * self._period_s
        if missing_s > 0 and covered_s < (1 - MISSING_SHARE) * claimed_s:
            raise PermanentError(Reason.TRUNCATED, f"{what} lasts {covered_s:.2f} s of {claimed_s:.2f} s")
