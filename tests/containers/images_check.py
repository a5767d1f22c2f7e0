"""`make images-check`: each image's install steps, as its Dockerfile has them, without an engine of containers.

In an empty folder, with the files that the Dockerfile copies and no others, and in a fresh virtual environment, the
COPY and RUN lines of the stage `install` are carried out, from a clone whose files are their owner's alone; then the
image's entry point is started with the image's own environment. What this cannot show: that no file system is writable.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.containers.dockerfile import Stage, read_dockerfile
from tests.fixtures.sheets import as_jpeg, draw_page, plain_form, random_marks

ROOT = Path(__file__).parents[2]
# The one that .venv was made from: it has a pip, as the base image has.
PYTHON = Path(sys.base_prefix) / "bin" / "python3"
# With the build argument VARIANT behind a colon, where it is not the Dockerfile's own.
IMAGES = ("transcode", "vision", "vision:gpu", "control_plane")
# What Debian's slim image has for its own apt and dpkg: of libc6, libgcc-s1, libstdc++6 and zlib1g.
OF_THE_BASE = frozenset(
    [
        "ld-linux-x86-64.so.2",
        "libc.so.6",
        "libdl.so.2",
        "libgcc_s.so.1",
        "libm.so.6",
        "libmvec.so.1",
        "libpthread.so.0",
        "libresolv.so.2",
        "librt.so.1",
        "libstdc++.so.6",
        "libutil.so.1",
        "libz.so.1",
    ]
)
# From the machine, by nvidia-container-toolkit.
OF_THE_DRIVER = frozenset(("libcuda.so.1", "libnvidia-ml.so.1"))
INSTALL_WITHIN_S = 300
RUN_WITHIN_S = 60
Environment = Mapping[str, str]


def install(stage: Stage, folder: Path) -> None:
    """Carry out a stage below `folder`, which takes the place of the image's root."""
    app = folder / "app"
    app.mkdir(parents=True)
    for instruction in stage.instructions:
        match instruction.name:
            case "COPY" if instruction.words.startswith("--from="):
                # From the player's stage, which is npm's: `make .venv/player.stamp` runs the same `npm ci`.
                continue
            case "COPY":
                *sources, target = instruction.command
                for source in sources:
                    _copy(ROOT / source, app / target)
                _run("chmod -R go= .", app)
            case "RUN":
                _run(_moved(instruction.words, folder), app)
            case _:
                continue


def check_files(folder: Path, *, extra: frozenset[str] = frozenset()) -> None:
    """The image's user, who owns none of them, can read all files, and no library is missing that the base has not."""
    files = [path for top in ("app", "opt") for path in (folder / top).rglob("*") if not path.is_symlink()]
    closed = [path for path in files if path.stat().st_mode & 0o004 == 0]
    # onnxruntime-gpu brings a provider of TensorRT's too, which nobody asks for and whose own libraries are elsewhere.
    libraries = [path for path in files if ".so" in path.suffixes and "tensorrt" not in path.name]
    said = subprocess.run(
        ["ldd", *map(str, libraries)], capture_output=True, text=True, timeout=RUN_WITHIN_S, check=False
    ).stdout
    needed = {Path(line.split()[0]).name for line in said.splitlines() if line.startswith("\t") and "=" in line}
    missing = needed - OF_THE_BASE - extra - {path.name for path in libraries}
    if closed or missing:
        raise SystemExit(f"nobody else can read {closed[:3]}; the base image has no {sorted(missing)}")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        # What .dockerignore leaves out.
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    else:
        shutil.copyfile(source, target)


def _moved(words: str, folder: Path) -> str:
    """The command with /opt below the folder, by the interpreter and the pip of this machine."""
    venv = f"{folder}/opt/venv"
    words = words.replace("/opt/venv", venv)
    return words.replace("python -m ", f"{PYTHON} -m ").replace(f"{venv}/bin/{PYTHON}", f"{venv}/bin/python")


def _run(command: str, folder: Path) -> None:
    # --no-cache-dir keeps an image small; here it would fetch what this machine has.
    command = command.replace("--no-cache-dir ", "")
    _expect(
        subprocess.run(
            ["/bin/sh", "-ec", command],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=INSTALL_WITHIN_S,
            check=False,
        )
    )


def environment_of(image: Stage, folder: Path) -> dict[str, str]:
    """The image's ENV, and nothing of this process's."""
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    said = dict(word.split("=", 1) for instruction in image.of("ENV") for word in shlex.split(instruction.words))
    moved = {name: value.replace("/scratch", str(scratch)) for name, value in said.items()}
    moved["PATH"] = said["PATH"].replace("/opt/venv", f"{folder}/opt/venv")
    moved["PYTHONPATH"] = f"{folder}/app"
    return moved


def start(arguments: list[str], folder: Path, environment: Environment) -> subprocess.CompletedProcess[str]:
    program = folder / "opt/venv/bin" / arguments[0]
    return subprocess.run(
        [str(program), *arguments[1:]],
        cwd=folder / "app",
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=RUN_WITHIN_S,
        check=False,
    )


def check_transcode(command: list[str], folder: Path, environment: Environment) -> str:
    """A clip becomes a stream."""
    clip, stream = folder / "clip.mp4", folder / "stream"
    subprocess.run(
        [sys.executable, "-c", CLIP, str(clip)], cwd=ROOT, check=True, timeout=RUN_WITHIN_S, env=dict(os.environ)
    )
    ended = start([*command, str(clip), str(stream)], folder, environment)
    _expect(ended, lambda: list(stream.rglob("master.m3u8")) != [])
    return "a clip became a stream"


CLIP = """
import sys
from pathlib import Path
from pipeline.media.lecture import make_lecture
make_lecture(Path(sys.argv[1]), seconds=4)
"""


def check_vision(command: list[str], folder: Path, environment: Environment) -> str:
    """A drawn sheet is read by the networks, which ONNX Runtime runs."""
    sheet, fields, read = folder / "sheet.jpg", folder / "fields.json", folder / "read"
    form = plain_form(25)
    sheet.write_bytes(as_jpeg(draw_page(form, random_marks(form, 1), dpi=100)))
    fields.write_text(json.dumps({"template": form.model_dump(mode="json")}))
    ended = start([*command, str(sheet), str(read), "--spec", str(fields)], folder, environment)
    _expect(ended, lambda: json.loads((read / "outcome.json").read_text())["status"] == "ready")
    return f"a sheet was read by {json.loads((read / 'outcome.json').read_text())['engine']}"


def check_vision_gpu(command: list[str], folder: Path, environment: Environment) -> str:
    """As `check_vision`, and whatever the CUDA provider links to is in the image, but for the machine's own driver."""
    said = check_vision(command, folder, environment)
    ended = start(["python", "-c", CUDA], folder, environment)
    _expect(ended, lambda: ended.stdout == "" or "libcuda.so.1:" in ended.stdout)
    return f"{said}; CUDA {'lacks its driver' if ended.stdout else 'works'} on this machine"


CUDA = """
import ctypes
from pathlib import Path
import onnxruntime
from jobs.omr.networks.session import Provider, open_network
assert Provider.CUDA in onnxruntime.get_available_providers()
open_network("marks")
capi = Path(onnxruntime.__file__).parent / "capi"
ctypes.CDLL(str(capi / "libonnxruntime_providers_shared.so"), ctypes.RTLD_GLOBAL)
try:
    ctypes.CDLL(str(capi / "libonnxruntime_providers_cuda.so"))
except OSError as missing:
    print(missing)
"""


def check_control_plane(command: list[str], folder: Path, environment: Environment) -> str:
    """With no address it says what is missing; its other two programs start too."""
    # Where nobody listens, whatever this machine serves.
    environment = {**environment, "PORT": "1"}
    for module, code, said in (
        ("control_plane", 64, "JWT_SECRET"),
        ("control_plane.events", 64, "BATCH_EVENTS_QUEUE_URL"),
        ("pipeline.database.migrate", 64, "DATABASE_URL"),
        ("control_plane.health", 1, "refused"),
    ):
        ended = start([*command[:-1], module], folder, environment)
        _expect(ended, lambda said=said, ended=ended: said in ended.stderr, code=code)  # type: ignore[misc]
    return "its four programs start"


def _expect(
    ended: subprocess.CompletedProcess[str], holds: Callable[[], bool] = lambda: True, *, code: int = 0
) -> None:
    if ended.returncode != code or not holds():
        raise SystemExit(f"{ended.args} ended with {ended.returncode}:\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}")


CHECKS: dict[str, Callable[[list[str], Path, Environment], str]] = {
    "transcode": check_transcode,
    "vision": check_vision,
    "vision:gpu": check_vision_gpu,
    "control_plane": check_control_plane,
}


def main(names: list[str]) -> int:
    for name in names or IMAGES:
        image_name, _, variant = name.partition(":")
        arguments = {"VARIANT": variant} if variant else {}
        stages = read_dockerfile(ROOT / "containers" / image_name / "Dockerfile", arguments)
        (installs,) = (stage for stage in stages if stage.name == "install")
        image = stages[-1]
        (command,) = image.of("CMD")
        with tempfile.TemporaryDirectory() as text:
            folder = Path(text)
            install(installs, folder)
            check_files(folder, extra=OF_THE_DRIVER if variant == "gpu" else frozenset())
            said = CHECKS[name](command.command, folder, environment_of(image, folder))
        sys.stdout.write(f"{name}: installed from its Dockerfile; {said}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
