// The panel of a training: its switches, the curve of the loss, what the network says, its weights; and the graph follows.

class TrainingPanel {
  constructor(page) {
    Object.assign(this, { page, lesson: page.data.training, playing: false, sent: 0, looked: 0, glanced: 0, slow: 0, taking: false, given: new Map() });
    const { lesson } = this;
    for (const state of lesson.state) if (state.live !== null && state.data === null) state.data = page.live.inputs[state.live].recorded;
    this.rates = new Map(lesson.choices.map(({ optimizer, rate }) => [optimizer, rate]));
    this.curve = new LossCurve();
    this.maps = new WeightMaps(lesson, (name) => this.reveal(name));
    this.boundary = lesson.boundary ? new (lesson.boundary.high ? Boundary : Fit)(lesson) : null;
    this.told = el("p", { id: "train-told", role: "status" });
    const inside = el("div", { class: "figures" }, this.curve.element, this.boundary?.element, this.maps.element);
    this.element = el("section", { id: "training", "aria-label": "Training" }, this.controls(), el("div", { class: "row" }, this.told, this.fold(inside)), inside);
    page.app.classList.add("trains");
    page.stage.after(this.element);
    page.player.isOpen = true; // a training shows gradients before they are played
    page.graph.direction = null;
    page.redraw(); // the window of the graph has another shape now
    this.driver = trainingDriver(lesson, (report) => this.hear(report));
    this.send("show");
    page.listen("change", () => this.follow());
    document.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() === "t" && isOurs(event) && this.element.checkVisibility()) this.play.click();
    });
  }

  // ---- switches

  controls() {
    const { choices } = this.lesson;
    this.play = el("button", { id: "train", onclick: () => this.toggle(!this.playing) }, "Train");
    const one = el("button", { id: "train-step", onclick: () => { this.toggle(false); this.send("step"); } }, "One step");
    const reset = el("button", { id: "train-reset", onclick: () => this.send("reset") }, "Reset");
    const chosen = (label, id, key) => {
      const all = [...new Set(choices.map((choice) => choice[key]))];
      if (all.length === 1) return [all[0], el("span", { class: "one" }, `${label} ${all[0]}`)];
      const select = el("select", { id, onchange: () => this.choose() }, ...all.map((name) => el("option", { value: name }, String(name))));
      return [select, el("label", {}, `${label} `, select)];
    };
    const [optimizer, optimizerLabel] = chosen(choices.length > 1 ? "Optimizer" : "", "train-optimizer", "optimizer");
    const [batch, batchLabel] = chosen("Batch", "train-batch", "batch");
    if (!batch.value) batchLabel.append(` of ${this.lesson.count}`);
    batchLabel.title = `of ${this.lesson.count} examples; a program has fixed shapes, so there are those sizes that were recorded`;
    const now = (choice) => String(choice.value ?? choice);
    this.choice = () => choices.findIndex((choice) => choice.optimizer === now(optimizer) && String(choice.batch) === now(batch));
    this.rate = this.rateField();
    return el("div", { class: "row" }, this.play, one, reset, this.rate, optimizerLabel, batchLabel);
  }

  // The panel without its figures leaves the graph more room.
  fold(inside) {
    const button = el("button", { id: "train-fold", "aria-expanded": "true", onclick: () => {
      inside.hidden = !inside.hidden;
      button.setAttribute("aria-expanded", !inside.hidden);
      button.textContent = inside.hidden ? "▸ Show" : "▾ Hide";
    } }, "▾ Hide");
    return button;
  }

  // A slider of powers of ten, and the number.
  rateField() {
    const { rate } = this.lesson.choices[0];
    const field = el("input", { id: "train-rate", type: "number", min: 0, step: "any", "aria-label": "Learning rate" });
    const slider = el("input", { type: "range", min: -5, max: 1, step: 0.05, "aria-label": "Learning rate, slider" });
    const set = (value, from) => {
      this.rates.set(this.lesson.choices[this.choice()].optimizer, value);
      if (from !== field) field.value = Number(value.toPrecision(2));
      if (from !== slider) slider.value = Math.log10(value);
      if (from) this.send("rate", Number(field.value));
    };
    field.addEventListener("input", () => { if (field.value !== "" && Number(field.value) >= 0) set(Number(field.value), field); });
    slider.addEventListener("input", () => set(10 ** slider.value, slider));
    field.value = rate;
    slider.value = Math.log10(rate);
    this.showRate = (value) => set(value, null);
    return el("label", { class: "rate" }, "Learning rate ", slider, field);
  }

  choose() {
    const index = this.choice();
    const rate = this.rates.get(this.lesson.choices[index].optimizer);
    this.showRate(rate);
    this.send("choose", index);
    this.send("rate", rate);
  }

  // Messages have numbers, and reports that of the last one: what was reported before it came says nothing of it.
  send(what, argument) {
    this.sent += 1;
    this.driver(what, argument, this.sent);
  }

  toggle(on) {
    if (on === this.playing) return;
    this.slow = 0;
    this.send(on ? "play" : "pause");
    this.mark(on);
  }

  mark(playing) {
    this.playing = playing;
    this.play.textContent = playing ? "Pause" : "Train";
    this.element.toggleAttribute("data-playing", playing);
  }

  // ---- what the training tells

  hear(report) {
    if (report.heard === this.sent) this.mark(report.playing);
    if (report.after === "reset") this.curve.clear();
    this.curve.add(report.losses);
    this.curve.draw();
    this.maps.show(report.weights);
    if (report.boundary) this.boundary?.show(report.boundary);
    this.boundary?.element.classList.toggle("unknown", !report.boundary);
    if (report.losses.length) this.loss = report.losses.at(-1);
    if (report.after === "reset") this.loss = undefined;
    this.tell(report);
    this.last = report;
    if (report.playing) {
      this.look();
      this.glance(report);
      return;
    }
    // The graph has what was changed by hand; it misses what else was reported while that was on its way.
    this.behind ||= !["show", "give", "rate"].includes(report.after);
    if (this.behind && report.heard === this.sent) this.show(report);
  }

  // Ask for what is new, when it can be seen: 30 times a second are enough for the eye.
  look() {
    requestAnimationFrame((time) => {
      if (time - this.looked < 30) return this.look();
      this.looked = time;
      return this.driver("look");
    });
  }

  tell({ count, epoch, trouble, unknown, right, playing }) {
    const facts = [`step ${count.toLocaleString("en")}`, this.lesson.choices[this.choice()].batch < this.lesson.count ? `epoch ${epoch + 1}` : null,
      this.loss === undefined ? null : `loss ${general(this.loss, 3)}`, right ? `${(100 * this.share(right)).toFixed(1)} % right` : null];
    const draws = this.lesson.choices[this.choice()].draws ? "Random draws, as a dropout's, are the same in each step. " : "";
    this.told.setAttribute("aria-live", playing ? "off" : "polite");
    this.told.replaceChildren(el("b", {}, facts.filter(Boolean).join(" · ")), trouble ? el("span", { class: "trouble" }, ` Stopped: ${trouble}`)
      : unknown ? el("span", { class: "trouble" }, ` What the network says is not known: ${unknown}`)
      : el("span", { class: "quiet" }, playing ? "" : count ? this.graphSays() : ` ${draws}Press Train, and change what you like while it runs.`));
  }

  // What of the training the graph shows: it is one of the first size of a batch.
  graphSays() {
    const { lesson, page: { live } } = this;
    if (live.why !== null) return "";
    const [now, room] = [lesson.choices[this.choice()].batch, lesson.choices[0].batch];
    if (now < room) return " The graph shows these weights, on the batch that it began with.";
    return ` The graph shows these weights, on the next batch${now > room ? ` (its first ${room})` : ""}.`;
  }

  // The share of examples whose class has the largest score.
  share(scores) {
    const { outputs } = this.lesson.right;
    this.labels ??= TrainingEngine.unpacked(this.lesson.data[1].dtype, this.lesson.data[1].shape, this.lesson.data[1].data);
    const count = scores.length / outputs;
    let found = 0;
    for (let i = 0; i < count; i += 1) {
      let best = 0;
      for (let k = 1; k < outputs; k += 1) if (scores[i * outputs + k] > scores[i * outputs + best]) best = k;
      found += best === this.labels[i];
    }
    return found / count;
  }

  // ---- the graph

  // While it plays the graph follows twice a second, as long as that is done within a frame.
  glance(report) {
    const from = performance.now();
    if (report.heard !== this.sent || from - this.glanced < 500 || this.slow > 2) return;
    this.show(report, false);
    this.glanced = performance.now();
    this.slow = this.glanced - from > 12 ? this.slow + 1 : 0;
  }

  // The graph computes with the weights as they are, and the batch that comes next.
  show({ weights, batch }, anew = true) {
    const { live } = this.page;
    if (live.why !== null) return;
    const news = new Map();
    for (const { name, live: input } of this.lesson.state) if (input !== null) news.set(input, weights.get(name));
    this.lesson.batch.forEach((input, i) => {
      const room = input === null ? Infinity : live.inputs[input].numbers.length; // the graph is one of the first size of a batch
      if (batch[i].length >= room) news.set(input, batch[i].subarray(0, room));
    });
    this.given = new Map([...weights].map(([name, numbers]) => [name, numbers.slice()]));
    this.taking = true;
    this.behind = false;
    live.take(news, anew);
    this.taking = false;
  }

  // A weight that was changed by hand is where the training goes on.
  follow() {
    if (this.taking) return;
    const news = new Map();
    for (const { name, live: input, data } of this.lesson.state) {
      if (input === null) continue;
      const { numbers } = this.page.live.inputs[input];
      const before = this.given.get(name) ?? data;
      const changed = [...numbers.keys()].filter((at) => !Object.is(numbers[at], before[at]));
      if (!changed.length) continue;
      news.set(name, changed.map((at) => [at, numbers[at]]));
      this.given.set(name, numbers.slice());
    }
    if (news.size) this.send("give", news);
  }

  reveal(name) {
    const { live } = this.lesson.state.find((state) => state.name === name);
    const step = this.page.data.steps.find((one) => this.page.live.inputOf(one) === live);
    if (step) this.page.select(step.id);
  }
}

FEATURES.push((page) => {
  if (page.data.training) page.training = minigrad.training = new TrainingPanel(page); // for those who open the console
});
