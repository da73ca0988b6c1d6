"""Compiled functions against the NumPy code that they come from, and against PyTorch through the layers' tests."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad
import nn
from minigrad import kernels
from minigrad.kernels import compiled
from minigrad.kernels.compiled import Kernel
from minigrad.ops import reduce
from minigrad.ops.window import (
    Window,
    conv,
    conv_input,
    conv_weight,
    fold,
    max_pool,
    pool_scatter,
    sum_pool,
    sum_unpool,
    unfold,
)  # fmt: skip
from nn.functional import activation, loss, normalization, recurrent

if not kernels.enabled:
    pytest.skip("the accelerator is off: llvmlite is not installed, or MINIGRAD_FAST=0", allow_module_level=True)

rng = np.random.default_rng(0)

#: The check that native code ran, and equals the NumPy code.
Agree = Callable[..., None]

#: The functions of minigrad and nn that may be computed in other ways.
CLAIMED = {
    name
    for package in (minigrad, nn)
    for path in Path(package.__file__).parent.rglob("*.py")
    for name in re.findall(r'^@accelerated\("(\w*)".*\)$', path.read_text("utf-8"), re.MULTILINE)
}


def draw(*shape: int) -> Any:
    return rng.normal(size=shape).astype(np.float32)


@pytest.fixture
def agree(ran: list[str]) -> Agree:
    """The check of an accelerated function."""

    def check(function: Any, *args: Any, atol: float = 2e-6, runs: bool = True, **options: Any) -> None:
        """Native code ran (or did not, where it takes no such arguments), and equals the NumPy code in float64."""
        ran.clear()
        fast = function(*args, **options)
        assert bool(ran) == runs
        plain = function.__wrapped__
        expected = plain(*(a.astype(np.float64) if getattr(a, "dtype", None) == np.float32 else a for a in args), **options)
        for got, want in zip(*((v if isinstance(v, (tuple, list)) else [v]) for v in (fast, expected)), strict=True):
            if want is None:
                assert got is None
                continue
            scale = max(float(np.abs(want[np.isfinite(want)]).max(initial=0)), 1.0)
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=atol * scale)

    return check


SHAPES = [(64, 64), (3, 1000), (3000, 3), (7, 33, 17), (2048, 1), (1, 5000)]


@pytest.mark.parametrize("shape", SHAPES)
def test_softmax(shape: tuple[int, ...], agree: Agree) -> None:
    for scale in (1.0, 30.0):
        x, g = scale * draw(*shape), draw(*shape)
        for forward, rule in ((reduce.softmax, reduce.softmax_rule), (reduce.log_softmax, reduce.log_softmax_rule)):
            agree(forward.op.forward, x, axis=-1)
            agree(rule, g, forward.op.forward(x, axis=-1), -1)
    infinite = draw(64, 64)
    infinite[::2, ::3] = -np.inf
    agree(reduce.softmax.op.forward, infinite, axis=-1)
    assert (reduce.softmax.op.forward(infinite, axis=-1)[::2, ::3] == 0).all()
    infinite[3, 4] = np.nan
    assert np.isnan(reduce.softmax.op.forward(infinite, axis=-1)).sum() == 64


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("affine", [True, False])
def test_layer_norm(shape: tuple[int, ...], affine: bool, agree: Agree) -> None:
    x, g = 3 + 2 * draw(*shape), draw(*shape)
    weight, bias = (draw(shape[-1]), draw(shape[-1])) if affine else (None, None)
    forward, rule = normalization.layer_norm_rows.op.forward, normalization._layer_norm_rule
    agree(forward, x, weight, bias, 1e-3, atol=1e-5)
    _, mean, scale = forward.__wrapped__(x, weight, bias, 1e-3)
    agree(rule, g, (True, affine, affine), x, weight, mean, scale, atol=1e-5)
    agree(rule, np.broadcast_to(np.float32(1.0), shape), (True, affine, affine), x, weight, mean, scale, atol=1e-5)


@pytest.mark.parametrize("size", [2048, 100_001])
def test_gelu(size: int, agree: Agree) -> None:
    x = np.linspace(-9, 9, size, dtype=np.float32)
    agree(activation.gelu_exact.op.forward, x)
    agree(activation.gelu_rule, draw(size), x)
    edge = np.full(3000, np.nan, np.float32)
    edge[:3] = np.inf, -np.inf, 0.0
    with np.errstate(invalid="ignore"):
        out = activation.gelu_exact.op.forward(edge)
    assert out[0] == np.inf and out[2] == 0 and np.isnan(out[3:]).all()


@pytest.mark.parametrize("rows", [5, 300, 100_000])
def test_sums_of_rows(rows: int) -> None:
    from minigrad.arrays.row_sparse import RowSparse, add_rows

    values, index = draw(3000, 7), rng.integers(0, rows, 3000)
    expected = np.zeros((rows, 7))
    np.add.at(expected, index, values.astype(np.float64))
    coalesced = RowSparse(values, index, (rows, 7)).coalesce()
    np.testing.assert_array_equal(coalesced.rows, np.unique(index))
    np.testing.assert_allclose(coalesced.values, expected[np.unique(index)], rtol=1e-5, atol=1e-4)
    for function in (add_rows, add_rows.__wrapped__):
        out = np.zeros((rows, 7), np.float32)
        function(out, index, values)
        np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-4)


CONVOLUTIONS = [
    # images, inputs, outputs, groups, spatial axes, options of the window
    (3, 1, 6, 1, (28, 28), {"size": 5, "padding": 2}),
    (4, 6, 16, 1, (14, 14), {"size": 5}),
    (2, 16, 16, 16, (17, 13), {"size": 3, "padding": 1}),
    (2, 16, 32, 16, (17, 13), {"size": (3, 1), "padding": (1, 0), "dilation": (2, 1)}),
    (3, 4, 7, 1, (20, 21), {"size": (2, 4), "padding": ((0, 1), (2, 1))}),
    (5, 3, 5, 1, (300,), {"size": 7, "padding": 3, "dilation": 2}),
    (2, 6, 9, 3, (12, 31), {"size": 3, "padding": 2}),
    (9, 2, 2, 2, (500,), {"size": 4}),
    (4, 3, 9, 1, (35, 47), {"size": 11, "stride": 4}),
    (6, 4, 6, 2, (30, 33), {"size": (3, 4), "stride": (2, 3), "padding": (1, 2), "dilation": (1, 2)}),
    (4, 5, 5, 1, (501,), {"size": 5, "stride": 2, "padding": 3}),
    (2, 60, 50, 1, (15, 16), {"size": 3, "padding": 1}),
    (2, 200, 50, 1, (15, 16), {"size": 3, "padding": 1}),
]


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_convolution(case: Any, agree: Agree) -> None:
    images, inside, outside, groups, shape, options = case
    window = Window.over(shape, **options)
    x, w = draw(images, inside, *shape), draw(outside, inside // groups, *window.size)
    g = draw(images, outside, *window.out)
    agree(conv.op.forward, x, w, window, groups)
    agree(conv_input.op.forward, g, w, window, groups)
    agree(conv_weight.op.forward, x, g, window, groups)


@pytest.mark.parametrize(
    "options", [{}, {"stride": 2}, {"padding": 2, "dilation": 2}, {"stride": (3, 1), "padding": (1, 0)}], ids=str
)
def test_columns(options: Any, ran: list[str]) -> None:
    window = Window.over((19, 23), (4, 3), **options)
    x = draw(2, 5, 19, 23)
    ran.clear()
    columns = unfold.op.forward(x, window)
    assert ran == ["unfold"]
    np.testing.assert_array_equal(columns, unfold.op.forward(x.astype(np.float64), window))
    g = draw(*columns.shape)
    assert np.sum(columns * g) == pytest.approx(np.sum(x * fold.op.forward(g, window)), rel=1e-3)  # transposes


@pytest.mark.parametrize("options", [{}, {"padding": 1}, {"stride": 1, "dilation": 2}, {"stride": 2, "ceil_mode": True}], ids=str)
@pytest.mark.parametrize("shape", [(19, 23), (300,)], ids=str)
def test_max_pool(options: Any, shape: tuple[int, ...], agree: Agree) -> None:
    window = Window.over(shape, 3, **{"stride": 3, **options})
    x = np.round(draw(4, 16, *shape), 1)  # with ties
    agree(max_pool.op.forward, x, window)
    out, index = max_pool.op.forward(x, window)
    agree(pool_scatter.op.forward, draw(*out.shape), index, window)
    x[0, 0] = -np.inf
    assert (max_pool.op.forward(x, window)[0][0, 0] == -np.inf).all()
    x[1, 1] = np.nan
    assert np.isnan(max_pool.op.forward(x, window)[0]).sum() == out[0, 0].size


@pytest.mark.parametrize("options", [{}, {"padding": 1}, {"stride": 1, "dilation": 2}, {"stride": 2, "ceil_mode": True}], ids=str)
@pytest.mark.parametrize("shape", [(19, 23), (300,)], ids=str)
def test_sum_pool(options: Any, shape: tuple[int, ...], agree: Agree) -> None:
    window = Window.over(shape, 3, **{"stride": 3, **options})
    agree(sum_pool.op.forward, draw(4, 16, *shape), window)
    agree(sum_unpool.op.forward, draw(4, 16, *window.out), window)


@pytest.mark.parametrize("shape", [(40, 100), (2048, 3), (7, 33, 17)])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("ignored", [0, 5])
def test_cross_entropy(shape: tuple[int, ...], reduction: str, ignored: int, agree: Agree) -> None:
    logits, target = 3 * draw(*shape), rng.integers(0, shape[1], (shape[0], *shape[2:]))
    target[:ignored] = -100
    agree(loss._cross_entropy.op.forward, logits, target, None, -100, reduction, atol=1e-5)
    out, lse = loss._cross_entropy.op.forward(logits, target, None, -100, reduction)
    agree(loss._slope, logits, target, None, lse, draw(*out.shape), -100, reduction)


def test_a_class_that_is_none_is_numpys_error() -> None:
    logits, target = draw(64, 64), rng.integers(0, 64, 64)
    loss._cross_entropy.op.forward(logits, target, None, -100, "mean")
    for wrong in (64, -65, 2**32):
        with pytest.raises(IndexError):
            loss._cross_entropy.op.forward(logits, np.where(np.arange(64) == 7, wrong, target), None, -100, "mean")


@pytest.mark.parametrize("size", [1, 5, 16, 31, 100])
def test_a_step_of_an_lstm(size: int, ran: list[str]) -> None:
    batch = min(2048 // size, 1000)
    half = np.repeat(np.float32([0.5, 0.5, 1.0, 0.5]), size)
    z, gates = draw(batch, 4 * size), 0.5 + 0.4 * np.tanh(draw(batch, 4 * size))
    h, c, tanh_c, through, *rest = (draw(batch, size) for _ in range(7))
    forward = [z, h, draw(size, 4 * size), half, c, *rest]
    back = [gates, c, tanh_c, through, draw(batch, size), z.copy(), draw(4 * size, size)]
    for function, args in ((recurrent.lstm_step, forward), (recurrent.lstm_step_back, back)):
        one, two = [a.copy() for a in args], [a.astype(np.float64) for a in args]
        ran.clear()
        got = function(*one)
        assert ran == [function.__name__]
        want = function.__wrapped__(*two)
        for a, b in [*zip(one, two, strict=True), *([] if want is None else [(got, want)])]:
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_adam_in_one_pass(ran: list[str]) -> None:
    from nn.optim.adam import adam_step

    for size in (2048, 2049, 2079, 100_003):
        arrays = [draw(size), draw(size), draw(size), np.abs(draw(size)), np.abs(draw(size))]
        for most in (False, True):
            one, two = [a.copy() for a in arrays], [a.astype(np.float64) for a in arrays]
            for given in (one, two):
                given[4:] = given[4:] if most else [None]
            adam_step(*one, 0.1, 0.01, 0.1, 1e-8)
            adam_step.__wrapped__(*two, 0.1, 0.01, 0.1, 1e-8)
            for a, b in zip(one[: 5 if most else 4], two, strict=False):
                np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    assert ran.count("adam_step") == 8


def test_native_code_that_does_not_run_is_seen(monkeypatch: pytest.MonkeyPatch, agree: Agree) -> None:
    """The tests here would fail without it, they would not compare the NumPy code with itself."""
    x = draw(64, 64)
    agree(reduce.softmax.op.forward, x, axis=-1)
    monkeypatch.setattr(kernels, "enabled", False)
    with pytest.raises(AssertionError):
        agree(reduce.softmax.op.forward, x, axis=-1)


def test_log_softmax_of_large_numbers_keeps_its_digits(agree: Agree) -> None:
    x = np.full((8, 512), 1e6, np.float32)
    agree(reduce.log_softmax.op.forward, x, axis=-1)
    np.testing.assert_allclose(reduce.log_softmax.op.forward(x, axis=-1), -np.log(512), rtol=1e-6)


def test_an_infinity_stays_in_the_places_that_see_it(agree: Agree) -> None:
    """Forward and both gradients, where windows overlap and where numbers of taps are no multiple of four."""
    x, w = np.ones((1, 1, 64, 64), np.float32), np.ones((1, 1, 3, 3), np.float32)
    window = Window.over((64, 64), 3)
    g = np.ones((1, 1, *window.out), np.float32)
    x[0, 0, 63, 63] = np.inf
    assert np.isinf(conv.op.forward(x, w, window)[0, 0]).sum() == 1
    assert np.isfinite(conv_weight.op.forward(x, g, window)[0, 0]).sum() == 8
    w[0, 0, 0, 0] = np.inf
    agree(conv_input.op.forward, g, w, window, runs=False)
    padded = Window.over((64, 64), 3, padding=2)
    agree(conv_input.op.forward, np.ones((1, 1, *padded.out), np.float32), w, padded, runs=False)
    assert np.isfinite(conv_input.op.forward(g, w, window)[0, 0]).sum() == 64**2 - 62**2


def test_adam_after_a_gradient_that_overflows_goes_on() -> None:
    """An infinite mean square makes steps of 0, with the kernel and without."""
    from nn.optim.adam import adam_step

    for step in (adam_step, adam_step.__wrapped__):
        p, g, m, v = (np.zeros(4096, np.float32) for _ in range(4))
        for gradient in (1e25, 1.0, 1.0):
            g[0] = gradient
            with np.errstate(over="ignore"):
                step(p, g, m, v, None, 0.1, 0.001, 0.1, 1e-8)
        assert v[0] == np.inf and p[0] == 0


def test_one_function_in_several_threads() -> None:
    """Each call has memory of its own for what lies between its loops."""
    logits, target = draw(500, 300), rng.integers(0, 300, 500)
    images, weights, window = draw(4, 8, 30, 30), draw(8, 8, 3, 3), Window.over((30, 30), 3, padding=1)
    wrong: list[int] = []

    def results(k: int) -> list[Any]:
        out = loss._cross_entropy.op.forward(logits * k, target, None, -100, "none")[0]
        return [out, conv.op.forward(images * k, weights, window, 1), Kernel.__call__(scaled, logits, float(k))]

    scaled = Kernel(lambda x, factor: np.exp(x) * factor)
    expected = [results(k) for k in range(1, 5)]

    def work(k: int) -> None:
        for _ in range(30):
            if not all(map(np.array_equal, results(k), expected[k - 1])):
                wrong.append(k)

    callers = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    for thread in callers:
        thread.start()
    for thread in callers:
        thread.join()
    assert not wrong


def test_a_compiled_step_does_not_take_native_code_for_its_state() -> None:
    from minigrad.compiler.state import reachable

    reduce.softmax.op.forward(draw(64, 64), axis=-1)
    state = reachable(reduce.softmax)
    assert not state.arrays and not any(isinstance(x, Kernel) for x in state.seen.values())


def test_results_are_no_buffers_of_later_calls() -> None:
    x = draw(64, 64)
    first = reduce.softmax.op.forward(x, axis=-1)
    kept = first.copy()
    reduce.softmax.op.forward(x + 1, axis=-1)
    np.testing.assert_array_equal(first, kept)
    assert first.flags.owndata and first.flags.writeable


def test_numbers_may_change_from_call_to_call() -> None:
    scaled = Kernel(lambda x, factor: x * (1 - factor))
    x = draw(100)
    for factor in (0.5, 2.0, -1e30, np.inf):
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(scaled(x, factor), x * (1 - factor))
    assert len(scaled.versions) == 1


def test_what_depends_on_a_number_or_on_values_is_not_compiled() -> None:
    for function in (
        lambda x, factor: x * 2 if factor > 1 else x,
        lambda x, factor: x * 2 if x.sum() > 1 else x,
        lambda x, factor: np.sort(x),
        lambda x, factor: factor,
    ):
        assert Kernel(function)(draw(10), 2.0) is NotImplemented


def test_what_is_wrong_in_the_compiler_is_a_warning_and_numpys_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a fault")

    monkeypatch.setattr(compiled, "fused", broken)
    x = draw(3, 1001)
    with pytest.warns(UserWarning, match="softmax is not compiled: AssertionError"):
        got = reduce.softmax.op.forward(x, axis=-1)
    np.testing.assert_array_equal(got, reduce.softmax.op.forward.__wrapped__(x, axis=-1))


def test_a_bounded_number_of_versions_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "MOST", 3)
    double = Kernel(lambda x: x + x)
    for n in (*range(1, 8), 1, 7):
        np.testing.assert_array_equal(double(np.ones(n)), np.full(n, 2.0))
    assert len(double.versions) == 3


def test_every_kernel_that_is_provided_stands_for_a_function() -> None:
    """A name that no function claims would never run."""
    for name in {*kernels.ways, *kernels.ways_on_gpu}:
        for way in (*kernels.ways.get(name, ()), *kernels.ways_on_gpu.get(name, ())):
            assert callable(getattr(importlib.import_module(way.module), way.name))
        assert name in CLAIMED, name


def test_it_can_be_turned_off() -> None:
    code = "import sys, numpy as np; from minigrad import kernels, Tensor; from nn.functional import softmax\n"
    code += "softmax(Tensor(np.ones((100, 100), np.float32), requires_grad=True)).sum().backward()\n"
    code += "print(kernels.enabled, 'llvmlite' in sys.modules)"
    for value, expected in (("0", "False False"), ("1", "True True")):
        environment = {**os.environ, "MINIGRAD_FAST": value}
        assert subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).strip() == expected


@pytest.mark.parametrize("kind", ["ImportError", "OSError"])
def test_where_llvmlite_cannot_be_imported_numpy_computes(kind: str) -> None:
    """A warning says so, once, where it is there but broken."""
    code = "import sys, warnings, numpy as np\n"
    code += "class Broken:\n"
    code += "    def find_spec(self, name, path=None, target=None):\n"
    code += f"        if name.startswith('llvmlite.'): raise {kind}('a library is missing')\n"
    code += "sys.meta_path.insert(0, Broken())\n"
    code += "import minigrad\nfrom nn.functional import softmax, log_softmax\n"
    code += "with warnings.catch_warnings(record=True) as caught:\n"
    code += "    warnings.simplefilter('always')\n"
    code += "    out = softmax(np.zeros((100, 50), np.float32)), log_softmax(np.zeros((100, 50), np.float32))\n"
    code += "said = str(caught[0].message).startswith('the accelerator is off: llvmlite cannot')\n"
    code += "print(len(caught), said, float(out[0][0, 0]), minigrad.kernels.enabled)"
    out = subprocess.check_output([sys.executable, "-c", code], text=True).strip()
    assert out == "1 True 0.019999999552965164 False"


def test_a_cache_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("where a folder would be", "utf-8")
    code = "import numpy as np; from nn.functional import softmax\n"
    code += "print(float(softmax(np.zeros((100, 50), np.float32))[0, 0]))"
    environment = {**os.environ, "MINIGRAD_CACHE": str(tmp_path / "file")}
    assert subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).strip() == "0.019999999552965164"
