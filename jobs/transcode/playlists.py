"""Makes and reads HLS playlists (RFC 8216). Pure: values in, text out, and back."""

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from pipeline.contracts.transcode import AudioRendition, Rendition

# EXT-X-MAP in a playlist that is not of I-frames only needs 6 (RFC 8216, 7); 7 is what CMAF players expect.
VERSION = 7
AUDIO_GROUP = "sound"


@dataclass(frozen=True)
class MediaPlaylist:
    """A VOD playlist: the init segment, and each segment's name with its length in seconds.

    `target_duration_s` is the same in all playlists of a stream (RFC 8216, 6.2.4), and no segment is above it.
    """

    init: str
    target_duration_s: int
    segments: tuple[tuple[str, Fraction], ...]


def write_media_playlist(playlist: MediaPlaylist) -> str:
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{playlist.target_duration_s}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f'#EXT-X-MAP:URI="{playlist.init}"',
    ]
    for name, length in playlist.segments:
        lines += [f"#EXTINF:{float(length):.6f},", name]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def read_media_playlist(text: str) -> MediaPlaylist:
    """Raises ValueError for what a player could not play to its end as a video on demand."""
    lines = [line for line in text.splitlines() if line]
    if not lines or lines[0] != "#EXTM3U":
        raise ValueError("it does not start with #EXTM3U")
    if "#EXT-X-ENDLIST" not in lines or "#EXT-X-PLAYLIST-TYPE:VOD" not in lines:
        raise ValueError("it is not a finished VOD playlist")
    init = _attribute(_tag(lines, "#EXT-X-MAP"), "URI")
    lengths = [Fraction(line.removeprefix("#EXTINF:").split(",")[0]) for line in lines if line.startswith("#EXTINF:")]
    names = [line for line in lines if not line.startswith("#")]
    if not names or len(names) != len(lengths):
        raise ValueError(f"{len(names)} segments and {len(lengths)} lengths")
    target = int(_tag(lines, "#EXT-X-TARGETDURATION"))
    if target < max(lengths):
        raise ValueError(f"a segment of {float(max(lengths)):.3f} s is above the target duration of {target} s")
    return MediaPlaylist(init=init, target_duration_s=target, segments=tuple(zip(names, lengths, strict=True)))


@dataclass(frozen=True)
class Variant:
    """A line of the multivariant playlist, as it was read back."""

    uri: str
    bandwidth: int
    average_bandwidth: int
    codecs: str
    width: int
    height: int
    frame_rate: float
    audio_group: str | None


@dataclass(frozen=True)
class Multivariant:
    variants: tuple[Variant, ...]
    audio_uri: str | None


def write_master(renditions: tuple[Rendition, ...], audio: AudioRendition | None) -> str:
    """The multivariant playlist; rates of a variant include the sound that plays with it."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    if audio is not None:
        language = f',LANGUAGE="{audio.language}"' if audio.language else ""
        lines.append(
            f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{AUDIO_GROUP}",NAME="{audio.name}"{language}'
            f',DEFAULT=YES,AUTOSELECT=YES,CHANNELS="{audio.channels}",URI="{audio.playlist}"'
        )
    for rendition in renditions:
        peak, average, codecs = rendition.peak_bps, rendition.average_bps, rendition.codecs
        if audio is not None:
            peak, average, codecs = peak + audio.peak_bps, average + audio.average_bps, f"{codecs},{audio.codecs}"
        lines.append(
            f"#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},"
            f'CODECS="{codecs}",RESOLUTION={rendition.width}x{rendition.height},'
            f"FRAME-RATE={rendition.frame_rate:.3f}" + (f',AUDIO="{AUDIO_GROUP}"' if audio is not None else "")
        )
        lines.append(rendition.playlist)
    return "\n".join([*lines, ""])


def read_master(text: str) -> Multivariant:
    """Raises ValueError where something that we always write is missing."""
    lines = [line for line in text.splitlines() if line]
    if not lines or lines[0] != "#EXTM3U":
        raise ValueError("it does not start with #EXTM3U")
    variants = []
    for line, uri in pairwise(lines):
        if not line.startswith("#EXT-X-STREAM-INF:"):
            continue
        width, _, height = _attribute(line, "RESOLUTION").partition("x")
        variants.append(
            Variant(
                uri=uri,
                bandwidth=int(_attribute(line, "BANDWIDTH")),
                average_bandwidth=int(_attribute(line, "AVERAGE-BANDWIDTH")),
                codecs=_attribute(line, "CODECS"),
                width=int(width),
                height=int(height),
                frame_rate=float(_attribute(line, "FRAME-RATE")),
                audio_group=_attribute(line, "AUDIO") if ",AUDIO=" in line else None,
            )
        )
    if not variants:
        raise ValueError("it has no variants")
    media = next((line for line in lines if line.startswith("#EXT-X-MEDIA:")), None)
    return Multivariant(variants=tuple(variants), audio_uri=_attribute(media, "URI") if media else None)


def _tag(lines: list[str], name: str) -> str:
    value = next((line.removeprefix(f"{name}:") for line in lines if line.startswith(f"{name}:")), None)
    if value is None:
        raise ValueError(f"it has no {name}")
    return value


def _attribute(line: str, name: str) -> str:
    match = re.search(rf'(?:^|[:,]){name}=(?:"([^"]*)"|([^,]*))', line)
    if match is None:
        raise ValueError(f"no {name} in {line!r}")
    return match[1] if match[1] is not None else match[2]
