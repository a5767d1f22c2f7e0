"""The children of an array and the job that joins them, by hand: together they make what one job makes."""

import json
import tarfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from jobs.transcode.parts.join_job import join_parts
from jobs.transcode.parts.part_job import transcode_part as transcode_part_here
from jobs.transcode.written import Written
from pipeline.contracts.devices import DeviceWish
from pipeline.contracts.envelope import Step
from pipeline.contracts.transcode import STEPS, TranscodeSpec
from pipeline.contracts.transcode_part import PART_NAME, PART_STEPS, PartSpec
from pipeline.errors import JobError, PermanentError, TransientError
from pipeline.execution.files.local_files import LocalFiles
from pipeline.execution.job_program import source_of_file
from pipeline.execution.step_clock import StepClock
from pipeline.execution.workplace import Workplace
from pipeline.progress.board import NoBoard
from tests.fixtures.media import Clip, make_clip, read_pictures
from tests.jobs.transcode.by_hand import SMALL_LADDER, times, transcode_part

CLIP = Clip(rate=Fraction(30000, 1001), pictures=360)
FIELDS: dict[str, Any] = {"ladder": SMALL_LADDER, "segment_s": 2}
PARTS = 3


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("lecture") / "source.mp4", CLIP)


@pytest.fixture(scope="module")
def parts(source: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The archives of three children, of which the first was run by hand."""
    folder = tmp_path_factory.mktemp("parts")
    first = transcode_part(source, folder / "0", 0, parts=PARTS, **FIELDS)
    assert first.exit_code == 0, first.words
    archives = [first.folder / PART_NAME, *(make_part(source, folder / str(part), part) for part in range(1, PARTS))]
    assert first.outcome["size_bytes"] == archives[0].stat().st_size
    return archives


def make_part(source: Path, folder: Path, part: int, *, parts: int = PARTS) -> Path:
    spec = PartSpec(video_id="v", source=source_of_file(source), part=part, parts=parts, **FIELDS)
    transcode_part_here(spec, workplace(folder, PART_STEPS))
    return folder / "published" / PART_NAME


def workplace(folder: Path, steps: tuple[Step, ...]) -> Workplace:
    (folder / "scratch").mkdir(parents=True)
    clock = StepClock(steps, NoBoard(), on_report=lambda: None)
    return Workplace(folder / "scratch", clock, files=LocalFiles(folder / "published"), devices=DeviceWish())


def join(folder: Path, made: list[Path]) -> Written:
    (folder / "output").mkdir()
    sources = tuple(map(source_of_file, made))
    spec = TranscodeSpec(video_id="v", source=sources[0], made=sources)
    return join_parts(spec, workplace(folder, STEPS), folder / "output")


def test_joined_parts_have_every_picture_once(parts: list[Path], tmp_path: Path):
    """That it is the stream which one job makes is tested on a whole installation."""
    written = join(tmp_path, parts)
    names = ["init.mp4", *(f"{number:05}.m4s" for number in range(6))]
    assert sorted(path.name for path in (tmp_path / "output" / "v2").iterdir()) == sorted(names)
    media = b"".join((tmp_path / "output" / "v2" / name).read_bytes() for name in sorted(names, key=len))
    assert times(read_pictures(media)) == [n / CLIP.rate for n in range(CLIP.pictures)]
    assert written.report.coverage.pictures == CLIP.pictures
    assert written.stored == {f"{folder}/{name}" for folder in ("v1", "v2", "audio") for name in names[1:]}


def without_the_second(parts: list[Path]) -> list[Path]:
    return [parts[0], parts[2]]


def without_the_last(parts: list[Path]) -> list[Path]:
    return parts[:2]


def in_another_order(parts: list[Path]) -> list[Path]:
    return [parts[0], parts[2], parts[1]]


def with_one_twice(parts: list[Path]) -> list[Path]:
    return [parts[0], parts[1], parts[1], parts[2]]


def with_the_sound_twice(parts: list[Path]) -> list[Path]:
    return [parts[0], *parts]


@pytest.mark.parametrize(
    "choose", [without_the_second, without_the_last, in_another_order, with_one_twice, with_the_sound_twice]
)
def test_parts_that_are_not_the_whole_are_refused(
    parts: list[Path], tmp_path: Path, choose: Callable[[list[Path]], list[Path]]
):
    with pytest.raises(PermanentError) as refusal:
        join(tmp_path, choose(parts))
    assert refusal.value.reason == "INTERNAL_ERROR"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"source_s":12', '"source_s":13', "different plans"),
        # What a child tells of may have been written by a decoder that a source has taken over.
        ('"folder":"v1"', '"folder":"../v1"', "is no folder of a stream"),
        ('"first_segment":2', '"first_segment":3', "written were"),
        ('"init_sha256":"', '"init_sha256":"0', "is not the one that was written"),
    ],
)
def test_an_archive_that_tells_what_cannot_be_is_refused(
    parts: list[Path], tmp_path: Path, old: str, new: str, words: str
):
    folder, changed = tmp_path / "changed", tmp_path / "part.tar"
    with tarfile.open(parts[1]) as tar:
        tar.extractall(folder, filter="data")
    facts = folder / "part.json"
    assert old in facts.read_text()
    facts.write_text(facts.read_text().replace(old, new))
    with tarfile.open(changed, "w") as tar:
        for path in folder.rglob("*.*"):
            tar.add(path, path.relative_to(folder).as_posix().replace("v1/", "../v1/" if "../" in new else "v1/"))
    with pytest.raises(JobError, match=words):
        join(tmp_path, [parts[0], changed, parts[2]])
    assert not list(tmp_path.glob("v1"))


def test_parts_without_the_sound_of_their_plan_are_refused(parts: list[Path], tmp_path: Path):
    folder, silent = tmp_path / "changed", tmp_path / "part.tar"
    with tarfile.open(parts[0]) as tar:
        tar.extractall(folder, filter="data")
    facts = folder / "part.json"
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "sound": None}))
    with tarfile.open(silent, "w") as tar:
        for path in folder.rglob("*.*"):
            tar.add(path, path.relative_to(folder).as_posix())
    with pytest.raises(PermanentError, match="and their sound"):
        join(tmp_path, [silent, *parts[1:]])


def test_an_archive_that_is_cut_off_is_tried_again(parts: list[Path], tmp_path: Path):
    cut_off = tmp_path / "part.tar"
    cut_off.write_bytes(parts[1].read_bytes()[:20_000])
    with pytest.raises(TransientError, match="not a whole part"):
        join(tmp_path, [cut_off])


def test_a_child_behind_the_last_possible_cut_has_nothing_to_do(source: Path, tmp_path: Path):
    """How many parts there are is known before anybody knows where the source can be cut."""
    with tarfile.open(make_part(source, tmp_path, 8, parts=9)) as tar:
        assert tar.getnames() == ["part.json"]
