"""What to write instead: names and options of PyTorch and NumPy that minigrad spells otherwise.

Nothing here runs while all goes well.  A name that is missing is looked up by `missing` (the
`__getattr__` of modules) and by `Absent` (attributes of Tensor); an option by `wrong_option`.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from types import FrameType
from typing import Any, ParamSpec, TypeVar

import numpy as np

from .spellings import INSTEAD, METHODS, NO_OPTIONS, OPTIONS, SOLVERS

__all__ = [
    "Absent",
    "OtherNames",
    "check_dtype",
    "check_options",
    "explain_options",
    "missing",
    "scipys_call",
    "wrong_option",
]

P = ParamSpec("P")
Out = TypeVar("Out")


class Absent:
    """An attribute that Tensor has not, and what to write for it: reading it is an AttributeError.

    A `__getattr__` of Tensor would do the same, but slow down every look-up of an attribute.
    """

    def __init__(self, name: str, instead: str) -> None:
        self.name, self.instead = name, instead

    def __get__(self, instance: Any, owner: type) -> Any:
        message = f"{owner.__name__} has no attribute {self.name!r}: write {self.instead}"
        raise AttributeError(message, name=self.name, obj=owner if instance is None else instance)

    def __repr__(self) -> str:
        return f"write {self.instead}"


class OtherNames:
    """The base of Tensor: names that users of PyTorch and NumPy type, with what to write.

    >>> Tensor([1.0]).unsqueeze(0)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    AttributeError: Tensor has no attribute 'unsqueeze': write np.expand_dims(x, axis), or x[None]...
    """

    __slots__ = ()

    def __dir__(self) -> list[str]:
        absent = {name for name, value in vars(OtherNames).items() if isinstance(value, Absent)}
        own = [cls for cls in type(self).__mro__ if cls not in (OtherNames, object)]
        shadowed = {name for cls in own for name in vars(cls)}
        return [name for name in object.__dir__(self) if name not in absent or name in shadowed]


for _name, _instead in {**METHODS, **INSTEAD}.items():
    setattr(OtherNames, _name, Absent(_name, _instead))


def missing(
    module: str, name: str, known: Iterable[str], *tables: dict[str, str]
) -> AttributeError:
    """The error of a module that lacks a name: with what to write for it, or names like it."""
    message = f"module {module!r} has no attribute {name!r}"
    if name.startswith("__"):  # Python asks for these itself
        return AttributeError(message)
    instead = next((table[name] for table in tables if name in table), None)
    if instead is not None:
        message += f": write {instead}"
    elif module == "minigrad" and hasattr(np, name):
        message += f": write np.{name}, NumPy's own"
    elif near := _near(name, known):
        message += f": did you mean {', '.join(near)}?"
    return AttributeError(message)


def _near(name: str, known: Iterable[str]) -> list[str]:
    """Names that begin with this one, or are written much like it, in capitals or not."""
    names = {n.lower(): n for n in reversed(list(known)) if not n.startswith("_")}
    close = get_close_matches(name.lower(), names, n=3, cutoff=0.75)
    longer = [n for n in names if n.startswith(name.lower()) and len(name) > 2]
    return [names[n] for n in dict.fromkeys([*longer[:3], *close])]


# ------------------------------------------------------------------------------------- SciPy


def scipys_call() -> str | None:
    """What to write for the function of SciPy that is being called; None where none is.

    A method of a distribution is known by the distribution that it belongs to.
    """
    frame: FrameType | None = sys._getframe(1)
    found = None
    while frame is not None:
        parts = frame.f_globals.get("__name__", "").split(".")
        wrapped = frame.f_locals.get("f")  # so SciPy's own wrappers call the function that they are for
        if parts[0] == "scipy" and parts[1].startswith("_"):
            place = getattr(wrapped, "__module__", "").split(".")
            if place[0] == "scipy":
                found = f"{place[1]}.{wrapped.__name__}"  # type: ignore[union-attr]
        elif parts[0] == "scipy":
            owner = getattr(frame.f_locals.get("self"), "name", "")
            dotted = f"{owner}." if isinstance(owner, str) and parts[1:2] == ["stats"] and owner else ""
            name = frame.f_code.co_name
            if name == "__init__":
                name = type(frame.f_locals.get("self")).__name__
            if not name.startswith(("_", "<")):
                found = f"{parts[1]}.{dotted}{name}"  # the outermost comes last
        elif parts[0] not in ("minigrad", "numpy"):
            break
        frame = frame.f_back
    if found is None:
        return None
    home, _, path = found.partition(".")
    if home == "integrate" and path in SOLVERS:
        return f"write {SOLVERS[path]} for scipy.{found}"
    if home == "optimize":
        return "write minigrad.scipy.optimize.implicit_root(f, x0, args): the solution depends on args"
    ours = sys.modules.get(f"minigrad.scipy.{home}")
    for name in path.split("."):
        ours = getattr(ours, name, None) if ours is not None else None
    if ours is None:
        return f"minigrad has none of scipy.{found}: write it with functions that it has"
    return f"write minigrad.scipy.{found}(...), which is differentiable"


# ------------------------------------------------------------------------------------- dtypes


def check_dtype(dtype: Any) -> None:
    """An error that teaches where something is no dtype.

    >>> check_dtype("flaot32")
    Traceback (most recent call last):
    TypeError: unknown dtype 'flaot32': write float32, "float64", np.int64 ...
    """
    try:
        np.dtype(dtype)
    except TypeError as error:
        if isinstance(dtype, (int, float, tuple)):
            raise TypeError(
                f"{dtype!r} stands in the place of a dtype: a shape and several axes are tuples, "
                "zeros((2, 3)) and x.sum((0, 1)), and keepdims=True is given by its name"
            ) from error
        name = str(dtype).removeprefix("torch.")
        if name in _NOT_NUMPYS:
            raise TypeError(f"NumPy has no dtype {name!r}: write {_NOT_NUMPYS[name]}") from error
        names = [
            n for n in np.sctypeDict if isinstance(n, str) and (n[-1].isdigit() or n == "bool")
        ]
        near = get_close_matches(name, names, n=1)
        first = f"{near[0]}, " if near else ""
        raise TypeError(f'unknown dtype {name!r}: write {first}"float64", np.int64 ...') from error


_NOT_NUMPYS = {"bfloat16": "float32 or float16", "int4": "int8", "float8_e4m3fn": "float16"}


# ------------------------------------------------------------------------------------ options


def wrong_option(function: Any, name: str, called: str = "") -> TypeError:
    """The error of a function that has no option of that name: what to write, and what it takes.

    Args:
        called: the name under which it was called, if that is not its own.
    """
    known = [n for n in inspect.signature(function).parameters if n != "self"]
    called = called or getattr(function, "__qualname__", function.__name__).removesuffix(".__init__").lstrip("_")
    instead = OPTIONS.get(name, "")
    if instead.partition("=")[0] not in known:
        near = get_close_matches(name, known, n=1)
        instead = f"{near[0]}=" if near else NO_OPTIONS.get(name, "")
    hint = f"write {instead}; " if instead else ""
    return TypeError(
        f"{called}() got an unexpected keyword argument {name!r}: {hint}it takes {', '.join(known)}"
    )


def check_options(function: Callable[..., Any], given: Iterable[str], called: str = "") -> None:
    """An error that teaches where a function was given an option that it has no parameter for."""
    parameters = inspect.signature(function).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    if unknown := next((n for n in given if n not in parameters), None):
        raise wrong_option(function, unknown, called) from None


def explain_options(function: Callable[P, Out]) -> Callable[P, Out]:
    """A function whose error for an option that it has not says what to write instead.

    >>> @explain_options
    ... def total(x, axis=None):
    ...     return np.sum(x, axis)
    >>> total(np.ones(2), dim=0)
    Traceback (most recent call last):
    TypeError: total() got an unexpected keyword argument 'dim': write axis=; it takes x, axis
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Out:
        try:
            return function(*args, **kwargs)
        except TypeError:
            heir = type(args[0]) if function.__name__ == "__init__" else None  # which may have its __init__ from above
            check_options(function, kwargs, heir.__name__ if heir and heir.__init__ is call else "")
            raise

    return call
