"""Writes HLS playlists (RFC 8216). Pure: values in, text out; `published` reads them back with another's parser."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from pipeline.contracts.transcode import AudioRendition, Rendition

# EXT-X-MAP in a playlist that is not of I-frames only needs 6 (RFC 8216, 7); 7 is what CMAF players expect.
VERSION = 7
AUDIO_GROUP = "sound"
# A player opens the first variant before it knows its connection: what a phone's usually carries.
FIRST_VARIANT_BPS = 1_200_000
# Some variant stays below this, for the worst of connections (Apple's authoring specification, 9.21).
LOWEST_VARIANT_BPS = 192_000


@dataclass(frozen=True)
class MediaPlaylist:
    """A VOD playlist: the init segment, and each segment's name with its length in seconds.

    `target_duration_s` is the same in all playlists of a stream (RFC 8216, 6.2.4), and no segment is above it.
    """

    init: str
    target_duration_s: int
    segments: tuple[tuple[str, Fraction], ...]


@dataclass(frozen=True)
class IFrame:
    """A key frame: its bytes with its fragment's header in a segment, and the time until the next one."""

    name: str
    length_s: Fraction
    offset: int
    size_bytes: int


@dataclass(frozen=True)
class IFramePlaylist:
    """The key frames of a rendition, for scrubbing and for playing at many times the speed."""

    init: str
    frames: tuple[IFrame, ...]


@dataclass(frozen=True)
class IFrameVariant:
    """An I-frame playlist as the multivariant playlist names it."""

    playlist: str
    width: int
    height: int
    codecs: str
    average_bps: int
    peak_bps: int


def write_media_playlist(playlist: MediaPlaylist) -> str:
    lines = [*_head(playlist.target_duration_s, playlist.init)]
    for name, length in playlist.segments:
        lines += [f"#EXTINF:{float(length):.6f},", name]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def write_iframe_playlist(playlist: IFramePlaylist) -> str:
    target_duration_s = ceil(max(frame.length_s for frame in playlist.frames))
    lines = [*_head(target_duration_s, playlist.init), "#EXT-X-I-FRAMES-ONLY"]
    for frame in playlist.frames:
        lines += [
            f"#EXTINF:{float(frame.length_s):.6f},",
            f"#EXT-X-BYTERANGE:{frame.size_bytes}@{frame.offset}",
            frame.name,
        ]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def _head(target_duration_s: int, init: str) -> list[str]:
    return [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{target_duration_s}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f'#EXT-X-MAP:URI="{init}"',
    ]


def write_master(
    renditions: Sequence[Rendition], audio: AudioRendition | None, iframes: Sequence[IFrameVariant]
) -> str:
    """The multivariant playlist; rates of a variant include the sound that plays with it."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    if audio is not None:
        language = f',LANGUAGE="{audio.language}"' if audio.language else ""
        lines.append(
            f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{AUDIO_GROUP}",NAME="{audio.name}"{language}'
            f',DEFAULT=YES,AUTOSELECT=YES,CHANNELS="{audio.channels}",URI="{audio.playlist}"'
        )
    sound_bps = audio.peak_bps if audio is not None else 0
    for rendition in order_for_phones(renditions, sound_bps=sound_bps):
        lines += _variant(rendition, audio)
    lowest_bps = min(rendition.peak_bps for rendition in renditions) + sound_bps
    if audio is not None and lowest_bps > LOWEST_VARIANT_BPS:
        lines += _sound_alone(audio)
    lines += [
        f"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={variant.peak_bps},AVERAGE-BANDWIDTH={variant.average_bps},"
        f'CODECS="{variant.codecs}",RESOLUTION={variant.width}x{variant.height},URI="{variant.playlist}"'
        for variant in iframes
    ]
    return "\n".join([*lines, ""])


def _sound_alone(audio: AudioRendition) -> list[str]:
    rates = f"BANDWIDTH={audio.peak_bps},AVERAGE-BANDWIDTH={audio.average_bps}"
    return [f'#EXT-X-STREAM-INF:{rates},CODECS="{audio.codecs}",AUDIO="{AUDIO_GROUP}"', audio.playlist]


def order_for_phones(renditions: Sequence[Rendition], *, sound_bps: int) -> list[Rendition]:
    """The best rendition that `FIRST_VARIANT_BPS` carries, else the smallest; then the others from small to large."""
    ascending = sorted(renditions, key=lambda rendition: (rendition.width * rendition.height, rendition.peak_bps))
    carried = [rendition for rendition in ascending if rendition.peak_bps + sound_bps <= FIRST_VARIANT_BPS]
    first = carried[-1] if carried else ascending[0]
    return [first, *(rendition for rendition in ascending if rendition is not first)]


def _variant(rendition: Rendition, audio: AudioRendition | None) -> list[str]:
    peak, average, codecs = rendition.peak_bps, rendition.average_bps, rendition.codecs
    if audio is not None:
        peak, average, codecs = peak + audio.peak_bps, average + audio.average_bps, f"{codecs},{audio.codecs}"
    return [
        f"#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},"
        f'CODECS="{codecs}",RESOLUTION={rendition.width}x{rendition.height},'
        f"FRAME-RATE={rendition.frame_rate:.3f}" + (f',AUDIO="{AUDIO_GROUP}"' if audio is not None else ""),
        rendition.playlist,
    ]
