"""`academy doctor`: what this machine has, and what of that works."""

import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from cli import figures, tables
from cli.checks import Check, Finding
from cli.configuration import read_settings
from cli.exits import Exit
from cli.gpu_checks import ceilings, check_codecs, check_driver, check_gpu, print_ceilings
from cli.options import AsJson
from cli.output import REMARKS, RESULTS, print_json
from cli.server_checks import check_servers
from pipeline.errors import AcademyError
from pipeline.media.capabilities import find_capabilities
from pipeline.settings import Settings

EPILOG: Final = "Example: academy doctor --json   or, about the GPU alone,   academy doctor --gpu"
CHILD_WITHIN_S: Final = 60
# A lecture of an hour needs about as much: its source, its scratch copy and its stream.
POOR_BELOW_BYTES: Final = 5_000_000_000
BROKEN_BELOW_BYTES: Final = 500_000_000
STYLES: Final = {
    Finding.GOOD: "green",
    Finding.ABSENT: "dim",
    Finding.POOR: "yellow",
    Finding.BROKEN: "bold red",
}
ONNX_PROVIDERS: Final = "import onnxruntime as o; print(o.__version__, *o.get_available_providers())"


def doctor(
    gpu: Annotated[
        bool, typer.Option("--gpu", help="Only the GPU: driver, what opens, and what NVENC can do at most.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look at what this machine has: codecs that really open, GPU, servers, disk, versions.

    Exits 1 where something that is needed does not work; with --gpu, where no engine of a GPU works.
    """
    if gpu:
        _look_at_gpu(as_json=as_json)
        return
    settings = read_settings()
    with REMARKS.status("Looking …"):
        checks = [check for found in (_machine(settings), _media(), check_servers(settings)) for check in found]
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        _print(checks)
    if any(check.finding is Finding.BROKEN for check in checks):
        raise typer.Exit(Exit.FAILED)


def _look_at_gpu(*, as_json: bool) -> None:
    with REMARKS.status("Looking …"):
        checks = list(check_gpu())
    if as_json:
        print_json({"checks": [asdict(check) for check in checks], "ceilings": ceilings()})
    else:
        _print(checks)
        print_ceilings()
    if not any(check.finding is Finding.GOOD for check in checks[1:]):
        raise typer.Exit(Exit.FAILED)


def _print(checks: Iterable[Check]) -> None:
    RESULTS.print(tables.fields({check.subject: _told(check) for check in checks}))


def _told(check: Check) -> Text:
    return Text.assemble((f"{check.finding:<7}", STYLES[check.finding]), " ", check.detail)


def _machine(settings: Settings) -> Iterator[Check]:
    yield Check("Python", Finding.GOOD, f"{platform.python_version()} on {platform.platform()}")
    yield _disk(settings.academy_data.expanduser().absolute())
    yield check_driver()


def _disk(data: Path) -> Check:
    existing = next(folder for folder in (data, *data.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    finding = Finding.GOOD
    if free < POOR_BELOW_BYTES:
        finding = Finding.BROKEN if free < BROKEN_BELOW_BYTES else Finding.POOR
    return Check("Data folder", finding, f"{data}, {figures.size(free)} free")


def _media() -> Iterator[Check]:
    """Codecs are opened in a limited child, since a driver may crash whoever opens it."""
    try:
        found = find_capabilities()
    except AcademyError as exc:
        yield Check("PyAV", Finding.BROKEN, str(exc))
    else:
        yield Check("PyAV", Finding.GOOD, f"{found.pyav_version}, FFmpeg {found.ffmpeg_version}")
        yield from check_codecs(found)
    yield _onnx()


def _onnx() -> Check:
    if find_spec("onnxruntime") is None:
        return Check("ONNX Runtime", Finding.ABSENT, "not installed; only reading answer sheets needs it")
    try:
        # In a child: it is slow to load, and only jobs may import it.
        child = [sys.executable, "-c", ONNX_PROVIDERS]
        answer = subprocess.run(child, capture_output=True, text=True, timeout=CHILD_WITHIN_S, check=True)
    except (OSError, subprocess.SubprocessError) as exc:
        return Check("ONNX Runtime", Finding.POOR, f"it is installed, and fails: {exc}")
    return Check("ONNX Runtime", Finding.GOOD, answer.stdout.strip())
