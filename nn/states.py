"""Checks of states before they are loaded: only known names, of the right kind, within range."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

__all__ = ["COUNT", "FLAG", "NUMBER", "Kind", "checked_state"]


class Kind(NamedTuple):
    """A kind of values: how it is called, and which values are of it."""

    words: str
    holds: Callable[[Any], bool]


def _is_count(value: Any) -> bool:
    return (
        isinstance(value, (int, np.integer))
        and not isinstance(value, bool)
        and 0 <= int(value) < 2**63
    )


def _is_number(value: Any) -> bool:
    if isinstance(value, (float, np.floating)):
        return True
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
        return False
    return abs(int(value)) < 2**1023  # a float can hold it


COUNT = Kind("an integer from 0 on", _is_count)
NUMBER = Kind("a number", _is_number)
FLAG = Kind("True or False", lambda value: isinstance(value, (bool, np.bool_)))


def checked_state(owner: str, state: Any, **kinds: Kind) -> dict[str, Any]:
    """A state with exactly these names, of these kinds; nothing is changed where it is not.

    Raises:
        ValueError: it has a name too many or too few, or a value of another kind.

    >>> checked_state("Loader", {"epoch": 3}, epoch=COUNT)
    {'epoch': 3}
    >>> checked_state("Loader", {"epoch": "x"}, epoch=COUNT)
    Traceback (most recent call last):
    ValueError: Loader.load_state_dict: 'epoch' must be an integer from 0 on, got 'x'
    """
    if not isinstance(state, Mapping):
        raise ValueError(f"{owner}.load_state_dict: expected a dict, got a {type(state).__name__}")
    problems = [f"{name!r} is missing" for name in kinds if name not in state]
    problems += [f"{str(name)!r:.60} is unknown" for name in state if name not in kinds]
    problems += [
        f"{name!r} must be {kind.words}, got {state[name]!r:.60}"
        for name, kind in kinds.items()
        if name in state and not kind.holds(state[name])
    ]
    if problems:
        raise ValueError(f"{owner}.load_state_dict: " + "; ".join(problems))
    return dict(state)
