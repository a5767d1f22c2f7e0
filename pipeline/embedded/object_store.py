"""An embedded S3 server on 127.0.0.1 that keeps plain files: rclone."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pipeline.embedded.programs import rclone_program
from pipeline.embedded.supervisor import Program, Supervisor

NAME = "objects"
REGION = "us-east-1"
ACCESS_KEY_ID = "academy"
READY_WITHIN_S = 30.0
STOPPING = ((signal.SIGTERM, 10.0),)
# Half-written objects of a server that was killed; it hides them from listings and never removes them.
LEFT_BEHIND = ".rclone_temp_"


@dataclass(frozen=True)
class ObjectStoreAddress:
    endpoint_url: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)


@contextmanager
def open_object_store(supervisor: Supervisor, bucket: str) -> Iterator[ObjectStoreAddress]:
    """Run the S3 server on the data folder, with `bucket` made; raises `Unavailable` where it does not start."""
    files = supervisor.folder.part(NAME)
    secret = supervisor.folder.secret("object_store")

    def program(port: int) -> Program:
        return Program(
            name=NAME,
            argv=(
                str(rclone_program()),
                "serve",
                "s3",
                f"--addr=127.0.0.1:{port}",
                # None of the user's own configuration.
                "--config=",
                # Browsers send what was presigned, from any page; no cookie or other standing right goes with it.
                "--allow-origin=*",
                str(files),
            ),
            stopping=STOPPING,
            # Comma-separated values within comma-separated values; never in argv, where every user could read it.
            environment={"PATH": os.defpath, "RCLONE_AUTH_KEY": f'"{ACCESS_KEY_ID},{secret}"'},
            folder=files,
        )

    def address(port: int) -> ObjectStoreAddress:
        return ObjectStoreAddress(f"http://127.0.0.1:{port}", REGION, ACCESS_KEY_ID, secret)

    def answers(port: int) -> bool:
        try:
            _make_bucket(address(port), bucket)
        except (BotoCoreError, ClientError):
            return False
        return True

    _remove_left_behind(files)
    with supervisor.run_on_free_port(NAME, program, answers, within_s=READY_WITHIN_S) as port:
        yield address(port)


def _make_bucket(address: ObjectStoreAddress, bucket: str) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=address.endpoint_url,
        region_name=address.region,
        aws_access_key_id=address.access_key_id,
        aws_secret_access_key=address.secret_access_key,
        config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1}),
    )
    try:
        if bucket not in {known.get("Name") for known in client.list_buckets()["Buckets"]}:
            client.create_bucket(Bucket=bucket)
    finally:
        client.close()


def _remove_left_behind(files: Path) -> None:
    for folder, _, names in os.walk(files):
        for name in names:
            if name.startswith(LEFT_BEHIND):
                (Path(folder) / name).unlink(missing_ok=True)
