"""Fourier transforms.  They are linear, and a discrete Fourier matrix is its own transpose: the rule of each
complex transform is the same transform of the gradient, cut or padded to the length of the input.
"""

from __future__ import annotations

from typing import Any

import numpy as np

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


@primitive(
    np.fft.fft, method=False, x=lambda g, x_shape, axis, norm: _resize(np.fft.fft(g, axis=axis, norm=norm), x_shape[axis], axis)
)
def fft(x: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
    """Discrete Fourier transform along an axis, of n points.

    out_k = sum_j x_j e^(-2 pi i j k / n)
    dx    = fft(g)           (cut or padded to the length of x)

    >>> fft(np.array([1.0, 0.0]))
    array([1.+0.j, 1.+0.j])
    """
    return np.fft.fft(x, n, axis, norm)


@primitive(
    np.fft.ifft, method=False, x=lambda g, x_shape, axis, norm: _resize(np.fft.ifft(g, axis=axis, norm=norm), x_shape[axis], axis)
)
def ifft(x: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
    """Inverse discrete Fourier transform along an axis.

    out_j = 1/n sum_k x_k e^(2 pi i j k / n)
    dx    = ifft(g)

    >>> ifft(np.array([2.0, 0.0]))
    array([1.+0.j, 1.+0.j])
    """
    return np.fft.ifft(x, n, axis, norm)


def _rfft_x(g: Any, x_shape: Any, n: Any, axis: int, norm: Any) -> Any:
    n = x_shape[axis] if n is None else n
    return _resize(np.real(np.fft.fft(_resize(g, n, axis), axis=axis, norm=norm)), x_shape[axis], axis)


@primitive(np.fft.rfft, method=False, x=_rfft_x)
def rfft(x: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
    """Discrete Fourier transform of real numbers: the first n // 2 + 1 coefficients.

    out_k = sum_j x_j e^(-2 pi i j k / n),  k <= n / 2
    dx    = Re fft(g, padded with zeros to n)

    >>> rfft(np.array([1.0, 2.0, 3.0]))[0].item()
    (6+0j)
    """
    return np.fft.rfft(x, n, axis, norm)


_DUAL: dict[Any, Any] = {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}


def _irfft_x(g: Any, x_shape: Any, out_shape: Any, axis: int, norm: Any) -> Any:
    n = out_shape[axis]
    terms = np.conj(np.fft.rfft(g, axis=axis, norm=_DUAL[norm]))
    # All coefficients but the first, and the last of an even n, stand for two: themselves and their conjugates.
    k = np.cumsum(np.ones_like(g, shape=(terms.shape[axis],))) - 1
    twice = 1 + (k > 0) * (2 * k != n)
    shape = [1] * g.ndim
    shape[axis] = terms.shape[axis]
    return _resize(terms * np.reshape(twice, shape), x_shape[axis], axis)


@primitive(np.fft.irfft, method=False, extras=("out_shape",), x=_irfft_x)
def irfft(x: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
    """Inverse of `rfft`: n real numbers, by default 2 (m - 1) from m coefficients.

    out_j = 1/n sum_k c_k Re(x_k e^(2 pi i j k / n)),  c_k = 1 for k = 0 and k = n/2, else 2
    dx_k  = c_k / n conj(rfft(g))_k

    >>> irfft(np.array([6.0, 0.0]))
    array([3., 3.])
    """
    out = np.fft.irfft(x, n, axis, norm)
    return out, out.shape


def _axes(x: Any, s: Any, axes: Any) -> Any:
    return (range(-len(s), 0) if s is not None else range(np.ndim(x))) if axes is None else axes


def _over_axes(transform: Any, x: Any, s: Any, axes: Any, norm: Any) -> Any:
    for i, axis in enumerate(_axes(x, s, axes)):
        x = transform(x, None if s is None else s[i], axis, norm)
    return x


@composed(np.fft.fftn, method=False)
def fftn(x: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """`fft` along several axes, by default all.

    >>> fftn(np.ones((2, 2)))[0, 0].item()
    (4+0j)
    """
    return _over_axes(fft, x, s, axes, norm)


@composed(np.fft.ifftn, method=False)
def ifftn(x: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """`ifft` along several axes, by default all.

    >>> ifftn(np.ones((2, 2)))[0, 0].item()
    (1+0j)
    """
    return _over_axes(ifft, x, s, axes, norm)


@composed(np.fft.fft2, method=False)
def fft2(x: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    """`fft` along the last two axes.

    >>> fft2(np.ones((2, 2)))[0, 0].item()
    (4+0j)
    """
    return _over_axes(fft, x, s, axes, norm)


@composed(np.fft.ifft2, method=False)
def ifft2(x: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    """`ifft` along the last two axes.

    >>> ifft2(np.ones((2, 2)))[0, 0].item()
    (1+0j)
    """
    return _over_axes(ifft, x, s, axes, norm)


@composed(np.fft.rfftn, method=False)
def rfftn(x: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """`fft` of real numbers along several axes, the last by `rfft`.

    >>> rfftn(np.ones((2, 2))).shape
    (2, 2)
    """
    *others, last = _axes(x, s, axes)
    x = rfft(x, None if s is None else s[-1], last, norm)
    return _over_axes(fft, x, None if s is None else s[:-1], others, norm)


@composed(np.fft.irfftn, method=False)
def irfftn(x: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """Inverse of `rfftn`.

    >>> irfftn(np.array([[4.0, 0.0], [0.0, 0.0]]))
    array([[1., 1.],
           [1., 1.]])
    """
    *others, last = _axes(x, s, axes)
    x = _over_axes(ifft, x, None if s is None else s[:-1], others, norm)
    return irfft(x, None if s is None else s[-1], last, norm)


@composed(np.fft.rfft2, method=False)
def rfft2(x: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    """`rfftn` along the last two axes.

    >>> rfft2(np.ones((2, 2)))[0, 0].item()
    (4+0j)
    """
    return rfftn(x, s, axes, norm)


@composed(np.fft.irfft2, method=False)
def irfft2(x: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    """`irfftn` along the last two axes.

    >>> irfft2(np.ones((2, 2)))[0, 0].item()
    1.0
    """
    return irfftn(x, s, axes, norm)


@composed(np.fft.hfft, method=False)
def hfft(x: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
    """Transform of a signal that is Hermitian-symmetric in time, so that its spectrum is real.

    >>> hfft(np.array([1.0, 0.5]))
    array([1.5, 0.5])
    """
    return irfft(np.conj(x), n, axis, _DUAL[norm])


@composed(np.fft.ihfft, method=False)
def ihfft(x: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
    """Inverse of `hfft`.

    >>> ihfft(np.array([2.0, 0.0]))
    array([1.-0.j, 1.-0.j])
    """
    return np.conj(rfft(x, n, axis, _DUAL[norm]))


def _shift(x: Any, axes: Any, sign: int) -> Any:
    axes = tuple(range(np.ndim(x))) if axes is None else (axes,) if isinstance(axes, int) else tuple(axes)
    lengths = [np.shape(x)[a] for a in axes]
    return roll(x, tuple(n // 2 if sign > 0 else -(n // 2) for n in lengths), axes)


@composed(np.fft.fftshift, method=False)
def fftshift(x: Any, axes: Any = None) -> Any:
    """Move frequency 0 to the middle.

    >>> fftshift(np.array([0.0, 1.0, 2.0]))
    array([2., 0., 1.])
    """
    return _shift(x, axes, 1)


@composed(np.fft.ifftshift, method=False)
def ifftshift(x: Any, axes: Any = None) -> Any:
    """Undo `fftshift`.

    >>> ifftshift(np.array([2.0, 0.0, 1.0]))
    array([0., 1., 2.])
    """
    return _shift(x, axes, -1)
