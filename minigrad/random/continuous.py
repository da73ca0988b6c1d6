"""Continuous distributions, of which a draw is a differentiable function of the parameters.

The gradient says how the drawn number would move with the parameter (the pathwise, or reparametrised,
gradient).  Names, arguments and their order are those of numpy.random; `dtype` and `device` say what the
numbers of parameters become, which otherwise get the default dtype on the cpu.  In the formulas u is
uniform in (0, 1], z standard normal, e = -log u standard exponential.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import backend, graph
from ..devices import follow
from ..ops.factorization import cholesky
from ..ops.gamma import gamma_density, gammainc_slope
from ..primitive import primitive
from ..tensor import Tensor, raw
from .state import (
    check_finite,
    check_not_negative,
    check_order,
    check_positive,
    device_of,
    drawing,
    noise,
    on_device,
    size_of,
)

__all__ = [
    "beta", "chisquare", "dirichlet", "exponential", "f", "gamma", "gumbel", "laplace", "logistic", "lognormal",
    "multivariate_normal", "normal", "pareto", "power", "rand", "randn", "random", "rayleigh", "standard_cauchy",
    "standard_exponential", "standard_gamma", "standard_normal", "standard_t", "triangular", "uniform", "weibull",
]  # fmt: skip


def _shape(shape: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], Sequence) else shape


def rand(*shape: Any, dtype: Any = None, device: Any = "cpu", requires_grad: bool = False) -> Tensor:
    """Uniform in [0, 1).

    Args:
        shape: the lengths of the axes, as numbers or as one tuple.

    >>> rand(2, 3).shape
    (2, 3)
    """
    return Tensor(noise("random", _shape(shape), dtype, device), requires_grad=requires_grad)


def randn(*shape: Any, dtype: Any = None, device: Any = "cpu", requires_grad: bool = False) -> Tensor:
    """Standard normal.

    Args:
        shape: the lengths of the axes, as numbers or as one tuple.

    >>> randn(2, 3).dtype
    dtype('float32')
    """
    return Tensor(noise("standard_normal", _shape(shape), dtype, device), requires_grad=requires_grad)


def _parameters(*values: Any, dtype: Any = None, device: Any = None) -> tuple[Any, ...]:
    """The parameters of a distribution side by side: Tensors and arrays as they are, numbers in the default dtype.

    Lists and NumPy's arrays go to the device of a GPU's Tensors.
    """
    if any(map(backend.holds_numpy, values)) and dtype is device is None:
        home = device_of(*values)
        if home == "cpu":
            return tuple(np.asarray(v) if isinstance(v, (list, tuple)) else v for v in values)
        return tuple(v if isinstance(v, Tensor) else on_device(v, home) for v in values)
    made = [_parameter(v) for v in values]
    placed = [v if device is None else v.to(device) for v in made]
    return tuple(v if dtype is None else v.to(dtype) for v in placed)


def _parameter(value: Any) -> Tensor:
    """A parameter as a Tensor: in its own dtype where it has one, else in the default."""
    if isinstance(value, Tensor):
        return value
    return Tensor(value, None if backend.holds_numpy(value) else backend.get_default_dtype())


def _noise(draw: str, size: Any, *parameters: Any) -> Tensor:
    """Standard noise of the shape, dtype and device that the parameters ask for."""
    shape = size_of(size, *parameters)
    dtype = np.result_type(*(getattr(p, "dtype", p) for p in parameters), np.float16)
    return Tensor(noise(draw, shape, dtype, device_of(*parameters)))


def _open_uniform(size: Any, *parameters: Any) -> Tensor:
    """Uniform in (0, 1], whose logarithm is finite."""
    return 1 - _noise("random", size, *parameters)


@follow
def uniform(low: Any = 0.0, high: Any = 1.0, size: Any = None, dtype: Any = None, device: Any = None) -> Tensor:
    """Uniform in [low, high): out = low + (high - low) u.

    >>> uniform(Tensor([0.0, 5.0]), 6.0).shape
    (2,)
    """
    low, high = _parameters(low, high, dtype=dtype, device=device)
    check_finite("uniform", low=low, high=high)
    check_order("uniform", low=low, high=high)
    return low + (high - low) * _noise("random", size, low, high)


@follow
def normal(loc: Any = 0.0, scale: Any = 1.0, size: Any = None, dtype: Any = None, device: Any = None) -> Tensor:
    """Normal with a mean and a standard deviation: out = loc + scale z.

    >>> loc = Tensor(0.0, requires_grad=True)
    >>> normal(loc, 2.0, size=3).sum().backward()
    >>> loc.grad
    Tensor(3., dtype=float32)
    """
    loc, scale = _parameters(loc, scale, dtype=dtype, device=device)
    check_not_negative("normal", scale=scale)
    return loc + scale * _noise("standard_normal", size, loc, scale)


@follow
def random(size: Any = None, *, dtype: Any = None, device: Any = "cpu") -> Tensor:
    """Uniform in [0, 1).

    >>> random((2, 3)).shape
    (2, 3)
    """
    return Tensor(noise("random", size, dtype, device))


@follow
def standard_normal(size: Any = None, *, dtype: Any = None, device: Any = "cpu") -> Tensor:
    """Normal with mean 0 and standard deviation 1.

    >>> standard_normal(3).shape
    (3,)
    """
    return Tensor(noise("standard_normal", size, dtype, device))


@follow
def standard_exponential(
    size: Any = None, *, dtype: Any = None, device: Any = "cpu"
) -> Tensor:
    """Exponential with mean 1.

    >>> bool((standard_exponential(3) > 0).all())
    True
    """
    return exponential(1.0, size, dtype=dtype, device=device)


@follow
def standard_cauchy(size: Any = None, *, dtype: Any = None, device: Any = "cpu") -> Tensor:
    """Cauchy, the quotient of two normal variables: out = tan(pi (u - 1/2)).

    >>> standard_cauchy(3).shape
    (3,)
    """
    (half,) = _parameters(0.5, dtype=dtype, device=device)
    return np.tan(np.pi * (_noise("random", () if size is None else size, half) - half))


@follow
def lognormal(
    mean: Any = 0.0, sigma: Any = 1.0, size: Any = None, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """The exponential of a normal variable: out = e^(mean + sigma z)."""
    mean, sigma = _parameters(mean, sigma, dtype=dtype, device=device)
    check_not_negative("lognormal", sigma=sigma)
    return np.exp(normal(mean, sigma, size, dtype, device))  # type: ignore[return-value]


@follow
def exponential(scale: Any = 1.0, size: Any = None, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Exponential with a mean: out = scale e."""
    (scale,) = _parameters(scale, dtype=dtype, device=device)
    check_not_negative("exponential", scale=scale)
    return -scale * np.log(_open_uniform(size, scale))


@follow
def laplace(
    loc: Any = 0.0, scale: Any = 1.0, size: Any = None, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """Laplace, exponential on both sides: out = loc + scale (e_1 - e_2)."""
    loc, scale = _parameters(loc, scale, dtype=dtype, device=device)
    check_not_negative("laplace", scale=scale)
    difference = np.log(_open_uniform(size, loc, scale)) - np.log(_open_uniform(size, loc, scale))
    return loc + scale * difference


@follow
def logistic(
    loc: Any = 0.0, scale: Any = 1.0, size: Any = None, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """Logistic: out = loc + scale (log u - log(1 - u))."""
    loc, scale = _parameters(loc, scale, dtype=dtype, device=device)
    check_not_negative("logistic", scale=scale)
    u = _open_uniform(size, loc, scale)
    tiny = np.finfo(u.dtype).tiny
    return loc + scale * (np.log(u) - np.log(np.maximum(1 - u, tiny)))


@follow
def gumbel(
    loc: Any = 0.0, scale: Any = 1.0, size: Any = None, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """Gumbel, the largest of many: out = loc - scale log e."""
    loc, scale = _parameters(loc, scale, dtype=dtype, device=device)
    check_not_negative("gumbel", scale=scale)
    return loc - scale * np.log(-np.log(_open_uniform(size, loc, scale)))


@follow
def rayleigh(scale: Any = 1.0, size: Any = None, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Rayleigh, the length of a normal vector of the plane: out = scale sqrt(2 e)."""
    (scale,) = _parameters(scale, dtype=dtype, device=device)
    check_not_negative("rayleigh", scale=scale)
    return scale * np.sqrt(-2 * np.log(_open_uniform(size, scale)))


@follow
def weibull(a: Any, size: Any = None, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Weibull with a shape: out = e^(1/a) for a standard exponential e."""
    (a,) = _parameters(a, dtype=dtype, device=device)
    check_not_negative("weibull", a=a)
    return (-np.log(_open_uniform(size, a))) ** (1 / a)


@follow
def pareto(a: Any, size: Any = None, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Pareto (Lomax) with a shape, from 0 on: out = u^(-1/a) - 1."""
    (a,) = _parameters(a, dtype=dtype, device=device)
    check_positive("pareto", a=a)
    return np.expm1(-np.log(_open_uniform(size, a)) / a)


@follow
def power(a: Any, size: Any = None, *, dtype: Any = None, device: Any = None) -> Tensor:
    """On [0, 1] with the density a x^(a-1): out = u^(1/a)."""
    (a,) = _parameters(a, dtype=dtype, device=device)
    check_positive("power", a=a)
    return np.exp(np.log(_open_uniform(size, a)) / a)


@follow
def triangular(
    left: Any, mode: Any, right: Any, size: Any = None, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """Triangular: a density that rises from left to mode and falls to right.

    out = left + sqrt(u w (mode - left)) for u w < mode - left, w = right - left
    out = right - sqrt((1 - u) w (right - mode)) else
    """
    left, mode, right = _parameters(left, mode, right, dtype=dtype, device=device)
    check_order("triangular", left=left, mode=mode)
    check_order("triangular", mode=mode, right=right)
    check_positive("triangular", **{"right - left": right - left})
    u = _noise("random", size, left, mode, right)
    width = right - left
    rises = raw(u * width < mode - left)
    square = np.where(rises, u * (mode - left), (1 - u) * (right - mode)) * width
    return np.where(rises, left + np.sqrt(square), right - np.sqrt(square))


@follow
def multivariate_normal(
    mean: Any, cov: Any, size: Any = None, check_valid: str = "warn", tol: float = 1e-8
) -> Tensor:
    """Normal vectors with a mean, (d,), and a covariance, (d, d): out = mean + L z, L L^T = cov.

    L is the Cholesky factor.  A covariance that is positive semidefinite only has none; then L comes
    from eigenvalues, and is a constant.

    Args:
        size: the shape of the stack of vectors; the result is (*size, d).
        check_valid: "warn", "raise" or "ignore", for a cov that is not symmetric and positive
            semidefinite to `tol`.

    >>> multivariate_normal(np.zeros(2), np.eye(2), size=(3,)).shape
    (3, 2)
    """
    mean, cov = (x if isinstance(x, Tensor) or backend.is_array(x) else Tensor(x).data for x in (mean, cov))
    mean, cov = _parameters(mean, cov)
    d = np.shape(mean)[-1] if np.ndim(mean) == 1 else -1
    if np.shape(cov) != (d, d):
        raise ValueError(
            "multivariate_normal: expected mean of shape (d,) and cov of shape (d, d), "
            f"got {np.shape(mean)} and {np.shape(cov)}"
        )
    root = _root_of(cov, check_valid, tol)
    shape = () if size is None else tuple(np.atleast_1d(size).tolist())
    z = _noise("standard_normal", (*shape, d), mean, cov)
    return mean + z @ np.swapaxes(root, -1, -2)


def _root_of(cov: Any, check_valid: str, tol: float) -> Any:
    """A matrix L with L L^T = cov."""
    if check_valid not in ("warn", "raise", "ignore"):
        raise ValueError(f"check_valid must be 'warn', 'raise' or 'ignore', got {check_valid!r}")
    plain = raw(cov)
    w, v = np.linalg.eigh(plain)
    if check_valid != "ignore":
        symmetric = np.allclose(plain, plain.T, rtol=tol, atol=tol)
        if not (symmetric and bool(w[0] >= -tol * abs(w[-1]))):
            message = "multivariate_normal: cov is not symmetric and positive semidefinite"
            if check_valid == "raise":
                raise ValueError(message)
            graph.warn(message, RuntimeWarning)
    if w[0] > 4 * np.finfo(w.dtype).eps * abs(w[-1]):
        return cholesky(cov)
    if isinstance(cov, Tensor) and cov.requires_grad:
        raise np.linalg.LinAlgError(
            "multivariate_normal: the gradient needs a cov that is positive definite, this one has the "
            f"eigenvalue {float(w[0]):.3g}; add a small multiple of the identity matrix"
        )
    return v * np.sqrt(np.maximum(w, 0))


def _gamma_rule(g: Any, shape: Any, out: Any) -> Any:
    return -g * gammainc_slope(shape, out) / gamma_density(shape, out)


@primitive(method=False, name="standard_gamma", shape=_gamma_rule)
def _standard_gamma(shape: Any) -> Any:
    """A gamma variable with a shape parameter, differentiated implicitly: P(shape, out) stays what it is.

    P(shape, out) = u
    dshape = -g (dP/dshape) / (dP/dout)              (Figurnov, Mohamed and Mnih, 2018; the gradient takes SciPy)
    """
    drawn = drawing("standard_gamma", backend.device_of(shape))(shape)
    return backend.as_array(drawn).astype(shape.dtype)


@follow
def standard_gamma(shape: Any, size: Any = None, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Gamma with a shape and scale 1.

    >>> standard_gamma(np.array([1.0, 2.0])).shape
    (2,)
    """
    (shape,) = _parameters(shape, dtype=dtype, device=device)
    check_not_negative("standard_gamma", shape=shape)
    shape = shape if isinstance(shape, Tensor) else Tensor(shape)
    return _standard_gamma(np.broadcast_to(shape, size_of(size, shape)))


@follow
def gamma(
    shape: Any, scale: Any = 1.0, size: Any = None, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """Gamma with a shape and a scale: out = scale standard_gamma(shape)."""
    shape, scale = _parameters(shape, scale, dtype=dtype, device=device)
    check_not_negative("gamma", shape=shape, scale=scale)
    home = device_of(shape, scale)
    return scale * standard_gamma(shape, size_of(size, shape, scale), device=home)


@follow
def chisquare(df: Any, size: Any = None, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Sum of the squares of df standard normal variables: out = 2 standard_gamma(df / 2)."""
    (df,) = _parameters(df, dtype=dtype, device=device)
    check_positive("chisquare", df=df)
    return 2.0 * standard_gamma(df / 2, size_of(size, df))


@follow
def f(
    dfnum: Any, dfden: Any, size: Any = None, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """Fisher's F: out = (x / dfnum) / (y / dfden), x and y of `chisquare`."""
    dfnum, dfden = _parameters(dfnum, dfden, dtype=dtype, device=device)
    check_positive("f", dfnum=dfnum, dfden=dfden)
    size, home = size_of(size, dfnum, dfden), device_of(dfnum, dfden)
    return (chisquare(dfnum, size, device=home) / dfnum) / (chisquare(dfden, size, device=home) / dfden)


@follow
def beta(a: Any, b: Any, size: Any = None, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Beta: out = x / (x + y) with gamma variables x of shape a and y of shape b."""
    a, b = _parameters(a, b, dtype=dtype, device=device)
    check_positive("beta", a=a, b=b)
    size, home = size_of(size, a, b), device_of(a, b)
    x, y = standard_gamma(a, size, device=home), standard_gamma(b, size, device=home)
    return x / (x + y)


@follow
def dirichlet(alpha: Any, size: Any = None, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Points of the simplex with concentrations alpha, (..., n): gamma variables divided by their sum.

    Args:
        size: the shape of the stack of points; the result is (*size, *alpha.shape).

    >>> dirichlet(Tensor([1.0, 2.0, 3.0]), size=(4,)).sum(axis=-1).round(5).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    alpha = alpha if isinstance(alpha, Tensor) or backend.is_array(alpha) else Tensor(alpha)
    (alpha,) = _parameters(alpha, dtype=dtype, device=device)
    check_not_negative("dirichlet", alpha=alpha)
    shape = None if size is None else (*np.atleast_1d(size).tolist(), *np.shape(alpha))
    x = standard_gamma(alpha, shape)
    return x / np.sum(x, axis=-1, keepdims=True)


@follow
def standard_t(df: Any, size: Any = None, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Student's t: out = z sqrt(df / x), x of `chisquare`."""
    (df,) = _parameters(df, dtype=dtype, device=device)
    check_positive("standard_t", df=df)
    size = size_of(size, df)
    return _noise("standard_normal", size, df) * np.sqrt(df / chisquare(df, size))
