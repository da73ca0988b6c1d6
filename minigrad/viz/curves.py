"""Bezier curves as lines, lines as dashes, and arrow heads."""

from __future__ import annotations

from math import hypot

from .layout import Point

__all__ = ["arrow", "dashes", "sampled"]


def sampled(points: list[Point], steps: int = 12) -> list[Point]:
    """Points on Bezier curves."""
    found = [points[0]]
    for i in range(0, len(points) - 1, 3):
        a, b, c, d = points[i : i + 4]
        for k in range(1, steps + 1):
            t, u = k / steps, 1 - k / steps
            x, y = (u**3 * p + 3 * u * u * t * q + 3 * u * t * t * r + t**3 * s for p, q, r, s in zip(a, b, c, d, strict=True))
            found.append((x, y))
    return found


def dashes(points: list[Point], length: float) -> list[list[Point]]:
    """Every second part of a line, in parts of the same length."""
    parts: list[list[Point]] = [[points[0]]]
    room = length
    for a, b in zip(points, points[1:], strict=False):
        way = hypot(b[0] - a[0], b[1] - a[1])
        done = 0.0
        while way - done > room:
            done += room
            cut = a[0] + (b[0] - a[0]) * done / way, a[1] + (b[1] - a[1]) * done / way
            parts[-1].append(cut)
            parts.append([cut])
            room = length
        room -= way - done
        parts[-1].append(b)
    return parts[::2]


def arrow(points: list[Point], size: float) -> tuple[list[Point], list[Point]]:
    """The line without its last bit, and an arrow head in the place of it."""
    tip, shaft = points[-1], points
    while len(shaft) > 2 and hypot(tip[0] - shaft[-2][0], tip[1] - shaft[-2][1]) < size:
        shaft = shaft[:-1]
    dx, dy = tip[0] - shaft[-2][0], tip[1] - shaft[-2][1]
    length = hypot(dx, dy) or 1.0
    dx, dy = dx / length * size, dy / length * size
    neck = tip[0] - dx, tip[1] - dy
    return [*shaft[:-1], neck], [tip, (neck[0] - dy * 0.4, neck[1] + dx * 0.4), (neck[0] + dy * 0.4, neck[1] - dx * 0.4)]
