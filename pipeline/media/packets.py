"""Reads packets, and tells what one is by its own form. For sandboxed children only."""

from collections.abc import Iterator
from typing import Any, TypeVar, cast

from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

Track = TypeVar("Track", bound=Stream)


def read_packets(container: InputContainer, *tracks: Track) -> Iterator["Packet[Track]"]:
    """All packets of these tracks from where the container is, and an empty one that ends each.

    FLV and programme streams may show another track on the way. PyAV, which knows only the tracks that it has opened,
    looks for that one too when it ends them, after those before it: nothing of ours comes behind.
    """
    try:
        yield from cast("Iterator[Packet[Track]]", container.demux(*tracks))
    except IndexError:
        return


def repeats_picture(packet: "Packet[Any]") -> bool:
    """Whether it stands for the picture before it, shown again: Theora and NUT write those as packets of nothing.

    Decoders refuse them, as they do any packet behind the empty one without a time that ends a track.
    """
    return packet.size == 0 and packet.dts is not None
