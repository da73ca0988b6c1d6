"""What one call costs: single operations on 8 floats, recorded, on one thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg

from . import peers
from .timing import in_turns

#: How often an operation is called in one timing.
REPEATS = 200

Call = Callable[[], Any]


def _ours() -> dict[str, Call]:
    x = np.linspace(-1, 1, 8).astype(np.float32)
    a, b = mg.Tensor(x, requires_grad=True), mg.Tensor(x + 2, requires_grad=True)
    row, condition = mg.Tensor(x.reshape(2, 4), requires_grad=True), x > 0
    cube = mg.Tensor(np.linspace(-3, 3, 1 << 16).astype(np.float32), requires_grad=True)
    return {
        "x * y": lambda: a * b,
        "x.exp()": lambda: a.exp(),
        "x.sum()": lambda: a.sum(),
        "x[0]": lambda: a[0],
        "x.reshape(2, 4)": lambda: a.reshape(2, 4),
        "where(c, x, y)": lambda: mg.where(condition, a, b),
        "concatenate([x, y])": lambda: mg.concatenate([a, b]),
        "x @ y.T": lambda: row @ row.T,
        "x ** 3, 65,536 floats of both signs": lambda: cube**3,
    }


def _torchs(torch: Any) -> dict[str, Call]:
    torch.set_num_threads(1)
    x = torch.linspace(-1, 1, 8)
    a, b = x.clone().requires_grad_(), (x + 2).requires_grad_()
    row, condition = x.reshape(2, 4).clone().requires_grad_(), x > 0
    cube = torch.linspace(-3, 3, 1 << 16).requires_grad_()
    return {
        "x * y": lambda: a * b,
        "x.exp()": lambda: a.exp(),
        "x.sum()": lambda: a.sum(),
        "x[0]": lambda: a[0],
        "x.reshape(2, 4)": lambda: a.reshape(2, 4),
        "where(c, x, y)": lambda: torch.where(condition, a, b),
        "concatenate([x, y])": lambda: torch.cat([a, b]),
        "x @ y.T": lambda: row @ row.T,
        "x ** 3, 65,536 floats of both signs": lambda: cube**3,
    }


def _repeated(call: Call) -> Call:
    def run() -> None:
        for _ in range(REPEATS):
            call()

    return run


def main() -> None:
    """Print a table of microseconds, and of ratios to PyTorch."""
    ours, torch = _ours(), peers.torch()
    theirs = _torchs(torch) if torch else {}
    print("| operation | minigrad | torch eager | ratio |\n|---|---|---|---|")
    for name, call in ours.items():
        runs: dict[str, Call] = {"minigrad": _repeated(call)}
        if name in theirs:
            runs["torch"] = _repeated(theirs[name])
        micro = {k: 1e6 * v / REPEATS for k, v in in_turns(runs, 20).items()}
        ratio = f"{micro['minigrad'] / micro['torch']:.2f}" if "torch" in micro else ""
        print(f"| {name} | {micro['minigrad']:.2f} us | {micro.get('torch', 0):.2f} us | {ratio} |")


if __name__ == "__main__":
    main()
