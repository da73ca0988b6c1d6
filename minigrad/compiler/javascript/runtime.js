// A program that a page computes again: `minigrad.Program` keeps its arrays and runs its steps.
//
// A description (javascript/describe.py) tells buffers, constants, inputs, numbers and steps; the functions of the loops are a
// script of their own, which calls `minigrad.define`.  All three run on the main thread or in a worker, and none uses eval.
//
//   const program = new minigrad.Program(description);
//   program.set(0, [1, 2, 3]);           // an input; setElement(0, 1, 2.5) changes one number of it
//   if (program.run()) program.read(4);  // computes what depends on it; {dtype, shape, data} of a value
//   program.advance();                   // the parameters become what the step computed for them: the next step of a training

const minigrad = (globalThis.minigrad = { functions: [], library: {}, trouble: null });

minigrad.ARRAYS = {
  bool: Uint8Array, int8: Int8Array, int16: Int16Array, int32: Int32Array, int64: Float64Array, uint8: Uint8Array,
  uint16: Uint16Array, uint32: Uint32Array, uint64: Float64Array, float32: Float32Array, float64: Float64Array,
};

minigrad.define = (make) => minigrad.functions.push(...make(minigrad.helpers));

// What a page cannot go on with: an index out of range, a whole number that float64 does not hold.
minigrad.Trouble = class extends Error {};

// ------------------------------------------------------------------------------------ numbers

minigrad.helpers = (() => {
  const whole64 = (x, unsigned) => {
    if (x > Number.MAX_SAFE_INTEGER || x < (unsigned ? 0 : Number.MIN_SAFE_INTEGER)) {
      minigrad.trouble = "a whole number of 64 bits is beyond 2^53, where JavaScript's numbers are not exact";
    }
    return x;
  };
  const of64 = (f) => (x, y) => whole64(Number(BigInt.asIntN(64, f(BigInt(x), BigInt(y)))), false);
  const shifting = new DataView(new ArrayBuffer(8));
  const signbit = (x) => x < 0 || Object.is(x, -0);
  const copysign = (x, y) => (signbit(y) ? -Math.abs(x) : Math.abs(x));
  const remainder = (x, y) => {
    const left = x % y;
    if (left === 0) return copysign(left, y);
    return left < 0 !== y < 0 && left === left && y === y ? left + y : left;
  };
  const floor_divide = (x, y) => {
    if (y === 0) return x / y;
    const left = x % y;
    const quotient = (x - left) / y - (left !== 0 && left < 0 !== y < 0 ? 1 : 0);
    if (quotient === 0) return copysign(quotient, x / y);
    const low = Math.floor(quotient);
    return quotient - low > 0.5 ? low + 1 : low;
  };
  return {
    int64: (x) => whole64(x, false),
    uint64: (x) => whole64(x, true),
    bitwise_and64: of64((x, y) => x & y),
    bitwise_or64: of64((x, y) => x | y),
    bitwise_xor64: of64((x, y) => x ^ y),
    left_shift64: (x, n) => (n >= 64 ? 0 : x * 2 ** n),
    right_shift64: (x, n) => Math.floor(x / 2 ** n),
    invert64: (x) => -1 - x,
    left_shift: (x, n) => (n >= 32 ? 0 : x << n),
    right_shift: (x, n) => (x < 0 || x <= 0x7fffffff ? x >> Math.min(n, 31) : n >= 32 ? 0 : x >>> n),
    // From a float: NaN and what is too large is the least number, as on most processors.
    whole: (x, low, high) => {
      const t = Math.trunc(x);
      if (t >= low && t <= high) return t + 0;
      return low === 0 && t - t === 0 ? ((t % (high + 1)) + high + 1) % (high + 1) : low;
    },
    whole_remainder: (x, y) => (y === 0 ? 0 : x - y * Math.floor(x / y)),
    whole_floor_divide: (x, y) => (y === 0 ? 0 : Math.floor(x / y)),
    bits_of: (x) => (shifting.setFloat32(0, x), shifting.getInt32(0)),
    float_of: (x) => (shifting.setInt32(0, x), shifting.getFloat32(0)),
    signbit,
    copysign,
    remainder,
    floor_divide,
    sign: (x) => (x > 0 ? 1 : x < 0 ? -1 : x === 0 ? 0 : x),
    fmax: (x, y) => (x >= y || y !== y ? x : y),
    fmin: (x, y) => (x <= y || y !== y ? x : y),
    rint: (x) => {
      const near = Math.round(x);
      return near - x === 0.5 && near % 2 !== 0 ? near - 1 : near;
    },
    // JavaScript's 1 ** NaN and (-1) ** Infinity are NaN, C's are 1.
    power: (x, y) => (x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y),
    exp2: (x) => 2 ** x,
    expit: (x) => {
      const small = Math.exp(-Math.abs(x));
      return (x >= 0 ? 1 : small) / (1 + small);
    },
    logaddexp: (x, y) => Math.max(x, y) + (x === y ? Math.LN2 : Math.log1p(Math.exp(-Math.abs(x - y)))),
    ldexp: (x, n) => {
      const half = Math.trunc(n / 2);
      return x * 2 ** half * 2 ** (n - half);
    },
  };
})();

// Python's functions of numbers, for learning rates and what follows from them.
minigrad.arithmetic = {
  add: (x, y) => x + y, sub: (x, y) => x - y, mul: (x, y) => x * y, truediv: (x, y) => x / y,
  floordiv: (x, y) => minigrad.helpers.floor_divide(x, y), mod: (x, y) => minigrad.helpers.remainder(x, y), pow: (x, y) => x ** y,
  neg: (x) => -x, pos: (x) => x, abs: Math.abs, ceil: Math.ceil, floor: Math.floor, trunc: Math.trunc, int: Math.trunc,
  index: (x) => x, float: (x) => x, bool: (x) => x !== 0 && x !== false, round: (x) => minigrad.helpers.rint(x),
  eq: (x, y) => x === y, ne: (x, y) => x !== y, lt: (x, y) => x < y, le: (x, y) => x <= y, gt: (x, y) => x > y,
  ge: (x, y) => x >= y,
};

// ------------------------------------------------------------------------------------ arrays

minigrad.decoded = (dtype, text) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new minigrad.ARRAYS[dtype](bytes.buffer);
};

// The elements of a view [buffer, shape, strides, offset], one after the other.
minigrad.dense = (from, shape, strides, offset, to) => {
  const axes = shape.length;
  if (to.length === 0) return to;
  const at = new Array(axes).fill(0);
  const inner = axes ? shape[axes - 1] : 1;
  const step = axes ? strides[axes - 1] : 0;
  let place = offset;
  for (let i = 0; i < to.length; i += inner) {
    for (let k = 0; k < inner; k++) to[i + k] = from[place + k * step];
    for (let a = axes - 2; a >= 0; a--) {
      place += strides[a];
      if (++at[a] < shape[a]) break;
      place -= at[a] * strides[a];
      at[a] = 0;
    }
  }
  return to;
};

const sizeOf = (shape) => shape.reduce((n, length) => n * length, 1);

const isWhole = ([, shape, strides]) => {
  let step = 1;
  for (let a = shape.length - 1; a >= 0; a--) {
    if (shape[a] !== 1 && strides[a] !== step) return false;
    step *= shape[a];
  }
  return true;
};

// ------------------------------------------------------------------------------------ programs

minigrad.Program = class {
  constructor(description) {
    this.description = description;
    this.buffers = description.buffers.map(([dtype, size]) => new minigrad.ARRAYS[dtype](size));
    for (const [buffer, data] of description.constants) this.#fill(buffer, data);
    for (const input of description.inputs) this.#fill(input.buffer, input.data);
    this.numbers = description.numbers.map(({ value }) => (typeof value === "string" ? Number(value) : value)); // JSON has no NaN
    this.steps = description.steps.map((step) => this.#prepared(step));
    this.writers = new Map(); // of each buffer the steps that write it
    this.steps.forEach((step, i) => {
      for (const buffer of step.writes) this.writers.set(buffer, [...(this.writers.get(buffer) ?? []), i]);
    });
    this.plans = new Map();
    this.changed = null; // the buffers that were changed since the last run; null: all of them
    this.trouble = null; // why the values are not those that Python would compute
  }

  #fill(buffer, data) {
    if (typeof data === "string") this.buffers[buffer].set(minigrad.decoded(this.description.buffers[buffer][0], data));
    else if (data !== null) this.buffers[buffer].fill(data);
  }

  #prepared([what, places, numbers, writes, reads, options]) {
    if (typeof what === "number") {
      const given = [];
      for (let i = 0; i < places.length; i += 2) {
        given.push(places[i + 1] ? this.buffers[places[i]].subarray(places[i + 1]) : this.buffers[places[i]]);
      }
      const f = minigrad.functions[what];
      const args = [...given, ...numbers];
      return { run: () => f(...args), reads, writes };
    }
    const f = minigrad.library[what];
    const views = places.map((view) => this.#looking(view));
    const outs = numbers.map((view) => view && this.#looking(view)());
    return { run: () => f(outs, views.map((look) => look()), options), reads, writes };
  }

  // What gives the numbers of a view in one piece: those of its buffer, where they lie so, else a copy.
  #looking(view) {
    const [buffer, shape, strides, offset] = view;
    const [dtype] = this.description.buffers[buffer];
    const size = sizeOf(shape);
    if (isWhole(view)) {
      const found = { dtype, shape, data: this.buffers[buffer].subarray(offset, offset + size) };
      return () => found;
    }
    const found = { dtype, shape, data: new minigrad.ARRAYS[dtype](size) };
    return () => (minigrad.dense(this.buffers[buffer], shape, strides, offset, found.data), found);
  }

  #note(buffer) {
    if (this.changed) this.changed.add(buffer);
  }

  // Give an input other numbers, as many as it has.
  set(input, numbers) {
    const { buffer } = this.description.inputs[input];
    if (numbers.length !== this.buffers[buffer].length) {
      throw new RangeError(`input ${input} has ${this.buffers[buffer].length} numbers, got ${numbers.length}`);
    }
    this.buffers[buffer].set(numbers);
    this.#note(buffer);
  }

  setElement(input, place, number) {
    const { buffer } = this.description.inputs[input];
    this.buffers[buffer][place] = number;
    this.#note(buffer);
  }

  // Give a number, a learning rate say, another value.
  setNumber(number, value) {
    this.numbers[number] = value;
  }

  // Compute all that depends on what was changed, or all steps from one on; false where `trouble` says what is wrong.
  run(from = null) {
    minigrad.trouble = this.trouble = null;
    this.#evaluate();
    const steps = from === null ? this.#plan() : this.steps.slice(from);
    try {
      for (const step of steps) step.run();
      if (from === null) this.changed ??= new Set();
      this.changed?.clear();
      this.trouble = minigrad.trouble ?? this.#doubt();
    } catch (error) {
      if (!(error instanceof minigrad.Trouble)) throw error;
      this.changed = null;
      this.trouble = error.message;
    }
    return this.trouble === null;
  }

  // Numbers that follow from others, and the places where loops read them.
  #evaluate() {
    const valueOf = (a) => (Array.isArray(a) ? this.numbers[a[0]] : Number(a)); // a number, or [the place of one]
    this.description.numbers.forEach(({ function: name, args }, i) => {
      if (name) this.numbers[i] = minigrad.arithmetic[name](...args.map(valueOf));
    });
    for (const [buffer, number] of this.description.read_numbers) {
      const before = this.buffers[buffer][0];
      this.buffers[buffer][0] = this.numbers[number];
      if (!Object.is(before, this.buffers[buffer][0])) this.#note(buffer);
    }
  }

  // The steps that must run again; where one of several that write a buffer must, all of them do.
  #plan() {
    if (this.changed === null) return this.steps;
    const key = [...this.changed].sort((a, b) => a - b).join();
    if (this.plans.has(key)) return this.plans.get(key);
    const forced = new Set();
    let chosen;
    for (let before = -1; before !== forced.size; ) {
      before = forced.size;
      const dirty = new Set(this.changed);
      chosen = this.steps.filter((step, i) => {
        if (!forced.has(i) && !step.reads.some((buffer) => dirty.has(buffer))) return false;
        for (const buffer of step.writes) {
          dirty.add(buffer);
          for (const other of this.writers.get(buffer)) forced.add(other);
        }
        return true;
      });
    }
    if (this.plans.size > 64) this.plans.clear();
    this.plans.set(key, chosen);
    return chosen;
  }

  // What the program relies on, and is not so.
  #doubt() {
    for (const [value, why] of this.description.guards) {
      if (!this.read(value).data[0]) return why ?? "the program was recorded for other values: a decision in it would be another one";
    }
    for (const [number, value] of this.description.decisions) {
      if (this.numbers[number] === value) continue;
      return `the program was recorded for another number: a decision by ${this.#namesOf(number).join(", ")} would be another one`;
    }
    return null;
  }

  // The numbers of the user's that a number follows from.
  #namesOf(number) {
    const { name, args } = this.description.numbers[number];
    return args?.length ? [...new Set(args.filter(Array.isArray).flatMap(([from]) => this.#namesOf(from)))] : [name ?? "a number"];
  }

  // The numbers of a value: {dtype, shape, data}.  They change with the next run.
  read(value) {
    return this.#looking(this.description.values[value])();
  }

  // What the step would change becomes so: new parameters, an optimizer's memory, the count of steps.  False where one of
  // these stays as it was recorded, so that the training cannot go on.
  advance() {
    if (this.description.stuck) {
      this.trouble = `the training cannot go on: ${this.description.stuck}`;
      return false;
    }
    const news = this.description.pairs.map(([input, value]) => {
      const { buffer } = this.description.inputs[input];
      const { data } = this.read(value);
      return [buffer, this.inputs.has(this.description.values[value][0]) ? data.slice() : data];
    });
    for (const [buffer, data] of news) {
      this.buffers[buffer].set(data);
      this.#note(buffer);
    }
    const counts = this.description.number_pairs.map(([number, now]) => [number, this.numbers[now]]);
    for (const [number, value] of counts) this.numbers[number] = value;
    return true;
  }

  get inputs() {
    this.ofInputs ??= new Set(this.description.inputs.map(({ buffer }) => buffer));
    return this.ofInputs;
  }
};
