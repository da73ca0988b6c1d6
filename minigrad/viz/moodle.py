"""Questions as Moodle XML, for a question bank: https://docs.moodle.org/en/Moodle_XML_format."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from pathlib import Path
from xml.etree import ElementTree as xml

from ..files import write_whole
from .explain import Explained
from .latex import latex, latex_of_name
from .numbers import number
from .questions import Question
from .rules import Choice
from .sketch import MOST, sketch
from .terms import tolerance
from .text import printable

__all__ = ["document", "write"]

#: A third of the mark is lost by a wrong try, as in Moodle's own forms.
PENALTY = "0.3333333"


def write(path: str | os.PathLike[str], title: str, questions: Sequence[Question], rows: Sequence[Explained]) -> Path:
    """Write the questions about an explained computation."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_whole(path, document(title, questions, rows).encode())


def document(title: str, questions: Sequence[Question], rows: Sequence[Explained]) -> str:
    """The XML: a category of the title, and in it each question, with what was known before it.

    >>> from minigrad import viz
    >>> quiz = viz.quiz(lambda x, y: x * y, 3.0, -2.0)
    >>> text = document("Products", quiz.questions, quiz.explanation.steps)
    >>> [question.get("type") for question in xml.fromstring(text)]
    ['category', 'numerical', 'multichoice', 'multichoice', 'numerical', 'numerical']
    """
    root = xml.Element("quiz")
    category = xml.SubElement(root, "question", type="category")
    _text(xml.SubElement(category, "category"), "$course$/" + title.replace("/", "//"))
    graph = b64encode(sketch(rows, False).encode()).decode() if len(rows) <= MOST else None
    for n, question in enumerate(questions, 1):
        _question(root, f"{title} {n}", question, rows, graph)
    xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{xml.tostring(root, encoding="unicode")}\n'


# ------------------------------------------------------------------------------------- private


def _question(root: xml.Element, name: str, question: Question, rows: Sequence[Explained], graph: str | None) -> None:
    """One question of Moodle's."""
    kind = "multichoice" if question.choices else "numerical"
    element = xml.SubElement(root, "question", type=kind)
    _text(xml.SubElement(element, "name"), name)
    text = _html(element, "questiontext", _known(question, rows) + f"<p>{escape(printable(question.text))}</p>")
    if graph is not None:
        picture = xml.SubElement(text, "file", name="graph.svg", path="/", encoding="base64")
        picture.text = graph
        body = text.find("text")
        assert body is not None
        body.text = f'<p><img src="@@PLUGINFILE@@/graph.svg" alt="The graph of the computation"></p>{body.text}'
    answer = question.answer if isinstance(question.answer, str) else number(question.answer)
    _html(element, "generalfeedback", f"<p>{_formulas(question) or escape(printable(answer))}</p>")
    for tag, value in (("defaultgrade", "1"), ("penalty", PENALTY), ("hidden", "0")):
        xml.SubElement(element, tag).text = value
    if question.choices:
        _choices(element, question)
    else:
        _numbers(element, question)
    if question.formulas:
        _html(element, "hint", f"<p>{'; '.join(_tex(latex(formula)) for formula in question.formulas)}</p>")


def _numbers(element: xml.Element, question: Question) -> None:
    """The answer with its tolerance, and the mistakes, whose feedback names them."""
    assert not isinstance(question.answer, str)
    _answer(element, f"{question.answer:.10g}", "100", "Right.", tolerance(question.answer))
    for mistake in question.mistakes:
        assert not isinstance(mistake.gives, str)
        _answer(element, f"{mistake.gives:.10g}", "0", _said(mistake.name, mistake.why), tolerance(mistake.gives))
    _answer(element, "*", "0", "Not yet: look at the rule.", 0)


def _choices(element: xml.Element, question: Question) -> None:
    for tag, value in (("single", "true"), ("shuffleanswers", "true"), ("answernumbering", "abc")):
        xml.SubElement(element, tag).text = value
    for choice in question.choices:
        said = _said(choice.mistake, choice.why) if choice.mistake else "Right."
        _answer(element, _choice(choice), "0" if choice.mistake else "100", said)


def _answer(element: xml.Element, text: str, fraction: str, feedback: str, within: float | None = None) -> None:
    answer = xml.SubElement(element, "answer", fraction=fraction, format="html" if within is None else "moodle_auto_format")
    _text(answer, text)
    if within is not None:
        xml.SubElement(answer, "tolerance").text = f"{within:.10g}"
    _html(answer, "feedback", f"<p>{escape(printable(feedback))}</p>")


def _tex(text: str) -> str:
    """A formula in a page: Moodle's MathJax reads it from there."""
    return f"\\({escape(printable(text))}\\)"


def _said(name: str, why: str) -> str:
    return f"{name.capitalize()}: {why}"


def _choice(choice: Choice) -> str:
    return f"<p>{escape(printable(choice.text))}</p>" if choice.formula is None else f"<p>{_tex(latex(choice.formula))}</p>"


def _known(question: Question, rows: Sequence[Explained]) -> str:
    """What is given, what is computed, and the numbers that are known before the question: a table."""
    forward, backward = _known_before(question, rows)
    lines = []
    for row in rows:
        formula = "given" if row.formula is None else _tex(latex(row.formula))
        value = number(row.value) if row.step.id in forward else ""
        gradient = row.total.rpartition("= ")[2] if row.step.id in backward else ""
        cells = (_tex(latex_of_name(row.label)), formula, escape(value), escape(gradient))
        lines.append(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    head = "".join(f"<th>{name}</th>" for name in ("step", "computed", "value", "gradient"))
    return f'<table border="1" cellpadding="4"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table>'


def _known_before(question: Question, rows: Sequence[Explained]) -> tuple[set[int], set[int]]:
    """The steps whose values, and those whose gradients are known when a question is asked."""
    order = [row.step.id for row in rows]
    given = {row.step.id for row in rows if not row.call}
    if question.kind == "value":
        return given | set(order[: order.index(question.step)]), set()
    back = [row.step.id for row in reversed(rows) if row.gradient is not None]
    place = back.index(question.step) + (question.kind != "arrives")
    return set(order), set(back[:place])


def _formulas(question: Question) -> str:
    return "; ".join(escape(printable(str(formula))) for formula in question.formulas)


def _html(element: xml.Element, tag: str, text: str) -> xml.Element:
    found = xml.SubElement(element, tag, format="html")
    _text(found, text)
    return found


def _text(element: xml.Element, text: str) -> None:
    xml.SubElement(element, "text").text = printable(text)
