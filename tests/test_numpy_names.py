"""minigrad has every function of NumPy's main namespace, or a reason why not."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

#: What minigrad leaves to NumPy, by the reason.
ABSENT = {
    "files and bytes: read with NumPy, then make a Tensor": """
        frombuffer fromfile fromiter fromregex fromstring genfromtxt load loadtxt save savetxt savez savez_compressed
    """,
    "the order of elements in memory, which tensors do not have": """
        ascontiguousarray asfortranarray isfortran require nested_iters
    """,
    "matrices, which NumPy advises against": "asmatrix bmat",
    "dates": "busday_count busday_offset datetime_as_string datetime_data is_busday",
    "NumPy's own settings": """
        get_printoptions getbufsize geterr geterrcall printoptions set_printoptions setbufsize seterr seterrcall
    """,
    "NumPy's own installation and documentation": "get_include info show_config show_runtime test",
    "letters of dtypes": "mintypecode typename",
    "minigrad.vectorize does it with gradients": "frompyfunc",
    "np.isfinite(x).all() says it": "asarray_chkfinite",
    "deprecated in favour of vstack, trapezoid and isin": "row_stack trapz in1d",
}
REASONS = {name: reason for reason, names in ABSENT.items() for name in names.split()}
PUBLIC = [n for n in sorted(np.__all__) if not n.startswith("_")]
FUNCTIONS = [n for n in PUBLIC if callable(getattr(np, n)) and not isinstance(getattr(np, n), type)]


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n not in REASONS])
def test_every_function_of_numpy_is_there(name: str) -> None:
    assert callable(getattr(mg, name))
    assert name in mg.__all__


def test_nothing_that_is_there_is_called_absent() -> None:
    assert [name for name in REASONS if hasattr(mg, name)] == []


@pytest.mark.parametrize("name", ["mgrid", "ogrid", "r_", "c_", "s_", "index_exp", "newaxis", "pi", "e", "inf", "nan"])
def test_numbers_and_what_stands_in_brackets_are_there(name: str) -> None:
    assert hasattr(mg, name) and name in mg.__all__


ALIASES = {
    "abs": "absolute", "acos": "arccos", "acosh": "arccosh", "amax": "max", "amin": "min", "asin": "arcsin",
    "asinh": "arcsinh", "atan": "arctan", "atan2": "arctan2", "atanh": "arctanh", "bitwise_invert": "invert",
    "bitwise_left_shift": "left_shift", "bitwise_not": "invert", "bitwise_right_shift": "right_shift",
    "concat": "concatenate", "conj": "conjugate", "deg2rad": "radians", "mod": "remainder", "pow": "power",
    "rad2deg": "degrees", "true_divide": "divide",
}  # fmt: skip


@pytest.mark.parametrize(("name", "other"), ALIASES.items())
def test_other_names_of_a_function_are_the_function(name: str, other: str) -> None:
    assert getattr(mg, name) is getattr(mg, other)


def test_questions_about_a_tensor_are_answered_in_pythons_types() -> None:
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    assert (mg.shape(x), mg.ndim(x), mg.size(x)) == ((1, 2), 2, 2)
    assert mg.allclose(x, [[1.0, 2.0]]) is True
    assert mg.array_equal(x, x) and mg.result_type(x, 1.0) == np.float32


def test_frequencies_are_numpys() -> None:
    np.testing.assert_array_equal(mg.fft.fftfreq(5, 0.1), np.fft.fftfreq(5, 0.1))
    np.testing.assert_array_equal(mg.fft.rfftfreq(5, 0.1), np.fft.rfftfreq(5, 0.1))


KEYS = [
    np.s_[0:3, 2.0], np.s_[np.arange(3.0), 7, np.arange(2.0)], np.s_[0:1:5j, 4.0], np.s_["1", np.eye(2), np.ones((2, 1))],
    np.s_["0,2", np.arange(3.0), np.zeros(3)], np.s_["1,2,0", np.arange(3.0), np.zeros(3)], np.s_[1:9:3],
]  # fmt: skip


COLUMNS = [
    np.s_[np.arange(3.0), np.ones(3)],
    np.s_[np.eye(2), np.ones(2)],
    np.s_[0:4, 2:6],
    np.s_["0", 0:4, 2:6],
]


@pytest.mark.parametrize(
    ("brackets", "key"),
    [*(("r_", k) for k in KEYS), *(("c_", k) for k in COLUMNS)],
    ids=range(len(KEYS) + len(COLUMNS)),
)
def test_brackets_join_as_numpys(brackets: str, key: object) -> None:
    mg.set_default_dtype("float64")
    try:
        got = getattr(mg, brackets)[key]
    finally:
        mg.set_default_dtype("float32")
    want = getattr(np, brackets)[key]
    assert isinstance(got, Tensor) and got.dtype == want.dtype
    np.testing.assert_allclose(got.numpy(), want)


def test_brackets_keep_the_gradient() -> None:
    x, y = Tensor([1.0, 2.0], requires_grad=True), Tensor(3.0, requires_grad=True)
    (mg.r_[x, y, 0:2] * np.arange(5.0)).sum().backward()
    assert x.grad.tolist() == [0.0, 1.0] and y.grad.item() == 2.0
    x.grad = None
    (mg.c_[x, x * x] * np.array([1.0, 10.0])).sum().backward()
    assert x.grad.tolist() == [21.0, 41.0]


@pytest.mark.parametrize("text", ["r", "c", "one"])
def test_brackets_refuse_matrices(text: str) -> None:
    with pytest.raises(ValueError, match="expected numbers"):
        mg.r_[text, [1.0]]
