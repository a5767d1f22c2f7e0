"""Bad things happen to a lecture on its way, and it is READY all the same, or FAILED with a reason. Nothing is lost."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from pipeline.execution.exit_codes import EXIT_PERMANENT, EXIT_TRANSIENT
from tests.fixtures.waiting import PATIENCE_S, wait_for
from tests.system.academy import ROOT, Academy, find_job_process
from tests.system.published import assert_one_stream_is_published


def attempts(academy: Academy, job_id: str) -> list[int]:
    return [row["attempt"] for row in academy.job(job_id)["attempts"]]


def test_a_job_that_is_killed_while_it_encodes_is_ready_by_its_second_attempt(academy: Academy, lecture: Path):
    with academy.encoding(lecture) as job:
        job.process.kill()
    row = academy.wait_until_ended(job.video_id)
    assert row["status"] == "READY", row
    assert attempts(academy, job.job_id) == [1, 2]
    assert_one_stream_is_published(academy, job.video_id, attempt=2)


def test_a_job_that_is_told_to_stop_leaves_within_20_s_and_is_tried_again(academy: Academy, lecture: Path):
    with academy.encoding(lecture) as job:
        children = job.process.children(recursive=True)
        job.process.send_signal(signal.SIGTERM)
        job.process.wait(timeout=20)
        wait_for(lambda: not [child for child in children if child.is_running()], "its children end with it")
    assert academy.wait_until_ended(job.video_id)["status"] == "READY"
    first = academy.job(job.job_id)["attempts"][0]
    assert (first["ending"], first["reason"], first["exit_code"]) == ("retry", "TERMINATED", EXIT_TRANSIENT)


def test_the_control_plane_dies_during_the_job_and_the_job_still_ends_ready(academy: Academy, lecture: Path):
    with academy.encoding(lecture) as job:
        academy.kill()
        academy.start()
    assert academy.wait_until_ended(job.video_id)["status"] == "READY"
    assert attempts(academy, job.job_id) == [1], "the running attempt was adopted, not repeated"


def test_the_control_plane_dies_after_the_outcome_was_stored_and_the_sweep_publishes_it(
    academy: Academy, lecture: Path
):
    academy.restart(FINISH_PATIENCE_S="2")
    # Nobody ever hears `finish`: only the outcome object in the store tells that the work is done.
    academy.api.rule = lambda method, path: 0 if path.endswith("/finish") else None
    video_id = academy.upload(lecture)
    job_id = academy.jobs()[0]["id"]
    wait_for(
        lambda: [seen for seen in academy.s3.seen if seen[1].endswith("outcome.json") and seen[0] == "PUT"],
        "the outcome is stored",
    )
    academy.kill()
    wait_for(lambda: find_job_process(job_id, 1) is None, "the job gives up telling")
    academy.start()
    assert academy.wait_until_ended(video_id)["status"] == "READY"
    assert not [seen for seen in academy.api.seen if seen[1].endswith("/finish") and seen[2] == 200]
    assert_one_stream_is_published(academy, video_id, attempt=1)


def test_redis_is_away_for_a_while_and_only_percentages_are_missing(academy: Academy, lecture: Path):
    with academy.encoding(lecture) as job:
        academy.redis.cut()
        assert academy.progress(job.video_id)["status"] == "PROCESSING"
    row = academy.wait_until_ended(job.video_id)
    assert row["status"] == "READY"
    assert academy.progress(job.video_id)["status"] == "READY"
    academy.redis.mend()
    wait_for(lambda: academy.progress(job.video_id).get("hls_path"), "the cache is warm again and says the same")


def test_64_completes_at_the_same_time_make_one_job(academy: Academy, short: Path):
    video_id = academy.put_source(short)
    with ThreadPoolExecutor(64) as pool:
        replies = list(pool.map(lambda _: academy.complete(video_id), range(64)))
    assert {reply.status_code for reply in replies} == {200}
    assert len({reply.json()["job_id"] for reply in replies}) == 1
    assert len([job for job in academy.jobs() if job["asset_id"] == video_id]) == 1
    assert academy.wait_until_ended(video_id)["status"] == "READY"


def test_a_stale_attempt_that_wakes_up_cannot_publish(academy: Academy, lecture: Path):
    with academy.encoding(lecture) as job:
        stale = job.process
        environment = {**stale.environ(), "AWS_BATCH_JOB_ATTEMPT": "2"}
        frozen = [stale, *stale.children(recursive=True)]
        for process in frozen:
            process.suspend()
    newer = subprocess.run(
        [sys.executable, "-m", "jobs.transcode"],
        cwd=ROOT,
        env=environment,
        check=False,
        capture_output=True,
        timeout=PATIENCE_S,
    )
    assert newer.returncode == 0, newer.stderr.decode()
    published = academy.video(job.video_id)
    assert published["status"] == "READY"
    for process in reversed(frozen):
        process.resume()
    wait_for(lambda: not stale.is_running() or None, "the stale attempt ends")
    wait_for(lambda: academy.job(job.job_id)["attempts"][0]["ending"], "its end is known")
    assert academy.video(job.video_id)["hls_path"] == published["hls_path"]
    assert f"{job.job_id}-2/" in published["hls_path"]
    refused = [seen for seen in academy.api.seen if seen[2] == 409]
    assert refused, "the stale attempt was refused"
    assert_one_stream_is_published(academy, job.video_id, attempt=2)


def test_one_put_in_ten_fails_and_the_stream_is_whole(academy: Academy, lecture: Path):
    puts = count(1)
    academy.s3.rule = lambda method, path: 503 if method == "PUT" and "/hls/" in path and next(puts) % 10 == 3 else None
    video_id = academy.upload(lecture)
    assert academy.wait_until_ended(video_id)["status"] == "READY"
    assert [seen for seen in academy.s3.seen if seen[2] == 503], "a PUT has failed"
    assert attempts(academy, academy.jobs()[0]["id"]) == [1]
    assert_one_stream_is_published(academy, video_id, attempt=1)


def test_a_source_that_is_replaced_after_validation_is_refused(academy: Academy, short: Path, lecture: Path):
    def replace_before_start(method: str, path: str) -> int | None:
        if path.endswith("/start"):
            academy.write_object(academy.source_key(video_id), lecture.read_bytes())
        return None

    video_id = academy.put_source(short)
    academy.api.rule = replace_before_start
    assert academy.complete(video_id).status_code == 200
    row = academy.wait_until_ended(video_id)
    assert (row["status"], row["error_reason"]) == ("FAILED", "SOURCE_CHANGED")
    assert attempts(academy, academy.jobs()[0]["id"]) == [1]


def test_a_source_that_is_cut_off_fails_with_a_reason_after_one_attempt(
    academy: Academy, lecture: Path, tmp_path: Path
):
    cut = tmp_path / "cut.mkv"
    # Its head still declares the whole duration: only decoding tells.
    cut.write_bytes(lecture.read_bytes()[: lecture.stat().st_size * 6 // 10])
    video_id = academy.upload(cut)
    row = academy.wait_until_ended(video_id)
    assert (row["status"], row["error_reason"]) == ("FAILED", "TRUNCATED")
    job_id = academy.jobs()[0]["id"]
    assert attempts(academy, job_id) == [1]
    report = wait_for(lambda: academy.ended_report(job_id), "the executor reports the end")
    assert [attempt["exit_code"] for attempt in report["attempts"]] == [EXIT_PERMANENT]
    retry = academy.call("POST", f"/media/videos/{video_id}/retry")
    assert retry.status_code == 202
    assert academy.wait_until_ended(video_id)["status"] == "FAILED"


def test_a_cancelled_job_stops_and_the_video_can_be_tried_again(academy: Academy, lecture: Path):
    with academy.encoding(lecture) as job:
        assert academy.call("POST", f"/jobs/{job.job_id}/cancel").status_code in {200, 202}
        wait_for(lambda: not job.process.is_running() or None, "the process ends")
    row = academy.video(job.video_id)
    assert (row["status"], row["error_reason"]) == ("FAILED", "CANCELLED")
    assert academy.call("POST", f"/media/videos/{job.video_id}/retry").status_code == 202
    assert academy.wait_until_ended(job.video_id)["status"] == "READY"


def test_a_resubmitted_video_plays_on_its_old_stream_until_the_new_one_is_published(academy: Academy, short: Path):
    video_id = academy.upload(short)
    before = academy.wait_until_ended(video_id)
    first = academy.jobs()[0]["id"]
    refused = academy.call("POST", f"/jobs/{first}/resubmit", json={"force": False})
    assert refused.status_code == 409, refused.text
    again = academy.call("POST", f"/jobs/{first}/resubmit", json={"force": True})
    assert again.status_code in {201, 202}, again.text

    def replaced() -> bool:
        row = academy.video(video_id)
        assert row["status"] == "READY", "it never stops playing"
        return bool(row["hls_path"] != before["hls_path"])

    wait_for(replaced, "the new stream is published")


def test_a_full_disk_ends_the_job_with_a_clear_reason(lecture: Path, tmp_path: Path):
    small = tmp_path / "small"
    small.mkdir()
    script = (
        'mount -t tmpfs -o size=128k tmpfs "$1" && mkdir "$1/scratch" && '
        'JOB_SCRATCH="$1/scratch" exec "$2" -m jobs.transcode "$3" "$4"'
    )
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    done = subprocess.run(
        [*command, str(small), sys.executable, str(lecture), str(tmp_path / "out")],
        cwd=ROOT,
        env=dict(os.environ),
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == EXIT_PERMANENT, done.stderr
    assert '"reason": "DISK_FULL"' in (tmp_path / "out" / "outcome.json").read_text()
