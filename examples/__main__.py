"""python -m examples: list the examples; NAME [OPTIONS]: run one; table: run all, and write examples/README.md."""

from __future__ import annotations

import importlib
import inspect
import shutil
import sys
import time
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent

#: The course, in order.
SECTIONS = {
    "Automatic differentiation": "tanh_derivatives rosenbrock custom_op ode_solver fluid hessian_free hopfield",
    "Linear and shallow": "linear_regression",
}


def load(name: str) -> Any:
    """The module of an example, as if it was run from its folder."""
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    return importlib.import_module(name)


def line(module: Any) -> str:
    """The first line of its docstring."""
    return (inspect.getdoc(module) or "").splitlines()[0]


def table() -> None:
    """Run all examples in their default setting, and write the table of what they reached."""
    import minigrad

    lines = [
        "# The gallery", "",
        "Each script runs without arguments in about a minute on two cores: `python examples/NAME.py`, or `python -m examples NAME`.",
        "`--full` is the published setting, `--data PATH` takes the real data, `--help` lists the options; pictures go to `out/`.",
        "This table is written by `python -m examples table`: the numbers were measured in that run, on two cores.", "",
        "To begin with, [quickstart.py](quickstart.py), and three [notebooks](notebooks).",
    ]  # fmt: skip
    for section, names in SECTIONS.items():
        lines += ["", f"## {section}", "", "| | example | reached | published | time |", "|---|---|---|---|---|"]
        for name in names.split():
            module = load(name)
            print(f"--- {name}")
            minigrad.random.manual_seed(0)
            started = time.perf_counter()
            results = module.main()
            seconds = time.perf_counter() - started
            shown = ""
            if (drawn := Path("out", f"{name}.png")).exists():
                shutil.copy(drawn, FOLDER / "pictures" / f"{name}.png")
                shown = f'<img src="pictures/{name}.png" width="160" alt="">'
            reached = "<br>".join(f"{k}: {f'{v:.4g}' if isinstance(v, float) else v}" for k, v in results.items())
            published = getattr(module, "PUBLISHED", "")
            lines.append(f"| {shown} | [{name}]({name}.py): {line(module)} | {reached} | {published} | {seconds:.0f} s |")
    (FOLDER / "README.md").write_text("\n".join(lines) + "\n")


def main(argv: list[str]) -> None:
    if argv == ["table"]:
        table()
    elif argv:
        names = " ".join(SECTIONS.values()).split()
        if argv[0] not in names:
            raise SystemExit(f"there is no example {argv[0]!r}; python -m examples lists them")
        module = load(argv[0])
        load("shared").run(module.main, getattr(module, "PUBLISHED", ""), argv[1:], **getattr(module, "FULL", {}))
    else:
        for section, names in SECTIONS.items():
            print(f"\n{section}")
            for name in names.split():
                print(f"  {name:<24} {line(load(name))}")


if __name__ == "__main__":
    main(sys.argv[1:])
