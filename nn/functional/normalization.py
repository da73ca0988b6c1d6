"""Normalisation, as functions under torch.nn.functional's names; the modules are in `nn.layers.normalization`."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from minigrad import checkpoint_notes, no_grad, primitive, raw
from minigrad.arrays import all_examples
from minigrad.devices import follow
from minigrad.hints import explain_options
from minigrad.kernels import accelerated
from minigrad.ops.window import Window, sum_pool

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "normalize",
    "rms_norm",
    "standardize",
]


def _standardized(x: Any, axes: tuple[int, ...], eps: float) -> Any:
    """The readable form."""
    centred = x - np.mean(x, axis=axes, keepdims=True)
    return centred / np.sqrt(np.mean(centred * centred, axis=axes, keepdims=True) + eps)


def _standardize_rule(g: Any, needs: Any, out: Any, inverse_std: Any, axes: tuple[int, ...]) -> list[Any]:
    along = np.mean(g * out, axis=axes, keepdims=True)
    dx = g - np.mean(g, axis=axes, keepdims=True)
    dx -= out * along
    dx *= inverse_std
    return [dx]


@primitive(
    method=False, joint=_standardize_rule, inputs=("x",), extras=("inverse_std",), composite=_standardized, name="standardize"
)
def standardize(x: Any, axes: tuple[int, ...], eps: float) -> Any:
    """Mean 0 and variance 1 over axes.

    out = (x - mean(x)) / sqrt(var(x) + eps)
    dx  = (g - mean(g) - out mean(g out)) / sqrt(var(x) + eps)
    """
    out = x - np.mean(x, axis=axes, keepdims=True)
    inverse_std = 1 / np.sqrt(np.mean(out * out, axis=axes, keepdims=True) + eps)
    out *= inverse_std
    return out, inverse_std


def _layer_norm_composite(x: Any, weight: Any, bias: Any, eps: float) -> Any:
    """The readable form."""
    return _affine(_standardized(x, (-1,), eps), weight, bias)


@accelerated("layer_norm_rule")
def _layer_norm_rule(g: Any, needs: Any, x: Any, weight: Any, mean: Any, inverse_std: Any) -> list[Any]:
    standard = (x - mean) * inverse_std
    lead = tuple(range(g.ndim - 1))
    h = g if weight is None else g * weight
    dx = h - np.mean(h, axis=-1, keepdims=True)
    dx -= standard * np.mean(h * standard, axis=-1, keepdims=True)
    dx *= inverse_std
    return [dx, np.sum(g * standard, axis=lead) if needs[1] else None, np.sum(g, axis=lead) if needs[2] else None]


@primitive(
    method=False, joint=_layer_norm_rule, inputs=("x", "weight", "bias"), extras=("mean", "inverse_std"),
    composite=_layer_norm_composite,
)  # fmt: skip
@accelerated("layer_norm_rows")
def layer_norm_rows(x: Any, weight: Any, bias: Any, eps: float) -> Any:
    """Each row with mean 0 and variance 1, scaled and shifted; (..., M), weight and bias (M,) or None.

    out     = s weight + bias,  s = (x - mean(x)) / sqrt(var(x) + eps)
    dx      = (h - mean(h) - s mean(h s)) / sqrt(var(x) + eps),  h = g weight
    dweight = the sum of g s over the rows
    dbias   = the sum of g over the rows
    """
    mean = np.mean(x, axis=-1, keepdims=True)
    out = x - mean
    inverse_std = 1 / np.sqrt(np.mean(out * out, axis=-1, keepdims=True) + eps)
    out *= inverse_std
    if weight is not None:
        out *= weight
    if bias is not None:
        out += bias
    return out, mean, inverse_std


@follow
def layer_norm(x: Any, normalized_shape: int | Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Normalise over the last axes, of the given shape or length; then scale and shift (Ba et al., 2016).

    out = s weight + bias,  s = (x - mean(x)) / sqrt(var(x) + eps)
    dx  = (h - mean(h) - s mean(h s)) / sqrt(var(x) + eps),  h = g weight

    Args:
        normalized_shape: the lengths of the last axes, over which mean and variance are taken; a number is that of one.
        weight, bias: a factor and a summand of each element, of that shape; None: there is none.
        eps: added to the variance.

    >>> layer_norm(np.array([[1.0, 3.0]]), (2,)).round(4)
    array([[-1.,  1.]])
    """
    shape, given = _as_shape(normalized_shape), np.shape(x)
    if given[-len(shape) :] != shape:
        raise ValueError(f"layer_norm: the last axes must be {shape}, got input of shape {given}")
    _check_shapes("layer_norm", shape, weight=weight, bias=bias)
    if len(shape) == 1:
        return layer_norm_rows(x, weight, bias, eps)
    weight, bias = (None if v is None else np.reshape(v, -1) for v in (weight, bias))
    rows = np.reshape(x, (*given[: -len(shape)], int(np.prod(shape))))
    return np.reshape(layer_norm_rows(rows, weight, bias, eps), given)


def _check_shapes(name: str, shape: tuple[int, ...], **given: Any) -> None:
    """Weight and bias must have the normalised shape."""
    for what, values in given.items():
        if values is not None and np.shape(values) != shape:
            raise ValueError(f"{name}: {what} has shape {np.shape(values)}, expected {shape}")


def _as_shape(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    """The lengths of the last axes; a number is that of one."""
    return (normalized_shape,) if np.ndim(normalized_shape) == 0 else tuple(normalized_shape)  # type: ignore[arg-type, return-value]


def _affine(x: Any, weight: Any, bias: Any) -> Any:
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


@follow
def rms_norm(x: Any, normalized_shape: int | Sequence[int], weight: Any = None, eps: float | None = None) -> Any:
    """Bring the mean square over the last axes to 1; then scale (Zhang and Sennrich, 2019).

    out = s weight,  s = x / sqrt(mean(x^2) + eps)
    dx  = (h - s mean(h s)) / sqrt(mean(x^2) + eps),  h = g weight

    Args:
        normalized_shape: the lengths of the last axes, over which the mean is taken; a number is that of one.
        weight: a factor of each element, of that shape; None: there is none.
        eps: added to the mean square; None: the distance of 1 to the next number of the input's dtype.

    >>> rms_norm(np.array([3.0, 4.0]), (2,)).round(4)
    array([0.8485, 1.1314])
    """
    shape = _as_shape(normalized_shape)
    if np.shape(x)[-len(shape) :] != shape:
        raise ValueError(f"rms_norm: the last axes must be {shape}, got input of shape {np.shape(x)}")
    _check_shapes("rms_norm", shape, weight=weight)
    axes = tuple(range(-len(shape), 0))
    eps = np.finfo(x.dtype).eps if eps is None else eps
    return _affine(x / np.sqrt(np.mean(x * x, axis=axes, keepdims=True) + eps), weight, None)


def _per_channel(values: Any, shape: tuple[int, ...], what: str) -> Any:
    """A number for each channel of an array (N, C, ...), in a shape that broadcasts to it."""
    if values is None:
        return None
    if np.shape(values) != shape[1:2]:
        raise ValueError(f"{what} has shape {np.shape(values)}, expected {shape[1:2]} for an input of shape {shape}")
    return np.reshape(values, (shape[1], *(1,) * (len(shape) - 2)))


def _scaled(x: Any, weight: Any, bias: Any, name: str) -> Any:
    """x times a weight and plus a bias of each channel."""
    shape = np.shape(x)
    return _affine(x, _per_channel(weight, shape, f"{name}: weight"), _per_channel(bias, shape, f"{name}: bias"))


def _move(
    name: str, x: Any, running: Sequence[Any], batch: Sequence[Any], share: Any
) -> None:
    """Move running values (in place) towards those of this batch; all, or none where one does not fit.

    A checkpointed function that runs again has moved them already.
    """
    notes = checkpoint_notes()
    if notes is not None and notes.again:
        return
    own = all_examples(raw(x)) is not raw(x)
    if own and all_examples(raw(running[0])) is raw(running[0]):
        raise TypeError(
            f"{name} in training, under vmap: each example would move running_mean, of shape {np.shape(running[0])}, which "
            "they share. Use the running values (module.eval()), or none (track_running_stats=False), or pass each example "
            "its own through nn.utils.functional_call"
        )
    steps = [share * (new - old) for old, new in zip(running, batch, strict=True)]
    for old, step in zip(running, steps, strict=True):
        if np.shape(old) != np.shape(step):
            raise ValueError(f"running values of shape {np.shape(old)}, but the batch has {np.shape(step)}")
    for old, step in zip(running, steps, strict=True):
        old += step


@follow
def batch_norm(
    x: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None, training: bool = False,
    momentum: float = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    """Normalise each channel over batch and space, (N, C, ...) (Ioffe and Szegedy, 2015).

    out = s weight + bias,  s = (x - mean(x)) / sqrt(var(x) + eps)
    dx  = (h - mean(h) - s mean(h s)) / sqrt(var(x) + eps),  h = g weight    (in training)
    running_mean <- running_mean + momentum (mean(x) - running_mean)
    running_var  <- running_var + momentum (var(x) n / (n - 1) - running_var)    (n values a channel)

    In training the batch's own mean and variance also move the running ones, in place.

    Args:
        running_mean, running_var: (C,); None, in training: nothing is moved.
        weight, bias: a factor and a summand of each channel, (C,); None: there is none.
        training: whether to normalise by the batch's own mean and variance; False: by the running ones.
        momentum: the share of the way that the running ones go to the batch's mean and unbiased variance.
        eps: added to the variance.

    Raises:
        ValueError: there is one value for each channel only, in training (none is an empty batch, which moves nothing).
        TypeError: in training, inside of `vmap`: all examples would move the same running values.
    """
    shape = np.shape(x)
    if len(shape) < 2:
        raise ValueError(f"batch_norm: expected (N, C, ...), got shape {shape}")
    if training:
        axes = (0, *range(2, len(shape)))
        count = prod(shape[a] for a in axes)
        if count == 1:
            raise ValueError(f"batch_norm: training needs more than one value for each channel, got input of shape {np.shape(x)}")
        out = standardize(x, axes, eps)
    else:
        if running_mean is None or running_var is None:
            raise ValueError("batch_norm: without training it needs running_mean and running_var")
        mean = _per_channel(running_mean, shape, "batch_norm: running_mean")
        out = (x - mean) / np.sqrt(_per_channel(running_var, shape, "batch_norm: running_var") + eps)
    out = _scaled(out, weight, bias, "batch_norm")
    if training and running_mean is not None and count:
        with no_grad():
            values = raw(x)
            mean, var = np.mean(values, axis=axes), np.var(values, axis=axes, ddof=1)
            _move("batch_norm", x, (running_mean, running_var), (mean, var), momentum)
    return out


@follow
def group_norm(x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Normalise groups of channels of each sample, (N, C, ...) (Wu and He, 2018).

    out = s weight + bias,  s = (x - mean(x)) / sqrt(var(x) + eps)    (mean and variance of a group)
    dx  = (h - mean(h) - s mean(h s)) / sqrt(var(x) + eps),  h = g weight

    Args:
        num_groups: into how many groups the channels are divided; it divides C.
        weight, bias: a factor and a summand of each channel, (C,); None: there is none.
        eps: added to the variance.
    """
    shape = np.shape(x)
    if shape[1] % num_groups:
        raise ValueError(f"group_norm: {shape[1]} channels do not divide into {num_groups} groups")
    groups = (shape[0], num_groups, shape[1] // num_groups * prod(shape[2:]))
    out = np.reshape(standardize(np.reshape(x, groups), (2,), eps), shape)
    return _scaled(out, weight, bias, "group_norm")


@follow
def instance_norm(
    x: Any, running_mean: Any = None, running_var: Any = None, weight: Any = None, bias: Any = None,
    use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    """Normalise each channel of each sample over space, (N, C, ...) (Ulyanov et al., 2016).

    out = s weight + bias,  s = (x - mean(x)) / sqrt(var(x) + eps)    (mean and variance of a channel of a sample)
    dx  = (h - mean(h) - s mean(h s)) / sqrt(var(x) + eps),  h = g weight

    Args:
        running_mean, running_var: (C,), moved in place towards what the samples have on average; None: nothing is moved.
        weight, bias: a factor and a summand of each channel, (C,); None: there is none.
        use_input_stats: normalise by the sample's own mean and variance; False: by the running ones.
        momentum: the share of the way that the running ones go, as in `batch_norm`.
        eps: added to the variance.

    Raises:
        ValueError: there is one value for each channel only.
    """
    if not use_input_stats:
        return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    axes, shape = tuple(range(2, np.ndim(x))), np.shape(x)
    if len(shape) < 3 or prod(shape[2:]) == 1:
        raise ValueError(f"instance_norm: needs (N, C, ...) with more than one value for each channel, got shape {shape}")
    out = _scaled(standardize(x, axes, eps), weight, bias, "instance_norm")
    if running_mean is not None and np.size(x):
        with no_grad():
            values = raw(x)
            mean = np.mean(np.mean(values, axis=axes), axis=0)
            var = np.mean(np.var(values, axis=axes, ddof=1), axis=0)
            _move("instance_norm", x, (running_mean, running_var), (mean, var), momentum)
    return out


@follow
def local_response_norm(x: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    """Divide by what neighbouring channels show at the same place (Krizhevsky et al., 2012).

    out_c = x_c / (k + alpha / size sum_j x_j^2)^beta    (over the size channels j around c)

    Args:
        x: (N, C, ...) with one spatial axis or more.
        size: how many channels count, the own one in their middle; beyond the first and the last there are zeros.
        alpha, beta, k: the numbers of the formula.
    """
    shape = np.shape(x)
    if len(shape) < 3:
        raise ValueError(f"local_response_norm: expected (N, C, ...) with spatial axes, got shape {shape}")
    if not np.size(x):
        return x * 1
    squares = np.reshape(x * x, (shape[0], 1, shape[1], prod(shape[2:])))
    window = Window.over(squares.shape[2:], (size, 1), padding=((size // 2, (size - 1) // 2), (0, 0)))
    return x / (k + alpha / size * np.reshape(sum_pool(squares, window), shape)) ** beta


@follow
@explain_options
def normalize(x: Any, p: float = 2.0, axis: int = 1, eps: float = 1e-12) -> Any:
    """Divide by the p-norm along an axis, or by eps where that is larger.

    out_i = x_i / max(n, eps),  n = (sum_j |x_j|^p)^{1 / p}

    Args:
        p: which norm: 1 adds the absolute values, 2 is Euclid's length, inf takes the largest one.
        axis: the axis of the vectors.
        eps: the least norm.

    >>> normalize(np.array([[3.0, 4.0]]))
    array([[0.6, 0.8]])
    """
    row = x if np.ndim(x) else np.reshape(x, 1)
    out = row / np.maximum(np.linalg.norm(row, ord=p, axis=axis, keepdims=True), eps)
    return np.reshape(out, np.shape(x))
