"""Line searches: how far to go along a direction."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, nan, sqrt
from typing import Any, NamedTuple

__all__ = ["Point", "armijo", "strong_wolfe"]

#: Wolfe's conditions: how much of the decrease that the slope promises, and how much of the slope may be left.
DECREASE, CURVATURE = 1e-4, 0.9


class Point(NamedTuple):
    """A place on the line: how far, the loss there, its slope along the line, its gradient."""

    t: float
    loss: float
    slope: float
    gradient: Any


def armijo(at: Callable[[float], Point], start: Point, t: float) -> Point:
    """Halve t until the loss falls by DECREASE of what the slope promises (Nocedal and Wright, algorithm 3.1)."""
    point = at(t)
    while not point.loss <= start.loss + DECREASE * point.t * start.slope and point.t > 1e-12:
        point = at(point.t / 2)
    return point


def strong_wolfe(at: Callable[[float], Point], start: Point, t: float, most: int = 25, narrowest: float = 1e-9) -> Point:
    """A place that meets the strong Wolfe conditions (Nocedal and Wright, 2006, algorithms 3.5 and 3.6).

        loss(t) <= loss(0) + 1e-4 t slope(0),   |slope(t)| <= 0.9 |slope(0)|

    Args:
        at: evaluates the loss at a t.
        start: t = 0; its slope is negative.
        t: the first trial.
        most: so many trials.
        narrowest: the search ends when the place is known this well.

    Returns:
        The best place found, also where none meets both conditions.

    >>> parabola = lambda t: Point(t, (t - 3) ** 2, 2 * (t - 3), None)
    >>> strong_wolfe(parabola, parabola(0.0), 0.1).t
    1.0
    """
    before = start
    for i in range(most):
        point = at(t)
        if _too_high(point, start) or (i > 0 and point.loss >= before.loss):
            return _zoom(at, start, before, point, most - i - 1, narrowest)
        if abs(point.slope) <= -CURVATURE * start.slope:
            return point
        if point.slope >= 0:
            return _zoom(at, start, point, before, most - i - 1, narrowest)
        t = _cubic_minimum(before, point, t + 0.01 * (t - before.t), 10 * t)
        before = point
    return before


def _zoom(at: Callable[[float], Point], start: Point, low: Point, high: Point, most: int, narrowest: float) -> Point:
    """Make an interval smaller that has such places in it; `low` is the end with the lower loss."""
    near_before = False
    for _ in range(most):
        if abs(high.t - low.t) < narrowest:
            break
        t, near = _inside(low, high)
        if near and near_before:  # twice at the same end the interval hardly shrinks
            t, near = _away_from_the_end(t, low.t, high.t), False
        near_before = near
        point = at(t)
        if _too_high(point, start) or point.loss >= low.loss:
            high = point
            continue
        if abs(point.slope) <= -CURVATURE * start.slope:
            return point
        if point.slope * (high.t - low.t) >= 0:
            high = low
        low = point
    return low


def _too_high(point: Point, start: Point) -> bool:
    """Whether the loss falls too little, or is no number."""
    return not point.loss <= start.loss + DECREASE * point.t * start.slope


def _inside(low: Point, high: Point) -> tuple[float, bool]:
    """The next trial in an interval, and whether it is near to an end."""
    left, right = sorted((low.t, high.t))
    t = _cubic_minimum(low, high, left, right)
    near = min(right - t, t - left) < 0.1 * (right - left)
    if t in (left, right):
        return _away_from_the_end(t, left, right), False
    return t, near


def _away_from_the_end(t: float, one: float, other: float) -> float:
    """A tenth of the interval away from the end that is nearer to t."""
    left, right = sorted((one, other))
    tenth = 0.1 * (right - left)
    return right - tenth if abs(t - right) < abs(t - left) else left + tenth


def _cubic_minimum(a: Point, b: Point, low: float, high: float) -> float:
    """The minimum between low and high of the cubic with the losses and slopes of two points (formula 3.59).

    The middle where it has none, or where something is no number.
    """
    if a.t > b.t:
        a, b = b, a
    root = nan
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if isfinite(square) and square >= 0:
        d2 = sqrt(square)
        bottom = b.slope - a.slope + 2 * d2
        root = b.t - (b.t - a.t) * (b.slope + d2 - d1) / bottom if bottom else nan
    return min(max(root, low), high) if isfinite(root) else (low + high) / 2
