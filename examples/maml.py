"""MAML: learn where to start, so that one step of gradient descent is enough: a gradient through a step.

Each task is a sine curve of its own height and phase, known at ten points. From the start w one step on
them is taken, and the error there, on ten other points of the curve, is made small by moving the start:

    w' = w - a grad L_task(w),    minimize over w the sum over tasks of L_task(w')

so that the gradient goes through a gradient. A start that was trained on all curves at once says nearly the
mean curve, and one step does not help it much; neither does it help a random start. All begin with the same
weights.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, run, steps

import nn
from minigrad import Tensor, autograd, no_grad
from nn.optim import Adam

PUBLISHED = (
    "sine curves from 10 points, as a figure: Finn, Abbeel and Levine, Model-agnostic meta-learning, 2017"
)
SIZES = ((1, 40), (1, 40), (40, 40), (1, 40), (40, 1), (1, 1))


def network(x, w):
    """Points (tasks, points, 1), weights as in SIZES, or with an axis of the tasks before."""
    h = nn.functional.relu(x @ w[0] + w[1])
    return nn.functional.relu(h @ w[2] + w[3]) @ w[4] + w[5]


def adapted(w, x, y, rate, times=1, create_graph=True):
    """The weights of each task after some steps; with a graph, differentiable with respect to the start."""
    w = [p + np.zeros((len(x), 1, 1), np.float32) for p in w]  # each task gets its own
    for _ in range(times):
        loss = ((network(x, w) - y) ** 2).mean(axis=(1, 2)).sum()
        w = [p - rate * g for p, g in zip(w, autograd.grad(loss, w, create_graph=create_graph), strict=True)]
    return w


def sines(tasks, points, span, rng):
    """Curves of all heights and phases: (tasks, points, 1) each."""
    height, phase = rng.uniform(0.1, 5, (tasks, 1, 1)), rng.uniform(0, np.pi, (tasks, 1, 1))
    x = rng.uniform(-span, span, (tasks, points, 1))
    return Tensor(x.astype(np.float32)), Tensor((height * np.sin(x + phase)).astype(np.float32))


def start():
    """Weights of He's deviation, the first ones smaller, since x is large; biases 0."""
    rng, scale = generator(0), (0.3, 0, np.sqrt(2 / 40), 0, np.sqrt(2 / 40), 0)
    return nn.ParameterList(
        Tensor((rng.normal(size=s) * c).astype(np.float32)) for s, c in zip(SIZES, scale, strict=True)
    )


def train(name, meta, updates, tasks, rate, lr, span):
    """A start for all curves: by the error after a step, or without one."""
    w, rng = start(), generator(1)
    optimizer = Adam(w.parameters(), lr=lr)
    for update in steps(updates, w, optimizer, rng, name=name):
        x, y = sines(tasks, 20, span, rng)
        now = adapted(list(w), x[:, :10], y[:, :10], rate) if meta else list(w)
        loss = ((network(x[:, 10:], now) - y[:, 10:]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (update + 1) % max(updates // 4, 1) == 0:
            print(f"{name}, update {update + 1}: {loss.item():.3f}")
    return list(w)


def errors(w, rate, span, last=10, tasks=500):
    """The mean squared error after 0, 1, ... steps on ten points, over new curves."""
    x, y = sines(tasks, 60, span, generator(2))
    now, found = w, []
    for _ in range(last + 1):
        with no_grad():
            found.append(float(((network(x[:, 10:], now) - y[:, 10:]) ** 2).mean()))
        now = adapted(
            [Tensor(p.data, requires_grad=True) for p in now], x[:, :10], y[:, :10], rate, create_graph=False
        )
    return found


def draw(curves, w, rate, span):
    """The errors by the number of steps, and one new curve before and after steps from the learned start."""
    figure, axes = plt.subplots(1, 2, figsize=(12, 4.4), layout="constrained")
    for name, found in curves.items():
        axes[0].plot(found, "o-", label=name)
    axes[0].set(xlabel="steps on ten points of a new curve", ylabel="squared error", ylim=(0, None), title="500 new curves")
    axes[0].legend()
    rng, line = generator(3), np.linspace(-span, span, 200, dtype=np.float32)[None, :, None]
    phase, x = rng.uniform(0, np.pi), rng.uniform(-span, span, (1, 10, 1)).astype(np.float32)
    axes[1].plot(line[0, :, 0], 3 * np.sin(line[0, :, 0] + phase), "k:", label="the curve")
    for times in (0, 1, 10):
        now = adapted(w, Tensor(x), Tensor(3 * np.sin(x + phase).astype(np.float32)), rate, times)
        found = network(Tensor(line), now).detach().numpy()
        axes[1].plot(line[0, :, 0], found[0, :, 0], label=f"{times} step{'s' * (times != 1)} from MAML's start")
    axes[1].plot(x[0], 3 * np.sin(x[0] + phase), "ko", label="ten points")
    axes[1].set(xlabel="x", ylabel="y", title="one of them")
    axes[1].legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    picture("maml", figure)


def main(updates=1500, tasks=25, rate=0.01, lr=3e-3, span=5.0):
    """Learn a start, and take steps from it on new curves.

    Args:
        tasks: curves for an update
        rate: of the steps on a curve, a
        lr: the learning rate of the start
        span: x is between - span and span
    """
    learned = train("MAML", True, updates, tasks, rate, lr, span)
    ordinary = train("all curves at once", False, updates, tasks, rate, lr, span)
    curves = {
        name: errors(w, rate, span)
        for name, w in (("MAML", learned), ("all curves at once", ordinary), ("random start", list(start())))
    }
    draw(curves, learned, rate, span)
    _, y = sines(500, 60, span, generator(2))
    return {
        "error after 0 steps": curves["MAML"][0], "error after 1 step": curves["MAML"][1],
        "error after 10 steps": curves["MAML"][10], "chance: error of the constant 0": float((y**2).mean()),
        "baseline: after 1 step, all curves at once": curves["all curves at once"][1],
        "baseline: after 10 steps, all curves at once": curves["all curves at once"][10],
        "baseline: after 10 steps, random start": curves["random start"][10],
    }  # fmt: skip


FULL = {"updates": 70_000, "lr": 1e-3}

if __name__ == "__main__":
    run(main)
