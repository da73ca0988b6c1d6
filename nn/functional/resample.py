"""Padding and rearranging of images, as functions under torch.nn.functional's names."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from minigrad.devices import follow
from minigrad.ops import window
from minigrad.ops.window import Window

__all__ = ["channel_shuffle", "fold", "native_channel_shuffle", "pad", "pixel_shuffle", "pixel_unshuffle", "unfold"]

_MODES: dict[str, Any] = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@follow
def pad(x: Any, pad: Sequence[int], mode: str = "constant", value: float = 0.0) -> Any:
    """Pad the last axes: `pad` is (before, after) of the last axis, then of the one before it, and so on.

    Args:
        pad: how many elements are added.  A negative number cuts off, as in PyTorch: after "reflect" and "replicate" have padded,
            but before "constant" and "circular" do.
        mode: "constant", "reflect", "replicate" or "circular".
        value: what is added in mode "constant".

    >>> pad(np.array([1.0, 2.0]), (1, 2), value=9.0)
    array([9., 1., 2., 9., 9.])
    """
    if mode not in _MODES:
        raise ValueError(f"pad: mode must be one of {', '.join(_MODES)}, got {mode!r}")
    ndim = np.ndim(x)
    if len(pad) % 2 or len(pad) > 2 * ndim:
        raise ValueError(f"pad: {tuple(pad)} gives no pair for each of the last axes of shape {np.shape(x)}")
    widths = [(0, 0)] * ndim
    for i in range(len(pad) // 2):
        widths[ndim - 1 - i] = (int(pad[2 * i]), int(pad[2 * i + 1]))
    first = mode in ("constant", "circular")
    x = _cropped(x, widths) if first else x
    _check_reach(mode, widths, np.shape(x))
    grown = [(max(a, 0), max(b, 0)) for a, b in widths]
    options = {"constant_values": value} if mode == "constant" else {}
    x = np.pad(x, grown, mode=_MODES[mode], **options)
    return x if first else _cropped(x, widths)


def _check_reach(mode: str, widths: Sequence[tuple[int, int]], shape: tuple[int, ...]) -> None:
    """A reflection reaches as far as the other end of the axis, a circle comes round once."""
    if mode == "constant":
        return
    for pair, length in zip(widths, shape, strict=True):
        most = {"reflect": length - 1, "circular": length}.get(mode, max(pair) if length else 0)
        if max(pair) > most and max(pair) > 0:
            raise ValueError(f"pad: mode {mode!r} pads an axis of length {length} by {most} at most, got {pair} (shape {shape})")


def _cropped(x: Any, widths: Sequence[tuple[int, int]]) -> Any:
    """x without as much at the ends of its axes as negative widths say."""
    if all(min(pair) >= 0 for pair in widths):
        return x
    cuts = [(max(-a, 0), max(-b, 0)) for a, b in widths]
    if any(a + b > n for (a, b), n in zip(cuts, np.shape(x), strict=True)):
        raise ValueError(f"pad: negative widths {tuple(widths)} cut off more than there is, shape {np.shape(x)}")
    return x[tuple(slice(a, n - b) for (a, b), n in zip(cuts, np.shape(x), strict=True))]


@follow
def channel_shuffle(x: Any, groups: int) -> Any:
    """The channels of (N, C, ...) dealt out: the first of each group, then the second of each ... (Zhang et al., 2018).

    out[n, i groups + j] = x[n, j C / groups + i]

    Args:
        groups: into how many groups of neighbours the channels are divided; it divides C.

    >>> channel_shuffle(np.arange(4.0).reshape(1, 4, 1), 2).reshape(4)
    array([0., 2., 1., 3.])
    """
    n, channels, *rest = shape = np.shape(x)
    if len(shape) < 3 or groups < 1 or channels % groups:
        raise ValueError(f"channel_shuffle: expected (N, C, ...) with channels that divide into {groups} groups, got {shape}")
    return np.reshape(np.swapaxes(np.reshape(x, (n, groups, channels // groups, *rest)), 1, 2), shape)


native_channel_shuffle = channel_shuffle


@follow
def pixel_shuffle(x: Any, upscale_factor: int) -> Any:
    """Channels spread over space, (*, C r^2, H, W) -> (*, C, H r, W r) (Shi et al., 2016).

    out[c, h r + i, w r + j] = x[c r^2 + i r + j, h, w]

    Args:
        upscale_factor: r.
    """
    r, (*lead, channels, height, width) = upscale_factor, np.shape(x)
    if r < 1 or channels % r**2:
        raise ValueError(f"pixel_shuffle: {channels} channels do not divide by {r}^2")
    n = len(lead)
    x = np.reshape(x, (*lead, channels // r**2, r, r, height, width))
    x = np.transpose(x, (*range(n), n, n + 3, n + 1, n + 4, n + 2))
    return np.reshape(x, (*lead, channels // r**2, height * r, width * r))


@follow
def pixel_unshuffle(x: Any, downscale_factor: int) -> Any:
    """Undo `pixel_shuffle`, (*, C, H r, W r) -> (*, C r^2, H, W).

    out[c r^2 + i r + j, h, w] = x[c, h r + i, w r + j]

    Args:
        downscale_factor: r; it divides height and width.
    """
    r, (*lead, channels, height, width) = downscale_factor, np.shape(x)
    if r < 1 or height % r or width % r:
        raise ValueError(f"pixel_unshuffle: height {height} and width {width} do not divide by {r}")
    n = len(lead)
    x = np.reshape(x, (*lead, channels, height // r, r, width // r, r))
    x = np.transpose(x, (*range(n), n, n + 2, n + 4, n + 1, n + 3))
    return np.reshape(x, (*lead, channels * r**2, height // r, width // r))


@follow
def unfold(x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """The windows of images as columns, (N, C, H, W) -> (N, C kh kw, L).

    out[n, (c, k), p] = x[n, c, p stride + k dilation - padding]
    dx = fold(g)

    Args:
        x: images, (N, C, H, W), or one, (C, H, W).
        kernel_size: (kh, kw), how large the window is; this and the others are a number, or one for each of the two axes.
        dilation: the distance between the elements of the window.
        padding: how many zeros are added at both ends.
        stride: how far the window moves; L is how many places it has.
    """
    if len(np.shape(x)) not in (3, 4):
        raise ValueError(f"unfold: expected images (N, C, H, W) or (C, H, W), got shape {np.shape(x)}")
    places = Window.over(np.shape(x)[-2:], kernel_size, stride, padding, dilation)
    if len(np.shape(x)) == 3:  # one image without a batch axis
        return unfold(x[None], kernel_size, dilation, padding, stride)[0]
    n, channels = np.shape(x)[:2]
    return np.reshape(window.unfold(x, places), (n, channels * prod(places.size), prod(places.out)))


@follow
def fold(x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Columns added back to images, (N, C kh kw, L) -> (N, C, *output_size).

    out[n, c, p stride + k dilation - padding] += x[n, (c, k), p]
    dx = unfold(g)

    Args:
        x: columns as of `unfold`, (N, C kh kw, L), or (C kh kw, L) of one image.
        output_size: height and width of the images; this and the others are a number, or one for each of the two axes.
        kernel_size, dilation, padding, stride: of the windows whose columns these are, as of `unfold`.
    """
    output_size = (output_size,) * 2 if isinstance(output_size, int) else tuple(output_size)
    places = Window.over(output_size, kernel_size, stride, padding, dilation)
    if len(np.shape(x)) == 2:  # one image without a batch axis
        return fold(x[None], output_size, kernel_size, dilation, padding, stride)[0]
    if len(np.shape(x)) != 3:
        raise ValueError(f"fold: expected columns (N, C kh kw, L) or (C kh kw, L), got shape {np.shape(x)}")
    n, rows, columns = np.shape(x)
    if rows % prod(places.size) or columns != prod(places.out):
        wanted = f"(N, C * {prod(places.size)}, {prod(places.out)})"
        raise ValueError(f"fold: expected {wanted} for output {output_size}, got shape {(n, rows, columns)}")
    return window.fold(np.reshape(x, (n, rows // prod(places.size), *places.size, *places.out)), places)
