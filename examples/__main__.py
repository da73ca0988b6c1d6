"""python -m examples            list the examples

python -m examples NAME [OPTIONS]             run one
python -m examples NAME --help                what it shows, and its options
python -m examples measure NAME [OPTIONS]     run it from five seeds (--seeds N), or once with --full, and keep what it reached
python -m examples pages [NAME ...]           write eight living pages to out/pages/, from a formula to a step of a GAN
python -m examples table                      write README.md from what was measured

Pictures, logs and what a run with --full keeps go to out/ in the folder where you are.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def load(name: str) -> Any:
    """The module of an example, as if it was run from its folder."""
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    return importlib.import_module(name)


def example(name: str) -> Any:
    """The module of an example that the course has."""
    names = load("course").NAMES
    if name not in names:
        near = difflib.get_close_matches(name, [*names, "measure", "pages", "table"])
        meant = f"; did you mean {' or '.join(near)}?" if near else ""
        raise SystemExit(f"there is no example {name!r}{meant}; python -m examples lists them")
    return load(name)


def main(argv: list[str]) -> None:
    command, *rest = argv or ["list"]
    if command in ("-h", "--help", "help"):
        print(__doc__)
    elif command == "table":
        load("shared.table").write()
    elif command == "pages":
        sys.path.insert(0, str(FOLDER))
        importlib.import_module("pages").write(rest)
    elif command == "measure":
        if not rest or rest[0].startswith("-"):
            raise SystemExit("which example? python -m examples measure NAME [OPTIONS]")
        with load("shared.resuming").quietly():
            load("shared").measure(example(rest[0]), rest[1:])
    elif command == "list":
        load("shared.table").show()
    else:
        load("shared").run(example(command).main, rest)


if __name__ == "__main__":
    if not sys.stderr.isatty():  # a bar of progress would fill a log
        os.environ.setdefault("TQDM_DISABLE", "1")
    try:
        main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # who reads, head for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
