// A dot carries what flows along an edge; where several gradients meet, their sum appears.

class Carrier {
  constructor(graph) {
    this.graph = graph;
  }

  clear() {
    cancelAnimationFrame(this.frame);
    this.layer?.remove();
    this.layer = null;
  }

  // Along each edge, with its number where it is short; then `sum` stands at the node where they meet.
  carry(loads, phase, target, sum) {
    this.clear();
    const layer = svg("g", { class: `carried ${phase}`, "aria-hidden": true });
    this.layer = layer;
    this.graph.picture.querySelector("g.graph").append(layer);
    const dots = still() ? [] : loads.flatMap(({ edge, text }) => this.dot(layer, edge, text));
    const arrive = () => {
      layer.replaceChildren();
      if (sum) this.meet(layer, target, sum);
    };
    if (!dots.length) return arrive();
    const began = performance.now();
    const move = (now) => {
      const part = Math.min(1, (now - began) / 700);
      for (const { path, length, mark } of dots) {
        const { x, y } = path.getPointAtLength(length * (phase === "backward" ? 1 - part : part));
        mark.setAttribute("transform", `translate(${x} ${y})`);
      }
      if (part < 1) this.frame = requestAnimationFrame(move);
      else arrive();
    };
    move(began);
    return undefined;
  }

  dot(layer, edge, text) {
    const path = edge?.element?.querySelector("path");
    if (!path) return [];
    const mark = svg("g", {});
    mark.append(svg("circle", { r: 7 }));
    if (text && text.length < 12) {
      const number = svg("text", { x: 12, y: 5, "font-size": SMALLEST });
      number.textContent = text;
      mark.append(number);
    }
    layer.append(mark);
    return [{ path, length: path.getTotalLength(), mark }];
  }

  // The sum stands above the node, or below it where the window ends, in a frame as large as its text, and not beyond the sides.
  meet(layer, target, sum) {
    const box = target.getBBox();
    const frame = this.graph.place.getBoundingClientRect();
    const isFree = target.getBoundingClientRect().top - frame.top > 50;
    const text = svg("text", { x: box.x + box.width / 2, y: isFree ? box.y - 14 : box.y + box.height + 26, "text-anchor": "middle", "font-size": SMALLEST });
    text.textContent = sum;
    layer.append(text);
    const { x, y, width, height } = text.getBBox();
    layer.prepend(svg("rect", { x: x - 8, y: y - 4, width: width + 16, height: height + 8, rx: 6 }));
    const { left, right } = layer.getBoundingClientRect();
    const beyond = Math.max(0, right + 4 - frame.right) || Math.min(0, left - 4 - frame.left);
    if (beyond && right - left < frame.width) layer.setAttribute("transform", `translate(${-beyond / this.graph.camera.scale} 0)`);
  }
}
