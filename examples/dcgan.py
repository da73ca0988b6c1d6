"""DCGAN: convolutions forge handwritten digits."""

import numpy as np
from shared import picture, run
from sklearn.datasets import load_digits

import nn
from minigrad import Tensor, no_grad, random

PUBLISHED = "Radford, Metz and Chintala, Unsupervised representation learning with deep convolutional GANs, 2016"


def networks(width):
    forger = nn.Sequential(
        nn.Linear(32, 4 * width * 4), nn.Unflatten(1, (4 * width, 2, 2)), nn.BatchNorm2d(4 * width), nn.ReLU(),
        nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1), nn.BatchNorm2d(2 * width), nn.ReLU(),
        nn.ConvTranspose2d(2 * width, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip
    detective = nn.Sequential(
        nn.Conv2d(1, 2 * width, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(2 * width, 4 * width, 4, 2, 1), nn.BatchNorm2d(4 * width),
        nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(16 * width, 1),
    )  # fmt: skip
    for module in (*forger.modules(), *detective.modules()):
        if hasattr(module, "weight") and module.weight.ndim == 4:
            nn.init.normal_(module.weight, 0.0, 0.02)
    return forger, detective


def reader(x, y, epochs=15):
    """A small network that reads digits, to judge what is made."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer, rng = nn.optim.Adam(model.parameters(), lr=3e-3), np.random.default_rng(0)
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(len(y)), 28):
            loss = nn.functional.cross_entropy(model(Tensor(x[rows])), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


def main(steps=1500, width=16, batch=64):
    x, y = (load_digits().images[:, None] / 8 - 1).astype(np.float32), load_digits().target  # between -1 and 1
    rng = np.random.default_rng(0)
    forger, detective = networks(width)
    forges, detects = (nn.optim.Adam(m.parameters(), lr=1e-3, betas=(0.5, 0.999)) for m in (forger, detective))
    softplus = nn.functional.softplus
    for step in range(1, steps + 1):
        real, false = Tensor(x[rng.integers(0, len(x), batch)]), forger(random.randn(batch, 32))
        loss = softplus(-detective(real)).mean() + softplus(detective(false.detach())).mean()
        detects.zero_grad()
        loss.backward()
        detects.step()
        fooled = softplus(-detective(false)).mean()
        forges.zero_grad()
        fooled.backward()
        forges.step()
        if step % 250 == 0:
            print(f"step {step}: detective {loss.item():.3f}, forger {fooled.item():.3f}")
    forger.eval()
    judge = reader(x, y)
    with no_grad():
        made = forger(random.randn(500, 32)).numpy()
        p = nn.functional.softmax(judge(Tensor(made)), axis=1).numpy()
        noise = nn.functional.softmax(judge(Tensor(rng.uniform(-1, 1, made.shape).astype(np.float32))), axis=1).numpy()
    score = [float(np.exp((q * np.log((q + 1e-9) / q.mean(axis=0))).sum(axis=1).mean())) for q in (p, noise)]
    picture("dcgan", nn.inspect.image_grid(made[:40, 0], columns=10))
    return {
        "inception score by a reader of digits (10 at most)": score[0],
        "of noise": score[1],
        "kinds of digits made": int((np.bincount(p.argmax(1), minlength=10) > 5).sum()),
    }


if __name__ == "__main__":
    run(main)
