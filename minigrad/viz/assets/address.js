// The state of the page in its address, so that a link, or the frame of a slide, opens where the lecturer stopped:
//
//   #step=12&open=features,classifier.1&node=loss&direction=LR&projector=1&theme=dark&x=2.5&w=3:0.5,7:1
//
// What is as it was at the beginning is left out.  An address may come from anywhere: what it names is looked for among what the
// page has, numbers are read as numbers, and all else is passed over.

const ADDRESSED = new Set(["step", "open", "closed", "node", "direction", "repeats", "code", "projector", "theme", "embed"]);
const MOST_EDITS = 12; // more changed elements of one array make no link that can be sent

// From an address to its parts, and back: values are lists, each member escaped by itself.
function partsOf(hash) {
  const parts = new Map();
  for (const part of hash.replace(/^#/, "").split("&")) {
    const [, name, value] = part.match(/^([^=]+)=?(.*)$/) ?? [];
    if (name) parts.set(fromAddress(name), value.split(",").map(fromAddress));
  }
  return parts;
}

function fromAddress(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // cut off in the middle
  }
}

// What addresses may hold as it is stays readable.
const inAddress = (text) => encodeURIComponent(text).replace(/%(3A|5B|5D|2F|40)/g, decodeURIComponent).replace(/[()!']/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`);
const hashOf = (parts) => [...parts].map(([name, list]) => `${inAddress(name)}${list.length ? `=${list.map(inAddress).join(",")}` : ""}`).join("&");

function isOn(parts, name) {
  return parts.has(name) && parts.get(name)[0] !== "0";
}

// A number of a dtype in as few digits as say which one it is.
function shortestNumber(x, dtype) {
  for (let digits = 1; dtype === "float32" && digits <= 9; digits += 1) {
    const text = String(Number(x.toPrecision(digits)));
    if (Math.fround(Number(text)) === x) return text;
  }
  return Number.isNaN(x) ? "nan" : Number.isFinite(x) ? String(x) : x > 0 ? "inf" : "-inf";
}

// Undefined where it is none.
function numberFrom(text = "") {
  const special = { nan: NaN, inf: Infinity, "-inf": -Infinity };
  if (Object.hasOwn(special, text)) return special[text];
  return text.trim() === "" || Number.isNaN(Number(text)) ? undefined : Number(text);
}

// Before the graph is laid out, so that it fits the room that it will have.
embed(partsOf(location.hash));

// "embed" leaves graph and player; "embed=panel" the details, too; "embed=training" graph and training.
function embed(parts) {
  if (isOn(parts, "embed")) document.documentElement.setAttribute("data-embed", parts.get("embed")[0]);
  else document.documentElement.removeAttribute("data-embed");
}

class Address {
  constructor(page) {
    this.page = page;
    const { folding } = page;
    this.begun = { closed: new Set(folding.closed), folded: new Set(folding.folded), compact: folding.compact };
    this.names = this.inputNames();
    this.others = new Map(); // parts that are not ours
  }

  // ---- modules and repetitions, by the paths of modules; a later call is "cell~2", a fold "cell*"

  tokens() {
    const { folding } = this.page;
    const name = ({ path, number }) => `${path || "."}${number > 1 && !folding.compact ? `~${number}` : ""}`;
    return new Map([
      ...[...folding.all.values()].filter((box) => box.many).map((box) => [box.key, name(box)]),
      ...[...folding.folds.values()].map((fold) => [fold.key, `${name(fold.boxes[0])}*`]),
    ]);
  }

  // What is shut where nobody has touched anything.
  shutAtFirst() {
    const { closed, folded, compact } = this.begun;
    return this.page.folding.compact === compact ? new Set([...closed, ...folded]) : new Set();
  }

  folds() {
    const { folding } = this.page;
    const before = this.shutAtFirst();
    const tokens = this.tokens();
    const named = (keep) => [...tokens].filter(([key]) => keep(key)).map(([, token]) => token);
    const open = named((key) => before.has(key) && !folding.has(key));
    const all = open.length > 3 && !named((key) => folding.has(key)).length;
    return { open: all ? ["*"] : open, closed: named((key) => !before.has(key) && folding.has(key)), repeats: folding.compact === this.begun.compact ? [] : [folding.compact ? "compact" : "apart"] };
  }

  // Returns whether another graph is to be drawn.
  fold(parts) {
    const { folding } = this.page;
    const [asked] = parts.get("repeats") ?? [];
    const compact = { compact: true, apart: false }[asked] ?? this.begun.compact;
    const joins = compact !== folding.compact;
    if (joins) folding.join(compact);
    const tokens = this.tokens();
    const before = this.shutAtFirst();
    const [open, closed] = ["open", "closed"].map((name) => new Set(parts.get(name)));
    const shut = [...tokens].filter(([key, token]) => (before.has(key) ? !open.has(token) && !open.has("*") : closed.has(token))).map(([key]) => key);
    const same = !joins && shut.length === folding.closed.size + folding.folded.size && shut.every((key) => folding.has(key));
    folding.folded = new Set(shut.filter((key) => folding.folds.has(key)));
    folding.closed = new Set(shut.filter((key) => !folding.folds.has(key)));
    return !same;
  }

  // ---- the chosen node, by its label where that is its own

  nodeName(step) {
    const { steps } = this.page.data;
    return steps.filter(({ label }) => label === step.label).length === 1 && !step.label.startsWith("@") ? step.label : `@${steps.indexOf(step)}`;
  }

  nodeOf(name) {
    const { steps } = this.page.data;
    return name.startsWith("@") ? steps[Number(name.slice(1))] : steps.find(({ label }) => label === name);
  }

  // ---- numbers that were changed: all of a single one, of an array the changed ones by their places

  inputNames() {
    const { live } = this.page;
    const names = (live.inputs ?? []).map(({ name }) => name);
    return names.map((name, i) => {
      if (!name || names.indexOf(name) !== names.lastIndexOf(name)) return `~${i}`;
      return ADDRESSED.has(name) || name.startsWith("~") ? `~${name}` : name;
    });
  }

  edits(input) {
    const { numbers, recorded, dtype } = this.page.live.inputs[input];
    const places = [...numbers.keys()].filter((at) => !Object.is(numbers[at], recorded[at]));
    if (places.length > MOST_EDITS) return null;
    return places.map((at) => (numbers.length === 1 ? shortestNumber(numbers[at], dtype) : `${at}:${shortestNumber(numbers[at], dtype)}`));
  }

  // What an address cannot hold, as sentences: what was trained, and many changes of an array.
  leftOut() {
    const { live, training } = this.page;
    const many = [...(live.edited ?? [])].filter((input) => this.edits(input) === null).map((input) => live.inputs[input].name);
    return (training?.last?.count ? " Without what was trained: a link begins with the weights of the beginning." : "") + (many.length ? ` Without the many changes of ${many.join(", ")}.` : "");
  }

  edit(parts) {
    const { live } = this.page;
    const gone = [...(live.edited ?? [])].filter((input) => !parts.has(this.names[input]) && this.edits(input) !== null);
    if (gone.length) live.reset(gone);
    this.names.forEach((name, input) => {
      if (!parts.has(name) || String(this.edits(input)) === String(parts.get(name))) return;
      const { numbers, recorded } = live.inputs[input];
      const changes = parts.get(name).map((text) => (numbers.length === 1 ? [0, numberFrom(text)] : text.split(":").map(numberFrom)));
      if ((numbers.length === 1 && changes.length > 1) || !changes.every(([at, x]) => x !== undefined && recorded[at] !== undefined)) return;
      live.change(input, (all) => { all.set(recorded); changes.forEach(([at, x]) => { all[at] = x; }); });
    });
  }

  // ---- all together

  parts() {
    const { data, graph, player, live, code } = this.page;
    const { dataset } = root;
    const parts = new Map(this.others);
    const set = (name, value) => value !== null && value !== undefined && parts.set(name, [value].flat().map(String));
    const event = player.at < 0 ? null : player.events[player.at];
    const start = event?.step ?? this.first;
    if (root.hasAttribute("data-embed")) parts.set("embed", [root.dataset.embed].filter(Boolean));
    if (event) set("step", player.at + 1);
    for (const [name, list] of Object.entries(this.folds())) if (list.length) set(name, list);
    if (graph.selected !== null && start && graph.selected !== start.id) set("node", this.nodeName(graph.byId.get(graph.selected)));
    if (graph.asked !== data.direction) set("direction", graph.asked);
    if (code.known && !root.hasAttribute("data-code")) set("code", 0);
    if (root.hasAttribute("data-projector")) set("projector", 1);
    set("theme", dataset.theme);
    for (const input of live.edited ?? []) set(this.names[input], this.edits(input));
    return parts;
  }

  get text() {
    return hashOf(this.parts());
  }

  // Make the page as an address says; all that it does not name becomes as it was at first.
  apply(parts) {
    const { data, graph, player, camera, code } = this.page;
    this.others = new Map([...parts].filter(([name]) => !ADDRESSED.has(name) && !this.names.includes(name)));
    const one = (name) => parts.get(name)?.[0];
    if (player.timer) togglePlay();
    embed(parts);
    if (["light", "dark"].includes(one("theme"))) root.dataset.theme = one("theme");
    else delete root.dataset.theme;
    if (code.known) show("code", one("code") !== "0");
    const asked = ["TB", "LR"].includes(one("direction")) ? one("direction") : data.direction;
    const turned = asked !== graph.asked;
    graph.asked = asked;
    if (this.fold(parts) || turned) redraw();
    join.setAttribute("aria-pressed", this.page.folding.compact);
    if (isOn(parts, "projector") !== root.hasAttribute("data-projector")) project(isOn(parts, "projector"));
    this.edit(parts);
    const at = Math.min(Number.parseInt(one("step") ?? "0", 10) || 0, player.events.length) - 1;
    if (at !== player.at) player.go(at);
    const step = this.nodeOf(one("node") ?? "") ?? (player.at < 0 ? this.first : null);
    if (!step || step.id === graph.selected) return;
    select(step.id, false);
    if (parts.has("node")) camera.follow([graph.nodeOf.get(step.id).element]);
  }

  // Where the page stands, for a link; null where it has no address of its own, in a notebook.
  link(more = []) {
    if (!/^(file|https?):$/.test(location.protocol)) return null;
    const hash = hashOf(new Map([...more, ...this.parts()]));
    return `${location.href.split("#")[0]}${hash ? `#${hash}` : ""}`;
  }
}

// Read when the page is opened and when its address is changed; written as the lecturer goes, but not too often for a browser.
FEATURES.push((page) => {
  const address = new Address(page);
  address.first = page.graph.byId.get(page.graph.selected);
  page.address = address;
  let waiting = null;
  const write = () => {
    waiting = null;
    try {
      const link = address.link();
      if (link !== null && link !== location.href) history.replaceState(history.state, "", link);
    } catch {
      // a frame that may not: the page does not need it
    }
  };
  const soon = () => { waiting ??= setTimeout(write, 400); };
  const read = () => address.apply(partsOf(location.hash));
  if (location.hash.length > 1) read();
  window.addEventListener("hashchange", read);
  for (const kind of ["draw", "select", "step", "change"]) page.listen(kind, soon);
  new MutationObserver(soon).observe(root, { attributeFilter: ["data-theme", "data-projector", "data-code", "data-embed"] });
});
