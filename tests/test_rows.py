"""Row-sparse gradients: of embeddings, in optimizers, in losses that sample."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor
from minigrad.arrays.row_sparse import RowSparse, add_rows
from nn import functional as F

from . import stand_in

rng = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return rng.normal(size=shape)


def test_the_gradient_holds_only_the_rows_that_were_looked_up() -> None:
    table, dense = nn.Embedding(1000, 4, sparse=True), nn.Embedding(1000, 4)
    dense.load_state_dict(table.state_dict())
    indices = np.array([[3, 7], [3, 999]])
    for _ in range(2):  # accumulates
        for model in (table, dense):
            (model(indices) ** 2).sum().backward()
    assert isinstance(table.weight.grad.data, RowSparse)
    assert table.weight.grad.data.coalesce().rows.tolist() == [3, 7, 999]
    np.testing.assert_allclose(table.weight.grad.numpy(), dense.weight.grad.numpy(), rtol=1e-6)
    assert "999" not in repr(table.weight.grad.data)
    (table.weight.sum() + table(indices).sum()).backward()  # with an ordinary gradient it becomes one
    assert isinstance(table.weight.grad.data, np.ndarray)


ROWS = np.array([[0.0, 0.0], [2.0, 2.0], [1.0, 1.0], [0.0, 0.0]])


def sparse_gradient() -> Tensor:
    table = nn.Embedding(4, 2, sparse=True).double()
    table(np.array([1, 1, 2])).sum().backward()
    assert isinstance(table.weight.grad.data, RowSparse)
    return table.weight.grad


READINGS: list[Any] = [
    lambda g: g * 2, lambda g: 0.1 * g, lambda g: g / 2, lambda g: g / 0, lambda g: g * np.inf, lambda g: -g,
    lambda g: g**2, lambda g: 2**g, lambda g: g + 1, lambda g: 1 - g, lambda g: g - 2 * g, lambda g: g + g,
    lambda g: g * np.ones(2), lambda g: np.ones(2) * g, lambda g: g @ np.ones(2), lambda g: g == ROWS,
    lambda g: g[1], lambda g: g[:, 0], lambda g: g[g > 1], lambda g: len(g), lambda g: g.tolist(),
    lambda g: np.asarray(g), lambda g: np.asarray(g, "f4"), lambda g: [row.sum() for row in g][1],
    lambda g: np.stack([g, g]), lambda g: np.concatenate([g, g]), lambda g: np.block([[g, g]]),
    lambda g: g.sum(0), lambda g: np.sum(g, where=ROWS > 1), lambda g: np.linalg.norm(g),
    lambda g: np.add.reduce(g), lambda g: np.subtract.outer(g, g), lambda g: np.where(g > 0, g, -1),
    lambda g: np.einsum("ij->j", g), lambda g: g.T, lambda g: g.reshape(-1), lambda g: np.clip(g, 0, 1),
    lambda g: np.sum(g, out=np.zeros(())), lambda g: np.add(g, g, where=ROWS > 1, out=np.ones((4, 2))),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("i", range(len(READINGS)))
def test_a_sparse_gradient_is_read_as_an_array_is(i: int) -> None:
    want = READINGS[i](ROWS)
    for g in (sparse_gradient(), sparse_gradient().data):
        got = READINGS[i](g)
        np.testing.assert_allclose(np.asarray(got), want)
        np.testing.assert_array_equal(np.asarray(g), ROWS)  # which changes nothing


WRITINGS: list[Any] = [
    lambda g: g.__imul__(0.5), lambda g: g.__imul__(np.float32(0.5)), lambda g: g.__itruediv__(2),
    lambda g: np.multiply(g, 2, out=g), lambda g: np.add(g, g, out=g), lambda g: np.negative(g, out=g),
    lambda g: np.clip(g, 0, 1, out=g), lambda g: np.add(g, 1, out=g), lambda g: np.add(g, 1, where=ROWS > 1, out=g),
    lambda g: g.__setitem__(0, 5.0), lambda g: g.__setitem__(slice(1), g[1:2]), lambda g: g.fill(0.0),
    lambda g: np.copyto(g, 3.0), lambda g: np.fill_diagonal(g, 7.0), lambda g: np.add.at(g, [0, 0], 1.0),
]  # fmt: skip


@pytest.mark.parametrize("i", range(len(WRITINGS)))
def test_a_sparse_gradient_is_written_as_an_array_is(i: int) -> None:
    want = ROWS.copy()
    WRITINGS[i](want)
    for g in (sparse_gradient(), sparse_gradient().data):
        WRITINGS[i](g)
        np.testing.assert_allclose(np.asarray(g), want)
        assert isinstance(g.data if isinstance(g, Tensor) else g, RowSparse)
    if i < 6:  # scaled and added, it holds no more rows than before
        assert g.coalesce().rows.tolist() == [1, 2]


def test_a_sparse_gradient_that_cannot_be_written_is_an_error() -> None:
    g = sparse_gradient()
    with pytest.raises(TypeError, match="cast"):
        g *= 1j
    with pytest.raises(AttributeError, match="dense"):
        g.data.sort()
    np.testing.assert_array_equal(np.asarray(g), ROWS)


def test_rows_of_a_computed_table() -> None:
    table, scale = Tensor(normal(4, 2), requires_grad=True), Tensor(np.array(2.0), requires_grad=True)
    rows = np.array([1, 1, 2])
    for f in (lambda w: w * 1, lambda w: w * scale, lambda w: w @ np.ones((2, 2)), lambda w: np.tanh(w) / 3):
        table.grad = None
        F.embedding(rows, f(table), sparse=True).sum().backward()
        want = mg.grad(lambda w, f=f: np.sum(f(w)[rows]))(table.detach().numpy())
        np.testing.assert_allclose(np.asarray(table.grad), want)


def test_second_derivatives_through_sparse_rows() -> None:
    indices = np.array([1, 1, 0])
    assert mg.gradgradcheck(lambda w: F.embedding(indices, w, sparse=True) ** 3, normal(3, 2))


@pytest.mark.torch
@pytest.mark.parametrize(
    ("ours", "theirs", "options"),
    [
        ("SGD", "SGD", {"lr": 0.1}),
        ("Adagrad", "Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.3}),
        ("Adam", "SparseAdam", {"lr": 0.1, "eps": 1e-14}),
    ],
)
def test_sparse_updates_equal_torchs(ours: str, theirs: str, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    mine, other = nn.Embedding(9, 3, sparse=True).double(), torch.nn.Embedding(9, 3, sparse=True).double()
    mine.load_state_dict({k: v.detach().numpy().copy() for k, v in other.state_dict().items()})
    a, b = getattr(nn.optim, ours)(mine.parameters(), **options), getattr(torch.optim, theirs)(other.parameters(), **options)
    before = mine.weight.detach().numpy().copy()
    for step in range(20):
        indices = np.array([[1, 4, 4], [step % 3, 1, 6]])
        for model, optimizer, given in ((mine, a, indices), (other, b, torch.tensor(indices))):
            optimizer.zero_grad()
            (model(given) ** 2).sum().backward()
            optimizer.step()
    np.testing.assert_allclose(mine.weight.detach().numpy(), other.weight.detach().numpy(), rtol=1e-8, atol=1e-10)
    np.testing.assert_array_equal(mine.weight.detach().numpy()[[3, 5, 7, 8]], before[[3, 5, 7, 8]])


def test_rows_that_are_not_touched_keep_their_weights_and_their_state() -> None:
    table = nn.Embedding(6, 2, sparse=True)
    optimizer = nn.optim.Adam(table.parameters(), lr=0.1)
    for indices in ([0, 1], [1, 2]):
        optimizer.zero_grad()
        table(np.array(indices)).sum().backward()
        optimizer.step()
    m = optimizer.state_dict()["state"][0]["exp_avg"]
    assert (m[[0, 1, 2]] != 0).all()
    assert not m[3:].any()
    assert m[0, 0] == pytest.approx(0.1)  # not decayed by the second step


def test_clipping_of_sparse_gradients() -> None:
    dense, sparse = nn.Embedding(5, 2), nn.Embedding(5, 2, sparse=True)
    sparse.load_state_dict(dense.state_dict())
    for model in (dense, sparse):
        (model(np.array([1, 1, 3])) * 3).sum().backward()
    a, b = nn.utils.clip_grad_norm_(dense.parameters(), 1.0), nn.utils.clip_grad_norm_(sparse.parameters(), 1.0)
    assert a.item() == pytest.approx(b.item())
    np.testing.assert_allclose(dense.weight.grad.numpy(), sparse.weight.grad.numpy())


def test_negative_sampling() -> None:
    center, context, negatives = normal(4, 3), normal(4, 3), normal(4, 5, 3)
    log_sigmoid = lambda z: -np.log1p(np.exp(-z))
    expected = [
        -log_sigmoid(v @ u) - sum(log_sigmoid(-v @ w) for w in ws) for v, u, ws in zip(center, context, negatives, strict=True)
    ]
    np.testing.assert_allclose(F.negative_sampling_loss(center, context, negatives, "none"), expected)
    assert mg.gradgradcheck(F.negative_sampling_loss, center, context, negatives)


def test_sampled_softmax_of_all_classes_is_the_softmax() -> None:
    hidden, weight, bias, target = normal(4, 3), normal(6, 3), normal(6), np.array([0, 5, 2, 2])
    w = Tensor(weight, requires_grad=True)
    loss = F.sampled_softmax_loss(Tensor(hidden), w, Tensor(bias), target, np.arange(6))
    exact = F.cross_entropy(Tensor(hidden @ weight.T + bias), target)
    np.testing.assert_allclose(loss.item(), exact.item())
    few = F.sampled_softmax_loss(Tensor(hidden), w, None, target, np.array([1, 3]), log_expected=np.log(np.full(6, 0.3)))
    few.backward()
    assert sorted(w.grad.data.coalesce().rows.tolist()) == [0, 1, 2, 3, 5]
    assert mg.gradcheck(lambda h, w, b: F.sampled_softmax_loss(h, w, b, target, np.array([1, 3])), hidden, weight, bias)


def test_skip_gram_learns_which_words_stand_together() -> None:
    """Words 2 i and 2 i + 1 occur together: their vectors turn to each other."""
    words, features = 20, 8
    centers, contexts = nn.Embedding(words, features, sparse=True), nn.Embedding(words, features, sparse=True)
    optimizer = nn.optim.Adagrad([*centers.parameters(), *contexts.parameters()], lr=0.3)
    draw = np.random.default_rng(1)
    for _ in range(150):
        word = draw.integers(0, words, 64)
        loss = F.negative_sampling_loss(centers(word), contexts(word ^ 1), contexts(draw.integers(0, words, (64, 5))))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scores = (centers.weight @ contexts.weight.T).detach().numpy()
    assert (scores.argmax(1) == np.arange(words) ^ 1).mean() > 0.9


def test_arrays_in_arrays_out_also_of_sparse_embeddings() -> None:
    table = nn.Embedding(5, 2, sparse=True).double()
    weight, indices = table.weight.detach().numpy().copy(), np.array([1, 3, 1])

    def loss(p: Any) -> Any:
        return np.sum(nn.utils.functional_call(table, p, (indices,)) ** 3)

    expected = np.zeros((5, 2))
    np.add.at(expected, indices, 3 * weight[indices] ** 2)
    for got in (mg.grad(loss)({"weight": weight}), mg.value_and_grad(loss)({"weight": weight})[1]):
        assert type(got["weight"]) is np.ndarray
        np.testing.assert_allclose(got["weight"], expected)
    assert type(mg.vjp(loss, {"weight": weight})[1](1.0)["weight"]) is np.ndarray


# --------------------------------------------------------------------------- rows that are not there


@pytest.fixture(params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> Any:
    """float32 is what the compiled kernel takes, where there is one."""
    return np.dtype(request.param)


@pytest.mark.parametrize("row", [64, 10**9, -65, -(10**9)])
def test_a_row_out_of_range_is_an_error_and_changes_nothing(row: int, dtype: Any) -> None:
    rows = np.append(np.arange(63), row)
    g = RowSparse(np.ones((64, 64), dtype), rows, (64, 64))
    for call in (g.dense, g.coalesce, lambda: mg.scatter_add(Tensor(np.ones((64, 64), dtype)), rows, (64, 64))):
        with pytest.raises(IndexError, match=r"-64 to 63"):
            call()
    out = np.zeros((64, 64), dtype)
    with pytest.raises(IndexError, match=rf"from {min(row, 0)} to {max(row, 62)}"):
        add_rows(out, rows, np.ones((64, 64), dtype))
    assert not out.any()


@pytest.mark.parametrize("kind", ["int8", "int64", "uint8", "uint64"])
def test_rows_count_as_numpys_indices_do(kind: str, dtype: Any) -> None:
    """Negative ones from the end, also where the integer type does not hold the number of rows."""
    rows = np.array([3, 0, 3, 100]).astype(kind)
    rows = rows if kind.startswith("u") else np.append(rows, [-1, -3, -100]).astype(kind)
    values = normal(len(rows), 16).astype(dtype)
    want = np.zeros((300, 16), dtype)
    np.add.at(want, rows, values)
    g = RowSparse(values, rows, (300, 16))
    coalesced = g.coalesce()
    assert coalesced.rows.tolist() == sorted({int(row) % 300 for row in rows})
    for got in (g.dense(), coalesced.dense(), mg.scatter_add(Tensor(values), rows, (300, 16)).numpy()):
        np.testing.assert_allclose(got, want, rtol=1e-6)


def test_values_may_share_memory_with_the_array_that_they_are_added_to(dtype: Any) -> None:
    memory = np.arange(64 * 64, dtype=dtype).reshape(64, 64)
    want, rows = memory.copy(), np.repeat(np.arange(21), 3)
    np.add.at(want, rows, memory[1:].copy())
    add_rows(memory, rows, memory[1:])
    np.testing.assert_allclose(memory, want)


@pytest.mark.parametrize(
    ("values", "rows", "kind"),
    [
        ((3, 2), (2,), "int64"),
        ((2, 3), (2,), "int64"),
        ((2,), (2,), "int64"),
        ((1, 2), (1, 1), "int64"),
        ((2, 2), (2,), "float64"),
    ],
    ids=str,
)
def test_values_rows_and_shape_must_belong_together(values: Any, rows: Any, kind: str) -> None:
    with pytest.raises((ValueError, TypeError), match="need values of shape|must be integers"):
        RowSparse(np.ones(values), np.zeros(rows, kind), (4, 2))
    if kind == "int64":
        with pytest.raises(ValueError, match="cannot add values"):
            add_rows(np.zeros((4, 2)), np.zeros(rows, kind), np.ones(values))


def test_an_optimizer_does_not_lose_what_rows_from_the_end_add() -> None:
    table, dense = (Tensor(np.ones((4, 2)), requires_grad=True) for _ in range(2))
    table.grad = Tensor(RowSparse(np.ones((3, 2)), np.array([3, -1, 0]), (4, 2)))
    dense.grad = Tensor(table.grad.data.dense())
    for p in (table, dense):
        nn.optim.SGD([p], lr=0.1).step()
    np.testing.assert_allclose(table.data, dense.data)


@pytest.mark.parametrize("index", [-1, 3])
def test_indices_of_tables_and_of_classes_lie_in_range(index: int) -> None:
    weight, indices = Tensor(normal(3, 2)), np.array([0, index])
    for call in (
        lambda: F.one_hot(indices, 3),
        lambda: F.embedding(indices, weight),
        lambda: F.embedding(indices, weight, sparse=True),
        lambda: F.embedding_bag(indices[None], weight),
    ):
        with pytest.raises(IndexError, match="indices from"):
            call()


@pytest.mark.parametrize("row", [3, -4])
def test_the_row_for_padding_is_one_of_the_table(row: int) -> None:
    with pytest.raises(IndexError, match="padding_idx"):
        F.embedding(np.array([0]), Tensor(normal(3, 2)), padding_idx=row)


@pytest.mark.parametrize("index", [-5, -1, 16])
def test_max_unpool_takes_no_place_outside_of_its_output(index: int) -> None:
    values, indices = np.ones((1, 1, 2, 2)), np.full((1, 1, 2, 2), index)
    with pytest.raises(IndexError, match=f"indices from {index} to {index}"):
        F.max_unpool2d(Tensor(values), indices, 2)
    with pytest.raises(ValueError, match="indices of shape"):
        F.max_unpool2d(Tensor(values), np.zeros((1, 1, 1, 2), int), 2)


# ------------------------------------------------------------------------------------ devices


def looked_up(device: str, rows: Any = (1, 3, 1)) -> Any:
    """A table whose rows were looked up."""
    table = nn.Embedding(5, 3, sparse=True).to(device)
    table(Tensor(np.array(rows), device=device)).sum().backward()
    return table


def where_it_is(g: Tensor) -> set[str]:
    """Where the parts of a row-sparse gradient are."""
    return {g.device, g.data.device, Tensor(g.data.values).device, Tensor(g.data.rows).device}


PLACES = ["cpu", "cuda:0", "cuda:1"]


@pytest.mark.parametrize("there", PLACES)
@pytest.mark.parametrize("here", PLACES)
def test_a_sparse_gradient_knows_its_device_and_moves(here: str, there: str, two_gpus: Any) -> None:
    g = looked_up(here).weight.grad
    assert where_it_is(g) == {here}
    moved = g.to(there)
    assert where_it_is(moved) == {there}
    assert moved.tolist() == g.tolist() == [[0.0] * 3, [2.0] * 3, [0.0] * 3, [1.0] * 3, [0.0] * 3]
    np.testing.assert_array_equal(np.asarray(g.cpu().data), g.tolist())
    assert f"device={there}" in repr(moved) or there == "cpu"


@pytest.mark.parametrize("there", PLACES)
@pytest.mark.parametrize("here", PLACES)
@pytest.mark.parametrize("name", ["SGD", "Adam", "Adagrad", "RMSprop", "SparseAdam"])
def test_a_module_that_moves_takes_its_sparse_gradients_along(name: str, here: str, there: str, two_gpus: Any) -> None:
    table, stays = looked_up(here), looked_up("cpu")
    stays.load_state_dict(table.state_dict())
    table.to(there)
    assert where_it_is(table.weight.grad) == {there}
    for model in (table, stays):
        optimizer = getattr(nn.optim, name)(model.parameters(), lr=0.1)
        total = nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        assert total.item() == pytest.approx(15**0.5)
        nn.utils.clip_grad_value_(model.parameters(), 0.2)
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        optimizer.step()
        model.zero_grad(set_to_none=False)
    np.testing.assert_allclose(table.weight.detach().cpu().numpy(), stays.weight.detach().numpy(), rtol=1e-6)


@pytest.mark.parametrize("device", PLACES)
def test_copies_of_sparse_gradients_stay_and_their_pickles_come_back(device: str, two_gpus: Any) -> None:
    table = looked_up(device)
    for other in (copy.deepcopy(table), pickle.loads(pickle.dumps(table)), copy.copy(table)):
        assert where_it_is(other.weight.grad) == {device}
        assert other.weight.grad.tolist() == table.weight.grad.tolist()
    twin = copy.deepcopy(table.weight.grad)
    twin.data[1] = 7.0
    assert table.weight.grad.tolist()[1] == [2.0] * 3


def test_a_pickled_sparse_gradient_is_on_the_cpu_where_there_is_no_gpu() -> None:
    with stand_in.installed():
        data = pickle.dumps(looked_up("cuda"))
    with pytest.warns(UserWarning, match="pickled on cuda:0 is on the cpu now"):
        table = pickle.loads(data)
    assert where_it_is(table.weight.grad) == {"cpu"}
    assert table.weight.grad.tolist()[1] == [2.0] * 3


@pytest.mark.parametrize("device", PLACES)
def test_sparse_gradients_compute_where_they_are(device: str, two_gpus: Any) -> None:
    table = looked_up(device)
    table(Tensor([4], device=device)).sum().backward()  # added up
    g = table.weight.grad
    dense = Tensor(g.data.dense())
    results = [g + g, 2 * g, -g, g * dense, g[1], g.sum(), np.sqrt(g), np.concatenate([g, dense]), g.astype("float64")]
    expected = [2 * dense, 2 * dense, -dense, dense * dense, dense[1], dense.sum(), np.sqrt(dense)]
    expected += [np.concatenate([dense, dense]), dense]
    for result, want in zip(results, expected, strict=True):
        assert result.device == device
        assert result.tolist() == want.tolist()
    g.data[0] = 1.0
    assert where_it_is(g) == {device}
    assert g.tolist() == [[1.0] * 3, *dense.tolist()[1:]]
    bag = nn.EmbeddingBag(5, 3, sparse=True, mode="sum").to(device)
    bag(Tensor([[1, 3]], device=device)).sum().backward()
    assert where_it_is(bag.weight.grad) == {device}
