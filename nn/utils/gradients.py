"""Clipping gradients, and parameters as one vector (torch.nn.utils)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any

import numpy as np

from minigrad import Tensor, concatenate, mark_mutated, raw, to_device
from minigrad.arrays import RowSparse
from minigrad.devices import on_gpu_of
from minigrad.later import is_unread

from ..module import Module
from .together import change_all, copy_into, norm_on_device

__all__ = [
    "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm", "parameters_to_vector",
    "vector_to_parameters",
]  # fmt: skip


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """The parameters' gradients, each parameter once; row-sparse ones hold each row once then."""
    if isinstance(parameters, Module):
        raise TypeError("clipping takes parameters, not a module; write model.parameters()")
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if not given:
        warnings.warn("no parameters to clip: a generator such as model.parameters() gives them once", stacklevel=3)
    for p in given:
        if not isinstance(p, Tensor):
            raise TypeError(f"clipping takes tensors, got {type(p).__name__}")
    found = []
    for p in {id(p): p for p in given}.values():
        if p.grad is not None:
            if isinstance(p.grad.data, RowSparse):
                p.grad.data = p.grad.data.coalesce()
            found.append(p.grad)
    return found


def _values(tensor: Any) -> Any:
    """The numbers of a gradient: of a row-sparse one, those that it holds."""
    array = raw(tensor)
    return array.values if isinstance(array, RowSparse) else array


def _change(gradients: list[Tensor], change: Callable[[Any], None]) -> None:
    """Change all numbers of gradients in place."""
    sparse = [_values(g) for g in gradients if isinstance(g.data, RowSparse)]
    for values in {id(values): values for values in sparse}.values():  # two may share one
        with on_gpu_of(values):
            change(values)
        mark_mutated(values)
    if sparse:
        gradients = [g for g in gradients if not isinstance(g.data, RowSparse)]
    change_all(gradients, change)


def _norm(arrays: list[Any], norm_type: float) -> Any:
    """The norm of arrays, taken as one vector."""
    arrays = [g for g in arrays if g.size]
    if not arrays:
        return np.float32(0)
    if not all(isinstance(g, np.ndarray) for g in arrays):
        return norm_on_device(arrays, norm_type)
    wide = [g.astype(np.float32) if g.dtype == np.float16 else g for g in arrays]
    with np.errstate(over="ignore"):  # looked at below
        norms = np.stack([np.linalg.norm(np.reshape(g, -1), ord=norm_type) for g in wide])
        total = np.linalg.norm(norms, ord=norm_type)
    overflown = not np.isfinite(total) and all(bool(np.isfinite(g).all()) for g in wide)
    if overflown or (total == 0 and norm_type > 0 and any(bool(g.any()) for g in wide)):
        # The squares are too large, or too small: in units of the largest number they are not.
        largest = max(float(np.abs(g).max()) for g in wide)
        total = largest * _norm([g / largest for g in wide], norm_type)
    return total


def get_total_norm(
    tensors: Tensor | Iterable[Tensor], norm_type: float = 2.0, error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:  # fmt: skip
    """The norm of tensors, gradients say, taken as one vector.

    Args:
        tensors: one, or several.
        norm_type: p of the p-norm; inf for the largest absolute value.
        error_if_nonfinite: raise where the norm is infinite or NaN; otherwise it is returned.
        foreach: taken without an effect.

    Raises:
        RuntimeError: error_if_nonfinite is given, and the norm is infinite or NaN.

    >>> get_total_norm([Tensor([3.0]), Tensor([[4.0]])]).item()
    5.0
    """
    given = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    arrays = []
    for t in given:
        array = raw(t)
        arrays.append(array.coalesce().values if isinstance(array, RowSparse) else array)
    total = _norm(arrays, float(norm_type))
    if error_if_nonfinite and not isfinite(float(total)):
        raise RuntimeError(f"the norm of order {norm_type} of the gradients is {total}")
    return Tensor(np.asarray(total) if isinstance(total, (np.generic, float)) else total)


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor | float, foreach: bool | None = None
) -> None:  # fmt: skip
    """Scale all gradients by max_norm / total_norm where that is below 1, in place.

    Args:
        parameters: whose gradients are scaled: one tensor, or several.
        max_norm: the largest norm that is left as it is.
        total_norm: the norm of all gradients, as `get_total_norm` returns it.
        foreach: taken without an effect.

    Raises:
        ValueError: max_norm is negative or NaN.

    >>> p = Tensor([3.0, 4.0], requires_grad=True)
    >>> (p * p / 2).sum().backward()
    >>> clip_grads_with_norm_(p, 2.5, 5.0)
    >>> p.grad.round(3).tolist()
    [1.5, 2.0]
    """
    if not max_norm >= 0:
        raise ValueError(f"max_norm must be at least 0, got {max_norm}")
    gradients = _gradients(parameters)
    if isinstance(total_norm, Tensor) and is_unread(total_norm.data):
        factor = np.minimum(float(max_norm) / (total_norm.detach() + 1e-6), 1.0)
        _change(gradients, lambda g: _multiply(g, factor))
        return
    share = float(max_norm) / (float(total_norm) + 1e-6)
    if not share >= 1:  # a NaN is handed on, as in PyTorch
        _change(gradients, lambda g: _multiply(g, share))


def _multiply(g: Any, factor: Any) -> None:
    """Multiply an array in place, on its device; the factor of another GPU's norm is copied to it."""
    g *= to_device(factor, Tensor(g).device).data if isinstance(factor, Tensor) else factor


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:  # fmt: skip
    """Scale all gradients together so that their norm, taken as one vector, is at most max_norm; returns the norm before.

    A parameter that is given twice counts once.

    Args:
        parameters: whose gradients are scaled: one tensor, or several; those without a gradient do not count.
        max_norm: the largest norm that is left as it is.
        norm_type: p of the p-norm; inf for the largest absolute value.
        error_if_nonfinite: raise where the norm is infinite or NaN; otherwise the gradients become 0 or NaN.
        foreach: taken without an effect.

    Raises:
        ValueError: max_norm is negative or NaN.
        RuntimeError: error_if_nonfinite is given, and the norm is infinite or NaN; nothing is changed then.

    >>> p = Tensor([3.0, 4.0], requires_grad=True)
    >>> (p * p / 2).sum().backward()
    >>> clip_grad_norm_(p, 1.0).item(), p.grad.round(3).tolist()
    (5.0, [0.6000000238418579, 0.800000011920929])
    """
    given = [parameters] if isinstance(parameters, (Tensor, Module)) else list(parameters)
    gradients = _gradients(parameters if isinstance(parameters, Module) else given)
    total = get_total_norm([Tensor(_values(g)) for g in gradients], norm_type, error_if_nonfinite)
    if given:
        clip_grads_with_norm_(given, max_norm, total)
    return total


def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None
) -> None:  # fmt: skip
    """Clip every element of the gradients to ±clip_value, in place.

    Args:
        parameters: whose gradients are clipped: one tensor, or several.
        clip_value: the largest absolute value that is left as it is.
        foreach: taken without an effect.

    Raises:
        ValueError: clip_value is negative or NaN.
        TypeError: a gradient is complex; complex numbers have no order.

    >>> p = Tensor([3.0, -4.0], requires_grad=True)
    >>> (p * p / 2).sum().backward()
    >>> clip_grad_value_(p, 3.5)
    >>> p.grad.tolist()
    [3.0, -3.5]
    """
    if not clip_value >= 0:
        raise ValueError(f"clip_value must be at least 0, got {clip_value}")
    gradients, most = _gradients(parameters), float(clip_value)
    for g in gradients:
        if g.dtype.kind == "c":
            raise TypeError("clip_grad_value_: complex numbers have no order; use clip_grad_norm_")
    _change(gradients, lambda array: np.clip(array, -most, most, out=array))


def parameters_to_vector(parameters: Iterable[Tensor]) -> Any:
    """All parameters, one after the other, in one vector; part of the graph."""
    return concatenate([np.reshape(p, -1) for p in parameters])


def vector_to_parameters(vector: Any, parameters: Iterable[Tensor]) -> None:
    """Write a vector into parameters, one after the other.

    Args:
        vector: as many numbers as all parameters have; they are converted to the dtypes of these.
        parameters: what is changed, in place.
    """
    given = list(parameters)
    sizes = [p.size for p in given]
    if np.shape(vector) != (sum(sizes),):
        raise ValueError(f"vector_to_parameters: {sum(sizes)} numbers are needed, got shape {np.shape(vector)}")
    values = raw(vector) if hasattr(vector, "dtype") else np.asarray(vector)
    for p in given:
        if values.dtype.kind == "c" and p.dtype.kind != "c":
            raise TypeError(f"vector_to_parameters: complex numbers cannot be written into {p.dtype} parameters")
    ends = np.cumsum(sizes)
    parts = [
        Tensor(np.reshape(values[end - p.size : end], p.shape)).to(p.device)
        for end, p in zip(ends.tolist(), given, strict=True)
    ]
    change_all(given, copy_into, parts)
