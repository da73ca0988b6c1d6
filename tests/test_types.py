"""What type checkers see: the stubs follow the definitions, right uses pass, wrong ones do not."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minigrad import Tensor
from minigrad.primitive import numpy_table

from . import typed_right
from .ops_table import SAMPLES
from .programs import load

ROOT = Path(__file__).resolve().parent.parent
RIGHT, WRONG = ROOT / "tests" / "typed_right.py", ROOT / "tests" / "typed_wrong.py"


def mypy(path: Path, cache: Path) -> dict[int, str]:
    """The errors that mypy finds in a file, by line."""
    pytest.importorskip("mypy", reason="needs mypy: the extra 'lint'")
    options = ["--follow-imports=silent", f"--cache-dir={cache}", str(path)]
    command = [sys.executable, "-m", "mypy", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert not done.stderr, done.stderr
    lines = re.findall(rf"^.*{path.name}:(\d+): error: (.*)$", done.stdout, re.MULTILINE)
    assert len(lines) == done.stdout.count("error:"), done.stdout
    return {int(line): message for line, message in lines}


def pyright(path: Path, cache: Path) -> dict[int, str]:
    """The errors that pyright finds in a file, by line."""
    pytest.importorskip("pyright", reason="needs pyright: the extra 'lint'")
    options = ["--pythonpath", sys.executable, "--outputjson", str(path)]
    command = [sys.executable, "-m", "pyright", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert found["summary"]["filesAnalyzed"] == 1
    problems = [p for p in found["generalDiagnostics"] if p["severity"] == "error"]
    return {p["range"]["start"]["line"] + 1: p["message"] for p in problems}


every_checker = pytest.mark.parametrize("checker", [mypy, pyright])


@every_checker
def test_right_uses_pass(checker: Any, tmp_path: Path) -> None:
    assert checker(RIGHT, tmp_path) == {}


@every_checker
def test_every_wrong_use_is_found_and_nothing_else(checker: Any, tmp_path: Path) -> None:
    lines = enumerate(WRONG.read_text("utf-8").splitlines(), 1)
    marked = {n for n, line in lines if line.endswith("# error")}
    assert len(marked) > 10
    found = checker(WRONG, tmp_path)
    assert set(found) == marked, found


def test_right_uses_run() -> None:
    def leaf() -> Tensor:
        return Tensor(np.ones((3, 3), np.float32), requires_grad=True)

    typed_right.methods_and_operators(leaf())
    typed_right.functions(leaf())
    typed_right.numpy_functions(leaf(), np.ones((3, 3)))
    typed_right.transforms(np.ones(3))
    typed_right.modules(leaf())
    assert typed_right.called_later()(leaf()).shape == (3, 1)


def test_the_stubs_are_what_the_definitions_say() -> None:
    if tuple(map(int, np.__version__.split(".")[:2])) < (2, 4):
        pytest.skip("the stubs show signatures of NumPy 2.4, this one is older")
    show = "import json, stubs; print(json.dumps({str(path): text for path, text in stubs.stubs().items()}))"
    # in a process of its own: ops that other tests define would be methods of Tensor, too
    found = json.loads(subprocess.check_output([sys.executable, "-c", show], cwd=ROOT / "tools", text=True))
    assert len(found) == 5
    for path, text in found.items():
        assert Path(path).read_text("utf-8") == text, f"{path} is out of date: make stubs"


def test_functions_return_what_their_stubs_say() -> None:
    """For every sample of the table of ops whose function is NumPy's own."""
    result_of = load("tools/stubs.py").result_of
    seen = 0
    for name, _, sample in SAMPLES:
        function = numpy_table.get(sample.f) if getattr(sample.f, "__hash__", None) else None
        if function is None:
            continue
        declared = result_of(function.__name__, function)
        out = sample.f(*(Tensor(a) for a in sample.args))
        kind = "Tensor" if isinstance(out, Tensor) else type(out).__name__
        assert declared == "Any" or declared.startswith(kind), f"{name}: {declared} is {kind}"
        seen += 1
    assert seen > 200
