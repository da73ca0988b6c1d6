"""Training and evaluation mode for the time of a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .module import Module

__all__ = ["in_mode"]


@contextmanager
def in_mode(model: Module, training: bool) -> Iterator[None]:
    """A model in training or evaluation mode.

    At the end, also after an error, each module has its own mode again.

    >>> import nn
    >>> model = nn.Sequential(nn.Dropout(), nn.Dropout().eval())
    >>> with in_mode(model, training=False):
    ...     inside = [module.training for module in model.modules()]
    >>> inside, [module.training for module in model.modules()]
    ([False, False, False], [True, True, False])
    """
    modes = [(module, module.training) for module in model.modules()]
    model.train(training)
    try:
        yield
    finally:
        for module, before in modes:
            module.training = before
