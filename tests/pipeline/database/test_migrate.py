"""Migrations are applied once, in order, and never silently differ from what was applied."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pipeline.database.migrate import MIGRATIONS, MigrationError, load_migrations, migrate


def tables(url: str) -> set[str]:
    with psycopg.connect(url, connect_timeout=5) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {name for (name,) in rows}


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.sql").write_text(text)
    return folder


def test_an_empty_database_gets_every_table_and_a_second_run_does_nothing(empty_postgres_url: str):
    applied = migrate(empty_postgres_url)
    assert applied == tuple(migration.name for migration in load_migrations())
    assert {"videos", "video_moves", "jobs", "job_attempts", "omr_batches", "submissions"} <= tables(empty_postgres_url)
    assert migrate(empty_postgres_url) == ()


def test_answer_sheets_come_to_a_database_that_has_videos_and_jobs(empty_postgres_url: str, tmp_path: Path):
    before = [path for path in sorted(MIGRATIONS.glob("*.sql")) if path.name < "0003"]
    migrate(empty_postgres_url, folder=write(tmp_path, **{path.stem: path.read_text() for path in before}))
    insert = (
        "INSERT INTO jobs (id, tenant_id, kind, asset_id, spec, created_by)"
        """ VALUES (gen_random_uuid(), 't', %s, '00000000-0000-0000-0000-000000000001', '{"split": null}', 'kim')"""
    )
    with psycopg.connect(empty_postgres_url, autocommit=True, connect_timeout=5) as connection:
        connection.execute(insert, ["transcode"])
    assert migrate(empty_postgres_url)[0] == "0003_omr.sql"
    with psycopg.connect(empty_postgres_url, autocommit=True, connect_timeout=5) as connection:
        # A job that is resubmitted has the old spec, in which nothing may be that is not of the contract any more.
        assert connection.execute("SELECT kind, shard, spec FROM jobs").fetchall() == [("transcode", 0, {})]
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(insert, ["transcode"])
        connection.execute(insert, ["omr"])


def test_eight_processes_at_once_apply_each_file_once(empty_postgres_url: str):
    with ThreadPoolExecutor(8) as pool:
        applied = list(pool.map(lambda _: migrate(empty_postgres_url), range(8)))
    assert sum(applied, ()) == tuple(migration.name for migration in load_migrations())


def test_a_server_that_lets_nobody_wait_long_for_a_lock_lets_others_wait_for_a_migration(
    empty_postgres_url: str, tmp_path: Path
):
    # As RDS is told in cdk/database.py, in a hundredth of its time; a migration itself goes by it.
    impatient = make_conninfo(empty_postgres_url, options="-c lock_timeout=50ms")
    folder = write(tmp_path, **{"0001_slow": "SELECT pg_sleep(0.3); CREATE TABLE one (t text)"})
    folder = write(folder, **{"0002_seen": "INSERT INTO one VALUES (current_setting('lock_timeout'))"})
    with ThreadPoolExecutor(2) as pool:
        applied = list(pool.map(lambda _: migrate(impatient, folder=folder), range(2)))
    assert sorted(applied) == [(), ("0001_slow.sql", "0002_seen.sql")]
    with psycopg.connect(empty_postgres_url, connect_timeout=5) as connection:
        assert connection.execute("SELECT t FROM one").fetchall() == [("50ms",)]


def test_a_file_that_was_applied_may_not_change(empty_postgres_url: str, tmp_path: Path):
    folder = write(tmp_path, **{"0001_one": "CREATE TABLE one (a int)"})
    migrate(empty_postgres_url, folder=folder)
    write(folder, **{"0001_one": "CREATE TABLE one (a bigint)"})
    with pytest.raises(MigrationError, match="migration_changed: 0001_one"):
        migrate(empty_postgres_url, folder=folder)


def test_a_database_that_is_ahead_of_the_files_is_refused(empty_postgres_url: str, tmp_path: Path):
    migrate(empty_postgres_url, folder=write(tmp_path, **{"0001_one": "SELECT 1", "0002_two": "SELECT 1"}))
    (tmp_path / "0002_two.sql").unlink()
    with pytest.raises(MigrationError, match="database_is_newer: migration 2"):
        migrate(empty_postgres_url, folder=tmp_path)


def test_a_file_that_fails_leaves_nothing_behind_and_can_be_repeated(empty_postgres_url: str, tmp_path: Path):
    folder = write(tmp_path, **{"0001_one": "CREATE TABLE one (a int); SELECT nonsense"})
    with pytest.raises(psycopg.errors.UndefinedColumn):
        migrate(empty_postgres_url, folder=folder)
    assert "one" not in tables(empty_postgres_url)
    write(folder, **{"0001_one": "CREATE TABLE one (a int)"})
    assert migrate(empty_postgres_url, folder=folder) == ("0001_one.sql",)


@pytest.mark.parametrize(
    ("names", "reason"),
    [(["0001_one", "0003_three"], "migration_number_invalid"), (["first"], "migration_name_invalid")],
)
def test_a_folder_with_a_hole_or_an_odd_name_is_refused(tmp_path: Path, names: list[str], reason: str):
    write(tmp_path, **dict.fromkeys(names, "SELECT 1"))
    with pytest.raises(MigrationError, match=reason):
        load_migrations(tmp_path)


def test_the_module_can_be_run(empty_postgres_url: str):
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.database.migrate"],
        env={"DATABASE_URL": empty_postgres_url, "PATH": ""},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [word for path in sorted(MIGRATIONS.glob("*.sql")) for word in ("applied", path.name)]
