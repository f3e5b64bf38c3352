/**
 * A number to three digits.
 *
 * @param {number} value
 * @returns {string}
 */
export function numberText(value) {
  if (!Number.isFinite(value)) return "none";
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e5 ? String(Number(value.toPrecision(3))) : value.toExponential(2);
}

/**
 * What a network, or the truth, says at a pixel.
 *
 * @param {{names: string[]|null, unit: string, digits: number}} form - of the answer's head.
 * @param {{data: TypedArray, shape: number[]}} array - [h, w] or [h, w, n].
 * @param {number[]} pixel - [row, column].
 * @returns {string}
 */
export function answerText({ names, unit, digits }, { data, shape }, [row, column]) {
  const count = shape.length > 2 ? shape[2] : 1;
  const start = (row * shape[1] + column) * count;
  const values = Array.from(data.subarray(start, start + count));
  if (names) return names[values[0]] || "none";
  if (values.some(Number.isNaN)) return "none";
  const text = values.map((value) => value.toFixed(digits)).join(", ");
  return unit ? `${text} ${unit}` : text;
}

/**
 * Bytes for a person.
 *
 * @param {number} bytes
 * @returns {string}
 */
export function bytesText(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
