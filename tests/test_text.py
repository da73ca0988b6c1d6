"""Vocabularies, batches of text, decoding, word vectors."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from nn import text

rng = np.random.default_rng(0)


def test_vocabularies() -> None:
    words = text.Vocabulary.of_words(["b a b", "c b a"], min_count=2)
    assert words.symbols == ["<pad>", "<unk>", "<s>", "</s>", "b", "a"]
    assert words.pad == 0
    assert words.encode("a c", end=True) == [5, 1, 3]
    assert words.decode([2, 5, 1, 3, 0], skip_special=False) == "<s> a <unk> </s> <pad>"
    assert len(text.Vocabulary.of_words(["b a b", "c b a"], max_size=5)) == 5
    letters = text.Vocabulary.of_characters("hello world")
    assert letters.decode(letters.encode("hold")) == "hold"
    assert "w" in letters
    assert letters["w"] == letters.encode("w")[0]
    with pytest.raises(KeyError, match="'z' is not in the vocabulary"):
        letters.encode("z")
    with pytest.raises(ValueError, match="'a' occurs twice"):
        text.Vocabulary(["a", "b", "a"])


def test_byte_pairs() -> None:
    """The example of the paper: newest and widest share their ending."""
    corpus = ["low"] * 5 + ["lower"] * 2 + ["newest"] * 6 + ["widest"] * 3
    pieces = text.BytePairVocabulary.learn(corpus, merges=3)
    assert list(pieces.ranks) == [("e", "s"), ("es", "t</w>"), ("l", "o")]
    assert pieces.split("lowest") == ["lo", "w", "est</w>"]
    sentence = "lowest newer widest low"
    assert pieces.decode(pieces.encode(sentence, start=True, end=True)) == sentence
    assert len(text.BytePairVocabulary.learn(["ab"], merges=10).ranks) == 1


def test_windows_cover_the_text() -> None:
    numbers = rng.integers(0, 9, 20)
    centres, contexts = text.skip_gram_pairs(numbers, 2)
    expected = [(numbers[i], numbers[j]) for i in range(20) for j in range(max(0, i - 2), min(20, i + 3)) if i != j]
    assert list(zip(centres, contexts, strict=True)) == expected
    around, middle = text.cbow_windows(numbers, 2)
    assert around[3].tolist() == [numbers[3], numbers[4], numbers[6], numbers[7]]
    assert middle[3] == numbers[5]
    columns = text.batchify(numbers, 3)
    assert columns.shape == (6, 3)
    np.testing.assert_array_equal(columns.T.ravel(), numbers[:18])
    seen = [(x, y) for x, y in text.bptt_windows(columns, 4)]
    np.testing.assert_array_equal(np.concatenate([x for x, _ in seen]), columns[:-1])
    np.testing.assert_array_equal(np.concatenate([y for _, y in seen]), columns[1:])
    with pytest.raises(ValueError, match="do not fill 9 columns"):
        text.batchify([1, 2], 9)
    lengths = rng.integers(1, 50, 64)
    batches = text.bucket_by_length(lengths, 8, seed=1)
    assert sorted(np.concatenate(batches)) == list(range(64))
    padding = sum(lengths[b].max() * len(b) - lengths[b].sum() for b in batches)
    assert padding < 0.15 * lengths.sum()
    padded, mask = text.pad_rows([[1, 2, 3], [], [4]], padding=-1)
    assert padded.tolist() == [[1, 2, 3], [-1, -1, -1], [4, -1, -1]]
    assert mask.sum() == 4


def markov(size: int) -> tuple[np.ndarray, Any]:
    table = np.log(rng.dirichlet(np.ones(size), size))
    return table, lambda token, state: (table[token], state)


def test_beam_search_with_a_wide_beam_finds_the_best_sequence() -> None:
    """Compared with all sequences of a small Markov chain."""
    table, step = markov(4)
    end, longest = 3, 4
    every = []
    for n in range(1, longest + 1):
        for tokens in product(range(4), repeat=n):
            if end in tokens[:-1] or (tokens[-1] != end and n < longest):
                continue
            every.append((sum(table[a, b] for a, b in zip((0, *tokens), tokens, strict=False)), list(tokens)))
    for penalty in (0.0, 1.0):
        best = max(every, key=lambda item: item[0] / ((5 + len(item[1])) / 6) ** penalty)
        found = text.beam_search(step, 0, end, longest, beam=64, length_penalty=penalty)[0]
        assert found.tokens == best[1]
        assert found.log_probability == pytest.approx(best[0])
    one = text.beam_search(step, 0, end, 8, beam=1)[0].tokens
    assert text.greedy(step, 0, end, 8)[: len(one)] == one


def test_no_way_to_decode_gives_more_tokens_than_asked_for() -> None:
    def step(token: int, state: Any) -> Any:
        return np.zeros(3), state

    for longest in (0, 1, 4):
        assert len(text.greedy(step, 0, 2, longest)) == len(text.sample(step, 0, None, longest)) == longest
        assert {len(found.tokens) for found in text.beam_search(step, 0, 2, longest, beam=2)} <= set(range(longest + 1))


def test_sampling_follows_the_filtered_probabilities() -> None:
    logits = np.log([0.4, 0.3, 0.2, 0.1])
    np.testing.assert_allclose(text.filtered(logits, top_k=2), [4 / 7, 3 / 7, 0, 0])
    np.testing.assert_allclose(text.filtered(logits, top_p=0.65), [4 / 7, 3 / 7, 0, 0])
    np.testing.assert_allclose(text.filtered(logits, top_p=1e-9), [1, 0, 0, 0])
    squares = np.array([0.16, 0.09, 0.04, 0.01])
    np.testing.assert_allclose(text.filtered(logits, temperature=0.5), squares / squares.sum())
    mg.random.manual_seed(0)
    drawn = text.sample(lambda token, state: (logits, state), 0, None, 4000, top_k=3)
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 4000, [4 / 9, 3 / 9, 2 / 9, 0], atol=0.03)
    mg.random.manual_seed(0)
    assert text.sample(lambda token, state: (logits, state), 0, None, 4000, top_k=3) == drawn
    assert text.sample(lambda token, state: (np.log([1e-9, 1 - 1e-9]), state), 0, 1, 50)[-1] == 1
    with pytest.raises(ValueError, match="there is greedy"):
        text.filtered(logits, temperature=0.0)


def files(folder: Path, words: list[str], vectors: np.ndarray) -> dict[str, Path]:
    lines = [f"{word} " + " ".join(repr(float(v)) for v in row) for word, row in zip(words, vectors, strict=True)]
    head = f"{len(words)} {vectors.shape[1]}\n"
    binary = b"".join(w.encode() + b" " + row.astype("<f4").tobytes() + b"\n" for w, row in zip(words, vectors, strict=True))
    contents = {"glove": "\n".join(lines).encode(), "text": (head + "\n".join(lines)).encode(), "binary": head.encode() + binary}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in contents}


def test_files_of_word_vectors(tmp_path: Path) -> None:
    words, vectors = ["der", "Straße", "new", "york"], rng.normal(size=(4, 5)).astype(np.float32)
    for path in files(tmp_path, words, vectors).values():
        got = text.read_vectors(path)
        assert got.words == words
        np.testing.assert_allclose(got.vectors, vectors, rtol=1e-6)
        assert len(text.read_vectors(path, max_words=2)) == 2
    content = (tmp_path / "binary").read_bytes()
    for bad, message in (
        (content[:-9], "cut off after 3 words"),
        (b"9 2\na 1.0 2.0\n", "9 words are announced, the file ends after 1"),
        (b"a 1.0 2.0\nb 1.0\n", "line 2: 1 values, the lines before have 2"),
        (b"a 1.0 2.0\nb 1.0 x\n", "line 2: could not convert"),
        (b"a 1.0 nan\n", "the vector of 'a' is not finite"),
        (b"", "holds no vectors"),
    ):
        (tmp_path / "bad").write_bytes(bad)
        with pytest.raises(ValueError, match=message):
            text.read_vectors(tmp_path / "bad")


def test_words_are_what_stands_before_the_numbers(tmp_path: Path) -> None:
    """GloVe's largest file has ". . ." and "at name@domain.com"; others have U+0085 and numbers as words."""
    path = tmp_path / "vectors"
    words = [". . .", "a\u0085b", "1", "nan", "at name@domain.com", "x\u2028y"]
    lines = [f"{word} {i}.5 -{i}e-1" for i, word in enumerate(words)]
    for content in ("\n".join(lines), "6 2\r\n" + "\r\n".join(lines) + "\r\n"):
        path.write_bytes(content.encode())
        got = text.read_vectors(path)
        assert got.words == words
        np.testing.assert_allclose(got.vectors, [[i + 0.5, -i / 10] for i in range(6)])
    path.write_bytes(b"a\xff 1 2\na\xfe 3 4\n")
    assert text.read_vectors(path).words == ["a\\xff", "a\\xfe"]
    path.write_text("a 1 2\nb 3 4\na 5 6\n", "utf-8")
    with pytest.warns(UserWarning, match="1 words occur twice, 'a' say"):
        got = text.read_vectors(path)
    assert got.words == ["a", "b"] and got["a"].tolist() == [1, 2]
    for bad, message in (
        ("a 1 2\nb 1 2 3\n", "line 2: 3 values, the lines before have 2"),
        ("a\n", "line 1: 0 values, there must be a word and its numbers"),
        ("2 2\na 1 2\nb 3 4\nc 5 6\n", "2 words are announced, but the file goes on after them"),
        ("1 0\na\n", "vectors of no values"),
        ("a 1e39 2\n", "the vector of 'a' is not finite"),
        ("9" * 18 + " 3\na 1 2 3\n", "the file ends after 1"),
        ("a " + "1 " * 5_000_000, "line 1 has more than 8,388,608 characters"),
        ("3 " + "9" * 18 + "\na 1 2 3\n", "cut off after 0 words"),
    ):
        path.write_text(bad, "utf-8")
        with pytest.raises(ValueError, match=message) as caught:
            text.read_vectors(path)
        assert str(path) in str(caught.value)
    with pytest.raises(ValueError, match="'a' occurs twice"):
        text.WordVectors(["a", "a"], np.ones((2, 2)))
    with pytest.raises(TypeError, match="a floating type, got int64"):
        text.read_vectors(path, dtype=np.int64)


def test_directions_of_very_long_vectors_are_finite() -> None:
    """The squares of float32 numbers overflow beyond 1e19."""
    vectors = text.WordVectors(["a", "b", "c"], np.array([[1e30, 0], [1e-30, 0], [0, 1.0]], np.float32))
    assert [word for word, _ in vectors.nearest("a", 1)] == ["b"]


def test_neighbours_and_analogies(tmp_path: Path) -> None:
    """Vectors made of meanings: royalty, sex, and noise."""
    words = ["king", "queen", "man", "woman", "prince", "princess", "apple"]
    meanings = np.array([[1, 1, 0], [1, -1, 0], [0, 1, 0], [0, -1, 0], [1, 1, 0.5], [1, -1, 0.5], [-1, 0, 1.0]])
    vectors = text.WordVectors(words, meanings + rng.normal(size=meanings.shape) * 0.02)
    assert vectors.nearest("king", 1)[0][0] == "prince"
    assert vectors.nearest("queen", 1, metric="euclidean")[0][0] == "princess"
    assert vectors.nearest(vectors["king"], 1)[0][0] == "king"
    for method in ("3CosAdd", "3CosMul"):
        assert vectors.analogy("man", "king", "woman", 2, method)[0][0] in ("queen", "princess")
    (tmp_path / "questions").write_text(
        ": royal\nprince princess king queen\nking unknown a b\n: other\nman woman prince princess\n",
        "utf-8",
    )
    assert vectors.evaluate(tmp_path / "questions") == {"royal": (1, 1), "other": (1, 1)}
    (tmp_path / "questions").write_text("king queen man\n", "utf-8")
    with pytest.raises(ValueError, match="line 1: an analogy is four words"):
        vectors.evaluate(tmp_path / "questions")
    with pytest.raises(KeyError, match="no vector for 'pear'"):
        vectors["pear"]
    with pytest.raises(ValueError, match="'3CosAdd' or '3CosMul'"):
        vectors.analogy("man", "king", "woman", method="sum")


def test_numbers_of_vectors_are_a_files_not_pythons(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("a 1.0 2.0\nb 1_0 2.0\n", "utf-8")
    with pytest.raises(ValueError, match="line 2"):
        text.read_vectors(tmp_path / "v.txt")


@pytest.mark.parametrize("bad", [-1, 0, 1.5, "a", True])
def test_a_number_of_words_that_is_none_is_refused(tmp_path: Path, bad: Any) -> None:
    (tmp_path / "v.txt").write_text("a 1.0 2.0\nb 1.0 2.0\n", "utf-8")
    with pytest.raises(ValueError, match="max_words must be a whole number of at least 1"):
        text.read_vectors(tmp_path / "v.txt", max_words=bad)
