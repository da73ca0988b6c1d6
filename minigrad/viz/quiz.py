"""Questions about a computation, to be answered in a page, on paper or in Moodle."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from . import moodle, worksheet
from .explain import Explanation
from .explore import explore
from .levels import LEVELS, Computation, computation
from .page import Page
from .questions import Question, questions_of

__all__ = ["Quiz", "quiz"]


class Quiz:
    """Questions about one computation; a notebook shows the page with the quiz by itself.

    Attributes:
        questions: in the order in which the page asks them.
        explanation: the computation with all its numbers: what is right.
        page: the page, in which numbers are hidden until they are asked for.
        title: what it is about.

    >>> print(quiz(level=1, seed=0))
    Level 1: one op (0): 5 questions
    1. What is the value of f = multiply(x, y)?
    2. By which rule does f = multiply(x, y) send its gradient to x?
    3. Which input of f = multiply(x, y) gets the larger gradient, whatever its sign?
    4. Which gradient arrives at y?
    5. Which gradient arrives at x?
    """

    def __init__(self, page: Page) -> None:
        self.page, self.title = page, page.title
        self.explanation = Explanation(list(page.rows))
        self.questions: list[Question] = questions_of(page.rows)

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the page.

        Args:
            path: of the file.
        """
        return self.page.write(path)

    def worksheet(self, path: str | os.PathLike[str]) -> Path:
        """Write a page to print: the graph and the tables with blanks, and behind them the same with the answers.

        >>> import tempfile
        >>> path = quiz(level=1).worksheet(Path(tempfile.mkdtemp()) / "worksheet.html")
        >>> "<svg" in path.read_text()
        True
        """
        return worksheet.write(path, self.title, self.explanation.steps)

    def moodle(self, path: str | os.PathLike[str]) -> Path:
        """Write the questions as Moodle XML, for its question bank: numbers with two digits, and choices.

        >>> import tempfile
        >>> path = quiz(level=1).moodle(Path(tempfile.mkdtemp()) / "questions.xml")
        >>> path.read_text().count("<question ")
        6
        """
        return moodle.write(path, self.title, self.questions, self.explanation.steps)

    def __repr__(self) -> str:
        lines = [f"{self.title}: {len(self.questions)} questions"]
        return "\n".join([*lines, *(f"{n}. {q.text}" for n, q in enumerate(self.questions, 1))])

    def _repr_html_(self) -> str:
        return self.page._repr_html_()


def quiz(
    target: Any = None, *inputs: Any, level: int | None = None, seed: int = 0, path: str | os.PathLike[str] | None = None,
    names: Any = None, gradient: Any = None, title: str | None = None,
) -> Quiz:  # fmt: skip
    """Questions about a computation: its values, what arrives where on the way back, and by which rule.

    Args:
        target: what is asked about, as for `explore`: a tensor, or a module or a function with its inputs.  Without it a random
            computation is made, by level and seed.
        level: 1 one op, 2 a chain, 3 branches that meet again, 4 tanh, exp, log and maximum too, 5 small vectors.
        seed: the same level and seed always give the same computation.
        path: where to write the page.
        names, gradient: as for `explore`.
        title: of the page.

    Raises:
        ValueError: neither a target nor a level was given, or both; there is no such level; there is nothing to ask.

    >>> found = quiz(lambda x, y: x * y + x, 2.0, -3.0)
    >>> last = found.questions[-1]
    >>> last.text, last.answer, last.hints[0]
    ('Which gradient arrives at x?', -2.0, 'd x += g; d x += g y')
    >>> last.check(1)
    (False, 'Forgot to add: that comes from result alone. 2 gradients arrive, and they add up.')
    """
    if (target is None) == (level is None):
        raise ValueError("quiz needs a target with its inputs, or a level: viz.quiz(loss), viz.quiz(level=3, seed=7)")
    if level is None and seed != 0:
        raise ValueError("quiz: seed= is of a random computation, which needs a level=, and no target")
    if level is not None:
        target = computation(level, seed)
        inputs = tuple(target.inputs.values())
        title = title or f"Level {level}: {LEVELS[level]} ({seed})"
    page = explore(target, *inputs, names=names, gradient=gradient, title=title or "Backpropagation by hand")
    if isinstance(target, Computation):
        _show_lines(page, target)
    if not page.data["quiz"]["questions"]:
        raise ValueError("there is nothing to ask: compute under viz.capture(), of few numbers")
    page.data["quiz"]["on"] = True
    if path is not None:
        page.write(path)
    return Quiz(page)


def _show_lines(page: Page, made: Computation) -> None:
    """In the place of the user's code, which has no lines for it, those of a random computation."""
    numbers = {line.name: n for n, line in enumerate(made.lines, 1)}
    page.data["code"] = [{"name": "computation", "blocks": [[[n, str(line)] for n, line in enumerate(made.lines, 1)]]}]
    for step in page.data["steps"]:
        step["source"] = None
        step["line"] = [0, numbers[step["label"]]] if step["label"] in numbers else None
