// The recorder's page: curves over the epochs, and histograms of the epoch that the slider stands at.

const data = await readData();
const app = document.getElementById("app");
app.className = "record";
const epochs = data.epochs;
const number = (value) => (typeof value === "number" ? value : NaN);
const curves = (kind) => Object.keys(epochs.at(-1)[kind]).map((name) => [name, epochs.map((epoch) => number(epoch[kind][name]))]);
const plain = Object.entries(epochs.at(-1) ?? {}).filter(([name, value]) => typeof value !== "object" && !["epoch", "lr"].includes(name)).map(([name]) => name);

const scrub = el("input", { id: "scrub", type: "range", min: 0, max: Math.max(epochs.length - 1, 0), value: epochs.length - 1, "aria-label": "Epoch" });
const label = el("output", { id: "epoch", role: "status" });
const curvesBox = el("section", { class: "cards", "aria-label": "Curves" });
const histograms = el("section", { "aria-label": "Histograms of the epoch" });
let timer = null;
const play = el("button", { id: "play", onclick: () => {
  if (timer) { clearInterval(timer); timer = null; } else {
    if (at() === epochs.length - 1) go(0);
    timer = setInterval(() => (at() < epochs.length - 1 ? go(at() + 1) : play.click()), 500);
  }
  play.textContent = timer ? "Pause" : "Play";
} }, "Play");
app.append(el("header", { class: "row" }, el("h1", {}, data.title), play, scrub, label, themeButton()), el("main", {}, curvesBox, histograms));

const at = () => Number(scrub.value);
function go(epoch) {
  scrub.value = epoch;
  show();
}

function cards(kind, title) {
  const entries = Object.entries(epochs[at()][kind]).filter(([, data]) => data.counts.length);
  if (!entries.length) return [];
  return [el("h2", {}, title), el("div", { class: "cards" }, ...entries.map(([name, data]) => {
    const odd = data.odd ? `, ${data.odd} not finite` : "";
    return el("div", { class: "card" }, el("h3", {}, (name || "output") + odd), histogram({ counts: data.counts, low: data.low.toPrecision(3), high: data.high.toPrecision(3) }, name || "output"));
  }))];
}

function show() {
  if (!epochs.length) return void label.append("nothing is recorded");
  const epoch = epochs[at()];
  label.textContent = `epoch ${at() + 1} of ${epochs.length}`;
  const shares = [["saturated", "Share of saturated values"], ["dead", "Share of dead units"]].filter(([kind]) => curves(kind).length);
  curvesBox.replaceChildren(
    ...(plain.length ? [lines("Values", plain.map((name) => [name, epochs.map((e) => number(e[name]))]), { at: at() })] : []),
    ...(curves("gradients").length ? [lines("Norm of the gradients", curves("gradients"), { log: true, at: at() })] : []),
    ...shares.map(([kind, title]) => lines(title, curves(kind), { at: at() })),
    ...Object.entries(epoch.lags).map(([name, norms]) => lines(`Gradient through time${name ? `: ${name}` : ""}`, [["norm", norms.map(number)]], { log: true, x: "steps back", labels: [0, norms.length - 1] })),
  );
  histograms.replaceChildren(...cards("weights", "Weights"), ...cards("activations", "Activations of the last batch"));
}
scrub.addEventListener("input", show);
show();
document.documentElement.dataset.ready = Math.round(performance.now());
