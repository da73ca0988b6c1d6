"""What would fail on another system and is seen here: the encoding of text, and names that Windows has not.

That the compiler's code needs no library on other machines is in test_compiler_loops.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .versions import posix

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("minigrad", "nn", "examples", "benchmarks", "tools", "docs", "tests")
FILES = [*ROOT.glob("*.py"), *(path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")))]

#: Of the modules os and signal, on Linux and macOS alone.
POSIX = {
    "chown", "fchown", "fork", "getegid", "geteuid", "getgid", "getuid", "killpg", "mkfifo", "register_at_fork",
    "sched_getaffinity", "sched_setaffinity", "setsid", "uname", "O_NOFOLLOW", "O_NONBLOCK", "WNOHANG",
    "SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGUSR1", "SIGUSR2", "ITIMER_REAL", "setitimer",
}  # fmt: skip
MODULES = {"fcntl", "grp", "pwd", "resource", "termios"}


def without_encoding(tree: ast.AST) -> Iterator[ast.Call]:
    """Calls that read or write text in the encoding of the system, which on Windows is none for all letters."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or any(k.arg == "encoding" for k in node.keywords):
            continue
        if isinstance(node.func, ast.Attribute):
            place = {"read_text": 0, "write_text": 1}.get(node.func.attr)
            if place is not None and len(node.args) <= place:
                yield node
        if isinstance(node.func, ast.Name) and node.func.id == "open":
            mode = node.args[1] if len(node.args) > 1 else next((k.value for k in node.keywords if k.arg == "mode"), None)
            if mode is None or (isinstance(mode, ast.Constant) and "b" not in str(mode.value)):
                yield node


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when a module is imported, but for what a condition or a `try` guards."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.If, ast.IfExp, ast.Try, ast.Lambda)):
            continue
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for part in (*child.decorator_list, *child.args.defaults):
                yield part
                yield from at_import(part)
            continue
        yield child
        yield from at_import(child)


def of_posix(tree: ast.AST) -> Iterator[str]:
    """Names of POSIX systems that an import needs."""
    for node in at_import(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("os", "signal"):
            if node.attr in POSIX:
                yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.Import):
            yield from MODULES & {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            yield from {f"{node.module}.{a.name}" for a in node.names if node.module in MODULES or a.name in POSIX}


def test_text_is_read_and_written_in_an_encoding_that_is_named() -> None:
    found = [f"{path}:{call.lineno}" for path in FILES for call in without_encoding(ast.parse(path.read_text("utf-8")))]
    assert len(FILES) > 500
    assert not found, "write encoding='utf-8':\n" + "\n".join(found)


def test_no_import_needs_what_windows_has_not() -> None:
    found = [f"{path}: {name}" for path in FILES for name in of_posix(ast.parse(path.read_text("utf-8")))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("code", ["open(p)", "p.read_text()", "p.write_text('é')", "open(p, 'w')", "open(p, mode='a')"])
def test_text_without_an_encoding_is_found(code: str) -> None:
    assert len([*without_encoding(ast.parse(code))]) == 1


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import fcntl", ["fcntl"]),
        ("@mark([signal.SIGKILL])\ndef f(): pass", ["signal.SIGKILL"]),
        ("def f(): os.fork()", []),
        ("if hasattr(os, 'fork'):\n    os.fork()", []),
        ("try:\n    import fcntl\nexcept ImportError:\n    pass", []),
    ],
)
def test_names_of_posix_are_found_where_an_import_needs_them(code: str, found: list[str]) -> None:
    assert [*of_posix(ast.parse(code))] == found


PROGRAM = """
import pathlib, sys
import numpy as np
import nn
from minigrad import Tensor, viz
folder = pathlib.Path(sys.argv[1])
model = nn.Linear(2, 1)
nn.save({"név": np.ones(2), "λ": [1, "é"]}, folder / "weights")
assert nn.load(folder / "weights")["λ"] == [1, "é"]
x = Tensor([1.0, 2.0], requires_grad=True, name="λ")
for name in ("page.html", "graph.tex", "graph.mmd", "graph.json", "graph.dot"):
    made = (viz.explore if name.endswith("html") else viz.export)((x * x).sum(), **{"path": folder / name})
    text = (folder / name).read_text("utf-8")
    assert "λ" in text or "lambda" in text or "\\\\u03bb" in text, name
(folder / "a.csv").write_text("é,y\\n1,2\\n", "utf-8")
assert nn.data.read_csv(folder / "a.csv")[2] == ["é", "y"]
(folder / "vectors").write_text("é 1 2\\n", "utf-8")
assert "é" in nn.text.read_vectors(folder / "vectors").words
"""


@posix
def test_files_hold_every_letter_where_the_system_has_ascii_alone(tmp_path: Path) -> None:
    """As Windows, which has an encoding of its own: here ASCII, and a file without an encoding is an error."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, "utf-8")
    setting = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-X", "warn_default_encoding", "-W", "error::EncodingWarning", str(program), str(tmp_path)]
    done = subprocess.run(command, env=setting, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
