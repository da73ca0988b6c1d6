"""What the generated function of an op calls: operands, results and their nodes, `out=`, errors."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import backend, graph, later
from .arrays.batch import all_examples, newest
from .arrays.fallback import in_turn
from .cotangents import pick
from .devices import follow
from .graph import Node
from .hints import check_dtype, wrong_option
from .reasons import missing_on_gpu, mixes_devices, reason
from .tensor import Tensor, raw, wrap
from .tracing import is_traced_number
from .trees import flatten, sequence_like

if TYPE_CHECKING:
    from .op import Op

__all__ = [
    "NAMES", "call_with_options", "cast_inputs", "different_devices", "holds_tensor", "known_operand", "options_of",
    "with_message", "write_into",
]  # fmt: skip

#: The types that stand beside a tensor as they are.  Everything else passes `_operand`.
_PLAIN = frozenset({float, int, bool, complex, np.ndarray, np.float32, np.float64})
#: What every ufunc takes beside its inputs and `out`, with NumPy's defaults.
UFUNC_OPTIONS: dict[str, Any] = {
    "where": True, "casting": "same_kind", "order": "K", "dtype": None, "subok": True, "signature": None,
}  # fmt: skip

# ---------------------------------------------------------------------------------- operands


def known_operand(x: Any) -> bool:
    """Whether Tensors compute with a value; what they do not know gets its own turn (`__radd__`)."""
    plain = isinstance(x, (Tensor, float, int, complex, np.generic, list, tuple))
    return plain or backend.is_array(x) or is_traced_number(x)


def holds_tensor(x: Any) -> bool:
    """Whether a Tensor is somewhere in nested lists and tuples."""
    return isinstance(x, Tensor) or (isinstance(x, (list, tuple)) and any(map(holds_tensor, x)))


def _operand(x: Any, complain: bool, others: Sequence[Any] = ()) -> Any:
    """Something that may stand beside a Tensor, as NumPy takes it; a list goes to the device of the others."""
    if isinstance(x, (list, tuple)):
        array = np.array(x) if not holds_tensor(x) else None
        if array is not None and array.dtype != object:
            return _beside_those(array, others)
        raise TypeError(
            "a list that holds Tensors is not an array: use minigrad.array(...) or minigrad.stack(...)"
        )
    if x is None and complain or known_operand(x):  # None: the forward decides what an input left out means
        return x
    if complain:
        raise TypeError(f"cannot compute with a Tensor and {type(x).__name__}")
    return NotImplemented


def _beside_those(array: np.ndarray, others: Sequence[Any]) -> Any:
    """A constant of the user's on the device where the other operands are."""
    for x in others:
        data = getattr(x, "_array", x)
        if type(data) in _PLAIN or isinstance(data, (list, tuple)):
            continue
        data = all_examples(data)
        if backend.device_of(data) != "cpu":
            return backend.beside(array, data)
    return array


def _unpack(items: Any) -> tuple[tuple[Any, ...], tuple[Node | None, ...], bool]:
    """The arrays and the nodes of a sequence of inputs, and whether a tensor is among them."""
    arrays, nodes, found = [], [], False
    for x in items:
        if isinstance(x, Tensor):
            found = True
            arrays.append(x._array)
            nodes.append(x._node)
        else:
            arrays.append(x if type(x) in _PLAIN else _operand(x, True, items))
            nodes.append(None)
    return tuple(arrays), tuple(nodes), found


#: Options whose numbers Python reads: how many, how long, along which axes.
_SIZES = frozenset({
    "axes", "axis", "axis1", "axis2", "correction", "ddof", "destination", "indices_or_sections", "reps", "shape",
    "shift", "source",
})  # fmt: skip


def _option(op: Op, name: str, x: Tensor) -> Any:
    """The array of a Tensor that was given for an option."""
    if x._node is not None and op.inputs:
        raise TypeError(f"{op.name} has no gradient with respect to {name}; write {name}.detach()")
    if name in _SIZES and later.is_on_gpu(x._array):
        return backend.as_sizes(x)
    return x._array


# ----------------------------------------------------------------------------------- results


def _as_arrays(op: Op, out: Any) -> Any:
    if isinstance(out, (tuple, list)):
        return sequence_like(out, [_as_arrays(op, o) for o in out])
    array = backend.as_array(out)
    if isinstance(array, Tensor) or not hasattr(array, "dtype"):
        kind = type(out).__name__
        raise TypeError(
            f"{op.name}: its forward returned {kind}; it gets arrays and must return one"
        )
    return array


def _constant(op: Op, out: Any, values: dict[str, Any] | None = None) -> Any:
    """The Tensors of a result that depends on no tensor that needs a gradient."""
    out = _as_arrays(op, out)
    if values is not None and (observer := graph.observer()) is not None:
        observer(op, None, out, values)
    if graph.is_anomaly_enabled():
        graph.check_finite(all_examples(out), op.name, "the forward pass", graph.user_line())
    if isinstance(out, (tuple, list)):
        return sequence_like(out, [wrap(o, None) for o in out])
    return wrap(out, None)


def _finish(
    op: Op, out: Any, parents: tuple[Node | None, ...], saved: Any, values: dict[str, Any] | None
) -> Any:
    """The Tensors of a result where a mode is open, or where an op has several outputs.

    Where a mode is open, `values` are those of the op's parameters, for whoever observes.
    """
    if not graph.is_grad_enabled():
        return _constant(op, out)
    several = isinstance(out, (tuple, list))
    shape, dtype = (None, None) if several else (out.shape, out.dtype)
    node = Node(op, parents, saved, shape, dtype)
    if graph.is_anomaly_enabled():
        node.annotate().source = source = graph.user_line()
        graph.check_finite(all_examples(out), op.name, "the forward pass", source)
    if (observer := graph.observer()) is not None:
        observer(op, node, out, values or {})
    if not several:
        return wrap(out, node)
    node.outputs = tuple((o.shape, o.dtype) for o in out)
    return sequence_like(out, [pick(node, i, o) for i, o in enumerate(out)])


# ------------------------------------------------------------------ `out=` and the options of ufuncs


@follow
def write_into(out: Any, result: Any, broadcast: bool = False, casting: Any = "same_kind") -> Any:
    """The `out=` argument: recorded on a Tensor, allowed on an array where no gradient is lost.

    A ufunc may `broadcast` its result into a larger `out`; no other function does.
    """
    if isinstance(result, (tuple, list)):
        pairs = zip(out, result, strict=True)
        return tuple(r if o is None else write_into(o, r, broadcast, casting) for o, r in pairs)
    target = out[0] if isinstance(out, tuple) else out
    if isinstance(result, Tensor) and result._node is not None and not isinstance(target, Tensor):
        raise TypeError(
            "a tensor that requires a gradient cannot be written into a NumPy array, the gradient would "
            "be lost: write a = a + t instead of a += t, or make the array a Tensor"
        )
    if np.shape(result) != np.shape(target) and not broadcast:
        shapes = f"{np.shape(target)}, the result has shape {np.shape(result)}"
        raise ValueError(f"out= has shape {shapes}")
    if not np.can_cast(result.dtype, target.dtype, casting):
        raise TypeError(
            f"out= of dtype {target.dtype} cannot hold a result of dtype {result.dtype}"
        )
    places = {"the result": backend.device_of(raw(result)), "out": backend.device_of(raw(target))}
    if (different := backend.apart(places, "out=")) is not None:
        raise different
    target[...] = result if isinstance(target, Tensor) else raw(result)
    return target


def options_of(ufunc: np.ufunc) -> dict[str, Any]:
    """What a ufunc takes beside its inputs and `out`, with NumPy's defaults; a product of matrices has no mask."""
    elementwise = ufunc.signature is None
    return {n: v for n, v in UFUNC_OPTIONS.items() if elementwise or n != "where"}


def call_with_options(
    ufunc: np.ufunc, function: Any, args: Sequence[Any], options: dict[str, Any]
) -> Any:
    """A function that stands for a ufunc, called with NumPy's options.

    Of these `order` and `subok` change no value.  Elements that `where` leaves out keep what `out`
    holds, and are 0 without it.

    Args:
        args: the inputs, and behind them `out` where it is given by position.
        options: by name, `out` among them.
    """
    inputs, options = args[: ufunc.nin], dict(options)
    outs = options.pop("out", None)
    if outs is None:
        outs = tuple(args[ufunc.nin :])
    elif not isinstance(outs, tuple):
        outs = (outs,)
    if outs and len(outs) != ufunc.nout:
        raise TypeError(f"{ufunc.__name__}: out must be a tuple of {ufunc.nout} arrays")
    if unknown := options.keys() - options_of(ufunc):
        known = ", ".join(["out", *options_of(ufunc)])
        raise TypeError(f"{ufunc.__name__} has no option {min(unknown)!r}; it takes {known}")
    if not any(isinstance(x, Tensor) for x in (*inputs, *outs, options.get("where"))):
        return ufunc(*inputs, out=outs, **options) if outs else ufunc(*inputs, **options)
    given = UFUNC_OPTIONS | options
    if given["signature"] is not None:
        raise NotImplementedError(f"{ufunc.__name__} of Tensors takes no signature=; give dtype=")
    result = function(*cast_inputs(ufunc, inputs, given["dtype"], given["casting"]))
    outs = outs or (None,) * ufunc.nout
    if given["where"] is not True:
        result = _only_where(given["where"], result, outs)
    if all(o is None for o in outs):
        return result
    return write_into(
        outs if isinstance(result, tuple) else outs[0], result, True, given["casting"]
    )


def _with_options(op: Op, inputs: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """An op that stands for a ufunc, called with NumPy's options."""
    assert op.ufunc is not None
    options = options if out is None else {**options, "out": out}
    return call_with_options(op.ufunc, op.function, inputs, options)


def cast_inputs(
    ufunc: np.ufunc, inputs: Sequence[Any], dtype: Any, casting: Any = "same_kind"
) -> Sequence[Any]:
    """The inputs in the dtypes that NumPy's loop would take.

    Raises:
        TypeError: NumPy's own, where the loop does not exist or the casting is not allowed.
    """
    if dtype is None and casting == "same_kind":
        return inputs
    inputs = [np.asarray(x) if isinstance(x, (list, tuple, bool)) else x for x in inputs]
    kinds = [x.dtype if hasattr(x, "dtype") else type(x) for x in inputs]
    options: dict[str, Any] = {"casting": casting}
    if dtype is not None:
        options["signature"] = (*[None] * ufunc.nin, *[np.dtype(dtype)] * ufunc.nout)
    loop = ufunc.resolve_dtypes((*kinds, *[None] * ufunc.nout), **options)
    pairs = zip(inputs, loop, strict=False)
    return [x.astype(d) if hasattr(x, "astype") else d.type(x) for x, d in pairs]


@follow
def _only_where(mask: Any, result: Any, outs: Sequence[Any]) -> Any:
    """The results where a mask holds; elsewhere what stands in `out`, zeros without one."""
    if isinstance(result, tuple):
        return tuple(_only_where(mask, r, (o,)) for r, o in zip(result, outs, strict=True))
    mask = np.asarray(mask) if isinstance(mask, (list, tuple, bool)) else mask
    if mask.dtype != bool:
        raise TypeError(f"where= must be a mask of bools, this one is {mask.dtype}")
    kept = np.zeros_like(raw(result)) if outs[0] is None else outs[0]
    return np.where(mask, result, kept)


# ------------------------------------------------------------------------------------ errors


@follow
def _rescue(
    op: Op, values: dict[str, Any], parents: Sequence[Node | None], fixed: Sequence[str], error: Exception
) -> list[Any]:
    """A forward failed: on batches it runs for one example after the other; constants are moved to the device of
    the arrays; or the error says of which op, with which shapes, on which devices.

    Returns:
        The results, and the values of the op's parameters that the forward had at last: the backward pass reads these.
    """
    if later.was_found_late(error):
        raise error
    if (moved := _constants_beside(op, values, parents, fixed)) is not None:
        values = moved
        try:
            return _results_and_values(op, op.call(values, op.forward), values)
        except Exception as again:
            error = again
    if (recorder := later.recorder_of(*flatten(values))) is not None:  # it looks at numbers; or the error comes again
        out = recorder.opaque(op.call, (values, op.forward), {})
        return _results_and_values(op, out, values)
    if (level := newest(values)) is not None:
        try:
            out = in_turn(
                op.name, lambda given: op.call(given, op.forward), level, (values,), {}, error
            )
            return _results_and_values(op, out, values)
        except Exception as single:
            error = single
    arrays = _arrays_of({n: values[n] for n in op.inputs or op.names})
    placed = arrays
    if isinstance(error, (TypeError, AttributeError)):  # also of masks, indices and classes, which have no gradient
        placed = arrays + _arrays_of({n: v for n, v in values.items() if n not in op.inputs})
    devices = {n: backend.device_of(v) for n, v in placed if not isinstance(v, np.generic)}
    own_words = isinstance(error, (ImportError, OSError, RuntimeError))
    about_values = own_words or isinstance(error, IndexError)
    if not about_values and (different := backend.apart(devices, op.name)) is not None:
        raise different from error
    if set(devices.values()) - {"cpu"} and (missing := missing_on_gpu(op.name, error)):
        raise missing from error
    if own_words:  # these say what is wrong
        raise error
    if isinstance(error, TypeError):
        check_dtype(values.get("dtype"))
    why = reason(op.name, error, values, [v.shape for _, v in arrays])
    shapes = ", ".join(f"{n}: shape {v.shape} {v.dtype}" for n, v in arrays)
    raise with_message(error, f"{op.name}: {why} ({shapes})") from error


def _results_and_values(op: Op, out: Any, values: dict[str, Any]) -> list[Any]:
    """What a forward gave, its extras too, and then the values that it had."""
    return [*(out if op.extras else (out,)), *(values[n] for n in op.names)]


def _arrays_of(values: dict[str, Any]) -> list[tuple[str, Any]]:
    """The arrays among values, and in those that are sequences, with what messages call them."""
    found = []
    for name, value in values.items():
        several = isinstance(value, (tuple, list))
        pairs = [(f"{name}[{i}]", v) for i, v in enumerate(value)] if several else [(name, value)]
        found += [(n, v) for n, v in pairs if hasattr(v, "shape") and hasattr(v, "dtype") and not isinstance(v, type)]
    return found


def different_devices(
    function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], error: Exception
) -> Exception | None:
    """The error that names the devices, where a call with these arguments failed since they are on several; else None."""
    if not mixes_devices(error):
        return None
    try:
        names = list(inspect.signature(function).parameters)
    except ValueError:  # a function of C without a signature
        names = []
    names += [f"argument {i}" for i in range(len(names) + 1, len(args) + 1)]
    arrays = _arrays_of({**dict(zip(names, args, strict=False)), **kwargs})
    places = {n: backend.device_of(all_examples(raw(x))) for n, x in arrays if not isinstance(x, np.generic)}
    return backend.apart(places, function.__name__)


#: Options that say places and sizes, which CuPy takes from the host.
_PLACES = frozenset({
    "axes", "axis", "axis1", "axis2", "destination", "indices_or_sections", "reps", "shape", "shift", "source",
})  # fmt: skip
#: Options that are masks, whether they are given as an array, a list or a bool.
_MASKS = frozenset({"condition", "where"})


def _constants_beside(
    op: Op, values: dict[str, Any], parents: Sequence[Node | None], fixed: Sequence[str]
) -> dict[str, Any] | None:
    """The values with the constants on the GPU where others are; None where there is nothing to move.

    Constants are NumPy's arrays without axes, with which CuPy does not compute as it does with scalars, and
    masks, but for those that were Tensors, which are `fixed`.  Sizes, and options that are no masks, become
    Python's numbers.
    """
    if not any(backend.device_of(all_examples(v)) != "cpu" for _, v in _arrays_of(values)):
        return None
    there = [v for _, v in _arrays_of(values)]
    nodes, changed = iter(parents), []

    def beside(x: Any, is_constant: bool) -> Any:
        if not isinstance(x, np.ndarray) or not is_constant:
            return x
        changed.append(x)
        return _beside_those(x, there)

    def read(value: Any) -> Any:
        several = value if isinstance(value, (tuple, list)) else (value,)
        if any(isinstance(v, (Tensor, np.ndarray)) or later.is_on_gpu(v) for v in several):
            changed.append(value)
            return backend.as_sizes(value)
        return value

    def moved(name: str, value: Any) -> Any:
        if name == op.sequence:
            return tuple(beside(x, next(nodes) is None and not np.ndim(x)) for x in value)
        if name in op.inputs:
            return beside(value, next(nodes) is None and not np.ndim(value))
        if name in _SIZES:
            return read(value)
        is_mask = name in _MASKS and (name not in fixed or not np.ndim(value))
        if is_mask and value is not True and isinstance(value, (bool, np.bool_, list, tuple)):
            value = np.asarray(value)
        return beside(value, True) if is_mask else number(value, name in _PLACES)

    def number(value: Any, is_place: bool) -> Any:
        if isinstance(value, np.ndarray) and (is_place or not value.ndim):
            changed.append(value)
            return value.tolist()
        if is_place and isinstance(value, (tuple, list)):
            return type(value)(number(x, True) for x in value)
        return value

    inputs = {n: moved(n, values[n]) for n in op.inputs}  # in the order of their nodes
    found = {n: inputs[n] if n in inputs else moved(n, v) for n, v in values.items()}
    return found if changed else None


def with_message(error: Exception, message: str) -> Exception:
    """An error with another message: of the same type, or of the nearest one that takes a message alone."""
    for kind in type(error).__mro__:
        if kind is Exception:
            break
        try:
            return kind(message)
        except Exception:  # whatever a type of the user's own does
            continue
    return RuntimeError(message)


#: The globals of the generated functions.
NAMES: dict[str, Any] = {
    "__name__": __name__, "_Node": Node, "_PLAIN": _PLAIN, "_Tensor": Tensor, "_as_arrays": _as_arrays,
    "_clock": graph.clock, "_constant": _constant, "_finish": _finish, "_graph": graph,
    "_ndarray": np.ndarray, "_new": object.__new__, "_next": next, "_operand": _operand,
    "_option": _option, "_rescue": _rescue, "_shape": np.shape, "_unpack": _unpack,
    "_with_options": _with_options, "_write_into": write_into, "_wrong_option": wrong_option,
}  # fmt: skip
