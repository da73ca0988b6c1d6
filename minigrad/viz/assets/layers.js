// A simple layout in layers, for what Graphviz would be busy with for too long: no boxes, straight edges, but at once.

const MOST = { nodes: 2000, crossed: 1500 }; // beyond, Graphviz takes more than two seconds on the page's own thread
const MUCH = { nodes: 400, crossed: 400 }; // beyond, it must not look for the best places for long
const LINE = 19;
const GAP = { along: 40, across: 20 };

// The layer of each node: behind all that it reads; what reads nothing, just before its first reader.
function layersOf(nodes, edges) {
  const layer = new Map(nodes.map((node) => [node, 0]));
  const forth = edges.filter((edge) => !edge.carried).sort((a, b) => a.to.order - b.to.order);
  for (const { from, to } of forth) layer.set(to, Math.max(layer.get(to), layer.get(from) + 1));
  const read = new Set(forth.map((edge) => edge.to));
  const first = new Map();
  for (const { from, to } of forth) if (!read.has(from)) first.set(from, Math.min(first.get(from) ?? Infinity, layer.get(to) - 1));
  first.forEach((number, node) => layer.set(node, number));
  return layer;
}

// What an edge costs that crosses layers: Graphviz makes a node in each of them.
function crossings(nodes, edges) {
  const layer = layersOf(nodes, edges);
  return edges.reduce((sum, { from, to }) => sum + Math.max(0, Math.abs(layer.get(to) - layer.get(from)) - 1), 0);
}

class Layers {
  constructor(graph, direction) {
    this.graph = graph;
    this.isAcross = direction === "LR"; // layers stand beside each other
    this.nodes = [...graph.nodes.values()];
    this.edges = [...graph.edges.values()];
    this.sizes = new Map(this.nodes.map((node) => [node, this.size(node)]));
    this.place();
  }

  // As wide and high as its words, and a picture above them.
  size(node) {
    const label = this.graph.label(node);
    const lines = label.split("\n").length;
    const { width, height } = this.graph.thumbnails.room(node, wide(label), lines);
    return { width: Math.max(54, 72 * width), height: height ? 72 * height : lines * LINE + 13 };
  }

  // Layer after layer; in each, nodes stand as near as they can to the middle of what they read.
  place() {
    const layer = layersOf(this.nodes, this.edges);
    const rows = Map.groupBy(this.nodes, (node) => layer.get(node));
    const reads = Map.groupBy(this.edges.filter((edge) => !edge.carried), (edge) => edge.to);
    const [along, across] = this.isAcross ? ["width", "height"] : ["height", "width"];
    this.middles = new Map();
    let start = 0;
    for (const number of [...rows.keys()].sort((a, b) => a - b)) {
      const row = rows.get(number);
      const thick = Math.max(...row.map((node) => this.sizes.get(node)[along]));
      const wish = new Map(row.map((node) => [node, this.wish(reads.get(node))]));
      let end = -Infinity;
      for (const node of row.sort((a, b) => wish.get(a) - wish.get(b))) {
        const half = this.sizes.get(node)[across] / 2;
        const at = Math.max(wish.get(node), end + GAP.across + half);
        end = at + half;
        this.middles.set(node, this.isAcross ? { x: start + thick / 2, y: at } : { x: at, y: start + thick / 2 });
      }
      start += thick + GAP.along;
    }
  }

  wish(edges) {
    const known = (edges ?? []).map((edge) => this.middles.get(edge.from)).filter(Boolean).map((at) => (this.isAcross ? at.y : at.x));
    return known.length ? known.reduce((a, b) => a + b, 0) / known.length : 0;
  }

  // The same elements that Graphviz draws.
  draw() {
    const boxes = this.nodes.map((node) => ({ ...this.middles.get(node), ...this.sizes.get(node) }));
    const left = Math.min(...boxes.map((box) => box.x - box.width / 2)) - MARGIN;
    const top = Math.min(...boxes.map((box) => box.y - box.height / 2)) - MARGIN;
    const width = Math.max(...boxes.map((box) => box.x + box.width / 2)) + MARGIN - left;
    const height = Math.max(...boxes.map((box) => box.y + box.height / 2)) + MARGIN - top;
    const picture = svg("svg", { viewBox: `0 0 ${width} ${height}` });
    const all = svg("g", { class: "graph", transform: `translate(${-left} ${-top})` });
    all.append(...this.edges.map((edge) => this.line(edge)), ...this.nodes.map((node) => this.box(node)));
    picture.append(all);
    return picture;
  }

  line(edge) {
    const from = this.border(edge.from, 1);
    const to = this.border(edge.to, -1);
    const group = svg("g", { id: `e${edge.name.replace(" ", "_")}`, class: "edge" });
    group.append(svg("path", { d: `M${from.x} ${from.y}L${to.x} ${to.y}`, fill: "none", ...(edge.carried ? { "stroke-dasharray": "5 2" } : {}) }));
    const [dx, dy] = this.isAcross ? [8, 4] : [4, 8];
    const other = this.isAcross ? `${to.x - dx},${to.y + dy}` : `${to.x + dx},${to.y - dy}`;
    group.append(svg("polygon", { points: `${to.x},${to.y} ${to.x - dx},${to.y - dy} ${other}` }));
    return group;
  }

  border(node, side) {
    const { x, y } = this.middles.get(node);
    const { width, height } = this.sizes.get(node);
    return this.isAcross ? { x: x + (side * width) / 2, y } : { x, y: y + (side * height) / 2 };
  }

  box(node) {
    const { x, y } = this.middles.get(node);
    const { width, height } = this.sizes.get(node);
    const look = this.graph.look(node);
    const [l, r, t, b] = [x - width / 2, x + width / 2, y - height / 2, y + height / 2];
    const corner = look.style.includes("rounded") ? 10 : 0;
    const group = svg("g", { id: `n${node.order}`, class: `node ${look.class}` });
    const [right, bottom, leftwards, up] = [`H${r - corner}Q${r} ${t} ${r} ${t + corner}`, `V${b - corner}Q${r} ${b} ${r - corner} ${b}`, `H${l + corner}Q${l} ${b} ${l} ${b - corner}`, `V${t + corner}Q${l} ${t} ${l + corner} ${t}`];
    group.append(svg("path", { d: `M${l + corner} ${t}${right}${bottom}${leftwards}${up}Z` }));
    this.graph.label(node).split("\n").forEach((words, i, { length }) => {
      const text = svg("text", { x, y: b + 9 + (i - length) * LINE, "text-anchor": "middle", "font-size": FONT_SIZE });
      text.textContent = words;
      group.append(text);
    });
    return group;
  }
}
