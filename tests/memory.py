"""The table and the buckets in memory, for tests that make thousands of moves; checked against the ports."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from recto.errors import DocumentMissingError
from recto.messages import Lane, Status
from recto.places import Location
from recto.ports import AuditRow, DocumentRow, ObjectInfo, ReviewRow


@dataclass
class MemoryObjects:
    """One version of each object."""

    bodies: dict[str, bytes] = field(default_factory=dict)

    def info(self, place: Location) -> ObjectInfo | None:
        body = self.bodies.get(place.uri)
        return None if body is None else ObjectInfo(size=len(body), etag="")

    def read(self, place: Location) -> bytes:
        try:
            return self.bodies[place.uri]
        except KeyError:
            raise DocumentMissingError(f"{place.uri}: no such object") from None

    def read_range(self, place: Location, offset: int, length: int) -> bytes:
        return self.read(place)[offset : offset + length]

    def write(self, place: Location, body: bytes, content_type: str = "application/octet-stream") -> None:
        self.bodies[place.uri] = body

    def download(self, place: Location, path: Path) -> None:
        path.write_bytes(self.read(place))

    def delete(self, place: Location) -> None:
        self.bodies.pop(place.uri, None)

    def copy(self, source: Location, target: Location) -> None:
        self.bodies[target.uri] = self.read(source)

    def listing(self, bucket: str, prefix: str = "") -> Iterator[tuple[str, ObjectInfo]]:
        root = f"s3://{bucket}/"
        for uri in sorted(uri for uri in self.bodies if uri.startswith(root + prefix)):
            yield uri.removeprefix(root), ObjectInfo(size=len(self.bodies[uri]), etag="")


@dataclass
class MemoryDocuments:
    """Rows and their histories."""

    rows: dict[str, DocumentRow] = field(default_factory=dict)
    entries: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)

    def add(self, row: DocumentRow) -> bool:
        if row.document_id in self.rows:
            return False
        self.rows[row.document_id] = row
        return True

    def find(self, document: str) -> DocumentRow | None:
        return self.rows.get(document)

    def with_status(self, status: Status, limit: int, lane: Lane | None = None) -> list[DocumentRow]:
        rows = sorted(self.rows.values(), key=lambda row: row.received)
        return [row for row in rows if row.status is status and lane in (None, row.lane)][:limit]

    def count(self, status: Status, most: int) -> int:
        return len(self.with_status(status, most))

    def move(
        self,
        document: str,
        expected: Iterable[Status],
        status: Status,
        now: datetime,
        of_attempt: int | None = None,
        **changes: str | float | Mapping[str, int],
    ) -> bool:
        row = self.rows.get(document)
        if row is None or row.status not in tuple(expected) or of_attempt not in (None, row.attempt):
            return False
        self.rows[document] = DocumentRow.model_validate(
            {**row.model_dump(), **changes, "status": status, "updated": now}
        )
        self.entries.append((document, str(status), changes))
        return True

    def note(self, document: str, now: datetime, what: str, **notes: str) -> None:
        self.entries.append((document, what, notes))


@dataclass
class MemorySlots:
    """Owners and expiries."""

    held: dict[str, datetime] = field(default_factory=dict)

    def take(self, owner: str, limit: int, expires: datetime, share: int | None = None) -> bool:
        if owner in self.held or len(self.held) >= min(limit, limit if share is None else share):
            return False
        self.held[owner] = expires
        return True

    def release(self, owner: str) -> bool:
        return self.held.pop(owner, None) is not None

    def take_back_expired(self, now: datetime) -> list[str]:
        expired = [owner for owner, expires in self.held.items() if expires <= now]
        return [owner for owner in expired if self.release(owner)]

    def owners(self) -> Mapping[str, datetime]:
        return dict(self.held)


@dataclass
class MemoryReviews:
    """Reviews by their ids."""

    rows: dict[str, ReviewRow] = field(default_factory=dict)
    pointers: set[tuple[datetime, str]] = field(default_factory=set)

    def add(self, row: ReviewRow) -> bool:
        if self.rows.setdefault(row.review_id, row) is not row:
            return False
        self.pointers.add((row.expires, row.review_id))
        return True

    def find(self, review: str) -> ReviewRow | None:
        return self.rows.get(review)

    def _change(self, review: str, **changes: Any) -> bool:
        row = self.rows.get(review)
        if row is None or row.state != "OPEN":
            return False
        self.rows[review] = row.model_copy(update=changes)
        return True

    def renew_token(self, review: str, task_token: str) -> bool:
        return self._change(review, task_token=task_token)

    def answer(self, review: str, answer: str) -> bool:
        row = self.rows.get(review)
        again = row is not None and (row.state, row.answer) == ("ANSWERED", answer)
        return again or self._change(review, state="ANSWERED", answer=answer)

    def withdraw(self, review: str, reason: str) -> bool:
        return self._change(review, state="WITHDRAWN", reason=reason)

    def refuse(self, review: str, refusal: str) -> bool:
        return self._change(review, refusal=refusal)

    def due(self, until: datetime, limit: int) -> list[str]:
        return [review for expires, review in sorted(self.pointers) if expires < until][:limit]

    def clear_due(self, row: ReviewRow) -> None:
        self.pointers.discard((row.expires, row.review_id))

    def expire(self, review: str, rule: str) -> bool:
        return self._change(review, state="EXPIRED", rule=rule)

    def escalate(self, row: ReviewRow, expires: datetime, loop_name: str) -> bool:
        now = self.rows.get(row.review_id)
        if now is None or now.expires != row.expires:
            return False
        if not self._change(row.review_id, expires=expires, loop_name=loop_name, escalated=True):
            return False
        self.clear_due(row)
        self.pointers.add((expires, row.review_id))
        return True


@dataclass
class MemoryAudits:
    """Audits by their ids."""

    rows: dict[str, AuditRow] = field(default_factory=dict)

    def add(self, row: AuditRow) -> bool:
        return self.rows.setdefault(row.audit_id, row) is row

    def latest(self, limit: int) -> list[AuditRow]:
        return sorted(self.rows.values(), key=lambda row: row.opened, reverse=True)[:limit]
