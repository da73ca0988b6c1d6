// The drawing: which nodes are shown, and their layout by Graphviz.

const FONT_SIZE = SMALLEST;
const FONT = "Helvetica,Arial,sans-serif";

function ops(node) {
  const count = node.members.filter((step) => step.op).length;
  return `${count} op${count === 1 ? "" : "s"}`;
}

function parameters(node) {
  const count = node.members.filter((step) => step.kind === "leaf").reduce((sum, step) => sum + step.shape.reduce((a, b) => a * b, 1), 0);
  return count ? `${count.toLocaleString("en")} parameter${count === 1 ? "" : "s"}` : "";
}

// Room for the font of this browser, where Graphviz measures an edge's label itself.
function pad(words) {
  return words && `\u00a0\u00a0${words}\u00a0\u00a0`;
}

// How wide a label is in this browser's own font, in inches: Graphviz does not know which one it has.
const pencil = document.createElement("canvas").getContext("2d");
function wide(label) {
  const widths = label.split("\n").map((line, i) => {
    pencil.font = `${i ? 400 : 600} ${FONT_SIZE}px ${FONT}`;
    return pencil.measureText(line).width;
  });
  return (Math.max(...widths) + 26) / 72;
}

class Graph {
  constructor(data, place, onselect, onclose, onlayout) {
    const { steps } = data;
    Object.assign(this, { data, steps, place, onselect, onclose, onlayout, marked: data.marked, path: new Set(data.path), live: Boolean(data.live.program) });
    this.byId = new Map(steps.map((step) => [step.id, step]));
    this.folding = new Folding(data);
    this.camera = new Camera(place);
    this.thumbnails = new Thumbnails(data);
    this.layouter = new Layouter();
    this.asked = data.direction; // null where the page chooses
    this.direction = null;
    this.selected = null;
  }

  // The pictures that are seen: this one; each is drawn by a Graph, with a camera of its own.
  get drawings() { return [this]; }
  get drawn() { return [...this.nodes.values()].filter((node) => this.isDrawn(node)); }

  // Some nodes are in no picture.
  isDrawn(node) {
    return Boolean(node.element.closest("g.graph"));
  }

  shown() {
    const nodes = new Map();
    const edges = new Map();
    const inside = new Set(); // parameters that only closed modules of their own read
    this.nodeOf = new Map();
    for (const step of this.steps) {
      const { key, around, shut } = this.folding.standIn(step);
      if (!nodes.has(key)) nodes.set(key, { key, around, shut, members: [], order: nodes.size, began: null });
      const node = nodes.get(key);
      node.members.push(step);
      if (step.op && !step.fixed) node.began ??= step.id;
      else if (!step.op && !shut && step.label.includes(".")) inside.add(node);
      this.nodeOf.set(step.id, node);
      for (const [source, shape] of step.inputs) {
        const from = this.nodeOf.get(source);
        if (!from || (from === node && shut && !this.comesBack(source, step))) continue;
        if (inside.has(from) && shut && from.members[0].label.startsWith(`${shut.path}.`)) {
          from.owner ??= node;
          continue;
        }
        inside.delete(from);
        const name = `${from.order} ${node.order}`;
        if (!edges.has(name)) edges.set(name, { name, from, to: node, shape, count: 0, variables: new Map(), carried: !this.byId.get(source).fixed && (from.began ?? from.members[0].id) >= (node.began ?? node.members[0].id) });
        edges.get(name).count += 1;
        const { variable } = this.byId.get(source); // where the module is closed: what the user calls its result
        if (variable && from.shut) edges.get(name).variables.set(variable[1], variable[0]);
      }
    }
    for (const node of nodes.values()) { // an op that goes through all time steps itself
      const name = `${node.order} ${node.order}`;
      const states = node.members.find((step) => step.states)?.states;
      if (states) edges.set(name, { name, from: node, to: node, shape: "", count: 1, variables: new Map(), carried: true, states });
    }
    for (const leaf of inside) {
      nodes.delete(leaf.key);
      leaf.members.forEach((step) => {
        this.nodeOf.set(step.id, leaf.owner);
        leaf.owner.members.unshift(step);
      });
    }
    this.nodes = nodes;
    this.edges = edges;
  }

  // Whether something goes from one call to a later one, where both are in the same node.
  comesBack(source, step) {
    const to = this.folding.standIn(step);
    if (to.shut.how === "blocks") return false;
    const call = (other) => this.folding.boxes(other).find((box) => box.path === to.shut.path)?.number;
    const from = call(this.byId.get(source));
    return from !== undefined && from !== call(step);
  }

  // What a step is called in its place: inside of "features", "features.0.weight" is "0.weight".
  name(step, around) {
    const owner = around.at(-1)?.path;
    return owner && step.label.startsWith(`${owner}.`) ? step.label.slice(owner.length + 1) : step.label;
  }

  label(node) {
    const first = node.members[0];
    const result = node.members.findLast((step) => step.op) ?? first;
    if (node.shut) return `${node.shut.title}\n${result.shapes}\n${(!this.folding.several.has(node.shut.path) || node.shut.how) && parameters(node) || ops(node)}`;
    if (first.failed) return `${first.failed}\n${this.data.failure.kind}`;
    const many = node.members.length > 1 ? ` ×${node.members.length}` : first.count > 1 ? ` ×${first.count}` : "";
    const name = this.name(first, node.around);
    return `${first.op ? `${name} = ${first.op}` : name}${many}\n${first.short}${first.fixed ? "" : `\n${first.shortGradient || " "}`}`;
  }

  // As Graphviz wants it: boxes inside of boxes, whose keys are noted, backslashes and ampersands as text.
  source(direction, keys) {
    const text = (label) => label.replaceAll("\\", "\\\\").replaceAll("&", "&amp;");
    const root = { subgraphs: [], nodes: [] };
    const places = new Map();
    const sizes = new Map(); // a box around one node says nothing new
    for (const node of this.nodes.values()) for (const box of node.around) sizes.set(box.key, (sizes.get(box.key) ?? 0) + 1);
    for (const node of this.nodes.values()) {
      let inside = root;
      for (const box of node.around) {
        if (sizes.get(box.key) < 2) continue;
        if (!places.has(box.key)) {
          const part = {
            name: `cluster_${places.size}`, subgraphs: [], nodes: [],
            graphAttributes: { label: text(box.title), id: `box${places.size}`, style: "rounded", labeljust: "l", fontsize: SMALLEST, margin: 12 },
          };
          places.set(box.key, part);
          inside.subgraphs.push(part);
        }
        inside = places.get(box.key);
      }
      const label = this.label(node);
      const width = this.live && node.members[0].shortGradient ? Math.max(2, wide(label)) : wide(label); // room for longer numbers
      inside.nodes.push({ name: `n${node.order}`, attributes: { label: text(label), ...this.thumbnails.room(node, width, label.split("\n").length), id: `n${node.order}`, ...this.look(node) } });
    }
    keys.splice(0, Infinity, ...places.keys());
    return {
      directed: true, ...root, edges: [...this.edges.values()].map((edge) => this.edge(edge)),
      graphAttributes: { rankdir: direction, bgcolor: "transparent", nodesep: 0.3, ranksep: 0.45, ...this.hurry() },
      nodeAttributes: { fontname: FONT, fontsize: FONT_SIZE, margin: "0,0.09" },
      edgeAttributes: { fontname: FONT, fontsize: SMALLEST, arrowsize: 0.8 },
    };
  }

  hurry() {
    if (this.crossed > MUCH.crossed) return { nslimit: 2, mclimit: 0.3 };
    return this.nodes.size > MUCH.nodes ? { nslimit: 4, mclimit: 0.3, splines: "polyline" } : {};
  }

  // Kinds differ in shape, too, not in colour alone; what is folded lies in a stack.
  look(node) {
    const first = node.members[0];
    if (node.shut) return { class: node.shut.how ? "closed fold" : "closed", shape: "box", style: "rounded,filled" };
    if (first.op) return { class: first.output ? "output" : first.fixed ? "op data" : "op", shape: "box", style: "rounded,filled" };
    return { class: first.kind, shape: first.kind === "data" ? "note" : "box", style: "filled" };
  }

  edge(edge) {
    const { from, to, carried, count, shape, variables } = edge;
    const source = from.members.at(-1);
    const names = edge.states ?? [...variables].sort((a, b) => a[1] - b[1]).map(([name]) => name).join(", ");
    const words = [
      source.shapes.includes(",") && !from.shut && this.nodes.size <= 150 ? shape : "", // which of several outputs
      names, carried && names ? "of" : "", count > 1 && !names && !carried && !to.shut?.how ? `×${count}` : "", carried ? "t−1" : "",
    ];
    const text = pad(words.filter(Boolean).join(" "));
    const label = text ? { label: text } : {}; // an empty one would double the layers
    const style = carried ? { style: "dashed", ...(from === to ? {} : { constraint: false }) } : from.members.every((step) => step.fixed) ? { style: "dotted" } : {};
    return { tail: `n${from.order}`, head: `n${to.order}`, attributes: { id: `e${edge.name.replace(" ", "_")}`, ...label, ...style } };
  }

  // By Graphviz at once; or simple, and better as soon as a worker has it.
  render(direction) {
    const { nodes: { size }, crossed, layouter } = this;
    const isBelow = (limit) => size <= limit.nodes && crossed <= limit.crossed;
    const keys = this.boxKeys = [];
    layouter.stop();
    layouter.isSimple = !isBelow(SLOW);
    const ask = () => layouter.ask(this.source(direction, keys), (picture) => this.improve(picture, keys));
    if (layouter.isSimple && isBelow(HOPELESS) && layouter.isPossible && ask()) this.boxKeys = [];
    else if (isBelow(layouter.isPossible ? SLOW : MOST)) {
      layouter.isSimple = false;
      return this.viz.renderSVGElement(this.source(direction, keys));
    }
    return new Layers(this, direction).draw();
  }

  // The better layout has come, and what was in the middle stays there; or it has not, and will not.
  improve(picture, keys) {
    const { camera, layouter } = this;
    if (!picture) return layouter.isPossible ? this.onlayout() : this.onclose();
    const { hasMoved, scale } = camera;
    const middle = this.middle();
    const focused = [...this.nodes.values()].find((node) => node.element === document.activeElement);
    layouter.isSimple = false;
    this.boxKeys = keys;
    this.install(document.importNode(picture, true));
    if (hasMoved) camera.look(camera.around(camera.centre(middle.element), scale));
    focused?.element.focus();
    return this.onlayout();
  }

  // The node nearest to the middle of what is seen.
  middle() {
    const frame = this.place.getBoundingClientRect();
    const far = (node) => {
      const box = node.element.getBoundingClientRect();
      return Math.hypot(box.x + box.width / 2 - frame.x - frame.width / 2, box.y + box.height / 2 - frame.y - frame.height / 2);
    };
    return [...this.nodes.values()].map((node) => [far(node), node]).reduce((a, b) => (b[0] < a[0] ? b : a))[1];
  }

  // How large a picture is when all of it is in the window.
  fitting(picture) {
    const [, , width, height] = picture.getAttribute("viewBox").split(" ").map(Number);
    return this.camera.fitting({ width, height });
  }

  // Time runs to the right, once it is unrolled; anything else in the direction in which more of it is seen.
  choose() {
    if (this.folding.isUnrolled) return "LR";
    if (this.direction) return this.direction; // opening a module turns nothing around
    if (this.nodes.size > SLOW.nodes || this.crossed > SLOW.crossed) return this.place.clientWidth > 1.3 * this.place.clientHeight ? "LR" : "TB"; // without a second layout
    return this.fitting(this.render("LR")) > this.fitting(this.render("TB")) ? "LR" : "TB";
  }

  draw() {
    this.shown();
    this.crossed = crossings([...this.nodes.values()], [...this.edges.values()]);
    this.direction = this.asked ?? this.choose();
    this.install(this.render(this.direction));
  }

  install(picture) {
    picture.setAttribute("class", "graph");
    picture.setAttribute("role", "group");
    picture.setAttribute("aria-label", "computation graph");
    picture.removeAttribute("width");
    picture.removeAttribute("height");
    picture.querySelectorAll("title").forEach((title) => title.remove());
    for (const node of this.nodes.values()) this.connect(node, picture.getElementById(`n${node.order}`));
    for (const edge of this.edges.values()) edge.element = picture.getElementById(`e${edge.name.replace(" ", "_")}`);
    this.paint(picture);
    this.picture?.remove();
    this.picture = picture;
    this.place.prepend(picture);
    this.boxKeys.forEach((key, i) => this.frame(picture.getElementById(`box${i}`), key));
    this.camera.begin(picture, this.direction);
    const start = this.selected ? this.nodeOf.get(this.selected) : this.nodes.values().next().value;
    start?.element.setAttribute("tabindex", "0");
    if (this.selected) this.nodeOf.get(this.selected).element.classList.add("selected");
  }

  // A box around open modules: its title begins at its corner, however wide this browser's font is.
  frame(box, key) {
    const title = box.querySelector("text");
    title.setAttribute("text-anchor", "start");
    title.setAttribute("x", box.querySelector("path, polygon").getBBox().x + 10);
    box.addEventListener("click", () => this.toggle(key));
  }

  connect(node, shape) {
    const first = node.members[0];
    node.element = shape;
    if (node.shut?.how) this.stack(shape);
    shape.setAttribute("role", "button");
    shape.setAttribute("tabindex", "-1");
    const name = node.shut ? `${node.shut.title}, closed, ${ops(node)}` : `${first.op ?? first.kind} ${first.label}, ${first.shapes.replaceAll("×", " by ")}`;
    shape.setAttribute("aria-label", name);
    if (node.shut) shape.setAttribute("aria-expanded", "false");
    shape.addEventListener("click", () => this.activate(node));
    shape.addEventListener("focus", () => shape.matches(":focus-visible") && this.camera.follow([shape]));
  }

  // Sheets behind a node, on the side where no edge arrives.
  stack(shape) {
    const front = shape.querySelector("path, polygon");
    for (const step of [4, 8]) {
      const sheet = front.cloneNode();
      sheet.setAttribute("class", "sheet");
      sheet.setAttribute("transform", `translate(${this.direction === "LR" ? step : -step} ${step})`);
      shape.prepend(sheet);
    }
  }

  // What was asked to be highlighted; and the arrow head of a gradient, which goes against the edge.
  paint(picture) {
    const head = svg("marker", { id: "back", viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: 13, markerHeight: 13, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" });
    head.append(svg("path", { d: "M0 1 L10 5 L0 9 z" }));
    const stub = svg("marker", { id: "stub", viewBox: "0 0 8 4", refX: 0, refY: 2, markerWidth: 8, markerHeight: 4, markerUnits: "userSpaceOnUse", orient: "auto" });
    stub.append(svg("path", { d: "M0 0 H8 V4 H0 z" })); // in the place of the edge's own arrow head
    const definitions = svg("defs", {});
    definitions.append(head, stub);
    picture.prepend(definitions);
    for (const node of this.nodes.values()) {
      const colour = node.members.map((step) => this.marked[step.id]).find(Boolean);
      if (!colour) continue;
      node.element.classList.add("marked");
      node.element.querySelectorAll("path, polygon").forEach((shape) => { shape.style.fill = colour; });
    }
    const onPath = (node) => node.members.some((step) => this.path.has(step.id));
    for (const edge of this.edges.values()) if (onPath(edge.from) && onPath(edge.to)) edge.element?.classList.add("way");
  }

  activate(node) {
    if (node.shut) this.toggle(node.shut.key);
    else this.onselect(node.members[0].id);
  }

  // Close or open; the camera goes along to what was opened, or to the node that it has become.
  toggle(key) {
    const keys = new Set(this.folding.together(key));
    const touches = (box) => keys.has(box.key) || keys.has(this.folding.foldOf.get(box.key)?.key);
    const touched = this.steps.filter((step) => step.op && this.folding.boxes(step).some(touches));
    const elements = () => [...new Set(touched.map((step) => this.nodeOf.get(step.id).element))];
    const { view, scale } = this.camera;
    const corner = this.camera.extent(elements());
    const place = { x: corner.x - view.x, y: corner.y - view.y };
    const isFocused = this.picture.contains(document.activeElement);
    this.folding.toggle(key);
    this.onclose();
    if (isFocused) this.focus(elements()[0]);
    const now = this.camera.extent(elements()); // first it is where it was, then the camera moves
    this.camera.look({ ...this.camera.around({ x: 0, y: 0 }, scale), x: now.x - place.x, y: now.y - place.y });
    this.camera.follow(elements());
  }

  // One node at a time is reached by the tabulator.
  reach(shape) {
    this.picture.querySelectorAll(".node[tabindex='0']").forEach((other) => other.setAttribute("tabindex", "-1"));
    shape.setAttribute("tabindex", "0");
  }

  focus(shape) {
    this.reach(shape);
    shape.focus();
  }

  select(id, move = true) {
    this.picture.querySelectorAll(".selected").forEach((shape) => shape.classList.remove("selected"));
    this.selected = id;
    const node = this.nodeOf.get(id);
    node.element.classList.add("selected");
    this.reach(node.element);
    if (move) this.camera.follow([node.element]);
  }

  // From a node along an edge: "in" to what it reads, "out" to what reads it, or to its neighbours in order.
  neighbour(id, way) {
    const node = this.nodeOf.get(id);
    const edges = [...this.edges.values()].filter((edge) => !edge.carried);
    const list = [...this.nodes.values()];
    const to = way === "in" ? edges.find((e) => e.to === node)?.from
      : way === "out" ? edges.find((e) => e.from === node)?.to
      : list[list.indexOf(node) + (way === "next" ? 1 : -1)];
    return to;
  }

  clear(...names) {
    for (const name of names) this.picture.querySelectorAll(`.${name}`).forEach((shape) => shape.classList.remove(name));
  }

  mark(id, name) {
    this.nodeOf.get(id).element.classList.add(name);
  }

  edgeBetween(source, target) {
    return this.edges.get(`${this.nodeOf.get(source).order} ${this.nodeOf.get(target).order}`);
  }

  markEdge(source, target, name) {
    this.edgeBetween(source, target)?.element?.classList.add(name);
  }
}
