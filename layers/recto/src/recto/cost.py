"""What work costs: units that were used, times list prices. Free tiers, savings plans and taxes are not here.

A `Use` is what one step used, in `Unit`s; `Prices` are one region's list prices, each with its date and
source, from `recto/prices/<region>.json`; `cost_of` multiplies. Money is Decimal dollars.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recto.errors import ConfigurationError

SECONDS_PER_MONTH = Decimal(730 * 3600)
"""As AWS counts a month of hours."""


class Unit(StrEnum):
    """What is counted, one price each. What stands before the dot is the service."""

    LAMBDA_REQUEST = "lambda.request"
    LAMBDA_GB_SECOND = "lambda.gb_second"
    """On arm64."""
    LAMBDA_GB_SECOND_X86 = "lambda.gb_second_x86"
    STATES_TRANSITION = "states.transition"
    S3_WRITE = "s3.write"
    """PUT, COPY, POST, LIST."""
    S3_READ = "s3.read"
    """GET and everything else but DELETE, which is free."""
    DYNAMODB_WRITE = "dynamodb.write"
    """Request units: of a table on demand, as DynamoDB itself counts them."""
    DYNAMODB_READ = "dynamodb.read"
    SQS_REQUEST = "sqs.request"
    SNS_REQUEST = "sns.request"
    EVENTS_EVENT = "events.event"
    """Our own events, and those of S3, which are charged alike."""
    SCHEDULER_INVOCATION = "scheduler.invocation"
    KMS_REQUEST = "kms.request"
    LOGS_GB = "logs.gb"
    XRAY_TRACE = "xray.trace"
    TEXTRACT_TEXT = "textract.text"
    TEXTRACT_TABLES = "textract.tables"
    TEXTRACT_FORMS = "textract.forms"
    TEXTRACT_LAYOUT = "textract.layout"
    TEXTRACT_SIGNATURES = "textract.signatures"
    ENDPOINT_SECOND = "sagemaker.endpoint_second"
    """Of the instance type that the price file names."""
    LOGS_GB_MONTH = "logs.gb_month"
    S3_GB_MONTH = "s3.gb_month"
    DYNAMODB_GB_MONTH = "dynamodb.gb_month"
    ECR_GB_MONTH = "ecr.gb_month"
    ALARM_MONTH = "cloudwatch.alarm_month"
    DASHBOARD_MONTH = "cloudwatch.dashboard_month"
    METRIC_MONTH = "cloudwatch.metric_month"
    SECRET_MONTH = "secrets.secret_month"  # noqa: S105 - a price's name
    KEY_MONTH = "kms.key_month"

    @property
    def service(self) -> str:
        return self.value.partition(".")[0]


FEATURE_UNITS = {
    "TABLES": Unit.TEXTRACT_TABLES,
    "FORMS": Unit.TEXTRACT_FORMS,
    "LAYOUT": Unit.TEXTRACT_LAYOUT,
    "SIGNATURES": Unit.TEXTRACT_SIGNATURES,
}
INCLUDED = frozenset({"LAYOUT", "SIGNATURES"})
"""Not charged beside tables or forms."""


def units_of_page(features: Iterable[str]) -> tuple[Unit, ...]:
    """What Textract charges for a page that is read with these features; without any, its text.

    ConfigurationError for a feature that has no price here.
    """
    named = frozenset(features)
    if unknown := named - FEATURE_UNITS.keys():
        raise ConfigurationError(
            f"no price for Textract's {sorted(unknown)}, expected of {sorted(FEATURE_UNITS)}"
        )
    charged = named - INCLUDED or named
    return tuple(FEATURE_UNITS[name] for name in sorted(charged)) or (Unit.TEXTRACT_TEXT,)


class Use(BaseModel):
    """What one step used."""

    model_config = ConfigDict(frozen=True)

    step: str
    units: Mapping[Unit, Decimal]


class Price(BaseModel):
    """Dollars for `per` of a unit, and where that was read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    usd: Annotated[Decimal, Field(ge=0)]
    per: Annotated[int, Field(gt=0)] = 1
    date: date
    source: str

    @property
    def of_one(self) -> Decimal:
        return self.usd / self.per


class Prices(BaseModel):
    """A region's list prices."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str
    endpoint_instance: str
    """Whose hour the price of an endpoint's second is taken from."""
    prices: Mapping[Unit, Price]

    def of(self, unit: Unit) -> Price:
        """ConfigurationError where the file has none."""
        if unit not in self.prices:
            raise ConfigurationError(f"the price file of {self.region} has no price for {unit.value}")
        return self.prices[unit]

    @property
    def oldest(self) -> date:
        """The date of the price that was read longest ago."""
        return min(price.date for price in self.prices.values())


def parse_prices(content: str | bytes, name: str) -> Prices:
    """A price file; ConfigurationError says which entry is wrong."""
    try:
        return Prices.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"price file {name}: {place or 'the whole'}: {first['msg']}") from error


class Line(NamedTuple):
    """A step's use of a unit, and what it costs."""

    step: str
    unit: Unit
    quantity: Decimal
    dollars: Decimal


class Cost(NamedTuple):
    """What some use costs, in the order of steps and units as they were given."""

    lines: tuple[Line, ...]

    @property
    def dollars(self) -> Decimal:
        return sum((line.dollars for line in self.lines), Decimal(0))

    @property
    def by_step(self) -> dict[str, Decimal]:
        return _summed((line.step, line.dollars) for line in self.lines)

    @property
    def by_service(self) -> dict[str, Decimal]:
        return _summed((line.unit.service, line.dollars) for line in self.lines)

    def quantity(self, unit: Unit) -> Decimal:
        return sum((line.quantity for line in self.lines if line.unit is unit), Decimal(0))


def _summed(entries: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for name, amount in entries:
        sums[name] = sums.get(name, Decimal(0)) + amount
    return sums


def summed(uses: Iterable[Use]) -> tuple[Use, ...]:
    """One use a step, in the order in which steps come first."""
    steps: dict[str, dict[Unit, Decimal]] = {}
    for use in uses:
        units = steps.setdefault(use.step, {})
        for unit, quantity in use.units.items():
            units[unit] = units.get(unit, Decimal(0)) + quantity
    return tuple(Use(step=step, units=units) for step, units in steps.items())


def cost_of(uses: Use | Iterable[Use], prices: Prices) -> Cost:
    """Dollars by step and unit. ConfigurationError where a unit that was used has no price."""
    entries = summed([uses] if isinstance(uses, Use) else uses)
    return Cost(
        tuple(
            Line(use.step, unit, quantity, quantity * prices.of(unit).of_one)
            for use in entries
            for unit, quantity in use.units.items()
        )
    )


PER_DOCUMENT: Mapping[Unit, Decimal] = {
    Unit.STATES_TRANSITION: Decimal(21),
    Unit.LAMBDA_REQUEST: Decimal(10),
    Unit.LAMBDA_GB_SECOND: Decimal(2),
    Unit.S3_WRITE: Decimal(14),
    Unit.S3_READ: Decimal(30),
    Unit.DYNAMODB_WRITE: Decimal(60),
    Unit.DYNAMODB_READ: Decimal(20),
    Unit.SQS_REQUEST: Decimal(6),
    Unit.SNS_REQUEST: Decimal(1),
    Unit.EVENTS_EVENT: Decimal(2),
    Unit.LOGS_GB: Decimal("0.00002"),
}
"""What a document takes beside its pages: measured by `benchmarks/cost.py`, rounded up."""
PER_PAGE: Mapping[Unit, Decimal] = {
    Unit.LAMBDA_GB_SECOND: Decimal("1.5"),
    Unit.S3_WRITE: Decimal(1),
    Unit.S3_READ: Decimal(1),
}
"""What each page takes beside its OCR: drawing, the model, an image."""


class Forecast(NamedTuple):
    """What documents will cost."""

    ocr: Decimal
    """Textract."""
    rest: Decimal
    """Everything else: with the embedded model, and nobody asked for a review."""

    @property
    def dollars(self) -> Decimal:
        return self.ocr + self.rest


def forecast(documents: int, pages: float | Decimal, features: Iterable[str], prices: Prices) -> Forecast:
    """What so many documents with so many pages in all will cost, OCR by Textract with these features."""
    num_pages = Decimal(str(pages))
    read = Use(step="ocr", units=dict.fromkeys(units_of_page(features), num_pages))
    rest = [
        Use(step="documents", units={unit: documents * each for unit, each in PER_DOCUMENT.items()}),
        Use(step="pages", units={unit: num_pages * each for unit, each in PER_PAGE.items()}),
    ]
    return Forecast(cost_of(read, prices).dollars, cost_of(rest, prices).dollars)
