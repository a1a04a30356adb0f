"""Which objects one task's page may read: those that the task's own input names, and no others.

A template is not asked: one that writes down an address of its own, or puts one together, gets no link for
it. So what a job's template can show is what its manifest and its pre-labelling function have named.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from recto.places import Location
from recto_workbench.rendering import object_uri

MAX_DEPTH = 50
_BUCKET_KEYS, _NAME_KEYS = ("bucket", "Bucket"), ("name", "Name", "key", "Key")


def named_objects(task_input: Any) -> frozenset[str]:
    """`s3://bucket/key` of everything that a task's input names, as text or as Textract's `S3Object`."""
    return frozenset(_named(task_input, MAX_DEPTH))


def _named(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        uri = object_uri(value)
        if uri:
            yield uri
    elif depth and isinstance(value, Mapping):
        yield from _s3_object(value)
        for each in value.values():
            yield from _named(each, depth - 1)
    elif depth and isinstance(value, list | tuple):
        for each in value:
            yield from _named(each, depth - 1)


def _s3_object(value: Mapping[str, Any]) -> Iterator[str]:
    buckets = [value[key] for key in _BUCKET_KEYS if isinstance(value.get(key), str)]
    names = [value[key] for key in _NAME_KEYS if isinstance(value.get(key), str)]
    yield from (f"s3://{bucket}/{name}" for bucket in buckets for name in names if bucket and name)


def object_source(place: Location, url: str) -> str:
    """What a Content-Security-Policy must allow so that a page may follow `url` to its object: the bucket.

    `https://bucket.host` where the bucket is part of the host, `http://host/bucket/` where it is not.
    """
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    return origin if parts.netloc.startswith(f"{place.bucket}.") else f"{origin}/{place.bucket}/"
