// Line charts and bars as SVG, with a table for those who cannot see them.

const COLOURS = ["#3b82d6", "#d9622b", "#3a9a4b", "#a45bd1", "#c23b55", "#8a7a1f", "#2aa3a3", "#7d7d7d"];

function lines(title, series, { log = false, at = null, labels = null, x = "epoch" } = {}) {
  const finite = series.flatMap(([, ys]) => ys).filter((y) => Number.isFinite(y) && (!log || y > 0));
  const scale = (y) => (log ? Math.log10(y) : y);
  const low = Math.min(...finite.map(scale));
  const high = Math.max(...finite.map(scale));
  const count = Math.max(...series.map(([, ys]) => ys.length));
  const place = (i, y) => [50 + (i * 340) / Math.max(count - 1, 1), 150 - (130 * (scale(y) - low)) / (high - low || 1)];
  const picture = svg("svg", { viewBox: "0 0 400 180", class: "chart", role: "img", "aria-label": `${title}, by ${x}` });
  const write = (text, px, py, anchor) => {
    const label = svg("text", { x: px, y: py, "text-anchor": anchor });
    label.textContent = text;
    picture.append(label);
  };
  picture.append(svg("path", { d: "M50 15 V150 H390", class: "axis" }));
  if (finite.length) {
    write((log ? 10 ** high : high).toPrecision(3), 46, 24, "end");
    write((log ? 10 ** low : low).toPrecision(3), 46, 152, "end");
  }
  write(labels ? labels[0] : "1", 50, 166, "middle");
  write(labels ? labels[1] : count, 390, 166, "middle");
  write(x, 220, 170, "middle");
  if (at !== null) picture.append(svg("path", { d: `M${place(at, log ? 10 ** low : low)[0]} 15 V150`, class: "at" }));
  series.forEach(([, ys], k) => {
    let pen = "M";
    const path = ys.map((y, i) => {
      if (!Number.isFinite(y) || (log && y <= 0)) { pen = "M"; return ""; }
      const [px, py] = place(i, y);
      const piece = `${pen}${px.toFixed(1)} ${py.toFixed(1)}`;
      pen = "L";
      return piece;
    }).join(" ");
    picture.append(svg("path", { d: path || "M0 0", fill: "none", stroke: COLOURS[k % COLOURS.length], "stroke-width": 2 }));
  });
  const keys = series.map(([name, ys], k) => {
    const swatch = el("span", { class: "swatch" });
    swatch.style.background = COLOURS[k % COLOURS.length];
    const value = at === null ? null : ys[at];
    return el("li", {}, swatch, `${name}${value === null || value === undefined ? "" : ` ${Number.isFinite(value) ? value.toPrecision(3) : value}`}`);
  });
  return el("figure", { class: "card" }, el("h2", {}, title), picture, el("ul", { class: "keys" }, ...keys));
}
