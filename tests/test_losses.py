"""Losses compared with PyTorch's, as functions and as modules."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, autograd
from nn import functional as F

rng = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return rng.normal(size=shape)


LOSSES = [
    ("cross_entropy", {}, (4, 3), (4,)),
    ("cross_entropy", {"reduction": "sum"}, (4, 3), (4,)),
    ("cross_entropy", {"reduction": "none"}, (4, 3), (4,)),
    ("cross_entropy", {"weight": [0.2, 1.5, 0.7]}, (4, 3), (4,)),
    ("cross_entropy", {"weight": [0.2, 1.5, 0.7], "ignore_index": 1}, (5, 3), (5,)),
    ("cross_entropy", {"label_smoothing": 0.1}, (4, 3), (4,)),
    ("cross_entropy", {"label_smoothing": 0.1, "weight": [0.2, 1.5, 0.7], "ignore_index": 2}, (6, 3), (6,)),
    ("cross_entropy", {}, (2, 3, 4, 2), (2, 4, 2)),
    ("cross_entropy", {"weight": [0.2, 1.5, 0.7], "reduction": "none"}, (2, 3, 4), (2, 4)),
    ("cross_entropy", {}, (3,), ()),
    ("cross_entropy", {}, (4, 3), "probabilities"),
    ("cross_entropy", {"label_smoothing": 0.2, "weight": [0.2, 1.5, 0.7]}, (4, 3), "probabilities"),
    ("cross_entropy", {}, (2, 3, 4), "probabilities"),
    ("nll_loss", {"weight": [0.2, 1.5, 0.7], "ignore_index": 0}, (5, 3), (5,)),
    ("mse_loss", {}, (4, 3), "values"),
    ("mse_loss", {"reduction": "sum"}, (4, 3), "values"),
    ("mse_loss", {"reduction": "none"}, (4, 3), "values"),
]


P, Q = rng.uniform(0.1, 0.9, (4, 3)), rng.uniform(0.1, 0.9, (4, 3))


SIGNS, BITS = rng.choice([-1.0, 1.0], (4, 3)), rng.integers(0, 2, (4, 3)).astype(float)


ROWS, OTHERS, THIRD = normal(4, 3), normal(4, 3), normal(4, 3)


CLASSES = np.array([0, 2, 1, 2])


MODULES: list[tuple[str, dict, tuple, tuple]] = [
    *(
        (name, {"reduction": r}, (ROWS, OTHERS), ())
        for name in ("L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss")
        for r in ("mean", "sum", "none")
    ),
    ("SmoothL1Loss", {"beta": 0.3}, (ROWS, OTHERS), ()),
    ("HuberLoss", {"delta": 0.3}, (ROWS, OTHERS), ()),
    ("CrossEntropyLoss", {"weight": np.array([0.2, 1.5, 0.7])}, (ROWS,), (CLASSES,)),
    ("NLLLoss", {"weight": np.array([0.2, 1.5, 0.7]), "ignore_index": 1}, (ROWS,), (CLASSES,)),
    ("BCELoss", {}, (P,), (BITS,)),
    ("BCELoss", {"weight": OTHERS, "reduction": "sum"}, (P,), (Q,)),
    ("BCEWithLogitsLoss", {}, (ROWS,), (BITS,)),
    ("BCEWithLogitsLoss", {"pos_weight": np.array([2.0, 0.5, 1.0]), "weight": P}, (ROWS * 9,), (Q,)),
    ("KLDivLoss", {}, (np.log(P),), (Q,)),
    ("KLDivLoss", {"reduction": "batchmean", "log_target": True}, (np.log(P), np.log(Q)), ()),
    ("PoissonNLLLoss", {}, (ROWS,), (np.abs(OTHERS) * 3,)),
    ("PoissonNLLLoss", {"log_input": False, "full": True}, (P,), (np.abs(OTHERS) * 3,)),
    ("GaussianNLLLoss", {}, (ROWS, OTHERS, P), ()),
    ("GaussianNLLLoss", {"full": True, "eps": 0.4, "reduction": "none"}, (ROWS, OTHERS, P), ()),
    ("GaussianNLLLoss", {}, (ROWS[:3], OTHERS[:3], P[:3, 0]), ()),  # a variance for each row, not for each column
    ("GaussianNLLLoss", {}, (ROWS, OTHERS, P[:, :1]), ()),
    ("SoftMarginLoss", {}, (ROWS,), (SIGNS,)),
    ("HingeEmbeddingLoss", {"margin": 0.7}, (ROWS,), (SIGNS,)),
    ("MarginRankingLoss", {"margin": 0.3}, (ROWS, OTHERS), (SIGNS,)),
    ("MultiMarginLoss", {}, (ROWS,), (CLASSES,)),
    ("MultiMarginLoss", {"p": 2, "margin": 0.5, "weight": np.array([0.2, 1.5, 0.7])}, (ROWS,), (CLASSES,)),
    ("MultiLabelMarginLoss", {}, (ROWS,), (np.array([[2, 0, -1], [1, -1, 2], [-1, 0, 1], [0, 1, 2]]),)),
    ("MultiLabelSoftMarginLoss", {"weight": np.array([0.2, 1.5, 0.7])}, (ROWS,), (BITS,)),
    ("CosineEmbeddingLoss", {"margin": 0.1}, (ROWS, OTHERS), (SIGNS[:, 0],)),
    ("TripletMarginLoss", {}, (ROWS, OTHERS, THIRD), ()),
    ("TripletMarginLoss", {"p": 1.5, "swap": True, "margin": 2.0, "reduction": "none"}, (ROWS, OTHERS, THIRD), ()),
    ("TripletMarginWithDistanceLoss", {"swap": True}, (ROWS, OTHERS, THIRD), ()),
    ("PairwiseDistance", {"p": 3.0}, (ROWS, OTHERS), ()),
    ("CosineSimilarity", {}, (ROWS, OTHERS), ()),
]


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:reduction")  # torch's, of KLDivLoss
@pytest.mark.parametrize(("name", "options", "inputs", "others"), MODULES)
def test_loss_module_equals_torchs(name: str, options: dict, inputs: tuple, others: tuple) -> None:
    """Value, gradient and second derivative by every input."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs_options = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    ours, theirs = getattr(nn, name)(**options), getattr(torch.nn, name)(**theirs_options)
    xs, ts = [Tensor(a, requires_grad=True) for a in inputs], [torch.tensor(a, requires_grad=True) for a in inputs]
    y, u = ours(*xs, *map(Tensor, others)), theirs(*ts, *map(torch.tensor, others))
    np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=1e-9)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    first = autograd.grad((y * y).sum(), xs, create_graph=True)
    expected = torch.autograd.grad((u * u).sum(), ts, create_graph=True)
    for a, b in zip(first, expected, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-12)
    if name.startswith("Multi") and "Soft" not in name:
        return  # torch has no second derivative of these
    second = autograd.grad(sum((g * g).sum() for g in first), xs)
    expected = torch.autograd.grad(sum((g * g).sum() for g in expected), ts)
    for a, b in zip(second, expected, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-8, atol=1e-11)


W, PIXELS = np.array([0.2, 1.5, 0.7]), normal(2, 3, 4)
#: Losses as functions of what weighs them, and of targets that are numbers.
OF_WEIGHTS: dict[str, tuple[Any, np.ndarray]] = {
    **{
        f"cross_entropy {r} {s}": (
            lambda w, r=r, s=s: F.cross_entropy(ROWS, CLASSES, w, ignore_index=1, reduction=r, label_smoothing=s), W,
        ) for r in ("mean", "sum", "none") for s in (0.0, 0.1)
    },
    "cross_entropy of probabilities": (lambda w: F.cross_entropy(ROWS, P, w), W),
    "cross_entropy of one": (lambda w: F.cross_entropy(ROWS[0], np.array(2), w, reduction="sum"), W),
    "cross_entropy of pixels": (lambda w: F.cross_entropy(PIXELS, np.arange(8).reshape(2, 4) % 3, w), W),
    "nll_loss": (lambda w: F.nll_loss(ROWS, CLASSES, w, ignore_index=0), W),
    "binary_cross_entropy": (lambda w: F.binary_cross_entropy(P, BITS, w), OTHERS),
    "binary_cross_entropy_with_logits": (lambda w: F.binary_cross_entropy_with_logits(ROWS, BITS, w), OTHERS),
    "pos_weight": (lambda w: F.binary_cross_entropy_with_logits(ROWS, BITS, pos_weight=w), W),
    "multi_margin_loss": (lambda w: F.multi_margin_loss(ROWS, CLASSES, 2, 0.5, w), W),
    "multilabel_soft_margin_loss": (lambda w: F.multilabel_soft_margin_loss(ROWS, BITS, w), W),
    "poisson_nll_loss": (lambda y: F.poisson_nll_loss(ROWS, y, full=True), np.abs(OTHERS) * 3),
    "log_expected": (lambda e: F.sampled_softmax_loss(ROWS, OTHERS, None, CLASSES, np.array([1, 3]), e), np.log(P[:, 0])),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_WEIGHTS)
def test_what_weighs_a_loss_has_a_gradient(name: str) -> None:
    loss, x = OF_WEIGHTS[name]
    assert np.any(mg.grad(lambda x: np.sum(loss(x)))(x))
    assert mg.gradgradcheck(lambda x: loss(x * x), x + 2)  # beyond what is linear
    assert mg.gradcheck(loss, x)
    np.testing.assert_allclose(loss(Tensor(x, requires_grad=True)).detach().numpy(), np.asarray(loss(x)))


def test_inputs_keep_their_gradient_beside_that_of_the_weight() -> None:
    assert mg.gradgradcheck(lambda x, w: F.cross_entropy(x, CLASSES, w), ROWS, W)
    assert mg.gradcheck(lambda x, w: F.multi_margin_loss(x, CLASSES, 2, 0.5, w), ROWS, W)


def test_a_weight_that_a_loss_cannot_use_is_an_error() -> None:
    for f in (F.cross_entropy, F.nll_loss):
        with pytest.raises(ValueError, match=r"\(4,\).*3 classes"):
            f(ROWS, CLASSES, weight=np.ones(4))
    for module in (nn.CrossEntropyLoss, nn.NLLLoss, nn.BCELoss, nn.MultiMarginLoss):
        with pytest.raises(TypeError, match="gradient would be lost"):
            module(weight=Tensor(W, requires_grad=True))


@pytest.mark.torch
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_ctc_loss_equals_torchs(reduction: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    logits = normal(7, 3, 5)
    targets, lengths = np.array([[1, 2, 2], [3, 1, 0], [4, 0, 0]]), np.array([3, 2, 0])
    times = np.array([7, 5, 6])
    for given in (targets, np.concatenate([row[:n] for row, n in zip(targets, lengths, strict=True)])):
        x, t = Tensor(logits, requires_grad=True), torch.tensor(logits, requires_grad=True)
        y = F.ctc_loss(F.log_softmax(x, axis=-1), given, times, lengths, reduction=reduction)
        u = torch.nn.functional.ctc_loss(
            t.log_softmax(-1), torch.tensor(given), torch.tensor(times), torch.tensor(lengths), reduction=reduction
        )
        np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=1e-10)
        (y * y).sum().backward()
        (u * u).sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-8, atol=1e-12)
    assert mg.gradgradcheck(lambda x: F.ctc_loss(F.log_softmax(x, axis=-1), targets, times, lengths), logits[:, :, :])
    single = F.ctc_loss(F.log_softmax(Tensor(logits[:, 0]), axis=-1), targets[0], times[0], lengths[0])
    both = F.ctc_loss(F.log_softmax(Tensor(logits[:, :1]), axis=-1), targets[:1], times[:1], lengths[:1])
    np.testing.assert_allclose(single.item(), both.item())


def test_ctc_loss_of_one_sequence_refuses_an_unknown_reduction() -> None:
    with pytest.raises(ValueError, match="'average'"):
        F.ctc_loss(Tensor(np.zeros((4, 3))), np.array([1]), 4, 1, reduction="average")


def test_ctc_loss_of_what_does_not_fit() -> None:
    x = Tensor(np.log(np.full((2, 1, 3), 1 / 3)), requires_grad=True)
    assert F.ctc_loss(x, np.array([[1, 1]]), [2], [2]).item() == np.inf
    loss = F.ctc_loss(x, np.array([[1, 1]]), np.array([2]), np.array([2]), zero_infinity=True)
    loss.backward()
    assert loss.item() == 0
    assert not x.grad.numpy().any()


@pytest.mark.torch
@pytest.mark.parametrize(("name", "options", "shape", "target"), LOSSES)
def test_loss_equals_torchs(name: str, options: dict, shape: tuple[int, ...], target: Any) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    data = normal(*shape) * 3
    if target == "probabilities":
        aim = np.random.default_rng(1).dirichlet(np.ones(3), (shape[0], *shape[2:]))
        aim = np.moveaxis(aim, -1, 1)
    else:
        aim = normal(*shape) if target == "values" else np.random.default_rng(1).integers(0, 3, target)
    theirs_options = {k: torch.tensor(v, dtype=torch.float64) if k == "weight" else v for k, v in options.items()}
    x, t = Tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)
    if "weight" in options:
        options = {**options, "weight": np.array(options["weight"])}
    y = getattr(F, name)(x, aim, **options)
    u = getattr(torch.nn.functional, name)(t, torch.tensor(np.array(aim)), **theirs_options)
    np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=1e-9)
    (g,) = autograd.grad((y * y).sum(), x, create_graph=True)
    (h,) = torch.autograd.grad((u * u).sum(), t, create_graph=True)
    np.testing.assert_allclose(g.detach().numpy(), h.detach().numpy(), rtol=1e-9, atol=1e-12)
    (g,) = autograd.grad((g * g).sum(), x)
    (h,) = torch.autograd.grad((h * h).sum(), t)
    np.testing.assert_allclose(g.numpy(), h.numpy(), rtol=1e-9, atol=1e-12)


FLOATS = np.array([0.0, 1.0, 2.0], np.float32)


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: F.cross_entropy(x, FLOATS),
        lambda x: F.nll_loss(x, FLOATS),
        lambda x: F.multi_margin_loss(x, FLOATS),
        lambda x: F.one_hot(FLOATS),
        lambda x: F.embedding(FLOATS, x),
        lambda x: F.ctc_loss(x[:, None], FLOATS[None], [3], [3]),
    ],
)
def test_floating_labels_are_refused_and_integers_asked_for(loss: Any) -> None:
    with pytest.raises((TypeError, ValueError, IndexError), match="integers"):
        loss(Tensor(np.ones((3, 4), np.float32)))


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "cross_entropy", "binary_cross_entropy_with_logits", "huber_loss"])
def test_the_mean_loss_of_no_examples_is_nan_without_a_warning(name: str) -> None:
    x = Tensor(np.zeros((0, 2)), requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = getattr(F, name)(x, np.zeros(0, int) if name == "cross_entropy" else np.zeros((0, 2)))
        loss.backward()
    assert np.isnan(loss.item()) and x.grad.shape == (0, 2)
