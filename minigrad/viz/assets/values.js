// Arrays as text, tables, heat maps and histograms; `el` makes elements whose text is always text.

function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true && !name.startsWith("aria-") ? "" : value); // aria-hidden="" hides nothing
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function svg(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// A drawing of 20 by 20, in the colour of the text.
function icon(path) {
  const drawing = svg("svg", { viewBox: "0 0 20 20", "aria-hidden": true });
  drawing.append(svg("path", { d: path }));
  return drawing;
}

const ODD = [128, 128, 128]; // NaN

// Blue for negative, white for zero, orange for positive, which the colour-blind tell apart; from white to blue where all have one sign.
// What is infinite has the colour of the end of the scale.  `colours` of viz/facets.py is the same.
function colour(x, low, high) {
  if (Number.isNaN(x) || !(low <= high)) return ODD;
  const value = Math.max(low, Math.min(high, x));
  if ((low < 0 && high > 0) || (low === 0 && high === 0)) {
    const part = value / Math.max(-low, high, Number.MIN_VALUE);
    const [r, g, b] = part < 0 ? [16, 84, 190] : [190, 70, 0];
    return [r, g, b].map((x) => Math.round(250 + (x - 250) * Math.abs(part)));
  }
  const part = high > low ? (value - low) / (high - low) : 0.5;
  return [Math.round(250 - 225 * part), Math.round(252 - 165 * part), Math.round(255 - 85 * part)];
}

// Black or white, whichever is read better on a colour.
function ink([r, g, b]) {
  const [x, y, z] = [r, g, b].map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * x + 0.7152 * y + 0.0722 * z > 0.179 ? "#000" : "#fff";
}

// The pixels of a canvas, row by row: `shade` gives of each the colour [r, g, b], or [r, g, b, opacity]; null is transparent.
function paint(canvas, width, height, shade) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let i = 0, at = 0; i < width * height; i += 1, at += 4) {
    const found = shade(i);
    if (!found) continue;
    for (let part = 0; part < 3; part += 1) image.data[at + part] = found[part];
    image.data[at + 3] = found[3] ?? 255;
  }
  context.putImageData(image, 0, 0);
}

function heatMap(map, label) {
  const canvas = el("canvas", { role: "img", "aria-label": `heat map of the ${label}` });
  const bytes = map.bytes ?? bytesOf(map.data);
  paint(canvas, map.width, map.height, (i) => (bytes[i] === 255 ? ODD : colour(map.low + (bytes[i] / 254) * (map.high - map.low), map.low, map.high)));
  canvas.style.aspectRatio = `${map.width} / ${map.height}`;
  return el("figure", {}, canvas, colourBar(map.low, map.high), el("figcaption", {}, map.caption));
}

// Which colour stands for which number.
function colourBar(low, high) {
  const steps = 40;
  const bar = el("canvas", { class: "bar", "aria-hidden": true });
  paint(bar, steps, 1, (i) => colour(low + (i / (steps - 1)) * (high - low), low, high));
  return el("div", { class: "scale" }, low.toPrecision(3), bar, high.toPrecision(3));
}

function histogram(data, label) {
  const most = Math.max(...data.counts);
  const width = 100 / data.counts.length;
  const chart = svg("svg", { viewBox: "0 0 100 40", preserveAspectRatio: "none", class: "histogram", role: "img", "aria-label": `histogram of the ${label}, at most ${most} in a bar` });
  data.counts.forEach((count, i) => {
    const height = (40 * count) / most;
    chart.append(svg("rect", { x: i * width, y: 40 - height, width: width * 0.9, height }));
  });
  const counts = el("div", { class: "counts", "aria-hidden": true }, el("span", {}, most), el("span", {}, 0));
  return el("figure", {}, el("div", { class: "counted" }, counts, chart), el("figcaption", {}, `${data.low} to ${data.high}`));
}

// `facets` gives a picture of all numbers of an output, or null where the page does not have them.
function valueView(value, label, facets = () => null, output = null) {
  if (value === null) return el("p", { class: "quiet" }, "not kept: compute it under viz.capture() to see it");
  if (value.parts) return el("div", {}, ...value.parts.map((part, i) => el("div", {}, el("h3", {}, `output ${i}`), valueView(part, label, facets, i))));
  const notes = Object.entries(value.range ?? {}).map(([name, number]) => `${name} ${number}`);
  notes.push(...Object.entries(value.counts ?? {}).map(([name, count]) => `${count} ${name}`));
  const box = el("div", {});
  if (value.rows && value.rows.length === 1 && value.rows[0].length === 1) box.append(el("p", { class: "number" }, value.rows[0][0]));
  else if (value.rows) {
    const rows = value.rows.map((row) => el("tr", {}, ...row.map((number) => el("td", {}, number))));
    box.append(el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": label }, el("table", {}, el("tbody", {}, ...rows))));
  }
  if (notes.length) box.append(el("p", { class: "quiet" }, notes.join(", ")));
  if (value.map) box.append(facets(value, output) ?? heatMap(value.map, label));
  if (value.histogram) box.append(histogram(value.histogram, label));
  return box;
}

function themeButton() {
  const root = document.documentElement;
  const dark = () => (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  return el("button", { id: "theme", onclick: () => { root.dataset.theme = dark() ? "light" : "dark"; } }, "Light / dark");
}

// Of base64.
function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

// What the page shows; where it is much, it is packed.
async function readData() {
  const place = document.getElementById("data");
  if (place.type === "application/json") return JSON.parse(place.textContent);
  const packed = bytesOf(place.textContent);
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
}
