"""Loops that are not unrolled when `compile` traces them: `scan`, and `fori`, which is a scan over numbers.

Eagerly both are loops of Python's, so all transforms go through them as through any loop.  While a function is traced,
the body is traced once, on one step, and the loop becomes one step of the program (`minigrad.compiler.repeated`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from .. import backend, graph, tracing
from ..ops.join import stack, unstack
from ..random.state import get_state, go_to
from ..tensor import Tensor
from ..trees import flatten, leaves_like, paths, unflatten
from .recording import INTEGER, name_of

__all__ = ["Body", "fori", "scan", "unrolled"]


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]], init: Any, xs: Any = None, length: int | None = None, reverse: bool = False
) -> tuple[Any, Any]:
    """A loop that carries a value along: `carry, y = f(carry, x)` for each x; gives the last carry and all y, stacked.

    It is the loop ``for x in xs``, with the same gradients to any order, also with respect to what f uses without getting
    it as an argument.  In a function that `compile` traces it is one step of the program, however long it is, where a loop
    of Python's is written out.  (In such a function second derivatives write it out too.)

    Args:
        f: its second result may be None.  It must change nothing outside of itself.
        init: the first carry, an array, a Tensor, or a tree of them.  Each carry has the shapes and dtypes of this one; a
            number of Python's takes the dtype that f returns for it.
        xs: an array, a Tensor, or a tree of them, which f gets one index of the first axis at a time.  None for a loop of
            `length` steps, whose x is None.
        length: the number of steps; may be left out where xs tells it.
        reverse: begin with the last x.  Each y still stands where its x stands.

    Returns:
        (carry, ys): ys is nested as the y of f is.  A loop of no steps returns `init`, and for empty ys finds their shapes
        by calling f once, with zeros.

    Raises:
        TypeError: f returns no pair; a carry has another dtype than `init`; a leaf of xs is no array.
        ValueError: a carry has other shapes, or is nested in another way than `init`; the lengths of xs differ.

    >>> scan(lambda total, x: (total + x, total * x), 0.0, np.array([1.0, 2.0, 3.0]))
    (np.float64(6.0), array([0., 2., 9.]))
    >>> carry, powers = scan(lambda p, _: (2 * p, p), 1, length=5)
    >>> carry, powers.tolist()
    (32, [1, 2, 4, 8, 16])
    """
    columns, steps = _columns(f, xs, length)
    body = Body(f, init)
    if not steps:
        return init, _nothing(body, xs, columns)
    writer = tracing.recorder.get()
    if writer is not None and tracing.repeat is not None:
        found = tracing.repeat(writer, body, xs, columns, steps, reverse)
        if found is not None:
            return found
    return unrolled(body, xs, columns, steps, reverse)


def fori(n: int, f: Callable[[Any, Any], Any], init: Any) -> Any:
    """The loop ``for i in range(n): carry = f(i, carry)``; gives the last carry.  For more see `scan`.

    While `compile` traces, i is an array without axes, as are all arrays that f gets, so that ``if i > 3`` cannot decide:
    write ``np.where(i > 3, a, b)``.

    Raises:
        TypeError: n is no whole number; f returns a carry of another dtype than `init`.
        ValueError: n is less than 0; f returns a carry of other shapes, or that is nested in another way.

    >>> fori(10, lambda i, x: x - (x**2 - 2) / (2 * x), 1.0)  # Newton's method
    1.414213562373095
    """
    try:
        steps = operator.index(n)
    except TypeError:
        raise TypeError(f"fori: n is {n!r:.60}, expected a whole number; the number of steps cannot be traced") from None
    if steps < 0:
        raise ValueError(f"fori: n is {steps}, expected 0 or more")
    return scan(_Counted(f), init, np.arange(steps))[0]


class _Counted:
    """A function of a number and a carry, as the body of a scan."""

    def __init__(self, f: Callable[[Any, Any], Any]) -> None:
        self.f, self.__name__ = f, name_of(f)

    def __call__(self, carry: Any, i: Any) -> tuple[Any, None]:
        return self.f(i, carry), None


# ------------------------------------------------------------------------------------- the body


class Body:
    """The function of a loop, from one carry to the next.

    Attributes:
        init: the first carry, a tree.
        leaves: its leaves.
        kinds: the shape and dtype that each leaf of a carry has; a dtype of None is not known yet.
    """

    def __init__(self, f: Callable[[Any, Any], Any], init: Any) -> None:
        self.f, self.init, self.leaves = f, init, flatten(init)
        self.name = f"{'fori' if isinstance(f, _Counted) else 'scan'} of {name_of(f)}"
        self.kinds: list[tuple[tuple[int, ...], Any]] = []
        for leaf, path in zip(self.leaves, paths(init, "init"), strict=True):
            if not isinstance(leaf, (bool, int, float, complex, np.generic, Tensor)) and not backend.is_array(leaf):
                raise TypeError(f"{self.name}: {path} is {leaf!r:.60}, expected an array, a number or a Tensor")
            self.kinds.append((np.shape(leaf), getattr(leaf, "dtype", None)))

    def __call__(self, carry: Sequence[Any], x: Any) -> tuple[list[Any], Any]:
        """The leaves of the next carry, and y."""
        out = self.f(unflatten(self.init, iter(carry)), x)
        if isinstance(self.f, _Counted) or (isinstance(out, tuple) and len(out) == 2):
            return self._checked(out[0]), out[1]
        what = f"a tuple of {len(out)}" if isinstance(out, tuple) else type(out).__name__
        what = "an array" if backend.is_array(out) else what
        raise TypeError(
            f"{self.name}: it must return a pair (carry, y), it returned {what}; where there is no y: return carry, None"
        )

    def _checked(self, carry: Any) -> list[Any]:
        try:
            leaves = leaves_like(self.init, carry, "the carry that it returned")
        except ValueError as error:
            raise ValueError(f"{self.name}: {error}; each carry must be nested as init is") from None
        for i, (leaf, (shape, dtype)) in enumerate(zip(leaves, self.kinds, strict=True)):
            if dtype is not None and getattr(leaf, "dtype", None) == dtype and leaf.shape == shape:
                continue
            got = np.asarray(leaf).dtype if not hasattr(leaf, "dtype") else leaf.dtype
            if np.shape(leaf) == shape and (dtype is None or got == dtype):
                if hasattr(leaf, "dtype"):
                    self.kinds[i] = shape, got
                continue
            path = paths(self.init, "carry")[i]
            kind = TypeError if np.shape(leaf) == shape else ValueError
            raise kind(
                f"{self.name}: {path} is {got} of shape {np.shape(leaf)} after a step, but {dtype or 'a number'} of shape "
                f"{shape} before it: begin with np.zeros({np.shape(leaf)}, {str(got)!r}), or bring it back with "
                f"{'.astype(...)' if kind is TypeError else 'np.reshape(...)'}"
            )
        return leaves


def unrolled(body: Body, xs: Any, columns: Sequence[Any], steps: int, reverse: bool) -> tuple[Any, Any]:
    """The loop as a loop of Python's."""
    slices = [list(unstack(x) if isinstance(x, Tensor) else x)[:: -1 if reverse else 1] for x in columns]
    parts: Iterable[tuple[Any, ...]] = zip(*slices, strict=True) if slices else [()] * steps
    carry, tree, name = body.leaves, None, f"{body.name}: y"
    found: list[list[Any]] = []
    for part in parts:
        carry, y = body(carry, unflatten(xs, iter(part)))
        if not found:
            tree = y
        found.append(leaves_like(tree, y, name))
    if reverse:
        found.reverse()
    ys = [_stacked(each) for each in zip(*found, strict=True)]
    return unflatten(body.init, iter(carry)), unflatten(tree, iter(ys))


def _stacked(ys: Sequence[Any]) -> Any:
    """The ys of all steps; numbers of Python's are weak, as beside arrays."""
    dtype = np.result_type(*{getattr(y, "dtype", type(y)): getattr(y, "dtype", y) for y in ys}.values())
    return stack([_as_array(y, dtype) for y in ys])


def _as_array(y: Any, dtype: Any = None) -> Any:
    return y if isinstance(y, Tensor) or backend.is_array(y) else np.asarray(y, dtype)


def _columns(f: Any, xs: Any, length: int | None) -> tuple[list[Any], int]:
    """The leaves of xs, and the number of steps."""
    columns, places, name = flatten(xs), paths(xs, "xs"), name_of(f)
    if length is not None and (not isinstance(length, INTEGER) or length < 0):
        raise TypeError(f"scan of {name}: length is {length!r:.60}, expected a whole number of 0 or more")
    for x, place in zip(columns, places, strict=True):
        if not isinstance(x, Tensor) and not backend.is_array(x):
            raise TypeError(
                f"scan of {name}: {place} is {x!r:.60}, expected an array or a Tensor: lists are trees, write np.array(...)"
            )
        if not x.ndim:
            raise ValueError(
                f"scan of {name}: {place} has no axes, so it has no steps; what is the same in all steps is used without xs"
            )
    counts = {len(x) for x in columns} | (set() if length is None else {int(length)})
    if len(counts) > 1:
        told = [f"{place} has {len(x)}" for x, place in zip(columns, places, strict=True)]
        told += [] if length is None else [f"length is {length}"]
        raise ValueError(f"scan of {name}: the numbers of steps differ: {', '.join(told)}")
    if not counts:
        raise TypeError(f"scan of {name}: without xs it must be told its number of steps: scan(f, init, length=10)")
    return columns, counts.pop()


def _nothing(body: Body, xs: Any, columns: Sequence[Any]) -> Any:
    """The ys of no steps."""
    if isinstance(body.f, _Counted):
        return None
    state = get_state()
    with graph.no_grad():
        zeros = [np.zeros_like(x, shape=x.shape[1:]) for x in columns]
        _, y = body([np.copy(leaf) if hasattr(leaf, "dtype") else leaf for leaf in body.leaves], unflatten(xs, iter(zeros)))
    go_to(state)
    parts = [_as_array(leaf) for leaf in flatten(y)]
    return unflatten(y, iter([np.zeros_like(p, shape=(0, *p.shape)) for p in parts]))
