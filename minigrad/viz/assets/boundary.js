// What a network says of each point of a plane, as colours, with the examples on it.

// Pairs that the colour-blind tell apart; each class has a shape of its own, too.
const CLASS_COLOURS = [[11, 92, 173], [216, 100, 20], [60, 150, 80], [150, 80, 190], [180, 50, 80], [130, 120, 20], [40, 150, 160], [120, 120, 120]];
const CLASS_SHAPES = ["M-4 0A4 4 0 1 0 4 0A4 4 0 1 0 -4 0Z", "M-3.6 -3.6H3.6V3.6H-3.6Z", "M0 -4.6L4.4 3.4H-4.4Z", "M0 -5L5 0L0 5L-5 0Z"];

class Boundary {
  constructor(lesson) {
    this.lesson = lesson;
    const { size, low, high } = lesson.boundary;
    this.canvas = el("canvas", { width: size, height: size, "aria-hidden": "true" });
    this.points = svg("svg", { viewBox: "0 0 300 300", "aria-hidden": "true" });
    const [x, y] = [TrainingEngine.unpacked(lesson.data[0].dtype, lesson.data[0].shape, lesson.data[0].data), this.targets()];
    const classes = lesson.classes;
    for (let i = 0; i < Math.min(lesson.count, 1000); i += 1) {
      const kind = lesson.boundary.outputs > 1 ? y[i] : classes.indexOf(y[i]);
      const at = [(300 * (x[2 * i] - low[0])) / (low[1] - low[0]), 300 - (300 * (x[2 * i + 1] - high[0])) / (high[1] - high[0])];
      this.points.append(svg("path", { d: CLASS_SHAPES[kind % CLASS_SHAPES.length], transform: `translate(${at.map((p) => p.toFixed(1)).join(" ")})`, fill: `rgb(${CLASS_COLOURS[kind % CLASS_COLOURS.length]})` }));
    }
    this.field = el("div", { class: "plane", role: "img", "aria-label": "decision boundary and examples" }, this.canvas, this.points);
    this.element = el("figure", { class: "boundary" }, el("figcaption", {}, el("b", {}, "Decision"), ...classes.slice(0, 5).flatMap((name, i) => [this.key(lesson.boundary.outputs > 1 ? name : i), String(name)])), this.field);
  }

  targets() {
    const { dtype, shape, data } = this.lesson.data[1];
    return TrainingEngine.unpacked(dtype, shape, data);
  }

  key(kind) {
    const mark = svg("svg", { viewBox: "-6 -6 12 12", class: "mark", "aria-hidden": "true" });
    mark.append(svg("path", { d: CLASS_SHAPES[kind % CLASS_SHAPES.length], fill: `rgb(${CLASS_COLOURS[kind % CLASS_COLOURS.length]})` }));
    return mark;
  }

  // The class with the largest score at a point, and how sure the network is of it: its share in the softmax.
  said(scores, point) {
    const { outputs, threshold } = this.lesson.boundary;
    if (outputs === 1) {
      const score = scores[point];
      const share = threshold ? score : 1 / (1 + Math.exp(-score));
      return { best: score > threshold ? 1 : 0, sure: Math.abs(2 * share - 1) };
    }
    const from = point * outputs;
    let best = 0;
    for (let k = 1; k < outputs; k += 1) if (scores[from + k] > scores[from + best]) best = k;
    let sum = 0;
    for (let k = 0; k < outputs; k += 1) sum += Math.exp(scores[from + k] - scores[from + best]);
    return { best, sure: (outputs / sum - 1) / (outputs - 1) };
  }

  show(scores) {
    const { size } = this.lesson.boundary;
    paint(this.canvas, size, size, (i) => {
      const { best, sure } = this.said(scores, (size - 1 - Math.floor(i / size)) * size + (i % size)); // upwards
      return [...CLASS_COLOURS[best % CLASS_COLOURS.length], 40 + 110 * sure];
    });
  }
}
