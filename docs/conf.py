"""The site: `make site` builds it from docs/, without the network, into out/site."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]

project = "minigrad"
extensions = [
    "mathml",
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
]  # fmt: skip
exclude_patterns = ["_ext", "_static"]
html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # what a page shows has run in the tests
html_math_renderer = "mathml"
