"""numpy.linalg and products of batches."""

from __future__ import annotations

from collections.abc import Callable
from string import ascii_letters
from typing import Any

import numpy as np

from .batch import (
    Batch,
    Level,
    Unbatched,
    aligned,
    all_examples,
    data_of,
    ndim_of,
    newest,
    rebuilt,
    required,
    rule_for,
    within,
)

__all__ = ["of_stack"]


@rule_for(
    np.linalg.inv,
    np.linalg.det,
    np.linalg.slogdet,
    np.linalg.cholesky,
    np.linalg.eig,
    np.linalg.eigvals,
    np.linalg.eigh,
    np.linalg.eigvalsh,
    np.linalg.svd,
    np.linalg.svdvals,
    np.linalg.qr,
    np.linalg.pinv,
    np.linalg.matrix_rank,
    np.linalg.matrix_power,
    np.linalg.cond,
)
def _of_matrices(
    level: Level, function: Callable[..., Any], x: Any, *args: Any, **kwargs: Any
) -> Any:
    """What works on the last two axes of a stack."""
    if newest((args, kwargs)) is not None:
        raise Unbatched(f"{function.__name__} with an option of each example")
    data = required(x, level)
    if x.ndim < 2:
        raise np.linalg.LinAlgError(
            f"{x.ndim}-dimensional array given. Array must be at least two-dimensional"
        )
    return rebuilt(function(data, *args, **kwargs), level)


@rule_for(np.linalg.solve)
def _solve(level: Level, function: Callable[..., Any], a: Any, b: Any) -> Any:
    vector = ndim_of(b) == 1
    b = b[:, None] if vector else b
    ndim = max(ndim_of(a), ndim_of(b))
    out = np.linalg.solve(*in_one_stack(aligned(a, ndim, level), aligned(b, ndim, level)))
    return Batch(out[..., 0] if vector else out, level)


def in_one_stack(a: Any, b: Any) -> tuple[Any, Any]:
    """Stacks of matrices stretched to each other for `np.linalg.solve`: CuPy's does not do it by itself."""
    if isinstance(a, np.ndarray) or hasattr(a, "_array") or min(np.ndim(a), np.ndim(b)) < 2:
        return a, b
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return np.broadcast_to(a, (*stack, *a.shape[-2:])), np.broadcast_to(b, (*stack, *b.shape[-2:]))


@rule_for(np.linalg.norm)
def _norm(
    level: Level, function: Callable[..., Any], x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False  # noqa: A002
) -> Any:  # fmt: skip
    data, ndim = required(x, level), x.ndim
    if axis is None and ord is None:
        out = np.linalg.norm(np.reshape(data, (level.size, x.size)), axis=1)
        return Batch(np.reshape(out, (level.size, *(1,) * ndim)) if keepdims else out, level)
    if axis is None:
        axis = 0 if ndim == 1 else tuple(range(ndim))
    moved = np.atleast_1d(axis) % ndim + 1
    return Batch(
        np.linalg.norm(
            data, ord, int(moved[0]) if len(moved) == 1 else tuple(moved.tolist()), keepdims
        ),
        level,
    )


@rule_for(np.einsum)
def _einsum(
    level: Level, function: Callable[..., Any], subscripts: Any, *operands: Any, **kwargs: Any
) -> Any:
    if not isinstance(subscripts, str) or "->" not in subscripts or kwargs.get("out") is not None:
        raise Unbatched("einsum without '->', or with out=")
    inputs, out = subscripts.replace(" ", "").split("->")
    letter = next(c for c in ascii_letters if c not in subscripts)
    terms = [
        letter + t if within(x, level) else t
        for t, x in zip(inputs.split(","), operands, strict=True)
    ]
    data = [data_of(x, level) for x in operands]
    return Batch(np.einsum(",".join(terms) + "->" + letter + out, *data, **kwargs), level)


@rule_for(np.dot)
def _dot(level: Level, function: Callable[..., Any], x: Any, y: Any, out: Any = None) -> Any:
    if out is not None or (ndim_of(y) > 2 and ndim_of(x)):
        raise Unbatched("dot of tensors")
    return np.multiply(x, y) if ndim_of(x) == 0 or ndim_of(y) == 0 else np.matmul(x, y)


@rule_for(np.outer)
def _outer(level: Level, function: Callable[..., Any], x: Any, y: Any, out: Any = None) -> Any:
    return np.multiply(np.reshape(x, (-1, 1)), np.reshape(y, (1, -1)), out=out)


def of_stack(function: Callable[..., Any], x: Any) -> Any:
    """A function that takes a stack of matrices, and knows no protocol, of the matrices of all examples.

    On a GPU, where CuPy's takes one matrix, the op goes through the examples.
    """
    if type(x) is Batch and isinstance(all_examples(x), np.ndarray):
        return Batch(of_stack(function, x._array), x.level)
    if type(x) is Batch:
        raise Unbatched("CuPy's functions of a matrix")
    return function(x)
