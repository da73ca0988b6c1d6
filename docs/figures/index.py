"""The living page of the site's home."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minigrad import viz


def neuron(path: Path) -> None:
    """A neuron with one input."""

    def neuron(x, w, b):
        return np.tanh(w * x + b)

    viz.explore(neuron, 2.0, 0.5, -0.5, path=path, title="One neuron")
