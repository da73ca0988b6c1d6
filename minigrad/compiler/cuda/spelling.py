"""How CUDA C writes the dtypes, numbers and operations of loops.

Functions are CUDA's own: `exp` of a float is its `expf`, which is within 2 units of the last place, as are nearly all
(`pow` of a double, `erfc` and the hyperbolic ones within 4).  So of an operation that has a formula
(`minigrad.compiler.formulas`) the formula serves only where nothing stands here: `sign`, `square`, `remainder` of floats.
What takes more than an expression is a function of prelude.cu.
"""

from __future__ import annotations

import math

import numpy as np

from ..c_types import IN_C
from ..operations import ALIASES, DTYPES, kind

__all__ = ["INSTRUCTIONS", "REDUCERS", "literal", "spelled"]

#: What puts two numbers together in a reduction: names of prelude.cu.
REDUCERS = {
    "add": "Add", "multiply": "Multiply", "maximum": "Maximum", "minimum": "Minimum", "logical_and": "And", "logical_or": "Or",
}  # fmt: skip

#: Operations of floats that are functions of CUDA's, and those that it calls otherwise.
_SAME_NAME = (
    "sqrt", "floor", "ceil", "trunc", "rint", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan",
    "sinh", "cosh", "tanh", "cbrt", "erf", "erfc", "copysign", "hypot", "fma", "ldexp", "isnan", "isfinite", "isinf", "signbit",
)  # fmt: skip
_OTHER_NAME = {
    "power": "pow", "arctan": "atan", "arcsin": "asin", "arccos": "acos", "arcsinh": "asinh", "arccosh": "acosh",
    "arctanh": "atanh", "arctan2": "atan2", "fmax": "fmax", "fmin": "fmin", "absolute": "fabs",
}  # fmt: skip
#: Functions of prelude.cu, of numbers of any kind.
_OWN = ("maximum", "minimum", "expit", "logaddexp", "left_shift", "right_shift", "floor_divide", "remainder")
_SIGNS = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "greater": ">", "greater_equal": ">=", "less": "<",
    "less_equal": "<=", "equal": "==", "not_equal": "!=", "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^",
    "logical_and": "&", "logical_or": "|", "logical_xor": "^",
}  # fmt: skip
#: Operations that need no formula.  "pow" says that powers need one only where the exponent is simple.
INSTRUCTIONS = ("pow", "expit", "logaddexp", *_SAME_NAME, *(name for name in _OTHER_NAME if name != "power"))


def spelled(op: str, dtypes: tuple[str, ...], args: tuple[str, ...]) -> str:
    """An operation on expressions of these dtypes.

    >>> spelled("add", ("float32", "float32"), ("v0", "v1")), spelled("arctan", ("float32",), ("v0",))
    ('v0 + v1', 'atan(v0)')
    """
    op = ALIASES.get(op, op)
    of = kind(dtypes[0] if op == "ldexp" else dtypes[-1])
    name, _, target = op.partition(":")
    if name == "astype":
        return f"{args[0]} != 0" if target == "bool" and of != "b" else f"({IN_C[target]}){args[0]}"
    if name == "view":
        return f"seen_as<{IN_C[target]}>({args[0]})"
    if op in _SIGNS:
        return f"{args[0]} {_SIGNS[op]} {args[1]}"
    if op == "where":
        return f"{args[0]} ? {args[1]} : {args[2]}"
    if op == "negative":
        return f"-{args[0]}"
    if op in ("invert", "logical_not"):
        return f"!{args[0]}" if of == "b" else f"~{args[0]}"
    if op == "absolute" and of != "f":
        return args[0] if of == "u" else f"{args[0]} < 0 ? -{args[0]} : {args[0]}"
    if op in ("fmax", "fmin") and of != "f":
        op = "maximum" if op == "fmax" else "minimum"
    if op in _OWN or op in _SAME_NAME:
        return f"{op}({', '.join(args)})"
    return f"{_OTHER_NAME[op]}({', '.join(args)})"


def literal(value: bool | int | float, dtype: str) -> str:
    """A number of a dtype, bit by bit.

    >>> literal(0.1, "float32"), literal(-math.inf, "float32"), literal(3, "int64")
    ('0.1f', '-Limits<float>::infinity()', '3ll')
    """
    if dtype == "bool":
        return "true" if value else "false"
    if DTYPES[dtype] != "f":
        return _whole(int(value), dtype)
    rounded = np.dtype(dtype).type(value)
    if math.isnan(rounded):
        return f"Limits<{IN_C[dtype]}>::nan()"
    if math.isinf(rounded):
        return f"{'-' if rounded < 0 else ''}Limits<{IN_C[dtype]}>::infinity()"
    return f"{rounded!s}f" if dtype == "float32" else repr(float(rounded))


def _whole(value: int, dtype: str) -> str:
    """A whole number, of its own type, since functions of prelude.cu take two numbers of one; C has no literal for the least."""
    end = {"int32": "", "uint32": "u", "int64": "ll", "uint64": "ull"}.get(dtype)
    if end is None:
        return f"({IN_C[dtype]}){value}"
    return f"({value + 1}{end} - 1)" if value < 0 and value == np.iinfo(dtype).min else f"{value}{end}"
