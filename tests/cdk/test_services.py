"""The control plane and the consumer: what they are told, how many run, how people reach them, what they may do."""

import json
from collections.abc import Mapping
from fnmatch import fnmatch
from importlib.metadata import version
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

from control_plane.failures import Failure
from control_plane.internal_jobs import part_routes as internal_part_routes
from control_plane.internal_jobs import routes as internal_routes
from pipeline.settings import Settings
from tests.cdk.conftest import Synthesized

TASK, SERVICE, LISTENER = "AWS::ECS::TaskDefinition", "AWS::ECS::Service", "AWS::ElasticLoadBalancingV2::Listener"


def containers(variant: Synthesized) -> dict[str, dict[str, Any]]:
    tasks = variant.resources(TASK).values()
    return {container["Name"]: container for task in tasks for container in task["ContainerDefinitions"]}


def variables_of(container: Mapping[str, Any]) -> dict[str, Any]:
    return {entry["Name"]: entry["Value"] for entry in container["Environment"]}


def service_with(variant: Synthesized, container: str) -> dict[str, Any]:
    tasks = variant.resources(TASK)
    for service in variant.resources(SERVICE).values():
        task = tasks[service["TaskDefinition"]["Ref"]]
        if container in [entry["Name"] for entry in task["ContainerDefinitions"]]:
            return service
    raise AssertionError(container)


@pytest.mark.parametrize("variant", ["dev", "prod", "other"])
def test_tasks_are_told_settings_that_exist(variants: Mapping[str, Synthesized], variant: str):
    known = {name.upper() for name in Settings.model_fields}
    for container in containers(variants[variant]).values():
        told = set(variables_of(container)) | {entry["Name"] for entry in container["Secrets"]}
        assert told <= known


def test_a_thousand_waiting_jobs_are_not_described_every_second(prod: Synthesized):
    for container in containers(prod).values():
        assert float(variables_of(container)["SWEEP_EVERY_S"]) >= 10


def test_what_is_secret_comes_from_secrets_manager(prod: Synthesized):
    secret = {"REDIS_URL", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", "JOB_TOKEN_SECRET", "JWT_SECRET"}
    for container in containers(prod).values():
        assert {entry["Name"] for entry in container["Secrets"]} == secret
        # Jobs have the address of their user from their definition.
        assert not secret & set(variables_of(container))
        assert "JOB_REDIS_URL" not in variables_of(container)
        assert "@" not in str(variables_of(container)["DATABASE_URL"])


def test_an_identity_provider_takes_the_place_of_a_secret(variants: Mapping[str, Synthesized]):
    api = containers(variants["other"])["api"]
    assert "JWT_SECRET" not in {entry["Name"] for entry in api["Secrets"]}
    assert variables_of(api)["JWT_JWKS_URL"] == "https://id.example.com/keys"
    assert variables_of(api)["JWT_AUDIENCE"] == "media"


def test_containers_write_to_their_scratch_volume_only(prod: Synthesized):
    for container in containers(prod).values():
        assert container["ReadonlyRootFilesystem"] is True
        assert [point["ContainerPath"] for point in container["MountPoints"]] == ["/scratch"]
        assert container["LinuxParameters"]["InitProcessEnabled"] is True


def test_the_schema_is_brought_up_to_date_before_the_api_begins(prod: Synthesized):
    named = containers(prod)
    assert named["api"]["DependsOn"] == [{"Condition": "SUCCESS", "ContainerName": "migrate"}]
    assert named["migrate"]["Command"] == ["python", "-m", "pipeline.database.migrate"]
    assert named["migrate"]["Essential"] is False
    assert named["api"]["HealthCheck"]["Command"] == ["CMD", "python", "-m", "control_plane.health"]


@pytest.mark.parametrize("variant", ["dev", "prod", "other"])
def test_no_task_begins_before_it_can_fetch_its_image_and_its_secrets(
    variants: Mapping[str, Synthesized], variant: str
):
    resources = variants[variant].body["Resources"]
    tasks, policies = variants[variant].resources(TASK), variants[variant].resources("AWS::IAM::Policy")
    ways_out = {name for name, resource in resources.items() if resource["Type"] == "AWS::EC2::VPCEndpoint"}
    # With a NAT, the routes of the private subnets.
    ways_out |= {name for name, item in resources.items() if "NatGatewayId" in item.get("Properties", {})}
    assert len(ways_out) == (3 if variant == "other" else 10)
    for service in (resource for resource in resources.values() if resource["Type"] == SERVICE):
        role = tasks[service["Properties"]["TaskDefinition"]["Ref"]]["ExecutionRoleArn"]["Fn::GetAtt"][0]
        (policy,) = (name for name, item in policies.items() if {"Ref": role} in item.get("Roles", []))
        assert {*ways_out, role, policy} <= set(service["DependsOn"])


def test_events_are_read_by_the_consumer_alone(prod: Synthesized):
    named = containers(prod)
    assert named["consumer"]["Command"] == ["python", "-m", "control_plane.events"]
    assert "BATCH_EVENTS_QUEUE_URL" in variables_of(named["consumer"])
    assert "BATCH_EVENTS_QUEUE_URL" not in variables_of(named["api"])


@pytest.mark.parametrize("variant", ["dev", "prod"])
def test_all_connections_to_postgres_at_once_are_at_most_30_of_45(variants: Mapping[str, Synthesized], variant: str):
    template = variants[variant]
    scaled = [
        target["MaxCapacity"] for target in template.resources("AWS::ApplicationAutoScaling::ScalableTarget").values()
    ]
    total = 3 + 1  # a person with psql, and one migration, for which the others wait
    for name in ("api", "consumer"):
        service = service_with(template, name)
        tasks = max([service["DesiredCount"], *(scaled if name == "api" else [])])
        at_once = tasks * max(100, service["DeploymentConfiguration"]["MaximumPercent"]) // 100
        total += at_once * int(variables_of(containers(template)[name])["DATABASE_POOL_SIZE"])
    (parameters,) = template.resources("AWS::RDS::DBParameterGroup").values()
    assert total <= 30 < int(parameters["Parameters"]["max_connections"]) == 45


def test_a_deployment_that_does_not_start_is_taken_back(template: Template):
    breaker = {"Enable": True, "Rollback": True}
    template.all_resources_properties(
        SERVICE, {"DeploymentConfiguration": Match.object_like({"DeploymentCircuitBreaker": breaker})}
    )


@pytest.mark.parametrize("variant", ["prod", "other"])
def test_no_call_of_a_job_is_passed_on_from_outside(variants: Mapping[str, Synthesized], variant: str):
    (rule,) = variants[variant].resources("AWS::ElasticLoadBalancingV2::ListenerRule").values()
    ((pattern,),) = (condition["PathPatternConfig"]["Values"] for condition in rule["Conditions"])
    paths = {route.path for routes in (internal_routes, internal_part_routes) for route in routes.router.routes}
    assert paths
    assert all(fnmatch(path, pattern) for path in paths)
    (action,) = rule["Actions"]
    answer = action["FixedResponseConfig"]
    assert (answer["StatusCode"], set(json.loads(answer["MessageBody"]))) == ("404", set(Failure.model_fields))


def test_without_a_domain_the_load_balancer_speaks_http_and_with_one_tls(variants: Mapping[str, Synthesized]):
    assert [(item["Port"], item["Protocol"]) for item in variants["prod"].resources(LISTENER).values()] == [
        (80, "HTTP")
    ]
    other = {item["Port"]: item for item in variants["other"].resources(LISTENER).values()}
    assert other[443]["Protocol"] == "HTTPS"
    assert other[443]["SslPolicy"].startswith("ELBSecurityPolicy-TLS13")
    assert other[80]["DefaultActions"][0]["RedirectConfig"]["Protocol"] == "HTTPS"
    assert variables_of(containers(variants["other"])["api"])["PUBLIC_URL"] == "https://media.example.com"


def test_jobs_find_the_control_plane_by_a_name_inside_the_network(prod: Synthesized):
    api = variables_of(containers(prod)["api"])
    assert api["CONTROL_PLANE_URL"] == "http://control-plane.academy-prod.internal:8100"


def test_streams_are_read_at_the_address_of_a_cdn_where_there_is_one(variants: Mapping[str, Synthesized]):
    assert variables_of(containers(variants["other"])["api"])["CDN_BASE_URL"] == "https://cdn.example.com"
    assert "CDN_BASE_URL" not in variables_of(containers(variants["prod"])["api"])


def test_built_images_say_which_version_they_are(prod: Synthesized):
    assets = json.loads((prod.folder / f"{prod.name}.assets.json").read_text())["dockerImages"].values()
    assert {asset["source"]["dockerFile"]: asset["source"]["dockerBuildArgs"] for asset in assets} == {
        "containers/control_plane/Dockerfile": {"VERSION": version("academy-media-pipeline")},
        "containers/transcode/Dockerfile": {"VERSION": version("academy-media-pipeline")},
        "containers/vision/Dockerfile": {"VERSION": version("academy-media-pipeline"), "VARIANT": "cpu"},
    }


def test_pushed_images_take_the_place_of_built_ones(variants: Mapping[str, Synthesized]):
    images = {str(container["Image"]) for container in containers(variants["other"]).values()}
    assert len(images) == 1
    assert "academy/control-plane:v1" in images.pop()


def test_the_outputs_are_what_an_operator_needs(prod: Synthesized):
    assert set(prod.body["Outputs"]) >= {
        "ApiUrl", "Region", "BatchPrefix", "BatchLogGroup", "VideoQueue", "SmallQueue", "EventsQueueUrl",
        "DeadLettersUrl", "Bucket", "JwtSecretArn", "DashboardUrl",
    }  # fmt: skip
