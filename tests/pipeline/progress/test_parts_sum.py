"""What the children of an array have done, added up in a real Valkey."""

import threading

import redis

from pipeline.progress import keys
from tests.pipeline.progress.test_boards import KEY, PARTS_KEY, place_of, stored, write


def test_what_the_children_of_an_array_have_done_adds_up_to_their_jobs_progress(
    cache: "redis.Redis", job_redis_url: str
):
    """Of four parts; encoding and all before it is 82 hundredths of the job."""
    shown = []
    for number, percent in [(0, 100), (2, 50), (2, 20), (3, 50), (1, 100), (3, 100), (2, 100)]:
        write(job_redis_url, percent, place=place_of(number))
        value = stored(cache, KEY)
        assert value is not None
        assert (value["step_name"], value["attempt"]) == ("transcoding", 1)
        shown.append((value["percent"], value["step_percent"]))
    # A child that is tried again begins anew, and nothing goes back for it.
    done = [1, 1.5, 1.5, 2, 3, 3.5, 4]
    assert shown == [(round(82 * parts / 4, 2), round(100 * parts / 4, 1)) for parts in done]
    assert keys.IN_PROGRESS_TTL_S - 60 < cache.ttl(PARTS_KEY) <= keys.IN_PROGRESS_TTL_S
    write(job_redis_url, 40)
    write(job_redis_url, 90)
    after = stored(cache, KEY)
    assert after is not None
    assert after["percent"] == 90, "the join goes on where its parts have ended"


def test_sixteen_children_at_once_lose_nothing_of_their_sum(cache: "redis.Redis", job_redis_url: str):
    writers = [
        threading.Thread(target=write, args=(job_redis_url, 100), kwargs={"place": place_of(number, parts=16)})
        for number in range(16)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(20)
    value = stored(cache, KEY)
    assert value is not None
    assert value["step_percent"] == 100
