// Recurrent layers over time: states and gates as rows of heat, and below them how much of the gradient gets so far back.

// What a picture over time is made of: { what, examples, rows(example), reach(example), of }, or null.
function recurrentOf(step, numbers, page) {
  if (CELLS[step.op]) {
    const first = fusedRows(step, numbers, 0);
    if (!first) return null;
    const from = page.data.steps.find((other) => other.id === step.given.x?.from);
    return { ...first, isBackwards: from?.op === "flip", make: (example) => fusedRows(step, numbers, example).rows, reach: (example) => fusedReach(step, numbers, example), of: `x${SUB_T}` };
  }
  return unrolledOf(step, numbers, page);
}

const SUB_T = "ₜ";

// A cell that a loop calls: of each call the states that the next one reads, and its gates.
function unrolledOf(step, numbers, page) {
  const { cells } = page.data; // by their paths, what they say of their gates
  const [path] = step.calls.findLast(([name]) => Object.hasOwn(cells, name)) ?? [];
  if (path === undefined) return null;
  const calls = new Map();
  for (const other of page.data.steps) {
    const call = other.op && other.calls.find(([name]) => name === path);
    if (call) calls.set(call[1], [...(calls.get(call[1]) ?? []), other]);
  }
  const times = [...calls.keys()].sort((a, b) => a - b).map((number) => calls.get(number));
  if (times.length < 2) return null;
  const parts = cellParts(cells[path], times);
  if (!parts || !parts.every(({ ids }) => ids.every((id) => numbers.value(id)))) return null;
  const [batch, single] = [numbers.value(parts[0].ids[0]).shape.at(-2) ?? 1, numbers.value(parts[0].ids[0]).shape.length < 2];
  const column = (array, example) => { const size = array.shape.at(-1) ?? 1; return { from: single ? 0 : example * size, size }; };
  const make = (example) => parts.map(({ key, ids, title }) => {
    const { size } = column(numbers.value(ids[0]), example);
    const row = GATE_ROWS[key] ? cellRow(key, size, ids.length) : { key, name: key, title, size, scale: null, data: new Float64Array(size * ids.length) };
    ids.forEach((id, t) => { const array = numbers.value(id); const { from } = column(array, example); for (let j = 0; j < size; j += 1) row.data[j * ids.length + t] = array.data[from + j]; });
    return row;
  });
  const reach = (example) => parts[0].ids.map((id) => { const g = numbers.gradient(id); if (!g) return 0; const { from, size } = column(g, example); return cellNorm(g.data, from, size); });
  return { steps: times.length, examples: single ? 1 : batch, make, reach, of: `h${SUB_T}` };
}

// Which steps of a cell's calls are its states and gates: [{ key, ids }], the state first.
function cellParts(keys, times) {
  const states = (ops, next) => ops.filter((one) => one.shape && next.some((other) => other.inputs.some(([source]) => source === one.id)));
  const gates = (ops) => ops.filter((one) => ["expit", "sigmoid", "tanh"].includes(one.op));
  const place = (picked, key, title) => {
    const ids = times.map((ops) => picked(ops)?.id);
    return ids.includes(undefined) ? [] : [{ key, ids, title }];
  };
  const lasting = states(times[0], times[1]).map((one) => times[0].indexOf(one));
  if (!lasting.length) return null;
  const h = keys.length ? times[0].length - 1 : lasting.at(-1); // what a cell returns is what it computes last
  const others = lasting.filter((i) => i !== h);
  const found = [...place((ops) => ops.at(h - times[0].length), "h", "the state"),
    ...others.flatMap((i) => place((ops) => ops.at(i - times[0].length), "c", "the cell"))];
  const named = gates(times[0]).flatMap((one, k) => {
    const key = gates(times[0]).length === keys.length ? keys[k] : `${one.op} ${k + 1}`;
    return key ? place((ops) => gates(ops)[k], key, one.call) : [];
  });
  const order = Object.keys(GATE_ROWS);
  return [...found, ...named.sort((a, b) => order.indexOf(a.key) - order.indexOf(b.key))].slice(0, 10);
}

// { element, update } for a recurrent op, and for a step of a cell.
function recurrentLook(step, numbers, page) {
  const layer = recurrentOf(step, numbers, page);
  if (!layer) return null;
  const { steps, examples } = layer;
  const state = { example: 0, rows: layer.make(0) };
  const words = () => (layer.isBackwards ? [...wordsOf(page, state.example, steps)].reverse() : wordsOf(page, state.example, steps));
  const across = Math.max(240, Math.min(steps * 24, 900));
  const told = el("output", { class: "told" }, POINT);
  const views = state.rows.map((row, k) => {
    const read = () => ({ data: state.rows[k].data, shape: [row.size, steps], dtype: "float32" });
    const tell = ([unit, t], value) => `${row.name}[${unit}] at t = ${t}${page.data.tokens ? ` (${words()[t]})` : ""}: ${general(value, 5)}`;
    return facetView(read, `${row.name}, ${row.title}, over time`, { scale: row.scale, tell, told, caption: "", size: [across, Math.max(20, Math.min(row.size * 8, 96))] });
  });
  const reached = el("div", {});
  const texts = el("div", { class: "times quiet" });
  const choice = examples > 1 ? numberField("example", () => state.example, (x) => { state.example = Math.max(0, Math.min(examples - 1, Math.round(x) || 0)); update(); }, { dtype: "int32", min: 0, max: examples - 1 }) : null;
  const label = (row, k) => el("div", { class: "name" }, el("span", {}, el("b", {}, row.name), el("span", { class: "quiet" }, ` ${row.title}`)), views[k].scale);
  const element = el("div", { class: "recurrent" },
    choice && el("label", { class: "row" }, "example ", choice),
    el("p", { class: "quiet" }, `${layer.isBackwards ? "It reads from the end: t = 0 is the last one" : "Time runs to the right"}. ${steps} steps, a row for each unit.`), told,
    ...state.rows.flatMap((row, k) => [label(row, k), views[k].element]), texts, reached);

  function update() {
    state.rows = layer.make(state.example);
    views.forEach((view) => view.update());
    choice?.show();
    element.style.setProperty("--across", `${across}px`);
    texts.style.width = `min(100%, calc(${across}px * var(--zoom, 1)))`;
    texts.replaceChildren(...(steps <= 24 ? words().map((word) => el("span", {}, word)) : [el("span", {}, "t = 0"), el("span", {}, `t = ${steps - 1}`)]));
    const norms = layer.reach(state.example);
    reached.replaceChildren(...(norms ? reachChart(norms, layer.of, across) : [el("p", { class: "quiet" }, "No gradient arrives.")]));
  }
  whenShown(element, update);
  return { element, update };
}

// The gradient's norm by lag, as bars below the times, on a scale of powers of ten.
function reachChart(norms, of, across) {
  const steps = norms.length;
  const positive = norms.filter((x) => x > 0 && Number.isFinite(x));
  const high = Math.ceil(Math.log10(Math.max(...positive, 1e-30)) + 1e-9);
  const low = Math.min(Math.floor(Math.log10(Math.min(...positive, 1e30))), high - 1);
  const chart = svg("svg", { viewBox: `0 0 ${steps} 100`, preserveAspectRatio: "none", class: "reach", role: "img", "aria-label": `norm of the gradient of ${of} at each time; the numbers are in the table below` });
  sizedAs(chart, [across, 100]);
  norms.forEach((x, t) => {
    const height = x > 0 && Number.isFinite(x) ? Math.max(1, (100 * (Math.log10(x) - low)) / (high - low)) : 0;
    const bar = svg("rect", { x: t + 0.1, y: 100 - height, width: 0.8, height });
    const name = svg("title", {});
    name.textContent = `t = ${t}, ${steps - 1 - t} steps back: ${general(x, 4)}`;
    bar.append(name);
    chart.append(bar);
  });
  const cells = norms.map((x, t) => el("tr", {}, el("td", {}, String(steps - 1 - t)), el("td", {}, String(t)), el("td", {}, general(x, 5)))).reverse();
  const table = el("details", {}, el("summary", {}, "The numbers"), el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "gradient by lag" }, el("table", {},
    el("thead", {}, el("tr", {}, ...["lag", "t", "norm"].map((name) => el("th", { scope: "col" }, name)))), el("tbody", {}, ...cells))));
  return [el("h3", {}, `How much of the gradient gets back to ${of}`), el("div", { class: "scale" }, `10${raisedText(high)} at the top, 10${raisedText(low)} at the bottom`), chart, el("p", { class: "verdict", role: "status" }, reachVerdict(norms)), table];
}

// By what the gradient grows or shrinks with each step back, on the average.
function reachVerdict(norms) {
  if (norms.some((x) => !Number.isFinite(x))) return "The gradient is not finite: it has exploded.";
  const last = norms.findLastIndex((x) => x > 0);
  const first = norms.findIndex((x) => x > 0);
  if (last < 0) return "No gradient arrives.";
  if (last === first) return norms.length > 1 ? `It arrives at t = ${last} only.` : "One step: there is nothing to compare.";
  const factor = (norms[first] / norms[last]) ** (1 / (last - first));
  const far = `at t = ${first} it is ${general(norms[first] / norms[last], 3)} times what it is at t = ${last}`;
  const name = factor < 0.9 ? "it vanishes" : factor > 1.1 ? "it explodes" : "it lasts";
  return `Each step back multiplies it by ${general(factor, 3)} on the average: ${name} (${far}).`;
}

for (const op of Object.keys(CELLS)) LENSES[op] = recurrentLook;
// Any step of a cell shows the cell over time, where it has no picture of its own.
for (const op of ["add", "subtract", "multiply", "tanh", "expit", "maximum", "relu", "linear", "matmul"]) {
  const own = LENSES[op];
  LENSES[op] = (step, numbers, page) => (unrolledOf(step, numbers, page) ? recurrentLook(step, numbers, page) : null) ?? own?.(step, numbers, page) ?? null;
}
