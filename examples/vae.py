"""A variational autoencoder: codes are distributions, so that any point of the plane is some digit."""

import numpy as np
from shared import picture, run
from sklearn.datasets import load_digits

import nn
from minigrad import Tensor, no_grad, random

PUBLISHED = "Kingma and Welling, Auto-encoding variational Bayes, 2014"


class VAE(nn.Module):
    """q(z|x) is normal with the mean and log-variance that the encoder says; p(x|z) is a coin for each pixel."""

    def __init__(self, pixels, hidden, latent):
        self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.ReLU(), nn.Linear(hidden, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, pixels))

    def forward(self, x):
        """The two parts of the bound, in nats for each picture: what is lost, and what the code costs."""
        mean, log_variance = np.split(self.encoder(x), 2, axis=1)
        z = mean + np.exp(log_variance / 2) * random.randn(*mean.shape)  # the noise is outside: gradients pass
        lost = nn.functional.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="none").sum(axis=1)
        cost = 0.5 * (mean**2 + np.exp(log_variance) - log_variance - 1).sum(axis=1)
        return lost.mean(), cost.mean()


def load(data):
    """Pixels between 0 and 1, (N, side * side): small digits, or MNIST's from a folder."""
    if data is None:
        return (load_digits().data / 16).astype(np.float32)
    return (nn.data.read_mnist(data, train=False)[0].reshape(10_000, -1) / 255).astype(np.float32)


def main(epochs=120, hidden=128, latent=2, data=None):
    x = load(data)
    cut = 5 * len(x) // 6
    side = int(np.sqrt(x.shape[1]))
    rng, model = np.random.default_rng(0), VAE(side * side, hidden, latent)
    optimizer = nn.optim.Adam(model.parameters(), lr=3e-3)
    first = None
    for epoch in range(1, epochs + 1):
        for rows in np.array_split(rng.permutation(cut), cut // 64):
            lost, cost = model(Tensor(x[rows]))
            optimizer.zero_grad()
            (lost + cost).backward()
            optimizer.step()
            first = (lost + cost).item() if first is None else first
        if epoch % 40 == 0:
            print(f"epoch {epoch}: {lost.item():.1f} + {cost.item():.1f} nats")
    with no_grad():
        lost, cost = model(Tensor(x[cut:]))
        line = np.linspace(-2, 2, 12, dtype=np.float32)
        grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
        digits = nn.functional.sigmoid(model.decoder(Tensor(grid))).numpy().reshape(-1, side, side)
    picture("vae", nn.inspect.image_grid(digits, columns=12))
    return {"bound on test digits, nats": lost.item() + cost.item(), "of it for the code": cost.item(), "before training": first}


FULL = {"hidden": 500, "epochs": 500}

if __name__ == "__main__":
    run(main)
