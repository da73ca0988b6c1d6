"""python -m examples: list the examples.

NAME [OPTIONS]             run one
measure NAME [OPTIONS]     run it from five seeds (--seeds N), or once with --full, and keep what it reached
table                      write README.md from what was measured
"""

from __future__ import annotations

import importlib
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
    if name not in load("course").NAMES:
        raise SystemExit(f"there is no example {name!r}; python -m examples lists them")
    return load(name)


def main(argv: list[str]) -> None:
    command, *rest = argv or ["list"]
    if command == "table":
        load("shared.table").write()
    elif command == "measure" and rest:
        load("shared").measure(example(rest[0]), rest[1:])
    elif command == "list":
        load("shared.table").show()
    else:
        load("shared").run(example(command).main, rest)


if __name__ == "__main__":
    main(sys.argv[1:])
