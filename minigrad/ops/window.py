"""Sliding windows: convolution in any number of dimensions, and pooling.

Arrays are (N, C, *S): batch, channels, then the spatial axes.  The families here are closed under
differentiation, so they have derivatives of every order without a further rule:

- `unfold` (windows as columns) and `fold` (columns added back) are each other's transpose;
- `conv`, `conv_input` and `conv_weight` are three views of one trilinear form
  sum_{n,o,p,c,k} g[n,o,p] w[o,c,k] x[n,c,p*stride+k*dilation]: the gradient of each with respect to an
  argument is another one.  `conv_input` is also the transposed convolution;
- `pool_gather` and `pool_scatter` move values between a window and its maximum.

What is faster than this in special cases is in `minigrad.kernels`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ..arrays.folding import folds
from ..kernels import accelerated
from ..primitive import primitive

__all__ = [
    "Window", "conv", "conv_input", "conv_weight", "fold", "max_pool", "pool_gather", "pool_scatter", "sum_pool",
    "sum_unpool", "unfold",
]  # fmt: skip


@dataclass(frozen=True)
class Window:
    """Where windows lie on the spatial axes.

    Attributes:
        shape: the lengths of the spatial axes of the input.
        size, stride, dilation: of the windows, for each axis.
        padding: zeros (or -inf, for a maximum) before and after, for each axis.
        out: how many windows there are along each axis.
    """

    shape: tuple[int, ...]
    size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    out: tuple[int, ...]

    def __post_init__(self) -> None:
        _check_settings(self.size, self.stride, self.dilation, self.padding)  # of windows not made by `over`

    @classmethod
    def over(
        cls,
        shape: Sequence[int],
        size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[Any] = 0,
        dilation: int | Sequence[int] = 1,
        ceil_mode: bool = False,
    ) -> Window:
        """The windows over axes of these lengths; a number stands for all axes.

        Args:
            padding: a number, one for each axis, or a pair (before, after) for each axis.
            ceil_mode: also a last window that reaches over the border.

        >>> Window.over((5, 5), 3, stride=2, padding=1).out
        (3, 3)
        """
        shape, n = tuple(shape), len(shape)
        size, stride, dilation = (_each(v, n, name) for v, name in ((size, "size"), (stride, "stride"), (dilation, "dilation")))
        pads = tuple((p, p) if isinstance(p, (int, np.integer)) else tuple(p) for p in _each(padding, n, "padding"))
        _check_settings(size, stride, dilation, pads)
        out = []
        for s, k, step, (before, after), d in zip(shape, size, stride, pads, dilation, strict=True):
            room = s + before + after - d * (k - 1) - 1
            count = (-(-room // step) if ceil_mode else room // step) + 1
            if ceil_mode and (count - 1) * step >= s + before:  # it must start inside
                count -= 1
            if count < 1 or room < 0 and not ceil_mode:
                raise ValueError(
                    f"a window of {size} with dilation {dilation} does not fit into spatial axes {shape} with padding {pads}"
                )
            out.append(count)
        return cls(shape, size, stride, pads, dilation, tuple(out))

    @property
    def reaches_out(self) -> bool:
        """Whether a window lies partly outside of the input: in the padding, or, with ceil_mode, behind it."""
        axes = zip(self.shape, self.size, self.stride, self.padding, self.dilation, self.out, strict=True)
        return any(before > 0 or (n - 1) * step - before + d * (k - 1) >= s for s, k, step, (before, _), d, n in axes)

    def offsets(self) -> Iterator[tuple[int, tuple[int, ...], tuple[Any, ...], tuple[Any, ...]]]:
        """For each place in the window: its number, its index, and the slices of input and output that meet there."""
        for number, place in enumerate(product(*map(range, self.size))):
            inside, outside = [], []
            for k, s, step, (before, _), d, n in zip(
                place, self.shape, self.stride, self.padding, self.dilation, self.out, strict=True
            ):
                start = k * d - before
                first = max(0, -(start // step))
                last = min(n, (s - 1 - start) // step + 1)
                if last <= first:
                    break
                inside.append(slice(start + step * first, start + step * (last - 1) + 1, step))
                outside.append(slice(first, last))
            else:
                yield number, place, (..., *inside), (..., *outside)


def _check_settings(size: Any, stride: Any, dilation: Any, pads: Any) -> None:
    """Raise a ValueError for windows that lie nowhere, or before the first place."""
    if min(size) < 1 or min(stride) < 1 or min(dilation) < 1 or min(map(min, pads)) < 0:
        raise ValueError(
            f"windows need size, stride, dilation >= 1 and padding >= 0, got {size}, {stride}, {dilation}, {pads}"
        )


def _each(value: Any, n: int, name: str) -> tuple[Any, ...]:
    """A number for each axis."""
    if isinstance(value, (int, np.integer)):
        return (int(value),) * n
    if len(value) == 1:  # one setting stands for all axes, as in PyTorch
        value = (value[0],) * n
    if len(value) != n:
        raise ValueError(f"{name} must be a number or {n} of them, got {value}")
    return tuple(map(_of_axis, value))


def _of_axis(value: Any) -> Any:
    """A number for an axis, or a pair of them."""
    if isinstance(value, tuple):
        return value
    return int(value) if np.ndim(value) == 0 else tuple(value)


# ------------------------------------------------------------------------------------- columns


@primitive(method=False, x=lambda g, window: fold(g, window))
@accelerated("unfold", whole=True)
def unfold(x: Any, window: Window) -> Any:
    """All windows as columns, (N, C, *S) -> (N, C, *size, *out), zeros in the padding ("im2col").

    out[..., k, p] = x[..., p stride + k dilation - padding]
    dx = fold(g)

    >>> unfold(np.arange(4.0).reshape(1, 1, 4), Window.over((4,), 2))[0, 0]
    array([[0., 1., 2.],
           [1., 2., 3.]])
    """
    columns = empty_columns(x, x.shape[: x.ndim - len(window.shape)], window)
    fill(columns, x, window)
    return columns


def empty_columns(x: Any, lead: tuple[int, ...], window: Window) -> Any:
    """Memory for columns, with zeros in it where no number of x will stand."""
    allocate = np.zeros_like if window.reaches_out else np.empty_like
    return allocate(x, shape=(*lead, *window.size, *window.out))


def fill(columns: Any, x: Any, window: Window) -> None:
    """Write the windows of x into columns, all but the padding."""
    head: Any = (slice(None),) * (x.ndim - len(window.shape))
    for _, place, inside, outside in window.offsets():
        columns[(*head, *place, *outside[1:])] = x[inside]


@primitive(method=False, columns=lambda g, window: unfold(g, window))
@accelerated("fold", whole=True)
def fold(columns: Any, window: Window) -> Any:
    """Columns added back to where the windows were, (N, C, *size, *out) -> (N, C, *S) ("col2im").

    out[..., p stride + k dilation - padding] += columns[..., k, p]
    dcolumns = unfold(g)

    >>> fold(np.ones((1, 1, 2, 3)), Window.over((4,), 2))[0, 0]
    array([1., 2., 2., 1.])
    """
    lead = columns.shape[: columns.ndim - 2 * len(window.shape)]
    out = np.zeros_like(columns, shape=(*lead, *window.shape))
    head: Any = (slice(None),) * len(lead)
    for _, place, inside, outside in window.offsets():
        out[inside] += columns[(*head, *place, *outside[1:])]
    return out


# --------------------------------------------------------------------------------- convolution


def check_shapes(window: Window, groups: int, x: Any = None, w: Any = None, g: Any = None) -> None:
    """Two of x (N, C, *S), w (O, C / groups, *size) and g (N, O, *out) belong to one convolution.

    Raises:
        ValueError: they do not.
    """
    fits = (
        (x is None or x.shape[2:] == window.shape)
        and (w is None or w.shape[2:] == window.size)
        and (g is None or g.shape[2:] == window.out)
    )
    if fits and g is None:
        fits = x.shape[1] == groups * w.shape[1] and w.shape[0] % groups == 0
    elif fits and x is None:
        fits = g.shape[1] == w.shape[0] and w.shape[0] % groups == 0
    elif fits:
        fits = x.shape[0] == g.shape[0] and x.shape[1] % groups == 0 and g.shape[1] % groups == 0
    if not fits:
        given = ", ".join(f"{n} {a.shape}" for n, a in (("x", x), ("w", w), ("g", g)) if a is not None)
        raise ValueError(f"{given}: these do not belong to one convolution of {groups} groups with {window}")


@primitive(
    method=False,
    x=lambda g, w, window, groups: conv_input(g, w, window, groups),
    w=lambda g, x, window, groups: conv_weight(x, g, window, groups),
)
@folds("x")
@accelerated("conv", whole=True)
def conv(x: Any, w: Any, window: Window, groups: int = 1) -> Any:
    """Convolution, as networks mean it (cross-correlation).

    x (N, C, *S), w (O, C / groups, *size) -> (N, O, *out)

    out[n,o,p] = sum_{c,k} w[o,c,k] x[n,c, p stride + k dilation - padding]
    dx = conv_input(g, w)
    dw = conv_weight(x, g)

    >>> conv(np.arange(4.0).reshape(1, 1, 4), np.array([[[1.0, -1.0]]]), Window.over((4,), 2))
    array([[[-1., -1., -1.]]])
    """
    check_shapes(window, groups, x=x, w=w)
    kernel = np.reshape(w, (groups, len(w) // groups, prod(w.shape[1:])))
    columns = np.reshape(unfold(x, window), (len(x), groups, kernel.shape[2], prod(window.out)))
    return np.reshape(np.matmul(kernel, columns), (len(x), len(w), *window.out))


@primitive(
    method=False,
    g=lambda gg, w, window, groups: conv(gg, w, window, groups),
    w=lambda gg, g, window, groups: conv_weight(gg, g, window, groups),
)
@folds("g")
@accelerated("conv_input", whole=True)
def conv_input(g: Any, w: Any, window: Window, groups: int = 1) -> Any:
    """The transpose of `conv` in x: its input gradient, and the transposed convolution.

    g (N, O, *out), w (O, C / groups, *size) -> (N, C, *S)

    out[n,c, p stride + k dilation - padding] += sum_o w[o,c,k] g[n,o,p]
    dg = conv(gradient, w)
    dw = conv_weight(gradient, g)

    >>> conv_input(np.ones((1, 1, 3)), np.array([[[1.0, -1.0]]]), Window.over((4,), 2))
    array([[[ 1.,  0.,  0., -1.]]])
    """
    check_shapes(window, groups, g=g, w=w)
    kernel = np.reshape(w, (groups, len(w) // groups, prod(w.shape[1:])))
    rows = np.reshape(g, (len(g), groups, len(w) // groups, prod(window.out)))
    columns = np.matmul(np.swapaxes(kernel, 1, 2), rows)  # (N, G, C/G*K, P)
    return fold(np.reshape(columns, (len(g), groups * w.shape[1], *window.size, *window.out)), window)


@primitive(
    method=False,
    x=lambda gw, g, window, groups: conv_input(g, gw, window, groups),
    g=lambda gw, x, window, groups: conv(x, gw, window, groups),
)
@accelerated("conv_weight", whole=True)
def conv_weight(x: Any, g: Any, window: Window, groups: int = 1) -> Any:
    """The transpose of `conv` in w: its weight gradient.

    x (N, C, *S), g (N, O, *out) -> (O, C / groups, *size)

    out[o,c,k] = sum_{n,p} g[n,o,p] x[n,c, p stride + k dilation - padding]
    dx = conv_input(g, gradient)
    dg = conv(x, gradient)

    >>> conv_weight(np.ones((1, 1, 4)), np.ones((1, 1, 3)), Window.over((4,), 2))
    array([[[3., 3.]]])
    """
    check_shapes(window, groups, x=x, g=g)
    n, positions, inputs, outputs = len(x), prod(window.out), x.shape[1] // groups, g.shape[1] // groups
    columns = np.reshape(unfold(x, window), (n, groups, inputs * prod(window.size), positions))
    rows = np.reshape(g, (n, groups, outputs, positions))
    total = np.sum(np.matmul(rows, np.swapaxes(columns, 2, 3)), axis=0)  # (G, O/G, C/G*K)
    return np.reshape(total, (groups * outputs, inputs, *window.size))


# ------------------------------------------------------------------------------------- pooling


@primitive(method=False, extras=("index",), masks=True, x=lambda g, index, window: pool_scatter(g, index, window))
@folds("x")
@accelerated("max_pool", whole=True)
def max_pool(x: Any, window: Window) -> Any:
    """The maximum of each window, (N, C, *S) -> (N, C, *out).

    out[p] = max_k x[p stride + k dilation - padding]
    dx     = g at the first maximum of each window, never in the padding

    A NaN is the maximum of its window; of several ones the last gets the gradient, as in PyTorch.

    >>> max_pool(np.array([[[1.0, 3.0, 2.0, 0.0]]]), Window.over((4,), 2, stride=2))
    array([[[3., 2.]]])
    """
    lowest = _lowest(x.dtype)
    shape = (*x.shape[: x.ndim - len(window.shape)], *window.out)
    out = np.full_like(x, lowest, shape=shape)
    index = np.zeros_like(x, shape=shape, dtype=np.min_scalar_type(prod(window.size)))
    index += np.asarray(first_inside(window), dtype=index.dtype, like=index)
    for number, _, inside, outside in window.offsets():
        candidate, best = x[inside], out[outside]
        larger = (candidate > best) | np.isnan(candidate)
        index[outside] = np.where(larger, number, index[outside])
        out[outside] = np.maximum(candidate, best)
    return out, index


def _lowest(dtype: Any) -> Any:
    """What no number of a dtype is below."""
    if dtype.kind == "f":
        return -np.inf
    if dtype.kind in "iu":
        return np.iinfo(dtype).min
    if dtype.kind == "b":
        return False
    raise TypeError(f"max_pool: numbers of {dtype} have no order; take np.abs(x) or np.real(x)")


@lru_cache(maxsize=256)
def first_inside(window: Window) -> Any:
    """The number of the first place of each window that is not in the padding, with the shape `window.out`."""
    numbers = np.zeros((), np.intp)
    for s, k, step, (before, _), d, n in zip(
        window.shape, window.size, window.stride, window.padding, window.dilation, window.out, strict=True
    ):
        start = np.arange(n) * step - before
        place = -(np.minimum(start, 0) // d)  # rounded up
        numbers = numbers[..., None] * k + np.where((place < k) & (start + place * d < s), place, 0)
    return numbers


@primitive(method=False, g=lambda gg, index, window: pool_gather(gg, index, window))
@folds("g", "index")
@accelerated("pool_scatter", whole=True)
def pool_scatter(g: Any, index: Any, window: Window) -> Any:
    """Each g added at place `index` of its window: the transpose of `pool_gather`.

    out[p stride + index[p] dilation - padding] += g[p]
    dg = pool_gather(gradient, index)

    >>> pool_scatter(np.ones((1, 1, 2)), np.array([[[1, 0]]]), Window.over((4,), 2, stride=2))
    array([[[0., 1., 1., 0.]]])
    """
    out = np.zeros_like(g, shape=(*g.shape[: g.ndim - len(window.shape)], *window.shape))
    for number, _, inside, outside in window.offsets():
        out[inside] += np.where(index[outside] == number, g[outside], 0)  # a product would spread NaN
    return out


@primitive(method=False, masks=True, x=lambda g, index, window: pool_scatter(g, index, window))
@folds("x", "index")
@accelerated("pool_gather", whole=True)
def pool_gather(x: Any, index: Any, window: Window) -> Any:
    """From each window the value at place `index`.

    out[p] = x[p stride + index[p] dilation - padding]
    dx     = pool_scatter(g, index)

    >>> pool_gather(np.arange(4.0).reshape(1, 1, 4), np.array([[[1, 0]]]), Window.over((4,), 2, stride=2))
    array([[[1., 2.]]])
    """
    out = np.zeros_like(x, shape=(*x.shape[: x.ndim - len(window.shape)], *window.out))
    for number, _, inside, outside in window.offsets():
        out[outside] += np.where(index[outside] == number, x[inside], 0)
    return out


@primitive(method=False, x=lambda g, window: sum_unpool(g, window))
@folds("x")
@accelerated("sum_pool", whole=True)
def sum_pool(x: Any, window: Window) -> Any:
    """The sum of each window, (N, C, *S) -> (N, C, *out).

    out[p] = sum_k x[p stride + k dilation - padding]
    dx     = sum_unpool(g)

    >>> sum_pool(np.array([[[1.0, 3.0, 2.0, 0.0]]]), Window.over((4,), 2, stride=2))
    array([[[4., 2.]]])
    """
    out = np.zeros_like(x, shape=(*x.shape[: x.ndim - len(window.shape)], *window.out))
    for _, _, inside, outside in window.offsets():
        out[outside] += x[inside]
    return out


@primitive(method=False, g=lambda gg, window: sum_pool(gg, window))
@folds("g")
@accelerated("sum_unpool", whole=True)
def sum_unpool(g: Any, window: Window) -> Any:
    """Each g added to all places of its window: the transpose of `sum_pool`.

    out[p stride + k dilation - padding] += g[p]  (for all k)
    dg = sum_pool(gradient)

    >>> sum_unpool(np.array([[[1.0, 2.0]]]), Window.over((4,), 2, stride=2))
    array([[[1., 1., 2., 2.]]])
    """
    out = np.zeros_like(g, shape=(*g.shape[: g.ndim - len(window.shape)], *window.shape))
    for _, _, inside, outside in window.offsets():
        out[inside] += g[outside]
    return out
