"""Makes a short lecture of its own: slides that change, a pointer that moves, a frame counter, and a tone.

usage: python -m pipeline.media.lecture FILE.mp4

The counter and the tone's beat at each second show a viewer whether picture and sound are together.
"""

import math
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from pipeline.media.bitmap_font import GLYPH_HEIGHT, draw_text, text_width

Canvas = NDArray[np.uint8]
Colour = tuple[int, int, int]

WIDTH, HEIGHT, RATE = 1280, 720, 30
SLIDE_S = 5
AUDIO_RATE = 48_000
AUDIO_PACKET = 1024

PAPER: Colour = (250, 249, 245)
INK: Colour = (38, 43, 56)
FAINT: Colour = (218, 221, 228)
POINTER: Colour = (226, 62, 48)

# Title, colour of the bar, lines, and the curve on the right as coefficients of x^0, x^1, x^2 over -1..1.
SLIDES: tuple[tuple[str, Colour, tuple[str, ...], tuple[float, float, float]], ...] = (
    (
        "1. Linear functions",
        (32, 92, 168),
        ("y = ax + b", "a: how steep it is", "b: where it meets", "   the y axis", "", "a = 0.8   b = 0.1"),
        (0.1, 0.8, 0.0),
    ),
    (
        "2. Parabolas",
        (20, 128, 96),
        ("y = ax^2 + bx + c", "a > 0 opens upward", "a < 0 opens downward", "", "vertex at", "x = -b / 2a"),
        (-0.6, 0.0, 1.3),
    ),
    (
        "3. Where they meet",
        (150, 72, 140),
        ("set both equal:", "ax^2 + bx + c = 0", "", "d = b^2 - 4ac", "d > 0: two points", "d = 0: they touch"),
        (0.5, -0.3, -1.0),
    ),
    (
        "4. Your turn",
        (176, 96, 24),
        ("solve for x:", "x^2 - 5x + 6 = 0", "", "hint: which two", "numbers have sum 5", "and product 6?"),
        (0.2, 0.4, -0.7),
    ),
)

# A slow melody: one note a second, in Hz.
NOTES_HZ = (261.63, 329.63, 392.0, 329.63, 349.23, 440.0, 392.0, 293.66)


def make_lecture(path: Path, *, seconds: int = 20) -> None:
    """Write an MP4 (H.264, stereo AAC) of 1280x720 at 30 pictures a second; takes about a quarter of its length."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        video = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "20"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = container.add_stream("aac", rate=AUDIO_RATE, layout="stereo", format="fltp")
        sounds = _sounds(seconds)
        for number, canvas in enumerate(_pictures(seconds)):
            frame = VideoFrame.from_ndarray(canvas, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(video.encode(frame))
            # Sound is written as far as the picture is, so that a player finds both side by side.
            _encode_until(container, audio, sounds, until=(number + 1) * AUDIO_RATE // RATE)
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


def _pictures(seconds: int) -> Iterator[Canvas]:
    slides = [_slide(*slide) for slide in SLIDES]
    for number in range(seconds * RATE):
        time_s = number / RATE
        canvas = slides[int(time_s / SLIDE_S) % len(slides)].copy()
        _draw_pointer(canvas, time_s)
        _draw_counter(canvas, number)
        yield canvas


def _slide(title: str, colour: Colour, lines: tuple[str, ...], curve: tuple[float, float, float]) -> Canvas:
    canvas = np.full((HEIGHT, WIDTH, 3), PAPER, dtype=np.uint8)
    canvas[:104] = colour
    draw_text(canvas, title, x=56, y=34, scale=5, colour=PAPER)
    for row, line in enumerate(lines):
        draw_text(canvas, line, x=56, y=164 + row * 66, scale=4, colour=INK)
    _draw_curve(canvas[150:590, 720:1220], curve, colour)
    return canvas


def _draw_curve(area: Canvas, curve: tuple[float, float, float], colour: Colour) -> None:
    """Axes, a grid and the curve, over -1..1 both ways."""
    height, width, _ = area.shape
    area[:: height // 8, :] = FAINT
    area[:, :: width // 8] = FAINT
    area[height // 2 - 1 : height // 2 + 2, :] = INK
    area[:, width // 2 - 1 : width // 2 + 2] = INK
    rows, columns = np.mgrid[0:height, 0:width]
    x = columns / (width - 1) * 2 - 1
    y = 1 - rows / (height - 1) * 2
    constant, slope, bend = curve
    # Distance to the curve, straight up, corrected by how steep it is: a line of even thickness.
    distance = np.abs(constant + slope * x + bend * x * x - y) / np.sqrt(1 + (slope + 2 * bend * x) ** 2)
    cover = np.clip((0.014 - distance) / 0.005, 0, 1)[..., None]
    area[:] = (area * (1 - cover) + np.array(colour) * cover).astype(np.uint8)


def _draw_pointer(canvas: Canvas, time_s: float) -> None:
    """A dot that wanders over text and curve, resting for a moment as a hand does."""
    turn = time_s + 0.35 * math.sin(2 * math.pi * time_s)
    x, y = 640 + 480 * math.sin(0.55 * turn), 370 + 190 * math.sin(0.83 * turn + 1)
    left, top, radius = int(x) - 14, int(y) - 14, 11.0
    area = canvas[top : top + 29, left : left + 29]
    rows, columns = np.mgrid[0:29, 0:29]
    cover = np.clip(radius - np.hypot(columns + left - x, rows + top - y), 0, 1)[..., None] * 0.9
    area[:] = (area * (1 - cover) + np.array(POINTER) * cover).astype(np.uint8)


def _draw_counter(canvas: Canvas, number: int) -> None:
    text = f"{number // RATE:02}:{number % RATE:02}  {number:05}"
    width = text_width(text, 4)
    left, top = WIDTH - width - 72, HEIGHT - 76
    canvas[top - 14 : top + 4 * GLYPH_HEIGHT + 14, left - 18 : left + width + 18] = INK
    draw_text(canvas, text, x=left, y=top, scale=4, colour=PAPER)
    # A bar that fills within each second, and a square that is lit when the beat is heard.
    filled = (number % RATE + 1) * 400 // RATE
    canvas[top + 2 : top + 26, 56:456] = FAINT
    canvas[top + 2 : top + 26, 56 : 56 + filled] = INK
    if number % RATE < 3:
        canvas[top + 2 : top + 26, 472:496] = POINTER


def _sounds(seconds: int) -> Iterator[AudioFrame]:
    """Packets of soft notes, one a second, each beginning with a short beat."""
    for start in range(0, seconds * AUDIO_RATE, AUDIO_PACKET):
        samples = min(AUDIO_PACKET, seconds * AUDIO_RATE - start)
        time_s = (start + np.arange(samples)) / AUDIO_RATE
        second = time_s.astype(int)
        note_hz = np.array(NOTES_HZ)[second % len(NOTES_HZ)]
        into_s = time_s - second
        tone = 0.16 * np.sin(2 * np.pi * note_hz * time_s) * np.minimum(1, into_s / 0.02) * np.exp(-1.5 * into_s)
        beat = 0.25 * np.sin(2 * np.pi * 1000 * time_s) * (into_s < 0.1)
        wave = (tone + beat).astype(np.float32)
        frame = AudioFrame.from_ndarray(np.stack([wave, wave]), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE, start, Fraction(1, AUDIO_RATE)
        yield frame


def _encode_until(container: OutputContainer, audio: AudioStream, sounds: Iterator[AudioFrame], *, until: int) -> None:
    """Encode sound until sample `until` has been given to the encoder."""
    for frame in sounds:
        container.mux(audio.encode(frame))
        assert frame.pts is not None
        if frame.pts + frame.samples >= until:
            return


if __name__ == "__main__":
    make_lecture(Path(sys.argv[1]))
