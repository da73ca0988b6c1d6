"""Attention and transformers, compared with PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, autograd
from nn import functional as F

rng = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return rng.normal(size=shape)


def compare(torch: Any, ours: Any, theirs: Any, xs: list[Any], ts: list[Any], y: Any, u: Any) -> None:
    np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=1e-9, atol=1e-11)
    w = normal(*y.shape)
    leaves, their_leaves = [*xs, *ours.parameters()], [*ts, *theirs.parameters()]
    first = autograd.grad([(y * y * w).sum()], leaves, create_graph=True)
    expected = torch.autograd.grad((u * u * torch.tensor(w)).sum(), their_leaves, create_graph=True)
    for g, e in zip(first, expected, strict=True):
        np.testing.assert_allclose(g.detach().numpy(), e.detach().numpy(), rtol=1e-8, atol=1e-10)
    second = autograd.grad([sum((g * g).sum() for g in first)], leaves)
    expected = torch.autograd.grad(sum((e * e).sum() for e in expected), their_leaves)
    for g, e in zip(second, expected, strict=True):
        np.testing.assert_allclose(g.numpy(), e.numpy(), rtol=1e-7, atol=1e-8)


@pytest.mark.torch
@pytest.mark.parametrize("mask", [None, "bool", "float", "causal"])
def test_scaled_dot_product_attention_equals_torchs(mask: str | None) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    arrays = [normal(2, 3, 4, 5), normal(2, 3, 6, 5), normal(2, 3, 6, 2)]
    given = {"bool": np.tril(np.ones((4, 6), bool), 2), "float": normal(4, 6)}.get(mask or "")
    options = {"is_causal": mask == "causal"}
    y = F.scaled_dot_product_attention(*map(Tensor, arrays), attn_mask=given, **options)
    u = torch.nn.functional.scaled_dot_product_attention(
        *map(torch.tensor, arrays), attn_mask=None if given is None else torch.tensor(given), **options
    )
    np.testing.assert_allclose(y.numpy(), u.numpy(), rtol=1e-10)
    assert mg.gradgradcheck(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, given, **options), *(a[0, 0] for a in arrays))


def test_a_floating_mask_has_a_gradient_and_a_boolean_one_none() -> None:
    q, k, v = normal(3, 4), normal(5, 4), normal(5, 2)
    attend = lambda m: F.scaled_dot_product_attention(q, k, v, attn_mask=m)
    assert mg.gradgradcheck(attend, normal(3, 5))
    hidden = np.where(np.tril(np.ones((3, 5), bool), 2), 0.0, -np.inf)
    slope = mg.grad(lambda m: np.sum(attend(m) ** 2))(hidden)
    assert np.any(slope[hidden == 0])
    assert not np.any(slope[hidden < 0])  # and no NaN
    np.testing.assert_allclose(attend(Tensor(hidden == 0)).numpy(), attend(Tensor(hidden)).numpy(), rtol=1e-12)


@pytest.mark.parametrize("name", ["attn_mask", "key_padding_mask"])
def test_masks_of_multihead_attention_have_gradients(name: str) -> None:
    layer, x = nn.MultiheadAttention(4, 2, batch_first=True).double(), normal(2, 3, 4)
    padded, hidden = np.array([[False] * 3, [False, False, True]]), np.triu(np.ones((3, 3), bool), 1)
    for shape in [(3, 3), (4, 3, 3)] if name == "attn_mask" else [(2, 3)]:
        for other in (None, hidden if name == "key_padding_mask" else padded):
            others = {({"attn_mask", "key_padding_mask"} - {name}).pop(): other}
            f = lambda m, others=others: layer(x, x, x, **{name: m}, **others)[0]
            assert mg.gradcheck(f, normal(*shape))
            assert np.any(mg.grad(lambda m, f=f: np.sum(f(m) ** 2))(np.zeros(shape)))
    encoder = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).double().eval()
    assert np.any(mg.grad(lambda m: np.sum(encoder(x, m) ** 2 * x))(np.zeros((3, 3))))


@pytest.mark.torch
@pytest.mark.parametrize("options", [{}, {"batch_first": True, "bias": False}, {"kdim": 3, "vdim": 2}])
def test_multihead_attention_equals_torchs(options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs, ours = torch.nn.MultiheadAttention(4, 2, **options).double(), nn.MultiheadAttention(4, 2, **options).double()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    shape = (2, 5) if options.get("batch_first") else (5, 2)
    other = (2, 6) if options.get("batch_first") else (6, 2)
    arrays = [normal(*shape, 4), normal(*other, options.get("kdim", 4)), normal(*other, options.get("vdim", 4))]
    xs, ts = [Tensor(a, requires_grad=True) for a in arrays], [torch.tensor(a, requires_grad=True) for a in arrays]
    y, weights = ours(*xs)
    u, their_weights = theirs(*ts)
    np.testing.assert_allclose(weights.detach().numpy(), their_weights.detach().numpy(), rtol=1e-9)
    compare(torch, ours, theirs, xs, ts, y, u)
    padding, hidden = np.arange(6) >= np.array([[6], [4]]), np.triu(np.ones((5, 6), bool), 2)
    each = np.repeat(hidden[None], 4, axis=0)
    for mask in (hidden, each):
        y, weights = ours(*xs, key_padding_mask=padding, attn_mask=mask, average_attn_weights=False)
        u, their_weights = theirs(
            *ts, key_padding_mask=torch.tensor(padding), attn_mask=torch.tensor(mask), average_attn_weights=False
        )
        np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(weights.detach().numpy(), their_weights.detach().numpy(), rtol=1e-9, atol=1e-12)
    single = [a[0] if options.get("batch_first") else a[:, 0] for a in arrays]
    y, u = ours(*map(Tensor, single), need_weights=False)[0], theirs(*map(torch.tensor, single), need_weights=False)[0]
    np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=1e-9)


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize("options", [{}, {"norm_first": True, "activation": "gelu", "batch_first": True}, {"bias": False}])
def test_the_whole_transformer_equals_torchs(options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs, ours = (n.Transformer(4, 2, 2, 1, 6, 0.0, **options).double() for n in (torch.nn, nn))
    assert set(ours.state_dict()) == set(theirs.state_dict())
    spread = np.sqrt(6 / (4 + 6))
    weight = ours.encoder.layers[1].linear1.weight
    assert 0.5 * spread < float(abs(weight).max()) < spread
    ours.load_state_dict(theirs.state_dict())
    arrays = [normal(5, 3, 4), normal(3, 3, 4)] if not options.get("batch_first") else [normal(3, 5, 4), normal(3, 3, 4)]
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    np.testing.assert_array_equal(mask, torch.nn.Transformer.generate_square_subsequent_mask(3).numpy())
    y = ours(*map(Tensor, arrays), tgt_mask=mask)
    u = theirs(*map(torch.tensor, arrays), tgt_mask=torch.tensor(mask, dtype=torch.float64))
    np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.torch
@pytest.mark.parametrize("options", [{}, {"norm_first": True, "activation": "gelu", "batch_first": True}, {"bias": False}])
def test_transformer_layers_equal_torchs(options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    arrays = [normal(3, 2, 4), normal(3, 2, 4)]
    for name, count in (("TransformerEncoderLayer", 1), ("TransformerDecoderLayer", 2)):
        theirs = getattr(torch.nn, name)(4, 2, 6, dropout=0.0, **options).double()
        ours = getattr(nn, name)(4, 2, 6, dropout=0.0, **options).double()
        assert set(ours.state_dict()) == set(theirs.state_dict())
        ours.load_state_dict(theirs.state_dict())
        keys = dict(theirs.named_parameters())
        theirs_in_order = [keys[name] for name, _ in ours.named_parameters()]
        xs, ts = ([make(a, requires_grad=True) for a in arrays[:count]] for make in (Tensor, torch.tensor))
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):  # the one that has second derivatives
            y, u = ours(*xs), theirs(*ts)

        class Ordered:
            def __init__(self, parameters: list[Any]) -> None:
                self.parameters = lambda: parameters

        compare(torch, ours, Ordered(theirs_in_order), xs, ts, y, u)
        stack = "TransformerEncoder" if count == 1 else "TransformerDecoder"
        kinds = {"enable_nested_tensor": False} if count == 1 else {}
        big = getattr(torch.nn, stack)(theirs, 2, norm=torch.nn.LayerNorm(4).double(), **kinds)
        mine = getattr(nn, stack)(ours, 2, nn.LayerNorm(4).double())
        mine.load_state_dict(big.state_dict())
        hidden = np.triu(np.ones((3, 3), bool) if not options.get("batch_first") else np.ones((2, 2), bool), 1)
        masks = (
            ({"mask": hidden}, {"mask": torch.tensor(hidden)})
            if count == 1
            else ({"tgt_mask": hidden}, {"tgt_mask": torch.tensor(hidden)})
        )
        np.testing.assert_allclose(
            mine(*xs, **masks[0]).detach().numpy(), big(*ts, **masks[1]).detach().numpy(), rtol=1e-9, atol=1e-11
        )  # fmt: skip


def test_causality() -> None:
    """What comes later changes nothing before it."""
    layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True).double()
    x = normal(1, 5, 4)
    y = layer(x, is_causal=True).detach().numpy()
    x[0, 3:] += 1.0
    z = layer(x, is_causal=True).detach().numpy()
    np.testing.assert_allclose(y[0, :3], z[0, :3])
    assert not np.allclose(y[0, 3:], z[0, 3:])


def test_attention_of_encoder_decoders() -> None:
    query, keys = normal(2, 3), normal(2, 5, 4)
    additive = nn.AdditiveAttention(3, 4, 6).double()
    context, weights = additive(Tensor(query), Tensor(keys), lengths=[5, 2])
    w, b = (p.detach().numpy() for p in additive.query_proj.parameters())
    u, v = additive.key_proj.weight.detach().numpy(), additive.energy.weight.detach().numpy()[0]
    scores = np.tanh((query @ w.T + b)[:, None] + keys @ u.T) @ v
    scores[1, 2:] = -np.inf
    expected = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    np.testing.assert_allclose(weights.detach().numpy(), expected)
    np.testing.assert_allclose(context.detach().numpy(), np.einsum("ns,nsh->nh", expected, keys))
    dot = nn.DotAttention(3, 4).double()
    _, weights = dot(Tensor(query), Tensor(keys))
    scores = np.einsum("nh,nsh->ns", query @ dot.proj.weight.detach().numpy().T, keys)
    np.testing.assert_allclose(weights.detach().numpy(), np.exp(scores) / np.exp(scores).sum(1, keepdims=True))
    assert mg.gradcheck(lambda q, k: nn.DotAttention()(q, k)[0], query, keys[..., :3])


def test_positions() -> None:
    x = normal(6, 8)
    turned = F.rotary_embedding(x)
    np.testing.assert_allclose(np.linalg.norm(turned, axis=-1), np.linalg.norm(x, axis=-1))
    a, b = normal(8), normal(8)
    rows = F.rotary_embedding(np.stack([a] * 6)), F.rotary_embedding(np.stack([b] * 6))
    np.testing.assert_allclose(rows[0][1] @ rows[1][3], rows[0][2] @ rows[1][4])  # the distance alone counts
    np.testing.assert_allclose(F.rotary_embedding(x[2:], offset=2), turned[2:])
    encoding = nn.PositionalEncoding(8, max_length=10)
    np.testing.assert_allclose(encoding(Tensor(x[None])).numpy()[0], x + F.sinusoidal_positions(6, 8), rtol=1e-6, atol=1e-6)
    with pytest.raises(ValueError, match="max_length is 10"):
        encoding(Tensor(np.zeros((1, 11, 8))))


def test_attention_without_features_is_the_mean_of_the_values() -> None:
    value = np.arange(8.0).reshape(1, 2, 4)
    out = F.scaled_dot_product_attention(np.ones((1, 3, 0)), np.ones((1, 2, 0)), value)
    np.testing.assert_allclose(out, np.broadcast_to(value.mean(1, keepdims=True), (1, 3, 4)))


@pytest.mark.parametrize("shapes", [((2, 3, 4), (2, 3, 5), (2, 3, 4)), ((2, 3, 4), (2, 7, 4), (2, 3, 4)), ((4,), (3, 4), (3, 4))])
def test_attention_names_the_shapes_that_do_not_fit(shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ValueError, match=r"attention: expected query \(\.\.\., L, E\)"):
        F.scaled_dot_product_attention(*map(np.ones, shapes))


@pytest.mark.torch
@pytest.mark.parametrize("mask", [None, "bool", "causal"])
def test_grouped_queries_equal_torchs(mask: str | None) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    arrays = [normal(2, 6, 4, 5), normal(2, 2, 4, 5), normal(2, 2, 4, 3)]
    given = np.tril(np.ones((4, 4), bool), 1) if mask == "bool" else None
    options = {"is_causal": mask == "causal", "enable_gqa": True}
    xs, ts = [Tensor(a, requires_grad=True) for a in arrays], [torch.tensor(a, requires_grad=True) for a in arrays]
    y = F.scaled_dot_product_attention(*xs, attn_mask=given, **options)
    u = torch.nn.functional.scaled_dot_product_attention(*ts, attn_mask=None if given is None else torch.tensor(given), **options)
    np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=1e-10)
    w = normal(*y.shape)
    expected = torch.autograd.grad(u, ts, torch.tensor(w))
    for g, e in zip(autograd.grad([y], xs, [w]), expected, strict=True):
        np.testing.assert_allclose(g.numpy(), e.numpy(), rtol=1e-8, atol=1e-11)


def test_grouped_queries_need_heads_that_divide() -> None:
    with pytest.raises(ValueError, match="enable_gqa needs"):
        F.scaled_dot_product_attention(normal(1, 3, 2, 4), normal(1, 2, 2, 4), normal(1, 2, 2, 4), enable_gqa=True)
    with pytest.raises(ValueError, match="enable_gqa needs"):
        F.scaled_dot_product_attention(normal(2, 4), normal(2, 4), normal(2, 4), enable_gqa=True)


@pytest.mark.torch
@pytest.mark.parametrize("bias_kv", [True, False])
@pytest.mark.parametrize("zeros", [True, False])
@pytest.mark.parametrize("options", [{}, {"kdim": 3, "vdim": 2, "batch_first": True}])
def test_more_keys_of_multihead_attention_equal_torchs(bias_kv: bool, zeros: bool, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs, ours = (
        n.MultiheadAttention(4, 2, add_bias_kv=bias_kv, add_zero_attn=zeros, **options).double() for n in (torch.nn, nn)
    )
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    first = options.get("batch_first", False)
    arrays = [normal(3, 2, 4), normal(5, 2, options.get("kdim", 4)), normal(5, 2, options.get("vdim", 4))]
    arrays = [a.swapaxes(0, 1).copy() for a in arrays] if first else arrays
    padding, hidden = np.arange(5) >= np.array([[5], [3]]), np.triu(np.ones((3, 5), bool), 2)
    for masks in ({}, {"key_padding_mask": padding, "attn_mask": hidden}, {"attn_mask": np.repeat(hidden[None], 4, 0)}):
        xs, ts = [Tensor(a, requires_grad=True) for a in arrays], [torch.tensor(a, requires_grad=True) for a in arrays]
        y, weights = ours(*xs, **masks)
        u, their_weights = theirs(*ts, **{k: torch.tensor(m) for k, m in masks.items()})
        np.testing.assert_allclose(weights.detach().numpy(), their_weights.detach().numpy(), rtol=1e-9, atol=1e-12)
        compare(torch, ours, theirs, xs, ts, y, u)


def test_a_query_may_look_at_the_learned_key_alone() -> None:
    layer, x = nn.MultiheadAttention(4, 2, add_bias_kv=True, batch_first=True).double(), normal(1, 3, 4)
    _, weights = layer(x, x, x, key_padding_mask=np.ones((1, 3), bool))
    np.testing.assert_allclose(weights.detach().numpy()[0], [[0, 0, 0, 1]] * 3)


def test_stacks_of_your_own_take_their_places_in_a_transformer() -> None:
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, 0.0), 1, enable_nested_tensor=False)
    model = nn.Transformer(4, 2, custom_encoder=encoder, num_decoder_layers=1, dim_feedforward=8)
    assert model.encoder is encoder
    assert model(np.ones((5, 1, 4)), np.ones((3, 1, 4)), memory_is_causal=True).shape == (3, 1, 4)


def test_one_array_may_be_both_masks() -> None:
    x = np.random.default_rng(0).normal(size=(3, 3, 4)).astype(np.float32)
    layer, mask = nn.MultiheadAttention(4, 2, batch_first=True), np.triu(np.ones((3, 3), bool), 1)
    both, apart = (layer(x, x, x, key_padding_mask=m, attn_mask=mask)[0].tolist() for m in (mask, mask.copy()))
    assert both == apart


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("key_padding_mask", (3, 2), r"key_padding_mask has shape \(3, 2\), expected \(N, S\) = \(2, 3\)"),
        ("key_padding_mask", (2, 4), r"key_padding_mask has shape \(2, 4\)"),
        ("attn_mask", (2, 3), r"attn_mask has shape \(2, 3\), expected \(L, S\) = \(3, 3\), or \(N heads, L, S\) = \(4, 3, 3\)"),
        ("attn_mask", (3, 3, 3), r"attn_mask has shape \(3, 3, 3\)"),
    ],
)
def test_a_mask_that_does_not_fit_says_which_shape_it_should_have(name: str, shape: tuple[int, ...], words: str) -> None:
    x = np.ones((3, 2, 4), np.float32)  # (T, N, F)
    with pytest.raises(ValueError, match=words):
        nn.MultiheadAttention(4, 2)(x, x, x, **{name: np.zeros(shape, bool)})
