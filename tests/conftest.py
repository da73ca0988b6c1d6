"""Fixtures that several files share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from minigrad.compiler import native

from . import browser


@pytest.fixture(params=["native", "replayed"])
def how(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """As native code, and as where llvmlite is absent."""
    if request.param == "replayed":
        monkeypatch.setattr(native, "available", lambda: False)
    elif not native.available():
        pytest.skip("needs llvmlite")
    return str(request.param)


@pytest.fixture(autouse=True, scope="module")
def _one_browser_for_the_tests_of_a_file() -> Iterator[None]:
    yield
    browser.close()
