"""`make bench`: the old ladder command and our job, side by side, on the sources beside the repository.

Prints a Markdown table: wall and CPU seconds, peak memory of all processes, bytes of video, VMAF per rung.
"""

import argparse
import json
import os
import platform
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import imageio_ffmpeg
import psutil

from benchmarks.picture_quality import measure_vmaf
from benchmarks.process_cost import Cost, run_measured
from pipeline.media.facts import SourceFacts
from pipeline.media.probe import ProbeLimits, probe_file

ROOT = Path(__file__).parents[1]
MEDIA = ROOT.parent / "shared" / "media"
OLD_LADDER = ROOT.parent / "shared" / "bench" / "old_ladder.sh"
# Short sides (px) and rates (bit/s) in that command.
OLD_RUNGS = ((240, 400_000), (360, 800_000), (720, 2_500_000))


@dataclass(frozen=True)
class Contestant:
    """A way to make a ladder: the command for (source, output folder)."""

    name: str
    command: Callable[[Path, Path], Sequence[str]]


def contestants() -> Iterator[Contestant]:
    programs = {"imageio-ffmpeg": imageio_ffmpeg.get_ffmpeg_exe()}
    system = shutil.which("ffmpeg")
    if system is not None:
        programs["system ffmpeg"] = system
    for name, program in programs.items():
        yield Contestant(f"old ladder, {name}", _old_ladder(program))
    yield Contestant("ours", our_command)


def our_command(source: Path, output: Path) -> Sequence[str]:
    """With the rungs of the old ladder, whatever a plan would choose."""
    spec = output.with_suffix(".json")
    rungs = [{"name": f"{side}p", "short_side_px": side, "video_bps": bps} for side, bps in OLD_RUNGS]
    spec.write_text(json.dumps({"ladder": rungs}))
    return [*planned_command(source, output), "--spec", str(spec)]


def planned_command(source: Path, output: Path) -> Sequence[str]:
    """With the rungs that the job plans for the source."""
    return [sys.executable, "-m", "jobs.transcode", str(source), str(output)]


def _old_ladder(program: str) -> Callable[[Path, Path], Sequence[str]]:
    return lambda source, output: ["bash", str(OLD_LADDER), program, str(source), str(output)]


@dataclass(frozen=True)
class Row:
    """`quality` is VMAF per rung, small to large; `video_bytes` and `all_bytes` are of the output folder."""

    contestant: str
    cost: Cost
    all_bytes: int
    quality: tuple[float, ...]


def contestant_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}


def run(contestant: Contestant, source: Path, facts: SourceFacts) -> Row:
    environment = contestant_environment()
    if facts.audio is None:
        environment["NO_AUDIO"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        cost = run_measured(contestant.command(source, output), environment=environment)
        rate = f"{facts.video.rate_num}/{facts.video.rate_den}"
        size = (facts.video.coded_width, facts.video.coded_height)
        return Row(
            contestant=contestant.name,
            cost=cost,
            all_bytes=sum(path.stat().st_size for path in output.rglob("*") if path.suffix in (".ts", ".m4s", ".mp4")),
            quality=tuple(
                measure_vmaf(playlist, source, size=size, rate=rate)
                for playlist in sorted(output.glob("v*/index.m3u8"))
            ),
        )


def print_machine(module: str, arguments: Sequence[str]) -> None:
    """When, where and with which command the figures below were measured."""
    memory_gib = psutil.virtual_memory().total / 2**30
    command = shlex.join(["python", "-m", module, *arguments])
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({_processor()}), {memory_gib:.0f} GiB, ", end="")
    print(f"load average {os.getloadavg()[0]:.1f}, Python {platform.python_version()}; `{command}`\n", flush=True)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def print_rows(source: Path, facts: SourceFacts, rows: Sequence[Row]) -> None:
    video = facts.video
    rate = float(video.rate)
    print(f"**{source.name}** ({video.coded_width}x{video.coded_height}, {rate:g} fps, {facts.duration_s:.0f} s)\n")
    print("| | wall s | CPU s | peak MiB | MB | VMAF per rung |")
    print("| --- | ---: | ---: | ---: | ---: | --- |")
    for row in rows:
        quality = " / ".join(f"{value:.1f}" for value in row.quality)
        cost = row.cost
        figures = f"{cost.wall_s:.1f} | {cost.cpu_s:.1f} | {cost.peak_mib:.0f} | {row.all_bytes / 1e6:.2f}"
        print(f"| {row.contestant} | {figures} | {quality} |")
    print(flush=True)


def main(arguments: Sequence[str]) -> int:
    sources = chosen_sources("benchmarks.ladder", __doc__, arguments)
    if not sources or not OLD_LADDER.exists():
        print(f"skipped: no sources in {MEDIA} or no {OLD_LADDER}")
        return 0
    print_machine("benchmarks.ladder", arguments)
    for source in sources:
        facts = probe_file(source, ProbeLimits())
        print_rows(source, facts, [run(contestant, source, facts) for contestant in contestants()])
    return 0


def chosen_sources(module: str, description: str | None, arguments: Sequence[str]) -> list[Path]:
    """The videos of a command line; without any, all of those beside the repository."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument(
        "sources", nargs="*", type=existing_file, metavar="SOURCE", help=f"videos; by default all of {MEDIA}"
    )
    sources: list[Path] = parser.parse_args(arguments).sources
    return sources or sorted(MEDIA.glob("*.mp4"))


def existing_file(argument: str) -> Path:
    """An argument's type: the path of a file that is there."""
    path = Path(argument)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{argument} is not a file")
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
