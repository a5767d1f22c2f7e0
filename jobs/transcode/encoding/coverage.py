"""Counts what is really decoded of a source. For the sandbox."""

from fractions import Fraction

from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from jobs.transcode.encoding.encode import CoverageFacts
from jobs.transcode.encoding.pictures import slot_of
from jobs.transcode.parts.cutting import Part
from jobs.transcode.planning.plan import Plan


class Coverage:
    """Counts decoded pictures and remembers when the last of them ends.

    Of a part those count whose place on the grid is in it. What begins before the grid counts for the first part, what
    begins behind it for the last.
    """

    def __init__(self, plan: Plan, part: Part) -> None:
        self._plan = plan
        numbers = part.pictures(plan.grid)
        self._first = numbers.start if part.first_segment else None
        self._end = numbers.stop if numbers.stop < plan.grid.pictures else None
        self._period_s = float(1 / plan.grid.rate)
        self._pictures = 0
        self._broken = 0
        self._ends_s = plan.video.start_s

    @property
    def facts(self) -> CoverageFacts:
        return CoverageFacts(pictures=self._pictures, broken=self._broken, ends_s=self._ends_s)

    def count(self, frame: VideoFrame) -> None:
        if not self._is_ours(frame.pts, frame.time_base):
            return
        self._pictures += 1
        if frame.is_corrupt:
            self._broken += 1
        if frame.pts is not None and frame.time_base is not None:
            lasts_s = max(self._period_s, float(frame.duration * frame.time_base))
            self._ends_s = max(self._ends_s, float(frame.pts * frame.time_base) + lasts_s)

    def hold(self, packet: "Packet[Stream] | Packet[VideoStream]") -> None:
        """The picture before it is shown on."""
        if packet.stream.index == self._plan.video.index and packet.pts is not None and packet.time_base is not None:
            ends_s = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            self._ends_s = max(self._ends_s, ends_s)

    def count_broken(self, packet: "Packet[Stream] | Packet[VideoStream]") -> None:
        if packet.stream.index == self._plan.video.index and self._is_ours(packet.pts, packet.time_base):
            self._broken += 1

    def _is_ours(self, pts: int | None, time_base: Fraction | None) -> bool:
        if pts is None or time_base is None or (self._first, self._end) == (None, None):
            return True
        slot = slot_of(self._plan, pts * time_base)
        return (self._first is None or slot >= self._first) and (self._end is None or slot < self._end)
