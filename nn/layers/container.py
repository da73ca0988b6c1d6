"""Containers of modules and parameters; plain lists, tuples and dicts of them work too.

Their members are attributes, so that paths are PyTorch's: "0.weight".  `Sequential`, `ModuleList`
and `ModuleDict` hold all modules that are attributes of theirs, however they came there: by
`append`, `add_module` or assignment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, overload

from minigrad import Tensor

from ..module import Module, Parameter
from ..parameter import is_lazy

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


def _modules_of(container: Module) -> dict[str, Module]:
    return {name: x for name, x in vars(container).items() if isinstance(x, Module)}


class _Chain(Module):
    """Modules in a row, under the names "0", "1", ... or names of their own."""

    def append(self, module: Module) -> Self:
        """Add a module at the end, under the first number from its place on that is free."""
        names, number = _modules_of(self), len(self)
        while str(number) in names:
            number += 1
        self.register_module(str(number), _checked(module))
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add several at the end."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Add a module before the one at an index; numbers that follow grow by one, names stay."""
        named = list(_modules_of(self).items())
        place = range(len(named) + 1)[index] if index >= 0 else max(len(named) + index, 0)
        named.insert(place, ("", _checked(module)))
        self._arrange(named)
        return self

    def pop(self, index: int = -1) -> Module:
        """Take a module away, and return it."""
        module = list(self)[index]
        del self[index]
        return module

    def _arrange(self, named: list[tuple[str, Module]]) -> None:
        """Hold these modules, in this order: numbers follow the places, other names stay."""
        for name in _modules_of(self):
            delattr(self, name)
        taken = {name for name, _ in named if not _is_number(name)}
        for place, (name, module) in enumerate(named):
            number = place
            while str(number) in taken:
                number += 1
            name = str(number) if _is_number(name) else name
            taken.add(name)
            self.register_module(name, module)

    def __iter__(self) -> Iterator[Any]:
        return iter(_modules_of(self).values())

    def __len__(self) -> int:
        return len(_modules_of(self))

    def __contains__(self, module: object) -> bool:
        return any(module is x for x in self)

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, list(_modules_of(self))[index], _checked(module))

    def __delitem__(self, index: int | slice) -> None:
        named = list(_modules_of(self).items())
        del named[index]
        self._arrange(named)

    def __iadd__(self, others: Iterable[Module]) -> Self:
        return self.extend(others)


def _is_number(name: str) -> bool:
    return not name or name.isdecimal()


def _checked(module: Any) -> Module:
    if isinstance(module, Module):
        return module
    kind, remedy = type(module).__name__, ""
    if isinstance(module, type):
        kind, remedy = f"the class {module.__name__}", f": write {module.__name__}(...)"
    elif isinstance(module, (list, tuple)):
        remedy = ": write Sequential(*modules), with a star, or ModuleList(modules)"
    raise TypeError(f"a container of modules takes Modules, got {kind}{remedy}")


class Sequential(_Chain):
    """Modules one after the other; takes modules, or one dict of named modules.

    Args:
        modules: Modules, which get the names "0", "1" and so on; or one dict of Modules, whose keys are their names.

    >>> from nn import Flatten, ReLU
    >>> Sequential(Flatten(), ReLU())(Tensor([[[-1.0], [2.0]]])).tolist()
    [[0.0, 2.0]]
    """

    def __init__(self, *modules: Any) -> None:
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            named = dict(modules[0])
        else:
            named = {str(i): module for i, module in enumerate(modules)}
        for name, module in named.items():
            self.register_module(name, _checked(module))

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | slice) -> Module | Sequential:
        """The module at an index; of a slice a Sequential whose modules keep their names."""
        named = list(_modules_of(self).items())
        return Sequential(dict(named[index])) if isinstance(index, slice) else named[index][1]

    def __add__(self, other: Sequential) -> Sequential:
        return Sequential(*self, *other)

    def __mul__(self, times: int) -> Sequential:
        """The same modules several times, one round after the other."""
        return Sequential(*list(self) * times)

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Self:
        """Add the same modules again, so that they are there so many times."""
        return self.extend(list(self) * (times - 1))


class ModuleList(_Chain):
    """Modules in a list.

    Args:
        modules: Modules, from any iterable; they get the names "0", "1" and so on.

    >>> from nn import ReLU
    >>> len(ModuleList([ReLU(), ReLU()]))
    2
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        if isinstance(modules, Module) and not hasattr(modules, "__iter__"):
            name = type(modules).__name__
            raise TypeError(f"ModuleList takes modules in a list, got one {name}: write ModuleList([module])")
        self.extend(modules)

    def __getitem__(self, index: int | slice) -> Any:
        found = list(self)[index]
        return type(self)(found) if isinstance(found, list) else found

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return type(self)([*self, *other])


class ParameterList(Module):
    """Parameters in a list; a Tensor becomes a Parameter, other values stay what they are.

    Args:
        values: Tensors, Parameters or other values, from any iterable; they get the names "0", "1" and so on.

    >>> ParameterList([Tensor([1.0])])[0].requires_grad
    True
    """

    def __init__(self, values: Iterable[Any] = ()) -> None:
        self._length = 0
        self.extend(values)

    def append(self, value: Any) -> Self:
        """Add one at the end."""
        setattr(self, str(self._length), _as_parameter(value))
        self._length += 1
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add several at the end."""
        for value in list(values):
            self.append(value)
        return self

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Any]:
        return (vars(self)[str(i)] for i in range(self._length))

    def __contains__(self, value: object) -> bool:
        return any(value is x for x in self)

    def __getitem__(self, index: int | slice) -> Any:
        found = list(self)[index]
        return type(self)(found) if isinstance(index, slice) else found

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, str(range(self._length)[index]), _as_parameter(value))

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def extra_repr(self) -> str:
        return ", ".join(_shown(value) for value in self if not isinstance(value, Module))


def _shown(value: Any) -> str:
    """A tensor in few words; anything else as it is."""
    if is_lazy(value) or not isinstance(value, Tensor):
        return repr(value)
    return f"{value.dtype} {value.shape}"


def _as_parameter(value: Any) -> Any:
    """A plain Tensor as a Parameter; a computed one is refused, because its graph would be lost."""
    plain = isinstance(value, Tensor) and not isinstance(value, Parameter)
    return Parameter(value) if plain else value


class _Dict(Module):
    """Things under names of their own."""

    def __init__(self, items: Any = None) -> None:
        """What is given is there from the beginning; more comes by `d[name] = item`.

        Args:
            items: a mapping of names to members, or an iterable of pairs (name, member); None: nothing at first. A name is a
                string without dots, which separate the parts of a path.
        """
        self.update(items or {})

    def _named(self) -> dict[str, Any]:
        """What the container holds."""
        return dict(_modules_of(self))

    def update(self, items: Any) -> None:
        """Add those of a mapping, or of an iterable of pairs."""
        for name, item in list(items.items() if hasattr(items, "items") else items):
            self[name] = item

    def __setitem__(self, name: str, item: Any) -> None:
        raise NotImplementedError

    def __getitem__(self, name: str) -> Any:
        named = self._named()
        if name not in named:
            raise KeyError(f"there is no {name!r}; there are {', '.join(named) or 'none'}")
        return named[name]

    def __delitem__(self, name: str) -> None:
        self[name]
        delattr(self, name)

    def pop(self, name: str) -> Any:
        """Take one away, and return it."""
        item = self[name]
        del self[name]
        return item

    def clear(self) -> None:
        """Take all away."""
        for name in self._named():
            del self[name]

    def __contains__(self, name: object) -> bool:
        return name in self._named()

    def __iter__(self) -> Iterator[str]:
        return iter(self._named())

    def __len__(self) -> int:
        return len(self._named())

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._named().keys()

    def values(self) -> Iterable[Any]:
        """The members."""
        return self._named().values()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Names and members."""
        return self._named().items()


class ModuleDict(_Dict):
    """Modules by name.

    >>> from nn import ReLU
    >>> list(ModuleDict({"a": ReLU()}))
    ['a']
    """

    def __setitem__(self, name: str, item: Module) -> None:
        self.register_module(name, _checked(item))


class ParameterDict(_Dict):
    """Parameters by name; a Tensor becomes a Parameter, other values stay what they are.

    >>> ParameterDict({"a": Tensor([1.0])})["a"].requires_grad
    True
    >>> ParameterDict({"a": Tensor([1.0]), "k": 2})
    ParameterDict(a: float32 (1,), k: 2)
    """

    def __init__(self, items: Any = None) -> None:
        self._keys: tuple[str, ...] = ()
        super().__init__(items)

    def _named(self) -> dict[str, Any]:
        return {name: vars(self)[name] for name in self._keys}

    def extra_repr(self) -> str:
        return ", ".join(f"{name}: {_shown(value)}" for name, value in self.items() if not isinstance(value, Module))

    def __setitem__(self, name: str, item: Any) -> None:
        item = _as_parameter(item)
        if isinstance(item, Parameter):
            self.register_parameter(name, item)
        elif name not in self._keys and hasattr(self, name):
            raise KeyError(
                f"{name!r} is an attribute of ParameterDict already: choose another name"
            )
        else:
            setattr(self, name, item)
        if name not in self._keys:
            self._keys = (*self._keys, name)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self._keys = tuple(key for key in self._keys if key != name)

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a name, or another one where it is not there."""
        return self._named().get(name, default)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """The value of a name, which is set first where it is not there."""
        if name not in self:
            self[name] = default
        return self[name]

    def popitem(self) -> tuple[str, Any]:
        """Take the last one away, and return its name and value."""
        if not self._keys:
            raise KeyError("the ParameterDict is empty")
        name = self._keys[-1]
        return name, self.pop(name)

    def copy(self) -> ParameterDict:
        """Another ParameterDict with the same parameters."""
        return ParameterDict(self._named())

    def fromkeys(self, names: Iterable[str], default: Any = None) -> ParameterDict:
        """Another ParameterDict with these names, all of one value."""
        return ParameterDict(dict.fromkeys(names, default))

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._keys)

    def __or__(self, other: Any) -> ParameterDict:
        return ParameterDict({**self._named(), **dict(other.items())})

    def __ior__(self, other: Any) -> Self:  # type: ignore[misc]
        self.update(other)
        return self
