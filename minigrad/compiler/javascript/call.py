"""A call of a function of library.js, and how the arguments of NumPy's calls are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from ..program import Step, Var

__all__ = ["Constants", "LibraryCall", "arguments", "lengths"]

#: The arrays of values that are the same at each run.
Constants = Mapping[Var, Any]


@dataclass
class LibraryCall:
    """Attributes:
    name: of the function.
    arrays: what it reads: values of the program, and constants.
    options: what else it is given.
    """

    name: str
    arrays: list[Any]
    options: dict[str, Any] = field(default_factory=dict)


def arguments(step: Step, *names: str) -> dict[str, Any]:
    """The arguments of a call by their names."""
    return dict(zip(names, step.args, strict=False)) | step.kwargs


def lengths(axis: Any, x: Any) -> tuple[int, dict[str, int]] | None:
    """An axis of a value, counted from the first, and the numbers of elements before it, along it and after it.

    >>> import numpy as np
    >>> lengths(-2, Var(0, (2, 3, 4), np.dtype("float32")))
    (1, {'outer': 2, 'length': 3, 'inner': 4})
    """
    if not isinstance(axis, int) or type(x) is not Var or not x.shape:
        return None
    axis %= len(x.shape)
    return axis, {"outer": prod(x.shape[:axis]), "length": x.shape[axis], "inner": prod(x.shape[axis + 1 :])}
