"""A convolutional network on several devices: each computes a part of every batch, with statistics of the whole one.

Each process has a copy of the network on a device of its own: a GPU where there are any, else a core. Batch normalization
reads the mean and the variance of a batch; `SyncBatchNorm` takes them over all parts, so that the parts give what the
whole batch gives. `Trainer(distributed=True)` shares out the batches, averages gradients, adds up losses and accuracies,
and lets the first process alone report. The losses are those of one device but for rounding, which updates enlarge: to some
thousandths after 90 of them. What changes is the time. A small network on a machine with few cores gains little.
`mpiexec -n 2 python examples/several_devices_cnn.py`.
Source: Damien, TensorFlow-Examples, "Train a neural network on multi-GPU", 2016.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from shared import chosen, digits, draw_simple, generator, picture, restart, run, scattered, simple_accuracies
from shared.processes import device, started

import nn
from nn import distributed
from nn.metrics import accuracy
from nn.training import Trainer


def network():
    """Three convolutions without biases, which batch normalization takes out again, and a linear layer."""
    layers, inputs = [], 1
    for width in (16, 32, 64):
        layers += [nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
        inputs = width
    return nn.Sequential(*layers[:-1], nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(inputs, 10))


def trained(train, test, batch, epochs, together):
    """Train in all processes together, or in this one alone: the history, and training images a second."""
    restart()
    model = distributed.SyncBatchNorm.convert_sync_batchnorm(network()) if together else network()
    model.to(device())
    loader = nn.data.DataLoader(nn.data.TensorDataset(*train), batch, shuffle=True, seed=chosen())
    trainer = Trainer(
        model, nn.optim.Adam(model.parameters(), lr=3e-3), nn.functional.cross_entropy, {"accuracy": accuracy},
        progress=False, distributed=together,
    )  # fmt: skip
    began = time.perf_counter()
    history = trainer.fit(loader, epochs, nn.data.DataLoader(nn.data.TensorDataset(*test), 200))
    return history, epochs * len(train[1]) / (time.perf_counter() - began)


def draw(histories, beside):
    figure, axis = plt.subplots(figsize=(6.5, 4), layout="constrained")
    for (name, history), line in zip(histories.items(), ("o-", "--"), strict=True):
        axis.plot(range(1, len(history) + 1), history.curves()["val_accuracy"], line, label=name)
    draw_simple(axis, beside)
    axis.set(xlabel="epoch", ylabel="test accuracy", ylim=(0, 1))
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.legend(loc="lower right")
    picture("several_devices_cnn", figure)


def main(processes=2, epochs=6, scenes=1500, batch=100):
    """Args:
    processes: how many to start where mpiexec has not
    batch: images for an update, of all processes together
    """
    if (found := started(__file__, processes, epochs=epochs, scenes=scenes, batch=batch)) is not None:
        return found
    rng, sets = generator(), digits()
    train, test = (scattered(*each, n, rng) for each, n in zip(sets, (scenes, scenes // 4), strict=True))
    train, test = ((images[:, None], labels) for images, labels in (train, test))
    history, speed = trained(train, test, batch, epochs, together=True)
    count = distributed.world_size()
    if distributed.rank() > 0:
        return {}
    alone, slow = trained(train, test, batch, epochs, together=False)
    beside = simple_accuracies(train, test)
    draw({f"{count} devices": history, "one device": alone}, beside)
    losses = np.array([[row["loss"] for row in rows] for rows in (history, alone)])
    return {
        "test accuracy": history[-1]["val_accuracy"],
        "baseline: test accuracy in one process": alone[-1]["val_accuracy"],
        "largest relative difference of a loss": float(np.abs(losses[0] / losses[1] - 1).max()),
        "processes": count,
        "images a second": speed,
        "baseline: images a second in one process": slow,
        **beside,
    }


if __name__ == "__main__":
    run(main)
