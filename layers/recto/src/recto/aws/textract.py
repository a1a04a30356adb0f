"""Amazon Textract's asynchronous calls. Analysis when features are asked for, text detection otherwise."""

from collections.abc import Sequence
from typing import Any

from recto.aws.clients import client, errors_of
from recto.errors import (
    ConfigurationError,
    DamagedDocumentError,
    DocumentMissingError,
    DocumentTooLargeError,
    OcrFailedError,
    UnsupportedDocumentError,
)
from recto.ports import OcrRequest

NAMES = {
    "UnsupportedDocumentException": UnsupportedDocumentError,
    "DocumentTooLargeException": DocumentTooLargeError,
    "BadDocumentException": DamagedDocumentError,
    "InvalidS3ObjectException": DocumentMissingError,
    "InvalidJobIdException": OcrFailedError,
    "IdempotentParameterMismatchException": ConfigurationError,
    "InvalidParameterException": ConfigurationError,
    "InvalidKMSKeyException": ConfigurationError,
}


class TextractOcr:
    """`recto.ports.Ocr` over Textract; finished jobs are announced on `topic_arn` by `role_arn`."""

    def __init__(self, caller: str, topic_arn: str = "", role_arn: str = "", retries: int = 5) -> None:
        self._textract = client("textract", caller, retries)
        self._channel = {"SNSTopicArn": topic_arn, "RoleArn": role_arn}

    def start(self, request: OcrRequest) -> str:
        source = {"Bucket": request.source.bucket, "Name": request.source.key}
        if request.source.version_id:
            source["Version"] = request.source.version_id
        job = {
            "DocumentLocation": {"S3Object": source},
            "ClientRequestToken": request.client_token,
            "JobTag": request.tag,
            "NotificationChannel": self._channel,
        }
        with errors_of(f"OCR of {request.source.uri}", NAMES):
            if request.features:
                answer = self._textract.start_document_analysis(**job, FeatureTypes=list(request.features))
            else:
                answer = self._textract.start_document_text_detection(**job)
        return str(answer["JobId"])

    def pages(
        self, job_id: str, features: Sequence[str], next_token: str, max_results: int = 1000
    ) -> dict[str, Any]:
        request: dict[str, Any] = {"JobId": job_id, "MaxResults": max_results}
        if next_token:
            request["NextToken"] = next_token
        with errors_of(f"OCR job {job_id}", NAMES):
            if features:
                answer: dict[str, Any] = self._textract.get_document_analysis(**request)
            else:
                answer = self._textract.get_document_text_detection(**request)
        return answer
