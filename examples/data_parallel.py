"""Data-parallel training: several processes share out each batch, and reach the weights of one process with the whole batch.

The gradient of a mean over a batch is the mean of the gradients of its parts, weighted by how many examples they have:

    d loss / d w = sum_r (n_r / n) d loss_r / d w

So each process computes the loss of its part of a batch; `DataParallel` averages the gradients over the processes while
the backward pass goes on, and all take the same step. The last batch of an epoch does not divide by the number of
processes; its parts count by their sizes. Sums in another order differ in the last bits, and so do the weights in the end,
in the seventh decimal or, rarely, the fifth; the same run again gives the same bits. What processes learn that never
average is far off.
`mpiexec -n 4 python examples/data_parallel.py`; without mpiexec the script starts itself in two processes.
Source: Li et al., PyTorch distributed: experiences on accelerating data parallel training, 2020.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import chosen, digits, picture, restart, run
from shared.processes import started

import nn
from minigrad import Tensor, no_grad
from nn import distributed
from nn.utils import parameters_to_vector

PUBLISHED = "near-linear scalability on 256 GPUs (Li et al., 2020)"


def network(hidden):
    """From the same start each time and in all processes."""
    restart()
    layers = [nn.Flatten(), nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(hidden, 10))


def flat(model):
    """All weights in one row."""
    return parameters_to_vector(model.parameters()).detach().numpy()


def trained(data, settings, part=(0, 1), average=True):
    """Train on part (r, n) of each batch: the model, and its weights after each epoch."""
    hidden, batch, epochs = settings
    rank, size = part
    model = network(hidden)
    parallel = distributed.DataParallel(model) if average and size > 1 else model
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    sampler = distributed.DistributedBatchSampler(len(data[1]), batch, seed=chosen(), num_replicas=size, rank=rank)
    batches, way = nn.data.DataLoader(nn.data.TensorDataset(*data), batch_sampler=sampler), []
    for _ in range(epochs):
        for x, y in batches:
            loss = nn.functional.cross_entropy(parallel(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        way.append(flat(model))
    return model, way


def draw(apart, size):
    """How far the weights of several processes are from those of one, by the epoch."""
    figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    for name, values in apart.items():
        axis.semilogy(range(1, len(values) + 1), values, "o-", label=name)
    axis.set(xlabel="epoch", ylabel="largest difference of a weight", title=f"{size} processes, and one with the whole batch")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.legend()
    picture("data_parallel", figure)


def main(processes=2, epochs=5, hidden=128, batch=75):
    """Args:
    processes: how many to start where mpiexec has not
    batch: examples for an update, of all processes together
    """
    if (found := started(__file__, processes, epochs=epochs, hidden=hidden, batch=batch)) is not None:
        return found
    train, (new, truth) = digits()
    settings, part = (hidden, batch, epochs), (distributed.rank(), distributed.world_size())
    model, way = trained(train, settings, part)
    _, again = trained(train, settings, part)
    _, apart = trained(train, settings, part, average=False)
    same = distributed.all_reduce(float((way[-1] == again[-1]).all()), "min")
    alike = distributed.all_gather(way[-1])
    if distributed.rank() > 0:
        return {}
    _, whole = trained(train, settings)
    differences = {
        name: [float(np.abs(a - b).max()) for a, b in zip(whole, other, strict=True)]
        for name, other in {"averaged gradients": way, "each on its own part, never averaged": apart}.items()
    }
    if part[1] > 1:
        draw(differences, part[1])
    with no_grad():
        scores = model(Tensor(new)).numpy()
    return {
        "largest difference of a weight from one process": differences["averaged gradients"][-1],
        "baseline: largest difference, never averaged": differences["each on its own part, never averaged"][-1],
        "baseline: largest change of a weight in training": float(np.abs(whole[-1] - flat(network(hidden))).max()),
        "processes": part[1],
        "examples in the last batch": len(train[1]) % batch or batch,
        "the same bits in all processes": all((other == alike[0]).all() for other in alike),
        "the same bits from run to run": bool(same),
        "test accuracy": nn.metrics.accuracy(scores, truth),
        "chance: test accuracy": float(np.bincount(truth).max() / len(truth)),
    }


if __name__ == "__main__":
    run(main)
