"""An array that writes down what is done with it: what `compile` runs a function on.

A `Traced` array holds the numbers of a real run, and the place of its value in a program.  NumPy's two protocols hand
every call to it; it runs the call on the numbers and adds it to the program, as one step.  So ops, gradient rules and
optimizers, which are plain NumPy, are traced as they stand.

The program has no writing in place.  A write into an array, or into a view of one, is a step that gives a new array;
who looks at the memory afterwards, by whatever view, gets the new one.

What a function decides by values cannot be traced: `bool()`, `float()`, `item()` of a traced array are errors that say
what to write.  Where the library itself decides (whether a matrix has full rank), the program holds to this run's
decision, and is not used where it would be another one.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .. import graph, tracing
from ..backend import is_array
from ..trees import sequence_like
from .refusals import refusal

__all__ = ["CannotTrace", "HOLE", "Path", "Place", "Traced", "alone", "answered", "numbers_of"]


class CannotTrace(TypeError):
    """Something depends on the values of traced arrays."""


class Place:
    """How a view comes from an array: a call, with `HOLE` in the place of the array."""

    __slots__ = ("args", "function", "kwargs", "number")

    def __init__(self, function: Callable[..., Any], args: Any, kwargs: Any, number: int | None) -> None:
        self.function, self.args, self.kwargs, self.number = function, args, kwargs, number

    def __call__(self, x: Any) -> Any:
        """The view of another array."""
        view = self.function(*filled(self.args, x), **filled(self.kwargs, x))
        return view if self.number is None else view[self.number]


#: Stands for the array itself.
HOLE = object()
#: How a view comes from the whole.
Path = tuple[Place, ...]


class Traced(NDArrayOperatorsMixin):
    """An array of a run that is written down.

    Attributes:
        numbers: the array of this run, NumPy's or CuPy's.
        recorder: where calls are written down (`minigrad.compiler.trace.Recorder`).
        version: of an array that owns its memory, how often that was written.
    """

    __slots__ = ("__weakref__", "_of", "_path", "_var", "_version", "numbers", "recorder", "version")

    def __init__(self, numbers: np.ndarray, var: Any, recorder: Any, of: Traced | None = None, path: Path = ()) -> None:
        self.numbers, self.recorder, self._var, self._path = numbers, recorder, var, path
        self._of, self.version = of, 0
        self._version = self.whole.version

    @property
    def whole(self) -> Traced:
        """The array that owns the memory that this one looks at.

        None stands for the array itself: a cycle would keep the memory of the run until Python's collector comes.
        """
        return self if self._of is None else self._of

    @property
    def value(self) -> Any:
        """The value in the program; of a view anew where the memory was written since."""
        if self._version != self.whole.version:
            self._var = self.recorder.replay(self.whole.value, self._path, self.numbers)
            self._version = self.whole.version
        if self.recorder.seen is not None:
            self.recorder.seen[self._var] = self.numbers
        return self._var

    def written(self, var: Any) -> None:
        """What this array looks at holds other values from now on."""
        whole = self.whole
        whole._var = self.recorder.write(whole, self._path, var) if self._path else var
        whole.version += 1
        whole._version = whole.version
        if self is not whole:
            self._var, self._version = var, whole.version

    device = property(lambda self: self.numbers.device)
    shape = property(lambda self: self.numbers.shape, lambda self, _: self._no_method("shape = ...", "x = x.reshape(...)"))
    dtype = property(lambda self: self.numbers.dtype)
    ndim = property(lambda self: self.numbers.ndim)
    size = property(lambda self: self.numbers.size)
    itemsize = property(lambda self: self.numbers.itemsize)
    nbytes = property(lambda self: self.numbers.nbytes)
    flags = property(lambda self: self.numbers.flags)
    strides = property(lambda self: self.numbers.strides)
    T = property(lambda self: np.transpose(self))
    mT = property(lambda self: np.swapaxes(self, -1, -2))
    real = property(lambda self: np.real(self))
    imag = property(lambda self: np.imag(self))

    @property
    def base(self) -> Any:
        """The traced array that this is a view of."""
        return self._of

    @property
    def _is_foreign(self) -> bool:
        """Whether another thread asks than the one that is tracing, which has nothing to do with the trace."""
        return threading.get_ident() != self.recorder.thread

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """What isinstance() is told in the user's code: what it would find without a trace; NumPy's sums are numbers.

        Of an array of a GPU, CuPy's own code asks, which has no frame, and would take NumPy's array for one in main memory.
        """
        if not isinstance(self.numbers, np.ndarray) or _is_library(sys._getframe(1).f_code.co_filename):
            return Traced
        return np.ndarray if self.shape or any(x is self for x in self.recorder.arrays) else self.dtype.type

    # ------------------------------------------------------------------------- there are no values

    def _no_value(self, asked: str) -> NoReturn:
        self.recorder.refused = CannotTrace(refusal(asked, self.recorder.follows_from_scalars(self)))
        raise self.recorder.refused

    def __bool__(self) -> bool:
        return bool(self.numbers if self._is_foreign else self._decision("__bool__"))

    def __int__(self) -> int:
        return int(self.numbers if self._is_foreign else self._decision("__int__"))

    def __index__(self) -> int:
        return int(self.numbers if self._is_foreign else self._decision("__index__"))

    def _decision(self, asked: str) -> Any:
        """This run's truth or whole number, if it is the library that asks."""
        frame = _asking(sys._getframe(2))
        if frame is None or not graph.is_library(frame.f_code.co_filename) or self.size != 1 or self.dtype.kind not in "biu":
            self._no_value(asked)
        return self.recorder.looked_at(self)

    def __round__(self, ndigits: int | None = None) -> Any:
        if ndigits is None or self.shape:
            self._no_value("__int__")
        return np.round(self, ndigits)

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    # What operators of NumPy's arrays do that its functions do not.

    def __eq__(self, other: object) -> Any:
        return super().__eq__(other) if self._may_equal(other) else np.zeros(self.shape, bool)

    def __ne__(self, other: object) -> Any:
        return super().__ne__(other) if self._may_equal(other) else np.ones(self.shape, bool)

    def _may_equal(self, other: object) -> bool:
        return not isinstance(other, (str, bytes)) or self.dtype.kind in "US"

    def __pow__(self, other: Any) -> Any:
        return np.square(self) if self.dtype == bool and type(other) is int and other == 2 else super().__pow__(other)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        """For messages of the library's, and when the trace is over; a user's text would show the numbers of one call."""
        asking = _asking(sys._getframe(1), (*_OWN, *_SHOWING))
        if tracing.recorder.get() is self.recorder and _package_of(asking) not in ("minigrad", "nn"):
            self._no_value("text")
        return f"<Traced {self.dtype} {self.shape}>"

    __str__ = __repr__

    # ------------------------------------------------------------------------------ NumPy's methods

    def __getitem__(self, index: Any) -> Any:
        return self.recorder.call(getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        self.recorder.set(self, index, value)

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        if not copy and self.dtype == dtype:
            return self
        return self.recorder.call(astype, (self, np.dtype(dtype)), {})

    def copy(self, order: str = "C") -> Any:
        return self.recorder.call(np.copy, (self,), {})

    def fill(self, value: Any) -> None:
        self[...] = value

    def view(self, dtype: Any = None) -> Any:
        return self[...] if dtype is None else self.recorder.call(view, (self, np.dtype(dtype)), {})

    def sort(self, axis: int = -1, **options: Any) -> None:
        self[...] = np.sort(self, axis=axis, **options)

    def partition(self, kth: Any, axis: int = -1, **options: Any) -> None:
        self[...] = np.partition(self, kth, axis=axis, **options)

    def put(self, indices: Any, values: Any, mode: Any = "raise") -> None:
        np.put(self, indices, values, mode=mode)  # type: ignore[arg-type]

    @property
    def flat(self) -> Flat:
        return Flat(self)

    def _no_method(self, name: str, instead: str) -> NoReturn:
        raise AttributeError(
            f"compile traces this function, and there is no .{name} of an array whose numbers are not known, at "
            f"{graph.user_line()}: write {instead}"
        )

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and hasattr(np.ndarray, name):
            self._no_method(name, "a function of NumPy's, or do it outside")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def reshape(self, *shape: Any, **options: Any) -> Any:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, **options)

    def transpose(self, *axes: Any) -> Any:
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if not alone((*inputs, *kwargs.values())):
            return NotImplemented
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return self.recorder.call(function, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(hasattr(t, "_node") or hasattr(t, "level") for t in types):
            return NotImplemented  # a Tensor records the call, a batch spreads it
        return answered(self.recorder, function, args, kwargs)


class Flat:
    """The elements of a traced array one after the other: `x.flat`."""

    def __init__(self, array: Traced) -> None:
        self.array = array

    def __getitem__(self, index: Any) -> Any:
        return np.copy(np.ravel(self.array)[index])

    def __setitem__(self, index: Any, values: Any) -> None:
        flat = np.copy(np.ravel(self.array))
        flat[index] = values
        self.array[...] = np.reshape(flat, self.array.shape)

    def __iter__(self) -> Iterator[Any]:
        return iter(np.ravel(self.array))

    def __len__(self) -> int:
        return self.array.size


#: Files whose code stands between an array and who asks for its truth.
_OWN = (os.path.join("arrays", "traced.py"), os.path.join("minigrad", "tensor.py"))

#: Files that stand between an array and who shows it.
_SHOWING = (os.path.join("minigrad", "dispatch.py"), os.path.join("nn", "parameter.py"))


def _asking(frame: FrameType | None, own: tuple[str, ...] = _OWN) -> FrameType | None:
    """The code that asks an array for something, itself or through a Tensor."""
    while frame is not None and frame.f_code.co_filename.endswith(own):
        frame = frame.f_back
    return frame


def _package_of(frame: FrameType | None) -> str:
    """The package whose code runs in a frame."""
    return "" if frame is None else frame.f_globals.get("__name__", "").partition(".")[0]


#: Whether a file is minigrad's or a library's, which ask for arrays by their protocols; of all files that ask.
_is_library = functools.lru_cache(maxsize=1024)(graph.is_library)


def alone(values: Any) -> bool:
    """Whether there are neither Tensors nor batches among the operands, whose turn it would be."""
    return not any(hasattr(v, "_node") or hasattr(v, "level") for v in values)


def _method(name: str, function: Callable[..., Any]) -> None:
    def method(self: Traced, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__name__ = name
    setattr(Traced, name, method)


for _name in (
    "all", "any", "argmax", "argmin", "argpartition", "argsort", "choose", "cumprod",
    "cumsum", "diagonal", "dot", "max", "mean", "min",
    "nonzero", "prod", "ravel", "repeat", "round", "searchsorted", "squeeze", "std", "sum", "swapaxes", "take", "trace", "var",
):  # fmt: skip
    _method(_name, getattr(np, _name))
_method("flatten", lambda x: np.copy(np.ravel(x)))
for _name in ("conj", "conjugate"):
    _method(_name, lambda x: np.conj(x) if x.dtype.kind == "c" else x)
_method("clip", lambda x, min=None, max=None, **options: np.clip(x, min, max, **options))
_method("compress", lambda x, condition, axis=None: np.compress(condition, x, axis=axis))


def _value(name: str) -> None:
    def method(self: Traced, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.numbers, name)(*args, **kwargs) if self._is_foreign else self._no_value(name)

    method.__name__ = name
    setattr(Traced, name, method)


for _name in ("__float__", "__complex__", "__array__", "__format__", "item", "tolist", "tobytes"):
    _value(_name)

# ------------------------------------------------------------------ what has no function in NumPy


def getitem(x: Any, index: Any) -> Any:
    """x[index]"""
    return x[index]


def astype(x: Any, dtype: Any) -> Any:
    """x.astype(dtype)"""
    return x.astype(dtype)


def view(x: Any, dtype: Any) -> Any:
    """x.view(dtype)"""
    return x.view(dtype)


def _copyto(target: Any, values: Any, casting: Any = "same_kind", where: Any = True) -> None:
    given = numbers_of(values)
    if not np.can_cast(given if is_array(given) else np.asarray(given), target.dtype, casting):
        raise TypeError(f"np.copyto: values of another kind do not fit into {target.dtype}")
    target[...] = values if where is True else np.where(where, values, target)


def _nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    made = x.recorder.call(np.nan_to_num, (x,), {"nan": nan, "posinf": posinf, "neginf": neginf})
    if copy:
        return made
    x[...] = made
    return x


#: Functions whose answer is about the array, not made of its values.
PLAIN = {
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.common_type, np.iscomplexobj, np.isrealobj,
    np.shares_memory, np.may_share_memory, np.min_scalar_type, np.einsum_path,
}  # fmt: skip
#: Functions that show an array's numbers.
TEXTS = {np.array2string, np.array_repr, np.array_str}


def _broadcast_arrays(*arrays: Any, subok: bool = False) -> Any:
    """A view of each array, which does not depend on the others but for its shape; an array of that shape is itself."""
    shape = np.broadcast_shapes(*map(np.shape, arrays))
    return tuple(x if np.shape(x) == shape else np.broadcast_to(x, shape) for x in arrays)


#: NumPy's functions that write into an argument, or give several views, by what they come to.
WRITERS: dict[Any, Callable[..., Any]] = {
    np.broadcast_arrays: _broadcast_arrays,
    np.copyto: _copyto,
    np.putmask: lambda x, mask, values: _copyto(x, np.resize(values, x.shape), "unsafe", mask),
    np.nan_to_num: _nan_to_num,
}


def answered(recorder: Any, function: Any, args: Any, kwargs: Any) -> Any:
    """What a function of NumPy's gives for traced arrays and numbers."""
    if function in TEXTS:
        return repr(args[0])
    if function in PLAIN:
        return function(*numbers_of(args), **numbers_of(kwargs))
    if (writer := WRITERS.get(function)) is not None:
        return writer(*args, **kwargs)
    return recorder.call(function, args, kwargs)


def filled(x: Any, array: Any) -> Any:
    """The same with an array in the hole, in nested containers."""
    if x is HOLE:
        return array
    if isinstance(x, (tuple, list)):
        return sequence_like(x, [filled(v, array) for v in x])
    if isinstance(x, dict):
        return {k: filled(v, array) for k, v in x.items()}
    return x


def numbers_of(x: Any) -> Any:
    """The same with NumPy's arrays in place of the traced ones, in nested containers."""
    if type(x) is Traced:
        return x.numbers
    if hasattr(x, "formula"):
        return x.number
    if isinstance(x, (tuple, list)):
        return sequence_like(x, [numbers_of(v) for v in x])
    if isinstance(x, dict):
        return {k: numbers_of(v) for k, v in x.items()}
    if isinstance(x, slice):
        return slice(numbers_of(x.start), numbers_of(x.stop), numbers_of(x.step))
    return x
