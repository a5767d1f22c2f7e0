"""Outputs that nobody plays go, one prefix at a time."""

import pytest

from pipeline.errors import Unavailable
from tests.control_plane.plane import Plane


def test_outputs_that_nobody_plays_are_deleted_and_sources_never(plane: Plane):
    video_id, worker = plane.submitted()
    worker.start(1)
    worker.store_outputs(1)
    worker.publish(2)
    source = plane.video(video_id).source_key
    plane.turn("abandoned")
    assert list(plane.services.store.list_keys(worker.prefix(1))), "not within its grace"
    plane.fetch("UPDATE videos SET updated_at = now() - interval '2 days' RETURNING 1")
    plane.fetch("UPDATE jobs SET ended_at = now() - interval '2 days' RETURNING 1")
    plane.fetch("UPDATE job_attempts SET ended_at = now() - interval '2 days' RETURNING 1")
    plane.turn("abandoned")
    assert list(plane.services.store.list_keys(worker.prefix(1))) == []
    assert len(list(plane.services.store.list_keys(worker.prefix(2)))) == 2
    assert plane.services.store.find(source) is not None


def test_a_prefix_that_cannot_be_deleted_keeps_no_other_one_and_is_tried_again(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
):
    # A round takes up all that wait, not the oldest only, which may be those that fail.
    monkeypatch.setattr("control_plane.reconciling.abandoned.AT_ONCE", 1)
    workers = [plane.submitted()[1] for _ in range(3)]
    for worker in workers:
        worker.start(1)
        worker.store_outputs(1)
        worker.fail(1)
    plane.fetch("UPDATE videos SET updated_at = now() - interval '2 days' RETURNING 1")
    plane.fetch("UPDATE jobs SET ended_at = now() - interval '2 days' RETURNING 1")
    for age, worker in enumerate(reversed(workers), start=2):
        plane.fetch(
            "UPDATE job_attempts SET ended_at = now() - make_interval(days => %s) WHERE job_id = %s RETURNING 1",
            age,
            worker.job_id,
        )

    def left() -> list[bool]:
        return [bool(list(plane.services.store.list_keys(worker.prefix(1)))) for worker in workers]

    delete, broken = plane.services.store.delete_prefix, workers[0].prefix(1)

    def delete_others(prefix: str) -> int:
        if prefix == broken:
            raise Unavailable("storage_refused", "this one")
        return delete(prefix)

    with monkeypatch.context() as patch:
        patch.setattr(plane.services.store, "delete_prefix", delete_others)
        with pytest.raises(Unavailable, match="this one"):
            plane.turn("abandoned")
    assert left() == [True, False, False]
    plane.turn("abandoned")
    assert left() == [False, False, False]
