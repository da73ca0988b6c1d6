"""The training loop, with checkpoints from which a run goes on bit for bit."""

from .checkpoint import load_checkpoint, save_checkpoint
from .search import Results, choice, grid_search, integers, log_uniform, random_search, uniform
from .stopping import EarlyStopping
from .tensorboard import SummaryWriter, TensorBoard
from .trainer import Trainer

__all__ = [
    "EarlyStopping", "Results", "SummaryWriter", "TensorBoard", "Trainer", "choice", "grid_search", "integers",
    "load_checkpoint", "log_uniform", "random_search", "save_checkpoint", "uniform",
]  # fmt: skip
