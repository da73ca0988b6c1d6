// Convolution from inside: a window slides over the image; a pixel's gradient comes from the windows that it is in.
//
// A convolution reads windows of a large plane and gives a small one; a transposed one goes the other way.  So there are two
// pictures for both: "window", all that one small pixel meets, and "pixel", all that one large pixel meets.  And one for a
// "weight", which all small pixels have in common.

class ConvolutionLens {
  // parameters: the names of its image and its weights
  constructor(step, parameters, page, isTransposed) {
    Object.assign(this, { step, parameters, page, isTransposed, way: isTransposed ? "pixel" : "window" });
    this.actual = Windows.of(step.given.window.value);
    this.groups = step.given.groups?.value ?? 1;
    this.state = { image: 0, small: 0, large: 0, p: middle(this.actual.out), q: middle(this.actual.shape), k: middle(this.actual.size) };
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
    const ways = { ...(this.isTransposed ? { pixel: "Forward", window: "Backward" } : { window: "Forward", pixel: "Backward" }), weight: "Weight" };
    this.ways = choice(ways, () => this.way, (way) => this.turn(way));
    this.player = new Sliding(() => this.begin(), () => this.next(), () => this.update());
    const field = (name, length, key) => chooser(name, length, () => this.state[key], (x) => { this.set(key, x); this.update(); });
    const { large, small } = this.shapes;
    this.fields = [field("image", large[0], "image"), field(`channel of ${names.large}`, large[1], "large"), field(`channel of ${names.small}`, small[1], "small")].filter(Boolean);
    this.found = el("div", { class: "found" });
    const pictures = (this.isTransposed ? [this.small, this.large] : [this.large, this.small]).map(({ element }) => element);
    this.element = el("div", { class: "look" },
      el("div", { class: "row" }, this.ways, this.player.button), el("div", { class: "row fields" }, ...this.fields),
      el("div", { class: "sides" }, el("div", { class: `pictures${this.actual.isFlat ? " flat" : ""}` }, ...pictures), this.found),
      el("p", { class: "quiet" }, this.isTransposed ? `Click a pixel of ${names.large} to see what it is made of, one of ${names.small} or a weight to see where its gradient comes from. Arrow keys move.`
        : `Click a pixel of ${names.small} to see its window, one of ${names.large} or a weight to see where its gradient comes from. Arrow keys move.`),
      this.trial?.element);
  }

  // The large and the small array, forward or backward, and the weights (small, large / groups, *size).
  arrays() {
    const given = operands(this.step, [this.parameters.x, this.parameters.w, ...(this.step.given.bias ? ["bias"] : [])], this.page);
    if (!given) return null;
    const x = given[this.parameters.x];
    const isForward = this.way === (this.isTransposed ? "pixel" : "window");
    const input = isForward || this.way === "weight" ? x : sentTo(this.step, this.parameters.x, this.page);
    const output = isForward ? given.out : this.page.numbers.gradient(this.step.id);
    const kinds = [isForward || this.way === "weight" || !input ? "value" : "gradient", isForward ? "value" : "gradient"];
    const order = this.isTransposed ? [1, 0] : [0, 1];
    const [large, small] = order.map((i) => ({ array: [input, output][i], kind: kinds[i] }));
    return { large: large.array, small: small.array, kinds: { large: large.kind, small: small.kind }, x, weight: given[this.parameters.w], bias: given.bias, isForward };
  }

  get windows() {
    return this.trial?.windows ?? this.actual;
  }

  // ---- what is chosen

  turn(way) {
    this.player.stop();
    if (this.step.gradient === null && way !== (this.isTransposed ? "pixel" : "window")) return; // nothing goes backward here
    if (way !== "window") this.trial?.leave();
    this.way = way;
    this.update();
  }

  // The numbers of the trial are of another output: the same channel of the same image.
  tryOut() {
    this.player.stop();
    this.way = "window";
    this.update();
  }

  // Channels that meet are those of one group.
  set(key, x) {
    this.state[key] = x;
    if (key === "image") return;
    const other = key === "large" ? "small" : "large";
    const group = Math.floor(x / this.perGroup[key]);
    this.state[other] = group * this.perGroup[other] + (this.state[other] % this.perGroup[other]);
  }

  pickSmall(y, x) {
    this.state.p = [y, x];
    this.turn("window");
  }

  pickLarge(y, x) {
    this.state.q = [y, x].map((at, i) => Math.max(0, Math.min(this.actual.shape[i] - 1, at)));
    this.turn("pixel");
  }

  pickWeight(y, x) {
    this.state.k = [y, x];
    this.turn("weight");
  }

  get sliding() {
    return this.way !== "pixel" ? { name: "p", ends: this.windows.out } : { name: "q", ends: this.windows.shape };
  }

  slide(dy, dx) {
    const { name, ends } = this.sliding;
    this.state[name] = this.state[name].map((at, i) => Math.max(0, Math.min(ends[i] - 1, at + [dy, dx][i])));
    this.update();
  }

  // To the first pixel of the picture that is slid over; the number of all.
  begin() {
    const { name, ends } = this.sliding;
    this.state[name] = [0, 0];
    return ends[0] * ends[1];
  }

  // To the next pixel, row by row; whether there is one.
  next() {
    const { name, ends } = this.sliding;
    const [y, x] = this.state[name];
    const next = x + 1 < ends[1] ? [y, x + 1] : [y + 1, 0];
    if (next[0] >= ends[0]) return false;
    this.state[name] = next;
    return true;
  }

  // ---- what is shown

  update() {
    const arrays = this.arrays();
    const { state } = this;
    if (!arrays) return;
    state.p = state.p.map((at, i) => Math.min(at, this.windows.out[i] - 1));
    [this.ways, ...this.fields].forEach((part) => part.show());
    const tried = this.trial?.windows ? convolved(this.windows, arrays, state, this.perGroup) : null;
    this.drawLarge(arrays);
    this.drawSmall(arrays, tried);
    this.found.replaceChildren(...{ window: () => tellWindow(this, arrays, tried), pixel: () => tellPixel(this, arrays), weight: () => tellWeight(this, arrays) }[this.way]());
    this.trial?.tell(this.actual);
  }

  // The chosen image's plane of a channel.
  plane(array, channel, size = this.actual.shape) {
    return planeOf(array, this.state.image * array.shape[1] + channel, size);
  }

  drawLarge({ large, x, kinds, isForward }) {
    const { state, way, windows } = this;
    const kind = isForward ? "value" : "gradient";
    const one = ([row, column], of) => ({ y: row, x: column, kind: of });
    const marks = {
      pixel: () => [one(state.q, kind)], weight: () => [one(windows.place(state.p, state.k), kind)],
      window: () => [...windows.rows((k) => one(windows.place(state.p, k), "faint")).flat(), { ...windows.outline(state.p), kind }],
    }[way]();
    const dots = way === "weight" ? windows.places.map((p) => windows.place(p, state.k)).filter((q) => windows.holds(q)) : [];
    this.large.show({ ...this.plane(large ?? x, state.large), ...windows.frame, marks, dots, kind: kinds.large, title: titled(this.labels.large, kinds.large) });
  }

  drawSmall({ small, x, kinds, isForward }, tried) {
    const { state, way, windows, player } = this;
    const plane = tried ?? this.plane(small ?? x, state.small, this.actual.out); // data, which gets no gradient
    const isDone = (row, column) => !player.timer || way === "pixel" || row < state.p[0] || (row === state.p[0] && column <= state.p[1]);
    const at = (row, column) => (isDone(row, column) ? plane.at(row, column) : null);
    const met = way === "pixel" ? windows.rows((k) => windows.reader(state.q, k)).flat().filter(Boolean) : [state.p];
    const marks = met.map(([row, column]) => ({ y: row, x: column, kind: isForward ? "value" : "gradient" }));
    this.small.show({ ...plane, at, marks, kind: kinds.small, title: titled(this.labels.small, kinds.small) + (tried ? ", if it were so" : "") });
  }

  // Those of the chosen group.
  channels(key) {
    const first = this.state[key] - (this.state[key] % this.perGroup[key]);
    return Array.from({ length: this.perGroup[key] }, (_, i) => first + i);
  }

  // The weight between two channels at place k of the window.
  weight({ weight }, small, large, [y, x]) {
    const [high, wide] = this.actual.size;
    return weight.data[((small * this.perGroup.large + (large % this.perGroup.large)) * high + y) * wide + x];
  }

  shown(place) {
    return this.actual.isFlat ? place.slice(1) : place;
  }

}

const titled = (label, kind) => (kind === "gradient" ? `gradient of ${label}` : label);

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
