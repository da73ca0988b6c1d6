"""scipy.signal on Tensors: convolution of arrays of any number of dimensions, filters, short-time Fourier transforms."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..backend import as_operand, side_by_side
from ..ops.filtering import lfilter, sosfilt
from ..ops.fourier import fftn, ifftn, irfftn, rfftn
from ..ops.slopes import conj
from ..ops.spectral import detrend, hilbert, istft, stft
from ..ops.window import Window, conv
from ..primitive import composed

__all__ = [
    "convolve", "convolve2d", "correlate", "correlate2d", "detrend", "fftconvolve", "hilbert", "istft", "lfilter",
    "oaconvolve", "sosfilt", "stft",
]  # fmt: skip


def _cut(full: Any, shape: Any, other: Any, mode: str, axes: Any) -> Any:
    """The part of a full convolution that a mode asks for: as large as the first input, or where both overlap wholly."""
    if mode == "full":
        return full
    index = [slice(None)] * np.ndim(full)
    for axis in axes:
        n, k, total = shape[axis], other[axis], np.shape(full)[axis]
        length = n if mode == "same" else n - k + 1
        start = (total - length) // 2
        index[axis] = slice(start, start + length)
    return full[tuple(index)]


def _checked(in1: Any, in2: Any, mode: str, what: str) -> tuple[Any, Any]:
    """Both inputs as arrays, exchanged where "valid" needs the larger one first."""
    in1, in2 = map(as_operand, side_by_side(in1, in2))
    if np.ndim(in1) != np.ndim(in2):
        raise ValueError(f"{what}: the inputs must have equally many axes, got shapes {np.shape(in1)} and {np.shape(in2)}")
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"{what}: mode must be 'full', 'same' or 'valid', got {mode!r}")
    if mode == "valid" and any(n < k for n, k in zip(np.shape(in1), np.shape(in2), strict=True)):
        if any(n > k for n, k in zip(np.shape(in1), np.shape(in2), strict=True)):
            raise ValueError(f"{what}: mode 'valid' needs one input at least as long as the other along every axis")
        return in2, in1
    return in1, in2


@composed("scipy.signal.convolve", method=False)
def convolve(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """Convolution, by sums or by Fourier transforms (method "direct", "fft", or "auto" for the one that is faster).

    out_n = sum_m in1_{n-m} in2_m

    >>> convolve(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0]), method="direct")
    array([0., 1., 2., 3.])
    """
    in1, in2 = _checked(in1, in2, mode, "convolve")
    if method == "fft" or (method == "auto" and prod(np.shape(in2)) > 256):
        return fftconvolve(in1, in2, mode)
    shape, other = np.shape(in1), np.shape(in2)
    if len(shape) == 0:
        return in1 * in2
    axes = tuple(range(len(shape)))
    window = Window.over(shape, other, padding=tuple((k - 1, k - 1) for k in other))
    full = conv(np.reshape(in1, (1, 1, *shape)), np.reshape(np.flip(in2, axes), (1, 1, *other)), window)
    return _cut(full[0, 0], shape, other, mode, axes)


@composed("scipy.signal.fftconvolve", method=False)
def fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    """Convolution along axes (by default all) by Fourier transforms: out = ifft(fft(in1) fft(in2)).

    >>> fftconvolve(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0])).round(12) + 0.0
    array([0., 1., 2., 3.])
    """
    axes = tuple(range(np.ndim(in1))) if axes is None else tuple(a % np.ndim(in1) for a in np.atleast_1d(axes).tolist())
    in1, in2 = _checked(in1, in2, mode, "fftconvolve")
    shape, other = np.shape(in1), np.shape(in2)
    lengths = [shape[a] + other[a] - 1 for a in axes]
    is_complex = "c" in (in1.dtype.kind, in2.dtype.kind)
    there, back = (fftn, ifftn) if is_complex else (rfftn, irfftn)
    full = back(there(in1, lengths, axes) * there(in2, lengths, axes), lengths, axes)
    return _cut(full, shape, other, mode, axes)


@composed("scipy.signal.correlate", method=False)
def correlate(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """Cross-correlation: convolution with the conjugate of in2, turned round.

    out_n = sum_m in1_{n+m} conj(in2_m)

    >>> correlate(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0]), mode="valid")
    array([2., 3.])
    """
    in1, in2 = map(as_operand, side_by_side(in1, in2))
    return convolve(in1, np.flip(conj(in2), tuple(range(in2.ndim))), mode, method)


@composed("scipy.signal.oaconvolve", method=False)
def oaconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    """Convolution along axes by Fourier transforms; here the same as `fftconvolve`.

    >>> oaconvolve(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0])).round(12) + 0.0
    array([0., 1., 2., 3.])
    """
    return fftconvolve(in1, in2, mode, axes)


# ------------------------------------------------------------------ two axes, with a boundary


def _around(x: Any, other: Any, boundary: str, fillvalue: Any, what: str) -> Any:
    """An image with as much around it as the other one reaches over the edge."""
    width = [(k - 1, k - 1) for k in np.shape(other)]
    if boundary in ("fill", "pad"):
        if fillvalue == 0:
            return None
        return np.pad(x, width, constant_values=fillvalue)
    kinds: dict[str, Any] = {"wrap": "wrap", "circular": "wrap", "symm": "symmetric", "symmetric": "symmetric"}
    if boundary not in kinds:
        raise ValueError(f"{what}: boundary must be 'fill', 'wrap' or 'symm', got {boundary!r}")
    return np.pad(x, width, kinds[boundary])


def _two_axes(in1: Any, in2: Any, what: str) -> tuple[Any, Any]:
    in1, in2 = map(as_operand, side_by_side(in1, in2))
    if in1.ndim != 2 or in2.ndim != 2:
        raise ValueError(f"{what}: expected two arrays of two axes, got shapes {in1.shape} and {in2.shape}")
    return in1, in2


@composed("scipy.signal.convolve2d", method=False)
def convolve2d(in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0) -> Any:
    """Convolution of two images.

    Args:
        boundary: what lies around in1: "fill" for the constant `fillvalue`, "wrap" for in1 again, "symm" for its mirror image.

    >>> convolve2d(np.ones((2, 2)), np.ones((1, 2)), boundary="wrap", mode="same")
    array([[2., 2.],
           [2., 2.]])
    """
    in1, in2 = _two_axes(in1, in2, "convolve2d")
    around = _around(in1, in2, boundary, fillvalue, "convolve2d")
    if around is None or mode == "valid":
        return convolve(in1, in2, mode, "direct")
    if mode not in ("full", "same"):
        raise ValueError(f"convolve2d: mode must be 'full', 'same' or 'valid', got {mode!r}")
    full = convolve(around, in2, "valid", "direct")
    return _cut(full, in1.shape, in2.shape, mode, (0, 1))


@composed("scipy.signal.correlate2d", method=False)
def correlate2d(in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0) -> Any:
    """Cross-correlation of two images: convolution with the conjugate of in2, turned round; boundaries as of `convolve2d`.

    >>> correlate2d(np.array([[1.0, 2.0, 3.0]]), np.array([[0.0, 1.0]]), mode="valid")
    array([[2., 3.]])
    """
    in1, in2 = _two_axes(in1, in2, "correlate2d")
    turned = np.flip(conj(in2), (0, 1))
    if mode != "same":
        return convolve2d(in1, turned, mode, boundary, fillvalue)
    full = convolve2d(in1, turned, "full", boundary, fillvalue)
    rows, columns = (k // 2 for k in in2.shape)  # where k is even, the later of the two middles
    return full[rows : rows + in1.shape[0], columns : columns + in1.shape[1]]
