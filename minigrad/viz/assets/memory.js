// The bytes that the graph keeps for its backward pass: a bar below each node, and the step at which the pass holds most.

const LONGEST_BAR = 48;

FEATURES.push((page) => {
  if (!page.data.memory) return;
  const look = new Look(page, "memory", "Memory", ["memory", "memory-peak"], () => memoryPaint(page, look), { tells: false });
});

// Python's memory_size.
function bytesText(n) {
  for (const unit of ["B", "KiB", "MiB"]) {
    if (n < 1024) return unit === "B" ? `${n} B` : `${n.toFixed(1)} ${unit}`;
    n /= 1024;
  }
  return `${n.toFixed(1)} GiB`;
}

function memoryPaint(page, look) {
  const { graph, data: { memory } } = page;
  const own = (step) => { const [all, given] = memory.steps[step.id] ?? [0, 0]; return all - given; };
  const sums = graph.drawn.map((node) => ({ node, bytes: node.members.reduce((sum, step) => sum + own(step), 0) }));
  const most = Math.max(...sums.map(({ bytes }) => bytes), 1);
  for (const { node, bytes } of sums) {
    if (!bytes) continue;
    node.element.classList.add("memory");
    node.element.style.setProperty("--part", Math.sqrt(bytes / most).toFixed(3));
    memoryBar(look.layer(node), node.element.getBBox(), bytes / most, bytesText(bytes));
  }
  const peak = memory.peak === null ? null : graph.byId.get(memory.peak);
  for (const node of nodesOf(graph, peak ? [peak] : [])) {
    node.element.classList.add("memory-peak");
    look.badge(node, "peak of backward", "peak-badge");
  }
  return [el("h2", {}, "Memory"), el("p", {}, memory.title),
    el("p", {}, el("span", { class: "memory-key" }), `the longest bar: ${bytesText(most)}`),
    ...(peak ? [el("p", {}, `${memory.summit}: `, stepLink(page, peak))] : []),
    ...(memory.modules.length > 1 ? [memoryTable(memory.modules)] : []),
    el("p", { class: "quiet" }, "As it was recorded; each array counts once, for the first op that keeps it.")];
}

function memoryTable(modules) {
  const rows = modules.slice(0, 6).map(([name, bytes]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, bytesText(bytes))));
  return el("table", {}, el("tbody", {}, ...rows));
}

// Its length is the share of the largest one.
function memoryBar(layer, box, share, words) {
  const y = box.y + box.height + 3;
  const track = svg("rect", { x: box.x, y, width: LONGEST_BAR, height: 8, class: "memory-track" });
  const bar = svg("rect", { x: box.x, y, width: Math.max(1.5, LONGEST_BAR * share), height: 8, class: "memory-bar" });
  const text = svg("text", { x: box.x + LONGEST_BAR + 5, y: y + 9, "font-size": SMALLEST });
  text.textContent = words;
  layer.append(track, bar, text);
}
