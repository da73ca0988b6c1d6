"""Products of matrices and tensors."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters
from typing import Any

import numpy as np

from ..primitive import composed, primitive
from .masking import conj

__all__ = ["dot", "einsum", "inner", "matmul", "outer", "tensordot", "vdot"]


def _matmul_x(g: Any, y: Any, x_shape: Any) -> Any:
    if y.ndim == 1:  # the column that NumPy put in
        y, g = y[:, None], g[..., None]
    if len(x_shape) == 1:  # the row
        return np.matmul(g[..., None, :], np.swapaxes(y, -1, -2))[..., 0, :]
    return np.matmul(g, np.swapaxes(y, -1, -2))


def _matmul_y(g: Any, x: Any, y_shape: Any) -> Any:
    if x.ndim == 1:
        x, g = x[None, :], (g[..., None, :] if len(y_shape) > 1 else np.reshape(g, (1, 1)))
    elif len(y_shape) == 1:
        g = g[..., None]
    if len(y_shape) <= 2 and x.ndim > 2:  # a batch against one matrix is one long product
        x, g = np.reshape(x, (-1, x.shape[-1])), np.reshape(g, (-1, g.shape[-1]))
    out = np.matmul(np.swapaxes(x, -1, -2), g)
    return out[..., 0] if len(y_shape) == 1 else out


@primitive(np.matmul, np.linalg.matmul, x=_matmul_x, y=_matmul_y)
def matmul(x: Any, y: Any) -> Any:
    """Matrix product of the last two axes, the ones before broadcast.

    out = X Y
    dX  = G Y^T
    dY  = X^T G

    >>> matmul(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]))
    array([[11.]])
    """
    if np.ndim(y) == 2 and np.ndim(x) > 2 and x.flags.c_contiguous:  # one long product instead of many
        return np.reshape(np.matmul(np.reshape(x, (-1, x.shape[-1])), y), (*x.shape[:-1], y.shape[-1]))
    return np.matmul(x, y)


@composed(np.tensordot, np.linalg.tensordot)
def tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    """Sum of products over pairs of axes.

    >>> tensordot(np.ones((2, 3)), np.ones((3, 4)), axes=1).shape
    (2, 4)
    """
    xs, ys = np.shape(x), np.shape(y)
    if isinstance(axes, (int, np.integer)):
        over_x, over_y = list(range(len(xs) - axes, len(xs))), list(range(axes))
    else:
        over_x, over_y = ([int(a) for a in np.atleast_1d(part)] for part in axes)
    over_x, over_y = [a % len(xs) for a in over_x], [a % len(ys) for a in over_y]
    if [xs[a] for a in over_x] != [ys[a] for a in over_y]:
        raise ValueError(f"tensordot: axes {over_x} of shape {xs} do not match axes {over_y} of shape {ys}")
    free_x = [a for a in range(len(xs)) if a not in over_x]
    free_y = [a for a in range(len(ys)) if a not in over_y]
    n = int(np.prod([xs[a] for a in over_x], dtype=int))
    rows = np.reshape(np.transpose(x, free_x + over_x), (int(np.prod([xs[a] for a in free_x], dtype=int)), n))
    columns = np.reshape(np.transpose(y, over_y + free_y), (n, int(np.prod([ys[a] for a in free_y], dtype=int))))
    return np.reshape(matmul(rows, columns), [xs[a] for a in free_x] + [ys[a] for a in free_y])


@composed(np.dot)
def dot(x: Any, y: Any) -> Any:
    """Product of vectors, matrices or tensors: the last axis of x with the second to last of y.

    >>> dot(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    np.float64(11.0)
    """
    if np.ndim(x) == 0 or np.ndim(y) == 0:
        return np.multiply(x, y)
    if np.ndim(y) <= 2:
        return matmul(x, y)
    return tensordot(x, y, axes=(-1, -2))


@composed(np.inner)
def inner(x: Any, y: Any) -> Any:
    """Sum of products over the last axes.

    >>> inner(np.array([1.0, 2.0]), np.array([3.0, 4.0])).item()
    11.0
    """
    return np.multiply(x, y) if np.ndim(x) == 0 or np.ndim(y) == 0 else tensordot(x, y, axes=(-1, -1))


@composed(np.outer, np.linalg.outer)
def outer(x: Any, y: Any) -> Any:
    """All products of two elements.

    out_ij = x_i y_j

    >>> outer(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    array([[3., 4.],
           [6., 8.]])
    """
    return np.multiply(np.reshape(x, (-1, 1)), np.reshape(y, (1, -1)))


@composed(np.vdot)
def vdot(x: Any, y: Any) -> Any:
    """Sum of conj(x) y over all elements.

    >>> vdot(np.array([1j]), np.array([1j])).item()
    (1+0j)
    """
    return dot(np.conj(np.reshape(x, -1)), np.reshape(y, -1))


# -------------------------------------------------------------------------------------- einsum


def _einsum_all(g: Any, needs: Any, operands: Any, operands_shape: Any, subscripts: str) -> list[Any]:
    """The gradient of an operand is the einsum in which it and the output change places."""
    terms, out = _terms(subscripts)
    found: list[Any] = []
    for i, (term, shape) in enumerate(zip(terms, operands_shape, strict=True)):
        if not needs[i]:
            found.append(None)
            continue
        others = [(t, x) for j, (t, x) in enumerate(zip(terms, operands, strict=True)) if j != i]
        # An index that stands twice in the term is a diagonal: the copy gets a new letter, tied by an identity.
        fresh = (c for c in ascii_letters if c not in subscripts)
        target = ""
        for letter, n in zip(term, shape, strict=True):
            if letter in target:
                copy = next(fresh)
                others.append((letter + copy, eye_like(g, n)))
                target += copy
            else:
                target += letter
        # An index that stands nowhere else was summed over: its gradient is the same all along it.
        present = out + "".join(t for t, _ in others)
        others += [(c, np.ones_like(g, shape=(n,))) for c, n in zip(target, shape, strict=True) if c not in present]
        spec = ",".join([out, *(t for t, _ in others)]) + "->" + target
        found.append(np.einsum(spec, g, *(x for _, x in others)))
    return found


def eye_like(x: Any, n: int) -> Any:
    """The n x n identity matrix in the dtype and on the device of x."""
    steps = np.cumsum(np.ones_like(x, shape=(n,), dtype=int))
    return (steps[:, None] == steps).astype(x.dtype)


def eye_of(x: Any) -> Any:
    """The identity matrix of the size of the last axis of x."""
    return eye_like(x, x.shape[-1])


def transposed(x: Any) -> Any:
    """The transposes of the matrices in the last two axes."""
    return np.swapaxes(x, -1, -2)


def hermitian(x: Any) -> Any:
    """The conjugate transposes of the matrices in the last two axes."""
    return conj(np.swapaxes(x, -1, -2))


def _terms(subscripts: str) -> tuple[list[str], str]:
    inputs, out = subscripts.split("->")
    return inputs.split(","), out


@primitive(method=False, joint=_einsum_all, inputs=("operands",), name="einsum")
def _einsum(*operands: Any, subscripts: str) -> Any:
    """Sum of products over named indices.

    out_{...} = sum of x_{...} y_{...} ...
    dx        = the einsum in which x and out change places
    """
    large = sum(np.size(x) for x in operands) > 10_000  # finding an order of contraction costs 50 us
    return np.einsum(subscripts, *operands, optimize=large and len(operands) > 1)


@composed(np.einsum, method=False)
def einsum(subscripts: Any, *operands: Any, optimize: Any = None) -> Any:
    """Einstein's summation, in every form that NumPy takes.

    >>> einsum("ij,jk->ik", np.ones((2, 3)), np.ones((3, 4))).shape
    (2, 4)
    >>> einsum("ii", np.eye(3))
    np.float64(3.0)
    """
    if not isinstance(subscripts, str):
        subscripts, operands = _from_lists((subscripts, *operands))
    spec = explicit(subscripts, [np.ndim(x) for x in operands])
    return _einsum(*operands, subscripts=spec)


def _from_lists(args: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """einsum(x, [0, 1], y, [1, 2], [0, 2]) as a string of letters."""

    def letters(indices: Any) -> str:
        return "".join("..." if i is Ellipsis else ascii_letters[i] for i in indices)

    pairs = len(args) // 2
    spec = ",".join(letters(args[2 * i + 1]) for i in range(pairs))
    return spec + (f"->{letters(args[-1])}" if len(args) % 2 else ""), tuple(args[2 * i] for i in range(pairs))


def explicit(subscripts: str, ndims: Sequence[int]) -> str:
    """Subscripts with the output written out and letters in place of '...'.

    >>> explicit("...i,i", [3, 1])
    'zAi,i->zA'
    """
    inputs, arrow, out = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != len(ndims):
        raise ValueError(f"einsum: {subscripts!r} names {len(terms)} operands, got {len(ndims)}")
    spare = "".join(c for c in ascii_letters if c not in subscripts)
    widest = 0
    for i, (term, ndim) in enumerate(zip(terms, ndims, strict=True)):
        if "..." in term:
            n = ndim - len(term) + 3
            widest = max(widest, n)
            terms[i] = term.replace("...", spare_letters(spare, n))
        elif len(term) != ndim:
            raise ValueError(f"einsum: {term!r} in {subscripts!r} names {len(term)} axes, the operand has {ndim}")
    every = "".join(terms)
    if arrow:
        out = out.replace("...", spare_letters(spare, widest))
    else:
        named = sorted(c for c in set(every) if every.count(c) == 1 and c not in spare_letters(spare, widest))
        out = spare_letters(spare, widest) + "".join(named)
    return ",".join(terms) + "->" + out


def spare_letters(spare: str, n: int) -> str:
    """The n letters that stand for an ellipsis of n axes, aligned at the right."""
    lower = sorted(spare, key=str.isupper)[:26]
    return "".join(lower[len(lower) - n :])
