"""Amazon Textract's text detection and document analysis, answered with Tesseract's reading.

It refuses what the service refuses, under the service's names: shapes are checked against botocore's
model, limits are those of Textract's quotas page. Not done, and said so in local/README.md: tables,
forms, queries and signatures (accepted, nothing found), adapters, handwriting.
"""

import base64
import binascii
import hashlib
import json
import logging
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from recto_local.fault_rules import FaultLog, Faults
from recto_local.standins.answers import ServiceError
from recto_local.standins.jobs import Job, JobRunner, JobStore, gone
from recto_local.standins.reading import Readers
from recto_local.standins.shapes import ShapeError, checked, operation_model
from recto_local.standins.textract_faults import TextractFaults
from recto_ocr.pages import MAX_BYTES, MEBIBYTE, Content, Unreadable, UnreadableDocumentError, kind_of

logger = logging.getLogger(__name__)

MAX_RESULTS = 1000
TOLD_FIRST_SECONDS = 30.0
"""How long a start waits at most for its job's end, where a fault plan wants the end to be heard first."""
HEARD_SECONDS = 0.5
"""For the notification to reach whom it is for."""
MAX_SYNCHRONOUS_BYTES = 10 * MEBIBYTE
DETECTION_MODEL = "1.0"
CODES = {
    Unreadable.UNSUPPORTED: "UnsupportedDocumentException",
    Unreadable.ENCRYPTED: "UnsupportedDocumentException",
    Unreadable.DAMAGED: "BadDocumentException",
    Unreadable.TOO_LARGE: "DocumentTooLargeException",
}


@dataclass(frozen=True)
class Quotas:
    """What one account may do at once; None: no limit on calls a second."""

    concurrent_jobs: int = 100
    start_per_second: float | None = None
    get_per_second: float | None = None


class Textract:
    """The service. `s3` and `sns` are boto3 clients of the emulator."""

    def __init__(
        self, folder: Path, s3: Any, sns: Any, readers: Readers, languages: tuple[str, ...] = ("eng",),
        quotas: Quotas | None = None, faults: TextractFaults | None = None,
    ) -> None:  # fmt: skip
        self._faults = faults or TextractFaults(Faults({}, FaultLog(folder / "faults.jsonl")))
        self._s3 = s3
        self._sns = sns
        self._readers = readers
        self._languages = languages
        self._quotas = self._own_quotas = quotas or Quotas()
        self._folder = folder
        self._store = JobStore(folder / "jobs")
        self._runner = JobRunner(self._store, readers, languages, self._fetch, self._announce)
        self._starting = threading.Lock()
        self._calls: dict[str, deque[float]] = {}
        self._operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "StartDocumentTextDetection": lambda r: self._start("StartDocumentTextDetection", r),
            "StartDocumentAnalysis": lambda r: self._start("StartDocumentAnalysis", r),
            "GetDocumentTextDetection": lambda r: self._get("StartDocumentTextDetection", r),
            "GetDocumentAnalysis": lambda r: self._get("StartDocumentAnalysis", r),
            "DetectDocumentText": lambda r: self._read_now(r, "DetectDocumentTextModelVersion"),
            "AnalyzeDocument": lambda r: self._read_now(r, "AnalyzeDocumentModelVersion"),
        }

    def remember_pages(self, folder: Path | None) -> None:
        """From now on, answer pages whose image was read before from this folder; None: read every page."""
        self._readers.ocr_cache = folder

    def follow(self, plan: Mapping[str, Any]) -> None:
        """From now on this plan's faults; its quotas where it names them, else those of the start."""
        planned = plan.get("quotas", {}).get("textract", {})
        named = {name: value for name, value in planned.items() if value is not None}
        self._quotas = replace(self._own_quotas, **named)
        self._faults.follow(plan)

    def resume(self) -> None:
        self._runner.resume()

    def stop(self) -> None:
        self._runner.stop()

    def call(self, operation: str, request: Any) -> dict[str, Any]:
        """The operation's answer; ServiceError for a refusal."""
        model = operation_model("textract", operation)
        if model is None or operation not in self._operations:
            raise ServiceError("UnknownOperationException", f"{operation} is not answered by this stand-in")
        self._faults.refuse(operation)
        self._count_call(operation)
        try:
            parameters = checked(model, request)
        except ShapeError as error:
            raise ServiceError(
                "InvalidParameterException", f"Request has invalid parameters: {error}"
            ) from error
        try:
            return self._operations[operation](parameters)
        except BotoCoreError as error:
            raise ServiceError("InternalServerError", f"S3 cannot be reached: {error}", 500) from error

    def _count_call(self, operation: str) -> None:
        limit = self._quotas.get_per_second if operation.startswith("Get") else self._quotas.start_per_second
        if limit is None:
            return
        with self._starting:
            now = time.monotonic()
            calls = self._calls.setdefault(operation, deque())
            while calls and calls[0] <= now - 1:
                calls.popleft()
            if len(calls) >= limit:
                raise ServiceError("ProvisionedThroughputExceededException", "Provisioned rate exceeded")
            calls.append(now)

    # ---- asynchronous operations

    def _start(self, api: str, request: dict[str, Any]) -> dict[str, Any]:
        _check_features(request) if api == "StartDocumentAnalysis" else None
        with self._starting:
            known = self._known(api, request)
            if known is not None:
                return {"JobId": known.job_id}
            self._check_document(request)
            self._check_output(request)
            if self._store.num_running() >= self._quotas.concurrent_jobs:
                raise ServiceError("LimitExceededException", "Open jobs exceed maximum concurrent job limit")
            job = self._store.new(api, request)
        self._begin(job)
        return {"JobId": job.job_id}

    def _begin(self, job: Job) -> None:
        """Hand the job to those who read it; its end may come first, as it may on AWS."""
        fate = self._faults.fate(job.job_id)
        if fate.failure or fate.seconds:
            not_before = job.created + fate.seconds
            job = self._store.save(job.model_copy(update={"failure": fate.failure, "not_before": not_before}))
        ended = self._runner.start(job)
        if fate.is_told_first:
            wait([ended], timeout=TOLD_FIRST_SECONDS)
            time.sleep(HEARD_SECONDS)

    def _known(self, api: str, request: dict[str, Any]) -> Job | None:
        token = request.get("ClientRequestToken")
        job = self._store.with_token(api, token) if token else None
        if job is not None and job.request != request:
            raise ServiceError(
                "IdempotentParameterMismatchException",
                "Client request token was used with different parameters",
            )
        return job

    def _check_document(self, request: dict[str, Any]) -> None:
        """Refuse at once what can be told from the object's size and first bytes."""
        place = _place(request.get("DocumentLocation", {}).get("S3Object", {}))
        try:
            size = self._s3.head_object(**place)["ContentLength"]
            head = self._s3.get_object(**place, Range="bytes=0-1023")["Body"].read() if size else b""
        except ClientError as error:
            raise _invalid_object(place) from error
        if not size:
            raise ServiceError("BadDocumentException", "Request has bad document: it is empty")
        kind = kind_of(head)
        if not kind:
            raise ServiceError("UnsupportedDocumentException", "Request has unsupported document format")
        if size > MAX_BYTES[kind]:
            raise ServiceError(
                "DocumentTooLargeException", f"{size} bytes; a {kind} may have at most {MAX_BYTES[kind]}"
            )

    def _check_output(self, request: dict[str, Any]) -> None:
        output = request.get("OutputConfig")
        if output is None:
            return
        try:
            self._s3.put_object(
                Bucket=output["S3Bucket"], Key=f"{_output_prefix(output)}/.s3_access_check", Body=b""
            )
        except ClientError as error:
            raise ServiceError(
                "InvalidS3ObjectException", f"Unable to write to {output['S3Bucket']}"
            ) from error

    def _get(self, api: str, request: dict[str, Any]) -> dict[str, Any]:
        job = self._store.find(request["JobId"])
        if job is None or job.api != api:
            raise ServiceError("InvalidJobIdException", "Request has invalid job id")
        if job.status == "IN_PROGRESS":
            return {"JobStatus": job.status, **_model_version(job)}
        if job.status == "FAILED":
            return {"JobStatus": job.status, "StatusMessage": job.message, **_model_version(job)}
        count = min(request.get("MaxResults", MAX_RESULTS), MAX_RESULTS)
        return self._result(job, _offset(request.get("NextToken"), job), count)

    def _result(self, job: Job, offset: int, count: int) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "DocumentMetadata": {"Pages": job.num_pages},
            "JobStatus": job.status,
            "Blocks": self._store.blocks(job, offset, count),
            **_model_version(job),
        }
        if offset + count < sum(job.page_blocks):
            answer["NextToken"] = _token(job, offset + count)
        return answer

    # ---- what the runner calls

    def _fetch(self, job: Job, path: Path) -> None:
        place = _place(job.request["DocumentLocation"]["S3Object"])
        version = {"ExtraArgs": {"VersionId": place["VersionId"]}} if "VersionId" in place else {}
        fresh = path.with_suffix(".part")
        try:
            self._s3.download_file(place["Bucket"], place["Key"], str(fresh), **version)
        except ClientError as error:
            raise gone(error) from error
        except BotoCoreError as error:
            raise ConnectionError(str(error)) from error
        fresh.rename(path)

    def _announce(self, job: Job) -> None:
        try:
            self._hand_over(job)
        except BotoCoreError as error:
            raise ConnectionError(str(error)) from error

    def _hand_over(self, job: Job) -> None:
        """The result into S3 and the news to SNS, as far as the request asks for them."""
        if job.status == "SUCCEEDED" and "OutputConfig" in job.request:
            self._write_output(job)
        channel = job.request.get("NotificationChannel")
        if channel:
            self._sns.publish(TopicArn=channel["SNSTopicArn"], Message=json.dumps(_notification(job)))

    def _write_output(self, job: Job) -> None:
        output = job.request["OutputConfig"]
        total = sum(job.page_blocks)
        for part, offset in enumerate(range(0, max(total, 1), MAX_RESULTS), start=1):
            body = json.dumps(self._result(job, offset, MAX_RESULTS)).encode()
            self._s3.put_object(
                Bucket=output["S3Bucket"], Key=f"{_output_prefix(output)}/{job.job_id}/{part}", Body=body
            )

    # ---- synchronous operations

    def _read_now(self, request: dict[str, Any], version: str) -> dict[str, Any]:
        layout = "LAYOUT" in _check_features(request)
        content = self._content(request["Document"])
        with tempfile.NamedTemporaryFile(dir=self._folder) as file:
            file.write(content)
            file.flush()
            path = Path(file.name)
            try:
                found = _one_page(self._readers.inspect(path))
                seed = hashlib.sha256(content).hexdigest()
                blocks = self._readers.read(path, found.kind, 1, seed, self._languages, layout).result()
            except UnreadableDocumentError as error:
                raise ServiceError(CODES[error.reason], f"Request has {error.detail}") from error
        for block in blocks:
            block.pop("Page")
        return {"DocumentMetadata": {"Pages": 1}, "Blocks": blocks, version: DETECTION_MODEL}

    def _content(self, document: dict[str, Any]) -> bytes:
        if ("Bytes" in document) == ("S3Object" in document):
            raise ServiceError("InvalidParameterException", "Document: expected either Bytes or S3Object")
        if "Bytes" in document:
            return bytes(document["Bytes"])
        place = _place(document["S3Object"])
        try:
            answer = self._s3.get_object(**place)
        except ClientError as error:
            raise _invalid_object(place) from error
        if answer["ContentLength"] > MAX_SYNCHRONOUS_BYTES:
            raise ServiceError(
                "DocumentTooLargeException", f"at most {MAX_SYNCHRONOUS_BYTES} bytes in one call"
            )
        return bytes(answer["Body"].read())


def _one_page(content: Content) -> Content:
    if content.num_pages != 1:
        raise UnreadableDocumentError(Unreadable.UNSUPPORTED, f"{content.num_pages} pages; expected one")
    return content


def _check_features(request: dict[str, Any]) -> list[str]:
    """The features asked for; QUERIES and its configuration come together."""
    features: list[str] = request.get("FeatureTypes", [])
    if ("QUERIES" in features) != ("QueriesConfig" in request):
        raise ServiceError("InvalidParameterException", "QUERIES and QueriesConfig must be given together")
    return features


def _place(s3_object: dict[str, Any]) -> dict[str, str]:
    if not s3_object.get("Bucket") or not s3_object.get("Name"):
        raise ServiceError("InvalidParameterException", "S3Object: Bucket and Name are required")
    place = {"Bucket": s3_object["Bucket"], "Key": s3_object["Name"]}
    return place | ({"VersionId": s3_object["Version"]} if s3_object.get("Version") else {})


def _invalid_object(place: dict[str, str]) -> ServiceError:
    return ServiceError(
        "InvalidS3ObjectException",
        "Unable to get object metadata from S3. Check object key, region and/or access permissions: "
        f"{place['Key']}",
    )


def _output_prefix(output: dict[str, Any]) -> str:
    return str(output.get("S3Prefix", "textract_output")).strip("/")


def _model_version(job: Job) -> dict[str, str]:
    analysis = job.api == "StartDocumentAnalysis"
    return {("AnalyzeDocument" if analysis else "DetectDocumentText") + "ModelVersion": DETECTION_MODEL}


def _notification(job: Job) -> dict[str, Any]:
    document = job.request["DocumentLocation"]["S3Object"]
    tag = {"JobTag": job.request["JobTag"]} if "JobTag" in job.request else {}
    return {
        "JobId": job.job_id,
        "Status": job.status,
        "API": job.api,
        **tag,
        "Timestamp": round(time.time() * 1000),
        "DocumentLocation": {"S3ObjectName": document["Name"], "S3Bucket": document["Bucket"]},
    }


def _token(job: Job, offset: int) -> str:
    return base64.urlsafe_b64encode(f"{job.job_id}:{offset}".encode()).decode()


def _offset(token: str | None, job: Job) -> int:
    if token is None:
        return 0
    try:
        job_id, _, offset = base64.urlsafe_b64decode(token).decode().partition(":")
        if job_id == job.job_id:
            return int(offset)
    except (binascii.Error, ValueError):
        pass
    raise ServiceError("InvalidParameterException", "Request has invalid NextToken")
