"""`academy demo`, interrupted in the middle: nothing is left running, and the work is not lost."""

from pathlib import Path

from cli.api import Api
from cli.connection import DEFAULT_TENANT, local_connection
from pipeline.embedded.stack_file import find_running_stack
from tests.cli.test_up import academy, all_gone, ctrl_c, family, read_until, stack_of
from tests.fixtures.media import Clip, make_clip
from tests.fixtures.waiting import PATIENCE_S, wait_for


def test_a_demo_that_is_interrupted_leaves_nothing_running_and_the_next_start_finishes_its_video(tmp_path: Path):
    lecture = make_clip(tmp_path / "lecture.mp4", Clip(width=640, height=360, pictures=15 * 25))
    with academy("demo", tmp_path / "data", str(lecture)) as process:
        read_until(process, "Transcoding")
        started = family(process)
        ctrl_c(process)
        said, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 130, said
    assert all_gone(started)
    with academy("up", tmp_path / "data") as process:
        stack_of(tmp_path / "data", process)
        stack = find_running_stack(tmp_path / "data")
        assert stack is not None
        assert stack.jwt_secret is not None
        with Api(local_connection(stack.api_url, stack.jwt_secret, tenant=DEFAULT_TENANT)) as api:
            (video,) = api.videos().rows
            wait_for(lambda: api.video(video["id"])["status"] == "READY", "the video is READY")
        process.terminate()
        process.communicate(timeout=PATIENCE_S)
