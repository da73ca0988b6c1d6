"""Trainings of the Trainer, for `tests/test_distributed_training.py`: `python fitting.py WHAT FOLDER`."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import minigrad
import nn
from minigrad import random
from nn import distributed, metrics
from nn.data import DataLoader, IterableDataset, RandomSampler, TensorDataset
from nn.training import EarlyStopping, Trainer

EPOCHS = 4
rng = np.random.default_rng(0)
X = rng.normal(size=(102, 4)).astype(np.float32)  # batches of 20, and one of 2
Y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)


def model() -> nn.Module:
    """With statistics of the whole batch; the first process's, since others are seeded apart.

    No bias stands before them: its gradient is rounding alone, which Adam would make large.
    """
    norm = distributed.SyncBatchNorm(8) if distributed.world_size() > 1 else nn.BatchNorm1d(8)
    return nn.Sequential(nn.Linear(4, 8, bias=False), norm, nn.Tanh(), nn.Linear(8, 2))


def loader(seed: int | None = 3) -> DataLoader:
    return DataLoader(TensorDataset(X, Y), 20, shuffle=True, seed=seed)


def trainer(
    checkpoint: Path | None = None, callbacks: Any = (), together: bool = True, kind: type[Trainer] = Trainer
) -> Trainer:  # fmt: skip
    """Everything that must be decided alike in all processes: clipping, two batches an update, a plateau, an early stop."""
    random.manual_seed(7 + distributed.rank())
    net = model()
    optimizer = nn.optim.Adam(net.parameters(), lr=0.02)
    plateau = nn.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=0.05)
    return kind(
        net, optimizer, nn.functional.cross_entropy, {"accuracy": metrics.accuracy}, plateau, clip_norm=0.5, accumulate=2,
        callbacks=[EarlyStopping("loss", patience=9), *callbacks], checkpoint=checkpoint, checkpoint_every=2,
        progress=False, distributed=together,
    )  # fmt: skip


def validation() -> DataLoader:
    return DataLoader(TensorDataset(X[:31], Y[:31]), 10)


def fitted(epochs: int = EPOCHS, **options: Any) -> dict[str, Any]:
    """The rows of the history, and the weights."""
    made = trainer(**options)
    history = made.fit(loader(), epochs, validation())
    return {"history": list(history), "weights": [w.detach().numpy().tolist() for w in made.model.state_dict().values()]}


# --------------------------------------------------------------------------- what processes do


def train(folder: Path, epochs: int, kind: type[Trainer] = Trainer) -> dict[str, Any]:
    """Train to so many epochs, from the checkpoint on."""
    return fitted(epochs, checkpoint=folder / "run.safetensors", kind=kind)


def die_once(folder: Path) -> dict[str, Any]:
    """The last process kills itself in the middle of the third epoch, at its first try."""

    class Deadly(Trainer):
        def training_step(self, batch: Any) -> Any:
            last = distributed.rank() == distributed.world_size() - 1
            if last and len(self.history) == 2 and self.batches == 5 and not (folder / "died").exists():
                (folder / "died").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return super().training_step(batch)

    return train(folder, EPOCHS, Deadly)


def endless(folder: Path) -> dict[str, Any]:
    """An epoch without an end, which files with the numbers of the processes tell; only an interruption writes a checkpoint."""

    class Slow(Trainer):
        def training_step(self, batch: Any) -> Any:
            if self.updates == 3:
                (folder / f"under_way.{os.getpid()}").touch()
            time.sleep(0.01)
            return super().training_step(batch)

    made = trainer(folder / "run.safetensors", kind=Slow)
    made.checkpoint_every = None
    made.fit(DataLoader(TensorDataset(X, Y), 2, sampler=RandomSampler(X, replacement=True, num_samples=10**6, seed=0)), 1)
    return {}


def reductions(folder: Path) -> dict[str, Any]:
    """What is trained with losses of several kinds, batches of several sizes, and models of several kinds."""
    return {name: reduced(*case) for name, case in REDUCTIONS.items()}


CROSS = nn.functional.cross_entropy
SUM, WEIGHTED = partial(CROSS, reduction="sum"), partial(CROSS, weight=np.array([1, 5], np.float32))


class Own(Trainer):
    """Its loss is not seen by the Trainer."""

    def training_step(self, batch: Any) -> Any:
        return SUM(self.model(batch[0]), batch[1])


def in_parallel(net: nn.Module) -> nn.Module:
    return distributed.DataParallel(net, reduction="sum")


#: The loss, the batch size, the kind of the Trainer, its options, and what wraps the model.
REDUCTIONS: dict[str, tuple[Any, ...]] = {
    "a mean": (CROSS, 9, Trainer, {}),
    "a sum": (SUM, 10, Trainer, {}),
    "a sum, one rank without examples": (SUM, 9, Trainer, {}),
    "a sum over accumulated batches": (SUM, 3, Trainer, {"accumulate": 2}),
    "a sum in DataParallel": (SUM, 9, Trainer, {}, in_parallel),
    "an own step, said": (CROSS, 9, Own, {"reduction": "sum"}),
    "weights": (WEIGHTED, 10, Trainer, {}),
    "an own step": (CROSS, 10, Own, {}),
    "other words": (CROSS, 10, Trainer, {"reduction": "mean"}, in_parallel),
}


def reduced(loss: Any, batch: int, kind: type[Trainer], options: dict[str, Any], wrap: Any = lambda net: net) -> Any:
    """The rows of the history and a weight; or the error."""
    random.manual_seed(0)
    net = nn.Linear(4, 2)
    data = DataLoader(TensorDataset(X[:10], Y[:10]), batch)
    try:
        optimizer = nn.optim.SGD(net.parameters(), lr=0.05)
        rows = kind(wrap(net), optimizer, loss, progress=False, distributed=True, **options).fit(data, 2, data)
    except ValueError as error:
        return str(error)
    return {"history": list(rows), "weights": [net.weight.detach().numpy().tolist()]}


def normalised(folder: Path) -> dict[str, Any]:
    """Running statistics of a plain BatchNorm after a training, and what is said; evaluation with an empty share."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
        options: dict[str, Any] = {"progress": False, "distributed": True}
        made = Trainer(net, nn.optim.SGD(net.parameters(), lr=0.1), CROSS, **options)
        history = made.fit(DataLoader(TensorDataset(X, Y), 51), 2, DataLoader(TensorDataset(X[:31], Y[:31]), 31))
    by_batch = nn.Sequential(nn.Linear(4, 3), distributed.SyncBatchNorm(3, track_running_stats=False), nn.Linear(3, 2))
    evaluated = Trainer(by_batch, nn.optim.SGD(by_batch.parameters(), lr=0.1), CROSS, **options)
    whole = evaluated.evaluate(DataLoader(TensorDataset(X[:11], Y[:11]), 9))
    return {
        "running": distributed.all_gather(net[1].running_mean.numpy()), "validated": history[-1]["val_loss"],
        "said": distributed.all_gather(sum("normalises by" in str(w.message) for w in said)),
        "after": Trainer(net, made.optimizer, CROSS, **options).evaluate(DataLoader(TensorDataset(X[:31], Y[:31]), 31))["loss"],
        "whole": np.isfinite(whole["loss"]),
    }  # fmt: skip


def one_example(folder: Path) -> dict[str, Any]:
    """A plain BatchNorm whose share is too small."""
    net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    made = Trainer(net, nn.optim.SGD(net.parameters(), lr=0.1), CROSS, progress=False, distributed=True)
    made.fit(DataLoader(TensorDataset(X[:10], Y[:10]), 4), 1)
    return {}


def checks(folder: Path) -> dict[str, Any]:
    """The whole run, and what else holds in several processes."""
    rank = distributed.rank()
    found = {"whole": fitted(), "cut": cut(), "draws": draws(), "seeds": seeds(), "stopped": stopped(), "refused": refused()}
    found["validated"] = validated()
    saved = folder / f"saved.{rank}.safetensors"  # a path of each process's own
    trainer(saved).fit(loader(), 1)
    found["written"] = sorted(distributed.all_gather(int(saved.exists())), reverse=True)
    return found


def cut() -> list[Any]:
    """The losses where batches are a list, and where the loader has a DistributedBatchSampler."""
    whole = [tuple(part.numpy() for part in pair) for pair in loader()]
    sampler = distributed.DistributedBatchSampler(len(Y), 20, seed=3)
    shared = DataLoader(TensorDataset(X, Y), batch_sampler=sampler)
    return [trainer().fit(batches, 1)[0]["loss"] for batches in (whole, shared, loader())]


def draws() -> dict[str, Any]:
    """What dropout draws in each process, and whether their generators are at the same place afterwards."""
    seen: list[Any] = []

    class Drawing(Trainer):
        def training_step(self, batch: Any) -> Any:
            seen.append(float(random.rand().item()))
            return super().training_step(batch)

    net = nn.Linear(4, 2)
    Drawing(net, nn.optim.SGD(net.parameters(), lr=0.1), nn.functional.cross_entropy, progress=False, distributed=True).fit(
        loader(), 1
    )
    after = distributed.all_gather(float(random.rand().item()))
    return {"ranks": distributed.all_gather(np.array(seen)), "after": after}


def seeds() -> list[float]:
    """The loss of an epoch in each process where loaders have drawn seeds of their own; and the items that were read."""
    read: list[Any] = []

    class Reading(Trainer):
        def training_step(self, batch: Any) -> Any:
            read.append(batch[2].numpy())
            return super().training_step(batch[:2])

    random.manual_seed(distributed.rank())
    net, data = nn.Linear(4, 2), TensorDataset(X, Y, np.arange(len(Y)))
    made = Reading(net, nn.optim.SGD(net.parameters(), lr=0.1), nn.functional.cross_entropy, progress=False, distributed=True)
    made.fit(DataLoader(data, 20, shuffle=True), 1)
    return sorted(np.concatenate(distributed.all_gather(np.concatenate(read))).tolist())


def validated() -> list[float]:
    """The loss on all data where the loader of the training validates too, and the model is wrapped already; and that loss."""
    net = distributed.DataParallel(nn.Linear(4, 2))
    loss = nn.functional.cross_entropy
    made = Trainer(net, nn.optim.SGD(net.parameters(), lr=0.1), loss, progress=False, distributed=True)
    batches = DataLoader(TensorDataset(X, Y), 20, shuffle=True)
    row = made.fit(batches, 1, batches)[0]
    with minigrad.no_grad():
        return [row["val_loss"], float(loss(net.module(X), Y).item())]


def stopped() -> list[int]:
    """After how many epochs each process ends, where the answers of a callback differ; the first process decides."""
    made = trainer(callbacks=[lambda t: len(t.history) >= 2 + distributed.rank()])
    return distributed.all_gather(len(made.fit(loader(), EPOCHS)))


def refused() -> list[str]:
    """What is an error in all processes."""

    class Stream(IterableDataset):
        def __iter__(self) -> Any:
            return iter(zip(X, Y, strict=True))

    data, said = TensorDataset(X, Y), []
    for batches in (
        DataLoader(data, 5, sampler=distributed.DistributedSampler(data)),
        DataLoader(data, None),
        iter([(X, Y)]),
        [(X, Y[:5])],
    ):
        try:
            trainer().fit(batches, 1)
        except ValueError as error:
            said.append(str(error))
    return said


def plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, dict):
        return {name: plain(v) for name, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic, minigrad.Tensor)) else value


#: What the processes can do, by the name of the function.
WHAT: dict[str, Any] = {
    f.__name__: f for f in (train, die_once, endless, reductions, normalised, one_example, checks)  # type: ignore[attr-defined]
}


def main(what: str, path: str, *rest: str) -> None:
    folder = Path(path)
    out = WHAT[what](folder, *map(int, rest))
    if distributed.rank() == 0:
        (folder / "found.json").write_text(json.dumps(plain(out)), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
