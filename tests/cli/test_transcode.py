"""`academy transcode` through its real child processes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import imageio_ffmpeg
import psutil
import pytest

from tests.fixtures.waiting import wait_for

ACADEMY = (sys.executable, "-m", "cli.main", "transcode")
# Starting the job and its decoders takes seconds on a busy machine.
WITHIN_S = 100


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("media")


def make_clip(target: Path, *, size: str, seconds: int) -> Path:
    source = f"testsrc2=size={size}:rate=10:duration={seconds}"
    codec = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", source, *codec, str(target)]
    subprocess.run(command, check=True, timeout=WITHIN_S)
    return target


def run(*arguments: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*ACADEMY, *arguments], capture_output=True, text=True, timeout=WITHIN_S, check=False)


@contextmanager
def started(*arguments: Path | str) -> Iterator[psutil.Popen]:
    """`academy transcode` while it runs; nothing of it outlives the test."""
    environment = os.environ | {"COLUMNS": "120"}
    with psutil.Popen([*ACADEMY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as child:
        try:
            yield child
        finally:
            for process in [*child.children(recursive=True), child] if child.is_running() else []:
                process.kill()


def test_a_video_becomes_a_stream_and_its_outcome_is_all_of_stdout(media: Path, tmp_path: Path):
    clip = make_clip(media / "clip.mp4", size="426x240", seconds=4)
    ended = run(clip, tmp_path / "out", "--json")
    assert ended.returncode == 0, ended.stderr
    outcome = json.loads(ended.stdout)
    assert outcome == json.loads((tmp_path / "out" / "outcome.json").read_text())
    assert outcome["status"] == "ready"
    assert [r["name"] for r in outcome["renditions"]] == ["240p"]
    assert (tmp_path / "out" / outcome["master"]).read_text().startswith("#EXTM3U")


def test_what_is_not_a_video_ends_with_65_and_a_sentence(tmp_path: Path):
    folder = tmp_path / "out"
    folder.mkdir()
    source = tmp_path / "lecture.mp4"
    source.write_text("this is not a video")
    ended = run(source, folder)
    assert ended.returncode == 65
    assert "NOT_MEDIA" in ended.stderr
    assert "This file is not a video." in ended.stderr
    assert ended.stdout == ""
    assert json.loads((folder / "outcome.json").read_text())["reason"] == "NOT_MEDIA"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_being_stopped_stops_the_job_first_and_leaves_no_process_behind(
    media: Path, tmp_path: Path, number: signal.Signals
):
    clip = media / "long.mp4"
    if not clip.exists():
        make_clip(clip, size="640x360", seconds=120)
    with started(clip, tmp_path / "out") as academy:
        family = wait_for(lambda: _family(academy), "the job decodes in a child of its own")
        academy.send_signal(number)
        assert academy.wait(timeout=WITHIN_S) == 75
        assert b"Stopping" in academy.stderr.read()
    assert not [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def _family(academy: psutil.Process) -> list[psutil.Process]:
    """The job and its decoders, once there are any."""
    children = academy.children(recursive=True)
    return children if len(children) > 1 else []


def test_an_outcome_of_an_earlier_run_is_not_shown_as_this_ones(tmp_path: Path):
    (tmp_path / "outcome.json").write_text('{"status": "ready"}')
    (tmp_path / "a-file-of-mine.txt").write_text("keep")
    (tmp_path / "empty.mp4").touch()
    ended = run(tmp_path / "empty.mp4", tmp_path, "--json")
    assert ended.returncode == 65
    assert json.loads(ended.stdout or "{}").get("status") != "ready"
