"""A source that was cut off before it was uploaded is refused by what it holds, with no size to compare it with.

`make test` cuts each container once, `make corpus` at 5, 10 … 95 %.
"""

from pathlib import Path

import pytest

from tests.corpus.test_corpus import ALL
from tests.fixtures.media import Clip, make_clip, remux
from tests.jobs.transcode.by_hand import SMALL_LADDER, transcode

CONTAINERS = ("mp4", "matroska", "mpegts")
PERCENTS = range(5, 100, 5) if ALL else (50,)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("whole")
    clip = make_clip(folder / "clip.mp4", Clip(width=160, height=90, pictures=250, audio_channels=1))
    # An MP4 with its index in front, as the web has them: one that is cut has lost nothing of its index.
    options = {"mp4": {"movflags": "faststart"}}
    return {name: remux(clip, folder / name, name, **options.get(name, {})) for name in CONTAINERS}


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_whole_file_raises_no_alarm(container: str, whole: dict[str, Path], tmp_path: Path):
    result = transcode(whole[container], tmp_path / "hls", ladder=SMALL_LADDER[:1])
    assert result.outcome["status"] == "ready", result.words


@pytest.mark.parametrize("percent", PERCENTS)
@pytest.mark.parametrize("container", CONTAINERS)
def test_a_cut_file_is_refused(container: str, percent: int, whole: dict[str, Path], tmp_path: Path):
    data = whole[container].read_bytes()
    source = tmp_path / "source.bin"
    source.write_bytes(data[: len(data) * percent // 100])
    result = transcode(source, tmp_path / "hls", ladder=SMALL_LADDER[:1])
    assert result.exit_code == 65
    assert result.outcome["reason"] in {"TRUNCATED", "CORRUPT", "EMPTY_VIDEO", "NOT_MEDIA"}, result.words


def test_a_recording_that_begins_inside_a_group_of_pictures_raises_no_alarm(tmp_path: Path):
    """A receiver is switched on at any moment; what cannot be decoded before its first key frame is no damage."""
    options = (("preset", "ultrafast"), ("g", "60"))
    clip = Clip(container="mpegts", width=160, height=90, pictures=250, audio_channels=1, options=options)
    data = make_clip(tmp_path / "clip.ts", clip).read_bytes()
    source = tmp_path / "source.ts"
    source.write_bytes(data[len(data) * 30 // 100 // 188 * 188 :])
    result = transcode(source, tmp_path / "hls", ladder=SMALL_LADDER[:1])
    assert result.outcome["status"] == "ready", result.words
    assert result.outcome["duration_s"] > 6
