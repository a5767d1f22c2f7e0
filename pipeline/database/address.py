"""How Postgres is reached: DATABASE_URL as it is, or with a name and a password that are read at each connect.

RDS changes its password every week. Connections live on when it does, and new ones need the new one; so it is not
kept anywhere.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from psycopg import OperationalError
from psycopg.conninfo import make_conninfo

from pipeline.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CONNECT_TIMEOUT_S = 3
READ_TIMEOUT_S = 5


def open_address(settings: Settings) -> Callable[[], str]:
    """A function that returns what psycopg connects to; raises `ValueError` where DATABASE_URL is not set.

    The function raises psycopg's `OperationalError` where the secret cannot be read, as if Postgres were away.
    """
    if settings.database_url is None:
        raise ValueError("DATABASE_URL is not set")
    url = settings.database_url.get_secret_value()
    arn = settings.database_secret_arn
    if arn is None:
        return lambda: url
    config = Config(connect_timeout=CONNECT_TIMEOUT_S, read_timeout=READ_TIMEOUT_S, retries={"total_max_attempts": 2})
    client = boto3.Session().client("secretsmanager", region_name=settings.aws_region, config=config)
    return lambda: _with_secret(url, client, arn)


def _with_secret(url: str, client: "SecretsManagerClient", arn: str) -> str:
    try:
        secret = json.loads(client.get_secret_value(SecretId=arn)["SecretString"])
        return make_conninfo(url, user=secret["username"], password=secret["password"])
    except (BotoCoreError, ClientError, ValueError, KeyError) as error:
        # Not `from error`: a message of json's quotes what it could not read.
        raise OperationalError(f"the secret {arn} cannot be used: {type(error).__name__}") from None
