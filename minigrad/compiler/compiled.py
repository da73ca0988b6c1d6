"""compile: a function is traced at its first call, and its program runs at the others."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import tracing
from ..tensor import Tensor, raw
from ..trees import flatten, tree_map
from .capture import capture, is_array
from .script import FAILED, MISS, Script

__all__ = ["Compiled", "compile"]


class Compiled:
    """A function that runs as a program; see `compile`."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.versions: dict[Any, list[Script]] = {}
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if tracing.recorder.get() is not None:
            return self.function(*args, **kwargs)
        flat = not kwargs and all(type(x) in _FLAT for x in args)
        leaves = args if flat else flatten((args, kwargs))
        known = self.versions.setdefault(len(args) if flat else _structure(args, kwargs), [])
        for script in known:
            result = script.run(leaves)
            if result is FAILED:
                return self.function(*args, **kwargs)
            if result is not MISS:
                return result
        arrays = [raw(x) for x in leaves if is_array(x)]
        recorded = any(isinstance(x, Tensor) and x._node is not None for x in leaves)
        if recorded or not all(type(a) is np.ndarray for a in arrays):
            return self.function(*args, **kwargs)
        result, found = capture(self.function, args, kwargs)
        if found.repeats:
            known.append(Script(found))
        return result


#: Arguments that are no containers.
_FLAT = frozenset({Tensor, np.ndarray, float, int, bool, str, type(None)})


def _structure(args: Any, kwargs: Any) -> str:
    """The containers around arguments, as a text."""
    return repr(tree_map(lambda _: 0, (args, kwargs)))


def compile(function: Callable[..., Any]) -> Compiled:
    """A function that is traced once and then runs as a program."""
    return Compiled(function)
