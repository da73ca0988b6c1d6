"""SciPy's functions on Tensors, under SciPy's names: `from minigrad.scipy import special, linalg, stats`.

The ufuncs of scipy.special need no change of imports: `scipy.special.gammaln(t)` works on a Tensor as it stands.  All other
functions of SciPy turn their arguments into NumPy arrays, where a gradient would be lost (a Tensor raises an error then);
these modules have their differentiable versions.  SciPy computes the values, and is imported when it is first needed.
"""

from . import integrate, linalg, optimize, signal, sparse, special, stats

__all__ = ["integrate", "linalg", "optimize", "signal", "sparse", "special", "stats"]
