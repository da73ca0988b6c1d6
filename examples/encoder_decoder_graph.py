"""The graph of an encoder-decoder, drawn three ways: unrolled, with repeated steps as one, and as a page to play through."""

import xml.etree.ElementTree as ET

import numpy as np
from number_phrases import Phrases, Translator
from shared import OUT, run

import nn
from minigrad import viz


class Unrolled(Translator):
    """The decoder word by word, so that its steps are seen."""

    def __init__(self, words, letters, hidden):
        super().__init__(words, letters, hidden)
        self.cell = nn.GRUCell(hidden, hidden)

    def forward(self, x, lengths, before):
        h, outs = self.encode(x, lengths)[0], []
        for t in range(before.shape[1]):
            h = self.cell(self.write(before[:, t]), h)
            outs.append(self.out(h))
        return np.stack(outs, axis=1)


def main(hidden=16):
    data = Phrases(np.array([321, 45]))
    model = Unrolled(len(data.words), len(data.digits), hidden)
    given = data.source, data.lengths, data.target[:, :-1]
    OUT.mkdir(exist_ok=True)
    unrolled = viz.draw(model, *given, depth=1)
    compact = viz.draw(model, *given, depth=1, repeats="compact", direction="LR")
    viz.explore(model, OUT / "encoder_decoder_graph.html", *given)
    try:
        unrolled.render(OUT / "encoder_decoder_graph.svg")
        compact.render(OUT / "encoder_decoder_graph.png")
    except viz.DotNotFoundError as error:
        return {"pictures": str(error)}
    svg = ET.parse(OUT / "encoder_decoder_graph.svg").getroot()
    return {
        "steps": len(unrolled.steps),
        "size of the unrolled drawing": f"{svg.attrib['width']} x {svg.attrib['height']}",
        "page": str(OUT / "encoder_decoder_graph.html"),
    }


if __name__ == "__main__":
    run(main)
