"""Module: a thing with parameters and a forward.

A module is a plain object.  Its parameters are found by walking its attributes when somebody asks,
so they may sit in lists, tuples and dicts, and no `super().__init__()` is needed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from html import escape
from reprlib import recursive_repr
from typing import Any, ParamSpec, Protocol, Self, TypeVar

import numpy as np

from minigrad import Tensor, checkpoint_notes

from .attributes import Attributes
from .computed import computed_once
from .contents import find, members, part, replace_part, walk
from .hooks import Handle, Hook, add_hook, call_with_hooks, everywhere
from .moving import Moving
from .parameter import (
    Buffer,
    Parameter,
    is_lazy,
)
from .values import host
from .weights import Weights

__all__ = ["Buffer", "Module", "Parameter", "host"]

#: How the note begins that says where an error comes from.
_IN_THE_LAYER = "in the layer "
P = ParamSpec("P")
Out = TypeVar("Out", covariant=True)


class _HasForward(Protocol[P, Out]):
    """To type checkers: a call takes what forward takes, and returns what that returns."""

    def forward(self, *args: P.args, **kwargs: P.kwargs) -> Out: ...


class Module(Attributes, Moving, Weights):
    """The base of all layers and networks.

    >>> class Scale(Module):
    ...     def __init__(self):
    ...         self.factors = [Parameter([2.0]), Parameter([3.0])]
    ...     def forward(self, x):
    ...         return x * self.factors[0] * self.factors[1]
    >>> scale = Scale()
    >>> scale(Tensor([1.0])).tolist()
    [6.0]
    >>> [name for name, _ in scale.named_parameters()]
    ['factors.0', 'factors.1']
    """

    training: bool = True
    summary: Callable[..., Any]  # bound by nn.inspect.summary, which knows the layers
    _forward_hooks: OrderedDict[int, Hook] | None = None
    _forward_pre_hooks: OrderedDict[int, Hook] | None = None
    _backward_hooks: OrderedDict[int, Hook] | None = None
    _backward_pre_hooks: OrderedDict[int, Hook] | None = None
    _state_dict_hooks: OrderedDict[int, Hook] | None = None
    _state_dict_pre_hooks: OrderedDict[int, Hook] | None = None
    _load_pre_hooks: OrderedDict[int, Hook] | None = None
    _load_post_hooks: OrderedDict[int, Hook] | None = None
    _machinery = frozenset(
        {
            "_backward_hooks", "_backward_pre_hooks", "_derived", "_forward_hooks",
            "_forward_pre_hooks",
            "_load_post_hooks", "_load_pre_hooks", "_state_dict_hooks", "_state_dict_pre_hooks",
        }
    )  # fmt: skip

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every module defines it."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward()")

    def __call__(self: _HasForward[P, Out], *args: P.args, **kwargs: P.kwargs) -> Out:
        module: Any = self
        try:
            if module._plain and not everywhere and checkpoint_notes() is None:
                return module.forward(*args, **kwargs)  # type: ignore[no-any-return]
            return module._call_fully(args, kwargs)  # type: ignore[no-any-return]
        except Exception as error:
            module._say_which_layer(error)
            raise

    def _call_fully(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call with hooks, and with derived attributes that are computed once."""
        with _buffers_under_checkpoint(self):
            return self._call_once(args, kwargs)

    def _call_once(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not self._derived:
            return call_with_hooks(self, args, kwargs)
        with computed_once(self):
            return call_with_hooks(self, args, kwargs)

    def _say_which_layer(self, error: Exception) -> None:
        """Add to an error the path of its module; each module above makes the path longer."""
        if isinstance(error, RecursionError):  # there is no room left to look around
            return
        # The id, not the module: the error can be pickled with it.
        failed = getattr(error, "_failed_module", None)
        if failed is None:
            try:
                error._failed_module = id(self)  # type: ignore[attr-defined]
            except AttributeError:  # an exception with slots
                return
        elif failed != id(self) and (found := find(self, failed)) is not None:
            path, layer = found
            notes = getattr(error, "__notes__", [])
            notes[:] = [note for note in notes if not note.startswith(_IN_THE_LAYER)]
            kinds = f"a {type(layer).__name__}, of {type(self).__name__}"
            error.add_note(f"{_IN_THE_LAYER}{path}, {kinds}")

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a module under a name, which must be new; raises as `register_parameter`."""
        self._register(name, module, Module)

    add_module = register_module

    # --------------------------------------------------------------------------- what is inside

    def named_modules(
        self, memo: Any = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """All modules in this one with their paths, itself first; each once.

        Args:
            memo: a set of modules that are left out (those that are found are added), or the
                prefix.
            prefix: stands before each path.
            remove_duplicate: False for a shared module under each of its names.
        """
        if isinstance(memo, str):
            memo, prefix = None, memo
        for name, value in walk(self, prefix, remove_duplicate):
            if isinstance(value, Module) and (memo is None or value not in memo):
                if memo is not None:
                    memo.add(value)
                yield name, value

    def modules(self) -> Iterator[Module]:
        """All modules in this one, itself first."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly in this one, each once."""
        seen: set[int] = set()
        for name, value in members(self):
            if isinstance(value, Module) and id(value) not in seen:
                seen.add(id(value))
                yield name, value

    def children(self) -> Iterator[Module]:
        """The modules directly in this one, without names."""
        return (module for _, module in self.named_children())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their paths ("layers.0.weight"); a shared one once.

        Args:
            prefix: stands before each path.
            recurse: False for those of this module alone.
            remove_duplicate: False for a shared one under each of its names.
        """
        return _of_kind(Parameter, self._within(prefix, recurse, remove_duplicate))

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, for an optimizer."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Buffer]]:
        """All buffers with their paths; the options are those of `named_parameters`."""
        return _of_kind(Buffer, self._within(prefix, recurse, remove_duplicate))

    def buffers(self, recurse: bool = True) -> Iterator[Buffer]:
        """All buffers."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _within(self, prefix: str, recurse: bool, once: bool) -> list[tuple[str, Any]]:
        if recurse:
            return walk(self, prefix, once)
        start = f"{prefix}." if prefix else ""
        return [(f"{start}{name}", x) for name, x in members(self)]

    def get_submodule(self, target: str) -> Module:
        """The module at a path; this one at "".

        Raises:
            AttributeError: there is nothing, or no module; the message says what is near.

        >>> import nn
        >>> nn.Sequential(nn.ReLU(), nn.Tanh()).get_submodule("1")
        Tanh()
        """
        return self._at(target, Module)  # type: ignore[no-any-return]

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a path; raises as `get_submodule`."""
        return self._at(target, Parameter)  # type: ignore[no-any-return]

    def get_buffer(self, target: str) -> Buffer:
        """The buffer at a path; raises as `get_submodule`."""
        return self._at(target, Buffer)  # type: ignore[no-any-return]

    def _at(self, target: str, kind: type) -> Any:
        found = dict(walk(self, once=False))
        if target in found and isinstance(found[target], kind):
            return found[target]
        paths = [path for path, x in found.items() if isinstance(x, kind) and path]
        if target in found:
            near = f"there is a {type(found[target]).__name__}"
        else:
            near = f"near it: {', '.join(get_close_matches(target, paths, 3, 0.3)) or 'nothing'}"
        raise AttributeError(f"{type(self).__name__} has no {kind.__name__} at {target!r}; {near}")

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module in the place of what is at a path.

        Args:
            strict: raise where nothing is at the path.

        Raises:
            ValueError: the path is empty, or what is given is no Module.
            AttributeError: there is nothing above the path's last part; with `strict`, at the path.
            TypeError: the place is in a tuple.
        """
        if not target or not isinstance(module, Module):
            raise ValueError(
                f"set_submodule takes a path and a Module, got {target!r} and "
                f"{type(module).__name__}"
            )
        if strict:
            self.get_submodule(target)
        *above, last = target.split(".")
        holder: Any = self
        for key in above:
            holder = part(holder, key)
        replace_part(holder, last, module)

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call a function with every module inside, this one last."""
        for module in reversed(list(self.modules())):
            function(module)
        return self

    # ----------------------------------------------------------------------------------- modes

    def train(self, mode: bool = True) -> Self:
        """Training mode, for all modules inside."""
        if not isinstance(mode, (bool, np.bool_)):
            raise ValueError(f"train() takes True or False, got {mode!r}")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Evaluation mode, for all modules inside."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let all parameters learn, or freeze them.

        Raises:
            TypeError: a parameter of integers cannot learn; nothing is changed then.
        """
        named = list(self.named_parameters())
        for name, parameter in named:
            if requires_grad and parameter.dtype.kind not in "fc":
                raise TypeError(
                    f"{name!r} is {parameter.dtype}: only floating parameters can learn"
                )
        for _, parameter in named:
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients; with set_to_none=False, fill them with zeros."""
        for parameter in self.parameters():
            if set_to_none or parameter.grad is None:
                parameter.grad = None
            else:
                parameter.grad = Tensor(np.zeros_like(parameter.data))

    # ----------------------------------------------------------------------------------- hooks

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
        """Call hook(module, state_dict, prefix, local_metadata), which may change the dict."""
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

    # ------------------------------------------------------------------------------------ repr

    def extra_repr(self) -> str:
        """What stands between the brackets of the repr."""
        return ""

    @recursive_repr("...")
    def __repr__(self) -> str:
        children = [
            f"({name}): {child!r}".replace("\n", "\n  ")
            for name, child in members(self)
            if isinstance(child, Module)
        ]
        if not children:
            return f"{type(self).__name__}({self.extra_repr()})"
        return f"{type(self).__name__}({self.extra_repr()}\n  " + "\n  ".join(children) + "\n)"

    def _repr_html_(self) -> str:
        """What a notebook shows: the tree of modules with their numbers of parameters."""
        return f'<div style="line-height:1.5">{_tree("", self, frozenset())}</div>'


@contextmanager
def _buffers_under_checkpoint(module: Module) -> Iterator[None]:
    """Under `checkpoint`, a repeated forward begins with the first one's buffers, and changes none.

    Only buffers that the first run has changed are noted, so that large constant ones are not kept
    twice.
    """
    notes = checkpoint_notes()
    own = [x for _, x in members(module) if isinstance(x, Buffer)] if notes else []
    if notes is None or not own:
        yield
        return
    place, attributes = notes.place(), vars(module)
    bound = {name: x for name, x in attributes.items() if isinstance(x, Buffer)}
    arrays = [x.data for x in own]
    if notes.again:
        for buffer, before in zip(own, notes.entries[place], strict=True):
            buffer.data = buffer.data.copy() if before is None else before.copy()
        try:
            yield
        finally:
            attributes.update(bound)
            for buffer, array in zip(own, arrays, strict=True):
                buffer.data = array
        return
    copies = [array.copy() for array in arrays]
    notes.entries[place] = copies
    yield
    had, same = set(map(id, bound.values())), set(map(id, attributes.values()))
    for i, (buffer, array, copy) in enumerate(zip(own, arrays, copies, strict=True)):
        unbound = id(buffer) in had and id(buffer) not in same
        if buffer.data is array and not unbound and np.array_equal(array, copy):
            copies[i] = None


def _tree(name: str, module: Module, above: frozenset[int]) -> str:
    if id(module) in above:
        return f"<div>{escape(name)} ...</div>"
    above |= {id(module)}
    count = sum(p.size for p in module.parameters() if not is_lazy(p))
    text = f"{type(module).__name__}({module.extra_repr()})"
    size = f"<span style='opacity:0.75'>{count:,} parameters</span>"
    line = f"{escape(name)} <b>{escape(text)}</b> {size}"
    children = [(child, m) for child, m in members(module) if isinstance(m, Module)]
    inner = "".join(_tree(f"({child}):", m, above) for child, m in children)
    if not inner:
        return f"<div>{line}</div>"
    inside = f"<div style='margin-left:1.5em'>{inner}</div>"
    return f"<details open><summary>{line}</summary>{inside}</details>"


# A summary of one's own may be a layer.
Module._reserved = frozenset(x for x in dir(Module) if not x.startswith("_")) - {"summary"}
K = TypeVar("K")


def _of_kind(kind: type[K], named: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, K]]:
    return ((name, x) for name, x in named if isinstance(x, kind))
