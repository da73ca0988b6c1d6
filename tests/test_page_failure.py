"""What went wrong: the graph up to an op that failed, where NaN was born, how gradients vanish and explode."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad
import nn
from minigrad import Tensor, viz

from .browser import needs_browser, opened, violations

RNG = np.random.default_rng(0)


class Net(nn.Module):
    """Its second linear layer has too few inputs."""

    def __init__(self) -> None:
        self.features = nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2))
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(400, 32), nn.ReLU())

    def forward(self, x: Any) -> Any:
        h = self.features(x)
        return self.classifier(h)


class Own(nn.Module):
    def __init__(self) -> None:
        self.inner = nn.Sequential(nn.Linear(3, 4), nn.Tanh())

    def forward(self, x: Any, weight: Any = None) -> Any:
        h = self.inner(x)
        return h @ weight if weight is not None else h.no_such_thing


def stopped(model: Any, *inputs: Any, error: type[Exception] = ValueError) -> viz.Capture:
    with pytest.raises(error), viz.capture(model) as t:  # it goes on as always
        model(*inputs)
    return t


IMAGES = np.ones((2, 1, 28, 28), "float32")


def test_a_layer_that_refuses_its_input_is_named_with_its_path_its_line_and_the_shapes() -> None:
    failed = stopped(Net(), IMAGES).failed
    assert failed is not None
    assert (failed.op, failed.path, failed.module, failed.kind) == ("Linear", "classifier.1", "Linear", "ValueError")
    assert failed.given == (("x", (2, 864), "float32"),)
    assert failed.source is not None
    assert failed.source.endswith("return self.classifier(h)")
    assert failed.message.startswith("Linear: expected last axis 400")
    assert "in the layer classifier.1, a Linear, of Net" in failed.message
    first = stopped(nn.Sequential(nn.Linear(2, 3), nn.Tanh()), np.ones((2, 5))).failed  # which gets a plain array
    assert first is not None
    assert (first.op, first.given) == ("Linear", (("x", (2, 5), "float64"),))
    text = repr(failed)
    assert all(part in text for part in ("classifier.1: Linear failed", "x: 2×864 float32", "self.classifier(h)", "ValueError: "))
    failed = stopped(Net(), np.ones((2, 3, 28, 28), "float32")).failed
    assert failed is not None
    assert (failed.op, failed.path) == ("Conv2d", "features.0")
    assert [name for name, *_ in failed.given] == ["x", "weight", "bias"]


def test_an_op_that_fails_is_shown_with_what_leads_to_it() -> None:
    t = stopped(Own(), np.ones((2, 3), "float32"), np.ones((5, 2), "float32"))
    failed = t.failed
    assert failed is not None
    assert (failed.op, failed.path, failed.module) == ("matmul", "", "Own")
    assert [(one.name, one.shape) for one in failed.given] == [("x", (2, 4)), ("y", (5, 2))]
    page = viz.explore(t)
    steps = page.data["steps"]
    assert [step["op"] for step in steps if step["op"]] == ["linear", "tanh", "matmul"]
    assert steps[-1]["failed"] == "matmul failed\n2×4, 5×2"
    assert {source for source, _ in steps[-1]["inputs"]} == {
        step["id"] for step in steps if step["op"] == "tanh" or step["label"] == "weight"
    }
    assert [step["value"]["shape"] for step in steps if step["op"] == "tanh"] == ["2×4"]  # values are there
    assert page.data["backward"] == []
    drawing = viz.draw(t)
    assert "matmul failed\nx: 2×4 float32\ny: 5×2 float32\nValueError" in drawing.source
    assert [note.partition(".")[0] for note in drawing.notes] == ["matmul failed in Own"]
    with pytest.raises(ValueError, match="matmul failed in Own"):
        viz.explain(t)
    assert viz.memory(t).by_op["tanh"] > 0


def test_of_an_error_between_ops_the_tensors_of_the_line_are_shown() -> None:
    t = stopped(Own(), np.ones((2, 3), "float32"), error=AttributeError)
    assert t.failed is not None
    assert (t.failed.op, t.failed.given) == (None, (("h", (2, 4), "float32"),))
    assert [step["op"] for step in viz.explore(t).data["steps"] if step["op"]] == ["linear", "tanh", "your code"]
    with pytest.raises(ZeroDivisionError), viz.capture() as t:
        x = Tensor([1.0, 2.0], requires_grad=True) * 2
        1 / 0  # names no tensor: the last result is shown
    del x
    assert t.failed is not None
    assert t.failed.given == (("last", (2,), "float32"),)
    with pytest.raises(ZeroDivisionError), viz.capture() as t:
        1 / 0
    assert t.failed is not None
    assert len(viz.explore(t).data["steps"]) == 1


def test_an_error_that_was_raised_from_that_of_an_op_leads_to_the_op() -> None:
    class Wrapping(Own):
        def forward(self, x: Any, weight: Any = None) -> Any:
            try:
                return super().forward(x, weight)
            except ValueError as error:
                raise RuntimeError("no such product") from error

    t = stopped(Wrapping(), np.ones((2, 3), "float32"), np.ones((5, 2), "float32"), error=RuntimeError)
    assert t.failed is not None
    assert (t.failed.op, t.failed.kind, t.failed.message) == ("matmul", "RuntimeError", "no such product")


@pytest.mark.parametrize(
    ("name", "fails"),
    [
        ("concatenate", lambda x: np.concatenate([x, np.ones((3, 7))])),
        ("add", lambda x: x + np.ones(7)),
        ("reshape", lambda x: x.reshape(7)),
        ("einsum", lambda x: np.einsum("ij,jk->ik", x, np.ones((7, 2)))),
        ("getitem", lambda x: x[5]),
        ("stack", lambda x: np.stack([np.ones(3)] * 9 + [x])),
    ],
)
def test_ops_of_all_kinds_fail_before_they_are_in_the_graph(name: str, fails: Any) -> None:
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    with pytest.raises((ValueError, IndexError)), viz.capture() as t:
        fails(np.exp(x))
    assert t.failed is not None
    assert t.failed.op == name
    assert (2, 3) in {one.shape for one in t.failed.given}
    assert [step.op for step in viz.draw(t).steps if step.op] == ["exp", name]


@pytest.mark.parametrize(
    ("name", "given", "fails"),
    [
        ("add", ["x"], lambda x: np.add(x, "one")),
        ("sum", ["a"], lambda x: x.sum(axis="rows")),
        ("LSTM", ["input"], lambda x: nn.LSTM(4, 5)(x)),
        ("embedding", ["weight"], lambda x: nn.Embedding(3, 4)(np.array([7]))),
        ("backward", ["output"], lambda x: (x * 2).backward()),
        ("matmul", ["x", "y"], lambda x: minigrad.vmap(lambda row: row @ np.ones(7))(x)),
        ("matmul", ["x", "y"], lambda x: minigrad.grad(lambda y: (y @ y).sum())(x)),
    ],
)
def test_whatever_fails_is_shown(name: str, given: list[str], fails: Any) -> None:
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    with pytest.raises((ValueError, TypeError, IndexError, RuntimeError)), viz.capture() as t:
        fails(x)
    assert t.failed is not None
    assert (t.failed.op, [one.name for one in t.failed.given]) == (name, given)
    assert viz.explore(t).data["failure"]["given"][0][0] == given[0]
    assert f"{name} failed" in viz.draw(t).source


def test_what_was_caught_inside_is_no_failure_and_the_modules_are_right_afterwards() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh())
    with viz.capture(model) as t:
        with pytest.raises(ValueError, match="expected last axis 3"):
            model(np.ones((2, 5), "float32"))
        y = model(np.ones((2, 3), "float32"))
    assert t.failed is None
    assert [[call.path for call in step.calls] for step in viz.walk(y) if step.op] == [["", "0"], ["", "1"]]
    assert [step["op"] for step in viz.explore(t).data["steps"] if step["op"]] == ["linear", "tanh"]


def test_results_are_what_nothing_else_was_computed_from() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    with viz.capture() as t:
        y = x * 2
        z, q = y + 1, y.sum()
    assert [tensor.item() if tensor.ndim == 0 else tensor.tolist() for tensor in t.results] == [[3.0, 5.0], 6.0]
    assert t.results[0]._node is z._node
    with viz.capture(values=False) as t:
        y = x * 2
    with pytest.raises(ValueError, match="kept no results"):
        viz.explore(t)
    with viz.capture() as t:
        pass
    with pytest.raises(ValueError, match="nothing was computed that needs a gradient"):
        viz.draw(t)
    assert q is not None


def test_a_failure_keeps_the_graph_alone_alive() -> None:
    class Held:
        pass

    references: list[Any] = []

    class Holding(nn.Module):
        def forward(self, x: Any) -> Any:
            held = Held()
            references.append(weakref.ref(held))
            return np.exp(x) @ x

    model = Holding()
    try:
        with viz.capture(model) as t:
            model(Tensor(np.ones((2, 3)), requires_grad=True))
    except ValueError:
        pass
    gc.collect()
    assert references[0]() is None  # the frames of the error are gone
    assert t.failed is not None
    assert [step["op"] for step in viz.explore(t).data["steps"]] == [None, "exp", "matmul"]


def entropy(x: Any, w: Any) -> Any:
    """The exponential overflows."""
    p = np.exp(x * w)
    q = p / p.sum()
    return -(q * np.log(q)).sum()


class Sigmoids(nn.Module):
    def __init__(self) -> None:
        self.layers = nn.ModuleList([nn.Linear(6, 6) for _ in range(8)])

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = nn.functional.sigmoid(layer(x))
        return (x**2).mean()


def change(page: Any, name: str, numbers: list[float]) -> None:
    """Change a leaf of a live page."""
    place = page.evaluate("(name) => minigrad.live.inputs.findIndex((input) => input.name === name)", name)
    page.evaluate("([place, all]) => { minigrad.live.change(place, (numbers) => numbers.set(all)); }", [place, numbers])


def choose(page: Any, look: str) -> None:
    page.locator("summary", has_text="View").click()
    page.click(f"#look-{look}")


def labels(page: Any, name: str) -> set[str]:
    """The first lines of the nodes of a class."""
    script = "all => all.map((node) => node.querySelector('text').textContent)"
    return set(page.locator(f"svg.graph .node.{name}").evaluate_all(script))


class TestInTheBrowser:
    pytestmark = needs_browser

    def test_the_failing_op_is_red_and_the_modules_that_lead_to_it_are_open(self, tmp_path: Path) -> None:
        viz.explore(stopped(Net(), IMAGES), tmp_path / "failed.html")
        with opened(tmp_path / "failed.html") as page:
            assert labels(page, "failed") == {"Linear failed"}
            assert page.locator("svg.graph .node.closed").count() == 1  # features stays closed
            assert page.inner_text("#detail-title") == "classifier.1: Linear failed"
            assert page.locator("[data-part=given] tbody tr").all_inner_texts() == ["x\t2×864\tfloat32"]
            assert "expected last axis 400" in page.inner_text("[data-part=message]")
            assert page.inner_text("[data-part=source]").endswith("return self.classifier(h)")
            assert "classifier.1: Linear failed" in page.inner_text("#stopped")
            assert violations(page) == []
            page.keyboard.press("End")
            assert "failed" in page.inner_text("#now")

    def test_nan_is_told_of_by_itself_where_it_was_born(self, tmp_path: Path) -> None:
        with np.errstate(all="ignore"):
            viz.explore(entropy, np.array([1000.0, 2.0, 3.0]), 1.5, path=tmp_path / "nan.html")
        with opened(tmp_path / "nan.html", "dark") as page:
            assert "v2 = exp(v1)" in page.inner_text("#born")
            assert "gives infinity in 1 of 3 elements" in page.inner_text("#born")
            assert "p = np.exp(x * w)" in page.inner_text("#legend-nan")
            assert labels(page, "nan-born") == {"v2 = exp"}
            assert labels(page, "nan-after") == {
                f"v{n} = {op}" for n, op in enumerate(["exp", "sum", "divide", "log", "multiply", "sum"], 2)
            } | {"result = negative"}
            assert {"x", "w", "v1 = multiply"} <= labels(page, "nan-back")
            assert violations(page) == []

    def test_nan_that_is_edited_into_a_live_page_is_found_and_goes_with_the_edit(self, tmp_path: Path) -> None:
        viz.explore(entropy, np.array([1.0, 2.0, 3.0]), 1.5, path=tmp_path / "live.html")
        with opened(tmp_path / "live.html") as page:
            assert page.locator("#born, .nan-born").count() == 0
            change(page, "x", [1.0, 900.0, 3.0])
            assert "v2 = exp(v1)" in page.inner_text("#born")
            assert labels(page, "nan-born") == {"v2 = exp"}
            page.click("#born .close")
            assert page.locator("#born").count() == 0
            change(page, "x", [1.0, 2.0, 3.0])
            assert page.locator(".nan-born, #legend-nan").count() == 0

    def test_what_is_born_on_the_way_back_is_told_with_the_rule(self, tmp_path: Path) -> None:
        with np.errstate(all="ignore"):
            viz.explore(lambda x: (np.sqrt(x) * 2).sum(), np.array([0.0, 4.0]), path=tmp_path / "back.html")
            viz.explore(
                lambda x: np.where(np.tri(3) > 0, x, -np.inf).max(axis=-1).sum(), np.ones((3, 3)), path=tmp_path / "mask.html"
            )
        with opened(tmp_path / "back.html") as page:
            assert "v1 = sqrt(x)" in page.inner_text("#born")
            assert "sends back to x infinity in 1 of 2 elements" in page.inner_text("#born")
            assert labels(page, "nan-born") == {"v1 = sqrt"}
            assert labels(page, "nan-back") == {"x"}
            assert labels(page, "nan-after") == set()
        with opened(tmp_path / "mask.html") as page:  # infinity that goes no further is somebody's mask
            assert page.locator("#born").count() == 0
            choose(page, "nan")
            assert labels(page, "nan-born") == {"v1 = where"}

    def test_finite_gradients_whose_sum_is_not_are_told_of(self, tmp_path: Path) -> None:
        with np.errstate(all="ignore"):
            viz.explore(lambda x: x * 1e308 + np.sin(x) * 1e308, 0.5, path=tmp_path / "sum.html")
        with opened(tmp_path / "sum.html") as page:
            assert "x, which was given is sent finite gradients, their sum has infinity in 1 of 1 element" in page.inner_text(
                "#born"
            )
            assert labels(page, "nan-born") == {"x"}

    def test_the_heat_of_edges_is_the_norm_of_what_is_sent_back(self, tmp_path: Path) -> None:
        model, x = Sigmoids(), RNG.normal(size=(4, 6)).astype("float32")
        made = viz.explore(model, x, path=tmp_path / "heat.html", depth=None)
        tensors, names = viz.resolve(model, [x], None)
        norms = {rule["to"]: rule["norm"] for step in made.data["steps"] for rule in step["rules"]}
        labelled = {step["label"]: norms[step["id"]] for step in made.data["steps"] if step["id"] in norms}
        tensors[0].backward()
        for name, parameter in model.named_parameters():  # each is used once: what is sent is its gradient
            assert labelled[name] == pytest.approx(np.linalg.norm(parameter.grad.numpy()), rel=1e-4)
        with opened(tmp_path / "heat.html") as page:
            choose(page, "heat")
            titles = page.locator("title.paint-heat").all_text_contents()
            assert len(titles) == page.locator("svg.graph .edge.heat").count() == len(norms)
            shown = sorted(float(title.rsplit(" ", 1)[1]) for title in titles)
            assert shown == pytest.approx(sorted(norms.values()), rel=5e-3)
            edges = page.locator(".edge.heat")
            heat = edges.evaluate_all("all => all.map((edge) => Number(edge.style.getPropertyValue('--heat')))")
            paths = edges.locator("> path")
            widths = paths.evaluate_all("all => all.map((path) => parseFloat(getComputedStyle(path).strokeWidth))")
            low, high = np.floor(np.log10(shown[0])), np.ceil(np.log10(shown[-1]))
            assert sorted(heat) == pytest.approx((np.log10(shown) - low) / (high - low), abs=2e-3)
            assert widths == pytest.approx([1.5 + 6 * part for part in heat], abs=0.01)
            ticks = page.locator("#legend-heat li").all_inner_texts()
            assert ticks[0] == f"10{low:.0f}".replace("-", "−")
            assert "It vanishes on" in page.inner_text("#legend-heat")
            assert violations(page) == []

    def test_the_heat_changes_with_an_edit(self, tmp_path: Path) -> None:
        viz.explore(lambda x, w: np.tanh(x * w).sum(), np.array([0.1, 0.2]), 2.0, path=tmp_path / "edit.html")
        with opened(tmp_path / "edit.html") as page:
            choose(page, "heat")
            before = page.locator("title.paint-heat").all_text_contents()
            change(page, "x", [7.0, 8.0])
            after = page.locator("title.paint-heat").all_text_contents()
            assert len(before) == len(after) == 4
            assert before != after
            assert "It vanishes on" in page.inner_text("#legend-heat")  # tanh is flat there
