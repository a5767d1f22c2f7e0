"""Decides from a file's first bytes whether it may be handed to FFmpeg at all.

FFmpeg follows playlists to other files and servers, whatever the file is called. So text never reaches it, and
what does is opened with a list of binary container formats (`FORMATS`) as an allow list.
"""

from pipeline.errors import PermanentError
from pipeline.reasons import Reason

HEAD_BYTES = 4096

# Names of FFmpeg demuxers. Sound-only ones are here so that a recording is told "no picture", not "no video file".
FORMATS = ("mov", "matroska", "webm", "avi", "mpegts", "mpeg", "flv", "asf", "ogg", "flac", "mp3", "wav", "aac")

PLAYLIST_STARTS = (b"#extm3u", b"ffconcat", b"[playlist]", b"<mpd", b"<smil")
TEXT_BYTES = frozenset(range(0x20, 0x7F)) | {0x09, 0x0A, 0x0D}
EXECUTABLES_AND_ARCHIVES = (b"\x7fELF", b"MZ", b"PK\x03\x04", b"%PDF-", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"#!")
STILL_IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"8BPS")


def refuse_by_head(head: bytes) -> None:
    """Raise EMPTY_FILE, PLAYLIST_FORBIDDEN or NOT_MEDIA for bytes that no video file starts with."""
    if not head:
        raise PermanentError(Reason.EMPTY_FILE, "0 bytes")
    if any(head.startswith(magic) for magic in EXECUTABLES_AND_ARCHIVES + STILL_IMAGES):
        raise PermanentError(Reason.NOT_MEDIA, f"starts with {head[:8]!r}")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if any(text.startswith(start) for start in PLAYLIST_STARTS):
        raise PermanentError(Reason.PLAYLIST_FORBIDDEN, f"starts with {head[:12]!r}")
    if text.startswith(b"<?xml"):
        is_dash = b"<mpd" in text
        raise PermanentError(Reason.PLAYLIST_FORBIDDEN if is_dash else Reason.NOT_MEDIA, "an XML file")
    if len(head) >= 8 and TEXT_BYTES.issuperset(head[:512]):
        raise PermanentError(Reason.NOT_MEDIA, f"a text file that starts with {head[:12]!r}")


def looks_encrypted(head: bytes) -> bool:
    """Whether an ISO file's sample description is `encv` (ISO/IEC 23001-7) or FairPlay's `drmi`.

    For files that FFmpeg refuses to open, or finds no decoder for.
    """
    return b"sinf" in head and (b"encv" in head or b"drmi" in head)
