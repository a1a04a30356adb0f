"""The stack itself: whether its last update went through, its functions and layers, clocks."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import ClientError

from recto_cli.checkups.findings import Deployment, Finding, asking, is_missing, ok, or_ok, problem, remark

WELL = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
MOST_SKEW_SECONDS = 240
"""AWS refuses signatures that are five minutes off."""


def stack(deployment: Deployment) -> Iterator[Finding]:
    with asking("DescribeStacks"):
        about = deployment.about
    status, name = about["StackStatus"], about["StackName"]
    if status in WELL:
        yield ok("stack", f"{name} is {status}")
    elif status == "UPDATE_ROLLBACK_COMPLETE":
        yield remark("stack", f"the last update of {name} was rolled back", "its events say why: sam list")
    else:
        yield problem("stack", f"{name} is {status}", "wait, or look at the stack's events")
    drift = about.get("DriftInformation", {}).get("StackDriftStatus", "NOT_CHECKED")
    if drift == "DRIFTED":
        yield problem(
            "stack drift", f"{name} was changed by hand", "aws cloudformation describe-stack-resource-drifts"
        )
    elif drift == "IN_SYNC":
        yield ok("stack drift", f"{name} is as its template says")
    else:
        told = "nobody has looked yet"
        yield remark("stack drift", told, f"aws cloudformation detect-stack-drift --stack-name {name}")


def functions(deployment: Deployment) -> Iterator[Finding]:
    """Each can be called, with layers built for its Python and processor."""
    yield from or_ok("functions", "all can be called, with fitting layers", _unfit_functions(deployment))


def _unfit_functions(deployment: Deployment) -> Iterator[Finding]:
    service, layers = deployment.client("lambda"), dict[str, Mapping[str, Any]]()
    for logical, name in deployment.resources.of_kind("AWS::Lambda::Function").items():
        try:
            with asking(f"GetFunctionConfiguration {name}"):
                found = service.get_function_configuration(FunctionName=name)
        except ClientError:
            yield problem("functions", f"{name} ({logical}) is gone", "deploy the stack again")
            continue
        if found.get("State", "Active") not in ("Active", "Inactive"):
            why = found.get("StateReason", "")
            yield problem("functions", f"{name} is {found['State']}: {why}", "deploy the stack again")
        if found.get("LastUpdateStatus") == "Failed":
            why = found.get("LastUpdateStatusReason", "")
            yield problem("functions", f"{name}: its last update failed: {why}", "deploy the stack again")
        for layer in found.get("Layers", ()):
            yield from _unfit_layer(name, found, layer["Arn"], layers, service)


def _unfit_layer(
    name: str, function: Mapping[str, Any], arn: str, known: dict[str, Mapping[str, Any]], service: Any
) -> Iterator[Finding]:
    if arn not in known:
        try:
            with asking(f"GetLayerVersionByArn {arn}"):
                known[arn] = service.get_layer_version_by_arn(Arn=arn)
        except ClientError as error:
            if not is_missing(error):
                raise
            told = f"{name}: its layer {arn} is gone"
            yield problem("functions", told, "deploy the stack again")
            return
    layer, runtime = known[arn], function.get("Runtime", "")
    processor = (function.get("Architectures") or ["x86_64"])[0]
    for what, has, wanted in (
        ("Python", layer.get("CompatibleRuntimes"), runtime),
        ("processor", layer.get("CompatibleArchitectures"), processor),
    ):
        if has and wanted not in has:
            told = f"{name} runs on {wanted}, its layer {arn} is for {', '.join(has)}"
            yield problem("functions", told, f"build the layers for this {what}: docs/guides/deploy.md")


def clock(deployment: Deployment) -> Iterator[Finding]:
    """The clock of this machine against AWS's own."""
    with asking("GetParameter"):
        answer = deployment.client("ssm").get_parameter(Name=f"/{deployment.stack.project}/config/Release")
    told = answer["ResponseMetadata"].get("HTTPHeaders", {}).get("date")
    if not told:
        return
    skew = (datetime.now(UTC) - parsedate_to_datetime(told)).total_seconds()
    if abs(skew) > MOST_SKEW_SECONDS:
        yield problem("clock", f"this machine's clock is {skew:+.0f} s off", "set it by NTP")
    else:
        yield ok("clock", f"this machine's is {abs(skew):.0f} s off")
