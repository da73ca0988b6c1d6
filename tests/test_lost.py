"""No number leaves the graph in silence: each way out of it is right, or an error with the line and the remedy.

The oracle is a difference quotient of the same function on arrays.
"""

from __future__ import annotations

import array
import cmath
import copy
import json
import math
import pickle
import random
import re
import statistics
import struct
import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.optimize
import scipy.special
import scipy.stats

import minigrad as mg
from minigrad import Tensor, UnusedInputWarning, grad

X = np.array([1.5, 0.7, 2.2])
A = np.array([1.0, 2.0, 3.0])


def filled(write: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """The sum of an array of zeros after a write."""

    def f(x: Any) -> Any:
        buffer = np.zeros(3)
        write(buffer, x)
        return np.sum(buffer)

    return f


#: Ways by which a number can leave a Tensor, each a function of X that gives one number.
WAYS: dict[str, Callable[[Any], Any]] = {
    # Python's own.
    "float": lambda x: float(x[0]) ** 2,
    "int": lambda x: int(x[0]) * 1.0,
    "complex": lambda x: complex(x[0]).real,
    "item": lambda x: x[0].item() ** 2,
    "tolist": lambda x: sum(v * v for v in x.tolist()),
    "index": lambda x: [1.0, 2.0, 3.0][x[0]],
    "range": lambda x: sum(range(x[2])) * 1.0,
    "slice": lambda x: A[: x[0]].sum(),
    "memoryview": lambda x: memoryview(x)[0],
    "bytes": lambda x: float(bytes(x)[0]),
    "math.sin": lambda x: math.sin(x[0]),
    "math.exp as a factor": lambda x: x[0] * math.exp(x[0]),
    "math.fsum": lambda x: math.fsum(x),
    "math.prod": lambda x: math.prod(x),
    "math.dist": lambda x: math.dist(x, [0.0, 0.0, 0.0]),
    "cmath": lambda x: cmath.exp(x[0]).real,
    "statistics.mean": lambda x: statistics.mean(x),
    "statistics.fmean": lambda x: statistics.fmean(x),
    "statistics.median": lambda x: statistics.median(list(x)),
    "Fraction": lambda x: float(Fraction(x[0])),
    "sorted": lambda x: sorted(x)[0],
    "max": lambda x: max(x) * min(x),
    "copy": lambda x: np.sum(copy.copy(x)),
    "deepcopy": lambda x: np.sum(copy.deepcopy(x)),
    "deepcopy of a result": lambda x: np.sum(copy.deepcopy(x * 2)),
    "pickle": lambda x: np.sum(pickle.loads(pickle.dumps(x))),
    "json": lambda x: json.loads(json.dumps(x[0])),
    "struct": lambda x: struct.unpack("d", struct.pack("d", x[0]))[0],
    "array.array": lambda x: sum(array.array("d", x)),
    "round": lambda x: round(x[0], 1),
    "random.gauss": lambda x: random.Random(0).gauss(x[0], 1.0),
    "random.choices": lambda x: sum(random.Random(0).choices([1.0, 2.0], weights=x[:2], k=2)),
    # NumPy's conversions.
    "np.float64": lambda x: np.float64(x[0]) ** 2,
    "np.array of a list": lambda x: np.array([x[0], x[1]]).sum(),
    "np.array of objects": lambda x: np.array([x[0], x[1]], dtype=object).sum(),
    "np.asarray": lambda x: np.asarray(x).sum(),
    "np.fromiter": lambda x: np.fromiter((v * 2 for v in x), float).sum(),
    "np.sum of a list": lambda x: np.sum([x[0], x[1]]),
    "np.dot of a list": lambda x: np.dot([1.0, 2.0], [x[0], x[1]]),
    "np.stack of a list": lambda x: np.sum(np.stack([x[0], x[1]])),
    "np.concatenate of both": lambda x: np.sum(np.concatenate([np.ones(2), x])),
    "array times list": lambda x: np.sum(A[:2] * [x[0], x[1]]),
    "np.full": lambda x: np.sum(np.full(3, x[0])),
    "np.full_like": lambda x: np.sum(np.full_like(A, x[0])),
    "np.arange": lambda x: np.sum(np.arange(0.0, x[2], 0.5)),
    "np.linspace": lambda x: np.sum(np.linspace(0.0, x[0], 4)),
    "np.ma": lambda x: np.ma.array(x).sum(),
    "np.nditer": lambda x: sum(float(v) for v in np.nditer(x)),
    "np.ndenumerate": lambda x: sum(v for _, v in np.ndenumerate(x)),
    "np.poly1d of a list": lambda x: np.poly1d([x[0], x[1]])(2.0),
    "Polynomial": lambda x: np.polynomial.Polynomial(x)(2.0),
    "np.r_": lambda x: np.sum(np.r_[x, 1.0]),
    "as_strided": lambda x: np.sum(np.lib.stride_tricks.as_strided(x, (2,))),
    # Functions of functions.
    "np.vectorize": lambda x: np.sum(np.vectorize(lambda v: v * v)(x)),
    "np.vectorize over a closure": lambda x: np.sum(np.vectorize(lambda v: v * x[0])(A)),
    "np.frompyfunc": lambda x: np.sum(np.frompyfunc(lambda v: v * v, 1, 1)(x)),
    "np.apply_along_axis": lambda x: np.sum(np.apply_along_axis(lambda v: v * v, 0, x)),
    "np.apply_along_axis over a closure": lambda x: np.sum(np.apply_along_axis(lambda v: v * x[0], 0, A)),
    "np.piecewise": lambda x: np.sum(np.piecewise(x, [x > 1], [lambda v: v * v, lambda v: -v])),
    "np.piecewise over a closure": lambda x: np.sum(np.piecewise(A, [A > 1], [lambda v: v * x[0], x[1]])),
    "np.fromfunction": lambda x: np.sum(np.fromfunction(lambda i: x[0] * i, (3,))),
    # Writing into arrays.
    "buffer[i] = x": filled(lambda b, x: b.__setitem__(0, x[0])),
    "buffer[:] = x": filled(lambda b, x: b.__setitem__(slice(None), x)),
    "buffer += x": filled(lambda b, x: b.__iadd__(x)),
    "buffer.fill": filled(lambda b, x: b.fill(x[0])),
    "buffer.put": filled(lambda b, x: b.put([0], x[:1])),
    "np.copyto": filled(lambda b, x: np.copyto(b, x)),
    "np.put": filled(lambda b, x: np.put(b, [0], x[:1])),
    "np.place": filled(lambda b, x: np.place(b, b < 1, x)),
    "np.add.at": filled(lambda b, x: np.add.at(b, [0], x[:1])),
    "out=": filled(lambda b, x: np.multiply(x, 2.0, out=b)),
    # Methods and options of arrays.
    "array.dot": lambda x: A.dot(x),
    "array.clip": lambda x: A.clip(x[1], None).sum(),
    "array.sum(initial=)": lambda x: A.sum(initial=x[0]),
    "np.pad(constant_values=)": lambda x: np.sum(np.pad(A, 1, constant_values=x[0])),
    "np.interp(left=)": lambda x: np.interp(-1.0, [0.0, 1.0], [0.0, 1.0], left=x[0]),
    "np.kaiser": lambda x: np.sum(np.kaiser(5, x[0])),
    "np.nan_to_num(nan=)": lambda x: np.sum(np.nan_to_num(np.array([np.nan]), nan=x[0])),
    "np.random": lambda x: np.random.default_rng(0).normal(x[0]),
    "np.random.choice": lambda x: np.sum(np.random.default_rng(0).choice(x, 2)),
    "np.heaviside at 0": lambda x: np.heaviside(0.0, x[0]),
    "np.nextafter": lambda x: np.nextafter(x[0], 9.0),
    # Sets.
    "np.unique": lambda x: np.sum(np.unique(x) * A),
    "np.unique_counts": lambda x: np.sum(np.unique_counts(x).values * A),
    "np.union1d": lambda x: np.sum(np.union1d(x, A) ** 2),
    "np.setdiff1d": lambda x: np.sum(np.setdiff1d(x, A) ** 2),
    "np.setxor1d": lambda x: np.sum(np.setxor1d(x, A) ** 2),
    # SciPy.
    "quad of a parameter": lambda x: scipy.integrate.quad(lambda t: t * x[0], 0, 1)[0],
    "quad with a limit": lambda x: scipy.integrate.quad(lambda t: t, 0, x[0])[0],
    "brentq": lambda x: scipy.optimize.brentq(lambda t: t * t - x[0], 0, 3),
    "newton": lambda x: scipy.optimize.newton(lambda t: t * t - x[0], 1.0),
    "fsolve": lambda x: scipy.optimize.fsolve(lambda u: u**2 - x[0], [1.0])[0],
    "minimize": lambda x: scipy.optimize.minimize(lambda u: np.sum((u - x[0]) ** 2), [1.0]).x[0],
    "odeint": lambda x: np.sum(scipy.integrate.odeint(lambda y, t: -x[0] * y, 1.0, [0.0, 1.0])),
    "CubicSpline": lambda x: float(scipy.interpolate.CubicSpline(A, x)(1.5)),
    "norm.pdf": lambda x: scipy.stats.norm.pdf(x[0]),
    "scipy.linalg.expm": lambda x: np.sum(scipy.linalg.expm(np.eye(3) * x)),
    "logsumexp": lambda x: scipy.special.logsumexp(x),
    "hyp2f1": lambda x: scipy.special.hyp2f1(1.0, 1.0, 3.0, x[1]),
}


def slope(f: Callable[[Any], Any], step: float = 1e-5) -> np.ndarray:
    found = np.zeros(3)
    for i in range(3):
        high, low = X.copy(), X.copy()
        high[i] += step
        low[i] -= step
        found[i] = (float(f(high)) - float(f(low))) / (2 * step)
    return found


#: What an error says that refuses a way out of the graph.
LOSES = "would lose|gradient would be lost|has no gradient rule"
#: Ways that Python or NumPy refuse in words of their own, gradient or not.
OWN_WORDS = {
    "index": "only a whole number is an index",
    "range": "only a whole number is an index",
    "slice": "only a whole number is an index",
    "bytes": "only a whole number is an index",
    "memoryview": "a bytes-like object is required, not 'Tensor'",
    "statistics.mean": "can't convert type 'Tensor'",
    "Fraction": "argument should be a string or a (Rational|number)",
    "deepcopy of a result": "only leaves can be copied or pickled",
    "json": "Tensor is not JSON serializable",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_way_out_of_the_graph_is_right_or_an_error(way: str, capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UnusedInputWarning)
        refusal = ""
        try:
            got = grad(WAYS[way])(X)
        except UnusedInputWarning:
            got = np.zeros(3)  # said, so it may stand: np.round
        except Exception as error:
            refusal = str(error)
    if refusal:
        assert re.search(OWN_WORDS.get(way, LOSES), refusal)
        return
    np.testing.assert_allclose(got, slope(WAYS[way]), atol=1e-4)


#: Those that lose the number by way of a conversion: the error names this file, and what to write.
SAID = [
    "float",
    "int",
    "complex",
    "item",
    "tolist",
    "math.sin",
    "math.exp as a factor",
    "math.fsum",
    "statistics.fmean",
    "copy",
    "deepcopy",
    "pickle",
    "array.array",
    "np.float64",
    "np.array of a list",
    "np.asarray",
    "np.full",
    "np.vectorize",
    "array.dot",
    "buffer[i] = x",
    "buffer[:] = x",
    "buffer.fill",
    "quad of a parameter",
    "quad with a limit",
    "brentq",
    "fsolve",
    "minimize",
    "odeint",
    "CubicSpline",
    "norm.pdf",
    "random.choices",
]


#: Where a function of SciPy is called, the error says what to write for that one.
OF_SCIPY = {
    "quad of a parameter": "np.trapezoid(f(x), x) for scipy.integrate.quad",
    "quad with a limit": "np.trapezoid(f(x), x) for scipy.integrate.quad",
    "brentq": "minigrad.scipy.optimize.implicit_root(f, x0, args)",
    "fsolve": "minigrad.scipy.optimize.implicit_root(f, x0, args)",
    "minimize": "minigrad.scipy.optimize.implicit_root(f, x0, args)",
    "odeint": "minigrad.scipy.integrate.odeint(...)",
    "CubicSpline": "minigrad has none of scipy.interpolate.CubicSpline",
    "norm.pdf": "minigrad.scipy.stats.norm.pdf(...)",
}


@pytest.mark.parametrize("way", SAID)
def test_the_error_names_the_users_line_and_the_remedy(way: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Exception, match="lose") as caught:
        grad(WAYS[way])(X)
    text = str(caught.value)
    assert f"{__file__}:" in text
    if way in OF_SCIPY:
        assert OF_SCIPY[way] in text
        assert "detach" in text
        return
    for remedy in (
        "np.sin",
        "minigrad.array",
        "minigrad.full",
        "minigrad.zeros",
        "Tensor(array)",
        "w @ x",
        "minigrad.scipy",
        "detach",
    ):
        assert remedy in text


def test_the_remedies_keep_the_gradient() -> None:
    w = np.array([1.0, 2.0, 3.0])

    def filled(x: Any) -> Any:
        y = mg.zeros(3, dtype="float64")
        y[0] = x[0] ** 2
        b = Tensor(np.ones(3))
        b[:2] = x[:2]
        return np.sum(y) + np.sum(b)

    for f in (
        lambda x: np.sin(x[0]),
        lambda x: np.sum(mg.array([x[0], x[1]])),
        lambda x: w @ x,
        lambda x: np.sum(mg.full(3, x[0])),
        filled,
        lambda x: np.sum(mg.vectorize(lambda v: v * v)(x)),
    ):
        np.testing.assert_allclose(grad(f)(X), slope(lambda x, f=f: np.asarray(f(x))), atol=1e-4)


def test_an_error_of_the_function_itself_is_not_blamed_on_a_lost_number() -> None:
    def f(x: Any) -> Any:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="^mine$"):
        grad(f)(1.0)


def test_outside_of_transforms_a_loss_can_be_read_and_a_leaf_copied() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)
    loss = (w**2).sum()
    assert float(loss) == loss.item() == 5.0
    assert copy.deepcopy(w).tolist() == [1.0, 2.0]


# --------------------------------------------------------------------- what depends on nothing

UNUSED: dict[str, Callable[[], Any]] = {
    "grad": lambda: grad(lambda x: 3.0)(1.0),
    "grad of a detached value": lambda: grad(lambda x: Tensor(x.detach()) * 2.0)(1.0),
    "value_and_grad": lambda: mg.value_and_grad(lambda x: np.floor(x))(1.5)[1],
    "egrad": lambda: mg.egrad(np.floor)(1.5),
    "jacobian": lambda: np.sum(mg.jacobian(lambda x: np.ones(3))(np.ones(2))),
    "jacobian by columns": lambda: np.sum(mg.jacobian(lambda x: np.ones(300))(np.ones(30))),
    "hessian": lambda: mg.hessian(lambda x: 3.0)(1.0),
    "vjp": lambda: mg.vjp(lambda x: np.ones(3), 1.0)[1](np.ones(3)),
    "jvp": lambda: mg.jvp(np.floor, (1.5,), (1.0,))[1],
    "hvp": lambda: mg.hvp(lambda x: 3.0)(1.0, 1.0),
    "deriv": lambda: mg.deriv(lambda t: 3.0)(1.0),
}


@pytest.mark.parametrize("transform", UNUSED)
def test_a_result_that_depends_on_no_argument_warns(transform: str) -> None:
    with pytest.warns(UnusedInputWarning, match=r"(at .*test_lost\.py:\d+\)|floor) returns does not depend") as caught:
        assert UNUSED[transform]() == 0
    assert caught[0].filename == __file__


def test_the_warning_comes_once_for_a_line() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default", UnusedInputWarning)
        for _ in range(3):
            grad(lambda x: 3.0)(1.0)
    assert len(caught) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda: grad(grad(lambda x: 3 * x))(1.0),
        lambda: mg.hessian(lambda x: np.sum(3 * x))(np.ones(2)),
        lambda: grad(lambda x, y: x * 2, argnums=(0, 1))(1.0, 2.0),
        lambda: grad(lambda p: p["a"] ** 2)({"a": 1.0, "b": 2.0}),
        lambda: mg.jacobian(lambda x: x[:0])(np.ones(2)),
        lambda: mg.vjp(lambda x: {}, 1.0)[1]({}),
        lambda: grad(lambda x: x * 0.0)(1.0),
        lambda: mg.hvp(lambda x: 3 * x)(1.0, 1.0),
        lambda: mg.check_grads(lambda x: 3 * x, order=2)(1.0),
    ],
)
def test_a_constant_derivative_or_an_unused_part_warns_of_nothing(call: Callable[[], Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UnusedInputWarning)
        call()


@pytest.mark.parametrize("value", [True, np.True_, Tensor(True), np.array(True)])
@pytest.mark.parametrize("transform", [grad, mg.jacobian, mg.egrad, mg.value_and_grad])
def test_a_result_of_bools_has_no_derivative(transform: Any, value: Any) -> None:
    with pytest.raises(TypeError, match="comparison or a test"):
        transform(lambda x: value)(1.0)


def test_bools_beside_numbers_have_none_but_may_be_there() -> None:
    value, pull = mg.vjp(lambda x: {"y": x**2, "positive": x > 0}, 3.0)
    assert value["positive"]
    assert pull({"y": 1.0, "positive": 0.0}) == 6.0


# ----------------------------------------------------------------------------------- unique


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_unique_sends_each_gradient_to_the_first_element_of_that_value(axis: int | None) -> None:
    x = Tensor(np.array([[2.0, 1.0, 2.0], [2.0, 1.0, 2.0]]), requires_grad=True)
    values, index = np.unique(x.data, return_index=True, axis=axis)
    out, counts = np.unique(x, return_counts=True, axis=axis)
    weights = np.arange(1.0, 1.0 + values.size).reshape(values.shape)
    np.testing.assert_array_equal(out.detach().numpy(), values)
    assert not counts.requires_grad
    np.sum(out * weights).backward()
    want = np.zeros((2, 3))
    if axis is None:
        want.reshape(-1)[index] = weights
    else:
        np.moveaxis(want, axis, 0)[index] = np.moveaxis(weights, axis, 0)
    np.testing.assert_array_equal(x.grad.numpy(), want)
