"""The stack is made with no account and no network, and the linters of templates have nothing to say."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cdk.conftest import ROOT, Synthesized

VARIANTS = ("dev", "prod", "other")


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_finding_of_cdk_nag_has_a_reason_or_is_gone(variants: Mapping[str, Synthesized], variant: str):
    assert variants[variant].violations == []


def test_cfn_lint_finds_nothing(variants: Mapping[str, Synthesized]):
    # dev is made of what prod is made of.
    paths = [str(variants[variant].path) for variant in ("prod", "other")]
    found = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--regions", "ap-northeast-2", "--template", *paths],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (found.returncode, found.stdout + found.stderr) == (0, "")


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_variant_knows_an_account_or_looks_anything_up(variants: Mapping[str, Synthesized], variant: str):
    manifest = (variants[variant].folder / "manifest.json").read_text()
    assert '"missing"' not in manifest
    assert "aws://unknown-account/ap-northeast-2" in manifest


def test_no_secret_stands_in_a_template(prod: Synthesized):
    for properties in prod.resources("AWS::SecretsManager::Secret").values():
        said = str(properties.get("SecretString", ""))
        assert "SecretString" not in properties or "resolve:secretsmanager" in said or "SecretAccessKey" in said
