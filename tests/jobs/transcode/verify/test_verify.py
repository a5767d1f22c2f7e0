"""Break one thing at a time in a good stream: each is refused with VERIFY_FAILED and the file's name."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace as replace_fields
from fractions import Fraction
from pathlib import Path

import pytest

from jobs.transcode.encoding.encode import encode
from jobs.transcode.hls.playlists import write_master
from jobs.transcode.job import write_playlists
from jobs.transcode.measuring.renditions import measure_audio, measure_iframes, measure_renditions
from jobs.transcode.parts.cutting import whole
from jobs.transcode.planning.plan import Plan, plan_transcode
from jobs.transcode.verify.authoring import RULES, key_frames_are_close
from jobs.transcode.verify.playing import in_turn
from jobs.transcode.verify.published import read_stream
from jobs.transcode.verify.verify import VerifyReply, verify, verify_request
from jobs.transcode.verify.verify_child import expected_of, verify_stream
from pipeline.contracts.devices import DeviceWish
from pipeline.contracts.transcode import RungSpec, Source, TranscodeLimits, TranscodeSpec
from pipeline.errors import PermanentError
from pipeline.media.probe import ProbeLimits, probe_file
from pipeline.reasons import Reason
from tests.fixtures.media import Clip, make_clip

LIMITS = TranscodeLimits()
Stream = tuple[Path, Plan]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Stream:
    """Two renditions and sound, five segments of 1 s."""
    folder = tmp_path_factory.mktemp("good")
    source = make_clip(folder / "source.mp4", Clip(pictures=125, rate=Fraction(25)))
    spec = TranscodeSpec(
        video_id="test",
        source=Source(url=source.as_uri(), etag=None, size_bytes=source.stat().st_size, filename="source.mp4"),
        ladder=(
            RungSpec(name="90p", short_side_px=90, video_bps=100_000),
            RungSpec(name="180p", short_side_px=180, video_bps=200_000),
        ),
        segment_s=1,
    )
    plan = plan_transcode(spec, probe_file(source, ProbeLimits()))
    output = folder / "output"
    output.mkdir()
    written = encode(
        plan, whole(plan), source=source, output=output, devices=DeviceWish(), limits=LIMITS, progress=lambda _: None
    )
    audio = measure_audio(plan, written)
    write_playlists(
        output, written, write_master(measure_renditions(plan, written), audio, measure_iframes(plan, written))
    )
    return output, plan


@pytest.fixture
def copy(good: Stream, tmp_path: Path) -> Stream:
    output = tmp_path / "output"
    shutil.copytree(good[0], output)
    return output, good[1]


def check(stream: Stream, *, source_s: float | None = None) -> int:
    """The sandboxed half, called directly: a child process for each damage would cost more than the check."""
    output, plan = stream
    lasts_s = plan.source_s if source_s is None else source_s
    request = verify_request(plan, output=output, source_s=lasts_s)
    return VerifyReply.model_validate(verify_stream(request.model_dump_json().encode(), lambda _: None)).pictures


def test_a_good_stream_passes_and_the_pictures_of_each_renditions_turn_are_decoded(good: Stream):
    output, plan = good
    # Segments 0, 2 and 4 of the one and 0, 1, 3 and 4 of the other, of 25 pictures each.
    assert verify(plan, [whole(plan)], output=output, source_s=plan.source_s, limits=LIMITS).pictures == 7 * 25


def test_a_low_variant_is_asked_of_streams_of_a_segment_or_more(good: Stream):
    output, plan = good

    def needs_one(pictures: int) -> bool:
        cut = plan.model_copy(update={"grid": plan.grid.model_copy(update={"pictures": pictures})})
        return verify_request(cut, output=output, source_s=1.0).needs_low_variant

    assert [needs_one(24), needs_one(25)] == [False, True]


@pytest.mark.parametrize("renditions", [1, 2, 3, 5])
@pytest.mark.parametrize("count", [1, 2, 7, 60])
def test_each_moment_is_decoded_in_one_rendition_and_both_ends_in_all(count: int, renditions: int):
    turns = [in_turn(count, mine=number, of=renditions) for number in range(renditions)]
    assert all(turn[0] and turn[-1] for turn in turns)
    assert [sum(moment) for moment in list(zip(*turns, strict=True))[1:-1]] == [1] * (count - 2)


def replace(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(output: Path) -> None:
        text = (output / name).read_text()
        assert old in text
        (output / name).write_text(text.replace(old, new, 1))

    return change


def remove(name: str) -> Callable[[Path], None]:
    return lambda output: (output / name).unlink()


def empty(name: str) -> Callable[[Path], None]:
    def change(output: Path) -> None:
        (output / name).write_bytes(b"")

    return change


def cut(name: str) -> Callable[[Path], None]:
    def change(output: Path) -> None:
        (output / name).write_bytes((output / name).read_bytes()[:-40])

    return change


def swap(first: str, second: str) -> Callable[[Path], None]:
    def change(output: Path) -> None:
        one, other = (output / first).read_bytes(), (output / second).read_bytes()
        (output / first).write_bytes(other)
        (output / second).write_bytes(one)

    return change


def scramble(name: str) -> Callable[[Path], None]:
    def change(output: Path) -> None:
        data = bytearray((output / name).read_bytes())
        middle = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2
        data[middle : middle + 400] = bytes(b ^ 0x5A for b in data[middle : middle + 400])
        (output / name).write_bytes(bytes(data))

    return change


def unmark_key_frame(name: str) -> Callable[[Path], None]:
    def change(output: Path) -> None:
        data = bytearray((output / name).read_bytes())
        flags = data.index(b"trun") + 4 + 4 + 4 + 4 + 4
        data[flags : flags + 4] = bytes.fromhex("01010000")
        (output / name).write_bytes(bytes(data))

    return change


def shift_time(name: str, units: int) -> Callable[[Path], None]:
    def change(output: Path) -> None:
        data = bytearray((output / name).read_bytes())
        place = data.index(b"tfdt") + 8
        start = int.from_bytes(data[place : place + 8]) + units
        data[place : place + 8] = start.to_bytes(8)
        (output / name).write_bytes(bytes(data))

    return change


def scale(name: str, attribute: str, factor: float) -> Callable[[Path], None]:
    """The first value of this attribute is another."""

    def change(output: Path) -> None:
        head, found, tail = (output / name).read_text().partition(attribute)
        assert found
        value, comma, rest = tail.partition(",")
        (output / name).write_text(f"{head}{attribute}{round(int(value) * factor)}{comma}{rest}")

    return change


def cut_lines(name: str, count: int, *, before: str) -> Callable[[Path], None]:
    def change(output: Path) -> None:
        lines = (output / name).read_text().splitlines()
        end = lines.index(before)
        (output / name).write_text("\n".join([*lines[: end - count], *lines[end:], ""]))

    return change


def start_with_sound(output: Path) -> None:
    """Sound alone is named before all variants with pictures."""
    lines = (output / "master.m3u8").read_text().splitlines()
    sound = '#EXT-X-STREAM-INF:BANDWIDTH=160000,AVERAGE-BANDWIDTH=150000,CODECS="mp4a.40.2",AUDIO="sound"'
    place = next(n for n, line in enumerate(lines) if line.startswith("#EXT-X-STREAM-INF"))
    (output / "master.m3u8").write_text("\n".join([*lines[:place], sound, "audio/index.m3u8", *lines[place:], ""]))


def ask_for_much(output: Path) -> None:
    """Every variant says that it needs 500 kbit/s."""
    text = (output / "master.m3u8").read_text()
    (output / "master.m3u8").write_text(re.sub(r"STREAM-INF:BANDWIDTH=\d+", "STREAM-INF:BANDWIDTH=500000", text))


def change_nal(name: str) -> Callable[[Path], None]:
    """The slices of the first picture claim to be of an ordinary one."""

    def change(output: Path) -> None:
        data = (output / name).read_bytes()
        place = data.index(b"mdat") + 4
        while data[place + 4] & 0x1F != 5:
            place += 4 + int.from_bytes(data[place : place + 4])
        (output / name).write_bytes(data[: place + 4] + b"\x41" + data[place + 5 :])

    return change


DAMAGES = {
    "no master": (remove("master.m3u8"), "master.m3u8"),
    "no media playlist": (remove("v1/index.m3u8"), "v1/index.m3u8"),
    "no init segment": (remove("v2/init.mp4"), "v2/init.mp4"),
    "no segment": (remove("v2/00003.m4s"), "v2/00003.m4s"),
    "an empty segment": (empty("v1/00001.m4s"), "v1/00001.m4s"),
    "half a segment": (cut("v1/00001.m4s"), "v1/00001.m4s"),
    "broken picture data": (scramble("v2/00002.m4s"), "v2/00002.m4s"),
    "broken sound data": (scramble("audio/00002.m4s"), "audio/00002.m4s"),
    "segments in the wrong order": (swap("v1/00001.m4s", "v1/00002.m4s"), "v1/00001.m4s"),
    "sound in the wrong order": (swap("audio/00001.m4s", "audio/00002.m4s"), "audio/00001.m4s"),
    "a segment of another rendition": (swap("v1/00001.m4s", "v2/00001.m4s"), "v2/iframes.m3u8"),
    "a boundary off the grid": (shift_time("v1/00002.m4s", 400), "v1/00002.m4s"),
    "a hole in the sound": (shift_time("audio/00002.m4s", 500), "audio/00002.m4s"),
    "no key frame at the start": (unmark_key_frame("v2/00001.m4s"), "v2/00001.m4s"),
    "a wrong length": (replace("v1/index.m3u8", "#EXTINF:1.000000", "#EXTINF:0.900000"), "v1/00000.m4s"),
    "no end": (replace("v1/index.m3u8", "#EXT-X-ENDLIST", ""), "v1/index.m3u8"),
    "a segment left out": (replace("v1/index.m3u8", "#EXTINF:1.000000,\n00004.m4s\n", ""), "v1/index.m3u8"),
    "a target that is too short": (replace("v1/index.m3u8", "DURATION:2", "DURATION:0"), "v1/index.m3u8"),
    "different targets": (replace("v1/index.m3u8", "DURATION:2", "DURATION:3"), "master.m3u8"),
    "wrong codecs": (replace("master.m3u8", "avc1.64", "avc1.42"), "v2/index.m3u8"),
    "a wrong size": (replace("master.m3u8", "RESOLUTION=160x90", "RESOLUTION=160x92"), "master.m3u8"),
    "no sound in the master": (replace("master.m3u8", "#EXT-X-MEDIA:", "#EXT-X-WAS:"), "master.m3u8"),
    "no frame rate": (replace("master.m3u8", "FRAME-RATE=25.000", "FRAME=25"), "master.m3u8"),
    "a variant left out": (replace("master.m3u8", "#EXT-X-STREAM-INF", "#EXT-X-WAS"), "master.m3u8"),
    "another frame rate": (replace("master.m3u8", "FRAME-RATE=25.000", "FRAME-RATE=24.000"), "v2/index.m3u8"),
    "no average rate": (replace("master.m3u8", ",AVERAGE-BANDWIDTH=", ",BANDWIDTH-WAS="), "master.m3u8"),
    "a peak that is too low": (scale("master.m3u8", "#EXT-X-STREAM-INF:BANDWIDTH=", 0.89), "master.m3u8"),
    "a peak that is too high": (scale("master.m3u8", "#EXT-X-STREAM-INF:BANDWIDTH=", 1.11), "master.m3u8"),
    "an average that is too low": (scale("master.m3u8", "AVERAGE-BANDWIDTH=", 0.89), "master.m3u8"),
    "a wrong peak of key frames": (scale("master.m3u8", "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=", 1.2), "master.m3u8"),
    "segments that may depend on others": (replace("master.m3u8", "#EXT-X-INDEPENDENT-SEGMENTS\n", ""), "master.m3u8"),
    "sound without a language": (replace("master.m3u8", ',LANGUAGE="und"', ""), "master.m3u8"),
    "sound that is not the default": (replace("master.m3u8", "DEFAULT=YES", "DEFAULT=NO"), "master.m3u8"),
    "a group of sound that is not there": (replace("master.m3u8", ',AUDIO="sound"', ',AUDIO="noise"'), "v2/index.m3u8"),
    "no variant for the worst connection": (ask_for_much, "master.m3u8"),
    "sound alone comes first": (start_with_sound, "master.m3u8"),
    "a version without init segments": (replace("audio/index.m3u8", "VERSION:7", "VERSION:5"), "audio/index.m3u8"),
    "a video that goes on": (replace("v2/index.m3u8", "TYPE:VOD", "TYPE:EVENT"), "v2/index.m3u8"),
    "another first number": (replace("v2/index.m3u8", "SEQUENCE:0", "SEQUENCE:1"), "v2/index.m3u8"),
    "no key frames to scrub by": (replace("master.m3u8", "#EXT-X-I-FRAME-STREAM-INF", "#EXT-X-WAS"), "master.m3u8"),
    "no list of key frames": (remove("v1/iframes.m3u8"), "v1/iframes.m3u8"),
    "key frames in an ordinary list": (
        replace("v1/iframes.m3u8", "#EXT-X-I-FRAMES-ONLY\n", ""),
        "v1/iframes.m3u8",
    ),
    "a key frame's bytes begin too late": (replace("v1/iframes.m3u8", "@24\n", "@25\n"), "v1/iframes.m3u8"),
    "a key frame left out": (cut_lines("v1/iframes.m3u8", 3, before="#EXT-X-ENDLIST"), "v1/iframes.m3u8"),
    "a key frame that is none": (change_nal("v1/00001.m4s"), "v1/00001.m4s"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_stream_is_refused(damage: str, copy: Stream):
    change, name = DAMAGES[damage]
    change(copy[0])
    with pytest.raises(PermanentError) as caught:
        check(copy)
    assert caught.value.reason == Reason.VERIFY_FAILED
    assert caught.value.detail.startswith(f"{name}:"), caught.value.detail


def test_key_frames_that_are_too_far_apart_are_refused(good: Stream):
    output, plan = good
    request = verify_request(plan, output=output, source_s=plan.source_s)
    expected = replace_fields(expected_of(request), key_frame_s=Fraction(1, 2))
    broken = list(key_frames_are_close(read_stream(output), expected))
    assert [file for file, _ in broken] == [f"v{v}/{n:05}.m4s" for v in (2, 1) for n in range(5)]


def test_every_rule_has_been_seen_to_refuse_something(good: Stream, tmp_path: Path):
    """A rule that no damage above breaks is a rule that may never work."""
    output, plan = good
    expected = expected_of(verify_request(plan, output=output, source_s=plan.source_s))
    silent = {rule.__name__ for rule in RULES} - {"key_frames_are_close"}
    for number, (change, _) in enumerate(DAMAGES.values()):
        copied = tmp_path / str(number)
        shutil.copytree(output, copied)
        change(copied)
        try:
            stream = read_stream(copied)
        except PermanentError:
            continue
        silent -= {rule.__name__ for rule in RULES if next(iter(rule(stream, expected)), None)}
    assert silent == set()


def test_a_stream_that_is_shorter_than_its_source_is_refused(good: Stream):
    with pytest.raises(PermanentError, match=r"VERIFY_FAILED.*lasts 5\.0"):
        check(good, source_s=5.4)
