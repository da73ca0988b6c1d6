"""The values of a recorded run, computed again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...random.state import get_state, set_state
from ..program import Step, with_values

__all__ = ["replay"]


def replay(steps: Sequence[Step], values: dict[Any, Any]) -> None:
    """Add what steps give to values, where it is not there yet; random generators stay where they are."""
    state = get_state()
    with np.errstate(all="ignore"):
        for step in steps:
            if all(v is None or v in values for v in step.outs):
                continue
            out = step.function(*with_values(step.args, values), **with_values(step.kwargs, values))
            outs = out if step.several else (out,)
            found = zip(step.outs, outs, strict=True)
            values.update((v, np.asarray(x)) for v, x in found if v is not None and v not in values)
    set_state(state)
