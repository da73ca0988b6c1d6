"""Watching a training: how gradients, weights and activations change from epoch to epoch."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

import minigrad
from minigrad import Tensor, is_grad_enabled, raw

from ..values import host
from .pyplot import finish, pyplot

__all__ = ["Recorder", "compare_runs"]

#: Where a unit counts as saturated, by the class of its module: outside of these bounds the derivative is below 6 %.
SATURATED = dict.fromkeys(("Tanh", "RNN", "LSTM", "GRU", "RNNCell", "GRUCell"), (-0.97, 0.97)) | {"Sigmoid": (0.03, 0.97)}
CAN_DIE = ("ReLU", "ReLU6")
#: How lines differ beside their colours.
DASHES = ("-", "--", ":", "-.")
_SCRIPT = Path(__file__).with_name("record.js")


class Recorder:
    """Records a training: call `record` after each epoch, or give the recorder to a `Trainer` as a callback.

    Args:
        model: watched by hooks on its parameters and modules, while it is in training mode; `close` takes them away.
        bins: of the histograms.

    Attributes:
        epochs: a dict for each: the values given to `record`; "gradients", the mean norm of each parameter's gradient;
            "lags", for each recurrent layer the mean norm of the gradient of its input, by the steps back from the last one;
            "weights" and "activations", histograms (counts, lowest, highest) of each parameter and of each layer's last output;
            "saturated", the share of values at the flat ends of tanh and sigmoid layers; "dead", the share of a ReLU's units
            (features; channels of images) that were 0 in the whole epoch.

    >>> import nn
    >>> model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    >>> recorder = Recorder(model)
    >>> loss = model(Tensor([[0.5, -1.0]])).sum()
    >>> loss.backward()
    >>> recorder.record(loss=loss.item())
    >>> sorted(recorder.epochs[0]["gradients"]), recorder.epochs[0]["dead"]["1"] > 0
    (['0.bias', '0.weight', '2.bias', '2.weight'], True)
    """

    def __init__(self, model: Any, bins: int = 30) -> None:
        self.model, self.bins = model, bins
        self.epochs: list[dict[str, Any]] = []
        self._removers: list[Callable[[], None]] = []
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                self._removers.append(parameter.register_hook(self._note_gradient(name)))
        for path, module in model.named_modules():
            if not any(True for _ in module.named_children()):
                self._removers.append(module.register_forward_hook(self._note_output(path)))
            if hasattr(module, "hidden_size") and hasattr(module, "num_layers"):
                self._removers.append(module.register_forward_pre_hook(self._note_input(path)))
        self._start()

    def _start(self) -> None:
        self._norms: dict[str, list[float]] = {}
        self._lags: dict[str, list[list[float]]] = {}
        self._outputs: dict[str, Any] = {}
        self._flat: dict[str, list[int]] = {}
        self._alive: dict[str, np.ndarray] = {}

    def record(self, **values: float) -> None:
        """End an epoch: keep these values, and what was seen since the last one.

        Args:
            values: numbers by name: loss=0.5, say.
        """
        self.epochs.append(
            {
                **values,
                "gradients": {name: float(np.mean(norms)) for name, norms in self._norms.items()},
                "lags": {path: [float(np.mean(step)) for step in steps] for path, steps in self._lags.items()},
                "weights": {name: self._histogram(host(p)) for name, p in self.model.named_parameters()},
                "activations": {path: self._histogram(host(out)) for path, out in self._outputs.items()},
                "saturated": {path: flat / max(count, 1) for path, (flat, count) in self._flat.items()},
                "dead": {path: float(1 - np.mean(alive)) for path, alive in self._alive.items()},
            }
        )
        self._start()

    def __call__(self, trainer: Any) -> None:
        """The callback of a `Trainer`."""
        self.record(**trainer.history[-1])

    def state_dict(self) -> dict[str, Any]:
        """What was recorded, for the checkpoints of a `Trainer`."""
        return {"epochs": self.epochs}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on after what was recorded.

        Args:
            state: what `state_dict` returned.
        """
        self.epochs = state["epochs"]

    def close(self) -> None:
        """Take the hooks away."""
        while self._removers:
            self._removers.pop()()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # ------------------------------------------------------------------------------------- seen

    def page(self, path: str | os.PathLike[str] | None = None, title: str = "Training") -> minigrad.viz.Page:
        """A page to scrub through the epochs; written to a file, where a path is given.  Of several runs see `compare_runs`.

        Args:
            path: a file, "run.html" say; None: none is written, and a notebook shows the page by itself.
            title: its heading.
        """
        return _page({"": self}, path, title)

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Curves of the values, of the gradient norms and of the saturated and dead shares (needs matplotlib).

        Args:
            path: a file to write the figure to; None: none is written.
        """
        self._need_epochs()
        plt = pyplot()
        kinds = [(kind, self.curves(kind)) for kind in ("values", "gradients", "saturated", "dead")]
        kinds = [(kind, curves) for kind, curves in kinds if curves]
        figure, axes = plt.subplots(1, len(kinds), figsize=(5 * len(kinds), 4), squeeze=False)
        titles = {"gradients": "norm of the gradients", "saturated": "share of saturated values", "dead": "share of dead units"}
        for axis, (kind, curves) in zip(axes[0], kinds, strict=True):
            for i, (name, ys) in enumerate(curves.items()):
                axis.plot(range(1, len(ys) + 1), ys, label=name, linestyle=DASHES[i % len(DASHES)])
            axis.set(title=titles.get(kind, kind), xlabel="epoch", yscale="log" if kind == "gradients" else "linear")
            axis.legend(fontsize="small")
        return finish(figure, path)

    def plot_lags(self, path: str | os.PathLike[str] | None = None) -> Any:
        """The gradient of each recurrent layer's input by steps back in time, one curve an epoch (needs matplotlib).

        Args:
            path: a file to write the figure to; None: none is written.
        """
        self._need_epochs()
        plt = pyplot()
        layers = list(self.epochs[-1]["lags"])
        if not layers:
            raise ValueError("no recurrent layer was seen in training")
        figure, axes = plt.subplots(1, len(layers), figsize=(5 * len(layers), 4), squeeze=False)
        for axis, layer in zip(axes[0], layers, strict=True):
            for i, epoch in enumerate(self.epochs):
                shade = plt.get_cmap("viridis")(i / max(len(self.epochs) - 1, 1))
                axis.plot(
                    epoch["lags"].get(layer, []), color=shade, label=f"epoch {i + 1}" if i in (0, len(self.epochs) - 1) else None
                )
            axis.set(title=layer or "gradient", xlabel="steps back in time", ylabel="norm of the gradient", yscale="log")
            axis.legend()
        return finish(figure, path)

    def curves(self, kind: str) -> dict[str, list[float]]:
        """A value of each epoch by name, NaN where an epoch has none.

        Args:
            kind: "gradients", "saturated" or "dead", or "values": those given to `record`.
        """
        if kind == "values":
            names = [name for name, v in self.epochs[-1].items() if not isinstance(v, dict) and name not in ("epoch", "lr")]
            return {name: [epoch.get(name, np.nan) for epoch in self.epochs] for name in names}
        return {name: [epoch[kind].get(name, np.nan) for epoch in self.epochs] for name in self.epochs[-1][kind]}

    def _repr_html_(self) -> str:
        return self.page()._repr_html_()

    def _need_epochs(self) -> None:
        if not self.epochs:
            raise ValueError(
                "nothing is recorded yet: call record() after each epoch, or pass the recorder to Trainer(callbacks=...)"
            )

    # ------------------------------------------------------------------------------------ hooks

    def _note_gradient(self, name: str) -> Callable[[Tensor], None]:
        def hook(g: Tensor) -> None:
            self._norms.setdefault(name, []).append(float(np.linalg.norm(host(g))))

        return hook

    def _note_output(self, path: str) -> Callable[..., None]:
        def hook(module: Any, args: tuple[Any, ...], out: Any) -> None:
            out = out[0] if isinstance(out, tuple) else out
            if not (module.training and is_grad_enabled() and isinstance(out, Tensor)):
                return
            self._outputs[path] = raw(out)
            kind = type(module).__name__
            if kind in SATURATED:
                low, high = SATURATED[kind]
                values = host(out)
                counts = self._flat.setdefault(path, [0, 0])
                counts[0] += int(np.sum((values < low) | (values > high)))
                counts[1] += values.size
            if kind in CAN_DIE:
                values = host(out)
                unit = values.ndim - 1 if values.ndim < 4 else 1  # of images the channels
                alive = np.asarray((values > 0).any(axis=tuple(axis for axis in range(values.ndim) if axis != unit)))
                self._alive[path] = alive | self._alive.get(path, alive)

        return hook

    def _note_input(self, path: str) -> Callable[..., Any]:
        def hook(module: Any, args: tuple[Any, ...]) -> Any:
            x = args[0]
            if not (module.training and is_grad_enabled()) or hasattr(x, "batch_sizes"):  # packed sequences are left alone
                return None
            x = x if isinstance(x, Tensor) and x.requires_grad else Tensor(raw(x), requires_grad=True)
            time = 1 if module.batch_first and x.ndim == 3 else 0

            def note(g: Tensor) -> None:
                steps = np.moveaxis(host(g), time, 0)[::-1]
                lags = self._lags.setdefault(path, [])
                lags += [[] for _ in range(len(steps) - len(lags))]
                for norms, step in zip(lags, steps, strict=False):
                    norms.append(float(np.linalg.norm(step)))

            x.register_hook(note)
            return (x, *args[1:])

        return hook

    def _histogram(self, array: np.ndarray) -> dict[str, Any]:
        values = np.abs(array) if array.dtype.kind == "c" else array.astype(float)
        finite = values[np.isfinite(values)]
        counts, edges = np.histogram(finite, self.bins)
        return {
            "counts": counts.tolist(),
            "low": float(edges[0]),
            "high": float(edges[-1]),
            "odd": int(values.size - finite.size),
        }


def compare_runs(
    runs: Mapping[str, Recorder], path: str | os.PathLike[str] | None = None, title: str = "Runs compared"
) -> minigrad.viz.Page:
    """A page that shows several trainings beside each other: a line for each run, and their histograms on common axes.

    Args:
        runs: recorders by the names of their runs.
        path: where to write the page; a notebook shows the returned page by itself.
        title: its heading.

    Raises:
        ValueError: there is no run, or one of them has no name.

    >>> import nn
    >>> runs = {"narrow": Recorder(nn.Linear(2, 1)), "wide": Recorder(nn.Linear(2, 8))}
    >>> for recorder in runs.values():
    ...     recorder.record(loss=0.5)
    >>> [run["name"] for run in compare_runs(runs).data["runs"]]
    ['narrow', 'wide']
    """
    if not runs or not all(runs):
        raise ValueError("compare_runs needs recorders by the names of their runs: compare_runs({'SGD': first, 'Adam': second})")
    return _page(runs, path, title)


def _page(runs: Mapping[str, Recorder], path: str | os.PathLike[str] | None, title: str) -> minigrad.viz.Page:
    each = [{"name": name, "layers": _layers(one.model), "epochs": _finite(one.epochs)} for name, one in runs.items()]
    data = {"title": title, "runs": each}
    page = minigrad.viz.Page(title, data, ("values.js", "axis.js", "chart.js", _SCRIPT))
    if path is not None:
        page.write(path)
    return page


def _layers(model: Any) -> dict[str, str]:
    """What the layers of a model are called: 1: Tanh."""
    return {path: f"{path}: {type(x).__name__}" for path, x in model.named_modules() if path}


def _finite(tree: Any) -> Any:
    """NaN and infinity as text, which JSON does not have."""
    if isinstance(tree, dict):
        return {key: _finite(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_finite(value) for value in tree]
    if isinstance(tree, (float, np.floating)) and not np.isfinite(tree):
        return str(tree)
    return tree.item() if isinstance(tree, np.generic) else tree
