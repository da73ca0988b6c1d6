"""Compiled kernels kept on the disk for the next run, where that can be done; where not, they are compiled again."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import Any

from numba.core.caching import FunctionCache

__all__ = ["keep"]

#: Kernels are made of the functions in this file, which numba does not look at when it asks whether a kernel is fresh.
_PARTS = Path(__file__).with_name("scalar.py")


class _Cache(FunctionCache):
    """numba's cache, but that no fault of a file or a folder ever ends the computation."""

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        file = self._cache_file
        file._source_stamp = (file._source_stamp, hashlib.sha256(_PARTS.read_bytes()).digest())

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """A kept kernel; None where there is none, it cannot be read, or it is one for other types.

        Two processes that write at once may give one name to two kernels.
        """
        try:
            kept = super().load_overload(sig, target_context)
        except Exception:  # unpickling a damaged file may raise anything
            self._forget()
            return None
        return kept if kept is None or tuple(kept.signature.args) == tuple(sig) else None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception:  # no folder, no room, no right to write; or a damaged index, which is read first
            self._forget()

    def _forget(self) -> None:
        """Empty the index, so that the next run finds a whole one."""
        with contextlib.suppress(OSError):
            self.flush()


def keep(dispatcher: Any) -> Any:
    """Let a function that numba compiles be kept on the disk, if there is a place for that."""
    # RuntimeError, OSError: no place for it; AttributeError: compilation is turned off (NUMBA_DISABLE_JIT)
    with contextlib.suppress(RuntimeError, OSError, AttributeError):
        dispatcher._cache = _Cache(dispatcher.py_func)
    return dispatcher
