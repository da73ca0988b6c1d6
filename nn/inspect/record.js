// The recorder's page: curves over the epochs, and histograms of the epoch that the slider stands at; of one run, or of several beside each other.

const data = await readData();
const app = document.getElementById("app");
app.className = "record";
const { runs } = data;
const several = runs.length > 1;
const longest = Math.max(...runs.map(({ epochs }) => epochs.length), 0);
const number = (value) => (typeof value === "number" ? value : value === undefined ? NaN : Number(String(value).replace("inf", "Infinity")));
const chosen = {}; // which parameter or layer is compared, by kind

const scrub = el("input", { id: "scrub", type: "range", min: 0, max: Math.max(longest - 1, 0), value: longest - 1, "aria-label": "Epoch" });
const label = el("output", { id: "epoch", role: "status" });
const curvesBox = el("section", { class: "cards", "aria-label": "Curves" });
const histograms = el("section", { "aria-label": "Histograms of the epoch" });
let timer = null;
const play = el("button", { id: "play", onclick: () => {
  if (timer) { clearInterval(timer); timer = null; } else {
    if (at() === longest - 1) go(0);
    timer = setInterval(() => (at() < longest - 1 ? go(at() + 1) : play.click()), 500);
  }
  play.textContent = timer ? "Pause" : "Play";
} }, "Play");
app.append(el("header", { class: "row" }, el("h1", {}, data.title), play, themeButton(), scrub, label), el("main", {}, curvesBox, histograms));

const at = () => Number(scrub.value);
function go(epoch) {
  scrub.value = epoch;
  show();
}

// All names of a kind, in all runs, in their order; of values the plain ones.
function namesOf(kind) {
  const found = new Set();
  for (const { epochs } of runs) {
    for (const epoch of epochs) {
      const names = kind === "values" ? Object.keys(epoch).filter((name) => typeof epoch[name] !== "object" && !["epoch", "lr"].includes(name)) : Object.keys(epoch[kind]);
      names.forEach((name) => found.add(name));
    }
  }
  return [...found];
}

// A layer with its class; a parameter by its name.
const called = ({ layers }, name) => layers[name] ?? (name || "output");

const curve = ({ epochs }, kind, name) => epochs.map((epoch) => number((kind === "values" ? epoch : epoch[kind])[name]));
const pick = (place) => go(place);

// Values that belong together stand in one chart: the loss of the training and that of the validation.
function families() {
  const found = new Map();
  for (const name of namesOf("values")) {
    const family = name.replace(/^(val|valid|validation|test|train)_/, "");
    found.set(family, [...(found.get(family) ?? []), name]);
  }
  return [...found];
}

function valueCharts() {
  return families().map(([family, names]) => {
    const series = runs.flatMap((run, hue) => names.filter((name) => run.epochs.some((epoch) => name in epoch))
      .map((name) => [several ? `${run.name}: ${name}` : name, curve(run, "values", name), several ? { hue, dash: names.length > 1 ? names.indexOf(name) : hue } : null]));
    return lines(family, series, { at: at(), onpick: pick });
  });
}

// Of one run all curves of a kind in one chart; of several one of them at a time, a line for each run.
function kindCharts(kind, title, log) {
  const names = namesOf(kind);
  if (!names.length) return [];
  if (!several) return [lines(title, names.map((name) => [called(runs[0], name), curve(runs[0], kind, name)]), { log, at: at(), onpick: pick })];
  chosen[kind] ??= names[0];
  const choice = el("select", { "aria-label": `${title}: of what`, onchange: (event) => { chosen[kind] = event.target.value; show(); } },
    ...names.map((name) => el("option", { value: name, selected: name === chosen[kind] }, called(runs[0], name))));
  const card = lines(title, runs.map((run) => [run.name, curve(run, kind, chosen[kind])]), { log, at: at(), onpick: pick });
  card.querySelector("h2").after(choice);
  return [card];
}

// The gradient by the steps back in time, at this epoch.
function lagCharts() {
  return namesOf("lags").map((name) => {
    const series = runs.map((run) => [several ? run.name : "norm", (run.epochs[Math.min(at(), run.epochs.length - 1)].lags[name] ?? []).map(number)]);
    return lines(`Gradient through time${name ? `: ${name}` : ""}`, series, { log: true, x: "steps back", first: 0 });
  });
}

function cards(kind, title) {
  const found = namesOf(kind).flatMap((name) => runs.map((run) => ({ name, run, data: run.epochs[at()]?.[kind][name] }))).filter((one) => one.data?.counts.length);
  if (!found.length) return [];
  const most = (name) => found.filter((one) => one.name === name).map((one) => one.data);
  return [el("h2", {}, title), el("div", { class: "cards small" }, ...found.map(({ name, run, data: own }) => {
    const together = most(name); // runs are compared on one axis
    const [low, high] = [Math.min(...together.map((one) => one.low)), Math.max(...together.map((one) => one.high))];
    const odd = own.odd ? `, ${own.odd} not finite` : "";
    const words = `${several ? `${run.name}: ` : ""}${called(run, name)}${odd}`;
    return el("div", { class: "card" }, el("h3", {}, words), histogram(stretched(own, low, high), name || "output"));
  }))];
}

// A histogram on a longer axis.
function stretched({ counts, low, high }, from, to) {
  const texts = { low: from.toPrecision(3), high: to.toPrecision(3) };
  if (low === from && high === to) return { counts, ...texts };
  const found = new Array(counts.length).fill(0);
  counts.forEach((count, i) => {
    const middle = low + ((i + 0.5) * (high - low)) / counts.length;
    found[Math.min(counts.length - 1, Math.floor(((middle - from) / (to - from || 1)) * counts.length))] += count;
  });
  return { counts: found, ...texts };
}

function show() {
  if (!longest) { label.textContent = "nothing is recorded"; return; }
  label.textContent = `epoch ${at() + 1} of ${longest}`;
  const focused = document.activeElement?.getAttribute("aria-label");
  curvesBox.replaceChildren(...valueCharts(), ...kindCharts("gradients", "Norm of the gradients", true),
    ...kindCharts("saturated", "Share of saturated values", false), ...kindCharts("dead", "Share of dead units", false), ...lagCharts());
  histograms.replaceChildren(...cards("weights", "Weights"), ...cards("activations", "Activations of the last batch"));
  if (focused) curvesBox.querySelector(`select[aria-label="${CSS.escape(focused)}"]`)?.focus();
}
scrub.addEventListener("input", show);
show();
document.documentElement.dataset.ready = Math.round(performance.now());
