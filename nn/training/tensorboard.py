"""The callback that logs a training for TensorBoard (needs the extra `tensorboard`)."""

from __future__ import annotations

import os
from typing import Any

from .. import distributed
from ..utils.tensorboard import SummaryWriter

__all__ = ["SummaryWriter", "TensorBoard"]


class TensorBoard:
    """A callback of the Trainer: logs each epoch's values, and the distribution of every parameter.

    Of several processes under mpiexec the first alone writes.

    Args:
        log_dir: the folder of the event files.
        histograms: also log the parameters.
    """

    def __init__(self, log_dir: str | os.PathLike[str], histograms: bool = True) -> None:
        self.writer = SummaryWriter(log_dir) if distributed.rank() == 0 else None
        self.histograms = histograms

    def __call__(self, trainer: Any) -> None:
        if self.writer is None:
            return
        row = trainer.history[-1]
        for name in row.keys() - {"epoch"}:
            self.writer.add_scalar(name, row[name], row["epoch"])
        if self.histograms:
            for name, parameter in trainer.model.named_parameters():
                self.writer.add_histogram(name, parameter, row["epoch"])
        self.writer.flush()
