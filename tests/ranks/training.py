"""A training that has batches which do not divide, on all ranks and on one; prints what differs, and the bits of the weights."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

import nn
from minigrad import random
from nn import distributed
from nn.data import DataLoader, TensorDataset

N, BATCH, EPOCHS = 29, 7, 2  # the last batch has one example


def data() -> tuple[np.ndarray, np.ndarray]:
    """Images, and which of three classes they are of."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, 2, 5, 5)), rng.integers(0, 3, N)


def network(seed: int) -> nn.Module:
    """A network with a batch normalisation."""
    random.manual_seed(seed)
    parts = [nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(36, 3)]
    return nn.Sequential(*parts).double()


def steps(model: nn.Module, batches: Any, epochs: int = EPOCHS) -> Iterator[None]:
    """Adam steps with a penalty on the weights, which is no mean over examples, and with clipped gradients."""
    optimizer = nn.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(epochs):
        for x, y in batches:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            (loss + 1e-2 * sum((p * p).sum() for p in model.parameters())).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            yield


def bits(model: nn.Module) -> str:
    """A digest of all parameters and buffers."""
    return hashlib.sha256(b"".join(x.data.tobytes() for x in model.state_dict().values())).hexdigest()


def main() -> None:
    """Train in both ways."""
    distributed.init(timeout=60)
    warnings.simplefilter("error")  # also of a mean over no examples
    rank, dataset = distributed.rank(), TensorDataset(*data())
    order = nn.data.RandomSampler(dataset, seed=3)
    alone = network(0)
    for _ in steps(alone, DataLoader(dataset, batch_sampler=nn.data.BatchSampler(order, BATCH, False))):
        pass
    sampler = distributed.DistributedBatchSampler(dataset, BATCH, seed=3)
    inner = distributed.SyncBatchNorm.convert_sync_batchnorm(network(rank))  # rank 0's weights are taken
    together = distributed.DataParallel(inner, bucket_bytes=600)
    shares = [len(indices) for indices in sampler.batches(0)]
    for _ in steps(together, DataLoader(dataset, batch_sampler=sampler)):
        pass
    pairs = zip(alone.state_dict().values(), together.module.state_dict().values(), strict=True)
    different = max(float(np.abs(a.data - b.data).max()) for a, b in pairs)
    moved = float(np.abs(alone[0].weight.data - network(0)[0].weight.data).max())
    found = {"rank": rank, "different": different, "moved": moved, "shares": shares, "bits": bits(together.module)}
    for line in distributed.gather(np.frombuffer(json.dumps(found).encode(), np.uint8)) or []:
        print(line.tobytes().decode(), flush=True)


if __name__ == "__main__":
    main()
