// What all charts share: round numbers along an axis, how they are written, and lines with gaps.

// Round numbers between two: 1, 2 or 5 times a power of ten apart, about as many as wanted.
function roundSteps(low, high, wanted) {
  const rough = (high - low || 1) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) * power;
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1 || 0; // NaN where the numbers are too large or too small
  return Array.from({ length: Math.max(0, count) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

// Whole exponents from one on: all of them, or every second, third ... where there are many.
function powersBetween(low, high, intervals = 7) {
  const every = Math.max(1, Math.ceil((high - low) / intervals));
  return Array.from({ length: Math.floor((high - low) / every) + 1 }, (_, i) => low + i * every);
}

// Round numbers between two logarithms: powers of ten, with 2 and 5 between them where these are few.
function roundPowers(low, high) {
  const between = high - low < 1.2 ? [1, 2, 5] : high - low < 2.5 ? [1, 3] : [1];
  return powersBetween(Math.floor(low), high, 6).flatMap((power) => between.map((factor) => Number(`${factor}e${power}`)))
    .filter((x) => Math.log10(x) >= low && Math.log10(x) <= high);
}

// A number at an axis.
function plainText(y) {
  const isShort = y === 0 || (Math.abs(y) >= 1e-3 && Math.abs(y) < 1e5);
  return (isShort ? String(Number(y.toPrecision(6))) : y.toExponential(1).replace(".0e", "e")).replace(/-/g, "−");
}

// A power of ten at an axis, with its exponent raised.
function powerText(power) {
  const raised = svg("tspan", { dy: -5, "font-size": 12 });
  raised.textContent = String(power).replace("-", "−");
  return ["10", raised];
}

// An exponent in plain text.
const raisedText = (power) => String(power).replace(/[-0-9]/g, (sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]);

// Text in a chart.
function chartText(words, x, y, anchor, name = "tick") {
  const label = svg("text", { x, y, "text-anchor": anchor, class: name });
  label.append(...[words].flat());
  return label;
}

// A line through points [x, y] as the `d` of a path: null is a gap, and a point between two gaps is a dot.
function lineThrough(points) {
  let pen = "M";
  return points.map((point, i) => {
    if (!point) { pen = "M"; return ""; }
    const piece = `${pen}${point[0].toFixed(1)} ${point[1].toFixed(1)}${pen === "M" && !points[i + 1] ? "h0.01" : ""}`;
    pen = "L";
    return piece;
  }).join("");
}
