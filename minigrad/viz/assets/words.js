// Texts as numbers: where explore was given a vocabulary, the data whose numbers are those of its words.

// Whole numbers that a step reads beside a table, or scores, of as many rows or columns as there are words; first those looked up.
function textsIn(steps, count) {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const isWhole = ({ dtype }) => /^u?int/.test(dtype ?? "");
  const reads = (step, id) => step.inputs.some(([source]) => source === id);
  const ends = (step) => steps.filter((other) => reads(other, step.id)).flatMap((other) => (isWhole(other) ? ends(other) : [[other, step.id]]));
  const isLookedUp = (step) => ends(step).some(([{ op }]) => ["getitem", "take"].includes(op));
  const found = steps.filter((step) => !step.op && isWhole(step)
    && ends(step).some(([{ inputs }, own]) => inputs.some(([source]) => source !== own && byId.get(source)?.shape?.includes(count))));
  return found.sort((one, other) => isLookedUp(other) - isLookedUp(one));
}

class Words {
  constructor(data, numbers) {
    const { steps, vocabulary } = data;
    Object.assign(this, { numbers, vocabulary: vocabulary ?? [], texts: vocabulary ? textsIn(steps, vocabulary.length) : [] });
    this.longest = this.vocabulary.reduce((most, { length }) => Math.min(12, Math.max(most, length)), 2);
    this.places = new Map(this.vocabulary.map((word, place) => [word, place]));
    const [text] = this.texts; // what stands there now is what lenses show
    if (text && this.rows(text)) Object.defineProperty(data, "tokens", { get: () => (text.shape.length > 1 ? this.rows(text) : this.rows(text)[0]) });
  }

  word(place) {
    return this.vocabulary[place] ?? String(place);
  }

  // The place of a word, or of what is typed as a number; undefined where there is none.
  place(typed) {
    return this.places.get(typed) ?? (/^\d+$/.test(typed) && Number(typed) < this.vocabulary.length ? Number(typed) : undefined);
  }

  // The words of a text, in lines along its last axis; null where its numbers are not known.
  rows(step) {
    const value = this.numbers.value(step.id);
    if (!value) return null;
    const width = value.shape.at(-1) ?? 1;
    return Array.from({ length: value.data.length / (width || 1) }, (_, y) => Array.from(value.data.subarray(y * width, (y + 1) * width), (place) => this.word(place)));
  }

  // What an example may be: of each text a line, or where time comes first, a column.
  sentences(example) {
    return this.texts.flatMap((step) => {
      const rows = this.rows(step) ?? [];
      return rows.length > 1 ? [rows[example], rows.map((row) => row[example])] : rows;
    }).filter(Boolean);
  }

  // A field for each word of a data: chosen or typed, and the number follows.
  editor(step, live, input, chosen) {
    const { numbers, shape } = live.inputs[input];
    const width = shape.at(-1) ?? 1;
    const lines = Array.from({ length: numbers.length / width }, (_, y) => el("div", { class: "sentence" },
      ...Array.from({ length: width }, (_one, x) => this.field(step, live, input, y * width + x, chosen))));
    return el("div", {}, el("datalist", { id: "vocabulary" }, ...this.vocabulary.map((word) => el("option", { value: word }))), ...lines,
      el("p", { class: "quiet" }, `Type another word, or choose one of the ${this.vocabulary.length} in the vocabulary.`));
  }

  field(step, live, input, at, chosen) {
    const { numbers, shape } = live.inputs[input];
    const number = el("span", { class: "quiet", "aria-hidden": "true" });
    const field = el("input", { type: "text", list: "vocabulary", autocomplete: "off", spellcheck: "false", "aria-label": nameOf(step, at, shape), style: `--longest: ${this.longest}` });
    const show = () => { number.textContent = numbers[at]; };
    field.value = this.word(numbers[at]);
    field.addEventListener("focus", () => { chosen.at = at; field.select(); });
    field.addEventListener("input", () => {
      const place = this.place(field.value);
      field.setAttribute("aria-invalid", place === undefined || live.change(input, (all) => { all[at] = place; }) === false);
      show();
    });
    field.addEventListener("change", () => { field.value = this.word(numbers[at]); field.removeAttribute("aria-invalid"); });
    show();
    return el("label", {}, field, number);
  }
}
