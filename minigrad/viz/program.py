"""Drawing what `minigrad.compile` makes: a program after each of its passes, and the loops that it becomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .drawing import Drawing, graphviz_package

if TYPE_CHECKING:
    from ..compiler.compiled import Compiled
    from ..compiler.program import Program

__all__ = ["draw_program"]

_LOOKS = {
    "input": {"shape": "box", "style": "filled", "fillcolor": "#fff3c4", "color": "#b08d00"},
    "step": {"shape": "box", "style": "rounded,filled", "fillcolor": "#dbe9ff", "color": "#3b6db5"},
    "loop": {"shape": "box", "style": "rounded,filled", "fillcolor": "#d9f0e3", "color": "#2f855a"},
}


def draw_program(compiled: Compiled, stage: str = "loops", direction: str = "TB", max_nodes: int = 400) -> Drawing:
    """Draw the program that a compiled function used last.

    Args:
        compiled: what `minigrad.compile` gave, a function or a model, after a call.
        stage: "traced" is what was written down, "without_copies", "folded", "without_repeats" and "without_unused" what each
            pass leaves of it, one after the other, and "loops" what runs: each loop with its operations, and calls of NumPy.
        direction: "TB" from top to bottom, "LR" from left to right.
        max_nodes: more are not drawn, since `dot` would be busy for minutes.

    Raises:
        ValueError: there is no such stage, or the program is too large.
        RuntimeError: the function was not called yet.
        TypeError: it is not compiled.

    >>> import minigrad as mg
    >>> import numpy as np
    >>> f = mg.compile(lambda x: np.exp(-x * x).sum())
    >>> y = f(np.ones(3))
    >>> "exp" in draw_program(f).source, "negative" in draw_program(f, "traced").source
    (True, True)
    """
    compiled = getattr(compiled, "forward", compiled)  # of a compiled model
    if not hasattr(compiled, "stages"):
        raise TypeError(
            f"draw_program takes what minigrad.compile gives, got {type(compiled).__name__}: write f = minigrad.compile(f), call "
            "it once, and draw that"
        )
    stages = compiled.stages()
    if stage != "loops" and stage not in stages:
        raise ValueError(f"draw_program: the stage must be 'loops' or one of {', '.join(map(repr, stages))}, got {stage!r}")
    program = stages["without_unused" if stage == "loops" else stage]
    nodes = list(_loops(compiled) if stage == "loops" else _steps(program))
    if len(nodes) > max_nodes:
        raise ValueError(f"draw_program: {len(nodes)} nodes are more than max_nodes={max_nodes}; print the program instead")
    graph = graphviz_package().Digraph(
        graph_attr={"rankdir": direction, "bgcolor": "white", "nodesep": "0.3"},
        node_attr={"fontname": "Helvetica", "fontsize": "11", "height": "0.3", "margin": "0.12,0.06"},
        edge_attr={"fontname": "Helvetica", "fontsize": "9", "color": "#666666", "arrowsize": "0.7"},
    )
    made = {v: name for name, _, _, _, outs in nodes for v in outs}
    given = dict.fromkeys(v for _, _, _, read, _ in nodes for v in read if v not in made)
    names = _names(compiled)
    for v in given:
        made[v] = str(v)
        graph.node(str(v), f"{names.get(v, 'constant')}\n{v.dtype} {list(v.shape)}", **_LOOKS["input"])
    for name, kind, label, read, _ in nodes:
        graph.node(name, label, **_LOOKS[kind])
        for source in dict.fromkeys(made[v] for v in read if made[v] != name):
            graph.edge(source, name)
    return Drawing(graph, [], [])


def _names(compiled: Compiled) -> dict[Any, str]:
    """What the inputs of a program are called: by where they were found."""
    capture = compiled._latest().capture
    places = {id(t): place.key for t, place, _, _ in capture.tensors if place is not None}
    count = len(capture.program.inputs) - len(capture.sources)
    names = {v: f"argument {i}" for i, v in enumerate(capture.program.inputs[:count])}
    for v, source in zip(capture.program.inputs[count:], capture.sources, strict=True):
        key = places.get(id(source)) or getattr(source, "key", None)
        names[v] = key if isinstance(key, str) and key != "cell_contents" else "given"
    return names


#: Of a node: its name, its look, its text, the values that it reads and those that it makes.
_Node = tuple[str, str, str, list[Any], list[Any]]


def _steps(program: Program) -> Iterator[_Node]:

    for i, step in enumerate(program.steps):
        outs = [v for v in step.outs if v is not None]
        shape = ", ".join(f"{v.dtype} {list(v.shape)}" for v in outs)
        yield f"s{i}", "step", f"{getattr(step.function, '__name__', 'call')}\n{shape}", [*step.inputs()], outs


def _loops(compiled: Compiled) -> Iterator[_Node]:
    from ..compiler.groups import Call
    from ..compiler.program import Var
    from ..compiler.steps import Compute, Reduce

    fusion = compiled._latest().fusion
    for i, group in enumerate(fusion.groups):
        named = group.step.inputs() if isinstance(group, Call) else group.arrays
        read = [fusion.memory.base(v) for v in named if type(v) is Var]
        if isinstance(group, Call):
            name = getattr(group.step.function, "__name__", "call")
            yield f"s{i}", "step", f"{name}\nin NumPy", read, list(group.outs)
            continue
        counted = Counter(s.op for s in group.code if isinstance(s, Compute))
        sums = Counter(f"reduce {s.op}" for s in group.code if isinstance(s, Reduce))
        words = [f"{op} ×{n}" if n > 1 else op for op, n in (counted + sums).items()]
        lines = [", ".join(words[k : k + 4]) for k in range(0, len(words), 4)]
        stored = [*group.stored, *(v for v in group.arrays if v in fusion.joined)]
        text = "\n".join([f"loop {i} over {list(group.space)}", *lines])
        yield f"s{i}", "loop", text, [v for v in read if v not in stored], stored
