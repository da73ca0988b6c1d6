"""Sets of values: `unique` and its kin.  Each value of a result is an element of an input, and its gradient goes there.

Where an element comes several times, the gradient goes to the first one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..primitive import composed
from ..tensor import Tensor, raw
from .constant import constants
from .index import take
from .join import concatenate

__all__: list[str] = []

#: The functions of this file, and how many of their parameters are arrays.
_INPUTS = {
    "unique": 1, "unique_all": 1, "unique_counts": 1, "unique_inverse": 1, "unique_values": 1,
    "intersect1d": 2, "setdiff1d": 2, "setxor1d": 2, "union1d": 2,
}  # fmt: skip


def _elements(values: Any, inputs: list[Any]) -> Any:
    """The values, taken from where each stands first in the inputs."""
    everything = concatenate(inputs, axis=None)
    array = raw(everything)
    order = np.argsort(array, kind="stable")
    return take(everything, order[np.searchsorted(array, raw(values), sorter=order)])


def _slices(x: Tensor, bound: inspect.BoundArguments) -> Any:
    """`unique` along an axis: the slices, taken from where each stands first."""
    options = {**bound.arguments, "ar": x._array, "return_index": True}
    return take(x, np.unique(**options)[1], axis=bound.arguments["axis"])


def _with_gradient(name: str, inputs: int) -> Callable[..., Any]:
    constant = constants[name]
    signature = inspect.signature(constant)

    def function(*args: Any, **kwargs: Any) -> Any:
        out = constant(*args, **kwargs)
        bound = signature.bind(*args, **kwargs)
        given = [bound.arguments[n] for n in list(signature.parameters)[:inputs]]
        if not any(isinstance(x, Tensor) and x.requires_grad for x in given):
            return out
        if bound.arguments.get("axis") is not None:
            values = _slices(given[0], bound)
        else:
            values = _elements(out[0] if isinstance(out, tuple) else out, given)
        if not isinstance(out, tuple):
            return values
        return type(out)(*(values, *out[1:])) if hasattr(out, "_fields") else (values, *out[1:])

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"NumPy's `{name}`; the gradient of a value goes to the first element that has it."
    )
    function.__signature__ = signature  # type: ignore[attr-defined]
    return function


for _name, _number in _INPUTS.items():
    constants[_name] = composed(getattr(np, _name), override=True)(_with_gradient(_name, _number))
