"""Finds where in a source the pictures of a part begin, and reads on from there. For the sandbox.

Every picture of a part shows the newest picture of the source that has begun by then. So reading has to begin at a
key frame that is shown no later than the part's first picture; what comes before that one is decoded and not encoded.
"""

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from jobs.transcode.encoding.pictures import slot_of, source_s_of
from jobs.transcode.planning.plan import Plan
from pipeline.media.opening import UNREADABLE, find_video, open_source
from pipeline.media.packets import read_packets, repeats_picture

# Containers look for a time in the order of decoding, or land a little behind it, and those without an index land
# anywhere: then the same is tried further back. What is decoded in vain is less than four times what has to be.
EARLIER_S = (0, 1, 5, 20, 60, 240, 960)
# A decoder hands out the picture of a packet at most so many packets later: 16 that it puts in order (ITU-T H.264,
# A.3.1), in two fields each.
PACKETS_TO_A_PICTURE = 32
# A deinterlacer compares a picture with those beside it.
PICTURES_BEFORE_INTERLACED = 2


def find_start(source: Path, plan: Plan, first_picture: int, *, max_streams: int, max_pixels: int) -> int | None:
    """What to seek to, in units of the picture track, so that picture `first_picture` can be shown.

    None stands for the beginning: the part begins there, or the container cannot be searched.
    """
    due = first_picture - (PICTURES_BEFORE_INTERLACED if plan.video.interlaced else 0)
    # Sound may go on for longer: behind the last picture that one is shown.
    ends_s = Fraction(plan.video.start_s) + Fraction(plan.video.duration_s)
    with open_source(source, max_streams=max_streams) as container:
        video = find_video(container, max_pixels=max_pixels)
        if video.time_base is None:
            return None
        video.codec_context.thread_count = 1
        for earlier_s in EARLIER_S:
            at_s = min(source_s_of(plan, due), ends_s) - earlier_s
            if at_s <= plan.video.start_s:
                return None
            offset = int(at_s / video.time_base)
            try:
                container.seek(offset, stream=video)
                if _begins_by(due, plan, read_from_key_frame(container, video)):
                    return offset
            except (*UNREADABLE, av.error.OSError):
                continue
    return None


def _begins_by(due: int, plan: Plan, packets: Iterator["Packet[VideoStream]"]) -> bool:
    """Whether these begin with a key frame that is shown by picture `due`, and that a decoder can really begin with.

    Where pictures are refreshed strip by strip (an encoder's "intra refresh"), and where all are called key frames, it
    cannot: what it shows, if anything, is whole some time later, or never.
    """
    key = next(packets, None)
    if key is None or key.pts is None or slot_of(plan, key.pts * key.time_base) > due:
        return False
    shown = 0
    for packet in chain([key], packets):
        for frame in packet.decode() if not repeats_picture(packet) else ():
            if key.is_discard and frame.pts is not None:
                # An edit list leaves the key frame out, and what comes before its cut has other key frames.
                return slot_of(plan, frame.pts * key.time_base) <= due
            # What looks back over the key frame is shown before it, and nobody needs it.
            if frame.pts is not None and frame.pts >= key.pts:
                return frame.pts == key.pts and not frame.is_corrupt
        shown += not packet.is_discard
        if shown > PACKETS_TO_A_PICTURE:
            break
    return False


def read_from_key_frame(container: InputContainer, video: VideoStream) -> Iterator["Packet[VideoStream]"]:
    """Packets of the pictures, without those before the first key frame whose time is told."""
    begun = False
    for packet in read_packets(container, video):
        begun = begun or (packet.is_keyframe and packet.pts is not None)
        if begun:
            yield packet


def read_first_picture(source: Path, *, max_streams: int, max_pixels: int) -> VideoFrame | None:
    """The first that can be decoded of a source; None where there is none."""
    with open_source(source, max_streams=max_streams) as container:
        video = find_video(container, max_pixels=max_pixels)
        video.codec_context.thread_count = 1
        with suppress(*UNREADABLE):
            for packet in read_packets(container, video):
                if repeats_picture(packet):
                    continue
                with suppress(*UNREADABLE):
                    for frame in packet.decode():
                        return frame
    return None
