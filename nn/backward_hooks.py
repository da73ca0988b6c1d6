"""Hooks of modules in the backward pass: they see and change the gradients of one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import Tensor, is_grad_enabled, primitive, raw
from minigrad.backward import given_gradient

from .hooks import hooks_of

__all__ = ["BackwardHooks"]


def _stop_rule(g: Any, needs: tuple[bool, ...], stop: Callable[..., Any]) -> Any:
    return stop(g if isinstance(g, tuple) else (g,), needs)


@primitive(method=False, joint=_stop_rule, inputs=("tensors",), name="backward_hook")
def _stopped(*tensors: Any, stop: Callable[..., Any]) -> tuple[Any, ...]:
    """The tensors themselves; their gradients all come by `stop` together.

    out = tensors
    dtensors = stop(g)
    """
    return tensors


class BackwardHooks:
    """The backward hooks of one call of a module, between its outputs and its inputs."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.inputs: list[int] | None = None  # the places of the arguments that require gradients
        self.count = 0
        self.grad_output: tuple[Any, ...] | None = None

    def through_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, whose gradients will pass the hooks."""
        self.count = len(args)
        places = _places(args)
        if not places:
            return args
        self.inputs = places
        return _replace(args, places, _stopped(*(args[i] for i in places), stop=self._at_inputs))

    def through_outputs(self, out: Any) -> Any:
        """The outputs, whose gradients are noted."""
        outs = out if isinstance(out, (tuple, list)) else (out,)
        places = _places(outs)
        if not places:
            return out

        def stop(g: tuple[Any, ...], needs: tuple[bool, ...]) -> list[Any]:
            return self._at_outputs(g, places, len(outs))

        new = _replace(outs, places, _stopped(*(outs[i] for i in places), stop=stop))
        if not isinstance(out, (tuple, list)):
            return new[0]
        return type(out)(*new) if hasattr(out, "_fields") else type(out)(new)

    def _at_outputs(self, g: tuple[Any, ...], places: list[int], length: int) -> list[Any]:
        grads = _spread(map(_seen, g), places, length)
        for hook in hooks_of(self.module, "backward_pre"):
            changed = hook.call(self.module, grads)
            if changed is not None:
                grads = self._checked(changed, grads, "full_backward_pre_hook")
        self.grad_output = grads
        if self.inputs is None:
            self._call_hooks((None,) * self.count)
        return [_sent(grads[i], given) for i, given in zip(places, g, strict=True)]

    def _at_inputs(self, g: tuple[Any, ...], needs: tuple[bool, ...]) -> list[Any]:
        if self.inputs is None or self.grad_output is None:
            return list(g)  # a second derivative, which does not come through the outputs
        grads = self._call_hooks(_spread(map(_seen, g), self.inputs, self.count))
        return [_sent(grads[i], given) for i, given in zip(self.inputs, g, strict=True)]

    def _call_hooks(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in hooks_of(self.module, "backward"):
            changed = hook.call(self.module, grads, self.grad_output)
            if changed is not None:
                grads = self._checked(changed, grads, "full_backward_hook")
        self.grad_output = None
        return grads

    def _checked(self, changed: Any, grads: tuple[Any, ...], kind: str) -> tuple[Any, ...]:
        """What a hook returned, as a tuple of gradients like those that it got."""
        new = tuple(changed) if isinstance(changed, (tuple, list)) else (changed,)
        name = f"a {kind} of {type(self.module).__name__}"
        if len(new) != len(grads):
            raise ValueError(f"{name} returned {len(new)} gradients, it got {len(grads)}")
        for given, got in zip(grads, new, strict=True):
            if (given is None) != (got is None) or (
                given is not None and np.shape(got) != given.shape
            ):
                wanted = "None" if given is None else f"shape {given.shape}"
                found = "None" if got is None else f"shape {np.shape(got)}"
                raise ValueError(f"{name} returned {found} in the place of a gradient of {wanted}")
        return new


def _places(values: Any) -> list[int]:
    if not is_grad_enabled():
        return []
    return [i for i, x in enumerate(values) if isinstance(x, Tensor) and x.requires_grad]


def _replace(values: Any, places: list[int], new: Any) -> tuple[Any, ...]:
    result = list(values)
    for i, x in zip(places, new, strict=True):
        result[i] = x
    return tuple(result)


def _spread(values: Any, places: list[int], length: int) -> tuple[Any, ...]:
    return _replace([None] * length, places, values)


def _seen(g: Any) -> Tensor:
    """A gradient as users see it: the conjugate of the engine's (see `minigrad.backward`)."""
    g = np.conj(g) if g.dtype.kind == "c" else g
    return g if isinstance(g, Tensor) else Tensor(g.copy())


def _sent(x: Any, given: Any) -> Any:
    """A gradient that a hook has seen, as the engine's again; a Tensor where it gave one."""
    x = given_gradient(x, raw(given), "what a hook returned")
    if not isinstance(given, Tensor):
        x = raw(x) if hasattr(x, "dtype") else np.asarray(x)
    elif not isinstance(x, Tensor):
        x = Tensor(x)
    return np.conj(x) if x.dtype.kind == "c" else x
