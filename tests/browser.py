"""A headless Chromium for tests of pages: what they show, that nothing leaves them, and that they are accessible."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

needs_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="needs playwright"),
]


_running: list[Any] = []


def chromium() -> Any:
    """The browser, which the tests of a file share: to start one takes longer than most tests."""
    if not _running:
        from playwright.sync_api import sync_playwright

        playwright = sync_playwright().start()
        _running.extend([playwright, playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)])
    return _running[-1]


def close() -> None:
    """End it: while it runs, an event loop of a test's own does not."""
    if _running:
        playwright, browser = _running
        _running.clear()
        browser.close()
        playwright.stop()


@contextmanager
def opened(
    path: Path, scheme: str = "light", extra: tuple[str, ...] = ("blob:",), fragment: str = "", first: str = "", **context: Any
) -> Iterator[Any]:
    """A page from the disk, when it is ready; afterwards nothing may have been requested, and no error written.

    Args:
        extra: what requests may begin with all the same: what a page makes itself, for a worker, is none.
        fragment: what follows the page's address, "#step=3".
        first: a script that runs before those of the page.
        context: how the browser is: `viewport`, `has_touch`.
    """
    tab = chromium().new_context(**{"viewport": {"width": 1400, "height": 900}, "color_scheme": scheme, **context})
    try:
        page = tab.new_page()
        page.add_init_script(first)
        requests: list[str] = []
        errors: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: errors.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path.as_uri() + fragment)
        page.locator("html[data-ready]").wait_for(state="attached")  # without polling by eval, which the page's policy forbids
        yield page
    finally:
        tab.close()
    asked = [request.partition("#")[0] for request in requests]
    assert [r for r in asked if not r.startswith(extra)] == [path.as_uri()] if extra else asked == [path.as_uri()]
    assert errors == []


def violations(page: Any) -> list[str]:
    """What axe-core finds to be inaccessible."""
    from axe_playwright_python.sync_playwright import Axe

    response = Axe().run(page).response
    assert len(response["passes"]) > 10
    found = response["violations"]
    return [f"{v['id']}: {v['help']}: {v['nodes'][0]['html'][:200]}" for v in found]
