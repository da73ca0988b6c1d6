"""`minigrad.fft`: the functions of `numpy.fft` on Tensors."""

from __future__ import annotations

from .ops.fourier import fft, fft2, fftn, fftshift, ifft, ifft2, ifftn, ifftshift, irfft, rfft

__all__ = ["fft", "fft2", "fftn", "fftshift", "ifft", "ifft2", "ifftn", "ifftshift", "irfft", "rfft"]
