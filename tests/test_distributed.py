"""nn.distributed: what several ranks do together, and what becomes of them where one fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import nn
from minigrad import Tensor, autograd
from minigrad.autograd import around_backward, depends_on
from nn import distributed
from nn.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler, TensorDataset
from nn.distributed import DistributedBatchSampler, DistributedSampler, SyncBatchNorm, buckets, launcher

from .ranks import MISSING, ROOT, checks, ended, start

needs_ranks = [
    pytest.mark.distributed,
    pytest.mark.skipif(bool(MISSING), reason=f"needs {MISSING}: install the extra distributed, or an MPI"),
]
NAMES = [function.__name__ for function in checks.CHECKS]

#: How rank 1 fails, and what must be said then.
FAILURES = {
    "exception": ["ValueError: rank 1 has had enough"],
    "thread": ["IndexError: pop from empty list"],
    "sys.exit": ["rank 0 calls all_reduce(sum) of x: float64 (3,), but rank 1 calls the end of the program"],
    "os._exit": [],
    "killed": [],
    "interrupted": ["KeyboardInterrupt"],
    "late": ["rank 0 has waited ", "all_reduce(sum) of x: float64 (3,): rank 1 did not come; init(timeout=...)"],
    "backward passes": ["the end of the program", "the numbers of examples of the ranks", "the closure of LBFGS"],
    "buckets": [
        "rank 0 calls the gradients of bias, weight: float32 (10,), but rank 1 calls the gradients of bias: float32 (3,)"
    ],
    "in backward": ["IndexError: pop from empty list"],
    "nothing is sent": ["the message 0 of rank 1, which has reached the end of the program without sending it"],
    "nothing is received": ["the message 0 to rank 0"],
}


@pytest.fixture(scope="module")
def jobs() -> Iterator[dict[Any, subprocess.Popen[str]]]:
    """All jobs, under way at the same time, since they wait most of the time."""
    started: dict[Any, subprocess.Popen[str]] = {"checks": start(checks.RANKS, "checks")}
    started |= {("training", ranks, i): start(ranks, "training") for ranks, i in [(2, 0), (3, 0), (4, 0), (3, 1)]}
    started |= {way: start(2, "failing", way) for way in FAILURES}
    yield started
    for process in started.values():
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def checked(jobs: Any) -> tuple[int, str, str]:
    """What the three ranks said to the checks."""
    return ended(jobs["checks"])


@pytest.fixture(scope="module")
def trained(jobs: Any) -> dict[tuple[int, int], list[dict[str, Any]]]:
    """What each rank has found in its training, by the number of ranks and that of the run."""
    found = {}
    for key in [key for key in jobs if key[0] == "training"]:
        status, out, errors = ended(jobs[key])
        assert status == 0, errors[-2000:]
        found[key[1:]] = [json.loads(line) for line in out.splitlines()]
    return found


def pytest_params(names: Any) -> Any:
    """As parameters, with the marks of what starts processes."""
    return [pytest.param(name, marks=needs_ranks) for name in names]


@pytest.mark.parametrize("name", pytest_params(NAMES))
def test_three_ranks(name: str, checked: tuple[int, str, str]) -> None:
    status, out, errors = checked
    assert out.split().count(name) == checks.RANKS, f"status {status}:\n{errors[-3000:]}"


@pytest.mark.parametrize("ranks", pytest_params([2, 3, 4]))
def test_ranks_train_to_the_weights_of_one_process_with_the_whole_batch(ranks: int, trained: Any) -> None:
    found = trained[ranks, 0]
    assert [rank["rank"] for rank in found] == list(range(ranks))
    assert found[0]["shares"][-1] == 1 and found[1]["shares"][-1] == 0  # a last batch that does not divide
    assert all(rank["different"] < 1e-13 and rank["moved"] > 0.05 for rank in found)
    assert len({rank["bits"] for rank in found}) == 1


@pytest.mark.parametrize("ranks", pytest_params([3]))
def test_a_training_has_the_same_bits_in_each_run(ranks: int, trained: Any) -> None:
    assert trained[ranks, 0][0]["bits"] == trained[ranks, 1][0]["bits"]


@pytest.mark.parametrize("way", pytest_params(FAILURES))
def test_a_rank_that_fails_ends_all(way: str, jobs: Any) -> None:
    status, out, errors = ended(jobs[way])
    assert status not in (0, -9), (status, out, errors)  # an error, and no job that had to be ended here
    for words in FAILURES[way]:
        assert words in errors
    assert out.count("all is well") < 2 or way == "nothing is received"


# --------------------------------------------------------------------------------- one process


def run(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A program in a process of its own."""
    given = {k: v for k, v in os.environ.items() if not k.startswith(("OMPI", "PMI", "SLURM", launcher.MARK))}
    given |= {"PYTHONPATH": str(ROOT)} | env
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=given, timeout=60)


def test_a_process_that_is_alone_needs_no_mpi() -> None:
    done = run(
        "import sys; sys.modules['mpi4py'] = None\n"
        "import nn\n"
        "assert 'nn.distributed' not in sys.modules\n"
        "print(nn.distributed.is_initialized(), nn.distributed.rank(), nn.distributed.world_size(), sys.excepthook.__module__)"
    )
    assert done.stdout.split() == ["False", "0", "1", "sys"], done.stderr


def test_a_process_of_mpiexec_without_mpi4py_is_told_what_to_install() -> None:
    done = run("import sys; sys.modules['mpi4py'] = None; import nn; nn.distributed.rank()", OMPI_COMM_WORLD_SIZE="2")
    assert "ImportError: this process was started by mpiexec" in done.stderr and ".[distributed]" in done.stderr


@pytest.mark.distributed
@pytest.mark.skipif("mpi4py" in MISSING, reason="needs mpi4py")
def test_workers_of_a_rank_are_no_ranks() -> None:
    done = run(
        "import multiprocessing, os, nn\n"
        "nn.distributed.init()\n"
        "def meet(how):\n"
        "    os.environ['OMPI_COMM_WORLD_SIZE'] = '2'\n"
        "    if how == 'anew': nn.distributed.communication._group = None\n"
        "    try: nn.distributed.barrier()\n"
        "    except RuntimeError as error: print(error, flush=True)\n"
        "for how in ('forked', 'anew'):\n"
        "    worker = multiprocessing.get_context('fork').Process(target=meet, args=(how,))\n"
        "    worker.start(); worker.join()"
    )
    assert done.stdout.count("a worker process is no rank") == 2, done


def test_launchers_are_known_by_their_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*launcher.SIZES, *launcher.LOCAL_RANKS, launcher.TASKS, "PMIX_RANK"):
        monkeypatch.delenv(name, raising=False)
    launcher.check_size(1)
    assert launcher.local_rank_of(5) == 5
    monkeypatch.setenv("OMPI_COMM_WORLD_LOCAL_RANK", "1")
    assert launcher.local_rank_of(5) == 1
    for name in launcher.SIZES:
        with monkeypatch.context() as patch:
            patch.setenv(name, "4")
            assert launcher.is_launched()
            launcher.check_size(4)
            with pytest.raises(RuntimeError, match="4 processes were started, but MPI sees 1: take the mpiexec of the MPI"):
                launcher.check_size(1)


@pytest.mark.parametrize(
    ("told", "launched"),
    [
        ({"PMIX_RANK": "1"}, True),
        ({"PMIX_RANK": "1", "SLURM_STEP_NUM_TASKS": "4", "SLURM_NTASKS": "4"}, True),
        ({"SLURM_STEP_NUM_TASKS": "4"}, True),
        ({"PMIX_RANK": "0", "SLURM_STEP_NUM_TASKS": "1"}, False),  # which needs no MPI
        ({"SLURM_NTASKS": "4"}, False),  # a script of sbatch, before any srun
    ],
)
def test_srun_starts_one_process_or_several(told: dict[str, str], launched: bool) -> None:
    done = run("import nn; print(nn.distributed.launcher.is_launched())", **told)
    assert done.stdout.split() == [str(launched)], done.stderr


@pytest.mark.distributed
@pytest.mark.skipif("mpi4py" in MISSING, reason="needs mpi4py")
def test_processes_that_mpi_does_not_join_are_not_all_the_first() -> None:
    done = run("import nn; print(nn.distributed.rank())", SLURM_STEP_NUM_TASKS="4")
    assert not done.stdout and "4 processes were started, but MPI sees 1" in done.stderr


@pytest.mark.parametrize("name", ["PMIX_RANK", "PMI_RANK"])
def test_what_a_rank_starts_is_no_rank(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for other in (*launcher.OWN, launcher.MARK):
        monkeypatch.delenv(other, raising=False)
    launcher.mark_rank()
    assert launcher.MARK not in os.environ  # no launcher
    monkeypatch.setenv(name, "1")
    monkeypatch.setenv(launcher.MARK, "")
    launcher.check_is_rank()
    launcher.mark_rank()
    launcher.check_is_rank()  # the rank itself
    monkeypatch.setenv("PMI_SIZE", "2")
    given = {**os.environ, "PYTHONPATH": str(ROOT)}
    code = "import nn; print(nn.distributed.rank())"
    for told, word in (({}, "has started this one, which is no rank itself"), ({name: "0"}, "2 processes were started, but MPI")):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=given | told, timeout=60)
        assert word in done.stderr, done
    monkeypatch.delenv("PMI_SIZE")
    if name == "PMIX_RANK":
        with pytest.raises(RuntimeError, match="2 processes were started, but MPI sees 1"):
            launcher.check_size(1)


def test_a_redirected_gradient_is_complete_after_backward_alone() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    end = x.redirect_grad(lambda g: None)
    with pytest.raises(RuntimeError, match=r"inputs\[0\] \(shape \(2,\)\) is redirected"):
        autograd.grad((x * x).sum(), x)
    end()
    assert autograd.grad((x * x).sum(), x)[0].tolist() == [2.0, 4.0]


def test_a_message_waits_for_the_one_before_it() -> None:
    group = distributed.group.ProcessGroup(None, None, timeout=30)
    arrived, order = set(), list[str]()

    class Request:
        def __init__(self, name: str) -> None:
            self.name = name

        def Test(self) -> bool:  # as MPI calls it
            return self.name in arrived

    def steps(name: str) -> Iterator[list[Any]]:
        yield [Request(name)]
        order.append(name)

    works = [group.message(what, steps(name)) for name, what in (("a", "tag 0"), ("b", "tag 0"), ("c", "tag 1"))]
    arrived |= {"b", "c"}
    works[2].wait()
    assert order == ["c"] and not works[1].is_done
    arrived.add("a")
    works[1].wait()
    assert order == ["c", "a", "b"]


def test_one_rank_gets_its_own_values() -> None:
    x = {"a": np.arange(6.0).reshape(3, 2), "b": Tensor([1, 2])}
    for call in (distributed.all_reduce, distributed.broadcast, distributed.reduce_scatter):
        found = call(x)
        np.testing.assert_array_equal(found["a"], x["a"])
        assert found["a"] is not x["a"] and type(found["b"]) is Tensor
    assert distributed.all_reduce(np.array([True, False])).dtype == np.int64
    assert distributed.all_reduce([2, 4], "mean") == [2.0, 4.0]
    distributed.barrier()
    with pytest.raises(ValueError, match="op must be one of sum"):
        distributed.all_reduce(1, "median")
    with pytest.raises(ValueError, match="src must be a rank from 0 to 0, got 1"):
        distributed.broadcast(1, src=1)
    with pytest.raises(ValueError, match="this rank itself"):
        distributed.recv(0)
    with pytest.raises(ValueError, match="timeout must be a positive number"):
        distributed.init(timeout=0)


def test_one_rank_trains_as_without_data_parallel() -> None:
    model = distributed.DataParallel(nn.Linear(3, 2))
    plain = nn.Linear(3, 2)
    plain.load_state_dict(model.module.state_dict())
    for module in (model, plain):
        (module(Tensor(np.ones((4, 3), np.float32))) ** 2).mean().backward()
    np.testing.assert_array_equal(model.module.weight.grad.data, plain.weight.grad.data)
    assert list(model.state_dict()) == ["module.weight", "module.bias"]


def test_buckets_hold_one_dtype_and_about_so_many_bytes() -> None:
    given = [("a", 4, "f4"), ("b", 4, "f8"), ("c", 40, "f4"), ("d", 3, "f4"), ("e", 1, "f8")]
    named = [(name, Tensor(np.zeros(size, dtype))) for name, size, dtype in given]
    found = [[name for name, _ in bucket] for bucket in buckets.divide(named, 48)]
    assert found == [["e", "b"], ["d"], ["c"], ["a"]]
    assert buckets.divide([], 48) == []


# ---------------------------------------------------------------------------------- samplers


@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [0, 1, 7, 20])
def test_batches_of_the_ranks_are_together_those_of_one_process(n: int, ranks: int) -> None:
    for drop_last in (False, True):
        alone = BatchSampler(RandomSampler(range(n), seed=5), 4, drop_last)
        several = [
            DistributedBatchSampler(n, 4, seed=5, drop_last=drop_last, num_replicas=ranks, rank=rank) for rank in range(ranks)
        ]
        for epoch in range(2):
            whole = [list(batch) for batch in alone.iterate(epoch)]
            parts = [[batch.tolist() for batch in sampler.iterate(epoch)] for sampler in several]
            assert [sum(shares, []) for shares in zip(*parts, strict=True)] == whole
            assert all(len(sampler) == len(whole) for sampler in several)
            assert all(max(map(len, shares)) - min(map(len, shares)) <= 1 for shares in zip(*parts, strict=True))


def test_an_empty_part_is_a_batch_without_rows() -> None:
    dataset = TensorDataset(np.ones((5, 3)))
    for order in (dataset, SequentialSampler(dataset)):
        sampler = DistributedBatchSampler(order, 4, shuffle=False, num_replicas=2, rank=1)
        assert [x.shape for (x,) in DataLoader(dataset, batch_sampler=sampler)] == [(2, 3), (0, 3)]


def test_items_of_a_part_draw_what_they_draw_in_one_process() -> None:
    class Noisy:
        def __len__(self) -> int:
            return 11

        def __getitem__(self, i: int) -> tuple[int, float]:
            return i, np.random.rand()

    def drawn(batch_sampler: Any, **options: Any) -> dict[tuple[int, int], float]:
        loader = DataLoader(Noisy(), batch_sampler=batch_sampler, seed=4, **options)
        rows = [(epoch, *row) for epoch in range(2) for batch in loader for row in zip(*batch, strict=True)]
        return {(epoch, int(i)): float(x) for epoch, i, x in rows}

    whole = drawn(BatchSampler(RandomSampler(range(11), seed=5), 4, False))
    for ranks in (2, 3):
        parts = [drawn(DistributedBatchSampler(11, 4, seed=5, num_replicas=ranks, rank=rank)) for rank in range(ranks)]
        assert {place: x for part in parts for place, x in part.items()} == whole
    assert len(set(whole.values())) == 22
    every = [drawn(None, batch_size=3, sampler=DistributedSampler(11, 3, rank)) for rank in range(3)]
    assert len({x for part in every for x in part.values()}) == 22, "different numbers, if others than in one process"


@pytest.mark.parametrize("n", [0, 2, 7, 9])
def test_samplers_of_the_ranks_give_each_item_once(n: int) -> None:
    def samplers(**options: Any) -> list[DistributedSampler]:
        return [DistributedSampler(n, 3, rank, seed=2, **options) for rank in range(3)]

    order = list(RandomSampler(range(n), seed=2))
    interleaved = [i for items in zip(*[[*s, None, None] for s in samplers()], strict=False) for i in items if i is not None]
    assert interleaved == order
    assert [len(s) for s in samplers()] == [len(list(s)) for s in samplers()]
    padded = [list(s) for s in samplers(pad=True)]
    assert {len(items) for items in padded} == {-(-n // 3)} and set(sum(padded, [])) == set(range(n))
    dropped = [list(s) for s in samplers(drop_last=True)]
    assert {len(items) for items in dropped} == {n // 3} and len(set(sum(dropped, []))) == n // 3 * 3


def test_an_epoch_that_is_set_stays() -> None:
    sampler = DistributedSampler(20, 2, 0, seed=1)
    first, second = list(sampler), list(sampler)
    assert first != second
    sampler.set_epoch(0)
    assert list(sampler) == first == list(sampler)
    batches = DistributedBatchSampler(20, 5, seed=1, num_replicas=1, rank=0)
    batches.set_epoch(3)
    np.testing.assert_array_equal(np.concatenate(list(batches)), RandomSampler(range(20), seed=1).indices(3))


def test_options_of_samplers_are_checked() -> None:
    with pytest.raises(ValueError, match="rank must be below num_replicas, got rank 3 of 3"):
        DistributedSampler(9, 3, 3)
    with pytest.raises(ValueError, match="exclude each other"):
        DistributedSampler(9, 3, 0, pad=True, drop_last=True)


# ------------------------------------------------------------------------- what the engine has


def test_a_redirected_gradient_is_complete_and_leaves_grad_alone() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    x.grad = Tensor([5.0, 5.0])
    received: list[Tensor] = []
    end = x.redirect_grad(received.append)
    x.register_hook(lambda g: 10 * g)
    (x * x + x).sum().backward()
    assert [g.tolist() for g in received] == [[30.0, 50.0]] and x.grad.tolist() == [5, 5]
    (x * 2).sum().backward(inputs=[x])
    assert received[1].tolist() == [20.0, 20.0]
    end()
    x.sum().backward()
    assert x.grad.tolist() == [15, 15] and len(received) == 2
    with pytest.raises(RuntimeError, match="this tensor is computed, by multiply"):
        (x * 2).redirect_grad(received.append)


def test_a_context_around_backward_sees_errors_and_ends() -> None:
    from contextlib import contextmanager

    events: list[Any] = []

    @contextmanager
    def around(loss: Tensor) -> Iterator[None]:
        events.append(loss)
        try:
            yield
        except IndexError:
            events.append("failed")
            raise
        events.append(x.grad.item())

    x = Tensor(3.0, requires_grad=True)
    remove = around_backward(around)
    try:
        good, bad = x * 2, x * 3
        good.backward()
        bad.register_hook(lambda g: [].pop())
        with pytest.raises(IndexError):
            bad.backward()
        nested = x * 4
        nested.register_hook(lambda g: (x * 1).backward())
        nested.backward()
    finally:
        remove()
    (x * 2).backward()
    assert events[0] is good and events[1:2] == [2.0] and events[2] is bad and events[3] == "failed"
    assert events[4] is nested and events[5:] == [7.0]  # the pass inside of another one does not count


def test_what_a_tensor_depends_on() -> None:
    x, y = (Tensor(np.ones(2), requires_grad=True) for _ in range(2))
    out = np.tanh(x) * 2
    assert depends_on(out, [y, x]) and not depends_on(out, [y]) and not depends_on(out.detach(), [x])
    assert not depends_on(out, [Tensor([1.0])])


# -------------------------------------------------------------------------------------- GPUs


def test_synchronised_normalisation_of_one_rank_is_batch_norm() -> None:
    plain, both = nn.BatchNorm2d(3), SyncBatchNorm(3)
    x = np.random.default_rng(0).normal(size=(4, 3, 2, 2)).astype(np.float32)
    np.testing.assert_array_equal(both(Tensor(x)).data, plain(Tensor(x)).data)
    model = nn.Sequential(nn.Linear(2, 3), plain, nn.Sequential(plain))
    weight = plain.weight
    assert SyncBatchNorm.convert_sync_batchnorm(model) is model
    assert type(model[1]) is SyncBatchNorm and model[1] is model[2][0] and model[1].weight is weight
    assert type(SyncBatchNorm.convert_sync_batchnorm(plain)) is SyncBatchNorm


def test_buckets_on_the_stand_in_for_a_gpu(stand_in: Any) -> None:
    model = nn.Linear(3, 2).to("cuda")
    group = distributed.communication.group()
    reducer = buckets.Reducer(group, list(model.named_parameters()), 8)
    for times in (1, 2):
        model(Tensor(np.ones((4, 3), np.float32), device="cuda")).sum().backward()
        assert (model.weight.grad is None) == (times == 1)
        reducer.finish()
        assert model.weight.grad.device == "cuda:0" and (model.weight.grad.cpu().data == 4 * times).all()
    reducer.end()
    assert distributed.all_reduce(model.weight.detach()).device == "cuda:0"
    assert nn.distributed.sum_over_ranks(model.weight).device == "cuda:0"


@pytest.mark.gpu
@pytest.mark.skipif(not __import__("minigrad").cuda_is_available(), reason="needs CuPy and a GPU")
def test_nccl_adds_and_copies_beside_the_backward_pass() -> None:
    import cupy

    from nn.distributed import collectives, nccl

    if nccl.load() is None:
        pytest.skip("needs CuPy with NCCL")
    group = distributed.group.ProcessGroup(None, None, timeout=30)
    for dtype in ("float16", "float32", "float64", "complex64", "int32", "int64"):
        x = cupy.arange(1 << 12, dtype=dtype)
        work = group.start("a sum", collectives.add(group, x))
        assert work.wait() is None and isinstance(group.gpus["cuda:0"], nccl.Nccl)
        for request in group.gpus["cuda:0"].broadcast(x, 0):
            while not request.Test():
                pass
        np.testing.assert_array_equal(x.get(), np.arange(1 << 12).astype(dtype))
