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


def numbers(module: nn.Module) -> list[Any]:
    return [value.tolist() for value in module.state_dict().values()]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("weight", np.full((1, 2), 1 + 1j), "'weight': complex values do not fit into float32"),
        ("bias", np.array(["a"]), "'bias': values of type <U1 are no numbers"),
        ("bias", [[1.0], [2.0, 3.0]], "'bias': "),
        ("bias", None, "'bias': values of type object"),
        ("bias", np.array([1e300]), "'bias': values of type float64 do not fit into float32, 1e\\+300 say"),
        ("bias", np.zeros((1, 1)), r"shape of 'bias': the module has \(1,\), the state has \(1, 1\)"),
    ],
)
def test_load_state_dict_changes_all_or_nothing(name: str, value: Any, message: str) -> None:
    module = nn.Linear(2, 1)
    state, before = {"weight": np.zeros((1, 2)), "bias": np.zeros(1), name: value}, numbers(module)
    for strict in (True, False):
        with pytest.raises(ValueError, match=message):
            module.load_state_dict(state, strict)
        assert numbers(module) == before


def test_load_state_dict_cuts_no_fractions_of_counts() -> None:
    norm = nn.BatchNorm1d(2)
    for value in (1.5, np.nan, 2.0**70):
        with pytest.raises(ValueError, match="'num_batches_tracked': values of type float64 do not fit into int64"):
            norm.load_state_dict({**norm.state_dict(), "num_batches_tracked": np.array(value)})
    norm.load_state_dict({**norm.state_dict(), "num_batches_tracked": np.array(3.0), "running_mean": np.array([np.inf, np.nan])})
    assert norm.state_dict()["num_batches_tracked"].item() == 3
    assert norm.state_dict()["running_mean"].tolist()[0] == np.inf  # infinite in the state already


def test_load_state_dict_refuses_two_values_for_one_parameter() -> None:
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    second.weight = first.weight
    tied = nn.Sequential(first, second)
    state = {name: value.numpy().copy() for name, value in tied.state_dict().items()}
    tied.load_state_dict(state)
    state["1.weight"] = state["1.weight"] + 1
    with pytest.raises(ValueError, match="'0.weight' and '1.weight' are one and the same in the module, but differ"):
        tied.load_state_dict(state)


def test_load_state_dict_of_a_path_says_how_a_file_is_read() -> None:
    with pytest.raises(TypeError, match=r"nn.load\(path, module\)"):
        nn.Linear(1, 1).load_state_dict("weights.safetensors")  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------- hooks


def _hooked(library: Any, tensor: Any, seen: list[Any], dtype: Any) -> Any:
    """A net of two layers with all hooks, that note what they see and change it."""

    def values(x: Any) -> Any:
        return None if x is None else x.detach().numpy().copy()

    def note(kind: str, *tensors: Any) -> None:
        seen.append((kind, *(values(x) for x in tensors)))

    class Twice(library.Module):
        def forward(self, x: Any, y: Any, unused: Any = None, scale: float = 1.0) -> Any:
            return x * y * scale, y * y

    first, second = Twice(), Twice()

    def backward(module: Any, grad_input: Any, grad_output: Any) -> Any:
        note("backward", *grad_input, *grad_output)
        return tuple(None if g is None else g * (2 + 1j if dtype is complex else 2) for g in grad_input)

    def backward_pre(module: Any, grad_output: Any) -> Any:
        note("backward_pre", *grad_output)
        return tuple(g * 3 for g in grad_output)

    first.register_full_backward_hook(backward)
    second.register_full_backward_pre_hook(backward_pre)
    second.register_full_backward_hook(lambda m, gi, go: note("late", *gi, *go))
    second.register_full_backward_hook(lambda m, gi, go: note("early", *gi, *go), prepend=True)
    first.register_forward_pre_hook(lambda m, args: (args[0] * 2, *args[1:]))
    second.register_forward_pre_hook(lambda m, args, kwargs: (args, {"scale": 5.0}), with_kwargs=True)
    second.register_forward_hook(lambda m, args, kwargs, out: (out[0] * kwargs["scale"], out[1]), with_kwargs=True)
    second.register_forward_hook(lambda m, args, out: note("out", *out), prepend=True)

    def net(x: Any, y: Any) -> Any:
        a, b = first(x, y, None)
        return second(b, a)

    return net


@pytest.mark.torch
@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("leaves", [(True, True), (True, False)])
def test_hooks_see_and_change_what_torchs_do(dtype: Any, leaves: tuple[bool, bool]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    data = [rng.normal(size=3).astype(dtype), rng.normal(size=3).astype(dtype)]
    if dtype is complex:
        data = [x + 1j * rng.normal(size=3) for x in data]
    ours, theirs = [], []
    x = [Tensor(v, requires_grad=need) for v, need in zip(data, leaves, strict=True)]
    t = [torch.tensor(v, requires_grad=need) for v, need in zip(data, leaves, strict=True)]
    for library, make, inputs, seen in ((nn, Tensor, x, ours), (torch.nn, torch.tensor, t, theirs)):
        a, b = _hooked(library, make, seen, dtype)(*inputs)
        ((a * a).real.sum() + (b * b).imag.sum() if dtype is complex else (a * a + b).sum()).backward()
    assert [kind for kind, *_ in ours] == [kind for kind, *_ in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        for v, w in zip(mine[1:], other[1:], strict=True):
            if v is None:  # an input that needs none; torch fills in zeros in places
                assert w is None or not w.any()
            else:
                np.testing.assert_allclose(v, w, rtol=1e-9, err_msg=mine[0])
    for v, w, need in zip(x, t, leaves, strict=True):
        if need:
            np.testing.assert_allclose(v.grad.numpy(), w.grad.numpy(), rtol=1e-9)


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:Using backward")
@pytest.mark.parametrize("create_graph", [False, True])
def test_hooks_of_complex_tensors_see_and_change_torchs_gradients(create_graph: bool) -> None:
    """On a leaf and on a computed tensor, with `retain_grad`: the conjugate is taken once."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    data = rng.normal(size=3) + 1j * rng.normal(size=3)
    found = []
    for x in (Tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)):
        seen: list[Any] = []
        y = x * x * (2 - 1j)
        for tensor, factor in ((y, 1 + 3j), (x, 2j)):
            tensor.register_hook(lambda g, seen=seen, factor=factor: (seen.append(g.detach().numpy().copy()), g * factor)[1])
        y.retain_grad()
        (y * y).abs().sum().backward(create_graph=create_graph)
        found.append([*seen, x.grad.detach().numpy(), y.grad.detach().numpy()])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_backward_hooks_leave_the_second_derivative() -> None:
    layer, x = nn.Tanh(), Tensor(np.array([0.3]), requires_grad=True)
    layer.register_full_backward_hook(lambda m, grad_input, grad_output: (grad_input[0] * grad_output[0] * 3,))
    layer(x).sum().backward(create_graph=True)
    first, x.grad = x.grad, None
    np.testing.assert_allclose(first.detach().numpy(), 3 * (1 - np.tanh([0.3]) ** 2))
    first.sum().backward()
    t = np.tanh([0.3])
    np.testing.assert_allclose(x.grad.numpy(), -6 * t * (1 - t**2))


def test_backward_hooks_where_no_input_learns() -> None:
    layer, seen = nn.Linear(2, 1), []
    layer.register_full_backward_hook(lambda m, grad_input, grad_output: seen.append((grad_input, grad_output[0].tolist())))
    layer(np.ones((1, 2))).sum().backward()
    assert seen == [((None,), [[1.0]])]
    with no_grad():
        layer(np.ones((1, 2)))
    assert len(seen) == 1
    layer.register_full_backward_pre_hook(lambda m, grad_output: (grad_output[0], None))
    with pytest.raises(ValueError, match="returned 2 gradients, it got 1"):
        layer(np.ones((1, 2))).sum().backward()


def test_handles_of_hooks_remove_them() -> None:
    layer, seen = nn.ReLU(), []
    handle = layer.register_forward_hook(lambda *_: seen.append("a"))
    with layer.register_forward_hook(lambda *_: seen.append("b"), prepend=True):
        layer(Tensor([1.0]))
    layer(Tensor([1.0]))
    handle.remove()
    handle.remove()
    layer(Tensor([1.0]))
    assert seen == ["b", "a", "a"]


def test_hooks_that_are_always_called_see_errors() -> None:
    layer, seen = nn.Linear(2, 1), []
    layer.register_forward_hook(lambda m, args, out: seen.append(out), always_call=True)
    with pytest.raises(ValueError, match="last axis"):
        layer(np.ones((1, 3)))
    assert seen == [None]


def test_global_hooks_are_called_for_each_module() -> None:
    net, seen = nn.Sequential(nn.ReLU(), nn.Tanh()), []
    name = lambda m: type(m).__name__
    with (
        nn.hooks.register_module_forward_pre_hook(lambda m, args: seen.append(("before", name(m)))),
        nn.hooks.register_module_forward_hook(lambda m, args, out: seen.append(("after", name(m)))),
        nn.hooks.register_module_full_backward_hook(lambda m, gi, go: seen.append(("back", name(m)))),
    ):
        net(Tensor([1.0], requires_grad=True)).sum().backward()
    net(Tensor([1.0]))
    assert seen == [
        ("before", "Sequential"), ("before", "ReLU"), ("after", "ReLU"), ("before", "Tanh"), ("after", "Tanh"),
        ("after", "Sequential"), ("back", "Tanh"), ("back", "ReLU"), ("back", "Sequential"),
    ]  # fmt: skip


# ------------------------------------------------------------------------------------- state


class _Masked(nn.Module):
    def __init__(self) -> None:
        self.register_buffer("mask", Tensor([1.0]), persistent=False)
        self.more = [nn.Buffer([2.0], persistent=False)]
        self.mean = nn.Buffer([3.0])


def test_buffers_that_are_not_persistent_move_but_are_not_stored() -> None:
    net = copy.deepcopy(pickle.loads(pickle.dumps(_Masked())))
    assert list(net.state_dict()) == ["mean"]
    assert [name for name, _ in net.double().named_buffers()] == ["mask", "more.0", "mean"]
    assert net.mask.dtype == net.more[0].dtype == np.float64
    net.load_state_dict({"mean": np.array([5.0])})
    assert net.mean.tolist() == [5.0]
    got = nn.utils.functional_call(nn.Sequential(_Adds(net)), {"0.net.mask": np.array([7.0])}, Tensor(np.array([0.0])))
    assert got.tolist() == [7.0]


class _Adds(nn.Module):
    def __init__(self, net: Any) -> None:
        self.net = net

    def forward(self, x: Any) -> Any:
        return x + self.net.mask


def test_state_dict_with_a_prefix_and_a_destination() -> None:
    layer, state = nn.Linear(2, 1), {"other": 1}
    assert layer.state_dict(destination=state, prefix="net.") is state
    assert list(state) == ["other", "net.weight", "net.bias"]
    assert layer.state_dict(keep_vars=True)["weight"] is layer.weight
    assert not layer.state_dict()["weight"].requires_grad


@pytest.mark.torch
def test_state_dict_hooks_are_called_as_torchs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    def calls(library: Any) -> list[Any]:
        net, seen = library.Sequential(library.Linear(2, 1), library.ReLU()), []

        def rename(module: Any, state: Any, prefix: str, *rest: Any) -> None:
            seen.append(("load", prefix))
            state[f"{prefix}weight"] = state.pop(f"{prefix}old")

        def store(module: Any, state: Any, prefix: str, metadata: Any) -> None:
            seen.append(("state", prefix))
            state[f"{prefix}old"] = state.pop(f"{prefix}weight")

        net[0].register_state_dict_pre_hook(lambda m, prefix, keep: seen.append(("before", prefix, keep)))
        net[0].register_state_dict_post_hook(store)
        net.register_state_dict_post_hook(lambda m, state, prefix, metadata: seen.append(sorted(state)))
        net[0].register_load_state_dict_pre_hook(rename)
        net[0].register_load_state_dict_post_hook(lambda m, keys: seen.append("loaded"))
        state = net.state_dict()
        net.load_state_dict(state)
        seen.append(sorted(state))
        return seen

    assert calls(nn) == calls(torch.nn)


def test_load_state_dict_says_what_it_did_not_find() -> None:
    layer, seen = nn.Linear(2, 1), []
    layer.register_load_state_dict_post_hook(lambda module, keys: seen.append(keys))
    state = {"weight": np.ones((1, 2)), "other": np.ones(1)}
    missing, unexpected = layer.load_state_dict(state, strict=False)
    assert (missing, unexpected) == (["bias"], ["other"])
    assert seen == [(["bias"], ["other"])]
    assert seen[0].missing_keys == ["bias"]


def test_zero_grad_may_fill_with_zeros() -> None:
    layer = nn.Linear(2, 1)
    layer(np.ones((1, 2))).sum().backward()
    layer.zero_grad(set_to_none=False)
    assert layer.weight.grad.tolist() == [[0.0, 0.0]]
    layer.zero_grad()
    assert layer.weight.grad is None


def test_dtypes_and_devices() -> None:
    net = nn.BatchNorm1d(2)
    assert net.to("cpu", np.float64).weight.dtype == np.float64
    assert net.num_batches_tracked.dtype == np.int64
    assert net.to(Tensor(np.ones(1, np.float16))).running_mean.dtype == np.float16
    assert net.to(dtype="float32", device="cpu").cpu().bias.dtype == np.float32
    assert net.to(np.complex64).weight.dtype == np.complex64
    assert net.double().weight.dtype == np.complex64  # floats only, as in PyTorch
    assert nn.BatchNorm1d(2).type(np.float64).num_batches_tracked.dtype == np.float64
    with pytest.raises(TypeError, match="cannot be int64"):
        nn.Linear(1, 1).type(np.int64)
    layer = nn.Linear(1, 1)
    layer(np.ones((1, 1))).sum().backward()
    assert layer.double().weight.grad.dtype == np.float64


def test_a_parameter_of_integers_stays_frozen_and_nothing_else_changes() -> None:
    net = nn.Module()
    net.a, net.b = nn.Parameter([1.0], requires_grad=False), nn.Parameter([1], requires_grad=False)
    with pytest.raises(TypeError, match="'b' is int64"):
        net.requires_grad_()
    assert not net.a.requires_grad


def test_backward_for_some_inputs_leaves_the_others_alone() -> None:
    layer, x = nn.Linear(2, 1), Tensor(np.ones((1, 2), np.float32), requires_grad=True)
    hidden = layer(x)
    loss = (hidden * hidden).sum()
    loss.backward(inputs=[layer.bias, hidden], retain_graph=True)
    assert layer.weight.grad is None
    assert x.grad is None
    np.testing.assert_allclose(layer.bias.grad.numpy(), hidden.grad.numpy()[0])
    loss.backward(inputs=layer.bias)
    np.testing.assert_allclose(layer.bias.grad.numpy(), 2 * hidden.grad.numpy()[0])
    for inputs in ([], [Tensor([1.0])]):
        with pytest.raises(RuntimeError, match=r"backward\(inputs=...\)"):
            (layer.bias * 1).sum().backward(inputs=inputs)


# -------------------------------------------------------------------------------- functional


def test_functional_call_may_ask_for_all_names() -> None:
    net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU())
    net.append(net[0])
    call = nn.utils.functional_call
    value = {"0.weight": np.array([[3.0]])}
    assert call(net.double(), value, np.array([[1.0]]), strict=True).tolist() == [[9.0]]
    assert call(net, [value, {}], np.array([[1.0]])).tolist() == [[9.0]]
    with pytest.raises(ValueError, match="'2.weight' is the same parameter"):
        call(net, value, np.array([[1.0]]), tie_weights=False)
    with pytest.raises(KeyError, match="no value is given for 0.weight, 2.weight"):
        call(net, {}, np.array([[1.0]]), strict=True)
    with pytest.raises(ValueError, match="two of the dicts"):
        call(net, [value, value], np.array([[1.0]]))


# ------------------------------------------------------------------------------------ errors


def test_an_error_names_the_path_of_the_layer_once() -> None:
    net = nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.Linear(3, 1)))
    for _ in range(2):
        with pytest.raises(ValueError, match="expected last axis 3") as raised:
            nn.Sequential(net)(np.ones((1, 2)))
        assert raised.value.__notes__ == ["in the layer 0.0.1, a Linear, of Sequential"]
    again = pickle.loads(pickle.dumps(raised.value))  # as between processes
    assert again.__notes__ == raised.value.__notes__
    with pytest.raises(ValueError, match="expected last axis 2") as raised:
        nn.Linear(2, 1)(np.ones((1, 3)))
    assert not hasattr(raised.value, "__notes__")  # its message says it all


def test_an_error_that_a_forward_catches_is_forgotten() -> None:
    class Tries(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Linear(2, 1)

        def forward(self, x: Any) -> Any:
            try:
                return self.layer(x)
            except ValueError:
                raise KeyError("mine") from None

    with pytest.raises(KeyError) as raised:
        nn.Sequential(Tries())(np.ones((1, 3)))
    assert raised.value.__notes__ == ["in the layer 0, a Tries, of Sequential"]


# -------------------------------------------------------------------------------- checkpoint


class _Stateful(nn.Module):
    """Scales by a buffer that each call changes: in place, by assignment, and in a list."""

    def __init__(self) -> None:
        self.inner = nn.BatchNorm1d(2)
        self.count = nn.Buffer(np.array([1.0]))
        self.total = nn.Buffer(np.array([2.0]))
        self.more = [nn.Buffer(np.array([3.0])), nn.Buffer(np.array([4.0]))]

    def forward(self, x: Any) -> Any:
        self.count.data += 1
        mg.mark_mutated(self.count.data)
        self.total = self.total * 3
        self.more[0].data = self.more[0].data + 5
        times = float(self.count.data[0])
        return self.inner(x * times * self.total * self.more[0] * self.more[1]) * times


def test_buffers_are_changed_once_under_checkpoint() -> None:
    """State, output and gradients are those without it; also after two calls, and after two backward passes."""
    data = rng.normal(size=(4, 2))
    results = []
    for wrap in (lambda f: f, mg.checkpoint):
        net = nn.Sequential(_Stateful(), _Stateful()).double()
        x = Tensor(data, requires_grad=True)
        function = wrap(lambda x, net=net: net(x))  # the modules are no arguments
        outs = [(function(x) ** 3).sum(), (function(x) ** 2).sum()]
        for out in outs:
            out.backward(retain_graph=True)
        outs[0].backward()
        results.append([x.grad, *(p.grad for p in net.parameters()), *net.buffers()])
    for plain, checkpointed in zip(*results, strict=True):
        np.testing.assert_allclose(checkpointed.numpy(), plain.numpy(), rtol=1e-9)


def test_spectral_norm_under_checkpoint_has_the_same_gradients() -> None:
    for make in (nn.utils.spectral_norm, nn.utils.parametrizations.spectral_norm):
        grads = []
        for wrap in (lambda f: f, mg.checkpoint):
            mg.random.manual_seed(0)
            layer = make(nn.Linear(4, 3))
            (wrap(layer)(np.ones((2, 4), np.float32)) ** 2).sum().backward()
            grads.append([*(p.grad for p in layer.parameters()), *layer.buffers()])
        for plain, checkpointed in zip(*grads, strict=True):
            np.testing.assert_allclose(checkpointed.numpy(), plain.numpy(), rtol=1e-5)


def test_a_repeated_run_that_calls_more_layers_is_refused() -> None:
    layers = [nn.BatchNorm1d(2)]

    def function(x: Any) -> Any:
        for layer in layers:
            x = layer(x)
        return x

    out = mg.checkpoint(function)(Tensor(rng.normal(size=(4, 2)), requires_grad=True))
    layers.append(nn.BatchNorm1d(2))
    with pytest.raises(RuntimeError, match="it must do the same both times"):
        out.sum().backward()


def test_an_error_inside_of_checkpoint_leaves_the_buffers_as_they_are() -> None:
    net = _Stateful()
    calls = []

    def fails_again(x: Any) -> Any:
        out = net(x)
        calls.append(out)
        if len(calls) == 2:
            raise RuntimeError("again")
        return out

    out = mg.checkpoint(fails_again)(Tensor(rng.normal(size=(4, 2)), requires_grad=True))
    before = {name: value.numpy().copy() for name, value in net.state_dict().items()}
    with pytest.raises(RuntimeError, match="again"):
        out.sum().backward()
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])


@pytest.mark.torch
@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("place", ["missing", "unexpected", "errors"])
def test_what_a_hook_before_loading_complains_about_counts_as_torchs(place: str, strict: bool) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    def load(library: Any) -> tuple[Any, str]:
        net, seen = library.Sequential(library.Linear(2, 1)), []
        state = {name: value + 1 for name, value in net.state_dict().items()}
        before = net[0].weight.tolist()

        def complain(module: Any, state: Any, prefix: str, metadata: Any, strict: bool, *lists: list[str]) -> None:
            seen.append((prefix, strict))
            dict(zip(("missing", "unexpected", "errors"), lists, strict=True))[place].append(f"{prefix}because of me")

        net[0].register_load_state_dict_pre_hook(complain)
        try:
            result, said = net.load_state_dict(state, strict=strict), ""
        except (RuntimeError, ValueError) as error:
            result, said = None, str(error)
            if library is nn:  # torch's loads what it can
                assert net[0].weight.tolist() == before
        assert seen == [("0.", strict or library is torch.nn)]  # torch's says True always
        return None if result is None else tuple(map(list, result)), said

    (result, said), (wanted, theirs) = load(nn), load(torch.nn)
    assert result == wanted
    assert ("0.because of me" in said) is ("0.because of me" in theirs) is (wanted is None)


def test_hooks_before_loading_share_their_lists() -> None:
    net, seen = nn.Sequential(nn.Linear(2, 1), nn.Linear(1, 1)), []
    for layer in net:
        layer.register_load_state_dict_pre_hook(lambda *given: (given[5].append(given[2]), seen.append(list(given[5]))))
    state = net.state_dict()
    del state["0.bias"]
    assert net.load_state_dict(state, strict=False).missing_keys == ["0.", "1.", "0.bias"]
    assert seen == [["0."], ["0.", "1."]]


def test_a_key_that_a_hook_after_loading_adds_is_an_error_where_it_is_strict() -> None:
    layer = nn.Linear(2, 1)
    layer.register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.append("scale"))
    state = {name: value + 1 for name, value in layer.state_dict().items()}
    assert layer.load_state_dict(state, strict=False).missing_keys == ["scale"]
    with pytest.raises(ValueError, match="a hook after the loading says.*\n  missing: 'scale'"):
        layer.load_state_dict(state)


@pytest.mark.torch
@pytest.mark.parametrize("library", ["nn", "torch"])
@pytest.mark.parametrize("when", ["state_dict", "load_state_dict"])
def test_what_a_hook_of_the_state_returns_is_refused_as_torchs(library: str, when: str) -> None:
    layers = nn if library == "nn" else pytest.importorskip("torch", reason="PyTorch is not installed").nn
    layer = layers.Linear(2, 1)
    state = layer.state_dict()
    getattr(layer, f"register_{when}_post_hook")(lambda module, *given: {})
    with pytest.raises((TypeError, RuntimeError, AssertionError), match="(must return|to return)"):
        layer.state_dict() if when == "state_dict" else layer.load_state_dict(state)
