// The numbers that are trained as heat maps, and filters as images: one picture each, painted again as they change.

class WeightMaps {
  // `onselect` is called with the name of one whose picture was clicked.
  constructor(lesson, onselect) {
    this.maps = lesson.state.filter(({ shape, dtype }) => dtype.startsWith("float") && shape.reduce((n, m) => n * m, 1) > 1)
      .sort((a, b) => (b.shape.length > 1) - (a.shape.length > 1)) // biases last
      .slice(0, 12)
      .map(({ name, shape, live }) => this.map(name, shape, live, onselect));
    const note = this.maps.some(({ shape }) => shape.length === 4) ? "Filters and weights" : "Weights";
    this.element = el("figure", { class: "weights" }, el("figcaption", {}, el("b", {}, note), " blue −, orange +"),
      el("div", { class: "maps", tabindex: 0, role: "group", "aria-label": note }, ...this.maps.map(({ element }) => element)));
  }

  map(name, shape, live, onselect) {
    const canvas = el("canvas", { width: 1, height: 1, role: "img", "aria-label": `heat map of ${name}` });
    const range = el("span", { class: "quiet" });
    const title = live === null ? el("span", { class: "name" }, name) : el("button", { class: "name", title: "Show it in the graph", onclick: () => onselect(name) }, name);
    return { name, shape, canvas, range, element: el("div", { class: shape.length > 1 ? "weight" : "weight bias" }, title, canvas, range) };
  }

  show(weights) {
    for (const { name, shape, canvas, range } of this.maps) {
      const data = weights.get(name);
      let most = 0;
      for (const x of data) if (Math.abs(x) > most) most = Math.abs(x);
      const { width, height, bytes } = picture(shape, data, -most, most);
      canvas.style.aspectRatio = `${width} / ${height}`;
      canvas.classList.toggle("wide", width > 3 * height);
      paint(canvas, width, height, (i) => (bytes[i] === 255 ? null : colour((bytes[i] / 127 - 1) * most, -most, most))); // nothing stands between two planes
      range.textContent = `±${general(most, 2)}`;
    }
  }
}
