"""The overview of the gallery: a card for each example, by family."""

from __future__ import annotations

from course import COURSE, NAMES
from docutils import nodes
from gallery_texts import heading, line, link, paragraph, section, words
from results import PICTURES

INTRODUCTION = (
    "Each example is one script that shows one idea. It runs without arguments and without a download, in about a minute on two "
    "cores at most. The order is that of a course. Every page has the code, and what it reaches over several seeds beside chance "
    "and simple methods."
)


def page() -> nodes.section:
    """All of it."""
    found = section("Gallery", paragraph(INTRODUCTION), families())
    found.extend(family(name, members) for name, members in COURSE.items())
    found["classes"].append("gallery")
    return found


def families() -> nodes.bullet_list:
    """Links to the families; the script makes them choose what is shown."""
    found = nodes.bullet_list("", classes=["gallery-families"])
    for name, members in COURSE.items():
        label = [nodes.Text(f"{name} "), nodes.inline("", str(len(members)), classes=["gallery-count"])]
        found.append(nodes.list_item("", paragraph(nodes.reference("", "", *label, internal=True, refid=nodes.make_id(name)))))
    return found


def family(name: str, members: dict[str, str]) -> nodes.section:
    """The cards of a family."""
    cards = nodes.bullet_list("", *(card(*member) for member in members.items()), classes=["gallery-cards"])
    found = section(name, cards)
    found["classes"].append("gallery-family")
    return found


def card(name: str, topic: str) -> nodes.list_item:
    """Picture, title, a sentence, and the name of the script."""
    picture = nodes.image(uri=f"/../examples/pictures/{name}.png", alt=f"What {name}.py draws", loading="lazy")
    number = nodes.inline("", f"{NAMES.index(name) + 1}", classes=["gallery-number"])
    return nodes.list_item(
        "",
        *([paragraph(picture, classes=["gallery-picture"])] if (PICTURES / f"{name}.png").exists() else []),
        paragraph(link(f"gallery/{name}", nodes.Text(heading(topic))), classes=["gallery-title"]),
        paragraph(*words(line(name, topic)), classes=["gallery-line"]),
        paragraph(number, nodes.literal("", f"{name}.py"), classes=["gallery-name"]),
    )
