"""Trainer and checkpoints: learning, resuming bit for bit after SIGKILL, damaged files."""

from __future__ import annotations

import contextlib
import json
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
from nn.data import DataLoader, TensorDataset
from nn.training import EarlyStopping, Trainer, load_checkpoint, save_checkpoint

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
