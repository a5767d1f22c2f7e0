"""A source that is encoded in parts makes the stream that one process makes of it, on sources of every kind."""

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest

from jobs.transcode.encoding.checking import check_pictures, check_sound
from jobs.transcode.encoding.encode import EncodeReport, EncodeRequest, SoundRequest, TrackFacts
from jobs.transcode.encoding.encode_child import encode_part
from jobs.transcode.hls.boxes import walk
from jobs.transcode.hls.layout import INIT_NAME, segment_name
from jobs.transcode.parts.cutting import Part, cut, whole
from jobs.transcode.parts.joining import check_parts, check_whole, join
from jobs.transcode.planning.plan import Plan, plan_transcode
from jobs.transcode.sound.track_child import encode_sound_track
from pipeline.contracts.devices import DeviceWish
from pipeline.contracts.transcode import RungSpec, Source, TranscodeSpec
from pipeline.errors import PermanentError
from pipeline.media.probe import ProbeLimits
from pipeline.media.probing import probe_source
from pipeline.reasons import Reason
from tests.fixtures.media import read_pictures
from tests.jobs.transcode.by_hand import times
from tests.jobs.transcode.encoding.split_sources import SOURCES, with_b_pictures

SPEC = TranscodeSpec(
    video_id="v",
    source=Source(url="file:///x", etag=None, size_bytes=1, filename="x"),
    ladder=(RungSpec(name="90p", short_side_px=90, video_bps=300_000),),
    segment_s=1,
)
# Mean difference in grey levels, of what is decoded of two encodes of one picture. A deinterlacer that has not seen the
# picture before makes 0.9, a picture too early or too late 0.9 too.
LIKE = 0.6


class Made:
    """A folder with what was written of a plan in these parts."""

    def __init__(self, source: Path, folder: Path, plan: Plan, parts: tuple[Part, ...]) -> None:
        folder.mkdir()
        self.folder = folder
        self.plan = plan
        self.told: list[list[float]] = [[] for _ in parts]
        reports = [
            EncodeReport.model_validate(encode_part(_request(source, folder, plan, part), _listening(told)))
            for part, told in zip(parts, self.told, strict=True)
        ]
        sound = reports[0].audio
        if plan.audio is not None and len(parts) > 1:
            asked = SoundRequest(source=str(source), output=str(folder), plan=plan, max_streams=8)
            self.told.append([])
            asked_of_sound = asked.model_dump_json().encode()
            sound = TrackFacts.model_validate(encode_sound_track(asked_of_sound, _listening(self.told[-1])))
        check_parts(plan, reports, [sound] if sound is not None else [])
        self.report = join(reports, sound)
        check_whole(plan, self.report)

    def media(self, track: TrackFacts) -> bytes:
        """The whole track, as a player gets it."""
        names = [INIT_NAME, *(segment_name(number) for number in range(len(track.segments)))]
        return b"".join((self.folder / track.folder / name).read_bytes() for name in names)

    def pictures(self) -> list[av.VideoFrame]:
        return read_pictures(self.media(self.report.renditions[0]))

    def fragments(self) -> list[int]:
        """The sequence numbers that are written into the pictures' fragments."""
        boxes = walk(self.media(self.report.renditions[0]))
        return [int.from_bytes(payload[4:8]) for path, payload in boxes if path[-1] == b"mfhd"]

    def sound(self) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
        assert self.report.audio is not None
        with av.open(io.BytesIO(self.media(self.report.audio)), "r") as container:
            return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


def _request(source: Path, folder: Path, plan: Plan, part: Part) -> bytes:
    return (
        EncodeRequest(
            source=str(source),
            output=str(folder),
            plan=plan,
            part=part,
            devices=DeviceWish(),
            max_pixels=10_000_000,
            max_streams=8,
        )
        .model_dump_json()
        .encode()
    )


def _listening(told: list[float]) -> Callable[[float], None]:
    """Progress is kept; news of the first picture is not."""
    return lambda said: told.append(said) if isinstance(said, float) else None


def _ignore(_progress: float) -> None:
    """Nobody looks."""


@pytest.mark.parametrize("make", SOURCES, ids=lambda make: make.__name__)
def test_parts_make_the_stream_that_one_process_makes(make: Callable[[Path], Path], tmp_path: Path):
    source = make(tmp_path)
    plan = plan_transcode(SPEC, probe_source(source, source.stat().st_size, ProbeLimits(), at_most=None))
    parts = cut(plan, 3)
    assert len(parts) == 3
    one, several = (Made(source, tmp_path / name, plan, of) for name, of in (("one", (whole(plan),)), ("three", parts)))
    assert shape_of(several.report) == shape_of(one.report)
    pictures = several.pictures()
    assert times(pictures) == [n / plan.grid.rate for n in range(plan.grid.pictures)]
    refuse_another_order(pictures, one.pictures())
    assert several.fragments() == one.fragments() == list(range(1, len(one.fragments()) + 1))
    # Nothing is decoded twice or left out, and damage would be counted once.
    assert several.report.coverage == one.report.coverage
    if plan.audio is not None:
        assert one.report.audio is not None
        assert several.report.audio is not None
        assert several.media(several.report.audio) == one.media(one.report.audio)
        assert several.sound().shape[1] == plan.grid.audio_packets * 1024


def shape_of(report: EncodeReport) -> list[object]:
    """All that a playlist tells of the tracks but the sizes in bytes, and the init segments."""
    tracks = [*report.renditions, *([report.audio] if report.audio is not None else [])]
    return [
        (track.folder, track.init_sha256, [(s.units, [key.units for key in s.keys]) for s in track.segments])
        for track in tracks
    ]


def refuse_another_order(made: list[av.VideoFrame], due: list[av.VideoFrame]) -> None:
    """Each picture is nearer to the one that is due than to its neighbours, or as near where a picture is held."""
    assert len(made) == len(due)
    levels = [[frame.to_ndarray(format="gray").astype(np.int16) for frame in frames] for frames in (made, due)]
    for number, picture in enumerate(levels[0]):
        others = levels[1][max(0, number - 2) : number + 3]
        distances = [float(np.abs(picture - other).mean()) for other in others]
        assert distances[number - max(0, number - 2)] <= min(min(distances) + 0.05, LIKE), (
            f"picture {number}: {distances}"
        )


@pytest.fixture(scope="module")
def in_parts(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("parts")
    source = with_b_pictures(folder)
    plan = plan_transcode(SPEC, probe_source(source, source.stat().st_size, ProbeLimits(), at_most=None))
    return Made(source, folder / "parts", plan, cut(plan, 2))


def spoil(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is read with its last third changed, as a disk that lies would return it."""
    read = Path.read_bytes

    def read_spoilt(self: Path) -> bytes:
        data = read(self)
        third = len(data) // 3
        return data[:-third] + bytes(byte ^ 0x5A for byte in data[-third:]) if self == path else data

    monkeypatch.setattr(Path, "read_bytes", read_spoilt)


def test_a_part_s_broken_picture_is_found_by_the_part(in_parts: Made, monkeypatch: pytest.MonkeyPatch):
    tracks = in_parts.report.renditions
    check_pictures(in_parts.plan, tracks, in_parts.folder, progress=_ignore)
    spoil(in_parts.folder / "v1" / segment_name(3), monkeypatch)
    with pytest.raises(PermanentError, match=r"VERIFY_FAILED.*v1/00003.m4s"):
        check_pictures(in_parts.plan, tracks, in_parts.folder, progress=_ignore)


def test_a_key_frame_that_is_not_where_the_part_says_is_found(in_parts: Made):
    (track,) = in_parts.report.renditions
    first, *others = track.segments
    wrong = first.keys[0]._replace(bytes=first.keys[0].bytes // 2)
    spoilt = track.model_copy(update={"segments": (first._replace(keys=(wrong,)), *others)})
    with pytest.raises(PermanentError, match=r"VERIFY_FAILED.*cannot be decoded"):
        check_pictures(in_parts.plan, (spoilt,), in_parts.folder, progress=_ignore)


def test_sound_of_another_length_is_found(in_parts: Made):
    track = in_parts.report.audio
    assert track is not None
    check_sound(track, in_parts.folder, progress=_ignore)
    longer = track.segments[0]._replace(units=track.segments[0].units + 1024)
    with pytest.raises(PermanentError, match=r"VERIFY_FAILED.*samples decode"):
        check_sound(
            track.model_copy(update={"segments": (longer, *track.segments[1:])}), in_parts.folder, progress=_ignore
        )


def test_checks_tell_how_far_they_are_after_each_piece(in_parts: Made):
    """A child that says nothing cannot be stopped by who waits for it: sound of hours takes longer than a reclaim."""
    sound = in_parts.report.audio
    assert sound is not None
    for check in (
        partial(check_pictures, in_parts.plan, in_parts.report.renditions, in_parts.folder),
        partial(check_sound, sound, in_parts.folder),
    ):
        told: list[float] = []
        check(progress=told.append)
        assert told == sorted(told)
        assert len(told) >= len(sound.segments)
        assert told[-1] == 1.0
    for told in in_parts.told:
        assert told == sorted(told)
        assert [share for share in told if share < 0.9]
        assert len([share for share in told if share > 0.9]) >= len(told) / 4, "not all is done where the check begins"


def test_who_encodes_a_part_checks_it(in_parts: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermanentError(Reason.VERIFY_FAILED, "seen")

    monkeypatch.setattr("jobs.transcode.encoding.encode_child.check_pictures", refuse)
    monkeypatch.setattr("jobs.transcode.sound.track_child.check_sound", refuse)
    source = in_parts.folder.parent / "source"
    with pytest.raises(PermanentError, match="seen"):
        encode_part(_request(source, tmp_path, in_parts.plan, cut(in_parts.plan, 2)[1]), _ignore)
    with pytest.raises(PermanentError, match="seen"):
        encode_sound_track(
            SoundRequest(source=str(source), output=str(tmp_path), plan=in_parts.plan, max_streams=8)
            .model_dump_json()
            .encode(),
            _ignore,
        )
