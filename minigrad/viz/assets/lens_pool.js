// Pooling from inside: who won in each window, or what a window sums up, and where the gradient goes.

class PoolingLens {
  constructor(step, page) {
    Object.assign(this, { step, page, way: "window", windows: Windows.of(step.given.window.value), isMaximum: step.op === "max_pool" });
    const source = page.graph.byId.get(step.given.x.from);
    this.label = source.label;
    const axes = step.given.window.value.shape.length;
    this.leading = source.shape.slice(0, source.shape.length - axes);
    this.state = { plane: this.leading.map(() => 0), p: middle(this.windows.out), q: middle(this.windows.shape) };
    const move = (dy, dx) => this.move(dy, dx);
    this.before = new Pixels(`${source.label}, pixels`, { pick: (y, x) => this.pick("pixel", "q", [y, x], this.windows.shape), move });
    this.after = new Pixels(`${step.label}, pixels`, { pick: (y, x) => this.pick("window", "p", [y, x], this.windows.out), move });
    this.build();
  }

  build() {
    const names = { 1: ["channel"], 2: ["image", "channel"] }[this.leading.length] ?? this.leading.map((_, i) => `axis ${i}`);
    this.fields = this.leading.map((length, i) => chooser(names[i], length, () => this.state.plane[i], (x) => { this.state.plane[i] = x; this.update(); })).filter(Boolean);
    this.ways = choice({ window: "Forward", pixel: "Backward" }, () => this.way, (way) => { this.way = way; this.update(); });
    this.found = el("div", { class: "found" });
    const dots = this.isMaximum ? " A dot marks each pixel that wins a window." : "";
    this.element = el("div", { class: "look" }, el("div", { class: "row" }, this.ways), el("div", { class: "row fields" }, ...this.fields),
      el("div", { class: "sides" }, el("div", { class: `pictures${this.windows.isFlat ? " flat" : ""}` }, this.before.element, this.after.element), this.found),
      el("p", { class: "quiet" }, `Click a pixel of ${this.step.label} to see its window, one of ${this.label} to see where its gradient comes from.${dots} Arrow keys move.`));
  }

  pick(way, name, place, ends) {
    this.way = way;
    this.state[name] = place.map((at, i) => Math.max(0, Math.min(ends[i] - 1, at)));
    this.update();
  }

  move(dy, dx) {
    const [name, ends] = this.way === "window" ? ["p", this.windows.out] : ["q", this.windows.shape];
    this.pick(this.way, name, [this.state[name][0] + dy, this.state[name][1] + dx], ends);
  }

  // The plane that is chosen, of an array with the input's or the output's size.
  plane(array, size) {
    const number = this.state.plane.reduce((all, at, i) => all * this.leading[i] + at, 0);
    return planeOf(array, number, size);
  }

  // The place in the window that wins: the first of the largest, a NaN before all; never the padding.
  winner(at, p) {
    let best = null;
    for (const k of this.windows.rows((place) => place).flat()) {
      const x = at(...this.windows.place(p, k));
      if (x !== null && (best === null || x > best.x || Number.isNaN(x))) best = { k, x, q: this.windows.place(p, k) };
    }
    return best;
  }

  update() {
    const given = operands(this.step, ["x"], this.page);
    if (!given) return;
    [this.ways, ...this.fields].forEach((part) => part.show());
    const isForward = this.way === "window";
    const sent = sentTo(this.step, "x", this.page);
    const gradient = this.page.numbers.gradient(this.step.id);
    this.given = this.plane(given.x, this.windows.shape);
    const before = isForward || !sent ? this.given : this.plane(sent, this.windows.shape);
    const after = this.plane(isForward || !gradient ? given.out : gradient, this.windows.out);
    const { places } = this.windows;
    this.winners = this.isMaximum ? places.map((p) => this.winner(this.given.at, p)) : null;
    this.draw(before, after, isForward, Boolean(sent), Boolean(gradient));
    this.found.replaceChildren(...(isForward ? this.tellWindow(after) : this.tellPixel(sent && before, gradient && after)));
  }

  winnerOf([y, x]) {
    return this.winners[y * this.windows.out[1] + x];
  }

  // The windows that pixel q is in, and whether it has a part in what comes out.
  readers(q) {
    return this.windows.rows((k) => this.windows.reader(q, k)).flat().filter(Boolean)
      .map((p) => ({ p, counts: !this.isMaximum || String(this.winnerOf(p)?.q) === String(q) })).sort((a, b) => a.p[0] - b.p[0] || a.p[1] - b.p[1]);
  }

  draw(before, after, isForward, isSent, arrives) {
    const { p, q } = this.state;
    const kind = isForward ? "value" : "gradient";
    const one = ([y, x], of) => ({ y, x, kind: of });
    const winner = this.isMaximum && isForward ? this.winnerOf(p) : null;
    const counting = isForward ? [] : this.readers(q).filter(({ counts }) => counts);
    const marks = isForward ? [{ ...this.windows.outline(p), kind }, ...(winner ? [one(winner.q, "gradient")] : [])] : [one(q, kind)];
    const dots = this.isMaximum ? this.winners.filter(Boolean).map((best) => best.q) : [];
    const name = (label, isThere) => (isForward || !isThere ? label : `gradient of ${label}`);
    this.before.show({ ...before, ...this.windows.frame, marks, dots, kind: isSent ? kind : "value", title: name(this.label, isSent) });
    this.after.show({ ...after, marks: isForward ? [one(p, kind)] : counting.map((reader) => one(reader.p, kind)), kind: arrives ? kind : "value", title: name(this.step.label, arrives) });
  }

  name(label, place) {
    return `${label}[${[...this.state.plane, ...(this.windows.isFlat ? place.slice(1) : place)].join(", ")}]`;
  }

  tellWindow(after) {
    const { p } = this.state;
    const best = this.isMaximum ? this.winnerOf(p) : null;
    const rows = this.windows.rows((k) => this.given.at(...this.windows.place(p, k)));
    const out = this.name(this.step.label, p);
    const table = factors([{ sign: "", title: `${this.label}, window`, kind: "window value", rows, range: [this.given.low, this.given.high], chosen: (y, x) => best && best.k[0] === y && best.k[1] === x }]);
    const total = bit("total", after.at(...p));
    if (best) return [el("p", { class: "what" }, out), table, el("p", { class: "equation" }, "largest: ", bit("winner", this.name(this.label, best.q)), " = ", total), el("p", { class: "quiet" }, "It alone gets the gradient of this window.")];
    const sum = rows.flat().reduce((all, x) => all + (x ?? 0), 0);
    return [el("p", { class: "what" }, out), table, el("p", { class: "equation" }, "sum ", bit("sum", sum), ` = ${out} = `, total), this.division() ?? "", el("p", { class: "quiet" }, "Each pixel gets the gradient of this window.")];
  }

  // The mean is the sum divided, in the step that follows.
  division() {
    const next = this.page.graph.steps.find((other) => other.op === "divide" && other.given.x?.from === this.step.id);
    const by = typeof next?.given.y?.value === "number" ? next.given.y.value : null;
    return next ? el("p", { class: "quiet" }, by ? `The step after it divides by ${by}: ${next.label} is the mean.` : `The step after it divides by the numbers of pixels: ${next.label} is the mean.`) : null;
  }

  tellPixel(sent, arrives) {
    const name = this.name(this.label, this.state.q);
    const readers = this.readers(this.state.q);
    const counting = readers.filter(({ counts }) => counts);
    if (!arrives) return [el("p", { class: "what" }, `gradient of ${name}`), el("p", { class: "quiet" }, "No gradient arrives here.")];
    const parts = counting.map(({ p }) => ({ name: this.name(this.step.label, p), sum: arrives.at(...p) }));
    const lost = readers.length - counting.length;
    const text = !readers.length ? "It is in no window." : !this.isMaximum ? `It is in ${readers.length} window${readers.length > 1 ? "s" : ""}; each sends its gradient.`
      : `It is in ${readers.length} window${readers.length > 1 ? "s" : ""} and wins ${counting.length || "none"}${lost && counting.length ? `; the other${lost > 1 ? "s send" : " sends"} it nothing` : ""}.`;
    const sum = parts.reduce((all, part) => all + part.sum, 0);
    return [
      el("p", { class: "what" }, `gradient of ${name}`), el("p", { class: "quiet" }, text),
      parts.length ? sums(parts, -1, (i) => this.pick("window", "p", counting[i].p, this.windows.out)) : "",
      el("p", { class: "equation" }, "sum ", bit("sum", sum), ...(sent ? [` = d ${name} = `, bit("total", sent.at(...this.state.q))] : [])),
      sent ? "" : el("p", { class: "quiet" }, sentNote(this.page, this.step, "x")),
    ];
  }
}

function pooling(step, numbers, page) {
  if (step.given.window?.value?.shape.length > 2 || !operands(step, ["x"], page)) return null;
  const look = new PoolingLens(step, page);
  look.update();
  return { element: look.element, update: () => look.update() };
}

LENSES.max_pool = pooling;
LENSES.sum_pool = pooling;
