"""Row-sparse gradients: of a table of which few rows were looked up, only these rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..backend import add_at, as_operand, device_of, on_host
from ..carrying import arrived, carried
from ..devices import follow
from ..kernels import accelerated
from ..later import check_later, in_range, perhaps_any
from .writing import write_at

__all__ = ["RowSparse", "add_rows"]


@accelerated("add_rows", whole=True, traced=False)
def add_rows(x: Any, rows: Any, values: Any) -> None:
    """x[rows] += values in place, where a row may come several times; x (n, ...), rows (m,), values (m, ...).

    Sorted by row, and every row's first value, second value ... at once: several times as fast as np.add.at.
    Negative rows count from the end, as NumPy's do.

    Raises:
        IndexError: a row is out of range; x is not changed.
        ValueError: there is not one value for each row.

    >>> x = np.zeros((2, 1)); add_rows(x, np.array([1, 1]), np.array([[1.0], [2.0]])); x
    array([[0.],
           [3.]])
    """
    if not isinstance(x, np.ndarray):
        add_at(x, rows, values)
        return
    if values.shape != (*rows.shape, *x.shape[1:]):
        raise ValueError(f"cannot add values {values.shape} to rows {rows.shape} of an array {x.shape}")
    rows = _from_the_start(rows, len(x))
    if np.may_share_memory(x, values):
        values = values.copy()
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    lengths = np.diff(starts, append=len(order))
    if lengths.max(initial=0) > 16:
        x[ordered[starts]] += np.add.reduceat(values[order], starts, axis=0)
        return
    for k in range(lengths.max(initial=0)):
        places = starts[lengths > k] + k
        x[ordered[places]] += values[order[places]]


@follow
def _from_the_start(rows: Any, n: int) -> Any:
    """Rows of n, those that count from the end as they count from the start.

    Raises:
        IndexError: one is out of range.
    """
    if not rows.size:
        return rows

    def wrong(low: Any, high: Any) -> IndexError:
        return IndexError(f"rows from {low} to {high}, but there are rows {-n} to {n - 1}")

    low = rows.min()
    check_later(in_range(-n, n, wrong), low, rows.max())
    if not perhaps_any(low < 0):
        return rows
    rows = rows.astype(np.intp)  # which holds n, also where the rows' own dtype does not
    return np.where(rows < 0, rows + n, rows)


#: Methods and attributes of arrays that read; a row-sparse array has those of the whole.
_OF_THE_WHOLE = frozenset({
    "T", "all", "any", "argmax", "argmin", "argsort", "clip", "conj", "cumprod", "cumsum", "diagonal", "dot", "flat",
    "flatten", "imag", "item", "mT", "max", "mean", "min", "nonzero", "prod", "ravel", "real", "repeat", "reshape",
    "round", "squeeze", "std", "sum", "swapaxes", "take", "tolist", "trace", "transpose", "var",
})  # fmt: skip
#: NumPy's functions that write into their first argument.
_WRITERS = (np.copyto, np.fill_diagonal, np.place, np.put, np.put_along_axis, np.putmask)


def _dense(x: Any) -> Any:
    """The whole arrays of row-sparse ones, also inside of lists and tuples."""
    if isinstance(x, RowSparse):
        return x.dense()
    return type(x)(map(_dense, x)) if type(x) in (list, tuple) else x


def _into(target: Any, call: Callable[..., Any]) -> Any:
    """The result of a call, written into `target`, which may be row-sparse, where there is one."""
    if not isinstance(target, RowSparse):
        return call() if target is None else call(out=target)
    whole = target.dense()
    call(out=whole)
    target._hold(whole)
    return target


class RowSparse(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of zeros but for some rows: values[i] is added to row rows[i].

    It passes through the backward pass as an array does, and stands in `.grad` of the table; an optimizer changes those rows
    alone.  Sums of row-sparse arrays and products with numbers stay row-sparse; whatever else NumPy does with one
    gives an ordinary array.  Written in place it stays row-sparse, and holds all rows where it must.

    Attributes:
        values: (n, ...), rows: (n,), with repetitions; negative ones count from the end.
        shape: of the whole.
        device: where values and rows are.

    Raises:
        ValueError: values, rows and shape do not fit.
        TypeError: rows are no integers.

    >>> g = RowSparse(np.array([[1.0], [2.0], [3.0]]), np.array([1, 0, 1]), (3, 1))
    >>> g.dense().ravel(), g.coalesce().rows
    (array([2., 4., 0.]), array([0, 1]))
    >>> 2 * g, g**2
    (RowSparse(3 rows of shape (3, 1)), array([[ 4.],
           [16.],
           [ 0.]]))
    """

    __slots__ = ("__weakref__", "rows", "shape", "values")
    base = None

    def __init__(self, values: Any, rows: Any, shape: tuple[int, ...]) -> None:
        rows = as_operand(rows)
        wanted = (np.size(rows), *shape[1:])
        if np.ndim(rows) != 1 or np.shape(values) != wanted:
            raise ValueError(
                f"RowSparse of shape {shape}: rows of shape {np.shape(rows)} need values of shape {wanted}, "
                f"got {np.shape(values)}"
            )
        if rows.dtype.kind not in "iu":
            raise TypeError(f"RowSparse: rows must be integers, got {rows.dtype}")
        self.values, self.rows, self.shape = values, rows, shape

    dtype = property(lambda self: self.values.dtype)
    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: int(np.prod(self.shape)))
    itemsize = property(lambda self: self.values.itemsize)
    nbytes = property(lambda self: self.values.nbytes + self.rows.nbytes)
    device = property(lambda self: device_of(self.values))

    @follow
    def coalesce(self) -> RowSparse:
        """Each row once, in order."""
        rows, place = np.unique(_from_the_start(self.rows, len(self)), return_inverse=True)
        values = np.zeros_like(self.values, shape=(len(rows), *self.shape[1:]))
        add_rows(values, place, self.values)
        return RowSparse(values, rows, self.shape)

    @follow
    def dense(self) -> Any:
        """The whole array."""
        out = np.zeros_like(self.values, shape=self.shape)
        add_rows(out, self.rows, self.values)
        return out

    def changed(self, change: Callable[[Any], Any]) -> RowSparse:
        """The same of other arrays, of copies on another device, say."""
        return RowSparse(change(self.values), change(self.rows), self.shape)

    @follow
    def get(self) -> Any:
        """The whole array in main memory."""
        return on_host(self)

    def __reduce__(self) -> Any:
        """Copies are where this is; a pickle can be read where there is no GPU."""
        return _rebuilt, (carried(self.values), carried(self.rows), self.shape)

    @follow
    def copy(self) -> RowSparse:
        return RowSparse(self.values.copy(), self.rows, self.shape)

    @follow
    def astype(self, dtype: Any, copy: bool = True) -> RowSparse:
        return RowSparse(self.values.astype(dtype, copy=copy), self.rows, self.shape)

    # --------------------------------------------------------------------------- as an array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.dense(), dtype=dtype)

    def __getattr__(self, name: str) -> Any:
        if name in _OF_THE_WHOLE:
            return getattr(self.dense(), name)
        raise AttributeError(f"a RowSparse array has no {name!r}; the whole array is .dense()")

    def __len__(self) -> int:
        return self.shape[0]

    def __bool__(self) -> bool:
        return bool(self.dense())

    @follow
    def __getitem__(self, index: Any) -> Any:
        return self.dense()[_dense(index)]

    @follow
    def __setitem__(self, index: Any, value: Any) -> None:
        whole = self.dense()
        write_at(whole, _dense(index), _dense(value))
        self._hold(whole)

    def fill(self, value: Any) -> None:
        """Write one value everywhere."""
        self[...] = value

    @follow
    def _hold(self, whole: Any) -> None:
        """Become equal to an ordinary array, of which all rows are kept."""
        self.values, self.rows = whole, np.arange(len(whole), like=self.rows)

    @follow
    def _takes_over(self, other: RowSparse) -> bool:
        """Become equal to another one and say so, where its shape and dtype fit."""
        fits = other.shape == self.shape and np.can_cast(other.dtype, self.dtype, "same_kind")
        if fits:
            self.values, self.rows = other.values.astype(self.dtype), other.rows
        return fits

    # ------------------------------------------------------------------------ NumPy's protocols

    def _kept_sparse(self, ufunc: np.ufunc, inputs: Any) -> RowSparse | None:
        """The result of an operation that leaves zeros zero and adds up; None of any other one."""
        sparse = [x for x in inputs if isinstance(x, RowSparse)]
        if ufunc in (np.negative, np.positive, np.conjugate):
            return RowSparse(ufunc(self.values), self.rows, self.shape)
        if ufunc in (np.add, np.subtract) and len(sparse) == 2:
            x, y = sparse
            if x.shape == y.shape:
                values = np.concatenate([x.values, y.values if ufunc is np.add else -y.values])
                return RowSparse(values, np.concatenate([x.rows, y.rows]), x.shape)
        factor = inputs[0] if inputs[-1] is self else inputs[-1]
        number = isinstance(factor, (int, float, complex, np.generic, np.ndarray)) and not np.ndim(factor)
        if number and np.isfinite(factor):
            divides = ufunc is np.divide and inputs[0] is self and factor != 0
            if ufunc is np.multiply or divides:
                return RowSparse(ufunc(self.values, factor), self.rows, self.shape)
        return None

    @follow
    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any
    ) -> Any:
        """Sparse where it can stay so; beside ordinary arrays it is one."""
        if method == "at":
            return self._written(ufunc.at, inputs, kwargs)
        kept = self._kept_sparse(ufunc, inputs) if method == "__call__" and not kwargs else None
        if kept is not None and out is None:
            return kept
        target = None if out is None else out[0]
        if kept is not None and isinstance(target, RowSparse) and target._takes_over(kept):
            return target
        kwargs = {name: _dense(value) for name, value in kwargs.items()}
        return _into(target, partial(getattr(ufunc, method), *map(_dense, inputs), **kwargs))

    @follow
    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in _WRITERS:
            return self._written(function, args, kwargs)
        target = kwargs.pop("out", None)
        kwargs = {name: _dense(value) for name, value in kwargs.items()}
        return _into(target, partial(function, *_dense(args), **kwargs))

    @staticmethod
    def _written(function: Any, args: Any, kwargs: Any) -> None:
        """Call a function that writes into its first argument."""
        written = _dense(args[0])
        function(written, *_dense(args[1:]), **{n: _dense(v) for n, v in kwargs.items()})
        if isinstance(args[0], RowSparse):
            args[0]._hold(written)

    def __iadd__(self, other: Any) -> Any:
        """As `+`: with an ordinary array the sum is one, which is how gradients add up."""
        return self + other

    def __repr__(self) -> str:
        return f"RowSparse({len(self.rows)} rows of shape {self.shape})"


def _rebuilt(values: Any, rows: Any, shape: tuple[int, ...]) -> RowSparse:
    """A row-sparse array out of a copy or a pickle."""
    return RowSparse(arrived(values), arrived(rows), shape)
