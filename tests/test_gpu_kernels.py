"""Kernels for a GPU, without one: their CUDA C is built by the C++ compiler and compared with the NumPy code.

Each array that a kernel gets lies between guard zones (tests/stand_in/raw.py): what is written there fails, and what is
read there is NaN, which the comparison finds.
"""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad
import nn
from minigrad import Tensor, grad, kernels, vmap
from minigrad.kernels.cuda import convolution, launch, window
from minigrad.kernels.signature import takes
from minigrad.ops.window import Window
from nn import functional as F

from . import stand_in
from .gpu_samples import CONVOLUTIONS, DTYPES, NAMES, arguments, op, plain, random_window, shapes
from .nvidia import complaints, needs_the_compiler
from .stand_in.raw import compiler, kept_in
from .versions import posix

if compiler() is None:
    pytest.skip("there is no C++ compiler to build the kernels for the CPU", allow_module_level=True)


@pytest.fixture(autouse=True)
def cupy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(kernels, "enabled_on_gpu", True)
    with stand_in.installed() as module:
        yield module


def to_gpu(x: Any) -> Any:
    import cupy

    return cupy.asarray(x) if isinstance(x, np.ndarray) else x


def on_both(name: str, *args: Any) -> tuple[list[Any], list[Any], Any]:
    """The results of the kernels and of NumPy, and what was launched."""
    given = [to_gpu(x) for x in args]
    with stand_in.counting() as count, np.errstate(all="ignore"):
        found = op(name)(*given)
    with np.errstate(all="ignore"):
        want = plain(name)(*args)
    several = isinstance(want, tuple)
    return [x.get() for x in (found if several else [found])], list(want) if several else [want], count


@pytest.mark.parametrize("large", [False, True], ids=["32 bits", "64 bits"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_each_kernel_gives_numpys_bits_on_random_windows(
    name: str, dtype: Any, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:
        monkeypatch.setattr(window, "SMALL", 0)
    rng = np.random.default_rng(sum(name.encode()))
    for _ in range(60):
        w = random_window(rng)
        found, want, count = on_both(name, *arguments(name, w, rng, dtype))
        for one, other in zip(found, want, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other, err_msg=str(w))
        kernel = {"sum_unpool": "raw:fold"}.get(name, f"raw:{name}")
        assert count.names[kernel] == bool(want[0].size)
        assert set(+count.names) <= {kernel, "copy"}


@pytest.mark.parametrize("name", ["max_pool", "pool_scatter"])
def test_all_nan_and_all_infinite_windows(name: str) -> None:
    w = Window.over((5, 6), 3, stride=2, padding=(2, 1))
    for value in (np.nan, -np.inf, np.inf, 0.0):
        inner = w.shape if name == "max_pool" else w.out
        x = np.full((2, *inner), value, np.float32)
        best = plain("max_pool")(np.full((2, *w.shape), value), w)[1]
        found, want, _ = on_both(name, x, w) if name == "max_pool" else on_both(name, x, best, w)
        for one, other in zip(found, want, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("largest", [1, 2000, 1 << 29], ids=["row by row", "some images", "all images"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution_is_that_of_numpy_on_random_windows(
    name: str, dtype: Any, largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convolution, "LARGEST", largest)
    rng = np.random.default_rng(1)
    for _ in range(40):
        w = random_window(rng)
        n, outputs, inputs, groups = (int(rng.integers(low, 4)) for low in (0, 1, 1, 1))
        arrays = [rng.normal(size=s).astype(dtype) for s in shapes(name, w, n, outputs, inputs, groups)]
        if rng.random() < 0.3:
            arrays = [np.asfortranarray(a) for a in arrays]
        (found,), (want,), count = on_both(name, *arrays, w, groups)
        assert found.dtype == want.dtype and found.shape == want.shape
        rtol = 1e-4 if dtype == np.float32 else 1e-10
        np.testing.assert_allclose(found, want, rtol=rtol, atol=rtol)
        assert "add.at" not in count.names and count.syncs == 0


@pytest.mark.parametrize("name", CONVOLUTIONS)
@pytest.mark.parametrize("empty", ["n", "outputs", "inputs"])
def test_convolution_of_nothing(name: str, empty: str) -> None:
    w = Window.over((4, 5), 2, padding=1)
    sizes = {"n": 2, "outputs": 3, "inputs": 2, empty: 0}
    arrays = [np.ones(s, np.float32) for s in shapes(name, w, **sizes, groups=2)]
    (found,), (want,), _ = on_both(name, *arrays, w, 2)
    np.testing.assert_array_equal(found, want)


def test_columns_of_a_large_batch_never_stand_in_memory_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution, "LARGEST", 10_000)
    seen: list[int] = []
    living: list[Any] = []
    made = convolution.columns_of

    def noted(*args: Any) -> Any:
        assert all(columns() is None for columns in living), "those of the part before are still there"
        columns = made(*args)
        living.append(weakref.ref(columns))
        seen.append(columns.nbytes)
        return columns

    monkeypatch.setattr(convolution, "columns_of", noted)
    w = Window.over((6, 6), 3, padding=1)
    x, g = np.ones((20, 2, 6, 6), np.float32), np.ones((20, 4, 6, 6), np.float32)
    on_both("conv", x, np.ones((4, 2, 3, 3), np.float32), w, 1)
    on_both("conv_weight", x, g, w, 1)
    assert len(seen) == 2 * 7 and max(seen) <= 10_000 and sum(seen) == 2 * x.nbytes * 9
    seen.clear()
    monkeypatch.setattr(convolution, "LARGEST", 1_000)  # one image has 2592 bytes: its rows go in parts, too
    on_both("conv", x[:2], np.ones((4, 2, 3, 3), np.float32), w, 1)
    assert len(seen) == 2 * 3 and max(seen) <= 1_000 and sum(seen) == x[:2].nbytes * 9


# ------------------------------------------------------------------------------------------- counts


def counted(make: Any, *arrays: Any) -> tuple[Any, Any]:
    """What is launched forward and backward."""
    given = [Tensor(x, device="cuda", requires_grad=True) for x in arrays]
    with stand_in.counting() as forward:
        out = make(*given)
    g = Tensor(np.ones(out.shape, np.float32), device="cuda")
    with stand_in.counting() as backward:
        out.backward(g)
    return forward, backward


def normal(*shape: int) -> Any:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_convolution_takes_three_launches_and_nine_back(n: int, groups: int) -> None:
    spatial = (6, 5, 4)[:n]
    arrays = normal(2, 4, *spatial), normal(8, 4 // groups, *(3,) * n), normal(8)
    function = getattr(F, f"conv{n}d")
    forward, backward = counted(lambda x, w, b: function(x, w, b, padding=1, groups=groups), *arrays)
    assert forward.launches <= 3 and backward.launches <= 9, (forward, backward)
    assert forward.syncs == backward.syncs == 0


@pytest.mark.parametrize("name", ["conv", "conv_bias", "conv_input"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_channels_by_themselves_are_one_kernel_and_need_no_columns(name: str, dtype: Any) -> None:
    rng = np.random.default_rng(2)
    for _ in range(40):
        w = random_window(rng)
        n, outputs, groups = (int(rng.integers(low, 4)) for low in (1, 1, 2))
        arrays = [rng.normal(size=s).astype(dtype) for s in shapes(name, w, n, outputs, 1, groups)]
        if rng.random() < 0.3:
            arrays[1].flat[0] = rng.choice([np.nan, np.inf])
        (found,), (want,), count = on_both(name, *arrays, w, groups)
        np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-5)
        assert count.launches == 1 or w.size == (1,) * len(w.size)


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_results_own_their_memory(name: str) -> None:
    """What is a view of something else is copied before it becomes a gradient."""
    w = Window.over((5, 5), 3)
    out = op(name)(*(to_gpu(normal(*s)) for s in shapes(name, w, 2, 3, 2, 2)), w, 2)
    assert out.base is None and out.flags.c_contiguous


def test_windows_of_one_place_need_no_columns() -> None:
    forward, backward = counted(F.conv2d, normal(2, 3, 4, 4), normal(5, 3, 1, 1), normal(5))
    assert forward.launches <= 5 and backward.launches <= 11  # one matrix for all images: their addresses are three more
    assert not any(name.startswith("raw:") for name in (*forward.names, *backward.names))


def test_the_convolution_of_the_issue_takes_six_launches() -> None:
    """(128, 64, 56, 56) under windows of 3 by 3: 925 MB of columns, in two chunks."""
    w, x = Window.over((56, 56), 3, padding=1), np.empty((128, 64, 56, 56), np.float32)
    parts = list(convolution._chunks(x, w))
    assert [(part.stop - part.start, rows) for part, rows in parts] == [(64, (0, 56)), (64, (0, 56))]
    assert 64 * 64 * 9 * 56 * 56 * 4 < convolution.LARGEST < 925e6


#: Functions of an image (2, 4, 9, 9), and the most launches that they may take, forward and back.
WINDOWED: dict[str, tuple[Any, int, int]] = {
    "max_pool2d": (lambda x: F.max_pool2d(x, 3, 2, 1), 1, 2),
    "max_pool2d with indices": (lambda x: F.max_pool2d(x, 2, return_indices=True)[0], 4, 2),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 2), 2, 2),
    "avg_pool2d, parts of windows": (lambda x: F.avg_pool2d(x, 2, ceil_mode=True), 2, 2),
    "lp_pool2d": (lambda x: F.lp_pool2d(x, 2, 2), 6, 11),
    "adaptive_max_pool2d of 3": (lambda x: F.adaptive_max_pool2d(x, 3), 1, 2),
    "adaptive_max_pool2d of 4": (lambda x: F.adaptive_max_pool2d(x, 4), 13, 10),
    "Unfold": (nn.Unfold(3, padding=1), 1, 1),
    "Fold": (lambda x: nn.Fold((10, 10), 2)(x.reshape(2, 4, 81)), 1, 2),
}


@pytest.mark.parametrize("name", WINDOWED)
def test_pooling_takes_few_launches_and_one_kernel_back(name: str) -> None:
    function, *most = WINDOWED[name]
    forward, backward = counted(function, normal(2, 4, 9, 9))
    assert forward.launches <= most[0] and forward.syncs == 0, forward
    assert backward.launches <= most[1], backward
    assert len([n for n in backward.names if n.startswith("raw:")]) == ("of 4" not in name)


@pytest.mark.parametrize("name", WINDOWED)
def test_pooling_on_a_gpu_agrees_with_the_cpu_to_second_order(name: str) -> None:
    results = []
    for device in ("cpu", "cuda"):
        x = Tensor(normal(2, 4, 9, 9), device=device, requires_grad=True)
        y = WINDOWED[name][0](x)
        (y * y).sum().backward(create_graph=True)
        first = x.grad
        x.grad = None
        (first * first).sum().backward()
        results.append([t.detach().cpu().numpy() for t in (y, first, x.grad)])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("weights", ["shared", "of each example"])
def test_gradients_of_each_example_agree_with_the_cpu(weights: str) -> None:
    def loss(w: Any, x: Any) -> Any:
        y = F.max_pool2d(F.conv2d(x, w, padding=1), 2)
        return np.sum(y**2) + np.sum(F.adaptive_max_pool2d(x, 4)) * w[0, 0, 0, 0] + np.sum(F.avg_pool2d(x, 2) * w[0, 0, 1, 1])

    x, w = normal(5, 2, 2, 6, 6), normal(5, 4, 2, 3, 3)
    given, axes = ((w[0], x), (None, 0)) if weights == "shared" else ((w, x), (0, 0))
    results = [vmap(grad(loss), in_axes=axes)(*(Tensor(a, device=d) for a in given)) for d in ("cpu", "cuda")]
    assert results[1].device == "cuda:0"
    np.testing.assert_allclose(*(r.detach().cpu().numpy() for r in results), rtol=1e-4, atol=1e-4)


# --------------------------------------------------------------------------- what a kernel declines


W = Window.over((4, 5), 2)
FITTING: dict[str, list[Any]] = {
    "unfold": [normal(2, 4, 5), W],
    "fold": [normal(2, *W.size, *W.out), W],
    "sum_pool": [normal(2, 4, 5), W],
    "sum_unpool": [normal(2, *W.out), W],
    "max_pool": [normal(2, 4, 5), W],
    "pool_scatter": [normal(2, *W.out), np.ones((2, *W.out), np.uint8), W],
    "pool_gather": [normal(2, 4, 5), np.ones((2, *W.out), np.uint8), W],
    "conv": [normal(2, 2, 4, 5), normal(3, 2, 2, 2), W, 1],
    "conv_bias": [normal(2, 2, 4, 5), normal(3, 2, 2, 2), normal(3), W, 1],
    "conv_input": [normal(2, 3, *W.out), normal(3, 2, 2, 2), W, 1],
    "conv_weight": [normal(2, 2, 4, 5), normal(2, 3, *W.out), W, 1],
}
SPOILT = {
    "longer": lambda a: np.concatenate([a, a[-1:]]),
    "wider": lambda a: np.concatenate([a, a[..., -1:]], -1),
    "narrower": lambda a: a[..., 1:].copy(),
    "of one axis less": lambda a: a[0].copy(),
    "a number": lambda a: a.reshape(-1)[:1].reshape(()).copy(),
    "empty": lambda a: a[:0].copy(),
    "double": lambda a: a.astype(np.float64),
    "half": lambda a: a.astype(np.float16),
    "complex": lambda a: a.astype(np.complex64),
    "integer": lambda a: a.astype(np.int64),
    "bool": lambda a: a.astype(bool),
}


def outcome(function: Any, args: list[Any]) -> Any:
    try:
        with np.errstate(all="ignore"):
            out = function(*args)
    except Exception as error:
        return type(error)
    return [x.get() if hasattr(x, "get") else x for x in (out if isinstance(out, tuple) else [out])]


@pytest.mark.parametrize("how", SPOILT)
@pytest.mark.parametrize("name", FITTING)
def test_what_does_not_fit_gives_the_answer_or_error_of_the_numpy_code(name: str, how: str) -> None:
    for i, a in enumerate(FITTING[name]):
        if isinstance(a, np.ndarray):
            args = [SPOILT[how](x) if j == i else x for j, x in enumerate(FITTING[name])]
            want, found = outcome(plain(name), list(map(to_gpu, args))), outcome(op(name), list(map(to_gpu, args)))
            if isinstance(want, type) or isinstance(found, type):
                assert found is want, f"{found}, in NumPy {want}"
                continue
            for one, other in zip(found, want, strict=True):
                assert one.dtype == other.dtype and one.shape == other.shape
                np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", FITTING)
def test_every_way_for_a_gpu_is_tried_here_and_runs(name: str) -> None:
    _, _, count = on_both(name, *FITTING[name])
    assert any(n.startswith("raw:") for n in count.names)
    provided = {n for n, own in kernels.ways_on_gpu.items() if own}
    assert provided == set(FITTING)


@pytest.mark.parametrize("name", FITTING)
def test_arguments_may_be_given_by_name(name: str) -> None:
    args = [to_gpu(x) for x in FITTING[name]]
    named = dict(zip(inspect.signature(plain(name)).parameters, args, strict=True))
    with stand_in.counting() as count:
        found, want = outcome(op(name), args), outcome(lambda: op(name)(**named), [])
    assert len([n for n in count.names if n.startswith("raw:")]) == 1
    for one, other in zip(found, want, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", FITTING)
def test_arrays_of_two_devices_are_declined_and_results_lie_beside_their_arguments(name: str, cupy: Any, two_gpus: Any) -> None:
    Tensor(1.0, device="cuda")  # which looks for the number of GPUs
    with cupy.cuda.Device(1):
        args = [to_gpu(x) for x in FITTING[name]]
    out = op(name)(*args)
    for x in out if isinstance(out, tuple) else (out,):
        assert x.device.id == 1
    if isinstance(args[1], type(args[0])):
        args[1] = to_gpu(FITTING[name][1])
        (way,) = kernels.ways_on_gpu[name]
        assert way(*args) is NotImplemented


def test_kernels_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "enabled_on_gpu", False)
    for name, args in FITTING.items():
        with stand_in.counting() as count:
            op(name)(*map(to_gpu, args))
        assert not any(n.startswith("raw:") for n in count.names)


def test_a_kernel_that_cannot_be_compiled_leaves_the_work_to_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(launch.IN_C, "uint8", "no_type_of_this_name")
    launch._module.cache_clear()
    launch._kernel.cache_clear()
    x = normal(2, 4, 5)
    with pytest.warns(RuntimeWarning, match="window.cu cannot be compiled"):
        out = op("sum_pool")(to_gpu(x), W)
    np.testing.assert_array_equal(out.get(), plain("sum_pool")(x, W))
    assert kernels.enabled_on_gpu  # another source may do
    op("sum_pool")(to_gpu(x), W)  # without a second warning
    launch._module.cache_clear()
    launch._kernel.cache_clear()


def test_they_are_off_where_the_environment_says_so() -> None:
    code = "from minigrad import kernels; print(kernels.enabled_on_gpu)"
    for value in ("0", "1"):
        environment = {**os.environ, "MINIGRAD_FAST": value}
        printed = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True)
        assert printed.strip() == str(value == "1")


def test_real_is_one_dtype_for_all_arrays() -> None:
    for device, made in (("cpu", np.asarray), ("cuda", to_gpu)):
        way = takes(x="real (n)", y="real (n)", device=device)(lambda x, y: "taken")
        a, b, c = (made(np.zeros(2, dtype)) for dtype in (np.float32, np.float64, np.float16))
        assert way(a, a) == way(b, b) == "taken"
        for x, y in ((a, b), (b, a), (c, c), (a, np.zeros(2, "f8")), (to_gpu(np.zeros(2)), np.zeros(2))):
            assert way(x, y) is NotImplemented


@pytest.mark.parametrize("text", ["real (n) contiguous", "real (n) written", "double (n)"])
def test_a_declaration_for_a_gpu_has_no_words_for_memory(text: str) -> None:
    with pytest.raises(ValueError, match="cannot take x="):
        takes(x=text, device="cuda")(lambda x: x)


def test_a_way_for_an_unknown_device_is_refused() -> None:
    with pytest.raises(ValueError, match="device must be 'cuda' or None, got 'tpu'"):
        kernels.provide("a_module", "name", device="tpu")


# ------------------------------------------------------------------------------ the stand-in itself


BESIDE = """
extern "C" __global__ void write(float* x, long long at) { x[at] = 1; }
extern "C" __global__ void read(const float* x, float* out, long long at) { *out = x[at]; }
"""


def test_a_kernel_that_leaves_its_array_is_caught(cupy: Any) -> None:
    module, x = cupy.RawModule(code=BESIDE), cupy.zeros(4, np.float32)
    module.get_function("write")((1,), (1,), (x, 3))
    assert x.get().tolist() == [0, 0, 0, 1]
    for at in (-1, 4):
        with pytest.raises(AssertionError, match="write, argument 0: the kernel wrote outside"):
            module.get_function("write")((1,), (1,), (x, at))
        out = cupy.zeros(1, np.float32)
        with pytest.raises(AssertionError, match="read, argument 1: the kernel read outside of an array"):
            module.get_function("read")((1,), (1,), (x, out, at))


#: Lines of a kernel `(const T* x, T* out, long long n)` that do something for each i.
LINES = (
    "out[i] = x[i];", "out[i] = x[i] * 2;", "out[i] = x[i] + 1;", "out[i] = x[0];", "out[i] += x[i];",
    "out[0] += x[i];", "out[i % n] = x[i];", "if (x[i] > 2) out[0] = 1;", "out[n - 1 - i] = x[i];",
)  # fmt: skip
C_TYPES = {"float32": "float", "float64": "double", "int32": "int", "int64": "long long", "uint8": "unsigned char"}


@pytest.mark.parametrize("dtype", C_TYPES)
@pytest.mark.parametrize("line", LINES)
def test_one_step_too_many_is_caught(line: str, dtype: str, cupy: Any) -> None:
    """`i <= n` in the place of `i < n`, and a loop that begins at -1."""
    kernels = "".join(
        f'extern "C" __global__ void {name}(const {C_TYPES[dtype]}* x, {C_TYPES[dtype]}* out, long long n)'
        f"{{ for (long long i = {begin}; i < {end}; i++) {{ {line} }} }}\n"
        for name, begin, end in (("right", 0, "n"), ("behind", 0, "n + 1"), ("before", -1, "n"))
    )
    module, x = cupy.RawModule(code=kernels), cupy.asarray(np.array([1, 2, 1], dtype))
    module.get_function("right")((1,), (1,), (x, cupy.zeros(3, dtype), 3))
    for name in ("behind", "before"):
        with pytest.raises(AssertionError, match=f"{name}, argument 1: the kernel (wrote|read) outside"):
            module.get_function(name)((1,), (1,), (x, cupy.zeros(3, dtype), 3))


def test_arguments_must_have_the_sizes_of_the_parameters(cupy: Any, two_gpus: Any) -> None:
    write, x = cupy.RawModule(code=BESIDE).get_function("write"), cupy.zeros(4, np.float32)
    for args in ((x,), (x, np.int32(1)), (x, 1, 1)):
        with pytest.raises(TypeError, match="write takes parameters of"):
            write((1,), (1,), args)
    with pytest.raises(TypeError, match="Unsupported type"):
        write((1,), (1,), (np.zeros(4), 1))
    with pytest.raises(AssertionError, match="do not lie side by side"):
        write((1,), (1,), (cupy.zeros(8, np.float32)[5:1:-1], 1))
    with cupy.cuda.Device(1), pytest.raises(RuntimeError, match="an array on device 0"):
        write((1,), (1,), (x, 1))


@posix
def test_what_is_built_is_kept_in_a_folder_of_this_users_alone(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir(mode=0o700)
    assert kept_in(own) == own / f"minigrad_stand_in_{os.getuid()}"
    assert kept_in(own).stat().st_mode & 0o077 == 0
    for kind in ("link", "file", "writable"):
        place = tmp_path / kind
        theirs = place / f"minigrad_stand_in_{os.getuid()}"
        place.mkdir()
        if kind == "link":
            theirs.symlink_to(own)
        elif kind == "file":
            theirs.touch()
        else:
            theirs.mkdir()
            theirs.chmod(0o777)
        fresh = kept_in(place)
        assert fresh != theirs
        assert fresh.parent == place
        assert fresh.stat().st_mode & 0o077 == 0


# ------------------------------------------------------------------------------ the real compiler


@needs_the_compiler
@pytest.mark.parametrize("place", ["int32", "int64"])
@pytest.mark.parametrize("real", ["float32", "float64"])
@pytest.mark.parametrize("source", sorted(Path(minigrad.__file__).parent.rglob("*.cu")), ids=lambda path: path.name)
def test_nvidias_compiler_takes_every_source_without_a_warning(source: Path, real: str, place: str) -> None:
    types = {"real": real, "choice": "uint8", "place": place}
    code = launch.definitions(tuple((name, launch.IN_C[kind]) for name, kind in types.items()))
    assert complaints(code + source.read_text("utf-8")) == ""
