import json
import os
import subprocess
import sys
from pathlib import Path

from tests.fixtures.servers import S3

ROOT = Path(__file__).parents[2]
PASSED = ("PATH", "HOME", "LANG")


def doctor(data: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: os.environ[name] for name in PASSED if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "cli.main", "doctor", *arguments],
        cwd=ROOT,
        env={**inherited, "ACADEMY_DATA": str(data), "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def findings(done: subprocess.CompletedProcess[str]) -> dict[str, tuple[str, str]]:
    return {check["subject"]: (check["finding"], check["detail"]) for check in json.loads(done.stdout)}


def test_with_no_settings_the_embedded_servers_are_looked_at(tmp_path: Path):
    done = doctor(tmp_path, "--json")
    found = findings(done)
    assert found["Postgres"] == ("good", "embedded: postgres (PostgreSQL) 18.4")
    assert found["Redis"][1].startswith("embedded: Valkey server v=9.")
    assert found["Object store"][1].startswith("embedded: rclone v1.")
    assert found["Encoder libx264"] == ("good", "encodes")
    assert found["Stack"][0] == "absent"
    assert done.returncode == 0


def test_configured_servers_are_asked(tmp_path: Path, postgres_url: str, redis_url: str, s3: S3):
    done = doctor(
        tmp_path,
        "--json",
        DATABASE_URL=postgres_url,
        REDIS_URL=redis_url,
        S3_ENDPOINT_URL=s3.endpoint_url,
        S3_ACCESS_KEY_ID=s3.access_key_id,
        S3_SECRET_ACCESS_KEY=s3.secret_access_key,
        S3_BUCKET=s3.bucket,
    )
    found = findings(done)
    for subject, detail in (("Postgres", "PostgreSQL 18"), ("Redis", "valkey 9"), ("Object store", s3.bucket)):
        assert found[subject][0] == "good"
        assert detail in found[subject][1]
    assert s3.secret_access_key not in done.stdout


def test_a_server_that_does_not_answer_is_told_without_its_password_and_exits_1(tmp_path: Path):
    secret = "pass-for-nobody"
    done = doctor(
        tmp_path,
        DATABASE_URL=f"postgresql://academy:{secret}@127.0.0.1:1/academy",
        REDIS_URL=f"redis://:{secret}@127.0.0.1:1/0",
        S3_ENDPOINT_URL="http://127.0.0.1:1",
        S3_ACCESS_KEY_ID="academy",
        S3_SECRET_ACCESS_KEY=secret,
    )
    assert done.returncode == 1
    assert done.stdout.count("broken") == 3
    assert secret not in done.stdout + done.stderr
