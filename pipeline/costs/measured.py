"""What was measured of our own work: frozen figures of docs/benchmarks.md, which has machine, command and load of each.

A test compares them with that page. All are of CPUs: no GPU with NVENC was there to measure. With NVENC the encoding
leaves the vCPUs, and decoding and scaling stay; so what is said here of a machine with a GPU is rather too much.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

AS_OF: Final = date(2026, 11, 21)


@dataclass(frozen=True)
class Content:
    """The ladder of five rungs to 1080p: CPU seconds for a second of source, and kbit/s of all rungs together."""

    name: str
    row: str
    cpu_s_per_s: float
    rungs_kbps: tuple[int, ...]

    @property
    def output_gb_per_h(self) -> float:
        return (sum(self.rungs_kbps) + SOUND_KBPS) * 1000 / 8 * 3600 / 1e9


# One rendition of sound, beside those of pictures (pipeline/contracts/transcode.py, audio_bps).
SOUND_KBPS: Final = 128
LECTURE: Final = Content("lectures", "lecture-1080p30-60s", cpu_s_per_s=0.52, rungs_kbps=(70, 115, 169, 279, 441))
MOVING: Final = Content("moving", "motion-1080p25-20s", cpu_s_per_s=1.36, rungs_kbps=(467, 877, 1348, 2664, 5343))

# Of the vCPUs that a job has: 16.3 CPU seconds in 10.3 s on two (the ladder's table, the lecture).
BUSY_CPU_S: Final = 16.3
BUSY_WALL_S: Final = 10.3
BUSY_VCPUS: Final = 2
BUSY_SHARE: Final = BUSY_CPU_S / BUSY_WALL_S / BUSY_VCPUS

# Of a lecture of three hours: what is sent to the store, each an object.
SEGMENTS_OF_3_H: Final = 16_740
SEGMENTS_PER_H: Final = SEGMENTS_OF_3_H / 3

# Pages of 300 dpi in colour, the slowest that were measured, by one process.
SHEETS_ROW: Final = "2480x3508 colour"
SHEETS_PER_S: Final = 7.5


def real_time_factor(content: Content, *, vcpus: int) -> float:
    """How many seconds of source a machine of so many vCPUs makes in a second."""
    return vcpus * BUSY_SHARE / content.cpu_s_per_s
