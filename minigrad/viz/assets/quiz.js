// Questions about what comes next: what follows the current step is hidden until it is answered.

class Practice {
  constructor(page, questions) {
    Object.assign(this, { page, questions, answers: new Answers(page) });
    this.count = el("h2", { id: "quiz-count" });
    this.score = el("span", { id: "quiz-score", class: "quiet" });
    this.text = el("p", { id: "quiz-text" });
    this.place = el("div", { id: "quiz-place" });
    this.said = el("p", { id: "quiz-said", role: "status" });
    this.hints = el("div", { id: "quiz-hints", "aria-live": "polite" });
    const stop = el("button", { id: "quiz-stop", onclick: () => this.end() }, "Stop");
    this.section = el("section", { id: "quiz", "aria-label": "Quiz" }, el("div", { class: "row" }, this.count, this.score, stop), this.text, this.place, el("div", { id: "quiz-help" }, this.hints, this.said));
    page.listen("step", () => this.isOn && this.renew());
    page.listen("draw", () => this.isOn && this.mark());
  }

  get isOn() { return this.section.isConnected; }
  get question() { return this.questions[this.at]; }

  begin() {
    const { page } = this;
    Object.assign(this, { right: 0, helped: 0, made: new Map() });
    this.silence();
    page.root.toggleAttribute("data-quiz", true);
    page.hides = (step, part) => this.hides(step, part);
    page.app.querySelector("footer").prepend(this.section);
    this.at = 0;
    page.folding.openAll();
    page.redraw();
    this.ask(0);
    page.camera.start(page.graph.direction); // in the window that is left
    page.camera.follow([page.graph.nodeOf.get(this.question.step).element]);
  }

  // What would give answers away stops; its buttons are not there meanwhile.
  silence() {
    const { page } = this;
    page.player.pause();
    page.training?.toggle(false);
    page.live.nudged = null;
    page.app.querySelectorAll("[data-tells][aria-pressed='true']").forEach((button) => button.click());
  }

  end() {
    const { page } = this;
    page.root.toggleAttribute("data-quiz", false);
    page.hides = () => false;
    page.player.limit = null;
    this.section.remove();
    this.sign?.remove();
    page.player.go(-1);
    page.select(page.graph.selected, false);
    page.app.querySelector("#play").focus();
  }

  // What the details must not show: what was not reached, and what is sent on, before it has arrived everywhere.
  hides(step, part) {
    const { player, graph } = this.page;
    if (part === "value") return !player.reached("forward", step);
    if (part === "gradient") return !player.reached("backward", step);
    return !player.reached("backward", step) || step.rules.some((rule) => !player.reached("backward", graph.byId.get(rule.to)));
  }

  // The details again, with what may be seen now.
  renew() {
    const { page } = this;
    page.panel.replaceChildren(detail(page.graph.byId.get(page.graph.selected), page));
  }

  // In the graph a question mark stands where the number is asked for.
  mark() {
    this.sign?.remove();
    this.asking?.classList.remove("asks-value", "asks-arrives");
    const { kind, step } = this.question ?? {};
    if (this.isDone || (kind !== "value" && kind !== "arrives")) return;
    this.asking = this.page.graph.nodeOf.get(step).element;
    const hidden = this.asking.querySelectorAll("text")[kind === "value" ? 1 : 2];
    if (!hidden) return;
    this.asking.classList.add(`asks-${kind}`); // its lines make room for the mark
    this.sign = hidden.cloneNode();
    this.sign.textContent = "?";
    this.sign.setAttribute("class", `asked ${kind}`);
    hidden.parentNode.parentNode.append(this.sign);
  }

  // ---- one question

  ask(at) {
    this.at = at;
    if (!this.question) return this.finish();
    Object.assign(this, { hinted: 0, isDone: false, isFirst: true });
    const { step, kind, choices } = this.question;
    const event = this.page.player.seen.get(`${kind === "value" ? "forward" : "backward"} ${step}`);
    this.event = event;
    this.goTo(kind === "value" || kind === "arrives" ? event - 1 : event);
    this.page.select(step);
    this.text.textContent = this.question.text;
    this.said.replaceChildren();
    this.hints.replaceChildren();
    this.place.replaceChildren(choices.length ? this.choiceButtons(choices) : this.numberForm(), this.buttons());
    this.mark();
    this.tell();
    const isInFrame = root.hasAttribute("data-embed");
    if (!isInFrame || document.hasFocus()) this.place.querySelector("input, button").focus({ preventScroll: true }); // a frame leaves it to the document around
    return undefined;
  }

  goTo(limit) {
    const { player } = this.page;
    player.limit = limit;
    player.go(player.events.findLastIndex((event) => event.end <= limit));
  }

  numberForm() {
    this.field = el("input", { id: "quiz-answer", type: "text", inputmode: "decimal", autocomplete: "off", "aria-labelledby": "quiz-text", placeholder: "two digits" });
    const form = el("form", { class: "row", onsubmit: (event) => { event.preventDefault(); this.answer(this.field.value); } }, this.field, el("button", { id: "quiz-check" }, "Check"));
    return form;
  }

  choiceButtons(choices) {
    const shown = choices.map(({ text, math: markup }, i) => el("button", { class: "choice", "data-choice": i, onclick: () => this.answer(i) },
      el("kbd", {}, i + 1), " ", markup ? math(markup) : text));
    return el("div", { class: "row", role: "group", "aria-labelledby": "quiz-text" }, ...shown);
  }

  buttons() {
    const hint = el("button", { id: "quiz-hint", onclick: () => this.hint() }, "Hint");
    hint.disabled = !this.formulas(0).length;
    return el("div", { class: "row" }, hint, el("button", { id: "quiz-show", onclick: () => this.show() }, "Show answer"),
      el("button", { id: "quiz-next", onclick: () => this.ask(this.at + 1) }, "Skip"));
  }

  answer(given) {
    if (this.isDone) return;
    const { right, name, why } = this.answers.judge(this.question, given);
    const button = this.place.querySelector(`[data-choice="${given}"]`);
    button?.classList.add(right ? "right" : "wrong");
    this.field?.setAttribute("aria-invalid", !right);
    if (right) {
      this.right += 1;
      if (this.hinted || !this.isFirst) this.helped += 1;
      this.reveal("Right");
      return;
    }
    this.isFirst = false;
    if (name) this.made.set(name, (this.made.get(name) ?? 0) + 1);
    this.say("wrong", name ? `${capital(name)}: ` : "", why);
    this.field?.select();
  }

  show() {
    this.reveal("Answer");
  }

  // The numbers of the step appear, and the next question can come.
  reveal(word) {
    const { question } = this;
    this.isDone = true;
    this.mark();
    this.goTo(this.event);
    const right = question.choices.length ? this.answers.right(question) : null;
    this.place.querySelector(`[data-choice="${right}"]`)?.classList.add("right");
    this.place.querySelectorAll("#quiz-check, #quiz-show, #quiz-hint, .choice").forEach((button) => { button.disabled = true; });
    if (this.field?.isConnected) this.field.disabled = true;
    this.say(word === "Right" ? "right" : "shown", `${word}: `, right === null ? this.number() : question.choices[right].math ? math(question.choices[right].math) : question.choices[right].text);
    const next = this.place.querySelector("#quiz-next");
    next.textContent = this.at + 1 < this.questions.length ? "Next question" : "Finish";
    next.classList.add("chosen");
    this.tell();
    next.focus({ preventScroll: true });
  }

  // The answer; where several gradients arrive, their sum.
  number() {
    const { kind, step } = this.question;
    const { arrives } = this.page.graph.byId.get(step);
    const isSum = kind === "arrives" && arrives.length > 1 && arrives.every((text) => text.length < 12);
    return isSum ? `${added(arrives).replaceAll("-", "−")} = ${this.page.graph.byId.get(step).gradient.text.replaceAll("-", "−")}` : this.answers.text(this.question);
  }

  say(kind, name, ...rest) {
    this.said.className = kind;
    this.said.replaceChildren(el("b", {}, name), ...rest.filter(Boolean));
  }

  // The formulas of a hint: 0 the rule, 1 with numbers.
  formulas(level) {
    return this.question.hints.map(([what, id, which]) => {
      const step = this.page.graph.byId.get(id);
      const formula = what === "formula" ? step.formula : step.rules[which].formula;
      return formula?.[["math", "numbers"][level]];
    }).filter(Boolean);
  }

  hint() {
    const { kind } = this.question;
    const found = this.formulas(this.hinted);
    this.hints.append(...found.map((markup) => el("div", { class: "formula", tabindex: 0 }, this.hinted ? "= " : "", math(markup))));
    this.hinted += 1;
    this.place.querySelector("#quiz-hint").disabled = kind === "rule" || !this.formulas(this.hinted).length || this.hinted > 1;
    if (this.field?.isConnected) this.field.focus({ preventScroll: true });
  }

  // ---- the score

  tell() {
    this.count.textContent = `Question ${this.at + 1} of ${this.questions.length}`;
    this.score.textContent = `${this.right} right${this.helped ? `, ${this.helped} of them with help` : ""}`;
  }

  finish() {
    this.page.player.limit = null;
    this.page.player.go(this.page.player.events.length - 1);
    this.count.textContent = "Done";
    this.text.textContent = `${this.right} of ${this.questions.length} right${this.helped ? `, ${this.helped} of them with help` : ""}.`;
    this.score.textContent = "";
    this.hints.replaceChildren();
    const [most] = [...this.made].sort((a, b) => b[1] - a[1]);
    const often = most && `Most often: ${most[0]} (${most[1]} time${most[1] === 1 ? "" : "s"}).`;
    this.say("shown", "", often ?? (this.right === this.questions.length ? "All of them without a mistake that has a name." : ""));
    const again = el("button", { id: "quiz-again", onclick: () => this.begin() }, "Once more");
    this.place.replaceChildren(el("div", { class: "row" }, again));
    again.focus({ preventScroll: true });
  }

  // The numbers of the keyboard choose.
  key(event) {
    if (!this.isOn || !isOurs(event)) return;
    const choice = this.place.querySelector(`[data-choice="${Number(event.key) - 1}"]`);
    if (choice && !choice.disabled) choice.click();
  }
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);

FEATURES.push((page) => {
  const { questions, on } = page.data.quiz;
  if (!questions.length) return;
  const practice = new Practice(page, questions);
  const start = el("button", { id: "quiz-start", onclick: () => { start.closest("details").open = false; practice.begin(); } }, "Quiz");
  page.menu("Practise", start);
  document.addEventListener("keydown", (event) => practice.key(event));
  if (on) practice.begin();
});
