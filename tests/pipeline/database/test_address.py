"""Postgres with a password that AWS changes: it is read at each connect, and never kept."""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import boto3
import psycopg
import pytest
from moto import mock_aws
from psycopg.conninfo import conninfo_to_dict

from pipeline.database.address import open_address
from pipeline.database.pool import open_pool
from pipeline.settings import Settings

REGION = "ap-northeast-2"


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        said = json.dumps({"username": "academy", "password": "first"})
        client = boto3.client("secretsmanager", region_name=REGION)
        yield client.create_secret(Name="postgres", SecretString=said)["ARN"]


def settings(secret: str, url: str = "postgresql://db.example.com:5432/academy?sslmode=require") -> Settings:
    return Settings.model_validate({"database_url": url, "database_secret_arn": secret, "aws_region": REGION})


def change(secret: str, text: str) -> None:
    boto3.client("secretsmanager", region_name=REGION).put_secret_value(SecretId=secret, SecretString=text)


def test_each_connect_has_the_password_of_its_moment(secret: str):
    address = open_address(settings(secret))
    assert conninfo_to_dict(address()) == {
        "user": "academy", "password": "first", "host": "db.example.com", "port": "5432", "dbname": "academy",
        "sslmode": "require",
    }  # fmt: skip
    change(secret, json.dumps({"username": "academy", "password": "se'c ond"}))
    assert conninfo_to_dict(address())["password"] == "se'c ond"


def test_the_pool_connects_with_it(secret: str, emptied_postgres_url: str):
    user = psycopg.conninfo.conninfo_to_dict(emptied_postgres_url)["user"]
    change(secret, json.dumps({"username": user, "password": urlsplit(emptied_postgres_url).password or "x"}))
    with open_pool(settings(secret, emptied_postgres_url)) as pool, pool.connection(timeout=10) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (user,)


@pytest.mark.parametrize("text", ["not json", "{}", '{"username": "academy"}'])
def test_a_secret_that_cannot_be_used_is_like_a_server_that_is_away_and_is_not_quoted(secret: str, text: str):
    change(secret, text)
    with pytest.raises(psycopg.OperationalError, match="cannot be used") as error:
        open_address(settings(secret))()
    assert text not in str(error.value)


def test_without_a_secret_the_url_is_taken_as_it_is():
    assert open_address(Settings.model_validate({"database_url": "postgresql://a:b@c/d"}))() == "postgresql://a:b@c/d"
