// What a step looks like inside: a picture for each op that has one.

// From the name of an op to a function of (step, numbers, page) that gives { element, update }, or null where the numbers are not
// known.  `update` shows the numbers again when they have changed; what the reader has chosen in the picture stays.
const LENSES = {};

function lens(step, page) {
  const look = Object.hasOwn(LENSES, step.op ?? "") && !step.fixed ? LENSES[step.op](step, page.numbers, page) : null;
  if (!look) return null;
  const home = el("div", {}, look.element);
  const larger = el("button", { onclick: () => enlarge(look, home, step) }, "Larger");
  const section = el("section", { id: "lens" }, el("div", { class: "row" }, el("h3", {}, "Inside"), larger), home);
  section.update = look.update;
  return section;
}

// The same picture on the whole window; it goes back when that is closed.
function enlarge(look, home, step) {
  const close = el("button", { onclick: () => dialog.close() }, "Close");
  const dialog = el("dialog", { class: "lens", "aria-label": `Inside ${step.label}` }, el("div", { class: "row" }, el("h2", {}, `${step.label} = ${step.call}`), close), look.element);
  dialog.addEventListener("close", () => { home.append(look.element); dialog.remove(); look.update(); });
  document.body.append(dialog);
  dialog.showModal();
  look.update();
}
