"""Whether the ranks' models are the same, and the values of rank 0 for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from minigrad import Tensor, mark_mutated

from ..module import Module
from ..parameter import is_lazy
from .communication import broadcast, group
from .failures import DistributedError

__all__ = ["check_same", "copy_from_first", "state_of"]


def state_of(module: Module) -> list[tuple[str, Tensor]]:
    """The parameters and buffers of a module with their names.

    Raises:
        ValueError: one of them has no shape yet.
    """
    named: list[tuple[str, Tensor]] = [*module.named_parameters(), *module.named_buffers()]
    for name, x in named:
        if is_lazy(x):
            raise ValueError(f"DataParallel: {name!r} has no shape yet; call the model once before")
    return named


def check_same(named: Sequence[tuple[str, Tensor]]) -> None:
    """Raise an error, on all ranks, where names, shapes or dtypes differ; it names the first difference.

    Raises:
        DistributedError: they differ.
    """
    lines = [f"{name}: {x.dtype} {x.shape}{', learns' * x.requires_grad}" for name, x in named]
    texts = group().start("DataParallel of a model", group().texts("\n".join(lines))).wait()
    for rank, text in enumerate(texts):
        for first, other in zip_longest(texts[0].splitlines(), text.splitlines(), fillvalue="nothing more"):
            if first != other:
                raise DistributedError(
                    f"DataParallel: the models of the ranks differ: rank 0 has {first}, but rank {rank} has {other}. Make the "
                    "same model on all ranks, with its parameters in the same order"
                )


def copy_from_first(named: Sequence[tuple[str, Tensor]]) -> None:
    """Write the values of rank 0 into the tensors, on all ranks."""
    values = broadcast([x.data for _, x in named])
    for (_, x), value in zip(named, values, strict=True):
        x.data[...] = value
        mark_mutated(x.data)
