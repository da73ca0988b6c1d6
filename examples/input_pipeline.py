"""An input pipeline: images of a folder are read and changed by threads while the network computes.

First the arrays become files, as data sets often come: a folder of PNGs for each class, which `ImageFolder`
reads back. Each image is moved by chance (augmentation), and costs a moment, as from a slow disk. Without
threads reading and computing wait for each other, t_read + t_compute for each batch; with k threads that read
ahead it is max(t_read / k, t_compute) at best: they also take the processor from the network, whose own part
of a batch then lasts longer. The batches are the same, in the same order, as every image has a generator of
its own, another one in each epoch. What the moves are good for is measured on moved digits.
"""

import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from shared import chosen, digits, picture, restart, run

import nn
from minigrad import Tensor, no_grad


def write_folder(folder, images, labels):
    """Arrays between 0 and 1 as folder/LABEL/NUMBER.png."""
    for label in np.unique(labels):
        (folder / str(label)).mkdir(parents=True)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        Image.fromarray((255 * image).astype(np.uint8)).save(folder / str(label) / f"{number:05}.png")


class Moved(nn.data.Dataset):
    """Images of a folder, each moved by up to `moves` pixels, in each epoch another way, after a wait."""

    def __init__(self, folder, moves=1, wait=0.0):
        self.images, self.moves, self.wait = nn.data.ImageFolder(folder, mode="L"), moves, wait
        self.epoch = 0

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        time.sleep(self.wait)
        image, label = self.images[i]
        rng = np.random.default_rng((chosen(), self.epoch, i))
        shift = rng.integers(-self.moves, self.moves + 1, 2)
        return np.roll(image / np.float32(255), shift, axis=(1, 2)), label


def make_model():
    """A model and its optimizer, from the same start each time."""
    restart()
    convolutions = [nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()]
    model = nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(2048, 10))
    return model, nn.optim.Adam(model.parameters(), lr=2e-3)


def learn(model, optimizer, x, y):
    loss = nn.functional.cross_entropy(model(Tensor(x)), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def timed(data, workers, batches):
    """When each batch was asked for, there, and learned from; the labels; and the first batch."""
    model, optimizer = make_model()
    learn(model, optimizer, np.zeros((64, 1, 8, 8), np.float32), np.zeros(64, int))  # what is made once
    model, optimizer = make_model()
    loader = iter(nn.data.DataLoader(data, 64, shuffle=True, seed=chosen(), num_workers=workers))
    times, labels, started = [], [], time.perf_counter()
    for _ in range(batches):
        asked = time.perf_counter()
        x, y = next(loader)
        there = time.perf_counter()
        learn(model, optimizer, x, y)
        times.append(np.array([asked, there, time.perf_counter()]) - started)
        labels.append(np.asarray(y))
    return np.array(times), np.concatenate(labels), np.asarray(x)


def trained(data, test, epochs):
    """The accuracy on test images after some epochs."""
    model, optimizer = make_model()
    for data.epoch in range(epochs):
        for x, y in nn.data.DataLoader(data, 64, shuffle=True, seed=chosen(), num_workers=4):
            learn(model, optimizer, x, y)
    with no_grad():
        x, y = next(iter(nn.data.DataLoader(test, len(test))))
        return nn.metrics.accuracy(model(Tensor(x)).numpy(), y), float(np.bincount(y).max() / len(y))


def draw(runs, images):
    """Who waited for whom, and what the network saw."""
    figure, axes = plt.subplots(1, 2, figsize=(12, 3.6), layout="constrained", width_ratios=(2.2, 1))
    for row, times in enumerate(runs.values()):
        for start, stop, colour in ((0, 1, "C1"), (1, 2, "C0")):
            spans = np.stack([times[:, start], times[:, stop] - times[:, start]], axis=1)
            label = ("waiting for a batch", "computing")[start] if row == 0 else None
            axes[0].broken_barh(spans, (row - 0.35, 0.7), facecolors=colour, label=label)
    axes[0].set(yticks=range(len(runs)), yticklabels=list(runs), xlabel="seconds")
    axes[0].set_title("the same batches, with fewer and more threads that read")
    axes[0].legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2)
    axes[0].invert_yaxis()
    images = np.pad(images[:, 0], ((0, 0), (1, 1), (1, 1)))
    grid = np.block([[*images[row : row + 5]] for row in range(0, 20, 5)])
    axes[1].imshow(grid, cmap="gray_r")
    axes[1].set_title("moved digits")
    axes[1].set_axis_off()
    picture("input_pipeline", figure)


def main(batches=20, wait=0.0004, workers=4, epochs=6):
    (train, labels), (new, truth) = digits()
    with tempfile.TemporaryDirectory() as place:
        folder, held = Path(place, "train"), Path(place, "test")
        write_folder(folder, train, labels)
        write_folder(held, new, truth)
        runs, seen = {}, []
        for name, count in (("no threads", 0), ("1 thread", 1), (f"{workers} threads", workers)):
            runs[name], *batch = timed(Moved(folder, wait=wait), count, batches)
            seen.append(batch)
        moved, chance = trained(Moved(folder), Moved(held), epochs)
        still, _ = trained(Moved(folder, moves=0), Moved(held), epochs)
    draw(runs, seen[0][1])
    waits = {name: float(np.median(times[:, 1] - times[:, 0])) for name, times in runs.items()}
    same = all(np.array_equal(seen[0][part], batch[part]) for batch in seen for part in range(2))
    return {
        f"seconds waited for a batch, {workers} threads": waits[f"{workers} threads"],
        "seconds waited for a batch, 1 thread": waits["1 thread"],
        "baseline: seconds waited for a batch, no threads": waits["no threads"],
        "the same batches in the same order": same,
        "test accuracy, moved digits, trained with moves": moved,
        "baseline: trained without moves": still,
        "chance: the largest class": chance,
    }


if __name__ == "__main__":
    run(main)
