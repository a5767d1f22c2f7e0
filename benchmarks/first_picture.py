"""How long a transcode takes from its process's start until the first picture has left an encoder.

The job says so itself, in its log. Sources are whole, as a warm disk holds them.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from threading import Timer

from benchmarks.ladder import (
    MEDIA,
    ROOT,
    contestant_environment,
    existing_file,
    our_command,
    planned_command,
    print_machine,
)

# PQ, 720x1280 and 1920x1080: its colours are mapped before anything is encoded.
HDR = ("a_hdr10-av1.mp4", "a_sample_with_colr_mdcv_and_clli.mp4")
RUNS = 5
DEADLINE_S = 60.0
LOG_LINE = "first_picture_encoded"
COMMANDS: dict[str, Callable[[Path, Path], Sequence[str]]] = {"old": our_command, "planned": planned_command}


def seconds_until_a_picture(source: Path, *, rungs: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = COMMANDS[rungs](source, Path(folder) / "output")
        start = time.perf_counter()
        with subprocess.Popen(
            command, env=contestant_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as job:
            assert job.stderr is not None
            deadline = Timer(DEADLINE_S, job.kill)
            deadline.start()
            try:
                for line in job.stderr:
                    if LOG_LINE in line:
                        return time.perf_counter() - start
            finally:
                deadline.cancel()
                job.terminate()
            raise SystemExit(f"{source}: no picture after {time.perf_counter() - start:.1f} s, exit code {job.wait()}")


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    sources = options.sources or [*sorted(MEDIA.glob("*.mp4")), *_hdr_sources()]
    if not sources:
        print(f"skipped: no sources in {MEDIA}")
        return 0
    print_machine("benchmarks.first_picture", arguments)
    print(f"{RUNS} runs\n\n| source | rungs | lowest s | median s |\n| --- | --- | ---: | ---: |")
    for source in sources:
        for rungs in COMMANDS:
            taken = sorted(seconds_until_a_picture(source, rungs=rungs) for _ in range(RUNS))
            print(f"| {source.name} | {rungs} | {taken[0]:.2f} | {median(taken):.2f} |", flush=True)
    return 0


def _hdr_sources() -> Iterator[Path]:
    corpus = ROOT.parent / "shared" / "corpus" / "real"
    return (corpus / name for name in HDR if (corpus / name).exists())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_picture", description=__doc__)
    parser.add_argument(
        "sources",
        nargs="*",
        type=existing_file,
        metavar="SOURCE",
        help=f"videos; by default all of {MEDIA}, and two in HDR",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
