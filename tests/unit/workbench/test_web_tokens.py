"""What is believed of an ID token: everything that is signed by the pool, for us, in time; nothing else."""

import base64
import io
import json
import time
from collections.abc import Iterator
from email.message import Message
from typing import Any
from urllib.error import HTTPError, URLError

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from recto.errors import ServiceUnavailableError
from recto_workbench.errors import NotSignedInError
from recto_workbench.web import cognito
from recto_workbench.web.cognito import Client, CognitoTokens

ISSUER = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_pool"
CLIENT = Client(
    client_id="ours", provider_url="https://sign-in.example", keys_url="https://keys.example", issuer=ISSUER
)
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    said = {
        "sub": "s-1", "iss": ISSUER, "aud": "ours", "iat": now, "exp": now + 3600, "token_use": "id",
        "nonce": "n", "cognito:username": "anna", "cognito:groups": ["annotators"], "name": "Anna",
    }  # fmt: skip
    return {name: value for name, value in {**said, **changes}.items() if value is not None}


def token(key: Any = KEY, algorithm: str = "RS256", kid: str = "k1", **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers={"kid": kid})


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> Iterator[CognitoTokens]:
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
    keys = {"keys": [{**public, "kid": "k1", "use": "sig", "alg": "RS256"}]}
    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", lambda _: keys)
    return CognitoTokens(CLIENT)


def test_a_token_of_our_pool_for_us_is_believed(tokens: CognitoTokens) -> None:
    said = tokens.claims(token())

    assert (said.sub, said.nonce, said.groups) == ("s-1", "n", ("annotators",))
    assert (said.worker.worker_id, said.worker.name) == ("s-1", "Anna")
    assert tokens.claims(token(**{"cognito:groups": None, "name": None})).worker.name == "anna"


def unsigned() -> str:
    parts = [{"alg": "none", "kid": "k1"}, claims()]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, ""])


@pytest.mark.parametrize(
    "forged",
    [
        token(key=OTHER_KEY),
        token(kid="unknown"),
        token(iss="https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_other"),
        token(aud="another client"),
        token(exp=int(time.time()) - 60),
        token(exp=None),
        token(sub=None),
        token(token_use="access"),
        token(key="x" * 64, algorithm="HS256"),
        unsigned(),
        "no token",
        "",
    ],
)
def test_any_other_token_is_not(tokens: CognitoTokens, forged: str) -> None:
    with pytest.raises(NotSignedInError):
        tokens.claims(forged)


def answering(monkeypatch: pytest.MonkeyPatch, answer: bytes | Exception) -> list[Any]:
    asked: list[Any] = []

    def answered(request: Any, timeout: float) -> Any:
        asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return io.BytesIO(answer)

    monkeypatch.setattr(cognito, "urlopen", answered)
    return asked


def test_a_code_is_exchanged_with_its_secret(tokens: CognitoTokens, monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps({"id_token": token(), "refresh_token": "r", "access_token": "a"}).encode()
    asked = answering(monkeypatch, body)

    got = tokens.exchange("c+1", "secret", "https://bench.example/api/auth/callback")

    assert (got.claims.sub, got.refresh_token) == ("s-1", "r")
    assert asked[0].full_url == "https://sign-in.example/oauth2/token"
    assert asked[0].data == (
        b"grant_type=authorization_code&code=c%2B1"
        b"&redirect_uri=https%3A%2F%2Fbench.example%2Fapi%2Fauth%2Fcallback&code_verifier=secret&client_id=ours"
    )


def refused_with(status: int, body: bytes = b"") -> HTTPError:
    return HTTPError("https://sign-in.example", status, "said no", Message(), io.BytesIO(body))


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (refused_with(400, b'{"error": "invalid_grant"}'), NotSignedInError, "invalid_grant"),
        (refused_with(400, b"<html>"), NotSignedInError, "400"),
        (refused_with(503), ServiceUnavailableError, "503"),
        (refused_with(429), ServiceUnavailableError, "429"),
        (URLError("refused"), ServiceUnavailableError, "does not answer"),
        (TimeoutError(), ServiceUnavailableError, "does not answer"),
        (b"{}", NotSignedInError, "no ID token"),
        (b"<html>", NotSignedInError, "no ID token"),
    ],
)
def test_what_the_token_endpoint_refuses_or_fails_at_is_told_by_name(
    tokens: CognitoTokens,
    monkeypatch: pytest.MonkeyPatch,
    answer: bytes | Exception,
    error: type[Exception],
    words: str,
) -> None:
    answering(monkeypatch, answer)

    with pytest.raises(error, match=words):
        tokens.refresh("r")


def test_a_token_that_was_revoked_before_is_no_trouble(
    tokens: CognitoTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(monkeypatch, refused_with(400))

    tokens.revoke("r")

    assert asked[0].full_url.endswith("/oauth2/revoke")
