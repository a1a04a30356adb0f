"""Pages in, a class for every word out: without a range, planned; with one, classified by ONNX here."""

import tempfile
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.s3 import S3Objects
from recto.aws.shell import name_document, settings_of
from recto.inference import WordClassifier
from recto.messages import PageWork
from recto.settings import ModelInvokeSettings
from recto.steps.model import ModelInvoke, classify_range, download_release, plan_ranges

CALLER = "recto-model-invoke"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> tuple[S3Objects, ModelInvokeSettings]:
    return S3Objects(CALLER), settings_of(ModelInvokeSettings)


@lru_cache(maxsize=2)
def classifier_of(prefix: str) -> WordClassifier:
    """The model of a release; kept for the next invocation, since a release never changes."""
    objects, settings = wiring()
    with tempfile.TemporaryDirectory(prefix="recto-release-") as folder:
        downloaded = download_release(objects, settings.work_bucket, prefix, Path(folder))
        return WordClassifier.load(downloaded, threads=settings.model_threads)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Plan the ranges of a document, or classify the words of one."""
    work = PageWork.model_validate(event)
    name_document(logger, work.document)
    objects, settings = wiring()
    step = ModelInvoke(objects, classifier_of, settings.work_bucket)
    answer = (
        plan_ranges(work, objects, settings.work_bucket) if work.range is None else classify_range(work, step)
    )
    name = "PagesToClassify" if work.range is None else "PagesClassified"
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=answer.num_pages)
    return answer.dump()
