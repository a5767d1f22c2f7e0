"""Measures how fast this machine encodes and decodes a made lecture: `python -m jobs.transcode.devices.speed`.

One line of JSON for each device and setting: work, codec, setting, fps (pictures a second), problem. Encoders get the
options that jobs use, except for NVENC's preset. The clock of a decoder starts at its first picture, so that a
GPU's start-up, about half a second, is not counted; one session runs at a time.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
from av.video.frame import VideoFrame

from jobs.transcode.devices.decide import NVDEC_DECODERS
from jobs.transcode.devices.decoders import PictureDecoder, codec_name
from jobs.transcode.devices.encoders import NVENC, X264, VideoEncoder, nvenc_options, open_video_encoder
from jobs.transcode.planning.ladder import RungPlan
from jobs.transcode.planning.plan import Grid
from pipeline.media.gpu import CEILINGS
from pipeline.media.lecture import RATE, make_lecture
from pipeline.media.words import words_of_failure

WIDTH, HEIGHT = 1920, 1080
RUNG = RungPlan(name="1080p", folder="v1", width=WIDTH, height=HEIGHT, video_bps=5_000_000)
RESIZED = (1280, 720)
# Held in memory, 3 MB each, and encoded again and again: what is measured is not how fast they are made.
DISTINCT_PICTURES = 60
PICTURES = 1500


def measure(pictures: int) -> Iterator[dict[str, object]]:
    with tempfile.TemporaryDirectory() as folder:
        lecture, source = Path(folder) / "lecture.mp4", Path(folder) / "source.mp4"
        make_lecture(lecture, seconds=max(1, min(pictures, DISTINCT_PICTURES) // RATE))
        frames = _read(lecture)
        yield _row("encode", X264.name, "ours", lambda: _encode(X264, frames, pictures))
        for ceiling in CEILINGS:
            encode = partial(_encode, _with_preset(ceiling.preset), frames, pictures)
            yield _row("encode", NVENC.name, ceiling.preset, encode)
        _write(source, frames, pictures)
        yield _row("decode", "h264", "on the CPU", lambda: _decode(source, None, None))
        nvdec = NVDEC_DECODERS["h264"]
        yield _row("decode", nvdec, "as coded", lambda: _decode(source, nvdec, None))
        yield _row("decode", nvdec, "to 1280x720", lambda: _decode(source, nvdec, RESIZED))


def _with_preset(preset: str) -> VideoEncoder:
    def options(rung: RungPlan) -> Mapping[str, str]:
        return {**nvenc_options(rung), "preset": preset}

    return VideoEncoder(NVENC.name, options, NVENC.delay_pictures)


def _row(work: str, codec: str, setting: str, run: Callable[[], float]) -> dict[str, object]:
    measured: list[float] = []
    problem = words_of_failure(lambda: measured.append(run()))
    return {
        "work": work,
        "codec": codec,
        "setting": setting,
        "fps": round(measured[0], 1) if measured else None,
        "problem": problem,
    }


def _read(lecture: Path) -> list[VideoFrame]:
    with av.open(str(lecture)) as container:
        return [frame.reformat(WIDTH, HEIGHT, "yuv420p") for frame in container.decode(video=0)]


def _encode(encoder: VideoEncoder, frames: Sequence[VideoFrame], pictures: int) -> float:
    grid = Grid(rate_num=RATE, rate_den=1, pictures=pictures, segment_s=4)
    with open_video_encoder(RUNG, grid, matrix=1, encoder=encoder) as (context, _):
        began = time.monotonic()
        packets = 0
        for number in range(pictures):
            frame = frames[number % len(frames)]
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            packets += len(context.encode(frame))
        packets += len(context.encode(None))
        return packets / (time.monotonic() - began)


def _write(source: Path, frames: Sequence[VideoFrame], pictures: int) -> None:
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(pictures):
            frame = frames[number % len(frames)]
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _decode(source: Path, name: str | None, size: tuple[int, int] | None) -> float:
    with av.open(str(source)) as container:
        video = container.streams.video[0]
        assert codec_name(video) == "h264"
        video.codec_context.thread_type = av.codec.context.ThreadType.AUTO
        decode = PictureDecoder(video, name, size=size).decode if name is not None else lambda packet: packet.decode()
        began, shown = 0.0, 0
        for packet in container.demux(video):
            for _ in decode(packet):
                began = began or time.monotonic()
                shown += 1
        return (shown - 1) / (time.monotonic() - began)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m jobs.transcode.devices.speed", description=__doc__)
    parser.add_argument("--pictures", type=int, default=PICTURES, help="how many pictures each measurement takes")
    for row in measure(parser.parse_args(arguments).pictures):
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
