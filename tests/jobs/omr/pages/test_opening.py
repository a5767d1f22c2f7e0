"""Uploads become pages: every format and pixel kind, nothing cut or oversized, one bad page at a time."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from jobs.omr.page import Page, RefusedPage
from jobs.omr.pages.opening import count_pages, open_pages
from pipeline.contracts.omr import OmrLimits
from pipeline.reasons import Reason

LIMITS = OmrLimits()
SCANS = Path(__file__).parents[5] / "shared" / "omr"


def drawn() -> Image.Image:
    """300x400 white, a dark box in the top left quarter."""
    pixels = np.full((400, 300), 255, np.uint8)
    pixels[20:120, 30:110] = 10
    pixels[200::7] = 90
    return Image.fromarray(pixels)


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def pages(tmp_path: Path, content: bytes, limits: OmrLimits = LIMITS) -> list[Page | RefusedPage]:
    path = tmp_path / "upload"
    path.write_bytes(content)
    return list(open_pages(path, limits))


def page(tmp_path: Path, content: bytes) -> Page:
    (found,) = pages(tmp_path, content)
    assert isinstance(found, Page), found
    return found


def refusal(tmp_path: Path, content: bytes, limits: OmrLimits = LIMITS) -> Reason:
    (found,) = pages(tmp_path, content, limits)
    assert isinstance(found, RefusedPage), found
    return found.reason


def looks_right(found: Page) -> bool:
    return found.gray.shape == (400, 300) and found.gray[70, 70] < 40 and found.gray[70, 200] > 220


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "CMYK"])
@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "PNG", "WEBP"])
def test_a_picture_of_any_kind_and_depth_is_read(tmp_path: Path, kind: str, mode: str):
    if (kind, mode) in {("JPEG", "1"), ("PNG", "CMYK"), ("WEBP", "CMYK")}:
        pytest.skip("the format has no such pixels")
    assert looks_right(page(tmp_path, saved(drawn().convert(mode), kind)))


def test_sixteen_bits_are_read(tmp_path: Path):
    deep = Image.fromarray(np.asarray(drawn()).astype(np.uint16) * 257)
    assert looks_right(page(tmp_path, saved(deep, "PNG")))
    assert looks_right(page(tmp_path, saved(deep, "TIFF")))


@pytest.mark.parametrize("compression", ["group4", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
def test_a_tiff_of_any_compression_is_read(tmp_path: Path, compression: str):
    picture = drawn().convert("1") if compression == "group4" else drawn()
    assert looks_right(page(tmp_path, saved(picture, "TIFF", compression=compression)))


def test_a_transparent_page_lies_on_white_paper(tmp_path: Path):
    picture = drawn().convert("RGBA")
    picture.putalpha(Image.fromarray(255 - np.asarray(drawn())))
    found = page(tmp_path, saved(picture, "PNG"))
    assert looks_right(found)


@pytest.mark.parametrize(("orientation", "turned"), [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90)])
def test_a_phone_held_on_its_side_gives_an_upright_page(tmp_path: Path, orientation: int, turned: Image.Transpose):
    exif = Image.Exif()
    exif[0x112] = orientation
    assert looks_right(page(tmp_path, saved(drawn().transpose(turned), "JPEG", exif=exif)))


def test_the_name_of_a_file_says_nothing(tmp_path: Path):
    path = tmp_path / "scan.pdf"
    path.write_bytes(saved(drawn(), "PNG"))
    assert isinstance(next(open_pages(path, LIMITS)), Page)


@pytest.mark.skipif(not SCANS.exists(), reason="the real scans are not here")
def test_no_cut_scan_is_ever_decoded(tmp_path: Path):
    scans = sorted(SCANS.glob("*/images/*.jp*g"))[::3][:10]
    assert len(scans) == 10
    for scan in scans:
        whole = scan.read_bytes()
        for percent in range(5, 100, 5):
            cut = whole[: len(whole) * percent // 100]
            assert refusal(tmp_path, cut) in {Reason.TRUNCATED, Reason.CORRUPT}, (scan, percent)


def test_a_cut_jpeg_with_its_end_put_back_is_refused(tmp_path: Path):
    whole = saved(drawn(), "JPEG")
    assert refusal(tmp_path, whole[: len(whole) * 3 // 4] + b"\xff\xd9") is Reason.CORRUPT


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_a_cut_picture_is_refused(tmp_path: Path, kind: str):
    whole = saved(drawn(), kind)
    for percent in range(10, 100, 10):
        assert refusal(tmp_path, whole[: len(whole) * percent // 100]) in {Reason.TRUNCATED, Reason.CORRUPT}


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("TIFF", {"compression": "tiff_adobe_deflate"})])
def test_a_damaged_picture_is_refused(tmp_path: Path, kind: str, options: dict[str, str]):
    damaged = bytearray(saved(drawn(), kind, **options))
    damaged[len(damaged) // 2 : len(damaged) // 2 + 40] = b"\x55" * 40
    assert refusal(tmp_path, bytes(damaged)) is Reason.CORRUPT


def test_a_picture_larger_than_the_limit_is_refused_by_its_header(tmp_path: Path):
    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", len(header)) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    assert refusal(tmp_path, b"\x89PNG\r\n\x1a\n" + chunk) is Reason.DIMENSIONS_EXCEEDED


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Reason.EMPTY_FILE),
        (b"<html>not found</html>", Reason.NOT_A_PICTURE),
        (b"%PDF-1.7\n1 0 obj", Reason.TRUNCATED),
    ],
)
def test_what_is_no_picture_is_said_to_be_none(tmp_path: Path, content: bytes, reason: Reason):
    assert refusal(tmp_path, content) is reason


def test_one_damaged_page_does_not_spoil_the_others(tmp_path: Path):
    sheets = [drawn() for _ in range(3)]
    whole = bytearray(
        saved(sheets[0], "TIFF", compression="tiff_adobe_deflate", save_all=True, append_images=sheets[1:])
    )
    whole[len(whole) // 2 : len(whole) // 2 + 30] = b"\x55" * 30
    first, second, third = pages(tmp_path, bytes(whole))
    assert isinstance(first, Page)
    assert isinstance(second, RefusedPage)
    assert isinstance(third, Page)
    assert third.number == 3


def test_pages_beyond_the_limit_are_refused_once(tmp_path: Path):
    sheets = [drawn() for _ in range(5)]
    content = saved(sheets[0], "TIFF", save_all=True, append_images=sheets[1:])
    found = pages(tmp_path, content, OmrLimits(max_pages=3))
    assert [isinstance(one, Page) for one in found] == [True, True, True, False]
    assert isinstance(found[3], RefusedPage)
    assert found[3].reason is Reason.TOO_MANY_PAGES


def test_a_range_of_pages_is_decoded_alone(tmp_path: Path):
    path = tmp_path / "upload"
    path.write_bytes(saved(drawn(), "TIFF", save_all=True, append_images=[drawn() for _ in range(4)]))
    assert [one.number for one in open_pages(path, LIMITS, first=2, last=3)] == [2, 3]
    assert count_pages(path, LIMITS) == 5


def test_a_scan_in_a_pdf_keeps_its_own_pixels(tmp_path: Path):
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(72, 96))
    jpeg = tmp_path / "scan.jpg"
    jpeg.write_bytes(saved(drawn(), "JPEG", quality=90))
    canvas.drawImage(str(jpeg), 0, 0, 72, 96)
    canvas.showPage()
    canvas.drawImage(str(jpeg), 0, 0, 72, 96)
    canvas.drawString(10, 10, "a stamp")
    canvas.save()
    scan, stamped = pages(tmp_path, file.getvalue())
    assert isinstance(scan, Page)
    assert np.array_equal(scan.gray, page(tmp_path, jpeg.read_bytes()).gray)
    assert scan.dpi == pytest.approx(300)
    assert isinstance(stamped, Page)
    assert stamped.gray.shape == (400, 300)


def test_a_cut_jpeg_within_a_pdf_is_refused(tmp_path: Path):
    jpeg = saved(drawn(), "JPEG")
    cut = jpeg[: len(jpeg) // 2].ljust(len(jpeg), b"\0")
    stream = b"<< /Type /XObject /Subtype /Image /Width 300 /Height 400 /ColorSpace /DeviceGray /BitsPerComponent 8"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 72 96] /Contents 5 0 R /Resources <</XObject <</I 4 0 R>> >> >>",
        stream + b" /Filter /DCTDecode /Length %d >>\nstream\n" % len(cut) + cut + b"\nendstream",
        b"<< /Length 24 >>\nstream\nq 72 0 0 96 0 0 cm /I Do\nendstream",
    ]
    content, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table = b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    content += table + b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(content))
    assert refusal(tmp_path, content) in {Reason.TRUNCATED, Reason.CORRUPT}


def test_a_pdf_with_a_password_is_refused(tmp_path: Path):
    file = io.BytesIO()
    canvas = Canvas(file, encrypt="secret")
    canvas.drawImage(ImageReader(drawn()), 0, 0)
    canvas.save()
    assert refusal(tmp_path, file.getvalue()) is Reason.ENCRYPTED


def test_a_zip_gives_its_pictures_in_order_and_refuses_what_is_none(tmp_path: Path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.png", saved(drawn(), "PNG"))
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("scan10.png", saved(drawn().resize((310, 400)), "PNG"))
        archive.writestr("scan2.png", saved(drawn(), "PNG"))
        archive.writestr("../../../etc/passwd", b"root")
        archive.writestr("__MACOSX/._scan2.png", b"\0")
        archive.writestr("z.zip", inner.getvalue())
    outside, second, tenth, nested = pages(tmp_path, outer.getvalue())
    assert isinstance(outside, RefusedPage)
    assert isinstance(second, Page)
    assert second.gray.shape == (400, 300)
    assert isinstance(tenth, Page)
    assert tenth.gray.shape == (400, 310)
    assert isinstance(nested, RefusedPage)
    assert {path.name for path in tmp_path.iterdir()} == {"upload"}


def test_a_zip_bomb_is_refused_by_what_it_unpacks(tmp_path: Path):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", bytes(9_000_000))
    assert refusal(tmp_path, file.getvalue(), OmrLimits(max_pixels=1_000_000)) is Reason.DIMENSIONS_EXCEEDED
