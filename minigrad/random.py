"""Random tensors from one default generator per device: one seed, one result.

NumPy's Philox on the cpu, CuPy's generator on a GPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import backend
from .tensor import Tensor

__all__ = [
    "bernoulli", "generator", "get_state", "manual_seed", "normal", "permutation", "rand", "randint", "randn",
    "set_state", "uniform",
]  # fmt: skip

_cpu = np.random.Generator(np.random.Philox(0))
_gpu: dict[str, Any] = {}


def manual_seed(seed: int) -> None:
    """Start the default generators of all devices anew.

    >>> manual_seed(0); a = rand(3); manual_seed(0); b = rand(3)
    >>> (a == b).all().item()
    True
    """
    global _cpu, _seed
    _seed = seed
    _cpu = np.random.Generator(np.random.Philox(seed))
    _gpu.clear()


_seed = 0


def generator(device: str = "cpu") -> Any:
    """The default generator of a device (a `numpy.random.Generator` on the cpu)."""
    if device == "cpu":
        return _cpu
    if device not in _gpu:
        _gpu[device] = backend.cupy().random.default_rng(_seed)
    return _gpu[device]


def get_state() -> dict[str, Any]:
    """The state of the cpu's generator, for `set_state` (a dict of numbers and arrays)."""
    return _cpu.bit_generator.state  # type: ignore[return-value]


def set_state(state: dict[str, Any]) -> None:
    """Go on where `get_state` was called.

    >>> state = get_state(); a = rand(3); set_state(state); b = rand(3)
    >>> (a == b).all().item()
    True
    """
    _cpu.bit_generator.state = state


def _shape(shape: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], Sequence) else shape


def _finish(x: Any, dtype: Any, device: str, requires_grad: bool) -> Tensor:
    array = backend.as_array(x).astype(dtype or backend.get_default_dtype(), copy=False)
    return Tensor(array, requires_grad=requires_grad)


def rand(*shape: Any, dtype: Any = None, device: str = "cpu", requires_grad: bool = False) -> Tensor:
    """Uniform in [0, 1).

    >>> rand(2, 3).shape
    (2, 3)
    """
    return _finish(generator(device).random(_shape(shape)), dtype, device, requires_grad)


def randn(*shape: Any, dtype: Any = None, device: str = "cpu", requires_grad: bool = False) -> Tensor:
    """Standard normal.

    >>> randn(2, 3).dtype
    dtype('float32')
    """
    return _finish(generator(device).standard_normal(_shape(shape)), dtype, device, requires_grad)


def uniform(low: float = 0.0, high: float = 1.0, size: Any = (), dtype: Any = None, device: str = "cpu") -> Tensor:
    """Uniform in [low, high)."""
    return _finish(low + (high - low) * generator(device).random(size), dtype, device, False)


def normal(loc: float = 0.0, scale: float = 1.0, size: Any = (), dtype: Any = None, device: str = "cpu") -> Tensor:
    """Normal with a mean and a standard deviation."""
    return _finish(loc + scale * generator(device).standard_normal(size), dtype, device, False)


def randint(low: int, high: int | None = None, size: Any = (), device: str = "cpu") -> Tensor:
    """Integers from low (inclusive) to high (exclusive); with one bound from 0.

    >>> 0 <= randint(10).item() < 10
    True
    """
    low, high = (0, low) if high is None else (low, high)
    return Tensor(backend.as_array(generator(device).integers(low, high, size)))


def bernoulli(p: Any, dtype: Any = None) -> Tensor:
    """1 with probability p, else 0, for each element of p (a Tensor or an array).

    >>> bernoulli(Tensor([0.0, 1.0])).tolist()
    [0.0, 1.0]
    """
    p = p if isinstance(p, Tensor) else Tensor(p)
    drawn = generator(p.device).random(p.shape) < p._data
    return Tensor(backend.as_array(drawn).astype(dtype or p.dtype))


def permutation(n: int, device: str = "cpu") -> Tensor:
    """0, 1, ... n - 1 in random order.

    >>> sorted(permutation(4).tolist())
    [0, 1, 2, 3]
    """
    return Tensor(np.argsort(generator(device).random(n)))  # CuPy's generator has no permutation
