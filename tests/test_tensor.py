"""Tensor: creation, dtypes, conversions, indexing, printing, pickling."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings

import minigrad as mg
from minigrad import Tensor


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1.5, np.float32), ([1.0, 2], np.float32), (3, np.int64), ([True, False], np.bool_), (1j, np.complex64),
        (np.float64(1), np.float64), (np.ones(2), np.float64), (np.ones(2, np.float16), np.float16), ([[1, 2], [3, 4]], np.int64),
    ],
)  # fmt: skip
def test_dtype_of_a_new_tensor(value: object, dtype: type) -> None:
    assert Tensor(value).dtype == dtype


def test_default_dtype_can_be_changed() -> None:
    mg.set_default_dtype("float64")
    try:
        assert Tensor(1.0).dtype == mg.zeros(2).dtype == mg.random.rand(2).dtype == np.float64
    finally:
        mg.set_default_dtype("float32")
    with pytest.raises(TypeError, match="must be a floating dtype"):
        mg.set_default_dtype("int32")


def test_arrays_are_not_copied() -> None:
    a = np.ones(3)
    assert Tensor(a).data is a
    assert np.shares_memory(Tensor(a).numpy(), a)


def test_python_scalars_are_weak_and_numpy_scalars_strong() -> None:
    x = Tensor([1.0, 2.0])
    assert (x * 2).dtype == (2.5 * x).dtype == (x**2).dtype == np.float32
    assert (np.float64(2) * x).dtype == (x + np.ones(2)).dtype == np.float64
    assert (Tensor([1, 2]) / 2).dtype == np.float64


def test_integers_cannot_require_a_gradient() -> None:
    with pytest.raises(TypeError, match="write 3.0 instead of 3"):
        Tensor(3, requires_grad=True)


def test_lists_of_tensors_name_the_function_for_them() -> None:
    with pytest.raises(TypeError, match="minigrad.array"):
        Tensor([Tensor(1.0, requires_grad=True), "a"])
    with pytest.raises(TypeError, match=r"minigrad\.array|minigrad\.stack"):
        Tensor(1.0) + [Tensor(1.0), Tensor(2.0)]


def test_a_gradient_is_never_lost_in_a_conversion() -> None:
    x = Tensor([1.0], requires_grad=True)
    for convert in (np.asarray, np.array, lambda t: t.numpy(), lambda t: np.from_dlpack(t), Tensor):
        with pytest.raises(RuntimeError, match="detach"):
            convert(x)
    assert np.asarray(x.detach()).tolist() == [1.0]
    assert float(x) == 1.0
    assert x.item() == 1.0


def test_array_of_tensors_records() -> None:
    a, b = Tensor(2.0, requires_grad=True), Tensor(3.0, requires_grad=True)
    m = mg.array([[a, 1.0], [a * b, b]])
    (m * np.array([[1, 10], [100, 1000]], np.float32)).sum().backward()
    assert (a.grad.item(), b.grad.item()) == (301.0, 1200.0)


def test_repr_shows_what_matters() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    assert repr(x) == "Tensor([1., 2.], dtype=float32, requires_grad=True)"
    assert repr(x * 2) == "Tensor([2., 4.], dtype=float32, op=multiply)"
    x.name = "weights"
    assert "name='weights'" in repr(x)
    assert f"{Tensor(0.5):.3f}" == "0.500"


def test_len_iteration_bool_contains() -> None:
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert len(x) == 2
    assert [row.tolist() for row in x] == [[1.0, 2.0], [3.0, 4.0]]
    assert 3.0 in x
    assert 5.0 not in x
    for function in (bool, float, lambda t: t.item()):
        with pytest.raises(ValueError, match=r"ambiguous|one element"):
            function(x)
    with pytest.raises(TypeError, match="0-d"):
        len(Tensor(1.0))
    with pytest.raises(TypeError, match="0-d"):
        list(Tensor(1.0))


def test_pickle_and_deepcopy_keep_leaves_and_refuse_graphs() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    (x * x).sum().backward()
    for y in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert (y.tolist(), y.grad.tolist(), y.name, y.requires_grad) == ([1.0, 2.0], [2.0, 4.0], "x", True)
        assert not np.shares_memory(y.data, x.data)
    with pytest.raises(RuntimeError, match="detach"):
        copy.deepcopy(x * 2)


def test_creation_functions() -> None:
    assert mg.zeros((2, 3)).shape == (2, 3)
    assert mg.ones(2, dtype="float64").dtype == np.float64
    assert mg.arange(3).dtype == np.int64
    assert mg.arange(0.0, 1.0, 0.5).dtype == np.float32
    assert mg.linspace(0, 1, 3).tolist() == [0.0, 0.5, 1.0]
    assert mg.eye(2).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert mg.full((2,), 7.0, requires_grad=True).requires_grad
    for like, value in ((np.zeros_like, 0.0), (np.ones_like, 1.0)):
        y = like(Tensor([5.0, 6.0], requires_grad=True))
        assert isinstance(y, Tensor)
        assert not y.requires_grad
        assert y.tolist() == [value, value]
    v = Tensor(2.0, requires_grad=True)
    np.full_like(Tensor([1.0, 2.0, 3.0], requires_grad=True), v).sum().backward()
    assert v.grad.item() == 3.0


def test_dlpack_shares_memory_with_torch() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    x = Tensor([1.0, 2.0])
    t = torch.from_dlpack(x)
    t[0] = 5
    assert x.tolist() == [5.0, 2.0]
    assert mg.from_dlpack(torch.ones(2)).tolist() == [1.0, 1.0]


@settings(max_examples=200, deadline=None)
@given(
    data=hnp.array_shapes(min_dims=1, max_dims=3, max_side=4).flatmap(
        lambda shape: hnp.basic_indices(shape, allow_newaxis=True).map(lambda index: (shape, index))
    )
)
def test_basic_indexing_matches_numpy(data: tuple) -> None:
    shape, index = data
    check_index(shape, index)


@settings(max_examples=200, deadline=None)
@given(
    data=hnp.array_shapes(min_dims=1, max_dims=3, max_side=4).flatmap(
        lambda shape: hnp.integer_array_indices(shape).map(lambda index: (shape, index))
    )
)
def test_integer_array_indexing_matches_numpy_and_adds_up(data: tuple) -> None:
    shape, index = data
    check_index(shape, index)


def check_index(shape: tuple[int, ...], index: object) -> None:
    """Value and gradient of x[index], the gradient by counting how often each element is read."""
    a = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    x = Tensor(a, requires_grad=True)
    y = x[index]
    np.testing.assert_array_equal(y.detach().numpy(), a[index])
    y.sum().backward()
    counts = np.bincount(np.asarray(a[index], dtype=int).ravel(), minlength=a.size).reshape(shape)
    np.testing.assert_array_equal(x.grad.numpy(), counts)


def test_index_may_hold_tensors_and_is_kept_as_it_was() -> None:
    x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    rows = [0, 0]
    y = x[rows]
    rows[1] = 2
    (y.sum() + x[Tensor([1])].sum() + x[x > 2].sum()).backward()
    assert x.grad.tolist() == [2.0, 1.0, 1.0]


def test_index_errors_name_the_shape() -> None:
    with pytest.raises(IndexError, match=r"getitem: .*shape \(2, 3\)"):
        Tensor(np.ones((2, 3)))[5]


NUMPY_VALUES: list[Any] = [
    [np.ones(2)],
    [np.float64(1.0), 2.0],
    [[1.0, 2.0], (np.float64(3.0), 4)],
    [np.float32(1.0), 2.0],
    [np.complex128(1.0)],
    np.float64(1.0),
    [np.float16(1.0)],
    [np.int8(1)],
]


@pytest.mark.parametrize("values", NUMPY_VALUES)
def test_numpy_values_keep_their_dtype_in_lists_too(values: Any) -> None:
    want = np.array(values).dtype
    assert Tensor(values).dtype == want
    assert mg.array(values).dtype == want and mg.asarray(values).dtype == want
    assert mg.full(np.shape(values), values).dtype == want


def test_what_is_made_of_numpy_values_keeps_their_dtype() -> None:
    one = np.float64(1.0)
    assert mg.linspace(0.0, one, 3).dtype == mg.arange(one).dtype == np.float64
    assert mg.geomspace(one, 2.0, 3).dtype == mg.logspace(0.0, one, 3).dtype == np.float64
    assert mg.random.normal(one).dtype == mg.random.uniform(0.0, [one]).dtype == np.float64
    assert mg.linspace(0.0, 1.0, 3).dtype == mg.full(2, 1.0).dtype == mg.arange(1.0).dtype == np.float32


def test_one_example_has_the_dtype_of_a_batch_of_them() -> None:
    rows = np.arange(6.0).reshape(3, 2)

    def f(x: Any) -> Any:
        return mg.array([x[0], x[1] * 2.0])

    assert f(rows[0]).dtype == mg.vmap(f)(rows).dtype == np.float64


ITEMS = [(), (1,), (-1,), (0, 2), ((1, 0),), (7,), (0,), (0, 3), (0, 0, 0), ((0,),)]


@pytest.mark.parametrize("index", ITEMS)
def test_item_takes_an_index_as_ndarrays_do(index: tuple[Any, ...]) -> None:
    array = np.arange(6.0).reshape(2, 3)
    try:
        want = array.item(*index)
    except (ValueError, IndexError) as error:
        with pytest.raises(type(error)):
            Tensor(array).item(*index)
        return
    got = Tensor(array).item(*index)
    assert got == want and type(got) is type(want)


def test_choices_of_a_tensor_are_a_tensor() -> None:
    for chosen in (
        Tensor([0, 1]).choose([[1.0, 2.0], [3.0, 4.0]]),
        np.choose(Tensor([0, 1]), [np.array([1.0, 2.0]), np.array([3.0, 4.0])]),
    ):
        assert isinstance(chosen, Tensor) and chosen.tolist() == [1.0, 4.0]


def test_round_is_numpys() -> None:
    x = Tensor([1.25, -2.71828])
    np.testing.assert_array_equal(round(x, 1).numpy(), np.round(x.numpy(), 1))
    np.testing.assert_array_equal(round(x).numpy(), np.round(x.numpy()))
    assert mg.grad(lambda x: x * round(x))(1.7) == 2.0


def test_a_format_is_that_of_each_element() -> None:
    assert f"{Tensor([1.0, 2.5]):.2f}" == "[1.00 2.50]"
    assert f"{Tensor([[1], [10]]):>3d}" == "[[  1]\n [ 10]]"
    assert f"{Tensor(2.5):.2f}" == f"{Tensor([2.5]):.2f}" == "2.50"
    assert f"{Tensor([1.0, 2.0])}" == "Tensor([1., 2.], dtype=float32)"
    with pytest.raises(ValueError, match="format"):
        f"{Tensor([1.0, 2.0]):z?}"


def test_to_takes_devices_and_dtypes_by_place_and_by_name() -> None:
    x = Tensor([1.0], requires_grad=True)
    by_place = x.to("cpu", np.float64), x.to(Tensor(np.ones(1)))
    by_name = x.to(dtype="float64", device="cpu"), x.to("float64", non_blocking=True)
    for y in (*by_place, *by_name):
        assert y.dtype == np.float64 and y.requires_grad
    assert x.to("cpu") is x and x.to() is x


@pytest.mark.parametrize("values", [np.array(["a"]), np.array([object()]), np.array([Tensor(1.0), None])])
def test_arrays_of_anything_but_numbers_are_refused(values: np.ndarray) -> None:
    with pytest.raises(TypeError, match="something other than numbers"):
        Tensor(values)


def test_lists_of_different_lengths_say_so() -> None:
    with pytest.raises(ValueError, match="different lengths"):
        Tensor([[1.0, 2.0], [3.0]])
