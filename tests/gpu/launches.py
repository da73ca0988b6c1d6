"""Counted launches and synchronisations of the benchmark's steps, on the stand-in: `python -m tests.gpu.launches`.

The table that it prints stands in docs/gpu.md, and a test holds the page to it.
"""

from __future__ import annotations

from benchmarks.gpu.libraries import Library, ours
from benchmarks.gpu.meter import no_lap
from benchmarks.gpu.workloads import WORKLOADS, Workload

from .. import stand_in


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


def page() -> str:
    """The table in Markdown."""
    lines = ["| a step of | launches | synchronisations |", "|---|---|---|"]
    for workload in WORKLOADS:
        launches, syncs = counted(workload)
        lines.append(f"| {workload.name} | {launches} | {syncs} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(page())
