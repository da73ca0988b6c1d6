"""The operations that a loop can hold: their names (NumPy's), what they take, what they give, and NumPy's own
function for each.

Two kinds stand in one table.  *Basic* ones have an instruction or a few on every machine
(`minigrad.compiler.instructions`); the others are formulas made of basic ones (`minigrad.compiler.formulas`).
The table knows nothing of that: to the interpreter, which is the oracle of the tests, both are a function of
NumPy's.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["DTYPES", "OPERATIONS", "REDUCTIONS", "Operation", "function_of", "identity", "kind", "name_of", "result_dtype"]

#: Every dtype a loop may hold, and its kind: b(ool), i(nteger), u(nsigned), f(loat).
DTYPES = {
    "bool": "b",
    "int8": "i", "int16": "i", "int32": "i", "int64": "i",
    "uint8": "u", "uint16": "u", "uint32": "u", "uint64": "u",
    "float32": "f", "float64": "f",
}  # fmt: skip


@dataclass(frozen=True)
class Operation:
    """One row of the table.

    Attributes:
        arity: how many arguments it takes.
        kinds: the kinds of dtypes that it takes; all arguments have one dtype.
        function: NumPy's function.
        gives: the dtype of the result; "same" as the arguments'.
    """

    arity: int
    kinds: str
    function: Callable[..., Any]
    gives: str = "same"


def _each(function: Callable[[float], float]) -> Callable[[Any], Any]:
    """A function of one Python float for arrays, in the array's dtype."""

    def apply(x: Any) -> Any:
        return np.vectorize(function, otypes=[np.float64])(x).astype(np.asarray(x).dtype)

    return apply


def _expit(x: Any) -> Any:
    small = np.exp(-np.abs(x))
    return np.where(x < 0, small, x.dtype.type(1)) / (1 + small)


def _fma(x: Any, y: Any, z: Any) -> Any:
    """x * y + z, rounded once: in the next wider type, which is exact enough for what formulas do with it."""
    wide = np.float64 if x.dtype == np.float32 else np.longdouble
    return (wide(1) * x * y + z).astype(x.dtype)


def _shift(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, y: function(x, y, dtype=x.dtype)


def _table() -> dict[str, Operation]:
    table: dict[str, Operation] = {}
    number, integer = "iuf", "biu"
    for name in ("add", "subtract", "multiply", "maximum", "minimum", "floor_divide", "remainder", "fmax", "fmin"):
        table[name] = Operation(2, number, getattr(np, name))
    for name in ("negative", "absolute", "sign", "square"):
        table[name] = Operation(1, number, getattr(np, name))
    for name in ("divide", "power", "arctan2", "copysign", "logaddexp", "hypot"):
        table[name] = Operation(2, "f", getattr(np, name))
    one = "sqrt reciprocal floor ceil trunc rint exp exp2 expm1 log log2 log10 log1p sin cos tan arctan arcsin arccos"
    for name in f"{one} sinh cosh tanh arcsinh arccosh arctanh cbrt".split():
        table[name] = Operation(1, "f", getattr(np, name))
    for name in ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal"):
        table[name] = Operation(2, "biuf", getattr(np, name), "bool")
    for name in ("isnan", "isfinite", "isinf", "signbit"):
        table[name] = Operation(1, "f", getattr(np, name), "bool")
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
        table[name] = Operation(2, integer, getattr(np, name))
    for name in ("logical_and", "logical_or", "logical_xor"):
        table[name] = Operation(2, "b", getattr(np, name), "bool")
    table["logical_not"] = Operation(1, "b", np.logical_not, "bool")
    table["invert"] = Operation(1, integer, np.invert)
    table["left_shift"] = Operation(2, "iu", _shift(np.left_shift))
    table["right_shift"] = Operation(2, "iu", _shift(np.right_shift))
    table["where"] = Operation(3, "biuf", np.where)
    table["erf"] = Operation(1, "f", _each(math.erf))
    table["erfc"] = Operation(1, "f", _each(math.erfc))
    table["expit"] = Operation(1, "f", _expit)
    table["fma"] = Operation(3, "f", _fma)
    table["ldexp"] = Operation(2, "f", np.ldexp)  # by an integer, at most twice the largest exponent of x's dtype
    return table


OPERATIONS = _table()
#: Other names of the same operations.
ALIASES = {"abs": "absolute", "mod": "remainder", "bitwise_not": "invert"}
#: Operations that a Reduce may use, and the kinds of dtypes it takes there.
REDUCTIONS = {
    "add": "iuf",
    "multiply": "iuf",
    "maximum": "iuf",
    "minimum": "iuf",
    "logical_and": "b",
    "logical_or": "b",
}


def kind(dtype: str) -> str:
    """The kind of a dtype: "b", "i", "u" or "f"."""
    if dtype not in DTYPES:
        raise TypeError(f"a loop holds {', '.join(DTYPES)}, not {dtype}; cast before the loop")
    return DTYPES[dtype]


@functools.cache
def name_of(dtype: Any) -> str:
    """NumPy's name of a dtype, which NumPy puts together anew each time, in 4 microseconds."""
    return str(dtype)


def _conversion(op: str) -> tuple[str, str] | None:
    """("astype" or "view", dtype) of `astype:float32`; None of any other name."""
    name, colon, dtype = op.partition(":")
    return (name, dtype) if colon and name in ("astype", "view") else None


@functools.cache
def result_dtype(op: str, dtypes: tuple[str, ...]) -> str:
    """The dtype that an operation gives for arguments of these dtypes.

    Raises:
        TypeError: where it does not take them; the message says what to write.

    >>> result_dtype("add", ("float32", "float32")), result_dtype("less", ("int32", "int32"))
    ('float32', 'bool')
    """
    conversion = _conversion(op)
    if conversion:
        return _converted(op, conversion, dtypes)
    row = OPERATIONS.get(ALIASES.get(op, op))
    if row is None:
        raise TypeError(
            f"no operation is called {op!r}; there are {', '.join(sorted(OPERATIONS))}, astype:DTYPE and view:DTYPE"
        )
    if len(dtypes) != row.arity:
        raise TypeError(f"{op} takes {row.arity} arguments, got {len(dtypes)}")
    if op == "where":
        if dtypes[0] != "bool":
            raise TypeError(f"where: the condition is bool, got {dtypes[0]}; compare it with 0 (not_equal)")
        dtypes = dtypes[1:]
    if op == "ldexp":
        if dtypes[1] != "int32":
            raise TypeError(f"ldexp: the exponent is int32, got {dtypes[1]}; cast with Compute('astype:int32')")
        dtypes = dtypes[:1]
    if len(set(dtypes)) > 1:
        raise TypeError(
            f"{op}: the arguments have the dtypes {', '.join(dtypes)}; bring them to one with Compute('astype:...')"
        )
    if kind(dtypes[0]) not in row.kinds:
        takes = [name for name, k in DTYPES.items() if k in row.kinds]
        raise TypeError(f"{op} takes {', '.join(takes)}, got {dtypes[0]}; cast with Compute('astype:...')")
    return dtypes[0] if row.gives == "same" else row.gives


def _converted(op: str, conversion: tuple[str, str], dtypes: tuple[str, ...]) -> str:
    name, dtype = conversion
    kind(dtype)
    if len(dtypes) != 1:
        raise TypeError(f"{op} takes 1 argument, got {len(dtypes)}")
    if name == "view" and np.dtype(dtype).itemsize != np.dtype(dtypes[0]).itemsize:
        raise TypeError(f"{op} keeps the bits, so it needs a dtype of the same size, got {dtypes[0]}")
    return dtype


def function_of(op: str) -> Callable[..., Any]:
    """NumPy's function of arrays for an operation."""
    conversion = _conversion(op)
    if conversion is None:
        return OPERATIONS[ALIASES.get(op, op)].function
    name, dtype = conversion
    return (lambda x: x.view(dtype)) if name == "view" else (lambda x: x.astype(dtype))


def identity(op: str, dtype: str) -> bool | int | float:
    """The value that a reduction starts from: what changes nothing.

    >>> identity("add", "float32"), identity("maximum", "int8")
    (0.0, -128)
    """
    if kind(dtype) == "b":
        return op == "logical_and"
    if op in ("add", "multiply"):
        return np.dtype(dtype).type(op == "multiply").item()
    if kind(dtype) == "f":
        return -math.inf if op == "maximum" else math.inf
    limits = np.iinfo(dtype)
    return int(limits.min if op == "maximum" else limits.max)
