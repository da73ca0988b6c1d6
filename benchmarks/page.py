"""The living page: what Python takes to make one, how large it is, and how fast it is in a browser (`python -m benchmarks page`).

Needs Chromium and playwright.  A row is one page; no test asserts on these numbers, since they are a matter of the machine.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import nn
from examples.pages import PAGES
from minigrad import viz

WINDOW = {"width": 1280, "height": 800}
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu"]
#: What a page should reach: beside each number.
AIMS = {
    "1,000 boxes": "interactive in 1 s",
    "20,000 ops": "shown in 2 s",
    "recomputation": "30 ms",
    "frames": "30",
    "MLP": "1,000 steps, 60 frames",
    "CNN": "30 steps",
    "page": "3 MB",
}

Measured = list[tuple[str, str, str]]


class Block(nn.Module):
    def __init__(self) -> None:
        self.inner = nn.Linear(4, 4)

    def forward(self, x: Any) -> Any:
        return x + 0.1 * np.tanh(self.inner(x))


class Deep(nn.Module):
    """Four ops a block, and two parameters."""

    def __init__(self, blocks: int) -> None:
        self.layers = [Block() for _ in range(blocks)]

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x


def chain(ops: int) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        for _ in range(ops // 2):
            x = np.sin(1.001 * x)
        return x

    return f


@contextmanager
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright  # here: only this suite needs it

    path = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield chromium
        finally:
            chromium.close()


@contextmanager
def opened(chromium: Any, page: viz.Page, folder: Path) -> Iterator[tuple[Any, int]]:
    """A page in a tab, and after how many milliseconds it could be used."""
    tab = chromium.new_page(viewport=WINDOW)
    tab.goto(page.write(folder / "page.html").as_uri())
    tab.locator("html[data-ready]").wait_for(state="attached")
    yield tab, int(tab.get_attribute("html", "data-ready"))
    tab.close()


def made(target: Any, *inputs: Any, **options: Any) -> tuple[viz.Page, float]:
    """A page, and the seconds of the processor that it took."""
    began = time.process_time()
    page = viz.explore(target, *inputs, **options)
    page.html  # noqa: B018  (its text is part of the work)
    return page, time.process_time() - began


def fastest(chromium: Any, page: viz.Page, folder: Path, look: Callable[[Any, int], Any], times: int = 5) -> Any:
    """The least of what is measured in a page that is opened a few times: other work makes it more, never less."""
    found = []
    for _ in range(times):
        with opened(chromium, page, folder) as (tab, ready):
            found.append(look(tab, ready))
    return min(found)


def boxes(chromium: Any, folder: Path) -> Measured:
    page, seconds = made(chain(1000), 0.5, live=False)

    def look(tab: Any, ready: int) -> tuple[float, ...]:
        count = tab.locator(".node").count()
        tab.locator("html:not([data-waiting])").wait_for(state="attached")
        return ready, tab.evaluate("performance.now()"), count

    ready, better, count = fastest(chromium, page, folder, look)
    return [
        ("1,000 boxes, in Python", f"{seconds:.2f} s", ""),
        ("1,000 boxes, interactive", f"{ready / 1000:.2f} s ({count} boxes)", AIMS["1,000 boxes"]),
        ("1,000 boxes, Graphviz's layout beside it", f"{better / 1000:.2f} s", ""),
    ]


def operations(chromium: Any, folder: Path) -> Measured:
    page, seconds = made(Deep(5000), np.ones((2, 4), np.float32), live=False)
    ready = fastest(chromium, page, folder, lambda _, ready: ready)
    return [
        ("20,000 ops in 5,000 blocks, in Python", f"{seconds:.2f} s", ""),
        ("20,000 ops, shown", f"{ready / 1000:.2f} s", AIMS["20,000 ops"]),
    ]


def sizes(_: Any, __: Path) -> Measured:
    found = []
    for live in (False, True):
        page, seconds = made(Deep(250), np.ones((2, 4), np.float32), live=live, max_nodes=10_000)
        name = f"page of 1,000 ops{', live' if live else ''}"
        found.append((name, f"{len(page.html.encode()) / 1e6:.2f} MB, {seconds:.2f} s in Python", AIMS["page"]))
    return found


def recomputation(chromium: Any, folder: Path) -> Measured:
    """LeNet on eight images, both ways: one pixel is changed, and all that follows is computed and shown again."""
    target, *inputs = PAGES["lenet"][1]()
    page, seconds = made(target, *inputs)
    script = """(shown) => {
      const { live } = minigrad;
      const input = live.inputs.findIndex(({ name }) => name === "images");
      const times = [];
      for (let i = 0; i < 90; i += 1) {
        const began = performance.now();
        if (shown) live.change(input, (all) => { all[400 + i] = i / 60; });
        else { live.program.setElement(input, 400 + i, i / 30); live.program.run(); }
        times.push(performance.now() - began);
      }
      return Math.min(...times.slice(45));
    }"""
    with opened(chromium, page, folder) as (tab, ready):
        computed, shown = tab.evaluate(script, False), tab.evaluate(script, True)
    return [
        ("LeNet, 8 images, in Python; ready", f"{seconds:.2f} s; {ready / 1000:.2f} s", ""),
        ("LeNet, 8 images, recomputation after an edit", f"{computed:.1f} ms", AIMS["recomputation"]),
        ("the same, and all that is shown anew", f"{shown:.1f} ms", AIMS["recomputation"]),
    ]


def frames(chromium: Any, folder: Path) -> Measured:
    """Frames a second while the player goes through all steps with its dots and its camera."""
    script = """() => new Promise((done) => {
      const times = [];
      const look = (now) => {
        times.push(now);
        if (now - times[0] < 4000) requestAnimationFrame(look);
        else done([1000 * (times.length - 1) / (now - times[0]), Math.max(...times.slice(1).map((t, i) => t - times[i]))]);
      };
      document.getElementById("play").click();
      requestAnimationFrame(look);
    })"""
    found = []
    for name in ("lenet", "lstm", "transformer"):
        target, *inputs = PAGES[name][1]()
        with opened(chromium, made(target, *inputs)[0], folder) as (tab, _):
            tab.eval_on_selector("#open-all", "b => b.click()")
            rate, worst = tab.evaluate(script)
        what = f"frames a second while playing, {PAGES[name][0]}, all open"
        found.append((what, f"{rate:.0f} (longest {worst:.0f} ms)", AIMS["frames"]))
    return found


def trainings(chromium: Any, folder: Path) -> Measured:
    """Steps a second of a training in the page, with its curves and pictures, and the page's frames meanwhile."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(200, 2)).astype(np.float32)
    rings = (np.hypot(*points.T) > 1).astype(int)
    images, classes = rng.random((256, 1, 8, 8)).astype(np.float32), rng.integers(0, 10, 256)
    mlp = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 2))
    cnn = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip
    rows = [
        ("MLP 2-16-16-2, batch 200", mlp, (points, rings), None),
        ("CNN on digits of 8 x 8, batch 64", cnn, (images, classes), 64),
    ]
    script = """() => new Promise((done) => {
      const step = () => Number(document.getElementById("train-told").textContent.match(/step ([\\d,]+)/)[1].replaceAll(",", ""));
      document.getElementById("train").click();
      setTimeout(() => {
        let [frames, began, first] = [0, performance.now(), step()];
        const look = (now) => {
          frames += 1;
          const seconds = (now - began) / 1000;
          if (seconds < 4) requestAnimationFrame(look);
          else done([(step() - first) / seconds, frames / seconds]);
        };
        requestAnimationFrame(look);
      }, 1000);
    })"""
    found: Measured = []
    for name, net, data, batch in rows:
        options: dict[str, Any] = {"data": data, "batch": batch, "loss": nn.functional.cross_entropy}
        page, seconds = made(net, optimizer=nn.optim.Adam(net.parameters(), lr=0.01), **options)
        with opened(chromium, page, folder) as (tab, _):
            steps, rate = tab.evaluate(script)
        found.append((f"training, {name}", f"{steps:,.0f} steps a second, {rate:.0f} frames", AIMS[name[:3]]))
    return found


#: What is measured, of a browser and a folder to write to.
SUITES: list[Callable[[Any, Path], Measured]] = [boxes, operations, sizes, recomputation, frames, trainings]


def main() -> None:
    print("| page | measured | aim |\n|---|---|---|")
    with browser() as chromium, tempfile.TemporaryDirectory() as folder:
        for suite in SUITES:
            for name, value, aim in suite(chromium, Path(folder)):
                print(f"| {name} | {value} | {aim} |", flush=True)
