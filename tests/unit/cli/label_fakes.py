"""A labelling back-end and a user pool in memory, and a stack that has them."""

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from botocore.hooks import HierarchicalEmitter

from recto_cli.labelling.back_ends import BackEndChoice, RefusalError
from recto_local.standins.shapes import ShapeError, checked, operation_model

ACCOUNT = "111122223333"
REGION = "us-east-1"
POOL, POOL_CLIENT = "us-east-1_ABCDEFGHI", "client1234567890"


class FakeClient:
    """What every client has: a place where those who count calls are told of them."""

    meta = SimpleNamespace(events=HierarchicalEmitter(), service_model=SimpleNamespace(service_name="fake"))


class FakeBackEnd(FakeClient):
    """Jobs and teams by name; refuses what SageMaker's own model of an operation does not allow."""

    choice = BackEndChoice.WORKBENCH

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.teams: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.refuses: dict[str, RefusalError] = {}

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append(operation)
        model = operation_model("sagemaker", operation)
        assert model is not None
        try:
            asked = checked(model, dict(parameters))
        except ShapeError as error:
            raise RefusalError(operation, "ValidationException", str(error)) from error
        if operation in self.refuses:
            raise self.refuses[operation]
        answer: dict[str, Any] = getattr(self, f"_{operation}")(asked)
        return answer

    def _arn(self, kind: str, name: str) -> str:
        return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/{name}"

    def _known(self, kind: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
        for known, value in kind.items():
            if known.casefold() == name.casefold():
                return value
        raise RefusalError("Describe", "ResourceNotFound", f"there is none called {name}")

    def _CreateLabelingJob(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = asked["LabelingJobName"]
        state = {
            "LabelingJobStatus": "InProgress",
            "CreationTime": datetime(2026, 11, 21, tzinfo=UTC),
            "LabelCounters": {"TotalLabeled": 0, "Unlabeled": 2, "FailedNonRetryableError": 0},
        }
        arn = self._arn("labeling-job", name)
        self.jobs[name] = {**asked, **state, "LabelingJobArn": arn}
        return {"LabelingJobArn": arn}

    def _DescribeLabelingJob(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return dict(self._known(self.jobs, asked["LabelingJobName"]))

    def _ListLabelingJobs(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        part = asked.get("NameContains", "").casefold()
        names = sorted(name for name in self.jobs if part in name.casefold())
        first = int(asked.get("NextToken", 0))
        token = {"NextToken": str(first + 1)} if first + 1 < len(names) else {}
        return {"LabelingJobSummaryList": [self.jobs[name] for name in names[first : first + 1]], **token}

    def _StopLabelingJob(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._known(self.jobs, asked["LabelingJobName"])["LabelingJobStatus"] = "Stopping"
        return {}

    def _CreateWorkteam(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = asked["WorkteamName"]
        arn = self._arn("workteam/private-crowd", name)
        self.teams[name] = {**asked, "WorkteamArn": arn}
        return {"WorkteamArn": arn}

    def _DescribeWorkteam(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"Workteam": dict(self._known(self.teams, asked["WorkteamName"]))}

    def _ListWorkteams(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"Workteams": list(self.teams.values())}

    def _DeleteWorkteam(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        del self.teams[asked["WorkteamName"]]
        return {"Success": True}


class FakeLambda(FakeClient):
    """The control function behind Lambda's Invoke, over a `FakeBackEnd`."""

    def __init__(self, end: FakeBackEnd) -> None:
        self.end = end

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "recto-test-LabellingControl"
        asked = json.loads(Payload)
        try:
            answer: dict[str, Any] = {"Result": self.end.call(asked["Operation"], asked["Parameters"])}
        except RefusalError as error:
            answer = {"Error": {"Code": error.code, "Message": error.said}}
        return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(answer, default=str).encode())}


class GroupExistsError(Exception):
    """Cognito's."""


class MissingError(Exception):
    """Cognito's."""


class UserMissingError(Exception):
    """Cognito's."""


class FakeCognito(FakeClient):
    """A user pool: groups and users."""

    class exceptions:  # noqa: N801
        GroupExistsException = GroupExistsError
        ResourceNotFoundException = MissingError
        UserNotFoundException = UserMissingError

    def __init__(self) -> None:
        self.groups: dict[str, list[str]] = {"annotators": [], "reviewers": [], "operators": []}
        self.users: dict[str, dict[str, Any]] = {}

    def create_group(self, *, GroupName: str, UserPoolId: str, Description: str) -> None:  # noqa: N803
        assert UserPoolId == POOL
        if GroupName in self.groups:
            raise GroupExistsError
        self.groups[GroupName] = []

    def delete_group(self, *, GroupName: str, UserPoolId: str) -> None:  # noqa: N803
        if GroupName not in self.groups:
            raise MissingError
        del self.groups[GroupName]

    def list_users_in_group(self, **asked: Any) -> dict[str, Any]:
        if asked["GroupName"] not in self.groups:
            raise MissingError
        names = self.groups[asked["GroupName"]]
        first = int(asked.get("NextToken", 0))
        token = {"NextToken": str(first + 1)} if first + 1 < len(names) else {}
        return {"Users": [self.users[name] for name in names[first : first + 1]], **token}

    def admin_get_user(self, *, UserPoolId: str, Username: str) -> dict[str, Any]:  # noqa: N803
        if Username not in self.users:
            raise UserMissingError
        user = self.users[Username]
        return {"Username": Username, "UserAttributes": user["Attributes"], "UserStatus": user["UserStatus"]}

    def list_users(self, *, UserPoolId: str, Filter: str, Limit: int) -> dict[str, Any]:  # noqa: N803
        known = [u for u in self.users.values() if f'email = "{u["Attributes"][0]["Value"]}"' == Filter]
        return {"Users": known[:Limit]}

    def admin_set_user_password(self, **asked: Any) -> None:
        user = self.users[asked["Username"]]
        user["password"] = asked["Password"]
        user["UserStatus"] = "CONFIRMED" if asked["Permanent"] else "FORCE_CHANGE_PASSWORD"

    def admin_create_user(self, **asked: Any) -> None:
        self.users[asked["Username"]] = {
            "Username": asked["Username"], "Attributes": asked["UserAttributes"],
            "UserStatus": "FORCE_CHANGE_PASSWORD", "asked": asked,
        }  # fmt: skip

    def admin_add_user_to_group(self, *, UserPoolId: str, Username: str, GroupName: str) -> None:  # noqa: N803
        self.groups[GroupName].append(Username)

    def admin_remove_user_from_group(self, **asked: str) -> None:
        self.groups[asked["GroupName"]].remove(asked["Username"])


def manifest(path: Path, *lines: dict[str, Any] | str) -> Path:
    """A manifest file; a text is a line as it is."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path
