"""The site: `make site` builds it from docs/, without the network, into out/site."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]

from repository import on_github  # noqa: E402  (docs/_ext)

from minigrad.version import __version__  # noqa: E402

project = "minigrad"
author = "the minigrad authors"
version = release = __version__
html_title = f"minigrad {version}"
extensions = [
    "api",
    "gallery",
    "lessons",
    "mathml",
    "repository",
    "myst_nb",
    "notebooks",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
]  # fmt: skip
exclude_patterns = ["_ext", "_static", "ops.md"]  # what ops.md tells on GitHub, docs/api tells here

# Text.
repository_source = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Source"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # what a page shows has run in the tests
html_math_renderer = "mathml"
smartquotes_action = "D"  # dashes alone: a quote is a quote

# The reference.
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
autodoc_typehints_format = "short"
napoleon_custom_sections = [("Attributes", "params_style")]
napoleon_use_param = False  # names that share an entry stay together
napoleon_use_rtype = False
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"

# How it looks.
html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_context = {"default_mode": "auto"}
html_favicon = "_static/logo.svg"
html_copy_source = False
html_show_search_summary = False  # a page from the disk may not read others
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {
    "logo": {"text": "minigrad", "image_light": "_static/logo.svg", "image_dark": "_static/logo.svg"},
    "header_links_before_dropdown": 6,
    "icon_links": [{"name": "Source", "url": repository_source, "icon": "fa-brands fa-github", "type": "fontawesome"}]
    if on_github(repository_source)
    else [],
    "navbar_align": "left",
    "show_prev_next": True,
    "navigation_with_keys": False,
    "show_nav_level": 1,
    "show_toc_level": 2,
    "secondary_sidebar_items": {"**": ["page-toc"], "index": [], "search": []},
    "navbar_end": ["theme-switcher", "navbar-icon-links"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "back_to_top_button": False,
}
html_sidebars = {page: [] for page in ("index", "start", "search", "genindex", "_modules/**")}  # they stand in no section
