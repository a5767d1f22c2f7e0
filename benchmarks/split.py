"""What an array costs and gains: a lecture by one job, and by children and a join job, with one or two workers.

usage: python -m benchmarks.split [SECONDS [SOURCE]]

The lecture is repeated until it lasts SECONDS (default 120). Children and join are processes of their own, as an
executor starts them, by hand. Prints a Markdown table: wall and CPU seconds, how much more CPU time than by one job,
how much of that each child has caused, and what it would be of the default's parts.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ladder import MEDIA, contestant_environment, print_machine
from benchmarks.long_source import repeat
from pipeline.contracts.transcode_part import PART_NAME
from pipeline.execution.job_environment import ARRAY_INDEX
from pipeline.execution.job_program import source_of_file
from pipeline.settings import Settings

DEFAULT_S = 120.0
DEADLINE_S = 3600.0
PARTS = 2
WORKERS = (1, 2)


@dataclass(frozen=True)
class Row:
    wall_s: float
    cpu_s: float


def by_one_job(source: Path, folder: Path) -> None:
    _run(source, folder, {})


def by_an_array(source: Path, folder: Path, *, parts: int, workers: int) -> None:
    folder.mkdir()
    made = [folder / f"part-{part}" for part in range(parts)]
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda part: _run(source, made[part], {"parts": parts}, part=part), range(parts)))
    archives = [source_of_file(path / PART_NAME).model_dump() for path in made]
    _run(source, folder / "joined", {"made": archives})


def _run(source: Path, folder: Path, fields: dict[str, object], *, part: int | None = None) -> None:
    spec = folder.with_suffix(".json")
    spec.write_text(json.dumps(fields))
    index = {ARRAY_INDEX: str(part)} if part is not None else {}
    subprocess.run(
        [sys.executable, "-m", "jobs.transcode", str(source), str(folder), "--spec", str(spec)],
        env={**contestant_environment(), **index},
        stderr=subprocess.DEVNULL,
        timeout=DEADLINE_S,
        check=True,
    )


def measure(source: Path, *, parts: int, workers: int) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        began, before = time.monotonic(), os.times()
        if parts == 1:
            by_one_job(source, output)
        else:
            by_an_array(source, output, parts=parts, workers=workers)
        after = os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return Row(time.monotonic() - began, cpu_s)


def main(arguments: Sequence[str]) -> int:
    lasts_s = float(arguments[0]) if arguments else DEFAULT_S
    source = Path(arguments[1]) if len(arguments) > 1 else next(iter(sorted(MEDIA.glob("lecture*.mp4"))), None)
    if source is None:
        print(f"skipped: no lecture in {MEDIA}")
        return 0
    print_machine("benchmarks.split", arguments)
    default_s = Settings.model_fields["split_part_s"].default
    print(f"| jobs | workers | wall s | CPU s | more than one job | CPU s a part | more, in parts of {default_s:g} s |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        long = Path(folder) / "source.mp4"
        repeat(source, long, lasts_s=lasts_s)
        whole = measure(long, parts=1, workers=1)
        print(f"| one | 1 | {whole.wall_s:.1f} | {whole.cpu_s:.1f} | | | |", flush=True)
        for workers in WORKERS:
            row = measure(long, parts=PARTS, workers=workers)
            # What does not grow with a part's length: its start, its look at the source, and its share of the join.
            each_s = (row.cpu_s - whole.cpu_s) / PARTS
            figures = f"{row.wall_s:.1f} | {row.cpu_s:.1f} | {row.cpu_s / whole.cpu_s - 1:+.1%} | {each_s:.2f}"
            usual = each_s / (whole.cpu_s * default_s / lasts_s)
            print(f"| {PARTS} children, join | {workers} | {figures} | {usual:+.1%} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
