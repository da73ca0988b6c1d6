"""NumPy's two protocols: a NumPy function on a Tensor runs the op that stands for it.

Which op that is stands in the op's definition (`@primitive(np.tanh, ...)`); this file only looks it up.
A function without a rule still works on tensors that need no gradient; where a gradient would be lost it
raises NotImplementedError and names itself.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from . import backend, graph
from .calling import different_devices, write_into
from .devices import follow
from .ops.ufunc_methods import methods
from .primitive import numpy_table, registered
from .reasons import missing_on_gpu
from .tensor import Tensor, raw, wrap
from .trees import flatten, tree_map

__all__ = ["array_function", "array_ufunc"]


def array_ufunc(
    self: Tensor, ufunc: np.ufunc, call: str, *inputs: Any, out: Any = None, **kwargs: Any
) -> Any:
    """`Tensor.__array_ufunc__`: np.exp(t), ndarray * t, scipy.special.expit(t).

    Args:
        ufunc, call: NumPy's function, and how it was called: "__call__", "reduce", "at" ...
        inputs, out, kwargs: what it was called with.
    """
    function = _lookup(ufunc)
    if call == "__call__" and function is not None:
        if out is None and not kwargs:
            return function(*inputs)
        own = getattr(getattr(function, "op", None), "ufunc", None) is ufunc
        if own or (out is not None and "where" in kwargs):  # elsewhere `out` keeps what it holds
            return function(*inputs, out=out, **kwargs)
    if function is None:
        name = ufunc.__name__ if call == "__call__" else f"{ufunc.__name__}.{call}"
        result = _constant(name, getattr(ufunc, call), inputs, kwargs)
    elif call != "__call__":
        result = methods[call](ufunc, function, *inputs, **kwargs)
    else:
        result = function(*inputs, **kwargs)
    return result if out is None else write_into(out, result, broadcast=True)


def array_function(
    self: Tensor, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """`Tensor.__array_function__`: np.sum(t), np.concatenate([t, u]), np.linalg.norm(t).

    Args:
        function: NumPy's.
        types: the types of the arguments that know the protocol; not used.
        args, kwargs: what it was called with.
    """
    op = numpy_table.get(function)
    if op is not None:
        out = kwargs.pop("out", None)
        result = op(*args, **kwargs)
        return result if out is None else write_into(out, result)
    if function in _PLAIN_ANSWERS:
        if len(args) == 1 and not kwargs and isinstance(args[0], Tensor):  # np.shape(x): a fifth of the time
            return function(args[0]._array)
        try:
            with backend.on_gpu_of(self):
                return function(*backend.side_by_side(*tree_map(raw, args)), **tree_map(raw, kwargs))
        except Exception as error:
            if (different := different_devices(function, args, kwargs, error)) is not None:
                raise different from error
            raise
    made = _constant(function.__name__, function, args, kwargs)
    if self.device == "cpu" or any(isinstance(t, Tensor) for t in flatten((args, kwargs))):
        return made
    return tree_map(lambda t: wrap(backend.beside(raw(t), self), None), made)  # np.zeros(3, like=self)


Tensor.__array_ufunc__ = array_ufunc  # type: ignore[attr-defined]
Tensor.__array_function__ = array_function  # type: ignore[attr-defined]

#: Functions whose answer is about the array, not made of its values: it stays a Python or NumPy object.
_PLAIN_ANSWERS = {
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.common_type, np.iscomplexobj, np.isrealobj,
    np.shares_memory, np.may_share_memory, np.min_scalar_type, np.array_repr, np.array_str, np.array2string,
    np.array_equal, np.array_equiv, np.allclose, np.einsum_path,
}  # fmt: skip


def _lookup(ufunc: np.ufunc) -> Callable[..., Any] | None:
    """The op for a ufunc; those of scipy.special are known by name, so that scipy need not be imported."""
    function = numpy_table.get(ufunc)
    if function is None:
        known = numpy_table.get(f"scipy.special.{ufunc.__name__}")
        special = sys.modules.get("scipy.special")
        if known is not None and getattr(special, ufunc.__name__, None) is ufunc:
            function = numpy_table[ufunc] = known
    return function


@follow
def _constant(name: str, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Run a function that has no rule on the arrays, unless that would lose a gradient."""
    if any(isinstance(t, Tensor) and t._node is not None for t in flatten((args, kwargs))):
        home = _home(name)
        known = {full.rpartition(".")[2]: full for full in registered()}
        near = [known[n] for n in _kin(name, known)]
        options = ", ".join(k for k in kwargs if isinstance(k, str))
        raise NotImplementedError(
            f"minigrad has no gradient rule for {home}.{name}, called at {graph.user_line()}"
            + (f" with the options {options}" if options and name in known else "")
            + (f" (there is one for {', '.join(near)})" if near and name not in known else "")
            + "; use x.detach() where none is needed, or define the op with @minigrad.primitive"
        )
    arrays, options = tree_map(raw, args), tree_map(raw, kwargs)
    try:
        return tree_map(_wrap, function(*arrays, **options))
    except Exception as error:
        if (different := different_devices(function, args, kwargs, error)) is not None:
            raise different from error
        on_gpu = any(backend.device_of(x) != "cpu" for x in flatten((arrays, options)))
        if on_gpu and (missing := missing_on_gpu(name, error)):
            raise missing from error
        raise


def _kin(name: str, known: Iterable[str]) -> list[str]:
    """Up to three known names that begin as this one, or are written nearly like it.

    >>> _kin("cosm1", ["cos", "matrix_rank"]), _kin("mathieu_a", ["matrix_rank"])
    (['cos'], [])
    """
    known = list(known)
    same = [n for n in known if len(n) > 2 and (name.startswith(n) or n.startswith(name))]
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.8)
    return list(dict.fromkeys([*sorted(same, key=len, reverse=True), *close]))[:3]


def _home(name: str) -> str:
    """The module that a function without a rule is from, as far as its name tells."""
    special = sys.modules.get("scipy.special")
    in_numpy = hasattr(np, name.partition(".")[0]) or not hasattr(special, name)
    return "numpy" if in_numpy else "scipy.special"


def _wrap(x: Any) -> Any:
    is_array = isinstance(x, np.generic) or backend.is_array(x)
    return wrap(backend.as_array(x), None) if is_array else x
