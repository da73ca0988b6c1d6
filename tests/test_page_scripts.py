"""The page's scripts say what Python says: their plain functions, run without a page."""

from __future__ import annotations

import json
import subprocess
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from minigrad.viz.terms import agree_to_two_digits, tolerance, typed_number

from .javascript_engine import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="needs node")


def run(scripts: tuple[str, ...], code: str, given: Any) -> Any:
    """What code gives, with some of the page's scripts before it and `given`."""
    assets = files("minigrad.viz").joinpath("assets")
    text = "\n".join(assets.joinpath(name).read_text("utf-8") for name in scripts)
    text += f"\nconst given = JSON.parse(require('fs').readFileSync(0));\nconsole.log(JSON.stringify((() => {{ {code} }})()));"
    assert NODE is not None
    done = subprocess.run([NODE, "-e", text], input=json.dumps(given), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


RANGES = [(0.0, 1.0), (-3.2, 7.1), (1e-9, 3e-9), (-5e6, 2e7), (0.0, 0.037), (99.5, 100.5), (-1.0, -0.25)]


@pytest.mark.parametrize("wanted", [2, 5, 6, 9])
def test_numbers_along_an_axis_are_round_even_and_all_that_have_a_place(wanted: int) -> None:
    found = run(
        ("axis.js",), "return given.map(([low, high, wanted]) => roundSteps(low, high, wanted));", [(*r, wanted) for r in RANGES]
    )
    for (low, high), steps in zip(RANGES, found, strict=True):
        assert 1 <= len(steps) <= wanted + 1
        assert low - 1e-9 * (high - low) <= steps[0] <= steps[-1] <= high + 1e-9 * (high - low)
        if len(steps) > 1:
            step = (steps[-1] - steps[0]) / (len(steps) - 1)
            np.testing.assert_allclose(np.diff(steps), step, rtol=1e-6)
            assert f"{step:.0e}"[0] in "125"
            np.testing.assert_allclose(np.round(np.array(steps) / step), np.array(steps) / step, atol=1e-6)
            assert steps[0] - step < low
            assert steps[-1] + step > high


def test_numbers_along_an_axis_of_powers() -> None:
    given = [(-0.7, 0.2), (-2.05, 0.1), (-9.0, 1.0), (2.0, 2.5)]
    found = run(("axis.js",), "return given.map(([low, high]) => roundPowers(low, high));", given)
    assert found == [[0.2, 0.5, 1], [0.01, 0.03, 0.1, 0.3, 1], [1e-9, 1e-7, 1e-5, 1e-3, 0.1, 10], [100, 200]]
    ranges = [(-3, 4), (-3, 5), (0, 1), (-16, 0)]
    assert run(("axis.js",), "return given.map(([low, high]) => powersBetween(low, high));", ranges) == [
        list(range(-3, 5)), [-3, -1, 1, 3, 5], [0, 1], list(range(-16, 1, 3)),
    ]  # fmt: skip


def test_numbers_at_an_axis_are_short() -> None:
    given = [0, 0.25, -1.5, 1e-4, -2.5e-7, 1e6, 12345]
    assert run(("axis.js",), "return given.map(plainText);", given) == ["0", "0.25", "−1.5", "1e−4", "−2.5e−7", "1e+6", "12345"]
    assert run(("axis.js",), "return given.map(raisedText);", [-12, 3]) == ["⁻¹²", "³"]


def test_a_line_has_gaps_and_dots() -> None:
    given = [[0, 1], [1, 2], None, [3, 4], None, None, [6, 7], [7, 8.25]]
    assert run(("axis.js",), "return lineThrough(given);", given) == "M0.0 1.0L1.0 2.0M3.0 4.0h0.01M6.0 7.0L7.0 8.3"


def test_page_and_python_read_and_judge_what_is_typed_alike() -> None:
    typed = [
        "0.5", "1,5", "1/4", "-1/3", "−0.25", " 2 ", "- 3", "1e3", "2E-3", "1e-3/2", ".5", "5.", "+4", "1/0", "1/.5", "1/-2", "",
        "a half", "1 000", "0x10", "1_0", "--1", "1,2,3", "1.2.3", "inf", "nan", "½", "٣", "1\u00a0000", "1\n", "e5", "7/2/2", "−1e−3", "−1/−2",
    ]  # fmt: skip
    assert run(("quiz-answers.js",), "return given.map(typedNumber);", typed) == [typed_number(text) for text in typed]
    rng = np.random.default_rng(0)
    answers = [0.0, 1.0, -1.0, 10.0, 9.999, 1e-3, 1e5, -0.099, 34.78, *(rng.normal(size=60) * 10.0 ** rng.integers(-6, 6, 60))]
    found = run(("quiz-answers.js",), "return given.map(twoDigits);", answers)
    np.testing.assert_allclose(found, [tolerance(answer) for answer in answers], rtol=1e-3)
    pairs = [[answer + part * tolerance(answer), answer] for answer in answers for part in (0, 0.99, -0.999, 1, -1, 1.01, -3)]
    judged = run(("quiz-answers.js",), "return given.map(([typed, exact]) => agrees(typed, exact));", pairs)
    assert judged == [agree_to_two_digits(*pair) for pair in pairs]
    assert True in judged and False in judged
