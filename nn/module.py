"""Module: a thing with parameters and a forward.

A module is a plain object.  Its parameters are found by walking its attributes when somebody asks,
so they may sit in lists, tuples and dicts, and no `super().__init__()` is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from reprlib import recursive_repr
from typing import Any, ParamSpec, Protocol, Self, TypeVar

import numpy as np

from minigrad import checkpoint_notes, devices, zeros_like
from minigrad.hints import explain_options

from .attributes import Attributes
from .calling import call_fully, say_which_layer
from .contents import members, part, replace_part, walk
from .hooks import Hooked, everywhere
from .moving import Moving
from .parameter import Buffer, Parameter
from .values import host
from .weights import Weights

__all__ = ["Buffer", "Module", "Parameter", "host"]

P = ParamSpec("P")
Out = TypeVar("Out", covariant=True)


class _HasForward(Protocol[P, Out]):
    """To type checkers: a call takes what forward takes, and returns what that returns."""

    def forward(self, *args: P.args, **kwargs: P.kwargs) -> Out: ...


class Module(Attributes, Hooked, Moving, Weights):
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
    _repr_html_: Callable[[], str]  # bound there too: the tree of modules
    _machinery = frozenset(
        {
            "_backward_hooks", "_backward_pre_hooks", "_derived",
            "_forward_hooks", "_forward_pre_hooks", "_load_post_hooks", "_load_pre_hooks",
            "_state_dict_hooks", "_state_dict_pre_hooks",
        }
    )  # fmt: skip

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """An option that a constructor does not have is an error that says what to write."""
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = explain_options(cls.__init__)  # type: ignore[method-assign]

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every module defines it."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward()")

    def __call__(self: _HasForward[P, Out], *args: P.args, **kwargs: P.kwargs) -> Out:
        module: Any = self
        try:
            if module._plain and not everywhere and not devices.several and checkpoint_notes() is None:
                return module.forward(*args, **kwargs)  # type: ignore[no-any-return]
            return call_fully(module, args, kwargs)  # type: ignore[no-any-return]
        except Exception as error:
            say_which_layer(module, error)
            raise

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a module under a name, the same as `self.name = module`; raises as `register_parameter`.

        Args:
            name: without dots, and not that of anything but a module.
            module: None notes that there is none.
        """
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
        """All parameters, for an optimizer; each once.

        Args:
            recurse: False for those of this module alone.
        """
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Buffer]]:
        """All buffers with their paths; the options are those of `named_parameters`."""
        return _of_kind(Buffer, self._within(prefix, recurse, remove_duplicate))

    def buffers(self, recurse: bool = True) -> Iterator[Buffer]:
        """All buffers, each once.

        Args:
            recurse: False for those of this module alone.
        """
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _within(self, prefix: str, recurse: bool, once: bool) -> list[tuple[str, Any]]:
        if recurse:
            return walk(self, prefix, once)
        start = f"{prefix}." if prefix else ""
        return [(f"{start}{name}", x) for name, x in members(self)]

    def get_submodule(self, target: str) -> Module:
        """The module at a path; this one at "".

        Args:
            target: names separated by dots, as `named_modules` gives them.

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
            target: the path, names separated by dots.
            module: what stands there from now on.
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
        """Call a function with every module inside, this one last.

        Args:
            function: takes a module; what it returns does not matter.

        Returns:
            This module.
        """
        for module in reversed(list(self.modules())):
            function(module)
        return self

    # ----------------------------------------------------------------------------------- modes

    def train(self, mode: bool = True) -> Self:
        """Training mode, for all modules inside.

        Args:
            mode: False for evaluation mode.

        Returns:
            This module.
        """
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

        Args:
            requires_grad: False freezes them.

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
        """Forget all gradients.

        Args:
            set_to_none: False fills those that are there with zeros.
        """
        for parameter in self.parameters():
            was_there = parameter.grad is not None
            parameter.grad = None  # which also forgets what `redirect_grad` has kept
            if was_there and not set_to_none:
                parameter.grad = zeros_like(parameter.detach())

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

# A summary of one's own may be a layer.
Module._reserved = frozenset(x for x in dir(Module) if not x.startswith("_")) - {"summary"}
K = TypeVar("K")


def _of_kind(kind: type[K], named: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, K]]:
    return ((name, x) for name, x in named if isinstance(x, kind))
