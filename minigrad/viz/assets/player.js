// Forwards through the computation, then backwards through the chain rule.

class Player {
  constructor(data, graph, onstep) {
    this.graph = graph;
    this.onstep = onstep;
    this.carrier = new Carrier(graph);
    this.all = [
      ...data.steps.map((step) => ({ phase: "forward", step })),
      ...data.backward.map((id) => ({ phase: "backward", step: graph.byId.get(id) })),
    ];
    this.seen = new Map(this.all.map((event, i) => [`${event.phase} ${event.step.id}`, i]));
    this.events = this.all.map((event, i) => ({ ...event, steps: [event.step], end: i }));
    this.at = -1; // -1: nothing is played, all values are shown
    this.timer = null;
    this.limit = null; // the last of all events that may be shown, while a quiz asks about the next
    this.isOpen = false; // whether gradients are shown before anything is played
    // Who sends the gradients that arrive, in their order.
    this.senders = new Map(data.steps.map((step) => [step.id, []]));
    for (const id of data.backward) for (const rule of graph.byId.get(id).rules) this.senders.get(rule.to).push({ from: id, rule });
    for (const step of data.steps) if (step.arrives.length > this.senders.get(step.id).length) this.senders.get(step.id).unshift(null); // the start
  }

  // What happens in a closed module is one event, after all that it is given; its parameters are none.  Called when something
  // was closed or opened.
  regroup() {
    const end = this.at < 0 ? -1 : this.events[this.at].end;
    const events = [];
    this.all.forEach(({ phase, step }, i) => {
      const node = this.graph.nodeOf.get(step.id);
      const { shut, within } = this.graph.folding.standIn(step);
      if (node.shut && (!step.op || !shut)) {
        if (events.length) events.at(-1).end = i;
        return;
      }
      const before = events.findLastIndex((event) => event.within || event.phase !== phase || (event.step.op && !event.step.fixed));
      const goesOn = shut && events[before]?.within === within && events[before].phase === phase;
      const [begun] = goesOn ? events.splice(before, 1) : [{ phase, within, node, steps: [] }];
      const steps = [...begun.steps, step];
      events.push({ ...begun, steps, step: shut && phase === "forward" ? step : steps[0], end: i }); // what others see of a module
    });
    this.events = events;
    this.firsts = new Map(); // when something of a closed module is known
    for (const { phase, node, end: last } of [...events].reverse()) if (node.shut) this.firsts.set(`${phase} ${node.key}`, last);
    this.at = end < 0 ? -1 : Math.max(0, events.findLastIndex((event) => event.end <= end));
  }

  go(at) {
    this.at = this.allowed(Math.max(-1, Math.min(this.events.length - 1, at)));
    if (this.at === this.events.length - 1 || this.at < at) this.pause();
    this.show(true);
  }

  // Under a limit not behind it, and not where all is seen.
  allowed(at) {
    if (this.limit === null) return at;
    return Math.max(0, Math.min(at, this.events.findLastIndex((event) => event.end <= this.limit)));
  }

  play() {
    if (this.at === this.events.length - 1) this.at = -1;
    this.timer = setInterval(() => this.go(this.at + 1), Number(this.speed ?? 1200));
    this.go(this.at + 1);
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
  }

  reached(phase, step) {
    return this.at >= 0 && (this.seen.get(`${phase} ${step.id}`) ?? Infinity) <= this.events[this.at].end;
  }

  isKnown(phase, node) {
    if (!node.shut) return node.members.some((step) => this.reached(phase, step));
    return this.at >= 0 && (this.firsts.get(`${phase} ${node.key}`) ?? Infinity) <= this.events[this.at].end;
  }

  // The camera follows where the player has moved.
  show(moved = false) {
    const { graph, at } = this;
    graph.clear("forward", "backward", "unseen-value", "unseen-gradient");
    this.carrier.clear();
    for (const node of graph.nodes.values()) { // before it is played, values are there, and no gradients
      if (at >= 0 && !this.isKnown("forward", node)) node.element.classList.add("unseen-value");
      if (!this.isKnown("backward", node) && !(at < 0 && this.isOpen)) node.element.classList.add("unseen-gradient");
    }
    this.onstep(at < 0 ? null : this.events[at]);
    if (at >= 0) this.point(this.events[at], moved);
  }

  // Mark what an event is about, and let its loads flow.
  point({ phase, step, steps }, moved) {
    const { graph } = this;
    const node = graph.nodeOf.get(step.id);
    node.element.classList.add(phase);
    const loads = steps.flatMap((inner) => (phase === "forward" ? this.read(inner) : this.arrive(inner)));
    const edges = [...new Map(loads.filter(({ edge }) => edge).map((load) => [load.edge, load])).values()];
    edges.forEach(({ edge }) => edge.element?.classList.add(phase));
    const others = edges.map(({ edge }) => (edge.from === node ? edge.to : edge.from).element);
    if (moved) graph.camera.follow([node.element, ...others]);
    if (moved) this.carrier.carry(edges, phase, node.element, this.sum());
  }

  // The gradients that meet where the player is; null where none do.
  sum() {
    const { phase, step } = this.events[this.at];
    const { arrives } = step;
    if (phase === "forward" || arrives.length < 2 || this.graph.nodeOf.get(step.id).shut) return null;
    if (arrives.some((text) => text.length >= 12)) return `the sum of ${arrives.length} gradients`;
    return `${added(arrives)} = ${step.shortGradient.replace("gradient ", "")}`;
  }

  // Numbers were changed: the sum that stands at a node is another one.
  resum() {
    if (!this.carrier.layer) return;
    const { phase, step } = this.events[this.at];
    this.carrier.carry([], phase, this.graph.nodeOf.get(step.id).element, this.sum());
  }

  read(step) {
    return step.inputs.map(([source]) => ({ edge: this.graph.edgeBetween(source, step.id), text: this.graph.byId.get(source).shape?.length ? "" : this.graph.byId.get(source).short }));
  }

  arrive(step) {
    return this.senders.get(step.id).map((sender, i) => (sender ? { edge: this.graph.edgeBetween(step.id, sender.from), text: step.arrives[i] } : {}));
  }

  // What happens, in words, formulas and numbers.
  tell() {
    if (this.at < 0) {
      const goesBack = this.all.some(({ phase }) => phase === "backward"); // not of a computation that failed
      return [el("p", {}, `${this.events.length} steps: press Play, or → to go through them one by one.`),
        el("p", { class: "quiet" }, `${goesBack ? "First the values are computed, in blue; then the gradients come back, in orange." : "The values are computed, in blue."} A click on a node tells about it.`)];
    }
    const event = this.events[this.at];
    const { phase, step } = event;
    const head = `${this.at + 1} of ${this.events.length}, ${phase}: `;
    if (event.within) return this.tellClosed(event, head);
    if (phase === "forward") {
      if (!step.op) return [`${head}${step.label} is given: `, part("result", step.value?.text ?? step.short)];
      const filled = step.formula?.numbers ? [" = ", math(step.formula.numbers)] : [];
      return [`${head}${step.label} = ${step.call} `, ...(step.formula ? [math(step.formula.math), ...filled] : []), " = ", part("result", step.value?.text ?? step.short)];
    }
    const from = this.senders.get(step.id).map((sender) => (sender === null ? "the start" : this.graph.byId.get(sender.from).label));
    const several = step.arrives.length > 1;
    const arrives = several ? `${added(step.arrives.map((text, i) => `${text} (from ${from[i]})`))} = ` : `from ${from[0]} arrives `;
    const sends = step.rules.map((rule) => el("div", { class: "formula", tabindex: 0 }, `to ${rule.label}: `, ...(rule.formula ? [math(rule.formula.math)] : []), ...(rule.formula?.numbers ? [" = ", math(rule.formula.numbers)] : []), " = ", part("sent", rule.sent)));
    return [`${head}gradient of ${step.label}: ${arrives}`, part("arrives", step.gradient.text ?? step.arrives.join(", ")), ...sends];
  }

  // A closed module, as a whole.
  tellClosed({ phase, step, steps, node, within }, head) {
    const title = node.shut.how ? this.graph.folding.all.get(within).title : node.shut.title;
    const count = steps.filter((inner) => inner.op).length;
    const how = `${count} op${count === 1 ? "" : "s"} inside, a click opens it.`;
    if (phase === "forward") return [`${head}${title} gives ${step.label}, `, part("result", step.value?.text ?? step.shapes), el("div", { class: "quiet" }, how)];
    const leaves = steps.flatMap((inner) => inner.rules).filter((rule) => this.graph.byId.get(rule.to).kind === "leaf").map((rule) => rule.label);
    const reached = leaves.length ? `On its way it reaches ${leaves.slice(0, 6).join(", ")}${leaves.length > 6 ? " …" : ""}. ` : "";
    return [`${head}the gradient goes back through ${title}: `, part("arrives", step.shortGradient), el("div", { class: "quiet" }, reached, how)];
  }
}

function part(name, text) {
  return el("span", { class: name, "data-part": name }, text);
}
