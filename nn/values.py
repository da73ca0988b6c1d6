"""Values as modules take them: a state's for a parameter, an input's for a layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import Tensor, beside, raw
from minigrad.backend import on_host
from minigrad.devices import on_gpu_of
from minigrad.tracing import is_traced

__all__ = ["as_constant", "as_input", "as_tensor", "host", "values_for"]


def host(x: Any) -> np.ndarray:
    """The values of a Tensor or an array in main memory, outside of every graph.

    A row-sparse gradient comes as a whole.

    >>> host(Tensor([1.0, 2.0], requires_grad=True))
    array([1., 2.], dtype=float32)
    """
    values = on_host(raw(x))
    return values if is_traced(values) else np.asarray(values)


def as_constant(values: Any, like: Any) -> Any:
    """The array of indices, masks or lengths, beside another Tensor or array.

    Lists and NumPy's arrays go to its device; an array of another device stays what it is.

    >>> as_constant([1, 2], np.zeros(3))
    array([1, 2])
    """
    array = raw(values)
    if not hasattr(array, "dtype"):
        array = np.asarray(array)
    return beside(array, like) if isinstance(array, np.ndarray) else array


def as_tensor(x: Any, like: Tensor) -> Tensor:
    """A Tensor as it is; arrays, numbers and lists as a Tensor on the device of another."""
    if isinstance(x, Tensor):
        return x
    x = Tensor(x)
    return x.to(like.device) if x.device == "cpu" and like.device != "cpu" else x


def as_input(x: Any, parameter: Tensor) -> Tensor:
    """The input of a layer: a Tensor in the dtype of the layer's own parameter.

    NumPy's arrays, numbers and lists go to the device of the parameter; a Tensor stays where it is.
    """
    x = as_tensor(x, parameter)
    dtype = parameter.dtype
    if x.dtype == dtype:
        return x
    return x.astype(np.result_type(dtype, np.complex64) if x.dtype.kind == "c" else dtype)


def values_for(tensor: Tensor, value: Any) -> Any:
    """A copy of values in the type and on the device of a tensor; it must be able to hold them."""
    array, dtype = _as_array(value), tensor.dtype
    if array.dtype.kind not in "biufc":
        raise TypeError(f"values of type {array.dtype} are no numbers")
    if array.dtype.kind == "c" and dtype.kind != "c":
        raise TypeError(
            f"complex values do not fit into {dtype}: their imaginary parts would be lost"
        )
    if not np.can_cast(array.dtype, dtype, "safe"):
        values = host(array)
        with np.errstate(over="ignore", invalid="ignore"):
            cast = values.astype(dtype)
        # A rounded number is asked for; one that became infinite, or lost its fraction, is not.
        lost = np.isfinite(values) & ~np.isfinite(cast) if dtype.kind in "fc" else cast != values
        if lost.any():
            raise ValueError(
                f"values of type {array.dtype} do not fit into {dtype}, {values[lost][0]} say"
            )
    with on_gpu_of(tensor):
        return Tensor(array, dtype=dtype, device=tensor.device).data.copy()


def _as_array(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.data
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError("a masked array would lose its mask: pass x.filled(value)")
    if hasattr(value, "__array_function__"):  # NumPy's, or a GPU's
        return value
    if not hasattr(value, "__dlpack__"):
        return np.asarray(value)
    return np.from_dlpack(value.detach() if hasattr(value, "detach") else value)
