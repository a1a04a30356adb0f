"""Points of a learning curve: kept as JSON, shown as a table, drawn for the report. Trains nothing."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from recto_training.evaluation.plots import learning_plot
from recto_training.evaluation.report import Plot
from recto_training.faults import DataError

CURVE = "curve.json"


class CurvePoint(NamedTuple):
    """What a model trained on so many documents gives on the documents held out. All F1, 0-1."""

    documents: int
    entities: float
    fields: float | None
    """None where the labels are no fields."""
    by_name: Mapping[str, float]
    """By field; by class where there are no fields."""

    @classmethod
    def of(cls, documents: int, figures: Mapping[str, Any]) -> "CurvePoint":
        """From the figures of an evaluation."""
        entities = figures["entities"]
        found = figures.get("fields")
        rows = found["by_field"] if found else entities["by_class"]
        by_name = {name: row["f1"] for name, row in rows.items()}
        return cls(documents, entities["all"]["f1"], found["all"]["f1"] if found else None, by_name)


def write_curve(path: Path, points: Sequence[CurvePoint]) -> None:
    """As JSON, a point an object."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([one._asdict() for one in points], indent=1) + "\n", encoding="utf-8")


def read_curve(path: Path) -> list[CurvePoint]:
    """What `write_curve` wrote; DataError for another file."""
    try:
        return [CurvePoint(**one) for one in json.loads(path.read_text(encoding="utf-8"))]
    except OSError as error:
        raise DataError(f"learning curve {path}: cannot be read ({error.strerror})") from error
    except (ValueError, TypeError) as error:
        raise DataError(
            f"learning curve {path}: not a {CURVE} of `recto learning-curve` ({error})"
        ) from error


def curve_plot(points: Sequence[CurvePoint]) -> Plot:
    """The curve drawn."""
    names = list(points[0].by_name) if points else []
    lines: dict[str, list[float]] = {}
    if points and points[0].fields is not None:
        lines["all fields"] = [one.fields or 0.0 for one in points]
    else:
        lines["all entities"] = [one.entities for one in points]
    lines |= {name: [one.by_name.get(name, 0.0) for one in points] for name in names}
    return Plot(advice(points), learning_plot([one.documents for one in points], lines))


def advice(points: Sequence[CurvePoint]) -> str:
    """In a sentence, what the last step up brought."""
    if len(points) < 2:
        return "One size only: nothing can be said about more documents."
    before, last = (one.fields if one.fields is not None else one.entities for one in points[-2:])
    if not last:
        return "No run found anything right, so nothing can be said: train for longer, or with a base."
    sizes = f"{points[-2].documents} to {points[-1].documents}"
    grown = f"From {sizes} documents F1 went from {before:.3f} to {last:.3f}"
    if last - before > 0.01:
        return f"{grown}: more labelled documents would probably help."
    return f"{grown}: more of the same documents will probably bring little."
