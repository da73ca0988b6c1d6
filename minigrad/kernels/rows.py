"""Rows added where an index names them: the gradient of an embedding, which no loop can hold, as its places are values."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np

from .. import kernels
from ..compiler import native
from ..compiler.instructions import instruction
from ..compiler.memory import Place, read, write
from ..compiler.text import Target, Text, functions
from .signature import takes

__all__ = ["add_rows"]


@takes(
    x="real (n, ...) written", rows="integer (m)", values="real (m, ...)", where="m > 0 and x.size > 0"
)  # fmt: skip
def add_rows(x: Any, rows: Any, values: Any) -> Any:
    """x[rows] += values, where a row may come several times."""
    if not kernels.enabled or not native.available() or rows.min() < 0 or rows.max() >= len(x):
        return NotImplemented  # the NumPy code counts rows from the end, or names the one that is out of range
    rows, values = np.ascontiguousarray(rows, np.int64), np.ascontiguousarray(values)
    function = _function(x[0].size, str(x.dtype))
    frame = (ctypes.c_int64 * 4)(x.ctypes.data, rows.ctypes.data, values.ctypes.data, len(rows))
    function(ctypes.addressof(frame))
    return None


@cache
def _function(width: int, dtype: str) -> Any:
    def text(target: Target, name: str) -> str:
        return functions([_written(width, dtype, target)], [name])

    return native.compile_text(text, "add_rows", str(width), dtype)


def _written(width: int, dtype: str, target: Target) -> Text:
    """For k = 0, 1, ...: row rows[k] of x, plus row k of the values."""
    text = Text(target)
    x, rows, values = (text.let(f"load ptr, ptr {text.moved('%frame', str(i), 8)}") for i in range(3))
    count = text.let(f"load i64, ptr {text.moved('%frame', '3', 8)}")
    lanes = max(target.bytes // np.dtype(dtype).itemsize, 1)

    def add_row(k: str) -> None:
        row = read(text, Place(rows, "int64", 1), k)
        there, here = Place(x, dtype, 1).moved(text, row, width), Place(values, dtype, 1).moved(text, k, width)

        def add(j: str, _: list[str], some: int = lanes) -> list[str]:
            terms = [read(text, place, j, lanes, some) for place in (there, here)]
            write(text, there, instruction(text, "add", (dtype, dtype), lanes, terms), j, lanes, some)
            return []

        whole = width - width % lanes
        text.repeat(0, whole, lanes, [], add)
        if width % lanes:
            add(str(whole), [], width % lanes)

    text.count_up(count, add_row)
    return text
