"""Parameters that are computed of others: parametrize, parametrizations, weight_norm, prune."""

from __future__ import annotations

import contextvars
import copy
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, no_grad
from nn.utils import parametrizations, parametrize

rng = np.random.default_rng(0)


def _layers(name: str, args: tuple[Any, ...]) -> tuple[Any, Any]:
    """A layer of torch's and the same of ours, in float64, with the same weights."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs = getattr(torch.nn, name)(*args).double()
    ours = getattr(nn, name)(*args).double()
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def _same_calls(theirs: Any, ours: Any, shape: tuple[int, ...], steps: int = 2) -> None:
    """Outputs, gradients of inputs and parameters, and buffers agree, call after call."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for _ in range(steps):
        data = rng.normal(size=shape)
        x, t = Tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)
        y, u = ours(x), theirs(t)
        np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=1e-7, atol=1e-9)
        (y * y).sum().backward()
        (u * u).sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-7, atol=1e-9)
        wanted = dict(theirs.named_parameters())
        for key, p in ours.named_parameters():
            np.testing.assert_allclose(p.grad.numpy(), wanted[key].grad.numpy(), rtol=1e-7, atol=1e-9, err_msg=key)
        for key, value in ours.state_dict().items():
            np.testing.assert_allclose(value.numpy(), theirs.state_dict()[key].numpy(), rtol=1e-7, atol=1e-9)
        ours.zero_grad()
        theirs.zero_grad()


CASES: list[tuple[str, tuple[Any, ...], tuple[int, ...]]] = [
    ("Linear", (4, 3), (2, 4)),
    ("Conv2d", (2, 3, 3), (1, 2, 5, 5)),
    ("ConvTranspose1d", (2, 3, 3), (1, 2, 5)),
]


@pytest.mark.torch
@pytest.mark.parametrize("name", ["weight_norm", "spectral_norm"])
@pytest.mark.parametrize("place", ["nn.utils", "nn.utils.parametrizations"])
@pytest.mark.parametrize(("kind", "args", "shape"), CASES)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_norm_of_a_weight_equals_torchs(place: str, name: str, kind: str, args: tuple[Any, ...], shape: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs, ours = _layers(kind, args)
    their_place = torch.nn.utils if place == "nn.utils" else torch.nn.utils.parametrizations
    our_place = nn.utils if place == "nn.utils" else parametrizations
    getattr(their_place, name)(theirs)
    assert getattr(our_place, name)(ours) is ours
    ours.load_state_dict(theirs.state_dict())
    _same_calls(theirs, ours, shape, 3)
    ours.eval()
    theirs.eval()
    _same_calls(theirs, ours, shape)


@pytest.mark.torch
@pytest.mark.parametrize("dim", [1, None])
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_weight_norm_over_other_axes_equals_torchs(dim: int | None) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    for their_place, our_place in (
        (torch.nn.utils, nn.utils),
        (torch.nn.utils.parametrizations, parametrizations),
    ):
        theirs, ours = _layers("Conv2d", (2, 3, 3))
        their_place.weight_norm(theirs, dim=dim)
        our_place.weight_norm(ours, dim=dim)
        for key, value in ours.state_dict().items():
            np.testing.assert_allclose(value.numpy(), theirs.state_dict()[key].numpy(), rtol=1e-9)
        _same_calls(theirs, ours, (1, 2, 5, 5))


@pytest.mark.torch
@pytest.mark.parametrize("orthogonal_map", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("sizes", [(4, 4), (3, 5), (5, 3)])
@pytest.mark.parametrize("trivial", [True, False])
def test_orthogonal_equals_torchs(orthogonal_map: str, sizes: tuple[int, int], trivial: bool) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs, ours = _layers("Linear", sizes)
    if not trivial and orthogonal_map != "householder":
        with pytest.raises(NotImplementedError, match="use_trivialization"):
            parametrizations.orthogonal(ours, orthogonal_map=orthogonal_map, use_trivialization=False)
        return
    torch.nn.utils.parametrizations.orthogonal(theirs, "weight", orthogonal_map, use_trivialization=trivial)
    parametrizations.orthogonal(ours, "weight", orthogonal_map, use_trivialization=trivial)
    if not trivial:  # the same value gives the same reflections
        np.testing.assert_allclose(ours.weight.detach().numpy(), theirs.weight.detach().numpy(), atol=1e-9)
    with torch.no_grad():  # the diagonal of reflections is a sign, which is not learned
        original = theirs.parametrizations.weight.original
        wide = original.shape[0] < original.shape[1]
        noise = 0.3 * torch.randn_like(original)
        original += torch.triu(noise, 1) if wide else torch.tril(noise, -1)
    ours.load_state_dict(theirs.state_dict())
    _same_calls(theirs, ours, (2, sizes[0]))
    w = ours.weight.detach().numpy()
    w = w if w.shape[0] >= w.shape[1] else w.T
    np.testing.assert_allclose(w.T @ w, np.eye(w.shape[1]), atol=1e-9)


def test_orthogonal_keeps_an_orthogonal_weight() -> None:
    layer = nn.Linear(3, 3).double()
    q = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    layer.weight.data = q.copy()
    np.testing.assert_allclose(parametrizations.orthogonal(layer).weight.detach().numpy(), q, atol=1e-12)


class _Symmetric(nn.Module):
    def forward(self, x: Any) -> Any:
        return (x + x.T) / 2

    def right_inverse(self, x: Any) -> Any:
        return x


class _Double(nn.Module):
    def forward(self, x: Any) -> Any:
        return 2 * x


def test_a_parametrised_weight_is_learned_through_its_original() -> None:
    layer = nn.Linear(3, 3)
    weight = layer.weight
    optimizer = nn.optim.SGD(layer.parameters(), lr=0.1)
    assert parametrize.register_parametrization(layer, "weight", _Symmetric()) is layer
    assert layer.parametrizations.weight.original is weight  # which the optimizer knows
    assert parametrize.is_parametrized(layer, "weight")
    assert not parametrize.is_parametrized(layer, "bias")
    before = layer.weight.detach().numpy().copy()
    layer(np.ones((1, 3))).sum().backward()
    optimizer.step()
    after = layer.weight.detach().numpy()
    assert not np.array_equal(before, after)
    np.testing.assert_array_equal(after, after.T)


def test_parametrisations_follow_each_other_and_go_away_together() -> None:
    layer = nn.Linear(2, 2)
    first = layer.weight.detach().numpy().copy()
    parametrize.register_parametrization(layer, "weight", _Symmetric())
    parametrize.register_parametrization(layer, "weight", _Double())
    want = first + first.T
    np.testing.assert_allclose(layer.weight.detach().numpy(), want, rtol=1e-6)
    with pytest.raises(RuntimeError, match="_Double has no right_inverse"):
        layer.weight = Tensor(want)
    twin = copy.deepcopy(layer)
    parametrize.remove_parametrizations(layer, "weight")
    assert [name for name, _ in layer.named_parameters()] == ["bias", "weight"]
    np.testing.assert_allclose(layer.weight.detach().numpy(), want, rtol=1e-6)
    parametrize.remove_parametrizations(twin, "weight", leave_parametrized=False)
    np.testing.assert_array_equal(twin.weight.detach().numpy(), first)
    assert not parametrize.is_parametrized(twin)
    with pytest.raises(ValueError, match="not parametrized"):
        parametrize.remove_parametrizations(twin, "weight")


def test_a_value_can_be_assigned_to_what_can_be_inverted() -> None:
    layer = parametrizations.weight_norm(nn.Linear(2, 3))
    value = rng.normal(size=(3, 2)).astype(np.float32)
    layer.weight = Tensor(value)
    np.testing.assert_allclose(layer.weight.detach().numpy(), value, rtol=1e-6)
    old = nn.utils.weight_norm(nn.Linear(2, 3))
    old.weight = Tensor(value)
    np.testing.assert_allclose(old.weight.detach().numpy(), value, rtol=1e-6)


def test_parametrised_modules_can_be_copied_and_pickled() -> None:
    for make in (
        parametrizations.weight_norm,
        parametrizations.spectral_norm,
        nn.utils.weight_norm,
        nn.utils.spectral_norm,
    ):
        layer = make(nn.Linear(3, 2)).eval()
        x = np.ones((1, 3))
        for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
            np.testing.assert_array_equal(twin(x).detach().numpy(), layer(x).detach().numpy())
            with no_grad():
                for p in twin.parameters():
                    p += 1
            assert not np.array_equal(twin(x).detach().numpy(), layer(x).detach().numpy())


class _Counts(nn.Module):
    calls = 0

    def forward(self, x: Any) -> Any:
        type(self).calls += 1
        return x * 1


def test_in_one_call_a_weight_is_computed_once() -> None:
    layer = nn.Linear(2, 2)
    parametrize.register_parametrization(layer, "weight", _Counts(), unsafe=True)
    _Counts.calls = 0
    layer(np.ones((1, 2)))  # reads its weight twice
    assert _Counts.calls == 1
    layer.weight.sum()
    layer.weight.sum()
    assert _Counts.calls == 3
    with parametrize.cached():
        layer.weight.sum()
        layer(np.ones((1, 2)))
    assert _Counts.calls == 4


def test_a_weight_that_was_read_without_gradients_still_gets_one() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.w = nn.Parameter([2.0])

        def forward(self, x: Any) -> Any:
            with no_grad():
                self.w.sum()
            return self.w * x

    net = Net()
    parametrize.register_parametrization(net, "w", _Double())
    net(Tensor([3.0])).sum().backward()
    assert net.parametrizations.w.original.grad.tolist() == [6.0]
    net.parametrizations.w.original.grad = None
    with parametrize.cached():
        net(Tensor([3.0])).sum().backward()
    assert net.parametrizations.w.original.grad.tolist() == [6.0]


class _Wrong(nn.Module):
    def forward(self, x: Any) -> Any:
        return x[0]


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda x: parametrize.register_parametrization(x, "weight", _Wrong()), "unsafe"),
        (
            lambda x: parametrize.register_parametrization(x, "nothing", _Double()),
            "it has weight, bias",
        ),
        (lambda x: nn.utils.weight_norm(nn.utils.weight_norm(x)), "already"),
        (lambda x: nn.utils.remove_weight_norm(x), "no such normalisation"),
        (lambda x: nn.utils.remove_weight_norm(nn.utils.spectral_norm(x)), "no such normalisation"),
        (lambda x: parametrizations.spectral_norm(x, n_power_iterations=0), "1 or more"),
        (lambda x: parametrizations.orthogonal(x, "bias"), "matrix"),
        (lambda x: parametrizations.orthogonal(x, "weight", "qr"), "'cayley'"),
    ],
)
def test_what_cannot_be_parametrised_is_refused_and_stays(call: Callable[[Any], Any], match: str) -> None:
    layer = nn.Linear(2, 3)
    with pytest.raises(ValueError, match=match):
        call(layer)
    assert layer(np.ones((1, 2))).shape == (1, 3)


def test_removed_normalisations_leave_the_value() -> None:
    for make, remove in (
        (nn.utils.weight_norm, nn.utils.remove_weight_norm),
        (nn.utils.spectral_norm, nn.utils.remove_spectral_norm),
    ):
        layer = make(nn.Linear(3, 2))
        value = layer.weight.detach().numpy().copy()
        assert remove(layer) is layer
        np.testing.assert_allclose(layer.weight.detach().numpy(), value)
        assert [name for name, _ in layer.named_parameters()] == ["bias", "weight"]
        assert not list(layer.buffers())


def test_a_parametrised_module_is_a_function_of_its_originals() -> None:
    layer = parametrizations.weight_norm(nn.Linear(2, 1, bias=False)).double()
    values = {"parametrizations.weight.original0": np.array([[5.0]])}
    x = np.array([[3.0, 4.0]])
    loss = lambda p: nn.utils.functional_call(layer, p, x).sum()
    v = layer.parametrizations.weight.original1.detach().numpy()
    slope = mg.grad(loss)(values)["parametrizations.weight.original0"]
    np.testing.assert_allclose(slope, [[(x @ v.T).item() / np.linalg.norm(v)]])


# ------------------------------------------------------------------------------------ pruning


@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("l1_unstructured", {"amount": 0.3}),
        ("l1_unstructured", {"amount": 5}),
        ("ln_structured", {"amount": 1, "n": 2, "dim": 0}),
        ("ln_structured", {"amount": 0.5, "n": 1, "dim": 1}),
        ("identity", {}),
    ],
)
def test_pruning_equals_torchs(name: str, options: dict[str, Any]) -> None:
    torch_prune = pytest.importorskip("torch.nn.utils.prune", reason="PyTorch is not installed")
    theirs, ours = _layers("Conv2d", (2, 4, 3))
    for times in range(2):  # the second time prunes what is left
        getattr(torch_prune, name)(theirs, "weight", **options)
        assert getattr(nn.utils.prune, name)(ours, "weight", **options) is ours
        _same_calls(theirs, ours, (1, 2, 5, 5))
        zeros = int((ours.weight.detach().numpy() == 0).sum())
        assert name == "identity" or zeros > 0, times
    assert nn.utils.prune.is_pruned(nn.Sequential(ours))
    nn.utils.prune.remove(ours, "weight")
    torch_prune.remove(theirs, "weight")
    _same_calls(theirs, ours, (1, 2, 5, 5))
    assert not nn.utils.prune.is_pruned(ours)


@pytest.mark.torch
def test_pruning_of_several_layers_together_equals_torchs() -> None:
    prune = pytest.importorskip("torch.nn.utils.prune", reason="PyTorch is not installed")
    theirs, ours = _layers("Linear", (4, 3))
    prune.global_unstructured([(theirs, "weight"), (theirs, "bias")], prune.L1Unstructured, amount=0.4)
    pairs = [(ours, "weight"), (ours, "bias")]
    nn.utils.prune.global_unstructured(pairs, nn.utils.prune.l1_unstructured, amount=0.4)
    for key, value in theirs.state_dict().items():
        np.testing.assert_array_equal(ours.state_dict()[key].numpy(), value.numpy())


def test_random_pruning_prunes_as_many_as_asked() -> None:
    layer = nn.Linear(10, 10)
    nn.utils.prune.random_unstructured(layer, "weight", 0.3)
    assert (layer.weight_mask.numpy() == 0).sum() == 30
    nn.utils.prune.random_structured(layer, "weight", 2, 1)
    assert (layer.weight_mask.numpy() == 0).all(axis=0).sum() == 2
    for amount in (1.5, -0.1, 1000):
        with pytest.raises(ValueError, match="amount"):
            nn.utils.prune.l1_unstructured(layer, "weight", amount)
    with pytest.raises(ValueError, match="mask has shape"):
        nn.utils.prune.custom_from_mask(layer, "bias", np.ones(3))


def test_entries_are_pruned_after_whole_columns() -> None:
    """The mask of columns is not laid out row by row."""
    layer = nn.Linear(5, 4)
    nn.utils.prune.ln_structured(layer, "weight", 1, n=2, dim=1)
    nn.utils.prune.l1_unstructured(layer, "weight", 3)
    assert (layer.weight_mask.numpy() == 0).sum() == 4 + 3


@pytest.mark.parametrize(
    "normalise", [nn.utils.weight_norm, nn.utils.spectral_norm, lambda m: nn.utils.prune.identity(m, "weight")]
)
def test_a_value_that_is_assigned_gets_the_dtype_of_the_parameter(normalise: Any) -> None:
    layer = normalise(nn.Linear(3, 2))
    layer.weight = np.arange(6.0).reshape(2, 3)
    assert {p.dtype.name for p in layer.parameters()} == {"float32"}
    assert layer(np.ones((1, 3), np.float32)).dtype == np.float32


def test_a_parametrised_layer_runs_in_several_threads() -> None:
    layer = parametrizations.weight_norm(nn.Linear(8, 8))
    x = np.ones((2, 8), np.float32)
    want = layer(x).detach().numpy()

    def call(_: int) -> bool:
        return all(np.array_equal(layer(x).detach().numpy(), want) for _ in range(100))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(call, range(8)))


class _Invertible(_Double):
    def right_inverse(self, x: Any) -> Any:
        return x / 2


DERIVED: dict[str, Callable[[nn.Module], nn.Module]] = {
    "parametrize": lambda layer: parametrize.register_parametrization(layer, "weight", _Invertible()),
    "weight_norm": parametrizations.weight_norm,
    "old weight_norm": nn.utils.weight_norm,
    "old spectral_norm": nn.utils.spectral_norm,
    "prune": lambda layer: nn.utils.prune.l1_unstructured(layer, "weight", 0.1),
}


@pytest.mark.parametrize("name", DERIVED)
def test_a_step_moves_a_layer_whose_weight_was_read_during_a_call_of_another_thread(name: str) -> None:
    """The main thread reads the weight while the other one is inside of the layer."""
    layer = DERIVED[name](nn.Linear(3, 3)).eval()
    x = np.arange(3, dtype=np.float32)
    inside, read = threading.Event(), threading.Event()

    def wait(module: nn.Module, args: Any) -> None:
        inside.set()
        assert read.wait(10)

    handle = layer.register_forward_pre_hook(wait)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(layer, x)
        assert inside.wait(10)
        _ = layer.weight
        read.set()
        call.result()
    handle.remove()
    for _ in range(3):
        before = layer(x)
        (before * before).sum().backward()
        nn.optim.SGD(layer.parameters(), lr=0.1).step()
        assert not np.allclose(layer(x).detach().numpy(), before.detach().numpy())


@pytest.mark.parametrize("name", DERIVED)
def test_calls_in_several_threads_leave_nothing_behind(name: str) -> None:
    layer = DERIVED[name](nn.Linear(3, 3))
    attributes, x = set(vars(layer)), np.ones(3, np.float32)
    barrier = threading.Barrier(8)

    def call(_: int) -> None:
        barrier.wait(10)
        for _ in range(50):
            layer(x)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(call, range(8)))
    assert set(vars(layer)) == attributes
    with no_grad():
        before = layer(x).numpy()
        for parameter in layer.parameters():
            parameter.data = parameter.data * 2
        assert not np.allclose(layer(x).numpy(), before)


@pytest.mark.parametrize("when", ["a call", "cached"])
def test_a_task_that_outlives_what_started_it_computes_weights_anew(when: str) -> None:
    """A task has a copy of the context in which it was started."""
    layer = DERIVED["weight_norm"](nn.Linear(3, 3))
    x, contexts = np.ones(3, np.float32), []

    def start(*_: Any) -> None:
        _ = layer.weight
        contexts.append(contextvars.copy_context())

    if when == "cached":
        with parametrize.cached():
            start()
    else:
        with layer.register_forward_hook(start):
            layer(x)
    before = contexts[0].run(layer, x).detach().numpy()
    with no_grad():
        layer.bias.data = layer.bias.data * 0
        layer.parametrizations.weight.original0.data = np.zeros((3, 1), np.float32)
    assert before.any()
    assert not contexts[0].run(layer, x).detach().numpy().any()


def test_a_layer_in_another_that_is_called_twice_computes_its_weight_twice() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.inner = DERIVED["parametrize"](nn.Linear(1, 1, bias=False))
            self.outer = nn.Parameter([1.0])

        def forward(self, x: Any) -> Any:
            first = self.inner(x) * self.outer
            with no_grad():
                self.inner.parametrizations.weight.original.data = np.full((1, 1), 5.0, np.float32)
            return first, self.inner(x) * self.outer

    net = Net()
    parametrize.register_parametrization(net, "outer", _Double())
    assert net(np.ones(1, np.float32))[1].tolist() == [20.0]


def test_inside_of_cached_a_weight_that_changed_by_name_is_computed_anew() -> None:
    layer = DERIVED["parametrize"](nn.Linear(1, 1, bias=False))
    values = {"parametrizations.weight.original": np.array([[7.0]], np.float32)}
    with parametrize.cached():
        _ = layer.weight
        assert nn.utils.functional_call(layer, values, np.ones(1, np.float32)).tolist() == [14.0]
        layer.weight = np.array([[3.0]], np.float32)
        assert layer.weight.tolist() == [[3.0]]
        parametrize.register_parametrization(layer, "weight", _Double())
        assert layer.weight.tolist() == [[6.0]]


def test_inside_of_cached_each_new_layer_has_its_own_weight() -> None:
    """Layers that are made and given up one after the other may get the same id."""
    with parametrize.cached():
        for value in range(20):
            layer = nn.Linear(1, 1)
            layer.weight.data = np.full((1, 1), value, np.float32)
            assert DERIVED["parametrize"](layer).weight.item() == value


@pytest.mark.parametrize("make", [nn.utils.spectral_norm, parametrizations.spectral_norm], ids=["old", "new"])
def test_spectral_norm_says_what_it_cannot_do_under_both_names(make: Any) -> None:
    layer = nn.Linear(2, 3)
    names = set(vars(layer))
    with pytest.raises(ValueError, match="n_power_iterations must be 1 or more, got 0"):
        make(layer, n_power_iterations=0)
    with pytest.raises(IndexError, match="dim 2 is out of range for a weight of 2 axes"):
        make(layer, dim=2)
    assert set(vars(layer)) == names


def test_spectral_norm_of_a_vector_draws_no_random_numbers() -> None:
    layer = nn.LayerNorm(3)
    mg.random.manual_seed(0)
    want = mg.random.rand(1).item()
    mg.random.manual_seed(0)
    parametrizations.spectral_norm(layer)
    assert mg.random.rand(1).item() == want


@pytest.mark.parametrize("first", [True, False], ids=["read before", "not read before"])
def test_a_checkpoint_inside_of_cached_computes_weights_of_its_own(first: bool) -> None:
    """It runs twice, and the gradient goes through the second run."""
    x = rng.normal(size=(2, 3))

    def gradients(call: Callable[[nn.Module], Any]) -> list[Any]:
        mg.random.manual_seed(0)
        layer = parametrizations.weight_norm(nn.Linear(3, 3))
        call(layer)
        return [p.grad.tolist() for p in layer.parameters()]

    def inside(layer: nn.Module) -> None:
        with parametrize.cached():
            if first:
                layer(x)
            mg.checkpoint(layer)(x).sum().backward()

    assert gradients(inside) == gradients(lambda layer: layer(x).sum().backward())


def test_a_weight_that_is_read_outside_and_inside_of_a_checkpoint_gets_both_gradients() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.w = nn.Parameter([2.0])

        def forward(self, x: Any) -> Any:
            return mg.checkpoint(lambda x: self.w * x)(x) + self.w

    net = Net()
    parametrize.register_parametrization(net, "w", _Double())
    net(Tensor([3.0])).sum().backward()
    assert net.parametrizations.w.original.grad.tolist() == [8.0]
