// The program of the computation: inputs are changed, and what the page shows of each step is read from it.
//
// Steps keep their shape: where a text was, a getter stands that gives the recorded text until something is changed, and after
// that the one of the program's value.  So the graph, the details and the player show what is true now without knowing of it.

class Live {
  constructor(data, onchange) {
    Object.assign(this, { steps: data.steps, why: data.live.why ?? null, onchange, trouble: null, nudged: null, moved: false });
    this.section = el("section", { id: "live", "aria-live": "polite" });
    if (this.why === null) {
      this.program = new minigrad.Program(data.live.program);
      for (const [input, numbers] of data.training ? TrainingEngine.firstBatch(data.training) : []) this.program.set(input, numbers);
      this.inputs = data.live.program.inputs.map(({ buffer, shape, dtype, name }) => {
        const numbers = this.program.buffers[buffer];
        return { shape, dtype, name, numbers, recorded: numbers.slice() };
      });
      this.results = data.live.results;
      this.edited = new Set(); // inputs that are other ones than in the recorded run
      this.own = new Map(data.steps.map((step, i) => [step.id, data.live.steps[i]]));
      for (const step of data.steps) this.bind(step, this.own.get(step.id));
      minigrad.live = this; // for those who open the console: minigrad.live.change(0, (numbers) => { numbers[0] = 2; })
      (globalThis.requestIdleCallback ?? setTimeout)(() => this.program.run()); // the first run is slow
    }
    this.tell();
  }

  read(slot) {
    if (Array.isArray(slot)) return slot.map((part) => this.read(part));
    if (slot === null) return null;
    if (this.program.changed === null && this.trouble === null) this.program.run(); // for the first time
    return this.program.read(slot);
  }

  // Why a value stays as it was recorded; undefined where it does not.
  stuck(slot) {
    return [slot].flat(2).map((place) => this.program.description.fixed[place]).find(Boolean);
  }

  // In the place of a text what the program's value says now.
  bind(step, own) {
    const now = (object, name, slots, make) => {
      const recorded = object?.[name];
      if (recorded === null || recorded === undefined || recorded === "") return;
      Object.defineProperty(object, name, { enumerable: true, get: () => (this.isChanged && !this.stuck(slots) ? make() : recorded) });
    };
    const single = (value) => (value && !Array.isArray(value) && value.data.length === 1 ? general(value.data[0]) : null);
    now(step, "value", own.value, () => summary(this.read(own.value)));
    if (own.value !== null) {
      const { short } = step;
      now(step, "short", own.value, () => single(this.read(own.value)) ?? short);
    }
    now(step, "gradient", own.gradient, () => summary(this.read(own.gradient)));
    now(step, "shortGradient", own.gradient, () => {
      const value = this.read(own.gradient);
      return `gradient ${single(value) ?? `rms ${general(rootMeanSquare(value), 2)}`}`;
    });
    now(step, "arrives", own.arrives, () => own.arrives.map((slot) => numberText(this.read(slot))));
    if (own.formula) now(step.formula, "numbers", own.value, () => this.filled(own.formula));
    step.rules.forEach((rule, i) => {
      now(rule, "sent", own.sent[i], () => numberText(this.read(own.sent[i])));
      if (own.rules[i]) now(rule.formula, "numbers", own.sent[i], () => this.filled(own.rules[i]));
      if (own.local[i]) now(rule.local, "math", own.sent[i], () => this.filled(own.local[i]));
      now(rule.local, "value", own.sent[i], () => this.slope(own.sent[i], own.gradient));
    });
  }

  // The derivative itself: what is sent back for a gradient of 1.
  slope(sent, gradient) {
    const [{ data: [part] }, { data: [whole] }] = [this.read(sent), this.read(gradient)];
    return whole ? general(part / whole) : "?";
  }

  // A formula with the numbers of values in it; negative ones in brackets, where none are around them.
  filled(markup) {
    return markup.replace(/<mn>@(\d+)@<\/mn>/g, (whole, place, at) => {
      const text = general(this.program.read(Number(place)).data[0]).replace("-", "−");
      const bare = !text.startsWith("−") || (/[([]<\/mo>$/.test(markup.slice(0, at)) && /^<mo[^>]*>[)\]]/.test(markup.slice(at + whole.length)));
      return bare ? `<mn>${text}</mn>` : `<mrow><mo>(</mo><mn>${text}</mn><mo>)</mo></mrow>`;
    });
  }

  // ---- changes

  // Whether the numbers are other ones than in the recorded run: edited, or those that a training has come to.
  get isChanged() {
    return this.why === null && (this.edited.size > 0 || this.moved);
  }

  inputOf(step) {
    return this.why === null ? this.own.get(step.id).input : null;
  }

  // Change an input by a function of its numbers, and compute; what the program cannot compute is taken back.
  change(input, edit) {
    const { numbers, recorded, dtype } = this.inputs[input];
    this.nudged = null;
    const before = numbers.slice();
    const after = numbers.slice();
    edit(after);
    this.program.set(input, after.map((x) => fitting(x, dtype)));
    const possible = this.program.run();
    this.trouble = possible ? null : `Taken back: ${this.program.trouble}.`;
    if (!possible) {
      this.program.set(input, before);
      this.program.run();
    }
    if (numbers.every((x, i) => Object.is(x, recorded[i]))) this.edited.delete(input);
    else this.edited.add(input);
    this.tell();
    this.onchange();
    return possible;
  }

  // Other numbers for several inputs, by which edits are told from now on: those that a training has come to.
  take(news, anew = true) {
    for (const [input, numbers] of news) {
      this.program.set(input, numbers);
      this.inputs[input].recorded = this.inputs[input].numbers.slice();
      this.edited.delete(input);
    }
    this.moved = true;
    this.nudged = null;
    this.trouble = this.program.run() ? null : `The numbers of the training stay, but what follows cannot be computed: ${this.program.trouble}.`;
    this.tell();
    this.onchange(anew);
  }

  // Move one element by a hair, and back: how the result moves, and what the gradient says that it does; or why it cannot be computed.
  nudge(step, input, at, hair) {
    const { numbers } = this.inputs[input];
    const before = numbers[at];
    const singles = () => new Map([...this.own].map(([id, { value }]) => [id, value !== null && !Array.isArray(value) ? this.read(value).data[0] : NaN]));
    const [from, was] = [this.result(), singles()];
    const slope = this.read(this.own.get(step.id).gradient).data[at];
    this.program.setElement(input, at, before + hair);
    const by = numbers[at] - before; // what float32 makes of it
    const trouble = this.program.run() ? null : this.program.trouble;
    const moved = this.result() - from;
    const now = singles();
    this.program.setElement(input, at, before);
    this.program.run();
    this.nudged = null;
    if (trouble !== null) return { trouble };
    this.nudged = { step, by, moves: new Map([...now].map(([id, x]) => [id, x - was.get(id)])) };
    return { by, moved, predicted: slope * by };
  }

  // What is differentiated: the results, each element times the gradient that the backward pass begins with.
  result() {
    let sum = 0;
    for (const [value, gradient] of this.results) {
      const start = this.read(gradient).data;
      this.read(value).data.forEach((x, i) => { sum += x * start[i]; });
    }
    return sum;
  }

  // Of an op of single numbers: how its result moved at the last nudge, and what its local derivatives say of how its inputs did.
  tick(step) {
    const own = this.own?.get(step.id);
    if (!this.nudged || !step.rules.length || !step.rules.every((rule) => rule.local)) return null;
    const gradient = this.read(own.gradient).data[0];
    const terms = step.rules.map((rule, i) => (this.read(own.sent[i]).data[0] / gradient) * this.nudged.moves.get(rule.to));
    return { of: this.nudged.step.label, by: this.nudged.by, moved: this.nudged.moves.get(step.id), terms, said: terms.reduce((sum, x) => sum + x, 0) };
  }

  // All inputs, or one, as they were recorded.
  reset(inputs = [...this.edited]) {
    for (const input of inputs) {
      this.program.set(input, this.inputs[input].recorded);
      this.edited.delete(input);
    }
    this.trouble = this.nudged = null;
    this.program.run();
    this.tell();
    this.onchange(true);
  }

  // What can be done, and what has been.
  tell() {
    if (this.why !== null) {
      this.section.replaceChildren(...(this.why ? [el("h2", {}, "Not live"), el("p", { class: "quiet" }, this.why)] : []));
      return;
    }
    const names = [...this.edited].map((input) => this.inputs[input].name).join(", ");
    const fixed = [...new Set(Object.values(this.program.description.fixed))];
    this.section.replaceChildren(el("h2", {}, "Live"),
      el("p", { class: "quiet" }, names ? `Changed: ${names}. All that follows is computed again.` : "Choose a leaf or data, and change its numbers: all that follows is computed again, gradients too."),
      this.trouble ? el("p", { class: "trouble" }, this.trouble) : "",
      fixed.length ? el("p", { class: "quiet" }, `Some values stay as they were recorded: ${fixed.join("; ")}.`) : "",
      names ? el("button", { id: "reset", onclick: () => this.reset() }, "Reset") : "");
  }

  // The labels of the graph as they are now; nodes that were changed, and those that something follows in.
  relabel(graph) {
    if (this.why !== null) return;
    const follows = this.follows();
    for (const node of graph.nodes.values()) {
      const lines = graph.label(node).split("\n");
      const texts = [...node.element.querySelectorAll("text")];
      if (texts.length === lines.length) texts.forEach((text, i) => { if (text.textContent !== lines[i]) text.textContent = lines[i]; });
      node.element.classList.toggle("edited", node.members.some((step) => this.edited.has(this.inputOf(step))));
      node.element.classList.toggle("follows", node.members.some((step) => follows.has(step.id)));
      node.element.classList.toggle("stuck", this.isChanged && node.members.some((step) => this.stuckStep(step)));
    }
  }

  // The steps whose values follow from what was changed.
  follows() {
    const changed = new Set(this.steps.filter((step) => this.edited.has(this.inputOf(step))).map(({ id }) => id));
    const found = new Set();
    for (const { id, inputs } of this.steps) {
      if (!inputs.some(([source]) => changed.has(source))) continue;
      changed.add(id);
      found.add(id);
    }
    return found;
  }

  stuckStep(step) {
    const own = this.why === null ? this.own.get(step.id) : null;
    return own === null ? undefined : this.stuck([own.value, own.gradient].flat());
  }
}

// A number as its dtype holds it.
function fitting(x, dtype) {
  if (dtype === "bool") return x ? 1 : 0;
  if (dtype.startsWith("float")) return x;
  const bits = Math.min(Number(dtype.match(/\d+/)[0]), 53);
  const [low, high] = dtype.startsWith("u") ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  return Math.max(low, Math.min(high, Math.round(x)));
}
