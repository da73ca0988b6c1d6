"""What to write in place of code that asks for the numbers of a traced array.

One sentence for the case at hand: it is known from the source text of the call, `max(a, b)` or `if x > 0:`, and where there
is no source, from what the array itself was asked for.
"""

from __future__ import annotations

import dis
import linecache
import re
from types import FrameType

import numpy as np

from .. import graph

__all__ = ["refusal"]

#: Functions of `math` that have another name in NumPy.
_RENAMED = {
    "acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan", "atan2": "arctan2",
    "atanh": "arctanh", "dist": "linalg.norm", "erf": "", "fsum": "sum", "gamma": "", "pow": "power",
}  # fmt: skip
#: What the source text of a call begins with, and what is said of it.
_CALLS = (
    (r"(max|min)\(", "{0}() compares numbers: write np.{0}imum(a, b), or np.{0}(x)"),
    (r"(any|all)\(", "{0}() asks whether numbers are true: write np.{0}(x)"),
    (r"sorted\(", "sorted() compares numbers: write np.sort(x)"),
    (r"range\(", "range() needs to know how many steps there are: give that as an argument, an int"),
    (r"(?:np|numpy)\.full\(", "np.full takes a number: write np.ones(n) * x"),
    (r"(?:np|numpy)\.(zeros|ones|empty|arange|eye)\(", "np.{0} needs to know the size: give it as an argument, an int"),
    (r"(?:np|numpy)\.vectorize\(", "np.vectorize takes one number after the other: write the function for whole arrays"),
    (r"(?:np|numpy)\.([rc]_|fromiter)\b",
     "np.{0} makes an array of NumPy's own: write np.concatenate or np.stack"),
    (r"(?:np|numpy)\.(?:as)?array\(",
     "np.array makes an array of NumPy's own: write np.stack([a, b]) for several, and x itself, or x.copy(), for one"),
    (r"(?:np|numpy)\.(float\w*|int\w*)\(", "np.{0}() makes a number of NumPy's own: write x.astype(np.{0})"),
    (r"(?:\w+\.)?Tensor\(\[", "Tensor() of a list makes an array of NumPy's own: write np.stack([a, b])"),
    (r"float\(", "float() needs the number: leave it out, since an array without axes is a number, or return the array and call "
     "float() outside"),
    (r"(int|round|complex)\(", "{0}() needs the number: write x.astype(int), np.floor or np.round, or return the array"),
    (r"bool\(", "bool() needs the number: write np.where(condition, a, b)"),
    (r"(print|str|repr|format)\(", "{0}() would show the numbers of this call for good: return the array, and show it outside"),
    (r".*\w\s*[-+*/@%&|]=", "an array of NumPy's own cannot hold traced numbers: write y = y + x"),
    (r".*\.(item|tolist|tobytes|numpy|__array__)\(", ".{0}() gives the numbers: return the array, and call .{0}() outside"),
)  # fmt: skip
#: What an array is asked for, where no call is known.
_ASKED = {
    "__bool__": "an `if`, `and`, `not` or bool() would go one way for good: write np.where(condition, a, b), or np.minimum, "
    "np.maximum and np.clip; or return the value and look at it outside",
    "__index__": "an index into a list, or a number of steps, would be fixed: write np.stack(values)[i], or give it as an "
    "argument",
    "__float__": "a function that takes a number would fix it: write it in NumPy, or return the array and call that outside",
    "__array__": "this takes arrays of NumPy's own alone: write it in NumPy, or call it outside of the compiled function",
    "text": "text would show the numbers of this call for good: return the array, and print it outside",
}
_ASKED |= {"__int__": _ASKED["__index__"], "__format__": _ASKED["text"]}


def refusal(asked: str, of_scalar: bool = False) -> str:
    """The message for code that asks an array of a trace for its numbers.

    Args:
        asked: the method that was called: "__bool__", "__float__", "item", "text" ...
        of_scalar: whether the array follows from NumPy's scalars among the arguments alone.
    """
    frame = graph.user_frame()
    advice = _advice(asked, frame) if frame is not None else _ASKED.get(asked, _ASKED["__float__"])
    if of_scalar:
        advice = "an argument is a number of NumPy's, which is an array without axes: give float(k), whose value may be asked for"
    return f"{advice}. compile traces this function, so its numbers are not known yet, at {graph.user_line()}"


def _advice(asked: str, frame: FrameType) -> str:
    line, text = _source(frame)
    if line.startswith("assert") and asked == "__bool__":
        return "an assert would look at this call alone: return the condition, and assert it outside"
    if line.startswith("while") and asked == "__bool__":
        return (
            "a loop that an array ends has no known number of steps: write minigrad.fori with the most that it may take, and "
            "np.where in its body"
        )
    if dis.opname[frame.f_code.co_code[frame.f_lasti]] == "STORE_SUBSCR":
        return "an array of NumPy's own cannot hold traced numbers: make it of np.stack, or np.zeros_like(x, shape=n)"
    if found := re.match(r"math\.(\w+)\(", text):
        name = _RENAMED.get(found[1], found[1])
        instead = f"np.{name}" if name and hasattr(np, name.partition(".")[0]) else "a function of NumPy's or scipy.special's"
        return f"math.{found[1]} takes a number: write {instead}"
    for pattern, words in _CALLS:
        if found := re.match(pattern, text):
            return words.format(found[found.lastindex or 0].rstrip("("))
    return _ASKED.get(asked, _ASKED["__float__"])


def _source(frame: FrameType) -> tuple[str, str]:
    """The line that runs, and the part of it that is the call, subscript or condition."""
    places = list(frame.f_code.co_positions())
    line, end_line, start, end = places[frame.f_lasti // 2]
    if line is None or start is None:
        return "", ""
    whole = linecache.getline(frame.f_code.co_filename, line)
    part = whole.encode()[start : end if end_line == line else None]
    return whole.strip(), part.decode(errors="ignore").strip()
