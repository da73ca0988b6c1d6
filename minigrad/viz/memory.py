"""What a graph keeps for its backward pass, in bytes: by module, by op, and at which step the pass needs most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from ..graph import Node, owner
from .capture import node_behind
from .numbers import memory_size
from .target import steps_of, tensors_of
from .text import printable
from .walk import Step

__all__ = ["Kept", "Memory", "memory", "memory_of"]

OUTSIDE = "(outside of modules)"


@dataclass(frozen=True)
class Kept:
    """What one step keeps.

    Attributes:
        step: the step of the graph.
        bytes: of the arrays that its rules will read and that no older step keeps already.
        given: of these, the data of leaves: parameters, say, which are there anyway.
        alive: what the backward pass holds at most when it is at this step: what is kept still, and the gradients that wait.
    """

    step: Step
    bytes: int
    given: int
    alive: int

    @property
    def module(self) -> str:
        """The innermost module that made the step, with its class."""
        if not self.step.calls:
            return OUTSIDE
        call = self.step.calls[-1]
        return ": ".join(part for part in (call.path, call.kind) if part)


class Memory:
    """The memory of a graph; its repr is a table.

    Attributes:
        kept: for each op, oldest first.
        total: bytes of all arrays that the graph keeps, each counted once, a view as the array that owns its memory.
        given: of these, the data of leaves, which are there anyway.
        peak: the step at which the backward pass holds most, `peak.alive` bytes; None of a graph without ops.

    >>> found = memory(lambda x: np.exp(x).sum(), np.ones(100))
    >>> found.by_op, found.total, found.given, found.peak.step.op
    ({'exp': 800, 'sum': 0}, 800, 0, 'exp')
    """

    def __init__(self, kept: list[Kept]) -> None:
        self.kept = kept
        self.total = sum(one.bytes for one in kept)
        self.given = sum(one.given for one in kept)
        self.peak = max(kept, key=lambda one: one.alive, default=None)

    @property
    def by_module(self) -> dict[str, int]:
        """Bytes by the innermost module, the largest first."""
        return _summed((_module(one), one.bytes) for one in self.kept)

    @property
    def by_op(self) -> dict[str, int]:
        """Bytes by the name of the op, the largest first."""
        return _summed((_op(one), one.bytes) for one in self.kept)

    @property
    def title(self) -> str:
        """The sum, in words."""
        made = f"{memory_size(self.total - self.given)} kept for backward"
        return f"{made}, and {memory_size(self.given)} of leaves that are there anyway" if self.given else made

    @property
    def summit(self) -> str:
        """The peak, in words."""
        if self.peak is None:
            return ""
        where = "" if self.peak.module == OUTSIDE else f" in {self.peak.module}"
        return f"backward holds at most {memory_size(self.peak.alive)}, at {self.peak.step.op}{where}"

    def _tables(self) -> Iterator[tuple[str, list[tuple[str, str, str, str]]]]:
        """By module and by op: name, bytes, share, and how much of it leaves have anyway."""
        for name, sums, key_of in (("module", self.by_module, _module), ("op", self.by_op, _op)):
            given = _summed((key_of(one), one.given) for one in self.kept)
            yield (
                f"by {name}",
                [
                    (printable(key), memory_size(n), f"{n / (self.total or 1):.0%}", _of_leaves(given[key]))
                    for key, n in sums.items()
                    if n
                ],
            )

    def __repr__(self) -> str:
        lines = [self.title]
        for name, rows in self._tables():
            wide = max((len(key) for key, *_ in rows), default=0)
            lines += [
                name,
                *(f"  {key.ljust(wide)}  {size:>9}  {share:>4}  {leaves}".rstrip() for key, size, share, leaves in rows),
            ]
        return "\n".join([*lines, *filter(None, [self.summit])])

    def _repr_html_(self) -> str:
        """Two tables, with bars."""
        parts = [f"<p>{escape(self.title)}</p>"]
        for name, rows in self._tables():
            body = "".join(
                f'<tr><td style="text-align:left">{escape(key)}</td><td>{size}</td>'
                f'<td style="text-align:left"><span style="display:inline-block;height:0.7em;background:#0b5cad;width:'
                f'{float(share[:-1]) / 10:.1f}em"></span> {share}</td><td style="text-align:left">{leaves}</td></tr>'
                for key, size, share, leaves in rows
            )
            parts.append(f"<p><b>{name}</b></p><table>{body}</table>")
        return f"{''.join(parts)}<p>{escape(self.summit)}</p>"

    def for_page(self, member: Mapping[int, int]) -> dict[str, Any]:
        """What the page shows of it; `member` is the step that a page shows in the place of each step."""
        steps: dict[str, list[int]] = {}
        for one in self.kept:
            sums = steps.setdefault(str(member[one.step.id]), [0, 0])
            sums[0] += one.bytes
            sums[1] += one.given
        return {
            "title": self.title,
            "summit": self.summit,
            "modules": list(_summed((one.module, n) for one in self.kept if (n := one.bytes - one.given)).items()),
            "peak": None if self.peak is None else member[self.peak.step.id],
            "steps": steps,
        }


def memory(target: Any, *inputs: Any, names: Any = None) -> Memory:
    """How many bytes a graph keeps for its backward pass, by module and by op, and where the pass needs most.

    Counted is what the engine holds: the arrays that the rules will read.  One that several ops read is counted once, for the
    oldest of them; a view counts as the whole array that it looks at.  For the peak, gradients are counted by their shapes, each
    as an array of its own; what a rule needs while it runs is not seen.

    Args:
        target: a tensor or several, before `backward()`; or a module or a function, which is called with the inputs.  Modules are
            known of a module, and of what was computed under `capture(module)`.
        inputs: of a module or a function.
        names: a module, or a dict from names to tensors: what the parts of the table are called.

    >>> import numpy as np
    >>> w = Tensor(np.ones((10, 10)), requires_grad=True)
    >>> found = memory(np.tanh(np.ones((4, 10)) @ w).sum())
    >>> found.by_op
    {'matmul': 320, 'tanh': 320, 'sum': 0}
    >>> print(found)
    640 B kept for backward
    by module
      (outside of modules)      640 B  100%
    by op
      matmul      320 B   50%
      tanh        320 B   50%
    backward holds at most 1.4 KiB, at matmul
    """
    tensors, names = tensors_of(target, inputs, names, values=False)
    return memory_of(steps_of(target, tensors, names))


def memory_of(steps: list[Step]) -> Memory:
    """The memory of a graph that was walked."""
    leaves = {id(owner(tensor._array)) for step in steps if step.op is None and (tensor := _tensor(step.node)) is not None}
    seen: set[int] = set()
    rows: list[tuple[Step, int, int]] = []
    for step in steps:
        if step.op is None or step.data is not None:
            continue
        new = {id(array): array for array in owners(step.node.saved) if id(array) not in seen}
        seen |= new.keys()
        rows.append((step, sum(_size(a) for a in new.values()), sum(_size(a) for key, a in new.items() if key in leaves)))
    alive = _alive(steps, {step.id: size - given for step, size, given in rows})
    return Memory([Kept(step, size, given, alive.get(step.id, 0)) for step, size, given in rows])


def owners(saved: Any) -> Iterator[Any]:
    """The arrays that own the memory of all that a node keeps for its rules."""
    waiting = [saved]
    while waiting:
        value = waiting.pop()
        if isinstance(value, (tuple, list)):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
        elif hasattr(value, "nbytes") and not isinstance(value, np.generic):
            yield owner(value)


def _size(array: Any) -> int:
    return int(array.nbytes)


def _tensor(node: Node) -> Any:
    return node.tensor() if hasattr(node, "tensor") else None


def _alive(steps: list[Step], kept: dict[int, int]) -> dict[int, int]:
    """Bytes that the backward pass holds at each step: what is kept until it is read, and the gradients on their way.

    What an older step keeps, too, is counted there, so it stays until that has been passed.
    """
    sizes = {step.id: step.bytes for step in steps}
    left = sum(kept.values())
    waiting = {step.id: step.bytes for step in steps if step.output}
    found: dict[int, int] = {}
    for step in reversed(steps):
        if step.op is None or step.data is not None or step.id not in waiting:
            continue
        sent = [node_behind(parent).order for parent in step.node.parents if parent is not None]
        found[step.id] = left + sum(waiting.values()) + sum(sizes[source] for source in sent)
        del waiting[step.id]
        left -= kept[step.id]
        waiting |= {source: sizes[source] for source in sent}
    return found


def _module(one: Kept) -> str:
    return one.module


def _op(one: Kept) -> str:
    return one.step.op or ""


def _of_leaves(size: int) -> str:
    return f"of leaves {memory_size(size)}" if size else ""


def _summed(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for key, size in pairs:
        sums[key] = sums.get(key, 0) + size
    return dict(sorted(sums.items(), key=lambda pair: -pair[1]))
