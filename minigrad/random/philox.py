"""Random numbers on a GPU: NumPy's Philox, of which each block of numbers follows from its place alone.

Philox is a function of a key and of a counter (Salmon et al., 2011), so the numbers of a whole array
come from one launch, and where a stream stands is one whole number, which a checkpoint keeps.  CuPy's
own generators do not show their state.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from operator import index
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from .. import backend
from ..kernels.cuda.launch import NoKernel, launch

__all__ = ["LIMIT", "Philox", "shape_of"]

#: A stream ends here, in blocks; it would take a GPU some years.
LIMIT = 2**63
#: The widest range of integers that one product maps a word to: no value is likelier than another by 2^-32.
_WIDEST = 2**32
#: The words of a block.
_WORDS = 4
_SOURCE = Path(__file__).with_name("philox.cu")


def _uniform(words: Any, dtype: Any) -> Any:
    """Uniform in [0, 1), as NumPy makes it of the bits: the low half of a word first."""
    if dtype == np.float32:
        return (words.view(np.uint32) >> np.uint32(8)).astype(dtype) * dtype.type(2.0**-24)
    return (words >> np.uint64(11)) * 2.0**-53


def _positive(bits: Any, dtype: Any) -> Any:
    """In (0, 1]: of a half of a word, or of a word."""
    if dtype == np.float32:
        return bits.astype(dtype) * dtype.type(2.0**-32) + dtype.type(2.0**-33)
    return ((bits >> np.uint64(11)) + np.uint64(1)) * 2.0**-53


def _normal(words: Any, dtype: Any) -> Any:
    """Two normal numbers of two uniform ones (Box and Muller, 1958)."""
    bits = words.view(np.uint32) if dtype == np.float32 else words
    first, second = bits[::2], bits[1::2]
    turn = second.astype(dtype) * dtype.type(2.0**-32) if dtype == np.float32 else _uniform(second, dtype)
    r, angle = np.sqrt(-2 * np.log(_positive(first, dtype))), dtype.type(2 * np.pi) * turn
    return np.stack([r * np.cos(angle), r * np.sin(angle)], axis=-1).reshape(-1)


def _exponential(words: Any, dtype: Any) -> Any:
    """Never 0, so that its logarithm is finite."""
    single = dtype == np.float32
    bits, least = (words.view(np.uint32), 2.0**-33) if single else (words, 2.0**-54)
    return np.maximum(-np.log(_positive(bits, dtype)), dtype.type(least))


def _integers(words: Any, dtype: Any, low: Any, span: Any) -> Any:
    """Whole numbers from low on, span of them: the upper word of the product of a word and the span."""
    half, mask = np.uint64(32), np.uint64(2**32 - 1)
    upper = (words >> half) * span + ((words & mask) * span >> half) >> half
    return upper.astype(dtype) + low


#: What a kernel makes of the words of its blocks, in NumPy.
_IN_NUMPY: dict[str, Callable[..., Any]] = {
    "uniform": _uniform, "normal": _normal, "exponential": _exponential, "integers": _integers,
}  # fmt: skip


class Philox:
    """A GPU's generator: the methods of NumPy's that minigrad uses, for arrays on that GPU.

    All devices share the key of a seed.  A GPU's counter begins at (0, 0, 0, number + 1), where the
    cpu's would come after 2^192 blocks.  Each draw begins with a new block of four words: `random`
    gives what NumPy's Philox gives there.

    Where the kernels are off (MINIGRAD_FAST=0), or cannot be compiled, NumPy computes the same numbers in main
    memory.  Uniform and whole ones are the same bits then; logarithms and sines of a GPU differ from NumPy's in
    the last bits, so normal and exponential numbers do too.

    Attributes:
        key: the two words of the seed.
        number: the GPU's.
        position: how many blocks were drawn so far.
    """

    def __init__(self, key: tuple[int, int], number: int, position: int = 0) -> None:
        self.key, self.number, self.position = key, number, position
        self._lock = Lock()

    def __reduce__(self) -> Any:
        """A copy, or one of a pickle, goes on from the same place with the same numbers."""
        with self._lock:
            return Philox, (self.key, self.number, self.position)

    def go_to(self, key: tuple[int, int], position: int) -> None:
        """Go on at another place, of the stream of another seed perhaps."""
        with self._lock:
            self.key, self.position = key, position

    def random(self, size: Any = None, dtype: Any = np.float64) -> Any:
        """Uniform in [0, 1)."""
        return self._drawn("uniform", size, _checked(dtype))

    def standard_normal(self, size: Any = None, dtype: Any = np.float64) -> Any:
        """Normal with mean 0 and standard deviation 1."""
        return self._drawn("normal", size, _checked(dtype))

    def standard_exponential(self, size: Any = None, dtype: Any = np.float64) -> Any:
        """Exponential with mean 1; never 0."""
        return self._drawn("exponential", size, _checked(dtype))

    def integers(
        self, low: Any, high: Any = None, size: Any = None, dtype: Any = np.int64, endpoint: bool = False
    ) -> Any:
        """Whole numbers from low to high; NumPy draws them in main memory where the bounds are arrays,
        or far apart."""
        low, high = (0, low) if high is None else (low, high)
        if np.ndim(low) or np.ndim(high):
            low, high = backend.on_host(low), backend.on_host(high)
            return self._from_host("integers", low, high, size, dtype, endpoint)
        low, span = int(low), int(high) - int(low) + bool(endpoint)
        kind = np.dtype(dtype)
        fits = kind.kind in "iu" and np.iinfo(kind).min <= low and low + span - 1 <= np.iinfo(kind).max
        if not fits or not 0 < span <= _WIDEST:
            return self._from_host("integers", low, low + span, size, dtype)
        drawn = self._drawn("integers", size, np.int64, np.int64(low), np.uint64(span))
        return drawn.astype(kind, copy=False)

    def bytes(self, length: int) -> bytes:
        """Random bytes, in main memory."""
        return self._host_draw("bytes", length)  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        """What CuPy's generator draws besides, each time by a new one whose seed follows from the place."""
        if name.startswith("_") or not hasattr(backend.cupy().random.Generator, name):
            raise AttributeError(name)
        return partial(self._from_cupy, name)

    @property
    def bit_generator(self) -> Philox:
        """Itself: `generator.bit_generator.state` is where it stands, as in NumPy."""
        return self

    @property
    def state(self) -> int:
        """The position."""
        return self.position

    @state.setter
    def state(self, position: int) -> None:
        self.go_to(self.key, position)

    def _take(self, blocks: int) -> int:
        """Where the next so many blocks begin, which nobody else gets."""
        with self._lock:
            start = self.position
            if start + blocks >= LIMIT:
                raise RuntimeError(f"random: the stream of cuda:{self.number} is used up: take another seed")
            self.position = start + blocks
        return start

    def _drawn(self, name: str, size: Any, dtype: Any, *options: Any) -> Any:
        """An array of numbers, by one launch."""
        shape, dtype = shape_of(size) or (), np.dtype(dtype)
        count = prod(shape)
        blocks = -(-count * dtype.itemsize // (8 * _WORDS))
        start = self._take(blocks)
        place = map(np.uint64, (start, self.number + 1, *self.key))
        real = dtype if dtype.kind == "f" else np.dtype(np.float64)
        try:
            with backend.on_gpu(self.number):
                out = backend.cupy().empty(shape, dtype)
                launch(_SOURCE, f"draw_{name}", blocks, (out, np.int64(count), *place, *options), real=real)
        except NoKernel:
            words = self._philox(start).random_raw(_WORDS * blocks)
            drawn = _IN_NUMPY[name](words, dtype, *options)
            return self._moved(drawn[:count].reshape(shape))
        return out

    def _moved(self, drawn: Any) -> Any:
        return backend.transfer(np.asarray(drawn), f"cuda:{self.number}")

    def _philox(self, position: int) -> np.random.Philox:
        return np.random.Philox(key=list(self.key), counter=[position, 0, 0, self.number + 1])

    def _host_draw(self, name: str, *args: Any) -> Any:
        """What NumPy draws from the same stream."""
        with self._lock:
            philox = self._philox(self.position)
            drawn = getattr(np.random.Generator(philox), name)(*args)
            self.position = int(philox.state["state"]["counter"][0])  # behind its last block
        return drawn

    def _from_host(self, name: str, *args: Any) -> Any:
        return self._moved(self._host_draw(name, *args))

    def _from_cupy(self, name: str, *args: Any, **kwargs: Any) -> Any:
        random = backend.cupy().random
        seed = np.random.SeedSequence([*self.key, self.number + 1, self._take(1)])
        with backend.on_gpu(self.number):
            return getattr(random.Generator(random.Philox4x3210(seed)), name)(*args, **kwargs)


def _checked(dtype: Any) -> Any:
    dtype = np.dtype(dtype)
    if dtype.name not in ("float32", "float64"):
        raise TypeError(f"random numbers are drawn as float32 or float64, not {dtype}")
    return dtype


def shape_of(size: Any) -> Any:
    """A size as CuPy takes it, a tuple of ints; None as it is.

    Raises:
        TypeError, ValueError: it is no integer from 0 on, nor several, as in NumPy.

    >>> shape_of(3), shape_of([2, 3]), shape_of(None)
    ((3,), (2, 3), None)
    """
    size = backend.as_sizes(size)
    if size is None:
        return None
    lengths = (size,) if np.ndim(size) == 0 else tuple(size)
    if any(isinstance(n, (bool, np.bool_)) for n in lengths):
        raise TypeError(f"a size is an integer, or several, got {size!r:.60}")
    shape = tuple(map(index, lengths))
    if min(shape, default=0) < 0:
        raise ValueError(f"a size must not be negative, got {size!r:.60}")
    return shape
