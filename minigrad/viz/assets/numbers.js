// The numbers of a step, all of them: from the program that the page computes, else those that it carries.

class Numbers {
  constructor(data, live) {
    Object.assign(this, { live, steps: new Map(data.steps.map((step) => [step.id, step])), carried: data.arrays ?? {} });
  }

  // { data, shape, dtype } of a step's value, of one of its outputs; null of what is not known.
  value(id, output = null) {
    return this.find(id, "value", output);
  }

  gradient(id, output = null) {
    return this.find(id, "gradient", output);
  }

  find(id, what, output) {
    const found = this.live.why === null ? this.live.read(this.live.own.get(id)[what]) : this.decoded(id, what);
    return (Array.isArray(found) ? found[output ?? 0] : found) ?? null;
  }

  decoded(id, what) {
    const found = this.carried[id]?.[what] ?? null;
    const one = (array) => array && (array.data = typeof array.data === "string" ? floats(array.data) : array.data, array);
    return Array.isArray(found) ? found.map(one) : one(found);
  }

  // Of a step's argument: the array that it reads, or what it was given.
  argument(step, name) {
    const given = step.given[name];
    if (given === undefined) return null;
    return given.from === undefined ? given.value : this.value(given.from, given.output);
  }
}

function floats(text) {
  return new Float32Array(bytesOf(text).buffer);
}
