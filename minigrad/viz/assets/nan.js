// Where NaN or infinity was born: a step that gives it though all that it read was finite, forwards or backwards; and its cone.

FEATURES.push((page) => {
  const state = { dismissed: "", auto: false };
  const look = new Look(page, "nan", "Where did NaN come from?", ["nan-born", "nan-after", "nan-back"], () => nanPaint(page, look));
  const watch = () => {
    const found = nanBirths(page);
    const key = found.births.map(({ step, phase }) => `${phase} ${step.id}`).join();
    if (!found.serious) {
      document.getElementById("born")?.remove();
      if (state.auto) look.show(false);
      state.auto = false;
    } else if (key !== state.key) {
      nanAlert(page, look, found);
      if (!look.on) state.auto = true;
      look.show(true);
    }
    state.key = found.serious ? key : "";
  };
  page.listen("change", watch);
  watch();
});

// How many NaN and infinite elements, { nan, infinite, of }; null of what nobody knows.
function oddOf(page, step, what) {
  const { live } = page;
  if (live.isChanged) return countOdd([live.read(live.own.get(step.id)[what])].flat());
  const value = step[what];
  if (!value) return null;
  const found = { nan: 0, infinite: 0, of: 0 };
  for (const part of value.parts ?? [value]) {
    found.nan += part?.counts?.NaN ?? 0;
    found.infinite += part?.counts?.infinite ?? 0;
    found.of += part ? elementsOf(part.shape) : 0;
  }
  return found;
}

function sentOdd(live, step, i) {
  if (live.isChanged) return countOdd([live.read(live.own.get(step.id).sent[i])].flat());
  const [nan, infinite] = step.rules[i].odd;
  return { nan, infinite };
}

function countOdd(arrays) {
  if (arrays.every((array) => !array)) return null;
  const found = { nan: 0, infinite: 0, of: 0 };
  for (const { data } of arrays.filter(Boolean)) {
    found.of += data.length;
    if (allFinite(data)) continue;
    for (const x of data) {
      if (Number.isNaN(x)) found.nan += 1;
      else if (x === Infinity || x === -Infinity) found.infinite += 1;
    }
  }
  return found;
}

// Whether all of it is finite, without a look at each number: NaN and infinity times 0 are NaN.
function allFinite(data) {
  let sum = 0;
  for (let i = 0; i < data.length; i += 1) sum += data[i] * 0;
  return sum === 0;
}

function elementsOf(shape) {
  return shape === "scalar" ? 1 : shape.split("×").reduce((n, length) => n * Number(length), 1);
}

const isOdd = (odd) => odd !== null && odd.nan + odd.infinite > 0;

// All births, and the steps that follow: { births: [{ step, phase, odd, rule }], forward, backward (sets of ids), serious }.
function nanBirths(page) {
  const births = [];
  const forward = new Set();
  let serious = false;
  for (const step of page.data.steps) {
    const follows = step.inputs.some(([source]) => forward.has(source));
    const odd = oddOf(page, step, "value");
    if (odd === null ? !follows : !isOdd(odd)) continue;
    forward.add(step.id);
    serious ||= Boolean(odd?.nan) || step.output; // an infinite mask that goes no further is none of it
    if (!follows) births.push({ step, phase: "forward", odd });
  }
  const backward = nanBackward(page, forward, births);
  return { births, forward, backward, serious: serious || backward.size > 0 };
}

// A rule that sends it, though neither the gradient that arrived nor the values that it reads had any; or a sum of finite ones.
function nanBackward(page, forward, births) {
  const bad = new Set();
  const told = new Set(); // steps that were sent it
  for (const id of page.data.backward) {
    const step = page.graph.byId.get(id);
    const odd = oddOf(page, step, "gradient");
    if (isOdd(odd)) {
      bad.add(id);
      if (!told.has(id) && !forward.has(id)) births.push({ step, phase: "backward", odd, rule: null });
    }
    const isOwn = !bad.has(id) && !forward.has(id) && !step.inputs.some(([source]) => forward.has(source));
    step.rules.forEach((rule, i) => {
      const odd = sentOdd(page.live, step, i);
      if (!isOdd(odd)) return;
      told.add(rule.to);
      if (isOwn) births.push({ step, phase: "backward", odd: { ...odd, of: elementsOf(page.graph.byId.get(rule.to).shape.join("×") || "scalar") }, rule });
    });
  }
  return bad;
}

function nanPaint(page, look) {
  const { graph } = page;
  const found = nanBirths(page);
  const mark = (ids, name) => nodesOf(graph, [...ids].map((id) => graph.byId.get(id))).forEach((node) => node.element.classList.add(name));
  mark(found.backward, "nan-back");
  mark(found.forward, "nan-after");
  const born = Map.groupBy(found.births, ({ step }) => graph.nodeOf.get(step.id));
  for (const [node, births] of born) {
    if (!graph.isDrawn(node)) continue;
    node.element.classList.add("nan-born");
    look.badge(node, `${nanWord(births[0])} born ${births[0].phase === "forward" ? "here" : "here, backwards"}`, "nan-badge");
  }
  if (!found.births.length) return [el("h2", {}, "NaN"), el("p", {}, "All values and gradients that are known are finite.")];
  return [el("h2", {}, "Born here, and all that follows"),
    el("p", {}, el("span", { class: "swatch nan-born" }), "born ", el("span", { class: "swatch nan-after" }), "its value follows ", el("span", { class: "swatch nan-back" }), "its gradient"),
    el("ul", {}, ...found.births.slice(0, 5).map((birth) => el("li", {}, ...nanText(page, birth)))),
    el("p", { class: "quiet" }, nanReach(page, found))];
}

const nanWord = ({ odd }) => (odd.nan && odd.infinite ? "NaN and infinity" : odd.nan ? "NaN" : "infinity");

// Which op, which line, how many elements, and what it read.
function nanText(page, birth, isShort = false) {
  const { step, phase, odd, rule } = birth;
  const name = step.op ? `${step.label} = ${step.call}` : `${step.label}, which was given`;
  const many = `${odd.nan + odd.infinite} of ${odd.of} element${odd.of > 1 ? "s" : ""}`;
  const how = phase === "forward" ? (step.op ? "gives" : "has") : rule ? `sends back to ${rule.label}` : "is sent finite gradients, their sum has";
  const line = step.source ? [" (", el("code", {}, isShort ? step.source.split(": ")[0] : step.source), ")"] : [];
  const read = phase === "forward" ? step.inputs.slice(0, 2).map(([id]) => page.graph.byId.get(id)).filter((other) => other.value?.text)
    .map((other) => `${other.label}: ${other.value.text}`) : [];
  const reads = read.length ? `. It reads ${read.join("; ")}` : phase === "backward" && rule ? ". What arrives there, and what its rule reads, is finite" : "";
  return [stepLink(page, step, name), ...line, ` ${how} ${nanWord(birth)} in ${many}${reads}.`];
}

function nanReach(page, { forward, backward }) {
  const reached = [...forward].map((id) => page.graph.byId.get(id));
  const results = reached.some((step) => step.output);
  const leaves = [...backward].map((id) => page.graph.byId.get(id)).filter((step) => step.kind === "leaf");
  const count = (n, word) => `${n || "no"} ${word}${n === 1 ? "" : "s"}`;
  const names = leaves.slice(0, 4).map((step) => step.label).join(", ") + (leaves.length > 4 ? ` and ${leaves.length - 4} more leaves` : "");
  return `It is in ${count(forward.size, "value")}${results ? ", the result among them" : ""}, and in ${count(backward.size, "gradient")}${names ? `, among them that of ${names}` : ""}.`;
}

function nanAlert(page, look, found) {
  const [first] = found.births;
  if (!first) return;
  const show = () => { look.show(true); page.select(first.step.id); };
  const more = found.births.length > 1 ? ` And at ${found.births.length - 1} more.` : "";
  alertBox(page, "born", el("span", {}, ...nanText(page, first, true), `${more} `, el("button", { class: "link", onclick: show }, "Show")));
}
