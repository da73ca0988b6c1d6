// The loss by steps: of many steps the mean of so many that one pixel stands for, in a band from the least to the largest.

class LossCurve {
  constructor() {
    this.clear();
    this.log = false;
    this.picture = svg("svg", { class: "curve", role: "img" });
    this.switch = el("button", { id: "train-log", "aria-pressed": "false", onclick: () => { this.log = !this.log; this.switch.setAttribute("aria-pressed", this.log); this.draw(); } }, "log");
    this.element = el("figure", { class: "loss" }, el("figcaption", {}, el("b", {}, "Loss"), " of each batch", this.switch), this.picture);
    new ResizeObserver(() => this.draw()).observe(this.picture);
  }

  clear() {
    this.bins = []; // { sum, low, high, count }
    this.width = 1; // steps in a bin
    this.steps = 0;
  }

  add(losses) {
    for (const loss of losses) {
      if (this.steps % this.width === 0) {
        if (this.bins.length >= 600) this.merge();
        this.bins.push({ sum: 0, low: Infinity, high: -Infinity, count: 0 });
      }
      const bin = this.bins.at(-1);
      this.steps += 1;
      if (!Number.isFinite(loss)) continue;
      bin.sum += loss;
      bin.count += 1;
      bin.low = Math.min(bin.low, loss);
      bin.high = Math.max(bin.high, loss);
    }
  }

  merge() {
    const pairs = [];
    for (let i = 0; i + 1 < this.bins.length; i += 2) {
      const [a, b] = [this.bins[i], this.bins[i + 1]];
      pairs.push({ sum: a.sum + b.sum, count: a.count + b.count, low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) });
    }
    this.bins = pairs;
    this.width *= 2;
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.picture;
    if (!width || !height) return;
    const size = parseFloat(getComputedStyle(this.picture).fontSize); // of the letters
    const frame = { left: 3.3 * size, right: width - 0.8 * size, top: 0.6 * size, bottom: height - 2.6 * size };
    const known = this.bins.map((bin, i) => ({ ...bin, at: (i + 0.5) * this.width, mean: bin.sum / bin.count })).filter((bin) => bin.count && (!this.log || bin.mean > 0));
    const scale = this.log ? Math.log10 : (y) => y;
    const [low, high] = this.range(known, scale);
    const x = (step) => frame.left + ((frame.right - frame.left) * step) / Math.max(this.steps, 10);
    const y = (value) => frame.bottom - ((frame.bottom - frame.top) * (Math.max(scale(value), low) - low)) / (high - low);
    this.picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const parts = [...this.axes(frame, low, high, x, y, size)];
    if (known.length) {
      const pen = (at, value) => `${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
      const band = [...known.map((bin) => pen(bin.at, bin.high)), ...[...known].reverse().map((bin) => pen(bin.at, bin.low))];
      if (this.width > 1) parts.push(svg("path", { d: `M${band.join("L")}Z`, class: "band" }));
      parts.push(svg("path", { d: `M${known.map((bin) => pen(bin.at, bin.mean)).join("L")}`, class: "mean" }));
      if (known.length === 1) parts.push(svg("circle", { cx: x(known[0].at), cy: y(known[0].mean), r: 3, class: "only" }));
    }
    this.picture.replaceChildren(...parts);
    const last = known.at(-1);
    this.picture.setAttribute("aria-label", last ? `loss by steps: from ${general(known[0].mean, 3)} to ${general(last.mean, 3)} after ${this.steps} steps` : "loss by steps: none yet");
  }

  // A linear axis begins with zero, where the loss is nowhere below; a logarithmic one has eight powers of ten at most.
  range(known, scale) {
    if (!known.length) return this.log ? [-2, 0.3] : [0, 1];
    let high = scale(Math.max(...known.map((bin) => bin.high)));
    let low = Math.max(scale(Math.min(...known.map((bin) => (this.log && bin.low <= 0 ? bin.mean : bin.low)))), this.log ? high - 8 : -Infinity);
    if (!this.log && low > 0) low = 0;
    if (this.log) [low, high] = [low - 0.05, Math.max(high, low + 0.3)];
    return [low, high > low ? high * (high > 0 && !this.log ? 1.05 : 1) : low + 1];
  }

  * axes(frame, low, high, x, y, size) {
    yield svg("path", { d: `M${frame.left} ${frame.top}V${frame.bottom}H${frame.right}`, class: "axis" });
    for (const value of this.log ? roundPowers(low, high) : roundSteps(low, high, Math.max(2, (frame.bottom - frame.top) / (2.4 * size)))) {
      yield svg("path", { d: `M${frame.left} ${y(value)}H${frame.right}`, class: "grid" });
      yield chartText(plainText(value), frame.left - 6, y(value) + size / 3, "end");
    }
    const most = Math.max(this.steps, 10);
    for (const step of roundSteps(0, most, Math.max(2, (frame.right - frame.left) / (6 * size)))) {
      if (Number.isInteger(step)) yield chartText(step.toLocaleString("en"), x(step), frame.bottom + 1.2 * size, step > 0.95 * most ? "end" : "middle");
    }
    yield chartText("steps", (frame.left + frame.right) / 2, frame.bottom + 2.4 * size, "middle");
  }
}
