"""A loss of one batch, in the shape of a module: with the network in it, its parameters' names, and its predictions."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..backward import begins
from ..compiler.state import reachable
from ..tensor import Tensor

__all__ = ["Objective", "optimizers_of"]


class Objective:
    """What a training makes small: called with a batch it gives the loss, with its graph.

    Whoever draws modules can draw it: boxes and names are those of the network that the function computes with.

    Args:
        step: a function of a batch that gives the loss, or a module that does; a whole training step, which goes back through
            the loss and changes the parameters itself; with a `loss`, the network.
        loss: of what the network gives and the rest of the batch.

    Attributes:
        parts: the networks that the step computes with, by their names; one alone needs none.
        model: the network; None where there is none, or are several.
        whole: whether the step changes the parameters itself.

    >>> w = Tensor(2.0, requires_grad=True)
    >>> objective = Objective(lambda x: (w * x) ** 2)
    >>> objective(Tensor(3.0)).item(), [name for name, _ in objective.named_parameters()]
    (36.0, ['w'])
    """

    def __init__(self, step: Callable[..., Any], loss: Callable[..., Any] | None = None, whole: bool = False) -> None:
        self.step: Any = getattr(step, "function", step) if hasattr(step, "versions") else step
        self.loss, self.whole = loss, whole
        self.parts = self._found_modules()
        self.model = self.parts[0][1] if len(self.parts) == 1 else None

    def __call__(self, x: Any, *rest: Any) -> Any:
        if self.loss is not None:
            return self.loss(self.step(x), *rest)
        return self._until_backward(x, *rest) if self.whole else self.step(x, *rest)

    def _until_backward(self, *batch: Any) -> Tensor:
        """The loss of a whole training step, before it goes back through it: what the graph is of."""

        def stop(loss: Tensor) -> None:
            raise _Reached(loss)

        try:
            with _told(stop):
                self.step(*batch)
        except _Reached as reached:
            return reached.loss
        raise ValueError("the training step does not call backward() on its loss: give explore an optimizer=, or the whole step")

    def with_loss(self, *batch: Any) -> list[Tensor]:
        """A whole training step, and the loss that it went back through."""
        losses: list[Tensor] = []
        with _told(lambda loss: losses.append(loss.detach())):
            self.step(*batch)
        return losses[:1]

    def _found_modules(self) -> list[tuple[str, Any]]:
        """The modules that the step computes with and that are in no other ones; several by their variables."""
        if hasattr(self.step, "named_modules"):
            return [("", self.step)]
        state = reachable(self.step)
        found = [x for x in state.seen.values() if hasattr(x, "named_modules") and not isinstance(x, type)]
        inner = {id(part) for x in found for path, part in x.named_modules() if path}
        outer = [x for x in found if id(x) not in inner and [*x.parameters()]]  # a loss has none
        if len(outer) == 1:
            return [("", outer[0])]
        places = {id(value): str(place) for place, value in state.same}
        return [*_each_once((places.get(id(x), type(x).__name__), x) for x in outer)]

    @property
    def predictor(self) -> Any:
        """What predicts from a batch's first array alone: the network, not the module that adds the loss to it."""
        if self.loss is not None or self.model is not self.step:
            return self.model
        inner = [x for path, x in self.model.named_modules() if path and "." not in path and [*x.parameters()]]
        return inner[0] if len(inner) == 1 else None

    def batch_names(self, count: int) -> list[str]:
        """What the step calls its arguments."""
        names = ["x", "y"] if self.loss is not None else list(self._signature().parameters)
        return (names + [f"data {i}" for i in range(count)])[:count]

    def _signature(self) -> inspect.Signature:
        return inspect.signature(getattr(self.step, "forward", self.step))

    def refused(self, count: int) -> str | None:
        """Why the step cannot be called with so many arrays; None where it can."""
        if self.loss is not None:
            return None
        try:
            self._signature().bind(*range(count))
        except TypeError as error:
            name = getattr(self.step, "__name__", type(self.step).__name__)
            why = f"{name} cannot take the {count} arrays of data= ({error})"
            is_network = self.model is self.step
            return why + "; of a network give loss=, a function of what it gives and the rest of a batch" * is_network
        return None

    # ------------------------------------------------------------------------- as modules have it

    def named_parameters(self) -> Iterator[tuple[str, Any]]:
        """The networks', and the tensors that the function finds around it."""
        own = [pair for prefix, x in self.parts for pair in _inside(prefix, x.named_parameters())]
        known = {id(p) for _, p in own}
        loose = [
            (tensor.name or str(place), tensor)
            for tensor, place in reachable(self.step).tensors.items()
            if tensor.requires_grad and tensor.is_leaf and id(tensor) not in known
        ]
        yield from _each_once([*own, *loose])

    def named_buffers(self) -> Iterator[tuple[str, Any]]:
        for prefix, x in self.parts:
            yield from _inside(prefix, x.named_buffers())

    def named_modules(self) -> Iterator[tuple[str, Any]]:
        for prefix, x in self.parts:
            yield from _inside(prefix, x.named_modules())


def _inside(prefix: str, named: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Names inside of something that has a name, too."""
    for name, x in named:
        yield ".".join(filter(None, (prefix, name))), x


def _each_once(named: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Names, of which none comes twice."""
    taken: dict[str, Any] = {}
    for name, x in named:
        taken[_free(name, taken)] = x
    yield from taken.items()


def optimizers_of(optimizer: Any, objective: Objective) -> dict[str, Any]:
    """Optimizers by what a page calls them: one, several, or that which a whole training step computes with.

    Raises:
        ValueError: there is none.
        TypeError: of what is no optimizer.
    """
    if optimizer is None:
        optimizer = [x for x in reachable(objective.step).seen.values() if _is_optimizer(x)]
        if not objective.whole or len(optimizer) != 1:
            raise ValueError(
                "explore(step, data=...) needs an optimizer=, one or several to choose among; without, the step must be a whole "
                "training step, with loss.backward() and optimizer.step() of one optimizer"
            )
    if isinstance(optimizer, dict):
        found = {str(name): x for name, x in optimizer.items()}
    else:
        every = optimizer if isinstance(optimizer, Sequence) else [optimizer]
        found = dict(_each_once((_name_of(x), x) for x in every))
    if not found:
        raise ValueError("explore: optimizer= takes one optimizer or several, got none")
    for x in found.values():
        if not _is_optimizer(x):
            raise TypeError(f"explore: optimizer= takes optimizers of nn.optim, got {type(x).__name__}")
    return found


def _is_optimizer(x: Any) -> bool:
    return all(hasattr(x, name) for name in ("param_groups", "state", "step", "zero_grad")) and not isinstance(x, type)


def _name_of(optimizer: Any) -> str:
    """SGD, or SGD with momentum 0.9."""
    groups = getattr(optimizer, "param_groups", None) or [{}]
    momentum = groups[0].get("momentum")
    return type(optimizer).__name__ + (f" with momentum {momentum:g}" if momentum else "")


def _free(name: str, taken: dict[str, Any]) -> str:
    return name if name not in taken else next(free for i in range(2, 99) if (free := f"{name} ({i})") not in taken)


class _Reached(BaseException):
    """A training step has come to its backward pass."""

    def __init__(self, loss: Tensor) -> None:
        self.loss = loss


@contextmanager
def _told(function: Callable[[Tensor], object]) -> Iterator[None]:
    """A function is called with each loss whose backward pass begins; other threads go back as always."""
    token = begins.set(function)
    try:
        yield
    finally:
        begins.reset(token)
