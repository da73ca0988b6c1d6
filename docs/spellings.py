"""Write docs/coming_from/names.md from minigrad.spellings: `python docs/spellings.py` (a test compares it with the file)."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from minigrad import spellings  # noqa: E402

PAGE = ROOT / "docs" / "coming_from" / "names.md"

HEAD = """# Every name that is spelled otherwise

What minigrad says to those who type a name of PyTorch's, NumPy's or another library's that it does not have. Names that are
not in these tables are either the same here, or nothing like them exists. `x` is the tensor, or the first argument of a
function; `m` is a module. This page is written from the tables behind the messages, and a test looks up every name in it.
"""

#: Table -> heading, in the order of the page.
SECTIONS = {
    "INSTEAD": "Functions and methods of tensors: `torch.…`, `x.…`",
    "FUNCTIONS": "Other functions of `torch`, `numpy` and `jax`",
    "OPTIONS": "Options",
    "NO_OPTIONS": "Options without a counterpart",
    "NETWORKS": "Layers: `torch.nn`, `torch.nn.functional`, Keras",
    "MODULES": "Attributes of modules",
    "UTILS": "`torch.utils`, `torch.nn.utils`",
    "AUTOGRAD": "`torch.autograd`, HIPS/autograd",
    "METHODS": "Attributes of NumPy's arrays that a Tensor has not",
    "SOLVERS": "Functions of SciPy that take a function",
}


def page() -> str:
    parts = [HEAD]
    for table, heading in SECTIONS.items():
        words: dict[str, str] = getattr(spellings, table)
        option = "=" if "OPTIONS" in table else ""
        rows = "\n".join(f"| `{name}{option}` | {typeset(instead)} |" for name, instead in sorted(words.items()))
        parts.append(f"## {heading}\n\n| name | write |\n|---|---|\n{rows}\n")
    return "\n".join(parts)


def typeset(instead: str) -> str:
    """What to write as Markdown: the code in it between backticks, the rest as words.

    >>> typeset("np.expand_dims(x, axis), or x[None]")
    '`np.expand_dims(x, axis)`, or `x[None]`'
    """
    return ", or ".join(_code_first(piece) for piece in instead.split(", or "))


def _code_first(text: str) -> str:
    """The longest beginning that is Python, as code, and words after it."""
    ends = [len(text), *(m.start() for m in reversed(list(re.finditer(r"[:,;] ", text))))]
    for end in ends:
        code = text[:end]
        if _is_python(code):
            return f"`{code}`{_escaped(text[end:])}"
    return _escaped(text)


def _is_python(code: str) -> bool:
    if code == "nothing":  # a word here, though it could be a name
        return False
    try:
        ast.parse(code.removesuffix("="))
    except SyntaxError:
        return False
    return True


def _escaped(words: str) -> str:
    return re.sub(r"([*_|<])", r"\\\1", words)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
