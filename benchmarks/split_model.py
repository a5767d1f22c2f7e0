"""How long a lecture of three hours would take over sixty children of an array job, from what its steps cost here.

usage: python -m benchmarks.split_model [SECONDS [SOURCE]]

Every step of children and join is run on 60 s and on SECONDS (default 120) of a lecture and its CPU seconds are taken,
which other work on the machine changes far less than wall time: what is between the two grows with the length, the rest
is a process's start. The probe is run on three hours. What is sent and fetched is counted at stated bandwidths. The
arithmetic is printed with its result.
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
from jobs.transcode.encoding.encode import encode, encode_sound_alone
from jobs.transcode.hls.playlists import write_master
from jobs.transcode.job import write_playlists
from jobs.transcode.measuring.renditions import measure_audio, measure_iframes, measure_renditions
from jobs.transcode.parts.archive import MadePart, pack, segments_of, unpack
from jobs.transcode.parts.cutting import cut
from jobs.transcode.parts.join_job import AT_ONCE
from jobs.transcode.parts.joining import join
from jobs.transcode.planning.difficulty import measure_difficulty
from jobs.transcode.planning.ladder import sides_to_judge
from jobs.transcode.planning.plan import plan_transcode
from jobs.transcode.planning.plan_source import PROBE_TIMEOUT_S
from jobs.transcode.sound.loudness import level_sound
from jobs.transcode.stills.thumbnail import draw_stills
from jobs.transcode.verify.verify import verify
from pipeline.contracts.devices import DeviceWish
from pipeline.contracts.transcode import Source, TranscodeLimits, TranscodeSpec
from pipeline.execution.files.publisher import THREADS
from pipeline.media.probe import ProbeLimits, probe_file

# The lecture once.
SHORT_S = 60.0
DEFAULT_S = 120.0
LECTURE_S = 3 * 3600.0
CHILDREN = 60
# Of two cores a job of this kind keeps so many busy: CPU by wall seconds of "ours" on the lecture, docs/benchmarks.md.
CORES_BUSY = 1.5
TARGET_S = 240.0

# What is ordered where sound is levelled at all; not the default.
LOUDNESS_LUFS = -16.0

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
    levelled = costs.take(
        "loudness", lambda: level_sound(plan, target_lufs=LOUDNESS_LUFS, source=source, limits=limits)
    )
    costs.take(
        "sound, levelled",
        lambda: encode_sound_alone(
            levelled, source=source, output=output / "levelled", limits=limits, progress=_ignore
        ),
    )
    made = [
        MadePart(plan=plan, part=part, report=report, sound=sound if part is parts[0] else None)
        for part, report in zip(parts, reports, strict=True)
    ]
    archives = [output.with_name(f"{output.name}-part-{number}.tar") for number in range(len(made))]
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


def probe_long(source: Path, folder: Path) -> float:
    """CPU seconds that a child spends on reading all packets of three hours."""
    long = folder / "three-hours.mp4"
    repeat(source, long, lasts_s=LECTURE_S)
    costs = Costs()
    costs.take("probe of three hours", lambda: probe_file(long, ProbeLimits(timeout_s=PROBE_TIMEOUT_S)))
    long.unlink()
    return costs.cpu_s["probe of three hours"]


def print_model(short: Costs, long: Costs, *, probe_s: float, measured_s: float) -> None:
    def of(step: str, lasts_s: float) -> float:
        """CPU seconds of a step for a length, on the line through both measurements."""
        start_s = short.cpu_s[step]
        return start_s + max(0.0, long.cpu_s[step] - start_s) * (lasts_s - SHORT_S) / (measured_s - SHORT_S)

    child_s = LECTURE_S / CHILDREN
    fetch_s = SOURCE_BPS * LECTURE_S / 8 / STORE_BYTES_S
    plan_s = probe_s + long.cpu_s["samples"]
    part_cpu_s = long.cpu_s["pictures, part 2 of 2"] * child_s / (measured_s / 2)
    pictures_s, sound_s = part_cpu_s / CORES_BUSY, of("sound", LECTURE_S)
    levelled_s = of("loudness", LECTURE_S) + of("sound, levelled", LECTURE_S)
    out_bytes = long.out_bytes * LECTURE_S / measured_s
    objects = long.objects * LECTURE_S / measured_s
    out_s, puts_s = out_bytes / STORE_BYTES_S, objects * PUT_S / PUTS_AT_ONCE
    lines = {
        f"every child fetches the source, {SOURCE_BPS * LECTURE_S / 8e9:.1f} GB": fetch_s,
        f"and plans: {probe_s:.2f} for reading all packets, {long.cpu_s['samples']:.2f} for samples": plan_s,
        f"the longer of {child_s:.0f} s of pictures, {pictures_s:.0f} s over {CORES_BUSY} busy cores, "
        f"and, in the first, all sound on another, {sound_s:.0f} s": max(pictures_s, sound_s),
        "packs and sends them": of("packing", child_s) + out_s / CHILDREN,
        f"the join fetches {out_bytes / 1e9:.1f} GB": out_s,
        "and unpacks them": of("unpacking", LECTURE_S),
        f"sends {objects:.0f} segments on, {PUTS_AT_ONCE} at a time: the longer of {out_s:.0f} s for their bytes and "
        f"{puts_s:.0f} s for {PUT_S * 1000:.0f} ms each": max(out_s, puts_s),
        "checks rules and boxes": of("rules", LECTURE_S),
        "draws stills, for twice as many tiles": 2 * long.cpu_s["stills"],
    }
    print(f"\n{LECTURE_S / 3600:g} h, {CHILDREN} children, {STORE_BYTES_S / 1e6:.0f} MB/s each, wall seconds:\n")
    for what, seconds in lines.items():
        print(f"- {what}: {seconds:.0f}")
    print(f"- in all {sum(lines.values()):.0f} s; the target is {TARGET_S:.0f} s, without start-up")
    with_it_s = sum(lines.values()) + max(pictures_s, levelled_s) - max(pictures_s, sound_s)
    print(f"- where a loudness is ordered, the sound takes {levelled_s:.0f} s, and all {with_it_s:.0f} s")
    print(f"- of a child's {plan_s + part_cpu_s:.0f} CPU s {plan_s / (plan_s + part_cpu_s):.1%} are for the plan")


def main(arguments: Sequence[str]) -> int:
    lasts_s = float(arguments[0]) if arguments else DEFAULT_S
    source = Path(arguments[1]) if len(arguments) > 1 else next(iter(sorted(MEDIA.glob("lecture*.mp4"))), None)
    if source is None:
        print(f"skipped: no lecture in {MEDIA}")
        return 0
    print_machine("benchmarks.split_model", arguments)
    print("| step | CPU s | wall s |\n| --- | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        probe_s = probe_long(source, Path(folder))
        short, long = (_measure_repeated(source, Path(folder), lasts_s=seconds) for seconds in (SHORT_S, lasts_s))
    print_model(short, long, probe_s=probe_s, measured_s=lasts_s)
    return 0


def _measure_repeated(source: Path, folder: Path, *, lasts_s: float) -> Costs:
    path, output = folder / f"{lasts_s:g}.mp4", folder / f"{lasts_s:g}"
    output.mkdir()
    repeat(source, path, lasts_s=lasts_s)
    return measure(path, output)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
