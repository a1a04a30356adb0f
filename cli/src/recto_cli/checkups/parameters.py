"""What Parameter Store says: whether all is there, and what it names can be used."""

import re
from collections.abc import Iterator

from botocore.exceptions import ClientError

from recto.errors import RectoError
from recto.fields import parse_fields
from recto.messages import OCR_ENGINES
from recto.release_contents import check_contents
from recto.steps.async_inference import require_reachable
from recto.steps.desks import WORKBENCH
from recto.steps.follow_parameter import read_list
from recto_cli import ocr_setting, releases
from recto_cli.checkups.findings import (
    Deployment,
    Finding,
    asking,
    is_missing,
    not_checked,
    ok,
    or_ok,
    problem,
    remark,
)

UNDEFINED = ("", "undefined")
FLOW_ARN = re.compile(r"arn:[a-z-]+:sagemaker:[a-z0-9-]+:[0-9]{12}:flow-definition/(?P<name>[a-z0-9-]+)")


def names(deployment: Deployment) -> Iterator[Finding]:
    """Every parameter of the stack is there."""
    yield from or_ok("parameters", "all are there", _absent(deployment))


def _absent(deployment: Deployment) -> Iterator[Finding]:
    prefix = f"/{deployment.stack.project}/"
    for logical, name in deployment.resources.of_kind("AWS::SSM::Parameter").items():
        if name.startswith(prefix) and name.removeprefix(prefix) not in deployment.stack.names:
            told = f"{name} ({logical}) is gone"
            yield problem("parameters", told, "aws ssm put-parameter with what it said, or deploy anew")


def _value(deployment: Deployment, path: str) -> str:
    value = deployment.stack.name(path).strip()
    return "" if value in UNDEFINED else value


def release(deployment: Deployment) -> Iterator[Finding]:
    """The release in use is whole, and its model runs."""
    stack, check = deployment.stack, "release"
    prefix = _value(deployment, "config/Release").rstrip("/")
    if not prefix:
        advice = "recto release make --from local/releases/demo --use"
        yield problem(check, "no release is named: documents wait", advice)
        return
    if not deployment.try_model:
        yield not_checked(check, "left out by --no-model")
        return
    try:
        contents = releases.download(prefix, stack)
        check_contents(contents)
        releases.try_out(contents, stack)
    except RectoError as error:
        advice = "recto release list; recto release use NAME takes another one"
        yield problem(check, f"{prefix}: {type(error).__name__}: {error}", advice)
        return
    yield ok(check, f"{prefix} is whole: {len(contents)} files as their hashes say, and its model runs")


def fields(deployment: Deployment) -> Iterator[Finding]:
    """A field list in the parameter can be read, and is what is in use."""
    value = _value(deployment, "config/EntityConfiguration")
    if not value:
        yield ok("fields", "the release's own list")
        return
    try:
        found = parse_fields(read_list(value, deployment.stack.objects))
    except RectoError as error:
        advice = "recto fields check FILE, then put it right in config/EntityConfiguration"
        yield problem("fields", f"{type(error).__name__}: {error}", advice)
        return
    yield ok("fields", f"{len(found)} in config/EntityConfiguration")


def refused(deployment: Deployment) -> Iterator[Finding]:
    """A change of a parameter that was not followed."""
    refusal = releases.last_refusal(deployment.stack)
    if refusal is not None:
        told = f"{refusal.parameter} was changed and could not be followed: {refusal.error}: {refusal.cause}"
        yield problem("changed parameters", told, "put the parameter right; recto release list")
    else:
        yield ok("changed parameters", "all were followed")


def ocr_engine(deployment: Deployment) -> Iterator[Finding]:
    found = ocr_setting.current(deployment.stack)
    if found.engine not in OCR_ENGINES:
        told = f"config/OcrEngine says {found.engine!r}"
        yield problem("OCR engine", told, f"recto ocr use {' or '.join(OCR_ENGINES)}")
    elif found.fault:
        yield problem("OCR engine", found.fault, "recto ocr use textract, or another endpoint")
    else:
        yield ok("OCR engine", f"{found.engine} {found.endpoint}".strip())


def model_endpoint(deployment: Deployment) -> Iterator[Finding]:
    endpoint = _value(deployment, "config/SageMakerEndpointName")
    if not endpoint:
        yield ok("model endpoint", "none: the release's own model")
        return
    try:
        releases.check_endpoint(deployment.stack, endpoint)
    except RectoError as error:
        advice = "recto deploy-model, or config/SageMakerEndpointName undefined for the release's own model"
        yield problem("model endpoint", f"{type(error).__name__}: {error}", advice)
        return
    stray = releases.stray_endpoint(deployment.stack)
    if stray:
        yield problem("model endpoint", f"config/SageMakerEndpointName: {stray}", "recto release list")
    else:
        yield ok("model endpoint", f"{endpoint} is in service")


def thumbnail_endpoint(deployment: Deployment) -> Iterator[Finding]:
    check, endpoint = "thumbnail endpoint", _value(deployment, "config/ThumbnailEndpointName")
    if not endpoint:
        yield ok(check, "none: the pipeline draws them itself")
        return
    advice = "config/ThumbnailEndpointName undefined lets the pipeline draw them itself"
    try:
        require_reachable(endpoint, deployment.stack.project)
        with asking(f"DescribeEndpoint {endpoint}"):
            found = deployment.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    except (RectoError, ClientError) as error:
        yield problem(check, f"{endpoint}: {error}", advice)
        return
    if found["EndpointStatus"] == "InService":
        yield ok(check, f"{endpoint} is in service")
    else:
        yield problem(check, f"{endpoint} is {found['EndpointStatus']}", advice)


def review_flow(deployment: Deployment) -> Iterator[Finding]:
    """Where reviews go exists."""
    check, flow = "review flow", _value(deployment, "config/HumanReviewFlowArn")
    if flow == WORKBENCH:
        yield ok(check, "the workbench")
        return
    arn = FLOW_ARN.fullmatch(flow)
    if arn is None:
        told = f"config/HumanReviewFlowArn says {flow or 'nothing'}: neither {WORKBENCH} nor a flow's ARN"
        yield problem(check, told, "recto review setup workbench, or recto review setup a2i")
        return
    if deployment.is_local:
        yield remark(check, f"{flow}: A2I's stand-in knows no list of flows")
        return
    try:
        with asking("DescribeFlowDefinition"):
            found = deployment.client("sagemaker").describe_flow_definition(FlowDefinitionName=arn["name"])
    except ClientError as error:
        if not is_missing(error):
            raise
        yield problem(check, f"{flow} does not exist", "recto review setup a2i")
        return
    if found["FlowDefinitionStatus"] == "Active":
        yield ok(check, flow)
    else:
        yield problem(check, f"{flow} is {found['FlowDefinitionStatus']}", "recto review setup a2i")
