// Functions of NumPy's that are no loops: f(outs, ins, options), of arrays {dtype, shape, data} in one piece.
// calls.py says which call is which function, and with what options.

minigrad.library = (() => {
  const fail = (message) => {
    throw new minigrad.Trouble(message);
  };

  // ---------------------------------------------------------------------------------- places

  const wrapped = (i, length) => {
    const at = i < 0 ? i + length : i;
    if (!(at >= 0 && at < length)) fail(`index ${i} is out of range for an axis of ${length} elements`);
    return at;
  };

  // The elements that an index names, one after the other: see places.py.
  const places = (arrays, options) => {
    if (options.kind === "sum") {
      const start = arrays[0].data;
      const found = new Int32Array(start);
      options.axes.forEach(([stride, length], k) => {
        const index = arrays[1 + 2 * k].data;
        const each = arrays[2 + 2 * k].data;
        for (let i = 0; i < found.length; i++) found[i] += stride * wrapped(index[each[i]], length);
      });
      return found;
    }
    const { inner, length, kind } = options;
    const given = arrays[0].data;
    const rows = [];
    for (let i = 0; i < given.length; i++) {
      if (kind === "rows") rows.push(wrapped(given[i], length));
      else if (given[i]) rows.push(i);
    }
    const found = new Int32Array(rows.length * inner);
    for (let i = 0, k = 0; i < rows.length; i++) for (let j = 0; j < inner; j++) found[k++] = rows[i] * inner + j;
    return found;
  };

  const fits = (found, wanted) => {
    if (found.length !== wanted) {
      fail(`a mask chooses ${found.length} elements, and ${wanted} in the run that was recorded, whose shapes the page has`);
    }
    return found;
  };

  const writing = (change) => ([out], [x, value, ...index], options) => {
    const found = places(index, options);
    const { each, one } = options;
    out.data.set(x.data);
    if (!each && !one) fits(found, value.data.length);
    for (let i = 0; i < found.length; i++) change(out.data, found[i], value.data[one ? 0 : each ? each[i] : i]);
  };

  const take = ([out], [x, ...index], options) => {
    const found = fits(places(index, options), out.data.length);
    for (let i = 0; i < found.length; i++) out.data[i] = x.data[found[i]];
  };

  // out[i] is element number index[i], counted from 1 through all sources; 0 for number 0.
  const gather = ([out], [index, ...sources]) => {
    let first = 1;
    if (sources.length === 1) {
      const { data } = sources[0];
      for (let i = 0; i < out.data.length; i++) out.data[i] = index.data[i] ? data[index.data[i] - 1] : 0;
      return;
    }
    out.data.fill(0);
    for (const { data } of sources) {
      for (let i = 0; i < out.data.length; i++) {
        const at = index.data[i] - first;
        if (at >= 0 && at < data.length) out.data[i] = data[at];
      }
      first += data.length;
    }
  };

  const fold = ([out], [columns, index]) => {
    out.data.fill(0);
    for (let i = 0; i < columns.data.length; i++) if (index.data[i]) out.data[index.data[i] - 1] += columns.data[i];
  };

  const nonzero = (outs, [x], { flat }) => {
    const found = [];
    x.data.forEach((value, i) => value !== 0 && found.push(i));
    fits(found, outs[0].data.length);
    let step = 1;
    for (let a = outs.length - 1; a >= 0; a--) {
      const length = flat ? Infinity : x.shape[a];
      found.forEach((i, k) => (outs[a].data[k] = Math.floor(i / step) % length));
      step *= length;
    }
  };

  // ------------------------------------------------------------------------------- along an axis

  // Call f(start, step, length) for each row along an axis.
  const rows = ({ outer, length, inner }, f) => {
    for (let i = 0; i < outer; i++) for (let j = 0; j < inner; j++) f(i * length * inner + j, inner, length);
  };

  const takeAlong = ([out], [x, index], { outer, length, inner, picked }) => {
    for (let i = 0, k = 0; i < outer; i++) {
      for (let p = 0; p < picked; p++) {
        for (let j = 0; j < inner; j++, k++) out.data[k] = x.data[(i * length + wrapped(index.data[k], length)) * inner + j];
      }
    }
  };

  const putAlong = ([out], [x, index, value], { outer, length, inner, picked }) => {
    out.data.set(x.data);
    const one = value.data.length === 1;
    for (let i = 0, k = 0; i < outer; i++) {
      for (let p = 0; p < picked; p++) {
        for (let j = 0; j < inner; j++, k++) {
          out.data[(i * length + wrapped(index.data[k], length)) * inner + j] = value.data[one ? 0 : k];
        }
      }
    }
  };

  // NaN comes last; what is equal stays in its order.
  const order = (data, start, step, length) => {
    const key = (i) => data[start + i * step];
    return Int32Array.from({ length }, (_, i) => i).sort((i, j) => {
      const [x, y] = [key(i), key(j)];
      return x < y ? -1 : x > y ? 1 : x === y ? i - j : (x !== x) - (y !== y) || i - j;
    });
  };

  const argsort = ([out], [x], axis) =>
    rows(axis, (start, step, length) => order(x.data, start, step, length).forEach((i, k) => (out.data[start + k * step] = i)));

  const sort = ([out], [x], axis) =>
    rows(axis, (start, step, length) =>
      order(x.data, start, step, length).forEach((i, k) => (out.data[start + k * step] = x.data[start + i * step])));

  const extreme = (better) => ([out], [x], axis) => {
    let n = 0;
    rows(axis, (start, step, length) => {
      let best = 0;
      for (let i = 1; i < length; i++) {
        const [value, held] = [x.data[start + i * step], x.data[start + best * step]];
        if (better(value, held) || (value !== value && held === held)) best = i;
      }
      out.data[n++] = best;
    });
  };

  const cumulative = (f) => ([out], [x], axis) =>
    rows(axis, (start, step, length) => {
      if (length) out.data[start] = x.data[start];
      for (let i = 1; i < length; i++) out.data[start + i * step] = f(out.data[start + (i - 1) * step], x.data[start + i * step]);
    });

  const searchsorted = ([out], [ordered, sought], { right }) => {
    for (let i = 0; i < sought.data.length; i++) {
      const x = sought.data[i];
      const before = (y) => (right ? y <= x || x !== x : y < x || (x !== x && y === y));
      let [low, high] = [0, ordered.data.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (before(ordered.data[middle])) low = middle + 1;
        else high = middle;
      }
      out.data[i] = low;
    }
  };

  // ----------------------------------------------------------------------------------- matrices

  // Call f(matrix, others ...) for each matrix of a stack, with the parts of the other arrays that belong to it, in float64.
  const stacked = (arrays, sizes, f) => {
    const count = sizes[0] ? arrays[0].data.length / sizes[0] : 0;
    for (let i = 0; i < count; i++) {
      f(...arrays.map(({ data }, k) => Float64Array.from(data.subarray(i * sizes[k], (i + 1) * sizes[k]))));
    }
  };

  // Elimination with the largest pivots: a becomes L and U, the rows of b are exchanged as those of a; the sign of it.
  const eliminate = (a, n, b, sides) => {
    let sign = 1;
    for (let k = 0; k < n; k++) {
      let best = k;
      for (let i = k + 1; i < n; i++) if (Math.abs(a[i * n + k]) > Math.abs(a[best * n + k])) best = i;
      if (best !== k) {
        sign = -sign;
        for (let j = 0; j < n; j++) [a[k * n + j], a[best * n + j]] = [a[best * n + j], a[k * n + j]];
        for (let j = 0; j < sides; j++) [b[k * sides + j], b[best * sides + j]] = [b[best * sides + j], b[k * sides + j]];
      }
      const pivot = a[k * n + k];
      if (pivot === 0) continue;
      for (let i = k + 1; i < n; i++) {
        const factor = (a[i * n + k] /= pivot);
        for (let j = k + 1; j < n; j++) a[i * n + j] -= factor * a[k * n + j];
        for (let j = 0; j < sides; j++) b[i * sides + j] -= factor * b[k * sides + j];
      }
    }
    return sign;
  };

  // The solution of a triangular system, in the place of b.
  const backwards = (a, n, b, sides, at, lower, unit) => {
    for (let m = 0; m < n; m++) {
      const i = lower ? m : n - 1 - m;
      for (let j = 0; j < sides; j++) {
        let left = b[i * sides + j];
        for (let k = lower ? 0 : i + 1; k < (lower ? i : n); k++) left -= a[at(i, k)] * b[k * sides + j];
        b[i * sides + j] = unit ? left : left / a[at(i, i)];
      }
    }
  };

  const solved = (a, n, b, sides) => {
    eliminate(a, n, b, sides);
    for (let k = 0; k < n; k++) if (a[k * n + k] === 0) fail("a matrix is singular");
    backwards(a, n, b, sides, (i, k) => i * n + k, false, false);
    return b;
  };

  const solve = ([out], ins, { rows: n, sides }) => {
    let place = 0;
    stacked(ins, [n * n, n * sides], (a, b) => {
      out.data.set(solved(a, n, b, sides), place);
      place += n * sides;
    });
  };

  const inv = ([out], ins, { rows: n }) => {
    let place = 0;
    stacked(ins, [n * n], (a) => {
      const b = new Float64Array(n * n);
      for (let k = 0; k < n; k++) b[k * n + k] = 1;
      out.data.set(solved(a, n, b, n), place);
      place += n * n;
    });
  };

  const solveTriangular = ([out], ins, { rows: n, sides, lower, turned, unit }) => {
    let place = 0;
    stacked(ins, [n * n, n * sides], (a, b) => {
      backwards(a, n, b, sides, turned ? (i, k) => k * n + i : (i, k) => i * n + k, lower !== turned, unit);
      out.data.set(b, place);
      place += n * sides;
    });
  };

  const det = ([out], ins, { rows: n }) => {
    let place = 0;
    stacked(ins, [n * n], (a) => {
      let product = eliminate(a, n, a, 0);
      for (let k = 0; k < n; k++) product *= a[k * n + k];
      out.data[place++] = product;
    });
  };

  const slogdet = ([sign, logarithm], ins, { rows: n }) => {
    let place = 0;
    stacked(ins, [n * n], (a) => {
      let s = eliminate(a, n, a, 0);
      let total = 0;
      for (let k = 0; k < n; k++) {
        s *= Math.sign(a[k * n + k]);
        total += Math.log(Math.abs(a[k * n + k]));
      }
      sign.data[place] = s;
      logarithm.data[place++] = total;
    });
  };

  const cholesky = ([out], ins, { rows: n, upper }) => {
    let place = 0;
    stacked(ins, [n * n], (a) => {
      const of = upper ? (i, k) => a[k * n + i] : (i, k) => a[i * n + k];
      const l = new Float64Array(n * n);
      for (let i = 0; i < n; i++) {
        for (let k = 0; k <= i; k++) {
          let left = of(i, k);
          for (let m = 0; m < k; m++) left -= l[i * n + m] * l[k * n + m];
          if (i === k && !(left > 0)) fail("a matrix is not positive definite");
          l[i * n + k] = i === k ? Math.sqrt(left) : left / l[k * n + k];
        }
      }
      for (let i = 0; i < n; i++) for (let k = 0; k < n; k++) out.data[place++] = upper ? l[k * n + i] : l[i * n + k];
    });
  };

  // Householder's reflections, as LAPACK has their signs.
  const qr = (outs, ins, { rows: m, columns: n, mode }) => {
    let [placeQ, placeR] = [0, 0];
    stacked(ins, [m * n], (a) => {
      const k = Math.min(m, n);
      const width = mode === "complete" ? m : k;
      const q = new Float64Array(m * m);
      for (let i = 0; i < m; i++) q[i * m + i] = 1;
      for (let c = 0; c < k; c++) {
        let below = 0;
        for (let i = c + 1; i < m; i++) below += a[i * n + c] ** 2;
        if (below === 0) continue;
        const top = a[c * n + c];
        const length = Math.sqrt(top * top + below) * (top < 0 || Object.is(top, -0) ? 1 : -1);
        const v = new Float64Array(m);
        v[c] = 1;
        for (let i = c + 1; i < m; i++) v[i] = a[i * n + c] / (top - length);
        const tau = (length - top) / length;
        for (let j = c; j < n; j++) {
          let dot = 0;
          for (let i = c; i < m; i++) dot += v[i] * a[i * n + j];
          for (let i = c; i < m; i++) a[i * n + j] -= tau * dot * v[i];
        }
        for (let r = 0; r < m; r++) {
          let dot = 0;
          for (let i = c; i < m; i++) dot += q[r * m + i] * v[i];
          for (let i = c; i < m; i++) q[r * m + i] -= tau * dot * v[i];
        }
      }
      const [outQ, outR] = mode === "r" ? [null, outs[0]] : outs;
      if (outQ) for (let i = 0; i < m; i++) for (let j = 0; j < width; j++) outQ.data[placeQ++] = q[i * m + j];
      for (let i = 0; i < width; i++) for (let j = 0; j < n; j++) outR.data[placeR++] = j < i ? 0 : a[i * n + j];
    });
  };

  // Rotations that make columns orthogonal (Jacobi): a becomes U S of (m, n), and V is given.
  const orthogonal = (a, m, n) => {
    const v = new Float64Array(n * n);
    for (let k = 0; k < n; k++) v[k * n + k] = 1;
    for (let sweep = 0, off = 1; sweep < 60 && off > 1e-15; sweep++) {
      off = 0;
      for (let p = 0; p < n; p++) {
        for (let q = p + 1; q < n; q++) {
          let [x, y, z] = [0, 0, 0];
          for (let i = 0; i < m; i++) {
            x += a[i * n + p] ** 2;
            y += a[i * n + q] ** 2;
            z += a[i * n + p] * a[i * n + q];
          }
          if (z === 0) continue;
          off = Math.max(off, Math.abs(z) / Math.sqrt(x * y));
          const zeta = (y - x) / (2 * z);
          const t = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.hypot(1, zeta));
          const c = 1 / Math.hypot(1, t);
          for (const [array, length] of [[a, m], [v, n]]) {
            for (let i = 0; i < length; i++) {
              const [left, right] = [array[i * n + p], array[i * n + q]];
              array[i * n + p] = c * (left - t * right);
              array[i * n + q] = c * (right + t * left);
            }
          }
        }
      }
    }
    return v;
  };

  // The singular values of a, which becomes U S, and which columns' values are not taken for 0.
  const singular = (a, m, n, least) => {
    const v = orthogonal(a, m, n);
    const sizes = Array.from({ length: n }, (_, k) => {
      let total = 0;
      for (let i = 0; i < m; i++) total += a[i * n + k] ** 2;
      return Math.sqrt(total);
    });
    const largest = Math.max(...sizes);
    return { v, sizes, counts: sizes.map((size) => size > least * largest) };
  };

  const pinv = ([out], ins, { rows: m, columns: n, least }) => {
    let place = 0;
    stacked(ins, [m * n], (a) => {
      const { v, sizes, counts } = singular(a, m, n, least);
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < m; j++) {
          let total = 0;
          for (let k = 0; k < n; k++) if (counts[k]) total += (v[i * n + k] * a[j * n + k]) / sizes[k] ** 2;
          out.data[place++] = total;
        }
      }
    });
  };

  const svdvals = ([out], ins, { rows: m, columns: n }) => {
    let place = 0;
    stacked(ins, [m * n], (a) => {
      const { sizes } = singular(a, m, n, 0);
      sizes.sort((x, y) => y - x);
      for (let k = 0; k < Math.min(m, n); k++) out.data[place++] = sizes[k];
    });
  };

  const lstsq = ([x, residuals, rank, values], [a, b], { rows: m, columns: n, sides, least }) => {
    const whole = Float64Array.from(a.data);
    const { v, sizes, counts } = singular(whole, m, n, least);
    const along = new Float64Array(n);
    for (let j = 0; j < sides; j++) {
      for (let k = 0; k < n; k++) {
        along[k] = 0;
        if (counts[k]) for (let i = 0; i < m; i++) along[k] += (whole[i * n + k] * b.data[i * sides + j]) / sizes[k] ** 2;
      }
      for (let i = 0; i < n; i++) {
        let total = 0;
        for (let k = 0; k < n; k++) total += v[i * n + k] * along[k];
        if (x) x.data[i * sides + j] = total;
      }
      if (!residuals?.data.length) continue;
      let left = 0;
      for (let i = 0; i < m; i++) {
        let off = b.data[i * sides + j];
        for (let k = 0; k < n; k++) off -= whole[i * n + k] * along[k];
        left += off * off;
      }
      residuals.data[j] = left;
    }
    if (rank) rank.data[0] = counts.filter(Boolean).length;
    sizes.sort((p, q) => q - p);
    if (values) values.data.set(sizes.slice(0, values.data.length));
  };

  // Rows of a that are exchanged for each pivot, and L and U in one array.
  const factored = (a, m, n) => {
    const pivots = [];
    for (let k = 0; k < Math.min(m, n); k++) {
      let best = k;
      for (let i = k + 1; i < m; i++) if (Math.abs(a[i * n + k]) > Math.abs(a[best * n + k])) best = i;
      pivots.push(best);
      for (let j = 0; j < n; j++) [a[k * n + j], a[best * n + j]] = [a[best * n + j], a[k * n + j]];
      if (a[k * n + k] === 0) continue;
      for (let i = k + 1; i < m; i++) {
        const factor = (a[i * n + k] /= a[k * n + k]);
        for (let j = k + 1; j < n; j++) a[i * n + j] -= factor * a[k * n + j];
      }
    }
    return pivots;
  };

  const luFactor = ([both, exchanged], ins, { rows: m, columns: n }) => {
    let [place, placePivots] = [0, 0];
    stacked(ins, [m * n], (a) => {
      for (const pivot of factored(a, m, n)) if (exchanged) exchanged.data[placePivots++] = pivot;
      if (both) both.data.set(a, place);
      place += m * n;
    });
  };

  const lu = ([p, l, u], ins, { rows: m, columns: n }) => {
    if (p) p.data.fill(0);
    const k = Math.min(m, n);
    let count = 0;
    stacked(ins, [m * n], (a) => {
      const order = Array.from({ length: m }, (_, i) => i);
      factored(a, m, n).forEach((pivot, i) => ([order[i], order[pivot]] = [order[pivot], order[i]]));
      if (p) order.forEach((row, i) => (p.data[count * m * m + row * m + i] = 1));
      for (let i = 0; i < m && l; i++) {
        for (let j = 0; j < k; j++) l.data[(count * m + i) * k + j] = i === j ? 1 : j < i ? a[i * n + j] : 0;
      }
      for (let i = 0; i < k && u; i++) {
        for (let j = 0; j < n; j++) u.data[(count * k + i) * n + j] = j < i ? 0 : a[i * n + j];
      }
      count++;
    });
  };

  const lfilter = ([out], [b, a, x], axis) =>
    rows(axis, (start, step, length) => {
      for (let i = 0; i < length; i++) {
        let total = 0;
        for (let k = 0; k < b.data.length && k <= i; k++) total += b.data[k] * x.data[start + (i - k) * step];
        for (let k = 1; k < a.data.length && k <= i; k++) total -= a.data[k] * out.data[start + (i - k) * step];
        out.data[start + i * step] = total / a.data[0];
      }
    });

  // x = part 2^exponent with part from 1/2 to 1.
  const frexp = ([part, exponent], [x]) =>
    x.data.forEach((value, i) => {
      let n = value === 0 || value - value !== 0 ? 0 : Math.floor(Math.log2(Math.abs(value))) + 1;
      let left = minigrad.helpers.ldexp(value, -n);
      if (Math.abs(left) >= 1 && left - left === 0) [left, n] = [left / 2, n + 1];
      if (left !== 0 && Math.abs(left) < 0.5) [left, n] = [left * 2, n - 1];
      if (part) part.data[i] = left;
      if (exponent) exponent.data[i] = n;
    });

  // The next float64 on the way from x to y.
  const nextafter = ([out], [x, y]) => {
    const bits = new BigInt64Array(1);
    const value = new Float64Array(bits.buffer);
    for (let i = 0; i < out.data.length; i++) {
      const [from, to] = [x.data[i], y.data[i]];
      value[0] = from;
      if (from === 0 && to !== 0) {
        bits[0] = 1n;
        if (to < 0) value[0] = -value[0];
      } else if (from !== to) bits[0] += to > from === from > 0 ? 1n : -1n;
      out.data[i] = from !== from || to !== to ? NaN : from === to ? to : value[0];
    }
  };

  const modf = ([part, whole], [x]) =>
    x.data.forEach((value, i) => {
      const t = Math.trunc(value);
      if (part) part.data[i] = minigrad.helpers.copysign(Math.abs(value) === Infinity ? 0 : value - t, value);
      if (whole) whole.data[i] = t;
    });

  return {
    gather, take, put: writing((data, at, x) => (data[at] = x)), add: writing((data, at, x) => (data[at] += x)), fold, nonzero,
    take_along: takeAlong, put_along: putAlong, argsort, sort, argmax: extreme((x, y) => x > y), argmin: extreme((x, y) => x < y),
    cumsum: cumulative((x, y) => x + y), cumprod: cumulative((x, y) => x * y), searchsorted, solve, inv,
    solve_triangular: solveTriangular, det, slogdet, cholesky, qr, pinv,
    svdvals, lstsq, lu, lu_factor: luFactor, lfilter, modf, frexp, nextafter,
  };
})();
