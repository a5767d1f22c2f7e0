"""A long video is made in parts by the children of an array, on a real installation: the stream is the same."""

from fractions import Fraction
from pathlib import Path

import psutil
import pytest

from tests.fixtures.media import Clip, make_clip
from tests.fixtures.waiting import wait_for
from tests.jobs.transcode.by_hand import transcode
from tests.system.academy import Academy
from tests.system.published import assert_one_stream_is_published, play, play_from

RATE = 25
PICTURES = 24 * RATE
# Parts of about 6 s: their segments are of 4 s, and each begins after an even number of them.
PARTS = 3


@pytest.fixture(scope="module")
def seminar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clip = Clip(width=320, height=180, pictures=PICTURES)
    return make_clip(tmp_path_factory.mktemp("seminar") / "seminar.mp4", clip)


def child_process(job_id: str, part: int, attempt: int) -> psutil.Process | None:
    for process in psutil.process_iter():
        try:
            variables = process.environ() if "jobs.transcode" in process.cmdline() else {}
        except psutil.Error:
            continue
        named = (variables.get("AWS_BATCH_JOB_ARRAY_INDEX"), variables.get("AWS_BATCH_JOB_ATTEMPT"))
        if variables.get("JOB_ID") == job_id and named == (str(part), str(attempt)):
            return process
    return None


@pytest.fixture(scope="module")
def set_up() -> dict[str, str]:
    return {"SPLIT_ABOVE_S": "10", "SPLIT_PART_S": "8", "LOCAL_WORKERS": "2"}


def parts_of(academy: Academy, job_id: str) -> list[tuple[int, int, str | None]]:
    return [(one["part"], one["attempt"], one["ending"]) for one in academy.job(job_id)["parts"]]


def test_a_child_is_killed_and_the_joined_stream_is_that_of_one_process(
    academy: Academy, seminar: Path, tmp_path: Path
):
    with academy.held("/parts/1/uploads") as hold:
        video_id = academy.upload(seminar)
        job_id = academy.jobs()[0]["id"]
        wait_for(lambda: hold.has_come, "the second child has its first segments")
        second = child_process(job_id, 1, 1)
        assert second is not None
        assert (1, 1, None) in parts_of(academy, job_id)
        second.kill()
    shown = academy.follow(f"/media/videos/{video_id}/progress")
    assert shown[-1]["status"] == "READY", shown[-1]
    assert_one_stream_is_published(academy, video_id, attempt=1)
    whole = transcode(seminar, tmp_path / "whole")
    assert whole.exit_code == 0, whole.words
    played = play(academy, video_id)
    assert played == play_from(lambda path: (whole.folder / path).read_bytes())
    assert played.pictures_s.values()
    for shown_s in played.pictures_s.values():
        assert shown_s == tuple(Fraction(number, RATE) for number in range(PICTURES))
    # Where Redis was slow to answer, which it may be on a busy machine, no step is known.
    percents = [answer["progress"] for answer in shown if answer["encoding_step_name"] or answer is shown[-1]]
    assert percents == sorted(percents)
    assert parts_of(academy, job_id) == [
        (0, 1, "succeeded"),
        (1, 1, "retry"),
        (1, 2, "succeeded"),
        (2, 1, "succeeded"),
    ]
