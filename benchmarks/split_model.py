"""How long a lecture of three hours would take over sixty children of an array job, from what its steps cost here.

usage: python -m benchmarks.split_model [SECONDS [SOURCE]]

Every step of children and join is run on a lecture of SECONDS (default 120) and its CPU seconds are taken, which other
work on the machine changes far less than wall time; the probe is run on three hours. What is sent and fetched is
counted at stated bandwidths. The arithmetic is printed with its result.
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
from jobs.transcode.archive import MadePart, pack, segments_of, unpack
from jobs.transcode.difficulty import measure_difficulty
from jobs.transcode.encode import encode, encode_sound_alone
from jobs.transcode.job import write_playlists
from jobs.transcode.join_job import AT_ONCE
from jobs.transcode.joining import join
from jobs.transcode.ladder import sides_to_judge
from jobs.transcode.measure import measure_audio, measure_iframes, measure_renditions
from jobs.transcode.parts import cut
from jobs.transcode.plan import plan_transcode
from jobs.transcode.planning import PROBE_TIMEOUT_S
from jobs.transcode.playlists import write_master
from jobs.transcode.thumbnail import draw_stills
from jobs.transcode.verify import verify
from pipeline.contracts.devices import DeviceWish
from pipeline.contracts.transcode import Source, TranscodeLimits, TranscodeSpec
from pipeline.execution.publisher import THREADS
from pipeline.media.probe import ProbeLimits, probe_file

DEFAULT_S = 120.0
LECTURE_S = 3 * 3600.0
CHILDREN = 60
# Of two cores a job of this kind keeps so many busy: CPU by wall seconds of "ours" on the lecture, docs/benchmarks.md.
CORES_BUSY = 1.5
TARGET_S = 240.0

# Taken for a machine in the store's own region: bytes a second of all its connections together, and a small PUT.
STORE_BYTES_S = 100e6
PUT_S = 0.03
# At once, by the join: parts, and PUTs of each.
PUTS_AT_ONCE = AT_ONCE * THREADS
# A camera's recording; the lecture here is a screen's, of a quarter of that.
SOURCE_BPS = 1_500_000

Result = TypeVar("Result")


class Costs:
    """CPU seconds by step, of this process and of all its children; what is written, in bytes and objects."""

    def __init__(self) -> None:
        self.cpu_s: dict[str, float] = {}
        self.out_bytes = 0
        self.objects = 0

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
    three_hours = output.parent / "three-hours.mp4"
    repeat(source, three_hours, lasts_s=LECTURE_S)
    costs.take("probe of three hours", lambda: probe_file(three_hours, ProbeLimits(timeout_s=PROBE_TIMEOUT_S)))
    three_hours.unlink()
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
    made = [
        MadePart(plan=plan, part=part, report=report, sound=sound if part is parts[0] else None)
        for part, report in zip(parts, reports, strict=True)
    ]
    archives = [output.parent / f"part-{number}.tar" for number in range(len(made))]
    costs.take("packing", lambda: _pack_all(made, output, archives))
    costs.out_bytes = sum(archive.stat().st_size for archive in archives)
    costs.take("unpacking", lambda: [unpack(archive, output) for archive in archives])
    written = join(reports, sound)
    costs.objects = sum(len(segments_of(one)) for one in made)
    renditions = measure_renditions(plan, written)
    master = write_master(renditions, measure_audio(plan, written), measure_iframes(plan, written))
    costs.take("playlists", lambda: write_playlists(output, written, master))
    costs.take("rules", lambda: verify(plan, parts, output=output, source_s=plan.source_s, limits=limits))
    costs.take("stills", lambda: draw_stills(written.renditions, renditions, output=output, limits=limits))
    return costs


def _pack_all(made: Sequence[MadePart], output: Path, archives: Sequence[Path]) -> None:
    for one, archive in zip(made, archives, strict=True):
        pack(one, output, archive)


def _ignore(_done: float) -> None:
    """Nobody looks."""


def print_model(costs: Costs, *, measured_s: float) -> None:
    times = LECTURE_S / measured_s
    cpu_s = costs.cpu_s
    fetch_s = SOURCE_BPS * LECTURE_S / 8 / STORE_BYTES_S
    plan_s = cpu_s["probe of three hours"] + cpu_s["samples"]
    part_s = cpu_s["pictures, part 2 of 2"] * (LECTURE_S / CHILDREN) / (measured_s / 2) / CORES_BUSY
    sound_s = cpu_s["sound"] * times
    out_s = costs.out_bytes * times / STORE_BYTES_S
    pack_s = cpu_s["packing"] * times / CHILDREN + out_s / CHILDREN
    unpack_s = cpu_s["unpacking"] * times
    puts_s = costs.objects * times * PUT_S / PUTS_AT_ONCE
    check_s = cpu_s["rules"] * times
    stills_s = cpu_s["stills"] * 2
    lines = {
        f"every child fetches the source, {SOURCE_BPS * LECTURE_S / 8e9:.1f} GB": fetch_s,
        f"and plans: {cpu_s['probe of three hours']:.2f} for reading all packets + {cpu_s['samples']:.2f}": plan_s,
        f"the longer of its {LECTURE_S / CHILDREN:.0f} s of pictures over {CORES_BUSY} busy cores, {part_s:.0f} s, "
        f"and, in the first, of all sound on another: {cpu_s['sound']:.2f} x {times:.0f}": max(part_s, sound_s),
        "packs and sends them": pack_s,
        f"the join fetches {costs.out_bytes * times / 1e9:.1f} GB": out_s,
        f"and unpacks them: {cpu_s['unpacking']:.2f} x {times:.0f}": unpack_s,
        f"sends {costs.objects * times:.0f} segments on, {PUTS_AT_ONCE} at a time: the longer of {out_s:.0f} s for "
        f"their bytes and {puts_s:.0f} s for {PUT_S * 1000:.0f} ms each": max(out_s, puts_s),
        f"checks rules and boxes: {cpu_s['rules']:.2f} x {times:.0f}": check_s,
        "draws stills, for twice as many tiles": stills_s,
    }
    print(f"\n{LECTURE_S / 3600:g} h, {CHILDREN} children, {STORE_BYTES_S / 1e6:.0f} MB/s each, wall seconds:\n")
    for what, seconds in lines.items():
        print(f"- {what}: {seconds:.0f}")
    print(f"- in all {sum(lines.values()):.0f} s; the target is {TARGET_S:.0f} s, without start-up")
    child_cpu_s = plan_s + part_s * CORES_BUSY
    print(f"- of a child's {child_cpu_s:.0f} CPU s {plan_s / child_cpu_s:.1%} are for a plan that all of them make")


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
