"""scipy.special's functions in terms of NumPy's, for programs that a page computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["SPECIAL"]

SPECIAL: dict[str, Callable[..., Any]] = {}
