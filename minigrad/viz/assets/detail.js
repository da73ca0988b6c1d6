// All about one step.

function detail(step, page) {
  if (step.failed) return failureDetail(step, page);
  const { graph, live, select: onselect } = page;
  const link = (id) => {
    const other = graph.byId.get(id);
    return el("button", { onclick: () => onselect(id) }, other.op ? `${other.label} (${other.op})` : other.label);
  };
  const box = el("div", { id: "detail" }, el("h2", { id: "detail-title", tabindex: -1 }, step.op ? `${step.label} = ${step.call}` : step.label));
  const facts = [step.kind === "op" ? null : step.kind, `${step.shape ? "shape" : "outputs of shapes"} ${step.shapes}`, step.dtype, step.bytes];
  if (step.count > 1) facts.push(`the first of ${step.count} that are alike`);
  box.append(el("p", { class: "quiet" }, facts.filter(Boolean).join(", ")));
  if (step.op) {
    box.append(el("p", {}, step.summary));
    if (step.formula) box.append(el("div", { class: "formula", "data-part": "formula", tabindex: 0 }, math(step.formula.math)));
    if (step.formula?.numbers && !page.hides(step, "value")) box.append(el("div", { class: "formula", tabindex: 0 }, "= ", math(step.formula.numbers), ` = ${step.short}`));
    if (step.doc) box.append(el("details", {}, el("summary", {}, "From its definition"), el("pre", {}, step.doc)));
  }
  if (step.source) box.append(el("h3", {}, "Made by"), el("pre", { "data-part": "source" }, step.source));
  const edit = editor(step, live, page.words);
  if (edit) box.append(edit);
  const stuck = live.isChanged && live.stuckStep(step);
  if (stuck) box.append(el("p", { class: "trouble" }, `As it was recorded, and not computed again: ${stuck}.`));
  const inside = page.hides(step, "sent") ? null : lens(step, page);
  if (inside) box.append(inside);
  box.append(el("h3", {}, "Value"), page.hides(step, "value") ? askedFor() : arrayView(() => step.value, "value", (output) => page.numbers.value(step.id, output)));
  if (page.data.backward.length) box.append(el("h3", {}, "Gradient of the result with respect to it"), ...gradientOf(step, page));
  const sent = page.hides(step, "sent") ? [] : step.rules;
  if (sent.length) box.append(el("h3", {}, "What it sends back"));
  for (const [i, rule] of sent.entries()) {
    box.append(el("p", {}, "to ", link(rule.to)));
    if (rule.formula) box.append(el("div", { class: "formula", tabindex: 0 }, math(rule.formula.math)));
    if (rule.local) box.append(el("div", { class: "formula quiet", tabindex: 0 }, `${rule.local.left} = `, ...(rule.local.math ? [math(rule.local.math), " = "] : []), rule.local.value)); // of -g no formula is left
    box.append(el("p", {}, `= ${rule.sent}`, el("span", { class: "check", "data-check": `${step.id} ${i}` })));
  }
  const tick = live.tick(step);
  if (tick) {
    const close = Math.abs(tick.moved - tick.said) <= 0.05 * Math.abs(tick.moved) + 1e-7;
    box.append(el("p", { "data-part": "tick" }, `When ${tick.of} was nudged by ${general(tick.by)}, this moved by ${general(tick.moved)}; the derivatives say ${general(tick.said)} ${close ? "✓" : "(the step is too large for them)"}`));
  }
  const readers = graph.steps.filter((other) => other.inputs.some(([source]) => source === step.id));
  if (step.inputs.length) box.append(el("h3", {}, "Reads"), el("div", { class: "row" }, ...[...new Set(step.inputs.map(([id]) => id))].map(link)));
  if (readers.length) box.append(el("h3", {}, "Read by"), el("div", { class: "row" }, ...readers.slice(0, 20).map((other) => link(other.id))));
  box.append(...twinsOf(step, graph, link));
  return box;
}

function askedFor() {
  return el("p", { class: "quiet" }, "hidden while it is asked for");
}

function gradientOf(step, page) {
  if (step.gradient === null) return [el("p", { class: "quiet" }, step.fixed ? "none: it is data" : "none arrives")];
  if (page.hides(step, "gradient")) return [askedFor()];
  const gradient = arrayView(() => step.gradient, "gradient", (output) => page.numbers.gradient(step.id, output));
  gradient.dataset.part = "gradient";
  const sum = step.arrives.length > 1 ? [el("p", {}, `${step.arrives.length} gradients arrive and add up: ${added(step.arrives)}`)] : [];
  return [...sum, gradient];
}
