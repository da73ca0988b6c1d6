// The page as a worksheet: the graph and the tables with blanks, and on another sheet with the answers; with the numbers of now.

class Worksheet {
  constructor(page) {
    this.page = page;
    window.addEventListener("afterprint", () => this.close());
  }

  print() {
    this.close();
    this.element = el("div", { id: "worksheet" }, this.sheet(false), this.sheet(true));
    document.body.append(this.element);
    this.page.root.toggleAttribute("data-worksheet", true);
    window.print();
  }

  close() {
    this.element?.remove();
    this.page.root.toggleAttribute("data-worksheet", false);
  }

  sheet(isFilled) {
    const { data } = this.page;
    const back = data.backward.map((id) => this.page.graph.byId.get(id));
    const about = el("p", { class: "about" }, ...["Name", "Date", "Points"].map((name) => el("span", {}, name)));
    const task = el("p", {}, "Compute the values from what is given, then the gradients of the result, from the result back. In the graph there is room for the value, and below it for the gradient.");
    return el("section", { class: isFilled ? "answers" : "blanks" }, el("h1", {}, isFilled ? `Answers: ${data.title}` : data.title), ...(isFilled ? [] : [about, task]), this.graph(isFilled),
      el("h2", {}, "Forward"), this.table(["Step", "Formula", "Value"], data.steps.map((step) => this.forward(step, isFilled))),
      el("h2", {}, "Backward"), this.table(["Gradient", "Rule", "Number"], back.flatMap((step) => this.backward(step, isFilled))));
  }

  // The drawing as it is laid out now: below each name room for the numbers, or the numbers.
  graph(isFilled) {
    return el("figure", {}, ...this.page.graph.drawings.map((drawing) => this.drawing(drawing, isFilled)));
  }

  drawing({ picture: original, camera }, isFilled) {
    const picture = original.cloneNode(true);
    const { width, height } = camera.full;
    picture.setAttribute("viewBox", `-4 -4 ${width + 8} ${height + 8}`);
    picture.querySelectorAll(".carried, [class^='paint-']").forEach((part) => part.remove());
    for (const node of this.page.graph.drawn) {
      if (!original.contains(node.element)) continue;
      const copy = picture.querySelector(`[id="${node.element.id}"]`);
      const [, ...lines] = copy.querySelectorAll("text");
      copy.removeAttribute("role");
      copy.removeAttribute("tabindex");
      copy.classList.remove("unseen-value", "unseen-gradient", "selected", "forward", "backward", "lit");
      if (!isFilled && node.members.some((step) => step.op)) copy.querySelector(".thumbnail")?.remove();
      if (node.shut || node.members.length > 1) continue;
      const [step] = node.members;
      lines.forEach((line, i) => {
        const isGiven = !step.op && i === 0;
        if (line.textContent.trim()) line.textContent = isFilled || isGiven ? this.short(step, i, line.textContent) : "............";
      });
    }
    for (const part of picture.querySelectorAll("[id]")) part.removeAttribute("id");
    picture.querySelectorAll(".edge").forEach((edge) => edge.classList.remove("forward", "backward"));
    return picture;
  }

  // All numbers of a small array, where there is room for them in the drawing.
  short(step, i, text) {
    const all = (i === 0 ? step.value : step.gradient)?.text;
    return all && step.shape?.length && all.length <= 16 ? all : text;
  }

  table(names, rows) {
    return el("table", {}, el("thead", {}, el("tr", {}, ...names.map((name) => el("th", { scope: "col" }, name)))), el("tbody", {}, ...rows));
  }

  row(kind, name, formula, number) {
    return el("tr", { class: kind }, el("td", {}, name), el("td", {}, ...formula), el("td", {}, number.replaceAll("-", "−")));
  }

  forward(step, isFilled) {
    const formula = !step.op ? ["given"] : step.formula ? [math(step.formula.math)] : [step.call];
    return this.row("value", step.label, formula, isFilled || !step.op ? step.value?.text ?? step.shapes : "");
  }

  // What arrives at a step, and what it sends.
  backward(step, isFilled) {
    const { arrives } = step;
    const text = step.gradient.text ?? arrives.join(", ");
    const total = arrives.length > 1 ? `${added(arrives)} = ${text}` : text;
    const rules = step.rules.map((rule) => this.row("sent", `to ${rule.label}`, isFilled ? this.rule(rule) : [], isFilled ? rule.sent : ""));
    return [this.row("gradient", `d ${step.label}`, [], isFilled || (step.output && total === "1") ? total : ""), ...rules];
  }

  rule({ formula }) {
    if (!formula) return [];
    return [math(formula.math), ...(formula.numbers ? [" = ", math(formula.numbers)] : [])];
  }
}

FEATURES.push((page) => {
  const worksheet = new Worksheet(page);
  const print = el("button", { id: "print-worksheet", "data-tells": "", onclick: () => { print.closest("details").open = false; worksheet.print(); } }, "Print as worksheet");
  page.menu("Practise", print);
});
