"""Convolutions and pooling as loops: sums and maxima over the places of a window.

    out[n, o, p] = sum over c, k of x[n, c, p stride + k dilation] w[o, c, k]

is a loop over n, o, p, c and k whose operands move by constant strides, as every loop's do.  Padding is memory with a margin of
zeros, into which the array is copied.  The gradients are loops of the same kind: that with respect to w sums over n and p; that
with respect to x runs through w backwards.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, Any

from ..ops.window import Window
from .parts import copied, part
from .program import Step, Var
from .steps import Compute, Constant, Index, Load, Operand, Reduce, Store
from .views import View, strides_of

if TYPE_CHECKING:
    from .fuse import Fusion
    from .groups import Group

__all__ = ["windowed"]


def windowed(fusion: Fusion, step: Step) -> bool:
    """Place a convolution or a pooling; False where it is none that a loop can hold."""
    place = _PLACED.get(getattr(step.function, "__name__", ""))
    arrays = [a for a in step.args if type(a) is Var]
    window = next((a for a in (*step.args, *step.kwargs.values()) if isinstance(a, Window)), None)
    if place is None or window is None or not arrays or any(not prod(a.shape) for a in arrays):
        return False
    groups = [a for a in (*step.args, *step.kwargs.values()) if type(a) is int]
    if groups not in ([], [1]) or any(str(a.dtype) not in ("float32", "float64") for a in arrays[:2] if a.dtype.kind == "f"):
        return False
    if len({a.dtype for a in arrays if a.dtype.kind == "f"}) != 1:
        return False
    for a in arrays:
        fusion.store(a)
    return place(fusion, window, arrays, step.outs)


def _operand(fusion: Fusion, group: Group, x: Var, moves: list[int], offset: int = 0) -> int:
    """An operand of an array, which may be a view of another one in one piece."""
    view = fusion.views.get(x)
    base, start = (x, 0) if view is None else (view.base, view.offset)
    return group.operand(base, Operand(str(x.dtype), tuple(moves), start + offset))


def _in_one_piece(fusion: Fusion, x: Var) -> Var:
    view = fusion.views.get(x)
    if view is not None and view.strides != strides_of(x.shape):
        return copied(fusion, x)
    return x


def _margin(fusion: Fusion, x: Var, before: list[int], after: list[int], step: tuple[int, ...] | None = None) -> Var:
    """The array with zeros around it on its spatial axes, and between its elements where `step` is not 1."""
    step = step or (1,) * len(before)
    if not any(before) and not any(after) and set(step) == {1}:
        return _in_one_piece(fusion, x)
    lengths = [(n - 1) * s + 1 + b + a for n, s, b, a in zip(x.shape[2:], step, before, after, strict=True)]
    home = Var.new((*x.shape[:2], *lengths), x.dtype)
    fusion.joined.append(home)
    fusion.zeroed.append(home)
    fusion.at[home] = -1
    strides = strides_of(home.shape)
    spatial = tuple(a * s for a, s in zip(strides[2:], step, strict=True))
    start = sum(a * b for a, b in zip(strides[2:], before, strict=True))
    part(fusion, home, View(home, x.shape, (*strides[:2], *spatial), start), x, x.dtype)
    return home


def _begin(fusion: Fusion, space: tuple[int, ...], summed: int) -> Group:
    """A new loop whose last axes are summed."""
    group = fusion.begin(space)
    group.summed = tuple(range(len(space) - summed, len(space)))
    return group


def _end(fusion: Fusion, group: Group, out: Var, value: int) -> bool:
    """Note the result, which varies over the axes that are not summed."""
    group.members[out] = (value, tuple(range(len(out.shape))))
    fusion.at[out] = fusion.ready[out] = len(fusion.groups) - 1
    return True


def _product(group: Group, one: int, two: int) -> int:
    product = group.add(Compute("multiply", (group.add(Load(one)), group.add(Load(two)))))
    return group.add(Reduce("add", product, group.summed))


def _conv(fusion: Fusion, window: Window, arrays: list[Var], outs: tuple[Any, ...]) -> bool:
    x, w, *bias = arrays
    out = outs[0]
    x = _margin(fusion, x, *_pads(window, x))
    w = _in_one_piece(fusion, w)
    sx, sw, n = strides_of(x.shape), strides_of(w.shape), len(window.size)
    group = _begin(fusion, (*out.shape, w.shape[1], *window.size), 1 + n)
    steps = [s * t for s, t in zip(sx[2:], window.stride, strict=True)]
    dilated = [s * d for s, d in zip(sx[2:], window.dilation, strict=True)]
    of_x = _operand(fusion, group, x, [sx[0], 0, *steps, sx[1], *dilated])
    of_w = _operand(fusion, group, w, [0, sw[0], *[0] * n, sw[1], *sw[2:]])
    value = _product(group, of_x, of_w)
    if bias:
        moves = [0, 1, *[0] * (2 * n + 1)]
        added = group.add(Load(_operand(fusion, group, _in_one_piece(fusion, bias[0]), moves)))
        value = group.add(Compute("add", (value, added)))
    return _end(fusion, group, out, value)


def _pads(window: Window, x: Var) -> tuple[list[int], list[int]]:
    """The margin before and after each axis, as far as windows reach."""
    before, after = [], []
    for s, k, step, (b, _), d, n in zip(
        window.shape, window.size, window.stride, window.padding, window.dilation, window.out, strict=True
    ):
        before.append(b)
        after.append(max(0, (n - 1) * step - b + d * (k - 1) + 1 - s))
    return before, after


def _conv_weight(fusion: Fusion, window: Window, arrays: list[Var], outs: tuple[Any, ...]) -> bool:
    x, g = arrays
    out = outs[0]
    x, g = _margin(fusion, x, *_pads(window, x)), _in_one_piece(fusion, g)
    sx, sg, n = strides_of(x.shape), strides_of(g.shape), len(window.size)
    group = _begin(fusion, (*out.shape, g.shape[0], *window.out), 1 + n)
    steps = [s * t for s, t in zip(sx[2:], window.stride, strict=True)]
    dilated = [s * d for s, d in zip(sx[2:], window.dilation, strict=True)]
    of_x = _operand(fusion, group, x, [0, sx[1], *dilated, sx[0], *steps])
    of_g = _operand(fusion, group, g, [sg[1], 0, *[0] * n, sg[0], *sg[2:]])
    return _end(fusion, group, out, _product(group, of_g, of_x))


def _conv_input(fusion: Fusion, window: Window, arrays: list[Var], outs: tuple[Any, ...]) -> bool:
    """Each element of x gets w[o, c, k] g[n, o, (s + padding - k dilation) / stride], where that is one of g's places."""
    g, w = arrays
    out = outs[0]
    before, after, skips = [], [], []
    for s, k, step, (b, _), d, m in zip(
        window.shape, window.size, window.stride, window.padding, window.dilation, window.out, strict=True
    ):
        reach = d * (k - 1)
        before.append(max(0, reach - b))
        skips.append(max(0, b - reach))
        after.append(max(0, s - 1 + b - (m - 1) * step))
    g, w = _margin(fusion, g, before, after, window.stride), _in_one_piece(fusion, w)
    sg, sw, n = strides_of(g.shape), strides_of(w.shape), len(window.size)
    group = _begin(fusion, (*out.shape, w.shape[0], *window.size), 1 + n)
    back = [-s * d for s, d in zip(sg[2:], window.dilation, strict=True)]
    start = sum(
        s * (skip + (d * (k - 1) if not skip else d * (k - 1)))
        for s, skip, d, k in zip(sg[2:], skips, window.dilation, window.size, strict=True)
    )
    of_g = _operand(fusion, group, g, [sg[0], 0, *sg[2:], sg[1], *back], start)
    of_w = _operand(fusion, group, w, [0, sw[1], *[0] * n, sw[0], *sw[2:]])
    return _end(fusion, group, out, _product(group, of_g, of_w))


def _max_pool(fusion: Fusion, window: Window, arrays: list[Var], outs: tuple[Any, ...]) -> bool:
    """The maximum, and its place: the first, or the last NaN."""
    (x,) = arrays
    out, index = outs
    if window.reaches_out:
        return False
    x = _in_one_piece(fusion, x)
    n, lead = len(window.size), len(x.shape) - len(window.size)
    sx = strides_of(x.shape)
    group = _begin(fusion, (*out.shape, *window.size), n)
    moves = [*sx[:lead], *(s * t for s, t in zip(sx[lead:], window.stride, strict=True))]
    dilated = [s * d for s, d in zip(sx[lead:], window.dilation, strict=True)]
    value = group.add(Load(_operand(fusion, group, x, [*moves, *dilated])))
    largest = group.add(Reduce("maximum", value, group.summed))
    _end(fusion, group, out, largest)
    number = _number(group, window)
    count = prod(window.size)
    here = group.add(Compute("equal", (value, largest)))
    first = group.add(Compute("where", (here, number, group.add(Constant(count, "int64")))))
    first = group.add(Reduce("minimum", first, group.summed))
    nan = group.add(Compute("where", (group.add(Compute("isnan", (value,))), number, group.add(Constant(-1, "int64")))))
    last = group.add(Reduce("maximum", nan, group.summed))
    place = group.add(Compute("where", (group.add(Compute("isnan", (largest,))), last, first)))
    return _end(fusion, group, index, group.add(Compute(f"astype:{index.dtype}", (place,))))


def _number(group: Group, window: Window) -> int:
    """The number of a place in the window, the last axis the fastest."""
    total = None
    for axis, factor in zip(group.summed, strides_of(window.size), strict=True):
        term = group.add(Compute("multiply", (group.add(Index(axis)), group.add(Constant(factor, "int64")))))
        total = term if total is None else group.add(Compute("add", (total, term)))
    assert total is not None
    return total


def _pool_scatter(fusion: Fusion, window: Window, arrays: list[Var], outs: tuple[Any, ...]) -> bool:
    """Windows that do not overlap: each place is written once."""
    g, index = arrays
    out = outs[0]
    reaches = [d * (k - 1) + 1 for d, k in zip(window.dilation, window.size, strict=True)]
    if window.reaches_out or any(s < r for s, r in zip(window.stride, reaches, strict=True)):
        return False
    g, index = _in_one_piece(fusion, g), _in_one_piece(fusion, index)
    group = _begin(fusion, (*g.shape, *window.size), len(window.size))
    moves = [*strides_of(g.shape), *[0] * len(window.size)]
    value, place = group.add(Load(_operand(fusion, group, g, moves))), group.add(Load(_operand(fusion, group, index, moves)))
    place = group.add(Compute("astype:int64", (place,)))
    here = group.add(Compute("equal", (place, _number(group, window))))
    sent = group.add(Compute("where", (here, value, group.add(Constant(0.0, str(g.dtype))))))
    so, lead = strides_of(out.shape), len(out.shape) - len(window.size)
    steps = [s * t for s, t in zip(so[lead:], window.stride, strict=True)]
    dilated = [s * d for s, d in zip(so[lead:], window.dilation, strict=True)]
    fusion.joined.append(out)
    fusion.zeroed.append(out)
    fusion.at[out] = len(fusion.groups) - 1
    fusion.ready[out] = len(fusion.groups)
    group.code.append(Store(group.operand(out, Operand(str(out.dtype), (*so[:lead], *steps, *dilated))), sent))
    return True


_PLACED: dict[str, Callable[..., bool]] = {
    "conv": _conv, "conv_bias": _conv, "conv_weight": _conv_weight, "conv_input": _conv_input,
    "max_pool": _max_pool, "pool_scatter": _pool_scatter,
}  # fmt: skip
