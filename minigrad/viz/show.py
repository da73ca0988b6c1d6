"""What notebooks show of a tree: dicts, lists and tuples of tensors, a `state_dict`, the parameters of a module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ..backend import is_array
from ..tensor import Tensor
from .display import Budget, array_html, facts_of, with_script
from .numbers import host
from .numbers import number as short
from .text import printable

__all__ = ["Display", "Shown", "show"]

MOST = 200  #: arrays of one display; of further ones it says what they are
OPEN = 4  #: so many are open at first


class Shown:
    """A display: a notebook shows it by itself; as text it is the list of what is in it.

    Attributes:
        tree: what is shown.
        axes: names of the axes.

    >>> Shown({"step": 7, "x": np.zeros((2, 3))})
    step  7
    x     2×3, float64: [[0., 0., 0.], [0., 0., 0.]]
    """

    def __init__(self, tree: Any, axes: Sequence[str] = ()) -> None:
        self.tree, self.axes = tree, axes

    def __repr__(self) -> str:
        leaves = list(_leaves("", self.tree, frozenset()))
        width = max((len(path) for path, _ in leaves), default=0)
        return "\n".join(f"{path:<{width}}  {_text(leaf)}".strip() for path, leaf in leaves)

    def _repr_html_(self) -> str:
        display = Display(self.axes)
        return display.whole(display.part("", self.tree))


def show(tree: Any, axes: Sequence[str] = ()) -> Shown:
    """Tensors and arrays, alone or in dicts, lists and tuples, as heat maps that tell each number.

    A module is shown with its parameters: `show(net.state_dict())` is the same without the tree of modules.

    Args:
        axes: names of the axes, "NCHW" say.

    >>> show({"weight": Tensor([[1.0, 2.0]]), "steps": [3]})
    weight    1×2, float32: [[1., 2.]]
    steps[0]  3
    """
    if not _inside(tree) and hasattr(tree, "state_dict"):
        tree = tree.state_dict()
    return Shown(tree, axes)


class Display:
    """Makes the HTML of one display, which has room for so many pictures and numbers.

    Args:
        axes: names of the axes, "NCHW" say.

    >>> display = Display()
    >>> display.whole(display.entry("w", Tensor([1.0]))).count("<summary>")
    1
    """

    def __init__(self, axes: Sequence[str] = ()) -> None:
        self.axes, self.budget, self.left = axes, Budget(), MOST

    def whole(self, inner: str) -> str:
        """What the entries are put into, with the script that they share.

        Args:
            inner: the entries, as HTML.
        """
        return with_script(f'<div style="line-height:1.5">{inner}</div>')

    def entry(self, name: str, value: Any, is_open: bool = False) -> str:
        """A tensor or an array under its name, to be opened; beyond the room, what it is.

        Args:
            name: what it is called.
            value: the tensor or array.
            is_open: whether it is open at first.
        """
        line = f"{escape(printable(name))} <span style='opacity:0.75'>{escape(facts_of(value))}</span>"
        self.left -= 1
        if self.left < 0:
            return f"<div>{line}</div>"
        inside = f"<div style='margin-left:1.5em'>{array_html(value, self.budget, self.axes)}</div>"
        return f"<details{' open' if is_open else ''}><summary>{line}</summary>{inside}</details>"

    def part(self, name: str, tree: Any, above: frozenset[int] = frozenset()) -> str:
        """A tree under its name.

        Args:
            above: the ids of the containers that it is in.
        """
        parts = _inside(tree)
        if parts is None and _is_array(tree):
            return self.entry(name, tree, not above or self.left > MOST - OPEN)
        if parts is None:
            return f"<div>{escape(printable(name))} {escape(printable(f'{tree!r:.80}'))}</div>"
        if id(tree) in above:
            return f"<div>{escape(printable(name))} ... (itself)</div>"
        inner = "".join(self.part(key, value, above | {id(tree)}) for key, value in parts)
        line = f"{escape(printable(name))} <b>{type(tree).__name__}</b> of {len(parts)}".strip()
        return f"<details open><summary>{line}</summary><div style='margin-left:1.5em'>{inner}</div></details>"


def _is_array(value: Any) -> bool:
    return is_array(value) or isinstance(value, Tensor)


def _inside(tree: Any) -> list[tuple[str, Any]] | None:
    """The parts of a container under their keys; None of anything else."""
    if isinstance(tree, Mapping):
        return [(str(key), value) for key, value in tree.items()]
    if isinstance(tree, (list, tuple)):
        fields = getattr(tree, "_fields", None)
        return [(fields[i] if fields else f"[{i}]", value) for i, value in enumerate(tree)]
    return None


def _leaves(path: str, tree: Any, above: frozenset[int]) -> Any:
    parts = _inside(tree)
    if parts is None or id(tree) in above:
        yield path, tree
        return
    for key, value in parts:
        yield from _leaves(path + (key if not path or key.startswith("[") else f".{key}"), value, above | {id(tree)})


def _text(value: Any) -> str:
    return f"{facts_of(value)}: {short(host(value))}" if _is_array(value) else f"{value!r:.80}"
