"""What a graph keeps for its backward pass: bytes against an independent count, by module and op, and the peak of the pass."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from minigrad import Tensor, viz

from .browser import needs_browser, opened, violations

RNG = np.random.default_rng(0)


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 32), nn.Tanh(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3))


def cnn() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.5), nn.Flatten(), nn.Linear(4 * 49, 5))


CASES = {"MLP": (mlp, (64, 20)), "CNN": (cnn, (6, 1, 16, 16))}


def arrays(value: Any) -> Iterator[np.ndarray]:
    """All arrays in nested containers."""
    if isinstance(value, np.ndarray):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ():
        yield from arrays(part)


def owners(node: Any, found: dict[int, np.ndarray], seen: set[Any]) -> dict[int, np.ndarray]:
    """The arrays that own the memory of all that a graph keeps, node by node."""
    if node is None or node in seen:
        return found
    seen.add(node)
    for array in arrays(node.saved):
        while isinstance(array.base, np.ndarray):
            array = array.base
        found[id(array)] = array
    for parent in node.parents:
        owners(parent, found, seen)
    return found


@pytest.mark.parametrize("name", CASES)
def test_the_sum_is_that_of_the_arrays_that_the_nodes_hold(name: str) -> None:
    make, shape = CASES[name]
    model, x = make(), RNG.normal(size=shape).astype("float32")
    with viz.capture(model, values=False):
        loss = (model(x) ** 2).mean()
    found = viz.memory(loss)
    held = owners(loss._node, {}, set())
    assert found.total == sum(array.nbytes for array in held.values())
    parameters = {id(p.data): p.data.nbytes for p in model.parameters()}
    assert found.given == sum(size for key, size in parameters.items() if key in held)
    assert 0 < found.given < found.total
    assert sum(found.by_module.values()) == sum(found.by_op.values()) == found.total
    hidden = shape[0] * 32 * 4
    if name == "MLP":
        assert found.by_module["1: Tanh"] == hidden  # its result, which the next layer reads, too
    loss.backward()
    assert viz.memory(loss).total == 0


def test_an_array_that_several_read_is_counted_once_and_a_view_as_its_base() -> None:
    x = Tensor(np.ones((4, 5)), requires_grad=True)
    y = np.exp(x)  # keeps its result
    assert viz.memory((y * y).sum()).total == 4 * 5 * 8
    first = np.exp(x)[0]  # a view of the first row
    assert viz.memory((first * first).sum()).total == 4 * 5 * 8
    assert viz.memory((first * np.sin(first)).sum()).total == 4 * 5 * 8 + 5 * 8


def test_the_peak_is_where_what_is_kept_and_the_gradients_are_most() -> None:
    x = Tensor(np.ones(10), requires_grad=True)
    found = viz.memory(np.exp(np.sin(x + 0)).sum())
    # sum: 160 kept (sin keeps its input, exp its result), its gradient 8, and 80 sent.  exp: 160, 80 arrived, 80 sent.
    # sin: 80 kept, 80 arrived, 80 sent.  add: nothing kept, 80 arrived, 80 sent.
    assert {one.step.op: one.alive for one in found.kept} == {"add": 160, "sin": 240, "exp": 320, "sum": 248}
    assert found.peak is not None
    assert (found.peak.step.op, found.peak.alive) == ("exp", 320)


def test_modules_and_functions_are_run_for_it_and_it_is_a_table() -> None:
    model = mlp()
    found = viz.memory(model, RNG.normal(size=(64, 20)).astype("float32"))
    assert list(found.by_module)[0] in ("1: Tanh", "3: ReLU")
    lines = repr(found).splitlines()
    assert lines[0].endswith("of leaves that are there anyway")
    assert any(line.split()[:4] == ["1:", "Tanh", "8.0", "KiB"] for line in lines)
    assert lines[-1].startswith("backward holds at most")
    html = found._repr_html_()
    assert html.count("<table>") == 2
    assert "1: Tanh" in html
    assert viz.memory(lambda x: np.exp(x).sum(), np.ones(4)).by_op == {"exp": 32, "sum": 0}


class TestThePage:
    pytestmark = needs_browser

    def test_bars_are_as_long_as_the_bytes(self, tmp_path: Path) -> None:
        model, x = cnn(), RNG.normal(size=(6, 1, 16, 16)).astype("float32")
        page = viz.explore(model, x, path=tmp_path / "memory.html", depth=None)
        kept = page.data["memory"]["steps"]
        with viz.capture(model):
            wanted = viz.memory(model(x))
        assert sum(size for size, _ in kept.values()) == wanted.total
        with opened(tmp_path / "memory.html", "dark") as browser:
            browser.locator("summary", has_text="View").click()
            browser.click("#look-memory")
            shown = browser.locator(".paint-memory > text").all_text_contents()
            sizes = [size - given for size, given in kept.values() if size > given]
            assert sorted(shown) == sorted(map(viz.memory_size, sizes))
            bars = browser.locator(".memory-bar").evaluate_all("all => all.map((bar) => Number(bar.getAttribute('width')))")
            assert max(bars) == 48
            assert sorted(bars) == pytest.approx(sorted(max(1.5, 48 * size / max(sizes)) for size in sizes))
            assert wanted.title in browser.inner_text("#legend-memory")
            assert browser.locator(".memory-peak").count() == 1
            assert violations(browser) == []
            browser.click("#legend-memory .close")
            assert browser.locator(".memory-bar, .memory, .memory-peak").count() == 0
