"""A page from the disk computes a program: under a policy that allows its own scripts alone, on its thread and in a worker."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import numpy as np

from minigrad.compiler.javascript import Functions, described, runtime
from minigrad.compiler.trace import Recorder

from .browser import needs_browser, opened

pytestmark = needs_browser

PAGE = """
  const description = JSON.parse(document.querySelector("#data").textContent);
  const computed = (description) => {
    const program = new minigrad.Program(description);
    program.set(0, [1, 2, 3]);
    program.run();
    return Array.from(program.read(0).data);
  };
  const texts = [...document.querySelectorAll("script[data-shared]")].map((element) => element.textContent);
  const own = `const computed = ${computed}; onmessage = ({ data }) => postMessage(computed(data));`;
  const worker = new Worker(URL.createObjectURL(new Blob([...texts, own])));
  worker.onmessage = ({ data }) => {
    document.body.textContent = JSON.stringify([computed(description), data]);
    document.documentElement.dataset.ready = "";
  };
  worker.postMessage(description);
"""


def test_a_page_with_a_strict_policy_computes_on_its_thread_and_in_a_worker(tmp_path: Path) -> None:
    functions = Functions()
    recorder = Recorder()
    program = recorder.program([np.exp(recorder.given(np.zeros(3)))])
    run = described(program, {program.inputs[0]: np.zeros(3)}, functions)
    scripts = [f'"use strict";{runtime()}', functions.script]
    hashes = " ".join(f"'sha256-{b64encode(sha256(s.encode()).digest()).decode()}'" for s in [*scripts, PAGE])
    policy = f"default-src 'none'; script-src {hashes}; worker-src blob:"
    path = tmp_path / "page.html"
    path.write_text(
        f'<!doctype html><html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}"><body>'
        f'<script type="application/json" id="data">{json.dumps(run.description)}</script>'
        + "".join(f"<script data-shared>{s}</script>" for s in scripts)
        + f"<script>{PAGE}</script>",
        encoding="utf-8",
    )
    with opened(path, extra=("blob:",)) as page:
        here, there = json.loads(page.locator("body").inner_text())
    np.testing.assert_allclose(here, np.exp([1, 2, 3]), rtol=1e-15)
    assert here == there
