"""Averages of weights over training."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

from minigrad import Tensor, raw

from ..module import Module
from ..utils.together import change_all, copy_into

__all__ = ["EMA"]


class EMA:
    """An exponential moving average of a module's parameters; buffers are copied.

        average <- decay average + (1 - decay) parameter

    Args:
        module: whose parameters are averaged; the averages begin with them.
        decay: how much of the averages each update keeps, 0 to 1.

    Attributes:
        module: a copy of the module that holds the averages, to evaluate with.

    >>> from nn import Linear
    >>> model = Linear(1, 1)
    >>> average = EMA(model, decay=0.9)
    >>> model.weight.data += 1.0
    >>> average.update(model)
    >>> round((average.module.weight - model.weight).item(), 4)
    -0.9
    """

    def __init__(self, module: Module, decay: float = 0.999) -> None:
        if not 0 <= decay <= 1:
            raise ValueError(f"EMA: decay must lie between 0 and 1, got {decay}")
        self.decay = decay
        self.module = copy.deepcopy(module).requires_grad_(False).eval()

    def update(self, module: Module) -> None:
        """Take up the module's present parameters.

        Raises:
            ValueError: the module has other parameters than the one that was averaged; nothing is changed then.
        """
        shapes, others = ([t.shape for t in (*m.parameters(), *m.buffers())] for m in (self.module, module))
        if shapes != others:
            raise ValueError(f"EMA: parameters of shapes {shapes} cannot take up those of {others}")
        change_all(*_pairs(self.module.parameters(), module.parameters(), self._approach))
        change_all(*_pairs(self.module.buffers(), module.buffers(), copy_into))

    def _approach(self, average: Any, value: Any) -> None:
        average += (1 - self.decay) * (value - average)

    def __repr__(self) -> str:
        return f"EMA(decay={self.decay}, {type(self.module).__name__})"

    def state_dict(self) -> dict[str, Any]:
        """The averages by path."""
        return dict(self.module.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from averages that `state_dict` returned."""
        self.module.load_state_dict({k: raw(v) for k, v in state.items()})


def _pairs(own: Iterable[Tensor], others: Iterable[Tensor], change: Callable[..., None]) -> tuple[Any, ...]:
    """The arguments of `change_all`: the others are brought to the devices of the own ones."""
    own = list(own)
    return own, change, [t.detach().to(x.device) for t, x in zip(others, own, strict=True)]
