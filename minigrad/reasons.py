"""Why an op failed, in words: what takes the place of NumPy's message where that does not teach.

Nothing here runs while all goes well: `minigrad.calling` asks when a forward has raised.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["missing_on_gpu", "mixes_devices", "reason"]

Shapes = Sequence[tuple[int, ...]]


def reason(op: str, error: Exception, values: Mapping[str, Any], shapes: Shapes) -> str:
    """What was wrong, without the name of the op in front.

    Args:
        op: the name of the op.
        values: its arguments by name.
        shapes: of its arrays, in order.
    """
    explain = _REASONS.get(op)
    about_shapes = isinstance(error, ValueError) and not isinstance(error, np.exceptions.AxisError)
    found = explain(values, shapes) if explain is not None and about_shapes else None
    return found or _plain(str(error).removeprefix(f"{op}: ").rstrip())


#: What NumPy and CuPy say where CuPy lacks something, and what that is.
_MISSING = (
    (r"no implementation found for '([\w.]+)' on types", "no {0}"),
    (r"operand type\(s\) all returned NotImplemented from __array_ufunc__\(<ufunc '(\w+)'>", "no numpy.{0}"),
    (r"Wrong type \((.*)\) of arguments for (?:cupyx?_)?(?:scipy_)?(?:special_)?(\w+)", "no {1} of {0}"),
    (r"`cupy_(\w+\.\w+)` is not supported yet", "no numpy.{0}"),
    (r"cupy\.([\w.]+).*unexpected keyword argument '(\w+)'", "no option {1!r} of {0}"),
    (r"(\w+)\(\) got an unexpected keyword argument '(\w+)'", "no option {1!r} of {0}"),
)


def missing_on_gpu(name: str, error: Exception) -> NotImplementedError | None:
    """The error for a function or an option that CuPy does not have; None where the error is another one.

    >>> print(missing_on_gpu("block", TypeError("no implementation found for 'numpy.block' on types that ...")))
    block: CuPy has no numpy.block, so this runs on the cpu only: move there with .cpu()
    """
    if ".cpu()" in str(error):  # it says so already
        return None
    for pattern, what in _MISSING:
        if found := re.search(pattern, str(error)):
            lack = what.format(*found.groups())
            return NotImplementedError(
                f"{name}: CuPy has {lack}, so this runs on the cpu only: move there with .cpu()"
            )
    if isinstance(error, NotImplementedError):
        return NotImplementedError(f"{name}: on a GPU {error}; move to the cpu with .cpu()")
    return None


#: What CuPy and NumPy say of an array of the other one, or of another GPU.
_MIXED = re.compile(
    r"ndarray|cupy|NumPy array is not allowed|returned NotImplemented|no implementation found|current device", re.IGNORECASE
)


def mixes_devices(error: Exception) -> bool:
    """Whether an error may be one of arrays on several devices.

    >>> mixes_devices(TypeError("Unsupported type <class 'numpy.ndarray'>")), mixes_devices(TypeError("a bad axis"))
    (True, False)
    """
    return isinstance(error, (TypeError, ValueError, AttributeError)) and bool(_MIXED.search(str(error)))


def _plain(text: str) -> str:
    """NumPy's message without the words of its own machinery."""
    if core := re.search(
        r"mismatch in its core dimension.*size (\d+) is different from (\d+)", text
    ):
        return f"in a product of matrices axes of lengths {core[2]} and {core[1]} would be summed over together"
    return re.sub(r"remapped shapes \[original->remapped\]: ", "shapes ", text)


def _linear(values: Mapping[str, Any], shapes: Shapes) -> str | None:
    """What does not fit in x W^T + b."""
    x, weight = shapes[:2]
    if not x or len(weight) != 2:
        return f"expected x (..., in) and weight (out, in), got {x} and {weight}"
    if x[-1] != weight[1]:
        return f"x of shape {x} has {x[-1]} features, a weight of shape {weight} takes {weight[1]}"
    if len(shapes) > 2 and shapes[2] != weight[:1]:
        return (
            f"a bias of shape {shapes[2]} does not fit a weight of shape {weight}: ({weight[0]},)"
        )
    return None


def _matmul(values: Mapping[str, Any], shapes: Shapes) -> str | None:
    """Which axes of a product do not fit."""
    x, y = shapes
    if not x or not y:
        which = "x" if not x else "y"
        return f"{which} is a single number, and a matrix product has none: write x * y"
    inner, place = y[0] if len(y) == 1 else y[-2], "only" if len(y) == 1 else "second to last"
    if x[-1] != inner:
        text = (
            f"the shapes {x} and {y} do not fit: the last axis of x has length {x[-1]}, "
            f"the {place} axis of y has length {inner}, and they must be equal"
        )
        if len(y) > 1 and x[-1] == y[-1]:
            return text + "; x @ y.mT would fit"
        if len(x) > 1 and x[-2] == inner:
            return text + "; x.mT @ y would fit"
        return text
    if not _broadcast(x[:-2], y[:-2]):
        return (
            f"the axes {x[:-2]} and {y[:-2]} before the matrices, of {x} and {y}, do not broadcast"
        )
    return None


def _einsum(values: Mapping[str, Any], shapes: Shapes) -> str | None:
    """Which letter stands for two lengths."""
    subscripts = values.get("subscripts")
    if not isinstance(subscripts, str) or "." in subscripts:
        return None
    terms = subscripts.replace(" ", "").partition("->")[0].split(",")
    if len(terms) != len(shapes):
        return f"{subscripts!r} names {len(terms)} arrays, it was given {len(shapes)}"
    lengths: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        if len(term) != len(shape):
            return f"{term!r} in {subscripts!r} names {len(term)} axes, its array has shape {shape}"
        for letter, length in zip(term, shape, strict=True):
            if lengths.setdefault(letter, length) != length:
                both = f"{lengths[letter]} and {length}"
                return f"{letter!r} in {subscripts!r} stands for axes of lengths {both}"
    return None


def _broadcast_to(values: Mapping[str, Any], shapes: Shapes) -> str:
    wanted = values.get("shape")
    return (
        f"{shapes[0]} does not broadcast to {wanted}: compared from the last axis on, "
        "each length must be the same, or 1, or missing"
    )


def _squeeze(values: Mapping[str, Any], shapes: Shapes) -> str:
    axis = values.get("axis")
    return f"axis {axis} of shape {shapes[0]} is not of length 1, so it cannot be left out"


def _transpose(values: Mapping[str, Any], shapes: Shapes) -> str | None:
    """Two axes, as PyTorch's `transpose` takes them, of an array that has more."""
    axes, shape = values.get("axes"), shapes[0]
    if not isinstance(axes, (tuple, list)) or len(axes) == len(shape):
        return None
    text = (
        f"{tuple(axes)} names {len(axes)} axes, {shape} has {len(shape)}: give the new order of all"
    )
    return text + f", or np.swapaxes(x, {axes[0]}, {axes[1]})" if len(axes) == 2 else text


def _broadcast(*shapes: tuple[int, ...]) -> bool:
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True


#: By the names of the ops; an explanation is None where the op failed for another reason.
_REASONS: dict[str, Callable[[Mapping[str, Any], Shapes], str | None]] = {
    "matmul": _matmul,
    "einsum": _einsum,
    "linear": _linear,
    "broadcast_to": _broadcast_to,
    "squeeze": _squeeze,
    "transpose": _transpose,
}
