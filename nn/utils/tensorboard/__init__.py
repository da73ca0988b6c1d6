"""Logs that TensorBoard shows, as in torch.utils.tensorboard (needs the extra `tensorboard`).

`writer` is what programs use; `numbers` makes histograms and curves, `pictures` images, films and sounds, `projector` the
files of embeddings.
"""

from .writer import SummaryWriter

__all__ = ["SummaryWriter"]
