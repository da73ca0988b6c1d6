// A weight of a convolution: it is used at all places of all images, and its gradient is the sum of what they send.

function tellWeight(lens, { large, small, weight, kinds }) {
  const { state, windows, labels, page, step } = lens;
  const name = lens.parameters.w;
  const [high, wide] = windows.size;
  const inner = state.large % lens.perGroup.large; // weights know the channels of their group alone
  const at = (state.small * lens.perGroup.large + inner) * high * wide + state.k[0] * wide + state.k[1];
  const place = `${page.graph.byId.get(step.given[name].from).label}[${[state.small, inner, ...lens.shown(state.k)].join(", ")}]`;
  const parts = Array.from({ length: lens.shapes.large[0] }, (_, image) => ({ name: `image ${image}`, sum: sumOverPlaces(lens, large, small, image) }));
  const sum = parts.reduce((all, part_) => all + part_.sum, 0);
  const sent = sentTo(step, name, page);
  const factors_ = [lens.plane(large, state.large).at(...windows.place(state.p, state.k)) ?? 0, lens.plane(small, state.small, windows.out).at(...state.p)];
  const named = (key, q) => `${titled(labels[key], kinds[key])}[${[state.image, state[key], ...lens.shown(q)].join(", ")}]`;
  const kernel = windows.rows(([y, x]) => lens.weight({ weight }, state.small, state.large, [y, x]));
  const range = [-1, 1].map((sign) => sign * Math.max(...kernel.flat().map(Math.abs)));
  return [
    el("p", { class: "what" }, `gradient of ${place}`),
    factors([{ sign: "", title: "weights", kind: "weights", rows: kernel, range, pick: (y, x) => lens.pickWeight(y, x), chosen: (y, x) => y === state.k[0] && x === state.k[1] }]),
    el("p", { class: "quiet" }, `It is ${general(weight.data[at])}, the same at all ${windows.places.length} places of each image. Each sends its gradient times the pixel that it met: a dot marks those.`),
    el("p", { class: "equation" }, `${named("large", windows.place(state.p, state.k))} × ${named("small", state.p)} = `, bit("a", factors_[0]), " × ", bit("b", factors_[1]), " = ", bit("share", factors_[0] * factors_[1])),
    parts.length > 1 ? sums(parts, state.image, (i) => { lens.set("image", i); lens.update(); }) : "",
    el("p", { class: "equation" }, parts.length > 1 ? "sum over all places and images " : "sum over all places ", bit("sum", sum), ...(sent ? [` = d ${place} = `, bit("total", sent.data[at])] : [])),
    sent ? "" : el("p", { class: "quiet" }, sentNote(page, step, name)),
  ];
}

// Of one image: each small number times the large one that it meets at place k.
function sumOverPlaces({ state, windows }, large, small, image) {
  const from = planeOf(large, image * large.shape[1] + state.large, windows.shape);
  const to = planeOf(small, image * small.shape[1] + state.small, windows.out);
  return windows.places.reduce((sum, p) => sum + (from.at(...windows.place(p, state.k)) ?? 0) * to.at(...p), 0);
}
