"""What a transport stream tells about its end: it has no index, no length and no last word, but whole packets.

A recording ends between two packets; a copy that broke off ends inside one, in 187 of 188 cases. Pure.
"""

# ISO/IEC 13818-1; with a time code before each packet (Blu-ray, AVCHD); with error correction after it (DVB).
PACKET_SIZES = (188, 192, 204)
SYNC_BYTE = 0x47
# So many packets in a row that begin with the sync byte are no accident.
ALIGNED_PACKETS = 5


def torn_bytes(head: bytes, size_bytes: int) -> int:
    """How many bytes of an unfinished packet end the file; 0 also where `head`, its first bytes, shows no packets."""
    for size in PACKET_SIZES:
        for first in range(min(size, len(head))):
            packets = head[first::size][:ALIGNED_PACKETS]
            if len(packets) == ALIGNED_PACKETS and packets.count(SYNC_BYTE) == ALIGNED_PACKETS:
                # The time code is in front of the sync byte, and belongs to its packet.
                start = first - 4 if size == 192 else first
                return (size_bytes - start) % size
    return 0
