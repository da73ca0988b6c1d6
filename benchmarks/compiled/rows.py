"""The rows of the table: a workload, its sizes, and what it aims at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import networks, sequences, solvers, workloads
from ..steps import Runs


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        build: makes what is timed, with the sizes.
        full: the sizes that the name speaks of.
        tiny: sizes that any machine computes at once, to try the code.
        torch, jax: the most that the ratios to PyTorch and to JAX may be, if that was said.
        aim: what the ratios are of: "compiled", "eager", or "both".
    """

    name: str
    build: Callable[..., Runs]
    full: dict[str, Any]
    tiny: dict[str, Any]
    torch: float | None = None
    jax: float | None = None
    aim: str = "compiled"

    def runs(self, tiny: bool = False) -> Runs:
        return self.build(**(self.tiny if tiny else self.full))


def _mlp(batch: int, sizes: tuple[int, ...], torch: float, jax: float, activation: str = "ReLU") -> Row:
    name = f"training step of {'-'.join(map(str, sizes))}, batch {batch}, Adam"
    tiny = {"batch": 5, "sizes": (3, *[4] * (len(sizes) - 2), 2), "activation": activation}
    return Row(name, networks.mlp, {"batch": batch, "sizes": sizes, "activation": activation}, tiny, torch, jax)


def _adam(count: str, sizes: tuple[int, ...], torch: float) -> Row:
    name = f"Adam + clip, {count} (PyTorch's fused)"
    return Row(name, networks.adam, {"sizes": sizes}, {"sizes": (3, 4, 2)}, torch, None, "eager")


def _pooling(name: str, kind: str, torch: float) -> Row:
    full, tiny = ({"kind": kind, "shape": shape} for shape in ((16, 64, 32, 32), (2, 3, 6, 6)))
    return Row(f"{name} 2, 16 x 64 x 32 x 32", networks.pooling, full, tiny, torch, None, "eager")


def _recurrent(name: str, build: Callable[..., Runs], size: int, torch: float, **more: int) -> Row:
    tiny = {"size": 5, "steps": 4, "batch": 3, **dict.fromkeys(more, 7)}
    return Row(name, build, {"size": size, **more}, tiny, torch, 0.6, "both")


_ROWS, _FEW = {"rows": 2048, "size": 512}, {"rows": 4, "size": 7}
_PLANES, _SOME = {"shape": (16, 64, 32, 32)}, {"shape": (2, 3, 6, 6)}
_WORDS = {"size": 4, "batch": 2, "vocabulary": 7}

#: Plain functions.
FUNCTIONS = (
    Row("chain of 250 small ops, forward", workloads.overhead_forward, {}, {"size": 3, "length": 10}, 0.01, 0.5),
    Row("chain of 250 small ops, both ways", workloads.overhead_backward, {}, {"size": 3, "length": 10}, 0.01, 0.8),
    Row("Hessian of Rosenbrock, 20-d", workloads.rosenbrock_hessian, {}, {"size": 4}, None, 1.0),
    Row("gradient penalty of an MLP 256-256-1", networks.gradient_penalty, {}, {"batch": 3, "size": 4}, 0.3, 0.8),
    Row("chain of 4 M floats, both ways", workloads.elementwise, {}, {"size": 100}, 0.25, 1.0),
    Row("GELU chain written out, 2048 x 512, both ways", workloads.gelu_chain, {}, _FEW, 0.1, 1.0),
)
#: Layers and optimizers that eager code runs through kernels.
LAYERS = (
    Row("softmax 2048 x 512, both ways", networks.softmax, _ROWS, _FEW, 0.7, None, "eager"),
    Row("cross-entropy 2048 x 512, both ways", networks.cross_entropy, _ROWS, _FEW, 0.3, None, "eager"),
    Row("layer norm 2048 x 512, both ways", networks.layer_norm, _ROWS, _FEW, 0.6, None, "eager"),
    _adam("235 k", (784, 256, 128, 10), 0.3),
    _adam("5 M", (1024, 2048, 1024, 784, 10), 0.8),
    _pooling("max-pooling", "MaxPool2d", 0.1),
    _pooling("average pooling", "AvgPool2d", 0.3),
    Row(
        "convolution 3x3, 64 to 64, 32 x 32, batch 16", networks.conv,
        {**_PLANES, "channels": 64, "padding": 1}, {**_SOME, "channels": 4, "padding": 1}, 0.95, None, "both",
    ),
    Row(
        "AlexNet's first layer, batch 8", networks.conv,
        {"shape": (8, 3, 227, 227), "channels": 96, "kernel": 11, "stride": 4, "of_input": False},
        {"shape": (2, 3, 11, 11), "channels": 4, "kernel": 5, "stride": 3, "of_input": False}, 1.0, None, "both",
    ),
    Row(
        "depthwise convolution 3x3, 64 channels, 32 x 32, batch 16", networks.conv,
        {**_PLANES, "channels": 64, "padding": 1, "groups": 64}, {**_SOME, "channels": 3, "padding": 1, "groups": 3},
        0.8, None, "both",
    ),
)  # fmt: skip
#: Networks, and layers over time.
NETWORKS = (
    Row("LeNet, 28 x 28, batch 64, Adam", networks.lenet, {"batch": 64}, {"batch": 2}, 0.45, 0.25, "both"),
    _recurrent("LSTM 2 x 256, 64 steps, batch 32, Adam", sequences.lstm, 256, 0.9, vocabulary=65),
    _recurrent("LSTM 2 x 64, 64 steps, batch 32, Adam", sequences.lstm, 64, 0.6, vocabulary=65),
    _recurrent("GRU 128, 64 steps, batch 32", sequences.gru, 128, 0.6),
    _recurrent("RNN 128, 64 steps, batch 32", sequences.rnn, 128, 0.4),
    Row("skip-gram, 5 negatives, 50 000 x 100, batch 1024, SGD", sequences.skip_gram, {}, _WORDS, 0.8, 0.8),
    Row("seq2seq, GRU 128 with attention, Adam", sequences.seq2seq, {}, {**_WORDS, "length": 3}, 0.7, 0.8),
    Row(
        "transformer block 128, 4 heads, T 128, batch 16", sequences.transformer, {},
        {"size": 8, "heads": 2, "length": 3, "batch": 2}, 0.8, 0.8,
    ),
    Row(
        "word language model, 10 000 x 200, 2 LSTM, tied, Adam", sequences.language_model, {},
        {**_WORDS, "steps": 3}, 0.9, 0.8,
    ),
)  # fmt: skip
#: What is made of many small operations.
SOLVERS = (
    Row("pendulum, 200 steps of RK4, gradient", solvers.pendulum, {}, {"steps": 3, "batch": 2}, 0.05, 1.0),
    Row(
        "neural ODE, 200 steps of RK4, gradient", solvers.neural_ode, {}, {"steps": 3, "hidden": 4, "batch": 2}, 0.05, 1.0
    ),
    Row(
        "MAML, 5 inner steps of 1-40-40-1, gradient", solvers.maml, {}, {"inner": 2, "hidden": 4, "points": 3}, 0.05, 1.0
    ),
    Row(
        "physics-informed network 2-20-20-20-1, 128 points, Adam", solvers.physics_informed, {},
        {"points": 5, "hidden": 3}, 0.05, 1.0,
    ),
)  # fmt: skip
ROWS: tuple[Row, ...] = (
    _mlp(32, (2, 16, 16, 2), 0.025, 0.1, "Tanh"),
    _mlp(32, (64, 32, 10), 0.03, 0.12),
    _mlp(32, (784, 128, 10), 0.25, 0.45),
    _mlp(64, (784, 256, 128, 10), 0.5, 0.65),
    *FUNCTIONS,
    *LAYERS,
    *NETWORKS,
    *SOLVERS,
)
