"""Text of the user's, as pages and drawings can hold it."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["as_json", "one_line", "printable", "printable_data"]

#: What XML forbids: control characters but for tabs and ends of lines, halves of pairs, and what is no character.
FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
#: How such characters stand in JSON.
ESCAPED = re.compile(r"\\[bfr]|\\u00[01]|[\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    """Text with pictures in the place of control characters, which would make a page or drawing unreadable.

    >>> printable("a\\x1b b\\ud800")
    'a␛ b�'
    """
    return FORBIDDEN.sub(_picture, text)


def one_line(text: str) -> str:
    """Printable text without ends of lines and tabs, for those who can show one line only.

    >>> one_line("a\\n\\tb")
    'a  b'
    """
    return re.sub(r"\s", " ", printable(text))


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"


def as_json(value: Any) -> str:
    """Plain data as JSON, with all of its text printable.

    >>> as_json({"a": "\x1b"})
    '{"a":"␛"}'
    """
    text = _json(value)
    return _json(printable_data(value)) if ESCAPED.search(text) else text


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def printable_data(value: Any) -> Any:
    """Plain data with all of its text printable."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable_data(k): printable_data(v) for k, v in value.items()}
    return [printable_data(v) for v in value] if isinstance(value, (list, tuple)) else value
