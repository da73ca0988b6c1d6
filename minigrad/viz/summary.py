"""What a page shows of an array: its range, the numbers of a small one, a picture and a histogram of a large one."""

from __future__ import annotations

from base64 import b64encode
from math import ceil, isqrt, sqrt
from typing import Any

import numpy as np

from .numbers import dimensions, host, number

__all__ = ["Summariser", "montage"]

FULL = 48  #: an array of so many numbers is shown with all of them
BINS = 24
MOST = float(np.finfo(float).max)
ALL_MAPS = 400_000  #: bytes of all pictures of a page together
LARGEST, SMALLEST = 48, 8  #: pixels along a side of a picture


class Summariser:
    """Makes summaries for a page of so many steps: the more steps, the smaller the pictures.

    >>> summary = Summariser(1)(np.arange(6.0).reshape(2, 3))
    >>> summary["shape"], summary["text"], summary["rows"]
    ('2×3', '[[0., 1., 2.], [3., 4., 5.]]', [['0', '1', '2'], ['3', '4', '5']])
    """

    def __init__(self, steps: int) -> None:
        self.side = int(np.clip(sqrt(ALL_MAPS / (2 * max(steps, 1))), SMALLEST, LARGEST))

    def __call__(self, value: Any) -> dict[str, Any] | None:
        """Text, range, numbers or picture, histogram; None of a value that nobody knows."""
        if value is None:
            return None
        if isinstance(value, tuple):
            return {"parts": [self(part) for part in value]}
        array = host(value)
        summary: dict[str, Any] = {"shape": dimensions(array.shape), "text": number(array)}
        if not array.size or array.dtype.kind not in "fciub":
            return summary
        real = np.abs(array) if array.dtype.kind == "c" else array.astype(float) + 0  # of -0 that is 0
        finite = real[np.isfinite(real)]
        odd = {"NaN": int(np.isnan(real).sum()), "infinite": int(np.isinf(real).sum()), "zero": int((real == 0).sum())}
        summary["counts"] = {name: count for name, count in odd.items() if count}
        if finite.size > 1:
            with np.errstate(over="ignore", invalid="ignore"):
                parts = {"min": finite.min(), "max": finite.max(), "mean": finite.mean(), "std": finite.std()}
            summary["range"] = {name: f"{part:.4g}" for name, part in parts.items()}
        if array.size <= FULL:
            numbers = array if array.dtype.kind == "c" else real
            rows = numbers.reshape(-1, array.shape[-1] if array.ndim else 1).tolist()
            summary["rows"] = [[f"{x:.4g}" for x in row] for row in rows]
        elif finite.size:
            summary["map"] = self._picture(real, float(finite.min()), float(finite.max()))
            summary["histogram"] = _histogram(finite)
        return summary

    def _picture(self, array: np.ndarray, low: float, high: float) -> dict[str, Any]:
        """Bytes from 0 (low) to 254 (high), 255 for NaN; images and channels side by side, thinned out to the side."""
        plane, caption = montage(array)
        thin = [ceil(n / self.side) for n in plane.shape]
        plane = plane[:: thin[0], :: thin[1]]
        half = (high / 2 - low / 2) or 1.0  # the whole range may be infinite
        with np.errstate(invalid="ignore"):
            parts = np.clip((plane / 2 - low / 2) / half, 0, 1)
            pixels = np.where(np.isfinite(plane), parts * 254, 255).astype(np.uint8)
        note = f"{caption}, thinned {thin[0]} to 1 down and {thin[1]} to 1 across" if max(thin) > 1 else caption
        return {
            "width": plane.shape[1], "height": plane.shape[0], "low": low, "high": high, "caption": note,
            "data": b64encode(pixels.tobytes()).decode(),
        }  # fmt: skip


def _histogram(finite: np.ndarray) -> dict[str, Any]:
    """How many numbers lie in each of equal parts of their range, which may be that of all floats, or a single large number.

    >>> max(_histogram(np.full(3, 1e38))["counts"]), _histogram(np.array([-1.7e308, 1.7e308]))["low"]
    (3, '-1.7e+308')
    """
    low, high = float(finite.min()), float(finite.max())
    if low == high:
        room = 0.5 * max(1.0, abs(low))
        low, high = max(low - room, -MOST), min(high + room, MOST)
    places = np.minimum((BINS * ((finite / 2 - low / 2) / (high / 2 - low / 2))).astype(int), BINS - 1)
    return {"counts": np.bincount(places, minlength=BINS).tolist(), "low": f"{low:.3g}", "high": f"{high:.3g}"}


def montage(array: np.ndarray, most: int = 36) -> tuple[np.ndarray, str]:
    """An array of any rank as one picture, and what it shows: the planes of the last two axes side by side, NaN between.

    >>> plane, caption = montage(np.zeros((8, 3, 5, 5)))
    >>> plane.shape, caption
    ((29, 29), '24 planes of 5×5')
    """
    if array.ndim < 3:
        return np.atleast_2d(array), "×".join(map(str, array.shape))
    height, width = array.shape[-2:]
    planes = array.reshape(-1, height, width)
    shown = planes[:most]
    columns = isqrt(len(shown) - 1) + 1
    rows = ceil(len(shown) / columns)
    plane = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for i, image in enumerate(shown):
        y, x = i // columns * (height + 1), i % columns * (width + 1)
        plane[y : y + height, x : x + width] = image
    first = "" if len(planes) <= most else f"the first {most} of "
    return plane, f"{first}{len(planes)} planes of {height}×{width}"
