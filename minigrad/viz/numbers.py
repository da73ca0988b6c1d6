"""Numbers, arrays and sizes as short text."""

from __future__ import annotations

from collections.abc import Iterable
from math import hypot, isfinite
from typing import Any

import numpy as np

from ..backend import is_array, on_host

__all__ = ["added", "dimensions", "has_numbers", "host", "memory_size", "norm_of", "number", "rms"]

#: An array of so many numbers is shown in full.
MOST = 6


def host(value: Any) -> np.ndarray:
    """An array in main memory: of a tensor, of an array on a GPU, of rows that are sparse."""
    return np.asarray(on_host(getattr(value, "_array", value)))


def has_numbers(value: Any) -> bool:
    """Whether a value is a number or an array, wherever it lies.

    >>> has_numbers(2.0), has_numbers(np.ones(2)), has_numbers("sum")
    (True, True, False)
    """
    return isinstance(value, (float, int, complex, np.generic)) or is_array(value)


def number(value: Any) -> str:
    """A number or a small array in full, of a larger one the shape and range.

    >>> number(np.array([0.5, 2.0])), number(np.zeros((3, 4)))
    ('[0.5, 2. ]', '3×4, 0 to 0')
    """
    if value is None:
        return "?"
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(number, value))})"
    value = host(value)
    if value.dtype.kind not in "fciub":
        return dimensions(value.shape)
    if value.dtype.kind in "fc":
        value = value + 0  # of -0 that is 0
    if np.size(value) == 1 and np.ndim(value) == 0:
        return f"{complex(value):.4g}" if value.dtype.kind == "c" else f"{float(value):.4g}"
    if value.size <= MOST:
        return np.array2string(value, precision=4, separator=", ").replace("\n", "")
    shape = dimensions(value.shape)
    if value.dtype.kind == "c":
        return f"{shape}, of size {np.abs(value).min():.4g} to {np.abs(value).max():.4g}" if value.size else f"{shape}, empty"
    return f"{shape}, {float(np.min(value)):.4g} to {float(np.max(value)):.4g}" if value.size else f"{shape}, empty"


def added(texts: Iterable[str]) -> str:
    """A sum of numbers.

    >>> added(["1", "-2", "3"])
    '1 - 2 + 3'
    """
    return " + ".join(texts).replace("+ -", "- ")


def dimensions(shape: tuple[int, ...]) -> str:
    """A shape as text.

    >>> dimensions((2, 3)), dimensions(())
    ('2×3', 'scalar')
    """
    return "×".join(map(str, shape)) or "scalar"


def rms(values: Any) -> float:
    """The root of the mean square of an array, or of several together.

    >>> rms(np.array([3.0, 4.0, 0.0, 0.0]))
    2.5
    """
    parts = [host(part).ravel() for part in (values if isinstance(values, (tuple, list)) else (values,)) if part is not None]
    if not parts:
        return 0.0
    joined = np.abs(np.concatenate(parts)).astype(float)
    return float(np.sqrt(np.mean(joined**2))) if joined.size else 0.0


def norm_of(values: Any) -> float | None:
    """The root of the sum of the squares of an array, or of several together; None where it is no number.

    >>> norm_of(np.array([3.0, 4.0])), norm_of(np.array([1.0, np.nan]))
    (5.0, None)
    """
    parts = [host(part) for part in (values if isinstance(values, (tuple, list)) else (values,)) if part is not None]
    norm = hypot(*(float(np.linalg.norm(part.astype(complex if part.dtype.kind == "c" else float))) for part in parts))
    return norm if isfinite(norm) else None


def memory_size(n: float) -> str:
    """A number of bytes as short text.

    Args:
        n: how many bytes.

    >>> memory_size(12), memory_size(3_000_000)
    ('12 B', '2.9 MiB')
    """
    for unit in ("B", "KiB", "MiB"):
        if n < 1024:
            return f"{n:.0f} B" if unit == "B" else f"{n:.1f} {unit}"
        n /= 1024
    return f"{n:.1f} GiB"
