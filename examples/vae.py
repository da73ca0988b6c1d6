"""A variational autoencoder: codes are distributions, so that any point of the plane is some digit.

The encoder says a mean m and a variance s^2 for each number of the code, the decoder a probability for each
pixel. Of log p(x) it is known that

    log p(x) >= E_q[log p(x|z)] - KL(q(z|x) || N(0, 1)),    KL = 1/2 sum(m^2 + s^2 - log s^2 - 1)

and the right side, the bound, is trained: what is lost of the picture, and what the code costs. The noise
comes from outside, z = m + s e with e ~ N(0, 1), so that gradients pass (the reparametrization). What log
p(x) itself is comes from k codes of the encoder, each with its weight: log mean p(x|z) p(z) / q(z|x).

Pixels are black or white, so that all is nats for a picture. Two baselines: each pixel by itself, and a
mixture of the ten mean digits, which was told in training which is which. A code of two numbers is about as
good as that mixture, without any label; a code of eight is better.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import digits, generator, picture, restart, run, steps

import nn
from minigrad import Tensor, no_grad, random

PUBLISHED = (
    "bound by size of the code: Kingma and Welling, Auto-encoding variational Bayes, 2014; -log p(x) 86.8 "
    "nats with 50 numbers and MNIST's 60,000 digits, drawn black or white: Burda et al., Importance weighted "
    "autoencoders, 2016"
)


class VAE(nn.Module):
    """q(z|x) is normal; p(x|z) is a coin for each pixel."""

    def __init__(self, pixels, hidden, latent):
        self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.ReLU(), nn.Linear(hidden, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, pixels))

    def forward(self, x):
        """For each picture what is lost, what the code costs, and the logarithm of its weight: nats."""
        mean, log_variance = np.split(self.encoder(x), 2, axis=-1)
        noise = random.randn(*mean.shape)
        z = mean + np.exp(log_variance / 2) * noise
        lost = nn.functional.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="none").sum(axis=-1)
        cost = 0.5 * (mean**2 + np.exp(log_variance) - log_variance - 1).sum(axis=-1)
        weight = 0.5 * (noise**2 + log_variance - z**2).sum(axis=-1) - lost
        return lost, cost, weight


def load(data):
    """Black and white pixels (N, side * side), training and test, with their labels."""
    (x, y), (test, known) = digits(data)
    return [(images.reshape(len(images), -1) > 0.5).astype(np.float32) for images in (x, test)], y, known


def compared(x, y, test):
    """Nats for a test picture by the share of each pixel: one share for all, and a mixture of ten."""

    def nats(rows):
        share = (rows.sum(axis=0) + 1) / (len(rows) + 2)
        return -(test @ np.log(share) + (1 - test) @ np.log(1 - share))

    each = np.array([np.log(np.mean(y == kind)) - nats(x[y == kind]) for kind in range(10)])
    return {
        "baseline: nats, each pixel by itself": float(nats(x).mean()),
        "baseline: nats, mixture of ten mean digits": float(-np.logaddexp.reduce(each, axis=0).mean()),
    }


def draw(model, test, known):
    """The plane of codes: what the decoder makes of each place, and where test digits are."""
    side, line = int(np.sqrt(test.shape[1])), np.linspace(-2, 2, 12, dtype=np.float32)
    places = np.stack(np.meshgrid(line, line[::-1]), axis=-1).reshape(-1, 2)
    with no_grad():
        made = nn.functional.sigmoid(model.decoder(Tensor(places))).numpy().reshape(12, 12, side, side)
        made = np.pad(made, ((0, 0), (0, 0), (1, 1), (1, 1)))
        mean = model.encoder(Tensor(test)).numpy()[:, :2]
    figure, axes = plt.subplots(1, 2, figsize=(12, 5.4), layout="constrained")
    tiles = made.swapaxes(1, 2).reshape(12 * (side + 2), -1)
    axes[0].imshow(tiles, cmap="gray_r", extent=(-2.2, 2.2, -2.2, 2.2))
    points = axes[1].scatter(*mean.T, c=known, cmap="tab10", vmin=-0.5, vmax=9.5, s=12)
    axes[0].set_title("what the decoder makes of each code")
    axes[1].set(title="where the encoder puts test digits", aspect="equal")
    for axis in axes:
        axis.set(xlabel="first number of the code", ylabel="second number of the code")
    figure.colorbar(points, ax=axes[1], ticks=range(10), label="digit", shrink=0.8)
    picture("vae", figure)


def train(x, updates, hidden, latent, batch, lr):
    restart()
    rng, model = generator(0), VAE(x.shape[1], hidden, latent)
    optimizer = nn.optim.Adam(model.parameters(), lr=lr)
    for step in steps(updates, model, optimizer, rng, name=f"latent_{latent}"):
        lost, cost, _ = model(Tensor(x[rng.integers(0, len(x), batch)]))
        optimizer.zero_grad()
        (lost + cost).mean().backward()
        optimizer.step()
        if (step + 1) % max(updates // 4, 1) == 0:
            print(f"{latent} numbers, update {step + 1}: {(lost + cost).mean().item():.1f} nats")
    return model


def main(updates=1500, hidden=128, latent=8, batch=64, lr=3e-3, samples=50, data=None):
    """Train with a code of two numbers, and with a longer one.

    Args:
        latent: numbers of the longer code
        samples: codes for the estimate of log p(x)
    """
    (x, test), y, known = load(data)
    results = {}
    for size in (2, latent):
        model = train(x, updates, hidden, size, batch, lr)
        with no_grad():
            found = [[part.numpy() for part in model(Tensor(test))] for _ in range(samples)]
        found = np.array(found)  # (samples, 3, N)
        lost, cost = found[:, :2].mean(axis=(0, 2))
        nats = np.log(samples) - np.logaddexp.reduce(found[:, 2], axis=0)
        results |= {
            f"bound with {size} numbers, nats": float(lost + cost),
            f"of it KL with {size} numbers": float(cost),
            f"-log p(x) with {size} numbers, nats": float(nats.mean()),
        }  # fmt: skip
        if size == 2:
            draw(model, test, known)
    return results | compared(x, y, test)


# Kingma and Welling's network for digits, with 20 numbers in its code.
FULL = {"hidden": 500, "latent": 20, "batch": 100, "lr": 1e-3, "updates": 30_000}

if __name__ == "__main__":
    run(main)
