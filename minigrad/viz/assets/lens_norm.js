// Normalisation: how the numbers are distributed before and after, and mean and deviation of what is normalised together.

const GROUPS_TOLD = 8; // in the table

// What a step normalises: { before, after, axes (those that are normalised together), note }, each a function of now; or null.
function normalised(step, numbers, page) {
  const read = (name) => numbers.argument(step, name);
  const after = () => numbers.value(step.id);
  if (step.op === "layer_norm_rows") return { before: () => read("x"), after, axes: [step.shape.length - 1], note: "after it they hold weight and bias, too" };
  if (step.op === "standardize") {
    const given = [step.given.axes?.value ?? []].flat();
    return { before: () => read("x"), after, axes: given.map((axis) => (axis < 0 ? axis + step.shape.length : axis)), note: "weight and bias come later" };
  }
  if (step.op !== "divide") return null;
  // Written out: x / sqrt(...), or (x - mean) / sqrt(...), with one root for each group.
  const byId = new Map(page.data.steps.map((other) => [other.id, other]));
  const root = byId.get(step.given.y?.from);
  const top = byId.get(step.given.x?.from);
  if (root?.op !== "sqrt" || !top || !sameShape(top.shape, step.shape)) return null;
  const long = [...Array(step.shape.length - root.shape.length).fill(1), ...root.shape];
  const axes = step.shape.map((_, axis) => axis).filter((axis) => long[axis] === 1 && step.shape[axis] !== 1);
  if (!axes.length) return null;
  const shifted = top.op === "subtract" && top.given.x?.from !== undefined && sameShape(byId.get(top.given.x.from)?.shape, step.shape);
  const from = shifted ? top.given.x : step.given.x;
  return { before: () => numbers.value(from.from, from.output), after, axes, note: "weight and bias come later" };
}

// Of each group its numbers' places, in the order of the axes that are left; kept, since details are made anew for each change.
const groupsKept = new Map();
function groupsOf(shape, axes) {
  const asked = `${shape} ${axes}`;
  if (groupsKept.has(asked)) return groupsKept.get(asked);
  const outer = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const groups = new Map();
  const count = shape.reduce((n, m) => n * m, 1);
  for (let at = 0; at < count; at += 1) {
    const index = indices(at, shape);
    const key = outer.map((axis) => index[axis]).join(", ");
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(at);
  }
  groupsKept.set(asked, [...groups].map(([key, places]) => ({ key, places })));
  return groupsKept.get(asked);
}

function groupMoments(data, places) {
  const mean = places.reduce((sum, at) => sum + data[at], 0) / places.length;
  const square = places.reduce((sum, at) => sum + data[at] * data[at], 0) / places.length;
  const std = Math.sqrt(places.reduce((sum, at) => sum + (data[at] - mean) ** 2, 0) / places.length);
  return { mean, std, rms: Math.sqrt(square) };
}

// { element, update } for an op that normalises; null for others.
function normLook(step, numbers, page) {
  const found = normalised(step, numbers, page);
  if (!found?.before()?.data || !found.after()?.data || !sameShape(found.before().shape, found.after().shape)) return null;
  const { before, after, axes, note } = found;
  const { shape } = after();
  const groups = groupsOf(shape, axes);
  const outer = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const state = { group: null };
  const charts = el("div", { class: "beside" });
  const table = el("div", {});
  const choice = groups.length > 1 ? el("select", { "aria-label": "group", onchange: () => { state.group = choice.value === "" ? null : Number(choice.value); update(); } },
    el("option", { value: "" }, "all together"), ...groups.slice(0, 500).map(({ key }, i) => el("option", { value: i }, `[${key}]`))) : null;
  const names = (list) => list.map((axis) => `${axis} (${shape[axis]})`).join(", ");
  const element = el("div", { class: "norm" }, el("p", { class: "quiet" },
    `${groups.length} group${groups.length === 1 ? "" : "s"} of ${groups[0]?.places.length ?? 0} numbers: together along axis ${names(axes)}${outer.length ? `, apart along axis ${names(outer)}` : ""}; ${note}.`),
  choice && el("label", { class: "row" }, "histograms of ", choice), charts, table);

  function update() {
    if (!groups.length) return;
    const places = state.group === null ? null : groups[state.group].places;
    charts.replaceChildren(...[["before", before()], ["after", after()]].map(([name, { data }]) => {
      const some = Array.from(places ?? data, places ? (at) => data[at] : (x) => x);
      const finite = some.filter(Number.isFinite);
      const odd = some.length - finite.length;
      return el("div", {}, el("h3", {}, name), finite.length ? histogram(histogramOf(finite, ...extent(finite)), name) : "", odd ? el("p", { class: "trouble" }, `${odd} NaN or infinite`) : "");
    }));
    const shown = state.group === null || state.group < GROUPS_TOLD ? groups.slice(0, GROUPS_TOLD) : [...groups.slice(0, GROUPS_TOLD - 1), groups[state.group]];
    const rows = shown.map(({ key, places: members }) => {
      return [["before", before()], ["after", after()]].map(([when, { data }], second) => {
        const of = groupMoments(data, members);
        return el("tr", { class: second ? "" : "first" }, second ? null : el("th", { scope: "rowgroup", rowspan: 2 }, key ? `[${key}]` : "all"), el("th", { scope: "row" }, when), ...["mean", "std", "rms"].map((name) => el("td", {}, general(of[name], 4))));
      });
    });
    table.replaceChildren(el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "groups, before and after" }, el("table", {},
      el("thead", {}, el("tr", {}, ...["group", "", "mean", "std", "rms"].map((name) => el(name ? "th" : "td", name ? { scope: "col" } : {}, name)))), el("tbody", {}, ...rows.flat()))),
      groups.length > shown.length ? el("p", { class: "quiet" }, `${shown.length} of ${groups.length} groups`) : "");
  }
  whenShown(element, update);
  return { element, update };
}

for (const op of ["layer_norm_rows", "standardize", "divide"]) {
  const own = LENSES[op];
  LENSES[op] = (step, numbers, page) => normLook(step, numbers, page) ?? own?.(step, numbers, page) ?? null;
}
