"""compile: NumPy code as everybody writes it runs as a program, or is an error that says what to write."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, compile
from minigrad.compiler import native
from minigrad.compiler.groups import Call

needs_native = pytest.mark.skipif(not native.available(), reason="needs llvmlite")


def calls_of(compiled: Any) -> list[str]:
    """The names of the calls that no loop holds."""
    return [p.step.function.__name__ for p in compiled._latest().layout.pieces if isinstance(p, Call)]


@pytest.fixture(params=["native", "replayed"])
def how(request: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "replayed":
        monkeypatch.setattr(native, "available", lambda: False)
    elif not native.available():
        pytest.skip("needs llvmlite")
    return str(request.param)


# ------------------------------------------------------------------------- x[0] is a view


def lorenz(u: Any) -> Any:
    return np.stack([10 * (u[1] - u[0]), u[0] * (28 - u[2]) - u[1], u[0] * u[1] - 8 / 3 * u[2]])


def write_and_read(u: Any) -> Any:
    first, u = u[0], u.copy()
    u[0] = 7.0
    u[1] += u[0]
    return first, u, u[1]


CUBE = np.arange(24.0).reshape(2, 3, 4)
PLACES: list[tuple[Callable[..., Any], np.ndarray]] = [
    (lorenz, np.array([1.0, 2.0, 3.0])),
    (mg.grad(lambda u: np.sum(lorenz(u) ** 2)), np.array([1.0, 2.0, 3.0])),
    (mg.hessian(lambda u: u[0] ** 2 * u[1] + np.sin(u[2])), np.array([1.0, 2.0, 3.0])),
    (write_and_read, np.array([1.0, 2.0])),
    (lambda x: (x[1, 2, 3], x[-1, :, 2], x[1][2][np.int64(3)], sum(x[0, 0]), x[0, 0, 0] * x.astype("f4")), CUBE),
    (lambda x: (x.astype("f4")[0, 1, 2], (x > 3)[0, 1, 2], x.astype(int)[0, 1, 2], x[..., 0].T[1, 0]), CUBE),
    (lambda x: (x[()], x[()] * 2), np.array(2.0)),
]  # fmt: skip


@pytest.mark.parametrize(("f", "x"), PLACES)
def test_a_number_of_an_array_is_numpys_number_and_takes_no_call(f: Callable[..., Any], x: np.ndarray, how: str) -> None:
    run = compile(f)
    for shift in (0.0, 0.5, 1.0):
        expected, found = f(x + shift), run(x + shift)
        several = zip(expected, found, strict=True) if type(expected) is tuple else [(expected, found)]
        for a, b in several:
            assert type(a) is type(b) and a.dtype == b.dtype
            np.testing.assert_allclose(b, a, rtol=1e-6)
    assert how == "replayed" or not calls_of(run)


@needs_native
def test_a_number_of_an_array_inside_of_a_loop() -> None:
    def pendulum(u: Any) -> Any:
        return mg.fori(50, lambda i, u: u + 0.1 * np.stack([u[1], -np.sin(u[0])]), u)

    u = np.array([1.0, 0.2])
    run = compile(pendulum)
    run(u)
    np.testing.assert_allclose(run(u), pendulum(u), rtol=1e-10)
    slope = mg.grad(lambda u: np.sum(pendulum(u)))
    np.testing.assert_allclose(compile(slope)(u), slope(u), rtol=1e-9)


# ------------------------------------------------------------ NumPy's functions of a float argument

F = nn.functional
OF_FLOATS: dict[str, Callable[[Any, Any], Any]] = {
    "sine": lambda x, k: x * np.sin(k),
    "alone": lambda x, k: np.exp(-k),
    "beside float32": lambda x, k: x.astype("f4") * np.sin(k),
    "float32": lambda x, k: x.astype("f4") * (k * np.float32(2)),
    "float64": lambda x, k: x.astype("f4") * (k * np.float64(2)),
    "clip": lambda x, k: np.clip(k, 0.55, 1) * np.maximum(k, 0.65) * x,
    "stack": lambda x, k: np.stack([k, 1.0, 2.0]) * np.linspace(0, k, 3) * x,
    "array": lambda x, k: np.arange(3) ** k + k * np.arange(3) + np.where(np.arange(3) > 1, k, x),
    "tensor": lambda x, k: Tensor(k) * Tensor(x) * np.sqrt(k),
    "normal": lambda x, k: mg.random.normal(scale=k, size=3) * x,
    "dropout": lambda x, k: F.dropout(Tensor(x), k),
    "fori": lambda x, k: mg.fori(3, lambda i, u: u * k * np.sin(k), x),
    "scan": lambda x, k: mg.scan(lambda u, y: (u * k + y, u), 0.0, x)[1],
}


@pytest.mark.parametrize("name", OF_FLOATS)
def test_what_numpy_makes_of_a_float_argument_belongs_to_the_program(name: str, how: str) -> None:
    f = OF_FLOATS[name]
    run, x = compile(f), np.ones(3)
    for k in (0.5, 0.6, 0.7):
        mg.random.seed(0)
        expected = f(x, k)
        mg.random.seed(0)
        found = run(x, k)
        assert type(found) is type(expected) and found.dtype == expected.dtype
        np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=1e-6)
    assert len(run.versions) == 1


def test_a_gradient_reaches_an_array_beside_a_function_of_a_float() -> None:
    slope = mg.grad(lambda x, k: np.sum(np.sin(k) * x * x))
    run = compile(slope)
    for k in (0.5, 0.6):
        np.testing.assert_allclose(run(np.ones(3), k), slope(np.ones(3), k))
    assert len(run.versions) == 1


# -------------------------------------------------- who needs the number itself gets it, each time

EXACT: list[Callable[[Any, Any], Any]] = [
    lambda x, k: x * float(str(k)),
    lambda x, k: x * float(repr(k)),
    lambda x, k: x * {0.5: 1.0, 0.7: 2.0}.get(k, 3.0),
    lambda x, k: x * (hash(k) % 1000),
    lambda x, k: x * float(f"{k:.2f}"),
    lambda x, k: x * math.sin(k),
    lambda x, k: x * math.copysign(1.0, float(k)),
    lambda x, k: x * (1.0 if np.sin(k) > 0.6 else 2.0),
]


@pytest.mark.parametrize("f", EXACT)
def test_a_float_argument_that_becomes_text_or_a_key_is_never_stale(f: Callable[[Any, Any], Any]) -> None:
    run = compile(f)
    for k in (0.5, 0.7, 0.0, -0.0, 0.5):
        np.testing.assert_array_equal(run(np.ones(3), k), f(np.ones(3), k))
