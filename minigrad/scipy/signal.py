"""scipy.signal on Tensors: convolution of arrays of any number of dimensions."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..ops.fourier import fftn, ifftn, irfftn, rfftn
from ..ops.masking import conj
from ..ops.window import Window, conv
from ..primitive import composed

__all__ = ["convolve", "correlate", "fftconvolve"]


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
    """Both inputs, exchanged where "valid" needs the larger one first."""
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
    return convolve(in1, np.flip(conj(in2), tuple(range(np.ndim(in2)))), mode, method)
