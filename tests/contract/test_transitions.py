"""The transitions that are told from a document's calls are those that its state machine makes.

The machine is walked here as it is written: choices by the data, functions by what a way says they answer.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from recto.transitions import START_AND_END, states_entered, transitions
from tests.contract.template import asl

ONE, TWO = [{"Part": 1}], [{"Part": 1}, {"Part": 2}]
WANTED = 24


@dataclass
class Way:
    """One document's way: what is pinned, what functions answer, where one fails."""

    data: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    fails: dict[str, str] = field(default_factory=dict)
    entered: int = 0
    names: list[str] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)

    def walk(self, machine: dict[str, Any], data: dict[str, Any]) -> str:
        """The error it ended with, empty for none."""
        name: str | None = machine["StartAt"]
        while name:
            state = machine["States"][name]
            self.entered += 1
            self.names.append(name)
            error = self.enter(state, data)
            caught = next((rule["Next"] for rule in state.get("Catch", ()) if matches(rule, error)), None)
            if error and not caught:
                return error
            if error:
                data["Failure"] = {"Error": error}
            name = caught or (self.choose(state, data) if state["Type"] == "Choice" else state.get("Next"))
        return ""

    def enter(self, state: dict[str, Any], data: dict[str, Any]) -> str:
        if state["Type"] == "Fail":
            return "Failed"
        if state["Type"] == "Task":
            return self.call(state, data)
        if state["Type"] == "Pass" and state.get("ResultPath") == "$.Fetch":
            data["Fetch"] = state["Result"]
        if state["Type"] == "Parallel":
            return self.branch(state, data)
        if state["Type"] == "Map":
            errors = [self.walk(state["ItemProcessor"], dict(data)) for _ in at(data, state["ItemsPath"])]
            return next(filter(None, errors), "")
        return ""

    def branch(self, state: dict[str, Any], data: dict[str, Any]) -> str:
        seen = [dict(data) for _ in state["Branches"]]
        errors = [self.walk(branch, mine) for branch, mine in zip(state["Branches"], seen, strict=True)]
        data["Read"] = {"Ocr": {"Failure": seen[0]["Failure"]} if "Failure" in seen[0] else {}}
        return next(filter(None, errors), "")

    def call(self, state: dict[str, Any], data: dict[str, Any]) -> str:
        step = step_of(state)
        self.calls[step] += 1
        if step in self.fails:
            return self.fails[step]
        answer = self.answers.get(f"{step} {self.calls[step]}", self.answers.get(step, {}))
        path = (state.get("ResultPath") or "").removeprefix("$.")
        if path and path != "$":
            data[path] = answer
        return ""

    def choose(self, state: dict[str, Any], data: dict[str, Any]) -> str:
        for rule in state["Choices"]:
            found = at(data, rule["Variable"])
            kind = next(key for key in rule if key not in ("Variable", "Next"))
            if (found is not None) == rule[kind] if kind == "IsPresent" else found == rule[kind]:
                return str(rule["Next"])
        return str(state["Default"])


def matches(rule: dict[str, Any], error: str) -> bool:
    return bool(error) and bool({"States.ALL", error} & set(rule["ErrorEquals"]))


def at(data: dict[str, Any], path: str) -> Any:
    found: Any = data
    for part in path.removeprefix("$.").split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def step_of(state: dict[str, Any]) -> str:
    name = re.sub(r"\W|Function", "", state["Parameters"]["FunctionName"])
    step = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower().replace("a2i_", "a2i_")
    return "release" if step == "dispatch" else step


ANSWERS: dict[str, dict[str, Any]] = {
    "page_images": {"Ranges": ONE, "ToDraw": []},
    "textract_fetch": {"Done": True},
    "model_invoke": {"Ranges": ONE, "Backend": "embedded", "Done": True},
    "entity_postprocess": {"NeedsReview": False, "IsDrawn": False},
    "publish": {"Audit": False},
}
LONG = {
    "page_images 1": {"Ranges": TWO, "ToDraw": TWO},
    "textract_fetch 1": {"Done": False},
    "model_invoke 1": {"Ranges": TWO, "Backend": "embedded", "Done": False},
}
AUDITED = {"entity_postprocess": {"NeedsReview": False, "IsDrawn": True}, "publish": {"Audit": True}}
AWAY = {"model_invoke 1": {"Ranges": ONE, "Backend": "sagemaker", "Done": False}}
DRAWN_AWAY = {"page_images 1": {"Ranges": ONE, "ToDraw": ONE}}


def walked(start: str = "ocr", engine: str = "textract", thumbnails: str = "", **way: Any) -> Way:
    document = {"OcrEngine": engine, "ThumbnailEndpoint": thumbnails}
    made = Way(answers={**ANSWERS, **way.get("answers", {})}, fails=way.get("fails", {}))
    made.walk(asl("document"), {"From": start, "Document": document})
    return made


@pytest.mark.parametrize(
    ("failure", "way"),
    [
        ("", {}),
        ("", {"answers": LONG}),
        ("", {"engine": "sagemaker"}),
        ("", {"engine": "sagemaker", "answers": LONG}),
        ("", {"answers": AWAY}),
        ("", {"thumbnails": "recto-thumbnails", "answers": DRAWN_AWAY}),
        ("", {"answers": {"entity_postprocess": {"NeedsReview": True}}}),
        ("", {"answers": AUDITED}),
        ("", {"start": "model"}),
        ("", {"start": "postprocess"}),
        ("", {"start": "review"}),
        ("", {"start": "publish"}),
        ("OcrFailedError", {"fails": {"textract_start": "OcrFailedError"}}),
        ("DamagedDocumentError", {"fails": {"page_images": "DamagedDocumentError"}}),
        ("PageCountMismatchError", {"fails": {"model_invoke": "PageCountMismatchError"}}),
        ("ReleaseError", {"fails": {"entity_postprocess": "ReleaseError"}}),
        (
            "DocumentRejectedError",
            {
                "answers": {"entity_postprocess": {"NeedsReview": True}},
                "fails": {"a2i_trigger": "DocumentRejectedError"},
            },
        ),
    ],
)
def test_states_are_told_from_calls(failure: str, way: dict[str, Any]) -> None:
    made = walked(**way)

    assert states_entered(made.calls, failure) == made.entered, made.calls


def test_a_short_document_that_goes_straight_through_takes_at_most_24_transitions() -> None:
    made = walked()

    assert transitions(made.calls) == made.entered + START_AND_END <= WANTED


def test_each_call_of_a_function_is_known_to_the_derivation() -> None:
    """A state whose function is not counted would be left out of every bill."""
    made = walked(engine="textract")
    again = states_entered(made.calls + Counter({"textract_fetch": 1}))

    assert again == made.entered + 2
