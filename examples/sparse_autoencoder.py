"""A sparse autoencoder: its filters become more local, some of them edges and bars, by a penalty.

    h = relu(W x + b),  x' = W^T h + c,    L = |x' - x|^2 + lambda sum_j h_j,    the rows of W have norm 1

The inputs are pieces of two photographs, whitened: neighbouring pixels no longer say the same (Bell and
Sejnowski, 1997). With lambda = 0 most filters look like noise; with the penalty few of them describe a piece,
and they are more local: the best quarter of the pixels (4x4) has nearly half of a filter's energy. The
baselines describe each new piece by as many numbers as the autoencoder has active units: its own largest
cosines (of its two-dimensional DCT), its own largest principal components, and the same components for all. In
whitened pieces the directions vary nearly alike, so that the last must fail.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.fft import dctn
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


def trained(x, hidden, penalty, steps):
    restart()
    rng, model = generator(1), nn.Autoencoder(x.shape[1], hidden, activation=nn.functional.relu)
    optimizer = nn.optim.Adam(model.parameters(), lr=1e-2)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        batch = Tensor(x[rng.integers(len(x), size=100)])
        code = model.encode(batch)
        fit = ((model.decode(code) - batch) ** 2).sum(axis=1).mean()
        optimizer.zero_grad()
        (fit + penalty * code.sum(axis=1).mean()).backward()
        optimizer.step()
        schedule.step()
        model.weight.data /= np.linalg.norm(model.weight.data, axis=1, keepdims=True)
    return model


def local(filters, size):
    """The share of a filter's energy in the best window of half its side, the median of all."""
    squares = (filters**2).reshape(-1, size, size)
    windows = np.lib.stride_tricks.sliding_window_view(squares, (size // 2, size // 2), axis=(1, 2))
    return float(np.median(windows.sum(axis=(3, 4)).max(axis=(1, 2)) / squares.sum(axis=(1, 2))))


def lost(coefficients, kept):
    """The share of the energy that is not in the largest coefficients of each row."""
    squares = np.sort(coefficients**2, axis=1)
    return float(squares[:, :-kept].sum() / squares.sum())


def main(steps=3000, hidden=100, penalty=1.0, size=8):
    train, test = patches(20_000, size, generator())
    penalties = {"with penalty": penalty, "without": 0.0}
    models = {name: trained(train, hidden, each, steps) for name, each in penalties.items()}
    results, figure = {}, plt.figure(figsize=(11, 5.6), layout="constrained")
    for part, (name, model) in zip(figure.subfigures(1, 2), models.items(), strict=True):
        code, filters = model.encode(Tensor(test)).detach().numpy(), model.weight.detach().numpy()
        results[f"{name}: share of active units"] = float((code > 0).mean())
        back = model(Tensor(test)).detach().numpy()
        results[f"{name}: share of the variance lost"] = float(((back - test) ** 2).sum() / (test**2).sum())
        results[f"{name}: energy of a filter in its best quarter"] = local(filters, size)
        for axis, image in zip(part.subplots(8, 10).ravel(), filters, strict=False):
            axis.imshow(image.reshape(size, size), cmap="gray", vmin=-abs(image).max(), vmax=abs(image).max())
            axis.axis("off")
        part.suptitle(f"filters, {name}" if name != "without" else "filters, without penalty")
    picture("sparse_autoencoder", figure)
    restart()
    untrained = nn.Autoencoder(size**2, hidden).weight.detach().numpy()
    active = max(round(results["with penalty: share of active units"] * hidden), 1)
    components = test @ np.linalg.eigh(train.T @ train)[1][:, ::-1]
    cosines = dctn(test.reshape(-1, size, size), axes=(1, 2), norm="ortho").reshape(len(test), -1)
    return results | {
        "chance: energy of a filter in its best quarter, untrained": local(untrained, size),
        "baseline: share of the variance lost by the largest cosines of each patch": lost(cosines, active),
        "baseline: share of the variance lost by the largest components of each patch": lost(components, active),
        "baseline: share of the variance lost by the same components for all": float(
            (components[:, active:] ** 2).sum() / (components**2).sum()
        ),
    }


if __name__ == "__main__":
    run(main)
