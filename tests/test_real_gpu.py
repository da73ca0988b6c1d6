"""The kernels for a GPU on a real one, against the NumPy code; `pytest -m gpu` runs these where there is one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import cuda_is_available, kernels
from minigrad.ops.window import Window

from .gpu_samples import CONVOLUTIONS, DTYPES, NAMES, arguments, op, plain, random_window, shapes

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not cuda_is_available(), reason="needs CuPy and a GPU")]


def on_both(name: str, *args: Any) -> list[tuple[Any, Any]]:
    """The results of the kernel and of the NumPy code."""
    import cupy

    given = [cupy.asarray(x) if isinstance(x, np.ndarray) else x for x in args]
    (way,) = kernels.ways_on_gpu[name]
    with np.errstate(all="ignore"):
        found, want = way(*given), plain(name)(*args)
    if found is NotImplemented:  # windows of one place need no kernel
        found = op(name)(*given)
    several = isinstance(want, tuple)
    return [(x.get(), y) for x, y in zip(found if several else [found], want if several else [want], strict=True)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_each_kernel_gives_numpys_bits(name: str, dtype: Any) -> None:
    rng = np.random.default_rng(sum(name.encode()))
    for _ in range(60):
        w = random_window(rng)
        for found, want in on_both(name, *arguments(name, w, rng, dtype)):
            np.testing.assert_array_equal(found, want, err_msg=str(w), strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution_is_that_of_numpy(name: str, dtype: Any) -> None:
    rng = np.random.default_rng(1)
    for _ in range(40):
        w = random_window(rng)
        n, outputs, inputs, groups = (int(rng.integers(1, 4)) for _ in range(4))
        arrays = [rng.normal(size=s).astype(dtype) for s in shapes(name, w, n, outputs, inputs, groups)]
        for found, want in on_both(name, *arrays, w, groups):
            np.testing.assert_allclose(found, want, rtol=1e-3 if dtype == np.float32 else 1e-9, atol=1e-4)


def test_an_array_of_more_than_two_to_the_31_elements() -> None:
    import cupy

    if cupy.cuda.Device().mem_info[0] < 30e9:
        pytest.skip("needs 30 GB of free memory on the GPU")
    x = cupy.zeros((3, 1 << 30), np.float32)
    x[-1, -1] = 5
    out, index = op("max_pool")(x, Window.over((1 << 30,), 2, 2))
    found = float(out[-1, -1]), int(index[-1, -1]), float(out.sum())
    del x, out, index
    cupy.get_default_memory_pool().free_all_blocks()  # other processes may need it
    assert found == (5.0, 1, 5.0)


def test_the_convolution_of_the_issue_needs_little_memory() -> None:
    """(128, 64, 56, 56) under windows of 3 by 3: 925 MB of columns, in two parts of one allocation."""
    import cupy

    pool = cupy.get_default_memory_pool()
    x, w = cupy.ones((128, 64, 56, 56), np.float32), cupy.ones((64, 64, 3, 3), np.float32)
    pool.free_all_blocks()
    before = pool.total_bytes()
    out = op("conv")(x, w, Window.over((56, 56), 3, padding=1), 1)
    assert float(out[-1, -1, 5, 5]) == 576.0
    assert pool.total_bytes() - before < 925e6
