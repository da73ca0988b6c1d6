// Backpropagation as a recursion that does not wait: each gradient goes on by itself as soon as it arrives.  It visits a node once
// for each path from the result, and it is right only where every visit adds.

const WAYS = {
  adds: { title: "adds", line: "node.grad += g", goes: "g", what: "right, but each path is walked by itself" },
  assigns: { title: "assigns", line: "node.grad = g", goes: "g", what: "wrong where gradients meet: the last path overwrites the others" },
  passes: { title: "sends the sum so far", line: "node.grad += g", goes: "node.grad", what: "wrong where gradients meet: what had arrived before is sent again" },
};

class Recursion {
  constructor({ data, live, graph }) {
    Object.assign(this, { live, byId: graph.byId });
    this.order = data.backward; // that of the right way: each step when all of its gradients have arrived
    const sent = new Map(this.order.map((id) => [id, 0]));
    for (const id of this.order) for (const { to } of this.byId.get(id).rules) sent.set(to, sent.get(to) + 1);
    this.starts = this.order.filter((id) => this.byId.get(id).arrives.length > sent.get(id));
    this.counts = new Map(this.order.map((id) => [id, this.starts.includes(id) ? 1n : 0n]));
    for (const id of this.order) for (const { to } of this.byId.get(id).rules) this.counts.set(to, this.counts.get(to) + this.counts.get(id));
    this.total = [...this.counts.values()].reduce((a, b) => a + b, 0n);
  }

  // Of single numbers alone it is told what arrives; of arrays how often.
  get hasNumbers() {
    this.known ??= this.starts.length === 1 && this.order.every((id) => Number.isFinite(this.gradient(id)) && this.byId.get(id).rules.every((_, i) => Number.isFinite(this.local(id, i))));
    return this.known;
  }

  single(slot) {
    const value = slot === null || slot === undefined || Array.isArray(slot) ? null : this.live.read(slot);
    return value && value.data.length === 1 ? value.data[0] : NaN;
  }

  // The right gradient of a step, from the program; of a page that is not live as it is shown.
  gradient(id) {
    return this.live.why === null ? this.single(this.live.own.get(id).gradient) : asNumber(this.byId.get(id).gradient?.text);
  }

  // The derivative of a step by one of its inputs.
  local(id, i) {
    const { local } = this.byId.get(id).rules[i];
    const exact = this.live.why === null ? this.single(this.live.own.get(id).sent[i]) / this.gradient(id) : NaN;
    return Number.isFinite(exact) ? exact : asNumber(local?.value);
  }

  // Visit after visit: { id, from, g, before, after, path }.
  * visits(way) {
    const grads = new Map();
    const start = (id) => ({ id, from: null, g: this.hasNumbers ? this.gradient(id) : NaN, path: [id] });
    const stack = this.starts.toReversed().map(start);
    while (stack.length) {
      const visit = stack.pop();
      const before = grads.get(visit.id) ?? 0;
      const after = way === "assigns" ? visit.g : before + visit.g;
      grads.set(visit.id, after);
      yield { ...visit, before, after };
      const goes = way === "passes" ? after : visit.g;
      const { rules } = this.byId.get(visit.id);
      const next = rules.map(({ to }, i) => ({ id: to, from: visit.id, g: this.hasNumbers ? goes * this.local(visit.id, i) : NaN, path: [...visit.path, to] }));
      stack.push(...next.toReversed()); // in the order of the inputs
    }
  }
}

function asNumber(text) {
  return text === undefined || text === null || text.trim() === "" ? NaN : Number(text);
}
