"""The folders show what may depend on what; these tests hold it."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("pipeline", "jobs", "control_plane", "cli", "cdk")
MEDIA_LIBRARIES = {"av", "cv2", "onnxruntime"}
SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "base", "core", "misc"}


def modules() -> Iterator[tuple[Path, str]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path, package


def imports_of(path: Path) -> set[str]:
    """The absolute dotted names that a file imports, in functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import():
                names.update(alias.name for alias in node.names)
            case ast.ImportFrom(module=str(module), level=0):
                names.add(module)
                names.update(f"{module}.{alias.name}" for alias in node.names)
            case ast.ImportFrom(level=level) if level:
                names.add(".")
            case _:
                pass
    return names


@pytest.mark.parametrize(("path", "package"), [pytest.param(p, k, id=str(p.relative_to(ROOT))) for p, k in modules()])
def test_a_module_imports_only_what_its_folder_may(path: Path, package: str):
    imported = imports_of(path)
    assert "." not in imported, "relative imports hide the arrows"
    tops = {name.split(".")[0] for name in imported}
    others = tops & set(PACKAGES) - {package, "pipeline"}
    assert not others, f"{package} may import pipeline only, not {others}"
    if package == "pipeline":
        assert tops & set(PACKAGES) <= {"pipeline"}
    if package == "jobs":
        own = path.relative_to(ROOT).parts[1]
        foreign = {n for n in imported if n.startswith("jobs.") and n.split(".")[1] != own}
        assert not foreign, f"one job never imports another: {foreign}"
    if package != "jobs" and path.relative_to(ROOT).parts[:2] != ("pipeline", "media"):
        assert not tops & MEDIA_LIBRARIES, "decoders live under jobs/ and pipeline/media/ only"


def test_no_file_or_folder_has_a_name_that_says_nothing():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    bad = [name for name in listed.stdout.split() if {Path(part).stem for part in Path(name).parts} & SAY_NOTHING]
    assert not bad, f"say what they hold: {bad}"


def test_no_committed_file_names_a_package_registry():
    hosts = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "npmjs" + ".com")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30)
    bad = [
        name
        for name in listed.stdout.split()
        if (ROOT / name).is_file() and any(host in (ROOT / name).read_text(errors="ignore") for host in hosts)
    ]
    assert not bad
