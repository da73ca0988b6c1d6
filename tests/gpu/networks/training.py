"""Optimizers, schedules, averages, clipping, files, loading of data, the Trainer and metrics."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
import nn
from nn import functional as F
from nn.data import DataLoader, TensorDataset
from nn.optim import lr_scheduler, swa_utils

from .moved import add, case, made, on, ramp

X, Y = ramp(8, 4), np.array([0, 1, 2, 0, 1, 2, 2, 1])

OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.01, "maximize": True}),
    ("AdamW", {}),
    ("AdamW", {"amsgrad": True}),
    ("NAdam", {}),
    ("NAdam", {"weight_decay": 0.01, "decoupled_weight_decay": True}),
    ("RAdam", {}),
    ("RAdam", {"weight_decay": 0.01, "decoupled_weight_decay": True}),
    ("Adamax", {"weight_decay": 0.01}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9, "centered": True, "weight_decay": 0.01}),
    ("Adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.1, "weight_decay": 0.01}),
    ("Adadelta", {"weight_decay": 0.01}),
    ("Rprop", {}),
    ("ASGD", {"t0": 1, "weight_decay": 0.01}),
    ("Adafactor", {"weight_decay": 0.01}),
    ("Muon", {}),
    ("Muon", {"nesterov": False, "adjust_lr_fn": "match_rms_adamw"}),
    ("LBFGS", {"lr": 0.5, "max_iter": 4}),
    ("LBFGS", {"max_iter": 4, "line_search_fn": "strong_wolfe"}),
]


def network() -> Any:
    """A small classifier with first values of its own."""
    mg.random.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))


def matrices(name: str, model: Any) -> list[Any]:
    """What an optimizer may hold: Muon takes matrices alone."""
    return [p for p in model.parameters() if name != "Muon" or p.ndim == 2]


def step(model: Any, optimizer: Any, device: str) -> Any:
    """A step of training; the loss."""

    def closure() -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(on(device, X)), on(device, Y))
        loss.backward()
        return loss

    return optimizer.step(closure)


def optimizer_steps(row: tuple[str, dict[str, Any]], device: str) -> Any:
    """Three steps; then one of a copy that took up the state, as it is and from main memory."""
    name, options = row
    model = made(device, network())
    optimizer = getattr(nn.optim, name)(matrices(name, model), **options)
    losses = [step(model, optimizer, device) for _ in range(3)]
    found = [*losses, *(p.detach() for p in copy.deepcopy(model).parameters())]
    state = optimizer.state_dict()
    with tempfile.TemporaryDirectory() as folder:
        nn.save({"model": model.state_dict(), "optimizer": state}, f"{folder}/state")
        saved = nn.load(f"{folder}/state")
    for taken in (state, saved["optimizer"]):
        again = made(device, network())
        again.load_state_dict(saved["model"])
        other = getattr(nn.optim, name)(matrices(name, again), **options)
        other.load_state_dict(taken)
        step(again, other, device)
        found += list(again.parameters())
    return found


for number, row in enumerate(OPTIMIZERS):
    add(f"optimizer {number} {row[0]}", partial(optimizer_steps, row))


def state_from_the_other_device(row: tuple[str, dict[str, Any]], device: str) -> Any:
    """Steps in main memory, go on on the device, and back: as if nothing had moved."""
    name, options = row
    model = network()
    optimizer = getattr(nn.optim, name)(matrices(name, model), **options)
    step(model, optimizer, "cpu")
    model.to(device)
    moved = getattr(nn.optim, name)(matrices(name, model), **options)
    moved.load_state_dict(optimizer.state_dict())
    step(model, moved, device)
    model.to("cpu")
    back = getattr(nn.optim, name)(matrices(name, model), **options)
    back.load_state_dict(moved.state_dict())
    step(model, back, "cpu")
    return [p.detach().numpy() for p in model.parameters()]


for number, row in enumerate(OPTIMIZERS):
    add(f"moved state {number} {row[0]}", partial(state_from_the_other_device, row))


@case
def sparse_gradients_in_optimizers(device: str) -> Any:
    found = []
    for name, options in (("SGD", {"lr": 0.1, "momentum": 0.5}), ("SparseAdam", {}), ("Adagrad", {}), ("Adam", {})):
        mg.random.manual_seed(0)
        table = made(device, nn.Embedding(6, 3, sparse=name != "Adam"))
        optimizer = getattr(nn.optim, name)(table.parameters(), **options)
        for indices in ([1, 2, 2], [4, 1, 0]):
            optimizer.zero_grad()
            (table(on(device, np.array(indices))) ** 2).sum().backward()
            nn.utils.clip_grad_norm_(table.parameters(), 0.5)
            optimizer.step()
        found.append(table.weight)
    return found


@case
def rate_as_a_tensor(device: str) -> Any:
    """A learning rate in a Tensor of the device, and groups with their own options."""
    model = made(device, network())
    first, last = model[0], model[2]
    groups = [{"params": first.parameters()}, {"params": last.parameters(), "lr": 0.5, "weight_decay": 0.1}]
    optimizer = nn.optim.SGD(groups, lr=on(device, np.float32(0.1)), momentum=0.9)
    for _ in range(2):
        step(model, optimizer, device)
    return list(model.parameters())


SCHEDULES: list[tuple[str, Callable[[Any], Any]]] = [
    ("StepLR", lambda o: lr_scheduler.StepLR(o, 2)),
    ("OneCycleLR", lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=6)),
    ("CyclicLR", lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, 2)),
    ("ReduceLROnPlateau", lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=0)),
    ("SWALR", lambda o: swa_utils.SWALR(o, 0.05, 2)),
    ("ChainedScheduler", lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.ExponentialLR(o, 0.9)])),
    ("SequentialLR", lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.LinearLR(o), lr_scheduler.StepLR(o, 1)], [2])),
]


def schedule(make: Callable[[Any], Any], device: str) -> Any:
    """Rates step by step, with a metric of the device where one is watched; a state that moves to another."""
    model = made(device, network())
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    own = make(optimizer)
    rates = []
    for _ in range(4):
        loss = step(model, optimizer, device)
        own.step(*([loss.detach()] if hasattr(own, "patience") else []))
        rates.append(float(optimizer.param_groups[0]["lr"]))
    other = make(nn.optim.SGD(made(device, network()).parameters(), lr=0.1, momentum=0.9))
    other.load_state_dict(own.state_dict())
    return [rates, list(model.parameters()), other.last_epoch]


for name, make in SCHEDULES:
    add(f"schedule {name}", partial(schedule, make))


@case
def averages(device: str) -> Any:
    model = made(device, nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)))
    for p in model.parameters():
        p.data = mg.full_like(p.detach(), 0.25).data
    ema = nn.optim.EMA(model, 0.9)
    swa = swa_utils.AveragedModel(model)
    kept = swa_utils.AveragedModel(model, device="cpu", multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.9))
    buffers = swa_utils.AveragedModel(model, avg_fn=swa_utils.get_ema_avg_fn(0.9), use_buffers=True)
    for _ in range(3):
        model(on(device, X))
        model[0].weight.data = (model[0].weight.detach() + 1.0).data
        ema.update(model)
        for average in (swa, kept, buffers):
            average.update_parameters(model)
    swa_utils.update_bn([(X[:4],), (on(device, X[4:]),)], swa, device)
    again = nn.optim.EMA(model, 0.9)
    again.load_state_dict(ema.state_dict())
    from_memory = nn.optim.EMA(model, 0.9)
    from_memory.load_state_dict({k: v.detach().cpu() for k, v in ema.state_dict().items()})
    again.update(model)
    found = [list(m.module.parameters()) + list(m.module.buffers()) for m in (ema, swa, buffers, again, from_memory)]
    return [found, [p.numpy() for p in kept.module.requires_grad_(False).parameters()], swa(on(device, X))]


@case
def clipping(device: str) -> Any:
    found = []
    for clip in (
        lambda ps: nn.utils.clip_grad_norm_(ps, 0.1),
        lambda ps: nn.utils.clip_grad_norm_(ps, 0.1, norm_type=np.inf),
        lambda ps: nn.utils.clip_grad_norm_(ps, 0.1, norm_type=1, error_if_nonfinite=True),
        lambda ps: nn.utils.clip_grad_norm_(ps, 1e9),
        lambda ps: nn.utils.clip_grad_value_(ps, 0.01),
        lambda ps: nn.utils.clip_grads_with_norm_(ps, 0.1, nn.utils.get_total_norm([p.grad for p in ps])),
    ):
        model = made(device, network())
        F.cross_entropy(model(on(device, X)), on(device, Y)).backward()
        found += [clip(list(model.parameters())), *(p.grad for p in model.parameters())]
    vector = nn.utils.parameters_to_vector(model.parameters())
    nn.utils.vector_to_parameters(2 * vector, model.parameters())
    nn.utils.vector_to_parameters(vector.detach().cpu().numpy(), model.parameters())
    return [*[x for x in found if x is not None], vector, *model.parameters()]


@case
def gradients_that_are_not_finite(device: str) -> Any:
    """Huge ones are measured without an overflow, infinite ones are an error where that is asked for."""
    p = on(device, np.ones(3, np.float32), requires_grad=True)
    p.grad = on(device, np.full(3, 1e30, np.float32))
    found = [nn.utils.clip_grad_norm_(p, 1.0), p.grad]
    p.grad = on(device, np.array([1.0, np.inf, 0.0], np.float32))
    try:
        nn.utils.clip_grad_norm_(p, 1.0, error_if_nonfinite=True)
    except RuntimeError as error:
        found.append("the norm of order 2.0" in str(error))
    return found


# ---------------------------------------------------------------------------------------- files


@case
def files(device: str) -> Any:
    """A file written from the device is read into both, by name and by tree."""
    model = made(device, nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)))
    model(on(device, X))
    with tempfile.TemporaryDirectory() as folder:
        nn.save(model, f"{folder}/model")
        nn.save({"a": [on(device, X), (1, 2.0)], "b": {3: on(device, Y).data}}, f"{folder}/tree")
        there = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
        here = made(device, there)
        nn.load(f"{folder}/model", here)
        nn.load(f"{folder}/model", there)
        tree = nn.load(f"{folder}/tree")
    for layer in there:
        layer.requires_grad_(False)
    return [here.state_dict(), [v.numpy() for v in there.state_dict().values()], tree["a"][0].numpy(), tree["b"][3]]


@case
def checkpoints(device: str) -> Any:
    """A checkpoint of the device goes on there, and in main memory; and the other way round."""
    found: list[Any] = []
    with tempfile.TemporaryDirectory() as folder:
        for source, target in ((device, device), (device, "cpu"), ("cpu", device)):
            model = made(source, network())
            optimizer = nn.optim.Adam(model.parameters(), lr=0.1)
            planned = lr_scheduler.ExponentialLR(optimizer, 0.5)
            step(model, optimizer, source)
            planned.step()
            nn.training.save_checkpoint(f"{folder}/c", model, optimizer, planned)
            other = made(target, network())
            another = nn.optim.Adam(other.parameters(), lr=0.9)
            after = lr_scheduler.ExponentialLR(another, 0.5)
            nn.training.load_checkpoint(f"{folder}/c", other, another, after)
            step(other, another, target)
            found += [p.detach().cpu().numpy() for p in other.parameters()] + after.get_last_lr()
    return found


@case
def states(device: str) -> Any:
    """A state_dict from the other device, from NumPy's arrays, and with another dtype."""
    model = network()
    found: list[Any] = []
    for state in (
        network().state_dict(),
        made(device, network()).state_dict(),
        {k: v.detach().numpy().astype(np.float64) for k, v in network().state_dict().items()},
    ):
        target = made(device, model)
        for p in target.parameters():
            p.data = mg.zeros_like(p.detach()).data
        target.load_state_dict(state)
        found += list(target.parameters())
    target.load_state_dict({"0.bias": on(device, ramp(6))}, strict=False)
    return [*found, *target.parameters()]


# ------------------------------------------------------------------------------------ data, Trainer


@case
def batches(device: str) -> Any:
    """Data sets of the device's tensors; batches that are collated of them; sums over a loader."""
    x, y = on(device, X), on(device, Y)
    found: list[Any] = []
    for loader in (
        DataLoader(TensorDataset(x, y), 3),
        DataLoader(TensorDataset(x, y), 3, shuffle=True, seed=0),
        DataLoader([(x[i], y[i]) for i in range(8)], 3),
        DataLoader([{"x": x[i], "n": [y[i], y[i]]} for i in range(8)], 3),
        DataLoader(nn.data.ConcatDataset([TensorDataset(x), nn.data.Subset(TensorDataset(x), on(device, Y))]), 5),
        DataLoader(TensorDataset(x), 4, sampler=nn.data.WeightedRandomSampler(on(device, ramp(8, low=0.1)), 8)),
    ):
        for batch in loader:
            found += list(batch.values()) if isinstance(batch, dict) else list(batch)
    first, second = nn.data.random_split(TensorDataset(x, y), [5, 3])
    return [found, first[0], len(second)]


@case
def trainer(device: str) -> Any:
    """fit with validation, metrics, clipping and a schedule; evaluate; predict."""
    model = made(device, network())
    optimizer = nn.optim.Adam(model.parameters(), lr=0.1)
    run = nn.training.Trainer(
        model, optimizer, F.cross_entropy, metrics={"accuracy": nn.metrics.accuracy},
        scheduler=lr_scheduler.ReduceLROnPlateau(optimizer), clip_norm=0.5, accumulate=2, progress=False,
        callbacks=[nn.training.EarlyStopping("val_loss", patience=5)],
    )  # fmt: skip
    loader = DataLoader(TensorDataset(X, Y), 3)
    history = run.fit(loader, epochs=3, validation=loader)
    rows = [[row[k] for k in ("loss", "val_loss", "val_accuracy")] for row in history]
    return [rows, run.evaluate(loader), run.predict(loader), list(model.parameters())]


@case
def trainer_that_goes_on(device: str) -> Any:
    """From a checkpoint of the other device as from one of its own: as if nothing had happened."""
    found: list[Any] = []
    loader = partial(DataLoader, TensorDataset(X, Y), 3, shuffle=True, seed=1)
    with tempfile.TemporaryDirectory() as folder:
        for number, (first, second) in enumerate(((device, device), ("cpu", device), (device, "cpu"))):
            path = Path(folder) / str(number)
            for place, epochs in ((first, 2), (second, 4)):
                model = made(place, network())
                optimizer = nn.optim.Adam(model.parameters(), lr=0.1)
                run = nn.training.Trainer(model, optimizer, F.cross_entropy, checkpoint=path, progress=False)
                run.fit(loader(), epochs=epochs)
            found += [p.detach().cpu().numpy() for p in model.parameters()] + [row["loss"] for row in run.history]
    return found


@case
def metrics(device: str) -> Any:
    scores, classes = on(device, ramp(6, 3), requires_grad=True), on(device, Y[:6])
    m = nn.metrics
    report = m.precision_recall_f1(scores, classes)
    return [
        m.accuracy(scores, classes),
        m.accuracy(scores, classes, top_k=2),
        m.accuracy(scores.data, classes.data),
        m.accuracy(scores, Y[:6]),
        m.confusion_matrix(scores, classes),
        report.f1,
        m.perplexity(F.cross_entropy(scores, classes)),
    ]


@case
def searched(device: str) -> Any:
    """Scores of a search, and a stop, by numbers of the device."""
    result = nn.training.grid_search(lambda lr: on(device, np.float32((lr - 2) ** 2)), {"lr": [1.0, 2.0, 3.0]})
    return [str(result).count("lr") > 0]
