"""What a case of the gallery is: a small setting, and what it must have reached."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

SHARED = Path(__file__).parents[2].parent / "shared" / "data"

Results = dict[str, Any]
Case = tuple[dict[str, Any], Callable[[Results], Any]]
RealCase = tuple[str, dict[str, Any], Callable[[Results], Any]]


def percent(text: str) -> float:
    return float(text.rstrip("%"))


def first(results: Results, start: str) -> Any:
    """The first result whose name begins so."""
    return next(value for name, value in results.items() if name.startswith(start))
