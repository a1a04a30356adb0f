"""What carries messages, and whether it is switched on: buckets' events, rules, queues, topics, schedules."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from recto_cli.checkups.findings import Deployment, Finding, Fix, asking, is_missing, ok, or_ok, problem
from recto_cli.dead_letter_queues import QUEUES

DEPLOY = "deploy the stack again"
SUBSCRIPTIONS: Mapping[str, tuple[str, str]] = {
    "TextractSubscription": ("TextractTopic", "TextractQueue"),
    "OcrEndpointSubscription": ("OcrEndpointTopic", "OcrEndpointQueue"),
    "ModelCallbackSubscription": ("ModelCallbackTopic", "ModelCallbackQueue"),
}
"""Topics with the queues that hear them; a contract test holds it to template.yaml."""
TELLING_BUCKETS = ("InboxBucket", "ReviewsBucket")
"""Those whose new objects EventBridge must hear of."""


def bucket_events(deployment: Deployment) -> Iterator[Finding]:
    """The inbox and the reviews' bucket tell EventBridge of new objects."""
    told = "the inbox and the reviews' bucket tell of new objects"
    yield from or_ok("bucket events", told, _silent_buckets(deployment))


def _silent_buckets(deployment: Deployment) -> Iterator[Finding]:
    s3 = deployment.client("s3")
    for logical in TELLING_BUCKETS:
        bucket = deployment.resources.name(logical)
        try:
            with asking(f"GetBucketNotificationConfiguration {bucket}"):
                found = s3.get_bucket_notification_configuration(Bucket=bucket)
        except ClientError as error:
            if not is_missing(error):
                raise
            yield problem("bucket events", f"the bucket {bucket} ({logical}) is gone", DEPLOY)
            continue
        if "EventBridgeConfiguration" in found:
            continue
        found.pop("ResponseMetadata", None)
        wanted = {**found, "EventBridgeConfiguration": {}}
        switch = partial(
            s3.put_bucket_notification_configuration, Bucket=bucket, NotificationConfiguration=wanted
        )
        yield problem(
            "bucket events",
            f"{bucket} does not tell EventBridge of new objects: nothing that lands there is seen",
            f"{DEPLOY}, or --fix",
            Fix(f"let {bucket} tell EventBridge of new objects", switch),
        )


def versions(deployment: Deployment) -> Iterator[Finding]:
    """The inbox keeps versions: a document is one version."""
    bucket = deployment.resources.name("InboxBucket")
    with asking(f"GetBucketVersioning {bucket}"):
        status = deployment.client("s3").get_bucket_versioning(Bucket=bucket).get("Status", "off")
    if status == "Enabled":
        yield ok("inbox versions", "kept")
    else:
        told = f"{bucket} keeps no versions: a document that is overwritten while it waits is lost"
        yield problem("inbox versions", told, DEPLOY)


def rules(deployment: Deployment) -> Iterator[Finding]:
    """Every rule is enabled and has its target."""
    yield from or_ok("rules", "all are enabled", _idle_rules(deployment))


def _idle_rules(deployment: Deployment) -> Iterator[Finding]:
    events = deployment.client("events")
    for logical, physical in deployment.resources.of_kind("AWS::Events::Rule").items():
        name = physical.rpartition("/")[2].rpartition("|")[2]
        try:
            with asking(f"DescribeRule {name}"):
                found = events.describe_rule(Name=name)
        except ClientError as error:
            if not is_missing(error):
                raise
            yield problem("rules", f"{name} ({logical}) is gone", DEPLOY)
            continue
        if not found.get("State", "").startswith("ENABLED"):
            fix = Fix(f"enable the rule {name}", partial(events.enable_rule, Name=name))
            yield problem("rules", f"{name} ({logical}) is disabled", "enable it, or --fix", fix)
        with asking(f"ListTargetsByRule {name}"):
            targets = events.list_targets_by_rule(Rule=name)["Targets"]
        if not targets:
            yield problem("rules", f"{name} ({logical}) has no target", DEPLOY)


def mappings(deployment: Deployment) -> Iterator[Finding]:
    """Every function reads its queue."""
    yield from or_ok("queue readers", "all read their queues", _idle_mappings(deployment))


def _idle_mappings(deployment: Deployment) -> Iterator[Finding]:
    service = deployment.client("lambda")
    for logical, uuid in deployment.resources.of_kind("AWS::Lambda::EventSourceMapping").items():
        try:
            with asking(f"GetEventSourceMapping {uuid}"):
                found = service.get_event_source_mapping(UUID=uuid)
        except ClientError as error:
            if not is_missing(error):
                raise
            yield problem("queue readers", f"{logical} is gone: nothing reads its queue", DEPLOY)
            continue
        state, result = found.get("State", ""), found.get("LastProcessingResult", "")
        if state in ("Disabled", "Disabling"):
            enable = partial(service.update_event_source_mapping, UUID=uuid, Enabled=True)
            fix = Fix(f"let {logical} read its queue again", enable)
            yield problem("queue readers", f"{logical} is {state.lower()}", "enable it, or --fix", fix)
        elif str(result).startswith("PROBLEM"):
            yield problem("queue readers", f"{logical}: {result}", "the function's role or queue was changed")


def schedules(deployment: Deployment) -> Iterator[Finding]:
    """Every schedule is enabled."""
    yield from or_ok("schedules", "all are enabled", _idle_schedules(deployment))


def _idle_schedules(deployment: Deployment) -> Iterator[Finding]:
    scheduler = deployment.client("scheduler")
    for logical, physical in deployment.resources.of_kind("AWS::Scheduler::Schedule").items():
        name = physical.rpartition("/")[2].rpartition("|")[2]
        try:
            with asking(f"GetSchedule {name}"):
                found = scheduler.get_schedule(Name=name)
        except ClientError as error:
            if not is_missing(error):
                raise
            yield problem("schedules", f"{name} ({logical}) is gone", DEPLOY)
            continue
        if found.get("State") != "ENABLED":
            fix = Fix(f"enable the schedule {name}", _enable_schedule(scheduler, found))
            yield problem("schedules", f"{name} ({logical}) is disabled", "enable it, or --fix", fix)


def _enable_schedule(scheduler: Any, found: Mapping[str, Any]) -> Callable[[], object]:
    """Scheduler takes a whole schedule, not one of its settings."""
    own = ("ResponseMetadata", "Arn", "CreationDate", "LastModificationDate")
    kept = {key: value for key, value in found.items() if key not in own}
    return partial(scheduler.update_schedule, **{**kept, "State": "ENABLED"})


def subscriptions(deployment: Deployment) -> Iterator[Finding]:
    """Every topic is heard by its queue."""
    yield from or_ok("subscriptions", "every topic is heard by its queue", _unheard(deployment))


def _unheard(deployment: Deployment) -> Iterator[Finding]:
    sns, sqs = deployment.client("sns"), deployment.client("sqs")
    for logical, (topic, queue) in SUBSCRIPTIONS.items():
        arn, url = deployment.resources.name(topic), deployment.resources.name(queue)
        with asking(f"GetQueueAttributes {queue}"):
            about = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        wanted = about["Attributes"]["QueueArn"]
        try:
            with asking(f"ListSubscriptionsByTopic {topic}"):
                pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
                found = [each["Endpoint"] for page in pages for each in page["Subscriptions"]]
        except ClientError as error:
            if not is_missing(error):
                raise
            yield problem("subscriptions", f"{topic} is gone", DEPLOY)
            continue
        if wanted not in found:
            dead = _dead_arn(queue, deployment)
            fix = Fix(
                f"let {queue} hear {topic} again",
                partial(
                    sns.subscribe,
                    TopicArn=arn,
                    Protocol="sqs",
                    Endpoint=wanted,
                    Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead})},
                ),
            )
            told = f"{queue} does not hear {topic} ({logical}): ends of jobs are told to nobody"
            yield problem("subscriptions", told, f"{DEPLOY}, or --fix", fix)


def _dead_arn(queue: str, deployment: Deployment) -> str:
    """Of the queue in which the messages of a queue end."""
    name = next(dead.name for dead in QUEUES if queue in dead.queues)
    url = deployment.resources.name(name)
    with asking(f"GetQueueAttributes {name}"):
        about = deployment.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(about["Attributes"]["QueueArn"])


def cors(deployment: Deployment) -> Iterator[Finding]:
    """Browsers at the workbench may read pages, and put label images."""
    yield from or_ok("CORS", "browsers at the workbench may load pages", _closed(deployment))


def cors_rules(logical: str, workbench: str) -> list[dict[str, Any]]:
    """What a bucket must allow, as template.yaml says it."""
    read = {
        "ID": "ReadByLink",
        "AllowedMethods": ["GET", "HEAD"],
        "AllowedOrigins": ["null", workbench],
        "AllowedHeaders": ["range"],
        "ExposeHeaders": ["Accept-Ranges", "Content-Length", "Content-Range", "ETag"],
        "MaxAgeSeconds": 3000,
    }
    put = {
        "ID": "LabelImagesByLink",
        "AllowedMethods": ["PUT"],
        "AllowedOrigins": [workbench],
        "AllowedHeaders": ["content-type"],
        "MaxAgeSeconds": 3000,
    }
    return [read] if logical == "InboxBucket" else [read, put]


def _closed(deployment: Deployment) -> Iterator[Finding]:
    s3, workbench = deployment.client("s3"), deployment.stack.name("static/WorkbenchUrl")
    for logical in ("InboxBucket", "WorkBucket"):
        bucket, found = deployment.resources.name(logical), list[Mapping[str, Any]]()
        try:
            with asking(f"GetBucketCors {bucket}"):
                found = s3.get_bucket_cors(Bucket=bucket)["CORSRules"]
        except ClientError as error:
            if not is_missing(error):
                raise
        wanted = cors_rules(logical, workbench)
        lacking = [
            f"{method} from {origin}"
            for rule in wanted
            for method in rule["AllowedMethods"]
            for origin in rule["AllowedOrigins"]
            if not _allows(found, method, origin)
        ]
        if lacking:
            others = [rule for rule in found if rule.get("ID") not in {each["ID"] for each in wanted}]
            put = partial(
                s3.put_bucket_cors, Bucket=bucket, CORSConfiguration={"CORSRules": [*wanted, *others]}
            )
            yield problem(
                "CORS",
                f"{bucket} does not allow {', '.join(lacking)}: pages stay empty in browsers",
                f"{DEPLOY}, or --fix",
                Fix(f"set the CORS rules of {bucket} as the template has them", put),
            )


def _allows(found: list[Mapping[str, Any]], method: str, origin: str) -> bool:
    origins = [rule["AllowedOrigins"] for rule in found if method in rule["AllowedMethods"]]
    return any(origin in each or "*" in each for each in origins)
