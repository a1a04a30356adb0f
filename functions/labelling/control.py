"""Ground Truth's operations: `{"Operation", "Parameters"}` in, `{"Result"}` or `{"Error"}` out."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.s3 import S3Objects
from recto.aws.shell import settings_of
from recto_workbench.aws.shapes import ShapeError, checked, operation_model
from recto_workbench.aws.wiring import desk_of
from recto_workbench.errors import OperationError
from recto_workbench.settings import LabellingControlSettings
from recto_workbench.steps.control import Account, Control, answer

CALLER = "recto-labelling-control"
logger = Logger()


@cache
def wiring(function_arn: str) -> Control:
    settings = settings_of(LabellingControlSettings)
    _, partition, _, region, account, *_ = function_arn.split(":")
    return Control(
        desk=desk_of(CALLER, settings, settings, settings.work_bucket),
        copies=S3Objects(CALLER),
        account=Account(partition, region, account),
    )


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The operation's result, or why it is refused in Ground Truth's own codes."""
    operation = str(event.get("Operation", ""))
    model = operation_model("sagemaker", operation)
    if model is None:
        return _refused(operation, "ValidationException", f"SageMaker has no operation {operation!r}")
    try:
        parameters = checked(model, event.get("Parameters", {}))
        result = answer(operation, parameters, wiring(context.invoked_function_arn))
    except ShapeError as error:
        return _refused(operation, "ValidationException", str(error))
    except OperationError as error:
        return _refused(operation, error.code, str(error))
    logger.info("operation_answered", extra={"operation": operation})
    return {"Result": result}


def _refused(operation: str, code: str, message: str) -> dict[str, Any]:
    logger.info("operation_refused", extra={"operation": operation, "code": code})
    return {"Error": {"Code": code, "Message": message}}
