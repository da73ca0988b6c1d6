"""The explorer: what is in the page, and, in a browser, what it shows while it is played, searched and closed."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from minigrad import Tensor, viz
from minigrad.viz.explore import SCRIPTS

from .browser import needs_browser, opened, violations, violations_in_both_themes


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


def test_no_two_scripts_of_the_page_give_one_name() -> None:
    """They share one scope, in which the later of two functions of a name would silently take the place of the other."""
    homes: dict[str, str] = {}
    for script in SCRIPTS:
        text = files("minigrad.viz").joinpath("assets", script).read_text("utf-8")
        names = re.findall(r"^(?:async )?(?:function\*?|class|const|let) (\w+)", text, re.MULTILINE)
        for name in names:
            assert homes.setdefault(name, script) == script and names.count(name) == 1, name
    assert len(homes) > 300


def test_a_notebook_gets_the_page_in_a_frame() -> None:
    x = Tensor(2.0, requires_grad=True)
    frame = viz.explore(x * x)._repr_html_()
    assert frame.startswith('<iframe title="Computation graph" sandbox="allow-scripts allow-downloads allow-modals"')
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


class Cells(nn.Module):
    """Two layers of cells over time."""

    def __init__(self) -> None:
        self.first, self.second, self.out = nn.LSTMCell(3, 4), nn.LSTMCell(4, 4), nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        h = c = k = d = Tensor(np.zeros((1, 4), np.float32))
        for t in range(len(x)):
            h, c = self.first(x[t], (h, c))
            k, d = self.second(h, (k, d))
        return self.out(k)


class Block(nn.Module):
    def __init__(self) -> None:
        self.inner = nn.Linear(4, 4)

    def forward(self, x: Any) -> Any:
        return x + np.tanh(self.inner(x))


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cells") / "cells.html"
    viz.explore(Cells(), path, np.ones((5, 1, 3), np.float32))
    return path


def view_box(page: Any) -> list[float]:
    return [float(number) for number in page.get_attribute("svg.graph", "viewBox").split()]


def letters(page: Any, which: str) -> list[float]:
    """How many pixels high the letters of texts in the drawing are on the screen."""
    high = "t => parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().d"
    return page.evaluate(f"which => [...document.querySelectorAll(which)].map({high})", which)


def is_in_sight(page: Any, which: str) -> bool:
    box, frame = page.locator(which).first.bounding_box(), page.locator("main").bounding_box()
    return all(frame[a] <= box[a] and box[a] + box[s] <= frame[a] + frame[s] for a, s in (("x", "width"), ("y", "height")))


def node(label: str) -> str:
    return f".node[aria-label^='{label}']"


class TestSeenFromTheLastRow:
    pytestmark = needs_browser

    def test_modules_are_closed_at_first_and_one_click_opens_one_level(self, lenet: Any) -> None:
        with opened(lenet[0]) as page:
            assert page.locator(".node").count() == 5  # images, target, features, classifier, loss
            sizes = page.locator(".node.closed text:nth-of-type(3)").all_text_contents()
            assert sizes == ["2,572 parameters", "49,330 parameters"]
            page.click(node("features"))
            assert page.locator(".node.closed").count() == 3
            assert page.locator(node("max_pool")).count() == 2
            page.wait_for_timeout(500)
            assert is_in_sight(page, node("0: Conv2d"))

    def test_all_can_be_open_at_first(self, tmp_path: Path) -> None:
        path = tmp_path / "open.html"
        viz.explore(nn.Sequential(nn.Linear(2, 3), nn.Tanh()), path, np.ones((1, 2)), depth=None)
        with opened(path) as page:
            assert page.locator(".node.closed").count() == 0
            assert page.locator(".node").count() == 5

    @pytest.mark.parametrize("width", [390, 1280, 1920])
    def test_no_label_is_smaller_than_14_pixels_nor_than_20_on_a_projector(self, lenet: Any, cells: Path, width: int) -> None:
        for path in (lenet[0], cells):
            with opened(path, viewport={"width": width, "height": 720}) as page:
                for button in (None, "#open-all"):
                    if button:
                        page.eval_on_selector(button, "b => b.click()")
                        page.locator("html:not([data-waiting])").wait_for(state="attached")
                    assert min(letters(page, "svg.graph text")) > 13.9
                page.keyboard.press("b")
                assert min(letters(page, "svg.graph text")) > 19.9
                small = "[...document.querySelectorAll('header *, footer *, #code *')].filter(e => e.innerText && e.offsetHeight)"
                assert page.evaluate(f"Math.min(...{small}.map(e => parseFloat(getComputedStyle(e).fontSize)))") > 19.9
                page.eval_on_selector("#projector", "b => b.click()")
                assert page.get_attribute("#projector", "aria-pressed") == "false"
                assert 13.9 < min(letters(page, "svg.graph text")) < 19

    def test_the_camera_goes_to_what_the_player_speaks_of(self, lenet: Any) -> None:
        with opened(lenet[0]) as page:
            page.click("#open-all")
            before = view_box(page)
            page.keyboard.press("End")
            page.wait_for_timeout(500)
            assert is_in_sight(page, ".node.backward")
            page.eval_on_selector("#scrub", "e => { e.value = 20; e.dispatchEvent(new Event('input')); }")
            page.wait_for_timeout(500)
            assert page.locator("#now").inner_text().startswith("21 of 40, forward: result")
            assert is_in_sight(page, ".node.forward")
            assert view_box(page) != before
            assert view_box(page)[2] == pytest.approx(before[2])  # it moves, and does not zoom

    def test_a_closed_module_is_one_step_of_the_player(self, lenet: Any) -> None:
        with opened(lenet[0]) as page:
            said = []
            for _ in range(8):
                page.keyboard.press("ArrowRight")
                said.append(page.inner_text("#now").split("\n")[0])
            assert said[1].startswith("2 of 8, forward: features: Sequential gives v6, 8×16×5×5")
            assert said[7].startswith("8 of 8, backward: the gradient goes back through features: Sequential")
            assert "features.0.weight" in page.inner_text("#now")
            page.click("#open-all")
            assert " of 40, backward" in page.inner_text("#now")

    def test_a_closed_module_speaks_once_a_call_after_what_it_reads(self, cells: Path) -> None:
        with opened(cells) as page:
            said = []
            while "backward" not in page.inner_text("#now"):
                page.keyboard.press("ArrowRight")
                said.append(re.sub(r".*forward: | gives .*", "", page.inner_text("#now").split("\n")[0]))
                if "LSTMCell (call 1)" not in said[-1] and len(said) < 4:
                    assert page.locator(node("first") + ".unseen-value").count() == 1
            calls = [f"{layer}: LSTMCell (call {t})" for t in range(1, 6) for layer in ("first", "second")]
            assert [words for words in said if "LSTMCell" in words and "backward" not in words] == calls
            assert said[0].startswith("x is given")

    def test_a_dot_carries_the_gradient_and_sums_meet(self, small: Any) -> None:
        with opened(small[0]) as page:
            page.emulate_media(reduced_motion="no-preference")
            page.eval_on_selector("#scrub", "e => { e.value = 13; e.dispatchEvent(new Event('input')); }")
            assert page.locator(".carried.backward circle").count() == 2
            assert page.locator(".carried text").all_text_contents() == ["-0.7472", "0.4616"]
            page.locator(".carried rect").wait_for(state="attached")
            assert page.locator(".carried text").all_text_contents() == ["-0.7472 + 0.4616 = -0.2856"]
            assert is_in_sight(page, ".carried rect")

    def test_with_reduced_motion_nothing_moves(self, small: Any, lenet: Any) -> None:
        with opened(small[0]) as page:
            page.emulate_media(reduced_motion="reduce")
            page.eval_on_selector("#scrub", "e => { e.value = 13; e.dispatchEvent(new Event('input')); }")
            assert page.locator(".carried circle").count() == 0
            assert page.locator(".carried text").all_text_contents() == ["-0.7472 + 0.4616 = -0.2856"]
        with opened(lenet[0]) as page:
            page.emulate_media(reduced_motion="reduce")
            page.click("#open-all")
            page.keyboard.press("End")
            at_once = view_box(page)
            page.wait_for_timeout(400)
            assert view_box(page) == at_once

    def test_a_recurrent_cell_is_folded_with_an_edge_back_and_unrolls_to_the_right(self, cells: Path) -> None:
        with opened(cells) as page:
            assert page.locator(".node.fold").count() == 2
            back = [text.strip() for text in page.locator(".edge text").all_text_contents() if "t−1" in text]
            assert sorted(back) == ["h, c of t−1", "k, d of t−1"]  # as the user calls them
            page.locator(".node.fold", has_text="first: LSTMCell ×5").click()
            page.wait_for_timeout(500)  # the camera moves
            assert page.get_attribute("#direction", "aria-pressed") == "true"
            for layer in ("first", "second"):
                boxes = [page.locator(node(f"{layer}: LSTMCell (call {t})")).bounding_box() for t in range(1, 6)]
                assert all(a["x"] + a["width"] < b["x"] for a, b in zip(boxes, boxes[1:], strict=False))
            page.locator("[data-box^=fold]").first.click()
            assert page.locator(".node.fold").count() == 2

    def test_an_op_over_all_time_steps_has_its_states_in_an_edge_back(self, tmp_path: Path) -> None:
        for layer, states in ((nn.LSTM(3, 4), "h, c of t−1"), (nn.GRU(3, 4), "h of t−1")):
            viz.explore(layer, tmp_path / "layer.html", np.ones((5, 1, 3), np.float32))
            with opened(tmp_path / "layer.html") as page:
                assert [text.strip() for text in page.locator(".edge text").all_text_contents()].count(states) == 1

    def test_equal_blocks_are_folded(self, tmp_path: Path) -> None:
        model = nn.Sequential(*(Block() for _ in range(6)), nn.Linear(4, 1))
        page = viz.explore(model, tmp_path / "blocks.html", np.ones((2, 4), np.float32))
        assert len(page.data["steps"]) > 30
        with opened(tmp_path / "blocks.html") as page:
            assert page.locator(".node").count() == 3  # the input, the blocks, the last layer
            assert page.locator(".node.fold text").first.text_content() == "0 … 5: Block ×6"
            page.click(".node.fold")
            assert page.locator(".node.closed").count() == 7

    def test_a_graph_that_graphviz_would_not_finish_has_a_simple_layout(self, tmp_path: Path) -> None:
        def f(x: Any) -> Any:
            y = x
            for _ in range(300):
                y = np.sin(y * x)  # an edge from x to each product crosses all between them
            return y

        viz.explore(f, tmp_path / "long.html", 0.5)
        with opened(tmp_path / "long.html") as page:
            assert "Simple layout" in page.inner_text("#notes")
            assert page.locator(".node").count() == 601
            assert min(letters(page, "svg.graph text")) > 13.9
            boxes = [page.locator(f".node >> nth={i}").bounding_box() for i in range(20)]
            assert all(a["y"] + a["height"] < b["y"] for a, b in zip(boxes, boxes[1:], strict=False))
            page.locator(".node").nth(1).click()
            assert page.locator("#detail h2").inner_text() == "v1 = multiply(x, x)"
            assert violations(page) == []

    def test_lines_of_code_and_nodes_light_up_together(self, lenet: Any) -> None:
        with opened(lenet[0]) as page:
            assert "return self.classifier(self.features(x))" in page.inner_text("#code")
            page.keyboard.press("ArrowRight")
            page.keyboard.press("ArrowRight")
            assert "self.features(x)" in page.inner_text("#code .forward")
            page.keyboard.press("End")
            assert "self.features(x)" in page.inner_text("#code .backward")
            sizes = page.locator("#code button .size").evaluate_all("all => all.map(e => e.getAttribute('aria-label'))")
            loss = next(step for step in lenet[2].data["steps"] if step["output"])
            assert sizes[-1] == "gradient 1.0" and loss["size"] == 1.0
            assert 0 < float(sizes[0].removeprefix("gradient ")) < 0.1
            page.locator("#code button", has_text="cross_entropy").click()
            assert page.locator(".node.lit").count() == 1
            assert page.locator(".node.lit text").first.text_content() == "result = cross_entropy"
            page.keyboard.press("l")
            assert not page.locator("#code").is_visible()

    def test_on_a_phone_the_player_stays_at_hand(self, lenet: Any) -> None:
        with opened(lenet[0]) as page:
            page.set_viewport_size({"width": 390, "height": 844})
            for top in (0, 500, 5000):
                page.evaluate(f"window.scrollTo(0, {top})")
                box = page.locator("#play").bounding_box()
                assert box["y"] > 0 and box["y"] + box["height"] < 844
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            assert violations(page) == []

    def test_on_paper_the_whole_graph_stands_without_buttons(self, lenet: Any) -> None:
        with opened(lenet[0], "light") as page:
            page.eval_on_selector("#theme", "b => b.click()")
            page.click("#open-all")
            page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
            page.emulate_media(media="print")
            page.wait_for_timeout(200)
            assert not page.locator("footer").is_visible() and not page.locator("#search").is_visible()
            hidden = [i for i in range(page.locator(".node").count()) if not is_in_sight(page, f".node >> nth={i}")]
            assert hidden == []
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"

    def test_a_projector_and_open_modules_are_accessible(self, cells: Path) -> None:
        with opened(cells) as page:
            page.keyboard.press("b")
            page.eval_on_selector("#compact", "b => b.click()")
            page.keyboard.press("End")
            page.wait_for_timeout(500)
            assert violations_in_both_themes(page) == []


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
            page.select_option("#speed", "1200")
            page.keyboard.press("Space")
            assert page.inner_text("#play") == "Pause"
            page.locator("#now", has_text=re.compile(r"^([2-9]|1\d) of 14")).wait_for()  # it goes on by itself
            page.keyboard.press("Space")
            assert page.inner_text("#play") == "Play"
            at = page.inner_text("#now")
            page.wait_for_timeout(1400)
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
            page.click("#open-all")
            nodes = page.locator(".node").count()
            page.keyboard.press("/")
            page.keyboard.type("conv2d op:nothing")
            assert page.inner_text("#found") == "0 found"
            page.fill("#search", "max_pool")
            assert page.inner_text("#found") == "2 found (Enter: first)"
            page.keyboard.press("Enter")
            assert page.locator("#detail h2").inner_text().endswith("= max_pool(v2)")
            assert page.inner_text("#found") == "1 of 2 (Enter: next)"
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
            assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "0: Conv2d, closed, 1 op"
            assert page.locator(".node.closed").count() == 3  # the classifier, and both convolutions of the features
            page.click("#open-all")
            assert page.locator(".node").count() == nodes
            box = page.get_attribute("svg.graph", "viewBox")
            page.keyboard.press("+")
            assert page.get_attribute("svg.graph", "viewBox") != box

    def test_it_is_accessible(self, lenet: Any) -> None:
        with opened(lenet[0]) as page:
            assert violations_in_both_themes(page) == []
            page.keyboard.press("End")
            assert violations_in_both_themes(page) == []

    def test_it_works_in_the_frame_of_a_notebook(self, small: Any, tmp_path: Path) -> None:
        x = Tensor(2.0, requires_grad=True, name="x")
        frame = viz.explore(x * x)._repr_html_()
        notebook = tmp_path / "notebook.html"
        notebook.write_text(f'<!doctype html><html data-ready><meta charset="utf-8"><body>{frame}</body></html>', "utf-8")
        with opened(notebook, own=True) as page:
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
