// What a network says of each number of a line, as a curve through the examples.

class Fit {
  constructor({ data: [x, y], boundary: { low, size } }) {
    const [xs, ys] = [x, y].map(({ dtype, shape, data }) => TrainingEngine.unpacked(dtype, shape, data));
    const [least, most] = extent(ys);
    const margin = 0.15 * (most - least) || 1;
    this.at = (i) => (300 * i) / (size - 1);
    this.up = (value) => 300 - (300 * (value - least + margin)) / (most - least + 2 * margin);
    this.picture = svg("svg", { viewBox: "0 0 300 300", role: "img", "aria-label": "examples, and what the network says" });
    for (let i = 0; i < Math.min(xs.length, 1000); i += 1) {
      this.picture.append(svg("path", { class: "example", d: CLASS_SHAPES[0], transform: `translate(${((300 * (xs[i] - low[0])) / (low[1] - low[0])).toFixed(1)} ${this.up(ys[i]).toFixed(1)})` }));
    }
    this.curve = svg("path", { class: "said" });
    this.picture.append(this.curve);
    this.element = el("figure", { class: "boundary" }, el("figcaption", {}, el("b", {}, "What it says"), " of each x"), el("div", { class: "plane fit" }, this.picture));
  }

  show(values) {
    this.curve.setAttribute("d", `M${Array.from(values, (value, i) => `${this.at(i).toFixed(1)} ${Math.max(-999, Math.min(999, this.up(value))).toFixed(1)}`).join("L")}`);
  }
}
