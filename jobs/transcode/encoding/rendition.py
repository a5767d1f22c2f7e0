"""Encodes one rendition of the ladder, in a thread of its own."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

from av.packet import Packet
from av.video.frame import PictureType
from av.video.stream import VideoStream

from jobs.transcode.devices.encoders import VideoEncoder, open_video_encoder
from jobs.transcode.encoding.encode import TrackFacts
from jobs.transcode.encoding.pictures import Picture
from jobs.transcode.encoding.scaling import Scaler
from jobs.transcode.hls.boxes import length_prefixed
from jobs.transcode.hls.tracks import TrackWriter
from jobs.transcode.planning.ladder import RungPlan
from jobs.transcode.planning.plan import Grid


def encode_rendition(
    pictures: Iterator[Picture],
    *,
    rung: RungPlan,
    grid: Grid,
    segments: range,
    every: int,
    matrix: int,
    video_encoder: VideoEncoder,
    output: Path,
    hand_on: Callable[[Picture | None], None] | None,
    on_packet: Callable[[], None],
) -> TrackFacts:
    """Scale, hand the result on to the next smaller rendition, encode and write these segments of the grid.

    The pictures that come are at least as large as this rung; those handed on have its size. Of them it takes each
    `every`-th and numbers these anew, as its `grid` does.
    """
    with open_video_encoder(rung, grid, matrix=matrix, encoder=video_encoder) as (encoder, init):
        track = TrackWriter(
            output / rung.folder,
            init,
            starts=grid.starts(),
            segments=segments,
            sample_units=grid.picture_units,
            delay=video_encoder.delay(encoder),
            keys=grid.key_pictures(),
        )
        scaler = Scaler(rung.width, rung.height)
        for picture in pictures:
            number, rest = divmod(picture.number, every)
            if rest:
                continue
            frame = scaler.scale(picture.frame)
            if hand_on is not None:
                hand_on(Picture(number=number, frame=frame, is_key=picture.is_key))
            frame.pts, frame.time_base = number, Fraction(1) / grid.rate
            frame.pict_type = PictureType.I if picture.is_key else PictureType.NONE
            for packet in encoder.encode(frame):
                on_packet()
                _write(track, packet)
        if hand_on is not None:
            hand_on(None)
        for packet in encoder.encode(None):
            on_packet()
            _write(track, packet)
        return track.finish()


def _write(track: TrackWriter, packet: "Packet[VideoStream]") -> None:
    assert packet.pts is not None
    track.add(length_prefixed(bytes(packet)), shown=packet.pts, is_sync=packet.is_keyframe)
