"""A call of a function of library.js."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["LibraryCall"]


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
