"""What the docstrings of nn.functional state is what the functions compute, and the gradients are those of minigrad."""

from __future__ import annotations

import inspect
import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Tensor
from minigrad.viz.definition import Definition, definition
from nn import functional as F

from .formula_evaluator import agrees, values_by_index

X = np.array([-4.0, -1.3, -0.4, 0.3, 1.7, 7.0])
V = np.array([0.5, -1.0, 2.0])
Y = np.array([0.2, 0.7, 0.1])
SIGNS = np.array([1.0, -1.0, -1.0])
NONE = {"reduction": "none"}
W, B = np.array([1.5]), np.array([-0.5])

#: What each function is called with.
CALLS: dict[str, dict[str, Any]] = {
    **{
        name: {"x": X} for name in (
            "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "log_softmax", "mish", "relu",
            "relu6", "rrelu", "selu", "silu", "softmax", "softmin", "softshrink", "softsign", "tanhshrink",
        )
    },
    "batch_norm": {"x": X[:, None], "running_mean": None, "running_var": None, "weight": W, "bias": B, "training": True},
    "binary_cross_entropy": {"input": np.array([0.3, 0.6, 0.9]), "target": Y, **NONE},
    "binary_cross_entropy_with_logits": {"input": V, "target": Y, **NONE},
    "celu": {"x": X, "alpha": 1.5},
    "cross_entropy": {"input": V, "target": 1, **NONE},
    "elu": {"x": X, "alpha": 1.5},
    "gaussian_nll_loss": {"input": V, "target": Y, "var": np.array([0.5, 1.0, 2.0]), **NONE},
    "group_norm": {"x": X[None, None], "num_groups": 1, "weight": W, "bias": B},
    "hinge_embedding_loss": {"input": np.array([0.3, 0.4, 2.0]), "target": SIGNS, **NONE},
    "huber_loss": {"input": V, "target": Y, "delta": 0.5, **NONE},
    "instance_norm": {"x": X[None, None], "weight": W, "bias": B},
    "kl_div": {"input": np.log(Y[::-1]), "target": Y, **NONE},
    "l1_loss": {"input": V, "target": Y, **NONE},
    "layer_norm": {"x": V, "normalized_shape": 3, "weight": Y, "bias": SIGNS},
    "margin_ranking_loss": {"input1": V, "input2": Y, "target": SIGNS, "margin": 0.1, **NONE},
    "masked_softmax": {"scores": V, "mask": np.array([0.0, 0.5, -np.inf])},
    "mse_loss": {"input": V, "target": Y, **NONE},
    "multi_margin_loss": {"input": V, "target": 1, "p": 2, "margin": 0.5, **NONE},
    "multilabel_soft_margin_loss": {"input": V, "target": np.array([1.0, 0.0, 1.0]), **NONE},
    "nll_loss": {"input": np.log(Y), "target": 2, **NONE},
    "normalize": {"x": V, "p": 3.0, "axis": 0},
    "pairwise_distance": {"x1": V, "x2": Y, "p": 3.0, "eps": 0.01},
    "poisson_nll_loss": {"input": V, "target": np.array([1.0, 2.0, 0.0]), **NONE},
    "prelu": {"x": X, "weight": np.array([0.3])},
    "rms_norm": {"x": V, "normalized_shape": 3, "weight": Y, "eps": 0.1},
    "scaled_dot_product_attention": {
        "query": V[None, :2], "key": np.stack([Y[1:], SIGNS[1:], V[:2]]), "value": np.stack([V, Y, SIGNS]), "attn_mask": Y[None],
    },
    "smooth_l1_loss": {"input": V, "target": Y, "beta": 0.5, **NONE},
    "soft_margin_loss": {"input": V, "target": SIGNS, **NONE},
    "softplus": {"x": X, "beta": 2.0},
    "threshold": {"x": X, "threshold": 1.0, "value": 5.0},
}  # fmt: skip
#: Letters that the texts beside formulas explain: the number of classes, the length of the features.
LETTERS = {
    "multi_margin_loss": {"C": 3}, "multilabel_soft_margin_loss": {"C": 3}, "scaled_dot_product_attention": {"E": 2},
}  # fmt: skip

#: Formulas that the evaluator cannot compute, and why.
NOT_COMPUTED = {
    "something is drawn at random": "alpha_dropout dropout fractional_max_pool2d fractional_max_pool3d gumbel_softmax",
    "places in brackets": (
        "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d "
        "affine_grid avg_pool1d avg_pool2d avg_pool3d channel_shuffle conv1d conv2d conv3d conv_tbc conv_transpose1d "
        "conv_transpose2d conv_transpose3d ctc_loss embedding embedding_bag fold grid_sample interpolate lp_pool1d lp_pool2d "
        "lp_pool3d max_pool1d max_pool2d max_pool3d max_unpool1d max_unpool2d max_unpool3d native_channel_shuffle pixel_shuffle "
        "pixel_unshuffle sinusoidal_positions unfold"
    ),
    "as the function whose result it is a part of": (
        "adaptive_max_pool1d_with_indices adaptive_max_pool2d_with_indices adaptive_max_pool3d_with_indices "
        "fractional_max_pool2d_with_indices fractional_max_pool3d_with_indices max_pool1d_with_indices max_pool2d_with_indices "
        "max_pool3d_with_indices"
    ),
    "products of vectors, lengths in bars, pairs of rows": (
        "bilinear cosine_embedding_loss cosine_similarity linear_cross_entropy local_response_norm negative_sampling_loss pdist "
        "rotary_embedding sampled_softmax_loss"
    ),
    "parts, or functions, that only the text names": "glu multi_head_attention multilabel_margin_loss triplet_margin_loss",
}


def stated(name: str) -> Definition:
    """The formulas of a function's docstring, before its sections and examples."""
    function = getattr(F, name)
    doc = re.split(r"\n(?:[A-Z]\w+:\n|>>>)", inspect.getdoc(function) or "")[0]
    return definition(SimpleNamespace(doc=doc, inputs=tuple(inspect.signature(function).parameters)))


def functions() -> list[str]:
    """The functions of nn.functional that are no ops: test_formulas.py has these."""
    own = (n for n, f in vars(F).items() if getattr(f, "__module__", "").startswith("nn.functional.") and not n.startswith("_"))
    return [name for name in own if inspect.isfunction(inspect.unwrap(getattr(F, name))) and not hasattr(getattr(F, name), "op")]


def test_each_function_with_a_formula_is_computed_here_or_says_why_not() -> None:
    with_formulas = {name for name in functions() if stated(name).out is not None}
    left_out = {name for names in NOT_COMPUTED.values() for name in names.split()}
    assert len(CALLS) > 45 and not CALLS.keys() & left_out
    assert with_formulas == CALLS.keys() | left_out


@pytest.mark.parametrize("name", CALLS)
def test_formulas_of_functions_are_what_these_compute(name: str) -> None:
    function, found = getattr(F, name), stated(name)
    bound = inspect.signature(function).bind(**CALLS[name])
    bound.apply_defaults()
    arguments = bound.arguments
    names = {**arguments, **LETTERS.get(name, {})}
    others = {other.left: other.right for other in found.others}
    out = np.asarray(raw(function(**arguments)))
    g = np.cos(np.arange(out.size) + 1.0).reshape(out.shape)
    assert found.out is not None
    assert agrees(values_by_index(found.out.left, found.out.right, out.shape, names, others), out), found.out
    for parameter, rule in found.rules.items():

        def loss(x: Tensor, parameter: str = parameter) -> Tensor:
            return np.sum(function(**{**arguments, parameter: x}) * g)

        slope = minigrad.grad(loss)(arguments[parameter])
        got = values_by_index(rule.left, rule.right, np.shape(slope), {**names, "out": out, "g": g}, others)
        assert agrees(got, slope), rule


def raw(x: Any) -> Any:
    return minigrad.raw(x) if isinstance(x, Tensor) else x
