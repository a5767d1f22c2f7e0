"""Small files that ask for much more memory than they have bytes."""

import struct
import zipfile
import zlib
from pathlib import Path

SIDE = 32_000
"""Pixels: as three bytes each, 3 GB."""

ZIPPED_MIB = 130


def png_bomb(path: Path) -> Path:
    """One bit a pixel, all of it there: a tenth of a megabyte that OpenCV would make 3 GB of."""
    packer = zlib.compressobj(9)
    row = bytes(1 + SIDE // 8)
    packed = b"".join(packer.compress(row * 1000) for _ in range(SIDE // 1000)) + packer.flush()
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", packed), (b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks))
    return path


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def tiff_bomb(path: Path) -> Path:
    """One strip of deflated zeros that claims to be the whole picture."""
    strip = zlib.compress(bytes(1 << 20))
    entries = {
        256: SIDE, 257: SIDE, 258: 8, 259: 8, 262: 1, 273: 8, 277: 1, 278: SIDE, 279: len(strip),
    }  # fmt: skip
    table = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries.items()
    )
    path.write_bytes(struct.pack("<2sHI", b"II", 42, 8 + len(strip)) + strip + table + struct.pack("<I", 0))
    return path


def tiff_that_never_ends(path: Path) -> Path:
    """A directory of pages, too small to be read, that points back at itself."""
    strip = b"\xff" * 104 * 13
    entries = {256: 104, 257: 104, 258: 1, 259: 1, 262: 1, 273: 8, 277: 1, 278: 104, 279: len(strip)}
    at = 8 + len(strip)
    table = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries.items()
    )
    path.write_bytes(struct.pack("<2sHI", b"II", 42, at) + strip + table + struct.pack("<I", at))
    return path


def jpeg_bomb(path: Path) -> Path:
    """A head of 65,500 x 65,500 pixels and nearly nothing behind it."""
    frame = struct.pack(">BHHBBBB", 8, 65_500, 65_500, 1, 1, 0x11, 0)
    path.write_bytes(
        b"\xff\xd8\xff\xc0" + struct.pack(">H", 2 + len(frame)) + frame + b"\xff\xda\0\x02" + b"\0\xff\xd9"
    )
    return path


def pdf_of(path: Path, media_box: str, content: bytes = b"", objects: tuple[bytes, ...] = ()) -> Path:
    """One page; `objects` are numbered from 5 on, the first of them is the picture `/Im`."""
    resources = "/Resources << /XObject << /Im 5 0 R >> >>"
    page = f"<< /Type /Page /Parent 2 0 R /MediaBox [{media_box}] /Contents 4 0 R {resources} >>"
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        page.encode(),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        *objects,
    ]
    data, places = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, len(data))
    path.write_bytes(data + b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1) + table + end)
    return path


def pdf_of_a_huge_page(path: Path) -> Path:
    return pdf_of(path, "0 0 1000000 1000000", b"0 0 1000 1000 re f")


def pdf_of_a_huge_picture(path: Path) -> Path:
    packed = zlib.compress(bytes(4 << 20))
    picture = (
        b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent 8 /ColorSpace /DeviceRGB "
        b"/Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (SIDE, SIDE, len(packed), packed)
    )
    return pdf_of(path, "0 0 595 842", b"595 0 0 842 0 0 cm /Im Do", (picture,))


def zip_bomb(path: Path) -> Path:
    """130 megabytes of zeros, named as a picture."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("1.png", "w") as entry:
        for _ in range(ZIPPED_MIB):
            entry.write(bytes(1 << 20))
    return path


def zip_that_lies(path: Path) -> Path:
    """The same, and both of its heads claim that it is 100 bytes."""
    zip_bomb(path)
    true, said = struct.pack("<I", ZIPPED_MIB << 20), struct.pack("<I", 100)
    path.write_bytes(path.read_bytes().replace(true, said))
    return path


def zip_of_a_zip(path: Path) -> Path:
    with zipfile.ZipFile(path.with_suffix(".inner"), "w") as inner:
        inner.writestr("1.png", bytes(1000))
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(path.with_suffix(".inner"), "inner.zip")
    return path
