"""Products of matrices and tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from string import ascii_letters
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..arrays.batch import all_examples
from ..arrays.linear import in_one_stack
from ..backend import as_operand, beside, is_array, on_gpu_of, side_by_side
from ..calling import cast_inputs
from ..primitive import composed, method, primitive
from ..tensor import Tensor, raw
from .join import concatenate, stack
from .reduce import sum as sum_over
from .shape import reshape
from .slopes import conj

__all__ = [
    "cross", "dot", "einsum", "inner", "kron", "matmul", "matvec", "outer", "tensordot", "vdot", "vecdot", "vecmat",
]  # fmt: skip


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
        x, g = _one_matrix(x), _one_matrix(g)
    out = np.matmul(np.swapaxes(x, -1, -2), g)
    return out[..., 0] if len(y_shape) == 1 else out


def _one_matrix(x: Any) -> Any:
    """The rows of all matrices, one below the other: (..., n, m) -> (rows, m)."""
    return np.reshape(x, (prod(x.shape[:-1]), x.shape[-1]))


@primitive(np.matmul, x=_matmul_x, y=_matmul_y)
def matmul(x: Any, y: Any) -> Any:
    """Matrix product of the last two axes, the ones before broadcast.

    out = x @ y
    dx  = g @ y^T
    dy  = x^T @ g

    >>> matmul(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]))
    array([[11.]])
    """
    if np.ndim(y) == 2 and np.ndim(x) > 2 and x.flags.c_contiguous:  # one long product instead of many
        return np.reshape(np.matmul(_one_matrix(x), y), (*x.shape[:-1], y.shape[-1]))
    return np.matmul(x, y)


#: What `@` does beside a tensor with operands that are no arrays: tests, and the products for them.
foreign_products: list[tuple[Callable[[Any], bool], Callable[[Any, Any], Any]]] = []


def _product(x: Any, y: Any, other: Any) -> Any:
    """x @ y, where one of them is a Tensor and `other` is the other one."""
    if isinstance(other, (Tensor, np.ndarray)):
        return matmul(x, y)
    for knows, product in foreign_products:
        if knows(other):
            return product(x, y)
    return matmul(x, y) if is_array(other) or isinstance(other, (list, tuple)) else NotImplemented


@method
def __matmul__(self: Tensor, other: Any) -> Any:
    return _product(self, other, other)


@method
def __rmatmul__(self: Tensor, other: Any) -> Any:
    return _product(other, self, other)


@composed(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Sum of products over pairs of axes.

    Args:
        axes: a number n for the last n axes of a with the first n of b, or (axes of a, axes of b).

    >>> tensordot(np.ones((2, 3)), np.ones((3, 4)), axes=1).shape
    (2, 4)
    """
    shape, other = np.shape(a), np.shape(b)
    over_a, over_b = _paired_axes(axes, len(shape), len(other))
    if [shape[i] for i in over_a] != [other[i] for i in over_b]:
        raise ValueError(
            f"tensordot: axes {over_a} of shape {shape} do not match axes {over_b} of shape {other}"
        )
    free_a = [i for i in range(len(shape)) if i not in over_a]
    free_b = [i for i in range(len(other)) if i not in over_b]
    kept_a, kept_b = [shape[i] for i in free_a], [other[i] for i in free_b]
    n = prod(shape[i] for i in over_a)
    rows = np.reshape(np.transpose(a, free_a + over_a), (prod(kept_a), n))
    columns = np.reshape(np.transpose(b, over_b + free_b), (n, prod(kept_b)))
    return np.reshape(matmul(rows, columns), kept_a + kept_b)


def _paired_axes(axes: Any, ndim: int, other: int) -> tuple[list[int], list[int]]:
    """The axes that `tensordot` sums over, of both arrays, counted from the front."""
    if isinstance(axes, (int, np.integer)):
        over_a, over_b = list(range(-axes, 0)), list(range(axes))
    else:
        over_a, over_b = ([int(i) for i in np.atleast_1d(part)] for part in axes)
    return (
        [normalize_axis_index(i, ndim) for i in over_a],
        [normalize_axis_index(i, other) for i in over_b],
    )


@composed(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    """Product of vectors, matrices or tensors: the last axis of a with the second to last of b.

    >>> dot(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    np.float64(11.0)
    """
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return _scaled(a, b)
    if np.ndim(b) <= 2:
        return matmul(a, b)
    return tensordot(a, b, axes=(-1, -2))


def _scaled(a: Any, b: Any) -> Any:
    """A product with a number, whose dtype counts: NumPy makes an array of it first."""
    a, b = (
        x if hasattr(x, "dtype") else beside(np.asarray(x), other) for x, other in ((a, b), (b, a))
    )
    return np.multiply(a, b)


@composed(np.inner)
def inner(a: Any, b: Any, /) -> Any:
    """Sum of products over the last axes.

    >>> inner(np.array([1.0, 2.0]), np.array([3.0, 4.0])).item()
    11.0
    """
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return _scaled(a, b)
    return tensordot(*side_by_side(a, b), axes=(-1, -1))


@composed(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    """All products of two elements.

    out_ij = a_i b_j

    >>> outer(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    array([[3., 4.],
           [6., 8.]])
    """
    a, b = side_by_side(a, b)
    return np.multiply(np.reshape(a, (np.size(a), 1)), np.reshape(b, (1, np.size(b))))


@composed(np.vdot)
def vdot(a: Any, b: Any, /) -> Any:
    """Sum of conj(a) b over all elements.

    >>> vdot(np.array([1j]), np.array([1j])).item()
    (1+0j)
    """
    a, b = side_by_side(a, b)
    return dot(conj(np.reshape(a, -1)), np.reshape(b, -1))


# -------------------------------------------------------------------------------------- einsum


def _einsum_all(
    g: Any, needs: Any, operands: Any, operands_shape: Any, subscripts: str
) -> list[Any]:
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
        total = np.einsum(spec, g, *(x for _, x in others))
        # Where this operand was multiplied with an axis of length one, its gradient is the same all along.
        found.append(np.broadcast_to(total, np.broadcast_shapes(total.shape, shape)))
    return found


def eye_like(x: Any, n: int) -> Any:
    """The n x n identity matrix in the dtype and on the device of x."""
    with on_gpu_of(x):
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
def _einsum(*operands: Any, subscripts: str, optimize: Any, options: Any) -> Any:
    """Sum of products over named indices.

    out = einsum(subscripts, operands_1, operands_2, ...)
    doperands_k = the einsum in which operands_k and g change places
    """
    if optimize is False:  # finding an order of contraction costs 50 us
        optimize = len(operands) > 1 and sum(np.size(x) for x in operands) > 10_000
    return np.einsum(subscripts, *operands, optimize=optimize, **options)


@composed(np.einsum, method=False)
def einsum(*operands: Any, out: Any = None, optimize: Any = False, **kwargs: Any) -> Any:
    """Einstein's summation, in every form that NumPy takes.

    Args:
        operands: the subscripts, then the arrays; or arrays, each with the list of its indices.
        optimize: as NumPy; with False large products are still put in a good order.
        kwargs: dtype, order and casting, as NumPy.

    >>> einsum("ij,jk->ik", np.ones((2, 3)), np.ones((3, 4))).shape
    (2, 4)
    >>> einsum("ii", np.eye(3))
    np.float64(3.0)
    """
    if unknown := kwargs.keys() - {"dtype", "order", "casting"}:
        raise TypeError(f"einsum() has no argument {min(unknown)!r}; options are out, optimize, dtype, order, casting")
    if not operands:
        raise ValueError("einsum: give the subscripts, such as 'ij,jk->ik', and the arrays")
    subscripts, arrays = operands[0], operands[1:]
    if not isinstance(subscripts, str):
        subscripts, arrays = _from_lists(operands)
    spec = explicit(subscripts, [np.ndim(x) for x in arrays])
    return _einsum(*arrays, subscripts=spec, optimize=optimize, options=kwargs)


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
    if arrow and widest and "..." not in out:
        raise ValueError(f"einsum: {subscripts!r} has '...' in an operand, so the output needs it too")
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


# ------------------------------------------- products of vectors, and of all pairs of elements


@composed(np.vecdot, method=False)
def vecdot(
    x: Any, y: Any, /, out: Any = None, *, casting: str = "same_kind", order: str = "K", dtype: Any = None,
    subok: bool = True, axis: int = -1, keepdims: bool = False,
) -> Any:  # fmt: skip
    """Sum of conj(x) y along an axis.

    >>> vecdot(np.array([[1.0, 2.0]]), np.array([3.0, 4.0]))
    array([11.])
    """
    x, y = cast_inputs(np.vecdot, [as_operand(v) for v in side_by_side(x, y)], dtype, casting)
    x, y = np.moveaxis(x, axis, -1), np.moveaxis(y, axis, -1)
    if np.shape(x)[-1] != np.shape(y)[-1]:
        raise ValueError(
            f"vecdot: the vectors have {np.shape(x)[-1]} and {np.shape(y)[-1]} elements along axis {axis}"
        )
    products = np.multiply(conj(x), y)
    total = sum_over(products, axis=-1, dtype=products.dtype)  # small integers stay so
    return np.expand_dims(total, axis) if keepdims else total


#: NumPy has them since 2.2.
_MATVEC, _VECMAT = ([getattr(np, n)] if hasattr(np, n) else [] for n in ("matvec", "vecmat"))


@composed(*_MATVEC, method=False)
def matvec(x: Any, y: Any, /, out: Any = None, **options: Any) -> Any:
    """Matrices times vectors, (..., n, m) (..., m) -> (..., n); `options` as matmul's.

    >>> matvec(np.eye(2), np.array([3.0, 4.0]))
    array([3., 4.])
    """
    x, y = side_by_side(x, y)
    _need_axes("matvec", x, y, 2, 1)
    return matmul(x, np.expand_dims(y, -1), **options)[..., 0]


@composed(*_VECMAT, method=False)
def vecmat(x: Any, y: Any, /, out: Any = None, **options: Any) -> Any:
    """Conjugated vectors times matrices, (..., n) (..., n, m) -> (..., m); `options` as matmul's.

    >>> vecmat(np.array([3.0, 4.0]), np.eye(2))
    array([3., 4.])
    """
    x, y = side_by_side(x, y)
    _need_axes("vecmat", x, y, 1, 2)
    return matmul(np.expand_dims(conj(as_operand(x)), -2), y, **options)[..., 0, :]


def _need_axes(name: str, x: Any, y: Any, first: int, second: int) -> None:
    """An error where there is no matrix, or no vector, in the last axes."""
    if np.ndim(x) < first or np.ndim(y) < second:
        raise ValueError(
            f"{name}: expected at least {first} and {second} axes, "
            f"got shapes {np.shape(x)} and {np.shape(y)}"
        )


@composed(np.kron)
def kron(a: Any, b: Any) -> Any:
    """Kronecker product: b, scaled by every element of a.

    >>> kron(np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([ 1., 10.,  2., 20.])
    """
    a, b = side_by_side(a, b)
    ndim = max(np.ndim(a), np.ndim(b))
    rows, columns = ((1,) * (ndim - np.ndim(x)) + tuple(np.shape(x)) for x in (a, b))
    pairs_a = reshape(a, [k for n in rows for k in (n, 1)])
    pairs_b = reshape(b, [k for n in columns for k in (1, n)])
    return reshape(np.multiply(pairs_a, pairs_b), [n * k for n, k in zip(rows, columns, strict=True)])


@composed(np.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """Vector product of vectors of length 3; a vector of length 2 counts as one with a_3 = 0.

    out = (a_2 b_3 - a_3 b_2, a_3 b_1 - a_1 b_3, a_1 b_2 - a_2 b_1);  of two of length 2 the last alone

    Args:
        axisa, axisb: where the components of a and b lie.
        axisc: where those of the result are put.
        axis: one axis for all three.

    >>> cross(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    array([0., 0., 1.])
    """
    a, b = side_by_side(a, b)
    if axis is not None:
        axisa = axisb = axisc = axis
    lengths = np.shape(a)[axisa], np.shape(b)[axisb]
    if not {2, 3}.issuperset(lengths):
        raise ValueError(
            f"cross: expected length 2 or 3 along the axes {axisa} and {axisb}, "
            f"got shapes {np.shape(a)} and {np.shape(b)}"
        )
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if lengths == (2, 2):
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    a, b = _with_third(a), _with_third(b)
    pairs = ((1, 2), (2, 0), (0, 1))
    terms = [a[..., i] * b[..., j] - a[..., j] * b[..., i] for i, j in pairs]
    return stack(terms, axis=axisc)


def _with_third(a: Any) -> Any:
    """Vectors (..., 2) with a third component 0."""
    if np.shape(a)[-1] == 3:
        return a
    return concatenate([a, np.zeros_like(raw(a)[..., :1])], axis=-1)


# ------------------------------------------------------------------ singular matrices in rules


def inverse_or_nan(x: Any, *gs: Any) -> Any:
    """The inverses that a rule needs; NaN for a singular matrix of a stack whose gradients are 0.

    Such a matrix may be behind a mask: it has no say in the gradients of the others.

    Args:
        gs: gradients, stacks of matrices.

    Raises:
        LinAlgError: for a singular matrix of which a gradient is asked.
    """
    try:
        return np.linalg.inv(x)
    except np.linalg.LinAlgError:
        singular = _singular(x)
        if _asked(singular, gs):
            raise
    return np.where(singular, np.nan, np.linalg.inv(np.where(singular, eye_of(raw(x)), x)))


def solution_or_nan(a: Any, g: Any) -> Any:
    """A^-1 G of gradients G, stacks of matrices; for singular A as `inverse_or_nan` has it."""
    try:
        return np.linalg.solve(*in_one_stack(a, g))
    except np.linalg.LinAlgError:
        singular = _singular(a)
        if _asked(singular, (g,)):
            raise
    return np.where(singular, np.nan, np.linalg.solve(np.where(singular, eye_of(raw(a)), a), g))


def _singular(x: Any) -> Any:
    """Which matrices have no inverse: (..., 1, 1)."""
    return ~np.isfinite(np.linalg.slogdet(raw(x))[1])[..., None, None]


def _asked(singular: Any, gs: Sequence[Any]) -> bool:
    """Whether one of the gradients of a singular matrix is a number other than 0."""
    numbers = [(raw(g) != 0) & ~np.isnan(raw(g)) for g in gs]
    return any(bool(np.any(all_examples(singular & asked))) for asked in numbers)
