"""Trainings of the Trainer that processes must do alike: what rank 0 prints tests/test_distributed_training.py looks at."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import numpy as np

import nn
from minigrad import random
from nn import distributed
from nn.data import BatchSampler, DataLoader, Sampler, TensorDataset
from nn.training import Trainer

rank = distributed.rank()
rng = np.random.default_rng(0)
X = rng.normal(size=(40, 4)).astype(np.float32)
Y = rng.integers(0, 3, 40)


def trainer(loss: Any = nn.functional.cross_entropy, lr: float = 0.1, **options: Any) -> Trainer:
    random.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 3))
    return Trainer(model, nn.optim.SGD(model.parameters(), lr=lr), loss, progress=False, distributed=True, **options)


def data(length: int = 40) -> TensorDataset:
    return TensorDataset(X[:length], Y[:length])


def loader(length: int = 40) -> DataLoader:
    return DataLoader(data(length), 10, shuffle=True, seed=0)


def weights(made: Trainer) -> list[float]:
    return np.concatenate([w.detach().numpy().ravel() for w in made.model.parameters()]).tolist()


def at_once_and_again() -> list[Any]:
    """The weights after four epochs, of one call and of two."""
    found = []
    for calls in ([4], [2, 4]):
        made, batches = trainer(), loader()
        for epochs in calls:
            made.fit(batches, epochs)
        found.append(weights(made))
    return found


def interrupted(errors: list[Any]) -> list[float]:
    """The weights where the second of two batches that make an update raises the errors."""

    def loss(out: Any, target: Any) -> Any:
        if errors and len(made.history) == 1 and made.batches == 1:
            raise errors.pop()
        return nn.functional.cross_entropy(out, target)

    made, batches = trainer(loss, accumulate=2), loader()
    with suppress(ZeroDivisionError):
        made.fit(batches, 3)
    made.fit(batches, 3)
    return weights(made)


class Own(Sampler):
    """An order for each process."""

    def __len__(self) -> int:
        return 40

    def indices(self, epoch: int) -> Any:
        return np.random.default_rng(rank).permutation(40)


def said() -> dict[str, str]:
    """What is said to all processes where they differ."""
    lists = [(X[i : i + 10], Y[i : i + 10]) for i in range(0, 40 - 10 * rank, 10)]
    rows = [(X[: 10 + rank], Y[: 10 + rank])]
    trainings: dict[str, Any] = {
        "items": lambda: trainer().fit(loader(40 - 3 * rank), 1),
        "a list": lambda: trainer().fit(lists, 1),
        "rows": lambda: trainer().fit(rows, 1),
        "order": lambda: trainer().fit(DataLoader(data(), 10, sampler=Own()), 1),
        "batches": lambda: trainer().fit(DataLoader(data(), batch_sampler=BatchSampler(Own(), 10, False)), 1),
        "lr": lambda: trainer(lr=0.1 + 0.1 * rank).fit(loader(), 1),
        "accumulate": lambda: trainer(accumulate=1 + rank).fit(loader(), 1),
        "epochs": lambda: trainer().fit(loader(), 1 + rank),
        "validation": lambda: trainer().evaluate(loader(40 - 3 * rank)),
    }
    found = {}
    for name, train in trainings.items():
        try:
            train()
            found[name] = "nothing"
        except distributed.DistributedError as error:
            found[name] = str(error)
    return found


if __name__ == "__main__":
    out = {"again": at_once_and_again(), "interrupted": [interrupted([]), interrupted([ZeroDivisionError])], "said": said()}
    texts = distributed.all_gather(np.frombuffer(json.dumps(out["said"]).encode(), np.uint8))
    assert len({text.tobytes() for text in texts}) == 1, "all processes say the same"
    if rank == 0:
        print(json.dumps(out))
