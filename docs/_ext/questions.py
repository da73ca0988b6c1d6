"""The directive `question`: a question that checks itself in the browser, and that can be read without a script.

A choice, whose list says what is right, and below each item why:

    ```{question}
    :hint: Think of the product rule.

    What does the product $x y$ send back to $x$?

    - [ ] The gradient that arrived
      - That is what a sum does.
    - [x] The gradient that arrived, times $y$
      - The derivative of $x y$ with respect to $x$ is $y$.

    What follows the list is shown with the answer.
    ```

A number, with an item for each mistake that can be named.  `check` is a Python expression that the tests compare with the answer
(of a choice: that must be true); it knows `np`, `mg` (minigrad), `nn`, `viz` and `figures`, the lesson's file of figures.  An
option that begins with a bracket, or holds ` #`, stands in quotes.

    ```{question}
    :answer: 12
    :check: mg.grad(lambda x: x**3)(2.0)

    What is the derivative of $x^3$ at 2?

    - 8
      - That is the value; the derivative is $3 x^2$.
    ```

`tolerance` is absolute: by default 0 of a whole number and 1 % of others.  Readers may write 0,25, 1/4 and 25 %,
and 1,376 for 1376.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from docutils import nodes
from docutils.parsers.rst import directives
from element import Element, text_of
from element import setup as setup_element
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

ITEM = re.compile(r"- (?:\[([ xX])\] )?(.*)")


@dataclass
class Item:
    """A choice, or a number that a known mistake gives, and what is said of it."""

    text: str
    right: bool
    feedback: list[str] = field(default_factory=list)


@dataclass
class Body:
    """The parts of a question's Markdown: what is asked, the list, and what follows the list."""

    stem: list[str] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    after: list[str] = field(default_factory=list)


def parts_of(lines: list[str]) -> Body:
    body = Body()
    for line in lines:
        item = ITEM.match(line)
        if item and not body.after:
            body.items.append(Item(item[2], (item[1] or " ") in "xX"))
        elif not body.items:
            body.stem.append(line)
        elif line.startswith("  ") and not body.after:
            _continue(body.items[-1], line.strip())
        elif line.strip() or body.after:
            body.after.append(line)
    return body


def _continue(item: Item, line: str) -> None:
    """A nested item begins the feedback; other indented lines go on with what stands before them."""
    if line.startswith("- "):
        item.feedback.append(line[2:])
    elif item.feedback:
        item.feedback.append(line)
    else:
        item.text += f" {line}"


def value_of(text: str) -> float:
    """A number as people write it: -0.5, 1e-3, 1/3.

    >>> value_of("-1/4")
    -0.25
    """
    above, _, below = text.replace("−", "-").partition("/")
    return float(above) / float(below or 1)


@dataclass
class Known:
    """A question as the tests see it."""

    line: int
    answer: float | None
    tolerance: float
    check: str
    mistakes: list[float]


def known(env: BuildEnvironment) -> dict[str, list[Known]]:
    """The questions of each document that has some."""
    return {docname: noted["questions"] for docname, noted in env.metadata.items() if "questions" in noted}


class Question(SphinxDirective):
    """A question with its answer in a fold, which the script lessons.js makes one that checks itself.

    Raises:
        DirectiveError: a choice without exactly one right item, a number without `check`, an item without feedback.
    """

    has_content = True
    option_spec = dict.fromkeys(("answer", "tolerance", "check", "hint"), directives.unchanged)

    def run(self) -> list[nodes.Node]:
        body = parts_of(list(self.content))
        questions = self.env.metadata[self.env.docname].setdefault("questions", [])
        answer = value_of(self.options["answer"]) if "answer" in self.options else None
        self.refuse(body, answer)
        tolerance = self.tolerance(answer)
        mistakes = [value_of(item.text) for item in body.items] if answer is not None else []
        questions.append(Known(self.lineno, answer, tolerance, self.options.get("check", ""), mistakes))
        name = f"question-{len(questions)}"
        data = {"data_kind": "choice"}
        if answer is not None:
            data = {"data_kind": "number", "data_answer": str(answer), "data_tolerance": str(tolerance)}
        stem = Element("div", *self.parse(body.stem), class_="question-stem", id=f"{name}-stem")
        entry = self.choices(body, name) if answer is None else self.number(name)
        check = Element("p", text_of("button", "Check", type="button", hidden=""), class_="question-check")
        verdict = Element("div", class_="question-verdict", role="status")
        parts = [text_of("p", f"Question {len(questions)}", class_="question-title"), stem, entry, check, verdict]
        if "hint" in self.options:
            hint = self.parse([self.options["hint"]])
            parts.append(Element("details", text_of("summary", "Hint"), *hint, class_="question-hint"))
        return [Element("div", *parts, self.answer(body), class_="question", id=name, **data)]

    def refuse(self, body: Body, answer: float | None) -> None:
        if not body.stem:
            raise self.error("question: what is asked stands before the list")
        if answer is None and sum(item.right for item in body.items) != 1:
            raise self.error("question: a choice has one right item, written - [x]; a number has :answer:")
        if answer is not None and "check" not in self.options:
            raise self.error("question: a number needs :check:, an expression that gives the answer, for the tests")
        for item in body.items:
            if not item.feedback:
                raise self.error(f"question: say below {item.text!r} why it is right or wrong, as a nested item")

    def tolerance(self, answer: float | None) -> float:
        if "tolerance" in self.options:
            return float(self.options["tolerance"])
        return 0.0 if answer is None or answer == int(answer) else abs(answer) / 100

    # ---- the parts

    def parse(self, lines: list[str]) -> list[nodes.Node]:
        return self.parse_text_to_nodes("\n".join(lines))

    def inline(self, text: str) -> list[nodes.Node]:
        return self.parse_inline(text)[0]

    def choices(self, body: Body, name: str) -> Element:
        rows = [
            Element("label", Element("input", type="radio", name=name, value=n), Element("span", *self.inline(item.text)))
            for n, item in enumerate(body.items)
        ]
        return Element("div", *rows, class_="question-choices", role="radiogroup", aria_labelledby=f"{name}-stem")

    def number(self, name: str) -> Element:
        entry = Element("input", type="text", inputmode="decimal", autocomplete="off", aria_describedby=f"{name}-stem")
        return Element("label", text_of("span", "Your answer"), entry, class_="question-number")

    def answer(self, body: Body) -> Element:
        """What is right, what is said of each item, and what follows the list: the script takes its words from here."""
        rows = []
        for n, item in enumerate(body.items):
            mark = text_of("b", "✓ " if item.right else "")
            text = Element("span", mark, *self.inline(item.text), class_="question-item")
            feedback = Element("div", *self.parse(item.feedback), class_="question-feedback")
            value = value_of(item.text) if "answer" in self.options else n
            rows.append(Element("li", text, feedback, class_="right" if item.right else "wrong", data_value=value))
        parts: list[nodes.Node] = [text_of("summary", "Answer")]
        if "answer" in self.options:
            parts.append(text_of("p", self.options["answer"], class_="question-value"))
        after = Element("div", *self.parse(body.after), class_="question-after")
        return Element("details", *parts, Element("ul", *rows), after, class_="question-answer")


def setup(app: Sphinx) -> None:
    setup_element(app)
    app.add_directive("question", Question)
