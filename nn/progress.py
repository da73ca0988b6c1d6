"""Bars that show how far a long work is."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["progress_bar"]


def progress_bar(*args: Any, **options: Any) -> Any | None:
    """A bar of tqdm that goes away at its end; None where tqdm is not installed.

    >>> bar = progress_bar(total=3, disable=True)
    >>> bar is None or bar.total == 3
    True
    """
    try:
        tqdm = importlib.import_module("tqdm").tqdm
    except ImportError:
        return None
    return tqdm(*args, leave=False, **options)
