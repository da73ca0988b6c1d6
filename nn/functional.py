"""The functional forms of the layers and losses, under PyTorch's names (`axis` for `dim`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad import Tensor, primitive
from minigrad.ops.exponential import expit as sigmoid
from minigrad.ops.reduce import log_softmax, softmax
from minigrad.ops.select import relu
from minigrad.ops.shape import flatten
from minigrad.ops.trigonometric import tanh
from minigrad.ops.window import Window, conv, max_pool

from .losses import cross_entropy, mse_loss, nll_loss

__all__ = [
    "conv1d", "conv2d", "conv3d", "cross_entropy", "embedding", "flatten", "linear", "log_softmax", "max_pool1d",
    "max_pool2d", "max_pool3d", "mse_loss", "nll_loss", "one_hot", "relu", "sigmoid", "softmax", "tanh",
]  # fmt: skip


def _linear_all(g: Any, needs: Sequence[bool], x: Any, weight: Any) -> list[Any]:
    rows = np.reshape(g, (-1, g.shape[-1]))
    return [
        np.matmul(g, weight) if needs[0] else None,
        np.matmul(np.swapaxes(rows, 0, 1), np.reshape(x, (-1, x.shape[-1]))) if needs[1] else None,
        np.sum(rows, axis=0) if needs[2] else None,
    ]


@primitive(method=False, joint=_linear_all, inputs=("x", "weight", "bias"))
def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """A linear map of the last axis: x (..., in), weight (out, in), bias (out,) -> (..., out).

    out = x W^T + b
    dx  = g W
    dW  = g^T x        (over all rows)
    db  = sum of the rows of g

    >>> linear(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]), np.array([5.0]))
    array([[16.]])
    """
    rows = np.matmul(np.reshape(x, (-1, x.shape[-1])), np.swapaxes(weight, 0, 1))
    if bias is not None:
        rows += bias
    return np.reshape(rows, (*x.shape[:-1], weight.shape[0]))


def _conv(n: int) -> Callable[..., Tensor]:
    def convolve(
        x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
    ) -> Tensor:
        shape, kernel = np.shape(x), np.shape(weight)
        if len(shape) == n + 1:  # one image without a batch axis
            return convolve(x[None], weight, bias, stride, padding, dilation, groups)[0]
        if len(shape) != n + 2 or shape[1] != kernel[1] * groups:
            axes = "(N, C, {})".format(", ".join("DHW"[-n:]))
            raise ValueError(
                f"conv{n}d: expected input {axes} with C = {kernel[1] * groups} channels (weight {kernel}, groups {groups}), "
                f"got shape {shape}"
            )
        if kernel[0] % groups:
            raise ValueError(f"conv{n}d: {kernel[0]} output channels do not divide into {groups} groups")
        window = Window.over(shape[2:], kernel[2:], stride, _padding(padding, kernel[2:], stride, dilation), dilation)
        out = conv(x, weight, window, groups)
        return out if bias is None else out + np.reshape(bias, (-1, *(1,) * n))

    convolve.__name__ = f"conv{n}d"
    convolve.__doc__ = f"""{n}-d convolution (cross-correlation): x (N, C, ...), weight (O, C / groups, ...) -> (N, O, ...).

    Args:
        stride, dilation: a number, or one for each spatial axis.
        padding: likewise, or "same" (output as large as the input; stride 1) or "valid" (none).
        groups: how many groups of channels are convolved apart.
    """
    return convolve


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


def _max_pool(n: int) -> Callable[..., Tensor]:
    def pool(
        x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
    ) -> Tensor:
        shape = np.shape(x)
        if len(shape) not in (n + 1, n + 2):
            raise ValueError(f"max_pool{n}d: expected {n + 2} axes (N, C, ...) or {n + 1}, got shape {shape}")
        window = Window.over(shape[-n:], kernel_size, kernel_size if stride is None else stride, padding, dilation, ceil_mode)
        if any(2 * max(p) > k for p, k in zip(window.padding, window.size, strict=True)):
            raise ValueError(f"max_pool{n}d: padding {padding} must be at most half of the kernel size {kernel_size}")
        return max_pool(x, window)

    pool.__name__ = f"max_pool{n}d"
    pool.__doc__ = f"""{n}-d maximum over windows: x (N, C, ...) -> (N, C, ...); the stride is the kernel size by default."""
    return pool


max_pool1d, max_pool2d, max_pool3d = _max_pool(1), _max_pool(2), _max_pool(3)


def embedding(indices: Any, weight: Any) -> Tensor:
    """Rows of a table: indices (...) of integers, weight (V, D) -> (..., D).

    >>> embedding(Tensor([1, 1]), Tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[3.0, 4.0], [3.0, 4.0]]
    """
    array = indices._data if isinstance(indices, Tensor) else np.asarray(indices)
    if array.dtype.kind not in "iu":
        raise TypeError(f"embedding: indices must be integers, got {array.dtype}")
    rows = len(weight)
    if array.size and (int(array.min()) < 0 or int(array.max()) >= rows):
        raise IndexError(f"embedding: indices from {array.min()} to {array.max()}, but the table has rows 0 to {rows - 1}")
    return weight[array]


def one_hot(indices: Any, num_classes: int = -1) -> Tensor:
    """Zeros with a 1 at each index: (...) -> (..., num_classes).

    >>> one_hot(Tensor([0, 2])).tolist()
    [[1, 0, 0], [0, 0, 1]]
    """
    array = indices._data if isinstance(indices, Tensor) else np.asarray(indices)
    n = int(array.max()) + 1 if num_classes < 0 else num_classes
    classes = np.arange(n) if isinstance(array, np.ndarray) else np.arange(n, like=array)
    return Tensor((array[..., None] == classes).astype(np.int64))
