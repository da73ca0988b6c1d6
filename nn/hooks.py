"""Hooks of modules: functions called before and after a forward, and in its backward pass."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from minigrad import Tensor, is_grad_enabled, primitive

__all__ = [
    "Handle", "Hook", "add_hook", "call_with_hooks", "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook", "register_module_full_backward_pre_hook",
]  # fmt: skip

#: Names of hooks, for those who take them away again.
_keys = count()


class Hook(NamedTuple):
    """A hook and what it wants; one of all modules has a kind."""

    call: Callable[..., Any]
    with_kwargs: bool = False
    always: bool = False
    kind: str = ""


#: Hooks of all modules, of all kinds.
everywhere: OrderedDict[int, Hook] = OrderedDict()


class Handle:
    """What removes a hook: `handle()` or `handle.remove()`, or the end of `with handle:`.

    >>> hooks = OrderedDict()
    >>> remove = add_hook(hooks, Hook(print))
    >>> remove(); len(hooks)
    0
    """

    def __init__(self, hooks: OrderedDict[int, Hook], key: int) -> None:
        self._hooks, self._key = hooks, key

    def remove(self) -> None:
        """Take the hook away; a second time does nothing."""
        self._hooks.pop(self._key, None)

    __call__ = remove

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def add_hook(hooks: OrderedDict[int, Hook], hook: Hook, prepend: bool = False) -> Handle:
    """Put a hook at the end, or at the beginning, of those that are there."""
    key = next(_keys)
    hooks[key] = hook
    if prepend:
        hooks.move_to_end(key, last=False)
    return Handle(hooks, key)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> Handle:
    """Call hook(module, args, out) after the forward of every module, before its own hooks.

    >>> import nn
    >>> with register_module_forward_hook(lambda module, args, out: print(type(module).__name__)):
    ...     out = nn.Sequential(nn.ReLU())(Tensor([1.0]))
    ReLU
    Sequential
    """
    return add_hook(everywhere, Hook(hook, with_kwargs, always_call, "forward"))


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> Handle:
    """Call hook(module, args) before the forward of every module, before its own hooks."""
    return add_hook(everywhere, Hook(hook, kind="forward_pre"))


def register_module_full_backward_hook(hook: Callable[..., Any]) -> Handle:
    """Call hook(module, grad_input, grad_output) in the backward pass of every module."""
    return add_hook(everywhere, Hook(hook, kind="backward"))


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> Handle:
    """Call hook(module, grad_output) before every module's backward pass, before its own hooks."""
    return add_hook(everywhere, Hook(hook, kind="backward_pre"))


def _all(module: Any, kind: str) -> list[Hook]:
    """The hooks of every module, then those of this one."""
    own = getattr(module, f"_{kind}_hooks")
    return [
        *(hook for hook in everywhere.values() if hook.kind == kind),
        *(own.values() if own else ()),
    ]


def call_with_hooks(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The forward of a module between its hooks."""
    for pre_hook in _all(module, "forward_pre"):
        args, kwargs = _before(pre_hook, module, args, kwargs)
    backward = None
    if _all(module, "backward") or _all(module, "backward_pre"):
        backward = _Backward(module)
        args = backward.through_inputs(args)
    hooks = _all(module, "forward")
    try:
        out = module.forward(*args, **kwargs)
    except Exception:
        for hook in hooks:
            if hook.always:
                _after(hook, module, args, kwargs, None)
        raise
    for hook in hooks:
        out = _after(hook, module, args, kwargs, out)
    return out if backward is None else backward.through_outputs(out)


def _before(
    hook: Hook, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if not hook.with_kwargs:
        changed = hook.call(module, args)
        if changed is None:
            return args, kwargs
        return (changed if isinstance(changed, tuple) else (changed,)), kwargs
    changed = hook.call(module, args, kwargs)
    if changed is None:
        return args, kwargs
    if not isinstance(changed, tuple) or len(changed) != 2:
        raise TypeError(
            f"a forward pre-hook with_kwargs of {type(module).__name__} must return None or "
            f"(args, kwargs), not {type(changed).__name__}"
        )
    return changed


def _after(hook: Hook, module: Any, args: Any, kwargs: Any, out: Any) -> Any:
    given = (args, kwargs, out) if hook.with_kwargs else (args, out)
    changed = hook.call(module, *given)
    return out if changed is None else changed


# ------------------------------------------------------------------------------ backward hooks


def _stop_rule(g: Any, needs: tuple[bool, ...], stop: Callable[..., Any]) -> Any:
    return stop(g if isinstance(g, tuple) else (g,), needs)


@primitive(method=False, joint=_stop_rule, inputs=("tensors",), name="backward_hook")
def _stopped(*tensors: Any, stop: Callable[..., Any]) -> tuple[Any, ...]:
    """The tensors themselves; their gradients all come by `stop` together.

    out = tensors
    dtensors = stop(g)
    """
    return tensors


class _Backward:
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
        for hook in _all(self.module, "backward_pre"):
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
        for hook in _all(self.module, "backward"):
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
    if not isinstance(given, Tensor):
        x = x.data if isinstance(x, Tensor) else np.asarray(x)
    elif not isinstance(x, Tensor):
        x = Tensor(x)
    return np.conj(x) if x.dtype.kind == "c" else x
