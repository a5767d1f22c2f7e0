"""Whether memory grows with a source's length: the job on a lecture that is repeated until it lasts so many hours.

usage: python -m benchmarks.long_source [HOURS [SOURCE]]

Three hours take about one on two cores.
"""

import sys
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from math import ceil
from pathlib import Path

import av

from benchmarks.ladder import MEDIA, contestant_environment, our_command
from benchmarks.process_cost import run_measured

DEFAULT_HOURS = 3.0


def repeat(source: Path, target: Path, *, lasts_s: float) -> None:
    """Copy the packets of all tracks again and again, without coding them anew."""
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


def main(arguments: Sequence[str]) -> int:
    hours = float(arguments[0]) if arguments else DEFAULT_HOURS
    source = Path(arguments[1]) if len(arguments) > 1 else next(iter(sorted(MEDIA.glob("lecture*.mp4"))), None)
    if source is None:
        print(f"skipped: no lecture in {MEDIA}")
        return 0
    print("| source s | wall s | CPU s | peak MiB |\n| ---: | ---: | ---: | ---: |")
    for lasts_s in (60.0, hours * 3600):
        with tempfile.TemporaryDirectory() as folder:
            long = Path(folder) / "source.mp4"
            repeat(source, long, lasts_s=lasts_s)
            cost = run_measured(our_command(long, Path(folder) / "output"), environment=contestant_environment())
        print(f"| {lasts_s:.0f} | {cost.wall_s:.1f} | {cost.cpu_s:.1f} | {cost.peak_mib:.0f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
