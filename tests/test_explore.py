"""The explorer: what is in the page, and, in a browser, what it shows while it is played, searched and closed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from minigrad import Tensor, viz

from .browser import needs_browser, opened, violations


class LeNet(nn.Module):
    def __init__(self) -> None:
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 10))

    def forward(self, x: Any) -> Any:
        return self.classifier(self.features(x))


@pytest.fixture(scope="module")
def lenet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, LeNet, viz.Page]:
    model = LeNet()
    x = np.random.default_rng(0).normal(size=(8, 1, 28, 28)).astype(np.float32)
    with viz.capture(model):
        loss = nn.functional.cross_entropy(model(x), np.arange(8))
    path = tmp_path_factory.mktemp("lenet") / "lenet.html"
    page = viz.explore(loss, path)
    loss.backward()  # nothing was freed
    return path, model, page


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, float]]:
    x, y = Tensor(np.array(0.5), requires_grad=True, name="x"), Tensor(np.array(-3.0), requires_grad=True, name="y")
    path = tmp_path_factory.mktemp("small") / "small.html"

    def f() -> Tensor:
        return (np.tanh(x * y) + np.sin(x)) ** 2

    with viz.capture():
        viz.explore(f(), path)
    f().backward()
    return path, {"x": x.grad.item(), "y": y.grad.item()}


def test_the_page_holds_every_step_with_its_module_line_and_numbers(lenet: Any) -> None:
    path, model, page = lenet
    assert path.stat().st_size < 3_000_000
    steps = {step["label"]: step for step in page.data["steps"]}
    assert {name for name, _ in model.named_parameters()} <= steps.keys()
    conv = next(step for step in page.data["steps"] if step["op"] == "conv_bias")
    assert conv["calls"] == [["features", 1, "Sequential"], ["features.0", 1, "Conv2d"]]
    assert conv["source"].startswith("test_explore.py:")
    assert conv["value"]["map"]["caption"].startswith("the first 36 of 48 planes of 28×28")
    assert sum(conv["value"]["histogram"]["counts"]) == 8 * 6 * 28 * 28
    weight = steps["classifier.3.weight"]
    g = model.classifier[3].weight.grad.numpy()
    assert float(weight["gradient"]["range"]["min"]) == pytest.approx(g.min(), rel=1e-3)
    assert weight["calls"] == [["classifier", 1, "Sequential"], ["classifier.3", 1, "Linear"]]


def test_text_of_the_user_stays_text(tmp_path: Path) -> None:
    evil = '</script><script>document.title="owned"</script><!-- \u2028'
    x = Tensor(2.0, requires_grad=True, name=evil)
    html = viz.explore(x * x, tmp_path / "evil.html", title=evil).html
    assert html.count("<script>") == 2  # the library and the page's own
    assert "default-src 'none'" in html
    assert evil not in html
    inline = re.search(r'id="data">(.*?)</script>', html, re.DOTALL)
    assert inline is not None
    assert json.loads(inline[1])["steps"][0]["label"] == evil


def test_a_notebook_gets_the_page_in_a_frame() -> None:
    x = Tensor(2.0, requires_grad=True)
    frame = viz.explore(x * x)._repr_html_()
    assert frame.startswith('<iframe title="Computation graph" sandbox="allow-scripts"')
    assert "<script>" not in frame


def test_a_large_graph_is_summarised() -> None:
    y = Tensor(1.0, requires_grad=True, name="x")
    for _ in range(3000):
        y = (y * 1.0001).sin()
    page = viz.explore(y)
    assert page.data["notes"] == ["6001 steps, too many to show: those that are alike are one"]
    assert len(page.data["steps"]) < 10
    assert page.data["steps"][-1]["count"] == 2998


def test_after_a_backward_pass_the_error_says_what_to_do() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = (x.exp() * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="look or explain before backward"):
        viz.explore(y)


class TestInABrowser:
    pytestmark = needs_browser

    def test_stepping_shows_what_backward_computes(self, small: Any) -> None:
        path, grads = small
        with opened(path) as page:
            forward: dict[str, float] = {}
            backward: dict[str, float] = {}
            for _ in range(14):
                page.keyboard.press("ArrowRight")
                text = page.inner_text("#now")
                if "forward" in text:
                    label = re.search(r"forward: (\w+)", text)[1]  # type: ignore[index]
                    forward[label] = float(page.inner_text("#now .result"))
                else:
                    label = re.search(r"gradient of (\w+)", text)[1]  # type: ignore[index]
                    backward[label] = float(page.inner_text("#now .arrives").replace("−", "-"))
            assert forward["v1"] == pytest.approx(-1.5)
            assert forward["v2"] == pytest.approx(np.tanh(-1.5), rel=1e-3)
            assert forward["result"] == pytest.approx((np.tanh(-1.5) + np.sin(0.5)) ** 2, rel=1e-3)
            assert {name: backward[name] for name in grads} == pytest.approx(grads, rel=1e-3)
            assert "-0.7472 (from v3) + 0.4616 (from v1)" in text  # where gradients add up
            page.keyboard.press("ArrowLeft")
            assert "13 of 14" in page.inner_text("#now")
            page.keyboard.press("Home")
            assert "14 steps" in page.inner_text("#now")

    def test_play_pause_and_scrub(self, small: Any) -> None:
        with opened(small[0]) as page:
            page.select_option("#speed", "2400")
            page.keyboard.press("Space")
            assert page.inner_text("#play") == "Pause"
            page.locator("#now", has_text=re.compile(r"^([2-9]|1\d) of 14")).wait_for()  # it goes on by itself
            page.keyboard.press("Space")
            assert page.inner_text("#play") == "Play"
            at = page.inner_text("#now")
            page.wait_for_timeout(2600)
            assert page.inner_text("#now") == at
            page.eval_on_selector("#scrub", "e => { e.value = 9; e.dispatchEvent(new Event('input')); }")
            assert page.inner_text("#now").startswith("10 of 14, backward")
            assert page.locator(".node.backward").count() == 1

    def test_a_node_shows_its_formula_derivative_and_line(self, small: Any) -> None:
        with opened(small[0]) as page:
            page.locator(".node", has_text="tanh").click()
            detail = page.locator("#detail")
            assert detail.locator("h2").inner_text() == "v2 = tanh(v1)"
            assert detail.locator("[data-part=formula] math").count() == 1
            assert "np.tanh(x * y)" in detail.locator("[data-part=source]").inner_text()
            assert detail.locator("msup").count() > 0
            assert f"= {1 - np.tanh(-1.5) ** 2:.4g}" in detail.inner_text()  # the local derivative

    def test_search_keyboard_and_closing_of_modules(self, lenet: Any) -> None:
        with opened(lenet[0]) as page:
            nodes = page.locator(".node").count()
            page.keyboard.press("/")
            page.keyboard.type("conv2d op:nothing")
            assert page.inner_text("#found") == "0 found"
            page.fill("#search", "max_pool")
            assert page.inner_text("#found") == "2 found"
            page.keyboard.press("Enter")
            assert page.locator("#detail h2").inner_text().endswith("= max_pool(v2)")
            page.keyboard.press("Escape")
            page.keyboard.press("i")
            assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("relu")
            page.keyboard.press("Enter")
            assert "= relu(" in page.locator("#detail h2").inner_text()
            page.click("#close-all")
            assert page.locator(".node.closed").count() == 2
            assert page.locator(".node").count() == 5  # with the images, the target, and the loss
            page.locator(".node.closed").first.focus()
            page.keyboard.press("Enter")
            assert page.locator(".node.closed").count() == 1
            page.click("#open-all")
            assert page.locator(".node").count() == nodes
            box = page.get_attribute("svg.graph", "viewBox")
            page.keyboard.press("+")
            assert page.get_attribute("svg.graph", "viewBox") != box

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_it_is_accessible(self, lenet: Any, scheme: str) -> None:
        with opened(lenet[0], scheme) as page:
            assert violations(page) == []
            page.keyboard.press("End")
            assert violations(page) == []

    def test_it_works_in_the_frame_of_a_notebook(self, small: Any, tmp_path: Path) -> None:
        x = Tensor(2.0, requires_grad=True, name="x")
        frame = viz.explore(x * x)._repr_html_()
        notebook = tmp_path / "notebook.html"
        notebook.write_text(f'<!doctype html><html data-ready><meta charset="utf-8"><body>{frame}</body></html>')
        with opened(notebook) as page:
            inside = page.frame_locator("iframe")
            inside.locator(".node", has_text="multiply").click()
            assert inside.locator("#detail h2").inner_text() == "result = multiply(x, x)"

    def test_hostile_names_are_shown_as_they_are(self, tmp_path: Path) -> None:
        name = '<img src=x onerror="document.title=1"> & \\N </script>'
        x = Tensor(2.0, requires_grad=True, name=name)
        viz.explore(x * x, tmp_path / "evil.html", title="<b>t</b>")
        with opened(tmp_path / "evil.html") as page:
            assert page.title() == "<b>t</b>"
            assert page.locator("svg.graph .leaf text").first.text_content() == name
            page.locator(".node.leaf").click()
            assert page.locator("#detail h2").inner_text() == name
            assert page.locator("img").count() == 0
