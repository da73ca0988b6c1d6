"""MAML: learn where to start, so that one step of gradient descent is enough; differentiated through the step."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

from minigrad import Tensor, autograd
from nn.optim import Adam

PUBLISHED = "sine curves from 10 points: Finn, Abbeel and Levine, Model-agnostic meta-learning, 2017"
SIZES = ((1, 40), (40,), (40, 40), (40,), (40, 1), (1,))


def network(x, w):
    h = np.tanh(x @ w[0] + w[1])
    return np.tanh(h @ w[2] + w[3]) @ w[4] + w[5]


def adapted(w, x, y, rate, steps=1, create_graph=True):
    """The weights after some steps on one task; with a graph they can be differentiated with respect to the start."""
    for _ in range(steps):
        slopes = autograd.grad(((network(x, w) - y) ** 2).mean(), w, create_graph=create_graph)
        w = [p - rate * g for p, g in zip(w, slopes, strict=True)]
    return w


def sines(tasks, points, rng):
    """Curves of all heights and phases: (tasks, points, 1) each."""
    height, phase = rng.uniform(0.5, 3, (tasks, 1, 1)), rng.uniform(0, np.pi, (tasks, 1, 1))
    x = rng.uniform(-3, 3, (tasks, points, 1))
    return x.astype(np.float32), (height * np.sin(x + phase)).astype(np.float32)


def start(seed):
    rng = np.random.default_rng(seed)
    return [
        Tensor((rng.normal(size=s) / np.sqrt(s[0]) if len(s) > 1 else np.zeros(s)).astype(np.float32), requires_grad=True)
        for s in SIZES
    ]


def errors(w, rate, rng, steps=5, tasks=100):
    """The mean squared error after 0, 1, ... steps on ten points, over new curves."""
    x, y = sines(tasks, 60, rng)
    found = np.zeros(steps + 1)
    for a, b in zip(x, y, strict=True):
        now = [Tensor(p.data.copy(), requires_grad=True) for p in w]
        for step in range(steps + 1):
            found[step] += float(((network(Tensor(a[10:]), now) - b[10:]) ** 2).mean()) / tasks
            now = [
                Tensor(p.data, requires_grad=True) for p in adapted(now, Tensor(a[:10]), Tensor(b[:10]), rate, create_graph=False)
            ]
    return found


def main(updates=1000, tasks=8, rate=0.03):
    rng = np.random.default_rng(0)
    learned, ordinary = start(0), start(0)
    for w, meta in ((learned, True), (ordinary, False)):
        optimizer = Adam(w, lr=2e-3)
        for update in range(1, updates + 1):
            x, y = sines(tasks, 20, rng)
            loss = 0.0
            for a, b in zip(x, y, strict=True):
                now = adapted(w, Tensor(a[:10]), Tensor(b[:10]), rate) if meta else w
                loss = loss + ((network(Tensor(a[10:]), now) - b[10:]) ** 2).mean() / tasks
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if update % 250 == 0:
                print(f"{'MAML' if meta else 'on all curves at once'}, update {update}: {loss.item():.3f}")
    curves = {
        "MAML": errors(learned, rate, np.random.default_rng(1)),
        "trained on all curves": errors(ordinary, rate, np.random.default_rng(1)),
    }
    figure, axes = plt.subplots(1, 2, figsize=(9, 4))
    for name, found in curves.items():
        axes[0].plot(found, "o-", label=name)
    axes[0].set(xlabel="steps on ten points of a new curve", ylabel="squared error")
    axes[0].legend()
    x, y = sines(1, 10, rng)
    line = np.linspace(-3, 3, 100, dtype=np.float32)[:, None]
    for steps in (0, 1, 5):
        axes[1].plot(
            line,
            network(Tensor(line), adapted(learned, Tensor(x[0]), Tensor(y[0]), rate, steps)).detach().numpy(),
            label=f"{steps} steps",
        )
    axes[1].plot(x[0], y[0], "k.")
    axes[1].legend()
    picture("maml", figure)
    return {f"error after {k} steps, {name}": float(found[k]) for name, found in curves.items() for k in (0, 1, 5)}


if __name__ == "__main__":
    run(main)
