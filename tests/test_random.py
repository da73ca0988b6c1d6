"""Random numbers: distributions, seeds, and gradients along the path of a draw."""

from __future__ import annotations

import inspect
import threading
from typing import Any

import numpy as np
import pytest
import scipy.stats

import minigrad as mg
from minigrad import Tensor, grad, gradcheck, random

DISTRIBUTIONS: dict[str, tuple[tuple[float, ...], Any]] = {
    "uniform": ((-1.0, 2.5), scipy.stats.uniform(-1.0, 3.5)),
    "normal": ((0.5, 1.7), scipy.stats.norm(0.5, 1.7)),
    "lognormal": ((0.2, 0.4), scipy.stats.lognorm(0.4, scale=np.exp(0.2))),
    "exponential": ((1.3,), scipy.stats.expon(scale=1.3)),
    "laplace": ((0.5, 1.7), scipy.stats.laplace(0.5, 1.7)),
    "logistic": ((0.5, 1.7), scipy.stats.logistic(0.5, 1.7)),
    "gumbel": ((0.5, 1.7), scipy.stats.gumbel_r(0.5, 1.7)),
    "gamma": ((2.3, 0.7), scipy.stats.gamma(2.3, scale=0.7)),
    "chisquare": ((3.5,), scipy.stats.chi2(3.5)),
    "beta": ((2.3, 0.7), scipy.stats.beta(2.3, 0.7)),
    "standard_t": ((4.0,), scipy.stats.t(4.0)),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_draws_follow_their_distribution(name: str) -> None:
    parameters, distribution = DISTRIBUTIONS[name]
    x = getattr(random, name)(*(Tensor(np.array(p)) for p in parameters), size=20_000)
    assert x.dtype == np.float64
    assert scipy.stats.kstest(x.numpy(), distribution.cdf).pvalue > 1e-3
    assert getattr(random, name)(*parameters, size=(2, 3)).dtype == np.float32


@pytest.mark.parametrize("name", ["uniform", "normal", "lognormal", "exponential", "laplace", "logistic", "gumbel"])
def test_gradients_follow_the_draw(name: str) -> None:
    """With one seed a draw is a function of the parameters, which finite differences can see."""
    parameters, _ = DISTRIBUTIONS[name]

    def draw(*args: Any) -> Any:
        random.manual_seed(5)
        return getattr(random, name)(*args, size=4)

    assert gradcheck(draw, *parameters)


@pytest.mark.parametrize("shape", [0.05, 0.6, 1.0, 2.5, 40.0, 900.0])
def test_gradient_of_a_gamma_variable(shape: float) -> None:
    """At a fixed probability, the gradient is the slope of SciPy's quantile in the shape."""
    a = Tensor(np.full(8, shape), requires_grad=True)
    x = random.standard_gamma(a)
    x.sum().backward()
    u, h = scipy.stats.gamma.cdf(x.detach().numpy(), shape), 1e-5 * shape
    clear = (u > 1e-3) & (u < 1 - 1e-3)
    expected = (scipy.stats.gamma.ppf(u, shape + h) - scipy.stats.gamma.ppf(u, shape - h)) / (2 * h)
    assert clear.any()
    np.testing.assert_allclose(a.grad.numpy()[clear], expected[clear], rtol=2e-4)


def test_means_move_with_the_parameters() -> None:
    """E beta(a, b) = a / (a + b), E dirichlet = alpha / sum, E chisquare = df: so do their mean gradients."""
    n = 20_000
    a, b = Tensor(np.array(2.0), requires_grad=True), Tensor(np.array(3.0), requires_grad=True)
    random.beta(a, b, n).mean().backward()
    np.testing.assert_allclose([a.grad.item(), b.grad.item()], [3 / 25, -2 / 25], atol=4e-3)
    df = Tensor(np.array(3.0), requires_grad=True)
    random.chisquare(df, n).mean().backward()
    np.testing.assert_allclose(df.grad.item(), 1.0, atol=0.03)
    alpha = np.array([1.0, 2.0, 3.0])
    slope = grad(lambda alpha: random.dirichlet(alpha, n)[:, 0].mean())(alpha)
    np.testing.assert_allclose(slope, [5 / 36, -1 / 36, -1 / 36], atol=4e-3)
    samples = random.dirichlet(Tensor(alpha), n)
    np.testing.assert_allclose(samples.mean(axis=0).numpy(), alpha / 6, atol=5e-3)


def test_second_derivative_of_a_gamma_variable() -> None:
    def draw(a: Any) -> Any:
        random.manual_seed(3)
        return random.standard_gamma(a)

    a = Tensor(np.array(2.5), requires_grad=True)
    x = draw(a)
    (first,) = mg.autograd.grad([x], [a], create_graph=True)
    (second,) = mg.autograd.grad([first], [a])
    u, h = scipy.stats.gamma.cdf(x.item(), 2.5), 1e-3
    q = scipy.stats.gamma.ppf(u, [2.5 - h, 2.5, 2.5 + h])
    np.testing.assert_allclose(second.item(), (q[0] - 2 * q[1] + q[2]) / h**2, rtol=1e-3)


def test_dtype_and_size() -> None:
    assert random.normal(size=3, dtype="float64").dtype == np.float64
    assert random.uniform(Tensor([0.0, 1.0]), 2.0).shape == (2,)
    assert random.normal(np.zeros((2, 1)), np.ones(3)).shape == (2, 3)
    assert random.gamma(2.0).shape == ()


# ------------------------------------------------------------------- numpy.random's names


MORE_PATHS: dict[str, tuple[tuple[float, ...], Any]] = {
    "rayleigh": ((1.3,), scipy.stats.rayleigh(scale=1.3)),
    "weibull": ((1.7,), scipy.stats.weibull_min(1.7)),
    "pareto": ((2.5,), scipy.stats.lomax(2.5)),
    "power": ((1.7,), scipy.stats.powerlaw(1.7)),
    "triangular": ((-1.0, 0.5, 3.0), scipy.stats.triang(0.375, -1.0, 4.0)),
    "f": ((3.0, 7.0), scipy.stats.f(3.0, 7.0)),
    "standard_exponential": ((), scipy.stats.expon()),
    "standard_normal": ((), scipy.stats.norm()),
    "standard_cauchy": ((), scipy.stats.cauchy()),
    "random": ((), scipy.stats.uniform()),
    "vonmises": ((0.5, 2.0), scipy.stats.vonmises(2.0, 0.5)),
    "wald": ((1.0, 3.0), scipy.stats.invgauss(1 / 3, scale=3.0)),
    "noncentral_chisquare": ((3.0, 2.0), scipy.stats.ncx2(3.0, 2.0)),
    "noncentral_f": ((3.0, 7.0, 2.0), scipy.stats.ncf(3.0, 7.0, 2.0)),
}
COUNTS: dict[str, tuple[tuple[float, ...], Any]] = {
    "binomial": ((10, 0.3), scipy.stats.binom(10, 0.3)),
    "poisson": ((3.5,), scipy.stats.poisson(3.5)),
    "geometric": ((0.3,), scipy.stats.geom(0.3)),
    "negative_binomial": ((4, 0.4), scipy.stats.nbinom(4, 0.4)),
    "hypergeometric": ((7, 5, 6), scipy.stats.hypergeom(12, 7, 6)),
    "logseries": ((0.6,), scipy.stats.logser(0.6)),
    "zipf": ((3.0,), scipy.stats.zipf(3.0)),
}


def test_every_name_of_numpy_random_is_here() -> None:
    """But for the classes, and what NumPy itself has deprecated."""
    names = {n for n in np.random.__all__ if not isinstance(getattr(np.random, n), type)}
    assert names - set(random.__all__) == {"default_rng", "random_integers"}


@pytest.mark.parametrize("name", sorted(set(random.__all__) & set(np.random.__all__)))
def test_arguments_are_numpys(name: str) -> None:
    """Its names in its order; ours may go on behind them."""
    try:
        theirs = list(inspect.signature(getattr(np.random, name)).parameters.values())
    except ValueError:
        pytest.fail(f"{name} has no signature")
    ours = list(inspect.signature(getattr(random, name)).parameters.values())
    if name in {"rand", "randn", "ranf", "sample", "get_state"}:  # *args; `legacy` is a form of NumPy's old generator
        return
    for a, b in zip(ours, theirs, strict=False):
        assert a.name == b.name
        assert (a.default is a.empty) == (b.default is b.empty) and (a.default == b.default or name == "randint")
    assert len(ours) >= len(theirs)


@pytest.mark.parametrize("name", MORE_PATHS)
def test_more_draws_follow_their_distribution(name: str) -> None:
    parameters, distribution = MORE_PATHS[name]
    x = getattr(random, name)(*(Tensor(np.array(p)) for p in parameters), size=20_000)
    assert scipy.stats.kstest(x.numpy().astype(np.float64), distribution.cdf).pvalue > 1e-3
    assert getattr(random, name)(*parameters, size=(2, 3)).dtype == np.float32


@pytest.mark.parametrize("name", COUNTS)
def test_counts_follow_their_distribution(name: str) -> None:
    parameters, distribution = COUNTS[name]
    n = 20_000
    drawn = getattr(random, name)(*parameters, size=n)
    assert drawn.dtype == np.int64 and getattr(random, name)(*parameters).shape == ()
    values = np.arange(8)
    seen = np.array([(drawn.numpy() == v).sum() for v in values])
    expected = distribution.pmf(values) * n
    assert np.all(np.abs(seen - expected) < 5 * np.sqrt(expected + 1))


@pytest.mark.parametrize("name", ["rayleigh", "weibull", "pareto", "power", "triangular"])
def test_gradients_follow_more_draws(name: str) -> None:
    def draw(*args: Any) -> Any:
        random.manual_seed(5)
        return getattr(random, name)(*args, size=4)

    assert gradcheck(draw, *MORE_PATHS[name][0])


COV = np.array([[2.0, 0.3], [0.3, 0.7]])


def test_normal_vectors() -> None:
    mean = np.array([1.0, -2.0])
    drawn = random.multivariate_normal(mean, COV, size=(200, 100)).numpy()
    assert drawn.shape == (200, 100, 2)
    np.testing.assert_allclose(drawn.reshape(-1, 2).mean(0), mean, atol=0.05)
    np.testing.assert_allclose(np.cov(drawn.reshape(-1, 2).T), COV, atol=0.08)

    def draw(mean: Any, half: Any) -> Any:
        random.manual_seed(3)
        return random.multivariate_normal(mean, half + np.swapaxes(half, 0, 1), size=3)

    assert gradcheck(draw, mean, COV / 2)
    line = random.multivariate_normal(mean, np.ones((2, 2)), size=5).numpy() - mean
    np.testing.assert_allclose(line[:, 0], line[:, 1], atol=1e-12)
    with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
        random.multivariate_normal(mean, Tensor(np.ones((2, 2)), requires_grad=True))
    with pytest.warns(RuntimeWarning, match="not symmetric"):
        random.multivariate_normal(mean, -np.eye(2))
    with pytest.raises(ValueError, match="not symmetric"):
        random.multivariate_normal(mean, np.array([[1.0, 0.5], [0.0, 1.0]]), check_valid="raise")
    with pytest.raises(ValueError, match=r"\(2,\) and \(3, 3\)"):
        random.multivariate_normal(mean, np.eye(3))


def test_choice() -> None:
    drawn = random.choice(3, 30_000, p=[0.5, 0.0, 0.5]).numpy()
    np.testing.assert_allclose(np.bincount(drawn, minlength=3) / 30_000, [0.5, 0.0, 0.5], atol=0.02)
    pairs = np.stack([random.choice(3, 2, replace=False, p=[0.6, 0.3, 0.1]).numpy() for _ in range(3000)])
    assert (pairs[:, 0] != pairs[:, 1]).all()
    np.testing.assert_allclose(np.bincount(pairs[:, 0]) / 3000, [0.6, 0.3, 0.1], atol=0.04)
    np.testing.assert_allclose((pairs == 2).any(1).mean(), 0.1 + 0.6 * 0.1 / 0.4 + 0.3 * 0.1 / 0.7, atol=0.04)
    assert random.choice(5).shape == () and random.choice(5, (2, 3)).shape == (2, 3)
    x = Tensor(np.arange(12.0).reshape(3, 4), requires_grad=True)
    rows = random.choice(x, 2, replace=False)
    rows.sum().backward()
    assert rows.shape == (2, 4) and x.grad.numpy().sum() == 8
    assert random.choice(x.detach(), 5, axis=1).shape == (3, 5)
    for match, wrong in {
        "cannot draw 4": {"a": 3, "size": 4, "replace": False},
        "out of 1": {"a": 2, "size": 2, "replace": False, "p": [1.0, 0.0]},
        r"shape \(3,\)": {"a": 3, "p": [0.5, 0.5]},
        "sum to 1": {"a": 2, "p": [0.5, 0.6]},
        "nothing to choose": {"a": 0},
    }.items():
        with pytest.raises(ValueError, match=match):
            random.choice(**wrong)


def test_orders() -> None:
    x = np.arange(12.0).reshape(3, 4)
    shuffled = random.permutation(x, axis=1).numpy()
    assert (np.sort(shuffled, axis=1) == x).all() and (np.diff(shuffled, axis=0) == 4).all()
    t = Tensor(x.copy())
    random.shuffle(t)
    assert (np.sort(t.numpy(), axis=0) == x).all() and (np.diff(t.numpy(), axis=1) == 1).all()
    first = np.stack([random.permutation(4).numpy() for _ in range(2000)])
    counts = np.stack([np.bincount(column, minlength=4) for column in first.T])
    assert np.abs(counts - 500).max() < 110
    leaf = Tensor(x, requires_grad=True)
    random.permutation(leaf)[0].sum().backward()
    assert leaf.grad.numpy().sum() == 4
    with pytest.raises(RuntimeError):
        random.shuffle(leaf)


def test_categories_and_multinomial_counts() -> None:
    p = np.array([[0.2, 0.0, 0.8], [0.0, 1.0, 0.0]])
    drawn = random.categorical(Tensor(p), size=(20_000, 2)).numpy()
    assert (drawn[:, 1] == 1).all()
    np.testing.assert_allclose(np.bincount(drawn[:, 0], minlength=3) / 20_000, p[0], atol=0.02)
    assert random.categorical(7 * p).shape == (2,)
    counts = random.multinomial(100, Tensor(np.float32([0.1, 0.2, 0.7])), size=50)
    assert counts.shape == (50, 3) and (counts.numpy().sum(1) == 100).all()
    for wrong in ([-0.1, 1.1], [0.0, 0.0], []):
        with pytest.raises(ValueError, match="categorical: p must be"):
            random.categorical(wrong)
    with pytest.raises(ValueError, match="pvals"):
        random.multinomial(3, [0.9, 0.5, 0.2])


def test_one_seed_one_result_for_every_distribution() -> None:
    def draw() -> list[Any]:
        random.seed(11)
        named = {**DISTRIBUTIONS, **MORE_PATHS, **COUNTS}
        return [getattr(random, n)(*p, size=3).tolist() for n, (p, _) in named.items()]

    assert draw() == draw()


def test_what_has_no_gradient_says_so() -> None:
    mu = Tensor(1.0, requires_grad=True)
    assert not random.poisson(mu, size=3).requires_grad
    with pytest.raises(NotImplementedError, match="vonmises has no gradient with respect to mu"):
        random.vonmises(mu, 2.0)


# -------------------------------------------------------------- parameters out of their range

#: Parameters of which one is out of its range, for each function that has such.
OUT_OF_RANGE: dict[str, list[tuple[Any, ...]]] = {
    "beta": [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0)],
    "binomial": [(-1, 0.5), (3, 2.0), (3, -1.0), (3, np.nan)],
    "chisquare": [(-1.0,), (0.0,)],
    "dirichlet": [([-1.0, 1.0],)],
    "exponential": [(-1.0,), ([1.0, -1.0],)],
    "f": [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0), (1.0, -1.0)],
    "gamma": [(-1.0, 1.0), (1.0, -1.0)],
    "geometric": [(2.0,), (0.0,)],
    "gumbel": [(0.0, -1.0)],
    "hypergeometric": [(-1, 2, 1), (1, -2, 1), (1, 2, 9), (1, 2, -1)],
    "integers": [(3, 2), (0,)],
    "laplace": [(0.0, -1.0)],
    "logistic": [(0.0, -1.0)],
    "lognormal": [(0.0, -1.0)],
    "logseries": [(-1.0,), (1.0,)],
    "multinomial": [(-1, [0.5, 0.5]), (3, [-0.1, 1.1]), (3, [0.6, 0.6, 0.1]), (3, [np.nan, 0.5])],
    "multivariate_normal": [([0.0], [[1.0, 0.0], [0.0, 1.0]])],
    "negative_binomial": [(-1, 0.5), (0, 0.5), (2, 2.0), (2, 0.0)],
    "noncentral_chisquare": [(0.0, 1.0), (1.0, -1.0)],
    "noncentral_f": [(0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, -1.0)],
    "normal": [(0.0, -1.0), ([0.0, 1.0], [1.0, -1.0])],
    "pareto": [(-1.0,), (0.0,)],
    "poisson": [(-1.0,), (np.nan,)],
    "power": [(-1.0,), (0.0,)],
    "rayleigh": [(-1.0,)],
    "standard_gamma": [(-1.0,)],
    "standard_t": [(-1.0,), (0.0,)],
    "triangular": [(3.0, 1.0, 2.0), (0.0, 3.0, 2.0), (1.0, 1.0, 1.0)],
    "uniform": [(2.0, 1.0), (0.0, np.inf), (np.nan, 1.0)],
    "vonmises": [(0.0, -1.0)],
    "wald": [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0)],
    "weibull": [(-1.0,)],
    "zipf": [(1.0,)],
}  # fmt: skip
WRONG = [(name, p) for name, rows in OUT_OF_RANGE.items() for p in rows]
NO_RANGE = {"bytes", "choice", "permutation", "random", "shuffle"}


def of_kind(x: Any, kind: str) -> Any:
    array = np.asarray(x)
    if kind == "numbers" or array.dtype.kind not in "f":
        return x
    return Tensor(array, requires_grad=True) if kind == "tensors" else array


@pytest.mark.parametrize("kind", ["numbers", "arrays", "tensors"])
@pytest.mark.parametrize(("name", "parameters"), WRONG)
def test_a_parameter_out_of_its_range_is_refused(name: str, parameters: tuple[Any, ...], kind: str) -> None:
    with pytest.raises((ValueError, OverflowError)) as theirs:
        getattr(np.random.default_rng(0), name)(*parameters)
    values = [of_kind(p, kind) for p in parameters]
    if name in ("vonmises", "wald", "noncentral_chisquare", "noncentral_f"):
        values = [v.detach() if isinstance(v, Tensor) else v for v in values]
    with pytest.raises(type(theirs.value)):
        getattr(random, name)(*values)


def test_every_distribution_with_parameters_has_a_row_of_wrong_ones() -> None:
    def takes_parameters(name: str) -> bool:
        return set(inspect.signature(getattr(random, name)).parameters) > {"size"}

    of_numpy = {n for n in dir(np.random.Generator) if n in random.__all__}
    drawn = {n for n in of_numpy if not n.startswith("standard_") and takes_parameters(n)}
    assert drawn - NO_RANGE == set(OUT_OF_RANGE) - {"standard_gamma", "standard_t"}


def test_parameters_at_the_edge_of_their_range_are_taken() -> None:
    assert random.normal(2.0, 0.0).item() == 2.0
    assert random.uniform(1.0, 1.0).item() == 1.0
    assert random.exponential([0.0, 0.0]).tolist() == [0.0, 0.0]
    assert random.multinomial(5, [1.0, 0.0]).tolist() == [5, 0]
    assert random.normal([1.0, 2.0], Tensor(0.0)).tolist() == [1.0, 2.0]


def test_parameters_of_our_own_functions_are_looked_at() -> None:
    for p in (2.0, -0.5, np.nan):
        with pytest.raises(ValueError, match="bernoulli: p must be between 0 and 1"):
            random.bernoulli(p)
    with pytest.raises(ValueError, match=r"must not sum to more than 1, they sum to 1\.1"):
        random.multinomial(3, [0.5, 0.6])


def test_a_wrong_parameter_of_one_example_is_refused() -> None:
    draw = mg.vmap(lambda scale: random.normal(0.0, scale), randomness="different")
    assert draw(np.array([1.0, 2.0])).shape == (2,)
    with pytest.raises(ValueError, match="scale must not be negative, got -2"):
        draw(np.array([1.0, -2.0]))


# ------------------------------------------------------------------------- streams of their own


def test_draws_inside_of_seeded_follow_the_key_and_move_nothing_outside() -> None:
    random.manual_seed(1)
    undisturbed = [random.uniform().item() for _ in range(2)]
    random.manual_seed(1)
    found = {}
    first = random.uniform().item()
    for key in ((7,), (7, 0), (7, 1), (7,)):
        with random.seeded(*key):
            found.setdefault(key, []).append(random.normal(size=3).tolist())
    assert [first, random.uniform().item()] == undisturbed
    assert found[7,][0] == found[7,][1]
    assert found[7, 0] != found[7, 1]


def test_a_seed_inside_of_seeded_stays_inside() -> None:
    random.manual_seed(1)
    undisturbed = random.uniform().item()
    random.manual_seed(1)
    with random.seeded(5):
        random.manual_seed(2)
        inside = random.uniform().item()
        state = random.get_state()
        after = random.uniform().item()
        random.set_state(state)
        assert random.uniform().item() == after
    assert random.uniform().item() == undisturbed
    random.manual_seed(2)
    with random.seeded(5):
        random.manual_seed(2)
        assert random.uniform().item() == inside


def test_an_error_ends_a_stream() -> None:
    random.manual_seed(1)
    undisturbed = random.uniform().item()
    random.manual_seed(1)
    with pytest.raises(KeyError), random.seeded(6):
        raise KeyError
    assert random.uniform().item() == undisturbed


def test_threads_have_streams_of_their_own() -> None:
    def draw(key: int, out: dict[int, Any], barrier: threading.Barrier) -> None:
        with random.seeded(key):
            numbers = []
            for _ in range(5):
                barrier.wait()  # so that the threads draw in turn
                numbers.append(random.uniform().item())
            out[key] = numbers

    found: dict[int, Any] = {}
    barrier = threading.Barrier(2)
    threads = [threading.Thread(target=draw, args=(key, found, barrier)) for key in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone: dict[int, Any] = {}
    for key in (1, 2):
        draw(key, alone, threading.Barrier(1))
    assert found == alone


@pytest.mark.parametrize("bad", ["a", -1, 1.5])
def test_a_seed_that_is_none_is_refused_at_once_inside_of_seeded(bad: Any) -> None:
    with random.seeded(3):
        expected = random.generator().random()
    with random.seeded(3):
        with pytest.raises((TypeError, ValueError)):
            random.manual_seed(bad)
        assert random.generator().random() == expected  # the stream goes on as it was
    with pytest.raises(ValueError, match="the key must be integers that are not negative"):
        random.seeded(1, bad)
