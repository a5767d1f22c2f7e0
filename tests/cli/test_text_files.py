"""Files that a person asked for by name, on a disk that has no room for them."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.text_files import open_for_writing, write_bytes
from pipeline.errors import Invalid

FULL = Path("/dev/full")


@pytest.fixture
def _small_disk() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("_small_disk")
def test_a_file_that_could_not_be_written_whole_is_taken_away_again(tmp_path: Path):
    target = tmp_path / "folder" / "sheet.pdf"
    with pytest.raises(Invalid, match=f"file_not_writable: {target} cannot be written: File too large"):
        write_bytes(target, b"x" * 100_000)
    assert list(target.parent.iterdir()) == []


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
def test_what_is_no_file_is_left_where_it_is():
    with pytest.raises(Invalid, match="No space left on device"):
        write_bytes(FULL, b"x")
    assert FULL.exists()


def test_a_connection_that_breaks_is_not_told_as_the_files_fault(tmp_path: Path):
    broken = ConnectionError("broken off")
    with pytest.raises(ConnectionError), open_for_writing(tmp_path / "answers.csv"):
        raise broken
    assert list(tmp_path.iterdir()) == []
