"""Who is let in, and what the others are told."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import HttpUrl

from control_plane.auth import Role, open_verifier
from pipeline.errors import Invalid, NotAuthenticated, Unavailable
from pipeline.settings import Settings
from tests.control_plane.plane import JWT_SECRET, Plane, token

EXP = {"exp": 9_999_999_999}
NONE_TOKEN = jwt.encode({"tenant_id": "t", "exp": 9_999_999_999}, "", algorithm="none")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (token(exp=1), "token_expired"),
        (token(exp=None), "token_claim_invalid"),
        (token(tenant=None), "token_claim_invalid"),
        (token(tenant="a/b"), "token_claim_invalid"),
        (token(tenant=["a"]), "token_claim_invalid"),
        (token(user_id=""), "token_claim_invalid"),
        (token(role="root"), "token_claim_invalid"),
        (token(role=["teacher"]), "token_claim_invalid"),
        (
            jwt.encode(EXP, "another secret that is long enough", algorithm="HS256"),
            "token_signature_invalid",
        ),
        (jwt.encode(EXP, JWT_SECRET * 2, algorithm="HS512"), "token_algorithm_invalid"),
        (NONE_TOKEN, "token_algorithm_invalid"),
        ("nonsense", "token_malformed"),
    ],
)
def test_a_token_that_is_not_good_is_refused_with_its_own_reason(plane: Plane, text: str, reason: str):
    reply = plane.http.get("/api/v1/jobs", headers={"Authorization": f"Bearer {text}"})
    assert (reply.status_code, reply.json()["reason"]) == (401, reason)
    assert reply.headers["WWW-Authenticate"] == "Bearer"
    assert text not in reply.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (token(tenant="a/b"), "'a/b'"),
        (token(user_id=""), "user_id ''"),
        (token(user_id="k" * 201), f"user_id '{'k' * 201}' is not a text of 1 to 200 characters"),
        (token(role="root"), "role 'root' is not one of teacher, operator, viewer"),
    ],
)
def test_a_claim_that_cannot_be_used_is_told_with_its_value(plane: Plane, text: str, said: str):
    reply = plane.http.get("/api/v1/jobs", headers={"Authorization": f"Bearer {text}"})
    assert said in reply.json()["detail"]


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic abc"}, {"Authorization": "Bearer"}])
def test_no_token_is_told_as_such(plane: Plane, header: dict[str, str]):
    reply = plane.http.get("/api/v1/jobs", headers=header)
    assert (reply.status_code, reply.json()["reason"]) == (401, "token_missing")


@pytest.mark.parametrize("role", list(Role))
def test_every_role_may_read_and_numbers_may_be_identifiers(plane: Plane, role: Role):
    text = token(tenant=17, user_id=4, role=role.value)
    assert plane.http.get("/api/v1/jobs", headers={"Authorization": f"Bearer {text}"}).status_code == 200


@contextmanager
def jwks_server(keys: list[dict[str, Any]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"keys": keys}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/jwks.json"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def signed(key: rsa.RSAPrivateKey, kid: str) -> str:
    claims = {"tenant_id": "hagwon-1", "user_id": "kim", "role": "teacher", "exp": 9_999_999_999}
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": kid})


def verify(settings: Settings, text: str) -> str:
    return asyncio.run(open_verifier(settings).verify(text)).tenant_id


def test_a_jwks_address_verifies_its_own_keys_and_no_shared_secret():
    key, stranger = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    public = {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())), "kid": "one", "use": "sig"}
    with jwks_server([public]) as url:
        settings = Settings(jwt_jwks_url=HttpUrl(url))
        assert verify(settings, signed(key, "one")) == "hagwon-1"
        for wrong, reason in (
            (signed(stranger, "one"), "token_signature_invalid"),
            (signed(key, "two"), "token_key_unknown"),
            (
                jwt.encode(EXP, "s" * 40, algorithm="HS256", headers={"kid": "one"}),
                "token_algorithm",
            ),
        ):
            with pytest.raises(NotAuthenticated, match=reason):
                verify(settings, wrong)
    with pytest.raises(Unavailable, match="identity_provider_unavailable"):
        verify(settings, signed(key, "one"))


def test_an_installation_without_a_way_to_know_users_does_not_start():
    with pytest.raises(Invalid, match="jwt_not_configured"):
        open_verifier(Settings())
