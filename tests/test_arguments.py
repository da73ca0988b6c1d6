"""Every parameter of a public function or class is explained: by a docstring, or by the tables that the site shows with it."""

from __future__ import annotations

import importlib
import inspect
import re
from types import ModuleType
from typing import Any

import pytest

import minigrad

from . import sites

MODULES = sites.public_modules()
#: Beside the arrays that a function is about: what it hands on, and what a layer is given.
OBVIOUS = {"args", "input", "kwargs", "other", "self"}

extensions = sites.extensions
pytestmark = pytest.mark.usefixtures("extensions")


def docstrings(thing: Any) -> str:
    """What help() says of a function; of a class, of what it is made of, and of how it is made."""
    if not isinstance(thing, type):
        return inspect.getdoc(thing) or ""
    own = [kind for kind in thing.__mro__ if kind.__module__.partition(".")[0] in ("minigrad", "nn")]
    made = [kind.__init__ for kind in own if "__init__" in vars(kind)]
    return "\n".join(filter(None, (of.__doc__ for of in [*own, *made])))


def unexplained(thing: Any) -> list[str]:
    """The parameters of a function or class of which nothing is said."""
    arguments = importlib.import_module("arguments")
    try:
        signature = inspect.signature(thing)
    except ValueError:  # exceptions, which take a message
        return []
    known = {name for names in arguments.entries(thing) for name in names.split(", ")} | arguments.INPUTS | OBVIOUS
    text = docstrings(thing)
    names = [name for name in signature.parameters if name not in known and not name.startswith("_")]
    return [name for name in names if not re.search(rf"\b{name}\b", text)]


def own_names(module: ModuleType) -> dict[str, Any]:
    """The functions and classes of a module's public names, but for what is NumPy's or Python's own."""
    names = importlib.import_module("counterparts").public_names(module)
    things = {name: getattr(module, name) for name in names}
    return {
        name: thing
        for name, thing in things.items()
        if (isinstance(thing, type) or inspect.isroutine(thing)) and thing.__module__.startswith(("minigrad", "nn"))
    }


@pytest.mark.parametrize("name", sorted(MODULES))
def test_each_parameter_is_explained(name: str) -> None:
    found = {own: unexplained(thing) for own, thing in own_names(MODULES[name]).items()}
    missing = [f"{name}.{own}: {', '.join(names)}" for own, names in found.items() if names]
    assert not missing, "describe these under Args of the docstring:\n" + "\n".join(missing)


def test_the_walk_finds_what_is_not_explained() -> None:
    def f(x: Any, axis: int, width: int) -> None:
        """The sum of x."""

    assert unexplained(f) == ["axis", "width"]
    f.__module__ = "minigrad.ops.reduce"
    assert unexplained(f) == ["width"]
    f.__doc__ = "The sum of x in windows of a width."
    assert unexplained(f) == []
    assert len(own_names(minigrad)) > 350


def test_each_entry_of_the_tables_is_used() -> None:
    arguments = importlib.import_module("arguments")
    functions = [f for module in MODULES.values() for f in own_names(module).values() if inspect.isroutine(f)]
    shown = set()
    for function in functions:
        _, _, found = arguments.without_args(arguments.with_arguments(inspect.getdoc(function) or "", function))
        shown |= {(name, text) for names, text in found.items() for name in names.split(", ")}
    tables = [arguments.SHARED, arguments.UFUNC, *arguments.OF_MODULE.values()]
    assert [entry for table in tables for entry in table.items() if entry not in shown] == []


def test_what_a_docstring_says_goes_before_the_tables() -> None:
    arguments = importlib.import_module("arguments")
    doc = "Turn.\n\nout = x\n\nArgs:\n    axis: which one;\n        or more.\n\n>>> 1\n1"
    text = arguments.with_arguments(doc, minigrad.sum)
    assert text.startswith("Turn.\n\nout = x\n\nArgs:\n    axis: which one;\n        or more.\n    dtype: ")
    assert text.endswith("only elements where it is True count.\n\n>>> 1\n1")
    assert text.count("axis:") == 1
    assert arguments.with_arguments(doc, len) == doc


def test_an_entry_is_shared_by_the_names_that_have_no_other() -> None:
    arguments = importlib.import_module("arguments")
    text = arguments.with_arguments("Sine.\n\nArgs:\n    order: mine.", minigrad.sin)
    lines = [line.partition(":")[0].strip() for line in text.splitlines()]
    assert lines == ["Sine.", "", "Args", "out", "where", "order", "dtype", "casting, subok, signature"]


def test_a_class_has_one_list_of_what_it_and_its_family_say() -> None:
    class Layer:
        def __init__(self, size: int, bias: bool, *parts: int, rate: float) -> None: ...

    arguments = importlib.import_module("arguments")
    own = "A layer.\n\nArgs:\n    rate: own.\n    *parts: own.\n\n>>> 1\n1"
    family = "L long.\n\nArgs:\n    size, width: s.\n    depth: d.\n    rate: r.\n\nRaises:\n    E: no."
    assert arguments.with_arguments(own, Layer, family).split("\n\n") == [
        "A layer.",
        "L long.",
        "Args:\n    size: s.\n    *parts: own.\n    rate: own.",
        "Raises:\n    E: no.",
        ">>> 1\n1",
    ]
