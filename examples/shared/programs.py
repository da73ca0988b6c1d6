"""Small programs in Python, each with what it prints."""

from __future__ import annotations

import re
import zlib

import numpy as np

CHARACTERS = "0123456789+-*=<>:;() abcdefijlnoprstx"
#: What the last operation of a program is; "variable" is a sum or difference with one.
KINDS = ("sum", "choice", "variable", "for-loop")


def program(rng: np.random.Generator, digits: int, nesting: int) -> tuple[str, str, str]:
    """A program, what it prints, and the kind of its last operation."""
    lines: list[str] = []
    text = str(value := int(rng.integers(10**digits)))
    for _ in range(rng.integers(1, nesting + 1)):
        kind, (a, b) = int(rng.integers(4)), rng.integers(10**digits, size=2).tolist()
        name = str(rng.choice(list("abcdefij")))
        sign = int(rng.choice([1, -1])) if kind in (0, 2) else 0
        if kind == 0:
            text, value = f"({text}{'-+'[sign > 0]}{a})", value + sign * a
        elif kind == 1:
            text, value = f"({text} if {a}<{b} else {a})", value if a < b else a
        elif kind == 2:
            lines.append(f"{name}={text}")
            text, value = f"({name}{'-+'[sign > 0]}{a})", value + sign * a
        else:
            turns = int(rng.integers(2, 5))
            lines += [f"{name}={text}", f"for x in range({turns}):{name}+={a}"]
            text, value = name, value + turns * a
    return "\n".join([*lines, f"print({text})"]), str(value), str(kind)


def programs(count: int, rng: np.random.Generator, digits: int, nesting: int, test: bool) -> list[tuple[str, str, str]]:
    """Programs of the test, all different, or of training: which they are depends on their text alone."""
    found: list[tuple[str, str, str]] = []
    known: set[str] = set()
    for _ in range(40 * count):  # short programs are few: the test then has all of them
        if len(found) == count:
            break
        text, output, kind = program(rng, digits, nesting)
        renamed = re.sub(r"\b[a-j]\b", "v", text)  # whatever a variable's name
        if (zlib.crc32(renamed.encode()) % 8 == 0) == test and renamed not in known:
            found.append((text, output, kind))
            known |= {renamed} if test else set()
    return found
