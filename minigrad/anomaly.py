"""`detect_anomaly`: stop at the first number that is not finite, and at what a GPU says nothing of."""

from __future__ import annotations

import importlib
import sys
from contextlib import ExitStack
from contextvars import ContextVar

from . import devices, graph
from .graph import Mode

__all__ = ["detect_anomaly"]


def detect_anomaly() -> Mode:
    """Stop at the first NaN or infinity, in the forward or the backward pass.

    The error names the op and the line of the user's code that called it.  Every result is
    looked at, so this is slow: for debugging.

    On a GPU it also raises what would pass without a word there: for arrays of indices out of range, which
    wrap around, and for singular matrices; and what is found late otherwise is found at once
    (`minigrad.later`).

    >>> x = Tensor([1.0, -1.0], requires_grad=True)
    >>> with np.errstate(invalid="ignore"), detect_anomaly():
    ...     try:
    ...         y = x.log()
    ...     except FloatingPointError as error:
    ...         print(error)
    log: the forward pass produced 1 NaN value in an output of shape (2,)
    """
    return _Strict(graph.anomaly, True)


class _Strict(Mode):
    """A mode inside of which CuPy raises for singular matrices, as NumPy does always."""

    #: What ends this, for each block that is open in this thread and task.
    _ends: ContextVar[tuple[ExitStack, ...]] = ContextVar("strict_modes", default=())

    def __enter__(self) -> None:
        super().__enter__()
        end = ExitStack()
        self._ends.set((*self._ends.get(), end))
        if "cupy" in sys.modules:
            self._begin(end)

    @staticmethod
    def _begin(end: ExitStack) -> None:
        try:
            cupyx = importlib.import_module("cupyx")
        except ImportError:  # a folder called cupy, not the package
            return
        end.enter_context(cupyx.errstate(linalg="raise"))

    @classmethod
    def begin_late(cls) -> None:
        """CuPy was imported inside of the blocks that are open."""
        for end in cls._ends.get():
            cls._begin(end)

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        *others, end = self._ends.get()
        self._ends.set(tuple(others))
        end.close()


devices.when_met.append(_Strict.begin_late)
