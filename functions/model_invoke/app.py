"""Pages in, a class for every word out: without a range, planned; with one, classified by ONNX here.

A document of a single range is classified while it is planned.
"""

import tempfile
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.s3 import S3Objects
from recto.aws.shell import name_document, observed, settings_of
from recto.inference import WordClassifier
from recto.messages import PageWork
from recto.settings import ModelInvokeSettings
from recto.steps.model import ModelInvoke, classify_range, classify_short, download_release, plan_ranges

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


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Plan the ranges of a document, or classify the words of one."""
    work = PageWork.model_validate(event)
    name_document(logger, work.document)
    objects, settings = wiring()
    step = ModelInvoke(objects, classifier_of, settings.work_bucket)
    if work.range is not None:
        done = classify_range(work, step)
        metrics.add_metric(name="PagesClassified", unit=MetricUnit.Count, value=done.num_pages)
        return done.dump()
    plan = classify_short(work, plan_ranges(work, objects, settings.work_bucket), step)
    metrics.add_metric(name="PagesToClassify", unit=MetricUnit.Count, value=plan.num_pages)
    if plan.done:
        metrics.add_metric(name="PagesClassified", unit=MetricUnit.Count, value=plan.num_pages)
    return plan.dump()
