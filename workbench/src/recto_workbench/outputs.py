"""What a job writes, in Ground Truth's forms: worker responses, consolidation requests, manifest lines."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from recto.consolidation.contents import failure_of
from recto_workbench.errors import ObjectFailedError
from recto_workbench.jobs import Job
from recto_workbench.tasks import Assignment, ObjectState, TaskObject

EVENT_VERSION = "2018-10-16"
EXPIRED = (
    "ClientError: Annotation tasks expired.  Probable Reasons are 1) TaskAvailabilityLifetimeInSeconds "
    "parameter is too small.  2) Reward is too low for workers to work on the task.  3) If you use a custom "
    "html template, your template may be broken.  4) Data (image/video/text) sent for annotation is broken "
    "or too big, preventing completion.  5) All workers declined the tasks."
)
"""Ground Truth's own words, which readers of its manifests look for."""
METADATA = "-metadata"
MOST_REASON = 1_000


def pre_event(job: Job, line: Mapping[str, Any]) -> dict[str, Any]:
    """What the pre-labelling function is told of one object."""
    return {"version": EVENT_VERSION, "labelingJobArn": job.arn, "dataObject": dict(line)}


def parse_pre_answer(answer: Any) -> tuple[dict[str, Any], bool]:
    """The task input, and whether people are needed. ObjectFailedError for any other shape."""
    if not isinstance(answer, dict) or not isinstance(answer.get("taskInput"), dict):
        seen = f"keys {sorted(map(str, answer))}" if isinstance(answer, dict) else type(answer).__name__
        raise ObjectFailedError(
            f"ClientError: the pre-annotation Lambda answered with {seen}, expected an object `taskInput`"
        )
    told = [answer[key] for key in ("isHumanAnnotationRequired", "humanAnnotationRequired") if key in answer]
    return answer["taskInput"], not told or _is_true(told[0])


def _is_true(value: Any) -> bool:
    """AWS's samples say it as a boolean and as text."""
    return value.strip().lower() != "false" if isinstance(value, str) else bool(value)


def source_of(line: Mapping[str, Any]) -> dict[str, str]:
    """The object as consolidation requests name it. ObjectFailedError for a line that names none."""
    if isinstance(line.get("source-ref"), str) and line["source-ref"]:
        return {"s3Uri": line["source-ref"]}
    if isinstance(line.get("source"), str):
        return {"content": line["source"]}
    raise ObjectFailedError(
        f"ClientError: the line has keys {sorted(line)}, expected `source-ref` (s3://…) or `source` (text)"
    )


def json_bytes(value: Any) -> bytes:
    """JSON in UTF-8; in ASCII where it holds half a surrogate pair, which JSON can say and UTF-8 cannot."""
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value).encode()


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def parse_line(number: int, body: bytes) -> dict[str, Any]:
    """A line of the input manifest. ObjectFailedError where it is no JSON object."""
    try:
        line = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:  # not UTF-8 too
        raise ObjectFailedError(
            f"ClientError: object {number} of the input manifest is no JSON: {error}"
        ) from error
    if not isinstance(line, dict):
        raise ObjectFailedError(
            f"ClientError: object {number} of the input manifest: expected a JSON object, "
            f"got {type(line).__name__}"
        )
    return line


def worker_response(answers: Sequence[tuple[Assignment, Mapping[str, Any]]]) -> dict[str, Any]:
    """The file of one object's answers."""
    return {"answers": [_worker_answer(assignment, content) for assignment, content in answers]}


def response_name(number: int, answers: Sequence[tuple[Assignment, Mapping[str, Any]]]) -> str:
    """The file's name, of the last answer's time: who writes it again writes it over, not beside it."""
    ended = max((a.ended for a, _ in answers if a.ended), default=datetime.fromtimestamp(0, UTC))
    return f"annotations/worker-response/iteration-1/{number}/{file_time(ended)}.json"


def _worker_answer(assignment: Assignment, content: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"answerContent": dict(content), "workerId": assignment.worker_id}
    if assignment.started and assignment.ended:
        seconds = (assignment.ended - assignment.started).total_seconds()
        answer |= {
            "acceptanceTime": _iso(assignment.started),
            "submissionTime": _iso(assignment.ended),
            "timeSpentInSeconds": round(seconds, 3),
        }
    return answer


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def file_time(moment: datetime) -> str:
    """As Ground Truth names its files."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d_%H:%M:%S")


def payload_entry(
    number: int, line: Mapping[str, Any], answers: Sequence[tuple[Assignment, Mapping[str, Any]]]
) -> dict[str, Any]:
    """One object of a consolidation request."""
    return {
        "datasetObjectId": str(number),
        "dataObject": source_of(line),
        "annotations": [
            {
                "workerId": assignment.worker_id,
                "annotationData": {"content": json.dumps(content, ensure_ascii=False)},
            }
            for assignment, content in answers
        ],
    }


def post_event(job: Job, payload_uri: str) -> dict[str, Any]:
    """What the post-labelling function is told of a batch."""
    return {
        "version": EVENT_VERSION,
        "labelingJobArn": job.arn,
        "labelCategories": list(job.labels),
        "labelAttributeName": job.label_attribute,
        "roleArn": str(job.request["RoleArn"]),
        "outputConfig": f"{job.output_prefix}/annotations",
        "payload": {"s3Uri": payload_uri},
    }


def results_by_number(answer: Any) -> dict[str, Any]:
    """What the post-labelling function gave for each object. ObjectFailedError where it is no list."""
    if not isinstance(answer, list):
        raise ObjectFailedError(
            f"ClientError: the post-annotation Lambda answered with {type(answer).__name__}, expected a list"
        )
    return {str(each.get("datasetObjectId")): each for each in answer if isinstance(each, dict)}


def content_of(result: Any, label: str) -> dict[str, Any]:
    """An object's consolidated content. ObjectFailedError where there is none, or what went wrong instead."""
    if result is None:
        raise ObjectFailedError("ClientError: the post-annotation Lambda gave no result for this object")
    consolidated = result.get("consolidatedAnnotation")
    content = consolidated.get("content") if isinstance(consolidated, dict) else None
    if not isinstance(content, dict) or not content:
        told = result.get("error") or result.get("failureReason") or "no consolidatedAnnotation.content"
        raise ObjectFailedError(f"ClientError: the post-annotation Lambda: {str(told)[:MOST_REASON]}")
    if failure := failure_of(content, label):
        raise ObjectFailedError(f"ClientError: {failure[:MOST_REASON]}")
    return content


def unconsolidated(answers: Sequence[tuple[Assignment, Mapping[str, Any]]], label: str) -> dict[str, Any]:
    """All workers' answers side by side: what Ground Truth gives without a post-labelling function."""
    annotations = payload_entry(0, {"source": ""}, answers)["annotations"]
    return {label: {"annotationsFromAllWorkers": annotations}}


def metadata_of(job: Job, now: datetime, kind: str = "custom") -> dict[str, Any]:
    """What the service itself says of a label."""
    return {
        "type": f"groundtruth/{kind}",
        "job-name": f"labeling-job/{job.name.lower()}",
        "human-annotated": "yes",
        "creation-date": now.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds"),
    }


def label_of(job: Job, content: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What a labelled object adds to its line; what the content says in its metadata is kept beside ours."""
    name = job.label_attribute + METADATA
    own = content.get(name)
    return {**content, name: {**(own if isinstance(own, dict) else {}), **metadata_of(job, now)}}


def output_line(job: Job, each: TaskObject, line: Mapping[str, Any], label: Mapping[str, Any]) -> bytes:
    """An object's line of the output manifest."""
    if each.state is ObjectState.FAILED:
        failure = {"retry-count": each.tries, "failure-reason": each.error, "human-annotated": "true"}
        label = {job.label_attribute + METADATA: failure}
    elif each.state is ObjectState.UNNEEDED:
        name = f"labeling-job/{job.name.lower()}"
        label = {job.label_attribute + METADATA: {"job-name": name, "human-annotated": "no"}}
    return json_bytes({**line, **label}) + b"\n"
