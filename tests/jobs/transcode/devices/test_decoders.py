"""Pictures decoded beside the container are those that the container decodes: NVDEC's place, with FFmpeg's own h264."""

from pathlib import Path

import av
import pytest
from av.video.frame import VideoFrame

from jobs.transcode.devices.decide import NVDEC_DECODERS
from jobs.transcode.devices.decoders import PictureDecoder, codec_name, nvdec_name, size_from_decoder, try_decoder
from jobs.transcode.encoding.pictures import Shaper
from jobs.transcode.planning.ladder import RungPlan, plan_ladder
from pipeline.contracts.transcode import DEFAULT_LADDER
from pipeline.media import gpu
from pipeline.media.facts import Orientation
from tests.fixtures.media import Clip, corner_levels, draw_picture, make_clip
from tests.jobs.transcode.planning.test_plan import video


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "clip.mp4", Clip(pictures=40))


def frames_by(path: Path, name: str | None) -> list[tuple[int | None, object, bytes]]:
    with av.open(str(path)) as container:
        track = container.streams.video[0]
        decode = PictureDecoder(track, name).decode if name is not None else lambda packet: packet.decode()
        return [
            (frame.pts, frame.time_base, bytes(frame.planes[0]))
            for packet in container.demux()
            for frame in decode(packet)
            if isinstance(frame, VideoFrame)
        ]


def test_a_decoder_of_its_own_shows_the_same_pictures_at_the_same_times(clip: Path):
    expected = frames_by(clip, None)
    assert len(expected) == 40
    assert frames_by(clip, "h264") == expected


def test_sound_still_comes_from_the_container(clip: Path):
    with av.open(str(clip)) as container:
        decoder = PictureDecoder(container.streams.video[0], "h264")
        kinds = {type(frame).__name__ for packet in container.demux() for frame in decoder.decode(packet)}
    assert kinds == {"VideoFrame", "AudioFrame"}


def test_the_trial_decodes_the_source_itself(clip: Path):
    limits = {"max_streams": 4, "max_pixels": 10_000_000}
    assert try_decoder(clip, "h264", size=None, **limits) is None
    assert try_decoder(clip, "vp9", size=None, **limits)


@pytest.mark.skipif(gpu.has_device(), reason="this machine has a GPU")
def test_nvdec_fails_its_trial_in_ffmpegs_words(clip: Path):
    problem = try_decoder(clip, "h264_cuvid", size=(160, 90), max_streams=4, max_pixels=10_000_000)
    assert problem is not None
    assert "nvcuvid" in problem


def test_every_decoder_of_the_table_is_in_the_linked_ffmpeg_and_resizes():
    for name in NVDEC_DECODERS.values():
        options = av.CodecContext.create(name, "r").supported_options.private
        assert "resize" in {option.name for option in options}, name


def test_the_codec_is_named_whichever_decoder_ffmpeg_has_chosen(clip: Path, tmp_path: Path):
    av1 = make_clip(tmp_path / "av1.mkv", Clip(codec="libsvtav1", container="matroska", pictures=5, audio_channels=0))
    for path, name, decoder in ((clip, "h264", "h264_cuvid"), (av1, "av1", "av1_cuvid")):
        with av.open(str(path)) as container:
            track = container.streams.video[0]
            assert (codec_name(track), nvdec_name(track)) == (name, decoder)


def top(width: int, height: int) -> RungPlan:
    rungs, _ = plan_ladder([rung for rung in DEFAULT_LADDER if rung.short_side_px <= 720], video(width, height))
    return rungs[-1]


def test_nvdec_shrinks_to_the_largest_rung_and_never_enlarges():
    assert size_from_decoder(video(1920, 1080), top(1920, 1080)) == (1280, 720)
    assert size_from_decoder(video(1280, 720), top(1280, 720)) is None


def test_nvdec_shrinks_a_turned_picture_before_it_is_turned():
    turned = video(1080, 1920).model_copy(
        update={"coded_width": 1920, "coded_height": 1080, "orientation": Orientation(quarter_turns=1)}
    )
    assert size_from_decoder(turned, top(1080, 1920)) == (1280, 720)


def test_fields_are_not_shrunk_together():
    assert size_from_decoder(video(1920, 1080).model_copy(update={"interlaced": True}), top(1920, 1080)) is None


@pytest.mark.parametrize("pixel_format", ["nv12", "p010le"])
def test_what_nvdec_hands_out_becomes_8_bits_of_4_2_0(pixel_format: str, tmp_path: Path):
    """NVDEC's frames are NV12, and P010 for 10 bits; encoders get neither."""
    rung = RungPlan(name="180p", folder="v1", width=320, height=180, video_bps=300_000)
    source = VideoFrame.from_ndarray(draw_picture(320, 180, 3), format="gray").reformat(format=pixel_format)
    source.pts, source.time_base = 0, 1 / video().rate
    (frame,) = Shaper(video(320, 180), rung, scratch=tmp_path).shape(source)
    assert frame.format.name == "yuv420p"
    assert corner_levels(frame) == pytest.approx(corner_levels(source), abs=4)
