"""Convolution and its transpose, as functions under torch.nn.functional's names; the modules are in `nn.layers.convolution`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from minigrad import Tensor, primitive
from minigrad.devices import follow
from minigrad.kernels import accelerated, is_cupy
from minigrad.ops.window import Window, conv, conv_input, conv_weight

__all__ = [
    "conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
]  # fmt: skip


def _bias_rule(g: Any) -> Any:
    return np.sum(g, axis=(0, *range(2, g.ndim)))


def _with_bias(out: Any, bias: Any) -> Any:
    """A number added to each channel of an array that nobody else has seen yet: in place, where the dtype stays."""
    bias = np.reshape(bias, (-1, *(1,) * (out.ndim - 2)))
    if (type(out) is np.ndarray or is_cupy(out)) and out.dtype == np.result_type(out, bias):
        out += bias
        return out
    return out + bias


@primitive(
    method=False,
    x=lambda g, weight, window, groups: conv_input(g, weight, window, groups),
    weight=lambda g, x, window, groups: conv_weight(x, g, window, groups),
    bias=_bias_rule,
)
@accelerated("conv_bias", whole=True)
def conv_bias(x: Any, weight: Any, bias: Any, window: Window, groups: int) -> Any:
    """Convolution, and a number added to each channel: x (N, C, *S), weight (O, C / groups, *size), bias (O,).

    out     = conv(x, weight) + bias
    dx      = conv_input(g, weight)
    dweight = conv_weight(x, g)
    dbias   = the sum of g over all but the channels

    >>> conv_bias(np.ones((1, 1, 3)), np.ones((1, 1, 2)), np.array([0.5]), Window.over((3,), 2), 1)
    array([[[2.5, 2.5]]])
    """
    return _with_bias(conv(x, weight, window, groups), bias)


@primitive(
    method=False,
    x=lambda g, weight, window, groups: conv(g, weight, window, groups),
    weight=lambda g, x, window, groups: conv_weight(g, x, window, groups),
    bias=_bias_rule,
)
def conv_transpose_bias(x: Any, weight: Any, bias: Any, window: Window, groups: int) -> Any:
    """Transposed convolution, and a number added to each channel: x (N, C, *out), weight (C, O / groups, *size), bias (O,).

    out     = conv_input(x, weight) + bias
    dx      = conv(g, weight)
    dweight = conv_weight(g, x)
    dbias   = the sum of g over all but the channels

    >>> conv_transpose_bias(np.ones((1, 1, 2)), np.ones((1, 1, 2)), np.array([0.5]), Window.over((3,), 2), 1)
    array([[[1.5, 2.5, 1.5]]])
    """
    return _with_bias(conv_input(x, weight, window, groups), bias)


def _conv(n: int) -> Callable[..., Tensor]:
    @follow
    def convolve(
        x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
    ) -> Tensor:
        shape, kernel = np.shape(x), np.shape(weight)
        if len(shape) == n + 1:  # one image without a batch axis
            return convolve(x[None], weight, bias, stride, padding, dilation, groups)[0]
        if len(shape) != n + 2 or shape[1] != kernel[1] * groups:
            axes = "(N, C, {})".format(", ".join("DHW"[-n:]))
            moved = len(shape) == n + 2 and shape[-1] == kernel[1] * groups
            raise ValueError(
                f"conv{n}d: expected input {axes} with C = {kernel[1] * groups} channels (weight {kernel}, groups {groups}), "
                f"got shape {shape}{'; channels come first: write np.moveaxis(x, -1, 1)' if moved else ''}"
            )
        _check_bias(f"conv{n}d", bias, kernel[0])
        if kernel[0] % groups:
            raise ValueError(f"conv{n}d: {kernel[0]} output channels do not divide into {groups} groups")
        window = Window.over(shape[2:], kernel[2:], stride, _padding(padding, kernel[2:], stride, dilation), dilation)
        if bias is None:
            return conv(x, weight, window, groups)
        return conv_bias(x, weight, bias, window, groups)

    convolve.__name__ = f"conv{n}d"
    convolve.__doc__ = f"""{n}-d convolution (cross-correlation): x (N, C, ...), weight (O, C / groups, ...) -> (N, O, ...).

    out[n, o, p] = bias[o] + sum_{{c,k}} weight[o, c, k] x[n, c, q],  q = p stride + k dilation - padding

    Args:
        x: the input, or (C, ...) for a single sample.
        weight: the kernels.
        bias: (O,), a number added to each channel of the result, or None.
        stride: how far the window moves; a number, or one for each spatial axis.
        padding: how many zeros are added at both ends, likewise; "same": the output is as large as the input (stride 1);
            "valid": none.
        dilation: the distance between the elements of the window, likewise.
        groups: how many groups of channels are convolved apart.
    """
    return convolve


def _check_bias(name: str, bias: Any, channels: int) -> None:
    if bias is not None and np.shape(bias) != (channels,):
        raise ValueError(f"{name}: bias has shape {np.shape(bias)}, expected ({channels},), one for each output channel")


def _padding(padding: Any, size: Sequence[int], stride: Any, dilation: Any) -> Any:
    """The words "same" and "valid" as numbers."""
    if padding == "valid":
        return 0
    if padding == "same":
        if np.any(np.asarray(stride) != 1):
            raise ValueError(f"padding='same' needs stride 1, got {stride}")
        totals = [d * (k - 1) for d, k in zip(np.broadcast_to(dilation, len(size)), size, strict=True)]
        return [(int(t) // 2, int(t) - int(t) // 2) for t in totals]
    return padding


conv1d, conv2d, conv3d = _conv(1), _conv(2), _conv(3)


@follow
def conv_tbc(x: Any, weight: Any, bias: Any, pad: int = 0) -> Any:
    """1-d convolution of sequences, (T, B, C), weight (size, C, O), bias (O,) -> (T', B, O).

    out[t, b, o] = sum_{k,c} weight[k, c, o] x[t + k - pad, b, c] + bias[o]

    Args:
        weight: the kernels; the result is T' = T + 2 pad - size + 1 steps long.
        bias: a number added to each channel of the result, or None.
        pad: how many zeros are added at both ends of the sequences.

    >>> conv_tbc(np.ones((3, 1, 1)), np.ones((2, 1, 1)), np.zeros(1)).reshape(2)
    array([2., 2.])
    """
    if np.ndim(x) != 3 or np.ndim(weight) != 3:
        raise ValueError(f"conv_tbc: expected (T, B, C) and (size, C, O), got {np.shape(x)} and {np.shape(weight)}")
    out = conv1d(np.transpose(x, (1, 2, 0)), np.transpose(weight, (2, 1, 0)), bias, padding=pad)
    return np.transpose(out, (2, 0, 1))


def pad_each(padding: Any, size: Sequence[int], stride: Any, dilation: Any) -> list[tuple[int, int]]:
    """The padding before and after each axis, whichever way it was given."""
    padding = _padding(padding, size, stride, dilation)
    each = [padding] * len(size) if isinstance(padding, int) else list(padding)
    return [(p, p) if isinstance(p, int) else tuple(p) for p in each]


def output_padding_for(shape: Any, output_size: Any, size: Any, stride: Any, padding: Any, dilation: Any) -> list[int]:
    """The output_padding with which a transposed convolution gives an output of this size."""
    n = len(size)
    steps, pads, gaps = (np.broadcast_to(v, n).tolist() for v in (stride, padding, dilation))
    least = [(m - 1) * s - 2 * p + d * (k - 1) + 1 for m, s, p, d, k in zip(shape[-n:], steps, pads, gaps, size, strict=True)]
    extra = [int(want) - low for want, low in zip(tuple(output_size)[-n:], least, strict=True)]
    if any(not 0 <= e < s for e, s in zip(extra, steps, strict=True)):
        most = [low + step - 1 for low, step in zip(least, steps, strict=True)]
        raise ValueError(f"output_size {tuple(output_size)[-n:]} cannot be reached: it can be from {least} to {most}")
    return extra


def _conv_transpose(n: int) -> Callable[..., Tensor]:
    @follow
    def transposed(
        x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0, groups: int = 1,
        dilation: Any = 1,
    ) -> Tensor:  # fmt: skip
        shape, kernel = np.shape(x), np.shape(weight)
        if len(shape) == n + 1:
            return transposed(x[None], weight, bias, stride, padding, output_padding, groups, dilation)[0]
        if len(shape) != n + 2 or shape[1] != kernel[0]:
            raise ValueError(f"conv_transpose{n}d: expected (N, C = {kernel[0]}, ...) with {n} spatial axes, got shape {shape}")
        _check_bias(f"conv_transpose{n}d", bias, kernel[1] * groups)
        steps, pads, extras, gaps = (np.broadcast_to(v, n).tolist() for v in (stride, padding, output_padding, dilation))
        if any(e >= max(s, d) for e, s, d in zip(extras, steps, gaps, strict=True)):
            raise ValueError(f"conv_transpose{n}d: output_padding {output_padding} must be smaller than the stride or dilation")
        space = [
            (length - 1) * s - 2 * p + d * (k - 1) + e + 1
            for length, s, p, d, k, e in zip(shape[2:], steps, pads, gaps, kernel[2:], extras, strict=True)
        ]
        window = Window.over(space, kernel[2:], steps, pads, gaps)
        window = replace(window, out=shape[2:])  # the output_padding may have room for windows more
        if bias is None:
            return conv_input(x, weight, window, groups)
        return conv_transpose_bias(x, weight, bias, window, groups)

    transposed.__name__ = f"conv_transpose{n}d"
    transposed.__doc__ = f"""{n}-d transposed convolution: x (N, C, ...), weight (C, O / groups, ...) -> (N, O, ...).

    out[n, o, q] += sum_c weight[c, o, k] x[n, c, p],  q = p stride + k dilation - padding    (from bias[o] on)

    It is the input gradient of `conv{n}d`, and enlarges by the stride.  Several input lengths give one output length there;
    `output_padding` says which of them is meant.

    Args:
        x: the input, or (C, ...) for a single sample.
        weight: the kernels, those of `conv{n}d` with C and O exchanged.
        bias: (O,), a number added to each channel of the result, or None.
        stride: how far apart the windows lie in the result; a number, or one for each spatial axis.
        padding: how many elements are cut off at both ends of the result, likewise.
        output_padding: by how many elements the result is longer at its end, likewise; less than the stride or the dilation.
        groups: how many groups of channels are convolved apart.
        dilation: the distance between the elements of the window, likewise.
    """
    return transposed


conv_transpose1d, conv_transpose2d, conv_transpose3d = map(_conv_transpose, (1, 2, 3))
