// The graph as a picture of its own: an SVG that needs no style sheet, and a canvas that it is drawn on.

const INLINED = {
  shape: ["fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-dasharray", "opacity", "marker-start", "marker-end"],
  text: ["fill", "stroke", "stroke-width", "paint-order", "opacity", "font-family", "font-size", "font-weight", "font-style", "text-anchor"],
  g: ["opacity"],
};
const USUAL = { "fill-opacity": "1", "stroke-opacity": "1", "stroke-dasharray": "none", opacity: "1", "marker-start": "none", "marker-end": "none", "font-style": "normal", "text-anchor": "start", "paint-order": "normal" };
const LARGEST_CANVAS = 8192; // of a canvas, in pixels

// What of the drawing is taken: what is seen now, or all of it.
function frameOf(camera, whole) {
  if (!whole) return { ...camera.view, scale: camera.scale };
  const { width, height } = camera.full;
  return { x: -MARGIN, y: -MARGIN, width: width + 2 * MARGIN, height: height + 2 * MARGIN, scale: camera.normal };
}

// A copy of the drawing with its styles written into each element, in the colours of now.
function snapshot(page, whole = false) {
  const { picture } = page.graph;
  const copy = picture.cloneNode(true);
  const originals = picture.querySelectorAll("*");
  const hidden = [];
  copy.querySelectorAll("*").forEach((element, i) => {
    const style = getComputedStyle(originals[i]);
    if (style.visibility === "hidden" || style.display === "none") hidden.push(element);
    else inlineStyles(element, style);
  });
  hidden.forEach((element) => element.remove());
  stripped(copy);
  const { x, y, width, height, scale } = frameOf(page.camera, whole);
  Object.entries({ xmlns: "http://www.w3.org/2000/svg", viewBox: `${x} ${y} ${width} ${height}`, width: Math.round(width * scale), height: Math.round(height * scale) }).forEach(([name, value]) => copy.setAttribute(name, value));
  const title = svg("title", {});
  title.textContent = page.data.title;
  copy.prepend(title, svg("rect", { x, y, width, height, fill: getComputedStyle(document.body).backgroundColor }));
  return copy;
}

function inlineStyles(element, style) {
  const kind = { text: "text", tspan: "text", g: "g" }[element.localName] ?? "shape";
  stripped(element);
  if (["defs", "marker", "title", "clipPath"].includes(element.localName)) return;
  for (const name of INLINED[kind]) {
    const value = style.getPropertyValue(name);
    const isIdle = name.startsWith("stroke-") && style.stroke === "none";
    if (value !== USUAL[name] && !isIdle) element.setAttribute(name, value);
    else element.removeAttribute(name);
  }
  // The style sheet moves the lines of a node to its middle.
  if (kind === "text" && style.transform !== "none" && !element.hasAttribute("transform")) element.setAttribute("transform", style.transform);
}

// Without what only a page needs.
function stripped(element) {
  for (const { name } of [...element.attributes]) if (/^(class|style|role|tabindex|aria-.*|data-.*)$/.test(name)) element.removeAttribute(name);
}

const svgText = (picture) => new XMLSerializer().serializeToString(picture);

// Draws an SVG on a canvas of its size times a scale; another canvas may be given to draw on.
async function rasterised(picture, scale, canvas = el("canvas")) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgText(picture))}`;
  await image.decode();
  const [width, height] = SIDES.map((side) => Number(picture.getAttribute(side)));
  const fits = Math.min(scale, LARGEST_CANVAS / width, LARGEST_CANVAS / height);
  Object.assign(canvas, { width: Math.round(width * fits), height: Math.round(height * fits) });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}

// Gives a file to the reader.
function saveFile(blob, suffix, title) {
  const name = title.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "graph";
  const link = el("a", { href: URL.createObjectURL(blob), download: `${name}.${suffix}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
