"""Drawing: the structure of the graphs, names, pictures, and what happens without `dot`."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import graphviz
import numpy as np
import pytest

import nn
from minigrad import Tensor, viz

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz's program dot")


def edges(steps: list[viz.Step]) -> set[tuple[str, str]]:
    names = {s.id: s.name or s.op for s in steps}
    return {(str(names[i]), str(names[s.id])) for s in steps for i, _, _ in s.inputs}


def test_walk_gives_the_structure() -> None:
    x, w = (Tensor(np.ones(3), requires_grad=True, name=n) for n in "xw")
    y = np.tanh(x * w).sum()
    steps = viz.walk(y)
    assert edges(steps) == {("x", "multiply"), ("w", "multiply"), ("multiply", "tanh"), ("tanh", "sum")}
    assert [s.op for s in steps] == [None, None, "multiply", "tanh", "sum"]
    assert steps[2].shape == (3,)
    assert steps[2].dtype == np.float64
    assert [s.output for s in steps] == [False] * 4 + [True]
    assert "1 - out^2" in steps[3].doc


def test_walk_joins_the_outputs_of_an_op() -> None:
    x = Tensor(np.ones(4), requires_grad=True, name="x")
    a, b = np.split(x, 2)
    steps = viz.walk(a * b)
    assert edges(steps) == {("x", "split"), ("split", "multiply")}
    assert [shape for _, shape, _ in steps[-1].inputs] == [(2,), (2,)]


def test_walk_of_a_long_chain_needs_no_recursion() -> None:
    x = Tensor(1.0, requires_grad=True)
    y = x
    for _ in range(20_000):
        y = y + 1
    assert len(viz.walk(y)) == 20_001


def test_parameters_have_the_names_of_their_paths() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    loss = nn.functional.mse_loss(model(np.ones((4, 2))), np.zeros((4, 1), np.float32))
    assert {"0.weight", "0.bias", "2.weight", "2.bias"} == {s.name for s in viz.walk(loss, model) if s.kind == "leaf"}
    source = viz.draw(loss, model).source
    assert "0.weight\\n3×2 float32" in source or "0.weight\n3×2 float32" in source
    assert 'label="  4×3 float32"' in source


def test_the_graph_of_a_gradient() -> None:
    x = Tensor(2.0, requires_grad=True, name="x")
    (x**3).backward(create_graph=True)
    names = edges(viz.walk(x.grad))
    assert ("x", "power") in names or ("x", "multiply") in names
    plain = Tensor(2.0, requires_grad=True)
    (plain**3).backward()
    with pytest.raises(ValueError, match="has no graph"):
        viz.draw(plain.grad)


@needs_dot
def test_pictures(tmp_path: Path) -> None:
    x = Tensor(np.ones(3), requires_grad=True, name='<script>alert("x")</script> \\N & co')
    drawing = viz.draw((x * x).sum(), direction="LR")
    svg = drawing.render(tmp_path / "graph.svg")
    texts = [e.text for e in ET.parse(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert any('<script>alert("x")</script> \\N & co' in (t or "") for t in texts)  # text, not markup
    assert {"multiply", "sum"} <= set(texts)
    png = drawing.render(tmp_path / "deep" / "graph.png")
    assert png.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert drawing.render(tmp_path / "graph.dot").read_text("utf-8") == drawing.source
    assert "image/svg+xml" in drawing._repr_mimebundle_()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "graph.dot", "graph.svg"]  # nothing half written
    with pytest.raises(ValueError, match="suffix"):
        drawing.render(tmp_path / "graph")


def test_without_dot_the_source_is_written_and_the_error_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    x = Tensor(1.0, requires_grad=True)
    drawing = viz.draw(x * x)
    with pytest.raises(viz.DotNotFoundError, match=r"apt install graphviz.*source is in .*graph\.dot"):
        drawing.render(tmp_path / "graph.svg")
    assert (tmp_path / "graph.dot").read_text("utf-8") == drawing.source
    assert "apt install" in drawing._repr_mimebundle_()["text/plain"]


def test_draw_returns_a_digraph_to_build_on() -> None:
    x = Tensor(1.0, requires_grad=True)
    assert isinstance(viz.draw(x * x).digraph, graphviz.Digraph)
    with pytest.raises(ValueError, match="direction"):
        viz.draw(x * x, direction="UP")
    with pytest.raises(TypeError, match="Tensors"):
        viz.walk([np.ones(2)])  # type: ignore[list-item]


@pytest.mark.parametrize("name", [name for name in viz.__all__ if not name.endswith("Error")])
def test_what_is_public_has_an_example(name: str) -> None:
    assert ">>>" in (getattr(viz, name).__doc__ or "")


def test_the_public_names_are_in_order_and_the_module_speaks_of_each_function() -> None:
    assert viz.__all__ == sorted(viz.__all__, key=lambda name: (name[0].islower(), name))
    told = {"capture", "draw_program", "memory_size", "resolve", "walk"}  # beside what the others are made of
    assert {name for name in viz.__all__ if name[0].islower() and f"`{name}`" not in (viz.__doc__ or "")} == told
