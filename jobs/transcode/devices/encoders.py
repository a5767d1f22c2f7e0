"""Which encoder a rendition gets, with which options, and why. Opening one is here too."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from jobs.transcode.planning.ladder import Content, RungPlan
from jobs.transcode.planning.plan import AUDIO_RATE, Grid
from pipeline.media.words import words_of_failure

# libx264 is at the rung's rate where a picture moves much, and far below it where nothing does. Of the peaks above
# the rate a player's buffer of a few seconds notices nothing.
PEAK_SHARE = 1.15
BUFFER_S = 2.4
NVENC_B_PICTURES = 3
AUDIO_ENCODER = "aac"
# The default search takes three times as long for a difference below what is heard at 128 kbit/s.
AUDIO_OPTIONS = {"aac_coder": "fast"}


# Presets and what is changed in them, for pictures that mostly stand still, for small moving ones and for large moving
# ones. What each costs and gives is in docs/benchmarks.md.
STILL = {
    # Where little moves, most of the time goes into looking for motion and into filters that find nothing to do.
    "preset": "ultrafast",
    # Without adaptive quantization the same quality has a higher number; with it, paper around letters takes bits and
    # time that the letters do not gain. At this number letters cannot be told from the source's, side by side.
    "crf": "31",
    # What that preset leaves out and letters need: arithmetic coding, 8x8 transforms, small intra blocks, deblocking.
    "coder": "1",
    "x264-params": "8x8dct=1:no-deblock=0:analyse=i4x4,i8x8:aq-mode=0",
}
SMALL_MOVING = {"preset": "veryfast", "crf": "19.5"}
# Large pictures cost the most by far, and `superfast` gives them the old ladder's quality at its rate.
LARGE_MOVING = {"preset": "superfast", "crf": "21"}


def x264_settings(rung: RungPlan) -> Mapping[str, str]:
    """The preset for a rung's content, with its constant quality."""
    match rung.content:
        case Content.STILL:
            return STILL
        case Content.MOVING:
            return SMALL_MOVING if rung.is_small else LARGE_MOVING


def x264_options(rung: RungPlan) -> Mapping[str, str]:
    """Options of libx264 for one rendition."""
    return {
        **x264_settings(rung),
        # As good as it needs to be, up to the rung's rate: still slides cost a tenth of what they may.
        "maxrate": str(round(PEAK_SHARE * rung.video_bps)),
        "bufsize": str(round(BUFFER_S * rung.video_bps)),
        "profile": "high",
        # The grid alone decides where key frames are, since renditions must be cut at the same pictures.
        "g": "1000000",
        "sc_threshold": "0",
        # A forced key frame is an IDR: no picture after it refers to one before it.
        "forced-idr": "1",
    }


def nvenc_options(rung: RungPlan) -> Mapping[str, str]:
    """Options of h264_nvenc for one rendition, beside those of x264. None of the values has been measured here."""
    return {
        # The slowest: 207 pictures of 1080p a second and engine, 264 with p5 (NVIDIA, SDK 13.0). Decoding and
        # scaling on the few cores of a GPU machine take longer, and NVENC is 3 to 5 VMAF below x264 as it is.
        "preset": "p7",
        "tune": "hq",
        "profile": "high",
        # CQ is NVENC's CRF: quality up to the rung's rate. It counts only where no average rate is set.
        "rc": "vbr",
        "b": "0",
        "cq": "19",
        "maxrate": str(round(PEAK_SHARE * rung.video_bps)),
        "bufsize": str(round(BUFFER_S * rung.video_bps)),
        # A first look at a quarter of the pixels: nearly what `fullres` gains, at a fraction of its time.
        "multipass": "qres",
        # Above 28 pictures drivers refuse or fall back, depending on the GPU.
        "rc-lookahead": "20",
        "bf": str(NVENC_B_PICTURES),
        "b_ref_mode": "middle",
        # Flat paper around sharp text gets the bits; not together with temporal-aq.
        "spatial-aq": "1",
        # The grid alone decides where key frames are: as g, sc_threshold and forced-idr of x264.
        "g": "1000000",
        "no-scenecut": "1",
        "forced-idr": "1",
        # No picture's bits are saved up for a group that a forced key frame cuts short.
        "strict_gop": "1",
    }


@dataclass(frozen=True)
class VideoEncoder:
    """An encoder of FFmpeg by its name. `delay_pictures` is None where the open encoder tells its own."""

    name: str
    options: Callable[[RungPlan], Mapping[str, str]]
    delay_pictures: int | None = None

    def delay(self, context: VideoCodecContext) -> int:
        """How many pictures later than it is decoded a picture is shown, at most."""
        return context.reorder_depth if self.delay_pictures is None else self.delay_pictures


X264 = VideoEncoder("libx264", x264_options)
# NVENC tells 1 or 2, depending on FFmpeg's version; in no order of a group do more than its B pictures come first.
NVENC = VideoEncoder("h264_nvenc", nvenc_options, delay_pictures=NVENC_B_PICTURES)


def try_encoder(encoder: VideoEncoder, rungs: Sequence[RungPlan], grid: Grid, *, matrix: int) -> str | None:
    """Encode one picture of every rung, with all sessions open at once; FFmpeg's words where that fails."""

    def encode() -> str | None:
        with ExitStack() as stack:
            opened = [stack.enter_context(open_video_encoder(r, grid, matrix=matrix, encoder=encoder)) for r in rungs]
            for rung, (context, _) in zip(rungs, opened, strict=True):
                frame = VideoFrame(rung.width, rung.height, "yuv420p")
                frame.pts, frame.time_base = 0, 1 / grid.rate
                if not [*context.encode(frame), *context.encode(None)]:
                    return f"{encoder.name} made no packet of {rung.width}x{rung.height}"
        return None

    return words_of_failure(encode)


@contextmanager
def open_video_encoder(
    rung: RungPlan, grid: Grid, *, matrix: int, encoder: VideoEncoder = X264
) -> Iterator[tuple[VideoCodecContext, bytes]]:
    """An open encoder of 8-bit 4:2:0 pictures that counts time in pictures, and its track's init segment."""
    header = io.BytesIO()
    # Of this container only the header is used.
    muxer = {"movflags": "cmaf", "video_track_timescale": str(grid.timescale)}
    with av.open(header, "w", format="mp4", options=muxer) as container:
        stream = container.add_stream(encoder.name, rate=grid.rate, options=dict(encoder.options(rung)))
        context = cast("VideoCodecContext", stream.codec_context)
        context.width, context.height, context.pix_fmt = rung.width, rung.height, "yuv420p"
        context.sample_aspect_ratio = Fraction(1)
        context.time_base = 1 / grid.rate
        context.thread_count = 1
        context.color_range = 1  # AVCOL_RANGE_MPEG: 16-235
        context.color_primaries = context.color_trc = context.colorspace = matrix
        container.start_encoding()
        yield context, header.getvalue()


@contextmanager
def open_audio_encoder(audio_bps: int) -> Iterator[tuple[AudioCodecContext, bytes]]:
    """An open stereo AAC-LC encoder of planar floats, and its track's init segment."""
    header = io.BytesIO()
    with av.open(header, "w", format="mp4", options={"movflags": "cmaf"}) as container:
        stream = container.add_stream(
            AUDIO_ENCODER, rate=AUDIO_RATE, layout="stereo", format="fltp", options=AUDIO_OPTIONS
        )
        context = cast("AudioCodecContext", stream.codec_context)
        context.bit_rate = audio_bps
        context.time_base = Fraction(1, AUDIO_RATE)
        container.start_encoding()
        yield context, header.getvalue()
