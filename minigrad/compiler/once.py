"""Calls whose answers a program would repeat: of clocks, and of sources of random numbers that nobody has seeded.

What they give never goes through a traced array.  So they are looked for in the code of the user's functions; where there
are any, the run that is traced says which of these functions it enters.
"""

from __future__ import annotations

import datetime
import dis
import functools
import os
import random
import sys
import time
import types
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import graph
from .state import held

__all__ = ["answers_once"]

#: Another answer at each call, whatever they are given.
_MOVING = {
    time.time, time.time_ns, time.perf_counter, time.perf_counter_ns, time.monotonic, time.monotonic_ns, time.process_time,
    time.process_time_ns, os.urandom, uuid.uuid1, uuid.uuid4, datetime.datetime.now, datetime.datetime.today, datetime.date.today,
}  # fmt: skip
#: Other numbers from each one that is made without a seed.
_UNSEEDED = {np.random.default_rng, np.random.RandomState, np.random.SeedSequence, random.Random}


@contextmanager
def answers_once(functions: Iterable[Any]) -> Iterator[list[str]]:
    """While a function is traced: what it asks for that a program would repeat; known afterwards.

    Args:
        functions: all that it can reach; what else is among them is passed over.
    """
    own = [f for f in functions if isinstance(f, types.FunctionType) and not graph.is_library(f.__code__.co_filename)]
    known = {code: said for f in own for code in _codes(f.__code__) if (said := list(_questions(f, code)))}
    found: list[str] = []
    if not known or sys.getprofile() is not None:
        yield found
        return

    def note(frame: types.FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code in known:
            found.extend(known.pop(frame.f_code))

    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(None)


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """Code, and that of the functions that are made in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _questions(f: types.FunctionType, code: types.CodeType) -> Iterator[str]:
    """What code asks for, with its lines; its names are read as those of a function that holds it."""
    cells = dict(zip(f.__code__.co_freevars, f.__closure__ or (), strict=True))
    for line, (name, *attributes), has_no_arguments in _paths(code):
        x = held(cells[name]) if name in cells else f.__globals__.get(name)
        try:
            asked = functools.reduce(_attribute, attributes, x)
            if asked not in _MOVING and not (has_no_arguments and asked in _UNSEEDED):
                continue
        except (AttributeError, TypeError):  # TypeError: it cannot be looked up in a set
            continue
        instead = "draw with minigrad.random" if asked in _UNSEEDED else "ask outside, and give the answer as an argument"
        yield (
            f"{'.'.join((name, *attributes))}() at {graph.place_of(code.co_filename, line)} answers once, when the function is "
            f"traced, and the program repeats that answer: {instead}"
        )


def _attribute(x: Any, name: str) -> Any:
    """Of a module or a class; to ask another object might run its code."""
    if not isinstance(x, (types.ModuleType, type)):
        raise AttributeError(name)
    return getattr(x, name)


@functools.lru_cache(maxsize=1024)
def _paths(code: types.CodeType) -> list[tuple[int, list[str], bool]]:
    """The dotted names in code: their lines, and whether they are called without arguments."""
    found: list[tuple[int, list[str], bool]] = []
    path: list[str] = []
    for i in dis.get_instructions(code):
        if i.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF"):
            path = [i.argval]
        elif i.opname in ("LOAD_ATTR", "LOAD_METHOD") and path:
            path = [*path, i.argval]
        elif i.opname not in ("PUSH_NULL", "PRECALL") and path:
            line = i.positions.lineno if i.positions is not None else None
            found.append((line or code.co_firstlineno, path, i.opname == "CALL" and i.arg == 0))
            path = []
    return found
