"""Dropout layers; they do nothing in evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import functional as F
from ..checks import PROBABILITY, check
from ..module import Module

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _Dropout(Module):
    """What the dropout layers share; a subclass says what is dropped."""

    function: Callable[..., Any]

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        """In training each element, or channel, is dropped with a probability; in evaluation the result is the input itself.

        Args:
            p: the probability, 0 to 1; 1 drops everything.
            inplace: taken for PyTorch's sake; it does nothing, the input stays as it is.

        Raises:
            ValueError: p is no number from 0 to 1.
        """
        self.p = check(type(self).__name__, "p", p, PROBABILITY)

    def forward(self, x: Any) -> Any:
        return type(self).function(x, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class Dropout(_Dropout):
    """Zeros with probability p, the rest scaled up (Srivastava et al., 2014).

    >>> Dropout(0.5).eval()(Tensor([1.0, 2.0])).tolist()
    [1.0, 2.0]
    """

    function = staticmethod(F.dropout)


class Dropout1d(_Dropout):
    """Whole channels of (N, C, L) to zero."""

    function = staticmethod(F.dropout1d)


class Dropout2d(_Dropout):
    """Whole channels of (N, C, H, W) to zero."""

    function = staticmethod(F.dropout2d)


class Dropout3d(_Dropout):
    """Whole channels of (N, C, D, H, W) to zero."""

    function = staticmethod(F.dropout3d)


class AlphaDropout(_Dropout):
    """Dropout that keeps mean and variance, for SELU (Klambauer et al., 2017)."""

    function = staticmethod(F.alpha_dropout)


class FeatureAlphaDropout(_Dropout):
    """AlphaDropout of whole channels."""

    function = staticmethod(F.feature_alpha_dropout)
