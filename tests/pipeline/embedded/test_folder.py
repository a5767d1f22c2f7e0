import json
import os
import socket
import stat
from pathlib import Path

import pytest

from pipeline.embedded.folder import LOG_KEPT_BYTES, open_folder, port_is_free
from pipeline.errors import Unavailable


def test_a_second_owner_is_refused_with_the_pid_of_the_first(tmp_path: Path):
    with (
        open_folder(tmp_path),
        pytest.raises(Unavailable, match=f"in use by the process with pid {os.getpid()}"),
        open_folder(tmp_path),
    ):
        pass


def test_the_folder_is_free_again_after_its_owner(tmp_path: Path):
    for _ in range(2):
        with open_folder(tmp_path):
            pass


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(Unavailable, match=r"cannot use the data folder .*file"),
        open_folder(tmp_path / "file" / "data"),
    ):
        pass


def test_a_secret_is_made_once_and_readable_by_its_owner_only(tmp_path: Path):
    with open_folder(tmp_path) as folder:
        first, other = folder.secret("jwt"), folder.secret("job_token")
    with open_folder(tmp_path) as folder:
        assert folder.secret("jwt") == first != other
    assert len(first) >= 32
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_the_folders_of_servers_are_closed_to_others(tmp_path: Path):
    with open_folder(tmp_path / "data") as folder:
        assert stat.S_IMODE(folder.part("postgres").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_a_server_keeps_its_port_until_somebody_else_has_it(tmp_path: Path):
    with open_folder(tmp_path) as folder:
        port = folder.port("valkey")
        assert folder.port("valkey") == port
        with socket.socket() as somebody:
            somebody.bind(("127.0.0.1", port))
            somebody.listen()
            assert not port_is_free("127.0.0.1", port)
            moved = folder.port("valkey")
        assert moved != port
        assert folder.port("valkey") == moved
        assert json.loads((tmp_path / "ports.json").read_text()) == {"valkey": moved}


def test_a_long_log_is_moved_aside(tmp_path: Path):
    with open_folder(tmp_path) as folder:
        log = folder.log("postgres")
        with log.open("wb") as file:
            file.truncate(LOG_KEPT_BYTES + 1)
        assert not folder.log("postgres").exists()
        assert log.with_suffix(".log.1").stat().st_size == LOG_KEPT_BYTES + 1
