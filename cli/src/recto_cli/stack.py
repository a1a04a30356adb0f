"""The names of everything that one deployment made, read from Parameter Store by project id."""

from collections.abc import Mapping
from functools import cached_property

from recto.aws.clients import client, errors_of
from recto.aws.dynamodb import DocumentRows, ReviewRows, Table
from recto.aws.s3 import S3Objects
from recto.errors import AccessError, ParameterMissingError

CALLER = "recto-cli"


class Stack:
    """One deployment: names by their Parameter Store path below the project, and access to what they name."""

    def __init__(self, project: str, names: Mapping[str, str]) -> None:
        self.project = project
        self.names = names

    def name(self, path: str) -> str:
        """`static/InputBucket` and the like; ParameterMissingError where the stack has none."""
        try:
            return self.names[path]
        except KeyError:
            raise ParameterMissingError(
                f"parameter /{self.project}/{path} is absent; the stack is older or newer than this command"
            ) from None

    @property
    def inbox(self) -> str:
        return self.name("static/InputBucket")

    @property
    def work(self) -> str:
        return self.name("static/WorkBucket")

    @property
    def reviews_bucket(self) -> str:
        return self.name("static/ReviewsBucket")

    @cached_property
    def table(self) -> Table:
        return Table(self.name("static/DocumentTable"), CALLER)

    @cached_property
    def documents(self) -> DocumentRows:
        return DocumentRows(self.table)

    @cached_property
    def reviews(self) -> ReviewRows:
        return ReviewRows(self.table)

    @cached_property
    def objects(self) -> S3Objects:
        return S3Objects(CALLER)


def read_stack(project: str) -> Stack:
    """The deployment of a project; a clear error where there is none or the role may not look."""
    prefix = f"/{project}/"
    try:
        names = _parameters_below(prefix)
    except AccessError as error:
        raise AccessError(
            f"your role may not read the parameters below {prefix}: "
            f"it needs ssm:GetParametersByPath there ({error})"
        ) from error
    if not names:
        raise ParameterMissingError(
            f"Parameter Store has nothing below {prefix}: is the stack deployed in this region and account, "
            "and is --project its ProjectId?"
        )
    return Stack(project, names)


def _parameters_below(prefix: str) -> dict[str, str]:
    pages = client("ssm", CALLER).get_paginator("get_parameters_by_path")
    with errors_of(f"GetParametersByPath {prefix}"):
        found = [
            parameter
            for page in pages.paginate(Path=prefix, Recursive=True)
            for parameter in page["Parameters"]
        ]
    return {parameter["Name"].removeprefix(prefix): parameter["Value"] for parameter in found}
