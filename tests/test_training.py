"""Trainer and checkpoints: learning, resuming bit for bit after SIGKILL, damaged files."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from nn import functional as F
from nn import metrics
from nn.data import DataLoader, Dataset, IterableDataset, TensorDataset
from nn.training import EarlyStopping, Trainer, interruptions, load_checkpoint, save_checkpoint

from .versions import posix

rng = np.random.default_rng(0)
X = rng.normal(size=(120, 4)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)


def parts(seed: int = 0) -> tuple[Any, Any, Any, Any]:
    mg.random.manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 2))
    optimizer = nn.optim.Adam(model.parameters(), lr=0.02)
    scheduler = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, 30)
    return model, optimizer, scheduler, DataLoader(TensorDataset(X, Y), 16, shuffle=True, seed=seed)


def trainer(folder: Path | None, **options: Any) -> tuple[Trainer, Any]:
    model, optimizer, scheduler, loader = parts()
    checkpoint = None if folder is None else folder / "run.safetensors"
    made = Trainer(
        model,
        optimizer,
        F.cross_entropy,
        {"accuracy": metrics.accuracy},
        scheduler,
        checkpoint=checkpoint,
        progress=False,
        **options,
    )
    return made, loader


def weights(model: nn.Module) -> bytes:
    return b"".join(v.numpy().tobytes() for v in model.state_dict().values())


def test_it_learns_and_keeps_a_history(tmp_path: Path) -> None:
    made, loader = trainer(None, clip_norm=1.0)
    validation = DataLoader(TensorDataset(X, Y), 50)
    history = made.fit(loader, 30, validation)
    assert history[-1]["val_accuracy"] > 0.9
    assert history[-1]["loss"] < history[0]["loss"]
    assert history[-1]["lr"] < 0.001
    assert made.predict(validation).shape == (120, 2)
    assert made.evaluate(validation)["accuracy"] == history[-1]["val_accuracy"]
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    made.plot(tmp_path / "history.png")
    assert (tmp_path / "history.png").read_bytes()[:4] == b"\x89PNG"


def test_accumulation_is_a_larger_batch() -> None:
    results = []
    for size, accumulate in ((40, 1), (10, 4)):
        mg.random.manual_seed(0)
        model = nn.Linear(4, 2)
        made = Trainer(model, nn.optim.SGD(model.parameters(), lr=0.1), F.cross_entropy, accumulate=accumulate, progress=False)
        made.fit(DataLoader(TensorDataset(X, Y), size), 2)
        assert made.updates == 6
        results.append(model.weight.detach().numpy())
    np.testing.assert_allclose(*results, rtol=1e-5)


def test_early_stopping_restores_the_best_weights() -> None:
    made, loader = trainer(None, callbacks=[EarlyStopping("val_accuracy", patience=2, mode="max")])
    validation = DataLoader(TensorDataset(X, Y), 120)
    history = made.fit(loader, 200, validation)
    assert len(history) < 200
    assert made.evaluate(validation)["accuracy"] == max(row["val_accuracy"] for row in history)
    with pytest.raises(KeyError, match="'val_f1', but the history has epoch, loss, lr"):
        EarlyStopping("val_f1")(made)


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("stop", [1, 5, 8, 9, 17])
def test_a_run_that_is_stopped_goes_on_bit_for_bit(tmp_path: Path, every: int, stop: int) -> None:
    undisturbed, loader = trainer(None, checkpoint_every=every)
    undisturbed.fit(loader, 4)
    broken, loader = trainer(tmp_path, checkpoint_every=every)
    step, count = broken.training_step, [0]

    def failing(batch: Any) -> Any:
        count[0] += 1
        if count[0] == stop:
            raise KeyboardInterrupt
        return step(batch)

    broken.training_step = failing  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        broken.fit(loader, 4)
    again, loader = trainer(tmp_path, checkpoint_every=every)
    again.fit(loader, 4)
    assert weights(again.model) == weights(undisturbed.model)
    assert again.history == undisturbed.history


def test_an_interruption_writes_the_checkpoint_of_the_last_update(tmp_path: Path) -> None:
    """So nothing is trained twice; an error writes nothing, since it may come from what the update did."""
    for error, expected in ((KeyboardInterrupt, 8 + 3), (ValueError, 8)):  # 8 an epoch
        folder = tmp_path / error.__name__
        folder.mkdir()
        made, loader = trainer(folder)
        step = made.training_step

        def failing(batch: Any, made: Any = made, step: Any = step, error: Any = error) -> Any:
            if made.updates == 8 + 3:
                raise error
            return step(batch)

        made.training_step = failing  # type: ignore[method-assign]
        with pytest.raises(error):
            made.fit(loader, 4)
        again, loader = trainer(folder)
        again.training_step = lambda batch, again=again: pytest.fail(f"after {again.updates}")  # type: ignore
        with pytest.raises(pytest.fail.Exception, match=f"after {expected}$"):
            again.fit(loader, 4)


@pytest.mark.parametrize("stop", [1, 4, 7, 99])
def test_early_stopping_goes_on_where_a_run_was_stopped(tmp_path: Path, stop: int) -> None:
    """Interrupted in the middle of an epoch: the same epoch ends the training, with the same best weights."""
    validation = DataLoader(TensorDataset(X[:20], Y[:20]), 20)

    def run(folder: Path | None, fails_after: int) -> Trainer:
        made, loader = trainer(folder, callbacks=[EarlyStopping("val_loss", patience=2)])
        step = made.training_step

        def failing(batch: Any) -> Any:
            if len(made.history) == fails_after and made.batches == 3:
                raise KeyboardInterrupt
            return step(batch)

        made.training_step = failing  # type: ignore[method-assign]
        with contextlib.suppress(KeyboardInterrupt):
            made.fit(loader, 100, validation)
        return made

    undisturbed = run(None, -1)
    assert undisturbed.stopped and 8 < len(undisturbed.history) < 90
    run(tmp_path, stop)
    again = run(tmp_path, -1)
    assert weights(again.model) == weights(undisturbed.model)
    assert run(tmp_path, -1).history == again.history == undisturbed.history


# ------------------------------------------------------------------------- interruptions


class Interrupts:
    """Calls a function; raises KeyboardInterrupt before its call of that number, or after it."""

    def __init__(self, function: Any, at: int, after: bool = False) -> None:
        self.function, self.at, self.after, self.calls = function, at, after, 0

    def __call__(self, *args: Any, **options: Any) -> Any:
        self.calls += 1
        if self.calls == self.at and not self.after:
            raise KeyboardInterrupt
        out = self.function(*args, **options)
        if self.calls == self.at:
            raise KeyboardInterrupt
        return out


def fitted(made: Trainer, loader: Any, **options: Any) -> tuple[bytes, Any, int]:
    """What a training ends with, which is called again when it is interrupted."""
    for _ in range(3):
        with contextlib.suppress(KeyboardInterrupt):
            made.fit(loader, 3, **options)
            break
    return weights(made.model), made.history, made.updates


@pytest.mark.parametrize("options", [{}, {"accumulate": 3}, {"accumulate": 2, "schedule": "step", "clip_norm": 0.5}])
@pytest.mark.parametrize("at", [1, 2, 7, 8, 9, 12, 24])
def test_fit_after_an_interruption_ends_where_an_undisturbed_one_does(at: int, options: dict[str, Any]) -> None:
    """Without a checkpoint: weights, statistics of BatchNorm, dropout, history, and the number of updates."""
    expected = fitted(*trainer(None, **options))
    for name in ("loss", "training_step"):
        for after in (False, True):
            made, loader = trainer(None, **options)
            setattr(made, name, Interrupts(getattr(made, name), at, after))
            assert fitted(made, loader) == expected


def test_an_interruption_while_a_batch_is_fetched_or_behind_the_last() -> None:
    expected = fitted(*trainer(None))
    for at in (1, 4, 8, 9, 11):
        made, loader = trainer(None)
        loader.collate_fn = Interrupts(lambda items: tuple(map(mg.Tensor, map(np.array, zip(*items, strict=True)))), at)
        assert fitted(made, loader) == expected


@pytest.mark.parametrize("at", [1, 2, 3])
def test_an_interruption_in_the_validation_or_in_a_callback(at: int) -> None:
    """The epoch does not grow, its row is written once, and each callback is called once for it."""
    validation = DataLoader(TensorDataset(X[:20], Y[:20]), 20)

    def run(interrupts: str) -> Any:
        seen: list[int] = []
        callbacks = [lambda t: seen.append(len(t.history)), EarlyStopping(patience=9), lambda t: None]
        if interrupts == "callback":
            callbacks[2] = Interrupts(callbacks[2], at)
        made, loader = trainer(None, callbacks=callbacks)
        if interrupts == "evaluate":
            made.evaluate = Interrupts(made.evaluate, at, after=True)  # type: ignore[method-assign]
        result = fitted(made, loader, validation=validation)
        return result, seen, callbacks[1].state_dict()["bad_epochs"]

    assert run("evaluate") == run("callback") == run("nothing")


def test_fit_goes_on_with_a_list_of_batches_and_with_a_stream() -> None:
    class Stream(IterableDataset):
        def __iter__(self) -> Any:
            return iter([(x, y) for x, y in zip(X, Y, strict=True)])

    batches = [(mg.Tensor(X[i : i + 16]), mg.Tensor(Y[i : i + 16])) for i in range(0, 120, 16)]
    for loader in (batches, DataLoader(Stream(), 16)):
        expected = fitted(trainer(None, accumulate=3)[0], loader)
        assert expected[2] == 9
        for at in (1, 5, 8, 9, 24):
            made, _ = trainer(None, accumulate=3)
            made.loss = Interrupts(made.loss, at)
            assert fitted(made, loader) == expected


def test_an_error_takes_back_what_it_left_half_done() -> None:
    made, loader = trainer(None, accumulate=4)
    made.loss = Interrupts(made.loss, 6)
    with pytest.raises(KeyboardInterrupt):
        made.fit(loader, 1)
    assert all(p.grad is None for p in made.model.parameters())
    assert (made.batches, made.updates) == (4, 1)


def test_gradients_of_before_do_not_enter_the_first_update() -> None:
    expected = fitted(*trainer(None))
    made, loader = trainer(None)
    for p in made.model.parameters():
        p.grad = mg.ones_like(p.detach())
    assert fitted(made, loader) == expected


@posix
def test_ctrl_c_waits_for_the_end_of_an_update() -> None:
    """The signal arrives in the optimizer's step, between two parameters."""
    expected = fitted(*trainer(None))
    made, loader = trainer(None)
    step, calls = made.optimizer.step, []

    def interrupted() -> None:
        calls.append(1)
        if len(calls) == 5:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
        step()

    made.optimizer.step = interrupted
    with pytest.raises(KeyboardInterrupt):
        made.fit(loader, 3)
    assert made.updates == 5
    assert fitted(made, loader) == expected
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class Masked(nn.Module):
    """Has a large constant buffer, and a large one that each forward changes, or one alone."""

    def __init__(self, only: int | None = None) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)
        self.mask = nn.Buffer(np.ones(100_000, np.float32))
        self.total = nn.Buffer(np.zeros(100_000, np.float32))
        self.calls, self.only = 0, only

    def forward(self, x: Any) -> Any:
        self.calls += 1
        if self.only in (None, self.calls):
            self.total.data += 1.0
        return self.layer(x)


def fit_masked(model: Masked, calls: int) -> DataLoader:
    """Train until the loss is called that often, and is interrupted then."""
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1)
    loader = DataLoader(TensorDataset(X, Y), 16)
    made = Trainer(model, optimizer, Interrupts(F.cross_entropy, calls), progress=False)
    with pytest.raises(KeyboardInterrupt):
        made.fit(loader, 2)
    return loader


def test_large_buffers_that_change_go_back_to_the_last_update() -> None:
    model = Masked()
    fit_masked(model, 6)
    assert model.calls == 6 and model.total.data[0] == 5.0


def test_large_constant_buffers_are_not_copied_at_each_update(monkeypatch: Any) -> None:
    marks: list[Any] = []
    make = interruptions.Mark.__init__

    def noted(self: Any, *args: Any) -> None:
        make(self, *args)
        marks.append({name: kept.values for name, kept in self.buffers.items()})

    monkeypatch.setattr(interruptions.Mark, "__init__", noted)
    fit_masked(Masked(), 6)
    assert len(marks) == 6
    assert all(mark["mask"] is marks[0]["mask"] for mark in marks)
    assert len({id(mark["total"]) for mark in marks}) == 6


def test_a_large_buffer_that_changes_late_and_cannot_go_back_is_named() -> None:
    with pytest.warns(UserWarning, match="the large buffer 'total' was changed after updates"):
        fit_masked(Masked(only=4), 6)


def test_the_device_is_looked_up_once_for_many_batches(monkeypatch: Any) -> None:
    made, loader = trainer(None)
    walks: list[int] = []
    walk = made.model.parameters
    monkeypatch.setattr(made.model, "parameters", lambda *a: walks.append(1) or walk(*a))
    made.fit(loader, 1)
    made.evaluate(loader)
    assert len(loader) > 2 and len(walks) == 2


@posix
def test_workers_end_with_a_training_that_fails() -> None:
    made, _ = trainer(None)
    made.loss = Interrupts(made.loss, 3)
    data = TensorDataset(X, Y)
    loader = DataLoader(data, 16, num_workers=2, workers="processes", multiprocessing_context="fork")
    with pytest.raises(KeyboardInterrupt) as caught:
        made.fit(loader, 1)
    assert caught.traceback and not multiprocessing.active_children()


# --------------------------------------------------------------------------- modes, no data


def modes(model: nn.Module) -> list[bool]:
    return [module.training for module in model.modules()]


def failing(*args: Any) -> Any:
    raise ValueError("this fails")


def test_evaluation_gives_each_module_its_mode_back() -> None:
    """Also after an error; a module that was frozen stays so, and fit leaves it so."""
    made, loader = trainer(None)
    made.model[1].eval()
    before, statistics = modes(made.model), made.model[1].running_mean.tolist()
    made.evaluate(loader)
    made.predict(loader)
    assert modes(made.model) == before == [True, True, False, True, True, True]
    made.loss, loss = failing, made.loss
    with pytest.raises(ValueError, match="this fails"):
        made.evaluate(loader)
    made.loss = loss
    with pytest.raises(ValueError):
        made.predict([X[:, :3]])
    assert modes(made.model) == before
    made.fit(loader, 1, loader)
    assert modes(made.model) == before
    assert made.model[1].running_mean.tolist() == statistics


def test_a_model_in_evaluation_mode_is_trained_in_training_mode() -> None:
    made, loader = trainer(None)
    made.model.eval()
    assert not any(modes(made.model))
    made.evaluate(loader)
    assert not any(modes(made.model))
    made.fit(loader, 1)
    assert all(modes(made.model))


def test_evaluation_does_not_move_dropout_or_statistics() -> None:
    made, _ = trainer(None)
    before, loader = weights(made.model), DataLoader(TensorDataset(X, Y), 16)
    assert made.evaluate(loader) == made.evaluate(loader)
    assert weights(made.model) == before


def test_no_batches_are_an_error() -> None:
    made, _ = trainer(None)
    empty = DataLoader(TensorDataset(X[:0], Y[:0]), 4)
    short = DataLoader(TensorDataset(X[:3], Y[:3]), 4, drop_last=True)
    for use in (lambda loader: made.fit(loader, 1), made.evaluate, made.predict):
        for loader in (empty, []):
            with pytest.raises(ValueError, match="gives no batches: its data set is empty"):
                use(loader)
        with pytest.raises(ValueError, match="drop_last=True"):
            use(short)
    assert made.history == []


def test_a_checkpoint_needs_a_loader_that_knows_its_place(tmp_path: Path) -> None:
    made, _ = trainer(tmp_path)
    with pytest.raises(TypeError, match="place in the data.*DataLoader"):
        made.fit([(X, Y)], 1)


def test_a_checkpoint_keeps_any_tree(tmp_path: Path) -> None:
    model = nn.Linear(2, 2)
    tree = {"a": (1, 2.5, None, "x"), "b": [np.arange(3, dtype=np.int8), {"c": mg.Tensor(7.0)}], "d": np.float64(0.1)}
    save_checkpoint(tmp_path / "tree", model, extra=tree)
    found = load_checkpoint(tmp_path / "tree", model)
    assert found["a"] == tree["a"]
    assert found["b"][0].tolist() == [0, 1, 2] and found["b"][0].dtype == np.int8
    assert found["b"][1]["c"] == 7 and found["d"] == 0.1


RUN = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.test_training import trainer, weights
import hashlib, json
made, loader = trainer(Path(sys.argv[1]), checkpoint_every=1)
history = made.fit(loader, 25)
print(json.dumps([hashlib.sha256(weights(made.model)).hexdigest(), history]))
"""


@posix
def test_a_run_that_is_killed_goes_on_bit_for_bit(tmp_path: Path) -> None:
    """SIGKILL at random moments, six times; what is left is always a whole checkpoint."""
    code = RUN.format(root=str(Path(__file__).resolve().parent.parent))
    command = [sys.executable, "-c", code]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    expected = json.loads(subprocess.check_output([*command, str(tmp_path / "a")], text=True))
    chance, kills = np.random.default_rng(3), 0
    for _ in range(40):
        process = subprocess.Popen([*command, str(tmp_path / "b")], stdout=subprocess.PIPE, text=True)
        began = time.monotonic()
        while not (tmp_path / "b" / "run.safetensors").exists() and process.poll() is None and time.monotonic() - began < 60:
            time.sleep(0.01)
        if kills < 6:
            time.sleep(float(chance.uniform(0.3, 1.2)))
        if kills < 6 and process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
            continue
        out, _ = process.communicate(timeout=120)
        assert json.loads(out) == expected
        break
    else:
        pytest.fail("the run never ended")


def test_bad_checkpoints_are_named_and_change_nothing(tmp_path: Path) -> None:
    model, optimizer, scheduler, loader = parts()
    path = tmp_path / "run.safetensors"
    save_checkpoint(path, model, optimizer, scheduler, loader, {"note": [1, 2]})
    assert load_checkpoint(path, model, optimizer, scheduler, loader) == {"note": [1, 2]}
    whole, before = path.read_bytes(), weights(model)
    for bad in (b"", whole[:50], whole[:-3], b"\x80\x04cos\nsystem\n" * 9, whole.replace(b"checkpoint 2", b"checkpoint 9")):
        path.write_bytes(bad)
        with pytest.raises(ValueError, match="not a checkpoint of minigrad, or is damaged|has the format"):
            load_checkpoint(path, model)
    nn.save(model, path)
    with pytest.raises(ValueError, match="not a checkpoint of minigrad"):
        load_checkpoint(path, model)
    save_checkpoint(path, nn.Linear(2, 2))
    with pytest.raises(ValueError, match="missing"):
        load_checkpoint(path, model)
    with pytest.raises(ValueError, match="holds no state of the optimizer"):
        load_checkpoint(path, nn.Linear(2, 2), optimizer)
    assert weights(model) == before


def test_searches_rank_what_they_tried() -> None:
    from nn.training import choice, grid_search, integers, log_uniform, random_search, uniform

    tried = grid_search(lambda a, b: float("nan") if a == 1 else a + b, {"a": [0, 1, 2], "b": [0.5, 10.0]}, mode="max")
    assert tried.best == {"a": 2, "b": 10.0}
    assert [score for _, score in tried.ranked()][:4] == [12.0, 10.0, 2.5, 0.5]
    assert repr(tried).splitlines()[:2] == ["score  a    b", "   12  2   10"]
    space = {"lr": log_uniform(1e-4, 1.0), "n": integers(1, 3), "p": uniform(0, 0.5), "kind": choice("ab")}
    score = lambda lr, n, p, kind: lr + n + p + (kind == "a")
    first, second = random_search(score, space, 50, seed=4), random_search(score, space, 50, seed=4)
    assert first == second
    drawn = [parameters for parameters, _ in first.trials]
    assert {d["n"] for d in drawn} == {1, 2, 3}
    assert {d["kind"] for d in drawn} == {"a", "b"}
    assert 15 < sum(d["lr"] < 1e-2 for d in drawn) < 35
    assert first.ranked()[0][1] == min(s for _, s in first.trials)
    with pytest.raises(ValueError, match="'min' or 'max'"):
        grid_search(score, {}, mode="best")


class Jitter(Dataset):
    """Items that draw, so that each epoch of a validation has values of its own."""

    def __len__(self) -> int:
        return 24

    def __getitem__(self, i: int) -> Any:
        return (X[i] + mg.random.normal(size=4)).astype(np.float32), Y[i]


@pytest.mark.parametrize("peek", [False, True])
@pytest.mark.parametrize("stop", [3, 12, 17])
def test_the_place_of_the_validation_is_in_the_checkpoint(tmp_path: Path, stop: int, peek: bool) -> None:
    def run(folder: Path | None, at: int = 0) -> Any:
        made, loader = trainer(folder, checkpoint_every=1)
        validation = DataLoader(Jitter(), 6, seed=5)
        if peek:
            next(iter(validation))
        if at:
            made.loss = Interrupts(F.cross_entropy, at)
        with contextlib.suppress(KeyboardInterrupt):
            made.fit(loader, 3, validation)
        return made.history

    undisturbed = run(None)
    assert len(run(tmp_path, stop)) < 3
    assert run(tmp_path) == undisturbed


def test_a_callback_that_looks_at_the_loader_does_not_move_a_resumed_run(tmp_path: Path) -> None:
    def run(folder: Path | None, *epochs: int) -> Any:
        for n in epochs:
            made, loader = trainer(folder, callbacks=[lambda _: next(iter(loader)) and None])  # noqa: B023
            history = made.fit(loader, n)
        return history

    assert run(tmp_path, 1, 2, 3) == run(None, 3)


@pytest.mark.parametrize("method", ["zero_grad", "named_buffers"])
@pytest.mark.parametrize("epoch", [0, 1])
def test_ctrl_c_before_the_first_batch_of_an_epoch(method: str, epoch: int) -> None:
    undisturbed, loader = trainer(None)
    undisturbed.fit(loader, 3)
    made, loader = trainer(None)
    made.fit(loader, epoch)
    owner = made.optimizer if method == "zero_grad" else made.model

    def interrupt(*args: Any, **options: Any) -> Any:
        delattr(owner, method)
        raise KeyboardInterrupt

    object.__setattr__(owner, method, interrupt)
    with pytest.raises(KeyboardInterrupt):
        made.fit(loader, 3)
    assert made.fit(loader, 3) == undisturbed.history


@pytest.mark.parametrize("own", [True, False])
def test_ctrl_c_in_a_validation_reads_the_same_epoch_again(own: bool) -> None:
    histories = []
    for at in (10**9, 10, 20):
        made, loader = trainer(None)
        validation = loader if own else DataLoader(Jitter(), 6, seed=5)
        made.loss = Interrupts(F.cross_entropy, at)
        with contextlib.suppress(KeyboardInterrupt):
            made.fit(loader, 3, validation)
        assert len(made.history) == 3 or at < 100
        histories.append(made.fit(loader, 3, validation))
    assert histories[0] == histories[1] == histories[2]


def test_arguments_that_cannot_be_are_named_at_once() -> None:
    model = nn.Linear(4, 2)
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1)
    loss = nn.CrossEntropyLoss()
    cases: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
        ("model must be an nn.Module, got the class Linear", (nn.Linear, optimizer, loss), {}),
        ("optimizer must be an optimizer, got the class SGD", (model, nn.optim.SGD, loss), {}),
        ("optimizer must be an optimizer, got a CrossEntropyLoss", (model, loss, optimizer), {}),
        ("loss must be .* got the class CrossEntropyLoss", (model, optimizer, nn.CrossEntropyLoss), {}),
        ("loss must be .* got a str", (model, optimizer, "mse"), {}),
        ("metrics must be a dict", (model, optimizer, loss), {"metrics": [metrics.accuracy]}),
        (r"metrics\['a'\] must be", (model, optimizer, loss), {"metrics": {"a": 1}}),
        ("scheduler must have step", (model, optimizer, loss), {"scheduler": nn.optim.lr_scheduler.StepLR}),
        ("callbacks must be a list", (model, optimizer, loss), {"callbacks": EarlyStopping()}),
        (r"callbacks\[0\] must be .* class EarlyStopping", (model, optimizer, loss), {"callbacks": [EarlyStopping]}),
        ("accumulate must be a whole number", (model, optimizer, loss), {"accumulate": 1.5}),
        ("checkpoint_every must be a whole number", (model, optimizer, loss), {"checkpoint_every": 0}),
        ("clip_norm must be a number above 0", (model, optimizer, loss), {"clip_norm": -1.0}),
    ]
    for message, args, options in cases:
        with pytest.raises((TypeError, ValueError), match=message):
            Trainer(*args, **options)


def test_parts_of_another_model_warn() -> None:
    model, other = nn.Linear(4, 2), nn.Linear(4, 2)
    of_model, of_other = (nn.optim.SGD(m.parameters(), lr=0.1) for m in (model, other))
    with pytest.warns(UserWarning, match="none of the model's parameters"):
        Trainer(model, of_other, F.cross_entropy)
    with pytest.warns(UserWarning, match="another optimizer"):
        Trainer(model, of_model, F.cross_entropy, scheduler=nn.optim.lr_scheduler.StepLR(of_other, 1))


def test_fit_names_what_is_no_training() -> None:
    made, loader = trainer(None)
    for data, epochs, message in (
        (loader, 1.5, "epochs must be a whole number"),
        (X, 1, "the loader must give batches"),
        (iter(loader), 2, "gives its batches once"),
        (DataLoader(X, 4), 1, r"a batch must be \(input, target\), got a Tensor"),
        (DataLoader(TensorDataset(X), 4), 1, r"a batch must be \(input, target\), got 1"),
        ([{"x": X, "y": Y}], 1, "got a dict"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            made.fit(data, epochs)
    with pytest.raises(TypeError, match="the validation is read 2 times"):
        made.fit(loader, 2, iter(loader))
    with pytest.raises(TypeError, match="got a Tensor"):
        made.evaluate(DataLoader(X, 4))
    assert made.updates == 0


def test_a_checkpoint_that_cannot_be_written_is_found_before_training(tmp_path: Path) -> None:
    for path in (tmp_path / "missing" / "run", tmp_path):
        made, loader = trainer(None)
        made.checkpoint = path
        with pytest.raises(OSError, match="the checkpoint .* cannot be written"):
            made.fit(loader, 1)
        assert made.updates == 0
    made, loader = trainer(tmp_path)
    made.fit(loader, 0)
    assert list(tmp_path.iterdir()) == []


def test_a_trainer_refuses_a_checkpoint_of_another_batch_size(tmp_path: Path) -> None:
    made, loader = trainer(tmp_path)
    made.fit(loader, 1)
    again, _ = trainer(tmp_path)
    with pytest.raises(ValueError, match="batch_size=16, this one has batch_size=8"):
        again.fit(DataLoader(TensorDataset(X, Y), 8, shuffle=True), 2)
    assert again.updates == 0


def test_a_parameter_that_no_checkpoint_holds_is_found_before_training(tmp_path: Path) -> None:
    model = nn.Linear(4, 2)
    model.weight = nn.Parameter(np.full((2, 4), 0.5 + 0.1j))
    optimizer = nn.optim.Adam(model.parameters(), lr=0.1)
    made = Trainer(model, optimizer, failing, checkpoint=tmp_path / "run", progress=False)
    with pytest.raises(TypeError, match="'weight' is of complex128, which a checkpoint cannot hold"):
        made.fit(DataLoader(TensorDataset(X, Y), 16), 1)
    assert not list(tmp_path.iterdir())
