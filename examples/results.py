"""What is known of the examples without running or importing them: what they say of themselves, and what was measured."""

from __future__ import annotations

import ast
import json
import statistics
from functools import cache
from pathlib import Path
from typing import Any

from minigrad.files import write_whole

FOLDER = Path(__file__).parent
MEASURED, PICTURES = FOLDER / "measured", FOLDER / "pictures"
#: What results are compared with; their names begin so.
BESIDE = ("chance", "baseline", "ceiling", "floor")


@cache
def source(name: str) -> ast.Module:
    """The syntax tree of an example."""
    return ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))


def docstring(name: str) -> str:
    """What an example says of itself."""
    return ast.get_docstring(source(name)) or ""


def title(name: str) -> str:
    """The first sentence of an example's docstring, on however many lines."""
    return " ".join(docstring(name).split("\n\n")[0].split())


def constant(name: str, which: str) -> ast.expr | None:
    """The value of a constant of an example, such as `PUBLISHED` or `FULL`, as it is written; None where it has none."""
    for statement in source(name).body:
        if isinstance(statement, ast.Assign) and [ast.unparse(target) for target in statement.targets] == [which]:
            return statement.value
    return None


def published(name: str) -> str:
    """What the source of an example reached."""
    found = constant(name, "PUBLISHED")
    return str(ast.literal_eval(found)) if found else ""


def kept(name: str) -> list[dict[str, Any]]:
    """The measurements of an example."""
    path = MEASURED / f"{name}.json"
    try:
        return json.loads(path.read_text("utf-8")) if path.exists() else []
    except json.JSONDecodeError as error:
        raise SystemExit(f"{path} cannot be read ({error}): delete it, and measure again") from error


def keep(name: str, found: dict[str, Any]) -> None:
    """Put a measurement beside those of other options of the same example."""
    others = [other for other in kept(name) if other.get("options") != found.get("options")]
    text = json.dumps(sorted([*others, found], key=lambda m: m.get("options", "")), indent=1, allow_nan=False)
    MEASURED.mkdir(exist_ok=True)
    write_whole(MEASURED / f"{name}.json", (text + "\n").encode())


def summary(values: list[Any]) -> str:
    """Of numbers the median, and the range over the seeds if it shows; of anything else what the first seed gave."""
    middle, between = median(values), spread(values)
    return f"{middle} ({between})" if between else middle


def median(values: list[Any]) -> str:
    """Of numbers the median; of truths how many; of anything else what the first seed gave."""
    if isinstance(values[0], bool):
        return str(values[0]) if len(set(values)) == 1 else f"{sum(values)} of {len(values)} True"
    if any(isinstance(value, str) for value in values):
        return str(values[0])
    return number(statistics.median(values))


def spread(values: list[Any]) -> str:
    """The range of numbers, if it shows in three digits."""
    if any(isinstance(value, (bool, str)) for value in values):
        return ""
    low, high = number(min(values)), number(max(values))
    return "" if low == high else f"{low} to {high}"


def number(value: float) -> str:
    """Three digits, or all of those before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def seeds(measured: dict[str, Any]) -> str:
    """From how many seeds a measurement is."""
    count = len(next(iter(measured["results"].values())))
    return "1 seed" if count == 1 else f"{count} seeds"
