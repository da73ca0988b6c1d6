// A tick at each rule of the chosen step: one input is moved along a fixed direction, and back; what the result of the step did,
// weighed with the gradient that arrives, stands beside what the rule says.

const CLOSE = 0.02;

class Checks {
  constructor(page) {
    Object.assign(this, { page, live: page.live });
  }

  // A program of its own, so that nothing that is shown moves.
  prepare() {
    this.program ??= new minigrad.Program(this.page.data.live.program);
    this.live.inputs.forEach(({ numbers }, input) => this.program.set(input, numbers));
    return this.program.run();
  }

  // Of each rule { said, moved, isClose, together }; null where it cannot be told.
  of(step) {
    const own = this.live.own.get(step.id);
    const sources = this.sources(step);
    const [out, weights] = [own.value, own.gradient].map(slotsIn);
    const isKnown = (slots) => slots.every((slot) => slot !== null && !this.live.stuck(slot));
    if (out.length !== weights.length || !isKnown([...out, ...weights, ...sources, ...own.sent]) || !this.prepare()) return step.rules.map(() => null);
    const now = { sources, unique: [...new Set(sources)], out, g: weights.map((slot) => this.numbers(slot)), sent: own.sent.map((slot) => this.numbers(slot)) };
    let together; // what is told of all rules at once, where one input cannot be moved alone
    return sources.map((source) => this.alone(source, now) ?? (together === undefined ? (together = this.together(now)) : together));
  }

  // Where the value lies that each rule sends to: of a step with several outputs the one that was read.
  sources(step) {
    const seen = new Map();
    return step.rules.map(({ to }) => {
      const { value } = this.live.own.get(to);
      if (!Array.isArray(value)) return value;
      const reads = Object.values(step.given).filter((argument) => argument.from === to);
      const turn = seen.get(to) ?? 0;
      seen.set(to, turn + 1);
      return value[reads[turn]?.output ?? 0] ?? null;
    });
  }

  numbers(slot) {
    return Float64Array.from(this.program.read(slot).data);
  }

  // One value is moved where it lies, and what reads it is computed again; null where something else computes that value anew.
  alone(slot, now) {
    const [buffer, shape, strides, offset] = this.program.description.values[slot];
    const places = placesOf(shape, strides, offset);
    const [dtype] = this.program.description.buffers[buffer];
    if (new Set(places).size !== places.length || !dtype.startsWith("float")) return null;
    const array = this.program.buffers[buffer];
    const before = array.slice();
    const compute = () => {
      this.program.changed = new Set([buffer]);
      return this.program.run();
    };
    const move = (by, ways) => {
      places.forEach((place, i) => { array[place] = before[place] + by * ways[i]; });
      const moved = array.slice();
      return compute() && array.every((x, i) => Object.is(x, moved[i]));
    };
    const found = this.compare(places.map((place) => before[place]), dtype, move, now);
    array.set(before);
    compute();
    return found && (found.moved !== 0 || found.said === 0) ? found : null; // computed in one go with what reads it: not moved
  }

  // All leaves are moved, and with them all that the step reads.
  together(now) {
    const inputs = this.page.data.steps.filter(({ kind }) => kind === "leaf").map((leaf) => this.live.inputOf(leaf)).filter((input) => input !== null);
    const before = inputs.map((input) => this.live.inputs[input].numbers);
    const starts = before.map((_, k) => before.slice(0, k).reduce((n, { length }) => n + length, 0));
    const move = (by, ways) => {
      inputs.forEach((input, k) => this.program.set(input, before[k].map((x, i) => x + by * ways[starts[k] + i])));
      return this.program.run();
    };
    const dtype = inputs.some((input) => this.live.inputs[input].dtype === "float32") ? "float32" : "float64";
    const found = this.compare(before.flatMap((numbers) => Array.from(numbers)), dtype, move, now);
    this.prepare();
    return found;
  }

  // By central differences: first along any direction, then, where that crosses a kink, with zeros staying zeros.
  compare(numbers, dtype, move, now) {
    const isSingle = dtype === "float32";
    const any = fixedDirection(numbers.length);
    let found = null;
    for (const [size, ways] of [[isSingle ? 4e-3 : 1e-5, any], [isSingle ? 1e-3 : 1e-7, any.map((way, i) => way * Math.min(1, Math.abs(numbers[i])))]]) {
      const by = size * scaleOf(numbers);
      const [above, below] = [by, -by].map((step) => (move(step, ways) ? this.look(now) : null));
      if (!above || !below) return found;
      found = compared(above, below, by, now, isSingle ? 6e-8 : 1e-16);
      if (found.isClose) break;
    }
    return found;
  }

  look({ unique, out }) {
    return { read: new Map(unique.map((slot) => [slot, this.numbers(slot)])), out: out.map((slot) => this.numbers(slot)) };
  }

  // Beside the rules of the details.
  fill() {
    for (const place of this.page.panel.querySelectorAll("[data-check]")) {
      const [id, i] = place.dataset.check.split(" ").map(Number);
      if (this.step !== id) Object.assign(this, { step: id, found: this.of(this.page.graph.byId.get(id)) });
      const told = this.found[i];
      place.replaceChildren();
      if (!told) continue;
      const words = `checked${told.together ? ", all together" : ""}: ${general(told.said)}, by differences ${general(told.moved)} `;
      place.append(words, told.isClose ? el("span", { class: "tick", "aria-label": "they agree" }, "✓") : "(a kink, or too few digits)");
    }
  }
}

// What the result did, weighed with the gradient, and what the rules say of how much it did.
function compared(above, below, by, { sources, unique, sent, g }, digits) {
  const slope = (up, down) => up.map((x, i) => (x - down[i]) / (2 * by));
  const slopes = new Map(unique.map((slot) => [slot, slope(above.read.get(slot), below.read.get(slot))]));
  const said = sources.reduce((sum, slot, i) => sum + product(sent[i], slopes.get(slot)), 0);
  const moved = above.out.reduce((sum, up, k) => sum + product(slope(up, below.out[k]), g[k]), 0);
  const noise = above.out.reduce((sum, up, k) => sum + up.reduce((inner, x, i) => inner + Math.abs(x * g[k][i]), 0), 0) * digits / by;
  const isClose = Math.abs(moved - said) <= CLOSE * Math.max(Math.abs(moved), Math.abs(said)) + 4 * noise;
  return { said, moved, isClose, together: [...slopes.values()].filter((ways) => ways.some((x) => x !== 0)).length > 1 };
}

const slotsIn = (slot) => [slot].flat(Infinity);
const product = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);

// Of some numbers the root mean square, and never too small to move them.
function scaleOf(numbers) {
  const finite = Array.from(numbers).filter(Number.isFinite);
  return Math.max(Math.sqrt(finite.reduce((sum, x) => sum + x * x, 0) / Math.max(finite.length, 1)), 0.01);
}

// The same direction each time: of one number 1, of more numbers between -1 and 1.
function fixedDirection(size) {
  return size === 1 ? [1] : Array.from({ length: size }, (_, i) => ((Math.imul(i + 1, 2654435761) >>> 0) / 2 ** 31) - 1);
}

// Where the elements of a view lie in its buffer.
function placesOf(shape, strides, offset) {
  return shape.reduce((places, length, axis) => places.flatMap((place) => Array.from({ length }, (_, i) => place + i * strides[axis])), [offset]);
}

FEATURES.push((page) => {
  if (page.live.why !== null) return;
  const checks = new Checks(page);
  minigrad.checks = checks; // for those who open the console
  let timer = null;
  const soon = () => {
    clearTimeout(timer);
    checks.step = null;
    timer = setTimeout(() => checks.fill(), 120); // not while a slider moves or the player runs fast
  };
  for (const kind of ["select", "step", "change"]) page.listen(kind, soon);
  soon();
});
