"""The attributes of a module: what may replace one, and those that are computed of others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from minigrad import Tensor, raw
from minigrad.spellings import MODULES

from .computed import forget, scope_of
from .contents import KINDS, Owner
from .parameter import Buffer, Parameter, as_buffer

__all__ = ["Attributes", "Derived"]

#: What `minigrad.compile` lets one see: of a compiled model that of its forward.
_OF_PROGRAMS = frozenset({"program", "loops", "source", "explain", "stages", "versions"})


class Derived(Protocol):
    """An attribute of a module that is computed of its parameters; see `nn.utils.parametrize`."""

    def value(self, module: Any, called: bool) -> Any:
        """Compute it; `called` is whether the module is being called."""

    def assign(self, module: Any, value: Any) -> None:
        """Change the parameters, so that this value is computed of them."""


class Attributes(Owner):
    """How attributes of a module are read, assigned and registered."""

    #: Attributes that are computed of parameters, by name.
    _derived: dict[str, Derived] | None = None
    #: What every module has, and may not lose to a layer of that name.
    _reserved: frozenset[str] = frozenset()

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        if name in own:
            old = own[name]
            if old is not value and isinstance(old, _GUARDED):
                value = _kept(self, name, old, value)
        elif self._derived and name in self._derived:
            self._derived[name].assign(self, value)
            forget(self, name)
            return
        elif name in self._reserved and isinstance(value, KINDS):
            raise AttributeError(
                f"{name!r} belongs to every Module, and {type(self).__name__} would lose it to a "
                f"{type(value).__name__}: choose another name"
            )
        super().__setattr__(name, value)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            derived = type(self)._derived if "_derived" not in self.__dict__ else self._derived
            if derived and name in derived:
                return self._derived_value(name)
            if hasattr(type(self), name):  # a property that failed: its own error says more
                return object.__getattribute__(self, name)
            if name in _OF_PROGRAMS and hasattr(forward := getattr(self, "forward", None), name):
                return getattr(forward, name)
            # With the name and the object, Python's traceback looks for what was meant.
            message = f"{type(self).__name__!r} object has no attribute {name!r}"
            if name in MODULES:
                message += f": write {MODULES[name]}"
            raise AttributeError(message, name=name, obj=self)

    def _derived_value(self, name: str) -> Any:
        """A derived attribute; during a call of the module it is computed once for each mode."""
        assert self._derived is not None
        derived, scope = self._derived[name], scope_of(self)
        if scope is None:
            return derived.value(self, False)
        return scope.value(self, name, lambda: derived.value(self, True))

    def _derive(self, name: str, derived: Derived | None) -> None:
        """From now on, compute an attribute each time that it is read; with None, not any more."""
        others = {key: value for key, value in (self._derived or {}).items() if key != name}
        self.__dict__.pop(name, None)
        self._derived = others if derived is None else {**others, name: derived}
        forget(self, name)
        self._plain = False

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under a name: the same as `self.name = param`, but the name must not be that of anything else.

        Raises:
            KeyError: something else has the name, or it cannot be that of an attribute.
            TypeError: what is given is not a Parameter.
        """
        self._register(name, param, Parameter)

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """Add a buffer: a Tensor that belongs to the state but is not learned.

        Args:
            tensor: a Tensor or an array, whose memory the buffer shares; or None.
            persistent: whether `state_dict()` has it.

        >>> import nn
        >>> class Count(nn.Module):
        ...     def __init__(self):
        ...         self.register_buffer("steps", Tensor([0.0]), persistent=False)
        >>> [name for name, _ in Count().named_buffers()], Count().state_dict()
        (['steps'], {})
        """
        if tensor is not None and not isinstance(tensor, (Tensor, np.ndarray)):
            raise TypeError(
                f"register_buffer({name!r}) takes a Tensor, an array or None, got "
                f"{type(tensor).__name__}"
            )
        if isinstance(tensor, (Parameter, np.ndarray)):
            tensor = Tensor(raw(tensor))
        if tensor is not None:
            tensor = as_buffer(tensor, persistent)
        self._register(name, tensor, Buffer)

    def _register(self, name: str, value: Any, kind: type) -> None:
        what = kind.__name__
        if not isinstance(name, str):
            raise TypeError(f"the name of a {what} must be a string, got {name!r}")
        if not name or "." in name:
            raise KeyError(
                f"{name!r} cannot be the name of a {what}: it must not be empty, and a dot "
                "separates the parts of a path"
            )
        if value is not None and not isinstance(value, kind):
            tensor = kind is Parameter and isinstance(value, Tensor)
            remedy = ": write Parameter(x)" if tensor else ""
            raise TypeError(
                f"{name!r} must be a {what} or None, got {type(value).__name__}{remedy}"
            )
        old = self.__dict__.get(name)
        if name not in self.__dict__ and hasattr(self, name):
            raise KeyError(
                f"{name!r} is an attribute of {type(self).__name__} already: choose another name"
            )
        if old is not None and not isinstance(old, kind):
            raise KeyError(
                f"{type(self).__name__}.{name} is there already, a {type(old).__name__}: choose "
                "another name"
            )
        setattr(self, name, value)


_CONTAINERS = (list, tuple, dict)
#: What an attribute may hold that another value must not replace by mistake.
_GUARDED = (*KINDS, *_CONTAINERS)


def _kept(module: Owner, name: str, old: Any, value: Any) -> Any:
    """What an attribute gets for what it holds: an error where that would be lost."""
    where = f"{type(module).__name__}.{name}"
    if value is None:
        return value
    if isinstance(old, Parameter) and not isinstance(value, Parameter):
        raise TypeError(
            f"{where} is a Parameter, and would be lost if {_described(value)} took its place. To "
            f"change its values, write `with no_grad(): ...{name}[...] = x`; for something "
            "computed of it use another name; for another parameter write Parameter(x); to give "
            "it up, `del` it first"
        )
    if isinstance(old, Buffer) and not isinstance(value, (Buffer, Parameter)):
        if isinstance(value, Tensor):
            return as_buffer(value, old.persistent)
        raise TypeError(
            f"{where} is a Buffer, and would be lost if {_described(value)} took its place: assign "
            "a Tensor or None"
        )
    if isinstance(old, Owner) and not isinstance(value, (Owner, Parameter)):
        raise TypeError(
            f"{where} is a module, and would be lost if {_described(value)} took its place: use "
            "another name for what it computes"
        )
    if isinstance(old, _CONTAINERS) and isinstance(value, _CONTAINERS):
        lost = _learned(old)
        if lost and not _learned(value) and any(type(x) is Tensor for x in _items(value)):
            raise TypeError(
                f"{where} holds a {type(lost[0]).__name__}, which would be lost if computed "
                "Tensors took its place: use another name for them"
            )
    return value


def _items(container: Any) -> Iterable[Any]:
    return container.values() if isinstance(container, dict) else container


def _learned(container: Any) -> list[Any]:
    return [x for x in _items(container) if isinstance(x, (Parameter, Owner))]


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a {'computed ' if value.requires_grad else ''}Tensor"
    return f"a value of type {type(value).__name__}"
