"""Findings of cdk-nag that stay, each with its reason beside the resource that it is about."""

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

PACK = "AwsSolutions"


def explain(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """`reasons` by finding, such as `S1` or `IAM5[Resource::*]`; they hold for all below the construct too."""
    for finding, reason in reasons.items():
        Validations.of(construct).acknowledge(Acknowledgment(id=f"{PACK}-{finding}", reason=reason))
