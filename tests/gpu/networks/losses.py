"""Losses with their options, as functions and as modules."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
import nn
from nn import functional as F

from .moved import add, case, on, ramp, with_gradients

X = ramp(4, 6, low=-2.0, high=2.0)
CLASSES = np.array([0, 2, 5, 1])
PROBABILITIES = np.exp(X) / np.exp(X).sum(1, keepdims=True)
WEIGHTS = ramp(6, low=0.5, high=1.5)
SIGNS = np.sign(X)
BITS = (X > 0).astype(np.float32)
IGNORED = np.array([0, -100, 5, -100])
PICTURE, LABELS = ramp(2, 3, 2, 2), np.array([[[0, 1], [2, 0]], [[1, 1], [2, 0]]])

#: Name, input, target, options; an array among the options is moved, and has a gradient where it is floating.
LOSSES: list[tuple[str, np.ndarray, np.ndarray, dict[str, Any]]] = [
    ("cross_entropy", X, CLASSES, {}),
    ("cross_entropy", X, CLASSES, {"label_smoothing": 0.1}),
    ("cross_entropy", X, CLASSES, {"label_smoothing": 0.1, "weight": WEIGHTS}),
    ("cross_entropy", X, CLASSES, {"weight": WEIGHTS}),
    ("cross_entropy", X, IGNORED, {}),
    ("cross_entropy", X, IGNORED, {"label_smoothing": 0.1, "weight": WEIGHTS}),
    ("cross_entropy", X, CLASSES, {"ignore_index": 2}),
    ("cross_entropy", X, PROBABILITIES, {}),
    ("cross_entropy", X, PROBABILITIES, {"label_smoothing": 0.1, "weight": WEIGHTS}),
    ("cross_entropy", PICTURE, LABELS, {}),
    ("cross_entropy", PICTURE, LABELS, {"label_smoothing": 0.1, "weight": WEIGHTS[:3]}),
    ("cross_entropy", X[0], np.array(3), {}),
    ("nll_loss", X, CLASSES, {}),
    ("nll_loss", X, CLASSES, {"weight": WEIGHTS}),
    ("nll_loss", X, IGNORED, {"weight": WEIGHTS}),
    ("nll_loss", PICTURE, LABELS, {}),
    ("nll_loss", X[0], np.array(3), {}),
    ("mse_loss", X, X[::-1].copy(), {}),
    ("mse_loss", X, X[::-1].copy(), {"weight": BITS + 0.5}),
    ("l1_loss", X, X[::-1].copy(), {}),
    ("l1_loss", X, X[::-1].copy(), {"weight": BITS + 0.5}),
    ("smooth_l1_loss", X, X[::-1].copy(), {"beta": 0.5}),
    ("smooth_l1_loss", X, X[::-1].copy(), {"beta": 0.0}),
    ("huber_loss", X, X[::-1].copy(), {"delta": 0.5}),
    ("huber_loss", X, X[::-1].copy(), {"weight": BITS + 0.5}),
    ("soft_margin_loss", X, SIGNS, {}),
    ("hinge_embedding_loss", X, SIGNS, {"margin": 0.5}),
    ("multi_margin_loss", X, CLASSES, {}),
    ("multi_margin_loss", X, CLASSES, {"p": 2, "margin": 0.5, "weight": WEIGHTS}),
    ("multi_margin_loss", X[0], np.array(3), {}),
    ("multilabel_margin_loss", X, np.array([[0, 2, -1, -1, -1, -1], [1, -1, 0, 0, 0, 0]] * 2), {}),
    ("multilabel_margin_loss", X[0], np.array([0, 2, -1, -1, -1, -1]), {}),
    ("multilabel_soft_margin_loss", X, BITS, {}),
    ("multilabel_soft_margin_loss", X, BITS, {"weight": WEIGHTS}),
    ("binary_cross_entropy", PROBABILITIES, BITS, {}),
    ("binary_cross_entropy", PROBABILITIES, BITS, {"weight": WEIGHTS}),
    ("binary_cross_entropy_with_logits", X, BITS, {}),
    ("binary_cross_entropy_with_logits", X, BITS, {"weight": WEIGHTS, "pos_weight": WEIGHTS[::-1].copy()}),
    ("kl_div", X, PROBABILITIES, {}),
    ("kl_div", X, np.log(PROBABILITIES), {"log_target": True}),
    ("poisson_nll_loss", X, np.abs(X), {}),
    ("poisson_nll_loss", X, np.abs(X) * 3, {"full": True}),
    ("poisson_nll_loss", np.abs(X), np.abs(X) * 3, {"log_input": False, "full": True}),
    ("gaussian_nll_loss", X, X[::-1].copy(), {"var": np.abs(X) + 0.1}),
    ("gaussian_nll_loss", X, X[::-1].copy(), {"var": np.abs(X), "full": True, "eps": 0.5}),
]


def loss(row: tuple[str, np.ndarray, np.ndarray, dict[str, Any]], device: str) -> Any:
    """Each reduction, with gradients of all that is floating."""
    name, x, target, given = row
    inputs = [on(device, a, requires_grad=np.asarray(a).dtype.kind == "f") for a in (x, target)]
    options = {k: on(device, v, True) if isinstance(v, np.ndarray) else v for k, v in given.items()}
    tensors = [t for t in (*inputs, *options.values()) if isinstance(t, mg.Tensor) and t.requires_grad]
    reductions = ["mean", "sum", "none"] + (["batchmean"] if name == "kl_div" else [])
    return [with_gradients(getattr(F, name)(*inputs, **options, reduction=reduction), *tensors) for reduction in reductions]


for number, row in enumerate(LOSSES):
    add(f"loss {number} {row[0]}", partial(loss, row))


def module_case(name: str, options: dict[str, Any], device: str) -> Any:
    """A loss as a module whose weights are buffers, which move with it."""
    module = getattr(nn, name)(**{k: v.copy() if isinstance(v, np.ndarray) else v for k, v in options.items()})
    module.to(device)
    x = on(device, X, requires_grad=True)
    targets = {"CrossEntropyLoss": CLASSES, "NLLLoss": CLASSES, "MultiMarginLoss": CLASSES}
    return with_gradients(module(x, on(device, targets.get(name, BITS))), x)


for name, options in (
    ("CrossEntropyLoss", {"weight": WEIGHTS, "label_smoothing": 0.1}),
    ("NLLLoss", {"weight": WEIGHTS}),
    ("MultiMarginLoss", {"weight": WEIGHTS}),
    ("BCEWithLogitsLoss", {"weight": WEIGHTS, "pos_weight": WEIGHTS}),
    ("MultiLabelSoftMarginLoss", {"weight": WEIGHTS}),
    ("MSELoss", {}),
    ("L1Loss", {}),
    ("SmoothL1Loss", {"beta": 0.3}),
    ("HuberLoss", {"delta": 0.3}),
    ("KLDivLoss", {"reduction": "batchmean"}),
    ("PoissonNLLLoss", {"full": True}),
):
    add(f"loss module {name}", partial(module_case, name, options))


@case
def losses_of_several_inputs(device: str) -> Any:
    a, b, c = (on(device, ramp(4, 3, high=h), requires_grad=True) for h in (1.0, 2.0, 3.0))
    signs = on(device, np.array([1.0, -1, 1, -1], np.float32))
    return [
        with_gradients(nn.MarginRankingLoss(0.1)(a[:, 0], b[:, 0], signs), a, b),
        with_gradients(nn.CosineEmbeddingLoss(0.1)(a, b, signs), a, b),
        with_gradients(nn.CosineEmbeddingLoss()(a[0], b[0], on(device, np.array(1))), a, b),
        with_gradients(nn.TripletMarginLoss(swap=True)(a, b, c), a, b, c),
        with_gradients(nn.TripletMarginWithDistanceLoss(distance_function=nn.PairwiseDistance(1.0))(a, b, c), a, b, c),
        with_gradients(nn.GaussianNLLLoss()(a, b, np.exp(c)), a, b, c),
        with_gradients(nn.HingeEmbeddingLoss()(a[:, 0], signs), a),
        with_gradients(nn.SoftMarginLoss()(a[:, 0], signs), a),
        with_gradients(nn.MultiLabelMarginLoss()(a, on(device, np.array([[0, -1, 1]] * 4))), a),
        with_gradients(nn.BCELoss(weight=np.array([1.0, 2.0, 3.0], "f")).to(device)(F.sigmoid(a), F.sigmoid(b)), a, b),
    ]


@case
def linear_cross_entropy(device: str) -> Any:
    mg.random.manual_seed(0)
    x = on(device, ramp(4, 3), requires_grad=True)
    w, b = on(device, ramp(6, 3), requires_grad=True), on(device, ramp(6), requires_grad=True)
    target = on(device, CLASSES)
    out = F.linear_cross_entropy(x, w, target, linear_bias=b, label_smoothing=0.1)
    layer = nn.LinearCrossEntropyLoss(3, 6).to(device)
    for p in layer.parameters():
        p.data = mg.full_like(p.detach(), 0.5).data
    return [with_gradients(out, x, w, b), with_gradients(layer(x, target), x, *layer.parameters())]


@case
def sampled_losses(device: str) -> Any:
    """Classes that are given on the device, in main memory, and as lists."""
    hidden = on(device, ramp(4, 3), requires_grad=True)
    found = []
    for sparse in (False, True):
        w, b = on(device, ramp(6, 3), requires_grad=True), on(device, ramp(6), requires_grad=True)
        for move in (partial(on, device), np.asarray, np.ndarray.tolist):
            for expected in (None, ramp(6), on(device, ramp(6))):
                out = F.sampled_softmax_loss(hidden, w, b, move(CLASSES), move(np.array([0, 3, 4])), expected, sparse=sparse)
                w.grad = None
                out.backward()
                gradient = w.grad.data
                found += [out, gradient if not sparse else gradient.get(), hidden.grad]
    a, b, c = on(device, ramp(4, 3), True), on(device, ramp(4, 3, high=2), True), on(device, ramp(4, 5, 3), True)
    return [*found, *with_gradients(F.negative_sampling_loss(a, b, c), a, b, c)]


@case
def connectionist_temporal_classification(device: str) -> Any:
    """Lengths and labels on the device and in main memory, padded and one after the other."""
    logits = on(device, ramp(6, 2, 4), requires_grad=True)
    found = []
    padded, joined = np.array([[1, 2], [3, 0]]), np.array([1, 2, 3])
    for move in (partial(on, device), np.asarray):
        for labels in (padded, joined):
            log_p = F.log_softmax(logits, 2)
            out = F.ctc_loss(log_p, move(labels), move(np.array([6, 5])), move(np.array([2, 1])))
            found += with_gradients(out, logits)
    lengths = on(device, np.array(6)), on(device, np.array(2))
    single = F.ctc_loss(F.log_softmax(logits, 2)[:, 0], on(device, np.array([1, 2])), *lengths)
    long = nn.CTCLoss(zero_infinity=True, reduction="none")(
        F.log_softmax(logits, 2)[:2], on(device, np.array([[1, 1, 2], [1, 2, 0]])), np.array([2, 2]), np.array([3, 2])
    )
    return [*found, *with_gradients(single, logits), *with_gradients(long, logits)]
