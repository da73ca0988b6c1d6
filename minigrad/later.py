"""When a program waits for its GPU.

A GPU works through its tasks while Python goes on.  To look at a number there, Python must wait until all
tasks are done (a *synchronisation*), and the GPU then waits for new ones.  So what can be looked at later
is looked at together, in one copy, when the program waits anyway:

- the conditions of `check_later`, that indices are in range, say;
- whether a backward pass gave finite numbers (`minigrad.trial`);
- the loss, whose number is kept for a later `item()`.

NumPy's arrays are looked at straight away.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from sys import getrefcount
from typing import Any

import numpy as np

from . import graph
from .devices import on_gpu_of
from .references import HELD

__all__ = [
    "Condition", "check_later", "forget", "in_range", "is_on_gpu", "known", "number", "perhaps_any", "read",
    "refuse_later", "remember", "settle", "surely_all", "waiting",
    "was_found_late",
]  # fmt: skip

#: So many checks may wait.  The next one makes the program wait for the GPU.
LIMIT = 256
#: Arrays of more bytes than these are copied on their own.
_SMALL = 1024


def is_on_gpu(x: Any) -> bool:
    """Whether x is an array on a GPU: it has a device, and `get()`.  A batch of `vmap` is none, since it has no one value,
    nor is a row-sparse array, which has two."""
    if isinstance(x, (np.ndarray, np.generic)) or not hasattr(x, "get") or hasattr(x, "dense"):
        return False
    return getattr(x, "device", "cpu") != "cpu"


def recorder_of(*arrays: Any) -> Any:
    """What writes down the calls of traced arrays (`minigrad.arrays.traced`), if there is one among these; else None."""
    return next((r for x in arrays if (r := getattr(x, "recorder", None)) is not None), None)


def is_unread(x: Any) -> bool:
    """Whether an array cannot be looked at now: it is on a GPU, or traced."""
    return is_on_gpu(x) or recorder_of(x) is not None


# -------------------------------------------------------------------------------------- reading


def read(*arrays: Any) -> list[Any]:
    """Arrays as NumPy's: those of a GPU in one copy, together with all that waits to be checked.

    Raises:
        Exception: what a check raises that has failed.
    """
    if known and not _waiting:
        values = [_remembered(x) for x in arrays]
        if all(value is not None for value in values):
            return values
    checks = _due()
    try:
        found = _fetched([*arrays, *(x for check in checks for x in check.numbers)])
    except BaseException:  # an interruption, say
        with _lock:
            _waiting[:0] = checks
        raise
    if checks:
        _verify(checks, found[len(arrays) :])
    return found[: len(arrays)]


def waiting() -> int:
    """How many checks wait to be read."""
    return len(_waiting)


def settle() -> None:
    """Read what waits to be checked, if there is any."""
    if _waiting:
        read()


def _fetched(arrays: Sequence[Any]) -> list[Any]:
    """The arrays as NumPy's; small ones of one device, whatever their dtypes are, in one copy."""
    found = list(arrays)
    groups: dict[Any, list[int]] = {}
    for i, x in enumerate(arrays):
        if is_on_gpu(x):
            groups.setdefault(str(x.device) if x.nbytes <= _SMALL else i, []).append(i)
    for places in groups.values():
        if len(places) == 1:
            found[places[0]] = arrays[places[0]].get()
            continue
        with on_gpu_of(arrays[places[0]]):
            # np.ravel copies what is broadcast, whose elements are no bytes in a row
            joined: Any = np.concatenate([np.ravel(arrays[i]).view(np.uint8) for i in places])
        together, start = joined.get(), 0
        for i in places:
            x = arrays[i]
            part, start = together[start : start + x.nbytes], start + x.nbytes
            found[i] = part.copy().view(x.dtype).reshape(x.shape)
    return found


# --------------------------------------------------------------------------------------- checks


@dataclass(frozen=True, slots=True, eq=False)
class _Check:
    """A condition that waits: what raises if it does not hold, of which numbers, and who asked."""

    verify: Callable[..., None]
    numbers: tuple[Any, ...]
    file: str
    line: int


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """What must hold of some numbers, and the error where it does not: called with NumPy's numbers it raises that.

    A program in a page cannot raise; it reads the condition itself (`Recorder.guards_checks`).

    Args:
        holds: gets the numbers, traced ones too: joined by `&`, not by `and`.
        make_error: gets NumPy's numbers.
    """

    holds: Callable[..., Any]
    make_error: Callable[..., Exception]

    def __call__(self, *numbers: Any) -> None:
        if not self.holds(*numbers):
            raise self.make_error(*numbers)


def in_range(start: Any, stop: Any, make_error: Callable[[Any, Any], Exception]) -> Condition:
    """That numbers lie from `start` on and below `stop`, of the least and the largest of them."""
    return Condition(lambda least, most: (least >= start) & (most < stop), make_error)


_waiting: list[_Check] = []
_lock = threading.Lock()


def check_later(verify: Callable[..., None], *numbers: Any) -> None:
    """Call `verify(*numbers)`, which raises where something is wrong: at once, or for numbers on a GPU when they are read.

    To look at a number on a GPU takes time, so it is read when the program waits for the GPU anyway: at
    `item()`, `cpu()`, `print(x)`, at the end of a `backward()` that meets a mask; in whatever thread that is.
    Inside of `detect_anomaly()` it is read at once.

    Args:
        verify: a `Condition`, or what else raises; gets NumPy's numbers.  It must not hold large arrays, which would stay in
            memory until then.
        numbers: arrays of one element, such as the least and the largest index.

    >>> rows = in_range(0, 3, lambda low, high: IndexError(f"indices from {low} to {high}, but there are rows 0 to 2"))
    >>> indices = np.array([0, 3])
    >>> check_later(rows, indices.min(), indices.max())
    Traceback (most recent call last):
    IndexError: indices from 0 to 3, but there are rows 0 to 2
    """
    if (recorder := recorder_of(*numbers)) is not None:
        recorder.check(verify, numbers)
        return
    if not any(map(is_on_gpu, numbers)):
        verify(*numbers)
        return
    if graph.is_anomaly_enabled():
        verify(*_fetched(numbers))
        return
    frame = graph.user_frame()
    file, line = ("?", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)
    with _lock:
        _waiting.append(_Check(verify, numbers, file, line))
    if len(_waiting) > LIMIT:
        settle()


def refuse_later(bad: Any, make_error: Callable[..., Exception], *about: Callable[[], Any]) -> None:
    """Raise `make_error()` if one of many conditions holds: at once, or on a GPU as `check_later` does.

    Args:
        about: what `make_error` tells of.  Each gives a small array, at once on a GPU, and `make_error` gets them as
            NumPy's.  So it need not hold the large array that they are taken from, which may be written meanwhile.

    >>> refuse_later(np.array([0.5, 2.0]) > 1, lambda: ValueError("probabilities must not be larger than 1"))
    Traceback (most recent call last):
    ValueError: probabilities must not be larger than 1
    >>> x = np.array([0.5, 2.0])
    >>> refuse_later(x > 1, lambda largest: ValueError(f"{largest} is larger than 1"), lambda: x.max())
    Traceback (most recent call last):
    ValueError: 2.0 is larger than 1
    """
    if isinstance(bad, (np.ndarray, np.generic)):
        if bad.any():
            raise make_error(*(tell() for tell in about))
        return
    if not np.size(bad):
        return

    none = Condition(lambda found, *_: np.logical_not(found), lambda found, *told: make_error(*told))
    with on_gpu_of(bad):
        check_later(none, np.any(bad), *(tell() for tell in about))


def perhaps_any(conditions: Any) -> bool:
    """Whether one of many conditions may hold: on a GPU, where a look takes time, they may always.

    It is for work that changes nothing where none of them holds, and can be left out then.  A `where` changes
    gradients that are not finite: `minigrad.ops.select.overwritten` does not.

    >>> perhaps_any(np.array([False, False]))
    False
    """
    if _is_looked_at(conditions):
        return holds_for_any(conditions)
    return is_unread(conditions) or bool(np.any(conditions))


def holds_for_any(conditions: Any) -> bool:
    """Whether one of many conditions holds, where a program goes another way if it does.

    A traced array is looked at in this run; a compiled program is right only while the answer is the same.

    >>> holds_for_any(np.array([False, True]))
    True
    """
    found = np.any(conditions)
    recorder = recorder_of(found)
    return bool(found) if recorder is None else recorder.looked_at(found)


def surely_all(conditions: Any) -> bool:
    """Whether all of many conditions are known to hold: on a GPU, where a look takes time, they never are.

    It is for work that can be left out where all of them hold, and changes nothing then.

    >>> surely_all(np.array([True, True]))
    True
    """
    if _is_looked_at(conditions):
        return not holds_for_any(~conditions)
    return not is_unread(conditions) and bool(np.all(conditions))


def _is_looked_at(x: Any) -> bool:
    """Whether an array is traced for a program that is to go the same way as NumPy, and to hold while it does."""
    recorder = recorder_of(x)
    return recorder is not None and recorder.looks


def _due() -> list[_Check]:
    """What waits, whichever thread has asked: it may never read a number itself.  Each is given to one reader."""
    if not _waiting:
        return []
    with _lock:
        checks = list(_waiting)
        _waiting.clear()
    return checks


def _verify(checks: Sequence[_Check], numbers: Sequence[Any]) -> None:
    """Each check; the first error is raised, and tells of the others."""
    first: Exception | None = None
    start = 0
    for check in checks:
        mine, start = numbers[start : start + len(check.numbers)], start + len(check.numbers)
        try:
            check.verify(*mine)
        except Exception as error:
            asked = graph.place_of(check.file, check.line)
            if first is None:
                error.add_note(
                    f"it was asked for at {asked}, and is found late, since a GPU is only looked at when the program waits "
                    "for it anyway: inside of minigrad.detect_anomaly() nothing waits"
                )
                first = error
            else:
                first.add_note(f"as is this, asked for at {asked}: {type(error).__name__}: {error}")
    if first is not None:
        first._found_late = True  # type: ignore[attr-defined]
        raise first


def was_found_late(error: Exception) -> bool:
    """Whether a check has raised an error, which then is not of the op or the pass that it came up in."""
    return getattr(error, "_found_late", False)


# -------------------------------------------------------------------------- numbers that are known


@dataclass(frozen=True, slots=True)
class _Known:
    """What an array of one element held at a time."""

    array: weakref.ref[Any]
    time: int
    value: Any


#: By the id of the array.  It is empty, and need not be asked, where no GPU is used.
known: dict[int, _Known] = {}


def remember(tensor: Any, value: Any) -> None:
    """Keep the value of a tensor's array, until that is written or handed out.

    It is not kept where somebody else may write into the array: who holds it too, or what it is a view of.
    """
    if getrefcount(tensor._array) > HELD or tensor._array.base is not None:
        return
    array = tensor._array
    key = id(array)
    reference = weakref.ref(array, lambda _: known.pop(key, None))
    known[key] = _Known(reference, next(graph.clock), value)


def forget(array: Any) -> None:
    """Drop what is kept of an array, or of what it is a view of: whoever gets it may write into it."""
    known.pop(id(graph.owner(array)), None)


def _remembered(array: Any) -> Any:
    """A copy of what an array holds, if it is known."""
    entry = known.get(id(array))
    if entry is None or entry.array() is not array:
        return None
    if graph.written_since(array, entry.time):
        forget(array)
        return None
    return entry.value.copy()


def number(array: Any) -> Any:
    """The only element of an array as a Python number."""
    return read(array)[0].item() if is_on_gpu(array) else array.item()
