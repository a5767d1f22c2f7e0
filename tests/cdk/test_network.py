"""Two zones, endpoints instead of a NAT, and who may open a connection to whom."""

from collections.abc import Mapping
from typing import Any

import pytest
from aws_cdk.assertions import Template

from tests.cdk.conftest import Synthesized

ENDPOINT, NAT, SUBNET = "AWS::EC2::VPCEndpoint", "AWS::EC2::NatGateway", "AWS::EC2::Subnet"
INGRESS = "AWS::EC2::SecurityGroupIngress"


def services_of(variant: Synthesized) -> list[str]:
    return [str(endpoint["ServiceName"]) for endpoint in variant.resources(ENDPOINT).values()]


def opened(variant: Synthesized) -> set[tuple[str, str, int]]:
    """(to, from, port) by the descriptions of the security groups."""
    groups = variant.resources("AWS::EC2::SecurityGroup")

    def named(reference: Any) -> str:
        return str(groups[reference["Fn::GetAtt"][0]]["GroupDescription"])

    return {
        (named(rule["GroupId"]), named(rule["SourceSecurityGroupId"]), rule["FromPort"])
        for rule in variant.resources(INGRESS).values()
    }


def test_a_zone_may_fail(template: Template):
    # Three parts in two zones each.
    template.resource_count_is(SUBNET, 6)


def test_the_zones_can_be_chosen(variants: Mapping[str, Synthesized]):
    zones = [subnet["AvailabilityZone"] for subnet in variants["other"].resources(SUBNET).values()]
    assert sorted(zones) == 3 * ["ap-northeast-2a"] + 3 * ["ap-northeast-2c"]


@pytest.mark.parametrize("variant", ["dev", "prod"])
def test_endpoints_take_the_place_of_a_nat(variants: Mapping[str, Synthesized], variant: str):
    services = services_of(variants[variant])
    for service in ("ecr.api", "ecr.dkr", "logs", "ecs-agent", "secretsmanager", "batch", "sqs"):
        assert any(name.endswith(f".{service}") for name in services), service
    assert any(".s3" in name for name in services)
    assert variants[variant].resources(NAT) == {}


@pytest.mark.parametrize("variant", ["dev", "prod"])
def test_the_way_to_s3_leads_to_our_bucket_and_to_layers_of_images_only(
    variants: Mapping[str, Synthesized], variant: str
):
    endpoints = variants[variant].resources(ENDPOINT).values()
    (gateway,) = (endpoint for endpoint in endpoints if endpoint["VpcEndpointType"] == "Gateway")
    (bucket,) = (name for name in variants[variant].resources("AWS::S3::Bucket") if name.startswith("StorageMedia"))
    opened = {str(statement["Resource"]) for statement in gateway["PolicyDocument"]["Statement"]}
    assert len(opened) == 3
    assert len([resource for resource in opened if bucket in resource]) == 2
    (layers,) = (resource for resource in opened if bucket not in resource)
    assert "starport-layer-bucket/*" in layers


def test_with_a_nat_the_way_to_s3_costs_nothing_all_the_same(variants: Mapping[str, Synthesized]):
    assert len(variants["other"].resources(NAT)) == 1
    assert len(services_of(variants["other"])) == 1


def test_jobs_reach_the_cache_and_the_control_plane_and_never_the_database(prod: Synthesized):
    rules = opened(prod)
    jobs = "what jobs run on"
    assert {(to, port) for to, source, port in rules if source == jobs} == {
        ("Valkey", 6379),
        ("control plane and consumer", 8100),
        ("AWS services that are reached without a NAT", 443),
    }
    assert {source for to, source, port in rules if to == "Postgres"} == {"control plane and consumer"}
