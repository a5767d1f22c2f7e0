"""`python -m control_plane.events`: a process that reads the queue until it is asked to stop."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import psycopg
import pytest
import redis
from moto.server import ThreadedMotoServer

from pipeline.database.jobs import NewJob, insert_job
from pipeline.database.videos import insert_video
from pipeline.progress.keys import job_status
from tests.fixtures.servers import S3
from tests.fixtures.waiting import wait_for
from tests.pipeline.database.conftest import TENANT, new_video

ROOT = Path(__file__).parents[3]
REGION = "ap-northeast-2"
STOPS_WITHIN_S = 30


@pytest.fixture
def aws() -> Iterator[dict[str, str]]:
    """The variables by which a process finds moto's server."""
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    variables = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": REGION,
    }
    try:
        yield variables
    finally:
        server.stop()


def test_it_empties_the_queue_tells_the_cache_and_stops_when_it_is_asked(
    aws: dict[str, str], emptied_postgres_url: str, redis_url: str, s3: S3
):
    with psycopg.connect(emptied_postgres_url) as connection:
        video = insert_video(connection, new_video())
        job = insert_job(connection, NewJob(uuid4(), TENANT, "transcode", video.id, {}, "kim"))
    client: Any = boto3.client(
        "sqs",
        region_name=REGION,
        endpoint_url=aws["AWS_ENDPOINT_URL"],
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    url = client.create_queue(QueueName="events")["QueueUrl"]
    # Another system's job: looked at, and let go.
    detail = {"jobId": "x", "jobName": "a-job", "jobQueue": "q", "status": "RUNNING", "createdAt": 1_700_000_000_000}
    event = {"source": "aws.batch", "detail-type": "Batch Job State Change", "detail": detail}
    client.send_message(QueueUrl=url, MessageBody=json.dumps(event))
    process = subprocess.Popen(
        [sys.executable, "-m", "control_plane.events"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            **aws,
            "BATCH_EVENTS_QUEUE_URL": url,
            "DATABASE_URL": emptied_postgres_url,
            "DATABASE_POOL_SIZE": "2",
            "REDIS_URL": redis_url,
            "JOB_TOKEN_SECRET": "a secret of jobs that is long enough",
            "S3_ENDPOINT_URL": s3.endpoint_url,
        },
    )
    try:
        wait_for(lambda: _is_empty(client, url), "the queue is empty")
        with redis.Redis.from_url(redis_url, socket_timeout=5) as cache:
            # What the process before it moved, and did not come to say.
            wait_for(lambda: cache.get(job_status(TENANT, job.id)), "the cache has heard of the job")
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOPS_WITHIN_S) == 0
    finally:
        process.kill()


def _is_empty(client: Any, url: str) -> bool:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    said = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return all(said[name] == "0" for name in names)
