// Which examples a step of a training takes: the order that NumPy's generator gives for the seed and the epoch, as in Python.

// Philox 4x64 (Salmon and others, 2011), as NumPy numbers it: a counter and a key give four numbers of 64 bits.
class Philox {
  constructor([low, high], epoch) {
    this.key = [BigInt(low), BigInt(high)];
    this.counter = [0n, 0n, BigInt(epoch), 0n];
    this.left = []; // numbers of 32 bits that are not given out yet
  }

  block() {
    const word = 0xffffffffffffffffn;
    this.counter[0] += 1n;
    let [a, b, c, d] = this.counter;
    let [k, l] = this.key;
    for (let round = 0; round < 10; round += 1) {
      const first = a * 0xd2e7470ee14c6c93n;
      const second = c * 0xca5a826395121157n;
      [a, b, c, d] = [(second >> 64n) ^ b ^ k, second & word, (first >> 64n) ^ d ^ l, first & word];
      [k, l] = [(k + 0x9e3779b97f4a7c15n) & word, (l + 0xbb67ae8584caa73bn) & word];
    }
    return [a, b, c, d];
  }

  next() {
    if (!this.left.length) this.left = this.block().flatMap((x) => [Number(x & 0xffffffffn), Number(x >> 32n)]);
    return this.left.shift();
  }

  // A whole number from 0 to the last one, each as likely: as many bits as it has, drawn until they are not above it.
  upTo(last) {
    const mask = 2 ** (32 - Math.clz32(last)) - 1;
    for (;;) {
      const found = (this.next() & mask) >>> 0;
      if (found <= last) return found;
    }
  }

  permutation(count) {
    const order = Int32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i -= 1) {
      const j = this.upTo(i);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }
}

// The examples of each step; a last batch that is not full is left out, since programs have fixed shapes.
class BatchOrder {
  constructor(count, size, seed) {
    Object.assign(this, { count, size, seed, isAll: size === count, steps: Math.floor(count / size), epoch: -1 });
    this.order = Int32Array.from({ length: count }, (_, i) => i);
  }

  rows(step) {
    if (this.isAll) return this.order;
    const epoch = Math.floor(step / this.steps);
    if (epoch !== this.epoch) this.order = new Philox(this.seed, epoch).permutation(this.count);
    this.epoch = epoch;
    const from = (step % this.steps) * this.size;
    return this.order.subarray(from, from + this.size);
  }
}
