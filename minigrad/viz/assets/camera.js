// The part of the drawing that is seen: panning, zooming, and a camera that follows.

const SMALLEST = 16; // the font of the smallest labels, in the drawing's own units
const READABLE = { window: 14, projector: 20 }; // pixels that they are high at least, at normal zoom
const LARGEST = 1.6; // a small drawing is not blown up further

const MARGIN = 16;
const STILL = 5; // pixels that a finger moves in a click
const MOST_BEGUN = 400; // of so many nodes at most, the best place to begin is looked for
const SIDES = ["width", "height"];

const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

class Camera {
  constructor(place) {
    this.place = place;
    this.label = READABLE.window; // how high the smallest labels shall be, at normal zoom
    new ResizeObserver(() => this.goal && !this.isOnPaper && this.place.clientWidth && this.resized()).observe(place);
  }

  // Another window begins anew, or, where the reader has moved, shows more or less of the same about the same middle.
  resized() {
    if (!this.hasMoved) return this.start(this.direction);
    const { x, y, width, height } = this.goal;
    return this.look(this.around({ x: x + width / 2, y: y + height / 2 }, this.measured / width));
  }

  get normal() { return this.label / SMALLEST; }
  get scale() { return this.place.clientWidth / this.view.width; }

  // A drawing, and where it starts to be seen: all of it, or its beginning, where all would be too small to read.
  begin(picture, direction) {
    this.picture = picture;
    const [, , width, height] = picture.getAttribute("viewBox").split(" ").map(Number);
    this.full = { width, height };
    this.panning(picture);
    this.start(direction);
  }

  start(direction) {
    this.direction = direction;
    const { width, height } = this.full;
    const scale = Math.min(LARGEST * this.normal, Math.max(this.normal, this.fitting(this.full)));
    const seen = { width: this.place.clientWidth / scale, height: this.place.clientHeight / scale };
    const [along, across] = direction === "LR" ? ["width", "height"] : ["height", "width"];
    const centre = { x: width / 2, y: height / 2 };
    const axis = (side) => (side === "width" ? "x" : "y");
    if (this.full[along] > seen[along]) centre[axis(along)] = seen[along] / 2;
    if (this.full[across] > seen[across]) centre[axis(across)] = this.beginning(axis(across), across, axis(along), seen) + seen[across] / 2;
    this.look(this.around(centre, scale));
    this.began = this.goal;
  }

  get hasMoved() { return this.goal !== this.began; }

  // The middle of an element, in the drawing's own units.
  centre(element) {
    const { x, y, width, height } = this.extent([element]);
    return { x: x + width / 2, y: y + height / 2 };
  }

  // Where a window across a wide drawing shows most nodes and labels whole, and cuts fewest.
  beginning(axis, side, other, seen) {
    const room = seen[side];
    const shapes = [...this.picture.querySelectorAll(".node, .edge > text")].slice(0, MOST_BEGUN).map((shape) => this.extent([shape]));
    const here = shapes.filter((box) => box[other] < seen[other === "x" ? "width" : "height"]);
    const last = this.full[side] - room;
    const places = here.flatMap((box) => [box[axis] - MARGIN, box[axis] + box[side] + MARGIN - room]).map((at) => Math.max(0, Math.min(last, at)));
    const score = (at) => {
      let sum = 0;
      for (const box of here) {
        const [start, end] = [box[axis], box[axis] + box[side]];
        if (start >= at - 1 && end <= at + room + 1) sum += 1;
        else if (end > at && start < at + room) sum -= 0.6;
      }
      return sum - Math.abs(at - last / 2) / (100 * this.full[side]); // of equals, the one nearest to the middle
    };
    return [last / 2, ...places].map((at) => [score(at), at]).reduce((a, b) => (b[0] > a[0] ? b : a))[1];
  }

  // The scale at which a rectangle fills the window.
  fitting({ width, height }) {
    return Math.min(this.place.clientWidth / (width + 16), this.place.clientHeight / (height + 16));
  }

  around({ x, y }, scale) {
    const width = this.place.clientWidth / scale;
    const height = this.place.clientHeight / scale;
    return { x: x - width / 2, y: y - height / 2, width, height };
  }

  fit() {
    this.glide(this.around({ x: this.full.width / 2, y: this.full.height / 2 }, Math.min(LARGEST * this.normal, this.fitting(this.full))));
  }

  look(view) {
    cancelAnimationFrame(this.frame);
    this.see(view);
    this.head(this.view);
  }

  // Where the camera is going to be, in a window of what width.
  head(view) {
    this.goal = view;
    this.measured = this.place.clientWidth;
  }

  // The view has the shape of the window, whatever shape it was asked for.
  see(view) {
    const height = view.width * (this.place.clientHeight / this.place.clientWidth);
    this.view = { x: view.x, y: view.y + (view.height - height) / 2, width: view.width, height };
    this.picture?.setAttribute("viewBox", `${this.view.x} ${this.view.y} ${this.view.width} ${this.view.height}`);
  }

  // As `look`, but so that the eye can follow.
  glide(view, duration = 350) {
    cancelAnimationFrame(this.frame);
    if (still()) return this.look(view);
    this.head(view);
    const from = { ...this.view };
    const began = performance.now();
    const move = (now) => {
      const part = Math.min(1, (now - began) / duration);
      const eased = part < 0.5 ? 2 * part * part : 1 - 2 * (1 - part) ** 2;
      this.see(Object.fromEntries(Object.keys(from).map((key) => [key, from[key] + eased * (view[key] - from[key])])));
      if (part < 1) this.frame = requestAnimationFrame(move);
    };
    this.frame = requestAnimationFrame(move);
    return undefined;
  }

  zoom(factor, at = { x: this.view.x + this.view.width / 2, y: this.view.y + this.view.height / 2 }) {
    const { x, y, width, height } = this.view;
    if (width * factor < 40 || width * factor > 40 * this.full.width) return;
    this.look({ x: at.x - (at.x - x) * factor, y: at.y - (at.y - y) * factor, width: width * factor, height: height * factor });
  }

  point(event) {
    return new DOMPoint(event.clientX, event.clientY).matrixTransform(this.picture.getScreenCTM().inverse());
  }

  // Where elements are, in the drawing's own units.
  extent(elements) {
    const boxes = elements.map((element) => {
      const box = element.getBoundingClientRect();
      return [this.point({ clientX: box.left, clientY: box.top }), this.point({ clientX: box.right, clientY: box.bottom })];
    });
    const x = Math.min(...boxes.map(([a]) => a.x));
    const y = Math.min(...boxes.map(([a]) => a.y));
    return { x, y, width: Math.max(...boxes.map(([, b]) => b.x)) - x, height: Math.max(...boxes.map(([, b]) => b.y)) - y };
  }

  // Bring elements into sight, at a scale at which they can be read: where there is no room for all, their beginning, with the
  // first of them.  What is in sight already stays where it is.
  follow(elements) {
    const all = this.extent(elements);
    const view = this.goal;
    const now = this.place.clientWidth / view.width;
    const scale = Math.max(this.normal, Math.min(now, this.fitting(all)));
    const isInside = ["x", "y"].every((axis, i) => all[axis] >= view[axis] && all[axis] + all[SIDES[i]] <= view[axis] + view[SIDES[i]]);
    if (isInside && now >= this.normal * 0.999) return;
    const first = this.extent(elements.slice(0, 1));
    const seen = this.around({ x: all.x + all.width / 2, y: all.y + all.height / 2 }, scale);
    for (const [i, axis] of ["x", "y"].entries()) {
      const room = seen[SIDES[i]];
      if (all[SIDES[i]] <= room) continue;
      const start = Math.max(all[axis], first[axis] + first[SIDES[i]] + 2 * MARGIN - room); // what is larger than the window begins in it
      seen[axis] = Math.min(start, first[axis]) - MARGIN;
    }
    this.glide(seen);
  }

  // On paper all of it is seen, however large the sheet is.
  print(isOnPaper) {
    this.isOnPaper = isOnPaper;
    if (isOnPaper) this.picture.setAttribute("viewBox", `${-MARGIN} ${-MARGIN} ${this.full.width + 2 * MARGIN} ${this.full.height + 2 * MARGIN}`);
    else this.look(this.goal);
  }

  // One finger or the mouse moves the drawing, two fingers or the wheel zoom: what they have touched stays below them.  In a frame the
  // wheel alone scrolls the document around it; with Ctrl, as which browsers report a pinch too, it zooms.
  panning(picture) {
    const held = new Map(); // pointers that are down: where each is, and what it holds
    let travelled = 0;
    picture.addEventListener("wheel", (event) => {
      if (root.hasAttribute("data-embed") && !event.ctrlKey) return;
      event.preventDefault();
      this.zoom(Math.exp(event.deltaY * 0.0015), this.point(event));
    }, { passive: false });
    picture.addEventListener("pointerdown", (event) => {
      cancelAnimationFrame(this.frame);
      if (!held.size) travelled = 0;
      held.set(event.pointerId, event);
      this.hold(held);
    });
    picture.addEventListener("pointermove", (event) => {
      const before = held.get(event.pointerId);
      if (!before) return;
      if (!event.buttons) return void held.delete(event.pointerId);
      travelled += Math.hypot(event.clientX - before.clientX, event.clientY - before.clientY);
      held.set(event.pointerId, event);
      if (travelled > STILL) this.drag([...held.values()]);
    });
    for (const kind of ["pointerup", "pointercancel", "pointerleave"]) picture.addEventListener(kind, (event) => {
      held.delete(event.pointerId);
      this.hold(held);
    });
    picture.addEventListener("click", (event) => travelled > STILL && event.stopPropagation(), true); // it was no click
  }

  // Note what the pointers touch: the middle between them, and how far they are from each other.
  hold(held) {
    this.held = held.size ? grip([...held.values()].map((event) => this.point(event))) : null;
  }

  drag(pointers) {
    const frame = this.place.getBoundingClientRect();
    const now = grip(pointers.map(({ clientX, clientY }) => ({ x: clientX - frame.left, y: clientY - frame.top })));
    const width = now.span && this.held.span ? this.place.clientWidth * (this.held.span / now.span) : this.view.width;
    if (width < 40 || width > 40 * this.full.width) return;
    const units = width / this.place.clientWidth;
    this.look({ x: this.held.x - now.x * units, y: this.held.y - now.y * units, width, height: this.view.height * (width / this.view.width) });
  }
}

// The middle of one or two points, and their distance.
function grip(points) {
  const [a, b = a] = points;
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, span: Math.hypot(a.x - b.x, a.y - b.y) };
}
