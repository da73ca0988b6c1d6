"""`minigrad.polynomial`: the series of `numpy.polynomial` on Tensors.

NumPy's own functions take a Tensor for x, but no coefficients that require a gradient.
"""

from __future__ import annotations

from .ops.series import chebval, hermeval, hermval, lagval, legval, polyval

__all__ = ["chebval", "hermeval", "hermval", "lagval", "legval", "polyval"]
