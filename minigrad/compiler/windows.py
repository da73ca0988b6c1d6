"""Convolutions and pooling as loops: sums and maxima over the places of a window.

    out[n, o, p] = sum over c, k of x[n, c, p stride + k dilation] w[o, c, k]

is a loop over n, o, p, c and k whose operands move by constant strides, as every loop's do.  Padding is memory with a margin of
zeros, into which the array is copied.  The gradients are loops of the same kind: that with respect to w sums over n and p.

What is sent back to x needs more thought.  Place s of x is met by the places p and k with p stride + k dilation = s + padding.
With a stride of 2 every second s is met by every second k, so that there are two loops, for the even and the odd places
(`_phases`); each is a convolution of stride 1, with the window backwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import gcd, inf, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ops.window import Window, first_inside
from .parts import copied, part
from .program import Step, Var
from .steps import Compute, Constant, Load, Operand, Reduce, Store
from .views import View, strides_of

if TYPE_CHECKING:
    from .fuse import Fusion
    from .groups import Group

__all__ = ["windowed"]


def windowed(fusion: Fusion, step: Step) -> bool:
    """Place a convolution or a pooling; False where it is none that a loop can hold."""
    place = _PLACED.get(getattr(step.function, "__name__", ""))
    given = (*step.args, *step.kwargs.values())
    arrays = [a for a in given if type(a) is Var]
    window = next((a for a in given if isinstance(a, Window)), None)
    if place is None or window is None or not all(prod(a.shape) for a in (*arrays, *step.outs) if a is not None):
        return False
    if place in _POOLING and not _fits(window, arrays, window.out if place is _sent_back else window.shape):
        return False
    dtypes = {str(a.dtype) for a in (arrays[:1] if place in _POOLING else arrays)}  # the second one of pooling is an index
    if len(dtypes) != 1 or dtypes - {"float32", "float64"}:
        return False
    groups = next((a for a in given if type(a) is int), 1)
    for a in arrays:
        fusion.store(a)
    return place(fusion, window, arrays, step.outs, groups)


def _fits(window: Window, arrays: list[Var], seen: tuple[int, ...]) -> bool:
    """Whether an array has the lengths that a window sees, and an index those of its places; NumPy's slices take others too."""
    lead = arrays[0].shape[: -len(seen)]
    return arrays[0].shape == (*lead, *seen) and all(
        a.shape == (*lead, *window.out) and a.dtype.kind in "iu" for a in arrays[1:]
    )


def _operand(fusion: Fusion, group: Group, x: Var, moves: Sequence[int], offset: int = 0) -> int:
    """An operand of an array, which may be a view of another one in one piece."""
    view = fusion.views.get(x)
    base, start = (x, 0) if view is None else (view.base, view.offset)
    return group.operand(base, Operand(str(x.dtype), tuple(moves), start + offset))


def _in_one_piece(fusion: Fusion, x: Var) -> Var:
    view = fusion.views.get(x)
    if view is not None and view.strides != strides_of(x.shape):
        return copied(fusion, x)
    return x


def _margin(fusion: Fusion, x: Var, before: Sequence[int], after: Sequence[int], value: float = 0.0) -> Var:
    """The array with a margin on its last axes, of zeros or of another value."""
    if not any(before) and not any(after):
        return _in_one_piece(fusion, x)
    lead = len(x.shape) - len(before)
    lengths = [n + b + a for n, b, a in zip(x.shape[lead:], before, after, strict=True)]
    home = Var.new((*x.shape[:lead], *lengths), x.dtype)
    fusion.joined.append(home)
    fusion.at[home] = -1
    if value:
        fusion.constants[home] = np.full(home.shape, value, home.dtype)
    else:
        fusion.zeroed.append(home)
    strides = strides_of(home.shape)
    start = sum(s * b for s, b in zip(strides[lead:], before, strict=True))
    part(fusion, home, View(home, x.shape, strides, start), x, x.dtype)
    return home


def _begin(fusion: Fusion, space: tuple[int, ...], summed: int) -> Group:
    """A new loop whose last axes are summed; what it reads is in memory, in one piece, by now."""
    group = fusion.begin(space)
    group.summed = tuple(range(len(space) - summed, len(space)))
    return group


def _end(fusion: Fusion, group: Group, out: Var, value: int, dims: Sequence[int] | None = None) -> bool:
    """Note the result; its axes are the first ones of the loop, or these."""
    group.members[out] = (value, tuple(range(len(out.shape)) if dims is None else dims))
    fusion.at[out] = fusion.ready[out] = len(fusion.groups) - 1
    return True


def _home(fusion: Fusion, out: Var, zeroed: bool) -> Var:
    """Memory of its own for a result that several loops write, or one in another order."""
    fusion.joined.append(out)
    if zeroed:
        fusion.zeroed.append(out)
    return out


def _put(fusion: Fusion, group: Group, out: Var, value: int, moves: Sequence[int], offset: int = 0) -> bool:
    """Store a value where it belongs in a result."""
    group.code.append(Store(group.operand(out, Operand(str(out.dtype), tuple(moves), offset)), value))
    fusion.at[out], fusion.ready[out] = len(fusion.groups) - 1, len(fusion.groups)
    return True


def _product(group: Group, one: int, two: int) -> int:
    product = group.add(Compute("multiply", (group.add(Load(one)), group.add(Load(two)))))
    return group.add(Reduce("add", product, group.summed))


def _times(strides: Sequence[int], factors: Sequence[int]) -> list[int]:
    return [s * f for s, f in zip(strides, factors, strict=True)]


def _conv(fusion: Fusion, window: Window, arrays: list[Var], outs: tuple[Any, ...], groups: int) -> bool:
    """The loop's axes: n, groups, outputs of a group, p, channels of a group, k."""
    x, w, *bias = arrays
    out, inside, outside = outs[0], w.shape[1], w.shape[0] // groups
    if any(b.shape != w.shape[:1] for b in bias):  # which NumPy may broadcast
        return False
    x, w = _margin(fusion, x, *_pads(window)), _in_one_piece(fusion, w)
    bias = [_in_one_piece(fusion, b) for b in bias]
    sx, sw, so, n = strides_of(x.shape), strides_of(w.shape), strides_of(out.shape), len(window.size)
    group = _begin(fusion, (out.shape[0], groups, outside, *window.out, inside, *window.size), 1 + n)
    steps, dilated = _times(sx[2:], window.stride), _times(sx[2:], window.dilation)
    of_x = _operand(fusion, group, x, [sx[0], sx[1] * inside, 0, *steps, sx[1], *dilated])
    of_w = _operand(fusion, group, w, [0, sw[0] * outside, sw[0], *[0] * n, sw[1], *sw[2:]])
    value = _product(group, of_x, of_w)
    if bias:
        moves = [0, outside, 1, *[0] * (2 * n + 1)]
        value = group.add(Compute("add", (value, group.add(Load(_operand(fusion, group, bias[0], moves))))))
    if groups == 1:
        return _end(fusion, group, out, value, [0, *range(2, 3 + n)])
    moves = [so[0], so[1] * outside, so[1], *so[2:], *[0] * (1 + n)]
    return _put(fusion, group, _home(fusion, out, False), value, moves)


def _pads(window: Window) -> tuple[list[int], list[int]]:
    """The margin before and after each axis, as far as windows reach."""
    before, after = [], []
    for s, k, step, (b, _), d, n in _axes(window):
        before.append(b)
        after.append(max(0, (n - 1) * step - b + d * (k - 1) + 1 - s))
    return before, after


def _axes(window: Window) -> Iterator[Any]:
    """Of each axis its length, and the window's size, stride, padding, dilation and number of places."""
    return zip(window.shape, window.size, window.stride, window.padding, window.dilation, window.out, strict=True)


def _conv_weight(fusion: Fusion, window: Window, arrays: list[Var], outs: tuple[Any, ...], groups: int) -> bool:
    """The loop's axes: blocks of images, groups, outputs of a group, channels of a group, k, images of a block, p."""
    x, g = arrays
    out, inside, outside = outs[0], outs[0].shape[1], outs[0].shape[0] // groups
    x, g = _margin(fusion, x, *_pads(window)), _in_one_piece(fusion, g)
    sx, sg, so, n = strides_of(x.shape), strides_of(g.shape), strides_of(out.shape), len(window.size)
    blocks = _blocks(x, g, out)
    images = x.shape[0] // blocks
    group = _begin(fusion, (blocks, groups, outside, inside, *window.size, images, *window.out), 1 + n)
    steps, dilated = _times(sx[2:], window.stride), _times(sx[2:], window.dilation)
    of_x = _operand(fusion, group, x, [sx[0] * images, sx[1] * inside, 0, sx[1], *dilated, sx[0], *steps])
    of_g = _operand(fusion, group, g, [sg[0] * images, sg[1] * outside, sg[1], 0, *[0] * n, sg[0], *sg[2:]])
    value = _product(group, of_g, of_x)
    if blocks == groups == 1:
        return _end(fusion, group, out, value, range(2, 4 + n))
    parts = out if blocks == 1 else Var.new((blocks, *out.shape), out.dtype)
    size = prod(out.shape)
    _put(fusion, group, _home(fusion, parts, False), value, [size, so[0] * outside, *so, *[0] * (1 + n)])
    if blocks > 1:
        group = _begin(fusion, (*out.shape, blocks), 1)
        value = group.add(Load(group.operand(parts, Operand(str(out.dtype), (*so, size)))))
        _end(fusion, group, out, group.add(Reduce("add", value, group.summed)))
    return True


#: What a block of images and their cotangents may take, so that they stay in the second-level cache; and all their sums.
BLOCK, SUMS = 1 << 19, 1 << 22


def _blocks(x: Var, g: Var, out: Var) -> int:
    """In how many blocks images are taken for the gradient of the weights, each of which has sums of its own."""
    size, images = x.dtype.itemsize, x.shape[0]
    for blocks in range(1, images + 1):
        if images % blocks == 0 and size * (prod(x.shape) + prod(g.shape)) <= BLOCK * blocks:
            break
    return blocks if size * prod(out.shape) * blocks <= SUMS else 1


def _conv_input(fusion: Fusion, window: Window, arrays: list[Var], outs: tuple[Any, ...], groups: int) -> bool:
    """Each element of x gets w[o, c, k] g[n, o, p], where p stride + k dilation is its place; axes: n, groups, c, s, o, k."""
    g, w = arrays
    out, inside, outside = outs[0], w.shape[1], w.shape[0] // groups
    before, after, phases = _phases(window)
    g, w = _margin(fusion, g, before, after), _turned(fusion, w, groups)
    sg, sw, so, n = strides_of(g.shape), strides_of(w.shape), strides_of(out.shape), len(window.size)
    alone = groups == 1 and set(window.stride) == {1}
    if not alone:
        _home(fusion, out, _leaves_out(window))
    for phase in phases:
        group = _begin(fusion, (g.shape[0], groups, inside, *(a.places for a in phase), outside, *(a.taps for a in phase)), 1 + n)
        ahead = [s * a.back for s, a in zip(sg[2:], phase, strict=True)]
        start = sum(s * (b + a.start - a.back * (a.taps - 1)) for s, b, a in zip(sg[2:], before, phase, strict=True))
        of_g = _operand(fusion, group, g, [sg[0], sg[1] * outside, 0, *sg[2:], sg[1], *ahead], start)
        taps = [s * a.step for s, a in zip(sw[3:], phase, strict=True)]
        first = sum(s * (k - 1 - a.last) for s, k, a in zip(sw[3:], window.size, phase, strict=True))
        of_w = _operand(fusion, group, w, [0, sw[0], sw[1], *[0] * n, sw[2], *taps], first)
        value = _product(group, of_g, of_w)
        if alone:
            return _end(fusion, group, out, value, [0, *range(2, 3 + n)])
        moves = [so[0], so[1] * inside, so[1], *_times(so[2:], window.stride), *[0] * (1 + n)]
        _put(fusion, group, out, value, moves, sum(s * a.first for s, a in zip(so[2:], phase, strict=True)))
    return True


def _turned(fusion: Fusion, w: Var, groups: int) -> Var:
    """Weights (groups, channels, outputs, k), with k backwards: they are read then as those of the convolution itself are."""
    outside, inside, *size = w.shape[0] // groups, *w.shape[1:]
    w, home = _in_one_piece(fusion, w), Var.new((groups, inside, outside, *size), w.dtype)
    fusion.joined.append(home)
    there, here = strides_of(home.shape), strides_of(w.shape)
    group = _begin(fusion, (groups, outside, *w.shape[1:]), 0)
    value = group.add(Load(_operand(fusion, group, w, [here[0] * outside, *here])))
    last = sum(s * (k - 1) for s, k in zip(there[3:], size, strict=True))
    _put(fusion, group, home, value, [there[0], there[2], there[1], *(-s for s in there[3:])], last)
    return home


@dataclass(frozen=True)
class _Phase:
    """Every stride-th place of an axis of x, which are met by every step-th tap of the window.

    Attributes:
        first, places: the first of these places, and how many there are.
        tap, step, taps: the first of these taps, the distance of two, and how many there are.
        start, back: what meets the first place at the first tap, and how far back it is at the next tap.
    """

    first: int
    places: int
    tap: int
    step: int
    taps: int
    start: int
    back: int

    @property
    def last(self) -> int:
        """The last tap."""
        return self.tap + self.step * (self.taps - 1)


def _phases(window: Window) -> tuple[list[int], list[int], list[tuple[_Phase, ...]]]:
    """The margins that a cotangent needs before and after each axis, and the phases of all axes, each with each."""
    before, after, own = [], [], []
    for length, size, stride, (pad, _), dilation, count in _axes(window):
        found = []
        step = stride // gcd(stride, dilation)
        for r in range(stride):
            tap = next((k for k in range(min(size, step)) if k * dilation % stride == r), None)
            low = -(-(pad - r) // stride)
            places = (length - 1 + pad - r) // stride - low + 1
            if tap is not None and places > 0:
                start = low + (r - tap * dilation) // stride
                found.append(
                    _Phase(
                        low * stride + r - pad, places, tap, step, -(-(size - tap) // step), start, step * dilation // stride
                    )
                )
        before.append(max(0, *(a.back * (a.taps - 1) - a.start for a in found), 0))
        after.append(max(0, *(a.start + a.places - count for a in found), 0))
        own.append(found)
    return before, after, list(product(*own))


def _leaves_out(window: Window) -> bool:
    """Whether no window meets some places of x."""
    _, _, phases = _phases(window)
    return sum(prod(a.places for a in phase) for phase in phases) < prod(window.shape)


def _unfold(fusion: Fusion, window: Window, arrays: list[Var], outs: tuple[Any, ...], groups: int) -> bool:
    x, n = _margin(fusion, arrays[0], *_pads(window)), len(window.size)
    sx, lead = strides_of(x.shape), len(x.shape) - n
    group = _begin(fusion, outs[0].shape, 0)
    moves = [*sx[:lead], *_times(sx[lead:], window.dilation), *_times(sx[lead:], window.stride)]
    return _end(fusion, group, outs[0], group.add(Load(_operand(fusion, group, x, moves))))


#: What is done at each place of a window is written out, for windows of at most so many places.
MOST = 64


def _seen(fusion: Fusion, window: Window, x: Var, value: float = 0.0) -> tuple[Group, list[int]]:
    """A loop over the windows of x, and what x holds at each of their places; behind its border is a value."""
    x, n = _margin(fusion, x, *_pads(window), value), len(window.size)
    sx, lead = strides_of(x.shape), len(x.shape) - n
    group = _begin(fusion, (*x.shape[:lead], *window.out), 0)
    moves = [*sx[:lead], *_times(sx[lead:], window.stride)]
    dilated = _times(sx[lead:], window.dilation)
    places = product(*map(range, window.size))
    return group, [group.add(Load(_operand(fusion, group, x, moves, sum(_times(dilated, k))))) for k in places]


def _sum(group: Group, values: Sequence[int]) -> int:
    total = values[0]
    for v in values[1:]:
        total = group.add(Compute("add", (total, v)))
    return total


def _sum_pool(fusion: Fusion, window: Window, arrays: list[Var], outs: tuple[Any, ...], groups: int) -> bool:
    if prod(window.size) > MOST:
        return False
    group, values = _seen(fusion, window, arrays[0])
    return _end(fusion, group, outs[0], _sum(group, values))


def _max_pool(fusion: Fusion, window: Window, arrays: list[Var], outs: tuple[Any, ...], groups: int) -> bool:
    """The maximum, and its place: the first, or the last NaN; as in the NumPy code."""
    out, index = outs
    if prod(window.size) > MOST:
        return False
    group, values = _seen(fusion, window, arrays[0], -inf)
    best = group.add(Constant(-inf, str(out.dtype)))
    place = _first_place(fusion, group, window)
    for number, value in enumerate(values):
        above = group.add(Compute("greater", (value, best)))
        larger = group.add(Compute("logical_or", (above, group.add(Compute("isnan", (value,))))))
        place = group.add(Compute("where", (larger, group.add(Constant(number, "int32")), place)))
        best = group.add(Compute("maximum", (value, best)))
    _end(fusion, group, out, best)
    return _end(fusion, group, index, group.add(Compute(f"astype:{index.dtype}", (place,))))


def _first_place(fusion: Fusion, group: Group, window: Window) -> int:
    """The number of the first place of a window that is not behind the border."""
    if not window.reaches_out:
        return group.add(Constant(0, "int32"))
    numbers = np.array(np.broadcast_to(first_inside(window), window.out), np.int32)
    home = Var.new(numbers.shape, numbers.dtype)
    fusion.constants[home] = numbers
    lead = len(group.space) - len(window.out)
    return group.add(Load(group.operand(home, Operand("int32", (*[0] * lead, *strides_of(numbers.shape))))))


def _chosen(group: Group, values: Sequence[int], numbers: Sequence[int], places: Sequence[int]) -> int:
    """The sum of those values whose number is their place."""
    zero = group.add(Constant(0.0, group.operands[0].dtype))
    found = []
    for value, number, place in zip(values, numbers, places, strict=True):
        place = group.add(Compute("astype:int32", (place,)))
        here = group.add(Compute("equal", (place, group.add(Constant(number, "int32")))))
        found.append(group.add(Compute("where", (here, value, zero))))
    return _sum(group, found)


def _pool_gather(fusion: Fusion, window: Window, arrays: list[Var], outs: tuple[Any, ...], groups: int) -> bool:
    x, index = arrays
    if prod(window.size) > MOST:
        return False
    index = _in_one_piece(fusion, index)
    group, values = _seen(fusion, window, x)
    place = group.add(Load(_operand(fusion, group, index, strides_of(index.shape))))
    return _end(fusion, group, outs[0], _chosen(group, values, range(len(values)), [place] * len(values)))


def _sent_back(fusion: Fusion, window: Window, arrays: list[Var], outs: tuple[Any, ...], groups: int) -> bool:
    """The transposes of sums and maxima: each place of x gets what the windows around it send there."""
    if prod(window.size) > MOST:
        return False
    before, after, phases = _phases(window)
    arrays = [_margin(fusion, a, before, after) for a in arrays]
    out, shape, n = _home(fusion, outs[0], _leaves_out(window)), arrays[0].shape, len(window.size)
    lead, strides, so = len(shape) - n, strides_of(shape), strides_of(outs[0].shape)
    factors = strides_of(window.size)
    for phase in phases:
        group = _begin(fusion, (*shape[:lead], *(a.places for a in phase)), 0)
        start = sum(s * (b + a.start) for s, b, a in zip(strides[lead:], before, phase, strict=True))
        back = [s * a.back for s, a in zip(strides[lead:], phase, strict=True)]
        taps = list(product(*(range(a.taps) for a in phase)))
        values, *places = (
            [group.add(Load(_operand(fusion, group, a, strides, start - sum(_times(back, j))))) for j in taps] for a in arrays
        )
        if places:
            numbers = [sum(f * (a.tap + a.step * i) for f, a, i in zip(factors, phase, j, strict=True)) for j in taps]
            value = _chosen(group, values, numbers, places[0])
        else:
            value = _sum(group, values)
        moves = [*so[:lead], *_times(so[lead:], window.stride)]
        _put(fusion, group, out, value, moves, sum(s * a.first for s, a in zip(so[lead:], phase, strict=True)))
    return True


_POOLING = (_unfold, _max_pool, _pool_gather, _sum_pool, _sent_back)
_PLACED: dict[str, Callable[..., bool]] = {
    "conv": _conv, "conv_bias": _conv, "conv_weight": _conv_weight, "conv_input": _conv_input, "unfold": _unfold,
    "max_pool": _max_pool, "pool_scatter": _sent_back, "pool_gather": _pool_gather, "sum_pool": _sum_pool,
    "sum_unpool": _sent_back,
}  # fmt: skip
