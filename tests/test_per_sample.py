"""Gradients of each example alone, of networks: vmap(grad) equals a loop, and torch.func."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, grad, vmap
from minigrad.arrays import fallbacks
from nn.utils import functional_call

B = 4
rng = np.random.default_rng(0)


class LastOf(nn.Module):
    """A recurrent layer, and a linear one on its last output."""

    def __init__(self, recurrent: nn.Module, size: int) -> None:
        self.recurrent, self.head = recurrent, nn.Linear(size, 3)

    def forward(self, x: Any) -> Any:
        return self.head(self.recurrent(x)[0][:, -1])


class Encoder(nn.Module):
    """Tokens, embedded, through a transformer encoder, averaged."""

    def __init__(self) -> None:
        self.embedding = nn.Embedding(11, 8)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        return self.head(self.encoder(self.embedding(x)).mean(1))


def normal(*shape: int) -> np.ndarray:
    return rng.normal(size=(B, *shape))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], np.ndarray]] = {
    "mlp": (lambda: nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 3)), normal(2, 5)),
    "cnn": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, stride=2, groups=2),
            nn.GroupNorm(2, 4), nn.SiLU(), nn.AvgPool2d(2), nn.ConvTranspose2d(4, 2, 2), nn.Flatten(), nn.Linear(8, 3),
        ),
        normal(1, 2, 12, 12),
    ),
    "lstm": (lambda: LastOf(nn.LSTM(3, 6, 2, batch_first=True), 6), normal(2, 7, 3)),
    "gru": (lambda: LastOf(nn.GRU(3, 6, bidirectional=True, batch_first=True), 12), normal(1, 5, 3)),
    "rnn": (lambda: LastOf(nn.RNN(3, 6, batch_first=True), 6), normal(1, 5, 3)),
    "transformer": (Encoder, rng.integers(0, 11, (B, 2, 6))),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _count_anew() -> Iterator[None]:
    fallbacks.clear()
    yield
    fallbacks.clear()


def prepared(name: str) -> tuple[Any, dict[str, np.ndarray], np.ndarray, np.ndarray]:
    build, x = NETWORKS[name]
    mg.random.manual_seed(0)
    module = build().double().eval()
    parameters = {k: p.detach().numpy().copy() for k, p in module.named_parameters()}
    y = rng.integers(0, 3, x.shape[:2])

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        return nn.functional.cross_entropy(functional_call(module, parameters, (x,)), y)

    return loss, parameters, x, y


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_of_each_example_equal_a_loop(name: str) -> None:
    loss, parameters, x, y = prepared(name)
    got = vmap(grad(loss), in_axes=(None, 0, 0))(parameters, x, y)
    assert not fallbacks
    rows = [grad(loss)(parameters, *example) for example in zip(x, y, strict=True)]
    for key, value in parameters.items():
        assert got[key].shape == (B, *value.shape)
        np.testing.assert_allclose(got[key], np.stack([row[key] for row in rows]), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_loss_of_all_examples_differentiates_as_their_sum(name: str) -> None:
    loss, parameters, x, y = prepared(name)
    got = grad(lambda p: np.sum(vmap(loss, (None, 0, 0))(p, x, y)))(parameters)
    rows = [grad(loss)(parameters, *example) for example in zip(x, y, strict=True)]
    for key in parameters:
        np.testing.assert_allclose(got[key], sum(row[key] for row in rows), rtol=1e-8, atol=1e-12)
    assert not fallbacks


@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_an_ensemble_of_networks_runs_at_once(name: str) -> None:
    """Parameters with an axis in front: each network with its own weights on the same input."""
    loss, parameters, x, y = prepared(name)
    many = {key: np.stack([value * s for s in (1.0, 0.9, 1.1)]) for key, value in parameters.items()}
    got = vmap(grad(loss), in_axes=(0, None, None))(many, x[0], y[0])
    for i in range(3):
        row = grad(loss)({key: value[i] for key, value in many.items()}, x[0], y[0])
        for key in parameters:
            np.testing.assert_allclose(got[key][i], row[key], rtol=1e-8, atol=1e-12)
    assert not fallbacks


SCORES = rng.normal(size=(2, 5))
LABELS = rng.integers(0, 5, (B, 2))
ROWS_OF_LABELS = np.where(rng.random((B, 2, 5)) < 0.4, -1, rng.permuted(np.tile(np.arange(5), (B, 2, 1)), axis=2))


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda y: nn.functional.cross_entropy(SCORES, y), LABELS),
        (lambda y: nn.functional.nll_loss(SCORES, y), LABELS),
        (lambda y: nn.functional.multi_margin_loss(SCORES, y, weight=SCORES[0] ** 2), LABELS),
        (lambda y: nn.functional.multilabel_margin_loss(SCORES, y), ROWS_OF_LABELS),
        (lambda i: nn.functional.embedding(i, SCORES.T), LABELS),
        (lambda i: nn.functional.embedding_bag(i[None], SCORES.T), LABELS),
        (lambda i: nn.functional.embedding_bag(i[None], SCORES.T, padding_idx=1), LABELS),
    ],
)
def test_labels_and_indices_of_each_example_stand_beside_an_array_that_all_share(f: Any, x: np.ndarray) -> None:
    got = np.asarray(vmap(f)(x))
    np.testing.assert_allclose(got, np.stack([np.asarray(f(Tensor(row))) for row in x]), rtol=1e-12)
    assert not (fallbacks.keys() - {"bincount"})


def test_parameters_that_the_function_closes_over_collect_from_all_examples() -> None:
    layer = nn.Linear(3, 2).double()
    x = normal(3)
    vmap(lambda x: np.sum(layer(x) ** 2))(x).sum().backward()
    collected = layer.weight.grad.numpy().copy()
    layer.zero_grad()
    (layer(Tensor(x)) ** 2).sum().backward()
    np.testing.assert_allclose(collected, layer.weight.grad.numpy())


def test_dropout_is_different_for_each_example_or_the_same() -> None:
    drop, ones = nn.Dropout(0.5), np.ones((B, 50))
    with pytest.raises(RuntimeError, match="randomness"):
        vmap(drop)(ones)
    different = vmap(drop, randomness="different")(ones)
    same = vmap(drop, randomness="same")(ones)
    assert len({row.tobytes() for row in np.asarray(different)}) == B
    assert len({row.tobytes() for row in np.asarray(same)}) == 1
    assert set(np.unique(different)) == {0.0, 2.0}


# ----------------------------------------------------------------------------- functional_call


def test_functional_call_takes_other_values_and_leaves_the_module_as_it_was() -> None:
    layer = nn.Linear(2, 1)
    before = layer.weight.detach().numpy().copy()
    out = functional_call(layer, {"weight": np.array([[3.0, 4.0]]), "bias": np.array([1.0])}, np.array([1.0, 2.0]))
    assert out.tolist() == [12.0]
    np.testing.assert_array_equal(layer.weight.detach().numpy(), before)
    assert layer.weight.is_leaf


def test_functional_call_sends_gradients_to_the_given_tensors() -> None:
    layer = nn.Linear(2, 1)
    given = Tensor([[3.0, 4.0]], requires_grad=True)
    functional_call(layer, {"weight": given * 2}, Tensor([1.0, 2.0])).sum().backward()
    assert given.grad is not None
    assert given.grad.tolist() == [[2.0, 4.0]]
    assert layer.weight.grad is None
    assert layer.bias.grad.tolist() == [1.0]


def test_functional_call_restores_after_an_error() -> None:
    layer = nn.Linear(2, 1)
    data = layer.weight.data
    with pytest.raises(ValueError):
        functional_call(layer, {"weight": np.zeros((1, 2))}, np.zeros(3))
    assert layer.weight.data is data


def test_functional_call_refuses_names_and_shapes_that_the_module_does_not_have() -> None:
    layer = nn.Linear(2, 1)
    with pytest.raises(KeyError, match="no 'wieght'; it has weight, bias"):
        functional_call(layer, {"wieght": np.zeros((1, 2))}, np.zeros(2))
    with pytest.raises(ValueError, match=r"'weight' has shape \(1, 2\), the given value \(2, 1\)"):
        functional_call(layer, {"weight": np.zeros((2, 1))}, np.zeros(2))


def test_functional_call_of_a_shared_parameter_changes_it_everywhere() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            self.a = nn.Linear(2, 2, bias=False)
            self.b = nn.Linear(2, 2, bias=False)
            self.b.weight = self.a.weight

        def forward(self, x: Any) -> Any:
            return self.b(self.a(x))

    double = np.eye(2) * 2
    assert functional_call(Tied(), {"a.weight": double}, np.ones(2)).tolist() == [4.0, 4.0]
    with pytest.raises(ValueError, match="shared, and got two different values"):
        functional_call(Tied(), {"a.weight": double, "b.weight": np.eye(2)}, np.ones(2))


# --------------------------------------------------------------------------------------- torch


@pytest.mark.torch
def test_gradients_of_each_example_equal_torch_func() -> None:
    torch = pytest.importorskip("torch")
    x, y = normal(1, 1, 8, 8).astype(np.float32), rng.integers(0, 3, (B, 1))
    ours = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, 3))
    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 3),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(27, 3),
    )
    theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.state_dict().items()})
    weights = {k: v.detach() for k, v in theirs.named_parameters()}

    def torch_loss(p: Any, x: Any, y: Any) -> Any:
        return torch.nn.functional.cross_entropy(torch.func.functional_call(theirs, p, (x,)), y)

    def loss(p: Any, x: Any, y: Any) -> Any:
        return nn.functional.cross_entropy(functional_call(ours, p, (x,)), y)

    expected = torch.func.vmap(torch.func.grad(torch_loss), (None, 0, 0))(weights, torch.tensor(x), torch.tensor(y))
    got = vmap(grad(loss), (None, 0, 0))({k: p.detach() for k, p in ours.named_parameters()}, x, y)
    for key, value in expected.items():
        np.testing.assert_allclose(got[key].detach().numpy(), value.numpy(), rtol=1e-3, atol=1e-6)


def test_the_values_of_one_example_are_never_taken_for_those_of_all() -> None:
    """`host` gives a function the values of a Tensor; under vmap there are many, with one axis more."""
    with pytest.raises(TypeError, match="one for each example"):
        vmap(lambda x: np.sum(nn.module.host(x)))(normal(3))


@pytest.mark.parametrize("lengths", [np.full((B, 2), 2), np.array([[1, 2], [2, 1], [2, 2], [0, 2]])])
def test_labels_of_each_example_in_the_ctc_loss_equal_a_loop(lengths: np.ndarray) -> None:
    scores, labels = normal(6, 2, 5), rng.integers(1, 5, (B, 2, 2))

    def loss(x: Any, y: Any, n: Any) -> Any:
        return nn.functional.ctc_loss(nn.functional.log_softmax(x, -1), y, np.array([6, 5]), n)

    got = vmap(grad(loss))(scores, labels, lengths)
    rows = [grad(loss)(*example) for example in zip(scores, labels, lengths, strict=True)]
    np.testing.assert_allclose(got, np.stack(rows), rtol=1e-9)
    assert fallbacks["ctc_loss"]


@pytest.mark.parametrize(
    ("build", "x"),
    [
        (nn.BatchNorm1d, normal(3, 2)),
        (lambda n, **options: nn.BatchNorm1d(n, momentum=None, **options), normal(3, 2)),
        (lambda n, track_running_stats=True: nn.InstanceNorm1d(n, track_running_stats=track_running_stats), normal(1, 2, 5)),
    ],
)
def test_a_norm_in_training_names_the_running_values_and_the_ways_out(build: Any, x: np.ndarray) -> None:
    norm = build(2).double()
    before = {name: value.tolist() for name, value in norm.state_dict().items()}
    with pytest.raises(TypeError, match=r"running_mean, of shape \(2,\).*eval\(\).*track_running_stats=False.*functional_call"):
        vmap(norm)(x)
    assert {name: value.tolist() for name, value in norm.state_dict().items()} == before
    assert vmap(norm.eval())(x).shape == x.shape
    free = build(2, track_running_stats=False).double()
    with mg.no_grad():
        np.testing.assert_allclose(vmap(free)(x), np.stack([free(row).numpy() for row in map(Tensor, x)]))


def test_each_example_may_have_running_values_of_its_own() -> None:
    norm, x = nn.BatchNorm1d(2).double(), normal(3, 2)
    mean, var = np.zeros((B, 2)), np.ones((B, 2))

    def moved(x: Any, mean: Any, var: Any) -> Any:
        mean, var = mean.copy(), var.copy()  # arguments of a vmap are not written
        values = {"running_mean": mean, "running_var": var}
        with mg.no_grad():
            functional_call(norm, values, (x,))
        return mean, var

    got = vmap(moved)(x, mean, var)
    np.testing.assert_allclose(got[0], 0.1 * x.mean(1))
    np.testing.assert_allclose(got[1], 0.9 + 0.1 * x.var(1, ddof=1))
