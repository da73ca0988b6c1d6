"""What has no batched form: run for one example after the other, and counted.

`fallbacks` counts by name what went this way; `reasons` says why it does, and the reference lists these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..later import recorder_of
from ..trees import flatten, sequence_like
from .batch import Batch, Unbatched, fallbacks, newest

__all__ = ["apply_rule", "each", "in_turn", "is_unbatched", "reasons", "rescued", "runs_in_turn"]

_LENGTH = "the length of its result depends on the values"
_ONE_ARRAY = "NumPy's function of one array"
#: Why something runs for one example after the other, by the name that `fallbacks` counts.  Here stand NumPy's functions
#: without a rule, or those for which the rules beside this file leave a case out; ops add themselves by `runs_in_turn`.
reasons: dict[str, str] = {
    **dict.fromkeys(
        ("argwhere", "flatnonzero", "intersect1d", "nonzero", "setdiff1d", "setxor1d", "union1d", "unique", "unique_all",
         "unique_counts", "unique_inverse", "unique_values"),
        _LENGTH,
    ),
    **dict.fromkeys(
        ("allclose", "array_equal", "array_equiv", "bincount", "diag_indices_from", "digitize", "histogram",
         "histogram_bin_edges", "histogramdd", "isin", "ix_", "lexsort", "packbits", "ravel_multi_index",
         "tril_indices_from", "triu_indices_from", "unpackbits", "unravel_index"),
        _ONE_ARRAY,
    ),
    "delete": "at indices of each example's own",
    "getitem": "x[mask] with a mask of each example's own: " + _LENGTH,
    "repeat": "a number of times of each example's own: " + _LENGTH,
    "roll": "by a shift of each example's own",
    "scatter_add": "the gradient of x[mask] with a mask of each example's own",
    "searchsorted": "with a sorter",
    "tril": "of a vector, or a diagonal of each example's own",
    "triu": "of a vector, or a diagonal of each example's own",
}  # fmt: skip


def runs_in_turn(reason: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function, which stays as it is, as one that runs for one example after the other."""

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        reasons[function.__name__.removeprefix("_")] = reason
        return function

    return mark


def is_unbatched(error: BaseException | None) -> bool:
    """Whether an error comes from a batch, be it by way of a message of NumPy's own."""
    while error is not None:
        if isinstance(error, Unbatched):
            return True
        if isinstance(error, AttributeError) and type(error.obj) is Batch:
            return True  # an attribute of arrays that batches do not have
        error = error.__cause__ or error.__context__
    return False


def each(
    name: str, function: Callable[..., Any], level: Any, args: Any, kwargs: Any, done: Sequence[Any] = ()
) -> Any:
    """The function of the arguments of each example in turn, the results put together again.

    Args:
        done: the results of the first examples, where they are known.
    """
    if not level.size:
        raise ValueError(
            f"{name} has no batched form, and there is no example to run it on (the batch has size 0)"
        )
    rest = range(len(done), level.size)
    rows = [*done, *(_run(name, function, row(args, i, level), row(kwargs, i, level)) for i in rest)]
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
    done = []
    if level.size:
        done = [_run(name, function, row(args, 0, level), row(kwargs, 0, level))]
    if not is_unbatched(error) and not isinstance(error, TypeError):
        raise error
    return each(name, function, level, args, kwargs, done)


def row(x: Any, i: int, level: Any) -> Any:
    """Example number i, in nested containers."""
    if type(x) is Batch and x.level is level:
        return x._array[i, ...]
    if isinstance(x, (tuple, list)):
        return sequence_like(x, [row(part, i, level) for part in x])
    if isinstance(x, dict):
        return {k: row(v, i, level) for k, v in x.items()}
    return x


def _stacked(name: str, rows: Sequence[Any], level: Any) -> Any:
    first = rows[0]
    if isinstance(first, (tuple, list)):
        columns = zip(*rows, strict=True)
        return sequence_like(first, [_stacked(name, column, level) for column in columns])
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
        return rescued(name, rule, args, error)


def rescued(name: str, rule: Callable[..., Any], args: tuple[Any, ...], error: Exception) -> Any:
    """What to do where a gradient rule raised an error: run it for each example, if a batch is the reason."""
    try:
        if (recorder := recorder_of(*flatten(args))) is not None:
            return recorder.opaque(rule, args, {})
        if (level := newest(args)) is None:
            raise error
        return in_turn(f"gradient of {name}", rule, level, args, {}, error)
    finally:
        del error  # which holds this frame, and that all arrays


Batch.each = staticmethod(each)
