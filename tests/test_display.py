"""What notebooks show of tensors, modules, summaries, histories, drawings and explanations."""

from __future__ import annotations

import re
import zlib
from base64 import b64decode
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import nn
from minigrad import Tensor, viz
from nn.training.history import History

from .browser import CHROMIUM, FLAGS, needs_browser


def test_a_small_tensor_is_a_table_of_its_numbers() -> None:
    html = Tensor(np.array([[1.5, -2.0], [np.nan, 0.0]]), name="<w>", requires_grad=True)._repr_html_()
    assert re.findall(r'">([^<]*)</td>', html) == ["1.5", "-2", "nan", "0"]
    assert "&#x27;&lt;w&gt;&#x27;, 2×2, float64, requires_grad" in html
    assert "rgba(16, 84, 190, 0.6)" in html  # the most negative: the fullest blue
    assert "made by exp" in Tensor(1.0, requires_grad=True).exp()._repr_html_()


def test_a_large_tensor_is_a_picture_of_the_same_values() -> None:
    x = np.linspace(-1, 1, 15 * 20).reshape(15, 20)
    html = Tensor(x)._repr_html_()
    png = b64decode(re.search(r"base64,([^\"]+)", html)[1])  # type: ignore[index]
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")) == (20, 15)
    start = png.index(b"IDAT")
    length = int.from_bytes(png[start - 4 : start], "big")
    rows = np.frombuffer(zlib.decompress(png[start + 4 : start + 4 + length]), np.uint8).reshape(15, 81)[:, 1:].reshape(15, 20, 4)
    assert rows[0, 0].tolist() == [16, 84, 190, 255]
    assert rows[-1, -1].tolist() == [190, 70, 0, 255]
    assert "-1 to 1, mean" in html
    for odd in (Tensor(np.ones((0, 3))), Tensor(np.ones(3) * 1j)):
        assert "<pre>" in odd._repr_html_()


def test_a_module_is_a_tree_with_its_parameters() -> None:
    html = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.ReLU()))._repr_html_()
    assert html.count("<details open>") == 2  # what holds modules
    assert html.count("<details>") == 3  # the linear layer, its weight and its bias
    assert "<b>Linear(in_features=3, out_features=4" in html
    assert html.count("<td") == 16
    assert html.count("16 parameters") == 2  # the whole, and the linear layer


def test_tables_of_a_summary_and_curves_of_a_history() -> None:
    summary = nn.Sequential(nn.Linear(3, 4)).summary(np.ones((2, 3)))
    assert "<td>Linear</td>" in summary._repr_html_()
    history = History([{"epoch": 1, "loss": 2.0, "<b>": 1.0}, {"epoch": 2, "loss": 1.0, "<b>": float("nan")}])
    html = history._repr_html_()
    assert html.count("<polyline") == 2
    assert "<b>" not in html
    points = re.search(r'points="([^"]+)"', html)[1]  # type: ignore[index]
    assert points == "5.0,5.0 395.0,115.0"
    assert [line.get_label() for line in history.plot().axes[0].lines] == ["loss", "<b>"]


def test_an_explanation_has_rendered_formulas() -> None:
    html = viz.explain(lambda x: np.tanh(x) * x, 0.5)._repr_html_()
    assert "<msup><mi>v1</mi><mn>2</mn></msup>" in html
    assert "<td>d x</td>" in html


class Pair(NamedTuple):
    weight: Any
    bias: Any


def test_trees_are_shown_with_each_of_their_arrays() -> None:
    big, small = np.arange(400.0).reshape(20, 20), Tensor([1.0, 2.0], name="<b>")
    tree = {"layer": Pair(big, small), "steps": [3, None], "empty": np.zeros((0, 3)), "<i>": "<script>"}
    shown = viz.show(tree, axes=("row", "column"))
    assert repr(shown).splitlines() == [
        "layer.weight  20×20, float64: 20×20, 0 to 399",
        "layer.bias    '<b>', 2, float32: [1., 2.]",
        "steps[0]      3",
        "steps[1]      None",
        "empty         0×3, float64: []",
        "<i>           '<script>'",
    ]
    html = shown._repr_html_()
    assert html.count("<img") == 1
    assert html.count("<table>") == 1
    assert "row (20) down, column (20) across; 0 to 399, mean 199.5, std 115.5" in html
    assert "<script>" not in html.replace("<script>(() =>", "")
    assert html.count("<script>") == 1


def test_a_state_dict_a_module_and_odd_arrays() -> None:
    net = nn.Sequential(nn.Conv2d(3, 20, 3), nn.BatchNorm2d(20))
    for shown in (viz.show(net), viz.show(net.state_dict())):
        assert "0.weight" in repr(shown)
        assert shown._repr_html_().count("<img") == 1  # the others are small enough for a table
    assert net._repr_html_().count("data-numbers=") == 1
    loop: list[Any] = [1]
    loop.append(loop)
    assert "itself" in viz.show(loop)._repr_html_()
    x = np.full((11, 11), np.nan)
    assert "no finite numbers, 121 NaN" in viz.show(x)._repr_html_()
    x[0, 0], x[0, 1] = 2, -np.inf
    assert "2 to 2, mean 2, std 0, 119 NaN, 1 infinite" in viz.show(x)._repr_html_()
    assert "<pre>" in viz.show(np.ones((11, 11)) * 1j)._repr_html_()
    many = viz.show([np.zeros((100, 100))] * 300)._repr_html_()
    assert many.count("<img") == 200
    assert len(many) < 2_000_000
    assert 1 < many.count("data-numbers=") < 20  # as many as there is room for


def test_long_axes_are_cut_and_it_says_so() -> None:
    html = Tensor(np.zeros((1000, 1000)))._repr_html_()
    assert "axis 0 (1000, the first 64 and the last 64) down" in html
    assert len(html) < 200_000


class TestInANotebook:
    """The output as a notebook puts it into its page."""

    pytestmark = needs_browser

    @pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "GitHub"])
    def test_the_number_under_the_mouse_is_told_where_scripts_run(self, scripts: bool, tmp_path: Path) -> None:
        from playwright.sync_api import sync_playwright

        x = np.random.default_rng(0).normal(size=(3, 2, 8, 10)).astype(np.float32)
        whole = np.arange(200).reshape(10, 20)
        path = tmp_path / "cell.html"
        path.write_text(f"<!doctype html><meta charset=utf-8>{viz.show([x, whole])._repr_html_()}", encoding="utf-8")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = browser.new_context(java_script_enabled=scripts).new_page()
            page.goto(path.as_uri())
            image, told = page.locator("img").nth(0), page.locator("output").nth(0)
            assert image.bounding_box()["width"] > 200  # type: ignore[index]
            assert "axis 0 (3) facets down, axis 1 (2) facets across, axis 2 (8) down, axis 3 (10) across" in page.inner_text(
                "body"
            )
            if scripts:
                box = image.bounding_box()
                assert box is not None
                cell = box["width"] / 21  # ten, a gap, ten
                page.mouse.move(box["x"] + 14.5 * cell, box["y"] + 12.5 * cell)
                assert told.inner_text() == f"[1, 1, 3, 3] = {str(x[1, 1, 3, 3])}"
                page.keyboard.press("Tab")
                page.locator("img").nth(1).focus()
                for _ in range(3):
                    page.keyboard.press("ArrowRight")
                page.keyboard.press("ArrowDown")
                assert page.locator("output").nth(1).inner_text() == "[1, 3] = 23"
            browser.close()
