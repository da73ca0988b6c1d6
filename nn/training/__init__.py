"""The training loop, with checkpoints from which a run goes on bit for bit."""

from .checkpoint import load_checkpoint, save_checkpoint
from .trainer import EarlyStopping, Trainer

__all__ = ["EarlyStopping", "Trainer", "load_checkpoint", "save_checkpoint"]
