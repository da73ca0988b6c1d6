"""Trees: what is a node, how two are matched, how they become vectors and come back."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import Tensor, grad, jacobian, ravel_tree, tree_map
from minigrad.trees import flatten, leaves_like, paths, unflatten


class Pair(NamedTuple):
    first: Any
    second: Any


class Swapped(NamedTuple):
    second: Any
    first: Any


class Named(dict[str, Any]):
    """A user's own dict."""


@dataclass(frozen=True)
class Layer:
    weight: Any
    bias: Any
    activation: str = field(default="tanh", metadata={"static": True})

    @cached_property
    def total(self) -> Any:
        return np.sum(self.weight) + np.sum(self.bias)


@dataclass
class Derived:
    x: Any
    square: Any = field(init=False)

    def __post_init__(self) -> None:
        self.square = self.x**2


@dataclass
class Doubling:
    a: Any

    def __post_init__(self) -> None:
        self.a = self.a * 2


@dataclass(slots=True, frozen=True)
class Given:
    a: Any
    scale: InitVar[float]
    note: str = field(default="", init=False, metadata={"static": True})
    unset: Any = field(init=False)

    def __post_init__(self, scale: float) -> None:
        object.__setattr__(self, "a", self.a * scale)
        object.__setattr__(self, "note", "kept")


class Point(tuple[float, ...]):
    def __new__(cls, *coordinates: float) -> Point:
        return super().__new__(cls, coordinates)


class Steps(list[float]):
    def __init__(self, count: int) -> None:
        super().__init__(map(float, range(count)))


TREES = {
    "a number": 1.0,
    "a list": [1.0, 2.0],
    "nothing": None,
    "an empty dict": {},
    "nested": {"b": (1.0, [2.0, None]), "a": {"c": 3.0}},
    "a named tuple": Pair(1.0, {"x": 2.0}),
    "an OrderedDict": OrderedDict(b=1.0, a=2.0),
    "a defaultdict": defaultdict(list, {"b": 1.0, "a": 2.0}),
    "a Counter": Counter(b=1, a=2),
    "a user's dict": Named(b=1.0, a=2.0),
    "keys without an order": {1: 1.0, "a": 2.0},
    "a dataclass": Layer(1.0, [2.0, 3.0]),
}


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_a_tree_is_its_leaves_and_its_structure(tree: Any) -> None:
    again = unflatten(tree, iter(flatten(tree)))
    assert again == tree
    assert type(again) is type(tree)
    assert len(paths(tree, "t")) == len(flatten(tree))
    if isinstance(tree, dict):
        assert list(again) == list(tree)
    numbers = [10.0 * x for x in flatten(tree)]
    assert flatten(tree_map(lambda x: 10.0 * x, tree)) == numbers
    assert leaves_like(tree, tree_map(lambda x: 10.0 * x, tree), "other") == numbers


def test_paths_lead_to_the_leaves() -> None:
    t = {"b": (1.0, [2.0]), "a": Layer(Pair(3.0, 4.0), None)}
    assert paths(t, "t") == [
        "t['a'].weight.first",
        "t['a'].weight.second",
        "t['b'][0]",
        "t['b'][1][0]",
    ]
    assert [eval(path, {"t": t}) for path in paths(t, "t")] == flatten(t)


def test_a_defaultdict_keeps_its_default() -> None:
    assert tree_map(lambda x: x, defaultdict(list, a=1.0))["new"] == []


def test_a_tree_that_is_rebuilt_leaves_the_first_one_alone() -> None:
    tree = {"a": [1.0], "b": OrderedDict(c=2.0)}
    tree_map(lambda x: -x, tree)
    assert tree == {"a": [1.0], "b": OrderedDict(c=2.0)}


def test_dicts_are_matched_by_key_whatever_their_order_and_type() -> None:
    a, b = {"x": 1, "y": [2, 3]}, OrderedDict(y=(20, 30), x=10)
    assert tree_map(lambda p, q: p + q, a, b) == {"x": 11, "y": [22, 33]}
    assert flatten(a) == flatten({"y": [2, 3], "x": 1})


@pytest.mark.parametrize(
    ("tree", "other", "message"),
    [
        (
            {"a": 1, "b": 2},
            {"a": 1, "c": 2},
            r"v lacks \['b'\]; has the unknown \['c'\]; expected the keys \['a', 'b'\]",
        ),
        ({"a": 1, "b": 2}, {"a": 1}, r"v lacks \['b'\]; expected the keys \['a', 'b'\]"),
        ({"a": [1, 2]}, {"a": [1]}, r"v\['a'\] has length 1, expected 2"),
        ({"a": [1, 2]}, {"a": 3}, r"v\['a'\] is a leaf .*, expected a list or tuple"),
        ({"a": 1}, {"a": {"b": 1}}, r"v\['a'\] is a dict, expected a leaf"),
        ([None], [1], r"v\[0\] is a leaf .*, expected None"),
        ([1], [None], r"v\[0\] is None, expected a leaf"),
        (Pair(1, 2), Swapped(1, 2), "v has the fields second, first, expected first, second"),
        (Layer(1, 2), {"weight": 1, "bias": 2}, "v is a dict, expected an instance of Layer"),
    ],
)
def test_what_does_not_fit_is_an_error_that_names_the_path(tree: Any, other: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        leaves_like(tree, other, "v")


def test_gradients_of_dataclasses_and_none_have_their_structure() -> None:
    p = {"layer": Layer(np.ones((2, 3)), np.zeros(2)), "mask": None}

    def loss(p: Any) -> Any:
        assert p["mask"] is None
        return np.sum((p["layer"].weight @ np.arange(3.0) + p["layer"].bias) ** 2) * p["layer"].total

    g = grad(loss)(p)
    assert isinstance(g["layer"], Layer)
    assert g["layer"].activation == "tanh"
    assert g["mask"] is None

    def shifted(step: float) -> float:
        moved = Layer(np.ones((2, 3)), np.array([step, 0.0]))
        return loss({"layer": moved, "mask": None})

    assert g["layer"].bias[0] == pytest.approx((shifted(1e-6) - shifted(-1e-6)) / 2e-6, rel=1e-6)


def test_every_field_is_a_part_and_no_constructor_runs_again() -> None:
    g = grad(lambda p: p.square * p.x)(Derived(2.0))
    assert (g.x, g.square) == (4.0, 2.0)
    assert grad(lambda p: p.a**2)(Doubling(3.0)).a == 12.0
    vector, unravel = ravel_tree(Doubling(3.0))
    assert (vector.tolist(), unravel(vector).a) == ([6.0], 6.0)
    given = Given(1.0, scale=3.0)
    again = tree_map(lambda x: x + 1.0, given)
    assert (again.a, again.note) == (4.0, "kept")
    assert not hasattr(tree_map(lambda x: x + 1.0, given), "unset")


def test_sequences_with_a_constructor_of_their_own_keep_their_type() -> None:
    point, steps = tree_map(lambda x: 2 * x, (Point(1.0, 2.0), Steps(2)))
    assert type(point) is Point and point == (2.0, 4.0)
    assert type(steps) is Steps and steps == [0.0, 2.0]
    times = tree_map(lambda x: x, time.gmtime(0))
    assert times == time.gmtime(0) and type(times) is time.struct_time


def test_a_tree_that_contains_itself_or_is_very_deep_is_an_error_that_names_the_path() -> None:
    cycle: dict[str, Any] = {"x": 1.0}
    cycle["y"] = [2.0, cycle]
    with pytest.raises(ValueError, match=r"tree\[0\]\['y'\]\[1\] is tree\[0\] again"):
        grad(lambda p: p["x"])(cycle)
    deep: list[Any] = [1.0]
    for _ in range(20000):
        deep = [2.0, deep]
    with pytest.raises(ValueError, match=r"tree\[1\]\[1\].*\.\.\. is nested 1000 deep or more"):
        tree_map(np.sin, deep)


def test_a_shared_part_is_no_cycle() -> None:
    part = [1.0]
    assert tree_map(lambda x: x + 1, {"a": part, "b": part}) == {"a": [2.0], "b": [2.0]}


# ----------------------------------------------------------------------------------- ravel_tree


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_ravel_tree_and_back(tree: Any) -> None:
    vector, unravel = ravel_tree(tree)
    assert vector.shape == (len(flatten(tree)),)
    assert unravel(vector) == tree
    assert isinstance(unravel(vector), type(tree))


LEAVES = st.floats(-10, 10) | st.integers(0, 3).map(np.ones) | st.none()
SOME_TREES = st.recursive(
    LEAVES,
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.tuples(parts, parts)
        | st.dictionaries(st.text("abc", max_size=2), parts, max_size=3)
        | st.builds(Layer, parts, parts)
    ),
    max_leaves=12,
)


def reordered(tree: Any) -> Any:
    """The same tree with its dicts filled from the other end."""
    if isinstance(tree, dict):
        return {key: reordered(tree[key]) for key in reversed(tree)}
    if isinstance(tree, (list, tuple)):
        return type(tree)(reordered(part) for part in tree)
    if isinstance(tree, Layer):
        return Layer(reordered(tree.weight), reordered(tree.bias))
    return tree


@settings(max_examples=60, deadline=None)
@given(SOME_TREES)
def test_vectors_of_trees_add_as_the_trees_do(tree: Any) -> None:
    other = reordered(tree)
    vector, unravel = ravel_tree(tree)
    np.testing.assert_array_equal(ravel_tree(other)[0], vector)
    total = ravel_tree(tree_map(lambda x, y: x + 2 * y, tree, other))[0]
    np.testing.assert_allclose(total, 3 * vector)
    np.testing.assert_array_equal(ravel_tree(unravel(total))[0], total)


def test_equal_dicts_give_equal_vectors() -> None:
    first, second = ravel_tree({"a": 1.0, "b": 2.0})[0], ravel_tree({"b": 2.0, "a": 1.0})[0]
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("kind", [np.asarray, lambda x: Tensor(x, requires_grad=True)], ids=["arrays", "Tensors"])
def test_unravel_gives_every_leaf_its_shape_and_dtype(kind: Callable[[Any], Any]) -> None:
    leaves = [
        np.ones((2, 1), np.float32),
        np.ones(3),
        np.ones((0, 2)),
        np.array(2.0),
        np.array([1 + 2j]),
    ]
    tree = [kind(x) for x in leaves]
    vector, unravel = ravel_tree(tree)
    assert vector.dtype == np.complex128
    assert vector.shape == (7,)
    for got, want in zip(unravel(vector), leaves, strict=True):
        assert isinstance(got, type(kind(want)))
        assert (got.shape, got.dtype) == (want.shape, want.dtype)
        np.testing.assert_array_equal(mg.Tensor(got.detach() if isinstance(got, Tensor) else got).numpy(), want)


def test_a_number_of_python_is_weak_in_a_vector() -> None:
    vector, unravel = ravel_tree({"a": np.ones(2, np.float32), "b": 0.5})
    assert vector.dtype == np.float32
    assert isinstance(unravel(vector)["b"], float)


def test_ravel_tree_keeps_the_gradient() -> None:
    w, b = Tensor(np.ones((2, 2)), requires_grad=True), Tensor(np.float32(3.0), requires_grad=True)
    vector, unravel = ravel_tree({"w": w, "b": b, "c": 1.0})
    back = unravel(vector * np.arange(6.0))
    assert isinstance(back["w"], Tensor)
    (np.sum(back["w"] ** 2) + back["b"] * 5.0).backward()
    np.testing.assert_array_equal(w.grad.numpy(), 2 * np.arange(2.0, 6.0).reshape(2, 2) ** 2)
    assert b.grad.item() == 0.0
    assert b.grad.dtype == np.float32


def test_gradients_go_through_unravel() -> None:
    tree = {"w": np.array([[1.0, 2.0]], np.float32), "b": 3.0}
    vector, unravel = ravel_tree(tree)

    def loss(p: Any) -> Any:
        return np.sum(p["w"] ** 3) * p["b"]

    np.testing.assert_allclose(grad(lambda v: loss(unravel(v)))(vector), [9.0, 9.0, 36.0])
    np.testing.assert_allclose(grad(lambda v: loss(unravel(v)))(vector), ravel_tree(grad(loss)(tree))[0])
    np.testing.assert_array_equal(jacobian(lambda v: unravel(v)["w"])(vector), [[[0, 1, 0], [0, 0, 1]]])
    hessian = mg.hessian(lambda v: loss(unravel(v)))(vector)
    np.testing.assert_allclose(hessian, [[0, 3, 12], [3, 18, 0], [12, 0, 36]])
    jac = jacobian(lambda t: ravel_tree({"b": t, "a": t**2})[0])(3.0)
    np.testing.assert_array_equal(jac, [6.0, 1.0])


def test_integers_of_a_tree_stay_integers_or_are_refused() -> None:
    vector, unravel = ravel_tree({"n": np.array([1, 2]), "x": 0.5})
    assert unravel(vector)["n"].dtype == np.int64
    with pytest.raises(TypeError, match=r"tree\['n'\] has the dtype int64 and cannot hold \[1.5 2.5\]"):
        unravel(vector + 0.5)
    with pytest.raises(TypeError, match=r"tree\['n'\] has the dtype int64, which has no gradient"):
        grad(lambda v: unravel(v)["x"])(vector)


@pytest.mark.parametrize("n", [2**60 + 1, np.array([1, -(2**53) - 1]), Tensor(np.uint64(2**64 - 1))])
def test_ravel_tree_refuses_integers_that_the_vector_cannot_hold(n: Any) -> None:
    with pytest.raises(ValueError, match=r"tree\['n'\] is an integer that the vector, of dtype float64"):
        ravel_tree({"n": n, "x": np.array([0.5])})
    vector, unravel = ravel_tree({"n": 2**60, "x": np.array([0.5])})
    assert unravel(vector)["n"] == 2**60
    assert ravel_tree([2**60 + 1, 3])[0].tolist() == [2**60 + 1, 3]


def test_ravel_tree_refuses_what_is_no_number_or_no_vector() -> None:
    with pytest.raises(TypeError, match=r"ravel_tree: tree\['name'\] is 'w', expected an array"):
        ravel_tree({"name": "w"})
    vector, unravel = ravel_tree([1.0, 2.0])
    for wrong in (vector[:1], vector[None], 1.0):
        with pytest.raises(ValueError, match=r"expected a vector of shape \(2,\), got shape"):
            unravel(wrong)


def test_a_leaf_of_a_gradient_is_named_by_its_path() -> None:
    with pytest.raises(TypeError, match=r"respect to p\['n'\]\[1\], which holds int64 values"):
        grad(lambda p: p["x"])({"x": 1.0, "n": [1.0, 2]})
    with pytest.raises(TypeError, match=r"respect to q, which holds int64"):
        grad(lambda p, q: p, argnums=(0, 1))(1.0, 2)


# ------------------------------------------------------------------- the second tree of transforms

P = {"layer": [Layer(np.ones((2, 2)), np.ones((2, 1)))], "scale": 2.0}


def model(p: Any) -> Any:
    layer = p["layer"][0]
    return {"y": np.tanh(layer.weight) + layer.bias, "z": p["scale"] * layer.bias}


def cost(p: Any) -> Any:
    return np.sum(model(p)["y"] ** 3) * p["scale"]


def with_bias(bias: Any) -> Any:
    return {"scale": 1.0, "layer": [Layer(np.ones((2, 2)), bias)]}


TAKES_A_TREE: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], str]] = {
    "jvp": (lambda v: mg.jvp(model, (P,), (v,)), with_bias, r"tangents[0]['layer'][0].bias"),
    "make_jvp": (lambda v: mg.make_jvp(model)(P)(v), with_bias, r"v['layer'][0].bias"),
    "hvp": (lambda v: mg.hvp(cost)(P, v), with_bias, r"v['layer'][0].bias"),
    "make_hvp": (lambda v: mg.make_hvp(cost)(P)(v), with_bias, r"v['layer'][0].bias"),
    "ggnvp": (
        lambda v: mg.ggnvp(model, lambda y: np.sum(y["y"] ** 2) + np.sum(y["z"] ** 2))(P, v),
        with_bias,
        r"v['layer'][0].bias",
    ),
    "vjp": (lambda v: mg.vjp(model, P)[1](v), lambda b: {"z": b, "y": np.ones((2, 2))}, "v['z']"),
    "make_vjp": (
        lambda v: mg.make_vjp(model)(P)[0](v),
        lambda b: {"z": b, "y": np.ones((2, 2))},
        "v['z']",
    ),
    "tensor_jacobian_product": (
        lambda v: mg.tensor_jacobian_product(model)(P, v),
        lambda b: {"z": b, "y": np.ones((2, 2))},
        "v['z']",
    ),
}


@pytest.mark.parametrize(("transform", "make", "path"), TAKES_A_TREE.values(), ids=TAKES_A_TREE)
def test_no_transform_broadcasts_its_vector(transform: Any, make: Any, path: str) -> None:
    transform(make(np.ones((2, 1))))
    with pytest.raises(ValueError, match="has shape") as error:
        transform(make(np.ones(2)))
    assert f"{path} has shape (2,), expected (2, 1)" in str(error.value)
    for wrong in (1.0, np.ones((1, 2)), np.ones((2, 2))):
        with pytest.raises(ValueError, match=r"expected \(2, 1\)"):
            transform(make(wrong))
    with pytest.raises(TypeError, match="complex128, but belongs to real numbers"):
        transform(make(np.ones((2, 1)) * 1j))
    with pytest.raises(ValueError, match="is None, expected a leaf"):
        transform(make(None))


@pytest.mark.parametrize(("transform", "make", "path"), TAKES_A_TREE.values(), ids=TAKES_A_TREE)
def test_every_transform_names_itself_and_the_function(transform: Any, make: Any, path: str) -> None:
    with pytest.raises(ValueError, match=r"of (model|cost): \w+"):
        transform({"nonsense": 1.0})


def test_vectors_of_transforms_are_matched_by_key() -> None:
    """With the derivative in one direction known, keys in another order give the same."""
    f = lambda p: p["a"] * 10 + p["b"] ** 2
    at, v = {"a": 1.0, "b": 3.0}, {"b": 1.0, "a": 0.0}
    assert mg.jvp(f, (at,), (v,))[1] == 6.0
    assert mg.make_jvp(f)(at)(v)[1] == 6.0
    assert mg.hvp(f)(at, v) == {"a": 0.0, "b": 2.0}
    assert mg.ggnvp(f)(at, v) == {"a": 60.0, "b": 36.0}
    both = lambda x: {"u": x * 2, "v": x * 3}
    assert mg.vjp(both, 1.0)[1]({"v": 0.0, "u": 1.0}) == 2.0
    assert mg.tensor_jacobian_product(both)(1.0, {"v": 0.0, "u": 1.0}) == 2.0


def test_trees_of_another_kind_of_array_stay_of_that_kind(stand_in: Any) -> None:
    """As on a GPU: nothing is mixed with NumPy's arrays, numbers go where the arrays are."""
    x = Tensor(np.ones((2, 1)), device="cuda").data
    vector, unravel = ravel_tree({"a": x, "b": 2.0, "c": np.float32(1.0)})
    assert type(vector) is stand_in.ndarray
    assert [type(leaf) for leaf in unravel(vector).values()] == [stand_in.ndarray] * 3
    assert type(grad(lambda v: np.sum(unravel(v)["a"] ** 2))(vector)) is stand_in.ndarray
    assert type(mg.hvp(lambda x: np.sum(x**3))(x, x)) is stand_in.ndarray
