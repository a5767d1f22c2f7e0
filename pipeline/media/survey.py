"""Reads packets without decoding them and measures what headers do not tell. For sandboxed children only."""

from array import array
from bisect import bisect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import dropwhile, groupby, pairwise, takewhile

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from pipeline.errors import PermanentError
from pipeline.media.opening import UNREADABLE
from pipeline.media.packets import read_packets, repeats_picture
from pipeline.media.words import hearing_errors
from pipeline.reasons import Reason

# Sloppy muxers are off by some pictures; a clock that was set back is off by more.
MAX_STEP_BACK_S = 0.5
# As much as may be missing at the end of a source before it counts as cut off.
LOST_SHARE = 0.02
# A gap of so many usual ones may be a lost piece; less is a late picture.
UNUSUAL = 5


class TrackSurvey:
    """The time stamps of one track, in units of its time base (s)."""

    def __init__(self, time_base: Fraction) -> None:
        self.time_base = time_base
        self.stamps = array("q")
        self.packets = 0
        self.encrypted = False
        # Whether the container's reader had to look for where to go on.
        self.damaged = False
        self._ends_at: int | None = None
        # How far the order of decoding, which only grows in a good file, steps back.
        self._latest_dts: int | None = None
        self._back = 0
        self._ordered: array[int] | None = None

    def add(self, pts: int | None, duration: int | None, *, dts: int | None = None) -> None:
        self.packets += 1
        if dts is not None:
            if self._latest_dts is not None:
                self._back = max(self._back, self._latest_dts - dts)
            self._latest_dts = dts
        if pts is None:
            return
        self.stamps.append(pts)
        self.hold(pts, duration)

    def hold(self, pts: int | None, duration: int | None) -> None:
        """What was shown before goes on until then."""
        if pts is not None:
            end = pts + (duration or 0)
            self._ends_at = end if self._ends_at is None else max(self._ends_at, end)

    @property
    def start_s(self) -> float:
        return float(min(self.stamps) * self.time_base) if self.stamps else 0.0

    @property
    def end_s(self) -> float:
        return float(self._ends_at * self.time_base) if self._ends_at is not None else self.start_s

    def in_order(self) -> Sequence[int]:
        """The stamps ascending, each once, as they are when this is first asked for.

        Of 12 h they take 10 MB; putting them in order takes five times that, for a moment.
        """
        if self._ordered is None:
            self._ordered = array("q", (stamp for stamp, _ in groupby(sorted(self.stamps))))
        return self._ordered

    def refuse_bad_stamps(self, max_gap_s: float) -> None:
        """Raise BAD_TIMESTAMPS where pictures have no order or time starts again, TIMESTAMP_GAP for a long hole.

        A constant output rate would fill the hole with pictures: ten hours are a million of them.
        """
        ordered = self.in_order()
        if self.packets > 1 and len(ordered) < max(2, self.packets // 4):
            raise PermanentError(
                Reason.BAD_TIMESTAMPS, f"{self.packets} pictures share {len(ordered)} different time stamps"
            )
        back_s = float(self._back * self.time_base)
        if back_s > MAX_STEP_BACK_S:
            # Two recordings one behind the other: the second would be shown over the first, or not at all.
            raise PermanentError(Reason.BAD_TIMESTAMPS, f"time goes back by {back_s:.1f} s")
        widest = max((b - a for a, b in pairwise(ordered)), default=0) * self.time_base
        if widest > max_gap_s:
            raise PermanentError(Reason.TIMESTAMP_GAP, f"a hole of {float(widest):.1f} s, at most {max_gap_s:g} s")

    def refuse_hole_beside(self, other: "TrackSurvey", max_gap_s: float) -> None:
        """Raise TIMESTAMP_GAP where neither this track, the picture's, nor the sound beside it goes on.

        A picture is held while sound goes on, and silence is filled in: an hour for two packets an hour apart.
        """
        if other.end_s - self.end_s <= max_gap_s and self.start_s - other.start_s <= max_gap_s:
            return
        unit = other.time_base
        begins, ends = round(Fraction(self.start_s) / unit), round(Fraction(self.end_s) / unit)
        stamps = other.in_order()
        before = [*takewhile(lambda stamp: stamp < begins, stamps), begins]
        behind = [ends, *dropwhile(lambda stamp: stamp <= ends, stamps)]
        widest = max((b - a for a, b in (*pairwise(before), *pairwise(behind))), default=0) * unit
        if widest > max_gap_s:
            raise PermanentError(
                Reason.TIMESTAMP_GAP, f"a hole of {float(widest):.1f} s in the sound, at most {max_gap_s:g} s"
            )

    def refuse_loss(self, sounds: "TrackSurvey | None") -> None:
        """Raise CORRUPT where bytes of the container are damaged and more than `LOST_SHARE` of the time holds nothing.

        A picture that stands still has sound beside it; a piece that is lost has none.
        """
        gaps = [b - a for a, b in pairwise(self.in_order())]
        if not self.damaged or not gaps:
            return
        usual = sorted(gaps)[len(gaps) // 2]
        unusual_s = float(UNUSUAL * usual * self.time_base)
        heard = [float(stamp * sounds.time_base) for stamp in sounds.in_order()] if sounds is not None else []
        lost_s = 0.0
        for begins, gap in zip(self.in_order(), gaps, strict=False):
            if gap <= UNUSUAL * usual:
                continue
            from_s, until_s = float((begins + usual) * self.time_base), float((begins + gap) * self.time_base)
            # Sound is written a little before or behind its picture, and its hole is too.
            marks = [from_s, *heard[bisect(heard, from_s) : bisect(heard, until_s)], until_s]
            silent_s = max(b - a for a, b in pairwise(marks))
            lost_s += silent_s if silent_s > unusual_s else 0.0
        if lost_s > LOST_SHARE * (self.end_s - self.start_s):
            raise PermanentError(Reason.CORRUPT, f"{lost_s:.2f} s of picture and sound are lost on the way")

    def refuse_fast(self, max_rate: float) -> None:
        """Raise BAD_TIMESTAMPS for more pictures a second, on average, than `max_rate`."""
        ordered = self.in_order()
        if len(ordered) < 2:
            return
        # Both ends may be rounded, by a unit each.
        rate = (len(ordered) - 1) / ((ordered[-1] - ordered[0] + 2) * self.time_base)
        if rate > max_rate:
            raise PermanentError(Reason.BAD_TIMESTAMPS, f"{float(rate):.0f} pictures a second, at most {max_rate:g}")


def survey_packets(
    container: InputContainer, video: VideoStream, audio: AudioStream | None, *, at_most: int | None
) -> tuple[TrackSurvey, TrackSurvey | None, bool]:
    """Read packets of both tracks, all of them or until `at_most` of the picture; the last value says which."""
    pictures = TrackSurvey(video.time_base or Fraction(1, 1000))
    tracks = (video,) if audio is None else (video, audio)
    sounds = TrackSurvey(audio.time_base or Fraction(1, 1000)) if audio is not None else None
    # Programme streams count no packets and are read without complaint, and never have holes of their own.
    pictures.damaged = container.format.name == "mpeg" and audio is not None
    with _noticing_damage(container, pictures):
        complete = _survey(read_packets(container, *tracks), video, pictures, sounds, at_most=at_most)
    return pictures, sounds, complete


@contextmanager
def _noticing_damage(container: InputContainer, pictures: TrackSurvey) -> Iterator[None]:
    with hearing_errors() as said:
        yield
        pictures.damaged |= any(part == container.format.name for part, _ in said())


def _survey(
    packets: Iterator["Packet[VideoStream | AudioStream]"],
    video: VideoStream,
    pictures: TrackSurvey,
    sounds: TrackSurvey | None,
    *,
    at_most: int | None,
) -> bool:
    try:
        for packet in packets:
            of_picture = packet.stream.index == video.index
            if of_picture and repeats_picture(packet):
                pictures.hold(packet.pts, packet.duration)
            if packet.size == 0:
                continue
            # A transport stream's packets are counted.
            pictures.damaged |= packet.is_corrupt
            if of_picture:
                # What an edit list leaves out is decoded for what follows, and steps back behind a cut.
                shown = not packet.is_discard
                pictures.add(packet.pts if shown else None, packet.duration, dts=packet.dts if shown else None)
                pictures.encrypted |= packet.has_sidedata("encryption_info")
            elif sounds is not None:
                sounds.add(packet.pts, packet.duration)
                sounds.encrypted |= packet.has_sidedata("encryption_info")
            if at_most is not None and pictures.packets >= at_most:
                return False
    except UNREADABLE:
        # What can be read ends here; whether that is enough is for the decoded coverage to say.
        pass
    return True
