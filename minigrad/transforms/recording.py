"""Functions of functions: what they are made of.

All are a few lines on two things: recording what a function does to its arguments, and sending a
cotangent back (`minigrad.backward.gradients`).  They work on functions of NumPy arrays and numbers as well as
of Tensors, on arguments that are nested dicts, lists and tuples, and they nest.

What you pass is what you get back: NumPy in, NumPy out; Tensors in, Tensors out, with their graph, so that
derivatives of derivatives need nothing special.  Numbers inside of another transform also give Tensors
where the result depends on what that one differentiates.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from .. import backend, graph
from ..backward import gradients
from ..primitive import clone
from ..tensor import Tensor, wrap
from ..trees import flatten, unflatten

__all__ = ["Argnums", "Recording", "name_of", "named", "output_of", "scalar_of"]

Argnums = int | Sequence[int]

#: How many transforms are around the current one (in this thread and task).
_depth: ContextVar[int] = ContextVar("minigrad_transform_depth", default=0)


class Recording:
    """One call of a function with its chosen arguments recorded.

    Attributes:
        inputs: the recorded leaves of the chosen arguments, as Tensors.
        value: what the function returned.
        create_graph: whether gradients must be differentiable themselves.
    """

    def __init__(self, function: Callable[..., Any], argnums: Argnums, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        if bad := [n for n in numbers if not -len(args) <= n < len(args)]:
            raise TypeError(f"argnums {bad[0]}: {name_of(function)} was called with {len(args)} positional arguments")
        self.single = isinstance(argnums, int)
        self.chosen = [args[n] for n in numbers]
        leaves = flatten(self.chosen)
        depth = _depth.get()
        self.tensors_in = any(isinstance(x, Tensor) for x in leaves)
        self.create_graph = depth > 0 or (self.tensors_in and graph.is_grad_enabled())
        self.inputs = [_recorded(x, function) for x in leaves]
        recorded = iter(unflatten(self.chosen, iter(self.inputs)))
        new_args = list(args)
        for n in numbers:
            new_args[n] = next(recorded)
        token = _depth.set(depth + 1)
        try:
            with graph.recording():
                self.value = function(*new_args, **kwargs)
        finally:
            _depth.reset(token)

    def pull(self, outputs: Sequence[Tensor], cotangents: Sequence[Any], retain_graph: bool | None = None) -> list[Any]:
        """The gradient of every input leaf; zeros where the outputs do not depend on it."""
        found = gradients(outputs, self.inputs, cotangents, self.create_graph, retain_graph, search=False)
        return [
            self.give_back(wrap(np.zeros_like(x._data), None) if g is None else g)
            for g, x in zip(found, self.inputs, strict=True)
        ]

    def arrange(self, leaves: Sequence[Any]) -> Any:
        """One result for each leaf of the chosen arguments, nested as these are."""
        nested = unflatten(self.chosen, iter(leaves))
        return nested[0] if self.single else tuple(nested)

    def give_back(self, x: Any) -> Any:
        """A result as the caller passed his arguments: arrays for arrays, Tensors for Tensors."""
        if not isinstance(x, Tensor) or self.tensors_in or (x.requires_grad and self.create_graph):
            return x
        return x._data if x.ndim else x._data[()]


def _recorded(x: Any, function: Callable[..., Any]) -> Tensor:
    """An argument as a Tensor that gradients reach: a copy in the graph, or a new leaf."""
    if isinstance(x, Tensor) and x.requires_grad:
        return clone(x)
    data = x._data if isinstance(x, Tensor) else x if backend.is_array(x) else np.asarray(x)
    if data.dtype.kind not in "fc":
        raise TypeError(
            f"cannot differentiate {name_of(function)} with respect to {data.dtype} values ({x!r:.60}): "
            "write 3.0 instead of 3, or choose other arguments with argnums"
        )
    return Tensor(data, requires_grad=True)


def name_of(function: Any) -> str:
    return getattr(function, "__name__", type(function).__name__)


def output_of(value: Any, function: Callable[..., Any]) -> Tensor:
    """What a function returned, as a Tensor (a constant where it does not depend on its arguments)."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, (int, float, complex, np.generic)) or backend.is_array(value):
        return wrap(np.asarray(float(value)) if isinstance(value, int) else backend.as_array(value), None)
    raise TypeError(f"{name_of(function)} must return an array, a number or a Tensor, it returned {type(value).__name__}")


def scalar_of(value: Any, function: Callable[..., Any], transform: str) -> Tensor:
    out = output_of(value, function)
    if out.size != 1:
        raise TypeError(
            f"{transform} needs a function that returns a scalar; {name_of(function)} returned shape {out.shape}. "
            "Use elementwise_grad (egrad) or jacobian, or reduce the result"
        )
    if out.dtype.kind == "c":
        raise TypeError(f"{transform} needs a real result; {name_of(function)} returned {out.dtype}: take abs(), .real or .imag")
    return out


def named(function: Callable[..., Any], prefix: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def decorate(wrapper: Callable[..., Any]) -> Callable[..., Any]:
        wrapper = functools.wraps(function, updated=())(wrapper) if hasattr(function, "__name__") else wrapper
        wrapper.__name__ = f"{prefix}_of_{name_of(function)}"
        return wrapper

    return decorate
