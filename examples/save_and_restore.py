"""Save and restore: weights to a file and back, and a training that is cut off and goes on unchanged.

A file of weights is enough to use a model: the same inputs give the same outputs. It is not enough to go on
with its training. Adam has two moments m and v for each weight and counts its steps; dropout and the order of
the batches are drawn from generators. A checkpoint keeps all of them, and the resumed training ends with the
very bits of the undisturbed one. A training that goes on from the weights alone goes another way.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from shared import chosen, digits, picture, restart, run

import nn
from minigrad import Tensor
from nn.training import Trainer
from nn.utils import parameters_to_vector


def make_model():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))


def fit(data, epochs, weights=None, checkpoint=None):
    """Train to so many epochs, on from a file where there is one: model, weights by epoch, losses."""
    restart()
    model, seen = make_model(), []
    if weights is not None:
        nn.load(weights, model)
    optimizer = nn.optim.Adam(model.parameters(), lr=3e-3)
    batches = nn.data.DataLoader(nn.data.TensorDataset(*data), 32, shuffle=True, seed=chosen())
    trainer = Trainer(
        model, optimizer, nn.functional.cross_entropy, callbacks=[lambda t: seen.append(flat(t.model))],
        checkpoint=checkpoint, progress=False,
    )  # fmt: skip
    history = trainer.fit(batches, epochs)
    return model, seen, [row["loss"] for row in history]


def flat(model):
    """All weights in one row."""
    return parameters_to_vector(model.parameters()).detach().numpy()


def draw(losses, apart, half):
    """Losses, and how far the two that go on are from the undisturbed training."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for name, colour, style in zip(losses, ("C0", "C2", "C3"), ("-", "o", "s--"), strict=True):
        epochs = range(1 if name == "undisturbed" else half + 1, len(losses["undisturbed"]) + 1)
        axes[0].plot(epochs, losses[name][-len(epochs) :], style, color=colour, label=name)
        if name in apart:
            axes[1].plot(epochs, apart[name], style, color=colour)
    for axis in axes:
        line = axis.axvline(half + 0.5, color="0.7", linestyle=":")
        axis.set_xlabel("epoch")
    axes[0].set(ylabel="loss in training", title="the training")
    axes[1].set(ylabel="largest difference of a weight", title="how far from the undisturbed one")
    axes[1].set_xlim(axes[0].get_xlim())
    line.set_label("cut off here")
    figure.legend(loc="outside lower center", ncols=4)
    picture("save_and_restore", figure)


def main(epochs=8):
    train, (new, truth) = digits()
    half = epochs // 2
    with tempfile.TemporaryDirectory() as name:
        state, weights = Path(name, "training.safetensors"), Path(name, "weights.safetensors")
        whole, way, losses = fit(train, epochs)
        stopped, _, _ = fit(train, half, checkpoint=state)  # and here it is cut off
        nn.save(stopped, weights)
        sizes = weights.stat().st_size, state.stat().st_size
        _, resumed, after = fit(train, epochs, checkpoint=state)  # a new process would do the same
        _, other, lost = fit(train, epochs - half, weights=weights)
        nn.save(whole, weights)
        copy = make_model()
        nn.load(weights, copy)
    apart = {
        name: [float(np.abs(a - b).max()) for a, b in zip(way[half:], seen, strict=True)]
        for name, seen in {"from the checkpoint": resumed, "from the weights alone": other}.items()
    }
    draw({"undisturbed": losses, "from the checkpoint": after, "from the weights alone": lost}, apart, half)
    given, read = (model.eval()(Tensor(new)).detach().numpy() for model in (whole, copy))
    return {
        "restored weights give the same outputs": bool((given == read).all()),
        "resumed training ends bit for bit the same": bool((way[-1] == resumed[-1]).all()),
        "largest difference of a weight, from the checkpoint": apart["from the checkpoint"][-1],
        "baseline: largest difference, from the weights alone": apart["from the weights alone"][-1],
        "test accuracy": nn.metrics.accuracy(read, truth),
        "chance: the largest class": float(np.bincount(truth).max() / len(truth)),
        "bytes of the weights": sizes[0],
        "bytes of the checkpoint": sizes[1],
    }


if __name__ == "__main__":
    run(main)
