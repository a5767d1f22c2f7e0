"""Where a transport stream ends, by its packets."""

import pytest

from pipeline.media.transport_stream import torn_bytes

TIME_CODE = bytes(4)
PACKET = b"\x47" + bytes(187)
STREAMS = {
    "plain": (PACKET * 30, 188),
    "with time codes": ((TIME_CODE + PACKET) * 30, 192),
    "with error correction": ((PACKET + bytes(16)) * 30, 204),
    "joined inside a packet": (bytes(50) + PACKET * 30, 188),
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_of_whole_packets_is_not_torn_and_a_cut_one_is(name: str):
    data, packet = STREAMS[name]
    assert torn_bytes(data[:4096], len(data)) == 0
    assert [torn_bytes(data[:4096], len(data) - cut) for cut in (1, 100, packet - 1)] == [packet - 1, packet - 100, 1]
    assert torn_bytes(data[:4096], len(data) - 2 * packet) == 0


def test_what_is_no_transport_stream_is_not_torn():
    assert torn_bytes(bytes(4096), 5001) == 0
    assert torn_bytes(b"", 7) == 0
