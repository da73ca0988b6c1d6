"""Modules as functions of their parameters, and modules without first values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from minigrad import Tensor, random, replaced

from .. import init
from ..computed import recomputed
from ..module import Module
from ..parameter import Buffer, Parameter
from ..values import as_tensor

__all__ = ["functional_call", "skip_init"]

M = TypeVar("M", bound=Module)


def skip_init(module_cls: Callable[..., M], *args: Any, **kwargs: Any) -> M:
    """A module whose first values do not matter: making it draws none, and changes no random generator.

    So parameters can be counted, or loaded from a file, in a network that would take seconds to initialise.

    Args:
        module_cls: a class of modules, or a function that makes one.
        args, kwargs: its arguments.

    >>> import nn
    >>> random.manual_seed(0); a = random.randn(1)
    >>> random.manual_seed(0); layer = skip_init(nn.Linear, 3, 2); b = random.randn(1)
    >>> layer.weight.shape, a.tolist() == b.tolist()
    ((2, 3), True)
    """
    before, token = random.get_state(), init.skipped.set(True)
    try:
        return module_cls(*args, **kwargs)
    finally:
        init.skipped.reset(token)
        random.set_state(before)  # of modules that draw without nn.init


def functional_call(
    module: Module,
    parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    args: Any = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other values for its parameters and buffers; it stays as it is.

    So a network is a function of its parameters, which transforms differentiate: `grad`,
    `jacobian`, `vmap`.

    Args:
        parameters: Tensors or arrays by path, as in `named_parameters()`, or several such dicts;
            what is not named keeps its own value.
        args: the positional arguments, a tuple; anything else is the only one.
        kwargs: keyword arguments.
        tie_weights: a value for one name of a shared parameter stands for all its names.  It cannot
            be False where the parameters that are given are shared and not all their names are
            given.
        strict: raise where a parameter or buffer is not named.

    Raises:
        KeyError: a name that the module does not have; with `strict`, one that is missing.
        ValueError: a value of another shape, or two values for one shared parameter.

    >>> import nn
    >>> from minigrad import grad, vmap
    >>> layer = nn.Linear(1, 1)
    >>> values = {"weight": np.array([[3.0]]), "bias": np.array([1.0])}
    >>> functional_call(layer, values, np.array([2.0])).tolist()
    [7.0]
    >>> loss = lambda p, x: functional_call(layer, p, x).sum()
    >>> per_sample = vmap(grad(loss), in_axes=(None, 0))
    >>> per_sample({"weight": np.array([[3.0]])}, np.array([[1.0], [2.0]]))["weight"].ravel()
    array([1., 2.])
    """
    named = _one_dict(parameters)
    own = {
        name: x
        for walked in (module.named_parameters, module.named_buffers)
        for name, x in walked(remove_duplicate=False)
    }
    _check_names(module, own, named, tie_weights, strict)
    given: dict[int, tuple[Tensor, Tensor]] = {}
    for name, value in named.items():
        tensor, value = own[name], as_tensor(value, own[name])
        if value.shape != tensor.shape:
            raise ValueError(
                f"functional_call: {name!r} has shape {tensor.shape}, the given value {value.shape}"
            )
        if given.setdefault(id(tensor), (tensor, value))[1] is not value:
            raise ValueError(f"functional_call: {name!r} is shared, and got two different values")
    tensors, values = [tensor for tensor, _ in given.values()], [x for _, x in given.values()]
    with recomputed(), replaced(tensors, values):
        return module(*(args if isinstance(args, tuple) else (args,)), **(kwargs or {}))


def _one_dict(parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The values by path; of several dicts together."""
    if isinstance(parameters, Mapping):
        return dict(parameters)
    named: dict[str, Any] = {}
    for values in parameters:
        if both := named.keys() & values.keys():
            raise ValueError(f"functional_call: {sorted(both)[0]!r} stands in two of the dicts")
        named.update(values)
    return named


def _check_names(
    module: Module,
    own: Mapping[str, Parameter | Buffer],
    named: Mapping[str, Any],
    tie_weights: bool,
    strict: bool,
) -> None:
    kind = type(module).__name__
    if unknown := [name for name in named if name not in own]:
        raise KeyError(f"functional_call: {kind} has no {unknown[0]!r}; it has {', '.join(own)}")
    tensors = {id(own[name]) for name in named}
    missing = [name for name, x in own.items() if name not in named]
    if not tie_weights and (tied := [name for name in missing if id(own[name]) in tensors]):
        raise ValueError(
            f"functional_call: {tied[0]!r} is the same parameter as another that is given, so it "
            "cannot keep its own value: give it the same value, or leave tie_weights=True"
        )
    if strict and (left := [name for name in missing if id(own[name]) not in tensors]):
        raise KeyError(f"functional_call: strict=True, but no value is given for {', '.join(left)}")
