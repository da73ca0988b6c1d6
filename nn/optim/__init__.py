"""Optimizers, under torch.optim's names; they step in place."""

from typing import TYPE_CHECKING, Any

from minigrad.hints import missing

from . import lr_scheduler, swa_utils
from .adafactor import Adafactor
from .adam import Adam, AdamW, SparseAdam
from .adaptive import Adadelta, Adagrad, RMSprop, Rprop
from .average import EMA
from .lbfgs import LBFGS
from .moments import Adamax, NAdam, RAdam
from .muon import Muon
from .optimizer import Optimizer
from .sgd import ASGD, SGD

__all__ = [
    "ASGD", "EMA", "LBFGS", "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Muon", "NAdam",
    "Optimizer", "RAdam", "RMSprop", "Rprop", "SparseAdam", "lr_scheduler", "swa_utils",
]  # fmt: skip

if not TYPE_CHECKING:  # to checkers a module with this function has every name

    def __getattr__(name: str) -> Any:
        raise missing("nn.optim", name, __all__)
