"""JavaScript for tests: Node, or a headless Chromium where there is none."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.compiler.javascript.functions import Functions, runtime
from minigrad.compiler.javascript.writer import written
from minigrad.compiler.loops import Loop

from .browser import CHROMIUM, chromium

__all__ = ["MISSING", "NODE", "Engine", "encoded", "engine"]

NODE = shutil.which("node") or shutil.which("nodejs")
#: What a test says that cannot run.
MISSING = "needs node, or chromium and playwright"
_SERVER = """
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  let reply;
  try { reply = { answer: answer(JSON.parse(line)) }; } catch (error) { reply = { error: String(error.stack) }; }
  process.stdout.write(JSON.stringify(reply) + "\\n");
});
"""


def encoded(x: Any) -> str:
    """Numbers as float64."""
    with np.errstate(all="ignore"):  # memory that nobody has written holds anything
        return b64encode(np.ascontiguousarray(x, np.float64).tobytes()).decode()


class Engine:
    """Runs loops and programs in JavaScript.

    Attributes:
        functions: the loops that have been written, of which those after `known` are still to be sent.
    """

    def __init__(self, ask: Any) -> None:
        self._ask, self.functions, self._known = ask, Functions(), 0

    def _define(self) -> None:
        texts = self.functions.texts[self._known :]
        if texts:
            self._ask({"what": "define", "script": f"minigrad.define((m) => [{','.join(texts)}])"})
        self._known += len(texts)

    def run_loops(self, loops: Sequence[Loop], arrays: Sequence[Sequence[Any]]) -> None:
        """Run each loop on its arrays, and write into them what it writes."""
        requests, memories = [], []
        for loop, own in zip(loops, arrays, strict=True):
            text = written(loop)
            memory = [_memory_of(a) for a in own]
            places = [
                [i, first + (0 if i in text.explicit else operand.offset)]
                for i, ((_, first), operand) in enumerate(zip(memory, text.loop.operands, strict=True))
            ]
            numbers = _with_offsets(text, memory)
            requests.append(
                {
                    "number": self.functions.number(text.text, text.dtypes),
                    "arrays": [[str(flat.dtype), encoded(flat)] for flat, _ in memory],
                    "places": [[i, 0 if i in text.explicit else at] for i, at in places],
                    "scratch": [list(s) for s in text.scratch],
                    "numbers": numbers,
                }
            )
            memories.append(memory)
        self._define()
        for memory, answer in zip(memories, self._ask({"what": "loops", "loops": requests}), strict=True):
            for (flat, _), data in zip(memory, answer, strict=True):
                with np.errstate(all="ignore"):
                    flat[...] = _decoded(data).astype(flat.dtype)

    def evaluate(self, script: str, description: dict[str, Any]) -> Any:
        """What a script gives, of a description."""
        self._define()
        return self._ask({"what": "evaluate", "script": script, "description": description})

    def run_programs(self, programs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """What programs compute: see javascript_engine.js."""
        self._define()
        answers = self._ask({"what": "programs", "programs": programs})
        for answer in answers:
            answer["inputs"] = list(map(_decoded, answer["inputs"]))
            for found in answer["found"]:
                found["values"] = list(map(_decoded, found["values"]))
        return answers


def _decoded(text: str) -> np.ndarray:
    return np.frombuffer(b64decode(text), np.float64)


def _memory_of(array: Any) -> tuple[Any, int]:
    """All the memory that an array looks at, in a row, and where its first element is in it."""
    low, high = np.lib.array_utils.byte_bounds(array)
    if not array.size:
        return np.empty(0, array.dtype), 0
    first = array.__array_interface__["data"][0] - low
    base = np.ndarray(((high - low) // array.itemsize,), array.dtype, _Bytes(array, low, high - low))
    return base, first // array.itemsize


class _Bytes:
    """Memory around an array, which is kept alive."""

    def __new__(cls, array: Any, start: int, size: int) -> Any:
        import ctypes

        memory = (ctypes.c_char * size).from_address(start)
        memory._array = array  # type: ignore[attr-defined]
        return memory


def _with_offsets(text: Any, memory: Sequence[tuple[Any, int]]) -> list[int]:
    """The numbers of a call, in which the offset of an operand that goes back counts from where its memory begins."""
    names = [n.strip() for n in text.text[1 : text.text.index(")")].split(",") if n.strip()]
    names = names[len(text.loop.operands) + len(text.scratch) :]
    return [
        value + memory[int(name[1:])][1] if name.startswith("o") else value
        for name, value in zip(names, text.numbers, strict=True)
    ]


@contextmanager
def engine() -> Iterator[Engine]:
    """JavaScript that waits for requests; None where there is none."""
    script = runtime() + (Path(__file__).parent / "javascript_engine.js").read_text(encoding="utf-8")
    if NODE is not None:
        process = subprocess.Popen([NODE, "-e", script + _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Engine(lambda request: _asked(process, request))
        finally:
            process.stdin.close()
            process.wait()
        return
    page = chromium().new_page()
    page.add_script_tag(content=script)
    yield Engine(lambda request: page.evaluate("(request) => answer(request)", request))


def _asked(process: Any, request: Any) -> Any:
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    reply = json.loads(process.stdout.readline())
    assert "error" not in reply, reply["error"]
    return reply["answer"]


def available() -> bool:
    """Whether there is JavaScript here."""
    return NODE is not None or (CHROMIUM is not None and importlib.util.find_spec("playwright") is not None)
