const BINS = 1 << 16;

/**
 * The number below which a share of a map's absolute values lies, exactly, without sorting them.
 *
 * @param {Float32Array} values
 * @param {number} share - 0 to 1.
 * @returns {number}
 */
export function quantile(values, share) {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const counts = new Uint32Array(BINS);
  for (let i = 0; i < bits.length; i++) counts[(bits[i] & 0x7fffffff) >>> 15]++;
  let left = Math.min(Math.floor(share * values.length), values.length - 1);
  let bin = 0;
  while (left >= counts[bin]) left -= counts[bin++];
  const inside = new Float32Array(counts[bin]);
  for (let i = 0, at = 0; i < bits.length; i++) {
    if ((bits[i] & 0x7fffffff) >>> 15 === bin) inside[at++] = Math.abs(values[i]);
  }
  return inside.sort()[left];
}

/**
 * Which share of a map's absolute values is not above a value.
 *
 * @param {Float32Array} values
 * @param {number} value
 * @returns {number} 0 to 1.
 */
export function shareUpTo(values, value) {
  const limit = Math.abs(value);
  let count = 0;
  for (let i = 0; i < values.length; i++) if (Math.abs(values[i]) <= limit) count++;
  return count / values.length;
}

/**
 * Every pixel has its patch's sum.
 *
 * @param {Float32Array} values - [h, w].
 * @param {number[]} size - [h, w].
 * @param {number} side - of a patch, in pixels.
 * @returns {Float32Array} [h, w].
 */
export function patchSums(values, [height, width], side) {
  if (side <= 1) return values;
  const across = Math.ceil(width / side);
  const sums = new Float64Array(across * Math.ceil(height / side));
  const patchOf = (row, column) => Math.floor(row / side) * across + Math.floor(column / side);
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++) sums[patchOf(row, column)] += values[i++];
  }
  const spread = new Float32Array(values.length);
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++) spread[i++] = sums[patchOf(row, column)];
  }
  return spread;
}

/**
 * A map in another size, from the pixels under the same parts of the picture.
 *
 * @param {Float32Array} values
 * @param {number[]} from - [h, w].
 * @param {number[]} to - [h, w].
 * @returns {Float32Array}
 */
export function resampled(values, [height, width], [toHeight, toWidth]) {
  if (height === toHeight && width === toWidth) return values;
  const result = new Float32Array(toHeight * toWidth);
  for (let row = 0, i = 0; row < toHeight; row++) {
    const start = Math.floor(((row + 0.5) * height) / toHeight) * width;
    for (let column = 0; column < toWidth; column++) {
      result[i++] = values[start + Math.floor(((column + 0.5) * width) / toWidth)];
    }
  }
  return result;
}

/**
 * Which pixels are among a map's largest: 1 in both, 2 only in the first, 3 only in the second, 0 in none.
 *
 * @param {Float32Array} a
 * @param {Float32Array} b - of the same size.
 * @param {number} share - of the pixels that counts as large, 0 to 1.
 * @returns {{kinds: Uint8Array, iou: number}} `iou` is NaN where no pixel is large.
 */
export function overlap(a, b, share) {
  const [levelA, levelB] = [quantile(a, 1 - share), quantile(b, 1 - share)];
  const kinds = new Uint8Array(a.length);
  let [both, either] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const [valueA, valueB] = [Math.abs(a[i]), Math.abs(b[i])];
    const inA = valueA >= levelA && valueA > 0;
    const inB = valueB >= levelB && valueB > 0;
    kinds[i] = inA && inB ? 1 : inA ? 2 : inB ? 3 : 0;
    both += inA && inB;
    either += inA || inB;
  }
  return { kinds, iou: both / either };
}

/**
 * The first map less the second, each divided by its level and cut at 1, so that units do not matter.
 *
 * @returns {Float32Array} -1 to 1 for maps without a sign.
 */
export function difference(a, levelA, b, levelB) {
  const result = new Float32Array(a.length);
  const part = (value, level) => (level > 0 ? Math.max(-1, Math.min(1, value / level)) : 0);
  for (let i = 0; i < a.length; i++) result[i] = part(a[i], levelA) - part(b[i], levelB);
  return result;
}

/**
 * The outline of the pixels whose absolute value reaches a level, as the text of an SVG path in pixels.
 *
 * @param {Float32Array} values
 * @param {number[]} size - [h, w].
 * @param {number} level
 * @returns {string}
 */
export function outlinePath(values, [height, width], level) {
  const inside = (row, column) =>
    row >= 0 && column >= 0 && row < height && column < width && Math.abs(values[row * width + column]) >= level;
  const parts = [];
  for (let row = 0; row <= height; row++) {
    for (let column = 0; column < width; column++) {
      if (inside(row, column) === inside(row - 1, column)) continue;
      const start = column;
      while (column + 1 < width && inside(row, column + 1) !== inside(row - 1, column + 1)) column++;
      parts.push(`M${start} ${row}H${column + 1}`);
    }
  }
  for (let column = 0; column <= width; column++) {
    for (let row = 0; row < height; row++) {
      if (inside(row, column) === inside(row, column - 1)) continue;
      const start = row;
      while (row + 1 < height && inside(row + 1, column) !== inside(row + 1, column - 1)) row++;
      parts.push(`M${column} ${start}V${row + 1}`);
    }
  }
  return parts.join("");
}
