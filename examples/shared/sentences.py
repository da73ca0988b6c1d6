"""English sentences and their French: a small grammar whose test has new combinations, or a file of pairs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from nn.text import Vocabulary, pad_rows

from .seeds import generator

# fmt: off
#: English, French, and which form of the verb follows.
WHO = [
    ("i", "je", 0), ("you", "tu", 1), ("he", "il", 2), ("she", "elle", 2), ("we", "nous", 3), ("they", "ils", 4),
    ("the boy", "le garçon", 2), ("the girls", "les filles", 4), ("my mother", "ma mère", 2),
]
#: The English verb, alone and after she; the French one after je, tu, il, nous, ils.
VERBS = [
    ("see sees", "vois vois voit voyons voient"), ("want wants", "veux veux veut voulons veulent"),
    ("take takes", "prends prends prend prenons prennent"), ("find finds", "trouve trouves trouve trouvons trouvent"),
    ("sell sells", "vends vends vend vendons vendent"), ("lose loses", "perds perds perd perdons perdent"),
    ("wash washes", "lave laves lave lavons lavent"), ("carry carries", "porte portes porte portons portent"),
    ("keep keeps", "garde gardes garde gardons gardent"), ("seek seeks", "cherche cherches cherche cherchons cherchent"),
]
#: One and many in English; masculine, feminine and many in French.
ARTICLES = [("the the", "le la les"), ("this these", "ce cette ces"), ("my my", "mon ma mes"), ("her her", "son sa ses")]
#: One and many in English, and the French noun of masculine and of feminine ones.
MASCULINE = [
    ("cat cats", "chat"), ("dog dogs", "chien"), ("book books", "livre"), ("garden gardens", "jardin"), ("bag bags", "sac"),
    ("bread breads", "pain"), ("glass glasses", "verre"), ("boat boats", "canot"),
]
FEMININE = [
    ("house houses", "maison"), ("flower flowers", "fleur"), ("car cars", "voiture"), ("table tables", "table"),
    ("shirt shirts", "chemise"), ("chair chairs", "chaise"), ("key keys", "clé"), ("box boxes", "caisse"),
]
NOUNS = MASCULINE + FEMININE
#: Masculine and feminine in French; the last three stand before their noun.
ADJECTIVES = [
    ("black", "noir noire"), ("green", "vert verte"), ("white", "blanc blanche"), ("blue", "bleu bleue"),
    ("round", "rond ronde"), ("small", "petit petite"), ("great", "grand grande"), ("pretty", "joli jolie"),
]
# fmt: on


def sentence(rng: np.random.Generator, held: bool) -> tuple[str, str]:
    """One of 184,320 sentences; `held`: with one of the pairs of adjective and noun that only the test has."""
    which, noun = rng.integers(len(ADJECTIVES)), rng.integers(len(NOUNS))
    while ((which + noun) % 4 == 0) != held:
        which, noun = rng.integers(len(ADJECTIVES)), rng.integers(len(NOUNS))
    who, qui, person = WHO[rng.integers(len(WHO))]
    (verb, verbe), (article, le) = VERBS[rng.integers(len(VERBS))], ARTICLES[rng.integers(len(ARTICLES))]
    (adjective, adjectif), (thing, chose) = ADJECTIVES[which], NOUNS[noun]
    many, negated, feminine = int(rng.integers(2)), rng.integers(2) == 1, int(noun >= len(MASCULINE))
    does = f"{'does' if person == 2 else 'do'} not {verb.split()[0]}" if negated else verb.split()[person == 2]
    fait = f"ne {verbe.split()[person]} pas" if negated else verbe.split()[person]
    group = [chose + "s" * many, adjectif.split()[feminine] + "s" * many]
    if which >= len(ADJECTIVES) - 3:
        group.reverse()
    english = f"{who} {does} {article.split()[many]} {adjective} {thing.split()[many]}"
    return english, f"{qui} {fait} {le.split()[2 if many else feminine]} {' '.join(group)}"


def several(rng: np.random.Generator, count: int, held: bool) -> list[tuple[str, str]]:
    """So many different sentences."""
    found: dict[str, str] = {}
    while len(found) < count:
        found.update([sentence(rng, held)])
    return list(found.items())


def read(path: Path) -> list[tuple[str, str]]:
    """Pairs of lines "english<TAB>french<TAB>...": words and marks, in small letters."""
    lines = [line.split("\t")[:2] for line in path.read_text(encoding="utf-8").replace("’", "'").splitlines()]
    return [tuple(" ".join(re.findall(r"[\w']+|[.?!,]", side.lower())) for side in pair) for pair in lines]


class Sentences:
    """Pairs of sentences as numbers, those of the training first, and a test of sentences that are not in it.

    Args:
        data: None for the grammar; or a file of pairs, a tenth of whose English sentences is the test.
        train: how many of the grammar's to train on.

    Attributes:
        source: (N, S), padded with 0, and their `lengths` (N,).
        target: (N, T) with start and end, padded with 0.
        english, references: the texts; all the known translations of each.
        train, test: how many rows to train on, and the numbers of the others.
        left_out: how many sentences are not asked, as they are in training but for words that are <unk>.
    """

    def __init__(self, data: Path | None = None, train: int = 2500, test: int = 300) -> None:
        rng = generator(1002)
        if data is None:
            self.pairs = several(rng, train, held=False) + several(rng, test, held=True)
            known = {english: [french] for english, french in self.pairs}
        else:
            self.pairs, known, train = self._cut(read(data), rng)
        learned, least = self.pairs[:train], 1 if data is None else 2
        sides = [Vocabulary.of_words([pair[k] for pair in learned], min_count=least) for k in (0, 1)]
        self.words, self.target_words = sides
        seen = {tuple(self.words.encode(english)) for english, _ in learned}
        asked = [pair for pair in self.pairs[train:] if tuple(self.words.encode(pair[0])) not in seen]
        self.left_out, self.pairs = len(self.pairs) - train - len(asked), learned + asked
        self.train, self.test = train, np.arange(train, len(self.pairs))
        self.english = [english for english, _ in self.pairs]
        self.references = [known[english] for english in self.english]
        self.sizes = len(sides[0]), len(sides[1])
        self.source, mask = pad_rows([sides[0].encode(english) for english in self.english])
        self.lengths = mask.sum(axis=1)
        self.target, _ = pad_rows([sides[1].encode(french, start=True, end=True) for _, french in self.pairs])

    def _cut(self, pairs: list[tuple[str, str]], rng: np.random.Generator) -> Any:
        """Cut so that no English sentence of the test stands in training, whatever its marks; the test has each once."""

        def plain(english: str) -> str:
            return " ".join(re.findall(r"[\w']+", english))

        known: dict[str, list[str]] = {}
        for english, french in pairs:
            known.setdefault(english, []).append(french)
        keys = sorted({plain(english) for english in known})
        held = set(rng.permutation(keys)[: len(keys) // 10].tolist())
        train = [pair for pair in pairs if plain(pair[0]) not in held]
        test = [(english, found[0]) for english, found in known.items() if plain(english) in held]
        order = rng.permutation(len(train))
        return [train[i] for i in order] + test, known, len(train)

    def texts(self, rows: np.ndarray) -> list[str]:
        """What a model wrote, (N, T), up to the end."""
        end = self.target_words["</s>"]
        return [self.target_words.decode(row[: [*row, end].index(end)]) for row in rows.tolist()]

    def nearest(self, rows: np.ndarray) -> list[str]:
        """A baseline: the translation of the training sentence that has most words in common (cosine)."""
        counts = np.zeros((len(self.source), self.sizes[0]), np.float32)
        np.add.at(counts, (np.arange(len(self.source))[:, None], self.source), 1.0)
        counts[:, 0] = 0
        counts /= np.linalg.norm(counts, axis=1, keepdims=True)
        return [self.pairs[i][1] for i in (counts[rows] @ counts[: self.train].T).argmax(axis=1)]

    def word_for_word(self, rows: np.ndarray, rounds: int = 8) -> list[str]:
        """A baseline: each word's most probable translation, in the same order.

        The table is IBM's first model (Brown et al., 1993): by expectation and maximization, each
        French word comes from one English word of its sentence.
        """
        table = np.ones(self.sizes)
        for _ in range(rounds):
            counts = np.full(self.sizes, 1e-9)
            for x, y, n in zip(self.source[: self.train], self.target, self.lengths, strict=False):
                place = np.ix_(x[:n], y[(y > 3) | (y == 1)])
                np.add.at(counts, place, table[place] / table[place].sum(axis=0))
            table = counts / counts.sum(axis=1, keepdims=True)
        best = table.argmax(axis=1)
        return [self.target_words.decode(best[self.source[i, : self.lengths[i]]]) for i in rows]
