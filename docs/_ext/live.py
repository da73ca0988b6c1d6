"""The directive `live`: a living page of minigrad.viz in a frame, written when the site is built.

    ```{live} slope
    :alt: the graph of x squared, whose x can be changed
    :caption: Move x, and watch the slope.
    :height: 420
    :fragment: embed&step=3
    ```

in docs/lessons/backpropagation.md shows the page that `slope(path)` in docs/lessons/figures/backpropagation.py writes to `path`.
The fragment is the page's address (docs/viz.md, "Share a page"): `embed`, graph and player, is the default; `embed=panel&node=x`
has the details of a node beside, or the lens of one that has a lens; `embed=training` the training below.
"""

from __future__ import annotations

import hashlib
import html
import importlib.util
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from types import ModuleType

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = "_live"  # in the site, beside _static


def figures_of(document: str | Path) -> Path:
    """The file whose functions write the figures of a document."""
    document = Path(document)
    return document.parent / "figures" / f"{document.stem}.py"


def load(path: Path) -> ModuleType:
    """The functions of a file of figures."""
    spec = importlib.util.spec_from_file_location(f"figures_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Live(SphinxDirective):
    """A frame with a living page, a caption, and a link that opens the page alone.

    Raises:
        DirectiveError: there is no such function, or no `alt`, which names the frame for those who do not see it.
    """

    required_arguments = 1
    option_spec = {
        "alt": directives.unchanged_required,
        "caption": directives.unchanged,
        "height": directives.positive_int,
        "fragment": directives.unchanged,
    }

    def run(self) -> list[nodes.Node]:
        name, docname = self.arguments[0], self.env.docname
        source = figures_of(self.env.doc2path(docname))
        if "alt" not in self.options:
            raise self.error(f"live {name}: write what the figure shows, for those who do not see it, as :alt:")
        if not source.exists() or f"\ndef {name}(" not in source.read_text("utf-8"):
            raise self.error(f"live {name}: there is no function {name}(path) in {source}")
        self.env.note_dependency(str(source))
        self.env.metadata[docname].setdefault("figures", []).append(name)
        fragment = self.options.get("fragment", "embed")
        uri = "../" * docname.count("/") + f"{FOLDER}/{docname}/{name}.html"
        before, after = framed(uri, fragment, self.options["alt"], self.options.get("height", 420))
        caption, _ = self.parse_inline(self.options.get("caption", ""))
        return [nodes.raw("", before, format="html"), *caption, nodes.Text(" "), nodes.raw("", after, format="html")]


def framed(address: str, fragment: str, title: str, height: int) -> tuple[str, str]:
    """A living page in a frame: the HTML before and after its caption."""
    frame = f'<iframe src="{html.escape(f"{address}#{fragment}")}" title="{html.escape(title)}" loading="lazy" height="{height}">'
    alone = f'<a href="{address}" target="_blank">Open the page alone</a>'
    return f'<figure class="live">{frame}</iframe><figcaption>', f"{alone}</figcaption></figure>"


# ---- writing what documents want


@cache
def packages() -> bytes:
    """A digest of minigrad, nn and the models that pages share: when they change, so may every page."""
    files = (path for package in ("minigrad", "nn", "examples/pages") for path in sorted((ROOT / package).rglob("*")))
    found = hashlib.sha256()
    for path in files:
        if path.is_file() and "__pycache__" not in path.parts:
            found.update(path.read_bytes())
    return found.digest()


def keep(path: Path, made_of: bytes, write: Callable[[Path], object]) -> None:
    """Write a page that is not there yet, or that other code has written, which a digest beside it tells."""
    note, digest = path.with_suffix(".digest"), hashlib.sha256(packages() + made_of).hexdigest()
    if not path.exists() or not note.exists() or note.read_text("utf-8") != digest:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)
        note.write_text(digest, "utf-8")


def write_figure(source: Path, name: str, path: Path) -> None:
    getattr(load(source), name)(path)


def write(app: Sphinx, exception: Exception | None) -> None:
    """The figures of all documents."""
    if exception or app.builder.format != "html":
        return
    for docname, noted in app.env.metadata.items():
        source = figures_of(app.env.doc2path(docname))
        for name in noted.get("figures", ()):
            page = Path(app.outdir) / FOLDER / docname / f"{name}.html"
            keep(page, source.read_bytes(), partial(write_figure, source, name))


def setup(app: Sphinx) -> None:
    app.add_directive("live", Live)
    app.connect("build-finished", write)
