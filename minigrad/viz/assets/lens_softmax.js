// Softmax and cross-entropy from inside: the probabilities of a row as bars, the target, and p - y as the gradient.

// An array along one axis: rows of numbers, each with an index along the other axes.
class Rows {
  constructor(shape, axis) {
    this.axis = axis < 0 ? axis + shape.length : axis;
    this.others = shape.filter((_, i) => i !== this.axis);
    this.length = shape[this.axis];
    this.step = shape.slice(this.axis + 1).reduce((n, m) => n * m, 1);
  }

  // The number of a row, counted over the other axes.
  number(index) {
    return index.reduce((all, at, i) => all * this.others[i] + at, 0);
  }

  row({ data }, index) {
    const number = this.number(index);
    const start = Math.floor(number / this.step) * this.step * this.length + (number % this.step);
    return Array.from({ length: this.length }, (_, i) => data[start + i * this.step]);
  }
}

function softmaxOf(row) {
  const top = Math.max(...row);
  const powers = row.map((x) => Math.exp(x - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((x) => x / sum);
}

// What each op makes of a row: { p, columns, target, notes }, where columns are { name, kind, numbers } beside p.
const ROWS_OF = {
  cross_entropy(lens, index) {
    const { given, rows, step, page } = lens;
    const p = softmaxOf(rows.row(given.logits, index));
    const target = given.target.data[rows.number(index)];
    const isIgnored = target === step.given.ignore_index.value;
    const weights = page.numbers.argument(step, "weight");
    const weight = (y) => (y === step.given.ignore_index.value ? 0 : weights?.data[y] ?? 1);
    const own = weight(target);
    const error = p.map((x, i) => x - (i === target ? 1 : 0));
    const isMean = step.given.reduction.value === "mean";
    const total = isMean ? given.target.data.reduce((sum, y) => sum + weight(y), 0) : 1;
    const g = lens.gradient ? lens.gradient.data[lens.gradient.data.length > 1 ? rows.number(index) : 0] : null;
    const factor = g === null ? null : (g * own) / (total || 1);
    const loss = isIgnored ? 0 : -own * Math.log(p[target]);
    const by = [own !== 1 ? `weight ${general(own)}` : "", isMean ? `mean over ${general(total)}` : "", g !== 1 && g !== null ? `gradient ${general(g)} of ${step.label}` : ""].filter(Boolean).join(", ");
    return {
      p, target: isIgnored ? null : target, columns: [{ name: "p − y", kind: "error", numbers: error }],
      notes: isIgnored ? ["Its target is ignored: the row does not count."]
        : [["loss of the row = −log p", el("sub", {}, target), own === 1 ? "" : ` × ${general(own)}`, " = ", bit("loss", loss)],
          factor === null ? [] : ["gradient = (p − y) × ", bit("factor", factor), by ? ` (${by})` : ""]],
    };
  },
  softmax(lens, index) {
    const p = lens.rows.row(lens.given.out, index);
    const g = lens.gradient && lens.rows.row(lens.gradient, index);
    const mean = g?.reduce((sum, x, i) => sum + x * p[i], 0);
    return { p, target: null, columns: g ? [{ name: "g", kind: "arrives", numbers: g }] : [], notes: g ? [["gradient = p × (g − ", bit("mean", mean), "), the mean of g by p"]] : [] };
  },
  log_softmax(lens, index) {
    const p = lens.rows.row(lens.given.out, index).map(Math.exp);
    const g = lens.gradient && lens.rows.row(lens.gradient, index);
    const sum = g?.reduce((a, b) => a + b, 0);
    if (!sum || g.some((x) => x / sum < 0)) return { p, target: null, columns: g ? [{ name: "g", kind: "arrives", numbers: g }] : [], notes: g ? [["gradient = g − p × ", bit("factor", sum), ", the sum of g"]] : [] };
    const y = g.map((x) => x / sum); // what the loss that follows asks for
    const target = y.indexOf(1);
    return {
      p, target: target < 0 ? null : target, columns: [...(target < 0 ? [{ name: "y", kind: "wanted", numbers: y }] : []), { name: "p − y", kind: "error", numbers: p.map((x, i) => x - y[i]) }],
      notes: [["The loss after it sends g = −y × ", bit("factor", -sum), ": so the gradient is (p − y) × that."]],
    };
  },
};

const LOW_ROWS = 16; // from here on the outlines of targets would cover what they surround

class SoftmaxLens {
  constructor(step, parameter, axis, page) {
    const source = page.graph.byId.get(step.given[parameter].from);
    Object.assign(this, { step, parameter, page, label: source.label, rows: new Rows(source.shape, axis) });
    this.index = this.rows.others.map(() => 0);
    const { others } = this.rows;
    this.fields = others.map((length, i) => chooser(others.length === 1 ? "row" : `axis ${i < this.rows.axis ? i : i + 1}`, length, () => this.index[i], (x) => { this.index[i] = x; this.update(); })).filter(Boolean);
    const last = others.length - 1;
    const go = (row) => { this.index[last] = Math.max(0, Math.min(others[last] - 1, row)); this.update(); };
    this.picture = others.at(-1) > 1 && others.at(-1) <= 400 ? new Pixels("probabilities, a row each", { pick: (y) => go(y), move: (dy) => go(this.index[last] + dy) }) : null;
    this.found = el("div", { class: "found" });
    this.element = el("div", { class: "look" }, el("div", { class: "row fields" }, ...this.fields), el("div", { class: "sides bars" }, this.found, this.picture && el("div", { class: "pictures" }, this.picture.element)));
  }

  update() {
    this.given = operands(this.step, [this.parameter, ...(this.step.op === "cross_entropy" ? ["target"] : [])], this.page);
    if (!this.given) return;
    this.gradient = this.page.numbers.gradient(this.step.id);
    this.sent = sentTo(this.step, this.parameter, this.page);
    this.fields.forEach((field) => field.show());
    const shown = ROWS_OF[this.step.op](this, this.index);
    if (this.sent) shown.columns.push({ name: "gradient", kind: "gradient", numbers: this.rows.row(this.sent, this.index) });
    const title = `${this.index.length ? `row ${this.index.join(", ")}` : "p"}${shown.target === null ? "" : `: the target is ${shown.target}`}`;
    this.found.replaceChildren(el("p", { class: "what" }, title), bars(shown), ...shown.notes.map((note) => el("p", { class: "equation" }, ...[note].flat())));
    if (this.picture) this.draw();
  }

  // All rows, with their targets.
  draw() {
    const start = this.index.slice(0, -1);
    const all = Array.from({ length: this.rows.others.at(-1) }, (_, y) => ROWS_OF[this.step.op](this, [...start, y]));
    const marks = all.map(({ target }, y) => ({ y, x: target, inset: all.length > LOW_ROWS ? 0 : 4, kind: all.length > LOW_ROWS ? "gradient thin" : "gradient" })).filter(({ x }) => x !== null);
    marks.push({ y: this.index.at(-1), x: 0, width: this.rows.length, kind: "value" });
    this.picture.show({ at: (y, x) => all[y]?.p[x] ?? null, low: 0, high: 1, height: all.length, width: this.rows.length, marks, kind: "value", title: "p of all rows",
      note: marks.length > 1 ? "Orange: the targets. A click chooses a row." : "A click chooses a row." });
  }
}

// A table whose cells are bars; of many classes the likeliest, the target, and the rest together.
function bars({ p, target, columns }, most = 16) {
  const order = p.map((_, i) => i);
  const least = p.length > most ? [...p].sort((a, b) => b - a)[most - 1] : -1;
  const shown = order.filter((i) => !(p[i] < least) || i === target).slice(0, most + 4);
  const write = columns.map(({ numbers }) => scale(shown.map((i) => numbers[i]), 3));
  const cell = (x, text, kind, low, high) => {
    const td = el("td", { "data-part": kind, title: general(x, 7) }, text);
    const [zero, end] = [-low, x - low].map((at) => (100 * at) / (high - low || 1));
    const colour_ = kind === "p" || kind === "wanted" ? "var(--forward-wash)" : "var(--backward-wash)";
    if (Number.isFinite(x)) td.style.background = `linear-gradient(${colour_} 0 0) no-repeat ${between(zero, end)}`;
    return td;
  };
  const lines = shown.map((i) => el("tr", { class: i === target ? "target" : null, "data-class": i },
    el("th", { scope: "row" }, i === target ? `▸ ${i}` : i), cell(p[i], p[i] > 0 && p[i] < 0.001 ? general(p[i], 2) : p[i].toFixed(3), "p", 0, 1),
    ...columns.map(({ kind, numbers }, n) => cell(numbers[i], write[n].write(numbers[i]), kind, Math.min(0, write[n].low), Math.max(0, write[n].high)))));
  if (shown.length < p.length) {
    const rest = order.filter((i) => !shown.includes(i));
    lines.push(el("tr", {}, el("th", { scope: "row" }, `${rest.length} others`), el("td", {}, rest.reduce((sum, i) => sum + p[i], 0).toFixed(3)), ...columns.map(() => el("td", {}))));
  }
  const heads = ["class", "p", ...columns.map(({ name }, n) => name + write[n].unit)];
  const kinds = [null, "value", ...columns.map(({ kind }) => (kind === "wanted" ? "value" : "gradient"))];
  return el("table", { class: "probabilities" }, el("thead", {}, el("tr", {}, ...heads.map((text, i) => el("th", { scope: "col", class: kinds[i] }, text)))), el("tbody", {}, ...lines));
}

// Place and size of a background from one percentage of the width to another.
function between(a, b) {
  const [from, width] = [Math.min(a, b), Math.abs(b - a)];
  return `${width >= 100 ? 0 : (100 * from) / (100 - width)}% 50% / ${width}% 70%`;
}

function probabilities(parameter, axisOf) {
  return (step, numbers, page) => {
    if (!operands(step, [parameter, ...(step.op === "cross_entropy" ? ["target"] : [])], page)) return null;
    const axis = axisOf(step);
    if (!Number.isInteger(axis) || !page.graph.byId.get(step.given[parameter].from).shape.length) return null;
    const look = new SoftmaxLens(step, parameter, axis, page);
    look.update();
    return { element: look.element, update: () => look.update() };
  };
}

LENSES.cross_entropy = probabilities("logits", () => 1);
LENSES.softmax = probabilities("x", (step) => step.given.axis.value);
LENSES.log_softmax = LENSES.softmax;
