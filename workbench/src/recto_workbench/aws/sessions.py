"""Sessions of browsers in the workbench's table: `recto_workbench.web.sessions.SessionStore`.

Keys: `SESSION#hash` with `SESSION`, `SESSION#hash` with `SIGN-IN`. `expires_at` is what the table forgets
rows by; it does so some time later, so whoever reads looks at the time too.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from recto.aws.dynamodb import Table
from recto_workbench.web.sessions import Session, SignIn

SESSION, SIGN_IN = "SESSION", "SIGN-IN"


class SessionRows:
    """Each row is written whole; one that has ended or was taken keeps nothing but its key."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def save(self, session: Session) -> None:
        self._table.put(_session_item(session))

    def renew(self, session: Session) -> bool:
        item = self._table.pack(_session_item(session))
        return self._table.transact(
            {"Put": {"Item": item, "ConditionExpression": "attribute_exists(worker_id)"}}
        )

    def find(self, key: str) -> Session | None:
        item = self._table.get(_key(key, SESSION))
        if item is None or "worker_id" not in item:
            return None
        return Session.model_validate({**item, "key": key, "worker": item})

    def end(self, key: str) -> None:
        item = self._table.get(_key(key, SESSION))
        if item is not None:
            self._table.put({**_key(key, SESSION), "expires_at": item["expires_at"]})

    def begin(self, sign_in: SignIn) -> None:
        values = sign_in.model_dump(exclude={"key"})
        self._table.put(_item(_key(sign_in.key, SIGN_IN), values, sign_in.expires))

    def take(self, key: str) -> SignIn | None:
        item = self._table.get(_key(key, SIGN_IN))
        if item is None or not self._taken(key):
            return None
        return SignIn.model_validate({**item, "key": key})

    def _taken(self, key: str) -> bool:
        """Whether it was ours to take: of two that come at once, one."""
        return self._table.update(
            _key(key, SIGN_IN),
            "REMOVE #state, verifier, nonce, #next",
            names={"#state": "state", "#next": "next"},
            values={},
            condition="attribute_exists(verifier)",
        )


def _session_item(session: Session) -> dict[str, Any]:
    values = session.worker.model_dump() | session.model_dump(exclude={"worker", "key"})
    return _item(_key(session.key, SESSION), values, session.expires)


def _item(key: Mapping[str, str], values: Mapping[str, Any], expires: datetime) -> dict[str, Any]:
    item = {name: value for name, value in values.items() if value not in ("", ())}
    return {**key, **item, "expires_at": int(expires.timestamp())}


def _key(key: str, kind: str) -> dict[str, str]:
    return {"pk": f"SESSION#{key}", "sk": kind}
