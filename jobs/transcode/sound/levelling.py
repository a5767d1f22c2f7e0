"""Applies a gain to packets of sound, and holds peaks below a ceiling."""

from collections.abc import Iterator, Sequence

import numpy as np

# -1.5 dB of full scale: AAC rounds peaks up to half a decibel higher, and R128 asks for -1 dB at most.
CEILING = 10 ** (-1.5 / 20)

Sound = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


class Levelling:
    """A gain with a limiter that looks one packet ahead.

    Where a packet would pass the ceiling, it is turned down as a whole, and its neighbours bend towards it: no sample
    is clipped, and nothing is turned down at once. What comes out is one packet later than what goes in.
    """

    def __init__(self, gain_db: float) -> None:
        self._gain = 10 ** (gain_db / 20)
        self._waiting: Sound | None = None
        self._share = 1.0
        self._before = 1.0

    def push(self, packet: Sequence[bytes]) -> Iterator[list[bytes]]:
        """A packet has one plane of 32-bit floats for each channel."""
        louder = np.stack([np.frombuffer(plane, np.float32) for plane in packet]) * np.float32(self._gain)
        peak = float(np.abs(louder).max())
        share = min(1.0, CEILING / peak) if peak > 0 else 1.0
        if self._waiting is not None:
            yield self._bend(self._waiting, following=share)
        self._before, self._share, self._waiting = self._share, share, louder

    def flush(self) -> Iterator[list[bytes]]:
        if self._waiting is not None:
            yield self._bend(self._waiting, following=self._share)
            self._waiting = None

    def _bend(self, packet: Sound, *, following: float) -> list[bytes]:
        """From the lower of this packet's share and the one before to the lower of this one and the next."""
        start, end = min(self._before, self._share), min(self._share, following)
        if start < 1 or end < 1:
            packet = packet * np.linspace(start, end, packet.shape[1], dtype=np.float32)
        return [row.tobytes() for row in packet]
