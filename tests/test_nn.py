"""nn: modules, and layers, losses and optimizers compared with PyTorch's."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, autograd, no_grad
from nn import functional as F

from .strict_array import StrictArray, strict_scipy

rng = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return rng.normal(size=shape)


# -------------------------------------------------------------------------------- against torch

LAYERS: list[tuple[str, tuple, dict, tuple[int, ...]]] = [
    ("Linear", (5, 3), {}, (4, 5)),
    ("Linear", (5, 3), {"bias": False}, (2, 4, 5)),
    ("Conv1d", (4, 6, 3), {"stride": 2, "padding": 1, "groups": 2}, (2, 4, 7)),
    ("Conv2d", (2, 3, 3), {}, (2, 2, 5, 6)),
    ("Conv2d", (2, 4, (2, 3)), {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2)}, (2, 2, 5, 7)),
    ("Conv2d", (4, 4, 3), {"groups": 4, "padding": "same", "bias": False}, (2, 4, 4, 5)),
    ("Conv2d", (2, 3, 4), {"padding": "same"}, (2, 2, 6, 6)),
    ("Conv2d", (2, 3, 1), {"stride": 2}, (1, 2, 5, 5)),
    ("Conv3d", (2, 2, 2), {"padding": 1, "stride": 2}, (1, 2, 3, 4, 3)),
    ("MaxPool1d", (3,), {"stride": 2, "padding": 1}, (2, 2, 7)),
    ("MaxPool2d", (2,), {}, (2, 3, 5, 6)),
    ("MaxPool2d", ((3, 2),), {"stride": (1, 2), "padding": (1, 1), "ceil_mode": True}, (2, 2, 6, 5)),
    ("MaxPool2d", (2,), {"dilation": 2, "stride": 1}, (1, 2, 5, 5)),
    ("MaxPool3d", (2,), {"ceil_mode": True}, (1, 2, 3, 3, 3)),
    ("ReLU", (), {}, (3, 4)),
    ("Tanh", (), {}, (3, 4)),
    ("Sigmoid", (), {}, (3, 4)),
    ("Flatten", (), {}, (2, 3, 4)),
    ("Unflatten", (1, (2, 3)), {}, (2, 6, 2)),
    # ------------------------------------------------------------------------------- convolutions
    ("Conv1d", (2, 3, 3), {"padding": 2, "padding_mode": "circular"}, (2, 2, 6)),
    ("Conv2d", (2, 3, 3), {"padding": (1, 2), "padding_mode": "reflect", "stride": 2}, (2, 2, 5, 6)),
    ("Conv2d", (2, 3, (3, 2)), {"padding": "same", "padding_mode": "replicate"}, (2, 2, 5, 6)),
    ("Conv2d", (2, 3, 3), {}, (2, 5, 6)),
    ("ConvTranspose1d", (4, 6, 3), {"stride": 2, "padding": 1, "groups": 2, "output_padding": 1}, (2, 4, 5)),
    ("ConvTranspose2d", (2, 3, (2, 3)), {"stride": (1, 2), "padding": (0, 1), "dilation": 2}, (2, 2, 4, 3)),
    ("ConvTranspose2d", (2, 3, 3), {"stride": 3, "bias": False}, (1, 2, 2, 3)),
    ("ConvTranspose3d", (2, 2, 2), {"stride": 2}, (1, 2, 2, 3, 2)),
    # ------------------------------------------------------------------------------------ pooling
    ("AvgPool1d", (3,), {"stride": 2, "padding": 1}, (2, 2, 7)),
    ("AvgPool2d", (2,), {}, (2, 3, 5, 6)),
    ("AvgPool2d", (3,), {"stride": 2, "padding": 1, "count_include_pad": False}, (2, 2, 6, 5)),
    ("AvgPool2d", (3,), {"stride": 2, "padding": 1, "ceil_mode": True}, (2, 2, 6, 5)),
    ("AvgPool2d", (2,), {"divisor_override": 3}, (2, 2, 4, 4)),
    ("AvgPool3d", (2,), {"ceil_mode": True, "count_include_pad": False}, (1, 2, 3, 3, 3)),
    ("LPPool1d", (2.0, 3), {"stride": 2}, (2, 2, 7)),
    ("LPPool2d", (4.0, 2), {}, (2, 2, 4, 5)),
    ("AdaptiveAvgPool1d", (3,), {}, (2, 2, 7)),
    ("AdaptiveAvgPool2d", ((2, None),), {}, (2, 2, 5, 3)),
    ("AdaptiveAvgPool3d", (2,), {}, (1, 2, 3, 4, 5)),
    ("AdaptiveMaxPool1d", (3,), {}, (2, 2, 7)),
    ("AdaptiveMaxPool2d", ((3, 2),), {}, (2, 2, 5, 4)),
    ("AdaptiveMaxPool3d", (2,), {}, (1, 2, 3, 4, 5)),
    # ------------------------------------------------------------------------------ normalisation
    ("BatchNorm1d", (3,), {}, (5, 3)),
    ("BatchNorm1d", (3,), {"eps": 0.1, "momentum": None}, (5, 3, 4)),
    ("BatchNorm2d", (3,), {"affine": False}, (2, 3, 4, 2)),
    ("BatchNorm2d", (3,), {"track_running_stats": False}, (2, 3, 4, 2)),
    ("BatchNorm3d", (2,), {}, (2, 2, 2, 2, 3)),
    ("LayerNorm", (4,), {}, (2, 3, 4)),
    ("LayerNorm", ((3, 4),), {"eps": 0.1, "bias": False}, (2, 3, 4)),
    ("LayerNorm", (4,), {"elementwise_affine": False}, (3, 4)),
    ("RMSNorm", (4,), {}, (3, 4)),
    ("RMSNorm", (4,), {"eps": 0.1}, (3, 4)),
    ("GroupNorm", (2, 4), {}, (2, 4, 3, 2)),
    ("GroupNorm", (4, 4), {"affine": False, "eps": 0.1}, (2, 4, 5)),
    ("InstanceNorm1d", (3,), {"affine": True}, (2, 3, 5)),
    ("InstanceNorm2d", (3,), {"track_running_stats": True}, (2, 3, 4, 2)),
    ("LocalResponseNorm", (3,), {"alpha": 0.3}, (2, 5, 3)),
    ("LocalResponseNorm", (2,), {"alpha": 0.3, "beta": 0.5, "k": 2.0}, (2, 5, 3, 2)),
    # -------------------------------------------------------------------------------- resampling
    ("ZeroPad2d", (1,), {}, (1, 2, 3, 3)),
    ("ZeroPad2d", ((1, -1, 2, 0),), {}, (1, 2, 3, 3)),
    ("ConstantPad1d", ((1, 2), 3.0), {}, (1, 2, 3)),
    ("ReflectionPad2d", ((1, 2, 0, 1),), {}, (1, 2, 3, 4)),
    ("ReplicationPad3d", (1,), {}, (1, 1, 2, 2, 2)),
    ("CircularPad2d", ((1, 2, 1, 1),), {}, (1, 2, 3, 4)),
    ("Upsample", (), {"scale_factor": 2}, (1, 2, 3)),
    ("Upsample", (), {"size": (5, 7)}, (1, 2, 3, 4)),
    ("Upsample", (), {"scale_factor": (1.5, 2.0), "mode": "bilinear"}, (1, 2, 4, 3)),
    ("Upsample", (), {"size": (5, 2), "mode": "bilinear", "align_corners": True}, (1, 2, 4, 3)),
    ("Upsample", (), {"size": 5, "mode": "linear"}, (1, 2, 3)),
    ("Upsample", (), {"scale_factor": 2, "mode": "trilinear"}, (1, 1, 2, 3, 2)),
    ("Upsample", (), {"size": (5, 7), "mode": "bicubic"}, (1, 2, 4, 4)),
    ("Upsample", (), {"size": (5, 7), "mode": "bicubic", "align_corners": True}, (1, 2, 4, 4)),
    ("UpsamplingBilinear2d", (), {"scale_factor": 2}, (1, 2, 3, 3)),
    ("PixelShuffle", (2,), {}, (1, 8, 2, 3)),
    ("PixelUnshuffle", (2,), {}, (1, 2, 4, 6)),
    ("Unfold", ((2, 3),), {"padding": 1, "stride": 2, "dilation": (1, 2)}, (2, 2, 5, 6)),
    ("Fold", ((5, 6), 2), {"stride": (1, 2)}, (2, 8, 12)),
    # -------------------------------------------------------------------------------- activations
    *(
        (name, args, options, (3, 4))
        for name, args, options in (
            ("ReLU6", (), {}),
            ("LeakyReLU", (0.2,), {}),
            ("ELU", (), {}),
            ("ELU", (0.5,), {}),
            ("CELU", (1.7,), {}),
            ("SELU", (), {}),
            ("GELU", (), {}),
            ("GELU", (), {"approximate": "tanh"}),
            ("SiLU", (), {}),
            ("Mish", (), {}),
            ("LogSigmoid", (), {}),
            ("Softplus", (), {}),
            ("Softplus", (2.0, 1.0), {}),
            ("Softsign", (), {}),
            ("Softshrink", (0.3,), {}),
            ("Hardshrink", (0.3,), {}),
            ("Tanhshrink", (), {}),
            ("Hardtanh", (-0.5, 0.8), {}),
            ("Hardsigmoid", (), {}),
            ("Hardswish", (), {}),
            ("Threshold", (0.1, 20.0), {}),
            ("GLU", (), {}),
            ("PReLU", (), {}),
            ("PReLU", (4,), {}),
        )
    ),
]


@pytest.mark.torch
@pytest.mark.parametrize(("name", "args", "options", "shape"), LAYERS)
def test_layer_equals_torchs(name: str, args: tuple, options: dict, shape: tuple[int, ...]) -> None:
    """Output, first and second derivatives of input and parameters, with the same weights."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs = getattr(torch.nn, name)(*args, **options).double()
    ours = getattr(nn, name)(*args, **options).double()
    ours.load_state_dict(theirs.state_dict())
    assert list(ours.state_dict()) == list(theirs.state_dict())
    data = normal(*shape) + (2.0 if name.startswith("LP") else 0.0)
    x, t = Tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)
    y, u = ours(x), theirs(t)
    np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=1e-9, atol=1e-9)
    weights = normal(*y.shape)
    first = autograd.grad((y * y * weights).sum(), [x, *ours.parameters()], create_graph=True)
    expected = torch.autograd.grad((u * u * torch.tensor(weights)).sum(), [t, *theirs.parameters()], create_graph=True)
    tolerance = 1e-7 if name in ("CELU", "Hardsigmoid") else 1e-9  # torch keeps 1/alpha and 1/6 in single precision
    for a, b in zip(first, expected, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=tolerance, atol=tolerance)
    if name == "Hardsigmoid":
        return  # torch has no second derivative of it
    second = autograd.grad(sum((g * g).sum() for g in first), [x, *ours.parameters()])
    expected = torch.autograd.grad(sum((g * g).sum() for g in expected), [t, *theirs.parameters()])
    for a, b in zip(second, expected, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=tolerance, atol=tolerance)
    for key, value in ours.state_dict().items():  # running statistics too
        np.testing.assert_allclose(value.numpy(), theirs.state_dict()[key].numpy(), rtol=1e-12)
    np.testing.assert_allclose(ours.eval()(x).detach().numpy(), theirs.eval()(t).detach().numpy(), rtol=1e-9, atol=1e-9)


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


@pytest.mark.parametrize(("name", "args", "options", "shape"), LAYERS)
def test_layer_runs_on_arrays_that_are_not_numpys(
    name: str, args: tuple, options: dict, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forward and first order on the stand-in for a GPU array: the same numbers."""
    monkeypatch.setattr(mg.backend, "scipy", strict_scipy)
    plain = getattr(nn, name)(*args, **options).double()
    strict = copy.deepcopy(plain)
    for _, tensor in strict._state():
        tensor._data = StrictArray(tensor._data)
    data, results = normal(*shape) + (2.0 if name.startswith("LP") else 0.0), []
    for layer, wrap in ((plain, np.asarray), (strict, StrictArray)):
        x = Tensor(wrap(data), requires_grad=True)
        y = layer(x)
        results.append([y._data, *(g._data for g in autograd.grad([y], [x, *layer.parameters()], [np.ones_like(y._data)]))])
        results[-1] += [b._data for b in layer.buffers()]
    for a, b in zip(*results, strict=True):
        assert type(b) is StrictArray
        np.testing.assert_allclose(b.get(), a, rtol=1e-10, atol=1e-12)


#: Losses as modules: (name, options, inputs with gradients, other inputs).
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


@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"lr": 0.1}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "maximize": True}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
        ("Adam", {"lr": 0.1}),
        ("Adam", {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
        ("Adam", {"lr": 0.1, "amsgrad": True}),
        ("Adam", {"lr": 0.01, "maximize": True}),
        ("AdamW", {"lr": 0.1, "weight_decay": 0.2}),
        ("AdamW", {"lr": 0.1, "amsgrad": True}),
        ("Adagrad", {"lr": 0.1}),
        ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5}),
        ("RMSprop", {"lr": 0.01}),
        ("RMSprop", {"lr": 0.01, "momentum": 0.9, "centered": True, "weight_decay": 0.1}),
        ("RMSprop", {"lr": 0.01, "alpha": 0.9, "eps": 1e-3, "maximize": True}),
        ("Adadelta", {"lr": 1.0}),
        ("Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-3, "weight_decay": 0.1}),
        ("Adamax", {"lr": 0.1}),
        ("Adamax", {"lr": 0.1, "betas": (0.5, 0.9), "weight_decay": 0.1}),
        ("NAdam", {"lr": 0.1}),
        ("NAdam", {"lr": 0.1, "weight_decay": 0.1, "momentum_decay": 0.1}),
        ("NAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
        ("RAdam", {"lr": 0.1}),
        ("RAdam", {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.1}),
        ("RAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
        ("Rprop", {"lr": 0.1}),
        ("Rprop", {"lr": 0.1, "etas": (0.4, 1.5), "step_sizes": (1e-3, 0.5)}),
    ],
)
def test_optimizer_equals_torchs_over_50_steps(name: str, options: dict, request: pytest.FixtureRequest) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    torch.set_default_dtype(torch.float64)  # torch keeps scalar states, such as NAdam's, in it
    request.addfinalizer(lambda: torch.set_default_dtype(torch.float32))
    starts = [normal(3, 4), normal(70, 300)]
    ours = [Tensor(a.copy(), requires_grad=True) for a in starts]
    theirs = [torch.tensor(a, requires_grad=True) for a in starts]
    group = {"lr": options["lr"] / 2}
    optimizer = getattr(nn.optim, name)([{"params": ours[0]}, {"params": ours[1:], **group}], **options)
    expected = getattr(torch.optim, name)([{"params": theirs[0]}, {"params": theirs[1:], **group}], **options)
    for _ in range(50):
        for parameters, opt in ((ours, optimizer), (theirs, expected)):
            opt.zero_grad()
            loss = sum((p * p + 1).sqrt().sum() for p in parameters)
            loss.backward()
            opt.step()
    # Rounding grows where a step is divided by a gradient that has almost vanished.
    slack = 1e-7 if name in ("Adamax", "NAdam") or options.get("centered") else 1e-13
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-9, atol=slack)


@pytest.mark.torch
def test_embedding_equals_torchs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs = torch.nn.Embedding(7, 3, padding_idx=2).double()
    ours = nn.Embedding(7, 3, padding_idx=2).double()
    ours.load_state_dict(theirs.state_dict())
    indices = np.array([[1, 2, 2], [6, 1, 0]])
    weights = normal(2, 3, 3)
    (ours(Tensor(indices)) * weights).sum().backward()
    (theirs(torch.tensor(indices)) * torch.tensor(weights)).sum().backward()
    np.testing.assert_allclose(ours.weight.grad.numpy(), theirs.weight.grad.numpy())
    assert np.all(nn.Embedding(7, 3, padding_idx=-1).weight.data[6] == 0)


# --------------------------------------------------------------------------------------- Module


class Net(nn.Module):
    def __init__(self) -> None:
        self.layers = [nn.Linear(2, 3), nn.Linear(3, 2)]
        self.heads = {"a": nn.Linear(2, 1, bias=False), "b": (nn.Parameter([1.0]),)}
        self.shared = self.layers[0]
        self.mean = nn.Buffer([0.0])
        self.note = ["no", "parameters"]

    def forward(self, x: Any) -> Tensor:
        for layer in self.layers:
            x = F.tanh(layer(x))
        return self.heads["a"](x) * self.heads["b"][0] + self.mean


def test_parameters_are_found_in_attributes_lists_tuples_and_dicts() -> None:
    net = Net()
    assert [name for name, _ in net.named_parameters()] == [
        "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias", "heads.a.weight", "heads.b.0",
    ]  # fmt: skip
    assert [name for name, _ in net.named_buffers()] == ["mean"]
    assert [name for name, _ in net.named_modules()] == ["", "layers.0", "layers.1", "heads.a"]
    assert len(list(net.children())) == 4
    assert "(layers.0): Linear(in_features=2, out_features=3, bias=True)" in repr(net)


def test_modes_freezing_and_zero_grad() -> None:
    net = Net()
    assert all(m.training for m in net.modules())
    net.eval()
    assert not any(m.training for m in net.modules())
    assert net.train() is net
    net(Tensor([[1.0, 2.0]])).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.requires_grad_(False)
    assert not net(Tensor([[1.0, 2.0]])).requires_grad
    names = []
    net.apply(lambda m: names.append(type(m).__name__))
    assert names == ["Linear", "Linear", "Linear", "Net"]


def test_state_dict_round_trip_and_its_one_error() -> None:
    net, other = Net(), Net()
    x = Tensor([[1.0, 2.0]])
    other.load_state_dict(net.state_dict())
    np.testing.assert_array_equal(net(x).detach().numpy(), other(x).detach().numpy())
    assert not np.shares_memory(net.layers[0].weight.data, other.layers[0].weight.data)
    state = dict(net.state_dict())
    before = {k: v.numpy().copy() for k, v in net.state_dict().items()}
    state["layers.1.weight"] = np.ones((5, 5))
    state["extra"] = np.ones(2)
    del state["mean"]
    with pytest.raises(ValueError) as raised:
        net.load_state_dict(state)
    message = str(raised.value)
    assert "shape of 'layers.1.weight': the module has (2, 3), the state has (5, 5)" in message
    assert "missing: 'mean'" in message
    assert "unexpected: 'extra'" in message
    for k, v in net.state_dict().items():
        np.testing.assert_array_equal(v.numpy(), before[k])


def test_copies_and_pickles() -> None:
    net = Net()
    x = Tensor([[1.0, 2.0]])
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        np.testing.assert_array_equal(net(x).detach().numpy(), twin(x).detach().numpy())
        assert twin.shared is twin.layers[0]
        with no_grad():
            twin.layers[0].weight += 1
        assert not np.array_equal(net.layers[0].weight.data, twin.layers[0].weight.data)


def test_inputs_are_cast_to_the_layers_dtype() -> None:
    layer = nn.Linear(2, 1)
    assert layer(np.ones((3, 2))).dtype == np.float32
    assert layer(np.ones((3, 2), dtype=np.uint8)).dtype == np.float32
    assert layer.double()(np.ones((3, 2), np.float32)).dtype == np.float64
    assert layer.half().weight.dtype == np.float16
    x = Tensor(np.ones((1, 2)), requires_grad=True)
    nn.Linear(2, 1)(x).sum().backward()
    assert x.grad.dtype == np.float64


def test_hooks() -> None:
    layer, seen = nn.ReLU(), []
    remove = layer.register_forward_hook(lambda module, args, out: out * 10)
    layer.register_forward_pre_hook(lambda module, args: seen.append(args[0].tolist()))
    assert layer(Tensor([1.0])).tolist() == [10.0]
    remove()
    assert layer(Tensor([2.0])).tolist() == [2.0]
    assert seen == [[1.0], [2.0]]


def test_errors_say_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"expected last axis 784, got input of shape \(64, 28, 28\); flatten it first"):
        nn.Linear(784, 10)(np.ones((64, 28, 28)))
    with pytest.raises(ValueError, match=r"conv2d: expected input \(N, C, H, W\) with C = 3"):
        nn.Conv2d(3, 4, 3)(np.ones((1, 1, 8, 8)))
    with pytest.raises(ValueError, match="does not fit"):
        nn.Conv2d(1, 1, 5)(np.ones((1, 1, 3, 3)))
    with pytest.raises(ValueError, match="groups"):
        nn.Conv2d(3, 4, 3, groups=2)
    with pytest.raises(ValueError, match="stride 1"):
        nn.Conv2d(1, 1, 3, stride=2, padding="same")(np.ones((1, 1, 5, 5)))
    with pytest.raises(ValueError, match="half of the kernel"):
        nn.MaxPool2d(2, padding=2)(np.ones((1, 1, 4, 4)))
    with pytest.raises(IndexError, match="table has rows 0 to 9"):
        nn.Embedding(10, 2)(Tensor([10]))
    with pytest.raises(TypeError, match="must be integers"):
        nn.Embedding(10, 2)(Tensor([1.0]))
    with pytest.raises(IndexError, match="target 7 is out of range for 3 classes"):
        F.cross_entropy(np.ones((2, 3)), np.array([0, 7]))
    with pytest.raises(ValueError, match=r"needs targets of shape \(2,\)"):
        F.cross_entropy(np.ones((2, 3)), np.array([0, 1, 2]))
    with pytest.raises(ValueError, match="must be the same"):
        F.mse_loss(np.ones((2, 1)), np.ones(2))
    with pytest.raises(ValueError, match="no parameters"):
        nn.optim.SGD([], lr=0.1)
    with pytest.raises(TypeError, match="no option 'momentun'"):
        nn.optim.SGD([{"params": [nn.Parameter([1.0])], "momentun": 0.9}], lr=0.1)
    with pytest.raises(TypeError, match="leaf"):
        nn.optim.SGD([nn.Parameter([1.0]) * 2], lr=0.1)


def test_initialisers_with_a_structure() -> None:
    for shape in ((20, 30), (30, 20), (8, 3, 2, 2)):
        w = nn.init.orthogonal_(mg.empty(shape), gain=2.0).numpy().reshape(shape[0], -1)
        small = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
        np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-5)
    np.testing.assert_array_equal(nn.init.eye_(mg.empty((2, 3))).numpy(), np.eye(2, 3))
    x = rng.normal(size=(2, 4, 7, 7))
    for groups in (1, 2):
        kernel = nn.init.dirac_(mg.empty((4, 4 // groups, 3, 3)), groups)
        np.testing.assert_allclose(F.conv2d(Tensor(x), kernel, padding=1, groups=groups).numpy(), x, rtol=1e-6)
    for name, shape in (("orthogonal_", (3,)), ("eye_", (3,)), ("dirac_", (3, 3)), ("sparse_", (3,))):
        with pytest.raises((ValueError, TypeError), match="needs|sparsity"):
            getattr(nn.init, name)(mg.empty(shape), *([0.5] if name == "sparse_" else []))


def test_gumbel_softmax_draws_by_the_logits() -> None:
    p = np.array([0.2, 0.5, 0.3])
    logits = Tensor(np.broadcast_to(np.log(p), (20_000, 3)).copy(), requires_grad=True)
    mg.random.manual_seed(1)
    hard = F.gumbel_softmax(logits, 0.5, hard=True)
    np.testing.assert_allclose(hard.detach().numpy().mean(0), p, atol=0.015)
    assert set(np.unique(hard.detach().numpy().round(12))) == {0.0, 1.0}
    mg.random.manual_seed(1)
    soft = F.gumbel_softmax(logits, 0.5)
    np.testing.assert_array_equal(soft.detach().numpy().argmax(1), hard.detach().numpy().argmax(1))
    weights = rng.normal(size=hard.shape)
    (a,) = mg.autograd.grad((hard * weights).sum(), [logits])
    (b,) = mg.autograd.grad((soft * weights).sum(), [logits])
    np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)


def test_initialisers_have_their_statistics() -> None:
    w = mg.empty((200, 300))
    for function, std in (
        (nn.init.kaiming_normal_, np.sqrt(2 / 300)),
        (nn.init.kaiming_uniform_, np.sqrt(2 / 300)),
        (nn.init.xavier_normal_, np.sqrt(2 / 500)),
        (nn.init.xavier_uniform_, np.sqrt(2 / 500)),
    ):
        function(w)
        assert float(w.std()) == pytest.approx(std, rel=0.02)
        assert abs(float(w.mean())) < 4 * std / np.sqrt(w.size)
    assert nn.init.calculate_gain("relu") == pytest.approx(np.sqrt(2))
    nn.init.trunc_normal_(w, std=1.5)
    assert float(abs(w).max()) <= 2
    assert float(w.std()) == pytest.approx(1.0229, rel=0.01)  # of a normal of std 1.5, cut at 2
    nn.init.sparse_(w, 0.3, std=2.0)
    assert ((w.numpy() == 0).sum(axis=0) == 60).all()
    assert float(w.std()) == pytest.approx(2 * np.sqrt(0.7), rel=0.02)
    layer = nn.Linear(100, 400)
    assert float(abs(layer.weight).max()) <= 0.1
    assert float(layer.weight.std()) == pytest.approx(0.1 / np.sqrt(3), rel=0.02)


def test_optimizer_state_travels() -> None:
    def run(steps: int, reload_at: int | None) -> list[float]:
        p = nn.Parameter([1.0, -2.0])
        optimizer = nn.optim.Adam([p], lr=0.1)
        for i in range(steps):
            if i == reload_at:
                state = copy.deepcopy(optimizer.state_dict())
                optimizer = nn.optim.Adam([p], lr=99.0)
                optimizer.load_state_dict(state)
            p.grad = None
            (p**4).sum().backward()
            optimizer.step()
        return p.tolist()

    assert run(10, None) == run(10, 5)
    with pytest.raises(ValueError, match="groups of"):
        nn.optim.SGD([nn.Parameter([1.0])]).load_state_dict({"state": {}, "param_groups": [{"params": [0, 1]}]})


def test_sequential() -> None:
    model = nn.Sequential({"first": nn.Linear(2, 3), "second": nn.ReLU()})
    assert [n for n, _ in model.named_parameters()] == ["first.weight", "first.bias"]
    assert len(model) == 2
    assert isinstance(model[1], nn.ReLU)
    assert len(nn.Sequential(nn.ReLU(), nn.Tanh(), nn.ReLU())[1:]) == 2


def test_one_seed_one_result() -> None:
    def run() -> list[float]:
        mg.random.manual_seed(7)
        net = Net()
        optimizer = nn.optim.Adam(net.parameters(), lr=0.05)
        for _ in range(5):
            loss = (net(mg.random.randn(4, 2)) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return net.layers[0].weight.tolist()

    assert run() == run()


# ---------------------------------------------------------------------- layers of other shapes


@pytest.mark.torch
def test_softmaxes_shuffles_and_unpooling_equal_torchs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    x = normal(2, 4, 6, 5)
    t = torch.tensor(x)
    for name in ("Softmax", "Softmin", "LogSoftmax"):
        np.testing.assert_allclose(
            getattr(nn, name)(axis=1)(Tensor(x)).numpy(), getattr(torch.nn, name)(dim=1)(t).numpy(), atol=1e-12
        )
    np.testing.assert_allclose(nn.Softmax2d()(Tensor(x)).numpy(), torch.nn.Softmax2d()(t).numpy(), atol=1e-12)
    np.testing.assert_allclose(nn.GLU(axis=1)(Tensor(x)).numpy(), torch.nn.GLU(dim=1)(t).numpy(), atol=1e-12)
    for options in ({"kernel_size": 2}, {"kernel_size": (3, 2), "stride": 2, "padding": (1, 0)}):
        y, i = nn.MaxPool2d(**options, return_indices=True)(Tensor(x))
        u, j = torch.nn.MaxPool2d(**options, return_indices=True)(t)
        np.testing.assert_array_equal(i.numpy(), j.numpy())
        back, expected = nn.MaxUnpool2d(**options)(y, i, (6, 5)), torch.nn.MaxUnpool2d(**options)(u, j, (6, 5))
        np.testing.assert_allclose(back.numpy(), expected.numpy())
    y, i = nn.AdaptiveMaxPool2d((3, 2), return_indices=True)(Tensor(x))
    u, j = torch.nn.AdaptiveMaxPool2d((3, 2), return_indices=True)(t)
    np.testing.assert_array_equal(i.numpy(), j.numpy())
    np.testing.assert_allclose(y.numpy(), u.numpy())
    pooled, places = nn.MaxPool1d(2, return_indices=True)(Tensor(x[0]))
    assert mg.gradcheck(lambda v: nn.MaxUnpool1d(2)(v, places), pooled)
    theirs = torch.nn.ConvTranspose2d(4, 2, 3, stride=2).double()
    ours = nn.ConvTranspose2d(4, 2, 3, stride=2).double()
    ours.load_state_dict(theirs.state_dict())
    np.testing.assert_allclose(
        ours(Tensor(x), output_size=(14, 12)).detach().numpy(), theirs(t, output_size=(14, 12)).detach().numpy(), atol=1e-12
    )
    with pytest.raises(ValueError, match="cannot be reached"):
        ours(Tensor(x), output_size=(20, 12))


@pytest.mark.torch
def test_bilinear_equals_torchs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs, ours = torch.nn.Bilinear(3, 4, 2).double(), nn.Bilinear(3, 4, 2).double()
    ours.load_state_dict(theirs.state_dict())
    a, b = normal(5, 3), normal(5, 4)
    np.testing.assert_allclose(ours(a, b).detach().numpy(), theirs(torch.tensor(a), torch.tensor(b)).detach().numpy())
    assert mg.gradgradcheck(F.bilinear, a, b, ours.weight.detach(), ours.bias.detach())


@pytest.mark.torch
@pytest.mark.parametrize(
    "options", [{"max_norm": 0.7}, {"scale_grad_by_freq": True}, {"padding_idx": 2, "max_norm": 1.0, "norm_type": 1.0}]
)
def test_options_of_embeddings_equal_torchs(options: dict) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs, ours = torch.nn.Embedding(7, 3, **options).double(), nn.Embedding(7, 3, **options).double()
    ours.load_state_dict(theirs.state_dict())
    indices, weights = np.array([[1, 2, 2], [6, 1, 1]]), normal(2, 3, 3)
    y, u = ours(Tensor(indices)), theirs(torch.tensor(indices))
    np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=1e-6)
    (y * weights).sum().backward()
    (u * torch.tensor(weights)).sum().backward()
    np.testing.assert_allclose(ours.weight.grad.numpy(), theirs.weight.grad.numpy())
    np.testing.assert_allclose(ours.weight.detach().numpy(), theirs.weight.detach().numpy(), rtol=1e-6)


@pytest.mark.torch
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding_idx", [None, 2])
def test_embedding_bags_equal_torchs(mode: str, padding_idx: int | None) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs = torch.nn.EmbeddingBag(7, 3, mode=mode, padding_idx=padding_idx).double()
    ours = nn.EmbeddingBag(7, 3, mode=mode, padding_idx=padding_idx).double()
    ours.load_state_dict(theirs.state_dict())
    for indices, offsets in ((np.array([1, 2, 2, 6, 1, 0]), np.array([0, 3, 3])), (np.array([[1, 2, 2], [6, 1, 0]]), None)):
        ours.zero_grad()
        theirs.zero_grad()
        y = ours(Tensor(indices), None if offsets is None else Tensor(offsets))
        u = theirs(torch.tensor(indices), None if offsets is None else torch.tensor(offsets))
        np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=1e-12)
        weights = normal(*y.shape)
        (y * weights).sum().backward()
        (u * torch.tensor(weights)).sum().backward()
        np.testing.assert_allclose(ours.weight.grad.numpy(), theirs.weight.grad.numpy(), rtol=1e-12)
    if mode == "sum":
        factors = normal(2, 3)
        y, u = (
            ours(Tensor(indices), per_sample_weights=factors),
            theirs(torch.tensor(indices), per_sample_weights=torch.tensor(factors)),
        )
        np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=1e-12)


def test_dropout_keeps_the_mean_and_follows_the_seed() -> None:
    x = mg.ones((200, 50, 4))
    for layer, whole in ((nn.Dropout(0.3), False), (nn.Dropout1d(0.3), True), (nn.AlphaDropout(0.3), False)):
        mg.random.manual_seed(1)
        y = layer(x)
        mg.random.manual_seed(1)
        np.testing.assert_array_equal(y.numpy(), layer(x).numpy())
        assert layer.eval()(x) is x
        if isinstance(layer, nn.AlphaDropout):
            z = layer.train()(mg.random.randn(300_000))
            assert abs(float(z.mean())) < 0.01
            assert float(z.var()) == pytest.approx(1.0, abs=0.02)
            continue
        kept = y.numpy() != 0
        assert kept.mean() == pytest.approx(0.7, abs=0.03)
        np.testing.assert_allclose(y.numpy()[kept], 1 / 0.7, rtol=1e-6)
        assert (kept.all(axis=2) | ~kept.any(axis=2)).all() == whole
    assert nn.Dropout(1.0)(x).sum().item() == 0
    images = nn.Dropout2d(0.5)(mg.ones((20, 30, 2, 2))).numpy()
    assert set(np.unique(images.reshape(600, 4).sum(1))) == {0.0, 8.0}
    with pytest.raises(ValueError, match="between 0 and 1"):
        nn.Dropout(1.5)


def test_rrelu_draws_slopes_between_its_bounds() -> None:
    x = mg.full((1000,), -1.0)
    y = nn.RReLU(0.1, 0.3)(x).numpy()
    assert y.min() >= -0.3
    assert y.max() <= -0.1
    assert y.std() > 0.04
    np.testing.assert_allclose(nn.RReLU(0.1, 0.3).eval()(x).numpy(), -0.2, rtol=1e-6)


def test_containers() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.layers = nn.ModuleList([nn.Linear(2, 2), nn.ReLU()])
            self.layers.append(nn.Linear(2, 1))
            self.named = nn.ModuleDict({"a": nn.Linear(1, 1)})
            self.scales = nn.ParameterList([nn.Parameter([1.0])])
            self.gains = nn.ParameterDict({"g": nn.Parameter([2.0])})

    net = Net()
    assert list(net.state_dict()) == [
        "layers.0.weight", "layers.0.bias", "layers.2.weight", "layers.2.bias", "named.a.weight", "named.a.bias",
        "scales.0", "gains.g",
    ]  # fmt: skip
    assert len(net.layers) == 3
    assert isinstance(net.layers[1], nn.ReLU)
    assert [type(m).__name__ for m in net.layers[1:]] == ["ReLU", "Linear"]
    assert "a" in net.named
    assert list(net.named.items())[0][0] == "a"
    with pytest.raises(KeyError, match="choose another name"):
        net.named["forward"] = nn.ReLU()
    with pytest.raises(KeyError, match="there are a"):
        net.named["b"]
    model = nn.Sequential(nn.Linear(1, 1)).append(nn.ReLU())
    assert list(model.state_dict()) == ["0.weight", "0.bias"]
    assert len(model) == 2


def test_activations_refuse_unknown_options() -> None:
    with pytest.raises(TypeError, match="an argument 'slope'; it takes negative_slope"):
        nn.LeakyReLU(slope=0.1)
    with pytest.raises(TypeError, match="needs the argument 'value'"):
        nn.Threshold(0.1)
    assert repr(nn.LeakyReLU(0.2)) == "LeakyReLU(negative_slope=0.2)"
    assert isinstance(pickle.loads(pickle.dumps(nn.GELU())), nn.GELU)


def test_summary_counts_shapes_parameters_and_multiply_adds() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.body = [nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
            self.head = nn.Linear(4 * 4 * 4, 10)
            self.scale = nn.Parameter([1.0])

        def forward(self, x: Any) -> Tensor:
            for layer in self.body:
                x = layer(x)
            return self.head(x) * self.scale

    net = Net()
    net.head.bias.requires_grad = False
    table = net.summary(mg.zeros((2, 1, 8, 8)))
    rows = {row.path: row for row in table.rows}
    assert list(rows) == ["body.0", "body.1", "body.2", "body.3", "head", "Net"]
    assert rows["body.0"].output == (2, 4, 8, 8)
    assert rows["body.0"].parameters == 40
    assert rows["body.0"].multiply_adds == 2 * 4 * 64 * 9
    assert rows["body.0"].memory == 2 * 4 * 64 * 4
    assert rows["head"].multiply_adds == 2 * 64 * 10
    assert rows["Net"].parameters == 1
    assert table.parameters == 40 + 650 + 1
    assert table.trainable == 681
    assert "10 parameters are frozen" in repr(table)
    assert not net.body[0]._forward_hooks
    lstm = nn.LSTM(3, 4).summary(mg.zeros((5, 2, 3))).rows[0]
    assert (lstm.parameters, lstm.multiply_adds) == (16 * 3 + 16 * 4 + 32, 10 * (16 * 3 + 16 * 4))
    attention = nn.MultiheadAttention(4, 2)
    x = mg.zeros((5, 1, 4))
    total = attention.summary(x, x, x)
    assert total.multiply_adds == 5 * (48 + 16) + 2 * 25 * 4
    assert sum(row.parameters for row in total.rows) == total.parameters
