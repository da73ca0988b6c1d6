"""Counted launches and synchronisations of the benchmark's steps, on the stand-in.

`python -m tests.gpu.launches` writes them into the table of docs/gpu.md; a test holds the page to what is counted.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.gpu.libraries import Library, ours
from benchmarks.gpu.meter import no_lap
from benchmarks.gpu.workloads import WORKLOADS, Workload

from .. import stand_in

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "gpu.md"
HEAD = "| a step of | launches | synchronisations |"


class StandInMeter:
    """What the stand-in tells of a step: launches and synchronisations, and nothing of memory."""

    def counts(self, library: Library, run: object) -> tuple[float, float] | None:
        assert callable(run)
        with stand_in.counting() as count:
            run()
        return (count.launches, count.syncs) if library.name == "minigrad" else None

    def peak(self, library: Library, run: object) -> None:
        return None


def counted(workload: Workload) -> tuple[int, int]:
    """Launches and synchronisations of one step after the first two, which make the optimizer's state."""
    with stand_in.installed():
        step = workload.step(ours(), tiny=True)
        step(no_lap)
        step(no_lap)
        with stand_in.counting() as count:
            step(no_lap)
    return count.launches // workload.repeats, count.syncs // workload.repeats


def table() -> str:
    """The table in Markdown."""
    lines = [HEAD, "|---|---|---|"]
    for workload in WORKLOADS:
        launches, syncs = counted(workload)
        lines.append(f"| {workload.name} | {launches} | {syncs} |")
    return "\n".join(lines)


def told() -> dict[str, tuple[int, int]]:
    """Launches and synchronisations by workload, as the page tells them."""
    rows = (line.strip("| ").split(" | ") for line in _of_the_page()[1].splitlines()[2:])
    return {name: (int(launches), int(syncs)) for name, launches, syncs in rows}


def _of_the_page() -> tuple[str, str, str]:
    """The page before, in and after the table."""
    text = PAGE.read_text("utf-8")
    start = text.index(HEAD)
    end = text.index("\n\n", start)
    return text[:start], text[start:end], text[end:]


if __name__ == "__main__":
    before, _, after = _of_the_page()
    PAGE.write_text(before + table() + after, "utf-8")
    print(table())
