"""Programs as JavaScript, run by Node or a browser, against NumPy and minigrad: the library, every op, networks, training."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad.backend import call_scipy
from minigrad.backward import gradients
from minigrad.compiler.capture import capture
from minigrad.compiler.javascript import Functions, Living, described, living, runtime
from minigrad.compiler.javascript.special import SPECIAL
from minigrad.compiler.passes import simplified
from minigrad.compiler.trace import Recorder
from minigrad.ops.window import Window, fold
from minigrad.tensor import raw

from .javascript_engine import MISSING, NODE, Engine, available, encoded, engine
from .test_compile import ROWS as TABLE
from .test_compile import forward_and_back

F = nn.functional
F32, F64 = "float32", "float64"
ROOT = Path(__file__).parent.parent
pytestmark = [pytest.mark.skipif(not available(), reason=MISSING), *([] if NODE else [pytest.mark.browser])]


@pytest.fixture(scope="module")
def javascript() -> Iterator[Engine]:
    with engine() as running:
        yield running


# Ops


@cache
def table(dtype: str) -> tuple[Functions, dict[str, Any]]:
    """Each row of the table of ops, forward and gradient, as a program: what it needs to run, or why the page cannot."""
    functions, found = Functions(), {}
    for param in TABLE:
        sample, name = param.values[0], str(param.id)
        if dtype == F32 and not name.endswith("-0"):
            continue
        arrays = [np.asarray(a) for a in sample.args]
        if any(a.dtype.kind == "c" for a in arrays):
            continue
        arrays = [a.astype(dtype) if a.dtype == np.float64 else a for a in arrays]
        recorder = Recorder()
        out = forward_and_back(sample, [recorder.given(a.copy()) for a in arrays])
        program = simplified(recorder.program(out))
        if any(raw(y).dtype.kind == "c" for y in out):
            continue
        run = described(program, dict(zip(program.inputs, arrays, strict=True)), functions)
        found[name] = sorted(set(run.fixed.values())) or (run.description, sample, arrays)
    return functions, found


@pytest.mark.parametrize("dtype", [F64, F32])
def test_every_op_and_its_gradient_is_computed_again(dtype: str) -> None:
    """As recorded, and after an edit of every input."""
    functions, rows = table(dtype)
    rng, requests, wanted = np.random.default_rng(0), [], []
    computed = {name: row for name, row in rows.items() if isinstance(row, tuple)}
    for description, sample, arrays in computed.values():
        edited = [(a * (1 + 0.01 * rng.random(a.shape))).astype(a.dtype) if a.dtype.kind == "f" else a for a in arrays]
        edits = [[], [[i, encoded(a)] for i, a in enumerate(edited)]]
        requests.append({"description": description, "edits": edits, "read": description["outputs"]})
        wanted.append(
            [[np.asarray(y) for y in forward_and_back(sample, [a.copy() for a in given])] for given in (arrays, edited)]
        )
    with engine() as running:
        running.functions = functions
        answers = running.run_programs(requests)
    tolerance = {"rtol": 1e-9, "atol": 1e-11} if dtype == F64 else {"rtol": 2e-3, "atol": 1e-4}
    wrong = []
    for name, answer, twice in zip(computed, answers, wanted, strict=True):
        for edited, (found, right) in enumerate(zip(answer["found"], twice, strict=True)):
            values = [v.reshape(y.shape) for v, y in zip(found["values"], right, strict=True)]
            close = [np.allclose(v, y, equal_nan=True, **tolerance) for v, y in zip(values, right, strict=True)]
            if found["trouble"] or not all(close):
                wrong.append((name, "edited" if edited else "recorded", found["trouble"], close))
    assert not wrong, wrong[:10]
    assert len(computed) > 100


def test_the_document_lists_what_a_page_does_not_compute() -> None:
    """Of the rows that compute with real numbers; docs/viz.md has the list between two comments."""
    rows = dict[str, list[bool]]()
    for name, row in table(F64)[1].items():
        rows.setdefault(name.rpartition("-")[0], []).append(isinstance(row, tuple))
    never = [f"`{name}`" for name, found in sorted(rows.items()) if not any(found)]
    partly = [f"`{name}` ({sum(found)} of {len(found)})" for name, found in sorted(rows.items()) if any(found) and not all(found)]
    wanted = f"Not at all: {', '.join(never)}.\n\nIn part: {', '.join(partly)}."
    text = (ROOT / "docs" / "viz.md").read_text(encoding="utf-8")
    listed = text.partition("<!-- not computed -->\n")[2].partition("\n<!-- end -->")[0]
    assert re.sub(r"\s+", " ", listed) == re.sub(r"\s+", " ", wanted), f"docs/viz.md should say:\n{wanted}"
    assert len(never) <= 0.1 * len(rows)


A, PLACES = np.random.default_rng(1).normal(0, 1, (3, 4)), np.array([2, 0])
A3 = np.random.default_rng(2).normal(0, 1, (3, 4, 3))
SQUARE = np.random.default_rng(3).normal(0, 1, (2, 3, 3)) + 3 * np.eye(3)


def _put(x: Any, index: Any, values: Any) -> Any:
    x = x.copy()
    x[index] = values
    return x


def _add(x: Any, index: Any, values: Any) -> Any:
    x = x.copy()
    np.add.at(x, index, values)
    return x


def _put_along(x: Any, index: Any, values: Any) -> Any:
    x = x.copy()
    np.put_along_axis(x, index, values, axis=1)
    return x


#: Of each function of library.js calls that become it.
LIBRARY: dict[str, list[tuple[Callable[..., Any], tuple[Any, ...]]]] = {
    "gather": [(lambda x: np.pad(np.tile(x, (2, 1)), 1, mode="reflect"), (A,)), (lambda x: np.roll(x, (1, 2), (0, 1)), (A,))],
    "take": [
        (lambda x, i: x[i], (A, PLACES)), (lambda x, i: x[:, i], (A, PLACES)), (lambda x, i: x[i, :, None, i], (A3, PLACES)),
        (lambda x: x[np.argsort(x[:, 0])], (A,)), (lambda x, i: x[..., 1, i], (A3, PLACES)),
    ],
    "put": [
        (_put, (A, PLACES, A[:2])), (lambda x, i: _put(x, i, 7.0), (A, PLACES)),
        (lambda x, i: _put(x, (i, i), np.arange(2.0)), (A, PLACES)),
    ],
    "add": [(_add, (A, PLACES, A[:2])), (lambda x, i: _add(x, (slice(None), i), 1.0), (A, PLACES))],
    "fold": [(lambda x: fold(x, Window.over((5,), 3, padding=1)), (np.arange(30.0).reshape(1, 2, 3, 5),))],
    "nonzero": [(lambda x: np.nonzero(x > 0.2), (A,)), (lambda x: np.flatnonzero(x > 0.2), (A,))],
    "take_along": [(lambda x: np.take_along_axis(x, np.argsort(-x, axis=0)[:2], axis=0), (A3,))],
    "put_along": [(lambda x: _put_along(x, np.argsort(x, axis=1)[:, :2], 9.0), (A,))],
    "argsort": [(lambda x: np.argsort(x, axis=1), (A3,)), (np.argsort, (np.array([2.0, np.nan, -np.inf, np.inf, 0.0]),))],
    "sort": [(lambda x: np.sort(x, axis=0), (A3,)), (np.sort, (np.array([2.0, np.nan, -np.inf, np.inf, 0.0]),))],
    "argmax": [(lambda x: np.argmax(x, axis=1), (A3,)), (np.argmax, (np.array([1.0, np.nan, 3.0, np.nan]),))],
    "argmin": [(lambda x: np.argmin(x, axis=-1), (A3,)), (np.argmin, (A3,))],
    "cumsum": [(lambda x: np.cumsum(x, axis=1), (A3,)), (np.cumsum, (A3,)), (lambda x: np.cumsum(x.astype(F32), axis=0), (A3,))],
    "cumprod": [(lambda x: np.cumprod(x, axis=1), (A3,)), (np.cumprod, (A,))],
    "searchsorted": [
        (lambda x, y: np.searchsorted(np.sort(x), y, side="right"), (A[0], A)),
        (lambda x, y: np.searchsorted(np.sort(x), y), (A[0], A)),
    ],
    "solve": [(np.linalg.solve, (SQUARE, SQUARE[..., :2])), (np.linalg.solve, (SQUARE[0], SQUARE[0, 0]))],
    "inv": [(np.linalg.inv, (SQUARE,))],
    "det": [(np.linalg.det, (SQUARE,))],
    "slogdet": [(lambda x: tuple(np.linalg.slogdet(x)), (SQUARE,))],
    "cholesky": [(lambda x: np.linalg.cholesky(x @ np.swapaxes(x, 1, 2)), (SQUARE,))],
    "qr": [(lambda x: tuple(np.linalg.qr(x)), (SQUARE,)), (lambda x: tuple(np.linalg.qr(x, mode="complete")), (A,))],
    "pinv": [(np.linalg.pinv, (A,)), (lambda x: np.linalg.pinv(np.swapaxes(x, -1, -2)), (A3,))],
    "svdvals": [(lambda x: np.linalg.svd(x, compute_uv=False), (A3,))],
    "lstsq": [
        (lambda x, y: np.linalg.lstsq(x, y, rcond=None)[0], (A.T, A.T[:, :2])),
        (lambda x, y: np.linalg.lstsq(x, y, rcond=None)[1], (A.T, A[0])),
    ],
    "modf": [(lambda x: np.modf(3 * x), (A,))],
    "frexp": [(np.frexp, (np.array([0.0, 1.0, 3e-310, -7.5, np.inf, 1e300]),))],
    "nextafter": [(np.nextafter, (np.array([0.0, 1.0, -1.0, 2.0]), np.array([1.0, 2.0, 5.0, 2.0])))],
}  # fmt: skip


@pytest.mark.parametrize("name", LIBRARY)
def test_a_function_of_the_library_gives_what_numpy_gives(javascript: Engine, name: str) -> None:
    """As recorded, and with other numbers in the arrays of floats."""
    for function, arrays in LIBRARY[name]:
        edited = [a if a.dtype.kind != "f" else a[..., ::-1].copy() if name != "nonzero" else a for a in arrays]
        run = recorded(javascript, function, arrays)
        assert name in {step[0] for step in run.description["steps"]}
        edits = [[], [[i, encoded(a)] for i, a in enumerate(edited)]]
        for found, own in zip(answered(javascript, run, edits)["found"], (arrays, edited), strict=True):
            right = function(*own)
            assert found["trouble"] is None
            for place, y in zip(run.description["outputs"], right if isinstance(right, tuple) else (right,), strict=True):
                np.testing.assert_allclose(found["values"][place].reshape(y.shape), y, rtol=1e-9, atol=1e-12)


def test_every_function_of_the_library_has_such_a_test() -> None:
    """But for those of SciPy's, which rows of the table call."""
    listed = re.findall(r"\w+(?=[:,])", runtime().rpartition("return {")[2])
    functions = {
        n
        for n in listed
        if n in {step[0] for row in table(F64)[1].values() if isinstance(row, tuple) for step in row[0]["steps"]}
    }
    assert functions - set(LIBRARY) == {"solve_triangular", "lfilter", "lu", "lu_factor"}


def recorded(javascript: Engine, function: Callable[..., Any], arrays: Sequence[Any], keep: bool = False) -> Living:
    """A function of arrays as a program for a page."""
    recorder = Recorder()
    out = function(*[recorder.given(a.copy()) for a in arrays])
    program = simplified(recorder.program(list(out) if isinstance(out, tuple) else [out]))
    kept = [v for step in program.steps for v in step.outs if v is not None] if keep else []
    return described(program, dict(zip(program.inputs, arrays, strict=True)), javascript.functions, keep=kept)


def answered(javascript: Engine, run: Living, edits: Sequence[Any], **more: Any) -> Any:
    request = {"description": run.description, "edits": edits, "read": list(range(len(run.description["values"]))), **more}
    (answer,) = javascript.run_programs([request])
    return answer


# Functions of SciPy's


def _between(low: float, high: float, whole: bool = False) -> Any:
    x = np.random.default_rng(int(1000 * abs(low) + abs(high))).uniform(low, high, 400)
    return np.rint(x) if whole else x


def _sizes(low: float, high: float) -> Any:
    return 10.0 ** _between(low, high)


#: Where each is said to be right.
RANGES: dict[str, tuple[Any, ...]] = {
    "gamma": (_between(-20, 60),), "rgamma": (_between(-20, 60),), "gammaln": (_between(-30, 200),),
    "gammasgn": (_between(-9, 9),),
    "loggamma": (_between(0.001, 200),), "psi": (_between(-20, 100),), "zeta": (_between(1.05, 50), _between(0.01, 40)),
    "beta": (_between(0.01, 60), _between(0.02, 60)), "betaln": (_between(0.01, 60), _between(0.02, 60)),
    "poch": (_between(0.1, 50), _between(0, 10)), "binom": (_between(5, 50), _between(0, 5)),
    "xlog1py": (_between(-3, 3), _between(-0.99, 5)), "entr": (_between(-1, 5),), "rel_entr": (_between(0, 5), _between(0, 6)),
    "kl_div": (_between(0, 5), _between(0, 6)), "huber": (_between(0, 2), _between(-5, 5)),
    "pseudo_huber": (_between(0, 2), _between(-5, 5)), "boxcox": (_between(0.01, 9), _between(-2, 2)),
    "boxcox1p": (_between(-0.9, 9), _between(-2, 2)), "inv_boxcox": (_between(0, 2), _between(0, 3)),
    "inv_boxcox1p": (_between(0, 2), _between(0, 3)), "cosm1": (_between(-6, 6),), "powm1": (_between(0.1, 5), _between(-3, 3)),
    "exprel": (_between(-30, 30),), "sindg": (_between(-900, 900),), "cosdg": (_between(-900, 900),),
    "tandg": (_between(-900, 900),), "exp10": (_between(-30, 30),), "ndtr": (_between(-30, 30),),
    "log_ndtr": (_between(-34, 30),), "erfcx": (_between(-5, 60),), "dawsn": (_between(-30, 30),), "erfi": (_between(-5, 5),),
    "erfcinv": (_sizes(-200, 0.3),), "erfinv": (_between(-1, 1),), "ndtri": (_sizes(-200, 0),), "ndtri_exp": (-_sizes(-10, 2.4),),
    "exp1": (_sizes(-10, 2),), "expi": (_between(-40, 39),), "wrightomega": (_between(-200, 200),),
    "owens_t": (_between(-9, 9), _between(-8, 8)), "expn": (_between(0, 8, True), _sizes(-6, 2)),
    "j0": (_between(-40, 40),), "j1": (_between(-40, 40),), "jv": (_between(-0.9, 8), _between(2.4, 40)),
    "y0": (_between(0.05, 40),), "y1": (_between(0.05, 40),), "yv": (_between(-0.9, 8), _between(2.4, 40)),
    "i0": (_between(-40, 40),), "i1": (_between(-40, 40),), "iv": (_between(-0.9, 8), _between(2.4, 40)),
    "i0e": (_between(-40, 40),), "i1e": (_between(-40, 40),), "ive": (_between(-0.9, 8), _between(2.4, 40)),
    "k0": (_between(0.05, 40),), "k1": (_between(0.05, 40),), "kv": (_between(-0.9, 8), _between(2.4, 40)),
    "k0e": (_between(0.05, 40),), "k1e": (_between(0.05, 40),), "kve": (_between(-0.9, 8), _between(2.4, 40)),
    "hyp1f1": (_between(0, 20), _between(20, 40), _between(-20, 20)), "hyp0f1": (_between(0.1, 40), _between(-5, 400)),
    "hyp2f1": (_between(0, 9), _between(0, 8), _between(8, 20), _between(-1, 0.8)), "ellipk": (_between(-50, 1),),
    "ellipkm1": (_sizes(-300, 0),), "ellipe": (_between(-50, 1),), "spence": (_between(0, 50),),
    "eval_jacobi": (_between(0, 6, True), _between(-0.9, 4), _between(-0.8, 4), _between(-1, 1)),
    "eval_gegenbauer": (_between(0, 6, True), _between(0.1, 10), _between(-1, 1)),
    "eval_chebyt": (_between(0, 6, True), _between(-1, 1)), "eval_chebyu": (_between(0, 6, True), _between(-1, 1)),
    "eval_legendre": (_between(0, 6, True), _between(-1, 1)), "eval_laguerre": (_between(0, 6, True), _between(-5, 20)),
    "eval_genlaguerre": (_between(0, 6, True), _between(-0.9, 10), _between(-5, 20)),
    "eval_hermite": (_between(0, 6, True), _between(-5, 5)), "eval_hermitenorm": (_between(0, 6, True), _between(-5, 5)),
    "gammainc": (_between(0.01, 20), _between(0, 100)), "gammaincc": (_between(0.01, 20), _between(0, 100)),
    "betainc": (_between(0.01, 40), _between(0.02, 40), _between(0, 1)),
    "betaincc": (_between(0.01, 40), _between(0.02, 40), _between(0, 1)),
    "pdtr": (_between(0, 19, True), _between(0.01, 100)), "pdtrc": (_between(0, 19, True), _between(0.01, 100)),
    "bdtr": (_between(0, 9, True), _between(20, 30, True), _between(0, 1)),
    "bdtrc": (_between(0, 9, True), _between(20, 30, True), _between(0, 1)),
    "nbdtr": (_between(0, 9, True), _between(20, 30, True), _between(0, 1)),
    "nbdtrc": (_between(0, 9, True), _between(20, 30, True), _between(0, 1)),
}  # fmt: skip
ALIASES = {"_zeta", "digamma", "jn", "yn", "kn"}


@pytest.mark.parametrize("name", sorted(set(SPECIAL) - ALIASES))
def test_a_special_function_is_scipys_where_it_says_that_it_is(name: str) -> None:
    """To 9 digits, or 12 places where it is near a zero.  (SciPy's own hyp2f1 has fewer for x below -1.)"""
    special = pytest.importorskip("scipy.special")
    given = RANGES[name]
    orders = [x.astype(int) if (x == np.rint(x)).all() else x for x in given]
    with np.errstate(all="ignore"):
        right, found = getattr(special, name)(*orders), SPECIAL[name](*given)
    np.testing.assert_allclose(found, right, rtol=1e-9, atol=1e-12)


OUTSIDE = [("k0", 90.0), ("zeta", 0.5), ("hyp2f1", (1.0, 1.0, 2.0, 0.99)), ("eval_legendre", (2.5, 0.1))]


@pytest.mark.parametrize(("name", "given"), OUTSIDE)
def test_a_special_function_says_where_it_is_not(name: str, given: Any) -> None:
    with pytest.raises(TypeError, match="outside"):
        SPECIAL[name](*map(np.float64, np.atleast_1d(given)))


# What cannot be computed


def test_what_follows_from_a_call_that_the_page_cannot_make_stays_as_it_was(javascript: Engine) -> None:
    def function(x: Any) -> Any:
        values, _ = np.linalg.eigh(x + x.T)
        return np.exp(x), values, 2.0 * values

    x = SQUARE[0]
    run = recorded(javascript, function, [x])
    outputs = run.description["outputs"]
    assert run.description["fixed"] == {
        outputs[1]: "the page has no function for eigh",
        outputs[2]: "the page has no function for eigh",
    }
    answer = answered(javascript, run, [[[0, encoded(2 * x)]]])["found"][0]["values"]
    np.testing.assert_allclose(answer[outputs[0]], np.exp(2 * x).ravel(), rtol=1e-14)
    np.testing.assert_array_equal(answer[outputs[2]], function(x)[2])


def test_a_training_whose_gradients_stay_as_they_were_does_not_go_on(javascript: Engine) -> None:
    weight = mg.Tensor(SQUARE[0].astype(F32), requires_grad=True)
    optimizer = nn.optim.SGD([weight], lr=0.1)

    @mg.compile
    def step() -> Any:
        values, _ = np.linalg.eigh(weight + weight.T)
        loss = (values**2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    step()
    step()
    run = living(step.versions[0].capture, (), javascript.functions)
    script = "const p = new minigrad.Program(description); p.run(); [p.trouble, p.advance(), p.trouble]"
    before, advanced, after = javascript.evaluate(script, run.description)
    assert (before, advanced) == (None, False)
    assert "cannot go on: the page has no function for eigh" in after


def test_a_draw_is_a_constant_and_says_so(javascript: Engine) -> None:
    @mg.compile
    def noisy(x: Any) -> Any:
        noise = mg.random.randn(3)
        return x + noise, noise

    noisy(np.zeros(3, F32))
    state = mg.random.get_state()
    run = living(noisy.versions[0].capture, (np.zeros(3, F32),), javascript.functions)
    total, drawn = run.description["outputs"][0]
    assert run.description["drawn"] == [drawn]
    found = answered(javascript, run, [[], [[0, encoded([1, 2, 3])]]])["found"]
    np.testing.assert_array_equal(found[0]["values"][total], found[0]["values"][drawn])
    np.testing.assert_array_equal(found[1]["values"][drawn], found[0]["values"][drawn])
    np.testing.assert_allclose(found[1]["values"][total], found[0]["values"][drawn] + [1, 2, 3], rtol=1e-6)
    mg.random.set_state(state)
    np.testing.assert_array_equal(raw(noisy(np.zeros(3, F32))[1]), found[0]["values"][drawn])  # it was not used up


def test_what_an_edit_makes_wrong_is_said(javascript: Engine) -> None:
    """An index out of range, a mask that chooses other elements, a matrix that is singular, numbers that are too large."""
    cases: list[tuple[Callable[..., Any], list[Any], Any, str]] = [
        (lambda x, i: x[i], [A, PLACES], [[1, encoded([1, 5])]], "index 5 is out of range for an axis of 3 elements"),
        (lambda x: x[x > 0.2], [A], [[0, encoded(A * 0)]], "a mask chooses 0 elements"),
        (np.linalg.inv, [SQUARE], [[0, encoded(SQUARE * 0)]], "a matrix is singular"),
        (lambda i: i * i, [PLACES], [[0, encoded([2.0**40, 1])]], "beyond 2^53"),
        (lambda x: call_scipy("special", "k0", x), [abs(A) + 0.1], [[0, encoded(A * 0 + 90)]], "outside of where"),
    ]
    for function, arrays, edit, words in cases:
        first, second, third = answered(
            javascript, recorded(javascript, function, arrays), [[], edit, [[e[0], encoded(arrays[e[0]])] for e in edit]]
        )["found"]
        assert first["trouble"] is None
        assert words in second["trouble"]
        assert third["trouble"] is None  # it goes on
        for a, b in zip(first["values"], third["values"], strict=True):
            np.testing.assert_array_equal(a, b)


# Running again


def test_only_what_depends_on_an_edit_is_computed(javascript: Engine) -> None:
    run = recorded(javascript, lambda x, y: (np.cumsum(x), np.cumsum(y), np.cumsum(x) * np.sum(y)), [A[0], A[1]])
    script = """
        const p = new minigrad.Program(description), counts = [];
        const count = () => { let n = 0; for (const s of p.steps) { const run = s.run; s.run = () => (n++, run()); }
          return () => { const found = n; n = 0; return found; }; };
        const read = count();
        p.run(); counts.push(read());
        p.run(); counts.push(read());
        p.setElement(1, 0, 5); p.run(); counts.push(read());
        p.run(p.steps.length - 1); counts.push(read());
        counts"""
    first, nothing, some, last = javascript.evaluate(script, run.description)
    assert first == len(run.description["steps"])
    assert (nothing, last) == (0, 1)
    assert 0 < some < first


def test_an_array_that_several_steps_write_is_written_again_by_all(javascript: Engine) -> None:
    """What the second step has put there is there still after the first one has run again."""

    def function(x: Any, y: Any) -> Any:
        out = np.concatenate([x, x])
        out[1:3] = np.cumsum(y)[:2]
        return (out,)

    run = recorded(javascript, function, [A[0], A[1]])
    written_by = [buffer for step in run.description["steps"] for buffer in step[3]]
    assert len(set(written_by)) < len(written_by)
    edits = [[], [[1, encoded(A[2])]], [[0, encoded(A[2])]], [[1, encoded(A[1])]]]
    states = [(A[0], A[1]), (A[0], A[2]), (A[2], A[2]), (A[2], A[1])]
    for found, own in zip(answered(javascript, run, edits)["found"], states, strict=True):
        np.testing.assert_array_equal(found["values"][run.description["outputs"][0]], function(*own)[0])


CORNERS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "what is given is returned, twice": (lambda x: (x, x, x + 1.0), (A,)),
    "views of what is given": (lambda x: (x.T, x[1:, ::-1], x[:, None, 1], np.broadcast_to(x[0], (2, 4))), (A,)),
    "a constant": (lambda x: (np.arange(3.0), np.zeros((2, 2), bool), x), (A,)),
    "nothing": (lambda x: (x[:0], np.sum(x[:0], axis=0), np.cumsum(x[:0]), x[:, :0] @ x[:0]), (A,)),
    "numbers without axes": (lambda x: (x * 2.0, np.exp(x), np.sum(x), x[None] @ np.ones((1, 2))), (np.array(2.0),)),
    "whole numbers": (lambda x: (x // 2 + x % 3, x > 1, ~(x > 1), x << 2, x.astype("uint8") * np.uint8(200)), (PLACES,)),
    "small floats and large ones": (lambda x: (x * 1e-300 * 1e-10, x * 1e300 * 1e10, -x * 0.0), (A,)),
    "NaN and infinities": (
        lambda x: (np.maximum(x, 0.0), np.sign(x), np.sum(x), np.max(x), np.where(x > 0, x, -x), np.isfinite(x)),
        (np.array([np.nan, np.inf, -np.inf, 1.0, -0.0]),),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CORNERS)
def test_corners(javascript: Engine, name: str) -> None:
    function, arrays = CORNERS[name]
    with np.errstate(all="ignore"):
        run = recorded(javascript, function, arrays, keep=True)
        right = function(*arrays)
    (found,) = answered(javascript, run, [[]])["found"]
    assert not run.fixed
    for place, y in zip(run.description["outputs"], right, strict=True):
        assert run.description["values"][place][1] == list(np.shape(y))
        np.testing.assert_array_equal(found["values"][place].reshape(np.shape(y)), y)


def test_arrays_that_change_places_do_so(javascript: Engine) -> None:
    """New values are read before the first one is written."""
    recorder = Recorder()
    x, y = (recorder.given(np.zeros(2)) for _ in range(2))
    program = simplified(recorder.program([x + y]))
    one, two = program.inputs
    given = {one: np.array([1.0, 2.0]), two: np.array([3.0, 4.0])}
    run = described(program, given, javascript.functions, pairs=[(one, two), (two, one)])
    answer = answered(javascript, run, [], steps=3)
    np.testing.assert_array_equal(answer["inputs"], [[3, 4], [1, 2]])


def test_numbers_that_json_has_not_arrive(javascript: Engine) -> None:
    def clip(x: Any, most: float) -> Any:
        return np.minimum(x, most), np.where(x > 1e9, np.nan, x)

    f = mg.compile(clip)
    f(A, float("inf"))
    run = living(f.versions[0].capture, (A, float("inf")), javascript.functions)
    json.dumps(run.description, allow_nan=False)
    (found,) = answered(javascript, run, [[]])["found"]
    np.testing.assert_array_equal(found["values"][run.description["outputs"][0][0]].reshape(A.shape), A)


def test_a_whole_number_that_float64_does_not_hold_is_refused(javascript: Engine) -> None:
    with pytest.raises(ValueError, match="2\\^53"):
        recorded(javascript, lambda x: x + 1, [np.array([2**60])])


# Networks


def lenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.out = nn.LSTM(5, 8), nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        return self.out(self.rnn(x)[0][-1])


class Language(nn.Module):
    """Tokens, attention over them, the next one."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.out = nn.Embedding(11, 8), nn.Linear(8, 11)
        self.block = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)

    def forward(self, tokens: Any) -> Any:
        return self.out(self.block(self.table(tokens))).reshape(-1, 11)


NETWORKS: dict[str, tuple[Callable[[], nn.Module], Callable[[Any], Any], Callable[[Any], Any]]] = {
    "LeNet": (lenet, lambda rng: rng.normal(0, 1, (4, 1, 28, 28)).astype(F32), lambda rng: rng.integers(0, 10, 4)),
    "LSTM": (Recurrent, lambda rng: rng.normal(0, 1, (6, 4, 5)).astype(F32), lambda rng: rng.integers(0, 3, 4)),
    "transformer": (Language, lambda rng: rng.integers(0, 11, (2, 6)), lambda rng: rng.integers(0, 11, 12)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_and_all_its_gradients_follow_an_edit_of_any_leaf(javascript: Engine, name: str) -> None:
    make, inputs, targets = NETWORKS[name]
    rng = np.random.default_rng(0)
    mg.random.manual_seed(0)
    net, x, y = make(), inputs(rng), targets(rng)

    @mg.compile
    def run_all(x: Any, y: Any) -> Any:
        for p in net.parameters():
            p.grad = None
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        return loss.detach()

    run_all(x, y)
    capture = run_all.versions[0].capture
    every = [v for step in capture.program.steps for v in step.outs if v is not None]
    run = living(capture, (x, y), javascript.functions, keep=every)
    assert not run.fixed
    sources = zip(capture.program.inputs[2:], capture.sources, strict=True)
    edited = {run.inputs[v]: source for v, source in sources if isinstance(source, mg.Tensor) and v in run.inputs}
    edits, wanted = [[]], [float(run_all(x, y))]
    for place, tensor in list(edited.items())[::2]:
        tensor._array += rng.normal(0, 0.1, tensor.shape).astype(F32)
        edits.append([[place, encoded(tensor._array)]])
        wanted.append(float(run_all(x, y)))
    answer = answered(javascript, run, edits)["found"]
    loss = run.description["outputs"][0][0]
    np.testing.assert_allclose([found["values"][loss][0] for found in answer], wanted, rtol=1e-5)
    assert len(run.description["gradients"]) == len(list(net.parameters()))
    for place, value in run.description["gradients"]:
        grad = edited[place].grad
        assert grad is not None
        np.testing.assert_allclose(answer[-1]["values"][value].reshape(grad.shape), raw(grad), rtol=1e-3, atol=2e-6)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_scan_is_written_out(javascript: Engine, reverse: bool) -> None:
    """With a number of Python's in its body, and its gradient."""
    rng = np.random.default_rng(0)
    weight = mg.Tensor(rng.normal(0, 1, (3, 3)).astype(F32), requires_grad=True)

    @mg.compile
    def run(x: Any, rate: float) -> Any:
        def body(h: Any, now: Any) -> Any:
            h = np.tanh(h @ weight + now) * rate
            return h, h

        weight.grad = None
        h, ys = mg.scan(body, np.zeros((2, 3), F32), x, reverse=reverse)
        loss = (ys**2).sum() + h.sum()
        loss.backward()
        return loss.detach(), ys.detach()

    x, other = rng.normal(0, 1, (2, 5, 2, 3)).astype(F32)
    run(x, 0.9)
    program = living(run.versions[0].capture, (x, 0.9), javascript.functions)
    assert not program.fixed
    found = answered(javascript, program, [[], [[0, encoded(other)]]])["found"]
    for given, answer in zip((x, other), found, strict=True):
        for place, y in zip(program.description["outputs"][0], run(given, 0.9), strict=True):
            np.testing.assert_allclose(answer["values"][place].reshape(y.shape), raw(y), rtol=1e-4, atol=1e-5)
        ((_, place),) = program.description["gradients"]
        assert weight.grad is not None
        np.testing.assert_allclose(answer["values"][place].reshape(3, 3), raw(weight.grad), rtol=1e-4, atol=1e-5)


def test_values_and_gradients_in_between_are_results_like_others(javascript: Engine) -> None:
    """What a page shows of each step: a function returns it."""
    rng = np.random.default_rng(0)
    mg.random.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))

    @mg.compile
    def everything(x: Any, y: Any) -> Any:
        values = [x]
        for layer in net:
            values.append(layer(values[-1]))
        loss = F.cross_entropy(values[-1], y)
        shown = [*values[1:], *net.parameters()]
        return loss.detach(), [v.detach() for v in values[1:]], gradients([loss], shown, [mg.ones(())])

    x, y = rng.normal(0, 1, (4, 2)).astype(F32), rng.integers(0, 2, 4)
    everything(x, y)
    run = living(everything.versions[0].capture, (x, y), javascript.functions)
    other = rng.normal(0, 1, (4, 2)).astype(F32)
    (found,) = answered(javascript, run, [[[0, encoded(other)]]])["found"]
    loss, values, slopes = everything(other, y)
    for place, t in zip(run.description["outputs"][0], [loss, *values, *slopes], strict=True):
        np.testing.assert_allclose(found["values"][place].reshape(t.shape), raw(t), rtol=1e-4, atol=1e-6)


OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "Adam": lambda p: nn.optim.Adam(p, lr=0.01),
    "AdamW": lambda p: nn.optim.AdamW(p, lr=0.01),
    "SGD": lambda p: nn.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=1e-4),
    "RMSprop": lambda p: nn.optim.RMSprop(p, lr=0.003),
    "Adagrad": lambda p: nn.optim.Adagrad(p, lr=0.05),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fifty_steps_of_training_end_where_they_end_in_python(javascript: Engine, name: str) -> None:
    rng = np.random.default_rng(0)
    mg.random.manual_seed(0)
    x = rng.normal(0, 1, (50, 2)).astype(F32)
    y = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2))
    optimizer = OPTIMIZERS[name](net.parameters())

    @mg.compile
    def step(x: Any, y: Any) -> Any:
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    step(x, y)
    step(x, y)
    capture = step.versions[0].capture
    run = living(capture, (x, y), javascript.functions)
    assert not run.fixed
    losses = [float(step(x, y)) for _ in range(50)]
    answer = answered(javascript, run, [], steps=50)
    loss = run.description["outputs"][0][0]
    assert {found["trouble"] for found in answer["found"]} == {None}
    np.testing.assert_allclose([found["values"][loss][0] for found in answer["found"]], losses, rtol=1e-5, atol=1e-6)
    for v, source in zip(capture.program.inputs[2:], capture.sources, strict=True):
        if v in run.inputs and isinstance(source, nn.Parameter):
            np.testing.assert_allclose(answer["inputs"][run.inputs[v]].reshape(source.shape), raw(source), atol=1e-5)


class Last(nn.Module):
    """A classifier of what a recurrent layer says last, or of the mean over tokens."""

    def __init__(self, inner: nn.Module, width: int) -> None:
        super().__init__()
        self.inner, self.out = inner, nn.Linear(width, 3)

    def forward(self, x: Any) -> Any:
        if isinstance(self.inner, nn.MultiheadAttention):
            return self.out(self.inner(x, x, x)[0].mean(axis=1))
        found = self.inner(x)
        return self.out(found[0][-1] if isinstance(found, tuple) else found.mean(axis=1))


Chain = nn.Sequential
#: Layers, and the shape of what they are given; of one number the tokens.
LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "batch norm": (
        lambda: Chain(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(36, 3)),
        (5, 1, 8, 8),
    ),
    "strides, groups": (
        lambda: Chain(
            nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.GELU(), nn.Conv2d(4, 8, 3, stride=2, groups=2), nn.AdaptiveAvgPool2d(1),
            nn.Flatten(), nn.Linear(8, 3),
        ),
        (5, 1, 12, 12),
    ),
    "transpose": (lambda: Chain(nn.ConvTranspose2d(1, 2, 3, stride=2), nn.Tanh(), nn.Flatten(), nn.Linear(162, 3)), (5, 1, 4, 4)),
    "norms": (
        lambda: Chain(nn.Linear(4, 8), nn.LayerNorm(8), nn.Softplus(), nn.Linear(8, 8), nn.RMSNorm(8), nn.Linear(8, 3)),
        (5, 4),
    ),
    "one axis": (
        lambda: Chain(nn.Conv1d(2, 4, 3), nn.GroupNorm(2, 4), nn.ELU(), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(8, 3)),
        (5, 2, 7),
    ),
    "upsampling": (lambda: Chain(nn.Upsample(scale_factor=2), nn.Flatten(), nn.Linear(64, 3)), (5, 1, 4, 4)),
    "GRU": (lambda: Last(nn.GRU(4, 6), 6), (6, 5, 4)),
    "RNN": (lambda: Last(nn.RNN(4, 6), 6), (6, 5, 4)),
    "attention": (lambda: Last(nn.MultiheadAttention(8, 2, batch_first=True), 8), (5, 6, 8)),
    "embedding": (lambda: Last(nn.Embedding(10, 8, padding_idx=0), 8), (5, 4)),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_networks_of_all_kinds_are_trained_as_in_python(javascript: Engine, name: str) -> None:
    make, shape = LAYERS[name]
    rng = np.random.default_rng(0)
    mg.random.manual_seed(0)
    net, y = make(), rng.integers(0, 3, 5)
    x = rng.integers(0, 10, shape) if name == "embedding" else rng.normal(0, 1, shape).astype(F32)
    optimizer = nn.optim.Adam(net.parameters(), lr=0.01)

    @mg.compile
    def step(x: Any, y: Any) -> Any:
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        return loss.detach()

    step(x, y)
    step(x, y)
    run = living(step.versions[0].capture, (x, y), javascript.functions)
    assert not run.fixed
    wanted = [float(step(x, y)) for _ in range(6)]
    found = answered(javascript, run, [], steps=6)["found"]
    loss = run.description["outputs"][0][0]
    assert {answer["trouble"] for answer in found} == {None}
    np.testing.assert_allclose([answer["values"][loss][0] for answer in found], wanted, rtol=1e-4)


def test_a_state_that_is_replaced_is_carried_on(javascript: Engine) -> None:
    """A Tensor that stands elsewhere after the call, and gradients that are added up."""
    rng = np.random.default_rng(0)

    class Cell:
        weight = mg.Tensor(rng.normal(0, 1, (3, 3)).astype(F32), requires_grad=True)
        h = mg.Tensor(np.zeros((2, 3), F32))

    cell = Cell()
    cell.h = mg.Tensor(np.zeros((2, 3), F32))

    @mg.compile
    def step(x: Any) -> Any:
        h = np.tanh(cell.h @ cell.weight + x)
        loss = (h**2).sum()
        loss.backward()
        cell.h = h.detach()
        return loss.detach()

    x = rng.normal(0, 1, (2, 3)).astype(F32)
    for _ in range(3):
        step(x)
    run = living(step.versions[0].capture, (x,), javascript.functions)
    wanted = [(float(step(x)), raw(cell.weight.grad).copy()) for _ in range(4)]
    found = answered(javascript, run, [], steps=4)["found"]
    loss, ((_, slope),) = run.description["outputs"][0][0], run.description["gradients"]
    for answer, (value, grad) in zip(found, wanted, strict=True):
        assert answer["values"][loss][0] == pytest.approx(value, rel=1e-5)
        np.testing.assert_allclose(answer["values"][slope].reshape(3, 3), grad, rtol=1e-4, atol=1e-5)


def test_a_compiled_function_can_be_read_as_javascript() -> None:
    f = mg.compile(lambda x: np.exp(-x * x).sum(axis=1))
    f(np.ones((4, 8), F32))
    assert "Math.exp" in f.source("javascript")
    assert "for (let x1 = 0; x1 < n1; x1++)" in f.source("javascript")
    with pytest.raises(ValueError, match="'javascript'"):
        f.source("fortran")


def test_a_first_step_that_makes_places_is_refused(javascript: Engine) -> None:
    net = nn.Linear(2, 2)
    optimizer = nn.optim.Adam(net.parameters())

    def step(x: Any) -> Any:
        net(x).sum().backward()
        optimizer.step()

    _, found = capture(step, (np.ones((3, 2), F32),), {})
    with pytest.raises(ValueError, match="once more"):
        living(found, (np.ones((3, 2), F32),), javascript.functions)


def test_nothing_of_it_is_imported_before_it_is_used() -> None:
    script = "import sys, minigrad, nn; minigrad.compile; print(any('javascript' in m for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
