"""Who is signed in: a row in the table for each browser, found by the hash of its cookie's value.

The cookie's value is known to the browser alone; the refresh token is known to the server alone.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from recto_workbench.tasks import Worker

SESSION_LIFE = timedelta(hours=12)
"""How long one lasts at most, however busy; as long as the refresh token."""
SIGN_IN_LIFE = timedelta(minutes=10)
"""How long a person may take over Cognito's pages."""

ROLES = {"annotators": "annotator", "reviewers": "reviewer", "operators": "operator"}


class Session(BaseModel):
    """A signed-in browser."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    key: str
    """Hash of the cookie's value."""
    worker: Worker
    refresh_token: str
    fresh_until: datetime
    """When groups must be asked for again: the end of the ID token they came with."""
    expires: datetime

    @property
    def roles(self) -> tuple[str, ...]:
        """What the groups say. A group that is none of ours makes a work team, so its members label."""
        groups = set(self.worker.groups)
        is_of_a_team = bool(groups - ROLES.keys())
        return tuple(
            role for group, role in ROLES.items() if group in groups or (role == "annotator" and is_of_a_team)
        )


class SignIn(BaseModel):
    """A browser on its way through Cognito's pages."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    key: str
    """Hash of the cookie's value."""
    state: str
    verifier: str
    """PKCE's secret."""
    nonce: str
    """What the ID token must name."""
    next: str
    """Where to go in the end."""
    expires: datetime


class SessionStore(Protocol):
    """Sessions and sign-ins under way, by key."""

    def save(self, session: Session) -> None: ...

    def renew(self, session: Session) -> bool:
        """Save what has changed of it; False where it has ended meanwhile."""
        ...

    def find(self, key: str) -> Session | None: ...

    def end(self, key: str) -> None:
        """Nothing happens where there is none."""
        ...

    def begin(self, sign_in: SignIn) -> None: ...

    def take(self, key: str) -> SignIn | None:
        """The sign-in, once: whoever asks a second time gets None."""
        ...


def key_of(cookie: str) -> str:
    """What a cookie's value is called in the table."""
    return hashlib.sha256(cookie.encode()).hexdigest()
