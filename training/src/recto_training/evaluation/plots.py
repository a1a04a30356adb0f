"""Plots of confidence and of learning, as images for a page without scripts. Draws; computes nothing."""

import base64
import io
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from recto_training.evaluation.confidence import coverage_curve, reliability
from recto_training.evaluation.fields import Judged

SIZE = (5.2, 3.8)
"""Inches."""


def reliability_plot(judged: Sequence[Judged]) -> str:
    """Share that is right against confidence, in bins of equal count; on the line if it can be believed."""
    figure, axes = _axes("confidence", "share right")
    bins = reliability(judged)
    axes.plot([0, 1], [0, 1], color="#888", linewidth=1, linestyle="--", label="as it should be")
    axes.plot(
        [one.confidence for one in bins],
        [one.right for one in bins],
        marker="o",
        color="#0550ae",
        label="bins of equal count",
    )
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    axes.legend(loc="upper left", frameon=False)
    return as_address(figure)


def coverage_plot(by_name: Mapping[str, Sequence[Judged]]) -> str:
    """Share right among what is accepted, against how much is accepted, surest first."""
    figure, axes = _axes("share accepted without a look", "share right of the accepted")
    lowest = 1.0
    for name, judged in by_name.items():
        points = [one for one in coverage_curve(judged) if one.accepted * len(judged) >= 5]
        if points:
            accepted, right = [one.accepted for one in points], [one.precision for one in points]
            axes.plot(accepted, right, linewidth=2.4 if name == "all" else 1.2, label=name)
            lowest = min(lowest, *right)
    axes.axhline(0.95, color="#888", linewidth=0.8, linestyle=":")
    axes.set_xlim(0, 1.02)
    axes.set_ylim(max(0.0, lowest - 0.05), 1.01)
    axes.legend(loc="lower left", frameon=False, fontsize=8, ncols=2)
    return as_address(figure)


def learning_plot(documents: Sequence[int], by_name: Mapping[str, Sequence[float]]) -> str:
    """F1 against the number of labelled documents."""
    figure, axes = _axes("labelled documents", "F1 on the documents held out")
    for name, values in by_name.items():
        axes.plot(
            list(documents),
            list(values),
            marker="o",
            linewidth=2.4 if name == "all fields" else 1.2,
            label=name,
        )
    axes.set_xscale("log")
    axes.set_xticks(list(documents), [str(one) for one in documents])
    axes.minorticks_off()
    axes.set_ylim(0, 1.02)
    axes.legend(loc="lower right", frameon=False, fontsize=8)
    return as_address(figure)


def as_address(figure: Figure) -> str:
    """A figure as the address of an image that is the image."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _axes(across: str, up: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, color="#e5e5e5", linewidth=0.6)
    return figure, axes
