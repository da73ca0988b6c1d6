"""The page's scripts say what Python says: their plain functions, run without a page."""

from __future__ import annotations

import json
import subprocess
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

import nn
from minigrad import viz
from minigrad.viz.terms import agree_to_two_digits, tolerance, typed_number
from minigrad.viz.view import view

from .javascript_engine import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="needs node")


def run(scripts: tuple[str, ...], code: str, given: Any) -> Any:
    """What code gives, with some of the page's scripts before it and `given`."""
    assets = files("minigrad.viz").joinpath("assets")
    text = "\n".join(assets.joinpath(name).read_text("utf-8") for name in scripts)
    text = f"globalThis.document = {{ createElement: () => ({{ getContext: () => ({{}}) }}) }};\n{text}"  # rulers for text
    text += f"\nconst given = JSON.parse(require('fs').readFileSync(0));\nconsole.log(JSON.stringify((() => {{ {code} }})()));"
    assert NODE is not None
    done = subprocess.run([NODE, "-e", text], input=json.dumps(given), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


RANGES = [(0.0, 1.0), (-3.2, 7.1), (1e-9, 3e-9), (-5e6, 2e7), (0.0, 0.037), (99.5, 100.5), (-1.0, -0.25)]


@pytest.mark.parametrize("wanted", [2, 5, 6, 9])
def test_numbers_along_an_axis_are_round_even_and_all_that_have_a_place(wanted: int) -> None:
    found = run(
        ("axis.js",), "return given.map(([low, high, wanted]) => roundSteps(low, high, wanted));", [(*r, wanted) for r in RANGES]
    )
    for (low, high), steps in zip(RANGES, found, strict=True):
        assert 1 <= len(steps) <= wanted + 1
        assert low - 1e-9 * (high - low) <= steps[0] <= steps[-1] <= high + 1e-9 * (high - low)
        if len(steps) > 1:
            step = (steps[-1] - steps[0]) / (len(steps) - 1)
            np.testing.assert_allclose(np.diff(steps), step, rtol=1e-6)
            assert f"{step:.0e}"[0] in "125"
            np.testing.assert_allclose(np.round(np.array(steps) / step), np.array(steps) / step, atol=1e-6)
            assert steps[0] - step < low
            assert steps[-1] + step > high


def test_an_axis_whose_ends_are_very_near_or_far_has_an_end() -> None:
    given = [(1e17, 1e17 + 64, 5), (-1.7e308, 1.7e308, 5), (0, 5e-324, 6)]
    found = run(("axis.js",), "return given.map(([low, high, wanted]) => roundSteps(low, high, wanted));", given)
    assert all(len(steps) < 8 for steps in found)


def test_numbers_along_an_axis_of_powers() -> None:
    given = [(-0.7, 0.2), (-2.05, 0.1), (-9.0, 1.0), (2.0, 2.5)]
    found = run(("axis.js",), "return given.map(([low, high]) => roundPowers(low, high));", given)
    assert found == [[0.2, 0.5, 1], [0.01, 0.03, 0.1, 0.3, 1], [1e-9, 1e-7, 1e-5, 1e-3, 0.1, 10], [100, 200]]
    ranges = [(-3, 4), (-3, 5), (0, 1), (-16, 0)]
    assert run(("axis.js",), "return given.map(([low, high]) => powersBetween(low, high));", ranges) == [
        list(range(-3, 5)), [-3, -1, 1, 3, 5], [0, 1], list(range(-16, 1, 3)),
    ]  # fmt: skip


def test_numbers_at_an_axis_are_short() -> None:
    given = [0, 0.25, -1.5, 1e-4, -2.5e-7, 1e6, 12345]
    assert run(("axis.js",), "return given.map(plainText);", given) == ["0", "0.25", "−1.5", "1e−4", "−2.5e−7", "1e+6", "12345"]
    assert run(("axis.js",), "return given.map(raisedText);", [-12, 3]) == ["⁻¹²", "³"]


def test_a_line_has_gaps_and_dots() -> None:
    given = [[0, 1], [1, 2], None, [3, 4], None, None, [6, 7], [7, 8.25]]
    assert run(("axis.js",), "return lineThrough(given);", given) == "M0.0 1.0L1.0 2.0M3.0 4.0h0.01M6.0 7.0L7.0 8.3"


def test_page_and_python_read_and_judge_what_is_typed_alike() -> None:
    typed = [
        "0.5", "1,5", "1/4", "-1/3", "−0.25", " 2 ", "- 3", "1e3", "2E-3", "1e-3/2", ".5", "5.", "+4", "1/0", "1/.5", "1/-2", "",
        "a half", "1 000", "0x10", "1_0", "--1", "1,2,3", "1.2.3", "inf", "nan", "½", "٣", "1\u00a0000", "1\n", "e5", "7/2/2",
        "−1e−3", "−1/−2",
    ]  # fmt: skip
    assert run(("quiz-answers.js",), "return given.map(typedNumber);", typed) == [typed_number(text) for text in typed]
    rng = np.random.default_rng(0)
    answers = [0.0, 1.0, -1.0, 10.0, 9.999, 1e-3, 1e5, -0.099, 34.78, *(rng.normal(size=60) * 10.0 ** rng.integers(-6, 6, 60))]
    found = run(("quiz-answers.js",), "return given.map(twoDigits);", answers)
    np.testing.assert_allclose(found, [tolerance(answer) for answer in answers], rtol=1e-3)
    pairs = [[answer + part * tolerance(answer), answer] for answer in answers for part in (0, 0.99, -0.999, 1, -1, 1.01, -3)]
    judged = run(("quiz-answers.js",), "return given.map(([typed, exact]) => agrees(typed, exact));", pairs)
    assert judged == [agree_to_two_digits(*pair) for pair in pairs]
    assert True in judged and False in judged


class Twice(nn.Module):
    """A layer that is called twice, in a box of its own, and a way around it."""

    def __init__(self) -> None:
        self.layers = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Sequential(nn.Linear(3, 3), nn.Sigmoid(), nn.Linear(3, 3)))

    def forward(self, x: Any) -> Any:
        h = self.layers(x)
        return (self.layers(h + x) * self.layers[0].weight.sum() + x).sum()


class Steps(nn.Module):
    """A cell that is called at each time."""

    def __init__(self) -> None:
        self.cell = nn.GRUCell(3, 3)

    def forward(self, x: Any) -> Any:
        h = x[0]
        for now in x:
            h = self.cell(now, h)
        return h


SHOWN = """
const ops = ({ members }) => members.filter((step) => step.op || members.every((other) => !other.op)).map(({ id }) => id);
const first = (node) => Math.min(...ops(node));
return given.map((data) => {
  const graph = Object.create(Graph.prototype);
  const byId = new Map(data.steps.map((step) => [step.id, step]));
  Object.assign(graph, { data, steps: data.steps, byId, folding: new Folding(data) });
  graph.shown();
  return {
    nodes: [...graph.nodes.values()].map((node) => ops(node).sort((a, b) => a - b)),
    edges: [...graph.edges.values()].filter(({ states }) => !states)
      .map(({ from, to, count, carried }) => [first(from), first(to), count, carried]),
  };
});
"""


@pytest.mark.parametrize("name", ["mlp", "twice", "transformer", "rnn", "cell"])
def test_the_page_and_drawings_show_the_same_nodes_and_edges(name: str) -> None:
    rng = np.random.default_rng(0)
    target, x = {
        "mlp": (nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Dropout(0.5))), (2, 3)),
        "twice": (Twice(), (2, 3)),
        "transformer": (nn.TransformerEncoderLayer(8, 2, 16), (3, 2, 8)),
        "rnn": (nn.Sequential(nn.LSTM(3, 4)), (5, 2, 3)),  # the page adds a loop to an op that goes through time
        "cell": (Steps(), (4, 2, 3)),
    }[name]
    with viz.capture(target):
        result = target(rng.normal(size=x).astype("float32"))
    while isinstance(result, tuple):
        result = result[0]
    cases, expected = [], []
    for depth in (0, 1, 2, 3, None):
        page = viz.explore(result, depth=depth, repeats="unrolled")
        cases.append(page.data)
        shown = view([row.step for row in page.rows], depth, "unrolled")
        ops = {}
        for group in shown.groups:
            ops[group.id] = sorted(step.id for step in group.steps if step.op or not any(s.op for s in group.steps))
        edges = [[ops[e.source][0], ops[e.target][0], e.count, e.carried] for e in shown.edges]
        expected.append({"nodes": list(ops.values()), "edges": edges})
    found = run(("camera.js", "folding.js", "graph.js"), SHOWN, cases)
    for page, drawing in zip(found, expected, strict=True):
        for part in ("nodes", "edges"):
            assert sorted(page[part]) == sorted(drawing[part])
    assert len({len(drawing["nodes"]) for drawing in expected}) > 1  # modules were closed
