"""Whether memory and scratch disk grow with a source's length: the job on a lecture that is repeated until it lasts.

The lecture's packets are copied, not coded anew, so that the source is made in seconds. Memory is that of the whole
tree of processes, sampled four times a second; the disk's peak is that of the folder which holds source, scratch and
output, and is compared with the bytes of source and finished output.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from math import ceil
from pathlib import Path

import av

from benchmarks.disk_use import DiskUse, bytes_below
from benchmarks.ladder import MEDIA, contestant_environment, existing_file, our_command, planned_command, print_machine
from benchmarks.process_cost import Cost, run_measured

DEFAULT_MINUTES = 180.0
# What a longer source is compared with.
SHORT_S = 60.0
SAMPLE_EVERY_S = 0.25
LOOK_AT_DISK_EVERY_S = 2.0
# Of a job on one slow core; only one that hangs takes longer.
LONGEST_TIMES_DURATION = 4
PARTS = 10


def repeat(source: Path, target: Path, *, lasts_s: float) -> None:
    """Copy the packets of the first video and sound track again and again, for at least so many seconds."""
    with av.open(str(target), "w", format="mp4") as output:
        with av.open(str(source)) as once:
            assert once.duration is not None
            # A moment between repetitions, so that no track overlaps itself.
            length_s = Fraction(once.duration + 100_000, 1_000_000)
            tracks = [once.streams.video[0], *once.streams.audio[:1]]
            copies = {track.index: output.add_stream_from_template(track) for track in tracks}
        for number in range(ceil(lasts_s / length_s)):
            with av.open(str(source)) as once:
                for packet in once.demux(*(once.streams[index] for index in copies)):
                    if packet.dts is None or packet.pts is None:
                        continue
                    later = round(number * length_s / packet.time_base)
                    packet.pts, packet.dts = packet.pts + later, packet.dts + later
                    packet.stream = copies[packet.stream_index]
                    output.mux(packet)


def measure(source: Path, *, lasts_s: float, rungs: str) -> None:
    """Print a row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        long, output = Path(folder) / "source.mp4", Path(folder) / "output"
        repeat(source, long, lasts_s=lasts_s)
        source_bytes = long.stat().st_size
        command = planned_command(long, output) if rungs == "planned" else our_command(long, output)
        with DiskUse(Path(folder), every_s=LOOK_AT_DISK_EVERY_S) as disk:
            cost = run_measured(
                command,
                environment=contestant_environment(),
                sample_every_s=SAMPLE_EVERY_S,
                deadline_s=max(600.0, LONGEST_TIMES_DURATION * lasts_s),
            )
        outcome = json.loads((output / "outcome.json").read_text())
        print_row(outcome, cost, source_bytes=source_bytes, output_bytes=bytes_below(output), disk=disk.peak_bytes)


def print_header() -> None:
    names = (
        "source s",
        "rungs",
        "wall s",
        "CPU s",
        "peak MiB",
        "in each tenth of the time",
        "disk MB",
        "of source + output",
    )
    print(f"| {' | '.join(names)} |\n| ---: | --- | ---: | ---: | ---: | --- | ---: | ---: |")


def print_row(outcome: dict[str, object], cost: Cost, *, source_bytes: int, output_bytes: int, disk: int) -> None:
    renditions = outcome["renditions"]
    assert isinstance(renditions, list)
    cells = (
        f"{outcome['duration_s']:.0f}",
        " ".join(str(rendition["name"]) for rendition in renditions),
        f"{cost.wall_s:.0f}",
        f"{cost.cpu_s:.0f}",
        f"{cost.peak_mib:.0f}",
        " ".join(f"{peak:.0f}" for peak in cost.peaks_mib(PARTS)),
        f"{disk / 1e6:.1f}",
        f"{disk / (source_bytes + output_bytes):.3f}",
    )
    print(f"| {' | '.join(cells)} |", flush=True)


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    source = options.source or next(iter(sorted(MEDIA.glob("lecture*.mp4"))), None)
    if source is None:
        print(f"skipped: no lecture in {MEDIA}")
        return 0
    print_machine("benchmarks.long_source", arguments)
    print_header()
    for lasts_s in (SHORT_S, 60 * options.minutes):
        measure(source, lasts_s=lasts_s, rungs=options.rungs)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.long_source", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=DEFAULT_MINUTES, help="of the long source, %(default)g by default"
    )
    parser.add_argument("--source", type=existing_file, metavar="FILE", help=f"default: a lecture in {MEDIA}")
    parser.add_argument(
        "--rungs",
        choices=("planned", "old"),
        default="planned",
        help="those that the job plans for the source, or the three of the old ladder; default: %(default)s",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
