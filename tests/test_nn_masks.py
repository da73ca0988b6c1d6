"""What lies behind a mask has no influence on a network: no value of it, NaN and infinity neither, forward and backward.

Each case makes a function of one input and says which places of it are hidden.  With anything there, all results, and the
gradients of the input, of the parameters, and of what the input was computed from, are those with 0 there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nn
import nn.functional as F
from minigrad import Tensor, grad, no_grad
from minigrad.random import manual_seed

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

#: (parameters, function of the input, its shape, which places are hidden)
Case = tuple[list[Any], Callable[[Any], Any], tuple[int, ...], Any]

LENGTHS = np.array([4, 2, 1])
PADDED = np.arange(4) >= LENGTHS[:, None]  # (3, 4), True behind the ends
LOOK = np.array([[True, False, False], [True, True, False], [False, False, True]])  # (L, S)


def _all(results: Any) -> list[Any]:
    if isinstance(results, (tuple, list)):
        return [y for part in results for y in _all(part)]
    return [] if results is None else [results]


def _recurrent(cls: Any, **options: Any) -> Case:
    layer = cls(3, 5, batch_first=True, **options)
    return list(layer.parameters()), lambda x: layer(x, lengths=LENGTHS), (3, 4, 3), PADDED


def _steps_first(cls: Any) -> Case:
    layer = cls(3, 5)
    return list(layer.parameters()), lambda x: layer(x, lengths=LENGTHS), (4, 3, 3), PADDED.T


def _keys(layer: Any, query: Any, **options: Any) -> Case:
    call = lambda x: layer(query, x, x, **options)
    return list(layer.parameters()), call, (3, 4, 4), PADDED


def _attention(form: str) -> Case:
    query, layer = np.ones((3, 2, 4), "f"), nn.MultiheadAttention(4, 2, batch_first=True, add_zero_attn=form == "zero")
    hidden = np.repeat(np.where(PADDED, -np.inf, 0.0)[:, None], 2, axis=1).repeat(2, axis=0)  # (N heads, L, S)
    masks: dict[str, Any] = {
        "padding": {"key_padding_mask": PADDED},
        "zero": {"key_padding_mask": PADDED},
        "floating padding": {"key_padding_mask": np.where(PADDED, -np.inf, 0.5)},
        "boolean": {"attn_mask": np.isinf(hidden)},
        "floating": {"attn_mask": hidden},
        "both": {"attn_mask": np.zeros((2, 4)), "key_padding_mask": PADDED},
        "weights of heads": {"key_padding_mask": PADDED, "average_attn_weights": False},
        "padding and no weights": {"key_padding_mask": PADDED, "need_weights": False},
    }
    return _keys(layer, query, **masks[form])


def _products(mask: Any, what: str) -> Case:
    hidden, fine = np.array([False, False, True]), np.arange(12.0, dtype="f").reshape(3, 4) / 12
    hidden = hidden | ~np.any(np.asarray(mask))  # where no key is seen, all are hidden
    keys = (lambda x: (x, fine)) if what == "key" else (lambda x: (fine, x))
    return [], lambda x: F.scaled_dot_product_attention(fine, *keys(x), mask), (3, 4), hidden


def _one_query(what: str, mask: Any, **options: Any) -> Case:
    """Each query may look at some: of the first two, none may look at the last key."""
    fine = np.arange(12.0, dtype="f").reshape(3, 4) / 12
    keys = (lambda x: (x, fine)) if what == "key" else (lambda x: (fine, x))
    attend = lambda x: F.scaled_dot_product_attention(fine, *keys(x), mask, **options)[:2]
    return [], attend, (3, 4), np.array([False, False, True])


def _of_steps(layer: Any, size: int) -> Case:
    query = np.ones((3, size), "f")
    return list(layer.parameters()), lambda x: layer(query, x, LENGTHS), (3, 4, 4), PADDED


def _encoder(layers: int, **options: Any) -> Case:
    layer: Any = nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True, **options)
    model = nn.TransformerEncoder(layer, layers, nn.LayerNorm(4))
    return list(model.parameters()), lambda x: model(x, src_key_padding_mask=PADDED)[~PADDED], (3, 4, 4), PADDED


def _decoder(hidden: str) -> Case:
    layer, fine = nn.TransformerDecoderLayer(4, 2, 8, 0.0, batch_first=True), np.ones((3, 4, 4), "f")
    if hidden == "memory":
        return list(layer.parameters()), lambda x: layer(fine, x, memory_key_padding_mask=PADDED), (3, 4, 4), PADDED
    call = lambda x: layer(x, fine, tgt_key_padding_mask=PADDED)[~PADDED]
    return list(layer.parameters()), call, (3, 4, 4), PADDED


def _causal_decoder() -> Case:
    layer, fine = nn.TransformerDecoderLayer(4, 2, 8, 0.0, batch_first=True), np.ones((1, 4, 4), "f")
    call = lambda x: layer(x, fine, tgt_is_causal=True)[:, :2]
    return list(layer.parameters()), call, (1, 4, 4), np.array([[False, False, True, True]])


def _ignoring(loss: Callable[..., Any], **options: Any) -> Case:
    target = np.array([0, -100, 2, -100])
    return [], lambda x: loss(x, target, **options), (4, 3), target < 0


def _log_p(x: Any, target: Any, **options: Any) -> Any:
    return F.nll_loss(F.log_softmax(x, axis=1), target, **options)


def _pixels() -> Case:
    target = np.array([[0, -100], [1, 2]])
    loss = lambda x: F.cross_entropy(np.moveaxis(x, -1, 1), target)
    return [], loss, (2, 2, 3), target < 0


def _ctc(packed: bool) -> Case:
    labels = np.array([1, 2, 1, 2]) if packed else np.array([[1, 2], [1, -1], [2, -1]])
    loss = lambda x: F.ctc_loss(np.moveaxis(F.log_softmax(x, axis=-1), 1, 0), labels, LENGTHS, np.array([2, 1, 1]))
    return [], loss, (3, 4, 3), PADDED


def _bags(mode: str, **options: Any) -> Case:
    indices = np.array([[0, 2], [2, 1]])
    return [], lambda x: F.embedding_bag(indices, x, mode=mode, padding_idx=2, **options), (3, 2), np.arange(3) == 2


CASES: dict[str, Callable[[], Case]] = {
    "RNN": lambda: _recurrent(nn.RNN),
    "RNN relu": lambda: _recurrent(nn.RNN, nonlinearity="relu"),
    "RNN both ways": lambda: _recurrent(nn.RNN, bidirectional=True, num_layers=2),
    "RNN steps first": lambda: _steps_first(nn.RNN),
    "LSTM": lambda: _recurrent(nn.LSTM),
    "LSTM both ways": lambda: _recurrent(nn.LSTM, bidirectional=True, num_layers=2),
    "LSTM with a projection": lambda: _recurrent(nn.LSTM, proj_size=2),
    "LSTM steps first": lambda: _steps_first(nn.LSTM),
    "GRU": lambda: _recurrent(nn.GRU),
    "GRU both ways": lambda: _recurrent(nn.GRU, bidirectional=True, num_layers=2),
    "GRU of the paper": lambda: _recurrent(nn.GRU, reset_after=False),
    "GRU steps first": lambda: _steps_first(nn.GRU),
    **{
        f"MultiheadAttention, {form}": lambda form=form: _attention(form)  # type: ignore[misc]
        for form in ("padding", "zero", "floating padding", "boolean", "floating", "both", "weights of heads",
                     "padding and no weights")
    },
    **{
        f"attention, {name} mask, {what}": lambda mask=mask, what=what: _products(mask, what)  # type: ignore[misc]
        for what in ("key", "value")
        for name, mask in (
            ("boolean", np.array([[True, True, False]] * 3)),
            ("boolean (S,)", np.array([True, True, False])),
            ("of nothing seen", np.zeros((3, 3), bool)),
            ("floating", np.array([[0.0, 0.0, -np.inf]] * 3, "f")),
            ("added", np.array([[0.5, 0.1, -np.inf]] * 3, "f")),
        )
    },
    **{
        f"attention of some queries, {what}": lambda what=what: _one_query(what, LOOK)  # type: ignore[misc]
        for what in ("key", "value")
    },
    **{
        f"causal attention, {what}": lambda what=what: _one_query(what, None, is_causal=True)  # type: ignore[misc]
        for what in ("key", "value")
    },
    "DotAttention": lambda: _of_steps(nn.DotAttention(), 4),
    "DotAttention with weights": lambda: _of_steps(nn.DotAttention(3, 4), 3),
    "AdditiveAttention": lambda: _of_steps(nn.AdditiveAttention(3, 4, 5), 3),
    "encoder": lambda: _encoder(1),
    "encoder, norm first": lambda: _encoder(2, norm_first=True),
    "encoder of three layers": lambda: _encoder(3),
    "decoder, memory": lambda: _decoder("memory"),
    "decoder, target": lambda: _decoder("target"),
    "decoder, causal": _causal_decoder,
    "cross_entropy": lambda: _ignoring(F.cross_entropy),
    "cross_entropy, sum": lambda: _ignoring(F.cross_entropy, reduction="sum"),
    "cross_entropy, none": lambda: _ignoring(F.cross_entropy, reduction="none"),
    "cross_entropy, smooth": lambda: _ignoring(F.cross_entropy, label_smoothing=0.1),
    "cross_entropy, weights": lambda: _ignoring(F.cross_entropy, weight=np.array([1.0, 2.0, 3.0], "f")),
    "cross_entropy of pixels": _pixels,
    "nll_loss": lambda: _ignoring(_log_p),
    "nll_loss, weights": lambda: _ignoring(_log_p, weight=np.array([1.0, 2.0, 3.0], "f")),
    "ctc_loss": lambda: _ctc(False),
    "ctc_loss, labels in a row": lambda: _ctc(True),
    "embedding_bag, sum": lambda: _bags("sum"),
    "embedding_bag, mean": lambda: _bags("mean"),
    "embedding_bag, max": lambda: _bags("max"),
    "embedding_bag, weights": lambda: _bags("sum", per_sample_weights=np.ones((2, 2), "f")),
}  # fmt: skip


def _results(case: Case, x: np.ndarray, root: bool) -> tuple[list[Any], list[Any]]:
    """The results, and the gradients of their squares: of the input, of the parameters, and of a matrix below."""
    parameters, f, _, _ = case
    start = Tensor(x, requires_grad=True)
    below = Tensor(np.eye(x.shape[-1], dtype=x.dtype), requires_grad=True)
    for p in parameters:
        p.grad = None
    given = np.sqrt(start) if root else start @ below
    results = _all(f(given))
    sum((y * y).sum() for y in results if y.requires_grad).backward()
    leaves = [start, *([] if root else [below]), *parameters]
    return [y.numpy() if not y.requires_grad else y.detach().numpy() for y in results], [
        None if p.grad is None else p.grad.numpy() for p in leaves
    ]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_hidden_has_no_influence(name: str, bad: float) -> None:
    manual_seed(0)
    case = CASES[name]()
    _, _, shape, hidden = case
    x = np.random.default_rng(0).uniform(0.5, 1.5, shape).astype("f")
    x[hidden] = 0.0
    fine = _results(case, x, root=False)
    x[hidden] = bad
    spoiled = _results(case, x, root=False)
    for a, b in zip(fine[0] + fine[1], spoiled[0] + spoiled[1], strict=True):
        if a is not None:
            assert np.all(np.isfinite(a))
            np.testing.assert_allclose(b, a, rtol=2e-5, atol=1e-6)
    assert not np.any(spoiled[1][0][hidden])


@pytest.mark.parametrize("name", CASES)
def test_a_slope_that_is_infinite_below_what_is_hidden_sends_nothing(name: str) -> None:
    manual_seed(0)
    case = CASES[name]()
    _, _, shape, hidden = case
    x = np.random.default_rng(0).uniform(0.5, 1.5, shape).astype("f")
    x[hidden] = 1.0
    _, fine = _results(case, x, root=True)
    x[hidden] = 0.0  # where the root's slope is infinite
    _, spoiled = _results(case, x, root=True)
    assert not np.any(spoiled[0][hidden])
    assert all(np.all(np.isfinite(g)) for g in spoiled if g is not None)
    assert np.all(hidden) or np.any(fine[0][~hidden])


@pytest.mark.parametrize("name", CASES)
def test_a_second_derivative_does_not_see_what_is_hidden(name: str) -> None:
    manual_seed(0)
    _, f, shape, hidden = CASES[name]()

    def loss(x: Any) -> Any:
        return sum((y * y).sum() for y in _all(f(x)))

    def of_slopes(x: Any) -> Any:
        return (grad(loss)(x) ** 2).sum()

    x = np.random.default_rng(0).uniform(0.5, 1.5, shape).astype("f")
    x[hidden] = 0.0
    fine = grad(of_slopes)(x)
    x[hidden] = np.nan
    np.testing.assert_allclose(grad(of_slopes)(x), fine, rtol=1e-3, atol=1e-5)


def test_what_is_not_hidden_is_as_it_was() -> None:
    x = np.ones((3, 4, 3), "f")
    x[1, 1] = np.nan
    with no_grad():
        out, h = nn.GRU(3, 5, batch_first=True)(x, lengths=LENGTHS)
        seen = F.scaled_dot_product_attention(x[1], x[1], x[1], np.tril(np.ones((4, 4), bool)))
    assert np.isnan(out.numpy()[1, 1]).all()
    assert np.isnan(h.numpy()[0, 1]).all()
    np.testing.assert_array_equal(np.isnan(seen).all(1), [False, True, True, True])


def test_a_margin_loss_does_not_compare_a_class_with_itself() -> None:
    x = Tensor(np.array([[1.0, np.inf, 2.0]]), requires_grad=True)
    for loss in (F.multi_margin_loss(x, np.array([1])), F.multilabel_margin_loss(x, np.array([[1, -1, -1]]))):
        assert loss.item() == 0.0
        x.grad = None
        loss.backward()
        np.testing.assert_array_equal(x.grad, np.zeros((1, 3)))


def test_an_ordinary_loss_is_no_mask() -> None:
    logits = Tensor(np.ones((2, 3)), requires_grad=True)
    op = F.cross_entropy(logits, np.array([0, 1]))._node.op  # type: ignore[union-attr]
    assert not op.masks(np.array([0, 1]), -100)
    assert op.masks(np.array([0, -100]), -100)
