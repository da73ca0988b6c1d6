"""Loops of the compiler: native code against NumPy, for every operation, layout and schedule; and the cache of machine code."""

from __future__ import annotations

import concurrent.futures
import itertools
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import as_strided

from minigrad.compiler import cache, native
from minigrad.compiler.formulas import FORMULAS, expanded
from minigrad.compiler.llvm import Target, emit
from minigrad.compiler.loops import Compute, Constant, Index, Load, Loop, Operand, Reduce, Step, Store
from minigrad.compiler.operations import DTYPES, OPERATIONS, REDUCTIONS, result_dtype
from minigrad.compiler.packing import packed
from minigrad.compiler.schedule import Schedule
from minigrad.compiler.spaces import simplified

from . import loop_builder

pytestmark = pytest.mark.skipif(not native.available(), reason="needs llvmlite")

F32, F64 = "float32", "float64"


@pytest.fixture(autouse=True, scope="module")
def _cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Code that is compiled here is kept apart from the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINIGRAD_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


class Builder(loop_builder.Builder):
    def run(self) -> Loop:
        """Run natively, into the arrays; the loop."""
        loop = self.loop()
        native.compile_loops([loop])(*self.arrays)
        return loop


def both(loop: Loop, arrays: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Copies of the arrays after the native code, and after the interpreter."""
    results = []
    for run in (lambda a: native.compile_loops([loop])(*a), loop.run):
        copies = [_like(array) for array in arrays]
        run(copies)
        results.append(copies)
    return results[0], results[1]


def _like(array: Any) -> Any:
    """A copy with the same strides."""
    low, high = np.lib.array_utils.byte_bounds(array)
    memory = np.zeros(high - low, np.uint8)
    first = array.__array_interface__["data"][0] - low
    copy = as_strided(memory[first : first + array.itemsize].view(array.dtype) if array.size else memory[:0].view(array.dtype),
                      array.shape, array.strides)  # fmt: skip
    copy[...] = array
    return copy


def same(x: Any, y: Any, digits: float = 0.0) -> Any:
    """Where two arrays are equal to some relative error, NaN and the signs of zeros included."""
    if x.dtype.kind != "f":
        return x == y
    with np.errstate(all="ignore"):
        near = np.isfinite(x) & np.isfinite(y) & (y != 0) & (abs(x - y) <= digits * abs(y) + 1e-6 * np.finfo(x.dtype).tiny)
    return near | (np.isnan(x) & np.isnan(y)) | ((x == y) & (np.signbit(x) == np.signbit(y)))


# Operations

SPECIAL = {
    "b": [0, 1],
    "u": [0, 1, 2, 3, 7, 100, 200],
    "i": [0, 1, -1, 2, -2, 3, 7, -7, 100, -100],
    "f": [0.0, -0.0, 1, -1, 2, -2, 0.5, -0.5, np.inf, -np.inf, np.nan, 1e-40, -1e-40, 1e-310, 2.5, -2.5, 3.5, 7, -7, 0.3],
}


def arguments(name: str, dtype: str) -> list[Any]:
    """Every pair of special values, and some others."""
    row = OPERATIONS[name]
    values = np.array(SPECIAL[DTYPES[dtype]], np.float64).astype(dtype)
    if DTYPES[dtype] == "i":
        values = np.append(values, np.array([np.iinfo(dtype).min, np.iinfo(dtype).max], dtype))
    x, y = (v.ravel() for v in np.meshgrid(values, values))
    rng = np.random.default_rng(0)
    if DTYPES[dtype] == "f":
        x, y = (np.append(v, rng.normal(0, 3, 99)).astype(dtype) for v in (x, y))
    if "shift" in name:
        y = np.where(y < 0, 0, y).astype(dtype)
    if name in ("floor_divide", "remainder") and DTYPES[dtype] == "f":
        with np.errstate(all="ignore"):
            y = np.where(abs(x / y) < 1e6, y, dtype == F32).astype(dtype)
    if name == "ldexp":
        y = rng.integers(-250, 250, len(x)).astype("int32")
    condition = rng.integers(0, 2, len(x)).astype(bool)
    return {1: [x], 2: [x, y], 3: [condition, x, y] if name == "where" else [x, y, x[::-1].copy()]}[row.arity]


CASES = [(name, dtype) for name, row in OPERATIONS.items() for dtype, kind in DTYPES.items() if kind in row.kinds]


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_an_operation_gives_what_numpy_gives(name: str, dtype: str) -> None:
    arrays = arguments(name, dtype)
    build = Builder(len(arrays[0]))
    out = np.empty(len(arrays[0]), result_dtype(name, tuple(str(a.dtype) for a in arrays)))
    build.store(build.step(Compute(name, tuple(build.load(a) for a in arrays))), out)
    build.run()
    with np.errstate(all="ignore"):
        expected = np.asarray(OPERATIONS[name].function(*arrays)).astype(out.dtype)
    exact = name not in FORMULAS and name != "fma"
    good = same(out, expected, 0.0 if exact else {F32: 5e-7, F64: 1e-15}.get(dtype, 0.0))
    if name in ("fmax", "fmin"):
        good |= (out == 0) & (expected == 0)  # which of -0 and 0 is larger, NumPy leaves to the machine
    wrong = [(*(a[i] for a in arrays), out[i], expected[i]) for i in np.flatnonzero(~good)]
    assert not wrong, wrong[:5]


@pytest.mark.parametrize("source", DTYPES)
@pytest.mark.parametrize("target", DTYPES)
def test_casts_give_what_numpy_gives(source: str, target: str) -> None:
    x = np.array([0, 1, 2, 3, 100, 0, 1], source)
    if source.startswith(("int", "float")):
        x[-1] = -1 if not target.startswith("uint") or source.startswith("int") else 1
    build, out = Builder(7), np.empty(7, target)
    build.store(build.step(Compute(f"astype:{target}", (build.load(x),))), out)
    build.run()
    assert (out == x.astype(target)).all()


def test_views_keep_the_bits() -> None:
    x = np.array([1.0, -0.0, np.nan, np.inf], F32)
    build, out = Builder(4), np.empty(4, "int32")
    build.store(build.step(Compute("view:int32", (build.load(x),))), out)
    build.run()
    assert (out == x.view("int32")).all()


# Accuracy: in units in the last place, against float64 and against mpmath

#: Where a function is tried, beside numbers of all sizes; and its bound, if it is not 3.
RANGES = {
    "exp": (-110, 95), "exp2": (-155, 130), "expm1": (-20, 90), "tanh": (-10, 10), "expit": (-110, 20), "erf": (-4.5, 4.5),
    "erfc": (-4, 10.5), "sin": (-1e5, 1e5), "cos": (-1e5, 1e5), "tan": (-1e5, 1e5), "arcsin": (-1, 1), "arccos": (-1, 1),
    "arctanh": (-1, 1), "sinh": (-91, 91), "cosh": (-91, 91), "log": (0, 3), "log2": (0, 3), "log10": (0, 3), "log1p": (-1, 3),
    "arctan": (-5, 5), "arcsinh": (-5, 5), "arccosh": (1, 5), "cbrt": (-5, 5),
}  # fmt: skip
BOUND = {"erfc": 4.0}
#: What large arguments need a fused multiply-add for.
FMA = {"sin", "cos", "tan", "erfc"}


def points(name: str, dtype: str, count: int) -> Any:
    """Where a function is tried on the machine that is set."""
    rng = np.random.default_rng(1)
    low, high = RANGES[name]
    if dtype == F64 and name in ("exp", "exp2", "expm1", "expit", "sinh", "cosh"):
        low, high = 7.6 * low, 7.6 * high
    sizes = 10.0 ** rng.uniform(-42, 12, count) * rng.choice([-1, 1], count)
    x = np.concatenate([rng.uniform(low, high, count), rng.normal(0, 1, count), sizes]).astype(dtype)
    target = native.target()
    assert target is not None
    return x if target.fma or name not in FMA else x[abs(x) < (1e6 if name != "erfc" else 1.0)]


def evaluated(name: str, x: Any) -> Any:
    build, out = Builder(len(x)), np.empty_like(x)
    build.store(build.step(Compute(name, (build.load(x),))), out)
    build.run()
    return out


@pytest.fixture(params=[None, Target(fma=True), Target(bytes=16, fma=False)], ids=["here", "fma", "neither"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine, and others: without powers of 2 as an instruction, without fused multiply-add."""
    if request.param is not None:
        monkeypatch.setattr(native._machine(), "target", request.param)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("name", RANGES)
def test_functions_of_float32_are_within_three_units_of_the_last_place(name: str) -> None:
    x = points(name, F32, 20_000)
    out = evaluated(name, x).astype(F64)
    with np.errstate(all="ignore"):
        exact = _wide(name)(x.astype(F64))
        unit = np.spacing(np.minimum(abs(exact), float(np.finfo(F32).max)).astype(F32)).astype(F64)
        beyond = abs(exact) > float(np.finfo(F32).max)
        errors = np.where(beyond | np.isnan(exact), 0.0, abs(out - exact) / unit)
    assert np.isinf(out[beyond]).all()
    assert (np.isnan(out) == np.isnan(exact)).all()
    worst = int(np.argmax(errors))
    assert errors[worst] <= BOUND.get(name, 3.0), (x[worst], out[worst], exact[worst])


def _wide(name: str) -> Callable[[Any], Any]:
    if name in ("erf", "erfc"):
        return np.vectorize(getattr(math, name), otypes=[F64])
    if name == "expit":
        return lambda x: np.exp(np.minimum(x, 0)) / (1 + np.exp(-abs(x)))
    return getattr(np, name)


MPMATH = {"arctan": "atan", "arcsin": "asin", "arccos": "acos", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh"}


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("name", RANGES)
def test_functions_of_float64_are_within_three_units_of_the_last_place(name: str) -> None:
    mp = pytest.importorskip("mpmath")
    x = points(name, F64, 300)
    out = evaluated(name, x)
    special = {
        "expit": lambda v: 1 / (1 + mp.exp(-v)),
        "exp2": lambda v: mp.mpf(2) ** v,
        "log2": lambda v: mp.log(v, 2),
        "cbrt": lambda v: mp.sign(v) * mp.cbrt(abs(v)),
    }
    function = special.get(name) or getattr(mp, MPMATH.get(name, name))
    with mp.workdps(40):
        for v, got in zip(x, out, strict=True):
            exact = function(mp.mpf(float(v))) if v or not name.startswith("log") else -mp.inf
            if isinstance(exact, mp.mpc) or mp.isnan(exact):
                assert np.isnan(got) or exact.imag == 0
            elif abs(exact) > np.finfo(F64).max:
                assert np.isinf(got), (v, got)
            else:
                error = abs(mp.mpf(float(got)) - exact) / mp.mpf(float(np.spacing(abs(float(exact)))))
                assert error <= BOUND.get(name, 3.0), (v, got, float(error))


@pytest.mark.parametrize("dtype", [F32, F64])
def test_powers_are_within_three_units_of_the_last_place(dtype: str) -> None:
    mp = pytest.importorskip("mpmath")
    rng = np.random.default_rng(2)
    x = np.exp(np.concatenate([rng.normal(0, 1, 300), rng.uniform(-80, 80, 300), rng.normal(0, 1e-3, 300)])).astype(dtype)
    y = np.concatenate([rng.normal(0, 3, 300), rng.normal(0, 1, 300), rng.normal(0, 1e4, 300)]).astype(dtype)
    build, out = Builder(900), np.empty(900, dtype)
    build.store(build.power(build.load(x), build.load(y)), out)
    build.run()
    limits = np.finfo(dtype)
    with mp.workdps(40):
        for a, b, got in zip(x, y, out, strict=True):
            exact = mp.mpf(float(a)) ** mp.mpf(float(b))
            if exact > float(limits.max):
                assert np.isinf(got)
            else:
                unit = float(np.spacing(out.dtype.type(float(exact))))
                assert abs(mp.mpf(float(got)) - exact) <= 3 * unit, (a, b, got)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0, 3.0, 4.0, -1.0, -2.0, 1.7, -3.0, math.inf, -math.inf, math.nan])
def test_powers_with_a_constant_exponent(exponent: float) -> None:
    x = np.array(SPECIAL["f"], F64)
    build, out = Builder(len(x)), np.empty_like(x)
    build.store(build.power(build.load(x), build.constant(exponent, F64)), out)
    build.run()
    with np.errstate(all="ignore"):
        assert same(out, np.power(x, exponent), 1e-15).all()


@pytest.mark.parametrize("name", sorted(set(FORMULAS) - {"remainder", "floor_divide"}))
@pytest.mark.parametrize("dtype", [F32, F64])
def test_the_interpreter_runs_formulas_too(name: str, dtype: str) -> None:
    """So a formula is right where no instruction is at hand; without a fused multiply-add of float64, to a few digits less."""
    arrays = arguments(name, dtype)
    build, out = Builder(len(arrays[0])), np.empty_like(arrays[0])
    build.store(build.step(Compute(name, tuple(build.load(a) for a in arrays))), out)
    loop = expanded(build.loop())
    assert loop == build.loop() or all(step.op not in FORMULAS for step in loop.code if isinstance(step, Compute))
    loop.run(build.arrays)
    (native_out,) = [a[-1] for a in both(build.loop(), build.arrays)[:1]]
    assert same(out, native_out, {F32: 1e-6, F64: 1e-12}[dtype]).all()


def test_no_operation_becomes_a_call_to_a_library() -> None:
    """LLVM makes calls of what it has no instructions for; the engine would not say that they lead nowhere."""
    machine = native._machine()
    for name, dtype in CASES:
        if name == "fma" and not machine.target.fma:
            continue
        arrays = arguments(name, dtype)[: OPERATIONS[name].arity]
        build = Builder(len(arrays[0]))
        out = np.empty(len(arrays[0]), result_dtype(name, tuple(str(a.dtype) for a in arrays)))
        build.store(build.step(Compute(name, tuple(build.load(a) for a in arrays))), out)
        assembly = machine.code_generator.emit_assembly(
            machine.llvm.parse_assembly(emit([build.loop()], target=machine.target).text)
        )
        assert not re.search(r"^\s+(call|jmp)q?\s+[*a-zA-Z]", assembly, re.MULTILINE), name


OTHER_MACHINES = """
import re
import llvmlite.binding as llvm
from minigrad.compiler.formulas import FORMULAS
from minigrad.compiler.llvm import Target, emit
from minigrad.compiler.loops import *
from minigrad.compiler.operations import *
llvm.initialize_all_targets()
llvm.initialize_all_asmprinters()
loops = []
for name, row in OPERATIONS.items():
    for dtype in [d for d, kind in DTYPES.items() if kind in row.kinds and (name not in FORMULAS or kind != "f")]:
        dtypes = ("bool", dtype, dtype) if name == "where" else (dtype,) * row.arity
        operands = tuple(Operand(d, (1,)) for d in (*dtypes, result_dtype(name, dtypes)))
        loads = tuple(Load(i) for i in range(row.arity))
        code = (*loads, Compute(name, tuple(range(row.arity))), Store(row.arity, row.arity))
        loops.append(Loop((37,), operands, code, name))
for a in DTYPES:
    loops.append(Loop((37,), (Operand(a, (3,)), Operand(a, (2,))), (Load(0), Store(1, 0)), "strided"))
    for b in DTYPES:
        loops.append(Loop((37,), (Operand(a, (1,)), Operand(b, (1,))), (Load(0), Compute(f"astype:{b}", (0,)), Store(1, 1))))
for triple, cpu, fma in [
    ("x86_64-unknown-linux-gnu", "x86-64-v2", False),
    ("x86_64-unknown-linux-gnu", "haswell", True),
    ("x86_64-unknown-linux-gnu", "skylake-avx512", True),
    ("aarch64-unknown-linux-gnu", "neoverse-n1", True),
    ("arm64-apple-macosx", "apple-m1", True),
    ("x86_64-pc-windows-msvc", "haswell", True),
]:
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, opt=2, reloc="pic", codemodel="small")
    assembly = machine.emit_assembly(llvm.parse_assembly(emit(loops, target=Target(64, fma)).text))
    print(cpu, sorted(set(re.findall(r"^\\s+(?:callq?|bl|jmpq?)\\s+([A-Za-z_]\\w+)", assembly, re.MULTILINE))))
"""


def test_other_machines_have_instructions_for_all_too() -> None:
    """In a process of its own, since LLVM ends it over what it cannot select.  Formulas are made of these operations."""
    done = subprocess.run([sys.executable, "-c", OTHER_MACHINES], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 6
    assert all(line.endswith("[]") for line in lines), done.stdout


# Layouts

LENGTHS = [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127, 4095, 4096, 4097, 10_000]


@pytest.mark.parametrize("dtype", [F32, F64, "int8", "bool"])
@pytest.mark.parametrize("n", LENGTHS)
def test_every_length_is_covered_and_nothing_beside_it(n: int, dtype: str) -> None:
    rng = np.random.default_rng(n)
    x, y = (rng.integers(0, 2, n).astype(dtype) for _ in range(2))
    memory = np.full(n + 64, 1, dtype)
    out = memory[32 : 32 + n]
    build = Builder(n)
    value = build.logical_xor(build.load(x), build.load(y)) if dtype == "bool" else build.subtract(build.load(x), build.load(y))
    build.store(value, out)
    build.run()
    assert (out == (x ^ y if dtype == "bool" else x - y)).all()
    assert memory[:32].all()
    assert memory[32 + n :].all()


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("dtype", [F32, F64])
def test_sums_of_every_length(n: int, dtype: str) -> None:
    x = np.random.default_rng(n).normal(0, 1, n).astype(dtype)
    total = np.full(1, 7, dtype)
    build = Builder(n)
    build.store(build.reduce("add", build.load(x), 0), total)
    build.run()
    unit = np.finfo(dtype).eps * abs(x).sum(dtype=F64)
    assert abs(total[0] - math.fsum(x.tolist())) <= (2 if n < 100 else 0.5) * unit


REDUCED = [(op, d) for op, kinds in REDUCTIONS.items() for d in (F32, F64, "int32", "uint8", "bool") if DTYPES[d] in kinds]


@pytest.mark.parametrize(("op", "dtype"), REDUCED)
@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)])
def test_reductions_over_any_axes(op: str, axes: tuple[int, ...], dtype: str) -> None:
    x = np.random.default_rng(3).integers(0, 3, (3, 5, 21)).astype(dtype)
    out = np.empty([1 if a in axes else n for a, n in enumerate(x.shape)], dtype)
    build = Builder(*x.shape)
    build.store(build.reduce(op, build.load(x), *axes), out)
    build.run()
    function = np.add if op == "add" else np.multiply if op == "multiply" else getattr(np, op)
    assert (out == function.reduce(x, axis=axes, keepdims=True, dtype=dtype)).all()


def test_maximum_passes_nan_on() -> None:
    for n in (5, 16, 100, 5000):
        for place in {0, n // 2, n - 1}:
            x = np.zeros(n, F32)
            x[place] = np.nan
            out = np.zeros(1, F32)
            build = Builder(n)
            build.store(build.reduce("maximum", build.load(x), 0), out)
            build.run()
            assert np.isnan(out[0]), (n, place)


def test_vectors_run_along_the_axis_where_most_memory_lies_in_one_piece() -> None:
    """Not along that of several short arrays, of which each has one number for a row."""
    matrix, one_each = Operand(F32, (512, 1)), Operand(F32, (1, 0))
    code = (Load(0), Load(1), Compute("add", (0, 1)), Load(2), Compute("add", (2, 3)), Reduce("add", 4, (1,)), Store(3, 5))
    assert Schedule(Loop((2048, 512), (matrix, one_each, one_each, one_each), code)).row == 1
    assert Schedule(Loop((2048, 512), (Operand(F32, (1, 2048)),), (Load(0), Store(0, 0)))).row == 0


@pytest.mark.parametrize("shape", [(7, 10), (1, 33), (20, 1), (30, 600)])
def test_cross_entropy_and_its_gradient_are_one_loop(shape: tuple[int, int]) -> None:
    """The class of a row is where the index along the row equals the label."""
    rng = np.random.default_rng(20)
    x, labels = rng.normal(0, 1, shape), rng.integers(0, shape[1], (shape[0], 1))
    loss, dx = np.empty((1, 1)), np.empty(shape)
    build, zero = Builder(*shape), 0
    v = build.load(x)
    shifted = build.subtract(v, build.reduce("maximum", v, 1))
    e = build.exp(shifted)
    total = build.reduce("add", e, 1)
    hot = build.equal(build.step(Index(1)), build.load(labels))
    zero, one, share = (build.constant(c, F64) for c in (0.0, 1.0, 1 / shape[0]))
    picked = build.reduce("add", build.where(hot, shifted, zero), 1)
    build.store(build.multiply(build.reduce("add", build.subtract(build.log(total), picked), 0), share), loss)
    build.store(build.multiply(build.subtract(build.divide(e, total), build.where(hot, one, zero)), share), dx)
    build.run()
    soft = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    np.testing.assert_allclose(loss[0, 0], -np.log(np.take_along_axis(soft, labels, 1)).mean(), rtol=1e-13)
    np.testing.assert_allclose(dx, (soft - (np.arange(shape[1]) == labels)) / shape[0], atol=1e-14)


def test_an_index_counts_along_its_axis_however_the_arrays_lie() -> None:
    space = (3, 1, 4, 19)
    for axis in range(4):
        for dtype in ("int64", "int32", F32):
            for out in (np.zeros(space[::-1], dtype).transpose(), np.zeros(space, dtype)[::-1, ::-1, ::-1, ::-1]):
                build = Builder(*space)
                build.store(build.step(Index(axis, dtype)), out)
                build.run()
                assert (out == np.arange(space[axis]).reshape([-1 if a == axis else 1 for a in range(4)])).all()


def test_an_empty_axis_sums_to_nothing_and_the_rest_is_done() -> None:
    x, row, out = np.empty((0, 5), F32), np.ones(5, F32), np.full(5, 9, F32)
    total, twice = np.full(1, 9, F32), np.full(5, 9, F32)
    build = Builder(0, 5)
    value = build.load(x)
    build.store(build.reduce("add", value, 0), out)
    build.store(build.reduce("add", value, 0, 1), total)
    r = build.load(row)
    build.store(build.add(r, r), twice)
    build.run()
    assert not out.any()
    assert not total.any()
    assert (twice == 2).all()


def test_a_space_without_axes_is_one_point() -> None:
    x, out = np.array(2.0, F32), np.array(0.0, F32)
    build = Builder()
    build.store(build.exp(build.load(x)), out)
    build.run()
    assert out == pytest.approx(math.exp(2.0))


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a,
        lambda a: a.transpose(2, 1, 0).copy().transpose(2, 1, 0),
        lambda a: np.repeat(a, 3, axis=2)[..., ::3],
        lambda a: a[..., ::-1].copy()[..., ::-1],
        lambda a: a[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1],
        lambda a: a[:, :1],
        lambda a: a[..., :1],
        lambda a: a[:1, :1, :1],
        lambda a: a.swapaxes(0, 1).copy().swapaxes(0, 1),
    ],
)
@pytest.mark.parametrize("dtype", [F32, F64, "bool", "int16"])
def test_any_layout(view: Callable[[Any], Any], dtype: str) -> None:
    a = np.random.default_rng(4).integers(0, 2, (4, 3, 19)).astype(dtype)
    x, y = view(a), a.copy()
    out = _like(view(np.zeros(a.shape, dtype))) if view(a).shape == a.shape else np.zeros(a.shape, dtype)
    build = Builder(4, 3, 19)
    build.store(build.step(Compute("logical_or" if dtype == "bool" else "add", (build.load(x), build.load(y)))), out)
    build.run()
    assert (out == (x | y if dtype == "bool" else x + y)).all()


@pytest.mark.parametrize("dtype", [F32, F64, "int8", "bool"])
@pytest.mark.parametrize("shape", [(16, 16), (8, 8), (17, 33), (64, 50), (3, 40), (40, 3), (100, 7)])
def test_transpositions(shape: tuple[int, int], dtype: str) -> None:
    """Plain; added to something that lies straight; and into something that lies across."""
    rng = np.random.default_rng(28)
    x, y = rng.integers(0, 2, shape).astype(dtype), rng.integers(0, 2, shape[::-1]).astype(dtype)
    out, both_ways = np.zeros(shape[::-1], dtype), np.zeros(shape, dtype)
    build = Builder(*shape[::-1])
    build.store(build.load(x.T), out)
    build.run()
    assert (out == x.T).all()
    build, add = Builder(*shape[::-1]), "logical_xor" if dtype == "bool" else "add"
    place = build.operand(y)
    total = build.step(Compute(add, (build.load(x.T), build.step(Load(place)))))
    build.store(total, both_ways.T)
    build.step(Store(place, build.step(Compute(add, (total, total)))))
    expected = x.T ^ y if dtype == "bool" else x.T + y
    build.run()
    assert (expected == both_ways.T).all()
    assert (y == (expected ^ expected if dtype == "bool" else 2 * expected)).all()


@pytest.mark.parametrize("stride", [2, 3, 4, 5])
@pytest.mark.parametrize("n", [1, 5, 16, 40, 100])
@pytest.mark.parametrize("dtype", [F32, F64, "int16", "bool"])
def test_strided_rows_read_no_further_than_their_last_element(n: int, stride: int, dtype: str) -> None:
    """`frame` would refuse an array that is an element shorter."""
    x = np.random.default_rng(29).integers(0, 2, (n - 1) * stride + 1).astype(dtype)
    loop = Loop((n,), (Operand(dtype, (stride,)), Operand(dtype, (1,))), (Load(0), Store(1, 0)))
    out = np.zeros(n, dtype)
    native.compile_loops([loop])(x, out)
    assert (out == x[::stride]).all()
    with pytest.raises(ValueError, match="reaches bytes") if n > 1 else pytest.raises(ValueError):
        native.compile_loops([loop])(x[:-1], out)


def test_pooling_and_convolution_are_loops() -> None:
    """Windows overlap: the strides of a window's axes are those of the image."""
    rng = np.random.default_rng(30)
    x, w = rng.normal(0, 1, (2, 3, 8, 10)), rng.normal(0, 1, (5, 3, 3, 3))
    pooled, out = np.empty((2, 3, 4, 5)), np.empty((2, 5, 6, 8))
    operands = Operand(F64, (240, 80, 20, 2, 10, 1)), Operand(F64, (60, 20, 5, 1, 0, 0))
    code: tuple[Step, ...] = (Load(0), Reduce("maximum", 0, (4, 5)), Store(1, 1))
    native.compile_loops([Loop((2, 3, 4, 5, 2, 2), operands, code)])(x, pooled)
    assert (pooled == x.reshape(2, 3, 4, 2, 5, 2).max((3, 5))).all()
    image = Operand(F64, (240, 0, 10, 1, 80, 10, 1))
    operands = image, Operand(F64, (0, 27, 0, 0, 9, 3, 1)), Operand(F64, (240, 48, 8, 1, 0, 0, 0))
    code = (Load(0), Load(1), Compute("multiply", (0, 1)), Reduce("add", 2, (4, 5, 6)), Store(2, 3))
    loop = Loop((2, 5, 6, 8, 3, 3, 3), operands, code)
    native.compile_loops([loop])(x, w, out)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (2, 3))  # (N, C, H, W, 3, 3)
    np.testing.assert_allclose(out, np.einsum("nchwij,ocij->nohw", windows, w), atol=1e-12)
    assert Schedule(expanded(simplified(loop)), 8).tile == 5, "a tile has the output channels"


def test_an_offset_begins_inside_of_the_array() -> None:
    memory = np.arange(20, dtype=F32)
    loop = Loop((4,), (Operand(F32, (2,), 3), Operand(F32, (-1,), 19)), (Load(0), Store(1, 0)))
    (fast, _), (slow, _) = both(loop, [memory, memory])
    del fast, slow
    out = np.zeros(20, F32)
    native.compile_loops([loop])(memory, out)
    assert (out[16:][::-1] == [3, 5, 7, 9]).all()


# Programs

R = 33


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("columns", [1, 5, 16, 31, 512, 5000, 20_000])
def test_softmax_and_log_softmax(columns: int, dtype: str) -> None:
    x = np.random.default_rng(5).normal(0, 3, (R, columns)).astype(dtype)
    x[1] = -np.inf  # a row without anything in it
    x[1, -1] = 0
    soft, log = np.empty_like(x), np.empty_like(x)
    build = Builder(R, columns)
    shifted = build.subtract(v := build.load(x), build.reduce("maximum", v, 1))
    e = build.exp(shifted)
    total = build.reduce("add", e, 1)
    build.store(build.divide(e, total), soft)
    build.store(build.subtract(shifted, build.log(total)), log)
    build.run()
    wide = x.astype(F64)
    exact = np.exp(wide - wide.max(1, keepdims=True))
    exact /= exact.sum(1, keepdims=True)
    tolerance = 3e-6 if dtype == F32 else 5e-15
    np.testing.assert_allclose(soft, exact, rtol=tolerance, atol=1e-37)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(log, np.log(exact), rtol=tolerance, atol=2 * tolerance)


def layer_norm(x: Any, weight: Any, bias: Any, out: Any) -> Builder:
    build, n = Builder(*x.shape), x.shape[1]
    share = build.constant(1 / n, str(x.dtype))
    v = build.load(x)
    centered = build.subtract(v, build.multiply(build.reduce("add", v, 1), share))
    variance = build.multiply(build.reduce("add", build.multiply(centered, centered), 1), share)
    scale = build.reciprocal(build.sqrt(build.add(variance, build.constant(1e-5, str(x.dtype)))))
    normal = build.multiply(centered, scale)
    build.store(build.add(build.multiply(normal, build.load(weight)), build.load(bias)), out)
    return build


@pytest.mark.parametrize("columns", [1, 7, 64, 5000])
def test_layer_norm(columns: int) -> None:
    rng = np.random.default_rng(6)
    x, weight, bias = rng.normal(3, 2, (R, columns)).astype(F32), *rng.normal(0, 1, (2, columns)).astype(F32)
    out = np.empty_like(x)
    layer_norm(x, weight, bias, out).run()
    wide = x.astype(F64)
    exact = (wide - wide.mean(1, keepdims=True)) / np.sqrt(wide.var(1, keepdims=True) + 1e-5) * weight + bias
    np.testing.assert_allclose(out, exact, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("shape", [(R, 40), (300, 5), (2, 5000)])
def test_layer_norm_backward_sums_rows_and_columns_in_one_loop(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(7)
    g, x, weight = rng.normal(0, 1, shape), rng.normal(0, 1, shape), rng.normal(0, 1, shape[1])
    dx, dweight, dbias = np.empty(shape), np.empty(shape[1]), np.empty(shape[1])
    build, share = Builder(*shape), 1 / shape[1]
    gv, xv = build.load(g), build.load(x)
    scaled = build.multiply(gv, build.load(weight))
    first = build.multiply(build.reduce("add", scaled, 1), build.constant(share, F64))
    second = build.multiply(build.reduce("add", build.multiply(scaled, xv), 1), build.constant(share, F64))
    build.store(build.subtract(build.subtract(scaled, first), build.multiply(xv, second)), dx)
    build.store(build.reduce("add", build.multiply(gv, xv), 0), dweight)
    build.store(build.reduce("add", gv, 0), dbias)
    build.run()
    s = g * weight
    np.testing.assert_allclose(dx, s - s.mean(1, keepdims=True) - x * (s * x).mean(1, keepdims=True), atol=1e-12)
    np.testing.assert_allclose(dweight, (g * x).sum(0), atol=1e-11)
    np.testing.assert_allclose(dbias, g.sum(0), atol=1e-11)


def test_batch_norm_over_images() -> None:
    """Statistics of channels: parallel outside, summed over images and pixels inside, used again."""
    x = np.random.default_rng(8).normal(2, 3, (4, 5, 30)).astype(F32)
    out, mean = np.empty_like(x), np.empty((1, 5, 1), F32)
    build, share = Builder(*x.shape), 1 / 120
    v = build.load(x)
    m = build.multiply(build.reduce("add", v, 0, 2), build.constant(share))
    centered = build.subtract(v, m)
    variance = build.multiply(build.reduce("add", build.multiply(centered, centered), 0, 2), build.constant(share))
    build.store(build.divide(centered, build.sqrt(variance)), out)
    build.store(m, mean)
    build.run()
    np.testing.assert_allclose(mean, x.mean((0, 2), keepdims=True), rtol=1e-6)
    np.testing.assert_allclose(out, (x - x.mean((0, 2), keepdims=True)) / x.std((0, 2), keepdims=True), rtol=1e-4, atol=1e-5)


def test_batch_norm_over_features_keeps_rows_of_statistics() -> None:
    x = np.random.default_rng(9).normal(2, 3, (50, 33)).astype(F32)
    out = np.empty_like(x)
    build = Builder(*x.shape)
    v = build.load(x)
    centered = build.subtract(v, build.multiply(build.reduce("add", v, 0), build.constant(1 / 50)))
    variance = build.multiply(build.reduce("add", build.multiply(centered, centered), 0), build.constant(1 / 50))
    scale = build.exp(build.multiply(build.constant(-0.5), build.log(variance)))  # dear, so it is kept in a row
    build.store(build.multiply(centered, scale), out)
    build.run()
    np.testing.assert_allclose(out, (x - x.mean(0)) / x.std(0), rtol=1e-4, atol=1e-5)


def test_a_result_for_each_row_survives_a_sum_over_all_rows() -> None:
    """Rows' maxima are used again after a total over the whole matrix is known."""
    x = np.random.default_rng(10).normal(0, 1, (7, 20))
    out = np.empty_like(x)
    build = Builder(7, 20)
    v = build.load(x)
    e = build.subtract(v, build.reduce("maximum", v, 1))
    total = build.reduce("add", build.multiply(e, e), 0, 1)
    build.store(build.divide(e, build.sqrt(total)), out)
    build.run()
    exact = x - x.max(1, keepdims=True)
    np.testing.assert_allclose(out, exact / np.sqrt((exact**2).sum()), rtol=1e-13)


@pytest.mark.parametrize("size", [64, 16, 0])
def test_sums_are_as_exact_as_numpys(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With any number of lanes: none adds up many numbers in float32."""
    monkeypatch.setattr(native._machine(), "target", Target(bytes=size))
    x = np.random.default_rng(11).random(1_000_000).astype(F32)
    total, squares = np.empty(1, F32), np.empty(1, F32)
    build = Builder(len(x))
    v = build.load(x)
    build.store(build.reduce("add", v, 0), total)
    build.store(build.reduce("add", build.multiply(v, v), 0), squares)
    build.run()
    wide = x.astype(F64)
    assert total[0] == pytest.approx(wide.sum(), rel=1e-7)
    assert squares[0] == pytest.approx((wide**2).sum(), rel=1e-7)


def test_sums_of_columns_are_more_exact_than_numpys() -> None:
    x = np.random.default_rng(12).random((100_000, 3)).astype(F32)
    out = np.empty(3, F32)
    build = Builder(*x.shape)
    build.store(build.reduce("add", build.load(x), 0), out)
    build.run()
    exact = x.astype(F64).sum(0)
    assert abs(out - exact).max() <= abs(x.sum(0) - exact).max()
    np.testing.assert_allclose(out, exact, rtol=1e-7)


def test_an_update_in_place() -> None:
    """Adam: arrays are read and written, a learning rate is an operand without strides, a count becomes the next."""
    rng = np.random.default_rng(13)
    n = 1003
    p, g, m, v = (rng.random(n).astype(F32) for _ in range(4))
    count, rate = np.array([3.0], F32), np.array([0.1], F32)
    expected = p.copy(), m.copy(), v.copy()
    build = Builder(n)
    places = [build.operand(a) for a in (p, m, v)]
    pv, mv, vv = (build.step(Load(place)) for place in places)
    t = build.step(Load(step := build.operand(count)))
    gv, lr = build.load(g), build.load(rate)

    def mixed(old: int, new: int, keep: float) -> int:
        return build.add(build.multiply(old, build.constant(keep)), build.multiply(new, build.constant(1 - keep)))

    t = build.add(t, build.constant(1.0))
    mv, vv = mixed(mv, gv, 0.9), mixed(vv, build.multiply(gv, gv), 0.999)
    unbiased = [build.subtract(build.constant(1.0), build.power(build.constant(b), t)) for b in (0.9, 0.999)]
    root = build.add(build.sqrt(build.divide(vv, unbiased[1])), build.constant(1e-8))
    change = build.divide(build.multiply(lr, build.divide(mv, unbiased[0])), root)
    for place, value in zip((*places, step), (build.subtract(pv, change), mv, vv, t), strict=True):
        build.step(Store(place, value))
    build.run()
    m_, v_ = expected[1] * 0.9 + g * 0.1, expected[2] * 0.999 + g * g * 0.001
    p_ = expected[0] - 0.1 * (m_ / (1 - 0.9**4)) / (np.sqrt(v_ / (1 - 0.999**4)) + 1e-8)
    for got, right in zip((p, m, v), (p_, m_, v_), strict=True):
        np.testing.assert_allclose(got, right, rtol=1e-5, atol=1e-5)  # 1 - 0.999^4 in float32
    assert count[0] == 4


def test_stores_wait_for_the_last_load_of_what_they_overwrite() -> None:
    """A row is updated from its column sums, which every row of the matrix is then divided by as it was before."""
    x, w = np.random.default_rng(14).random((6, 20)), np.arange(1.0, 21.0)
    out, old = np.empty_like(x), w.copy()
    build = Builder(6, 20)
    place = build.operand(w)
    wv, xv = build.step(Load(place)), build.load(x)
    build.step(Store(place, build.subtract(wv, build.reduce("add", xv, 0))))
    build.store(build.divide(xv, wv), out)
    build.run()
    np.testing.assert_allclose(out, x / old)
    np.testing.assert_allclose(w, old - x.sum(0))


def test_a_row_that_every_row_reads_is_overwritten_once_and_last() -> None:
    x, w = np.random.default_rng(18).random((6, 20)), np.arange(1.0, 21.0)
    out, old = np.empty_like(x), w.copy()
    build = Builder(6, 20)
    place = build.operand(w)
    wv = build.step(Load(place))
    build.step(Store(place, build.add(wv, wv)))
    build.store(build.multiply(build.load(x), wv), out)
    build.run()
    np.testing.assert_array_equal(out, x * old)
    np.testing.assert_array_equal(w, 2 * old)


def test_a_row_that_a_later_sweep_reads_is_overwritten_after_it() -> None:
    x = np.random.default_rng(19).random((6, 20))
    out, old = np.empty_like(x), x.copy()
    build = Builder(6, 20)
    place = build.operand(x)
    v = build.step(Load(place))
    build.step(Store(place, build.add(v, v)))
    build.store(build.subtract(v, build.reduce("maximum", v, 1)), out)
    build.run()
    np.testing.assert_array_equal(out, old - old.max(1, keepdims=True))
    np.testing.assert_array_equal(x, 2 * old)


def product(x: Any, w: Any, out: Any, dtype: str) -> Builder:
    """out[m, n] = sum over k of x[m, k] w[k, n], before anything is stored."""
    build = Builder(x.shape[0], w.shape[1], x.shape[1])
    left, right = build.load(x[:, None, :]), build.load(w.T[None])
    build.total = build.reduce("add", build.multiply(left, right), 2)
    return build


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 7, 37), (8, 16, 32), (17, 64, 10), (33, 3, 100), (9, 200, 64), (2, 5000, 3)])
@pytest.mark.parametrize("transposed", [False, True])
def test_products_of_matrices(shape: tuple[int, int, int], transposed: bool, dtype: str) -> None:
    """Also with one factor transposed, with a bias and an activation, and a softmax over its rows."""
    rows, inner, columns = shape
    rng = np.random.default_rng(25)
    x, w = rng.normal(0, 1, (rows, inner)).astype(dtype), rng.normal(0, 1, (inner, columns)).astype(dtype)
    x = np.asfortranarray(x) if transposed else x
    bias, out, soft = rng.normal(0, 1, columns).astype(dtype), np.empty((rows, columns), dtype), np.empty((rows, columns), dtype)
    build = product(x, w, out, dtype)
    z = build.add(build.total, build.load(bias[None, :, None]))
    build.store(build.tanh(z), out[:, :, None])
    e = build.exp(build.subtract(z, build.reduce("maximum", z, 1)))
    build.store(build.divide(e, build.reduce("add", e, 1)), soft[:, :, None])
    build.run()
    exact = x.astype(F64) @ w.astype(F64) + bias
    tolerance = (1e-6 if dtype == F32 else 1e-14) * inner**0.5
    np.testing.assert_allclose(out, np.tanh(exact), rtol=10 * tolerance, atol=10 * tolerance)
    exact = np.exp(exact - exact.max(1, keepdims=True))
    np.testing.assert_allclose(soft, exact / exact.sum(1, keepdims=True), rtol=30 * tolerance, atol=10 * tolerance)


def test_products_are_tiled() -> None:
    """Eight rows of sums stay in registers; not where something else is done at the same points."""
    x, w, out = np.ones((20, 30), F32), np.ones((30, 40), F32), np.empty((20, 40), F32)
    build = product(x, w, out, F32)
    build.store(build.total, out[:, :, None])
    assert Schedule(expanded(simplified(build.loop())), 8).tile == 8
    build.store(build.reduce("add", build.load(x[:, None, :]), 2), np.empty((20, 1, 1), F32))
    assert Schedule(expanded(simplified(build.loop())), 8).tile == 0
    build.run()
    assert (out == 30).all()


@pytest.mark.parametrize("shape", [(16, 20, 16), (33, 64, 10), (9, 100, 40), (64, 7, 9), (3, 5, 8)])
def test_a_factor_that_lies_the_wrong_way_is_turned_first(shape: tuple[int, int, int]) -> None:
    """x @ w.T, with a softmax in the same loop, so that the turned factor and kept rows share the workspace."""
    rows, inner, columns = shape
    rng = np.random.default_rng(31)
    x, w = rng.normal(0, 1, (rows, inner)), rng.normal(0, 1, (columns, inner))
    out, total = np.empty((rows, columns)), np.empty((1, columns))
    build = product(x, w.T, out, F64)
    e = build.exp(build.total)
    build.store(build.divide(e, build.reduce("add", e, 1)), out[:, :, None])
    build.run()
    exact = np.exp(x @ w.T)
    np.testing.assert_allclose(out, exact / exact.sum(1, keepdims=True), rtol=1e-12)
    build = product(x, w.T, out, F64)
    build.store(build.total, out[:, :, None])
    build.store(build.reduce("add", build.total, 0), total[..., None])
    build.run()
    np.testing.assert_allclose(out, x @ w.T, atol=1e-12)
    np.testing.assert_allclose(total[0], (x @ w.T).sum(0), atol=1e-11)


def test_a_number_for_each_row_is_stored_once_beside_strided_rows() -> None:
    x, w, out = np.arange(80.0).reshape(2, 40)[:, ::2], np.array([[1.0], [2.0]]), np.empty((2, 20))
    x = np.array(x.T, order="C").T  # its rows lie across
    build = Builder(2, 20)
    place = build.operand(w)
    v = build.step(Load(place))
    build.store(build.add(build.load(x), v), out)
    build.step(Store(place, build.add(v, v)))
    build.run()
    np.testing.assert_array_equal(out, x + [[1.0], [2.0]])
    np.testing.assert_array_equal(w, [[2.0], [4.0]])


def test_attention_with_a_mask_is_one_loop() -> None:
    """Softmax over the keys that are not later than the query, of a product with a factor to be turned."""
    rng = np.random.default_rng(32)
    q, k, out = rng.normal(0, 1, (2, 19, 8)), rng.normal(0, 1, (2, 19, 8)), np.empty((2, 19, 19))
    build = Builder(2, 19, 19, 8)
    scores = build.reduce("add", build.multiply(build.load(q[:, :, None]), build.load(k[:, None])), 3)
    seen = build.greater_equal(build.step(Index(1)), build.step(Index(2)))
    e = build.exp(build.where(seen, scores, build.constant(-math.inf, F64)))
    build.store(build.divide(e, build.reduce("add", e, 2)), out[..., None])
    loop = build.run()
    exact = np.exp(np.where(np.tri(19) > 0, q @ k.swapaxes(1, 2), -np.inf))
    np.testing.assert_allclose(out, exact / exact.sum(-1, keepdims=True), rtol=1e-12)
    parts, _ = packed(simplified(loop), [0, 1, 2], 3)
    assert len(parts) == 2
    assert Schedule(expanded(parts[1][0]), 8).tile == 8


def test_the_terms_of_a_product_may_count_rows() -> None:
    """out[m, n] = sum over k of (m + k + n) w[k, n], eight m at a time."""
    w, out = np.random.default_rng(33).random((6, 20)), np.empty((21, 20))
    build = Builder(21, 20, 6)
    place = build.add(build.add(build.step(Index(0, F64)), build.step(Index(2, F64))), build.step(Index(1, F64)))
    total = build.reduce("add", build.multiply(place, build.load(w.T[None])), 2)
    build.store(build.add(total, build.step(Index(0, F64))), out[..., None])
    build.run()
    m, n, k = np.ogrid[:21, :20, :6]
    np.testing.assert_allclose(out, ((m + n + k) * w.T).sum(-1) + np.arange(21)[:, None], rtol=1e-13)


def test_a_product_less_what_else_is_known_of_its_rows() -> None:
    rng = np.random.default_rng(34)
    x, w, a, out = rng.random((10, 6)), rng.random((6, 20)), rng.random((10, 20)), np.empty((10, 20))
    build = product(x, w, out, F64)
    most = build.reduce("maximum", build.load(a[..., None]), 1)
    build.store(build.subtract(build.total, most), out[..., None])
    build.run()
    np.testing.assert_allclose(out, x @ w - a.max(1, keepdims=True), atol=1e-13)


def test_a_factor_that_is_overwritten_is_not_turned_elsewhere() -> None:
    rng = np.random.default_rng(35)
    x, w, out = rng.random((16, 20)), rng.random((16, 20)), np.empty((16, 16))
    exact, old = x @ w.T, w.copy()
    build = Builder(16, 16, 20)
    place = build.operand(w[None])
    wv = build.step(Load(place))
    build.store(build.reduce("add", build.multiply(build.load(x[:, None]), wv), 2), out[..., None])
    build.step(Store(place, build.add(wv, wv)))
    build.run()
    np.testing.assert_allclose(out, exact, atol=1e-13)
    np.testing.assert_array_equal(w, 2 * old)


def test_batches_of_products() -> None:
    rng = np.random.default_rng(26)
    x, w, out = rng.normal(0, 1, (3, 11, 5)), rng.normal(0, 1, (3, 5, 9)), np.empty((3, 11, 9))
    build = Builder(3, 11, 9, 5)
    value = build.multiply(build.load(x[:, :, None, :]), build.load(w.swapaxes(1, 2)[:, None]))
    build.store(build.reduce("add", value, 3), out[..., None])
    build.run()
    np.testing.assert_allclose(out, x @ w, atol=1e-13)


def test_sums_over_different_axes_do_not_count_each_others_points() -> None:
    x, y = np.random.default_rng(21).random((3, 1, 5)), np.random.default_rng(22).random((1, 4, 5))
    sums = np.empty((1, 1, 5)), np.empty((1, 1, 5))
    build = Builder(3, 4, 5)
    build.store(build.reduce("add", build.load(x), 0), sums[0])
    build.store(build.reduce("add", build.load(y), 1), sums[1])
    build.run()
    np.testing.assert_allclose(sums[0], x.sum(0, keepdims=True))
    np.testing.assert_allclose(sums[1], y.sum(1, keepdims=True))


def test_a_part_of_the_space_is_updated_once() -> None:
    """It has some of the serial axes, and not others."""
    x, w = np.random.default_rng(23).random((3, 4, 5)), np.random.default_rng(24).random((3, 1, 5))
    out, total, old = np.empty_like(x), np.empty((1, 4, 1)), w.copy()
    build = Builder(3, 4, 5)
    place = build.operand(w)
    wv, xv = build.step(Load(place)), build.load(x)
    build.step(Store(place, build.add(wv, wv)))
    build.store(build.multiply(xv, wv), out)
    build.store(build.reduce("add", xv, 0, 2), total)
    build.run()
    np.testing.assert_array_equal(w, 2 * old)
    np.testing.assert_array_equal(out, x * old)
    np.testing.assert_allclose(total, x.sum((0, 2), keepdims=True))


def test_softmax_in_place() -> None:
    x = np.random.default_rng(15).normal(0, 1, (9, 100))
    exact = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    build = Builder(9, 100)
    place = build.operand(x)
    v = build.step(Load(place))
    e = build.exp(build.subtract(v, build.reduce("maximum", v, 1)))
    build.step(Store(place, build.divide(e, build.reduce("add", e, 1))))
    build.run()
    np.testing.assert_allclose(x, exact, rtol=1e-13)


def test_several_loops_in_one_function_share_arrays() -> None:
    """y = x + 1; z = sums of y's rows; y *= z, in one call."""
    x, y, z = np.random.default_rng(16).random((5, 18)), np.zeros((5, 18)), np.zeros((5, 1))
    full, row = Operand(F64, (18, 1)), Operand(F64, (1, 0))
    one = Loop((5, 18), (full, full), (Load(0), Constant(1.0, F64), Compute("add", (0, 1)), Store(1, 2)))
    two = Loop((5, 18), (full, row), (Load(0), Reduce("add", 0, (1,)), Store(1, 1)))
    three = Loop((5, 18), (full, row), (Load(0), Load(1), Compute("multiply", (0, 1)), Store(0, 2)))
    function = native.compile_loops([one, two, three], slots=[(0, 1), (1, 2), (1, 2)])
    function(x, y, z)
    np.testing.assert_allclose(y, (x + 1) * (x + 1).sum(1, keepdims=True), rtol=1e-14)
    frame = function.frame([x, y, z])
    function.entry(frame.ctypes.data)  # the fast way: the same again
    np.testing.assert_allclose(y, (x + 1) * (x + 1).sum(1, keepdims=True), rtol=1e-14)


def in_one_call(builders: list[Builder]) -> tuple[native.Function, list[Any]]:
    """A function of several loops, and the arrays that it takes: one slot for each array."""
    views = [array for build in builders for array in build.arrays]
    bases = [view if view.base is None else view.base for view in views]
    arrays = list({id(base): base for base in bases}.values())
    numbers = iter([next(i for i, a in enumerate(arrays) if a is base) for base in bases])
    slots = [[next(numbers) for _ in build.arrays] for build in builders]
    return native.compile_loops([build.loop() for build in builders], slots), arrays


def test_a_training_step_is_one_call() -> None:
    """Forward, backward and update of a small network with one hidden layer, for the mean square of its results."""
    rng = np.random.default_rng(27)
    x, w1, w2 = (np.array(rng.normal(0, 1, s)) for s in ((12, 5), (5, 7), (7, 3)))
    h, y, dh, loss, v2 = np.empty((12, 7)), np.empty((12, 3)), np.empty((12, 7)), np.empty((1, 1)), w2.copy()
    v1 = w1.copy()

    def matmul(a: Any, b: Any) -> Builder:  # (m, k), (k, n) over (m, n, k)
        build = Builder(a.shape[0], b.shape[1], a.shape[1])
        build.total = build.reduce("add", build.multiply(build.load(a[:, None, :]), build.load(b.T[None])), 2)
        return build

    def descend(a: Any, b: Any, w: Any) -> Builder:  # w -= 0.1 / 18 a b
        build = matmul(a, b)
        place = build.operand(w[..., None])
        change = build.multiply(build.total, build.constant(0.1 / 18, F64))
        build.step(Store(place, build.subtract(build.step(Load(place)), change)))
        return build

    first, second, square, back = matmul(x, w1), matmul(h, w2), Builder(12, 3), matmul(y, w2.T)
    first.store(first.tanh(first.total), h[..., None])
    second.store(second.total, y[..., None])
    v = square.load(y)
    square.store(square.multiply(square.reduce("add", square.multiply(v, v), 0, 1), square.constant(1 / 36, F64)), loss)
    hidden = back.load(h[..., None])
    slope = back.subtract(back.constant(1.0, F64), back.multiply(hidden, hidden))
    back.store(back.multiply(back.total, slope), dh[..., None])
    function, arrays = in_one_call([first, second, square, back, descend(h.T, y, w2), descend(x.T, dh, w1)])
    for _ in range(5):
        function(*arrays)
        hidden_, losses = np.tanh(x @ v1), ((np.tanh(x @ v1) @ v2) ** 2).mean()
        g = hidden_ @ v2
        v1, v2 = v1 - 0.1 / 18 * x.T @ (g @ v2.T * (1 - hidden_**2)), v2 - 0.1 / 18 * hidden_.T @ g
        assert loss[0, 0] == pytest.approx(losses)
    np.testing.assert_allclose(w1, v1, atol=1e-13)
    np.testing.assert_allclose(w2, v2, atol=1e-13)


@pytest.mark.parametrize("target", [Target(bytes=0), Target(bytes=16), Target(bytes=32), Target(bytes=64, fma=False)])
def test_any_width_of_vectors_computes_the_same(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(17)
    x, weight, bias = rng.normal(0, 1, (R, 50)).astype(F32), *rng.normal(0, 1, (2, 50)).astype(F32)
    outs = []
    for machine in (native.target(), target):
        monkeypatch.setattr(native._machine(), "target", machine)
        outs.append(np.empty_like(x))
        build = layer_norm(x, weight, bias, outs[-1])
        build.run()
        exps = np.empty(1000, F32)
        build = Builder(1000)
        build.store(build.tanh(build.load(x.ravel()[:1000])), exps)
        build.run()
        np.testing.assert_allclose(exps, np.tanh(x.ravel()[:1000]), rtol=4e-7)
    np.testing.assert_allclose(outs[1], outs[0], rtol=1e-5, atol=1e-6)


# Random programs

SPACES = st.lists(st.sampled_from([1, 2, 3, 5, 17, 40]), max_size=3).map(tuple)


@st.composite
def layouts(draw: Any, space: tuple[int, ...], may_repeat: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shape of an array (1 where it repeats) and its strides, in elements, for any order of axes, gaps, directions."""
    shape = tuple(1 if may_repeat and draw(st.sampled_from([True, False, False])) else n for n in space)
    strides, step = [0] * len(space), draw(st.sampled_from([1, 1, 1, 2]))
    for axis in draw(st.permutations(range(len(space)))) if draw(st.booleans()) else reversed(range(len(space))):
        strides[axis] = step * draw(st.sampled_from([1, 1, 1, -1]))
        step *= shape[axis]
    return shape, tuple(strides)


def array_of(shape: tuple[int, ...], strides: tuple[int, ...], values: Any, dtype: str) -> Any:
    """An array of that layout, with values."""
    low = sum(min(s, 0) * (n - 1) for s, n in zip(strides, shape, strict=True))
    high = sum(max(s, 0) * (n - 1) for s, n in zip(strides, shape, strict=True))
    memory = np.zeros(high - low + 1, dtype)
    view = as_strided(memory[-low:], shape, [s * memory.itemsize for s in strides])
    view[...] = values(shape)
    return view


@st.composite
def programs(draw: Any) -> tuple[Loop, list[Any]]:
    """A random loop whose results do not depend on the order of sums: small whole numbers."""
    space, dtype = draw(SPACES), draw(st.sampled_from([F32, F64, "int32", "int64"]))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    build = Builder(*space)
    values: list[int] = []

    def fresh(may_repeat: bool) -> Any:
        shape, strides = draw(layouts(space, may_repeat))
        return array_of(shape, strides, lambda s: rng.integers(-2, 3, s), dtype)

    inputs = [build.operand(fresh(True)) for _ in range(draw(st.integers(1, 3)))]
    values = [build.step(Load(i)) for i in inputs]
    if space and draw(st.booleans()):
        values.append(build.minimum(build.step(Index(draw(st.integers(0, len(space) - 1)), dtype)), build.constant(3, dtype)))
    value = st.deferred(lambda: st.sampled_from(values))
    limit = build.constant(2, dtype)
    for _ in range(draw(st.integers(0, 10))):
        kind = draw(st.sampled_from(["binary", "binary", "where", "reduce", "reduce", "dear", "unary", "product"]))
        if kind == "binary":
            op = draw(st.sampled_from(["add", "subtract", "maximum", "minimum"]))
            values.append(build.step(Compute(op, (draw(value), draw(value)))))
        elif kind == "unary":
            values.append(build.step(Compute(draw(st.sampled_from(["negative", "absolute", "sign"])), (draw(value),))))
        elif kind == "product":
            values.append(build.multiply(*(draw(st.integers(0, len(inputs) - 1)) for _ in range(2))))
        elif kind == "where":
            values.append(build.where(build.greater(draw(value), draw(value)), draw(value), draw(value)))
        elif kind == "reduce" and space:
            axes = draw(st.lists(st.integers(0, len(space) - 1), min_size=1, unique=True))
            values.append(build.reduce(draw(st.sampled_from(["add", "maximum", "minimum"])), draw(value), *axes))
        elif kind == "dear" and dtype.startswith("float"):  # a whole number again, whatever the last bits of exp are
            values.append(build.rint(build.exp(build.minimum(draw(value), limit))))
    free = list(inputs)
    for number, v in enumerate(draw(st.lists(value, min_size=1, max_size=4))):
        loop = build.loop()
        in_place = [i for i in free if loop.moves(i) >= loop.axes[v]]
        if in_place and draw(st.booleans()):
            build.step(Store(in_place[0], v))
            free.remove(in_place[0])
        else:
            shape = tuple(n if a in loop.axes[v] or draw(st.booleans()) else 1 for a, n in enumerate(space))
            build.store(v, np.full(shape, number, dtype))
    return build.loop(), build.arrays


@settings(max_examples=int(os.environ.get("MINIGRAD_FUZZ", "1")) * 120, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs())
def test_random_programs_run_as_the_interpreter_runs_them(program: tuple[Loop, list[Any]]) -> None:
    loop, arrays = program
    fast, slow = both(loop, arrays)
    for x, y in zip(fast, slow, strict=True):
        assert np.array_equal(x, y, equal_nan=True), f"{loop}\n{Schedule(expanded(simplified(loop)))}"


@settings(max_examples=int(os.environ.get("MINIGRAD_FUZZ", "1")) * 200, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs())
def test_a_simplified_loop_computes_the_same(program: tuple[Loop, list[Any]]) -> None:
    loop, arrays = program
    results = []
    for variant in (loop, expanded(simplified(loop))):
        copies = [_like(a) for a in arrays]
        variant.run(copies)
        results.append(copies)
    for x, y in zip(*results, strict=True):
        assert np.array_equal(x, y, equal_nan=True)


# Errors

X = Operand(F32, (1,))


@pytest.mark.parametrize(
    ("code", "operands", "words"),
    [
        ((Load(2),), (X,), "there are operands 0 to 0"),
        ((Load(0), Compute("add", (0, 1))), (X,), "1 is not the number of an earlier value"),
        ((Load(0), Compute("frobnicate", (0,))), (X,), "no operation is called 'frobnicate'"),
        ((Load(0), Compute("add", (0,))), (X,), "add takes 2 arguments, got 1"),
        ((Load(0), Constant(1, "int32"), Compute("add", (0, 1))), (X,), "bring them to one with Compute('astype:...')"),
        ((Load(0), Compute("exp", (0,))), (Operand("int32", (1,)),), "exp takes float32, float64, got int32"),
        ((Load(0), Reduce("mean", 0, (0,))), (X,), "a reduction is one of add"),
        ((Load(0), Reduce("add", 0, (1,))), (X,), "the axes are some of 0 to 0"),
        ((Load(0), Store(1, 0)), (X, Operand(F32, (0,))), "reduce it there first"),
        ((Load(0), Store(1, 0)), (X, Operand(F64, (1,))), "the operand is float64, the value float32"),
        ((Load(0),), (Operand(F32, (1, 1)),), "operand 0 has 2 strides, the space has 1 axes"),
        ((Load(0),), (Operand("complex64", (1,)),), "cast before the loop"),
        ((Load(0), Store(1, 0), Store(1, 0)), (X, X), "stored twice"),
        ((Index(1),), (X,), "the axis is one of 0 to 0"),
    ],
)
def test_a_loop_that_cannot_run_says_why(code: tuple[Step, ...], operands: tuple[Operand, ...], words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(words)):
        Loop((8,), operands, code)


def test_the_maximum_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="not defined"):
        Loop((0,), (X,), (Load(0), Reduce("maximum", 0, (0,))))


@pytest.mark.parametrize("run", [Loop.run, lambda loop, arrays: native.compile_loops([loop])(*arrays)])
def test_arrays_that_do_not_fit_never_reach_the_code(run: Callable[[Loop, list[Any]], None]) -> None:
    loop = Loop((8,), (X, X), (Load(0), Store(1, 0)))
    x = np.zeros(8, F32)
    with pytest.raises(ValueError, match="2 operands, got 1|takes 2 arrays, got 1"):
        run(loop, [x])
    with pytest.raises(TypeError, match="operand 1 is float32, got an array of float64"):
        run(loop, [x, np.zeros(8)])
    with pytest.raises(ValueError, match=re.escape("reaches bytes 0 to 32 of an array that has 28")):
        run(loop, [x, np.zeros(7, F32)])
    with pytest.raises(ValueError, match="read-only"):
        fixed = np.zeros(8, F32)
        fixed.flags.writeable = False
        run(loop, [x, fixed])


def test_only_known_intrinsics_are_compiled() -> None:
    text = "declare float @llvm.exp.f32(float)\ndefine void @kernel(ptr %frame) {\n  ret void\n}\n"
    with pytest.raises(AssertionError, match="must not call llvm.exp.f32"):
        native._machine().compiled(text)


def test_threads_compile_and_run_at_once() -> None:
    """Each call has a frame and a workspace of its own; the interpreter's lock is free while the code runs."""

    def softmax(columns: int) -> float:
        x = np.random.default_rng(columns).normal(0, 1, (50, columns))
        out = np.empty_like(x)
        build = Builder(50, columns)
        e = build.exp(build.load(x))
        build.store(build.divide(e, build.reduce("add", e, 1)), out)
        function = native.compile_loops([build.loop()])
        for _ in range(50):
            function(x, out)
        return float(abs(out - np.exp(x) / np.exp(x).sum(1, keepdims=True)).max())

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert max(pool.map(softmax, [40, 41, 40, 43, 40, 41, 46, 47])) < 1e-14


# The cache

PROGRAM = """
import sys, numpy as np
from minigrad.compiler import native
from minigrad.compiler.loops import *
compiled = 0
def count(self, text, real=native._Machine.compiled):
    global compiled
    compiled += 1
    return real(self, text)
native._Machine.compiled = count
x = Operand("float32", (1,))
out = np.empty(100, "float32")
loop = Loop((100,), (x, x), (Load(0), Compute("exp", (0,)), Store(1, 1)))
native.compile_loops([loop])(np.ones(100, "float32"), out)
assert abs(out - np.e).max() < 1e-6
print(compiled)
"""


def compiles(folder: Path | str, **env: str) -> int:
    """How often a new process that uses a cache compiles."""
    environment = {**os.environ, "MINIGRAD_CACHE": str(folder), "PYTHONPATH": str(Path(__file__).parent.parent), **env}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_a_new_process_finds_the_code_on_the_disk(tmp_path: Path) -> None:
    assert compiles(tmp_path / "new" / "folder") == 1
    assert compiles(tmp_path / "new" / "folder") == 0


def test_a_damaged_file_is_compiled_again(tmp_path: Path) -> None:
    assert compiles(tmp_path) == 1
    (file,) = tmp_path.glob("*.o")
    whole = file.read_bytes()
    for data in (whole[:100], b"", whole[:-1] + bytes([whole[-1] ^ 1]), b"x" * 1000):
        file.write_bytes(data)
        assert compiles(tmp_path) == 1
        assert file.read_bytes() == whole
    assert [p.name for p in tmp_path.iterdir()] == [file.name], "no other file is left"


def test_a_folder_that_cannot_be_used_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    assert compiles(tmp_path / "file" / "below") == 1
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o500)
    assert compiles(closed) == 1
    closed.chmod(0o700)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no owners and modes of files")
def test_a_folder_that_others_may_write_into_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAD_CACHE", str(tmp_path))
    for mode in (0o770, 0o702):
        tmp_path.chmod(mode)
        cache.store("c", b"code")
        assert not list(tmp_path.iterdir())
        tmp_path.chmod(0o700)
        cache.store("c", b"code")
        assert cache.load("c") == b"code"
        tmp_path.chmod(mode)
        assert cache.load("c") is None
        tmp_path.chmod(0o700)
        (tmp_path / "c.o").unlink()
    cache.store("c", b"code")
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    assert cache.load("c") is None
    (tmp_path / "c.o").unlink()
    cache.store("c", b"code")
    assert not list(tmp_path.iterdir())


def test_old_code_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAD_CACHE", str(tmp_path))
    monkeypatch.setattr(cache, "MOST", 8)
    monkeypatch.setattr(cache, "BETWEEN_COUNTS", 4)
    monkeypatch.setattr(cache, "_stores", itertools.count())  # the 1st store counts the files, the 5th and the 9th
    for i in range(9):
        cache.store(f"c{i}", b"code")
        if (tmp_path / f"c{i}.o").exists():
            os.utime(tmp_path / f"c{i}.o", (i, i))
    assert cache.load("c0") is None
    assert cache.load("c1") is None
    assert cache.load("c7") == b"code"


def test_without_llvmlite_all_is_imported_and_the_error_names_the_extra(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['llvmlite'] = None; sys.modules['llvmlite.binding'] = None\n"
        "import numpy as np\n"
        "from minigrad.compiler import native\n"
        "from minigrad.compiler.loops import Load, Loop, Operand, Store\n"
        "print(native.available())\n"
        "x = Operand('float32', (1,))\n"
        "loop = Loop((3,), (x, x), (Load(0), Store(1, 0)))\n"
        "out = np.zeros(3, 'float32'); loop.run([np.ones(3, 'float32'), out]); print(out.sum())\n"
        "try: native.compile_loops([loop])\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent.parent, capture_output=True, text=True)
    assert done.stdout.startswith("False\n3.0\n"), done.stderr
    assert 'pip install ".[fast]"' in done.stdout


def test_loops_that_are_the_same_but_for_their_arrays_are_one_function() -> None:
    x = Operand("float32", (1,))
    loop = Loop((40,), (x, x), (Load(0), Compute("tanh", (0,)), Store(1, 1)), "cell")
    other = Loop((40,), (x, x), (Load(0), Compute("exp", (0,)), Store(1, 1)), "other")
    slots = [[0, 1], [1, 2], [2, 3], [3, 4]]
    text = emit([loop, loop, other, loop], slots).text
    assert text.count("define internal") == 1 and text.count("call void @kernel_0") == 3
    if native.available():
        arrays = [np.linspace(-1, 1, 40).astype("f4"), *(np.zeros(40, "f4") for _ in range(4))]
        native.compile_loops([loop, loop, other, loop], slots)(*arrays)
        expected = np.tanh(np.exp(np.tanh(np.tanh(arrays[0]))))
        np.testing.assert_allclose(arrays[4], expected, rtol=1e-6)


def solver(turns: int, shape: tuple[int, ...]) -> Builder:
    """Turns of an iteration, written out: elements, sums of rows and of all, what is read and written, and constants."""
    build, rng = Builder(*shape), np.random.default_rng(0)
    x, rows = rng.normal(size=shape).astype(F32), np.zeros((*shape[:-1], 1), F32)
    v, first = build.load(x), build.load(rng.normal(size=shape[-1:]).astype(F32))
    total, early = build.constant(0.0), build.cos(v)
    for turn in range(turns):
        slope = build.subtract(build.sin(v), build.multiply(first, build.constant(0.1)))
        for _ in range(8):
            slope = build.multiply(build.add(slope, v), build.constant(0.5))
        mean = build.reduce("add", build.multiply(slope, slope), len(shape) - 1)
        v = build.add(v, build.multiply(slope, build.constant(0.01)))
        v = build.subtract(v, build.multiply(mean, build.constant(1e-3)))
        total = build.add(total, build.reduce("add", v, *range(len(shape))))
        if turn == 1:
            build.step(Store(0, build.multiply(v, v)))  # the last turn reads what was there before
    v = build.add(build.multiply(v, early), build.step(Load(0)))
    build.store(v, np.zeros(shape, F32))
    build.store(mean, rows)
    build.store(total, np.zeros((), F32))
    return build


@pytest.mark.parametrize("shape", [(5, 7), (3,), (2, 3, 20)])
def test_a_long_loop_is_divided_and_equal_turns_are_one_function(shape: tuple[int, ...]) -> None:
    build = solver(60, shape)
    loop = build.loop()
    text = emit([loop]).text
    calls = re.findall(r"call void @(kernel_\d+)", text)
    assert len(calls) >= 15 and len(set(calls)) <= 6
    for ours, expected in zip(*both(loop, build.arrays), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=2e-4, atol=1e-5)


def test_a_long_loop_without_turns_is_divided() -> None:
    build, rng = Builder(33), np.random.default_rng(0)
    x = rng.normal(size=33).astype(F32)
    values = [build.load(x), build.load(rng.normal(size=33).astype(F32))]
    for _ in range(700):
        op = getattr(build, ["add", "subtract", "minimum", "maximum"][rng.integers(4)])
        earlier = values[rng.integers(len(values))]
        values.append(build.multiply(build.constant(0.7), op(earlier, values[-1])))
    build.store(values[-1], np.zeros(33, F32))
    build.step(Store(0, values[500]))
    loop = build.loop()
    assert emit([loop]).text.count("call void @kernel_") >= 5
    for ours, expected in zip(*both(loop, build.arrays), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


def test_a_long_loop_may_exchange_what_arrays_hold() -> None:
    build, count = Builder(3), 300
    loads = [build.load(np.full(3, i, F32)) for i in range(count)]
    total = loads[0]
    for i in range(600):
        total = getattr(build, ["add", "maximum"][i % 2])(total, loads[i % count])
    for i in range(count):
        build.step(Store(i, loads[(i + 1) % count]))
    build.store(total, np.zeros(3, F32))
    for ours, expected in zip(*both(build.loop(), build.arrays), strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_what_pieces_would_leave_in_gigabytes_is_computed_in_one() -> None:
    text = emit([replace(solver(60, (3,)).loop(), space=(1 << 24,))]).text
    assert "call void @kernel_" not in text
