"""What a network is made of and what it costs: `module.summary(input)`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import minigrad
from minigrad import Tensor, no_grad

from ..layers.attention import MultiheadAttention
from ..layers.convolution import _Conv, _ConvTranspose
from ..layers.linear import Bilinear, Linear
from ..layers.recurrent import _Cell, _Recurrent
from ..module import Module
from .outline import outline_html
from .tables import table_html

__all__ = ["Row", "Summary", "summary"]


@dataclass(frozen=True)
class Row:
    """One module: its path and kind, the shape of its output, its own parameters, the bytes of its output, multiply-adds."""

    path: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    memory: int
    multiply_adds: int


@dataclass(frozen=True)
class Summary:
    """All modules in the order in which they were called; its repr is a table.

    Attributes:
        rows: one for each call of each module without children.
        parameters: of the whole network, shared ones once.
        trainable: those that require a gradient.
    """

    rows: tuple[Row, ...]
    parameters: int
    trainable: int

    @property
    def memory(self) -> int:
        """The bytes of all outputs together."""
        return sum(row.memory for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """Multiplications followed by an addition, in products of matrices and in convolutions."""
        return sum(row.multiply_adds for row in self.rows)

    def _cells(self) -> list[tuple[str, ...]]:
        """The lines of the table: header, rows, total."""
        memory = minigrad.viz.memory_size
        rows = [
            (r.path, r.kind, str(r.output), f"{r.parameters:,}", memory(r.memory), f"{r.multiply_adds:,}")
            for r in self.rows
        ]
        header = ("layer", "kind", "output", "parameters", "memory", "multiply-adds")
        total = ("total", "", "", f"{self.parameters:,}", memory(self.memory), f"{self.multiply_adds:,}")
        return [header, *rows, total]

    def __repr__(self) -> str:
        table = self._cells()
        widths = [max(len(line[i]) for line in table) for i in range(6)]
        lines = [
            "  ".join(cell.ljust(w) if i < 3 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True)))
            for line in table
        ]
        rule = "-" * len(lines[0])
        frozen = self.parameters - self.trainable
        notes = [f"{frozen:,} parameters are frozen"] if frozen else []
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1], *notes])

    def _repr_html_(self) -> str:
        header, *rows = self._cells()
        return table_html(header, rows)


def _recurrent_cost(module: Any, x: Any, out: Any) -> int:
    weights = sum(p.size for name, p in module.named_parameters() if name.startswith("weight"))
    steps = prod(x.shape[:-1]) if hasattr(x, "shape") else len(x.data)
    return steps * weights


def _attention_cost(module: Any, query: Any, out: Any) -> int:
    length, batch = (query.shape[1], query.shape[0]) if module.batch_first else query.shape[:2]
    weights = sum(p.size for name, p in module.named_parameters() if "weight" in name and not name.startswith("out_proj"))
    return batch * length * (weights + 2 * length * module.embed_dim)


#: Kind of module -> its multiply-adds, from (module, first input, output).
_COSTS: list[tuple[Any, Callable[[Any, Any, Any], int]]] = [
    (Linear, lambda m, x, out: out.size * m.in_features),
    (Bilinear, lambda m, x, out: out.size * (m.in1_features * m.in2_features + m.in1_features)),
    (_ConvTranspose, lambda m, x, out: x.size * prod(m.weight.shape[1:])),
    (_Conv, lambda m, x, out: out.size * prod(m.weight.shape[1:])),
    ((_Recurrent, _Cell), _recurrent_cost),
    (MultiheadAttention, _attention_cost),
]


def _first_tensor(out: Any) -> Any:
    while isinstance(out, (tuple, list)):
        out = out[0]
    return out


def summary(module: Module, *inputs: Any) -> Summary:
    """Run the module on an example and note what each layer does; nothing is recorded or changed but buffers in training.

    Args:
        inputs: what the module is called with, a Tensor or an array each: an example of a batch.

    >>> import nn
    >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> print(net.summary(Tensor([[1.0, 2.0, 3.0, 4.0]])))
    layer  kind    output  parameters  memory  multiply-adds
    --------------------------------------------------------
    0      Linear  (1, 8)          40    32 B             32
    1      ReLU    (1, 8)           0    32 B              0
    2      Linear  (1, 2)          18     8 B             16
    --------------------------------------------------------
    total                          58    72 B             48
    """
    rows: list[Row] = []
    removers = []

    def watch(path: str, layer: Module) -> None:
        def hook(layer: Module, args: tuple[Any, ...], out: Any) -> None:
            result = _first_tensor(out)
            if not isinstance(result, Tensor):
                return
            own = list(layer.parameters(recurse=False))
            cost = next((count(layer, args[0], result) for kind, count in _COSTS if isinstance(layer, kind)), 0)
            size = result.size * result.dtype.itemsize
            rows.append(Row(path, type(layer).__name__, result.shape, sum(p.size for p in own), size, cost))

        removers.append(layer.register_forward_hook(hook))

    for path, layer in module.named_modules():
        if not list(layer.children()) or list(layer.parameters(recurse=False)):
            watch(path or type(layer).__name__, layer)
    try:
        with no_grad():
            module(*inputs)
    finally:
        for remove in removers:
            remove()
    parameters = list(module.parameters())
    return Summary(tuple(rows), sum(p.size for p in parameters), sum(p.size for p in parameters if p.requires_grad))


Module.summary = summary  # type: ignore[method-assign, assignment]
Module._repr_html_ = outline_html  # type: ignore[method-assign, assignment]
