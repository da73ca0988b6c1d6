// An array of any rank as one picture: planes of its last axes beside and below each other, facet in facet, each number told on
// hover and by the arrow keys.  The layout is the one of viz/facets.py.

const FACET_SIDE = 192; // cells along a side, about
const POINT = "Point at a number to read it.";

// Where each index of each axis stands: { width, height, axes: [{ axis, length, across, places: [[index, x, y], ...] }] }.
// From the last axis outwards they run across and down in turn; a single facet axis is wrapped into rows.
function facetLayout(shape, side = FACET_SIDE) {
  const long = shape.map((length, axis) => ({ axis, length })).filter(({ length }) => length !== 1).reverse();
  const size = [1, 1]; // across, down
  const axes = long.map(({ axis, length }, k) => {
    const way = k % 2;
    const gap = Math.floor(k / 2);
    if (k === 2 && long.length === 3) return wrappedFacets(axis, length, size, side);
    const stride = size[way] + gap;
    const kept = Math.min(length, Math.max(k < 2 ? 8 : 2, Math.floor((side + gap) / stride)));
    const cut = kept < length;
    const places = Array.from({ length: kept }, (_, i) => {
      const isLate = cut && i >= Math.ceil(kept / 2);
      const offset = i * stride + (isLate ? 1 + gap : 0); // a gap where some are left out
      return [isLate ? length - kept + i : i, way ? 0 : offset, way ? offset : 0];
    });
    size[way] = kept ? kept * stride - gap + (cut ? 1 + gap : 0) : 0;
    return { axis, length, across: !way, places };
  });
  return { width: size[0], height: size[1], axes };
}

function wrappedFacets(axis, length, size, side) {
  const [across, down] = [size[0] + 1, size[1] + 1];
  const most = (stride) => Math.max(1, Math.floor((side + 1) / stride));
  const kept = Math.min(length, Math.max(2, most(across) * most(down)));
  const columns = Math.min(kept, most(across), Math.max(1, Math.round(Math.sqrt((kept * down) / across))));
  const places = Array.from({ length: kept }, (_, i) => {
    const place = kept < length && i >= Math.ceil(kept / 2) ? length - kept + i : i;
    return [place, (i % columns) * across, Math.floor(i / columns) * down];
  });
  size[0] = columns * across - 1;
  size[1] = Math.ceil(kept / columns) * down - 1;
  return { axis, length, across: null, places };
}

// For each cell of the picture, row by row, the place of its number in the array; -1 between facets.
function facetCells(shape, { width, height, axes }) {
  const cells = new Int32Array(width * height).fill(-1);
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((n, m) => n * m, 1));
  const walk = (k, at, x, y) => {
    if (k === axes.length) cells[y * width + x] = at;
    else for (const [i, dx, dy] of axes[k].places) walk(k + 1, at + i * strides[axes[k].axis], x + dx, y + dy);
  };
  if (shape.every((length) => length > 0)) walk(0, 0, 0, 0);
  return cells;
}

// What the picture shows, in words: the axes and how they run, and what is left out.
function facetCaption(shape, { axes }, names = []) {
  const name = (axis) => names[axis] ?? `axis ${axis}`;
  const texts = [...axes].reverse().map(({ axis, length, across, places }, i) => {
    const inner = i >= axes.length - 2;
    const way = across === null ? "one facet each" : across ? (inner ? "across" : "facets across") : inner ? "down" : "facets down";
    const some = places.length < length ? `, the first ${Math.ceil(places.length / 2)} and the last ${Math.floor(places.length / 2)}` : "";
    return `${name(axis)} (${length}${some}) ${way}`;
  });
  return `${dimensions(shape)}${texts.length ? `: ${texts.join(", ")}` : ""}`;
}

// The picture, its scale, its caption, and the number that the mouse or the cursor is at.  `read` gives { data, shape, dtype }.
// `options`: names of the axes, scale [low, high], tell(index, value) for a text of one's own, caption, size in pixels, and told: an
// element elsewhere that says the number; the scale is then elsewhere, too.
function facetView(read, label, options = {}) {
  const first = read();
  const layout = facetLayout(first.shape);
  const cells = facetCells(first.shape, layout);
  const { width, height } = layout;
  const state = { x: 0, y: 0, seen: false };
  const canvas = el("canvas", { width: Math.max(width, 1), height: Math.max(height, 1), class: "facets", role: "application", "aria-roledescription": "heat map",
    tabindex: 0, "aria-label": `${label}, ${dimensions(first.shape)}: the arrow keys go through its numbers` });
  if (width && height) sizedAs(canvas, options.size ?? facetSize(layout));
  const told = options.told ?? el("output", { class: "told" });
  const scale = el("div", {});
  const element = el("figure", { class: "faceted" }, canvas, ...(options.told ? [] : [told, scale]), options.caption === "" ? null : el("figcaption", {}, options.caption ?? facetCaption(first.shape, layout, options.names)));

  function tell() {
    const at = cells[state.y * width + state.x];
    if (at === undefined || at < 0) return;
    const { data, dtype, shape } = read();
    const index = indices(at, shape);
    told.textContent = options.tell ? options.tell(index, data[at]) : `${shape.length ? `[${index.join(", ")}]` : ""} = ${shortestNumber(data[at], dtype)}`;
  }

  function show() {
    paintFacets(canvas, cells, read().data, options.scale ?? null, scale, state.seen ? state : null);
    if (state.seen) tell();
    else if (!options.told) told.textContent = POINT;
  }

  pointing(canvas, cells, state, show);
  if (cells.length) show();
  else told.textContent = "empty";
  return { element, scale, update: () => cells.length && show() };
}

// The mouse, and the arrow keys, lead to a cell with a number in it.
function pointing(canvas, cells, state, show) {
  const { width, height } = canvas;
  const holds = (x, y) => x >= 0 && y >= 0 && x < width && y < height && cells[y * width + x] >= 0;
  const go = (x, y) => { Object.assign(state, { x, y, seen: true }); show(); };
  canvas.addEventListener("pointermove", (event) => {
    const frame = canvas.getBoundingClientRect(); // with a border of 1 px
    const [x, y] = [((event.clientX - frame.left - 1) / (frame.width - 2)) * width, ((event.clientY - frame.top - 1) / (frame.height - 2)) * height].map(Math.floor);
    if (holds(x, y) && !(state.seen && x === state.x && y === state.y)) go(x, y);
  });
  canvas.addEventListener("focus", () => go(state.x, state.y));
  canvas.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way) return;
    event.preventDefault();
    event.stopPropagation(); // they would move the player
    let [x, y] = [state.x + way[0], state.y + way[1]];
    while (x >= 0 && y >= 0 && x < width && y < height && !holds(x, y)) [x, y] = [x + way[0], y + way[1]]; // over the gaps
    if (holds(x, y)) go(x, y);
  });
}

// Pixels across and down: cells are squares, but of what is long and thin.
function facetSize({ width, height }) {
  const cell = Math.min(24, 320 / width, 360 / height);
  return [Math.max(width * cell, 48), Math.max(height * cell, 24)];
}

function sizedAs(canvas, [across, down]) {
  canvas.style.width = `min(100%, calc(${across}px * var(--zoom, 1)))`;
  canvas.style.aspectRatio = `${across} / ${down}`;
}

// The cell that is told has a dot.
function paintFacets(canvas, cells, data, given, scale, cursor) {
  const [low, high] = given ?? extent(Array.from(cells, (at) => data[at]).filter(Number.isFinite));
  paint(canvas, canvas.width, canvas.height, (i) => (cells[i] < 0 ? null : colour(data[cells[i]], low, high)));
  if (cursor) {
    const context = canvas.getContext("2d");
    context.fillStyle = ink(colour(data[cells[cursor.y * canvas.width + cursor.x]], low, high));
    context.fillRect(cursor.x, cursor.y, 1, 1);
  }
  if (scale && low <= high) scale.replaceChildren(colourBar(low, high));
}

// The details of a value: its text and range, and all of its numbers where the page has them.  `get` gives the summary, `read` the
// numbers of an output; what was pointed at stays when they change.
function arrayView(get, label, read) {
  const kept = new Map();
  const facets = (value, output) => {
    const numbers = value?.map ? read(output) : null;
    if (!numbers) return null;
    if (!kept.has(output)) kept.set(output, facetView(() => read(output), label));
    const view = kept.get(output);
    view.update();
    return view.element;
  };
  const box = el("div", {});
  box.update = () => {
    const focused = document.activeElement;
    box.replaceChildren(valueView(get(), label, facets));
    if (box.contains(focused)) focused.focus({ preventScroll: true });
  };
  whenShown(box);
  return box;
}

// Details are made for each change, mostly to be compared with those that stand there: what is costly is for those that are shown.
function whenShown(element, update = element.update) {
  queueMicrotask(() => element.isConnected && update());
  return element;
}
