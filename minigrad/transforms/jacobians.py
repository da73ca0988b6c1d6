"""Whole matrices of derivatives: `jacobian` and `hessian`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ParamSpec, overload

import numpy as np

from .. import backend, graph
from ..accumulate import own
from ..arrays.batch import Level, OneAtATime, enter, leave
from ..backward import ends, gradients, propagate
from ..masked import is_finite
from ..ops.products import eye_like
from ..tensor import Tensor, wrap
from ..trees import is_leaf
from .gradients import grad
from .pullbacks import dual_of
from .recording import Argnums, Recording, argnums_of, name_of, named, output_of

__all__ = ["hessian", "jacobian"]

#: The parameters of a function.  NumPy's stubs call a ufunc a function of single numbers first, so
#: that checkers would refuse arrays: ufuncs have an overload of their own.
P = ParamSpec("P")


@overload
def jacobian(
    function: np.ufunc, argnums: Argnums = 0, *, argnum: Argnums | None = None
) -> Callable[..., Any]: ...
@overload
def jacobian(
    function: Callable[P, Any], argnums: Argnums = 0, *, argnum: Argnums | None = None
) -> Callable[P, Any]: ...
def jacobian(
    function: Callable[..., Any], argnums: Argnums = 0, *, argnum: Argnums | None = None
) -> Callable[..., Any]:
    """All first derivatives: an array of shape output.shape + input.shape for each input.

    Args:
        function: of arrays, numbers, Tensors or trees of them; it returns one array or number.
        argnums: which positional arguments to differentiate: a number, or several (then a tuple
            comes back).
        argnum: the same, as HIPS/autograd calls it.

    Raises:
        TypeError: the result is a tree, or not made of numbers; an argument is not made of floating
            numbers.

    >>> jacobian(lambda x: np.array([1.0, 2.0]) * x[0] ** 2 + x[1])(np.array([3.0, 4.0]))
    array([[ 6.,  1.],
           [12.,  1.]])

    The rows come from one backward pass on all of them at once (`minigrad.arrays.batch`).  Where there are far more outputs than
    inputs, the columns are computed instead, as in `jvp`.
    """

    argnums = argnums_of(argnums, argnum)

    @named(function, "jacobian", "The Jacobian of {}")
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        call = Recording(function, argnums, args, kwargs)
        if not is_leaf(call.value) and call.value is not None:
            raise TypeError(
                f"jacobian: {name_of(function)} must return one array, it returned a tree ({type(call.value).__name__}): "
                "differentiate one part of it, or ravel_tree(f(x))[0], a vector"
            )
        out = output_of(call.value, function)
        inputs = sum(x.size for x in call.inputs)
        is_real = all(x.dtype.kind == "f" for x in (out, *call.inputs))
        tall = is_real and out.size > 2 * inputs and out.size * inputs > SMALL and not call.create_graph
        with backend.on_gpu_of(out):
            found = (_columns if tall else _rows)(call, out)
            return call.arrange(_as_jacobians(found, call, out))

    return wrapped


def _as_jacobians(found: list[Any], call: Recording, out: Tensor) -> list[Tensor]:
    """What was found for each input, in the shape of its Jacobian; zeros where that is nothing."""
    if out.size:
        call.check_used(found)
    leaves = []
    for leaf, x in zip(found, call.inputs, strict=True):
        shape = out.shape + x.shape
        full = backend.zeros_like(x._array, shape=shape) if leaf is None else np.reshape(leaf, shape)
        leaves.append(full if isinstance(full, Tensor) else call.give_back(wrap(full, None)))
    return leaves


#: Columns take a recorded backward pass more than rows, 0.15 ms in a small function.  Measured with twice as many outputs as
#: inputs or more, they win from about this many entries of the Jacobian on: 2 times at 240 x 30, 7 times at 1600 x 200.
SMALL = 5000

#: How many numbers of cotangents are sent back at once, at most.
_AT_ONCE = 2**22


def _rows(call: Recording, out: Tensor) -> list[Any]:
    """The rows of the Jacobian for each input, a batch at a time."""
    if not out.requires_grad or not out.size:
        return [None] * len(call.inputs)
    nodes = ends(call.inputs)
    size = max(1, _AT_ONCE // max(out.size, *(x.size for x in call.inputs)))
    try:
        parts = [_pulled(out, block, nodes, call.create_graph) for block in _identity_blocks(out, size)]
    except OneAtATime:  # a hook is in the way
        return _one_by_one(call, out)
    return [_joined(column) for column in zip(*parts, strict=True)]


def _one_by_one(call: Recording, out: Tensor) -> list[Any]:
    basis = eye_like(out._array, out.size)
    rows = [call.pull([out], [np.reshape(v, out.shape)], retain_graph=True) for v in basis]
    return [np.stack(column) for column in zip(*rows, strict=True)] if rows else [None] * len(call.inputs)


def _columns(call: Recording, out: Tensor) -> list[Any]:
    """The columns: v^T J is linear in v, and its transpose is J."""
    dual = dual_of(out)
    pulled = gradients([out], call.inputs, [dual], create_graph=True)
    leaves: list[Any] = []
    for g, x in zip(pulled, call.inputs, strict=True):
        if g is None or not g.requires_grad:
            leaves.append(None)
            continue
        size = max(1, _AT_ONCE // max(out.size, x.size))
        parts = [_pulled(g, block, [dual._node], False)[0] for block in _identity_blocks(x, size)]
        columns = _joined(parts)
        leaves.append(None if columns is None else np.moveaxis(columns, 0, -1))
    return leaves


def _identity_blocks(x: Tensor, size: int) -> Iterator[Any]:
    """The unit vectors of the space of x, at most `size` at a time, (B, *x.shape)."""
    eye = eye_like(x._array, x.size)
    for start in range(0, x.size, size):
        block = eye[start : start + size]
        yield np.reshape(block, (block.shape[0], *x.shape))


def _pulled(output: Tensor, cotangents: Any, nodes: Sequence[Any], create_graph: bool) -> list[Any]:
    """The arrays of the cotangents of the nodes, (B, *shape), as users see them; None where there is no path.

    This is `vmap` of the pull-back.
    """
    level = Level(cotangents.shape[0])
    try:
        g = enter(cotangents, level, 0)
        seeds = [wrap(g, None) if create_graph else g]
        found = propagate([output], seeds, nodes, create_graph, True, search=False)
        if output.size > 1 and not all(map(is_finite, found.values())):
            # The zeros of a unit vector are those of a mask: what they meet has no part in this row.
            token = graph.behind_mask.set(True)
            try:
                found = propagate([output], seeds, nodes, create_graph, True, search=False)
            finally:
                graph.behind_mask.reset(token)
        return [_left(found.pop(n), level) if n in found else None for n in nodes]
    finally:
        level.active = False


def _left(g: Any, level: Level) -> Any:
    """The cotangents of one input as an array of their own, conjugated; Tensors as they are."""
    g = leave(g, level, 0)
    if isinstance(g, Tensor):
        return np.conj(g) if g.dtype.kind == "c" else g
    return own(g)._array


def _joined(parts: Sequence[Any]) -> Any:
    return None if parts[0] is None else parts[0] if len(parts) == 1 else np.concatenate(parts)


@overload
def hessian(
    function: np.ufunc, argnums: int = 0, *, argnum: int | None = None
) -> Callable[..., Any]: ...
@overload
def hessian(
    function: Callable[P, Any], argnums: int = 0, *, argnum: int | None = None
) -> Callable[P, Any]: ...
def hessian(
    function: Callable[..., Any], argnums: int = 0, *, argnum: int | None = None
) -> Callable[..., Any]:
    """All second derivatives of a scalar function: an array of shape input.shape + input.shape.

    Args:
        argnums: which positional argument to differentiate, one number.

    Raises:
        TypeError: several arguments are chosen, or one that is a tree; the result is not one real
            number; the argument is not made of floating numbers.

    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([2.0, 3.0]))
    array([[6., 4.],
           [4., 0.]])
    """
    argnums = argnums_of(argnums, argnum)
    if not isinstance(argnums, int):
        raise TypeError(
            f"hessian: argnums is {argnums}, expected one number; for the mixed derivatives of two arguments write "
            "jacobian(grad(f, 0), 1), for those of all ravel_tree((x, y)) and one vector"
        )
    second = jacobian(grad(function, argnums), argnums)

    @named(function, "hessian", "The Hessian of {}")
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if -len(args) <= argnums < len(args) and not is_leaf(args[argnums]):
            raise TypeError(
                f"hessian of {name_of(function)}: argument {argnums} is a tree ({type(args[argnums]).__name__}), its Hessian "
                "is a matrix only for one vector: vector, unravel = ravel_tree(x), then "
                "hessian(lambda v: f(unravel(v)))(vector)"
            )
        return second(*args, **kwargs)

    return wrapped
