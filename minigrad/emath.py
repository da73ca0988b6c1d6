"""`minigrad.emath`: the functions of `numpy.emath` on Tensors.

They are roots, logarithms and powers that become complex where the real function has no value:

>>> import minigrad.emath
>>> minigrad.emath.sqrt(-4.0)
np.complex128(2j)
"""

from __future__ import annotations

from .ops.complex_domain import arccos, arcsin, arctanh, log, log2, log10, logn, power, sqrt

__all__ = ["arccos", "arcsin", "arctanh", "log", "log10", "log2", "logn", "power", "sqrt"]
