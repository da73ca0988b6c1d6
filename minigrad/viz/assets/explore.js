// The explorer: header, modules, graph, details and player.

const data = readData();
const app = document.getElementById("app");
app.className = "explore";
const stage = el("main", { "aria-label": "Graph" });
const panel = el("aside", { "aria-label": "Details", tabindex: 0 });
const now = el("div", { id: "now", role: "status", "aria-live": "polite" });
const graph = new Graph(data, stage, (id) => select(id), redraw);
const live = new Live(data, onchange);
const player = new Player(data, graph, onstep);

const button = (id, label, onclick, attributes = {}) => el("button", { id, onclick, ...attributes }, label);
const search = el("input", { id: "search", type: "search", placeholder: "Search: op, name, shape, line", "aria-label": "Search" });
const found = el("span", { id: "found", class: "quiet", role: "status" });
const scrub = el("input", { id: "scrub", type: "range", min: -1, max: player.events.length - 1, value: -1, "aria-label": "Step" });
const playing = button("play", "Play", () => togglePlay());
const speed = el("select", { id: "speed", "aria-label": "Speed", onchange: (event) => { player.speed = event.target.value; if (player.timer) { player.pause(); player.play(); } } },
  el("option", { value: 2400 }, "slow"), el("option", { value: 1200, selected: true }, "normal"), el("option", { value: 300 }, "fast"));
const help = el("dialog", { "aria-label": "Keys" }, el("h2", {}, "Keys"),
  el("ul", {}, ...[["Space", "play, pause"], ["→ ←", "one step on, one back"], ["Home End", "everything; the last step"], ["/", "search"], ["+ − 0", "zoom in, out, all"],
    ["Enter", "on a node: its details, or open a closed module"], ["I O N P", "on a node: to what it reads, what reads it, the next, the one before"], ["C", "close or open the module of the chosen node"]]
    .map(([key, what]) => el("li", {}, el("kbd", {}, key), ` ${what}`))), button("help-close", "Close", () => help.close()));
const direction = button("direction", "Left to right", () => { graph.direction = graph.direction === "TB" ? "LR" : "TB"; redraw(); });
const modules = el("nav", { "aria-label": "Modules" });
const repeated = new Set(data.steps.map((step) => step.alike)).size < data.steps.length;

app.append(
  el("header", { class: "row" }, el("h1", {}, data.title), search, found,
    direction,
    repeated ? button("compact", "Repeated steps as one", (event) => { graph.compact = !graph.compact; graph.closed.clear(); event.currentTarget.setAttribute("aria-pressed", graph.compact); redraw(); }, { "aria-pressed": String(graph.compact) }) : null,
    button("in", "+", () => graph.zoom(0.7), { "aria-label": "Zoom in" }), button("out", "−", () => graph.zoom(1.4), { "aria-label": "Zoom out" }),
    button("fit", "All", () => graph.fit()), themeButton(), button("help", "Keys", () => help.showModal()),
    el("span", { class: "quiet" }, data.notes.join(". "))),
  modules, stage, panel,
  el("footer", {}, el("div", { class: "row" }, button("first", "Start", () => player.go(-1)), button("back", "Back", () => player.go(player.at - 1)), playing,
    button("forward", "Step", () => player.go(player.at + 1)), button("last", "End", () => player.go(player.events.length - 1)), scrub, speed), now),
  help,
);

function select(id, move = true) {
  const hidden = move ? graph.boxes(graph.byId.get(id)).filter((box) => graph.closed.delete(box.key)) : []; // at first what is closed stays so
  if (hidden.length) redraw();
  graph.select(id, move);
  panel.replaceChildren(detail(graph.byId.get(id), graph, (other) => select(other), live));
  panel.scrollTop = 0;
}

function redraw() {
  graph.draw();
  direction.setAttribute("aria-pressed", graph.direction === "LR");
  listModules();
  player.show();
  live.relabel(graph);
}

// Numbers were changed: the same graph with other ones; anew, where the fields to change them are to be others, too.
function onchange(anew = false) {
  live.relabel(graph);
  now.replaceChildren(...player.tell());
  const fresh = detail(graph.byId.get(graph.selected), graph, (other) => select(other), live);
  if (anew) panel.replaceChildren(fresh);
  else renew(panel.firstElementChild, fresh);
}

function listModules() {
  const boxes = graph.allBoxes();
  const focused = document.activeElement?.dataset?.box;
  const all = button("close-all", "Close all", () => { boxes.forEach((box, key) => box.depth === 0 && graph.closed.add(key)); redraw(); });
  const open = button("open-all", "Open all", () => { graph.closed.clear(); redraw(); });
  const order = [...boxes.values()].sort((a, b) => a.first - b.first || a.depth - b.depth);
  const items = order.map((box) => {
    const toggle = el("button", { "data-box": box.key, "aria-expanded": !graph.closed.has(box.key), onclick: () => graph.toggle(box.key) }, `${graph.closed.has(box.key) ? "▸" : "▾"} ${box.title}`);
    const item = el("li", {}, toggle);
    item.style.paddingLeft = `${12 * box.depth}px`;
    return item;
  });
  modules.replaceChildren(el("h2", {}, "Modules"), items.length ? el("div", { class: "row" }, all, open) : el("p", { class: "quiet" }, "none known: draw a module, or compute under viz.capture(module)"), el("ul", {}, ...items), live.section, legend());
  modules.querySelector(`[data-box="${CSS.escape(focused ?? "")}"]`)?.focus();
}

function legend() {
  const kinds = new Set(data.steps.map((step) => step.kind));
  const swatch = (name, text) => el("li", {}, el("span", { class: `swatch ${name}` }), text);
  return el("section", { id: "legend" }, el("h2", {}, "Legend"), el("ul", {},
    swatch("leaf", "leaf: gets a gradient"), kinds.has("data") ? swatch("data", "data: needs no gradient") : null,
    swatch("op", "op"), swatch("output", "result"), graph.allBoxes().size ? swatch("closed", "closed module") : null,
    el("li", {}, el("b", { class: "value" }, "blue"), ": the value, of an array its shape"),
    el("li", {}, el("b", { class: "gradient" }, "red"), ": the gradient of the result by it, once it has been played"),
    el("li", {}, "rms: root of the mean of the squares of all elements"),
    el("li", {}, "g: the gradient that arrives at a step; d x: what goes on to x; +=: others send to x, too")));
}

function onstep(event) {
  scrub.value = player.at;
  scrub.setAttribute("aria-valuetext", event ? `${event.phase}, ${event.step.label}` : "everything");
  playing.textContent = player.timer ? "Pause" : "Play";
  now.replaceChildren(...player.tell());
  if (event && graph.selected !== event.step.id) {
    graph.select(event.step.id);
    panel.replaceChildren(detail(event.step, graph, select, live));
  }
}

function togglePlay() {
  if (player.timer) player.pause();
  else player.play();
  playing.textContent = player.timer ? "Pause" : "Play";
}

let hits = [];
let hit = 0;
function find() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  graph.clear("found");
  hits = words.length ? data.steps.filter((step) => {
    const text = [step.op, step.kind, step.label, step.call, step.shapes, step.dtype, step.source, ...step.calls.map(([path, , kind]) => `${path} ${kind}`)].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  }) : [];
  hits.forEach((step) => graph.mark(step.id, "found"));
  found.textContent = words.length ? `${hits.length} found` : "";
  hit = 0;
}
search.addEventListener("input", find);
search.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { search.value = ""; find(); search.blur(); }
  if (event.key !== "Enter" || !hits.length) return;
  select(hits[hit % hits.length].id);
  found.textContent = `${(hit % hits.length) + 1} of ${hits.length}`;
  hit += 1;
});
scrub.addEventListener("input", () => player.go(Number(scrub.value)));

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open || ["INPUT", "SELECT"].includes(event.target.tagName)) return;
  const node = graph.picture.contains(event.target) ? [...graph.nodes.values()].find((n) => n.element === event.target) : null;
  const walk = { i: "in", o: "out", n: "next", p: "previous" }[event.key.toLowerCase()];
  if (walk && (node || graph.selected)) {
    const to = graph.neighbour(node ? node.members[0].id : graph.selected, walk);
    if (to) { graph.select(to.members[0].id); to.element.focus(); }
    return;
  }
  if (event.key.toLowerCase() === "c" && graph.selected) {
    const around = graph.boxes(graph.byId.get(graph.selected));
    const box = around.find((b) => graph.closed.has(b.key)) ?? around.at(-1);
    if (box) graph.toggle(box.key);
    return;
  }
  const act = {
    " ": togglePlay, ArrowRight: () => player.go(player.at + 1), ArrowLeft: () => player.go(player.at - 1), Home: () => player.go(-1),
    End: () => player.go(player.events.length - 1), "/": () => search.focus(), "+": () => graph.zoom(0.7), "=": () => graph.zoom(0.7),
    "-": () => graph.zoom(1.4), 0: () => graph.fit(), "?": () => help.showModal(), Enter: node && (() => graph.activate(node)),
  }[event.key];
  if (!act || (event.key === " " && event.target.tagName === "BUTTON") || (event.key === "Enter" && !node)) return;
  event.preventDefault();
  act();
});

Viz.instance().then((viz) => {
  graph.viz = viz;
  redraw();
  const result = data.steps.findLast((step) => step.output) ?? data.steps.at(-1);
  select(result.id, false);
  document.documentElement.dataset.ready = Math.round(performance.now());
}).catch((error) => {
  stage.replaceChildren(el("p", { class: "error" }, `The graph could not be laid out: ${error.message}`));
  throw error;
});
