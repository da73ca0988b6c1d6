"""The layers, by family."""

from .basic import Embedding, Flatten, Identity, ReLU, Sequential, Sigmoid, Tanh
from .conv import Conv1d, Conv2d, Conv3d
from .linear import Linear
from .loss import CrossEntropyLoss, MSELoss
from .pooling import MaxPool1d, MaxPool2d, MaxPool3d

__all__ = [
    "Conv1d", "Conv2d", "Conv3d", "CrossEntropyLoss", "Embedding", "Flatten", "Identity", "Linear", "MSELoss",
    "MaxPool1d", "MaxPool2d", "MaxPool3d", "ReLU", "Sequential", "Sigmoid", "Tanh",
]  # fmt: skip
