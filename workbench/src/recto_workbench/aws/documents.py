"""Documents' rows to look at, and the function that has them processed again.

The role that reads here may read rows of documents and no others (`dynamodb:LeadingKeys`): the task tokens
are in rows of other keys.
"""

import json
from datetime import datetime
from typing import Any

from recto import errors
from recto.aws.clients import client, errors_of
from recto.aws.dynamodb import STATUS_INDEX, DocumentRows, Table, stamp
from recto.errors import RectoError, ServiceUnavailableError
from recto.messages import ReprocessRequest, ReprocessResponse, Status
from recto.ports import DocumentRow


class WatchedRows(DocumentRows):
    """`recto_workbench.steps.document_status.WatchedDocuments` in the document table."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._rows = table

    def latest(self, status: Status, until: datetime | None, limit: int) -> list[DocumentRow]:
        key, values = "#status = :status", {":status": str(status)}
        names = {"#status": "status"}
        if until is not None:
            key, values[":until"] = f"{key} AND received <= :until", stamp(until)
        items = self._rows.query(
            limit,
            IndexName=STATUS_INDEX,
            KeyConditionExpression=key,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=self._rows.pack(values),
            ScanIndexForward=False,
        )
        return [DocumentRow.model_validate(item) for item in items]

    def count(self, status: Status, most: int) -> int:
        return self._rows.count(
            most,
            IndexName=STATUS_INDEX,
            KeyConditionExpression="#status = :status",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues=self._rows.pack({":status": str(status)}),
        )


class ReprocessFunction:
    """The deployment's own function; what it refuses comes by its own name."""

    def __init__(self, caller: str, function: str) -> None:
        self._functions, self._function = client("lambda", caller), function

    def __call__(self, request: ReprocessRequest) -> ReprocessResponse:
        with errors_of(f"Invoke {self._function}"):
            answer = self._functions.invoke(
                FunctionName=self._function, Payload=json.dumps(request.dump()).encode()
            )
        body = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError"):
            raise self._error_of(body)
        return ReprocessResponse.model_validate(body)

    def _error_of(self, body: Any) -> RectoError:
        told = body if isinstance(body, dict) else {}
        name, message = str(told.get("errorType", "")), str(told.get("errorMessage", ""))
        known = getattr(errors, name, None)
        if isinstance(known, type) and issubclass(known, RectoError):
            return known(message)
        return ServiceUnavailableError(f"{self._function} failed ({name or 'no error name'}); see its log")
