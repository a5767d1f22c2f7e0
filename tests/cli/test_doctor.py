import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.bench import measure, show
from cli.gpu_checks import check_codecs
from cli.rows import Speed
from pipeline.media import gpu
from pipeline.media.capabilities import Capabilities, CodecCheck
from tests.fixtures.servers import S3

ROOT = Path(__file__).parents[2]
PASSED = ("PATH", "HOME", "LANG")


def doctor(data: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return academy(data, "doctor", *arguments, **environment)


def academy(data: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: os.environ[name] for name in PASSED if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
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


needs_no_gpu = pytest.mark.skipif(gpu.has_device(), reason="this machine has a GPU")


@needs_no_gpu
def test_the_gpu_alone_is_looked_at_and_told_beside_what_one_can_do(tmp_path: Path):
    done = doctor(tmp_path, "--gpu")
    assert done.returncode == 1
    assert "Encoder h264_nvenc" in done.stdout
    assert "Decoder h264_cuvid" in done.stdout
    assert "libcuda" in done.stdout
    assert "Postgres" not in done.stdout
    (p7,) = (line.split() for line in done.stdout.splitlines() if line.startswith("p7"))
    assert p7 == ["p7", "207", "414"]
    assert "SDK 13.0" in done.stdout
    answer = json.loads(doctor(tmp_path, "--gpu", "--json").stdout)
    assert {check["finding"] for check in answer["checks"]} == {"absent"}
    assert answer["ceilings"]["fps_per_engine"]["p5"] == 264


@needs_no_gpu
def test_without_a_gpu_there_is_nothing_to_measure(tmp_path: Path):
    done = academy(tmp_path, "bench", "--gpu")
    assert done.returncode == 1
    assert "nothing to measure" in done.stderr
    assert "libcuda" in done.stderr
    assert academy(tmp_path, "bench").returncode == 2


def test_what_is_measured_stands_beside_what_one_engine_does_at_most(capsys: pytest.CaptureFixture[str]):
    """Measured by the program that `academy bench` runs, which leaves a line for what does not open."""
    rows = measure("--pictures", "8")
    assert {(row["work"], row["codec"]) for row in rows} == {
        ("encode", "libx264"), ("encode", "h264_nvenc"), ("decode", "h264"), ("decode", "h264_cuvid"),
    }  # fmt: skip
    assert all((row["fps"] is None) == (row["problem"] is not None) for row in rows)
    assert all(row["fps"] for row in rows if row["codec"] in ("libx264", "h264"))
    nvenc = Speed(work="encode", codec="h264_nvenc", setting="p7", fps=190.4, problem=None)
    show("Tesla T4, 580.95, 15360 MiB", [nvenc])
    (shown,) = (line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("encode"))
    assert shown == ["encode", "h264_nvenc", "p7", "190", "207"]


def test_what_nvenc_says_is_explained():
    def check(problem: str) -> str:
        codec = CodecCheck(name="h264_nvenc", hardware=True, problem=problem)
        found = Capabilities(pyav_version="", ffmpeg_version="", libraries={}, encoders=(codec,), decoders=())
        return next(check_codecs(found)).detail

    assert "has no NVENC" in check(f"OpenEncodeSessionEx failed: {gpu.NO_ENCODER}: (no details)")
    assert "in use" in check(f"OpenEncodeSessionEx failed: {gpu.SESSIONS_USED_UP}: (no details)")


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
