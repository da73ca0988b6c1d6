"""Optimizers, under torch.optim's names; they step in place."""

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
