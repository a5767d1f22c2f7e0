"""Which encoder a rendition gets, with which options, and why. Opening one is here too."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext

from jobs.transcode.ladder import Content, RungPlan
from jobs.transcode.plan import AUDIO_RATE, Grid

VIDEO_ENCODER = "libx264"
# libx264 is at the rung's rate where a picture moves much, and far below it where nothing does. Of the peaks above
# the rate a player's buffer of a few seconds notices nothing.
PEAK_SHARE = 1.15
BUFFER_S = 2.4
AUDIO_ENCODER = "aac"
# The default search takes three times as long for a difference below what is heard at 128 kbit/s.
AUDIO_OPTIONS = {"aac_coder": "fast"}


# Presets and what is changed in them, for pictures that mostly stand still, for small moving ones and for large moving
# ones. What each costs and gives is in docs/benchmarks.md.
STILL = {
    # Where little moves, most of the time goes into looking for motion and into filters that find nothing to do.
    "preset": "ultrafast",
    "crf": "21",
    # What that preset leaves out and letters need: arithmetic coding, 8x8 transforms, small intra blocks, deblocking.
    "coder": "1",
    "x264-params": "8x8dct=1:no-deblock=0:analyse=i4x4,i8x8:aq-mode=1",
}
SMALL_MOVING = {"preset": "veryfast", "crf": "20.5"}
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


@contextmanager
def open_video_encoder(rung: RungPlan, grid: Grid, *, matrix: int) -> Iterator[tuple[VideoCodecContext, bytes]]:
    """An open encoder of 8-bit 4:2:0 pictures that counts time in pictures, and its track's init segment."""
    header = io.BytesIO()
    # Of this container only the header is used.
    muxer = {"movflags": "cmaf", "video_track_timescale": str(grid.timescale)}
    with av.open(header, "w", format="mp4", options=muxer) as container:
        stream = container.add_stream(VIDEO_ENCODER, rate=grid.rate, options=dict(x264_options(rung)))
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
