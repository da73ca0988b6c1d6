"""Trainer: the training loop that everybody writes, with validation, checkpoints and early stopping."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from minigrad import Tensor, no_grad, tree_map
from minigrad.devices import on_gpu_of
from minigrad.hints import explain_options
from minigrad.install import install

from ..checks import COUNT, FLAG, NUMBER, POSITIVE, Kind, check, checked_state, number
from ..modes import in_mode
from ..module import Module
from ..progress import progress_bar
from ..utils import clip_grad_norm_
from .alike import facts_of_training
from .arguments import check_batches, check_parts, check_writable, split
from .checkpoint import read_checkpoint, restore, save_checkpoint
from .history import History
from .interruptions import Mark, uninterrupted
from .team import Alone, Team

__all__ = ["Trainer"]


def _are_rows(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(row, dict)
        and all(isinstance(k, str) and NUMBER.holds(v) for k, v in row.items())
        for row in value
    )


ROWS = Kind("a list of dicts of numbers, one for each epoch", _are_rows)
NORM = Kind("a number above 0", lambda value: number(value) > 0)
STATES = Kind("a list of the states of callbacks", lambda value: isinstance(value, list))
PLACE = Kind("the state of a loader", lambda value: isinstance(value, dict), needed=False)


class Trainer:
    """Fits a model to batches (inputs ..., target).

    After an interruption (Ctrl-C, or an error) the trainer is where the last update left it.  `fit` called again goes on from
    there, or from the checkpoint where there is one, and ends where an undisturbed run ends, as long as the steps draw from
    `minigrad.random` alone.

    A model that is in training mode keeps modules that were put into evaluation mode before, as frozen layers are.

    Args:
        model: called with the inputs of a batch.
        optimizer: one of `nn.optim`, made of the model's parameters.
        loss: called with the model's output and the target.
        metrics: name -> function of output and target, averaged over the examples of an evaluation: what is no mean
            over examples (F1, a perplexity) is computed from `predict`, or from such means.
        scheduler: one of `nn.optim.lr_scheduler`; None: the learning rate stays.
        schedule: when the scheduler is stepped: after each "epoch" or after each update, "step".
        clip_norm: the largest norm of the gradients; None: they stay as they are.
        accumulate: how many batches make one update.
        callbacks: called with the trainer after each epoch; one that returns True ends the training.
            The state of one that has `state_dict` and `load_state_dict` is part of the checkpoints;
            its `check_state(state, checkpoint)`, where it has one, raises ValueError for a state
            that does not fit what the checkpoint holds besides.
            They are called once for each epoch, also when one was interrupted.
        checkpoint: a file that `fit` writes every `checkpoint_every` updates, after each epoch and at Ctrl-C, and goes on from;
            None: none is written.
            Of several processes SIGTERM counts as Ctrl-C; Open MPI's `mpiexec` alone leaves them a quarter of a second,
            `python -m nn.distributed.run` thirty seconds.
        checkpoint_every: after how many updates it is written besides; None: not within an epoch.
        progress: show a bar (needs tqdm).
        distributed: train in all processes that `mpiexec` has started, which run the same script:
            each takes its share of every batch of the loader, so that the batch size is that of all
            together, gradients are averaged, and losses and metrics are those of the whole.  The
            first process alone writes checkpoints and shows progress.
        reduction: with distributed=True, whether the loss is the "mean" over the examples of a batch or their "sum"; None:
            the Trainer finds out, by the loss of the whole of the first batch of each epoch, and raises ValueError
            where it is neither.

    Attributes:
        writes: whether this process is the one that writes files; False in all but the first where
            several train together.
        history: for each epoch a dict of "epoch", "loss", "lr", "val_loss" and metrics ("val_accuracy", say).
        stopped: whether a callback ended the training; set it to False to go on.

    >>> import nn
    >>> from nn.data import DataLoader, TensorDataset
    >>> x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
    >>> model = nn.Linear(1, 1)
    >>> trainer = Trainer(model, nn.optim.Adam(model.parameters(), lr=0.1), nn.functional.mse_loss, progress=False)
    >>> history = trainer.fit(DataLoader(TensorDataset(x, 3 * x + 1), 16, shuffle=True, seed=0), epochs=30)
    >>> len(history), history[-1]["loss"] < 1e-3
    (30, True)
    """

    #: What a checkpoint keeps of the loop itself, and what each must be: nothing else is ever set
    #: from a file.
    _progress: ClassVar[dict[str, Kind]] = {
        "history": ROWS, "updates": COUNT, "batches": COUNT, "running": NUMBER, "stopped": FLAG,
    }  # fmt: skip

    @explain_options
    def __init__(
        self, model: Module, optimizer: Any, loss: Callable[[Any, Any], Any],
        metrics: dict[str, Callable[[Any, Any], Any]] | None = None,
        scheduler: Any = None, schedule: str = "epoch", clip_norm: float | None = None, accumulate: int = 1,
        callbacks: Sequence[Callable[[Trainer], bool | None]] = (), checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int | None = None, progress: bool = True, distributed: bool = False,
        reduction: str | None = None,
    ) -> None:  # fmt: skip
        if schedule not in ("epoch", "step"):
            raise ValueError(f"Trainer: schedule must be 'epoch' or 'step', got {schedule!r}")
        check_parts(model, optimizer, loss, metrics, scheduler, callbacks)
        check("Trainer", "accumulate", accumulate, POSITIVE)
        if checkpoint_every is not None:
            check("Trainer", "checkpoint_every", checkpoint_every, POSITIVE)
        if clip_norm is not None:
            check("Trainer", "clip_norm", clip_norm, NORM)
        check("Trainer", "distributed", distributed, FLAG)
        if reduction not in (None, "mean", "sum"):
            raise ValueError(f"Trainer: reduction must be 'mean', 'sum' or None, got {reduction!r}")
        own_step = type(self).training_step is not Trainer.training_step
        self._team: Alone = Team(model, reduction, own_step) if distributed else Alone()
        self.writes = self._team.rank == 0
        self.model, self.optimizer, self.loss, self.metrics = model, optimizer, loss, metrics or {}
        self.scheduler, self.schedule, self.clip_norm, self.accumulate = scheduler, schedule, clip_norm, accumulate
        self.callbacks, self.progress = tuple(callbacks), progress
        self.checkpoint, self.checkpoint_every = None if checkpoint is None else Path(checkpoint), checkpoint_every
        self.history = History()
        self.updates, self.batches, self.running, self.stopped = 0, 0, 0.0, False
        self._place: Any = None  # where the loader goes on with an interrupted epoch
        self._validation: Any = None  # the loader of the validation, whose place checkpoints keep
        self._read = False  # whether all batches of the epoch were taken up
        self._called: int | None = None  # how many callbacks were called in an epoch whose row is written

    def training_step(self, batch: Any) -> Any:
        """The loss of a batch; override it for models that take something else."""
        inputs, target = split(batch)
        return self._team.loss(self.loss, self.model(*inputs), target)

    def fit(self, loader: Any, epochs: int, validation: Iterable[Any] | None = None) -> History:
        """Train until the history has `epochs` epochs in all; from the checkpoint on, where there is one.

        Args:
            loader: gives the batches, (inputs ..., target), of an epoch each time it is iterated: a `DataLoader`, or a list.
            epochs: how many in all, with those that the history has already.
            validation: batches to `evaluate` after each epoch; None: none.

        Raises:
            ValueError: a loader gives no batches.
            TypeError: there is a checkpoint, but the loader cannot say where it is; what is given
                gives no batches, or gives them once.
            OSError, TypeError: the checkpoint cannot be written; nothing is trained then.
            nn.distributed.DistributedError: several processes have different data or options; in all of them.
        """
        check("Trainer.fit", "epochs", epochs, COUNT)
        left = epochs - len(self.history)
        check_batches("the loader", loader, left)
        if validation is not None:
            check_batches("the validation", validation, left)
        if self.checkpoint is not None and not hasattr(loader, "state_dict"):
            raise TypeError(
                f"Trainer: a checkpoint keeps the place in the data, which a {type(loader).__name__} does not know: "
                "pass an nn.data.DataLoader"
            )
        self._validation = None
        if validation is not loader and hasattr(validation, "load_state_dict"):
            self._validation = Beginning(validation)
        self._team.compare("their options", facts_of_training(self, epochs, validation))
        loader = self._team.begin(loader, accumulate=self.accumulate)
        if self.checkpoint is not None and self.writes:
            check_writable(self.checkpoint, self.model)
        if self.checkpoint is not None and (content := self._team.content(self.checkpoint)) is not None:
            self._resume(loader, content)
            self._place, self._read, self._called = None, False, None
        with self._team.training():
            while self._called is not None or (len(self.history) < epochs and not self.stopped):
                if self._called is None:
                    if not self._read:
                        self._train_epoch(loader, f"epoch {len(self.history) + 1}/{epochs}")
                    self._close_epoch(validation)
                self._call_back(loader)
        return self.history

    def _train_epoch(self, loader: Any, title: str) -> None:
        """Take up what is left of an epoch; an interruption takes back what came after the last update."""
        if not self.model.training:
            self.model.train()
        if self._place is None:
            self._place = _next_state(loader)
        bar: Any = None
        batches: Any = None
        mark: Mark | None = None
        try:
            total = _length(loader)
            batches = self._left(loader)
            beside_model = self._mover()
            self._team.begin_pass(training=True)
            mark = Mark(self, batches)
            self.optimizer.zero_grad()
            bar = self._bar(batches, title, total)
            for batch in bar:
                self._backward(beside_model(batch), batches, total)
                if self.batches % self.accumulate and self.batches < total:
                    continue
                with uninterrupted():
                    self._update()
                    mark = Mark(self, batches, mark)
                    self._read = self.batches >= total
                if self.checkpoint_every and not self._read and self.updates % self.checkpoint_every == 0:
                    self._save(batches)
            if self.batches % self.accumulate and not self._read:  # a stream, which does not tell its last batch
                with uninterrupted():
                    self._update()
                    mark = Mark(self, batches, mark)
            if not self.batches:
                raise ValueError(f"Trainer: {_no_batches(loader)}")
            self._read = True
        except BaseException as error:
            if mark is not None:  # else nothing has changed since the epoch's place was noted
                self._place = mark.restore(self)
                if isinstance(error, KeyboardInterrupt) and self._place is not None and not self._read:
                    with uninterrupted():
                        self._save(Noted(self._place))
            raise
        finally:
            for thing in (bar, batches):
                if hasattr(thing, "close"):
                    thing.close()

    def _left(self, loader: Any) -> Iterator[Any]:
        """What is left of the epoch; after an interruption from the last update on."""
        knows_place = hasattr(loader, "load_state_dict")
        if knows_place and self._place is not None:
            loader.load_state_dict(self._place)
        batches = iter(loader)
        if not knows_place:
            next(islice(batches, self.batches, self.batches), None)  # skips so many
        return batches

    def _backward(self, batch: Any, batches: Any, total: float) -> None:
        with self._team.step(batches):
            loss = self.training_step(batch)
        taken = self.batches + 1
        is_last = taken % self.accumulate == 0 or taken >= total
        self.running += self._team.backward(loss, batches, self.accumulate, is_last)
        self.batches = taken

    def _update(self) -> None:
        if self.clip_norm is not None:
            clip_grad_norm_(self.model.parameters(), self.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.updates += 1
        if self.scheduler is not None and self.schedule == "step":
            self.scheduler.step()

    def _close_epoch(self, validation: Iterable[Any] | None) -> None:
        """The epoch's row of the history."""
        self._team.begin_pass(training=False)
        row = {
            "epoch": len(self.history) + 1,
            "loss": self.running / self.batches,
            "lr": self.optimizer.param_groups[0]["lr"],
        }
        if validation is not None:
            with _read_again_after_errors(validation):
                row |= {f"val_{name}": value for name, value in self.evaluate(validation).items()}
        with uninterrupted():
            self.history.append(row)
            self._place = None
            self.batches, self.running, self._read, self._called = 0, 0.0, False, 0
            if self.scheduler is not None and self.schedule == "epoch":
                watches = hasattr(self.scheduler, "patience")
                self.scheduler.step(*([row.get("val_loss", row["loss"])] if watches else []))

    def _call_back(self, loader: Any) -> None:
        """The callbacks that were not called yet in this epoch; then the checkpoint."""
        while self._called is not None and self._called < len(self.callbacks):
            answer = self.callbacks[self._called](self)
            self._called += 1
            self.stopped = self.stopped or self._team.told(bool(answer))
        self._save(Beginning(loader) if hasattr(loader, "state_dict") else None)
        self._called = None

    @no_grad()
    def evaluate(self, loader: Iterable[Any]) -> dict[str, float]:
        """The mean loss and metrics over batches, in evaluation mode; each module gets its own mode back.

        With distributed=True all processes must call it, and get the same.

        Args:
            loader: gives batches, (inputs ..., target).

        Returns:
            "loss", and each metric by its name.

        Raises:
            ValueError: the loader gives no batches.
        """
        losses: list[tuple[int, float]] = []
        totals = dict.fromkeys(self.metrics, 0.0)
        self._team.begin_pass(training=False)
        with in_mode(self.model, training=False):
            for batch in map(self._mover(), self._team.shares(loader)):
                inputs, target = split(batch)
                n = len(target)
                with self._team.share(n):  # also of nothing, since models may meet those of other processes
                    out = self.model(*inputs)
                    losses.append((n, float(self._team.loss(self.loss, out, target))))
                if n:
                    for name, metric in self.metrics.items():
                        totals[name] += n * float(metric(out, target))
        loss = self._team.losses(losses)
        *sums, rows = self._team.summed([*totals.values(), sum(n for n, _ in losses)])
        if not rows:
            raise ValueError(f"Trainer.evaluate: {_no_batches(loader)}")
        return {"loss": loss / rows} | {name: total / rows for name, total in zip(totals, sums, strict=True)}

    @no_grad()
    def predict(self, loader: Iterable[Any]) -> Tensor:
        """The outputs for all batches of inputs, or of (inputs, targets), one after the other.

        Args:
            loader: gives the batches; of a tuple or a list the first element alone is given to the model.

        Raises:
            ValueError: the loader gives no batches.
        """
        with in_mode(self.model, training=False):
            batches = map(self._mover(), loader)
            outs = [self.model(b[0] if isinstance(b, (tuple, list)) else b) for b in batches]
        if not outs:
            raise ValueError(f"Trainer.predict: {_no_batches(loader)}")
        with on_gpu_of(outs):
            return Tensor(np.concatenate([out.data for out in outs]))

    def _mover(self) -> Callable[[Any], Any]:
        """What moves a batch's tensors to the device of the model's parameters.

        The device is looked up once for many batches, since that walks through the whole model.
        """
        parameter = next(iter(self.model.parameters()), None)
        if parameter is None:
            return lambda batch: batch
        device = parameter.device

        def moved(x: Any) -> Any:
            return x.to(device) if isinstance(x, Tensor) and x.device != device else x

        return partial(tree_map, moved)

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """The history as curves (needs matplotlib); written to a file, where a path is given."""
        return self.history.plot(path)

    def _save(self, place: Any) -> None:
        """Write the checkpoint; `place` has the state of the place in the data, or is None."""
        if self.checkpoint is not None and self.writes:
            progress = {name: getattr(self, name) for name in self._progress}
            progress["callbacks"] = [callback.state_dict() for callback in self._stateful]
            if self._validation is not None:
                progress["validation"] = self._validation.state_dict()
            save_checkpoint(
                self.checkpoint, self.model, self.optimizer, self.scheduler, place, progress
            )

    def _resume(self, loader: Any, content: Any) -> None:
        """Go on from the checkpoint, a file; one of another training changes nothing."""
        assert self.checkpoint is not None
        note = read_checkpoint(content)
        place = Beginning(loader) if hasattr(loader, "load_state_dict") else None
        given = {
            "model": self.model,
            "optimizer": self.optimizer,
            "scheduler": self.scheduler,
            "loader": place,
        }
        try:
            progress, states, validation = self._checked(note, given)
        except ValueError as error:
            raise ValueError(
                f"{self.checkpoint} is no checkpoint of this training: {error}"
            ) from error
        callbacks = {f"callback {i}": callback for i, callback in enumerate(self._stateful)}
        parts = {name: part for name, part in (given | callbacks).items() if part is not None}
        note = note | dict(zip(callbacks, states, strict=True))
        if validation is not None and self._validation is not None:
            parts["validation"], note["validation"] = self._validation, validation
        restore(self.checkpoint, note, parts)
        vars(self).update(progress, history=History(progress["history"]))

    def _checked(
        self, note: dict[str, Any], given: dict[str, Any]
    ) -> tuple[dict[str, Any], list[Any], Any]:
        """Progress, states of callbacks and the place of the validation in a checkpoint, where it
        is one of such a training."""
        progress = checked_state(
            "Trainer", note["extra"], **self._progress, callbacks=STATES, validation=PLACE
        )
        validation = progress.pop("validation", None)
        states, callbacks = progress.pop("callbacks"), self._stateful
        for name, part in given.items():
            if part is None and name in note:
                raise ValueError(f"it holds the state of a {name}, and this training has none")
        if len(states) != len(callbacks):
            raise ValueError(
                f"it holds the states of {len(states)} callbacks, "
                f"this training has {len(callbacks)}"
            )
        for callback, state in zip(callbacks, states, strict=True):
            if hasattr(callback, "check_state"):
                callback.check_state(state, note)
        return progress, states, validation

    @property
    def _stateful(self) -> list[Any]:
        return [callback for callback in self.callbacks if hasattr(callback, "state_dict")]

    def _bar(self, batches: Iterator[Any], title: str, total: float) -> Any:
        if not self.progress or not self.writes:
            return batches
        length = None if total == inf else total
        bar = progress_bar(batches, desc=title, total=length, initial=self.batches)
        if bar is None:
            needed = install("train")
            raise ImportError(f"the progress bar needs tqdm: {needed}; or pass progress=False")
        return _with_loss(bar, self)


def _with_loss(bar: Any, trainer: Trainer) -> Iterable[Any]:
    try:
        for batch in bar:
            yield batch
            bar.set_postfix(loss=f"{trainer.running / max(trainer.batches, 1):.4f}")
    finally:
        bar.close()


class Beginning:
    """A loader whose state is where its next iteration begins, not where somebody last looked."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def state_dict(self) -> Any:
        """The state in which the next iteration begins."""
        state = _next_state(self.loader)
        return self.loader.state_dict() if state is None else state

    def load_state_dict(self, state: Any) -> None:
        """Begin the next iteration there."""
        self.loader.load_state_dict(state)


class Noted:
    """A place that was noted before."""

    def __init__(self, place: Any) -> None:
        self.place = place

    def state_dict(self) -> Any:
        return self.place


def _next_state(loader: Any) -> Any:
    """Where a loader's next iteration begins; None where it does not know."""
    next_state = getattr(loader, "next_state", None)
    return None if next_state is None else next_state()


@contextmanager
def _read_again_after_errors(loader: Any) -> Iterator[None]:
    """A loader that was not read to the end begins the same epoch again."""
    state = _next_state(loader)
    try:
        yield
    except BaseException:
        if state is not None:
            loader.load_state_dict(state)
        raise


def _length(loader: Any) -> float:
    """How many batches a loader gives; infinity where nobody knows."""
    try:
        return len(loader)
    except TypeError:
        return inf


def _no_batches(loader: Any) -> str:
    dropped = ", or smaller than a batch while drop_last=True" if getattr(loader, "drop_last", False) else ""
    return f"the loader gives no batches: its data set is empty{dropped}"
