// The gradient's own graph in a pane beside the function's; a step, and the steps of the gradient that its rule made, are twins:
// they light up together.

const isBehind = (node) => node.members.every((step) => step.order > 0);

// A graph in two pictures.  Nodes and edges are those of one graph, so that the player and the details need not know; what goes
// from one picture to the other is drawn in neither.
class Panes extends Graph {
  constructor(data, place, ...listeners) {
    const front = el("div", { class: "pane" });
    super(data, front, ...listeners);
    this.behind = new Graph(data, el("div", { class: "pane behind" }), ...listeners);
    Object.assign(this.behind, { folding: this.folding, thumbnails: this.thumbnails, shown: () => {} });
    this.camera = new Cameras(front, this.behind);
    this.stage = place;
    place.append(front, this.behind.place);
    this.isSplit = !data.orders;
    this.only = null; // the steps that are shown; null: all of them
  }

  get isSplit() { return this.stage.classList.contains("panes"); }
  set isSplit(on) { this.stage.classList.toggle("panes", on); }

  get drawings() { return this.isSplit && this.behind.picture ? [this, this.behind] : [this]; }

  shown() {
    super.shown();
    this.whole = { nodes: this.nodes, edges: this.edges };
    const isLeftOut = (node) => this.only !== null && !node.members.some((step) => this.only.has(step.id));
    for (const node of this.nodes.values()) if (isLeftOut(node)) node.element = svg("g", {}); // nobody sees it
    const part = (isIn) => ({
      nodes: new Map([...this.whole.nodes].filter(([, node]) => isIn(node))),
      edges: new Map([...this.whole.edges].filter(([, { from, to }]) => isIn(from) && isIn(to))),
    });
    this.own = part((node) => !isLeftOut(node) && !(this.isSplit && isBehind(node)));
    Object.assign(this, this.own);
    if (!this.isSplit) return;
    const { asked, viz, nodeOf } = this;
    Object.assign(this.behind, { ...part(isBehind), asked, viz, nodeOf });
  }

  draw() {
    const { selected } = this;
    this.selected = null; // which picture it is in is seen when both are drawn
    super.draw();
    if (this.isSplit) this.behind.draw();
    Object.assign(this, this.whole);
    if (selected) this.select(selected, false);
  }

  // A picture, perhaps one that comes later, holds its own part.
  install(picture) {
    Object.assign(this, this.own);
    super.install(picture);
    Object.assign(this, this.whole);
  }

  select(id, move = true) {
    this.clear("selected");
    super.select(id, move);
  }

  // In each picture one node is reached by the tabulator.
  reach(shape) {
    if (this.behind.place.contains(shape)) this.behind.reach(shape);
    else super.reach(shape);
  }

  clear(...names) {
    super.clear(...names);
    if (this.isSplit && this.behind.picture) this.behind.clear(...names);
  }
}

// Two cameras that are led as one.
class Cameras extends Camera {
  constructor(place, behind) {
    super(place);
    Object.assign(this, { behind, other: behind.camera });
  }

  get label() { return this.height; }
  set label(height) {
    this.height = height;
    if (!this.other) return;
    this.other.label = height;
    this.lead((camera) => camera.start(this.behind.direction));
  }

  // The other one too, where it has anything to see.
  lead(act) {
    if (this.other.picture && this.other.place.clientWidth) act(this.other);
  }

  fit() {
    super.fit();
    this.lead((camera) => camera.fit());
  }

  print(isOnPaper) {
    super.print(isOnPaper);
    this.lead((camera) => camera.print(isOnPaper));
  }

  // By a button both; with the wheel the one under the mouse.
  zoom(factor, at) {
    super.zoom(factor, at);
    if (!at) this.lead((camera) => camera.zoom(factor));
  }

  follow(elements) {
    const there = elements.filter((element) => this.other.place.contains(element));
    const here = elements.filter((element) => this.place.contains(element));
    if (here.length) super.follow(here);
    if (there.length) this.other.follow(there);
  }
}

// Of each step its twins: the one whose rule made it, and those that its rule made.
class Twins {
  constructor(steps) {
    this.of = new Map(steps.map((step) => [step.id, []]));
    for (const { id, rule } of steps) {
      if (rule === null || rule === id || !this.of.has(rule)) continue;
      this.of.get(rule).push(id);
      this.of.get(id).push(rule);
    }
  }

  get known() { return [...this.of.values()].some((twins) => twins.length); }

  ofNode(node) {
    return node ? node.members.flatMap((step) => this.of.get(step.id)) : [];
  }
}

// What the details say of them.
function twinsOf(step, graph, link) {
  const { twins } = graph;
  const made = step.rule === null || step.rule === undefined ? null : graph.byId.get(step.rule);
  const makes = twins?.of.get(step.id).filter((id) => id !== step.rule) ?? [];
  if (!made && !makes.length) return [];
  return [
    ...(made ? [el("h3", {}, "Made by the rule of"), el("div", { class: "row" }, link(made.id))] : []),
    ...(makes.length ? [el("h3", {}, "Its rule, as steps of the gradient"), el("div", { class: "row" }, ...makes.map(link))] : []),
  ];
}

FEATURES.push((page) => {
  const { graph, data, stage } = page;
  if (!graph.behind) return;
  graph.twins = new Twins(data.steps);
  const looked = { chosen: null, over: null }; // the nodes whose twins are lit
  const nodeAt = (target) => {
    const shape = target.closest?.(".node");
    return shape ? [...graph.nodes.values()].find((node) => node.element === shape) ?? null : null;
  };
  const light = () => {
    stage.querySelectorAll(".node.twin").forEach((shape) => shape.classList.remove("twin"));
    for (const node of [looked.chosen, looked.over]) for (const id of graph.twins.ofNode(node)) graph.mark(id, "twin");
    if (looked.over && graph.twins.ofNode(looked.over).length) looked.over.element.classList.add("twin");
    ties.draw();
  };
  const over = (event) => {
    const node = nodeAt(event.target);
    if (node === looked.over) return;
    looked.over = node;
    light();
  };
  const choose = (step, leads) => {
    looked.chosen = step ? graph.nodeOf.get(step.id) : null;
    light();
    const others = graph.twins.ofNode(looked.chosen).map((id) => graph.nodeOf.get(id).element);
    if (leads && others.length) graph.camera.follow(others);
  };
  const ties = new Ties(stage, () => [looked.chosen, looked.over].flatMap((node) => graph.twins.ofNode(node).map((id) => [node.element, graph.nodeOf.get(id).element])));
  stage.addEventListener("pointerover", over);
  stage.addEventListener("pointerleave", over);
  stage.addEventListener("focusin", over);
  stage.addEventListener("focusout", () => { looked.over = null; light(); });
  page.listen("select", (step) => choose(step, true));
  page.listen("step", (step) => choose(step?.step, true));
  page.listen("draw", () => { looked.over = null; choose(graph.byId.get(graph.selected), false); });

  if (data.orders) return;
  const orders = Math.max(...data.steps.map((step) => step.order));
  const behind = orders === 1 ? "Its gradient" : `Its derivatives, up to order ${orders}`;
  stage.append(el("div", { class: "pane-title" }, "The function"),
    el("div", { class: "pane-title" }, behind, el("span", { class: "quiet" }, el("span", { class: "swatch" }), "twins: a step, and the steps of the gradient that its rule made")));
  choose(graph.byId.get(graph.selected), false);
  const split = el("button", { id: "twins", "aria-pressed": "true", onclick: () => {
    graph.isSplit = !graph.isSplit;
    split.setAttribute("aria-pressed", graph.isSplit);
    page.redraw();
  } }, "The gradient's graph beside");
  page.menu("View", split);
});

// Lines from a node to its twins, across the border of the panes.
class Ties {
  constructor(stage, pairs) {
    Object.assign(this, { stage, pairs, layer: svg("svg", { class: "ties", "aria-hidden": true }) });
    stage.append(this.layer);
  }

  // As long as there are any they follow what moves.
  draw() {
    cancelAnimationFrame(this.frame);
    const pairs = this.stage.classList.contains("panes") ? this.pairs() : [];
    const around = this.stage.getBoundingClientRect();
    const lines = pairs.map(([one, other]) => this.line(one.getBoundingClientRect(), other.getBoundingClientRect(), around));
    if (lines.join() !== this.before) this.layer.replaceChildren(...lines.map((d) => svg("path", { d })));
    this.before = lines.join();
    if (pairs.length) this.frame = requestAnimationFrame(() => this.draw());
  }

  line(one, other, around) {
    const [above, below] = one.top < other.top ? [one, other] : [other, one];
    const x = (box) => (box.left + box.right) / 2 - around.left;
    const [from, to] = [above.bottom - around.top, below.top - around.top];
    const bend = Math.max(20, (to - from) / 2);
    return `M${x(above)} ${from}C${x(above)} ${from + bend} ${x(below)} ${to - bend} ${x(below)} ${to}`;
  }
}
