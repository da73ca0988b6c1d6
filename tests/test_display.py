"""What notebooks show of tensors, modules, summaries, histories, drawings and explanations."""

from __future__ import annotations

import re
import zlib
from base64 import b64decode

import numpy as np

import nn
from minigrad import Tensor, viz
from nn.training.history import History


def test_a_small_tensor_is_a_table_of_its_numbers() -> None:
    html = Tensor(np.array([[1.5, -2.0], [np.nan, 0.0]]), name="<w>", requires_grad=True)._repr_html_()
    assert re.findall(r'">([^<]*)</td>', html) == ["1.5", "-2", "nan", "0"]
    assert "&#x27;&lt;w&gt;&#x27;, 2×2, float64, requires_grad" in html
    assert "rgba(50, 100, 214, 0.6)" in html  # the most negative: the fullest blue
    assert "made by exp" in Tensor(1.0, requires_grad=True).exp()._repr_html_()


def test_a_large_tensor_is_a_picture_of_the_same_values() -> None:
    x = np.linspace(-1, 1, 15 * 20).reshape(15, 20)
    html = Tensor(x)._repr_html_()
    png = b64decode(re.search(r"base64,([^\"]+)", html)[1])  # type: ignore[index]
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")) == (20, 15)
    start = png.index(b"IDAT")
    length = int.from_bytes(png[start - 4 : start], "big")
    rows = np.frombuffer(zlib.decompress(png[start + 4 : start + 4 + length]), np.uint8).reshape(15, 61)[:, 1:].reshape(15, 20, 3)
    assert rows[0, 0].tolist() == [0, 0, 255]
    assert rows[-1, -1].tolist() == [255, 0, 0]
    assert "-1 to 1, mean" in html
    for odd in (Tensor(np.ones((0, 3))), Tensor(np.ones(3) * 1j)):
        assert "<pre>" in odd._repr_html_()


def test_a_module_is_a_tree_with_its_parameters() -> None:
    html = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.ReLU()))._repr_html_()
    assert html.count("<details open>") == 2
    assert "<b>Linear(in_features=3, out_features=4" in html
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
