"""The children of an array and the job that joins them, by hand: together they make what one job makes."""

import tarfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from jobs.transcode.join_job import join_parts
from jobs.transcode.written import Written
from pipeline.contracts.devices import DeviceWish
from pipeline.contracts.transcode import STEPS, Source, TranscodeSpec
from pipeline.errors import JobError, PermanentError, TransientError
from pipeline.execution.folder_workplace import FolderWorkplace
from pipeline.execution.job_program import source_of_file
from pipeline.execution.step_clock import StepClock
from pipeline.progress.board import NoBoard
from tests.fixtures.media import Clip, make_clip, read_pictures
from tests.jobs.transcode.test_job import SMALL_LADDER, Result, times, transcode, transcode_part

CLIP = Clip(rate=Fraction(30000, 1001), pictures=360)
FIELDS: dict[str, Any] = {"ladder": SMALL_LADDER, "segment_s": 2}
PARTS = 3


def archive_of(made: Result) -> Path:
    return made.folder / "part.tar"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("lecture") / "source.mp4", CLIP)


@pytest.fixture(scope="module")
def parts(source: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    folder = tmp_path_factory.mktemp("parts")
    made = [transcode_part(source, folder / str(part), part, parts=PARTS, **FIELDS) for part in range(PARTS)]
    assert [part.exit_code for part in made] == [0] * PARTS, made[0].words
    return made


def test_by_hand_too_the_parts_are_joined_without_a_seam(source: Path, parts: list[Result], tmp_path: Path):
    """That it is the stream which one job makes is tested on a whole installation."""
    made = [source_of_file(archive_of(part)).model_dump() for part in parts]
    joined = transcode(source, tmp_path / "joined", made=made, **FIELDS)
    assert joined.exit_code == 0, joined.words
    for track in ("v1", "v2"):
        assert times(read_pictures(joined.media(track))) == [n / CLIP.rate for n in range(CLIP.pictures)]
    assert joined.outcome["audio"]["duration_s"] == pytest.approx(CLIP.pictures / CLIP.rate, abs=0.03)
    assert [part.outcome["size_bytes"] for part in parts] == [archive_of(part).stat().st_size for part in parts]


def without_the_second(parts: list[Source]) -> list[Source]:
    return [parts[0], parts[2]]


def without_the_last(parts: list[Source]) -> list[Source]:
    return parts[:2]


def without_the_sound(parts: list[Source]) -> list[Source]:
    return parts[1:]


@pytest.mark.parametrize("choose", [without_the_second, without_the_last, without_the_sound])
def test_parts_that_are_not_the_whole_are_refused(
    parts: list[Result], tmp_path: Path, choose: Callable[[list[Source]], list[Source]]
):
    with pytest.raises(PermanentError) as refusal:
        join(tmp_path, choose([source_of_file(archive_of(part)) for part in parts]))
    assert refusal.value.reason == "INTERNAL_ERROR"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"source_s":12', '"source_s":13', "different plans"),
        # What a child tells of may have been written by a decoder that a source has taken over.
        ('"folder":"v1"', '"folder":"../v1"', "is no folder of a stream"),
        ('"first_segment":2', '"first_segment":3', "written were"),
    ],
)
def test_an_archive_that_tells_what_cannot_be_is_refused(
    parts: list[Result], tmp_path: Path, old: str, new: str, words: str
):
    folder, changed = tmp_path / "changed", tmp_path / "part.tar"
    with tarfile.open(archive_of(parts[1])) as tar:
        tar.extractall(folder, filter="data")
    facts = folder / "part.json"
    assert old in facts.read_text()
    facts.write_text(facts.read_text().replace(old, new))
    with tarfile.open(changed, "w") as tar:
        for path in folder.rglob("*.*"):
            tar.add(path, path.relative_to(folder).as_posix().replace("v1/", "../v1/" if "../" in new else "v1/"))
    with pytest.raises(JobError, match=words):
        join(tmp_path, [source_of_file(path) for path in (archive_of(parts[0]), changed, archive_of(parts[2]))])
    assert not list(tmp_path.glob("v1"))


def test_an_archive_that_is_cut_off_is_tried_again(parts: list[Result], tmp_path: Path):
    cut_off = tmp_path / "part.tar"
    cut_off.write_bytes(archive_of(parts[1]).read_bytes()[:20_000])
    with pytest.raises(TransientError, match="not a whole part"):
        join(tmp_path, [source_of_file(cut_off)])


def join(folder: Path, made: list[Source]) -> Written:
    for name in ("scratch", "output"):
        (folder / name).mkdir()
    clock = StepClock(STEPS, NoBoard(), on_report=lambda: None)
    work = FolderWorkplace(folder / "scratch", clock, outputs=folder / "published", devices=DeviceWish())
    spec = TranscodeSpec(video_id="v", source=made[0], made=tuple(made))
    return join_parts(spec, work, folder / "output")


def test_a_child_behind_the_last_possible_cut_has_nothing_to_do(source: Path, tmp_path: Path):
    """How many parts there are is known before anybody knows where the source can be cut."""
    made = transcode_part(source, tmp_path / "part", 8, parts=9, **FIELDS)
    assert made.exit_code == 0, made.words
    with tarfile.open(archive_of(made)) as tar:
        assert tar.getnames() == ["part.json"]
