"""Fixtures that several files share."""

from __future__ import annotations

import pytest

from minigrad.compiler import native


@pytest.fixture(params=["native", "replayed"])
def how(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """As native code, and as where llvmlite is absent."""
    if request.param == "replayed":
        monkeypatch.setattr(native, "available", lambda: False)
    elif not native.available():
        pytest.skip("needs llvmlite")
    return str(request.param)
