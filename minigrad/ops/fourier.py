"""Fourier transforms.  They are linear, and a discrete Fourier matrix is its own transpose: the rule of each
complex transform is the same transform of the gradient, cut or padded to the length of the input.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..primitive import composed, primitive
from .shape import roll

__all__ = [
    "fft", "fft2", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft", "irfft", "irfft2", "irfftn",
    "rfft", "rfft2", "rfftn",
]  # fmt: skip


def _resize(g: Any, n: int, axis: int) -> Any:
    """The first n elements along an axis, zeros where there are fewer."""
    have = g.shape[axis]
    if have == n:
        return g
    if have > n:
        return np.split(g, [n], axis=axis)[0]
    widths = [(0, 0)] * g.ndim
    widths[axis] = (0, n - have)
    return np.pad(g, widths)


def _fft_a(g: Any, a_shape: Any, axis: int, norm: Any) -> Any:
    return _resize(np.fft.fft(g, axis=axis, norm=norm), a_shape[axis], axis)


@primitive(np.fft.fft, method=False, a=_fft_a)
def fft(a: Any, n: int | None = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """Discrete Fourier transform along an axis, of n points.

    out_k = sum_j a_j e^(-2 pi i j k / n)
    da    = fft(g)           (cut or padded to the length of a)

    >>> fft(np.array([1.0, 0.0]))
    array([1.+0.j, 1.+0.j])
    """
    return np.fft.fft(a, n, axis, norm)


def _ifft_a(g: Any, a_shape: Any, axis: int, norm: Any) -> Any:
    return _resize(np.fft.ifft(g, axis=axis, norm=norm), a_shape[axis], axis)


@primitive(np.fft.ifft, method=False, a=_ifft_a)
def ifft(a: Any, n: int | None = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """Inverse discrete Fourier transform along an axis.

    out_j = 1/n sum_k a_k e^(2 pi i j k / n)
    da    = ifft(g)

    >>> ifft(np.array([2.0, 0.0]))
    array([1.+0.j, 1.+0.j])
    """
    return np.fft.ifft(a, n, axis, norm)


def _rfft_a(g: Any, a_shape: Any, n: Any, axis: int, norm: Any) -> Any:
    n = a_shape[axis] if n is None else n
    return _resize(
        np.real(np.fft.fft(_resize(g, n, axis), axis=axis, norm=norm)), a_shape[axis], axis
    )


@primitive(np.fft.rfft, method=False, a=_rfft_a)
def rfft(a: Any, n: int | None = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """Discrete Fourier transform of real numbers: the first n // 2 + 1 coefficients.

    out_k = sum_j a_j e^(-2 pi i j k / n),  k <= n / 2
    da    = Re fft(g)        (g padded with zeros to n)

    >>> rfft(np.array([1.0, 2.0, 3.0]))[0].item()
    (6+0j)
    """
    return np.fft.rfft(a, n, axis, norm)


_DUAL: dict[Any, Any] = {
    None: "forward",
    "backward": "forward",
    "forward": "backward",
    "ortho": "ortho",
}


def _irfft_a(g: Any, a_shape: Any, out_shape: Any, axis: int, norm: Any) -> Any:
    n = out_shape[axis]
    terms = np.conj(np.fft.rfft(g, axis=axis, norm=_DUAL[norm]))
    # All coefficients but the first, and the last of an even n, stand for two: themselves and their conjugates.
    k = np.cumsum(np.ones_like(g, shape=(terms.shape[axis],))) - 1
    twice = 1 + (k > 0) * (2 * k != n)
    shape = [1] * g.ndim
    shape[axis] = terms.shape[axis]
    return _resize(terms * np.reshape(twice, shape), a_shape[axis], axis)


@primitive(np.fft.irfft, method=False, extras=("out_shape",), a=_irfft_a)
def irfft(a: Any, n: int | None = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """Inverse of `rfft`: n real numbers, by default 2 (m - 1) from m coefficients.

    out_j = 1/n sum_k c_k Re(a_k e^(2 pi i j k / n)),  c_k = 1 where k = 0 or k = n/2, else 2
    da_k  = c_k / n conj(rfft(g))_k

    Args:
        n: how many numbers the result has along the axis. None: 2 (m - 1) from m.

    >>> irfft(np.array([6.0, 0.0]))
    array([3., 3.])
    """
    out = np.fft.irfft(a, n, axis, norm)
    return out, out.shape


def _steps(a: Any, s: Any, axes: Any) -> list[tuple[int, int | None]]:
    """The axes, each with its number of points; None for as many as there are."""
    if axes is None:
        axes = range(np.ndim(a)) if s is None else range(-len(s), 0)
    if s is None:
        return [(axis, None) for axis in axes]
    if len(s) != len(axes):
        raise ValueError(f"s has {len(s)} lengths for {len(axes)} axes: give one for each")
    return [(axis, None if n is None or n == -1 else n) for axis, n in zip(axes, s, strict=True)]


def _over_axes(transform: Any, a: Any, steps: Any, norm: Any) -> Any:
    for axis, n in steps:
        a = transform(a, n, axis, norm)
    return a


@composed(np.fft.fftn, method=False)
def fftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    """`fft` along several axes, by default all.

    Args:
        axes: the axes to transform. None: all, or with `s` as many of the last as it has.

    >>> fftn(np.ones((2, 2)))[0, 0].item()
    (4+0j)
    """
    return _over_axes(fft, a, _steps(a, s, axes), norm)


@composed(np.fft.ifftn, method=False)
def ifftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    """`ifft` along several axes, by default all.

    Args:
        axes: the axes to transform. None: all, or with `s` as many of the last as it has.

    >>> ifftn(np.ones((2, 2)))[0, 0].item()
    (1+0j)
    """
    return _over_axes(ifft, a, _steps(a, s, axes), norm)


@composed(np.fft.fft2, method=False)
def fft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Any:
    """`fft` along the last two axes.

    >>> fft2(np.ones((2, 2)))[0, 0].item()
    (4+0j)
    """
    return _over_axes(fft, a, _steps(a, s, axes), norm)


@composed(np.fft.ifft2, method=False)
def ifft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Any:
    """`ifft` along the last two axes.

    >>> ifft2(np.ones((2, 2)))[0, 0].item()
    (1+0j)
    """
    return _over_axes(ifft, a, _steps(a, s, axes), norm)


@composed(np.fft.rfftn, method=False)
def rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    """`fft` of real numbers along several axes, the last by `rfft`.

    Args:
        axes: the axes to transform, the last of them by `rfft`. None: all, or with `s` as many of
            the last as it has.

    >>> rfftn(np.ones((2, 2))).shape
    (2, 2)
    """
    *others, (last, n) = _steps(a, s, axes)
    return _over_axes(fft, rfft(a, n, last, norm), others, norm)


@composed(np.fft.irfftn, method=False)
def irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    """Inverse of `rfftn`.

    Args:
        s: how long the axes of the result are. None: as they are, but the last one 2 (m - 1) from
            m.
        axes: the axes to transform. None: all, or with `s` as many of the last as it has.

    >>> irfftn(np.array([[4.0, 0.0], [0.0, 0.0]]))
    array([[1., 1.],
           [1., 1.]])
    """
    *others, (last, n) = _steps(a, s, axes)
    return irfft(_over_axes(ifft, a, others, norm), n, last, norm)


@composed(np.fft.rfft2, method=False)
def rfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Any:
    """`rfftn` along the last two axes.

    >>> rfft2(np.ones((2, 2)))[0, 0].item()
    (4+0j)
    """
    return rfftn(a, s, axes, norm)


@composed(np.fft.irfft2, method=False)
def irfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Any:
    """`irfftn` along the last two axes.

    Args:
        s: how long the axes of the result are. None: as they are, but the last one 2 (m - 1) from
            m.

    >>> irfft2(np.ones((2, 2)))[0, 0].item()
    1.0
    """
    return irfftn(a, s, axes, norm)


@composed(np.fft.hfft, method=False)
def hfft(a: Any, n: int | None = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """Transform of a signal that is Hermitian-symmetric in time, so that its spectrum is real.

    Args:
        n: how many numbers the result has along the axis. None: 2 (m - 1) from m.

    >>> hfft(np.array([1.0, 0.5]))
    array([1.5, 0.5])
    """
    return irfft(np.conj(a), n, axis, _DUAL.get(norm, norm))


@composed(np.fft.ihfft, method=False)
def ihfft(a: Any, n: int | None = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """Inverse of `hfft`.

    >>> ihfft(np.array([2.0, 0.0]))
    array([1.-0.j, 1.-0.j])
    """
    return np.conj(rfft(a, n, axis, _DUAL.get(norm, norm)))


def _shift(x: Any, axes: Any, sign: int) -> Any:
    ndim = np.ndim(x)
    every = axes is None
    axes = tuple(range(ndim)) if every else normalize_axis_tuple(axes, ndim, allow_duplicate=True)
    lengths = [np.shape(x)[a] for a in axes]
    return roll(x, tuple(n // 2 if sign > 0 else -(n // 2) for n in lengths), axes)


@composed(np.fft.fftshift, method=False)
def fftshift(x: Any, axes: Any = None) -> Any:
    """Move frequency 0 to the middle.

    Args:
        axes: along which axes. None: all.

    >>> fftshift(np.array([0.0, 1.0, 2.0]))
    array([2., 0., 1.])
    """
    return _shift(x, axes, 1)


@composed(np.fft.ifftshift, method=False)
def ifftshift(x: Any, axes: Any = None) -> Any:
    """Undo `fftshift`.

    Args:
        axes: along which axes. None: all.

    >>> ifftshift(np.array([2.0, 0.0, 1.0]))
    array([0., 1., 2.])
    """
    return _shift(x, axes, -1)
