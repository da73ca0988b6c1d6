"""A backward pass on a GPU: first without a look at its numbers.

Behind a mask the rules of ops may give NaN, from 0 times infinity, where nothing was sent
(`minigrad.masked`).  To find these, the numbers that each rule gives are looked at; on a GPU each look
makes the program wait.  So a pass runs on trial there: nothing is looked at, freed or added to `.grad` until
the end.  Then the gradients that have arrived are looked at, all together.  Rules are linear in the
gradient: NaN stays NaN on its way.  Only a selection leaves it out, and then rightly.  If all is
finite, the careful pass would have given the same; if not, it runs now, from what was saved.

So on a GPU the rule of an op may run twice in one pass, and what the rules have read is in memory until the end
of the pass.  A pass that meets no mask runs once and frees as it goes, as on the CPU.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from . import graph, later
from .accumulate import accumulate_leaf
from .arrays.batch import all_examples
from .arrays.row_sparse import RowSparse
from .devices import on_gpu_of
from .graph import Node
from .masked import masks
from .tensor import Tensor, raw

__all__ = ["Trial", "is_running", "may_run", "on_trial"]

#: So many numbers are copied to be added up together, since to start one kernel takes longer.
SMALL = 2**16

#: The trial that is running in this thread and task.
_running: ContextVar[Trial | None] = ContextVar("trial", default=None)


class CannotRunTwice(RuntimeError):
    """Inside of a trial there is something that a repetition would do a second time."""


#: What a careful pass may do without: it needs less memory, and meets no NaN where a mask hides it, of which
#: NumPy and SciPy say so in many ways (LinAlgError is a ValueError).
_MISLED = (CannotRunTwice, MemoryError, ValueError, ArithmeticError)


class Trial:
    """What a backward pass leaves until its end.

    Attributes:
        inner: whether it runs inside of another one, which looks at the numbers of both.
        leaves: the gradients of leaves.
        used: the nodes whose rules have read arrays.
        doubts: sums of gradients that have come to rules which may not be linear.
        root: the number that the pass began at, once it is read.
    """

    def __init__(self) -> None:
        outer = _running.get()
        self.inner = outer is not None
        self.leaves: dict[Node, Any] = {}
        self.used: list[Node] = []
        self.root: Any = None
        self.doubts: list[Any] = [] if outer is None else outer.doubts

    def __enter__(self) -> Trial:
        self._token = _running.set(self)
        return self

    def __exit__(self, *error: object) -> None:
        _running.reset(self._token)

    def note(self, node: Node, g: Any) -> None:
        """The rule of a node has run: one that a user has written may make anything of a gradient."""
        if node.op.saves_arrays:
            self.used.append(node)
        if _is_foreign(node.op):
            self.doubts += _sums([g])

    def is_finite(self, found: dict[Node, Any], outputs: Sequence[Tensor]) -> bool:
        """Whether all that has arrived is finite.  If the pass began at one number, that is read along."""
        arrays = [x for g in (*self.leaves.values(), *found.values()) for x in _arrays(g)]
        whole = [all_examples(x) for x in arrays]
        if (recorder := later.recorder_of(*whole)) is not None:
            return recorder.guard(whole)
        sums = [*self.doubts, *_sums([*self.leaves.values(), *found.values()])]
        one = len(outputs) == 1 and outputs[0].size == 1
        numbers = later.read(*sums, *([outputs[0]._array] if one else ()))
        self.root = numbers.pop() if one else None
        return all(bool(np.isfinite(x)) for x in numbers)

    def finish(self, outputs: Sequence[Tensor], keep: bool) -> None:
        """Free what the rules have read, unless it is to be kept; and keep the number that the pass began at."""
        if not keep:
            for node in self.used:
                node.saved = None
        if self.root is not None:
            later.remember(outputs[0], self.root)


def _sums(gradients: Iterable[Any]) -> list[Any]:
    """Numbers of which one is not finite if one of the gradients' is not; small gradients are added up together.

    A sum of large numbers may be infinite too: then the careful pass runs, and changes nothing.
    """
    groups: dict[Any, list[Any]] = {}
    for g in itertools.chain.from_iterable(map(_arrays, gradients)):
        is_small = g.size <= SMALL
        groups.setdefault((str(g.device), g.dtype) if is_small else id(g), []).append(g)
    sums = []
    for group in groups.values():
        with on_gpu_of(group[0]):
            x = group[0] if len(group) == 1 else np.concatenate([np.reshape(g, -1) for g in group])
            sums.append(np.sum(x, dtype=np.float32 if x.dtype == np.float16 else None))
    return sums


def _arrays(g: Any) -> list[Any]:
    """The arrays that a gradient consists of."""
    if hasattr(g, "parts"):  # those of several outputs
        return [x for part in g.parts.values() for x in _arrays(part)]
    g = all_examples(raw(g))
    return [g.values if isinstance(g, RowSparse) else g]


def _is_foreign(op: Any) -> bool:
    """Whether an op is not one of minigrad's and nn's own, whose rules are linear in the gradient."""
    forward = getattr(op, "forward", None)
    package = (getattr(forward, "__module__", None) or "").partition(".")[0]
    return forward is not None and package not in ("minigrad", "nn")


# ------------------------------------------------------------------------- running on trial


def on_trial(
    run: Callable[[Trial], dict[Node, Any]], outputs: Sequence[Tensor], create_graph: bool, keep: bool
) -> dict[Node, Any] | None:
    """A pass that looks at nothing before its end; None where a careful one must follow.

    Raises:
        Exception: of a rule.  The pass is repeated only if NaN or a lack of memory may be the reason.
    """
    with Trial() as trial:
        try:
            found = run(trial)
        except Exception as error:
            if trial.inner:
                raise
            later.settle()  # a wrong index, say, may be the reason
            if later.was_found_late(error) or not isinstance(error, _MISLED):
                raise
            return None  # the careful pass says what is wrong, or does with less memory
    if not trial.inner and not trial.is_finite(found, outputs):
        return None
    trial.finish(outputs, keep)
    for node in list(trial.leaves):
        g = trial.leaves.pop(node)
        with on_gpu_of(g):
            accumulate_leaf(node, g, create_graph)
    return found


def is_running() -> bool:
    """Whether this thread and task is inside of a trial."""
    return _running.get() is not None


def may_run(outputs: Sequence[Tensor], cotangents: Sequence[Any], of_a_rule: bool) -> bool:
    """Whether a pass should run on trial: on a GPU, where it meets a masking op, and nothing that must not run twice.

    Args:
        of_a_rule: whether the rule of an op makes it, which does nothing with its results but to send them on.

    Raises:
        CannotRunTwice: it is inside of another one that runs on trial, where it must not run twice, or where a
            program decides by its results, of which nobody has looked yet whether they are right.
    """
    inner = is_running()
    if later.recorder_of(*(all_examples(raw(x)) for x in outputs)) is not None:
        return _look_over([y._node for y in outputs if y._node is not None])[0] or inner
    if inner and not of_a_rule:
        raise CannotRunTwice
    there = all(later.is_on_gpu(raw(g)) for g in cotangents)
    if not there and not inner:
        return False
    if not inner and (graph.is_anomaly_enabled() or graph.behind_mask.get()):
        return False
    found, twice = _look_over([y._node for y in outputs if y._node is not None])
    if inner and not twice:
        raise CannotRunTwice
    return there and twice and (found or inner)


def _look_over(stack: list[Node]) -> tuple[bool, bool]:
    """Whether a graph holds a masking op; and whether a pass through it may run twice, which a hook may not."""
    seen, found = set(stack), False
    while stack:
        if found and not graph.watched:
            return True, True
        node = stack.pop()
        if node.info is not None:
            if node.info.hooks or node.info.retain:
                return found, False
            found = found or bool(node.info.behind_mask)
        found = found or (node.op is not None and masks(node, look=False))
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return found, True
