"""A training in a page: its step as a program for each optimizer and size of a batch, the data, and what predicts.

Nothing of it is written a second time: forward, backward and the optimizer's update are traced in Python as they are, with the
learning rate as an input, and the page computes that program again and again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..backend import is_array
from ..compiler.capture import capture, turn
from ..compiler.javascript import Functions, living
from ..compiler.javascript.describe import encoded
from ..graph import no_grad
from ..later import is_on_gpu
from ..tensor import Tensor, raw
from .explain import Explained
from .numbers import host
from .objective import Objective, optimizers_of
from .unchanged import as_before

__all__ = ["Training", "order"]

#: What the names of inputs begin with that all programs share.
MARK = "\0"
#: Points along a side of the grid on which a decision is shown.
GRID = 48
#: Points of a line on which a curve is shown.
LINE = 160
#: Examples of which a page counts how many are right.
COUNTED = 1000


class Training:
    """A loss, data and optimizers, for a page to train with.

    Args:
        data: arrays of equal length, one for each argument of the step.
        optimizer: one, or several to choose among: a list, or a dict by their names.
        batch: how many examples a step takes, or several such numbers to choose among; None takes all, in their order.
        seed: of the order, which is that of `nn.data.DataLoader(..., shuffle=True, drop_last=True, seed=seed)`.
        loss: where `step` is a network, of what it gives and the rest of a batch.

    Attributes:
        objective: the loss, as a module.
        first: the batch that the page begins with.

    Raises:
        ValueError: of lengths that do not fit.
    """

    def __init__(
        self, step: Any, data: Any, optimizer: Any, batch: int | Sequence[int] | None, seed: int, loss: Callable[..., Any] | None
    ) -> None:
        self.objective = Objective(step, loss, whole=optimizer is None)
        self.optimizers = optimizers_of(optimizer, self.objective)
        self.data = [np.asarray(host(x)) for x in (data if isinstance(data, (tuple, list)) else [data])]
        if not self.data or any(x.ndim == 0 or not len(x) for x in self.data):
            raise ValueError(f"explore: data= takes arrays of examples, as (X, y), got shapes {[x.shape for x in self.data]}")
        self.count = len(self.data[0])
        self.seed = seed
        if {len(x) for x in self.data} != {self.count}:
            raise ValueError(f"explore: the arrays of data= must be equally long, got {[len(x) for x in self.data]}")
        if (why := self.objective.refused(len(self.data))) is not None:
            raise TypeError(f"explore: {why}")
        self.sizes = [self.count] if batch is None else [int(size) for size in np.atleast_1d(np.asarray(batch))]
        if not self.sizes or not all(0 < size <= self.count for size in self.sizes):
            raise ValueError(f"explore: batch= must be from 1 to {self.count}, as many as there are examples, got {batch}")
        named = [*self.objective.named_parameters(), *self.objective.named_buffers()]
        if any(is_on_gpu(raw(x)) for _, x in named):
            raise ValueError("explore: the page trains in the browser: move the model to the CPU")
        self.names = {id(raw(x)): name for name, x in named}
        self.first = self.batch(self.sizes[0])

    def batch(self, size: int) -> list[Tensor]:
        """The first one of a training."""
        rows = order(self.count, size, self.seed, 0)
        names = self.objective.batch_names(len(self.data))
        return [Tensor(x[rows], name=name) for x, name in zip(self.data, names, strict=True)]

    def for_page(self, functions: Functions, rows: Sequence[Explained], alive: dict[str, Any]) -> dict[str, Any]:
        """All that the page needs, beside the scripts of the functions.

        Args:
            alive: what the page has of its live program; trained numbers are shown there, and the batch that it begins with
                is taken out of it, since the page has the data.

        Raises:
            ValueError: the step cannot be computed again; the message says why.
        """
        state: dict[str, Any] = {}
        every = [(name, optimizer, size) for name, optimizer in self.optimizers.items() for size in self.sizes]
        found = {
            "choices": [self._choice(*one, functions, state) for one in every],
            "data": [_packed(x) for x in self.data],
            "count": self.count,
            "seed": [str(self.seed & (1 << 64) - 1), str(self.seed >> 64)],
            "classes": self._classes(),
            "boundary": self._boundary(functions, state) or self._fit(functions, state),
            "right": self._right(functions, state),
        }
        live = self._shown(rows, alive)
        for name, x in state.items():
            x |= {"live": live.get(name), "data": None if name in live else x["data"]}
        names = self.objective.batch_names(len(self.data))
        places = [live.get((name, "data")) for name in names]
        for place, x in zip(places, self.first, strict=True):
            given = None if place is None else alive["program"]["inputs"][place]
            if given and given["data"] == encoded(raw(x).astype(given["dtype"])):
                given["data"] = None
        return found | {"state": list(state.values()), "batch": places}

    def _shown(self, rows: Sequence[Explained], alive: dict[str, Any]) -> dict[Any, int]:
        """The inputs of the live program by the names of parameters; of data and buffers where one alone has the name."""
        nodes = {p._node: name for name, p in self.objective.named_parameters()}
        buffers = {name for name, _ in self.objective.named_buffers()}
        found: dict[Any, int] = {}
        several = Counter(row.step.name for row in rows if row.step.data is not None)
        for row, own in zip(rows, alive.get("steps", ()), strict=False):
            step, place = row.step, own["input"]
            if place is None:
                continue
            if step.node in nodes:
                found[nodes[step.node]] = place
            elif step.data is not None and several[step.name] == 1:
                found[step.name if step.name in buffers else (step.name, "data")] = place
        return found

    # ------------------------------------------------------------------------------ programs

    def _choice(self, name: str, optimizer: Any, size: int, functions: Functions, state: dict[str, Any]) -> dict[str, Any]:
        """The program of a step with one optimizer, at the beginning of the training."""
        batch = self.batch(size)
        with turn, as_before(self.objective, optimizer, self.step_of(optimizer)) as rewind:
            known = {p for p, memory in optimizer.state.items() if memory}
            train, parameters = self.step_of(optimizer), [p for g in optimizer.param_groups for p in g["params"]]
            train(*batch)  # makes the optimizer's memory
            wanted = [raw(p).copy() for p in parameters]
            memory = {p: x for p, x in optimizer.state.items() if p not in known}
            _begin(rewind, optimizer, memory)
            result, found = capture(train, batch, {})
            if not found.repeats:
                raise ValueError(f"the training step is another one at each call: {found.unlike}")
            if not all(np.allclose(raw(p), w, rtol=1e-4, atol=1e-6) for p, w in zip(parameters, wanted, strict=True)):
                raise ValueError(f"the first step of {name} is another one than those that follow")
            _begin(rewind, optimizer, memory)
            run = living(found, batch, functions, named=self.name_of)
        rates = [i for i, x in enumerate(run.description["numbers"]) if x.get("name") == "lr"]
        program = self._stripped(run.description, len(batch), state)
        return {
            "optimizer": name,
            "batch": size,
            "rate": float(optimizer.param_groups[0]["lr"]),
            "rates": rates,
            "loss": program["outputs"][0][0],
            "draws": any(getattr(step.function, "draws", False) for step in found.program.steps),
            "program": program,
        }

    def step_of(self, optimizer: Any) -> Callable[..., Any]:
        """One step of a training, as one writes it."""

        def train(*batch: Any) -> Any:
            loss = self.objective(*batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return [loss.detach()]

        return self.objective.with_loss if self.objective.whole else train

    def name_of(self, source: Any) -> str | None:
        """What an input is called: the parameters and buffers of the network have their own names, and a mark."""
        name = self.names.get(id(raw(source if is_array(source) else source.get())))
        return None if name is None else MARK + name

    def _stripped(self, program: dict[str, Any], given: int, state: dict[str, Any]) -> dict[str, Any]:
        """The program without the numbers that all programs share, or that the page has as data."""
        for i, x in enumerate(program["inputs"]):
            if x["name"].startswith(MARK):
                x["name"] = x["shared"] = x["name"].removeprefix(MARK)
                state.setdefault(x["name"], {key: x[key] for key in ("name", "shape", "dtype", "data")})
            if i < given or "shared" in x:
                x["data"] = None
        return program

    # ----------------------------------------------------------------------- what it predicts

    def _boundary(self, functions: Functions, state: dict[str, Any]) -> dict[str, Any] | None:
        """What the network says of each point of a grid, where examples are points of a plane."""
        x = self.data[0]
        if x.ndim != 2 or x.shape[1] != 2 or x.dtype.kind != "f" or self._classes() is None:
            return None
        low, high = x.min(axis=0), x.max(axis=0)
        margin = 0.1 * (high - low) + 1e-6
        sides = [np.linspace(a, b, GRID) for a, b in zip(low - margin, high + margin, strict=True)]
        grid = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2).astype(x.dtype)
        found = self._prediction(grid, functions, state)
        if found is None:
            return None
        program, scores = found
        outputs = scores.size // len(grid)
        is_probable = outputs == 1 and self._classes() == [0, 1] and scores.min() >= 0 and scores.max() <= 1
        return program | {
            "size": GRID,
            "outputs": outputs,
            "low": sides[0][[0, -1]].tolist(),
            "high": sides[1][[0, -1]].tolist(),
            "threshold": 0.5 if is_probable else 0.0,
        }

    def _fit(self, functions: Functions, state: dict[str, Any]) -> dict[str, Any] | None:
        """What the network says of the numbers on a line, where it has one to say about each."""
        x = self.data[0]
        if x.size != self.count or x.dtype.kind != "f" or len(self.data) < 2 or self.data[1].size != self.count:
            return None
        margin = 0.05 * (x.max() - x.min()) + 1e-6
        line = np.linspace(x.min() - margin, x.max() + margin, LINE).astype(x.dtype)
        found = self._prediction(line.reshape(LINE, *x.shape[1:]), functions, state)
        if found is None or found[1].size != LINE:
            return None
        return found[0] | {"size": LINE, "outputs": 1, "low": line[[0, -1]].tolist()}

    def _right(self, functions: Functions, state: dict[str, Any]) -> dict[str, Any] | None:
        """What the network says of the examples, where they belong to classes."""
        if self._classes() is None or self.data[1].dtype.kind not in "iu":
            return None
        x = self.data[0][:COUNTED]
        found = self._prediction(x, functions, state)
        if found is None or found[1].ndim != 2 or found[1].shape[1] < 2 or found[1].shape[1] <= self.data[1].max():
            return None
        found[0]["program"]["inputs"][0]["data"] = None  # the page has them among the data
        return found[0] | {"outputs": found[1].shape[1], "size": x.size}

    def _classes(self) -> list[float] | None:
        """What the examples are told apart into; None where there are no few classes."""
        if len(self.data) < 2 or self.data[1].size != self.count or self.data[1].dtype.kind not in "biuf":
            return None
        found = np.unique(self.data[1])
        return found.tolist() if len(found) <= 12 and (found == np.round(found)).all() else None

    def _prediction(self, x: np.ndarray, functions: Functions, state: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray] | None:
        """The program of the network in its mode for evaluation, and what it gives now."""
        model = self.objective.predictor
        if model is None:
            return None

        def predict(x: Any) -> Any:
            with no_grad():
                return [model(x)]

        with turn, as_before(self.objective):
            model.eval()
            (result,), found = capture(predict, [Tensor(x)], {})
            if not found.repeats or not isinstance(result, Tensor) or result.shape[:1] != (len(x),):
                return None
            run = living(found, [Tensor(x)], functions, named=self.name_of)
        given, place = run.description["inputs"][0]["data"], run.description["outputs"][0][0]
        program = self._stripped(run.description, 1, state)
        program["inputs"][0]["data"] = given
        return {"program": program, "value": place}, host(result)


def order(count: int, size: int, seed: int, step: int) -> np.ndarray:
    """Which examples a step takes: all, or those of a new order for each epoch, which follows from the seed.

    >>> order(5, 5, 0, 7).tolist(), np.union1d(order(4, 2, 0, 0), order(4, 2, 0, 1)).tolist()
    ([0, 1, 2, 3, 4], [0, 1, 2, 3])
    """
    if size == count:
        return np.arange(count)
    epoch, place = divmod(step, count // size)
    generator = np.random.Generator(np.random.Philox(key=seed, counter=epoch << 128))
    return generator.permutation(count)[place * size : (place + 1) * size]


def _begin(rewind: Callable[[], None], optimizer: Any, memory: Mapping[Any, dict[str, Any]]) -> None:
    """All is as at the beginning, but that the optimizer has its memory already: what it would be before the first step."""
    rewind()
    for group in optimizer.param_groups:
        for p in group["params"]:
            if p not in memory:
                continue
            fresh = optimizer.begin(raw(p), group) if hasattr(optimizer, "begin") else {}
            for name, value in memory[p].items():
                if is_array(value):
                    raw(value)[...] = fresh.get(name, 0)
                else:
                    memory[p][name] = fresh.get(name, 0)
            optimizer.state[p] = memory[p]


def _packed(x: np.ndarray) -> dict[str, Any]:
    return {"dtype": str(x.dtype), "shape": list(x.shape), "data": encoded(x)}
