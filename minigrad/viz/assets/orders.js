// A function and its derivatives: a choice of the order shows its graph, how many ops that has, and its curve; x moves along it.

const POINTS = 161; // of a curve
const POWERS = ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"];

class Orders {
  constructor(page) {
    const { name: called, ...rest } = page.data.orders;
    Object.assign(this, rest, { called, page, at: 0 });
    this.slots = this.graphs.map(({ result }) => page.live.own?.get(result).value);
    this.input = page.live.inputOf(page.data.steps.find((step) => step.label === this.x && !step.op));
    this.buttons = this.graphs.map(({ ops }, order) => el("button", { "data-order": order, onclick: () => this.choose(order) },
      el("b", {}, order), el("span", {}, `${ops} op${ops === 1 ? "" : "s"}`)));
    this.told = el("p", { id: "order-told", role: "status" });
    this.chart = svg("svg", { id: "order-chart", role: "img", "aria-label": "curve of the chosen derivative" });
    this.slider = el("input", { id: "order-x", type: "range", min: this.span[0], max: this.span[1], step: "any", "aria-label": this.x, oninput: () => this.move(Number(this.slider.value)) });
    const section = el("section", { id: "orders", "aria-label": "Derivatives and their curves" },
      el("div", { class: "row" }, el("h2", {}, "Derivative"), el("div", { class: "row", role: "group", "aria-label": "Order of the derivative" }, ...this.buttons)), this.told, this.chart, this.slider);
    page.stage.append(section);
    page.stage.classList.add("with-orders");
    new ResizeObserver(() => this.draw()).observe(this.chart);
    page.listen("change", () => this.refresh());
    page.listen("select", (step) => this.open(step));
    this.isComputed = page.live.why === null && this.input !== null;
    if (this.isComputed) {
      this.scratch = new minigrad.Program(page.data.live.program);
      this.compute();
    } else this.chart.before(el("p", { class: "quiet" }, `No curves: ${page.live.why}`));
    this.choose(Math.min(1, this.graphs.length - 1));
  }

  // All curves, by the page's own program; the other inputs as they are now.
  compute() {
    const [low, high] = this.span;
    this.xs = Array.from({ length: POINTS }, (_, i) => low + (i * (high - low)) / (POINTS - 1));
    this.curves = this.slots.map(() => []);
    for (const x of this.xs) {
      this.scratch.set(this.input, [x]);
      const isRight = this.scratch.run();
      this.slots.forEach((slot, order) => this.curves[order].push(isRight ? this.scratch.read(slot).data[0] : NaN));
    }
    minigrad.curves = { xs: this.xs, curves: this.curves }; // for those who open the console
  }

  refresh() {
    if (!this.isComputed) return;
    const others = this.page.live.inputs.map(({ numbers }, input) => ({ numbers, input })).filter(({ input }) => input !== this.input);
    const changed = others.filter(({ numbers, input }) => {
      const own = this.scratch.buffers[this.scratch.description.inputs[input].buffer];
      return numbers.some((number, i) => !Object.is(number, own[i]));
    });
    for (const { numbers, input } of changed) this.scratch.set(input, numbers);
    if (changed.length) this.compute();
    this.draw();
  }

  choose(order) {
    const { graph, player, data } = this.page;
    this.at = order;
    this.buttons.forEach((button, i) => button.setAttribute("aria-pressed", i === order));
    const { steps, result } = this.graphs[order];
    graph.only = new Set(steps);
    player.all = data.steps.filter((step) => graph.only.has(step.id)).map((step) => ({ phase: "forward", step }));
    player.seen = new Map(player.all.map((event, i) => [`${event.phase} ${event.step.id}`, i]));
    player.go(-1);
    graph.direction = null; // chosen anew for a graph that grows
    this.page.redraw();
    this.page.select(result, false);
    this.draw();
  }

  // A step of another order is shown with that one.
  open(step) {
    if (!step || this.page.graph.only.has(step.id)) return;
    const order = this.graphs.findIndex(({ steps }) => steps.includes(step.id));
    if (order >= 0) {
      this.choose(order);
      this.page.select(step.id);
    }
  }

  move(x) {
    this.page.live.change(this.input, (numbers) => { numbers[0] = x; });
  }

  value(order) {
    return this.page.live.read(this.slots[order]).data[0];
  }

  name(order) {
    const power = [...String(order)].map((digit) => POWERS[digit]).join("");
    return order === 0 ? this.called : `d${order > 1 ? power : ""}/d${this.x}${order > 1 ? power : ""} ${this.called}`;
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.chart;
    if (!this.isComputed || !width || !height) return;
    const x = this.page.live.inputs[this.input].numbers[0];
    const y = this.value(this.at);
    if (document.activeElement !== this.slider) this.slider.value = x;
    this.told.textContent = `${this.name(this.at)} at ${this.x} = ${general(x)}: ${general(y)}`;
    const slope = this.at + 1 < this.slots.length ? this.value(this.at + 1) : null;
    if (slope !== null) this.told.textContent += `. The slope there is the next derivative: ${general(slope)}`;
    this.chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.chart.replaceChildren(...new Plot(this, width, height).parts(x, y, slope));
  }
}

// One picture: axes, the curve that is chosen before those of the other orders, the point, and its tangent.
class Plot {
  constructor({ xs, curves, at, span, page }, width, height) {
    Object.assign(this, { xs, curves, at, span, page, width, height });
    const finite = curves[at].filter(Number.isFinite);
    const [low, high] = finite.length ? [Math.min(...finite, 0), Math.max(...finite, 0)] : [-1, 1];
    const room = (high - low || 1) * 0.08;
    this.low = low - room;
    this.high = high + room;
  }

  // Far outside of the picture is far enough: larger numbers are none for a path.
  x(x) { return clipped(56 + ((x - this.span[0]) / (this.span[1] - this.span[0])) * (this.width - 72)); }
  y(y) { return clipped(8 + ((this.high - y) / (this.high - this.low)) * (this.height - 34)); }

  parts(x, y, slope) {
    const clip = svg("clipPath", { id: "order-clip" });
    clip.append(svg("rect", { x: 56, y: 0, width: Math.max(0, this.width - 72), height: this.height - 22 }));
    const others = this.curves.map((ys, order) => (order === this.at ? null : this.curve(ys, "other"))).filter(Boolean);
    return [clip, ...this.axes(), ...others, this.curve(this.curves[this.at], "chosen"), ...(slope === null ? [] : [this.tangent(x, y, slope)]), ...this.point(x, y)];
  }

  axes() {
    const text = (words, x, y, anchor) => {
      const label = svg("text", { x, y, "text-anchor": anchor });
      label.textContent = words;
      return label;
    };
    const [left, right] = this.span;
    const marks = ticksOf(left, right).map((x) => text(general(x), this.x(x), this.height - 4, "middle"));
    const levels = ticksOf(this.low, this.high).flatMap((y) => [svg("path", { class: "grid", d: `M56 ${this.y(y)}H${this.width - 16}` }), text(general(y), 50, this.y(y) + 5, "end")]);
    return [...levels, ...marks, svg("path", { class: "axis", d: `M56 ${this.y(0)}H${this.width - 16}` })];
  }

  curve(ys, name) {
    let pen = "M";
    const d = ys.map((y, i) => {
      if (!Number.isFinite(y)) { pen = "M"; return ""; }
      const piece = `${pen}${this.x(this.xs[i]).toFixed(1)} ${this.y(y).toFixed(1)}`;
      pen = "L";
      return piece;
    }).join("");
    return svg("path", { class: name, d, "clip-path": "url(#order-clip)" });
  }

  // None where a number is not finite, and none of a point outside of the picture.
  tangent(x, y, slope) {
    if (![x, y, slope].every(Number.isFinite) || x < this.span[0] || x > this.span[1]) return "";
    const reach = (this.span[1] - this.span[0]) / 8;
    return svg("path", { class: "tangent", "clip-path": "url(#order-clip)", d: `M${this.x(x - reach)} ${this.y(y - reach * slope)}L${this.x(x + reach)} ${this.y(y + reach * slope)}` });
  }

  point(x, y) {
    return Number.isFinite(x) && Number.isFinite(y) ? [svg("circle", { cx: this.x(x), cy: this.y(y), r: 6, "clip-path": "url(#order-clip)" })] : [];
  }
}

const clipped = (pixels) => Math.max(-1e4, Math.min(1e4, pixels));

// Round numbers between two others, about six.
function ticksOf(low, high) {
  const rough = (high - low) / 6;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * unit >= rough) * unit;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

FEATURES.push((page) => page.data.orders && new Orders(page));
