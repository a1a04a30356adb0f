"""Signing in and out: Cognito's authorization-code flow with PKCE, state and nonce, step by step.

The tokens never reach a browser. What the browser keeps is a random value whose hash names its row.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field

from recto.errors import TransientError
from recto.ports import Clock
from recto_workbench.errors import NotSignedInError, RequestError
from recto_workbench.tasks import Worker
from recto_workbench.web.sessions import SESSION_LIFE, SIGN_IN_LIFE, Session, SessionStore, SignIn, key_of

CALLBACK_PATH = "/api/auth/callback"
SIGN_IN_PATH = "/api/auth/sign-in"
SCOPES = "openid profile email"


class Claims(BaseModel):
    """What an ID token says of a person; its signature, issuer, audience and times are checked by then."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    sub: str
    exp: datetime
    nonce: str = ""
    username: str = Field(default="", alias="cognito:username")
    name: str = ""
    email: str = ""
    groups: tuple[str, ...] = Field(default=(), alias="cognito:groups")

    @property
    def worker(self) -> Worker:
        return Worker(worker_id=self.sub, name=self.name or self.email or self.username, groups=self.groups)


class Tokens(NamedTuple):
    """What the token endpoint gave."""

    claims: Claims
    refresh_token: str
    """Empty where none was given: the old one goes on."""


class TokenService(Protocol):
    """The token endpoint. NotSignedInError: it refuses; TransientError: trying again may help."""

    def exchange(self, code: str, verifier: str, redirect_uri: str) -> Tokens: ...

    def refresh(self, refresh_token: str) -> Tokens: ...

    def revoke(self, refresh_token: str) -> None: ...


@dataclass(frozen=True)
class Door:
    """What signing in and out needs."""

    sessions: SessionStore
    tokens: TokenService
    clock: Clock
    url: str
    """Our own, as `https://host`."""
    provider_url: str
    client_id: str


class Sent(NamedTuple):
    """Where to send the browser, and the value of the cookie that it is to keep."""

    location: str
    cookie: str


def begin(next_path: str, door: Door) -> Sent:
    """Send a browser to Cognito's pages."""
    cookie, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    sign_in = SignIn(
        key=key_of(cookie),
        state=secrets.token_urlsafe(32),
        verifier=verifier,
        nonce=secrets.token_urlsafe(32),
        next=own_path(next_path),
        expires=door.clock() + SIGN_IN_LIFE,
    )
    door.sessions.begin(sign_in)
    query = {
        "response_type": "code",
        "client_id": door.client_id,
        "redirect_uri": door.url + CALLBACK_PATH,
        "scope": SCOPES,
        "state": sign_in.state,
        "nonce": sign_in.nonce,
        "code_challenge": _challenge(verifier),
        "code_challenge_method": "S256",
    }
    return Sent(f"{door.provider_url}/oauth2/authorize?{urlencode(query)}", cookie)


def complete(query: Mapping[str, str], cookie: str, door: Door) -> Sent:
    """A browser comes back from Cognito's pages: its session begins. The cookie is the sign-in's."""
    sign_in = door.sessions.take(key_of(cookie)) if cookie else None
    if sign_in is None or sign_in.expires <= door.clock():
        raise NotSignedInError("this sign-in was not begun in this browser, has been used or took too long")
    if not secrets.compare_digest(query.get("state", ""), sign_in.state):
        raise NotSignedInError("the answer belongs to another sign-in")
    if "code" not in query:
        said = query.get("error_description") or query.get("error") or "no code"
        raise NotSignedInError(f"the sign-in was not completed: {said[:200]}")
    tokens = door.tokens.exchange(query["code"], sign_in.verifier, door.url + CALLBACK_PATH)
    if not secrets.compare_digest(tokens.claims.nonce, sign_in.nonce):
        raise NotSignedInError("the ID token was made for another sign-in")
    return Sent(sign_in.next, _opened(tokens, door))


def _opened(tokens: Tokens, door: Door) -> str:
    cookie = secrets.token_urlsafe(32)
    session = Session(
        key=key_of(cookie),
        worker=tokens.claims.worker,
        refresh_token=tokens.refresh_token,
        fresh_until=tokens.claims.exp,
        expires=door.clock() + SESSION_LIFE,
    )
    door.sessions.save(session)
    return cookie


def session_of(cookie: str, door: Door) -> Session:
    """The session of a cookie's value, with groups not older than their ID token; NotSignedInError."""
    session = door.sessions.find(key_of(cookie)) if cookie else None
    now = door.clock()
    if session is None or session.expires <= now:
        raise NotSignedInError("nobody is signed in here, or not any more")
    return session if session.fresh_until > now else _refreshed(session, door)


def _refreshed(session: Session, door: Door) -> Session:
    try:
        tokens = door.tokens.refresh(session.refresh_token)
    except NotSignedInError:
        door.sessions.end(session.key)
        raise
    if tokens.claims.sub != session.worker.worker_id:
        door.sessions.end(session.key)
        raise NotSignedInError("the new ID token is somebody else's")
    fresh = session.model_copy(
        update={
            "worker": tokens.claims.worker,
            "refresh_token": tokens.refresh_token or session.refresh_token,
            "fresh_until": tokens.claims.exp,
        }
    )
    if not door.sessions.renew(fresh):
        raise NotSignedInError("the session was ended meanwhile")
    return fresh


def end(cookie: str, door: Door) -> str:
    """Sign out: the session ends at once, here and at Cognito. Gives the address of Cognito's logout."""
    session = door.sessions.find(key_of(cookie)) if cookie else None
    if session is not None:
        door.sessions.end(session.key)
        with suppress(TransientError):  # here it has ended, whatever the sign-in service does
            door.tokens.revoke(session.refresh_token)
    query = {"client_id": door.client_id, "logout_uri": f"{door.url}/"}
    return f"{door.provider_url}/logout?{urlencode(query)}"


def own_path(path: str) -> str:
    """A path of our own pages; RequestError for what would lead elsewhere."""
    try:
        parts = urlsplit(path or "/")
    except ValueError as error:  # an address of version 6 that is none
        raise RequestError(f"next: expected a path of these pages, as /jobs/…, got {path[:200]!r}") from error
    is_ours = not parts.scheme and not parts.netloc and parts.path.startswith("/")
    if not is_ours or path.startswith(("//", "/\\", "/api/")) or any(ord(c) <= 32 or c == "\\" for c in path):
        raise RequestError(f"next: expected a path of these pages, as /jobs/…, got {path[:200]!r}")
    return path or "/"


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
