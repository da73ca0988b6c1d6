// What a test asks for: {what, ...}, computed by runtime.js and library.js.

globalThis.answer = ({ what, ...request }) => {
  if (what === "define") return (0, eval)(request.script), null; // a test's own text; a page has a script element for it
  if (what === "evaluate") {
    const { description, script } = request;
    return eval(script);
  }
  if (what === "loops") return request.loops.map(loop);
  return request.programs.map(program);
};

const encoded = (data) => {
  const bytes = new Uint8Array(Float64Array.from(data).buffer);
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return btoa(text);
};

// A loop, on copies of the memory of arrays; what they hold afterwards.
const loop = ({ number, arrays, places, scratch, numbers }) => {
  const memory = arrays.map(([dtype, text]) => new minigrad.ARRAYS[dtype](minigrad.decoded("float64", text)));
  const views = places.map(([array, offset]) => memory[array].subarray(offset));
  const rooms = scratch.map(([dtype, size]) => new minigrad.ARRAYS[dtype](size));
  minigrad.functions[number](...views, ...rooms, ...numbers);
  return memory.map(encoded);
};

// A program after each of several edits of its inputs, or after each of several steps of a training.
const program = ({ description, edits, read, steps = 0 }) => {
  const running = new minigrad.Program(description);
  const found = [];
  const look = () => found.push({ trouble: running.trouble, values: read.map((value) => encoded(running.read(value).data)) });
  for (const edit of edits) {
    for (const [input, text] of edit) running.set(input, minigrad.decoded("float64", text));
    running.run();
    look();
  }
  for (let i = 0; i < steps; i++) {
    running.run();
    look();
    running.advance();
  }
  return { found, inputs: description.inputs.map(({ buffer }) => encoded(running.buffers[buffer])) };
};
