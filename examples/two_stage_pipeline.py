"""A pipeline of two stages: each half of a network in a process of its own, and micro-batches so that both work at once.

The first process has the first half, f, the second one the other half, g, and the loss. For each micro-batch x_i the
first computes h_i = f(x_i) and sends it; the second computes the loss of g(h_i) and its gradient with respect to h_i,
and sends that back; the chain rule goes on in the first: `h_i.backward(gradient)`. The gradients of the micro-batches
add up to that of the batch, so that the weights are those of one process, to rounding. With a whole batch at a time one
process waits while the other works; of m micro-batches, 1 / (m + 1) of the time is lost at both ends. The picture has
both processes on one clock. `mpiexec -n 2 python examples/two_stage_pipeline.py`; one process alone takes turns with itself.
Source: Huang et al., GPipe: efficient training of giant neural networks using pipeline parallelism, 2019.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from shared import chosen, digits, picture, restart, run
from shared.processes import started

import nn
from minigrad import Tensor, no_grad
from nn import distributed
from nn.utils import parameters_to_vector

PUBLISHED = "3.5 times as fast on four times as many accelerators, with 32 micro-batches (a Transformer; Huang et al., 2019)"


def network(hidden):
    """From the same start in all processes: the two halves, and the whole."""
    restart()
    layers = [nn.Flatten(), nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()]
    layers += [nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 10)]
    return nn.Sequential(*layers[:5]), nn.Sequential(*layers[5:]), nn.Sequential(*layers)


def mean_loss(model, h, y, of):
    """The part of a micro-batch in the mean loss of a batch of so many."""
    return nn.functional.cross_entropy(model(h), y) * (len(y) / of)


class Clock:
    """What this process did, and when: (forward or backward, begin, end)."""

    def __init__(self):
        self.spans = []

    def during(self, what, work):
        began = time.perf_counter()
        out = work()
        self.spans.append([what, began, time.perf_counter()])
        return out


def first_stage(model, inputs, clock):
    """Activations forwards, then gradients backwards."""
    sent, outputs = [], []
    for i, x in enumerate(inputs):
        outputs.append(clock.during(0, lambda x=x: model(Tensor(x))))
        sent.append(distributed.send(outputs[-1].detach(), dst=1, tag=i, async_op=True))
    for i, h in enumerate(outputs):
        gradient = distributed.recv(src=1, tag=i)
        clock.during(1, lambda h=h, gradient=gradient: h.backward(gradient))
    for message in sent:
        message.wait()


def second_stage(model, targets, clock):
    """Loss and gradient of each micro-batch as soon as it comes."""
    sent, of = [], sum(map(len, targets))
    for i, y in enumerate(targets):
        h = distributed.recv(src=0, tag=i)
        h.requires_grad = True
        loss = clock.during(0, lambda h=h, y=y: mean_loss(model, h, y, of))
        clock.during(1, loss.backward)
        sent.append(distributed.send(h.grad, dst=0, tag=i, async_op=True))
    for message in sent:
        message.wait()


def both_stages(first, second, inputs, targets):
    """The same in one process."""
    of = sum(map(len, targets))
    for x, y in zip(inputs, targets, strict=True):
        out = first(Tensor(x))
        h = out.detach()
        h.requires_grad = True
        mean_loss(second, h, y, of).backward()
        out.backward(h.grad)


def batches(data, batch, epochs):
    loader = nn.data.DataLoader(nn.data.TensorDataset(*data), batch, shuffle=True, seed=chosen())
    return [[part.numpy() for part in pair] for _ in range(epochs) for pair in loader]


def trained(data, hidden, batch, parts, epochs):
    """Train with `parts` micro-batches a batch: this process's half or halves, and what it did in each step."""
    first, second, _ = network(hidden)
    rank, steps, spans = distributed.rank(), batches(data, batch, epochs), []
    mine = nn.Sequential(first, second) if distributed.world_size() == 1 else (first, second)[rank]
    optimizer = nn.optim.Adam(mine.parameters(), lr=1e-3)
    for x, y in steps:
        inputs, targets, clock = np.array_split(x, parts), np.array_split(y, parts), Clock()
        optimizer.zero_grad()
        if distributed.world_size() == 1:
            both_stages(first, second, inputs, targets)
        elif rank == 0:
            first_stage(first, inputs, clock)
        elif rank == 1:
            second_stage(second, targets, clock)
        optimizer.step()
        spans.append(clock.spans)
    return mine, spans


def in_one_process(data, hidden, batch, epochs):
    """The weights that a plain training of the whole network reaches."""
    *_, whole = network(hidden)
    optimizer = nn.optim.Adam(whole.parameters(), lr=1e-3)
    for x, y in batches(data, batch, epochs):
        optimizer.zero_grad()
        nn.functional.cross_entropy(whole(Tensor(x)), y).backward()
        optimizer.step()
    return whole


def flat(model):
    return parameters_to_vector(model.parameters()).detach().numpy()


def shortest(steps):
    """Of the step that took the least time what each process did; others were interrupted by other programs."""
    steps = np.stack(steps)  # (processes, steps, spans, 3)
    lengths = steps[..., 2].max(axis=(0, 2)) - steps[..., 1].min(axis=(0, 2))
    return steps[:, lengths.argmin()]


def draw(timed):
    """What each process did, on one clock."""
    figure, axes = plt.subplots(len(timed), figsize=(10, 3.6), sharex=True, layout="constrained")
    for axis, (parts, steps) in zip(axes, timed.items(), strict=True):
        spans = shortest(steps)
        zero = min(begin for of_rank in spans for _, begin, _ in of_rank)
        for rank, of_rank in enumerate(spans):
            for what, begin, end in of_rank:
                place = 1000 * (begin - zero)
                axis.barh(rank, 1000 * (end - begin), left=place, color=f"C{int(what)}", edgecolor="white")
        axis.set(yticks=[0, 1], yticklabels=["first half", "second half"])
        axis.set_title(f"{parts} micro-batches" if parts > 1 else "the whole batch")
        axis.invert_yaxis()
    axes[-1].set_xlabel("milliseconds of a step; blue: forwards, orange: backwards")
    picture("two_stage_pipeline", figure)


def main(processes=2, epochs=4, hidden=256, batch=128, parts=4):
    """Args:
    processes: how many to start where mpiexec has not: 1 or 2
    parts: micro-batches in a batch
    """
    settings = {"epochs": epochs, "hidden": hidden, "batch": batch, "parts": parts}
    if (found := started(__file__, processes, **settings)) is not None:
        return found
    if distributed.world_size() > 2:
        raise SystemExit("the pipeline has two stages: mpiexec -n 2 python examples/two_stage_pipeline.py")
    train, (new, truth) = digits()
    timed, stages = {}, []
    for count in (1, parts):
        mine, spans = trained(train, hidden, batch, count, epochs)
        stages.append(np.concatenate(distributed.all_gather(flat(mine))))
        timed[count] = distributed.gather(np.array(spans))
    sizes = distributed.gather(flat(mine).nbytes)
    if distributed.rank() > 0:
        return {}
    whole = in_one_process(train, hidden, batch, epochs)
    if len(sizes) > 1:
        draw(timed)
    with no_grad():
        scores = whole(Tensor(new)).numpy()
    plain, start = flat(whole), flat(network(hidden)[2])
    return {
        "largest difference of a weight from one process": float(np.abs(stages[1] - plain).max()),
        "baseline: largest change of a weight in training": float(np.abs(plain - start).max()),
        "processes": len(sizes),
        "bytes of the weights of the first process": sizes[0],
        "baseline: bytes of all weights": plain.nbytes,
        "test accuracy": nn.metrics.accuracy(scores, truth),
        "chance: test accuracy": float(np.bincount(truth).max() / len(truth)),
    }


if __name__ == "__main__":
    run(main)
