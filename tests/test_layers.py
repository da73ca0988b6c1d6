"""Layers compared with PyTorch's: output, gradients, second derivatives; initial values; errors."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, autograd
from nn import functional as F

from .layers_table import LAYERS

rng = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return rng.normal(size=shape)


@pytest.mark.torch
@pytest.mark.parametrize(("name", "args", "options", "shape"), LAYERS)
def test_layer_equals_torchs(name: str, args: tuple, options: dict, shape: tuple[int, ...]) -> None:
    """Output, first and second derivatives of input and parameters, with the same weights."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    their_options = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    theirs = getattr(torch.nn, name)(*args, **their_options).double()
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


@pytest.mark.parametrize(("name", "args", "options", "shape"), LAYERS)
def test_layer_runs_on_the_stand_in_for_a_gpu(
    name: str, args: tuple, options: dict, shape: tuple[int, ...], stand_in: Any
) -> None:
    """Forward and first order: the same numbers as on the CPU."""
    plain = getattr(nn, name)(*args, **options).double()
    strict = copy.deepcopy(plain).to("cuda")
    data, results = normal(*shape) + (2.0 if name.startswith("LP") else 0.0), []
    for layer, device in ((plain, "cpu"), (strict, "cuda")):
        x = Tensor(data, requires_grad=True, device=device)
        y = layer(x)
        results.append([y._array, *(g._array for g in autograd.grad([y], [x, *layer.parameters()], [np.ones_like(y._array)]))])
        results[-1] += [b._array for b in layer.buffers()]
    for a, b in zip(*results, strict=True):
        assert type(b) is stand_in.ndarray
        np.testing.assert_allclose(b.get(), a, rtol=1e-10, atol=1e-12)


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
    with pytest.raises(ValueError, match="Dropout: p must be a number from 0 to 1, got 1.5"):
        nn.Dropout(1.5)


def test_rrelu_draws_slopes_between_its_bounds() -> None:
    x = mg.full((1000,), -1.0)
    y = nn.RReLU(0.1, 0.3)(x).numpy()
    assert y.min() >= -0.3
    assert y.max() <= -0.1
    assert y.std() > 0.04
    np.testing.assert_allclose(nn.RReLU(0.1, 0.3).eval()(x).numpy(), -0.2, rtol=1e-6)


def test_activations_refuse_unknown_options() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'slope'"):
        nn.LeakyReLU(slope=0.1)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'value'"):
        nn.Threshold(0.1)
    assert repr(nn.LeakyReLU(0.2)) == "LeakyReLU(negative_slope=0.2)"
    assert isinstance(pickle.loads(pickle.dumps(nn.GELU())), nn.GELU)


def test_an_axis_splits_into_sizes_that_make_it_up() -> None:
    x = mg.zeros((2, 6, 3))
    assert nn.Unflatten(1, (2, -1))(x).shape == (2, 2, 3, 3)
    assert nn.Unflatten(-1, (3, 1))(x).shape == (2, 6, 3, 1)
    for sizes in ((4, -1), (2, 2), (-1, -1)):
        with pytest.raises(ValueError, match="axis 1 of length 6 does not split"):
            nn.Unflatten(1, sizes)(x)
    with pytest.raises(IndexError, match="axis 3 of an input of shape"):
        nn.Unflatten(3, (1,))(x)


@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize("why", ["vmap", "one value", "bias", "variance"])
def test_a_batch_that_is_refused_does_not_move_the_running_values(momentum: float | None, why: str) -> None:
    layer = nn.BatchNorm1d(3, momentum=momentum)
    if why == "bias":
        layer.bias = nn.Parameter(np.ones(2, np.float32))
    if why == "variance":
        layer.running_var = nn.Buffer(np.ones(1, np.float32))
    before = {name: value.copy() for name, value in layer.state_dict().items()}
    x = np.random.default_rng(0).normal(size=(4, 5, 3)).astype(np.float32)
    with pytest.raises((TypeError, ValueError)):
        if why == "vmap":
            mg.vmap(layer)(x)
        else:
            layer(x[0, :1] if why == "one value" else x[0])
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_norms_over_the_last_axes_take_a_number_as_their_layers_do() -> None:
    x = np.arange(6.0).reshape(2, 3)
    for norm in (F.layer_norm, F.rms_norm):
        assert np.array_equal(norm(x, 3), norm(x, (3,)))
        assert np.array_equal(norm(x, np.int64(3)), norm(x, [3]))
        with pytest.raises(ValueError, match=r"the last axes must be \(2,\), got input of shape \(2, 3\)"):
            norm(x, 2)
