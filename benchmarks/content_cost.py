"""What slides cost beside sports: the job on the beginning of each, with the same rungs, in bits and in CPU seconds.

Slides are a lecture with a camera inset, and the lecture of `make demo`, which has none; sports is animation with much
motion. A rung's share is its average rate over that of the same rung of the sports.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av

from benchmarks.ladder import MEDIA, contestant_environment, existing_file, planned_command, print_machine
from benchmarks.process_cost import run_measured
from pipeline.contracts.transcode import DEFAULT_LADDER, TranscodeOutcome
from pipeline.media.lecture import make_lecture

SECONDS = 20.0
SPORTS = "motion-1080p25-20s.mp4"
SLIDES = "lecture-1080p30-60s.mp4"


@dataclass(frozen=True)
class Spent:
    """`cpu_share` is CPU seconds for a second of the source; rates are averages by rung, in bit/s."""

    name: str
    content: str
    motion_bpp: float | None
    cpu_share: float
    rates: dict[str, int]


def cut(source: Path, target: Path, *, lasts_s: float) -> None:
    """Copy the first seconds' packets of the first video and sound track."""
    with av.open(str(source)) as whole, av.open(str(target), "w", format="mp4") as output:
        tracks = [whole.streams.video[0], *whole.streams.audio[:1]]
        copies = {track.index: output.add_stream_from_template(track) for track in tracks}
        for packet in whole.demux(*tracks):
            if packet.dts is None or packet.pts is None or packet.pts * packet.time_base >= lasts_s:
                continue
            packet.stream = copies[packet.stream_index]
            output.mux(packet)


def spend(source: Path) -> Spent:
    with tempfile.TemporaryDirectory() as folder:
        spec, output = Path(folder) / "spec.json", Path(folder) / "output"
        spec.write_text(json.dumps({"ladder": [rung.model_dump() for rung in DEFAULT_LADDER]}))
        command = [*planned_command(source, output), "--spec", str(spec)]
        cost = run_measured(command, environment=contestant_environment())
        outcome = TranscodeOutcome.model_validate_json((output / "outcome.json").read_bytes())
    assert outcome.plan is not None
    assert outcome.duration_s is not None
    return Spent(
        name=source.stem,
        content=outcome.plan.content,
        motion_bpp=outcome.plan.motion_bpp,
        cpu_share=cost.cpu_s / outcome.duration_s,
        rates={rendition.name: rendition.average_bps for rendition in outcome.renditions},
    )


def print_table(sports: Spent, others: Sequence[Spent]) -> None:
    names = [rung.name for rung in DEFAULT_LADDER]
    print(f"| source | content | bits a pixel of samples | {' | '.join(names)} | all rungs | CPU s for a second |")
    print(f"| --- | --- |{' ---: |' * (len(names) + 3)}")
    for spent in (sports, *others):
        shared = [name for name in names if name in spent.rates and name in sports.rates]
        all_rungs = sum(spent.rates[name] for name in shared) / sum(sports.rates[name] for name in shared)
        cells = (
            spent.name,
            spent.content,
            "" if spent.motion_bpp is None else f"{spent.motion_bpp:.3f}",
            *(_rate(spent.rates[name], sports.rates[name]) if name in shared else "" for name in names),
            f"{all_rungs:.2f}",
            f"{spent.cpu_share:.2f} ({spent.cpu_share / sports.cpu_share:.2f})",
        )
        print(f"| {' | '.join(cells)} |", flush=True)


def _rate(bps: int, sports_bps: int) -> str:
    return f"{bps / 1000:.0f} ({bps / sports_bps:.2f})"


def beginnings(sources: Sequence[Path], folder: Path, *, lasts_s: float) -> Iterator[Path]:
    for source in sources:
        target = folder / f"{source.stem}.mp4"
        cut(source, target, lasts_s=lasts_s)
        yield target


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    sports, slides = options.sports or MEDIA / SPORTS, options.slides or [MEDIA / SLIDES]
    if not all(path.is_file() for path in (sports, *slides)):
        print(f"skipped: {SPORTS} and {SLIDES} are not in {MEDIA}")
        return 0
    print_machine("benchmarks.content_cost", arguments)
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "demo-lecture.mp4"
        make_lecture(own, seconds=round(options.seconds))
        first, *others = [spend(clip) for clip in beginnings([sports, *slides], Path(folder), lasts_s=options.seconds)]
        print_table(first, [*others, spend(own)])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.content_cost", description=__doc__)
    parser.add_argument("slides", nargs="*", type=existing_file, metavar="SLIDES", help=f"default: {SLIDES}")
    parser.add_argument("--sports", type=existing_file, metavar="FILE", help=f"default: {SPORTS}")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each source, %(default)g by default")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
