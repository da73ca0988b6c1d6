// Products of matrices from inside: row by column for an element of the result, and the sum over the batch for a gradient.

// An array as matrices, one for each index of the axes before the last two; the batch axes are broadcast.
class Matrices {
  // shape: with the axes that NumPy puts in for vectors; transposed: as weightᵀ
  constructor(shape, isTransposed = false) {
    this.batch = shape.slice(0, -2);
    const [height, width] = shape.slice(-2);
    [this.height, this.width] = isTransposed ? [width, height] : [height, width];
    this.offset = isTransposed ? (y, x) => x * width + y : (y, x) => y * width + x;
    this.size = height * width;
  }

  // The number of the matrix that one of the whole batch meets.
  member(index, batch) {
    const own = index.slice(batch.length - this.batch.length);
    return this.batch.reduce((all, length, i) => all * length + (length === 1 ? 0 : own[i]), 0);
  }

  at(array, member, y, x) {
    return array.data[member * this.size + this.offset(y, x)];
  }
}

class ProductLens {
  // parameters: the names of the left and the right factor; linear is x @ weightᵀ + bias, all rows of x in one matrix
  constructor(step, [left, right], page) {
    const isLinear = step.op === "linear";
    Object.assign(this, { step, page, parameters: { left, right }, isLinear, way: "out" });
    const { byId } = page.graph;
    const shapes = [left, right].map((name) => byId.get(step.given[name].from).shape);
    this.labels = { left: byId.get(step.given[left].from).label, right: byId.get(step.given[right].from).label + (isLinear ? "ᵀ" : ""), out: step.label };
    this.isVector = { left: shapes[0].length === 1, right: shapes[1].length === 1 };
    this.rows = isLinear ? shapes[0].slice(0, -1) : null;
    const count = shapes[0].slice(0, -1).reduce((n, m) => n * m, 1);
    const one = isLinear ? [count, shapes[0].at(-1)] : this.isVector.left ? [1, ...shapes[0]] : shapes[0];
    this.left = new Matrices(one);
    this.right = new Matrices(this.isVector.right ? [...shapes[1], 1] : shapes[1], isLinear);
    this.batch = broadcast(this.left.batch, this.right.batch);
    this.out = new Matrices([...this.batch, this.left.height, this.right.width]);
    this.state = { index: this.batch.map(() => 0), row: 0, inner: 0, column: 0 };
    this.build();
  }

  get lengths() {
    return { row: this.left.height, inner: this.left.width, column: this.right.width };
  }

  build() {
    const axes = { left: ["row", "inner"], right: ["inner", "column"], out: ["row", "column"] };
    this.pictures = Object.fromEntries(Object.entries(axes).map(([name, [down, across]]) => {
      const pick = (y, x) => { Object.assign(this.state, { [down]: y, [across]: x }); this.way = name; this.update(); };
      const move = (dy, dx) => {
        const [down_, across_] = axes[this.way];
        const clamped = (axis, by) => Math.max(0, Math.min(this.lengths[axis] - 1, this.state[axis] + by));
        Object.assign(this.state, { [down_]: clamped(down_, dy), [across_]: clamped(across_, dx) });
        this.update();
      };
      return [name, new Pixels(`${this.labels[name]}, elements`, { pick, move })];
    }));
    this.ways = choice({ out: "Forward", right: `d ${this.labels.right}`, left: `d ${this.labels.left}` }, () => this.way, (way) => { this.way = way; this.update(); });
    this.fields = this.batch.map((length, i) => chooser(`batch axis ${i}`, length, () => this.state.index[i], (x) => { this.state.index[i] = x; this.update(); })).filter(Boolean);
    const { left, right, out } = this.pictures;
    const sign = (text) => el("span", { class: "sign" }, text);
    this.found = el("div", { class: "found" });
    this.element = el("div", { class: "look product" }, el("div", { class: "row" }, this.ways), el("div", { class: "row fields" }, ...this.fields),
      el("div", { class: "sides" }, el("div", { class: "pictures" }, left.element, sign("@"), right.element, sign("="), out.element), this.found),
      el("p", { class: "quiet" }, `Click an element of ${this.labels.out} for its row and column, one of ${this.labels.left} or ${this.labels.right} for its gradient. Arrow keys move.`));
  }

  // ---- numbers

  update() {
    const given = operands(this.step, [this.parameters.left, this.parameters.right, ...(this.step.given.bias?.from === undefined ? [] : ["bias"])], this.page);
    if (!given) return;
    this.values = { left: given[this.parameters.left], right: given[this.parameters.right], out: given.out, bias: given.bias };
    this.gradients = { left: sentTo(this.step, this.parameters.left, this.page), right: sentTo(this.step, this.parameters.right, this.page), out: this.page.numbers.gradient(this.step.id) };
    [this.ways, ...this.fields].forEach((part) => part.show());
    // of the product that is shown: two known factors, and what they give
    this.known = this.way === "out" ? this.values : { ...this.values, out: this.gradients.out, [this.way]: this.gradients[this.way] };
    for (const name of ["left", "right", "out"]) this.draw(name);
    this.found.replaceChildren(...this.tell());
  }

  draw(name) {
    const matrices = this[name];
    const isGradient = this.way !== "out" && (name === "out" || name === this.way) && this.known[name];
    const array = this.known[name] ?? this.values[name];
    const member = matrices.member(this.state.index, this.batch);
    const data = array.data.subarray(member * matrices.size, (member + 1) * matrices.size);
    const [low, high] = extent(data.filter(Number.isFinite));
    const kind = isGradient ? "gradient" : "value";
    const { height, width } = matrices;
    this.pictures[name].show({ at: (y, x) => (y < height && x < width && y >= 0 && x >= 0 ? matrices.at(array, member, y, x) : null), low, high, height, width, kind,
      marks: [this.outline(name)], title: isGradient ? `gradient of ${this.labels[name]}` : this.labels[name], note: `${general(low, 3)} to ${general(high, 3)}` });
  }

  // The chosen element; of what it is made of, the row or the column.
  outline(name) {
    const { row, inner, column } = this.state;
    const { lengths } = this;
    const kind = this.way === "out" ? "value" : "gradient";
    const ranges = { row: [row, 1], inner: [inner, 1], column: [column, 1] };
    const over = { out: "inner", right: "row", left: "column" }[this.way];
    ranges[over] = [0, lengths[over]];
    const [[y, height], [x, width]] = { left: [ranges.row, ranges.inner], right: [ranges.inner, ranges.column], out: [ranges.row, ranges.column] }[name];
    return { y, x, height, width, kind };
  }

  // The members of the batch that share the factor whose gradient is asked for.
  sharing(matrices) {
    const all = Array.from({ length: this.batch.reduce((n, m) => n * m, 1) }, (_, i) => indices(i, this.batch));
    const member = matrices.member(this.state.index, this.batch);
    return all.filter((index) => matrices.member(index, this.batch) === member);
  }

  // What is multiplied, one after the other: { name, a, b }.
  terms() {
    const { row, inner, column, index } = this.state;
    const { lengths, known } = this;
    const get = (name, at, y, x) => this[name].at(known[name], this[name].member(at, this.batch), y, x);
    const range = (length) => Array.from({ length }, (_, i) => i);
    if (this.way === "out") return range(lengths.inner).map((k) => ({ name: `${k}`, a: get("left", index, row, k), b: get("right", index, k, column) }));
    const members = this.sharing(this[this.way]);
    const several = members.length > 1 ? (at) => `${at.join(", ")}, ` : () => "";
    if (this.way === "right") {
      return members.flatMap((at) => range(lengths.row).map((i) => ({ name: several(at) + (this.rows ? indices(i, this.rows).join(", ") || "0" : i), a: get("left", at, i, inner), b: get("out", at, i, column) })));
    }
    return members.flatMap((at) => range(lengths.column).map((j) => ({ name: several(at) + j, a: get("out", at, row, j), b: get("right", at, inner, j) })));
  }

  // ---- words

  // The element by its index in the user's array.
  named(name) {
    const { row, inner, column, index } = this.state;
    const own = index.slice(this.batch.length - this[name].batch.length).map((at, i) => (this[name].batch[i] === 1 ? 0 : at));
    if (this.isLinear && name === "right") return `${this.labels.right.slice(0, -1)}[${column}, ${inner}]`;
    const first = this.rows && name !== "right" ? indices(row, this.rows) : name === "right" ? (this.isVector.right ? [inner] : [inner]) : this.isVector.left ? [] : [row];
    const last = name === "left" ? [inner] : this.isVector.right ? [] : [column];
    const all = [...own, ...first, ...last];
    return `${this.labels[name]}${all.length ? `[${all.join(", ")}]` : ""}`;
  }

  tell() {
    const { way, labels, values, known } = this;
    const name = this.named(way);
    const title = way === "out" ? name : `gradient of ${name}`;
    if (!known.out) return [el("p", { class: "what" }, title), el("p", { class: "quiet" }, "No gradient arrives here.")];
    const terms = this.terms().map((term) => ({ ...term, product: term.a * term.b }));
    const sum = terms.reduce((all, { product }) => all + product, 0);
    const heads = { out: [labels.left, labels.right, "k"], right: [labels.left, `gradient of ${labels.out}`, "row"], left: [`gradient of ${labels.out}`, labels.right, "column"] }[way];
    const total = known[way] && this[way].at(known[way], this[way].member(this.state.index, this.batch), ...this.place(way));
    const bias = way === "out" && values.bias ? [" + bias ", bit("bias", values.bias.data[this.state.column])] : [];
    const over = { out: `${this.lengths.inner} product${this.lengths.inner === 1 ? "" : "s"}.`, right: "Over all rows of the batch: each sends x times g.", left: "Over all columns: each sends g times its weight." }[way];
    return [
      el("p", { class: "what" }, title), el("p", { class: "quiet" }, over), termTable(terms, heads, way),
      el("p", { class: "equation" }, "sum ", bit("sum", sum), ...bias, ...(known[way] ? [` = ${way === "out" ? "" : "d "}${name} = `, bit("total", total)] : [])),
      known[way] ? "" : el("p", { class: "quiet" }, sentNote(this.page, this.step, this.parameters[way])),
    ];
  }

  place(way) {
    const { row, inner, column } = this.state;
    return { left: [row, inner], right: [inner, column], out: [row, column] }[way];
  }
}

function broadcast(a, b) {
  const length = Math.max(a.length, b.length);
  const padded = [a, b].map((shape) => [...new Array(length - shape.length).fill(1), ...shape]);
  return padded[0].map((n, i) => Math.max(n, padded[1][i]) * (n && padded[1][i] ? 1 : 0));
}

// Factors and products, one below the other; of many the largest products, and the rest together.
function termTable(terms, [first, second, index], way, most = 48) {
  const least = terms.length > most ? terms.map(({ product }) => Math.abs(product)).sort((a, b) => b - a)[most - 1] : -1;
  const shown = terms.filter(({ product }) => !(Math.abs(product) < least)).slice(0, most);
  const rest = terms.filter((term) => !shown.includes(term));
  const kinds = { out: ["", ""], right: ["", "gradient"], left: ["gradient", ""] }[way];
  const write = ["a", "b", "product"].map((key) => scale(shown.map((term) => term[key])));
  const cells = ({ name, a, b, product }) => el("tr", {}, el("th", { scope: "row" }, name), ...[a, b, product].map((x, i) => el("td", { title: general(x, 7), "data-part": ["a", "b", "product"][i] }, write[i].write(x))));
  const heads = [index, first + write[0].unit, second + write[1].unit, `product${write[2].unit}`];
  const others = rest.length ? [el("tr", {}, el("th", { scope: "row" }, `${rest.length} smaller`), el("td", {}), el("td", {}), el("td", { "data-part": "rest" }, write[2].write(rest.reduce((all, { product }) => all + product, 0))))] : [];
  return el("div", { class: "scroll terms", tabindex: 0, role: "group", "aria-label": "factors and products" }, el("table", {},
    el("thead", {}, el("tr", {}, ...heads.map((text, i) => el("th", { scope: "col", class: kinds[i - 1] || null }, text)))), el("tbody", {}, ...shown.map(cells), ...others)));
}

function productOf(left, right) {
  return (step, numbers, page) => {
    if (!operands(step, [left, right], page)) return null;
    const look = new ProductLens(step, [left, right], page);
    look.update();
    return { element: look.element, update: () => look.update() };
  };
}

LENSES.linear = productOf("x", "weight");
LENSES.matmul = productOf("x", "y");
