"""Where bytes lie: a bucket of our own, or one of R2's, and the key that signs URLs for it."""

from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy, SecretValue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cdk.environments import R2, Environment
from cdk.explaining import explain

# Published segments and pictures are a few MiB each: above this an object is a source. S3's rules cannot look for the
# "source/" in the middle of a key.
SOURCE_ABOVE_BYTES = 64 * 1024 * 1024
SIZED_RULE = 1
SOURCES_COLD_AFTER = Duration.days(30)
SCRATCH_PREFIX = "scratch/"
# What is stored under JSON keys of the secret.
KEY_ID, SECRET_KEY = "access_key_id", "secret_access_key"


@dataclass(frozen=True)
class StoreAddress:
    """What the control plane's settings S3_… say."""

    endpoint_url: str
    region: str
    bucket_name: str
    key: secretsmanager.ISecret


class Storage(Construct):
    """`address` is what the control plane needs. Jobs need nothing: they get presigned URLs."""

    def __init__(self, scope: Construct, name: str, environment: Environment) -> None:
        super().__init__(scope, name)
        self.logs = self._log_bucket(environment)
        self.bucket: s3.Bucket | None = None
        if environment.r2 is not None:
            self.address = self._r2(environment.r2)
            return
        self.bucket = self._media_bucket(environment)
        self.address = StoreAddress(
            endpoint_url=f"https://s3.{environment.region}.amazonaws.com",
            region=environment.region,
            bucket_name=self.bucket.bucket_name,
            key=self._signer(self.bucket),
        )

    def _media_bucket(self, environment: Environment) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Media",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=_removal(environment),
            server_access_logs_bucket=self.logs,
            server_access_logs_prefix="media/",
            cors=[
                s3.CorsRule(
                    allowed_methods=[s3.HttpMethods.GET, s3.HttpMethods.HEAD, s3.HttpMethods.PUT],
                    allowed_origins=list(environment.upload_origins),
                    allowed_headers=["*"],
                    # A multipart upload is completed with the parts' ETags.
                    exposed_headers=["ETag"],
                    max_age=3600,
                )
            ],
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="aborted-uploads", abort_incomplete_multipart_upload_after=Duration.days(1), prefix=""
                ),
                s3.LifecycleRule(
                    id="sources-get-cold",
                    prefix="tenants/",
                    object_size_greater_than=SOURCE_ABOVE_BYTES,
                    transitions=[
                        s3.Transition(
                            # Read at once when a video is made again.
                            storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL,
                            transition_after=SOURCES_COLD_AFTER,
                        )
                    ],
                ),
                s3.LifecycleRule(id="scratch", prefix=SCRATCH_PREFIX, expiration=Duration.days(7)),
            ],
        )
        # CDK writes a number where CloudFormation wants a string.
        rule = f"LifecycleConfiguration.Rules.{SIZED_RULE}.ObjectSizeGreaterThan"
        _resource(bucket).add_property_override(rule, str(SOURCE_ABOVE_BYTES))
        return bucket

    def _log_bucket(self, environment: Environment) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Logs",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            # The load balancer writes a first file at once, and a bucket that holds one cannot be deleted: not with the
            # stack, and not when a first deployment fails. What is left empties itself.
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=[s3.LifecycleRule(id="old", expiration=Duration.days(environment.log_days))],
        )
        explain(bucket, {"S1": "It holds the access logs; its own would be about themselves."})
        return bucket

    def _signer(self, bucket: s3.Bucket) -> secretsmanager.Secret:
        """A user with a lasting key, for a URL dies with the key that signed it: a task's own lives for hours at most,
        and has sometimes minutes left, while a job may need its source for half a day.
        """
        user = iam.User(self, "Signer")
        objects = iam.Policy(
            self,
            "Objects",
            users=[user],
            statements=[
                iam.PolicyStatement(
                    actions=["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
                    resources=[bucket.arn_for_objects("*")],
                ),
                # Without it, a missing object is answered 403 instead of 404.
                iam.PolicyStatement(actions=["s3:ListBucket"], resources=[bucket.bucket_arn]),
            ],
        )
        explain(
            objects,
            {
                f"IAM5[Resource::<{bucket.stack.get_logical_id(_resource(bucket))}.Arn>/*]": (
                    "The control plane signs URLs for any object of the one bucket."
                )
            },
        )
        key = iam.AccessKey(self, "Key", user=user)
        secret = secretsmanager.Secret(
            self,
            "SigningKey",
            description="The key that signs the URLs of objects",
            secret_object_value={
                KEY_ID: SecretValue.unsafe_plain_text(key.access_key_id),
                SECRET_KEY: key.secret_access_key,
            },
        )
        explain(
            secret,
            {"SMG4": "It is replaced by deploying with a new AccessKey: URLs signed with the old one have to run out."},
        )
        return secret

    def _r2(self, r2: R2) -> StoreAddress:
        key = secretsmanager.Secret.from_secret_name_v2(self, "R2Key", r2.secret_name)
        return StoreAddress(endpoint_url=r2.endpoint, region="auto", bucket_name=r2.bucket, key=key)


def _resource(bucket: s3.Bucket) -> s3.CfnBucket:
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket), "a bucket of our own"
    return resource


def _removal(environment: Environment) -> RemovalPolicy:
    return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if environment.is_kept else RemovalPolicy.DESTROY
