"""Parameter and Buffer: the Tensors that a module owns; and those whose shape is not known yet."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import Tensor, empty, get_default_dtype

__all__ = [
    "Buffer",
    "Parameter",
    "TransientBuffer",
    "UninitializedBuffer",
    "UninitializedParameter",
    "as_buffer",
    "is_lazy",
]


class Parameter(Tensor):
    """A Tensor that a module learns: it requires a gradient, and `parameters()` finds it.

    `Parameter(x, False)` is PyTorch's order: the second argument is `requires_grad`, where it is a
    bool.

    Args:
        x: the first values: a Tensor, an array or a list of numbers.
        dtype: None: that of x; of Python's numbers the default dtype.
        device: "cpu" or "cuda"; None: that of x, of NumPy's arrays the default device.
        requires_grad: whether it is learned.

    >>> Parameter([1.0, 2.0]).requires_grad, Parameter([1.0, 2.0], False).requires_grad
    (True, False)
    """

    __slots__ = ()

    def __init__(
        self, x: Any, dtype: Any = None, device: str | None = None, requires_grad: bool = True
    ) -> None:
        if isinstance(dtype, bool):
            dtype, requires_grad = None, dtype
        super().__init__(x, dtype, device, requires_grad)


class Buffer(Tensor):
    """A Tensor that belongs to a module's state but is not learned, such as a running mean.

    Args:
        x, dtype, device: as of a `Parameter`.
        requires_grad: whether `backward()` gives it a gradient, which no optimizer looks for.
        name: what graphs and messages call it.
        persistent: whether `state_dict()` has it.

    >>> Buffer([0.0], persistent=False).persistent
    False
    """

    __slots__ = ()
    persistent = True

    def __init__(
        self, x: Any, dtype: Any = None, device: str | None = None, requires_grad: bool = False,
        *, name: str | None = None, persistent: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(x, dtype, device, requires_grad, name=name)
        as_buffer(self, persistent)


class TransientBuffer(Buffer):
    """A buffer that `state_dict()` leaves out: `Buffer(x, persistent=False)` makes one."""

    __slots__ = ()
    persistent = False


def as_buffer(x: Tensor, persistent: bool = True) -> Buffer:
    """This very Tensor, made a buffer; it keeps its graph.

    Args:
        persistent: whether `state_dict()` has it.

    >>> x = Tensor([1.0])
    >>> as_buffer(x) is x, type(x).__name__
    (True, 'Buffer')
    """
    if not isinstance(x, Buffer) or x.persistent is not persistent:
        x.__class__ = Buffer if persistent else TransientBuffer
    assert isinstance(x, Buffer)
    return x


# --------------------------------------------------------------------- shapes that come later


class UninitializedError(ValueError, RuntimeError):
    """A parameter was used that has no shape yet.  An op's error says this and no more, as with every RuntimeError."""


def _refuse(what: str) -> Any:
    raise UninitializedError(
        f"this parameter has no shape or values yet ({what}): a lazy layer finds its shape in its "
        "first input, so call the module once on an example before this"
    )


class _NoValues(np.ndarray):
    """Stands where the array of a parameter will be; to compute with it, or to write into it, is an error.

    Whatever was written would be lost when the parameter gets its shape and first values.
    """

    def __setitem__(self, index: Any, value: Any) -> None:
        _refuse("values were written into it")

    def fill(self, value: Any) -> None:
        """Raises: there is no place for values."""
        _refuse("values were written into it")

    def __array_ufunc__(self, ufunc: Any, *args: Any, **options: Any) -> Any:
        return _refuse(f"{ufunc.__name__} was called")

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return _refuse(f"{func.__name__} was called")


class _Uninitialized(Tensor):
    """What uninitialised parameters and buffers share."""

    __slots__ = ()
    _becomes: type[Tensor]

    def _wait(self) -> None:
        """Hold an array of no elements, which has the dtype and device of the one to come."""
        if isinstance(self.data, np.ndarray):
            self.data = self.data.view(_NoValues)

    def materialize(self, shape: tuple[int, ...]) -> None:
        """Become an ordinary parameter (or buffer), with any values.

        Args:
            shape: what it has from now on; dtype and device stay.
        """
        values = empty(shape, dtype=self.dtype, device=self.device).data
        self.__class__ = self._becomes  # type: ignore[assignment]
        self.data = values

    @property
    def data(self) -> Any:
        """The array, of no elements.  To set one that has some gives the parameter its shape."""
        return Tensor.data.fget(self)  # type: ignore[attr-defined]

    @data.setter
    def data(self, value: Any) -> None:
        if getattr(value, "shape", (0,)) != (0,):
            self.__class__ = self._becomes  # type: ignore[assignment]
        Tensor.data.fset(self, value)  # type: ignore[attr-defined]

    @property
    def shape(self) -> Any:
        """Raises: it is not known."""
        return _refuse("its shape was asked for")

    @property
    def size(self) -> Any:
        """Raises: it is not known."""
        return _refuse("its size was asked for")

    @property
    def ndim(self) -> Any:
        """Raises: it is not known."""
        return _refuse("its number of axes was asked for")

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class UninitializedParameter(_Uninitialized, Parameter):
    """A Parameter whose shape is found at the first call of its module; see `LazyLinear`.

    Args:
        dtype: what it will have; None: the default dtype, float32 at first.
        device: where it will be, "cpu" or "cuda"; None: the default device.
        requires_grad: whether it learns.

    >>> p = UninitializedParameter()
    >>> p.materialize((2, 3))
    >>> type(p).__name__, p.shape, p.requires_grad
    ('Parameter', (2, 3), True)
    """

    __slots__ = ()
    _becomes = Parameter

    def __init__(
        self, dtype: Any = None, device: str | None = None, requires_grad: bool = True
    ) -> None:
        nothing = empty(0, dtype=dtype or get_default_dtype(), device=device).data
        Parameter.__init__(self, nothing, requires_grad=requires_grad)
        self._wait()


class UninitializedBuffer(_Uninitialized, Buffer):
    """A Buffer whose shape is found at the first call of its module; see `LazyBatchNorm1d`.

    Args:
        dtype: what it will have; None: the default dtype, float32 at first.
        device: where it will be, "cpu" or "cuda"; None: the default device.
    """

    __slots__ = ()
    _becomes = Buffer

    def __init__(self, dtype: Any = None, device: str | None = None) -> None:
        Tensor.__init__(self, empty(0, dtype=dtype or get_default_dtype(), device=device).data)
        self._wait()


def is_lazy(x: Any) -> bool:
    """Whether x is a parameter or buffer that has no shape yet.

    >>> is_lazy(UninitializedParameter()), is_lazy(Parameter([1.0]))
    (True, False)
    """
    return isinstance(x, _Uninitialized)
