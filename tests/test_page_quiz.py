"""The quiz in Chromium: what is hidden, what is right, which mistakes are named; and the worksheet that the page prints."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from minigrad import Tensor, viz

from .browser import chromium, needs_browser, opened, violations_in_both_themes

pytestmark = needs_browser


def f(x: Any, y: Any, z: Any) -> Any:
    a = x * y
    return np.tanh(a * z) * a


@pytest.fixture(scope="module")
def quiz(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, viz.Quiz]:
    path = tmp_path_factory.mktemp("quiz") / "quiz.html"
    return path, viz.quiz(f, 0.5, 2.0, -0.7, path=path)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, viz.Quiz]:
    """Of a loss that was computed before: the page has the numbers, and no program."""
    path = tmp_path_factory.mktemp("loss") / "loss.html"
    x, w = Tensor(3.0, requires_grad=True, name="x"), Tensor(np.array([1.0, -0.37]), requires_grad=True, name="w")
    with viz.capture():
        loss = ((x * w).sum() + x) ** 2
    return path, viz.quiz(loss, path=path)


def answer(page: Any, what: float | str, question: viz.Question) -> None:
    """Answer by the keyboard alone: the cursor is where the answer belongs."""
    if question.choices:
        page.keyboard.press(str([choice.text for choice in question.choices].index(what) + 1))
    else:
        page.keyboard.insert_text(f"{what:.2g}")
        page.keyboard.press("Enter")


def go_to(page: Any, number: int) -> None:
    for _ in range(number):
        page.click("#quiz-next")


def shown(page: Any, which: str) -> list[str]:
    """The texts of the graph that can be seen."""
    return page.eval_on_selector_all(
        f"svg.graph .node text:nth-of-type({which})",
        "all => all.filter(t => getComputedStyle(t).visibility !== 'hidden').map(t => t.textContent)",
    )


@pytest.mark.parametrize("which", ["quiz", "recorded"])
def test_all_answers_by_the_keyboard(which: str, request: pytest.FixtureRequest) -> None:
    path, quiz = request.getfixturevalue(which)
    with opened(path) as page:
        for n, question in enumerate(quiz.questions):
            assert page.inner_text("#quiz-count") == f"Question {n + 1} of {len(quiz.questions)}"
            assert page.inner_text("#quiz-text") == question.text
            answer(page, question.answer, question)
            assert page.inner_text("#quiz-said").startswith("Right: ")
            page.keyboard.press("Enter")  # the next one
        assert page.inner_text("#quiz-text") == f"{len(quiz.questions)} of {len(quiz.questions)} right."


@pytest.mark.parametrize("which", ["quiz", "recorded"])
def test_every_usual_mistake_is_named(which: str, request: pytest.FixtureRequest) -> None:
    path, quiz = request.getfixturevalue(which)
    names = set()
    with opened(path) as page:
        for question in quiz.questions:
            for mistake in question.mistakes:
                answer(page, mistake.gives, question)
                assert page.inner_text("#quiz-said") == f"{mistake.name.capitalize()}: {mistake.why}", question
                names.add(mistake.name)
            page.click("#quiz-next")
        assert page.inner_text("#quiz-text") == f"0 of {len(quiz.questions)} right."
        assert page.inner_text("#quiz-said").startswith("Most often: ")
    usual = {"forgot to add", "wrong branch", "missing chain factor", "wrong sign", "value instead of gradient", "wrong size"}
    assert usual <= names


def test_what_follows_the_current_step_is_hidden(quiz: Any) -> None:
    with opened(quiz[0]) as page:
        assert sorted(shown(page, "2")) == ["-0.7", "0.5", "2"] and shown(page, "3") == []
        assert page.locator("text.asked.value").text_content() == "?"
        details = page.inner_text("aside")
        assert details.count("hidden while it is asked for") == 2 and "What it sends back" not in details
        assert "0.5 × 2" not in page.inner_text("body")
        page.keyboard.press("1")
        page.keyboard.press("Enter")
        assert sorted(shown(page, "2")) == ["-0.7", "0.5", "1", "2"]
        assert "0.5×2" in re.sub(r"\s", "", page.inner_text("aside"))


def test_gradients_are_hidden_in_the_graph_the_details_and_what_the_player_says(quiz: Any) -> None:
    path, made = quiz
    number = next(n for n, q in enumerate(made.questions) if q.text == "Which gradient arrives at x?")
    slope = {step.label: f"{float(step.gradient):.4g}" for step in made.explanation.steps}
    with opened(path) as page:
        go_to(page, number)
        assert "gradient of y" in page.inner_text("#now")
        assert slope["x"] not in page.inner_text("body")
        assert f"gradient {slope['x']}" not in shown(page, "3") and f"gradient {slope['v1']}" in shown(page, "3")
        assert page.locator("text.asked.arrives").text_content() == "?"
        page.locator(".node[aria-label^='multiply v1']").click()  # it has sent what is asked for
        assert slope["v1"] in page.inner_text("aside") and "What it sends back" not in page.inner_text("aside")
        page.click("#quiz-show")
        assert page.inner_text("#quiz-said") == f"Answer: {slope['x'].replace('-', '−')}"
        assert f"gradient {slope['x']}" in shown(page, "3") and page.locator("text.asked").count() == 0
        page.locator(".node[aria-label^='multiply v1']").click()
        assert "What it sends back" in page.inner_text("aside")


def test_the_player_looks_back_and_not_ahead(quiz: Any) -> None:
    with opened(quiz[0]) as page:
        go_to(page, 2)
        assert page.inner_text("#now").startswith("5 of 14")
        for button in ("#last", "#forward", "#play"):
            page.click(button)
            assert page.inner_text("#now").startswith("5 of 14")
        assert page.inner_text("#play") == "Play"
        page.click("button#back")
        assert page.inner_text("#now").startswith("4 of 14") and len(shown(page, "2")) == 4
        page.click("#first")
        assert page.inner_text("#now").startswith("1 of 14") and len(shown(page, "2")) == 1


def test_hints_are_the_rule_and_then_the_numbers(quiz: Any) -> None:
    path, made = quiz
    number = next(n for n, q in enumerate(made.questions) if q.text == "Which gradient arrives at x?")
    with opened(path) as page:
        go_to(page, number)
        assert page.inner_text("#quiz-hints") == ""
        page.click("#quiz-hint")
        assert re.sub(r"\s", "", page.inner_text("#quiz-hints")) == "𝑑𝑥=𝑔𝑦"
        assert page.evaluate("document.activeElement.id") == "quiz-answer"
        page.click("#quiz-hint")
        assert "×2" in re.sub(r"\s", "", page.inner_text("#quiz-hints"))
        assert page.is_disabled("#quiz-hint")
        page.fill("#quiz-answer", f"{made.questions[number].answer:.3g}")
        page.keyboard.press("Enter")
        assert page.inner_text("#quiz-score") == "1 right, 1 of them with help"


def test_after_a_number_was_changed_the_answers_are_other_ones(quiz: Any) -> None:
    x, y, z = Tensor(0.25, requires_grad=True), Tensor(2.0, requires_grad=True), Tensor(-0.7, requires_grad=True)
    f(x, y, z).backward()
    path, made = quiz
    with opened(path) as page:
        page.locator(".node[aria-label^='leaf x']").click()
        page.fill("#edit input[type=number]", "0.25")
        for question in made.questions:
            if question.text.startswith("Which gradient arrives at") and question.text[-2] in "xyz":
                right = {"x": x, "y": y, "z": z}[question.text[-2]].grad.item()
                page.fill("#quiz-answer", f"{question.answer:.3g}")
                page.keyboard.press("Enter")
                assert not page.inner_text("#quiz-said").startswith("Right")
                page.fill("#quiz-answer", f"{right:.3g}")
                page.keyboard.press("Enter")
                assert page.inner_text("#quiz-said").startswith("Right")
            page.click("#quiz-next")


def test_any_page_can_become_a_quiz_and_a_page_again(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    viz.explore(model, tmp_path / "page.html", np.ones((1, 2), np.float32))
    with opened(tmp_path / "page.html") as page:
        assert page.locator("#quiz").count() == 0
        page.click("summary:has-text('Practise')")
        page.click("#quiz-start")
        assert page.locator(".node.closed").count() == 0
        assert page.inner_text("#quiz-count").startswith("Question 1 of ")
        page.click("#quiz-show")
        page.click("#quiz-stop")
        assert page.locator("#quiz").count() == 0 and "hidden" not in page.inner_text("aside")
        assert len(shown(page, "2")) == page.locator(".node").count()
        page.keyboard.press("End")
        assert "backward" in page.inner_text("#now")


def test_what_is_no_number_is_said(quiz: Any) -> None:
    with opened(quiz[0]) as page:
        for text, said in (("one", "A number is asked for"), ("1.2", "Close"), ("77", "Not yet"), ("2/2", "Right")):
            page.fill("#quiz-answer", text)
            page.keyboard.press("Enter")
            assert page.inner_text("#quiz-said").startswith(said)


def test_nothing_else_of_the_page_gives_an_answer_away(tmp_path: Path) -> None:
    viz.explore(lambda x, w: np.tanh(x * w).sum() * w, np.array([0.1, 0.2]), 2.0, path=tmp_path / "page.html")
    tells = "#look-heat, #look-nan, #naive-switch, #share-json, #print-worksheet"
    with opened(tmp_path / "page.html") as page:
        for item in ("#look-heat", "#naive-switch"):
            page.evaluate("(item) => document.querySelector(item).click()", item)
        page.click("summary:has-text('Practise')")
        page.click("#quiz-start")
        assert page.locator("#quiz").is_visible() and page.locator("#naive, #legend-heat, title.paint-heat").count() == 0
        for menu in ("View", "Share", "Practise"):
            page.click(f"summary:has-text('{menu}')")
            assert page.locator(tells).locator("visible=true").count() == 0
        page.evaluate("minigrad.live.change(0, (numbers) => { numbers[0] = NaN; })")
        assert page.locator("#born").is_hidden() and page.locator("#legend-nan, .nan-born").count() == 0
        page.click("#quiz-stop")
        assert page.locator("#born").is_visible()
        page.click("summary:has-text('View')")
        assert page.locator(tells).locator("visible=true").count() == 3


def test_a_quiz_is_accessible(quiz: Any) -> None:
    with opened(quiz[0]) as page:
        assert page.evaluate("document.activeElement.id") == "quiz-answer"
        answer(page, 77, quiz[1].questions[0])
        assert violations_in_both_themes(page) == []
        go_to(page, next(n for n, q in enumerate(quiz[1].questions) if q.kind == "rule"))
        assert page.locator("#quiz [role=group][aria-labelledby=quiz-text]").count() == 1
        page.click("#quiz-show")
        assert violations_in_both_themes(page) == []
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        for part in ("#quiz-text", "#quiz-next"):
            box = page.locator(part).bounding_box()
            assert box["y"] > 0 and box["y"] + box["height"] < 844 and box["x"] + box["width"] <= 390
        assert violations_in_both_themes(page) == []


def test_a_page_prints_a_worksheet_with_the_numbers_of_now(quiz: Any) -> None:
    x, y, z = (Tensor(v, requires_grad=True, name=n) for n, v in (("x", 0.25), ("y", 2.0), ("z", -0.7)))
    with viz.capture():
        out = f(x, y, z)
    steps = viz.explain(out).steps
    with opened(quiz[0]) as page:
        page.click("#quiz-stop")
        page.locator(".node[aria-label^='leaf x']").click()
        page.fill("#edit input[type=number]", "0.25")
        page.evaluate("window.print = () => {}")
        page.click("summary:has-text('Practise')")
        page.click("#print-worksheet")
        page.emulate_media(media="print")
        assert not page.locator("#app").is_visible()
        cells = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent.replaceAll('−', '-')))"
        values = page.eval_on_selector_all("#worksheet .blanks tr.value", cells)
        assert [row[0] for row in values] == [step.label for step in steps]
        assert [row[2] for row in values] == ["0.25", "2", "-0.7", "", "", "", ""]
        assert {row[2] for row in page.eval_on_selector_all("#worksheet .blanks tr:is(.gradient, .sent)", cells)} == {"1", ""}
        drawn = page.locator("#worksheet .blanks svg").text_content()
        assert "0.25" in drawn and "gradient" not in drawn and f"{float(steps[-1].value):.4g}" not in drawn
        values = page.eval_on_selector_all("#worksheet .answers tr.value", cells)
        assert [float(row[2]) for row in values] == pytest.approx([float(step.value) for step in steps], rel=1e-3)
        totals = page.eval_on_selector_all("#worksheet .answers tr.gradient", cells)
        assert {row[0]: float(row[2].rpartition("= ")[2]) for row in totals} == {
            f"d {step.label}": pytest.approx(float(step.gradient), rel=1e-3) for step in steps
        }
        before = page.locator("#worksheet .answers").evaluate("e => getComputedStyle(e).breakBefore")
        assert before == "page"
        page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        page.emulate_media(media="screen")
        assert page.locator("#worksheet").count() == 0 and page.locator("#app").is_visible()


def test_a_worksheet_of_python_is_accessible_and_asks_for_nothing(quiz: Any, tmp_path: Path) -> None:

    path = quiz[1].worksheet(tmp_path / "sheet.html")
    page = chromium().new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    assert page.locator("svg").count() == 2 and page.locator("math").count() > 10
    assert page.locator("h1").first.is_visible()
    pdf = page.pdf(prefer_css_page_size=True)
    assert requests == [path.as_uri()]
    assert len(re.findall(rb"/Type\s*/Page[^s]", pdf)) >= 2
    assert re.search(rb"/MediaBox\s*\[0 0 59[45][.\d]* 84[12]", pdf)  # A4, in points
