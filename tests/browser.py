"""A headless Chromium for tests of pages: what they show, that nothing leaves them, and that they are accessible."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterator
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
#: Tabs that tests have left.
_free: list[Any] = []


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
        _free.clear()
        browser.close()
        playwright.stop()


@contextmanager
def tab(
    scheme: str = "light", viewport: dict[str, int] | None = None, first: str = "", own: bool = False, **context: Any
) -> Iterator[Any]:  # fmt: skip
    """An empty tab in which nothing is stored.

    The browser takes three times as long to make a tab as to show a page in one that is there, so that a test gets the tab
    that an earlier one has left, unless it asks for another kind.  A test that fails leaves none, nor does one that opened
    others beside.

    Args:
        scheme: "light" or "dark", as the system of the reader is.
        viewport: width and height.
        first: a script that runs before those of each page.
        own: whether nobody else has the tab, before or after: one that is used may lose clicks in the frame of a notebook.
        context: what else the tab's browser is: `has_touch`.
    """
    size = viewport or {"width": 1400, "height": 900}
    is_usual = not first and not own and not context
    page = _free.pop() if is_usual and _free else chromium().new_context(viewport=size, **context).new_page()
    is_left = False
    try:
        if first:
            page.add_init_script(first)
        page.set_viewport_size(size)
        page.emulate_media(media="null", color_scheme=scheme, reduced_motion="null")
        yield page
        is_left = is_usual and len(page.context.pages) == 1
    finally:
        if is_left:
            page.evaluate("location.protocol === 'file:' && [localStorage, sessionStorage].forEach((kept) => kept.clear())")
            page.goto("about:blank")
            page.mouse.move(0, 0)
        if is_left and not page.workers:  # which may end later than their page
            _free.append(page)
        else:
            page.context.close()


@contextmanager
def listening(page: Any, **listeners: Callable[[Any], None]) -> Iterator[None]:
    """What happens in a page is told: `request=print`."""
    for event, listener in listeners.items():
        page.on(event, listener)
    try:
        yield
    finally:
        for event, listener in listeners.items():
            page.remove_listener(event, listener)


@contextmanager
def opened(
    path: Path, scheme: str = "light", extra: tuple[str, ...] = ("blob:",), fragment: str = "", first: str = "", **context: Any
) -> Iterator[Any]:
    """A page from the disk, when it is ready; afterwards nothing may have been requested, and no error written.

    Args:
        scheme, first, context: see `tab`, which has `own` and `viewport` too.
        extra: what requests may begin with all the same: what a page makes itself, for a worker, is none.
        fragment: what follows the page's address, "#step=3".
    """
    requests: list[str] = []
    errors: list[str] = []
    with tab(scheme, first=first, **context) as page, listening(
        page,
        request=lambda request: requests.append(request.url),
        console=lambda message: errors.append(f"{message.type}: {message.text}"),
        pageerror=lambda error: errors.append(str(error)),
    ):  # fmt: skip
        page.goto(path.as_uri() + fragment)
        page.locator("html[data-ready]").wait_for(state="attached")  # without polling by eval, which the page's policy forbids
        yield page
    asked = [request.partition("#")[0] for request in requests]
    assert [r for r in asked if not r.startswith(extra)] == [path.as_uri()] if extra else asked == [path.as_uri()]
    assert errors == []


#: Rules of axe-core that look at colours; all others look at elements, which are the same in both themes.
COLOURS = ["color-contrast", "link-in-text-block"]
#: Waits until a page has another theme, whose colours may come bit by bit.
SETTLED = """
  async () => {
    for (let i = 0; i < 2; i += 1) await new Promise(requestAnimationFrame);
    const moving = document.getAnimations().filter((one) => one instanceof CSSTransition);
    await Promise.allSettled(moving.map((one) => one.finished));
  }
"""


def violations(page: Any) -> list[str]:
    """What axe-core finds to be inaccessible."""
    return _found(page)


def violations_in_both_themes(page: Any) -> list[str]:
    """The same of a page that follows its reader's system: all of it where that is light, its colours where it is dark."""
    page.emulate_media(color_scheme="light")
    page.evaluate(SETTLED)
    found = _found(page)
    page.emulate_media(color_scheme="dark")
    page.evaluate(SETTLED)
    found += _found(page, 0, runOnly={"type": "rule", "values": COLOURS})
    page.emulate_media(color_scheme="light")
    return found


def _found(page: Any, least: int = 10, **options: Any) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    # of what passes it names one element each: all of them are a text of megabytes
    response = Axe().run(page, options={"resultTypes": ["violations"], **options}).response
    assert len(response["passes"]) > least
    return [f"{v['id']}: {v['help']}: {v['nodes'][0]['html'][:200]}" for v in response["violations"]]
