"""How far back a gradient reaches: of a recurrent op, the gradient of what it reads at each time."""

from __future__ import annotations

from typing import Any

from ..arrays.fallback import apply_rule
from ..devices import on_gpu_of
from .values import Flow

__all__ = ["RECURRENT", "reach"]

#: Ops that run a layer over all time steps; the first thing that they read is (T, B, features).
RECURRENT = frozenset({"rnn", "lstm", "gru"})


def reach(flow: Flow) -> Any:
    """What the op's own rule says of its first input, also where that is data and nothing is sent to it; None of other ops.

    >>> from minigrad import Tensor
    >>> from minigrad.viz import walk
    >>> from minigrad.viz.values import backward_flow
    >>> x = Tensor(2.0, requires_grad=True)
    >>> reach(backward_flow(y := x * x, walk(y))[0]) is None
    True
    """
    step = flow.step
    node = step.node
    if step.op not in RECURRENT or step.data is not None or node.saved is None:
        return None
    sent = next((c for place, _, c in flow.sends if place == 0), None)
    if sent is not None:
        return sent
    needs = (True, *map(bool, node.parents[1:]))
    with on_gpu_of(flow.total):
        return apply_rule(node.op.name, node.op.rules[0], (flow.total, needs, *node.saved[0]))[0]
