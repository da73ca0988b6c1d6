// In a notebook: each picture of an array tells the number under the mouse, or at the cursor that the arrow keys move.
// Without scripts, on GitHub say, the pictures stay.
for (const figure of document.querySelectorAll(".minigrad-array:not([data-live])")) {
  figure.dataset.live = "";
  const image = figure.querySelector("img");
  const told = figure.querySelector("output");
  const { width, height, axes, rank, kind, data } = JSON.parse(figure.dataset.numbers);
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const numbers = kind === "f4" ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer);
  const index = new Map(); // of each cell
  const walk = (k, found, x, y) => {
    if (k === axes.length) index.set(y * width + x, found);
    else for (const [i, dx, dy] of axes[k].places) walk(k + 1, Object.assign([...found], { [axes[k].axis]: i }), x + dx, y + dy);
  };
  walk(0, Array(rank).fill(0), 0, 0);
  const order = new Map([...index.keys()].sort((a, b) => a - b).map((cell, i) => [cell, i])); // the numbers stand row by row
  const at = { x: 0, y: 0 };
  const text = (x) => {
    if (kind !== "f4" || !Number.isFinite(x)) return String(x);
    for (let digits = 1; digits < 9; digits += 1) if (Math.fround(Number(x.toPrecision(digits))) === x) return String(Number(x.toPrecision(digits)));
    return String(Number(x.toPrecision(9)));
  };
  const tell = (x, y) => {
    const cell = y * width + x;
    if (x < 0 || y < 0 || x >= width || y >= height || !index.has(cell)) return false;
    Object.assign(at, { x, y });
    told.textContent = `[${index.get(cell).join(", ")}] = ${text(numbers[order.get(cell)])}`;
    return true;
  };
  image.tabIndex = 0;
  image.style.cursor = "crosshair";
  image.addEventListener("pointermove", (event) => {
    const frame = image.getBoundingClientRect();
    tell(Math.floor(((event.clientX - frame.left) / frame.width) * width), Math.floor(((event.clientY - frame.top) / frame.height) * height));
  });
  image.addEventListener("focus", () => tell(at.x, at.y));
  image.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way) return;
    event.preventDefault();
    event.stopPropagation(); // the notebook would go to another cell
    let [x, y] = [at.x, at.y];
    do { x += way[0]; y += way[1]; } while (x >= 0 && y >= 0 && x < width && y < height && !tell(x, y));
  });
}
