"""Random shapes, axes and options (Hypothesis): values are NumPy's, gradients those of finite differences."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import Tensor, jvp, vjp

shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


def check(f: Callable[..., Any], *shapes: tuple[int, ...], seed: int) -> None:
    """f on arrays is the oracle of f on Tensors; v . (J u) = (v J) . u = the difference quotient along u."""
    rng = np.random.default_rng(seed)
    xs = [rng.permutation(np.linspace(0.3, 2.0, max(int(np.prod(s)), 2)))[: int(np.prod(s))].reshape(s) for s in shapes]
    us = [rng.uniform(-1, 1, s) for s in shapes]
    value = f(*map(Tensor, xs)).numpy()
    np.testing.assert_allclose(value, f(*xs), rtol=1e-12)
    v, h = rng.uniform(-1, 1, value.shape), 1e-6
    quotient = (f(*(x + h * u for x, u in zip(xs, us, strict=True))) - f(*(x - h * u for x, u in zip(xs, us, strict=True)))) / (
        2 * h
    )
    pulled = vjp(f, *xs, argnums=tuple(range(len(xs))))[1](v)
    np.testing.assert_allclose(
        sum(np.sum(g * u) for g, u in zip(pulled, us, strict=True)), np.sum(v * quotient), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(jvp(f, xs, us)[1], quotient, rtol=1e-4, atol=1e-5)


REDUCTIONS = [np.sum, np.mean, np.prod, np.max, np.min, np.var, np.std, np.ptp, np.linalg.norm, np.median, np.nansum, np.nanmax]


@settings(max_examples=150, deadline=None)
@given(st.data(), shapes, st.integers(0, 99), st.booleans())
def test_reductions_over_any_axes(data: Any, shape: tuple[int, ...], seed: int, keepdims: bool) -> None:
    f = data.draw(st.sampled_from(REDUCTIONS))
    axes = st.integers(-len(shape), len(shape) - 1)
    limit = 2 if f is np.linalg.norm else len(shape)
    several = st.lists(axes, max_size=limit, min_size=1, unique_by=lambda a: a % len(shape)).map(tuple)
    axis = data.draw(st.one_of(axes, several, st.none()) if f is not np.linalg.norm else axes)
    if f is np.std and np.prod([shape[a] for a in ([axis] if isinstance(axis, int) else axis or range(len(shape)))]) == 1:
        return  # the root at 0
    check(partial(f, axis=axis, keepdims=keepdims), shape, seed=seed)


ALONG_AN_AXIS: list[Callable[..., Any]] = [
    np.cumsum,
    np.cumprod,
    np.sort,
    np.flip,
    np.diff,
    np.maximum.accumulate,
    np.subtract.accumulate,
    lambda x, axis: np.roll(x, 2, axis),
    lambda x, axis: np.repeat(x, 3, axis),
    lambda x, axis: np.take(x, [0, -1, 0], axis),
    lambda x, axis: np.delete(x, 0, axis),
    lambda x, axis: np.insert(x, [0, 1], 2.0, axis),
    lambda x, axis: np.expand_dims(x, axis),
    lambda x, axis: np.concatenate([x, x * x], axis),
    lambda x, axis: np.stack([x, x * x], axis),
    lambda x, axis: np.moveaxis(x, axis, 0),
    lambda x, axis: np.swapaxes(x, axis, -1),
    lambda x, axis: np.quantile(x, [0.2, 0.9], axis),
    lambda x, axis: np.trapezoid(x, axis=axis),
    lambda x, axis: np.apply_along_axis(lambda row: row * row[0], axis, x),
    lambda x, axis: np.fft.irfft(np.fft.rfft(x, axis=axis), 5, axis),
    lambda x, axis: np.take_along_axis(x, np.argsort(x, axis=axis), axis),
    lambda x, axis: np.nanquantile(x, 0.3, axis),
    lambda x, axis: np.multiply.reduceat(x, [0], axis),
]


@settings(max_examples=200, deadline=None)
@given(st.data(), shapes, st.integers(0, 99))
def test_functions_along_any_axis(data: Any, shape: tuple[int, ...], seed: int) -> None:
    f = data.draw(st.sampled_from(ALONG_AN_AXIS))
    check(partial(f, axis=data.draw(st.integers(-len(shape), len(shape) - 1))), shape, seed=seed)


BINARY = [np.add, np.subtract, np.multiply, np.divide, np.power, np.maximum, np.hypot, np.logaddexp, np.arctan2]


@settings(max_examples=100, deadline=None)
@given(st.data(), shapes, st.integers(0, 99))
def test_broadcasting_of_any_shapes(data: Any, shape: tuple[int, ...], seed: int) -> None:
    other = tuple(1 if data.draw(st.booleans()) else n for n in shape[data.draw(st.integers(0, len(shape))) :])
    f = data.draw(st.sampled_from(BINARY))
    pair = (shape, other) if data.draw(st.booleans()) else (other, shape)
    check(lambda x, y: f(x, y * 1.1), *pair, seed=seed)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.lists(st.integers(1, 3), max_size=2).map(tuple), st.integers(0, 99))
def test_products_of_stacks_of_matrices(data: Any, stack: tuple[int, ...], seed: int) -> None:
    n, k, m = (data.draw(st.integers(1, 3)) for _ in range(3))
    left, right = data.draw(
        st.sampled_from(
            [
                ((*stack, n, k), (k, m)),
                ((n, k), (*stack, k, m)),
                ((*stack, n, k), (*stack, k, m)),
                ((k,), (*stack, k, m)),
                ((*stack, n, k), (k,)),
            ]
        )
    )
    check(np.matmul, left, right, seed=seed)
