"""`academy configure --from-stack`: the outputs of the stack in AWS, here moto's, say where commands go."""

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import jwt
import pytest
from moto import mock_aws

from cli.stack_configuration import OUTPUTS
from tests.cli.conftest import Run
from tests.cli.scripted_api import ScriptedApi

REGION = "ap-northeast-2"
SECRET = "a secret of the stack that is long enough"


@pytest.fixture
def aws(tmp_path: Path, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An account with our stack, whose API is the scripted one; the file that `academy configure` writes."""
    file = tmp_path / "settings" / "stack.json"
    monkeypatch.setenv("ACADEMY_CONFIG", str(file))
    monkeypatch.setenv("ACADEMY_DATA", str(tmp_path))
    for name in ("API_URL", "API_TOKEN"):
        monkeypatch.delenv(name)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    # moto answers for AWS, and lets the scripted API of this machine through.
    with mock_aws(config={"core": {"passthrough": {"urls": [r".*127\.0\.0\.1.*"]}}}):
        arn = boto3.client("secretsmanager", region_name=REGION).create_secret(Name="jwt", SecretString=SECRET)["ARN"]
        make_stack("academy-prod", {"ApiUrl": api.url, "JwtSecretArn": arn})
        yield file


def make_stack(name: str, said: dict[str, str]) -> None:
    values = {output: f"the {output}" for output in OUTPUTS.values()} | {"Region": REGION} | said
    outputs = {output: {"Value": value} for output, value in values.items() if value}
    body = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}, "Outputs": outputs}
    boto3.client("cloudformation", region_name=REGION).create_stack(StackName=name, TemplateBody=json.dumps(body))


def configure(run: Run, stack: str = "academy-prod", *more: str):
    return run("configure", "--from-stack", stack, "--region", REGION, *more)


def test_the_outputs_are_kept_for_the_user_alone(run: Run, aws: Path, api: ScriptedApi):
    done = configure(run)
    assert done.code == 0
    assert "the DashboardUrl" in done.err
    kept = json.loads(aws.read_text())
    assert (kept["stack"], kept["api_url"], kept["region"]) == ("academy-prod", api.url, REGION)
    assert (kept["video_queue"], kept["bucket"]) == ("the VideoQueue", "the Bucket")
    assert kept["dashboard_url"] == "the DashboardUrl"
    assert aws.stat().st_mode & 0o777 == 0o600


def test_programs_get_what_was_found(run: Run, aws: Path):
    said = json.loads(configure(run, "academy-prod", "--json").out)
    assert said["batch_prefix"] == "the BatchPrefix"
    assert SECRET not in json.dumps(said)


def test_commands_then_talk_to_the_stack_with_a_token_of_its_secret(run: Run, aws: Path, api: ScriptedApi):
    configure(run)
    api.on("GET /media/videos", {"items": []})
    assert run("videos", "list", "--tenant", "hagwon-1").code == 0
    token = api.seen[0].headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, SECRET, algorithms=["HS256"], options={"require": ["exp"]})
    assert (claims["tenant_id"], claims["role"]) == ("hagwon-1", "operator")
    assert SECRET not in aws.read_text()


def test_where_an_identity_provider_makes_the_tokens_one_has_to_be_set(
    run: Run, aws: Path, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
):
    make_stack("academy-other", {"ApiUrl": api.url, "JwtSecretArn": ""})
    assert configure(run, "academy-other").code == 0
    ended = run("videos", "list")
    assert ended.code == 2
    assert "API_TOKEN" in ended.err
    monkeypatch.setenv("API_TOKEN", "a-token")
    api.on("GET /media/videos", {"items": []})
    assert run("videos", "list").code == 0
    assert api.seen[0].headers["authorization"] == "Bearer a-token"


def test_a_stack_that_is_not_there_or_not_ours_is_not_kept(run: Run, aws: Path):
    assert configure(run, "somebody-elses").code == 3
    boto3.client("cloudformation", region_name=REGION).create_stack(
        StackName="somebody-elses", TemplateBody=json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})
    )
    ended = configure(run, "somebody-elses")
    assert ended.code == 2
    assert "ApiUrl" in ended.err
    assert not aws.exists()


def test_a_stack_that_is_still_being_made_or_failed_says_so(run: Run, aws: Path):
    body = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})
    boto3.client("cloudformation", region_name=REGION).create_change_set(
        StackName="academy-dev", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=body
    )
    refused = configure(run, "academy-dev")
    assert refused.code != 0
    assert "stack_not_ready" in refused.err
    assert "academy-dev is REVIEW_IN_PROGRESS; deploy it to its end first" in " ".join(refused.err.split())
    assert not aws.exists()


def test_forgetting_brings_back_the_stack_of_this_machine(run: Run, aws: Path):
    configure(run)
    assert run("configure", "--forget").code == 0
    assert not aws.exists()
    assert "no stack runs" in run("videos", "list").err
    assert run("configure", "--forget").code == 0


def test_one_of_the_two_has_to_be_said(run: Run, aws: Path):
    assert run("configure").code == 2
    assert run("configure", "--from-stack", "academy-prod", "--forget").code == 2


def test_a_file_that_is_damaged_is_a_sentence(run: Run, aws: Path):
    aws.parent.mkdir()
    for text in ("{", "{}", "[]"):
        aws.write_text(text)
        ended = run("videos", "list")
        assert ended.code == 2
        assert "run academy configure again" in ended.err
