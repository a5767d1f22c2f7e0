"""The embedded servers themselves: what is kept, who may do what, and what a crash leaves."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import boto3
import psutil
import psycopg
import pytest
import redis
import requests
from botocore.exceptions import ClientError

from pipeline.embedded.object_store import ObjectStoreAddress, open_object_store
from pipeline.embedded.postgres import open_postgres
from pipeline.embedded.supervisor import Supervisor, open_supervisor
from pipeline.embedded.valkey import open_valkey
from pipeline.progress import keys
from tests.fixtures.servers import S3


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with open_supervisor(tmp_path) as supervisor:
        yield supervisor


def s3_client(address: ObjectStoreAddress, *, secret: str | None = None):
    return closing(
        boto3.client(
            "s3",
            endpoint_url=address.endpoint_url,
            region_name=address.region,
            aws_access_key_id=address.access_key_id,
            aws_secret_access_key=secret or address.secret_access_key,
        )
    )


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def pid_of(supervisor: Supervisor, name: str) -> int:
    pid: int = json.loads(supervisor.folder.record(name).read_text())["pid"]
    return pid


def test_postgres_keeps_its_data_its_password_and_its_port(supervisor: Supervisor):
    with open_postgres(supervisor) as url:
        execute(url, "CREATE TABLE kept AS SELECT 7 AS n")
    with open_postgres(supervisor) as again:
        assert again == url
        assert execute(again, "SELECT n FROM kept") == [(7,)]


def test_postgres_is_18_durable_and_used_as_a_plain_role(supervisor: Supervisor):
    with open_postgres(supervisor) as url:
        assert str(execute(url, "SHOW server_version")[0][0]).startswith("18")
        assert execute(url, "SHOW fsync") == [("on",)]
        assert execute(url, "SHOW server_encoding") == [("UTF8",)]
        assert execute(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]
        without_password = url.replace(url.split("academy:")[1].split("@")[0], "")
        with pytest.raises(psycopg.OperationalError, match="password"):
            execute(without_password, "SELECT 1")


def test_postgres_starts_again_after_it_was_killed(supervisor: Supervisor):
    with open_postgres(supervisor) as url:
        execute(url, "CREATE TABLE kept AS SELECT 7 AS n")
        idle = psycopg.connect(url, connect_timeout=5)
        os.kill(pid_of(supervisor, "postgres"), signal.SIGKILL)
    with open_postgres(supervisor) as again:
        assert execute(again, "SELECT n FROM kept") == [(7,)]
    idle.close()


def test_postgres_starts_where_its_old_pid_is_somebody_elses(supervisor: Supervisor):
    """As after a restart of a container, where process numbers begin again."""
    with open_postgres(supervisor) as url:
        pass
    lock = supervisor.folder.root / "postgres" / "data" / "postmaster.pid"
    # Of the account that Postgres runs as: it takes no notice of others'.
    user = "nobody" if os.geteuid() == 0 else None
    with subprocess.Popen(["sleep", "600"], user=user) as somebody:
        lock.write_text(f"{somebody.pid}\n{lock.parent}\n1\n5432\n\n127.0.0.1\n0 0\nready\n")
        with open_postgres(supervisor) as again:
            assert again == url
        assert somebody.poll() is None
        somebody.kill()


def test_an_interrupted_initdb_is_done_again(supervisor: Supervisor):
    unfinished = supervisor.folder.part("postgres") / "unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    with open_postgres(supervisor) as url:
        assert execute(url, "SELECT 1") == [(1,)]
    assert not unfinished.exists()


def test_the_password_file_of_initdb_is_gone(supervisor: Supervisor):
    with open_postgres(supervisor):
        assert not (supervisor.folder.root / "postgres" / "password").exists()


def test_servers_work_below_a_path_that_is_too_long_for_a_socket(tmp_path: Path):
    deep = tmp_path / ("lecture hall " * 10) / ("b" * 100)
    with (
        open_supervisor(deep) as supervisor,
        open_postgres(supervisor) as url,
        open_valkey(supervisor) as cache,
        open_object_store(supervisor, "academy") as store,
    ):
        assert execute(url, "SELECT 1") == [(1,)]
        with redis.Redis.from_url(cache.url) as client:
            assert client.ping()
        with s3_client(store) as client:
            assert client.list_buckets()["Buckets"][0]["Name"] == "academy"


def test_no_secret_stands_where_other_users_can_read_it(supervisor: Supervisor):
    with open_postgres(supervisor), open_valkey(supervisor), open_object_store(supervisor, "academy"):
        secrets = json.loads((supervisor.folder.root / "secrets.json").read_text())
        lines = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]
        logs = [path.read_text() for path in (supervisor.folder.root / "logs").iterdir()]
    assert len(secrets) == 5
    assert len(lines) >= 3
    for name, secret in secrets.items():
        assert not [text for text in [*lines, *logs] if secret in text], name


def test_valkey_keeps_what_it_knew(supervisor: Supervisor):
    with open_valkey(supervisor) as cache, redis.Redis.from_url(cache.url) as client:
        client.set("kept", "7")
    with open_valkey(supervisor) as again:
        assert again == cache
        with redis.Redis.from_url(again.url) as client:
            assert client.get("kept") == b"7"


def test_valkey_asks_for_a_password(redis_url: str):
    with (
        redis.Redis.from_url("redis://" + redis_url.rpartition("@")[2]) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_a_job_may_write_progress_and_nothing_else(redis_url: str, job_redis_url: str):
    video = uuid4()
    with redis.Redis.from_url(job_redis_url) as job:
        job.set(keys.video_progress("hagwon-1", video), "{}", ex=60)
        assert job.get(keys.video_progress("hagwon-1", video)) == b"{}"
        with pytest.raises(redis.exceptions.NoPermissionError):
            job.set(keys.video_status("hagwon-1", video), "{}")
        for command in (["KEYS", "*"], ["FLUSHALL"], ["CONFIG", "GET", "*"], ["ACL", "LIST"], ["SCAN", "0"]):
            with pytest.raises(redis.exceptions.NoPermissionError):
                job.execute_command(*command)


def test_the_object_store_keeps_plain_files(supervisor: Supervisor):
    with open_object_store(supervisor, "academy") as address, s3_client(address) as client:
        client.put_object(Bucket="academy", Key="tenants/a/x.txt", Body=b"kept")
    assert (supervisor.folder.root / "objects" / "academy" / "tenants" / "a" / "x.txt").read_bytes() == b"kept"
    with open_object_store(supervisor, "academy") as again, s3_client(again) as client:
        assert again == address
        assert client.get_object(Bucket="academy", Key="tenants/a/x.txt")["Body"].read() == b"kept"


def test_the_object_store_refuses_another_secret(supervisor: Supervisor):
    with open_object_store(supervisor, "academy") as address, s3_client(address, secret="x" * 40) as client:
        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            client.list_buckets()
        assert requests.get(f"{address.endpoint_url}/academy/x", timeout=10).status_code in {400, 403}


def test_what_a_killed_upload_left_is_removed_at_the_next_start(supervisor: Supervisor):
    folder = supervisor.folder.part("objects") / "academy" / "tenants"
    folder.mkdir(parents=True)
    (folder / ".rclone_temp_put_1").write_bytes(b"half")
    (folder / "whole.mp4").write_bytes(b"whole")
    with open_object_store(supervisor, "academy"):
        assert [path.name for path in folder.iterdir()] == ["whole.mp4"]


def test_a_browser_may_put_from_another_sites_page(s3: S3):
    answer = requests.options(
        f"{s3.endpoint_url}/{s3.bucket}/tenants/a/x.mp4",
        headers={
            "Origin": "https://academy.example",
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "content-type",
        },
        timeout=10,
    )
    assert answer.ok
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
    assert "Content-Type" in answer.headers["Access-Control-Allow-Headers"]


def test_each_test_gets_a_migrated_database_of_its_own(postgres_url: str):
    execute(postgres_url, "CREATE TABLE mine ()")
    assert execute(postgres_url, "SELECT count(*) FROM videos") == [(0,)]


def test_a_database_of_a_test_knows_nothing_of_the_one_before(postgres_url: str, empty_postgres_url: str):
    assert execute(postgres_url, "SELECT to_regclass('mine')") == [(None,)]
    assert execute(empty_postgres_url, "SELECT to_regclass('videos')") == [(None,)]
