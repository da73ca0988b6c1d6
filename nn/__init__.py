"""nn: a mini deep-learning framework on minigrad, with PyTorch's names and habits.

>>> model = Sequential(Linear(2, 8), Tanh(), Linear(8, 1))
>>> loss = functional.mse_loss(model(Tensor([[0.0, 1.0]])), Tensor([[1.0]]))
>>> loss.backward()
>>> optim.SGD(model.parameters(), lr=0.1).step()
"""

from . import functional, init, layers, losses, optim
from .layers import (
    Conv1d,
    Conv2d,
    Conv3d,
    CrossEntropyLoss,
    Embedding,
    Flatten,
    Identity,
    Linear,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
    MSELoss,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
)
from .module import Buffer, Module, Parameter

__all__ = [
    "Buffer", "Conv1d", "Conv2d", "Conv3d", "CrossEntropyLoss", "Embedding", "Flatten", "Identity", "Linear", "MSELoss",
    "MaxPool1d", "MaxPool2d", "MaxPool3d", "Module", "Parameter", "ReLU", "Sequential", "Sigmoid", "Tanh", "functional",
    "init", "layers", "losses", "optim",
]  # fmt: skip
