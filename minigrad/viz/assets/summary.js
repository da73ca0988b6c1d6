// What is shown of an array {dtype, shape, data}: the same as summary.py and numbers.py make, once numbers have been changed.

const FULL = 48; // an array of so many numbers is shown with all of them
const IN_LINE = 6; // and in one line, of so many
const SIDE = 48; // pixels along a side of a picture
const PLANES = 36;

// Python's format(x, ".4g").
function general(x, digits = 4) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  const [mantissa, power] = x.toExponential(digits - 1).split("e");
  const exponent = Number(power);
  const short = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (x !== 0 && (exponent < -4 || exponent >= digits)) return `${short(mantissa)}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  return short((x + 0).toFixed(Math.max(digits - 1 - exponent, 0)));
}

// A sum of numbers.
const added = (texts) => texts.join(" + ").replaceAll("+ -", "− ");

const dimensions = (shape) => shape.join("×") || "scalar";

// Numbers in brackets, as deep as there are axes.
function nested(shape, data, from = 0) {
  if (!shape.length) return String(Number(data[from].toPrecision(4)));
  const [length, ...inner] = shape;
  const step = inner.reduce((n, m) => n * m, 1);
  return `[${Array.from({ length }, (_, i) => nested(inner, data, from + i * step)).join(", ")}]`;
}

function extent(data) {
  let low = Infinity;
  let high = -Infinity;
  for (const x of data) {
    if (x < low) low = x;
    if (x > high) high = x;
  }
  return [low, high];
}

// A number or a small array in full, of a larger one the shape and range.
function numberText(value) {
  if (value === null) return "?";
  if (Array.isArray(value)) return `(${value.map(numberText).join(", ")})`;
  const { shape, data } = value;
  if (!shape.length) return general(data[0]);
  if (data.length <= IN_LINE) return nested(shape, data);
  const [low, high] = data.some(Number.isNaN) ? [NaN, NaN] : extent(data);
  return `${dimensions(shape)}, ${general(low)} to ${general(high)}`;
}

// The root of the mean square of an array, or of several together.
function rootMeanSquare(value) {
  let sum = 0;
  let count = 0;
  for (const { data } of [value].flat().filter(Boolean)) {
    for (const x of data) sum += x * x;
    count += data.length;
  }
  return count ? Math.sqrt(sum / count) : 0;
}

// Text, range, numbers or picture, histogram.
function summary(value) {
  if (value === null) return null;
  if (Array.isArray(value)) return { parts: value.map(summary) };
  const { shape, data } = value;
  const found = { shape: dimensions(shape), text: numberText(value) };
  if (!data.length) return found;
  const finite = data.filter(Number.isFinite);
  const count = (test) => data.reduce((n, x) => n + (test(x) ? 1 : 0), 0);
  const odd = { NaN: count(Number.isNaN), infinite: count((x) => Math.abs(x) === Infinity), zero: count((x) => x === 0) };
  found.counts = Object.fromEntries(Object.entries(odd).filter(([, n]) => n));
  const [low, high] = extent(finite);
  if (finite.length > 1) {
    const mean = finite.reduce((sum, x) => sum + x, 0) / finite.length;
    const std = Math.sqrt(finite.reduce((sum, x) => sum + (x - mean) ** 2, 0) / finite.length);
    found.range = Object.fromEntries(Object.entries({ min: low, max: high, mean, std }).map(([name, x]) => [name, general(x)]));
  }
  if (data.length <= FULL) {
    const width = shape.at(-1) ?? 1;
    found.rows = Array.from({ length: data.length / width }, (_, i) => Array.from(data.subarray(i * width, (i + 1) * width), (x) => general(x)));
  } else if (finite.length) {
    found.map = picture(shape, data, low, high);
    found.histogram = histogramOf(finite, low, high);
  }
  return found;
}

function histogramOf(finite, low, high) {
  const counts = new Array(24).fill(0);
  const room = 0.5 * Math.max(1, Math.abs(low)); // that large numbers have, too
  const [from, to] = high > low ? [low, high] : [Math.max(low - room, -Number.MAX_VALUE), Math.min(high + room, Number.MAX_VALUE)];
  for (const x of finite) counts[Math.min(23, Math.floor(24 * ((x / 2 - from / 2) / (to / 2 - from / 2))))] += 1; // halves do not overflow
  return { counts, low: general(from, 3), high: general(to, 3) };
}

// Bytes from 0 (low) to 254 (high), 255 for NaN: planes of the last two axes side by side, thinned out.
function picture(shape, data, low, high) {
  const { height, width, at, caption } = montage(shape, data);
  const [down, across] = [Math.ceil(height / SIDE), Math.ceil(width / SIDE)];
  const size = [Math.ceil(height / down), Math.ceil(width / across)];
  const bytes = new Uint8Array(size[0] * size[1]);
  for (let y = 0; y < size[0]; y += 1) {
    for (let x = 0; x < size[1]; x += 1) {
      const value = at(y * down, x * across);
      bytes[y * size[1] + x] = Number.isFinite(value) ? (254 * (value - low)) / (high - low || 1) : 255;
    }
  }
  const note = Math.max(down, across) > 1 ? `${caption}, thinned ${down} to 1 down and ${across} to 1 across` : caption;
  return { width: size[1], height: size[0], low, high, caption: note, bytes };
}

function montage(shape, data) {
  const width = shape.at(-1) ?? 1;
  if (shape.length < 3) return { height: data.length / width, width, at: (y, x) => data[y * width + x], caption: dimensions(shape) };
  const height = shape.at(-2);
  const planes = data.length / (width * height);
  const columns = Math.ceil(Math.sqrt(Math.min(planes, PLANES)));
  const rows = Math.ceil(Math.min(planes, PLANES) / columns);
  const at = (y, x) => {
    const [plane, row, column] = [Math.floor(y / (height + 1)) * columns + Math.floor(x / (width + 1)), y % (height + 1), x % (width + 1)];
    return row === height || column === width || plane >= Math.min(planes, PLANES) ? NaN : data[(plane * height + row) * width + column];
  };
  const caption = `${planes > PLANES ? `the first ${PLANES} of ` : ""}${planes} planes of ${height}×${width}`;
  return { height: rows * (height + 1) - 1, width: columns * (width + 1) - 1, at, caption };
}
