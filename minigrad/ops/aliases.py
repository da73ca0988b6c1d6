"""Other names under which NumPy has a function, the array API's names among them."""

from __future__ import annotations

from .arithmetic import absolute, conjugate, divide, power, remainder
from .bessel import i0
from .constant import constants
from .conversion import clone
from .creation import asarray
from .join import concatenate
from .reduce import max, min
from .shape import transpose
from .trigonometric import (
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    degrees,
    radians,
)

abs = absolute  # noqa: A001
acos, acosh = arccos, arccosh
amax, amin = max, min
asanyarray = asarray
asin, asinh = arcsin, arcsinh
atan, atan2, atanh = arctan, arctan2, arctanh
bitwise_invert, bitwise_not = constants["invert"], constants["invert"]
bitwise_left_shift, bitwise_right_shift = constants["left_shift"], constants["right_shift"]
concat = concatenate
conj = conjugate
copy = clone
deg2rad, rad2deg = radians, degrees
mod = remainder
permute = transpose
pow = power  # noqa: A001
true_divide = divide

__all__ = [
    "abs", "acos", "acosh", "amax", "amin", "asanyarray", "asin", "asinh", "atan", "atan2",
    "atanh", "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_right_shift",
    "concat", "conj", "copy", "deg2rad", "i0", "mod", "permute", "pow", "rad2deg",
    "true_divide",
]  # fmt: skip
