"""The figures of the lesson on ops of one's own: each function writes one page."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minigrad import primitive, viz


@primitive(
    method=False,
    override=True,  # a build may load this file twice
    x=lambda g, x, out, width: g * x / (out + width),
    width=lambda g, out, width: g * (width / (out + width) - 1),
)
def soft_abs(x, width=1.0):
    """Almost |x|, but round where |x| has its kink.

    out    = sqrt(x^2 + width^2) - width
    dx     = g x / (out + width)
    dwidth = g (width / (out + width) - 1)
    """
    return np.sqrt(x * x + width * width) - width


@primitive(method=False, override=True, x=lambda g, x, out: g * x / out)
def hasty_abs(x, width=1.0):
    """The same function, with a rule that forgets the width.

    out = sqrt(x^2 + width^2) - width
    dx  = g x / out
    """
    return np.sqrt(x * x + width * width) - width


def keeping(name: str, masks: bool):
    """An op that keeps some elements and puts others to 0; `masks` says so to the engine, or does not."""

    @primitive(method=False, override=True, name=name, masks=masks, x=lambda g, shown: np.where(shown, g, 0.0))
    def keep(x, shown):
        """Keep the elements that are shown.

        out = x where shown, else 0
        dx  = g where shown, else 0
        """
        return np.where(shown, x, 0.0)

    return keep


def definition(path: Path) -> None:
    """An op of one's own in a graph, with the formulas of its docstring."""

    def loss(x, width):
        return soft_abs(x, width) * 2

    viz.explore(loss, 3.0, 4.0, path=path, title="An op of one's own")


def orders(path: Path) -> None:
    """The op and three derivatives of it."""
    viz.derivatives(soft_abs, 0.5, 1.0, orders=3, path=path, title="soft_abs and its derivatives")


def wrong_rule(path: Path) -> None:
    """The op whose rule forgets the width: differences disagree with it."""

    def loss(x):
        return hasty_abs(x, 4.0) ** 2

    viz.explore(loss, 3.0, path=path, title="A rule that is wrong")


def infinite_slope(path: Path) -> None:
    """An op that does not say that it masks, above a root with an infinite slope."""
    keep = keeping("keep_in_silence", masks=False)
    shown = np.array([True, False])

    def loss(x):
        return np.sum(keep(np.sqrt(x), shown))

    with np.errstate(all="ignore"):  # 0 / 0 is what the page shows
        viz.explore(loss, [4.0, 0.0], path=path, title="Zero times infinity")
