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


HOLDER = "document.querySelector('.chart-holder').clientWidth"
SIZES = "all => all.map((text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)"
#: The colour and the dash of each line.
LOOKS = "all => all.map((line) => [getComputedStyle(line).stroke, line.getAttribute('stroke-dasharray')])"


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

    def test_labels_can_be_read_and_lines_are_told_apart(self, tmp_path: Path) -> None:
        recorder, model = trained(5)
        recorder.page(tmp_path / "run.html")
        with opened(tmp_path / "run.html") as page:
            for width in (1280, 390):
                page.set_viewport_size({"width": width, "height": 800})
                page.locator(f".chart-holder > svg[width='{page.evaluate(HOLDER)}']").first.wait_for()
                sizes = page.locator("svg.chart text, svg.chart tspan").evaluate_all(SIZES)
                assert min(sizes) >= 12  # pixels of the screen: the charts are not scaled
                assert page.evaluate("document.documentElement.scrollWidth") <= width
            gradients = page.locator(".card", has=page.locator("h2", has_text="Norm of the gradients"))
            looks = gradients.locator(".chart-holder .series").evaluate_all(LOOKS)
            names = [name for name, _ in model.named_parameters()]
            assert len(looks) == len({tuple(look) for look in looks}) == len(names)
            assert len({dash for _, dash in looks}) == 4  # not by colour alone
            assert sorted(gradients.locator("text.end").all_text_contents()) == sorted(names)
            places = gradients.locator("text.end").evaluate_all("all => all.map((text) => text.getBoundingClientRect().y)")
            assert np.diff(sorted(places)).min() >= 14  # none covers another

    def test_an_axis_of_powers_of_ten_says_so_and_places_numbers_by_their_logarithms(self, tmp_path: Path) -> None:
        recorder = nn.inspect.Recorder(nn.Linear(1, 1))
        for norm in (1.0, 0.1, 1e-4, 0.0, float("nan")):
            recorder.record()
            recorder.epochs[-1]["gradients"] = {"weight": norm}
        recorder.page(tmp_path / "run.html")
        with opened(tmp_path / "run.html") as page:
            card = page.locator(".card", has=page.locator("h2", has_text="Norm of the gradients"))
            assert "logarithmic axis" in card.inner_text()
            ticks = card.locator("text.tick").all_text_contents()[:5]
            assert ticks == ["10−4", "10−3", "10−2", "10−1", "100"]
            path = card.locator(".series").get_attribute("d")
            heights = [float(point.split()[1]) for point in re.split("[ML]", path)[1:]]
            assert len(heights) == 3  # 0 and NaN are gaps
            assert (heights[2] - heights[1]) / (heights[1] - heights[0]) == pytest.approx(3, rel=0.01)
            card.locator("summary").click()
            card.locator("tbody tr").first.wait_for()
            rows = card.locator("tbody tr").all_inner_texts()
            assert rows == ["1\t1.000", "2\t0.1000", "3\t0.0001000", "4\t0.000", "5\tNaN"]

    def test_runs_are_compared_in_one_page(self, tmp_path: Path) -> None:
        runs = {"first": trained(4)[0], "second": trained(3)[0]}
        nn.inspect.compare_runs(runs, tmp_path / "runs.html")
        with opened(tmp_path / "runs.html", "dark") as page:
            first = page.locator(".card").first
            ends = sorted(first.locator("text.end").all_text_contents())
            assert ends == ["first: loss", "first: val_loss", "second: loss", "second: val_loss"]
            looks = dict(zip(ends, first.locator(".keys .series").evaluate_all(LOOKS), strict=True))
            assert looks["first: loss"][0] == looks["first: val_loss"][0] != looks["second: loss"][0]  # a colour for a run
            assert looks["first: loss"][1] == looks["second: loss"][1] != looks["first: val_loss"][1]  # a dash for a value
            assert page.inner_text("#epoch") == "epoch 4 of 4"
            gradients = page.locator(".card", has=page.locator("h2", has_text="Norm of the gradients"))
            gradients.locator("select").select_option("2.weight")
            keys = gradients.locator(".keys").inner_text()
            assert float(re.search(r"first (\S+)", keys)[1]) == pytest.approx(  # type: ignore[index]
                runs["first"].epochs[3]["gradients"]["2.weight"], rel=1e-2
            )
            page.focus("#scrub")
            page.keyboard.press("Home")
            assert page.locator(".cards.small .card h3", has_text="first: 0.weight").count() == 1
            assert page.locator(".cards.small .card h3", has_text="second: 0.weight").count() == 1
            assert violations(page) == []

    def test_layers_have_their_class_and_histograms_an_axis_of_counts(self, tmp_path: Path) -> None:
        recorder, _ = trained()
        recorder.page(tmp_path / "run.html")
        with opened(tmp_path / "run.html") as page:
            titles = page.locator(".cards.small h3").all_text_contents()
            assert {"0: Linear", "1: ReLU", "3: Tanh", "0.weight"} <= {*titles}
            card = page.locator(".cards.small .card", has=page.get_by_text("3: Tanh", exact=True))
            most = max(recorder.epochs[-1]["activations"]["3"]["counts"])
            assert card.locator(".counts span").all_text_contents() == [f"{most}", "0"]
            assert card.locator(".counts").get_attribute("aria-hidden") == "true"
            assert violations(page) == []

    def test_a_line_is_singled_out(self, tmp_path: Path) -> None:
        recorder, _ = trained()
        recorder.page(tmp_path / "run.html")
        with opened(tmp_path / "run.html") as page:
            card = page.locator(".card").first
            card.locator(".keys button", has_text="val_loss").click()
            assert card.locator("text.end").all_text_contents() == ["val_loss"]
            assert card.locator(".series.faint").count() == 1
            card.locator(".keys button", has_text="val_loss").click()
            assert card.locator(".faint").count() == 0
            box = card.locator(".chart-holder svg").bounding_box()
            page.mouse.click(box["x"] + 58, box["y"] + 100)  # a click on the chart goes to that epoch
            assert page.inner_text("#epoch") == "epoch 1 of 3"


def test_runs_need_names() -> None:
    with pytest.raises(ValueError, match="by the names of their runs"):
        nn.inspect.compare_runs({})
    with pytest.raises(ValueError, match="by the names of their runs"):
        nn.inspect.compare_runs({"": trained(1)[0]})
