"""Watching a training: what the recorder keeps of gradients, weights and activations, its plots and its page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from minigrad import Tensor, no_grad
from nn.data import DataLoader, TensorDataset
from nn.training import Trainer

from .browser import needs_browser, opened, violations

mse = nn.functional.mse_loss


def trained(epochs: int = 3, **options: Any) -> tuple[nn.inspect.Recorder, nn.Module]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32, 3)).astype(np.float32)
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 1))
    recorder = nn.inspect.Recorder(model)
    trainer = Trainer(model, nn.optim.SGD(model.parameters(), lr=0.1), mse, callbacks=[recorder], progress=False, **options)
    trainer.fit(DataLoader(TensorDataset(x, x[:, :1]), 8), epochs=epochs, validation=[(x, x[:, :1])])
    return recorder, model


def test_a_trainer_records_each_epoch() -> None:
    recorder, model = trained()
    assert [epoch["epoch"] for epoch in recorder.epochs] == [1, 2, 3]
    assert recorder.epochs[2]["loss"] < recorder.epochs[0]["loss"]
    last = recorder.epochs[-1]
    names = {name for name, _ in model.named_parameters()}
    assert last["gradients"].keys() == last["weights"].keys() == names
    w = model[0].weight.detach().numpy()
    assert last["weights"]["0.weight"]["low"] == pytest.approx(w.min())
    assert sum(last["weights"]["0.weight"]["counts"]) == w.size
    assert last["activations"]["1"]["low"] == 0  # what a ReLU puts out
    assert last["saturated"].keys() == {"3"}
    assert last["dead"].keys() == {"1"}


def test_norms_are_those_of_the_gradients() -> None:
    model = nn.Linear(3, 2)
    with nn.inspect.Recorder(model) as recorder:
        norms = []
        for i in range(3):
            model.zero_grad()
            (model(Tensor(np.full((4, 3), i + 1.0))) ** 2).sum().backward()
            norms.append(np.linalg.norm(model.weight.grad.numpy()))
        recorder.record()
    assert recorder.epochs[0]["gradients"]["weight"] == pytest.approx(np.mean(norms), rel=1e-5)
    model(Tensor(np.ones((4, 3)))).sum().backward()  # closed: nothing more is seen
    recorder.record()
    assert recorder.epochs[1]["gradients"] == {}


def test_saturated_values_and_dead_units_are_counted() -> None:
    model = nn.Sequential(nn.Identity(), nn.ReLU(), nn.Tanh())
    recorder = nn.inspect.Recorder(model)
    model(Tensor([[-1.0, 0.1, 5.0, -2.0], [-3.0, 0.2, 6.0, 1.0]]))
    with no_grad():
        model(Tensor([[9.0, 9.0, 9.0, 9.0]]))  # an evaluation is not training
    recorder.record()
    assert recorder.epochs[0]["dead"] == {"1": 0.25}  # the first is never above 0
    assert recorder.epochs[0]["saturated"] == {"2": 0.25}  # tanh 5 and tanh 6 of 8 values


@pytest.mark.parametrize("batch_first", [False, True])
def test_gradients_through_time_are_recorded_by_lag(batch_first: bool) -> None:
    rnn = nn.RNN(2, 6, batch_first=batch_first)
    x = np.random.default_rng(0).normal(size=(5, 3, 2)).astype(np.float32)
    recorder = nn.inspect.Recorder(rnn)
    given = Tensor(x.swapaxes(0, 1) if batch_first else x, requires_grad=True)
    out, _ = rnn(given)
    (out[:, -1] if batch_first else out[-1]).sum().backward()
    recorder.record()
    g = given.grad.numpy().swapaxes(0, 1) if batch_first else given.grad.numpy()
    expected = [np.linalg.norm(g[t]) for t in reversed(range(5))]
    assert recorder.epochs[0]["lags"][""] == pytest.approx(expected, rel=1e-5)
    rnn(given.detach())[0].sum().backward()  # data, of which nobody else wants a gradient
    recorder.record()
    assert len(recorder.epochs[1]["lags"][""]) == 5


def test_a_recording_survives_with_the_checkpoint(tmp_path: Path) -> None:
    first, _ = trained(2, checkpoint=tmp_path / "run.ckpt")
    second, _ = trained(3, checkpoint=tmp_path / "run.ckpt")
    assert [e["loss"] for e in second.epochs[:2]] == [e["loss"] for e in first.epochs]
    assert len(second.epochs) == 3


def test_plots_show_all_curves(tmp_path: Path) -> None:
    recorder, _ = trained()
    figure = recorder.plot()
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["values", "norm of the gradients", "share of saturated values", "share of dead units"]
    loss = next(line for line in figure.axes[0].lines if line.get_label() == "loss")
    assert loss.get_ydata() == pytest.approx([e["loss"] for e in recorder.epochs])
    assert recorder.plot(tmp_path / "run.png") is not None
    assert (tmp_path / "run.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(ValueError, match="no recurrent layer"):
        recorder.plot_lags()
    with pytest.raises(ValueError, match="nothing is recorded yet"):
        nn.inspect.Recorder(nn.Linear(1, 1)).plot()


def shown_loss(page: Any) -> float:
    return float(re.search(r"\bloss (\S+)", page.locator(".card").first.inner_text())[1])  # type: ignore[index]


class TestThePage:
    pytestmark = needs_browser

    def test_scrubbing_shows_each_epoch(self, tmp_path: Path) -> None:
        recorder, _ = trained()
        recorder.epochs[1]["loss"] = float("nan")
        recorder.page(tmp_path / "run.html", title="A <run>")
        with opened(tmp_path / "run.html", "dark") as page:
            assert page.title() == "A <run>"
            assert page.inner_text("#epoch") == "epoch 3 of 3"
            assert shown_loss(page) == pytest.approx(recorder.epochs[2]["loss"], rel=1e-2)
            page.focus("#scrub")
            page.keyboard.press("Home")
            assert page.inner_text("#epoch") == "epoch 1 of 3"
            assert shown_loss(page) == pytest.approx(recorder.epochs[0]["loss"], rel=1e-2)
            assert page.locator(".histogram").count() == 6 + 5
            assert violations(page) == []
