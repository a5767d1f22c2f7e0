"""A job as a process: what it tells the control plane, what it leaves in the store, and its exit code."""

import json
import signal
import subprocess
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
import redis

from pipeline.metrics.catalog import METRICS
from pipeline.progress.keys import job_progress
from tests.fixtures.internal_api import JOB_ID, SOURCE_PATH, TENANT, TOKEN, InternalApi
from tests.fixtures.waiting import PATIENCE_S, wait_for
from tests.pipeline.execution.conftest import StartJob

RunJob = Callable[..., tuple[int, str]]


def test_a_job_that_ends_well_stores_its_outputs_then_its_outcome_and_then_finishes(api: InternalApi, run_job: RunJob):
    code, said = run_job(api.environment())
    assert code == 0, said
    assert api.names_of_calls() == ["start", "uploads", "uploads", "finish"]
    assert [api.output(f"v1/0000{n}.bin") for n in range(3)] == [api.source] * 3
    assert api.output("v1/empty.txt") == b""
    assert list(api.objects)[-1].endswith("outcome.json")
    assert set(api.content_types.values()) == {"video/mp4", "application/json"}
    outcome = api.outcome()
    usage = api.call("finish")["usage"]
    assert api.call("finish") == {"attempt": 1, "handle": "handle-1", "outcome": outcome, "usage": usage}
    assert 0 < usage["scratch_used_percent"] <= 100
    assert usage["peak_memory_bytes"] > 2**20
    assert usage["cpu_s"] > 0.05
    assert [step["name"] for step in outcome["steps"]] == ["downloading", "transcoding", "uploading"]


def test_a_job_with_a_namespace_writes_one_line_of_metrics_to_stdout_and_its_logs_elsewhere(
    api: InternalApi, start_job: StartJob
):
    job = start_job(api.environment(METRICS_NAMESPACE="academy-test"))
    written, logged = job.communicate(timeout=60)
    assert job.returncode == 0
    (line,) = map(json.loads, written.splitlines())
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"], line["kind"]) == ("academy-test", [["kind"]], "transcode")
    assert {metric["Name"] for metric in directive["Metrics"]} == {
        metric.name for metric in METRICS if metric.emitter == "job"
    }
    assert line["academy_cpu_seconds"] == [pytest.approx(api.call("finish")["usage"]["cpu_s"], abs=1.0)]
    assert "attempt_finished" in logged
    assert "_aws" not in logged


def test_a_job_knows_the_devices_of_its_environment_and_its_attempt(api: InternalApi, run_job: RunJob):
    code, said = run_job(api.environment(ENCODER="nvenc", AWS_BATCH_JOB_ATTEMPT="2"))
    assert code == 0, said
    assert api.outcome()["devices"] == {"encoder": "nvenc", "decoder": "cpu", "cpu_fallback": False, "attempt": 2}


def test_the_child_of_an_array_speaks_for_its_part(api: InternalApi, run_job: RunJob):
    code, said = run_job(api.environment(AWS_BATCH_JOB_ARRAY_INDEX="7"))
    assert code == 0, said
    called = {path for method, path, _ in api.requests if method == "POST"}
    assert called == {f"/api/v1/internal/jobs/{JOB_ID}/parts/7/{name}" for name in ("start", "uploads", "finish")}


def test_neither_token_nor_signatures_are_logged(api: InternalApi, run_job: RunJob):
    api.spec["behaviour"] = "permanent"
    _, said = run_job(api.environment())
    assert "attempt_failed" in said
    assert TOKEN not in said
    assert "abc" not in said
    assert "source-secret" not in said


def test_the_token_is_sent_to_the_control_plane_only(api: InternalApi, run_job: RunJob):
    assert run_job(api.environment())[0] == 0
    for method, path, headers in api.requests:
        assert ("authorization" in headers) == (method == "POST"), path


@pytest.mark.parametrize(
    ("behaviour", "exit_code", "reason", "permanent"),
    [
        ("permanent", 65, "NO_VIDEO_STREAM", True),
        ("transient", 75, "STORAGE_UNAVAILABLE", False),
        ("bug", 75, "INTERNAL_ERROR", False),
        ("exits", 75, "INTERNAL_ERROR", False),
        ("full_disk", 65, "DISK_FULL", True),
        ("no_memory", 75, "WORKER_KILLED", False),
    ],
)
def test_a_job_that_ends_badly_tells_why_and_exits_by_its_class(
    api: InternalApi, run_job: RunJob, *, behaviour: str, exit_code: int, reason: str, permanent: bool
):
    api.spec["behaviour"] = behaviour
    code, said = run_job(api.environment())
    told = api.call("fail")
    assert (code, told["reason"], told["permanent"]) == (exit_code, reason, permanent), said
    assert [step["name"] for step in told["steps"]] == ["downloading", "transcoding"]
    assert "abc" not in told["detail"]
    assert ("Traceback" in said) == (behaviour in {"bug", "full_disk", "no_memory", "exits"})


@pytest.mark.parametrize("call", ["start", "uploads", "finish"])
def test_a_fenced_attempt_stops_and_reports_nothing(api: InternalApi, run_job: RunJob, call: str):
    api.rule = lambda method, path: 409 if path.endswith(f"/{call}") else None
    assert run_job(api.environment())[0] == 65
    assert "fail" not in api.names_of_calls()


@pytest.mark.parametrize("status", [401, 403, 422])
def test_a_start_that_is_refused_is_not_asked_again(api: InternalApi, run_job: RunJob, status: int):
    api.rule = lambda method, path: status if path.endswith("/start") else None
    assert run_job(api.environment())[0] == 65
    assert [path.rsplit("/", 1)[1] for _, path, _ in api.requests] == ["start", "fail"]


def test_a_control_plane_that_fails_for_a_while_is_asked_again(api: InternalApi, run_job: RunJob):
    tries = count()
    api.rule = lambda method, path: [503, 0, None][min(next(tries), 2)] if path.endswith("/start") else None
    assert run_job(api.environment(FINISH_PATIENCE_S="30"))[0] == 0
    assert next(tries) == 3


def test_a_control_plane_that_stays_away_makes_the_job_try_again_later(api: InternalApi, run_job: RunJob):
    api.rule = lambda method, path: 503
    code, said = run_job(api.environment(FINISH_PATIENCE_S="0.5"))
    assert code == 75
    assert "CONTROL_PLANE_UNAVAILABLE" in said


def test_a_finish_that_nobody_hears_is_a_success_since_the_outcome_is_stored(api: InternalApi, run_job: RunJob):
    api.rule = lambda method, path: 0 if path.endswith("/finish") else None
    code, said = run_job(api.environment(FINISH_PATIENCE_S="0.5"))
    assert code == 0
    assert "finish_undelivered" in said
    assert api.outcome()["status"] == "ready"
    assert "fail" not in api.names_of_calls()


def test_a_permanent_failure_that_nobody_hears_is_left_to_another_attempt(api: InternalApi, run_job: RunJob):
    api.spec["behaviour"] = "permanent"
    api.rule = lambda method, path: 0 if path.endswith("/fail") else None
    assert run_job(api.environment(FINISH_PATIENCE_S="0.5"))[0] == 75


def test_uploads_that_fail_are_repeated_one_by_one(api: InternalApi, run_job: RunJob):
    puts = count(1)
    api.spec["copies"] = 30
    api.rule = lambda method, path: [503, 0][next(puts) % 2] if method == "PUT" and next(puts) % 5 == 0 else None
    code, said = run_job(api.environment())
    assert code == 0, said
    assert len(api.objects) == 32
    assert all(body == api.source for path, body in api.objects.items() if path.endswith(".bin"))


def test_signatures_that_have_expired_are_made_anew(api: InternalApi, run_job: RunJob):
    first_put = count()

    def expire_the_first_ones(method: str, path: str) -> int | None:
        if method == "PUT" and next(first_put) == 0:
            api.valid_signatures.clear()
        return None

    api.rule = expire_the_first_ones
    code, said = run_job(api.environment())
    assert code == 0, said
    assert api.names_of_calls().count("uploads") == 6, "one group, four files again, the outcome"


def test_signatures_that_stay_refused_end_the_attempt_as_transient(api: InternalApi, run_job: RunJob):
    api.rule = lambda method, path: 403 if method == "PUT" else None
    code, _ = run_job(api.environment())
    assert (code, api.call("fail")["reason"]) == (75, "STORAGE_UNAVAILABLE")


def test_uploads_are_signed_in_groups_of_a_hundred(api: InternalApi, run_job: RunJob):
    api.spec["copies"] = 149
    assert run_job(api.environment())[0] == 0
    assert [len(body["files"]) for name, body in api.calls if name == "uploads"] == [100, 50, 1]


def test_sigterm_ends_the_job_at_once_as_transient(api: InternalApi, start_job: StartJob):
    api.spec["behaviour"] = "hangs"
    job = start_job(api.environment())
    wait_for(lambda: _children(job), "the job is at work")
    job.send_signal(signal.SIGTERM)
    _, said = job.communicate(timeout=20)
    assert job.returncode == 75, said
    told = api.call("fail")
    assert (told["reason"], told["permanent"]) == ("TERMINATED", False)


@pytest.mark.parametrize("behaviour", ["swallows_the_signal", "breaks_when_stopped"])
def test_whatever_the_program_makes_of_sigterm_it_has_been_stopped(
    api: InternalApi, start_job: StartJob, tmp_path: Path, behaviour: str
):
    api.spec["behaviour"] = behaviour
    job = start_job(api.environment())
    wait_for((tmp_path / "scratch" / "is-running").exists, "the job is at work")
    job.send_signal(signal.SIGTERM)
    job.communicate(timeout=20)
    assert job.returncode == 75
    assert api.call("fail")["reason"] == "TERMINATED"
    (tmp_path / "scratch" / "is-running").unlink()


def test_sigterm_while_finish_is_not_heard_leaves_the_outcome_to_the_sweep(api: InternalApi, start_job: StartJob):
    api.rule = lambda method, path: 0 if path.endswith("/finish") else None
    job = start_job(api.environment(FINISH_PATIENCE_S="60"))
    wait_for(lambda: [1 for _, path, _ in api.requests if path.endswith("/finish")], "it tries to finish")
    job.send_signal(signal.SIGTERM)
    _, said = job.communicate(timeout=20)
    assert job.returncode == 0, said
    assert "fail" not in api.names_of_calls()


def test_sigterm_while_a_put_hangs_does_not_wait_for_it(api: InternalApi, start_job: StartJob):
    def hang(method: str, path: str) -> int | None:
        if method == "PUT":
            let_go.wait(PATIENCE_S)
        return None

    let_go = threading.Event()
    api.rule = hang
    job = start_job(api.environment())
    wait_for(lambda: [1 for method, _, _ in api.requests if method == "PUT"], "a PUT is under way")
    job.send_signal(signal.SIGTERM)
    job.communicate(timeout=20)
    let_go.set()
    assert job.returncode == 75
    assert api.call("fail")["reason"] == "TERMINATED"


def test_progress_is_told_to_the_last_percent_as_that_of_the_job_which_start_named(
    api: InternalApi, run_job: RunJob, job_redis_url: str
):
    """JOB_ID may be the array's, and the job one of its children."""
    api.job_id = "child-of-the-array"
    api.progress_keys = (job_progress(TENANT, JOB_ID),)
    assert run_job(api.environment(REDIS_URL=job_redis_url))[0] == 0
    with redis.Redis.from_url(job_redis_url, socket_timeout=5) as cache:
        value = json.loads(str(cache.get(job_progress(TENANT, JOB_ID)), "utf-8"))
    told = (value["percent"], value["step_name"], value["job_id"], value["attempt"])
    assert told == (100, "uploading", "child-of-the-array", 1)


def test_a_redis_that_is_away_neither_fails_nor_delays_a_job(api: InternalApi, run_job: RunJob):
    api.progress_keys = (job_progress(TENANT, JOB_ID),)
    code, said = run_job(api.environment(REDIS_URL="redis://job:redis-secret@127.0.0.1:1/0"))
    assert code == 0
    assert said.count("redis_unavailable") == 1
    assert "redis-secret" not in said


def test_a_container_that_is_set_up_wrongly_says_which_variable(run_job: RunJob):
    code, said = run_job({"JOB_ID": "x", "CONTROL_PLANE_URL": "http://127.0.0.1:9", "JOB_TOKEN": "secret-value"})
    assert code == 65
    assert "AWS_BATCH_JOB_ID" in said
    assert "secret-value" not in said


def test_a_spec_that_cannot_be_used_fails_for_good_without_quoting_its_urls(api: InternalApi, run_job: RunJob):
    api.spec["copies"] = "many"
    code, said = run_job(api.environment())
    told = api.call("fail")
    assert (code, told["reason"], told["permanent"]) == (65, "INTERNAL_ERROR", True)
    assert "copies" in told["detail"]
    assert "source-secret" not in json.dumps(told) + said


def test_a_source_that_is_gone_is_a_permanent_failure(api: InternalApi, run_job: RunJob):
    api.rule = lambda method, path: 404 if path == SOURCE_PATH else None
    assert run_job(api.environment())[0] == 65
    assert api.call("fail")["reason"] == "SOURCE_GONE"


def _children(job: "subprocess.Popen[str]") -> list[str]:
    listed = subprocess.run(["ps", "-o", "comm=", "--ppid", str(job.pid)], capture_output=True, text=True, check=False)
    return [line for line in listed.stdout.split() if line == "sleep"]
