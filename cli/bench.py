"""`academy bench --gpu`: what the GPU of this machine really does, beside what it can do at most."""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from cli import tables
from cli.exits import Exit
from cli.gpu_checks import ceilings, check_codecs, check_driver, print_ceilings
from cli.options import AsJson
from cli.output import REMARKS, RESULTS, print_json, say
from cli.rows import Speed
from pipeline.media import gpu as known
from pipeline.media.capabilities import find_capabilities

EPILOG: Final = "Example: academy bench --gpu"
# Fifteen hundred pictures of 1080p with libx264 on one slow core, and all of the GPU's rows.
MEASURED_WITHIN_S: Final = 1200


def bench(
    gpu: Annotated[bool, typer.Option("--gpu", help="Measure NVENC and NVDEC, and the CPU beside them.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure how many pictures a second this machine's GPU encodes and decodes.

    Exits 1 where no engine of a GPU works. The ladder is compared with other tools by `make bench`.
    """
    if not gpu:
        raise typer.BadParameter("say what to measure: --gpu")
    found = find_capabilities()
    if not found.gpu_works:
        say("No GPU that encodes or decodes is here, so there is nothing to measure.")
        for check in check_codecs(found):
            if check.subject.endswith(("_nvenc", "_cuvid")):
                say(f"{check.subject} {check.detail}")
        raise typer.Exit(Exit.FAILED)
    device = check_driver().detail
    with REMARKS.status("Measuring …"):
        rows = measure()
    if as_json:
        print_json({"device": device, "measured": rows, "ceilings": ceilings()})
    else:
        show(device, rows)


def measure(*arguments: str) -> list[Speed]:
    """Lines of the job's own program, which has its options and its decoders."""
    command = [sys.executable, "-m", "jobs.transcode.devices.speed", *arguments]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=MEASURED_WITHIN_S, check=True)
    return [json.loads(line) for line in ended.stdout.splitlines()]


def show(device: str, rows: Sequence[Speed]) -> None:
    RESULTS.print(f"{device}: a lecture of 1920x1080, one session at a time", "", markup=False)
    RESULTS.print(tables.speeds(rows, known.CEILINGS))
    print_ceilings()
