"""The one table: documents with their histories, jobs, reviews. Every change is conditional.

Keys: `DOC#id`/`STATE` and `DOC#id`/`HISTORY#time#status`, `SOURCE#id`/`time#document`,
`JOB#tag`/`JOB`, `REVIEW#id`/`REVIEW`, `DUE#reviews`/`time#review`,
`AUDITS`/`time#audit`. The index `StatusIndex` is (status, received) over the documents' states.

What is due lies in rows of its own, which hold no task token, and not in an index over the reviews.
"""

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from recto.aws.clients import client, code_of, errors_of
from recto.errors import ThrottledError
from recto.messages import Lane, Status
from recto.places import source_id
from recto.ports import AuditRow, DocumentRow, JobRow, ReviewRow

STATUS_INDEX = "StatusIndex"
CONDITION_FAILED = "ConditionalCheckFailedException"
TRANSACTION_FAILED = "TransactionCanceledException"
CONFLICT = "TransactionConflictException"
CONFLICT_RETRIES = 3
CONFLICT_PAUSE = (0.01, 0.06)
"""Seconds between which the pause is drawn: a transaction is over in some milliseconds."""
DUE_REVIEWS = "DUE#reviews"
AUDITS = "AUDITS"
PASSED_OVER = 200
"""Rows that one answer looks at where those of another lane are passed over: many may stand before."""


def stamp(moment: datetime) -> str:
    """A time as text that sorts as time: UTC, microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


class Table:
    """A DynamoDB table with plain Python values; floats travel as Decimal."""

    def __init__(
        self, name: str, caller: str, patience: int = 60, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.name, self._sleep = name, sleep
        self._db = client("dynamodb", caller, patience=patience)
        self._to = TypeSerializer()
        self._from = TypeDeserializer()

    def pack(self, item: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._to.serialize(_plain(value)) for name, value in item.items()}

    def unpack(self, item: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._from.deserialize(value) for name, value in item.items()}

    def get(self, key: Mapping[str, str]) -> dict[str, Any] | None:
        with errors_of(f"GetItem {key['pk']}"):
            answer = self._db.get_item(TableName=self.name, Key=self.pack(key), ConsistentRead=True)
        return self.unpack(answer["Item"]) if "Item" in answer else None

    def put(self, item: Mapping[str, Any]) -> None:
        with errors_of(f"PutItem {item['pk']}"):
            self._write(self._db.put_item, {"TableName": self.name, "Item": self.pack(item)})

    def update(
        self,
        key: Mapping[str, str],
        expression: str,
        names: Mapping[str, str],
        values: Mapping[str, Any],
        condition: str | None = None,
    ) -> bool:
        """False where the condition does not hold."""
        request = {"TableName": self.name, "Key": self.pack(key), "UpdateExpression": expression}
        request |= {"ExpressionAttributeNames": dict(names)} if names else {}
        request |= {"ExpressionAttributeValues": self.pack(values)} if values else {}
        request |= {"ConditionExpression": condition} if condition else {}
        with errors_of(f"UpdateItem {key['pk']}"):
            try:
                self._write(self._db.update_item, request)
            except ClientError as error:
                if code_of(error) == CONDITION_FAILED:
                    return False
                raise
        return True

    def changed(
        self,
        key: Mapping[str, str],
        expression: str,
        names: Mapping[str, str],
        values: Mapping[str, Any],
        condition: str,
        returns: Literal["ALL_NEW", "UPDATED_OLD"] = "ALL_NEW",
    ) -> dict[str, Any] | None:
        """The item as it is then, or what it was; None where the condition does not hold."""
        request = {
            "TableName": self.name,
            "Key": self.pack(key),
            "UpdateExpression": expression,
            "ExpressionAttributeValues": self.pack(values),
            "ConditionExpression": condition,
            "ReturnValues": returns,
        }
        request |= {"ExpressionAttributeNames": dict(names)} if names else {}
        with errors_of(f"UpdateItem {key['pk']}"):
            try:
                answer = self._write(self._db.update_item, request)
            except ClientError as error:
                if code_of(error) == CONDITION_FAILED:
                    return None
                raise
        return self.unpack(answer.get("Attributes", {}))

    def get_many(self, keys: Sequence[Mapping[str, str]]) -> list[dict[str, Any] | None]:
        """Items in the order of their keys, at most 100."""
        request = {self.name: {"Keys": [self.pack(key) for key in keys], "ConsistentRead": True}}
        found: dict[tuple[str, str], dict[str, Any]] = {}
        with errors_of(f"BatchGetItem {keys[0]['pk']}"):
            while request:
                answer = self._db.batch_get_item(RequestItems=request)
                items = map(self.unpack, answer["Responses"].get(self.name, []))
                found |= {(item["pk"], item["sk"]): item for item in items}
                request = answer.get("UnprocessedKeys") or {}
        return [found.get((key["pk"], key["sk"])) for key in keys]

    def delete(self, key: Mapping[str, str]) -> None:
        with errors_of(f"DeleteItem {key['pk']}"):
            self._write(self._db.delete_item, {"TableName": self.name, "Key": self.pack(key)})

    def _write(self, write: Callable[..., Any], request: Mapping[str, Any]) -> Any:
        """Again where a transaction holds the item at this moment: the SDK does not retry that."""
        for _ in range(CONFLICT_RETRIES):
            try:
                return write(**request)
            except ClientError as error:
                if code_of(error) != CONFLICT:
                    raise
            self._sleep(random.uniform(*CONFLICT_PAUSE))  # noqa: S311 - a pause
        return write(**request)

    def transact(self, *writes: Mapping[str, Any]) -> bool:
        """False where a condition does not hold; all or nothing."""
        items = [{kind: {"TableName": self.name, **body} for kind, body in write.items()} for write in writes]
        with errors_of("TransactWriteItems", {TRANSACTION_FAILED: ThrottledError}):
            try:
                self._db.transact_write_items(TransactItems=items)
            except ClientError as error:
                reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
                if code_of(error) == TRANSACTION_FAILED and "ConditionalCheckFailed" in reasons:
                    return False
                raise
        return True

    def query(self, limit: int, **request: Any) -> list[dict[str, Any]]:
        """At most `limit` items, over as many answers as that takes."""
        found: list[dict[str, Any]] = []
        with errors_of(f"Query {self.name}"):
            while len(found) < limit:
                answer = self._db.query(TableName=self.name, Limit=limit - len(found), **request)
                found += [self.unpack(item) for item in answer["Items"]]
                if "LastEvaluatedKey" not in answer:
                    break
                request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return found

    def count(self, most: int, **request: Any) -> int:
        """How many items a query finds; counting ends at `most`."""
        found = 0
        with errors_of(f"Query {self.name}"):
            while found < most:
                answer = self._db.query(TableName=self.name, Select="COUNT", Limit=most - found, **request)
                found += int(answer["Count"])
                if "LastEvaluatedKey" not in answer:
                    break
                request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    return value


class DocumentRows:
    """`recto.ports.Documents` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, row: DocumentRow) -> bool:
        return self._table.transact(*self.writes_of(row))

    def writes_of(self, row: DocumentRow) -> list[dict[str, Any]]:
        """What makes a new row, with its history, all or nothing; refused where the row is there already."""
        item = {name: value for name, value in row.model_dump().items() if value not in (None, "")}
        item |= {**_document_key(row.document_id), "status": str(row.status)}
        source = {
            "pk": f"SOURCE#{source_id(row.bucket, row.key)}",
            "sk": f"{stamp(row.received)}#{row.document_id}",
            "document_id": row.document_id,
            "etag": row.etag,
            "version_id": row.version_id,
        }
        received = _history(row.document_id, row.received, Status.RECEIVED, {})
        now = _history(row.document_id, row.updated, row.status, _reason(row))
        return [
            {"Put": {"Item": self._table.pack(item), "ConditionExpression": "attribute_not_exists(pk)"}},
            *({"Put": {"Item": self._table.pack(each)}} for each in (received, now, source)),
        ]

    def find(self, document: str) -> DocumentRow | None:
        item = self._table.get(_document_key(document))
        return DocumentRow.model_validate(item) if item else None

    def with_status(self, status: Status, limit: int, lane: Lane | None = None) -> list[DocumentRow]:
        """With a lane, those of others are passed over; rows from before there were lanes are live ones."""
        names, values, only = {"#status": "status"}, {":status": str(status)}, {}
        if lane:
            names, values = {**names, "#lane": "lane"}, {**values, ":lane": lane}
            or_none = " OR attribute_not_exists(#lane)" if lane == "live" else ""
            only = {"FilterExpression": f"#lane = :lane{or_none}"}
        items = self._table.query(
            max(limit, PASSED_OVER) if lane else limit,
            IndexName=STATUS_INDEX,
            KeyConditionExpression="#status = :status",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=self._table.pack(values),
            **only,
        )
        return [DocumentRow.model_validate(item) for item in items[:limit]]

    def count(self, status: Status, most: int) -> int:
        return self._table.count(
            most,
            IndexName=STATUS_INDEX,
            KeyConditionExpression="#status = :status",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues=self._table.pack({":status": str(status)}),
        )

    def of_source(self, bucket: str, key: str, limit: int = 25) -> list[str]:
        """Ids of the documents that were made of a place, newest first."""
        items = self._table.query(
            limit,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=self._table.pack({":pk": f"SOURCE#{source_id(bucket, key)}"}),
            ScanIndexForward=False,
        )
        return [item["document_id"] for item in items]

    def history(self, document: str, limit: int = 100) -> list[dict[str, Any]]:
        """What became of the document, oldest first: time, status, and what was noted with it."""
        return self._table.query(
            limit,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :history)",
            ExpressionAttributeValues=self._table.pack({":pk": f"DOC#{document}", ":history": "HISTORY#"}),
        )

    def move(
        self,
        document: str,
        expected: Iterable[Status],
        status: Status,
        now: datetime,
        of_attempt: int | None = None,
        **changes: str | float | Mapping[str, int],
    ) -> bool:
        allowed = {f":expected{i}": str(s) for i, s in enumerate(expected)}
        new = {"status": str(status), "updated": stamp(now), **changes}
        condition = f"#status IN ({', '.join(allowed)})"
        values: dict[str, Any] = {**allowed, **{f":{name}": value for name, value in new.items()}}
        names = {f"#{name}": name for name in new}
        if of_attempt is not None:
            condition += " AND #attempt = :of_attempt"
            values[":of_attempt"], names["#attempt"] = of_attempt, "attempt"
        update = {
            "Key": self._table.pack(_document_key(document)),
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in new),
            "ConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": self._table.pack(values),
        }
        history = self._table.pack(_history(document, now, status, changes))
        return self._table.transact({"Update": update}, {"Put": {"Item": history}})

    def note(self, document: str, now: datetime, what: str, **notes: str) -> None:
        self._table.put(_history(document, now, what, notes))


def _document_key(document: str) -> dict[str, str]:
    return {"pk": f"DOC#{document}", "sk": "STATE"}


def _history(document: str, moment: datetime, status: str, notes: Mapping[str, Any]) -> dict[str, Any]:
    sort = f"HISTORY#{stamp(moment)}#{status}"
    return {"pk": f"DOC#{document}", "sk": sort, "time": stamp(moment), "to": str(status), **notes}


def _reason(row: DocumentRow) -> dict[str, str]:
    return {"error": row.error, "cause": row.cause} if row.error else {}


class JobRows:
    """`recto.ports.Jobs` in the table; DynamoDB removes a row some days after nobody can want it."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, row: JobRow, expires: datetime) -> None:
        key = {"pk": f"JOB#{row.tag}", "sk": "JOB"}
        self._table.put({**key, **row.model_dump(), "expires_at": int(expires.timestamp())})

    def find(self, tag: str) -> JobRow | None:
        item = self._table.get({"pk": f"JOB#{tag}", "sk": "JOB"})
        return JobRow.model_validate(item) if item else None

    def note(self, tag: str, job_id: str, output: str, failure: str) -> bool:
        return self._table.update(
            {"pk": f"JOB#{tag}", "sk": "JOB"},
            "SET #output = :output, #failure = :failure REMOVE asking_since",
            {"#output": "output", "#failure": "failure", "#job": "job_id"},
            {":output": output, ":failure": failure, ":job": job_id},
            "#job = :job",
        )


class ReviewRows:
    """`recto.ports.Reviews` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, row: ReviewRow) -> bool:
        item = self._table.pack({**_review_key(row.review_id), **row.model_dump()})
        return self._table.transact(
            {"Put": {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}},
            {"Put": {"Item": self._table.pack(_due_key(row.review_id, row.expires))}},
        )

    def find(self, review: str) -> ReviewRow | None:
        item = self._table.get(_review_key(review))
        return ReviewRow.model_validate(item) if item else None

    def renew_token(self, review: str, task_token: str) -> bool:
        return self._table.update(
            _review_key(review),
            "SET task_token = :token",
            {"#state": "state"},
            {":token": task_token, ":open": "OPEN"},
            "#state = :open",
        )

    def answer(self, review: str, answer: str) -> bool:
        return self._table.update(
            _review_key(review),
            "SET #state = :answered, answer = :answer",
            {"#state": "state"},
            {":open": "OPEN", ":answered": "ANSWERED", ":answer": answer},
            "#state = :open OR (#state = :answered AND answer = :answer)",
        )

    def withdraw(self, review: str, reason: str) -> bool:
        return self._table.update(
            _review_key(review),
            "SET #state = :withdrawn, #reason = :reason",
            {"#state": "state", "#reason": "reason"},
            {":open": "OPEN", ":withdrawn": "WITHDRAWN", ":reason": reason},
            "#state = :open",
        )

    def refuse(self, review: str, refusal: str) -> bool:
        return self._table.update(
            _review_key(review),
            "SET refusal = :refusal",
            {"#state": "state"},
            {":open": "OPEN", ":refusal": refusal},
            "#state = :open",
        )

    def due(self, until: datetime, limit: int) -> list[str]:
        items = self._table.query(
            limit,
            KeyConditionExpression="pk = :pk AND sk < :until",
            ExpressionAttributeValues=self._table.pack({":pk": DUE_REVIEWS, ":until": stamp(until)}),
            ConsistentRead=True,
        )
        return [str(item["sk"]).rpartition("#")[2] for item in items]

    def clear_due(self, row: ReviewRow) -> None:
        self._table.delete(_due_key(row.review_id, row.expires))

    def expire(self, review: str, rule: str) -> bool:
        return self._table.update(
            _review_key(review),
            "SET #state = :expired, #rule = :rule",
            {"#state": "state", "#rule": "rule"},
            {":open": "OPEN", ":expired": "EXPIRED", ":rule": rule},
            "#state = :open",
        )

    def escalate(self, row: ReviewRow, expires: datetime, loop_name: str) -> bool:
        values: dict[str, Any] = {":open": "OPEN", ":before": row.expires, ":expires": expires, ":yes": True}
        values[":loop"] = loop_name
        changed = {
            "Key": self._table.pack(_review_key(row.review_id)),
            "UpdateExpression": "SET #expires = :expires, loop_name = :loop, escalated = :yes",
            "ConditionExpression": "#state = :open AND #expires = :before",
            "ExpressionAttributeNames": {"#state": "state", "#expires": "expires"},
            "ExpressionAttributeValues": self._table.pack(values),
        }
        return self._table.transact(
            {"Update": changed},
            {"Delete": {"Key": self._table.pack(_due_key(row.review_id, row.expires))}},
            {"Put": {"Item": self._table.pack(_due_key(row.review_id, expires))}},
        )


class AuditRows:
    """`recto.ports.Audits` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, row: AuditRow) -> bool:
        values = [
            {"field": field, "confidence": _plain(sure), "right": right} for field, sure, right in row.values
        ]
        key = {"pk": AUDITS, "sk": f"{stamp(row.opened)}#{row.audit_id}"}
        item = self._table.pack({**key, **row.model_dump(), "values": values})
        return self._table.transact(
            {"Put": {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}
        )

    def latest(self, limit: int) -> list[AuditRow]:
        items = self._table.query(
            limit,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=self._table.pack({":pk": AUDITS}),
            ScanIndexForward=False,
        )
        return [_audit_row(item) for item in items]


def _audit_row(item: Mapping[str, Any]) -> AuditRow:
    values = tuple((one["field"], float(one["confidence"]), one["right"]) for one in item["values"])
    return AuditRow.model_validate({**item, "values": values})


def _due_key(review: str, expires: datetime) -> dict[str, str]:
    return {"pk": DUE_REVIEWS, "sk": f"{stamp(expires)}#{review}"}


def _review_key(review: str) -> dict[str, str]:
    return {"pk": f"REVIEW#{review}", "sk": "REVIEW"}
