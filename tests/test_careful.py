"""On a GPU a careful backward pass, and one on trial, give what the CPU gives, with masks above and below.

A pass that runs on trial calls nothing of what mends numbers (`minigrad.masked`).  So the trial is refused here, too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, backward
from minigrad.op import Op

from .test_masked import (
    BAD,
    BAD_ROWS,
    ELEMENTWISE,
    FLOATING,
    HIDDEN,
    OF_MATRICES,
    OF_ROWS,
    PRODUCTS,
    ROWS,
    WAYS,
    M,
)  # fmt: skip
from .test_trial import _agree, _gradients, _hidden, ways

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::minigrad.UnusedInputWarning")


@pytest.fixture(params=["careful", "on trial"])
def device(request: pytest.FixtureRequest, stand_in: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """A GPU where backward passes are careful from the start, or run on trial first."""
    if request.param == "careful":
        monkeypatch.setattr(backward, "may_run", lambda *args: False)
    return "cuda"


@pytest.fixture
def careful(stand_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backward, "may_run", lambda *args: False)


def beside(x: Any, mask: Any) -> Any:
    """A mask on the device of x."""
    return Tensor(mask, device=x.device).data


# ----------------------------------------------------------------------------- the whole table

OF_THE_GPU = {name: sample for name, sample in FLOATING.items() if name.endswith("-0")}


@pytest.mark.parametrize("case", OF_THE_GPU)
def test_every_op_behind_a_mask_is_as_on_the_cpu(case: str, careful: None) -> None:
    sample = OF_THE_GPU[case]
    for value in (None, np.nan, np.inf, 0.0):
        args = tuple(a if value is None or a.dtype.kind not in "fc" else np.full_like(a, value) for a in sample.args)
        f = lambda *xs: _hidden(sample.f, *xs)
        try:
            here = _gradients(f, args, "cpu", 1)
        except (ValueError, np.linalg.LinAlgError, FloatingPointError, ZeroDivisionError, RuntimeError, TypeError):
            continue  # what has no value, or no gradient, has none to hide
        try:
            there = _gradients(f, args, "cuda", 1)
        except NotImplementedError:  # CuPy lacks it; the test below counts how many these are
            return
        for a, b in zip(there, here, strict=True):
            assert (a is None) == (b is None)
            if a is not None:
                np.testing.assert_allclose(a, b, rtol=1e-12)


def test_nearly_every_op_was_there(careful: None) -> None:
    ran = 0
    for sample in OF_THE_GPU.values():
        try:
            sample.f(*(Tensor(a, device="cuda") for a in sample.args))
        except NotImplementedError:
            continue
        ran += 1
    assert ran > 0.8 * len(OF_THE_GPU)


# ---------------------------------------------------------------------- a mask below a function

#: Functions whose slope is infinite, or NaN, where their argument is 0 or worse: of y, which came through a mask.
ABOVE: dict[str, Callable[[Any], Any]] = {
    "log": np.log,
    "sqrt": np.sqrt,
    "1 / y": lambda y: 1.0 / y,
    "y ** 0.3": lambda y: y**0.3,
    "log of a sum": lambda y: np.log(y + y),
    "norm": lambda y: np.sqrt(np.sum(y * y)),
    "prod": np.prod,
    "logsumexp": lambda y: mg.logsumexp(np.log(y)),
    "product": lambda y: np.sqrt(y) @ np.sqrt(y),
}
#: Ops that send gradients to a part of their input alone, and give 0 elsewhere, most of them.
BELOW: dict[str, Callable[[Any], Any]] = {
    "relu": mg.relu,
    "maximum": lambda x: np.maximum(x, 0.0),
    "fmax": lambda x: np.fmax(x, 0.0),
    "minimum": lambda x: np.minimum(x, 1.0),
    "fmin": lambda x: np.fmin(x, 1.0),
    "clip": lambda x: np.clip(x, 0.0, 1.0),
    "max": lambda x: np.max(np.reshape(x, (2, -1)), axis=1),
    "getitem": lambda x: x[1:],
    "sort": np.sort,
    "two": lambda x: np.maximum(mg.relu(x) - 0.25, 0.0),
    "one for all": lambda x: np.where(True, mg.relu(x), 0.0),
}
POINTS = np.array([-1.0, 0.0, 0.5, 4.0, 2.0, -0.0])


@pytest.mark.parametrize("below", BELOW)
@pytest.mark.parametrize("above", ABOVE)
@pytest.mark.parametrize("order", [1, 2])
def test_a_mask_below_a_function_is_as_on_the_cpu(above: str, below: str, order: int, device: str) -> None:
    _agree(lambda x: np.sum(ABOVE[above](BELOW[below](x))), (POINTS,), order)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["sqrt", "log", "power", "divide"])
def test_every_mask_below_is_as_on_the_cpu(way: str, name: str, device: str) -> None:
    sample = ELEMENTWISE[f"{name}-0"]
    count = len(sample.args)
    bad = [a.ravel() for a in np.meshgrid(*[BAD] * count)] if count > 1 else [BAD]
    args = tuple(np.concatenate([b, a.ravel()]) for b, a in zip(bad, sample.args, strict=True))
    good = np.arange(len(args[0])) >= len(bad[0])

    def f(*xs: Any) -> Any:
        mask = good if way in ("delete", "one by one") else beside(xs[0], good)
        return np.sum(sample.f(*(ways[way](x, mask) for x in xs)))

    _agree(f, args)


def test_transforms_of_functions_above_a_mask(device: str) -> None:
    x, rows = np.array([4.0, -1.0]), np.array([[1.0, 2.0], [-1.0, 3.0]])
    root = lambda w: np.sum(np.sqrt(mg.relu(w)))
    programs: list[Callable[[str], Any]] = [
        lambda d: mg.hessian(root)(Tensor(x, device=d)),
        lambda d: mg.jacobian(lambda w: np.sqrt(mg.relu(w)))(Tensor(x, device=d)),
        lambda d: mg.grad(lambda w: mg.checkpoint(root)(w))(Tensor(x, device=d)),
        lambda d: mg.vmap(mg.grad(root))(Tensor(rows, device=d)),
        lambda d: mg.vmap(mg.grad(lambda w, v: np.sum(np.log(np.maximum(w * v, 0.0)))), in_axes=(None, 0))(
            Tensor(x, device=d), Tensor(rows, device=d)
        ),
        lambda d: mg.jvp(mg.grad(root), (Tensor(x, device=d),), (Tensor(np.ones(2), device=d),))[1],
    ]
    for program in programs:
        there, here = (program(d).detach().cpu().numpy() for d in ("cuda", "cpu"))
        np.testing.assert_array_equal(there, here)


# --------------------------------------------------------------------- the programs of test_masked


@pytest.mark.parametrize("f", PRODUCTS)
@pytest.mark.parametrize("order", [1, 2])
def test_rows_of_a_product(f: Callable[..., Any], order: int, device: str) -> None:
    w = np.array([[1.0, -1.0], [0.5, 2.0], [1.5, 0.3]])
    _agree(lambda x, w: np.sum(np.where(beside(x, ROWS[:, None]), f(x, w), 0.0) ** 2), (M, w), order)


@pytest.mark.parametrize("bad", BAD_ROWS)
@pytest.mark.parametrize("f", OF_ROWS)
def test_rows_of_a_reduction(f: Callable[..., Any], bad: list[float], device: str) -> None:
    x = np.array([bad, *M[ROWS]])
    seen = ROWS.reshape(-1, *(1,) * (f(x).ndim - 1))
    _agree(lambda x: np.sum(np.where(beside(x, seen), f(x), 0.0) ** 2), (x,))


@pytest.mark.parametrize("f", OF_MATRICES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_a_masked_matrix(f: Callable[..., Any], hidden: Any, device: str) -> None:
    stack = np.stack([[[2.0, 1.0], [0.5, 3.0]], hidden])
    try:
        shape = np.shape(f(stack))
    except (np.linalg.LinAlgError, ValueError):
        return  # what has no value has no gradient to hide
    seen = np.array([True, False]).reshape(2, *[1] * (len(shape) - 1))
    with contextlib.suppress(NotImplementedError):  # CuPy lacks it
        _agree(lambda a: np.sum(np.where(beside(a, seen), f(a), 0.0)), (stack,))


ZEROS: list[Callable[..., Any]] = [
    lambda x: np.sum(0 * np.exp(x)),
    lambda x: np.sum(np.where(beside(x, np.array([True, False])), 0 * np.exp(x), np.exp(-x))),
    lambda x: (0 * np.exp(x))[0],
    lambda x: np.sum(0 * np.exp(x) + mg.relu(x)),
    lambda x: np.exp(mg.logsumexp(np.log(x))),
    lambda x: np.sum(np.maximum(np.sqrt(x) ** 2, -1.0)),
    lambda x: np.sum(np.where(True, np.sqrt(x), 0.0)),
    lambda x: np.sum(np.where(beside(x, np.array([False, True])), np.sqrt(x), 0.0)) + np.sum(np.sqrt(x)),
    lambda x: np.sum(np.where(beside(x, np.array([True, False])), np.prod(np.exp(np.stack([x, x])), axis=0), 0.0)),
]


@pytest.mark.parametrize("f", ZEROS)
@pytest.mark.parametrize("x", [[1000.0, 1000.0], [0.0, 0.0], [0.0, 4.0]])
def test_zeros_of_a_mask_and_others_are_told_apart(f: Callable[..., Any], x: list[float], device: str) -> None:
    _agree(f, (np.array(x),))


OPEN: list[Callable[..., Any]] = [
    lambda x: np.sum(np.maximum(mg.softmax(np.log(x)), -1.0)),
    lambda x: np.sum((np.sqrt(x) @ np.zeros_like(x, shape=(2, 2)))[::-1]),
    lambda x: np.sum(mg.relu(np.sqrt(x) @ np.zeros_like(x, shape=(2, 2)) + 1.0)),
    lambda x: np.sum(np.where(x >= -1.0, np.sqrt(x) @ np.zeros_like(x, shape=(2, 2)), 0.0)),
]


@pytest.mark.parametrize("f", OPEN)
def test_a_mask_that_is_open_everywhere_hides_nothing(f: Callable[..., Any], device: str) -> None:
    x = np.array([0.0, 1.0])
    assert np.isnan(mg.grad(f)(x)).any()
    _agree(f, (x,))


@pytest.mark.parametrize("reduce", [np.nansum, np.nanmean, np.nanmax, np.nanprod, np.nanstd, partial(np.nanquantile, q=0.3)])
def test_reductions_that_leave_nan_out(reduce: Callable[..., Any], device: str) -> None:
    _agree(lambda x: reduce(np.sqrt(x)), (np.array([-1.0, 1.0, 4.0, -4.0, 9.0]),))


def test_an_op_of_several_outputs_of_which_one_is_hidden(device: str) -> None:
    def forward(x: Any) -> Any:
        return np.sqrt(x), x * 2.0

    rule = lambda g, needs, x: (g[0] / (2 * np.sqrt(x)) + 2.0 * g[1],)
    op = Op(forward, {}, joint=rule, inputs=("x",), name="both")
    seen = np.array([False, True])
    _agree(lambda x: np.sum(np.where(beside(x, seen), op.function(x)[0], op.function(x)[1])), (np.array([0.0, 4.0]),))
