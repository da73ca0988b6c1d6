"""Layers and losses of nothing, of one, without a batch, of memory in another order: what PyTorch gives, or an error.

Each layer of `test_layers.LAYERS`, and some more, meets inputs of odd shapes.  Where PyTorch has an answer, so has the
layer, with the same shape, values and gradients.  Where PyTorch refuses, the layer refuses too, or has an answer without NaN.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, autograd
from nn import functional as F

from .test_layers import LAYERS

rng = np.random.default_rng(5)
pytestmark = pytest.mark.filterwarnings("ignore")


def normal(*shape: int) -> np.ndarray:
    return rng.normal(size=shape)


MORE: list[tuple[str, tuple, dict, tuple[int, ...]]] = [
    *((name, (), {"axis": -1}, (3, 4)) for name in ("Softmax", "LogSoftmax", "Softmin")),
    ("Softmax2d", (), {}, (2, 3, 2, 2)),
    ("RNN", (3, 4), {}, (5, 2, 3)),
    ("LSTM", (3, 4), {"proj_size": 2}, (5, 2, 3)),
    ("LSTM", (3, 4), {"batch_first": True, "bidirectional": True, "num_layers": 2}, (2, 5, 3)),
    ("GRU", (3, 4), {"bias": False}, (5, 2, 3)),
    *((name, (3, 4), {}, (2, 3)) for name in ("RNNCell", "LSTMCell", "GRUCell")),
    ("TransformerEncoderLayer", (4, 2, 8, 0.0), {"batch_first": True}, (2, 3, 4)),
    ("TransformerEncoderLayer", (4, 2, 8, 0.0), {}, (3, 2, 4)),
    ("ChannelShuffle", (2,), {}, (2, 4, 3)),
    ("FractionalMaxPool2d", (2,), {"output_size": (1, 1)}, (2, 2, 2, 2)),
    ("Dropout", (0.0,), {}, (3, 4)),
    ("AlphaDropout", (0.0,), {}, (3, 4)),
    ("ReflectionPad1d", (1,), {}, (2, 2, 3)),
    ("CircularPad1d", (1,), {}, (2, 2, 3)),
    ("LPPool3d", (2.0, 2), {}, (1, 2, 2, 2, 2)),
    ("BatchNorm2d", (3,), {"bias": False}, (2, 3, 4, 2)),
    ("GroupNorm", (2, 4), {"bias": False}, (2, 4, 3, 2)),
    ("InstanceNorm1d", (3,), {"affine": True, "bias": False}, (2, 3, 5)),
    ("InstanceNorm2d", (3,), {}, (2, 3, 4, 2)),
]
#: Where PyTorch's answer is not followed: a number of channels that is not the layer's, and 0 in place of NaN.
NOT_FOLLOWED = {
    ("BatchNorm", "no channels"), ("BatchNorm", "no length"), ("GroupNorm", "no length"), ("InstanceNorm", "no channels"),
}  # fmt: skip


def shapes(shape: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "as it is", shape
    yield "empty batch", (0, *shape[1:])
    yield "batch of one", (1, *shape[1:])
    yield "no batch", shape[1:]
    yield "no length", (*shape[:-1], 0)
    yield "no channels", (shape[0], 0, *shape[2:])
    yield "one element", (1,) * len(shape)
    yield "a number", ()
    yield "a row of one", (1,)
    yield "a row of none", (0,)


def answer(result: Any) -> Any:
    while isinstance(result, tuple):
        result = result[0]
    return result


def compare(torch: Any, ours: Any, theirs: Any, xs: list[Any], ts: list[Any], label: tuple[str, str]) -> None:
    """Values and gradients of two functions; where theirs raises, ours raises or gives numbers."""
    try:
        u = answer(theirs())
        weights = rng.normal(size=tuple(u.shape))
        expected = torch.autograd.grad(u, ts, torch.tensor(weights), allow_unused=True)
    except (RuntimeError, ValueError, IndexError, TypeError, NotImplementedError, AssertionError):
        with np.errstate(all="ignore"):
            try:
                y = answer(ours())
            except (ValueError, TypeError, IndexError):
                return
        assert not np.isnan(y.detach().numpy()).any()
        return
    if label in NOT_FOLLOWED:
        return
    with np.errstate(all="ignore"):
        y = answer(ours())
        assert y.shape == tuple(u.shape)
        np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=1e-8, atol=1e-8)
        found = autograd.grad([y], xs, [weights], allow_unused=True)
    for got, want in zip(found, expected, strict=True):
        if got is None or want is None:
            assert not np.any((0.0 if got is None else got.numpy()) + (0.0 if want is None else want.numpy()))
        else:
            assert got.shape == tuple(want.shape)
            np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-7, atol=1e-7)


@pytest.mark.torch
@pytest.mark.parametrize(("name", "args", "options", "shape"), [*LAYERS, *MORE])
def test_layers_of_odd_shapes_answer_as_torchs(name: str, args: tuple, options: dict, shape: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    tensors = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    their_options = {"dim" if k == "axis" else k: v for k, v in tensors.items()}
    theirs = getattr(torch.nn, name)(*args, **their_options).double()
    ours = getattr(nn, name)(*args, **options).double()
    ours.load_state_dict(theirs.state_dict())
    family = name.rstrip("123d") if "Norm" in name else name
    for label, odd in shapes(shape):
        data = rng.normal(size=odd) + (2.0 if name.startswith("LP") else 0.0)
        for order in "CF":
            given = np.asarray(data, order=order)  # type: ignore[call-overload]
            x, t = Tensor(given, requires_grad=True), torch.tensor(given, requires_grad=True)
            leaves = ([x, *ours.parameters()], [t, *theirs.parameters()])
            compare(torch, lambda x=x: ours(x), lambda t=t: theirs(t), *leaves, (family, label))
    for key, value in ours.state_dict().items():  # running statistics of the batches above
        if key.startswith("running"):
            assert np.isfinite(value.numpy()).all()


def losses() -> Iterator[tuple[str, tuple[np.ndarray, ...], dict[str, Any]]]:
    """Each loss with inputs of odd shapes, and each reduction."""
    signs = lambda s: rng.choice([-1.0, 1.0], size=s).astype(int)
    share = lambda s: rng.uniform(0.1, 0.9, s)
    one = normal
    for s in ((4, 3), (1, 1), (0, 3), (4, 0), (3,), (), (0,), (2, 3, 2)):
        a, b, c = one(*s), one(*s), one(*s)
        for r in ("mean", "sum", "none"):
            for name in ("l1_loss", "mse_loss", "smooth_l1_loss", "huber_loss"):
                yield name, (a, b), {"reduction": r}
            yield "binary_cross_entropy", (share(s), share(s)), {"reduction": r}
            yield "binary_cross_entropy_with_logits", (a, share(s)), {"reduction": r}
            yield "kl_div", (a, share(s)), {"reduction": "batchmean" if r == "sum" else r}
            yield "poisson_nll_loss", (a, 3 * share(s)), {"reduction": r, "full": True}
            yield "gaussian_nll_loss", (a, b, share(s)), {"reduction": r}
            yield "soft_margin_loss", (a, signs(s)), {"reduction": r}
            yield "hinge_embedding_loss", (a, signs(s)), {"reduction": r}
            yield "margin_ranking_loss", (a, b, signs(s)), {"reduction": r}
            yield "multilabel_soft_margin_loss", (a, share(s)), {"reduction": r}
            yield "triplet_margin_loss", (a, b, c), {"reduction": r}
            yield "cosine_embedding_loss", (a, b, signs(s[:-1])), {"reduction": r}
        yield "pairwise_distance", (a, b), {}
        yield "cosine_similarity", (a, b), {"axis": -1}
        for p in (1.0, 2.0, 3.0):
            yield "normalize", (a, np.array(p)), {"axis": -1}
            yield "normalize", (a * 0, np.array(p)), {"axis": -1}
    for s, t in (((4, 3), (4,)), ((0, 3), (0,)), ((3,), ()), ((2, 3, 0), (2, 0)), ((2, 3, 4), (2, 4))):
        for r in ("mean", "sum", "none"):
            for name in ("cross_entropy", "nll_loss"):
                yield name, (one(*s), rng.integers(0, 3, t)), {"reduction": r}
            yield "cross_entropy", (one(*s), rng.integers(0, 3, t)), {"reduction": r, "label_smoothing": 0.1}
            yield "cross_entropy", (one(*s), share(s)), {"reduction": r}


@pytest.mark.torch
def test_losses_of_odd_shapes_answer_as_torchs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    count = 0
    for name, arrays, options in losses():
        xs = [Tensor(a, requires_grad=a.dtype.kind == "f" and a.ndim + len(arrays) > 0) for a in arrays]
        ts = [torch.tensor(a, requires_grad=x.requires_grad) for a, x in zip(arrays, xs, strict=True)]
        if name == "normalize":
            xs[1], ts[1] = float(arrays[1]), float(arrays[1])
        theirs = {"dim" if k == "axis" else k: v for k, v in options.items()}
        leaves = [[v for v in vs if getattr(v, "requires_grad", False)] for vs in (xs, ts)]
        if name == "soft_margin_loss":
            ts[1] = ts[1].double()
        ours, other = getattr(F, name), getattr(torch.nn.functional, name)
        try:
            compare(
                torch,
                lambda f=ours, xs=xs, o=options: f(*xs, **o),
                lambda f=other, ts=ts, o=theirs: f(*ts, **o),
                *leaves, (name, ""),
            )  # fmt: skip
        except Exception as error:
            error.add_note(f"{name} of shapes {[a.shape for a in arrays]}, {options}")
            raise
        count += 1
    assert count > 300


# ------------------------------------------------------------------------------ behind a mask


def test_ignored_targets_send_no_gradient_and_take_no_nan() -> None:
    logits = normal(3, 4)
    logits[1] = np.nan
    target, weight = np.array([2, -100, 0]), np.array([1.0, 2.0, 0.5, 1.5])
    for options in ({}, {"weight": weight}, {"label_smoothing": 0.1}, {"reduction": "sum"}, {"reduction": "none"}):
        x = Tensor(logits, requires_grad=True)
        loss = F.cross_entropy(x, target, **options)
        kept = F.cross_entropy(logits[[0, 2]], target[[0, 2]], **options)
        np.testing.assert_allclose(np.sum(loss).item(), np.sum(kept).item())
        np.sum(loss).backward()
        assert np.isfinite(x.grad.numpy()).all()
        assert not x.grad.numpy()[1].any()
    x = Tensor(logits, requires_grad=True)
    F.nll_loss(x, target).backward()
    np.testing.assert_allclose(x.grad.numpy()[1], 0)


@pytest.mark.parametrize("weight", [None, np.array([1.0, 2.0, 0.5])])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_batch_of_ignored_targets_has_a_mean_of_nan_and_a_gradient_of_0(weight: Any, smoothing: float) -> None:
    x, none = Tensor(normal(2, 3), requires_grad=True), np.array([-100, -100])
    w = None if weight is None else Tensor(weight, requires_grad=True)
    with np.errstate(all="ignore"):
        for f in (F.nll_loss, lambda *a, **o: F.cross_entropy(*a, **o, label_smoothing=smoothing)):
            loss = f(x, none, weight=w)
            assert np.isnan(loss.item())
            for g in autograd.grad([loss], [x] if w is None else [x, w], allow_unused=True):
                assert g is None or not np.any(g.numpy())


FULL = np.array([[True, True, False], [False, False, False]])


@pytest.mark.parametrize("mask", [FULL, np.where(FULL, 0.3, -np.inf), FULL[None, None]])
def test_a_query_that_sees_nothing_gives_0(mask: np.ndarray) -> None:
    q, k, v = normal(1, 2, 2, 4), normal(1, 2, 3, 4), normal(1, 2, 3, 5)
    attend = lambda *x: F.scaled_dot_product_attention(*x, attn_mask=mask)
    out = attend(q, k, v)
    assert not out[..., 1, :].any()
    seen = F.scaled_dot_product_attention(q[..., :1, :], k[..., :2, :], v[..., :2, :])
    np.testing.assert_allclose(out[..., 0, :], seen[..., 0, :])
    assert mg.gradgradcheck(attend, q, k, v)


@pytest.mark.torch
def test_a_query_that_sees_nothing_has_torchs_gradient() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    arrays = [normal(1, 2, 2, 4), normal(1, 2, 3, 4), normal(1, 2, 3, 4)]
    xs, ts = [Tensor(a, requires_grad=True) for a in arrays], [torch.tensor(a, requires_grad=True) for a in arrays]
    compare(
        torch,
        lambda: F.scaled_dot_product_attention(*xs, attn_mask=FULL),
        lambda: torch.nn.functional.scaled_dot_product_attention(*ts, attn_mask=torch.tensor(FULL)),
        xs, ts, ("", ""),
    )  # fmt: skip


@pytest.mark.parametrize("layer", ["attention", "encoder", "encoder, norm first"])
def test_a_padded_sequence_leaves_the_others_and_the_weights_alone(layer: str) -> None:
    if layer == "attention":
        module: Any = nn.MultiheadAttention(4, 2, batch_first=True).double()
        run = lambda x, padding: module(x, x, x, key_padding_mask=padding)[0]
    else:
        module = nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True, norm_first="first" in layer).double()
        run = lambda x, padding: module(x, src_key_padding_mask=padding)
    data, padding = normal(2, 3, 4), np.array([[False, False, True], [True] * 3])
    x = Tensor(data, requires_grad=True)
    out = run(x, padding)
    assert np.isfinite(out.detach().numpy()).all()
    leaves = [x, *module.parameters()]
    found = autograd.grad([(out**2).sum()], leaves, create_graph=True)
    assert all(np.isfinite(g.detach().numpy()).all() for g in found)
    second = autograd.grad([sum((g * g).sum() for g in found)], leaves, allow_unused=True)
    assert all(g is None or np.isfinite(g.numpy()).all() for g in second)
    alone = run(Tensor(data[:1]), padding[:1])
    np.testing.assert_allclose(out.detach().numpy()[:1], alone.detach().numpy(), rtol=1e-12)


def test_a_saturated_probability_has_a_slope() -> None:
    p = Tensor(np.array([0.0, 1.0, 0.0, 1.0]), requires_grad=True)
    F.binary_cross_entropy(p, np.array([1.0, 0.0, 0.0, 1.0]), reduction="sum").backward()
    np.testing.assert_allclose(p.grad.numpy(), [-1e12, 1e12, 1.0, -1.0])


def test_a_mean_over_values_is_not_spoilt_by_what_lies_elsewhere() -> None:
    """Adaptive pooling and resampling are sums of a few numbers: NaN and infinity stay where they are."""
    x = np.arange(10.0).reshape(1, 1, 10)
    x[..., 0] = np.nan
    x[..., 9] = np.inf
    for result in (F.adaptive_avg_pool1d(x, 4), F.interpolate(x, 4, mode="area")):
        assert np.isnan(result[0, 0]).tolist() == [True, False, False, False] and np.isinf(result[0, 0, 3])
    for mode in ("nearest", "linear"):
        assert np.isfinite(F.interpolate(x, 20, mode=mode)[0, 0, 4:16]).all()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *((name, ()) for name in (
            "celu", "elu", "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "logsigmoid", "mish",
            "relu", "relu6", "rrelu", "selu", "sigmoid", "silu", "softplus", "softshrink", "softsign", "tanh", "tanhshrink",
        )),
        ("threshold", (0.5, 7.0)), ("threshold_", (0.5, 7.0)),
    ],
)  # fmt: skip
def test_an_activation_hands_nan_on(name: str, arguments: tuple) -> None:
    """What went wrong before it stays seen, as in PyTorch."""
    assert np.isnan(getattr(F, name)(np.array([np.nan, 1.0]), *arguments)).tolist() == [True, False]


def test_a_random_slope_holds_at_0_as_the_mean_slope_does() -> None:
    x = Tensor(np.zeros(5), requires_grad=True)
    F.rrelu(x, 0.1, 0.3, training=True).sum().backward()
    assert ((x.grad.numpy() >= 0.1) & (x.grad.numpy() <= 0.3)).all()


# --------------------------------------------------------------------------- out of range, refused


def test_indices_and_settings_that_do_not_fit_are_refused() -> None:
    table, bags = np.ones((4, 2)), np.arange(4)
    for wrong, kind, words in (
        (lambda: F.one_hot(np.array([0, 3]), 3), IndexError, "classes 0 to 2"),
        (lambda: F.one_hot(np.array([-1, 2])), IndexError, "from -1"),
        (lambda: F.one_hot(np.array([], int)), ValueError, "num_classes"),
        (lambda: F.one_hot(np.array([0.5]), 2), TypeError, "integers"),
        (lambda: F.embedding_bag(bags, table, np.array([0, 3, 1])), ValueError, "offsets must begin at 0, not fall"),
        (lambda: F.embedding_bag(bags, table, np.array([1, 3])), ValueError, "offsets must begin at 0"),
        (lambda: F.embedding_bag(bags, table, np.array([0, 9])), ValueError, "end by 4"),
        (lambda: F.embedding_bag(bags, table, np.array([0, 2]), include_last_offset=True), ValueError, "leave out"),
        (lambda: F.max_unpool1d(np.ones((1, 1, 2)), np.array([[[0, -1]]]), 2), IndexError, "from -1 to 0"),
        (lambda: F.cross_entropy(np.ones((2, 64)), np.zeros(2, int), np.ones(99)), ValueError, "(99,).*64 classes"),
        (lambda: F.prelu(np.ones(3), np.ones(2)), ValueError, "2 slopes"),
        (lambda: F.pad(np.ones((1, 1, 3)), (3, 0), "reflect"), ValueError, "by 2 at most"),
        (lambda: F.pad(np.ones((1, 1, 3)), (4, 0), "circular"), ValueError, "by 3 at most"),
        (lambda: F.pad(np.ones((1, 1, 3)), (-2, -2)), ValueError, "cut off more"),
        (lambda: F.ctc_loss(np.zeros((2, 1, 3)), np.array([[1]]), [-1], [1]), ValueError, "input lengths"),
        (lambda: F.instance_norm(np.ones((2, 3, 1))), ValueError, "more than one value"),
        (lambda: F.batch_norm(np.ones((1, 3)), None, None, training=True), ValueError, "more than one value"),
        (lambda: F.avg_pool1d(np.ones((1, 1, 0)), 1), ValueError, "nothing to pool"),
        (lambda: F.conv_transpose1d(np.ones((1, 1, 2)), np.ones((1, 1, 2)), output_padding=1), ValueError, "smaller than"),
        (lambda: F.multi_margin_loss(np.ones((2, 3)), np.array([0, -1])), IndexError, "from -1 to 0"),
        (lambda: F.multi_margin_loss(np.ones((2, 3)), np.array([0, 1]), weight=np.ones(1)), ValueError, "3 classes"),
        (lambda: F.multilabel_margin_loss(np.ones((1, 3)), np.array([[3, 0, -1]])), IndexError, "3 classes"),
        (lambda: F.cosine_embedding_loss(np.ones((2, 3)), np.ones((2, 3)), np.array([0, 1])), ValueError, "1 and -1"),
        (lambda: F.hinge_embedding_loss(np.ones(2), np.array([0, 1])), ValueError, "1 and -1"),
        (lambda: F.cross_entropy(np.ones((2, 3)), np.array([0, 1]), label_smoothing=1.5), ValueError, "between 0 and 1"),
        (lambda: F.ctc_loss(np.zeros((2, 1, 3)), np.array([[1]]), [2], [2]), ValueError, "do not fit targets"),
        (lambda: F.ctc_loss(np.zeros((2, 1, 3)), np.array([1, 2]), [2], [1]), ValueError, "sum to 1"),
        (lambda: F.batch_norm(np.ones((2, 3)), np.zeros(1), np.ones(3)), ValueError, "running_mean has shape"),
        (lambda: F.batch_norm(np.ones((2, 3)), None, None), ValueError, "needs running_mean"),
        (lambda: F.group_norm(np.ones((2, 4)), 2, np.ones(1)), ValueError, "weight has shape"),
        (lambda: F.layer_norm(np.ones((2, 4)), 4, np.ones(1)), ValueError, "weight has shape"),
        (lambda: F.rms_norm(np.ones((2, 4)), 4, np.ones((2, 4))), ValueError, "weight has shape"),
        (lambda: F.conv1d(np.ones((1, 1, 3)), np.ones((2, 1, 1)), np.ones(1)), ValueError, "bias has shape"),
        (lambda: F.conv_transpose1d(np.ones((1, 1, 3)), np.ones((1, 2, 1)), np.ones(1)), ValueError, "bias has shape"),
        (lambda: F.linear(np.ones((1, 3)), np.ones((2, 3)), np.ones(1)), ValueError, "bias"),
        (lambda: F.masked_softmax(np.ones((2, 3)), np.array([1, 0, 1])), TypeError, "boolean or floating"),
        (lambda: nn.MultiheadAttention(4, 2)(*[np.ones((3, 4))] * 3, attn_mask=np.eye(3, dtype=int)), TypeError, "boolean"),
        (lambda: F.avg_pool2d(np.ones((1, 1, 4, 4)), 2, divisor_override=0), ValueError, "must not be 0"),
    ):  # fmt: skip
        with pytest.raises(kind, match=words.replace("(99,)", r"\(99,\)")):
            wrong()


def test_integers_do_not_overflow_in_losses_and_means() -> None:
    a, b = np.array([[[250, 255]]], np.uint8), np.array([[[255, 250]]], np.uint8)
    assert F.mse_loss(Tensor(a), Tensor(b)).item() == 25
    assert F.l1_loss(a, b) == 5
    assert F.huber_loss(a, b) == 4.5
    np.testing.assert_allclose(F.avg_pool1d(Tensor(a), 2).numpy(), 252.5)
    np.testing.assert_allclose(F.adaptive_avg_pool1d(Tensor(a), 1).numpy(), 252.5)
    np.testing.assert_allclose(F.interpolate(Tensor(a), 4, mode="linear").numpy(), [[[250, 251, 254, 255]]])
    assert F.interpolate(Tensor(a), 4).dtype == np.uint8


def test_an_empty_batch_does_not_move_the_running_values() -> None:
    layer = nn.BatchNorm1d(2)
    assert layer(np.ones((0, 2), np.float32)).shape == (0, 2)
    np.testing.assert_array_equal(layer.running_mean.numpy(), 0)
    np.testing.assert_array_equal(layer.running_var.numpy(), 1)


@pytest.mark.parametrize("layer", [nn.LSTM(3, 4), nn.GRU(3, 4, bidirectional=True), nn.RNN(3, 4, num_layers=2)])
def test_sequences_in_an_empty_batch_have_gradients_of_0(layer: nn.Module) -> None:
    out = layer(np.ones((5, 0, 3), np.float32))[0]
    assert out.shape[:2] == (5, 0)
    for g in autograd.grad([out.sum()], [*layer.parameters()]):
        assert not g.numpy().any()


def test_ctc_of_inputs_of_length_0() -> None:
    log_p = Tensor(np.full((4, 2, 3), -np.log(3.0)), requires_grad=True)
    losses = F.ctc_loss(log_p, np.array([[0], [1]]), [0, 0], [0, 1], reduction="none")
    np.testing.assert_array_equal(losses.detach().numpy(), [0.0, np.inf])
    F.ctc_loss(log_p, np.array([[0], [1]]), [0, 0], [0, 1], reduction="sum", zero_infinity=True).backward()
    assert not log_p.grad.numpy().any()
    assert F.ctc_loss(np.zeros((0, 1, 3)), np.zeros((1, 0), int), [0], [0], reduction="sum").item() == 0


def test_functions_take_arrays_where_they_take_tensors() -> None:
    x, mean, var = normal(4, 2), np.zeros(2), np.ones(2)
    want = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5)
    np.testing.assert_allclose(F.batch_norm(x, mean, var, training=True), want)
    np.testing.assert_allclose(mean, 0.1 * x.mean(0))
    np.testing.assert_allclose(var, 0.9 + 0.1 * x.var(0, ddof=1))


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("kind", ["Zero", "Constant", "Reflection", "Replication", "Circular"])
def test_only_a_constant_padding_takes_a_value(kind: str, n: int) -> None:
    layer = getattr(nn, f"{kind}Pad{n}d")
    if kind == "Constant":
        assert layer(1, 3.0)(np.zeros((1, *[2] * n))).max() == 3.0
    with pytest.raises(TypeError, match="value" if kind == "Constant" else "positional"):
        layer(1) if kind == "Constant" else layer(1, 3.0)


def test_heads_that_do_not_divide_the_features_are_an_error() -> None:
    x = np.ones((1, 2, 4))
    for heads in (3, 0):
        with pytest.raises(ValueError, match=r"multi_head_attention: 4 features.* cannot be divided among"):
            nn.functional.multi_head_attention(x, x, x, heads)
