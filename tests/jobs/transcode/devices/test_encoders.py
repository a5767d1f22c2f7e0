"""The tables of options: both encoders of the linked FFmpeg know every option and every word in them."""

from fractions import Fraction

import av
import pytest

from jobs.transcode.devices.encoders import NVENC, X264, VideoEncoder, open_video_encoder, try_encoder
from jobs.transcode.planning.ladder import RungPlan
from jobs.transcode.planning.plan import Grid
from pipeline.contracts.transcode import DEFAULT_LADDER
from pipeline.media import gpu

GRID = Grid(rate_num=25, rate_den=1, pictures=50, segment_s=4)
RUNGS = tuple(
    RungPlan(name=r.name, folder=r.name, width=r.short_side_px * 2, height=r.short_side_px, video_bps=r.video_bps)
    for r in DEFAULT_LADDER
)
BOTH = pytest.mark.parametrize("encoder", [X264, NVENC], ids=lambda encoder: encoder.name)


def known_options(name: str) -> dict[str, object]:
    supported = av.CodecContext.create(name, "w").supported_options
    return {option.name: option for option in (*supported.generic, *supported.private)}


@BOTH
@pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: rung.name)
def test_the_linked_encoder_knows_every_option_and_its_value(encoder: VideoEncoder, rung: RungPlan):
    known = known_options(encoder.name)
    for name, value in encoder.options(rung).items():
        assert name in known, f"{encoder.name} has no option {name}"
        option = known[name]
        assert isinstance(option, av.codec.context.CodecOption)
        words = [choice.name for choice in option.choices]
        number = value.lstrip("-").isdigit()
        if words and not number:
            assert value in words, f"{name} is none of {words}"
        elif number and option.max > option.min:
            assert option.min <= int(value) <= option.max, f"{name} is not within {option.min} and {option.max}"


@BOTH
def test_both_tables_serve_the_same_rungs_with_the_same_caps(encoder: VideoEncoder):
    for rung in RUNGS:
        options, of_x264 = encoder.options(rung), X264.options(rung)
        assert {name: options[name] for name in ("maxrate", "bufsize", "profile", "g", "forced-idr")} == {
            name: of_x264[name] for name in ("maxrate", "bufsize", "profile", "g", "forced-idr")
        }


def test_nvenc_is_told_what_it_needs_to_cut_at_the_grid_alone():
    options = NVENC.options(RUNGS[0])
    assert int(options["rc-lookahead"]) <= 28
    assert "temporal-aq" not in options
    assert options["no-scenecut"] == options["strict_gop"] == "1"
    assert NVENC.delay_pictures == int(options["bf"])


def test_x264_passes_the_trial():
    assert try_encoder(X264, RUNGS, GRID, matrix=1) is None


@pytest.mark.skipif(gpu.has_device(), reason="this machine has a GPU")
def test_nvenc_fails_its_trial_in_ffmpegs_words():
    problem = try_encoder(NVENC, RUNGS, GRID, matrix=1)
    assert problem is not None
    assert "libcuda" in problem
    # FFmpeg's log leaves out what it has said before; the words decide whether sessions are waited for.
    assert try_encoder(NVENC, RUNGS, GRID, matrix=1) == problem


@pytest.mark.skipif(not gpu.has_device(), reason="no NVIDIA device here")
def test_on_a_gpu_nvenc_encodes_or_says_that_it_is_not_there():
    problem = try_encoder(NVENC, RUNGS, GRID, matrix=1)
    assert problem is None or gpu.NO_ENCODER in problem


def test_the_delay_of_x264_is_its_own():
    with open_video_encoder(RUNGS[0], GRID, matrix=1) as (context, _):
        assert X264.delay(context) == context.reorder_depth == 2
        assert NVENC.delay(context) == 3
    assert GRID.rate == Fraction(25)
