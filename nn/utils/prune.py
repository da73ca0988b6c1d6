"""Pruning: a parameter times a mask of zeros and ones (torch.nn.utils.prune).

The parameter becomes `weight_orig`, which goes on learning; the mask is the buffer `weight_mask`;
`weight` is their product, computed each time that it is read.  A tensor that is pruned again keeps
the zeros that it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from minigrad import beside, no_grad, random
from minigrad.devices import on_gpu_of

from ..module import Module
from ..parameter import Buffer, Parameter
from ..values import host, values_for

__all__ = [
    "custom_from_mask", "global_unstructured", "identity", "is_pruned", "l1_unstructured",
    "ln_structured",
    "random_structured", "random_unstructured", "remove",
]  # fmt: skip


class _Pruned:
    """weight = weight_orig * weight_mask."""

    def __init__(self, name: str) -> None:
        self.name = name

    def value(self, module: Module, called: bool) -> Any:
        """Compute the weight."""
        return getattr(module, f"{self.name}_orig") * getattr(module, f"{self.name}_mask")

    def assign(self, module: Module, value: Any) -> None:
        """Take other values; the mask stays."""
        weight = getattr(module, f"{self.name}_orig")
        weight.data = values_for(weight, value)


def _values(module: Module, name: str) -> Any:
    """The values of a parameter, pruned or not, on the host."""
    with no_grad():
        value = getattr(module, name, None)
    if not isinstance(vars(module).get(name), Parameter) and not _is_ours(module, name):
        raise ValueError(f"{type(module).__name__} has no parameter {name!r} to prune")
    return host(value)


def _is_ours(module: Module, name: str) -> bool:
    return isinstance((module._derived or {}).get(name), _Pruned)


def custom_from_mask(module: Module, name: str, mask: Any) -> Module:
    """Prune a parameter by a mask, 1 for what stays; returns the module.

    Args:
        module: whose parameter it is; it is changed.
        name: of the parameter.
        mask: zeros and ones, of its shape.

    Raises:
        ValueError: there is no such parameter, or the mask has another shape.

    >>> import nn
    >>> layer = custom_from_mask(nn.Linear(2, 1), "weight", np.array([[1.0, 0.0]]))
    >>> float(layer.weight[0, 1]), sorted(layer.state_dict())
    (-0.0, ['bias', 'weight_mask', 'weight_orig'])
    """
    values = _values(module, name)
    mask = host(mask).astype(values.dtype)
    if mask.shape != values.shape:
        raise ValueError(f"the mask has shape {mask.shape}, but {name!r} has {values.shape}")
    if _is_ours(module, name):
        own = getattr(module, f"{name}_mask")
        with on_gpu_of(own):
            own.data = own.data * beside(mask, own.data)
        return module
    weight = vars(module)[name]
    module._derive(name, _Pruned(name))
    setattr(module, f"{name}_orig", weight)
    setattr(module, f"{name}_mask", Buffer(beside(mask, weight.data)))
    return module


def identity(module: Module, name: str) -> Module:
    """Prune nothing, but make `weight_orig` and `weight_mask`; returns the module.

    Args:
        module: whose parameter it is; it is changed.
        name: of the parameter.
    """
    return custom_from_mask(module, name, np.ones(_values(module, name).shape))


def l1_unstructured(
    module: Module, name: str, amount: float, importance_scores: Any = None
) -> Module:
    """Prune the entries of the smallest absolute values; returns the module.

    Args:
        module: whose parameter it is; it is changed.
        name: of the parameter.
        amount: how many, or which share between 0 and 1 of those that are left.
        importance_scores: what counts in the place of the values.

    >>> import nn
    >>> layer = nn.Linear(2, 2)
    >>> layer.weight.data = np.array([[1.0, -4.0], [3.0, 2.0]])
    >>> l1_unstructured(layer, "weight", amount=0.5).weight_mask.tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    scores = (
        _values(module, name) if importance_scores is None else host(importance_scores)
    )
    return custom_from_mask(module, name, _lowest_off(np.abs(scores), _mask(module, name), amount))


def random_unstructured(module: Module, name: str, amount: float) -> Module:
    """Prune entries at random; returns the module.

    Args:
        module: whose parameter it is; it is changed.
        name: of the parameter.
        amount: how many, or which share between 0 and 1 of those that are left.
    """
    scores = random.rand(*_values(module, name).shape).numpy()
    return custom_from_mask(module, name, _lowest_off(scores, _mask(module, name), amount))


def ln_structured(
    module: Module, name: str, amount: float, n: float, dim: int, importance_scores: Any = None
) -> Module:
    """Prune whole slices along an axis, those of the smallest n-norm; returns the module.

    Args:
        module: whose parameter it is; it is changed.
        name: of the parameter.
        amount: how many slices, or which share between 0 and 1 of those that are left.
        n: which norm, as in np.linalg.norm.
        dim: the axis along which the slices are counted.
        importance_scores: what counts in the place of the values, of their shape.
    """
    scores = (
        _values(module, name) if importance_scores is None else host(importance_scores)
    )
    rows = np.reshape(np.moveaxis(scores, dim, 0), (scores.shape[dim], -1))
    return _slices_off(module, name, np.linalg.norm(rows, n, axis=1), amount, dim)


def random_structured(module: Module, name: str, amount: float, dim: int) -> Module:
    """Prune whole slices along an axis at random; returns the module.

    Args:
        module: whose parameter it is; it is changed.
        name: of the parameter.
        amount: how many slices, or which share between 0 and 1 of those that are left.
        dim: the axis along which the slices are counted.
    """
    count = _values(module, name).shape[dim]
    return _slices_off(module, name, random.rand(count).numpy(), amount, dim)


def _slices_off(module: Module, name: str, scores: Any, amount: float, dim: int) -> Module:
    mask = np.moveaxis(_mask(module, name), dim, 0)
    alive = np.reshape(mask, (len(mask), -1)).any(axis=1).astype(float)
    keep = _lowest_off(scores, alive, amount)
    shape = [1] * mask.ndim
    shape[dim] = len(mask)
    return custom_from_mask(
        module, name, np.broadcast_to(np.reshape(keep, shape), _mask(module, name).shape)
    )


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: Callable[..., Any],
    importance_scores: Any = None,
    *,
    amount: float,
) -> None:
    """Prune the entries of the smallest absolute values of several parameters together.

    Args:
        parameters: pairs of a module and a name.
        pruning_method: `l1_unstructured` or `random_unstructured`.
        importance_scores: by pair (module, name), what counts in the place of the values.
        amount: how many entries of all, or which share between 0 and 1 of those that are left.
    """
    pairs = list(parameters)
    if pruning_method not in (l1_unstructured, random_unstructured):
        raise ValueError("global_unstructured takes l1_unstructured or random_unstructured")
    given = importance_scores or {}
    values = [np.abs(host(given[pair] if pair in given else _values(*pair))) for pair in pairs]
    if pruning_method is random_unstructured:
        values = [random.rand(*x.shape).numpy() for x in values]
    scores = np.concatenate([x.ravel() for x in values])
    masks = np.concatenate([_mask(*pair).ravel() for pair in pairs])
    keep, start = _lowest_off(scores, masks, amount), 0
    for pair, x in zip(pairs, values, strict=True):
        custom_from_mask(*pair, keep[start : start + x.size].reshape(x.shape))
        start += x.size


def _mask(module: Module, name: str) -> Any:
    """The mask that a parameter has, ones where it has none."""
    if not _is_ours(module, name):
        return np.ones(_values(module, name).shape)
    return host(getattr(module, f"{name}_mask"))


def _lowest_off(scores: Any, mask: Any, amount: float) -> Any:
    """The mask without those of the lowest scores, of what it has left."""
    left = np.flatnonzero(mask)
    if isinstance(amount, (int, np.integer)) and not isinstance(amount, bool):
        count = int(amount)
    elif 0.0 <= amount <= 1.0:
        count = round(float(amount) * len(left))
    else:
        raise ValueError(
            f"amount must be a number of entries or a share between 0 and 1, got {amount}"
        )
    if not 0 <= count <= len(left):
        raise ValueError(f"amount={amount} is out of range: {len(left)} are left to prune")
    lowest = left[np.argsort(np.ravel(scores)[left], kind="stable")[:count]]
    new = np.array(mask, dtype=float, order="C")  # so that what is flat is no copy
    new.reshape(-1)[lowest] = 0.0
    return new


def is_pruned(module: Module) -> bool:
    """Whether a parameter of a module, or of one inside of it, is pruned."""
    return any(
        isinstance(x, _Pruned) for m in module.modules() for x in (m._derived or {}).values()
    )


def remove(module: Module, name: str) -> Module:
    """Make a pruned parameter an ordinary one, with its zeros; returns the module.

    Args:
        module: whose parameter it is; it is changed.
        name: of the parameter.
    """
    if not _is_ours(module, name):
        raise ValueError(f"{name!r} of {type(module).__name__} is not pruned")
    with no_grad():
        values = getattr(module, name).data
    weight = getattr(module, f"{name}_orig")
    module._derive(name, None)
    delattr(module, f"{name}_orig")
    delattr(module, f"{name}_mask")
    weight.data = values
    setattr(module, name, weight)
    return module
