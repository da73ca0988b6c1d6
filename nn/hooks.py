"""Hooks of modules: how functions are registered that a module calls.

`nn.calling` calls those around a forward, `nn.backward_hooks` those in its backward pass, and
`nn.weights` those of the state.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple

from .contents import Owner

__all__ = [
    "Handle", "Hook", "Hooked", "add_hook", "everywhere", "hooks_of",
    "register_module_forward_hook", "register_module_forward_pre_hook",
    "register_module_full_backward_hook", "register_module_full_backward_pre_hook",
]  # fmt: skip

#: Names of hooks, for those who take them away again.
_keys = count()


class Hook(NamedTuple):
    """A hook and what it wants.

    Attributes:
        call: the function.
        with_kwargs: whether it gets the keyword arguments too.
        always: whether it is called also where the forward raises.
        kind: of one of all modules, where it is called: "forward", say.
    """

    call: Callable[..., Any]
    with_kwargs: bool = False
    always: bool = False
    kind: str = ""


#: Hooks of all modules, of all kinds.
everywhere: OrderedDict[int, Hook] = OrderedDict()


class Handle:
    """What removes a hook: `handle()` or `handle.remove()`, or the end of `with handle:`.

    Args:
        hooks: the hooks among which it is.
        key: its key there.

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
    """Put a hook at the end, or at the beginning, of those that are there.

    Args:
        hooks: those that are there.
        hook: the new one.
        prepend: put it at the beginning.
    """
    key = next(_keys)
    hooks[key] = hook
    if prepend:
        hooks.move_to_end(key, last=False)
    return Handle(hooks, key)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> Handle:
    """Call hook(module, args, out) after the forward of every module, before its own hooks.

    Args:
        hook: the function.
        with_kwargs: call hook(module, args, kwargs, out).
        always_call: also where the forward raises; `out` is None then.

    >>> import numpy as np, nn
    >>> with register_module_forward_hook(lambda module, args, out: print(type(module).__name__)):
    ...     out = nn.Sequential(nn.ReLU())(np.ones(1))
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


def hooks_of(module: Any, kind: str) -> list[Hook]:
    """The hooks of every module, then those of this one.

    Args:
        module: the module.
        kind: of which kind: "forward", "forward_pre", "backward" or "backward_pre".
    """
    own = getattr(module, f"_{kind}_hooks")
    return [
        *(hook for hook in everywhere.values() if hook.kind == kind),
        *(own.values() if own else ()),
    ]


class Hooked(Owner):
    """The methods of a module that take hooks; each returns what removes the hook again."""

    _forward_hooks: OrderedDict[int, Hook] | None = None
    _forward_pre_hooks: OrderedDict[int, Hook] | None = None
    _backward_hooks: OrderedDict[int, Hook] | None = None
    _backward_pre_hooks: OrderedDict[int, Hook] | None = None
    _state_dict_hooks: OrderedDict[int, Hook] | None = None
    _state_dict_pre_hooks: OrderedDict[int, Hook] | None = None
    _load_pre_hooks: OrderedDict[int, Hook] | None = None
    _load_post_hooks: OrderedDict[int, Hook] | None = None

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> Handle:
        """Call hook(module, args, out) after each forward; what it returns replaces the output.

        Args:
            prepend: before the hooks that are there.
            with_kwargs: call hook(module, args, kwargs, out).
            always_call: also where the forward raises; `out` is None then.

        Returns a function that removes the hook; it also has `.remove()`.
        """
        return self._add_hook("_forward_hooks", Hook(hook, with_kwargs, always_call), prepend)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Call hook(module, args) before each forward; what it returns replaces the arguments.

        With `with_kwargs`, hook(module, args, kwargs) returns None or (args, kwargs).
        """
        return self._add_hook("_forward_pre_hooks", Hook(hook, with_kwargs), prepend)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Handle:
        """Call hook(module, grad_input, grad_output) when the gradients of the inputs are known.

        Both are tuples, of the positional arguments and of the outputs; None stands for what has no
        gradient. What the hook returns replaces grad_input.

        >>> import nn
        >>> from minigrad import Tensor
        >>> layer, x = nn.Tanh(), Tensor([0.0], requires_grad=True)
        >>> five_times = lambda module, grad_input, grad_output: (grad_input[0] * 5,)
        >>> remove = layer.register_full_backward_hook(five_times)
        >>> layer(x).sum().backward(); x.grad.tolist()
        [5.0]
        """
        return self._add_hook("_backward_hooks", Hook(hook), prepend)

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Handle:
        """Call hook(module, grad_output) before the backward pass; it may return another."""
        return self._add_hook("_backward_pre_hooks", Hook(hook), prepend)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call hook(module, prefix, keep_vars) before `state_dict()` collects."""
        return self._add_hook("_state_dict_pre_hooks", Hook(hook))

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call hook(module, state_dict, prefix, local_metadata), which may change the dict.

        Another dict that it returned would be lost, so that is a TypeError, here and after loading.
        """
        return self._add_hook("_state_dict_hooks", Hook(hook))

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call a hook before `load_state_dict()`; it may change its copy of the state.

        It gets (module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys,
        error_msgs).  The last three are lists, to which it may add: what it adds is treated as
        what is found without it, and messages are an error also where `strict` is False.
        `strict` is that of the loading; PyTorch passes True always.
        """
        return self._add_hook("_load_pre_hooks", Hook(hook))

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call hook(module, incompatible_keys) after `load_state_dict()`.

        It may change the two lists; keys that it adds are an error where the loading is strict.
        """
        return self._add_hook("_load_post_hooks", Hook(hook))

    def _add_hook(self, name: str, hook: Hook, prepend: bool = False) -> Handle:
        if not callable(hook.call):
            raise TypeError(f"a hook must be a function, got {hook.call!r}")
        if getattr(self, name) is None:
            setattr(self, name, OrderedDict())
        self._plain = False
        return add_hook(getattr(self, name), hook, prepend)
