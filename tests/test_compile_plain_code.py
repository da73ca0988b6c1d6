"""compile: NumPy code as everybody writes it runs as a program, or is an error that says what to write."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, compile, viz
from minigrad.arrays.traced import CannotTrace
from minigrad.compiler import native
from minigrad.compiler.compiled import CompileWarning
from minigrad.compiler.groups import Call

needs_native = pytest.mark.skipif(not native.available(), reason="needs llvmlite")


def calls_of(compiled: Any) -> list[str]:
    """The names of the calls that no loop holds."""
    return [p.step.function.__name__ for p in compiled._latest().layout.pieces if isinstance(p, Call)]


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


def test_a_numpy_scalar_is_an_array_and_says_so() -> None:
    for f in (lambda x, k: x if k > 0 else -x, lambda x, k: x * math.sin(k), lambda x, k: x * np.full(3, k)):
        with pytest.raises(CannotTrace, match=r"give float\(k\)"):
            compile(f)(np.ones(3), np.float64(0.5))
    assert compile(lambda x, k: x * round(k, 1))(np.ones(2), np.float64(0.25)).tolist() == [0.2, 0.2]


# -------------------------------------------------------- what to write instead, in one sentence


def filled(x: Any) -> Any:
    made = np.zeros(3)
    made[0] = x[0]
    return made


def added(x: Any) -> Any:
    made = np.zeros(3)
    made += x
    return made


def until(x: Any) -> Any:
    while x.sum() > 0:
        x = x - 1
    return x


def asserts(x: Any) -> Any:
    assert np.isfinite(x).all()
    return x


REFUSED: list[tuple[Callable[[Any], Any], str]] = [
    (lambda x: x if x.sum() > 0 else -x, r"np\.where\(condition, a, b\)"),
    (lambda x: x if np.allclose(x, 1) else -x, r"np\.where"),
    (lambda x: x if np.array_equal(x, np.ones(3)) else -x, r"np\.where"),
    (lambda x: max(x[0], x[1]), r"^max\(\) .*np\.maximum\(a, b\)"),
    (lambda x: min(x), r"np\.min\(x\)"),
    (lambda x: any(x > 0), r"np\.any\(x\)"),
    (lambda x: sorted(x), r"np\.sort\(x\)"),
    (lambda x: math.exp(x[0]), r"^math\.exp .*write np\.exp\."),
    (lambda x: math.asin(x[0]), r"write np\.arcsin\."),
    (lambda x: [1, 2, 3][x.astype(int)[0]], r"np\.stack\(values\)\[i\]"),
    (lambda x: x * len(range(x.astype(int)[0])), r"^range\(\) .* as an argument, an int"),
    (lambda x: np.zeros(x.astype(int)[0]), r"^np\.zeros needs to know the size"),
    (lambda x: np.full(3, x[0]), r"np\.ones\(n\) \* x"),
    (lambda x: np.array([x[0], x[1]]), r"np\.stack\(\[a, b\]\)"),
    (lambda x: Tensor([x[0], x[1]]), r"np\.stack\(\[a, b\]\)"),
    (lambda x: np.r_[x, x], r"^np\.r_ .*np\.concatenate"),
    (lambda x: np.c_[x, x], r"^np\.c_ .*np\.concatenate"),
    (lambda x: np.float32(x[0]) * x, r"x\.astype\(np\.float32\)"),
    (lambda x: float(x[0]), r"^float\(\) .* outside"),
    (lambda x: int(x[0]), r"x\.astype\(int\)"),
    (lambda x: x.sum().item(), r"^\.item\(\) .* outside"),
    (lambda x: Tensor(x).numpy(), r"^\.numpy\(\) .* outside"),
    (lambda x: np.save(io.BytesIO(), x), r"^np\.save .* at .*test_compile_plain_code\.py:\d+"),
    (filled, r"np\.stack, or np\.zeros_like\(x, shape=n\).*made\[0\] = x\[0\]"),
    (added, r"write y = y \+ x"),
    (until, r"minigrad\.fori"),
    (asserts, r"assert it outside"),
]  # fmt: skip


@pytest.mark.parametrize(("f", "words"), REFUSED)
def test_what_needs_numbers_is_an_error_that_says_what_to_write(f: Callable[[Any], Any], words: str) -> None:
    with pytest.raises(CannotTrace, match=words) as said:
        compile(f)(np.ones(3))
    assert "test_compile_plain_code.py:" in str(said.value)
    assert len(str(said.value).partition(". compile")[0].split()) < 35


SHOWN: list[Callable[[Any], Any]] = [
    print, str, repr, "{}".format, "{0!r}".format, lambda x: f"{x}", lambda x: "%s" % x,  # noqa: UP031
    lambda x: print([x]), np.array2string,
]  # fmt: skip


@pytest.mark.parametrize("kind", [np.asarray, Tensor, lambda x: nn.Parameter(Tensor(x))])
@pytest.mark.parametrize("shown", SHOWN)
def test_text_of_arrays_and_tensors_is_an_error_with_the_line(shown: Any, kind: Any) -> None:
    x = kind(np.ones(3))
    with pytest.raises(CannotTrace, match=r"(print|text|repr|str).* outside.*test_compile_plain_code\.py:\d+"):
        compile(lambda y: (shown(x), x * y))(np.ones(3))


def test_messages_of_the_library_show_no_numbers_of_a_trace() -> None:
    kept: list[Any] = []

    def keeps(x: Any) -> Any:
        kept.append((x * 2, Tensor(x)))
        raise RuntimeError("the end")

    with pytest.raises(RuntimeError, match="the end"):
        compile(keeps)(np.ones(3))
    with pytest.raises(ValueError, match=r"dropout: p must be a number from 0 to 1, got 2\.0"):
        compile(lambda x, p: F.dropout(Tensor(x), p))(np.ones(3), 2.0)
    with pytest.raises(ValueError, match="dropout: p must be"):
        compile(lambda x: F.dropout(Tensor(x), x))(np.ones(3))  # type: ignore[arg-type]


def test_methods_of_arrays_have_numpys_arguments() -> None:
    kept = np.array([True, False, True])
    methods: list[Callable[[Any], Any]] = [
        lambda x: x.clip(0), lambda x: x.clip(max=0.5), lambda x: x.clip(-1, 0.5), lambda x: x.compress(kept),
    ]  # fmt: skip
    x = np.array([-2.0, 0.25, 3.0])
    for f in methods:
        np.testing.assert_array_equal(compile(f)(x), f(x))


KINDS: list[Callable[[Any], Any]] = [
    lambda x: x * 2 if isinstance(x, np.ndarray) else x * 3,
    lambda x: x if isinstance(x, np.ndarray) else np.array(x),
    lambda x: x * 2 if isinstance(x.sum(), float) and isinstance(x[..., 0].sum() if x.ndim else x.max(), np.floating) else x * 3,
    lambda x: x * 2 if isinstance(x.sum(), np.ndarray) else x * 3,
    lambda x: x * 2 if isinstance(x, (list, tuple, int, float)) else x * 3,
    lambda x: sum(v.sum() for v in (x, 2.0, x * 2) if isinstance(v, np.ndarray)),
]


@pytest.mark.parametrize("f", KINDS)
@pytest.mark.parametrize("x", [np.ones(2), np.array(2.0)])
def test_isinstance_takes_the_branch_that_it_takes_without_a_trace(f: Callable[[Any], Any], x: np.ndarray) -> None:
    run = compile(f)
    for _ in range(2):
        np.testing.assert_array_equal(run(x), f(x))


# ------------------------------------------------------------------ why a function runs as it is


class Counts:
    latest: Any = None


ELEMENTS = iter(range(100))
WHY: list[tuple[Callable[[Any, Any], Any], Callable[[int], Any], str]] = [
    (lambda x, n: x * n, int, r"n was 7 and is 8\..*give a float"),
    (lambda x, k: x * math.sin(k), float, r"k was 7\.0 and is 8\.0\..*compute with NumPy"),
    (lambda x, k: x * next(ELEMENTS), float, "it takes the next element of an iterator"),
    (lambda x, k: (setattr(Counts, "latest", object()), x * k)[1], float, "it puts another object into latest"),
]  # fmt: skip


@pytest.mark.parametrize(("f", "kind", "words"), WHY)
def test_the_warning_names_what_is_another_one_at_each_call(f: Any, kind: Any, words: str) -> None:
    run = compile(f)
    for i in range(8):
        run(np.ones(2), kind(i))
    with pytest.warns(CompileWarning, match=words):
        run(np.ones(2), kind(8))


def test_the_warning_names_a_variable_of_the_function_around() -> None:
    rate = 0.0
    run = compile(lambda x: x * rate)
    for i in range(8):
        rate = float(i)
        assert run(np.ones(2)).tolist() == [rate, rate]
    rate = 8.0
    with pytest.warns(CompileWarning, match=r"rate was 7\.0 and is 8\.0"):
        run(np.ones(2))


def test_static_takes_names_and_places() -> None:
    with pytest.raises(TypeError, match=r"static takes names or places .* got 1\.5"):
        compile(lambda x: x, static=1.5)  # type: ignore[call-overload]


# ------------------------------------------------------------------------ what there is to look at


def test_a_compiled_model_shows_what_a_compiled_function_shows() -> None:
    model = compile(nn.Sequential(nn.Linear(3, 4), nn.ReLU()))
    with pytest.raises(RuntimeError, match="call it first"):
        _ = model.program
    model(Tensor(np.ones((2, 3), "f4")))
    assert len(model.versions) == 1 and model.program.steps and "traced" in model.stages()
    assert "def run" in model.source()
    assert "relu" in viz.draw_program(model, "traced").source or "maximum" in viz.draw_program(model, "traced").source
    if native.available():
        assert model.loops and "loop" in viz.draw_program(model).source and str(model.explain())
    with pytest.raises(AttributeError, match="no attribute 'program'"):
        _ = nn.Linear(3, 4).program
    with pytest.raises(TypeError, match=r"write f = minigrad\.compile\(f\)"):
        viz.draw_program(nn.Linear(3, 4))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="got function"):
        viz.draw_program(lambda x: x)  # type: ignore[arg-type]


def draws(x: Any) -> Any:
    y = x * 2
    y = y + np.random.normal(size=3)
    return y * 3


def test_random_numbers_that_are_refused_name_their_line() -> None:
    with pytest.raises(CannotTrace, match=r"numpy\.random at .*test_compile_plain_code\.py:\d+: y = y \+ np\.random"):
        compile(draws)(np.ones(3))


def test_a_container_that_is_changed_is_named() -> None:
    def keeps(x: Any, kept: Any, /, last: Any = None) -> Any:
        kept.append(x * 2)
        return x

    with pytest.raises(CannotTrace, match="the compiled function changes kept, a list"):
        compile(keeps)(np.ones(3), [])

    def puts(x: Any, *, state: Any) -> Any:
        state["t"] = x
        return x

    with pytest.raises(CannotTrace, match="the compiled function changes state, "):
        compile(puts)(np.ones(3), state={})
