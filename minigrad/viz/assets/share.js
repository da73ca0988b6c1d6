// The menu "Share": pictures, print, numbers, a link to where the page stands, and a frame of it for slides.

FEATURES.push((page) => {
  const said = el("p", { id: "shared", class: "quiet", role: "status" });
  const whole = el("select", { id: "share-what" }, el("option", { value: "seen" }, "what is seen"), el("option", { value: "all" }, "whole graph"));
  const tell = (...words) => said.replaceChildren(...words);
  const item = (id, label, act, attributes = {}) => el("button", {
    id: `share-${id}`, ...attributes,
    onclick: async () => {
      tell();
      try {
        await act();
      } catch (error) {
        tell(`This browser could not do it: ${error.message}`);
      }
    },
  }, label);
  const isWhole = () => whole.value === "all";
  const film = new Film(page, tell);
  page.menu("Share", el("label", { class: "quiet" }, "Pictures show ", whole),
    item("svg", "SVG picture", () => saveFile(new Blob([svgText(snapshot(page, isWhole()))], { type: "image/svg+xml" }), "svg", page.data.title)),
    item("png", "PNG picture", async () => saveFile(await pngOf(snapshot(page, isWhole())), "png", page.data.title)),
    item("print", "Print, or PDF", () => printed(page)),
    item("film", film.label, () => film.record(), { disabled: film.kind === null }), ...(film.kind === null ? [el("p", { class: "quiet" }, film.why)] : []),
    item("json", "Numbers (JSON)", () => saveFile(new Blob([JSON.stringify(graphData(page), null, 1)], { type: "application/json" }), "json", page.data.title), { "data-tells": "" }),
    item("link", "Copy link", () => copied(page, page.address.link(), tell)),
    item("embed", "Copy embed code", () => copied(page, embedCode(page), tell)), said);
});

async function pngOf(picture) {
  const canvas = await rasterised(picture, 2);
  return new Promise((done, failed) => { canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("the picture is too large"))), "image/png"); });
}

// The graph alone, on one page that lies as the graph does.
function printed({ camera }) {
  const { width, height } = camera.full;
  const sheet = el("style", {}, `@page { size: ${width > height ? "landscape" : "portrait"}; margin: 10mm; }`);
  document.head.append(sheet);
  root.dataset.print = "graph";
  window.addEventListener("afterprint", () => { sheet.remove(); delete root.dataset.print; }, { once: true });
  window.print();
}

// A frame for slides: of a page on the disk by its name alone, since the slides will lie beside it.
function embedCode({ address, data }) {
  const link = address.link([["embed", []]]);
  if (link === null) return null;
  const place = location.protocol === "file:" ? link.slice(link.split("#")[0].lastIndexOf("/") + 1) : link;
  const text = (words) => words.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  return `<iframe src="${text(place)}" title="${text(data.title)}" width="640" height="400" style="border: 0" loading="lazy" allowfullscreen></iframe>`;
}

// Into the clipboard; where the browser forbids that, shown to be copied by hand.
async function copied({ address }, text, tell) {
  if (text === null) {
    tell("In a notebook the page has no address. Write it to a file: viz.explore(..., path=\"graph.html\").");
    return;
  }
  const but = address.leftOut();
  try {
    await navigator.clipboard.writeText(text);
    tell(`Copied.${but}`);
  } catch {
    const field = el("textarea", { readonly: true, rows: 4, "aria-label": "To be copied" });
    field.value = text;
    tell(`The browser gives no clipboard: copy it from here.${but}`, field);
    field.select();
  }
}

// ---- the graph and its numbers as they are now: the same fields as those of `viz.export(..., path="graph.json")`

const ALL_NUMBERS = 1000; // of a larger array its range is given

function graphData({ data, numbers }) {
  const place = new Map(data.steps.map((step, i) => [step.id, i]));
  const nodes = data.steps.map((step, id) => ({
    id, kind: step.fixed && step.op ? "data" : step.kind, op: step.op, label: step.label, call: step.call, shape: step.shape, dtype: step.dtype, output: step.output,
    modules: step.calls.map(([path, call, type]) => ({ path, call, class: type })), source: step.source, count: step.count,
    value: arrayData(step.value, numbers.value(step.id)), gradient: arrayData(step.gradient, numbers.gradient(step.id)),
  }));
  const edges = new Map();
  for (const step of data.steps) {
    for (const [source] of step.inputs) {
      const key = `${place.get(source)} ${place.get(step.id)}`;
      if (!edges.has(key)) edges.set(key, { source: place.get(source), target: place.get(step.id), count: 0 });
      edges.get(key).count += 1;
    }
  }
  return { format: "minigrad graph", title: data.title, notes: data.notes, nodes, edges: [...edges.values()] };
}

// JSON has no infinity and no NaN: they are words.  Where only the text is known, its numbers are rounded.
function arrayData(shown, exact) {
  if (shown === null) return null;
  if (shown.parts) return shown.parts.map((part) => arrayData(part, null));
  const plain = (x) => (Number.isFinite(x) ? x : general(x));
  if (exact !== null && exact.data.length <= ALL_NUMBERS) return { shape: exact.shape, data: Array.from(exact.data, (x) => plain(shortestValue(x, exact.dtype))) };
  const range = Object.fromEntries(Object.entries(shown.range ?? {}).map(([name, text]) => [name, plain(Number(text))]));
  const rows = shown.rows && { data: shown.rows.flat().map((text) => (Number.isNaN(Number(text)) ? text : Number(text))), rounded: true };
  return { shape: shown.shape === "scalar" ? [] : shown.shape.split("×").map(Number), ...(rows ?? range) };
}

const shortestValue = (x, dtype) => (Number.isFinite(x) ? Number(shortestNumber(x, dtype)) : x);
