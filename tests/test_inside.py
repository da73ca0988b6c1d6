"""Looking inside of networks: cells in text, gradients by lag, attention, images, points and surfaces."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from minigrad import Tensor, viz

rng = np.random.default_rng(0)


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_unrolled_states_are_those_of_the_layer(kind: Any) -> None:
    layer = kind(3, 4, num_layers=2)
    x = rng.normal(size=(6, 3)).astype(np.float32)
    states = nn.inspect.unroll(layer, x)
    out, last = layer(Tensor(x))
    np.testing.assert_allclose(states["h"][:, 4:], out.detach().numpy(), atol=1e-6)  # the upper layer's
    assert states.keys() == ({"h", "c"} if kind is nn.LSTM else {"h"})
    if kind is nn.LSTM:
        np.testing.assert_allclose(states["c"][-1], np.tanh(last[1].detach().numpy()).ravel(), atol=1e-6)
    with pytest.raises(ValueError, match="one direction"):
        nn.inspect.unroll(kind(3, 4, bidirectional=True), x)
    with pytest.raises(ValueError, match="one sequence"):
        nn.inspect.unroll(layer, x[None])


def test_properties_of_text() -> None:
    found = nn.inspect.text_properties('if x:\n    f("a(b", [1])\n')
    line = slice(6, None)
    assert found["position in line"][line].tolist() == list(range(18))
    assert found["inside quotes"][line].tolist() == [0] * 6 + [1] * 4 + [0] * 8
    assert found["indentation"][line].tolist() == [0, 1, 2, 3] + [4] * 14
    assert found["bracket depth"][line].tolist() == [0] * 5 + [1] * 8 + [2, 2, 1, 0, 0]


def test_quotes_of_prose() -> None:
    quotes = nn.inspect.text_properties('I don\'t say "it\'s\nso", he said.\n\n"Open\n\nend')["inside quotes"]
    text = 'I don\'t say "it\'s\nso", he said.\n\n"Open\n\nend'
    assert "".join(c for c, q in zip(text, quotes, strict=True) if q) == '"it\'s\nso"Open\n\n'


def test_cells_that_follow_a_property_are_found() -> None:
    text = 'a = "quoted" + (b * [c])\n    d = "more"\n' * 5
    properties = nn.inspect.text_properties(text)
    states = rng.normal(size=(len(text), 10)) * 0.1
    for cell, (sign, name) in enumerate(zip((1, -1, 1, -1), properties, strict=True)):
        states[:, 2 * cell] += sign * properties[name]
    table = nn.inspect.find_cells(text, states)
    assert [table.best(name) for name in properties] == [0, 2, 4, 6]
    rows = {name: r for name, cell, r in reversed(table.rows)}
    expected = np.corrcoef(states[:, 2], properties["inside quotes"])[0, 1]
    assert rows["inside quotes"] == pytest.approx(expected)
    assert expected < -0.9
    assert repr(table).splitlines()[0].split() == ["position", "in", "line", "cell", "0", f"{rows['position in line']:+.2f}"]
    with pytest.raises(ValueError, match="needs states of shape"):
        nn.inspect.find_cells(text, states[1:])


def test_text_is_coloured_and_escaped() -> None:
    coloured = viz.colour_text("<b>\n", np.array([[0.0, 1.0], [0.0, -1.0], [0.0, 0.5], [0.0, 0.0]]), cell=1)
    assert "<b>" not in coloured.html
    assert "color:#fff;background:rgb(190,70,0)" in coloured.html  # orange and blue, as in all pictures
    assert "color:#fff;background:rgb(16,84,190)" in coloured.html
    assert "color:#000;background:rgb(250,250,250)" in coloured.html
    assert "38;2;255;255;255;48;2;190;70;0m<\x1b[0m" in str(coloured)
    assert str(coloured).endswith("\n")
    assert coloured._repr_html_() == coloured.html
    with pytest.raises(ValueError, match="as many numbers"):
        viz.colour_text("abc", [1.0])


def test_text_is_coloured_where_a_cell_is_nan_or_infinite() -> None:
    html = viz.colour_text("abcd", [np.nan, np.inf, -np.inf, 2.0]).html
    colours = re.findall(r"rgb\((.*?)\)", html)
    assert colours == ["128,128,128", "190,70,0", "16,84,190", "190,70,0"]


def test_gradients_vanish_in_a_plain_network_and_less_in_an_lstm() -> None:
    x = rng.normal(size=(40, 4, 8)).astype(np.float32)
    lstm = nn.LSTM(8, 16)
    for name, bias in lstm.named_parameters():
        if name.startswith("bias_ih"):
            bias.data[16:32] = 3.0  # the gates that forget stay open (Gers, Schmidhuber and Cummins, 2000)
    lags = {
        "RNN": nn.inspect.gradient_by_lag(nn.RNN(8, 16), x),
        "GRU": nn.inspect.gradient_by_lag(nn.GRU(8, 16), x),
        "LSTM": nn.inspect.gradient_by_lag(lstm, x),
    }
    assert all(len(norms) == 40 and norms[0] == 1 for norms in lags.values())
    assert lags["RNN"][30] < 1e-3 < lags["LSTM"][30]
    figure = nn.inspect.plot_lags(lags)
    assert [line.get_label() for line in figure.axes[0].lines] == ["RNN", "GRU", "LSTM"]
    assert figure.axes[0].get_yscale() == "log"
    first = nn.RNN(8, 16, batch_first=True)
    second = nn.RNN(8, 16)
    second.load_state_dict(first.state_dict())
    by_batch = nn.inspect.gradient_by_lag(first, x.swapaxes(0, 1))
    np.testing.assert_allclose(by_batch, nn.inspect.gradient_by_lag(second, x), rtol=1e-4)


def test_attention_has_words_on_both_sides(tmp_path: Path) -> None:
    figure = nn.inspect.plot_attention(Tensor([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]]), ["le", "chat"], ["the", "cat", "."])
    axis = figure.axes[0]
    assert [t.get_text() for t in axis.get_xticklabels()] == ["le", "chat"]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["the", "cat", "."]
    np.testing.assert_allclose(axis.images[0].get_array(), [[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]], rtol=1e-6)
    with pytest.raises(ValueError, match="weights of that shape"):
        nn.inspect.plot_attention(np.ones((2, 2)), ["a"], ["b"])


class Bright(nn.Module):
    """Scores the brightness of the left and of the right half of an image, after a convolution that copies it."""

    def __init__(self) -> None:
        self.conv = nn.Conv2d(1, 2, 1, bias=False)
        self.conv.weight.data[:] = [[[[1.0]]], [[[2.0]]]]

    def forward(self, x: Any) -> Any:
        maps = self.conv(x)
        return np.stack([maps[:, 0, :, :2].sum(axis=(1, 2)), maps[:, 1, :, 2:].sum(axis=(1, 2))], axis=1)


def test_what_in_an_image_decided() -> None:
    model, x = Bright(), np.ones((1, 1, 4, 4), np.float32)
    expected = np.zeros((1, 4, 4))
    expected[..., 2:] = 2
    np.testing.assert_allclose(nn.inspect.saliency(model, x, 1), expected)
    np.testing.assert_allclose(nn.inspect.saliency(model, x), expected)  # class 1 has the better score
    maps = nn.inspect.feature_maps(model, x, model.conv)
    np.testing.assert_allclose(maps, np.stack([x[:, 0], 2 * x[:, 0]], axis=1))
    x[..., :2, :] = 0
    heat = nn.inspect.class_activation_map(model, x, model.conv, 1)
    np.testing.assert_allclose(heat, x[:, 0])  # the map of class 1 is bright where the image is
    assert not any(p.grad is None for p in model.parameters())
    with pytest.raises(ValueError, match="was not called"):
        nn.inspect.feature_maps(model, x, nn.Conv2d(1, 1, 1))
    with pytest.raises(ValueError, match=r"expected images \(N, C, H, W\)"):
        nn.inspect.saliency(model, x[0])


def test_images_and_filters_in_a_grid(tmp_path: Path) -> None:
    figure = nn.inspect.image_grid(rng.normal(size=(5, 4, 4)), titles="abcde")
    assert [axis.get_title() for axis in figure.axes][:5] == list("abcde")
    assert sum(len(axis.images) for axis in figure.axes) == 5
    assert sum(len(axis.images) for axis in nn.inspect.filters(nn.Conv2d(3, 7, 5)).axes) == 7
    assert sum(len(axis.images) for axis in nn.inspect.filters(nn.Conv2d(2, 3, 5)).axes) == 6
    nn.inspect.image_grid(rng.normal(size=(2, 3, 4, 4)), tmp_path / "grid.png")
    assert (tmp_path / "grid.png").exists()
    with pytest.raises(ValueError, match="with 1 or 3 channels"):
        nn.inspect.image_grid(np.ones((2, 5, 4, 4)))
    with pytest.raises(ValueError, match="weights"):
        nn.inspect.filters(nn.Linear(2, 2))


def test_principal_components_are_those_of_scikit_learn() -> None:
    decomposition = pytest.importorskip("sklearn.decomposition")
    x = rng.normal(size=(30, 5)) * [5, 3, 1, 1, 1]
    ours, theirs = nn.inspect.pca(Tensor(x), 3), decomposition.PCA(3).fit_transform(x)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-10)
    with pytest.raises(ValueError, match="at least 3 of both"):
        nn.inspect.pca(x[:2], 3)


def test_neighbours_stay_neighbours() -> None:
    pytest.importorskip("sklearn")
    groups = np.repeat([[0.0] * 8, [20.0] * 8], 10, axis=0) + rng.normal(size=(20, 8))
    points = nn.inspect.tsne(groups, perplexity=5)
    distance = np.linalg.norm(points[:, None] - points, axis=-1)
    np.fill_diagonal(distance, np.inf)
    assert (distance.argmin(axis=1) // 10 == np.arange(20) // 10).all()
    figure = nn.inspect.plot_points(points, [str(i) for i in range(20)], np.arange(20) // 10)
    assert [t.get_text() for t in figure.axes[0].texts] == [str(i) for i in range(20)]
    with pytest.raises(ValueError, match="as many labels"):
        nn.inspect.plot_points(points, ["a"])


def test_regions_are_those_of_the_classifier(tmp_path: Path) -> None:
    x = rng.normal(size=(20, 2))
    seen = []

    def model(points: Any) -> Any:
        seen.append(points)
        return points[:, :1] - points[:, 1:]

    nn.inspect.plot_decision_boundary(model, x, x[:, 0] > x[:, 1], tmp_path / "regions.png", steps=30)
    assert seen[0].shape == (900, 2)
    assert (tmp_path / "regions.png").exists()
    scores = lambda p: np.stack([p[:, 0], p[:, 1], -p[:, 0]], axis=1)
    figure = nn.inspect.plot_decision_boundary(scores, x, np.zeros(20), steps=10)
    assert len(figure.axes[0].collections) >= 2
    with pytest.raises(ValueError, match=r"points \(N, 2\)"):
        nn.inspect.plot_decision_boundary(model, np.ones((3, 3)), np.ones(3))


def test_the_landscape_of_a_bowl_is_a_bowl() -> None:
    w = nn.Parameter(np.array([[1.0, 2.0], [3.0, 4.0]]))
    before = w.detach().numpy().copy()
    ways, losses = nn.inspect.loss_landscape(lambda: (w * w).sum(), [w], radius=0.5, steps=5)
    np.testing.assert_array_equal(w.detach().numpy(), before)
    assert losses[2, 2] == pytest.approx(30)
    second = losses[:-2] - 2 * losses[1:-1] + losses[2:]  # constant along both directions: the norm of the rows, twice
    np.testing.assert_allclose(second, 2 * 30 * 0.25**2, rtol=1e-9)
    assert nn.inspect.plot_landscape(ways, losses).axes
    with pytest.raises(ZeroDivisionError):
        nn.inspect.loss_landscape(lambda: 1 / 0, [w])
    np.testing.assert_array_equal(w.detach().numpy(), before)
