"""What the functions around asynchronous endpoints have in common: their wiring, and hearing of an end."""

from datetime import timedelta

from aws_lambda_powertools import Logger

from recto.aws import metering
from recto.aws.dynamodb import JobRows, Table
from recto.aws.s3 import S3Objects
from recto.aws.sagemaker import SageMakerEndpoints
from recto.aws.services import StepFunctionsWorkflow
from recto.aws.shell import names_of, utc_now
from recto.cost import Unit
from recto.settings import AskEndpointSettings, HearEndpointSettings
from recto.steps.async_inference import (
    EndpointKind,
    InferenceCallback,
    InferenceStart,
    hear_of_inference,
    inference_of,
)


def inference_start(kind: EndpointKind, caller: str, settings: AskEndpointSettings) -> InferenceStart:
    """What asking endpoints of a kind works with."""
    return InferenceStart(
        kind=kind,
        endpoints=SageMakerEndpoints(caller),
        jobs=JobRows(Table(settings.document_table, caller)),
        objects=S3Objects(caller),
        workflow=StepFunctionsWorkflow(caller),
        clock=utc_now,
        work_bucket=settings.work_bucket,
        topic=settings.notification_topic_arn,
        keep_row=timedelta(days=settings.job_row_days),
    )


def inference_callback(kind: EndpointKind, caller: str, settings: HearEndpointSettings) -> InferenceCallback:
    """What hearing of endpoints of a kind works with."""
    return InferenceCallback(
        kind=kind,
        jobs=JobRows(Table(settings.document_table, caller)),
        objects=S3Objects(caller),
        workflow=StepFunctionsWorkflow(caller),
        work_bucket=settings.work_bucket,
    )


def hear(body: str, step: InferenceCallback, logger: Logger) -> None:
    """One message of a queue: the end of an inference, or SageMaker's test of the topic."""
    inference = inference_of(body)
    if inference is None:
        logger.info("endpoint_was_tested")
        return
    hear_of_inference(inference, step, lambda row: logger.append_keys(**names_of(row)))
    if inference.seconds:
        metering.used(Unit.ENDPOINT_SECOND, inference.seconds)
    logger.info("inference_ended", extra={"status": inference.invocation_status})
