"""What the tests of flat buffers share: optimizers, parameters on the stand-in for a GPU, steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minigrad
import nn
from minigrad import Tensor

#: Optimizers that change each number by itself, with settings that use all of their state.
KINDS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "nesterov": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.1, "maximize": True}),
    ("ASGD", {"lr": 0.1, "lambd": 0.1, "t0": 3}),
    ("Adam", {"lr": 0.1}),
    ("Adam", {"lr": 0.1, "amsgrad": True, "weight_decay": 0.01, "maximize": True}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.1}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.2}),
    ("RMSprop", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.9, "centered": True}),
    ("Adadelta", {"lr": 0.5, "weight_decay": 0.01}),
    ("Rprop", {"lr": 0.1}),
    ("Adamax", {"lr": 0.1, "weight_decay": 0.1}),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.1, "weight_decay": 0.01}),
]
SHAPES: list[tuple[int, ...]] = [(4, 3), (4,), (), (2, 1, 3)]


def network(layers: int, device: str = "cuda") -> Any:
    minigrad.random.seed(0)
    return nn.Sequential(*[nn.Linear(5, 5) for _ in range(layers)]).to(device)


def backward(model: Any) -> None:
    x = np.linspace(-1, 1, 20).reshape(4, 5).astype(np.float32)
    model.zero_grad()
    (model(Tensor(x, device=model[0].weight.device)) ** 2).mean().backward()


def host(x: Any) -> Any:
    """A Tensor, array or number in main memory."""
    x = x.data if isinstance(x, Tensor) else x
    return x.get() if hasattr(x, "get") else x


def sizes_of_updates(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the arrays that Adam's and SGD's `update` are called with."""
    found: list[int] = []
    for kind in (nn.optim.Adam, nn.optim.SGD):

        def update(self: Any, p: Any, *args: Any, own: Any = kind.update) -> None:
            found.append(p.size)
            own(self, p, *args)

        monkeypatch.setattr(kind, "update", update)
        monkeypatch.setattr(kind, "_said_of", (update, *kind._said_of[1:]))  # it computes the same
    return found


def there(values: Any, dtype: Any = None) -> Any:
    """An array on the stand-in, whose memory nobody else has."""
    return Tensor(np.array(values, dtype), device="cuda").data


def parameters(shapes: Any = SHAPES, dtype: Any = "float32", seed: int = 0, device: str = "cuda") -> list[Tensor]:
    rng = np.random.default_rng(seed)
    arrays = [np.asarray(rng.normal(size=s)).astype(dtype) for s in shapes]
    return [Tensor(x, device=device, requires_grad=True) for x in arrays]


def give_gradients(params: list[Tensor], seed: int) -> None:
    rng = np.random.default_rng(seed)
    for p in params:
        p.grad = Tensor(np.asarray(rng.normal(size=p.shape)).astype(p.dtype), device=p.device)


def train(optimizer: Any, params: list[Tensor], steps: int = 3, first: int = 0) -> None:
    for i in range(steps):
        give_gradients(params, first + i)
        optimizer.step()


def check_same(optimizer: Any, params: list[Tensor], other: Any, others: list[Tensor]) -> None:
    """Two optimizers hold the same numbers, to the last bit."""
    for p, q in zip(params, others, strict=True):
        np.testing.assert_array_equal(host(p), host(q))
        mine, theirs = optimizer.state[p], other.state[q]
        assert mine.keys() == theirs.keys()
        for name in mine:
            np.testing.assert_array_equal(host(mine[name]), host(theirs[name]))
            assert type(mine[name]) is type(theirs[name])
            assert getattr(mine[name], "dtype", None) == getattr(theirs[name], "dtype", None)


def both(name: str = "Adam", params: Any = parameters, **options: Any) -> Iterator[Any]:
    """Twice the same parameters with their optimizer: stepped together, and one by one."""
    for foreach in (None, False):
        own = params()
        yield getattr(nn.optim, name)(own, foreach=foreach, **options), own


def buffer(count: int) -> int:
    """The size of a buffer of so many parameters, of which none has more than 128 elements."""
    return 128 * count
