// A training without a page: it runs in a worker, or in slices on the page's own thread.  What it tells are plain messages.

class TrainingEngine {
  // `lesson` is what training.py wrote; `tell` is called with what has happened, `later` with what goes on after a pause.
  constructor(lesson, tell, later) {
    Object.assign(this, { lesson, tell, later, playing: false, awaited: false, trouble: null, last: 0 });
    this.arrays = lesson.data.map(({ dtype, shape, data }) => TrainingEngine.unpacked(dtype, shape, data));
    this.beginning = new Map(lesson.state.map(({ name, shape, dtype, data }) => [name, TrainingEngine.unpacked(dtype, shape, data)]));
    this.watching = ["boundary", "right"].filter((name) => lesson[name]).map((name) => [name, lesson[name], new minigrad.Program(lesson[name].program)]);
    this.watching.find(([name]) => name === "right")?.[2].set(0, this.arrays[0].subarray(0, lesson.right.size)); // the page has them once
    Object.assign(this, { count: 0, losses: [] }); // all steps; `at` are those since the order of examples began
    this.choose(0);
  }

  static unpacked(dtype, shape, data) {
    if (ArrayBuffer.isView(data)) return data.slice();
    if (typeof data === "string") return minigrad.decoded(dtype, data);
    return new minigrad.ARRAYS[dtype](shape.reduce((n, m) => n * m, 1)).fill(data);
  }

  // Some examples of an array, one after the other.
  static rows(from, rows, width, to) {
    rows.forEach((row, k) => to.set(from.subarray(row * width, (row + 1) * width), k * width));
    return to;
  }

  // The batch that the graph begins with, for the inputs of its program: the page has the data once.
  static firstBatch({ data, batch, count, choices: [{ batch: size }], seed }) {
    const rows = new BatchOrder(count, size, seed).rows(0);
    return batch.flatMap((input, i) => {
      if (input === null) return [];
      const from = TrainingEngine.unpacked(data[i].dtype, data[i].shape, data[i].data);
      const width = from.length / count;
      return [[input, TrainingEngine.rows(from, rows, width, new from.constructor(width * size))]];
    });
  }

  // The program of an optimizer and a size of a batch: the weights stay, the optimizer's memory begins anew.
  choose(index) {
    const weights = this.program ? this.weights() : this.beginning;
    this.choice = this.lesson.choices[index];
    this.program = new minigrad.Program(this.choice.program);
    this.order = new BatchOrder(this.lesson.count, this.choice.batch, this.lesson.seed);
    this.batch = this.arrays.map((x) => new x.constructor((x.length / this.lesson.count) * this.choice.batch));
    this.give(weights);
    this.at = 0;
    this.setRate(this.choice.rate);
    this.load();
  }

  setRate(rate) {
    this.rate = rate;
    const { rates, rate: written, program } = this.choice;
    for (const number of rates) this.program.setNumber(number, written ? (program.numbers[number].value / written) * rate : rate);
  }

  // The numbers of what is trained now, by name.
  weights() {
    const found = new Map();
    this.choice.program.inputs.forEach(({ shared, buffer }) => { if (shared) found.set(shared, this.program.buffers[buffer]); });
    for (const [name, numbers] of this.beginning) if (!found.has(name)) found.set(name, numbers); // a program may not read all
    return found;
  }

  give(weights, program = this.program) {
    program.description.inputs.forEach(({ shared }, i) => { if (weights.has(shared)) program.set(i, weights.get(shared)); });
  }

  // Only those that were changed: all others have moved on since the page last saw them.
  change(elements) {
    this.program.description.inputs.forEach(({ shared }, i) => { for (const [at, x] of elements.get(shared) ?? []) this.program.setElement(i, at, x); });
    this.trouble = null; // it may have come from the numbers that are others now
  }

  reset() {
    const { rate } = this;
    Object.assign(this, { playing: false, trouble: null, count: 0, losses: [], program: null });
    this.choose(this.lesson.choices.indexOf(this.choice));
    this.setRate(rate);
  }

  // The batch of the next step.
  load() {
    const { count } = this.lesson;
    const rows = this.order.rows(this.at);
    this.arrays.forEach((from, i) => {
      if (this.order.isAll) this.batch[i].set(from);
      else TrainingEngine.rows(from, rows, from.length / count, this.batch[i]);
      this.program.set(i, this.batch[i]);
    });
  }

  step() {
    const { program } = this;
    if (!program.run()) return this.stop(program.trouble);
    const loss = program.read(this.choice.loss).data[0];
    this.losses.push(loss);
    if (!Number.isFinite(loss)) return this.stop(`the loss is ${Number.isNaN(loss) ? "NaN" : "infinite"}: take a smaller learning rate, and Reset`);
    if (!program.advance()) return this.stop(program.trouble);
    this.count += 1;
    this.at += 1;
    if (!this.order.isAll) this.load();
    return true;
  }

  stop(trouble) {
    this.trouble = trouble;
    this.playing = false;
    return false;
  }

  // Steps for some milliseconds, then a chance for messages, and so on; what is to be seen is told when it was asked for.
  play() {
    if (!this.playing) return;
    const until = performance.now() + 8;
    while (this.playing && performance.now() < until) this.step();
    if (this.awaited || !this.playing) this.report("play");
    if (this.playing) this.later(() => this.play());
  }

  report(after) {
    const weights = this.weights();
    const seen = { unknown: null }; // why it cannot be said
    for (const [name, { value }, program] of this.watching) {
      this.give(weights, program);
      if (program.run()) seen[name] = program.read(value).data.slice();
      else seen.unknown = program.trouble;
    }
    this.awaited = false;
    this.tell({
      after, heard: this.heard, count: this.count, epoch: Math.floor(this.at / this.order.steps), playing: this.playing, trouble: this.trouble,
      losses: this.losses, weights: new Map([...weights].map(([name, numbers]) => [name, numbers.slice()])), ...seen,
      batch: this.batch.map((numbers) => numbers.slice()),
    });
    this.losses = [];
  }

  // A message of the page: what, with what, and its number.
  hear([what, argument, number]) {
    this.heard = number ?? this.heard;
    if (what === "look") this.awaited = true; // while it plays, the loop answers
    else if (what === "play" && this.trouble === null) {
      if (this.playing) return;
      this.playing = this.awaited = true;
      this.play(); // it reports
      return;
    } else if (what === "pause") this.playing = false;
    else if (what === "step" && this.trouble === null) this.step();
    else if (what === "rate") this.setRate(argument);
    else if (what === "choose") this.choose(argument);
    else if (what === "give") this.change(argument);
    else if (what === "reset") this.reset();
    if (!this.playing && what !== "look") this.report(what);
  }
}
