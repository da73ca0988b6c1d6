"""Pages that are one file: data, styles and scripts inside, nothing fetched, nothing of the user's run as code."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Sequence
from functools import cache, lru_cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any
from zlib import compress

from ..compiler.javascript import runtime
from ..files import write_whole
from .text import as_json, printable

__all__ = ["Page"]

#: Letters of data, beyond which they are packed: a step takes 1,600, packed a tenth of it.
MUCH = 200_000
#: Letters of a page that can be sent and opened anywhere.
LARGEST = 3_000_000


class Page:
    """A page: `.html` is its text, `.write(path)` a file; a notebook shows it by itself, in a frame of its own.

    Attributes:
        data: what the page shows, as plain lists and dicts.
        rows: of a graph, its steps as `explain` has them.

    Args:
        scripts: those that show it, one after the other: names in this package's `assets`, or files of another package's.
        graphviz: whether they lay out graphs.
        program: the script of a program that the page computes (`minigrad.compiler.javascript.Functions`).

    >>> from minigrad import viz
    >>> page = viz.explore(lambda x: x * x, 2.0, title="A square")
    >>> page.html.splitlines()[0], page.data["title"], [row.label for row in page.rows]
    ('<!doctype html>', 'A square', ['x', 'result'])
    """

    def __init__(
        self, title: str, data: dict[str, Any], scripts: Sequence[str | Traversable], graphviz: bool = False, program: str = ""
    ) -> None:
        self.title, self.data = title, data
        self.rows: Sequence[Any] = ()
        self._scripts, self._graphviz, self._program = scripts, graphviz, program

    @property
    def html(self) -> str:
        """The whole page.

        Its policy allows these very scripts, by their hashes, and no request at all; the data is JSON in which `<` is escaped,
        so that no text of the user's can end it, or, where it is much, packed; the scripts write it as text.
        """
        scripts, hashes = _scripts(tuple(self._scripts), self._graphviz)
        program = f'"use strict";\n{{\n{_runtime()}\n{self._program}\n}}'  # names of its own, in a block; workers run it, too
        policy = (
            f"default-src 'none'; script-src {hashes} {_hash(program)} 'wasm-unsafe-eval'; style-src 'unsafe-inline'; "
            "img-src data:; worker-src blob:; base-uri 'none'; form-action 'none'"
        )
        return "\n".join(
            [
                "<!doctype html>",
                '<html lang="en">',
                '<head><meta charset="utf-8">',
                f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                f"<title>{escape(printable(self.title))}</title>",
                f"<style>{_asset('page.css')}</style></head>",
                '<body><div id="app"></div>',
                _embedded(self.data),
                *([f'<script id="program">{program}</script>'] if self._program else []),
                *(f"<script>{script}</script>" for script in scripts),
                "</body></html>\n",
            ]
        )

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return len(self.html.encode())

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the page, whole or not at all.

        Args:
            path: of the file.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_whole(path, self.html.encode())

    def __repr__(self) -> str:
        return f"<Page {self.title!r}>"

    def _repr_html_(self) -> str:
        frame = 'sandbox="allow-scripts allow-downloads allow-modals" style="width: 100%; height: 640px; border: 1px solid #8888"'
        return f'<iframe title="{escape(printable(self.title))}" {frame} srcdoc="{escape(self.html)}"></iframe>'


def _embedded(data: Any) -> str:
    """The data in an element that is no script to the browser."""
    text = as_json(data).replace("<", "\\u003c")
    if len(text) < MUCH:
        return f'<script type="application/json" id="data">{text}</script>'
    return f'<script type="text/plain" id="data">{b64encode(compress(text.encode())).decode()}</script>'


@lru_cache(16)  # they do not change while the package runs, and are more than a megabyte
def _scripts(names: tuple[str | Traversable, ...], graphviz: bool) -> tuple[list[str], str]:
    """The scripts that show a page, and their hashes."""
    code = "\n".join(_asset(name) for name in names)
    library = [_asset("vendor/viz-global.js")] if graphviz else []
    scripts = [*library, f'"use strict";\n(async () => {{\n{code}\n}})();']
    return scripts, " ".join(map(_hash, scripts))


_runtime = cache(runtime)


def _hash(script: str) -> str:
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"


def _asset(script: str | Traversable) -> str:
    place = files(__package__).joinpath("assets", *script.split("/")) if isinstance(script, str) else script
    return place.read_text("utf-8")
