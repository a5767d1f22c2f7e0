"""What `academy configure` keeps of a stack in AWS: where its API is, and the names that an operator needs."""

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final, Self

from platformdirs import user_config_path

from pipeline.embedded.folder import write_private
from pipeline.errors import Invalid

FILE_NAME: Final = "stack.json"
# The outputs of `cdk/stack.py`, by the fields below; those that a stack may lack come last.
OUTPUTS: Final = {
    "api_url": "ApiUrl",
    "region": "Region",
    "batch_prefix": "BatchPrefix",
    "batch_log_group": "BatchLogGroup",
    "video_queue": "VideoQueue",
    "small_queue": "SmallQueue",
    "events_queue_url": "EventsQueueUrl",
    "dead_letters_url": "DeadLettersUrl",
    "bucket": "Bucket",
    "jwt_secret_arn": "JwtSecretArn",
    "dashboard_url": "DashboardUrl",
}


@dataclass(frozen=True)
class StackConfiguration:
    stack: str
    api_url: str
    region: str
    batch_prefix: str
    batch_log_group: str
    video_queue: str
    small_queue: str
    events_queue_url: str
    dead_letters_url: str
    bucket: str
    # None where tokens are an identity provider's.
    jwt_secret_arn: str | None = None
    dashboard_url: str | None = None

    @classmethod
    def of_outputs(cls, stack: str, outputs: dict[str, str]) -> Self:
        """Raises `Invalid` for a stack that is not one of ours."""
        optional = {"jwt_secret_arn", "dashboard_url"}
        missing = [output for name, output in OUTPUTS.items() if output not in outputs and name not in optional]
        if missing:
            raise Invalid("stack_not_ours", f"the stack {stack} has no output {', '.join(missing)}")
        return cls(stack=stack, **{name: outputs[output] for name, output in OUTPUTS.items() if output in outputs})


def configuration_file() -> Path:
    """ACADEMY_CONFIG, else a file in the user's own folder of settings."""
    named = os.environ.get("ACADEMY_CONFIG")
    return Path(named) if named else user_config_path("academy") / FILE_NAME


def find_configuration() -> StackConfiguration | None:
    """Raises `Invalid` for a file that cannot be used."""
    path = configuration_file()
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as exc:
        raise Invalid("configuration_invalid", f"{path} is not JSON; run academy configure again") from exc
    known = {field.name for field in fields(StackConfiguration)}
    try:
        return StackConfiguration(**{name: value for name, value in said.items() if name in known})
    except (TypeError, AttributeError) as exc:
        raise Invalid("configuration_invalid", f"{path} lacks something; run academy configure again") from exc


def write_configuration(configuration: StackConfiguration) -> Path:
    path = configuration_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, json.dumps(asdict(configuration), indent=2) + "\n")
    return path
