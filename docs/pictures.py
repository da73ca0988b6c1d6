"""Make the pictures of docs/viz.md, two of which move: `python docs/pictures.py [NAME ...]`, with Chromium and pillow."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from examples.pages import make  # noqa: E402

IMAGES = Path(__file__).parent / "images"
PICTURE, ANIMATION = 150_000, 600_000  # bytes at most
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def shot(page: Any) -> Image.Image:
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def save(name: str, image: Image.Image) -> None:
    """As a picture of few colours, which a page has."""
    path = IMAGES / f"{name}.png"
    image.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
    assert path.stat().st_size < PICTURE, f"{path}: {path.stat().st_size} bytes"
    print(path.relative_to(ROOT), path.stat().st_size)


def animate(name: str, frames: list[Image.Image], milliseconds: list[int]) -> None:
    path = IMAGES / f"{name}.webp"
    first, *others = frames
    first.save(path, save_all=True, append_images=others, duration=milliseconds, loop=0, quality=60, method=4, minimize_size=True)
    assert path.stat().st_size < ANIMATION, f"{path}: {path.stat().st_size} bytes"
    print(path.relative_to(ROOT), path.stat().st_size, f"{len(frames)} frames")


def at(page: Any, part: float) -> None:
    """The player at a part of its way, when nothing moves any more."""
    script = "(e, part) => { e.value = Math.round(e.max * part); e.dispatchEvent(new Event('input')); }"
    page.eval_on_selector("#scrub", script, part)
    page.wait_for_timeout(1200)


def explore(open_page: Callable[..., Any]) -> None:
    """README's picture."""
    page = open_page("scalar", 1280, 800)
    at(page, 0.9)
    save("explore", shot(page))


def lenet(open_page: Callable[..., Any]) -> None:
    page = open_page("lenet", 1280, 800)
    page.locator(".node.closed", has_text="features").click()
    page.wait_for_timeout(600)
    at(page, 0.85)
    save("page-lenet", shot(page))


def lstm(open_page: Callable[..., Any]) -> None:
    page = open_page("lstm", 1280, 800, "dark")
    at(page, 0.9)
    save("page-lstm", shot(page))


def phone(open_page: Callable[..., Any]) -> None:
    """Three pages side by side, 390 points wide."""
    shots = []
    for name, scheme, part in (("scalar", "light", 0.75), ("transformer", "dark", 0.0), ("mlp", "light", 1.0)):
        page = open_page(name, 390, 844, scheme)
        if part:
            at(page, part)
        shots.append(shot(page))
    sheet = Image.new("RGB", (3 * 390 + 40, 844), "white")
    for i, one in enumerate(shots):
        sheet.paste(one, (i * 410, 0))
    save("page-phone", sheet)


def play(open_page: Callable[..., Any]) -> None:
    """A formula is played: values, then gradients, with the dots that carry them."""
    page = open_page("scalar", 1120, 760)
    frames, times = [shot(page)], [900]
    for _ in range(14):  # 7 steps, there and back
        page.keyboard.press("ArrowRight")
        for _ in range(6):
            frames.append(shot(page))
            times.append(110)
        page.wait_for_timeout(700)
        frames.append(shot(page))
        times.append(650)
    times[-1] = 2500
    animate("page-play", frames, times)


def edit(open_page: Callable[..., Any]) -> None:
    """A number is changed with its slider: all values and all gradients follow."""
    page = open_page("scalar", 1120, 760)
    page.keyboard.press("End")
    page.wait_for_timeout(900)
    page.locator(".node.leaf", has_text="y").click()
    slider = page.locator("#edit input[type=range]")
    box = slider.bounding_box()
    frames, times = [shot(page)], [1200]
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    for i in (*range(2, 21, 2), *range(18, -7, -2)):
        page.mouse.move(box["x"] + (0.5 + 0.02 * i) * box["width"], box["y"] + box["height"] / 2)
        frames.append(shot(page))
        times.append(200)
    page.mouse.up()
    times[-1] = 2000
    animate("page-edit", frames, times)


PICTURES = {"explore": explore, "lenet": lenet, "lstm": lstm, "phone": phone, "play": play, "edit": edit}


def main(names: list[str]) -> None:
    path = next(found for name in BROWSERS if (found := shutil.which(name)))
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=path, args=["--headless", "--no-sandbox", "--disable-gpu"])

        def open_page(name: str, width: int, height: int, scheme: str = "light") -> Any:
            file = Path(folder) / f"{name}.html"
            make(name, file)
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            page.goto(file.as_uri())
            page.locator("html[data-ready]").wait_for(state="attached")
            page.wait_for_timeout(300)
            return page

        for name in names or PICTURES:
            PICTURES[name](open_page)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
