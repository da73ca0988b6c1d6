"""A sparse autoencoder: strokes and edges appear as filters when few units may speak at a time."""

import numpy as np
from shared import picture, run
from sklearn.datasets import load_sample_images

import nn
from minigrad import Tensor, viz

PUBLISHED = "Olshausen and Field, 1996; as an autoencoder: Ng, 2011"


def patches(count, size, rng):
    """Pieces of two photographs, grey, with the mean taken away."""
    photos = [image.mean(axis=2) / 255 for image in load_sample_images().images]
    pieces = []
    for _ in range(count):
        photo = photos[rng.integers(2)]
        i, j = (rng.integers(n - size) for n in photo.shape)
        pieces.append(photo[i : i + size, j : j + size].ravel())
    pieces = np.array(pieces) - np.mean(pieces, axis=1, keepdims=True)
    return (pieces / pieces.std() / 3).astype(np.float32)


def main(steps=3000, hidden=49, rho=0.03, beta=0.3, size=8):
    rng = np.random.default_rng(0)
    x = patches(10000, size, rng)
    model = nn.Autoencoder(size * size, hidden, tied=False)
    optimizer = nn.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-5)
    for step in range(1, steps + 1):
        batch = Tensor(x[rng.integers(len(x), size=200)])
        code = model.encode(batch)
        fit = ((model.decode(code) - batch) ** 2).sum(axis=1).mean()
        loss = fit + beta * model.sparsity_penalty(code, rho)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 500 == 0:
            print(f"step {step}: error {fit.item():.4f}, mean activity {code.detach().numpy().mean():.3f}")
    code = model.encode(Tensor(x)).detach().numpy()
    picture("sparse_autoencoder", viz.image_grid(model.weight.detach().numpy().reshape(-1, size, size), columns=7))
    error = float(((model(Tensor(x)).detach().numpy() - x) ** 2).sum() / (x**2).sum())
    return {"share of the variance lost": error, "mean activity": float(code.mean())}


if __name__ == "__main__":
    run(main, PUBLISHED)
