"""What the Dockerfiles promise, read from them. `make images-check` carries their steps out."""

import re
from pathlib import Path

import pytest

from pipeline.execution.catalog import CATALOG
from tests.containers.dockerfile import Stage, read_dockerfile

ROOT = Path(__file__).parents[2]
IMAGES = ("transcode", "vision", "control_plane")
PINNED = re.compile(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==(\S+)", re.MULTILINE)
SERVERS = {"boto3", "fastapi", "psycopg", "uvicorn", "pyjwt"}


def stages_of(image: str, **arguments: str) -> tuple[Stage, ...]:
    return read_dockerfile(ROOT / "containers" / image / "Dockerfile", arguments)


def pinned(name: str) -> dict[str, str]:
    return dict(PINNED.findall((ROOT / "requirements" / name).read_text()))


def words(image: str, name: str) -> str:
    return " ".join(instruction.words for instruction in stages_of(image)[-1].of(name))


@pytest.mark.parametrize("image", IMAGES)
def test_every_stage_stands_on_a_digest(image: str):
    for stage in stages_of(image):
        assert re.fullmatch(r"(python:3\.11|node:22)[\w.-]*@sha256:[0-9a-f]{64}", stage.base)


@pytest.mark.parametrize("image", IMAGES)
def test_a_digest_is_replaced_by_an_argument(image: str):
    other = f"python:3.11-slim@sha256:{'0' * 64}"
    assert stages_of(image, PYTHON_IMAGE=other)[-1].base == other


@pytest.mark.parametrize("image", IMAGES)
def test_the_image_is_nobody_and_holds_neither_pip_nor_a_compiler(image: str):
    stages = stages_of(image)
    assert len(stages) >= 2
    last = stages[-1]
    assert words(image, "USER") == "10001:10001"
    (run,) = last.of("RUN")
    assert run.words.startswith("rm -rf /usr/local/lib/python3.11/site-packages ")
    assert "pip install" not in run.words
    assert "apt-get" not in " ".join(instruction.words for stage in stages for instruction in stage.of("RUN"))
    assert {instruction.command[0] for instruction in last.of("COPY")} == {"--from=install"}
    assert words(image, "VOLUME") == '["/scratch"]'


@pytest.mark.parametrize("image", IMAGES)
def test_packages_are_installed_by_hash_and_as_wheels_only(image: str):
    (install,) = (stage for stage in stages_of(image) if stage.name == "install")
    (line,) = (instruction.words for instruction in install.of("RUN") if " install " in instruction.words)
    assert "--require-hashes" in line
    assert "--only-binary :all:" in line


@pytest.mark.parametrize("image", IMAGES)
def test_a_clone_under_a_strict_umask_makes_an_image_that_its_user_can_read(image: str):
    (install,) = (stage for stage in stages_of(image) if stage.name == "install")
    copied = [n for n, instruction in enumerate(install.instructions) if instruction.name == "COPY"]
    opened = [n for n, instruction in enumerate(install.instructions) if "chmod -R a+rX ." in instruction.words]
    own = [n for n in copied if not install.instructions[n].words.startswith("--from=")]
    assert max(own) < max(opened)


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_says_what_it_is_and_how_it_runs(image: str):
    for label in ("title", "description", "version", "revision"):
        assert f"org.opencontainers.image.{label}=" in words(image, "LABEL")
    assert "PYDANTIC_DISABLE_PLUGINS=__all__" in words(image, "ENV")
    assert words(image, "STOPSIGNAL") == "SIGTERM"
    # Not through a shell, which would keep the signal to itself.
    assert words(image, "CMD").startswith('["python", "-m", ')


def test_jobs_see_the_gpus_engines_of_video():
    for image in ("transcode", "vision"):
        assert "NVIDIA_DRIVER_CAPABILITIES=compute,video,utility" in words(image, "ENV")


def test_an_image_starts_what_the_catalog_starts():
    for profile in CATALOG.values():
        (command,) = stages_of(profile.image)[-1].of("CMD")
        # A kind of its own may start another program of the same image.
        assert command.command[:2] == list(profile.command[:2])
        assert profile.command[2].startswith(command.command[2])


def test_the_control_plane_has_a_health_check():
    assert words("control_plane", "HEALTHCHECK").endswith('CMD ["python", "-m", "control_plane.health"]')


@pytest.mark.parametrize("name", ["transcode.txt", "vision-cpu.txt", "vision-gpu.txt", "control-plane.txt"])
def test_an_image_has_the_versions_that_were_tested(name: str):
    runtime = pinned("runtime.txt")
    mine = pinned(name)
    assert {package: version for package, version in mine.items() if package in runtime} == {
        package: runtime[package] for package in mine if package in runtime
    }
    assert len(mine) > 10


def test_the_gpu_build_of_onnxruntime_is_in_one_image_alone():
    with_gpu = {path.name for path in (ROOT / "requirements").glob("*.txt") if "onnxruntime-gpu" in pinned(path.name)}
    assert with_gpu == {"vision-gpu.txt"}
    assert "onnxruntime" not in pinned("vision-gpu.txt")
    (install,) = (stage for stage in stages_of("vision", VARIANT="gpu") if stage.name == "install")
    assert "requirements/vision-gpu.txt" in " ".join(instruction.words for instruction in install.of("RUN"))


@pytest.mark.parametrize("name", ["transcode.txt", "vision-cpu.txt", "vision-gpu.txt"])
def test_an_image_of_jobs_brings_no_server_and_no_client_of_aws(name: str):
    assert not SERVERS & set(pinned(name))


def test_the_context_of_a_build_holds_what_is_copied():
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for image in IMAGES:
        for stage in stages_of(image):
            for instruction in stage.of("COPY"):
                *sources, _ = instruction.command
                if not sources[0].startswith("--from="):
                    for source in sources:
                        top = source.split("/")[0]
                        assert top in let_in or any(Path(source).match(pattern) for pattern in let_in), source
                        assert (ROOT / source.replace("${VARIANT}", "cpu")).exists()
