"""What encoding in parts costs and gains: the job on a lecture, whole and in parts, with one process at a time or two.

usage: python -m benchmarks.split [SECONDS [SOURCE]]

The lecture is repeated until it lasts SECONDS (default 120). Prints a Markdown table: the job's wall and CPU seconds,
how much more CPU time it takes than the whole, peak memory of all processes, and wall seconds of encoding and checking.
"""

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ladder import MEDIA, contestant_environment, print_machine
from benchmarks.long_source import repeat
from benchmarks.process_cost import Cost, run_measured

DEFAULT_S = 120.0
# Parts, and processes at a time.
WAYS = ((1, 1), (2, 1), (4, 1), (2, 2), (4, 2))


@dataclass(frozen=True)
class Row:
    """`steps_s` are the job's own wall seconds by step."""

    parts: int
    workers: int
    cost: Cost
    steps_s: dict[str, float]


def measure(source: Path, parts: int, workers: int, *, lasts_s: float) -> Row:
    """With the ladder that a plan chooses; `parts` of 1 is the whole."""
    with tempfile.TemporaryDirectory() as folder:
        output, spec = Path(folder) / "output", Path(folder) / "spec.json"
        # A round count of parts, whatever the source lasts to the millisecond.
        split = {"above_s": 0, "part_s": lasts_s / parts, "workers": workers}
        spec.write_text(json.dumps({"split": split}))
        command = [sys.executable, "-m", "jobs.transcode", str(source), str(output), "--spec", str(spec)]
        cost = run_measured(command, environment=contestant_environment())
        outcome = json.loads((output / "outcome.json").read_text())
    return Row(parts, workers, cost, {step["name"]: step["seconds"] for step in outcome["steps"]})


def main(arguments: Sequence[str]) -> int:
    lasts_s = float(arguments[0]) if arguments else DEFAULT_S
    source = Path(arguments[1]) if len(arguments) > 1 else next(iter(sorted(MEDIA.glob("lecture*.mp4"))), None)
    if source is None:
        print(f"skipped: no lecture in {MEDIA}")
        return 0
    print_machine("benchmarks.split", arguments)
    print("| parts | processes at a time | wall s | CPU s | more than whole | peak MiB | encoding s | checking s |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        long = Path(folder) / "source.mp4"
        repeat(source, long, lasts_s=lasts_s)
        whole_cpu_s = 0.0
        for parts, workers in WAYS:
            row = measure(long, parts, workers, lasts_s=lasts_s)
            whole_cpu_s = whole_cpu_s or row.cost.cpu_s
            figures = f"{row.cost.wall_s:.1f} | {row.cost.cpu_s:.1f} | {row.cost.cpu_s / whole_cpu_s - 1:+.1%}"
            steps = f"{row.steps_s['transcoding']:.1f} | {row.steps_s['validating']:.1f}"
            print(f"| {parts} | {workers} | {figures} | {row.cost.peak_mib:.0f} | {steps} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
