"""What has no batched form: run for one example after the other, and counted.

`fallbacks` counts by name what went this way; the reference lists what does, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import batch
from .batch import Batch, Unbatched, fallbacks, newest

__all__ = ["apply_rule", "each", "in_turn", "is_unbatched"]

def is_unbatched(error: BaseException | None) -> bool:
    """Whether an error comes from a batch, be it by way of a message of NumPy's own."""
    while error is not None:
        if isinstance(error, (Unbatched, NotImplementedError)):
            return True
        if isinstance(error, AttributeError) and type(error.obj) is Batch:
            return True  # an attribute of arrays that batches do not have
        error = error.__cause__ or error.__context__
    return False


def each(name: str, function: Callable[..., Any], level: Any, args: Any, kwargs: Any) -> Any:
    """The function of the arguments of each example in turn, the results put together again."""
    if not level.size:
        raise ValueError(
            f"{name} has no batched form, and there is no example to run it on (the batch has size 0)"
        )
    rows = [_run(name, function, row(args, i, level), row(kwargs, i, level)) for i in range(level.size)]
    fallbacks[name] += 1
    return _stacked(name, rows, level)


def _run(name: str, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """The function of one example, which may still be a batch of an older level."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        if (level := newest((args, kwargs))) is None:
            raise
        return in_turn(name, function, level, args, kwargs, error)


def in_turn(
    name: str, function: Callable[..., Any], level: Any, args: Any, kwargs: Any, error: Exception
) -> Any:
    """What to do where a function raised an error on batches: its error on a single example, or else `each`.

    An error of the user's (shapes that do not fit, say) shows up as for one example.  If there is none, and the error was
    a batch's, the function has no batched form.  Any other error is a real one.
    """
    if level.size:
        _run(name, function, row(args, 0, level), row(kwargs, 0, level))
    if not is_unbatched(error) and not isinstance(error, TypeError):
        raise error
    return each(name, function, level, args, kwargs)


def row(x: Any, i: int, level: Any) -> Any:
    """Example number i, in nested containers."""
    if type(x) is Batch and x.level is level:
        return x._array[i, ...]
    if isinstance(x, (tuple, list)):
        parts = [row(part, i, level) for part in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    if isinstance(x, dict):
        return {k: row(v, i, level) for k, v in x.items()}
    return x


def _stacked(name: str, rows: Sequence[Any], level: Any) -> Any:
    first = rows[0]
    if isinstance(first, (tuple, list)):
        parts = [_stacked(name, column, level) for column in zip(*rows, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)
    if first is None or isinstance(first, (str, type, np.dtype)):
        return first
    shapes = {np.shape(r) for r in rows}
    if len(shapes) > 1:
        raise Unbatched(
            f"{name} under vmap: the examples give results of different shapes, {' and '.join(map(str, sorted(shapes)))}, "
            "which do not fit into one array; use np.where, or call it outside of vmap"
        )
    return Batch(np.stack(rows), level)


def apply_rule(name: str, rule: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """The gradient rule of an op, on batches at once or else for one example after the other."""
    try:
        return rule(*args)
    except Exception as error:
        if (level := newest(args)) is None:
            raise
        return in_turn(f"gradient of {name}", rule, level, args, {}, error)


batch.parts["each"] = each
