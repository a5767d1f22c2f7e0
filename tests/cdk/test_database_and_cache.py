"""Postgres is kept, backed up and encrypted; Valkey has TLS and a user for jobs who may do what keys.py says."""

from collections.abc import Mapping

from aws_cdk.assertions import Match, Template

from pipeline.progress.keys import JOB_COMMANDS, JOB_KEY_PATTERNS
from tests.cdk.conftest import Synthesized

INSTANCE, USER, GROUP = "AWS::RDS::DBInstance", "AWS::ElastiCache::User", "AWS::ElastiCache::ReplicationGroup"


def test_postgres_is_small_kept_and_backed_up(template: Template):
    template.has_resource_properties(
        INSTANCE,
        {
            "DBInstanceClass": "db.t4g.small",
            "Engine": "postgres",
            "StorageEncrypted": True,
            "DeletionProtection": True,
            "BackupRetentionPeriod": 14,
            "MultiAZ": True,
            "PubliclyAccessible": False,
            # RDS makes the password, and a new one every week.
            "ManageMasterUserPassword": True,
        },
    )
    template.has_resource(INSTANCE, {"DeletionPolicy": "Snapshot", "UpdateReplacePolicy": "Snapshot"})


def test_postgres_of_dev_goes_with_its_stack_and_leaves_a_snapshot(variants: Mapping[str, Synthesized]):
    body = variants["dev"].body["Resources"].values()
    (instance,) = (resource for resource in body if resource["Type"] == INSTANCE)
    # Else a first deployment that fails could not be taken back either.
    assert instance["Properties"]["DeletionProtection"] is False
    assert instance["DeletionPolicy"] == "Snapshot"


def test_postgres_takes_tls_only_and_45_connections(template: Template):
    template.has_resource_properties(
        "AWS::RDS::DBParameterGroup",
        {"Parameters": Match.object_like({"rds.force_ssl": "1", "max_connections": "45"})},
    )


def test_no_password_of_postgres_stands_in_the_template(prod: Synthesized):
    (instance,) = prod.resources(INSTANCE).values()
    assert "MasterUserPassword" not in instance


def test_the_cache_has_tls_and_users(template: Template, variants: Mapping[str, Synthesized]):
    template.has_resource_properties(
        GROUP,
        {
            "Engine": "valkey",
            "TransitEncryptionEnabled": True,
            "TransitEncryptionMode": "required",
            "AtRestEncryptionEnabled": True,
            "AutomaticFailoverEnabled": True,
            "UserGroupIds": [{"Ref": Match.any_value()}],
        },
    )
    (dev,) = variants["dev"].resources(GROUP).values()
    assert (dev["NumCacheClusters"], dev["AutomaticFailoverEnabled"]) == (1, False)


def test_the_user_of_jobs_touches_progress_keys_only(prod: Synthesized):
    users = {user["UserName"]: user["AccessString"].split() for user in prod.resources(USER).values()}
    assert set(users) == {"academy-prod-job", "academy-prod-control-plane"}
    words = users["academy-prod-job"]
    assert {word[1:] for word in words if word.startswith("~")} == set(JOB_KEY_PATTERNS)
    assert {word[1:] for word in words if word.startswith("+")} == set(JOB_COMMANDS)
    assert words.index("-@all") < min(words.index(f"+{command}") for command in JOB_COMMANDS)
    assert "-@dangerous" in users["academy-prod-control-plane"]
