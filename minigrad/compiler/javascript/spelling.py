"""How JavaScript writes the dtypes, numbers and operations of loops.

JavaScript has one type of number, float64.  So each operation on other dtypes is followed by what brings its result into the
dtype again: `Math.fround` for float32, which then has NumPy's digits (+, -, *, / and sqrt of float32 are exact in float64 but
for this one rounding), `| 0` for int32, a helper of runtime.js for int64.  Truths are 0 and 1.

Whole numbers of 64 bits are kept as float64, so they are exact up to 2^53; helpers mark a program as not right where one is
larger.  Functions that `Math` has are those, within a few units of the last place; what takes more than an expression is a
helper; the rest are formulas (`minigrad.compiler.formulas`).
"""

from __future__ import annotations

import math

import numpy as np

from ..operations import ALIASES, DTYPES, kind

__all__ = ["ARRAYS", "INSTRUCTIONS", "literal", "spelled", "wrapped"]

#: JavaScript's typed arrays.
ARRAYS = {
    "bool": "Uint8Array", "float32": "Float32Array", "float64": "Float64Array",
    "int8": "Int8Array", "int16": "Int16Array", "int32": "Int32Array", "int64": "Float64Array",
    "uint8": "Uint8Array", "uint16": "Uint16Array", "uint32": "Uint32Array", "uint64": "Float64Array",
}  # fmt: skip

#: Functions of JavaScript's Math.
_MATH = {
    "sqrt": "sqrt", "floor": "floor", "ceil": "ceil", "trunc": "trunc", "exp": "exp", "expm1": "expm1", "log": "log",
    "log2": "log2", "log10": "log10", "log1p": "log1p", "sin": "sin", "cos": "cos", "tan": "tan", "arctan": "atan",
    "arcsin": "asin", "arccos": "acos", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh", "arctan2": "atan2", "cbrt": "cbrt", "hypot": "hypot", "absolute": "abs",
    "maximum": "max", "minimum": "min",
}  # fmt: skip
#: Helpers of runtime.js.
_OWN = (
    "rint", "exp2", "expit", "logaddexp", "remainder", "floor_divide", "copysign", "fmax", "fmin", "power", "ldexp", "signbit",
    "sign",
)  # fmt: skip
_SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
_COMPARISONS = {
    "greater": ">", "greater_equal": ">=", "less": "<", "less_equal": "<=", "equal": "===", "not_equal": "!==",
}  # fmt: skip
_BITS = {
    "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^", "logical_and": "&", "logical_or": "|", "logical_xor": "^",
}  # fmt: skip
_TESTS = {"isnan": "{0} !== {0}", "isfinite": "{0} - {0} === 0", "isinf": "Math.abs({0}) === Infinity"}
#: Operations that need no formula.  "pow" says that powers need one only where the exponent is simple.
INSTRUCTIONS = ("pow", *_MATH, *(name for name in _OWN if name != "power"))
#: How a number that was computed in float64 becomes one of a dtype.
_WRAPS = {
    "float32": "Math.fround({})", "int8": "({}) << 24 >> 24", "int16": "({}) << 16 >> 16", "int32": "({}) | 0",
    "uint8": "({}) & 255", "uint16": "({}) & 65535", "uint32": "({}) >>> 0", "int64": "m.int64({})", "uint64": "m.uint64({})",
}  # fmt: skip
#: What gives a number of its arguments' dtype, or a truth, without that.
_EXACT = {
    "maximum", "minimum", "fmax", "fmin", "negative", "absolute", "floor", "ceil", "trunc", "rint", "copysign", "sign",
}  # fmt: skip


def wrapped(text: str, dtype: str) -> str:
    """An expression, brought into a dtype.

    >>> wrapped("v0 + v1", "float32"), wrapped("v0 + v1", "float64"), wrapped("v0 + v1", "uint8")
    ('Math.fround(v0 + v1)', 'v0 + v1', '(v0 + v1) & 255')
    """
    return _WRAPS.get(dtype, "{}").format(text)


def spelled(op: str, dtypes: tuple[str, ...], args: tuple[str, ...]) -> str:
    """An operation on names or numbers of these dtypes.

    >>> spelled("add", ("float32", "float32"), ("v0", "v1")), spelled("less", ("int8", "int8"), ("v0", "v1"))
    ('Math.fround(v0 + v1)', 'v0 < v1 ? 1 : 0')

    Raises:
        TypeError: JavaScript has no numbers whose bits could be seen as those of the dtype.
    """
    op = ALIASES.get(op, op)
    dtype = dtypes[0] if op == "ldexp" else dtypes[-1]
    name, _, target = op.partition(":")
    if name == "astype":
        return _cast(args[0], dtype, target)
    if name == "view":
        return _seen_as(args[0], dtype, target)
    if op in _COMPARISONS:
        return f"{args[0]} {_COMPARISONS[op]} {args[1]} ? 1 : 0"
    if op in _TESTS:
        return f"{_TESTS[op].format(args[0])} ? 1 : 0"
    if op == "signbit":
        return f"m.signbit({args[0]}) ? 1 : 0"
    if op == "where":
        return f"{args[0]} ? {args[1]} : {args[2]}"
    if op in ("invert", "logical_not") and dtype == "bool":
        return f"1 - {args[0]}"
    text = _of_numbers(op, dtype, args)
    return text if op in _EXACT and kind(dtype) == "f" else wrapped(text, dtype)


def _of_numbers(op: str, dtype: str, args: tuple[str, ...]) -> str:
    """An operation whose result has not been brought into its dtype yet."""
    if op == "multiply" and dtype in ("int32", "uint32"):
        return f"Math.imul({args[0]}, {args[1]})"
    if op in _SIGNS:
        return f"{args[0]} {_SIGNS[op]} {args[1]}"
    if op == "negative":
        return f"-{args[0]}" if kind(dtype) == "f" else f"0 - {args[0]}"
    if op == "fma":
        return f"{args[0]} * {args[1]} + {args[2]}"
    if op in _BITS or op in ("invert", "left_shift", "right_shift"):
        return _of_bits(op, dtype, args)
    if op in ("remainder", "floor_divide") and kind(dtype) != "f":
        return f"m.whole_{op}({args[0]}, {args[1]})"
    return f"{'Math' if op in _MATH else 'm'}.{_MATH.get(op, op)}({', '.join(args)})"


def _of_bits(op: str, dtype: str, args: tuple[str, ...]) -> str:
    if DTYPES[dtype] in "iu" and dtype.endswith("64"):
        return f"m.{op}64({', '.join(args)})"
    if op == "invert":
        return f"~{args[0]}"
    if op in _BITS:
        return f"{args[0]} {_BITS[op]} {args[1]}"
    return f"m.{op}({args[0]}, {args[1]})"


def _cast(x: str, dtype: str, target: str) -> str:
    if target == "bool":
        return x if dtype == "bool" else f"{x} !== 0 ? 1 : 0"
    if kind(target) == "f":
        return x if kind(dtype) == "b" or (target == "float64") or dtype == "float32" else f"Math.fround({x})"
    if kind(dtype) == "f":
        return f"m.whole({x}, {np.iinfo(target).min}, {np.iinfo(target).max})"
    return x if kind(dtype) == "b" or np.can_cast(dtype, target) else wrapped(x, target)


def _seen_as(x: str, dtype: str, target: str) -> str:
    if dtype == target:
        return x
    if {dtype, target} == {"float32", "int32"}:
        return f"m.{'bits_of' if target == 'int32' else 'float_of'}({x})"
    if {dtype[-2:], target[-2:]} == {dtype[-2:]} and kind(dtype) in "iu" and kind(target) in "iu":
        return wrapped(x, target)
    raise TypeError(f"JavaScript does not see the bits of {dtype} as {target}: give the operation a helper in runtime.js")


def literal(value: bool | int | float, dtype: str) -> str:
    """A number of a dtype.

    >>> literal(0.1, "float32"), literal(-math.inf, "float64"), literal(True, "bool"), literal(-0.0, "float64")
    ('0.10000000149011612', '-Infinity', '1', '-0')
    """
    if kind(dtype) != "f":
        return str(int(value))
    number = float(np.dtype(dtype).type(value))
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "-Infinity" if number < 0 else "Infinity"
    return str(int(number)).replace("0", "-0") if not number and math.copysign(1, number) < 0 else _shortest(number)


def _shortest(number: float) -> str:
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(number)
