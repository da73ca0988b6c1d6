"""examples/README.md: the course as a table, written from what was measured."""

from __future__ import annotations

from typing import Any

from course import COURSE
from results import BESIDE, FOLDER, PICTURES, kept, number, published, seeds, summary, title

from minigrad.files import write_whole

NOTEBOOKS = FOLDER / "notebooks"
HEAD = """\
# The gallery

Each script shows one idea. It runs without arguments and without a download, in about a minute on two cores at most:
`python examples/NAME.py`, or `python -m examples NAME`. `--help` lists its options: `--seed N` draws everything anew,
`--data PATH` takes the real data, and `--full` is a long run in the sizes of the source; it goes on where it was
stopped. Pictures go to `out/`. They need `pip install ".[examples]"`; those of several devices start two processes where
`pip install ".[examples,distributed]"` brought MPI.

The order is that of a course. **Reached** is the median over the seeds, with the lowest and the highest; the picture is
that of the seed in the middle. Beside it is what chance and the simplest methods (baselines) reach on the same data, and
what is out of reach: a ceiling, or a floor for errors. The first results of each are shown, the others fold out. Where the
published number is for other data, it says so. Rows of MNIST were measured where only its 10,000 test images were at
hand: they learned from 8,000 of them and were tested on the other 2,000, so that published errors, of 60,000, are out of
reach. **Measured** says from how many seeds, in which time of one thread, when
and on which machine. `python -m examples measure NAME` measures a row again, from five seeds unless `--seeds` says
otherwise, and `python -m examples table` writes this page.

To begin with, [quickstart.py](quickstart.py), and the notebooks: NOTEBOOKS.
"""
COLUMNS = "| | | example | reached | chance, baselines | published | measured |\n|---|---|---|---|---|---|---|"
#: So many results of a measurement stand in the row; the others fold out.
SHOWN = 4


def write() -> None:
    """Write examples/README.md."""
    notebooks = ", ".join(f"[{p.stem.replace('_', ' ')}](notebooks/{p.name})" for p in sorted(NOTEBOOKS.glob("*.ipynb")))
    parts, number = [HEAD.replace("NOTEBOOKS", notebooks)], 0
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


def row(place: int, name: str, topic: str) -> str:
    """The line of an example."""
    measured = kept(name)
    alt = title(name).replace('"', "&quot;")
    drawn = (PICTURES / f"{name}.png").exists()
    cells = [
        str(place), f'<img src="pictures/{name}.png" width="160" alt="{alt}">' if drawn else "",
        f"[{name}]({name}.py): {title(name)}<br>*{topic}*",
        "<br>".join(filter(None, (results(m, beside=False) for m in measured))),
        "<br>".join(filter(None, (results(m, beside=True) for m in measured))),
        published(name),
        "".join(circumstances(m) for m in measured if "options" not in m),
    ]  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def results(measured: dict[str, Any], beside: bool) -> str:
    """What a measurement reached, or what that is compared with: the first few, the others folded."""
    found = [
        (f"{name}: {summary(values)}", not isinstance(values[0], str))
        for name, values in measured["results"].items()
        if name.startswith(BESIDE) == beside
    ]
    first = [text for text, short in found if short][:SHOWN]
    more = [text for text, _ in found if text not in first]
    if len(more) == 1 and found[-1][1]:
        first, more = first + more, []
    folded = f"<details><summary>{len(more)} more</summary>{'<br>'.join(more)}</details>" if more else ""
    heading = f"**{measured['options']}** ({circumstances(measured, ', ')}):" if "options" in measured else ""
    lines = "<br>".join(filter(None, [heading, *first] if found else []))
    return f"{lines}{folded}"


def circumstances(measured: dict[str, Any], between: str = "<br>") -> str:
    """From how many seeds, how long one run took, when it was, and on which machine."""
    parts = [seeds(measured), f"{number(measured['seconds'])} s"]
    return between.join(filter(None, [*parts, measured["date"], measured.get("machine", "")]))
