"""Graphs in files for other programs: they hold all nodes, edges and numbers, and no text of the user's breaks them."""

from __future__ import annotations

import html
import inspect
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from minigrad import Tensor, viz
from minigrad.viz.layout import laid_out
from minigrad.viz.outline import outline

from .test_viz import needs_dot

ROOT = Path(__file__).resolve().parent.parent
#: What means something to LaTeX, Mermaid, HTML or a terminal, in one name.
EVIL = 'a"b\\ $x_1$ <b>&amp; {é}α中ß %%{init} `c` # ~^|\x1b\n1. \ud800'


def scalar(x: Any, y: Any) -> Any:
    return np.tanh(x * y) + np.sin(x)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        self.cell, self.out = nn.RNNCell(3, 4), nn.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        h = None
        for t in range(5):
            h = self.cell(x[t], h)
        return self.out(h)


def mlp() -> nn.Module:
    return nn.Sequential(nn.Sequential(nn.Linear(4, 8), nn.Tanh()), nn.Linear(8, 1))


#: A target, its inputs, and options.
CASES: dict[str, tuple[Any, tuple[Any, ...], dict[str, Any]]] = {
    "scalar": (scalar, (0.5, -3.0), {}),
    "numbers": (scalar, (0.5, -3.0), {"style": "detailed", "direction": "LR"}),
    "MLP": (mlp(), (np.ones((2, 4)),), {"direction": "BT"}),
    "closed": (mlp(), (np.ones((2, 4)),), {"depth": 1, "style": "detailed"}),
    "unrolled": (Recurrent(), (np.ones((5, 2, 3)),), {"direction": "RL"}),
    "compact": (Recurrent(), (np.ones((5, 2, 3)),), {"repeats": "compact"}),
    "derivative": (scalar, (0.5, -3.0), {"derivative": 1}),
    "marked": (lambda x: np.log(x * 0).sum(), (np.ones(3),), {"highlight": "nan"}),
    "summarised": (Recurrent(), (np.ones((5, 2, 3)),), {"max_nodes": 12}),
}  # fmt: skip


@pytest.fixture(params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    return CASES[request.param]


@pytest.fixture(params=["dot", "no dot"])
def layouter(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    if request.param == "no dot":
        monkeypatch.setenv("PATH", str(tmp_path))
    elif shutil.which("dot") is None:
        pytest.skip("needs Graphviz's program dot")
    return request.param


def evil() -> Tensor:
    x = Tensor(2.0, requires_grad=True, name=EVIL)
    return (x * x).sin()


def written(path: Path, case: Any) -> str:
    target, inputs, options = case
    with np.errstate(divide="ignore", invalid="ignore"):
        assert viz.export(target, *inputs, path=path, **options) == path
    return path.read_text("utf-8")


# ------------------------------------------------------------------------------------- LaTeX


def check_tikz(text: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Nodes and edges, in a document whose braces fit, and in which an edge comes after its nodes."""
    assert text.isascii()
    plain = re.sub(r"\\[\\{}%#]", "", text)
    plain = re.sub(r"%.*", "", plain)
    depth = 0
    for letter in plain:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        assert depth >= 0
    assert depth == 0
    assert plain.count("$") % 2 == 0
    assert re.findall(r"\\(?:usepackage|usetikzlibrary|input|RequirePackage)", plain) == []
    assert text.startswith("\\documentclass[tikz, border=4pt]{standalone}\n")
    assert re.findall(r"\\(?:begin|end)\{\w+\}", plain) == [
        r"\begin{document}", r"\begin{tikzpicture}", r"\end{tikzpicture}", r"\end{document}",
    ]  # fmt: skip
    nodes: list[str] = []
    edges = []
    for line in text.splitlines():
        if found := re.match(r"  \\node\[(?:\w+) node.*\] \((n\d+)\) at \(", line):
            assert found[1] not in nodes
            nodes.append(found[1])
        if line.startswith(r"  \draw[flow"):
            ends = [end.partition(".")[0] for end in re.findall(r"\((n\d+(?:\.[\w ]+)?)\)", line)]
            assert len(ends) == 2 and set(ends) <= set(nodes)
            edges.append((ends[0], ends[1]))
        if line.startswith("  \\"):
            assert line.endswith(";") or r"\def\uni" in line
    return nodes, edges


def test_a_latex_document_has_every_node_and_edge(tmp_path: Path, case: Any, layouter: str) -> None:
    nodes, edges = check_tikz(written(tmp_path / "graph.tex", case))
    target, inputs, options = case
    with np.errstate(divide="ignore", invalid="ignore"):
        found = outline(target, inputs, **options)
    assert nodes == [f"n{node.id}" for node in found.nodes]
    assert edges == [(f"n{link.source}", f"n{link.target}") for link in found.links]


def test_latex_shows_the_users_text_as_it_is(tmp_path: Path) -> None:
    text = viz.export(evil(), path=tmp_path / "evil.tex").read_text("utf-8")
    check_tikz(text)
    shown = (
        r"a\char34{}b\textbackslash{} \char36{}x\_1\char36{} \textless{}b\textgreater{}\&amp; "
        r"\{\'{e}\}$\alpha$\uni{4E2D}\ss{} \%\%\{init\}"
    )
    assert shown in text
    assert r"\def\uni" in text and r"\uni{241B}" in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex, with standalone and TikZ")
def test_latex_compiles(tmp_path: Path, case: Any) -> None:
    written(tmp_path / "graph.tex", case)
    viz.export(evil(), path=tmp_path / "evil.tex")
    for name in ("graph", "evil"):
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"], cwd=tmp_path, capture_output=True
        )
        assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]


def test_nodes_do_not_lie_on_each_other(case: Any, layouter: str) -> None:
    target, inputs, options = case
    with np.errstate(divide="ignore", invalid="ignore"):
        found = outline(target, inputs, **options)
    places = laid_out(found, lambda number: (40 + 5 * number % 60, 30))
    boxes = np.array([(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for x, y, w, h in places.nodes.values()])
    assert len(boxes) == len(found.nodes)
    apart = (boxes[:, None, 2:] <= boxes[None, :, :2]).any(-1)
    assert (apart | apart.T | np.eye(len(boxes), dtype=bool)).all()
    assert (boxes[:, :2] >= 0).all() and (boxes[:, 2:] <= (places.width, places.height)).all()
    assert places.curves.keys() == {(link.source, link.target) for link in found.links}
    assert all(len(points) % 3 == 1 for points in places.curves.values())
    flow = [(places.nodes[e.source], places.nodes[e.target]) for e in found.links if not e.carried]
    axis, sign = {"TB": (1, 1), "LR": (0, 1), "BT": (1, -1), "RL": (0, -1)}[found.direction]
    if options.get("max_nodes") is None and options.get("repeats") != "compact":
        assert all(sign * a[axis] < sign * b[axis] for a, b in flow)


# ------------------------------------------------------------------------------------- Mermaid

QUOTED = r'"((?:[^"#;<>]|#\d+;|<br>)*)"'
NODE = re.compile(rf"\s*(n\d+)(?:\[\[{QUOTED}\]\]|\[/{QUOTED}/\]|\[{QUOTED}\]|\({QUOTED}\))")
LINK = re.compile(r"  (n\d+) (-->|-\.->)(?:\|(×\d+|next step)\|)? (n\d+)")

OTHER = re.compile(
    r"  (?:%% [^\"<>{}]+|classDef \w+ [\w:#,-]+|class n\d+(,n\d+)* \w+|style n\d+ fill:#\w+|linkStyle \d+ [\w:#,-]+)"
)


def check_mermaid(text: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The labels of nodes, and edges: each line is one of few kinds, and what it names is known."""
    first, *lines = text.removesuffix("\n").split("\n")
    assert re.fullmatch("flowchart (TB|LR|BT|RL)", first)
    labels: dict[str, str] = {}
    edges = []
    depth = 0
    for line in lines:
        if found := NODE.fullmatch(line):
            assert found[1] not in labels
            words = next(group for group in found.groups()[1:] if group is not None)
            labels[found[1]] = html.unescape(re.sub(r"#(\d+);", r"&#\1;", words.replace("<br>", "\n")))
        elif found := LINK.fullmatch(line):
            assert {found[1], found[4]} <= labels.keys() and depth == 0
            edges.append((found[1], found[4]))
        elif re.fullmatch(rf"\s+subgraph b\d+\[{QUOTED}\]", line):
            depth += 1
        elif line.strip() == "end":
            depth -= 1
        else:
            assert re.fullmatch(
                r"  (?:%% [^\"<>{}]+|classDef \w+ [\w:#,-]+|class n\d+(,n\d+)* \w+|style n\d+ fill:#\w+|linkStyle \d+ [\w:#,-]+)",
                line,
            ), line
    assert depth == 0
    return labels, edges


def test_mermaid_has_every_node_and_edge(tmp_path: Path, case: Any) -> None:
    labels, edges = check_mermaid(written(tmp_path / "graph.mmd", case))
    target, inputs, options = case
    with np.errstate(divide="ignore", invalid="ignore"):
        found = outline(target, inputs, **options)
    assert labels == {f"n{node.id}": "\n".join(node.lines(found.style)) for node in found.nodes}
    assert edges == [(f"n{link.source}", f"n{link.target}") for link in found.links]


def test_mermaid_shows_the_users_text_as_it_is(tmp_path: Path) -> None:
    labels, _ = check_mermaid(viz.export(evil(), path=tmp_path / "evil.mmd").read_text("utf-8"))
    assert labels["n0"].split("\n")[0] == EVIL.replace("\x1b", "␛").replace("\n", " ").replace("\ud800", "�")
    listed = Tensor(2.0, requires_grad=True, name="1. first")  # Mermaid would make a list of it
    text = viz.export(listed * 2, path=tmp_path / "list.mmd").read_text("utf-8")
    assert '"1#46; first<br>scalar"' in text


def test_the_readme_shows_what_mermaid_gives(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```mermaid\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    path = viz.export(scalar, 0.5, -3.0, path=tmp_path / "graph.mmd", style="detailed")
    assert shown == path.read_text("utf-8")


# ------------------------------------------------------------------------------------- data


def strict(text: str) -> Any:
    def refuse(name: str) -> Any:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_json_holds_the_numbers_of_every_step(tmp_path: Path) -> None:
    model = mlp()
    x = np.random.default_rng(0).normal(size=(2, 4)).astype(np.float32)
    data = strict(viz.export(model, x, path=tmp_path / "graph.json").read_text("utf-8"))
    out = model(x)
    out.sum().backward()
    by_label = {node["label"]: node for node in data["nodes"]}
    for name, parameter in model.named_parameters():
        node = by_label[name]
        assert node["kind"] == "leaf" and tuple(node["shape"]) == parameter.shape
        for field, right in (("value", parameter), ("gradient", parameter.grad)):
            assert np.allclose(np.reshape(node[field]["data"], node[field]["shape"]), right.detach().numpy(), rtol=1e-6)
    result = next(node for node in data["nodes"] if node["output"])
    assert np.allclose(np.reshape(result["value"]["data"], (2, 1)), out.detach().numpy(), rtol=1e-6)
    assert result["modules"][-1] == {"path": "1", "call": 1, "class": "Linear"}


def test_json_has_words_for_what_it_has_no_numbers_for_and_ranges_of_large_arrays(tmp_path: Path) -> None:
    with np.errstate(divide="ignore", invalid="ignore"):
        data = strict(viz.export(lambda x: np.log(x), [0.0, 1.0], path=tmp_path / "graph.json").read_text("utf-8"))
    assert data["nodes"][1]["value"]["data"] == ["-inf", 0.0]
    assert data["nodes"][0]["gradient"]["data"] == ["inf", 1.0]
    data = strict(viz.export(lambda x: x * 2, np.arange(2000.0), path=tmp_path / "graph.json").read_text("utf-8"))
    assert data["nodes"][1]["value"] == {
        "shape": [2000], "min": 0.0, "max": 3998.0, "mean": 1999.0, "std": pytest.approx(np.std(2 * np.arange(2000))),
    }  # fmt: skip


def test_networkx_has_the_nodes_and_edges_of_the_walk() -> None:
    networkx = pytest.importorskip("networkx")
    model = Recurrent()
    x = Tensor(np.random.default_rng(0).normal(size=(5, 2, 3)).astype(np.float32), requires_grad=True, name="x")
    with viz.capture(model):
        y = model(x).sum()
    graph = viz.to_networkx(y, model)
    steps = viz.walk(y, model)
    place = {step.id: i for i, step in enumerate(steps)}
    assert list(graph.nodes) == list(range(len(steps)))
    assert [graph.nodes[i]["op"] for i in graph] == [step.op for step in steps]
    assert set(graph.edges) == {(place[source], place[step.id]) for step in steps for source, *_ in step.inputs}
    assert sum(count for *_, count in graph.edges(data="count")) == sum(len(step.inputs) for step in steps)
    assert networkx.is_directed_acyclic_graph(graph)
    (ending,) = [i for i, output in graph.nodes(data="output") if output]
    start = next(i for i, label in graph.nodes(data="label") if label == "x")
    assert networkx.has_path(graph, start, ending)
    y.backward()
    assert np.allclose(graph.nodes[start]["gradient"], x.grad.numpy(), rtol=1e-5)


def test_closed_modules_are_one_node_of_networkx() -> None:
    pytest.importorskip("networkx")
    graph = viz.to_networkx(mlp(), np.ones((2, 4)), depth=1)
    assert [(d["kind"], d["label"], d["op"], d["count"]) for _, d in graph.nodes(data=True)] == [
        ("data", "x", None, 1), ("module", "0", "Sequential", 4), ("module", "1", "Linear", 3),
    ]  # fmt: skip
    assert list(graph.edges) == [(0, 1), (1, 2)]


@pytest.mark.parametrize(("module", "suffix"), [("networkx", None), ("PIL", "gif")])
def test_a_missing_extra_is_named(module: str, suffix: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [module, *(name for name in sys.modules if name.startswith(f"{module}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r'pip install "\.\[viz\]"'):
        if suffix is None:
            viz.to_networkx(scalar, 0.5, -3.0)
        else:
            viz.export(scalar, 0.5, -3.0, path=tmp_path / f"film.{suffix}")
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------- pictures and films

BLUE, ORANGE = (215, 232, 251), (253, 224, 198)  # of a node that a value, a gradient has come to


def area(frame: Any, colour: tuple[int, ...]) -> int:
    pixels = np.asarray(frame.convert("RGB")).reshape(-1, 3).astype(int)
    return int((abs(pixels - colour).max(1) <= 3).sum())


def test_a_film_goes_forwards_and_then_backwards(tmp_path: Path, layouter: str) -> None:
    image = pytest.importorskip("PIL.Image")
    film = image.open(viz.export(scalar, 0.5, -3.0, path=tmp_path / "film.gif", seconds=0.4))
    steps = viz.walk(scalar(*(Tensor(x, requires_grad=True) for x in (0.5, -3.0))))
    assert film.format == "GIF" and film.n_frames == 2 * len(steps)
    assert film.info["loop"] == 0  # for ever
    for at in range(film.n_frames):
        film.seek(at)
        assert film.info["duration"] == (1200 if at == film.n_frames - 1 else 400)
        shown, hidden = (BLUE, ORANGE) if at < len(steps) else (ORANGE, BLUE)
        assert area(film, shown) > 1000 and area(film, hidden) < 100


def test_the_film_of_the_documents_is_one_that_export_makes(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    path = viz.export(scalar, 0.5, -3.0, path=tmp_path / "film.gif", direction="LR", title="tanh(x y) + sin(x)", seconds=1.5)
    made, kept = image.open(path), image.open(ROOT / "docs" / "images" / "film.gif")
    assert (kept.n_frames, kept.info["duration"]) == (made.n_frames, made.info["duration"])
    kept.seek(made.n_frames - 1)
    assert area(kept, ORANGE) > 1000


def test_a_film_of_closed_modules_data_and_any_text(tmp_path: Path, case: Any) -> None:
    image = pytest.importorskip("PIL.Image")
    target, inputs, options = case
    with np.errstate(divide="ignore", invalid="ignore"):
        film = image.open(viz.export(target, *inputs, path=tmp_path / "film.gif", title=EVIL, **options))
        found = outline(target, inputs, **options)
    back = sum(node.row is not None and node.row.gradient is not None for node in found.nodes)
    assert film.n_frames == len(found.nodes) + back
    assert max(film.size) <= 1280


def test_a_film_that_would_be_too_long_says_what_to_do(tmp_path: Path) -> None:
    def long(x: Any) -> Any:
        for _ in range(300):
            x = np.sin(x)
        return x

    with pytest.raises(ValueError, match="depth=1"):
        viz.export(long, 1.0, path=tmp_path / "film.gif")
    assert list(tmp_path.iterdir()) == []


@needs_dot
def test_pictures_are_those_that_draw_makes(tmp_path: Path) -> None:
    shown = viz.export(scalar, 0.5, -3.0, path=tmp_path / "deeper" / "graph.svg", direction="LR").read_text("utf-8")
    assert "multiply" in shown and shown.count("<g ") > 10
    assert viz.export(scalar, 0.5, -3.0, path=tmp_path / "graph.png").read_bytes()[:4] == b"\x89PNG"
    assert viz.export(scalar, 0.5, -3.0, path=tmp_path / "graph.pdf").read_bytes()[:5] == b"%PDF-"


def test_a_page_is_the_one_of_explore(tmp_path: Path) -> None:
    model, x = mlp(), np.ones((2, 4))
    path = viz.export(model, x, path=tmp_path / "graph.html", title="Small")
    page = viz.explore(model, x, path=tmp_path / "other.html", title="Small")
    shut = re.compile(r'"shut":(-?\d+)')
    assert shut.findall(path.read_text("utf-8")) == shut.findall(page.html) != []
    assert "<title>Small</title>" in path.read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "graph"}, "suffix"),
        ({"path": "graph.tex", "direction": "up"}, "direction must be"),
        ({"path": "graph.mmd", "style": "bold"}, "style must be"),
        ({"path": "graph.json", "depth": -1}, "depth must be"),
        ({"path": "graph.gif", "seconds": 0.0}, "seconds must be"),
    ],
)
def test_options_that_do_not_exist_are_named(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        viz.export(scalar, 0.5, -3.0, **options | {"path": tmp_path / options["path"]})
    assert list(tmp_path.iterdir()) == []


# ----------------------------------------------------------------------------- one graph, however it is shown


def test_a_gradient_is_the_same_number_however_the_graph_of_a_gradient_is_shown(tmp_path: Path) -> None:
    x = Tensor(0.5, requires_grad=True, name="x")
    with viz.capture():
        y = np.tanh(x) ** 2
    t = np.tanh(0.5)
    second = 2 * (1 - t * t) * (1 - 3 * t * t)
    drawn = viz.draw(y, derivative=1, style="detailed")
    written = json.loads(viz.export(y, path=tmp_path / "graph.json", derivative=1).read_text("utf-8"))
    page = viz.explore(y, derivative=1)
    assert re.search(r"x\n[^;]*?gradient ([-.\d]+)", drawn.source)[1] == f"{second:.4g}"
    assert written["nodes"][0]["gradient"]["data"][0] == pytest.approx(second, rel=1e-5)
    assert page.data["steps"][0]["shortGradient"] == f"gradient {second:.4g}"
    assert viz.to_networkx(y, derivative=1).nodes[0]["gradient"] == pytest.approx(second, rel=1e-5)
    said = "Gradients in numbers are those of the gradient, not of the result"
    assert all(said in notes for notes in (drawn.notes, written["notes"], page.data["notes"]))


def test_gradients_of_several_elements_are_those_of_their_sum_everywhere(tmp_path: Path) -> None:
    x, given = Tensor([1.0, 2.0], requires_grad=True, name="x"), np.array([1.0, 10.0])
    y = x * x
    for gradient, right in ((None, [2.0, 4.0]), (given, [2.0, 40.0])):
        nodes = json.loads(viz.export(y, path=tmp_path / "graph.json", gradient=gradient).read_text("utf-8"))["nodes"]
        found = [
            viz.explain(y, gradient=gradient).steps[0].gradient, viz.to_networkx(y, gradient=gradient).nodes[0]["gradient"],
            viz.explore(y, gradient=gradient).rows[0].gradient, nodes[0]["gradient"]["data"],
        ]  # fmt: skip
        assert [np.asarray(one).tolist() for one in found] == [right] * 4
        written = np.array2string(np.array(right), separator=", ")
        assert f"gradient {written}" in viz.draw(y, gradient=gradient, style="detailed").source


@needs_dot
@pytest.mark.parametrize("suffix", ["svg", "html", "tex", "mmd", "json", "gif"])
def test_a_computation_that_failed_is_written_in_every_format(tmp_path: Path, suffix: str) -> None:
    if suffix == "gif":
        pytest.importorskip("PIL")
    with pytest.raises(ValueError), viz.capture() as t:
        Tensor(np.ones((2, 3)), requires_grad=True, name="x") @ np.ones((2, 3))
    path = viz.export(t, path=tmp_path / f"graph.{suffix}")
    assert path.stat().st_size > 500
    if suffix in ("svg", "html", "tex", "json"):
        text = html.unescape(path.read_text("utf-8"))
        assert "matmul" in text and "failed" in text
    assert viz.to_networkx(t).nodes[len(viz.draw(t).steps) - 1]["shapes"] == "failed"
    for option in ({"highlight": "nan"}, {"highlight": "rubbish"}, {"derivative": 3}):
        with pytest.raises(ValueError, match="needs a result, and there is none: matmul failed"):
            viz.export(t, path=path, **option)


def test_a_page_opens_all_modules_where_that_is_asked_for(tmp_path: Path) -> None:
    def shut(**depth: Any) -> list[str]:
        text = viz.export(mlp(), np.ones((2, 4)), path=tmp_path / "page.html", **depth).read_text("utf-8")
        return re.findall(r'"shut": ?(-?\d+)', text)

    assert set(shut(depth=None)) == {"-1"} and shut(depth=1) == shut() and "0" in shut()


@pytest.mark.parametrize("call", [viz.draw, viz.explore, viz.to_networkx, lambda y, **k: viz.export(y, path="never.mmd", **k)])
@pytest.mark.parametrize("derivative", [-1, 0.5, "1"])
def test_a_derivative_is_a_number_of_times(call: Any, derivative: Any) -> None:
    with pytest.raises(ValueError, match="derivative must be 0, 1, 2"):
        call(Tensor(2.0, requires_grad=True) * 2, derivative=derivative)


def test_leaves_that_nobody_holds_are_named() -> None:
    def made() -> Tensor:
        return Tensor(2.0, requires_grad=True, name="lost") ** 2

    with pytest.raises(ValueError, match="nobody holds lost any more: keep them in variables"):
        viz.explore(made(), derivative=1)
    x = Tensor(2.0, requires_grad=True, name="x")
    with pytest.raises(ValueError, match="does not depend on the leaves$"):
        viz.explore(3 * x, derivative=1)


def test_what_one_option_means_it_means_in_every_call() -> None:
    """Where one differs, its documentation says why: a page is not laid out by `dot`, and begins with closed modules."""
    calls = (viz.draw, viz.explore, viz.export, viz.explain, viz.quiz, viz.to_networkx)
    found: dict[str, set[Any]] = {}
    for call in calls:
        for p in inspect.signature(call).parameters.values():
            if p.kind is p.KEYWORD_ONLY:
                found.setdefault(p.name, set()).add(p.default)
    assert {name: defaults for name, defaults in found.items() if len(defaults) > 1} == {
        "depth": {None, 1, ...}, "max_nodes": {1000, 1500, ...}, "title": {"Computation graph", None},
        "path": {None, inspect.Parameter.empty},
    }  # fmt: skip
