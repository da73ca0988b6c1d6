"""Tables and curves as HTML, for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from math import isfinite
from typing import Any

__all__ = ["curves_html", "table_html"]

COLOURS = ("#3b82d6", "#d9622b", "#3a9a4b", "#a45bd1", "#c23b55", "#8a7a1f", "#2aa3a3", "#7d7d7d")


def table_html(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table; all of its text is escaped."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(f'<td>{escape(_cell(x))}</td>' for x in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def curves_html(curves: Mapping[str, Sequence[float]]) -> str:
    """Curves over the epochs as SVG, with their names and last values."""
    finite = [y for ys in curves.values() for y in ys if isfinite(y)]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    length = max(map(len, curves.values()), default=0)
    lines, names = [], []
    for (name, ys), colour in zip(curves.items(), COLOURS * (len(curves) // len(COLOURS) + 1), strict=False):
        places = [(5 + 390 * i / max(length - 1, 1), 115 - 110 * (y - low) / ((high - low) or 1)) for i, y in enumerate(ys)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places if isfinite(y))
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        names.append(f'<span style="color:{colour}">■</span> {escape(name)} {_cell(ys[-1]) if len(ys) else ""}')
    label = escape(f"curves of {', '.join(curves)}")
    picture = f'<svg viewBox="0 0 400 120" width="400" role="img" aria-label="{label}">{"".join(lines)}</svg>'
    return f"<div>{picture}<div>{' &nbsp; '.join(names)}; {_cell(low)} to {_cell(high)}</div></div>"


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
