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
    data = normal(*shape)
    x, t = Tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)
    y, u = ours(x), theirs(t)
    np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=1e-9, atol=1e-9)
    weights = normal(*y.shape)
    first = autograd.grad((y * y * weights).sum(), [x, *ours.parameters()], create_graph=True)
    expected = torch.autograd.grad((u * u * torch.tensor(weights)).sum(), [t, *theirs.parameters()], create_graph=True)
    for a, b in zip(first, expected, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-9)
    second = autograd.grad(sum((g * g).sum() for g in first), [x, *ours.parameters()])
    expected = torch.autograd.grad(sum((g * g).sum() for g in expected), [t, *theirs.parameters()])
    for a, b in zip(second, expected, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-9, atol=1e-9)


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
    ],
)
def test_optimizer_equals_torchs_over_50_steps(name: str, options: dict) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
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
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-9)


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
