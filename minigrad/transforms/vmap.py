"""`vmap`: a function of one example, run once on many of them.

The arguments become batches (`minigrad.arrays.batch`), arrays with an axis that nobody sees; ops and gradient rules run on
them as they are.  What the function uses without getting it as an argument, such as the parameters of a module, is the same
for all examples; a gradient that is taken outside of the `vmap` adds up over them, one that is taken inside is of each
example alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import backend, graph
from ..arrays import batch
from ..arrays.batch import Level, Unbatched
from ..calling import with_message
from ..hints import explain_options
from ..ops.batching import batched, unbatched
from ..tensor import Tensor, wrap
from ..trees import NO_LEAF, flatten, matched, paths, tree_map, unflatten
from .recording import INTEGER, depth, name_of, named

__all__ = ["vmap"]

_RANDOMNESS = ("error", "different", "same")
#: The axis of what all examples share.
_SHARED = object()


@explain_options
def vmap(
    function: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0, randomness: str = "error"
) -> Callable[..., Any]:
    """The function of many examples at once, from a function of one.

    Args:
        in_axes: which axis of each positional argument counts the examples: a number for all, or a tuple or list with
            one entry for each argument.  An entry is a number, None (this argument is the same for all examples), or
            nested as the argument is: a dict, list, tuple or dataclass of such entries.  Keyword arguments are split
            along axis 0.
        out_axes: the axis of the results along which the examples lie; nested as these, where it is not one number.
        randomness: what `minigrad.random` and dropout draw inside: "different" numbers for each example, the "same" for
            all, or "error".  `np.random` draws once, the same for all; so does a thread that is started inside.

    Arrays give arrays (Tensors, where the function uses some that require a gradient), and Tensors give Tensors, with
    their graph.  It nests, and goes under and over all other transforms:
    ``vmap(grad(loss), in_axes=(None, 0, 0))`` gives the gradient of each example alone.  Inside there is no one value:
    ``if x > 0`` is an error, ``np.where(x > 0, a, b)`` is the way.  What has no batched form runs for one example after the
    other, and is counted in `minigrad.arrays.fallbacks`.

    Raises:
        TypeError: the function asks for the one value of what has many (`float(x)`, `if x > 0`, `table[x]`), or
            writes such into an array that all examples share; an argument to be split is no array.
        ValueError: in_axes or out_axes do not fit the arguments or the results, or the arguments have different
            numbers of examples; results of the examples differ in shape.
        RuntimeError: random numbers are drawn and `randomness` does not say how.

    >>> vmap(np.dot)(np.ones((4, 3)), np.ones((4, 3)))
    array([3., 3., 3., 3.])
    >>> vmap(grad(lambda w, x: np.tanh(w @ x)), in_axes=(None, 0))(np.zeros(2), np.eye(3, 2))
    array([[1., 0.],
           [0., 1.],
           [0., 0.]])
    """
    if randomness not in _RANDOMNESS:
        raise ValueError(f"randomness must be one of {', '.join(map(repr, _RANDOMNESS))}, not {randomness!r}")

    @named(function, "vmap")
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        axes, size = _axes_and_size(args, kwargs, in_axes, function)
        leaves = flatten((args, kwargs))
        tensors_in = any(isinstance(x, Tensor) for x, a in zip(leaves, axes, strict=True) if a is not None)
        level = Level(size, randomness, arrays_in=not tensors_in and depth() == 0)
        with _running(level):
            entered = [_entered(x, level, axis) for x, axis in zip(leaves, axes, strict=True)]
            new_args, new_kwargs = unflatten((args, kwargs), iter(entered))
            try:
                value = function(*new_args, **new_kwargs)
            except Exception as error:
                if (message := _with_line(error)) is None:
                    raise
                raise with_message(error, message) from error
            pairs = zip(flatten(value), spread(out_axes, value, "out_axes"), strict=True)
            left = [_left(x, level, axis, function) for x, axis in pairs]
        return unflatten(value, iter(left if tensors_in else map(_given_back, left)))

    return wrapped


@contextmanager
def _running(level: Level) -> Iterator[None]:
    token = batch.running.set((*batch.running.get(), level))
    try:
        yield
    finally:
        level.active = False
        batch.running.reset(token)


def _with_line(error: Exception) -> str | None:
    """What an error about values that differ between the examples says, with the user's line.

    Other libraries say something else in its place, as NumPy does for ``array[0] = x``.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, Unbatched):
        cause = cause.__cause__
    line = graph.line_of(error)
    if cause is None or line is None or line in str(error):
        return None
    own = "" if cause is error else f"{error}\n"
    return f"{own}{cause}; at {line}"


# ---------------------------------------------------------------------------------- arguments


def _axes_and_size(
    args: tuple[Any, ...], kwargs: dict[str, Any], in_axes: Any, function: Callable[..., Any]
) -> tuple[list[Any], int]:
    """The axis of each leaf of the arguments, counted from the front, and the number of examples."""
    leaves = flatten((args, kwargs))
    axes = _axes_of(args, in_axes, function) + [0] * len(flatten(kwargs))
    places = [path for i, arg in enumerate(args) for path in paths(arg, f"argument {i}")]
    places += paths(kwargs, "keyword arguments")
    axes = [_checked(*each) for each in zip(leaves, axes, places, strict=True)]
    return axes, _size(leaves, axes, places, function)


def _axes_of(args: tuple[Any, ...], in_axes: Any, function: Callable[..., Any]) -> list[Any]:
    """The axis of each leaf of the arguments."""
    if in_axes is None or isinstance(in_axes, INTEGER):
        return [in_axes] * len(flatten(args))
    if not isinstance(in_axes, (tuple, list)):
        raise TypeError(
            f"vmap: in_axes must be a number, None, or a tuple with one entry for each argument, not {in_axes!r}"
        )
    if len(in_axes) != len(args):
        raise ValueError(
            f"vmap: in_axes has {len(in_axes)} entries, but {name_of(function)} was called with {len(args)} positional arguments"
        )
    return [
        axis
        for i, (arg, spec) in enumerate(zip(args, in_axes, strict=True))
        for axis in spread(spec, arg, f"in_axes[{i}]")
    ]


def spread(spec: Any, tree: Any, where: str) -> list[Any]:
    """The axis of each leaf of a tree, from a tree of axes in which one number may stand for a whole branch."""
    return [None if axis is _SHARED else axis for axis in flatten(_axes_like(spec, tree, where))]


def _axes_like(spec: Any, tree: Any, where: str) -> Any:
    """A tree of axes that is built as another tree; `_SHARED` stands for None, which is no leaf."""
    if spec is None or isinstance(spec, INTEGER):
        return tree_map(lambda _: _SHARED if spec is None else spec, tree)
    found = matched(tree, spec)
    if found is not None:  # in the order of the tree's leaves
        return [_axes_like(axes, part, where + step) for step, part, axes in found]
    raise ValueError(
        f"vmap: {where} is {spec!r}, but the arrays stand at {', '.join(paths(tree, where)) or 'no place'}; "
        "write a number, None, or the same nesting"
    )


def _checked(x: Any, axis: int | None, place: str) -> int | None:
    """The axis, counted from the front."""
    if axis is None:
        return None
    if not isinstance(axis, INTEGER):
        raise TypeError(f"vmap: in_axes for {place} is {axis!r}; it must be a number or None")
    if not isinstance(x, Tensor) and not backend.is_array(x):
        raise TypeError(
            f"vmap: {place} is {type(x).__name__} ({x!r:.40}), not an array, but in_axes asks for axis {axis}: "
            f"write None for what all examples share{'' if isinstance(x, (int, float, complex)) else f'; {NO_LEAF}'}"
        )
    ndim = len(x.shape)
    if not -ndim <= axis < ndim:
        raise ValueError(f"vmap: in_axes asks for axis {axis} of {place}, which has shape {x.shape}")
    return axis % ndim


def _size(
    leaves: Sequence[Any], axes: Sequence[Any], places: Sequence[str], function: Callable[..., Any]
) -> int:
    given = zip(leaves, axes, places, strict=True)
    found = [(x.shape[axis], axis, x.shape, place) for x, axis, place in given if axis is not None]
    if not found:
        raise ValueError(
            f"vmap of {name_of(function)}: no argument has examples (all in_axes are None); call the function itself"
        )
    if len({n for n, *_ in found}) > 1:
        lines = ", ".join(
            f"{n} along axis {axis} of {place} of shape {shape}" for n, axis, shape, place in found
        )
        raise ValueError(
            f"vmap of {name_of(function)}: the arguments have different numbers of examples: {lines}"
        )
    return int(found[0][0])


def _entered(x: Any, level: Level, axis: int | None) -> Any:
    """An argument as a Tensor of one example's shape; what all examples share as it is."""
    if axis is None:
        return x
    entered = batched(x, level, axis) if isinstance(x, Tensor) else wrap(batch.enter(x, level, axis), None)
    level.arguments.add(id(graph.owner(entered._array)))
    return entered


# ------------------------------------------------------------------------------------ results


def _left(x: Any, level: Level, axis: int | None, function: Callable[..., Any]) -> Any:
    """A result with its examples along an axis."""
    if not isinstance(x, Tensor):
        if not isinstance(x, (int, float, complex, np.generic)) and not backend.is_array(x):
            raise TypeError(
                f"vmap: {name_of(function)} must return arrays, numbers or Tensors, it returned {type(x).__name__}"
            )
        x = wrap(backend.as_array(x), None)
    if axis is None:
        if level in batch.levels_of(x._array):
            raise ValueError(
                f"vmap: out_axes is None, but the result of {name_of(function)} is different for each example"
            )
        return x
    ndim = len(x.shape) + 1
    if not -ndim <= axis < ndim:
        raise ValueError(
            f"vmap: out_axes is {axis}, but with the examples the result of {name_of(function)} has {ndim} axes"
        )
    return unbatched(x, level, axis % ndim)


def _given_back(x: Tensor) -> Any:
    """The array, where no graph is lost with the Tensor."""
    if x._node is not None:
        return x
    return x._array if x.ndim else x._array[()]
