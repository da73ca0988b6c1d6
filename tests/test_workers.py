"""Workers of the DataLoader: draws that do not depend on them, streams, errors, and how they end."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import os
import pickle
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from nn.data import (
    ChainDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    TensorDataset,
    get_worker_info,
)

from .test_fork import in_child

FORK = {"workers": "processes", "multiprocessing_context": "fork"}
KINDS: dict[str, dict[str, Any]] = {
    "none": {},
    "one thread": {"num_workers": 1},
    "threads": {"num_workers": 3, "prefetch_factor": 1},
    "persistent threads": {"num_workers": 2, "persistent_workers": True},
    "spawned": {"num_workers": 2, "workers": "processes", "persistent_workers": True},
    "forked": {"num_workers": 2, **FORK},
    "persistent forked": {"num_workers": 3, "persistent_workers": True, **FORK},
    "fork server": {"num_workers": 1, "workers": "processes", "multiprocessing_context": "forkserver"},
}  # fmt: skip
#: Kinds that take no second to start.
QUICK = [kind for kind in KINDS if kind not in ("spawned", "fork server")]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="this system does not fork")


@pytest.fixture(autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    threads = threading.active_count()
    yield
    if multiprocessing.active_children() or threading.active_count() > threads:
        gc.collect()  # what still holds them; in a large process it takes a second
    assert multiprocessing.active_children() == []
    assert threading.active_count() <= threads


def from_minigrad() -> float:
    return mg.random.uniform().item()


def from_numpy() -> float:
    return float(np.random.randn())


def from_python() -> float:
    return random.random()


def from_each() -> np.ndarray:
    return np.array([from_minigrad(), from_numpy(), from_python()])


class Noise(Dataset):
    """Items drawn from generators, of which some come late; where `only` is given no other draws."""

    def __init__(self, draw: Callable[[], Any], only: int | None = None, n: int = 9) -> None:
        self.draw, self.only, self.n = draw, only, n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> Any:
        time.sleep(0.002 * (index % 3))
        return self.draw() if self.only in (None, index) else 0.0


class Holds(Dataset):
    """Draws from generators that it, or what it holds, has of its own."""

    def __init__(self, seed: int = 0) -> None:
        self.generator = np.random.default_rng(seed)
        old = np.random.RandomState(seed)
        self.transforms = [lambda x: x + 10 * old.rand()]
        self.pythons = {"a": random.Random(seed)}

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> float:
        return self.transforms[0](self.generator.normal()) + self.pythons["a"].random()


def augmented(items: list[Any]) -> mg.Tensor:
    return mg.Tensor(np.array(items) + from_numpy() + from_python() + from_minigrad())


def numbers(loader: DataLoader) -> list[float]:
    return [value for batch in loader for value in np.ravel(batch.numpy()).tolist()]


def states() -> bytes:
    return pickle.dumps((np.random.get_state(legacy=False), random.getstate(), mg.random.get_state()))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore:DataLoader. items of")
def test_draws_of_items_depend_on_seed_epoch_and_place_alone(kind: str) -> None:
    """They differ from item to item and from epoch to epoch, and do not move the caller's generators."""
    expected = DataLoader(Noise(from_each), 1, seed=7)
    first, second = numbers(expected), numbers(expected)
    loader = DataLoader(Noise(from_each), 2, seed=7, **KINDS[kind])
    before = states()
    assert [numbers(loader), numbers(loader)] == [first, second]
    assert states() == before
    assert len({*first, *second}) == 3 * 18
    assert not set(first) & set(numbers(DataLoader(Noise(from_each), 2, seed=8)))


@pytest.mark.parametrize("kind", QUICK)
@pytest.mark.filterwarnings("ignore:DataLoader. items of")
def test_draws_of_collate_fn_do_not_depend_on_the_workers(kind: str) -> None:
    options = {"shuffle": True, "seed": 3, "collate_fn": augmented}
    expected = numbers(DataLoader(Noise(from_python), 2, **options))
    assert numbers(DataLoader(Noise(from_python), 2, **options, **KINDS[kind])) == expected
    assert len(set(expected)) == 9


@pytest.mark.parametrize("kind", QUICK)
@pytest.mark.parametrize("draw", [from_numpy, from_python])
@pytest.mark.filterwarnings("ignore:DataLoader. items of")
def test_an_item_that_draws_where_others_do_not(kind: str, draw: Callable[[], float]) -> None:
    data = Noise(draw, only=7)
    assert numbers(DataLoader(data, 2, seed=1, **KINDS[kind])) == numbers(DataLoader(data, 2, seed=1))


@pytest.mark.parametrize("kind", QUICK)
@pytest.mark.filterwarnings("ignore:DataLoader. items of")
def test_generators_that_a_data_set_holds_are_seeded_for_each_item(kind: str) -> None:
    data = Holds()
    expected = DataLoader(data, 2, seed=7)
    first, second = numbers(expected), numbers(expected)
    loader = DataLoader(Holds(), 3, seed=7, **KINDS[kind])
    assert [numbers(loader), numbers(loader)] == [first, second]
    assert len({*first, *second}) == 12
    assert not set(first) & set(numbers(DataLoader(Holds(1), 2, seed=7)))
    assert data.generator.random() == np.random.default_rng(0).random()


MODULES = np.random.default_rng(3)


def helper() -> float:
    return MODULES.random()


def from_module() -> float:
    return helper()


def from_default(generator: np.random.Generator = np.random.default_rng(4)) -> float:  # noqa: B008
    return generator.random()


def from_argument(generator: np.random.Generator) -> float:
    return generator.random()


class Slotted:
    __slots__ = ("generator",)

    def __init__(self) -> None:
        self.generator = np.random.default_rng(5)

    def __call__(self) -> float:
        return self.generator.random()


class OfClass:
    generator = random.Random(6)

    def __call__(self) -> float:
        return self.generator.random()


class Global(Noise):
    """Items that reach a generator through the name of a module's variable alone."""

    def __getitem__(self, index: int) -> float:
        return [MODULES.random() for _ in range(1)][0]


class Several:
    """Draws from generators that it reaches in different ways, of which no two lead to the same one."""

    def __init__(self) -> None:
        self.partial = partial(from_argument, np.random.default_rng(7))
        self.slots, self.of_class, self.method = Slotted(), OfClass(), np.random.default_rng(8).random
        self.by_default = from_default

    def __call__(self) -> np.ndarray:
        return np.array([self.partial(), self.slots(), self.of_class(), self.method(), self.by_default()])


REACHED = {
    "by a function's global": lambda: Noise(from_module),
    "by a method's global": lambda: Global(from_minigrad),
    "by a partial, in slots, of a class, by its method, by a default": lambda: Noise(Several()),
}


@pytest.mark.parametrize("kind", QUICK)
@pytest.mark.parametrize("made", REACHED.values(), ids=REACHED)
@pytest.mark.filterwarnings("ignore:DataLoader. items of")
def test_generators_that_items_reach_are_seeded_for_each_item(kind: str, made: Callable[[], Noise]) -> None:
    before = MODULES.bit_generator.state
    expected = DataLoader(made(), 2, seed=7)
    first, second = numbers(expected), numbers(expected)
    loader = DataLoader(made(), 3, seed=7, **KINDS[kind])
    assert [numbers(loader), numbers(loader)] == [first, second]
    assert len(first) % 9 == 0 and len({*first, *second}) == 2 * len(first)
    assert MODULES.bit_generator.state == before


def test_a_spawned_process_seeds_the_generators_of_its_own_modules() -> None:
    expected = numbers(DataLoader(Global(from_module), 2, seed=7))
    MODULES.random()  # what the caller draws between two epochs goes to the processes, too
    options = {"num_workers": 2, "workers": "processes", "multiprocessing_context": "spawn"}
    moved = numbers(DataLoader(Global(from_module), 2, seed=7))
    assert numbers(DataLoader(Global(from_module), 2, seed=7, **options)) == moved != expected


class Modelled(Dataset):
    """Items that a model makes."""

    def __init__(self) -> None:
        self.weight = mg.Tensor([2.0], requires_grad=True)

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> float:
        return float((self.weight * index).requires_grad)


@pytest.mark.parametrize("kind", KINDS)
def test_workers_have_the_callers_grad_mode(kind: str) -> None:
    loader = DataLoader(Modelled(), 1, **KINDS[kind])
    with mg.no_grad():
        assert numbers(loader) == [0.0] * 4
    assert numbers(loader) == [1.0] * 4


def test_threads_warn_where_items_draw_from_generators_that_threads_share() -> None:
    with pytest.warns(UserWarning, match=r"items of Noise draw .* minigrad.random, or use workers='processes'"):
        numbers(DataLoader(Noise(from_numpy), 2, num_workers=2))
    loader = DataLoader(Noise(from_minigrad), 2, num_workers=2)
    where = DataLoader(Where(), 1, num_workers=2)
    numbers(loader)
    assert {name.partition(" data")[0] for (name,) in where} >= {"minigrad"}


class Where(Dataset):
    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> str:
        return threading.current_thread().name


@pytest.mark.filterwarnings("ignore:DataLoader. something draws")
def test_the_callers_own_draws_do_not_change_the_items() -> None:
    """A loop that draws from np.random between its batches sees the items that it would see without."""
    expected = numbers(DataLoader(Noise(from_minigrad, n=40), 1, seed=2))
    found = []
    for batch in DataLoader(Noise(from_minigrad, n=40), 1, seed=2, num_workers=2):
        np.random.rand()
        found.append(batch.item())
    assert found == expected


# --------------------------------------------------------------------------------- streams


class Numbers(IterableDataset):
    """0, 1 ... n - 1, shared among the workers; with a draw behind the point."""

    def __init__(self, n: int = 10, draw: Callable[[], float] | None = None) -> None:
        self.n, self.draw = n, draw

    def __iter__(self) -> Iterator[float]:
        info = get_worker_info()
        start, step = (0, 1) if info is None else (info.id, info.num_workers)
        for i in range(start, self.n, step):
            yield i + (0.0 if self.draw is None else abs(self.draw()) % 1)


@pytest.mark.parametrize("kind", QUICK)
def test_workers_share_a_stream(kind: str) -> None:
    options = KINDS[kind]
    loader = DataLoader(Numbers(), 2, **options)
    for _ in range(2):
        assert sorted(numbers(loader)) == list(range(10))
    with pytest.raises(TypeError, match="defines no __len__"):
        len(loader)
    full = list(DataLoader(Numbers(30), 4, drop_last=True, **options))
    assert full and all(len(batch) == 4 for batch in full)


@pytest.mark.parametrize("kind", QUICK)
def test_a_stream_goes_on_from_a_state(kind: str) -> None:
    loader = DataLoader(Numbers(), 2, **KINDS[kind])
    batches = iter(loader)
    seen = [next(batches).tolist() for _ in range(2)]
    again = DataLoader(Numbers(), 2, **KINDS[kind])
    again.load_state_dict(loader.state_dict())
    rest = [batch.tolist() for batch in again]
    assert rest == [batch.tolist() for batch in batches]
    assert len(seen) + len(rest) == len(list(loader))


@pytest.mark.filterwarnings("ignore:DataLoader. items of")
def test_draws_of_a_stream_are_the_same_in_threads_and_processes() -> None:
    for draw in (from_minigrad, from_numpy, from_python):
        data = Numbers(12, draw)
        found = [numbers(DataLoader(data, 2, num_workers=2, seed=1, **k)) for k in ({}, FORK)]
        assert found[0] == found[1]
        assert numbers(DataLoader(data, 2, seed=1)) == numbers(DataLoader(data, 2, seed=1, num_workers=1))
        assert len({x % 1 for x in found[0]}) == 12


def test_an_endless_stream() -> None:
    class Endless(IterableDataset):
        def __iter__(self) -> Iterator[int]:
            while True:
                yield 1

    for options in ({}, {"num_workers": 2}):
        batches = iter(DataLoader(Endless(), 3, **options))
        assert [next(batches).tolist() for _ in range(5)] == [[1, 1, 1]] * 5


def test_streams_refuse_orders() -> None:
    for options in ({"shuffle": True}, {"sampler": [0]}, {"batch_sampler": [[0]]}):
        with pytest.raises(ValueError, match="IterableDataset decides its order itself"):
            DataLoader(Numbers(), **options)
    assert list(Numbers(2) + Numbers(1)) == [0.0, 1.0, 0.0]
    with pytest.raises(TypeError, match="ChainDataset takes IterableDatasets, got list"):
        ChainDataset([[1]])
    with pytest.raises(TypeError, match="no items by number"):
        Numbers()[0]


# ------------------------------------------------------------------- who the workers are


class Infos(Dataset):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> list[int]:
        info = get_worker_info()
        assert info is not None and info.dataset.first is not None
        return [info.id, info.num_workers, info.seed, info.dataset.first]


def remember(worker: int) -> None:
    info = get_worker_info()
    assert info is not None and info.id == worker
    info.dataset.first = int(np.random.randint(1000))


@pytest.mark.parametrize("options", [{}, FORK, {"workers": "processes"}])
def test_workers_know_who_they_are(options: dict[str, Any]) -> None:
    before = states()
    loader = DataLoader(Infos(), 1, num_workers=2, worker_init_fn=remember, seed=1, **options)
    first, second = ([np.ravel(x).tolist() for x in loader] for _ in range(2))
    assert [row[:2] for row in first] == [[0, 2], [1, 2], [0, 2], [1, 2]]
    assert first[0][2] == first[2][2] != first[1][2]
    assert {row[2] for row in first}.isdisjoint(row[2] for row in second)
    assert get_worker_info() is None
    assert states() == before


class Pid(Dataset):
    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> int:
        return os.getpid()


def test_persistent_workers_stay_from_epoch_to_epoch() -> None:
    def pids(persistent: bool) -> set[int]:
        loader = DataLoader(Pid(), 1, num_workers=2, persistent_workers=persistent, **FORK)
        next(iter(loader))  # which leaves batches that nobody collects
        return {b.item() for _ in range(2) for b in loader}

    assert len(pids(True)) == 2
    assert len(pids(False)) == 4


def test_processes_have_the_callers_default_dtype() -> None:
    mg.set_default_dtype("float64")
    try:
        loader = DataLoader([0.5, 1.5], 2, num_workers=1, workers="processes")
        assert next(iter(loader)).dtype == np.float64
    finally:
        mg.set_default_dtype("float32")


# -------------------------------------------------------------------------------- errors


class Own(Exception):
    """An error that cannot be sent: it needs two arguments."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__(f"{a} and {b}")


class Fails(Dataset):
    def __init__(self, error: str) -> None:
        self.error = error

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> Any:
        if index == 7:
            if self.error == "own":
                raise Own(1, 2)
            if self.error == "stop":
                return next(iter([]))
            if self.error == "end":
                os._exit(3)
            if self.error == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.error == "hang":
                time.sleep(3600)
            return {}["key of item"] if self.error == "key" else None
        return index


def said(error: BaseException) -> str:
    return " ".join([str(error), *getattr(error, "__notes__", [])])


@pytest.mark.parametrize("kind", QUICK)
def test_an_error_says_which_item_and_where(kind: str) -> None:
    with pytest.raises(KeyError) as caught:
        list(DataLoader(Fails("key"), 2, **KINDS[kind]))
    assert "item 7 of the Fails" in said(caught.value)
    lines = "".join([str(entry) for entry in caught.traceback]) + said(caught.value)
    assert 'return {}["key of item"]' in lines
    with pytest.raises((Own, RuntimeError), match="1 and 2"):
        list(DataLoader(Fails("own"), 2, **KINDS[kind]))
    with pytest.raises(RuntimeError, match="item 7 of the Fails raised StopIteration"):
        list(DataLoader(Fails("stop"), 2, **KINDS[kind]))
    with pytest.raises(TypeError, match="item 7 of the Fails is None"):
        list(DataLoader(Fails("none"), 2, **KINDS[kind]))


def test_a_process_that_ends_says_how() -> None:
    with pytest.raises(RuntimeError, match="worker process 1 ended with exit code 3"):
        list(DataLoader(Fails("end"), 2, num_workers=2, **FORK))
    with pytest.raises(RuntimeError, match=r"ended by SIGKILL.*memory"):
        list(DataLoader(Fails("kill"), 2, num_workers=2, **FORK))


@pytest.mark.parametrize("options", [FORK, {}])
def test_a_worker_that_hangs_meets_the_timeout(options: dict[str, Any]) -> None:
    data = Fails("hang") if options else Waits(threading.Event())
    try:
        with pytest.raises(RuntimeError, match="no batch came within timeout=0.5 seconds"):
            list(DataLoader(data, 2, num_workers=2, timeout=0.5, **options))
    finally:
        if isinstance(data, Waits):
            data.event.set()
            time.sleep(0.1)


@pytest.mark.parametrize("options", [FORK, {}])
def test_a_worker_that_hangs_in_an_epoch_given_up_does_not_stop_the_next(
    options: dict[str, Any],
) -> None:
    """A persistent worker is at an item that nobody waits for any more; new ones take over."""
    event = threading.Event()  # in a process a copy of it, which nobody sets
    data = Waits(event)
    loader = DataLoader(data, 1, num_workers=1, timeout=0.5, prefetch_factor=6, persistent_workers=True, **options)
    try:
        batches = iter(loader)
        next(batches)
        time.sleep(0.1)  # until the worker is at item 5
        batches.close()
        assert next(iter(loader)).tolist() == [0]
    finally:
        event.set()
        del batches, loader
        time.sleep(0.1)


@pytest.mark.parametrize("batches_read", [1, 6])
def test_a_killed_idle_worker_is_replaced(batches_read: int) -> None:
    """Also where it had work left that nobody waits for any more."""
    loader = DataLoader(Pid(), 1, num_workers=1, persistent_workers=True, **FORK)
    batches = iter(loader)
    killed = {int(next(batches)) for _ in range(batches_read)}
    batches.close()
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    while multiprocessing.active_children():
        time.sleep(0.01)
    again = {int(pid) for pid in loader}
    assert len(again) == 1 and not again & killed
    del batches, loader


class Waits(Dataset):
    def __init__(self, event: threading.Event) -> None:
        self.event = event

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> int:
        if index == 5:
            self.event.wait()
        return index


def test_what_cannot_be_sent_to_a_process_is_named() -> None:
    with pytest.raises(TypeError, match=r"cannot be sent to a worker process.*workers='threads'"):
        list(DataLoader([1, 2], 2, num_workers=1, workers="processes", collate_fn=lambda x: x))
    assert list(DataLoader([1, 2], 2, num_workers=1, collate_fn=lambda x: x, **FORK)) == [[1, 2]]


def test_large_batches_and_long_lists_of_indices_do_not_block_each_other() -> None:
    data = TensorDataset(np.zeros((60_000, 8)))
    loader = DataLoader(data, 20_000, num_workers=1, prefetch_factor=3, shuffle=True, **FORK)
    assert sum(len(x) for (x,) in loader) == 60_000


# ----------------------------------------------------------------------- how workers end


@pytest.mark.parametrize("kind", QUICK)
def test_workers_end_with_their_iteration(kind: str) -> None:
    """After a loop that is broken off, one that ends, one that fails, and an iterator that is given up."""
    threads = threading.active_count()
    loader = DataLoader(Noise(from_minigrad, n=50), 2, **KINDS[kind])
    for _ in loader:
        break
    batches = iter(loader)
    next(batches)
    del batches
    iter(loader)
    list(loader)
    del loader
    assert multiprocessing.active_children() == []
    assert threading.active_count() == threads


@pytest.mark.parametrize("kind", ["persistent threads", "persistent forked"])
def test_a_forked_process_leaves_its_parents_workers_alone(kind: str) -> None:
    loader = DataLoader(Noise(from_minigrad, n=12), 2, seed=1, **KINDS[kind])
    first, second = iter(loader), list(loader)
    next(first)

    def in_fork() -> list[Any]:
        with pytest.raises(RuntimeError, match="does not go on in a forked process"):
            next(first)
        again = [len(numbers(loader)), len(numbers(loader))]
        vars(loader)["_idle"].close()
        return again

    assert in_child(in_fork) == [12, 12]
    assert len(list(first)) == 5
    assert len(second) == len(list(loader)) == 6


def run(folder: Path, program: str) -> subprocess.Popen[str]:
    path = folder / "program.py"
    path.write_text(textwrap.dedent(program), "utf-8")
    return subprocess.Popen([sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def lives(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


HANGS = """
    import multiprocessing, sys, time
    from nn.data import DataLoader, Dataset

    class Hangs(Dataset):
        def __len__(self): return 100
        def __getitem__(self, i):
            if i > 3: time.sleep(3600)
            return i

    if __name__ == "__main__":
        loader = DataLoader(Hangs(), 2, num_workers=2, workers="processes", multiprocessing_context={context!r})
        batches = iter(loader)
        next(batches)
        try:
            print(*[p.pid for p in multiprocessing.active_children()], flush=True)
            list(batches)
        except KeyboardInterrupt:
            del batches  # in which the signal may not have found it yet
            print("interrupted", len(multiprocessing.active_children()), flush=True)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system has no /proc")
@pytest.mark.parametrize("context", ["spawn", "fork", "forkserver"])
@pytest.mark.parametrize("end", ["SIGKILL", "SIGINT"])
def test_hanging_workers_end_when_their_parent_is_killed_or_interrupted(
    tmp_path: Path, context: str, end: str
) -> None:
    parent = run(tmp_path, HANGS.format(context=context))
    assert parent.stdout is not None
    workers = [int(pid) for pid in parent.stdout.readline().split()]
    parent.send_signal(getattr(signal, end))
    out, _ = parent.communicate(timeout=60)
    assert len(workers) == 2
    if end == "SIGINT":
        assert out == "interrupted 0\n"
    for _ in range(200):
        if not any(map(lives, workers)):
            break
        time.sleep(0.05)
    left = [pid for pid in workers if lives(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


def test_a_script_without_a_guard_gets_advice(tmp_path: Path) -> None:
    program = """
        import os
        from nn.data import DataLoader
        parent = "PARENT" not in os.environ
        os.environ["PARENT"] = "1"
        try:
            list(DataLoader([1, 2], num_workers=1, workers="processes"))
        except RuntimeError as error:
            if not parent:
                raise
            print(error)
    """
    out, _ = run(tmp_path, program).communicate(timeout=60)
    assert "if __name__ == '__main__':" in out and "workers='threads'" in out


def test_a_copy_of_a_loader_has_its_place_and_workers_of_its_own() -> None:
    loader = DataLoader(list(range(8)), 2, True, seed=1, num_workers=2, persistent_workers=True)
    list(loader)
    again = copy.deepcopy(loader)
    assert [b.tolist() for b in again] == [b.tolist() for b in loader]
