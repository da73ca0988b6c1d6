"""A function of one number and its derivatives, order after order: their graphs, how these grow, and their curves."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from ..tensor import Tensor
from .explore import explore
from .gradients import ConstantGradient
from .page import Page

__all__ = ["derivatives"]

#: Steps of a graph that a page shows.
MOST = 1500


def derivatives(
    f: Callable[..., Any], x: float = 0.5, *others: Any, orders: int = 6, span: tuple[float, float] = (-3.0, 3.0),
    path: str | os.PathLike[str] | None = None, title: str | None = None,
) -> Page:  # fmt: skip
    """A page of a function and its derivatives by x: a choice of the order shows the graph, the number of its ops, and the curve.

    All numbers are computed in the page, so that x can be moved with a slider along the curves.

    Args:
        f: a function of a number, and of `others` perhaps, that gives a number: NumPy's, or one written with NumPy.
        x: where it is looked at first.
        others: what else the function is given: numbers or arrays, which stay as they are.
        orders: the highest derivative.  Where an earlier one is constant, that of a polynomial say, it is the last one.
        span: from where to where the curves are drawn.
        path: where to write the page.
        title: of the page. None: of which function the derivatives are.

    Raises:
        TypeError: the function gives no single number.
        ValueError: no order is left, or the graph of the last one is too large for a page; fewer orders are smaller.

    >>> page = derivatives(np.tanh, 0.5, orders=3)
    >>> [order["ops"] for order in page.data["orders"]["graphs"]]
    [1, 4, 7, 19]
    """
    if orders < 1:
        raise ValueError(f"orders must be 1 or more, got {orders}")
    if not span[0] < span[1]:
        raise ValueError(f"span must go from a lower number to a higher one, got {span}")
    if np.ndim(x):
        raise TypeError(f"derivatives: x must be a single number, got an array of shape {np.shape(x)}")
    point, name = Tensor(np.array(float(x))), _first_name(f)
    called = getattr(f, "__name__", "f").replace("<lambda>", "f")

    def of_x(x: Any) -> Any:
        out = f(x, *others)
        if getattr(out, "shape", ()) != ():
            raise TypeError(f"derivatives: {called} must give a single number, got an array of shape {out.shape}")
        return out

    page, last = _explored(of_x, point, orders, names={name: point}, title=title or f"{called} and its derivatives")
    steps = page.data["steps"]
    if any(step["count"] > 1 for step in steps):
        raise ValueError(f"derivatives: the graph of order {last} has more than {MOST} steps: take fewer orders")
    page.data["orders"] = {
        "name": called, "x": steps[0]["label"], "span": [float(end) for end in span], "constant": last < orders,
        "graphs": [_graph_of(steps, order) for order in range(last + 1)],
    }  # fmt: skip
    _forget_backward(page.data)
    if path is not None:
        page.write(path)
    return page


def _explored(f: Callable[..., Any], x: Tensor, orders: int, **more: Any) -> tuple[Page, int]:
    """The page of all orders, as far as derivatives depend on x."""
    try:
        return explore(f, x, derivative=orders, max_nodes=MOST, **more), orders
    except ConstantGradient as error:
        if error.order == 1:
            raise ValueError("derivatives: the first derivative is constant already") from error
        return explore(f, x, derivative=error.order - 1, max_nodes=MOST, **more), error.order - 1


def _first_name(f: Callable[..., Any]) -> str:
    try:
        return next(iter(inspect.signature(f).parameters), "x")
    except ValueError:  # some functions written in C have none
        return "x"


def _graph_of(steps: list[dict[str, Any]], order: int) -> dict[str, Any]:
    """The steps that a derivative is computed from, its result, and how many ops they are."""
    result = next(step["id"] for step in reversed(steps) if step["derivative"] == order)
    needed = {result}
    for step in reversed(steps):  # what is read comes before
        if step["id"] in needed:
            needed.update(source for source, _ in step["inputs"])
    shown = [step for step in steps if step["id"] in needed]
    return {"result": result, "steps": [step["id"] for step in shown], "ops": sum(step["op"] is not None for step in shown)}


def _forget_backward(data: dict[str, Any]) -> None:
    """Leave out the gradients: of each order they are the next one's steps."""
    data["backward"], data["notes"] = [], []
    for step in data["steps"]:
        step |= {"gradient": None, "size": None, "shortGradient": "", "arrives": [], "rules": [], "output": False}
