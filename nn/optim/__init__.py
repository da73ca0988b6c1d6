"""Optimizers, under torch.optim's names; they step in place."""

from typing import TYPE_CHECKING, Any

from minigrad.hints import missing

from . import lr_scheduler
from .adam import Adam
from .adaptive import Adadelta, Adagrad, RMSprop, Rprop
from .average import EMA
from .lbfgs import LBFGS
from .moments import Adamax, AdamW, NAdam, RAdam
from .optimizer import Optimizer
from .sgd import SGD

__all__ = [
    "EMA", "LBFGS", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "Optimizer", "RAdam", "RMSprop", "Rprop",
    "lr_scheduler",
]  # fmt: skip

if not TYPE_CHECKING:  # to checkers a module with this function has every name

    def __getattr__(name: str) -> Any:
        raise missing("nn.optim", name, __all__)
