"""Write tests/stand_in/cupy.txt, the table of what CuPy has, from an installed CuPy.

Run it with a Python that has CuPy; no GPU is needed:

    python tools/cupy_table.py

Each line of the table is one function with its real signature, or one ufunc with the dtypes it knows
and the methods it has.  The stand-in for a GPU (tests/stand_in) holds every call against it.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import cupy
from cupy_backends.cuda import libs

OUT = Path(__file__).resolve().parent.parent / "tests" / "stand_in" / "cupy.txt"
PARTS = (
    "fft", "fftpack", "interpolate", "linalg", "ndimage", "signal", "sparse", "sparse.linalg", "spatial",
    "special", "stats",
)  # fmt: skip
MODULES = ["cupy", "cupy.linalg", "cupy.fft", "cupy.random", "cupyx"]
MODULES += [f"cupyx.scipy.{part}" for part in PARTS]
METHODS = ("reduce", "accumulate", "reduceat", "at")


def main() -> None:
    without_libraries()
    lines = [f"# CuPy {cupy.__version__}; written by tools/cupy_table.py"]
    for name in MODULES:
        lines += ["", f"[{name}]", *described(importlib.import_module(name))]
    generator = [f"Generator.{n}{signature(f)}" for n, f in members(cupy.random.Generator)]
    lines += ["", "[cupy.random.Generator]", *(line.removeprefix("Generator.") for line in generator)]
    lines += ["", "[cupy.ndarray]", *(n for n, _ in members(cupy.ndarray))]
    OUT.write_text("\n".join(lines) + "\n", "utf-8")


def without_libraries() -> None:
    """Let modules be imported that ask for CUDA's libraries where these are not installed."""
    for name in ("cublas", "cufft", "curand", "cusolver", "cusparse", "nvrtc"):
        try:
            getattr(libs, name)
        except (ImportError, AttributeError):
            stub = MagicMock(name=name)
            setattr(libs, name, stub)
            sys.modules[f"{libs.__name__}.{name}"] = stub


def members(owner: Any) -> Iterator[tuple[str, Any]]:
    for name in sorted(dir(owner)):
        if not name.startswith("_"):
            yield name, getattr(owner, name)


def described(module: ModuleType) -> Iterator[str]:
    """A line for each public function and ufunc of a module."""
    for name, x in members(module):
        if isinstance(x, cupy.ufunc):
            yield f"{name}: {x.nin} {' '.join(x.types)}{ufunc_methods(x)}"
        elif isinstance(x, type):
            if issubclass(x, enum.Enum) or x.__module__.startswith("numpy"):
                continue
            yield f"class {name}"
        elif callable(x) and getattr(x, "__module__", "") not in ("numpy", "typing"):
            yield name + signature(x)


def signature(f: Any) -> str:
    """The parameters of a function with their defaults, without annotations; `(?)` where they are unknown."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return from_docstring(f)
    plain = [p.replace(annotation=p.empty, default=default(p.default)) for p in parameters]
    return str(inspect.Signature(plain))


class Word(str):
    """A name that is written without quotes."""

    __repr__ = str.__str__


def default(x: Any) -> Any:
    """A default as the table can hold it: numbers, strings, None, tuples, types; `...` for others."""
    if x is inspect.Parameter.empty:
        return x
    if isinstance(x, type):
        return Word(x.__name__)
    if x is None or isinstance(x, (bool, int, float, str)):
        return x
    if isinstance(x, tuple) and all(isinstance(item, (bool, int, float, str)) for item in x):
        return x
    return Word("...")


def from_docstring(f: Any) -> str:
    """The signature that a compiled function's docstring begins with."""
    found = re.match(rf"{getattr(f, '__name__', '?')}\(([^)]*)\)", f.__doc__ or "")
    if not found:
        return "(?)"
    without_types = re.sub(r"(^|, *)[\w.]+ +(?=\w)", r"\1", found[1])
    return f"({without_types})"


def ufunc_methods(ufunc: Any) -> str:
    """Which of a ufunc's methods CuPy has: the others say that they are not supported before they look."""
    has = [name for name in METHODS if works(getattr(ufunc, name))]
    return f" | {' '.join(has)}" if has else ""


def works(method: Any) -> bool:
    """Whether a ufunc's method does something: an array without memory makes it fail in another way."""
    empty = cupy.ndarray.__new__(cupy.ndarray, _no_init=True)
    args = {"at": (0, 0), "reduceat": ([0],)}.get(method.__name__, ())
    try:
        method(empty, *args)
    except NotImplementedError:
        return False
    except TypeError as error:
        return "not support" not in str(error)
    except Exception:
        return True
    return True


if __name__ == "__main__":
    main()
