"""Loops as a program for a GPU: few launches, each of which runs stages that do not wait for each other.

The blocks of a launch are dealt out to its stages.  A short stage that waits for one other need not be a launch of its own:
the last block of that other one runs it when it is done, as the *tail* of it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

import numpy as np

from ..c_types import IN_C
from ..formulas import expanded
from ..llvm import all_slots
from ..loops import Loop
from ..spaces import simplified
from ..steps import Load, Store
from .spelling import INSTRUCTIONS
from .stages import needs_of, planned
from .writer import StageWriter

__all__ = ["Launch", "Program", "prelude"]

#: A stage of not more points than this may run in one block, as a tail.
SHORT = 4096
#: The most blocks of a launch; where there is more to do, each does several.
BLOCKS = 2048
#: A launch takes 4096 bytes of parameters, which are addresses here.
PARAMETERS = 500
#: Memory of the loops' own begins at multiples of so many bytes.
ALIGNED = 256


@dataclass(eq=False)
class _Job:
    """A stage of one of the loops, its text, and what it waits for: numbers of earlier jobs.

    Loops that are the same but for their arrays have the text in common.
    """

    loop: int
    name: str
    writer: StageWriter
    slots: tuple[int, ...]  # the array of each operand
    after: frozenset[int]
    reads: set[int]  # the arrays that its loop reads, and those that it writes
    writes: set[int]
    level: int = 0
    tails: list[_Job] = field(default_factory=list)
    memory: dict[str, int] = field(default_factory=dict)  # where each pointer of the loop's own begins, in bytes

    @property
    def points(self) -> int:
        writer = self.writer
        return writer.teams * max(writer.inner_points, *(n for _, n in writer.stage.joined), 1)


@dataclass(frozen=True)
class Launch:
    """A kernel.

    Attributes:
        blocks: how many it has.
        slots: the numbers of the arrays that it takes.
        keeps: whether it takes the memory of the loops' own too.
    """

    name: str
    blocks: int
    slots: tuple[int, ...]
    keeps: bool


class Program:
    """Loops that run one after the other, as CUDA C.

    Args:
        slots: for each loop the numbers of its operands among the arrays of the program; by default the operands of all
            loops in a row, none of which are one array then.

    Attributes:
        source: the kernels, without the prelude.
        launches: in order.
        memory: how many bytes the loops keep; the first ones are counters, which must be 0 before the first launch.

    >>> from minigrad.compiler.steps import Compute, Operand
    >>> x = Operand("float32", (1,))
    >>> program = Program([Loop((1000,), (x, x), (Load(0), Compute("exp", (0,)), Store(1, 1)), "exp")])
    >>> print(program.source)
    // A thread for each point.
    static __device__ void exp_0(int block, int blocks, int points, const float* __restrict__ a0, float* __restrict__ a1) {
        for (int team = block * 256 + (int)threadIdx.x; team < points; team += blocks * 256) {
            const int x0 = team;
            const float v0 = a0[x0];
            const float v1 = exp(v0);
            a1[x0] = v1;
        }
    }
    <BLANKLINE>
    extern "C" __global__ void launch_0(float* a0, float* a1) {
        exp_0(blockIdx.x, 4, 1000, a0, a1);
    }
    """

    def __init__(self, loops: Sequence[Loop], slots: Sequence[Sequence[int]] | None = None) -> None:
        self._jobs: list[_Job] = []
        self._written: dict[str, list[StageWriter]] = {}
        self._functions: dict[str, str] = {}  # the name of each stage that is written, by its text
        for loop, places in zip(loops, all_slots(loops, slots), strict=True):
            self._add(loop, tuple(places))
        launched = self._arranged()
        self.memory = -(-4 * sum(bool(job.tails) for job in launched) // ALIGNED) * ALIGNED
        self._lay_out()
        self.launches: list[Launch] = []
        texts = self._texts()
        for level in range(max((job.level for job in launched), default=-1) + 1):
            for jobs in _in_launches([job for job in launched if job.level == level]):
                texts.append(self._kernel(f"launch_{len(self.launches)}", jobs))
        self.source = "\n\n".join(texts)

    # ------------------------------------------------------------------------------ what waits for what

    def _add(self, loop: Loop, slots: tuple[int, ...]) -> None:
        """The jobs of a loop."""
        key = repr((loop.space, loop.operands, loop.code))
        if key not in self._written:
            self._written[key] = _writers(expanded(simplified(loop), INSTRUCTIONS))
        first = len(self._jobs)
        reads = {slots[step.operand] for step in loop.code if isinstance(step, Load)}
        writes = {slots[step.operand] for step in loop.code if isinstance(step, Store)}
        earlier = {k for k, job in enumerate(self._jobs) if job.writes & (reads | writes) or job.reads & writes}
        for writer in self._written[key]:
            after = frozenset({first + j for j in writer.stage.after} | earlier)
            self._jobs.append(_Job(first, loop.name, writer, slots, after, reads, writes))

    def _arranged(self) -> list[_Job]:
        """The jobs that are launched, each at its level; the others are tails of these."""
        host: dict[int, int] = {}  # the launched job that runs each
        launched: list[_Job] = []
        for k, job in enumerate(self._jobs):
            waits = [self._jobs[host[j]] for j in job.after]
            last = max((other.level for other in waits), default=-1)
            hosts = {host[j] for j in job.after if self._jobs[host[j]].level == last}
            if len(hosts) == 1 and job.points <= SHORT:
                (host[k],) = hosts
                self._jobs[host[k]].tails.append(job)
            else:
                host[k], job.level = k, last + 1
                launched.append(job)
        return launched

    def _texts(self) -> list[str]:
        """The functions: stages of one text are one."""
        alike = Counter(job.writer.text("") for job in self._jobs if job.writer.teams)
        texts = []
        for job in self._jobs:
            key = job.writer.text("")
            if key in alike and key not in self._functions:
                self._functions[key] = re.sub(r"\W", "_", f"{job.name}_{len(self._functions)}")
                texts.append(job.writer.text(self._functions[key], inline=alike[key] == 1))
        return texts

    def _lay_out(self) -> None:
        """Give the parts and results of each loop's reductions their places."""
        places: dict[tuple[int, str], int] = {}
        for job in self._jobs:
            for name, pointer in job.writer.pointers.items():
                if pointer.kind == "a":
                    continue
                if (job.loop, name) not in places:  # which the stage that writes it is the first to ask for
                    places[job.loop, name] = self.memory
                    count = job.writer.teams if pointer.kind == "p" else _results(job.writer.loop, pointer.number)
                    self.memory += -(-count * np.dtype(pointer.dtype).itemsize // ALIGNED) * ALIGNED
                job.memory[name] = places[job.loop, name]

    # ------------------------------------------------------------------------------ kernels

    def _kernel(self, name: str, jobs: list[_Job]) -> str:
        """A launch: the blocks from one number to another run a stage, and its tails when the last of them is done."""
        arrays: dict[int, str] = {}
        lines: list[str] = []
        first, blocks = 0, _shared_out([max(job.writer.blocks, 1) for job in jobs])
        total = sum(blocks)
        for job, count in zip(jobs, blocks, strict=True):
            for one in (job, *job.tails):
                for pointer in one.writer.pointers.values():
                    if pointer.kind == "a":
                        arrays[one.slots[pointer.number]] = IN_C[pointer.dtype]
            block = "blockIdx.x" if first == 0 else f"blockIdx.x - {first}"
            code = [self._call(job, block, count), *self._tail_lines(job, count)]
            if len(jobs) == 1:
                lines += code
            else:
                head = f"if (blockIdx.x < {first + count}) {{" if first + count < total else "{"
                lines += [f"}} else {head}" if first else head, *(f"    {line}" for line in code)]
            first += count
        if len(jobs) > 1:
            lines.append("}")
        slots = tuple(sorted(arrays))
        keeps = any(one.memory or job.tails for job in jobs for one in (job, *job.tails))
        parameters = ", ".join([*(f"{arrays[s]}* a{s}" for s in slots), *(["char* memory"] * keeps)])
        self.launches.append(Launch(name, total, slots, keeps))
        return "\n".join([f'extern "C" __global__ void {name}({parameters}) {{', *(f"    {line}" for line in lines), "}"])

    def _tail_lines(self, job: _Job, blocks: int) -> list[str]:
        if not job.tails:
            return []
        counter = [other for other in self._jobs if other.tails].index(job)
        count = f"(unsigned int*)memory{f' + {counter}' if counter else ''}"
        lines = [f"if (last_to_come({count}, {blocks})) {{"]
        for k, tail in enumerate(job.tails):
            lines += ["    __syncthreads();"] * bool(k) + ["    " + self._call(tail, "0", 1)]
        return [*lines, "}"]

    def _call(self, job: _Job, block: str, blocks: int) -> str:
        if not job.writer.teams:
            return f"// {job.name}: nothing to do"
        given = [str(job.writer.points)] * job.writer.any_length
        for name, pointer in job.writer.pointers.items():
            if pointer.kind == "a":
                given.append(f"a{job.slots[pointer.number]}")
            else:
                given.append(f"({IN_C[pointer.dtype]}*)(memory + {job.memory[name]})")
        return f"{self._functions[job.writer.text('')]}({', '.join([block, str(blocks), *given])});"


def _shared_out(blocks: list[int]) -> list[int]:
    """How many blocks each stage of a launch gets: what it asks for, or its share of the most.

    >>> _shared_out([1, 300]), _shared_out([1, 3000, 3000])
    ([1, 300], [1, 1023, 1023])
    """
    total = sum(blocks)
    return blocks if total <= BLOCKS else [max(1, n * BLOCKS // total) for n in blocks]


def _in_launches(jobs: list[_Job]) -> Iterator[list[_Job]]:
    """Jobs that may run at the same time, as many in a launch as its parameters hold."""
    group: list[_Job] = []
    count = 0
    for job in jobs:
        own = sum(len(one.writer.pointers) for one in (job, *job.tails))
        if group and count + own > PARAMETERS:
            yield group
            group, count = [], 0
        group, count = [*group, job], count + own
    if group:
        yield group


def _writers(loop: Loop) -> list[StageWriter]:
    """The stages of a simplified loop of operations that CUDA has."""
    stages = planned(loop)
    made = [{*stage.roots, *(r for r, _ in stage.joined)} for stage in stages]
    kept = frozenset(r for k, s in enumerate(stages) for i in s.roots for r in needs_of(loop, i) if r not in made[k])
    return [StageWriter(loop, stage, kept) for stage in stages]


def _results(loop: Loop, reduce: int) -> int:
    """How many results a reduction has."""
    return math.prod(loop.space[a] for a in loop.axes[reduce])


def prelude() -> str:
    """What stands before the source of every program."""
    return (files(__package__) / "prelude.cu").read_text("utf-8")
