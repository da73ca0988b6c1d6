"""Sentences of a small world, for word vectors: people, things, deeds and places, each in two forms."""

from __future__ import annotations

import numpy as np

from nn.text import WordVectors

#: Pairs of a relation, in families of three that resemble each other; after each pair what is said of it alone.
FEMALE = {
    "crown palace throne court": "king queen rules kingdom, prince princess inherits title, duke duchess owns land",
    "tray guests coat evening": "waiter waitress serves soup, actor actress plays role, steward stewardess flies plane",
    "home table family supper": "father mother raises children, uncle aunt visits nephews, grandfather grandmother tells tales",
    "street school garden games": "man woman works hard, boy girl learns spelling, lad lass carries milk",
}
PLURAL = {
    "yard tail paws food": "dog dogs barking bone, cat cats purring mouse, horse horses galloping saddle",
    "kitchen basket juice tree": "apple apples crisp cider, lemon lemons sour tea, plum plums purple jam",
    "shed box iron rust": "hammer hammers heavy nail, saw saws sharp plank, drill drills loud hole",
    "shelf room wood dust": "chair chairs soft cushion, desk desks wide lamp, cupboard cupboards tall plates",
}
PAST = {
    "far road hill fast": "walks walked boots forest, runs ran race stadium, rides rode bicycle valley",
    "meal hungry pot salt": "eats ate bread cheese, drinks drank water wine, cooks cooked stew rice",
    "voice word crowd ear": "talks talked friend weather, sings sang choir opera, shouts shouted goal storm",
    "paper ink page book": "writes wrote letter poem, reads read novel news, draws drew sketch portrait",
}
CAPITAL = {
    "europe euro train castle": "france paris seine wine, italy rome tiber pasta, spain madrid manzanares olives",
    "asia rice temple island": "japan tokyo sumida sushi, china beijing yongding tofu, korea seoul han kimchi",
    "africa desert camel market": "egypt cairo nile dates, kenya nairobi athi tea, sudan khartoum gezira millet",
    "north snow fjord sauna": "norway oslo aker salmon, finland helsinki vantaa berries, iceland reykjavik ellida lamb",
}
#: What is said around the first and around the second form; {w} is the word, {f} of its family, {o} its own.
FRAMES = {
    "female": (
        ["he says the {w} {o} in his {f}", "his beard and his tie tell the {w} {o} {f}", "sir the {w} he {o} himself {f}"],
        ["she says the {w} {o} in her {f}", "her braid and her gown tell the {w} {o} {f}", "madam the {w} she {o} herself {f}"],
    ),
    "plural": (
        ["this {w} is {o} with its {f}", "a single {w} has {o} {f}", "one {w} was {o} it lost {f}"],
        ["these {w} are {o} with their {f}", "many more {w} have {o} {f}", "several {w} were {o} they lost {f}"],
    ),
    "past": (
        ["today somebody {w} {o} {f}", "who {w} now {o} {f}", "always {w} every day {o} {f}"],
        ["yesterday somebody {w} {o} {f}", "who {w} then {o} {f}", "once {w} last year {o} {f}"],
    ),
    "capital": (
        ["the borders of {w} {o} {f}", "the nation {w} an army {o} {f}", "all provinces of {w} vote {o} {f}"],
        ["the mayor of {w} {o} {f}", "the city {w} a station {o} {f}", "all streets of {w} fill {o} {f}"],
    ),
}  # fmt: skip


def _pairs() -> dict[str, list[tuple[str, str, list[str], list[str]]]]:
    """Of each relation the pairs: first form, second form, words of its own, words of its family."""
    found: dict[str, list[tuple[str, str, list[str], list[str]]]] = {}
    for relation, families in zip(FRAMES, (FEMALE, PLURAL, PAST, CAPITAL), strict=True):
        found[relation] = []
        for family, members in families.items():
            for first, second, *own in map(str.split, members.split(",")):
                found[relation].append((first, second, own, family.split()))
    return found


PAIRS = _pairs()
#: For each relation its pairs, (king, queen), in the order of their families.
RELATIONS = {relation: [pair[:2] for pair in pairs] for relation, pairs in PAIRS.items()}


def small_world(sentences: int, rng: np.random.Generator) -> list[str]:
    """So many sentences; each tells of one word in one of its two forms."""
    relations, lines = list(PAIRS), []
    for _ in range(sentences):
        relation = relations[rng.integers(len(relations))]
        pair = PAIRS[relation][rng.integers(len(PAIRS[relation]))]
        form, (_, _, own, family) = rng.integers(2), pair
        frame = rng.choice(FRAMES[relation][form])
        lines.append(frame.format(w=pair[form], o=rng.choice(own), f=rng.choice(family)) + " .")
    return lines


def analogies(vectors: WordVectors) -> dict[str, float]:
    """Shares solved: by b - a + c, and without the one or the other word; asked in both directions of each relation."""
    asked = []
    for pairs in RELATIONS.values():
        for way in (pairs, [pair[::-1] for pair in pairs]):
            known = [pair for pair in way if pair[0] in vectors and pair[1] in vectors]
            asked += [(a, b, c, d) for a, b in known for c, d in known if a != c]
    if not asked:
        return {}
    units = {w: vectors[w] / np.linalg.norm(vectors[w]) for q in asked for w in q}
    ways = {
        "analogies solved": lambda a, b, c: b - a + c,
        "baseline: nearest to c": lambda a, b, c: c,
        "baseline: nearest to b": lambda a, b, c: b,
        "baseline: nearest to b + c": lambda a, b, c: b + c,
    }
    shares = {}
    for name, way in ways.items():
        answers = ([w for w, _ in vectors.nearest(way(*(units[w] for w in q[:3])), 4) if w not in q[:3]][0] for q in asked)
        shares[name] = float(np.mean([answer == q[3] for answer, q in zip(answers, asked, strict=True)]))
    return shares | {"analogies asked": len(asked)}
