"""Every floating argument of every function of nn.functional is differentiated, or refused.

One call for each function.  What PyTorch differentiates is compared with it, in float64; what it does not, with finite
differences.
"""

from __future__ import annotations

import inspect
import warnings
from typing import Any, NamedTuple

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, autograd
from nn import functional as F

rng = np.random.default_rng(3)


def normal(*shape: int) -> np.ndarray:
    return rng.normal(size=shape)


def share(*shape: int) -> np.ndarray:
    return rng.uniform(0.1, 0.9, shape)


class Call(NamedTuple):
    """Arguments of a function: all floating arrays among them are differentiated."""

    args: tuple[Any, ...]
    options: dict[str, Any]


def call(*args: Any, **options: Any) -> Call:
    return Call(args, options)


ROWS, SIGNS, CLASSES = normal(4, 3), np.array([[1.0], [-1.0], [1.0], [-1.0]]) * np.ones(3), np.array([0, 2, 1, 2])
LINE, IMAGE, VOLUME = normal(2, 3, 7), normal(2, 4, 5, 6), normal(1, 2, 4, 4, 5)
FEW, BLOCK = IMAGE[:1, :2, :4, :5].copy(), VOLUME[:, :, :3, :3, :4].copy()  # for what takes long to differentiate twice
POOLED = {1: normal(1, 2, 6), 2: normal(1, 2, 6, 4), 3: normal(1, 1, 4, 4, 4)}
PLACES = {n: np.array([0, 5, 2, 7]).reshape(1, 1, 4, *(1,) * (n - 1)) for n in (1, 2, 3)}  # of values that are put back

ELEMENTWISE = """
    celu elu gelu hardshrink hardsigmoid hardswish hardtanh leaky_relu log_softmax logsigmoid mish relu relu6 rrelu
    selu sigmoid silu softmax softmin softplus softshrink softsign tanh tanhshrink dropout alpha_dropout
    feature_alpha_dropout normalize pdist flatten
"""
CALLS: dict[str, list[Call]] = {
    **{name: [call(ROWS)] for name in ELEMENTWISE.split()},
    "threshold": [call(ROWS, 0.1, 3.0)],
    "glu": [call(normal(2, 4))],
    "prelu": [call(ROWS, np.array([0.3])), call(ROWS, normal(3))],
    "unflatten": [call(normal(2, 6), 1, (2, 3))],
    **{f"dropout{n}d": [call(x)] for n, x in ((1, LINE), (2, IMAGE), (3, VOLUME))},
    # ------------------------------------------------------------------------------------- maps
    "linear": [call(ROWS, normal(2, 3), normal(2)), call(normal(3), normal(2, 3), normal(2))],
    "bilinear": [call(ROWS, normal(4, 2), normal(5, 3, 2), normal(5))],
    "conv1d": [call(LINE, normal(2, 3, 3), normal(2), stride=2, padding=1)],
    "conv2d": [call(IMAGE, normal(2, 2, 3, 2), normal(2), groups=2, dilation=2), call(FEW[0], normal(2, 2, 3, 3), normal(2))],
    "conv3d": [call(BLOCK, normal(2, 2, 2, 2, 2), normal(2))],
    "conv_tbc": [call(normal(5, 2, 3), normal(2, 3, 4), normal(4), 1)],
    "conv_transpose1d": [call(LINE, normal(3, 2, 3), normal(2), output_padding=1, dilation=2)],
    "conv_transpose2d": [call(FEW, normal(2, 1, 2, 3), normal(2), stride=2, groups=2)],
    "conv_transpose3d": [call(BLOCK, normal(2, 1, 2, 2, 2), normal(1))],
    "embedding": [call(np.array([[0, 2], [1, 1]]), ROWS, padding_idx=2)],
    "embedding_bag": [
        call(np.array([0, 2, 1, 1]), ROWS, np.array([0, 1, 1]), mode="sum", per_sample_weights=normal(4)),
        call(np.array([0, 2, 1, 1]), ROWS, np.array([0, 1, 4]), mode="mean", include_last_offset=True),
        call(np.array([[0, 2], [1, 1]]), ROWS, mode="max"),
    ],
    # ---------------------------------------------------------------------------------- pooling
    **{f"max_pool{n}d": [call(POOLED[n], 2, padding=1)] for n in (1, 2, 3)},
    **{f"avg_pool{n}d": [call(POOLED[n], 3, 2, 1, True, False)] for n in (1, 2, 3)},
    **{f"lp_pool{n}d": [call(np.abs(POOLED[n]), 3.0, 2)] for n in (1, 2, 3)},
    **{f"adaptive_avg_pool{n}d": [call(POOLED[n], 3)] for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d": [call(POOLED[n], 3)] for n in (1, 2, 3)},
    **{
        f"fractional_max_pool{n}d": [call(POOLED[n], 2, 2, _random_samples=share(1, POOLED[n].shape[1], n))]
        for n in (2, 3)
    },
    **{f"max_unpool{n}d": [call(normal(1, 1, 4, *(1,) * (n - 1)), PLACES[n], 2)] for n in (1, 2, 3)},
    # ------------------------------------------------------------------------------ normalisation
    "batch_norm": [
        call(IMAGE, None, None, normal(4), normal(4), True),
        call(IMAGE, normal(4), share(4), normal(4), normal(4), False),
    ],
    "instance_norm": [call(IMAGE, None, None, normal(4), normal(4))],
    "group_norm": [call(IMAGE, 2, normal(4), normal(4))],
    "layer_norm": [call(IMAGE, (6,), normal(6), normal(6)), call(IMAGE, (5, 6), normal(5, 6), normal(5, 6))],
    "rms_norm": [call(IMAGE, (6,), normal(6), 0.1)],
    "local_response_norm": [call(IMAGE, 3, 0.3)],
    # --------------------------------------------------------------------------------- resampling
    "pad": [call(IMAGE, (1, -1, 2, 0), mode) for mode in ("reflect", "replicate", "circular", "constant")],
    "interpolate": [call(IMAGE, (3, 8), mode=mode) for mode in ("nearest", "nearest-exact", "area", "bilinear", "bicubic")]
    + [call(IMAGE, (3, 4), mode=mode, antialias=True) for mode in ("bilinear", "bicubic")],
    "upsample": [call(IMAGE, (3, 8))],
    "upsample_nearest": [call(IMAGE, (3, 8))],
    "upsample_bilinear": [call(IMAGE, (3, 8))],
    "grid_sample": [
        call(FEW, rng.uniform(-1.3, 1.3, (1, 2, 3, 2)), mode, padding, align)
        for mode, padding, align in (
            ("bilinear", "zeros", False), ("bicubic", "reflection", True), ("bilinear", "border", True),
            ("bicubic", "zeros", False),
        )
    ] + [call(BLOCK, rng.uniform(-1.3, 1.3, (1, 2, 2, 2, 3)), "bilinear", "reflection", False)],
    "affine_grid": [call(normal(2, 2, 3), (2, 1, 3, 4), True), call(normal(1, 3, 4), (1, 1, 2, 3, 2), False)],
    "fold": [call(normal(1, 8, 6), (3, 4), 2)],
    "unfold": [call(IMAGE, 2)],
    "pixel_shuffle": [call(IMAGE, 2)],
    "pixel_unshuffle": [call(IMAGE[:, :, :4], 2)],
    "channel_shuffle": [call(IMAGE, 2)],
    # ---------------------------------------------------------------------------------- attention
    "scaled_dot_product_attention": [
        call(normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 3), normal(3, 5)),
        call(normal(1, 4, 3, 2), normal(1, 2, 5, 2), normal(1, 2, 5, 2), enable_gqa=True),
        call(normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 3), is_causal=True, scale=0.3),
    ],
    # ------------------------------------------------------------------------------------- losses
    **{
        name: [call(ROWS, normal(4, 3)), call(ROWS, normal(4, 3), weight=share(4, 3))]
        for name in ("l1_loss", "mse_loss", "huber_loss")
    },
    "smooth_l1_loss": [call(ROWS, normal(4, 3))],
    "binary_cross_entropy": [call(share(4, 3), share(4, 3), share(4, 3))],
    "binary_cross_entropy_with_logits": [call(ROWS, share(4, 3), share(4, 3), pos_weight=share(3))],
    "cross_entropy": [
        call(ROWS, CLASSES, share(3)),
        call(ROWS, CLASSES, share(3), ignore_index=2, label_smoothing=0.1),
        call(ROWS, share(4, 3), share(3)),
    ],
    "linear_cross_entropy": [call(ROWS, normal(5, 3), CLASSES, linear_bias=normal(5))],
    "nll_loss": [call(ROWS, CLASSES, share(3)), call(ROWS[0], np.array(1))],
    "kl_div": [call(ROWS, share(4, 3)), call(ROWS, normal(4, 3), log_target=True)],
    "poisson_nll_loss": [call(ROWS, 3 * share(4, 3), full=True)],
    "gaussian_nll_loss": [call(ROWS, normal(4, 3), share(4, 3), full=True)],
    "soft_margin_loss": [call(ROWS, SIGNS)],
    "hinge_embedding_loss": [call(ROWS, SIGNS.astype(int))],
    "margin_ranking_loss": [call(ROWS, normal(4, 3), SIGNS)],
    "multi_margin_loss": [call(ROWS, CLASSES, weight=share(3))],
    "multilabel_margin_loss": [call(ROWS, np.array([[2, 0, -1], [1, -1, 2], [-1, 0, 1], [0, 1, 2]]))],
    "multilabel_soft_margin_loss": [call(ROWS, share(4, 3), share(3))],
    "cosine_embedding_loss": [call(ROWS, normal(4, 3), np.array([1, -1, 1, -1]))],
    "cosine_similarity": [call(ROWS, normal(4, 3))],
    "pairwise_distance": [call(ROWS, normal(4, 3))],
    "triplet_margin_loss": [call(ROWS, normal(4, 3), normal(4, 3), swap=True)],
    "triplet_margin_with_distance_loss": [call(ROWS, normal(4, 3), normal(4, 3))],
    "ctc_loss": [call(np.log(rng.dirichlet(np.ones(4), (5, 2))), np.array([[1, 2], [3, 0]]), np.array([5, 4]), np.array([2, 1]))],
    # ----------------------------------------------------------------- what PyTorch does not have
    "multi_head_attention": [call(normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 4), 2, normal(3, 5))],
    "masked_softmax": [call(ROWS, normal(4, 3))],
    "rotary_embedding": [call(normal(3, 4))],
    "negative_sampling_loss": [call(ROWS, normal(4, 3), normal(4, 2, 3))],
    "sampled_softmax_loss": [call(ROWS, normal(5, 3), normal(5), CLASSES, np.array([1, 4]), normal(5), sparse=False)],
    "standardize": [call(ROWS, (0,), 0.1)],
}  # fmt: skip

#: Functions of no floating array, and those of others of the same mathematics or with a test of their own.
OTHERS = {
    "integers": "one_hot causal_mask sinusoidal_positions",
    "another name": "native_channel_shuffle",
    "drawn at random: see test_gumbel_softmax_draws_by_the_logits": "gumbel_softmax",
    "in place: see test_functions_in_place_are_recorded": "celu_ elu_ hardtanh_ leaky_relu_ relu_ rrelu_ selu_ threshold_",
    "the same function with return_indices": """
        adaptive_max_pool1d_with_indices adaptive_max_pool2d_with_indices adaptive_max_pool3d_with_indices
        fractional_max_pool2d_with_indices fractional_max_pool3d_with_indices max_pool1d_with_indices max_pool2d_with_indices
        max_pool3d_with_indices
    """,
}
EACH = [(name, i) for name, calls in CALLS.items() for i in range(len(calls))]


def names() -> set[str]:
    home = "nn.functional"
    return {
        n for n, f in vars(F).items()
        if callable(f) and not n.startswith("_") and not isinstance(f, type)
        and (getattr(f, "__module__", None) or home).startswith((home, "minigrad"))
    }  # fmt: skip


def test_every_function_has_a_call() -> None:
    assert set(CALLS) | {n for text in OTHERS.values() for n in text.split()} == names()


def floating(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def plain(name: str, given: Call) -> tuple[list[np.ndarray], Any]:
    """The floating arrays of a call, and our function of them."""
    keys = [i for i, a in enumerate(given.args) if floating(a)]
    words = [k for k, v in given.options.items() if floating(v) and not k.startswith("_")]

    def function(*arrays: Any) -> Any:
        args, options = list(given.args), dict(given.options)
        for key, array in zip([*keys, *words], arrays, strict=True):
            (options if isinstance(key, str) else args)[key] = array  # type: ignore[index, call-overload]
        return getattr(F, name)(*args, **options)

    return [*(given.args[i] for i in keys), *(given.options[k] for k in words)], function


#: PyTorch's words for ours.
DIM = {"axis": "dim"}


def of_torch(torch: Any, name: str, given: Call) -> tuple[Any, list[Any]] | None:
    """PyTorch's result and the tensors that it differentiates; None where it refuses one of them.

    Its gradient of ctc_loss is one of the logits, right only behind a log_softmax: see test_ctc_loss_equals_torchs.
    """

    def convert(x: Any) -> Any:
        return torch.tensor(x, requires_grad=floating(x)) if isinstance(x, np.ndarray) else x

    args = [convert(a) for a in given.args]
    options = {DIM.get(k, k): convert(v) for k, v in given.options.items()}
    if "_random_samples" in options:
        options["_random_samples"] = options["_random_samples"].detach()
    if name in ("softmax", "log_softmax", "softmin"):
        options["dim"] = -1
    if name == "ctc_loss":
        return None
    try:
        out = getattr(torch.nn.functional, name)(*args, **options)
    except RuntimeError as error:
        if "not differentiable" in str(error) or "not implemented" in str(error):
            return None
        raise
    return out, [a for a in [*args, *options.values()] if torch.is_tensor(a) and a.requires_grad]


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "i"), EACH)
def test_every_floating_array_has_torchs_gradient(name: str, i: int) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    given = CALLS[name][i]
    arrays, function = plain(name, given)
    if not hasattr(torch.nn.functional, name):
        assert mg.gradcheck(function, *arrays)
        return
    mg.random.manual_seed(0)
    torch.manual_seed(0)
    if "dropout" in name:
        given = Call((*given.args, 0.5, False), given.options)
        arrays, function = plain(name, given)
    theirs = of_torch(torch, name, given)
    xs = [Tensor(a, requires_grad=True) for a in arrays]
    y = function(*xs)
    if theirs is None:
        assert mg.gradcheck(function, *arrays)
        return
    u, ts = theirs
    assert y.shape == tuple(u.shape)
    np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=1e-6, atol=1e-7)
    w = np.random.default_rng(0).normal(size=y.shape)
    expected = torch.autograd.grad(u, ts, torch.tensor(w), allow_unused=True)
    for got, want in zip(autograd.grad([y], xs, [w], allow_unused=True), expected, strict=True):
        if got is None or want is None:
            assert not np.any(got.numpy() if want is None and got is not None else 0)
        else:
            np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "i"), EACH)
def test_every_floating_array_has_a_second_derivative(name: str, i: int) -> None:
    given = CALLS[name][i]
    if "dropout" in name:
        given = Call((*given.args, 0.5, False), given.options)
    arrays, function = plain(name, given)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "the output does not depend": of gradients that are constants
        out = function(*map(Tensor, arrays))
        weights = np.random.default_rng(1).normal(size=np.shape(out))
        assert mg.gradgradcheck(lambda *a: np.sum(np.sin(function(*a)) * weights), *arrays)


# ------------------------------------------------------------------------------ numbers as options

#: Options that choose, and have no slope.
CHOICES = {"p", "dropout_p", "value", "threshold", "scale_factor", "base", "norm_type", "max_norm"}
OPTIONS = [
    (name, key)
    for name, calls in CALLS.items()
    for key, parameter in inspect.signature(getattr(F, name)).parameters.items()
    if isinstance(parameter.default, float) and key not in CHOICES and len(calls[0].args) > 0
]
#: Numbers on which the first call of the function does not depend, near their default.
FLAT = {
    ("hardshrink", "lambd"), ("normalize", "eps"), ("batch_norm", "momentum"),
    ("instance_norm", "momentum"), ("poisson_nll_loss", "eps"), ("gaussian_nll_loss", "eps"),
    ("cosine_similarity", "eps"),
}  # fmt: skip


def test_numbers_among_the_options_are_found() -> None:
    assert set(OPTIONS) > FLAT
    assert len(OPTIONS) >= len(FLAT) + 25


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "key"), OPTIONS)
def test_a_number_among_the_options_is_differentiated_or_refused(name: str, key: str) -> None:
    given = CALLS[name][0]
    default = inspect.signature(getattr(F, name)).parameters[key].default
    at = list(inspect.signature(getattr(F, name)).parameters).index(key)
    args = given.args[:at]
    options = {k: v for k, v in given.options.items() if k != key}
    weights: Any = None

    def function(value: Any) -> Any:
        nonlocal weights
        out = getattr(F, name)(*args, **options, **{key: value})
        weights = np.random.default_rng(1).normal(size=np.shape(out)) if weights is None else weights
        return np.sum(out * weights)

    value = default + 0.013
    depends = abs(float(function(value + 1e-3)) - float(function(value))) > 1e-9
    v = Tensor(np.array(value), requires_grad=True)
    assert depends == ((name, key) not in FLAT)
    if not depends:
        return
    try:
        out = function(v)
    except (TypeError, ValueError, NotImplementedError) as error:
        text = str(error)
    else:
        text = ""
    if text:
        assert "gradient" in text
        return
    (slope,) = autograd.grad([out], [v])
    step = 1e-6
    want = (float(function(value + step)) - float(function(value - step))) / (2 * step)
    np.testing.assert_allclose(slope.numpy(), want, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", OTHERS["in place: see test_functions_in_place_are_recorded"].split())
def test_functions_in_place_are_recorded(name: str) -> None:
    args = (0.1, 3.0) if name == "threshold_" else ()
    x = Tensor(ROWS, requires_grad=True)
    y = x * 2
    assert getattr(F, name)(y, *args) is y
    (y * ROWS).sum().backward()
    z = Tensor(ROWS, requires_grad=True)
    out = getattr(F, name[:-1])(z * 2, *args)
    (out * ROWS).sum().backward()
    np.testing.assert_allclose(y.detach().numpy(), out.detach().numpy())
    np.testing.assert_allclose(x.grad.numpy(), z.grad.numpy())
    array = ROWS.copy()
    assert getattr(F, name)(array, *args) is array
    np.testing.assert_allclose(array, getattr(F, name[:-1])(ROWS, *args))
