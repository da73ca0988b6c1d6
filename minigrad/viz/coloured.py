"""A text whose characters have the colours of numbers."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from .facets import colours, ink
from .numbers import host

__all__ = ["ColouredText", "colour_text"]


class ColouredText:
    """A text whose characters have the colour of a number each: blue for negative, orange for positive ones.

    `str()` has ANSI colours for terminals, `.html` is for pages; a notebook shows it by itself.

    Args:
        text: the characters.
        values: (T,), a number for each.

    >>> ColouredText("ab", np.array([-1.0, 1.0])).html.count("<span")
    2
    """

    def __init__(self, text: str, values: np.ndarray) -> None:
        self.text, self.values = text, values
        most = float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) or 1.0
        self._colours = [tuple(colour) for colour in colours(values, -most, most).tolist()]

    def __str__(self) -> str:
        lines = []
        for character, (r, g, b) in zip(self.text, self._colours, strict=True):
            shown = " \x1b[0m\n" if character == "\n" else f"{character}\x1b[0m"
            letter = "0;0;0" if ink((r, g, b)) == "#000" else "255;255;255"
            lines.append(f"\x1b[38;2;{letter};48;2;{r};{g};{b}m{shown}")
        return "".join(lines)

    @property
    def html(self) -> str:
        """A `<pre>` element."""
        spans = []
        for character, value, (r, g, b) in zip(self.text, self.values, self._colours, strict=True):
            shown = "⏎\n" if character == "\n" else escape(character)
            look = f"color:{ink((r, g, b))};background:rgb({r},{g},{b})"
            spans.append(f'<span style="{look}" title="{value:.3g}">{shown}</span>')
        return f'<pre style="color:black;background:white;padding:8px;white-space:pre-wrap">{"".join(spans)}</pre>'

    def _repr_html_(self) -> str:
        return self.html


def colour_text(text: str, values: Any, cell: int | None = None) -> ColouredText:
    """Colour the characters of a text by one number each, such as the activation of one cell (Karpathy et al., 2015).

    Args:
        values: (T,), or with a `cell` (T, cells), as from `unroll`.

    >>> print(repr(str(colour_text("a", [1.0]))))
    '\\x1b[38;2;255;255;255;48;2;190;70;0ma\\x1b[0m'
    """
    values = host(values)
    values = values if cell is None else values[:, cell]
    if values.shape != (len(text),):
        raise ValueError(f"a text of {len(text)} characters needs as many numbers, got shape {values.shape}")
    return ColouredText(text, values)
