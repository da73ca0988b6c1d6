"""What a compiled kernel takes, declared beside it: what does not fit never reaches native code.

Native code does not look where it reads and writes.  So each way that calls a kernel says which arrays it takes, and
one function is made of that, which looks at types, dtypes, shapes and memory before (attributes alone, under a
microsecond).  What does not fit gives NotImplemented: the NumPy code runs then, and its answer, or its error, is the
one that counts.  Of kernels for a GPU the same holds: device="cuda".
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from . import is_cupy

__all__ = ["takes"]

F = TypeVar("F", bound=Callable[..., Any])

#: Bits of `flags.num` that every array must have, and those of arrays in one piece, and of arrays that are written.
_ALIGNED, _CONTIGUOUS, _WRITEABLE = 0x100, 0x001, 0x400
#: What the words for dtypes ask of an array.
_DTYPES = {
    "float32": "{x}.dtype != float32",
    "integer": "{x}.dtype.kind not in 'iu'",
    "real": "{x}.dtype != {first}.dtype or {x}.dtype not in reals",
}
_FORM = re.compile(r"(?P<dtype>\w+) \((?P<axes>.*)\)(?P<words>( contiguous| written)*)(?P<optional> or None)?")

#: A name in an expression, but for attributes.
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*")


def takes(where: str = "True", device: str = "cpu", **arrays: str) -> Callable[[F], F]:
    """Declare the arrays that a way takes, by the names of its parameters; for other ones it gives NotImplemented.

    A declaration is a dtype, the axes in parentheses, and words.  Dtypes, in the machine's byte order, are "float32", "integer",
    and "real": float32 or float64, that of the first array.


    - an axis is a name, whose length is that of its first use; or an expression of such names and of parameters
      ("4 * hidden", "*window.shape"); "..." stands for any axes, the same ones in all arrays, called `lead` in `where`;
    - "contiguous": in C order, without gaps;
    - "written": contiguous and writeable, and no other array of the declaration shares its memory;
    - "or None": the argument may be None.

    All arrays are NumPy's own (no subclass) and aligned; with device="cuda" CuPy's, all on one device, in any layout.

    Args:
        where: an expression of the axes and parameters that must be true.
        device: "cpu", or "cuda" for arrays of CuPy's.

    >>> @takes(x="float32 (..., n)", weight="float32 (n) or None")
    ... def scaled(x, weight=None):
    ...     return x if weight is None else x * weight
    >>> scaled(np.ones((1, 2), np.float32), np.ones(2, np.float32))
    array([[1., 1.]], dtype=float32)
    >>> scaled(np.ones((1, 2), np.float32), np.ones(3, np.float32))
    NotImplemented
    """

    def decorate(way: F) -> F:
        fits = _predicate(way, arrays, where, device == "cuda")

        @functools.wraps(way)
        def call(*args: Any, **kwargs: Any) -> Any:
            return way(*args, **kwargs) if fits(*args, **kwargs) else NotImplemented

        call.takes = arrays  # type: ignore[attr-defined]
        return call  # type: ignore[return-value]

    return decorate


def _predicate(way: Callable[..., Any], arrays: dict[str, str], where: str, cuda: bool) -> Callable[..., bool]:
    """A function with the parameters of a way: whether its arguments are as declared."""
    parameters = list(inspect.signature(way).parameters.values())
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
    known = {p.name for p in parameters}
    lines, written = [f"def fits{inspect.Signature(bare)}:"], []
    for name, text in arrays.items():
        form = _FORM.fullmatch(text)
        if form is None or form["dtype"] not in _DTYPES or name not in known or (cuda and form["words"]):
            raise ValueError(f"{way.__name__} cannot take {name}={text!r}: see minigrad.kernels.signature.takes")
        look = _gpu_tests if cuda else _memory_tests
        tests = [*look(name, form, next(iter(arrays))), *_shape_tests(name, form["axes"], known)]
        margin = "    "
        if form["optional"]:
            lines.append(f"    if {name} is not None:")
            margin = "        "
        lines += [margin + line for line in tests]
        if " written" in form["words"]:
            written.append(name)
    lines += [f"    {line}" for line in _overlap_tests(written, list(arrays))]
    lines.append(f"    return {where}")
    scope = {
        "ndarray": np.ndarray, "float32": np.dtype(np.float32), "share": np.may_share_memory, "owner": _owner,
        "is_cupy": is_cupy, "reals": (np.dtype(np.float32), np.dtype(np.float64)),
    }  # fmt: skip
    exec("\n".join(lines), scope)  # of the declarations in our own source
    return scope["fits"]  # type: ignore[return-value]


def _memory_tests(x: str, form: re.Match[str], first: str) -> list[str]:
    """That x is an array of the dtype, and lies in memory as it must."""
    needed = _ALIGNED
    if form["words"]:
        needed |= _CONTIGUOUS
    if " written" in form["words"]:
        needed |= _WRITEABLE
    dtype = _DTYPES[form["dtype"]].format(x=x, first=first)
    return [f"if type({x}) is not ndarray or {dtype} or {x}.flags.num & {needed} != {needed}: return False"]


def _gpu_tests(x: str, form: re.Match[str], first: str) -> list[str]:
    """That x is an array of the dtype on the device of the first one."""
    dtype = _DTYPES[form["dtype"]].format(x=x, first=first)
    return [f"if not is_cupy({x}) or {dtype} or {x}.device.id != {first}.device.id: return False"]


def _shape_tests(x: str, axes: str, known: set[str]) -> list[str]:
    """That x has the declared axes; names that are new, also "...", get their lengths here."""
    parts = [part.strip() for part in axes.split(",") if part.strip()]
    wanted = "(" + "".join(f"{'*lead' if part == '...' else part}, " for part in parts) + ")"
    new = [part for part in parts if (part.isidentifier() or part == "...") and part not in known]
    known.update(new)
    if unknown := {name for part in parts for name in _NAME.findall(part)} - known:
        raise ValueError(f"{x} ({axes}): {', '.join(unknown)} must be an axis of an array that is declared before")
    if not new:
        return [f"if {x}.shape != {wanted}: return False"]
    middle = parts.index("...") if "..." in parts else len(parts)
    front, back = parts[:middle], parts[middle + 1 :]
    behind = " + ".join(f"len({part[1:]})" if part.startswith("*") else "1" for part in back) or "0"
    lines = [f"_shape = {x}.shape", f"if len(_shape) < {sum(not p.startswith('*') for p in front)} + {behind}: return False"]
    for part in new:
        if part == "...":
            lines.append(f"lead = _shape[{len(front)} : len(_shape) - ({behind})]")
        elif part in front:
            lines.append(f"{part} = _shape[{front.index(part)}]")
        else:
            lines.append(f"{part} = _shape[{back.index(part) - len(back)}]")
    return [*lines, f"if _shape != {wanted}: return False"]


def _overlap_tests(written: list[str], arrays: list[str]) -> list[str]:
    """That no written array shares memory with another one; arrays of different owners need no look at addresses."""
    pairs = [(w, x) for i, w in enumerate(written) for x in [*written[i + 1 :], *(a for a in arrays if a not in written)]]
    if not pairs:
        return []
    owners = [f"{x}_owner = {x} if {x}.base is None else owner({x})" for x in arrays]
    foreign = " or ".join(f"{x}_owner is None" for x in arrays)
    anywhere = " or ".join(f"share({w}, {x})" for w, x in pairs)
    same = " or ".join(f"{w}_owner is {x}_owner and share({w}, {x})" for w, x in pairs)
    return [*owners, f"if ({anywhere}) if {foreign} else ({same}): return False"]


def _owner(view: Any) -> Any:
    """The array that owns the memory of a view; None where that is another library's."""
    base = view.base
    return base if type(base) is np.ndarray and base.base is None else None
