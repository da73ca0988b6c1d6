// What a pixel of a convolution is made of, in numbers: a window times the weights, or the windows that it is in.

// One small pixel: a window of each channel, times the weights.
function tellWindow(lens, arrays, tried) {
  const { state, windows } = lens;
  const { large } = arrays;
  const channels = lens.channels("large");
  const tables = channels.map((channel) => {
    const { at, low, high } = lens.plane(large, channel);
    const factor = windows.rows((k) => at(...windows.place(state.p, k)));
    return tableOf(channel, [factor, low, high], windows.rows((k) => lens.weight(arrays, state.small, channel, k)), true);
  });
  const target = { index: [state.image, state.small, ...lens.shown(state.p)], channel: state.small };
  const total = tried ? tried.at(...state.p) : arrays.small && lens.plane(arrays.small, state.small, lens.actual.out).at(...state.p);
  return told(lens, arrays, tables, channels.indexOf(state.large), (i) => { state.large = channels[i]; lens.update(); }, target, total);
}

// One large pixel: of each channel the small pixels whose windows it is in, times the weight that it has there.
function tellPixel(lens, arrays) {
  const { state, windows } = lens;
  const channels = lens.channels("small");
  const tables = channels.map((channel) => {
    const { at, low, high } = lens.plane(arrays.small, channel, lens.actual.out);
    const readers = windows.rows((k) => windows.reader(state.q, k));
    return tableOf(channel, [readers.map((row) => row.map((p) => p && at(...p))), low, high], windows.rows((k) => lens.weight(arrays, channel, state.large, k)), false);
  });
  const target = { index: [state.image, state.large, ...lens.shown(state.q)], channel: state.large };
  const total = arrays.large && lens.plane(arrays.large, state.large).at(...state.q);
  return told(lens, arrays, tables, channels.indexOf(state.small), (i) => { state.small = channels[i]; lens.update(); }, target, total);
}

// The factors and products of one channel.  What lies in the padding is 0; what is in no window is nothing.
function tableOf(channel, [factor, low, high], weights, isPadded) {
  const filled = isPadded ? factor.map((row) => row.map((x) => x ?? 0)) : factor;
  const products = filled.map((row, y) => row.map((x, i) => (x === null ? null : x * weights[y][i])));
  return { channel, factor: filled, range: [low, high], weights, products, sum: products.flat().reduce((sum, x) => sum + (x ?? 0), 0) };
}

// The words, tables and sums of a pixel.
function told(lens, { bias, isForward }, tables, chosen, choose, { index, channel }, total) {
  const { factor, range, weights, products } = tables[chosen];
  const kind = isForward ? "value" : "gradient";
  const isWindow = lens.way === "window";
  const [from, to] = isWindow ? [lens.labels.large, lens.labels.small] : [lens.labels.small, lens.labels.large];
  const sum = tables.reduce((all, table) => all + table.sum, 0);
  const added = bias && isForward ? [" + bias ", bit("bias", bias.data[channel])] : [];
  const place = `${to}[${index.join(", ")}]`;
  const result = total === null || total === undefined ? [] : [" = ", isForward ? place : `d ${place}`, " = ", bit("total", total)];
  const isMissing = !isForward && !result.length;
  const count = products.flat().filter((x) => x !== null).length;
  const readers = count === 1 ? `one pixel of ${from} reads it, and sends` : `${count} pixels of ${from} read it, and send`;
  const pick = lens.step.gradient && ((y, x) => lens.pickWeight(y, x));
  return [
    el("p", { class: "what" }, isForward ? `${place}${lens.trial?.windows ? ", if it were so" : ""}` : `gradient of ${place}`),
    isForward || isWindow ? "" : el("p", { class: "quiet" }, `In each channel ${readers} back the gradient times the weight in between.`),
    factors([
      { sign: "", title: titled(from, kind), kind: `factor ${kind}`, rows: factor, range },
      { sign: "×", title: "weights", kind: "weights", rows: weights, pick },
      { sign: "=", title: "products", kind: "products", rows: products },
    ]),
    tables.length > 1 ? sums(tables.map(({ channel: c, sum: part }) => ({ name: `channel ${c}`, sum: part })), chosen, choose) : "",
    el("p", { class: "equation" }, tables.length > 1 ? "sum over channels " : "sum ", bit("sum", sum), ...added, ...result),
    isMissing ? el("p", { class: "quiet" }, sentNote(lens.page, lens.step, lens.parameters.x)) : "",
  ];
}
