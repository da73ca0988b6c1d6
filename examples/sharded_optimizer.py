"""An optimizer in pieces: each process keeps Adam's moments of its part of the weights (ZeRO's first stage).

Adam keeps two numbers, m and v, for each weight; in plain data-parallel training every process keeps all of them, and all
keep the same. Here the weights lie in one vector that is cut into as many parts as there are processes. A reduce-scatter
gives each process the sum of all gradients of its part alone; it changes that part, with the moments of that part; an
all-gather gives everybody the whole vector again. What travels is what an all-reduce moves, whose two halves these are.
The update of a weight reads no other weight, so that the result is that of one process, to the rounding of the sum.
`mpiexec -n 4 python examples/sharded_optimizer.py`.
Source: Rajbhandari, Rasley, Ruwase and He, ZeRO: memory optimizations toward training trillion parameter models, 2020.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import chosen, digits, picture, restart, run
from shared.processes import started

import nn
from minigrad import Tensor, no_grad
from nn import distributed
from nn.utils import parameters_to_vector, vector_to_parameters

PUBLISHED = "4 times less memory for weights, gradients and moments in mixed precision, on 64 GPUs (Rajbhandari et al., 2020)"


def network(hidden):
    """From the same start each time and in all processes."""
    restart()
    layers = [nn.Flatten(), nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(hidden, 10))


class Sharded:
    """Adam, of which each process keeps a part."""

    def __init__(self, parameters, lr):
        self.parameters = list(parameters)
        whole = parameters_to_vector(self.parameters).detach().numpy()
        self.mine = nn.Parameter(np.array_split(whole, distributed.world_size())[distributed.rank()].copy())
        self.adam = nn.optim.Adam([self.mine], lr)

    def step(self):
        """Change the weights by the sum of the gradients of all processes."""
        gradient = np.concatenate([p.grad.numpy().ravel() for p in self.parameters])
        self.mine.grad = Tensor(distributed.reduce_scatter(gradient))
        self.adam.step()
        parts = distributed.all_gather(self.mine.detach().numpy())
        vector_to_parameters(Tensor(np.concatenate(parts)), self.parameters)

    def zero_grad(self):
        for p in self.parameters:
            p.grad = None


def moments(optimizer):
    """The bytes of what an optimizer remembers."""
    return sum(value.nbytes for state in optimizer.state.values() for value in state.values() if np.ndim(value))


def trained(data, hidden, batch, epochs, sharded):
    """A model, and the optimizer that keeps moments; each process takes its part of every batch, or all of it."""
    model = network(hidden)
    optimizer = Sharded(model.parameters(), 1e-3) if sharded else nn.optim.Adam(model.parameters(), 1e-3)
    rank, size = (distributed.rank(), distributed.world_size()) if sharded else (0, 1)
    loader = nn.data.DataLoader(nn.data.TensorDataset(*data), batch, shuffle=True, seed=chosen())
    for _ in range(epochs):
        for x, y in loader:
            rows = np.array_split(np.arange(len(y)), size)[rank]
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows], reduction="sum") / len(y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model, optimizer.adam if sharded else optimizer


def draw(weights, whole, parts):
    """What lies in the memory of each process."""
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    names = ["plain Adam,\nevery process", *(f"in pieces,\nprocess {rank}" for rank in range(len(parts)))]
    below = np.zeros(len(names))
    for label, values in (("weights", weights), ("gradients", weights), ("moments", np.array([whole, *parts]))):
        heights = np.broadcast_to(values, below.shape) / 1e3
        axis.bar(names, heights, bottom=below, label=label)
        below += heights
    axis.set(ylabel="kB", title="Memory of a process")
    axis.legend()
    picture("sharded_optimizer", figure)


def main(processes=2, epochs=4, hidden=256, batch=100):
    """Args:
    processes: how many to start where mpiexec has not
    """
    if (found := started(__file__, processes, epochs=epochs, hidden=hidden, batch=batch)) is not None:
        return found
    train, (new, truth) = digits()
    model, adam = trained(train, hidden, batch, epochs, sharded=True)
    parts = distributed.gather(moments(adam))
    if distributed.rank() > 0:
        return {}
    plain, whole_adam = trained(train, hidden, batch, epochs, sharded=False)
    ends = [parameters_to_vector(m.parameters()).detach().numpy() for m in (model, plain, network(hidden))]
    draw(ends[0].nbytes, moments(whole_adam), parts)
    with no_grad():
        scores = model(Tensor(new)).numpy()
    return {
        "bytes of moments in a process, at most": max(parts),
        "baseline: bytes of moments in a process, plain Adam": moments(whole_adam),
        "processes": len(parts),
        "largest difference of a weight from one process": float(np.abs(ends[0] - ends[1]).max()),
        "baseline: largest change of a weight in training": float(np.abs(ends[1] - ends[2]).max()),
        "test accuracy": nn.metrics.accuracy(scores, truth),
        "chance: test accuracy": float(np.bincount(truth).max() / len(truth)),
    }


if __name__ == "__main__":
    run(main)
