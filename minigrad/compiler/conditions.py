"""What must hold for a program to be right for a call: lines of the function that runs it, which give MISS where not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import graph
from ..kernels import is_cupy
from ..tensor import Tensor, raw
from .capture import is_array
from .program import Var
from .state import is_library_code, same_value

if TYPE_CHECKING:
    from .script import Script

__all__ = ["write_conditions"]


def write_conditions(script: Script) -> None:
    """Look at the arguments, at the objects that the function reads, and at its numbers."""
    _arguments(script)
    _alone(script)
    script.add("try:")
    script.indent += "    "
    _tensors(script)
    conditions = [*_objects(script), *_numbers(script), *_gradients(script)]
    if conditions:
        _unless(script, "if not (" + "\n            and ".join(conditions) + "):")
    _decisions(script)
    script.add("pass")
    script.indent = script.indent[:-4]
    _unless(script, "except (AttributeError, LookupError):")  # something is not where it was


def _unless(script: Script, line: str) -> None:
    script.add(line)
    script.add("    return MISS")


def _arguments(script: Script) -> None:
    """Arrays must be of the kinds that were traced; other arguments must be equal, if they are no floats that are read anew."""
    leaves = script.capture.leaves
    names = [f"a{i}" for i in range(len(leaves))]
    if names:
        script.add(f"{', '.join(names)}{',' if len(names) == 1 else ''} = arguments")
    variables = iter(enumerate(script.arguments))
    read = {path[0] for _, source, path in script.capture.numbers if source is None}
    for place, (name, leaf) in enumerate(zip(names, leaves, strict=True)):
        kind = script.name(type(leaf), "type")
        if is_array(leaf):
            _array(script, name, leaf, kind, place in script.capture.moving, *next(variables))
        else:
            other = "" if place in read else f" or {_differs(script, name, leaf)}"
            _unless(script, f"if type({name}) is not {kind}{other}:")


def _differs(script: Script, name: str, leaf: Any) -> str:
    """Whether an argument is another one: an object of the user's must be the same, since the program reads and changes that."""
    kept = script.name(leaf, "c")
    if isinstance(leaf, (float, complex)):
        return f"not {script.name(same_value, 'same')}({name}, {kept})"
    frozen = getattr(getattr(type(leaf), "__dataclass_params__", None), "frozen", False)
    return f"{name} != {kept}" if frozen or is_library_code(type(leaf)) else f"{name} is not {kept}"


def _array(script: Script, name: str, leaf: Any, kind: str, moving: bool, i: int, v: Var) -> None:
    is_tensor = isinstance(leaf, Tensor)
    in_graph = f" or {name}._node is{'' if moving else ' not'} None" if is_tensor else ""
    _unless(script, f"if type({name}) is not {kind}{in_graph}:")
    if isinstance(leaf, np.generic):
        script.add(f"x{i} = {script.name(np.asarray, 'asarray')}({name})")
        return
    script.add(f"x{i} = {name}{'._array' if is_tensor else ''}")
    foreign = f"type(x{i}) is not {script.name(type(raw(leaf)), 'type')} or " if is_tensor else ""
    apart = f" or x{i}.device != {script.name(raw(leaf).device, 'device')}" if is_cupy(raw(leaf)) else ""
    _unless(script, f"if {foreign}x{i}.shape != {v.shape} or x{i}.dtype != {script.name(v.dtype, 'd')}{apart}:")


def _alone(script: Script) -> None:
    """Arrays that are written belong to no argument, or to one alone: else what is read later would have changed."""
    if not script.written:
        return
    owners = [f"w{i}" for i in range(len(script.arguments))]
    for i, name in enumerate(owners):
        script.add(f"{name} = x{i} if x{i}.base is None else {script.name(graph.owner, 'owner')}(x{i})")
        _unless(script, f"if id({name}) in {script.name(script.owners, 'owners')}:")
    if len(owners) > 1 and any(v in script.written for v in script.arguments):
        _unless(script, f"if len({{{', '.join(f'id({name})' for name in owners)}}}) < {len(owners)}:")


def _tensors(script: Script) -> None:
    """Tensors are read where they are found: there may be another one at each call, a gradient say."""
    places = [(t, place) for t, place, _, _ in script.capture.tensors if place is not None and script.needs(t)]
    known = script.name([None] * len(places), "known")
    for i, (t, place) in enumerate(places):
        script.add(f"t{i} = {place.text(script.holder)}")
        script.tensors[id(t)] = f"t{i}"
        script.add(f"if t{i} is not {known}[{i}]:")
        script.add(f"    if type(t{i}) is not {script.name(type(t), 'type')}:")
        script.add("        return MISS")
        script.add(f"    {known}[{i}] = t{i}")


def _objects(script: Script) -> list[str]:
    """Objects that must be the same, containers that must be as long or have the same keys, arrays that must hold the same."""
    found = script.capture
    conditions = [f"{place.text(script.holder)} is {script.name(value, 'o')}" for place, value in found.same]
    equal = script.name(np.array_equal, "equal")
    conditions += [f"{equal}({script.name(x, 'x')}, {script.name(kept, 'x')})" for x, kept in found.loose]
    conditions += [f"{script.name(x, 'o')} == {script.name(kept, 'c')}" for x, kept in found.sets]
    return conditions + [_as_long(script, holder, size) for holder, size in found.sizes]


def _as_long(script: Script, holder: Any, size: int | list[Any]) -> str:
    name = script.name(holder, "o")
    return f"[*{name}] == {script.name(size, 'keys')}" if isinstance(size, list) else f"len({name}) == {size}"


def _numbers(script: Script) -> list[str]:
    """Numbers, texts and truths that must be equal."""
    conditions = []
    for place, value in script.capture.fixed:
        text = place.text(script.holder)
        if value is None or isinstance(value, bool):
            conditions.append(f"{text} is {value}")
        else:  # most often it is the same object, which takes no time to see
            kept, same = script.name(value, "c"), script.name(same_value, "same")
            conditions.append(f"({text} is {kept} or {same}({text}, {kept}))")
    return conditions


def _gradients(script: Script) -> list[str]:
    """Whether tensors need gradients, and have them."""
    conditions = []
    for t, _, needs, has in script.capture.tensors:
        if not script.needs(t):
            continue
        node = f"{script.holder(t)}._node"
        if needs and script.capture.back is None:  # there may be a backward pass in the program, which runs hooks
            info = t._node.info if t._node is not None else None
            hooked = f"{node}.info is {script.name(info, 'o')}" if info is not None and info.hooks else f"not {node}.info.hooks"
            conditions.append(hooked if info is not None and info.hooks else f"({node}.info is None or {hooked})")
        conditions.append(f"{node} is{' not' if needs else ''} None")
        if needs:
            conditions.append(f"{node}.grad is{' not' if has else ''} None")
    return conditions


def _decisions(script: Script) -> None:
    """Numbers that are read at each call, and what followed from them."""
    for formula, source, path in script.capture.numbers:
        text = f"a{path[0]}" if source is None else script.name(source, "o") + "".join(f"[{key!r}]" for key in path)
        script.formulas[formula] = f"n{len(script.formulas)}"
        script.add(f"{script.formulas[formula]} = {text}")
    for formula, value in script.capture.decisions:
        if isinstance(value, (float, complex)):
            _unless(script, f"if {_differs(script, script.number(formula), value)}:")
        else:
            _unless(script, f"if {script.number(formula)} != {script.number(value)}:")
