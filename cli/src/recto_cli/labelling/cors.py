"""CORS of a bucket: what browsers of the workbench, or of Ground Truth's workers, may do with its objects.

A task's page draws on images and reads OCR results, which browsers allow only where the bucket says so.
Links to objects are short-lived and signed in any case: CORS opens nothing by itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from recto.aws.clients import client, code_of, errors_of
from recto.errors import LabelRequestError
from recto_cli.stack import CALLER

FRAME = "null"
"""The origin that a browser names for a sandboxed frame, as tasks are shown in."""
WORKBENCH_RULE, GROUND_TRUTH_RULE, A2I_RULE = "recto-workbench", "recto-ground-truth", "recto-a2i"
NONE_YET = "NoSuchCORSConfiguration"
MOST_RULES = 100
HOUR = 3600

Rule = dict[str, Any]


def workbench_rules(origin: str) -> list[Rule]:
    """Reading for the pages and their frames, writing for the pages alone (label images by signed link)."""
    return [
        {
            "ID": WORKBENCH_RULE,
            "AllowedOrigins": [origin, FRAME],
            "AllowedMethods": ["GET", "HEAD"],
            "AllowedHeaders": ["range"],
            "ExposeHeaders": ["Accept-Ranges", "Content-Length", "Content-Range", "ETag"],
            "MaxAgeSeconds": HOUR,
        },
        {
            "ID": f"{WORKBENCH_RULE}-upload",
            "AllowedOrigins": [origin],
            "AllowedMethods": ["PUT"],
            "AllowedHeaders": ["content-type"],
            "MaxAgeSeconds": HOUR,
        },
    ]


def ground_truth_rules() -> list[Rule]:
    """As AWS asks for it: reading, by any origin, since the workers' pages have none that is documented.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/sms-cors-update.html
    """
    return [
        {
            "ID": GROUND_TRUTH_RULE,
            "AllowedOrigins": ["*"],
            "AllowedMethods": ["GET"],
            "AllowedHeaders": [],
            "ExposeHeaders": ["Access-Control-Allow-Origin"],
        }
    ]


def a2i_rules() -> list[Rule]:
    """For the pages of Amazon A2I's workers: reading, also of a part, by any origin for the same reason."""
    (rule,) = ground_truth_rules()
    exposed = ["Accept-Ranges", "Content-Length", "Content-Range", "ETag"]
    wider = {
        "ID": A2I_RULE,
        "AllowedMethods": ["GET", "HEAD"],
        "AllowedHeaders": ["range"],
        "ExposeHeaders": [*rule["ExposeHeaders"], *exposed],
    }
    return [{**rule, **wider}]


def origin_of(url: str) -> str:
    """`https://host` of an address; LabelRequestError where it is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or "*" in parts.netloc:
        raise LabelRequestError(f"{url!r}: expected an origin such as https://workbench.example.org")
    return f"{parts.scheme}://{parts.netloc}"


def merged(there: Sequence[Rule], needed: Sequence[Rule]) -> list[Rule]:
    """The rules that are there with the needed ones: ours of an earlier time replaced, others left alone."""
    missing = [rule for rule in needed if not any(covers(one, rule) for one in there)]
    replaced = {rule["ID"] for rule in missing}
    return [*(rule for rule in there if rule.get("ID") not in replaced), *missing]


def covers(rule: Mapping[str, Any], needed: Mapping[str, Any]) -> bool:
    """Whether a rule allows all that the needed one does. S3 takes the first rule that fits a request."""
    return all(
        _holds(rule.get(key, ()), needed.get(key, ()), is_wild=key != "ExposeHeaders")
        for key in ("AllowedOrigins", "AllowedMethods", "AllowedHeaders", "ExposeHeaders")
    )


def _holds(there: Sequence[str], needed: Sequence[str], *, is_wild: bool) -> bool:
    known = {value.casefold() for value in there}
    return (is_wild and "*" in known) or {value.casefold() for value in needed} <= known


def rules_of(bucket: str) -> list[Rule]:
    """The rules of a bucket; none where it has none."""
    s3 = client("s3", CALLER)
    with errors_of(f"GetBucketCors {bucket}", {"NoSuchBucket": LabelRequestError}):
        try:
            rules: list[Rule] = s3.get_bucket_cors(Bucket=bucket)["CORSRules"]
        except s3.exceptions.ClientError as error:
            if code_of(error) == NONE_YET:
                return []
            raise
    return rules


def allow(bucket: str, needed: Sequence[Rule]) -> bool:
    """Put the needed rules beside those that are there; False where nothing had to change."""
    there = rules_of(bucket)
    rules = merged(there, needed)
    if rules == there:
        return False
    if len(rules) > MOST_RULES:
        raise LabelRequestError(f"{bucket} has {len(there)} CORS rules already, S3 takes {MOST_RULES}")
    with errors_of(f"PutBucketCors {bucket}"):
        client("s3", CALLER).put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    return True
