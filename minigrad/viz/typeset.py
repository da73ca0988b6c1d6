"""An explanation as a text that is typeset: LaTeX, and Markdown with formulas in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .formula import Formula
from .latex import latex as latex_of
from .latex import latex_of_name, latex_of_number, latex_with_numbers
from .numbers import number

if TYPE_CHECKING:
    from .explain import Explained

__all__ = ["latex", "markdown"]


def latex(steps: Sequence[Explained], legend: str) -> str:
    """The forward and the backward pass as aligned equations."""
    backward = [line for step in _passed(steps) for line in _gradient(step)]
    return f"Forward:\n{_aligned([_result(step) for step in steps])}\nBackward ({legend}):\n{_aligned(backward)}"


def markdown(steps: Sequence[Explained], legend: str) -> str:
    """The forward and the backward pass as two tables."""
    forward = [
        (f"${latex_of_name(s.label)}$", f"`{s.call}`" if s.call else "given", _dollars(s.formula), _value(s.value)) for s in steps
    ]
    backward: list[tuple[str, ...]] = []
    for s in _passed(steps):
        backward.append((f"$\\mathrm{{d}} ~ {latex_of_name(s.label)}$", "", "", f"${latex_of_number(s.total)}$"))
        backward += [("", f"to ${latex_of_name(to)}$", _dollars(formula), _value(sent)) for _, to, formula, sent in s.rules]
    return "\n\n".join([
        "**Forward**", _table(("", "computed", "formula", "value"), forward),
        f"**Backward**: {legend}", _table(("", "", "formula", "gradient"), backward),
    ]) + "\n"  # fmt: skip


# ------------------------------------------------------------------------------------- private


def _passed(steps: Sequence[Explained]) -> Iterator[Explained]:
    """The steps of the backward pass."""
    return (step for step in reversed(steps) if step.gradient is not None)


def _result(step: Explained) -> str:
    """What is computed, as an equation that is aligned at its first sign."""
    end = latex_of_number(number(step.value))
    if step.formula is None:
        return f"{latex_of_name(step.label)} &= {end}"
    return _equation(step.formula, end).replace(" = ", " &= ", 1)


def _gradient(step: Explained) -> Iterator[str]:
    """What arrives at a step, and what goes on from there."""
    yield f"\\mathrm{{d}} ~ {latex_of_name(step.label)} &= {latex_of_number(step.total)}"
    for _, label, formula, sent in step.rules:
        end = latex_of_number(number(sent))
        yield f"&\\to {latex_of_name(label)}: \\quad " + (end if formula is None else _equation(formula, end))


def _equation(formula: Formula, end: str = "") -> str:
    """A formula, with its numbers, and what comes out."""
    parts = [latex_of(formula), latex_with_numbers(formula), end]
    return " = ".join(part for part in parts if part)


def _aligned(lines: Sequence[str]) -> str:
    return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"


def _dollars(formula: Formula | None) -> str:
    return "" if formula is None else f"${_equation(formula)}$"


def _value(value: Any) -> str:
    return f"${latex_of_number(number(value))}$"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; a bar in what the user calls something does not end its cell."""

    def line(cells: Sequence[str]) -> str:
        return "|" + "|".join(f" {cell} ".replace("|", "\\|") if cell else " " for cell in cells) + "|"

    return "\n".join([line(head), "|" + "---|" * len(head), *map(line, rows)])
