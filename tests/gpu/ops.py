"""Every row of the table of ops: all its samples, to second order."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..ops_table import ROWS
from ..scipy_samples import CPU_ONLY
from . import Case, derivatives, on


def row(name: str, device: str) -> list[Any]:
    """The samples of an op, forward, gradients, and the gradients of these."""
    found = []
    for sample in ROWS[name]:
        xs = [on(device, a) for a in sample.args]
        found.append(derivatives(sample.f(*xs), xs))
    return found


#: The rows that CuPy can compute.
OPS: dict[str, Case] = {name: partial(row, name) for name in ROWS if name not in CPU_ONLY}
