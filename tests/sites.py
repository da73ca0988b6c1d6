"""What tests of the site share: one build of it, its extensions, the modules that it describes, and its pages in a browser."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from . import browser

ROOT = Path(__file__).resolve().parent.parent

#: Written by programs of their own: the living pages, and JupyterLite.
NOT_OURS = ("_live", "_static", "lite")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; of several workers one builds it, and the others wait.

    MINIGRAD_SITE names one that is built already, as CI does after `make site`.
    """
    if built := os.environ.get("MINIGRAD_SITE"):
        return ROOT / built
    here = tmp_path_factory.getbasetemp()
    folder = (here.parent if "PYTEST_XDIST_WORKER" in os.environ else here) / "site"
    out, report = folder / "html", folder / "report"
    try:
        folder.mkdir()
    except FileExistsError:
        wait_for(report)
    else:
        command = [sys.executable, "-m", "sphinx", "--builder", "html", "--fail-on-warning", "--keep-going", "docs", str(out)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
        (folder / "writing").write_text(f"{done.returncode}\n{done.stderr}", "utf-8")
        (folder / "writing").rename(report)
    code, _, said = report.read_text("utf-8").partition("\n")
    if code != "0":
        pytest.fail(f"the site was not built without warnings:\n{said}")
    return out


def wait_for(report: Path) -> None:
    for _ in range(3000):
        if report.exists():
            return
        time.sleep(0.2)
    raise TimeoutError(f"no other worker has written {report}")


@contextmanager
def importable() -> Iterator[None]:
    """The modules of docs/_ext and of examples can be imported, and only here."""
    with pytest.MonkeyPatch.context() as patch:
        for folder in (ROOT, ROOT / "examples", ROOT / "docs" / "_ext"):
            patch.syspath_prepend(str(folder))
        yield


@pytest.fixture
def extensions() -> Iterator[None]:
    """The same for a whole test."""
    with importable():
        yield


#: Public modules whose names are described under another one, or have a line of their own elsewhere, by the reason.
NOT_LISTED = {
    "families whose functions are minigrad's": r"minigrad\.ops(\.\w+)?|minigrad\.random\.\w+",
    "kinds of arrays that the engine calls": r"minigrad\.arrays\.\w+",
    "the layers are nn's": r"nn\.layers(\.\w+)?",
}


def public_modules() -> dict[str, ModuleType]:
    """minigrad, nn, and what their `__all__` leads to."""
    found: dict[str, ModuleType] = {}
    waiting = ["minigrad", "nn", "minigrad.viz"]
    while waiting:
        name = waiting.pop()
        if name in found or any(re.fullmatch(pattern, name) for pattern in NOT_LISTED.values()):
            continue
        module = found[name] = importlib.import_module(name)
        inside = (getattr(module, n) for n in getattr(module, "__all__", ()))
        waiting += [m.__name__ for m in inside if inspect.ismodule(m) and m.__name__.startswith(("minigrad", "nn"))]
    return found


def in_browser(test: Any) -> Any:
    """A test that needs the browser."""
    for mark in browser.needs_browser:
        test = mark(test)
    return test


@contextmanager
def opened(path: Path, scheme: str = "light", width: int = 1400, query: str = "", **context: Any) -> Iterator[Any]:
    """A page of the site from the disk; afterwards nothing may have been asked from anywhere else, and no script have failed."""
    asked: list[str] = []
    failed: list[str] = []
    with (
        browser.tab(scheme, {"width": width, "height": 900}, **context) as page,
        browser.listening(
            page, request=lambda request: asked.append(request.url), pageerror=lambda error: failed.append(str(error))
        ),
    ):
        page.goto(path.as_uri() + query)
        if context.get("java_script_enabled", True):
            page.locator("html[data-theme]").wait_for(state="attached")
        yield page
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:", "chrome-error:"))] == []
    assert failed == []
