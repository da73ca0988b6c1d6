// Forwards through the computation, then backwards through the chain rule.

class Player {
  constructor(data, graph, onstep) {
    this.graph = graph;
    this.onstep = onstep;
    this.events = [
      ...data.steps.map((step) => ({ phase: "forward", step })),
      ...data.backward.map((id) => ({ phase: "backward", step: graph.byId.get(id) })),
    ];
    this.seen = new Map(this.events.map((event, i) => [`${event.phase} ${event.step.id}`, i]));
    this.at = -1; // -1: nothing is played, all values are shown
    this.timer = null;
    // Who sends the gradients that arrive, in their order.
    this.senders = new Map(data.steps.map((step) => [step.id, step.output ? [null] : []]));
    for (const id of data.backward) for (const rule of graph.byId.get(id).rules) this.senders.get(rule.to).push({ from: id, rule });
  }

  go(at) {
    this.at = Math.max(-1, Math.min(this.events.length - 1, at));
    if (this.at === this.events.length - 1) this.pause();
    this.show();
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

  show() {
    const { graph, at } = this;
    graph.clear("forward", "backward", "unseen-value", "unseen-gradient");
    for (const node of graph.nodes.values()) { // before it is played, values are there, and no gradients
      const reached = (phase) => node.members.some((step) => (this.seen.get(`${phase} ${step.id}`) ?? Infinity) <= at);
      if (at >= 0 && !reached("forward")) node.element.classList.add("unseen-value");
      if (!reached("backward")) node.element.classList.add("unseen-gradient");
    }
    if (at >= 0) {
      const { phase, step } = this.events[at];
      graph.mark(step.id, phase);
      if (phase === "forward") step.inputs.forEach(([source]) => graph.markEdge(source, step.id, "forward"));
      else this.senders.get(step.id).forEach((sender) => sender && graph.markEdge(step.id, sender.from, "backward"));
    }
    this.onstep(at < 0 ? null : this.events[at]);
  }

  // What happens, in words, formulas and numbers.
  tell() {
    if (this.at < 0) return [`${this.events.length} steps: press play, or → to go through them one by one.`];
    const { phase, step } = this.events[this.at];
    const head = `${this.at + 1} of ${this.events.length}, ${phase}: `;
    const value = (name, text) => el("span", { class: name, "data-part": name }, text);
    if (phase === "forward") {
      if (!step.op) return [`${head}${step.label} is given: `, value("result", step.value?.text ?? step.short)];
      const filled = step.formula?.numbers ? [" = ", math(step.formula.numbers)] : [];
      return [`${head}${step.label} = ${step.call} `, ...(step.formula ? [math(step.formula.math), ...filled] : []), " = ", value("result", step.value?.text ?? step.short)];
    }
    const from = this.senders.get(step.id).map((sender) => (sender === null ? "the start" : this.graph.byId.get(sender.from).label));
    const several = step.arrives.length > 1;
    const arrives = several ? `${step.arrives.map((text, i) => `${text} (from ${from[i]})`).join(" + ")} = ` : `from ${from[0]} arrives `;
    const sends = step.rules.map((rule) => el("div", { class: "formula", tabindex: 0 }, `to ${rule.label}: `, ...(rule.formula ? [math(rule.formula.math)] : []), ...(rule.formula?.numbers ? [" = ", math(rule.formula.numbers)] : []), " = ", value("sent", rule.sent)));
    return [`${head}gradient of ${step.label}: ${arrives}`, value("arrives", step.gradient.text ?? step.arrives.join(", ")), ...sends];
  }
}
