// Ways to look at the graph, switched on in the menu "View": each paints over the drawing, and says what its colours mean.

class Look {
  // paint(): marks the drawing as it is now, and returns what the legend shows.  `names`: the classes that it uses.  `tells`:
  // whether it gives away what a quiz asks for.
  constructor(page, id, label, names, paint, { tells = true } = {}) {
    Object.assign(this, { page, id, label, names, paint, tells, on: false });
    this.button = el("button", { id: `look-${id}`, "aria-pressed": "false", "data-tells": tells ? "" : null, onclick: () => this.show(!this.on) }, label);
    this.legend = el("section", { id: `legend-${id}`, class: "overview", "aria-label": label });
    page.menu("View", this.button);
    page.listen("draw", () => this.again());
    page.listen("change", () => this.again());
  }

  show(on) {
    this.on = on && !(this.tells && this.page.root.hasAttribute("data-quiz"));
    this.button.setAttribute("aria-pressed", String(this.on));
    this.clear();
    if (!this.on) return void this.legend.remove();
    placeFor(this.page, "looks").append(this.legend);
    return this.again();
  }

  clear() {
    this.page.graph.clear(...this.names);
    this.page.stage.querySelectorAll(`.paint-${this.id}`).forEach((element) => element.remove());
  }

  again() {
    if (!this.on) return;
    this.clear();
    const close = el("button", { class: "close", "aria-label": `Close: ${this.label}`, onclick: () => { this.show(false); this.page.header.querySelector(".menu summary")?.focus(); } }, "×");
    this.legend.replaceChildren(close, ...this.paint());
  }

  // A group on top of the drawing that a node is in, gone when it is painted again.
  layer(node) {
    const home = node.element.closest("g.graph");
    const group = home.querySelector(`:scope > .paint-${this.id}`) ?? svg("g", { class: `paint-${this.id}` });
    home.append(group);
    return group;
  }

  // Text in a frame at the upper edge of a node.
  badge(node, words, name) {
    const layer = this.layer(node);
    const box = node.element.getBBox();
    const text = svg("text", { x: box.x + box.width / 2, y: box.y - 8, "text-anchor": "middle", "font-size": SMALLEST });
    text.textContent = words;
    const group = svg("g", { class: name });
    group.append(text);
    layer.append(group);
    const frame = text.getBBox();
    group.prepend(svg("rect", { x: frame.x - 6, y: frame.y - 2, width: frame.width + 12, height: frame.height + 4, rx: 5 }));
  }
}

// A place beside the drawing: "looks" below the modules, for legends, "alerts" above all.
function placeFor(page, id) {
  const found = page.app.querySelector(`#${id}`);
  if (found) return found;
  const place = el("div", { id });
  page.app.append(place);
  return place;
}

// Something that the reader should know at once; it can be put away.
function alertBox(page, id, ...content) {
  const box = el("div", { id, class: "alert", role: "status" });
  const close = el("button", { class: "close", "aria-label": "Put away", onclick: () => box.remove() }, "×");
  box.append(close, ...content);
  placeFor(page, "alerts").querySelector(`#${id}`)?.remove();
  placeFor(page, "alerts").append(box);
  if (page.player.at < 0 && page.root.dataset.ready === undefined) { // the page has just begun: the drawing begins below it
    requestAnimationFrame(() => setTimeout(() => page.camera.start(page.graph.direction)));
  }
  return box;
}

// The nodes of the drawing that stand for some steps, each once.
function nodesOf(graph, steps) {
  return new Set(steps.map((step) => graph.nodeOf.get(step.id)).filter((node) => node && graph.isDrawn(node)));
}

function stepLink(page, step, words = step.op ? `${step.label} (${step.op})` : step.label) {
  return el("button", { class: "link", onclick: () => page.select(step.id) }, words);
}
