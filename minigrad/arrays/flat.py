"""Many arrays of a GPU in one flat buffer.

What changes each number by itself, an optimizer's step say, then needs one call for all of them
instead of one for each.  The arrays stay what they were: each is a part of the buffer.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from itertools import chain
from sys import getrefcount
from typing import Any

import numpy as np

from ..backend import device_of
from ..devices import follow
from ..references import HELD

__all__ = ["Layout", "has_only", "is_alone"]

#: Each array begins at a multiple of so many elements: products of matrices want 16 bytes
#: at least, whole lines of the memory are 128.
_ALIGNED = 128

#: The parts that were made here, by id: their memory may be left without anybody missing it.
_parts: dict[int, weakref.ref[Any]] = {}


class Layout:
    """Where arrays of some shapes lie in a flat buffer, one after the other.

    Args:
        arrays: CuPy's, of one dtype, on one device.

    Attributes:
        shapes: of the arrays.
        size: the number of elements of a buffer.

    >>> layout = Layout([np.zeros(2), np.ones((2, 2))])
    >>> layout.starts, layout.size
    ([0, 128], 256)
    """

    def __init__(self, arrays: Sequence[Any]) -> None:
        self.shapes = [x.shape for x in arrays]
        lengths = [-(-x.size // _ALIGNED) * _ALIGNED for x in arrays]
        self.gaps = [n - x.size for n, x in zip(lengths, arrays, strict=True)]
        self.starts = [sum(lengths[:i]) for i in range(len(lengths))]
        self.size = sum(lengths)

    @follow
    def join(self, arrays: Sequence[Any]) -> Any:
        """A new buffer with the arrays in it, and zeros in the gaps between them.

        Args:
            arrays: of the layout's shapes and of one dtype, which need not be the layout's.
        """
        if not any(self.gaps):
            return np.concatenate(arrays, axis=None)
        zeros = _zeros_beside(arrays[0])
        pieces = chain.from_iterable((x, zeros[:gap]) if gap else (x,) for x, gap in zip(arrays, self.gaps, strict=True))
        return np.concatenate(list(pieces), axis=None)

    @follow
    def parts(self, buffer: Any) -> list[Any]:
        """The arrays that lie in a buffer; they share its memory.

        Each owns its part, as far as the record of in-place writes goes (`mark_mutated`): to write
        into one array says nothing of the others.
        """
        return [_part(buffer, start, shape) for start, shape in zip(self.starts, self.shapes, strict=True)]


#: Zeros for the gaps, by device and dtype.
_zeros: dict[tuple[str, str], Any] = {}


@follow
def _zeros_beside(x: Any) -> Any:
    """As many zeros as a gap has at most, with the dtype of x, where x is."""
    key = (device_of(x), x.dtype.char)
    if key not in _zeros:
        _zeros[key] = np.zeros_like(x, shape=(_ALIGNED,))
    return _zeros[key]


def _part(buffer: Any, start: int, shape: tuple[int, ...]) -> Any:
    """An array in the memory of a buffer that is no view of it.

    It has no base: `mark_mutated` follows bases, so that writing into one part would mark all of them.
    """
    offset = start * buffer.dtype.itemsize
    part = type(buffer)(shape, buffer.dtype, buffer.data + offset)
    key = id(part)
    _parts[key] = weakref.ref(part, lambda _: _parts.pop(key, None))
    return part


# ------------------------------------------------------------------------- who else has an array


def is_alone(holder: Any) -> bool:
    """Whether nobody but a tensor knows its array on a GPU, `holder.data`, or any view of its memory.

    Then the tensor can be given another array with the same values, and nobody sees a difference.  Of arrays in
    main memory nobody asks that, and it says False.
    """
    return getrefcount(holder.data) == HELD and _has_its_memory(holder.data)


def has_only(container: Any, key: Any) -> bool:
    """`is_alone` for an array in a dict or a list."""
    return getrefcount(container[key]) == HELD and _has_its_memory(container[key])


def _has_its_memory(x: Any) -> bool:
    """Whether no other array shares the memory of x, which may be a part of a buffer."""
    part = _parts.get(id(x))
    if part is not None and part() is x:
        return True
    if x.base is None:
        return _is_alone_but_for(0, x)
    if type(x.base) is not type(x) or getrefcount(x.base) != HELD or x.base.base is not None:
        return False
    return _is_alone_but_for(1, x) and _is_alone_but_for(1, x.base)


def _is_alone_but_for(others: int, x: Any) -> bool:
    """Whether the memory of an array was made for it, and only so many other arrays show it."""
    if not hasattr(getattr(x, "data", None), "mem"):  # NumPy's, or of a kind that is not known
        return False
    if type(x.data.mem).__name__ == "UnownedMemory":  # another library's
        return False
    return _references_to_memory(x) == _references_when_alone(x) + others


def _references_to_memory(x: Any) -> int:
    """Each array of CuPy's that shows a memory has the owner's pointer, or another one to this memory."""
    return getrefcount(x.data) + getrefcount(x.data.mem)


#: What `_references_to_memory` is for an array that has its memory for itself, by kinds of memory.
_alone: dict[type, int] = {}


@follow
def _references_when_alone(x: Any) -> int:
    kind = type(x.data.mem)
    if kind not in _alone:
        _alone[kind] = _references_to_memory(np.zeros_like(x, shape=(1,)))
    return _alone[kind]
