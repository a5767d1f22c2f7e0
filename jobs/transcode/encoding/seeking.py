"""Finds where in a source the pictures of a part begin, and reads on from there. For the sandbox.

Every picture of a part shows the newest picture of the source that has begun by then. So reading has to begin at a
key frame that is shown no later than the part's first picture; what comes before that one is decoded and not encoded.
"""

from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from jobs.transcode.encoding.pictures import slot_of, source_s_of
from jobs.transcode.planning.plan import Plan
from pipeline.media.opening import UNREADABLE, find_video, open_source
from pipeline.media.packets import read_packets

# Containers look for a time in the order of decoding, or land a little behind it: then the same is tried further back.
EARLIER_S = (0, 1, 5, 20, 60)
# A deinterlacer compares a picture with those beside it.
PICTURES_BEFORE_INTERLACED = 2


def find_start(source: Path, plan: Plan, first_picture: int, *, max_streams: int, max_pixels: int) -> int | None:
    """What to seek to, in units of the picture track, so that picture `first_picture` can be shown.

    None stands for the beginning: the part begins there, or the container cannot be searched.
    """
    due = first_picture - (PICTURES_BEFORE_INTERLACED if plan.video.interlaced else 0)
    with open_source(source, max_streams=max_streams) as container:
        video = find_video(container, max_pixels=max_pixels)
        if video.time_base is None:
            return None
        for earlier_s in EARLIER_S:
            at_s = source_s_of(plan, due) - earlier_s
            if at_s <= plan.video.start_s:
                return None
            offset = int(at_s / video.time_base)
            try:
                container.seek(offset, stream=video)
                key = next(read_from_key_frame(container, video), None)
            except (*UNREADABLE, av.error.OSError):
                return None
            if key is not None and key.pts is not None and slot_of(plan, key.pts * video.time_base) <= due:
                return offset
    return None


def read_from_key_frame(container: InputContainer, video: VideoStream) -> Iterator["Packet[VideoStream]"]:
    """Packets of the pictures, without those before the first key frame whose time is told."""
    begun = False
    for packet in read_packets(container, video):
        begun = begun or (packet.is_keyframe and packet.pts is not None)
        if begun:
            yield packet
