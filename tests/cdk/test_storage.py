"""The bucket: closed to the public, TLS only, encrypted, and emptied of what nobody needs."""

from collections.abc import Mapping

from aws_cdk.assertions import Match, Template

from tests.cdk.conftest import Synthesized

BUCKET, POLICY = "AWS::S3::Bucket", "AWS::S3::BucketPolicy"


def test_every_bucket_is_closed_encrypted_and_takes_tls_only(prod: Synthesized):
    buckets, policies = prod.resources(BUCKET), prod.resources(POLICY)
    assert len(buckets) == 2
    for name, bucket in buckets.items():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        (policy,) = (p for p in policies.values() if p["Bucket"] == {"Ref": name})
        refusals = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
        assert {"Bool": {"aws:SecureTransport": "false"}} in [refusal["Condition"] for refusal in refusals]


def test_browsers_may_upload_and_read_the_etag_of_a_part(template: Template):
    template.has_resource_properties(
        BUCKET,
        {
            "CorsConfiguration": {
                "CorsRules": [
                    Match.object_like(
                        {
                            "AllowedMethods": ["GET", "HEAD", "PUT"],
                            "AllowedOrigins": ["*"],
                            "ExposedHeaders": ["ETag"],
                        }
                    )
                ]
            }
        },
    )


def test_aborted_uploads_scratch_and_cold_sources_cost_little(template: Template):
    rule = Match.object_like
    template.has_resource_properties(
        BUCKET,
        {
            "LifecycleConfiguration": {
                "Rules": Match.array_with(
                    [
                        rule({"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}, "Status": "Enabled"}),
                        rule(
                            {
                                "Prefix": "tenants/",
                                # Published segments are never that large.
                                "ObjectSizeGreaterThan": str(64 * 1024 * 1024),
                                "Transitions": [{"StorageClass": "GLACIER_IR", "TransitionInDays": 30}],
                            }
                        ),
                        rule({"Prefix": "scratch/", "ExpirationInDays": 7}),
                    ]
                )
            }
        },
    )


def test_lectures_outlive_the_stack_of_prod_only(variants: Mapping[str, Synthesized]):
    # Not where the stack's first deployment fails: then there are none.
    for variant, policy in (("prod", "RetainExceptOnCreate"), ("dev", "Delete")):
        assert policies_of(variants[variant]) == {"StorageMedia": policy, "StorageLogs": "Retain"}


def policies_of(variant: Synthesized) -> dict[str, str]:
    """DeletionPolicy of each bucket, by the logical name without its hash."""
    resources = variant.body["Resources"].items()
    return {name[:-8]: bucket["DeletionPolicy"] for name, bucket in resources if bucket["Type"] == BUCKET}


def test_r2_takes_the_place_of_the_bucket_and_of_its_key(variants: Mapping[str, Synthesized]):
    other = variants["other"]
    assert len(other.resources(BUCKET)) == 1  # access logs
    assert other.resources("AWS::IAM::User") == {}
    api = next(c for t in other.resources("AWS::ECS::TaskDefinition").values() for c in t["ContainerDefinitions"])
    variables = {entry["Name"]: entry["Value"] for entry in api["Environment"]}
    assert variables["S3_ENDPOINT_URL"] == "https://account.r2.cloudflarestorage.com"
    assert (variables["S3_BUCKET"], variables["S3_REGION"]) == ("lectures", "auto")
    keys = {entry["Name"]: str(entry["ValueFrom"]) for entry in api["Secrets"]}
    assert "r2-key" in keys["S3_ACCESS_KEY_ID"]
    assert "access_key_id" in keys["S3_ACCESS_KEY_ID"]
