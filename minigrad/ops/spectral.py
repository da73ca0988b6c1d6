"""scipy.signal: short-time Fourier transforms and their inverse, the analytic signal, and trends."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import graph
from ..backend import as_operand, beside, is_array, scipy_function
from ..primitive import composed
from ..tensor import raw
from .fourier import fft, ifft, irfft, rfft

__all__ = ["detrend", "hilbert", "istft", "stft"]


def _window(window: Any, nperseg: int | None, n: int, like: Any) -> tuple[Any, int]:
    """The weights of a window, in main memory, and its length."""
    if isinstance(window, (str, tuple)):
        length = 256 if nperseg is None else int(nperseg)
        length = min(length, n)
        name = window.removesuffix("_periodic") if isinstance(window, str) else window
        made = scipy_function("signal", "get_window")(name, length)
    else:
        made = raw(window) if is_array(raw(window)) else np.asarray(window)
        length = made.shape[0]
        if made.ndim != 1 or (nperseg is not None and nperseg != length) or length > n:
            raise ValueError(f"a window of shape {made.shape} does not fit segments of {nperseg} and a signal of {n}")
    return made.astype(_real_dtype(like)), length


def _real_dtype(x: Any) -> Any:
    """The dtype of the real and imaginary parts."""
    return np.zeros(0, raw(x).dtype).real.dtype


def _scale(window: Any, fs: float, scaling: str) -> Any:
    if scaling == "spectrum":
        return 1.0 / window.sum()
    if scaling == "psd":
        return np.sqrt(1.0 / (fs * (window**2).sum()))
    raise ValueError(f"scaling must be 'spectrum' or 'psd', got {scaling!r}")


_EXTENSIONS: dict[str, Any] = {"even": "reflect", "constant": "edge", "zeros": "constant"}


def _extended(x: Any, by: int, boundary: str | None) -> Any:
    """The signal continued at both ends."""
    if boundary is None:
        return x
    width = [(0, 0)] * (x.ndim - 1) + [(by, by)]
    if boundary == "odd":
        return np.pad(x, width, "reflect", reflect_type="odd")
    if boundary not in _EXTENSIONS:
        raise ValueError(f"stft: boundary must be 'even', 'odd', 'constant', 'zeros' or None, got {boundary!r}")
    return np.pad(x, width, _EXTENSIONS[boundary])


@composed("scipy.signal.stft", method=False)
def stft(
    x: Any, fs: float = 1.0, window: Any = "hann_periodic", nperseg: int | None = 256, noverlap: int | None = None,
    nfft: int | None = None, detrend: Any = False, return_onesided: bool = True, boundary: str | None = "zeros",
    padded: bool = True, axis: int = -1, scaling: str = "spectrum",
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Short-time Fourier transform: (frequencies, times, transform), the spectra of windows that overlap.

    The axis of the signal becomes one of frequencies, and the last axis of the result is that of times.

    Args:
        fs: how many samples there are in a unit of time.
        window: a name of `scipy.signal.get_window`, or weights; of `nperseg` samples, with `noverlap` in common (half of them).
        nfft: the length of the transforms, if they are padded.
        detrend: not supported, an error where given.
        return_onesided: only frequencies from 0 on, of a real signal.
        boundary, padded: how the signal is continued, so that the first sample is in the middle of a window.
        scaling: "spectrum": abs(z) is the height of a wave e^(i w t); "psd": abs(z)^2 is power per frequency.

    Raises:
        NotImplementedError: a `detrend` is given.

    >>> f, t, z = stft(np.ones(8), nperseg=4)
    >>> z.shape, abs(z[0]).round(6)
    ((3, 5), array([0.75, 1.  , 1.  , 1.  , 0.25]))
    """
    if detrend is not False:
        raise NotImplementedError("stft: detrend is not supported; take the trend away first (minigrad.scipy.signal.detrend)")
    x = np.moveaxis(as_operand(x), axis, -1)
    weights, length = _window(window, nperseg, x.shape[-1], x)
    overlap = length // 2 if noverlap is None else noverlap
    step = length - overlap
    size = length if nfft is None else nfft
    if not 0 <= overlap < length or size < length:
        raise ValueError(f"stft: expected noverlap < nperseg <= nfft, got {overlap}, {length} and {size}")
    x = _extended(x, length // 2, boundary)
    if padded:
        short = -(x.shape[-1] - length) % step % length
        x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, short)])
    count = (x.shape[-1] - overlap) // step
    index = np.arange(length) + step * np.arange(count)[:, None]
    pieces = x[..., beside(index, x)] * beside(weights, x)
    onesided = return_onesided and raw(x).dtype.kind != "c"
    z = (rfft if onesided else fft)(pieces, size) * _scale(weights, fs, scaling)
    z = np.moveaxis(np.swapaxes(z, -1, -2), -2, axis if axis >= 0 else axis - 1)
    frequencies = (np.fft.rfftfreq if onesided else np.fft.fftfreq)(size, 1 / fs)
    times = (length / 2 + step * np.arange(count)) / fs - (length / 2 / fs if boundary is not None else 0.0)
    return frequencies, times, z


def _overlapped(pieces: Any, step: int) -> Any:
    """The sum of pieces (..., count, length) that begin `step` samples after each other."""
    count, length = pieces.shape[-2:]
    blocks = -(-length // step)
    width = [(0, 0)] * (pieces.ndim - 1)
    pieces = np.pad(pieces, [*width, (0, blocks * step - length)])
    parts = np.reshape(pieces, (*pieces.shape[:-1], blocks, step))
    out: Any = 0.0
    for k in range(blocks):
        out = out + np.pad(parts[..., k, :], [*width[:-1], (k, blocks - 1 - k), (0, 0)])
    whole = np.reshape(out, (*out.shape[:-2], (count + blocks - 1) * step))
    return whole[..., : (count - 1) * step + length]


@composed("scipy.signal.istft", method=False)
def istft(
    Zxx: Any, fs: float = 1.0, window: Any = "hann_periodic", nperseg: int | None = None, noverlap: int | None = None,
    nfft: int | None = None, input_onesided: bool = True, boundary: bool = True, time_axis: int = -1,
    freq_axis: int = -2, scaling: str = "spectrum",
) -> tuple[Any, Any]:  # fmt: skip
    """The signal of a short-time Fourier transform: (times, signal), by overlapping and adding.

    The arguments are those that `stft` was called with; `boundary` says whether the signal was continued.

    Args:
        Zxx: the transform.
        window, nperseg, noverlap, nfft, fs, scaling: as for `stft`.
        input_onesided: whether there are frequencies from 0 on alone.
        boundary: whether the signal was continued at both ends.
        time_axis, freq_axis: which axes are those of times and of frequencies.

    >>> x = np.array([1.0, 2.0, 0.0, 3.0, 1.0, 1.0, 0.0, 2.0])
    >>> istft(stft(x, nperseg=4)[2], nperseg=4)[1].round(6) + 0.0
    array([1., 2., 0., 3., 1., 1., 0., 2.])
    """
    z = as_operand(Zxx)
    z = np.moveaxis(z, (freq_axis, time_axis), (-1, -2))
    whole = 2 * (z.shape[-1] - 1) if input_onesided else z.shape[-1]
    length = whole if nperseg is None else int(nperseg)
    size = nfft if nfft is not None else (whole + 1 if input_onesided and length == whole + 1 else whole)
    weights, length = _window(window, length, length, z)
    overlap = length // 2 if noverlap is None else noverlap
    step = length - overlap
    if not 0 <= overlap < length or size < length:
        raise ValueError(f"istft: expected noverlap < nperseg <= nfft, got {overlap}, {length} and {size}")
    pieces = (irfft if input_onesided else ifft)(z, size)[..., :length]
    scaled = weights / _scale(weights, fs, scaling)
    x = _overlapped(pieces * beside(scaled, z), step)
    norm = _overlapped(np.broadcast_to(weights**2, (z.shape[-2], length)), step)
    if boundary:
        x, norm = x[..., length // 2 : -(length // 2)], norm[..., length // 2 : -(length // 2)]
    if (norm <= 1e-10).any():
        graph.warn("istft: some samples are in no window, the signal cannot be found again there", UserWarning)
    x = x / beside(np.where(norm > 1e-10, norm, 1.0), z)
    before = sum(1 for a in (freq_axis % z.ndim, time_axis % z.ndim) if a < time_axis % z.ndim)
    x = np.moveaxis(x, -1, time_axis % z.ndim - before)
    return np.arange(x.shape[time_axis % z.ndim - before]) / fs, x


@composed("scipy.signal.hilbert", method=False)
def hilbert(x: Any, N: int | None = None, axis: int = -1) -> Any:
    """The analytic signal x + i H(x), H the Hilbert transform: the spectrum without its negative frequencies, twice.

    Args:
        N: how many points to transform: the signal is padded with zeros, or cut. None: its length.

    >>> hilbert(np.array([1.0, 0.0, -1.0, 0.0])).round(6) + 0.0
    array([ 1.+0.j,  0.+1.j, -1.+0.j,  0.-1.j])
    """
    x = as_operand(x)
    if raw(x).dtype.kind == "c":
        raise ValueError("hilbert: x must be real")
    n = x.shape[axis] if N is None else N
    if n <= 0:
        raise ValueError(f"hilbert: N must be positive, got {n}")
    factor = np.zeros(n)
    factor[0] = 1.0
    factor[1 : (n + 1) // 2] = 2.0
    if n % 2 == 0:
        factor[n // 2] = 1.0
    shape = [1] * x.ndim
    shape[axis] = n
    factor = beside(factor.reshape(shape).astype(raw(x).dtype if raw(x).dtype.kind == "f" else np.float64), x)
    return ifft(fft(x, n, axis) * factor, n, axis)


@composed("scipy.signal.detrend", method=False)
def detrend(data: Any, axis: int = -1, type: str = "linear", bp: Any = 0, overwrite_data: bool = False) -> Any:  # noqa: A002
    """A signal less its mean (type "constant"), or less the straight line that fits it best ("linear").

    Args:
        data: the signal.
        bp: not supported, an error where given.
        overwrite_data: SciPy's permission to write into the input; it is never written.

    Raises:
        NotImplementedError: breaks `bp` are given.

    >>> detrend(np.array([1.0, 2.0, 4.0]), type="constant").round(6)
    array([-1.333333, -0.333333,  1.666667])
    """
    if np.any(np.asarray(bp) != 0):
        raise NotImplementedError("detrend: breaks bp are not supported; detrend the parts and concatenate them")
    if type not in ("linear", "l", "constant", "c"):
        raise ValueError(f"detrend: type must be 'linear' or 'constant', got {type!r}")
    x = np.moveaxis(as_operand(data), axis, -1)
    if raw(x).dtype.kind not in "fc":
        x = x.astype(np.float64)
    out = x - np.mean(x, axis=-1, keepdims=True)
    if type in ("linear", "l"):
        n = x.shape[-1]
        line = (np.arange(n) - (n - 1) / 2).astype(_real_dtype(x))
        line = beside(line / max(np.sqrt((line**2).sum()), 1e-300), x)
        out = out - np.sum(x * line, axis=-1, keepdims=True) * line
    return np.moveaxis(out, -1, axis)
