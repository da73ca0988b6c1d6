"""What help() shows of every public name: its real parameters, and a docstring that is a sentence."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad
import nn
from minigrad.primitive import numpy_table

MODULES = (
    minigrad, minigrad.linalg, minigrad.fft, minigrad.random, minigrad.autograd,
    nn, nn.functional, nn.optim, nn.optim.lr_scheduler, nn.optim.swa_utils,
)  # fmt: skip
#: These take whatever comes, and say so.
TAKES_ANYTHING = {
    "minigrad.vjp": "the arguments of the function",
    "nn.module.Module.forward": "its subclasses say what they take",
    "nn.Identity": "it ignores all arguments, as PyTorch's, so that it can stand for any layer",
}


def is_own(thing: Any) -> bool:
    """Whether a thing is defined in minigrad or nn."""
    return thing.__module__.partition(".")[0] in ("minigrad", "nn")


def classes_of(thing: type) -> list[type]:
    """A class of ours and those that it is made of."""
    return [kind for kind in thing.__mro__ if is_own(kind)]


def public_names() -> dict[str, Callable[..., Any]]:
    """Functions and classes by their full names, each once; methods of Tensor and Module too."""
    found: dict[int, tuple[str, Callable[..., Any]]] = {}
    for owner in (*MODULES, minigrad.Tensor, *classes_of(nn.Module)):
        label = owner.__name__
        if not inspect.ismodule(owner):
            label = f"{owner.__module__}.{label}"
        names = getattr(owner, "__all__", vars(owner))
        for name in names:
            thing = getattr(owner, name)
            if not name.startswith("_") and callable(thing) and is_own(thing):
                found.setdefault(id(thing), (f"{label}.{name}", thing))
    return dict(found.values())


NAMES = public_names()


def numpys_own(thing: Callable[..., Any]) -> set[str]:
    """The parameters of the function or method of NumPy that one stands for."""
    theirs = [f for f, ours in numpy_table.items() if ours is thing and callable(f)]
    method = getattr(np.ndarray, thing.__name__, None)
    theirs += [method] if callable(method) else []
    names: set[str] = set()
    for numpy_function in theirs:
        with contextlib.suppress(ValueError):  # older versions of NumPy say nothing of some
            names |= set(inspect.signature(numpy_function).parameters)
    return names


def shows_parameters(thing: Callable[..., Any]) -> bool:
    """Whether a signature hides nothing in `*args` or `**kwargs`, except where NumPy's does.

    Errors are the library's to make.
    """
    if isinstance(thing, type) and issubclass(thing, BaseException):
        return True
    hidden = {"args", "kwargs"} & set(inspect.signature(thing).parameters)
    return not hidden - numpys_own(thing)


def by_file(names: list[str]) -> str:
    """The names, each file on a line."""
    files: dict[str, list[str]] = {}
    for name in sorted(names):
        files.setdefault(NAMES[name].__module__, []).append(name)
    return "\n".join(f"{file}: {', '.join(found)}" for file, found in sorted(files.items()))


def test_the_walk_finds_the_library() -> None:
    assert len(NAMES) > 500
    assert {"minigrad.sin", "minigrad.tensor.Tensor.backward", "nn.LSTM"} <= NAMES.keys()


def test_signatures_show_parameters() -> None:
    hidden = [n for n, f in NAMES.items() if n not in TAKES_ANYTHING and not shows_parameters(f)]
    assert not hidden, "these show nothing but *args and **kwargs:\n" + by_file(hidden)


def test_docstrings_begin_with_a_sentence() -> None:
    odd = []
    for name, thing in NAMES.items():
        doc = vars(thing).get("__doc__") if isinstance(thing, type) else inspect.getdoc(thing)
        first = inspect.cleandoc(doc or "").partition("\n\n")[0]
        if not first.endswith((".", ":", "`")):
            odd.append(name)
    assert not odd, "these have no docstring, or one that begins with no sentence:\n" + by_file(odd)


@pytest.mark.parametrize("name", sorted(TAKES_ANYTHING))
def test_exceptions_are_needed(name: str) -> None:
    assert not shows_parameters(NAMES[name]), f"{name} shows its parameters: take it off the list"
