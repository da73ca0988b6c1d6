// How large the gradients are that go back along the edges: colour and thickness, on a scale of powers of ten.

const VANISHED = 1e-4; // of what leaves the result, as in viz/highlight.py
const EXPLODED = 1e4;

FEATURES.push((page) => {
  if (!page.data.steps.some((step) => step.rules.length)) return;
  new Look(page, "heat", "Gradient heat", ["heat", "heat-zero", "heat-odd"], () => heatPaint(page));
});

// { edge, steps, norm, odd } of each edge that is drawn: the norm of all that is sent back along it.
function heatFlows(page) {
  const { graph, live } = page;
  const flows = new Map();
  for (const step of page.data.steps) {
    step.rules.forEach((rule, i) => {
      const edge = graph.edgeBetween(rule.to, step.id);
      if (!edge?.element) return;
      const { norm, odd } = sentSize(live, step, i);
      if (!flows.has(edge)) flows.set(edge, { edge, from: step, to: graph.byId.get(rule.to), norm: 0, odd: 0 });
      const flow = flows.get(edge);
      flow.norm = Math.hypot(flow.norm, norm);
      flow.odd += odd;
    });
  }
  return [...flows.values()];
}

// The norm of what a rule sends, and its elements that are not finite, { nan, infinite }: as recorded, or as the program has it now.
function sentSize(live, step, i) {
  if (!live.isChanged) {
    const { norm, odd: [nan, infinite] } = step.rules[i];
    return { norm: norm ?? 0, nan, infinite, odd: nan + infinite };
  }
  const arrays = [live.read(live.own.get(step.id).sent[i])].flat();
  const { nan, infinite } = countOdd(arrays) ?? { nan: 0, infinite: 0 };
  let sum = 0;
  for (const array of arrays) for (const x of array?.data ?? []) if (Number.isFinite(x)) sum += x * x;
  return { norm: Math.sqrt(sum), nan, infinite, odd: nan + infinite };
}

function heatPaint(page) {
  const flows = heatFlows(page);
  const sizes = flows.filter(({ norm, odd }) => norm > 0 && !odd).map(({ norm }) => norm).sort((a, b) => a - b);
  let low = Math.floor(Math.log10(sizes[0] ?? 1));
  const high = Math.max(Math.ceil(Math.log10(sizes.at(-1) ?? 1)), low + 1);
  low = Math.max(low, high - 16);
  for (const flow of flows) {
    const { edge, norm, odd } = flow;
    const { element } = edge;
    flow.part = Math.max(0, Math.min(1, (Math.log10(norm) - low) / (high - low)));
    element.style.setProperty("--heat", odd ? 1 : flow.part.toFixed(3));
    element.classList.add("heat", ...(odd ? ["heat-odd"] : norm ? [] : ["heat-zero"]));
    const title = svg("title", { class: "paint-heat" });
    title.textContent = odd ? `${odd} elements of the gradient are not finite` : `norm of the gradient ${general(norm, 3)}`;
    element.prepend(title);
  }
  return [el("h2", {}, "Gradient along the edges"), heatBar(low, high), ...heatWords(flows, page)];
}

// The scale: its colours, its widths, and a number at each power of ten, as many as have room.
function heatBar(low, high) {
  const ticks = powersBetween(low, high, 4).map((power) => {
    const tick = el("li", {}, "10", el("sup", {}, String(power).replace("-", "−")));
    tick.style.left = `${(100 * (power - low)) / (high - low)}%`;
    return tick;
  });
  return el("div", { class: "heat-scale" }, el("div", { class: "heat-bar", "aria-hidden": true }), el("ol", {}, ...ticks));
}

// The ends, and what vanishes and explodes on its way, in words.
function heatWords(flows, page) {
  const way = ({ from, to }) => el("span", {}, stepLink(page, from, from.label), " back to ", stepLink(page, to, to.label));
  const known = flows.filter(({ norm, odd }) => norm > 0 && !odd).sort((a, b) => a.norm - b.norm);
  const start = Math.hypot(...known.filter(({ from }) => from.output).map(({ norm }) => norm));
  const words = [];
  if (known.length) {
    words.push(el("p", {}, "largest ", el("b", {}, general(known.at(-1).norm, 3)), ": ", way(known.at(-1))));
    words.push(el("p", {}, "smallest ", el("b", {}, general(known[0].norm, 3)), ": ", way(known[0])));
  }
  const list = (what, found, why) => {
    const count = `${found.length} edge${found.length > 1 ? "s" : ""}`;
    if (found.length) words.push(el("p", { class: "verdict" }, `${what} on ${count}`), el("p", {}, `${why}, first at `, way(found[0])));
  };
  const inOrder = (test) => known.filter(test).sort((a, b) => b.from.id - a.from.id); // as the backward pass meets them
  if (start) {
    list("It vanishes", inOrder(({ norm }) => norm < VANISHED * start), `Below 1/10,000 of what leaves the result, ${general(start, 3)}`);
    list("It explodes", inOrder(({ norm }) => norm > EXPLODED * start), `Above 10,000 times what leaves the result, ${general(start, 3)}`);
  }
  list("It is 0", flows.filter(({ norm, odd }) => !norm && !odd), "Dotted");
  list("It is not finite", flows.filter(({ odd }) => odd), "Dashed");
  return [...words, el("p", { class: "quiet" }, "norm: root of the sum of the squares")];
}
