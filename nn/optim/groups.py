"""What users give to an optimizer, as groups of parameters."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from minigrad import Tensor

from ..module import Module

__all__ = ["as_groups", "as_parameters"]


def as_groups(params: Any, kind: str) -> list[Mapping[str, Any]]:
    """What an optimizer was given as a list of groups."""
    _check_kind(params, kind, f"{kind}(model.parameters())")
    if isinstance(params, Tensor):
        raise TypeError(f"{kind} takes a list of parameters, not one tensor; write {kind}([p])")
    if isinstance(params, (Mapping, str, bytes)):
        raise TypeError(f"{kind} takes a list of tensors or of groups, got {type(params).__name__}")
    given = list(params)
    if not given:
        raise ValueError(f"{kind} got no parameters; a generator such as model.parameters() gives them once")
    return given if isinstance(given[0], Mapping) else [{"params": given}]


def as_parameters(params: Any, kind: str) -> tuple[list[Tensor], list[str] | None]:
    """The leaves of a group, each once, and their names where they came with them."""
    _check_kind(params, kind, "model.parameters()")
    given = [params] if isinstance(params, Tensor) else list(params)
    named = [isinstance(p, tuple) and len(p) == 2 and isinstance(p[0], str) for p in given]
    if any(named) and not all(named):
        raise ValueError(f"{kind}: give names for all parameters of a group or for none")
    tensors = [p[1] for p in given] if any(named) else given
    for p in tensors:
        if not isinstance(p, Tensor) or not p.is_leaf:
            raise TypeError(f"{kind} can only change leaf tensors, got {p!r:.80}")
    first = {id(p): i for i, p in reversed(list(enumerate(tensors)))}
    places = sorted(first.values())
    if len(places) < len(tensors):
        warnings.warn(f"{kind}: a parameter comes twice in a group; it is taken once", stacklevel=5)
    names = [given[i][0] for i in places] if any(named) else None
    return [tensors[i] for i in places], names


def _check_kind(params: Any, kind: str, advice: str) -> None:
    """Raise TypeError for what holds parameters, but is no list of them."""
    if isinstance(params, Module):
        raise TypeError(f"{kind} takes parameters, not a module; write {advice}")
    if isinstance(params, (set, frozenset)):
        raise TypeError(f"{kind}: a set has no order; give the parameters as a list")
