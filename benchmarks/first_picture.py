"""How long a transcode takes from its process's start until pictures are encoded.

The job gets the first second of each source, packets as they are. What is timed lasts until its first segment is in a
file: all pictures of that second, in the smallest rendition to be done, so the first of them came earlier than that.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import av

from benchmarks.ladder import MEDIA, chosen_sources, contestant_environment, our_command, print_machine

RUNS = 5
DEADLINE_S = 60.0


def cut_first_second(source: Path, target: Path) -> None:
    with av.open(str(source)) as whole, av.open(str(target), "w") as piece:
        video = whole.streams.video[0]
        track = piece.add_stream_from_template(video)
        for packet in whole.demux(video):
            if packet.pts is None or packet.time_base is None or packet.pts * packet.time_base >= 1:
                break
            packet.stream = track
            piece.mux(packet)


def seconds_until_a_segment(source: Path) -> float:
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder) / "scratch"
        scratch.mkdir()
        command = our_command(source, Path(folder) / "output")
        environment = contestant_environment() | {"JOB_SCRATCH": str(scratch)}
        start = time.perf_counter()
        job = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not any(scratch.rglob("*.m4s")):
                elapsed = time.perf_counter() - start
                if elapsed > DEADLINE_S or job.poll() is not None:
                    raise SystemExit(f"{source}: no segment after {elapsed:.1f} s, exit code {job.poll()}")
                time.sleep(0.002)
            return time.perf_counter() - start
        finally:
            job.terminate()
            job.wait(DEADLINE_S)


def main(arguments: Sequence[str]) -> int:
    sources = chosen_sources("benchmarks.first_picture", __doc__, arguments)
    if not sources:
        print(f"skipped: no sources in {MEDIA}")
        return 0
    print_machine("benchmarks.first_picture", arguments)
    print(f"{RUNS} runs\n\n| source | lowest s | median s |\n| --- | ---: | ---: |")
    for source in sources:
        with tempfile.TemporaryDirectory() as folder:
            piece = Path(folder) / "piece.mp4"
            cut_first_second(source, piece)
            taken = sorted(seconds_until_a_segment(piece) for _ in range(RUNS))
        print(f"| {source.name} | {taken[0]:.2f} | {median(taken):.2f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
