// The switch "Naive recursion": its visits are counted at the nodes, played one by one, and its numbers stand beside the right ones.

const MOST_VISITS = 400; // that are played
const MOST_RUN = 100_000; // that are made to know what comes out

class Naive {
  constructor(page) {
    Object.assign(this, { page, recursion: new Recursion(page), way: "adds", at: -1, isOn: false });
    this.footer = page.app.querySelector("footer");
    this.code = el("pre", { class: "recursion" });
    this.told = el("div", { id: "naive-told", role: "status", "aria-live": "polite" });
    this.result = el("div", { id: "naive-result" });
    this.ways = Object.entries(WAYS).map(([way, { title }]) => el("button", { "data-way": way, onclick: () => this.choose(way) }, title));
    this.playing = el("button", { id: "naive-play", onclick: () => this.toggle() }, "Play");
    const act = (id, label, go) => el("button", { id, onclick: () => this.go(go()) }, label);
    this.element = el("section", { id: "naive", "aria-label": "Naive recursion" },
      el("div", {}, el("h2", {}, "Naive recursion"), el("div", { class: "row", role: "group", "aria-label": "What a visit does" }, ...this.ways), this.code),
      el("div", {}, this.count(), el("div", { class: "row" }, act("naive-first", "Start", () => -1), act("naive-back", "Back", () => this.at - 1), this.playing,
        act("naive-forward", "Step", () => this.at + 1), act("naive-last", "End", () => this.shown.length - 1)), this.told),
      this.result);
    page.listen("draw", () => this.isOn && this.badge());
    page.listen("change", () => this.isOn && this.choose(this.way));
    document.addEventListener("keydown", (event) => this.key(event), true);
  }

  switch(on) {
    this.isOn = on;
    this.pause();
    this.page.player.pause();
    this.page.player.go(-1);
    this.footer.classList.toggle("with-naive", on);
    if (on) {
      this.footer.prepend(this.element);
      this.choose(this.way);
    } else {
      this.element.remove();
      this.layers?.forEach((layer) => layer.remove());
      this.page.player.show();
    }
  }

  count() {
    const { total, order } = this.recursion;
    const worst = [...this.recursion.counts].reduce((a, b) => (b[1] > a[1] ? b : a));
    const often = worst[1] > 1n ? `, ${this.page.graph.byId.get(worst[0]).label} alone ${large(worst[1])}` : "";
    return el("p", { id: "naive-count" }, el("b", {}, large(total)), ` visit${total === 1n ? "" : "s"}${often}. The right order, which waits until all gradients of a step have arrived, needs `, el("b", {}, large(order.length)), ".");
  }

  // Another way: its visits, as many as are played, and what comes out at the end.
  choose(way) {
    this.way = way;
    this.recursion.known = undefined; // numbers may have been changed
    this.ways.forEach((button) => button.setAttribute("aria-pressed", button.dataset.way === way));
    const { line, goes } = WAYS[way];
    this.code.replaceChildren("def backward(node, g):\n    ", el("b", {}, line), "\n    for x, local in node.inputs:\n        backward(x, ", el("b", {}, goes), " * local)");
    this.shown = [];
    this.found = new Map();
    let made = 0;
    for (const visit of this.recursion.visits(way)) {
      if (this.shown.length < MOST_VISITS) this.shown.push(visit);
      this.found.set(visit.id, visit.after);
      made += 1;
      if (made >= MOST_RUN || (!this.recursion.hasNumbers && made >= MOST_VISITS)) break;
    }
    this.isWhole = BigInt(made) >= this.recursion.total;
    this.compare();
    this.go(-1);
  }

  // What comes out, beside what is right.
  compare() {
    const { hasNumbers, order, counts } = this.recursion;
    const { what } = WAYS[this.way];
    if (!hasNumbers || !this.isWhole) {
      const why = hasNumbers ? "So many visits are counted, not made." : "Numbers stand here where all of them are single ones; of arrays the visits are counted.";
      this.result.replaceChildren(el("p", { class: "quiet" }, why));
      return;
    }
    const { byId } = this.page.graph;
    const told = order.filter((id) => byId.get(id).kind === "leaf" || counts.get(id) > 1n).slice(-12).reverse(); // leaves first
    const rows = told.map((id) => {
      const [right, found] = [this.recursion.gradient(id), this.found.get(id)];
      const isRight = Math.abs(right - found) <= 1e-4 * Math.max(Math.abs(right), Math.abs(found)) + 1e-12;
      return el("tr", {}, el("th", { scope: "row" }, byId.get(id).label), el("td", {}, general(right)), el("td", { class: isRight ? "" : "wrong" }, `${general(found)} ${isRight ? "✓" : "✗"}`));
    });
    const head = el("tr", {}, ...["gradient of", "right", WAYS[this.way].title].map((name) => el("th", { scope: "col" }, name)));
    this.result.replaceChildren(el("p", {}, `${what[0].toUpperCase()}${what.slice(1)}.`), el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "gradients" }, el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows))));
  }

  go(at) {
    const last = this.shown.length - 1;
    this.at = Math.max(-1, Math.min(last, at));
    if (this.at === last) this.pause();
    const { graph, player } = this.page;
    graph.clear("backward", "forward");
    player.carrier.clear();
    this.badge();
    this.told.replaceChildren(...this.tell());
    if (this.at < 0) return;
    const { id, from } = this.shown[this.at];
    const edge = from === null ? null : graph.edgeBetween(id, from);
    graph.mark(id, "backward");
    edge?.element?.classList.add("backward");
    graph.camera.follow([graph.nodeOf.get(id).element]);
    player.carrier.carry(edge ? [{ edge, text: this.recursion.hasNumbers ? general(this.shown[this.at].g) : "" }] : [], "backward", graph.nodeOf.get(id).element, null);
  }

  tell() {
    const more = this.recursion.total - BigInt(this.shown.length);
    const rest = more > 0n ? ` The first ${this.shown.length} are played, ${large(more)} more would follow.` : "";
    if (this.at < 0) return [`Press Play, or → to go from visit to visit.${rest}`];
    const { id, g, before, after, path } = this.shown[this.at];
    const label = (step) => this.page.graph.byId.get(step).label;
    const way = path.length > 6 ? [...path.slice(0, 2).map(label), "…", ...path.slice(-3).map(label)] : path.map(label);
    const times = this.shown.slice(0, this.at + 1).filter((visit) => visit.id === id).length;
    const again = times > 1 ? `, for the ${times}${["th", "st", "nd", "rd"][times % 100 > 10 && times % 100 < 14 ? 0 : times % 10] ?? "th"} time` : "";
    const sum = this.way === "assigns" ? `${general(after)}${times > 1 ? ` (it was ${general(before)})` : ""}` : times > 1 ? `${general(before)} + ${general(g)} = ${general(after)}` : general(after);
    return [el("p", {}, `Visit ${this.at + 1} of ${large(this.recursion.total)}: ${label(id)}${again}. `, ...(this.recursion.hasNumbers ? [`${label(id)}.grad = `, el("b", { class: "arrives" }, sum)] : [])),
      el("p", { class: "quiet" }, way.join(" → "), this.at === this.shown.length - 1 ? rest : "")];
  }

  // At each node how often it is visited, or has been so far.
  badge() {
    this.layers?.forEach((layer) => layer.remove());
    this.layers = [];
    const { graph } = this.page;
    const so = new Map();
    for (const { id } of this.shown.slice(0, this.at + 1)) so.set(id, (so.get(id) ?? 0) + 1);
    const homes = new Map();
    for (const node of graph.nodes.values()) {
      const visited = node.members.filter((step) => this.recursion.counts.has(step.id));
      const home = node.element.closest("g.graph");
      if (!visited.length || !home) continue;
      if (!homes.has(home)) homes.set(home, svg("g", { class: "visits", "aria-hidden": true }));
      const most = visited.reduce((a, b) => (this.recursion.counts.get(b.id) > this.recursion.counts.get(a.id) ? b : a)).id;
      const total = `×${large(this.recursion.counts.get(most))}`;
      homes.get(home).append(...pill(node.element, this.at < 0 ? total : `${so.get(most) ?? 0} of ${total.slice(1)}`, this.recursion.counts.get(most) > 1n));
    }
    for (const [home, layer] of homes) {
      home.append(layer);
      this.layers.push(layer);
      layer.querySelectorAll("text").forEach(fit);
    }
  }

  toggle() {
    if (this.timer) return this.pause();
    if (this.at === this.shown.length - 1) this.at = -1;
    this.timer = setInterval(() => this.go(this.at + 1), Number(this.page.player.speed ?? 1200));
    this.playing.textContent = "Pause";
    this.go(this.at + 1);
    return undefined;
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    this.playing.textContent = "Play";
  }

  key(event) {
    if (!this.isOn || !isOurs(event)) return;
    const act = { ArrowRight: () => this.go(this.at + 1), ArrowLeft: () => this.go(this.at - 1), Home: () => this.go(-1), End: () => this.go(this.shown.length - 1), " ": () => this.toggle() }[event.key];
    if (!act || (event.key === " " && ["BUTTON", "SUMMARY"].includes(event.target.tagName))) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }
}

// A number in a frame at the upper right corner of a node.
function pill(shape, words, isOften) {
  const box = shape.querySelector("path, polygon").getBBox();
  const text = svg("text", { x: box.x + box.width - 6, y: box.y + 2, "text-anchor": "end", "font-size": SMALLEST, class: isOften ? "often" : "once" });
  text.textContent = words;
  return [text];
}

function fit(text) {
  const { x, y, width, height } = text.getBBox();
  text.before(svg("rect", { x: x - 6, y: y - 1, width: width + 12, height: height + 2, rx: 9, class: text.getAttribute("class") }));
}

function large(count) {
  return count > 10n ** 15n ? `about 10^${String(count).length - 1}` : count.toLocaleString("en");
}

FEATURES.push((page) => {
  if (!page.data.backward.length) return;
  let naive = null;
  const button = el("button", { id: "naive-switch", "data-tells": "", "aria-pressed": "false", onclick: () => {
    naive ??= new Naive(page);
    naive.switch(!naive.isOn);
    button.setAttribute("aria-pressed", naive.isOn);
  } }, "Naive recursion");
  page.menu("View", button);
});
