"""Objects in S3: whole, in ranges, in parts."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from recto.aws.clients import client, code_of, errors_of
from recto.errors import ConfigurationError, DocumentMissingError
from recto.places import Location
from recto.ports import ObjectInfo

MISSING = {
    "NoSuchKey": DocumentMissingError,
    "404": DocumentMissingError,
    "NoSuchVersion": DocumentMissingError,
}

IN_THIS_THREAD = TransferConfig(use_threads=False)
"""Who uploads many files has threads of his own."""


def _address(place: Location) -> dict[str, str]:
    address = {"Bucket": place.bucket, "Key": place.key}
    return {**address, "VersionId": place.version_id} if place.version_id else address


class S3Objects:
    """`recto.ports.ObjectStore`, `Uploads` and `Copies` over S3."""

    def __init__(self, caller: str, session: Any = boto3) -> None:
        self._s3 = client("s3", caller, session=session)

    def info(self, place: Location) -> ObjectInfo | None:
        with errors_of(f"HeadObject {place.uri}"):
            try:
                head = self._s3.head_object(**_address(place))
            except ClientError as error:
                if code_of(error) in MISSING:
                    return None
                raise
        version = head.get("VersionId") or ""
        version = "" if version == "null" else version
        return ObjectInfo(
            size=head["ContentLength"],
            etag=head["ETag"].strip('"'),
            version_id=version,
            changed=head.get("LastModified"),
            metadata=head.get("Metadata", {}),
        )

    def read(self, place: Location) -> bytes:
        return self._get(place, {})

    def read_range(self, place: Location, offset: int, length: int) -> bytes:
        return self._get(place, {"Range": f"bytes={offset}-{offset + length - 1}"})

    def _get(self, place: Location, extra: dict[str, str]) -> bytes:
        with errors_of(f"GetObject {place.uri}", MISSING):
            body: bytes = self._s3.get_object(**_address(place), **extra)["Body"].read()
        return body

    def write(self, place: Location, body: bytes, content_type: str = "application/octet-stream") -> None:
        with errors_of(f"PutObject {place.uri}"):
            self._s3.put_object(Bucket=place.bucket, Key=place.key, Body=body, ContentType=content_type)

    def delete(self, place: Location) -> None:
        with errors_of(f"DeleteObject {place.uri}"):
            self._s3.delete_object(**_address(place))

    def copy(self, source: Location, target: Location) -> None:
        """The bytes and what kind they are; not the tags, which need rights of their own."""
        with errors_of(f"CopyObject {source.uri} to {target.uri}", MISSING):
            self._s3.copy_object(
                Bucket=target.bucket,
                Key=target.key,
                CopySource=_address(source),
                TaggingDirective="REPLACE",
            )

    def download(self, place: Location, path: Path) -> None:
        with errors_of(f"GetObject {place.uri}", MISSING):
            body = self._s3.get_object(**_address(place))["Body"]
            with path.open("wb") as file:
                for chunk in body.iter_chunks(1024 * 1024):
                    file.write(chunk)

    def listing(self, bucket: str, prefix: str = "") -> Iterator[tuple[str, ObjectInfo]]:
        """Key and info of each object below a prefix, in the order of keys; some thousand to a request."""
        pages = self._s3.get_paginator("list_objects_v2")
        with errors_of(f"ListObjectsV2 s3://{bucket}/{prefix}", {"NoSuchBucket": ConfigurationError}):
            for page in pages.paginate(Bucket=bucket, Prefix=prefix):
                for entry in page.get("Contents", []):
                    etag = str(entry.get("ETag", "")).strip('"')
                    yield entry["Key"], ObjectInfo(entry["Size"], etag, changed=entry.get("LastModified"))

    def upload(self, path: Path, place: Location, content_type: str = "application/octet-stream") -> None:
        """A file of any size, in parts where it is large."""
        what, extra = f"upload of {path.name} to {place.uri}", {"ContentType": content_type}
        with errors_of(what, {"NoSuchBucket": ConfigurationError}), path.open("rb") as file:
            self._s3.upload_fileobj(file, place.bucket, place.key, extra, Config=IN_THIS_THREAD)

    def begin(self, place: Location, content_type: str) -> str:
        with errors_of(f"CreateMultipartUpload {place.uri}"):
            answer: dict[str, Any] = self._s3.create_multipart_upload(
                Bucket=place.bucket, Key=place.key, ContentType=content_type
            )
        return str(answer["UploadId"])

    def add(self, place: Location, upload_id: str, number: int, body: bytes) -> str:
        with errors_of(f"UploadPart {number} {place.uri}"):
            answer: dict[str, Any] = self._s3.upload_part(
                Bucket=place.bucket, Key=place.key, UploadId=upload_id, PartNumber=number, Body=body
            )
        return str(answer["ETag"])

    def finish(self, place: Location, upload_id: str, etags: Sequence[str]) -> None:
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
        with errors_of(f"CompleteMultipartUpload {place.uri}"):
            self._s3.complete_multipart_upload(
                Bucket=place.bucket, Key=place.key, UploadId=upload_id, MultipartUpload={"Parts": parts}
            )
