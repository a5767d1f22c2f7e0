"""The object store that the settings name."""

from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from botocore.config import Config

from pipeline.errors import Unavailable
from pipeline.settings import Settings
from pipeline.storage.s3 import S3ObjectStore
from pipeline.storage.store import ObjectStore

CONNECT_TIMEOUT_S = 3
READ_TIMEOUT_S = 20
TRIES = 3
# The threads of the API and of the background tasks, each with a request at a time.
CONNECTIONS = 50


@contextmanager
def open_store(settings: Settings) -> Iterator[ObjectStore]:
    """Without a key in the settings, boto3 looks where it always does, an instance's own role included.

    Raises `Unavailable` where no address is set, or where it finds no key.
    """
    if settings.s3_endpoint_url is None:
        raise Unavailable("storage_not_set", "S3_ENDPOINT_URL is not set; `academy up` sets it")
    secret = settings.s3_secret_access_key
    # Not boto3.client, whose shared session may not be used by several threads at once.
    session = boto3.Session()
    if settings.s3_access_key_id is None and session.get_credentials() is None:
        raise Unavailable(
            "storage_key_not_set",
            f"no key for {settings.s3_endpoint_url}: set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY",
        )
    client = session.client(
        "s3",
        endpoint_url=settings.s3_endpoint_url,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key_id,
        aws_secret_access_key=secret.get_secret_value() if secret is not None else None,
        config=Config(
            signature_version="s3v4",
            # Bucket names in host names need a DNS entry each, which the embedded server has not.
            s3={"addressing_style": "path"},
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": TRIES},
            max_pool_connections=CONNECTIONS,
            # A CRC in a trailer is newer than what R2 and rclone know; TLS and Content-MD5 serve.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    try:
        yield S3ObjectStore(client, settings.s3_bucket, conditional_writes=settings.s3_conditional_writes)
    finally:
        client.close()
