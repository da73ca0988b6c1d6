"""Resampling of images, as functions under torch.nn.functional's names; the modules are in `nn.layers.interpolation`.

All of it is linear and goes axis by axis: a number of the result is the sum of a few numbers of the input, its *taps*,
times weights that depend on the lengths alone.  So what is computed is one op, `along_axis`, whose gradient is that op
with the taps turned round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad import primitive, raw
from minigrad.backend import as_sizes
from minigrad.devices import follow

__all__ = ["interpolate", "upsample", "upsample_bilinear", "upsample_nearest"]


@dataclass(frozen=True, eq=False)
class Taps:
    """For each place of the result along an axis: which places of the input it is made of, with which weights.

    Attributes:
        index, weight: (taps, result); a weight of 0 is no tap.
        length: of the input.
    """

    index: np.ndarray
    weight: np.ndarray
    length: int

    @classmethod
    def nearest(cls, index: np.ndarray, length: int) -> Taps:
        """One tap for each place, of weight 1."""
        return cls(index[None], np.ones((1, len(index))), length)

    def transposed(self) -> Taps:
        """The taps of the gradient: which places of the result each place of the input went to."""
        tap, place = np.nonzero(self.weight)
        source = self.index[tap, place]
        order = np.argsort(source, kind="stable")
        source, place, weight = source[order], place[order], self.weight[tap, place][order]
        counts = np.bincount(source, minlength=self.length)
        row = np.arange(len(source)) - np.repeat(np.cumsum(counts) - counts, counts)
        shape = (int(counts.max(initial=0)), self.length)
        out = Taps(np.zeros(shape, np.intp), np.zeros(shape), self.weight.shape[1])
        out.index[row, source], out.weight[row, source] = place, weight
        return out


@primitive(method=False, x=lambda g, axis, taps: along_axis(g, axis, taps.transposed()))
def along_axis(x: Any, axis: int, taps: Taps) -> Any:
    """One axis resampled.

    out[p] = sum_k weight[k, p] x[index[k, p]]
    dx     = the same of g, with the taps turned round

    >>> along_axis(np.array([1.0, 5.0]), 0, Taps.nearest(np.array([0, 1, 1]), 2))
    array([1., 5., 5.])
    """
    rest = (1,) * (x.ndim - 1 - axis % x.ndim)
    total: Any = None
    for index, weight in zip(taps.index, taps.weight, strict=True):
        part = np.take(x, np.asarray(index, like=raw(x)), axis=axis)
        if (weight != 1).any():
            factor = np.asarray(weight.reshape(-1, *rest), dtype=x.dtype, like=raw(x))
            part = part * factor
            if not weight.all():  # what is no tap has no influence, also where it is infinite or NaN
                part = np.where(factor != 0, part, 0).astype(x.dtype)
        total = part if total is None else total + part
    if total is None:
        return np.zeros_like(x, shape=(*x.shape[:axis], taps.index.shape[1], *x.shape[axis + 1 :]))
    return total


# ---------------------------------------------------------------------------------- which taps


def _sources(length: int, size: int, align_corners: bool, factor: float | None) -> np.ndarray:
    """Where on the input's axis the places of the result lie."""
    places = np.arange(size)
    if align_corners:
        return places * ((length - 1) / (size - 1) if size > 1 else 0.0)
    return (places + 0.5) * _step(length, size, False, factor) - 0.5


def _step(length: int, size: int, align_corners: bool, factor: float | None) -> float:
    """How far apart on the input's axis two places of the result lie."""
    if align_corners:
        return (length - 1) / (size - 1) if size > 1 else 0.0
    return length / size if factor is None else 1 / factor


def _nearest(length: int, size: int, factor: float | None, offset: float) -> Taps:
    """In single precision, so that on a border it takes the pixel that PyTorch takes."""
    step = np.float32(_step(length, size, False, factor))
    places = np.floor((np.arange(size, dtype=np.float32) + np.float32(offset)) * step)
    return Taps.nearest(np.minimum(places.astype(np.intp), length - 1), length)


def _linear(length: int, size: int, align_corners: bool, factor: float | None) -> Taps:
    source = np.clip(_sources(length, size, align_corners, factor), 0, length - 1)
    low = np.floor(source).astype(np.intp)
    part = source - low
    return Taps(np.stack([low, np.minimum(low + 1, length - 1)]), np.stack([1 - part, part]), length)


def _cubic(length: int, size: int, align_corners: bool, factor: float | None) -> Taps:
    source = _sources(length, size, align_corners, factor)
    index = np.floor(source).astype(np.intp) + np.arange(-1, 3)[:, None]
    return Taps(np.clip(index, 0, length - 1), keys_cubic(source - index, -0.75), length)


def keys_cubic(d: np.ndarray, a: float) -> np.ndarray:
    """The weight of a pixel at a distance d, 0 beyond 2 (Keys, 1981).

    >>> keys_cubic(np.array([0.0, 0.5, 1.0, 2.0]), -0.75)
    array([1.     , 0.59375, 0.     , 0.     ])
    """
    d = np.abs(d)
    return np.where(d <= 1, keys_near(d, a), np.where(d < 2, keys_far(d, a), 0.0))


def keys_near(d: Any, a: float) -> Any:
    """The cubic for distances of 0 to 1."""
    return ((a + 2) * d - (a + 3)) * d * d + 1


def keys_far(d: Any, a: float) -> Any:
    """The cubic for distances of 1 to 2."""
    return a * (((d - 5) * d + 8) * d - 4)


def _smooth(
    length: int, size: int, align_corners: bool, factor: float | None, reach: float, kernel: Callable[..., Any]
) -> Taps:
    """The kernel as wide as the step where the image shrinks, so that no pixel is left out ("antialias")."""
    step = _step(length, size, align_corners, factor)
    stretch = max(step, 1.0)
    centre = step * (np.arange(size) + 0.5)
    low = np.maximum((centre - reach * stretch + 0.5).astype(np.intp), 0)
    high = np.minimum((centre + reach * stretch + 0.5).astype(np.intp), length)
    index = low + np.arange(max(int((high - low).max(initial=0)), 1))[:, None]
    weight = np.where(index < high, kernel((index - centre + 0.5) / stretch), 0.0)
    return Taps(np.minimum(index, length - 1), weight / weight.sum(axis=0), length)


def _triangle(d: np.ndarray) -> np.ndarray:
    return np.maximum(1 - np.abs(d), 0.0)


def mean_taps(length: int, size: int) -> Taps:
    """Means over windows chosen so that there are `size` of them: adaptive pooling."""
    places = np.arange(size)
    low, high = places * length // size, -(-(places + 1) * length // size)
    index = low + np.arange(max(int((high - low).max(initial=0)), 1))[:, None]
    weight = np.where(index < high, 1 / np.maximum(high - low, 1), 0.0)
    return Taps(np.minimum(index, length - 1), weight, length)


def _taps(mode: str, length: int, size: int, align_corners: bool, antialias: bool, factor: float | None) -> Taps:
    if mode in ("nearest", "nearest-exact"):
        return _nearest(length, size, factor, 0.0 if mode == "nearest" else 0.5)
    if mode == "area":
        return mean_taps(length, size)
    if mode == "bicubic":
        if antialias:
            return _smooth(length, size, align_corners, factor, 2.0, lambda d: keys_cubic(d, -0.5))
        return _cubic(length, size, align_corners, factor)
    if antialias:
        return _smooth(length, size, align_corners, factor, 1.0, _triangle)
    return _linear(length, size, align_corners, factor)


# ----------------------------------------------------------------------------------- functions

#: How many spatial axes a mode is for; None for 1, 2 or 3.
_AXES = {
    "nearest": None, "nearest-exact": None, "area": None, "linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2,
}  # fmt: skip


@follow
def interpolate(
    x: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None, antialias: bool = False,
) -> Any:  # fmt: skip
    """Resample the spatial axes of (N, C, *S) to a size, or by a factor.  Integers are rounded.

    out[p] = x[floor(p n / m)]    (mode "nearest", along an axis from n to m pixels)
    out[p] = sum_q x[q] max(0, 1 - |s - q|),  s = (p + 1/2) n / m - 1/2    ("linear"; s is held between 0 and n - 1)

    Args:
        size: how long the axes become; a number, or one for each spatial axis.
        scale_factor: how many times as long they become, likewise, rounded down; one of the two is given.
        mode: "nearest", "nearest-exact" (whose pixels lie where those of other libraries lie), "area" (adaptive means),
            "linear" (1-d), "bilinear" (2-d), "trilinear" (3-d) or "bicubic" (2-d).
        align_corners: whether the corner pixels' centres meet; by default their outer edges do.
        recompute_scale_factor: use the factor for the size only; pixels then lie as the sizes say.
        antialias: average over all pixels where the image shrinks; "bilinear" and "bicubic" only.

    Raises:
        ValueError: the mode does not fit the input or the options, or both or neither of size and factor are given.

    >>> interpolate(np.array([[[1.0, 2.0]]]), scale_factor=2)
    array([[[1., 1., 2., 2.]]])
    """
    shape = np.shape(x)[2:]
    _check_mode(mode, np.shape(x), align_corners, antialias)
    size, factors = _sizes(shape, size, scale_factor, recompute_scale_factor)
    if min(size) < 1 or 0 in shape:
        raise ValueError(f"interpolate: from {shape} to {size}: both need at least one pixel along each axis")
    given = raw(x).dtype
    rounds = given.kind in "iu" and not mode.startswith("nearest")
    x = x.astype(np.float64) if rounds else x
    for axis, (length, target, factor) in enumerate(zip(shape, size, factors, strict=True), start=2):
        if mode == "area" and length == target:
            continue
        x = along_axis(x, axis, _taps(mode, length, target, bool(align_corners), antialias, factor))
    if rounds:
        x = np.clip(np.rint(x), np.iinfo(given).min, np.iinfo(given).max).astype(given)
    return x


def _check_mode(mode: str, shape: tuple[int, ...], align_corners: bool | None, antialias: bool) -> None:
    n = len(shape) - 2
    if mode not in _AXES:
        raise ValueError(f"interpolate: mode must be one of {', '.join(_AXES)}, got {mode!r}")
    if n not in (1, 2, 3) or _AXES[mode] not in (None, n):
        raise ValueError(f"interpolate: mode {mode!r} does not fit an input (N, C, *S) of shape {shape}, with {n} spatial axes")
    if align_corners is not None and _AXES[mode] is None:
        raise ValueError(f"interpolate: mode {mode!r} takes no align_corners")
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError(f"interpolate: antialias goes with 'bilinear' and 'bicubic', not with {mode!r}")


def _sizes(
    shape: tuple[int, ...], size: Any, scale_factor: Any, recompute: bool | None
) -> tuple[list[int], Sequence[float | None]]:
    """The new lengths, and the factors by which pixels lie apart, None where the lengths say it."""
    size = as_sizes(size)
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate: give either size or scale_factor")
    if size is not None:
        if recompute:
            raise ValueError("interpolate: recompute_scale_factor goes with scale_factor, not with size")
        size = [int(size)] * len(shape) if np.ndim(size) == 0 else [int(n) for n in size]
        if len(size) != len(shape):
            raise ValueError(f"interpolate: size {tuple(size)} for {len(shape)} spatial axes")
        return size, [None] * len(shape)
    if getattr(scale_factor, "requires_grad", False):
        raise TypeError("interpolate has no gradient with respect to scale_factor; write scale_factor.detach()")
    factors = [float(scale_factor)] * len(shape) if np.ndim(scale_factor) == 0 else [float(f) for f in scale_factor]
    if len(factors) != len(shape) or min(factors) <= 0:
        raise ValueError(f"interpolate: scale_factor {scale_factor} for {len(shape)} spatial axes: give positive numbers")
    lengths = [int(n * f) for n, f in zip(shape, factors, strict=True)]
    return lengths, [None] * len(shape) if recompute else factors


@follow
def upsample(
    x: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Any:
    """`interpolate` under its old name.

    Args:
        size: how long the spatial axes become; a number, or one for each.
        scale_factor: how many times as long they become, likewise; one of the two is given.
        mode, align_corners: as of `interpolate`.
    """
    return interpolate(x, size, scale_factor, mode, align_corners)


@follow
def upsample_nearest(x: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """`interpolate` with mode "nearest".

    Args:
        size: how long the spatial axes become; a number, or one for each.
        scale_factor: how many times as long they become, likewise; one of the two is given.
    """
    return interpolate(x, size, scale_factor)


@follow
def upsample_bilinear(x: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """`interpolate` with mode "bilinear" and aligned corners.

    Args:
        size: how long the two spatial axes become; a number, or one for each.
        scale_factor: how many times as long they become, likewise; one of the two is given.
    """
    return interpolate(x, size, scale_factor, "bilinear", True)
