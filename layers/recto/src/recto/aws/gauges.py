"""The minute's gauges as metrics. What is zero is not told: an idle deployment pays for no metric."""

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from recto.aws.shell import tally
from recto.steps.gauges import Reading


def tell_gauges(reading: Reading, metrics: Metrics) -> None:
    """How many documents stand where, and since when."""
    waiting, running, in_review = reading.waiting, reading.running, reading.in_review
    tally(
        metrics,
        WaitingDocuments=waiting.number,
        RunningDocuments=running.number,
        OpenReviews=in_review.number,
    )
    if waiting.number:
        metrics.add_metric(name="OldestWaitingSeconds", unit=MetricUnit.Seconds, value=waiting.oldest_seconds)
    if in_review.number:
        metrics.add_metric(
            name="OldestReviewSeconds", unit=MetricUnit.Seconds, value=in_review.oldest_seconds
        )


def tell_taken_back(number: int) -> None:
    """Leases that nobody had given back, of all bottlenecks in one metric: an alarm costs by the metric."""
    if not number:
        return
    own = EphemeralMetrics()
    own.add_dimension(name="service", value="admission")
    own.add_metric(name="AdmissionDrift", unit=MetricUnit.Count, value=number)
    own.flush_metrics()


def tell_leases(bottleneck: str, in_use: int, limit: int) -> None:
    """Places of a bottleneck that are taken, and how many there are: a line with a dimension of its own."""
    if not in_use:
        return
    own = EphemeralMetrics()
    own.add_dimension(name="bottleneck", value=bottleneck)
    own.add_metric(name="LeasesInUse", unit=MetricUnit.Count, value=in_use)
    own.add_metric(name="LeaseLimit", unit=MetricUnit.Count, value=limit)
    own.flush_metrics()
