"""The report of an evaluation: one HTML file that needs nothing else, no script, no network.

Everything that comes from documents is escaped by the template; drawings escape what they draw.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any, NamedTuple

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from recto_training.evaluation.confidence import confidence_figures
from recto_training.evaluation.drawings import STYLES, draw_page, has_error
from recto_training.evaluation.evaluation import Bad, Evaluation
from recto_training.evaluation.fields import DocumentScore
from recto_training.evaluation.plots import coverage_plot, reliability_plot
from recto_training.evaluation.truth import Match

PAGES = 3
"""Pages with errors that are drawn of one document."""
LEAST_FOR_PLOTS = 10
"""Values below which a plot of confidence would only mislead."""
MATCH_SAYS: Mapping[Match, str] = {
    Match.ALNUM: "letters and digits only, in upper case",
    Match.UPPER: "upper case, white space folded",
    Match.EXACT: "exactly as written",
    Match.NORMAL: "the same normal form by the field's type",
}


class Plot(NamedTuple):
    """An image and what it shows."""

    title: str
    image: str
    """A data address."""


def render_report(
    evaluation: Evaluation,
    *,
    title: str,
    about: str = "",
    warnings: Sequence[str] = (),
    reference: Mapping[str, float] | None = None,
    curve: Plot | None = None,
) -> str:
    """The page; `about` says in a sentence what was evaluated on what."""
    figures = evaluation.figures()
    source = resources.files("recto_training.evaluation").joinpath("report.html.jinja").read_text("utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(source).render(
        title=title,
        about=about,
        warnings=warnings,
        figures={"fields": None, "confidence": None, **figures},
        match_says=MATCH_SAYS[evaluation.rules.match],
        plots=_plots(evaluation),
        confusion=_shaded(figures["confusion"]["matrix"]),
        reference=reference or {},
        curve=curve,
        styles=STYLES,
        worst=[_worst(bad, evaluation.rules.labels) for bad in evaluation.worst],
    )


def _plots(evaluation: Evaluation) -> list[Plot]:
    judged = [value for score in evaluation.scores for value in score.judged]
    if len(judged) < LEAST_FOR_PLOTS:
        return []
    names = list(dict.fromkeys(one.field for one in judged))
    by_name = {"all": judged, **{name: [one for one in judged if one.field == name] for name in names}}
    error = confidence_figures(judged)["ece"]
    return [
        Plot(f"Does confidence mean what it says? Mean distance {error:.3f}.", reliability_plot(judged)),
        Plot("How much can go without a look, and how right is it?", coverage_plot(by_name)),
    ]


def _shaded(matrix: Sequence[Sequence[int]]) -> list[list[dict[str, Any]]]:
    """Cells with their colour: what is right green, what is wrong red, by share of the row."""
    rows = []
    for index, row in enumerate(matrix):
        total = max(1, sum(row))
        hues = [130 if column == index else 0 for column in range(len(row))]
        rows.append(
            [
                {
                    "count": cell,
                    "colour": f"hsl({hue} 70% {97 - 27 * (cell / total) ** 0.5:.0f}%)" if cell else "#fff",
                }
                for cell, hue in zip(row, hues, strict=True)
            ]
        )
    return rows


def _worst(bad: Bad, labels: tuple[str, ...]) -> dict[str, Any]:
    pairs = [
        (page, said)
        for page, said in zip(bad.document.pages, bad.predictions, strict=True)
        if has_error(page, said)
    ]
    return {
        "id": bad.document.id,
        "errors": bad.errors,
        "rows": list(_rows(bad.score)) if bad.score else [],
        "pages": [
            {"number": page.page.number, "drawing": Markup(draw_page(page, said, labels))}  # noqa: S704 - escaped there
            for page, said in pairs[:PAGES]
        ],
        "more": max(0, len(pairs) - PAGES),
    }


def _rows(score: DocumentScore) -> Iterator[dict[str, Any]]:
    for name, one in score.fields.items():
        if one.values or one.true:
            yield {
                "field": name,
                "true": "\n".join(dict.fromkeys(one.true)) or "–",
                "found": "\n".join(value.value.replace("\n", " ") for value in one.values) or "–",
                "confidence": " ".join(f"{value.confidence:.2f}" for value in one.values),
                "right": one.errors == 0,
            }
