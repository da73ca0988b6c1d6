"""What the examples share: seeds, digits, phrases and scenes, trainings that go on, and the table."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import signal
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from minigrad import Tensor, random

from .versions import posix

FOLDER = Path(__file__).parents[1] / "examples"
pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("matplotlib", "sklearn", "scipy", "threadpoolctl")),
    reason="the examples need matplotlib, scikit-learn and scipy",
)


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The package that the examples import, in a folder of its own."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.chdir(tmp_path)
    return importlib.import_module("shared")


def example(main: Any, **names: Any) -> Any:
    """A script of the gallery."""
    module = types.ModuleType("small")
    module.__file__ = "small.py"
    main.__module__ = "small"
    vars(module).update(main=main, **names)
    return module


def test_a_seed_gives_the_same_numbers_and_another_seed_others(shared: Any) -> None:
    seeds = importlib.import_module("shared.seeds")

    def drawn(seed: int) -> list[float]:
        seeds.choose(seed)
        return [shared.generator().random(), shared.generator(1).random(), random.rand(1).item()]

    assert drawn(3) == drawn(3)
    assert len({*drawn(3), *drawn(4)}) == 6
    first = random.rand(1).item()
    shared.restart()
    assert random.rand(1).item() == drawn(4)[2] != first


def written(folder: Path, prefix: str, count: int) -> None:
    """Black images in MNIST's format."""
    images = np.zeros((count, 2, 2), np.uint8)
    for kind, array in (("images-idx3", images), ("labels-idx1", images[:, 0, 0])):
        head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
        (folder / f"{prefix}-{kind}-ubyte").write_bytes(head + array.tobytes())


def test_digits_come_from_the_training_images_where_they_are(
    shared: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, "t10k", 10)
    (x, y), (test_x, test_y) = shared.digits(tmp_path)
    assert (len(x), len(y), len(test_x), len(test_y)) == (8, 8, 2, 2)
    assert "no training images" in capsys.readouterr().out
    written(tmp_path, "train", 30)
    (x, _), (test_x, _) = shared.digits(tmp_path)
    assert (x.shape, len(test_x)) == ((30, 2, 2), 10)


def test_numbers_are_written_as_in_france(shared: Any) -> None:
    written = {21: "vingt et un", 71: "soixante et onze", 80: "quatre-vingt", 200: "deux cent", 1001: "mille un"}
    assert {n: shared.french(n) for n in written} == written
    texts = [shared.french(n) for n in range(10_000)]
    assert len(set(texts)) == len(texts)


def test_phrases_turned_around_are_the_same_numbers(shared: Any) -> None:
    plain, turned = shared.Phrases(300, 50), shared.Phrases(300, 50, turned=True)
    assert (plain.numbers == turned.numbers).all()
    assert len(np.unique(plain.numbers)) == 350
    assert [text[::-1] for text in turned.texts] == plain.texts
    assert plain.linear() < 1


def test_a_sentence_of_the_test_combines_what_training_never_did(shared: Any) -> None:
    found = shared.Sentences(train=1000, test=100)

    def ends(rows: Any) -> set[tuple[str, ...]]:
        """Adjective and noun of each, one and many alike."""
        return {tuple(word.rstrip("es") for word in found.english[i].split()[-2:]) for i in rows}

    assert not ends(range(found.train)) & ends(found.test)
    words = [set(" ".join(found.english[i] for i in rows).split()) for rows in (range(found.train), found.test)]
    assert words[1] <= words[0]
    right = [found.references[i][0] for i in found.test]
    assert found.texts(found.target[found.test, 1:]) == right
    for baseline in (found.nearest(found.test), found.word_for_word(found.test)):
        assert 0 < nn.metrics.bleu([b.split() for b in baseline], [[r.split()] for r in right]) < 0.7


def test_no_sentence_of_a_file_is_in_training_and_test_whatever_its_marks(shared: Any, tmp_path: Path) -> None:
    lines = [f"Word{i % 40} goes{'!' if i % 2 else '.'}\tMot {i}.\tfrom somewhere" for i in range(120)]
    (tmp_path / "pairs.txt").write_text("\n".join(lines), encoding="utf-8")
    found = shared.Sentences(tmp_path / "pairs.txt")
    plain = [text.rstrip(" .!") for text in found.english]
    assert not set(plain[: found.train]) & set(plain[found.train :])
    assert len(found.test) == 4
    assert all(len(found.references[i]) == 3 for i in found.test)
    assert found.left_out == 0


def test_no_sentence_is_asked_that_is_in_training_but_for_unknown_words(shared: Any, tmp_path: Path) -> None:
    lines = [f"we see word{i}\tnous voyons mot{i}\nwe {'all ' * (i % 7)}see it\tle voir" for i in range(90)]
    (tmp_path / "pairs.txt").write_text("\n".join(lines), encoding="utf-8")
    found = shared.Sentences(tmp_path / "pairs.txt")
    rows = [tuple(row[:n]) for row, n in zip(found.source.tolist(), found.lengths, strict=True)]
    assert not set(rows[: found.train]) & set(rows[found.train :])
    assert found.left_out >= 8


def test_no_caption_of_the_test_is_in_training(shared: Any) -> None:
    found = shared.CaptionedScenes(300, 60)
    assert not set(found.captions[:300]) & set(found.captions[300:])
    assert found.source.shape == (360, 3, 24, 24)
    assert len(found.captions[0].split()) == 9


def train(shared: Any, stop: int | None = None, every: float = 0) -> list[float]:
    """Twenty updates, or as many as until somebody stops it: by an error, or by a signal, which is below 0."""
    layer, rng, kept = nn.Linear(3, 1), shared.generator(), {"losses": []}
    optimizer = nn.optim.Adam(layer.parameters())
    for step in shared.steps(20, layer, optimizer, rng, kept, every=every):
        if step == stop:
            raise KeyboardInterrupt
        if step == 7 and stop is not None and stop < 0:
            os.kill(os.getpid(), -stop)
        loss = (nn.functional.dropout(layer(Tensor(rng.normal(size=(4, 3)))), 0.5) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        kept["losses"].append(loss.item())
    return kept["losses"]


def test_a_full_run_goes_on_where_it_was_stopped(shared: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = importlib.import_module("shared.running")

    def run(stop: int | None, full: bool = True, **settings: int) -> list[float]:
        module = example(lambda **given: {"losses": train(shared, stop)})
        return running.once(module, module.main, settings, 0, full)["losses"]

    undisturbed = run(None, full=False)
    assert not (tmp_path / "out").exists()
    clock = iter([0.0, 7.0, 0.0, 8.0, 0.0, 5.0])  # of the processor, at the begin and the end of each sitting
    monkeypatch.setattr(shared.resuming, "processor_seconds", lambda: next(clock))
    with pytest.raises(KeyboardInterrupt):
        run(7)
    with pytest.raises(SystemExit, match="other settings"):
        run(None, width=3)
    with pytest.raises(KeyboardInterrupt):
        run(15)
    assert run(None) == undisturbed
    assert shared.resuming.earlier() == 15.0
    assert len(undisturbed) == 20
    assert not list((tmp_path / "out").iterdir())  # what is through leaves nothing


@pytest.fixture
def in_front() -> Iterator[None]:
    """Ctrl-C reaches these tests also where they run as a background job, which a shell lets ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@posix
@pytest.mark.usefixtures("in_front")
@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_update_end_and_keeps_it(
    shared: Any, which: signal.Signals, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    running = importlib.import_module("shared.running")
    before = signal.getsignal(which)

    def run(argv: list[str], stop: int | None) -> list[float]:
        def main(width: int = 1) -> dict[str, Any]:
            return {"losses": train(shared, stop, every=1e9)}

        module = example(main, FULL={"width": 2})
        monkeypatch.setattr(running.inspect, "getmodule", lambda main: module)
        return running.run(main, argv)["losses"]

    undisturbed = run([], None)
    with pytest.raises(SystemExit) as left:
        run(["--full"], -which)
    assert left.value.code == 128 + which
    assert "goes on from what is in out/small.seed0.full" in capfd.readouterr().err
    with pytest.raises(SystemExit, match="width: 2 there, 3 now"):
        run(["--full", "--width", "3"], None)
    assert run(["--full", "--seed", "3"], None) != undisturbed
    assert run(["--full"], None) == undisturbed
    assert "after 8 of 20 updates" in capfd.readouterr().out
    assert signal.getsignal(which) is before


@posix
def test_a_signal_keeps_what_a_trainer_has_done(shared: Any) -> None:
    resuming = importlib.import_module("shared.resuming")

    def run(stop: bool) -> list[float]:
        shared.restart()
        model, losses = nn.Linear(3, 1), []
        data = nn.data.TensorDataset(np.eye(3, dtype=np.float32).repeat(8, 0), np.ones((24, 1), np.float32))

        def loss(out: Tensor, target: Tensor) -> Tensor:
            found = nn.functional.mse_loss(out, target)
            losses.append(found.item())
            if stop and len(losses) == 5:
                os.kill(os.getpid(), signal.SIGTERM)
            return found

        optimizer = nn.optim.Adam(model.parameters(), lr=0.1)
        trainer = nn.training.Trainer(model, optimizer, loss, checkpoint=shared.checkpoint(), progress=False)
        trainer.fit(nn.data.DataLoader(data, 4, shuffle=True, seed=0), 2)
        return losses

    undisturbed = run(False)
    with pytest.raises(KeyboardInterrupt), resuming.keeping(Path("kept"), {}):
        run(True)
    with pytest.raises(SystemExit, match="other settings"), resuming.keeping(Path("kept"), {"seed": 1}):
        run(False)
    with resuming.keeping(Path("kept"), {}):
        assert run(False) == undisturbed[4:]


def test_two_runs_do_not_keep_their_trainings_in_one_folder(shared: Any, tmp_path: Path) -> None:
    resuming = importlib.import_module("shared.resuming")
    with resuming.keeping(Path("kept"), {"steps": 1}):
        Path("kept", "mine.txt").write_text("a note", "utf-8")
        with pytest.raises(SystemExit, match="another run is under way"), resuming.keeping(Path("kept"), {"steps": 1}):
            pass
    assert [path.name for path in tmp_path.glob("kept/*")] == ["mine.txt"]  # what it did not write, it does not delete


def test_counts_of_symbols_in_a_row_by_hand(shared: Any) -> None:
    one, two = shared.ngram_nats(np.array([0, 1, 0, 2]), np.array([0, 1]), symbols=3, longest=2)
    assert one == pytest.approx(-np.log([3 / 7, 2 / 7]).mean())  # (2 + 3/3) / 7, (1 + 3/3) / 7
    assert two == pytest.approx(-np.log([(1 + 9 / 7) / 6, (1 + 6 / 7) / 6]).mean())  # after 0: one each of 0, 1, 2
    (unseen,) = shared.ngram_nats(np.array([0, 0]), np.array([1]), symbols=4, longest=1)
    assert unseen == pytest.approx(-np.log(1 / 4 / 3))
    with pytest.raises(ValueError, match="64 bits"):
        shared.ngram_nats(np.array([0]), np.array([0]), symbols=1000, longest=7)


def test_a_language_model_learns_and_goes_on_where_it_was_stopped(shared: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    language = importlib.import_module("shared.language")
    seeds, steps = importlib.import_module("shared.seeds"), language.steps

    class Model(nn.Module):
        def __init__(self) -> None:
            self.rnn, self.out = nn.LSTM(4, 8), nn.Linear(8, 4)

        def forward(self, x: np.ndarray, state: Any = None) -> tuple[Tensor, Any]:
            h, state = self.rnn(np.eye(4, dtype=np.float32)[x], state)
            return self.out(h), state

    def main(stop: int) -> dict[str, Any]:
        def stopping(*given: Any, **named: Any) -> Any:
            for step in steps(*given, **named, every=0):
                yield step
                if step == stop:
                    raise KeyboardInterrupt

        monkeypatch.setattr(language, "steps", stopping)
        model, columns = Model(), np.arange(120)[:, None] // np.array([1, 2]) % 4
        reports = shared.train_on_columns(model, columns, columns[:60], 60, 0.05, 8, write=lambda: "written", shown=(1,))
        return {"reports": reports, "nats": shared.mean_nats(model, columns, 8)}

    def run(stop: int) -> dict[str, Any]:
        seeds.choose(0)
        with importlib.import_module("shared.resuming").keeping(Path("kept"), {}):
            return main(stop)

    whole = run(-1)
    for stop in (20, 33):
        with pytest.raises(KeyboardInterrupt):
            run(stop)
    assert repr(run(-1)) == repr(whole)  # repr: the first loss in training is not a number
    assert whole["nats"] < 0.5 * np.log(4)
    assert [report[0] for report in whole["reports"]][:4] == [0, 1, 6, 12]
    assert [report[3] for report in whole["reports"]][:3] == ["", "written", ""]
    assert whole["reports"][-1][3] == "written"


def test_full_is_an_option_where_there_is_a_published_setting(shared: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def main(steps: int = 1) -> dict[str, int]:
        return {"steps": steps}

    running = importlib.import_module("shared.running")
    module = example(main, FULL={"steps": 9})
    assert running.options(module, main, ["--full", "--seed", "3"]) == ({"steps": 9}, 3, True)
    assert running.options(module, main, ["--full", "--steps", "2"]) == ({"steps": 2}, 0, True)
    with pytest.raises(SystemExit):
        running.options(example(main), main, ["--full"])
    assert "--full" in capsys.readouterr().err


def test_help_says_what_each_option_is(shared: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def main(updates: int = 1, odd: float = 0.5, data: Path | None = None) -> dict[str, Any]:
        """Learn.

        Args:
            odd: how strange it is, 100 % at most
        """
        return {}

    running = importlib.import_module("shared.running")
    with pytest.raises(SystemExit):
        running.options(example(main), main, ["--help"])
    said = capsys.readouterr().out
    for text in ("updates of the weights (default: 1)", "strange it is, 100 % at most (default: 0.5)", "all that is drawn"):
        assert text in said


def test_wrong_options_are_named_without_a_traceback(shared: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def main(updates: int = 1, data: Path | None = None) -> dict[str, Any]:
        return {}

    running = importlib.import_module("shared.running")
    module = example(main, FULL={})
    (tmp_path / "text.txt").write_text("words", "utf-8")

    def refused(name: str, *argv: str) -> str:
        module.__file__ = f"{name}.py"
        with pytest.raises(SystemExit) as left:
            running.options(module, main, list(argv))
        assert left.value.code == 2
        return capsys.readouterr().err

    assert "-1 is below 0" in refused("glove", "--seed", "-1")
    assert "0 is below 1" in refused("glove", "--updates", "0")
    assert "there is no nowhere; vae takes a folder with MNIST's files" in refused("vae", "--data", "nowhere")
    assert "has no t10k-images*" in refused("vae", "--data", str(tmp_path))
    assert "is a folder; glove takes a text file" in refused("glove", "--data", str(tmp_path))
    (tmp_path / "empty.txt").write_text("", "utf-8")
    assert "is empty" in refused("glove", "--data", str(tmp_path / "empty.txt"))
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    assert "latin.txt is no text in UTF-8" in refused("glove", "--data", str(tmp_path / "latin.txt"))
    assert "is a file; names takes a folder" in refused("names", "--data", str(tmp_path / "text.txt"))
    for name, path in (("glove", tmp_path / "text.txt"), ("names", tmp_path), ("char_language_model", tmp_path / "text.txt")):
        module.__file__ = f"{name}.py"
        assert running.options(module, main, ["--data", str(path), "--full"])[0] == {"data": path}
        assert not capsys.readouterr().err
    running.options(module, main, ["--full"])
    assert "--full without --data" in capsys.readouterr().err


def test_the_kind_of_data_is_said_for_every_example_that_reads_some(shared: Any) -> None:
    kind, listed = importlib.import_module("shared.real_data").kind, importlib.import_module("course").NAMES
    main = {name: (FOLDER / f"{name}.py").read_text("utf-8").split("def main(")[-1].split("):")[0] for name in listed}
    assert [name for name in listed if ("data=None" in main[name]) != (kind(name) is not None)] == []


def test_a_run_on_mnist_says_how_many_images_it_learned_from(shared: Any, tmp_path: Path) -> None:
    running = importlib.import_module("shared.running")
    written(tmp_path, "t10k", 10)

    def once(data: Path | None) -> dict[str, Any]:
        module = example(lambda data: {"digits": len(shared.digits(data)[0][0])})
        return running.once(module, module.main, {"data": data}, 0, False)

    assert once(tmp_path) == {"training images, of MNIST's test set": 8, "digits": 8}
    written(tmp_path, "train", 30)
    assert once(tmp_path) == {"training images": 30, "digits": 30}
    assert list(once(None)) == ["digits"]


def test_an_example_is_measured_by_one_run_at_a_time(shared: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fcntl", reason="locks of files need a POSIX system")
    measuring = importlib.import_module("shared.measuring")
    monkeypatch.setattr(importlib.import_module("results"), "MEASURED", tmp_path)

    def main() -> dict[str, Any]:
        measuring.measure(example(lambda: {"accuracy": 1.0}), [])
        return {}

    with pytest.raises(SystemExit, match="another run is under way that measures small"):
        measuring.measure(example(main), [])
    assert not list(tmp_path.glob("*.json"))


def test_a_row_has_the_spread_over_the_seeds(shared: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measuring, table = importlib.import_module("shared.measuring"), importlib.import_module("shared.table")
    monkeypatch.setattr(importlib.import_module("results"), "MEASURED", tmp_path)

    def main(steps: int = 1) -> dict[str, Any]:
        return {"accuracy": shared.chosen() / 10 + steps / 1000, "chance": 0.1, "word": "queen"}

    measuring.measure(example(main), [])
    measuring.measure(example(main), ["--steps", "2", "--seeds", "3"])
    found = json.loads((tmp_path / "small.json").read_text("utf-8"))
    assert [len(m["results"]["accuracy"]) for m in found] == [5, 3]
    folded = "<details><summary>1 more</summary>word: queen</details>"
    assert table.results(found[0], beside=False) == f"accuracy: 0.201 (0.001 to 0.401){folded}"
    assert table.results(found[0], beside=True) == "chance: 0.1"
    assert table.results(found[1], beside=False).startswith("**--steps 2** (3 seeds, ")
