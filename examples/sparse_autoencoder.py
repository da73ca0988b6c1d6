"""A sparse autoencoder: strokes and edges appear as filters when few units may speak at a time."""

import numpy as np
from shared import picture, run
from sklearn.datasets import load_sample_images

import nn
from minigrad import Tensor

PUBLISHED = "edges and bars like those of cells in the visual cortex (Olshausen and Field, 1996)"


def patches(count, size, rng):
    """Pieces of two photographs, grey, whitened: neighbouring pixels no longer say the same (Bell and Sejnowski, 1997)."""
    photos = [image.mean(axis=2) / 255 for image in load_sample_images().images]
    pieces = []
    for _ in range(count):
        photo = photos[rng.integers(2)]
        i, j = (rng.integers(n - size) for n in photo.shape)
        pieces.append(photo[i : i + size, j : j + size].ravel())
    pieces = np.array(pieces) - np.mean(pieces, axis=1, keepdims=True)
    variances, directions = np.linalg.eigh(np.cov(pieces.T))
    white = pieces @ (directions / np.sqrt(variances + 0.05 * variances.mean())) @ directions.T
    return (white / white.std()).astype(np.float32)


def main(steps=8000, hidden=100, price=1.0, size=8):
    rng = np.random.default_rng(0)
    x = patches(20_000, size, rng)
    model = nn.Autoencoder(size * size, hidden, activation=nn.functional.relu)
    optimizer = nn.optim.Adam(model.parameters(), lr=3e-3)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(1, steps + 1):
        batch = Tensor(x[rng.integers(len(x), size=200)])
        code = model.encode(batch)
        fit = ((model.decode(code) - batch) ** 2).sum(axis=1).mean()
        loss = fit + price * code.sum(axis=1).mean()  # every word costs
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        model.weight.data /= np.linalg.norm(model.weight.data, axis=1, keepdims=True)
        if step % 1000 == 0:
            print(f"step {step}: error {fit.item():.2f}, speaking {(code.detach().numpy() > 0).mean():.1%}")
    code = model.encode(Tensor(x)).detach().numpy()
    picture("sparse_autoencoder", nn.inspect.image_grid(model.weight.detach().numpy().reshape(-1, size, size), columns=10))
    error = float(((model(Tensor(x)).detach().numpy() - x) ** 2).sum() / (x**2).sum())
    return {"share of the variance lost": error, "share of units that speak": float((code > 0).mean())}


if __name__ == "__main__":
    run(main)
