"""`make gpu` without a card: what it says there, and its code on the stand-in beside PyTorch's CPU, at tiny sizes."""

from __future__ import annotations

import dataclasses
import doctest
import json
import os
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from benchmarks.gpu import checks, machine, meter, table
from benchmarks.gpu.libraries import Library, ours, torchs
from benchmarks.gpu.meter import Effort, measure, peak_hook
from benchmarks.gpu.worker import rows_of
from benchmarks.gpu.workloads import WORKLOADS, Workload

from . import stand_in
from .gpu import compare
from .gpu.__main__ import everything, outcome
from .gpu.__main__ import run as run_plain
from .gpu.launches import StandInMeter, counted, told

ROOT = Path(__file__).resolve().parent.parent
QUICK = Effort(warm=0.0, rounds=1, blocks=1)
no_gpu = pytest.mark.skipif(mg.cuda_is_available(), reason="this machine has a GPU")


@no_gpu
def test_without_a_gpu_one_line_says_what_is_missing() -> None:
    command = ["make", "--silent", "gpu", f"PYTHON={sys.executable}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "MAKEFLAGS": ""})
    assert done.returncode != 0
    assert done.stdout == ""
    (line, *rest) = done.stderr.splitlines()
    assert "make gpu runs on an NVIDIA GPU" in line
    assert "CuPy" in line
    assert "make gpu PYTHON=" in line
    assert sys.executable in line
    assert all(other.startswith("make") for other in rest)


def test_a_python_without_numpy_is_told_so(tmp_path: Path) -> None:
    code = "import sys; sys.modules['numpy'] = None; import runpy; runpy.run_module('benchmarks.gpu', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert "needs NumPy" in done.stderr


@pytest.mark.torch
@pytest.mark.parametrize("workload", WORKLOADS, ids=[w.name for w in WORKLOADS])
def test_each_row_is_measured(workload: Workload) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    with stand_in.installed():
        libraries: list[Any] = [ours(), torchs("cpu")]
        row, *parts = rows_of(workload, libraries, StandInMeter(), QUICK, tiny=True)["rows"]
    assert "error" not in row, row
    for values in (row, *parts):
        assert set(values["ms"]) == {"minigrad", "torch"}
        assert min(values["ms"].values()) > 0
    assert row["launches"]["minigrad"] > 0
    assert bool(parts) == workload.parts
    cells = table.line(row).split("|")
    assert len(cells) == len(table.HEAD.splitlines()[0].split("|"))
    assert float(cells[2]) > 0
    assert float(cells[5]) > 0


@pytest.mark.torch
@pytest.mark.parametrize("name", ["convolution", "max-pool", "softmax", "cross-entropy"])
def test_both_libraries_compute_the_same(name: str) -> None:
    """A row compares the same work: the functions send the same gradient to the same input."""
    pytest.importorskip("torch", reason="PyTorch is not installed")
    (workload,) = [w for w in WORKLOADS if w.name.startswith(name)]
    gradients = []
    for library in (ours("cpu"), torchs("cpu")):
        assert library is not None
        made: list[Any] = []
        noted = dataclasses.replace(library, array=partial(_noted, made, library.array))
        workload.step(noted, tiny=True)(lambda part: None)
        gradients.append([np.array(x.grad.tolist()) for x in made if x.requires_grad])
    assert len(gradients[0]) > 0
    for a, b in zip(*gradients, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def _noted(made: list[Any], array: Any, *args: Any, **kwargs: Any) -> Any:
    made.append(array(*args, **kwargs))
    return made[-1]


@pytest.mark.torch
def test_both_libraries_train_as_many_parameters() -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    for workload in WORKLOADS:
        sizes = []
        for library in (ours("cpu"), torchs("cpu")):
            assert library is not None
            counted: list[int] = []
            optim = SimpleNamespace(Adam=partial(_sized, counted, library.optim.Adam))
            workload.step(dataclasses.replace(library, optim=optim), tiny=True)
            sizes.append(counted)
        assert sizes[0] == sizes[1], workload.name


def _sized(counted: list[int], adam: Any, parameters: Any, **options: Any) -> Any:
    parameters = list(parameters)
    counted += [int(np.prod(tuple(p.shape))) for p in parameters]
    return adam(parameters, **options)


def test_a_row_that_fails_says_where_and_the_next_is_measured() -> None:
    def broken(library: Library) -> Any:
        raise ValueError("no | such\nkernel")

    (row,) = rows_of(Workload("broken", broken, {}, {}), [ours("cpu")], StandInMeter(), QUICK)["rows"]
    assert "ValueError: no | such kernel" in row["error"]
    assert "test_gpu_benchmark.py" in row["error"]
    assert table.line(row).count("|") == table.HEAD.splitlines()[0].count("|")


def test_a_process_that_dies_costs_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second ends its process, the third takes too long; the fourth is reached by a new process, the last not in time."""
    program = (
        "import json, os, sys, time\n"
        "for index in map(int, sys.argv[1:]):\n"
        "    if index == 1: os._exit(3)\n"
        "    if index in (2, 4): time.sleep(60)\n"
        "    print('a library says hello', flush=True)\n"
        "    print(json.dumps({'index': index, 'rows': [{'name': index}]}), flush=True)\n"
    )
    (tmp_path / "worker.py").write_text(program, "utf-8")
    monkeypatch.setattr(table, "WORKER", [sys.executable, str(tmp_path / "worker.py")])
    monkeypatch.setattr(table, "ROW", 2.0)
    rows = list(table.measured([0, 1, 2, 3, 4], 5.0, tmp_path / "log"))
    assert [row["name"] for row in rows] == [0, WORKLOADS[1].name, WORKLOADS[2].name, 3, WORKLOADS[4].name]
    assert "its process ended" in rows[1]["error"]
    assert "took more than 2 s" in rows[2]["error"]
    assert "not reached in 5 s" in rows[4]["error"] or "took more than" in rows[4]["error"]


def test_memory_in_use_is_followed_to_its_peak() -> None:
    hook = peak_hook(object)
    for event, size in (("malloc", 512), ("malloc", 1024), ("free", 512), ("malloc", 256), ("free", 1024)):
        getattr(hook, f"{event}_postprocess")(device_id=0, size=size - 8, mem_size=size, mem_ptr=1, pmem_id=1)
    assert hook.peak == 1536
    assert hook.used == 256


def test_parts_of_a_step_add_up_to_it() -> None:
    def slow(library: Library) -> Any:
        def step(lap: Any) -> None:
            for part, seconds in (("forward", 0.001), ("backward", 0.003)):
                time.sleep(seconds)
                lap(part)

        return step

    workload = Workload("slow", slow, {}, {}, parts=True)
    whole, forward, backward = measure(workload, [ours("cpu")], StandInMeter(), QUICK)
    assert [r["name"] for r in (forward, backward)] == ["- forward", "- backward"]
    assert forward["ms"]["minigrad"] >= 1.0
    assert backward["ms"]["minigrad"] >= 3.0
    assert whole["ms"]["minigrad"] >= 4.0


@pytest.mark.skipif(shutil.which("g++") is None, reason="the kernels of our own need g++ to run on the stand-in")
@pytest.mark.parametrize("workload", WORKLOADS, ids=[w.name for w in WORKLOADS])
def test_the_page_tells_the_launches_that_are_counted(workload: Workload) -> None:
    """Up to a tenth, since versions of NumPy take some functions apart in other ways."""
    launches, syncs = counted(workload)
    told_launches, told_syncs = told()[workload.name]
    assert abs(launches - told_launches) <= max(2, 0.1 * launches), "run python -m tests.gpu.launches"
    assert syncs == told_syncs


# ------------------------------------------------------------------------------------- checks


def test_shards_run_every_test_once_and_tell_what_failed(tmp_path: Path) -> None:
    """Three shards of a file with a failing test, run as `make gpu` runs them."""
    (tmp_path / "test_some.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('i', range(7))\n"
        "def test_small(i):\n"
        "    if i == 5: pytest.skip('no such function')\n"
        "    assert i != 3, 'three is wrong'\n",
        "utf-8",
    )
    for k in range(3):
        _shard(tmp_path, f"{k}/3", tmp_path / f"{k}.jsonl")
    outcome = checks.gathered([tmp_path / f"{k}.jsonl" for k in range(3)])
    assert outcome.counts == {"passed": 5, "failed": 1, "skipped": 1}
    assert outcome.total == 7
    assert not outcome.good
    head, failure = outcome.lines()
    assert head == "checks: 5 passed, 1 failed, 1 skipped, 0 not reached, of 7"
    assert "test_small[3]" in failure
    assert "three is wrong" in failure


def _shard(folder: Path, shard: str, report: Path, seconds: float = 100.0) -> None:
    words = checks.command(shard, seconds, report)
    plain = words[: words.index("-m", 3)]  # without the mark and the files of this project
    command = [*plain, f"--rootdir={folder}", str(folder / "test_some.py")]
    subprocess.run(command, cwd=ROOT, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)


def test_a_file_that_cannot_be_imported_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text("import no_such_module_at_all\n", "utf-8")
    _shard(tmp_path, "0/1", tmp_path / "0.jsonl")
    outcome = checks.gathered([tmp_path / "0.jsonl"])
    assert not outcome.good
    assert any("no_such_module_at_all" in line for line in outcome.lines())


def test_a_shard_begins_nothing_after_its_time(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text("def test_a(): pass\ndef test_b(): pass\n", "utf-8")
    _shard(tmp_path, "0/1", tmp_path / "0.jsonl", seconds=0)
    outcome = checks.gathered([tmp_path / "0.jsonl"])
    assert outcome.lines() == ["checks: 1 passed, 0 failed, 0 skipped, 1 not reached, of 2"]
    assert not outcome.good


def test_a_shard_that_was_ended_is_told(tmp_path: Path) -> None:
    lines = [{"total": 2}, {"name": "a", "outcome": "passed", "why": ""}]
    (tmp_path / "0.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines) + '{"name": "b", "outc', "utf-8")
    outcome = checks.gathered([tmp_path / "0.jsonl", tmp_path / "1.jsonl"])
    assert outcome.counts["passed"] == 1
    assert [text.split(",")[0] for text in outcome.broken] == ["a shard did not come to its end"] * 2
    assert not outcome.good


def test_no_test_at_all_is_no_success() -> None:
    assert not checks.Outcome().good


def test_files_with_tests_for_a_card_are_found() -> None:
    files = [Path(word).name for word in checks.command("0/1", 1.0, Path("report")) if word.endswith(".py")]
    assert "test_gpu.py" in files


def test_without_pytest_a_plain_program_compares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert checks.command("0/1", 1.0, Path("report"))[1:3] == ["-m", "tests.gpu"]
    cases = everything()
    assert {"op tanh", "training of a CNN", "max-pool 0"} <= cases.keys()
    with stand_in.installed():
        assert outcome(cases["op tanh"]) == ("passed", "")
        word, why = outcome(partial(compare, lambda device: np.ones(1 + (device == "cuda"))))
    assert word == "failed"
    assert "AssertionError" in why


@no_gpu
def test_the_plain_program_says_in_one_line_that_there_is_no_gpu() -> None:
    done = subprocess.run([sys.executable, "-m", "tests.gpu"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "CuPy" in done.stderr


@pytest.mark.parametrize(
    ("seconds", "cases", "status", "summary"),
    [
        (60.0, ["good"], 0, "1 passed, 0 failed, 0 not reached, of 1"),
        (60.0, ["good", "bad"], 1, "1 passed, 1 failed, 0 not reached, of 2"),
        (-1.0, ["good"], 1, "0 passed, 0 failed, 1 not reached, of 1"),
        (60.0, [], 1, "0 passed, 0 failed, 0 not reached, of 0"),
    ],
)
def test_the_plain_program_sums_up_and_its_status_says_whether_all_passed(
    seconds: float, cases: list[str], status: int, summary: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def bad() -> None:
        raise AssertionError("3 is not 4")

    checks_by_name = {"good": lambda: None, "bad": bad}
    assert run_plain([(name, checks_by_name[name]) for name in cases], tmp_path / "report", seconds) == status
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == summary
    assert ["3 is not 4" in line for line in printed[:-1]] == ["bad" in cases] * ("bad" in cases)


def test_the_plain_program_needs_no_pytest() -> None:
    code = "import sys; sys.modules['pytest'] = None; from tests.gpu.__main__ import everything; print(len(everything()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert int(done.stdout) > 300, done.stderr


@pytest.mark.parametrize("module", [machine, meter, table], ids=lambda m: m.__name__)
def test_examples_in_docstrings(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
