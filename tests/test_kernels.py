"""The accelerator's kernels against the NumPy code that they stand for, and against PyTorch through the layers' tests."""

from __future__ import annotations

import importlib
import itertools
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad
import nn
from minigrad import kernels
from minigrad.kernels import convolution
from minigrad.ops import reduce
from minigrad.ops.window import Window, conv, conv_input, conv_weight, fold, max_pool, pool_scatter, unfold
from nn.functional import activation, normalization

if not kernels.enabled:
    pytest.skip("the accelerator is off: numba is not installed, or MINIGRAD_FAST=0", allow_module_level=True)

rng = np.random.default_rng(0)

#: The functions of minigrad and nn that may be computed in other ways.
CLAIMED = {
    name
    for package in (minigrad, nn)
    for path in Path(package.__file__).parent.rglob("*.py")
    for name in re.findall(r'^@accelerated\("(.*)"\)$', path.read_text(), re.MULTILINE)
}


def draw(*shape: int) -> Any:
    return rng.normal(size=shape).astype(np.float32)


#: The names of the compiled kernels that computed something in this test.
ran: list[str] = []


@pytest.fixture(autouse=True)
def _note_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    call = kernels.Way.__call__

    def noted(way: kernels.Way, *args: Any, **kwargs: Any) -> Any:
        out = call(way, *args, **kwargs)
        if out is not NotImplemented and way.compiled:
            ran.append(way.name)
        return out

    monkeypatch.setattr(kernels.Way, "__call__", noted)


def agree(function: Any, *args: Any, atol: float = 2e-6, runs: bool = True, **options: Any) -> None:
    """The kernel ran (or did not, where it takes no such arguments), and equals the NumPy code in float64."""
    ran.clear()
    fast = function(*args, **options)
    assert (function.__name__.lstrip("_") in ran) == runs
    plain = function.__wrapped__
    expected = plain(*(a.astype(np.float64) if getattr(a, "dtype", None) == np.float32 else a for a in args), **options)
    for got, want in zip(*((v if isinstance(v, (tuple, list)) else [v]) for v in (fast, expected)), strict=True):
        if want is None:
            continue
        scale = max(float(np.abs(want[np.isfinite(want)]).max(initial=0)), 1.0)
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=atol * scale)


SHAPES = [(64, 64), (3, 1000), (3000, 3), (7, 33, 17), (2048, 1), (1, 5000)]


@pytest.mark.parametrize("shape", SHAPES)
def test_softmax(shape: tuple[int, ...]) -> None:
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
def test_layer_norm(shape: tuple[int, ...], affine: bool) -> None:
    x, g = 3 + 2 * draw(*shape), draw(*shape)
    weight, bias = (draw(shape[-1]), draw(shape[-1])) if affine else (None, None)
    forward, rule = normalization.layer_norm_rows.op.forward, normalization._layer_norm_rule
    agree(forward, x, weight, bias, 1e-3, atol=1e-5)
    _, mean, scale = forward.__wrapped__(x, weight, bias, 1e-3)
    agree(rule, g, (True, affine, affine), x, weight, mean, scale, atol=1e-5)
    agree(rule, np.broadcast_to(np.float32(1.0), shape), (True, affine, affine), x, weight, mean, scale, atol=1e-5)


@pytest.mark.parametrize("size", [2048, 100_001])
def test_gelu(size: int) -> None:
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
    (2, 3, 9, 1, (35, 47), {"size": 11, "stride": 4}),
    (2, 4, 6, 2, (30, 33), {"size": (3, 4), "stride": (2, 3), "padding": (1, 2), "dilation": (1, 2)}),
    (4, 5, 5, 1, (501,), {"size": 5, "stride": 2, "padding": 3}),
    (2, 60, 50, 1, (15, 16), {"size": 3, "padding": 1}),
    (2, 200, 50, 1, (15, 16), {"size": 3, "padding": 1}),
]


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_convolution(case: Any) -> None:
    images, inside, outside, groups, shape, options = case
    window = Window.over(shape, **options)
    x, w = draw(images, inside, *shape), draw(outside, inside // groups, *window.size)
    g = draw(images, outside, *window.out)
    few = inside <= 128  # the kernel leaves many channels to matrix products
    agree(conv.op.forward, x, w, window, groups, runs=few)
    agree(conv_input.op.forward, g, w, window, groups, runs=convolution.mirrored(window) is not None)
    agree(conv_weight.op.forward, x, g, window, groups, runs=few)


@pytest.mark.parametrize(
    "options", [{}, {"stride": 2}, {"padding": 2, "dilation": 2}, {"stride": (3, 1), "padding": (1, 0)}], ids=str
)
def test_columns(options: Any) -> None:
    window = Window.over((19, 23), (4, 3), **options)
    x = draw(2, 5, 19, 23)
    ran.clear()
    columns = unfold.op.forward(x, window)
    assert ran == ["fill"]
    np.testing.assert_array_equal(columns, unfold.op.forward(x.astype(np.float64), window))
    g = draw(*columns.shape)
    assert np.sum(columns * g) == pytest.approx(np.sum(x * fold.op.forward(g, window)), rel=1e-3)  # transposes


@pytest.mark.parametrize("options", [{}, {"padding": 1}, {"stride": 1, "dilation": 2}, {"stride": 2, "ceil_mode": True}], ids=str)
@pytest.mark.parametrize("shape", [(19, 23), (300,)], ids=str)
def test_max_pool(options: Any, shape: tuple[int, ...]) -> None:
    window = Window.over(shape, 3, **{"stride": 3, **options})
    x = np.round(draw(4, 16, *shape), 1)  # with ties
    agree(max_pool.op.forward, x, window)
    out, index = max_pool.op.forward(x, window)
    agree(pool_scatter.op.forward, draw(*out.shape), index, window)
    x[0, 0] = -np.inf
    assert (max_pool.op.forward(x, window)[0][0, 0] == -np.inf).all()
    x[1, 1] = np.nan
    assert np.isnan(max_pool.op.forward(x, window)[0]).sum() == out[0, 0].size


def test_kernels_run_in_several_threads_at_once() -> None:
    x = draw(1000, 200)
    expected, wrong = reduce.softmax.op.forward(x, axis=-1), []

    def work() -> None:
        for _ in range(50):
            if not np.array_equal(reduce.softmax.op.forward(x, axis=-1), expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_work_is_cut_into_whole_parts() -> None:
    from minigrad.kernels.threads import chunks, spread

    for rows, size in itertools.product((1, 2, 3, 7), (10, 10**7)):
        seen: list[tuple[int, int, int]] = []
        spread(lambda start, stop, part: seen.append((start, stop, part)), rows, size)  # noqa: B023
        assert len(seen) == chunks(rows, size)
        assert sorted(i for start, stop, _ in seen for i in range(start, stop)) == list(range(rows))
    with pytest.raises(ZeroDivisionError):
        spread(lambda start, stop, part: 1 // (part - chunks(8, 10**7) + 1), 8, 10**7)


def test_every_kernel_that_is_provided_stands_for_a_function() -> None:
    """A name that no function claims would never run."""
    for name, own in kernels.ways.items():
        for way in own:
            assert callable(getattr(importlib.import_module(way.module), way.name))
        assert name in CLAIMED, name


def test_it_can_be_turned_off() -> None:
    code = "import sys, numpy as np; from minigrad import kernels, Tensor; from nn.functional import softmax\n"
    code += "softmax(Tensor(np.ones((100, 100), np.float32), requires_grad=True)).sum().backward()\n"
    code += "print(kernels.enabled, 'numba' in sys.modules)"
    for value, expected in (("0", "False False"), ("1", "True True")):
        environment = {**os.environ, "MINIGRAD_FAST": value}
        assert subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).strip() == expected


def test_a_numba_that_cannot_be_imported_turns_it_off_with_a_warning() -> None:
    code = "import sys, warnings, numpy as np; sys.modules['numba'] = None\n"
    code += "import minigrad\nfrom nn.functional import softmax, log_softmax\n"
    code += "with warnings.catch_warnings(record=True) as caught:\n"
    code += "    out = softmax(np.zeros((100, 50), np.float32)), log_softmax(np.zeros((100, 50), np.float32))\n"
    code += "print(len(caught), str(caught[0].message)[:60], float(out[0][0, 0]), minigrad.kernels.enabled)"
    finder = "import importlib.util as u; find = u.find_spec; u.find_spec = lambda n, *a: True if n == 'numba' else find(n, *a)\n"
    out = subprocess.check_output([sys.executable, "-c", finder + code], text=True).strip()
    assert out == "1 minigrad's accelerator is off, because numba cannot be impor 0.019999999552965164 False"


def test_a_way_is_compiled_unless_it_says_otherwise() -> None:
    assert kernels.Way("module", "name").compiled
    assert not kernels.Way("module", "name", compiled=False).compiled
