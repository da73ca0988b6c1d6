// Where the numbers of a leaf are changed: in place, with a slider, or with the mouse on a picture of them.

const MOST_WORDS = 600; // that have a field each

function editor(step, live, words) {
  if (step.op || live.why !== null) return null;
  const box = el("div", { id: "edit" }, el("h3", {}, "Change it"));
  const input = live.inputOf(step);
  if (input === null) {
    box.append(el("p", { class: "quiet" }, "The function makes it. Give it to the function as an argument to change it here."));
    return box;
  }
  const { numbers } = live.inputs[input];
  const chosen = { at: 0 }; // the element that was touched last
  const make = numbers.length === 1 ? scalarEditor : numbers.length <= FULL ? tableEditor : planeEditor;
  const isText = numbers.length <= MOST_WORDS && words.texts.includes(step);
  box.append(isText ? words.editor(step, live, input, chosen) : make(step, live, input, chosen), el("div", { class: "row" }, el("button", { onclick: () => live.reset([input]) }, `Reset ${step.label}`)));
  if (step.gradient) box.append(nudger(step, live, input, chosen));
  return box;
}

// A field for one number; what is no number, or cannot be computed, is shown as wrong and changes nothing.
function numberField(label, get, set, { dtype = "float64", digits = 6, ...attributes } = {}) {
  const field = el("input", { type: "number", step: dtype.startsWith("float") ? "any" : 1, "aria-label": label, ...attributes });
  field.show = () => { field.value = String(Number(get().toPrecision(digits))); };
  field.addEventListener("input", () => {
    const typed = field.value.trim() === "" ? NaN : Number(field.value);
    field.setAttribute("aria-invalid", Number.isNaN(typed) || set(typed) === false);
  });
  field.addEventListener("change", () => { field.show(); field.removeAttribute("aria-invalid"); });
  field.show();
  return field;
}

function scalarEditor(step, live, input) {
  const { numbers, dtype } = live.inputs[input];
  const set = (x) => live.change(input, (all) => { all[0] = x; });
  const reach = Math.max(2 * Math.abs(numbers[0]), 2);
  const whole = !dtype.startsWith("float");
  const slider = el("input", { type: "range", min: whole ? Math.floor(numbers[0] - reach) : numbers[0] - reach, max: numbers[0] + reach, step: whole ? 1 : reach / 200, "aria-label": `${step.label}, slider` });
  slider.value = numbers[0];
  const field = numberField(step.label, () => numbers[0], (x) => { slider.value = x; return set(x); }, { dtype });
  slider.addEventListener("input", () => { set(Number(slider.value)); field.show(); });
  return el("div", { class: "row slide" }, field, slider);
}

function tableEditor(step, live, input, chosen) {
  const { numbers, shape, dtype } = live.inputs[input];
  const width = shape.at(-1) ?? 1;
  const rows = Array.from({ length: numbers.length / width }, (_, y) => el("tr", {}, ...Array.from({ length: width }, (_, x) => {
    const at = y * width + x;
    const field = numberField(nameOf(step, at, shape), () => numbers[at], (typed) => live.change(input, (all) => { all[at] = typed; }), { dtype, digits: 4 });
    field.addEventListener("focus", () => { chosen.at = at; });
    return el("td", {}, field);
  })));
  return el("div", { class: "scroll" }, el("table", {}, el("tbody", {}, ...rows)));
}

// The index of an element along each axis.
function indices(at, shape) {
  const found = [];
  for (const length of [...shape].reverse()) {
    found.unshift(at % length);
    at = Math.floor(at / length);
  }
  return found;
}

const nameOf = (step, at, shape) => (shape.length ? `${step.label}[${indices(at, shape).join(", ")}]` : step.label);

// Moves the chosen element by a hair, and back: what the result does, beside what the gradient says of it.
function nudger(step, live, input, chosen) {
  const { shape, dtype } = live.inputs[input];
  const hair = el("select", { "aria-label": "by how much" }, ...[1, 0.1, 0.01, 0.001, 0.0001].map((size) => el("option", { value: size, selected: size === 0.01 }, `+ ${size}`)));
  const found = el("div", { id: "nudged", role: "status" });
  const nudge = () => {
    const { by, moved, predicted, trouble } = live.nudge(step, input, chosen.at, Number(hair.value));
    if (trouble) return void found.replaceChildren(el("p", { class: "trouble" }, `That step cannot be computed: ${trouble}.`));
    const row = (name, number) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, general(number)));
    const name = nameOf(step, chosen.at, shape);
    return found.replaceChildren(el("table", {}, el("tbody", {}, row(`${name} moves by`, by), row("the result moves by", moved), row(`gradient × ${general(by)}`, predicted))),
      el("p", { class: "quiet" }, dtype === "float32" ? "The smaller the step, the closer they are, until float32 has no more digits." : "The smaller the step, the closer they are."));
  };
  hair.addEventListener("change", nudge);
  return el("div", {}, el("div", { class: "row" }, el("button", { id: "nudge", onclick: nudge }, "Nudge"), hair), found);
}

// One plane of the last two axes as a picture: painted with the mouse, or an element picked and its number typed.
function planeEditor(step, live, input, chosen) {
  const { numbers, shape, dtype, recorded } = live.inputs[input];
  const [height, width] = [shape.at(-2) ?? 1, shape.at(-1)];
  const planes = numbers.length / (height * width);
  const [least, most] = extent(recorded.filter(Number.isFinite));
  const [low, high] = least < most ? [least, most] : Number.isFinite(least) ? [least - 1, least + 1] : [-1, 1];
  const state = { plane: 0, row: 0, column: 0, paints: step.kind === "data" && height >= 8 && width >= 8, brush: high };
  const at = () => (chosen.at = (state.plane * height + state.row) * width + state.column);
  const canvas = el("canvas", { class: "paint", role: "img", "aria-label": `${step.label}, a picture to paint on; rows and columns of numbers are below` });
  canvas.style.aspectRatio = `${width} / ${height}`;
  const field = numberField("number of this element", () => numbers[at()], (x) => { const done = live.change(input, (all) => { all[at()] = x; }); draw(); return done; }, { dtype });
  const place = (name, length) => {
    const choice = numberField(name, () => state[name], (x) => { state[name] = Math.max(0, Math.min(length - 1, Math.round(x))); field.show(); draw(); }, { dtype: "int32", min: 0, max: length - 1 });
    return length > 1 ? el("label", {}, `${name} `, choice) : null;
  };
  const places = [place("plane", planes), place("row", height), place("column", width)];

  function draw() {
    const from = state.plane * height * width;
    paint(canvas, width, height, (i) => colour(numbers[from + i], low, high));
  }

  function touch(event) {
    const frame = canvas.getBoundingClientRect();
    const inside = (x, length) => Math.max(0, Math.min(length - 1, Math.floor(x * length)));
    state.row = inside((event.clientY - frame.top) / frame.height, height);
    state.column = inside((event.clientX - frame.left) / frame.width, width);
    if (state.paints) live.change(input, (all) => { all[at()] = state.brush; });
    field.show();
    for (const label of places) label?.querySelector("input").show();
    draw();
  }
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); touch(event); });
  canvas.addEventListener("pointermove", (event) => { if (event.buttons) touch(event); });
  draw();
  const brush = el("input", { type: "range", min: low, max: high, step: dtype.startsWith("float") ? (high - low) / 100 || 1 : 1, "aria-label": "number that the mouse paints" });
  brush.value = state.brush;
  const painted = el("output", {}, general(state.brush));
  brush.addEventListener("input", () => { state.brush = Number(brush.value); painted.textContent = general(state.brush); });
  const paints = el("button", { "aria-pressed": String(state.paints), onclick: () => { state.paints = !state.paints; paints.setAttribute("aria-pressed", state.paints); } }, "Paint");
  return el("div", {}, canvas, el("div", { class: "row" }, paints, brush, painted), el("div", { class: "row places" }, ...places, el("label", {}, "number ", field)));
}

// The details with other numbers: what is being edited stays, so that it keeps the mouse and the cursor.
function renew(box, fresh) {
  const [before, after] = [[...box.children], [...fresh.children]];
  if (before.length !== after.length) {
    box.replaceWith(fresh);
    return;
  }
  before.forEach((old, i) => {
    if (old.update) old.update();
    else if (old.id !== "edit" && (old.querySelector("canvas") || !old.isEqualNode(after[i]))) old.replaceWith(after[i]);
  });
}
