// Attention: which token looks at which, head by head, with the text on both sides.

// Where weights come from products of queries with keys, and are multiplied with values: { read, shape, scores, text }, or null.
function attentionOf(step, numbers, page) {
  const { steps } = page.data;
  if (step.op !== "softmax" || step.shape.length < 2 || !(step.given.axis?.value === -1 || step.given.axis?.value === step.shape.length - 1)) return null;
  const byId = new Map(steps.map((other) => [other.id, other]));
  const PASSING = ["where", "add", "subtract", "multiply", "divide", "astype", "reshape", "clip", "tanh", "masked_fill", "broadcast_to"];
  const PRODUCTS = ["matmul", "einsum"];
  const isProduct = (other) => PRODUCTS.includes(other?.op);
  const scored = (id, left = 8) => {
    const other = byId.get(id);
    if (isProduct(other) && sameShape(other.shape, step.shape)) return true;
    return left > 0 && PASSING.includes(other?.op) && other.inputs.some(([source]) => scored(source, left - 1));
  };
  const used = (id, left = 4) => steps.some((other) => other.inputs.some(([source]) => source === id)
    && ((isProduct(other) && (other.given.x?.from ?? id) === id) || (left > 0 && PASSING.includes(other.op) && sameShape(other.shape, step.shape) && used(other.id, left - 1))));
  if (!step.inputs.some(([source]) => scored(source)) || !used(step.id) || !numbers.value(step.id)) return null;
  return { read: () => numbers.value(step.id), shape: step.shape, scores: () => numbers.argument(step, "x") };
}

const sameShape = (one, other) => one?.length === other?.length && one.every((length, i) => length === other[i]);

// The words along an axis: those that explore was given where there are as many, else the positions, or what is said.
function wordsOf(page, example, length, otherwise = Array.from({ length }, (_, i) => String(i))) {
  const given = page.data.tokens ?? [];
  const words = Array.isArray(given[0]) ? given[example] ?? [] : given;
  const fitting = [...page.words.sentences(example), words, ...given.filter(Array.isArray)].find((some) => some.length === length);
  return fitting ?? otherwise;
}

// { element, update } for a softmax that is attention; null for others.
function attentionLook(step, numbers, page) {
  const attention = attentionOf(step, numbers, page);
  if (!attention) return null;
  const [queries, keys] = attention.shape.slice(-2);
  const outer = attention.shape.slice(0, -2);
  const heads = outer.at(-1) ?? 1;
  const examples = outer.slice(0, -1).reduce((n, m) => n * m, 1);
  const isNested = Array.isArray(page.data.tokens?.[0]) && outer.length === 1; // examples, of one head each
  const state = { example: 0, head: 0, query: Math.max(0, queries - 1), key: null };
  const names = isNested ? ["example", null] : ["head", "example"];
  const maps = el("div", { class: "heads", role: "group", "aria-label": `choose ${names[0]}` });
  const gaze = el("div", { class: "gaze" });
  const said = el("p", { class: "told", role: "status" });
  const choice = examples > 1 ? numberField(names[1], () => state.example, (x) => { state.example = Math.max(0, Math.min(examples - 1, Math.round(x) || 0)); update(); }, { dtype: "int32", min: 0, max: examples - 1 }) : null;
  const element = el("div", { class: "attention" }, el("p", { class: "quiet" }, `${heads} ${names[0]}${heads > 1 ? "s" : ""}, ${queries} ${queries === 1 ? "token that looks" : "tokens that look"} at ${keys}${examples > 1 ? `, ${examples} examples` : ""}. Each row sums to 1.`),
    choice && el("label", { class: "row" }, `${names[1]} `, choice), maps, gaze, said);
  const plane = () => (state.example * heads + state.head) * queries * keys;
  const weight = (q, k) => attention.read().data[plane() + q * keys + k];
  // What a mask takes out has the score -inf (or what stands for it).
  const masks = (head, i) => {
    const scores = attention.scores();
    return scores?.data?.length === attention.read().data.length && scores.data[(state.example * heads + head) * queries * keys + i] < -1e8;
  };
  const isMasked = (q, k) => masks(state.head, q * keys + k);
  const words = (length) => wordsOf(page, isNested ? state.head : state.example, length);

  const headButtons = Array.from({ length: heads }, (_, h) => headButton(h, names[0], attention, state, masks, () => { state.head = h; update(); }));
  if (queries && keys) maps.append(...headButtons);

  // The weights of a token: from its place on the left to those on the right, or the other way round.
  const left = tokenColumn("looks", queries, (q) => Object.assign(state, { query: q, key: null }), show);
  const right = tokenColumn("is looked at", keys, (k) => Object.assign(state, { key: k, query: null }), show);
  const rows = Math.max(queries, keys);
  const curves = svg("svg", { viewBox: `0 0 100 ${rows}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  curves.style.height = `calc(${rows} * var(--row))`;
  gaze.append(left.element, curves, right.element);

  function show() {
    const [from, to] = [words(queries), words(keys)];
    const chosen = state.key === null;
    left.show(from, chosen ? state.query : null, chosen ? null : (q) => [weight(q, state.key), isMasked(q, state.key)]);
    right.show(to, chosen ? null : state.key, chosen ? (k) => [weight(state.query, k), isMasked(state.query, k)] : null);
    curves.replaceChildren(...attentionCurves(attention.shape, state, weight));
    said.textContent = attentionSpoken(attention.shape, state, from, to, weight, isMasked);
  }

  function update() {
    for (const button of headButtons) button.paint();
    choice?.show();
    if (queries && keys) show();
    else said.textContent = "empty";
  }
  whenShown(element, update);
  return { element, update };
}

// The map of a head, small, to choose it by; what is masked is left open.
function headButton(h, name, attention, state, masks, choose) {
  const [queries, keys] = attention.shape.slice(-2);
  const heads = attention.shape.at(-3) ?? 1;
  const canvas = el("canvas", { width: Math.max(keys, 1), height: Math.max(queries, 1), "aria-hidden": true });
  canvas.style.aspectRatio = `72 / ${Math.max(16, Math.min(144, (72 * queries) / Math.max(keys, 1)))}`;
  const button = el("button", { "aria-label": `${name} ${h}`, onclick: choose }, canvas, String(h));
  button.paint = () => {
    button.setAttribute("aria-pressed", h === state.head);
    const from = (state.example * heads + h) * queries * keys;
    paintFacets(canvas, Int32Array.from({ length: queries * keys }, (_, i) => (masks(h, i) ? -1 : from + i)), attention.read().data, [0, 1], null, null);
  };
  return button;
}

// From each token to those that it looks at, as wide as the weight; of long texts the chosen token's only.
function attentionCurves(shape, { query, key }, weight) {
  const [queries, keys] = shape.slice(-2);
  const isLong = queries * keys > 1600;
  const paths = [];
  for (let q = 0; q < queries; q += 1) {
    for (let k = 0; k < keys; k += 1) {
      const isChosen = key === null ? q === query : k === key;
      const w = weight(q, k);
      if ((!isChosen && isLong) || !(w > 0.01)) continue;
      const [y0, y1] = [q + 0.5, k + 0.5];
      paths.push(svg("path", { d: `M0 ${y0} C50 ${y0} 50 ${y1} 100 ${y1}`, "stroke-width": 0.5 + 6 * w, "stroke-opacity": isChosen ? 0.25 + 0.75 * w : 0.18 * w }));
    }
  }
  return paths;
}

// What the chosen token looks at most, or is looked at by, in words.
function attentionSpoken(shape, { query, key }, from, to, weight, isMasked) {
  const looks = key === null;
  const parts = Array.from({ length: shape.at(looks ? -1 : -2) }, (_, i) => (looks ? [to[i], weight(query, i), isMasked(query, i)] : [from[i], weight(i, key), isMasked(i, key)]));
  const seen = parts.filter(([, w, masked]) => !masked && w >= 0.005).sort((a, b) => b[1] - a[1]).slice(0, 5).map(([word, w]) => `${word} ${general(w, 3)}`);
  const masked = parts.filter(([, , is]) => is).length;
  const isUnknown = parts.some(([, w]) => Number.isNaN(w));
  const why = masked === parts.length ? "NaN, for all is masked" : "NaN";
  return `${looks ? `${from[query]} looks at` : `${to[key]} is looked at by`}: ${isUnknown ? why : seen.join(", ") || "nothing"}${masked ? ` (${masked} masked)` : ""}`;
}

// The tokens of one side as buttons, with the weights of the other side's chosen one in a bar and a number.
function tokenColumn(what, count, choose, show) {
  const rows = Array.from({ length: count }, (_, i) => {
    const word = el("span", { class: "word" });
    const number = el("span", { class: "weight" });
    const set = () => { choose(i); show(); };
    const button = el("button", { onclick: set, onpointerenter: set, onfocus: set }, word, number);
    return { button, word, number };
  });
  const element = el("div", { class: "tokens", role: "group", "aria-label": `which token ${what}` }, el("div", { class: "quiet", "aria-hidden": true }, what), ...rows.map(({ button }) => button));
  return { element, show(words, chosen, weightOf) {
    rows.forEach(({ button, word, number }, i) => {
      const [weight, masked] = weightOf ? weightOf(i) : [0, false];
      word.textContent = words[i];
      number.textContent = weightOf ? (masked ? "masked" : Number.isNaN(weight) ? "nan" : weight.toFixed(2)) : "";
      button.style.setProperty("--weight", Number.isFinite(weight) ? weight : 0);
      button.classList.toggle("masked", masked);
      button.setAttribute("aria-pressed", i === chosen);
    });
  } };
}

// A softmax is shown as attention where it is one, else as before.
{
  const others = LENSES.softmax;
  LENSES.softmax = (step, numbers, page) => attentionLook(step, numbers, page) ?? others?.(step, numbers, page) ?? null;
}
