"""The workbench's web application over rows in memory, with a sign-in service that knows a few people."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from starlette.applications import Starlette
from starlette.testclient import TestClient

from recto.errors import ServiceUnavailableError
from recto_workbench.errors import NotSignedInError
from recto_workbench.steps.assignment import Desk
from recto_workbench.steps.desk import ReviewDesk
from recto_workbench.steps.document_status import Watch
from recto_workbench.web.app import create_app
from recto_workbench.web.parts import Web
from recto_workbench.web.sessions import Session, SignIn
from recto_workbench.web.sign_in import Claims, Door, Tokens
from tests.review_fakes import FakeReprocess, make_review_desk, make_watch
from tests.workbench_fakes import make_desk

URL = "https://bench.example"
PROVIDER = "https://sign-in.example"
CLIENT = "client-1"
CHANGE = {"X-Recto": "1", "Origin": URL}
"""The headers of a change that our own pages make."""


@dataclass
class MemorySessions:
    """`SessionStore`."""

    sessions: dict[str, Session] = field(default_factory=dict)
    under_way: dict[str, SignIn] = field(default_factory=dict)

    def save(self, session: Session) -> None:
        self.sessions[session.key] = session

    def renew(self, session: Session) -> bool:
        if session.key not in self.sessions:
            return False
        self.save(session)
        return True

    def find(self, key: str) -> Session | None:
        return self.sessions.get(key)

    def end(self, key: str) -> None:
        self.sessions.pop(key, None)

    def begin(self, sign_in: SignIn) -> None:
        self.under_way[sign_in.key] = sign_in

    def take(self, key: str) -> SignIn | None:
        return self.under_way.pop(key, None)


@dataclass
class FakeTokens:
    """`TokenService`: a code is a person's name; what was asked for is noted."""

    desk: Desk
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    nonce: str = ""
    is_down: bool = False
    refused: set[str] = field(default_factory=set)
    revoked: list[str] = field(default_factory=list)
    exchanges: list[tuple[str, str, str]] = field(default_factory=list)

    def exchange(self, code: str, verifier: str, redirect_uri: str) -> Tokens:
        self.exchanges.append((code, verifier, redirect_uri))
        return self._tokens(code, self.nonce)

    def refresh(self, refresh_token: str) -> Tokens:
        return self._tokens(refresh_token.removeprefix("refresh-"), "")

    def revoke(self, refresh_token: str) -> None:
        self.revoked.append(refresh_token)

    def _tokens(self, person: str, nonce: str) -> Tokens:
        if self.is_down:
            raise ServiceUnavailableError("the sign-in service does not answer")
        if person in self.refused or person not in self.groups:
            raise NotSignedInError("the sign-in service refused: invalid_grant")
        said = {
            "sub": f"sub-{person}", "exp": self.desk.clock() + timedelta(hours=1), "nonce": nonce,
            "cognito:username": person, "cognito:groups": self.groups[person],
        }  # fmt: skip
        return Tokens(Claims.model_validate(said), f"refresh-{person}")


@dataclass
class Bench:
    """The application and what it stands on."""

    desk: Desk
    reviews: ReviewDesk
    watch: Watch
    again: FakeReprocess
    sessions: MemorySessions
    tokens: FakeTokens
    app: Starlette

    def browser(self) -> TestClient:
        """Somebody's browser, with cookies of its own."""
        return TestClient(self.app, base_url=URL, follow_redirects=False)

    def signed_in(self, person: str, *groups: str) -> TestClient:
        """The browser of somebody in these groups."""
        self.tokens.groups[person] = groups
        browser = self.browser()
        sent = browser.get("/api/auth/sign-in", params={"next": "/jobs"})
        query = {
            name: values[0] for name, values in parse_qs(urlsplit(sent.headers["location"]).query).items()
        }
        self.tokens.nonce = query["nonce"]
        back = browser.get("/api/auth/callback", params={"code": person, "state": query["state"]})
        assert back.status_code == 302, back.text
        return browser


def make_bench(pages: Path, desk: Desk | None = None, url: str = URL) -> Bench:
    """An application over an empty desk, or over this one; its pages are the files of a folder."""
    desk = desk or make_desk()
    sessions, tokens = MemorySessions(), FakeTokens(desk)
    door = Door(
        sessions=sessions, tokens=tokens, clock=desk.clock, url=url, provider_url=PROVIDER, client_id=CLIENT
    )
    reviews, again = make_review_desk(desk), FakeReprocess()
    watch = make_watch(desk, again)._replace(loop=reviews.loops.loop)
    watch = watch._replace(files=watch.files._replace(row=watch.documents.find))
    web = Web(
        desk=desk, reviews=reviews, files=watch.files, watch=watch, door=door, pages=pages,
        page_sources=("https://work.example",),
    )  # fmt: skip
    return Bench(
        desk=desk, reviews=reviews, watch=watch, again=again, sessions=sessions, tokens=tokens,
        app=create_app(web),
    )  # fmt: skip
