// The user's lines beside the graph: those of the node that is chosen or played light up; a click on a line finds its nodes.

class Code {
  constructor(data, onchoose) {
    this.lines = new Map();
    this.stepsAt = new Map();
    for (const step of data.steps) {
      if (!step.line) continue;
      const key = step.line.join(":");
      this.stepsAt.set(key, [...(this.stepsAt.get(key) ?? []), step]);
    }
    this.largest = Math.max(...data.steps.map((step) => step.size ?? 0));
    const files = data.code.map((file, i) => this.file(file, i, onchoose));
    this.element = el("section", { id: "code", "aria-label": "Code" }, ...files);
  }

  get known() { return this.lines.size > 0; }

  file({ name, blocks }, number, onchoose) {
    const rows = blocks.map((block) => el("ol", {}, ...block.map(([line, text]) => this.line(`${number}:${line}`, line, text, onchoose))));
    return el("div", {}, el("h2", {}, name), ...rows);
  }

  line(key, number, text, onchoose) {
    const words = [el("span", { class: "number", "aria-hidden": true }, number), el("code", {}, ...breakable(text.trimStart()))];
    const indent = text.length - text.trimStart().length; // what is broken goes on two letters further to the right
    words[1].style.paddingLeft = `${indent + 2}ch`;
    const steps = this.stepsAt.get(key);
    if (steps) words.unshift(el("span", { class: "size", role: "img" }));
    else words.unshift(el("span", { class: "size", "aria-hidden": true }));
    const row = el("li", {}, steps ? el("button", { "data-line": key, onclick: () => onchoose(steps) }, ...words) : el("div", {}, ...words));
    if (steps) this.lines.set(key, row);
    return row;
  }

  // In the margin the size of the gradient by what a line computes, once it has arrived: the longest bar is the largest
  // gradient, half of it a ten thousandth.
  measure(hasArrived) {
    for (const [key, row] of this.lines) {
      const sizes = this.stepsAt.get(key).filter((step) => step.size && hasArrived(step)).map((step) => step.size);
      const size = Math.max(0, ...sizes);
      const bar = row.querySelector(".size");
      bar.style.setProperty("--size", size ? Math.max(0.1, 1 + Math.log10(size / this.largest) / 8) : 0);
      bar.setAttribute("aria-label", size ? `gradient ${size.toPrecision(2)}` : "no gradient yet");
      bar.title = bar.getAttribute("aria-label");
    }
  }

  // Light up the line of a step, in the colour of what is happening.
  light(step, phase = "chosen") {
    for (const row of this.lines.values()) row.classList.remove("forward", "backward", "chosen");
    const row = step?.line && this.lines.get(step.line.join(":"));
    if (!row) return;
    row.classList.add(phase);
    const { offsetTop: top, offsetHeight: height } = row;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop || top + height > scrollTop + clientHeight) this.element.scrollTop = top - clientHeight / 2;
  }
}

// Where a line of code may go on in the next line: behind a bracket or a comma.
function breakable(text) {
  return text.split(/(?<=[([,])/).flatMap((words, i) => (i ? [el("wbr"), words] : [words]));
}
