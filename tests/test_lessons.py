"""The lessons of the site: figures that are pages, and questions that check themselves."""

from __future__ import annotations

import importlib
import io
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphviz import ExecutableNotFound

import minigrad as mg
import nn
from minigrad import viz

from . import browser
from .browser import needs_browser, violations_in_both_themes
from .sites import importable, opened

pytest.importorskip("sphinx", reason="needs the extra docs")
pytest.importorskip("myst_nb", reason="needs the extra docs")

DOCS = Path(__file__).resolve().parent.parent / "docs"
with importable():
    live, questions = importlib.import_module("live"), importlib.import_module("questions")

LESSONS = sorted(path for path in (DOCS / "lessons").glob("*.md") if path.stem != "index")
FIGURES = [
    pytest.param(path, name, id=f"{path.stem}-{name}")
    for path in LESSONS
    for name in sorted(set(re.findall(r"^```\{live\} (\w+)$", path.read_text("utf-8"), re.M)))
]
CONF = """
project, html_title = "minigrad", "minigrad"
extensions = ["lessons", "mathml", "myst_nb", "sphinx_copybutton", "sphinx_design"]
html_theme, html_static_path, html_math_renderer = "pydata_sphinx_theme", ["_static"], "mathml"
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "fieldlist"]
nb_execution_mode, suppress_warnings = "off", ["myst.xref_missing"]  # the rest of the site is not there
exclude_patterns = ["_static"]
"""


def build(source: Path) -> tuple[Any, str]:
    """A site of its own from a folder of documents: the application, and what it warned of."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace

    shutil.copytree(DOCS / "_static", source / "_static", dirs_exist_ok=True)
    (source / "conf.py").write_text(CONF, "utf-8")
    warnings = io.StringIO()
    with importable(), docutils_namespace():
        out, trees = source / "_build" / "html", source / "_build" / "trees"
        app = Sphinx(source, source, out, trees, "html", status=None, warning=warnings)
        app.build()
    return app, re.sub(r"\x1b\[[\d;]*m", "", warnings.getvalue())


def small(folder: Path, text: str, figures: str = "") -> tuple[Any, str]:
    """A site of one document."""
    (folder / "figures").mkdir(exist_ok=True)
    (folder / "index.md").write_text(f"# Title\n\n{text}\n", "utf-8")
    (folder / "figures" / "index.py").write_text(figures, "utf-8")
    return build(folder)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """All lessons, without the pages in their frames."""
    source = tmp_path_factory.mktemp("site")
    shutil.copytree(DOCS / "lessons", source / "lessons")
    (source / "index.md").write_text("# Site\n\n```{toctree}\nlessons/index\n```\n", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live, "write", lambda app, exception: None)
        app, warnings = build(source)
    assert warnings == ""
    return app


# ---------------------------------------------------------------------------------- figures

FIGURE = """```{live} square
:alt: the graph of x squared
:caption: Move $x$.
:height: 300
:fragment: embed&step=2
```"""
SQUARE = """
from minigrad import viz

def square(path):
    viz.explore(lambda x: x * x, 3.0, path=path)
"""


def test_a_figure_is_a_frame_with_a_caption_and_a_link(tmp_path: Path) -> None:
    app, warnings = small(tmp_path, FIGURE, SQUARE)
    html = (Path(app.outdir) / "index.html").read_text("utf-8")
    assert warnings == ""
    (frame,) = re.findall(r"<iframe [^>]*>", html)
    assert 'src="_live/index/square.html#embed&amp;step=2"' in frame
    assert 'title="the graph of x squared"' in frame and 'height="300"' in frame and 'loading="lazy"' in frame
    caption = re.findall(r"<figcaption>(.*?)</figcaption>", html, re.S)[0]
    assert "<math" in caption and '<a href="_live/index/square.html" target="_blank">Open the page alone</a>' in caption
    assert "minigrad" in (Path(app.outdir) / "_live" / "index" / "square.html").read_text("utf-8")


def test_a_figure_is_written_again_when_its_file_changes_and_not_before(tmp_path: Path) -> None:
    page = Path(small(tmp_path, FIGURE, SQUARE)[0].outdir) / "_live" / "index" / "square.html"
    page.write_text("as it was", "utf-8")
    small(tmp_path, FIGURE, SQUARE)
    assert page.read_text("utf-8") == "as it was"
    small(tmp_path, FIGURE, SQUARE + "# changed\n")
    assert "<html" in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```{live} square\n```", "as :alt:"),
        ("```{live} cube\n:alt: a cube\n```", "there is no function cube(path) in"),
        ("```{question}\n- [x] a\n  - b\n```", "what is asked stands before the list"),
        ("```{question}\nWhat?\n\n- [ ] a\n  - b\n```", "a choice has one right item"),
        ("```{question}\nWhat?\n\n- [x] a\n  - b\n- [x] c\n  - d\n```", "a choice has one right item"),
        ("```{question}\n:answer: 2\n\nWhat?\n```", "a number needs :check:"),
        ("```{question}\n:answer: 2\n:check: 1 + 1\n\nWhat?\n\n- 3\n```", "say below '3' why it is right or wrong"),
    ],
)
def test_what_is_missing_is_said(text: str, message: str, tmp_path: Path) -> None:
    assert message in small(tmp_path, text, SQUARE)[1]


@pytest.mark.parametrize(("lesson", "name"), FIGURES)
def test_each_figure_is_a_page_that_computes(lesson: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Any] = []
    write = viz.Page.write
    monkeypatch.setattr(viz.Page, "write", lambda page, path: (written.append(page), write(page, path))[1])
    try:
        getattr(live.load(live.figures_of(lesson)), name)(tmp_path / "page.html")
    except ExecutableNotFound:
        pytest.skip("needs Graphviz's program dot")
    html = (tmp_path / "page.html").read_text("utf-8")
    assert len(html) < 3_000_000 and "<title>Computation graph<" not in html
    assert not re.search(r"""(?:src|href)=["']?(?!#|data:|blob:)[^"' >]+\.(?:js|css|png|svg)""", html), "it needs other files"
    for page in written:
        assert page.data["live"].get("why") is None or page.data.get("training")


# -------------------------------------------------------------------------------- questions


def test_the_parts_of_a_question() -> None:
    lines = [
        "What",
        "is it?",
        "",
        "- [ ] one",
        "  more",
        "  - No.",
        "    Not at all.",
        "- [X] two",
        "  - Yes.",
        "",
        "Because.",
        "- so",
    ]
    body = questions.parts_of(lines)
    assert body.stem == ["What", "is it?", ""]
    assert [(item.text, item.right, item.feedback) for item in body.items] == [
        ("one more", False, ["No.", "Not at all."]),
        ("two", True, ["Yes."]),
    ]
    assert body.after == ["Because.", "- so"]


def test_answers_are_what_their_expressions_give(site: Any) -> None:
    found = questions.known(site.env)
    assert set(found) == {f"lessons/{path.stem}" for path in LESSONS}
    for docname, asked in found.items():
        figures = live.load(live.figures_of(site.env.doc2path(docname)))
        names = {"np": np, "mg": mg, "nn": nn, "viz": viz, "figures": figures}
        for question in asked:
            where = f"{docname}, line {question.line}: {question.check}"
            if question.answer is None:
                assert not question.check or eval(question.check, names), where
                continue
            value = float(eval(question.check, names))
            assert abs(value - question.answer) <= question.tolerance + 1e-12, f"{where} is {value}"
            for mistake in question.mistakes:
                assert abs(mistake - question.answer) > question.tolerance, f"{where}: {mistake} is right, too"


def test_each_lesson_has_figures_and_questions_of_both_kinds(site: Any) -> None:
    for path in LESSONS:
        asked = questions.known(site.env)[f"lessons/{path.stem}"]
        assert len(asked) >= 5 and len({question.answer is None for question in asked}) == 2, path.stem
        assert len([figure for figure in FIGURES if figure.values[0] == path]) >= 3, path.stem


def test_the_extensions_are_found_by_the_build_alone() -> None:
    assert str(DOCS / "_ext") not in sys.path


# ------------------------------------------------------------------------------ in a browser


def built(app: Any, document: str) -> Path:
    """The page of a document."""
    return Path(app.outdir) / f"{document}.html"


@contextmanager
def figure(lesson: str, name: str, folder: Path) -> Iterator[Any]:
    """A figure alone, as large as in its lesson and at the address that stands there."""
    source = DOCS / "lessons" / f"{lesson}.md"
    block = re.findall(rf"^```\{{live\}} {name}\n(.*?)^```", source.read_text("utf-8"), re.M | re.S)[0]
    fragment, height = re.findall(r":fragment: (.*)", block)[0], int(re.findall(r":height: (.*)", block)[0])
    getattr(live.load(live.figures_of(source)), name)(folder / "page.html")
    with browser.opened(folder / "page.html", fragment=f"#{fragment}", viewport={"width": 760, "height": height}) as page:
        yield page


class TestInABrowser:
    pytestmark = needs_browser

    def test_a_choice_says_why_it_is_right_or_wrong(self, site: Any) -> None:
        with opened(built(site, "lessons/backpropagation")) as page:
            question = page.locator(".question[data-kind=choice]").first
            verdict = question.locator(".question-verdict")
            question.get_by_role("button", name="Check").click()
            assert verdict.inner_text() == "Choose one first."
            for item, word in (("wrong", "✗ Not quite."), ("right", "✓ Right.")):
                feedback = question.locator(f".question-answer li.{item} .question-feedback").first
                number = question.locator(f".question-answer li.{item}").first.get_attribute("data-value")
                question.locator(f"input[value='{number}']").check()
                question.get_by_role("button", name="Check").click()
                assert word in verdict.inner_text() and feedback.text_content() in verdict.text_content()
                assert question.get_attribute("data-state") == item

    def test_a_number_is_typed_and_known_mistakes_are_named(self, site: Any) -> None:
        with opened(built(site, "lessons/backpropagation")) as page:
            question = page.locator(".question[data-kind=number]").nth(1)  # the slope of (3x + 1)^2 at 1
            entry, verdict = question.get_by_label("Your answer"), question.locator(".question-verdict")
            entry.focus()
            said = {
                "eight": "Write a number",
                "8": "It still has to go through",
                "-24": "The sign is the other one",
                "7": "Try again",
                "24": "✓ Right.",
            }
            for typed, words in said.items():
                entry.fill(typed)
                page.keyboard.press("Enter")
                assert words in verdict.inner_text(), typed
            for typed in ("48/2", "24,0", "2.4e1"):
                entry.fill("0")
                page.keyboard.press("Enter")
                entry.fill(typed)
                page.keyboard.press("Enter")
                assert "✓ Right." in verdict.inner_text(), typed

    @pytest.mark.parametrize(
        ("number", "right", "wrong"),
        [
            (0, ["1376", "1,376", "1.376", "1'376", "1 376", "1,376.0", "2752/2"], {"1408": "two biases", "1,344": "a bias"}),
            (
                3,
                ["0.088", "0,09", "1/11", "0.1", "9%", "8.8 %", "9 per cent"],
                {"0.953": "after one step", "9": "Try again", "%": "Write"},
            ),
        ],
    )
    def test_numbers_are_read_as_people_write_them(self, site: Any, number: int, right: list[str], wrong: dict[str, str]) -> None:
        with opened(built(site, "lessons/recurrence")) as page:
            question = page.locator(".question[data-kind=number]").nth(number)
            for typed, words in {**dict.fromkeys(right, "✓ Right."), **wrong}.items():
                question.get_by_label("Your answer").fill(typed)
                page.keyboard.press("Enter")
                assert words in question.locator(".question-verdict").inner_text(), typed

    def test_a_number_of_per_cent_may_have_its_sign(self, site: Any) -> None:
        with opened(built(site, "lessons/convolution")) as page:
            question = page.locator(".question[data-kind=number][data-answer='78.0']")
            question.get_by_label("Your answer").fill("78 %")
            page.keyboard.press("Enter")
            assert "✓ Right." in question.locator(".question-verdict").inner_text()

    def test_the_keyboard_is_enough(self, site: Any) -> None:
        with opened(built(site, "lessons/backpropagation")) as page:
            question = page.locator(".question[data-kind=choice]").first
            question.locator("input").first.focus()
            page.keyboard.press("ArrowDown")
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.textContent") == "Check"
            page.keyboard.press("Enter")
            assert question.get_attribute("data-state") == "right"
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
            assert question.locator("details[open]").count() == 1

    def test_without_a_script_the_answers_can_be_read(self, site: Any) -> None:
        with opened(built(site, "lessons/backpropagation"), java_script_enabled=False) as page:
            question = page.locator(".question[data-kind=choice]").first
            assert not question.get_by_text("Check", exact=True).is_visible()
            question.get_by_text("Answer", exact=True).click()
            assert question.locator(".question-answer li.right").is_visible()

    def test_figures_follow_the_theme_that_was_chosen(self, tmp_path: Path) -> None:
        app, _ = small(tmp_path, FIGURE, SQUARE)
        with opened(built(app, "index")) as page:
            frame = page.frame_locator("figure.live iframe").locator("html[data-ready]")
            frame.wait_for(state="attached")
            assert frame.get_attribute("data-theme") is None, "that of the system"
            for theme in ("dark", "light"):
                page.evaluate("theme => Object.assign(document.documentElement.dataset, { mode: theme, theme })", theme)
                page.frame_locator("figure.live iframe").locator(f"html[data-theme={theme}]").wait_for(state="attached")

    @pytest.mark.parametrize(
        ("lesson", "name", "changed", "shown"),
        [
            ("recurrence", "plain", "weight_hh_l0", "v2 (rnn)"),
            ("recurrence", "gated", "bias_ih_l0", "v3 (lstm)"),
            ("own_op", "definition", "width", "v1 (soft_abs)"),
        ],
    )
    def test_a_number_is_changed_and_the_panel_that_shows_it_is_found(
        self, lesson: str, name: str, changed: str, shown: str, tmp_path: Path
    ) -> None:
        with figure(lesson, name, tmp_path) as page:
            before = page.locator("#detail").inner_text()
            page.locator("#fit").click()
            page.locator("g.node", has_text=changed).first.click()
            page.locator("#detail input[type=number]").last.fill("0.25")
            page.keyboard.press("Enter")
            page.get_by_role("button", name=shown, exact=True).click()
            assert page.locator("#detail").inner_text() != before

    def test_a_gradient_stands_where_the_caption_says(self, tmp_path: Path) -> None:
        with figure("recurrence", "power", tmp_path) as page:
            first = page.locator("g.node", has_text="h0")
            assert "gradient 0.3277" in first.text_content()
            page.locator("#detail input[type=number]").fill("0.5")
            page.keyboard.press("Enter")
            page.locator("g.node", has_text="gradient 0.03125").wait_for()

    def test_a_quiz_in_a_frame_leaves_the_keyboard_to_the_lesson(self, tmp_path: Path) -> None:
        quiz = "from minigrad import viz\n\ndef square(path):\n    viz.quiz(lambda x: x * x, 3.0, path=path)\n"
        app, _ = small(tmp_path, FIGURE, quiz)
        with opened(built(app, "index")) as page:
            answer = page.frame_locator("figure.live iframe").locator("#quiz-answer")
            answer.wait_for()
            assert page.evaluate("document.activeElement.tagName") == "BODY"
            answer.fill("6")
            page.keyboard.press("Enter")
            page.frame_locator("figure.live iframe").locator("#quiz-said:not(:empty)").wait_for()

    def test_a_lesson_is_accessible(self, site: Any) -> None:
        with opened(built(site, "lessons/backpropagation")) as page:
            for button in page.locator(".question-check button").all():
                button.click()
            page.locator(".question input[type=radio]").first.check()
            page.locator(".question[data-kind=choice] button").first.click()
            page.evaluate("document.querySelectorAll('.question details').forEach(part => { part.open = true; })")
            assert violations_in_both_themes(page) == []

    @pytest.mark.parametrize("lesson", [path.stem for path in LESSONS])
    def test_on_a_phone_nothing_is_wider_than_the_screen(self, site: Any, lesson: str) -> None:
        with opened(built(site, f"lessons/{lesson}"), width=390) as page:
            page.evaluate("document.querySelectorAll('.question details').forEach(part => { part.open = true; })")
            assert page.evaluate("document.documentElement.scrollWidth") == 390
            box = page.locator("figure.live iframe").first.bounding_box()
            assert 300 < box["width"] <= 390
