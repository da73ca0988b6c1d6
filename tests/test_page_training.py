"""Training in a page: as many steps in Chromium end where they end in Python, and what the page shows is what Python computes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, raw, viz
from minigrad.viz.objective import Objective
from minigrad.viz.training import GRID, order
from nn.data import DataLoader, TensorDataset

from .browser import needs_browser, opened, violations

F = nn.functional
F32 = np.float32
BLOB = ("blob:",)  # the worker

WEIGHTS = "() => Object.fromEntries([...minigrad.training.last.weights].map(([name, numbers]) => [name, [...numbers]]))"
LOSSES = "() => minigrad.training.curve.bins.map(({ sum }) => sum)"
#: Weights as a training leaves them that has gone wrong.
SPOIL = """() => {
  const input = minigrad.live.inputs.findIndex(({ name }) => name === "0.weight");
  minigrad.live.take(new Map([[input, minigrad.live.inputs[input].numbers.slice().fill(NaN)]]));
}"""
OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: nn.optim.SGD(p, lr=0.1),
    "momentum": lambda p: nn.optim.SGD(p, lr=0.05, momentum=0.9),
    "Adam": lambda p: nn.optim.Adam(p, lr=0.01),
}


def points(count: int = 50) -> tuple[Any, Any]:
    x = np.random.default_rng(0).normal(size=(count, 2)).astype(F32)
    return x, (x[:, 0] * x[:, 1] > 0).astype(np.int64)


def mlp() -> nn.Module:
    mg.random.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2))


def convnet() -> nn.Module:
    mg.random.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(32, 3),
    )  # fmt: skip


def digits() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.random((20, 1, 8, 8)).astype(F32), rng.integers(0, 3, 20)


def train(net: nn.Module, optimizer: Any, batches: Iterator[Any]) -> list[float]:
    losses = []
    for x, y in batches:
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    return losses


def batches(data: Any, size: int, seed: int, steps: int) -> Iterator[Any]:
    """As a user of minigrad reads them."""
    loader = DataLoader(TensorDataset(*data), size, shuffle=True, drop_last=True, seed=seed)
    while True:
        for batch in loader:
            if steps == 0:
                return
            steps -= 1
            yield batch


def take_steps(page: Any, count: int, now: int | None = None) -> None:
    """One by one, as the button does, until the page is there."""
    page.evaluate(f"for (let i = 0; i < {count}; i++) document.querySelector('#train-step').click()")
    wait(page, f"step {count if now is None else now} ")


def wait(page: Any, text: str) -> None:
    page.locator("#train-told", has_text=text).wait_for()


def is_trained(page: Any, net: nn.Module, atol: float = 1e-5) -> bool:
    found = page.evaluate(WEIGHTS)
    named = {**dict(net.named_parameters()), **dict(net.named_buffers())}
    assert found.keys() >= {name for name, _ in net.named_parameters()}
    return all(np.allclose(np.reshape(x, named[name].shape), raw(named[name]), rtol=0, atol=atol) for name, x in found.items())


# ------------------------------------------------------------------------------------ in Python


def test_the_order_is_that_of_a_data_loader() -> None:
    for count, size, seed in ((7, 3, 0), (200, 64, 5), (30, 30, 1), (50, 16, 2**70 + 3)):
        every = np.arange(count)
        if size == count:
            assert (order(count, size, seed, 4) == every).all()
            continue
        for step, (rows,) in enumerate(batches((every,), size, seed, 3 * (count // size))):
            assert (order(count, size, seed, step) == raw(rows)).all()


def test_exploring_a_training_leaves_everything_as_it_was() -> None:
    net, (x, y) = convnet(), digits()
    optimizer = nn.optim.Adam(net.parameters(), lr=0.01)
    train(net, optimizer, batches((x, y), 10, 0, 2))
    random = mg.random.get_state()
    before = {name: np.array(raw(t)) for name, t in (*net.named_parameters(), *net.named_buffers())}
    memory = [{k: np.array(v) for k, v in state.items()} for state in optimizer.state.values()]
    grads = [p.grad for p in net.parameters()]
    viz.explore(net, data=(x, y), optimizer=[optimizer, nn.optim.SGD(net.parameters(), lr=0.1)], loss=F.cross_entropy, batch=10)
    assert all((before[name] == raw(t)).all() for name, t in (*net.named_parameters(), *net.named_buffers()))
    assert all((m[k] == v).all() for m, s in zip(memory, optimizer.state.values(), strict=True) for k, v in s.items())
    assert all(p.grad is g for p, g in zip(net.parameters(), grads, strict=True))
    assert net.training
    np.testing.assert_equal(mg.random.get_state(), random)


def test_what_does_not_fit_is_said() -> None:
    net, (x, y) = mlp(), points()
    sgd = nn.optim.SGD(net.parameters(), lr=0.1)

    def loss(x: Any, y: Any) -> Any:
        return F.cross_entropy(net(x), y)

    with pytest.raises(ValueError, match="equally long"):
        viz.explore(loss, data=(x, y[:9]), optimizer=sgd)
    for wrong in ((), (F32(3),), (x[:0], y[:0])):
        with pytest.raises(ValueError, match="data= takes arrays of examples"):
            viz.explore(loss, data=wrong, optimizer=sgd)
    with pytest.raises(ValueError, match="got none"):
        viz.explore(loss, data=(x, y), optimizer=[])
    with pytest.raises(ValueError, match="batch= must be from 1 to 50"):
        viz.explore(loss, data=(x, y), optimizer=sgd, batch=51)
    with pytest.raises(ValueError, match="needs an optimizer="):
        viz.explore(loss, data=(x, y))
    with pytest.raises(TypeError, match="takes optimizers"):
        viz.explore(loss, data=(x, y), optimizer=0.1)
    with pytest.raises(ValueError, match="first step of SGD with momentum 0.9 is another one"):
        viz.explore(loss, data=(x, y), optimizer=nn.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, dampening=0.5))


def test_what_a_user_has_is_what_it_takes() -> None:
    """A function, a module of the loss, a network and a loss: the same parameters, data and predictions."""
    net, (x, y) = mlp(), points()

    class Objective(nn.Module):
        def __init__(self) -> None:
            self.net = net

        def forward(self, x: Any, y: Any) -> Any:
            return F.cross_entropy(self.net(x), y)

    for target, loss in ((lambda x, y: F.cross_entropy(net(x), y), None), (Objective(), None), (net, F.cross_entropy)):
        page = viz.explore(target, data=(x, y), optimizer=nn.optim.SGD(net.parameters(), lr=0.1), batch=(16, 32), loss=loss)
        training = page.data["training"]
        assert page.data["live"].get("why") is None
        assert [s["name"].removeprefix("net.") for s in training["state"]] == [name for name, _ in net.named_parameters()]
        assert None not in [s["live"] for s in training["state"]] + training["batch"]
        assert [c["batch"] for c in training["choices"]] == [16, 32]
        assert training["boundary"] and training["right"]


def test_tensors_without_a_module_are_trained() -> None:
    x = np.linspace(-1, 1, 20).astype(F32)
    w, b = Tensor(0.5, requires_grad=True), Tensor(0.0, requires_grad=True)
    page = viz.explore(lambda x, y: ((w * x + b - y) ** 2).mean(), data=(x, 3 * x - 1), optimizer=nn.optim.SGD([w, b], lr=0.1))
    training = page.data["training"]
    assert {s["name"] for s in training["state"]} == {"w", "b"}
    assert training["boundary"] is None and training["right"] is None and training["classes"] is None


def test_what_has_the_name_of_a_parameter_is_not_taken_for_it() -> None:
    mg.random.manual_seed(0)
    net, (x, y) = nn.Linear(2, 2), points()
    net.bias.data[...] = [3, 4]
    loss = nn.CrossEntropyLoss(weight=np.array([0.25, 0.75], F32))
    training = viz.explore(lambda x, y: loss(net(x), y), data=(x, y), optimizer=nn.optim.SGD(net.parameters(), lr=0.1)).data
    shared = [[i.get("shared") for i in c["program"]["inputs"]] for c in training["training"]["choices"]]
    assert [name for name in shared[0] if name] == ["weight", "bias"]
    inputs = training["live"]["program"]["inputs"]
    assert {s["name"]: inputs[s["live"]]["shape"] for s in training["training"]["state"]} == {"weight": [2, 2], "bias": [2]}
    assert training["training"]["boundary"]  # the loss is a module, but not the one that predicts


def test_several_modules_and_tensors_have_names_of_their_own() -> None:
    body, head, scale = nn.Linear(2, 4), nn.Linear(4, 2), Tensor(1.0, requires_grad=True)
    optimizer = nn.optim.SGD([*body.parameters(), *head.parameters(), scale], lr=0.1)
    page = viz.explore(lambda x, y: F.cross_entropy(scale * head(np.tanh(body(x))), y), data=points(), optimizer=optimizer)
    inputs = page.data["live"]["program"]["inputs"]
    found = {s["name"]: inputs[s["live"]]["shape"] for s in page.data["training"]["state"]}
    assert found == {"body.weight": [4, 2], "body.bias": [4], "head.weight": [2, 4], "head.bias": [2], "scale": []}
    assert {call[0] for step in page.data["steps"] for call in step["calls"]} == {"body", "head"}


def test_random_draws_are_said_to_be_the_same_in_each_step() -> None:
    net, data = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.5), nn.Linear(8, 2)), points()
    page = viz.explore(net, data=data, optimizer=nn.optim.SGD(net.parameters(), lr=0.1), loss=F.cross_entropy)
    assert page.data["training"]["choices"][0]["draws"]
    assert not viz.explore(mlp(), data=data, optimizer=nn.optim.SGD(net.parameters(), lr=0.1), loss=F.cross_entropy).data[
        "training"
    ]["choices"][0]["draws"]


def test_a_page_that_trains_has_its_data_once_and_less_than_3_mb() -> None:
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Linear(784, 110), nn.ReLU(), nn.Linear(110, 10))
    sgd = nn.optim.SGD(net.parameters(), lr=0.1)

    def made(count: int) -> Any:
        data = rng.random((count, 784)).astype(F32), np.arange(count) % 10
        return viz.explore(net, data=data, loss=F.cross_entropy, optimizer=sgd, batch=min(count, 130))

    page = made(130)
    assert len(page.html) < 3_000_000 and "why" not in page.data["live"] and page.data["training"]["right"]
    longest = max(len(x["data"]) for x in page.data["training"]["data"] if isinstance(x["data"], str))
    found = [x["data"] for x in page.data["live"]["program"]["inputs"] + page.data["training"]["right"]["program"]["inputs"]]
    assert [x for x in found if isinstance(x, str) and len(x) == longest] == []
    with pytest.raises(ValueError, match=r"explore: the page would have \d.\d MB.*data= takes 4.2 MB; take fewer examples"):
        made(1000)


def test_what_has_no_room_is_left_out_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["minigrad.viz.explore"], "LARGEST", 1_800_000)
    net, x = nn.Sequential(nn.Linear(100, 300), nn.Tanh()), np.random.default_rng(0).normal(size=(2, 100)).astype(F32)
    page = viz.explore(net, x)
    assert "with its program the page would have 2.0 MB" in page.data["live"]["why"]
    assert page.data["arrays"] == {} and "Without the arrays that show steps from inside" in page.data["notes"][0]
    assert viz.explore(np.sin, 0.5).data["notes"] == []


# ------------------------------------------------------------------------------------ in a browser


@pytest.mark.parametrize("options", [{"optimizer": 3}, {"batch": 7}, {"loss": 5}, {"seed": "q"}, {"seed": 1}])
def test_without_data_nothing_can_be_said_of_a_training(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{[*options][0]}= without data="):
        viz.explore(np.tanh, 0.5, **options)


def test_another_thread_goes_back_as_always_while_a_step_is_looked_at() -> None:
    net, other, errors = mlp(), Tensor(3.0, requires_grad=True), []
    optimizer = nn.optim.SGD(net.parameters(), lr=0.1)

    def elsewhere() -> None:
        try:
            (other * other).backward()
        except BaseException as error:  # what stops the step is none that a user catches
            errors.append(error)

    def step(x: Any, y: Any) -> Any:
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    objective = Objective(step, whole=True)
    data = points(8)
    loss = objective(*data)
    assert loss.item() == pytest.approx(F.cross_entropy(net(data[0]), data[1]).item())
    assert objective.with_loss(*data)[0].item() == pytest.approx(loss.item())
    assert errors == [] and other.grad is not None and other.grad.item() == 12.0  # two times 6


class TestInABrowser:
    pytestmark = needs_browser

    @pytest.mark.parametrize("name", OPTIMIZERS)
    def test_fifty_steps_end_where_they_end_in_python(self, tmp_path: Path, name: str) -> None:
        net, data, seed = mlp(), points(), 2**70 + 3
        optimizer = OPTIMIZERS[name](net.parameters())
        path = tmp_path / "page.html"
        viz.explore(lambda x, y: F.cross_entropy(net(x), y), data=data, optimizer=optimizer, batch=16, seed=seed, path=path)
        losses = train(net, optimizer, batches(data, 16, seed, 50))
        with opened(path, extra=BLOB) as page:
            wait(page, "step 0 ")
            assert not is_trained(page, net)
            take_steps(page, 50)
            assert is_trained(page, net)
            np.testing.assert_allclose(page.evaluate(LOSSES), losses, rtol=1e-4, atol=1e-6)

    def test_a_compiled_training_step_is_trained_as_it_is(self, tmp_path: Path) -> None:
        net, data = mlp(), points()
        optimizer = nn.optim.Adam(net.parameters(), lr=0.01)

        @mg.compile
        def step(x: Any, y: Any) -> Any:
            loss = F.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 0.5)
            optimizer.step()
            return loss.detach()

        viz.explore(step, data=data, batch=16, path=tmp_path / "page.html")
        losses = [float(step(*batch)) for batch in batches(data, 16, 0, 50)]
        with opened(tmp_path / "page.html", extra=BLOB) as page:
            take_steps(page, 50)
            assert is_trained(page, net)
            np.testing.assert_allclose(page.evaluate(LOSSES), losses, rtol=1e-4, atol=1e-6)

    def test_a_convnet_with_batch_norm_is_trained_and_shows_its_filters(self, tmp_path: Path) -> None:
        net, data = convnet(), digits()
        optimizer = nn.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
        viz.explore(net, data=data, optimizer=optimizer, batch=8, loss=F.cross_entropy, path=tmp_path / "page.html")
        image = "document.querySelector('[aria-label=\"heat map of 0.weight\"]').toDataURL()"
        with opened(tmp_path / "page.html", extra=BLOB) as page:
            wait(page, "step 0 ")
            before = page.evaluate(image)
            assert page.evaluate("document.querySelector('.weight canvas').width") == 2 * 4 - 1  # four filters of 3 x 3
            take_steps(page, 10)
            train(net, optimizer, batches(data, 8, 0, 10))
            assert is_trained(page, net, atol=1e-4)
            assert page.evaluate(image) != before
            net.eval()
            right = 100 * float((np.argmax(raw(net(data[0])), axis=1) == data[1]).mean())
            assert f"{right:.1f} % right" in page.inner_text("#train-told")

    def test_the_graph_shows_the_weights_and_the_gradients_of_the_next_batch(self, tmp_path: Path) -> None:
        net, data = mlp(), points()
        optimizer = nn.optim.SGD(net.parameters(), lr=0.1)
        viz.explore(net, data=data, optimizer=optimizer, batch=16, loss=F.cross_entropy, depth=None, path=tmp_path / "page.html")
        every = list(batches(data, 16, 0, 21))
        train(net, optimizer, iter(every[:20]))
        loss = F.cross_entropy(net(every[20][0]), every[20][1])
        optimizer.zero_grad()
        loss.backward()
        with opened(tmp_path / "page.html", extra=BLOB) as page:
            take_steps(page, 20)
            assert f"{float(loss):.4g}" in page.locator(".node.output").text_content()
            for name, p in net.named_parameters():
                found = page.evaluate(
                    """(name) => {
                  const step = minigrad.live.steps.find((one) => one.label === name);
                  return [...minigrad.live.read(minigrad.live.own.get(step.id).gradient).data];
                }""",
                    name,
                )
                np.testing.assert_allclose(np.reshape(found, p.shape), raw(p.grad), rtol=1e-3, atol=1e-6)
            page.click(".weight .name >> text=2.weight")
            assert page.inner_text("#detail h2") == "2.weight"

    def test_rate_optimizer_and_reset(self, tmp_path: Path) -> None:
        net, data = mlp(), points()
        every = {name: make(net.parameters()) for name, make in OPTIMIZERS.items()}
        viz.explore(net, data=data, optimizer=every, batch=(16, 25), loss=F.cross_entropy, path=tmp_path / "page.html")
        start = {name: np.array(raw(p)) for name, p in net.named_parameters()}
        with opened(tmp_path / "page.html", extra=BLOB) as page:
            page.fill("#train-rate", "0.03")
            take_steps(page, 5)
            page.select_option("#train-optimizer", "Adam")
            assert page.input_value("#train-rate") == "0.01"
            page.select_option("#train-batch", "25")
            take_steps(page, 5, 10)
            every["SGD"].param_groups[0]["lr"] = 0.03
            losses = train(net, every["SGD"], batches(data, 16, 0, 5)) + train(net, every["Adam"], batches(data, 25, 0, 5))
            assert is_trained(page, net)
            np.testing.assert_allclose(page.evaluate(LOSSES), losses, rtol=1e-4, atol=1e-6)
            page.click("#train-reset")
            wait(page, "step 0 ")
            for name, p in net.named_parameters():
                p.data[...] = start[name]
            assert is_trained(page, net, atol=0)
            assert page.evaluate(LOSSES) == []

    def test_a_weight_that_is_changed_by_hand_is_where_it_goes_on(self, tmp_path: Path) -> None:
        net, data = mlp(), points()
        optimizer = nn.optim.SGD(net.parameters(), lr=0.1)
        viz.explore(net, data=data, optimizer=optimizer, loss=F.cross_entropy, path=tmp_path / "page.html")
        with opened(tmp_path / "page.html", extra=BLOB) as page:
            take_steps(page, 2)
            train(net, optimizer, iter([data] * 2))
            net[4].bias.data[1] = 0.75
            page.evaluate("""() => {
              const input = minigrad.live.inputs.findIndex(({ name }) => name === "4.bias");
              minigrad.live.change(input, (numbers) => { numbers[1] = 0.75; });
            }""")
            take_steps(page, 3, 5)
            train(net, optimizer, iter([data] * 3))
            assert is_trained(page, net)

    def test_the_heat_is_that_of_the_weights_as_they_are(self, tmp_path: Path) -> None:
        net, data = mlp(), points()
        optimizer = nn.optim.SGD(net.parameters(), lr=0.5)
        viz.explore(net, data=data, optimizer=optimizer, loss=F.cross_entropy, path=tmp_path / "page.html", depth=None)
        with opened(tmp_path / "page.html", extra=BLOB) as page:
            page.evaluate("document.querySelector('#look-heat').click()")
            take_steps(page, 30)
            titles = page.locator("title.paint-heat").all_text_contents()
            train(net, optimizer, iter([data] * 30))
            optimizer.zero_grad()
            F.cross_entropy(net(data[0]), data[1]).backward()
            shown = [float(title.rsplit(" ", 1)[1]) for title in titles]
            for p in net.parameters():
                assert any(norm == pytest.approx(np.linalg.norm(raw(p.grad)), rel=0.01) for norm in shown)

    @pytest.mark.parametrize("width", [1400, 1700])
    def test_a_note_of_nan_stands_above_the_graph(self, width: int, tmp_path: Path) -> None:
        net, data = mlp(), points()
        optimizer = nn.optim.SGD(net.parameters(), lr=0.1)
        viz.explore(net, data=data, optimizer=optimizer, loss=F.cross_entropy, path=tmp_path / "page.html")
        with opened(tmp_path / "page.html", extra=BLOB, viewport={"width": width, "height": 900}) as page:
            page.evaluate(SPOIL)
            note, stage, drawer = (page.locator(part).bounding_box() for part in ("#born", "main", "#training"))
            assert page.locator("header").bounding_box()["height"] <= note["y"] < note["y"] + note["height"] <= stage["y"]
            assert stage["y"] + stage["height"] <= drawer["y"] + 1 and stage["height"] > 200
            page.keyboard.press("?")
            assert "T train, pause" in page.inner_text("dialog")

    def test_an_embedded_page_does_not_train_unseen_and_says_what_is_wrong(self, tmp_path: Path) -> None:
        net, data = mlp(), points()
        optimizer = nn.optim.SGD(net.parameters(), lr=0.1)
        viz.explore(net, data=data, optimizer=optimizer, loss=F.cross_entropy, path=tmp_path / "page.html")
        with opened(tmp_path / "page.html", extra=BLOB, fragment="#embed", viewport={"width": 640, "height": 400}) as page:
            page.keyboard.press("t")
            assert page.evaluate("minigrad.training.playing") is False
            page.evaluate(SPOIL)
            note, stage = (page.locator(part).bounding_box() for part in ("#born", "main"))
            assert 0 <= note["y"] < note["y"] + note["height"] <= stage["y"] and stage["height"] > 100

    def test_a_quiz_stops_the_training_and_hides_what_it_shows(self, tmp_path: Path) -> None:
        net, data = mlp(), points()
        optimizer = nn.optim.SGD(net.parameters(), lr=0.1)
        viz.explore(net, data=data, optimizer=optimizer, loss=F.cross_entropy, path=tmp_path / "page.html")
        with opened(tmp_path / "page.html", extra=BLOB) as page:
            page.click("#train")
            page.evaluate("document.querySelector('#quiz-start').click()")
            assert page.evaluate("minigrad.training.playing") is False and page.locator("#training").is_hidden()
            page.keyboard.press("t")
            assert page.evaluate("minigrad.training.playing") is False
            page.click("#quiz-stop")
            assert page.locator("#training").is_visible()

    def test_what_is_changed_while_it_trains_leaves_all_other_weights(self, tmp_path: Path) -> None:
        """The page saw the numbers before some steps: they are not set back to those."""
        net, data = mlp(), points()
        optimizer = nn.optim.SGD(net.parameters(), lr=0.1)
        viz.explore(net, data=data, optimizer=optimizer, batch=16, loss=F.cross_entropy, path=tmp_path / "page.html")
        every = list(batches(data, 16, 0, 12))
        with opened(tmp_path / "page.html", extra=BLOB) as page:
            take_steps(page, 2)
            page.evaluate("""() => {
              for (let i = 0; i < 5; i += 1) document.querySelector("#train-step").click();
              const input = minigrad.live.inputs.findIndex(({ name }) => name === "2.weight");
              minigrad.live.change(input, (numbers) => { numbers[3] = 0.75; });
              for (let i = 0; i < 5; i += 1) document.querySelector("#train-step").click();
            }""")
            wait(page, "step 12 ")
            train(net, optimizer, iter(every[:7]))
            net[2].weight.data[0, 3] = 0.75
            train(net, optimizer, iter(every[7:]))
            assert is_trained(page, net)

    def test_a_change_while_a_step_is_on_its_way_is_in_the_graph_too(self, tmp_path: Path) -> None:
        net, data = mlp(), points()
        optimizer = nn.optim.SGD(net.parameters(), lr=0.1)
        viz.explore(net, data=data, optimizer=optimizer, loss=F.cross_entropy, path=tmp_path / "page.html")
        with opened(tmp_path / "page.html", extra=BLOB) as page:
            wait(page, "step 0 ")
            page.evaluate("""() => {
              document.querySelector("#train-step").click();
              const input = minigrad.live.inputs.findIndex(({ name }) => name === "4.bias");
              minigrad.live.change(input, (numbers) => { numbers[1] = 0.75; });
            }""")
            wait(page, "step 1 ")
            page.wait_for_function("() => minigrad.training.last.after === 'give'")
            train(net, optimizer, iter([data]))
            net[4].bias.data[1] = 0.75
            assert is_trained(page, net)
            shown = "() => [...minigrad.live.inputs.find(({ name }) => name === '4.bias').numbers]"
            np.testing.assert_allclose(page.evaluate(shown), raw(net[4].bias), atol=1e-6)

    def test_buttons_in_any_order(self, tmp_path: Path) -> None:
        """After a training that went wrong, too: what the buttons say is what happens, and a reset is the beginning."""
        x = np.linspace(-1, 1, 20).astype(F32)
        w = Tensor(0.5, requires_grad=True)
        sgd = nn.optim.SGD([w], lr=0.001)
        viz.explore(lambda x, y: ((w * x - y) ** 2).sum(), data=(x, 3 * x), optimizer=sgd, path=tmp_path / "page.html")
        with opened(tmp_path / "page.html", extra=BLOB) as page:
            page.fill("#train-rate", "100")
            page.click("#train")
            wait(page, "Stopped: ")
            page.click("#train")
            page.locator("#train", has_text="Train").wait_for()
            page.click("#train-step")
            wait(page, "Stopped: ")
            page.fill("#train-rate", "0.001")
            page.click("#train-reset")
            wait(page, "step 0 ")
            page.click("#train")
            page.click("#train-reset")
            page.click("#train-step")
            wait(page, "step 1 ")
            sgd.zero_grad()
            ((w * x - 3 * x) ** 2).sum().backward()
            sgd.step()
            np.testing.assert_allclose(page.evaluate(WEIGHTS)["w"], [float(w)], atol=1e-6)

    def test_a_link_says_that_it_leaves_the_training_out(self, tmp_path: Path) -> None:
        net, data = mlp(), points()
        sgd = nn.optim.SGD(net.parameters(), lr=0.1)
        viz.explore(net, data=data, optimizer=sgd, loss=F.cross_entropy, path=tmp_path / "page.html")
        clipboard = "Object.defineProperty(navigator, 'clipboard', { value: { writeText: async () => null } })"
        with opened(tmp_path / "page.html", extra=BLOB, first=clipboard) as page:
            wait(page, "step 0 ")
            page.locator("summary", has_text="Share").click()
            page.evaluate("document.querySelector('#share-link').click()")
            page.get_by_text("Copied.", exact=True).wait_for()
            page.evaluate("document.querySelector('#train-step').click()")
            wait(page, "step 1 ")
            page.evaluate("document.querySelector('#share-link').click()")
            page.locator("#shared", has_text="Without what was trained").wait_for(state="attached")

    def test_the_decision_is_the_networks_and_moves(self, tmp_path: Path) -> None:
        net, data = mlp(), points(200)
        optimizer = nn.optim.Adam(net.parameters(), lr=0.01)
        boundary = viz.explore(net, data=data, optimizer=optimizer, loss=F.cross_entropy, path=tmp_path / "page.html").data[
            "training"
        ]["boundary"]
        low, high = (np.linspace(*boundary[side], GRID) for side in ("low", "high"))
        grid = np.stack(np.meshgrid(low, high), axis=-1).reshape(-1, 2).astype(F32)
        image = "document.querySelector('.plane canvas').toDataURL()"
        with opened(tmp_path / "page.html", extra=BLOB) as page:
            wait(page, "step 0 ")
            before = page.evaluate(image)
            take_steps(page, 30)
            train(net, optimizer, iter([data] * 30))
            scores = np.reshape(page.evaluate("() => [...minigrad.training.last.boundary]"), (-1, 2))
            np.testing.assert_allclose(scores, raw(net(grid)), rtol=1e-4, atol=1e-4)
            assert page.evaluate(image) != before
            assert page.locator(".plane path").count() == 200

    def test_a_curve_through_examples_is_the_networks(self, tmp_path: Path) -> None:
        mg.random.manual_seed(0)
        net = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
        x = np.linspace(-2, 2, 40, dtype=F32)[:, None]
        optimizer = nn.optim.Adam(net.parameters(), lr=0.02)
        made = viz.explore(net, data=(x, np.sin(3 * x)), optimizer=optimizer, loss=F.mse_loss, path=tmp_path / "page.html")
        fit = made.data["training"]["boundary"]
        with opened(tmp_path / "page.html", extra=BLOB) as page:
            wait(page, "step 0 ")
            before = page.get_attribute(".fit .said", "d")
            take_steps(page, 20)
            for _ in range(20):
                optimizer.zero_grad()
                F.mse_loss(net(x), np.sin(3 * x)).backward()
                optimizer.step()
            said = page.evaluate("() => [...minigrad.training.last.boundary]")
            line = np.linspace(*fit["low"], fit["size"], dtype=F32)[:, None]
            np.testing.assert_allclose(said, np.ravel(raw(net(line))), atol=1e-4)
            assert page.get_attribute(".fit .said", "d") != before
            assert page.locator(".fit .example").count() == 40
            assert violations(page) == []

    def test_it_plays_in_a_worker_and_pauses(self, tmp_path: Path) -> None:
        net, data = mlp(), points(200)
        viz.explore(
            net, data=data, optimizer=nn.optim.SGD(net.parameters(), lr=0.1), loss=F.cross_entropy, path=tmp_path / "page.html"
        )
        with opened(tmp_path / "page.html", extra=BLOB) as page:
            assert len(page.workers) == 1
            page.click("#train")
            wait(page, "% right")
            page.locator("svg.curve .band").wait_for()  # more steps than pixels
            assert page.inner_text("#train") == "Pause"
            page.click("#train")
            wait(page, "The graph shows these weights")
            assert page.inner_text("#train") == "Train"
            count = page.evaluate("minigrad.training.last.count")
            assert count == page.evaluate("minigrad.training.curve.steps") > 600
            ticks = """[...document.querySelectorAll("svg.curve text[text-anchor=end]")].map((text) =>
              Number(text.textContent.replace(",", "").replace("−", "-")))"""
            assert 0 in page.evaluate(ticks)
            page.click("#train-log")
            assert all(y > 0 for y in page.evaluate(ticks))  # what ends at the right end may be a number of steps
            assert len(page.evaluate(ticks)) >= 2

    def test_without_workers_it_trains_on_the_pages_own_thread(self, tmp_path: Path) -> None:
        net, data = mlp(), points()
        optimizer = nn.optim.Adam(net.parameters(), lr=0.01)
        path = tmp_path / "page.html"
        viz.explore(net, data=data, optimizer=optimizer, batch=16, loss=F.cross_entropy, path=path)
        with opened(path, extra=BLOB, first="delete globalThis.Worker") as page:
            assert page.workers == []
            take_steps(page, 20)
            train(net, optimizer, batches(data, 16, 0, 20))
            assert is_trained(page, net)
            page.click("#train")
            page.wait_for_timeout(300)
            page.click("#train")
            wait(page, "The graph shows these weights")

    def test_it_trains_in_the_frame_of_a_notebook(self, tmp_path: Path) -> None:
        net, data = mlp(), points()
        made = viz.explore(net, data=data, optimizer=nn.optim.SGD(net.parameters(), lr=0.1), loss=F.cross_entropy)
        notebook = tmp_path / "notebook.html"
        shown = f'<!doctype html><html data-ready><meta charset="utf-8"><body>{made._repr_html_()}</body></html>'
        notebook.write_text(shown, "utf-8")
        with opened(notebook, extra=("blob:", "about:"), own=True) as page:
            inside = page.frame_locator("iframe")
            inside.locator("#train-step").click()
            inside.locator("#train-told", has_text="step 1 ").wait_for()
            assert len(page.workers) == 1

    def test_a_page_that_is_not_live_trains_too(self, tmp_path: Path) -> None:
        net, x = mlp(), np.random.default_rng(0).normal(size=(30, 2))  # in float64, which the first layer makes float32
        data = x, np.int32(x[:, 0] > 0)
        optimizer = nn.optim.SGD(net.parameters(), lr=0.1)
        path = tmp_path / "page.html"
        viz.explore(net, data=data, optimizer=optimizer, batch=7, loss=F.cross_entropy, path=path, live=False)
        with opened(path, extra=BLOB) as page:
            take_steps(page, 12)
            train(net, optimizer, batches(data, 7, 0, 12))
            assert is_trained(page, net)
            assert "The graph shows" not in page.inner_text("#train-told")

    def test_a_loss_that_is_no_number_stops_it(self, tmp_path: Path) -> None:
        x = np.linspace(-1, 1, 20).astype(F32)
        w = Tensor(0.5, requires_grad=True)
        viz.explore(
            lambda x, y: ((w * x - y) ** 2).sum(),
            data=(x, 3 * x),
            optimizer=nn.optim.SGD([w], lr=0.001),
            path=tmp_path / "page.html",
        )
        with opened(tmp_path / "page.html", extra=BLOB) as page:
            page.fill("#train-rate", "1000")
            page.click("#train")
            wait(page, "Stopped: the loss is")
            page.click("#train-reset")
            wait(page, "step 0 ")
            page.fill("#train-rate", "0.01")
            take_steps(page, 3)
            assert "Stopped" not in page.inner_text("#train-told")

    @pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1920), ("light", 390)])
    def test_it_is_accessible_and_fits(self, tmp_path: Path, scheme: str, width: int) -> None:
        net, data = mlp(), points()
        every = [make(net.parameters()) for make in OPTIMIZERS.values()]
        viz.explore(net, data=data, optimizer=every, batch=(16, 25), loss=F.cross_entropy, path=tmp_path / "page.html")
        with opened(tmp_path / "page.html", scheme, extra=BLOB) as page:
            page.set_viewport_size({"width": width, "height": 844})
            take_steps(page, 3)
            page.keyboard.press("t")
            page.locator("#training[data-playing]").wait_for()
            page.keyboard.press("t")
            wait(page, "The graph shows these weights")
            assert violations(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            box, stage = page.locator("#training").bounding_box(), page.locator("main").bounding_box()
            assert stage["height"] > 200 and box["y"] >= stage["y"] + stage["height"] - 1
            letters = page.locator("#training :is(button, label, text, b, .name)")
            sizes = letters.evaluate_all("all => all.map(e => parseFloat(getComputedStyle(e).fontSize))")
            assert min(sizes) >= 12
            page.click("#train-fold")
            assert page.locator("main").bounding_box()["height"] > stage["height"] or width == 390
            assert not page.locator(".plane").is_visible()


def test_a_module_that_gives_the_loss_names_its_data() -> None:
    class Classifier(nn.Module):
        def __init__(self) -> None:
            self.net = mlp()

        def forward(self, points: Tensor, classes: Tensor) -> Tensor:
            return F.cross_entropy(self.net(points), classes)

    model = Classifier()
    page = viz.explore(model, data=points(), optimizer=nn.optim.SGD(model.parameters(), lr=0.1))
    assert {"points", "classes"} <= {step["label"] for step in page.data["steps"]}


def test_a_network_without_a_loss_is_told_to_give_one() -> None:
    net = mlp()
    with pytest.raises(TypeError, match=r"Sequential cannot take the 2 arrays of data=.*give loss="):
        viz.explore(net, data=points(), optimizer=nn.optim.SGD(net.parameters(), lr=0.1))
    with pytest.raises(TypeError, match=r"<lambda> cannot take the 2 arrays of data= \(too many positional arguments\)"):
        viz.explore(lambda x: net(x).sum(), data=points(), optimizer=nn.optim.SGD(net.parameters(), lr=0.1))
