"""Drawing a graph with Graphviz."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from .capture import Call
from .drawing import Drawing, graphviz_package
from .failure import MOST, Failure
from .gradients import DERIVATIVES
from .highlight import MARK, Marked
from .numbers import dimensions, memory_size, number
from .seen import seen
from .text import printable
from .values import backward_flow, values_of
from .view import Edge, Group, View, view
from .walk import Step

__all__ = ["draw"]

STYLES = ("minimal", "normal", "detailed")
SYMBOLS = {
    "add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "negative": "−x", "matmul": "@", "power": "xʸ", "square": "x²",
    "sqrt": "√", "sum": "Σ", "prod": "Π", "exp": "eˣ", "absolute": "|x|",
}  # fmt: skip


def draw(
    target: Any, *inputs: Any, names: Any = None, gradient: Any = None, direction: str | None = None, style: str = "normal",
    depth: int | None = None, repeats: str | None = None, highlight: Any = None, derivative: int = 0, max_nodes: int = 1000,
) -> Drawing:  # fmt: skip
    """Draw the graph that computed some tensors; of a gradient made with `create_graph=True` too.

    Args:
        target: a tensor or several that require a gradient; or a module or a function, which is called with the inputs; or what
            `capture` gave: where an exception stopped it, the graph ends with the op that failed, in red.
        inputs: the example inputs of a module or function; after tensors the `names` may stand here.
        names: a module, whose parameters are then named by their paths, or a dict from names to tensors.
            A tensor's own `.name` is used otherwise.
        gradient: what arrives at the result, in the numbers; ones by default, so that of several elements the sum is
            differentiated.
        direction: "TB" from top to bottom, the default, "BT", "LR" from left to right, "RL".
        style: "minimal" has symbols alone, "normal" shapes and dtypes, "detailed" also memory, numbers and gradients where
            they are known (see `capture`).
        depth: modules at this depth are one node each; 0 closes the whole model.  Ops are drawn in boxes by the modules that
            made them, where these are known: of a module as target, and of what was computed under `capture(module)`.
        repeats: "unrolled", the default, draws every step of a recurrent network, "compact" one for all, with edges that go back.
        highlight: a tensor, from which all ways to the result are marked; "nan", where NaN and infinity come from;
            "gradient", where gradients vanish or explode.  `Drawing.notes` says what was found.
        derivative: 1 draws the computation of the leaves' gradients too, in a box of its own, 2 that of their gradients.
        max_nodes: larger graphs, which would keep `dot` busy for minutes, are summarised.

    Raises:
        ValueError: of tensors without a graph; of options that do not exist.

    >>> x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> print(draw((x * x).sum()).source)  # doctest: +ELLIPSIS
    digraph {
    ...
    }
    <BLANKLINE>
    """
    direction, repeats = checked(direction, style, repeats)
    tensors, steps, marked, failure, notes = seen(target, inputs, names, highlight, derivative, style == "detailed")
    shown = view(steps, depth, repeats, max_nodes)
    shown.notes += notes
    numbers = _Numbers(tensors, steps, gradient) if style == "detailed" else None
    painter = _Painter(steps, shown, style, direction, marked, numbers, failure)
    painter.groups(painter.graph, shown.groups, 0)
    for edge in shown.edges:
        painter.edge(edge)
    for group in shown.groups:
        if group.steps[-1].output:
            painter.result(group)
    return Drawing(painter.graph, steps, [*shown.notes, *painter.marked.notes])


def checked(direction: str | None, style: str, repeats: str | None) -> tuple[str, str]:
    """The direction and the way of repeats, with their defaults; an error of what does not exist."""
    direction = direction or "TB"
    if direction not in ("TB", "LR", "BT", "RL"):
        raise ValueError(f"direction must be TB, LR, BT or RL, got {direction!r}")
    if style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)}, got {style!r}")
    return direction, repeats or "unrolled"


class _Painter:
    """Draws the groups and edges of a view on a `graphviz.Digraph`."""

    def __init__(
        self, steps: list[Step], shown: View, style: str, direction: str, marked: Marked, numbers: _Numbers | None,
        failure: Failure | None = None,
    ) -> None:  # fmt: skip
        self.style, self.marked, self.numbers, self.failure = style, marked, numbers, failure
        self.several = {call.path for step in steps for call in step.calls if call.number > 1}
        self.graph = graphviz_package().Digraph(
            graph_attr={
                "rankdir": direction, "fontname": "Helvetica", "fontsize": "11", "bgcolor": "white",
                "label": _escape("\n".join(shown.notes)), "labelloc": "t", "nodesep": "0.6",
            },
            node_attr={"fontname": "Helvetica", "fontsize": "11", "height": "0.3", "margin": "0.12,0.06"},
            edge_attr={"fontname": "Helvetica", "fontsize": "9", "color": "#666666", "fontcolor": "#444444", "arrowsize": "0.7"},
        )  # fmt: skip

    def groups(self, graph: Any, groups: list[Group], level: int) -> None:
        """Draw groups in nested boxes, by the calls that they were made in."""
        inner: dict[Call, list[Group]] = {}
        for group in groups:
            if len(group.box) > level:
                inner.setdefault(group.box[level], []).append(group)
            else:
                self.node(graph, group)
        for call, members in inner.items():
            if not call.path or len(members) == 1:  # the model itself, or a box that would say nothing new
                self.groups(graph, members, level + 1)
                continue
            with graph.subgraph(name=f"cluster_{members[0].id}_{level}") as box:
                calls = {c.number for group in members for step in group.steps for c in step.calls if c.path == call.path}
                look = {"style": "rounded,filled", "fillcolor": "#f6f7fa", "color": "#b9c0cc", "fontcolor": "#444c59"}
                box.attr(label=_escape(self.title(call, len(calls))), **look)
                self.groups(box, members, level + 1)

    def title(self, call: Call, times: int = 1) -> str:
        """The path and class of a module; how often or which time it is called."""
        which = ""
        if times > 1:
            which = f"  ({times} times)"
        elif call.path in self.several:
            which = f"  (call {call.number})"
        return ": ".join(filter(None, (call.path, call.kind))) + which

    def node(self, graph: Any, group: Group) -> None:
        """Draw a step, those that are alike, or a closed module."""
        step, last = group.steps[0], group.steps[-1]
        if group.closed:
            title, details = self.title(group.closed), [_ops(group.steps), _describe(last)]
            look = {"shape": "box3d", "style": "filled", "fillcolor": "#e3e0f3", "color": "#5e4fa2", "margin": "0.2,0.13"}
        elif step.kind == "data":
            title, details = step.name or "data", [_describe(step)]
            look = {"shape": "note", "style": "filled"}
        elif step.op is None:
            title, details = step.name or "leaf", [_describe(step)]
            look = {"shape": "box", "style": "filled", "fillcolor": "#fff3c4", "color": "#b08d00"}
        else:
            title = SYMBOLS.get(step.op, step.op) if self.style == "minimal" else step.op
            details = [_describe(step)] if self.style == "detailed" else []
            look = {"shape": "box", "style": "rounded,filled", "fillcolor": "#dbe9ff", "color": "#3b6db5"}
        if self.failure is not None and any(member.node is self.failure.node for member in group.steps):
            look |= {"color": MARK, "fontcolor": "#8c1a1a"}
            given = self.failure.given
            more = [f"… {len(given)} in all"] if len(given) > MOST else []
            details = [*map(str, given[:MOST]), *more, self.failure.kind]
            title += " failed"
        if step.data is not None and not group.closed:
            look |= {"fillcolor": "#eceff1", "color": "#607d8b"}
        if len(group.steps) > 1 and not group.closed:
            title += f" ×{len(group.steps)}"
        elif self.numbers is not None and not group.closed:
            details += self.numbers.of(step)
        colours = [self.marked.steps[member.id] for member in group.steps if member.id in self.marked.steps]
        if colours:
            look |= {"fillcolor": colours[0], "penwidth": "2"}
        graph.node(str(group.id), _escape("\n".join([title, *(details if self.style != "minimal" else [])])), **look)

    def edge(self, edge: Edge) -> None:
        """Draw what flows from one group to another."""
        look = {"style": "dashed", "constraint": "false"} if edge.carried else {"style": "dotted"} if edge.data else {}
        if edge.source in self.marked.path and edge.target in self.marked.path:
            look |= {"color": MARK, "penwidth": "2.5"}
        text = f"  {dimensions(edge.shape)} {edge.dtype}" + f" ×{edge.count}" * (edge.count > 1) + "\nnext step" * edge.carried
        self.graph.edge(str(edge.source), str(edge.target), "" if self.style == "minimal" else _escape(text), **look)

    def result(self, group: Group) -> None:
        """Draw what comes out."""
        step = group.steps[-1]
        text = step.name or (step.calls[0].path if step.calls and step.calls[0].path in DERIVATIVES else "result")
        text += "" if self.style == "minimal" else f"\n{_describe(step)}"
        look = {"shape": "box", "style": "filled", "fillcolor": "#dcedc8", "color": "#558b2f"}
        self.graph.node(f"out{step.id}", _escape(text), **look)
        self.graph.edge(str(group.id), f"out{step.id}")


class _Numbers:
    """The values and gradients of all steps, as far as they are known, as text."""

    def __init__(self, tensors: list[Tensor], steps: list[Step], gradient: Any = None) -> None:
        self.values = values_of(steps, tensors)
        try:
            flows = backward_flow(tensors, steps, 1.0 if gradient is None else gradient)
            self.gradients = {flow.step.id: flow.total for flow in flows}
        except RuntimeError:  # freed by a backward pass: drawn without
            self.gradients = {}

    def of(self, step: Step) -> list[str]:
        """The lines about a step."""
        value, gradient = self.values[step.id], self.gradients.get(step.id)
        lines = [memory_size(step.bytes)]
        return lines + [f"{what} {number(x)}" for what, x in (("=", value), ("gradient", gradient)) if x is not None]


def _ops(steps: list[Step]) -> str:
    count = sum(step.op is not None for step in steps)
    return f"{count} op{'s' * (count != 1)}"


def _escape(text: str) -> str:
    return graphviz_package().escape(printable(text))


def _describe(step: Step) -> str:
    """The shape and dtype of a step; of several outputs the shapes."""
    shapes = ", ".join(map(dimensions, step.shapes))
    return shapes if step.dtype is None else f"{shapes} {step.dtype}"
