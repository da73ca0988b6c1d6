"""nn: a mini deep-learning framework on minigrad, with PyTorch's names and habits.

>>> model = Sequential(Linear(2, 8), Tanh(), Linear(8, 1))
>>> loss = functional.mse_loss(model(Tensor([[0.0, 1.0]])), Tensor([[1.0]]))
>>> loss.backward()
>>> optim.SGD(model.parameters(), lr=0.1).step()
"""

from . import data, functional, init, inspect, kernels, layers, metrics, optim, text, training, utils
from .inspect.summary import summary
from .layers import *  # noqa: F403
from .module import Buffer, Module, Parameter
from .saving import load, save

__all__ = [
    "Buffer", "Module", "Parameter", "data", "functional", "init", "inspect", "kernels", "layers", "load", "metrics",
    "optim", "save", "summary", "text", "training", "utils",
]  # fmt: skip
__all__ += layers.__all__
