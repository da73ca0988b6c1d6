"""Data in the graph, names that are the user's own, and ops with several outputs: in text, drawings and pages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad
import nn
from minigrad import Tensor, viz
from minigrad.viz.text import printable
from minigrad.viz.view import view

from .browser import needs_browser, opened
from .layers_table import LAYERS
from .ops_table import MORE, ROWS
from .samples import Sample

F = nn.functional
IMAGES, TARGET = np.random.default_rng(0).random((4, 1, 8, 8)).astype(np.float32), np.array([0, 2, 1, 2])


def convnet() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5), nn.Linear(72, 3))


def data(target: Any, *names: Any) -> dict[str, viz.Step]:
    return {step.name or "": step for step in viz.walk(target, *names) if step.kind == "data"}


# ------------------------------------------------------------------------------------------ data


def test_images_and_targets_are_in_the_graph() -> None:
    model = convnet()
    with viz.capture(model):
        loss = F.cross_entropy(model(IMAGES), TARGET)
    found = data(loss)
    assert found["target"].shape == (4,)
    np.testing.assert_array_equal(found["input" if "input" in found else "x"].data.value, IMAGES)
    outside = {name for name, step in found.items() if step.data.given}
    assert "target" in outside and len(outside) == 2, outside  # the mask of the dropout is made inside


def test_the_users_names_go_before_those_of_parameters() -> None:
    real, fake = (Tensor(IMAGES.copy(), name=name) for name in ("real", "fake"))
    model = convnet().eval()
    with viz.capture(model):
        loss = model(real).mean() - model(fake).mean()
    assert {"real", "fake"} <= data(loss).keys()


def test_a_layer_that_casts_its_input_is_given_the_users_array() -> None:
    steps = viz.draw(nn.Linear(2, 1), np.ones((3, 2))).steps
    assert [(s.name, s.shape, s.dtype) for s in steps if s.kind == "data"] == [("x", (3, 2), np.dtype("float32"))]


def test_without_capture_data_is_known_where_a_rule_reads_it() -> None:
    a, b = Tensor(2.0, name="a"), Tensor(3.0, requires_grad=True, name="b")
    assert list(data(a * b)) == ["a"]
    assert list(data(b + a)) == []  # the sum's rules read nothing, and nobody kept it
    with viz.capture():
        y = b + a
    assert list(data(y)) == ["a"]
    assert "a" in viz.draw(a * b).source


def test_one_array_is_one_node_and_two_are_two() -> None:
    w = Tensor(np.ones(3), requires_grad=True, name="w")
    x, other = np.arange(3.0), np.arange(3.0)
    labels = [step.label for step in viz.explain((x * w * x * other).sum()).steps if step.step.kind == "data"]
    assert len(labels) == len(set(labels)) == 2
    steps = viz.walk((x * w * x).sum())
    (number,) = [step.id for step in steps if step.kind == "data"]
    assert sum(source == number for step in steps for source, *_ in step.inputs) == 2


def test_data_that_is_written_into_afterwards_is_shown_as_it_was() -> None:
    x, w = np.ones(2), Tensor(np.ones(2), requires_grad=True)
    with viz.capture():
        y = x * w
        x[:] = 5.0
        z = y * x
    first, second = [s.data.value for s in viz.walk(z) if s.kind == "data"]
    assert first.tolist() == [1, 1] and second.tolist() == [5, 5]


def test_what_data_was_computed_from_is_shown() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    steps = viz.draw(model, IMAGES).steps
    assert [(s.name or s.op, s.shape) for s in steps if s.data] == [("x", (4, 1, 8, 8)), ("reshape", (4, 64))]
    shown = view(steps)
    assert [(e.data, e.carried) for e in shown.edges if e.source < 0] == [(True, False)] * 2
    explanation = viz.explain(model, IMAGES, gradient=1.0)
    flat = next(step for step in explanation.steps if step.call.startswith("reshape"))
    np.testing.assert_array_equal(flat.value, IMAGES.reshape(4, 64))
    assert flat.gradient is None and flat.source is not None


def test_buffers_and_masks_belong_to_the_modules_that_hold_them() -> None:
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2)).eval()
    drawing = viz.draw(model, np.ones((4, 3)), depth=1)
    shown = re.findall(r'label="([^"]*)"', drawing.source)
    assert not any("running" in label for label in shown)  # closed in its module
    assert any(label.startswith(("x", "input")) for label in shown)


def test_nothing_is_noted_while_nobody_looks() -> None:
    x, w = np.ones(3), Tensor(np.ones(3), requires_grad=True)
    node = (w + x)._node
    assert node.saved == ((), None)  # not the data, which no rule reads
    assert "if _graph.special else None" in minigrad.add.op.source()


# ----------------------------------------------------------------------------------------- names


def test_formulas_speak_of_the_users_tensors() -> None:
    y, x = Tensor(2.0, requires_grad=True, name="y"), Tensor(3.0, requires_grad=True, name="x")
    text = repr(viz.explain(y / x))  # divide's own names are x / y
    assert "result = y / x = 2 / 3" in text
    assert "d x = -g y / x^2 = -1 × 2 / 3^2" in text


def test_a_tensor_that_is_called_g_is_not_taken_for_the_gradient() -> None:
    g = Tensor(2.0, requires_grad=True, name="g")
    assert "d g = gradient cos(g)" in repr(viz.explain(g.sin()))


def test_names_are_unique_and_pictures_have_those_of_the_text() -> None:
    a, b = (Tensor(1.0, requires_grad=True, name="v1") for _ in range(2))
    page = viz.explore((a * b).sin() * 2)
    assert [step["label"] for step in page.data["steps"]] == ["v1", "v1 2", "v2", "v3", "result"]


def test_the_members_of_a_sequence_have_their_own_names() -> None:
    a, b = (Tensor(np.ones(2), requires_grad=True, name=name) for name in "ab")
    text = repr(viz.explain(np.concatenate([a, b]).sum()))
    assert "v1 = [a, b]" in text and "the part of g that belongs to b" in text


def test_control_characters_are_pictures() -> None:
    assert printable("a\x1b\x7f\ud800\n") == "a␛␡�\n"
    x = Tensor(1.0, requires_grad=True, name="\x1b\ud800")
    page = viz.explore(x * 2, title="\x00")
    assert json.loads(re.search(r'id="data">(.*?)</script>', page.html, re.DOTALL)[1])["steps"][0]["label"] == "␛�"  # type: ignore[index]
    assert "\x00" not in page.html and "\x00" not in page._repr_html_()
    assert "\x1b" not in viz.draw(x * 2).source + repr(viz.explain(x * 2))


# ------------------------------------------------------------------------------- several outputs

SAMPLES = [pytest.param(row[0], id=name) for name, row in (ROWS | MORE).items()]


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_op_is_explained_explored_and_drawn(sample: Sample) -> None:
    args = [Tensor(np.array(a), requires_grad=True) for a in sample.args]
    for values in (True, False):
        with viz.capture(values=values):
            y = sample.f(*args)
        tensors = [t for t in (y if isinstance(y, (tuple, list)) else [y]) if isinstance(t, Tensor) and t.requires_grad]
        if not tensors:
            continue
        explanation = viz.explain(tensors, gradient=1.0)
        assert all(step.formula for step in explanation.steps if step.call)
        assert all(rule.formula for step in explanation.steps for rule in step.rules)
        assert repr(explanation) and explanation._repr_html_()
        json.dumps(viz.explore(tensors).data)
        assert viz.draw(tensors, style="detailed", highlight="nan").source


@pytest.mark.parametrize(("name", "args", "options", "shape"), LAYERS[::3])
def test_layers_are_explained_explored_and_drawn(name: str, args: Any, options: Any, shape: Any) -> None:
    layer, x = getattr(nn, name)(*args, **options), np.random.default_rng(0).normal(size=shape).astype(np.float32)
    given = x if list(layer.parameters()) else Tensor(x, requires_grad=True)
    explanation = viz.explain(layer, given, gradient=1.0)
    assert all(step.formula for step in explanation.steps if step.call)
    assert viz.explore(layer, given).html and viz.draw(layer, given, style="detailed", depth=0).source


class Classifier(nn.Module):
    def __init__(self, rnn: nn.Module) -> None:
        self.rnn, self.out = rnn, nn.Linear(6, 3)

    def forward(self, x: Any) -> Any:
        return self.out(self.rnn(x)[0][-1])


@pytest.mark.parametrize("rnn", [nn.RNN(4, 6), nn.GRU(4, 6, num_layers=2), nn.LSTM(4, 6, bidirectional=False), nn.Elman(4, 6, 6)])
def test_recurrent_classifiers(rnn: nn.Module) -> None:
    x = np.ones((5, 4, 4), np.float32)
    model = Classifier(rnn)
    with viz.capture(model):
        loss = F.cross_entropy(model(x), TARGET)
    explanation = viz.explain(loss)
    assert all(rule.formula for step in explanation.steps for rule in step.rules)
    assert "cross_entropy" in repr(explanation)
    for options in ({}, {"depth": 1}, {"repeats": "compact", "depth": 1}, {"highlight": "gradient"}):
        steps = viz.explore(model, x, **options).data["steps"]
        assert {"x", "rnn.weight_ih_l0", "out.bias"} <= {step["label"] for step in steps} or isinstance(rnn, nn.Elman)


def test_what_is_fused_or_batched_or_attended_is_shown_too() -> None:
    constant = np.arange(3.0)
    checkpointed = minigrad.checkpoint(lambda y: np.sin(y) * y)
    assert "d x = g df / d x" in repr(viz.explain(lambda x: checkpointed(x), 0.5))
    inner = minigrad.vmap(lambda row, other: (row * other * constant).sum())
    batched = viz.explain(lambda x: inner(x, Tensor(np.ones((2, 3)))).sum(), np.ones((2, 3)))
    assert all(rule.formula for step in batched.steps for rule in step.rules)
    block, x = nn.TransformerEncoderLayer(8, 2, 16), np.ones((5, 3, 8), np.float32)
    assert all(step.formula for step in viz.explain(block, x, gradient=1.0).steps if step.call)
    assert viz.explore(block, x, depth=1).html


def test_a_gradient_penalty_is_explained() -> None:
    critic = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    x = Tensor(np.ones((2, 4), np.float32), requires_grad=True, name="x")
    with viz.capture(critic):
        (g,) = minigrad.autograd.grad(critic(x).sum(), [x], create_graph=True)
        loss = ((g**2).sum() - 1) ** 2
    assert all(rule.formula for step in viz.explain(loss).steps for rule in step.rules)
    assert viz.explore(loss).html


def test_what_lies_on_a_gpu(stand_in: Any) -> None:
    w = Tensor(np.ones((3, 2)), requires_grad=True, device="cuda", name="w")
    x = Tensor(np.ones((4, 3)), device="cuda", name="x")
    with viz.capture():
        y = ((x @ w) ** 2).sum()
    assert "x @ w" in repr(viz.explain(y))
    assert list(data(y)) == ["x"] and viz.explore(y).html and viz.draw(y, style="detailed").source


def test_outputs_are_told_apart() -> None:
    x = Tensor(np.arange(4.0), requires_grad=True, name="x")
    a, b = np.split(x, 2)
    text = repr(viz.explain((a * b).sum()))
    assert "multiply(v1[0], v1[1])" in text
    assert "to v1[0]:  d v1[0] = g v1[1]" in text
    assert "2, 2" in viz.draw((a * b).sum(), style="detailed").source


# --------------------------------------------------------------------- what explore and draw take


def test_labels_and_masks_that_a_function_is_given_are_data() -> None:
    logits, labels, mask = np.zeros((2, 3)), np.array([0, 2]), np.array([True, False])
    page = viz.explore(
        lambda logits, labels, mask: nn.functional.cross_entropy(logits, labels) * np.where(mask, 1.0, 2.0), logits, labels, mask
    )
    assert [(step["label"], step["kind"]) for step in page.data["steps"] if not step["op"]] == [
        ("logits", "leaf"),
        ("labels", "data"),
        ("mask", "data"),
    ]
    assert viz.explain(lambda x: (x * x).sum(), np.arange(3)).steps[0].gradient.tolist() == [
        0,
        2,
        4,
    ]  # where nothing else is given
    assert viz.explain(lambda x: (1.0 * x**-1).sum(), np.arange(1, 3)).steps[0].gradient.tolist() == [-1, -0.25]


def test_tokens_alone_are_data_of_a_function_that_looks_them_up() -> None:
    table = nn.Embedding(5, 3)
    for tokens in (np.array([1, 2]), Tensor([1, 2])):
        steps = viz.explain(lambda tokens: (table(tokens) ** 2).sum(), tokens).steps
        assert [(step.label, step.step.kind) for step in steps if step.step.op is None][-1][1] == "data"
    page = viz.explore(lambda tokens: (table(tokens) ** 2).sum(), np.array([1, 2]))
    assert "program" in page.data["live"]


def test_a_function_of_numbers_or_of_nothing_is_called_once() -> None:
    weight, called = Tensor(2.0, requires_grad=True), []
    for inputs in ((), (3.0,)):
        viz.explain(lambda *x: called.append(x) or weight * sum(x, 1.0), *inputs)
    assert len(called) == 2


def test_explore_takes_what_draw_takes(tmp_path: Path) -> None:
    model, x = convnet().eval(), IMAGES
    page = viz.explore(model, x, depth=1, direction="LR", highlight="gradient", repeats="compact")
    assert (page.data["direction"], page.data["repeats"]) == ("LR", "compact")
    assert {step["shut"] for step in page.data["steps"] if step["op"]} == {0}
    assert page.data["marked"] and page.data["notes"]
    first = viz.explore(lambda x: x**3, 2.0, derivative=1).data["steps"]
    assert [step["short"] for step in first if step["label"] == "gradient of x"] == ["12"]
    for path in (tmp_path / "a.html", str(tmp_path / "b.html")):
        viz.explore(nn.Linear(2, 1), path, np.ones((1, 2)))
        assert Path(path).exists()
    viz.explore(nn.Linear(2, 1), np.ones((1, 2)), path=tmp_path / "c.html")
    viz.explore(nn.Linear(2, 1), None, np.ones((1, 2)))
    with pytest.raises(ValueError, match="depth"):
        viz.explore(model, x, depth=-1)
    with pytest.raises(ValueError, match="direction"):
        viz.explore(model, x, direction="UP")


class TestInABrowser:
    pytestmark = needs_browser

    def test_gradients_come_when_they_are_played_and_point_back(self, tmp_path: Path) -> None:
        viz.explore(lambda x, y: np.sin(x * y), tmp_path / "page.html", 2.0, 3.0)
        with opened(tmp_path / "page.html") as page:
            seen = "getComputedStyle(document.querySelector('.node.output text:nth-of-type(3)')).visibility"
            assert page.evaluate(seen) == "hidden"
            height = page.locator("footer").bounding_box()["height"]
            page.keyboard.press("End")
            assert page.evaluate(seen) == "visible"
            style = "getComputedStyle(document.querySelector('.edge.backward {}')).{}"
            assert page.evaluate(style.format("path", "markerStart")) == 'url("#back")'
            assert page.evaluate(style.format("polygon", "visibility")) == "hidden"
            assert page.locator("footer").bounding_box()["height"] == height

    def test_nodes_have_the_names_of_the_text_and_a_legend_says_what_is_what(self, tmp_path: Path) -> None:
        model = convnet().eval()
        viz.explore(model, tmp_path / "page.html", IMAGES, depth=1)
        with opened(tmp_path / "page.html") as page:
            assert page.locator(".node.data").count() == 1
            assert page.locator(".node.closed").count() > 1  # also that of the result
            page.locator(".node.closed", has_text="Linear").click()
            labels = page.locator(".node").all_text_contents()
            assert any("result = linear" in label for label in labels), labels
            assert {"leaf", "data", "rms", "orange", "blue"} <= set(re.findall(r"\w+", page.inner_text("#legend")))

    def test_long_formulas_do_not_make_a_narrow_page_wide(self, tmp_path: Path) -> None:
        viz.explore(Classifier(nn.LSTM(4, 6)), tmp_path / "page.html", np.ones((5, 4, 4), np.float32))
        with opened(tmp_path / "page.html") as page:
            page.set_viewport_size({"width": 390, "height": 844})
            page.keyboard.press("End")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390

    def test_a_name_with_a_control_character_is_drawn(self, tmp_path: Path) -> None:
        viz.explore(Tensor(1.0, requires_grad=True, name="na\x1bme") * 2, tmp_path / "page.html")
        with opened(tmp_path / "page.html") as page:
            assert page.locator("svg.graph .leaf text").first.text_content() == "na␛me"
