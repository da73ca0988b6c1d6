"""The gallery and the notebooks on the site: each example and notebook has a page, with all that it shows."""

from __future__ import annotations

import doctest
import importlib
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from . import sites
from .browser import violations_in_both_themes
from .sites import ROOT, in_browser, opened

EXAMPLES, NOTEBOOKS = ROOT / "examples", ROOT / "examples" / "notebooks"
NAMES = [path.stem for path in sorted(NOTEBOOKS.glob("*.ipynb"))]
for needed in ("sphinx", "pydata_sphinx_theme", "myst_nb", "sphinx_design", "sphinx_copybutton", "latex2mathml", "ipykernel"):
    pytest.importorskip(needed, reason="the site needs the extra docs")
site, extensions = sites.site, sites.extensions


@cache
def page(path: Path) -> Any:
    """What stands on a page, parsed, without the menus around it."""
    bs4 = importlib.import_module("bs4")
    return bs4.BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser", parse_only=bs4.SoupStrainer("article"))


def course() -> dict[str, dict[str, str]]:
    return importlib.import_module("course").COURSE


def examples() -> list[str]:
    return [name for members in course().values() for name in members]


def texts(found: Any) -> list[str]:
    """The texts of elements, with single spaces."""
    return [" ".join(element.get_text().split()) for element in found]


# ---- the gallery


@pytest.mark.usefixtures("extensions")
def test_each_example_has_a_page_with_its_picture_its_text_and_its_whole_code(site: Path) -> None:
    results = importlib.import_module("results")
    for name in examples():
        body = page(site / "gallery" / f"{name}.html").select_one("article")
        pictures = [image["src"] for image in body.select("figure img")]
        drawn = (EXAMPLES / "pictures" / f"{name}.png").exists()
        assert pictures == ([f"../_images/{name}.png"] if drawn else []), name
        assert not drawn or (site / "_images" / f"{name}.png").exists()
        assert body.select(".highlight-python pre")[-1].get_text().strip() == (EXAMPLES / f"{name}.py").read_text("utf-8").strip()
        first_word = results.docstring(name).partition("\n\n")[2].split()[0].strip("`")
        assert first_word in body.select_one("#what-it-shows").get_text(), name
        assert f"python -m examples {name}\n" in body.select_one("#run-it pre").get_text()


@pytest.mark.usefixtures("extensions")
def test_the_overview_has_a_card_for_each_example_in_the_order_of_the_course(site: Path) -> None:
    overview = page(site / "gallery" / "index.html").select_one("article")
    links = overview.select(".gallery-cards .gallery-title a")
    assert [link["href"] for link in links] == [f"{name}.html" for name in examples()]
    titles = [page(site / "gallery" / link["href"]).select_one("h1").find(string=True) for link in links]
    assert titles == texts(links)
    assert len(set(titles)) == len(titles)
    anchors = [link["href"] for link in overview.select(".gallery-families a")]
    assert len(anchors) == len(course())
    for anchor, members in zip(anchors, course().values(), strict=True):
        assert len(overview.select(f"{anchor} .gallery-cards > li")) == len(members)


@pytest.mark.usefixtures("extensions")
def test_a_page_has_what_was_measured_beside_chance_and_baselines(site: Path) -> None:
    results = importlib.import_module("results")
    for name in examples():
        tables = page(site / "gallery" / f"{name}.html").select("table.gallery-numbers")
        measured = results.kept(name)
        assert len(tables) == len(measured), name
        wanted = [values for found in measured for values in found["results"].values() if not isinstance(values[0], str)]
        shown = [cell for table in tables for cell in texts(table.select("tbody td:nth-child(2)"))]
        assert sorted(shown) == sorted(map(results.median, wanted)), name
    rows = [texts(row.select("td")) for row in page(site / "gallery" / "svm.html").select("table.gallery-numbers tbody tr")]
    assert rows[0] == ["linear: test accuracy", "0.965", "0.947 to 0.983"]
    assert rows[-2:] == [
        ["chance test accuracy of the larger class", "0.661", "0.62 to 0.667"],
        ["baseline one measurement, test accuracy", "0.936", "0.906 to 0.947"],
    ]


@pytest.mark.usefixtures("extensions")
def test_texts_that_an_example_wrote_are_shown_as_they_are(site: Path) -> None:
    written = texts(page(site / "gallery" / "hello.html").select("table.gallery-texts td"))
    assert written == ["written after h", "hello"]


def test_pictures_say_what_they_show(site: Path) -> None:
    found = [
        (path.name, image.get("alt", ""))
        for path in [*(site / "gallery").glob("*.html"), *(site / "notebooks").glob("*.html")]
        for image in page(path).select("article img")
    ]
    assert len(found) > 200
    assert [(name, alt) for name, alt in found if len(alt.split()) < 3 or "_images" in alt] == []


@pytest.mark.usefixtures("extensions")
def test_what_to_read_with_the_examples_is_there() -> None:
    reading = importlib.import_module("gallery_page").READING
    assert set(reading) <= {*course(), *examples()}
    documents = {document for found in reading.values() for document in found}
    missing = [d for d in documents if not (ROOT / "docs" / f"{d}.md").exists() and d.removeprefix("notebooks/") not in NAMES]
    assert missing == []


@pytest.mark.usefixtures("extensions")
@pytest.mark.parametrize("module", ["arguments", "gallery_texts", "repository", "used_names"])
def test_the_examples_of_the_extensions_are_right(module: str) -> None:
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted > 0 and found.failed == 0


@pytest.mark.usefixtures("extensions")
def test_names_of_the_code_are_those_of_the_packages() -> None:
    used = importlib.import_module("used_names")
    results = importlib.import_module("results")
    assert used.names(results.source("svm")) == ["minigrad.grad", "minigrad.Tensor"]
    for name in examples():
        for found in used.names(results.source(name)):
            package, *rest = found.split(".")
            thing = importlib.import_module(package)
            for part in rest:
                thing = getattr(thing, part)


@pytest.mark.usefixtures("extensions")
def test_no_example_runs_and_no_extra_of_the_examples_is_needed_to_read_them() -> None:
    code = "import gallery, sys; print([m for m in ('matplotlib', 'sklearn', 'tqdm', 'shared') if m in sys.modules])"
    paths = os.pathsep.join([str(ROOT), str(ROOT / "docs" / "_ext")])
    out = subprocess.check_output([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": paths}, text=True)
    assert out.strip() == "[]"


# ---- the notebooks


def committed(name: str) -> dict[str, Any]:
    return json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_shown_with_its_outputs(name: str, site: Path) -> None:
    body = page(site / "notebooks" / f"{name}.html").select_one("article")
    shown = texts(body.select(".cell_output pre"))
    for cell in committed(name)["cells"]:
        for output in cell.get("outputs", []):
            text = output.get("text") or ("" if len(output["data"]) > 1 else output["data"].get("text/plain"))
            assert not text or " ".join("".join(text).split()) in shown, text
    images = sum("image" in kind for c in committed(name)["cells"] for o in c.get("outputs", []) for kind in o.get("data", {}))
    assert len(body.select(".cell_output img")) == images
    assert "piplite" not in body.get_text()


def test_cells_that_show_a_living_page_have_it_in_a_frame(site: Path) -> None:
    found = {}
    for name in NAMES:
        for frame in page(site / "notebooks" / f"{name}.html").select("figure.live iframe"):
            source = (site / "notebooks" / frame["src"].partition("#")[0]).read_text(encoding="utf-8")
            assert source.startswith("<!doctype html>") and 'id="program"' in source
            found[name] = frame["title"]
    assert found == {
        "backpropagation_by_hand": "A living page: viz.explore(neuron, x1, x2, w1, w2, b)",
        "convolution_as_a_matrix_product": "A living page: "
        "viz.explore(convolution, image[None, None], turned[None, None].copy())",
        "recurrent_networks_and_vanishing_gradients": "A living page: viz.explore(network, xs)",
    }


@pytest.mark.parametrize("name", NAMES)
def test_buttons_of_the_site_lead_to_what_is_there(name: str, site: Path) -> None:
    *others, download = page(site / "notebooks" / f"{name}.html").select(".notebook-buttons a")
    assert (site / "notebooks" / download["href"]).read_bytes() == (NOTEBOOKS / f"{name}.ipynb").read_bytes()
    assert ("Open in JupyterLite" in texts(others)) == (site / "lite" / "lab").is_dir()


@pytest.mark.usefixtures("extensions")
@pytest.mark.parametrize("source", ["https://github.com/us/ours", "https://example.com/ours"])
@pytest.mark.parametrize("lite", [False, True])
def test_a_notebook_opens_in_colab_from_github_alone_and_in_jupyterlite_where_it_is_built(
    source: str, lite: bool, tmp_path: Path
) -> None:
    application = importlib.import_module("sphinx.application").Sphinx
    namespace = importlib.import_module("sphinx.util.docutils").docutils_namespace
    out = tmp_path / "out"
    if lite:
        (out / "lite" / "lab").mkdir(parents=True)
    settings = {"extensions": ["myst_nb", "repository", "notebooks"], "repository_source": source}
    with namespace():
        application(tmp_path, None, out, out, "html", settings, status=None)
    colab = '<a href="https://colab.research.google.com/github/us/ours/blob/main/examples/notebooks/{}.ipynb">Open in Colab</a>'
    jupyterlite = '<a href="../lite/lab/index.html?path={}.ipynb">Open in JupyterLite</a>'
    for name in NAMES:
        first = json.loads((tmp_path / "notebooks" / f"{name}.ipynb").read_text("utf-8"))["cells"][0]["source"]
        assert (colab.format(name) in first, "colab" in first) == (("github" in source),) * 2
        assert (jupyterlite.format(name) in first, "JupyterLite" in first) == (lite, lite)
        assert f"{{download}}`Download </../examples/notebooks/{name}.ipynb>`" in first


def test_all_notebooks_begin_by_installing_minigrad_where_it_is_not() -> None:
    tool = importlib.import_module("tools.notebooks")
    for name in NAMES:
        notebook = committed(name)
        assert tool.with_cell(notebook) == notebook, f"{name}: run python tools/notebooks.py"
        assert notebook["metadata"]["language_info"]["name"] == "python", "JupyterLite chooses the kernel by it"


def test_the_first_cell_takes_nothing_from_an_address_that_anybody_could_register() -> None:
    tool = importlib.import_module("tools.notebooks")
    before, after = tool.cell("https://example.com/ours"), tool.cell("https://github.com/us/ours")
    assert "%pip" not in before and "http" not in before and 'in the checkout of minigrad-nn, pip install ".[viz]"' in before
    assert "%pip install -q git+https://github.com/us/ours" in after.splitlines()[-1]
    for code in (before, after):
        lines = code.splitlines()
        (place,) = [n for n, line in enumerate(lines) if "piplite.install" in line]
        assert "_PIPLITE_DISABLE_PYPI = True" in lines[place - 1]


def test_jupyterlite_has_the_notebooks_and_takes_nothing_from_the_index() -> None:
    folder = ROOT / "docs" / "lite"
    build = json.loads((folder / "jupyter_lite_config.json").read_text("utf-8"))
    (contents,), (wheels,) = build["LiteBuildConfig"]["contents"], build["PipliteAddon"]["piplite_urls"]
    assert (folder / contents).resolve() == NOTEBOOKS
    assert f"--wheel-dir {(folder / wheels).resolve().relative_to(ROOT)} " in (ROOT / "Makefile").read_text("utf-8")
    settings = json.loads((folder / "jupyter-lite.json").read_text("utf-8"))["jupyter-config-data"]["litePluginSettings"]
    assert settings == {"@jupyterlite/pyodide-kernel-extension:kernel": {"disablePyPIFallback": True}}


# ---- in the browser


@in_browser
@pytest.mark.parametrize("path", ["gallery/index", "gallery/char_language_model", "notebooks/index", f"notebooks/{NAMES[0]}"])
def test_pages_are_accessible_and_fit_a_phone(path: str, site: Path) -> None:
    with opened(site / f"{path}.html", width=1280) as tab:
        tab.wait_for_load_state()
        assert violations_in_both_themes(tab) == []
        tab.set_viewport_size({"width": 390, "height": 844})
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390


@in_browser
@pytest.mark.usefixtures("extensions")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_families_and_words_choose_the_cards(scheme: str, site: Path) -> None:
    overview = site / "gallery" / "index.html"
    with opened(overview, scheme, width=1280) as tab:
        shown, count = tab.locator(".gallery-cards > li:visible"), tab.locator("output")
        chosen = tab.locator("[aria-current=true]")
        assert shown.count() == len(examples())
        assert chosen.inner_text().startswith("All")
        tab.get_by_role("link", name="Convolution", exact=False).first.click()
        assert tab.url == f"{overview.as_uri()}#convolution"
        assert shown.count() == len(course()["Convolution"])
        assert count.inner_text() == f"{shown.count()} examples"
        assert chosen.inner_text().startswith("Convolution")
        tab.get_by_label("Filter the examples").fill("resnet")
        assert shown.locator(".gallery-title").all_inner_texts() == ["Residual networks"]
        assert count.inner_text() == "1 example"
        tab.go_back()
        tab.get_by_label("Filter the examples").fill("")
        assert shown.count() == len(examples())
        tab.goto(f"{overview.as_uri()}#recurrent")
        tab.reload()
        assert shown.count() == len(course()["Recurrent"])
