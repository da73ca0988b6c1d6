"""What is found in a module, what is refused, and what an assignment keeps."""

from __future__ import annotations

import copy
import pickle
import sys
import warnings
import weakref
from collections import UserList, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, no_grad


class Holds(nn.Module):
    def __init__(self, held: Any) -> None:
        self._held = held

    def forward(self, x: Any) -> Any:
        return x


@dataclass
class Config:
    layer: nn.Module
    width: int = 3
    more: list[nn.Module] = field(default_factory=list)


CONTAINERS: list[tuple[str, Callable[[Any], Any], str]] = [
    ("attribute", lambda x: x, "_held"),
    ("list", lambda x: [1.0, x], "_held.1"),
    ("tuple", lambda x: ("a", x), "_held.1"),
    ("deque", lambda x: deque([x]), "_held.0"),
    ("UserList", lambda x: UserList([x]), "_held.0"),
    ("dict", lambda x: {"a": 1, "b": x}, "_held.b"),
    ("nested", lambda x: [{"a": (x,)}], "_held.0.a.0"),
    ("dataclass", lambda x: Config(x), "_held.layer"),
    ("list in a dataclass", lambda x: Config(nn.ReLU(), more=[x]), "_held.more.0"),
    ("long list", lambda x: [0.0] * 5000 + [x], "_held.5000"),
    ("long list of tuples", lambda x: [(1, 2.0)] * 500 + [(1, x)], "_held.500.1"),
    ("long list of dicts", lambda x: [{"a": [1]}] * 500 + [{"a": [x]}], "_held.500.a.0"),
    ("ModuleList", lambda x: nn.ModuleList([x]), "_held.0"),
]


@pytest.mark.parametrize(("name", "put", "path"), CONTAINERS, ids=[name for name, _, _ in CONTAINERS])
def test_every_walk_reaches_a_layer_in_a_container(name: str, put: Callable[[Any], Any], path: str) -> None:
    layer = nn.BatchNorm1d(2)
    net = Holds(put(layer))
    assert dict(net.named_modules())[path] is layer
    assert dict(net.named_parameters())[f"{path}.weight"] is layer.weight
    assert dict(net.named_buffers())[f"{path}.running_mean"] is layer.running_mean
    assert f"{path}.bias" in net.state_dict()
    assert net.get_submodule(path) is layer
    assert f"({path}): BatchNorm1d" in repr(net) or isinstance(net._held, nn.ModuleList)
    net.eval()
    assert not layer.training
    net.double().requires_grad_(False)
    assert layer.weight.dtype == np.float64
    assert not layer.bias.requires_grad
    seen: list[nn.Module] = []
    net.apply(seen.append)
    assert layer in seen
    twin = pickle.loads(pickle.dumps(copy.deepcopy(net)))
    assert list(twin.state_dict()) == list(net.state_dict())


@pytest.mark.parametrize("holder", ["set", "frozenset", "array", "class", "key", "values"])
def test_what_has_no_path_is_refused_by_name(holder: str) -> None:
    layer = nn.Linear(2, 2)
    held: dict[str, Any] = {
        "set": {layer},
        "frozenset": frozenset([layer]),
        "array": np.array([layer, None], object),
        "class": None,
        "key": {layer: 1},
        "values": {"a": layer}.values(),
    }
    kind = type("Net", (Holds,), {"shared": layer} if holder == "class" else {})
    net = kind(held[holder])
    attribute = "shared" if holder == "class" else "_held"
    for walk in (net.parameters, net.state_dict, net.eval, lambda: net.to("cpu")):
        with pytest.raises(TypeError, match=rf"Net\.{attribute}.*Linear.*(list|__init__)"):
            list(walk())
    net.layers = [layer]  # where it has a name, the set may stay
    assert len(list(net.parameters())) == 2


def test_an_object_that_hides_a_layer_is_told() -> None:
    layer = nn.Linear(2, 2)
    net = Holds([SimpleNamespace(layers=[layer])])
    with pytest.warns(UserWarning, match=r"Holds\._held\.0 is a SimpleNamespace with a Linear in it"):
        assert not list(net.parameters())
    net.layer = layer
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list(net.parameters())) == 2


@pytest.mark.parametrize("hide", [lambda x: x.forward, lambda x: partial(x, 1), lambda x: partial(len, x)])
def test_a_function_that_hides_a_layer_is_told(hide: Callable[[Any], Any]) -> None:
    layer = nn.Linear(2, 2)
    net = Holds(hide(layer))
    with pytest.warns(UserWarning, match=r"Holds\._held is a (method|partial) with a Linear in it"):
        assert not list(net.parameters())
    own = Holds(None)
    own._held = own.forward
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not list(own.parameters())


def test_a_tensor_that_learns_but_is_no_parameter_is_told() -> None:
    net = Holds([Tensor([1.0], requires_grad=True)])
    with pytest.warns(UserWarning, match=r"Holds\._held\.0 is a Tensor that requires a gradient, but no Parameter"):
        net.parameters()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for fine in (
            Tensor([1.0]),
            nn.Parameter([1.0]) * 2,
        ):  # constants, and what a forward has kept
            list(Holds([fine]).parameters())


@pytest.mark.parametrize("name", ["training", "train", "parameters", "forward", "to", "type"])
def test_a_layer_does_not_take_the_name_of_a_method(name: str) -> None:
    net = Holds(None)
    with pytest.raises(AttributeError, match=f"{name!r} belongs to every Module"):
        setattr(net, name, nn.ReLU())
    net.summary = nn.ReLU()


def test_what_does_not_belong_to_a_module_is_held_by_a_weak_reference() -> None:
    layer = nn.Linear(2, 2)
    assert not list(Holds(weakref.ref(layer)).parameters())


def test_a_list_that_contains_itself_ends() -> None:
    history: list[Any] = [1.0, nn.Linear(1, 1)]
    history.append(history)
    net = Holds(history)
    assert list(net.state_dict()) == ["_held.1.weight", "_held.1.bias"]
    long: list[Any] = [0.0] * 200
    long.append(long)
    assert not list(Holds(long).parameters())


class Child(nn.Module):
    def __init__(self, parent: Any) -> None:
        self.line, self.parent = nn.Linear(2, 2), parent

    def forward(self, x: Any) -> Any:
        return self.line(x)


class Parent(nn.Module):
    def __init__(self) -> None:
        self.children_ = [Child(self), Child(self)]

    def forward(self, x: Any) -> Any:
        for child in self.children_:
            x = child(x)
        return x


def test_a_child_may_know_its_parent() -> None:
    net = Parent()
    names = [f"children_.{i}.line.{name}" for i in range(2) for name in ("weight", "bias")]
    assert [name for name, _ in net.named_parameters()] == names
    assert list(net.state_dict()) == names
    assert "(parent): ..." in repr(net)
    assert "..." in net._repr_html_()
    net.extra = [nn.Parameter(np.ones(3, np.float32), requires_grad=False)]
    rows = {row.path: row.parameters for row in net.summary(np.ones((1, 2))).rows}
    assert rows == {"children_.0.line": 6, "children_.1.line": 6, "Parent": 3}
    del net.extra
    assert not net.eval().children_[1].line.training
    assert net.summary(np.ones((1, 2))).parameters == 12
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert twin.children_[0].parent is twin
        twin.load_state_dict(net.state_dict())
        np.testing.assert_array_equal(twin(np.ones((1, 2))).detach().numpy(), net(np.ones((1, 2))).detach().numpy())
    with pytest.raises(ValueError, match="expected last axis 2") as raised:
        net(np.ones((1, 3)))
    assert raised.value.__notes__ == ["in the layer children_.0.line, a Linear, of Parent"]


def test_a_shared_layer_is_stored_under_each_name_and_stays_shared() -> None:
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, nn.ReLU(), layer)
    assert list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert len(list(net.parameters())) == 2
    assert len(list(net.named_parameters(remove_duplicate=False))) == 4
    assert len(list(net.named_modules(remove_duplicate=False))) == 4
    assert [name for name, _ in net.named_children()] == ["0", "1"]
    assert repr(net).count("Linear") == 2
    twin = copy.deepcopy(net)
    assert twin[0] is twin[2]
    net.half()
    assert layer.weight.dtype == np.float16


def calls_of(function: Callable[[], Any]) -> int:
    """How many functions of Python's and C's are called, but for those that builtins call, once classes are known."""
    function()
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("make", [list, tuple, deque, dict.fromkeys], ids=["list", "tuple", "deque", "dict"])
def test_numbers_are_looked_at_as_a_whole(make: Callable[[Any], Any]) -> None:
    few, many = (Holds(make([float(i) for i in range(n)])) for n in (2, 1000))
    assert calls_of(lambda: list(many.parameters())) == calls_of(lambda: list(few.parameters()))


def test_numbers_are_looked_at_again_each_time() -> None:
    net = Holds([1.0] * 1000)
    assert not list(net.parameters())
    net._held[500] = nn.Linear(1, 1)
    assert [name for name, _ in net.named_parameters()] == ["_held.500.weight", "_held.500.bias"]


@pytest.mark.parametrize("length", [0, 1000])
def test_a_layer_among_the_keys_of_numbers_is_refused(length: int) -> None:
    net = Holds({**dict.fromkeys(range(length), 1.0), nn.Linear(1, 1): 2.0})
    with pytest.raises(TypeError, match="is a dict with a Linear in it, which has no name"):
        list(net.parameters())


def test_two_things_of_one_path_are_refused() -> None:
    for held in (
        {1: nn.ReLU(), "1": nn.Tanh()},
        {"a.b": nn.Parameter([1.0]), "a": {"b": nn.Parameter([2.0])}},
    ):
        with pytest.raises(ValueError, match=r"two things are called '_held"):
            Holds(held).state_dict()


# -------------------------------------------------------------------------------- assignments


class Net(nn.Module):
    def __init__(self) -> None:
        self.w = nn.Parameter([1.0, 2.0])
        self.mean = nn.Buffer([0.0], persistent=False)
        self.layer = nn.Linear(2, 2)
        self.layers = [nn.Linear(2, 2)]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (
            lambda m: setattr(m, "w", m.w * 2),
            r"Net\.w is a Parameter, .*a computed Tensor.*no_grad",
        ),
        (lambda m: setattr(m, "w", np.ones(2)), r"Net\.w is a Parameter, .*ndarray"),
        (lambda m: setattr(m, "w", m.w.detach()), r"Net\.w is a Parameter, .*a Tensor"),
        (lambda m: setattr(m, "w", m.layer), r"Net\.w is a Parameter"),
        (lambda m: setattr(m, "mean", 3.0), r"Net\.mean is a Buffer.*float"),
        (lambda m: setattr(m, "layer", m.layer(np.ones((1, 2)))), r"Net\.layer is a module"),
        (
            lambda m: setattr(m, "layers", [x(np.ones((1, 2))) for x in m.layers]),
            r"Net\.layers holds a Linear",
        ),
    ],
)
def test_what_is_learned_is_not_replaced_by_what_is_computed(change: Callable[[Any], None], match: str) -> None:
    net = Net()
    before = list(net.parameters())
    with pytest.raises(TypeError, match=match):
        change(net)
    assert all(a is b for a, b in zip(net.parameters(), before, strict=True))


def test_what_an_assignment_may_do() -> None:
    net = Net()
    with no_grad():
        net.w *= 2
        net.w[...] = net.w + 1
    assert net.w.tolist() == [3.0, 5.0]
    net.w = nn.Parameter([7.0])
    net.w = None
    net.layer = nn.ReLU()
    net.layers = []
    del net.layer
    net.layer = "free"
    assert not list(net.parameters())


def test_a_buffer_stays_one_when_a_tensor_is_assigned() -> None:
    net = Net()
    x = Tensor([4.0], requires_grad=True)
    net.mean = 0.5 * net.mean + 0.5 * x
    assert dict(net.named_buffers())["mean"] is net.mean
    assert "mean" not in net.state_dict()
    net.mean.sum().backward()  # with its graph
    assert x.grad.tolist() == [0.5]


def test_a_property_that_fails_tells_its_own_error() -> None:
    class Broken(nn.Module):
        @property
        def size(self) -> Any:
            return self.missing_thing

    with pytest.raises(AttributeError, match="missing_thing"):
        Broken().size
    with pytest.raises(AttributeError, match="'Broken' object has no attribute 'forwards'") as raised:
        Broken().forwards
    assert raised.value.name == "forwards"  # of which Python's traceback makes a suggestion
    assert not hasattr(Broken(), "nothing")


# --------------------------------------------------------------------------- names and places


def test_registered_things_are_attributes() -> None:
    net = nn.Module()
    net.register_parameter("w", nn.Parameter([1.0]))
    net.register_parameter("none", None)
    net.register_buffer("b", Tensor([2.0]))
    net.register_buffer("hidden", np.ones(3), persistent=False)
    net.add_module("layer", nn.Linear(1, 1))
    net.register_module("layer", nn.Linear(1, 2))
    assert [name for name, _ in net.named_parameters()] == ["w", "layer.weight", "layer.bias"]
    assert [name for name, _ in net.named_parameters(recurse=False)] == ["w"]
    assert [name for name, _ in net.named_parameters("net", recurse=False)] == ["net.w"]
    assert [name for name, _ in net.named_buffers()] == ["b", "hidden"]
    assert list(net.state_dict()) == ["w", "b", "layer.weight", "layer.bias"]
    assert net.none is None


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda m: m.register_parameter("a.b", None), KeyError, "dot"),
        (lambda m: m.register_parameter("", None), KeyError, "empty"),
        (lambda m: m.register_parameter(3, None), TypeError, "string"),
        (lambda m: m.register_parameter("forward", None), KeyError, "choose another name"),
        (lambda m: m.register_parameter("layer", nn.Parameter([1.0])), KeyError, "Linear"),
        (lambda m: m.register_parameter("x", Tensor([1.0])), TypeError, r"Parameter\(x\)"),
        (lambda m: m.register_buffer("training", Tensor([1.0])), KeyError, "training"),
        (lambda m: m.register_buffer("x", [1.0]), TypeError, "list"),
        (lambda m: m.add_module("x", len), TypeError, "Module"),
        (lambda m: m.get_submodule("layr"), AttributeError, "near it: layer"),
        (lambda m: m.get_parameter("layer"), AttributeError, "there is a Linear"),
        (lambda m: m.get_buffer("w"), AttributeError, "there is a Parameter"),
        (lambda m: m.set_submodule("pair.0", nn.ReLU()), TypeError, "tuple"),
        (lambda m: m.set_submodule("no.such", nn.ReLU()), AttributeError, "no"),
        (lambda m: m.set_submodule("such", nn.ReLU(), strict=True), AttributeError, "such"),
        (lambda m: m.set_submodule("", nn.ReLU()), ValueError, "path"),
        (lambda m: m.train("yes"), ValueError, "True or False"),
        (lambda m: m.to(np.int32), TypeError, "int32"),
        (lambda m: m.register_forward_hook(None), TypeError, "function"),
    ],
)
def test_wrong_names_and_places_are_refused(call: Callable[[Any], Any], error: type[Exception], match: str) -> None:
    net = Net()
    net.pair = (nn.ReLU(),)
    before = list(net.state_dict())
    with pytest.raises(error, match=match):
        call(net)
    assert list(net.state_dict()) == before


def test_submodules_are_replaced_by_path() -> None:
    net = Holds([{"a": nn.ReLU()}, nn.Sequential(nn.ReLU())])
    net.set_submodule("_held.0.a", nn.Tanh())
    net.set_submodule("_held.1.0", nn.GELU())
    assert isinstance(net.get_submodule("_held.0.a"), nn.Tanh)
    assert isinstance(net._held[1][0], nn.GELU)
    assert net.get_submodule("") is net


# --------------------------------------------------------------------------------- containers


def test_a_sequential_keeps_every_module() -> None:
    net = nn.Sequential({"1": nn.ReLU()}).append(nn.Tanh())
    assert [type(x).__name__ for x in net] == ["ReLU", "Tanh"]
    for name in ("training", "forward", "append", "0.1"):
        with pytest.raises(KeyError, match="name"):
            nn.Sequential({name: nn.ReLU()})
    with pytest.raises(TypeError, match=r"the class ReLU: write ReLU\(\.\.\.\)"):
        nn.Sequential(nn.ReLU)
    with pytest.raises(TypeError, match="function"):
        nn.Sequential(nn.ReLU(), nn.functional.relu)


@pytest.mark.torch
def test_sequentials_and_lists_change_as_torchs_do() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    def results(library: Any) -> list[Any]:
        make = lambda: [library.ReLU(), library.Tanh(), library.Sigmoid(), library.GELU()]
        seen: list[Any] = []

        def note(container: Any) -> None:
            seen.append([(name, type(x).__name__) for name, x in container.named_children()])

        for container in (library.Sequential(*make()), library.ModuleList(make())):
            note(container[1:3])
            container.append(library.ELU())
            container.insert(1, library.SELU())
            container.insert(5, library.Mish())
            note(container)
            del container[0]
            note(container)
            del container[1:3]
            note(container)
            container[0] = library.CELU()
            seen.append(type(container.pop(1)).__name__)
            container.extend([library.SiLU()])
            container += library.Sequential(library.ReLU6())
            note(container)
            seen.append(len(container))
            container.add_module("extra", library.Softplus())
            note(container)
            seen.append(type(list(container)[-1]).__name__)
        note(library.Sequential(library.ReLU()) + library.Sequential(library.Tanh()))
        note(library.ModuleList([library.ReLU()]) + library.ModuleList([library.Tanh()]))
        return seen

    assert results(nn) == results(torch.nn)


def test_a_sequential_times_a_number_repeats_its_modules() -> None:
    net = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
    assert [type(x).__name__ for x in 2 * net] == ["Linear", "ReLU"] * 2
    net *= 2
    assert list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert net[0] is net[2]


def test_numbers_move_and_names_stay() -> None:
    net = nn.Sequential({"a": nn.ReLU(), "b": nn.Tanh()})
    net.insert(-5, nn.GELU())
    assert [name for name, _ in net.named_children()] == ["0", "a", "b"]
    del net[1]
    assert [name for name, _ in net.named_children()] == ["0", "b"]
    assert isinstance(net[1:].b, nn.Tanh)


def test_dicts_of_modules_and_parameters() -> None:
    layers = nn.ModuleDict([("a", nn.ReLU()), ("b", nn.Tanh())])
    layers.update({"c": nn.GELU()})
    assert isinstance(layers.pop("a"), nn.ReLU)
    assert list(layers) == list(layers.keys()) == ["b", "c"]
    assert ("a" in layers, "b" in layers, len(layers)) == (False, True, 2)
    for name in ("keys", "training", "x.y"):
        with pytest.raises(KeyError, match="name"):
            layers[name] = nn.ReLU()
    layers.clear()
    assert not len(layers)
    weights = nn.ParameterDict({"a": Tensor([1.0]), "b": nn.Parameter([2.0]), "note": "text"})
    assert [name for name, _ in weights.named_parameters()] == ["a", "b"]
    assert weights["note"] == "text"
    assert weights.popitem() == ("note", "text")
    assert weights.setdefault("c", Tensor([3.0])) is weights["c"]
    assert weights.get("d") is None
    assert list(reversed(weights)) == ["c", "b", "a"]
    both = weights | nn.ParameterDict({"e": Tensor([5.0])})
    assert list(both) == ["a", "b", "c", "e"]
    assert both["a"] is weights["a"]
    del weights["a"]
    assert list(weights.copy()) == ["b", "c"]
    with pytest.raises(KeyError, match="there are b, c"):
        weights["a"]


def test_a_list_of_parameters() -> None:
    weights = nn.ParameterList([Tensor([1.0]), nn.Parameter([2.0])])
    weights += [Tensor([3.0])]
    weights[0] = Tensor([4.0])
    assert [p.item() for p in weights.parameters()] == [4.0, 2.0, 3.0]
    assert len(weights[1:]) == 2
    with pytest.raises(RuntimeError, match="lose"):
        weights[0] = weights[0] * 2
    x = mg.ones(1)
    (x * weights[0]).sum().backward()
    assert weights[0].grad.tolist() == [1.0]
