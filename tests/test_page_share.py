"""What a page gives away, opened again: pictures, print, film, numbers, links; its state in its address; an embedded page."""

from __future__ import annotations

import json
import re
import shutil
import struct
import xml.etree.ElementTree as ET
from base64 import b64encode
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from minigrad import Tensor, viz

from .browser import listening, needs_browser, opened, tab, violations

pytestmark = needs_browser
SVG = "{http://www.w3.org/2000/svg}"
WRITTEN = 450  # milliseconds, in which a page writes its address
EVIL = 'a<b>&"c" 50% #x=1,2;é'


class Block(nn.Module):
    def __init__(self) -> None:
        self.linear = nn.Linear(2, 2)

    def forward(self, x: Any) -> Any:
        return np.tanh(self.linear(x))


class Model(nn.Module):
    """Blocks that are folded, a cell that is called several times, and what stands beside them."""

    def __init__(self) -> None:
        self.blocks = nn.Sequential(*(Block() for _ in range(3)))
        self.cell = nn.RNNCell(2, 2)
        self.head = Block()

    def forward(self, x: Any, w: Any) -> Any:
        h = None
        for _ in range(3):
            h = self.cell(self.blocks(x), h)
        return (self.head(h) * w).sum()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("share") / "small page.html"
    viz.explore(lambda x, y: np.tanh(x * y) + np.sin(x), 0.5, -3.0, path=path, title="A small <b>page</b>")
    return path


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("share") / "large.html"
    viz.explore(Model(), np.ones((2, 2), "float32"), np.float32([[1.0, 2.0], [3.0, 4.0]]), path=path)
    return path


def state(page: Any, fragment: str) -> str:
    """What comes to stand in the address, however long it takes, and stays there."""
    now = "location.href.split('#')[1] ?? ''"
    page.wait_for_function(f"(fragment) => ({now}) === fragment", arg=fragment)
    page.wait_for_timeout(WRITTEN)
    assert page.evaluate(now) == fragment
    return fragment


def in_a_blank_page(script: str, argument: Any) -> Any:
    """What a script finds out about what a page has given away."""
    with tab() as page:
        return page.evaluate(script, argument)


def downloaded(page: Any, item: str, to: Path) -> Path:
    if not page.locator("details.menu[open]").count():
        page.locator("summary", has_text="Share").click()
    with page.expect_download(timeout=60_000) as download:
        page.locator(f"#share-{item}").click()
    path = to / download.value.suggested_filename
    download.value.save_as(path)
    return path


def shown(path: Path, kind: str, places: list[tuple[float, float]]) -> tuple[list[int], list[list[int]]]:
    """The size of a picture, and its colours at some places, as a browser shows it."""
    source = f"data:{kind};base64,{b64encode(path.read_bytes()).decode()}"
    return in_a_blank_page(
        """async ([source, places]) => {
          const image = new Image();
          image.src = source;
          await image.decode();
          const canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
          const context = canvas.getContext("2d");
          context.drawImage(image, 0, 0);
          const at = ([x, y]) => [...context.getImageData(x * canvas.width, y * canvas.height, 1, 1).data].slice(0, 3);
          return [[canvas.width, canvas.height], places.map(at)];
        }""",
        [source, places],
    )


LEAF, LEAF_DARK, PAPER, PAPER_DARK, PLAYED = (253, 240, 227), (58, 42, 28), (255, 255, 255), (20, 23, 28), (215, 232, 251)


def place_of(page: Any, label: str) -> tuple[float, float]:
    """Where a node's lower left corner is in the window of the graph, as parts of its sides."""
    x, y = page.evaluate(
        """(label) => {
          const box = document.querySelector(`svg.graph .node[aria-label^="${label}"]`).getBoundingClientRect();
          const stage = document.querySelector("main").getBoundingClientRect();
          return [(box.left + 12 - stage.left) / stage.width, (box.bottom - 12 - stage.top) / stage.height];
        }""",
        label,
    )  # fmt: skip
    return x, y


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_show_the_view_as_it_is(small: Path, tmp_path: Path, scheme: str) -> None:
    with opened(small, scheme, ("blob:",), "#step=2") as page:
        page.wait_for_timeout(1000)
        places = [place_of(page, "leaf x"), place_of(page, "leaf y"), (0.01, 0.99)]
        size = page.evaluate("[document.querySelector('main').clientWidth, document.querySelector('main').clientHeight]")
        svg, png = downloaded(page, "svg", tmp_path), downloaded(page, "png", tmp_path)
        assert svg.name == "a-small-b-page-b.svg"
        paper, leaf, played = (PAPER, LEAF, PLAYED) if scheme == "light" else (PAPER_DARK, LEAF_DARK, (23, 58, 94))
        for path, kind, scale in ((svg, "image/svg+xml", 1), (png, "image/png", 2)):
            found, colours = shown(path, kind, places)
            assert found == [scale * side for side in size]
            assert colours == [[*leaf], [*played], [*paper]]
    assert struct.unpack(">II", png.read_bytes()[16:24]) == tuple(2 * side for side in size)


def test_an_svg_needs_no_style_sheet_and_says_what_it_is(small: Path, tmp_path: Path) -> None:
    with opened(small, extra=("blob:",), fragment="#step=8") as page:
        page.locator("summary", has_text="Share").click()
        page.select_option("#share-what", "all")
        page.wait_for_timeout(900)
        path = downloaded(page, "svg", tmp_path)
    root = ET.fromstring(path.read_text("utf-8"))
    assert root.find(f"{SVG}title").text == "A small <b>page</b>"  # type: ignore[union-attr]
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert {"x", "y", "v1 = multiply", "result = add", "gradient 1"} <= {*words}
    assert not [word for word in words if word and word.startswith("gradient") and word != "gradient 1"]  # not played yet
    for element in root.iter():
        assert not {"class", "style", "tabindex", "role"} & element.attrib.keys()
        if element.tag == f"{SVG}text":
            assert element.get("fill", "").startswith("rgb") and element.get("font-size") and element.get("font-family")
    assert "var(" not in path.read_text("utf-8")
    x, y, width, height = map(float, root.get("viewBox", "").split())
    assert (x, y) == (-16, -16) and width / height == pytest.approx(
        int(root.get("width", 0)) / int(root.get("height", 1)), rel=0.01
    )


def test_numbers_are_those_of_now_in_the_form_that_python_gives(small: Path, large: Path, tmp_path: Path) -> None:
    with opened(small, extra=("blob:",), fragment="#x=1.5") as page:
        data = json.loads(downloaded(page, "json", tmp_path).read_text("utf-8"))
    right = json.loads(
        viz.export(lambda x, y: np.tanh(x * y) + np.sin(x), 1.5, -3.0, path=tmp_path / "x.json").read_text("utf-8")
    )
    assert data["nodes"][0].keys() == right["nodes"][0].keys()
    assert data["edges"] == right["edges"]
    for node, other in zip(data["nodes"], right["nodes"], strict=True):
        for name in ("id", "kind", "op", "label", "call", "shape", "dtype", "output", "modules", "count"):
            assert node[name] == other[name], name
        for name in ("value", "gradient"):
            assert node[name]["data"] == pytest.approx(other[name]["data"], rel=1e-12)
    with opened(large, extra=("blob:",)) as page:
        data = json.loads(downloaded(page, "json", tmp_path).read_text("utf-8"))
    leaf = next(node for node in data["nodes"] if node["label"] == "cell.weight_ih")
    assert leaf["shape"] == leaf["gradient"]["shape"] == [2, 2] and len(leaf["gradient"]["data"]) == 4


def test_a_page_that_is_not_live_gives_rounded_numbers(tmp_path: Path) -> None:
    path = tmp_path / "fixed.html"
    viz.explore(lambda x: np.exp(x), [1.0, -np.inf], path=path, live=False)
    with opened(path, extra=("blob:",)) as page:
        data = json.loads(downloaded(page, "json", tmp_path).read_text("utf-8"))
    assert data["nodes"][0]["value"] == {"shape": [2], "data": [1, "-inf"], "rounded": True}
    assert data["nodes"][1]["value"]["data"] == [2.718, 0]


def test_print_shows_the_graph_on_one_page(large: Path, tmp_path: Path) -> None:
    with opened(large, fragment="#open=*") as page:
        page.evaluate("window.print = () => { window.printing = document.documentElement.dataset.print; }")
        page.locator("summary", has_text="Share").click()
        page.locator("#share-print").click()
        assert page.evaluate("window.printing") == "graph"
        page.emulate_media(media="print")
        for part in ("aside", "nav", "footer", ".menu"):
            assert not page.locator(part).first.is_visible()
        paper = page.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1
        width, height = map(float, re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", paper)[0])
        *_, across, down = map(float, page.locator("svg.graph").get_attribute("viewBox").split())
        assert (width > height) == (across > down)
        assert page.evaluate("document.documentElement.dataset.print") is None


def test_a_film_can_be_played_and_has_a_length(small: Path, tmp_path: Path) -> None:
    with opened(small, extra=("blob:",)) as page:
        page.select_option("#speed", "300")
        events = int(page.locator("#scrub").get_attribute("max")) + 1
        film = downloaded(page, "film", tmp_path)
        assert page.locator("#shared").inner_text() == ""
        assert page.locator("#scrub").input_value() == "-1"  # where it was before
        bytes_ = film.read_bytes()
        assert film.suffix == ".webm" and bytes_[:4] == b"\x1a\x45\xdf\xa3" and b"webm" in bytes_[:64]
        at = bytes_.index(b"\x44\x89\x84")  # a duration, as a number of four bytes
        (duration,) = struct.unpack(">f", bytes_[at + 3 : at + 7])
        assert duration > 300 * events
        seen = in_a_blank_page(
            """async (source) => {
              const video = document.createElement("video");
              video.muted = true;
              video.src = source;
              await new Promise((done, failed) => { video.onloadeddata = done; video.onerror = () => failed(video.error); });
              const canvas = document.createElement("canvas");
              [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
              const context = canvas.getContext("2d");
              const look = async (time) => { // the nodes that a value, a gradient has come to
                await new Promise((done) => { video.onseeked = done; video.currentTime = time; });
                context.drawImage(video, 0, 0);
                const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
                let [blue, orange] = [0, 0];
                for (let i = 0; i < data.length; i += 4) {
                  if (data[i + 2] - data[i] > 25 && data[i + 2] > 200) blue += 1;
                  if (data[i] - data[i + 2] > 40 && data[i] > 200) orange += 1;
                }
                return [blue, orange];
              };
              const first = await look(0.2);
              let last = await look(video.duration - 0.4);
              for (let i = 1; i < 40 && last[0] === first[0]; i += 1) { // the picture may come after the event
                await new Promise((done) => setTimeout(done, 100));
                last = await look(video.duration - 0.4 - i / 1000);
              }
              const colours = [first, last];
              return { duration: video.duration, size: [canvas.width, canvas.height], colours };
            }""",
            f"data:video/webm;base64,{b64encode(bytes_).decode()}",
        )
    assert seen["duration"] == pytest.approx(duration / 1000, abs=0.01)
    assert min(seen["size"]) > 500
    (blue, _), (blue_at_last, orange_at_last) = seen["colours"]
    assert blue > 1000 and blue_at_last < blue / 4 and orange_at_last > 1000


def test_without_a_recorder_the_page_says_what_to_do(small: Path, tmp_path: Path) -> None:
    text = small.read_text("utf-8")
    path = tmp_path / "old.html"
    path.write_text(text.replace('typeof MediaRecorder === "function"', "false     "), "utf-8")
    assert path.stat().st_size < len(text.encode())
    strict = re.sub(r"script-src [^;]*;", "script-src 'unsafe-inline' 'wasm-unsafe-eval';", path.read_text("utf-8"))
    path.write_text(strict, "utf-8")
    with opened(path) as page:
        page.locator("summary", has_text="Share").click()
        assert page.locator("#share-film").is_disabled()
        assert 'path="film.gif"' in page.locator(".menu[open]").inner_text()


def test_links_and_embed_code_are_copied_or_shown(small: Path, tmp_path: Path) -> None:
    with opened(small, fragment="#step=3") as page:
        page.evaluate(
            "Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => { window.copied = text; } } })"
        )
        page.locator("summary", has_text="Share").click()
        page.locator("#share-link").click()
        page.get_by_text("Copied.").wait_for()
        assert page.evaluate("window.copied") == f"{small.as_uri()}#step=3"
        page.locator("#share-embed").click()
        page.wait_for_timeout(100)
        frame = page.evaluate("window.copied")
        tag = ET.fromstring(frame.replace(" allowfullscreen", ""))
        assert tag.get("src") == "small%20page.html#embed&step=3" and tag.get("title") == "A small <b>page</b>"
        page.evaluate("(navigator.clipboard.writeText = () => Promise.reject(new Error('no'))) && null")
        page.locator("#share-link").click()
        assert page.locator("#shared textarea").input_value() == f"{small.as_uri()}#step=3"
        assert violations(page) == []
    slides = tmp_path / "slides.html"
    shutil.copy(small, tmp_path / small.name)
    slides.write_text(f"<title>Slides</title>{frame}", "utf-8")
    with tab() as page:
        page.goto(slides.as_uri())
        inside = page.frame_locator("iframe")
        inside.locator("html[data-ready]").wait_for(state="attached")
        assert inside.locator("#now").inner_text().startswith("3 of 12, forward: v1 = multiply(x, y)")
        assert not inside.locator("#search").is_visible()


def test_a_notebook_has_no_address_and_no_trouble(small: Path, tmp_path: Path) -> None:
    page_ = viz.explore(lambda x: x * x, 2.0)
    book = tmp_path / "notebook.html"
    book.write_text(f"<title>Notebook</title>{page_._repr_html_()}", "utf-8")
    errors: list[str] = []
    noted = {
        "pageerror": lambda error: errors.append(str(error)),
        "console": lambda message: errors.append(message.text) if message.type == "error" else None,
    }
    with tab(own=True) as page, listening(page, **noted):
        page.goto(book.as_uri())
        inside = page.frame_locator("iframe")
        inside.locator("html[data-ready]").wait_for(state="attached")
        inside.locator("#forward").click()
        inside.locator("summary", has_text="Share").click()
        inside.locator("#share-link").click()
        assert "path=" in inside.locator("#shared").inner_text()
        with page.expect_download() as download:
            inside.locator("#share-svg").click()
        assert download.value.suggested_filename == "computation-graph.svg"
    assert errors == []


# ------------------------------------------------------------------------------------- the address


def test_the_address_follows_the_lecturer_and_brings_others_there(small: Path, large: Path) -> None:
    with opened(small) as page:
        state(page, "")
        for _ in range(3):
            page.locator("#forward").click()
        page.locator("#theme").dispatch_event("click")
        page.locator("#direction").dispatch_event("click")
        page.locator("#projector").dispatch_event("click")
        page.locator("svg.graph .node").first.click()
        turned = page.evaluate("document.querySelector('#direction').getAttribute('aria-pressed') === 'true' ? 'LR' : 'TB'")
        kept = state(page, f"step=3&node=x&direction={turned}&projector=1&theme=dark")
        told = page.locator("#now").inner_text()
    with opened(small, fragment=f"#{kept}") as page:
        assert page.locator("#now").inner_text() == told
        assert page.locator("#detail-title").inner_text() == "x"
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert page.locator("#projector").get_attribute("aria-pressed") == "true"
        state(page, kept)
        page.evaluate("location.hash = '#step=7'")
        page.get_by_text("7 of 12").wait_for()
        assert page.evaluate("document.documentElement.dataset.theme") is None
        assert page.locator("#projector").get_attribute("aria-pressed") == "false"
        page.evaluate("location.hash = ''")
        page.get_by_text("12 steps:").wait_for()


def nodes(page: Any) -> list[str]:
    return page.evaluate("[...document.querySelectorAll('svg.graph .node')].map((n) => n.getAttribute('aria-label'))")


def test_opened_modules_and_unrolled_cells_are_in_the_address(large: Path) -> None:
    with opened(large) as page:
        closed = nodes(page)
        page.locator("[data-box]", has_text="head: Block").click()
        state(page, "open=head")
        page.locator("[data-box]", has_text="cell: RNNCell ×3").click()
        kept = state(page, "open=head,blocks*,cell*")
        page.locator("[data-box]", has_text="cell: RNNCell (call 2)").click()
        kept = state(page, "open=cell~2,head,blocks*,cell*")
        shown_nodes = nodes(page)
        page.locator("#open-all").click()
        state(page, "open=*")
        everything = nodes(page)
        page.locator("#compact").dispatch_event("click")
        compact = nodes(page)
        joined = state(page, "repeats=compact")
    assert len({len(closed), len(shown_nodes), len(everything), len(compact)}) == 4
    for fragment, right in ((kept, shown_nodes), ("open=*", everything), (joined, compact), ("open=nobody,*x&closed=,", closed)):
        with opened(large, fragment=f"#{fragment}") as page:
            assert nodes(page) == right
            page.evaluate("location.hash = ''")
            page.wait_for_timeout(200)
            assert nodes(page) == closed


def change(page: Any, name: str, numbers: list[float]) -> None:
    page.evaluate(
        """([name, numbers]) => {
          const input = minigrad.live.inputs.findIndex((one) => one.name === name);
          minigrad.live.change(input, (all) => all.set(numbers));
        }""",
        [name, numbers],
    )


def numbers(page: Any, name: str) -> list[float]:
    return page.evaluate("(name) => [...minigrad.live.inputs.find((input) => input.name === name).numbers]", name)


def test_changed_numbers_are_in_the_address(large: Path, small: Path) -> None:
    with opened(small) as page:
        change(page, "x", [0.1])
        state(page, "x=0.1")
    with opened(small, fragment="#x=-2.5") as page:
        assert [numbers(page, name) for name in "xy"] == [[-2.5], [-3.0]]
        assert f"{np.tanh(7.5) + np.sin(-2.5):.4g}" in page.locator("svg.graph .output").text_content()
        page.locator("#reset").click()
        state(page, "")
        page.evaluate("location.hash = '#y=4'")
        page.wait_for_timeout(200)
        assert [numbers(page, name) for name in "xy"] == [[0.5], [4.0]]
    with opened(large) as page:
        change(page, "w", [1, 2, 0.1, -7])
        state(page, "w=2:0.1,3:-7")
    with opened(large, fragment="#w=2:0.1,3:-7") as page:
        assert numbers(page, "w") == np.float32([1, 2, 0.1, -7]).tolist()


@pytest.mark.parametrize(
    "fragment",
    [
        "step=-5", "step=1e9", "step=NaN&node=<img src=x>", "x=&y=", "x=abc", "x=1,2,3", "w=99:1", "w=1:",
        "open=__proto__,constructor", "%E0%A4%A=1&step=%", "&&=&==1", "theme=blue&direction=XX&repeats=maybe",
        "node=@99&closed=cell~9",
    ],
)  # fmt: skip
def test_an_address_from_anywhere_breaks_nothing(small: Path, large: Path, fragment: str) -> None:
    for path in (small, large):
        with opened(path, fragment=f"#{fragment}") as page:
            assert page.locator("svg.graph .node").count() > 3
            assert page.evaluate("minigrad.live.edited.size") == 0
            page.locator("#forward").click()
            assert " of " in page.locator("#now").inner_text()


def test_names_that_are_words_of_the_address_or_mean_something_in_it(tmp_path: Path) -> None:
    def f(step: Any, b: Any) -> Any:
        return step * b

    path = tmp_path / "names.html"
    x, y = Tensor(2.0, requires_grad=True), Tensor(3.0, requires_grad=True)
    viz.explore(f, x, y, path=path, names={"step": x, EVIL: y})
    with opened(path) as page:
        change(page, "step", [5])
        change(page, EVIL, [7])
        page.locator("#forward").click()
        page.wait_for_timeout(WRITTEN)
        kept = page.evaluate("location.href").split("#")[1]
        assert kept.startswith("step=1&") and "~step=5" in kept and "<" not in kept
    with opened(path, fragment=f"#{kept}") as page:
        assert [numbers(page, name) for name in ("step", EVIL)] == [[5], [7]]
        assert page.locator("#now").inner_text().startswith("1 of 6")


def test_parts_of_an_address_that_others_read_stay(small: Path) -> None:
    with opened(small, fragment="#lesson=7&step=1") as page:
        page.locator("#forward").click()
        state(page, "lesson=7&step=2")


# ------------------------------------------------------------------------------------- embedded


def test_an_embedded_page_is_the_graph_and_a_slim_player(large: Path) -> None:
    with opened(large, fragment="#embed&step=2") as page:
        page.set_viewport_size({"width": 640, "height": 400})
        page.wait_for_timeout(300)
        for part in ("header button", ".menu", "nav", "aside"):
            assert not page.locator(f"#app {part}").first.is_visible()
        stage, foot = (page.locator(f"#app > {part}").bounding_box() for part in ("main", "footer"))
        assert stage["width"] == 640 and stage["height"] > 260 and foot["height"] < 110
        assert foot["y"] + foot["height"] <= 400
        assert page.evaluate("document.documentElement.scrollHeight") == 400
        assert page.locator("#now").inner_text().startswith("2 of ")
        page.locator("#play").click()
        page.get_by_text("3 of").first.wait_for()
        page.locator("#play").click()
        page.locator("svg.graph .node[aria-label^='data']").first.dispatch_event("click")  # wherever the camera is
        assert " = " in page.locator("#now").inner_text()
        assert page.locator("#whole-page").is_visible()
        page.locator("#whole-page").focus()
        href = page.locator("#whole-page").get_attribute("href")
        assert "embed" not in href and "step=" in href
        assert violations(page) == []
        state(page, f"embed&{href.partition('#')[2]}")
        assert page.evaluate("location.hash").startswith("#embed&step=")


def test_an_embedded_page_may_have_its_details_or_its_training(tmp_path: Path) -> None:
    net = nn.Linear(2, 1)
    data = np.ones((4, 2), "float32"), np.ones((4, 1), "float32")
    optimizer = nn.optim.SGD(net.parameters(), lr=0.1)
    viz.explore(net, data=data, loss=nn.functional.mse_loss, optimizer=optimizer, path=tmp_path / "page.html", depth=None)
    size = {"width": 700, "height": 520}
    with opened(tmp_path / "page.html", fragment="#embed=panel&node=weight", viewport=size) as page:
        assert page.locator("aside").is_visible() and not page.locator("#training").is_visible()
        assert page.locator("aside #edit").is_visible()
        page.locator("svg.graph .node", has_text="linear").first.dispatch_event("click")
        assert page.locator("#lens").is_visible() and not page.locator("#detail > .formula").first.is_visible()
        page.get_by_role("button", name="Step", exact=True).click()
        page.wait_for_timeout(WRITTEN)
        kept = page.evaluate("location.href").split("#")[1]
        assert kept.startswith("embed=panel&step=1")
        assert page.evaluate("document.documentElement.scrollHeight") == 520
        assert violations(page) == []
    with opened(tmp_path / "page.html", fragment="#embed=training", viewport=size) as page:
        assert page.locator("#training").is_visible() and not page.locator("aside").is_visible()
        assert page.evaluate("document.documentElement.scrollHeight") == 520
        assert violations(page) == []


def test_an_embedded_page_says_why_a_number_was_taken_back(tmp_path: Path) -> None:
    viz.explore(lambda x: np.sum(x[x > 0]), [4.0, -1.0], path=tmp_path / "page.html")
    with opened(tmp_path / "page.html", fragment="#embed=panel&node=x", viewport={"width": 700, "height": 520}) as page:
        page.locator("#edit input").nth(1).fill("1")
        page.locator("#edit input").nth(1).press("Enter")
        assert page.locator("#now .trouble").is_visible()
        assert "a mask chooses 2 elements" in page.locator("#now").inner_text()
        page.locator("#edit input").nth(1).fill("-5")
        page.locator("#edit input").nth(1).press("Enter")
        assert page.locator("#now .trouble").count() == 0


def test_the_wheel_over_an_embedded_page_scrolls_what_is_around_it(large: Path) -> None:
    view = "document.querySelector('svg.graph').getAttribute('viewBox')"
    with opened(large, fragment="#embed") as page:
        before = page.evaluate(view)
        page.mouse.move(300, 200)
        page.mouse.wheel(0, 200)
        page.wait_for_timeout(300)
        assert page.evaluate(view) == before
        page.keyboard.down("Control")
        page.mouse.wheel(0, 200)
        page.wait_for_timeout(300)
        assert page.evaluate(view) != before
        page.keyboard.up("Control")
