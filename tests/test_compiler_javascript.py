"""Loops as JavaScript, run by Node or a browser, against NumPy and the interpreter.

Many tests of native code hold of this code as well.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minigrad.compiler import native
from minigrad.compiler.formulas import FORMULAS
from minigrad.compiler.javascript.functions import Functions
from minigrad.compiler.javascript.writer import written
from minigrad.compiler.loops import Compute, Load, Loop, Operand, Reduce, Store
from minigrad.compiler.operations import OPERATIONS, result_dtype

from .javascript_engine import MISSING, NODE, Engine, available, engine
from .loop_builder import Builder
from .test_compiler_loops import (  # noqa: F401  (these run here once more)
    CASES,
    F32,
    F64,
    _like,
    arguments,
    programs,
    same,
    test_a_part_of_the_space_is_updated_once,
    test_a_result_for_each_row_survives_a_sum_over_all_rows,
    test_a_row_that_a_later_sweep_reads_is_overwritten_after_it,
    test_a_row_that_every_row_reads_is_overwritten_once_and_last,
    test_an_empty_axis_sums_to_nothing_and_the_rest_is_done,
    test_an_offset_begins_inside_of_the_array,
    test_an_update_in_place,
    test_any_layout,
    test_batch_norm_over_images,
    test_batches_of_products,
    test_casts_give_what_numpy_gives,
    test_maximum_passes_nan_on,
    test_pooling_and_convolution_are_loops,
    test_powers_with_a_constant_exponent,
    test_products_of_matrices,
    test_reductions_over_any_axes,
    test_softmax_in_place,
    test_stores_wait_for_the_last_load_of_what_they_overwrite,
    test_sums_of_columns_are_more_exact_than_numpys,
    test_sums_over_different_axes_do_not_count_each_others_points,
)

pytestmark = [pytest.mark.skipif(not available(), reason=MISSING), *([] if NODE else [pytest.mark.browser])]


@pytest.fixture(scope="module")
def javascript() -> Iterator[Engine]:
    with engine() as running:
        yield running


@pytest.fixture(autouse=True)
def instead_of_native_code(javascript: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests of native code run loops in JavaScript."""

    def compile_loops(loops: Any, slots: Any = None) -> Any:
        (loop,) = loops
        return lambda *arrays: javascript.run_loops([loop], [arrays])

    monkeypatch.setattr(native, "compile_loops", compile_loops)


def test_every_operation_gives_what_numpy_gives(javascript: Engine) -> None:
    """Of whole numbers of 64 bits those that float64 holds."""
    loops, given, wanted = [], [], []
    for name, dtype in CASES:
        arrays = [_exact(a) for a in arguments(name, dtype)]
        with np.errstate(all="ignore"):
            out = np.asarray(OPERATIONS[name].function(*arrays)).astype(result_dtype(name, tuple(str(a.dtype) for a in arrays)))
        kept = _exact(out) == out if out.dtype.itemsize == 8 and out.dtype.kind in "iu" else np.ones(out.shape, bool)
        build = Builder(len(arrays[0]))
        build.store(build.step(Compute(name, tuple(build.load(a) for a in arrays))), np.empty_like(out))
        loops.append(build.loop())
        given.append(build.arrays)
        wanted.append((kept, out))
    javascript.run_loops(loops, given)
    wrong = []
    for (name, dtype), arrays, (kept, out) in zip(CASES, given, wanted, strict=True):
        digits = (
            {F32: 1e-6, F64: 1e-14 if name == "erfc" else 2e-15}.get(dtype, 0.0) if name in FORMULAS or name == "fma" else 0.0
        )
        good = same(arrays[-1], out, digits) | ~kept
        if name in ("fmax", "fmin", "maximum", "minimum"):
            good |= (arrays[-1] == 0) & (out == 0)  # which of -0 and 0 is larger
        if name in ("copysign", "signbit"):
            good |= np.isnan(arrays[0]) | np.isnan(arrays[-2])  # JavaScript's NaN has no sign
        wrong += [(name, dtype, *(a[i] for a in arrays), out[i]) for i in np.flatnonzero(~good)[:2]]
    assert not wrong, wrong[:20]


def _exact(x: Any) -> Any:
    """Whole numbers, of which those are 1 that float64 does not hold."""
    if x.dtype.kind not in "iu" or x.dtype.itemsize < 8:
        return x
    return np.where((x > 2**53) | (x < 0) if x.dtype.kind == "u" else abs(x.astype(float)) > 2**53, x.dtype.type(1), x)


@settings(max_examples=int(os.environ.get("MINIGRAD_FUZZ", "1")) * 6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(programs(), min_size=20, max_size=20))
def test_random_loops_run_as_the_interpreter_runs_them(javascript: Engine, several: list[tuple[Loop, list[Any]]]) -> None:
    """Twenty at once; whole numbers, so that the order of sums does not matter."""
    fast, slow = ([[_like(a) for a in arrays] for _, arrays in several] for _ in range(2))
    javascript.run_loops([loop for loop, _ in several], fast)
    for (loop, _), one, other in zip(several, fast, slow, strict=True):
        loop.run(other)
        for x, y in zip(one, other, strict=True):
            assert np.array_equal(x, y, equal_nan=True), f"{loop}\n{written(loop).text}"


def test_float32_has_numpys_digits(javascript: Engine) -> None:
    """Sums, products and quotients are rounded one by one, as NumPy rounds them, also where a loop holds many."""
    rng = np.random.default_rng(0)
    x, y, out = *rng.normal(0, 1, (2, 10_000)).astype(F32), np.empty(10_000, F32)
    build = Builder(10_000)
    a, b = build.load(x), build.load(y)
    build.store(build.sqrt(build.absolute(build.divide(build.subtract(build.multiply(a, b), a), b))), out)
    javascript.run_loops([build.loop()], [build.arrays])
    assert (out == np.sqrt(np.abs((x * y - x) / y))).all()


def test_loops_over_other_shapes_are_one_function() -> None:
    x = Operand(F32, (1,))
    code = (Load(0), Compute("tanh", (0,)), Store(1, 1))
    texts = [written(Loop((n,), (x, x), code)) for n in (3, 1000)]
    assert texts[0].text == texts[1].text
    assert [t.numbers for t in texts] == [(3,), (1000,)]
    functions = Functions()
    assert functions.number(texts[0].text, (F32, F32)) == functions.number(texts[1].text, (F32, F32))
    assert functions.number(texts[0].text, (F64, F64)) == 1  # its own: one that meets both is slow


def test_products_are_tiled() -> None:
    x, w, out = Operand(F32, (64, 0, 1)), Operand(F32, (0, 1, 64)), Operand(F32, (64, 1, 0))
    code = (Load(0), Load(1), Compute("multiply", (0, 1)), Reduce("add", 2, (2,)), Store(2, 3))
    text = written(Loop((64, 64, 64), (x, w, out), code)).text
    assert text.count("+= u") == 16


def test_what_takes_long_is_computed_once(javascript: Engine) -> None:
    """Softmax over rows keeps a row; where columns are summed too, all of it."""
    x = np.random.default_rng(0).normal(0, 1, (7, 5)).astype(F64)
    outs = np.empty_like(x), np.empty((1, 5)), np.empty((1, 1))
    build = Builder(7, 5)
    v = build.load(x)
    e = build.exp(build.subtract(v, build.reduce("maximum", v, 1)))
    p = build.divide(e, build.reduce("add", e, 1))
    build.store(p, outs[0])
    build.store(build.reduce("add", build.tanh(p), 0), outs[1])
    build.store(build.reduce("add", build.exp(build.subtract(p, build.reduce("maximum", p, 0, 1))), 0, 1), outs[2])
    javascript.run_loops([build.loop()], [build.arrays])
    right = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(outs[0], right, rtol=1e-14)
    np.testing.assert_allclose(outs[1], np.tanh(right).sum(axis=0, keepdims=True), rtol=1e-14)
    np.testing.assert_allclose(outs[2], np.exp(right - right.max()).sum(keepdims=True), rtol=1e-14)
    build = Builder(7, 5)
    v = build.load(x)
    e = build.exp(build.subtract(v, build.reduce("maximum", v, 1)))
    build.store(build.divide(e, build.reduce("add", e, 1)), outs[0])
    assert written(build.loop()).text.count("Math.exp") == 1
