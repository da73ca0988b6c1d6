"""CuPy's ufuncs: their operands, dtypes and methods."""

from __future__ import annotations

import functools
import importlib
from typing import Any

import numpy as np

from . import array, table
from .counts import launched
from .graphs import captured
from .launches import of_writing
from .values import SCALARS, Given, refuse

__all__ = ["ufunc", "ufunc_of"]

#: The dtypes for which `add.at` has atomic additions; the other ufuncs have fewer.
AT = {"add": ("float16", "float32", "float64", "int32", "uint32", "uint64")}
AT_OTHERS = ("float32", "float64", "int32", "uint32", "uint64")


@functools.cache
def ufunc_of(module: str, name: str) -> ufunc | None:
    """A ufunc of the table; None where the name stands for something else."""
    if name not in table.MEMBERS.get(module, {}) or table.ufunc_entry(module, name) is None:
        return None
    return ufunc(module, name)


class ufunc:
    """`cupy.ufunc`, computed by the ufunc of NumPy or SciPy that has its name."""

    __module__ = "cupy"

    def __init__(self, module: str, name: str) -> None:
        entry = table.ufunc_entry(module, name)
        assert entry is not None
        self.__name__ = name
        self.name = f"cupy_{name}"
        self.full = f"{module}.{name}".removeprefix("cupy.")
        self.entry = entry
        self.nin = entry.nin
        self.types = ["".join(t[: self.nin]) + "->" + "".join(t[self.nin :]) for t in entry.loops]
        home = module.removeprefix("cupyx.").replace("cupy", "numpy")
        self.oracle: Any = getattr(importlib.import_module(home), name, None)
        self.loops: dict[Any, tuple[str, ...]] = {}

    def __repr__(self) -> str:
        return f"<ufunc '{self.name}'>"

    @captured
    def __call__(self, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        if self.oracle is None:
            raise NotImplementedError(f"the stand-in for CuPy does not compute {self.full}")
        unknown = kwargs.keys() - {"dtype", "casting", "where"}
        if unknown:
            raise TypeError(f"Wrong arguments {sorted(unknown)} for {self!r}")
        if len(args) > self.nin:
            args, out = args[: self.nin], args[self.nin]
        given = Given(self.full)
        inputs = [self.operand(given, x) for x in args]
        dtypes = self.result_dtypes(inputs, kwargs.get("dtype"))
        options = {k: self.operand(given, v) if k == "where" else v for k, v in kwargs.items()}
        if out is not None:
            options["out"] = tuple(given.raw(out)) if isinstance(out, tuple) else given.raw(out)
        launched(self.full, 1 + copies_for(inputs, options.get("out")))
        with np.errstate(all="ignore"):
            result = self.oracle(*inputs, **options)
        if out is not None or options.get("dtype") is not None:
            return given.wrapped(result)
        several = isinstance(result, tuple)
        made = [np.asarray(r, dtype=d) for r, d in zip(result if several else [result], dtypes, strict=True)]
        return given.wrapped(tuple(made) if several else made[0])

    def operand(self, given: Given, x: Any) -> Any:
        """An array underneath, or a number; nothing else is taken, 0-d arrays of NumPy neither."""
        if isinstance(x, array.ndarray):
            return given.raw(x)
        return x if isinstance(x, SCALARS) else refuse(self.full, x)

    def result_dtypes(self, inputs: list[Any], dtype: Any) -> list[str]:
        """The dtypes of the outputs by CuPy's own table of loops."""
        kinds = tuple(type(x) if type(x) in (int, float, complex) else np.asarray(x).dtype for x in inputs)
        found = self.loops.get((kinds, dtype))
        if found is None:
            found = self.loops[kinds, dtype] = self.loop(kinds, dtype)
        return list(found[self.nin :])

    def loop(self, kinds: tuple[Any, ...], dtype: Any) -> tuple[str, ...]:
        if dtype is not None:
            char = np.dtype(dtype).char
            fits = [loop for loop in self.entry.loops if loop[-1] == char]
        else:
            wanted = self.loop_of_numpy(kinds)
            fits = [loop for loop in self.entry.loops if fit(wanted, loop)]
        if not fits:
            names = ", ".join(getattr(k, "name", None) or k.__name__ for k in kinds)
            raise TypeError(f"Wrong type ({dtype or names}) of arguments for {self.name}")
        return fits[0]

    def loop_of_numpy(self, kinds: tuple[Any, ...]) -> Any:
        """The dtypes that NumPy computes these inputs in; a Python function of SciPy takes them as they are."""
        if not isinstance(self.oracle, np.ufunc):
            return [np.result_type(*(k(0) if isinstance(k, type) else k for k in kinds))] * self.nin
        return self.oracle.resolve_dtypes((*kinds, *[None] * (self.oracle.nargs - self.nin)))[: self.nin]

    def reduce(self, a: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        return self.method("reduce", a, axis=axis, dtype=dtype, out=out, keepdims=keepdims)

    def accumulate(self, a: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        return self.method("accumulate", a, axis=axis, dtype=dtype, out=out)

    def reduceat(self, a: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        return self.method("reduceat", a, indices, axis=axis, dtype=dtype, out=out)

    @captured
    def outer(self, a: Any, b: Any, **kwargs: Any) -> Any:
        given = Given(self.full)
        launched(f"{self.full}.outer", 3)
        return given.wrapped(self.oracle.outer(given.raw(a), given.raw(b), **kwargs))

    @captured
    def at(self, a: Any, indices: Any, b: Any = None) -> None:
        """a[indices] += b with repeats; the index may be a tuple."""
        self.has("at")
        if not isinstance(a, array.ndarray):
            refuse(f"{self.full}.at", a)
        if a.dtype.name not in AT.get(self.full, AT_OTHERS):
            raise TypeError(f"cupy.{self.full}.at does not support {a.dtype} (it has {AT.get(self.full, AT_OTHERS)})")
        given = Given(f"{self.full}.at")
        index = array.index_of(given, indices, a.shape)
        values = self.operand(given, b)
        launched(f"{self.full}.at", of_writing(index, a.ndim, values))
        self.oracle.at(given.raw(a), index, values)

    @captured
    def method(self, name: str, a: Any, *args: Any, **options: Any) -> Any:
        self.has(name)
        given = Given(f"{self.full}.{name}")
        raw = [given.raw(x) for x in (a, *args)]
        options = {k: given.raw(v) for k, v in options.items() if v is not None}
        launched(f"{self.full}.{name}", 2 if name == "accumulate" else 1)
        with np.errstate(all="ignore"):
            return given.wrapped(getattr(self.oracle, name)(*raw, **options))

    def has(self, method: str) -> None:
        if method not in self.entry.methods:
            raise NotImplementedError(f"`{self.name}.{method}` is not supported yet")


def fit(wanted: Any, loop: tuple[str, ...]) -> bool:
    return all(np.can_cast(w, char, "safe") for w, char in zip(wanted, loop, strict=False))


def copies_for(inputs: list[Any], out: Any) -> int:
    """An input that lies in the memory of `out`, and is another object, is copied before it is overwritten."""
    if not isinstance(out, np.ndarray):
        return 0
    return sum(isinstance(x, np.ndarray) and x is not out and np.may_share_memory(x, out) for x in inputs)
