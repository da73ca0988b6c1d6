"""The graph of an encoder-decoder: unrolled, with repeated steps as one, and as a page to play through.

Encoder, x the words: h_t = f(h_{t-1}, x_t), c = h_S. Decoder, y the digits: s_0 = c, s_t = f(s_{t-1},
y_{t-1}), p(y_t) = softmax(W s_t). In training the right digits y_{t-1} are given: each goes into a step of
the decoder (figure 21 of Neubig's tutorial, 2017). Each further digit adds the same nodes to the unrolled
graph, whose size so depends on the data; with repeats as one it stays what it was.
"""

import numpy as np
from shared import Phrases, Translator, run
from shared.pictures import OUT

import nn
from minigrad import viz

PUBLISHED = "Neubig, Neural machine translation and sequence-to-sequence models: a tutorial, 2017"


class Unrolled(Translator):
    """The decoder digit by digit, so that its steps are seen."""

    def __init__(self, words, digits, hidden):
        super().__init__(words, digits, hidden)
        self.cell = nn.GRUCell(hidden, hidden)

    def forward(self, x, lengths, before):
        h, outs = self.encode(x, lengths)[0], []
        for t in range(before.shape[1]):
            h = self.cell(self.write(before[:, t]), h)
            outs.append(self.out(h))
        return np.stack(outs, axis=1)


def count(drawn):
    """The nodes of a drawing; its other lines with labels are edges."""
    return sum("label=" in line and "->" not in line for line in drawn.source.splitlines())


def main(hidden=16, longest=6):
    nodes = {}
    OUT.mkdir(exist_ok=True)
    for digits in range(2, longest + 1):
        data = Phrases(numbers=np.array([10 ** (digits - 1) + 1]))
        model = Unrolled(*data.sizes, hidden)
        given = data.source, data.lengths, data.target[:, :-1]
        unrolled = viz.draw(model, *given, depth=1)
        compact = viz.draw(model, *given, depth=1, repeats="compact")
        nodes[digits] = [count(drawn) for drawn in (unrolled, compact)]
        if digits == 3:
            viz.explore(model, OUT / "encoder_decoder_graph.html", *given)
            try:
                unrolled.render(OUT / "encoder_decoder_graph.svg")
                compact.render(OUT / "encoder_decoder_graph.png")
            except viz.DotNotFoundError as error:
                print(error)
    return {
        "nodes unrolled, 3 digits": nodes[3][0],
        f"nodes unrolled, {longest} digits": nodes[longest][0],
        f"nodes with repeats as one, {longest} digits": nodes[longest][1],
        "nodes that a digit adds": (nodes[longest][0] - nodes[3][0]) / (longest - 3),
    }


if __name__ == "__main__":
    run(main)
