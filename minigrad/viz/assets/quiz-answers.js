// What is right, and what the usual mistakes give: from the numbers that the page has now, which the reader may have changed.

class Answers {
  constructor(page) {
    this.page = page;
  }

  // A number of the computation: its sign, what it is, of which step, the how-many-th, which element.
  term([sign, what, id, which, element]) {
    if (what === "local") return (sign * this.read("sent", id, which, element)) / this.read("gradient", id, which, element);
    return sign * this.read(what, id, which, element);
  }

  sum(terms) {
    return terms.reduce((sum, term) => sum + this.term(term), 0);
  }

  // Exactly, where the page computes; else from what it shows, which has four digits.
  read(what, id, which, element) {
    return this.numbers(what, id, which)[element] ?? NaN;
  }

  numbers(what, id, which) {
    const { live, graph } = this.page;
    if (live.why === null) {
      const slot = live.own.get(id)[what];
      return live.read(what === "arrives" || what === "sent" ? slot[which] ?? null : slot)?.data ?? [];
    }
    const step = graph.byId.get(id);
    const text = { value: step.value?.text, gradient: step.gradient?.text, arrives: step.arrives[which], sent: step.rules[which]?.sent }[what];
    return (text?.match(/[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?/g) ?? []).map(Number);
  }

  // Which of the choices is right: of inputs, the one that gets more now.
  right(question) {
    const recorded = question.choices.findIndex((choice) => !choice.mistake);
    if (question.kind !== "more" || this.page.live.why !== null) return recorded;
    const [first, second] = [0, 1].map((which) => rootMeanSquare({ data: this.numbers("sent", question.step, which) }));
    if (Math.abs(first - second) <= 0.02 * Math.max(first, second)) return 2;
    return second > first ? 1 : 0;
  }

  // { right, name, why }: the first of the usual mistakes that gives what was typed.
  judge(question, answer) {
    if (question.choices.length) {
      const right = this.right(question);
      if (answer === right) return { right: true };
      const { mistake, why } = question.choices[answer];
      return { right: false, name: mistake || "wrong size", why: why || question.choices.find((choice) => choice.why)?.why };
    }
    const [typed, exact] = [typedNumber(answer), this.sum(question.answer)];
    if (typed === null) return { right: false, why: "A number is asked for: −0.5, 1/3, 2e-3." };
    if (agrees(typed, exact)) return { right: true };
    const [name, why] = question.slips.find(([, , terms]) => agrees(typed, this.sum(terms))) ?? [];
    if (name) return { right: false, name, why };
    const isNear = Math.abs(typed - exact) <= 5 * twoDigits(exact);
    return { right: false, why: isNear ? "Close: two digits are asked for." : "Not yet." };
  }

  // In text, with four digits.
  text(question) {
    return general(this.sum(question.answer)).replace("-", "−");
  }
}

// A number as one types it; null of anything else.  These three are those of viz/terms.py.
function typedNumber(text) {
  const match = /^([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?:\/(\d+\.?\d*))?$/i.exec(text.replace(/\s/g, "").replace(/,/g, ".").replace(/−/g, "-"));
  if (!match || Number(match[2]) === 0) return null;
  return Number(match[1]) / Number(match[2] ?? 1);
}

// How far a number may be from another one and still have the same two digits.
function twoDigits(x) {
  return x === 0 ? 0.005 : 0.5 * 10 ** (Math.floor(Math.log10(Math.abs(x))) - 1);
}

function agrees(typed, exact) {
  return Number.isFinite(exact) && Math.abs(typed - exact) <= twoDigits(exact) * (1 + 1e-6);
}
