"""How long a lecture of three hours would take over sixty children of an array job, from what its steps cost here.

usage: python -m benchmarks.split_model [SECONDS [SOURCE]]

Every step of the job is run on a lecture of SECONDS (default 120) and its CPU seconds are taken, which other work on
the machine changes far less than wall time. The arithmetic is printed with its result.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import TypeVar

from benchmarks.ladder import MEDIA, print_machine
from benchmarks.long_source import repeat
from jobs.transcode.difficulty import measure_difficulty
from jobs.transcode.encode import encode, encode_sound_alone
from jobs.transcode.job import write_playlists
from jobs.transcode.joining import join
from jobs.transcode.ladder import sides_to_judge
from jobs.transcode.measure import measure_audio, measure_iframes, measure_renditions
from jobs.transcode.parts import cut
from jobs.transcode.plan import plan_transcode
from jobs.transcode.playlists import write_master
from jobs.transcode.thumbnail import draw_stills
from jobs.transcode.verify import verify
from pipeline.contracts.devices import DeviceWish
from pipeline.contracts.transcode import Source, TranscodeLimits, TranscodeSpec
from pipeline.media.probe import ProbeLimits, probe_file

DEFAULT_S = 120.0
LECTURE_S = 3 * 3600.0
CHILDREN = 60
# Of two cores a job of this kind keeps so many busy: CPU by wall seconds of "ours" on the lecture, docs/benchmarks.md.
CORES_BUSY = 1.5
TARGET_S = 240.0

Result = TypeVar("Result")


class Costs:
    """CPU seconds by step, of this process and of all its children."""

    def __init__(self) -> None:
        self.cpu_s: dict[str, float] = {}

    def take(self, step: str, work: Callable[[], Result]) -> Result:
        before, began = _cpu_s(), time.monotonic()
        result = work()
        self.cpu_s[step] = _cpu_s() - before
        print(f"| {step} | {self.cpu_s[step]:.2f} | {time.monotonic() - began:.1f} |", flush=True)
        return result


def _cpu_s() -> float:
    return sum(usage.ru_utime + usage.ru_stime for usage in map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN)))


def measure(source: Path, output: Path) -> Costs:
    """Two parts: the second one's costs are those of a child that has to find its place first."""
    costs, limits = Costs(), TranscodeLimits()
    asked = Source(url=source.as_uri(), etag=None, size_bytes=source.stat().st_size, filename=source.name)
    spec = TranscodeSpec(video_id="benchmark", source=asked)
    facts = costs.take("probe", lambda: probe_file(source, ProbeLimits()))
    sides = sides_to_judge(spec.ladder, facts.video)
    judged = costs.take("samples", lambda: measure_difficulty(source, facts.video, sides=sides, limits=limits))
    plan = plan_transcode(spec, facts, judged)
    parts = cut(plan, 2)
    reports = [
        costs.take(
            f"pictures, part {number} of 2",
            lambda part=part: encode(  # type: ignore[misc]
                plan, part, source=source, output=output, devices=DeviceWish(), limits=limits, progress=_ignore
            ),
        )
        for number, part in enumerate(parts, start=1)
    ]
    sound = costs.take(
        "sound", lambda: encode_sound_alone(plan, source=source, output=output, limits=limits, progress=_ignore)
    )
    written = join(reports, sound)
    renditions = measure_renditions(plan, written)
    master = write_master(renditions, measure_audio(plan, written), measure_iframes(plan, written))
    costs.take("playlists", lambda: write_playlists(output, written, master))
    costs.take("rules", lambda: verify(plan, parts, output=output, source_s=plan.source_s, limits=limits))
    costs.take("stills", lambda: draw_stills(written.renditions, renditions, output=output, limits=limits))
    return costs


def _ignore(_done: float) -> None:
    """Nobody looks."""


def print_model(costs: Costs, *, measured_s: float) -> None:
    times = LECTURE_S / measured_s
    cpu_s = costs.cpu_s
    plan_s = cpu_s["probe"] * times + cpu_s["samples"]
    part_s = cpu_s["pictures, part 2 of 2"] * (LECTURE_S / CHILDREN) / (measured_s / 2) / CORES_BUSY
    sound_s = cpu_s["sound"] * times
    check_s = cpu_s["rules"] * times
    stills_s = cpu_s["stills"] * 2
    print(f"\n{LECTURE_S / 3600:g} h, {CHILDREN} children of two cores and one for the sound, wall seconds:\n")
    print(f"- plan: {cpu_s['probe']:.2f} x {times:.0f} for reading all packets + {cpu_s['samples']:.2f} = {plan_s:.0f}")
    child_s = LECTURE_S / CHILDREN
    print(f"- a child's {child_s:.0f} s of pictures, encoded and checked, over {CORES_BUSY} busy cores: {part_s:.0f}")
    print(f"- the sound, on one core, beside them: {cpu_s['sound']:.2f} x {times:.0f} = {sound_s:.0f}")
    print(f"- rules, checked by the join job on one core: {cpu_s['rules']:.2f} x {times:.0f} = {check_s:.0f}")
    print(f"- stills: as measured, twice for more tiles: {stills_s:.0f}")
    total_s = plan_s + max(part_s, sound_s) + check_s + stills_s
    print(f"- in all {total_s:.0f} s")
    print(f"- the target is {TARGET_S:.0f} s, without start-up; sending and fetching come on top")


def main(arguments: Sequence[str]) -> int:
    lasts_s = float(arguments[0]) if arguments else DEFAULT_S
    source = Path(arguments[1]) if len(arguments) > 1 else next(iter(sorted(MEDIA.glob("lecture*.mp4"))), None)
    if source is None:
        print(f"skipped: no lecture in {MEDIA}")
        return 0
    print_machine("benchmarks.split_model", arguments)
    print("| step | CPU s | wall s |\n| --- | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        long, output = Path(folder) / "source.mp4", Path(folder) / "output"
        output.mkdir()
        repeat(source, long, lasts_s=lasts_s)
        print_model(measure(long, output), measured_s=lasts_s)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
