"""Linear and bilinear maps, as functions under torch.nn.functional's names; the modules are in `nn.layers.linear`."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from minigrad import primitive
from minigrad.devices import follow
from minigrad.kernels import accelerated

__all__ = ["bilinear", "linear"]


@accelerated("linear_rule")
def _linear_all(g: Any, needs: Sequence[bool], x: Any, weight: Any) -> list[Any]:
    count = prod(x.shape[:-1])
    rows = np.reshape(g, (count, g.shape[-1]))
    return [
        np.matmul(g, weight) if needs[0] else None,
        np.matmul(np.swapaxes(rows, 0, 1), np.reshape(x, (count, x.shape[-1]))) if needs[1] else None,
        np.sum(rows, axis=0) if needs[2] else None,
    ]


@primitive(method=False, joint=_linear_all, inputs=("x", "weight", "bias"))
@accelerated("linear")
def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """A linear map of the last axis: x (..., in), weight (out, in), bias (out,) -> (..., out).

    out     = x @ weight^T + bias
    dx      = g @ weight
    dweight = g^T @ x        (over all rows)
    dbias   = the sum of the rows of g

    >>> linear(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]), np.array([5.0]))
    array([[16.]])
    """
    rows = np.matmul(np.reshape(x, (prod(x.shape[:-1]), x.shape[-1])), np.swapaxes(weight, 0, 1))
    if bias is not None:
        if bias.shape != weight.shape[:1]:
            raise ValueError(f"bias has shape {bias.shape}, expected {weight.shape[:1]}, one for each row of the weight")
        rows += bias
    return np.reshape(rows, (*x.shape[:-1], weight.shape[0]))


@follow
def bilinear(x1: Any, x2: Any, weight: Any, bias: Any = None) -> Any:
    """A bilinear map of the last axes: x1 (..., a), x2 (..., b), weight (out, a, b) -> (..., out).

    out_k = x1^T W_k x2 + b_k

    Args:
        x1, x2: (..., a) and (..., b), whose other axes broadcast.
        weight: (out, a, b), a matrix for each number of the result.
        bias: (out,), or None.

    >>> bilinear(np.array([1.0, 2.0]), np.array([3.0]), np.array([[[1.0], [1.0]]]))
    array([9.])
    """
    out = np.einsum("...a,kab,...b->...k", x1, weight, x2)
    return out if bias is None else out + bias
