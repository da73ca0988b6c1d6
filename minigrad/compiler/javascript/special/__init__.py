"""scipy.special's functions in terms of NumPy's, for programs that a page computes.

Each is right to some 12 digits where its *guard* holds, which is a guard of the program: where an edit leads outside of it,
the page says that its values are not right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .bessel import BESSEL
from .distributions import DISTRIBUTIONS
from .errors import ERRORS
from .gamma import GAMMA
from .series import SERIES
from .simple import SIMPLE

__all__ = ["SPECIAL"]

#: By the names of scipy.special's functions.
SPECIAL: dict[str, Callable[..., Any]] = SIMPLE | ERRORS | GAMMA | SERIES | BESSEL | DISTRIBUTIONS
