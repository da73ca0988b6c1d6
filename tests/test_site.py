"""The site: it builds without warnings, loads nothing from elsewhere, every link leads somewhere, every public name is found."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

import nn

from . import browser, sites
from .sites import NOT_OURS, ROOT, in_browser, opened, public_modules

site, extensions = sites.site, sites.extensions
pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("sphinx", "pydata_sphinx_theme", "myst_nb", "latex2mathml")),
    reason="needs the extra docs",
)


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[Path, str]:
    """The text of every page."""
    found = (path for path in site.rglob("*.html") if path.relative_to(site).parts[0] not in NOT_OURS)
    return {path: path.read_text("utf-8") for path in found}


def test_there_is_a_page_for_each_section(site: Path) -> None:
    for name in ("index", "start", "user_guide", "guide", "lessons/index", "gallery/index", "api/index", "project/changelog"):
        assert (site / f"{name}.html").is_file(), name


def test_the_home_page_has_a_living_page_in_it(site: Path) -> None:
    (frame,) = re.findall(r'<iframe[^>]*src="([^"#]+)#', (site / "index.html").read_text("utf-8"))
    text = (site / frame).read_text("utf-8")
    assert "<title>One neuron" in text and "Content-Security-Policy" in text


def test_pages_load_nothing_from_elsewhere(site: Path, pages: dict[Path, str]) -> None:
    loaded = re.compile(
        r"<(?:script|img|iframe|source|video|audio|embed|track)\b[^>]*\b(?:src|srcset)=[\"']?\s*((?:https?:)?//[^\"'\s>]+)"
        r"|<link\b(?=[^>]*rel=[\"']?(?:stylesheet|preload|icon|modulepreload))[^>]*href=[\"']?((?:https?:)?//[^\"'\s>]+)"
        r"|url\([\"']?((?:https?:)?//[^)]+)\)|@import\s+[\"']((?:https?:)?//[^\"']+)"
    )
    styles = {path: path.read_text("utf-8") for path in (site / "_static").rglob("*.css")}
    texts = {**pages, **styles}
    found = [f"{path.relative_to(site)}: {match[0]}" for path, text in texts.items() for match in loaded.finditer(text)]
    assert len(pages) > 50 and len(styles) > 3
    assert loaded.search('<script src="https://cdn.example/x.js">') and loaded.search("url(//fonts.example/f.woff2)")
    assert not found, "\n".join(found)


def test_links_lead_somewhere(site: Path, pages: dict[Path, str]) -> None:
    @cache
    def ids(path: Path) -> frozenset[str]:
        return frozenset(re.findall(r'\bid="([^"]+)"', path.read_text("utf-8")))

    wrong, seen = [], 0
    for page, text in pages.items():
        for href in set(re.findall(r'<\w+\b[^>]*?\b(?:href|src)="([^"]*)"', text)):
            if re.match(r"\w+:|//", href):
                continue
            path, _, anchor = re.sub(r"\?[^#]*", "", href).partition("#")
            target = (page.parent / unquote(path)).resolve() if path else page
            seen += 1
            there = target.is_file() and target.is_relative_to(site.resolve())
            if there and anchor and target.relative_to(site.resolve()).parts[0] not in NOT_OURS:
                there = unquote(anchor) in ids(target)
            if not there:
                wrong.append(f"{page.relative_to(site)}: {href}")
    assert seen > 2000
    assert not wrong, "\n".join(wrong)


# ---- the reference


@pytest.fixture(scope="session")
def objects(site: Path) -> set[str]:
    from sphinx.util.inventory import InventoryFile

    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="").data
    return {name for kind, items in inventory.items() if kind.startswith("py:") for name in items}


def test_every_public_name_has_an_entry_in_the_reference(objects: set[str], extensions: None) -> None:
    from counterparts import public_names

    modules = public_modules()
    some = {"minigrad.linalg", "minigrad.scipy.special", "nn.functional", "nn.optim.lr_scheduler", "nn.utils.rnn"}
    assert some <= modules.keys()
    found = ((path, module, name) for path, module in modules.items() for name in public_names(module))
    names = [f"{path}.{name}" for path, module, name in found if not inspect.ismodule(getattr(module, name))]
    missing = sorted({*names} - objects)
    assert len(names) > 1200
    assert not missing, missing


def test_a_layer_shows_what_its_family_is_called_with(objects: set[str]) -> None:
    assert {"nn.LSTM.forward", "nn.MaxUnpool2d.forward", "nn.MultiheadAttention.forward"} <= objects
    assert "nn.LSTM" in objects and "nn.Flatten.forward" not in objects, "of which nothing is said"


def test_an_entry_says_what_is_known_of_an_op(site: Path) -> None:
    text = (site / "api" / "elementwise.html").read_text("utf-8")
    entry = text[text.index('id="minigrad.tanh"') :].partition('<dl class="py ')[0]
    assert re.search(r"ArrayLike", entry) and "same_kind" in entry, "the signature"
    assert entry.count("<math>") == 2, "the formula, and that of the gradient"
    assert "grad" in entry and "0.41997434161402614" in entry, "the example"
    options = re.findall(r"<strong>([^<]+)</strong>", entry)
    assert options == ["out", "where", "dtype", "casting, order, subok, signature"], "the arguments"
    assert "numpy.tanh" in entry and "torch.tanh" in entry and "Orders 1 to 3" in entry
    assert 'href="../_modules/minigrad/ops/trigonometric.html#tanh"' in entry, "the source"


#: Layers that have no formula: what holds others, what moves or drops elements, what its entry says in a word.
WITHOUT_FORMULAS = (
    "CircularPad. ConstantPad. Dropout. FeatureAlphaDropout Flatten Identity Module ModuleDict ModuleList ParameterDict "
    "ParameterList ReflectionPad. ReplicationPad. Sequential TripletMarginWithDistanceLoss Unflatten UpsamplingBilinear. "
    "UpsamplingNearest. ZeroPad."
)


def test_layers_show_formulas_of_their_own_or_of_the_function_that_they_call(extensions: None) -> None:
    from docstrings import formulas_of
    from layers import with_function

    layers = {n: thing for n, thing in vars(nn).items() if isinstance(thing, type) and issubclass(thing, nn.Module)}
    shown = {n: with_function(inspect.getdoc(layer) or "", layer) for n, layer in layers.items()}
    without = {re.sub(r"[123]d$", ".", n) for n, (doc, _) in shown.items() if not formulas_of(doc)}
    assert without == {*WITHOUT_FORMULAS.split()}
    assert shown["ReLU"][0].count("out = max(x, 0)") == 1 and "p_target" in shown["CrossEntropyLoss"][0]
    assert shown["LazyBatchNorm2d"][1][-1] == "As a function: :py:obj:`nn.functional.batch_norm`."
    assert "c' = f c + i g" in shown["LSTMCell"][0] and shown["LSTM"] == (inspect.getdoc(nn.LSTM), [])


def test_an_entry_of_a_layer_leads_to_its_function(site: Path) -> None:
    text = (site / "api" / "nn_convolution.html").read_text("utf-8")
    entry = text[text.index('id="nn.MaxPool2d"') :].partition('<dl class="py ')[0]
    assert entry.count('class="formulas"') == 1 and 'href="nn_functional.html#nn.functional.max_pool2d"' in entry
    text = (site / "api" / "nn_functional.html").read_text("utf-8")
    entry = text[text.index('id="nn.functional.leaky_relu"') :].partition('<dl class="py ')[0]
    assert "<mi>negative_slope</mi>" in entry, "one name, without an index"


@pytest.mark.torch
def test_names_of_pytorch_are_pytorchs(extensions: None) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    import counterparts

    assert counterparts.NAMES.read_text("utf-8") == counterparts.in_torch(), "run python docs/_ext/counterparts.py"
    tensorboard = importlib.util.find_spec("tensorboard") is not None
    for name in counterparts.ELSEWHERE.values():
        module, _, own = name.rpartition(".")
        if "tensorboard" not in module or tensorboard:
            assert hasattr(importlib.import_module(module), own), name
    for name in counterparts.ELSEWHERE:
        module, _, own = name.rpartition(".")
        assert hasattr(importlib.import_module(module), own), name


def test_docstrings_become_text_in_which_signs_are_signs(extensions: None) -> None:
    from docstrings import as_rst

    assert as_rst("The sum of |x_|, by `norm`s and *args.") == [r"The sum of \|x\_\|, by ``norm``\ s and \*args."]
    assert as_rst("Two:\n- a\n- b") == ["Two:", "", "- a", "- b"]
    lines = as_rst("Product.\n\nout = x y\ndx  = g y  (0 at a tie)\n\n>>> 1\n1")
    assert sum("<math>" in line for line in lines) == 2 and any("(0 at a tie)" in line for line in lines)
    assert lines[-2:] == [">>> 1", "1"]
    assert not any("<math>" in line for line in as_rst("Says a = b and more, in a sentence."))
    rules = as_rst("Descent.\n\n    m <- beta m + g       (m <- g at first)\n    p <- p - lr m,  s = m @ m   of all steps")
    shown = "".join(line for line in rules if "<math>" in line)
    assert [shown.count(part) for part in ("<math>", "<mo>←</mo>", 'class="remark"')] == [3, 2, 2]


def test_links_of_documents_lead_to_pages_or_to_the_repository(extensions: None) -> None:
    from repository import with_links

    def linked(target: str, folder: str = "docs") -> str:
        return with_links(f"[x]({target})", folder, "URL")[4:-1]

    assert linked("../ARCHITECTURE.md#the-picture") == "/project/architecture.md#the-picture"
    assert linked("../minigrad/tensor.py") == "URL/minigrad/tensor.py"
    assert linked("docs/gpu.md#memory", "") == "/gpu.md#memory"
    assert linked("../gpu.md", "docs/lessons") == "/gpu.md"
    assert linked("https://numpy.org/x") == "https://numpy.org/x"
    assert linked("#here") == "#here"
    assert linked("../minigrad/none.py") == "../minigrad/none.py"
    assert with_links("```\n[x](../README.md)\n```\n", "docs", "URL") == "```\n[x](../README.md)\n```\n"


@pytest.mark.parametrize(("source", "shown"), [("https://github.com/us/ours", ["lines"]), ("https://example.com/ours", [])])
def test_links_to_the_repository_are_there_once_it_is_public(
    source: str, shown: list[str], extensions: None, tmp_path: Path
) -> None:
    from docutils.nodes import reference
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace

    (tmp_path / "index.md").write_text(
        f"# Title\n\nSome [lines]({source}/blob/main/a.py) and [others](https://numpy.org).\n", "utf-8"
    )
    settings = {"extensions": ["myst_nb", "repository"], "repository_source": source}
    with docutils_namespace():
        app = Sphinx(tmp_path, None, tmp_path / "out", tmp_path / "out", "dummy", settings, status=None)
        app.build()
    links = [link.astext() for link in app.env.get_doctree("index").findall(reference)]
    assert links == [*shown, "others"]
    assert "Some lines and others." in app.env.get_doctree("index").astext()


def test_the_configuration_has_version_and_address_from_their_places(monkeypatch: pytest.MonkeyPatch, extensions: None) -> None:
    import runpy
    import tomllib

    monkeypatch.setattr("minigrad.version.__version__", "9.8.7")
    for address, icons in (("https://github.com/us/ours", ["https://github.com/us/ours"]), ("https://example.com/ours", [])):
        monkeypatch.setattr(tomllib, "loads", lambda text, found=address: {"project": {"urls": {"Source": found}}})
        settings = runpy.run_path(str(ROOT / "docs" / "conf.py"))
        assert settings["release"] == settings["version"] == "9.8.7"
        assert settings["repository_source"] == address
        assert [link["url"] for link in settings["html_theme_options"]["icon_links"]] == icons


# ---- search, and what a reader sees


def test_the_index_of_the_search_has_the_names(site: Path) -> None:
    text = (site / "searchindex.js").read_text("utf-8")
    for word in ("softmax", "np.linalg.svd", "conv2d", "backpropag"):
        assert word in text, word


@in_browser
@pytest.mark.parametrize(
    ("words", "first", "page_of"),
    [
        ("softmax", "Reductions|Functions|Special functions", "api/(reductions|nn_functional|scipy_special).html#index-"),
        ("np.linalg.svd", "Linear algebra: minigrad.linalg", "api/linalg.html#index-"),
        ("torch.nn.Conv2d", "Layers: convolution", "api/nn_convolution.html#index-"),
        ("Conv2d", "nn.Conv2d", "api/nn_convolution.html#nn.Conv2d"),
    ],
)
def test_the_search_works_from_the_disk(site: Path, words: str, first: str, page_of: str) -> None:
    with opened(site / "search.html", query=f"?q={words}") as page:
        results = page.locator("#search-results li")
        results.first.wait_for()
        assert re.match(first, results.first.inner_text())
        target = results.first.locator("a").get_attribute("href")
    assert re.match(page_of, target.replace("?highlight=" + words, "")), target


@in_browser
def test_the_living_page_of_the_home_can_be_played(site: Path) -> None:
    with opened(site / "index.html") as page:
        page.locator("iframe").scroll_into_view_if_needed()
        frame = page.frame_locator("iframe")
        frame.locator("html[data-ready]").wait_for(state="attached")
        assert frame.get_by_role("button", name="Play").is_visible()
        frame.get_by_text("result = tanh").first.wait_for()


READ = ("index", "api/linalg", "api/nn_attention", "guide", "user_guide")
WITH_LONG_NAMES = ("api/tensor", "api/nn_functional", "genindex", "distributed", "viz")


@in_browser
@pytest.mark.parametrize("name", READ)
def test_pages_are_accessible(site: Path, name: str) -> None:
    with opened(site / f"{name}.html") as page:
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            page.locator(f"html[data-theme={scheme}]").wait_for(state="attached")
        page.locator("footer").first.scroll_into_view_if_needed()
        found = browser.violations_in_both_themes(page)
    assert not found, "\n".join(found)


@in_browser
@pytest.mark.parametrize("name", [*READ, *WITH_LONG_NAMES, "api/index", "lessons/index", "gallery/index", "start"])
def test_pages_fit_a_phone(site: Path, name: str) -> None:
    with opened(site / f"{name}.html", width=390) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        names = "[...document.querySelectorAll('.bd-article :is(h1, h2, h3, p code, li code), .indextable td')]"
        outside = "part => !part.closest('table:not(.indextable), pre') && part.getBoundingClientRect().right > 390"
        cut = page.evaluate(f"{names}.filter({outside}).map(part => part.textContent)")
        assert not cut, f"cut off: {cut[:5]}"
