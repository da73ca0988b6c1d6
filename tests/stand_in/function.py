"""CuPy's functions: bound by their real signatures, computed by NumPy or SciPy."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from . import array, rules, table
from .counts import launched, refuse, synchronised, tabled, uploaded
from .device import current
from .graphs import captured
from .launches import NEVER_VIEWS, launches_of, tables_of, waits
from .values import SCALARS, Given

__all__ = ["Function", "function"]

#: The explicit ways to the device.
UPLOADS = frozenset({"array", "asarray", "asanyarray"})
#: Parameters that are called otherwise in CuPy and mean the same: NumPy's name, CuPy's name.
RENAMED = frozenset({
    ("arrays", "tup"), ("a", "x"), ("x", "a"), ("prototype", "a"), ("m", "a"), ("m", "array"),
    ("min", "a_min"), ("max", "a_max"), ("start_or_stop", "start"), ("object", "obj"),
})  # fmt: skip


@functools.cache
def function(module: str, name: str) -> Function | None:
    """A function of the table; None where the name stands for something else."""
    text = table.MEMBERS.get(module, {}).get(name, "class")
    return None if text == "class" or text.startswith(":") else Function(module, name)


class Function:
    """One function of CuPy."""

    def __init__(self, module: str, name: str) -> None:
        self.__name__ = name
        self.__module__ = module
        self.full = f"{module}.{name}".removeprefix("cupy.")
        self.signature = table.signature(module, name)

    @functools.cached_property
    def oracle(self) -> Callable[..., Any]:
        """The function of NumPy or SciPy that computes the values."""
        module = self.__module__.removeprefix("cupyx.").replace("cupy", "numpy")
        found = getattr(importlib.import_module(module), self.__name__, None)
        if found is None:
            raise NotImplementedError(f"the stand-in for CuPy does not compute {self.full}; add it to its rules")
        return found

    @functools.cached_property
    def oracle_parameters(self) -> list[inspect.Parameter] | None:
        try:
            found = inspect.signature(self.oracle).parameters.values()
            return [p for p in found if p.name != "newshape"]  # reshape's old name, which NumPy takes until 2.4
        except (TypeError, ValueError):
            return None

    @captured
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.full == "matmul":
            refuse("calling cuBLAS API during stream capture is currently unsupported")  # which CuPy refuses
        arguments = self.bind(args, kwargs)
        given = Given(self.full, uploads=self.full in UPLOADS, late=True)
        raw = {name: given.raw(value) for name, value in arguments.items()}
        rules.check(self.full, raw)
        with np.errstate(all="ignore"):
            own = rules.VALUES.get(self.full)
            result = self.computed(raw) if own is None else own(**raw)
        if given.uploads:
            return self.uploaded(given, result, next(iter(raw.values())))
        given.check_devices(result)
        self.count(given, raw, result)
        return given.wrapped(result)

    def uploaded(self, given: Given, result: Any, values: Any) -> Any:
        """What `asarray` gives: an array of the current device as it is, a copy of all others; a number is written there."""
        here = [x for x in given.arrays if x._a is result and x._device == current()]
        if here:
            return here[0]
        if given.arrays:
            launched(self.full, len(given.arrays))
        elif isinstance(values, SCALARS):
            launched(self.full)
        else:
            uploaded()
        return array.wrap(np.array(result), current())

    def count(self, given: Given, raw: dict[str, Any], result: Any) -> None:
        synchronised(self.full, waits(self.full, raw))
        written = result is None or raw.get("out") is not None or self.full in NEVER_VIEWS
        if written or not given.is_view(result):
            launched(self.full, launches_of(self.full, raw))
            tabled(tables_of(self.full, raw))

    def from_numpy(self, numpy_function: Any, args: Any, kwargs: Any) -> Any:
        """A call that NumPy's dispatch hands on as it was written, positions and all."""
        self.compare_positions(numpy_function, args)
        return self(*args, **kwargs)

    def bind(self, args: Any, kwargs: Any) -> dict[str, Any]:
        """The arguments by CuPy's names."""
        if self.signature is None:
            return {"args": args, **kwargs}
        try:
            return dict(self.signature.bind(*args, **kwargs).arguments)
        except TypeError as error:
            raise TypeError(f"cupy.{self.full}{self.signature}: {error}") from None

    def compare_positions(self, numpy_function: Any, args: Any) -> None:
        """Refuse a positional argument that means one thing in NumPy and another one in CuPy."""
        if self.signature is None or self.oracle_parameters is None:
            return
        own = list(self.signature.parameters.values())
        for i, (theirs, ours) in enumerate(zip(self.oracle_parameters[: len(args)], own, strict=False)):
            if theirs.kind is theirs.VAR_POSITIONAL or ours.kind is ours.VAR_POSITIONAL:
                return
            if not self.same(theirs.name, ours.name):
                raise TypeError(
                    f"{self.full}: argument {i + 1} is {theirs.name!r} in NumPy and {ours.name!r} in CuPy: give it by keyword"
                )

    def same(self, theirs: str, ours: str) -> bool:
        """Whether two parameters in one position are one: of one name, or renamed and nothing else."""
        if theirs == ours or (theirs, ours) in RENAMED:
            return True
        assert self.signature is not None and self.oracle_parameters is not None
        elsewhere = theirs in self.signature.parameters
        return not elsewhere and ours not in [p.name for p in self.oracle_parameters]

    def computed(self, raw: dict[str, Any]) -> Any:
        """What NumPy makes of the arguments, each given to the parameter that stands for it."""
        if self.signature is None:
            return self.oracle(*raw.pop("args"), **raw)
        known = self.oracle_parameters
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for i, (name, parameter) in enumerate(self.signature.parameters.items()):
            if name not in raw:
                continue
            if parameter.kind is parameter.VAR_POSITIONAL:
                args += raw[name]
            elif parameter.kind is parameter.VAR_KEYWORD:
                kwargs.update(raw[name])
            else:
                self.place(raw[name], counterpart(known, i, name), args, kwargs)
        return self.oracle(*args, **kwargs)

    def place(self, value: Any, parameter: inspect.Parameter | str, args: list[Any], kwargs: dict[str, Any]) -> None:
        if isinstance(parameter, str):
            kwargs[parameter] = value
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
            args.append(value)
        else:
            kwargs[parameter.name] = value


def counterpart(known: list[inspect.Parameter] | None, i: int, name: str) -> inspect.Parameter | str:
    """NumPy's parameter for CuPy's: that of its name, else that of its position."""
    for parameter in known or ():
        if parameter.name == name:
            return parameter
    return known[i] if known and i < len(known) else name
