"""Recurrent layers: compared with PyTorch's, the kernels with their loops, lengths, packing, cells."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, autograd
from nn.functional import recurrent as R
from nn.utils import rnn as sequences

rng = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return rng.normal(size=shape)


LAYERS: list[tuple[str, dict[str, Any]]] = [
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu", "num_layers": 2}),
    ("RNN", {"bidirectional": True, "batch_first": True, "bias": False}),
    ("LSTM", {}),
    ("LSTM", {"num_layers": 2, "bidirectional": True}),
    ("LSTM", {"proj_size": 2, "num_layers": 2}),
    ("LSTM", {"proj_size": 2, "bidirectional": True, "batch_first": True}),
    ("LSTM", {"bias": False, "batch_first": True}),
    ("GRU", {}),
    ("GRU", {"num_layers": 2, "bidirectional": True}),
    ("GRU", {"bias": False, "batch_first": True}),
]


def pair(name: str, options: dict[str, Any]) -> tuple[Any, Any, Any]:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs, ours = getattr(torch.nn, name)(3, 4, **options).double(), getattr(nn, name)(3, 4, **options).double()
    ours.load_state_dict(theirs.state_dict())
    assert list(ours.state_dict()) == list(theirs.state_dict())
    return torch, ours, theirs


def flat(result: tuple[Any, Any]) -> list[Any]:
    out, state = result
    return [out, *state] if isinstance(state, tuple) else [out, state]


def states_for(ours: Any, batch: int) -> list[np.ndarray]:
    count = ours.num_layers * (1 + ours.bidirectional)
    return [normal(count, batch, size) for size in ours.state_sizes()]


def compare(torch: Any, ys: list[Any], us: list[Any], xs: list[Any], ts: list[Any], second: bool = True) -> None:
    """Outputs, gradients of all inputs and parameters, and second derivatives."""
    weights = [normal(*y.shape) for y in ys]
    for y, u in zip(ys, us, strict=True):
        np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=1e-9, atol=1e-10)
    loss = sum((y * y * w).sum() for y, w in zip(ys, weights, strict=True))
    expected = sum((u * u * torch.tensor(w)).sum() for u, w in zip(us, weights, strict=True))
    plain = autograd.grad([loss], xs, retain_graph=True)
    first = autograd.grad([loss], xs, create_graph=True)
    expected_first = torch.autograd.grad(expected, ts, create_graph=True)
    for kernel, loop, e in zip(plain, first, expected_first, strict=True):
        np.testing.assert_allclose(kernel.numpy(), e.detach().numpy(), rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(loop.detach().numpy(), e.detach().numpy(), rtol=1e-9, atol=1e-10)
    if second:
        again = autograd.grad([sum((g * g).sum() for g in first)], xs)
        expected_again = torch.autograd.grad(sum((g * g).sum() for g in expected_first), ts)
        for g, e in zip(again, expected_again, strict=True):
            np.testing.assert_allclose(g.numpy(), e.numpy(), rtol=1e-8, atol=1e-8)


@pytest.mark.torch
@pytest.mark.parametrize(("name", "options"), LAYERS)
def test_layer_equals_torchs(name: str, options: dict[str, Any]) -> None:
    torch, ours, theirs = pair(name, options)
    batch_first = options.get("batch_first", False)
    data, states = normal(*((2, 5, 3) if batch_first else (5, 2, 3))), states_for(ours, 2)
    x, hs = Tensor(data, requires_grad=True), [Tensor(s, requires_grad=True) for s in states]
    t, js = torch.tensor(data, requires_grad=True), [torch.tensor(s, requires_grad=True) for s in states]
    ys = flat(ours(x, tuple(hs) if len(hs) > 1 else hs[0]))
    us = flat(theirs(t, tuple(js) if len(js) > 1 else js[0]))
    compare(torch, ys, us, [x, *hs, *ours.parameters()], [t, *js, *theirs.parameters()])
    single = data[0] if batch_first else data[:, 0]
    for y, u in zip(flat(ours(single)), flat(theirs(torch.tensor(single))), strict=True):
        np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=1e-10)


@pytest.mark.torch
@pytest.mark.parametrize(("name", "options"), [o for o in LAYERS if not o[1].get("batch_first")])
def test_sequences_of_different_lengths(name: str, options: dict[str, Any]) -> None:
    """Packed as torch packs them, and by `lengths=`: the same results, and those of each sequence on its own."""
    torch, ours, theirs = pair(name, options)
    data, lengths = normal(5, 3, 3), np.array([2, 5, 3])
    x, t = Tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)
    out, state = ours(x, lengths=lengths)
    packed = torch.nn.utils.rnn.pack_padded_sequence(t, torch.tensor(lengths), enforce_sorted=False)
    their_out, their_state = theirs(packed)
    padded, _ = torch.nn.utils.rnn.pad_packed_sequence(their_out)
    compare(
        torch, flat((out, state)), flat((padded, their_state)), [x, *ours.parameters()], [t, *theirs.parameters()], second=False
    )  # fmt: skip
    mine = sequences.pack_padded_sequence(x, lengths, enforce_sorted=False)
    again, packed_state = ours(mine)
    np.testing.assert_array_equal(mine.batch_sizes, packed.batch_sizes.numpy())
    np.testing.assert_allclose(mine.data.detach().numpy(), packed.data.detach().numpy())
    np.testing.assert_allclose(again.data.detach().numpy(), their_out.data.detach().numpy(), rtol=1e-10, atol=1e-12)
    for a, b in zip(flat((again.data, packed_state))[1:], flat((out, state))[1:], strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy())
    for b, n in enumerate(lengths):
        alone, _ = ours(data[:n, b])
        np.testing.assert_allclose(out.detach().numpy()[:n, b], alone.detach().numpy(), rtol=1e-10)
        assert not out.detach().numpy()[n:, b].any()
    (out * out).sum().backward()
    assert not x.grad.numpy()[2:, 0].any()


@pytest.mark.parametrize("with_drop", [False, True])
@pytest.mark.parametrize("with_lengths", [False, True])
@pytest.mark.parametrize("name", ["rnn", "relu", "lstm", "projected", "gru"])
def test_kernels_and_their_loops_agree_with_finite_differences(name: str, with_lengths: bool, with_drop: bool) -> None:
    gates, out = {"lstm": 4, "projected": 4, "gru": 3}.get(name, 1), 2 if name == "projected" else 3
    x, h, w_ih, w_hh = normal(3, 2, 2), normal(2, out), normal(gates * 3, 2), normal(gates * 3, out)
    biases = [normal(gates * 3), normal(gates * 3)]
    keep = (np.arange(3)[:, None] < np.array([3, 1]))[..., None].astype(float) if with_lengths else None
    drop = np.array([[0.0, 2.0, 2.0], [2.0, 0.0, 2.0]])[:, :out] if with_drop else None
    if name in ("rnn", "relu"):
        kind = "tanh" if name == "rnn" else "relu"
        f, args = (lambda *a: R.rnn(*a, keep, kind, drop)), (x, h, w_ih, w_hh, *biases)
    elif name == "gru":
        f, args = (lambda *a: R.gru(*a, keep, drop)), (x, h, w_ih, w_hh, *biases)
    else:
        w_hr = (normal(2, 3),) if name == "projected" else ()
        f = lambda *a: R.lstm(*a, *(() if w_hr else (None,)), keep, drop)
        args = (x, h, normal(2, 3), w_ih, w_hh, *biases, *w_hr)
    assert mg.gradcheck(f, *args)
    if name != "relu":
        assert mg.gradgradcheck(f, *args)


@pytest.mark.torch
@pytest.mark.parametrize("name", ["RNNCell", "LSTMCell", "GRUCell"])
def test_cell_equals_torchs_and_its_layer(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs, ours = getattr(torch.nn, name)(3, 4).double(), getattr(nn, name)(3, 4).double()
    ours.load_state_dict(theirs.state_dict())
    layer = getattr(nn, name.removesuffix("Cell"))(3, 4).double()
    layer.load_state_dict({f"{key}_l0": value for key, value in ours.state_dict().items()})
    data, state, expected = normal(5, 2, 3), None, None
    outputs, _ = layer(data)
    for step, whole in zip(data, outputs, strict=True):
        state, expected = ours(step, state), theirs(torch.tensor(step), expected)
        for a, b in zip(*(s if isinstance(s, tuple) else (s,) for s in (state, expected)), strict=True):
            np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-10)
        h = state[0] if isinstance(state, tuple) else state
        np.testing.assert_allclose(h.detach().numpy(), whole.detach().numpy(), rtol=1e-10)


def test_the_gru_of_the_paper() -> None:
    """The reset gate inside of the product: one step by hand."""
    layer = nn.GRU(2, 3, reset_after=False).double()
    x, h = normal(1, 1, 2), normal(1, 1, 3)
    w_ih, w_hh, b_ih, b_hh = (p.detach().numpy() for p in layer.parameters())
    sigmoid = lambda z: 1 / (1 + np.exp(-z))
    a = w_ih @ x[0, 0] + b_ih
    r = sigmoid(a[:3] + w_hh[:3] @ h[0, 0] + b_hh[:3])
    z = sigmoid(a[3:6] + w_hh[3:6] @ h[0, 0] + b_hh[3:6])
    n = np.tanh(a[6:] + w_hh[6:] @ (r * h[0, 0]) + b_hh[6:])
    out, _ = layer(x, h)
    np.testing.assert_allclose(out.detach().numpy()[0, 0], z * h[0, 0] + (1 - z) * n)
    assert mg.gradcheck(lambda v: layer(v, h)[0], x)


def test_dropout_between_layers_only_in_training() -> None:
    layer, x = nn.LSTM(3, 50, num_layers=2, dropout=0.5), normal(4, 2, 3)
    assert not np.array_equal(layer(x)[0].detach().numpy(), layer(x)[0].detach().numpy())
    layer.eval()
    np.testing.assert_array_equal(layer(x)[0].detach().numpy(), layer(x)[0].detach().numpy())


DROPPED: list[tuple[str, dict[str, Any]]] = [
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu", "bias": False}),
    ("LSTM", {}),
    ("LSTM", {"proj_size": 2}),
    ("GRU", {}),
    ("GRU", {"reset_after": False}),
]


@pytest.mark.parametrize(("name", "options"), DROPPED)
def test_recurrent_dropout_equals_a_loop_of_cells_with_one_mask(name: str, options: dict[str, Any]) -> None:
    """Outputs, the last state and all gradients; nothing is dropped in evaluation."""
    layer = getattr(nn, name)(3, 4, recurrent_dropout=0.5, **options).double()
    plain = getattr(nn, name)(3, 4, **options).double()
    plain.load_state_dict(layer.state_dict())
    data, firsts = normal(5, 2, 3), states_for(layer, 2)
    mg.random.manual_seed(4)
    mask = nn.functional.dropout(np.ones((2, layer.state_sizes()[0])), 0.5)
    assert set(mask.ravel()) == {0.0, 2.0}
    w = [getattr(layer, f"{part}_l0", None) for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")]
    state, outs = [Tensor(s[0]) for s in firsts], []
    for x in data:
        if name == "LSTM":
            state = list(R.lstm_cell(x, state[0] * mask, state[1], *w))
        elif name == "GRU":
            state = [R.gru_cell(x, state[0], *w[:4], layer.reset_after, mask)]
        else:
            state = [R.rnn_cell(x, state[0] * mask, *w[:4], layer.nonlinearity)]
        outs.append(state[0])
    expected = [mg.stack(outs), *(s[None] for s in state)]
    mg.random.manual_seed(4)
    given = [Tensor(s) for s in firsts]
    found = flat(layer(data, tuple(given) if len(given) > 1 else given[0]))
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), rtol=1e-12)
    weights = [normal(*y.shape) for y in found]
    parameters = list(layer.parameters())
    losses = [sum((y * y * v).sum() for y, v in zip(ys, weights, strict=True)) for ys in (found, expected)]
    mine, theirs = (autograd.grad([loss], parameters) for loss in losses)
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-10, atol=1e-12)
    layer.eval()
    np.testing.assert_array_equal(layer(data)[0].detach().numpy(), plain(data)[0].detach().numpy())


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_a_layer_pickled_before_there_was_recurrent_dropout_still_runs(kind: Any) -> None:
    layer, x = kind(3, 4), normal(5, 2, 3)
    before = layer(x)[0].detach().numpy()
    del vars(layer)["recurrent_dropout"]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(layer))(x)[0].detach().numpy(), before)
    assert "recurrent_dropout" not in repr(layer)


def test_the_gate_of_a_gru_keeps_what_recurrent_dropout_hides_from_the_products() -> None:
    layer = nn.GRU(2, 3, recurrent_dropout=1.0).double()
    x, h = normal(1, 1, 2), normal(1, 1, 3)
    w_ih, _, b_ih, b_hh = (p.detach().numpy() for p in layer.parameters())
    sigmoid = lambda z: 1 / (1 + np.exp(-z))
    r, z = (sigmoid((w_ih @ x[0, 0] + b_ih + b_hh)[part]) for part in (slice(3), slice(3, 6)))
    n = np.tanh(w_ih[6:] @ x[0, 0] + b_ih[6:] + r * b_hh[6:])
    np.testing.assert_allclose(layer(x, h)[0].detach().numpy()[0, 0], (1 - z) * n + z * h[0, 0])


def test_each_sequence_layer_and_direction_has_a_recurrent_mask_of_its_own() -> None:
    layer = nn.LSTM(3, 50, num_layers=2, bidirectional=True, recurrent_dropout=0.5)
    masks: list[np.ndarray] = []
    drawn = layer._drop
    layer._drop = lambda h: masks.append(drawn(h)) or masks[-1]
    same = np.repeat(normal(6, 1, 3), 2, axis=1)
    out = layer(same, lengths=[6, 6])[0].detach().numpy()
    assert [mask.shape for mask in masks] == [(2, 50)] * 4
    rows = np.concatenate(masks)
    assert len(np.unique(rows, axis=0)) == 8
    assert not np.array_equal(out[:, 0], out[:, 1])


def test_padding_and_packing() -> None:
    parts = [Tensor([1.0, 2.0, 3.0]), Tensor([4.0]), Tensor([5.0, 6.0])]
    padded = sequences.pad_sequence(parts, padding_value=-1.0)
    assert padded.T.tolist() == [[1.0, 2.0, 3.0], [4.0, -1.0, -1.0], [5.0, 6.0, -1.0]]
    packed = sequences.pack_sequence(parts, enforce_sorted=False)
    assert packed.data.tolist() == [1.0, 5.0, 4.0, 2.0, 6.0, 3.0]
    back, lengths = sequences.pad_packed_sequence(packed, batch_first=True, padding_value=-1.0, total_length=4)
    assert lengths.tolist() == [3, 1, 2]
    assert back.tolist() == [[1.0, 2.0, 3.0, -1.0], [4.0, -1.0, -1.0, -1.0], [5.0, 6.0, -1.0, -1.0]]
    assert mg.gradcheck(
        lambda x: sequences.pad_packed_sequence(sequences.pack_padded_sequence(x, [3, 1, 2], enforce_sorted=False))[0],
        normal(3, 3),
    )


def test_errors_say_what_to_do() -> None:
    layer = nn.LSTM(3, 4)
    with pytest.raises(ValueError, match="expected last axis 3"):
        layer(normal(5, 2, 2))
    with pytest.raises(ValueError, match=r"the first state is a pair \(h, c\) of shapes \(1, 2, 4\) and \(1, 2, 4\)"):
        layer(normal(5, 2, 3), (normal(1, 3, 4), normal(1, 2, 4)))
    with pytest.raises(ValueError, match="lengths .* do not fit 2 sequences of 5 steps"):
        layer(normal(5, 2, 3), lengths=[6, 1])
    with pytest.raises(ValueError, match="enforce_sorted=False"):
        sequences.pack_padded_sequence(normal(3, 2), [1, 3])
    with pytest.raises(ValueError, match="smaller than hidden_size"):
        nn.LSTM(3, 4, proj_size=4)
    with pytest.raises(ValueError, match="GRU: recurrent_dropout must be a number from 0 to 1, got 2"):
        nn.GRU(3, 4, recurrent_dropout=2)
    with pytest.raises(ValueError, match="'tanh' or 'relu'"):
        nn.RNN(3, 4, nonlinearity="sin")


@pytest.mark.torch
def test_clipping_equals_torchs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from nn import utils

    data = [normal(3, 4), normal(5)]
    for norm in (2.0, 1.0, np.inf):
        ours, theirs = [nn.Parameter(a.copy()) for a in data], [torch.nn.Parameter(torch.tensor(a)) for a in data]
        for p in (*ours, *theirs):
            (p * p).sum().backward()
        a = utils.clip_grad_norm_(ours, 0.7, norm)
        b = torch.nn.utils.clip_grad_norm_(theirs, 0.7, norm)
        np.testing.assert_allclose(a.item(), b.item())
        for p, q in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy())
    utils.clip_grad_value_(ours, 0.05)
    torch.nn.utils.clip_grad_value_(theirs, 0.05)
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy())
    vector = utils.parameters_to_vector(ours)
    utils.vector_to_parameters(vector * 2, ours)
    np.testing.assert_allclose(ours[1].detach().numpy(), 2 * data[1])
    ours[0].grad.data[0, 0] = np.nan
    with pytest.raises(RuntimeError, match="nan"):
        utils.clip_grad_norm_(ours, 1.0, error_if_nonfinite=True)
    with pytest.raises(ValueError, match="17 numbers are needed"):
        utils.vector_to_parameters(np.zeros(3), ours)


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("with_lengths", [False, True])
def test_kernels_run_on_the_stand_in_for_a_gpu(name: str, with_lengths: bool, stand_in: Any) -> None:
    """Forward and first order, as on the CPU."""
    gates = {"rnn": 1, "lstm": 4, "gru": 3}[name]
    arrays = [normal(3, 2, 2), normal(2, 3), normal(gates * 3, 2), normal(gates * 3, 3), normal(gates * 3), normal(gates * 3)]
    if name == "lstm":
        arrays.insert(2, normal(2, 3))
    mask = (np.arange(3)[:, None] < np.array([3, 1]))[..., None].astype(float)
    results = []
    for device in ("cpu", "cuda"):
        xs = [Tensor(a, requires_grad=True, device=device) for a in arrays]
        keep = Tensor(mask, device=device).data if with_lengths else None
        options = {"rnn": (keep, "tanh"), "lstm": (None, keep), "gru": (keep,)}[name]
        ys = getattr(R, name)(*xs, *options)
        grads = autograd.grad(list(ys), xs, [np.ones_like(y._array) for y in ys])
        results.append([t._array for t in (*ys, *grads)])
    for a, b in zip(*results, strict=True):
        assert type(b) is stand_in.ndarray
        np.testing.assert_allclose(b.get(), a, rtol=1e-12, atol=1e-14)


def test_states_of_the_wrong_number_say_what_is_wanted() -> None:
    x, h = Tensor(np.ones((5, 2, 3))), Tensor(np.ones((1, 2, 4)))
    with pytest.raises(ValueError, match=r"LSTM: the first state is a pair \(h, c\)"):
        nn.LSTM(3, 4)(x, h)
    with pytest.raises(ValueError, match=r"GRU: the first state is one tensor h"):
        nn.GRU(3, 4)(x, (h, h))
    with pytest.raises(ValueError, match=r"LSTMCell: the state is a pair \(h, c\)"):
        nn.LSTMCell(3, 4)(x[0], h[0])  # two rows: they could be taken for a pair
    with pytest.raises(ValueError, match=r"GRUCell: a state has shape \(4,\)"):
        nn.GRUCell(3, 4)(x[0], h[0, 0])


@pytest.mark.torch
@pytest.mark.parametrize("batch_first", [True, False])
def test_unpad_sequence_equals_torchs(batch_first: bool) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    sequences = [np.random.default_rng(0).normal(size=(n, 2)) for n in (3, 0, 2)]
    padded = nn.utils.rnn.pad_sequence([Tensor(s) for s in sequences], batch_first)
    back = nn.utils.rnn.unpad_sequence(padded, Tensor([3, 0, 2]), batch_first)
    theirs = torch.nn.utils.rnn.unpad_sequence(torch.tensor(padded.numpy()), torch.tensor([3, 0, 2]), batch_first)
    for ours, other, sequence in zip(back, theirs, sequences, strict=True):
        np.testing.assert_array_equal(ours.numpy(), sequence)
        np.testing.assert_array_equal(ours.numpy(), other.numpy())
    with pytest.raises(ValueError, match="do not fit 3 sequences of up to 3 steps"):
        nn.utils.rnn.unpad_sequence(padded, [4, 0, 2], batch_first)


def test_a_packed_sequence_has_an_element() -> None:
    """As in PyTorch."""
    with pytest.raises(ValueError, match="leave empty ones out"):
        nn.utils.rnn.pack_padded_sequence(np.ones((3, 2, 1)), [3, 0])


@pytest.mark.parametrize(
    ("sizes", "order", "message"),
    [
        ([10**9], None, "do not add up to the 6 rows"),
        ([2**62, 2**62, 2**62, 2**62], None, "do not add up to the 6 rows"),
        ([3, 2], None, "do not add up to the 6 rows"),
        ([1, 2, 3], None, "never grow"),
        ([3, 3, 0], None, "must be positive"),
        ([6.0], None, "positive integers"),
        ([], None, "positive integers"),
        ([[3, 3]], None, "positive integers"),
        ([3, 3], [0, 1, 3], "unsorted_indices must be an order of its 3 sequences"),
        ([3, 3], [0, 1, 1], "unsorted_indices must be an order of its 3 sequences"),
    ],
)
def test_a_packed_sequence_whose_parts_do_not_go_together_is_refused(sizes: Any, order: Any, message: str) -> None:
    packed = sequences.PackedSequence(Tensor(np.ones((6, 2))), np.array(sizes), None, order)
    for use in (sequences.pad_packed_sequence, nn.GRU(2, 3)):
        with pytest.raises(ValueError, match=message):
            use(packed)


def test_the_two_orders_of_a_packed_sequence_undo_each_other() -> None:
    packed = sequences.pack_padded_sequence(Tensor(np.arange(6.0).reshape(2, 3)), [1, 2, 2], enforce_sorted=False)
    padded, lengths = sequences.pad_packed_sequence(packed)
    assert lengths.tolist() == [1, 2, 2]
    again, _ = sequences.pad_packed_sequence(packed._replace(unsorted_indices=None))
    np.testing.assert_array_equal(again.numpy(), padded.numpy())
    with pytest.raises(ValueError, match="do not undo sorted_indices"):
        sequences.pad_packed_sequence(packed._replace(unsorted_indices=packed.sorted_indices))
