"""Where everything of a document lies: keys in the work bucket, ids, names. Not the access to it.

Nothing derived ever contains the source key, so a strange key can do no harm further down.
"""

import hashlib
import re
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_pascal

HASH_DIGITS = 32
EXECUTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
"""What Step Functions takes, and CloudWatch shows as it is."""
MAX_RANGE_PAGES = 100


class Location(BaseModel):
    """An object in S3."""

    model_config = ConfigDict(frozen=True, alias_generator=to_pascal, populate_by_name=True)

    bucket: str
    key: str
    version_id: str = ""
    """Empty where the bucket keeps no versions."""

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @classmethod
    def from_uri(cls, uri: str) -> "Location":
        """`s3://bucket/key`; ValueError for anything else."""
        scheme, _, rest = uri.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme != "s3" or not bucket or not key:
            raise ValueError(f"expected s3://bucket/key, got {uri!r}")
        return cls(bucket=bucket, key=key)


def _one_path_part(value: str) -> str:
    if not re.fullmatch(r"[^\s/\\\x00-\x1f]{1,128}", value) or set(value) == {"."}:
        raise ValueError(f"expected an id of up to 128 characters without spaces and slashes, got {value!r}")
    return value


DocumentId = Annotated[str, AfterValidator(_one_path_part)]


def digest(*parts: str) -> str:
    """The first 32 hexadecimal digits of sha256 over the parts, each told apart from its neighbours."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:HASH_DIGITS]


def document_id(source: Location, etag: str, sequencer: str) -> str:
    """One id for one version of one object: the same event gives the same id, a new upload another."""
    version = (source.version_id,) if source.version_id else (etag, sequencer)
    return digest(source.bucket, source.key, *version)


def source_id(bucket: str, key: str) -> str:
    """One id for a place in a bucket, over all its versions."""
    return digest(bucket, key)


def execution_name(document: str, attempt: int) -> str:
    return f"{document}-{attempt}"


def event_name(of: str, kind: str) -> str:
    """The execution that tells an event: the same name for the same event, always one that can be taken."""
    name = f"{of}-{kind}"
    return name if EXECUTION_NAME.fullmatch(name) else digest(name)


AttemptNumber = Annotated[int, Field(ge=1)]


class MadeIn(BaseModel):
    """Of which attempt each step's results are: what is made anew goes beside what was there before.

    A restart keeps these numbers, so it finds what earlier executions left; a reprocess moves those of its
    first step and of all later ones, in one write, so nothing stale is ever found again.
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_pascal, populate_by_name=True, extra="forbid")

    ocr: AttemptNumber = 1
    model: AttemptNumber = 1
    postprocess: AttemptNumber = 1
    review: AttemptNumber = 1
    publish: AttemptNumber = 1

    def anew_from(self, step: str, attempt: int) -> Self:
        """The same, with this step and all later ones of another attempt."""
        names = list(type(self).model_fields)
        return self.model_copy(update=dict.fromkeys(names[names.index(step) :], attempt))


class DocumentPlaces:
    """The keys of one document below `documents/<id>/` in the work bucket.

    Results of the first attempt lie there, those of a later one in a folder `attempt-<n>/` of it.
    """

    def __init__(self, bucket: str, document: str, made_in: MadeIn | None = None) -> None:
        self.bucket = bucket
        self.prefix = f"documents/{document}/"
        self.made_in = made_in or MadeIn()

    def at(self, name: str, attempt: int = 1) -> Location:
        folder = "" if attempt == 1 else f"attempt-{attempt}/"
        return Location(bucket=self.bucket, key=self.prefix + folder + name)

    @property
    def source(self) -> Location:
        return self.at("source.json")

    @property
    def ocr_index(self) -> Location:
        return self.at("ocr/index.json", self.made_in.ocr)

    @property
    def ocr_job(self) -> Location:
        return self.at("ocr/job.json", self.made_in.ocr)

    def ocr_part(self, part: int) -> Location:
        return self.at(f"ocr/part-{part:04d}.bin", self.made_in.ocr)

    def ocr_part_index(self, part: int) -> Location:
        return self.at(f"ocr/part-{part:04d}.json", self.made_in.ocr)

    def ocr_request(self, part: int) -> Location:
        return self.at(f"ocr/request-{part:04d}.json", self.made_in.ocr)

    @property
    def image_plan(self) -> Location:
        return self.at("images/plan.json", self.made_in.ocr)

    def image(self, page: int) -> Location:
        return self.at(f"images/page-{page:04d}.jpg", self.made_in.ocr)

    def thumbnails_part(self, part: int) -> Location:
        """The thumbnails of a range of pages in one file, as a model's endpoint reads them."""
        return self.at(f"images/thumbnails-{part:04d}.npz", self.made_in.ocr)

    def thumbnails_request(self, part: int) -> Location:
        return self.at(f"images/request-{part:04d}.json", self.made_in.ocr)

    def image_part_index(self, part: int) -> Location:
        return self.at(f"images/part-{part:04d}.json", self.made_in.ocr)

    def model_input(self, part: int) -> Location:
        """The pages of a range as a model's endpoint reads them: Textract-shaped JSON."""
        return self.at(f"predictions/input-{part:04d}.json", self.made_in.model)

    def model_request(self, part: int) -> Location:
        """What the endpoint is asked: where the pages lie, and their thumbnails."""
        return self.at(f"predictions/request-{part:04d}.json", self.made_in.model)

    def predictions_part(self, part: int) -> Location:
        return self.at(f"predictions/part-{part:04d}.bin", self.made_in.model)

    def predictions_part_index(self, part: int) -> Location:
        return self.at(f"predictions/part-{part:04d}.json", self.made_in.model)

    @property
    def fields(self) -> Location:
        return self.at("fields.json", self.made_in.postprocess)

    def review_task(self, review: str) -> Location:
        return self.at(f"review/{review}/task.json", self.made_in.review)

    @property
    def reviewed_fields(self) -> Location:
        return self.at("review/fields.json", self.made_in.review)

    @property
    def result(self) -> Location:
        return self.at("result.json", self.made_in.publish)


def page_ranges(num_pages: int, size: int = MAX_RANGE_PAGES) -> list[tuple[int, int]]:
    """First and last page of each range of at most `size` pages; empty for no pages."""
    return [(first, min(first + size - 1, num_pages)) for first in range(1, num_pages + 1, size)]
