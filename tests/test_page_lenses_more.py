"""Inside of attention, recurrent layers, embeddings, normalisations and big arrays: in Chromium, against NumPy and minigrad."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, viz
from minigrad.viz.explore import SCRIPTS
from minigrad.viz.facets import caption_of, cells_of, colours, ink, layout_of
from minigrad.viz.given import IN_CELLS, LENSED
from nn.functional import recurrent

from .browser import needs_browser, opened, tab, violations_in_both_themes

pytestmark = needs_browser
F = nn.functional
F32 = np.float32
WORDS = ["the", "cat", "sat", "on", "the", "mat"]
SHAPES = [
    (), (5,), (1, 1), (3, 4), (2, 3, 4), (40, 3, 3), (2, 3, 4, 5), (300, 500), (2, 2, 2, 3, 4), (0, 3), (3, 0, 2), (1000, 2, 2),
    (64, 1, 8, 8), (7, 1, 5), (500,), (9, 9, 90, 90), (1, 3000, 1),
]  # fmt: skip


def computed(names: list[str], expression: str, argument: Any) -> Any:
    """What the page's functions make of an argument, in an empty page."""
    assets = files("minigrad.viz").joinpath("assets")
    source = "\n".join(assets.joinpath(name).read_text("utf-8") for name in names)
    with tab() as page:
        return page.evaluate(f"(argument) => {{ {source}\nreturn ({expression})(argument); }}", argument)


def choose(page: Any, op: str, number: int = 0) -> Any:
    """Select a step by its op, as the search does; returns what it looks like inside."""
    page.fill("#search", op)
    for _ in range(200):
        page.press("#search", "Enter")
        title = page.locator("#detail-title").inner_text()
        if f"= {op}(" in title or (op == "getitem" and title.endswith("]")):
            number -= 1
            if number < 0:
                return page.locator("#lens")
    raise AssertionError(f"no step {op}")


def change(page: Any, shown: viz.Page, name: str, edit: str) -> None:
    """Edit an input of a live page, by JavaScript that changes `numbers`."""
    place = [each["name"] for each in shown.data["live"]["program"]["inputs"]].index(name)
    assert page.evaluate(f"minigrad.live.change({place}, (numbers) => {{ {edit} }})")


def numbers_in(texts: list[str]) -> list[float]:
    return [float(text) for text in texts]


# ------------------------------------------------------------------------------- big arrays


def test_page_and_notebook_lay_an_array_out_alike() -> None:
    expression = """(shapes) => shapes.map((shape) => {
        const layout = facetLayout(shape, 60);
        return { layout, cells: Array.from(facetCells(shape, layout)), caption: facetCaption(shape, layout, ["A", "B"]) };
    })"""
    for shape, found in zip(SHAPES, computed(["summary.js", "facets.js"], expression, SHAPES), strict=True):
        layout = layout_of(shape, 60)
        assert (found["layout"]["width"], found["layout"]["height"]) == (layout.width, layout.height), shape
        assert found["cells"] == cells_of(shape, layout).ravel().tolist(), shape
        assert found["caption"] == caption_of(shape, layout, "AB"), shape


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_each_number_stands_once_unless_it_is_left_out(shape: tuple[int, ...]) -> None:
    layout = layout_of(shape)
    cells = cells_of(shape, layout)
    shown = cells[cells >= 0]
    assert (
        len(set(shown.tolist()))
        == len(shown)
        == np.prod([len(axis.places) for axis in layout.axes], dtype=int) * (0 not in shape)
    )
    left_out = any(len(axis.places) < axis.length for axis in layout.axes)
    assert left_out == (len(shown) < np.prod(shape)) == ("the first" in caption_of(shape, layout))


def test_page_and_notebook_colour_alike_and_the_colour_blind_tell_signs_apart() -> None:
    values = np.linspace(-2, 3, 41)
    for low, high in [(-2.0, 3.0), (-2.0, 1.0), (0.5, 3.0), (1.0, 1.0), (0.0, 0.0)]:
        known = values[(values >= low) & (values <= high)].tolist()
        found = computed(["values.js"], f"(values) => values.map((x) => colour(x, {low}, {high}))", known)
        assert found == colours(known, low, high).tolist()
    text = "() => [colour(NaN, -1, 1), colour(Infinity, -1, 1), colour(-Infinity, -1, 1), colour(0, 0, 0)]"
    assert computed(["values.js"], text, None) == colours([np.nan, np.inf, -np.inf, 0.0], -1.0, 1.0).tolist()
    shades = np.random.default_rng(0).integers(0, 256, (200, 3)).tolist()
    assert computed(["values.js"], "(shades) => shades.map(ink)", shades) == [ink(shade) for shade in shades]
    # Viénot, Brettel and Mollon (1999): what is left of red, green and blue in linear light without one kind of cones.
    blind = {"protan": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
             "deutan": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]}  # fmt: skip
    pairs = colours([-1.0, 1.0, -0.5, 0.5, 0.0], -1.0, 1.0) / 255
    for matrix in blind.values():
        seen = np.clip((pairs**2.2) @ np.array(matrix).T, 0, 1) ** (1 / 2.2)
        for a, b in [(0, 1), (2, 3), (0, 4), (1, 4), (2, 4), (3, 4)]:
            assert np.abs(seen[a] - seen[b]).max() > 0.2


def test_every_number_of_a_value_can_be_read_and_follows_an_edit(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(F32)
    x[0, 0, 0, 1], x[0, 0, 0, 2] = np.nan, np.inf
    x = x.astype(float)
    path = tmp_path / "facets.html"
    page_of = viz.explore(lambda x, s: (x * s).sum(), x, 2.0, path=path)
    with opened(path) as page:
        choose(page, "multiply")
        value = page.locator("#detail canvas.facets").first
        told = page.locator("#detail output.told").first
        value.focus()
        assert told.inner_text() == f"[0, 0, 0, 0] = {2 * x[0, 0, 0, 0]}"
        page.keyboard.press("ArrowRight")
        assert told.inner_text() == "[0, 0, 0, 1] = nan"
        page.keyboard.press("ArrowRight")
        assert told.inner_text() == "[0, 0, 0, 2] = inf"
        for key in ["ArrowRight"] * 3 + ["ArrowDown"] * 4:  # over the edges of two facets
            page.keyboard.press(key)
        assert told.inner_text() == f"[1, 1, 0, 0] = {2 * x[1, 1, 0, 0]}"
        assert (
            "axis 0 (2) facets down, axis 1 (3) facets across, axis 2 (4) down, axis 3 (5) across"
            in page.locator("#detail").inner_text()
        )
        change(page, page_of, "s", "numbers[0] = 3;")
        assert told.inner_text() == f"[1, 1, 0, 0] = {3 * x[1, 1, 0, 0]}"
        page.keyboard.press("ArrowUp")  # the cursor is where it was
        assert told.inner_text() == f"[0, 1, 3, 0] = {3 * x[0, 1, 3, 0]}"


# -------------------------------------------------------------------------------- attention


class Attention(nn.Module):
    """Self-attention behind a mask; `mask` makes it of the length."""

    def __init__(self, mask: Callable[[int], Any] | None = None) -> None:
        self.table, self.attention, self.mask = nn.Embedding(9, 8), nn.MultiheadAttention(8, 2, batch_first=True), mask

    def forward(self, ids: Any) -> Any:
        h = self.table(ids)
        mask = None if self.mask is None else self.mask(h.shape[1])
        return self.attention(h, h, h, attn_mask=mask)[0]


MASKS: dict[str, Callable[[int], Any] | None] = {
    "none": None,
    "hidden": lambda n: np.triu(np.ones((n, n), bool), 1),
    "added": lambda n: np.triu(np.full((n, n), -np.inf, F32), 1),
}
IDS = np.array([[1, 2, 3, 4, 1, 5], [5, 4, 3, 2, 1, 0]])


def weights_of(model: nn.Module) -> np.ndarray:
    h = model.table(IDS)
    mask = None if model.mask is None else model.mask(6)
    return model.attention(h, h, h, attn_mask=mask, average_attn_weights=False)[1].detach().numpy()


@pytest.mark.parametrize("mask", MASKS)
def test_attention_shows_its_weights_with_the_text_on_both_sides(mask: str, tmp_path: Path) -> None:
    model = Attention(MASKS[mask])
    page_of = viz.explore(model, IDS, path=tmp_path / "attention.html", tokens=[WORDS, WORDS[::-1]])
    assert "why" not in page_of.data["live"]
    right = weights_of(model)
    with opened(tmp_path / "attention.html") as page:
        lens = choose(page, "softmax")
        rows = lens.locator(".tokens").nth(1).locator("button")

        def shown() -> list[str]:
            return rows.locator(".weight").all_inner_texts()

        def wanted(example: int, head: int, query: int) -> list[str]:
            is_masked = np.triu(np.ones((6, 6), bool), 1)[query] & (mask != "none")
            return ["masked" if m else f"{w:.2f}" for w, m in zip(right[example, head, query], is_masked, strict=True)]

        assert rows.locator(".word").all_inner_texts() == WORDS
        assert shown() == wanted(0, 0, 5)
        lens.locator(".tokens").nth(0).locator("button").nth(2).hover()
        assert shown() == wanted(0, 0, 2)
        assert lens.locator("[role=status]").inner_text().startswith("sat looks at: ")
        lens.get_by_role("button", name="head 1").click()
        lens.locator(".tokens").nth(0).locator("button").nth(3).focus()
        assert shown() == wanted(0, 1, 3)
        lens.get_by_label("example").fill("1")
        assert shown() == wanted(1, 1, 3)
        assert rows.locator(".word").all_inner_texts() == WORDS[::-1]
        rows.nth(1).focus()  # and the other way round: who looks at it
        columns = lens.locator(".tokens").nth(0).locator(".weight").all_inner_texts()
        assert columns == ["masked" if mask != "none" and q < 1 else f"{w:.2f}" for q, w in enumerate(right[1, 1, :, 1])]
        change(page, page_of, "table.weight", "for (let k = 0; k < 24; k += 1) numbers[k] += 0.5 * k;")
        with mg.no_grad():
            model.table.weight.data.reshape(-1)[:24] += 0.5 * np.arange(24, dtype=F32)
        right = weights_of(model)
        rows.nth(2).focus()
        columns = lens.locator(".tokens").nth(0).locator(".weight").all_inner_texts()
        assert columns == ["masked" if mask != "none" and q < 2 else f"{w:.2f}" for q, w in enumerate(right[1, 1, :, 2])]


@pytest.mark.filterwarnings("ignore:.*invalid value")
@pytest.mark.parametrize("way", ["matmul", "einsum"])
def test_attention_by_hand_with_rows_that_see_nothing(way: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    q = Tensor(rng.normal(size=(3, 4)).astype(F32), requires_grad=True, name="q")
    k, v = rng.normal(size=(5, 4)).astype(F32), rng.normal(size=(5, 2)).astype(F32)
    mask = np.array([[0, 0, -np.inf, 0, 0], [-np.inf] * 5, [0] * 5], F32)
    with viz.capture():
        scores = q @ k.T if way == "matmul" else np.einsum("qd,kd->qk", q, k)
        p = nn.functional.softmax(scores / 2 + mask, axis=-1)
        mixed = p @ v if way == "matmul" else np.einsum("qk,kd->qd", p, v)
        viz.explore(mixed.sum(), tmp_path / "hand.html")  # one head, three queries, five keys; not live
    with opened(tmp_path / "hand.html") as page:
        lens = choose(page, "softmax")
        assert lens.locator(".heads button").count() == 1
        lens.locator(".tokens").nth(0).locator("button").nth(0).focus()
        assert lens.locator(".tokens").nth(1).locator(".weight").all_inner_texts()[2] == "masked"
        lens.locator(".tokens").nth(0).locator("button").nth(1).focus()
        assert "NaN, for all is masked (5 masked)" in lens.locator("[role=status]").inner_text()


def test_a_softmax_over_classes_is_no_attention(tmp_path: Path) -> None:
    x = np.ones((3, 4), F32)
    viz.explore(lambda x, w: (F.softmax(x @ w, axis=-1) * 2).sum(), x, np.ones((4, 5), F32), path=tmp_path / "classes.html")
    with opened(tmp_path / "classes.html") as page:
        choose(page, "softmax")
        assert page.locator(".attention").count() == 0


def test_tokens_are_lists() -> None:
    with pytest.raises(TypeError, match="list of words"):
        viz.explore(Attention(), IDS, tokens="the cat")
    assert viz.explore(Attention(), IDS, tokens=np.arange(6)).data["tokens"] == list("012345")


# -------------------------------------------------------------------------- recurrent layers


def plain(x: Any) -> Any:
    return None if x is None else {"data": np.asarray(x, float).ravel().tolist(), "shape": list(np.shape(x)), "dtype": "float64"}


def gates_by_hand(op: str, given: dict[str, Any], b: int) -> dict[str, np.ndarray]:
    """Each gate and state over time, (units, T), from the library's cells and NumPy."""
    x, h, c = given["x"], given["h0"][b : b + 1], given.get("c0", given["h0"])[b : b + 1]
    drop = 1.0 if given.get("drop") is None else given["drop"][b : b + 1]
    sigmoid = lambda z: 1 / (1 + np.exp(-z))
    rows: dict[str, list[np.ndarray]] = {}
    for t in range(len(x)):
        lasts = given.get("keep") is None or bool(given["keep"][t, b, 0])
        x_t = x[t, b : b + 1] if lasts else np.zeros_like(x[t, b : b + 1])
        zx, zh = x_t @ given["w_ih"].T + given["b_ih"], (h * drop) @ given["w_hh"].T + given["b_hh"]
        found: dict[str, np.ndarray] = {}
        if op == "lstm":
            i, f, g, o = np.split(zx + zh, 4, -1)
            found |= {"i": sigmoid(i), "f": sigmoid(f), "g": np.tanh(g), "o": sigmoid(o)}
            w_hr = given.get("w_hr")
            new, cell = recurrent.lstm_cell(x_t, h * drop, c, given["w_ih"], given["w_hh"], given["b_ih"], given["b_hh"], w_hr)
            c = np.asarray(cell) if lasts else c
            found["c"] = c
        elif op == "gru":
            (r, z, n), (r_h, z_h, n_h) = np.split(zx, 3, -1), np.split(zh, 3, -1)
            found |= {"r": sigmoid(r + r_h), "z": sigmoid(z + z_h), "n": np.tanh(n + sigmoid(r + r_h) * n_h)}
            new = recurrent.gru_cell(x_t, h, given["w_ih"], given["w_hh"], given["b_ih"], given["b_hh"], drop=given.get("drop"))
            new = new if given.get("drop") is None else found["n"] + found["z"] * (h - found["n"])
        else:
            new = recurrent.rnn_cell(
                x_t, h * drop, given["w_ih"], given["w_hh"], given["b_ih"], given["b_hh"], given["nonlinearity"]
            )
        h = np.asarray(new) if lasts else h
        found["h"] = h if lasts else np.zeros_like(h)
        for name, value in found.items():
            rows.setdefault(name, []).append(np.asarray(value)[0])
    return {name: np.stack(values, 1) for name, values in rows.items()}


@pytest.mark.parametrize("options", ["plain", "ends", "dropped", "projected", "relu"])
@pytest.mark.parametrize("op", ["rnn", "lstm", "gru"])
def test_gates_over_time_are_those_of_the_cells(op: str, options: str) -> None:
    rng = np.random.default_rng(3)
    steps, batch, features, size = 4, 3, 2, 5
    width = 2 if options == "projected" and op == "lstm" else size
    gates = {"rnn": 1, "lstm": 4, "gru": 3}[op]
    given: dict[str, Any] = {
        "x": rng.normal(size=(steps, batch, features)), "h0": rng.normal(size=(batch, width)),
        "w_ih": rng.normal(size=(gates * size, features)), "w_hh": rng.normal(size=(gates * size, width)),
        "b_ih": rng.normal(size=gates * size), "b_hh": rng.normal(size=gates * size),
    }  # fmt: skip
    if op == "lstm":
        given |= {"c0": rng.normal(size=(batch, size)), "w_hr": rng.normal(size=(width, size)) if width != size else None}
    if op == "rnn":
        given["nonlinearity"] = "relu" if options == "relu" else "tanh"
    if options == "ends":
        given["keep"] = np.arange(steps)[:, None, None] < np.array([4, 2, 1])[None, :, None]
    if options == "dropped":
        given["drop"] = rng.integers(0, 2, (batch, width)) * 2.0
    sent = {name: value if isinstance(value, str) else plain(value) for name, value in given.items()}
    expression = """([op, given, examples]) => Array.from({ length: examples }, (_, example) =>
        fusedRows({ op }, { argument: (step, name) => given[name] ?? null }, example).rows
            .map(({ key, size, data }) => [key, size, Array.from(data)]))"""
    for b, found in enumerate(computed(["lens_gates.js"], expression, [op, sent, batch])):
        right = gates_by_hand(op, given, b)
        assert {key for key, *_ in found} == right.keys()
        for key, units, data in found:
            np.testing.assert_allclose(np.reshape(data, (units, steps)), right[key], rtol=1e-6, atol=1e-7, err_msg=key)


class Last(nn.Module):
    """What stands at the end of a sequence."""

    def __init__(self, rnn: nn.Module) -> None:
        self.rnn, self.out = rnn, nn.Linear(5, 3)

    def forward(self, x: Any) -> Any:
        return self.out(self.rnn(x)[0][-1])


LAYERS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


def norms_at_each_time(model: nn.Module, x: np.ndarray, example: int) -> np.ndarray:
    """Of the gradient of the sum of the results by x."""
    given = Tensor(x, requires_grad=True)
    model(given).sum().backward()
    return np.linalg.norm(given.grad.numpy()[:, example], axis=-1)


def told_norms(lens: Any) -> np.ndarray:
    """By time, from the table, which begins with the lag 0."""
    lens.locator("summary").click()
    return np.array(numbers_in(lens.locator("tbody tr td:nth-child(3)").all_inner_texts()))[::-1]


@pytest.mark.parametrize("live", [True, False], ids=["live", "played"])
@pytest.mark.parametrize("op", LAYERS)
def test_the_gradient_by_lag_is_minigrads_though_x_is_data(op: str, live: bool, tmp_path: Path) -> None:
    model = Last(LAYERS[op](2, 5))
    x = np.random.default_rng(1).normal(size=(9, 2, 2)).astype(F32)
    page_of = viz.explore(model, x, path=tmp_path / "lag.html", live=live)
    assert ("why" in page_of.data["live"]) != live
    with opened(tmp_path / "lag.html") as page:
        lens = choose(page, op)
        np.testing.assert_allclose(told_norms(lens), norms_at_each_time(model, x, 0), rtol=2e-4)
        lens.get_by_label("example").fill("1")
        right = norms_at_each_time(model, x, 1)
        np.testing.assert_allclose(told_norms(lens), right, rtol=2e-4)
        factor = (right[0] / right[-1]) ** (1 / 8)
        assert f"multiplies it by {factor:.3g}" in lens.locator(".verdict").inner_text()
        assert ("vanishes" if factor < 0.9 else "explodes" if factor > 1.1 else "lasts") in lens.locator(".verdict").inner_text()
        if live:
            change(page, page_of, "rnn.weight_hh_l0", "numbers.forEach((x, k) => { numbers[k] = 3 * x; });")
            model.rnn.weight_hh_l0.data *= 3
            np.testing.assert_allclose(told_norms(lens), norms_at_each_time(model, x, 1), rtol=1e-3)
        out = np.asarray(model.rnn(x)[0].detach().numpy())
        lens.locator("canvas.facets").first.focus()  # h, unit 0, t = 0
        assert float(lens.locator("output.told").inner_text().rpartition(": ")[2]) == pytest.approx(out[0, 1, 0], rel=1e-3)


def test_the_other_direction_says_that_it_reads_backwards(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(4, 1, 2)).astype(F32)
    model = nn.GRU(2, 3, bidirectional=True)
    viz.explore(lambda x: model(x)[0].sum(), x, path=tmp_path / "both.html", tokens=list("abcd"))
    with opened(tmp_path / "both.html") as page:
        for number, (said, words) in enumerate([("Time runs to the right", "abcd"), ("It reads from the end", "dcba")]):
            lens = choose(page, "gru", number)
            assert said in lens.inner_text()
            assert "".join(lens.locator(".times span").all_inner_texts()) == words


class Loop(nn.Module):
    """A cell in a loop."""

    def __init__(self, cell: nn.Module) -> None:
        self.cell = cell

    def forward(self, x: Any) -> Any:
        state = None
        for t in range(len(x)):
            state = self.cell(x[t], state)
        return state[0] if isinstance(state, tuple) else state


CELLS = {"rnn": (nn.RNNCell, "h"), "lstm": (nn.LSTMCell, "hcifgo"), "gru": (nn.GRUCell, "hrzn")}


@pytest.mark.parametrize("op", CELLS)
def test_a_cell_in_a_loop_is_shown_as_the_layer_is(op: str, tmp_path: Path) -> None:
    kind, rows = CELLS[op]
    model = Loop(kind(2, 5))
    x = np.random.default_rng(2).normal(size=(6, 2, 2)).astype(F32)
    viz.explore(model, x, path=tmp_path / "loop.html")
    cell = model.cell
    given: dict[str, Any] = {"x": x, "h0": np.zeros((2, 5), F32), "nonlinearity": "tanh"}
    given |= {
        "w_ih": cell.weight_ih.detach().numpy(),
        "w_hh": cell.weight_hh.detach().numpy(),
        "b_ih": cell.bias_ih.detach().numpy(),
        "b_hh": cell.bias_hh.detach().numpy(),
    }
    right = gates_by_hand(op, given, 0)
    state, states = None, []
    for t in range(6):
        state = cell(x[t], state)
        states.append(state[0] if isinstance(state, tuple) else state)
    for h in states:
        h.retain_grad()
    states[-1].sum().backward()
    norms = [float(np.linalg.norm(h.grad.numpy()[0])) for h in states]
    with opened(tmp_path / "loop.html") as page:
        lens = choose(page, "tanh", 3)
        assert lens.locator(".name b").all_inner_texts() == list(rows)
        for k, key in enumerate(rows):
            lens.locator("canvas.facets").nth(k).focus()
            for _ in range(2):
                page.keyboard.press("ArrowRight")
            page.keyboard.press("ArrowDown")
            text = lens.locator("output.told").inner_text()
            assert text.startswith(f"{key}[1] at t = 2: ")
            assert float(text.rpartition(": ")[2]) == pytest.approx(right[key][1, 2], rel=1e-3, abs=1e-6)
        np.testing.assert_allclose(told_norms(lens), norms, rtol=2e-4)


class OwnLoop(nn.Module):
    """A cell of the user's own, which says of itself that it is one."""

    __gates__ = ("a",)

    def __init__(self) -> None:
        self.inner = nn.Linear(2, 2)

    def forward(self, x: Any, h: Any) -> Any:
        return np.tanh(self.inner(x) + (0 if h is None else h))


def test_a_cell_says_itself_what_its_gates_are() -> None:
    x = np.ones((6, 2, 2), F32)
    assert viz.explore(Loop(OwnLoop()), x).data["cells"] == {"cell": ("a",)}
    assert viz.explore(Loop(nn.GRUCell(2, 5)), x).data["cells"] == {"cell": ("r", "n", "z")}
    assert viz.explore(nn.Linear(2, 2), x).data["cells"] == {}
    for kind, state in ((nn.RNNCell, 1), (nn.LSTMCell, 2), (nn.GRUCell, 1)):
        cell = kind(2, 5)
        with viz.capture(cell):
            out = cell(x[0])
        out = out if isinstance(out, tuple) else (out,)
        assert len(out) == state
        walked = [step.name or step.op for step in viz.walk(list(out)) if step.op in ("expit", "tanh")]
        assert [name or "tanh" for name in kind.__gates__] == walked


def test_python_and_the_page_have_one_list_of_the_ops_that_are_shown_from_inside() -> None:
    scripts = [name for name in SCRIPTS if name.startswith("lens") or name in ("values.js", "facets.js")]
    assert set(computed(scripts, "Object.keys(LENSES).concat", [])) == LENSED | IN_CELLS


@pytest.mark.parametrize(
    ("norms", "said"),
    [
        ([1.0, 2.0, 4.0], "by 0.5 on the average: it vanishes"),
        ([4.0, 2.0, 1.0], "by 2 on the average: it explodes"),
        ([1.0, 1.0], "it lasts"),
        ([0.0, 0.0, 3.0], "It arrives at t = 2 only."),
        ([0.0, 0.0], "No gradient arrives."),
        ([3.0], "nothing to compare"),
    ],
)
def test_what_is_said_of_the_gradient(norms: list[float], said: str) -> None:
    scripts = ["values.js", "summary.js", "lens.js", "lens_gates.js", "lens_recurrent.js"]
    assert said in computed(scripts, "reachVerdict", norms)


# -------------------------------------------------------------------------------- embeddings


@pytest.mark.parametrize(("count", "width"), [(30, 6), (5, 40), (200, 2), (2, 3), (1, 4), (6, 1)])
def test_the_map_is_the_principal_plane(count: int, width: int) -> None:
    table = np.random.default_rng(0).normal(size=(count, width)) * 2.0 ** -np.arange(width)
    table += 5
    found = computed(["summary.js", "lens.js", "lens_embedding.js"], "principalPlane", plain(table))
    centred = table - table.mean(0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    for k in range(2):
        places = np.array(found["points"])[:, k]
        if k >= len(sizes) or sizes[k] < 1e-9:
            np.testing.assert_allclose(places, 0, atol=1e-6)
            continue
        v = directions[k] * np.sign(directions[k][np.argmax(np.abs(directions[k]))])
        np.testing.assert_allclose(places, centred @ v, atol=1e-4)
        assert found["share"][k] == pytest.approx(sizes[k] ** 2 / (sizes**2).sum(), abs=1e-6)


@pytest.mark.parametrize("live", [True, False], ids=["live", "played"])
def test_embeddings_show_rows_and_their_neighbours(live: bool, tmp_path: Path) -> None:
    class Mean(nn.Module):
        def __init__(self) -> None:
            self.table = nn.Embedding(20, 6)

        def forward(self, ids: Any) -> Any:
            return self.table(ids).mean()

    model = Mean()
    model.table.weight.data[3] = 0
    page_of = viz.explore(
        model, np.array([7, 3, 11]), path=tmp_path / "embedding.html", tokens=["red", "none", "blue"], live=live
    )
    table = model.table.weight.detach().numpy().copy()

    def near(row: int) -> list[tuple[str, float]]:
        with np.errstate(invalid="ignore"):
            cosines = table @ table[row] / np.linalg.norm(table, axis=1) / np.linalg.norm(table[row])
        order = [i for i in np.argsort(-np.nan_to_num(cosines, nan=-9), kind="stable") if i not in (row, 3)][:8]
        return [({7: "red", 3: "none", 11: "blue"}.get(i, str(i)), float(cosines[i])) for i in order]

    def told(lens: Any) -> list[tuple[str, float]]:
        rows = lens.locator("tr").all()
        return [(row.locator("th").inner_text(), float(row.locator("td").inner_text())) for row in rows]

    with opened(tmp_path / "embedding.html") as page:
        lens = choose(page, "getitem")
        assert lens.locator(".looked button").all_inner_texts() == ["red", "none", "blue"]
        for (name, cosine), (right, wanted) in zip(told(lens), near(7), strict=True):
            assert name == right
            assert cosine == pytest.approx(wanted, abs=1e-3)
        lens.locator(".looked button").nth(2).click()
        assert [name for name, _ in told(lens)] == [name for name, _ in near(11)]
        assert lens.locator("svg.map circle").count() == 20
        lens.locator(".looked button").nth(1).click()
        assert "this row is 0" in lens.inner_text()
        if live:
            change(page, page_of, "table.weight", "for (let k = 0; k < 6; k += 1) numbers[30 + k] = numbers[42 + k] * 2;")
            table[5] = 2 * table[7]
            assert told(lens) == []  # the row that was chosen still is
            lens.locator(".looked button").nth(0).click()
            assert told(lens)[0] == ("5", 1.0)


# ----------------------------------------------------------------------------- normalisation


class Normed(nn.Module):
    """A normalisation of what weights have made."""

    def __init__(self, norm: Any, shape: tuple[int, ...]) -> None:
        self.scale, self.norm = nn.Parameter(np.linspace(0.5, 2, shape[1], dtype=F32).reshape(-1, *[1] * (len(shape) - 2))), norm

    def forward(self, x: Any) -> Any:
        return self.norm(x * self.scale + 1).sum()


def by_hand(x: Any) -> Any:
    return (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)


NORMS: dict[str, tuple[Any, tuple[int, ...], str, tuple[int, ...], Any]] = {
    "layer": (lambda: nn.LayerNorm(4), (3, 4), "layer_norm_rows", (1,), None),
    "batch": (lambda: nn.BatchNorm2d(4), (3, 4, 5, 5), "standardize", (0, 2, 3), None),
    "instance": (lambda: nn.InstanceNorm2d(4, affine=True), (3, 4, 5, 5), "standardize", (2, 3), None),
    "group": (lambda: nn.GroupNorm(2, 4), (3, 4, 5, 5), "standardize", (2,), (3, 2, 50)),
    "rms": (lambda: nn.RMSNorm(4), (2, 3, 4)[1:], "divide", (1,), None),
    "by hand": (lambda: by_hand, (3, 4), "divide", (1,), None),
}


@pytest.mark.parametrize("live", [True, False], ids=["live", "played"])
@pytest.mark.parametrize("norm", NORMS)
def test_normalisation_tells_mean_and_deviation_of_its_groups(norm: str, live: bool, tmp_path: Path) -> None:
    make, shape, op, axes, grouped = NORMS[norm]
    model = Normed(make(), shape)
    x = np.random.default_rng(5).normal(size=shape).astype(F32)
    page_of = viz.explore(model, x, path=tmp_path / "norm.html", live=live)
    before = (x * model.scale.detach().numpy() + 1).reshape(grouped or shape)
    with opened(tmp_path / "norm.html") as page:
        lens = choose(page, op)

        def rows(before: np.ndarray) -> None:
            after = before - (0 if norm == "rms" else before.mean(axes, keepdims=True))
            after = after / np.sqrt((after**2).mean(axes, keepdims=True) + (0 if norm == "rms" else 1e-5))
            for start, y in enumerate([before, after]):
                told = np.array(
                    [numbers_in(row.locator("td").all_inner_texts()) for row in lens.locator("tbody tr").all()[start::2]]
                )
                right = np.stack([y.mean(axes).ravel(), y.std(axes).ravel(), np.sqrt((y**2).mean(axes)).ravel()], 1)
                np.testing.assert_allclose(told, right[: len(told)], rtol=1e-3, atol=2e-6)

        rows(before)
        assert lens.locator(".histogram").count() == 2
        if live:
            change(page, page_of, "x", "numbers[0] = 7;")
            x.reshape(-1)[0] = 7
            rows((x * model.scale.detach().numpy() + 1).reshape(grouped or shape))


# ----------------------------------------------------------------------------------- the rest


def test_empty_arrays_are_said_to_be_empty(tmp_path: Path) -> None:
    model = nn.LayerNorm(4)
    viz.explore(lambda x: model(x * 2).sum(), np.ones((0, 4)), path=tmp_path / "empty.html")
    with opened(tmp_path / "empty.html") as page:
        assert choose(page, "layer_norm_rows").count() <= 1
        assert "empty" in page.locator("#detail").inner_text() or "0×4" in page.locator("#detail").inner_text()


def test_lenses_are_accessible_also_when_large(tmp_path: Path) -> None:
    viz.explore(Attention(MASKS["hidden"]), IDS, path=tmp_path / "a.html", tokens=[WORDS, WORDS])
    viz.explore(Last(nn.LSTM(2, 5)), np.ones((9, 2, 2), F32), path=tmp_path / "b.html")
    viz.explore(Normed(nn.LayerNorm(4), (20, 4)), np.random.default_rng(0).normal(size=(20, 4)), path=tmp_path / "c.html")
    for name, op in [("a", "softmax"), ("a", "getitem"), ("b", "lstm"), ("c", "layer_norm_rows")]:
        with opened(tmp_path / f"{name}.html") as page:
            choose(page, op)
            assert violations_in_both_themes(page) == [], op
            page.get_by_role("button", name="Larger").click()
            assert violations_in_both_themes(page) == [], op
            assert page.locator("dialog.lens canvas, dialog.lens svg").count() > 0
            for canvas in page.locator("dialog.lens canvas").all():
                box = canvas.bounding_box()
                assert box is not None and box["width"] >= 16
            page.get_by_role("button", name="Close", exact=True).click()
            assert re.search("Inside", page.locator("#lens").inner_text())


def test_large_numbers_have_a_histogram(tmp_path: Path) -> None:
    """Ranges that a half is nothing to, and those that overflow."""
    x = np.full(100, 1e38)
    page = viz.explore(lambda x: (x * 2.0).sum(), x, path=tmp_path / "large.html")
    assert page.data["steps"][0]["value"]["histogram"]["counts"].count(100) == 1
    wide = viz.explore(lambda x: (x * 1e-300).sum(), np.array([-1.7e308, 1.7e308] * 50))
    assert wide.data["steps"][0]["value"]["histogram"]["counts"] == [50, *[0] * 22, 50]


def test_after_an_edit_large_numbers_have_a_histogram_too(tmp_path: Path) -> None:
    viz.explore(lambda x: (x * 1e-300).sum(), np.arange(100.0), path=tmp_path / "large.html")
    with opened(tmp_path / "large.html") as page:
        for edit in ("a.fill(1e38)", "a.fill(-1.7e308)", "a.forEach((_, i) => { a[i] = i % 2 ? 1.7e308 : -1.7e308; })"):
            page.evaluate(f"minigrad.live.change(0, (a) => {{ {edit} }})")
            counts = page.evaluate("minigrad.live.steps[0].value.histogram.counts")
            assert len(counts) == 24
            assert sum(counts) == 100


class Words(nn.Module):
    def __init__(self) -> None:
        self.table, self.out = nn.Embedding(5, 3), nn.Linear(3, 3)

    def forward(self, ids: Any, y: Any) -> Any:
        return nn.functional.cross_entropy(self.out(self.table(ids)), y)


@pytest.mark.parametrize(("name", "wrong"), [("ids", -1), ("ids", 5), ("y", -1), ("y", 3)])
def test_an_index_that_python_refuses_is_taken_back(name: str, wrong: int, tmp_path: Path) -> None:
    """JavaScript and NumPy count negative ones from the end, where a table and classes have none."""
    viz.explore(Words(), np.array([0, 1, 4]), np.array([0, 1, 2]), path=tmp_path / "words.html")
    with opened(tmp_path / "words.html") as page:
        change = f"""(x) => {{
            const {{ live }} = minigrad;
            const done = live.change(live.inputs.findIndex(({{ name }}) => name === "{name}"), (a) => {{ a[1] = x; }});
            return [done, live.trouble ?? "", live.edited.size];
        }}"""
        done, trouble, edited = page.evaluate(change, wrong)
        assert (done, edited) == (False, 0)
        assert "out of range" in trouble
        assert page.evaluate(change, 2) == [True, "", 1]


def test_a_probability_that_python_refuses_is_taken_back(tmp_path: Path) -> None:
    loss = nn.functional.binary_cross_entropy
    viz.explore(lambda p: loss(p, np.array([0.0, 1.0])), np.array([0.2, 0.7]), path=tmp_path / "chances.html")
    with opened(tmp_path / "chances.html") as page:
        assert not page.evaluate("minigrad.live.change(0, (a) => { a[0] = 1.5; })")
        assert "out of range" in page.evaluate("minigrad.live.trouble")
        assert page.evaluate("minigrad.live.change(0, (a) => { a[0] = 1; })")


def test_weights_that_add_up_to_nothing_are_taken_back(tmp_path: Path) -> None:
    x = np.array([1.0, 2.0])
    viz.explore(lambda x, w: np.average(x, weights=w), x, x, path=tmp_path / "average.html")
    with opened(tmp_path / "average.html") as page:
        place = page.evaluate("minigrad.live.inputs.findIndex(({ name }) => name === 'w')")
        assert not page.evaluate("(w) => minigrad.live.change(w, (a) => { a[0] = -2; })", place)
        assert page.evaluate("(w) => minigrad.live.change(w, (a) => { a[0] = 3; })", place)
