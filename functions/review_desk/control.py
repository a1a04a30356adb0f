"""A2I's operations: `{"Operation", "Parameters"}` in, `{"Result"}` or `{"Error"}` out."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.dynamodb import Table
from recto.aws.shell import settings_of
from recto_workbench.aws.shapes import ShapeError, checked, operation_model
from recto_workbench.aws.wiring import review_desk_of
from recto_workbench.errors import OperationError
from recto_workbench.settings import ReviewControlSettings
from recto_workbench.steps.control import Account
from recto_workbench.steps.loop_control import (
    FLOW_OPERATIONS,
    LOOP_OPERATIONS,
    OWN_OPERATIONS,
    BuiltIn,
    LoopControl,
    answer,
    named_flow,
)

CALLER = "recto-review-control"
SERVICES = {
    **dict.fromkeys(LOOP_OPERATIONS, "sagemaker-a2i-runtime"),
    **dict.fromkeys(FLOW_OPERATIONS, "sagemaker"),
}
logger = Logger()


@cache
def wiring(function_arn: str) -> LoopControl:
    settings = settings_of(ReviewControlSettings)
    _, partition, _, region, account, *_ = function_arn.split(":")
    table = Table(settings.workbench_table, CALLER)
    return LoopControl(
        desk=review_desk_of(CALLER, table, settings.desk_queue_url, settings.work_bucket),
        account=Account(partition, region, account),
        built_in=BuiltIn(
            reviewers=settings.reviewers_per_document,
            availability_seconds=settings.review_availability_seconds,
            claim_seconds=settings.review_claim_seconds,
            reviews_bucket=settings.reviews_bucket,
        ),
    )


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The operation's result, or why it is refused in the service's own codes."""
    operation = str(event.get("Operation", ""))
    if operation not in SERVICES and operation not in OWN_OPERATIONS:
        known = ", ".join(sorted({*SERVICES, *OWN_OPERATIONS}))
        return _refused(operation, "ValidationException", f"{operation!r} is not answered here: {known}")
    try:
        control = wiring(context.invoked_function_arn)
        parameters = named_flow(event.get("Parameters") or {}, control.account)
        model = operation_model(SERVICES[operation], operation) if operation in SERVICES else None
        result = answer(operation, checked(model, parameters) if model else parameters, control)
    except ShapeError as error:
        return _refused(operation, "ValidationException", str(error))
    except OperationError as error:
        return _refused(operation, error.code, str(error))
    logger.info("operation_answered", extra={"operation": operation, **_names(parameters, control)})
    return {"Result": result}


def _names(parameters: dict[str, Any], control: LoopControl) -> dict[str, str]:
    """Which loop it is, and of which document, where an operation is about one."""
    name = str(parameters.get("HumanLoopName", ""))
    loop = control.desk.loops.loop(name) if name else None
    if loop is None or not loop.document_id:
        return {"loop": name} if name else {}
    correlation = loop.correlation_id or loop.document_id
    return {"loop": name, "document_id": loop.document_id, "correlation_id": correlation}


def _refused(operation: str, code: str, message: str) -> dict[str, Any]:
    logger.info("operation_refused", extra={"operation": operation, "code": code})
    return {"Error": {"Code": code, "Message": message}}
