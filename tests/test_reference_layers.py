"""What the reference and help() say of the layers: each argument of a constructor, and of a forward of several, has an entry."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import nn

ENTRY = re.compile(r"    (\w[\w, ]*): ")
COLLECTS = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
LAYERS = {
    name: thing
    for name, thing in vars(nn).items()
    if name in nn.__all__ and isinstance(thing, type) and issubclass(thing, nn.Module) and thing is not nn.Module
}


def described(doc: str | None) -> Iterator[str]:
    """The names that have an entry in the section Args of a docstring."""
    lines = inspect.cleandoc(doc or "").splitlines()
    if "Args:" not in lines:
        return
    for line in lines[lines.index("Args:") + 1 :]:
        if line and not line.startswith(" "):
            return
        if entry := ENTRY.match(line):
            yield from entry[1].split(", ")


def must_be_described(function: Callable[..., Any]) -> list[str]:
    """The names of a function's parameters; not *args and **kwargs, nor those that are private."""
    found = inspect.signature(function).parameters.values()
    return [p.name for p in found if p.kind not in COLLECTS and not p.name.startswith("_") and p.name != "self"]


def test_the_layers_are_found() -> None:
    assert len(LAYERS) > 150
    assert {"Linear", "LSTM", "ZeroPad2d", "CTCLoss", "LazyConv3d"} <= LAYERS.keys()


def test_entries_are_read() -> None:
    doc = "A sum.\n\nArgs:\n    x, y: the terms,\n        z: no entry.\n    w: more.\n\nReturns:\n    v: none either."
    assert list(described(doc)) == ["x", "y", "w"]
    assert list(described("No section: nothing.")) == []


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_arguments_of_a_constructor_are_described(name: str) -> None:
    """All of them, in the docstring of the class or of its `__init__` (its own, or a base's), and nothing else."""
    layer = LAYERS[name]
    known = {*described(layer.__doc__), *described(inspect.getdoc(layer.__init__))}
    missing = [parameter for parameter in must_be_described(layer) if parameter not in known]
    assert not missing, f"nn.{name}: no entry in Args, of its class or its __init__, for {', '.join(missing)}"
    stale = known - inspect.signature(layer).parameters.keys()
    assert not stale, f"nn.{name}: Args describes {', '.join(sorted(stale))}, but takes {inspect.signature(layer)}"


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_arguments_of_a_forward_of_several_are_described(name: str) -> None:
    """What a layer of one input takes stands in the first sentence of its class."""
    taken = must_be_described(LAYERS[name].forward)
    known = {*described(inspect.getdoc(LAYERS[name].forward))}
    missing = [parameter for parameter in taken if parameter not in known] if len(taken) > 1 else []
    assert not missing, f"nn.{name}.forward: no entry in Args for {', '.join(missing)}"
