// A film of the player, by the browser's own recorder: each frame is the drawing, drawn on a canvas.

const FILM_KINDS = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm", "video/mp4"];
const FILM = { width: 1280, least: 640, caption: 84, rate: 25, end: 1500 };

class Film {
  constructor(page, tell) {
    Object.assign(this, { page, tell });
    const records = typeof MediaRecorder === "function" && "captureStream" in HTMLCanvasElement.prototype;
    this.kind = (records && FILM_KINDS.find((kind) => MediaRecorder.isTypeSupported(kind))) || null;
    this.suffix = this.kind?.includes("mp4") ? "mp4" : "webm";
    this.label = this.suffix === "mp4" ? "Film (MP4)" : "Film (WebM)";
    this.why = 'This browser has no recorder of films. In Python, viz.export(..., path="film.gif") makes one.';
  }

  // From the first step to the last, at the speed that is chosen.
  async record() {
    const { player } = this.page;
    if (this.stopped === false) return; // it runs already
    if (player.timer) togglePlay();
    const before = player.at;
    this.stopped = false;
    try {
      saveFile(await this.film(player), this.suffix, this.page.data.title);
      this.tell("");
    } finally {
      this.stopped = true;
      player.go(before);
    }
  }

  async film(player) {
    const picture = snapshot(this.page);
    const [width, height] = SIDES.map((side) => Number(picture.getAttribute(side)));
    const scale = Math.max(FILM.least, Math.min(FILM.width, 2 * width)) / width;
    this.size = { width: 2 * Math.round((width * scale) / 2), height: 2 * Math.round((height * scale + FILM.caption) / 2) };
    this.canvas = el("canvas", this.size);
    await this.frame();
    const recorder = new MediaRecorder(this.canvas.captureStream(FILM.rate), { mimeType: this.kind, videoBitsPerSecond: 6e6 });
    const pieces = [];
    recorder.addEventListener("dataavailable", ({ data }) => pieces.push(data));
    const ended = new Promise((done) => { recorder.addEventListener("stop", done, { once: true }); });
    recorder.start();
    for (let at = 0; at < player.events.length && !this.stopped; at += 1) {
      this.tell(`Recording step ${at + 1} of ${player.events.length}: keep this page in front. `, el("button", { id: "film-stop", onclick: () => { this.stopped = true; } }, "End it here"));
      player.go(at);
      await this.until(performance.now() + Number(player.speed ?? 1200));
    }
    await this.until(performance.now() + FILM.end);
    recorder.stop();
    await ended;
    return new Blob(pieces, { type: this.kind.split(";")[0] });
  }

  async until(time) {
    do {
      await this.frame();
      await new Promise((done) => { setTimeout(done, 1000 / FILM.rate / 2); });
    } while (performance.now() < time);
  }

  // The drawing as it is now, and below it what happens.
  async frame() {
    const { width, height } = this.size;
    const picture = snapshot(this.page);
    Object.entries({ width, height: height - FILM.caption }).forEach(([name, value]) => picture.setAttribute(name, value));
    const drawn = await rasterised(picture, 1, this.drawn ??= el("canvas"));
    const context = this.canvas.getContext("2d");
    const style = (name) => getComputedStyle(this.page.now).getPropertyValue(name);
    context.fillStyle = getComputedStyle(document.body).backgroundColor;
    context.fillRect(0, 0, width, height);
    context.drawImage(drawn, 0, 0);
    context.fillStyle = style("color");
    context.textBaseline = "middle";
    const [first, second] = caption(this.page.player);
    context.font = `600 24px ${FONT}`;
    context.fillText(first, 24, height - FILM.caption + 24, width - 48);
    context.font = `24px ${FONT}`;
    context.fillText(second, 24, height - 28, width - 48);
  }
}

// What happens at a step of the player, in two lines of text.
function caption(player) {
  if (player.at < 0) return ["", ""];
  const { phase, step, within, node } = player.events[player.at];
  const name = within ? node.shut.title : step.label;
  const head = `${player.at + 1} of ${player.events.length}, ${phase}: ${name}`;
  if (phase === "forward") return [head, `${within || !step.op ? "" : `${step.call} = `}${step.value?.text ?? step.short}`];
  const sum = step.arrives.length > 1 && !within ? `${added(step.arrives)} = ` : "";
  return [head, `gradient ${sum}${step.gradient?.text ?? step.shortGradient.replace(/^gradient /, "")}`];
}
