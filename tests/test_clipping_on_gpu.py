"""Clipping and norms of gradients on a GPU: the numbers of the CPU, in few launches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nn
from minigrad import Tensor

from .flat_samples import (
    backward,
    network,
)


def gradients_on(device: str, dtypes: Any = ("float32",), scale: float = 1.0) -> list[Tensor]:
    rng, params = np.random.default_rng(0), []
    for dtype in dtypes:
        for shape in ((3, 2), (), (0, 2), (4,)):
            g = rng.normal(size=shape) * scale + (1j * rng.normal(size=shape) if np.dtype(dtype).kind == "c" else 0)
            params.append(Tensor(np.zeros(shape, dtype), device=device, requires_grad=True))
            params[-1].grad = Tensor(np.asarray(g).astype(dtype), device=device)
    return params


@pytest.mark.parametrize("norm_type", [2.0, 1.0, np.inf, 0.5, 0, -1.0, -np.inf])
@pytest.mark.parametrize("dtypes", [("float32",), ("float64",), ("float16",), ("complex64",), ("float32", "float64")])
@pytest.mark.parametrize("max_norm", [0.5, 100.0, 0.0])
def test_clipping_a_norm_on_a_gpu_is_that_on_the_cpu(norm_type: float, dtypes: Any, max_norm: float, stand_in: Any) -> None:
    ours, theirs = gradients_on("cuda", dtypes), gradients_on("cpu", dtypes)
    with stand_in.counting() as count:
        total = nn.utils.clip_grad_norm_(ours, max_norm, norm_type)
    assert not count.syncs, count
    want = nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    rtol = 1e-2 if "float16" in dtypes else 1e-5
    np.testing.assert_allclose(total.item(), want.item(), rtol=1e-5)
    for p, q in zip(ours, theirs, strict=True):
        assert p.grad.dtype == q.grad.dtype
        np.testing.assert_allclose(p.grad.data.get(), q.grad.data, rtol=rtol)


@pytest.mark.parametrize("numbers", [[3e30, 4e30], [3e-42, 4e-42], [0.0, 0.0], [np.inf, 1.0], [np.nan, 1.0], [3e38, 3e38]])
def test_norms_out_of_range_on_a_gpu_are_those_on_the_cpu(numbers: list[float], stand_in: Any) -> None:
    ends = []
    for device in ("cuda", "cpu"):
        p = Tensor(np.zeros(2, np.float32), device=device, requires_grad=True)
        p.grad = Tensor(np.array(numbers, np.float32), device=device)
        with np.errstate(all="ignore"):
            total = nn.utils.clip_grad_norm_([p], 1.0)
        ends.append((total.item(), p.grad.data))
    (a, g), (b, h) = ends
    np.testing.assert_allclose(a, b, rtol=1e-3)
    np.testing.assert_allclose(g.get(), h, rtol=1e-3, atol=1e-44)


def test_clipping_takes_as_many_launches_for_few_gradients_as_for_many(stand_in: Any) -> None:
    for layers, joined in ((2, 10), (20, 0)):  # few gradients are joined, and their norms, by a launch each
        model = network(layers)
        backward(model)
        nn.utils.clip_grad_norm_(model.parameters(), 0.01)
        for clip, most in ((nn.utils.clip_grad_norm_, 14 + joined), (nn.utils.clip_grad_value_, 2 + min(joined, 7))):
            backward(model)
            with stand_in.counting() as count:
                clip(model.parameters(), 0.01)
            assert count.launches == most, count
            assert not count.syncs, count


def test_a_gradient_that_somebody_has_is_clipped_where_it_is(stand_in: Any) -> None:
    params = gradients_on("cuda")
    seen, tensor = params[0].grad.data, params[3].grad
    nn.utils.clip_grad_value_(params, 0.01)
    assert params[0].grad.data is seen
    assert params[3].grad is tensor
    for p in params:
        assert (np.abs(p.grad.data.get()) <= 0.0101).all()


def test_a_norm_that_is_no_number_is_refused_on_a_gpu_too(stand_in: Any) -> None:
    params = gradients_on("cuda")
    params[0].grad.data[0, 0] = np.inf
    with pytest.raises(RuntimeError, match="is inf"):
        nn.utils.clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
