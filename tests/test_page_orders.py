"""Higher orders and naive recursion in pages: the gradient's graph beside, derivatives with their curves, visits, ticks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import viz
from minigrad.primitive import primitive

from .browser import needs_browser, opened, violations, violations_in_both_themes


def wave(x: Any, w: Any) -> Any:
    return np.tanh(w * x) * np.sin(x) + w


def ladder(x: Any) -> Any:
    """Each rung reads the one before twice: twice as many paths."""
    for _ in range(4):
        x = x + x
    return x


def steps_of(page: viz.Page) -> dict[str, dict[str, Any]]:
    return {step["label"]: step for step in page.data["steps"]}


# The graph of the gradient


def test_a_step_of_the_gradient_knows_the_step_whose_rule_made_it() -> None:
    """The order in which rules run, and what each of them computes, are those of the textbook."""
    page = viz.explore(wave, 0.5, 2.0, derivative=1)
    names = {step["id"]: step["op"] for step in page.data["steps"]}
    made = [(step["op"], names[step["rule"]]) for step in page.data["steps"] if step["order"] and step["op"]]
    assert set(made) == {
        ("multiply", "multiply"), ("cos", "sin"), ("multiply", "sin"), ("multiply", "tanh"), ("subtract", "tanh"),
        ("add", "multiply"),
    }  # fmt: skip
    assert {step["order"] for step in page.data["steps"] if step["rule"] is None} == {0}


def test_rules_of_fused_ops_and_of_the_gradient_itself_are_known() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4))
    page = viz.explore(lambda x: np.log(np.exp(x).sum(axis=1)).sum(), x, derivative=2)
    orders = {step["id"]: step["order"] for step in page.data["steps"]}
    made = [(step["order"], orders[step["rule"]]) for step in page.data["steps"] if step["rule"] is not None]
    assert set(made) == {(1, 0), (2, 0), (2, 1)}
    loss = nn.functional.cross_entropy
    page = viz.explore(lambda x: loss(x, np.arange(3)), x, derivative=1)
    (fused,) = [step["id"] for step in page.data["steps"] if step["op"] == "cross_entropy"]
    assert {step["rule"] for step in page.data["steps"] if step["order"] and step["op"] and step["id"] > 0} == {fused}


def test_what_follows_a_gradient_inside_of_the_function_belongs_to_no_rule() -> None:
    def penalty(x: Any) -> Any:
        y = np.tanh(x)
        y.backward(create_graph=True)
        slope, x.grad = x.grad, None
        return slope**2 + y

    page = viz.explore(penalty, 0.5)
    rules = {step["op"]: step["rule"] for step in page.data["steps"] if step["op"]}
    tanh = next(step["id"] for step in page.data["steps"] if step["op"] == "tanh")
    assert rules == {"tanh": None, "multiply": tanh, "subtract": tanh, "power": None, "add": None}


def test_data_that_only_the_gradient_reads_is_drawn_with_it() -> None:
    page = viz.explore(lambda x: np.sum(x**3), np.array([1.0, 2.0]), derivative=1)
    data = [step for step in page.data["steps"] if step["fixed"]]
    names = {step["id"]: step["op"] for step in page.data["steps"]}
    assert [(step["op"], names[step["rule"]]) for step in data] == [("reshape", "sum"), ("broadcast_to", "sum")]
    assert {step["order"] for step in data} <= {0, 1}
    behind = {source for step in page.data["steps"] if step["order"] for source, _ in step["inputs"]}
    front = {source for step in page.data["steps"] if not step["order"] for source, _ in step["inputs"]}
    assert {step["id"] for step in data if step["order"]} == {step["id"] for step in data} & behind - front


# Derivatives


def test_derivatives_are_those_of_the_closed_form() -> None:
    """The n-th derivative of tanh is a polynomial in tanh."""
    page = viz.derivatives(np.tanh, 0.3, orders=6)
    values = {step["derivative"]: float(step["value"]["text"]) for step in page.data["steps"] if step["derivative"] is not None}
    assert values == {n: pytest.approx(p(np.tanh(0.3)), rel=1e-3) for n, p in enumerate(polynomials(6))}


def test_the_graph_of_each_order_holds_all_that_it_is_computed_from() -> None:
    page = viz.derivatives(np.sin, 1.0, orders=3)
    reads = {step["id"]: [source for source, _ in step["inputs"]] for step in page.data["steps"]}
    for graph in page.data["orders"]["graphs"]:
        assert graph["result"] in graph["steps"]
        assert all(source in graph["steps"] for number in graph["steps"] for source in reads[number])


def test_a_polynomial_ends_where_its_derivative_is_constant() -> None:
    orders = viz.derivatives(lambda z, a: a * z**3, 2.0, 5.0).data["orders"]
    assert (orders["x"], orders["constant"], len(orders["graphs"])) == ("z", True, 3)
    with pytest.raises(ValueError, match="constant already"):
        viz.derivatives(lambda x: 3 * x, 1.0)


def test_what_cannot_be_shown_says_so() -> None:
    with pytest.raises(TypeError, match=r"single number, got an array of shape \(3,\)"):
        viz.derivatives(lambda x: x * np.ones(3), 1.0)
    with pytest.raises(ValueError, match="orders must be 1 or more"):
        viz.derivatives(np.tanh, 1.0, orders=0)
    with pytest.raises(ValueError, match="span"):
        viz.derivatives(np.tanh, 1.0, span=(1, 1))
    with pytest.raises(ValueError, match="fewer orders"):
        viz.derivatives(lambda x: np.tanh(np.tanh(x)), 1.0, orders=6)


@cache
def polynomials(orders: int) -> list[Any]:
    found = [np.polynomial.Polynomial([0.0, 1.0])]
    for _ in range(orders):
        found.append(found[-1].deriv() * np.polynomial.Polynomial([1.0, 0.0, -1.0]))
    return found


# In a browser


@primitive(x=lambda g, x: g * 3 * x, method=False)
def wrong_square(x: Any) -> Any:
    """x^2, of which the rule says 3 x."""
    return x * x


@pytest.fixture
def tab(tmp_path: Path) -> Callable[..., Any]:
    def of(f: Any, *inputs: Any, **options: Any) -> Any:
        viz.explore(f, *inputs, path=tmp_path / "page.html", **options)
        return opened(tmp_path / "page.html")

    return of


def find(page: Any, words: str) -> None:
    """Choose the first step that the search finds, wherever the camera is."""
    page.fill("#search", words)
    page.press("#search", "Enter")
    page.press("#search", "Escape")


def switch(page: Any, name: str) -> None:
    page.locator("summary", has_text="View").click()
    page.click(name)
    page.keyboard.press("Escape")


def lit(page: Any) -> set[str]:
    return set(
        page.locator(".node.twin").evaluate_all("all => all.map(n => n.querySelector('text').textContent.split(' = ')[0])")
    )


def twins(data: dict[str, Any], label: str) -> set[str]:
    steps = {step["id"]: step for step in data["steps"]}
    (own,) = [step for step in steps.values() if step["label"] == label]
    made = {step["label"] for step in steps.values() if step["rule"] == own["id"]}
    return made | ({steps[own["rule"]]["label"]} if own["rule"] is not None else set())


class TestTheGradientBeside:
    pytestmark = needs_browser

    def test_twins_light_up_together_in_both_panes(self, tab: Any) -> None:
        with tab(wave, 0.5, 2.0, derivative=1) as page:
            data = viz.explore(wave, 0.5, 2.0, derivative=1).data
            front, behind = page.locator("main .pane:not(.behind)"), page.locator("main .behind")
            assert front.locator(".node").count() == 7
            assert behind.locator(".node").count() == sum(step["order"] for step in data["steps"])
            for label in ("v2", "v3", "v9"):
                find(page, label)
                assert twins(data, label)
                assert lit(page) == twins(data, label)
            find(page, "w")
            assert lit(page) == set()
            sine = front.locator(".node", has_text="= sin")
            at_rest(sine)
            sine.focus()  # as the keyboard does
            assert lit(page) == twins(data, "v3") | {"v3"}
            assert behind.locator(".twin").count() == 2
            page.locator("#search").focus()
            assert lit(page) == set()

    def test_a_mouse_over_a_node_lights_its_twins(self, tab: Any) -> None:
        with tab(np.tanh, 0.5, derivative=1) as page:
            page.locator(".node.leaf").first.click()
            assert lit(page) == set()
            at_rest(page.locator(".node.output").first)
            page.locator(".node", has_text="result = tanh").hover()
            assert lit(page) == {"result", "v1", "v2", "gradient of x"}
            assert page.locator("svg.ties path").count() == len(lit(page)) - 1
            page.locator("#search").hover()
            assert lit(page) == set()

    def test_the_player_goes_through_both_panes(self, tab: Any) -> None:
        with tab(wave, 0.5, 2.0, derivative=1) as page:
            page.emulate_media(reduced_motion="reduce")
            seen = set()
            for _ in range(17):
                page.keyboard.press("ArrowRight")
                seen.add(page.locator(".node.forward").evaluate("n => Boolean(n.closest('.behind'))"))
                pane = page.locator("main .pane", has=page.locator(".node.forward")).bounding_box()
                shape = at_rest(page.locator(".node.forward"))
                assert pane["y"] <= shape["y"] + shape["height"] / 2 <= pane["y"] + pane["height"]
            assert seen == {False, True}

    def test_the_switch_draws_all_in_one_picture(self, tab: Any) -> None:
        with tab(wave, 0.5, 2.0, derivative=1) as page:
            edges = page.locator(".edge").count()
            nodes = page.locator(".node:visible").count()
            switch(page, "#twins")
            assert page.locator("main .behind").is_hidden()
            assert page.locator("main .pane:not(.behind) .node").count() == nodes
            assert page.locator("main .pane:not(.behind) .edge").count() > edges  # those between the two
            page.locator(".node.leaf", has_text="x").first.focus()
            switch(page, "#twins")
            assert page.locator(".node:visible").count() == nodes

    def test_parameters_stay_in_their_closed_modules(self, tab: Any) -> None:
        net = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
        with tab(net, np.ones((3, 2), np.float32), derivative=1) as page:
            front = page.locator("main .pane:not(.behind) .node")
            assert front.evaluate_all("all => all.filter(n => n.classList.contains('leaf')).length") == 0
            switch(page, "#twins")
            assert front.evaluate_all("all => all.filter(n => n.classList.contains('leaf')).length") == 0

    def test_numbers_follow_in_both(self, tab: Any) -> None:
        with tab(wave, 0.5, 2.0, derivative=1) as page:
            find(page, "x")
            page.locator("#edit input[type=number]").fill("1.5")
            shown = page.locator(".behind .node", has_text="gradient of x").locator("text").nth(1).text_content()
            hair = 1e-6
            assert float(shown) == pytest.approx((wave(1.5 + hair, 2.0) - wave(1.5 - hair, 2.0)) / (2 * hair), rel=1e-3)

    def test_looks_paint_in_the_picture_in_which_a_node_is(self, tab: Any) -> None:
        inside = """all => all.every((mark) => [...mark.closest('g.graph').querySelectorAll('.node')].some((node) => {
          const [a, b] = [mark.getBBox(), node.getBBox()];
          return Math.abs(a.x - b.x) < 1 && a.y > b.y && a.y < b.y + b.height + 5;
        }))"""
        with tab(wave, 0.5, 2.0, derivative=1) as page:
            for _ in range(3):
                switch(page, "#look-heat")
                count = page.locator("title.paint-heat").count()
                assert count in (0, page.locator(".edge.heat").count())
            assert count > 0
            switch(page, "#look-memory")
            bars = page.locator(".memory-bar")
            assert bars.count() == page.locator(".node.memory").count() > page.locator(".behind .memory-bar").count()
            assert page.locator(".behind .memory-bar").count() == page.locator(".behind .node.memory").count() > 0
            assert bars.evaluate_all(inside)

    def test_pictures_and_worksheets_have_both_panes(self, tab: Any) -> None:
        with tab(wave, 0.5, 2.0, derivative=1) as page:
            names = page.locator(".node").evaluate_all("all => all.map((n) => n.querySelector('text').textContent)")
            page.locator("summary", has_text="Share").click()
            for what in ("seen", "all"):
                page.select_option("#share-what", what)
                with page.expect_download() as download:
                    page.click("#share-svg")
                root = ElementTree.parse(download.value.path()).getroot()
                words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
                assert {*names} <= {*words}
                (front, behind) = root.findall("{http://www.w3.org/2000/svg}svg")
                assert float(front.get("height", 0)) == float(behind.get("y", -1))
                assert root.get("height") == f"{float(front.get('height', 0)) + float(behind.get('height', 0)):g}"
            page.keyboard.press("Escape")
            page.evaluate("window.print = () => {}")
            page.locator("summary", has_text="Practise").click()
            page.click("#print-worksheet")
            drawn = page.locator("#worksheet .blanks .node").evaluate_all(
                "all => all.map((n) => n.querySelector('text').textContent)"
            )
            assert sorted(drawn) == sorted(names)

    def test_the_switch_of_images_reaches_both_panes(self, tab: Any) -> None:
        net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 1))
        image = np.ones((1, 1, 8, 8), np.float32)
        with tab(lambda x: np.tanh(net(x)).sum(), mg.Tensor(image, requires_grad=True), derivative=1, depth=None) as page:
            pictured = page.locator(".behind .node:has(.thumbnail)")
            assert pictured.count() > 0
            name = pictured.first.get_attribute("aria-label")
            height = "(n) => n.querySelector('path, polygon').getBBox().height"
            before = pictured.first.evaluate(height)
            page.locator("summary", has_text="View").click()
            page.locator("button", has_text="Images in nodes").click()
            after = page.locator(f'.behind .node[aria-label="{name}"]').first.evaluate(height)
            assert page.locator(".thumbnail").count() == 0 and after < before - 20

    def test_it_is_accessible(self, tab: Any, tmp_path: Path) -> None:
        viz.explore(wave, 0.5, 2.0, derivative=2, path=tmp_path / "page.html")
        with opened(tmp_path / "page.html") as page:
            find(page, "tanh")
            assert violations_in_both_themes(page) == []


class TestDerivatives:
    pytestmark = needs_browser

    @pytest.fixture
    def page(self, tmp_path: Path) -> Iterator[Any]:
        viz.derivatives(np.tanh, 0.5, path=tmp_path / "page.html")
        with opened(tmp_path / "page.html") as page:
            yield page

    def test_the_curves_are_those_of_the_closed_form(self, page: Any) -> None:
        found = page.evaluate("minigrad.curves")
        xs = np.array(found["xs"])
        assert (xs[0], xs[-1], len(found["curves"])) == (-3, 3, 7)
        for curve, p in zip(found["curves"], polynomials(6), strict=True):
            np.testing.assert_allclose(curve, p(np.tanh(xs)), rtol=1e-8, atol=1e-8)

    def test_the_numbers_are_right_before_the_page_had_time_to_compute(self, tmp_path: Path) -> None:
        viz.derivatives(np.tanh, 0.5, path=tmp_path / "page.html")
        with opened(tmp_path / "page.html", first="globalThis.requestIdleCallback = () => {}") as page:
            assert "d/dx tanh at x = 0.5: 0.7864. The slope there is the next derivative: -0.7269" in page.inner_text("main")

    @pytest.mark.parametrize("x", [1e38, -1e300, np.inf, np.nan])
    def test_a_point_far_outside_of_the_picture_leaves_it_as_it_is(self, x: float, tmp_path: Path) -> None:
        viz.derivatives(np.tanh, x, orders=2, path=tmp_path / "far.html")
        with opened(tmp_path / "far.html") as page:  # which wants no errors in the console
            assert page.locator("#order-chart .chosen").count() == 1
            assert page.locator("#order-chart .tangent").count() == 0

    def test_a_choice_shows_the_graph_of_that_order_and_its_curve(self, page: Any) -> None:
        sizes, paths = [], []
        for order in range(7):
            page.click(f"[data-order='{order}']")
            assert page.get_attribute(f"[data-order='{order}']", "aria-pressed") == "true"
            ops = int(page.inner_text(f"[data-order='{order}'] span").split()[0])
            assert page.locator(".pane:not(.behind) .node.op, .pane:not(.behind) .node.output").count() == ops
            value = f"{polynomials(6)[order](np.tanh(0.5)):.4g}"
            assert value in page.inner_text("#order-told")
            assert value in page.inner_text("#detail")
            sizes.append(ops)
            paths.append(page.get_attribute("#order-chart .chosen", "d"))
        assert sizes == sorted(set(sizes))
        assert len(set(paths)) == 7

    def test_x_moves_along_the_curve(self, page: Any) -> None:
        page.click("[data-order='2']")
        at = page.locator("#order-chart circle")
        before = float(at.get_attribute("cx"))
        page.locator("#order-x").evaluate("e => { e.value = '-1.25'; e.dispatchEvent(new Event('input')); }")
        assert float(at.get_attribute("cx")) < before
        second, third = (p(np.tanh(-1.25)) for p in polynomials(6)[2:4])
        assert page.inner_text("#order-told").count(f"{second:.4g}") == 1
        assert page.inner_text("#order-told").endswith(f"{third:.4g}")  # the slope
        shown = page.locator(".node", has_text="second derivative of x").locator("text").nth(1).text_content()
        assert shown == f"{second:.4g}"

    def test_a_step_of_another_order_is_shown_with_it(self, page: Any) -> None:
        page.click("[data-order='0']")
        find(page, "third derivative of x")
        assert page.get_attribute("[data-order='3']", "aria-pressed") == "true"
        assert page.locator(".node.selected", has_text="third derivative of x").count() == 1

    def test_it_is_accessible(self, page: Any) -> None:
        page.click("[data-order='3']")
        assert violations(page) == []


class TestNaiveRecursion:
    pytestmark = needs_browser

    def test_visits_double_at_each_rung(self, tab: Any) -> None:
        with tab(ladder, 0.5) as page:
            switch(page, "#naive-switch")
            counts = page.locator(".visits text").evaluate_all("all => all.map(t => t.textContent)")
            assert sorted(counts) == sorted(["×1", "×2", "×4", "×8", "×16"])
            assert "31 visits, x alone 16" in page.inner_text("#naive-count")
            assert page.inner_text("#naive-count").endswith("needs 5.")

    def test_it_is_counted_where_nobody_could_make_all_visits(self, tab: Any) -> None:
        def high(x: Any) -> Any:
            for _ in range(70):
                x = x + x
            return x

        with tab(high, 0.5) as page:
            switch(page, "#naive-switch")
            assert page.inner_text("#naive-count").startswith(f"about 10^{len(str(2**71 - 1)) - 1} visits")
            assert "counted, not made" in page.inner_text("#naive-result")
            page.click("#naive-last")
            assert "Visit 400 of" in page.inner_text("#naive-told")

    @pytest.mark.parametrize("way", ["adds", "assigns", "passes"])
    def test_its_numbers_are_those_of_the_same_code_in_python(self, tab: Any, way: str) -> None:
        def f(x: Any, y: Any) -> Any:
            z = x * y + x
            return np.sin(z) * z

        right, found = recursion(f, way, 0.5, -1.2)
        with tab(f, 0.5, -1.2) as page:
            switch(page, "#naive-switch")
            page.click(f"[data-way={way}]")
            rows = page.locator("#naive-result tbody tr").evaluate_all(
                "all => all.map(r => [...r.children].map(c => c.textContent))"
            )
            assert {"x", "y"} <= {row[0] for row in rows}
            for label, correct, own in rows:
                assert correct == f"{right[label]:.4g}"
                same = np.isclose(right[label], found[label])
                assert own == f"{found[label]:.4g} {'✓' if same else '✗'}"
            marked = page.locator("#naive-result .wrong").count()
            assert marked == sum(not np.isclose(right[label], found[label]) for label, *_ in rows)
            assert (marked == 0) == (way == "adds")

    def test_visits_are_played_one_by_one(self, tab: Any) -> None:
        with tab(ladder, 0.5) as page:
            switch(page, "#naive-switch")
            page.locator("svg.graph").first.hover()
            path = []
            for _ in range(6):
                page.keyboard.press("ArrowRight")
                path.append(page.inner_text("#naive-told p >> nth=0").split(": ")[1].split(".")[0])
                assert page.locator(".node.backward").count() == 1
            assert path == ["result", "v3", "v2", "v1", "x", "x, for the 2nd time"]
            assert page.inner_text("#naive-told .arrives") == "1 + 1 = 2"
            assert page.locator(".visits text", has_text="2 of 16").count() == 1
            switch(page, "#naive-switch")
            assert page.locator(".visits").count() == 0
            assert page.locator("#play").is_visible()

    def test_of_arrays_the_visits_are_counted(self, tab: Any) -> None:
        def f(x: Any) -> Any:
            y = x * x
            return (y + np.tanh(y)).sum()

        with tab(f, np.ones(3)) as page:
            switch(page, "#naive-switch")
            assert "9 visits" in page.inner_text("#naive-count")
            assert "of arrays the visits are counted" in page.inner_text("#naive-result")
            page.click("#naive-last")
            assert "Visit 9 of 9: x, for the 4th time." in page.inner_text("#naive-told")

    def test_it_follows_an_edit(self, tab: Any) -> None:
        with tab(lambda x: x * x + x, 0.5) as page:
            switch(page, "#naive-switch")
            find(page, "x")
            page.locator("#edit input[type=number]").fill("4")
            assert page.locator("#naive-result tbody tr").first.inner_text().split() == ["x", "9", "9", "✓"]

    def test_it_is_accessible(self, tmp_path: Path) -> None:
        viz.explore(ladder, 0.5, path=tmp_path / "page.html")
        with opened(tmp_path / "page.html") as page:
            switch(page, "#naive-switch")
            page.click("[data-way=assigns]")
            page.click("#naive-forward")
            assert violations_in_both_themes(page) == []


def recursion(f: Any, way: str, *inputs: float) -> tuple[dict[str, float], dict[str, float]]:
    """The right gradients, and those of the naive recursion, by the labels of the page."""
    rows = viz.explain(f, *inputs).steps
    byname = {row.step.id: row for row in rows}
    found = dict.fromkeys((row.label for row in rows), 0.0)

    def backward(number: int, g: float) -> None:
        row = byname[number]
        found[row.label] = g if way == "assigns" else found[row.label] + g
        goes = found[row.label] if way == "passes" else g
        for rule in row.rules:
            backward(rule.to, goes * float(rule.sent) / float(row.gradient))

    backward(rows[-1].step.id, 1.0)
    return {row.label: float(row.gradient) for row in rows}, found


class TestTicks:
    pytestmark = needs_browser

    def test_every_rule_of_a_network_is_checked(self, tab: Any) -> None:
        net = nn.Sequential(
            nn.Conv2d(1, 3, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(27, 5),
            nn.LayerNorm(5),
            nn.Tanh(),
            nn.Linear(5, 2),
        )
        x = np.random.default_rng(0).normal(size=(2, 1, 8, 8)).astype(np.float32)
        with tab(net, x, depth=None) as page:
            before = page.evaluate("minigrad.live.steps.map((step) => step.short)")
            found = page.evaluate(
                "minigrad.live.steps.filter((s) => s.rules.length).map((s) => [s.label, minigrad.checks.of(s)])"
            )
            assert len(found) >= 7
            assert [label for label, told in found for each in told if not each or not each["isClose"]] == []
            assert all(each["said"] != 0 for _, told in found for each in told)
            assert page.evaluate("minigrad.live.steps.map((step) => step.short)") == before

    def test_what_is_said_is_what_numpy_finds(self, tab: Any) -> None:
        x, w = np.random.default_rng(0).normal(size=(2, 3, 3))
        with tab(lambda x, w: np.sin(x @ w).sum(), x, w) as page:
            find(page, "v1")
            page.locator("#detail .tick").first.wait_for()
            told = page.locator("#detail .check").all_inner_texts()
        numbers = [
            [float(n) for n in text.removeprefix("checked: ").removesuffix(" ✓").split(", by differences ")] for text in told
        ]
        ways = (((np.arange(1, 10, dtype=np.uint64) * 2654435761) & 0xFFFFFFFF) / 2**31 - 1).reshape(3, 3)
        right = [(np.cos(x @ w) * product).sum() for product in (ways @ w, x @ ways)]
        assert numbers == [[pytest.approx(n, rel=1e-3)] * 2 for n in right]

    def test_a_wrong_rule_gets_none(self, tab: Any) -> None:
        with tab(lambda x: wrong_square(np.sin(x)).sum(), np.array([0.5, 1.0])) as page:
            find(page, "v2 wrong_square")
            page.locator("#detail .check", has_text="by differences").wait_for()
            assert page.locator("#detail .tick").count() == 0
            find(page, "v1 sin")
            page.locator("#detail .tick").wait_for()

    def test_they_follow_an_edit(self, tab: Any) -> None:
        with tab(lambda x, y: x * y, 0.5, 2.0) as page:
            find(page, "result")
            page.locator("#detail .check", has_text="checked: 2, by differences 2").wait_for()
            page.evaluate("minigrad.live.change(1, (numbers) => { numbers[0] = 7; })")
            page.locator("#detail .check", has_text="checked: 7, by differences 7").wait_for()


class TestGuards:
    pytestmark = needs_browser

    def test_a_failed_guard_says_which_line(self, tab: Any) -> None:
        def f(x: Any) -> Any:
            low = np.log(x)
            return np.where(x > 0, low, 0.0).sum()

        with tab(f, [1.0, 2.0]) as page:
            find(page, "x")
            page.locator("#edit input[type=number]").first.fill("0")
            said = page.inner_text("#live .trouble")
            assert "what log sends back would not be finite" in said
            assert f"test_page_orders.py:{f.__code__.co_firstlineno + 1}: low = np.log(x)" in said

        with tab(f, [1.0, 2.0]) as page:
            find(page, "x")
            page.locator("#edit input[type=number]").first.fill("-1")
            page.get_by_label("by how much").select_option("1")
            assert page.inner_text("#nudged").startswith("That step cannot be computed: what log sends back")
            assert page.locator("#edit input[type=number]").first.input_value() == "-1"
            page.get_by_label("by how much").select_option("0.1")
            assert "the result moves by" in page.inner_text("#nudged")

            page.evaluate("minigrad.live.take(new Map([[0, [0, 3]]]))")  # as a training does
            assert "Taken back" not in page.inner_text("#live .trouble")
            assert page.evaluate("[...minigrad.live.inputs[0].numbers]") == [0, 3]


def test_a_decision_says_which_line() -> None:
    def f(x: Any) -> Any:
        inner = np.trim_zeros(x)
        return inner.sum()

    whys = [why for _, why in viz.explore(f, [0.0, 1.0, 2.0]).data["live"]["program"]["guards"]]
    assert whys
    line = f"test_page_orders.py:{f.__code__.co_firstlineno + 1}: inner = np.trim_zeros(x)"
    assert all(line in why for why in whys)


class TestAPhone:
    pytestmark = needs_browser

    def test_a_finger_chooses_each_node_that_is_seen(self, tmp_path: Path) -> None:
        net = nn.Sequential(nn.Conv2d(1, 4, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(144, 3))
        viz.explore(net, np.ones((2, 1, 16, 16), np.float32), depth=None, path=tmp_path / "page.html")
        phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
        with opened(tmp_path / "page.html", **phone) as page:
            chosen = 0
            for node in page.locator(".node").all():
                name = node.get_attribute("aria-label").split(",")[0].split(" ", 1)[1]
                place = middle_in(at_rest(node), page.locator("main").bounding_box())
                if place is None or page.evaluate("(at) => !document.elementFromPoint(...at).closest('.node')", place):
                    continue  # out of sight, or below a button
                page.touchscreen.tap(*place)
                assert page.inner_text("#detail h2").split(" = ")[0] == name
                chosen += 1
            assert chosen >= 5


def at_rest(shape: Any) -> dict[str, float]:
    """Where a shape is when the camera has come to rest."""
    before = None
    while before != (now := shape.bounding_box()):
        before = now
        shape.page.wait_for_timeout(120)
    return now


def middle_in(box: dict[str, float], frame: dict[str, float]) -> tuple[float, float] | None:
    """The middle of the part of a box that lies in a frame."""
    low = [max(box[a], frame[a]) for a in "xy"]
    high = [min(box[a] + box[s], frame[a] + frame[s]) for a, s in (("x", "width"), ("y", "height"))]
    if any(b - a < 8 for a, b in zip(low, high, strict=True)):
        return None
    return (low[0] + high[0]) / 2, (low[1] + high[1]) / 2


def test_x_is_a_single_number() -> None:
    with pytest.raises(TypeError, match=r"x must be a single number, got an array of shape \(3,\)"):
        viz.derivatives(np.tanh, np.ones(3))
