"""Which API a command talks to, and as whom.

API_URL and API_TOKEN where they are set; else the stack in AWS that `academy configure` chose; else the stack that runs
on this machine, whose file `stack.json` holds its address and the secret to mint a token with. Only its owner can read
that file.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import jwt
from platformdirs import user_data_path
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from cli.stack_configuration import StackConfiguration, find_configuration
from pipeline.embedded.stack_file import find_running_stack
from pipeline.errors import Invalid, Unavailable
from pipeline.identifiers import parse_tenant

DEFAULT_TENANT: Final = "demo"
TOKEN_LASTS_S: Final = 12 * 3600


class ClientSettings(BaseSettings):
    """What the environment says about the API to use."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    api_url: str | None = None
    api_token: SecretStr | None = None
    academy_data: Path = Field(default_factory=lambda: user_data_path("academy"))


@dataclass(frozen=True)
class Connection:
    """`origin` says where the address comes from. `remote` is an API that the settings name, not one of ours."""

    api_url: str
    token: str = field(repr=False)
    origin: str
    remote: bool
    # For links that are handed on: it may only read. There is none where we cannot sign one.
    viewer_token: str | None = field(default=None, repr=False)

    @property
    def tenant(self) -> str | None:
        """Whose things are told, by the token's own claims; None where it has none that can be read."""
        try:
            claims = jwt.decode(self.token, options={"verify_signature": False})
        except jwt.PyJWTError:
            return None
        said = claims.get("tenant_id")
        return said if isinstance(said, str) else None


def find_connection(*, tenant: str | None = None) -> Connection:
    """The API to use; raises `Unavailable` where there is none, saying how to start one."""
    settings = ClientSettings()
    token = settings.api_token.get_secret_value() if settings.api_token is not None else None
    if token is not None and tenant is not None:
        raise Invalid("tenant_not_usable", "--tenant cannot be used with API_TOKEN, which names its own tenant")
    if settings.api_url is not None:
        if token is None:
            raise Invalid("api_token_missing", "API_URL is set, so API_TOKEN must be set too")
        return Connection(settings.api_url.rstrip("/"), token, "API_URL", remote=True)
    configured = find_configuration()
    if configured is not None:
        return _configured_connection(configured, token, tenant=tenant or DEFAULT_TENANT)
    stack = find_running_stack(settings.academy_data)
    if stack is None:
        raise Unavailable(
            "no_stack_runs",
            f"no stack runs on {settings.academy_data}. Start one with `academy up`, or set API_URL and API_TOKEN.",
        )
    if token is not None:
        return Connection(stack.api_url, token, "the stack of this machine", remote=False)
    if stack.jwt_secret is None:
        raise Invalid("api_token_missing", "this stack verifies tokens by JWT_JWKS_URL: set API_TOKEN")
    return local_connection(stack.api_url, stack.jwt_secret, tenant=tenant or DEFAULT_TENANT)


def _configured_connection(configured: StackConfiguration, token: str | None, *, tenant: str) -> Connection:
    """To a stack in AWS; where no API_TOKEN is set, with one signed by its secret, which operators may read."""
    if token is None and configured.jwt_secret_arn is None:
        raise Invalid("api_token_missing", "this stack's tokens are an identity provider's: set API_TOKEN")
    if token is None:
        token = mint_token(_read_secret(configured), tenant=tenant)
    return Connection(configured.api_url.rstrip("/"), token, f"the stack {configured.stack}", remote=True)


def _read_secret(configured: StackConfiguration) -> str:
    import boto3  # noqa: PLC0415 - a fifth of a second, which a stack of this machine does not need
    from botocore.config import Config  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    config = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 3, "mode": "standard"})
    try:
        client = boto3.client("secretsmanager", region_name=configured.region, config=config)
        return str(client.get_secret_value(SecretId=configured.jwt_secret_arn or "")["SecretString"])
    except (BotoCoreError, ClientError) as error:
        raise Unavailable("aws_unavailable", f"the secret of {configured.stack} cannot be read: {error}") from error


def local_connection(api_url: str, jwt_secret: str, *, tenant: str) -> Connection:
    """To a stack of this machine, with tokens of our own."""
    return Connection(
        api_url=api_url,
        token=mint_token(jwt_secret, tenant=tenant),
        origin="the stack of this machine",
        remote=False,
        viewer_token=mint_token(jwt_secret, tenant=tenant, user="viewer", role="viewer"),
    )


def mint_token(secret: str, *, tenant: str, user: str = "cli", role: str = "operator") -> str:
    """A token that the stack of this machine accepts for half a day; raises `Invalid` for a tenant of odd letters."""
    now = int(time.time())
    claims = {"tenant_id": parse_tenant(tenant), "user_id": user, "role": role, "iat": now, "exp": now + TOKEN_LASTS_S}
    return jwt.encode(claims, secret, algorithm="HS256")
