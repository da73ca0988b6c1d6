"""New tensors: filled, counted, evenly spaced, like another one, or collected from nested lists.

The functions have NumPy's parameters, and `device` and `requires_grad`.  Where NumPy would choose
float64 for a result without being asked to, they take minigrad's default dtype (float32).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .. import backend, tracing
from ..arrays.batch import Batch, all_examples, newest
from ..calling import holds_tensor
from ..hints import check_dtype
from ..later import refuse_later
from ..primitive import composed
from ..tensor import Tensor, raw
from .conversion import clone, to_device
from .join import stack

__all__ = [
    "arange", "array", "asarray", "empty", "empty_like", "eye", "from_dlpack", "full", "full_like",
    "geomspace", "identity", "linspace", "logspace", "ones", "ones_like", "tensor", "tri", "zeros",
    "zeros_like",
]  # fmt: skip

tensor = Tensor


# -------------------------------------------------------------------------------------- filled


def zeros(
    shape: Any, dtype: Any = None, order: Any = "C", *,
    device: Any = None, like: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A Tensor of zeros.

    Args:
        shape: the lengths of the axes, or one number.
        dtype: by default the default dtype.
        like: an array or Tensor; the new one is of its kind, for example on its GPU.

    >>> zeros((2, 2))
    Tensor([[0., 0.],
            [0., 0.]], dtype=float32)
    """
    data = _new_array("zeros", like, device, backend.as_sizes(shape), _floating(dtype), order)
    return Tensor(data, requires_grad=requires_grad)


def ones(
    shape: Any, dtype: Any = None, order: Any = "C", *,
    device: Any = None, like: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A Tensor of ones; parameters as for `zeros`.

    >>> ones(2, dtype=int)
    Tensor([1, 1], dtype=int64)
    """
    data = _new_array("ones", like, device, backend.as_sizes(shape), _floating(dtype), order)
    return Tensor(data, requires_grad=requires_grad)


def empty(
    shape: Any, dtype: Any = None, order: Any = "C", *,
    device: Any = None, like: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A Tensor whose values are whatever the memory held; parameters as for `zeros`.

    >>> empty((2, 3)).shape
    (2, 3)
    """
    data = _new_array("empty", like, device, backend.as_sizes(shape), _floating(dtype), order)
    return Tensor(data, requires_grad=requires_grad)


def full(
    shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C", *,
    device: Any = None, like: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A Tensor filled with a value, which may be a Tensor itself: its gradient is the sum over all.

    Args:
        fill_value: the value, or an array or Tensor that broadcasts to the shape.

    >>> full((2,), 7.0)
    Tensor([7., 7.], dtype=float32)
    """
    if isinstance(fill_value, Tensor) and fill_value.requires_grad:
        return _filled(fill_value, shape, dtype or fill_value.dtype, device)
    value = raw(fill_value)
    if not isinstance(value, (int, float, complex, np.generic)):  # which go anywhere
        if device is None and like is None:
            device = backend.device_of(value)
        value = backend.beside(value, raw(like)) if device is None else backend.transfer(value, device)
    data = _new_array("full", like, device, backend.as_sizes(shape), value, _checked(dtype), order)
    if dtype is None:
        data = backend.in_default_dtype(data, fill_value)
    return Tensor(data, requires_grad=requires_grad)


def eye(
    N: int, M: int | None = None, k: int = 0, dtype: Any = None, order: Any = "C", *,
    device: Any = None, like: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """An (N, M) matrix, by default (N, N), with ones on its k-th diagonal and zeros elsewhere.

    >>> eye(2)
    Tensor([[1., 0.],
            [0., 1.]], dtype=float32)
    """
    data = _new_array("eye", like, device, *backend.as_sizes((N, M, k)), _floating(dtype), order)
    return Tensor(data, requires_grad=requires_grad)


def identity(
    n: int,
    dtype: Any = None,
    *,
    like: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The (n, n) identity matrix.

    >>> identity(2, int).tolist()
    [[1, 0], [0, 1]]
    """
    return eye(n, dtype=dtype, device=device, like=like, requires_grad=requires_grad)


def tri(
    N: int, M: int | None = None, k: int = 0, dtype: Any = None, *,
    like: Any = None, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """An (N, M) matrix with ones on and below its k-th diagonal and zeros above.

    >>> tri(2, dtype=int).tolist()
    [[1, 0], [1, 1]]
    """
    data = _new_array("tri", like, device, *backend.as_sizes((N, M, k)), _floating(dtype))
    return Tensor(data, requires_grad=requires_grad)


def _floating(dtype: Any) -> Any:
    return backend.get_default_dtype() if dtype is None else _checked(dtype)


def _checked(dtype: Any) -> Any:
    """A dtype or None, as it is; an error for what is none, as the 3 of `zeros(2, 3)`."""
    check_dtype(dtype)
    return dtype


#: How many arguments come first that are sizes or bounds, of functions where these are several.
_SIZES = {"arange": 3, "eye": 3, "tri": 3}


def _new_array(name: str, like: Any, device: Any, *args: Any) -> Any:
    """What NumPy's or CuPy's function of that name makes: on a device, by default on that of `like`."""
    sizes = _SIZES.get(name, 1)
    if device is None and like is None and sizes == 1 and type(args[0]) in (int, tuple):
        return _on_host(name, args)
    args = (*map(backend.as_sizes, args[:sizes]), *args[sizes:])
    if device is None and like is None:
        return _on_host(name, args)
    of = raw(like)
    if device is None:
        device = backend.device_of(of)
    number = backend.parse_device(device)
    if isinstance(of, Batch):  # one array for each example
        with backend.on_gpu(number):
            return getattr(np, name)(*args, like=of)
    if number is None:
        return _on_host(name, args)
    backend.check_gpu(number)
    with backend.on_gpu(number):
        return getattr(backend.cupy(), name)(*args)


def _on_host(name: str, args: Any) -> Any:
    """NumPy's array; where `compile` traces, one that traced values can be written into."""
    writer = tracing.recorder.get()
    if writer is None or name not in ("zeros", "ones", "empty", "full"):
        return getattr(np, name)(*args)
    return writer.call(getattr(np, name), args, {})


def _filled(value: Tensor, shape: Any, dtype: Any, device: Any) -> Tensor:
    """An array full of a value that requires a gradient."""
    out = np.broadcast_to(value if value.dtype == dtype else value.astype(dtype), shape)
    return out if device is None else to_device(out, device)  # type: ignore[arg-type, return-value]


# ------------------------------------------------------------------------------- like another one


@composed(np.zeros_like)
def zeros_like(
    a: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    """Zeros in the shape and dtype of an array, or in those given; a constant.

    >>> zeros_like(Tensor([1.0, 2.0]))
    Tensor([0., 0.], dtype=float32)
    """
    return _new(a, _made_like(np.zeros_like, raw(a), dtype, order, subok, shape), device)


@composed(np.ones_like)
def ones_like(
    a: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    """Ones in the shape and dtype of an array, or in those given; a constant.

    >>> ones_like(Tensor([1.0, 2.0]), shape=3)
    Tensor([1., 1., 1.], dtype=float32)
    """
    return _new(a, _made_like(np.ones_like, raw(a), dtype, order, subok, shape), device)


@composed(np.empty_like)
def empty_like(
    prototype: Any,
    /,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    """An array without values, in the shape and dtype of another one, or in those given.

    Args:
        prototype: the other array.

    >>> empty_like(Tensor([1.0, 2.0]), dtype=int).dtype
    dtype('int64')
    """
    return _new(prototype, _made_like(np.empty_like, raw(prototype), dtype, order, subok, shape), device)


@composed(np.full_like, method=False)
def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: bool = True,
    shape: Any = None, *, device: Any = None,
) -> Any:  # fmt: skip
    """An array of the shape of `a`, filled with a value, whose gradient is the sum over all.

    Args:
        fill_value: the value, or an array or Tensor that broadcasts to the shape.

    >>> full_like(Tensor([1.0, 2.0]), 7.0)
    Tensor([7., 7.], dtype=float32)
    """
    if isinstance(fill_value, Tensor) and (fill_value.requires_grad or newest(fill_value._array)):
        dtype = backend.as_operand(a).dtype if dtype is None else dtype
        return _filled(fill_value, np.shape(a) if shape is None else shape, dtype, device)
    value = raw(fill_value)
    if not isinstance(value, (int, float, complex, np.generic)):  # which go anywhere
        _, value = backend.side_by_side(raw(a), value)
        places = {"a": backend.device_of(raw(a)), "fill_value": backend.device_of(value)}
        if (error := backend.apart(places, "full_like")) is not None:
            raise error
    out = _made_like(partial(np.full_like, fill_value=value), raw(a), dtype, order, subok, shape)
    return _new(a if isinstance(a, Tensor) else fill_value, out, device)


def _made_like(
    make: Callable[..., Any], a: Any, dtype: Any, order: Any, subok: bool, shape: Any
) -> Any:
    """What `make` makes.  CuPy knows no subclasses, and takes the shape () for no shape."""
    options = {} if subok else {"subok": False}
    if shape == () and not isinstance(a, np.ndarray):
        return np.reshape(make(a, dtype=dtype, order=order, shape=(1,), **options), ())
    return make(a, dtype=dtype, order=order, shape=shape, **options)


def _new(a: Any, data: Any, device: Any) -> Any:
    """The data as a Tensor where a function got one, on the device asked for."""
    if isinstance(a, Tensor):
        return Tensor(data, device=device)
    return data if device is None else backend.transfer(data, device)


# --------------------------------------------------------------------------------- evenly spaced


def arange(
    start_or_stop: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None,
    device: Any = None, like: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """start, start + step, ... up to stop, without stop itself; `arange(n)` counts from 0.

    Args:
        start_or_stop: where to begin; with one number alone it is `stop`.
        stop: where to end.
        step: the difference of two neighbours.

    >>> arange(3), arange(0.0, 1.0, 0.5)
    (Tensor([0, 1, 2], dtype=int64), Tensor([0. , 0.5], dtype=float32))
    """
    bounds = [raw(x) for x in (start_or_stop, stop, step)]
    for x in (start_or_stop, stop, step):
        if isinstance(x, Tensor) and x.requires_grad:
            raise TypeError(
                "arange: how many elements there are has no gradient: use linspace"
            )
    data = _new_array("arange", like, device, *backend.as_sizes(bounds), _checked(dtype))
    if dtype is None:
        data = backend.in_default_dtype(data, *bounds)
    return Tensor(data, requires_grad=requires_grad)


@composed(np.linspace, method=False)
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False,
    dtype: Any = None, axis: int = 0, *, device: Any = None, requires_grad: bool = False,
) -> Any:  # fmt: skip
    """Evenly spaced numbers between two that may be arrays, and Tensors with gradients.

    out_i = start + i (stop - start) / (num - 1)     (/ num without the end point)

    Args:
        num: how many.
        endpoint: whether the last one is `stop`.
        retstep: return (numbers, step).
        axis: of the result, along which they lie.

    >>> linspace(0.0, 1.0, 3)
    Tensor([0. , 0.5, 1. ], dtype=float32)
    """
    rounded = dtype is not None and np.dtype(dtype).kind in "biu"  # then there is no gradient
    if _requires_grad(start, stop) and not rounded:
        out, step = _spaced(start, stop, operator.index(num), endpoint, dtype, axis)
        out = out if device is None else to_device(out, device)
    else:
        low, high = backend.side_by_side(raw(start), raw(stop))
        out, step = np.linspace(low, high, num, endpoint, retstep=True, dtype=dtype, axis=axis)
        out = _made(out, (start, stop), dtype, device, requires_grad)
        step = _made(backend.as_array(step), (start, stop), None, device, False)
    return (out, step) if retstep else out


def _spaced(
    start: Any, stop: Any, num: int, endpoint: bool, dtype: Any, axis: int
) -> tuple[Any, Any]:
    """`linspace` of Tensors, made of ops: (numbers, step)."""
    if num < 0:
        raise ValueError(f"linspace: the number of samples must not be negative, got {num}")
    start, stop = (backend.as_operand(x) if np.ndim(x) else x for x in (start, stop))
    known = start if isinstance(start, Tensor) else stop
    inexact = np.result_type(
        *(getattr(x, "dtype", x) for x in (start, stop)), 0.0
    )  # Python's numbers are weak
    parts = num - 1 if endpoint else num
    shares = np.arange(num) / max(parts, 1)
    shares = backend.beside(
        shares.reshape(num, *(1,) * max(np.ndim(start), np.ndim(stop))).astype(inexact), known
    )
    out = start + (stop - start) * shares
    if endpoint and num > 1:  # the last number is exactly the end
        out = np.where(raw(shares) == 1, stop, out)
    out = np.moveaxis(out, 0, axis)
    out = out if dtype is None else out.astype(dtype)
    return out, (stop - start) / parts if parts > 0 else np.nan


@composed(np.logspace, method=False)
def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0,
    dtype: Any = None, axis: int = 0, *, device: Any = None, requires_grad: bool = False,
) -> Any:  # fmt: skip
    """A base to the power of evenly spaced numbers; all three may be Tensors with gradients.

    out_i = base^(start + i (stop - start) / (num - 1))

    Args:
        start, stop: the first exponent and the last.
        num: how many.
        base: what is raised to these powers.
        axis: where the numbers stand in the result, if start, stop or base are arrays.

    >>> logspace(0.0, 2.0, 3)
    Tensor([  1.,  10., 100.], dtype=float32)
    """
    if not _requires_grad(start, stop, base):
        low, high, of = backend.side_by_side(raw(start), raw(stop), raw(base))
        out = np.logspace(low, high, num, endpoint, of, dtype, axis)
        return _made(out, (start, stop, base), dtype, device, requires_grad)
    if np.ndim(base):
        ndim = max(map(np.ndim, (start, stop, base)))
        start, stop, base = (
            np.reshape(x, (1,) * (ndim - np.ndim(x)) + tuple(np.shape(x)))
            for x in (start, stop, base)
        )
        base = np.expand_dims(base, axis)
    exponents, _ = _spaced(start, stop, operator.index(num), endpoint, None, axis)
    out = base**exponents
    out = out if dtype is None else out.astype(dtype)
    return out if device is None else to_device(out, device)


@composed(np.geomspace, method=False)
def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0,
    *, device: Any = None, requires_grad: bool = False,
) -> Any:  # fmt: skip
    """Numbers of which each is the same multiple of the one before; of Tensors with gradients too.

    out_i = start (stop / start)^(i / (num - 1))

    Args:
        start, stop: the first number and the last.
        num: how many.
        axis: where the numbers stand in the result, if start and stop are arrays.

    >>> geomspace(1.0, 100.0, 3)
    Tensor([  1.,  10., 100.], dtype=float32)
    """
    num, axis = backend.as_sizes(num), backend.as_sizes(axis)
    on_cpu = all(backend.device_of(raw(x)) == "cpu" for x in (start, stop))
    if on_cpu and not _requires_grad(start, stop):  # CuPy has no geomspace
        out = np.geomspace(raw(start), raw(stop), num, endpoint, dtype, axis)
        return _made(out, (start, stop), dtype, device, requires_grad)
    start, stop = (backend.as_operand(x) if np.ndim(x) else x for x in (start, stop))
    if dtype is not None and np.dtype(dtype).kind == "c":  # by way of which the sign may turn
        start, stop = start + 0j, stop + 0j
    for x in (start, stop):
        words = "geomspace: a geometric sequence holds no zero"
        refuse_later(all_examples(raw(x)) == 0, partial(ValueError, words))
    grown, _ = _spaced(0.0 * start, np.log(stop / start), operator.index(num), endpoint, None, 0)
    out = start * np.exp(grown)
    place = np.reshape(np.arange(num), (num, *(1,) * (np.ndim(out) - 1)))
    out = np.where(backend.beside(place == 0, out), start, out)  # the ends are exact, also where a logarithm is NaN
    if endpoint and num > 1:
        out = np.where(backend.beside(place == num - 1, out), stop, out)
    out = np.moveaxis(out, 0, axis).astype(
        dtype or np.result_type(out.dtype, np.float64)
    )  # as NumPy
    return out if device is None else to_device(out, device)


def _requires_grad(*values: Any) -> bool:
    return any(isinstance(x, Tensor) and x.requires_grad for x in values)


def _made(data: Any, inputs: Any, dtype: Any, device: str | None, requires_grad: bool) -> Tensor:
    """NumPy's result as a Tensor: of Python's numbers alone in the default dtype."""
    if dtype is None:
        data = backend.in_default_dtype(data, *inputs)
    return Tensor(data, device=device, requires_grad=requires_grad)


# ----------------------------------------------------------------------------- from what there is


def array(
    object: Any, dtype: Any = None, *, copy: bool | None = True, order: Any = "K",  # noqa: A002
    subok: bool = False, ndmin: int = 0, like: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A Tensor from an array, a number or nested lists that may hold Tensors; gradients flow on.

    Args:
        object: what to make it of.
        copy: True copies an array or Tensor, None only where that is needed; False: an error there.
        order: "K", "A" or "C"; "F" is an error, as tensors have no layout that can be chosen.
        ndmin: at least so many axes; new ones are put in front.
        like: the Tensor is made on the device of this one.

    >>> a = Tensor(2.0, requires_grad=True)
    >>> m = array([[a, 0.0], [1.0, a * a]])
    >>> m.sum().backward()
    >>> a.grad
    Tensor(5., dtype=float32)
    """
    if order not in ("K", "A", "C", None):
        raise ValueError(
            f"array: order {order!r} is not supported; tensors have no order in memory"
        )
    if copy is False and (not backend.is_array(object) or dtype not in (None, object.dtype)):
        raise ValueError("array: copy=False, but a copy is needed: write copy=None")
    out = _collected(object, dtype)
    if copy and backend.is_array(object) and raw(out) is raw(object):
        out = clone(out)
    if out.ndim < ndmin:
        out = np.reshape(out, (1,) * (ndmin - out.ndim) + out.shape)
    if like is not None and device is None:
        device = backend.device_of(raw(like))
    out = out if device is None else to_device(out, device)
    return out.requires_grad_() if requires_grad and not out.requires_grad else out


def _collected(value: Any, dtype: Any) -> Any:
    """A Tensor from nested lists, by stacking those that hold Tensors."""
    if isinstance(value, (list, tuple)) and holds_tensor(value):
        out = stack([_collected(v, None) for v in value])
    else:
        out = value if isinstance(value, Tensor) else Tensor(value, dtype)
    return out if dtype is None or out.dtype == dtype else out.astype(dtype)


def asarray(
    a: Any, dtype: Any = None, order: Any = None, *, device: Any = None,
    copy: bool | None = None, like: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """As `array`, without a copy of what is an array or Tensor already.

    Args:
        order: as for `array`.
        copy: True copies, None only where that is needed; False: an error there.

    >>> x = Tensor([1.0, 2.0])
    >>> asarray(x) is x
    True
    """
    return array(
        a, dtype, copy=copy, order=order, like=like, device=device, requires_grad=requires_grad
    )


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A Tensor that shares the memory of another library's array (PyTorch's, JAX's, CuPy's ...).

    Args:
        device: move it there.
        copy: True copies the memory, False is an error where that is needed.

    >>> from_dlpack(np.array([1.0, 2.0]))
    Tensor([1., 2.], dtype=float64)
    """
    kind, number = x.__dlpack_device__()
    options: dict[str, Any] = {} if copy is None else {"copy": copy}
    if kind not in (1, 2):  # of DLPack's list: main memory, and the memory of a CUDA GPU
        raise ValueError(f"from_dlpack: x is on a device of DLPack's kind {kind}; minigrad knows 1 (cpu) and 2 (CUDA)")
    if kind == 1:
        out = Tensor(np.from_dlpack(x, **options))
    else:
        with backend.on_gpu(number):
            out = Tensor(backend.cupy().from_dlpack(x, **options))
    return out if device is None else to_device(out, device)
