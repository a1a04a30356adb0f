"""A document in, its pages drawn: without a range, counted, a short one drawn with it; with one, drawn."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.s3 import S3Objects
from recto.aws.shell import name_document, observed, settings_of
from recto.imaging import Limits, as_jpeg, open_pages
from recto.messages import PageWork
from recto.settings import PageImagesSettings
from recto.steps.page_images import PageImages, draw_range, plan_pages
from recto.thumbnails import Fit, ThumbnailStyle, encoded_thumbnail, npz_of

CALLER = "recto-page-images"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> PageImages:
    settings = settings_of(PageImagesSettings)
    limits = Limits(pages=settings.max_pages, pixels=settings.max_pixels)
    style = ThumbnailStyle(
        *settings.thumbnail_size,
        fit=Fit(settings.thumbnail_fit),
        colour=settings.thumbnail_colour,
        max_side=settings.thumbnail_max_side,
    )
    return PageImages(
        objects=S3Objects(CALLER),
        open_pages=lambda path, name: open_pages(path, limits, name),
        work_bucket=settings.work_bucket,
        review_pixels=settings.review_pixels,
        review_file=as_jpeg,
        thumbnail_file=lambda pages, number: encoded_thumbnail(pages, number, style),
        thumbnails_file=npz_of,
    )


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Count a document's pages (those of a short one are drawn then), or draw a range of them."""
    work = PageWork.model_validate(event)
    name_document(logger, work.document)
    if work.range is not None:
        done = draw_range(work, wiring())
        metrics.add_metric(name="PagesDrawn", unit=MetricUnit.Count, value=done.num_pages)
        return done.dump()
    plan = plan_pages(work, wiring())
    metrics.add_metric(name="PagesPlanned", unit=MetricUnit.Count, value=plan.num_pages)
    if not plan.to_draw:
        metrics.add_metric(name="PagesDrawn", unit=MetricUnit.Count, value=plan.num_pages)
    return plan.dump()
