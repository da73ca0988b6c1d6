"""Resampling of images, as functions under torch.nn.functional's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import raw

__all__ = ["interpolate"]


def _weights(length: int, size: int, mode: str, align_corners: bool, scale: float | None) -> np.ndarray:
    """The matrix (length, size) that resamples one axis."""
    matrix = np.zeros((length, size))
    places = np.arange(size)
    step = length / size if scale is None else 1 / scale
    if mode == "nearest":
        matrix[np.minimum((places * step).astype(int), length - 1), places] = 1
        return matrix
    if align_corners:
        source = places * ((length - 1) / (size - 1) if size > 1 else 0.0)
    else:
        source = (places + 0.5) * step - 0.5
    if mode == "linear":
        source = np.clip(source, 0, length - 1)
        low = np.minimum(np.floor(source).astype(int), length - 1)
        part = source - low
        np.add.at(matrix, (low, places), 1 - part)
        np.add.at(matrix, (np.minimum(low + 1, length - 1), places), part)
        return matrix
    low = np.floor(source).astype(int)
    for offset in range(-1, 3):  # Keys' cubic convolution with a = -3/4
        d = np.abs(source - (low + offset))
        near = (1.25 * d - 2.25) * d * d + 1
        far = -0.75 * (((d - 5) * d + 8) * d - 4)
        np.add.at(matrix, (np.clip(low + offset, 0, length - 1), places), np.where(d <= 1, near, far))
    return matrix


def interpolate(
    x: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Any:
    """Resample the spatial axes of (N, C, *S) to a size, or by a factor.

    Args:
        mode: "nearest", "linear" (1-d), "bilinear" (2-d), "trilinear" (3-d) or "bicubic" (2-d).
        align_corners: whether the corner pixels' centres meet; by default their outer edges do.

    >>> interpolate(np.array([[[1.0, 2.0]]]), scale_factor=2)
    array([[[1., 1., 2., 2.]]])
    """
    shape = np.shape(x)[2:]
    kinds = {"nearest": "nearest", "linear": "linear", "bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}
    if mode not in kinds or {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}.get(mode, len(shape)) != len(shape):
        raise ValueError(f"interpolate: mode {mode!r} does not fit {len(shape)} spatial axes")
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate: give either size or scale_factor")
    factors: list[Any] = [None] * len(shape)
    if size is None:
        factors = [scale_factor] * len(shape) if isinstance(scale_factor, (int, float)) else list(scale_factor)
        size = [int(n * f) for n, f in zip(shape, factors, strict=True)]
    size = [size] * len(shape) if isinstance(size, int) else list(size)
    for axis, (length, target, factor) in enumerate(zip(shape, size, factors, strict=True), start=2):
        matrix = np.asarray(_weights(length, target, kinds[mode], bool(align_corners), factor), dtype=x.dtype, like=raw(x))
        x = np.moveaxis(np.moveaxis(x, axis, -1) @ matrix, -1, axis)
    return x
