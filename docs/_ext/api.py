"""The reference of the public names, made from the imported packages when the site is built.

    .. public:: minigrad
       :family: minigrad.ops.trigonometric

describes the names of `minigrad` that are in `minigrad.ops.trigonometric.__all__`: a table with their first sentences, then an
entry for each, by autodoc.  Here stands what autodoc cannot know: which names there are, what an op's parameters are
(signatures), what those are that many functions share (arguments), how a docstring is read (docstrings), what an op stands
for in NumPy and PyTorch (counterparts), and where its derivatives have been checked (docs/generate.py).
"""

from __future__ import annotations

import fnmatch
import importlib
import inspect
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import signatures
from arguments import with_arguments
from counterparts import counterparts, public_names
from docstrings import as_rst, escaped
from docutils import nodes
from docutils.parsers.rst import directives
from layers import function_of, with_function
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import minigrad
import nn
from minigrad import Tensor
from minigrad.ops.constant import constants
from tools import stubs

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import generate  # docs/generate.py: what is known of each op

#: Modules whose functions are ops, with the types of the stubs.
OPS = (
    "minigrad.ops.", "minigrad.linalg", "minigrad.fft", "minigrad.random.", "minigrad.scipy.", "minigrad.emath",
    "minigrad.polynomial",
)  # fmt: skip


# ---- which names


def names_of(module: ModuleType, family: str | None) -> list[str]:
    """The public names of a module that are no modules; of one family, where one is given."""
    own = [n for n in public_names(module) if not inspect.ismodule(getattr(module, n))]
    if family is None:
        return own
    if family == "minigrad.ops.constant":
        return [n for n in own if n in constants]
    inside = importlib.import_module(family).__all__
    return [n for n in own if n in inside and n not in constants]


class Public(SphinxDirective):
    """The entries of a module's public names.

    Options:
        family: a module; only what its `__all__` has is described.
        names: only these, in this order; `*Transform` means all that end so.
        without: not these.
        same-as: a module; a name that is the same object there is described there.
    """

    required_arguments = 1
    option_spec = dict.fromkeys(("family", "names", "without", "same-as"), directives.unchanged_required)

    def run(self) -> list[nodes.Node]:
        path = self.arguments[0]
        module = importlib.import_module(path)
        names = names_of(module, self.options.get("family"))
        if "names" in self.options:
            names = [n for pattern in self.options["names"].split() for n in fnmatch.filter(names, pattern)]
        for pattern in self.options.get("without", "").split():
            names = [n for n in names if not fnmatch.fnmatchcase(n, pattern)]
        if not names:
            raise self.error(f"public {path}: there is no such name")
        other = self.options.get("same-as")
        elsewhere = importlib.import_module(other) if other else None
        described = [(n, same(path, module, n, other, elsewhere)) for n in names]
        lines = [*table(path, module, names), ""]
        for name, original in described:
            lines += ["", *index(path, name, getattr(module, name)), *entry(path, name, getattr(module, name), original)]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def same(path: str, module: ModuleType, name: str, other: str | None, elsewhere: ModuleType | None) -> str | None:
    """Where the same object is described: in another module, or under its own name in this one."""
    thing = getattr(module, name)
    if elsewhere is not None and getattr(elsewhere, name, None) is thing:
        return f"{other}.{name}"
    own = getattr(thing, "__name__", name)
    if own != name and getattr(module, own, None) is thing and own in public_names(module):
        return f"{path}.{own}"
    return None


# ---- what is written


def table(path: str, module: ModuleType, names: list[str]) -> list[str]:
    """Every name with its first sentence."""
    lines = [".. list-table::", "   :class: names", "   :widths: 25 75", ""]
    for name in names:
        summary = first_sentence(getattr(module, name))
        lines += [f"   * - :py:obj:`{name} <{path}.{name}>`", f"     - {summary}"]
    return lines


def first_sentence(thing: Any) -> str:
    if is_borrowed(thing):
        return "NumPy's own."
    if not callable(thing) and type(thing).__module__ == "builtins":
        return f"``{escaped(repr(thing))}``" if isinstance(thing, (float, bool)) else "A table."
    paragraph = (inspect.getdoc(thing) or "").partition("\n\n")[0]
    line = paragraph.partition("\n")[0] if re.match(r"[^\n]*\.\n", paragraph) else " ".join(paragraph.split())
    return escaped(re.split(r"(?<=[a-z)`\]])\. |: out = ", line)[0])


def is_borrowed(thing: Any) -> bool:
    """Whether something is NumPy's or Python's own."""
    home = getattr(thing, "__module__", None) or type(thing).__module__
    foreign = home.partition(".")[0] in ("numpy", "builtins", "math", "collections")
    return foreign and (callable(thing) or home.startswith("numpy"))


def entry(path: str, name: str, thing: Any, original: str | None) -> list[str]:
    full = f"{path}.{name}"
    if original is not None:
        kind = "class" if isinstance(thing, type) else "function"
        return [f".. py:{kind}:: {name}{arguments(thing)}", f"   :module: {path}", "", f"   The same as :py:obj:`{original}`."]
    if is_borrowed(thing):
        own = f"numpy.{name}" if hasattr(sys.modules["numpy"], name) else getattr(thing, "__name__", name)
        kind = "class" if isinstance(thing, type) else "function" if inspect.isroutine(thing) else "data"
        text = f"``{own}`` itself, which takes Tensors as it takes arrays; it has no gradient."
        shown = f"{name}{arguments(thing)}" if kind == "function" else name
        return [f".. py:{kind}:: {shown}", f"   :module: {path}", "", f"   {text}"]
    if isinstance(thing, type):
        return [f".. autoclass:: {full}", "   :members:", *forward_of_family(full, thing)]
    if inspect.isroutine(thing):
        return [f".. autofunction:: {full}"]
    return data(path, name, thing)


def forward_of_family(full: str, kind: type) -> list[str]:
    """What a layer is called with, where a base class without an entry of its own says it."""
    home = next((base for base in kind.__mro__ if "forward" in vars(base)), kind)
    shown = home is not kind and home.__name__.startswith("_") and vars(home)["forward"].__doc__
    return ["", f"   .. automethod:: {full}.forward"] if shown else []


def index(path: str, name: str, thing: Any) -> list[str]:
    """Its names elsewhere, which the search and the index find: np.linalg.svd, torch.linalg.svd."""
    names = counterparts(path, name, thing)
    short = [n.replace("numpy.", "np.", 1) for n in names if n.startswith("numpy.")]
    return [".. index::", *(f"   ! single: {n}" for n in [*names, *short]), ""] if names else []


def data(path: str, name: str, thing: Any) -> list[str]:
    """A number, a table, or an object that is used by calling or indexing it."""
    head = [f".. py:data:: {name}", f"   :module: {path}"]
    if isinstance(thing, (float, bool)) or thing is None:
        return [*head, f"   :value: {thing!r}"]
    doc = "" if type(thing).__module__ in ("builtins", "collections") else inspect.getdoc(thing) or ""
    return [*head, "", *(f"   {line}" for line in as_rst(doc))]


def arguments(thing: Any) -> str:
    try:
        text = str(inspect.signature(thing))
    except (TypeError, ValueError):
        return "()"
    if isinstance(thing, type) or " at 0x" in text or "<" in text:
        return "" if isinstance(thing, type) else f"({', '.join(inspect.signature(thing).parameters)})"
    return signatures.without_any(text.partition(" -> ")[0].replace("'", '"'), None)[0] or "()"


class Members(SphinxDirective):
    """The methods and attributes of Tensor: its own in full, those that are ops in a line with the way to the op."""

    def run(self) -> list[nodes.Node]:
        lines: list[str] = []
        for name, member in sorted(vars(Tensor).items()):
            if name.startswith("_") or not (inspect.isfunction(member) or isinstance(member, property)):
                continue
            lines += ["", *member_entry(name, member)]
        return self.parse_text_to_nodes("\n".join(lines))


def member_entry(name: str, member: Any) -> list[str]:
    full = f"Tensor.{name}"
    function = member.fget if isinstance(member, property) else member
    doc = (inspect.getdoc(function) or "").partition("\n\n")[0]
    if isinstance(member, property):
        kind = stubs.attribute(name, member).splitlines()[1].rpartition("-> ")[2].removesuffix(": ...")
        head = [f".. py:attribute:: {full}", "   :module: minigrad", f"   :type: {kind}"]
    elif member.__module__ == "minigrad.tensor":
        return [f".. automethod:: minigrad::{full}"]
    else:
        head = [f".. py:method:: {full}{signatures.of_method(name, member)}", "   :module: minigrad"]
    if name in minigrad.__all__ and callable(getattr(minigrad, name)):
        text = doc.partition("\n")[0].rstrip(".")
        return [*head, "", f"   {escaped(text)}: :py:obj:`minigrad.{name}`."]
    return [*head, "", *(f"   {line}" for line in as_rst(doc))]


class Behind(SphinxDirective):
    """The ops that have no public name: what functions are made of, and layers of one's own may use."""

    def run(self) -> list[nodes.Node]:
        lines: list[str] = []
        for items in generate.entries().values():
            for name, item in items.items():
                if item["names"] or not item["home"].startswith(("minigrad.ops", "minigrad.scipy", "minigrad.random")):
                    continue
                place = generate.place(item["home"], name)
                module, _, own = place.rpartition(".")
                if own not in public_names(sys.modules[module]) or module.startswith("minigrad.ops"):
                    lines += ["", f".. autofunction:: {place}"]
        return self.parse_text_to_nodes("\n".join(lines))


class OneByOne(SphinxDirective):
    """The functions that vmap runs for one example after the other, and why."""

    def run(self) -> list[nodes.Node]:
        lines = [f"- ``{name}``: {escaped(reason)}" for name, reason in sorted(generate.reasons.items())]
        return self.parse_text_to_nodes("\n".join(lines))


# ---- autodoc's hooks


def is_op(thing: Any) -> bool:
    home = getattr(thing, "__module__", None) or ""
    return inspect.isfunction(thing) and f"{home}.".startswith(OPS)


def signature(app: Sphinx, what: str, name: str, thing: Any, options: Any, given: str | None, result: str | None) -> Any:
    """The signature of an entry."""
    if what == "function" and is_op(thing):
        return signatures.of_op(name.rpartition(".")[2], thing)
    return signatures.without_any(given, result)


def docstring(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """The docstring of an entry; of an op what else is known of it."""
    given, link = "\n".join(lines), []
    if what == "function":
        given = with_arguments(given, thing)
    elif what == "class":  # with what the layers of a family share
        more = inspect.getdoc(thing.__init__)
        given, link = with_function(given, thing)
        given = with_arguments(given, thing, "" if more == inspect.getdoc(object.__init__) else more or "")
    text = [*as_rst(given, long_names(thing)), *link]
    if what in ("function", "class"):
        text += facts(name, thing)
    lines[:] = [*text, ""] if text else []


def long_names(thing: Any) -> list[str]:
    """The parameters that formulas name in full: in `negative_slope` no index stands below, as in `w_ih`.

    A layer names those of its function as well.
    """
    name = function_of(thing)
    found: set[str] = set()
    for function in (thing, getattr(nn.functional, name or "", None)):
        try:
            found |= {*inspect.signature(function).parameters}
        except (TypeError, ValueError):
            continue
    return sorted(n for n in found if n.find("_") > 1)


@cache
def known() -> dict[tuple[str, str], dict[str, Any]]:
    """What docs/generate.py knows of a function, by the file and the name of its definition."""
    return {(item["home"], name): item for items in generate.entries().values() for name, item in items.items()}


def facts(name: str, thing: Any) -> list[str]:
    """The formulas of the op behind a function, and a line: what it stands for, how often it can be differentiated."""
    module, _, own = name.rpartition(".")
    item = known().get((getattr(thing, "__module__", ""), getattr(thing, "__name__", "").lstrip("_")))
    more: list[str] = []
    if item is not None:
        shown = generate.text_of(thing)
        more = [line for text in item["texts"] if text != shown for line in ["", *as_rst(text)]]
    said = [f"``{n}``" for n in counterparts(module, own, thing)]
    parts = [f"Elsewhere: {', '.join(said)}."] if said else []
    if item is not None:
        words = escaped(generate.facts(item["op"], item["function"]))
        parts.append(f"{words[:1].upper()}{words[1:]}.")
    line = ["", ".. container:: facts", "", f"   {' '.join(parts)}"] if parts else []
    return [*more, *line]


def skip(app: Sphinx, what: str, name: str, thing: Any, skipped: bool, options: Any) -> bool | None:
    """No fields of named tuples, which the text above them describes, and no functions that a layer keeps to call them."""
    doc = getattr(thing, "__doc__", None) or ""
    kept = what == "class" and (getattr(thing, "__module__", None) or "").startswith("nn.functional.")
    return True if kept or doc.startswith("Alias for field number") else None


def setup(app: Sphinx) -> dict[str, Any]:
    app.setup_extension("sphinx.ext.autodoc")
    for name, directive in (("public", Public), ("tensor-members", Members), ("ops-behind", Behind), ("one-by-one", OneByOne)):
        app.add_directive(name, directive)
    app.connect("autodoc-process-signature", signature)
    app.connect("autodoc-process-docstring", docstring, priority=400)  # before napoleon reads the sections
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
