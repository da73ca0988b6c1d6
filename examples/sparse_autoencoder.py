"""A sparse autoencoder: edges and bars appear as filters when each active unit has its price.

    h = relu(W x + b),  x' = W^T h + c,    L = |x' - x|^2 + lambda sum_j h_j,    the rows of W have norm 1

The inputs are pieces of two photographs, whitened: neighbouring pixels no longer say the same (Bell and
Sejnowski, 1997). With lambda = 0 most filters look like noise; with the price few of them, edges and bars,
describe a piece. The baseline describes pieces that were not learned from by as many principal components as
the autoencoder has active units.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, restart, run
from sklearn.datasets import load_sample_images

import nn
from minigrad import Tensor

PUBLISHED = "edges and bars like those of cells in the visual cortex (Olshausen and Field, 1996)"


def patches(count, size, rng):
    """Pieces of the left and of the right part of two photographs, grey and whitened alike: train, test."""
    photos = [image.mean(axis=2) / 255 for image in load_sample_images().images]

    def cut(parts, count):
        windows = [np.lib.stride_tricks.sliding_window_view(part, (size, size)) for part in parts]
        each = [w for w in windows for _ in range(count // 2)]
        rows = [w[rng.integers(w.shape[0]), rng.integers(w.shape[1])].ravel() for w in each]
        return np.array(rows) - np.mean(rows, axis=1, keepdims=True)

    train, test = cut([photo[:, :500] for photo in photos], count), cut([p[:, 500:] for p in photos], 4000)
    variances, directions = np.linalg.eigh(np.cov(train.T))
    whiten = (directions / np.sqrt(variances + variances.mean())) @ directions.T
    scale = (train @ whiten).std()
    return ((pieces @ whiten / scale).astype(np.float32) for pieces in (train, test))


def trained(x, hidden, price, steps):
    restart()
    rng, model = generator(1), nn.Autoencoder(x.shape[1], hidden, activation=nn.functional.relu)
    optimizer = nn.optim.Adam(model.parameters(), lr=1e-2)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        batch = Tensor(x[rng.integers(len(x), size=100)])
        code = model.encode(batch)
        fit = ((model.decode(code) - batch) ** 2).sum(axis=1).mean()
        optimizer.zero_grad()
        (fit + price * code.sum(axis=1).mean()).backward()
        optimizer.step()
        schedule.step()
        model.weight.data /= np.linalg.norm(model.weight.data, axis=1, keepdims=True)
    return model


def main(steps=3000, hidden=100, price=1.0, size=8):
    train, test = patches(20_000, size, generator())
    prices = {"with its price": price, "without": 0.0}
    models = {name: trained(train, hidden, each, steps) for name, each in prices.items()}
    results, figure = {}, plt.figure(figsize=(11, 5.6), layout="constrained")
    for part, (name, model) in zip(figure.subfigures(1, 2), models.items(), strict=True):
        code, filters = model.encode(Tensor(test)).detach().numpy(), model.weight.detach().numpy()
        results[f"{name}: share of active units"] = float((code > 0).mean())
        back = model(Tensor(test)).detach().numpy()
        results[f"{name}: share of the variance lost"] = float(((back - test) ** 2).sum() / (test**2).sum())
        for axis, image in zip(part.subplots(8, 10).ravel(), filters, strict=False):
            axis.imshow(image.reshape(size, size), cmap="gray", vmin=-abs(image).max(), vmax=abs(image).max())
            axis.axis("off")
        part.suptitle(f"filters, an active unit {name}")
    picture("sparse_autoencoder", figure)
    active = max(round(results["with its price: share of active units"] * hidden), 1)
    directions = np.linalg.eigh(train.T @ train)[1][:, -active:]
    lost = 1 - ((test @ directions) ** 2).sum() / (test**2).sum()
    return results | {"baseline: share of the variance lost by as many principal components": float(lost)}


if __name__ == "__main__":
    run(main)
