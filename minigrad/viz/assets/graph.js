// The drawing: which nodes are shown, their layout by Graphviz, panning and zooming.

const READABLE = 0.6; // the smallest scale that a drawing starts with

function ops(node) {
  const count = node.members.filter((step) => step.op).length;
  return `${count} op${count === 1 ? "" : "s"}`;
}

class Graph {
  constructor(data, place, onselect, onclose) {
    const { steps } = data;
    Object.assign(this, { steps, place, onselect, onclose, marked: data.marked, path: new Set(data.path), live: Boolean(data.live.program) });
    this.byId = new Map(steps.map((step) => [step.id, step]));
    this.several = new Set(steps.flatMap((step) => step.calls).filter(([, number]) => number > 1).map(([path]) => path));
    this.compact = data.compact;
    this.direction = data.direction; // null until the first drawing: whichever fits the window better
    this.closed = new Set(steps.filter((step) => step.shut >= 0).map((step) => this.boxes(step)[step.shut].key));
    this.selected = null;
  }

  // The calls of modules that a step is drawn in; all calls of a module are one in the compact view.
  boxes(step) {
    let key = "";
    return step.calls.map(([path, number, kind]) => {
      key += `/${path}${this.compact ? "" : `#${number}`}`;
      return { key, path, title: `${[path, kind].filter(Boolean).join(": ")}${this.several.has(path) && !this.compact ? ` (call ${number})` : ""}` };
    });
  }

  allBoxes() {
    const found = new Map();
    const modules = this.steps.filter((step) => step.op);
    for (const [first, step] of modules.entries()) this.boxes(step).forEach((box, depth) => found.has(box.key) || found.set(box.key, { ...box, depth, first }));
    return found;
  }

  // The node that stands for a step, and the boxes around it.
  standIn(step) {
    const boxes = this.boxes(step);
    const shut = boxes.findIndex((box) => this.closed.has(box.key));
    if (shut >= 0) return { key: `box ${boxes[shut].key}`, around: boxes.slice(0, shut), shut: boxes[shut] };
    return { key: this.compact ? `class ${step.alike}` : `step ${step.id}`, around: boxes };
  }

  shown() {
    const nodes = new Map();
    const edges = new Map();
    const inside = new Set(); // parameters that only closed modules of their own read
    this.nodeOf = new Map();
    for (const step of this.steps) {
      const { key, around, shut } = this.standIn(step);
      if (!nodes.has(key)) nodes.set(key, { key, around, shut, members: [], order: nodes.size, began: null });
      const node = nodes.get(key);
      node.members.push(step);
      if (step.op && !step.fixed) node.began ??= step.id;
      else if (!step.op && !shut && step.label.includes(".")) inside.add(node);
      this.nodeOf.set(step.id, node);
      for (const [source, shape] of step.inputs) {
        const from = this.nodeOf.get(source);
        const time = (id) => this.byId.get(id).calls.find(([path]) => path === shut.path)?.[1];
        if (!from || (from === node && shut && (time(source) ?? time(step.id)) === time(step.id))) continue;
        if (inside.has(from) && shut && from.members[0].label.startsWith(`${shut.path}.`)) {
          from.owner ??= node;
          continue;
        }
        inside.delete(from);
        const name = `${from.order} ${node.order}`;
        if (!edges.has(name)) edges.set(name, { name, from, to: node, shape, count: 0, carried: !this.byId.get(source).fixed && (from.began ?? from.members[0].id) >= (node.began ?? node.members[0].id) });
        edges.get(name).count += 1;
      }
    }
    for (const leaf of inside) {
      nodes.delete(leaf.key);
      leaf.members.forEach((step) => this.nodeOf.set(step.id, leaf.owner));
    }
    this.nodes = nodes;
    this.edges = edges;
  }

  label(node) {
    const first = node.members[0];
    if (node.shut) return `${node.shut.title}\n${ops(node)}\n `;
    const many = node.members.length > 1 ? ` ×${node.members.length}` : first.count > 1 ? ` ×${first.count}` : "";
    const name = first.op ? `${first.label} = ${first.op}` : first.label;
    return `${name}${many}\n${first.short}\n${first.shortGradient || " "}`;
  }

  // As Graphviz wants it: boxes inside of boxes, backslashes and ampersands as text.
  source() {
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
            graphAttributes: { label: text(box.title), id: `box${places.size}`, style: "rounded", fontsize: 12 },
          };
          places.set(box.key, part);
          inside.subgraphs.push(part);
        }
        inside = places.get(box.key);
      }
      const first = node.members[0];
      const kind = node.shut ? "closed" : !first.op ? first.kind : first.output ? "output" : first.fixed ? "op data" : "op";
      inside.nodes.push({
        name: `n${node.order}`,
        attributes: { label: text(this.label(node)), id: `n${node.order}`, ...(this.live && first.shortGradient ? { width: 2 } : {}), // for longer numbers
          class: kind, shape: node.shut ? "box3d" : first.kind === "data" ? "note" : "box", style: first.op ? "rounded,filled" : "filled" },
      });
    }
    this.boxKeys = [...places.keys()];
    const edges = [...this.edges.values()].map((edge) => ({
      tail: `n${edge.from.order}`, head: `n${edge.to.order}`,
      attributes: {
        id: `e${edge.name.replace(" ", "_")}`, ...(edge.carried ? { constraint: false, style: "dashed" } : edge.from.members[0].fixed ? { style: "dotted" } : {}),
        label: (this.nodes.size > 150 || edge.shape === "scalar" ? "" : edge.shape) + (edge.count > 1 ? ` ×${edge.count}` : "") + (edge.carried ? "\nnext step" : ""),
      },
    }));
    return {
      directed: true, ...root, edges,
      graphAttributes: { bgcolor: "transparent", ...(this.nodes.size > 400 ? { nslimit: 4, mclimit: 0.3, splines: "polyline" } : {}) },
      nodeAttributes: { fontname: "Helvetica", fontsize: 13, margin: "0.14,0.07" },
      edgeAttributes: { fontname: "Helvetica", fontsize: 10, arrowsize: 0.7 },
    };
  }

  render(direction) {
    const source = this.source();
    source.graphAttributes.rankdir = direction;
    return this.viz.renderSVGElement(source);
  }

  // How large a picture is when all of it is in the window.
  scale(picture) {
    const [, , width, height] = picture.getAttribute("viewBox").split(" ").map(Number);
    return Math.min(this.place.clientWidth / width, this.place.clientHeight / height);
  }

  draw() {
    this.shown();
    this.direction ??= this.scale(this.render("LR")) > this.scale(this.render("TB")) ? "LR" : "TB";
    const picture = this.render(this.direction);
    picture.setAttribute("class", "graph");
    picture.setAttribute("role", "group");
    picture.setAttribute("aria-label", "computation graph");
    picture.removeAttribute("width");
    picture.removeAttribute("height");
    picture.querySelectorAll("title").forEach((title) => title.remove());
    const [, , width, height] = picture.getAttribute("viewBox").split(" ").map(Number);
    this.full = { x: 0, y: 0, width, height };
    for (const node of this.nodes.values()) {
      const shape = picture.getElementById(`n${node.order}`);
      const first = node.members[0];
      node.element = shape;
      shape.setAttribute("role", "button");
      shape.setAttribute("tabindex", "-1");
      shape.setAttribute("aria-label", node.shut ? `${node.shut.title}, closed, ${ops(node)}` : `${first.op ?? first.kind} ${first.label}, ${first.shapes.replaceAll("×", " by ")}`);
      shape.addEventListener("click", () => this.activate(node));
      shape.addEventListener("focus", () => this.intoView(node));
    }
    for (const edge of this.edges.values()) edge.element = picture.getElementById(`e${edge.name.replace(" ", "_")}`);
    this.boxKeys.forEach((key, i) => {
      picture.getElementById(`box${i}`)?.addEventListener("click", () => this.toggle(key));
    });
    this.paint(picture);
    this.picture?.remove();
    this.picture = picture;
    this.place.prepend(picture);
    const scale = this.scale(picture);
    this.fit();
    if (scale < READABLE) { // begin at the beginning, large enough to read
      const part = { width: this.place.clientWidth / READABLE, height: this.place.clientHeight / READABLE };
      this.look({ x: this.direction === "TB" ? (width - part.width) / 2 : 0, y: this.direction === "TB" ? 0 : (height - part.height) / 2, ...part });
    }
    this.panning(picture);
    const start = this.selected ? this.nodeOf.get(this.selected) : this.nodes.values().next().value;
    start?.element.setAttribute("tabindex", "0");
    if (this.selected) this.nodeOf.get(this.selected).element.classList.add("selected");
  }

  // What was asked to be highlighted; and the arrow head of a gradient, which goes against the edge.
  paint(picture) {
    const head = svg("marker", { id: "back", viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: 11, markerHeight: 11, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" });
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

  toggle(key) {
    if (!this.closed.delete(key)) this.closed.add(key);
    this.onclose();
  }

  select(id, move = true) {
    this.picture.querySelectorAll(".selected").forEach((shape) => shape.classList.remove("selected"));
    this.picture.querySelectorAll(".node[tabindex='0']").forEach((shape) => shape.setAttribute("tabindex", "-1"));
    this.selected = id;
    const node = this.nodeOf.get(id);
    node.element.classList.add("selected");
    node.element.setAttribute("tabindex", "0");
    if (move) this.intoView(node);
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

  markEdge(source, target, name) {
    const edge = this.edges.get(`${this.nodeOf.get(source).order} ${this.nodeOf.get(target).order}`);
    edge?.element?.classList.add(name);
  }

  // ---- the part that is seen

  fit() {
    this.look({ ...this.full });
  }

  look(view) {
    this.view = view;
    this.picture.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
  }

  zoom(factor, at = { x: this.view.x + this.view.width / 2, y: this.view.y + this.view.height / 2 }) {
    const { x, y, width, height } = this.view;
    if (width * factor < 40 || width * factor > 40 * this.full.width) return;
    this.look({ x: at.x - (at.x - x) * factor, y: at.y - (at.y - y) * factor, width: width * factor, height: height * factor });
  }

  point(event) {
    return new DOMPoint(event.clientX, event.clientY).matrixTransform(this.picture.getScreenCTM().inverse());
  }

  panning(picture) {
    let start = null;
    picture.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(event.deltaY * 0.0015), this.point(event));
    }, { passive: false });
    picture.addEventListener("pointerdown", (event) => { start = this.point(event); });
    picture.addEventListener("pointermove", (event) => {
      if (!start || !event.buttons) return;
      const now = this.point(event);
      this.look({ ...this.view, x: this.view.x + start.x - now.x, y: this.view.y + start.y - now.y });
    });
    picture.addEventListener("pointerup", () => { start = null; });
  }

  // Move, where a node is not in sight; one that is larger than the frame stays where it is, since the
  // click that chose it would miss it.
  intoView(node) {
    const box = node.element.getBoundingClientRect();
    const frame = this.picture.getBoundingClientRect();
    const across = box.width <= frame.width && (box.left < frame.left || box.right > frame.right);
    const along = box.height <= frame.height && (box.top < frame.top || box.bottom > frame.bottom);
    if (!across && !along) return;
    const middle = this.point({ clientX: (box.left + box.right) / 2, clientY: (box.top + box.bottom) / 2 });
    const { x, y, width, height } = this.view;
    this.look({ ...this.view, x: across ? middle.x - width / 2 : x, y: along ? middle.y - height / 2 : y });
  }
}
