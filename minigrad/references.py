"""Who else holds an object, told by the number of its references.

`sys.getrefcount(x)` counts the names and containers that hold x, and what the interpreter needs for the call.
How much that is depends on the version of Python, which may leave some of its own references out, so it is
measured here, once, in the places where a count is taken:

    getrefcount(x) == OURS                in a function, of its argument
    getrefcount(holder.x) == HELD         of an attribute, or of an item of a dict or a list
    getrefcount(x) == TAKEN               of a variable, after x = holder[0]

The calls must be written like this: a variable more, or a function between, is one reference more.
"""

from __future__ import annotations

from sys import getrefcount

__all__ = ["HELD", "OURS", "TAKEN"]


def _of_an_argument(x: object) -> int:
    return getrefcount(x)


def _measured() -> tuple[int, int]:
    x, held = object(), {"x": object()}
    return _of_an_argument(x), getrefcount(held["x"])


def _of_an_item() -> int:
    held = [object()]
    x = held[0]
    return getrefcount(x)


#: How many references an object has that only a caller, in one variable, and its callee know; and one that a
#: single other object holds.
OURS, HELD = _measured()
TAKEN = _of_an_item()
