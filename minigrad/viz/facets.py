"""An array of any rank as one picture: planes of its last axes beside and below each other, facet in facet.

The page's own layout is `assets/facets.js`; a test holds that both are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .numbers import dimensions

__all__ = ["BLUE", "ORANGE", "Axis", "Layout", "caption_of", "cells_of", "colours", "ink", "layout_of"]

SIDE = 128  #: cells along a side, about
BLUE, ORANGE, WHITE = np.array([16, 84, 190]), np.array([190, 70, 0]), 250
PALE, FULL = np.array([250, 252, 255]), np.array([25, 87, 170])


@dataclass
class Axis:
    """Where each index of an axis stands.

    Attributes:
        axis, length: which it is.
        across: whether it runs across; None of facets that are wrapped into rows.
        places: (index, cells to the right, cells down) of each that is shown.
    """

    axis: int
    length: int
    across: bool | None
    places: list[tuple[int, int, int]]


@dataclass
class Layout:
    """A picture of so many cells; its axes begin with the innermost."""

    width: int
    height: int
    axes: list[Axis]


def layout_of(shape: Sequence[int], side: int = SIDE) -> Layout:
    """From the last axis outwards they run across and down in turn; of long ones the middle is left out.

    >>> found = layout_of((2, 3, 4, 5))
    >>> found.width, found.height, [axis.across for axis in found.axes]
    (17, 9, [True, False, True, False])
    """
    long = [(axis, length) for axis, length in enumerate(shape) if length != 1][::-1]
    size, axes = [1, 1], []
    for k, (axis, length) in enumerate(long):
        if k == 2 and len(long) == 3:
            axes.append(_wrapped(axis, length, size, side))
            continue
        way, gap = k % 2, k // 2
        stride = size[way] + gap
        kept = min(length, max(8 if k < 2 else 2, (side + gap) // stride))
        cut = kept < length
        places = []
        for i in range(kept):
            is_late = cut and i >= (kept + 1) // 2
            offset = i * stride + (1 + gap if is_late else 0)  # a gap where some are left out
            places.append((length - kept + i if is_late else i, 0 if way else offset, offset if way else 0))
        size[way] = kept * stride - gap + (1 + gap if cut else 0) if kept else 0
        axes.append(Axis(axis, length, not way, places))
    return Layout(size[0], size[1], axes)


def _wrapped(axis: int, length: int, size: list[int], side: int) -> Axis:
    """A single axis of facets, in rows."""
    across, down = size[0] + 1, size[1] + 1
    most_across, most_down = max(1, (side + 1) // across), max(1, (side + 1) // down)
    kept = min(length, max(2, most_across * most_down))
    columns = min(kept, most_across, max(1, int(np.sqrt(kept * down / across) + 0.5)))
    late = (kept + 1) // 2 if kept < length else kept
    places = [(i if i < late else length - kept + i, i % columns * across, i // columns * down) for i in range(kept)]
    size[:] = columns * across - 1, -(-kept // columns) * down - 1
    return Axis(axis, length, None, places)


def cells_of(shape: Sequence[int], layout: Layout) -> np.ndarray:
    """For each cell (row, column) the place of its number in the flat array; -1 between facets.

    >>> cells_of((3, 1, 2), layout_of((3, 1, 2)))
    array([[0, 1],
           [2, 3],
           [4, 5]])
    """
    found = np.full((layout.height, layout.width), -1)
    if 0 in shape:
        return found
    strides = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
    at = np.zeros((1, 3), int)  # place, x, y
    for axis in layout.axes:
        steps = np.array(axis.places) * [strides[axis.axis], 1, 1]
        at = (at[:, None] + steps[None]).reshape(-1, 3)
    found[at[:, 2], at[:, 1]] = at[:, 0]
    return found


def caption_of(shape: Sequence[int], layout: Layout, names: Sequence[str] = ()) -> str:
    """The axes and how they run, and what is left out.

    >>> caption_of((2, 3, 4, 5), layout_of((2, 3, 4, 5)), "NCHW")
    '2×3×4×5: N (2) facets down, C (3) facets across, H (4) down, W (5) across'
    """
    texts = []
    for i, axis in reversed(list(enumerate(layout.axes))):
        name = names[axis.axis] if axis.axis < len(names) else f"axis {axis.axis}"
        way = "one facet each" if axis.across is None else ("facets " if i > 1 else "") + ("across" if axis.across else "down")
        kept = len(axis.places)
        some = f", the first {(kept + 1) // 2} and the last {kept // 2}" if kept < axis.length else ""
        texts.append(f"{name} ({axis.length}{some}) {way}")
    return dimensions(tuple(shape)) + (f": {', '.join(texts)}" if texts else "")


def colours(values: Any, low: float, high: float) -> np.ndarray:
    """Bytes (..., 3): blue for negative, orange for positive, white to blue where all have one sign; NaN is grey.

    >>> colours([-1.0, 0.0, 1.0, np.nan], -1.0, 1.0).tolist()
    [[16, 84, 190], [250, 250, 250], [190, 70, 0], [128, 128, 128]]
    """
    x = np.asarray(values, float)[..., None]
    known = np.clip(np.where(np.isnan(x), low, x), low, high)
    if low < 0 < high or low == 0 == high:
        part = known / (max(-low, high) or 1.0)
        found = WHITE + (np.where(part < 0, BLUE, ORANGE) - WHITE) * np.abs(part)
    else:
        part = (known - low) / (high - low) if high > low else np.full_like(known, 0.5)
        found = PALE + (FULL - PALE) * part
    return np.where(np.isnan(x), 128, np.floor(found + 0.5)).astype(np.uint8)


def ink(colour: Sequence[int]) -> str:
    """Black or white, whichever is read better on a colour.

    >>> ink((190, 70, 0)), ink((250, 250, 250))
    ('#fff', '#000')
    """
    x = np.array(colour) / 255
    light = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
    return "#000" if light > 0.179 else "#fff"
