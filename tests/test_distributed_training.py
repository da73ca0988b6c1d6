"""Training in several processes: the Trainer, runs that die and go on, the examples; against one process with whole batches."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from nn.data import DataLoader, TensorDataset
from nn.distributed.run import mpiexec
from nn.training.checkpoint import read_checkpoint
from nn.training.shares import Shares
from nn.training.team import Team

from .ranks import MISSING, ROOT, SETTINGS, ended, fitting, start

#: Seconds after which processes that hang are ended; a launch takes two.
LIMIT = 240
LAUNCHER = [sys.executable, "-m", "nn.distributed.run", "-n"]
FITTING = ROOT / "tests" / "ranks" / "fitting.py"

needs_mpi = pytest.mark.skipif(bool(MISSING), reason=f"needs {MISSING}")


def begun(command: list[Any], folder: Path) -> subprocess.Popen[str]:
    """A command under way."""
    return subprocess.Popen(
        list(map(str, command)), cwd=folder, env={**os.environ, **SETTINGS}, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def run(command: list[Any], folder: Path) -> tuple[int, str, str]:
    """The exit status and what was printed; nothing is left running."""
    process = begun(command, folder)
    try:
        out, error = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)  # mpiexec ends its processes then
        out, error = process.communicate(timeout=20)
        pytest.fail(f"{command} still ran after {LIMIT} s:\n{out}\n{error}")
    return process.returncode, out, error


def started(processes: int, what: str, folder: Path, *rest: Any, restarts: int = 0) -> Any:
    """What tests/ranks/fitting.py found in several processes."""
    status, out, error = run([*LAUNCHER, processes, "--restarts", restarts, FITTING, what, folder, *rest], folder)
    assert status == 0, out + error
    return json.loads((folder / "found.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def alone() -> Any:
    """The training in this process, without MPI."""
    return fitting.fitted(together=False)


def same(found: Any, alone: Any) -> None:
    """Equal to rounding."""
    assert [sorted(row) for row in found["history"]] == [sorted(row) for row in alone["history"]]
    for row, expected in zip(found["history"], alone["history"], strict=True):
        for name, value in expected.items():
            assert row[name] == pytest.approx(value, rel=1e-4, abs=1e-6), (row, expected)
    for weight, expected in zip(found["weights"], alone["weights"], strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-3, atol=1e-4)


# ------------------------------------------------------------------------------- one process


def test_shares_put_together_are_the_batches_in_any_number_of_processes() -> None:
    data = TensorDataset(np.arange(11), np.arange(11) * 2)

    def loader(workers: int) -> DataLoader:
        return DataLoader(data, 4, shuffle=True, seed=1, num_workers=workers)

    for size in (1, 2, 3, 5):
        shares = zip(*(Shares(loader(rank % 2), rank, size) for rank in range(size)), strict=True)
        for whole, parts in zip(loader(0), shares, strict=True):
            for i in range(2):
                assert np.concatenate([part[i].numpy() for part in parts]).tolist() == whole[i].tolist()
            assert max(len(part[0]) for part in parts) - min(len(part[0]) for part in parts) <= 1


def test_a_share_draws_what_the_whole_batch_draws_and_knows_its_place() -> None:
    class Noisy:
        def __len__(self) -> int:
            return 7

        def __getitem__(self, i: int) -> tuple[int, float]:
            return i, np.random.rand()

    whole = [batch[1].numpy() for batch in DataLoader(Noisy(), 3, seed=1)]
    shares = [iter(Shares(DataLoader(Noisy(), 3, seed=1), rank, 2)) for rank in range(2)]
    for i, expected in enumerate(whole):
        got = np.concatenate([next(share)[1].numpy() for share in shares])
        assert got.tolist() == expected.tolist()
        assert [share.state_dict()["position"] for share in shares] == [(i + 1) % 3] * 2


def test_a_trainer_alone_is_the_same_with_and_without_distributed(alone: Any) -> None:
    assert fitting.fitted(together=True) == alone


def test_a_warning_is_said_once_and_not_at_each_batch() -> None:
    team = Team(nn.Linear(2, 2))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("default")
        for rows in (5, 5, 3):
            with team.share(rows):
                warnings.warn("what a model says", UserWarning, stacklevel=1)
    assert len(said) == 1


def test_the_launcher_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    from nn.distributed import run as module

    with pytest.raises(ValueError, match="processes must be a whole number of at least 1, got 0"):
        module.launch([sys.executable, "-c", ""], 0)
    monkeypatch.setattr(module, "mpiexec", lambda: None)
    with pytest.raises(SystemExit):
        module.main(["-n", "2", "train.py"])
    assert "there is no mpiexec" in capsys.readouterr().err


def test_the_launcher_starts_again_as_often_as_it_was_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    from nn.distributed import run as module

    fake = tmp_path / "mpiexec"
    fake.write_text("#!/bin/sh\necho $2 >> calls\n[ $(wc -l < calls) -ge 3 ]\n", "utf-8")
    fake.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "mpiexec", lambda: str(fake))
    assert module.launch(["train"], 4, restarts=1) == 1
    assert (tmp_path / "calls").read_text("utf-8").split() == ["4", "4"]
    assert module.launch(["train"], 4, restarts=5) == 0
    assert (tmp_path / "calls").read_text("utf-8").split() == ["4"] * 3
    assert "restart 1 of 1" in capsys.readouterr().err


def test_the_planned_table_is_what_the_benchmark_computes() -> None:
    from benchmarks import distributed as benchmark

    table = (ROOT / "docs" / "distributed.md").read_text("utf-8")
    assert [name for name in benchmark.GALLERY if f"| {name} | " not in table] == []
    for name in ("LeNet-5", "character model, 3 LSTMs of 512"):
        assert benchmark.planned_row(name, benchmark.GALLERY[name]()) in table
    lenet = 4 * (26 * 6 + (25 * 6 + 1) * 16 + 401 * 120 + 121 * 84 + 85 * 10)
    assert benchmark.gradient_bytes(benchmark.GALLERY["LeNet-5"]()) == lenet
    assert benchmark.sent_bytes(2, lenet) == lenet
    assert benchmark.network_seconds(1e9, 8) == 1.0


# ------------------------------------------------------------------------- several processes


@needs_mpi
@pytest.mark.distributed
def test_a_training_is_that_of_one_process(tmp_path: Path, alone: Any) -> None:
    found = started(3, "checks", tmp_path)
    same(found["whole"], alone)
    first, second, third = found["cut"]
    assert first == pytest.approx(third, rel=1e-5)
    assert second == pytest.approx(third, rel=1e-5)
    assert found["seeds"] == list(range(102)), "each item is read once, also where loaders drew seeds of their own"
    assert found["validated"][0] == pytest.approx(found["validated"][1], rel=1e-6)
    assert found["stopped"] == [2, 2, 2]
    assert found["written"] == [1, 0, 0]
    drawn = np.array(found["draws"]["ranks"])
    assert len(set(drawn.ravel())) == drawn.size > 10, "processes draw numbers of their own"
    assert len(set(found["draws"]["after"])) == 1, "and their generators stay together"
    words = ["DistributedSampler would leave out", "gives single items", "accumulate=2", "have the lengths [5, 102]"]
    assert len(found["refused"]) == len(words)
    for word, message in zip(words, found["refused"], strict=True):
        assert word in message


@needs_mpi
@pytest.mark.distributed
def test_a_training_goes_on_in_another_number_of_processes_and_after_one_of_them_died(tmp_path: Path, alone: Any) -> None:
    started(2, "train", tmp_path, 1)
    found = started(4, "die_once", tmp_path, restarts=2)
    assert (tmp_path / "died").exists()
    same(found, alone)


@needs_mpi
@pytest.mark.distributed
def test_processes_train_alike_or_say_in_what_they_differ() -> None:
    status, out, error = ended(start(2, "alike"))
    assert status == 0, out + error
    found = json.loads(out)
    assert found["again"][0] == found["again"][1], "a second call of fit goes on with dropout's draws"
    assert found["interrupted"][0] == found["interrupted"][1], "batches before an error do not count twice"
    words = {
        "items": "in their data: the number of items is 40 on rank 0, but 37 on rank 1", "a list": "number of batches is 4 on",
        "rows": "different batches", "order": "different batches", "batches": "different batches",
        "lr": "in their options: lr of the optimizer's group 0 is 0.1 on rank 0, but 0.2 on rank 1",
        "accumulate": "accumulate is 1 on rank 0, but 2 on rank 1", "epochs": "epochs is 1 on", "validation": "items is 40 on",
    }  # fmt: skip
    for name, message in found["said"].items():
        assert words[name] in message


@needs_mpi
@pytest.mark.distributed
def test_sums_are_trained_as_sums_and_what_is_neither_sum_nor_mean_is_refused(tmp_path: Path) -> None:
    found = started(3, "reductions", tmp_path)
    for name, case in list(fitting.REDUCTIONS.items())[:6]:
        assert not isinstance(found[name], str), (name, found[name])
        same(found[name], fitting.reduced(*case))
    words = {
        "weights": "loss of a whole batch is .* shares, with [4, 3, 3] examples", "an own step": "returns another loss",
        "other words": "say the same",
    }  # fmt: skip
    for name, word in words.items():
        assert re.search(word.replace("[", r"\["), found[name]), found[name]


@needs_mpi
@pytest.mark.distributed
def test_running_statistics_are_the_same_in_all_processes(tmp_path: Path) -> None:
    found = started(2, "normalised", tmp_path)
    assert found["running"][0] == found["running"][1]
    assert found["validated"] == pytest.approx(found["after"], rel=1e-6)
    assert found["said"] == [1, 0], "the first process says once that plain statistics are of its own examples"
    assert found["whole"]


@needs_mpi
@pytest.mark.distributed
def test_a_share_too_small_for_batch_norm_is_told_with_what_reads_all(tmp_path: Path) -> None:
    status, _, error = run([*LAUNCHER, 2, FITTING, "one_example", tmp_path], tmp_path)
    assert status == 1
    assert re.search(r"rank \d of 2 has 1 examples of this batch, and the BatchNorm1d '1' .*SyncBatchNorm", error), error


@needs_mpi
@pytest.mark.distributed
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("launcher", [LAUNCHER, [mpiexec(), "-n"]], ids=["launcher", "ranks"])
def test_an_interruption_writes_the_checkpoint_and_leaves_nothing_running(launcher: Any, number: int, tmp_path: Path) -> None:
    python = [] if launcher is LAUNCHER else [sys.executable]
    process = begun([*launcher, 2, *python, FITTING, "endless", tmp_path], tmp_path)
    waits = time.monotonic() + LIMIT
    while len(list(tmp_path.glob("under_way.*"))) < 2:
        assert time.monotonic() < waits and process.poll() is None, process.communicate()
        time.sleep(0.05)
    if launcher is LAUNCHER:
        process.send_signal(number)
    else:  # what mpiexec sends, without the SIGKILL a quarter of a second later
        for path in tmp_path.glob("under_way.*"):
            os.kill(int(path.suffix[1:]), number)
    try:
        out, error = process.communicate(timeout=120)  # the processes have the pipes too
    finally:
        process.kill()
    assert process.returncode != 0
    if launcher is LAUNCHER:
        assert process.returncode == (130 if number == signal.SIGINT else -number), out + error
    assert read_checkpoint(tmp_path / "run.safetensors")["extra"]["updates"] >= 3, out + error


def example(name: str, processes: int, folder: Path, *options: Any) -> dict[str, str]:
    """The results that an example prints under mpiexec."""
    status, out, error = run([mpiexec(), "-n", processes, sys.executable, ROOT / "examples" / f"{name}.py", *options], folder)
    assert status == 0, out + error
    results = re.findall(r"^(.+): (.+)$", out, re.MULTILINE)
    assert len(dict(results)) == len(results), "the first process alone prints"
    return dict(results)


@needs_mpi
@pytest.mark.distributed
def test_data_parallel_training_is_that_of_one_process(tmp_path: Path) -> None:
    """In three; two, three and four train in test_distributed.py, by the same calls of the library."""
    processes = 3
    results = example("data_parallel", processes, tmp_path, "--epochs", 2, "--hidden", 32)
    assert float(results["largest difference of a weight from one process"]) < 1e-5
    assert float(results["baseline: largest difference, never averaged"]) > 1e-2
    assert int(results["examples in the last batch"]) % processes
    assert results["the same bits in all processes"] == results["the same bits from run to run"] == "True"
    assert results["processes"] == str(processes)


@needs_mpi
@pytest.mark.distributed
def test_an_optimizer_in_pieces_is_the_whole_one(tmp_path: Path) -> None:
    results = example("sharded_optimizer", 2, tmp_path, "--epochs", 2, "--hidden", 32)
    assert float(results["largest difference of a weight from one process"]) < 1e-5
    plain = int(results["baseline: bytes of moments in a process, plain Adam"])
    assert plain / 2 <= int(results["bytes of moments in a process, at most"]) < plain / 2 + 100


@needs_mpi
@pytest.mark.distributed
def test_a_pipeline_is_the_whole_network(tmp_path: Path) -> None:
    results = example("two_stage_pipeline", 2, tmp_path, "--epochs", 1, "--hidden", 32)
    assert float(results["largest difference of a weight from one process"]) < 1e-5
    assert int(results["bytes of the weights of the first process"]) < int(results["baseline: bytes of all weights"])


@needs_mpi
@pytest.mark.distributed
def test_an_example_starts_itself_in_several_processes(tmp_path: Path) -> None:
    powers = [sys.executable, ROOT / "examples" / "several_devices.py", "--size", 64, "--rounds", 1]
    status, out, error = run(powers, tmp_path)
    assert status == 0, out + error
    assert "the same on two devices, bit for bit: True\n" in out
    assert "devices: cpu, cpu" in out or "devices: cuda" in out
