"""What a lesson shows as printed is what its snippet prints: a block of text that follows a block of Python."""

from __future__ import annotations

import doctest
import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

LESSONS = sorted((Path(__file__).resolve().parent.parent / "docs" / "lessons").glob("*.md"))
PRINTED = re.compile(r"^```python\n((?:(?!^```).*\n)*)```\n\n```text\n((?:(?!^```).*\n)*)```$", re.MULTILINE)
SHOWN = [
    pytest.param(code, text, id=f"{path.stem}-{n}")
    for path in LESSONS
    for n, (code, text) in enumerate(PRINTED.findall(path.read_text("utf-8")))
]


def test_the_lessons_show_programs_and_errors() -> None:
    assert {shown.id.partition("-")[0] for shown in SHOWN} >= {"compiler", "own_op"}


@pytest.mark.parametrize(("code", "text"), SHOWN)
def test_a_lesson_shows_what_is_printed(code: str, text: str, tmp_path: Path) -> None:
    """Lines may be broken elsewhere, and three dots stand for anything, such as the path of the snippet, which errors quote."""
    out, path = StringIO(), tmp_path / "snippet.py"
    path.write_text(code, "utf-8")
    with redirect_stdout(out):
        exec(compile(code, path, "exec", dont_inherit=True), {"__name__": "snippet"})
    freedom = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.OutputChecker().check_output(text, out.getvalue(), freedom), out.getvalue()
