"""The history of a training: a list of what each epoch gave, with curves in notebooks."""

from __future__ import annotations

import os
from typing import Any

from ..inspect.pyplot import finish, pyplot
from ..inspect.tables import curves_html, table_html

__all__ = ["History"]


class History(list[dict[str, float]]):
    """For each epoch a dict of "epoch", "loss", "lr" and more; a list like any other that notebooks show as curves and a table.

    >>> history = History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}])
    >>> history.curves()
    {'loss': [0.5, 0.25]}
    """

    def curves(self) -> dict[str, list[float]]:
        """The values over the epochs, by name; without the epoch and the learning rate."""
        names = [name for name in (self[-1] if self else {}) if name not in ("epoch", "lr")]
        return {name: [row.get(name, float("nan")) for row in self] for name in names}

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """The curves (needs matplotlib); written to a file, where a path is given."""
        figure, axes = pyplot().subplots()
        for name, ys in self.curves().items():
            axes.plot([row["epoch"] for row in self], ys, label=name)
        axes.set_xlabel("epoch")
        axes.legend()
        return finish(figure, path)

    def _repr_html_(self) -> str:
        header = list(self[-1]) if self else []
        return curves_html(self.curves()) + table_html(header, [[row.get(name, "") for name in header] for row in self])
