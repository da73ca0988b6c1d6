"""Tensor: an array with a gradient.

The class holds the data, its place in the graph and the conversions.  Everything that computes
(operators, `sum`, `reshape`, indexing ...) is bound to it by the ops themselves, see
`minigrad.primitive`; the backward pass is in `minigrad.backward`, NumPy's protocols in
`minigrad.dispatch`.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Self

import numpy as np

from . import backend, graph, later
from .arrays.batch import Batch, all_examples
from .arrays.row_sparse import RowSparse
from .carrying import arrived, carried
from .graph import Node
from .hints import OtherNames, scipys_call
from .tracing import is_traced

__all__ = ["Tensor"]

_new = object.__new__
#: The advice of all errors where a gradient would be lost: each way out of the graph, and what to write for it.
_KEEPS_GRADIENT = (
    "write np.sin(x) for math.sin(x), minigrad.array([x, y]) for an array of tensors, minigrad.full(n, x), "
    "y = minigrad.zeros(n) or y = Tensor(array) where y[i] = x follows, w @ x for w.dot(x), "
    "the functions of minigrad.scipy for SciPy's, minigrad.vectorize(f) for np.vectorize(f)"
)


class Tensor(OtherNames):
    """An n-dimensional array that remembers how it was computed.

    Args:
        x: an array (kept as it is, not copied), a number, or nested lists of numbers.  Python floats
            get the default dtype (float32), NumPy values keep theirs, ints and bools stay what they are.
        dtype: convert to this dtype.
        device: "cpu", "cuda:1" or "cuda" (the current GPU), a GPU's number, or a device of CuPy's or
            PyTorch's; by default where x is.
        requires_grad: record what is computed from this tensor, so that `backward()` fills its `.grad`.
        name: what drawings and messages call it.

    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> y = (x ** 2).sum()
    >>> y
    Tensor(14., dtype=float32, op=sum)
    >>> y.backward()
    >>> x.grad
    Tensor([2., 4., 6.], dtype=float32)
    """

    __slots__ = ("__weakref__", "_array", "_name", "_node")

    _array: Any
    _node: Node | None

    def __init__(
        self, x: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False,
        *, name: str | None = None,
    ) -> None:  # fmt: skip
        if isinstance(x, Tensor) and x._node is not None:
            raise RuntimeError(
                f"{type(self).__name__}(x) of a tensor that requires a gradient would lose it: "
                "write x.clone() to stay in the graph, x.detach() to leave it"
            )
        self._array = backend.make_array(raw(x), dtype, device)
        self._node = None
        self._name = name
        if name is not None:
            graph.name_array(self._array, name)
        if requires_grad:
            self.requires_grad = True

    # ------------------------------------------------------------------------------ attributes

    @property
    def data(self) -> Any:
        """The array itself (NumPy's or CuPy's), outside of the graph."""
        if later.known:  # whoever gets it may write into it
            later.forget(self._array)
        return self._array

    @data.setter
    def data(self, value: Any) -> None:
        value = raw(value)
        if not backend.is_array(value):
            kind = type(value).__name__
            raise TypeError(f"data must be an array, got {kind}; write x.data[...] = value")
        if value is self._array:  # the end of `x.data -= step`
            graph.mark_mutated(value)
        self._array = value
        if self.name is not None:
            graph.name_array(value, self.name)
        if self._node is not None and self.is_leaf:
            self._node.shape, self._node.dtype = value.shape, value.dtype

    @property
    def grad(self) -> Tensor | None:
        """The accumulated gradient: on leaves, and on tensors after `retain_grad()`."""
        return None if self._node is None else self._node.grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if self._node is None:
            if value is None:
                return
            raise RuntimeError("cannot set .grad of a tensor that does not require a gradient")
        if value is not None:
            if not isinstance(value, Tensor):  # what is in main memory goes where the tensor is
                value = Tensor(value, device=self.device if backend.device_of(value) == "cpu" else None)
            places = {".grad": value.device, "the tensor": self.device}
            if (different := backend.apart(places, "x.grad = value")) is not None:
                raise different
            if value.shape != self.shape:
                raise ValueError(f".grad has shape {value.shape}, the tensor {self.shape}")
        elif self._node.info is not None and self._node.info.forget is not None:
            self._node.info.forget()
        self._node.grad = value

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to this tensor."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value and self._node is None:
            dtype = self._array.dtype
            if dtype.kind not in "fc":
                raise TypeError(
                    f"only floating and complex tensors can require a gradient, this one is {dtype}: "
                    "write 3.0 instead of 3, or x.astype('float32')"
                )
            self._node = Node(None, (), (), self._array.shape, dtype)
            self._node.tensor = weakref.ref(self)
            if self.name is not None:
                self._node.annotate().name = self.name
        elif not value and self._node is not None:
            if not self.is_leaf:
                raise RuntimeError("a computed tensor always requires a gradient: use x.detach()")
            self._node = None

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set `requires_grad`; returns the tensor."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether the tensor was made by the user, not computed from one that requires a gradient."""
        return self._node is None or self._node.op is None

    @property
    def name(self) -> str | None:
        """A name for drawings and messages; assign any string."""
        return getattr(self, "_name", None)

    @name.setter
    def name(self, value: str | None) -> None:
        self._name = value
        graph.name_array(self._array, value)
        if self._node is not None:
            self._node.annotate().name = value

    shape = property(attrgetter("_array.shape"), doc="The length of each axis.")
    dtype = property(attrgetter("_array.dtype"), doc="The type of the elements, a NumPy dtype.")
    ndim = property(attrgetter("_array.ndim"), doc="The number of axes.")
    size = property(attrgetter("_array.size"), doc="The number of elements.")
    nbytes = property(attrgetter("_array.nbytes"), doc="The size of the data in bytes.")
    itemsize = property(attrgetter("_array.itemsize"), doc="The size of one element in bytes.")

    @property
    def device(self) -> str:
        """Where the data is: "cpu", or "cuda:0" and so on."""
        return backend.device_of(self._array)

    # ----------------------------------------------------------------------------- conversions

    def numpy(self) -> np.ndarray:
        """The data as a NumPy array sharing memory; an error where a gradient would be lost.

        >>> Tensor([1.0, 2.0]).numpy()
        array([1., 2.], dtype=float32)
        """
        return self._host("numpy()")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._host("np.asarray"), dtype=dtype, copy=copy)

    def _host(self, what: str) -> np.ndarray:
        self._would_lose(what)
        if isinstance(self._array, Batch) or is_traced(self._array):
            return self._array.__array__()  # says what to do instead
        array = self._array.dense() if isinstance(self._array, RowSparse) else self._array
        if not isinstance(array, np.ndarray):
            raise TypeError(f"{what} of a tensor on {self.device}: copy it first, x.cpu().numpy()")
        return array

    def _would_lose(self, what: str) -> None:
        """An error where a conversion would lose the gradient."""
        if self._node is not None:
            if what == "numpy()":
                instead = "write x.detach().numpy() where no gradient is needed, else stay with NumPy's functions on x"
            else:
                instead = f"{scipys_call() or _KEEPS_GRADIENT}; x.detach().numpy() where no gradient is needed"
            message = f"{what} of a tensor that requires a gradient would lose the gradient, at {graph.user_line()}: {instead}"
            graph.lost.set(message)
            raise RuntimeError(message)

    def _stays(self, what: str) -> None:
        """An error where a number that a transform differentiates would leave the graph."""
        if self._node is not None and graph.transforms.get():
            message = (
                f"{what} of a number that is being differentiated would lose its gradient, at "
                f"{graph.user_line()}: {scipys_call() or _KEEPS_GRADIENT}; x.detach().item() where no gradient is needed"
            )
            graph.lost.set(message)
            raise TypeError(message)

    def __dlpack__(self, **kwargs: Any) -> Any:
        self._would_lose("__dlpack__")
        later.forget(self._array)
        with backend.on_gpu_of(self._array):
            return self._array.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._array.__dlpack_device__()

    def item(self, *index: Any) -> Any:
        """The only element as a Python number; with an index (of all elements, or one for each axis) that one.

        >>> Tensor([[2.5]]).item(), Tensor([[1.0, 2.0]]).item(1), Tensor([[1.0, 2.0]]).item(0, -1)
        (2.5, 2.0, 2.0)
        """
        if index:
            self._stays("item()")
            index = backend.as_sizes(index[0] if isinstance(index[0], tuple) else index)
            array = self._array.reshape(-1) if len(index) == 1 else self._array
            if len(index) != array.ndim:
                raise ValueError(
                    f"item() got {len(index)} indices, for a tensor of shape {self.shape}"
                )
            return later.number(array[index])
        return self._only_element("item()")

    def _only_element(self, what: str) -> Any:
        """The only element, which leaves the graph by the call of that name."""
        self._stays(what)
        if self._array.size != 1:
            raise ValueError(
                f"item() needs a tensor of one element, this one has shape {self.shape}"
            )
        array = self._array
        return array.item() if type(array) is np.ndarray else later.number(array)

    def tolist(self) -> Any:
        """The data as nested lists of Python numbers."""
        self._stays("tolist()")
        array = self._array
        return array.tolist() if type(array) is np.ndarray else backend.on_host(array).tolist()

    def detach(self) -> Tensor:
        """The same data, outside of the graph."""
        return wrap(self._array, None)

    def __float__(self) -> float:
        return float(self._only_element("float()"))

    def __int__(self) -> int:
        return int(self._only_element("int()"))

    def __complex__(self) -> complex:
        return complex(self._only_element("complex()"))

    def __bool__(self) -> bool:
        if self._array.size != 1:
            shape = self.shape
            raise ValueError(
                f"bool() of a tensor of shape {shape} is ambiguous: use .any() or .all()"
            )
        array = self._array
        return bool(array if type(array) is np.ndarray else backend.on_host(array))

    def __index__(self) -> int:
        if self.ndim or self.dtype.kind not in "iu":
            raise TypeError(
                f"only a whole number is an index, this tensor is {self.dtype} {self.shape}"
            )
        return int(backend.on_host(self._array))

    def __len__(self) -> int:
        if not self._array.ndim:
            raise TypeError("len() of a 0-d tensor")
        return len(self._array)

    def __contains__(self, value: Any) -> bool:
        array, other = self._array, raw(value)
        if type(array) is np.ndarray and isinstance(other, (np.ndarray, np.generic, int, float, complex)):
            return bool((array == other).any())
        with backend.on_gpu_of(array):
            return bool((self == value).any())

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        data = backend.on_host(all_examples(self._array))
        body = np.array2string(data, separator=", ", prefix="Tensor(")
        notes = [f"dtype={self.dtype}"]
        if isinstance(self._array, Batch):
            notes.append(f"{self._array.level.size} examples of shape {self.shape}")
        if self.device != "cpu":
            notes.append(f"device={self.device}")
        if self.name:
            notes.append(f"name={self.name!r}")
        if self._node is not None:
            notes.append("requires_grad=True" if self.is_leaf else f"op={self._node.op.name}")
        return f"{type(self).__name__}({body}, {', '.join(notes)})"

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        if self._array.size == 1:
            return format(later.number(self._array), spec)
        data = backend.on_host(all_examples(self._array))
        return np.array2string(data, formatter={"all": lambda x: format(x.item(), spec)})

    def __round__(self, ndigits: int | None = None) -> Tensor:
        return np.round(self, ndigits or 0)  # type: ignore[call-overload, no-any-return]

    def __reduce__(self) -> Any:
        if not self.is_leaf:
            raise RuntimeError(
                "only leaves can be copied or pickled, this is computed: x.clone() is a copy in the graph, "
                "x.detach() a constant"
            )
        self._stays("a copy (x.clone() is one in the graph)")
        grad = None if self.grad is None else self.grad.detach()
        return _rebuild, (type(self), carried(self._array), self.requires_grad, self.name, grad)

    # ----------------------------------------------------------------------------------- hooks

    def retain_grad(self) -> None:
        """Keep the gradient of this computed tensor in `.grad` during the backward pass."""
        self._require_node("retain_grad()").watch().retain = True

    def register_hook(self, hook: Callable[[Tensor], Any]) -> Callable[[], None]:
        """Call `hook(gradient)` when the gradient of this tensor is known; what it returns replaces it.

        Returns a function that removes the hook.

        >>> x = Tensor(2.0, requires_grad=True)
        >>> remove = x.register_hook(lambda g: 10 * g)
        >>> (3 * x).backward()
        >>> x.grad
        Tensor(30., dtype=float32)
        """
        hooks = self._require_node("register_hook()").watch().hooks
        key = next(graph.clock)
        hooks[key] = hook
        return lambda: hooks.pop(key, None) and None

    def redirect_grad(
        self, receive: Callable[[Tensor], object], forget: Callable[[], object] | None = None
    ) -> Callable[[], None]:
        """Give the gradient of this leaf to a function, in every backward pass, instead of adding it to `.grad`.

        It is complete then: hooks have seen it.  The function may keep it, but not write into it.  A later call replaces the
        function; `requires_grad = False` ends it.  `minigrad.autograd.grad` with respect to this leaf is an error meanwhile.

        Args:
            receive: gets the gradient.
            forget: is called at `.grad = None`, as of `zero_grad()`, to forget what has been received and kept.

        Returns a function that ends it.

        Raises:
            RuntimeError: this tensor is computed, or does not require a gradient.

        >>> x = Tensor(2.0, requires_grad=True)
        >>> received = []
        >>> end = x.redirect_grad(received.append)
        >>> (3 * x).backward()
        >>> received, x.grad
        ([Tensor(3., dtype=float32)], None)
        """
        node = self._require_node("redirect_grad()")
        if node.op is not None:
            raise RuntimeError(f"redirect_grad() is for leaves; this tensor is computed, by {node.op.name}: use register_hook()")
        info = node.annotate()
        info.receive, info.forget = receive, forget

        def end() -> None:
            if info.receive is receive:
                info.receive = info.forget = None

        return end

    def _require_node(self, what: str) -> Node:
        if self._node is None:
            raise RuntimeError(f"{what} needs a tensor that requires a gradient")
        return self._node


def wrap(data: Any, node: Node | None) -> Tensor:
    """A Tensor around an array and a node, past all checks."""
    t = _new(Tensor)
    t._array = data
    t._node = node
    return t


def raw(x: Any) -> Any:
    """The array of a Tensor; anything else as it is."""
    return x._array if isinstance(x, Tensor) else x


def _rebuild(
    cls: type[Tensor], data: Any, requires_grad: bool, name: str | None, grad: Tensor | None
) -> Tensor:
    tensor = _new(cls)
    tensor._array, tensor._node, tensor._name = arrived(data), None, name
    tensor.requires_grad = requires_grad
    tensor.grad = grad
    return tensor
