"""nn.Module: what is found in it, its modes, state, hooks and summary."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, no_grad
from nn import functional as F

rng = np.random.default_rng(0)


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
    assert len(list(net.children())) == 3  # a shared one once
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
