"""A film of the forward and the backward pass as an animated GIF, for slides: the player of `explore` without a page.

The places come from `dot`, or from simple layers; Pillow paints the frames in either case, so that a film looks the same
everywhere, and a frame takes milliseconds instead of a run of `dot`.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from io import BytesIO
from typing import Any, NamedTuple

from ..install import install
from .curves import arrow, dashes, sampled
from .layers import Layout, Point
from .layout import laid_out
from .numbers import host, number, rms
from .outline import Link, Node, Outline
from .text import one_line

__all__ = ["events", "gif"]

FONT, LINE, ROOM = 10.0, 13.5, (18.0, 12.0)  # of letters, of lines, and around the text, in points
CAPTION = 42.0
LARGEST = (1280, 960)  # pixels
FINER = 2  # painted larger, then made smaller, so that edges are smooth
MOST_FRAMES = 500
TEXT, QUIET, PAPER, PANEL = "#1a1f27", "#66707e", "#ffffff", "#f6f7f9"
FORWARD, BACKWARD = ("#0b5cad", "#d7e8fb"), ("#a84300", "#fde0c6")
LOOKS = {
    "leaf": ("#a84300", "#fdf0e3"), "data": ("#0b5cad", "#e7f0fa"), "op": ("#66707e", "#ffffff"),
    "module": ("#3f4855", "#eceff3"),
}  # fmt: skip
#: Fonts with signs such as × and Greek letters, where one of them is there; Pillow brings a smaller one.
FONTS = {
    "plain": ("DejaVuSans.ttf", "Arial.ttf", "arial.ttf", "Helvetica.ttc", "LiberationSans-Regular.ttf"),
    "bold": ("DejaVuSans-Bold.ttf", "Arial Bold.ttf", "arialbd.ttf", "LiberationSans-Bold.ttf"),
}


class Event(NamedTuple):
    """One frame: a value becomes known, or a gradient."""

    phase: str
    node: Node


def events(found: Outline) -> list[Event]:
    """What a film shows: all nodes forwards, then those that gradients arrive at, backwards.

    >>> from .outline import outline
    >>> [f"{phase} {node.label}" for phase, node in events(outline(lambda x: x * x, (3.0,)))]
    ['forward x', 'forward result', 'backward result', 'backward x']
    """
    back = [node for node in reversed(found.nodes) if node.row is not None and node.row.gradient is not None]
    return [*(Event("forward", node) for node in found.nodes), *(Event("backward", node) for node in back)]


def gif(found: Outline, title: str, seconds: float = 1.2) -> bytes:
    """The film: each step is shown for some seconds, the last one for longer.

    Raises:
        ValueError: it would have more than 500 frames.
        ImportError: Pillow is not installed.
    """
    shown = events(found)
    if len(shown) > MOST_FRAMES:
        raise ValueError(
            f"a film of {len(shown)} steps would be too long: close modules with depth=1, or show repetitions as one with "
            'repeats="compact"'
        )
    if not seconds > 0:
        raise ValueError(f"seconds must be positive, got {seconds}")
    painter = _Painter(found, title)
    frames = [painter.frame(shown, at) for at in range(len(shown))]
    colours = painter.colours(frames)
    first, *rest = [frame.quantize(palette=colours, dither=painter.image.Dither.NONE) for frame in frames]
    durations = [round(1000 * seconds)] * (len(frames) - 1) + [round(3000 * seconds)]
    file = BytesIO()
    first.save(file, "GIF", save_all=True, append_images=rest, duration=durations, loop=0)
    return file.getvalue()


class _Painter:
    """Paints frames: one layout, the nodes in it with what is known of them."""

    def __init__(self, found: Outline, title: str) -> None:
        self.image, self.draws, self.fonts = (_pillow(name) for name in ("Image", "ImageDraw", "ImageFont"))
        self.found, self.title = found, one_line(title)
        self.font, self.bold = self._font("plain", FONT), self._font("bold", FONT)
        self.places: Layout = laid_out(found, self._size)
        width = max(self.places.width, 360.0)
        height = self.places.height + CAPTION
        self.left = (width - self.places.width) / 2
        self.scale = min(2.0, LARGEST[0] / width, LARGEST[1] / height)
        self.size = round(width * self.scale), round(height * self.scale)
        self.zoom = self.scale * FINER
        self.font, self.bold = self._font("plain", FONT * self.zoom), self._font("bold", FONT * self.zoom)

    def frame(self, shown: Sequence[Event], at: int) -> Any:
        """The picture of one event, after all those before it."""
        canvas = self.image.new("RGB", tuple(FINER * side for side in self.size), PAPER)
        draw = self.draws.Draw(canvas)
        phase, node = shown[at]
        known = {(event.phase, event.node.id) for event in shown[: at + 1]}
        for title, corner, opposite in self.places.boxes:
            box = [*self._at(corner), *self._at(opposite)]
            draw.rounded_rectangle(box, 6 * self.zoom, PANEL, "#d3d9e1", round(self.zoom))
            x, y = self._at(corner)
            draw.text((x + 6 * self.zoom, y + 4 * self.zoom), one_line(title), QUIET, self.font)
        for link in self.found.links:
            self._edge(draw, link, phase, node)
        for other in self.found.nodes:
            self._node(draw, other, phase if other is node else "", known)
        self._caption(draw, shown, at)
        return canvas.reduce(FINER)

    def colours(self, frames: Sequence[Any]) -> Any:
        """The colours of a film: the flat ones, and blends from some of its frames.

        With the same ones in all frames, a file holds only what changes.
        """
        some = [frames[i * (len(frames) - 1) // 3] for i in range(4)]
        joined = self.image.new("RGB", (self.size[0], 4 * self.size[1]))
        for i, frame in enumerate(some):
            joined.paste(frame, (0, i * self.size[1]))
        blends = joined.quantize(128).getpalette()
        flat = [PAPER, PANEL, TEXT, QUIET, *FORWARD, *BACKWARD, *(c for look in LOOKS.values() for c in look)]
        flat += [node.colour for node in self.found.nodes if node.colour]
        palette = self.image.new("P", (1, 1))
        palette.putpalette([*(x for colour in dict.fromkeys(flat) for x in bytes.fromhex(colour[1:])), *blends][: 3 * 256])
        return palette

    def _node(self, draw: Any, node: Node, phase: str, known: set[tuple[str, int]]) -> None:
        x, y, width, height = self.places.nodes[node.id]
        box = [*self._at((x - width / 2, y - height / 2)), *self._at((x + width / 2, y + height / 2))]
        line, fill = {"forward": FORWARD, "backward": BACKWARD}.get(phase) or LOOKS[node.kind]
        fill = node.colour or fill
        thick = 2.5 if phase or node.output else 1.0
        round_ = 0 if node.kind in ("leaf", "data") else 7
        draw.rounded_rectangle(
            box, round_ * self.zoom, fill, line if phase or not node.output else TEXT, round(thick * self.zoom)
        )
        lines = [(_title(node), TEXT), (_value(node), FORWARD[0]), (_gradient(node), BACKWARD[0])]
        shown = [True, ("forward", node.id) in known, ("backward", node.id) in known]
        top = y - height / 2 + ROOM[1] / 2
        for i, ((text, colour), is_known) in enumerate(zip(lines, shown, strict=True)):
            if is_known:
                place = self._at((x, top + (i + 0.5) * LINE))
                draw.text(place, text, colour, self.font if i else self.bold, anchor="mm")

    def _edge(self, draw: Any, link: Link, phase: str, node: Node) -> None:
        """What the node reads, or what comes back to it, is in colour; a gradient goes against the edge."""
        points = sampled(self.places.curves[link.source, link.target])
        is_lit = node.id == (link.target if phase == "forward" else link.source) and not (link.data and phase == "backward")
        colour = (FORWARD if phase == "forward" else BACKWARD)[0] if is_lit else QUIET
        if is_lit and phase == "backward":
            points.reverse()
        width = max(1, round((2.5 if is_lit else 1.2) * self.zoom))
        shaft, head = arrow(points, 8.0 if is_lit else 6.0)
        pixels = [self._at(point) for point in shaft]
        for part in dashes(pixels, 5 * self.zoom) if link.carried else [pixels]:
            draw.line(part, colour, width, joint="curve")
        draw.polygon([self._at(point) for point in head], colour)

    def _caption(self, draw: Any, shown: Sequence[Event], at: int) -> None:
        phase, node = shown[at]
        row = node.row
        assert row is not None
        call = f" = {row.call}" if row.call and node.kind != "module" else ""
        first = f"{at + 1} of {len(shown)}, {phase}: {_title(node) if node.kind == 'module' else node.label + call}"
        second = f"gradient {row.total}" if phase == "backward" else number(row.value) if row.value is not None else node.shapes
        top = self.places.height + 6
        for text, colour, y in ((first, TEXT, top), (second, (FORWARD if phase == "forward" else BACKWARD)[0], top + LINE + 2)):
            draw.text((10 * self.zoom, y * self.zoom), self._fitted(one_line(text)), colour, self.font)
        room = self.size[0] * FINER - 10 * self.zoom
        if self.font.getlength(first + self.title) + 40 * self.zoom < room:
            draw.text((room, top * self.zoom), self.title, QUIET, self.font, anchor="ra")

    def _fitted(self, text: str) -> str:
        """As much of a line as there is room for."""
        room = self.size[0] * FINER - 20 * self.zoom
        while self.font.getlength(text) > room:
            text = f"{text[:-2]}…"
        return text

    def _size(self, number: int) -> tuple[float, float]:
        node = self.found.nodes[number]
        widths = [self.bold.getlength(_title(node)), *(self.font.getlength(text) for text in (_value(node), _gradient(node)))]
        return max(widths) + ROOM[0], 3 * LINE + ROOM[1]

    def _at(self, point: Point) -> Point:
        return (point[0] + self.left) * self.zoom, point[1] * self.zoom

    def _font(self, look: str, size: float) -> Any:
        for name in FONTS[look]:
            try:
                return self.fonts.truetype(name, size, layout_engine=self.fonts.Layout.BASIC)
            except OSError:
                continue
        return self.fonts.load_default(size)


def _title(node: Node) -> str:
    if node.kind == "module":
        return one_line(": ".join(filter(None, (node.label, node.op))))
    times = f" ×{node.count}" if node.count > 1 else ""
    return one_line((f"{node.label} = {node.op}" if node.op else node.label) + times)


def _value(node: Node) -> str:
    return node.shapes if node.row is None else _single(node.row.value) or node.shapes


def _gradient(node: Node) -> str:
    if node.row is None or node.row.gradient is None:
        return ""
    return f"gradient {_single(node.row.gradient) or f'rms {rms(node.row.gradient):.2g}'}"


def _single(value: Any) -> str:
    """A single number as text; of more than one nothing."""
    if value is None or isinstance(value, (tuple, list)) or host(value).size != 1:
        return ""
    return number(host(value).reshape(()))


def _pillow(name: str) -> Any:
    try:
        return importlib.import_module(f"PIL.{name}")
    except ImportError as error:
        raise ImportError(f"a film as .gif needs Pillow: {install('viz')}") from error
