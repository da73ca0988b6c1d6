"""A plugin of pytest: a part of the tests, up to a time, with a line of JSON for each test in a report.

`pytest -p tests.gpu.shards --shard=2/8 --seconds=200 --report=FILE` runs every eighth test, from the third on, and begins
no test after 200 s.  The report is read by `benchmarks/gpu/checks.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from .report import Report, of_shard


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shard", default="0/1", help="k/n: every n-th test, from the k-th on")
    parser.addoption("--seconds", type=float, default=float("inf"), help="no test begins after this time")
    parser.addoption("--report", type=Path, required=True, help="where the lines of JSON go")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_Shard(config))


class _Shard:
    def __init__(self, config: pytest.Config) -> None:
        self.shard: str = config.getoption("--shard")
        self.end = time.monotonic() + config.getoption("--seconds")
        self.report = Report(config.getoption("--report"))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.report.test(report.nodeid, "failed", _reason(report))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        mine = of_shard(items, self.shard)
        config.hook.pytest_deselected(items=[item for item in items if item not in mine])
        items[:] = mine
        self.report.total(len(mine))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.report.test(report.nodeid, report.outcome, _reason(report))

    def pytest_runtest_logfinish(self, nodeid: str, location: Any) -> None:
        if time.monotonic() > self.end:
            pytest.exit("the time is over", returncode=0)

    def pytest_sessionfinish(self) -> None:
        self.report.end()


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    lines: Iterable[str] = str(report.longrepr or "").splitlines()
    errors = [line[2:].strip() for line in lines if line.startswith("E ")]
    return " ".join(errors[:3]) or str(report.longrepr or "")[-200:]
