// Where windows lie, as minigrad/ops/window.py has it, along two axes: a signal has a first one of length 1.

const FLAT = { shape: 1, size: 1, stride: 1, padding: [0, 0], dilation: 1, out: 1 };

class Windows {
  constructor(axes) {
    this.axes = axes;
    this.size = axes.map((axis) => axis.size);
    this.shape = axes.map((axis) => axis.shape);
    this.out = axes.map((axis) => axis.out);
  }

  // Of a step's argument; null where there are more than two axes.
  static of(window) {
    if (!window || window.shape.length > 2) return null;
    const axes = window.shape.map((_, i) => Object.fromEntries(Object.keys(FLAT).map((name) => [name, window[name][i]])));
    return new Windows(axes.length === 1 ? [FLAT, ...axes] : axes);
  }

  get isFlat() { return this.axes[0] === FLAT; }

  // The same input under other windows; null where they do not fit.
  tried({ stride, padding, dilation }) {
    const axes = this.axes.map((axis) => {
      if (axis === FLAT) return axis;
      const room = axis.shape + 2 * padding - dilation * (axis.size - 1) - 1;
      return { ...axis, stride, padding: [padding, padding], dilation, out: Math.floor(room / stride) + 1 };
    });
    return axes.every((axis) => axis.out >= 1) ? new Windows(axes) : null;
  }

  // The pixel of the input that place k of window p reads; it may lie in the padding.
  place(p, k) {
    return this.axes.map((axis, i) => p[i] * axis.stride + k[i] * axis.dilation - axis.padding[0]);
  }

  holds(q) {
    return q.every((at, i) => at >= 0 && at < this.shape[i]);
  }

  // The window whose place k reads pixel q; null where there is none.
  reader(q, k) {
    const p = this.axes.map((axis, i) => (q[i] + axis.padding[0] - k[i] * axis.dilation) / axis.stride);
    return p.every((at, i) => Number.isInteger(at) && at >= 0 && at < this.out[i]) ? p : null;
  }

  // All windows, row by row.
  get places() {
    return Array.from({ length: this.out[0] * this.out[1] }, (_, i) => [Math.floor(i / this.out[1]), i % this.out[1]]);
  }

  // A function of each place, in rows.
  rows(make) {
    return Array.from({ length: this.size[0] }, (_, y) => Array.from({ length: this.size[1] }, (__, x) => make([y, x])));
  }

  // The input with all that windows reach around it.
  get frame() {
    const spans = this.axes.map((axis) => {
      const end = (axis.out - 1) * axis.stride + axis.dilation * (axis.size - 1) + 1 - axis.padding[0];
      return [-axis.padding[0], Math.max(axis.shape + axis.padding[1], end)];
    });
    return { top: spans[0][0], left: spans[1][0], height: spans[0][1] - spans[0][0], width: spans[1][1] - spans[1][0] };
  }

  outline(p) {
    const [y, x] = this.place(p, [0, 0]);
    const [height, width] = this.axes.map((axis) => axis.dilation * (axis.size - 1) + 1);
    return { y, x, height, width };
  }
}

// Where a lens begins: more is to be seen in the middle of an image than in its corner.
const middle = (size) => size.map((length) => Math.floor((length - 1) / 2));

// One plane of an array as a picture has it, by its number over all axes before; null outside.
function planeOf({ data }, number, [height, width]) {
  const start = number * height * width;
  const [low, high] = extent(data.subarray(start, start + height * width).filter(Number.isFinite));
  const at = (y, x) => (y < 0 || x < 0 || y >= height || x >= width ? null : data[start + y * width + x]);
  return { at, low, high, top: 0, left: 0, height, width, note: `${general(low, 3)} to ${general(high, 3)}` };
}
