"""The stack's templates, made once a run of the tests, whichever worker asks first."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Template

ROOT = Path(__file__).parents[2]
SYNTH_WITHIN_S = 300


@dataclass(frozen=True)
class Synthesized:
    """One variant of the stack, as it would be deployed."""

    folder: Path
    name: str

    @property
    def path(self) -> Path:
        return self.folder / f"{self.name}.template.json"

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.path.read_text())
        return body

    @property
    def violations(self) -> list[str]:
        report = json.loads((self.folder / "validation-report.json").read_text())
        return [
            f"{violation['ruleName']} at {place['constructPath']}"
            for plugin in report["pluginReports"]
            for violation in plugin["violations"]
            for place in violation["violatingConstructs"]
        ]

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        found = self.body["Resources"].items()
        return {name: resource["Properties"] for name, resource in found if resource["Type"] == kind}


@pytest.fixture(scope="session")
def variants(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Synthesized]:
    """dev, prod, and `other`: dev with all that a context may say."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "synthesized"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            subprocess.run(
                [sys.executable, "-m", "tests.cdk.synthesis", str(folder)],
                cwd=ROOT,
                # No account, no credentials, and no way out: whatever looks something up fails.
                env={"PATH": os.environ["PATH"], "HOME": str(folder), "https_proxy": "http://127.0.0.1:9"},
                check=True,
                timeout=SYNTH_WITHIN_S,
                stdout=subprocess.DEVNULL,
            )
            (folder / "done").touch()
    return {
        name: Synthesized(folder / name, f"academy-{stage}")
        for name, stage in (("dev", "dev"), ("prod", "prod"), ("other", "dev"))
    }


@pytest.fixture(scope="session")
def prod(variants: Mapping[str, Synthesized]) -> Synthesized:
    return variants["prod"]


@pytest.fixture(scope="session")
def template(prod: Synthesized) -> Template:
    """prod, for `aws_cdk.assertions`."""
    return Template.from_string(prod.path.read_text())
