// Convolution from inside: a window slides over the image; a pixel's gradient comes from the windows that it is in.
//
// A convolution reads windows of a large plane and gives a small one; a transposed one goes the other way.  So there are two
// pictures for both: "window", all that one small pixel meets, and "pixel", all that one large pixel meets.

class ConvolutionLens {
  // parameters: the names of its image and its weights
  constructor(step, parameters, page, isTransposed) {
    Object.assign(this, { step, parameters, page, isTransposed, way: isTransposed ? "pixel" : "window", timer: null });
    this.actual = Windows.of(step.given.window.value);
    this.groups = step.given.groups?.value ?? 1;
    this.state = { image: 0, small: 0, large: 0, p: middle(this.actual.out), q: middle(this.actual.shape) };
    this.trial = isTransposed ? null : new Trial(this.actual, () => this.tryOut());
    const source = page.graph.byId.get(step.given[parameters.x].from);
    const [large, small] = isTransposed ? [step, source] : [source, step];
    this.labels = { large: large.label, small: small.label };
    this.shapes = { large: large.shape, small: small.shape };
    this.perGroup = { large: large.shape[1] / this.groups, small: small.shape[1] / this.groups };
    const move = (dy, dx) => this.slide(dy, dx);
    this.large = new Pixels(`${large.label}, pixels`, { pick: (y, x) => this.pickLarge(y, x), move });
    this.small = new Pixels(`${small.label}, pixels`, { pick: (y, x) => this.pickSmall(y, x), move });
    this.build(this.labels);
  }

  build(names) {
    const ways = this.isTransposed ? { pixel: "Forward", window: "Backward" } : { window: "Forward", pixel: "Backward" };
    this.ways = choice(ways, () => this.way, (way) => this.turn(way));
    this.player = el("button", { "data-part": "slide", onclick: () => this.play() }, "Slide");
    const field = (name, length, key) => chooser(name, length, () => this.state[key], (x) => { this.state[key] = x; this.update(); });
    const { large, small } = this.shapes;
    this.fields = [field("image", large[0], "image"), field(`channel of ${names.large}`, large[1], "large"), field(`channel of ${names.small}`, small[1], "small")].filter(Boolean);
    this.found = el("div", { class: "found" });
    const pictures = (this.isTransposed ? [this.small, this.large] : [this.large, this.small]).map(({ element }) => element);
    this.element = el("div", { class: "look" },
      el("div", { class: "row" }, this.ways, this.player), el("div", { class: "row fields" }, ...this.fields),
      el("div", { class: "sides" }, el("div", { class: `pictures${this.actual.isFlat ? " flat" : ""}` }, ...pictures), this.found),
      el("p", { class: "quiet" }, this.isTransposed ? `Click a pixel of ${names.large} to see what it is made of, one of ${names.small} to see where its gradient comes from.`
        : `Click a pixel of ${names.small} to see its window, one of ${names.large} to see where its gradient comes from. Arrow keys move.`),
      this.trial?.element);
  }

  // The large and the small array, forward or backward, and the weights (small, large / groups, *size).
  arrays() {
    const given = operands(this.step, [this.parameters.x, this.parameters.w, ...(this.step.given.bias ? ["bias"] : [])], this.page);
    if (!given) return null;
    const isForward = (this.way === "window") !== this.isTransposed;
    const [input, output] = isForward ? [given[this.parameters.x], given.out] : [sentTo(this.step, this.parameters.x, this.page), this.page.numbers.gradient(this.step.id)];
    const [large, small] = this.isTransposed ? [output, input] : [input, output];
    return { large, small, x: given[this.parameters.x], weight: given[this.parameters.w], bias: given.bias, isForward };
  }

  get windows() {
    return this.trial?.windows ?? this.actual;
  }

  // ---- what is chosen

  turn(way) {
    this.stop();
    if (way === "pixel") this.trial?.leave();
    this.way = way;
    this.update();
  }

  // The numbers of the trial are of another output: the same channel of the same image.
  tryOut() {
    this.stop();
    this.way = "window";
    this.update();
  }

  pickSmall(y, x) {
    this.state.p = [y, x];
    this.turn("window");
  }

  pickLarge(y, x) {
    this.state.q = [y, x].map((at, i) => Math.max(0, Math.min(this.actual.shape[i] - 1, at)));
    this.turn("pixel");
  }

  slide(dy, dx) {
    const [name, ends] = this.way === "window" ? ["p", this.windows.out] : ["q", this.windows.shape];
    this.state[name] = this.state[name].map((at, i) => Math.max(0, Math.min(ends[i] - 1, at + [dy, dx][i])));
    this.update();
  }

  play() {
    if (this.timer) {
      this.stop();
      return this.update();
    }
    const ends = this.way === "window" ? this.windows.out : this.windows.shape;
    const name = this.way === "window" ? "p" : "q";
    this.state[name] = [0, 0];
    this.timer = setInterval(() => {
      const [y, x] = this.state[name];
      const next = x + 1 < ends[1] ? [y, x + 1] : [y + 1, 0];
      if (!this.element.isConnected || next[0] >= ends[0]) this.stop();
      else this.state[name] = next;
      this.update();
    }, Math.max(40, Math.min(500, 12000 / (ends[0] * ends[1]))));
    this.update();
    return undefined;
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
  }

  // ---- what is shown

  update() {
    const arrays = this.arrays();
    const { state } = this;
    if (!arrays) return;
    state.p = state.p.map((at, i) => Math.min(at, this.windows.out[i] - 1));
    const group = (this.way === "window") ? Math.floor(state.small / this.perGroup.small) : Math.floor(state.large / this.perGroup.large);
    if (this.way === "window") state.large = this.within(state.large, group, this.perGroup.large);
    else state.small = this.within(state.small, group, this.perGroup.small);
    this.player.textContent = this.timer ? "Pause" : "Slide";
    [this.ways, ...this.fields].forEach((part) => part.show());
    const tried = this.trial?.windows ? convolved(this.windows, arrays, state, this.perGroup) : null;
    this.drawLarge(arrays);
    this.drawSmall(arrays, tried);
    this.found.replaceChildren(...(this.way === "window" ? this.tellWindow(arrays, group, tried) : this.tellPixel(arrays, group)));
    this.trial?.tell(this.actual);
  }

  // Channels that meet are those of one group.
  within(channel, group, count) {
    return group * count + (channel % count);
  }

  plane(array, channel, windows = this.actual, isLarge = true) {
    const size = isLarge ? windows.shape : windows.out;
    const start = (this.state.image * array.shape[1] + channel) * size[0] * size[1];
    const [low, high] = extent(array.data.subarray(start, start + size[0] * size[1]).filter(Number.isFinite));
    const at = (y, x) => (y < 0 || x < 0 || y >= size[0] || x >= size[1] ? null : array.data[start + y * size[1] + x]);
    return { at, low, high, top: 0, left: 0, height: size[0], width: size[1], note: `${general(low, 3)} to ${general(high, 3)}` };
  }

  drawLarge({ large, x, isForward }) {
    const { state, way, windows } = this;
    const array = large ?? x; // data, which gets no gradient
    const kind = isForward || !large ? "value" : "gradient";
    const marks = way === "pixel" ? [{ y: state.q[0], x: state.q[1], kind: isForward ? "value" : "gradient" }] : [
      ...windows.rows((k) => windows.place(state.p, k)).flat().map(([py, px]) => ({ y: py, x: px, kind: "faint" })),
      { ...windows.outline(state.p), kind: isForward ? "value" : "gradient" },
    ];
    const label = this.labels.large;
    const plane = this.plane(array, state.large);
    this.large.show({ ...plane, ...windows.frame, marks, kind, title: kind === "value" ? label : `gradient of ${label}` });
  }

  drawSmall({ small, isForward }, tried) {
    const { state, way, windows, timer } = this;
    const kind = isForward ? "value" : "gradient";
    const plane = tried ?? this.plane(small, state.small, this.actual, false);
    const isDone = ([y, x]) => !timer || way === "pixel" || y < state.p[0] || (y === state.p[0] && x <= state.p[1]);
    const at = (y, x) => (isDone([y, x]) ? plane.at(y, x) : null);
    const met = way === "window" ? [state.p] : windows.rows((k) => windows.reader(state.q, k)).flat().filter(Boolean);
    const marks = met.map(([y, x]) => ({ y, x, kind }));
    const label = this.labels.small;
    const title = tried ? `${label}, if it were so` : isForward ? label : `gradient of ${label}`;
    this.small.show({ ...plane, at, marks, kind, title });
  }

  // The weight between two channels at place k of the window.
  weight({ weight }, small, large, [y, x]) {
    const [high, wide] = this.actual.size;
    return weight.data[((small * this.perGroup.large + (large % this.perGroup.large)) * high + y) * wide + x];
  }

  // One small pixel: a window of each channel, times the weights.
  tellWindow(arrays, group, tried) {
    const { state, windows, perGroup } = this;
    const { large } = arrays;
    const channels = Array.from({ length: perGroup.large }, (_, i) => group * perGroup.large + i);
    const tables = channels.map((channel) => {
      const { at, low, high } = this.plane(large ?? arrays.x, channel);
      const factor = windows.rows((k) => at(...windows.place(state.p, k)));
      return this.table(channel, [factor, low, high], windows.rows((k) => this.weight(arrays, state.small, channel, k)), true);
    });
    const target = { name: this.labels.small, index: [state.image, state.small, ...this.shown(state.p)], channel: state.small };
    const total = tried ? tried.at(...state.p) : this.plane(arrays.small, state.small, this.actual, false).at(...state.p);
    return this.tell(arrays, tables, channels.indexOf(state.large), (i) => { state.large = channels[i]; this.update(); }, target, total);
  }

  // One large pixel: of each channel the small pixels whose windows it is in, times the weight that it has there.
  tellPixel(arrays, group) {
    const { state, windows, perGroup } = this;
    const channels = Array.from({ length: perGroup.small }, (_, i) => group * perGroup.small + i);
    const tables = channels.map((channel) => {
      const { at, low, high } = this.plane(arrays.small, channel, this.actual, false);
      const readers = windows.rows((k) => windows.reader(state.q, k));
      return this.table(channel, [readers.map((row) => row.map((p) => p && at(...p))), low, high], windows.rows((k) => this.weight(arrays, channel, state.large, k)), false);
    });
    const target = { name: this.labels.large, index: [state.image, state.large, ...this.shown(state.q)], channel: state.large };
    const total = arrays.large && this.plane(arrays.large, state.large).at(...state.q);
    return this.tell(arrays, tables, channels.indexOf(state.small), (i) => { state.small = channels[i]; this.update(); }, target, total);
  }

  shown(place) {
    return this.actual.isFlat ? place.slice(1) : place;
  }

  // What lies in the padding is 0; what is in no window is nothing.
  table(channel, [factor, low, high], weights, isPadded) {
    const filled = isPadded ? factor.map((row) => row.map((x) => x ?? 0)) : factor;
    const products = filled.map((row, y) => row.map((x, i) => (x === null ? null : x * weights[y][i])));
    return { channel, factor: filled, range: [low, high], weights, products, sum: products.flat().reduce((sum, x) => sum + (x ?? 0), 0) };
  }

  tell({ bias, isForward }, tables, chosen, choose, { name, index, channel }, total) {
    const { factor, range, weights, products } = tables[chosen];
    const kind = isForward ? "value" : "gradient";
    const isWindow = this.way === "window";
    const [from, to] = isWindow ? [this.labels.large, this.labels.small] : [this.labels.small, this.labels.large];
    const sum = tables.reduce((all, table) => all + table.sum, 0);
    const added = bias && isForward ? [" + bias ", bit("bias", bias.data[channel])] : [];
    const place = `${to}[${index.join(", ")}]`;
    const result = total === null || total === undefined ? [] : [" = ", isForward ? place : `d ${place}`, " = ", bit("total", total)];
    const notes = [];
    if (!isForward && !result.length) notes.push(el("p", { class: "quiet" }, sentNote(this.page, this.step, this.parameters.x)));
    const count = products.flat().filter((x) => x !== null).length;
    return [
      el("p", { class: "what" }, isForward ? `${place}${this.trial?.windows ? ", if it were so" : ""}` : `gradient of ${place}`),
      isForward || isWindow ? "" : el("p", { class: "quiet" }, `Of each channel ${count} pixel${count === 1 ? "" : "s"} of ${from} read${count === 1 ? "s" : ""} it, and send${count === 1 ? "s" : ""} back the gradient times the weight in between.`),
      factors([{ sign: "", title: `${isForward ? "" : "gradient of "}${from}`, kind: `factor ${kind}`, rows: factor, range }, { sign: "×", title: "weights", kind: "weights", rows: weights }, { sign: "=", title: "products", kind: "products", rows: products }]),
      tables.length > 1 ? sums(tables.map(({ channel: c, sum: part }) => ({ name: `channel ${c}`, sum: part })), chosen, choose) : "",
      el("p", { class: "equation" }, tables.length > 1 ? "sum over channels " : "sum ", bit("sum", sum), ...added, ...result),
      ...notes,
    ];
  }
}

// Why the sum of what a pixel would get stands beside no gradient.
function sentNote(page, step, name) {
  const source = page.graph.byId.get(step.given[name].from);
  if (source.fixed) return `${source.label} is data: the program computes no gradient for it. It would be this sum.`;
  return `Others send to ${source.label}, too: this is the share of ${step.label}.`;
}

function convolution(x, w, isTransposed = false) {
  return (step, numbers, page) => {
    if (step.given.window?.value?.shape.length > 2 || !operands(step, [x, w], page)) return null;
    const look = new ConvolutionLens(step, { x, w }, page, isTransposed);
    look.update();
    return { element: look.element, update: () => look.update() };
  };
}

LENSES.conv = convolution("x", "w");
LENSES.conv_bias = convolution("x", "weight");
LENSES.conv_input = convolution("g", "w", true);
LENSES.conv_transpose_bias = convolution("x", "weight", true);
