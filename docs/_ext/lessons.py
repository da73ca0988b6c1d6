"""Lessons: figures that can be touched (`live`, in live.py), questions that check themselves (`question`, in questions.py)."""

from __future__ import annotations

from typing import Any

import live
import questions
from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    live.setup(app)
    questions.setup(app)
    app.add_css_file("lessons.css")
    app.add_js_file("lessons.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True, "env_version": 2}
