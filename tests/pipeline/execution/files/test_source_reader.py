"""The source arrives whole and is the one that was checked, or the reason says why not."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.contracts.transcode import Source
from pipeline.errors import PermanentError, TransientError
from pipeline.execution.files.object_transfer import SourceReader, open_session
from pipeline.retrying import DOWNLOAD
from tests.fixtures.internal_api import InternalApi

QUICK = replace(DOWNLOAD, first_pause_s=0.01, longest_pause_s=0.02, attempts=3)


@pytest.fixture
def big_api(api: InternalApi) -> InternalApi:
    api.source = bytes(range(256)) * 8192
    return api


def reader(api: InternalApi, **changes: object) -> SourceReader:
    return SourceReader(open_session(), Source.model_validate(api.source_spec(**changes)), patience=QUICK)


def ranges(api: InternalApi) -> list[str | None]:
    return [headers.get("range") for _, _, headers in api.requests]


def test_a_source_is_written_whole_under_its_name_only(big_api: InternalApi, tmp_path: Path):
    told: list[int] = []
    reader(big_api).download(tmp_path / "source.mp4", told.append)
    assert (tmp_path / "source.mp4").read_bytes() == big_api.source
    assert [path.name for path in tmp_path.iterdir()] == ["source.mp4"]
    assert told == sorted(told)
    assert told[-1] == len(big_api.source)


def test_a_broken_download_goes_on_where_it_broke(big_api: InternalApi, tmp_path: Path):
    big_api.cut_after = [1_000_000, 500_000]
    reader(big_api).download(tmp_path / "source.mp4", lambda _: None)
    assert (tmp_path / "source.mp4").read_bytes() == big_api.source
    first, second, third = ranges(big_api)
    assert first is None
    assert second is not None
    assert 0 < int(second[6:-1]) <= 1_000_000
    assert third is not None


def test_many_breaks_are_survived_as_long_as_bytes_come(big_api: InternalApi, tmp_path: Path):
    big_api.cut_after = [300_000] * 6
    reader(big_api).download(tmp_path / "source.mp4", lambda _: None)
    assert (tmp_path / "source.mp4").read_bytes() == big_api.source


def test_a_store_that_ignores_ranges_is_read_from_the_start_again(big_api: InternalApi, tmp_path: Path):
    big_api.cut_after = [1_000_000]
    big_api.ignores_ranges = True
    reader(big_api).download(tmp_path / "source.mp4", lambda _: None)
    assert (tmp_path / "source.mp4").read_bytes() == big_api.source


def test_a_source_that_is_replaced_during_a_break_is_refused(big_api: InternalApi, tmp_path: Path):
    big_api.cut_after = [1_000_000]
    source_reader = reader(big_api)

    def replace_it(_have: int) -> None:
        big_api.source = bytes(len(big_api.source))

    with pytest.raises(PermanentError, match="SOURCE_CHANGED: its ETag"):
        source_reader.download(tmp_path / "source.mp4", replace_it)
    assert not (tmp_path / "source.mp4").exists()


@pytest.mark.parametrize("changes", [{"etag": "another"}, {"size_bytes": 5}, {"size_bytes": 3_000_000, "etag": None}])
def test_another_object_than_the_pinned_one_is_refused(
    big_api: InternalApi, tmp_path: Path, changes: dict[str, object]
):
    for act in (reader(big_api, **changes).check, lambda: reader(big_api, **changes).download(tmp_path / "s", print)):
        with pytest.raises(PermanentError, match="SOURCE_CHANGED"):
            act()


def test_a_check_reads_one_byte(big_api: InternalApi):
    reader(big_api).check()
    reader(big_api, etag=f'"{big_api.etag}"').check()
    assert ranges(big_api) == ["bytes=0-0"] * 2


def test_a_source_that_is_gone_says_so(big_api: InternalApi, tmp_path: Path):
    big_api.rule = lambda method, path: 404
    with pytest.raises(PermanentError, match="SOURCE_GONE"):
        reader(big_api).check()


def test_a_store_that_stays_away_is_transient_after_a_few_tries(big_api: InternalApi, tmp_path: Path):
    big_api.rule = lambda method, path: 503
    with pytest.raises(TransientError, match="STORAGE_UNAVAILABLE"):
        reader(big_api).download(tmp_path / "source.mp4", lambda _: None)
    assert len(big_api.requests) == QUICK.attempts


def test_a_refused_signature_is_transient_and_not_tried_again_here(big_api: InternalApi, tmp_path: Path):
    big_api.rule = lambda method, path: 403
    with pytest.raises(TransientError, match="STORAGE_UNAVAILABLE"):
        reader(big_api).check()
    assert len(big_api.requests) == 1


def test_a_source_that_cannot_fit_is_refused_before_it_is_asked_for(big_api: InternalApi, tmp_path: Path):
    with pytest.raises(PermanentError, match="DISK_FULL"):
        reader(big_api, size_bytes=10**18).download(tmp_path / "source.mp4", lambda _: None)
    assert big_api.requests == []
