"""Images sampled at places that a network chooses (spatial transformers), under torch.nn.functional's names.

A place is given by coordinates from -1 to 1: x along the last axis first, then y, then z.  Everything here is made of
differentiable ops, so image and places have derivatives of every order.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from minigrad import beside, raw, take_along_axis, where
from minigrad.devices import follow

from .interpolation import keys_far, keys_near

__all__ = ["affine_grid", "grid_sample"]

_MODES, _PADDINGS = ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection")


@follow
def affine_grid(theta: Any, size: Sequence[int], align_corners: bool | None = None) -> Any:
    """The places of an image's pixels under an affine map, for `grid_sample` (Jaderberg et al., 2015).

    out[n, i, j] = theta[n] @ (x_j, y_i, 1)^T    (x and y of pixels go from -1 to 1)

    Args:
        theta: (N, 2, 3) for images, (N, 3, 4) for volumes.
        size: of the image to be made, (N, C, H, W) or (N, C, D, H, W).
        align_corners: whether -1 and 1 are the centres of the corner pixels; by default they are their outer edges.

    Returns:
        (N, H, W, 2), or (N, D, H, W, 3).

    >>> affine_grid(np.eye(2, 3)[None], (1, 1, 1, 2))
    array([[[[-0.5,  0. ],
             [ 0.5,  0. ]]]])
    """
    spatial, n = tuple(int(s) for s in size[2:]), len(size) - 2
    if n not in (2, 3) or np.shape(theta) != (size[0], n, n + 1):
        raise ValueError(
            f"affine_grid: size (N, C, H, W) needs theta (N, 2, 3), and (N, C, D, H, W) needs (N, 3, 4); got size {tuple(size)} "
            f"and theta of shape {np.shape(theta)}"
        )
    lines = [_pixels(length, bool(align_corners)) for length in spatial]
    axes = [*np.meshgrid(*lines, indexing="ij")][::-1]  # x first
    places = np.stack([*axes, np.ones(spatial)], axis=-1).reshape(prod(spatial), n + 1)
    places = beside(places.astype(raw(theta).dtype), theta)
    return np.reshape(places @ np.swapaxes(theta, 1, 2), (size[0], *spatial, n))


def _pixels(length: int, align_corners: bool) -> np.ndarray:
    """The coordinates of the pixels along an axis."""
    if length < 2:
        return np.zeros(length)
    line = np.linspace(-1, 1, length)
    return line if align_corners else line * (length - 1) / length


@follow
def grid_sample(
    x: Any, grid: Any, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Any:
    """The values of images at places between their pixels: (N, C, H, W), (N, H', W', 2) -> (N, C, H', W'), volumes likewise.

    out = sum_{i,j} x[i, j] max(0, 1 - |v - i|) max(0, 1 - |u - j|)    (bilinear; u and v: the place in the grid, in pixels)

    Args:
        x: the images, (N, C, H, W), or volumes, (N, C, D, H, W).
        grid: the places, from -1 to 1: (N, H', W', 2), along the width first, then the height; (N, D', H', W', 3) in volumes.
        mode: "bilinear", "nearest" (without a gradient of the places) or, for images, "bicubic".
        padding_mode: what lies outside: "zeros", "border" (the nearest pixel) or "reflection".
        align_corners: whether -1 and 1 are the centres of the corner pixels; by default they are their outer edges.

    >>> grid_sample(np.array([[[[1.0, 3.0]]]]), np.array([[[[0.0, 0.0]]]]))
    array([[[[2.]]]])
    """
    shape, places, n = np.shape(x), np.shape(grid), np.ndim(x) - 2
    if n not in (2, 3) or len(places) != n + 2 or places[0] != shape[0] or places[-1] != n or 0 in shape[2:]:
        raise ValueError(
            "grid_sample: expected images (N, C, H, W) and a grid (N, H', W', 2), or volumes (N, C, D, H, W) and a grid "
            f"(N, D', H', W', 3), got {shape} and {places}"
        )
    if mode not in _MODES or (mode == "bicubic" and n == 3):
        raise ValueError(f"grid_sample: mode must be one of {', '.join(_MODES)}, the last for images only, got {mode!r}")
    if padding_mode not in _PADDINGS:
        raise ValueError(f"grid_sample: padding_mode must be one of {', '.join(_PADDINGS)}, got {padding_mode!r}")
    flat = np.reshape(x, (*shape[:2], prod(shape[2:])))
    points = np.reshape(grid, (places[0], prod(places[1:-1]), n))  # (N, P, n)
    align = bool(align_corners)
    coordinates = [_unscaled(points[..., n - 1 - a], length, align) for a, length in enumerate(shape[2:])]
    taps = [
        _taps(c, length, mode, padding_mode, align) for c, length in zip(coordinates, shape[2:], strict=True)
    ]
    out: Any = None
    for chosen in product(*taps):
        value = _gathered(flat, shape[2:], [index for index, _, _ in chosen], [inside for _, inside, _ in chosen])
        for _, _, weight in chosen:
            value = value if weight is None else value * weight[:, None]
        out = value if out is None else out + value
    return np.reshape(out, (*shape[:2], *places[1:-1]))


def _unscaled(c: Any, length: int, align_corners: bool) -> Any:
    """From -1 ... 1 to numbers of pixels."""
    return (c + 1) * ((length - 1) / 2) if align_corners else ((c + 1) * length - 1) / 2


def _taps(c: Any, length: int, mode: str, padding: str, align: bool) -> list[tuple[Any, Any, Any]]:
    """The pixels along one axis that a place is made of: (index, whether it lies inside, weight)."""
    if mode == "bicubic":  # pixels are padded, not places
        low = np.floor(raw(c))
        part = c - low
        weights = _cubic(part)
        return [(*_pixel(low + k - 1, length, padding, align), weight) for k, weight in enumerate(weights)]
    c = _moved_inside(c, length, padding, align)
    if mode == "nearest":
        return [(*_pixel(np.rint(raw(c)), length, "zeros", align), None)]
    low = np.floor(raw(c))
    part = c - low
    return [(*_pixel(low, length, "zeros", align), 1 - part), (*_pixel(low + 1, length, "zeros", align), part)]


def _cubic(t: Any, a: float = -0.75) -> list[Any]:
    """The weights of the pixels at distances 1 + t, t, 1 - t and 2 - t."""
    return [keys_far(1 + t, a), keys_near(t, a), keys_near(1 - t, a), keys_far(2 - t, a)]


def _moved_inside(c: Any, length: int, padding: str, align: bool) -> Any:
    """Places outside of the image moved to its border, or reflected there; without a gradient where they end on it."""
    if padding == "zeros":
        return c
    if padding == "reflection":
        c = _reflected(c, length, align)
    values = raw(c)
    return where((values > 0) & (values < length - 1), c, np.clip(values, 0, length - 1))


def _reflected(c: Any, length: int, align: bool) -> Any:
    """Reflected at the centres of the border's pixels, or at their outer edges."""
    low, span = (0.0, length - 1.0) if align else (-0.5, float(length))
    if span == 0:
        return c * 0.0
    distance = np.abs(c - low)
    flips = np.floor(raw(distance) / span)
    return where(flips % 2 == 0, distance - flips * span, (flips + 1) * span - distance) + low


def _pixel(place: Any, length: int, padding: str, align: bool) -> tuple[Any, Any]:
    """A pixel's index, made to fit, and whether it lies inside."""
    place = _moved_inside(place, length, padding, align)
    inside = (place >= 0) & (place <= length - 1)
    return np.where(inside, place, 0).astype(np.int64), inside


def _gathered(flat: Any, spatial: Sequence[int], index: Sequence[Any], inside: Sequence[Any]) -> Any:
    """The pixels of an image, (N, C, P); 0 outside."""
    total, seen = index[0], inside[0]
    for length, i, here in zip(spatial[1:], index[1:], inside[1:], strict=True):
        total, seen = total * length + i, seen & here
    n, channels = np.shape(flat)[:2]
    total = np.broadcast_to(total[:, None], (n, channels, total.shape[-1]))
    return where(seen[:, None], take_along_axis(flat, total, axis=2), 0.0)
