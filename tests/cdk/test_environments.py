"""What a context may say, and how many connections to Postgres an environment can need."""

import dataclasses

import pytest

from cdk.connections import BUDGET, MAX_CONNECTIONS, check_connections
from cdk.environments import DEV, PROD, R2, Environment, Images, Tasks, environment_of


def test_dev_is_what_an_empty_context_means():
    assert environment_of({}) == DEV
    assert environment_of({"stage": "prod", "domain": ""}) == PROD


def test_a_context_changes_what_it_names():
    environment = environment_of(
        {
            "name": "hagwon",
            "gpu_instance_types": "g6.xlarge, g6.2xlarge",
            "budget_usd": "90",
            "egress": "nat",
            "r2_endpoint": "https://r2.example.com",
            "r2_bucket": "b",
            "r2_secret": "s",
            "image_repository": "academy",
            "image_tag": "v1",
        }
    )
    assert environment.prefix == "hagwon-dev"
    assert environment.gpu_instance_types == ("g6.xlarge", "g6.2xlarge")
    assert environment.monthly_budget_usd == 90
    assert environment.r2 == R2("https://r2.example.com", "b", "s")
    assert environment.images == Images("academy", "v1")


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ({"stage": "test"}, "stage is 'test'"),
        ({"name": "Hagwon"}, "name is 'Hagwon': up to 20 small letters"),
        ({"name": "seoul--branch"}, "name is 'seoul--branch'"),
        ({"name": "hagwon-"}, "name is 'hagwon-'"),
        ({"name": "a" * 21}, "name is 'a{21}'"),
        ({"egress": "none"}, "egress is 'none'"),
        ({"gpu_instance_types": "g5.xlarge,p4d.24xlarge"}, "p4d.24xlarge has no NVENC"),
        ({"gpu_instance_types": "p5.48xlarge"}, "p5.48xlarge has no NVENC"),
        ({"r2_endpoint": "https://r2.example.com", "egress": "nat"}, "r2_bucket is missing"),
        ({"r2_endpoint": "x", "r2_bucket": "b", "r2_secret": "s"}, "set egress=nat"),
        ({"jwt_jwks_url": "https://id.example.com"}, "set egress=nat"),
        ({"domain": "media.example.com"}, "domain needs"),
        ({"certificate_arn": "arn"}, "domain needs"),
        ({"image_repository": "academy"}, "image_tag is missing"),
        ({"alarm_email": "the operator"}, "alarm_email is 'the operator'"),
        ({"zones": "ap-northeast-2a"}, "zones are ap-northeast-2a: there have to be two"),
        ({"zones": "us-east-1a,us-east-1b"}, "two, of ap-northeast-2"),
    ],
)
def test_a_context_that_does_not_fit_together_is_refused(context: dict[str, str], said: str):
    with pytest.raises(ValueError, match=said):
        environment_of(context)


@pytest.mark.parametrize("environment", [DEV, PROD], ids=["dev", "prod"])
def test_all_that_may_run_at_once_fits_the_budget_of_connections(environment: Environment):
    assert check_connections(environment) <= BUDGET == 30
    assert MAX_CONNECTIONS == 45


def test_more_tasks_than_postgres_can_take_are_refused_with_the_sum():
    greedy = dataclasses.replace(PROD, tasks=Tasks(least=2, most=6, surge_percent=150))
    with pytest.raises(ValueError, match=r"42 connections .* control plane 9 \* 4"):
        check_connections(greedy)
