// What lenses are made of: pictures whose pixels are chosen, tables of factors, sums.

const CELL = { numbers: 38, largest: 52 }; // pixels of the screen: from which on a number has room, and no larger

const NONE = [150, 155, 162, 110]; // the padding

// How the numbers of a table are written: all with as many decimals, and those that are very small or large times a power of ten.
function scale(numbers, digits = 2) {
  const [low, high] = extent(Array.from(numbers).filter(Number.isFinite));
  const most = Math.max(Math.abs(low), Math.abs(high));
  const exponent = most > 0 && Number.isFinite(most) ? Math.floor(Math.log10(most)) : 0;
  const power = exponent < -1 || exponent > 3 ? exponent : 0;
  const isWhole = numbers.every((x) => x === null || Number.isInteger(x));
  const decimals = isWhole && !power ? 0 : Math.max(0, digits - Math.max(0, exponent - power));
  const write = (x) => (Number.isFinite(x) ? (x / 10 ** power).toFixed(decimals).replace(/^-(0(\.0*)?)$/, "$1").replace("-", "−") : general(x));
  return { write, low, high, unit: power ? ` ×10${raisedText(power)}` : "" };
}

// A plane as a picture; a click, a drag or an arrow key chooses.
class Pixels {
  // pick(y, x) and move(dy, dx) say what was chosen
  constructor(label, { pick = null, move = null } = {}) {
    Object.assign(this, { pick, move });
    this.canvas = el("canvas", { "aria-hidden": true });
    this.overlay = svg("svg", { "aria-hidden": true });
    const can = pick ? { tabindex: 0, role: "application", "aria-roledescription": "picture", "aria-label": `${label}; arrow keys choose` } : { role: "img", "aria-label": label };
    this.frame = el("div", { class: "frame", ...can }, this.canvas, this.overlay);
    this.title = el("figcaption", {});
    this.under = el("div", { class: "quiet under" });
    this.element = el("figure", { class: "pixels" }, this.title, this.frame, this.under);
    if (pick) this.listen();
    this.frame.addEventListener("pointermove", (event) => this.tell(this.cell(event)));
    this.frame.addEventListener("pointerleave", () => this.tell(null));
    new ResizeObserver(() => this.plane && this.mark()).observe(this.frame);
  }

  listen() {
    this.frame.addEventListener("pointerdown", (event) => { this.frame.setPointerCapture(event.pointerId); this.pick(...this.cell(event)); });
    this.frame.addEventListener("pointermove", (event) => { if (event.buttons) this.pick(...this.cell(event)); });
    this.frame.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (!step || !this.move || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation(); // the player has the same keys
      this.move(...step);
    });
  }

  cell(event) {
    const { top, left, height, width } = this.plane;
    const box = this.frame.getBoundingClientRect();
    const inside = (part, length) => Math.max(0, Math.min(length - 1, Math.floor(part * length)));
    return [top + inside((event.clientY - box.top) / box.height, height), left + inside((event.clientX - box.left) / box.width, width)];
  }

  // The number under the mouse.
  tell(cell) {
    const x = cell && this.plane.at(...cell);
    this.under.textContent = !cell ? this.plane.note : x === null ? `[${cell.join(", ")}] padding` : `[${cell.join(", ")}] = ${general(x)}`;
  }

  // A plane { title, kind, note, top, left, height, width, at, low, high, marks, dots }; `at` gives null of what is no number of it.
  show(plane) {
    this.plane = { top: 0, left: 0, note: "", marks: [], dots: [], ...plane };
    const { height, width, title, kind } = this.plane;
    this.title.textContent = title;
    this.title.className = kind ?? "";
    this.tell(null);
    const ratio = Math.max(0.7, Math.min(8, width / height));
    this.frame.style.aspectRatio = ratio;
    this.frame.style.maxWidth = `min(${width * CELL.largest}px, ${Math.round(60 * ratio)}vh)`;
    this.paint();
    this.mark();
  }

  shade(y, x) {
    const { at, low, high } = this.plane;
    const value = at(y, x);
    return value === null ? NONE : colour(value, low, high);
  }

  paint() {
    const { top, left, height, width } = this.plane;
    paint(this.canvas, width, height, (i) => this.shade(top + Math.floor(i / width), left + (i % width)));
  }

  // The numbers of all pixels, where they have room.
  numbers(w, h) {
    const { top, left, height, width, at } = this.plane;
    if (w < CELL.numbers || h < 20) return [];
    const all = Array.from({ length: height * width }, (_, i) => at(top + Math.floor(i / width), left + (i % width)));
    const { write, unit } = scale(all);
    const texts = all.map((x) => (x === null ? "" : write(x)));
    if (unit || Math.max(...texts.map((text) => text.length)) * 8.5 > w) return [];
    return texts.map((words, i) => {
      const [y, x] = [Math.floor(i / width), i % width];
      const text = svg("text", { x: (x + 0.5) * w, y: (y + 0.5) * h + 5, fill: ink(this.shade(top + y, left + x)) });
      text.textContent = words;
      return text;
    });
  }

  // What is drawn over the pixels: outlines, dots, and numbers.
  mark() {
    const { top, left, height, width, marks, dots } = this.plane;
    const [wide, high] = [this.frame.clientWidth, this.frame.clientHeight];
    if (!wide || !high) return;
    this.overlay.setAttribute("viewBox", `0 0 ${wide} ${high}`);
    const [w, h] = [wide / width, high / height];
    const parts = this.numbers(w, h);
    for (const { y, x, height: tall = 1, width: long = 1, inset = 0, kind } of marks) {
      const place = { x: (x - left) * w + inset, y: (y - top) * h + inset, width: Math.max(1, long * w - 2 * inset), height: Math.max(1, tall * h - 2 * inset) };
      parts.push(svg("rect", { ...place, class: "halo" }), svg("rect", { ...place, class: kind }));
    }
    const radius = Math.max(1, Math.min(w, h) / 8);
    for (const [y, x] of dots) parts.push(svg("circle", { cx: (x - left + 0.5) * w, cy: (y - top + 0.5) * h, r: radius }));
    this.overlay.replaceChildren(...parts);
  }
}

// A field for one of several: image, channel, row; null where there is only one.
function chooser(name, length, get, set) {
  if (length < 2) return null;
  const field = numberField(name, get, (x) => { if (!Number.isNaN(x)) set(Math.max(0, Math.min(length - 1, Math.round(x)))); }, { dtype: "int32", min: 0, max: length - 1 });
  const label = el("label", {}, `${name} `, field, ` of ${length}`);
  label.show = () => { if (document.activeElement !== field) field.show(); };
  return label;
}

// Buttons of which one is pressed.
function choice(names, get, set) {
  const buttons = Object.entries(names).map(([key, text]) => el("button", { onclick: () => set(key), "data-way": key }, text));
  const group = el("div", { class: "choice", role: "group", "aria-label": "what is shown" }, ...buttons);
  group.show = () => buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.way === get())));
  return group;
}

// A button that goes from one to the next by itself, as often as `next` says that there was one.
class Sliding {
  // begin() goes to the first, and says how many there are; changed() is called after each
  constructor(begin, next, changed) {
    Object.assign(this, { begin, next, changed, timer: null });
    this.button = el("button", { "data-part": "slide", onclick: () => (this.timer ? this.end() : this.start()) }, "Slide");
  }

  start() {
    const pause = Math.max(40, Math.min(500, 12000 / this.begin()));
    this.timer = setInterval(() => {
      if (!this.button.isConnected || !this.next()) this.end();
      else this.changed();
    }, pause);
    this.button.textContent = "Pause";
    this.changed();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.button.textContent = "Slide";
  }

  end() {
    this.stop();
    this.changed();
  }
}

// Tables of numbers with signs before: pixels × weights = products.  A table is { title, kind, rows }, a number null where none is,
// and perhaps the range of its colours, and what a click on a number does.
function factors(parts) {
  return el("div", { class: "factors", tabindex: 0, role: "group", "aria-label": "factors and products" },
    ...parts.map(({ sign, ...part }) => el("div", { class: "part" }, el("span", { class: "sign" }, sign), numberTable(part))));
}

function numberTable({ title, kind, rows, chosen, range, pick }) {
  const { write, unit, low, high } = scale(rows.flat());
  const most = Math.max(-low, high);
  const [from, to] = range ?? [-most, most];
  const cell = (x, y, i) => {
    if (x === null) return el("td", {}, "·");
    const inside = pick ? el("button", { onclick: () => pick(y, i), "aria-pressed": chosen ? String(Boolean(chosen(y, i))) : null }, write(x)) : write(x);
    const td = el("td", { class: chosen?.(y, i) ? "chosen" : null, title: general(x, 7) }, inside);
    if (!Number.isFinite(x)) return td;
    const shade = colour(x, from, to);
    Object.assign(td.style, { background: `rgb(${shade.join(" ")})`, color: ink(shade) });
    return td;
  };
  return el("table", { "data-part": kind.split(" ")[0] }, el("caption", { class: kind }, title + unit), el("tbody", {}, ...rows.map((row, y) => el("tr", {}, ...row.map((x, i) => cell(x, y, i))))));
}

// The sums that a total is made of, each with its name; a click chooses one.  Of very many the last stand together.
function sums(list, chosen, choose, most = 24) {
  const shown = list.length > most ? list.slice(0, most - 1) : list;
  const items = shown.map(({ name, sum }, i) => el("li", {}, el("button", { "aria-pressed": String(i === chosen), onclick: () => choose(i) }, `${name}: `, el("span", { "data-part": "part" }, general(sum)))));
  if (shown.length < list.length) {
    const rest = list.slice(shown.length).reduce((total, { sum }) => total + sum, 0);
    items.push(el("li", {}, `${list.length - shown.length} others: `, el("span", { "data-part": "part" }, general(rest))));
  }
  return el("ul", { class: "sums" }, ...items);
}

const bit = (name, x) => el("span", { "data-part": name, class: name }, typeof x === "string" ? x : general(x));
