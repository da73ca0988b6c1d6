"""What is shown of a graph: boxes by module, closed modules, repeated steps as one, summaries, marks, formulas."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest

import nn
from minigrad import Tensor, viz
from minigrad.viz.formula import Formula, mathml, parse
from minigrad.viz.view import view

from .test_viz import needs_dot


class Encoder(nn.Module):
    """A sequence to sequence model whose decoder is unrolled."""

    def __init__(self) -> None:
        self.embed = nn.Embedding(10, 4)
        self.encoder = nn.GRU(4, 5)
        self.cell = nn.RNNCell(4, 5)
        self.out = nn.Linear(5, 10)

    def forward(self, source: Any, target: Any) -> Any:
        h = self.encoder(self.embed(source))[1][0]
        outs = []
        for token in target:
            h = self.cell(self.embed(token), h)
            outs.append(self.out(h))
        return np.stack(outs)


SOURCE, TARGET = np.zeros((7, 2), int), np.ones((6, 2), int)


def names(shown: Any) -> list[str]:
    """What the nodes are: closed modules, and ops and leaves with how many there are of them."""
    return sorted(g.closed.path if g.closed else f"{g.steps[0].op or g.steps[0].name} {len(g.steps)}" for g in shown.groups)


def clusters(source: str) -> int:
    return source.count("subgraph cluster_")


def test_ops_are_in_boxes_by_module() -> None:
    drawing = viz.draw(nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Sequential(nn.Linear(3, 1), nn.Tanh())), np.ones((4, 2)))
    steps = {s.name or s.op: [c.path for c in s.calls] for s in drawing.steps if s.op == "linear"}
    assert steps == {"linear": ["", "2", "2.0"]}
    assert clusters(drawing.source) == 3  # 0, 2 and 2.0; a box around tanh alone would say nothing
    assert 'label="2.0: Linear"' in drawing.source


def test_modules_close_at_a_depth() -> None:
    drawing = viz.draw(Encoder(), SOURCE, TARGET, depth=1)
    shown = view(drawing.steps, depth=1)
    paths = [g.closed.path for g in shown.groups if g.closed]
    assert sorted(set(paths)) == ["cell", "embed", "encoder", "out"]
    assert paths.count("cell") == paths.count("out") == 6
    assert not [g for g in shown.groups if g.steps[0].kind == "leaf" and not g.closed]  # parameters are in their modules
    assert "cell: RNNCell  (call 6)" in drawing.source
    whole = view(drawing.steps, depth=0)
    assert [g.closed.path for g in whole.groups if g.closed] == [""]
    assert [g.steps[0].name for g in whole.groups if not g.closed] == ["source"]  # what the model is given stands outside
    with pytest.raises(ValueError, match="depth must be 0 or more"):
        viz.draw(Encoder(), SOURCE, TARGET, depth=-1)


def test_an_unrolled_network_is_drawn_as_a_cycle() -> None:
    steps = viz.draw(Encoder(), SOURCE, TARGET).steps
    shown = view(steps, depth=1, repeats="compact")
    assert names(shown) == ["cell", "embed", "encoder", "getitem 1", "out", "source 1", "stack 1"]
    back = [(e.source, e.target) for e in shown.edges if e.carried]
    cell = next(g.id for g in shown.groups if g.closed and g.closed.path == "cell")
    assert back == [(cell, cell)]
    w = Tensor(np.eye(3), requires_grad=True, name="w")
    h: Any = np.ones(3)
    for _ in range(50):
        h = np.tanh(h @ w)
    compact = view(viz.walk(h), repeats="compact")
    assert names(compact) == ["matmul 50", "tanh 50", "w 1", "x 1"]
    assert [(e.count, e.carried) for e in compact.edges if not e.data] == [(50, False), (50, False), (49, True)]
    drawing = viz.draw(h, repeats="compact")
    assert "next step" in drawing.source
    assert "tanh ×50" in drawing.source


def test_layers_with_parameters_of_their_own_are_not_taken_for_repetitions() -> None:
    x: Any = np.ones(3)
    for i in range(5):
        x = np.tanh(x @ Tensor(np.eye(3), requires_grad=True, name=f"w{i}"))
    assert all(len(g.steps) == 1 for g in view(viz.walk(x), repeats="compact").groups)


def test_two_outputs_of_an_op_are_not_alike() -> None:
    w = Tensor(np.ones(4), requires_grad=True, name="w")
    a, b = np.split(w * 1.0, 2)
    assert all(len(g.steps) == 1 for g in view(viz.walk(np.sin(a) * np.sin(b)), repeats="compact").groups)


def test_a_hundred_thousand_nodes_are_summarised() -> None:
    w, b = (Tensor(np.ones(1), requires_grad=True, name=name) for name in "wb")
    h: Any = np.zeros(1)
    for _ in range(33_333):
        h = np.tanh(h * w + b)
    drawing = viz.draw(h)
    assert len(drawing.steps) == 100_002  # with h, which is data
    assert drawing.notes == ["100002 steps, too many to show: those that are alike are one"]
    assert drawing.source.count("->") < 20


def test_what_has_no_repetition_is_summarised_by_op() -> None:
    y: Any = 1.0
    for i in range(300):
        y = np.sin(y * Tensor(1.0, requires_grad=True, name=f"x{i}"))
    assert names(view(viz.walk(y), max_nodes=50)) == ["multiply 300", "sin 300", "x0 300"]


def test_styles() -> None:
    x = Tensor(np.array(2.0), requires_grad=True, name="x")
    with viz.capture():
        y = x * x + 1
    sources = {style: viz.draw(y, style=style).source for style in ("minimal", "normal", "detailed")}
    assert "×" in sources["minimal"]
    assert "float64" not in sources["minimal"]
    assert "float64" in sources["normal"]
    assert all(text in sources["detailed"] for text in ("8 B", "= 5", "gradient 4"))
    with pytest.raises(ValueError, match="minimal, normal, detailed"):
        viz.draw(y, style="loud")


def test_the_graph_of_the_gradient_and_of_its_gradient() -> None:
    x = Tensor(np.array(2.0), requires_grad=True, name="x")
    first, second = (viz.draw((x**3).sin(), derivative=order) for order in (1, 2))
    assert clusters(first.source) == 1
    assert clusters(second.source) == 2
    ops = {c.path for s in second.steps for c in s.calls}
    assert ops == {"gradient", "second derivative"}
    with pytest.raises(ValueError, match="does not depend"):
        viz.draw(x * 2.0, derivative=2)


def test_where_nan_comes_from() -> None:
    x = Tensor([1.0, 0.0], requires_grad=True, name="x")
    with viz.capture(), np.errstate(invalid="ignore"):
        y = ((x + 0) * 0 / x).sum()
    drawing = viz.draw(y, highlight="nan")
    assert drawing.notes == ["NaN or infinity first in divide of shape (2,)"]
    assert drawing.source.count("#ff9e9e") == 1  # where it begins
    assert drawing.source.count("#ffe0e0") == 1  # what follows
    with viz.capture():
        z = x * 2
    assert viz.draw(z, highlight="nan").notes == ["all results that are known are finite"]


def test_where_gradients_vanish() -> None:
    x = Tensor(np.array(0.5), requires_grad=True, name="x")
    y = x
    for _ in range(8):
        y = np.tanh(0.05 * y)
    notes = viz.draw(y, highlight="gradient").notes
    assert any(note.startswith("the gradient vanishes at x") for note in notes)
    # Each product leaves a twentieth, so that less than 1/10,000 is left behind the fourth: five products and four tanh send it.
    assert sum(note.startswith("the gradient vanishes at") for note in notes) == 9
    assert viz.draw((x * 2).sum(), highlight="gradient").notes == [
        "all gradients are within a factor of 1e+04 of what leaves the result"
    ]
    x = Tensor(np.array([0.0, 4.0]), requires_grad=True, name="x")
    with np.errstate(divide="ignore"):
        assert viz.draw((np.sqrt(x) * 2).sum(), highlight="gradient").notes == ["the gradient is not finite at x, sent by sqrt"]
    assert viz.draw(np.maximum(x, 9.0).sum(), highlight="gradient").notes == ["the gradient is 0 at x, sent by maximum"]


def test_all_ways_from_a_tensor() -> None:
    x, w = (Tensor(np.ones(2), requires_grad=True, name=name) for name in "xw")
    y = (np.sin(x) * x + np.cos(w)).sum()
    source = viz.draw(y, highlight=x).source
    assert source.count("penwidth=2.5") == 5  # edges: x twice, sin, multiply, add
    with pytest.raises(ValueError, match="not in the graph"):
        viz.draw(y, highlight=Tensor(1.0, requires_grad=True))
    with pytest.raises(ValueError, match='"nan" or "gradient"'):
        viz.draw(y, highlight="bugs")


@needs_dot
def test_the_graph_of_a_translator_fits_one_page() -> None:
    svg = viz.draw(Encoder(), SOURCE, TARGET, depth=1, repeats="compact", direction="LR", style="minimal")._pipe("svg").decode()
    width, height = (float(ET.fromstring(svg).attrib[side].removesuffix("pt")) for side in ("width", "height"))
    assert width < 1120
    assert height < 790  # A4 on its side, at three quarters of the size


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("g (1 - out^2)", "mrow mi mspace mrow mo mrow mn mo msup mi mn mo"),
        ("g x / y^2", "mfrac mrow mi mspace mi msup mi mn"),
        ("sum_i w_i sqrt(x)", "mrow munder mo mi mspace mrow msub mi mi mspace msqrt mi"),
        ("e^{x_i} / sum_j e^{x_j}", "mfrac msup mi msub mi mi mrow munder mo mi mspace msup mi msub mi mi"),
        ("x^T @ log y", "mrow msup mi mi mo mrow mi mspace mi"),
        ("g where x > 0, else 0", "mrow mi mtext mrow mi mo mn mtext mn"),
        ("the sum of the parts", "mtext"),
    ],
)
def test_formulas_are_mathematics(text: str, tags: str) -> None:
    tree = ET.fromstring(mathml(text))
    assert [node.tag for node in tree.iter()][1:] == tags.split()


def test_formulas_with_numbers() -> None:
    rule = Formula("dx", "-g x / y^2", {"g": "2", "x": "-1", "y": "3"})
    assert str(rule) == "dx = -g x / y^2 = -2 × (-1) / 3^2"
    assert str(rule.local()).endswith("= -(-1) / 3^2")
    assert "<mfrac>" in rule.math()
    assert Formula("out", "max(x, y), or the one that is not NaN", {"x": "1", "y": "2"}).math()
    with pytest.raises(ValueError, match="cannot read"):
        parse("x ? y")
    assert mathml("<b> & x") == "<math><mtext>&lt;b&gt; &amp; x</mtext></math>"
