"""A bar chart of costs as an SVG file: no library, readable in any browser, its text can be searched."""

from collections.abc import Sequence
from decimal import Decimal
from html import escape
from typing import NamedTuple

WIDTH, LEFT, BAR, GAP, TOP = 760, 190, 22, 8, 46
COLOURS = ("#2f6f9f", "#e08e45", "#5b8c5a", "#a05195", "#7a7a7a", "#c0504d", "#3aa6a6", "#b8a032")
OTHER = "#444444"


class Bar(NamedTuple):
    """A name with its parts: service and dollars."""

    name: str
    parts: Sequence[tuple[str, Decimal]]

    @property
    def dollars(self) -> Decimal:
        return sum((dollars for _, dollars in self.parts), Decimal(0))


def bar_chart(title: str, bars: Sequence[Bar]) -> str:
    """Horizontal bars, each made of its services' parts; a legend below."""
    most = max((bar.dollars for bar in bars), default=Decimal(0)) or Decimal(1)
    services = list(dict.fromkeys(name for bar in bars for name, _ in bar.parts))
    colours = dict(zip(services, [*COLOURS, *[OTHER] * len(services)], strict=False))
    drawn = [_drawn(bar, TOP + number * (BAR + GAP), most, colours) for number, bar in enumerate(bars)]
    legend_top = TOP + len(bars) * (BAR + GAP) + 14
    height = legend_top + 22 * (1 + len(services) // 6)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" font-family="sans-serif" font-size="12">'
        f'<rect width="100%" height="100%" fill="white"/>'
        f'<text x="12" y="24" font-size="16">{escape(title)}</text>'
        f"{''.join(drawn)}{_legend(services, colours, legend_top)}</svg>\n"
    )


def _drawn(bar: Bar, top: int, most: Decimal, colours: dict[str, str]) -> str:
    room = WIDTH - LEFT - 90
    pieces = [f'<text x="{LEFT - 8}" y="{top + 15}" text-anchor="end">{escape(bar.name)}</text>']
    left = float(LEFT)
    for service, dollars in bar.parts:
        width = float(dollars / most) * room
        pieces.append(
            f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{BAR}" fill="{colours[service]}">'
            f"<title>{escape(service)}: {dollars:.6f} USD</title></rect>"
        )
        left += width
    pieces.append(f'<text x="{left + 6:.1f}" y="{top + 15}">{bar.dollars:.4f}</text>')
    return "".join(pieces)


def _legend(services: Sequence[str], colours: dict[str, str], top: int) -> str:
    return "".join(
        f'<rect x="{12 + 120 * (number % 6)}" y="{top + 22 * (number // 6)}" width="12" height="12" '
        f'fill="{colours[service]}"/><text x="{30 + 120 * (number % 6)}" y="{top + 11 + 22 * (number // 6)}">'
        f"{escape(service)}</text>"
        for number, service in enumerate(services)
    )
