"""An input pipeline: examples are read and changed by threads while the network computes; timed with and without."""

import time

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run
from sklearn.datasets import load_digits

import nn
from minigrad import Tensor


class Augmented(nn.data.Dataset):
    """Digits, turned and moved by chance; each takes a moment, as a file on a disk would."""

    def __init__(self, wait):
        self.images, self.labels, self.wait = (load_digits().images / 16).astype(np.float32), load_digits().target, wait

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        time.sleep(self.wait)
        shift = np.random.default_rng(i).integers(-1, 2, 2)
        return np.roll(self.images[i], shift, axis=(0, 1))[None], self.labels[i]


def main(batches=20, wait=0.0005, workers=4):
    model = nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(2048, 10))
    optimizer = nn.optim.Adam(model.parameters())
    times, orders = {}, []
    for count in (0, 1, workers):
        loader = nn.data.DataLoader(Augmented(wait), 64, shuffle=True, seed=0, num_workers=count)
        started, seen = time.perf_counter(), []
        for i, (x, y) in enumerate(loader):
            loss = nn.functional.cross_entropy(model(Tensor(x)), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.append(np.asarray(y))
            if i + 1 == batches:
                break
        times[f"{count} threads"] = time.perf_counter() - started
        orders.append(np.concatenate(seen))
    figure, axis = plt.subplots(figsize=(6, 2.5))
    axis.barh(list(times), list(times.values()))
    axis.set(xlabel=f"seconds for {batches} batches")
    picture("input_pipeline", figure)
    same = all(np.array_equal(orders[0], other) for other in orders)
    return {f"seconds, {name}": t for name, t in times.items()} | {"the same batches in the same order": same}


if __name__ == "__main__":
    run(main)
