"""A restricted Boltzmann machine learns what digits look like, by contrastive divergence, and dreams some.

    P(v, h) ~ exp(-E),  E = -v b_v - h b_h - h W v
    p(h | v) = sigmoid(W v + b_h),  p(v | h) = sigmoid(W^T h + b_v)
    F(v) = -v b_v - sum_j log(1 + e^(W_j v + b_j)):  P(v) ~ exp(-F(v))
    CD-k     descend F(data) - F(what k steps of Gibbs sampling make of the data)

A free energy F says how likely an image is, but for a constant. So halves of digits can be completed: of two
images that have the same upper half, the one whose lower half belongs to it should have the lower F, not the
one with another digit's. Two predictions of the lower half from the upper one are asked the same: least squares
with a penalty, and the mean of the five nearest training digits; the half that is nearer to what they predict
counts. On small digits the machine is level with them; on MNIST it is a little behind, and level with 500 hidden
units (`--full`). It was not made for this task alone.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import digits, generator, picture, run, steps
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor

import nn
from minigrad import Tensor, no_grad

PUBLISHED = "Hinton, Training products of experts by minimizing contrastive divergence, 2002"


def main(epochs=40, hidden=100, lr=0.1, batch=20, data=None):
    (images, _), (test_images, _) = digits(data)
    x, test = ((part.reshape(len(part), -1) > 0.3).astype(np.float32) for part in (images, test_images))
    machine, rng = nn.RBM(x.shape[1], hidden), generator()
    optimizer = nn.optim.SGD(machine.parameters(), lr=lr, momentum=0.5)
    for _ in steps(epochs * len(x) // batch, machine, optimizer, rng):
        optimizer.zero_grad()
        machine.contrastive_divergence(Tensor(x[rng.integers(len(x), size=batch)]), k=1).backward()
        optimizer.step()
    half = test.shape[1] // 2
    other = np.concatenate([test[:, :half], np.roll(test, 1, axis=0)[:, half:]], axis=1)
    different = (other != test).any(axis=1)
    mean = x.mean(axis=0)
    with no_grad():
        dreams = machine.visible_given(machine.hidden_given(machine.gibbs(Tensor(test[:12]), k=500))).numpy()
        back = machine(Tensor(test)).numpy()
        lower = machine.free_energy(Tensor(test)).numpy() < machine.free_energy(Tensor(other)).numpy()
    draw(machine.weight.detach().numpy()[:12], test[:12], back[:12], dreams, images.shape[1:])
    predicted = {"least squares": Ridge(10.0), "five nearest digits": KNeighborsRegressor(5)}
    baselines = {}
    for name, model in predicted.items():
        guess = model.fit(x[:, :half], x[:, half:]).predict(test[:, :half])
        own, others = (((guess - part[:, half:]) ** 2).sum(axis=1) for part in (test, other))
        baselines[f"baseline: {name}, own half preferred"] = float((own < others)[different].mean())
    directions = np.linalg.svd(x - mean, full_matrices=False)[2][:20]
    components = (test - mean) @ directions.T @ directions + mean
    return baselines | {
        "mean squared error of the reconstruction": float(((back - test) ** 2).mean()),
        "own half preferred": float(lower[different].mean()),
        "chance: own half preferred": 0.5,
        "baseline: mean squared error of 20 principal components": float(((components - test) ** 2).mean()),
        "baseline: mean squared error of the mean image": float(((mean - test) ** 2).mean()),
    }


def draw(filters, given, back, dreams, shape):
    """Weights of hidden units, test digits and their reconstructions, and dreams."""
    figure, axes = plt.subplots(4, 1, figsize=(11, 5), layout="constrained")
    titles = ("weights of hidden units", "test digits", "reconstructions", "dreams: after 500 Gibbs steps")
    for axis, title, images in zip(axes, titles, (filters, given, back, dreams), strict=True):
        low, high = images.min(axis=1, keepdims=True), images.max(axis=1, keepdims=True)
        tiles = ((images - low) / (high - low)).reshape(-1, *shape)
        axis.imshow(np.hstack([np.pad(tile, 1) for tile in tiles]), cmap="Greys")
        axis.set_title(title, loc="left", fontsize="medium")
        axis.axis("off")
    picture("rbm", figure)


FULL = {"hidden": 500, "epochs": 60}

if __name__ == "__main__":
    run(main)
