"""The releases of one deployment: what is there, which is in use, a new one, another one in use.

Nothing here deletes or overwrites a release: running documents and their reviews keep theirs.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from recto.aws.clients import client, errors_of
from recto.aws.s3 import S3Objects
from recto.aws.sagemaker import SageMakerEndpoints
from recto.aws.services import UNDEFINED, ParameterStore
from recto.errors import ConfigurationError, DocumentMissingError, ParameterMissingError, ReleaseError
from recto.messages import Status
from recto.places import Location
from recto.ports import AsyncEndpoints
from recto.release import FOLDER, INDEX, Release, parse_release
from recto.release_contents import FieldsOfRelease, check_contents
from recto.steps.async_inference import MODEL, require_reachable, require_usable
from recto.steps.fields_of_release import load_fields
from recto.steps.follow_parameter import REFUSAL, Refusal
from recto.steps.make_release import (
    ReleaseMaker,
    Used,
    in_use,
    publish_release,
    read_release_folder,
    use_release,
)
from recto.steps.model import download_release, read_release_file
from recto_cli.dry_run import run_apart
from recto_cli.release_parts import Parts, assemble
from recto_cli.stack import CALLER, Stack

RELEASE, FIELDS_PARAMETER = "config/Release", "config/EntityConfiguration"
ENDPOINT_PARAMETER = "config/SageMakerEndpointName"
UNFINISHED = (Status.WAITING, Status.RUNNING, Status.IN_REVIEW)
MANY = 1000


class KnownRelease(NamedTuple):
    """A folder below `releases/`, whole or not."""

    prefix: str
    release: Release | None
    fault: str
    num_documents: int
    """That run with it or wait for a person."""
    is_used: bool


def short(prefix: str) -> str:
    """A release as people name it."""
    return prefix.removeprefix(f"{FOLDER}/")


def parameter_name(stack: Stack, path: str) -> str:
    return f"/{stack.project}/{path}"


def maker_of(stack: Stack) -> ReleaseMaker:
    """What the library's step for making releases works with."""
    objects = S3Objects(CALLER)
    name = parameter_name(stack, RELEASE)
    return ReleaseMaker(objects, objects, ParameterStore(CALLER), utc_now, stack.work, name)


def utc_now() -> datetime:
    return datetime.now(UTC)


# --- what is there ------------------------------------------------------------------------------------


def used_release(stack: Stack) -> str:
    """The release that new documents use, as the parameter says now; empty for none."""
    return in_use(ParameterStore(CALLER), parameter_name(stack, RELEASE))


def require_used(stack: Stack) -> str:
    prefix = used_release(stack)
    if not prefix:
        raise ParameterMissingError(
            f"no release is in use ({parameter_name(stack, RELEASE)} is not set); see recto release list"
        )
    return prefix


def known_releases(stack: Stack) -> list[KnownRelease]:
    """All of the work bucket and the one in use, the newest first, broken ones at the end."""
    used, documents = used_release(stack), _documents_by_release(stack)
    prefixes = {*_prefixes(stack.work), *([used] if used else [])}
    found = [_known(prefix, stack, documents[prefix], used) for prefix in sorted(prefixes)]
    return sorted(found, key=lambda each: each.release.created if each.release else "", reverse=True)


def _known(prefix: str, stack: Stack, num_documents: int, used: str) -> KnownRelease:
    try:
        release, fault = read_index(prefix, stack), ""
    except ReleaseError as error:
        release, fault = None, str(error)
    return KnownRelease(prefix, release, fault, num_documents, prefix == used)


def _prefixes(bucket: str) -> Iterator[str]:
    pages = client("s3", CALLER).get_paginator("list_objects_v2")
    with errors_of(f"ListObjectsV2 s3://{bucket}/{FOLDER}/"):
        for page in pages.paginate(Bucket=bucket, Prefix=f"{FOLDER}/", Delimiter="/"):
            yield from (entry["Prefix"].rstrip("/") for entry in page.get("CommonPrefixes", []))


def _documents_by_release(stack: Stack) -> Counter[str]:
    rows = [row for status in UNFINISHED for row in stack.documents.with_status(status, MANY)]
    return Counter(row.release.rstrip("/") for row in rows if row.release)


def read_index(prefix: str, stack: Stack) -> Release:
    """ReleaseError where there is none, or none that can be read."""
    return parse_release(read_release_file(stack.objects, stack.work, prefix, INDEX))


def contents_of(prefix: str, stack: Stack) -> FieldsOfRelease:
    """Fields, calibration and thresholds of a release."""
    return load_fields(stack.objects, stack.work, prefix)


def find_prefix(name: str, stack: Stack) -> str:
    """The prefix of a release that a person calls `name`: in full, without its hash, or its beginning.

    ReleaseError for none or several.
    """
    wanted = short(name.rstrip("/"))
    there = sorted(map(short, _prefixes(stack.work)))
    exact = [one for one in there if one == wanted]
    named = [one for one in there if one.rpartition("-")[0] == wanted]
    found = exact or named or [one for one in there if one.startswith(wanted)]
    if len(found) == 1:
        return f"{FOLDER}/{found[0]}"
    if found:
        raise ReleaseError(f"several releases are called {name!r}: {', '.join(found)}")
    raise ReleaseError(f"no release is called {name!r}; there is {', '.join(there) or 'none at all'}")


def last_refusal(stack: Stack) -> Refusal | None:
    """What was refused last of what came by a parameter, where nothing was named since."""
    try:
        told = Refusal.model_validate_json(stack.objects.read(Location(bucket=stack.work, key=REFUSAL)))
    except DocumentMissingError:
        return None
    name = parameter_name(stack, RELEASE)
    with errors_of(f"GetParameter {name}", {"ParameterNotFound": ParameterMissingError}):
        named = client("ssm", CALLER).get_parameter(Name=name)["Parameter"]["LastModifiedDate"]
    return told if told.time > named else None


# --- another one --------------------------------------------------------------------------------------


def make_release(source: str, parts: Parts, stack: Stack) -> str:
    """A release in the work bucket, of `source` (a folder, or a release there) with new parts.

    Checked whole, with a dry run of the model, before anything is written.
    """
    if source and Path(source).is_dir():
        base, made_from = read_release_folder(Path(source)), ""
    else:
        made_from = find_prefix(source, stack) if source else require_used(stack)
        base = download(made_from, stack)
    contents = assemble(base, parts, f"{utc_now():%Y-%m-%dT%H:%M:%SZ}", made_from)
    try_out(contents, stack)
    return publish_release(contents, stack.objects, stack.work)


def download(prefix: str, stack: Stack) -> dict[str, bytes]:
    with TemporaryDirectory(prefix="recto-release-") as folder:
        return read_release_folder(download_release(stack.objects, stack.work, prefix, Path(folder)))


def try_out(contents: dict[str, bytes], stack: Stack) -> None:
    """ReleaseError unless the model opens, has the classes it should have, and reads a tiny page.

    ConfigurationError for an endpoint that the pipeline could not use; its answers are seen when it is asked.
    """
    endpoint = parse_release(contents[INDEX]).endpoint
    if endpoint:
        check_endpoint(stack, endpoint)
        return
    with TemporaryDirectory(prefix="recto-release-") as folder:
        for name, content in contents.items():
            (Path(folder) / name).write_bytes(content)
        run_apart(Path(folder))


def stray_endpoint(stack: Stack) -> str:
    """Why `config/SageMakerEndpointName` does not say what is in use; empty where it does."""
    value = stack.names.get(ENDPOINT_PARAMETER, "").strip()
    used = used_release(stack)
    try:
        endpoint = read_index(used, stack).endpoint if used else ""
    except ReleaseError:
        return ""  # the list says so already
    told = "" if value in UNDEFINED else value
    return "" if told == endpoint else f"it says {told or 'undefined'}, in use is {endpoint or 'no endpoint'}"


def check_endpoint(stack: Stack, endpoint: str, endpoints: AsyncEndpoints | None = None) -> None:
    """ConfigurationError for an endpoint of a word model that the pipeline could not use."""
    require_reachable(endpoint, stack.project)
    found = (endpoints or SageMakerEndpoints(CALLER)).describe(endpoint)
    require_usable(endpoint, found, stack.name("static/ModelCallbackTopicArn"), stack.work, MODEL)


def name_release(prefix: str, stack: Stack) -> Used:
    """Let new documents use a release, once it has proved whole where it lies."""
    contents = download(prefix, stack)
    check_contents(contents)
    try_out(contents, stack)
    return use_release(prefix, ParameterStore(CALLER), parameter_name(stack, RELEASE))


def previous_release(stack: Stack) -> str:
    """The last other release that the parameter named; ReleaseError where it named none."""
    name, now = parameter_name(stack, RELEASE), used_release(stack)
    pages = client("ssm", CALLER).get_paginator("get_parameter_history")
    with errors_of(f"GetParameterHistory {name}", {"ParameterNotFound": ParameterMissingError}):
        history = [entry for page in pages.paginate(Name=name) for entry in page["Parameters"]]
    history.sort(key=lambda entry: entry["Version"], reverse=True)
    values = [entry["Value"].rstrip("/") for entry in history if entry["Value"].strip() not in UNDEFINED]
    before = next((str(value) for value in values if value != now), "")
    if not before:
        raise ReleaseError(f"{name} has named no other release than {now or 'none'}")
    return before


def require_still_used(base: str, made: str, stack: Stack) -> None:
    """ConfigurationError where somebody else has named another release since `base` was read."""
    now = used_release(stack)
    if now != base:
        raise ConfigurationError(
            f"meanwhile somebody else has put {short(now)} in use, and {short(base)} is it no more; "
            f"{short(made)} is made but not in use: compare the two, then push again or use it"
        )
