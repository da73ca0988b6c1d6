"""The scripts of a page that computes programs: the functions of its loops, and what runs them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from ..loops import Loop
from .spelling import ARRAYS
from .writer import written

__all__ = ["Functions", "runtime"]


def runtime() -> str:
    """The scripts that a page needs to compute programs again, beside those of `Functions`."""
    here = files(__package__)
    return "\n".join((here / name).read_text(encoding="utf-8") for name in ("runtime.js", "library.js"))


class Functions:
    """The loops of all programs of a page as JavaScript: of one text there is one function."""

    def __init__(self, loops: Sequence[Loop] = ()) -> None:
        self._known: dict[tuple[str, tuple[str, ...]], int] = {}
        for loop in loops:
            text = written(loop)
            self.number(text.text, text.dtypes)

    def number(self, text: str, dtypes: tuple[str, ...]) -> int:
        """The number of a function for arrays of these dtypes: one that meets several is slow with all of them."""
        return self._known.setdefault((text, tuple(ARRAYS[d] for d in dtypes)), len(self._known))

    @property
    def texts(self) -> list[str]:
        return [text for text, _ in self._known]

    @property
    def script(self) -> str:
        """A script that defines them; it belongs after `runtime`.

        >>> from minigrad.compiler.steps import Load, Operand, Store
        >>> flat = Operand("float32", (1,))
        >>> print(Functions([Loop((4,), (flat, flat), (Load(0), Store(1, 0)))]).script)
        minigrad.define((m) => [
        (a0, a1, n0) => {
          for (let x0 = 0; x0 < n0; x0++) {
            const v0 = a0[x0];
            a1[x0] = v0;
          }
        }
        ]);
        <BLANKLINE>
        """
        return "minigrad.define((m) => [\n" + ",\n".join(self.texts) + "\n]);\n"
