"""Modules as functions of their parameters (torch.func.functional_call)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minigrad import Tensor, replaced

from ..module import Module

__all__ = ["functional_call"]


def functional_call(
    module: Module,
    parameters: Mapping[str, Any],
    args: Any = (),
    kwargs: Mapping[str, Any] | None = None,
) -> Any:
    """Call a module with other values in the place of its parameters and buffers; the module stays as it is.

    So a network is a function of its parameters, which transforms differentiate: `grad`, `jacobian`, `vmap`.

    Args:
        parameters: Tensors or arrays by path, as in `named_parameters()`; what is not named keeps its own value.
        args: the positional arguments, a tuple; anything else is the only one.
        kwargs: keyword arguments.

    Raises:
        KeyError: a name that the module does not have.
        ValueError: a value of another shape, or two values for one shared parameter.

    >>> import nn
    >>> from minigrad import grad, vmap
    >>> layer = nn.Linear(1, 1)
    >>> functional_call(layer, {"weight": np.array([[3.0]]), "bias": np.array([1.0])}, np.array([2.0])).tolist()
    [7.0]
    >>> loss = lambda p, x: functional_call(layer, p, x).sum()
    >>> vmap(grad(loss), in_axes=(None, 0))({"weight": np.array([[3.0]])}, np.array([[1.0], [2.0]]))["weight"].ravel()
    array([1., 2.])
    """
    own = dict(module._state())
    if unknown := [name for name in parameters if name not in own]:
        raise KeyError(f"functional_call: {type(module).__name__} has no {unknown[0]!r}; it has {', '.join(own)}")
    given: dict[int, tuple[Tensor, Tensor]] = {}
    for name, value in parameters.items():
        tensor, value = own[name], value if isinstance(value, Tensor) else Tensor(value)
        if value.shape != tensor.shape:
            raise ValueError(f"functional_call: {name!r} has shape {tensor.shape}, the given value {value.shape}")
        if given.setdefault(id(tensor), (tensor, value))[1] is not value:
            raise ValueError(f"functional_call: {name!r} is shared, and got two different values")
    with replaced([tensor for tensor, _ in given.values()], [value for _, value in given.values()]):
        return module(*(args if isinstance(args, tuple) else (args,)), **(kwargs or {}))
