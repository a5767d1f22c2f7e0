"""The two secrets that tokens are signed with: those of people, and those of jobs."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cdk.environments import Environment
from cdk.explaining import explain

CHARACTERS = 64


class SigningSecrets(Construct):
    """`jwt` is None where people's tokens are checked with the keys of an identity provider."""

    def __init__(self, scope: Construct, name: str, environment: Environment) -> None:
        super().__init__(scope, name)
        self.jobs = self._secret("Jobs", "Signs the tokens of jobs")
        self.jwt = self._secret("Jwt", "Signs the tokens of people") if environment.jwt_jwks_url is None else None

    def grant_read(self, grantee: iam.IGrantable) -> None:
        self.jobs.grant_read(grantee)
        if self.jwt is not None:
            self.jwt.grant_read(grantee)

    def _secret(self, name: str, description: str) -> secretsmanager.Secret:
        secret = secretsmanager.Secret(
            self,
            name,
            description=description,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                exclude_punctuation=True, password_length=CHARACTERS
            ),
        )
        explain(
            secret,
            {"SMG4": "A new value ends all sessions and all running jobs at once, so a person chooses the moment."},
        )
        return secret
