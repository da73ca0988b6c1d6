"""The adaptive softmax, and the loss with a linear map inside, compared with PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, autograd

rng = np.random.default_rng(1)


@pytest.mark.torch
@pytest.mark.parametrize("options", [{}, {"head_bias": True, "div_value": 2.0}])
def test_adaptive_softmax_equals_torchs(options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(16, 20, [4, 10, 15], **options).double()
    ours = nn.AdaptiveLogSoftmaxWithLoss(16, 20, [4, 10, 15], **options).double()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    data = rng.normal(size=(6, 16))
    for target in (np.array([19, 0, 4, 9, 15, 3]), np.array([0, 1, 2, 3, 3, 0]), np.array([12] * 6)):
        x, t = Tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)
        y, u = ours(x, Tensor(target)), theirs(t, torch.tensor(target))
        np.testing.assert_allclose(y.output.detach().numpy(), u.output.detach().numpy(), rtol=1e-10)
        np.testing.assert_allclose(y.loss.item(), u.loss.item(), rtol=1e-10)
        expected = torch.autograd.grad(u.loss, [t, *theirs.parameters()], allow_unused=True)
        found = autograd.grad([y.loss], [x, *ours.parameters()], allow_unused=True)
        for g, e in zip(found, expected, strict=True):
            assert (g is None) == (e is None)
            if g is not None:
                np.testing.assert_allclose(g.numpy(), e.numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours.log_prob(data).detach().numpy(), theirs.log_prob(t).detach().numpy(), rtol=1e-10)
    np.testing.assert_array_equal(ours.predict(data).numpy(), theirs.predict(t).numpy())
    one, other = ours(data[0], np.array(17)), theirs(t[0], torch.tensor(17))
    assert one.output.shape == ()
    np.testing.assert_allclose([one.output.item(), one.loss.item()], [other.output.item(), other.loss.item()], rtol=1e-10)


@pytest.mark.filterwarnings("ignore")  # NumPy's, of the mean of nothing
def test_adaptive_softmax_is_a_distribution_with_second_derivatives() -> None:
    layer, x, target = nn.AdaptiveLogSoftmaxWithLoss(4, 9, [2, 5]).double(), rng.normal(size=(3, 4)), np.array([0, 3, 8])
    log_p = layer.log_prob(x)
    np.testing.assert_allclose(np.exp(log_p.detach().numpy()).sum(1), 1)
    np.testing.assert_allclose(layer(x, target).output.detach().numpy(), log_p.detach().numpy()[np.arange(3), target])
    assert mg.gradgradcheck(lambda x: layer(x, target).loss, x)
    assert layer(x[:0], target[:0]).output.shape == (0,)


@pytest.mark.parametrize("cutoffs", [[], [5, 3], [3, 3], [0, 3], [3, 9], [2.5]])
def test_cutoffs_that_do_not_grow_are_refused(cutoffs: list) -> None:
    with pytest.raises(ValueError, match="cutoffs must be integers that grow, from 1 to 8"):
        nn.AdaptiveLogSoftmaxWithLoss(4, 9, cutoffs)


def test_targets_that_do_not_fit_are_refused() -> None:
    layer = nn.AdaptiveLogSoftmaxWithLoss(4, 9, [2])
    with pytest.raises(IndexError, match="targets from 0 to 9, but there are 9 classes"):
        layer(np.ones((2, 4)), np.array([0, 9]))
    with pytest.raises(ValueError, match="expected"):
        layer(np.ones((2, 4)), np.array([0]))
    with pytest.raises(TypeError, match="must be integers"):
        layer(np.ones((1, 4)), np.array([0.5]))


@pytest.mark.torch
def test_a_linear_map_and_cross_entropy_in_one_equal_torchs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    weight = np.array([0.2, 1.5, 0.7])
    cases: list[tuple[dict[str, Any], tuple[int, ...]]] = [
        ({}, (5,)), ({"bias": True, "label_smoothing": 0.1}, (5,)), ({"out_features": (2,), "bias": True}, (5, 2)),
    ]  # fmt: skip
    for options, shape in cases:
        theirs = torch.nn.LinearCrossEntropyLoss(4, 3, weight=torch.tensor(weight), **options).double()
        ours = nn.LinearCrossEntropyLoss(4, 3, weight=weight, **options).double()
        assert set(ours.state_dict()) == set(theirs.state_dict())
        ours.load_state_dict(theirs.state_dict())
        data, target = rng.normal(size=(5, 4)), rng.integers(0, 3, shape)
        x, t = Tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)
        y, u = ours(x, target), theirs(t, torch.tensor(target))
        np.testing.assert_allclose(y.item(), u.item(), rtol=1e-10)
        y.backward()
        u.backward()
        np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-9)
        np.testing.assert_allclose(ours.linear.weight.grad.numpy(), theirs.linear.weight.grad.numpy(), rtol=1e-9)
