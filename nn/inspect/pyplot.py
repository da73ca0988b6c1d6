"""matplotlib, where it is installed."""

from __future__ import annotations

import importlib
import os
from typing import Any

from minigrad.install import install

__all__ = ["finish", "pyplot"]


def pyplot() -> Any:
    """The module matplotlib.pyplot.

    Raises:
        ImportError: it is not installed; the message says how to get it.
    """
    try:
        return importlib.import_module("matplotlib.pyplot")
    except ImportError as error:
        raise ImportError(f"plots need matplotlib: {install('viz')}") from error


def finish(figure: Any, path: str | os.PathLike[str] | None) -> Any:
    """The figure; written to a file and closed, where a path is given."""
    if path is not None:
        figure.savefig(path, bbox_inches="tight")
        pyplot().close(figure)
    return figure
