"""What a quiz asks about a computation: the answers, hints from the formulas, and the usual mistakes with what they give."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil, isfinite, prod
from typing import Any, NamedTuple

import numpy as np

from .explain import Explained
from .formula import Formula
from .numbers import host, rms
from .rules import Choice, rule_choices
from .terms import Term, agree_to_two_digits, local, minus, term, total, typed_number, where

__all__ = ["Mistake", "Question", "questions_of"]

#: So many questions at most about one computation, and so many numbers in an array that is asked about.
MOST, LONGEST = 40, 6
#: So many numbers, and so many branches, can be added up by hand.
MANY, BRANCHES = 16, 4


class Mistake(NamedTuple):
    """A usual mistake.

    Attributes:
        name: what it is called.
        gives: what one answers who makes it.
        why: what to say then.

    >>> from minigrad import viz
    >>> asked = viz.quiz(lambda x, y: x * y, 2.0, -3.0).questions[-1]
    >>> [(mistake.name, mistake.gives) for mistake in asked.mistakes][0]
    ('wrong branch', 2.0)
    """

    name: str
    gives: float | str
    why: str


@dataclass(frozen=True)
class Question:
    """A question about one step of a computation.

    Attributes:
        kind: "value", "arrives" (the gradient), "rule", or "more" (which input gets more of it).
        step: the number of the step, see `walk`.
        text: the question.
        answer: a number, or the right one of the `choices`.
        hints: formulas: first the rule, then the rule with numbers.
        choices: what can be chosen, of "rule" and "more".
        formulas, places: those of the hints, and where a page finds them.
        answered, slips: the numbers whose sum is the answer; of each usual mistake its name, what to say, and its numbers.

    >>> from minigrad import viz
    >>> asked = viz.quiz(lambda x, y: x * y, 2.0, -3.0).questions[0]
    >>> asked.kind, asked.text, asked.answer, asked.check(-6)
    ('value', 'What is the value of result = multiply(x, y)?', -6.0, (True, 'Right.'))
    """

    kind: str
    step: int
    text: str
    answer: float | str
    formulas: tuple[Formula, ...] = field(default=(), repr=False)
    choices: tuple[Choice, ...] = field(default=(), repr=False)
    answered: tuple[Term, ...] = field(default=(), repr=False)
    slips: tuple[tuple[str, str, tuple[Term, ...]], ...] = field(default=(), repr=False)
    places: tuple[tuple[str, int, int], ...] = field(default=(), repr=False)

    @property
    def hints(self) -> list[str]:
        """The rule, then the rule with numbers, where these are single ones."""
        plain = [str(formula.filled_with(None)) for formula in self.formulas]
        filled = [str(formula) for formula in self.formulas]
        return ["; ".join(plain)] * bool(plain) + ["; ".join(filled)] * (filled != plain)

    @property
    def mistakes(self) -> list[Mistake]:
        """Those that do not give the right answer by chance, nor what another one gives."""
        if self.choices:
            return [Mistake(c.mistake, c.text, c.why) for c in self.choices if c.mistake]
        found: list[Mistake] = []
        for name, why, terms in self.slips:
            gives = total(terms)
            taken = [self.answer, *(mistake.gives for mistake in found)]
            if isfinite(gives) and not any(agree_to_two_digits(gives, other) for other in taken):
                found.append(Mistake(name, gives, why))
        return found

    def check(self, answer: float | str) -> tuple[bool, str]:
        """Whether an answer is right, to two digits, and what to say of it.

        >>> from minigrad import viz
        >>> question = viz.quiz(lambda x, y: x * y, 3.0, -2.0).questions[0]
        >>> question.text
        'What is the value of result = multiply(x, y)?'
        >>> question.check("-6"), question.check(6)
        ((True, 'Right.'), (False, 'Wrong sign: the size is right, the sign is not.'))
        """
        typed = answer if self.choices else typed_number(answer)
        if typed is None:
            return False, "A number is asked for."
        agree: Callable[[Any, Any], bool] = operator.eq if self.choices else agree_to_two_digits
        if agree(typed, self.answer):
            return True, "Right."
        made = next((mistake for mistake in self.mistakes if agree(typed, mistake.gives)), None)
        return False, f"{made.name.capitalize()}: {made.why}" if made else "Not yet."

    def data(self) -> dict[str, Any]:
        """For a page, which finds the numbers itself: they may be other ones there."""
        return {
            "kind": self.kind, "step": self.step, "text": self.text,
            "answer": [where(number) for number in self.answered],
            "slips": [[name, why, [where(number) for number in terms]] for name, why, terms in self.slips],
            "choices": [
                {"text": c.text, "math": c.formula.math() if c.formula else None, "mistake": c.mistake, "why": c.why}
                for c in self.choices
            ],
            "hints": [list(place) for place in self.places],
        }  # fmt: skip


def questions_of(rows: Sequence[Explained]) -> list[Question]:
    """The questions about an explained computation, in the order in which a player answers them."""
    asker = _Asker(rows)
    some = [*enumerate(rows)][:: ceil(len(rows) / (5 * MOST)) or 1]
    found = [question for i, row in some for question in asker.about_value(i, row)]
    for i, row in reversed(some):
        if row.gradient is not None:
            found += [*asker.about_gradient(i, row), *asker.about_rule(i, row), *asker.about_inputs(row)]
    return found[:: ceil(len(found) / MOST)] if found else []


# ------------------------------------------------------------------------------------- private


class _Asker:
    """Asks about the steps of a computation."""

    def __init__(self, rows: Sequence[Explained]) -> None:
        self.rows = {row.step.id: row for row in rows}
        self.senders: dict[int, list[tuple[Explained, int] | None]] = {
            row.step.id: [None] if row.step.output else [] for row in rows
        }
        for row in reversed(rows):
            for k, rule in enumerate(row.rules if row.gradient is not None else ()):
                self.senders.setdefault(rule.to, []).append((row, k))
        self.asked: set[Any] = set()

    def about_value(self, i: int, row: Explained) -> Iterable[Question]:
        """What an op computes."""
        if not row.call or not _is_short(row.value) or not _is_by_hand(row):
            return
        e = _element(i, row.value)
        answer = term("value", row, 0, e, row.value)
        if not isfinite(answer.number):
            return
        slips = [("wrong sign", "the size is right, the sign is not.", (minus(answer),))]
        for k, rule in enumerate(row.rules):
            why = f"that is the derivative by {rule.label}. The value is asked for."
            slips.append(("derivative instead of value", why, (local(row, k),)))
        text = f"What is the value of {row.label} = {row.call}?"
        if host(row.value).ndim:
            text = f"What is the value of {_place(row, row.value, e)}, where {row.label} = {row.call}?"
        formulas = () if row.formula is None else (row.formula,)
        places = tuple(("formula", row.step.id, 0) for _ in formulas)
        yield Question("value", row.step.id, text, answer.number, formulas, (), (answer,), tuple(slips), places)

    def about_gradient(self, i: int, row: Explained) -> Iterable[Question]:
        """The sum of what arrives."""
        senders = [sender for sender in self.senders[row.step.id] if sender is not None]
        arrives = row.arrives
        is_known = _is_short(row.gradient) and all(_is_short(g) and _shape(g) == _shape(row.gradient) for g in arrives)
        by_hand = len(senders) <= BRANCHES and all(_is_by_hand(sender) for sender, _ in senders)
        if not senders or len(senders) != len(arrives) or not is_known or not by_hand:
            return
        e = _element(i, row.gradient)
        answer = term("gradient", row, 0, e, row.gradient)
        if not isfinite(answer.number):
            return
        what = _place(row, row.gradient, e)
        formulas = [(sender, k) for sender, k in senders if sender.rules[k].formula is not None]
        yield Question(
            "arrives", row.step.id, f"Which gradient arrives at {what}?", answer.number,
            tuple(sender.rules[k].formula for sender, k in formulas), (), (answer,),  # type: ignore[misc]
            tuple(self._slips(row, senders, answer, e)), tuple(("rule", sender.step.id, k) for sender, k in formulas),
        )  # fmt: skip

    def _slips(
        self, row: Explained, senders: list[tuple[Explained, int]], answer: Term, e: int
    ) -> Iterable[tuple[str, str, tuple[Term, ...]]]:
        """The usual mistakes about a gradient."""
        if len(senders) > 1:
            for n, (sender, _) in enumerate(senders):
                why = f"that comes from {sender.label} alone. {len(senders)} gradients arrive, and they add up."
                yield "forgot to add", why, (term("arrives", row, n, e, row.arrives[n]),)
        locals_ = tuple(local(sender, k) for sender, k in senders)
        names = " and ".join(dict.fromkeys(sender.label for sender, _ in senders))
        yield "missing chain factor", f"the local derivative is right. It is multiplied by what arrives at {names}.", locals_
        for sender, k in senders:
            for other, rule in enumerate(sender.rules):
                if rule.label != sender.rules[k].label and _shape(rule.sent) == _shape(row.gradient):
                    why = f"that goes to the other branch: from {sender.label} to {rule.label}."
                    yield "wrong branch", why, (term("sent", sender, other, e, rule.sent),)
            if _shape(sender.gradient) == _shape(row.gradient):
                why = f"that arrives at {sender.label}. It is multiplied by the local derivative on the way to {row.label}."
                yield "missing local derivative", why, (term("gradient", sender, 0, e, sender.gradient),)
        yield "wrong sign", "the size is right, the sign is not.", (minus(answer),)
        if _shape(row.value) == _shape(row.gradient):
            why = f"that is the value of {row.label}. The gradient is asked for."
            yield "value instead of gradient", why, (term("value", row, 0, e, row.value),)

    def about_rule(self, i: int, row: Explained) -> Iterable[Question]:
        """Which formula sends the gradient on; each rule of an op once."""
        for k, rule in enumerate(row.rules):
            if rule.formula is None or (row.step.op, rule.formula.left) in self.asked:
                continue
            choices = rule_choices(row, k, i)
            if len(choices) < 3:
                continue
            self.asked.add((row.step.op, rule.formula.left))
            text = f"By which rule does {row.label} = {row.call} send its gradient to {rule.label}?"
            right = next(choice.text for choice in choices if not choice.mistake)
            formulas = () if row.formula is None else (row.formula,)
            places = (("formula", row.step.id, 0),) * len(formulas)
            yield Question("rule", row.step.id, text, right, formulas, choices, places=places)
            return  # one of a step

    def about_inputs(self, row: Explained) -> Iterable[Question]:
        """Which of two inputs gets more; of an op once where it is the same, and once where it is not."""
        labels = [rule.label for rule in row.rules]
        sent = [rule.sent for rule in row.rules]
        if not len({*labels}) == 2 == len(labels) or _shape(sent[0]) is None or _shape(sent[0]) != _shape(sent[1]):
            return
        with np.errstate(all="ignore"):
            sizes = [rms(x) for x in sent]
        is_same = abs(sizes[0] - sizes[1]) <= 0.02 * max(sizes)
        right = 2 if is_same else int(sizes[1] > sizes[0])
        if not all(map(isfinite, sizes)) or (row.step.op, is_same) in self.asked:
            return
        self.asked.add((row.step.op, is_same))
        formulas = tuple(rule.formula for rule in row.rules if rule.formula is not None)
        rules = "; ".join(str(formula.filled_with(None)) for formula in formulas)
        mistake = ("wrong size", f"compare the rules: {rules}.")
        texts = [*labels, "both the same"]
        choices = tuple(Choice(text, None, *(("", "") if n == right else mistake)) for n, text in enumerate(texts))
        places = tuple(("rule", row.step.id, k) for k, rule in enumerate(row.rules) if rule.formula is not None)
        how = "whatever its sign" if host(sent[0]).size == 1 else "by the root of the mean of its squares"
        text = f"Which input of {row.label} = {row.call} gets the larger gradient, {how}?"
        yield Question("more", row.step.id, text, texts[right], formulas, choices, places=places)


def _is_short(value: Any) -> bool:
    """Whether one can ask for a number of it."""
    if value is None or isinstance(value, (tuple, list)):
        return False
    array = host(value)
    return array.dtype.kind in "fiub" and 0 < array.size <= LONGEST


def _shape(value: Any) -> tuple[int, ...] | None:
    """Of one array; None of several, and of what is not known."""
    return None if value is None or isinstance(value, (tuple, list)) else host(value).shape


def _is_by_hand(row: Explained) -> bool:
    """Whether what an op reads is little enough to compute with."""
    return row.step.data is None and sum(prod(shape) for _, shape, _ in row.step.inputs) <= MANY


def _element(i: int, value: Any) -> int:
    """Which number of an array is asked for: not a zero, where there are others."""
    numbers = host(value).ravel()
    order = [(i + k) % len(numbers) for k in range(len(numbers))]
    return next((k for k in order if numbers[k] != 0), order[0])


def _place(row: Explained, value: Any, element: int) -> str:
    """What an element is called: w[1]."""
    array = host(value)
    if array.ndim == 0:
        return row.label
    return f"{row.label}[{', '.join(str(int(i)) for i in np.unravel_index(element, array.shape))}]"
