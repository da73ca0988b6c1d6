"""Basic operations as LLVM instructions, for any dtype and any number of lanes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .operations import ALIASES, kind
from .text import Text, literal, llvm_type, vector

__all__ = ["INTRINSICS", "combine", "converted", "instruction", "suffix"]

#: All that code may call.  Each becomes instructions on every CPU that native code is made for, never a call to
#: a library.
INTRINSICS = {
    *("abs", "ceil", "copysign", "fabs", "floor", "fma", "fptosi.sat", "fptoui.sat", "ldexp", "maximum", "maxnum"),
    *("minimum", "minnum", "roundeven", "smax", "smin", "sqrt", "trunc", "umax", "umin"),
    *("masked.load", "masked.store", "masked.gather", "masked.scatter"),
}

#: Instructions for floats, signed and unsigned integers.
BINARY = {
    "add": ("fadd", "add", "add"),
    "subtract": ("fsub", "sub", "sub"),
    "multiply": ("fmul", "mul", "mul"),
    "divide": ("fdiv", "", ""),
    "bitwise_and": ("", "and", "and"),
    "bitwise_or": ("", "or", "or"),
    "bitwise_xor": ("", "xor", "xor"),
}
COMPARISONS = {
    "greater": ("ogt", "sgt", "ugt"),
    "greater_equal": ("oge", "sge", "uge"),
    "less": ("olt", "slt", "ult"),
    "less_equal": ("ole", "sle", "ule"),
    "equal": ("oeq", "eq", "eq"),
    "not_equal": ("une", "ne", "ne"),
}
#: Intrinsics of two arguments; `fmax` and `fmin` of integers are maximum and minimum.
EXTREMES = {
    "maximum": ("maximum", "smax", "umax"),
    "minimum": ("minimum", "smin", "umin"),
    "fmax": ("maxnum", "smax", "umax"),
    "fmin": ("minnum", "smin", "umin"),
    "copysign": ("copysign", "", ""),
}
UNARY = {"sqrt": "sqrt", "floor": "floor", "ceil": "ceil", "trunc": "trunc", "rint": "roundeven"}
LOGICAL = {"logical_and": "and", "logical_or": "or", "logical_xor": "xor"}


def intrinsic(text: Text, name: str, dtype: str, lanes: int, args: Sequence[str]) -> str:
    """Call an intrinsic whose arguments and result have one type."""
    type_ = vector(llvm_type(dtype), lanes)
    return text.call(f"llvm.{name}.{suffix(dtype, lanes)}", type_, [(type_, arg) for arg in args])


def suffix(dtype: str, lanes: int) -> str:
    """How intrinsics name a type: f32, v16f32, v8i64."""
    element = {"float": "f32", "double": "f64"}.get(llvm_type(dtype), llvm_type(dtype))
    return element if lanes == 1 else f"v{lanes}{element}"


def instruction(text: Text, op: str, dtypes: Sequence[str], lanes: int, args: Sequence[str]) -> str:
    """Write a basic operation on registers of these dtypes; the register of the result.

    Raises:
        NotImplementedError: where there is neither an instruction nor a formula.
    """
    op = ALIASES.get(op, op)
    dtype = dtypes[0] if op == "ldexp" else dtypes[-1]
    type_, column = vector(llvm_type(dtype), lanes), "fiu".find(kind(dtype)) if kind(dtype) != "b" else 2
    if op in BINARY:
        return text.let(f"{BINARY[op][column]} {type_} {args[0]}, {args[1]}")
    if op in COMPARISONS:
        compare = "fcmp" if kind(dtype) == "f" else "icmp"
        return text.let(f"{compare} {COMPARISONS[op][column]} {type_} {args[0]}, {args[1]}")
    if op in EXTREMES:
        if op in ("maximum", "minimum") and kind(dtype) == "f" and not any("0x" in arg for arg in args):
            return _extreme(text, "ogt" if op == "maximum" else "olt", type_, vector("i1", lanes), args)
        return intrinsic(text, EXTREMES[op][column], dtype, lanes, args)
    if op in UNARY:
        return intrinsic(text, UNARY[op], dtype, lanes, args)
    if op in LOGICAL:
        return text.let(f"{LOGICAL[op]} {type_} {args[0]}, {args[1]}")
    name, _, target = op.partition(":")
    if name == "astype":
        return converted(text, args[0], dtype, target, lanes)
    if name == "view" and dtype != target:
        return text.let(f"bitcast {type_} {args[0]} to {vector(llvm_type(target), lanes)}")
    if name == "view":
        return args[0]
    if op not in SPECIAL:
        raise NotImplementedError(f"{op} of {dtype} has no instruction and no formula")
    return SPECIAL[op](text, dtype, lanes, type_, args)


def _extreme(text: Text, predicate: str, type_: str, mask: str, args: Sequence[str]) -> str:
    """The larger or the smaller, or NaN: half the instructions of LLVM's own, which puts 0 above -0, beside
    which NumPy sets neither.

    Of a constant LLVM knows that it is no NaN, and its own is one instruction.
    """
    x, y = args
    beyond = text.let(f"fcmp {predicate} {type_} {x}, {y}")
    chosen = text.let(f"select {mask} {beyond}, {type_} {x}, {type_} {y}")  # y where y is NaN, and where they are equal
    unordered = text.let(f"fcmp uno {type_} {x}, {x}")
    return text.let(f"select {mask} {unordered}, {type_} {x}, {type_} {chosen}")


def _negative(text: Text, dtype: str, lanes: int, type_: str, args: Sequence[str]) -> str:
    if kind(dtype) == "f":
        return text.let(f"fneg {type_} {args[0]}")
    return text.let(f"sub {type_} {literal(0, dtype, lanes)}, {args[0]}")


def _absolute(text: Text, dtype: str, lanes: int, type_: str, args: Sequence[str]) -> str:
    if kind(dtype) == "f":
        return intrinsic(text, "fabs", dtype, lanes, args)
    if kind(dtype) == "u":
        return args[0]
    return text.call(f"llvm.abs.{suffix(dtype, lanes)}", type_, [(type_, args[0]), ("i1", "false")])


def _invert(text: Text, dtype: str, lanes: int, type_: str, args: Sequence[str]) -> str:
    ones = literal(True, "bool", lanes) if dtype == "bool" else literal(-1, dtype, lanes)
    return text.let(f"xor {type_} {args[0]}, {ones}")


def _where(text: Text, dtype: str, lanes: int, type_: str, args: Sequence[str]) -> str:
    return text.let(f"select {vector('i1', lanes)} {args[0]}, {type_} {args[1]}, {type_} {args[2]}")


def _isnan(text: Text, dtype: str, lanes: int, type_: str, args: Sequence[str]) -> str:
    return text.let(f"fcmp uno {type_} {args[0]}, {args[0]}")


def _ldexp(text: Text, dtype: str, lanes: int, type_: str, args: Sequence[str]) -> str:
    name = f"llvm.ldexp.{suffix(dtype, lanes)}.{suffix('int32', lanes)}"
    return text.call(name, type_, [(type_, args[0]), (vector("i32", lanes), args[1])])


def _against_infinity(predicate: str) -> Callable[[Text, str, int, str, Sequence[str]], str]:
    def write(text: Text, dtype: str, lanes: int, type_: str, args: Sequence[str]) -> str:
        size = intrinsic(text, "fabs", dtype, lanes, args)
        return text.let(f"fcmp {predicate} {type_} {size}, {literal(np.inf, dtype, lanes)}")

    return write


def _signbit(text: Text, dtype: str, lanes: int, type_: str, args: Sequence[str]) -> str:
    bits = f"int{np.dtype(dtype).itemsize * 8}"
    integer = vector(llvm_type(bits), lanes)
    view = text.let(f"bitcast {type_} {args[0]} to {integer}")
    return text.let(f"icmp slt {integer} {view}, {literal(0, bits, lanes)}")


def _shift(left: bool) -> Callable[[Text, str, int, str, Sequence[str]], str]:
    """Bits beyond the last are shifted out, as in NumPy; what LLVM's instructions do there is not defined."""

    def write(text: Text, dtype: str, lanes: int, type_: str, args: Sequence[str]) -> str:
        signed = kind(dtype) == "i" and not left
        name = "shl" if left else "ashr" if signed else "lshr"
        bits = np.dtype(dtype).itemsize * 8
        small = text.let(f"icmp ult {type_} {args[1]}, {literal(bits, dtype, lanes)}")
        most = literal(bits - 1, dtype, lanes)
        count = text.let(f"select {vector('i1', lanes)} {small}, {type_} {args[1]}, {type_} {most}")
        shifted = text.let(f"{name} {type_} {args[0]}, {count}")
        if signed:
            return shifted
        return text.let(f"select {vector('i1', lanes)} {small}, {type_} {shifted}, {type_} {literal(0, dtype, lanes)}")

    return write


def _fma(text: Text, dtype: str, lanes: int, type_: str, args: Sequence[str]) -> str:
    if text.target.fma:
        return intrinsic(text, "fma", dtype, lanes, args)
    product = text.let(f"fmul {type_} {args[0]}, {args[1]}")
    return text.let(f"fadd {type_} {product}, {args[2]}")


def _quotient(remainder: bool) -> Callable[[Text, str, int, str, Sequence[str]], str]:
    """Of integers, rounded down; by 0 it is 0, as in NumPy, and the least integer by -1 is itself."""

    def write(text: Text, dtype: str, lanes: int, type_: str, args: Sequence[str]) -> str:
        x, y = args
        mask, zero, one = vector("i1", lanes), literal(0, dtype, lanes), literal(1, dtype, lanes)
        by_zero = text.let(f"icmp eq {type_} {y}, {zero}")
        careful = by_zero
        if kind(dtype) == "i":
            least = text.let(f"icmp eq {type_} {x}, {literal(np.iinfo(dtype).min, dtype, lanes)}")
            both = text.let(f"and {mask} {least}, {text.let(f'icmp eq {type_} {y}, {literal(-1, dtype, lanes)}')}")
            careful = text.let(f"or {mask} {by_zero}, {both}")
        divisor = text.let(f"select {mask} {careful}, {type_} {one}, {type_} {y}")
        quotient = text.let(f"{'sdiv' if kind(dtype) == 'i' else 'udiv'} {type_} {x}, {divisor}")
        rest = text.let(f"sub {type_} {x}, {text.let(f'mul {type_} {quotient}, {divisor}')}")
        if kind(dtype) == "i":  # one less where the signs differ and something is left
            differ = text.let(f"icmp slt {type_} {text.let(f'xor {type_} {rest}, {divisor}')}, {zero}")
            below = text.let(f"and {mask} {differ}, {text.let(f'icmp ne {type_} {rest}, {zero}')}")
            rest = text.let(
                f"select {mask} {below}, {type_} {text.let(f'add {type_} {rest}, {divisor}')}, {type_} {rest}"
            )
            quotient = text.let(
                f"select {mask} {below}, {type_} {text.let(f'sub {type_} {quotient}, {one}')}, {type_} {quotient}"
            )
        return text.let(f"select {mask} {by_zero}, {type_} {zero}, {type_} {rest if remainder else quotient}")

    return write


SPECIAL: dict[str, Callable[[Text, str, int, str, Sequence[str]], str]] = {
    "negative": _negative,
    "absolute": _absolute,
    "invert": _invert,
    "logical_not": _invert,
    "where": _where,
    "isnan": _isnan,
    "isfinite": _against_infinity("olt"),
    "isinf": _against_infinity("oeq"),
    "signbit": _signbit,
    "left_shift": _shift(left=True),
    "right_shift": _shift(left=False),
    "floor_divide": _quotient(remainder=False),
    "remainder": _quotient(remainder=True),
    "fma": _fma,
    "ldexp": _ldexp,
}


def converted(text: Text, register: str, source: str, target: str, lanes: int = 1) -> str:
    """A register in another dtype.

    A float beyond an integer's range becomes its nearest, and NaN 0; NumPy leaves these to the machine.
    """
    if source == target:
        return register
    before, after = vector(llvm_type(source), lanes), vector(llvm_type(target), lanes)
    kinds = kind(source) + kind(target)
    if kinds[1] == "b":
        zero = literal(0, source, lanes)
        return text.let(f"{'fcmp une' if kinds[0] == 'f' else 'icmp ne'} {before} {register}, {zero}")
    if kinds in ("fi", "fu"):
        name = "fptosi.sat" if kinds == "fi" else "fptoui.sat"
        return text.call(f"llvm.{name}.{suffix(target, lanes)}.{suffix(source, lanes)}", after, [(before, register)])
    if kinds[1] == "f":
        if kinds[0] == "f":
            return text.let(f"{'fpext' if target == 'float64' else 'fptrunc'} {before} {register} to {after}")
        return text.let(f"{'sitofp' if kinds[0] == 'i' else 'uitofp'} {before} {register} to {after}")
    sizes = np.dtype(source).itemsize * (source != "bool"), np.dtype(target).itemsize
    if sizes[0] == sizes[1]:
        return register
    grown = "sext" if kinds[0] == "i" else "zext"
    return text.let(f"{grown if sizes[0] < sizes[1] else 'trunc'} {before} {register} to {after}")


def combine(text: Text, op: str, dtype: str, register: str, lanes: int) -> str:
    """All lanes of a vector put together: halves on halves, always in the same order."""
    while lanes > 1:
        low, high = (text.half(register, llvm_type(dtype), lanes, upper) for upper in (False, True))
        lanes //= 2
        register = instruction(text, op, (dtype, dtype), lanes, (low, high))
    return register
