"""What CuPy takes or gives in another way than NumPy: one function for each difference.

A check sees a call's arguments by CuPy's names and refuses, or changes, what CuPy would.
A value computes a function that NumPy does not have under this name, or computes otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["VALUES", "check"]

Arguments = dict[str, Any]
CHECKS: dict[str, Callable[[Arguments], None]] = {}
VALUES: dict[str, Callable[..., Any]] = {}


def check(name: str, arguments: Arguments) -> None:
    rule = CHECKS.get(name)
    if rule is not None:
        rule(arguments)


def checks(*names: str) -> Callable[[Any], Any]:
    def note(rule: Any) -> Any:
        CHECKS.update(dict.fromkeys(names, rule))
        return rule

    return note


def computes(*names: str) -> Callable[[Any], Any]:
    def note(rule: Any) -> Any:
        VALUES.update(dict.fromkeys(names, rule))
        return rule

    return note


@checks("zeros_like", "ones_like", "empty_like", "full_like")
def shape_or_that_of_the_array(arguments: Arguments) -> None:
    """`shape if shape else a.shape`: the shape () is taken for none."""
    if not arguments.get("shape"):
        arguments.pop("shape", None)
    if arguments.pop("subok", None) is not None:
        raise TypeError("subok is not supported yet")


@checks("linalg.pinv")
def rcond_is_a_number(arguments: Arguments) -> None:
    if arguments.get("rcond", 1e-15) is None:
        raise TypeError("cupy.linalg.pinv: rcond=None is not supported: it multiplies by it")
    arguments.setdefault("rcond", 1e-15)


@checks("linalg.solve")
def stacks_of_one_shape(arguments: Arguments) -> None:
    """The stacks of matrices and right sides are not stretched to each other."""
    a, b = arguments["a"], arguments["b"]
    if b.ndim != 1 and a.shape[:-1] != b.shape[:-1]:
        raise ValueError(f"cupy.linalg.solve: a {a.shape} and b {b.shape} have different stacks")


@checks("scipy.linalg.expm")
def one_matrix(arguments: Arguments) -> None:
    if next(iter(arguments.values())).ndim != 2:
        raise ValueError("expected a square matrix")


@checks("lexsort")
def one_array_of_keys(arguments: Arguments) -> None:
    if isinstance(arguments["keys"], (tuple, list)):
        raise AttributeError(f"{type(arguments['keys']).__name__!r} object has no attribute 'ndim'")
