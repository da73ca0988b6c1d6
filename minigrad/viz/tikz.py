"""A graph as a LaTeX document with TikZ: for a paper, without anything beside `standalone` and `tikz`."""

from __future__ import annotations

import unicodedata

from .highlight import MARK
from .layout import laid_out
from .outline import Node, Outline
from .text import one_line

__all__ = ["document", "latex", "tikz"]

#: Of each kind its colours, as those of `draw`, and its shape.
STYLES = {
    "leaf": ("FFF3C4", "B08D00", ""),
    "data": ("ECEFF1", "607D8B", ""),
    "op": ("DBE9FF", "3B6DB5", "rounded corners=3pt"),
    "module": ("E3E0F3", "5E4FA2", "rounded corners=3pt, double"),
    "result": ("DCEDC8", "558B2F", "rounded corners=3pt, very thick"),
}
LETTER, LINE, ROOM = 5.6, 12.0, (16.0, 9.0)  # of a letter of 9 pt, a line, and around the text, in points
#: How LaTeX writes letters that mean something to it, and those that its usual fonts have in mathematics only.
WORDS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\char36{}", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': r"\char34{}", "`": r"\char96{}", "-": r"{-}", "×": r"$\times$", "÷": r"$\div$", "−": "$-$", "±": r"$\pm$",
    "·": r"$\cdot$",
    "Σ": r"$\Sigma$", "Π": r"$\Pi$", "∑": r"$\sum$", "∏": r"$\prod$", "√": r"$\surd$", "∞": r"$\infty$", "²": "$^2$",
    "³": "$^3$", "ʸ": "$^y$", "ˣ": "$^x$", "→": r"$\to$", "…": r"\ldots{}", "⊙": r"$\odot$", "ı": r"\i{}", "ß": r"\ss{}",
    "ø": r"\o{}", "Ø": r"\O{}", "æ": r"\ae{}", "Æ": r"\AE{}", "ł": r"\l{}", "Ł": r"\L{}",
}  # fmt: skip
ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".", "\u0308": '"',
    "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip
GREEK = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi", "omicron",
    "pi", "rho", "varsigma", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
]  # fmt: skip
#: A letter that pdfTeX has no glyph for: engines that know Unicode print it, others its number.
UNICODE = (
    r'  \def\uni#1{\ifdefined\directlua\char"#1\relax\else\ifdefined\XeTeXversion\char"#1\relax\else{\ttfamily U+#1}\fi\fi}%'
)


def tikz(found: Outline) -> str:
    """A `tikzpicture` that needs no library and no definition from outside; nodes are n0, n1, ..., to draw more between them.

    >>> from .outline import outline
    >>> print(tikz(outline(lambda x: x + 1, (3.0,), style="minimal")).splitlines()[0])
    \\begin{tikzpicture}[
    """
    places = laid_out(found, lambda number: _size(found.nodes[number].lines(found.style)))
    height = places.height

    def at(x: float, y: float) -> str:
        return f"({x:.1f}pt, {height - y:.1f}pt)"

    body = [f"  % {latex(note)}" for note in found.notes]
    for title, (x0, y0), (x1, y1) in places.boxes:
        body.append(rf"  \draw[module box] {at(x0, y0)} rectangle {at(x1, y1)};")
        body.append(rf"  \node[module title] at {at(x0, y0)} {{{latex(title)}}};")
    for node in found.nodes:
        x, y, *size = places.nodes[node.id]
        body.append(rf"  \node[{_look(node, *size)}] (n{node.id}) at {at(x, y)} {{{_text(node.lines(found.style))}}};")
    for link in found.links:
        points = [at(*point) for point in places.curves[link.source, link.target]]
        ends = [f"(n{link.source})", *points[1:-1], f"(n{link.target})"]
        if link.source == link.target:
            ends = [f"(n{link.source}.east)", *points[1:-1], f"(n{link.target}.south east)"]
        style = "flow, carried" if link.carried else "flow, given" if link.data else "flow"
        style += ", marked" if link.marked else ""
        body.append(rf"  \draw[{style}] {_curve(ends, latex(found.words(link)))};")
    definitions = [UNICODE] if any(r"\uni{" in line for line in body) else []
    return "\n".join([r"\begin{tikzpicture}[", *_styles(), "]", *definitions, *body, r"\end{tikzpicture}"])


def document(found: Outline) -> str:
    """A whole document around it."""
    head = ["% Between \\begin{tikzpicture} and its end stands all that a document with \\usepackage{tikz} needs.", ""]
    return "\n".join(
        [r"\documentclass[tikz, border=4pt]{standalone}", *head, r"\begin{document}", tikz(found), r"\end{document}", ""]
    )


def latex(text: str) -> str:
    """Text of the user's, as LaTeX prints it with any engine; in the file all letters are of ASCII.

    >>> print(latex("50% of $x_1$, é, α, 中"))
    50\\% of \\char36{}x\\_1\\char36{}, \\'{e}, $\\alpha$, \\uni{4E2D}
    """
    return "".join(map(_letter, one_line(text)))


def _letter(letter: str) -> str:
    if letter in WORDS:
        return WORDS[letter]
    if " " <= letter <= "~":
        return letter
    if "α" <= letter <= "ω":
        name = GREEK[ord(letter) - ord("α")]
        return "o" if name == "omicron" else rf"$\{name}$"
    parts = unicodedata.normalize("NFD", letter)
    if len(parts) == 2 and parts[1] in ACCENTS and parts[0].isascii():
        return rf"\{ACCENTS[parts[1]]}{{{parts[0]}}}"
    return rf"\uni{{{ord(letter):04X}}}"


def _curve(ends: list[str], words: str) -> str:
    """Bezier curves through the points, 1 + 3 n of them."""
    text = ends[0]
    for i in range(1, len(ends), 3):
        a, b, c = ends[i : i + 3]
        node = rf"node[words] {{{words}}} " if words and i == 1 else ""
        text += f" .. controls {a} and {b} .. {node}{c}"
    return text


def _size(lines: list[str]) -> tuple[float, float]:
    """Room for the text, as LaTeX will set it, more or less."""
    return max(map(len, lines)) * LETTER + ROOM[0], len(lines) * LINE + ROOM[1]


def _look(node: Node, width: float, height: float) -> str:
    colour = f", fill={_rgb(node.colour.lstrip('#'))}" if node.colour else ""
    kind = "result" if node.output else node.kind
    return f"{kind} node{colour}, minimum width={width:.1f}pt, minimum height={height:.1f}pt"


def _text(lines: list[str]) -> str:
    first, *rest = map(latex, lines)
    return r" \\ ".join([rf"\textbf{{{first}}}", *rest])


def _styles() -> list[str]:
    kinds = [
        f"  {kind} node/.style={{any node, fill={_rgb(fill)}, draw={_rgb(line)}{', ' * bool(shape)}{shape}}},"
        for kind, (fill, line, shape) in STYLES.items()
    ]
    return [
        r"  any node/.style={align=center, inner sep=3pt, font=\sffamily\footnotesize},",
        *kinds,
        f"  module box/.style={{draw={_rgb('B9C0CC')}, fill={_rgb('F6F7FA')}, rounded corners=3pt}},",
        rf"  module title/.style={{anchor=north west, inner sep=3pt, font=\sffamily\scriptsize, text={_rgb('444C59')}}},",
        f"  flow/.style={{->, >=stealth, draw={_rgb('666666')}}},",
        "  carried/.style={dashed}, given/.style={densely dotted},",
        f"  marked/.style={{draw={_rgb(MARK.lstrip('#'))}, very thick}},",
        r"  words/.style={midway, fill=white, inner sep=1pt, font=\sffamily\scriptsize},",
    ]


def _rgb(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (0, 2, 4))
    return f"{{rgb,255:red,{red};green,{green};blue,{blue}}}"
