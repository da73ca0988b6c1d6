"""Lenses: the numbers that a page shows inside of a step are NumPy's, wherever one clicks; images in nodes are the values."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, raw, viz
from minigrad.viz import page as page_module
from minigrad.viz.explain import explained
from minigrad.viz.numbers import host

from .browser import needs_browser, opened, violations_in_both_themes

pytestmark = needs_browser
F = nn.functional
F32 = np.float32
CHANGE = "([input, all]) => minigrad.live.change(input, (numbers) => numbers.set(all))"
#: The tables of a lens by their names, all digits, null where there is no number.
TABLES = """
  (lens) => Object.fromEntries([...lens.querySelectorAll(".factors table")].map((table) => [table.dataset.part,
    [...table.rows].map((row) => [...row.cells].map((cell) => (cell.title ? Number(cell.title) : null)))]))
"""
CELLS = "(all) => all.map((cell) => Number(cell.title))"


def page_of(f: Callable[..., Any], inputs: Sequence[Any], path: Path, live: bool = True) -> dict[str, viz.Explained]:
    """Writes the page; returns what it has to show, by the labels of the steps."""
    page = viz.explore(f, *inputs, path=path, depth=None, live=live)
    assert ("program" in page.data["live"]) == live
    return rows_of(f, inputs)


def rows_of(f: Callable[..., Any], inputs: Sequence[Any]) -> dict[str, viz.Explained]:
    tensors, names = viz.resolve(f, inputs, None)
    return {row.label: row for row in explained(tensors, viz.walk(tensors, names), 1.0)}


def tensor(rng: Any, *shape: int) -> Tensor:
    return Tensor(rng.normal(size=shape).astype(F32), requires_grad=True)


def array(x: Any) -> np.ndarray:
    return np.asarray(host(raw(x)))


def choose(tab: Any, label: str) -> None:
    """Select a step of the graph."""
    tab.locator(".node text:first-of-type", has_text=re.compile(rf"^{re.escape(label)}( = |$)")).first.dispatch_event("click")
    assert tab.inner_text("#detail-title").split(" = ")[0] == label


def pick(tab: Any, picture: int, place: tuple[int, int], size: Sequence[int], corner: tuple[int, int] = (0, 0)) -> None:
    """Click an element of a picture of so many rows and columns, the first of which has the index `corner`."""
    frame = tab.locator("#lens .frame").nth(picture)
    box = frame.bounding_box()
    y, x = (place[i] - corner[i] + 0.5 for i in range(2))
    frame.click(position={"x": x * box["width"] / size[1], "y": y * box["height"] / size[0]})


def part(tab: Any, name: str) -> float:
    return float(tab.inner_text(f"#lens [data-part={name}]"))


def parts(tab: Any) -> list[float]:
    return [float(text) for text in tab.locator("#lens .sums [data-part=part]").all_inner_texts()]


def title(tab: Any) -> str:
    return str(tab.inner_text("#lens .what"))


def set_field(tab: Any, name: str, value: int) -> None:
    tab.locator("#lens label", has_text=name).locator("input").fill(str(value))


def close(a: Any, b: Any, rtol: float = 1e-3) -> bool:
    """Whether numbers are those of a page, which has four digits of them; None is nothing."""
    a, b = (np.array([[np.nan if x is None else x for x in row] for row in np.atleast_2d(v).tolist()], float) for v in (a, b))
    return a.shape == b.shape and np.allclose(a, b, rtol=rtol, atol=2e-6, equal_nan=True)


# -------------------------------------------------------------------------------------- convolution


class Conv(NamedTuple):
    """A convolution: the shapes of image and weights, and its settings."""

    x: tuple[int, ...]
    w: tuple[int, ...]
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    bias: bool = True
    live: bool = True

    @property
    def settings(self) -> dict[str, int]:
        return {"stride": self.stride, "padding": self.padding, "dilation": self.dilation, "groups": self.groups}


CONVS = {
    "plain": Conv((2, 2, 6, 7), (3, 2, 3, 3)),
    "stride, padding, dilation": Conv((2, 1, 9, 8), (2, 1, 3, 2), 2, 2, 2),
    "groups, no bias, one image": Conv((1, 4, 5, 5), (6, 2, 2, 2), 1, 1, 1, 2, bias=False),
    "a signal": Conv((2, 3, 11), (2, 3, 3), 2, 1),
    "not live": Conv((1, 2, 6, 6), (2, 2, 3, 3), 1, 1, live=False),
}


def two(size: Sequence[int]) -> tuple[int, int]:
    """A signal as an image of one row."""
    return (1, size[0]) if len(size) == 1 else (size[0], size[1])


def of(rows: dict[str, viz.Explained], op: str) -> viz.Explained:
    return next(row for row in rows.values() if row.step.op == op)


def images(x: Any) -> np.ndarray:
    x = array(x).astype(float)
    return x[:, :, None] if x.ndim == 3 else x


def window_of(x: Any, case: Conv, n: int, c: int, place: Sequence[int]) -> np.ndarray:
    """What a window reads of a channel, by slicing the padded image."""
    size = two(case.w[2:])
    flat = len(case.w) == 3
    pad = [(0 if flat else case.padding,) * 2, (case.padding,) * 2]
    padded = np.pad(images(x)[n, c], pad)
    step = (1 if flat else case.stride, case.stride)
    gap = (1 if flat else case.dilation, case.dilation)
    return padded[tuple(slice(p * s, p * s + d * (k - 1) + 1, d) for p, s, d, k in zip(place, step, gap, size, strict=True))]


def conv_function(case: Conv) -> Callable[..., Any]:
    conv = F.conv1d if len(case.x) == 3 else F.conv2d

    def f(x: Any, w: Any, b: Any = None) -> Any:
        return (conv(x * 1.0, w, b, **case.settings) ** 2).sum()

    return f


def conv_inputs(case: Conv) -> list[Tensor]:
    rng = np.random.default_rng(0)
    return [tensor(rng, *case.x), tensor(rng, *case.w)] + ([tensor(rng, case.w[0])] if case.bias else [])


@pytest.mark.parametrize("name", CONVS)
def test_a_convolution_shows_the_window_of_a_pixel_and_the_sum(name: str, tmp_path: Path) -> None:
    case = CONVS[name]
    inputs = conv_inputs(case)
    rows = page_of(conv_function(case), inputs, tmp_path / "page.html", case.live)
    row = of(rows, "conv_bias" if case.bias else "conv")
    x, w = array(inputs[0]), images(inputs[1])
    out, per_group = images(row.value), case.w[1]
    n, o, place = len(x) - 1, case.w[0] - 1, (out.shape[2] - 1, out.shape[3] // 2)
    channels = range(o // (case.w[0] // case.groups) * per_group, (o // (case.w[0] // case.groups) + 1) * per_group)
    with opened(tmp_path / "page.html") as tab:
        choose(tab, row.label)
        if n:
            set_field(tab, "image", n)
        set_field(tab, f"channel of {row.label}", o)
        pick(tab, 1, place, out.shape[2:])
        assert title(tab) == f"{row.label}[{n}, {o}, {', '.join(map(str, place[-len(case.x) + 2 :]))}]"
        total = 0.0
        for i, c in enumerate(channels):
            if len(channels) > 1:
                tab.locator("#lens .sums button").nth(i).click()
            tables = tab.locator("#lens").evaluate(TABLES)
            read = window_of(x, case, n, c, place)
            assert close(tables["factor"], read)
            assert close(tables["weights"], w[o, i])
            assert close(tables["products"], read * w[o, i])
            total += (read * w[o, i]).sum()
            if len(channels) > 1:
                assert parts(tab)[i] == pytest.approx((read * w[o, i]).sum(), rel=1e-3)
        assert part(tab, "sum") == pytest.approx(total, rel=1e-3)
        if case.bias:
            assert part(tab, "bias") == pytest.approx(array(inputs[2])[o], rel=1e-3)
            total += array(inputs[2])[o]
        assert part(tab, "total") == pytest.approx(out[(n, o, *place)], rel=1e-3) == pytest.approx(total, rel=1e-3)


@pytest.mark.parametrize("name", CONVS)
def test_a_convolution_shows_where_a_pixels_gradient_comes_from(name: str, tmp_path: Path) -> None:
    """Each output pixel whose window reads the pixel has a share; together they are the gradient that minigrad computes."""
    case = CONVS[name]
    inputs = conv_inputs(case)
    rows = page_of(conv_function(case), inputs, tmp_path / "page.html", case.live)
    row = of(rows, "conv_bias" if case.bias else "conv")
    source = of(rows, "multiply")
    w, g, dx = images(inputs[1]), images(row.gradient), images(source.gradient)
    n, c = len(dx) - 1, case.x[1] - 1
    shape, pad = dx.shape[2:], case.padding
    corner = (0 if len(case.x) == 3 else -pad, -pad)
    with opened(tmp_path / "page.html") as tab:
        choose(tab, row.label)
        if n:
            set_field(tab, "image", n)
        frame = tab.locator("#lens .pixels canvas").first.evaluate("canvas => [canvas.height, canvas.width]")
        for place in [(0, 0), (shape[0] // 2, shape[1] // 2), (shape[0] - 1, shape[1] - 1)]:
            pick(tab, 0, place, frame, corner)
            if c:
                set_field(tab, f"channel of {source.label}", c)
            assert title(tab) == f"gradient of {source.label}[{n}, {c}, {', '.join(map(str, place[-len(case.x) + 2 :]))}]"
            assert part(tab, "total") == pytest.approx(dx[(n, c, *place)], rel=1e-3, abs=1e-6)
            assert part(tab, "sum") == pytest.approx(dx[(n, c, *place)], rel=1e-3, abs=1e-5)
            shares = parts(tab) or [part(tab, "sum")]
            assert sum(shares) == pytest.approx(dx[(n, c, *place)], rel=1e-3, abs=1e-4)
            tables = tab.locator("#lens").evaluate(TABLES)
            given = np.array(tables["factor"], float).ravel()
            pressed = tab.locator("#lens .sums button").evaluate_all("all => all.map((b) => b.ariaPressed)")
            chosen = pressed.index("true") if pressed else 0
            o = c // case.w[1] * (case.w[0] // case.groups) + chosen
            assert close(tables["weights"], w[o, c % case.w[1]])
            for x in given[~np.isnan(given)]:  # each is a gradient of that channel of the output
                assert np.isclose(g[n, o], x, rtol=1e-4, atol=1e-6).any()
            outlined = tab.locator("#lens .pixels >> nth=1 >> rect.gradient").count()
            assert outlined == (~np.isnan(given)).sum() <= w[0, 0].size


@pytest.mark.parametrize("shape", [(1, 2, 3, 4), (2, 2, 5)])
def test_a_transposed_convolution_has_the_same_pictures_the_other_way_round(shape: tuple[int, ...], tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    flat = len(shape) == 3
    inputs = [tensor(rng, *shape), tensor(rng, 2, 3, *((3,) if flat else (3, 2))), tensor(rng, 3)]

    def f(x: Any, w: Any, b: Any) -> Any:
        return ((F.conv_transpose1d if flat else F.conv_transpose2d)(x, w, b, stride=2, padding=1) ** 2).sum()

    rows = page_of(f, inputs, tmp_path / "page.html")
    row = of(rows, "conv_transpose_bias")
    out, dx = images(row.value), images(rows["x"].gradient)
    with opened(tmp_path / "page.html") as tab:
        choose(tab, row.label)
        set_field(tab, f"channel of {row.label}", 2)
        frame = tab.locator("#lens .pixels canvas").nth(1).evaluate("canvas => [canvas.height, canvas.width]")
        place = (out.shape[2] - 1, out.shape[3] - 2)
        pick(tab, 1, place, frame, (0 if flat else -1, -1))
        assert part(tab, "total") == pytest.approx(out[(0, 2, *place)], rel=1e-3)
        assert part(tab, "sum") + part(tab, "bias") == pytest.approx(out[(0, 2, *place)], rel=2e-3)
        tab.locator("#lens table[data-part=weights] tr").nth(0).locator("button").nth(1).click()
        dw = images(rows["w"].gradient)
        assert part(tab, "sum") == pytest.approx(dw[0, 2, 0, 1], rel=1e-3) == pytest.approx(part(tab, "total"), rel=1e-3)
        place = (dx.shape[2] - 1, 1)
        pick(tab, 0, place, dx.shape[2:])
        set_field(tab, "channel of x", 1)
        assert title(tab).startswith("gradient of x[0, 1, ")
        assert part(tab, "total") == pytest.approx(dx[(0, 1, *place)], rel=1e-3)
        assert part(tab, "sum") == pytest.approx(dx[(0, 1, *place)], rel=1e-3)


def test_another_stride_padding_and_dilation_can_be_tried_and_the_graph_stays(tmp_path: Path) -> None:
    case = CONVS["plain"]
    inputs = conv_inputs(case)
    page_of(conv_function(case), inputs, tmp_path / "page.html")
    tried = {"stride": 2, "padding": 3, "dilation": 2}
    right = array(F.conv2d(*inputs, **tried))
    with opened(tmp_path / "page.html") as tab:
        choose(tab, "v2")
        before = tab.locator(".node.output").text_content()
        tab.locator("#lens .trial summary").click()
        for name, number in tried.items():
            tab.locator(f"#lens input[aria-label='{name}, tried']").fill(str(number))
        assert f"would be {right.shape[2]}×{right.shape[3]}, in the graph it is 4×5" in tab.inner_text("[data-part=tried]")
        for place in [(0, 0), (3, 4), (2, 1)]:
            pick(tab, 1, place, right.shape[2:])
            assert part(tab, "total") == pytest.approx(right[(0, 0, *place)], rel=1e-3)
            assert part(tab, "sum") + part(tab, "bias") == pytest.approx(right[(0, 0, *place)], rel=2e-3)
            assert title(tab).endswith("if it were so")
        tab.locator("#lens input[aria-label='dilation, tried']").fill("40")  # does not fit
        assert tab.get_attribute("#lens input[aria-label='dilation, tried']", "aria-invalid") == "true"
        assert part(tab, "total") == pytest.approx(right[0, 0, 2, 1], rel=1e-3)
        assert tab.locator(".node.output").text_content() == before
        assert tab.locator(".node.edited").count() == 0
        tab.click("#lens .trial button")
        assert "if it were so" not in tab.inner_text("#lens")


def test_the_window_slides_by_arrow_keys_and_by_itself(tmp_path: Path) -> None:
    page_of(conv_function(CONVS["plain"]), conv_inputs(CONVS["plain"]), tmp_path / "page.html")
    with opened(tmp_path / "page.html") as tab:
        choose(tab, "v2")
        pick(tab, 1, (1, 1), (4, 5))
        tab.locator("#lens .frame").nth(1).press("ArrowRight")
        tab.locator("#lens .frame").nth(0).press("ArrowDown")
        assert title(tab) == "v2[0, 0, 2, 2]"
        for _ in range(9):
            tab.locator("#lens .frame").nth(1).press("ArrowLeft")
        assert title(tab) == "v2[0, 0, 2, 0]"
        assert tab.input_value("#scrub") == "-1"  # the player has the same keys, and did not hear them
        tab.click("#lens [data-part=slide]")
        tab.locator("#lens .what", has_text="v2[0, 0, 0, 2]").wait_for()
        assert tab.inner_text("#lens [data-part=slide]") == "Pause"
        tab.click("#lens [data-part=slide]")
        assert tab.inner_text("#lens [data-part=slide]") == "Slide"
        box = tab.locator("#lens .frame").nth(1).bounding_box()
        tab.mouse.move(box["x"] + 2, box["y"] + 2)
        tab.mouse.down()
        tab.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] - 2)
        tab.mouse.up()
        assert title(tab) == "v2[0, 0, 3, 4]"


def test_data_gets_no_gradient_and_the_lens_says_so(tmp_path: Path) -> None:
    image = np.random.default_rng(0).random((1, 1, 5, 5)).astype(F32)
    model = nn.Conv2d(1, 2, 3)
    rows = page_of(model, [image], tmp_path / "page.html")
    weight = array(model.weight)
    with opened(tmp_path / "page.html") as tab:
        choose(tab, "result")
        pick(tab, 0, (2, 2), (5, 5))
        assert "x is data" in tab.inner_text("#lens")
        assert tab.locator("#lens [data-part=total]").count() == 0
        assert part(tab, "sum") == pytest.approx(weight.sum(), rel=1e-3)  # g is 1 everywhere
    assert rows["x"].gradient is None


@pytest.mark.parametrize("name", CONVS)
def test_a_weights_gradient_is_a_sum_over_all_places(name: str, tmp_path: Path) -> None:
    case = CONVS[name]
    inputs = conv_inputs(case)
    rows = page_of(conv_function(case), inputs, tmp_path / "page.html", case.live)
    row = of(rows, "conv_bias" if case.bias else "conv")
    x, g, dw = array(inputs[0]), images(row.gradient), images(rows["w"].gradient)
    o, k = case.w[0] - 1, (dw.shape[2] - 1, 1)
    c = case.x[1] - case.w[1]  # the first of the last group
    with opened(tmp_path / "page.html") as tab:
        choose(tab, row.label)
        set_field(tab, f"channel of {row.label}", o)
        tab.locator("#lens table[data-part=weights] tr").nth(k[0]).locator("button").nth(k[1]).click()
        assert title(tab) == f"gradient of w[{o}, 0, {', '.join(map(str, k[-len(case.x) + 2 :]))}]"
        met = np.array([[window_of(x, case, n, c, p)[k] for p in np.ndindex(g.shape[2:])] for n in range(len(x))])
        products = (met * g[:, o].reshape(len(x), -1)).sum(axis=1)
        assert (parts(tab) or [part(tab, "sum")]) == pytest.approx(products.tolist(), rel=1e-3)
        assert part(tab, "sum") == pytest.approx(dw[(o, 0, *k)], rel=1e-3) == pytest.approx(part(tab, "total"), rel=1e-3)
        assert part(tab, "share") == pytest.approx(part(tab, "a") * part(tab, "b"), rel=2e-3, abs=1e-6)
        read = sum(int(window_of(np.ones_like(x), case, 0, c, p)[k]) for p in np.ndindex(g.shape[2:]))
        assert tab.locator("#lens circle").count() == read  # the pixels that it meets, without the padding
        tab.locator("#lens .frame").nth(1).press("ArrowRight")
        assert title(tab).startswith("gradient of w")


def test_noise_that_is_drawn_larger_gets_no_gradient(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).random((1, 2, 3, 3)).astype(F32)
    model = nn.ConvTranspose2d(2, 1, 2)
    page_of(model, [noise], tmp_path / "page.html")
    with opened(tmp_path / "page.html") as tab:
        choose(tab, "result")
        pick(tab, 0, (1, 2), (3, 3))
        assert "x is data" in tab.inner_text("#lens")
        assert part(tab, "sum") == pytest.approx(array(model.weight)[0].sum(), rel=1e-3)


def test_channels_that_meet_are_of_one_group(tmp_path: Path) -> None:
    case = CONVS["groups, no bias, one image"]
    page_of(conv_function(case), conv_inputs(case), tmp_path / "page.html")
    with opened(tmp_path / "page.html") as tab:
        choose(tab, "v2")
        set_field(tab, "channel of v1", 3)
        assert title(tab).startswith("v2[0, 3, ")
        set_field(tab, "channel of v2", 1)
        assert title(tab).startswith("v2[0, 1, ")
        assert tab.locator("#lens .sums button").all_inner_texts()[0].startswith("channel 0")


def test_all_pictures_follow_an_edit(tmp_path: Path) -> None:
    """Numbers are changed; the same pixel is shown with the new ones, in the panel and in the large window."""
    rng = np.random.default_rng(0)
    inputs = [tensor(rng, 1, 1, 6, 6), tensor(rng, 1, 1, 3, 3)]

    def f(x: Any, w: Any) -> Any:
        return (F.max_pool2d(F.conv2d(x, w, padding=1), 2) ** 3).sum()

    page = viz.explore(f, *inputs, path=tmp_path / "page.html")
    place = next(own["input"] for s, own in zip(page.data["steps"], page.data["live"]["steps"], strict=True) if s["label"] == "x")
    new = rng.normal(size=(1, 1, 6, 6)).astype(F32)
    rows = rows_of(f, [Tensor(new, requires_grad=True), inputs[1]])
    conv, pool = of(rows, "conv"), of(rows, "max_pool")
    with opened(tmp_path / "page.html") as tab:
        choose(tab, conv.label)
        pick(tab, 1, (2, 3), (6, 6))
        tab.click("#lens button:has-text('Larger')")
        assert tab.evaluate(CHANGE, [place, new.ravel().tolist()])
        shown = tab.locator("dialog.lens")
        assert float(shown.locator("[data-part=total]").inner_text()) == pytest.approx(host(conv.value)[0, 0, 2, 3], rel=1e-3)
        tab.click("dialog.lens button:has-text('Close')")
        tab.locator("#lens button", has_text="Backward").click()
        pick(tab, 0, (0, 0), (8, 8), (-1, -1))
        assert part(tab, "total") == pytest.approx(host(rows["x"].gradient)[0, 0, 0, 0], rel=1e-3)
        assert part(tab, "sum") == pytest.approx(host(rows["x"].gradient)[0, 0, 0, 0], rel=1e-3)
        choose(tab, pool.label)
        pick(tab, 1, (1, 1), (3, 3))
        assert part(tab, "total") == pytest.approx(host(pool.value)[0, 0, 1, 1], rel=1e-3)


# ------------------------------------------------------------------------------------------ pooling


@pytest.mark.parametrize("live", [True, False])
def test_max_pooling_shows_who_wins_and_who_gets_the_gradient(live: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    numbers = rng.integers(-4, 4, (2, 3, 7, 6)).astype(F32)  # with equal ones in many windows
    x = Tensor(numbers, requires_grad=True)

    def f(x: Any) -> Any:
        return (F.max_pool2d(x * 1.0, 3, 2, padding=1) * np.arange(1.0, 4 * 3 + 1, dtype=F32).reshape(4, 3)).sum()

    rows = page_of(f, [x], tmp_path / "page.html", live)
    pool, source = of(rows, "max_pool"), rows["v1"]
    dx = host(source.gradient)[1, 2]
    padded = np.pad(numbers[1, 2], 1, constant_values=-np.inf)
    with opened(tmp_path / "page.html") as tab:
        choose(tab, pool.label)
        set_field(tab, "image", 1)
        set_field(tab, "channel", 2)
        winners = set()
        for place in np.ndindex(4, 3):
            pick(tab, 1, place, (4, 3))
            top = np.array(place) * 2
            window = padded[top[0] : top[0] + 3, top[1] : top[1] + 3]
            best = top + np.unravel_index(window.argmax(), (3, 3)) - 1  # the first of the largest
            winners.add(tuple(map(int, best)))
            assert tab.inner_text("#lens [data-part=winner]") == f"v1[1, 2, {best[0]}, {best[1]}]"
            assert part(tab, "total") == window.max() == host(pool.value)[(1, 2, *place)]
            shown = np.array(tab.locator("#lens").evaluate(TABLES)["window"], float)
            assert close(shown, np.where(np.isfinite(window), window, np.nan))
            assert tab.locator("#lens td.chosen").count() == 1
        assert len({(c.get_attribute("cx"), c.get_attribute("cy")) for c in tab.locator("#lens circle").all()}) == len(winners)
        for place in [*sorted(winners)[:4], (0, 0), (6, 5)]:
            pick(tab, 0, place, (9, 8), (-1, -1))
            assert part(tab, "total") == dx[place] == sum(parts(tab))
            assert (len(parts(tab)) > 0) == (place in winners)


@pytest.mark.parametrize("flat", [True, False])
def test_average_pooling_sums_a_window_and_spreads_the_gradient(flat: bool, tmp_path: Path) -> None:
    x = tensor(np.random.default_rng(4), *((2, 1, 9) if flat else (2, 6, 5)))  # images without a batch

    def f(x: Any) -> Any:
        return ((F.avg_pool1d(x, 3, 2) if flat else F.avg_pool2d(x, 2, 1)) ** 2).sum()

    rows = page_of(f, [x], tmp_path / "page.html")
    pool = of(rows, "sum_pool")
    with opened(tmp_path / "page.html") as tab:
        choose(tab, pool.label)
        set_field(tab, "image" if flat else "channel", 1)
        place = (0, 2) if flat else (4, 1)
        pick(tab, 1, place, two(pool.value.shape[2:] if flat else pool.value.shape[1:]))
        window = array(x)[1, 0, 4:7] if flat else array(x)[1, 4:6, 1:3]
        assert part(tab, "sum") == pytest.approx(window.sum(), rel=1e-3) == pytest.approx(part(tab, "total"), rel=1e-3)
        assert close(tab.locator("#lens").evaluate(TABLES)["window"], window)
        assert f"divides by {window.size}" in tab.inner_text("#lens")
        place = (0, 4) if flat else (2, 2)
        pick(tab, 0, place, two(x.shape[2:] if flat else x.shape[1:]))
        dx = host(rows["x"].gradient)[(1, 0, 4) if flat else (1, 2, 2)]
        assert len(parts(tab)) == (2 if flat else 4)
        assert sum(parts(tab)) == pytest.approx(dx, rel=1e-3) == pytest.approx(part(tab, "total"), rel=1e-3)


# ----------------------------------------------------------------------------------------- products

PRODUCTS = {
    "matrices": ((3, 4), (4, 5)),
    "a batch against one matrix": ((2, 3, 4), (4, 2)),
    "batches that broadcast": ((3, 1, 2, 4), (2, 4, 3)),
    "a vector and a matrix": ((4,), (4, 3)),
    "a batch and a vector": ((2, 3, 4), (4,)),
    "two vectors": ((4,), (4,)),
}


def column(tab: Any, name: str) -> list[float]:
    return list(tab.locator(f"#lens .terms td[data-part={name}]").evaluate_all(CELLS))


@pytest.mark.parametrize(("name", "live"), [*((name, True) for name in PRODUCTS), ("batches that broadcast", False)])
def test_a_product_is_row_by_column_and_gradients_sum_over_the_batch(name: str, live: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    shapes = PRODUCTS[name]
    x, y = tensor(rng, *shapes[0]), tensor(rng, *shapes[1])
    rows = page_of(lambda x, y: (np.matmul(x * 1.0, y * 1.0) ** 2).sum(), [x, y], tmp_path / "page.html", live)
    row = of(rows, "matmul")
    a, b, out, g = (array(v).astype(float) for v in (x, y, row.value, row.gradient))
    da, db = (array(rows[label].gradient).astype(float) for label in ("v1", "v2"))
    left, right = np.atleast_2d(a), b[:, None] if b.ndim == 1 else b
    full = np.matmul(left, right)
    g = g.reshape(full.shape)
    with opened(tmp_path / "page.html") as tab:
        choose(tab, row.label)
        batch = full.shape[:-2]
        for i, length in enumerate(batch):
            if length > 1:
                set_field(tab, f"batch axis {i}", length - 1)
        row_, column_ = full.shape[-2] - 1, full.shape[-1] - 1
        last = (-1,) * len(batch)
        pick(tab, 2, (row_, column_), full.shape[-2:])
        lefts, rights = np.broadcast_to(left, (*batch, *left.shape[-2:])), np.broadcast_to(right, (*batch, *right.shape[-2:]))
        assert close(column(tab, "a"), lefts[(*last, row_)])
        assert close(column(tab, "b"), rights[(*last, slice(None), column_)])
        assert sum(column(tab, "product")) == pytest.approx(full[(*last, row_, column_)], rel=1e-3)
        assert part(tab, "total") == pytest.approx(out.reshape(full.shape)[(*last, row_, column_)], rel=1e-3)
        pick(tab, 1, (1, column_), right.shape[-2:])  # a weight
        last_b = (-1,) * (right.ndim - 2)
        right_g = db.reshape(right.shape)[(*last_b, 1, column_)]
        assert part(tab, "total") == pytest.approx(right_g, rel=1e-3) == pytest.approx(part(tab, "sum"), rel=1e-3)
        assert sum(column(tab, "product")) == pytest.approx(right_g, rel=1e-3)
        pick(tab, 0, (row_, 2), left.shape[-2:])
        left_g = da.reshape(left.shape)[(*(-1,) * (left.ndim - 2), row_, 2)]
        assert part(tab, "total") == pytest.approx(left_g, rel=1e-3) == pytest.approx(part(tab, "sum"), rel=1e-3)
        assert title(tab).startswith("gradient of v1")


@pytest.mark.parametrize("shape", [(5, 4), (2, 3, 4), (1, 4), (4,)])
def test_a_linear_layer_shows_a_weights_gradient_as_a_sum_over_the_rows(shape: tuple[int, ...], tmp_path: Path) -> None:
    mg.random.manual_seed(0)
    layer = nn.Linear(4, 3)
    x = tensor(np.random.default_rng(0), *shape)
    rows = page_of(lambda x: (layer(x) ** 2).sum(), [x], tmp_path / "page.html")
    row = of(rows, "linear")
    flat, g = array(x).reshape(-1, 4), host(row.gradient).reshape(-1, 3)
    weight, bias = array(layer.weight), array(layer.bias)
    with opened(tmp_path / "page.html") as tab:
        choose(tab, row.label)
        pick(tab, 2, (len(flat) - 1, 1), (len(flat), 3))
        index = (*(n - 1 for n in shape[:-1]), 1)
        assert title(tab) == f"{row.label}[{', '.join(map(str, index))}]"
        assert close(column(tab, "product"), flat[-1] * weight[1])
        assert part(tab, "bias") == pytest.approx(bias[1], rel=1e-3)
        assert part(tab, "total") == pytest.approx(host(row.value)[index], rel=1e-3)
        pick(tab, 1, (2, 1), (4, 3))  # the picture is that of the transpose
        assert re.fullmatch(r"gradient of .*\[1, 2\]", title(tab))
        assert close(column(tab, "product"), flat[:, 2] * g[:, 1])
        gradient = (flat.T @ g)[2, 1]
        assert part(tab, "total") == pytest.approx(gradient, rel=1e-3) == pytest.approx(part(tab, "sum"), rel=1e-3)
        pick(tab, 0, (0, 3), (len(flat), 4))
        assert part(tab, "total") == pytest.approx((g @ weight)[0, 3], rel=1e-3) == pytest.approx(part(tab, "sum"), rel=1e-3)


def test_of_many_products_the_largest_are_shown_and_all_are_summed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, w = tensor(rng, 2, 100), tensor(rng, 100, 2)
    page_of(lambda x, w: (x @ w).sum(), [x, w], tmp_path / "page.html")
    with opened(tmp_path / "page.html") as tab:
        choose(tab, "v1")
        pick(tab, 2, (1, 1), (2, 2))
        products = array(x)[1] * array(w)[:, 1]
        largest = np.sort(np.abs(products))[::-1][:48]
        assert np.allclose(np.sort(np.abs(column(tab, "product")))[::-1], largest, rtol=1e-4)
        assert "52 smaller" in tab.inner_text("#lens .terms")
        assert part(tab, "sum") == pytest.approx(products.sum(), rel=1e-3)


# ------------------------------------------------------------------------ softmax and cross-entropy


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def bars(tab: Any, name: str) -> list[float]:
    return list(tab.locator(f"#lens .probabilities td[data-part={name}]").evaluate_all(CELLS))


WEIGHTS = {"weight": np.array([1.0, 2.0, 0.5, 3.0], F32)}


@pytest.mark.parametrize(
    ("options", "live"),
    [({}, True), ({"reduction": "sum"}, True), ({"reduction": "none"}, False), (WEIGHTS, True), (WEIGHTS, False)],
)
def test_cross_entropy_shows_p_the_target_and_p_minus_y(options: dict[str, Any], live: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    x, y = tensor(rng, 3, 4), np.array([2, 0, -100])

    def f(x: Any) -> Any:
        loss = F.cross_entropy(x * 2.0, y, **options)
        return loss.sum() * 1.5 if options.get("reduction") == "none" else loss * 1.5

    rows = page_of(f, [x], tmp_path / "page.html", live)
    row = of(rows, "cross_entropy")
    p, dx = softmax(2.0 * array(x)), host(rows["v1"].gradient)
    with opened(tmp_path / "page.html") as tab:
        choose(tab, row.label)
        for n, target in enumerate(y):
            set_field(tab, "row", n)
            assert close(bars(tab, "p"), p[n])
            assert close(bars(tab, "gradient"), dx[n])
            if target < 0:
                assert "ignored" in tab.inner_text("#lens")
                assert tab.locator("#lens .target").count() == 0
                continue
            error = p[n] - np.eye(4)[target]
            assert close(bars(tab, "error"), error)
            assert np.allclose(part(tab, "factor") * error, dx[n], rtol=1e-3, atol=1e-6)
            assert tab.get_attribute("#lens .target", "data-class") == str(target)
            weight = 1.0 if "weight" not in options else options["weight"][target]
            assert part(tab, "loss") == pytest.approx(-weight * np.log(p[n, target]), rel=1e-3)


def test_the_loss_of_a_row_is_finite_where_its_probability_is_too_small_for_a_number(tmp_path: Path) -> None:
    x, y = mg.Tensor(np.array([[1000.0, 0.0, 3.0]], F32), requires_grad=True, name="x"), np.array([1])
    rows = page_of(lambda x: F.cross_entropy(x, y), [x], tmp_path / "page.html", True)
    with opened(tmp_path / "page.html") as tab:
        choose(tab, of(rows, "cross_entropy").label)
        assert part(tab, "loss") == pytest.approx(1000.0)


def test_cross_entropy_of_images_has_a_row_for_each_pixel(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    x, y = tensor(rng, 2, 3, 2, 2), rng.integers(0, 3, (2, 2, 2))
    rows = page_of(lambda x: F.cross_entropy(x, y), [x], tmp_path / "page.html")
    with opened(tmp_path / "page.html") as tab:
        choose(tab, "result")
        set_field(tab, "axis 0", 1)
        set_field(tab, "axis 2", 1)
        set_field(tab, "axis 3", 0)
        assert close(bars(tab, "p"), softmax(array(x), 1)[1, :, 1, 0])
        assert close(bars(tab, "gradient"), host(rows["x"].gradient)[1, :, 1, 0])
        assert tab.get_attribute("#lens .target", "data-class") == str(y[1, 1, 0])


@pytest.mark.parametrize("live", [True, False])
def test_softmax_and_log_softmax(live: bool, tmp_path: Path) -> None:
    x, y = tensor(np.random.default_rng(8), 3, 5), np.array([1, 4, 0])

    def f(x: Any) -> Any:
        return F.nll_loss(F.log_softmax(F.softmax(x, axis=0), axis=1), y)

    rows = page_of(f, [x], tmp_path / "page.html", live)
    soft, log = of(rows, "softmax"), of(rows, "log_softmax")
    with opened(tmp_path / "page.html") as tab:
        choose(tab, soft.label)
        set_field(tab, "row", 3)  # a column: the softmax goes down
        assert close(bars(tab, "p"), softmax(array(x), 0)[:, 3])
        assert close(bars(tab, "arrives"), host(soft.gradient)[:, 3])
        assert close(bars(tab, "gradient"), host(rows["x"].gradient)[:, 3])
        choose(tab, log.label)
        pick(tab, 0, (1, 0), (3, 5))
        p = softmax(softmax(array(x), 0))
        assert close(bars(tab, "p"), p[1])
        assert close(bars(tab, "error"), p[1] - np.eye(5)[4])
        assert np.allclose(part(tab, "factor") * (p[1] - np.eye(5)[4]), host(soft.gradient)[1], rtol=1e-3, atol=1e-6)
        assert tab.get_attribute("#lens .target", "data-class") == "4"


def test_of_a_thousand_classes_the_likeliest_and_the_target_are_shown(tmp_path: Path) -> None:
    x = tensor(np.random.default_rng(9), 1, 1000)
    target = int(array(x)[0].argmin())
    page_of(lambda x: F.cross_entropy(x, np.array([target])), [x], tmp_path / "page.html")
    p = softmax(array(x)[0])
    with opened(tmp_path / "page.html") as tab:
        choose(tab, "result")
        shown = [int(row.get_attribute("data-class")) for row in tab.locator("#lens tr[data-class]").all()]
        assert shown == sorted([*np.argsort(p)[-16:].tolist(), target])
        assert tab.locator("#lens .target").count() == 1


# ------------------------------------------------------------------------------------- in the graph


class Convolutional(nn.Module):
    def __init__(self) -> None:
        self.net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, 3))

    def forward(self, x: Any, y: Any) -> Any:
        return F.cross_entropy(self.net(x), y)


LABEL = """(image) => image.closest(".node").querySelector("text").textContent"""
#: The pixels in the middle of the elements of a tile.
PIXELS = """
  async (image, [tile, height, width]) => {
    const picture = new Image();
    picture.src = image.getAttribute("href");
    await picture.decode();
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: picture.width, height: picture.height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(picture, 0, 0);
    const middle = (i, from, length, count) => Math.floor(from + ((i + 0.5) * length) / count);
    const at = (y, x) => {
      const place = [middle(x, tile[0], tile[2], width), middle(y, tile[1], tile[3], height)];
      return [...context.getImageData(...place, 1, 1).data];
    };
    return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (__, x) => at(y, x)));
  }
"""


def test_images_stand_in_the_nodes_and_follow_an_edit(tmp_path: Path) -> None:
    mg.random.manual_seed(0)
    rng = np.random.default_rng(0)
    x, y = rng.random((2, 1, 8, 8)).astype(F32), np.array([0, 2])
    page = viz.explore(Convolutional(), x, y, path=tmp_path / "page.html", depth=None)
    place = next(own["input"] for s, own in zip(page.data["steps"], page.data["live"]["steps"], strict=True) if s["label"] == "x")

    def is_grey(image: Any, plane: np.ndarray) -> bool:
        shown = np.array(image.evaluate(PIXELS, [[0, 0, 72, 72], 8, 8]), float)
        right = 255 * (plane - plane.min()) / (plane.max() - plane.min())
        return bool((np.abs(shown[..., :3] - right[..., None]) <= 1).all())

    with opened(tmp_path / "page.html", extra=("data:",)) as tab:  # where PIXELS reads the images
        pictured = tab.locator(".node:has(.thumbnail) text:first-of-type").all_text_contents()
        assert sorted(text.split(" = ")[-1] for text in pictured) == ["conv_bias", "max_pool", "relu", "weight", "x"]
        image = tab.locator(".node.data .thumbnail")
        assert is_grey(image, x[0, 0])
        before = {i.evaluate(LABEL): i.get_attribute("href") for i in tab.locator(".thumbnail").all()}
        x = rng.random((2, 1, 8, 8)).astype(F32)
        assert tab.evaluate(CHANGE, [place, x.ravel().tolist()])
        tab.wait_for_timeout(300)
        assert is_grey(image, x[0, 0])
        after = {i.evaluate(LABEL): i.get_attribute("href") for i in tab.locator(".thumbnail").all()}
        assert [label for label in before if before[label] == after[label]] == ["weight"]
        for node in tab.locator(".node:has(.thumbnail)").all():  # it lies inside, and above the words
            box, picture, word = (node.locator(part).first.bounding_box() for part in ("path, polygon", "image", "text"))
            assert picture["x"] > box["x"]
            assert picture["x"] + picture["width"] < box["x"] + box["width"]
            assert box["y"] < picture["y"] < picture["y"] + picture["height"] <= word["y"] + 3
        tab.locator(".menu summary", has_text="View").click()
        tab.locator("button", has_text="Images in nodes").click()
        assert tab.locator(".thumbnail").count() == 0


def test_images_have_room_in_the_simple_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asset = page_module._asset
    limits = ("const SLOW = { nodes: 300,", "const HOPELESS = { nodes: 6000,")
    monkeypatch.setattr(
        page_module,
        "_asset",
        lambda script: reduce(lambda text, limit: text.replace(limit, limit.split(": ")[0] + ": 0,"), limits, asset(script)),
    )
    monkeypatch.setattr(page_module, "_scripts", page_module._scripts.__wrapped__)  # without those of other pages
    x, y = np.random.default_rng(0).random((2, 1, 8, 8)).astype(F32), np.array([0, 2])
    viz.explore(Convolutional(), x, y, path=tmp_path / "page.html", depth=None)
    with opened(tmp_path / "page.html") as tab:
        assert "Simple layout" in tab.inner_text("#notes") and tab.locator(".thumbnail").count() == 5
        for node in tab.locator(".node:has(.thumbnail)").all():
            box, picture, word = (node.locator(part).first.bounding_box() for part in ("path, polygon", "image", "text"))
            last = node.locator("text").nth(1).bounding_box()
            assert box["y"] < picture["y"] < picture["y"] + picture["height"] <= word["y"] + 3
            assert last["y"] + last["height"] < box["y"] + box["height"]


def test_a_closed_module_shows_the_picture_of_its_result_and_what_is_no_image_has_none(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU()), nn.Flatten(), nn.Linear(72, 2))
    image = np.random.default_rng(0).random((1, 3, 8, 8)).astype(F32)
    viz.explore(net, image, path=tmp_path / "page.html", depth=1)
    viz.explore(nn.Linear(16, 3), np.ones((2, 16), F32), path=tmp_path / "plain.html")
    digits = np.random.default_rng(0).random((6, 64)).astype(F32)  # rows that are images, unless some pixels are negative
    viz.explore(nn.Linear(64, 3), digits, path=tmp_path / "digits.html")
    viz.explore(nn.Linear(64, 3), digits - 0.5, path=tmp_path / "features.html")
    with opened(tmp_path / "digits.html") as tab:
        row = tab.locator(".node.data .thumbnail")
        assert float(row.get_attribute("width")) > 3 * float(row.get_attribute("height"))  # four of them
    with opened(tmp_path / "features.html") as tab:
        assert tab.locator(".thumbnail").count() == 0
    with opened(tmp_path / "page.html", extra=("data:",)) as tab:
        assert tab.locator(".node.closed .thumbnail").count() == 1
        shown = np.array(tab.locator(".node.data .thumbnail").evaluate(PIXELS, [[0, 0, 112, 112], 8, 8]), float)[..., :3]
        right = 255 * (image[0] - image.min()) / (image.max() - image.min())
        assert (np.abs(shown - right.transpose(1, 2, 0)) <= 1).all()
        assert b64decode(tab.get_attribute(".node.closed .thumbnail", "href").partition(",")[2]).startswith(b"\x89PNG")
    with opened(tmp_path / "plain.html") as tab:
        assert tab.locator(".thumbnail").count() == 0
        assert tab.locator("button", has_text="Images in nodes").count() == 0


# ------------------------------------------------------------------------------------------ the rest


def test_no_lens_where_numbers_are_not_known_or_there_are_three_axes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    large = tensor(rng, 400, 500)
    page = viz.explore(((large @ tensor(rng, 500, 400)) ** 2).sum(), path=tmp_path / "large.html")
    assert page.data["arrays"] == {}
    with opened(tmp_path / "large.html") as tab:
        choose(tab, "v1")
        assert tab.locator("#lens").count() == 0
    page_of(lambda x, w: F.conv3d(x, w).sum(), [tensor(rng, 1, 1, 3, 3, 3), tensor(rng, 1, 1, 2, 2, 2)], tmp_path / "deep.html")
    with opened(tmp_path / "deep.html") as tab:
        choose(tab, "v1")
        assert tab.locator("#lens").count() == 0


def test_every_lens_is_accessible_small_and_large(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)

    def f(x: Any, w: Any, v: Any) -> Any:
        pooled = F.avg_pool2d(F.max_pool2d(F.conv2d(x, w, padding=1), 2), 2)
        return F.cross_entropy(pooled.reshape(2, -1) @ v, np.array([0, 2]))

    inputs = [tensor(rng, 2, 1, 8, 8), tensor(rng, 2, 1, 3, 3), tensor(rng, 8, 3)]
    rows = page_of(f, inputs, tmp_path / "page.html")
    with opened(tmp_path / "page.html") as tab:
        for op in ["conv", "max_pool", "sum_pool", "matmul", "cross_entropy"]:
            choose(tab, of(rows, op).label)
            assert violations_in_both_themes(tab) == [], op
            for button in tab.locator("#lens .choice button").all():
                button.click()
            tab.locator("#lens button", has_text="Larger").click()
            assert violations_in_both_themes(tab) == [], op
            box = tab.locator("dialog.lens").bounding_box()
            assert box["width"] > 1000
            assert tab.locator("dialog.lens .look").evaluate("e => e.scrollWidth <= e.clientWidth")
            tab.keyboard.press("Escape")
            assert tab.locator("#lens .look").evaluate("e => e.scrollWidth <= e.clientWidth"), op


def test_tokens_are_as_many_as_an_axis_is_long() -> None:
    with pytest.raises(ValueError, match="tokens= has 3 words, but no array has an axis of length 3"):
        viz.explore(nn.Embedding(8, 2), np.array([1, 2, 0, 1]), tokens=["a", "b", "c"])
