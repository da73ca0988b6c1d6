"""Random tensors from one default generator per device: one seed, one result.

NumPy's Philox on the cpu, CuPy's generator on a GPU.

The distributions of which a draw is a differentiable function of the parameters take Tensors for these: the gradient says
how the drawn number would move with the parameter (the pathwise, or reparametrised, gradient).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import backend
from ..ops.gamma import gamma_density, gammainc_slope
from ..primitive import primitive
from ..tensor import Tensor

__all__ = [
    "bernoulli", "beta", "chisquare", "dirichlet", "exponential", "gamma", "generator", "get_state", "gumbel", "laplace",
    "logistic", "lognormal", "manual_seed", "normal", "permutation", "rand", "randint", "randn", "set_state",
    "standard_gamma", "standard_t", "uniform",
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


def _parameters(*values: Any, dtype: Any = None, device: Any = None) -> tuple[Any, ...]:
    """The parameters of a distribution side by side: Tensors and arrays as they are, numbers in the default dtype."""
    if any(isinstance(v, Tensor) or backend.is_array(v) for v in values) and dtype is device is None:
        return values
    made = [v if isinstance(v, Tensor) else Tensor(v if backend.is_array(v) else float(v)) for v in values]
    placed = [v if device is None else v.to(device) for v in made]
    return tuple(v if dtype is None else v.to(dtype) for v in placed)


def _noise(draw: str, size: Any, *parameters: Any) -> Tensor:
    """Standard noise of the shape, dtype and device that the parameters ask for."""
    shape = np.broadcast_shapes(*map(np.shape, parameters)) if size is None else size
    dtype = np.result_type(*(getattr(p, "dtype", p) for p in parameters), np.float16)
    device = next((p.device for p in parameters if isinstance(p, Tensor)), "cpu")
    return Tensor(backend.as_array(getattr(generator(device), draw)(size=shape)).astype(dtype, copy=False))


def _open_uniform(size: Any, *parameters: Any) -> Tensor:
    """Uniform in (0, 1], whose logarithm is finite."""
    return 1 - _noise("random", size, *parameters)


def uniform(low: Any = 0.0, high: Any = 1.0, size: Any = None, dtype: Any = None, device: Any = None) -> Tensor:
    """Uniform in [low, high): out = low + (high - low) u.

    >>> uniform(Tensor([0.0, 5.0]), 6.0).shape
    (2,)
    """
    low, high = _parameters(low, high, dtype=dtype, device=device)
    return low + (high - low) * _noise("random", size, low, high)


def normal(loc: Any = 0.0, scale: Any = 1.0, size: Any = None, dtype: Any = None, device: Any = None) -> Tensor:
    """Normal with a mean and a standard deviation: out = loc + scale z.

    >>> loc = Tensor(0.0, requires_grad=True)
    >>> normal(loc, 2.0, size=3).sum().backward()
    >>> loc.grad
    Tensor(3., dtype=float32)
    """
    loc, scale = _parameters(loc, scale, dtype=dtype, device=device)
    return loc + scale * _noise("standard_normal", size, loc, scale)


def lognormal(mean: Any = 0.0, sigma: Any = 1.0, size: Any = None) -> Tensor:
    """The exponential of a normal variable: out = e^(mean + sigma z)."""
    return np.exp(normal(mean, sigma, size))  # type: ignore[return-value]


def exponential(scale: Any = 1.0, size: Any = None) -> Tensor:
    """Exponential with a mean: out = -scale log u."""
    (scale,) = _parameters(scale)
    return -scale * np.log(_open_uniform(size, scale))


def laplace(loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Tensor:
    """Laplace, exponential on both sides: out = loc + scale (e_1 - e_2), both e exponential."""
    loc, scale = _parameters(loc, scale)
    return loc + scale * (np.log(_open_uniform(size, loc, scale)) - np.log(_open_uniform(size, loc, scale)))


def logistic(loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Tensor:
    """Logistic: out = loc + scale (log u - log(1 - u))."""
    loc, scale = _parameters(loc, scale)
    u = _open_uniform(size, loc, scale)
    tiny = np.finfo(u.dtype).tiny
    return loc + scale * (np.log(u) - np.log(np.maximum(1 - u, tiny)))


def gumbel(loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Tensor:
    """Gumbel, the largest of many: out = loc - scale log(-log u)."""
    loc, scale = _parameters(loc, scale)
    return loc - scale * np.log(exponential(1.0 + 0.0 * scale, _size_of(size, loc, scale)))


def _size_of(size: Any, *parameters: Any) -> Any:
    return np.broadcast_shapes(*map(np.shape, parameters)) if size is None else size


@primitive(method=False, shape=lambda g, shape, out: -g * gammainc_slope(shape, out) / gamma_density(shape, out))
def standard_gamma(shape: Any) -> Any:
    """A gamma variable with a shape parameter, differentiated implicitly: P(shape, out) stays what it is.

    P(shape, out) = u
    dshape = -g (dP/dshape) / (dP/dout)              (Figurnov, Mohamed and Mnih, 2018; the gradient takes SciPy)

    >>> standard_gamma(np.array([1.0, 2.0])).shape
    (2,)
    """
    drawn = generator(backend.device_of(shape)).standard_gamma(shape)
    return backend.as_array(drawn).astype(shape.dtype) if backend.is_array(shape) else drawn


def gamma(shape: Any, scale: Any = 1.0, size: Any = None) -> Tensor:
    """Gamma with a shape and a scale: out = scale standard_gamma(shape); differentiable in both."""
    shape, scale = _parameters(shape, scale)
    size = _size_of(size, shape, scale)
    return scale * standard_gamma(np.broadcast_to(shape, size))


def chisquare(df: Any, size: Any = None) -> Tensor:
    """Sum of the squares of df standard normal variables: out = 2 standard_gamma(df / 2)."""
    return gamma(df / 2, 2.0, size)


def beta(a: Any, b: Any, size: Any = None) -> Tensor:
    """Beta: out = x / (x + y) with gamma variables x of shape a and y of shape b."""
    a, b = _parameters(a, b)
    size = _size_of(size, a, b)
    x, y = gamma(a, 1.0, size), gamma(b, 1.0, size)
    return x / (x + y)


def dirichlet(alpha: Any, size: Any = None) -> Tensor:
    """Points of the simplex with concentrations alpha, (..., n): gamma variables divided by their sum.

    >>> dirichlet(Tensor([1.0, 2.0, 3.0]), size=(4,)).sum(axis=-1).round(5).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    alpha = alpha if isinstance(alpha, Tensor) or backend.is_array(alpha) else Tensor(alpha)
    x = gamma(alpha, 1.0, None if size is None else (*np.atleast_1d(size).tolist(), *np.shape(alpha)))
    return x / np.sum(x, axis=-1, keepdims=True)


def standard_t(df: Any, size: Any = None) -> Tensor:
    """Student's t: out = z sqrt(df / x), z normal and x of `chisquare`."""
    (df,) = _parameters(df)
    size = _size_of(size, df)
    return _noise("standard_normal", size, df) * np.sqrt(df / chisquare(df, size))


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
