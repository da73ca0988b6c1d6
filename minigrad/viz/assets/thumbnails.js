// Images as images, inside of the nodes of the graph: data, filters, and what convolutions and poolings make of them.

const WINDOWED = { conv: ["x", "w"], conv_bias: ["x", "weight"], conv_input: ["g", "w"], conv_transpose_bias: ["x", "weight"], max_pool: ["x"], sum_pool: ["x"] };
const TILE = { one: 56, many: 36, gap: 4, sharp: 2 }; // in the units of the drawing, and pixels in one of them
const OFTEN = 100; // milliseconds between two paintings

class Thumbnails {
  constructor(data) {
    this.on = true;
    this.steps = new Map(data.steps.map((step) => [step.id, step]));
    this.isKnown = data.live.program ? () => true : (step) => Boolean(data.arrays?.[step.id]?.value);
    this.tiles = new Map(); // of a step: { rows, columns, planes, height, width, look }
    this.find(data.steps);
  }

  // Planes are what windows slide over, and all of their shape that it is made of or that is made of it.
  find(steps) {
    const planes = new Set();
    const filters = new Set();
    for (const { op, id, given } of steps) {
      if (!WINDOWED[op]) continue;
      const [x, weight] = WINDOWED[op].map((name) => given[name]?.from);
      [id, x].forEach((other) => planes.add(other));
      filters.add(weight);
    }
    const alike = (step, source) => String(step.shape) === String(this.steps.get(source)?.shape);
    const spread = (step, from, to) => { if (from.some((id) => planes.has(id))) to.forEach((id) => planes.add(id)); };
    for (const step of steps) if (step.op) spread(step, step.inputs.map(([source]) => source).filter((source) => alike(step, source)), [step.id]);
    for (const step of [...steps].reverse()) if (step.op) spread(step, [step.id], step.inputs.map(([source]) => source).filter((source) => alike(step, source)));
    for (const step of steps) {
      if (!step.shape || step.count > 1 || !this.isKnown(step)) continue;
      const tiles = planes.has(step.id) ? tilesOf(step) : filters.has(step.id) ? filtersOf(step) : step.kind === "data" ? flatImages(step) : null;
      if (tiles) this.tiles.set(step.id, tiles);
    }
  }

  stepOf(node) {
    return node.members.findLast((step) => step.op) ?? node.members[0];
  }

  // For Graphviz: a node with room for its picture above the words.
  room(node, width, lines) {
    const tiles = this.tiles.get(this.stepOf(node).id);
    if (!tiles || !this.on) return { width };
    const { width: wide, height } = sizeOfTiles(tiles);
    return { width: Math.max(width, (wide + 20) / 72), height: (height + 19 * lines + 22) / 72, labelloc: "b" };
  }

  // Into the nodes of a new drawing.
  place(page) {
    const { graph } = page;
    this.images = [];
    if (!this.on) return;
    for (const node of graph.drawn) {
      const step = this.stepOf(node);
      const tiles = this.tiles.get(step.id);
      if (!tiles) continue;
      const box = node.element.querySelector("path:not(.sheet), polygon:not(.sheet)").getBBox();
      const { width, height } = sizeOfTiles(tiles);
      const image = svg("image", { x: box.x + (box.width - width) / 2, y: box.y + 8, width, height, class: "thumbnail", "image-rendering": "pixelated", "aria-hidden": true }); // sharp in an exported picture, too
      node.element.append(image);
      node.element.querySelectorAll("text").forEach((text) => text.setAttribute("transform", "translate(0 -7)")); // off the border
      this.images.push({ image, step, tiles });
    }
    this.paint(page);
  }

  paint(page) {
    this.painted = performance.now();
    for (const { image, step, tiles } of this.images) {
      const value = page.numbers.value(step.id);
      if (value) image.setAttribute("href", painted(value, tiles).toDataURL());
    }
  }

  // Numbers have changed, perhaps many times a second.
  renew(page) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.paint(page), Math.max(0, OFTEN - (performance.now() - (this.painted ?? 0))));
  }
}

function arranged(planes, height, width, look) {
  const columns = planes.length > 4 ? Math.ceil(planes.length / 2) : planes.length;
  return { planes, height, width, look, columns, rows: Math.ceil(planes.length / columns) };
}

// Images of one or three channels, the first of a batch; else the channels of the first image.  A signal is one picture.
function tilesOf({ shape, kind, fixed }) {
  const [height, width] = shape.slice(-2);
  const given = kind === "data" || fixed || kind === "leaf";
  if (shape.length === 3) return width < 8 ? null : arranged([[0]], Math.min(height, 32), width, "plane");
  if (shape.length !== 4 || height < 3 || width < 3) return null;
  const [count, channels] = shape;
  const first = (n, most) => Array.from({ length: Math.min(n, most) }, (_, i) => i);
  if (channels === 3) return arranged(first(count, 4).map((i) => [3 * i, 3 * i + 1, 3 * i + 2]), height, width, "colours");
  if (channels === 1) return arranged(first(count, 4).map((i) => [i]), height, width, given ? "grey" : "plane");
  return arranged(first(channels, 8).map((i) => [i]), height, width, "plane");
}

function filtersOf({ shape }) {
  const [count, channels, height, width] = shape;
  if (shape.length !== 4 || height < 3 || width < 3 || !count) return null;
  const first = Array.from({ length: Math.min(count, 8) }, (_, i) => i);
  return arranged(first.map((i) => (channels === 3 ? [3 * i, 3 * i + 1, 3 * i + 2] : [i * channels])), height, width, channels === 3 ? "colours" : "plane");
}

// Rows of data that are square images: 8×8 or more pixels, none of them negative.
function flatImages({ shape, value }) {
  const side = Math.sqrt(shape.at(-1) ?? 0);
  if (shape.length !== 2 || side < 8 || !Number.isInteger(side) || !(Number(value?.range?.min) >= 0)) return null;
  return arranged(Array.from({ length: Math.min(shape[0], 4) }, (_, i) => [i]), side, side, "grey");
}

function sizeOfTile({ planes, height, width }) {
  const high = planes.length === 1 ? TILE.one : TILE.many;
  return { width: Math.max(high / 2, Math.min(3 * high, (high * width) / height)), height: height * 3 < width ? high / 1.5 : high };
}

function sizeOfTiles(tiles) {
  const { width, height } = sizeOfTile(tiles);
  return { width: tiles.columns * (width + TILE.gap) - TILE.gap, height: tiles.rows * (height + TILE.gap) - TILE.gap };
}

// A canvas with all tiles of a step.
function painted({ data }, tiles) {
  const { width, height } = sizeOfTiles(tiles);
  const tile = sizeOfTile(tiles);
  const canvas = el("canvas", { width: Math.round(TILE.sharp * width), height: Math.round(TILE.sharp * height) });
  const context = canvas.getContext("2d");
  context.scale(TILE.sharp, TILE.sharp);
  tiles.planes.forEach((planes, i) => {
    const one = pixelsOf(data, planes, tiles);
    context.imageSmoothingEnabled = one.width > TILE.sharp * tile.width;
    context.drawImage(one, (i % tiles.columns) * (tile.width + TILE.gap), Math.floor(i / tiles.columns) * (tile.height + TILE.gap), tile.width, tile.height);
  });
  return canvas;
}

// One tile: its planes are the colours red, green and blue, or one plane is grey, or blue and orange.  Of a large one not all pixels.
function pixelsOf(data, planes, { height, width, look }) {
  const step = Math.max(1, Math.floor(Math.min(height, width) / (TILE.sharp * TILE.one)));
  const [rows, columns] = [Math.ceil(height / step), Math.ceil(width / step)];
  const parts = planes.map((number) => Float64Array.from({ length: rows * columns }, (_, i) => data[(number * height + step * Math.floor(i / columns)) * width + step * (i % columns)]));
  const extents = parts.map((part) => extent(part.filter(Number.isFinite)));
  const [low, high] = [Math.min(...extents.map(([a]) => a)), Math.max(...extents.map(([, b]) => b))];
  const bright = (x) => (255 * (x - low)) / (high - low || 1);
  const shade = look === "plane" ? (i) => colour(parts[0][i], low, high) : (i) => [0, 1, 2].map((c) => bright((parts[c] ?? parts[0])[i]));
  const canvas = el("canvas");
  paint(canvas, columns, rows, shade);
  return canvas;
}

FEATURES.push((page) => {
  const { thumbnails } = page.graph;
  if (!thumbnails.tiles.size) return;
  const toggle = el("button", { "aria-pressed": "true", onclick: () => {
    thumbnails.on = !thumbnails.on;
    toggle.setAttribute("aria-pressed", thumbnails.on);
    page.redraw();
  } }, "Images in nodes");
  page.menu("View", toggle);
  thumbnails.place(page);
  page.listen("draw", () => thumbnails.place(page));
  page.listen("change", () => thumbnails.renew(page));
});
