"""docs/errors.md: below each block of code stands what it prints, and that is all that it prints."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import minigrad

PAGE = Path(__file__).resolve().parent.parent / "docs" / "errors.md"
#: A block of code, and the text that follows it at once.
BLOCK = re.compile(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", re.DOTALL)


def blocks() -> list[Any]:
    return [pytest.param(*found.groups(default=""), id=str(n)) for n, found in enumerate(BLOCK.finditer(PAGE.read_text("utf-8")))]


def words(text: str) -> list[str]:
    """Without line breaks, which the page has where a line would be too long."""
    return text.split()


@pytest.mark.parametrize(("code", "printed"), blocks())
def test_the_page_shows_what_its_code_prints(
    code: str, printed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    if "cuda" in code and not minigrad.cuda.device_count():
        request.getfixturevalue("stand_in")
    exec(compile(code, "snippet", "exec", dont_inherit=True), {"__name__": "snippet"})
    assert words(capsys.readouterr().out) == words(printed)


def test_most_blocks_print_something() -> None:
    assert sum("```text" in found.group() for found in BLOCK.finditer(PAGE.read_text("utf-8"))) > 12
