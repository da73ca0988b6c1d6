"""Lazy layers: they find the number of their inputs in the first one."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import nn
from minigrad import Tensor, no_grad
from nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy

rng = np.random.default_rng(0)

LAYERS: list[tuple[str, tuple[Any, ...], dict[str, Any], tuple[int, ...]]] = [
    ("LazyLinear", (3,), {}, (2, 5)),
    ("LazyLinear", (3, False), {}, (5,)),
    ("LazyConv1d", (4, 3), {"groups": 2}, (2, 6, 7)),
    (
        "LazyConv2d",
        (4, (3, 2)),
        {"stride": 2, "padding_mode": "circular", "padding": 1},
        (2, 3, 7, 7),
    ),
    ("LazyConv2d", (4, 3), {"bias": False}, (3, 7, 7)),
    ("LazyConv3d", (4, 2), {}, (2, 3, 4, 4, 4)),
    ("LazyConvTranspose1d", (4, 3), {"stride": 2, "output_padding": 1}, (2, 3, 7)),
    ("LazyConvTranspose2d", (4, 3), {"groups": 2, "dilation": 2}, (2, 4, 7, 5)),
    ("LazyConvTranspose3d", (4, 2), {}, (2, 3, 4, 3, 2)),
    ("LazyBatchNorm1d", (), {}, (4, 3)),
    ("LazyBatchNorm2d", (), {"affine": False}, (4, 3, 2, 2)),
    ("LazyBatchNorm3d", (), {"track_running_stats": False}, (4, 3, 2, 2, 2)),
    ("LazyInstanceNorm1d", (), {}, (4, 3, 5)),
    ("LazyInstanceNorm2d", (), {"affine": False}, (4, 3, 2, 2)),
    ("LazyInstanceNorm3d", (), {"track_running_stats": False}, (4, 3, 2, 2, 2)),
]


@pytest.mark.torch
@pytest.mark.parametrize(("name", "args", "options", "shape"), LAYERS)
def test_lazy_layer_becomes_torchs(name: str, args: tuple[Any, ...], options: dict[str, Any], shape: tuple[int, ...]) -> None:
    """After the first call: class, state and numbers; before it, copies and moves work."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs = getattr(torch.nn, name)(*args, **options).double()
    ours = getattr(nn, name)(*args, **options).double()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours = pickle.loads(pickle.dumps(copy.deepcopy(ours)))
    data = rng.normal(size=shape)
    wanted = theirs(torch.tensor(data))
    ours(data)
    assert type(ours).__name__ == type(theirs).__name__ == name.removeprefix("Lazy")
    assert {k: v.shape for k, v in ours.state_dict().items()} == {k: tuple(v.shape) for k, v in theirs.state_dict().items()}
    assert all(p.requires_grad and p.dtype == np.float64 for p in ours.parameters())
    if "Norm" in name:  # whose first values are no random numbers
        np.testing.assert_allclose(ours(data).detach().numpy(), wanted.detach().numpy(), atol=1e-9)
    fresh = getattr(nn, name)(*args, **options).double()
    fresh.load_state_dict(theirs.state_dict())  # loaded before the first call
    assert not any(map(is_lazy, fresh.parameters()))
    got, want = fresh(data), theirs(torch.tensor(data))
    np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), atol=1e-9)


def test_an_optimizer_may_hold_parameters_without_a_shape() -> None:
    net = nn.Sequential(nn.LazyLinear(4), nn.LazyBatchNorm1d(), nn.LazyLinear(1))
    optimizer = nn.optim.Adam(net.parameters(), lr=0.1)
    x = np.ones((3, 2), np.float32)
    net(x)
    before = net[0].weight.detach().numpy().copy()
    (net(x) ** 2).sum().backward()
    optimizer.step()
    assert not np.array_equal(before, net[0].weight.detach().numpy())
    assert [type(layer) for layer in net] == [nn.Linear, nn.BatchNorm1d, nn.Linear]


@pytest.mark.parametrize(
    "use",
    [
        lambda p: p.shape,
        lambda p: p.size,
        lambda p: p.ndim,
        lambda p: p * 2,
        lambda p: p.sum(),
        lambda p: p @ np.ones(3),
        lambda p: np.concatenate([p, p]),
        lambda p: nn.init.normal_(p),
    ],
)
@pytest.mark.parametrize("kind", [UninitializedParameter, UninitializedBuffer])
def test_what_has_no_shape_says_why(kind: Any, use: Any) -> None:
    with pytest.raises(ValueError, match="call the module once"):
        use(kind())


def test_what_a_lazy_layer_shows_before_its_first_input() -> None:
    layer = nn.LazyLinear(2)
    assert repr(layer) == "LazyLinear(in_features=0, out_features=2, bias=True)"
    assert repr(layer.weight) == "UninitializedParameter()"
    assert "0 parameters" in layer._repr_html_()
    assert layer.has_uninitialized_params()
    layer.requires_grad_(False)
    layer(Tensor([[1.0]]))
    assert not layer.weight.requires_grad
    assert isinstance(layer.weight, nn.Parameter)


def test_inputs_that_do_not_fit_change_nothing() -> None:
    layer = nn.LazyConv2d(4, 3, groups=2)
    for shape, match in (
        ((2, 2), "4 axes|more axes"),
        ((1, 3, 5, 5), "do not divide into 2 groups"),
    ):
        with pytest.raises(ValueError, match=match):
            layer(np.ones(shape))
    assert layer.has_uninitialized_params()
    loaded = nn.LazyLinear(2)
    loaded.load_state_dict({"weight": np.ones((2, 3)), "bias": np.ones(2)})
    with pytest.raises(ValueError, match=r"weight that was loaded has shape \(2, 3\)"):
        loaded(np.ones((1, 5)))
    assert loaded(np.ones((1, 3))).tolist() == [[4.0, 4.0]]


@pytest.mark.parametrize("lazy", ["", "Lazy"])
def test_transposed_convolutions_pad_with_zeros_alone(lazy: str) -> None:
    for n in (1, 2, 3):
        name, channels = f"{lazy}ConvTranspose{n}d", () if lazy else (4,)
        with pytest.raises(ValueError, match=f"{name}: padding_mode must be 'zeros', got 'reflect'"):
            getattr(nn, name)(*channels, 4, 3, padding_mode="reflect")
        assert getattr(nn, name)(*channels, 4, 3, padding_mode="zeros").padding_mode == "zeros"


LOST: dict[str, Any] = {
    "constant_": lambda p: nn.init.constant_(p, 7.0),
    "zeros_": nn.init.zeros_,
    "ones_": nn.init.ones_,
    "uniform_": nn.init.uniform_,
    "normal_": nn.init.normal_,
    "trunc_normal_": nn.init.trunc_normal_,
    "eye_": nn.init.eye_,
    "dirac_": nn.init.dirac_,
    "orthogonal_": nn.init.orthogonal_,
    "sparse_": lambda p: nn.init.sparse_(p, 0.5),
    "xavier_uniform_": nn.init.xavier_uniform_,
    "kaiming_normal_": nn.init.kaiming_normal_,
    "fill": lambda p: p.fill(7.0),
    "data.fill": lambda p: p.data.fill(7.0),
    "data[...] = value": lambda p: p.data.__setitem__(..., 7.0),
    "copyto": lambda p: np.copyto(p.data, 7.0),
    "+=": lambda p: p.__iadd__(7.0),
    "p[...] = value": lambda p: p.__setitem__(..., 7.0),
}


@pytest.mark.parametrize("way", LOST)
def test_values_before_the_first_input_are_refused_and_not_lost(way: str) -> None:
    layer = nn.LazyLinear(3)
    for parameter in (layer.weight, layer.bias):
        with no_grad(), pytest.raises(ValueError, match="call the module once on an example"):
            LOST[way](parameter)
    net = nn.Sequential(nn.LazyConv2d(2, 3), nn.LazyBatchNorm2d())
    with pytest.raises(ValueError, match="call the module once"):
        net.apply(lambda m: LOST[way](m.bias) if hasattr(m, "bias") else None)


def test_a_bias_that_is_given_before_the_first_input_stays() -> None:
    layer = nn.LazyLinear(2)
    layer.bias.data = np.array([7.0, 8.0], np.float32)
    layer(np.ones((1, 3), np.float32))
    assert layer.bias.tolist() == [7.0, 8.0]
    assert layer.weight.shape == (2, 3)
    assert np.any(layer.weight.detach().numpy())
    other = nn.LazyLinear(2)
    other.bias.data = np.zeros(5, np.float32)
    with pytest.raises(ValueError, match=r"bias that was loaded has shape \(5,\)"):
        other(np.ones((1, 3), np.float32))
