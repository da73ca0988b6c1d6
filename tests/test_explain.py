"""The worked exercise: its numbers are the engine's, its formulas the ops' own."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import nn
from minigrad import Tensor, autograd, viz
from minigrad.viz.explain import LEGEND


def by_label(explanation: viz.Explanation) -> dict[str, viz.Explained]:
    return {step.label: step for step in explanation.steps}


def test_a_chain_reads_like_a_worked_exercise() -> None:
    text = repr(viz.explain(lambda x, y: (x * y + np.sin(x)) ** 2, 2.0, -3.0))
    forward, backward = text.split("\n\n")
    lines = [line.split() for line in forward.splitlines()]
    assert lines[3][:-1] == ["v1", "multiply(x,", "y)", "v1", "=", "x", "y", "=", "2", "×", "(-3)", "-6"]
    assert lines[3][-1].startswith("test_explain.py:")
    assert "to v3:  d v3 = g × 2 v3^(2 - 1) = 1 × 2 × (-5.091)^(2 - 1)  = -10.18" in backward
    assert "to x:   d x += g y = -10.18 × (-3)" in backward  # x gets more than this
    assert "to y:   d y = g x = -10.18 × 2" in backward
    assert "d x = 4.237 + 30.54 = 34.78" in backward  # where gradients add up
    assert backward.splitlines()[:2] == [f"backward ({LEGEND})", "  d result = 1"]


def test_the_numbers_are_the_engines() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3))
    x, target = np.random.default_rng(0).normal(size=(4, 1, 6, 6)).astype(np.float32), np.array([0, 1, 2, 1])
    with viz.capture():
        loss = nn.functional.cross_entropy(net(x), target)
    steps = by_label(viz.explain(loss, names=net))
    assert all(step.value is not None for step in steps.values())
    assert all(step.source is not None and "cross_entropy(net(x), target)" in step.source for step in steps.values() if step.call)
    convolved = nn.functional.conv2d(x, net[0].weight.detach(), net[0].bias.detach())
    np.testing.assert_array_equal(next(s for s in steps.values() if s.call.startswith("conv_bias(")).value, convolved)
    loss.backward()  # explaining has freed nothing
    for name, parameter in net.named_parameters():
        np.testing.assert_allclose(steps[name].gradient, parameter.grad.numpy(), rtol=1e-6)
        np.testing.assert_array_equal(steps[name].value, parameter.detach().numpy())
    assert float(steps["result"].value) == loss.item()


def test_what_every_step_sends_adds_up_to_what_arrives() -> None:
    x = Tensor(np.arange(4.0), requires_grad=True, name="x")
    a, b = np.split(x, 2)
    steps = viz.explain((a * b + a * a).sum()).steps
    sent: dict[str, Any] = {}
    for step in steps:
        for _, label, _, gradient in step.rules:
            if not isinstance(gradient, np.ndarray):
                continue
            sent[label] = sent.get(label, 0) + gradient
    for step in steps[:-1]:
        if isinstance(step.gradient, np.ndarray):
            np.testing.assert_allclose(sent[step.label], step.gradient)
    np.testing.assert_allclose(steps[0].gradient, [2.0, 5.0, 0.0, 1.0])
    assert "d v1 = (" in repr(viz.explain((a * b).sum()))  # an op with two outputs has two gradients


def test_a_graph_without_capture_knows_what_its_rules_read() -> None:
    x, w, b = (Tensor(v, requires_grad=True, name=n) for n, v in (("x", 2.0), ("w", 3.0), ("b", 1.0)))
    steps = by_label(viz.explain((x * w + b).tanh()))
    assert [float(steps[n].value) for n in "xwb"] == [2.0, 3.0, 1.0]
    assert steps["v1"].value is None and steps["v1"].source is None
    assert float(steps["result"].value) == pytest.approx(np.tanh(7.0))
    assert "?" in repr(viz.explain(x * w + b + 1))
    with viz.capture():
        y = (x * w + b).tanh()
    assert float(by_label(viz.explain(y))["v1"].value) == 6.0


def test_the_graph_of_a_gradient_is_explained_too() -> None:
    x = Tensor(2.0, requires_grad=True, name="x")
    (slope,) = autograd.grad(x.sin(), [x], create_graph=True)
    steps = by_label(viz.explain(slope))
    assert float(steps["x"].gradient) == pytest.approx(-np.sin(2.0), rel=1e-6)


def test_tensors_of_many_numbers_are_summed_up_and_get_ones_by_default() -> None:
    x = Tensor(np.linspace(-1, 1, 12).reshape(3, 4), requires_grad=True, name="x")
    text = repr(viz.explain(x * 2, gradient=np.ones((3, 4))))
    assert "3×4, -1 to 1" in text and "d x = 3×4, 2 to 2" in text
    assert repr(viz.explain(x * 2)) == text


def test_what_cannot_be_explained_says_why() -> None:
    x = Tensor(2.0, requires_grad=True)
    y = x.exp() * x
    y.backward()
    with pytest.raises(RuntimeError, match="multiply reads was freed by a backward pass.*look or explain before backward"):
        viz.explain(y)
    with pytest.raises(ValueError, match="does not depend on the inputs in a way that is differentiable"):
        viz.explain(lambda x: np.floor(x), 2.5)


def test_an_input_that_was_left_out_is_not_written() -> None:
    x, mean = Tensor([1.0, 3.0], requires_grad=True, name="x"), np.array([2.0])
    assert by_label(viz.explain(np.var(x)))["result"].call == "var(x)"
    assert by_label(viz.explain(np.var(x, mean=mean)))["result"].call == "var(x, mean=mean)"


def test_an_index_is_written_as_in_code() -> None:
    found = viz.explain(lambda h: h[:, -1].sum() + h[1:, None, ..., 0].sum() + h[::-1, 0][1], np.ones((2, 3)))
    assert [step.call for step in found.steps if "[" in step.call] == ["h[:, -1]", "h[1:, None, ..., 0]", "h[::-1, 0]", "v6[1]"]
    assert "d h[:, -1] += g" in repr(found) and "h[:, -1] &" not in found.latex() and "= h[:, -1]" in found.latex()
    assert "`h[:, -1]`" in found.markdown() and "<mi>:, −1</mi>" in found._repr_html_()
    rows = np.array([0, 1, 1])
    assert [step.call for step in viz.explain(lambda h: h[rows, 1:].sum(), np.ones((2, 3))).steps if "[" in step.call] == [
        "h[index_1, 1:]"
    ]


def test_an_lstm_calls_its_states_and_gates_as_everybody_does() -> None:
    net = nn.LSTM(3, 4)
    with viz.capture(net):
        out = net(Tensor(np.ones((5, 2, 3))))[0].sum()
    steps = by_label(viz.explain(out, net))
    assert {"h0", "c0"} <= {*steps} and not any(label.startswith("x") for label in steps)
    formula = next(str(step.formula) for step in steps.values() if step.step.op == "lstm")
    assert "(i_t, f_t, g_t, o_t) = (sigmoid, sigmoid, tanh, sigmoid)" in formula
    page = viz.explore(out, net)
    assert all("`" not in step["summary"] for step in page.data["steps"])


def test_no_zero_has_a_sign_and_sums_read_as_sums() -> None:
    found = viz.explain(lambda x, y: (x * y - y * 0) * -1.0 + x * 2 + y, 0.0, -1.541)
    assert not re.search(r"-0(?![.\d])", repr(found)) and "-0" in f"{found.steps[2].value}"  # as it was computed
    assert any(" - " in step.total for step in viz.explain(lambda x: 3 * x - x * x, 2.0).steps) and "+ -" not in repr(found)
    page = viz.explore(lambda x, y: x * y, np.zeros(2), -np.ones(2))
    assert all("-0" not in text for step in page.data["steps"] for row in step["value"]["rows"] for text in row)
