"""Loops as CUDA C, built by the C++ compiler and run as fibers; compared with NumPy.

Most loops are in tests/gpu/loops.py, which a real card runs too (`make gpu`).  Here are tests of native code that hold of this
code as well, random programs, and what is said of the launches.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minigrad.compiler import cuda, native
from minigrad.compiler.cuda import build, program
from minigrad.compiler.loops import Compute, Constant, Load, Loop, Operand, Reduce, Store

from . import stand_in
from .gpu.loops import LOOPS, every_operation, every_reduction
from .nvidia import complaints, needs_the_compiler
from .stand_in.array import wrap
from .stand_in.raw import compiler
from .test_compiler_loops import (  # noqa: F401  (these run here once more)
    F32,
    F64,
    programs,
    test_a_part_of_the_space_is_updated_once,
    test_a_result_for_each_row_survives_a_sum_over_all_rows,
    test_a_row_that_a_later_sweep_reads_is_overwritten_after_it,
    test_a_row_that_every_row_reads_is_overwritten_once_and_last,
    test_an_empty_axis_sums_to_nothing_and_the_rest_is_done,
    test_an_offset_begins_inside_of_the_array,
    test_an_update_in_place,
    test_batch_norm_over_images,
    test_maximum_passes_nan_on,
    test_powers_with_a_constant_exponent,
    test_softmax_in_place,
    test_stores_wait_for_the_last_load_of_what_they_overwrite,
    test_sums_of_columns_are_more_exact_than_numpys,
    test_sums_over_different_axes_do_not_count_each_others_points,
    test_views_keep_the_bits,
)

if compiler() is None:
    pytest.skip("there is no C++ compiler to build the kernels for the CPU", allow_module_level=True)

FLAT = Operand(F32, (1,))


@pytest.fixture(autouse=True)
def on_the_stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(native, "compile_loops", compile_loops)
    with stand_in.installed():
        yield


def compile_loops(loops: Any, slots: Any = None) -> Any:
    """A function of NumPy's arrays, as `native.compile_loops` gives it."""
    module = cuda.Module(loops, slots)
    return lambda *arrays: module.launch([wrap(a, 0) for a in arrays])


def with_base(array: Any) -> Any:
    """A copy that has the strides of an array."""
    low, high = np.lib.array_utils.byte_bounds(array)
    memory = np.zeros(high - low, np.uint8)
    first = array.ctypes.data - low
    copy = np.ndarray(array.shape, array.dtype, memory, first, array.strides)
    copy[...] = array
    return copy


@settings(max_examples=int(os.environ.get("MINIGRAD_FUZZ", "1")) * 6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(programs(), min_size=10, max_size=10))
def test_random_programs_run_as_the_interpreter_runs_them(several: list[tuple[Loop, list[Any]]]) -> None:
    """Ten in one module, so that the compiler begins once; whole numbers, so that the order of sums does not matter."""
    several = [(loop, arrays) for loop, arrays in several if cuda.takes(loop)]
    fast, slow = ([[with_base(a) for a in arrays] for _, arrays in several] for _ in range(2))
    compile_loops([loop for loop, _ in several])(*(a for arrays in fast for a in arrays))
    for (loop, _), one, other in zip(several, fast, slow, strict=True):
        loop.run(other)
        for x, y in zip(one, other, strict=True):
            assert np.array_equal(x, y, equal_nan=True), f"{loop}\n{program.Program([loop]).source}"


# Launches

#: How many launches the loops of tests/gpu/loops.py take: those whose sums lie in rows take one.
LAUNCHES = {
    "softmax 33 x 1000": 1, "softmax 3 x 20000": 3, "cross_entropy 33 x 10": 1, "layer_norm 33 x 64": 1, "layer_norm 4 x 5000": 1,
    "layer_norm_backward 33 x 40": 1, "batch_norm_of_images": 1, "batch_norm 50 x 33": 1, "one_long_sum": 1, "adam": 1,
    "pooling": 1, "what_all_read_is_written_last": 1, "sums_of_all 500 x 1000": 3,
}  # fmt: skip


@pytest.mark.parametrize("name", LAUNCHES)
def test_launches(name: str) -> None:
    build = LOOPS[name](np.random.default_rng(0), F32)
    assert len(cuda.Module([build.loop()]).launches) == LAUNCHES[name]


def test_all_parameters_of_an_optimizer_are_one_launch() -> None:
    """Up to as many as a launch takes arrays."""
    step = Loop((100,), (FLAT, FLAT), (Load(0), Load(1), Compute("subtract", (0, 1)), Store(0, 2)), "descend")
    assert [launch.blocks for launch in cuda.Module([step] * 64).launches] == [64]
    assert len(cuda.Module([step] * 300).launches) == 2


def test_a_loop_that_needs_what_another_gives_is_launched_after_it() -> None:
    double = Loop((20_000,), (FLAT, FLAT), (Load(0), Compute("add", (0, 0)), Store(1, 1)), "double")
    assert len(cuda.Module([double, double], [(0, 1), (0, 2)]).launches) == 1
    for later in [(1, 2), (2, 1), (2, 0)]:  # reads what it wrote, writes what it wrote, writes what it read
        assert len(cuda.Module([double, double], [(0, 1), later]).launches) == 2


def test_a_program_may_run_again_and_gives_the_same_bits() -> None:
    """The counters that say which block is the last are 0 again then."""
    x, total = np.random.default_rng(0).random(300_000).astype(F32), np.zeros(1, F32)
    loop = Loop((len(x),), (FLAT, Operand(F32, (0,))), (Load(0), Reduce("add", 0, (0,)), Store(1, 1)))
    run = cuda.Module([loop]).bound([wrap(x, 0), wrap(total, 0)])
    found = []
    for _ in range(3):
        total[:] = 0
        run()
        found.append(total.tobytes())
    assert total[0] == pytest.approx(x.sum(dtype=F64), rel=1e-7)
    assert len(set(found)) == 1


# What is written


def test_softmax_can_be_read() -> None:
    matrix = Operand(F32, (1000, 1))
    code = (
        Load(0), Reduce("maximum", 0, (1,)), Compute("subtract", (0, 1)), Compute("exp", (2,)), Reduce("add", 3, (1,)),
        Compute("divide", (3, 4)), Store(1, 5),
    )  # fmt: skip
    source = program.Program([Loop((64, 1000), (matrix, matrix), code, "softmax")]).source
    assert source.count("for (int x1 = member; x1 < 1000; x1 += 128) {") == 3
    assert "const float v4 = (float)together<Add, 128, 1>((double)s4);" in source
    assert 'extern "C" __global__ void launch_0(float* a0, float* a1) {\n    softmax_0(blockIdx.x, 32, a0, a1);\n}' in source


def test_large_arrays_have_large_addresses() -> None:
    def source(n: int) -> str:
        return program.Program([Loop((n,), (FLAT,), (Load(0), Compute("exp", (0,)), Store(0, 1)))]).source

    assert "long long" in source(1 << 31)
    assert "long long" not in source(1 << 20)


def test_what_is_one_number_is_computed_once_for_a_thread() -> None:
    rate = Operand(F32, (0,))
    code = (Load(0), Load(1), Constant(0.9, F32), Compute("power", (2, 1)), Compute("multiply", (0, 3)), Store(0, 4))
    source = program.Program([Loop((1000,), (FLAT, rate), code)]).source
    assert source.index("pow(0.9f, v1)") < source.index("for (")


def test_a_product_is_refused() -> None:
    x, w, out = Operand(F32, (4, 0, 1)), Operand(F32, (0, 1, 3)), Operand(F32, (3, 1, 0))
    product = Load(0), Load(1), Compute("multiply", (0, 1)), Reduce("add", 2, (2,)), Store(2, 3)
    loop = Loop((2, 3, 4), (x, w, out), product, "x @ w")
    assert not cuda.takes(loop)
    with pytest.raises(ValueError, match=r"x @ w sums a product of arrays, which np\.matmul or a kernel of its own computes"):
        cuda.Module([loop])


def test_arrays_that_do_not_fit_never_reach_the_code() -> None:
    module = cuda.Module([Loop((8,), (FLAT, FLAT), (Load(0), Store(1, 0)))])
    x = wrap(np.zeros(8, F32), 0)
    with pytest.raises(ValueError, match="the loops have 2 operands, got 1 arrays"):
        module.launch([x])
    with pytest.raises(TypeError, match="operand 1 is float32, got an array of float64"):
        module.launch([x, wrap(np.zeros(8), 0)])
    with pytest.raises(ValueError, match="operand 1 reaches from element 0 to 8, the array has 0 to 7"):
        module.launch([x, wrap(np.zeros(7, F32), 0)])
    nothing = Operand(F32, (0, 0))  # does not move along the axis that has no points, so it is one number
    module = cuda.Module([Loop((3, 0), (nothing, nothing), (Load(0), Store(1, 0)))])
    with pytest.raises(ValueError, match="operand 0 reaches from element 0 to 1, the array has 0 to 0"):
        module.launch([wrap(np.zeros((3, 0), F32), 0)] * 2)


def test_an_address_must_be_that_of_memory_that_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops are given addresses; the stand-in knows what lies there, and guards it."""
    import cupy

    square = Loop((9,), (FLAT, FLAT), (Load(0), Compute("multiply", (0, 0)), Store(1, 1)))
    x, y = cupy.ones(8, dtype=np.float32), cupy.ones(9, dtype=np.float32)
    monkeypatch.setattr(cuda.Module, "_check", lambda *args: None)
    with pytest.raises(AssertionError, match="argument 1: the kernel wrote outside"):
        cuda.Module([square]).launch([y, x])
    with pytest.raises(AssertionError, match="argument 1: the kernel read outside"):
        cuda.Module([square]).launch([x, y])
    bound = cuda.Module([square]).bound([y, y])
    bound._kept = ()
    del y
    with pytest.raises(AssertionError, match="argument 0: the address of no array that is still there"):
        bound()


@needs_the_compiler
@pytest.mark.parametrize("dtype", [F32, F64, "int64", "bool"])
def test_nvidias_compiler_takes_what_is_written(dtype: str) -> None:
    loops = [builder.loop(name) for name, make in LOOPS.items() for builder in [make(np.random.default_rng(0), F32)]]
    for some in (loops[::7], [b.loop() for b in every_operation(dtype)], [b.loop() for b in every_reduction(dtype)]):
        assert complaints(cuda.Module(some).source, *build.OPTIONS) == ""


# The stand-in


def test_threads_meet_at_a_barrier() -> None:
    """Where they should and do not, the orders in which they run give several results."""
    code = """
    extern "C" __global__ void turned(const int* x, int* y, bool meet) {
        static __shared__ int shown[64];
        for (int turn = 0; turn < 2; turn++) {
            shown[threadIdx.x] = x[threadIdx.x] + turn;
            if (meet) __syncthreads();
            y[threadIdx.x] = shown[63 - threadIdx.x];
            __syncthreads();
        }
    }"""
    import cupy

    x, y = cupy.asarray(np.arange(64, dtype=np.int32)), cupy.zeros(64, dtype=np.int32)
    turned = cupy.RawModule(code=code).get_function("turned")
    turned((1,), (64,), (x, y, True))
    assert (y.get() == np.arange(64)[::-1] + 1).all()
    with pytest.raises(AssertionError, match="threads did not meet"):
        turned((1,), (64,), (x, y, False))


def test_a_loop_with_nothing_in_it() -> None:
    for space in [(0,), (0, 3), (3, 0)]:
        operand = Operand(F32, (1,) * len(space))
        loop = Loop(space, (operand, operand), (Load(0), Compute("exp", (0,)), Store(1, 1)))
        compile_loops([loop])(np.zeros(0, F32), np.zeros(0, F32))
