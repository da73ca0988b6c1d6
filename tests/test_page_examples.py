"""The eight example pages in a browser: readable at three widths, whole, accessible, chosen by click and by touch."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from minigrad import viz

from .browser import needs_browser, opened, violations

sys.path.insert(0, str(Path(__file__).parents[1]))  # where the examples are

from examples.pages import PAGES, make, write

SIZES = {390: 844, 1280: 800, 1920: 1080}
SMALLEST = """Math.min(...[...document.querySelectorAll("svg.graph text")].map((text) =>
  parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().d))"""


@pytest.fixture(scope="session")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The path of an example page, made when it is first asked for."""
    folder, known = tmp_path_factory.mktemp("pages"), dict[str, Path]()

    def path(name: str) -> Path:
        if name == "lenet":
            pytest.importorskip("sklearn")
        if name not in known:
            known[name] = folder / f"{name}.html"
            assert make(name, known[name]).data["live"].get("why") is None
        return known[name]

    return path


def cut(page: Any, which: str) -> list[str]:
    """Those of some parts of the drawing that the sides of the window cut through."""
    script = """which => {
      const frame = document.querySelector("main").getBoundingClientRect();
      return [...document.querySelectorAll(which)].filter((part) => {
        const box = part.getBoundingClientRect();
        const isSeen = box.right > frame.left && box.left < frame.right && box.bottom > frame.top && box.top < frame.bottom;
        return isSeen && (box.left < frame.left - 1 || box.right > frame.right + 1);
      }).map((part) => part.getAttribute("aria-label") ?? part.textContent.trim());
    }"""
    return page.evaluate(script, which)


def test_one_page_is_written_by_its_name(tmp_path: Path) -> None:
    assert write(["scalar"], tmp_path) == [tmp_path / "scalar.html"]
    assert (tmp_path / "scalar.html").stat().st_size < 3_000_000
    with pytest.raises(SystemExit, match="there is no page 'lent'; there are scalar, mlp, lenet"):
        write(["lent"], tmp_path)


class Block(nn.Module):
    def __init__(self) -> None:
        self.inner = nn.Linear(4, 4)

    def forward(self, x: Any) -> Any:
        return x + np.tanh(self.inner(x))


def test_a_page_of_a_thousand_ops_is_below_three_megabytes() -> None:
    model = nn.Sequential(*(Block() for _ in range(250)))
    page = viz.explore(model, np.ones((2, 4), np.float32), max_nodes=10_000)
    assert sum(step["op"] is not None for step in page.data["steps"]) >= 750
    assert page.data["live"].get("why") is None
    assert len(page.html.encode()) < 3_000_000


class TestInABrowser:
    pytestmark = needs_browser

    @pytest.mark.parametrize("name", PAGES)
    def test_it_can_be_read_and_used_by_everybody(self, name: str, page_of: Any) -> None:
        with opened(page_of(name)) as page:
            for width, height in SIZES.items():
                page.set_viewport_size({"width": width, "height": height})
                page.wait_for_timeout(50)
                assert page.evaluate(SMALLEST) > 13.9
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                page.keyboard.press("b")
                assert page.evaluate(SMALLEST) > 19.9
                assert page.locator("#detail-title").is_visible()  # also on a projector
                page.keyboard.press("b")
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                assert violations(page) == []
                page.keyboard.press("End")

    @pytest.mark.parametrize("name", ["scalar", "mlp", "lenet", "lstm", "transformer"])
    def test_nothing_is_cut_off_on_a_phone_when_it_opens(self, name: str, page_of: Any) -> None:
        with opened(page_of(name), viewport={"width": 390, "height": 844}) as page:
            assert cut(page, ".node, .edge text") == []

    def test_a_wide_drawing_begins_where_most_nodes_are_whole(self, page_of: Any) -> None:
        with opened(page_of("gan"), viewport={"width": 390, "height": 844}) as page:
            whole = page.evaluate("document.querySelectorAll('.node').length") - len(cut(page, ".node"))
            assert whole > 4 and len(cut(page, ".node")) <= 3

    def test_click_and_touch_choose_a_node_and_a_drag_does_not(self, page_of: Any) -> None:
        with opened(page_of("scalar"), viewport={"width": 390, "height": 844}, has_touch=True) as page:
            title = page.locator("#detail-title")
            page.locator(".node", has_text="tanh").tap()
            assert title.inner_text() == "v2 = tanh(v1)"
            page.locator(".node", has_text="sin").click()
            assert title.inner_text() == "v3 = sin(x)"
            box = page.locator(".node", has_text="tanh").bounding_box()
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            before = page.get_attribute("svg.graph", "viewBox")
            page.mouse.move(x, y)
            page.mouse.down()
            page.mouse.move(x + 30, y + 20, steps=4)
            page.mouse.up()
            assert title.inner_text() == "v3 = sin(x)"
            assert page.get_attribute("svg.graph", "viewBox") != before

    def test_two_fingers_zoom_and_what_they_touch_stays_below_them(self, page_of: Any) -> None:
        with opened(page_of("scalar"), viewport={"width": 390, "height": 844}, has_touch=True) as page:
            send = page.context.new_cdp_session(page).send
            place = page.locator(".node", has_text="tanh").bounding_box()
            x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
            for kind, apart in (("touchStart", 40), ("touchMove", 60), ("touchMove", 80)):
                points = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
                send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
            send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
            now = page.locator(".node", has_text="tanh").bounding_box()
            assert now["width"] == pytest.approx(2 * place["width"], rel=0.05)
            assert now["x"] + now["width"] / 2 == pytest.approx(x, abs=3)

    def test_a_long_formula_breaks_and_the_header_of_a_phone_has_two_buttons(self, page_of: Any) -> None:
        with opened(page_of("lenet"), viewport={"width": 1280, "height": 800}) as page:
            assert page.locator("[data-part=formula] math").count() > 1
            assert page.locator("header button:visible").count() == 0  # they are in menus
            page.set_viewport_size({"width": 390, "height": 844})
            assert not page.locator("#direction").is_visible()
            page.click("#more")
            page.locator("summary", has_text="View").click()
            assert page.locator("#direction").is_visible()
            assert violations(page) == []
            page.click("#projector")
            assert page.get_attribute("html", "data-projector") == ""

    def test_lines_stand_in_the_middle_until_the_gradient_comes(self, page_of: Any) -> None:
        script = """label => {
          const node = [...document.querySelectorAll(".node")].find((n) => n.textContent.includes(label));
          const box = node.querySelector("path, polygon").getBoundingClientRect();
          const shown = [...node.querySelectorAll("text")].filter((t) => getComputedStyle(t).visibility === "visible");
          const lines = shown.map((t) => t.getBoundingClientRect());
          return [lines[0].top - box.top, box.bottom - lines.at(-1).bottom, lines.length];
        }"""
        with opened(page_of("scalar")) as page:
            for key, count in ((None, 2), ("End", 3)):
                if key:
                    page.keyboard.press(key)
                above, below, lines = page.evaluate(script, "tanh")
                assert lines == count
                assert above == pytest.approx(below, abs=8)

    def test_the_gates_of_an_lstm_carry_their_names(self, page_of: Any) -> None:
        with opened(page_of("lstm")) as page:
            page.eval_on_selector("#open-all", "b => b.click()")
            page.locator("html:not([data-waiting])").wait_for(state="attached")
            names = [text.strip() for text in page.locator(".node.op text:first-of-type").all_text_contents()]
            for gate, op in (("i", "expit"), ("f", "expit"), ("g", "tanh"), ("o", "expit"), ("c", "add"), ("h", "multiply")):
                assert f"{gate} = {op}" in names

    def test_a_worker_lays_out_what_is_large_and_without_one_the_page_does(self, tmp_path: Path) -> None:
        viz.explore(nn.Sequential(*(Block() for _ in range(80))), tmp_path / "deep.html", np.ones((2, 4), np.float32), live=False)
        for has_worker in (True, False):
            with opened(tmp_path / "deep.html") as page:
                if not has_worker:
                    page.evaluate("() => { globalThis.Worker = undefined; }")
                page.eval_on_selector("#open-all", "b => b.click()")
                if has_worker:
                    assert "Simple layout, while a better one" in page.inner_text("#notes")
                page.locator("html:not([data-waiting])").wait_for(state="attached")
                assert page.inner_text("#notes") == ""
                assert page.locator(".cluster").count() >= 80
                page.fill("#search", "result")
                page.press("#search", "Enter")
                assert page.inner_text("#detail-title").startswith("result = ")
