"""Tools beside the layers: clipping gradients, parameters as one vector or as arguments, sequences of different lengths, logs."""

from . import rnn, tensorboard
from .gradients import clip_grad_norm_, clip_grad_value_, parameters_to_vector, vector_to_parameters
from .stateless import functional_call

__all__ = [
    "clip_grad_norm_", "clip_grad_value_", "functional_call", "parameters_to_vector", "rnn", "tensorboard",
    "vector_to_parameters",
]  # fmt: skip
