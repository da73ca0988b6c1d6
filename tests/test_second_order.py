"""The second derivative reaches every input, whatever the first one was asked for.

For an op f(x_1, x_2, ...) and one input x_i, the squared gradient p = |d(w f)/dx_i|^2 is sent back to the
other inputs.  Its slope along a direction of each of them is compared with a finite difference, for which p
comes from first-order backward passes alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import Tensor, autograd

from .ops_table import SAMPLES
from .samples import Sample


def _moving(sample: Sample) -> list[int]:
    return [i for i, a in enumerate(sample.args) if a.dtype.kind in "fc" and a.size]


CASES = [(f"{n}-{k}-{i}", s, i) for n, k, s in SAMPLES if len(_moving(s)) > 1 for i in _moving(s)]


def _like(rng: np.random.Generator, a: Any) -> np.ndarray:
    values = rng.uniform(0.5, 1.0, a.shape)
    return values + 1j * rng.uniform(0.5, 1.0, a.shape) if a.dtype.kind == "c" else values


def _gradient(sample: Sample, args: list[Any], i: int, create_graph: bool) -> tuple[Any, list[Tensor]]:
    """The gradient of a projection of the outputs with respect to input i, None where it is zero."""
    xs = [Tensor(a, requires_grad=a.dtype.kind in "fc") for a in args]
    y = sample.f(*xs)
    ys = [y for y in (y if isinstance(y, (list, tuple)) else [y]) if y.requires_grad]
    rng = np.random.default_rng(1)
    weights = [_like(rng, y) for y in ys]
    (g,) = autograd.grad(ys, [xs[i]], weights, create_graph=create_graph, allow_unused=True)
    return g, xs


def _squared(sample: Sample, args: list[Any], i: int) -> float:
    g, _ = _gradient(sample, args, i, create_graph=False)
    return 0.0 if g is None else float(np.sum(np.abs(g.numpy()) ** 2))


@pytest.mark.parametrize(("sample", "i"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_gradient_of_a_gradient_reaches_the_other_inputs(sample: Sample, i: int) -> None:
    rng, step = np.random.default_rng(2), 1e-6
    args = [np.array(a) for a in sample.args]
    g, xs = _gradient(sample, args, i, create_graph=True)
    if g is not None and g.requires_grad:
        np.sum(np.real(g * np.conj(g))).backward()
    for j in _moving(sample):
        if j == i:
            continue
        direction = _like(rng, args[j])
        ends = [_squared(sample, [*args[:j], args[j] + s * direction, *args[j + 1 :]], i) for s in (step, -step)]
        found = xs[j].grad
        got = 0.0 if found is None else np.sum(np.real(np.conj(found.numpy()) * direction))
        wanted = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5 * (1 + abs(ends[0])), err_msg=f"input {j}")


def test_most_ops_of_several_inputs_are_among_the_cases() -> None:
    names = {name.rsplit("-", 2)[0] for name, _, _ in CASES}
    assert {"multiply", "matmul", "solve", "lstsq", "conv", "where", "einsum"} <= names
    assert len(CASES) > 500
