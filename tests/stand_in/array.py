"""`cupy.ndarray` of the stand-in: NumPy's array underneath, reached by nothing but what CuPy has."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from . import function, table, ufunc, values
from .counts import launched, synchronised, uploaded
from .device import Device, current, settings
from .graphs import captured
from .launches import has_mask, of_reading, of_writing
from .memory import MemoryPointer, PooledMemory

__all__ = ["index_of", "ndarray", "wrap"]


class ndarray(NDArrayOperatorsMixin):
    """An array on a pretended GPU."""

    __module__ = "cupy"
    __hash__ = None  # type: ignore[assignment]
    __array_priority__ = 100

    _a: np.ndarray
    _device: int
    #: The array whose memory this one shows.
    base: ndarray | None = None
    _memory: PooledMemory

    def __init__(self, shape: Any, dtype: Any = float, memptr: Any = None, strides: Any = None, order: str = "C") -> None:
        if memptr is None:
            self._a = np.empty(shape, dtype, order)
            self._device, self._memory = current(), PooledMemory(self._a)
        else:
            self._a = memptr.array(shape, dtype)
            self._device, self._memory = memptr.device_id, memptr.mem

    # ------------------------------------------------------------------ NumPy's protocols

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array explicitly."
        )

    def __array_ufunc__(self, ufunc_: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        own = ufunc.ufunc_of("cupy", ufunc_.__name__) or function.function("cupy", ufunc_.__name__)
        if own is None or not all(isinstance(x, (ndarray, np.ndarray, *values.SCALARS)) for x in inputs):
            return NotImplemented
        if "out" in kwargs:
            if len(kwargs["out"]) != 1:
                raise ValueError("The 'out' parameter must have exactly one array value")
            kwargs["out"] = kwargs["out"][0]
        return (own if method == "__call__" else getattr(own, method))(*inputs, **kwargs)

    def __array_function__(self, called: Any, types: Any, args: Any, kwargs: Any) -> Any:
        module = f"cupy.{called.__module__}".replace(".numpy", "")
        own = function.function(module, called.__name__)
        if any(t not in (ndarray, np.ndarray) for t in types):
            return NotImplemented
        if own is not None:
            return own.from_numpy(called, args, kwargs)
        one = ufunc.ufunc_of(module, called.__name__)
        return NotImplemented if one is None else one(*args, **kwargs)

    # ------------------------------------------------------------------ what waits for the device

    def get(self, stream: Any = None, order: str = "C", out: Any = None, blocking: bool = True) -> Any:
        synchronised("get")
        if out is not None:
            out[...] = self._a
            return out
        return np.array(self._a, order=order if order != "A" else "K")

    def item(self, *index: Any) -> Any:
        synchronised("item")
        return self._a.item(*index)

    def tolist(self) -> Any:
        synchronised("tolist")
        return self._a.tolist()

    def tobytes(self) -> bytes:
        synchronised("tobytes")
        return self._a.tobytes()

    def __bool__(self) -> bool:
        synchronised("bool")
        return bool(self._a)

    def __int__(self) -> int:
        synchronised("int")
        return int(self._a)

    def __float__(self) -> float:
        synchronised("float")
        return float(self._a)

    def __complex__(self) -> complex:
        synchronised("complex")
        return complex(self._a)

    def __format__(self, spec: str) -> str:
        synchronised("format")
        return format(self._a, spec)

    def __repr__(self) -> str:
        synchronised("repr")
        return repr(self._a)

    def __reduce__(self) -> Any:
        return restored, (self.get(),)

    # ------------------------------------------------------------------ indexing

    @captured
    def __getitem__(self, index: Any) -> Any:
        given = values.Given("getitem")
        raw = index_of(given, index, self.shape)
        given.arrays.append(self)
        result = self._a[raw]
        if isinstance(result, np.ndarray) and not given.is_view(result):
            given.check_device(self)
        if not given.is_view(result):
            count_index(raw, self.ndim)
        return given.wrapped(result if isinstance(result, np.ndarray) else self._a[(*tuple_of(raw), ...)])

    @captured
    def __setitem__(self, index: Any, value: Any) -> None:
        given = values.Given("setitem")
        if not isinstance(value, (ndarray, *values.SCALARS)):
            values.refuse("setitem", value)
        raw = index_of(given, index, self.shape)
        given.check_device(self)
        new = given.raw(value)
        if has_mask(raw):
            synchronised("mask index")
        launched("setitem", of_writing(raw, self.ndim, new))
        self._a[raw] = new
        if np.size(new) > 1:
            write_backwards(self._a, raw, new)

    def __len__(self) -> int:
        return len(self._a)

    def __iter__(self) -> Any:
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self._a)))

    # ------------------------------------------------------------------ attributes

    @property
    def data(self) -> MemoryPointer:
        """Where the array lies: nowhere if it is empty; arrays that share memory have one `.mem`."""
        return MemoryPointer(self._memory, self._a.__array_interface__["data"][0] if self.size else 0, self._device)

    shape = property(lambda self: self._a.shape)
    dtype = property(lambda self: self._a.dtype)
    ndim = property(lambda self: self._a.ndim)
    size = property(lambda self: self._a.size)
    itemsize = property(lambda self: self._a.itemsize)
    nbytes = property(lambda self: self._a.nbytes)
    strides = property(lambda self: self._a.strides)
    flags = property(lambda self: Flags(self._a.flags))
    device = property(lambda self: Device(self._device))
    T = property(lambda self: wrap_view(self._a.T, self))
    mT = property(lambda self: wrap_view(self._a.mT, self))

    @property
    def real(self) -> ndarray:
        return wrap_view(self._a.real, self)

    @real.setter
    def real(self, value: Any) -> None:
        self.real[...] = value

    @property
    def imag(self) -> ndarray:
        return wrap_view(self._a.imag, self)

    @imag.setter
    def imag(self, value: Any) -> None:
        self.imag[...] = value

    # ------------------------------------------------------------------ methods that are no function

    @captured
    def astype(self, dtype: Any, order: str = "K", casting: Any = None, subok: Any = None, copy: bool = True) -> Any:
        if not copy and self.dtype == np.dtype(dtype):
            return self
        launched("astype")
        return wrap(self._a.astype(dtype, order=order), self._device)

    @captured
    def copy(self, order: str = "C") -> ndarray:
        launched("copy")
        return wrap(self._a.copy(order), current())  # from wherever it is

    def __copy__(self) -> ndarray:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> ndarray:
        return self.copy()

    @captured
    def flatten(self, order: str = "C") -> ndarray:
        launched("copy")
        return wrap(self._a.flatten(order), self._device)

    def view(self, dtype: Any = None) -> ndarray:
        return wrap_view(self._a.view() if dtype is None else self._a.view(dtype), self)

    def fill(self, value: Any) -> None:
        self[...] = value

    @captured
    def sort(self, axis: int = -1) -> None:
        launched("sort")
        self._a.sort(axis)

    @captured
    def partition(self, kth: Any, axis: int = -1) -> None:
        launched("partition")
        self._a.partition(kth, axis)

    def set(self, array: np.ndarray, stream: Any = None) -> None:
        uploaded()
        self._a[...] = array

    def reshape(self, *shape: Any, order: str = "C") -> ndarray:
        return call("reshape", self, shape[0] if len(shape) == 1 else shape, order=order)

    def transpose(self, *axes: Any) -> ndarray:
        return call("transpose", self, (axes[0] if len(axes) == 1 else axes) or None)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (2, self._device)


#: Methods that are the function of their name, as in CuPy.
METHODS = (
    "all", "any", "argmax", "argmin", "argpartition", "argsort", "choose", "clip", "compress", "conj",
    "conjugate", "cumprod", "cumsum", "diagonal", "dot", "max", "mean", "min", "nonzero", "prod", "ptp",
    "put", "ravel", "repeat", "round", "searchsorted", "squeeze", "std", "sum", "swapaxes", "take",
    "trace", "var",
)  # fmt: skip


def call(name: str, x: ndarray, *args: Any, **kwargs: Any) -> Any:
    found = function.function("cupy", name) or ufunc.ufunc_of("cupy", name)
    assert found is not None
    return found(x, *args, **kwargs)


def method(name: str) -> Any:
    def run(self: ndarray, *args: Any, **kwargs: Any) -> Any:
        return call(name, self, *args, **kwargs)

    run.__name__ = name
    return run


for _name in METHODS:
    setattr(ndarray, _name, method(_name))
assert all(hasattr(ndarray, name) or name in table.NOT_PRETENDED for name in table.names("cupy.ndarray"))


class Flags:
    """`cupy.ndarray.flags`: there is no `writeable`."""

    def __init__(self, flags: Any) -> None:
        self.c_contiguous = flags.c_contiguous
        self.f_contiguous = flags.f_contiguous
        self.fnc, self.forc, self.owndata = flags.fnc, flags.forc, flags.owndata

    def __getitem__(self, name: str) -> bool:
        return getattr(self, {"C": "c_contiguous", "F": "f_contiguous"}.get(name[0], name.lower()))


def write_backwards(a: np.ndarray, index: Any, values: np.ndarray) -> None:
    """Write at an index of whole numbers once more, the last value first: on a GPU any of several for one place may stay."""
    places = np.arange(a.size).reshape(a.shape)[index]
    if any(isinstance(i, (np.ndarray, list)) for i in tuple_of(index)) and np.unique(places).size < places.size:
        each = np.empty(places.shape, a.dtype)
        each[...] = values
        a[np.unravel_index(places.reshape(-1)[::-1], a.shape)] = each.reshape(-1)[::-1]


def wrap(a: np.ndarray, device: int) -> ndarray:
    """NumPy's array as one of the device; no copy."""
    out = object.__new__(ndarray)
    out._a = a
    out._device, out._memory = device, PooledMemory(a)
    return out


def wrap_view(a: np.ndarray, of: ndarray) -> ndarray:
    """A view of an array as one of its device; its `base` is the array that owns the memory."""
    out = wrap(a, of._device)
    out.base = of if of.base is None else of.base
    out._memory = of._memory
    return out


def restored(a: np.ndarray) -> ndarray:
    """What pickle makes again: an array on the current device."""
    return wrap(a, current())


def tuple_of(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def index_of(given: values.Given, index: Any, shape: tuple[int, ...]) -> Any:
    """An index as NumPy takes it; with `lenient`, index arrays wrap around as on a GPU."""
    parts = []
    for i in tuple_of(index):
        if isinstance(i, np.ndarray):
            values.refuse(given.name, i)
        raw = given.raw(i)
        parts.append(raw if isinstance(i, (ndarray, list, slice)) or i in (None, ...) else whole(raw))
    if settings.lenient:
        parts = wrapped_around(parts, shape)
    return tuple(parts) if isinstance(index, tuple) else parts[0]


def whole(i: Any) -> Any:
    """A whole number or bool of an index; everything else is an error, as in CuPy."""
    if isinstance(i, (bool, np.bool_)):
        return i
    try:
        return operator.index(i)
    except TypeError:
        raise IndexError(
            "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean "
            f"arrays are valid indices, not {type(i)}"
        ) from None


def wrapped_around(parts: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """Index arrays modulo the length of the axis that they index."""
    used = [p.ndim if isinstance(p, np.ndarray) and p.dtype == bool else 1 for p in parts if p is not None and p is not ...]
    axis, out = 0, []
    for p in parts:
        if p is ...:
            axis += len(shape) - sum(used)
        elif p is not None:
            if isinstance(p, (np.ndarray, list)) and np.asarray(p).dtype.kind in "iu" and shape[axis]:
                p = np.asarray(p) % shape[axis]
            axis += p.ndim if isinstance(p, np.ndarray) and p.dtype == bool else 1
        out.append(p)
    return out


def count_index(raw: Any, ndim: int) -> None:
    """What x[index] costs; a single element is a view."""
    if has_mask(raw):
        synchronised("mask index")
    for part in tuple_of(raw):
        if isinstance(part, list):
            uploaded()
    launched("getitem", of_reading(raw, ndim))
