"""Arguments on different devices: a right result, or the error that names both and says what to write (on the stand-in)."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.trees import flatten

from .ops_table import ROWS
from .scipy_samples import CPU_ONLY

pytestmark = [pytest.mark.usefixtures("stand_in"), pytest.mark.filterwarnings("ignore")]

#: The error names both devices, and the way out; NumPy's own functions ask a tensor for an array, which says so too.
WORDS = (
    r"inputs are on different devices \((?=.*cpu)(?=.*cuda:0).*\): move .* with \.to\(.cuda:0.\), .*minigrad\.beside\(",
    r"np\.asarray of a tensor on cuda:0: copy it first, x\.cpu\(\)\.numpy\(\)",
)
#: What an argument in main memory may be.
KINDS: dict[str, Callable[[np.ndarray], Any]] = {
    "tensor": lambda a: Tensor(a.copy()),
    "array": np.array,
    "leaf": lambda a: Tensor(a.copy(), requires_grad=a.dtype.kind in "fc"),
}


def host(out: Any) -> list[np.ndarray]:
    return [mg.to_device(t.detach() if isinstance(t, Tensor) else Tensor(t), "cpu").numpy() for t in flatten(out)]


def on_gpu(a: np.ndarray) -> Tensor:
    return Tensor(a.copy(), device="cuda")


def runs(f: Callable[..., Any], args: Any) -> bool:
    """Whether a function takes arguments on the GPU."""
    try:
        f(*map(on_gpu, args))
    except Exception:
        return False
    return True


def check_mixtures(
    f: Callable[..., Any], args: tuple[np.ndarray, ...], expected: list[np.ndarray], kinds: Any = ("tensor", "array")
) -> int:
    """Each argument by itself in main memory; returns how many calls were refused."""
    refused = 0
    for i, kind in product(range(len(args)), kinds):
        mixed = [KINDS[kind](a) if i == j else on_gpu(a) for j, a in enumerate(args)]
        try:
            found = host(f(*mixed))
        except Exception as error:
            with pytest.raises((RuntimeError, TypeError), match="|".join(WORDS)):
                raise error
            refused += 1
            continue
        for x, y in zip(found, expected, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-5)
    return refused


SEVERAL = [n for n in ROWS if n not in CPU_ONLY and any(len(sample.args) > 1 for sample in ROWS[n])]


@pytest.mark.parametrize("name", SEVERAL)
def test_an_op_with_one_argument_elsewhere_is_right_or_names_both_devices(name: str) -> None:
    for sample in ROWS[name]:
        if len(sample.args) > 1 and runs(sample.f, sample.args):
            check_mixtures(sample.f, sample.args, host(sample.f(*map(Tensor, sample.args))), KINDS)


V, W = np.array([0.3, 0.5, 0.7]), np.array([0.4, 0.2, 0.9])
M = np.array([[2.0, 0.1, 0.3], [0.1, 3.0, 0.2], [0.3, 0.2, 4.0]])
N, B, S = np.array([0, 2, 1]), np.array([True, False, True]), np.array(2.0)
#: Arguments, of which each function takes some.
ARGUMENTS = [
    (V, W), (M, V), (M, M), (N, N + 1), (V, N), (B, ~B), (V, W, W + V), (M, V, V), (V, S), (S, V), (B, V, W), (V, B),
]  # fmt: skip
FUNCTIONS = {
    **{n: f for n, f in mg.registered().items() if "scipy" not in n and "random" not in n and "empty" not in n},
    **{f"operator.{n}": getattr(operator, n) for n in ("iadd", "ifloordiv", "iand", "eq", "lt", "matmul", "floordiv", "and_")},
    "numpy.array_equal": np.array_equal, "numpy.allclose": np.allclose, "in": lambda x, y: y in x, "divmod": divmod,
    "x[...] = y": lambda x, y: x.__setitem__(..., y) or x,
}  # fmt: skip
#: Where the second argument is none of values.
NO_VALUES = ("numpy.copy", "numpy.ones", "numpy.zeros", "numpy.array", "numpy.asarray", "numpy.asanyarray", "numpy.indices")


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n not in NO_VALUES])
def test_every_function_with_one_argument_elsewhere_is_right_or_names_both_devices(name: str) -> None:
    for f, args in product((FUNCTIONS[name], lambda *a: FUNCTIONS[name](list(a))), ARGUMENTS):
        try:
            expected = host(f(*(Tensor(a.copy()) for a in args)))
        except Exception:  # other arguments than it takes
            continue
        if runs(f, args):
            check_mixtures(f, args, expected)


@pytest.mark.parametrize("f", [operator.eq, operator.lt, operator.add, operator.floordiv, np.isclose, np.linspace])
def test_what_the_error_says_to_write_works(f: Callable[..., Any]) -> None:
    x = on_gpu(V)
    for args in ((x, W), (W, x), (x, Tensor(W)), (Tensor(W), x)):
        with pytest.raises(RuntimeError, match="different devices") as caught:
            f(*args)
        name, device = re.search(r'move (\S+) with \.to\("(.*)"\)', str(caught.value)).groups()
        assert f"{name} on cpu" in str(caught.value)
        moved = [a if a is x else a.to(device) if isinstance(a, Tensor) else mg.beside(a, x) for a in args]
        np.testing.assert_array_equal(host(f(*moved)), host(f(*(Tensor(V) if a is x else Tensor(W) for a in args))))


def test_two_arguments_of_one_call_are_refused_not_computed() -> None:
    """The functions above are really called with arguments that cannot meet."""
    assert check_mixtures(np.equal, (V, W), [V == W]) == 4
    assert check_mixtures(np.equal, (V, S), [V == S]) == 2  # a number goes where the others are
    assert check_mixtures(np.linspace, (V, W), [np.linspace(V, W)]) == 4
    assert check_mixtures(lambda x, y: mg.count_nonzero([x, y]), (V, W), [np.array(6)]) == 4


def test_a_list_of_arrays_on_a_gpu_is_counted() -> None:
    assert mg.count_nonzero([on_gpu(V), on_gpu(0 * V)]).item() == 3
    assert mg.count_nonzero([on_gpu(V), on_gpu(W)], axis=1).tolist() == [3, 3]
