"""compile: a function is traced at its first call, and its program runs at the others."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import tracing
from ..tensor import Tensor, raw
from ..trees import flatten
from .capture import capture, is_array
from .script import Script

__all__ = ["Compiled", "compile"]


class Compiled:
    """A function that runs as a program; see `compile`."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.versions: dict[Any, list[Script]] = {}
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        leaves = flatten((args, kwargs)) if kwargs else flatten(args)
        arrays, key = [], []
        for x in leaves:
            if type(x) is Tensor:
                if x._node is not None:
                    return self.function(*args, **kwargs)
                x = x._array
            if type(x) is np.ndarray:
                arrays.append(x)
                key.append((x.shape, x.dtype))
            else:
                key.append(x)
        if tracing.recorder.get() is not None or any(is_array(x) for x in key):
            return self.function(*args, **kwargs)
        known = self.versions.setdefault(tuple(key), [])
        for script in known:
            result = script.run(arrays)
            if result is not None:
                return result
        result, found = capture(self.function, args, kwargs)
        if found.repeats:
            known.append(Script(found))
        return result


def compile(function: Callable[..., Any]) -> Compiled:
    """A function that is traced once and then runs as a program."""
    return Compiled(function)
