"""Clipping gradients, and parameters as one vector (torch.nn.utils)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad import Tensor, concatenate, mark_mutated
from minigrad.arrays import RowSparse

__all__ = ["clip_grad_norm_", "clip_grad_value_", "parameters_to_vector", "vector_to_parameters"]


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Any]:
    """The arrays of the gradients; of row-sparse ones the rows that they hold, each once."""
    found = []
    for p in [parameters] if isinstance(parameters, Tensor) else parameters:
        if p.grad is not None:
            if isinstance(p.grad.data, RowSparse):
                p.grad.data = p.grad.data.coalesce()
                found.append(p.grad.data.values)
            else:
                found.append(p.grad.data)
    return found


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale all gradients together so that their norm, taken as one vector, is at most max_norm; returns the norm before.

    >>> p = Tensor([3.0, 4.0], requires_grad=True)
    >>> (p * p / 2).sum().backward()
    >>> clip_grad_norm_(p, 1.0).item(), p.grad.round(3).tolist()
    (5.0, [0.6000000238418579, 0.800000011920929])
    """
    grads = _gradients(parameters)
    if not grads:
        return Tensor(0.0)
    norms = np.stack([np.linalg.norm(np.reshape(g, -1), ord=norm_type) for g in grads])
    total = np.linalg.norm(norms, ord=norm_type)
    if error_if_nonfinite and not bool(np.isfinite(total)):
        raise RuntimeError(f"clip_grad_norm_: the norm of the gradients is {total}")
    factor = max_norm / (total + 1e-6)
    if not factor >= 1:  # NaN too, as in PyTorch
        for g in grads:
            g *= factor
            mark_mutated(g)
    return Tensor(total)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Clip every element of the gradients to ±clip_value."""
    for g in _gradients(parameters):
        np.clip(g, -clip_value, clip_value, out=g)
        mark_mutated(g)


def parameters_to_vector(parameters: Iterable[Tensor]) -> Any:
    """All parameters, one after the other, in one vector; part of the graph."""
    return concatenate([np.reshape(p, -1) for p in parameters])


def vector_to_parameters(vector: Any, parameters: Iterable[Tensor]) -> None:
    """Write a vector into parameters, one after the other."""
    given = list(parameters)
    sizes = [p.size for p in given]
    if np.shape(vector) != (sum(sizes),):
        raise ValueError(f"vector_to_parameters: {sum(sizes)} numbers are needed, got shape {np.shape(vector)}")
    values = vector.detach().data if isinstance(vector, Tensor) else np.asarray(vector)
    start = 0
    for p, n in zip(given, sizes, strict=True):
        p.data[...] = np.reshape(values[start : start + n], p.shape)
        mark_mutated(p.data)
        start += n
