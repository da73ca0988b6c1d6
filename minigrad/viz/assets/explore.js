// The explorer: header, modules, graph, details and player.

const data = await readData();
const root = document.documentElement;
const app = document.getElementById("app");
app.className = "explore";
const stage = el("main", { "aria-label": "Graph" });
const panel = el("aside", { "aria-label": "Details", tabindex: 0 });
const now = el("div", { id: "now", role: "status", "aria-live": "polite" });
const graph = new (data.steps.some((step) => step.order) ? Panes : Graph)(data, stage, (id) => select(id), redraw, settle);
const live = new Live(data, onchange);
const { camera, folding } = graph;
const code = new Code(data, (steps) => light(steps));
const player = new Player(data, graph, onstep);
const numbers = new Numbers(data, live);
const listeners = new Listeners();

const button = (id, label, onclick, attributes = {}) => el("button", { id, onclick, ...attributes }, label);
const iconButton = (id, name, drawing, onclick) => button(id, icon(drawing), onclick, { class: "icon", "aria-label": name, title: name });
const search = el("input", { id: "search", type: "search", placeholder: "Search: op, name, shape, line", "aria-label": "Search" });
const found = el("span", { id: "found", class: "quiet", role: "status" });
const scrub = el("input", { id: "scrub", type: "range", min: -1, max: player.events.length - 1, value: -1, "aria-label": "Step" });
const playing = button("play", "Play", () => togglePlay());
const controls = el("div", { class: "row" },
  iconButton("first", "Start", "M5 4v12 M15 4 8 10l7 6z", () => player.go(-1)), iconButton("back", "Back", "M13 4 6 10l7 6z", () => player.go(player.at - 1)), playing,
  iconButton("forward", "Step", "M7 4l7 6-7 6z", () => player.go(player.at + 1)), iconButton("last", "End", "M5 4l7 6-7 6z M15 4v12", () => player.go(player.events.length - 1)));
const speed = el("select", { id: "speed", "aria-label": "Speed", onchange: (event) => { player.speed = event.target.value; if (player.timer) { player.pause(); player.play(); } } },
  el("option", { value: 2400 }, "slow"), el("option", { value: 1200, selected: true }, "normal"), el("option", { value: 300 }, "fast"));
const help = el("dialog", { "aria-label": "Keys" }, el("h2", {}, "Keys"),
  el("ul", {}, ...[["Space", "play, pause"], ["→ ←", "one step on, one back"], ["Home End", "everything; the last step"], ["/", "search; Enter goes to what was found, one after the other"], ["+ − 0", "zoom in, out, all"],
    ["Enter", "on a node: its details, or open a closed module"], ["I O N P", "on a node: to what it reads, what reads it, the next, the one before"], ["C", "close or open the module of the chosen node"], ["B", "big letters, for a projector"], ["L", "your lines of code"], ...(data.training ? [["T", "train, pause"]] : [])]
    .map(([key, what]) => el("li", {}, el("kbd", {}, key), ` ${what}`))), button("help-close", "Close", () => help.close()));
const direction = button("direction", "Left to right", () => { graph.asked = graph.direction === "TB" ? "LR" : "TB"; redraw(); });
const modules = el("nav", { "aria-label": "Code and modules", tabindex: 0 });
const repeated = new Set(data.steps.map((step) => step.alike)).size < data.steps.length;
const join = button("compact", "Repeated steps as one", () => { folding.join(!folding.compact); join.setAttribute("aria-pressed", folding.compact); redraw(); }, { "aria-pressed": String(folding.compact) });
const coding = button("lines", "Code", () => show("code", !root.hasAttribute("data-code")), { "aria-pressed": "false" });
const notes = el("p", { id: "notes" });
const projector = button("projector", "Projector", () => project(!root.hasAttribute("data-projector")), { "aria-pressed": "false" });

// Few buttons: what is wanted now and then is in menus, what is about the view stands on it.
const header = el("header", {}, el("h1", {}, data.title), search, found);
const menus = new Menus(header);
menus.add("View", projector, code.known ? coding : null, direction, repeated ? join : null, themeButton(), button("help", "Keys", () => help.showModal()));
const zooms = el("div", { id: "zooms", role: "group", "aria-label": "Zoom" }, iconButton("in", "Zoom in", "M10 4v12 M4 10h12", () => camera.zoom(0.7)),
  iconButton("out", "Zoom out", "M4 10h12", () => camera.zoom(1.4)), iconButton("fit", "All", "M4 8V4h4 M12 4h4v4 M16 12v4h-4 M8 16H4v-4", () => camera.fit()));
stage.append(notes, zooms);
app.append(header, modules, stage, panel, el("footer", {}, controls, scrub, speed, now), help);

// What features see of the page.  They listen to "draw", "select" (a step), "step" (of the player, or null) and "change" (numbers).
const page = {
  data, root, app, header, stage, panel, now, graph, camera, folding, live, numbers, words: new Words(data, numbers), code, player, select, redraw,
  menu: (name, ...items) => menus.add(name, ...items),
  listen: (kind, listener) => listeners.on(kind, listener),
  hides: () => false, // whether a "value", a "gradient" or what is "sent" of a step must not be seen now: a quiz asks for it
};

// Parts that can be shown or not: a switch of the page, its button, and its style.
function show(name, on) {
  root.toggleAttribute(`data-${name}`, on);
  ({ code: coding, projector })[name].setAttribute("aria-pressed", on);
}

// Everything is as large as the last row needs it.
function project(on) {
  show("projector", on);
  camera.label = on ? READABLE.projector : READABLE.window;
  camera.start(graph.direction);
  if (player.at >= 0) player.show(true);
}

// The nodes of a line of code.
function light(steps) {
  graph.clear("lit");
  steps.forEach((step) => graph.mark(step.id, "lit"));
  code.light(steps[0]);
  camera.follow([...new Set(steps.map((step) => graph.nodeOf.get(step.id).element))]);
}

function select(id, move = true) {
  if (move && folding.reveal(graph.byId.get(id))) redraw(); // at first what is closed stays so
  graph.select(id, move);
  graph.clear("lit");
  code.light(graph.byId.get(id));
  panel.replaceChildren(detail(graph.byId.get(id), page));
  panel.scrollTop = 0;
  listeners.tell("select", graph.byId.get(id));
}

function redraw() {
  graph.draw();
  settle();
}

// What follows from a new drawing.
function settle() {
  root.toggleAttribute("data-waiting", graph.layouter.isWaiting);
  direction.setAttribute("aria-pressed", graph.direction === "LR");
  notes.textContent = [...data.notes, ...graph.layouter.note].join(". ");
  listModules();
  player.regroup();
  scrub.max = player.events.length - 1;
  player.show();
  if (player.at >= 0) camera.follow([graph.nodeOf.get(player.events[player.at].step.id).element]);
  live.relabel(graph);
  listeners.tell("draw");
}

// Numbers were changed: the same graph with other ones; anew, where the fields to change them are to be others, too.
function onchange(anew = false) {
  live.relabel(graph);
  player.resum();
  now.replaceChildren(...player.tell());
  const fresh = detail(graph.byId.get(graph.selected), page);
  if (anew) panel.replaceChildren(fresh);
  else renew(panel.firstElementChild, fresh);
  listeners.tell("change");
}

function listModules() {
  const focused = document.activeElement?.dataset?.box;
  const listed = folding.listed();
  const all = button("close-all", "Close all", () => { folding.closeAll(); redraw(); });
  const open = button("open-all", "Open all", () => { folding.openAll(); redraw(); });
  const items = listed.map((box) => {
    const shut = folding.has(box.key);
    const item = el("li", {}, el("button", { "data-box": box.key, "aria-expanded": !shut, onclick: () => graph.toggle(box.key) }, `${shut ? "▸" : "▾"} ${box.title}`));
    item.style.paddingLeft = `${14 * box.depth}px`;
    return item;
  });
  const list = items.length ? [el("div", { class: "row" }, all, open), el("ul", {}, ...items)]
    : [];
  const kept = code.element.scrollTop;
  modules.replaceChildren(...(code.known ? [code.element] : []), items.length ? el("section", { id: "modules" }, el("h2", {}, "Modules"), ...list) : "", live.section, legend());
  code.element.scrollTop = kept;
  modules.querySelector(`[data-box="${CSS.escape(focused ?? "")}"]`)?.focus();
}

function legend() {
  const kinds = new Set(data.steps.map((step) => step.kind));
  const swatch = (name, text) => el("li", {}, el("span", { class: `swatch ${name}` }), text);
  return el("section", { id: "legend" }, el("h2", {}, "Legend"), el("ul", {},
    swatch("leaf", "leaf: gets a gradient"), kinds.has("data") ? swatch("data", "data: needs no gradient") : null,
    swatch("op", "op"), swatch("output", "result"), folding.all.size ? swatch("closed", "closed module: a click opens it") : null,
    el("li", {}, el("b", { class: "value" }, "blue"), ": the value, of an array its shape"),
    el("li", {}, el("b", { class: "gradient" }, "orange"), ": the gradient of the result by it, once it has been played"),
    graph.behind && !data.orders ? el("li", {}, el("span", { class: "swatch twin" }), "twins: a step, and the steps of the gradient that its rule made") : null,
    el("li", {}, "rms: root of the mean of the squares of all elements"),
    el("li", {}, "g: the gradient that arrives at a step; d x: what goes on to x; +=: others send to x, too")));
}

function onstep(event) {
  scrub.value = player.at;
  scrub.setAttribute("aria-valuetext", event ? `${event.phase}, ${event.step.label}` : "everything");
  app.dataset.phase = event?.phase ?? "";
  playing.textContent = player.timer ? "Pause" : "Play";
  now.replaceChildren(...player.tell());
  code.measure((step) => player.reached("backward", step));
  listeners.tell("step", event);
  if (!event) return;
  graph.clear("lit");
  code.light(event.step, event.phase);
  if (graph.selected === event.step.id) return;
  graph.select(event.step.id, false);
  panel.replaceChildren(detail(event.step, page));
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
  found.textContent = words.length ? `${hits.length} found${hits.length ? " (Enter: first)" : ""}` : "";
  hit = 0;
}
search.addEventListener("input", find);
search.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { search.value = ""; find(); search.blur(); }
  if (event.key !== "Enter" || !hits.length) return;
  select(hits[hit % hits.length].id);
  found.textContent = `${(hit % hits.length) + 1} of ${hits.length}${hits.length > 1 ? " (Enter: next)" : ""}`;
  hit += 1;
});
scrub.addEventListener("input", () => player.go(Number(scrub.value)));

document.addEventListener("keydown", (event) => {
  if (!isOurs(event)) return;
  const node = event.target.classList.contains("node") ? [...graph.nodes.values()].find((n) => n.element === event.target) : null;
  const walk = { i: "in", o: "out", n: "next", p: "previous" }[event.key.toLowerCase()];
  if (walk && (node || graph.selected)) {
    const to = graph.neighbour(node ? node.members[0].id : graph.selected, walk);
    if (to) { graph.select(to.members[0].id); to.element.focus(); }
    return;
  }
  if (event.key.toLowerCase() === "c" && graph.selected) {
    const { shut, around } = folding.standIn(graph.byId.get(graph.selected));
    const box = shut ?? around.findLast((other) => folding.all.get(other.key)?.many);
    if (box) graph.toggle(box.key);
    return;
  }
  const act = {
    " ": togglePlay, ArrowRight: () => player.go(player.at + 1), ArrowLeft: () => player.go(player.at - 1), Home: () => player.go(-1),
    End: () => player.go(player.events.length - 1), "/": () => search.focus(), "+": () => camera.zoom(0.7), "=": () => camera.zoom(0.7),
    "-": () => camera.zoom(1.4), 0: () => camera.fit(), "?": () => help.showModal(), b: () => projector.click(), B: () => projector.click(), l: () => coding.click(), L: () => coding.click(), Enter: node && (() => graph.activate(node)),
  }[event.key];
  if (!act || (event.key === " " && ["BUTTON", "SUMMARY"].includes(event.target.tagName)) || (event.key === "Enter" && !node)) return;
  event.preventDefault();
  act();
});

window.addEventListener("beforeprint", () => camera.print(true));
window.addEventListener("afterprint", () => camera.print(false));

Viz.instance().then((viz) => {
  graph.viz = viz;
  show("code", code.known);
  redraw();
  const result = data.steps.findLast((step) => step.output) ?? data.steps.at(-1);
  select(result.id, false);
  for (const feature of FEATURES) feature(page);
  root.dataset.ready = Math.round(performance.now());
}).catch((error) => {
  stage.replaceChildren(el("p", { class: "error" }, `The graph could not be laid out: ${error.message}`));
  throw error;
});
