"""The tests marked gpu, in several processes: the first use of each kernel compiles it, in 0.1 to 0.4 s."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from .machine import ROOT, environment

#: How long after its time a shard that does not end is ended, in seconds.
GRACE = 30.0


@dataclass
class Outcome:
    """What the shards have found.

    Attributes:
        counts: how many "passed", "failed", "skipped".
        failures: the names of what failed, and its last line.
        total: how many tests there are.
        broken: what is to be said of shards that did not end as they should.
    """

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("passed", "failed", "skipped"), 0))
    failures: list[tuple[str, str]] = field(default_factory=list)
    total: int = 0
    broken: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.failures and not self.broken and sum(self.counts.values()) == self.total > 0

    def lines(self, most: int = 40) -> list[str]:
        """What was found, and the first failures."""
        missed = max(0, self.total - sum(self.counts.values()))
        counts = ", ".join(f"{n} {word}" for word, n in self.counts.items())
        head = f"checks: {counts}, {missed} not reached, of {self.total}"
        failures = [f"  {name}: {why}"[:240] for name, why in sorted(self.failures)[:most]]
        more = [f"  and {len(self.failures) - most} more"] if len(self.failures) > most else []
        return [head, *failures, *more, *(f"  {text}" for text in self.broken)]


def command(shard: str, seconds: float, report: Path) -> list[str]:
    """How a shard is run: by pytest, or where there is no pytest by a plain program that runs what compares devices."""
    options = [f"--shard={shard}", f"--seconds={seconds:.0f}", f"--report={report}"]
    if importlib.util.find_spec("pytest") is None:
        return [sys.executable, "-m", "tests.gpu", *options]
    files = [str(p) for p in sorted((ROOT / "tests").glob("test_*.py")) if "mark.gpu" in p.read_text("utf-8")]
    plain = ["-o", "addopts=", "-p", "no:cacheprovider", "-p", "tests.gpu.shards", "-q", "--tb=short"]
    return [sys.executable, "-m", "pytest", *plain, *options, "-m", "gpu", *files]


def run(seconds: float, out: Path, shards: int | None = None) -> Outcome:
    """Run all shards at once, for so many seconds; each writes a report and a log into the folder `out`."""
    shards = shards or max(1, min(12, (os.cpu_count() or 1) - 1))
    reports = [out / f"checks{k}.jsonl" for k in range(shards)]
    # One core for each, and none of the plugins that this Python may have.
    own = environment(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    processes, end = [], time.monotonic() + seconds + GRACE
    for k, report in enumerate(reports):
        report.unlink(missing_ok=True)
        with report.with_suffix(".log").open("w", encoding="utf-8") as log:
            words = command(f"{k}/{shards}", seconds, report)
            processes.append(subprocess.Popen(words, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, env=own))
    for process in processes:
        try:
            process.wait(timeout=max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return gathered(reports)


def gathered(reports: list[Path]) -> Outcome:
    """The outcome that the reports of shards tell.

    A line of a report is {"total": n}, first, or {"name": test, "outcome": "passed", "why": text}.
    """
    outcome = Outcome()
    for report in reports:
        entries = _entries(report) or [{}]
        if not any("total" in entry for entry in entries) or entries[-1] != {"ended": True}:
            outcome.broken.append(f"a shard did not come to its end, see {report.with_suffix('.log')}")
        for entry in entries:
            outcome.total += entry.get("total", 0)
            if "outcome" in entry:
                outcome.counts[entry["outcome"]] += 1
            if entry.get("outcome") == "failed":
                outcome.failures.append((entry["name"], entry["why"]))
    return outcome


def _entries(report: Path) -> list[dict]:
    """The whole lines of a report; the last one is cut where its process was ended."""
    lines = report.read_text("utf-8").splitlines(keepends=True) if report.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]
