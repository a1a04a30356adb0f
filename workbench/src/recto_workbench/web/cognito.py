"""Cognito's token endpoint and keys over HTTP: `recto_workbench.web.sign_in.TokenService`."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import jwt
from pydantic import BaseModel, ConfigDict

from recto.errors import ServiceUnavailableError
from recto_workbench.errors import NotSignedInError
from recto_workbench.web.sign_in import Claims, Tokens

TIMEOUT_SECONDS = 8.0
LEEWAY_SECONDS = 30.0


class Client(BaseModel):
    """Our client of the user pool: public, so that there is no secret to keep; PKCE stands in its place."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    client_id: str
    provider_url: str
    keys_url: str
    issuer: str


class CognitoTokens:
    """Tokens for codes and refresh tokens, each ID token checked before anything in it is believed."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._keys = jwt.PyJWKClient(client.keys_url, cache_keys=True, lifespan=3600, timeout=TIMEOUT_SECONDS)

    def exchange(self, code: str, verifier: str, redirect_uri: str) -> Tokens:
        grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return self._tokens({**grant, "code_verifier": verifier})

    def refresh(self, refresh_token: str) -> Tokens:
        return self._tokens({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def revoke(self, refresh_token: str) -> None:
        try:
            self._post("/oauth2/revoke", {"token": refresh_token})
        except NotSignedInError:  # it was revoked before, or has ended: nothing is left to revoke
            return

    def _tokens(self, form: Mapping[str, str]) -> Tokens:
        answer = self._post("/oauth2/token", form)
        if not isinstance(answer.get("id_token"), str):
            raise NotSignedInError("the sign-in service gave no ID token")
        return Tokens(self.claims(answer["id_token"]), str(answer.get("refresh_token") or ""))

    def claims(self, id_token: str) -> Claims:
        """What an ID token says, where it is one of our pool's for us, signed by the pool and in time."""
        try:
            key = self._keys.get_signing_key_from_jwt(id_token)
            said = jwt.decode(
                id_token,
                key.key,
                algorithms=["RS256"],
                audience=self._client.client_id,
                issuer=self._client.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "aud", "iss", "sub"]},
            )
        except jwt.PyJWKClientConnectionError as error:
            raise ServiceUnavailableError(f"the keys of the sign-in service: {error}") from error
        except jwt.PyJWTError as error:
            raise NotSignedInError(f"the ID token cannot be believed: {type(error).__name__}") from error
        if said.get("token_use") != "id":
            raise NotSignedInError(f"expected an ID token, got one for {str(said.get('token_use'))[:20]!r}")
        return Claims.model_validate(said)

    def _post(self, path: str, form: Mapping[str, str]) -> dict[str, Any]:
        body = urlencode({**form, "client_id": self._client.client_id}).encode()
        request = Request(self._client.provider_url + path, data=body, method="POST")  # noqa: S310 - our setting
        request.add_header("Content-Type", "application/x-www-form-urlencoded")
        try:
            with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - the same
                text = answer.read()
        except HTTPError as error:
            if error.code >= 500 or error.code == 429:
                raise ServiceUnavailableError(f"the sign-in service answered {error.code}") from error
            raise NotSignedInError(f"the sign-in service refused: {_named(error)}") from error
        except (URLError, TimeoutError) as error:
            raise ServiceUnavailableError(f"the sign-in service does not answer: {error}") from error
        return _object(text)


def _named(error: HTTPError) -> str:
    """OAuth's name of an error, as invalid_grant."""
    return str(_object(error.read(10_000)).get("error") or error.code)[:100]


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
