"""The gallery: every example runs in a small setting, and has learned what chance cannot reach."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .gallery import CASES, REAL
from .gallery.settings import SHARED

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "examples"
pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("matplotlib", "sklearn", "PIL", "scipy", "tqdm")),
    reason="the examples need matplotlib, scikit-learn, pillow, scipy and tqdm",
)


@pytest.fixture
def gallery(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The module `examples.__main__`, in a folder of its own."""
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.chdir(tmp_path)
    limits = importlib.import_module("threadpoolctl").threadpool_limits  # which scikit-learn brings
    with limits(1):  # as many tests as cores run at a time
        yield importlib.import_module("examples.__main__")


def run(gallery: Any, name: str, settings: dict[str, Any], seed: int = 0) -> dict[str, Any]:
    """What an example returns."""
    module = gallery.load(name)
    return gallery.load("shared.running").once(module, module.main, settings, seed, full=False)


@pytest.mark.parametrize("name", CASES)
def test_an_example_learns(name: str, gallery: Any, tmp_path: Path) -> None:
    settings, reached = CASES[name]
    results = run(gallery, name, settings)
    assert reached(results), results
    for picture in tmp_path.glob("out/*.png"):
        assert picture.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared data sets")
@pytest.mark.parametrize(
    ("name", "settings", "reached"),
    REAL,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_example_learns_from_real_data(name: str, settings: dict[str, Any], reached: Any, gallery: Any) -> None:
    results = run(gallery, name, settings)
    assert reached(results), results


def test_every_script_is_in_the_course_measured_and_tested(gallery: Any) -> None:
    listed = gallery.load("course").NAMES
    scripts = {path.stem for path in FOLDER.glob("*.py")} - {"__main__", "course", "quickstart", "results"}
    assert set(listed) == scripts == set(CASES)
    assert len(listed) == len(set(listed))
    table = (FOLDER / "README.md").read_text("utf-8")
    assert [name for name in listed if f"({name}.py)" not in table] == []
    assert [name for name in listed if not (FOLDER / "measured" / f"{name}.json").exists()] == []


def test_no_script_imports_another() -> None:
    scripts = {path.stem for path in FOLDER.glob("*.py")}
    found = [
        f"{path.stem} imports {module}"
        for path in sorted(FOLDER.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for module in imported(node)
        if module.split(".")[0] in scripts
    ]
    assert not found, "what several scripts need belongs into examples/shared"


def imported(node: ast.AST) -> list[str]:
    """The modules that a statement imports by their full names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []


@pytest.mark.parametrize("name", CASES)
def test_all_that_is_drawn_follows_from_the_seed(name: str) -> None:
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    seeded = {"default_rng", "manual_seed", "RandomState", "seed"}
    fixed = [
        ast.unparse(node)
        for node in calls
        if (getattr(node.func, "attr", getattr(node.func, "id", "")) in seeded and not names_in(node.args))
        or any(k.arg in ("seed", "random_state") and isinstance(k.value, ast.Constant) for k in node.keywords)
    ]
    assert not fixed, f"{name}: take shared.generator(), restart() or chosen() instead of {fixed}"


def names_in(nodes: list[ast.expr]) -> list[ast.Name]:
    return [name for node in nodes for name in ast.walk(node) if isinstance(name, ast.Name)]


COMPARED = ("accuracy", "error", "perplexity", "BLEU", "exact", "nats", "F1", "AUC", "right")


@pytest.mark.parametrize("path", sorted((FOLDER / "measured").glob("*.json")), ids=lambda path: path.stem)
def test_what_is_measured_stands_beside_chance_or_a_baseline(path: Path) -> None:
    for measured in json.loads(path.read_text("utf-8")):
        results = measured["results"]
        assert measured["date"]
        if any(word in name for name in results for word in COMPARED):
            assert any(name.startswith(("chance", "baseline")) for name in results), (path.stem, list(results))


def test_a_title_is_a_whole_sentence(gallery: Any) -> None:
    table = gallery.load("shared.table")
    titles = {name: table.title(name) for name in CASES}
    assert [name for name, title in titles.items() if title[-1] not in ".?" or "  " in title] == []


def test_a_row_says_from_how_many_seeds_when_and_where_it_was_measured(gallery: Any) -> None:
    table = gallery.load("shared.table")
    found = {
        "results": {"baseline: error": [0.5, 0.75, 0.25], "text": ["a", "b", "c"], **{f"n{i}": [i, 4000, i] for i in range(6)}},
        "seconds": 0.31, "date": "2026-11-27", "machine": "2 cores",
    }  # fmt: skip
    assert table.circumstances(found) == "3 seeds<br>0.31 s<br>2026-11-27<br>2 cores"
    reached = table.results(found, beside=False)
    assert reached.startswith("n0: 0 (0 to 4,000)<br>n1: 1 (1 to 4,000)<br>n2: 2 (2 to 4,000)<br>n3: 3 (3 to 4,000)<details>")
    assert "<summary>3 more</summary>text: a<br>n4: 4 (4 to 4,000)<br>n5" in reached
    assert table.results(found, beside=True) == "baseline: error: 0.5 (0.25 to 0.75)"
    once = {**found, "results": {"exact": [0.5]}, "options": "--full"}
    assert table.results(once, beside=False) == "**--full** (1 seed, 0.31 s, 2026-11-27, 2 cores):<br>exact: 0.5"


def test_a_measurement_refuses_before_it_works(gallery: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measuring, module = gallery.load("shared.measuring"), gallery.load("convolution_1d")
    for words in (["--seeds", "0"], ["--seed", "3"], ["--seed=3"]):
        with pytest.raises(SystemExit, match="takes --seeds N"):
            measuring.measure(module, words)
    monkeypatch.setattr(gallery.load("results"), "MEASURED", tmp_path)
    (tmp_path / "convolution_1d.json").write_text('{"a":', "utf-8")
    with pytest.raises(SystemExit, match=r"convolution_1d.json cannot be read"):
        measuring.measure(module, [])


def test_results_that_differ_over_the_seeds_show_it(gallery: Any) -> None:
    results, plain = gallery.load("results"), gallery.load("shared.measuring").plain
    assert results.summary([True, False, True]) == "2 of 3 True"
    assert results.summary([1199, 1198, 1200]) == "1,199 (1,198 to 1,200)"
    assert results.summary([0.2241, 0.2242, 0.2239]) == "0.224"
    assert results.summary([plain(float("nan")), 0.5]) == "nan"


def test_a_measurement_keeps_the_picture_of_the_seed_in_the_middle(gallery: Any) -> None:
    measuring = gallery.load("shared.measuring")
    runs = [{"chance": 0.0, "text": "a", "error": error} for error in (0.3, 0.1, 0.9, 0.2, 0.5)]
    assert measuring.middle(runs) == 0
    assert measuring.middle(runs[1:]) == 2  # of four, the lower one of the middle
    assert measuring.middle([{"text": "a"}, {"text": "b"}]) == 0
    assert measuring.short("../shared/data/wikitext-2/test.txt") == "wikitext-2/test.txt"
    assert [measuring.short(word) for word in ("--data", "/tmp/some/mnist", "0.5")] == ["--data", "mnist", "0.5"]


def test_the_command_lists_and_runs() -> None:
    run = [sys.executable, "-m", "examples"]
    shown = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "Sequence to sequence" in shown
    assert "  hello " in shown
    out = subprocess.run([*run, "convolution_1d"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "stride 1, padding 0: -2 2 1 2 1" in out
    wrong = subprocess.run([*run, "kmean"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "there is no example 'kmean'; did you mean kmeans?" in wrong.stderr
    told = subprocess.run([*run, "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "measure NAME" in told.stdout
