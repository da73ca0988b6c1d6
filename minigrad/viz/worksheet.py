"""A worksheet: a computation on a page to print, with blanks for its numbers, and the same with the answers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path

from ..files import write_whole
from .explain import Explained, Rule
from .numbers import number
from .sketch import MOST, sketch
from .text import printable

__all__ = ["html", "write"]

STYLE = """
@page { size: A4; margin: 16mm; }
* { box-sizing: border-box; }
body { font: 11pt/1.4 system-ui, Helvetica, Arial, sans-serif; color: #1a1f27; background: #fff; }
main { max-width: 178mm; margin: 0 auto; }
h1 { font-size: 16pt; margin: 0 0 2mm; }
h2 { font-size: 12pt; margin: 6mm 0 2mm; break-after: avoid; }
p { margin: 2mm 0; }
.about { display: flex; gap: 8mm; }
.about span { flex: 1; border-bottom: 1px solid #66707e; padding-bottom: 1mm; }
figure { margin: 4mm 0; text-align: center; }
svg { display: block; margin: 0 auto; max-height: 200mm; break-inside: avoid; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; table-layout: fixed; }
th, td { border: 1px solid #c3cad4; padding: 0.5mm 2mm; text-align: left; height: 7mm; }
th { background: #f1f3f6; font-weight: 600; }
th:nth-child(1) { width: 22%; } th:nth-child(3) { width: 26%; }
tr { break-inside: avoid; }
.sent td:first-child { padding-left: 7mm; }
tbody .gradient td { border-top: 2px solid #66707e; font-weight: 600; }
.value td:last-child { color: #0b5cad; } .gradient td:last-child, .sent td:last-child { color: #a84300; }
.answers { break-before: page; border-top: 1px solid #fff; }
@media screen { .answers { margin-top: 20mm; border-color: #c3cad4; } }
"""


def write(path: str | os.PathLike[str], title: str, rows: Sequence[Explained]) -> Path:
    """Write the worksheet of an explained computation."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_whole(path, html(title, rows).encode())


def html(title: str, rows: Sequence[Explained]) -> str:
    """The worksheet: one sheet with blanks, one with answers.  Nothing in it is run or fetched.

    >>> from minigrad import viz
    >>> text = html("Sheet", viz.explain(lambda x, y: x * y, 3.0, -2.0).steps)
    >>> text.count("<table>"), text.count('class="answers"'), text.partition("Answers")[0].count("−6")
    (4, 1, 0)
    """
    name = escape(printable(title))
    about = '<p class="about"><span>Name</span><span>Date</span><span>Points</span></p>'
    task = (
        "<p>Compute the values from what is given, then the gradients of the result, from the result back. In the "
        "graph the upper line of each box is for the value, the lower one for the gradient.</p>"
    )
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{name}</title><style>{STYLE}</style></head><body>",
            f"<main><h1>{name}</h1>{about}{task}{_sheet(rows, False)}",
            f'<section class="answers"><h1>Answers: {name}</h1>{_sheet(rows, True)}</section></main>',
            "</body></html>\n",
        ]
    )


# ------------------------------------------------------------------------------------- private


def _sheet(rows: Sequence[Explained], filled: bool) -> str:
    """The graph, and the tables of both passes."""
    graph = f"<figure>{sketch(rows, filled)}</figure>" if len(rows) <= MOST else ""
    forward = "".join(_forward(row, filled) for row in rows)
    back = "".join(_backward(row, filled) for row in reversed(rows) if row.gradient is not None)
    return f"{graph}<h2>Forward</h2>{_table('Step', 'Formula', 'Value', forward)}<h2>Backward</h2>" + _table(
        "Gradient", "Rule", "Number", back
    )


def _table(first: str, second: str, third: str, rows: str) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in (first, second, third))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(kind: str, first: str, second: str, third: str) -> str:
    number = escape(third.replace("-", "−"))
    return f'<tr class="{kind}"><td>{escape(printable(first))}</td><td>{second}</td><td>{number}</td></tr>'


def _forward(row: Explained, filled: bool) -> str:
    formula = "given" if not row.call else escape(printable(row.call)) if row.formula is None else row.formula.math()
    return _row("value", row.label, formula, number(row.value) if filled or not row.call else "")


def _backward(row: Explained, filled: bool) -> str:
    """What arrives at a step, and what it sends."""
    is_start = row.step.output and row.total == "1"
    lines = [_row("gradient", f"d {row.label}", "", row.total if filled or is_start else "")]
    for rule in row.rules:
        lines.append(_row("sent", f"to {rule.label}", _rule(rule) if filled else "", number(rule.sent) if filled else ""))
    return "".join(lines)


def _rule(rule: Rule) -> str:
    if rule.formula is None:
        return ""
    filled = rule.formula.math_with_numbers()
    return rule.formula.math() + (f" = {filled}" if filled else "")
