// Where a computation stopped: the failing op in red, what it got, in which module, on which line.

FEATURES.push((page) => {
  const { failure } = page.data;
  if (!failure) return;
  const step = page.graph.byId.get(failure.step);
  page.listen("draw", () => page.graph.mark(step.id, "failed"));
  page.select(step.id); // the modules that lead to it open
  page.graph.mark(step.id, "failed");
  alertBox(page, "stopped", el("span", {}, el("strong", {}, failure.title), ` ${failure.kind}: ${failure.message.split("\n")[0]} `,
    el("button", { class: "link", onclick: () => page.select(step.id) }, "Show")));
});

// All about the step that failed.
function failureDetail(step, page) {
  const { failure } = page.data;
  const box = el("div", { id: "detail", class: "failure" }, el("h2", { id: "detail-title", tabindex: -1 }, failure.title));
  box.append(el("pre", { "data-part": "message" }, `${failure.kind}: ${failure.message}`));
  if (failure.where) box.append(el("h3", {}, "In the module"), el("p", { "data-part": "where" }, failure.where));
  if (failure.source) box.append(el("h3", {}, "Called by"), el("pre", { "data-part": "source" }, failure.source));
  if (failure.given.length) {
    const rows = failure.given.map((row) => el("tr", {}, ...row.map((cell, i) => el(i ? "td" : "th", { scope: i ? null : "row" }, cell))));
    box.append(el("h3", {}, failure.own ? "The tensors of this line, or the last result" : "What it got"),
      el("table", { "data-part": "given" }, el("thead", {}, el("tr", {}, ...["input", "shape", "dtype"].map((word) => el("th", { scope: "col" }, word)))), el("tbody", {}, ...rows)));
  }
  if (step.formula) box.append(el("h3", {}, "What it computes"), el("div", { class: "formula", tabindex: 0 }, math(step.formula.math)));
  const sources = [...new Set(step.inputs.map(([id]) => id))].map((id) => page.graph.byId.get(id));
  if (sources.length) box.append(el("h3", {}, "Reads"), el("div", { class: "row" }, ...sources.map((other) => stepLink(page, other))));
  return box;
}
