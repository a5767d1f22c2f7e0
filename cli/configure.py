"""`academy configure`: from now on, this machine's commands talk to a stack in AWS, or to their own again."""

from contextlib import suppress
from typing import Annotated, Any, Final

import boto3
import typer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli.options import AsJson
from cli.output import REMARKS, print_json, say
from cli.stack_configuration import StackConfiguration, configuration_file, write_configuration
from pipeline.errors import Conflict, Invalid, NotFound, Unavailable

EPILOG: Final = "Example: academy configure --from-stack academy-prod --region ap-northeast-2"
# In any other state, a stack without outputs never came to be; one that is updated still has those from before.
COMPLETE: Final = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
CONFIG: Final = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 3, "mode": "standard"})


def configure(
    from_stack: Annotated[
        str | None, typer.Option("--from-stack", metavar="NAME", help="The CloudFormation stack of `cdk deploy`.")
    ] = None,
    region: Annotated[
        str | None, typer.Option("--region", help="Where the stack is.", show_default="the AWS profile's")
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Talk to this machine's own stack again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Have the other commands talk to a stack in AWS: its outputs are read once and kept in a file of yours.

    API_URL, where it is set, still goes before it. Tokens are signed with the stack's own secret, which is read from
    AWS with your credentials when a command needs one; where an identity provider makes the tokens, set API_TOKEN.
    """
    if forget == (from_stack is not None):
        raise Invalid("usage", "give --from-stack NAME, or --forget")
    if from_stack is None:
        with suppress(FileNotFoundError):
            configuration_file().unlink()
        REMARKS.print("This machine's own stack it is.")
        return
    configuration = StackConfiguration.of_outputs(from_stack, read_outputs(from_stack, region=region))
    path = write_configuration(configuration)
    if as_json:
        print_json({name: value for name, value in vars(configuration).items() if value is not None})
        return
    say(f"{configuration.api_url} is what commands talk to from now on ({path}).")
    if configuration.dashboard_url is not None:
        say(f"How it does: {configuration.dashboard_url}")


def read_outputs(stack: str, *, region: str | None) -> dict[str, str]:
    """The stack's outputs by name.

    Raises `NotFound` where there is no such stack, `Conflict` where it has not come to be yet, or failed to, and
    `Unavailable` without an answer.
    """
    try:
        client = boto3.client("cloudformation", region_name=region, config=CONFIG)
        found: dict[str, Any] = dict(client.describe_stacks(StackName=stack)["Stacks"][0])
    except ClientError as error:
        if "does not exist" in str(error):
            raise NotFound("stack_not_found", f"there is no stack {stack} here; is --region right?") from error
        raise Unavailable("aws_unavailable", str(error)) from error
    except BotoCoreError as error:
        raise Unavailable("aws_unavailable", f"{error}; are there AWS credentials and a region?") from error
    if not found.get("Outputs") and found["StackStatus"] not in COMPLETE:
        raise Conflict("stack_not_ready", f"the stack {stack} is {found['StackStatus']}; deploy it to its end first")
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
