"""The figures of the lesson on compiling: each function writes one page."""

from __future__ import annotations

from html import escape
from pathlib import Path

import numpy as np

import minigrad as mg
import nn
from minigrad import viz

X, W = np.linspace(-1, 1, 32, dtype="float32").reshape(4, 8), np.linspace(0.5, 2, 8, dtype="float32")


def wasteful(x, w):
    """What the lesson compiles: one product too many, and a sine that nobody needs."""
    y = x * w
    unused = np.sin(y)  # noqa: F841
    return np.exp(-(x * w) * y).sum(axis=1)


# ---- one program, stage by stage

STAGES = {
    "traced": ("Written", "Seven calls of NumPy, each of which makes a new array."),
    "without_repeats": ("Equal calls", "x * w was computed twice. Now both readers look at one array."),
    "without_unused": ("Dead code", "Nobody reads the sine, so it is gone."),
    "loops": ("One loop", "What runs: each number of x is loaded once, and nothing is stored but the four sums."),
}


def stages(path: Path) -> None:
    """Pictures and text of the program after each pass, of which one is shown at a time."""
    compiled = mg.compile(wasteful)
    compiled(X, W)
    programs = compiled.stages()
    tabs, parts = [], []
    for n, (stage, (name, remark)) in enumerate(STAGES.items()):
        text = str(compiled.loops[0] if stage == "loops" else programs[stage])
        chosen = " checked" if n == 0 else ""
        tabs.append(f'<label><input type="radio" name="stage" value="{stage}"{chosen}><span>{n + 1}. {name}</span></label>')
        parts.append(
            f'<section id="{stage}"><p>{escape(remark)}</p><div class="two">'
            f'<div class="drawing">{_svg(compiled, stage)}</div><pre tabindex="0">{escape(text)}</pre></div></section>'
        )
    page = (Path(__file__).parent / "stages.html").read_text("utf-8")
    for place, text in ("<!-- tabs -->", "".join(tabs)), ("<!-- parts -->", "".join(parts)), ("/* shown */", _shown()):
        page = page.replace(place, text)
    path.write_text(page, "utf-8")


def _svg(compiled, stage: str) -> str:
    """A drawing without a background, so that it stands on a dark page, too."""
    drawing = viz.draw_program(compiled, stage)
    drawing.digraph.graph_attr["bgcolor"] = "transparent"
    svg = drawing.digraph.pipe(format="svg").decode()
    return svg[svg.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="The program: {STAGES[stage][0]}"', 1)


def _shown() -> str:
    """The style that shows the part whose button is chosen."""
    return ", ".join(f'main:has([value="{stage}"]:checked) #{stage}' for stage in STAGES) + " { display: block; }"


# ---- a program whose decision is looked at again


def guarded(path: Path) -> None:
    """A mask decides how many numbers there are, and so which program is right."""

    def positive(x):
        return np.sum(np.sqrt(x[x > 0]))

    viz.explore(positive, [4.0, -1.0, 9.0], path=path, title="The sum of the roots of the positive numbers", direction="TB")


# ---- a whole training step


def training(path: Path) -> None:
    """A compiled training step: forward, backward, clipping and Adam, on two half moons."""
    mg.random.manual_seed(0)
    rng = np.random.default_rng(0)
    angle, which = rng.uniform(0, np.pi, 200), np.arange(200) % 2
    moons = np.stack([np.cos(angle) * (1 - 2 * which) + 0.5 * which, np.sin(angle) * (1 - 2 * which) + 0.3 * which], axis=1)
    points = (moons + rng.normal(0, 0.1, (200, 2))).astype("float32")
    net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 2))
    optimizer = nn.optim.Adam(net.parameters(), lr=0.01)

    @mg.compile
    def step(x, y):
        loss = nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        return loss.detach()

    viz.explore(step, data=(points, which), path=path, title="A compiled training step")


# ---- what the questions count


def calls_left() -> int:
    """How many calls the passes leave of the function in the question."""

    def f(x):
        a = np.exp(x)
        b = np.exp(x)
        c = np.sin(a)  # noqa: F841
        return a + b

    compiled = mg.compile(f)
    compiled(np.ones(3))
    return len(compiled.program.steps)


def programs_made() -> int:
    """How many programs the calls in the question make."""
    state = {"rate": 2.0}
    double = mg.compile(lambda x: x * state["rate"])
    for shape in (2, 3, 2):
        double(np.ones(shape))
    state["rate"] = 3.0
    double(np.ones(2))
    return len(double.versions)
