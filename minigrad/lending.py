"""Arrays that are lent: to be read, not to be written.

One gradient is handed to the rules of several inputs, and what a rule reads belongs to the user or to other rules.  The
library's own rules write nowhere.  An op of the user's gets views that cannot be written, so that `g *= y` is an error, not
a wrong gradient of another input.  CuPy has no such views: on a GPU nothing stops it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from numpy import may_share_memory, ndarray

from .arrays.batch import Batch
from .arrays.traced import Traced
from .tensor import Tensor, wrap
from .trees import sequence_like

__all__ = ["borrowing", "is_own"]


def is_own(function: Any) -> bool:
    """Whether a function is the library's."""
    return (getattr(function, "__module__", None) or "").partition(".")[0] in ("minigrad", "nn")


def borrowing(function: Callable[..., Any], who: str) -> Callable[..., Any]:
    """The forward of an op, or a gradient rule, as a function that cannot write into what it gets.

    Args:
        who: what the function is, for the error.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        seen: list[ndarray | Traced] = []
        lent = [_lent(x, seen) for x in args]
        named = {name: _lent(x, seen) for name, x in kwargs.items()}
        versions = [(x, x.whole.version) for x in seen if type(x) is Traced]
        try:
            out = function(*lent, **named)
            if any(x.whole.version != version for x, version in versions):
                raise ValueError("the array is read-only")
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            raise ValueError(
                f"{who} must not write into what it gets, which others read too ({error}): compute a new array (g * y in place "
                "of g *= y), or write into a copy"
            ) from error
        return _returned(out, [x for x in seen if type(x) is ndarray])

    return call


def _lent(x: Any, seen: list[ndarray | Traced]) -> Any:
    """The same values, where nobody can write; a traced array itself, which knows when it is written.

    Both kinds are noted in `seen`.
    """
    if type(x) is ndarray:
        seen.append(x)
        x = x.view()
        x.flags.writeable = False
    elif type(x) is Traced:
        seen.append(x)
    elif type(x) is Batch:
        return Batch(_lent(x._array, seen), x.level)
    elif isinstance(x, Tensor):  # another object: what is written to it is recorded for it alone
        return wrap(_lent(x._array, seen), x._node)
    elif isinstance(x, (tuple, list)):
        return sequence_like(x, [_lent(each, seen) for each in x])
    return x


def _returned(out: Any, lenders: list[ndarray]) -> Any:
    """What was computed; a view of what was lent can be written again where that can be."""
    if type(out) is ndarray:
        shared = [] if out.flags.writeable or 0 in out.strides else [x for x in lenders if may_share_memory(out, x)]
        if shared and all(x.flags.writeable for x in shared):
            out = out.view()
            out.flags.writeable = out.base.flags.writeable
        return out
    if type(out) is Batch:
        return Batch(_returned(out._array, lenders), out.level)
    return sequence_like(out, [_returned(each, lenders) for each in out]) if isinstance(out, (tuple, list)) else out
