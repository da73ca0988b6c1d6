// Embeddings: the rows that were looked up, what is near them, and a map of the whole table.

const NEAREST_ROWS = 8;
const MAP_POINTS = 1500; // points of a map

// The cosine of each row of a table with one of them; NaN where one is 0.
function cosines({ data, shape: [count, width] }, row) {
  const dot = (i, j) => { let sum = 0; for (let k = 0; k < width; k += 1) sum += data[i * width + k] * data[j * width + k]; return sum; };
  const norm = Math.sqrt(dot(row, row));
  return Float64Array.from({ length: count }, (_, i) => dot(i, row) / (norm * Math.sqrt(dot(i, i))));
}

// The rows of a table along its first two principal components, by power iteration: { points: [[x, y], ...], share: [of the variance, ...] }.
// The component's largest part is positive, so that the map is the same one each time.
function principalPlane({ data, shape: [count, width] }) {
  const rows = Float64Array.from(data, (x) => (Number.isFinite(x) ? x : 0));
  for (let k = 0; k < width; k += 1) {
    let mean = 0;
    for (let i = 0; i < count; i += 1) mean += rows[i * width + k] / count;
    for (let i = 0; i < count; i += 1) rows[i * width + k] -= mean;
  }
  const along = (v) => Float64Array.from({ length: count }, (_, i) => { let sum = 0; for (let k = 0; k < width; k += 1) sum += rows[i * width + k] * v[k]; return sum; });
  const total = rows.reduce((sum, x) => sum + x * x, 0);
  const found = [];
  const share = [];
  for (let component = 0; component < 2; component += 1) {
    const v = principalDirection(along, rows, count, width, found);
    const places = along(v);
    found.push(v);
    share.push(total ? places.reduce((sum, x) => sum + x * x, 0) / total : 0);
  }
  const [xs, ys] = found.map(along);
  return { points: Array.from(xs, (x, i) => [x, ys[i]]), share };
}

function principalDirection(along, rows, count, width, others) {
  const clean = (v) => {
    for (const other of others) {
      const part = v.reduce((sum, x, k) => sum + x * other[k], 0);
      for (let k = 0; k < width; k += 1) v[k] -= part * other[k];
    }
    const norm = Math.hypot(...v);
    return norm > 1e-12 ? v.map((x) => x / norm) : v.fill(0);
  };
  let v = clean(Float64Array.from({ length: width }, (_, k) => 1 + Math.sin(7 * k + 1 + others.length))); // begins anywhere
  const most = Math.max(20, Math.min(1000, 5e7 / (count * width + 1)));
  for (let round = 0; round < most; round += 1) {
    const places = along(v);
    const next = new Float64Array(width);
    for (let i = 0; i < count; i += 1) for (let k = 0; k < width; k += 1) next[k] += rows[i * width + k] * places[i];
    const turned = clean(next);
    const moved = turned.reduce((most_, x, k) => Math.max(most_, Math.abs(x - v[k])), 0);
    v = turned;
    if (moved < 1e-9) break;
  }
  const largest = v.reduce((best, x, k) => (Math.abs(x) > Math.abs(v[best]) + 1e-12 ? k : best), 0);
  return v[largest] < 0 ? v.map((x) => -x) : v;
}

// { element, update } for rows that were looked up in a table; null for other indexing.
function embeddingLook(step, numbers, page) {
  const [of, index] = step.op === "take" ? ["a", "indices"] : ["x", "index"];
  if (step.op === "take" && step.given.axis?.value !== 0) return null;
  const read = () => numbers.argument(step, of);
  const looked = () => numbers.argument(step, index);
  if (read()?.shape?.length !== 2 || !looked()?.data || !/^u?int/.test(looked().dtype) || !read().shape[1]) return null;
  const [count, width] = read().shape;
  const state = { at: 0, row: null };
  const rowAt = (i) => { const row = looked().data[i]; return row < 0 ? row + count : row; };
  const called = (row) => state.names.get(row) ?? String(row);
  const chosen = () => state.row ?? (looked().data.length ? rowAt(state.at) : 0);

  const tokens = el("div", { class: "row looked", role: "group", "aria-label": "rows that were looked up" });
  const rows = facetView(() => { const value = numbers.value(step.id) ?? read(); return { ...value, shape: [value.data.length / width, width] }; }, "rows that were looked up", {
    names: ["token", "feature"], tell: ([at, feature], value) => `${looked().data.length ? called(rowAt(at)) : at}, feature ${feature}: ${general(value, 5)}` });
  const near = el("div", {});
  const map = el("div", {});
  const element = el("div", { class: "embedding" }, el("p", { class: "quiet" }, `A table of ${count} rows of ${width}; ${looked().data.length} were looked up.`),
    tokens, rows.element, near, map);

  function choose(row, at = null) {
    Object.assign(state, at === null ? { row } : { row: null, at }); // of a token, whichever row it looks up
    show();
  }

  function show() {
    for (const [i, button] of [...tokens.children].entries()) button.setAttribute("aria-pressed", state.row === null && i === state.at);
    const list = nearestRows(read(), chosen());
    near.replaceChildren(el("h3", {}, `Nearest to ${called(chosen())}, by cosine`), list.length
      ? el("table", {}, el("tbody", {}, ...list.map(([row, cosine]) => el("tr", {}, el("th", { scope: "row" }, called(row)), el("td", {}, general(cosine, 4))))))
      : el("p", { class: "quiet" }, "none: this row is 0, or NaN, and has no direction"));
    map.replaceChildren(...tableMap(read(), state.plane, chosen(), new Set(Array.from(looked().data, (_, i) => rowAt(i))), called, new Set(list.map(([row]) => row)), choose));
  }

  function update() {
    const given = looked().data;
    state.names = namesOf(page, looked(), rowAt, count);
    tokens.replaceChildren(...Array.from(given.slice(0, 64), (_, i) => el("button", { onclick: () => choose(rowAt(i), i) }, called(rowAt(i)))));
    if (given.length > 64) tokens.append(el("span", { class: "quiet" }, `and ${given.length - 64} more`));
    const { data } = read();
    if (!state.mapped || data.some((x, i) => !Object.is(x, state.mapped[i]))) { // or the map is as it was
      state.mapped = data.slice();
      state.plane = principalPlane(read());
    }
    rows.update();
    show();
  }
  whenShown(element, update);
  return { element, update };
}

// What rows are called: the words that explore was given for the places where they were looked up.
function namesOf(page, { data, shape }, rowAt, count) {
  if (page.words.texts.length && page.words.vocabulary.length === count) return new Map(page.words.vocabulary.entries());
  const length = shape.at(-1) ?? 1;
  const isNested = Array.isArray(page.data.tokens?.[0]);
  const known = page.data.tokens ? Array.from(data, (_, i) => i).filter((i) => isNested || i < length) : [];
  const words = (i) => wordsOf(page, Math.floor(i / length), length, null);
  return new Map(known.reverse().filter((i) => words(i)).map((i) => [rowAt(i), words(i)[i % length]]));
}

function nearestRows(table, row) {
  return Array.from(cosines(table, row), (cosine, i) => [i, cosine]).filter(([i, cosine]) => i !== row && Number.isFinite(cosine))
    .sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, NEAREST_ROWS);
}

// Points on two principal components: looked-up rows large, the chosen one ringed, neighbours named.
function tableMap(table, { points, share }, chosen, looked, called, neighbours, choose) {
  const some = points.map((_, i) => i).filter((i) => i < MAP_POINTS || looked.has(i) || i === chosen || neighbours.has(i));
  const [xs, ys] = [0, 1].map((k) => extent(some.map((i) => points[i][k])));
  const place = (i) => [[xs, 20, 300], [ys, 200, -180]].map(([[low, high], from, span], k) => (from + (high > low ? (points[i][k] - low) / (high - low) : 0.5) * span).toFixed(1));
  const chart = svg("svg", { viewBox: "0 0 360 220", class: "map", role: "img", "aria-label": "map of the table: its rows along two principal components" });
  const named = [];
  for (const i of some.sort((a, b) => Number(looked.has(a)) - Number(looked.has(b)))) {
    const [x, y] = place(i);
    const dot = svg("circle", { cx: x, cy: y, r: i === chosen ? 7 : looked.has(i) ? 4.5 : 2.5, class: i === chosen ? "chosen" : looked.has(i) ? "looked" : neighbours.has(i) ? "near" : "" });
    const name = svg("title", {});
    name.textContent = called(i);
    dot.append(name);
    dot.addEventListener("click", () => choose(i));
    chart.append(dot);
    if (i === chosen || neighbours.has(i) || (looked.has(i) && looked.size <= 20)) named.push([i, x, y]);
  }
  for (const [i, x, y] of named) {
    const text = svg("text", { x: Number(x) + 7, y: Number(y) - 4 });
    text.textContent = called(i);
    chart.append(text);
  }
  const percent = (part) => `${general(100 * part, 3)} %`;
  const left = points.length > some.length ? ` ${points.length - some.length} of ${points.length} rows are left out.` : "";
  return [el("h3", {}, "A map of the table"), chart,
    el("p", { class: "quiet" }, `Across: the first principal component, ${percent(share[0])} of the variance; up: the second, ${percent(share[1])}.${left}`)];
}

for (const op of ["getitem", "take"]) {
  const own = LENSES[op];
  LENSES[op] = (step, numbers, page) => embeddingLook(step, numbers, page) ?? own?.(step, numbers, page) ?? null;
}
