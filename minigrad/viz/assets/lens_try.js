// Other strides, paddings and dilations, tried on the same image: the graph stays as it is.

class Trial {
  // changed() is called when other numbers are tried
  constructor(actual, changed) {
    Object.assign(this, { actual, changed, windows: null });
    this.reset();
    this.fields = Object.keys(this.numbers).map((name) => {
      const field = numberField(`${name}, tried`, () => this.numbers[name], (x) => this.set(name, x), { dtype: "int32", min: name === "padding" ? 0 : 1, max: 9 });
      return { name, field, label: el("label", {}, `${name} `, field) };
    });
    this.said = el("p", { class: "quiet", role: "status", "data-part": "tried" });
    const back = el("button", { onclick: () => { this.leave(); this.changed(); } }, "As in the graph");
    this.element = el("details", { class: "trial" }, el("summary", {}, "Try another stride, padding, dilation"), el("div", { class: "row fields" }, ...this.fields.map(({ label }) => label), back), this.said);
  }

  reset() {
    const axis = this.actual.axes.at(-1);
    this.numbers = { stride: axis.stride, padding: axis.padding[0], dilation: axis.dilation };
  }

  // The windows of the graph again.
  leave() {
    this.windows = null;
    this.reset();
    this.fields.forEach(({ field }) => field.show());
  }

  // False where no window fits: then nothing changes.
  set(name, x) {
    const least = name === "padding" ? 0 : 1;
    if (!Number.isInteger(x) || x < least || x > 99) return false;
    const windows = this.actual.tried({ ...this.numbers, [name]: x });
    if (!windows) return false;
    this.numbers[name] = x;
    this.windows = windows;
    this.changed();
    return true;
  }

  tell() {
    const size = ({ out, isFlat }) => dimensions(isFlat ? out.slice(1) : out);
    this.said.textContent = this.windows ? `A try: the output would be ${size(this.windows)}, in the graph it is ${size(this.actual)}. The graph does not change.`
      : "A try on this image. The graph does not change.";
  }
}

// The output of one channel of one image under other windows: arithmetic of the forward pass, for a try.
function convolved(windows, { x, weight, bias }, { image, small }, perGroup) {
  const [height, width] = windows.shape;
  const [high, wide] = windows.size;
  const group = Math.floor(small / perGroup.small);
  const at = (y, i) => {
    let sum = bias ? bias.data[small] : 0;
    for (let c = 0; c < perGroup.large; c += 1) {
      const plane = (image * x.shape[1] + group * perGroup.large + c) * height * width;
      const kernel = (small * perGroup.large + c) * high * wide;
      for (let ky = 0; ky < high; ky += 1) {
        for (let kx = 0; kx < wide; kx += 1) {
          const q = windows.place([y, i], [ky, kx]);
          if (windows.holds(q)) sum += x.data[plane + q[0] * width + q[1]] * weight.data[kernel + ky * wide + kx];
        }
      }
    }
    return sum;
  };
  const [rows, columns] = windows.out;
  const data = Float64Array.from({ length: rows * columns }, (_, i) => at(Math.floor(i / columns), i % columns));
  const [low, high_] = extent(data.filter(Number.isFinite));
  return { at: (y, i) => data[y * columns + i] ?? null, low, high: high_, top: 0, left: 0, height: rows, width: columns, note: `${general(low, 3)} to ${general(high_, 3)}` };
}
