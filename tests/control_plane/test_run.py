"""One run, from the first call to a stream that plays."""

from uuid import UUID

from tests.control_plane.plane import TENANT, Plane, Worker


def test_an_uploaded_lecture_becomes_ready_and_plays(plane: Plane):
    body = plane.init()
    video_id = UUID(body["id"])
    assert body["status"] == "PENDING"
    plane.put(body["upload"])

    completed = plane.complete(body["id"])
    assert completed.status_code == 200, completed.text
    assert completed.json()["status"] == "UPLOADED"
    assert plane.background.woken == ["dispatcher"]

    plane.turn("dispatcher")
    (submission,) = plane.executor.submitted
    assert submission.name == completed.json()["job_id"]
    worker = Worker(plane, UUID(submission.name))
    started = worker.start(1)
    assert started.status_code == 200, started.text
    assert plane.call("GET", f"/media/videos/{video_id}").json()["status"] == "PROCESSING"

    worker.store_outputs(1)
    finished = worker.finish(1)
    assert finished.json() == {"state": "succeeded"}
    row = plane.call("GET", f"/media/videos/{video_id}").json()
    assert row["status"] == "READY"
    path = f"tenants/{TENANT}/videos/{video_id}/hls/{submission.name}-1/master.m3u8"
    assert row["hls_path"] == path
    assert row["hls_url"].startswith(f"http://cdn.test/{path}?v=")
    assert plane.http.get(f"/cdn/{path}").text == "#EXTM3U\n"
    assert plane.call("GET", f"/media/videos/{video_id}/progress").json()["progress"] == 100
