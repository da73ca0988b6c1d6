"""Buckets: gradients of many parameters in one flat array, which is summed over the ranks while the backward pass goes on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from minigrad import Tensor, mark_mutated, raw, zeros
from minigrad.backend import on_host
from minigrad.tracing import is_traced

from . import collectives
from .group import ProcessGroup
from .work import Work

__all__ = ["Bucket", "Reducer", "divide"]

Named = tuple[str, Tensor]


def divide(parameters: Sequence[Named], bucket_bytes: int) -> list[list[Named]]:
    """Parameters in buckets of about so many bytes: the last ones first, since their gradients are there first.

    A bucket holds one dtype and one device.

    >>> p = {name: Tensor(np.zeros(size, np.float32)) for name, size in [("a", 10), ("b", 10), ("c", 30)]}
    >>> [[name for name, _ in bucket] for bucket in divide(list(p.items()), 100)]
    [['c'], ['b', 'a']]
    """
    buckets: list[list[Named]] = []
    open_ones: dict[tuple[str, str], list[Named]] = {}
    for name, p in reversed(parameters):
        kind = (str(p.dtype), p.device)
        bucket = open_ones.get(kind)
        if bucket is None or sum(q.nbytes for _, q in bucket) + p.nbytes > bucket_bytes:
            bucket = open_ones[kind] = []
            buckets.append(bucket)
        bucket.append((name, p))
    return buckets


class Bucket:
    """Parameters whose gradients travel together.

    The flat array ends with a number for each parameter: how many ranks have a gradient for it.
    """

    def __init__(self, parameters: Sequence[Named]) -> None:
        self.names = [name for name, _ in parameters]
        self.parameters = [p for _, p in parameters]
        self.ends = np.cumsum([p.size for p in self.parameters]).tolist()
        self.flat: Any = None  # of this backward pass
        self.kept: Any = None  # of earlier ones without sync
        self.work: Work | None = None
        self.arrived: set[int] = set()  # in this backward pass

    def _place(self, i: int) -> slice:
        return slice(self.ends[i] - self.parameters[i].size, self.ends[i])

    def put(self, i: int, g: Any, factor: float) -> None:
        """Add a gradient times a factor; with the factor 0 nothing, whatever it is."""
        self.arrived.add(i)
        if not factor:
            return
        flat = self._flat()
        flat[self._place(i)] += g.reshape(-1) * g.dtype.type(factor)
        flat[self.ends[-1] + i] = 1

    def _flat(self) -> Any:
        if self.flat is None:
            p = self.parameters[0]
            self.flat = zeros(self.ends[-1] + len(self.parameters), dtype=p.dtype, device=p.device).data
        return self.flat

    def launch(self, group: ProcessGroup) -> None:
        """Begin to add the ranks' arrays."""
        flat = self._flat()
        if self.kept is not None:
            flat += self.kept
        what = f"the gradients of {', '.join(self.names)}: {flat.dtype} ({flat.size},)"
        self.work = group.start(what, collectives.all_reduce(group, flat, "sum"))

    def finish(self) -> None:
        """Wait for the sum, and add it to the parameters' `.grad`, where any rank has a gradient."""
        assert self.work is not None
        flat = self.work.wait()
        counts = on_host(flat[self.ends[-1] :]).real
        for i, p in enumerate(self.parameters):
            if counts[i]:
                _accumulate(p, flat[self._place(i)].reshape(p.shape))
        self.kept = None
        self.clear()

    def keep(self) -> None:
        """The end of a backward pass without sync: what has arrived waits for the next one."""
        if self.kept is None:
            self.kept = self.flat
        elif self.flat is not None:
            self.kept += self.flat
        self.clear()

    def clear(self) -> None:
        """Forget what has arrived in this backward pass."""
        self.flat, self.work = None, None
        self.arrived.clear()

    def forget(self, i: int) -> None:
        """Forget what waits for a parameter."""
        if self.kept is not None:
            self.kept[self._place(i)] = 0
            self.kept[self.ends[-1] + i] = 0

    def is_waiting(self) -> bool:
        """Whether gradients of passes without sync wait for others."""
        return self.kept is not None and bool(on_host(self.kept[self.ends[-1] :]).any())


def _accumulate(p: Tensor, g: Any) -> None:
    """`p.grad += g`, in place where it is an array."""
    if p.grad is None:
        p.grad = Tensor(g)
    elif p.grad.requires_grad or type(p.grad.data) is not type(g):
        p.grad = p.grad + Tensor(g)
    else:
        p.grad.data[...] += g
        mark_mutated(p.grad.data)


class Reducer:
    """Takes the gradients of parameters, and puts their mean over the ranks into `.grad`.

    Args:
        parameters: with their names, in the same order on all ranks.
        bucket_bytes: how large the flat arrays are about.
    """

    def __init__(self, group: ProcessGroup, parameters: Sequence[Named], bucket_bytes: int) -> None:
        self.group = group
        self.buckets = [Bucket(named) for named in divide(parameters, bucket_bytes)]
        self.counts = True  # whether this rank's gradients count; if not, they may be NaN
        self.syncs, self.is_concerned = True, False
        self._launched = 0
        rows = [(bucket, i, p) for bucket in self.buckets for i, p in enumerate(bucket.parameters)]
        self._taken = [(p, partial(self._receive, bucket, i), partial(bucket.forget, i)) for bucket, i, p in rows]
        self.begin()

    def begin(self) -> None:
        """Take the parameters' gradients; to be called again where one may have stopped to learn in between."""
        self._ends = [p.redirect_grad(receive, forget) for p, receive, forget in self._taken]

    def _receive(self, bucket: Bucket, i: int, gradient: Tensor) -> None:
        g = raw(gradient)
        if gradient.requires_grad:
            raise RuntimeError("DataParallel: backward(create_graph=True) has no gradients over ranks; use the model inside")
        if is_traced(g):
            raise TypeError("DataParallel: ranks cannot meet inside of minigrad.compile; compile the model inside instead")
        self.is_concerned = True
        bucket.put(i, g.dense() if hasattr(g, "dense") else g, self.counts / self.group.size)
        if self.syncs:
            self._launch(only_full=True)
            self.group.poll()

    def _launch(self, only_full: bool) -> None:
        """Launch buckets, always in the same order."""
        for bucket in self.buckets[self._launched :]:
            if only_full and len(bucket.arrived) < len(bucket.parameters):
                return
            bucket.launch(self.group)
            self._launched += 1

    def finish(self) -> None:
        """The end of a backward pass: gradients that did not come count as zero."""
        if not self.is_concerned:
            return
        self.is_concerned = False
        if self.syncs:
            self._launch(only_full=False)
            for bucket in self.buckets:
                bucket.finish()
            self._launched = 0
        else:
            for bucket in self.buckets:
                bucket.keep()

    def give_up(self) -> None:
        """The backward pass has failed: forget what it has brought, but not what waits from earlier ones."""
        if self._launched:
            self.group.failure = "a backward pass has failed while its gradients were under way"
        self.is_concerned, self._launched = False, 0
        for bucket in self.buckets:
            bucket.clear()

    def check_empty(self) -> None:
        """Raise an error where gradients would be lost.

        Raises:
            RuntimeError: gradients of passes without sync wait for the others.
        """
        if any(bucket.is_waiting() for bucket in self.buckets):
            raise RuntimeError(
                "DataParallel: parameters began or ceased to learn while gradients of no_sync() wait: run a backward pass "
                "outside of no_sync() before, or zero_grad()"
            )

    def end(self) -> None:
        """Let the parameters have their gradients again."""
        for end in self._ends:
            end()
