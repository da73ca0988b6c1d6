"""Containers.  Plain lists, tuples and dicts of modules work too; these are for those who like them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, overload

from ..module import Module

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


class Sequential(Module):
    """Modules one after the other; takes modules, or one dict of named modules.

    >>> from nn import Flatten, ReLU
    >>> Sequential(Flatten(), ReLU())(Tensor([[[-1.0], [2.0]]])).tolist()
    [[0.0, 2.0]]
    """

    def __init__(self, *modules: Any) -> None:
        named = modules[0] if len(modules) == 1 and isinstance(modules[0], dict) else {str(i): m for i, m in enumerate(modules)}
        vars(self).update(named)  # as attributes, so that paths are PyTorch's: "0.weight"
        self._order = tuple(named)

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x

    def append(self, module: Module) -> Sequential:
        """Add a module at the end."""
        name = str(len(self._order))
        setattr(self, name, module)
        self._order = (*self._order, name)
        return self

    def __iter__(self) -> Iterator[Module]:
        return (vars(self)[name] for name in self._order)

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | slice) -> Module | Sequential:
        modules = list(self)
        return Sequential(*modules[index]) if isinstance(index, slice) else modules[index]


class _List(Module):
    """Things under the names "0", "1", ..., as PyTorch's paths have them."""

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self._length = 0
        self.extend(items)

    def append(self, item: Any) -> _List:
        """Add one at the end."""
        setattr(self, str(self._length), item)
        self._length += 1
        return self

    def extend(self, items: Iterable[Any]) -> _List:
        """Add several at the end."""
        for item in items:
            self.append(item)
        return self

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Any]:
        return (vars(self)[str(i)] for i in range(self._length))

    def __getitem__(self, index: int | slice) -> Any:
        return type(self)(list(self)[index]) if isinstance(index, slice) else list(self)[index]

    def __setitem__(self, index: int, item: Any) -> None:
        setattr(self, str(range(self._length)[index]), item)


class ModuleList(_List):
    """Modules in a list.

    >>> from nn import ReLU
    >>> len(ModuleList([ReLU(), ReLU()]))
    2
    """


class ParameterList(_List):
    """Parameters in a list."""


class _Dict(Module):
    """Things under names of their own."""

    def __init__(self, items: Mapping[str, Any] | None = None) -> None:
        self._names: tuple[str, ...] = ()
        self.update(items or {})

    def update(self, items: Mapping[str, Any]) -> None:
        """Add several."""
        for name, item in items.items():
            self[name] = item

    def __setitem__(self, name: str, item: Any) -> None:
        if name not in self._names:
            if hasattr(self, name):
                raise KeyError(f"{name!r} is an attribute of {type(self).__name__} already: choose another name")
            self._names = (*self._names, name)
        setattr(self, name, item)

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(f"{name!r}; there are {', '.join(self._names)}")
        return vars(self)[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._names

    def values(self) -> Iterator[Any]:
        """The members."""
        return (vars(self)[name] for name in self._names)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Names and members."""
        return ((name, vars(self)[name]) for name in self._names)


class ModuleDict(_Dict):
    """Modules by name.

    >>> from nn import ReLU
    >>> list(ModuleDict({"a": ReLU()}))
    ['a']
    """


class ParameterDict(_Dict):
    """Parameters by name."""
