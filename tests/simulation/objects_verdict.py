"""What must be true of stored objects in a world of videos that has come to rest."""

from collections.abc import Iterator
from math import inf

from tests.simulation.world import OUTPUTS_GRACE_S, World


def judge_objects(world: World) -> list[str]:
    """What is wrong, a line each."""
    return [
        *(f"told to fetch what is not there: {line}" for line in world.store.misread),
        *_sources(world),
        *_deleted_early(world),
        *_left_over(world),
    ]


def _sources(world: World) -> Iterator[str]:
    """The source that was checked and acknowledged is there, whatever became of its video."""
    rows = world.database.fetch("SELECT id, source_key, source_etag FROM videos WHERE status <> 'PENDING'")
    for video_id, key, etag in rows:
        stored = world.store.objects.get(key)
        if stored is None or stored.etag != etag:
            yield f"lost: source {key} of video {video_id} is not what was acknowledged"


def _deleted_early(world: World) -> Iterator[str]:
    """Outputs outlive their job, and what took their place as the video's stream, by the grace."""
    rows = world.database.fetch("SELECT id::text, EXTRACT(EPOCH FROM ended_at) FROM jobs")
    ended_s = {job_id: _since(world, ended_at) for job_id, ended_at in rows}
    shown = world.database.fetch(
        "SELECT j.id || '-' || j.attempt,"
        " EXTRACT(EPOCH FROM lead(m.moved_at) OVER (PARTITION BY m.video_id ORDER BY m.id))"
        " FROM video_moves m JOIN jobs j ON j.id = m.job_id WHERE m.to_status = 'READY'"
    )
    shown_until_s = {outputs: _since(world, replaced_at) for outputs, replaced_at in shown}
    for key, deleted_at_s in world.store.deleted:
        outputs = key.partition("/hls/")[2].partition("/")[0]
        needed_until_s = max(ended_s.get(outputs[:36], inf), shown_until_s.get(outputs, 0.0))
        if deleted_at_s < needed_until_s + OUTPUTS_GRACE_S:
            yield f"deleted early: {key}"


def _since(world: World, at: float | None) -> float:
    """In the world's seconds; what has not come is never."""
    return inf if at is None else float(at) - world.begun_s


def _left_over(world: World) -> Iterator[str]:
    """What attempts have stored and no player sees is deleted; what somebody wrote later still is not looked for."""
    rows = world.database.fetch(
        "SELECT format('tenants/%%s/videos/%%s/hls/%%s-%%s/', j.tenant_id, j.asset_id, j.id, a.attempt),"
        " EXTRACT(EPOCH FROM a.outputs_deleted_at) FROM job_attempts a JOIN jobs j ON j.id = a.job_id"
        " WHERE NOT EXISTS (SELECT FROM videos v WHERE v.published_job_id = j.id AND j.attempt = a.attempt)"
        " UNION ALL SELECT format('tenants/%%s/videos/%%s/hls/%%s-p%%s-%%s/',"
        " j.tenant_id, j.asset_id, j.id, p.part, p.attempt), EXTRACT(EPOCH FROM p.outputs_deleted_at)"
        " FROM job_parts p JOIN jobs j ON j.id = p.job_id ORDER BY 1"
    )
    for prefix, deleted_at in rows:
        if deleted_at is None:
            yield f"left over: {prefix}"
            continue
        for key, stored in world.store.objects.items():
            if key.startswith(prefix) and stored.put_at_s < _since(world, deleted_at):
                yield f"left over: {key}"
