"""Loops of the compiler on both devices: NumPy's interpreter on the cpu, CUDA C on a GPU.

A case makes loops over arrays, one after the other in one program; what they have written, in place too, is compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.compiler.cuda import Module
from minigrad.compiler.loops import Compute, Index, Load, Operand, Store
from minigrad.compiler.operations import DTYPES, OPERATIONS, REDUCTIONS, result_dtype

from .. import loop_builder
from . import add

__all__ = ["LOOPS", "ran"]

#: What makes a loop, of a generator of random numbers and a dtype.
LOOPS: dict[str, Callable[[Any, str], Builder]] = {}


class Builder(loop_builder.Builder):
    """A view stands for a place in the array that owns its memory."""

    def operand(self, array: Any) -> int:
        base = array
        while base.base is not None:  # which may be no array itself, but something that holds one
            base = base.base
        first = (array.ctypes.data - base.ctypes.data) // array.itemsize
        self.operands.append(Operand(str(array.dtype), self.strides(array), first))
        self.arrays.append(base)
        return len(self.operands) - 1

    def update(self, array: Any) -> tuple[int, Callable[[int], None]]:
        """The values of an array, and what writes new ones into it."""
        place = self.operand(array)
        return self.step(Load(place)), lambda value: self.code.append(Store(place, value))

    def mean(self, value: int, dtype: str, *axes: int) -> int:
        share = 1 / math.prod(self.space[a] for a in axes)
        return self.multiply(self.reduce("add", value, *axes), self.constant(share, dtype))


def ran(make: Callable[[], list[Builder]], device: str) -> list[Any]:
    """The arrays of loops after they have run."""
    builders = make()
    arrays = list({id(a): a for build in builders for a in build.arrays}.values())
    number = {id(a): i for i, a in enumerate(arrays)}
    loops, slots = [b.loop("sample") for b in builders], [[number[id(a)] for a in b.arrays] for b in builders]
    if device == "cpu":
        for build, loop in zip(builders, loops, strict=True):
            loop.run(build.arrays)
        return arrays
    given = [mg.backend.transfer(a, device) for a in arrays]
    Module(loops, slots).launch(given)
    return [a.get() for a in given]


def loop(f: Callable[[Any, str], Builder]) -> Callable[[Any, str], Builder]:
    LOOPS[f.__name__] = f
    return f


def of_rows(columns: int, rows: int = 33) -> Callable[[Any], Any]:
    """Note a function of a matrix of so many columns."""

    def note(f: Callable[[Any, str, Any], Builder]) -> Any:
        def make(rng: Any, dtype: str) -> Builder:
            return f(rng, dtype, rng.normal(0, 3, (rows, columns)).astype(dtype))

        LOOPS[f"{f.__name__} {rows} x {columns}"] = make
        return f

    return note


# ------------------------------------------------------------------------------ rows


@of_rows(1)
@of_rows(7)
@of_rows(31)
@of_rows(1000)
@of_rows(20_000, rows=3)
@of_rows(0)
def softmax(rng: Any, dtype: str, x: Any) -> Builder:
    if x.size:
        x[1], x[1, -1] = -np.inf, 0
    build, soft, log = Builder(*x.shape), np.empty_like(x), np.empty_like(x)
    v = build.load(x)
    shifted = build.subtract(v, build.reduce("maximum", v, 1)) if x.size else v
    e = build.exp(shifted)
    total = build.reduce("add", e, 1)
    build.store(build.divide(e, total), soft)
    build.store(build.subtract(shifted, build.log(total)), log)
    return build


@loop
def softmax_in_place_and_nan(rng: Any, dtype: str) -> Builder:
    x = rng.normal(0, 1, (9, 100)).astype(dtype)
    x[2, 50], x[3, 99], x[4] = np.nan, np.inf, -np.inf
    build = Builder(*x.shape)
    v, write = build.update(x)
    e = build.exp(build.subtract(v, build.reduce("maximum", v, 1)))
    write(build.divide(e, build.reduce("add", e, 1)))
    return build


@of_rows(10)
@of_rows(300, rows=5)
@of_rows(1)
def cross_entropy(rng: Any, dtype: str, x: Any) -> Builder:
    """With its gradient: the class of a row is where the index along the row equals the label."""
    labels, loss, dx = rng.integers(0, x.shape[1], (len(x), 1)), np.empty((1, 1), dtype), np.empty_like(x)
    build = Builder(*x.shape)
    v = build.load(x)
    shifted = build.subtract(v, build.reduce("maximum", v, 1))
    e = build.exp(shifted)
    total = build.reduce("add", e, 1)
    hot = build.equal(build.step(Index(1)), build.load(labels))
    zero, one, share = (build.constant(c, dtype) for c in (0.0, 1.0, 1 / len(x)))
    picked = build.reduce("add", build.where(hot, shifted, zero), 1)
    build.store(build.multiply(build.reduce("add", build.subtract(build.log(total), picked), 0), share), loss)
    build.store(build.multiply(build.subtract(build.divide(e, total), build.where(hot, one, zero)), share), dx)
    return build


@of_rows(1)
@of_rows(64)
@of_rows(5000, rows=4)
def layer_norm(rng: Any, dtype: str, x: Any) -> Builder:
    weight, bias = rng.normal(0, 1, (2, x.shape[1])).astype(dtype)
    build, out = Builder(*x.shape), np.empty_like(x)
    v = build.load(x)
    centered = build.subtract(v, build.mean(v, dtype, 1))
    variance = build.mean(build.multiply(centered, centered), dtype, 1)
    scale = build.reciprocal(build.sqrt(build.add(variance, build.constant(1e-5, dtype))))
    build.store(build.add(build.multiply(build.multiply(centered, scale), build.load(weight)), build.load(bias)), out)
    return build


@of_rows(40)
@of_rows(5, rows=3000)
@of_rows(5000, rows=2)
def layer_norm_backward(rng: Any, dtype: str, x: Any) -> Builder:
    """Sums of rows, which the rows need, and of columns."""
    g, weight = rng.normal(0, 1, x.shape).astype(dtype), rng.normal(0, 1, x.shape[1]).astype(dtype)
    dx, dweight, dbias = np.empty_like(x), np.empty_like(weight), np.empty_like(weight)
    build = Builder(*x.shape)
    gv, xv = build.load(g), build.load(x)
    scaled = build.multiply(gv, build.load(weight))
    inner = build.mean(build.multiply(scaled, xv), dtype, 1)
    build.store(build.subtract(build.subtract(scaled, build.mean(scaled, dtype, 1)), build.multiply(xv, inner)), dx)
    build.store(build.reduce("add", build.multiply(gv, xv), 0), dweight)
    build.store(build.reduce("add", gv, 0), dbias)
    return build


# ------------------------------------------------------------------------------ columns, images, all


@of_rows(33, rows=50)
@of_rows(3, rows=20_000)
@of_rows(1000, rows=700)
def batch_norm(rng: Any, dtype: str, x: Any) -> Builder:
    build, out, mean = Builder(*x.shape), np.empty_like(x), np.empty((1, x.shape[1]), dtype)
    v = build.load(x)
    m = build.mean(v, dtype, 0)
    centered = build.subtract(v, m)
    variance = build.mean(build.multiply(centered, centered), dtype, 0)
    build.store(build.divide(centered, build.sqrt(build.add(variance, build.constant(1e-5, dtype)))), out)
    build.store(m, mean)
    return build


@loop
def batch_norm_of_images(rng: Any, dtype: str) -> Builder:
    """The inner axes are not neighbours: images and pixels of a channel."""
    x = rng.normal(2, 3, (4, 5, 30)).astype(dtype)
    build, out = Builder(*x.shape), np.empty_like(x)
    v = build.load(x)
    centered = build.subtract(v, build.mean(v, dtype, 0, 2))
    build.store(build.divide(centered, build.sqrt(build.mean(build.multiply(centered, centered), dtype, 0, 2))), out)
    return build


@loop
def pooling(rng: Any, dtype: str) -> Builder:
    """Windows are axes along which an image moves as along its own."""
    x, out = rng.normal(0, 1, (2, 3, 8, 10)).astype(dtype), np.empty((2, 3, 4, 5), dtype)
    x[0, 0, 0, 0] = np.nan
    build = Builder(2, 3, 4, 5, 2, 2)
    windows = np.lib.stride_tricks.as_strided(x, build.space, [s * x.itemsize for s in (240, 80, 20, 2, 10, 1)])
    build.store(build.reduce("maximum", build.load(windows), 4, 5), out[..., None, None])
    return build


@of_rows(20)
@of_rows(1000, rows=500)
def sums_of_all(rng: Any, dtype: str, x: Any) -> Builder:
    """Used again: each row's maximum, then a total, then a quotient."""
    build, out, total = Builder(*x.shape), np.empty_like(x), np.empty((1, 1), dtype)
    v = build.load(x)
    e = build.subtract(v, build.reduce("maximum", v, 1))
    squares = build.reduce("add", build.multiply(e, e), 0, 1)
    build.store(build.divide(e, build.sqrt(squares)), out)
    build.store(squares, total)
    return build


@loop
def short_stages_wait_for_each_other(rng: Any, dtype: str) -> Builder:
    """Sums of rows, a total of these, and a row that is divided by the total."""
    x, w, out = rng.random((600, 300)).astype(dtype), rng.random(300).astype(dtype), np.empty(300, dtype)
    build = Builder(*x.shape)
    rows = build.reduce("add", build.load(x), 1)
    build.store(build.divide(build.load(w), build.reduce("add", build.multiply(rows, rows), 0)), out)
    return build


@loop
def one_long_sum(rng: Any, dtype: str) -> Builder:
    x, total, largest = rng.random(1_000_003).astype(dtype), np.empty(1, dtype), np.empty(1, dtype)
    build = Builder(len(x))
    v = build.load(x)
    build.store(build.reduce("add", v, 0), total)
    build.store(build.reduce("maximum", v, 0), largest)
    return build


# ------------------------------------------------------------------------------ elementwise, in place


@loop
def a_space_without_axes(rng: Any, dtype: str) -> Builder:
    build = Builder()
    build.store(build.exp(build.load(np.array(2.0, dtype))), np.array(0.0, dtype))
    return build


@loop
def adam(rng: Any, dtype: str) -> Builder:
    """Arrays are read and written; a count becomes the next when all have read it."""
    p, g, m, v = (rng.random(10_003).astype(dtype) for _ in range(4))
    build = Builder(len(p))
    (pv, new_p), (mv, new_m), (vv, new_v), (t, new_t) = map(build.update, (p, m, v, np.array([3.0], dtype)))
    gv, lr, one = build.load(g), build.load(np.array([0.1], dtype)), build.constant(1.0, dtype)

    def mixed(old: int, new: int, keep: float) -> int:
        return build.add(build.multiply(old, build.constant(keep, dtype)), build.multiply(new, build.constant(1 - keep, dtype)))

    t = build.add(t, one)
    mv, vv = mixed(mv, gv, 0.9), mixed(vv, build.multiply(gv, gv), 0.999)
    unbiased = [build.subtract(one, build.power(build.constant(b, dtype), t)) for b in (0.9, 0.999)]
    root = build.add(build.sqrt(build.divide(vv, unbiased[1])), build.constant(1e-8, dtype))
    new_p(build.subtract(pv, build.divide(build.multiply(lr, build.divide(mv, unbiased[0])), root)))
    for write, value in ((new_m, mv), (new_v, vv), (new_t, t)):
        write(value)
    return build


@loop
def what_all_read_is_written_last(rng: Any, dtype: str) -> Builder:
    """A row is updated from the sums of columns, which every row of the matrix is divided by as it was before."""
    x, w = rng.random((600, 20)).astype(dtype), np.arange(1, 21).astype(dtype)
    build = Builder(*x.shape)
    (wv, new_w), xv = build.update(w), build.load(x)
    new_w(build.subtract(wv, build.reduce("add", xv, 0)))
    build.store(build.divide(xv, wv), np.empty_like(x))
    return build


@loop
def what_a_later_stage_reads_is_written_after_it(rng: Any, dtype: str) -> Builder:
    """Running means: a total over all, which needs the means of columns, reads the old ones."""
    x, running, total = rng.random((50, 33)).astype(dtype), rng.random(33).astype(dtype), np.empty((1, 1), dtype)
    build = Builder(*x.shape)
    (old, write), v = build.update(running), build.load(x)
    mean = build.mean(v, dtype, 0)
    write(build.add(old, mean))
    build.store(build.reduce("add", build.multiply(build.subtract(v, old), build.add(v, mean)), 0, 1), total)
    return build


@loop
def two_arrays_change_places(rng: Any, dtype: str) -> Builder:
    x, y = rng.random((2, 3000)).astype(dtype)
    build = Builder(3000)
    (xv, new_x), (yv, new_y) = build.update(x.copy()), build.update(y.copy())
    new_x(build.add(yv, build.reduce("maximum", xv, 0)))
    new_y(xv)
    return build


@loop
def layouts(rng: Any, dtype: str) -> Builder:
    """Backwards, across, with gaps, repeated; and an index."""
    x, y, z = rng.random((7, 40)).astype(dtype), rng.random((40, 7)).astype(dtype), rng.random((14, 120)).astype(dtype)
    build = Builder(7, 40)
    total = build.add(build.add(build.load(x[::-1]), build.load(y.T)), build.load(z[::2, 1::3]))
    total = build.add(total, build.add(build.load(x[:, 3:4]), build.step(Index(1, dtype))))
    build.store(total, np.zeros((14, 40), dtype)[1::2, ::-1])
    build.store(total, np.zeros((40, 7), dtype).T)
    return build


def noted(name: str, dtype: str) -> None:
    make = LOOPS[name]
    add(f"loop {name} {dtype}", partial(ran, lambda: [make(np.random.default_rng(0), dtype)]))


for _name in LOOPS:
    for _dtype in ("float32", "float64"):
        noted(_name, _dtype)


# ------------------------------------------------------------------------------ several at once


def several() -> list[Builder]:
    """Programs that share nothing, and some that wait for what others give."""
    rng = np.random.default_rng(1)
    builders = [make(rng, dtype) for dtype in ("float32", "float64") for make in LOOPS.values()][::3]
    x, y, z = rng.random((50, 180)).astype("float32"), np.zeros((50, 180), "float32"), np.zeros((50, 1), "float32")
    one, two, three = Builder(50, 180), Builder(50, 180), Builder(50, 180)
    one.store(one.add(one.load(x), one.constant(1.0)), y)
    two.store(two.reduce("add", two.load(y), 1), z)
    v, write = three.update(y)
    write(three.multiply(v, three.load(z)))
    return [*builders, one, two, three]


add("loop several in one program", partial(ran, several))


# ------------------------------------------------------------------------------ every operation

SPECIAL = {
    "b": [0, 1],
    "u": [0, 1, 2, 3, 7, 100, 200],
    "i": [0, 1, -1, 2, -2, 3, 7, -7, 100, -100],
    "f": [0.0, -0.0, 1, -1, 2, -2, 0.5, -0.5, np.inf, -np.inf, np.nan, 1e-30, 2.5, -2.5, 3.5, 7, -7, 0.3],
}


def arguments(name: str, dtype: str, rng: Any) -> list[Any]:
    """Every pair of special values, and some others."""
    values = np.array(SPECIAL[DTYPES[dtype]], np.float64).astype(dtype)
    x, y = (v.ravel() for v in np.meshgrid(values, values))
    if DTYPES[dtype] == "f":
        x, y = (np.append(v, rng.normal(0, 3, 99)).astype(dtype) for v in (x, y))
    if "shift" in name:
        y = np.where(y < 0, 0, y).astype(dtype)
    if name in ("floor_divide", "remainder") and DTYPES[dtype] == "f":  # whose formulas know quotients of two floats' digits
        y = np.where(abs(y) < 1e-6, 1, y).astype(dtype)
    if name == "ldexp":
        y = rng.integers(-99, 99, len(x)).astype("int32")
    condition = rng.integers(0, 2, len(x)).astype(bool)
    arity = OPERATIONS[name].arity
    return {1: [x], 2: [x, y], 3: [condition, x, y] if name == "where" else [x, y, x[::-1].copy()]}[arity]


def every_operation(dtype: str) -> list[Builder]:
    builders, rng = [], np.random.default_rng(0)
    for name, row in OPERATIONS.items():
        if DTYPES[dtype] in row.kinds:
            arrays = arguments(name, dtype, rng)
            build = Builder(len(arrays[0]))
            out = np.empty(len(arrays[0]), result_dtype(name, tuple(str(a.dtype) for a in arrays)))
            build.store(build.step(Compute(name, tuple(map(build.load, arrays)))), out)
            builders.append(build)
    x = np.array([0, 1, 2, 3, 100, 0, 1], dtype)
    for target in DTYPES:
        build = Builder(7)
        build.store(build.step(Compute(f"astype:{target}", (build.load(x),))), np.empty(7, target))
        builders.append(build)
    return builders


def every_reduction(dtype: str) -> list[Builder]:
    """Over each set of axes; of whole numbers, so that the order does not matter."""
    builders, rng = [], np.random.default_rng(3)
    for op in [op for op, kinds in REDUCTIONS.items() if DTYPES[dtype] in kinds]:
        for axes in [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]:
            for shape in ((3, 5, 41), (70, 2, 9)):
                x = rng.integers(0, 3, shape).astype(dtype)
                x = np.minimum(x, 1).astype(dtype) if op == "multiply" else x
                build = Builder(*shape)
                out = np.empty([1 if a in axes else n for a, n in enumerate(shape)], dtype)
                build.store(build.reduce(op, build.load(x), *axes), out)
                builders.append(build)
    return builders


for _dtype in DTYPES:
    add(f"loop every operation {_dtype}", partial(ran, partial(every_operation, _dtype)))
    add(f"loop every reduction {_dtype}", partial(ran, partial(every_reduction, _dtype)))
