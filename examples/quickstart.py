"""A network learns to read handwritten digits, tanh is differentiated six times, and the network becomes a page to play with.

Run it with `make demo`, or `python examples/quickstart.py`; everything that it writes goes to `out/`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from tqdm import tqdm

import minigrad
import nn
from minigrad import Tensor, egrad, no_grad, viz
from nn.functional import cross_entropy


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The 1797 digits of 8x8 pixels inside scikit-learn: 1437 to learn from, 360 to test."""
    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 1, 8, 8) / 16).astype(np.float32)  # (N, C, H, W) in 0..1
    order = np.random.default_rng(0).permutation(len(images))
    train, test = order[:1437], order[1437:]
    return images[train], labels[train], images[test], labels[test]


def network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (N, 32, 4, 4)
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (N, 64, 2, 2)
        nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip


def shifted(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The images, moved by up to one pixel: the same digits to us, new ones to the network."""
    dy, dx = rng.integers(-1, 2, 2)
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    return padded[:, :, 1 + dy : 9 + dy, 1 + dx : 9 + dx]


def accuracy(model: nn.Module, x: np.ndarray, y: np.ndarray) -> float:
    with no_grad():
        return float((model(Tensor(x)).argmax(axis=1) == y).mean())


def train(epochs: int, batch: int = 32) -> tuple[nn.Module, Tensor, float]:
    """The trained network, the loss of its last batch, and its test accuracy."""
    minigrad.random.manual_seed(0)
    rng = np.random.default_rng(0)
    x, y, x_test, y_test = digits()
    model = network()
    optimizer = nn.optim.Adam(model.parameters(), lr=2e-3)
    bar = tqdm(total=epochs * (len(x) // batch), unit="batch")
    for epoch in range(epochs):
        optimizer.param_groups[0]["lr"] = 2e-3 * (1 - epoch / epochs)
        order = rng.permutation(len(x))
        for i in range(0, len(x) - batch + 1, batch):
            rows = order[i : i + batch]
            loss = cross_entropy(model(Tensor(shifted(x[rows], rng))), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            bar.update()
            bar.set_postfix(epoch=epoch + 1, loss=f"{loss.item():.3f}", refresh=False)
    bar.close()
    loss = cross_entropy(model(Tensor(x[:batch])), y[:batch])
    return model, loss, accuracy(model, x_test, y_test)


def draw(model: nn.Module, loss: Tensor, folder: Path) -> None:
    loss.name = "loss"
    drawing = viz.draw(loss, names=model)
    try:
        files = [drawing.render(folder / f"graph.{kind}") for kind in ("dot", "svg", "png")]
        print("The loss's computation graph:", ", ".join(map(str, files)))
    except viz.DotNotFoundError as error:
        print(f"A picture of the graph is not drawn: {error}. The page at the end needs nothing.")


class Reading(nn.Module):
    """What the page shows: a network, and how far it is from the truth."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def forward(self, images: np.ndarray, labels: np.ndarray) -> Tensor:
        return cross_entropy(self.network(images), labels)


def living_page(model: nn.Module, path: Path) -> Path:
    """The trained network with eight digits as one file, which computes again when a digit is painted."""
    images, labels, *_ = digits()
    viz.explore(Reading(model), images[:8], labels[:8], path=path, title="A network reads eight digits")
    return path.resolve()


def tanh(x):
    """Plain NumPy: nothing here knows of minigrad."""
    return (1 - np.exp(-2 * x)) / (1 + np.exp(-2 * x))


def closed_forms(x: np.ndarray) -> list[np.ndarray]:
    """tanh and its first six derivatives as polynomials in t = tanh x, by d/dx p(t) = p'(t) (1 - t^2)."""
    p = np.polynomial.Polynomial([0.0, 1.0])
    forms = []
    for _ in range(7):
        forms.append(p(np.tanh(x)))
        p = p.deriv() * np.polynomial.Polynomial([1.0, 0.0, -1.0])
    return forms


def derivatives(folder: Path) -> float:
    """Plot tanh and six derivatives; returns the largest error against the closed forms, relative to their size."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    x = np.linspace(-4, 4, 401)
    f, worst = tanh, 0.0
    figure, axes = plt.subplots(figsize=(8, 5))
    for order, expected in enumerate(closed_forms(x)):
        y = f(x)
        worst = max(worst, float(np.max(np.abs(y - expected)) / np.max(np.abs(expected))))
        axes.plot(x, y / np.max(np.abs(y)), label=f"derivative {order}" if order else "tanh")
        f = egrad(f)
    axes.set(title="tanh and its first six derivatives, each scaled to 1", xlabel="x")
    axes.legend(fontsize=8)
    figure.savefig(folder / "tanh.png", dpi=120)
    plt.close(figure)
    return worst


def main(argv: list[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=80)
    parser.add_argument("--out", type=Path, default=Path("out"))
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)

    began = time.perf_counter()
    model, loss, reached = train(args.epochs)
    print(f"Test accuracy on 360 digits never seen: {reached:.2%} after {time.perf_counter() - began:.0f} s")
    draw(model, loss, args.out)

    worst = derivatives(args.out)
    print(f"tanh and six derivatives by nesting egrad: {args.out / 'tanh.png'} (largest relative error {worst:.1e})")

    page = living_page(model, args.out / "digits.html")
    print(f"\nOpen this file in a browser (`python -m webbrowser {page.as_uri()}` does), it needs no network:\n{page}")
    print("Press Play, click on nodes, paint in the digits: all values and gradients are computed again.")
    return reached


if __name__ == "__main__":
    main()
