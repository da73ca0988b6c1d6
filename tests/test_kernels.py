"""The accelerator's kernels against the NumPy code that they stand for, and against PyTorch through the layers' tests."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import itertools
import os
import pickle
import queue
import re
import shutil
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
from minigrad.kernels import cache, convolution, scalar, threads
from minigrad.ops import reduce
from minigrad.ops.window import Window, conv, conv_input, conv_weight, fold, max_pool, pool_scatter, unfold
from nn.functional import activation, normalization

if not kernels.enabled:
    pytest.skip("the accelerator is off: numba is not installed, or MINIGRAD_FAST=0", allow_module_level=True)

rng = np.random.default_rng(0)

#: The check that a kernel ran, and equals the NumPy code.
Agree = Callable[..., None]

#: The functions of minigrad and nn that may be computed in other ways.
CLAIMED = {
    name
    for package in (minigrad, nn)
    for path in Path(package.__file__).parent.rglob("*.py")
    for name in re.findall(r'^@accelerated\("(.*)"\)$', path.read_text(), re.MULTILINE)
}


def draw(*shape: int) -> Any:
    return rng.normal(size=shape).astype(np.float32)


@pytest.fixture
def agree(ran: list[str]) -> Agree:
    """The check of a function that has a kernel."""

    def check(function: Any, *args: Any, atol: float = 2e-6, runs: bool = True, **options: Any) -> None:
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
    (2, 3, 9, 1, (35, 47), {"size": 11, "stride": 4}),
    (2, 4, 6, 2, (30, 33), {"size": (3, 4), "stride": (2, 3), "padding": (1, 2), "dilation": (1, 2)}),
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
    few = inside <= 128  # the kernel leaves many channels to matrix products
    agree(conv.op.forward, x, w, window, groups, runs=few)
    agree(conv_input.op.forward, g, w, window, groups, runs=convolution.mirrored(window) is not None)
    agree(conv_weight.op.forward, x, g, window, groups, runs=few)


@pytest.mark.parametrize(
    "options", [{}, {"stride": 2}, {"padding": 2, "dilation": 2}, {"stride": (3, 1), "padding": (1, 0)}], ids=str
)
def test_columns(options: Any, ran: list[str]) -> None:
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


def test_a_kernel_that_does_not_run_is_seen(monkeypatch: pytest.MonkeyPatch, agree: Agree) -> None:
    """The tests here would fail without kernels, they would not compare the NumPy code with itself."""
    x = draw(64, 64)
    agree(reduce.softmax.op.forward, x, axis=-1)
    with monkeypatch.context() as patch, pytest.raises(AssertionError):
        patch.setattr(kernels, "enabled", False)
        agree(reduce.softmax.op.forward, x, axis=-1)
    (way,) = kernels.ways["softmax"]
    monkeypatch.setattr(way, "function", lambda *args, **kwargs: NotImplemented)
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


def softmax_is_right(x: Any, expected: Any) -> bool:
    return np.array_equal(reduce.softmax.op.forward(x, axis=-1), expected)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """An array that is cut into four parts, also where there are fewer cores, and its softmax in one part."""
    x = draw(1000, 200)
    monkeypatch.setattr(threads, "workers", 1)
    expected = reduce.softmax.op.forward(x, axis=-1)
    monkeypatch.setattr(threads, "workers", 4)
    assert threads.chunks(len(x), x.size) == 4
    return x, expected


def test_kernels_run_in_several_threads_at_once(large: tuple[Any, Any]) -> None:
    wrong: list[int] = []

    def work() -> None:
        for _ in range(50):
            if not softmax_is_right(*large):
                wrong.append(1)

    callers = [threading.Thread(target=work) for _ in range(4)]
    for thread in callers:
        thread.start()
    for thread in callers:
        thread.join()
    assert not wrong and threads._started == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own(large: tuple[Any, Any]) -> None:
    assert softmax_is_right(*large)
    before = threads._jobs
    child = os.fork()
    if child == 0:
        started = threads._started
        right = all(softmax_is_right(*large) for _ in range(20))
        os._exit(0 if right and started == 0 and threads._started == 3 and threads._jobs is not before else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert softmax_is_right(*large)


def test_without_another_thread_the_caller_does_all_parts(large: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may give no more threads; those that there are may be busy; at its end a process has none."""

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threads, "_started", 0)
        patch.setattr(threading.Thread, "start", refuse)
        assert softmax_is_right(*large)
        assert threads._started == 0
    with monkeypatch.context() as patch:
        patch.setattr(threads, "_jobs", queue.SimpleQueue())  # at which nobody looks
        assert softmax_is_right(*large)
    with monkeypatch.context() as patch:
        patch.setattr(threads, "_jobs", queue.SimpleQueue())
        patch.setattr(sys, "is_finalizing", lambda: True)
        assert softmax_is_right(*large)
        assert threads._jobs.empty()


def test_work_is_cut_into_whole_parts() -> None:
    from minigrad.kernels.threads import chunks, spread

    for rows, size in itertools.product((1, 2, 3, 7), (10, 10**7)):
        seen: list[tuple[int, int, int]] = []
        spread(lambda start, stop, part: seen.append((start, stop, part)), rows, size)  # noqa: B023
        assert len(seen) == chunks(rows, size)
        assert sorted(i for start, stop, _ in seen for i in range(start, stop)) == list(range(rows))
        assert sorted(part for *_, part in seen) == list(range(len(seen)))


@pytest.mark.parametrize("bad", range(4))
def test_an_error_in_any_part_reaches_the_caller(bad: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "workers", 4)
    for _ in range(20):
        with pytest.raises(ZeroDivisionError):
            threads.spread(lambda start, stop, part: 1 // (part - bad), 8, 10**7)


def test_every_kernel_that_is_provided_stands_for_a_function() -> None:
    """A name that no function claims would never run."""
    for name in {*kernels.ways, *kernels.ways_on_gpu}:
        for way in (*kernels.ways.get(name, ()), *kernels.ways_on_gpu.get(name, ())):
            assert callable(getattr(importlib.import_module(way.module), way.name))
        assert name in CLAIMED, name


def test_it_can_be_turned_off() -> None:
    code = "import sys, numpy as np; from minigrad import kernels, Tensor; from nn.functional import softmax\n"
    code += "softmax(Tensor(np.ones((100, 100), np.float32), requires_grad=True)).sum().backward()\n"
    code += "print(kernels.enabled, 'numba' in sys.modules)"
    for value, expected in (("0", "False False"), ("1", "True True")):
        environment = {**os.environ, "MINIGRAD_FAST": value}
        assert subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).strip() == expected


@pytest.mark.parametrize("kind", ["ImportError", "AttributeError"])
def test_a_numba_that_cannot_be_imported_turns_it_off_with_a_warning(kind: str) -> None:
    code = "import sys, warnings, numpy as np\n"
    code += "class Broken:\n"
    code += "    def find_spec(self, name, path=None, target=None):\n"
    code += f"        if name.startswith('numba.'): raise {kind}('of another NumPy')\n"
    code += "sys.meta_path.insert(0, Broken())\n"
    code += "import minigrad\nfrom nn.functional import softmax, log_softmax\n"
    code += "with warnings.catch_warnings(record=True) as caught:\n"
    code += "    out = softmax(np.zeros((100, 50), np.float32)), log_softmax(np.zeros((100, 50), np.float32))\n"
    code += "print(len(caught), str(caught[0].message)[:60], float(out[0][0, 0]), minigrad.kernels.enabled)"
    out = subprocess.check_output([sys.executable, "-c", code], text=True).strip()
    assert out == "1 minigrad's accelerator is off, because numba cannot be impor 0.019999999552965164 False"


def test_a_way_is_compiled_unless_it_says_otherwise() -> None:
    assert kernels.Way("module", "name").compiled
    assert not kernels.Way("module", "name", compiled=False).compiled


KERNEL = """
def add_one(x):
    x[0] += 1
"""


@pytest.fixture
def add_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Compiles a small kernel as in a new process, runs it, and says how often it came from the disk."""
    import numba

    path = tmp_path / "adds.py"
    path.write_text(KERNEL)
    spec = importlib.util.spec_from_file_location("adds", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setitem(sys.modules, "adds", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")

    def run(dtype: Any = np.float32) -> int:
        x, dispatcher = np.zeros(1, dtype), scalar.kernel(module.add_one)
        dispatcher(x)
        assert x[0] == 1 and len(dispatcher.overloads) == 1
        return sum(dispatcher.stats.cache_hits.values())

    return run


def test_kernels_are_kept_on_the_disk(add_one: Any) -> None:
    assert [add_one() for _ in range(3)] == [0, 1, 1]
    assert [add_one(np.float64) for _ in range(2)] == [0, 1]
    assert add_one() == 1


def test_kernels_need_no_place_to_be_kept(add_one: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed where nobody may write, for a user without a home: a usual container."""
    (tmp_path / "__pycache__").write_text("a file, where a folder would be")
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "/dev/null")
    assert [add_one() for _ in range(2)] == [0, 0]


def test_a_place_that_is_gone_or_full_changes_nothing(add_one: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        assert [add_one() for _ in range(2)] == [0, 0]
    assert not list(tmp_path.rglob("*.tmp.*"))
    assert [add_one() for _ in range(2)] == [0, 1]
    shutil.rmtree(tmp_path / "__pycache__")
    assert [add_one() for _ in range(2)] == [0, 1]


def cut(file: Path) -> None:
    os.truncate(file, 10)


def empty(file: Path) -> None:
    os.truncate(file, 0)


def overwrite(file: Path) -> None:
    file.write_bytes(b"no pickle at all" * 100)


def hold_something_else(file: Path) -> None:
    file.write_bytes(pickle.dumps({"of another": "program"}))


def come_from_another_version(file: Path) -> None:
    file.write_bytes(pickle.dumps("0.1") + b"what another numba writes")


@pytest.mark.parametrize(
    "damage", [cut, empty, overwrite, hold_something_else, come_from_another_version, os.unlink], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_damaged_file_is_replaced(kind: str, damage: Any, add_one: Any, tmp_path: Path) -> None:
    assert [add_one() for _ in range(2)] == [0, 1]
    (file,) = tmp_path.rglob(f"*.{kind}")
    damage(file)
    assert [add_one() for _ in range(2)] == [0, 1]


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_folder_where_a_file_would_be_changes_nothing(kind: str, add_one: Any, tmp_path: Path) -> None:
    add_one()
    (file,) = tmp_path.rglob(f"*.{kind}")
    file.unlink()
    file.mkdir()
    assert [add_one() for _ in range(2)] == [0, 0]


def test_a_kept_kernel_is_stale_where_the_functions_are_that_it_is_made_of(
    add_one: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = tmp_path / "scalar.py"
    parts.write_text("the old functions")
    monkeypatch.setattr(cache, "_PARTS", parts)
    assert [add_one() for _ in range(2)] == [0, 1]
    parts.write_text("the new functions")
    assert [add_one() for _ in range(2)] == [0, 1]


def test_a_kept_kernel_of_other_types_is_not_taken(add_one: Any, tmp_path: Path) -> None:
    """Two processes that write at once may give one name to two kernels."""
    add_one(np.float32)
    (file,) = tmp_path.rglob("*.nbc")
    of_floats = file.read_bytes()
    add_one(np.float64)
    (other,) = (path for path in tmp_path.rglob("*.nbc") if path != file)
    other.write_bytes(of_floats)
    assert [add_one(np.float64) for _ in range(2)] == [0, 1]
