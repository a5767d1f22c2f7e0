"""Writes and reads the few boxes of ISO/IEC 14496-12 that CMAF segments need.

FFmpeg writes the init segment; media segments are written here, so that a segment's first time stamp is exactly
the grid's and no muxer shifts, splits or joins anything.

Pictures are shown later than they are decoded. As in FFmpeg's own streams that is a constant delay in the samples'
offsets, which never are negative, and an edit list in the init segment takes it back. (Negative offsets, which
CMAF allows too, make FFmpeg's reader shift each segment by what it finds in it.)
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

BoxPath = tuple[bytes, ...]

CONTAINERS = frozenset({b"moov", b"trak", b"edts", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf"})
# Bytes before the children of boxes that have both fields and children.
FIELDS_BEFORE_CHILDREN = {b"stsd": 8, b"avc1": 78, b"mp4a": 28}

SYNC_SAMPLE = 0x02000000  # depends on no other sample
OTHER_SAMPLE = 0x01010000  # depends on others, is no sync sample
NAL_IDR = 5
STYP = struct.pack(">I4s4sI4s4s", 24, b"styp", b"msdh", 0, b"msdh", b"cmfs")


@dataclass(frozen=True)
class Sample:
    """A coded picture or sound packet. `offset_units` is from decoding to presentation, before the edit list."""

    data: bytes
    offset_units: int
    is_sync: bool


def media_fragment(samples: Sequence[Sample], *, number: int, start_units: int, sample_units: int) -> bytes:
    """`moof` and `mdat`; every sample lasts `sample_units`, the first is decoded at `start_units`.

    A media segment is `STYP` with one fragment or several behind it; `number` counts a track's fragments from 0.
    """
    rows = b"".join(
        struct.pack(">III", len(s.data), SYNC_SAMPLE if s.is_sync else OTHER_SAMPLE, s.offset_units) for s in samples
    )
    mfhd = struct.pack(">I4sII", 16, b"mfhd", 0, number + 1)
    # default-base-is-moof and default-sample-duration-present.
    tfhd = struct.pack(">I4sIII", 20, b"tfhd", 0x020008, 1, sample_units)
    tfdt = struct.pack(">I4sIQ", 20, b"tfdt", 0x01000000, start_units)
    moof_size = 8 + len(mfhd) + 8 + len(tfhd) + len(tfdt) + 20 + len(rows)
    # With data offset, and with size, flags and offset of each sample.
    trun = struct.pack(">I4sIIi", 20 + len(rows), b"trun", 0x00000E01, len(samples), moof_size + 8) + rows
    traf = struct.pack(">I4s", 8 + len(tfhd) + len(tfdt) + len(trun), b"traf") + tfhd + tfdt + trun
    moof = struct.pack(">I4s", moof_size, b"moof") + mfhd + traf
    payload = sum(len(s.data) for s in samples)
    return b"".join([moof, struct.pack(">I4s", 8 + payload, b"mdat"), *(s.data for s in samples)])


def length_prefixed(annex_b: bytes) -> bytes:
    """NAL units after start codes (H.264 Annex B) as MP4 stores them, each after its 4-byte length."""
    units = []
    start = annex_b.find(b"\0\0\1")
    while start != -1:
        following = annex_b.find(b"\0\0\1", start + 3)
        # A four-byte start code's first zero, and trailing zeros, are no part of the unit before it.
        unit = annex_b[start + 3 : following if following != -1 else len(annex_b)].rstrip(b"\0")
        units.append(struct.pack(">I", len(unit)) + unit)
        start = following
    return b"".join(units)


def walk(data: bytes, path: BoxPath = (), start: int = 0, end: int | None = None) -> Iterator[tuple[BoxPath, bytes]]:
    """Every box with its path of types and its payload, containers before their children.

    Raises ValueError for a size that does not fit.
    """
    end = len(data) if end is None else end
    while start < end:
        if start + 8 > end:
            raise ValueError(f"{end - start} bytes left over in {b'/'.join(path).decode(errors='replace')}")
        size, kind = struct.unpack_from(">I4s", data, start)
        if size < 8 or start + size > end:
            raise ValueError(f"a box {kind!r} of {size} bytes where {end - start} are left")
        here = (*path, kind)
        yield here, data[start + 8 : start + size]
        if kind in CONTAINERS or kind in FIELDS_BEFORE_CHILDREN:
            yield from walk(data, here, start + 8 + FIELDS_BEFORE_CHILDREN.get(kind, 0), start + size)
        start += size


def with_edit_list(init: bytes, delay_units: int) -> bytes:
    """The init segment of one track with an edit list: presentation begins `delay_units` into the track."""
    elst = struct.pack(">I4sIIIiI", 28, b"elst", 0, 1, 0, delay_units, 0x00010000)
    edts = struct.pack(">I4s", 8 + len(elst), b"edts") + elst
    moov = init.index(b"moov") - 4
    trak = init.index(b"trak", moov) - 4
    tkhd = init.index(b"tkhd", trak) - 4
    after_tkhd = tkhd + int.from_bytes(init[tkhd : tkhd + 4])
    edited = bytearray(init[:after_tkhd] + edts + init[after_tkhd:])
    for box in (moov, trak):
        size = int.from_bytes(edited[box : box + 4]) + len(edts)
        edited[box : box + 4] = size.to_bytes(4)
    return bytes(edited)


def read_delay(init: bytes) -> int:
    """What the edit list of `with_edit_list` takes back, in units of the track; 0 where there is none."""
    kinds = {path[-1] for path, _ in walk(init)}
    return int(struct.unpack_from(">i", find_box(init, b"elst"), 12)[0]) if b"elst" in kinds else 0


def find_box(data: bytes, kind: bytes) -> bytes:
    """The payload of the first box of this type, at any depth; raises ValueError where there is none."""
    for path, payload in walk(data):
        if path[-1] == kind:
            return payload
    raise ValueError(f"no {kind.decode(errors='replace')} box")


def read_codecs(init: bytes) -> str:
    """The RFC 6381 name of an init segment's track: `avc1.` with profile, constraints and level, or `mp4a.40.` type."""
    kinds = {path[-1] for path, _ in walk(init)}
    if b"avcC" in kinds:
        return "avc1." + find_box(init, b"avcC")[1:4].hex()
    if b"esds" in kinds:
        return f"mp4a.40.{_audio_object_type(find_box(init, b'esds'))}"
    raise ValueError("neither avcC nor esds: no track of ours")


def _audio_object_type(esds: bytes) -> int:
    """The first five bits of AudioSpecificConfig, behind descriptor 5 of descriptor 4 of descriptor 3."""
    position = 4
    for tag, fields in ((3, 3), (4, 13), (5, 0)):
        if esds[position] != tag:
            raise ValueError(f"descriptor {esds[position]} in esds where {tag} belongs")
        position += 1
        while esds[position] & 0x80:
            position += 1
        position += 1 + fields
    return esds[position] >> 3


def read_timescale(init: bytes) -> int:
    """Units a second, from `mdhd`."""
    mdhd = find_box(init, b"mdhd")
    return int(struct.unpack_from(">I", mdhd, 20 if mdhd[0] == 1 else 12)[0])


@dataclass(frozen=True)
class FragmentTimes:
    """What a fragment says of itself, in units of its track's timescale.

    The first `key_bytes` bytes from `offset` in its segment hold its header and its first sample. `holds_idr` is only
    for H.264: whether that sample is a picture to which nothing behind it looks back.
    """

    start_units: int
    first_shown_units: int
    units: int
    samples: int
    starts_with_sync: bool
    offset: int
    key_bytes: int
    holds_idr: bool


@dataclass(frozen=True)
class SegmentTimes:
    """The fragments of a media segment; there is at least one."""

    fragments: tuple[FragmentTimes, ...]

    @property
    def start_units(self) -> int:
        return self.fragments[0].start_units

    @property
    def first_shown_units(self) -> int:
        return min(fragment.first_shown_units for fragment in self.fragments)

    @property
    def units(self) -> int:
        return sum(fragment.units for fragment in self.fragments)

    @property
    def samples(self) -> int:
        return sum(fragment.samples for fragment in self.fragments)


def read_segment(segment: bytes) -> SegmentTimes:
    """Read a segment of `STYP` and media fragments; raises ValueError (or struct.error) for any other."""
    boxes = [(path[0], payload) for path, payload in walk(segment) if len(path) == 1]
    if [kind for kind, _ in boxes[:1]] != [b"styp"] or len(boxes) % 2 == 0 or len(boxes) == 1:
        raise ValueError(f"boxes {[kind.decode(errors='replace') for kind, _ in boxes]} are no segment of ours")
    fragments = []
    offset = 8 + len(boxes[0][1])
    for (moof_kind, moof), (mdat_kind, mdat) in zip(boxes[1::2], boxes[2::2], strict=True):
        if (moof_kind, mdat_kind) != (b"moof", b"mdat"):
            raise ValueError(f"boxes {moof_kind!r} and {mdat_kind!r} where a fragment belongs")
        fragments.append(_read_fragment(moof, mdat, offset))
        offset += 16 + len(moof) + len(mdat)
    return SegmentTimes(tuple(fragments))


def _read_fragment(moof: bytes, mdat: bytes, offset: int) -> FragmentTimes:
    tfhd, tfdt, trun = (find_box(moof, kind) for kind in (b"tfhd", b"tfdt", b"trun"))
    (sample_units,) = struct.unpack_from(">I", tfhd, 8)
    (start_units,) = struct.unpack_from(">Q", tfdt, 4)
    (samples,) = struct.unpack_from(">I", trun, 4)
    rows = [struct.unpack_from(">III", trun, 12 + 12 * n) for n in range(samples)]
    if not rows:
        raise ValueError("no samples")
    if sum(size for size, _, _ in rows) != len(mdat):
        raise ValueError(f"samples of {sum(size for size, _, _ in rows)} bytes in {len(mdat)} bytes of data")
    return FragmentTimes(
        start_units=start_units,
        first_shown_units=start_units + min(n * sample_units + shift for n, (_, _, shift) in enumerate(rows)),
        units=samples * sample_units,
        samples=samples,
        starts_with_sync=rows[0][1] == SYNC_SAMPLE,
        offset=offset,
        key_bytes=16 + len(moof) + rows[0][0],
        holds_idr=_holds_idr(mdat[: rows[0][0]]),
    )


def _holds_idr(sample: bytes) -> bool:
    """Whether a NAL unit of this sample is of type 5 (ISO/IEC 14496-10, table 7-1)."""
    place = 0
    while place + 4 < len(sample):
        if sample[place + 4] & 0x1F == NAL_IDR:
            return True
        place += 4 + int.from_bytes(sample[place : place + 4])
    return False
