"""Ways from the site to the repository: links of the documents to its files.

Documents are read on GitHub too, where `[tensor](../minigrad/tensor.py)` opens the file.  On the site such a link leads to the
page that shows the file, where there is one, and to the repository's otherwise, once it has a public address.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent.parent

#: A file of the repository -> the document of the site that shows it.
PAGES = {
    "README.md": "/index.md",
    "ARCHITECTURE.md": "/project/architecture.md",
    "CHANGELOG.md": "/project/changelog.md",
    "CONTRIBUTING.md": "/project/contributing.md",
    "examples/README.md": "/gallery/index.rst",
    "examples/notebooks": "/notebooks/index.md",
    **{f"examples/notebooks/{path.name}": f"/notebooks/{path.name}" for path in (ROOT / "examples/notebooks").glob("*.ipynb")},
    **{f"examples/{path.stem}.py": f"/gallery/{path.stem}.rst" for path in (ROOT / "examples/measured").glob("*.json")},
    "docs/ops.md": "/api/index.rst",
    "docs/ops.md#random-numbers-minigradrandom": "/api/random.rst",
}
LINK = re.compile(r"(?<=\]\()(?!\w+:|#|/)([^)#\s]*)(#[^)\s]*)?(?=\))")


def on_github(source: str) -> str:
    """OWNER/NAME of a repository, where its address is one of GitHub's; the placeholder of pyproject.toml is none.

    >>> on_github("https://github.com/us/ours"), on_github("https://example.com/ours")
    ('us/ours', '')
    """
    found = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+)", source)
    return found[1] if found else ""


def files_of(source: str) -> str:
    """Where a repository shows its files."""
    return f"{source}/blob/main"


def with_links(text: str, folder: str, url: str) -> str:
    """A document in Markdown whose links to files lead to pages, or to the repository.

    Args:
        folder: that of the document, from the repository's root.
        url: of the repository's files.
    """

    def there(match: re.Match[str]) -> str:
        path, anchor = posixpath.normpath(posixpath.join(folder, match[1])), match[2] or ""
        if path + anchor in PAGES:
            return PAGES[path + anchor]
        if path in PAGES:
            return PAGES[path] + (anchor if PAGES[path].endswith(".md") else "")
        if path.startswith("docs/") and (ROOT / path).is_file():
            return path.removeprefix("docs") + anchor
        return f"{url}/{path}{anchor}" if (ROOT / path).exists() else match[0]

    parts = re.split(r"(^ *```.*?^ *```)", text, flags=re.MULTILINE | re.DOTALL)
    parts[::2] = (LINK.sub(there, part) for part in parts[::2])
    return "".join(parts)


def on_read(app: Sphinx, docname: str, content: list[str]) -> None:
    if Path(app.env.doc2path(docname)).suffix == ".md":
        folder = posixpath.dirname(f"docs/{docname}")
        content[0] = with_links(content[0], folder, files_of(app.config.repository_source))


def on_include(app: Sphinx, path: Path, parent: str, content: list[str]) -> None:
    """ARCHITECTURE.md and its like, which pages include."""
    folder = (Path(app.srcdir) / path).resolve().relative_to(ROOT).parent.as_posix()
    content[0] = with_links(content[0], folder, files_of(app.config.repository_source))


def leave_out(app: Sphinx, doctree: nodes.document) -> None:
    """Of links to files only their text is left as long as the repository has no public address."""
    source = app.config.repository_source
    if not on_github(source):
        for link in list(doctree.findall(nodes.reference)):
            if link.get("refuri", "").startswith(f"{source}/"):
                link.replace_self(link.children)


def no_way_back(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Pages of source code without links to the reference: viewcode takes all of a module to stand there under one name."""
    if pagename.startswith("_modules/"):
        context["body"] = re.sub(r'<a class="viewcode-back".*?</a>', "", context["body"])


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("repository_source", "", "env")
    app.connect("source-read", on_read)
    app.connect("include-read", on_include)
    app.connect("doctree-read", leave_out)
    app.connect("html-page-context", no_way_back)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
