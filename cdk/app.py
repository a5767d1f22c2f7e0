"""`python -m cdk.app [NAME=VALUE …]`: what `cdk deploy` runs. It needs node, and neither an account nor a network."""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from aws_cdk import App, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from cdk.environments import environment_of
from cdk.stack import AcademyStack

WRITTEN = Path(__file__).parents[1] / "cdk.json"


def context_of(words: Iterable[str]) -> dict[str, Any]:
    """What cdk.json says, and above it NAME=VALUE words. What the `cdk` command is told goes above both."""
    written: dict[str, Any] = json.loads(WRITTEN.read_text(encoding="utf-8"))["context"]
    return {**written, **dict(word.split("=", 1) for word in words)}


def build(context: Mapping[str, Any], *, folder: Path | None = None) -> App:
    """The app with its one stack; raises `ValueError` for a context that cannot be deployed.

    Synthesis fails where cdk-nag finds anything that has no reason beside it.
    """
    app = App(context=context, outdir=None if folder is None else str(folder))
    said = app.node.get_all_context()
    environment = environment_of(said)
    stack = AcademyStack(app, environment.prefix, environment)
    Tags.of(stack).add("project", environment.name)
    Tags.of(stack).add("stage", environment.stage)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app, verbose=True))
    return app


if __name__ == "__main__":
    build(context_of(sys.argv[1:])).synth()
