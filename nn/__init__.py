"""nn: a mini deep-learning framework on minigrad, with PyTorch's names and habits.

>>> model = Sequential(Linear(2, 8), Tanh(), Linear(8, 1))
>>> loss = functional.mse_loss(model(Tensor([[0.0, 1.0]])), Tensor([[1.0]]))
>>> loss.backward()
>>> optim.SGD(model.parameters(), lr=0.1).step()
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from minigrad.hints import missing
from minigrad.spellings import NETWORKS
from minigrad.version import __version__ as __version__

from . import functional, hooks, init, inspect, layers, optim, parameter, utils
from .inspect.summary import summary
from .layers import *  # noqa: F403
from .module import Buffer, Module, Parameter
from .parameter import UninitializedBuffer, UninitializedParameter
from .saving import load, save

__all__ = [
    "Buffer", "Module", "Parameter", "UninitializedBuffer", "UninitializedParameter", "data", "distributed", "distributions",
    "functional", "hooks", "init", "inspect", "layers", "load", "metrics", "optim", "parameter", "save",
    "summary", "text", "training", "utils",
]  # fmt: skip
__all__ += layers.__all__

if TYPE_CHECKING:
    from . import data, distributed, distributions, metrics, text, training
else:

    def __getattr__(name: str) -> Any:
        """What many programs do without is imported when it is first asked for (10 ms in all)."""
        if name in ("data", "distributed", "distributions", "metrics", "text", "training"):
            return importlib.import_module(f"nn.{name}")
        raise missing("nn", name, __all__, NETWORKS)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
