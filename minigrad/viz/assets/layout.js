// Graphviz on a thread of its own, for drawings that take it long: until it is done, and where it takes too long, the simple
// layout is shown.  Where no worker can be made, Graphviz runs on the page's own thread, and only for what it is quick with.

const SLOW = { nodes: 300, crossed: 500 }; // beyond, Graphviz takes longer than one likes to wait
const HOPELESS = { nodes: 6000, crossed: 6000 }; // beyond, it is not asked
const PATIENCE = 10000; // milliseconds

class Layouter {
  constructor() {
    this.worker = null;
    this.isPossible = true;
    this.isSimple = this.isWaiting = false;
  }

  // The script of a worker: the library as it stands in this page, and an answer to each source.
  start() {
    const library = document.querySelector("script:not([type])").textContent;
    const answer = "onmessage = ({ data }) => Viz.instance().then((viz) => postMessage(viz.renderString(data, { format: 'svg' })));";
    const url = URL.createObjectURL(new Blob([library, "\n", answer], { type: "text/javascript" }));
    try {
      this.worker = new Worker(url);
    } catch { // a policy of the place where the page stands
      this.isPossible = false;
    }
  }

  // Ask for the drawing of a source; `done` gets it, or null where it has taken too long.  A new question ends the one before.
  ask(source, done) {
    this.stop();
    if (!this.worker) this.start();
    if (!this.isPossible) return false;
    const end = (text) => {
      this.stop(text === null);
      done(text && new DOMParser().parseFromString(text, "image/svg+xml").documentElement);
    };
    this.isWaiting = true;
    this.timer = setTimeout(end, PATIENCE, null);
    this.worker.onmessage = ({ data }) => end(data);
    this.worker.onerror = () => { this.isPossible = false; end(null); };
    this.worker.postMessage(source);
    return true;
  }

  // Forget what was asked; a worker that is still busy is ended.
  stop(isBusy = this.isWaiting) {
    clearTimeout(this.timer);
    this.isWaiting = false;
    if (!isBusy) return;
    this.worker?.terminate();
    this.worker = null;
  }

  get note() {
    if (!this.isSimple) return [];
    return [this.isWaiting ? "Simple layout, while a better one is computed" : "Simple layout: the better one would take too long for so many edges"];
  }
}
