"""Who calls: a JSON Web Token with `tenant_id`, `user_id` and `role`, from a shared secret or a JWKS address.

The algorithm is pinned by the setting, never taken from the token: HS256 with JWT_SECRET, RS256 or ES256 with
JWT_JWKS_URL. A token without `exp` is refused.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import jwt
from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from structlog.contextvars import bind_contextvars

from pipeline.errors import Invalid, NotAllowed, NotAuthenticated, Unavailable
from pipeline.identifiers import TenantId, parse_tenant
from pipeline.settings import Settings

# Clocks of servers differ by a few seconds.
LEEWAY_S = 5
# A verified token is trusted again for this long without another look at its signature.
REMEMBER_S = 10.0
REMEMBER_AT_MOST = 4096
JWKS_TIMEOUT_S = 3.0
JWKS_LIFESPAN_S = 300.0


class Role(StrEnum):
    TEACHER = "teacher"
    OPERATOR = "operator"
    VIEWER = "viewer"
    """May read, and nothing else."""


@dataclass(frozen=True)
class Caller:
    tenant_id: TenantId
    user_id: str
    role: Role


KeyOf = Callable[[str], Any]
"""The key with which to verify a token."""


class Verifier:
    """Turns tokens into callers; raises `NotAuthenticated` with a reason of its own for each way to be wrong."""

    def __init__(self, *, key_of: KeyOf, algorithms: tuple[str, ...], audience: str | None, slow: bool) -> None:
        self._key_of = key_of
        self._algorithms = algorithms
        self._audience = audience
        self._slow = slow
        self._remembered: dict[bytes, tuple[Caller, float]] = {}

    async def verify(self, token: str) -> Caller:
        digest = hashlib.sha256(token.encode()).digest()
        remembered = self._remembered.get(digest)
        if remembered is not None and time.time() < remembered[1]:
            return remembered[0]
        # A set of keys may have to be fetched first, which must not hold up everybody else.
        claims = await run_in_threadpool(self._claims, token) if self._slow else self._claims(token)
        caller = _caller_of(claims)
        if len(self._remembered) >= REMEMBER_AT_MOST:
            self._remembered.clear()
        self._remembered[digest] = (caller, min(time.time() + REMEMBER_S, claims["exp"] + LEEWAY_S))
        return caller

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                self._key_of(token),
                algorithms=list(self._algorithms),
                audience=self._audience,
                leeway=LEEWAY_S,
                options={"require": ["exp"], "verify_aud": self._audience is not None},
            )
        except jwt.PyJWKClientConnectionError as exc:
            raise Unavailable("identity_provider_unavailable", "the JWKS address does not answer") from exc
        except jwt.PyJWKClientError as exc:
            raise NotAuthenticated("token_key_unknown", "no key of the JWKS address signed this token") from exc
        except jwt.ExpiredSignatureError as exc:
            raise NotAuthenticated("token_expired", "exp has passed") from exc
        except jwt.InvalidSignatureError as exc:
            raise NotAuthenticated("token_signature_invalid", "the signature does not verify") from exc
        except jwt.InvalidAlgorithmError as exc:
            raise NotAuthenticated("token_algorithm_invalid", f"expected one of {', '.join(self._algorithms)}") from exc
        except (jwt.InvalidAudienceError, jwt.MissingRequiredClaimError) as exc:
            raise NotAuthenticated("token_claim_invalid", str(exc)) from exc
        except jwt.PyJWTError as exc:
            raise NotAuthenticated("token_malformed", str(exc)) from exc


def _caller_of(claims: dict[str, Any]) -> Caller:
    try:
        tenant_id = parse_tenant(_text_claim(claims, "tenant_id"))
    except Invalid as exc:
        raise NotAuthenticated("token_claim_invalid", exc.detail) from exc
    role = claims.get("role")
    if not isinstance(role, str) or role not in set(Role):
        raise NotAuthenticated("token_claim_invalid", f"role {role!r} is not one of {', '.join(Role)}")
    return Caller(tenant_id, _text_claim(claims, "user_id"), Role(role))


def _text_claim(claims: dict[str, Any], name: str) -> str:
    """Identifiers of users and tenants are numbers in some academies' systems."""
    value = claims.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not 1 <= len(value) <= 200:
        raise NotAuthenticated("token_claim_invalid", f"{name} {value!r} is not a text of 1 to 200 characters")
    return value


def open_verifier(settings: Settings) -> Verifier:
    """The verifier that the settings ask for; raises `Invalid` where they name no way to know a user."""
    if settings.jwt_secret is not None:
        secret = settings.jwt_secret.get_secret_value()
        return Verifier(key_of=lambda _token: secret, algorithms=("HS256",), audience=settings.jwt_audience, slow=False)
    if settings.jwt_jwks_url is not None:
        client = jwt.PyJWKClient(str(settings.jwt_jwks_url), timeout=JWKS_TIMEOUT_S, lifespan=JWKS_LIFESPAN_S)
        return Verifier(
            key_of=lambda token: client.get_signing_key_from_jwt(token).key,
            algorithms=("RS256", "ES256"),
            audience=settings.jwt_audience,
            slow=True,
        )
    raise Invalid("jwt_not_configured", "set JWT_SECRET or JWT_JWKS_URL")


def bearer_token(request: Request) -> str:
    header = request.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAuthenticated("token_missing", "send `Authorization: Bearer …`")
    return token.strip()


async def reading_caller(request: Request) -> Caller:
    """Whoever has a good token."""
    verifier: Verifier = request.app.state.verifier
    caller = await verifier.verify(bearer_token(request))
    bind_contextvars(tenant_id=caller.tenant_id)
    return caller


async def writing_caller(request: Request) -> Caller:
    """Whoever may change something."""
    caller = await reading_caller(request)
    if caller.role is Role.VIEWER:
        raise NotAllowed("role_may_only_read", f"role {caller.role.value!r} may not change anything")
    return caller


Reader = Annotated[Caller, Depends(reading_caller)]
Writer = Annotated[Caller, Depends(writing_caller)]
