"""Sets of values: `unique` and its kin.  Each value of a result is an element of an input, and its gradient goes there.

Where an element comes several times, the gradient goes to the first one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..backend import as_sizes
from ..primitive import composed
from ..tensor import Tensor, raw
from .constant import constants
from .index import take
from .join import concatenate
from .numpy_arguments import args_of

__all__ = [
    "intersect1d", "setdiff1d", "setxor1d", "union1d", "unique", "unique_all", "unique_counts",
    "unique_inverse", "unique_values",
]  # fmt: skip


def _elements(values: Any, inputs: list[Any]) -> Any:
    """The values, taken from where each stands first in the inputs."""
    everything = concatenate(inputs, axis=None)
    array = raw(everything)
    order = np.argsort(array, kind="stable")
    found = take(everything, order[np.searchsorted(array, raw(values), sorter=order)])
    return found.astype(raw(values).dtype, copy=False)


def _slices(x: Tensor, bound: inspect.BoundArguments) -> Any:
    """`unique` along an axis: the slices, taken from where each stands first."""
    options = {**bound.arguments, "ar": x._array, "return_index": True}
    return take(x, np.unique(**options)[1], axis=bound.arguments["axis"])


def _with_gradient(name: str, inputs: int) -> Callable[..., Any]:
    """NumPy's function of this name, whose first parameters, so many, are arrays."""
    constant = constants.pop(name)
    signature = inspect.signature(constant)

    def function(*args: Any, **kwargs: Any) -> Any:
        out = constant(*args, **kwargs)
        bound = signature.bind(*args, **kwargs)
        given = [bound.arguments[n] for n in list(signature.parameters)[:inputs]]
        if not any(isinstance(x, Tensor) and x.requires_grad for x in given):
            return out
        if bound.arguments.get("axis") is not None:
            bound.arguments["axis"] = as_sizes(bound.arguments["axis"])
            values = _slices(given[0], bound)
        else:
            values = _elements(out[0] if isinstance(out, tuple) else out, given)
        if not isinstance(out, tuple):
            return values
        return type(out)(*(values, *out[1:])) if hasattr(out, "_fields") else (values, *out[1:])

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"NumPy's `{name}`.\n\nout_i = the first element of the inputs that has this value\n"
        f"dx    = g_i at that element, 0 elsewhere{args_of(name)}"
    )
    function.__signature__ = signature  # type: ignore[attr-defined]
    return composed(getattr(np, name), override=True)(function)


unique, unique_all = _with_gradient("unique", 1), _with_gradient("unique_all", 1)
unique_counts = _with_gradient("unique_counts", 1)
unique_inverse = _with_gradient("unique_inverse", 1)
unique_values = _with_gradient("unique_values", 1)
intersect1d, setdiff1d = _with_gradient("intersect1d", 2), _with_gradient("setdiff1d", 2)
setxor1d, union1d = _with_gradient("setxor1d", 2), _with_gradient("union1d", 2)
