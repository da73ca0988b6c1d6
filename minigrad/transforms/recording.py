"""What transforms are made of: recording what a function does to its arguments.

All transforms are a few lines on two things: a `Recording`, and sending a cotangent back
(`minigrad.backward.gradients`).  They work on functions of NumPy arrays and numbers as well as of
Tensors, on arguments that are trees (`minigrad.trees`), and they nest.

What you pass is what you get back: NumPy in, NumPy out; Tensors in, Tensors out, with their graph,
so that derivatives of derivatives need nothing special.  Numbers inside of another transform also
give Tensors where the result depends on what that one differentiates.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import backend, graph
from ..arrays.batch import Batch, levels_of
from ..arrays.row_sparse import RowSparse
from ..backward import gradients
from ..calling import with_message
from ..ops.conversion import clone
from ..tensor import Tensor, wrap
from ..trees import NO_LEAF, NUMBERS, flatten, is_leaf, paths, unflatten

__all__ = [
    "INTEGER",
    "Argnums",
    "Recording",
    "UnusedInputWarning",
    "argnums_of",
    "depth",
    "is_tracked",
    "name_of",
    "named",
    "output_of",
    "scalar_of",
    "split_last",
]

Argnums = int | Sequence[int]
#: What counts as one number of an argument, or of an axis.
INTEGER = (int, np.integer)


class UnusedInputWarning(UserWarning):
    """What a function returns does not depend on what it is differentiated with respect to."""


class Recording:
    """One call of a function with its chosen arguments recorded.

    Keyword arguments are handed on as they are; they are not differentiated.

    Attributes:
        function: what was called.
        chosen: the chosen argument, a tuple of them where `argnums` is a sequence.
        inputs: the recorded leaves of the chosen arguments, as Tensors.
        value: what the function returned.
        create_graph: whether gradients must be differentiable themselves.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        argnums: Argnums,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self.function = function
        numbers = (argnums,) if isinstance(argnums, INTEGER) else tuple(argnums)
        self.numbers = _checked(numbers, function, args, kwargs)
        arguments = tuple(args[n] for n in numbers)
        self.chosen = arguments[0] if isinstance(argnums, INTEGER) else arguments
        leaves = flatten(arguments)
        depth = graph.transforms.get()
        self.tensors_in = any(isinstance(x, Tensor) for x in leaves)
        given = any(map(_given_as_tensor, leaves))
        self.create_graph = depth > 0 or (given and graph.is_grad_enabled())
        self.inputs = [self._recorded(i, x) for i, x in enumerate(leaves)]
        recorded = unflatten(arguments, iter(self.inputs))
        new_args = list(args)
        for n, argument in zip(numbers, recorded, strict=True):
            new_args[n] = argument
        token = graph.transforms.set(depth + 1)
        graph.lost.set(None)
        try:
            with graph.recording():
                self.value = function(*new_args, **kwargs)
        except Exception as error:
            if (message := _lost_unsaid(error)) is None:
                raise
            if isinstance(error, SystemError):  # C code that went on after the error: it says no more than that
                raise TypeError(message) from error
            raise with_message(error, f"{error}\n{message}") from error
        finally:
            graph.transforms.reset(token)

    @functools.cached_property
    def outputs(self) -> list[Tensor]:
        """The leaves of what the function returned, as Tensors."""
        if self.value is None:  # inside of a tree it has no leaves, here it is a forgotten return
            return [output_of(None, self.function)]
        single = is_leaf(self.value)
        return [output_of(x, self.function, single) for x in flatten(self.value)]

    def pull(
        self,
        outputs: Sequence[Tensor],
        cotangents: Sequence[Any],
        retain_graph: bool | None = None,
    ) -> list[Any]:
        """The gradient of every input leaf; zeros where the outputs do not depend on it."""
        create_graph = self.create_graph or is_tracked(cotangents)
        found = gradients(
            outputs, self.inputs, cotangents, create_graph, retain_graph, search=False
        )
        if outputs:
            self.check_used(found)
        return [
            self.give_back(wrap(backend.zeros_like(x._array), None) if g is None else g, create_graph)
            for g, x in zip(found, self.inputs, strict=True)
        ]

    def check_used(self, found: Sequence[Any]) -> None:
        """Warn where there is no path from the result to any of the arguments: all of `found` is None.

        That a derivative is constant is nothing to warn of, nor what goes on inside of minigrad.
        """
        if not found or any(g is not None for g in found):
            return
        code = getattr(self.function, "__code__", None)
        inner = "<locals>" in getattr(self.function, "__qualname__", "")
        ours = code is not None and inner and graph.is_ours(code.co_filename)
        if ours or getattr(self.function, "is_derivative", False):
            return
        where = f" (at {code.co_filename}:{code.co_firstlineno})" if code is not None else ""
        graph.warn(
            f"what {name_of(self.function)}{where} returns does not depend on the arguments that it is differentiated "
            "with respect to: the derivative is 0. If it should not be, look for a value that has left the graph: "
            "x.detach(), x.data, a rounded or a compared number, an argument that is not used",
            UnusedInputWarning,
        )

    def arrange(self, leaves: Sequence[Any]) -> Any:
        """One result for each leaf of the chosen arguments, nested as these are."""
        return unflatten(self.chosen, iter(leaves))

    def give_back(self, x: Any, create_graph: bool | None = None) -> Any:
        """A result as the caller passed his arguments: arrays for arrays, Tensors for Tensors."""
        create_graph = self.create_graph if create_graph is None else create_graph
        if not isinstance(x, Tensor) or self.tensors_in or (x.requires_grad and create_graph):
            return x
        if type(x._array) is Batch:  # it depends on an argument of the `vmap` around
            return x
        if isinstance(x._array, RowSparse):  # an array for an array
            return x._array.dense()
        return x._array if x.ndim else x._array[()]

    def _recorded(self, i: int, x: Any) -> Tensor:
        """Leaf i as a Tensor that gradients reach: a copy in the graph, or a new leaf."""
        if isinstance(x, Tensor) and x.requires_grad:
            return clone(x)
        if isinstance(x, Tensor):
            data = x._array
        else:
            data = x if backend.is_array(x) else np.asarray(x)
        if data.dtype.kind not in "fc":
            integer = data.dtype.kind in NUMBERS
            instead = "write 3.0 instead of 3" if integer else NO_LEAF
            raise TypeError(
                f"cannot differentiate {name_of(self.function)} with respect to {self._path(i)}, "
                f"which holds {data.dtype} values ({x!r:.60}): {instead}, or choose "
                "other arguments with argnums"
            )
        return Tensor(data, requires_grad=True)

    def _path(self, i: int) -> str:
        """How leaf i is reached from the parameters of the function."""
        arguments = self.chosen if len(self.numbers) > 1 else (self.chosen,)
        found: list[str] = []
        for n, argument in zip(self.numbers, arguments, strict=True):
            found += paths(argument, _parameter(self.function, n))
        return found[i]


def depth() -> int:
    """How many transforms are around the current call."""
    return graph.transforms.get()


def _given_as_tensor(x: Any) -> bool:
    """Whether x is a Tensor as the caller gave it, not one that `vmap` made of an array: of that first derivatives do."""
    if not isinstance(x, Tensor):
        return False
    levels = list(levels_of(x._array))
    return x._node is not None or not levels or not all(level.arrays_in for level in levels)


def is_tracked(leaves: Sequence[Any]) -> bool:
    """Whether gradients are to flow to one of the leaves of a tangent or cotangent."""
    tracked = any(isinstance(x, Tensor) and x.requires_grad for x in leaves)
    return tracked and graph.is_grad_enabled()


def argnums_of(argnums: Any, argnum: Any) -> Any:
    """The arguments to differentiate; `argnum` is HIPS/autograd's name for `argnums`.

    Raises:
        TypeError: they are no numbers, or both names are given.
    """
    if argnum is not None:
        if argnums not in (0, None):
            raise TypeError("argnum is another name for argnums: pass one of them")
        argnums = argnum
    if argnums is None or isinstance(argnums, int):
        return argnums
    try:
        if isinstance(argnums, (tuple, list, range)):
            return tuple(map(operator.index, argnums))
        return operator.index(argnums)
    except TypeError:
        raise TypeError(
            f"argnums is {argnums!r:.60}, expected the number of a positional argument, counted from 0, "
            "or a tuple of numbers"
        ) from None


def name_of(function: Any) -> str:
    """How messages call a function."""
    if isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__name__", type(function).__name__)


def output_of(value: Any, function: Callable[..., Any], single: bool = True) -> Tensor:
    """What a function returned, as a Tensor: a constant if it does not depend on the arguments.

    Raises:
        TypeError: it is no array of numbers, or made of bools and all that the function returned.
    """
    if single and getattr(value, "dtype", type(value)) in (bool, np.bool_):
        raise TypeError(
            f"{name_of(function)} returned {value!r:.40}: the result of a comparison or a test is no number, "
            "and has no derivative; return the number that was compared"
        )
    if isinstance(value, Tensor):
        return value
    if isinstance(value, int):
        value = float(value)
    if isinstance(value, (float, complex, np.generic)) or backend.is_array(value):
        return wrap(backend.as_array(value), None)
    raise TypeError(
        f"{name_of(function)} must return an array, a number or a Tensor, "
        f"it returned {type(value).__name__}"
    )


def split_last(
    args: tuple[Any, ...], argnums: Argnums, transform: str, last: str, function: Any
) -> tuple[tuple[Any, ...], Any]:
    """The arguments of a function, and the one that a transform takes after them.

    Raises:
        TypeError: there are too few.
    """
    numbers = (argnums,) if isinstance(argnums, int) else argnums
    if len(args) <= max((n + 1 if n >= 0 else -n for n in numbers), default=0):
        raise TypeError(
            f"{transform} of {name_of(function)} with argnums {argnums} takes the arguments of {name_of(function)}, and "
            f"then {last}; it got {len(args)} in all: write {transform}(f)(x, {last})"
        )
    return args[:-1], args[-1]


def scalar_of(value: Any, function: Callable[..., Any], transform: str) -> Tensor:
    """What a function returned, as a Tensor that holds one real number."""
    out, name = output_of(value, function), name_of(function)
    if out.size != 1:
        raise TypeError(
            f"{transform} needs a function that returns a scalar; {name} returned shape "
            f"{out.shape}. Use elementwise_grad (egrad) or jacobian, or reduce the result"
        )
    if out.dtype.kind == "c":
        raise TypeError(
            f"{transform} needs a real result; {name} returned {out.dtype}: "
            "take abs(), .real or .imag"
        )
    return out


def named(
    function: Callable[..., Any], prefix: str, what: str | None = None, last: str | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a wrapper the name, the signature and the documentation of the function it wraps.

    Args:
        prefix: of the name: ``grad`` makes ``grad_of_f``.
        what: the first words of the documentation, ``The gradient of {}``; without it the prefix.
        last: the name of a positional parameter that the wrapper takes after those of the function.

    Raises:
        TypeError: what is wrapped is no function.
    """
    if not callable(function):
        raise TypeError(
            f"{prefix} takes a function and gives one, it got {type(function).__name__}: write {prefix}(f)(x)"
        )

    def decorate(wrapper: Callable[..., Any]) -> Callable[..., Any]:
        wrapper = functools.wraps(function, updated=())(wrapper)
        name = name_of(function)
        wrapper.__name__ = wrapper.__qualname__ = f"{prefix}_of_{name}"
        wrapper.is_derivative = prefix != "vmap"  # type: ignore[attr-defined]
        takes = f"the arguments of {name}" + (f", then {last}" if last else "")
        first = (what or prefix + " of {}").format(name)
        text = getattr(function, "__doc__", None) or ""
        wrapper.__doc__ = f"{first}. It takes {takes}.\n\n{_dedented(text)}".rstrip()
        if last is not None:
            _add_parameter(wrapper, function, last)
        return wrapper

    return decorate


# --------------------------------------------------------------------------------------- private


def _lost_unsaid(error: Exception) -> str | None:
    """What our own error said, where another library has swallowed it and raised this one."""
    message = graph.lost.get()
    return None if message is None or message in str(error) else message


def _checked(
    numbers: tuple[int, ...], function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[int, ...]:
    """The numbers of the chosen arguments, counted from the front."""
    if bad := [n for n in numbers if not -len(args) <= n < len(args)]:
        hint = "; what is differentiated must be passed by position" if kwargs else ""
        raise TypeError(
            f"argnums {bad[0]}: {name_of(function)} was called with {len(args)} positional "
            f"arguments{hint}"
        )
    found = tuple(n % len(args) for n in numbers)
    if len(set(found)) < len(found):
        raise TypeError(f"argnums {numbers}: an argument of {name_of(function)} is named twice")
    return found


#: Many functions are wrapped again and again, as in `grad(f)(x)` inside of a loop.
_dedented = functools.lru_cache(inspect.cleandoc)


def _parameter(function: Callable[..., Any], n: int) -> str:
    """The name of positional parameter number n, as far as it is known."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a function written in C
        parameters = []
    if n < len(parameters) and parameters[n].kind <= inspect.Parameter.POSITIONAL_OR_KEYWORD:
        return parameters[n].name
    return f"argument {n}"


def _add_parameter(wrapper: Any, function: Callable[..., Any], name: str) -> None:
    """Make the signature of a wrapper that of the function with one positional parameter more."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a function written in C
        return
    before = [p for p in signature.parameters.values() if p.kind <= p.POSITIONAL_OR_KEYWORD]
    after = [p for p in signature.parameters.values() if p not in before]
    if name in signature.parameters or any(p.kind is p.VAR_POSITIONAL for p in after):
        return
    # The last positional argument is the new one, so that those before it must be given too.
    positional = [p.replace(kind=p.POSITIONAL_ONLY, default=p.empty) for p in before]
    added = inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY)
    wrapper.__signature__ = signature.replace(parameters=[*positional, added, *after])
