"""DataParallel: each rank has a part of each batch, and all have the gradients of the whole batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minigrad import Tensor, is_grad_enabled

from ..checks import POSITIVE, at_least, check
from ..module import Module
from .agreement import check_same, copy_from_first, state_of
from .communication import group
from .examples import examples_in
from .meeting import Meeting

__all__ = ["DataParallel"]


class DataParallel(Module):
    """A model whose gradients are those of the whole batch, of which each rank has a part.

    In the beginning every rank gets the parameters and buffers of rank 0.  `loss.backward()` averages the gradients over the
    ranks while it goes on; afterwards `.grad` is the same on all ranks, so that equal optimizers take equal steps.

    A rank's loss is the mean over its own examples, so its gradients count by its share of all examples: those of the rank
    with 3 of 8 examples 3/8.  How many there are is read from the arrays that the model is called with, along `batch_axis`,
    which is 1 for `nn.RNN` and others whose axis 0 is time; where some have no axis of examples (a mask of (time, time)), or
    the loss is a mean over something else (the tokens that are not padding), take batch_axis=None and call `set_examples`.
    A rank may have no examples: it calls the model with arrays of length 0, and its loss, a NaN, does not count; the losses of
    `nn` are NaN then without a warning, `np.mean` and `.mean()` warn.  Under `no_grad()` the ranks do not meet.

    Gradients are dense, those of `nn.Embedding(sparse=True)` too.  An optimizer whose closure decides by the loss, `LBFGS` say,
    must be given that of all ranks: `return all_reduce(loss.detach(), "mean")`.

    The ranks' gradients meet in `backward()` alone: `minigrad.autograd.grad` with respect to the parameters, and transforms such
    as `minigrad.grad` of a `functional_call` of this model, raise an error.  On the model inside they give each rank its own.

    Args:
        module: the model, the same on all ranks.
        bucket_bytes: about how many bytes of gradients travel together.
        batch_axis: the axis along which examples lie, in all arrays that the model is called with; None where `set_examples`
            tells how many there are, or all ranks always have as many, so that they need not tell each other.
        reduction: "mean" where each rank's loss is a mean over its examples, "sum" where it is their sum.

    Attributes:
        module: the model.

    Raises:
        DistributedError: names, shapes, dtypes or the order of parameters and buffers differ between ranks; on all of them.
        ValueError: a parameter has no shape yet (lazy layers); options are out of their range.

    >>> import nn
    >>> model = DataParallel(nn.Linear(3, 1))
    >>> model(Tensor([[1.0, 2.0, 3.0]])).sum().backward()
    >>> model.module.weight.grad.tolist()
    [[1.0, 2.0, 3.0]]
    """

    _machinery = Module._machinery | {"_meeting"}  # which knows parameters that the model may have lost

    def __init__(self, module: Module, bucket_bytes: int = 4 << 20, batch_axis: int | None = 0, reduction: str = "mean") -> None:
        if reduction not in ("mean", "sum"):
            raise ValueError(f'DataParallel: reduction must be "mean" or "sum", got {reduction!r}')
        self.module = module
        self.bucket_bytes = int(check("DataParallel", "bucket_bytes", bucket_bytes, POSITIVE))
        self.batch_axis, self.reduction = batch_axis, reduction
        self._meeting: Meeting | None = None
        if group().size > 1:
            named = state_of(module)
            check_same(named)
            copy_from_first(named)
            self._meet()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the model computes from this rank's examples."""
        if group().size > 1 and is_grad_enabled():
            meeting = self._meet()
            if self.reduction == "mean" and self.batch_axis is not None:
                meeting.examples.note(examples_in((args, kwargs), self.batch_axis))
        return self.module(*args, **kwargs)

    def set_examples(self, number: float) -> None:
        """Say what this rank's loss is a mean over, for the next backward pass: how many examples, tokens, or what weight.

        All ranks must call it.

        Raises:
            ValueError: the number is negative, infinite or NaN; or losses are sums, which count fully.

        >>> import nn
        >>> model = DataParallel(nn.Linear(3, 1))
        >>> model.set_examples(17)
        """
        check("set_examples", "number", number, at_least(0))
        if self.reduction == "sum":
            raise ValueError('set_examples: with reduction="sum" losses count fully, however many examples there are')
        if group().size > 1:
            self._meet().examples.give(number)

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Backward passes in here are gathered, and averaged with the first one after it.

        `zero_grad()` forgets them, and a pass that fails leaves those of others as they are.
        The ranks still tell each other how many examples they have.  `.grad` stays as it is until then, so that it never
        differs between ranks.

        >>> import nn
        >>> model, x = DataParallel(nn.Linear(1, 1)), Tensor([[1.0]])
        >>> with model.no_sync():
        ...     model(x).sum().backward()
        >>> model(2 * x).sum().backward()
        >>> model.module.weight.grad.item()
        3.0
        """
        if group().size == 1:
            yield
            return
        reducer = self._meet().reducer
        before, reducer.syncs = reducer.syncs, False
        try:
            yield
        finally:
            reducer.syncs = before

    def sync_buffers(self) -> None:
        """Give all ranks the buffers of rank 0: running means, say, of a batch normalisation that is not synchronised."""
        if group().size > 1:
            copy_from_first(list(self.module.named_buffers()))

    def _meet(self) -> Meeting:
        """What takes the gradients; made anew where other parameters learn than before."""
        learning: list[tuple[str, Tensor]] = [(name, p) for name, p in self.module.named_parameters() if p.requires_grad]
        if computed := [name for name, p in learning if not p.is_leaf]:
            raise RuntimeError(
                f"DataParallel: {computed[0]!r} is computed here, by functional_call say, but gradients are averaged at the "
                "end of backward(): call functional_call(model.module, ...), and average its gradient by all_reduce"
            )
        if self._meeting is None or not self._meeting.is_of(learning):
            if self._meeting is not None:
                self._meeting.reducer.check_empty()
                self._meeting.end()
            counted = self.reduction == "mean" and self.batch_axis is not None
            weight = None if counted else 1.0 if self.reduction == "mean" else float(group().size)
            self._meeting = Meeting(learning, self.bucket_bytes, weight)
        self._meeting.reducer.begin()
        return self._meeting

    def __getstate__(self) -> dict[str, Any]:
        """A copy has parameters, and so gradients, of its own."""
        return {**vars(self), "_meeting": None}
