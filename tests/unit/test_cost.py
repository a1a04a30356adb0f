"""Prices, use and cost: what a page, a document and a month come to."""

import json
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from recto.cost import Unit, Use, cost_of, forecast, parse_prices, units_of_page
from recto.errors import ConfigurationError
from recto.prices import known_regions, prices_of

US = "us-east-1"
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("region", known_regions())
def test_every_price_file_has_every_price_with_its_date_and_source(region: str) -> None:
    prices = prices_of(region)

    assert prices.region == region
    assert set(prices.prices) == set(Unit)
    assert all(price.source.startswith("https://aws.amazon.com/") for price in prices.prices.values())
    assert prices.oldest > date(2024, 1, 1)


def test_a_region_without_a_price_file_is_named_with_those_that_have_one() -> None:
    with pytest.raises(ConfigurationError, match=r"'mars-1'.*us-east-1.*--prices FILE"):
        prices_of("mars-1")


def test_a_price_file_with_a_wrong_entry_says_which() -> None:
    content = json.dumps(
        {
            "region": "here",
            "endpoint_instance": "ml.m5.xlarge",
            "prices": {"s3.write": {"usd": "-1", "date": "2026-01-01", "source": "me"}},
        }
    )

    with pytest.raises(ConfigurationError, match=r"mine\.json: prices\.s3\.write\.usd"):
        parse_prices(content, "mine.json")


def test_a_unit_without_a_price_is_no_free_unit() -> None:
    prices = prices_of(US).model_copy(update={"prices": {}})

    with pytest.raises(ConfigurationError, match=r"us-east-1 has no price for s3\.write"):
        cost_of(Use(step="publish", units={Unit.S3_WRITE: Decimal(1)}), prices)


def test_a_thousand_pages_of_text_cost_a_dollar_and_a_half() -> None:
    use = Use(step="textract_fetch", units={unit: Decimal(1000) for unit in units_of_page(())})

    assert cost_of(use, prices_of(US)).dollars == Decimal("1.5")


@pytest.mark.parametrize(
    ("features", "dollars"),
    [
        (("TABLES",), "15"),
        (("FORMS", "TABLES"), "65"),
        (("FORMS", "LAYOUT", "SIGNATURES"), "50"),
        (("LAYOUT",), "4"),
        (("LAYOUT", "SIGNATURES"), "7.5"),
    ],
)
def test_layout_and_signatures_come_with_tables_and_forms(features: tuple[str, ...], dollars: str) -> None:
    assert forecast(0, 1000, features, prices_of(US)).ocr == Decimal(dollars)


def test_a_feature_without_a_price_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="QUERIES"):
        units_of_page(["QUERIES"])


def test_costs_are_summed_by_step_and_service() -> None:
    uses = [
        Use(step="publish", units={Unit.S3_WRITE: Decimal(1000), Unit.LAMBDA_REQUEST: Decimal(1_000_000)}),
        Use(step="intake", units={Unit.S3_READ: Decimal(1000)}),
        Use(step="publish", units={Unit.S3_WRITE: Decimal(1000)}),
    ]

    cost = cost_of(uses, prices_of(US))

    assert cost.by_step == {"publish": Decimal("0.21"), "intake": Decimal("0.0004")}
    assert cost.by_service == {"s3": Decimal("0.0104"), "lambda": Decimal("0.2")}
    assert cost.quantity(Unit.S3_WRITE) == 2000
    assert cost.dollars == Decimal("0.2104")


def test_a_forecast_grows_with_documents_and_pages() -> None:
    prices = prices_of(US)

    one, long, many = (
        forecast(documents, pages, (), prices) for documents, pages in ((1, 1), (1, 50), (50, 50))
    )

    assert one.dollars < long.dollars < many.dollars
    assert long.ocr == many.ocr
    assert many.dollars == 50 * one.dollars


def test_price_files_are_packed_with_the_library() -> None:
    """The layer and the wheel hold what setuptools is told of beside modules."""
    project = tomllib.loads((ROOT / "layers" / "recto" / "pyproject.toml").read_text())
    package = ROOT / "layers" / "recto" / "src" / "recto" / "prices"

    (pattern,) = project["tool"]["setuptools"]["package-data"]["recto.prices"]

    assert {path.stem for path in package.glob(pattern)} == set(known_regions())
