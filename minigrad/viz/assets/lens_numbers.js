// What a lens reads: the arrays that a step is given, and what it sends back.

// The arrays that a step is given, by the names of its parameters, and its value; null where one of them is not known, or where
// a step stands for several that are alike.
function operands(step, names, page) {
  const found = { out: page.numbers.value(step.id) };
  for (const name of names) {
    const { from } = step.given[name] ?? {};
    if (from === undefined || page.graph.byId.get(from).count > 1) return null;
    found[name] = page.numbers.argument(step, name);
  }
  const isKnown = Object.values(found).every((array) => array && !Array.isArray(array) && array.data.length && !array.dtype.startsWith("complex"));
  return isKnown && step.count === 1 ? found : null;
}

// What a step sends to one of its inputs, and whether that is all that arrives there; null where nothing is sent or known.
function sentTo(step, name, page) {
  const { from } = step.given[name] ?? {};
  const rules = step.rules.map((rule, i) => ({ to: rule.to, i })).filter(({ to }) => to === from);
  const before = Object.entries(step.given).findIndex(([other]) => other === name);
  const place = Object.values(step.given).slice(0, before).filter((other) => other.from === from).length;
  const rule = rules[place];
  if (!rule) return null;
  const isAll = page.graph.byId.get(from).arrives.length < 2;
  const { live } = page;
  const array = live.why === null ? live.read(live.own.get(step.id).sent[rule.i]) : isAll ? page.numbers.gradient(from) : null;
  return array && !Array.isArray(array) ? { ...array, isAll } : null;
}

// Why the sum of what a pixel would get stands beside no gradient.
function sentNote(page, step, name) {
  const source = page.graph.byId.get(step.given[name].from);
  if (source.fixed) return `${source.label} is data: the program computes no gradient for it. It would be this sum.`;
  return `Others send to ${source.label}, too: this is the share of ${step.label}.`;
}
