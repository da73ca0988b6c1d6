// Line charts as SVG: axes in pixels of the screen, lines told apart by colour, dash and a label at their end, and all numbers as a table.

const DASHES = ["", "7 4", "2 4", "10 3 2 3"]; // with eight colours: 32 lines that all differ
const HUES = 8;
const CHART = { height: 260, left: 56, top: 12, bottom: 40, row: 16 };
const LABELLED = 12; // ends with a label, at most: as many as stand below each other

// A card with a chart of [name, numbers] each, or [name, numbers, { hue, dash }].  Options: log, whether the axis is one of powers of ten; at, the place of a line
// across; x, what the axis counts, from `first` on; onpick(place), what a click on the chart does.
function lines(title, series, options = {}) {
  const { log = false, at = null, x = "epoch", first = 1, onpick = null } = options;
  const holder = el("div", { class: "chart-holder" });
  const only = new Set(); // the lines that were singled out
  const show = () => holder.replaceChildren(new Chart(title, series, { log, at, x, first, only, width: Math.max(holder.clientWidth, 260) }, onpick).picture);
  const sizes = new ResizeObserver(show);
  sizes.observe(holder);
  const key = ([name, ys], k) => {
    const value = at === null ? null : ys[at];
    const words = `${name}${value === null || value === undefined ? "" : ` ${Number.isFinite(value) ? value.toPrecision(3) : value}`}`;
    if (series.length < 2) return el("li", {}, words);
    const button = el("button", { "aria-pressed": "false", onclick: () => {
      if (!only.delete(k)) only.add(k);
      button.setAttribute("aria-pressed", String(only.has(k)));
      show();
    } }, lineSample(series[k], k), words);
    return el("li", {}, button);
  };
  const scale = el("p", { class: "quiet" }, "logarithmic axis");
  return el("figure", { class: "card" }, el("h2", {}, title), log ? scale : null, holder, el("ul", { class: "keys" }, ...series.map(key)), numbersTable(title, series, x, first));
}

class Chart {
  constructor(title, series, options, onpick) {
    Object.assign(this, { series, ...options });
    this.scale = (y) => (this.log ? Math.log10(y) : y);
    this.isShown = (y) => Number.isFinite(y) && (!this.log || y > 0);
    this.count = Math.max(1, ...series.map(([, ys]) => ys.length));
    const room = this.width * 0.36;
    const labelled = new Set([...series.keys()].slice(0, LABELLED).concat([...options.only]));
    this.names = new Map([...labelled].map((k) => [k, shortened(series[k][0], room)]));
    const widest = Math.max(...[...this.names.values()].map(textWidth), 0);
    this.right = series.length > 1 ? widest + 16 : 16;
    this.picture = svg("svg", { width: this.width, height: CHART.height, class: "chart", role: "img", "aria-label": `${title}, by ${this.x}${this.log ? ", on a logarithmic axis" : ""}` });
    this.range();
    this.axes();
    series.forEach((one, k) => this.line(one, k));
    if (series.length > 1) this.ends();
    if (onpick) this.picture.addEventListener("click", (event) => onpick(this.placeAt(event.offsetX)));
  }

  range() {
    const shown = this.series.flatMap(([, ys]) => ys).filter(this.isShown).map(this.scale);
    let [low, high] = shown.length ? [Math.min(...shown), Math.max(...shown)] : [0, 1];
    if (this.log) [low, high] = [Math.floor(low), Math.max(Math.ceil(high), Math.floor(low) + 1)];
    else if (low >= 0 && (low < 0.5 * high || low === high)) low = 0;
    if (low === high) [low, high] = [low, low + (Math.abs(low) || 1)];
    Object.assign(this, { low, high });
  }

  px(i) { return CHART.left + (i * (this.width - CHART.left - this.right)) / Math.max(this.count - 1, 1); }
  py(y) { return CHART.top + ((CHART.height - CHART.top - CHART.bottom) * (this.high - y)) / (this.high - this.low); }
  placeAt(px) { return Math.max(0, Math.min(this.count - 1, Math.round(((px - CHART.left) * Math.max(this.count - 1, 1)) / (this.width - CHART.left - this.right)))); }

  write(...label) {
    this.picture.append(chartText(...label));
  }

  axes() {
    const end = this.width - this.right;
    const across = this.log ? powersBetween(this.low, this.high) : roundSteps(this.low, this.high, 5);
    for (const y of across) {
      this.picture.append(svg("path", { d: `M${CHART.left} ${this.py(y)} H${end}`, class: "grid" }));
      this.write(this.log ? powerText(y) : plainText(y), CHART.left - 8, this.py(y) + 4, "end");
    }
    const bottom = CHART.height - CHART.bottom;
    const most = Math.max(2, Math.floor((end - CHART.left) / 44));
    for (const number of roundSteps(this.first, this.first + this.count - 1, most)) {
      if (!Number.isInteger(number)) continue;
      const px = this.px(number - this.first);
      this.picture.append(svg("path", { d: `M${px} ${bottom} v5`, class: "axis" }));
      this.write(String(number), px, bottom + 19, "middle");
    }
    this.picture.append(svg("path", { d: `M${CHART.left} ${CHART.top} V${bottom} H${end}`, class: "axis" }));
    this.write(this.x, (CHART.left + end) / 2, CHART.height - 5, "middle");
    if (this.at !== null) this.picture.append(svg("path", { d: `M${this.px(this.at)} ${CHART.top} V${bottom}`, class: "at" }));
  }

  // What is no number, or cannot stand on the axis, is a gap.
  line(one, k) {
    const [, ys] = one;
    const { hue, dash } = styleOf(one, k);
    const path = lineThrough(ys.map((y, i) => (this.isShown(y) ? [this.px(i), this.py(this.scale(y))] : null)));
    if (!path) return;
    const isFaint = this.only.size && !this.only.has(k);
    this.picture.append(svg("path", { d: path, class: `series hue${hue}${isFaint ? " faint" : ""}`, "stroke-dasharray": dash }));
    const now = this.at === null ? NaN : ys[this.at];
    if (this.isShown(now)) this.picture.append(svg("circle", { cx: this.px(this.at), cy: this.py(this.scale(now)), r: 4, class: `dot hue${hue}${isFaint ? " faint" : ""}` }));
  }

  // Names at the ends of the lines, moved apart where they would cover each other.
  ends() {
    const found = [];
    for (const [k, name] of this.names) {
      if (this.only.size && !this.only.has(k)) continue;
      const ys = this.series[k][1];
      const last = ys.findLastIndex(this.isShown);
      if (last >= 0) found.push({ k, name, x: this.px(last), y: this.py(this.scale(ys[last])) });
    }
    found.sort((a, b) => a.y - b.y);
    const lowest = CHART.height - CHART.bottom;
    const excess = (at) => Math.max(0, found[at].y + (found.length - 1 - at) * CHART.row - lowest); // those below need room, too
    found.forEach((end, i) => {
      end.place = Math.max(end.y - excess(i), i ? found[i - 1].place + CHART.row : CHART.top);
    });
    const side = this.width - this.right;
    for (const { k, name, x, y, place } of found) {
      const { hue } = styleOf(this.series[k], k);
      this.picture.append(svg("path", { d: `M${x} ${y} L${side + 8} ${place}`, class: `leader hue${hue}` }));
      this.write(name, side + 11, place + 4, "start", `end hue${hue}`);
    }
  }
}

// The colour and the dash of a line: its own, or those of its place.
function styleOf([, , own], k) {
  return { hue: (own?.hue ?? k) % HUES, dash: DASHES[(own?.dash ?? (k % HUES) + Math.floor(k / HUES)) % DASHES.length] };
}

// A piece of a line, as it is drawn.
function lineSample(one, k) {
  const { hue, dash } = styleOf(one, k);
  const picture = svg("svg", { width: 28, height: 10, class: "chart sample", "aria-hidden": "true" });
  picture.append(svg("path", { d: "M1 5 H27", class: `series hue${hue}`, "stroke-dasharray": dash }));
  return picture;
}

const textRuler = document.createElement("canvas").getContext("2d");
function textWidth(text) {
  textRuler.font = "600 13px system-ui, sans-serif";
  return textRuler.measureText(text).width;
}

// As much of a name as has room: its end says more than its beginning.
function shortened(name, room) {
  if (textWidth(name) <= room) return name;
  let from = 1;
  while (from < name.length - 1 && textWidth(`…${name.slice(from)}`) > room) from += 1;
  return `…${name.slice(from)}`;
}

// For those who cannot see the lines, and for those who want the digits.
function numbersTable(title, series, x, first) {
  const place = el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": `${title}, numbers` });
  const details = el("details", {}, el("summary", {}, "Numbers"), place);
  details.addEventListener("toggle", () => {
    const count = Math.max(...series.map(([, ys]) => ys.length));
    const head = el("tr", {}, ...[x, ...series.map(([name]) => name)].map((name) => el("th", { scope: "col" }, name)));
    const rows = Array.from({ length: count }, (_, i) => el("tr", {}, el("th", { scope: "row" }, String(first + i)), ...series.map(([, ys]) => el("td", {}, Number.isFinite(ys[i]) ? ys[i].toPrecision(4) : String(ys[i] ?? "")))));
    place.replaceChildren(el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows)));
  }, { once: true });
  return details;
}
