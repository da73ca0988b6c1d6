// Where a training runs: in a worker made of the page's own scripts, so that the page stays free; else on its thread, in slices.

// `hear` gets the reports; the function that is returned takes messages to the training.
function trainingDriver(lesson, hear) {
  const here = () => {
    // Not by timers, of which one that was set later may come first.
    const engine = new TrainingEngine(lesson, (report) => queueMicrotask(() => hear(report)), (next) => setTimeout(next));
    return (message) => engine.hear(message);
  };
  let send = null;
  const waiting = []; // until it is known whether the worker runs
  try {
    const own = `"use strict"; ${Philox} ${BatchOrder} ${TrainingEngine} (${inWorker})();`;
    const address = URL.createObjectURL(new Blob([document.getElementById("program").textContent, "\n", own], { type: "text/javascript" }));
    const worker = new Worker(address);
    worker.onmessage = ({ data: report }) => {
      if (report !== "ready") return hear(report);
      send = (message) => worker.postMessage(message);
      URL.revokeObjectURL(address);
      return waiting.splice(0).forEach(send);
    };
    worker.onerror = (event) => {
      if (send) throw new Error(event.message);
      event.preventDefault(); // workers are not allowed where this page stands
      send = here();
      waiting.splice(0).forEach(send);
    };
    worker.postMessage(lesson);
  } catch {
    send = here();
  }
  return (...message) => (send ? send(message) : waiting.push(message));
}

// What the worker does.  A channel calls back sooner than a timer, which waits for 4 ms.
function inWorker() {
  let engine = null;
  const { port1, port2 } = new MessageChannel();
  let next = null;
  port1.onmessage = () => next();
  const later = (then) => { next = then; port2.postMessage(null); };
  globalThis.onmessage = ({ data }) => {
    if (engine) engine.hear(data);
    else {
      engine = new TrainingEngine(data, (report) => globalThis.postMessage(report), later);
      globalThis.postMessage("ready");
    }
  };
}
