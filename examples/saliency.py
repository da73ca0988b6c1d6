"""Where does a network look? Saliency and class-activation maps find the one digit among noise that it was asked about."""

import numpy as np
from shared import picture, run
from sklearn.datasets import load_digits

import nn
from minigrad import Tensor, no_grad
from nn.metrics import accuracy

PUBLISHED = "saliency: Simonyan et al., 2014; class activation: Zhou et al., 2016, Selvaraju et al., 2017"


def scenes(count, rng, images, labels, size=20):
    """Each a digit at some place in noise, (N, 1, size, size); where it is, and what."""
    which, places = rng.integers(0, len(labels), count), rng.integers(0, size - 8, (count, 2))
    x = 0.3 * rng.random((count, 1, size, size))
    for picture_, i, (r, c) in zip(x, which, places, strict=True):
        picture_[0, r : r + 8, c : c + 8] = np.maximum(picture_[0, r : r + 8, c : c + 8], images[i] / 16)
    return x.astype(np.float32), places, labels[which]


def main(steps=600):
    images, labels = load_digits().images, load_digits().target
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Conv2d(1, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(),
        nn.Conv2d(24, 48, 3, padding=1), nn.BatchNorm2d(48), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(48, 96, 3, padding=1), nn.BatchNorm2d(96), nn.ReLU(),
        nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(96, 10),
    )  # fmt: skip
    optimizer = nn.optim.Adam(model.parameters(), lr=3e-3)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(1, steps + 1):
        x, _, y = scenes(32, rng, images[:1400], labels[:1400])
        loss = nn.functional.cross_entropy(model(Tensor(x)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(f"step {step}: loss {loss.item():.3f}")
    model.eval()
    x, places, y = scenes(200, rng, images[1400:], labels[1400:])
    with no_grad():
        right = accuracy(model(Tensor(x)).numpy(), y)
    seen = nn.inspect.saliency(model, x)
    heat = nn.inspect.class_activation_map(model, x, model[9])
    hits = []
    for maps, scale in ((seen, 1), (heat, 2)):
        peak = np.array([np.unravel_index(m.argmax(), m.shape) for m in maps]) * scale + scale // 2
        hits.append(float(((peak >= places - 1) & (peak <= places + 8)).all(axis=1).mean()))
    shown = np.concatenate([x[:6, 0], seen[:6], np.kron(heat[:6], np.ones((2, 2)))])
    picture("saliency", nn.inspect.image_grid(shown, columns=6))
    return {"test accuracy": right, "saliency points at the digit": hits[0], "class activation points at the digit": hits[1]}


if __name__ == "__main__":
    run(main)
