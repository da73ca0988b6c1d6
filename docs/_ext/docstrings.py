"""Docstrings as reStructuredText, for autodoc: they are plain text with Google's sections, doctests and formulas.

Text is escaped, so that `|x|`, `x_` and `*args` are what they are; names in backticks are code; the lines `out = ...` and
`dx = ...` of an op become MathML, by the reader of formulas that the living pages use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from minigrad.viz.definition import PARTED, STATED
from minigrad.viz.formula import Formula, parse

CODE = re.compile(r"(``[^`]+``|`[^`]+`)")
REMARK = re.compile(r"\s{2,}(\(.*\))[.,;]?$")


def as_rst(doc: str) -> list[str]:
    """The lines of a docstring as reStructuredText, with Google's sections as they were.

    >>> as_rst("The sum of |x|, see `norm`.")
    ['The sum of \\\\|x\\\\|, see ``norm``.']
    """
    lines: list[str] = []
    for paragraph in re.split(r"\n\s*\n", doc.strip("\n")) if doc.strip() else []:
        if lines:
            lines.append("")
        lines += paragraph_as_rst(paragraph.splitlines(), first=not lines)
    return lines


def paragraph_as_rst(lines: list[str], first: bool) -> list[str]:
    """A paragraph; the summary may go on with formulas on the lines below it."""
    if lines[0].lstrip().startswith(">>>"):
        return lines
    start = next((i for i, line in enumerate(lines) if is_formula(line)), None)
    if start is None or (start and not first):
        return [*with_bullets(lines)]
    formulas = [*joined(lines[start:])]
    return [*with_bullets(lines[:start]), *[""] * bool(start), *as_html(formulas)]


def with_bullets(lines: list[str]) -> Iterator[str]:
    """Escaped text; a list gets the empty line that it needs before it."""
    for before, line in zip(["", *lines], lines, strict=False):
        if line.lstrip().startswith("- ") and before and not before.startswith((" ", "- ")):
            yield ""
        yield escaped(line)


def escaped(line: str) -> str:
    """Text in which no sign means anything but itself, and what stands in backticks is code."""
    parts = CODE.split(line)
    for i, part in enumerate(parts):
        if i % 2:
            parts[i] = f"``{part.strip('`')}``"
            if i + 1 < len(parts) and re.match(r"\w", parts[i + 1]):
                parts[i] += "\\ "
        else:
            parts[i] = re.sub(r"([\\*|`])", r"\\\1", part)
            parts[i] = re.sub(r"_(?![\w])", r"\\_", parts[i])
    return "".join(parts)


# ---- formulas


def is_formula(line: str) -> bool:
    """Whether a line states what something is, in the notation of CONTRIBUTING.md."""
    match = STATED.match(line.removeprefix("with "))
    if match is None or line.startswith((" ", ">>>", "- ")) or ": " in match["left"]:
        return False
    try:
        parse(match["left"].strip())
    except ValueError:
        return False
    return " " not in re.sub(r"\{.*?\}|, ", "", match["left"].strip())


def joined(lines: list[str]) -> Iterator[str]:
    """Statements: a line that is indented goes on with the one before it."""
    whole = ""
    for line in lines:
        if line.startswith("  ") and whole:
            whole += f"  {line.strip()}"
            continue
        if whole:
            yield whole
        whole = line
    if whole:
        yield whole


def as_html(statements: list[str]) -> list[str]:
    """Formulas as a block of HTML."""
    rows = [f'<div class="formula">{typeset(statement)}</div>' for statement in statements]
    return [".. raw:: html", "", '   <div class="formulas">', *(f"   {row}" for row in rows), "   </div>"]


def typeset(statement: str) -> str:
    """One line of formulas and remarks: `dx = g y  (0 at a tie)`; what is no formula stays text."""
    remark = REMARK.search(statement)
    text = statement[: remark.start()] if remark else statement
    parts = [f'<span class="remark">{escape(remark[1])}</span>'] if remark else []
    intro = "with " if text.startswith("with ") else ""
    pieces = [formula(piece) for piece in PARTED.split(text.removeprefix("with ").rstrip(",;"))]
    return " ".join([*([f"<span>{intro}</span>"] if intro else []), *pieces, *parts])


def formula(piece: str) -> str:
    match = STATED.match(piece.strip())
    if match is None or "  " in match["right"]:
        return f"<code>{escape(piece.strip())}</code>"
    try:
        return Formula(match["left"].strip(), match["right"].strip(), sign=match["sign"]).math()
    except ValueError:
        return f"<code>{escape(piece.strip())}</code>"
