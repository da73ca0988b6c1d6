"""NumPy calls that no loop holds, and library.js computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..program import Step, Var

__all__ = ["LibraryCall", "library_call"]


@dataclass
class LibraryCall:
    """A call of a function of library.js.

    Attributes:
        name: of the function.
        arrays: what it reads: values of the program, and constants.
        options: what else it is given.
    """

    name: str
    arrays: list[Any]
    options: dict[str, Any] = field(default_factory=dict)


def library_call(step: Step) -> LibraryCall | None:
    """How a page makes a call; None where it cannot."""
    make = _TABLE.get(step.function)
    return None if make is None else make(step)


_TABLE: dict[Any, Callable[[Step], LibraryCall | None]] = {}
