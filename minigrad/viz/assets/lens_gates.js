// The states and gates of a recurrent op over time, computed once more from what it read: the op keeps only h.
// Everything is of one example; a row is { name, title, size, scale, data }, data one unit after the other, each over all times.

// W_ih x + W_hh h, each with its bias, for one time.
function cellProduct(weight, bias, input) {
  const rows = weight.shape[0];
  const width = weight.shape[1];
  return Float64Array.from({ length: rows }, (_, r) => {
    let sum = bias ? bias.data[r] : 0;
    for (let i = 0; i < width; i += 1) sum += weight.data[r * width + i] * input[i];
    return sum;
  });
}

const cellSigmoid = (z) => 1 / (1 + Math.exp(-z));

// One step of each op: what the states become, and the gates on the way.
const CELLS = {
  rnn({ zx, zh, size, nonlinearity }) {
    const z = zx.map((x, j) => x + zh[j]);
    return { h: z.map(nonlinearity === "relu" ? (x) => Math.max(x, 0) : Math.tanh).slice(0, size) };
  },
  lstm({ zx, zh, c, size, project }) {
    const z = (gate, j) => zx[gate * size + j] + zh[gate * size + j];
    const each = (make) => Float64Array.from({ length: size }, (_, j) => make(j));
    const [i, f, g, o] = [0, 1, 2, 3].map((gate) => each((j) => (gate === 2 ? Math.tanh(z(gate, j)) : cellSigmoid(z(gate, j)))));
    const cell = each((j) => f[j] * c[j] + i[j] * g[j]);
    const h = each((j) => o[j] * Math.tanh(cell[j]));
    return { h: project ? cellProduct(project, null, h) : h, c: cell, i, f, g, o };
  },
  gru({ zx, zh, h, size }) {
    const each = (make) => Float64Array.from({ length: size }, (_, j) => make(j));
    const r = each((j) => cellSigmoid(zx[j] + zh[j]));
    const z = each((j) => cellSigmoid(zx[size + j] + zh[size + j]));
    const n = each((j) => Math.tanh(zx[2 * size + j] + r[j] * zh[2 * size + j]));
    return { h: each((j) => n[j] + z[j] * (h[j] - n[j])), r, z, n };
  },
};

const GATE_ROWS = {
  h: ["h", "the state", [-1, 1]], c: ["c", "the cell", null], i: ["i", "input gate", [0, 1]], f: ["f", "forget gate", [0, 1]],
  g: ["g", "candidate", [-1, 1]], o: ["o", "output gate", [0, 1]], r: ["r", "reset gate", [0, 1]], z: ["z", "update gate: how much of h stays", [0, 1]],
  n: ["n", "candidate", [-1, 1]],
};
const GATE_ORDER = { rnn: ["h"], lstm: ["h", "c", "i", "f", "g", "o"], gru: ["h", "r", "z", "n"] };

function cellRow(key, size, steps) {
  const [name, title, scale] = GATE_ROWS[key];
  return { key, name, title, size, scale, data: new Float64Array(size * steps) };
}

// The rows of a fused op for one example; null where the page does not have what it read.
function fusedRows(step, numbers, example) {
  const read = (name) => numbers.argument(step, name);
  const [x, h0, wx, wh] = ["x", "h0", "w_ih", "w_hh"].map(read);
  if (![x, h0, wx, wh].every((array) => array?.data)) return null;
  const [steps, batch, features] = x.shape;
  const [keep, drop, project, bx, bh, c0] = ["keep", "drop", "w_hr", "b_ih", "b_hh", "c0"].map(read);
  const of = (array, width) => Float64Array.from(array.data.slice(example * width, (example + 1) * width));
  const width = h0.shape[1];
  let h = of(h0, width);
  let c = c0 ? of(c0, c0.shape[1]) : null;
  const size = c ? c.length : width;
  const rows = GATE_ORDER[step.op].map((key) => cellRow(key, key === "h" ? width : size, steps));
  for (let t = 0; t < steps; t += 1) {
    const lasts = !keep?.data || keep.data[t * batch + example];
    const from = (t * batch + example) * features;
    const input = lasts ? x.data.slice(from, from + features) : new Float64Array(features);
    const fed = drop?.data ? h.map((value, j) => value * drop.data[example * width + j]) : h;
    const made = CELLS[step.op]({ zx: cellProduct(wx, bx, input), zh: cellProduct(wh, bh, fed), h, c, size, nonlinearity: read("nonlinearity"), project });
    if (lasts) [h, c] = [made.h, made.c ?? c];
    const shown = { ...made, h: lasts ? h : h.map(() => 0), c }; // beyond the end the output is 0, and the states stay
    for (const row of rows) for (let j = 0; j < row.size; j += 1) row.data[j * steps + t] = shown[row.key][j];
  }
  return { rows, steps, examples: batch };
}

// The gradient's norm at each time, for one example: of what the op reads there.
function fusedReach(step, numbers, example) {
  const sent = numbers.find(step.id, "reach", null);
  if (!sent) return null;
  const [steps, batch, features] = sent.shape;
  return Array.from({ length: steps }, (_, t) => cellNorm(sent.data, (t * batch + example) * features, features));
}

function cellNorm(data, from, length) {
  let sum = 0;
  for (let i = from; i < from + length; i += 1) sum += data[i] * data[i];
  return Math.sqrt(sum);
}
