"""Whether an array of the state that is another one than before is of the kind that a program was made for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import graph
from ..backend import address_of, is_plain
from ..tensor import Tensor
from .capture import bounds_of
from .program import Var
from .views import overlap

if TYPE_CHECKING:
    from .script import Script

__all__ = ["Apart", "Fits", "is_in_one_piece"]


def is_in_one_piece(source: Any) -> bool:
    """Whether the array that a source of the state gives now lies in one piece."""
    if source is None:
        return True
    array = source._array if isinstance(source, Tensor) else source if is_plain(source) else source.get()
    return not hasattr(array, "flags") or array.flags.c_contiguous  # the function may have put something else there


class Fits:
    """Looks at an array that stands where another one stood, and notes where it lies."""

    def __init__(self, script: Script, v: Var) -> None:
        self.script, self.v = script, v

    def __call__(self, x: Any) -> bool:
        if not is_plain(x) or x.shape != self.v.shape or x.dtype != self.v.dtype or not x.flags.c_contiguous:
            return False
        script = self.script
        script.layout.put(self.v, address_of(x))
        if self.v in script.written:
            script.writes.add(x)
        script.apart.moved(self.v, x)
        if self.v in script.written or script.written.intersection(script.arguments):
            script.owned[self.v] = graph.owner(x)
            script.owners.clear()
            script.owners.update(map(id, script.owned.values()))
        return True


class Apart:
    """Looks whether arrays of the state that are written share memory with others, once one of them lies elsewhere.

    Attributes:
        spans: where they begin and end.
        known: whether that has been looked at.
    """

    def __init__(self, written: set[Var]) -> None:
        self.written, self.known = written, True
        self.spans: dict[Var, tuple[int, int]] = {}

    def moved(self, v: Var, x: Any) -> None:
        """Note where an array lies now."""
        if self.written:
            self.known, self.spans[v] = False, bounds_of(x)

    def __call__(self) -> bool:
        self.known = not overlap([*self.spans.values()], {i for i, v in enumerate(self.spans) if v in self.written})
        return self.known
