"""New tensors: filled, counted, like another one, or collected from nested lists of Tensors."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from .. import backend
from ..calling import holds_tensor
from ..primitive import composed
from ..tensor import Tensor, raw
from .conversion import to_device
from .join import stack

__all__ = [
    "arange", "array", "empty", "eye", "from_dlpack", "full", "full_like", "geomspace", "identity", "linspace",
    "logspace", "meshgrid", "ones", "tensor", "zeros",
]  # fmt: skip


def _creation(name: str, needs_dtype: bool) -> Any:
    """NumPy's creation function of this name, for Tensors."""
    numpy_function = getattr(np, name)

    def create(*args: Any, dtype: Any = None, device: str | None = None, requires_grad: bool = False, **kwargs: Any) -> Tensor:
        if needs_dtype:
            data = numpy_function(*args, dtype=dtype or backend.get_default_dtype(), **kwargs)
        else:
            data = numpy_function(*args, dtype=dtype, **kwargs)
            if dtype is None and data.dtype == np.float64:
                data = data.astype(backend.get_default_dtype())
        return data if isinstance(data, Tensor) else Tensor(data, device=device, requires_grad=requires_grad)

    create.__name__ = create.__qualname__ = name
    create.__doc__ = (
        f"A Tensor as `numpy.{name}` makes it: its arguments, and `dtype` (by default the default dtype where NumPy "
        "would give float64), `device`, `requires_grad`."
    )
    return create


zeros, ones, empty, eye, identity = (_creation(n, True) for n in ("zeros", "ones", "empty", "eye", "identity"))
arange, linspace, logspace, geomspace, _full = (
    _creation(n, False) for n in ("arange", "linspace", "logspace", "geomspace", "full")
)


def full(shape: Any, fill_value: Any, **options: Any) -> Any:
    """A Tensor filled with a value, which may be a Tensor itself; options as for `zeros`.

    >>> full((2,), 7.0)
    Tensor([7., 7.], dtype=float32)
    """
    return np.broadcast_to(fill_value, shape) if isinstance(fill_value, Tensor) else _full(shape, fill_value, **options)


tensor = Tensor


@composed(np.linspace, method=False)
def _linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, axis: int = 0) -> Any:
    """Evenly spaced numbers between two that may be Tensors.

    out_i = start + i (stop - start) / (num - 1)     (/ num without the end point)
    """
    start, stop = np.broadcast_arrays(start, stop)
    steps = np.cumsum(np.ones_like(raw(start), shape=(num,))) - 1
    steps = steps / builtins.max(num - 1 if endpoint else num, 1)
    steps = np.reshape(steps, (num, *(1,) * np.ndim(start)))
    return np.moveaxis(start * (1 - steps) + stop * steps, 0, axis)


@composed(np.logspace, method=False)
def _logspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, axis: int = 0) -> Any:
    """base to the power of evenly spaced numbers."""
    return base ** _linspace(start, stop, num, endpoint, axis)


@composed(np.geomspace, method=False)
def _geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, axis: int = 0) -> Any:
    """Numbers whose logarithms are evenly spaced."""
    out = np.exp(_linspace(np.log(start), np.log(stop), num, endpoint, axis))
    return out.astype(np.result_type(out.dtype, np.float64), copy=False)  # as NumPy


@composed(np.full_like, method=False)
def full_like(x: Any, fill_value: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """An array of the shape of x, filled with a value; the gradient of the value is the sum over it.

    >>> full_like(Tensor([1.0, 2.0]), 7.0)
    Tensor([7., 7.], dtype=float32)
    """
    if isinstance(fill_value, Tensor) and fill_value.requires_grad:
        return np.ones_like(x, dtype=dtype, shape=shape) * fill_value
    out = np.full_like(raw(x), raw(fill_value), dtype=dtype, shape=shape)
    return Tensor(out) if isinstance(x, Tensor) else out


def array(x: Any, dtype: Any = None, device: str | None = None) -> Tensor:
    """A Tensor from nested lists that may hold Tensors; their gradients flow on.

    >>> a = Tensor(2.0, requires_grad=True)
    >>> m = array([[a, 0.0], [1.0, a * a]])
    >>> m.sum().backward()
    >>> a.grad
    Tensor(5., dtype=float32)
    """

    def collect(value: Any) -> Any:
        if isinstance(value, (list, tuple)) and holds_tensor(value):
            return stack([collect(v) for v in value])
        return value if isinstance(value, Tensor) else Tensor(value)

    out = collect(x)
    if dtype is not None and out.dtype != dtype:
        out = out.astype(dtype)
    return out if device is None else to_device(out, device)


def from_dlpack(x: Any) -> Tensor:
    """A Tensor that shares the memory of another library's array (PyTorch's, JAX's, CuPy's ...).

    >>> from_dlpack(np.array([1.0, 2.0]))
    Tensor([1., 2.], dtype=float64)
    """
    kind = x.__dlpack_device__()[0]
    return Tensor(np.from_dlpack(x) if kind == 1 else backend.cupy().from_dlpack(x))


@composed(np.meshgrid, method=False)
def meshgrid(*arrays: Any, indexing: str = "xy", sparse: bool = False, copy: bool = True) -> tuple[Any, ...]:
    """Coordinate arrays of a grid, as numpy.meshgrid; `sparse` ones keep length 1 along the other axes.

    >>> [a.shape for a in meshgrid(Tensor([1.0, 2.0]), Tensor([1.0, 2.0, 3.0]))]
    [(3, 2), (3, 2)]
    """
    order = list(range(len(arrays)))
    if indexing == "xy" and len(arrays) > 1:
        order[:2] = [1, 0]
    shape = tuple(np.size(arrays[i]) for i in order)
    out = []
    for i, x in enumerate(arrays):
        lengths = [1] * len(arrays)
        lengths[order.index(i)] = np.size(x)
        line = np.reshape(x, lengths)
        out.append(line if sparse else np.broadcast_to(line, shape))
    return tuple(out)


