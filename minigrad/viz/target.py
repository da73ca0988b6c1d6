"""What can be drawn, explained and explored: tensors, modules with example inputs, functions with numbers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from ..backend import is_array
from ..tensor import Tensor
from .capture import Capture, capture
from .failure import Failure
from .walk import Step, walk, walk_from

__all__ = ["failed", "prepared", "resolve", "steps_of", "tensors_of"]


def resolve(target: Any, inputs: Sequence[Any], names: Any, values: bool = True) -> tuple[list[Tensor], Any]:
    """The tensors whose graph is meant, and what names its leaves.

    Args:
        target: a tensor or several; what `capture` gave; a module or a function of NumPy, which is called with the inputs while
            all is captured.
        inputs: of a module or a function; for tensors at most one, which takes the place of `names`.
        names: a module, or a dict from names to tensors.
        values: whether the results of a module or a function are kept, see `capture`.

    Raises:
        ValueError: what `capture` gave has failed.

    >>> tensors, names = resolve(lambda x, y: x * y, (2.0, 3.0), None)
    >>> tensors[0].item(), list(names)
    (6.0, ['x', 'y'])
    """
    if (failure := failed(target)) is not None:
        raise ValueError(f"{failure.title}, so there is no result; explore and draw show the graph up to there")
    return tensors_of(target, inputs, names, values)


def tensors_of(target: Any, inputs: Sequence[Any], names: Any, values: bool = True) -> tuple[list[Tensor], Any]:
    """As `resolve`, but of a computation that failed no tensors: `steps_of` has the steps up to there."""
    if isinstance(target, Capture):
        tensors = [] if target.failed else target.results
        if not tensors and not target.failed:
            raise ValueError("under this capture() nothing was computed that needs a gradient, or nobody holds it any more")
        return tensors, inputs[0] if inputs else names
    if not callable(target):
        if len(inputs) > 1:
            raise TypeError(f"tensors take no inputs, got {len(inputs)}; one module or dict that names the leaves may follow")
        tensors = [target] if isinstance(target, Tensor) else target
        if isinstance(tensors, Mapping) or not isinstance(tensors, Iterable):
            raise TypeError(f"expected tensors, a module or a function, got {type(target).__name__}")
        return list(tensors), inputs[0] if inputs else names
    given = prepared(target, inputs, names)
    if hasattr(target, "named_modules"):
        with capture(target, values):
            out = target(*given)
        names = names or target
    else:
        with capture(values=values):
            out = target(*given)
        names = names or dict(zip(_parameters(target, len(given)), given, strict=False))
    tensors = [t for t in _tensors(out) if t.requires_grad]
    if not tensors:
        raise ValueError(f"the result {out!r:.60} does not depend on the inputs in a way that is differentiable")
    return tensors, names


def failed(target: Any) -> Failure | None:
    """Where the computation stopped, of a `Capture` in which it did."""
    return target.failed if isinstance(target, Capture) else None


def steps_of(target: Any, tensors: list[Tensor], names: Any) -> list[Step]:
    """The steps that lead to the tensors of a target; of a computation that failed, those that lead to the op that did."""
    failure = failed(target)
    if failure is None:
        return walk(tensors, names)
    steps = walk_from([failure.node], names)
    steps[-1].output = False  # there is no result
    return steps


def prepared(target: Any, inputs: Sequence[Any], names: Any = None) -> list[Any]:
    """What a module or a function is called with: Tensors in the place of arrays; those of a function get a gradient.

    A Tensor of the caller's stays as it is: where it requires no gradient, a leaf of the same data takes its place, under the
    name that it has, or has in `names`.  Arrays of whole numbers and masks are data, as labels and tokens are; where there are
    no others, and nothing that the function computes from them has a gradient, they become floats, as Python's own numbers do.

    >>> prepared(lambda x: x, [2])
    [Tensor(2., dtype=float64, requires_grad=True)]
    >>> x = Tensor([1.0], name="x")
    >>> prepared(lambda x, i: x[i], [x, Tensor([0], dtype=int)]), x.requires_grad
    ([Tensor([1.], dtype=float32, name='x', requires_grad=True), Tensor([0], dtype=int64)], False)
    """
    if hasattr(target, "named_modules"):
        return [_seen(x) for x in inputs]
    called = {id(x): name for name, x in names.items()} if isinstance(names, Mapping) else {}
    leaves: dict[int, Tensor] = {}
    whole = [is_array(x) and x.dtype.kind not in "fc" for x in inputs]
    are_data = any(whole) and (not all(whole) or _has_gradient(target, [Tensor(x) for x in inputs]))
    for x, is_whole, name in zip_longest(inputs, whole, _parameters(target, len(inputs))):
        if id(x) not in leaves:
            given = Tensor(x, name=name) if is_whole and are_data and not isinstance(x, Tensor) else x
            leaves[id(x)] = _leaf(given, called.get(id(x)))
    return [leaves[id(x)] for x in inputs]


def _has_gradient(function: Callable[..., Any], given: list[Tensor]) -> bool:
    """Whether what a function computes from data can be differentiated, by weights that it knows."""
    try:
        return any(t.requires_grad for t in _tensors(function(*given)))
    except Exception:  # of whole numbers: 2 ** -1
        return False


def _leaf(x: Any, name: str | None) -> Tensor:
    """An input of a function, with a gradient where it can have one."""
    tensor = x if isinstance(x, Tensor) else Tensor(_floating(x))
    if tensor.requires_grad or tensor.dtype.kind not in "fc":
        return tensor
    leaf = tensor.detach()
    if (name := name or tensor.name) is not None:
        leaf.name = name
    leaf.requires_grad = True
    return leaf


def _parameters(function: Callable[..., Any], count: int) -> list[str]:
    """The names of so many positional parameters; those of *xs are xs[0], xs[1], ..."""
    names: list[str] = []
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # some functions written in C have none
        return [f"input[{i}]" for i in range(count)]
    for p in parameters:
        names += [f"{p.name}[{i}]" for i in range(count - len(names))] if p.kind is p.VAR_POSITIONAL else [p.name]
    return names[:count]


def _seen(x: Any) -> Any:
    """An array as a Tensor, so that it is seen what is computed from it."""
    return Tensor(x) if is_array(x) and not isinstance(x, Tensor) else x


def _floating(x: Any) -> Any:
    array = x if is_array(x) else np.asarray(x)
    return array if array.dtype.kind in "fc" else array.astype(float)


def _tensors(out: Any) -> Iterator[Tensor]:
    """All tensors in tuples, lists and dicts."""
    if isinstance(out, Tensor):
        yield out
    elif isinstance(out, (tuple, list, dict)):
        for member in out.values() if isinstance(out, dict) else out:
            yield from _tensors(member)
