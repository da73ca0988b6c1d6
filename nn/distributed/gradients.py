"""Sums over ranks as part of a graph, and norms of what is divided among ranks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad import Tensor, primitive

from ..utils.gradients import clip_grads_with_norm_, get_total_norm
from . import collectives
from .communication import all_gather, group
from .leaves import as_buffer, countable

__all__ = ["clip_grad_norm_", "sum_over_ranks"]


def sum_over_ranks(x: Any) -> Any:
    """The sum of all ranks' x, on all ranks, as part of the graph.

    Each rank's x is in the sum that every rank has, so its gradient is the sum of all ranks' gradients: they meet again in the
    backward pass, which all must run.  Truth values are counted, and small integers do not overflow, as in `np.sum`.

    Args:
        x: an array or a Tensor, of the same shape and dtype on all ranks.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> (sum_over_ranks(x) ** 2).sum().backward()
    >>> x.grad.tolist()
    [2.0, 4.0]
    """
    out = _sum(x)
    if isinstance(out, Tensor) and out.requires_grad and out.device != "cpu":
        out.register_hook(lambda g: None)  # on a GPU a pass may run twice, and ranks must not meet twice; not with a hook
    return out


@primitive(method=False, x=lambda g: sum_over_ranks(g), name="sum_over_ranks")
def _sum(x: Any) -> Any:
    """The sum over ranks, which knows itself as its rule.

    out = the sum of x over the ranks
    dx  = the sum of g over the ranks
    """
    total = countable(as_buffer("sum_over_ranks", "x", x, stays=True), "sum")
    return group().start(f"sum_over_ranks of {x.dtype} {x.shape}", collectives.all_reduce(group(), total, "sum")).wait()


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """`nn.utils.clip_grad_norm_` for parameters that are divided among the ranks: the norm is that of all ranks' gradients.

    With `DataParallel`, where every rank has all gradients, `nn.utils.clip_grad_norm_` does the same without a message.

    Args:
        parameters: those of this rank, perhaps none.
        max_norm: the norm that the gradients of all ranks together have at most.
        norm_type: p of the p-norm; inf for the largest absolute value.
        error_if_nonfinite: raise an error where the norm is infinite or NaN, instead of scaling by it.

    Returns:
        the norm before, the same on all ranks.

    Raises:
        RuntimeError: error_if_nonfinite is given, and the norm is infinite or NaN; nothing is changed then.

    >>> p = Tensor([3.0, 4.0], requires_grad=True)
    >>> (p * p / 2).sum().backward()
    >>> clip_grad_norm_([p], 1.0).item(), p.grad.round(3).tolist()
    (5.0, [0.6000000238418579, 0.800000011920929])
    """
    own = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    gradients = [p.grad for p in {id(p): p for p in own}.values() if p.grad is not None]
    own_norms = [get_total_norm(g, norm_type).item() for g in gradients if g.size]
    norms = np.concatenate(all_gather(np.array(own_norms, np.float64)))  # without those of ranks that have none
    total = get_total_norm([Tensor(n) for n in norms], norm_type, error_if_nonfinite)
    if own:
        clip_grads_with_norm_(own, max_norm, float(total.item()))
    return total
