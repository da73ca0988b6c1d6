"""Many arrays of one shape at once: what `vmap` and `jacobian` compute with.

A `Batch` is an array with one more axis in front, which nobody sees: its `shape` is that of a single example.  It speaks
NumPy's two protocols, so that ops and gradient rules, which are plain NumPy, run on it as they stand:

- ufuncs, and functions that work element by element, get axes of length 1 between the batch and the shape (`aligned`);
- for other functions the files beside this one have a rule each, registered by `rule_for`;
- what is not there runs for one example after the other, and is counted (`minigrad.arrays.fallback`).

**Levels.**  Each `vmap`, and each set of cotangents of `jacobian`, is a `Level`.  Where batches of several levels meet,
the newest one handles the call, and takes the others for single arrays: its `_array` may itself be a Batch of an older
level.  That is why everything here works on `_array` by NumPy's functions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from math import prod
from typing import Any, ClassVar

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .. import graph
from ..trees import sequence_like

__all__ = [
    "Batch", "Level", "OneAtATime", "Row", "Unbatched", "aligned", "all_examples", "data_of", "enter", "fallbacks",
    "leave", "levels_of", "ndim_of", "newest", "rebuilt", "required", "rule_for", "running", "settled", "shifted", "total",
    "whole", "within",
]  # fmt: skip

#: How often what ran for one example after the other.
fallbacks: Counter[str] = Counter()


class Unbatched(TypeError):
    """Something cannot be done with the values of all examples at once."""


class OneAtATime(Unbatched, NotImplementedError):
    """A hook, or `retain_grad`, takes one gradient, but those of many examples arrive at once."""


class Level:
    """One `vmap`, or one set of cotangents that are sent back together.

    Attributes:
        size: how many examples there are.
        began: the moment of its beginning, on the clock of the graph; what is older belongs to all examples.
        active: whether its function is running.  A gradient that arrives, while it is, at something older belongs to
            each example alone; afterwards it is added up over the examples.
        randomness: how random numbers are drawn: "different" for each example, the "same", or "error".
        arrays_in: whether it was called with arrays (not Tensors), outside of all other transforms: then the
            derivatives that are taken inside need not be differentiable themselves.
        arguments: who owns the memory of the arguments (by `id`, while they live): nothing is written there.
    """

    __slots__ = ("active", "arguments", "arrays_in", "began", "randomness", "size")

    def __init__(self, size: int, randomness: str = "error", arrays_in: bool = False) -> None:
        self.size = size
        self.randomness = randomness
        self.arrays_in = arrays_in
        self.began = next(graph.clock)
        self.active = True
        self.arguments: set[int] = set()

    def batch(self, data: Any) -> Batch:
        """The array of all examples, (size, ...), as a batch of this level."""
        return Batch(data, self)

    def settled(self, c: Any, order: int) -> Any:
        """A gradient that arrives at something older than the level: the sum over the examples, which all used that."""
        return total(c, self)

    def __repr__(self) -> str:
        return f"<Level of {self.size} examples>"


class Row(Level):
    """One example of a level, computed alone; its gradients travel as a batch of one, which says whose they are."""

    __slots__ = ("number", "of")

    def __init__(self, of: Level, number: int) -> None:
        super().__init__(1)
        self.of, self.number = of, number
        self.active = False

    def settled(self, c: Any, order: int) -> Any:
        """The gradient of this example alone, zeros for the others; or, where these have been added up, itself."""
        g = leave(c, self, 0)[0]
        if self.of.began > order and not self.of.active:
            return g
        count = np.arange(self.of.size, like=all_examples(getattr(g, "_array", g)))
        mine = np.reshape(count == self.number, (-1, *(1,) * len(g.shape)))
        return enter(np.where(mine, g[None], 0), self.of, 0)


#: The levels of the `vmap`s that are running in this thread and task, the newest last.
running: ContextVar[tuple[Level, ...]] = ContextVar("minigrad_running_levels", default=())


class Batch(NDArrayOperatorsMixin):
    """Arrays of one shape side by side; `_array` is (B, *shape).

    >>> x = Batch(np.array([[1.0, 2.0], [3.0, 4.0]]), Level(2))
    >>> x.shape, np.sum(x).shape, np.sum(x)._array
    ((2,), (), array([3., 7.]))
    """

    __slots__ = ("__weakref__", "_array", "level", "shape")

    #: Bound where they are defined: `minigrad.arrays.indexing` and `minigrad.arrays.fallback`.
    __getitem__: ClassVar[Callable[..., Any]]
    __setitem__: ClassVar[Callable[..., Any]]
    each: ClassVar[Callable[..., Any]]

    def __init__(self, data: Any, level: Level) -> None:
        self._array = data
        self.level = level
        self.shape = data.shape[1:]

    #: Who owns the memory: a write into a batch is a write into its array.
    base = property(lambda self: self._array)
    dtype = property(lambda self: self._array.dtype)
    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: prod(self.shape))
    itemsize = property(lambda self: self._array.dtype.itemsize)
    nbytes = property(lambda self: self.size * self.itemsize)
    flags = property(lambda self: self._array.flags)
    device = property(lambda self: getattr(self._array, "device", "cpu"))
    real = property(lambda self: np.real(self))
    imag = property(lambda self: np.imag(self))
    T = property(lambda self: np.transpose(self))
    mT = property(lambda self: np.swapaxes(self, -1, -2))

    # ---------------------------------------------------------------------- there is no one value

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise Unbatched(
            f"under vmap this stands for {self.level.size} arrays of shape {self.shape}, one for each example: it cannot be "
            f"made one NumPy array, nor be written into an array that all examples share; {self._instead()}"
        )

    def _instead(self) -> str:
        """What to write where NumPy asked for an array: an index, if it holds integers, or another argument."""
        at_index = (
            "instead of table[i] or np.take(table, i) with an index of each example write minigrad.take(table, i, axis=0), "
            "for several indices minigrad.Tensor(table)[i, j]; otherwise "
        )
        return (at_index if self.dtype.kind in "biu" else "") + (
            "use NumPy's functions, or minigrad's where NumPy looks at its first argument alone: "
            "minigrad.pad(x, 1, constant_values=v)"
        )

    def _no_value(self, *args: Any) -> Any:
        instead = "np.where(condition, a, b) instead of `if condition`"
        if self.dtype.kind in "iu":  # an index of a list, or the end of a slice, is asked for its value too
            instead += ", minigrad.take(values, i) instead of values[i]"
        raise Unbatched(
            f"under vmap there is no one value here but {self.level.size}, one for each example: bool(), float(), int() and "
            f"item() cannot tell them apart; write {instead}"
        )

    __bool__ = __float__ = __int__ = __complex__ = __index__ = item = tolist = _no_value

    # ------------------------------------------------------------------------------- as a sequence

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without axes")
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Batch]:
        return (self[i] for i in range(len(self)))

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<Batch of {self.level.size} arrays of shape {self.shape}, {self.dtype}>"

    # ------------------------------------------------------------------------------ NumPy's methods

    def astype(self, dtype: Any, copy: bool = True) -> Batch:
        return Batch(self._array.astype(dtype, copy=copy), self.level)

    def copy(self) -> Batch:
        return Batch(self._array.copy(), self.level)

    def fill(self, value: Any) -> None:
        self[...] = value

    def reshape(self, *shape: Any) -> Batch:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)  # type: ignore[return-value]

    def transpose(self, *axes: Any) -> Batch:
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)  # type: ignore[return-value]

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs and (out := _elementwise(ufunc, inputs)) is not None:
            return out
        if not all(map(is_plain, (*inputs, *kwargs.values(), *(kwargs.get("out") or ())))):
            return NotImplemented  # a Tensor records the call
        level = newest((inputs, kwargs))
        try:
            return ufunc_rules[method](level, ufunc, *inputs, **kwargs)
        except Unbatched:
            if method == "at" or "out" in kwargs:  # written in place: only the whole op can be done again
                raise
        return Batch.each(ufunc.__name__, getattr(ufunc, method), level, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(hasattr(t, "_node") for t in types):
            return NotImplemented  # a Tensor records the call
        level = newest((args, kwargs))
        if level is None:  # called with like=self: constants, made where the innermost array is
            return function(*args, **kwargs, like=self._array)
        rule = function_rules.get(function)
        if rule is not None:
            try:
                return rule(level, function, *args, **kwargs)
            except Unbatched:
                if function in in_place:
                    raise
        return Batch.each(function.__name__, function, level, args, kwargs)


def _elementwise(ufunc: np.ufunc, inputs: tuple[Any, ...]) -> Batch | None:
    """The common call, where shapes broadcast with the batch in front as they do without it.

    It takes a third of the time of the general way in `minigrad.arrays.ufuncs` (measured).
    """
    first = next(x for x in inputs if type(x) is Batch)
    level, ndim, data = first.level, len(first.shape), []
    for x in inputs:
        if type(x) is Batch and x.level is level and len(x.shape) == ndim:
            data.append(x._array)
        elif type(x) in (float, int) or (type(x) is np.ndarray and x.ndim <= ndim):
            data.append(x)
        else:
            return None
    if ufunc.nout != 1 or ufunc.signature is not None:
        return None
    return Batch(ufunc(*data), level)


def _method(name: str, function: Callable[..., Any]) -> None:
    """Bind a NumPy function as the method of its name."""

    def method(self: Batch, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__name__ = name
    setattr(Batch, name, method)


for _name in (
    "all", "any", "argmax", "argmin", "argsort", "clip", "conj", "cumprod", "cumsum", "diagonal", "dot", "max", "mean", "min",
    "nonzero", "prod", "ravel", "repeat", "round", "squeeze", "std", "sum", "swapaxes", "take", "trace", "var",
):  # fmt: skip
    _method(_name, getattr(np, _name))
_method("flatten", np.ravel)
_method("conjugate", np.conj)

#: How ufuncs go, by the name of the call: (level, ufunc, *inputs, **kwargs).  Filled by `minigrad.arrays.ufuncs`.
ufunc_rules: dict[str, Callable[..., Any]] = {}
#: How NumPy's functions go: (level, function, *args, **kwargs).  Filled by `rule_for`.
function_rules: dict[Any, Callable[..., Any]] = {}
#: The functions that write into an argument.
in_place: set[Any] = {np.copyto, np.putmask, np.place, np.put, np.put_along_axis, np.fill_diagonal}


def rule_for(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register how NumPy functions are computed on a batch: the rule takes (level, function, *args, **kwargs)."""

    def register(rule: Callable[..., Any]) -> Callable[..., Any]:
        function_rules.update(dict.fromkeys(functions, rule))
        return rule

    return register


# ------------------------------------------------------------------------------------- levels


def newest(x: Any) -> Any:
    """The newest level among the batches in nested containers; None where there is none."""
    if type(x) is Batch:
        return x.level
    if isinstance(x, dict):
        x = x.values()
    elif not isinstance(x, (tuple, list)):
        return None
    found = None
    for item in x:
        level = newest(item)
        if level is not None and (found is None or level.began > found.began):
            found = level
    return found


def levels_of(x: Any) -> Iterator[Level]:
    """The levels of an array, the newest first."""
    while type(x) is Batch:
        yield x.level
        x = x._array


def all_examples(x: Any) -> Any:
    """The values of all examples of all levels, where a decision is to be right for every one of them."""
    if isinstance(x, (tuple, list)):
        return [all_examples(part) for part in x]
    while type(x) is Batch:
        x = x._array
    return x


def settled(c: Any, order: int) -> Any:
    """A gradient that arrives at a node of an order: what belongs to the examples of a `vmap` that has ended is added up.

    While its function runs, what arrives there belongs to each example alone.
    """
    data = c if type(c) is Batch else getattr(c, "_array", None)
    while type(data) is Batch:
        if data.level.began > order and not data.level.active:
            return settled(data.level.settled(c, order), order)
        data = data._array
    return c


def within(x: Any, level: Level) -> bool:
    """Whether x has a value for each example of the level."""
    return type(x) is Batch and x.level is level


def data_of(x: Any, level: Level) -> Any:
    """The array of all examples of a level; anything that is the same for all of them as it is."""
    return x._array if type(x) is Batch and x.level is level else x


def required(x: Any, level: Level) -> Any:
    """The array of all examples, of an argument that a rule needs to have one."""
    if type(x) is Batch and x.level is level:
        return x._array
    raise Unbatched("this argument is the same for all examples")


def whole(x: Any, level: Level) -> Any:
    """The array of all examples; what is the same for all of them is repeated, without memory."""
    return x._array if within(x, level) else np.broadcast_to(x, (level.size, *np.shape(x)))


def ndim_of(x: Any) -> int:
    """The number of axes of an example."""
    ndim = getattr(x, "ndim", None)
    if ndim is not None:
        return ndim
    return 0 if isinstance(x, (int, float, complex)) else np.ndim(x)


def aligned(x: Any, ndim: int, level: Level) -> Any:
    """The data with axes of length 1 between the batch and the shape, so that shapes broadcast as without a batch."""
    if not (type(x) is Batch and x.level is level):
        return x
    missing = ndim - len(x.shape)
    return np.reshape(x._array, (level.size, *(1,) * missing, *x.shape)) if missing > 0 else x._array


def rebuilt(out: Any, level: Level) -> Any:
    """The results of a function on the data, as batches."""
    if isinstance(out, (tuple, list)):
        return sequence_like(out, [rebuilt(part, level) for part in out])
    return Batch(out, level)


def enter(x: Any, level: Level, axis: int) -> Any:
    """An array whose axis counts the examples, as a batch.

    Beside batches of newer levels, which are the outermost of nested ones, it goes inside of these.
    """
    if type(x) is Batch and x.level.began > level.began:
        return Batch(enter(x._array, level, axis + 1), x.level)
    return Batch(np.moveaxis(x, axis, 0), level) if is_plain(x) else _spoken(enter, x, level, axis)


def leave(x: Any, level: Level, axis: int) -> Any:
    """The array with the examples along an axis, of a batch; of anything else repeated along it."""
    if within(x, level):
        return np.moveaxis(x._array, 0, axis)
    if type(x) is Batch and x.level.began > level.began:
        return Batch(leave(x._array, level, axis + 1), x.level)
    if not is_plain(x):
        return _spoken(leave, x, level, axis)
    return np.moveaxis(np.broadcast_to(x, (level.size, *x.shape)), 0, axis)


def total(x: Any, level: Level) -> Any:
    """The sum over the examples of a level."""
    if within(x, level):
        return np.sum(x._array, axis=0)
    if type(x) is Batch:
        return Batch(total(x._array, level), x.level)
    return _spoken(total, x, level)


def is_plain(x: Any) -> bool:
    """Whether x is an array, not a Tensor of one."""
    return type(x) is Batch or not hasattr(x, "_node")


def _spoken(function: Callable[..., Any], x: Any, *args: Any) -> Any:
    """The function by way of NumPy's protocol, so that of a Tensor the op of that function is recorded."""
    return type(x).__array_function__(x, function, (type(x),), (x, *args), {})


def shifted(axis: Any, ndim: int) -> Any:
    """Axes of the shape, counted as NumPy counts them, as axes of the data."""
    if axis is None:
        return tuple(range(1, ndim + 1))
    many = not isinstance(axis, (int, np.integer))
    axes = tuple(axis) if many else (axis,)
    for a in axes:
        if not -ndim <= a < ndim:
            raise np.exceptions.AxisError(int(a), ndim)
    moved = tuple(int(a) % ndim + 1 for a in axes)
    return moved if many else moved[0]
