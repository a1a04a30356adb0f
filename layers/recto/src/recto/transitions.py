"""How many states an execution of `statemachine/document.asl.json` entered, told from the calls that it made.

Step Functions charges for each state that is entered, each retry of one, and for start and end, as AWS's
price example counts them. Every Task calls one function, whose calls are written down; which Choice, Pass,
Map and Parallel lie between them is known here. A test holds this to the histories of real executions.
"""

from collections import Counter
from collections.abc import Mapping

START_AND_END = 2
EVENT_TRANSITIONS = 1 + START_AND_END
"""Of `statemachine/event.asl.json`, which tells one event. They are not in what is told here."""
TASKS = (
    "textract_start",
    "textract_fetch",
    "ocr_endpoint_start",
    "ocr_endpoint_store",
    "thumbnail_endpoint_start",
    "thumbnail_endpoint_store",
    "model_endpoint_start",
    "model_endpoint_store",
    "entity_postprocess",
    "release",
    "a2i_trigger",
    "publish",
    "a2i_audit",
)
"""Functions that the state machine calls in one state each, beside page_images and model_invoke."""


def transitions(calls: Mapping[str, int], failure: str = "") -> int:
    """What is charged for an execution that made so many calls by step; `failure`: how it ended, if badly."""
    return states_entered(calls, failure) + START_AND_END


def states_entered(calls: Mapping[str, int], failure: str = "") -> int:
    """States entered, retries counted again."""
    made = Counter(calls)
    entered = 1 + sum(made[step] for step in TASKS)  # From, and one a call
    return entered + _reading(made, failure) + _modelling(made) + _ending(made, failure)


def _reading(made: Counter[str], failure: str) -> int:
    """PageImagesPlan, and Thumbnails before each PageImagesOfRange; the states of Read, and around it."""
    drawing = 2 * made["page_images"] - 1 if made["page_images"] else 0
    if not made["textract_start"] + made["ocr_endpoint_start"]:
        return drawing
    read = 3 + bool(made["ocr_endpoint_start"])  # Read, OcrEngine, PageImages; the Map OcrEndpoint
    fetched = made["textract_fetch"]  # TextractFetched after each
    if failure == "OcrFailedError":
        return drawing + read + fetched + 3  # OcrFailed, OcrEnded, OcrFailure
    return drawing + read + fetched + (2 if made["model_invoke"] else 0)  # OcrDone, OcrEnded


def _modelling(made: Counter[str]) -> int:
    """ModelInvokePlan, ModelBackend; a Map and its calls where one was needed."""
    calls = made["model_invoke"]
    went_on = bool(made["entity_postprocess"] + made["model_endpoint_start"]) or calls > 1
    return calls + (calls > 0 and went_on) + (calls > 1) + bool(made["model_endpoint_start"])


def _ending(made: Counter[str], failure: str) -> int:
    """NeedsReview after a slot was given back in good order; Failed; IsAudited, Done of one drawn."""
    decided = bool(made["entity_postprocess"]) and (not failure or made["release"] > 1)
    if failure:
        return decided + 1
    only_published = not made["entity_postprocess"] + made["a2i_trigger"]
    return decided + (2 if only_published or made["a2i_audit"] else 0)
