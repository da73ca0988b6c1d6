"""examples/README.md: the course as a table, written from what was measured."""

from __future__ import annotations

import ast
import importlib
import json
from typing import Any

from course import COURSE

from minigrad.files import write_whole

from .measuring import FOLDER, MEASURED, PICTURES, summary

HEAD = """\
# The gallery

Each script shows one idea. It runs without arguments and without a download, in about a minute on two cores at most:
`python examples/NAME.py`, or `python -m examples NAME`. `--help` lists its options: `--seed N` draws everything anew,
`--data PATH` takes the real data, and `--full`, where there is a published setting, is that setting; a full run goes on
where it was stopped. Pictures go to `out/`. They need `pip install ".[examples]"`.

The order is that of a course. **Reached** is the median over five seeds, with the lowest and the highest; beside it is
what chance and the simplest method reach on the same data. Where the published number is for other data, it says so. The
time is that of one thread of a processor. `python -m examples measure NAME` measures a row again, and `python -m examples
table` writes this page.

To begin with, [quickstart.py](quickstart.py), and [notebooks](notebooks).
"""
COLUMNS = "| | | example | reached | chance, baselines | published | time |\n|---|---|---|---|---|---|---|"


def write() -> None:
    """Write examples/README.md."""
    parts, number = [HEAD], 0
    for section, members in COURSE.items():
        rows = [row(number + i, name, topic) for i, (name, topic) in enumerate(members.items(), 1)]
        parts.append(f"## {section}\n\n{COLUMNS}\n" + "\n".join(rows) + "\n")
        number += len(members)
    write_whole(FOLDER / "README.md", "\n".join(parts).encode())


def show() -> None:
    """List the examples."""
    for section, members in COURSE.items():
        print(f"\n{section}")
        for name in members:
            print(f"  {name:<24} {title(name)}")


def title(name: str) -> str:
    """The first line of an example's docstring; it is not imported."""
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").splitlines()[0]


def row(number: int, name: str, topic: str) -> str:
    """The line of an example."""
    path = MEASURED / f"{name}.json"
    measured = json.loads(path.read_text()) if path.exists() else []
    drawn = (PICTURES / f"{name}.png").exists()
    reached = "<br>".join(text for m in measured for text in lines(m, compared=False))
    compared = "<br>".join(text for m in measured for text in lines(m, compared=True))
    seconds = f"{measured[0]['seconds']:.0f} s" if measured else ""
    cells = [
        str(number), f'<img src="pictures/{name}.png" width="160" alt="">' if drawn else "",
        f"[{name}]({name}.py): {title(name)}<br>*{topic}*", reached, compared,
        getattr(importlib.import_module(name), "PUBLISHED", ""), seconds,
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def lines(measured: dict[str, Any], compared: bool) -> list[str]:
    """The results of a measurement, or those that others are compared with."""
    found = [
        f"{name}: {summary(values)}"
        for name, values in measured["results"].items()
        if name.startswith(("chance", "baseline")) == compared
    ]
    if found and "options" in measured:
        found.insert(0, f"**{measured['options']}** ({measured['date']}, {measured['seconds']:.0f} s):")
    return found
