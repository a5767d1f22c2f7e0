"""`python -m cdk.app`: what `cdk deploy` runs. It needs node, and neither an account nor a network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws_cdk import App, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from cdk.environments import environment_of
from cdk.stack import AcademyStack


def build(context: Mapping[str, Any] | None = None, *, folder: Path | None = None) -> App:
    """The app with its one stack; raises `ValueError` for a context that cannot be deployed.

    Without `context` it is what the command line and cdk.json say. Synthesis fails where cdk-nag finds anything that
    has no reason beside it.
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
    build().synth()
