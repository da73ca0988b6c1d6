"""Optimizers, under torch.optim's names; they step in place."""

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
