"""Data-parallel training: steps per second of 1, 2 and 4 processes of this machine, and what a network between machines allows.

    python -m benchmarks.distributed           measure, and print both tables in Markdown
    python -m benchmarks.distributed plan      the planned table alone

The first table trains the same model on the same batch, shared out among the processes, each with one thread.  The second
is arithmetic: in a ring all-reduce among n processes each sends 2 (n - 1) / n times the bytes of the gradients.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import nn
from examples.__main__ import load
from minigrad import Tensor
from nn import distributed
from nn.distributed.run import launch

from .__main__ import machine
from .networks import classes
from .steps import normal
from .timing import seconds_of

COUNTS = (1, 2, 4)
#: Gigabits a second of the networks that the plan is for.
NETWORKS = (10, 100)


# ------------------------------------------------------------------------------------- the plan

#: The gallery's networks in the sizes of their sources.
GALLERY: dict[str, Callable[[], nn.Module]] = {
    "LeNet-5": lambda: load("lenet").LeNet(),
    "character model, 3 LSTMs of 512": lambda: load("char_language_model").Model("LSTM", 100, 512, 3, 0.3),
    "GoogLeNet": lambda: load("googlenet").googlenet(),
    "ResNet-50": lambda: load("shared.residual").resnet("ResNet-50"),
    "Transformer, 6 + 6 layers of 512": lambda: load("transformer").Transformer(30, 12, 512, 8, 6),
    "AlexNet": lambda: load("alexnet").alexnet(),
    "VGG-16": lambda: load("vgg").vgg("VGG-16"),
}


def gradient_bytes(model: nn.Module) -> int:
    """The bytes of all gradients of a model."""
    return sum(p.data.nbytes for p in model.parameters() if p.requires_grad)


def sent_bytes(count: int, nbytes: float) -> float:
    """The bytes that each of `count` processes sends in a ring all-reduce, and receives.

    >>> sent_bytes(4, 1000)
    1500.0
    """
    return 2 * (count - 1) / count * nbytes


def network_seconds(nbytes: float, gigabits: float) -> float:
    """How long a network of so many gigabits a second takes for some bytes.

    >>> network_seconds(1.25e9, 10)
    1.0
    """
    return 8 * nbytes / (gigabits * 1e9)


def planned_row(name: str, model: nn.Module, count: int = 8) -> str:
    """A line of the planned table."""
    size = gradient_bytes(model)
    sent = sent_bytes(count, size)
    times = [f"{1000 * network_seconds(sent, speed):.3g} ms" for speed in NETWORKS]
    return f"| {name} | {size / 1e6:.3g} MB | {sent / 1e6:.3g} MB | " + " | ".join(times) + " |"


def plan() -> None:
    """Print the planned table."""
    speeds = " | ".join(f"at {speed} Gb/s" for speed in NETWORKS)
    print(f"| model | gradients | each of 8 processes sends | {speeds} |\n|---|---|---|---|---|")
    for name, make in GALLERY.items():
        print(planned_row(name, make()), flush=True)


# ------------------------------------------------------------------------------------ measured

Workload = tuple[nn.Module, np.ndarray, np.ndarray]


def mlp(batch: int = 512) -> Workload:
    """Three linear layers, 1.9 million parameters."""
    model = nn.Sequential(nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))
    return model, normal(batch, 784), classes(batch)


def cnn(batch: int = 128) -> Workload:
    """Two convolutions and two linear layers on 28x28 pixels, 0.4 million parameters."""
    layers = [nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU()]
    model = nn.Sequential(*layers, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10))
    return model, normal(batch, 1, 28, 28), classes(batch)


class Encoder(nn.Module):
    """Two encoder layers of 128 numbers, and the class of a sequence from their mean; 0.4 million parameters."""

    def __init__(self) -> None:
        layer = nn.TransformerEncoderLayer(128, 4, 512, dropout=0.0, batch_first=True)
        self.body, self.out = nn.TransformerEncoder(layer, 2), nn.Linear(128, 10)

    def forward(self, x: Any) -> Any:
        return self.out(self.body(x).mean(axis=1))


def transformer(batch: int = 64) -> Workload:
    return Encoder(), normal(batch, 32, 128), classes(batch)


WORKLOADS: dict[str, Callable[[], Workload]] = {"MLP": mlp, "CNN": cnn, "Transformer": transformer}


def measure(name: str, rounds: int) -> dict[str, float]:
    """Seconds of a training step on the whole batch, and of an all-reduce of its gradients alone; medians, on each rank."""
    model, x, y = WORKLOADS[name]()
    parallel, optimizer = distributed.DataParallel(model), nn.optim.SGD(model.parameters(), lr=0.01)
    rows = np.array_split(np.arange(len(y)), distributed.world_size())[distributed.rank()]
    x, y = Tensor(x[rows]), y[rows]
    gradients = np.zeros(gradient_bytes(model) // 4, np.float32)

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(parallel(x), y).backward()
        optimizer.step()

    return {"step": median(step, rounds), "all-reduce": median(lambda: distributed.all_reduce(gradients), rounds)}


def median(function: Callable[[], Any], rounds: int) -> float:
    """The median seconds of a call, after three that do not count, when all ranks begin together."""
    times = []
    for _ in range(rounds + 3):
        distributed.barrier()
        times.append(seconds_of(function))
    return statistics.median(times[3:])


def in_processes(name: str, count: int, rounds: int) -> dict[str, float]:
    """What `measure` finds in so many processes."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder, "found.json")
        command = [sys.executable, "-m", "benchmarks.distributed", "step", name, str(rounds), str(found)]
        if status := launch(command, count):
            raise SystemExit(f"{name} in {count} processes ended with status {status}")
        return json.loads(found.read_text("utf-8"))


def measured(rounds: int) -> None:
    """Print the measured table."""
    others = [count for count in COUNTS if count > 1]
    heads = " | ".join(f"{count} processes | all-reduce alone" for count in others)
    print(f"| one batch, shared out | 1 process | {heads} |\n|---|---|" + "---|---|" * len(others))
    for name, make in WORKLOADS.items():
        model, x, _ = make()
        found = {count: in_processes(name, count, rounds) for count in COUNTS}
        alone = found[1]["step"]
        cells = [f"{1000 * alone:.3g} ms"]
        for count in others:
            step, reduced = found[count]["step"], found[count]["all-reduce"]
            cells += [f"{1000 * step:.3g} ms (×{alone / step:.2f})", f"{1000 * reduced:.2g} ms"]
        label = f"{name}, {len(x)} examples, {gradient_bytes(model) / 1e6:.2g} MB of gradients"
        print(f"| {label} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", nargs="*", default=["all"], help="plan: the planned table alone")
    parser.add_argument("--rounds", type=int, default=15, help="steps of which the median is taken")
    args = parser.parse_args()
    if args.command[0] == "step":
        _, name, rounds, found = args.command
        values = measure(name, int(rounds))
        if distributed.rank() == 0:
            Path(found).write_text(json.dumps(values), "utf-8")
        return
    if args.command[0] != "plan":
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        busy = f", load average {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
        print(f"{machine()}{busy}, one thread in each process; the ratio is that of the speed to one process\n")
        measured(args.rounds)
        print()
    plan()


if __name__ == "__main__":
    main()
