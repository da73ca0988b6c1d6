"""Docstrings as reStructuredText, for autodoc: they are plain text with Google's sections, doctests and formulas.

Text is escaped, so that `|x|`, `x_` and `*args` are what they are; names in backticks are code; the lines `out = ...` and
`dx = ...` of an op become MathML, by the reader of formulas that the living pages use.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from html import escape

from minigrad.viz.formula import Formula, parse

CODE = re.compile(r"(``[^`]+``|`[^`]+`)")
#: How a paragraph begins that is all formulas.
INDENTED = "    "
#: What something is (`dx = g y`), what is added to it (`dx += g y`), or what it becomes (`m <- beta1 m + (1 - beta1) g`).
STATED = re.compile(r"(?P<left>[^=<]*[^=\s<>!+])\s*(?P<sign>\+?=|<-)\s*(?P<right>[^=].*?)(?:(?<!\.)\.)?$")


def as_rst(doc: str, names: Collection[str] = ()) -> list[str]:
    """The lines of a docstring as reStructuredText, with Google's sections as they were.

    Args:
        doc: the docstring.
        names: what is one name in its formulas, where "_" makes no index of what follows: `negative_slope`.

    >>> as_rst("The sum of |x|, see `norm`.")
    ['The sum of \\\\|x\\\\|, see ``norm``.']
    """
    lines: list[str] = []
    for paragraph in paragraphs(doc):
        if lines:
            lines.append("")
        lines += paragraph_as_rst(paragraph.splitlines(), not lines, names)
    return lines


def paragraphs(doc: str) -> list[str]:
    return re.split(r"\n\s*\n", doc.strip("\n")) if doc.strip() else []


def formulas_of(doc: str) -> list[str]:
    """The paragraphs of a docstring that are all formulas, before its sections.

    >>> formulas_of("The sum.\\n\\nout = x + y\\n\\nArgs:\\n    x: a number.")
    ['out = x + y']
    """
    text = paragraphs(re.split(r"^[A-Z]\w+:$", doc, maxsplit=1, flags=re.MULTILINE)[0])
    return [p for p in text[1:] if p.startswith(INDENTED) or is_formula(p.partition("\n")[0])]


def paragraph_as_rst(lines: list[str], first: bool, names: Collection[str]) -> list[str]:
    """A paragraph; the summary may go on with formulas on the lines below it."""
    if lines[0].lstrip().startswith(">>>"):
        return lines
    if lines[0].startswith(INDENTED):
        return as_html(joined([line.removeprefix(INDENTED) for line in lines]), names)
    start = next((i for i, line in enumerate(lines) if is_formula(line)), None)
    if start is None or (start and not first):
        return [*with_bullets(lines)]
    return [*with_bullets(lines[:start]), *[""] * bool(start), *as_html(joined(lines[start:]), names)]


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
    return is_name(match["left"])


def is_name(left: str) -> bool:
    """Whether something is a name, with an index or arguments perhaps: `h_{t-1}`, `x[i, j]`, `p(h | v)`; or several, `u, s`."""
    return " " not in re.sub(r"\{.*?\}|\(.*?\)|\[.*\]|, | [@+] ", "", left.strip())


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


def as_html(statements: Iterable[str], names: Collection[str]) -> list[str]:
    """Formulas as a block of HTML."""
    rows = [f'<div class="formula">{typeset(statement, names)}</div>' for statement in statements]
    return [".. raw:: html", "", '   <div class="formulas">', *(f"   {row}" for row in rows), "   </div>"]


def typeset(statement: str, names: Collection[str] = ()) -> str:
    """One line of formulas and remarks, with wide spaces between them: `dx = g y  (0 at a tie)`."""
    return " ".join(part(text, names) for text in re.split(r"\s{2,}(?!\s*(?:\+?=|<-)\s)", statement.strip()))


def part(text: str, names: Collection[str]) -> str:
    """A formula, or a remark."""
    intro = "with " if text.startswith("with ") else ""
    match = STATED.match(text.removeprefix("with ").rstrip(",;"))
    if match is None or text.startswith("(") or not is_name(match["left"]):
        return f'<span class="remark">{escape(text)}</span>'
    try:
        left, right, sign = match["left"].strip(), match["right"].strip(), match["sign"].replace("<-", "←")
        math = Formula(left, right, labels={name: name for name in names}, sign=sign).math()
    except ValueError:
        return f"<code>{escape(text)}</code>"
    return f"<span>{intro}</span> {math}" if intro else math
