"""The page of an example: what it teaches, its picture, what it reaches, how to run it, its code, and where to read on."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator
from typing import Any

import used_names
from course import COURSE, NAMES
from docutils import nodes
from gallery_texts import heading, line, link, named, paragraph, prose, section, table, words
from results import BESIDE, FOLDER, PICTURES, constant, docstring, kept, median, number, published, seeds, source, spread
from sphinx import addnodes

from minigrad.install import install

#: What to read with the examples of a family, and with some examples.
READING: dict[str, list[str]] = {
    "Automatic differentiation": ["lessons/backpropagation", "notebooks/backpropagation_by_hand"],
    "custom_op": ["lessons/own_op"],
    "Convolution": ["lessons/convolution", "notebooks/convolution_as_a_matrix_product"],
    "Recurrent": ["lessons/recurrence", "notebooks/recurrent_networks_and_vanishing_gradients"],
    "Language": ["lessons/recurrence"],
    "Sequence to sequence": ["lessons/attention"],
}


def page(name: str, documents: Container[str]) -> nodes.section:
    """All of it; `documents` are the site's, and links lead to no others."""
    family = next(family for family, members in COURSE.items() if name in members)
    topic = COURSE[family][name]
    said, measurements = docstring(name).partition("\n\n")[2], kept(name)
    parts = [
        paragraph(*words(line(name, topic)), classes=["gallery-lead"]),
        paragraph(*place(name, family), classes=["gallery-place"]),
        *picture(name, topic),
        *([section("What it shows", *prose(said))] if said.strip() else []),
        *([section("What it reaches", *reached(name, measurements))] if measurements else []),
        section("Run it", *commands(name)),
        section("The code", *code(name)),
        section("Read on", *reading(name, family, documents)),
    ]
    found = section(heading(topic), *parts)
    found["classes"].append("gallery-example")
    return found


def place(name: str, family: str) -> list[nodes.Node | str]:
    """The family, and the number in the course."""
    anchor = nodes.make_id(family)
    chip = nodes.reference("", family, internal=True, refuri=f"index.html#{anchor}", classes=["gallery-chip"])
    number = nodes.inline("", f"{NAMES.index(name) + 1} of {len(NAMES)}")
    return [chip, " ", number, " ", nodes.literal("", f"examples/{name}.py")]


def picture(name: str, topic: str) -> list[nodes.Node]:
    """What the script draws, if it does."""
    if not (PICTURES / f"{name}.png").exists():
        return []
    image = nodes.image(uri=f"/../examples/pictures/{name}.png", alt=f"What {name}.py draws: {line(name, topic)}")
    return [nodes.figure("", image, classes=["gallery-figure"])]


# ---- what it reaches


def reached(name: str, measurements: list[dict[str, Any]]) -> Iterator[nodes.Node]:
    """A table for each measurement, and what was published."""
    yield paragraph(
        "The median over the seeds, and the range from the lowest to the highest. Below the line is what chance and the simplest "
        "methods reach on the same data, and what is out of reach."
    )
    for measured in sorted(measurements, key=lambda found: "options" in found):
        yield measurement(measured)
        yield from wrote(measured)
    if said := published(name):
        yield paragraph(nodes.strong("", "Published: "), f"{said}.", classes=["gallery-published"])


def measurement(measured: dict[str, Any]) -> nodes.table:
    """The numbers of a measurement, those that it is compared with last."""
    numbers = {key: values for key, values in measured["results"].items() if not isinstance(values[0], str)}
    beside = {key: values for key, values in numbers.items() if key.startswith(BESIDE)}
    rows = [cells(key, values) for key, values in numbers.items() if key not in beside]
    found = table(circumstances(measured), ["Result", "Median", "Range"], rows + [cells(*pair) for pair in beside.items()])
    found["classes"].append("gallery-numbers")
    for row in list(found.findall(nodes.row))[1 + len(rows) :]:
        row["classes"].append("gallery-beside")
    return found


def cells(key: str, values: list[Any]) -> list[list[nodes.Node]]:
    """The row of a result; what it is compared with says so by a mark."""
    kind, _, rest = key.partition(": ") if key.startswith(BESIDE) else ("", "", key)
    mark: list[nodes.Node] = [nodes.inline("", kind, classes=["gallery-kind"]), nodes.Text(" ")] if kind and rest else []
    low, to, high = spread(values).partition(" to ")
    between = [
        nodes.inline("", low, classes=["gallery-value"]),
        nodes.Text(to),
        nodes.inline("", high, classes=["gallery-value"]),
    ]
    return [[*mark, nodes.Text(rest or key)], [nodes.Text(median(values))], between if to else []]


def wrote(measured: dict[str, Any]) -> Iterator[nodes.Node]:
    """Results that are text."""
    texts = {key: values[0].strip("`") for key, values in measured["results"].items() if isinstance(values[0], str)}
    if texts:
        rows: list[list[list[nodes.Node]]] = [[[nodes.Text(key)], [nodes.literal("", text)]] for key, text in texts.items()]
        yield table([nodes.Text("From the first seed")], ["Result", "Text"], rows, classes=["gallery-texts"])


def circumstances(measured: dict[str, Any]) -> list[nodes.Node]:
    """With which options, from how many seeds, in what time, when and where."""
    parts = [seeds(measured), f"{number(measured['seconds'])} s each", measured["date"], measured.get("machine", "")]
    said = nodes.Text(", ".join(filter(None, parts)))
    return [nodes.literal("", measured["options"]), nodes.Text(": "), said] if "options" in measured else [said]


# ---- how to run it, and the code


def commands(name: str) -> list[nodes.Node]:
    """The commands, and the options with their defaults."""
    where, _, installing = install("examples").partition(", ")
    run = f"python -m examples {name}"
    lines = [installing, run, f"{run} --seed 1   # other random numbers", f"{run} --help     # its options"]
    if constant(name, "FULL"):
        lines.append(f"{run} --full     # a long run, in the sizes of the source")
    text = "\n".join(lines)
    found: list[nodes.Node] = [paragraph(f"{where[0].upper()}{where[1:]}:"), nodes.literal_block(text, text, language="bash")]
    if chosen := options(name):
        found.append(paragraph("Options and their defaults: ", *separated([nodes.literal("", option) for option in chosen]), "."))
    return found


def options(name: str) -> list[str]:
    """The parameters of `main`, as the command line has them."""
    main = next(node for node in source(name).body if isinstance(node, ast.FunctionDef) and node.name == "main")
    pairs = zip(main.args.args, main.args.defaults, strict=True)
    return [f"--{argument.arg.replace('_', '-')} {ast.unparse(default)}" for argument, default in pairs]


def code(name: str) -> list[nodes.Node]:
    """The whole script, to read and to download."""
    path = FOLDER / f"{name}.py"
    text = path.read_text(encoding="utf-8")
    target = addnodes.download_reference("", "", nodes.Text(path.name), reftarget=f"/../examples/{path.name}")
    shared = link("gallery/shared", nodes.literal("", "shared"))
    about = paragraph("Download ", target, ". What it imports from ", shared, " is in examples/shared.")
    return [about, nodes.literal_block(text, text, language="python")]


def reading(name: str, family: str, documents: Container[str]) -> Iterator[nodes.Node]:
    """The names of the API in the code, lessons and notebooks, and examples of the same family."""
    if names := used_names.names(source(name)):
        yield paragraph("Names of the API in the code: ", *separated([used_names.link(found) for found in names]), ".")
    further = [found for key in (family, name) for found in READING.get(key, []) if found in documents]
    if further:
        yield paragraph("To learn more: ", *separated([link(document) for document in further]), ".")
    others = [named(other) for other in COURSE[family] if other != name]
    if others:
        yield paragraph("Of the same family: ", *separated(others), ".")


def separated(found: list[Any]) -> list[nodes.Node | str]:
    """With commas between."""
    return [part for i, node in enumerate(found) for part in ((", ", node) if i else (node,))]
