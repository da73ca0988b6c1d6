"""Writing in place: `x[index] = value`, `x += y`.

What an in-place write means depends on the tensor (never on its name):

- part of a graph: recorded as a functional update.  The object gets a new array and a new node; views
  taken earlier keep their values, and every gradient stays right;
- a leaf that requires a gradient: an error, since the graph would no longer begin at the leaf;
- a constant, or anything under `no_grad()`: the array itself is written.

What is written must fit the dtype by NumPy's rule "same_kind": floats may become narrower, not integers.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import backend, devices, graph
from ..arrays.batch import Batch, levels_of, running
from ..arrays.fallback import is_unbatched
from ..arrays.writing import write_at
from ..backend import beside, is_array
from ..calling import known_operand
from ..devices import follow
from ..primitive import method
from ..reasons import mixes_devices
from ..tensor import Tensor, raw
from .arithmetic import add, divide, multiply, power, remainder, subtract
from .bounds import check_bounds
from .constant import constants
from .index import assign, index_beside, plain_index
from .products import matmul

__all__: list[str] = []


def _writes_array(x: Tensor, value: Any, what: str) -> bool:
    """Whether a write goes into the array itself; complains about leaves."""
    if not graph.is_grad_enabled() or (x._node is None and not (isinstance(value, Tensor) and value.requires_grad)):
        return True
    if x._node is not None and x._node.op is None:
        name = f" {x.name!r}" if x.name else ""
        raise RuntimeError(
            f"{what} on the leaf{name} of shape {x.shape}, which requires a gradient: write under `with no_grad():` to "
            "change its value (an update step), or make a new tensor to compute with"
        )
    return False


def _of_each_example(what: str, x: Tensor) -> TypeError:
    return TypeError(
        f"{what} under vmap: the values are different for each example, but x (shape {x.shape}) is the same for all of them: "
        "compute a new tensor, or make x with np.zeros_like(y, shape=...) of a y that is different for each example"
    )


def _check_casting(x: Tensor, new: Any, what: str) -> None:
    """Complain where a result does not fit the dtype of x, by the rule of NumPy's in-place operators."""
    if not np.can_cast(new.dtype, x.dtype, "same_kind"):
        raise TypeError(
            f"{what} cannot write {new.dtype} into a tensor of dtype {x.dtype}: compute a new tensor, "
            f"or make x with x.astype({str(new.dtype)!r}) first"
        )


def _check_writable(x: Tensor, what: str) -> None:
    """An error where a write under vmap would change an array that the caller of vmap passed."""
    if type(x._array) is Batch:
        owner = id(graph.owner(x._array))
        if any(owner in level.arguments for level in running.get()):
            raise ValueError(
                f"{what} under vmap: x (shape {x.shape}) shares its memory with an argument of vmap, which would change; "
                "write into a copy (x = x.copy()), or compute a new tensor"
            )


def _replace(x: Tensor, new: Tensor, what: str) -> None:
    """Let the object stand for an updated value in the graph.

    A tensor from outside of a running vmap cannot: it would go on as a batch when that has ended.
    """
    if type(new._array) is Batch:
        before, made = set(levels_of(x._array)), 0 if x._node is None else x._node.order
        if any(level.began > made and level not in before for level in levels_of(new._array)):
            raise _of_each_example(what, x)
    if x._node is not None and x._node.info is not None and x._node.info.retain:  # it goes with the object
        x._node.info.retain = False
        if new._node is not None:
            new._node.watch().retain = True
    x._array, x._node = new._array, new._node


@method
def __setitem__(self: Tensor, index: Any, value: Any) -> None:
    index = plain_index(index)
    if _writes_array(self, value, "x[index] = value"):
        _check_writable(self, "x[index] = value")
        if graph.special:
            check_bounds("x[index] = value", index, self._array, self.shape)
        try:
            there = index_beside(index, self._array)
            number = not np.ndim(value) and not isinstance(raw(value), np.ndarray)
            write_at(self._array, there, raw(value) if number else beside(raw(value), self._array))
        except (TypeError, ValueError) as error:
            if is_unbatched(error):
                raise _of_each_example("x[index] = value", self) from error
            places = {"x": self.device, "value": backend.device_of(raw(value))}
            if mixes_devices(error) and (different := backend.apart(places, "x[index] = value")) is not None:
                raise different from error
            raise
        graph.mark_mutated(self._array)
    else:
        if not isinstance(value, (Tensor, numbers.Number)):
            value = beside(value if is_array(value) else np.asarray(value), self)
        if isinstance(value, Tensor) and value.requires_grad:  # NumPy casts it, the gradient is lost
            _check_casting(self, value, "x[index] = value")
        _replace(self, assign(self, index, value), "x[index] = value")


def _in_place(operator: str, op: Callable[..., Any], ufunc: np.ufunc) -> None:
    """Bind `x += y` and its kin."""

    there = follow(ufunc)

    def update(self: Tensor, other: Any) -> Tensor:
        if not known_operand(other):
            return NotImplemented
        if _writes_array(self, other, f"x {operator} y"):
            _check_writable(self, f"x {operator} y")
            try:
                number = isinstance(other, (list, tuple)) or (isinstance(other, np.ndarray) and not other.ndim)
                values = beside(np.asarray(other), self._array) if number else raw(other)
                (there if devices.several else ufunc)(self._array, values, out=self._array)
            except TypeError as error:
                if is_unbatched(error):
                    raise _of_each_example(f"x {operator} y", self) from error
                places = {"x": self.device, "y": backend.device_of(raw(other))}
                if (different := backend.apart(places, f"x {operator} y")) is not None:
                    raise different from error
                raise
            graph.mark_mutated(self._array)
            return self
        new = op(self, other)
        if new.shape != self.shape:
            raise ValueError(
                f"x {operator} y would change the shape from {self.shape} to {new.shape}: write x = x {operator[:-1]} y"
            )
        _check_casting(self, new, f"x {operator} y")
        _replace(self, new if new.dtype == self.dtype else new.astype(self.dtype), f"x {operator} y")
        return self

    setattr(Tensor, f"__i{ufunc_names[operator]}__", update)


ufunc_names = {
    "+=": "add", "-=": "sub", "*=": "mul", "/=": "truediv", "**=": "pow", "%=": "mod", "//=": "floordiv", "@=": "matmul",
}  # fmt: skip
_in_place("+=", add, np.add)
_in_place("-=", subtract, np.subtract)
_in_place("*=", multiply, np.multiply)
_in_place("/=", divide, np.divide)
_in_place("**=", power, np.power)
_in_place("%=", remainder, np.remainder)
_in_place("//=", constants["floor_divide"], np.floor_divide)
_in_place("@=", matmul, np.matmul)


