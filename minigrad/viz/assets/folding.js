// Which modules are closed, and which repetitions are folded: the calls of a recurrent cell, equal blocks one after the other.

const MANY = 3; // fewer repetitions stay as they are

class Folding {
  constructor(data) {
    this.steps = data.steps;
    this.compact = data.repeats === "compact"; // all calls of a module are one
    this.several = new Set(data.steps.flatMap((step) => step.calls).filter(([, number]) => number > 1).map(([path]) => path));
    this.find();
    this.closed = new Set();
    for (const step of data.steps) {
      if (step.shut >= 0) this.boxes(step).slice(step.shut).forEach((box) => this.all.get(box.key)?.many && this.closed.add(box.key));
    }
    this.folded = new Set(data.repeats === "unrolled" ? [] : this.folds.keys());
  }

  // The calls of modules that a step is drawn in, outermost first.
  boxes(step) {
    if (this.known.has(step)) return this.known.get(step);
    let key = "";
    let outer = "";
    const found = step.calls.map(([path, number, kind]) => {
      const parent = key;
      key += `/${path}${this.compact ? "" : `#${number}`}`;
      const name = outer && path.startsWith(`${outer}.`) ? path.slice(outer.length + 1) : path;
      const call = this.several.has(path) && !this.compact ? ` (call ${number})` : "";
      outer = path;
      return { key, parent, path, number, kind, name, title: `${[name, kind].filter(Boolean).join(": ")}${call}` };
    });
    this.known.set(step, found);
    return found;
  }

  // All boxes and all folds, once, or again where all calls of a module become one.
  find() {
    this.known = new Map();
    this.all = new Map(); // those around ops, in their order
    for (const [first, step] of this.steps.filter((s) => s.op).entries()) {
      this.boxes(step).forEach((box, depth) => {
        if (!this.all.has(box.key)) this.all.set(box.key, { ...box, depth, first, ops: [], last: first, count: 0, many: false });
        const entry = this.all.get(box.key);
        entry.ops.push(`${step.op} ${step.shapes}`);
        entry.last = first;
      });
    }
    for (const step of this.steps) for (const { key } of this.boxes(step)) if (this.all.has(key)) this.all.get(key).count += 1;
    const parameters = this.steps.filter((step) => !step.op && step.kind === "leaf").map((step) => step.label);
    for (const box of this.all.values()) box.many = box.count > 1 || parameters.some((label) => label.startsWith(`${box.path}.`));
    this.folds = new Map();
    this.foldOf = new Map(); // the fold of a box
    this.group((box) => box.path).forEach((boxes) => boxes.length >= MANY && this.fold(boxes, "calls"));
    this.group((box) => box.path.replace(/\d+$/, "*")).forEach((boxes) => runs(boxes).forEach((run) => this.fold(run, "blocks")));
  }

  group(name) {
    const groups = new Map();
    for (const box of this.all.values()) {
      if (!box.many || this.foldOf.has(box.key)) continue;
      const key = `${box.parent} ${box.kind} ${name(box)}`;
      groups.set(key, [...(groups.get(key) ?? []), box]);
    }
    return [...groups.values()];
  }

  fold(boxes, how) {
    const [first] = boxes;
    const last = boxes.at(-1);
    const key = `fold ${first.key}`;
    const name = how === "calls" ? first.name : `${first.name} … ${last.name.split(".").at(-1)}`;
    const title = `${[name, first.kind].filter(Boolean).join(": ")} ×${boxes.length}`;
    this.folds.set(key, { key, how, title, path: first.path, count: boxes.length, boxes, depth: first.depth, first: first.first });
    boxes.forEach((box) => this.foldOf.set(box.key, this.folds.get(key)));
  }

  // The node that stands for a step, the boxes around it, and what is shut where it is not shown itself.
  standIn(step) {
    const boxes = this.boxes(step);
    for (const [i, box] of boxes.entries()) {
      const fold = this.foldOf.get(box.key);
      if (fold && this.folded.has(fold.key)) return { key: fold.key, around: boxes.slice(0, i), shut: fold, within: box.key };
      if (this.closed.has(box.key)) return { key: `box ${box.key}`, around: boxes.slice(0, i), shut: box, within: box.key };
    }
    return { key: this.compact ? `class ${step.alike}` : `step ${step.id}`, around: boxes };
  }

  // Whether calls of one module stand beside each other.
  get isUnrolled() {
    return [...this.folds.values()].some((fold) => fold.how === "calls" && !this.folded.has(fold.key));
  }

  has(key) {
    return this.closed.has(key) || this.folded.has(key);
  }

  // Cells that are called in turn, as the layers of a network over time, are unrolled together.
  together(key) {
    const fold = this.folds.get(key);
    if (fold?.how !== "calls") return [key];
    const alike = (other) => other.how === "calls" && other.count === fold.count && other.boxes[0].parent === fold.boxes[0].parent;
    return [...this.folds.values()].filter(alike).map((other) => other.key);
  }

  toggle(key) {
    const state = this.folds.has(key) ? this.folded : this.closed;
    const shut = state.has(key);
    for (const each of this.together(key)) {
      if (shut) state.delete(each);
      else state.add(each);
    }
  }

  // Open all around a step; returns whether anything was shut.
  reveal(step) {
    const boxes = this.boxes(step);
    const keys = [...boxes.map((box) => box.key), ...boxes.map((box) => this.foldOf.get(box.key)?.key)];
    return keys.map((key) => this.closed.delete(key) || this.folded.delete(key)).some(Boolean);
  }

  openAll() {
    this.closed.clear();
    this.folded.clear();
  }

  closeAll() {
    this.closed = new Set([...this.all.values()].filter((box) => box.many).map((box) => box.key));
    this.folded = new Set(this.folds.keys());
  }

  join(compact) {
    this.compact = compact;
    this.find();
    this.openAll();
  }

  // What can be closed or folded, as it is listed: what is inside of a fold only where that is unrolled.
  listed() {
    const hidden = new Set();
    for (const box of this.all.values()) if (hidden.has(box.parent) || this.folded.has(this.foldOf.get(box.key)?.key)) hidden.add(box.key);
    const boxes = [...this.all.values()].filter((box) => box.many && !hidden.has(box.key));
    return [...this.folds.values(), ...boxes].sort((a, b) => a.first - b.first || a.depth - b.depth || (a.how ? -1 : 1));
  }
}

// Blocks that are equal, each numbered one higher than the one before, with nothing in between.
function runs(boxes) {
  const number = (box) => Number(box.path.match(/\d+$/)?.[0] ?? NaN);
  const found = [];
  for (const box of boxes) {
    const before = found.at(-1)?.at(-1);
    const goesOn = before && number(box) === number(before) + 1 && box.first === before.last + 1 && String(box.ops) === String(before.ops);
    if (goesOn) found.at(-1).push(box);
    else found.push([box]);
  }
  return found.filter((run) => run.length >= MANY && run[0].ops.length > 1);
}
