"""Tools beside the layers.

Clipping gradients, parameters as one vector or as arguments, parameters that are computed of
others, sequences of different lengths, logs.
"""

from typing import TYPE_CHECKING, Any

from minigrad.hints import missing
from minigrad.spellings import UTILS

from . import parametrizations, parametrize, prune, rnn, tensorboard
from .gradients import (
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
    parameters_to_vector,
    vector_to_parameters,
)
from .stateless import functional_call, skip_init
from .weight_norm import remove_spectral_norm, remove_weight_norm, spectral_norm, weight_norm

__all__ = [
    "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "functional_call",
    "get_total_norm", "parameters_to_vector", "parametrizations", "parametrize", "prune",
    "remove_spectral_norm", "remove_weight_norm", "rnn", "skip_init", "spectral_norm",
    "tensorboard", "vector_to_parameters", "weight_norm",
]  # fmt: skip

if not TYPE_CHECKING:  # to checkers a module with this function has every name

    def __getattr__(name: str) -> Any:
        raise missing("nn.utils", name, __all__, UTILS)
