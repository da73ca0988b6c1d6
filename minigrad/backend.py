"""Devices: NumPy on the cpu, CuPy on a GPU.

No op asks where its arrays are: NumPy's dispatch protocols carry the calls to CuPy.  Only three
things need this file: moving arrays between devices, making new arrays, and random numbers.  Which
devices there are is in `minigrad.devices`.
"""

from __future__ import annotations

import importlib
import numbers
from typing import Any

import numpy as np

from . import devices, later
from .devices import (
    apart,
    check_gpu,
    cuda_is_available,
    cupy,
    device_name,
    follow,
    is_device,
    on_gpu,
    on_gpu_of,
    parse_device,
)
from .hints import check_dtype
from .install import install
from .kernels import is_cupy
from .tracing import is_traced_number
from .trees import sequence_like

__all__ = [
    "NoValue", "add_at", "address_of", "apart", "as_array", "as_numbers", "as_operand", "beside", "call_scipy", "check_gpu",
    "cuda_is_available", "cupy", "device_name", "device_of", "get_default_dtype", "is_device", "is_plain", "on_gpu",
    "on_gpu_of", "parse_device", "refuse_gpu", "scipy_function", "set_default_dtype", "side_by_side", "transfer",
]  # fmt: skip

#: The default of an option that NumPy tells apart from None.
NoValue: Any = np._NoValue  # type: ignore[attr-defined]
_default_dtype = np.dtype(np.float32)


def set_default_dtype(dtype: Any) -> None:
    """Set the dtype that Python floats and lists of them get in `Tensor(...)`, and creation functions.

    Args:
        dtype: a floating one.

    >>> minigrad.set_default_dtype("float64")
    >>> Tensor(1.0).dtype
    dtype('float64')
    >>> minigrad.set_default_dtype("float32")
    """
    global _default_dtype
    dtype = np.dtype(dtype)
    if dtype.kind != "f":
        raise TypeError(f"the default dtype must be a floating dtype, such as 'float32' or 'float64', not {dtype}")
    _default_dtype = dtype


def get_default_dtype() -> np.dtype[Any]:
    """The dtype of tensors made from Python floats (float32 unless `set_default_dtype` changed it)."""
    return _default_dtype


def is_array(x: Any) -> bool:
    """Whether x is an array that a Tensor can hold as it is: it speaks NumPy's protocols.

    Raises:
        TypeError: for a masked array, whose mask no rule knows.
    """
    if type(x) is np.ndarray:
        return True
    if not devices.looked and type(x).__module__ == "cupy":
        cupy()  # which finds out whether there are several GPUs
    if hasattr(x, "mask") and hasattr(x, "filled"):
        raise TypeError(
            "a masked array has no gradient: write np.where(mask, 0.0, x) for its values, or x.filled()"
        )
    return isinstance(x, np.ndarray) or (hasattr(type(x), "__array_function__") and not is_traced_number(x))


def as_array(x: Any) -> Any:
    """An op's result as an array: NumPy returns scalars where an array would have no axes."""
    return np.asarray(x) if isinstance(x, (np.generic, float, int, complex, bool)) else x


def zeros_beside(x: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Zeros on the device of x that take no memory: one number, repeated.

    CuPy takes the shape () for no shape, so the number has one axis first.
    """
    zero = np.reshape(zeros_like(x, shape=(1,), dtype=dtype), ())
    return np.broadcast_to(zero, shape)


def ones_like(x: Any) -> Any:
    """Ones of the shape and dtype of an array, on its device."""
    with on_gpu_of(x):
        return np.ones_like(x)


def zeros_like(x: Any, **options: Any) -> Any:
    """Zeros of the shape and dtype of an array, or of those given, on its device."""
    with on_gpu_of(x):
        return np.zeros_like(x, **options)


def as_operand(a: Any) -> Any:
    """An array or Tensor as it is, numbers and lists of them as an array."""
    return a if hasattr(a, "dtype") else np.asarray(a)


#: What lies in main memory for sure, or nowhere.
_HERE = (np.ndarray, np.generic, list, tuple, int, float, complex, type(None))


def side_by_side(*values: Any) -> tuple[Any, ...]:
    """All as they are; beside an array of a GPU lists of numbers, and NumPy's arrays without axes, on its device.

    NumPy takes all these itself.

    >>> side_by_side([1.0, 2.0], np.ones(2))[0]
    [1.0, 2.0]
    """
    for x in values:
        data = getattr(x, "_array", x)
        if not isinstance(data, _HERE) and is_array(data):
            return tuple(beside(np.asarray(v), data) if _can_move(v) else v for v in values)
    return values


def _can_move(x: Any) -> bool:
    """Whether something goes to whatever device the others are on."""
    return (isinstance(x, np.ndarray) and not x.ndim) or _is_list_of_numbers(x)


def _is_list_of_numbers(x: Any) -> bool:
    """Whether nested lists and tuples hold neither Tensors nor arrays of another device."""
    if not isinstance(x, (list, tuple)):
        return False
    return all(_is_list_of_numbers(v) or isinstance(v, (numbers.Number, np.generic, np.ndarray)) for v in x)


#: The dtypes that CuPy adds up by atomic operations.
_ATOMIC = ("float16", "float32", "float64", "int32", "uint32", "uint64")


@follow
def add_at(x: Any, index: Any, values: Any) -> None:
    """x[index] += values in place, where an index may come several times: np.add.at on any device.

    CuPy does this by its own function, and for some dtypes only: complex numbers go in two parts,
    small integers by way of int32, int64 by way of uint64.

    >>> x = np.zeros(2); add_at(x, np.array([1, 1]), 3.0); x
    array([0., 6.])
    """
    if not is_cupy(x):
        np.add.at(x, index, values)
        return
    if x.dtype.kind == "c":
        parts = [np.zeros_like(x.real), np.zeros_like(x.real)]
        add_at(parts[0], index, np.real(values))
        add_at(parts[1], index, np.imag(values))
        x += parts[0] + 1j * parts[1]
    elif x.dtype.name in _ATOMIC:
        cupy().add.at(x, index, values)
    elif x.dtype == np.int64:  # bit by bit, sums with a sign are those without one
        whole = np.int64(values) if isinstance(values, (int, np.generic)) else values.astype(np.int64)
        cupy().add.at(x.view(np.uint64), index, whole.view(np.uint64))
    else:
        total = np.zeros_like(x, dtype=np.int32)
        add_at(total, index, values)
        x += total.astype(x.dtype)


def largest(x: Any, least: float = 0.0) -> float:
    """The largest number of an array, but at least `least`: CuPy's `max` has no `initial=`.

    >>> largest(np.array([1.0, 3.0])), largest(np.zeros(0))
    (3.0, 0.0)
    """
    return float(np.maximum(np.max(x), least)) if x.size else float(least)


def device_of(array: Any) -> str:
    """ "cpu" for NumPy's arrays, "cuda:0" and so on for CuPy's."""
    if isinstance(array, (np.ndarray, np.generic, type)):  # np.float32 itself has these attributes too
        return "cpu"
    device = getattr(array, "device", "cpu")
    return device if isinstance(device, str) else f"cuda:{device.id}"


def transfer(array: Any, device: Any) -> Any:
    """The array on another device; itself where it is there already."""
    if hasattr(array, "dense"):  # row-sparse
        return array.changed(lambda part: transfer(part, device))
    number = parse_device(device)
    if number is None:
        return on_host(array)
    if device_of(array) == f"cuda:{number}":
        return array
    check_gpu(number)
    with on_gpu(number):
        if isinstance(array, np.ndarray) or not hasattr(array, "get"):
            return cupy().asarray(array)
        return array.copy()  # CuPy copies to the current GPU, from wherever it is


def on_host(array: Any) -> Any:
    """A GPU's array in main memory, with what waits to be checked; anything else as it is, a batch too.

    Of a row-sparse one it is the whole array.
    """
    if type(array) is np.ndarray:
        return array
    array = array.dense() if hasattr(array, "dense") else array
    return later.read(array)[0] if later.is_on_gpu(array) else array


#: What needs no reading.
_READ = frozenset({int, float, bool, str, type(None), np.ndarray})


def as_numbers(x: Any) -> Any:
    """What Python or NumPy must read, such as lengths and axes: of Tensors their arrays, those of a GPU as NumPy's.

    >>> as_numbers(Tensor([2, 3])), as_numbers((Tensor([0]), None, 1))
    (array([2, 3]), (array([0]), None, 1))
    """
    if type(x) in _READ:
        return x
    if isinstance(x, (tuple, list)):
        return sequence_like(x, map(as_numbers, x))
    return on_host(x._array if hasattr(x, "_node") else x)  # a batch stays one


def as_sizes(x: Any) -> Any:
    """Lengths, axes or counts as Python's integers, whatever array or Tensor holds them.

    CuPy takes none of NumPy's arrays for them.

    >>> as_sizes(Tensor([2, 3])), as_sizes((np.array(4), None)), as_sizes(slice(2))
    ((2, 3), (4, None), slice(None, 2, None))
    """
    if type(x) is int or x is None:
        return x
    if isinstance(x, (tuple, list)):
        return x if all(type(n) is int for n in x) else sequence_like(x, map(as_sizes, x))
    x = as_numbers(x)
    if not isinstance(x, np.ndarray) or x.dtype.kind not in "iub":
        return x
    return tuple(x.tolist()) if x.ndim else x.item()


def is_plain(x: Any) -> bool:
    """Whether x is an array of NumPy's or CuPy's own, which holds numbers and nothing else.

    >>> is_plain(np.zeros(2)), is_plain([0.0]), is_plain(np.ma.zeros(2))
    (True, False, False)
    """
    return type(x) is np.ndarray or is_cupy(x)


def address_of(x: Any) -> int:
    """Where the first element of an array of NumPy's or CuPy's lies."""
    return x.__array_interface__["data"][0] if isinstance(x, np.ndarray) else x.data.ptr


def beside(values: Any, x: Any) -> Any:
    """Constant values as an array on the device of x, an array or a Tensor."""
    data = getattr(x, "_array", x)
    data = getattr(data, "numbers", data)  # of a traced array
    if isinstance(data, np.ndarray) or not is_array(data):
        return values
    if hasattr(values, "level"):  # a batch of vmap, which is where its array is
        return values
    with on_gpu_of(data):
        return np.asarray(values, like=data)


def scipy(part: str, *arrays: Any) -> Any:
    """The part of SciPy ("special", "linalg" ...) that computes where the arrays are: of scipy, or of cupyx.scipy.

    It is imported when it is first needed: minigrad itself does without SciPy.
    """
    on_gpu = any(device_of(x) != "cpu" for x in arrays if is_array(x))
    try:
        return importlib.import_module(f"{'cupyx.' if on_gpu else ''}scipy.{part}")
    except ImportError as error:
        if on_gpu:
            raise NotImplementedError(
                f"CuPy has no scipy.{part}, so this runs on the cpu only: move there with .cpu()"
            ) from error
        raise ImportError(f"this needs scipy.{part}, which cannot be imported: {install('scipy')}") from error


def refuse_gpu(part: str, *values: Any) -> None:
    """An error where arrays or Tensors, also in lists, are on a GPU, for functions that SciPy solves on the cpu.

    Raises:
        NotImplementedError: it says how to move them.
    """
    number = devices.gpu_of(values)
    if number is not None:
        raise NotImplementedError(
            f"scipy.{part} computes on the cpu only: move what it gets there with .cpu(), which keeps the gradient, "
            f"and the result back with .to('cuda:{number}')"
        )


def scipy_function(part: str, name: str, *arrays: Any) -> Any:
    """A function of SciPy by name, from the library that computes where the arrays are."""
    library = scipy(part, *arrays)
    if not hasattr(library, name):
        raise NotImplementedError(
            f"{library.__name__} has no {name}, so it runs on the cpu only: move the tensor there with .cpu()"
        )
    return getattr(library, name)


def call_scipy(part: str, name: str, *arrays: Any, **options: Any) -> Any:
    """A function of SciPy by name, of arrays, computed where they are; of traced arrays it is one step of the program."""
    function = scipy_function(part, name, *arrays)
    recorder = next((r for x in arrays if (r := getattr(x, "recorder", None)) is not None), None)
    if recorder is None or isinstance(function, np.ufunc):  # which traced arrays see
        return function(*arrays, **options)
    return recorder.opaque(function, arrays, options)


def make_array(values: Any, dtype: Any, device: Any) -> Any:
    """The array of `Tensor(values, dtype, device)`: an array as it is, numbers and lists as a new one."""
    if is_traced_number(values):
        values, dtype = np.positive(values), _default_dtype if dtype is None and isinstance(values, float) else dtype
    if not is_array(values):
        if not hasattr(values, "__cuda_array_interface__"):
            return default_device_array(values, dtype, device)
        values = cupy().asarray(values)  # another library's on a GPU: its memory is shared
    if values.dtype.kind not in "biufc":
        raise TypeError(
            f"cannot make a tensor of an array of dtype {values.dtype}: it holds something other than numbers; "
            "for one that holds Tensors use minigrad.array(array.tolist())"
        )
    try:
        array = values if dtype is None else _cast(values, dtype)
    except TypeError:
        check_dtype(dtype)
        raise
    return array if device is None else transfer(array, device)


def _cast(array: Any, dtype: Any) -> Any:
    if type(array) is np.ndarray:
        return array.astype(dtype, copy=False)
    with on_gpu_of(array):
        return array.astype(dtype, copy=False)


def default_device_array(values: Any, dtype: Any, device: Any) -> Any:
    """Nested lists and numbers as an array: Python's floats in the default dtype, all else as NumPy takes it."""
    try:
        array = np.array(values) if dtype is None else np.array(values, dtype=dtype)
    except RuntimeError:  # a Tensor among them that will not be converted
        array = None
    except TypeError:
        check_dtype(dtype)
        raise
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise ValueError(f"cannot make a tensor of {values!r:.80}: the lists in it have different lengths") from error
    if array is None or array.dtype.kind not in "biufc":
        raise TypeError(
            f"cannot make a tensor of {values!r:.80}: it holds something other than numbers; "
            "for nested lists that hold Tensors use minigrad.array(...)"
        )
    if dtype is None:
        array = in_default_dtype(array, values)
    return array if device is None else transfer(array, device)


def in_default_dtype(array: Any, *values: Any) -> Any:
    """What NumPy made of values, in the default dtype if the values are Python's alone and NumPy chose float64."""
    if array.dtype not in (np.float64, np.complex128) or any(map(holds_numpy, values)):
        return array
    if array.dtype == np.float64:
        return array.astype(_default_dtype)
    return array if _default_dtype == np.float64 else array.astype(np.complex64)


def holds_numpy(values: Any) -> bool:
    """Whether a value has a dtype of its own, or nested lists hold one that has.

    >>> holds_numpy([[1.0, np.float64(2.0)]]), holds_numpy([[1.0, 2.0]])
    (True, False)
    """
    if isinstance(values, (list, tuple)):
        return any(map(holds_numpy, values))
    return hasattr(values, "dtype")
